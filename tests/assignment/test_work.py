"""The work itself: the guards of SM-A7 to SM-A18 and SM-A30, each by the card of its rule."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kundval_assignment.domain.work import consent_holds, handoff
from kundval_contracts.codes import AssignmentState, ConsentScope, Programme
from kundval_contracts.som import track_on
from kundval_contracts.timeline import Timeline
from tests.acceptance.builders import broke_off, exited, fact, manual

from . import lives
from .lives import ACTIVE, AGREEMENT, SIGNED, D, live, person, refusals
from .own_profiles import changed

S = AssignmentState
DAY = "2024-05-06"
#: the same life without a road: what a caseload file tells
PLAIN = (
    fact(D, "decided"),
    fact(D, "results_shown"),
    fact(D, "provider_chosen", provider="alfa"),
    fact(D, "accepted"),
    fact("2024-03-28", "started"),
)


def then(*facts: Any, before: Any = ACTIVE, **more: Any) -> list[tuple[str, tuple[str, ...]]]:
    return refusals(live([*before, *facts], **more))


def place(on: str = DAY, workplace: str = "W9", hours: str = "20", **fields: Any) -> dict[str, Any]:
    return fact(
        on,
        "placement_started",
        **{"workplace": workplace, "hours_per_week": hours, "signatures": SIGNED, "agreement": AGREEMENT, **fields},
    )


# --- mapping and guidance ------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3.1-a", "LOKA-21")
@pytest.mark.parametrize(
    ("contents", "complete"),
    [
        ({"experience": "e", "competences": "c", "strengths": "s"}, True),
        ({"experience": "e", "competences": "c", "strengths": "s", "education": "x", "interests": "i"}, True),
        ({"experience": "e", "competences": "c"}, False),
        ({"competences": "c", "strengths": "s"}, False),
        ({"experience": "e", "competences": "c", "strengths": ""}, False),
        ({"education": "x", "earlier_interventions": "y"}, False),
        ({}, True),
        ({"experience": None, "competences": None, "strengths": None}, True),
    ],
)
def test_a_mapping_that_says_something_says_the_three_things(contents: dict[str, Any], complete: bool) -> None:
    expected = [] if complete else [("CONTENTS_MISSING", ("AMI-3.1-a",))]
    assert then(fact(DAY, "mapping_done", **contents)) == expected
    assert then(fact(DAY, "mapping_done", **contents), before=PLAIN) == expected


@pytest.mark.rule("AMI-4.2-b", "AMI-4.2-c")
@pytest.mark.parametrize("channel", ["OWN_COUNSELLOR", "SCHOOL", "MUNICIPAL_COUNSELLOR", None])
@pytest.mark.parametrize("missing", ["knows_study_aid", "knows_forms_of_study", "knows_courses", None])
def test_guidance_through_a_channel_says_all_that_the_client_knows_afterwards(
    channel: str | None, missing: str | None
) -> None:
    known = {"knows_study_aid": True, "knows_forms_of_study": False, "knows_courses": True}
    known.pop(missing or "", None)
    row = fact(DAY, "study_guidance", **({"channel": channel} if channel else {}), **known)
    legal = channel is None or missing is None
    assert then(row) == ([] if legal else [("CONTENTS_MISSING", ("AMI-4.2-c",))])


def test_guidance_of_a_caseload_needs_no_fields() -> None:
    assert then(fact(DAY, "study_guidance"), fact(DAY, "work_guidance"), before=PLAIN) == []


# --- activities ------------------------------------------------------------------------------------------------


def local(*facts: Any, municipality: str = "kramfors", born: str = "1990-05-17", **referral: Any) -> Any:
    """A life in a municipality's own process, assessed with these facts, up to the start."""
    unit = {"kramfors": "kontor", "harnosand": "sambandet", "ornskoldsvik": "startpunkten"}[municipality]
    return live(
        [
            fact("2024-02-01", "referred", **{"source": "EB", **referral}),
            fact("2024-02-02", "preparation_opened"),
            fact("2024-02-03", "prepared", relevant=True, purpose="p", parties=["EB", "LABOUR_MARKET_UNIT"]),
            *(one for one in facts if one["fact"] in ("assessed", "other_actor")),
            fact(D, "decided"),
            fact(D, "unit_assigned", unit=unit),
            *(one for one in facts if one["fact"] not in ("assessed", "other_actor")),
        ],
        programme="LOCAL",
        municipality=municipality,
        who=person(birth_date=born),
    )


def assessment(*obstacles: str, needs: tuple[str, ...] = ()) -> dict[str, Any]:
    return fact("2024-02-10", "assessed", channel="IN_PERSON", obstacles=list(obstacles), needs=list(needs))


def partners(*actors: str) -> list[dict[str, Any]]:
    return [fact("2024-02-11", "other_actor", actor=actor, involved=True) for actor in actors]


NOT_ADMITTED = [("NOT_ADMITTED", ("LOKA-62",))]


@pytest.mark.rule("LOKA-62")
@pytest.mark.parametrize(
    ("born", "admitted"),
    [("2006-02-01", True), ("2006-02-02", False), ("1958-02-02", True), ("1958-02-01", False)],
)
def test_samkraft_takes_those_of_18_to_65_on_the_day_of_the_referral(born: str, admitted: bool) -> None:
    found = local(
        assessment("COGNITIVE", needs=("COORDINATED_INTERVENTIONS",)),
        *partners("AF"),
        fact("2024-06-01", "activity_planned", activity="samkraft", category="COORDINATE"),
        born=born,
    )
    assert refusals(found) == ([] if admitted else NOT_ADMITTED)


