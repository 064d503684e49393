"""What is recorded of the everyday work: topics, steps forward, other actors, categories, close follow-up."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from marshmallow import ValidationError

from kundval_assignment.domain.attention import attention
from kundval_assignment.domain.work import involved
from kundval_contracts.activities import COMMON_ACTIVITIES
from kundval_contracts.codes import ActivityCategory, Actor, ExitKind, LabourMarketTopic, Programme, WorkplaceKind
from kundval_contracts.events import fact_event
from kundval_contracts.exits import EXITS
from kundval_contracts.facts import load_fact
from kundval_contracts.profiles import profiles
from kundval_contracts.settings import SettingsFault
from tests.acceptance.builders import fact

from . import lives
from .lives import AGREEMENT, SIGNED, live, refusals


def told(row: dict[str, Any]) -> dict[str, Any]:
    """The event of a fact."""
    return fact_event("A-1", load_fact(row, 0), 1)


@pytest.mark.rule("AMI-1.2-a")
def test_work_studies_and_own_business_are_the_goal() -> None:
    families = {row.family for row in EXITS.values() if row.bonus}
    assert families == {"WORK", "STUDY", "BUSINESS"}
    assert {EXITS[kind].family for kind in ExitKind} == families | {"OTHER"}


@pytest.mark.rule("AMI-1.2-c")
def test_progress_towards_the_goal_is_recorded_and_its_words_stay_here() -> None:
    row = fact("2024-05-02", "progress_step", kind="TOWARDS_GOAL", before="shy on the phone", after="calls employers")
    assert live([*lives.ACTIVE, row]).rejections == ()
    event = told(row)
    assert event["kind"] == "TOWARDS_GOAL" and event["before"] is True and event["after"] is True


@pytest.mark.rule("AMI-5-a")
def test_guidance_names_topics_of_the_nine_or_others() -> None:
    assert len(set(LabourMarketTopic) - {LabourMarketTopic.OTHER}) == 9
    row = fact("2024-05-02", "work_guidance", topics=["CV_AND_COVER_LETTER", "REFERENCES"])
    assert live([*lives.ACTIVE, row]).rejections == ()
    with pytest.raises(ValidationError) as faults:
        load_fact(fact("2024-05-02", "work_guidance", topics=["ASTROLOGY"]), 0)
    assert "topics" in faults.value.messages_dict


@pytest.mark.rule("LOKA-27")
def test_the_wish_and_the_agreed_goal_are_kept_apart_and_told_to_nobody() -> None:
    row = fact("2024-04-10", "plan_done", wish="pilot", goal="baggage handler")
    loaded = load_fact(row, 0)
    assert (loaded["wish"], loaded["goal"]) == ("pilot", "baggage handler")
    assert told(row)["wish"] is True and "pilot" not in str(told(row))


@pytest.mark.rule("LOKA-30")
def test_a_broken_plan_is_told_with_its_reason_and_changes_nothing() -> None:
    row = fact("2024-05-02", "plan_broken", reason="JOB_SEARCH_TOO_NARROW")
    assert live([*lives.ACTIVE, row]).state == live(lives.ACTIVE).state
    assert told(row)["reason"] == "JOB_SEARCH_TOO_NARROW"


@pytest.mark.rule("NACKA-25", "LOKA-34")
def test_other_actors_are_those_last_said_to_be_involved_and_who_referred() -> None:
    found = live(
        [
            fact("2024-02-01", "referred", source="PROJECT", financier="ESF", referrer="REGION"),
            fact("2024-02-02", "other_actor", actor="FK", involved=True, purpose="sickness benefit"),
            fact("2024-02-03", "other_actor", actor="HEALTH_CARE", involved=True),
            fact("2024-02-04", "other_actor", actor="FK", involved=False),
        ]
    )
    assert involved(found.after) == {Actor.REGION, Actor.HEALTH_CARE}
    event = told(fact("2024-02-02", "other_actor", actor="HEALTH_CARE", involved=True, purpose="p"))
    assert event["actor"] is True and "HEALTH" not in str(event)


@pytest.mark.rule("NACKA-9")
def test_preparing_interventions_have_no_tariff_and_are_the_municipalitys_own() -> None:
    own = {programme for programme in Programme if programme.is_local}
    assert own == {Programme.PREPARING, Programme.LIFE_COORDINATION, Programme.LOCAL}
    assert not any(one.is_ami or one.is_jobbpeng or one.is_som or one.is_rum for one in own)


@pytest.mark.rule("LOKA-66")
def test_places_in_municipality_business_and_associations_are_external() -> None:
    assert {kind for kind in WorkplaceKind if not kind.is_external} == {WorkplaceKind.ARENA, WorkplaceKind.WORK_GROUP}


# --- categories ----------------------------------------------------------------------------------------


def planned(activity: str, category: str, **more: Any) -> dict[str, Any]:
    return fact("2024-05-02", "activity_planned", activity=activity, category=category, **more)


@pytest.mark.rule("LOKA-17", "LOKA-28", "LOKA-31", "LOKA-33", "LOKA-45")
@pytest.mark.parametrize("activity", list(COMMON_ACTIVITIES))
@pytest.mark.parametrize("what", ["activity_planned", "activity_held"])
def test_what_the_report_names_stands_under_its_category_only(activity: str, what: str) -> None:
    for category in ActivityCategory:
        found = live([*lives.ACTIVE, fact("2024-05-02", what, activity=activity, category=category)])
        fits = COMMON_ACTIVITIES[activity] is category
        assert refusals(found) == ([] if fits else [("CONTENTS_MISSING", ("LOKA-17",))])


def test_all_five_categories_have_contents_and_the_list_is_open() -> None:
    assert set(COMMON_ACTIVITIES.values()) == set(ActivityCategory)
    assert live([*lives.ACTIVE, planned("juggling", "COACH")]).rejections == ()


@pytest.mark.rule("LOKA-62")
def test_a_person_states_the_criteria_that_nothing_else_shows() -> None:
    activity = profiles()["harnosand"].activities["sambandet"]
    assert activity.admission is not None
    category = activity.category or ActivityCategory.COORDINATE
    life = [
        fact("2024-02-01", "referred", source="FK", override_reason="joint group"),
        fact("2024-02-05", "preparation_opened"),
        fact("2024-02-10", "prepared", relevant=True, purpose="p", parties=["EB", "LABOUR_MARKET_UNIT"]),
        fact("2024-02-12", "assessed", channel="IN_PERSON", needs=["COORDINATED_INTERVENTIONS"]),
        fact("2024-02-12", "other_actor", actor="FK", involved=True),
        fact("2024-02-12", "other_actor", actor="HEALTH_CARE", involved=True),
        fact("2024-02-20", "decided"),
        fact("2024-02-21", "unit_assigned", unit=next(iter(profiles()["harnosand"].units))),
    ]
    where = {"municipality": "harnosand", "programme": "LOCAL"}
    assert refusals(live([*life, planned("sambandet", category)], **where)) == [("NOT_ADMITTED", ("LOKA-62",))]
    stated = planned("sambandet", category, criteria=list(activity.admission.criteria))
    assert refusals(live([*life, stated], **where)) == []
    assert told(stated)["criteria"] is True


# --- practice is followed up closely -------------------------------------------------------------------

#: Monday 2024-04-15 begins the week; AMI 1 decided 2024-03-15 runs to 2024-06-13
PRACTICE = fact(
    "2024-04-12",
    "placement_started",
    workplace="W9",
    hours_per_week="30",
    signatures=SIGNED,
    agreement=AGREEMENT,
    kind="PRACTICE",
    judged_needed_by="PROVIDER",
    hire_intended=True,
)
AMI_1 = (
    *lives.IN_ASSESSMENT,
    fact("2024-02-20", "assessed", channel="IN_PERSON"),
    fact("2024-02-21", "af_checked", result="NONE_SUITABLE"),
    fact(lives.D, "decided", reason="r"),
    fact("2024-03-16", "results_shown", snapshot="s-1"),
    fact("2024-03-18", "provider_chosen", provider="alfa"),
    fact("2024-03-20", "accepted"),
    fact("2024-03-28", "started"),
    fact("2024-04-02", "mapping_done"),
)


def looked_at(*facts: dict[str, Any], today: str) -> set[str]:
    found = live([*AMI_1, *facts], today, programme="AMI_1", who=lives.person(work_ability_pct=100))
    assert found.rejections == ()
    return {one.kind.value for one in attention(found.after, found.terms, date.fromisoformat(today))}


@pytest.mark.rule("AMI-7.3-d")
@pytest.mark.parametrize(
    ("client_met", "employer_met", "missing"),
    [(True, True, False), (True, False, True), (False, True, True), (False, False, True)],
)
def test_practice_wants_contact_with_client_and_employer_in_each_whole_week(
    client_met: bool, employer_met: bool, missing: bool
) -> None:
    contacts = [
        fact("2024-04-17", "contact", channel="IN_PERSON", party=party)
        for party, met in (("CLIENT", client_met), ("WORKPLACE", employer_met))
        if met
    ]
    assert ("PRACTICE_NOT_FOLLOWED_UP" in looked_at(PRACTICE, *contacts, today="2024-04-22")) is missing
    # the week in which it began is not a whole one, and the one in hand is not over
    assert "PRACTICE_NOT_FOLLOWED_UP" not in looked_at(PRACTICE, *contacts, today="2024-04-21")


@pytest.mark.rule("AMI-7.3-a", "AMI-7.3-b", "AMI-7.3-c")
@pytest.mark.parametrize(("until", "late"), [("2024-06-12", False), ("2024-06-13", False), ("2024-06-14", True)])
def test_practice_beyond_the_end_is_a_warning_and_no_refusal(until: str, late: bool) -> None:
    # `until` is exclusive, as the end of the intervention is: 2024-06-13
    found = looked_at({**PRACTICE, "until": until}, today="2024-04-13")
    assert ("PRACTICE_BEYOND_END" in found) is late
    assert "PRACTICE_NOT_JUDGED_NEEDED" not in found
    unasked = {key: value for key, value in PRACTICE.items() if key not in ("judged_needed_by", "hire_intended")}
    assert {"PRACTICE_NOT_JUDGED_NEEDED", "HIRING_NOT_INTENDED"} <= looked_at(unasked, today="2024-04-13")


# --- placements of a municipality's own process --------------------------------------------------------


@pytest.mark.rule("LOKA-67")
@pytest.mark.parametrize(
    ("contacts", "due"),
    [
        ([], "2024-04-19"),
        (["2024-04-18"], "2024-04-25"),
        (["2024-04-18", "2024-04-25"], "2024-05-09"),
        (["2024-04-18", "2024-04-25", "2024-05-09"], "2024-06-06"),
        (["2024-04-18", "2024-04-25", "2024-05-09", "2024-06-06"], "2024-07-04"),
    ],
)
def test_follow_ups_of_a_placement_are_closer_at_first(contacts: list[str], due: str) -> None:
    life = [
        *lives.REFERRED,
        fact("2024-02-05", "preparation_opened"),
        fact("2024-02-10", "prepared", relevant=True, purpose="p", parties=["EB", "LABOUR_MARKET_UNIT"]),
        fact("2024-02-20", "decided"),
        fact("2024-02-21", "unit_assigned", unit=next(iter(profiles()["harnosand"].units))),
        fact("2024-02-22", "mapping_done"),
        fact("2024-02-23", "started"),
        fact("2024-04-12", "placement_started", workplace="W9"),
        *(fact(day, "contact", party="WORKPLACE") for day in contacts),
    ]

    def wanted(today: date) -> list[date]:
        found = live(life, today.isoformat(), municipality="harnosand", programme="LOCAL")
        assert found.rejections == ()
        return [one.since for one in attention(found.after, found.terms, today) if one.rules == ("LOKA-67",)]

    day = date.fromisoformat(due)
    assert wanted(day) == []
    assert wanted(day + timedelta(days=1)) == [day]


@pytest.mark.rule("LOKA-67")
def test_follow_ups_never_become_closer_again() -> None:
    with pytest.raises(SettingsFault, match="none of which is less"):
        lives.tenant(**{"placement.followup_schedule_days": [7, 14, 7]})
    assert lives.tenant(**{"placement.followup_schedule_days": [14]}).settings["placement.followup_schedule_days"] == (
        14,
    )


# --- no choice -----------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7")
@pytest.mark.parametrize(("today", "reminded"), [("2024-03-29", False), ("2024-03-30", True), ("2024-03-31", True)])
def test_who_has_not_chosen_in_time_is_shown_to_the_career_guide(today: str, reminded: bool) -> None:
    found = live(lives.AWAITING_CHOICE, today, **{"choice.days": 14})
    kinds = {one.kind.value for one in attention(found.after, found.terms, date.fromisoformat(today))}
    assert ("NOT_CHOSEN" in kinds) is reminded
    # without a time set by the municipality there is none to keep, and who has chosen is not reminded
    unset = live(lives.AWAITING_CHOICE, today)
    assert attention(unset.after, unset.terms, date.fromisoformat(today)) == ()
    chosen = live(lives.OFFERED, today, **{"choice.days": 14})
    assert attention(chosen.after, chosen.terms, date.fromisoformat(today)) == ()