@pytest.mark.rule("LOKA-62")
@pytest.mark.parametrize(
    ("obstacles", "needs", "contacts", "admitted"),
    [
        (("MENTAL_HEALTH",), ("COORDINATED_INTERVENTIONS",), ("AF", "FK"), True),
        (("MENTAL_HEALTH",), ("COORDINATED_INTERVENTIONS",), ("REGION",), True),  # with the municipality that refers
        (("MENTAL_HEALTH",), ("COORDINATED_INTERVENTIONS",), (), False),
        (("MENTAL_HEALTH",), ("COORDINATED_INTERVENTIONS",), ("EMPLOYER", "HOUSING_SUPPORT"), False),
        (("MENTAL_HEALTH",), (), ("AF", "FK"), False),
        ((), ("COORDINATED_INTERVENTIONS",), ("AF", "FK"), False),
        ((), ("COORDINATED_INTERVENTIONS", "WORK_TRAINING"), ("AF", "FK"), False),
    ],
)
def test_samkraft_asks_for_complex_needs_coordination_and_two_partners(
    obstacles: Any, needs: Any, contacts: Any, admitted: bool
) -> None:
    found = local(
        assessment(*obstacles, needs=needs),
        *partners(*contacts),
        fact("2024-06-01", "activity_planned", activity="samkraft", category="COORDINATE"),
    )
    assert refusals(found) == ([] if admitted else NOT_ADMITTED)


@pytest.mark.rule("LOKA-62", "LOKA-4")
@pytest.mark.parametrize(
    ("referral", "admitted"),
    [
        ({"source": "EB"}, True),
        ({"source": "AF", "override_reason": "r"}, True),
        ({"source": "PROJECT", "financier": "ESF", "referrer": "PROBATION"}, True),
        ({"source": "PROJECT", "financier": "ESF", "referrer": "HEALTH_CARE"}, False),
        ({"source": "SELF"}, False),
    ],
)
def test_stegsam_takes_young_people_whom_one_of_five_has_referred(referral: dict[str, Any], admitted: bool) -> None:
    planned = fact("2024-06-01", "activity_planned", activity="stegsam", category="COACH")
    assert refusals(local(planned, born="2000-01-01", **referral)) == ([] if admitted else NOT_ADMITTED)


@pytest.mark.rule("LOKA-62")
@pytest.mark.parametrize(
    ("born", "admitted"), [("1994-02-02", True), ("1994-02-01", False), ("2008-02-01", True), ("2008-02-02", False)]
)
def test_stegsam_takes_those_of_16_to_29(born: str, admitted: bool) -> None:
    planned = fact("2024-06-01", "activity_planned", activity="stegsam", category="COACH")
    assert refusals(local(planned, born=born)) == ([] if admitted else NOT_ADMITTED)


@pytest.mark.rule("LOKA-62")
def test_what_no_assessment_shows_is_stated_as_met() -> None:
    stated = ["BETWEEN_THE_STOOLS", "STRENGTHENING", "DECIDED_BY_PREPARATION_GROUP"]
    planned = fact("2024-06-01", "activity_planned", activity="sambandet", category="COORDINATE")
    before = [assessment("MENTAL_HEALTH", needs=("COORDINATED_INTERVENTIONS",)), *partners("FK", "AF")]
    assert refusals(local(*before, {**planned, "criteria": stated}, municipality="harnosand")) == []
    assert refusals(local(*before, {**planned, "criteria": stated[:2]}, municipality="harnosand")) == NOT_ADMITTED
    assert refusals(local(*before, planned, municipality="harnosand")) == NOT_ADMITTED


@pytest.mark.rule("LOKA-62", "LOKA-11")
def test_the_refusal_does_not_say_what_is_missing_of_health() -> None:
    planned = fact("2024-06-01", "activity_planned", activity="ateljen", category="EQUIP")
    (one,) = local(planned, municipality="ornskoldsvik", born="2000-01-01").rejections
    assert one.rules == ("LOKA-62",)
    assert "MENTAL" not in one.message and "2000" not in one.message
    ok = local(assessment("MENTAL_HEALTH"), planned, municipality="ornskoldsvik", born="2000-01-01")
    assert ok.rejections == ()


@pytest.mark.rule("LOKA-17")
def test_an_activity_of_the_catalogue_has_its_category_and_one_without_takes_any() -> None:
    right = fact("2024-06-01", "activity_planned", activity="systuga", category="EQUIP")
    wrong = fact("2024-06-01", "activity_planned", activity="systuga", category="COACH")
    assert refusals(local(right)) == []
    assert refusals(local(wrong)) == [("CONTENTS_MISSING", ("LOKA-17",))]
    for category in ("MAP_AND_ASSESS", "COACH", "EQUIP", "COORDINATE", "REPRESENT"):
        assert refusals(local(fact("2024-06-01", "activity_planned", activity="svenskaprat", category=category))) == []


@pytest.mark.rule("LOKA-17", "LOKA-18")
def test_an_activity_says_its_category_who_delivers_it_and_whether_it_is_bought() -> None:
    row = fact(
        DAY, "activity_held", activity="our-own", category="COACH", delivered_by="SYV", purchased=True, minutes=45
    )
    kept = live([*ACTIVE, row]).in_effect[-1]
    assert (kept["category"], kept["delivered_by"], kept["purchased"], kept["minutes"]) == ("COACH", "SYV", True, 45)


@pytest.mark.rule("AMI-3-d", "LOKA-32")
def test_attendance_belongs_to_a_group_activity_that_was_planned() -> None:
    there = fact(DAY, "group_attendance", activity="esl", session="1", attended=True)
    group = fact("2024-05-01", "activity_planned", activity="esl", category="EQUIP", group=True)
    alone = fact("2024-05-01", "activity_planned", activity="esl", category="EQUIP", group=False)
    missing = [("STEP_OUT_OF_ORDER", ("AMI-3-d",))]
    assert then(there) == missing
    assert then(alone, there) == missing
    assert then({**group, "activity": "other"}, there) == missing
    absent = fact(DAY, "group_attendance", activity="esl", session="2", attended=False, excused=True)
    assert then(group, there, absent) == []


# --- placements --------------------------------------------------------------------------------------------------

STEPS = ["IDENTIFIED", "EMPLOYER_CONTACTED", "VISIT_PLANNED", "VISIT_HELD", "BOTH_ASKED"]


def step(kind: str, workplace: str = "W9", **fields: Any) -> dict[str, Any]:
    asked = {"participant_positive": True, "employer_positive": True} if kind == "BOTH_ASKED" else {}
    return fact("2024-05-01", "placement_step", **{"workplace": workplace, "step": kind, **asked, **fields})


@pytest.mark.rule("LOKA-35")
@pytest.mark.parametrize("done", range(5))
@pytest.mark.parametrize("wanted", range(5))
def test_the_steps_to_a_workplace_follow_each_other(done: int, wanted: int) -> None:
    """`done` steps are told; one more may follow, and any of them may be told again."""
    found = then(*(step(kind) for kind in STEPS[:done]), step(STEPS[wanted]))
    assert found == ([] if wanted <= done else [("STEP_OUT_OF_ORDER", ("LOKA-35",))])


@pytest.mark.rule("LOKA-35")
def test_each_workplace_has_its_own_steps() -> None:
    assert then(step("IDENTIFIED"), step("EMPLOYER_CONTACTED", workplace="W1")) == [("STEP_OUT_OF_ORDER", ("LOKA-35",))]


@pytest.mark.rule("LOKA-35")
@pytest.mark.parametrize("silent", ["participant_positive", "employer_positive"])
def test_both_are_asked(silent: str) -> None:
    before = [step(kind) for kind in STEPS[:4]]
    asked = {name: value for name, value in step("BOTH_ASKED").items() if name != silent}
    assert then(*before, asked) == [("CONTENTS_MISSING", ("LOKA-35",))]


@pytest.mark.rule("LOKA-35")
@pytest.mark.parametrize(
    ("participant", "employer", "legal"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_an_agreement_is_signed_when_both_are_positive(participant: bool, employer: bool, legal: bool) -> None:
    before = [step(kind) for kind in STEPS[:4]]
    asked = step("BOTH_ASKED", participant_positive=participant, employer_positive=employer)
    expected = [] if legal else [("NOT_BOTH_POSITIVE", ("LOKA-35",))]
    assert then(*before, asked, place()) == expected
    # another workplace is another matter, and a new answer takes the place of the old one
    assert then(*before, asked, place(workplace="W2")) == []
    assert then(*before, asked, step("BOTH_ASKED"), place()) == []


@pytest.mark.rule("AMI-6.2-a")
def test_a_match_rests_on_a_mapping() -> None:
    unmapped = [one for one in ACTIVE if one["fact"] != "mapping_done"]
    assert then(place(), before=unmapped) == [("MAPPING_MISSING", ("AMI-6.2-a",))]
    assert then(fact(DAY, "mapping_done"), place(), before=unmapped) == []
    assert then(place(), fact(DAY, "mapping_done"), before=unmapped) == [("MAPPING_MISSING", ("AMI-6.2-a",))]


@pytest.mark.rule("AMI-6.2-a", "LOKA-22")
def test_where_no_mapping_is_made_a_match_needs_none() -> None:
    unmapped = [one for one in ACTIVE if one["fact"] != "mapping_done"]
    assert then(place(), before=unmapped, municipality="kungsbacka") == []
    assert then(place(), before=unmapped, municipality="molndal") == [("MAPPING_MISSING", ("AMI-6.2-a",))]


@pytest.mark.rule("LOKA-22")
@pytest.mark.parametrize(
    ("municipality", "programme", "unit", "legal"),
    [
        ("kungsbacka", "LOCAL", "pou", True),
        ("lilla_edet", "LOCAL", "arbetscentrum", False),
        ("lilla_edet", "LIFE_COORDINATION", "arbetscentrum", True),
    ],
)
def test_a_municipalitys_own_process_begins_with_a_mapping_unless_its_profile_has_none(
    municipality: str, programme: str, unit: str, legal: bool
) -> None:
    begin = [fact(D, "decided"), fact(D, "unit_assigned", unit=unit)]
    who = person(work_ability_pct=20)
    started = fact("2024-03-20", "started")
    found = live([*begin, started], programme=programme, municipality=municipality, who=who)
    assert refusals(found) == ([] if legal else [("MAPPING_MISSING", ("LOKA-22",))])
    mapped = live(
        [*begin, fact("2024-03-20", "mapping_done"), started], programme=programme, municipality=municipality, who=who
    )
    assert mapped.state is S.ACTIVE


@pytest.mark.rule("AMI-6.3.1-a", "AMI-6.3.1-c")
@pytest.mark.parametrize("before", [ACTIVE, PLAIN], ids=["on the road", "off the road"])
@pytest.mark.parametrize("lacking", [None, *SIGNED, *AGREEMENT])
def test_a_placement_is_signed_by_three_and_says_three_things(before: Any, lacking: str | None) -> None:
    signatures = [one for one in SIGNED if one != lacking]
    agreement = {name: value for name, value in AGREEMENT.items() if name != lacking}
    rule = None if lacking is None else "AMI-6.3.1-a" if lacking in SIGNED else "AMI-6.3.1-c"
    found = then(place(signatures=signatures, agreement=agreement), before=before)
    assert found == ([("AGREEMENT_INCOMPLETE", (rule,))] if rule else [])


@pytest.mark.parametrize("hours", ["9.5", "10.0"])
def test_a_placement_of_few_hours_is_recorded_all_the_same_reading_39(hours: str) -> None:
    assert then(place(hours=hours), before=PLAIN) == []


@pytest.mark.rule("AMI-6.3.1-d")
@pytest.mark.parametrize("month", [2, 3, 4])
@pytest.mark.parametrize("attached", [True, False])
def test_a_change_of_the_agreement_goes_with_the_report_of_its_month(month: int, attached: bool) -> None:
    """Months count from D: the change of 20 May belongs to month 3, from 15 May to 14 June."""
    changed = [place("2024-04-08"), place("2024-05-20", hours="25")]
    report = fact("2024-07-15", "monthly_report", month=month, attachments=["change-1"] if attached else [])
    legal = attached or month != 3
    assert then(*changed, report) == ([] if legal else [("ATTACHMENT_MISSING", ("AMI-6.3.1-d",))])


# --- reports: deviations and a narrow search for work --------------------------------------------------------------


@pytest.mark.rule("AMI-8.1-d", "AMI-8.1-b")
@pytest.mark.parametrize(
    ("month", "extent", "legal"),
    [(1, 50, True), (1, 49, False), (3, 50, True), (4, 100, True), (4, 99, False), (4, 50, False)],
)
def test_less_than_the_described_plan_says_why(month: int, extent: int, legal: bool) -> None:
    """The plan of the description: half time, full time from 1 June; month 4 begins on 15 June."""
    report = fact("2024-07-20", "monthly_report", month=month, extent_pct=extent)
    assert then(report) == ([] if legal else [("REASON_MISSING", ("AMI-8.1-d",))])
    assert then({**report, "deviation_reason": "ill"}) == []


@pytest.mark.rule("AMI-1.3.1-a")
@pytest.mark.parametrize(
    ("start", "until", "month", "legal"),
    [
        # month 3 is [2024-05-15, 2024-06-15)
        ("2024-05-20", None, 3, False),
        ("2024-05-20", None, 2, True),
        ("2024-06-14", None, 3, False),
        ("2024-06-15", None, 3, True),
        ("2024-05-01", "2024-05-16", 3, False),
        ("2024-05-01", "2024-05-15", 3, True),
    ],
)
def test_a_search_in_part_of_the_country_is_noted_in_the_report(
    start: str, until: str | None, month: int, legal: bool
) -> None:
    narrow = fact(start, "job_search_restricted", until=until)
    report = fact("2024-07-20", "monthly_report", month=month)
    assert then(narrow, report) == ([] if legal else [("REASON_MISSING", ("AMI-1.3.1-a",))])
    assert then(narrow, {**report, "deviation_reason": "cares for a child"}) == []


@pytest.mark.rule("AMI-8.1-e")
@pytest.mark.parametrize("outcome", ["WAIT_FOR_ORDINARY", "EXTRA_MEETING"])
def test_a_deviation_is_reviewed_after_its_report(outcome: str) -> None:
    report = fact("2024-07-20", "monthly_report", month=2, extent_pct=40, deviation_reason="ill")
    review = fact("2024-07-21", "deviation_reviewed", month=2, outcome=outcome)
    missing = [("STEP_OUT_OF_ORDER", ("AMI-8.1-e",))]
    assert then(report, review) == []
    assert then(review) == missing
    assert then(report, {**review, "month": 3}) == missing


# --- a new assessment ------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3.2-a")
@pytest.mark.parametrize(("hours", "state"), [("10.0", S.ACTIVE), ("9.5", S.REASSESSMENT), ("0", S.REASSESSMENT)])
def test_under_ten_hours_a_week_a_new_assessment_is_asked_for(hours: str, state: AssignmentState) -> None:
    assert live([*ACTIVE, fact(DAY, "hours_reported", hours_per_week=hours)]).state is state


@pytest.mark.rule("AMI-3.2-a")
def test_ten_hours_again_take_the_question_back() -> None:
    low = fact(DAY, "hours_reported", hours_per_week="9.5")
    assert live([*ACTIVE, low, fact("2024-05-13", "hours_reported", hours_per_week="10")]).state is S.ACTIVE


@pytest.mark.rule("AMI-7-c")
def test_an_obstacle_that_comes_to_light_asks_for_a_new_assessment_whatever_the_hours() -> None:
    found = live([*ACTIVE, fact(DAY, "obstacle_found"), fact(DAY, "hours_reported", hours_per_week="20")])
    assert found.state is S.REASSESSMENT
    gone = [*lives.SUSTAINABILITY, fact("2024-07-20", "obstacle_found")]
    assert refusals(live(gone)) == [("NOT_ACTIVE", ("AMI-7-c",))]


@pytest.mark.rule("AMI-3.2-b", "NACKA-21", "AMI-1.2-b")
@pytest.mark.parametrize(
    ("fields", "state", "refused"),
    [
        ({"outcome": "NO_CHANGE"}, S.ACTIVE, []),
        ({"outcome": "COMPLEMENT", "next_intervention": "A-2"}, S.ACTIVE, []),
        ({"outcome": "REPLACE", "next_intervention": "A-2"}, S.CLOSED, []),
        ({"outcome": "COMPLEMENT"}, S.REASSESSMENT, [("DECISION_MISSING", ("SM-A16", "AMI-1.2-b"))]),
        ({"outcome": "REPLACE"}, S.REASSESSMENT, [("DECISION_MISSING", ("SM-A16", "AMI-1.2-b"))]),
    ],
)
def test_only_a_replacement_ends_the_assignment_and_the_other_one_is_named(
    fields: dict[str, Any], state: AssignmentState, refused: Any
) -> None:
    found = live([*lives.REASSESSMENT, fact("2024-05-20", "reassessed", **fields)])
    assert refusals(found) == refused
    assert found.state is state


@pytest.mark.rule("AMI-1.2-b")
def test_a_replacement_is_an_exit_to_another_intervention() -> None:
    replaced = fact("2024-05-20", "reassessed", outcome="REPLACE", next_intervention="A-2")
    found = live([*lives.REASSESSMENT, replaced])
    (one,) = found.after.timeline(found.terms).exits
    assert (one.kind, one.on, one.provider) == ("OTHER_INTERVENTION", date(2024, 5, 20), "alfa")


def test_nothing_is_reassessed_unasked() -> None:
    assert then(fact(DAY, "reassessed", outcome="NO_CHANGE")) == [("NOT_IN_REASSESSMENT", ("SM-A15",))]
    done = [fact("2024-05-05", "obstacle_found"), *[fact(DAY, "reassessed", outcome="NO_CHANGE")] * 2]
    assert then(*done) == [("NOT_IN_REASSESSMENT", ("SM-A15",))]


# --- subsidies -------------------------------------------------------------------------------------------------

SUBSIDY = ["ENQUIRED", "BASIS_COLLECTED", "CODE_OBTAINED", "AF_DECIDED", "FOLLOWED_UP", "REPORTED_TO_AF"]


def subsidy(kind: str, on: str = "2024-05-01", case: str = "s-1", **fields: Any) -> dict[str, Any]:
    decided = {"granted": True, "valid_from": "2024-06-01"} if kind == "AF_DECIDED" else {}
    return fact(on, "subsidy_step", **{"subsidy": case, "step": kind, **decided, **fields})


@pytest.mark.rule("LOKA-37", "AMI-6.1-a")
def test_a_subsidy_case_goes_through_its_steps_with_or_without_a_code() -> None:
    assert then(*(subsidy(kind) for kind in SUBSIDY)) == []
    assert then(*(subsidy(kind) for kind in SUBSIDY if kind != "CODE_OBTAINED")) == []


@pytest.mark.rule("LOKA-37")
@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ([], "BASIS_COLLECTED"),
        ([], "CODE_OBTAINED"),
        (["ENQUIRED"], "CODE_OBTAINED"),
        (["ENQUIRED"], "AF_DECIDED"),
        (["ENQUIRED", "BASIS_COLLECTED"], "FOLLOWED_UP"),
        (["ENQUIRED", "BASIS_COLLECTED", "CODE_OBTAINED"], "REPORTED_TO_AF"),
    ],
)
def test_no_step_of_a_subsidy_case_is_skipped(told: list[str], wanted: str) -> None:
    assert then(*(subsidy(kind) for kind in told), subsidy(wanted)) == [("STEP_OUT_OF_ORDER", ("LOKA-37",))]


@pytest.mark.rule("LOKA-37")
def test_one_subsidy_case_is_no_step_of_another_and_the_refusal_names_no_code() -> None:
    (one,) = live([*ACTIVE, subsidy("ENQUIRED"), subsidy("CODE_OBTAINED", case="s-2")]).rejections
    assert one.rules == ("LOKA-37",)
    assert "CODE" not in one.message


@pytest.mark.rule("LOKA-38")
@pytest.mark.parametrize("kind", SUBSIDY)
def test_where_the_employer_deals_with_af_only_its_decision_is_recorded(kind: str) -> None:
    found = then(subsidy(kind), municipality="kungsbacka")
    assert found == ([] if kind == "AF_DECIDED" else [("NOT_GO_BETWEEN", ("LOKA-38",))])


DECIDED_SUBSIDY = [subsidy(kind) for kind in SUBSIDY[:3]]


@pytest.mark.rule("LOKA-36")
@pytest.mark.parametrize("form", ["NEW_START_JOB", "INTRODUCTION_JOB", "SHELTERED_PUBLIC"])
@pytest.mark.parametrize(
    ("decision", "first_day", "legal"),
    [
        (None, "2024-06-20", False),
        ({"granted": False}, "2024-06-20", False),
        ({"valid_from": "2024-06-20"}, "2024-06-20", True),
        ({"valid_from": "2024-06-21"}, "2024-06-20", False),
        ({"valid_from": "2024-06-01", "valid_to": "2024-06-21"}, "2024-06-20", True),
        ({"valid_from": "2024-06-01", "valid_to": "2024-06-20"}, "2024-06-20", False),
        ({"on": "2024-06-20", "valid_from": "2024-06-01"}, "2024-06-20", True),
        ({"on": "2024-06-20", "valid_from": "2024-06-01"}, "2024-06-19", False),
    ],
)
def test_a_subsidised_employment_starts_after_afs_decision_and_within_its_days(
    form: str, decision: dict[str, Any] | None, first_day: str, legal: bool
) -> None:
    made = [] if decision is None else [subsidy("AF_DECIDED", **{"on": "2024-05-10", **decision})]
    gone = exited("2024-06-20", first_day=first_day, employment_form=form)
    assert then(*DECIDED_SUBSIDY, *made, gone) == ([] if legal else [("DECISION_MISSING", ("LOKA-36",))])


@pytest.mark.rule("LOKA-36")
def test_a_decision_about_another_form_is_no_decision() -> None:
    gone = exited("2024-06-20", employment_form="NEW_START_JOB")
    for form, legal in (("NEW_START_JOB", True), ("SHELTERED_PUBLIC", False)):
        found = then(*DECIDED_SUBSIDY, subsidy("AF_DECIDED", form=form), gone)
        assert found == ([] if legal else [("DECISION_MISSING", ("LOKA-36",))])


@pytest.mark.rule("LOKA-36")
def test_other_employment_and_caseloads_need_no_decision_of_af() -> None:
    for form in ("ORDINARY", "OTHER", None):
        assert then(exited("2024-06-20", employment_form=form)) == []
    assert then(exited("2024-06-20", employment_form="NEW_START_JOB"), before=PLAIN) == []


# --- for the client, and with others ------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-45")
@pytest.mark.parametrize(
    ("manner", "mandate", "legal"),
    [
        ("GUIDE", None, True),
        ("ACCOMPANY", None, True),
        ("SPEAK_FOR", None, False),
        ("SPEAK_FOR", "m-1", True),
    ],
)
def test_speaking_for_the_client_takes_a_mandate(manner: str, mandate: str | None, legal: bool) -> None:
    row = fact(DAY, "represented", towards="FK", manner=manner, mandate=mandate)
    assert then(row) == ([] if legal else [("MANDATE_MISSING", ("LOKA-45",))])


def holds(day: str, *facts: Any, scope: str = "AF_OFFICER", before: Any = ACTIVE) -> bool:
    found = live([*before, *facts], "2024-12-01")
    assert found.rejections == ()
    case = found.terms.case.having(found.in_effect)
    return consent_holds(
        case, Timeline(case, found.terms.tenant.settings), ConsentScope(scope), date.fromisoformat(day)
    )


GIVEN = fact("2024-05-06", "consent_given", scope="AF_OFFICER")


@pytest.mark.rule("AMI-2.1-a")
@pytest.mark.parametrize(("day", "allowed"), [("2024-05-05", False), ("2024-05-06", True), ("2024-05-07", True)])
def test_consent_counts_from_its_day(day: str, allowed: bool) -> None:
    assert holds(day, GIVEN) is allowed
    assert not holds(day, GIVEN, scope="OTHER_ACTORS")
    assert not holds(day)


@pytest.mark.rule("AMI-2.1-a")
@pytest.mark.parametrize(("day", "allowed"), [("2024-05-19", True), ("2024-05-20", False), ("2024-05-25", False)])
def test_consent_ends_when_it_is_withdrawn_and_can_be_given_again(day: str, allowed: bool) -> None:
    withdrawn = fact("2024-05-20", "consent_withdrawn", scope="AF_OFFICER")
    assert holds(day, GIVEN, withdrawn) is allowed
    assert holds("2024-05-26", GIVEN, withdrawn, {**GIVEN, "on": "2024-05-26"})
    other = fact("2024-05-20", "consent_withdrawn", scope="OTHER_ACTORS")
    assert holds(day, GIVEN, other)


@pytest.mark.rule("AMI-2.1-a")
@pytest.mark.parametrize(("day", "allowed"), [("2024-05-19", True), ("2024-05-20", False), ("2024-05-21", False)])
def test_consent_is_void_when_another_provider_takes_over(day: str, allowed: bool) -> None:
    switch = fact("2024-05-20", "provider_switch", provider="beta", approved=True)
    assert holds(day, GIVEN, switch) is allowed
    assert holds("2024-05-21", GIVEN, switch, {**GIVEN, "on": "2024-05-21"})
    back = fact("2024-05-25", "provider_switch", provider="alfa", approved=True)
    assert not holds("2024-05-26", GIVEN, switch, back)


@pytest.mark.rule("AMI-2.1-a")
@pytest.mark.parametrize(("provider", "allowed"), [("alfa", True), ("beta", False)])
def test_consent_outlives_a_break_off_with_the_same_provider(provider: str, allowed: bool) -> None:
    later = [exited("2024-06-20"), broke_off("2024-09-02"), fact("2024-09-10", "resumed", provider=provider)]
    assert holds("2024-09-11", GIVEN, *later) is allowed


@pytest.mark.rule("AMI-2.1-a")
def test_consent_given_before_there_is_a_provider_is_to_nobody() -> None:
    early = [lives.REFERRED[0], fact("2024-02-02", "consent_given", scope="AF_OFFICER"), *ACTIVE[1:]]
    assert not holds("2024-05-06", before=early)


@pytest.mark.rule("AMI-2.1-a")
def test_consent_is_given_and_withdrawn_before_the_assignment_is_closed_sm_a30() -> None:
    for state, (facts, day) in lives.WAYS.items():
        expected = [("FINISHED", ("SM-A30",))] if state in (S.CLOSED, S.REJECTED, S.REDIRECTED_TO_AF) else []
        for kind in ("consent_given", "consent_withdrawn"):
            assert (state, then(fact(day, kind, scope="AF_OFFICER"), before=facts)) == (state, expected)
    unqualified = [*ACTIVE, exited("2024-06-20", "BENEFIT_TEMPORARY")]
    late = fact("2024-06-21", "consent_given", scope="AF_OFFICER")
    assert then(late, before=unqualified) == [("FINISHED", ("SM-A30",))]


@pytest.mark.rule("AMI-2.2-b")
def test_the_coordinator_is_reached_through_the_career_guide() -> None:
    asked = fact("2024-05-06", "coordinator_requested")
    brokered = fact("2024-05-08", "coordinator_brokered")
    missing = [("STEP_OUT_OF_ORDER", ("AMI-2.2-b",))]
    assert then(brokered) == missing
    assert then({**asked, "on": "2024-05-09"}, brokered) == missing
    assert then(asked, brokered) == []
    switch = fact("2024-05-07", "provider_switch", provider="beta", approved=True)
    assert then(asked, switch, brokered) == missing
    assert then(asked, switch, {**asked, "on": "2024-05-08"}, brokered) == []


@pytest.mark.rule("AMI-2.2-c")
@pytest.mark.parametrize(
    ("basis", "consent", "legal"),
    [
        (None, False, False),
        ("CONSENT", False, False),
        ("CONSENT", True, True),
        ("LEGAL_OBLIGATION", False, True),
        ("PUBLIC_TASK", False, True),
    ],
)
def test_the_coordinator_is_told_once_a_legal_basis_is_recorded(basis: str | None, consent: bool, legal: bool) -> None:
    given = [fact("2024-05-05", "consent_given", scope="AF_COORDINATOR")] if consent else []
    found = then(*given, fact(DAY, "coordinator_informed", legal_basis=basis))
    assert ([code for code, _ in found], bool(found)) == (([] if legal else ["CONSENT_MISSING"]), not legal)
    assert all("AMI-2.2-c" in rules for _, rules in found)


@pytest.mark.rule("AMI-2.2-c", "AMI-2.1-a")
def test_consent_to_another_provider_or_for_the_officer_is_not_enough_for_the_coordinator() -> None:
    told = fact("2024-05-10", "coordinator_informed", legal_basis="CONSENT")
    given = fact("2024-05-05", "consent_given", scope="AF_COORDINATOR")
    switch = fact("2024-05-06", "provider_switch", provider="beta", approved=True)
    refused = [("CONSENT_MISSING", ("AMI-2.2-c", "AMI-2.1-a"))]
    assert then(given, switch, told) == refused
    assert then({**given, "scope": "AF_OFFICER"}, told) == refused


@pytest.mark.rule("AMI-2.2-c")
def test_a_municipality_can_read_it_so_that_no_basis_is_needed() -> None:
    told = fact(DAY, "coordinator_informed")
    assert then(told, **{"af.coordinator.legal_basis_required": False}) == []


@pytest.mark.rule("AMI-2.2-c")
def test_the_coordinator_is_told_three_things_and_no_more() -> None:
    assert set(handoff("A-1", Programme.AMI_2, "a job in a shop")) == {"client", "intervention", "goals"}


@pytest.mark.rule("LOKA-5")
def test_a_reply_answers_a_question() -> None:
    reply = fact("2024-09-01", "commissioner_replied")
    assert then(reply, before=lives.REFERRED) == [("STEP_OUT_OF_ORDER", ("LOKA-5",))]
    asked = [fact("2024-02-01", "referred", source="FK", commission_end="2024-09-01", commission_question="q")]
    assert then(reply, before=asked) == []
    unasked = [fact("2024-02-01", "referred", source="FK", override_reason="r")]
    assert then(reply, before=unasked) == [("STEP_OUT_OF_ORDER", ("LOKA-5",))]


@pytest.mark.rule("LOKA-42")
@pytest.mark.parametrize(
    ("municipality", "by_referral", "obstacles", "legal"),
    [
        ("kungsbacka", True, [], True),
        ("kungsbacka", False, ["LONG_TERM_SICK"], True),
        ("kungsbacka", False, ["MENTAL_HEALTH"], False),
        ("kungsbacka", False, [], False),
        ("kramfors", True, ["LONG_TERM_SICK"], False),
    ],
)
def test_the_side_track_is_for_the_long_term_sick(
    municipality: str, by_referral: bool, obstacles: list[str], legal: bool
) -> None:
    facts = [
        fact("2024-02-01", "referred", source="EB", long_term_sick=by_referral),
        fact("2024-02-02", "preparation_opened"),
        fact("2024-02-03", "prepared", relevant=True, purpose="p", parties=["EB", "LABOUR_MARKET_UNIT"]),
        fact("2024-02-10", "assessed", channel="IN_PERSON", obstacles=obstacles),
        fact(D, "decided"),
        fact("2024-03-20", "side_track_chosen"),
    ]
    found = live(facts, programme="LOCAL", municipality=municipality)
    assert refusals(found) == ([] if legal else [("SIDE_TRACK_NOT_OPEN", ("LOKA-42",))])


@pytest.mark.rule("LOKA-42")
def test_several_attempts_open_nothing_while_the_profile_sets_no_number() -> None:
    begin = [
        fact(D, "decided"),
        fact(D, "unit_assigned", unit="pou"),
        fact("2024-03-20", "started"),
        *(fact(f"2024-0{month}-01", "plan_broken", reason="OTHER") for month in (4, 5, 6, 7)),
        fact("2024-08-01", "side_track_chosen"),
    ]
    found = live(begin, programme="LOCAL", municipality="kungsbacka")
    assert refusals(found) == [("SIDE_TRACK_NOT_OPEN", ("LOKA-42",))]


@pytest.mark.rule("LOKA-42")
@pytest.mark.parametrize(("attempts", "legal"), [(2, False), (3, True), (4, True)])
def test_a_number_of_attempts_that_the_profile_sets_opens_the_side_track(
    tmp_path: Path, attempts: int, legal: bool
) -> None:
    facts = [
        fact(D, "decided"),
        fact(D, "unit_assigned", unit="pou"),
        fact("2024-03-20", "started"),
        *(fact(f"2024-0{4 + number}-01", "plan_broken", reason="OTHER") for number in range(attempts)),
        fact("2024-09-01", "side_track_chosen"),
    ]
    with changed(tmp_path, "kungsbacka", ('after_attempts = "unset"', "after_attempts = 3")):
        found = live(facts, programme="LOCAL", municipality="kungsbacka")
    assert refusals(found) == ([] if legal else [("SIDE_TRACK_NOT_OPEN", ("LOKA-42",))])


# --- choice, units, switches ------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7")
@pytest.mark.parametrize(
    ("shown", "legal"), [("2024-03-17", True), ("2024-03-18", True), ("2024-03-19", False), (None, False)]
)
@pytest.mark.parametrize("before", [lives.DECIDED, PLAIN[:1]], ids=["on the road", "off the road"])
def test_the_results_are_shown_before_the_choice(before: Any, shown: str | None, legal: bool) -> None:
    facts = [fact(shown, "results_shown", snapshot="s-1")] if shown else []
    facts.append(fact("2024-03-18", "provider_chosen", provider="alfa"))
    assert then(*facts, before=before) == ([] if legal else [("RESULTS_NOT_SHOWN", ("NACKA-7",))])


@pytest.mark.rule("NACKA-7")
def test_it_is_kept_which_snapshot_was_shown() -> None:
    shown = live([*lives.DECIDED, fact("2024-03-16", "results_shown", snapshot="s-1")]).in_effect[-1]
    assert shown["snapshot"] == "s-1"
    nothing = fact("2024-03-16", "results_shown")
    assert then(nothing, before=lives.DECIDED) == [("RESULTS_NOT_SHOWN", ("NACKA-7",))]
    assert then(nothing, before=PLAIN[:1]) == []


@pytest.mark.rule("AF-SOM-24")
@pytest.mark.parametrize("by", ["CLIENT", "AF_RANKING"])
def test_afs_jobseekers_choose_at_af_or_are_ranked(by: str) -> None:
    facts = [fact(D, "decided"), fact(D, "provider_chosen", provider="alfa", by=by)]
    found = live(facts, programme="SOM_1", municipality="trelleborg")
    assert refusals(found) == []
    assert found.in_effect[-1]["by"] == by
    assert refusals(live(facts)) == [("RESULTS_NOT_SHOWN", ("NACKA-7",))]


@pytest.mark.rule("LOKA-61")
@pytest.mark.parametrize(
    ("programme", "unit", "refused"),
    [
        ("LOCAL", "arbetscentrum", []),
        ("LIFE_COORDINATION", "arbetscentrum", []),
        ("LOCAL", "pou", [("UNIT_UNKNOWN", ("LOKA-61",))]),
        ("AMI_2", "arbetscentrum", [("STEP_OUT_OF_ORDER", ("SM-A9",))]),
    ],
)
def test_a_unit_of_the_profile_takes_an_assignment_of_the_own_process(
    programme: str, unit: str, refused: list[Any]
) -> None:
    facts = [fact(D, "decided"), fact(D, "unit_assigned", unit=unit)]
    found = live(
        facts,
        programme=programme,
        municipality="lilla_edet",
        who=person(work_ability_pct=24 if programme == "LIFE_COORDINATION" else 60),
    )
    assert refusals(found) == refused
    assert found.state is (S.DECIDED if refused else S.ACCEPTED)


@pytest.mark.rule("NACKA-14")
def test_a_switch_needs_an_approval_and_moves_the_charge_from_its_day() -> None:
    asked = fact("2024-05-06", "provider_switch", provider="beta", approved=False)
    waiting = live([*ACTIVE, asked])
    assert (waiting.state, waiting.after.provider) == (S.SWITCHING, "alfa")
    refused = live([*ACTIVE, asked, manual("2024-05-08", "SWITCH", False)])
    assert (refused.state, refused.after.provider) == (S.ACTIVE, "alfa")
    granted = live([*ACTIVE, asked, manual("2024-05-08", "SWITCH", True)])
    assert (granted.state, granted.after.provider) == (S.ACTIVE, "beta")
    timeline = granted.after.timeline(granted.terms)
    assert [timeline.provider_on(date(2024, 5, day)) for day in (7, 8)] == ["alfa", "beta"]
    assert (timeline.decided_on, timeline.end) == (date(2024, 3, 15), date(2025, 3, 15))


@pytest.mark.parametrize(("order", "charge"), [(0, "beta"), (1, "alfa")])
def test_a_choice_on_the_day_of_the_start_counts_before_it_and_moves_nothing_after_it_reading_19(
    order: int, charge: str
) -> None:
    again = [
        fact("2024-03-28", "provider_chosen", provider="beta"),
        fact("2024-03-28", "accepted"),
        fact("2024-03-28", "started"),
    ]
    facts = [*PLAIN[:4], *(again if order == 0 else [again[2], again[0]])]
    found = live(facts)
    assert refusals(found) == []
    assert found.after.provider == charge
    assert found.after.timeline(found.terms).provider_on(date(2024, 4, 1)) == charge


@pytest.mark.rule("NACKA-1")
def test_no_provider_is_chosen_switched_to_or_resumed_with_that_is_not_authorised() -> None:
    refused = [("PROVIDER_NOT_AUTHORISED", ("NACKA-1",))]
    for row, before in (
        (fact("2024-03-18", "provider_chosen", provider="gamma"), lives.AWAITING_CHOICE),
        (fact(DAY, "provider_switch", provider="gamma", approved=True), ACTIVE),
        (fact("2024-09-10", "resumed", provider="gamma"), lives.BROKEN_OFF),
    ):
        assert then(row, before=before) == refused


# --- Stöd och matchning ------------------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-8", "AF-SOM-1")
@pytest.mark.parametrize(
    ("mine", "new", "legal"),
    [
        ("SOM_1", "SOM_4", True),
        ("SOM_4", "SOM_2", True),
        ("RUM_A", "RUM_C", True),
        ("SOM_1", "RUM_A", False),
        ("SOM_1", "AMI_2", False),
        ("AMI_2", "SOM_1", False),
    ],
)
def test_a_track_changes_within_its_service(mine: str, new: str, legal: bool) -> None:
    facts = [fact(D, "decided"), fact("2024-05-01", "track_decided", programme=new)]
    found = live(facts, programme=mine, municipality="trelleborg", area="Umeå")
    assert refusals(found) == ([] if legal else [("WRONG_PROGRAMME", ("AF-SOM-8",))])


@pytest.mark.rule("AF-SOM-8", "AF-SOM-1")
@pytest.mark.parametrize(
    ("day", "track"),
    [("2024-03-15", "SOM_1"), ("2024-04-30", "SOM_1"), ("2024-05-01", "SOM_3"), ("2024-07-01", "SOM_4")],
)
def test_the_track_of_a_day_is_the_latest_decision_by_then(day: str, track: str) -> None:
    facts = [
        fact(D, "decided"),
        fact("2024-05-01", "track_decided", programme="SOM_3"),
        fact("2024-07-01", "track_decided", programme="SOM_4"),
    ]
    found = live(facts, programme="SOM_1", municipality="trelleborg")
    assert track_on(Programme.SOM_1, found.in_effect, date.fromisoformat(day)) == track
