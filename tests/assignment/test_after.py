"""After the intervention: the checklist before an exit, break-off and after, closing, support (SM-A19 to A29)."""

from __future__ import annotations

from typing import Any

import pytest

from kundval_assignment.domain.after import Item, exit_checklist, offered_a_place
from kundval_contracts.codes import AssignmentState, ExitKind
from kundval_contracts.facts import load_fact
from tests.acceptance.builders import STUDY_DOCUMENTS, WORK_DOCUMENTS, broke_off, claim, exited, fact

from . import lives
from .lives import ACTIVE, EXIT, live, person, refusals

S = AssignmentState


def checklist(planned: dict[str, Any], *facts: Any, before: Any = ACTIVE, **more: Any) -> dict[str, Item]:
    found = live([*before, *facts], **more)
    assert found.rejections == ()
    items = exit_checklist(found.after, found.terms, load_fact(planned, 99))
    assert len({item.what for item in items}) == len(items)
    return {str(item.what): item for item in items}


# --- the checklist ------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-4.1-a", "AMI-4.2-a")
@pytest.mark.parametrize(
    ("kind", "what", "rule"),
    [("work_guidance", "WORK_GUIDANCE", "AMI-4.1-a"), ("study_guidance", "STUDY_GUIDANCE", "AMI-4.2-a")],
)
def test_every_client_of_ami_has_had_work_and_study_guidance(kind: str, what: str, rule: str) -> None:
    before, after = checklist(exited(EXIT)), checklist(exited(EXIT), fact("2024-05-01", kind))
    assert (before[what].done, after[what].done) == (False, True)
    assert before[what].rules == (rule,)
    assert not before[what].needed


@pytest.mark.rule("AMI-4.1-a", "AMI-4.2-a", "AMI-8-a")
def test_what_the_routines_for_ami_ask_is_not_asked_in_other_programmes() -> None:
    begin = [fact(lives.D, "decided"), fact(lives.D, "unit_assigned", unit="pou"), fact("2024-03-28", "started")]
    items = checklist(exited(EXIT), before=begin, programme="LOCAL", municipality="kungsbacka")
    assert not {"WORK_GUIDANCE", "STUDY_GUIDANCE", "WORK_TRAINING_PLACE_OFFERED"} & set(items)


@pytest.mark.rule("AMI-8-a")
@pytest.mark.parametrize(
    ("offer", "done"),
    [
        (None, False),
        (fact("2024-05-01", "offer_made", offer="WORK_TRAINING"), True),
        (fact("2024-05-01", "offer_made", offer="WORK"), False),
        (fact("2024-05-01", "offer_declined", offer="WORK_TRAINING", receives_eb=True), True),
        (fact("2024-05-01", "offer_declined", offer="WORK", receives_eb=True), False),
        (
            fact(
                "2024-05-01",
                "placement_started",
                workplace="W9",
                hours_per_week="20",
                signatures=lives.SIGNED,
                agreement=lives.AGREEMENT,
            ),
            True,
        ),
    ],
)
def test_everybody_in_ami_2_is_offered_a_place(offer: Any, done: bool) -> None:
    facts = [offer] if offer else []
    assert checklist(exited(EXIT), *facts)["WORK_TRAINING_PLACE_OFFERED"].done is done
    found = live([*ACTIVE, *facts])
    assert offered_a_place(found.after) is done


@pytest.mark.rule("AMI-8-a")
def test_ami_1_offers_no_place() -> None:
    begin = [one for one in ACTIVE if one["fact"] != "described"]
    items = checklist(exited("2024-05-10"), before=begin, programme="AMI_1", who=person(work_ability_pct=100))
    assert "WORK_TRAINING_PLACE_OFFERED" not in items


@pytest.mark.rule("AMI-9.1.1-a", "AMI-9.3.5-a")
@pytest.mark.parametrize(
    ("kind", "fields", "rule"),
    [
        ("WORK_FULL_TIME", {}, None),
        ("WORK_FULL_TIME", {"household_support": True}, "AMI-9.1.1-a"),
        ("WORK_MIN_HALF_TIME", {"extent_pct": 50}, "AMI-9.1.1-a"),
        ("WORK_UNDER_HALF_TIME", {"extent_pct": 40}, "AMI-9.1.1-a"),
        ("OWN_BUSINESS", {}, None),
        ("OWN_BUSINESS", {"household_support": True}, "AMI-9.1.1-a"),
        ("STUDY_FULL_TIME", {}, None),
        ("STUDY_FULL_TIME", {"household_support": True}, "AMI-9.3.5-a"),
        ("STUDY_FULL_TIME", {"household_income_support": True}, "AMI-9.3.5-a"),
        ("STUDY_MIN_HALF_TIME", {"extent_pct": 50}, "AMI-9.3.5-a"),
        ("STUDY_START_SUPPORT_PART_TIME", {"extent_pct": 75}, "AMI-9.3.5-a"),
        ("BENEFIT_TEMPORARY", {"household_support": True}, None),
    ],
)
def test_who_lives_with_little_margin_is_told_so_before_the_exit(
    kind: str, fields: dict[str, Any], rule: str | None
) -> None:
    for advised in (True, False):
        items = checklist(exited(EXIT, kind, **{**fields, "margin_advice": advised}))
        assert ("MARGIN_ADVICE" in items) is (rule is not None)
        if rule is not None:
            assert items["MARGIN_ADVICE"].rules == (rule,)
            assert items["MARGIN_ADVICE"].done is advised


@pytest.mark.rule("AMI-9.3.6-b")
def test_before_studies_the_household_is_calculated_by_document_or_by_fact() -> None:
    studies = exited(EXIT, "STUDY_FULL_TIME")
    assert not checklist(studies)["TRIAL_CALCULATION"].done
    assert checklist({**studies, "documents": [*STUDY_DOCUMENTS, "TRIAL_CALCULATION"]})["TRIAL_CALCULATION"].done
    calculated = checklist(studies, fact("2024-06-01", "trial_calculated"))["TRIAL_CALCULATION"]
    assert calculated.done and not calculated.needed and calculated.rules == ("AMI-9.3.6-b",)
    assert "TRIAL_CALCULATION" not in checklist(exited(EXIT))


@pytest.mark.rule("AMI-9-f", "AMI-9-h")
@pytest.mark.parametrize(
    ("kind", "fields", "evidence"),
    [
        ("WORK_FULL_TIME", {}, {"EMPLOYMENT_CONTRACT": "AMI-9-f", "EMPLOYMENT_CERTIFICATE": "AMI-9-f"}),
        (
            "WORK_MIN_HALF_TIME",
            {"extent_pct": 50},
            {"EMPLOYMENT_CONTRACT": "AMI-9-f", "EMPLOYMENT_CERTIFICATE": "AMI-9-f"},
        ),
        ("STUDY_FULL_TIME", {}, {"STUDY_CERTIFICATE": "AMI-9-h"}),
        ("STUDY_START_SUPPORT_FULL_TIME", {}, {"STUDY_CERTIFICATE": "AMI-9-h", "CSN_GRANT": "AMI-9-h"}),
        (
            "STUDY_MIN_HALF_TIME",
            {"extent_pct": 50},
            {"STUDY_CERTIFICATE": "AMI-9-h", "HOUSEHOLD_INCOME_PROOF": "AMI-9-h"},
        ),
        ("OWN_BUSINESS", {}, {}),
        ("BENEFIT_OTHER_PUBLIC", {}, {}),
    ],
)
def test_each_kind_of_exit_has_its_evidence(kind: str, fields: dict[str, Any], evidence: dict[str, str]) -> None:
    bare = checklist(exited(EXIT, kind, **{**fields, "documents": []}))
    needed = {what for what, item in bare.items() if item.needed} - {"QUALIFIES", "IN_TIME"}
    assert needed == set(evidence)
    assert not any(bare[what].done for what in needed)
    assert all(rule in bare[what].rules for what, rule in evidence.items())
    full = checklist(exited(EXIT, kind, **{**fields, "documents": ["FINAL_REPORT", *evidence]}))
    assert all(full[what].done for what in needed) and full["FINAL_REPORT"].done


@pytest.mark.rule("AMI-9-g")
@pytest.mark.parametrize("documents", [[], ["EMPLOYMENT_CONTRACT"], ["EMPLOYMENT_CERTIFICATE"], WORK_DOCUMENTS])
def test_hourly_employment_shows_one_of_the_two(documents: list[str]) -> None:
    item = checklist(exited(EXIT, "WORK_HOURLY_FULL_TIME", documents=documents))["HOURLY_EVIDENCE"]
    assert item.needed and item.done is bool(documents) and item.rules == ("AMI-9-g",)


@pytest.mark.parametrize(("day", "in_time"), [("2025-03-14", True), ("2025-03-15", False)])
def test_the_checklist_says_whether_the_exit_comes_in_time(day: str, in_time: bool) -> None:
    assert checklist(exited(day))["IN_TIME"].done is in_time


@pytest.mark.parametrize(("extent", "qualifies"), [(50, True), (49, False)])
def test_the_checklist_says_whether_the_exit_qualifies(extent: int, qualifies: bool) -> None:
    assert checklist(exited(EXIT, "WORK_MIN_HALF_TIME", extent_pct=extent))["QUALIFIES"].done is qualifies


def test_nothing_on_the_list_stops_an_exit_readings_22_and_52() -> None:
    for kind in ExitKind:
        more = {"next_intervention": "A-2"} if kind is ExitKind.OTHER_INTERVENTION else {}
        bare = exited(EXIT, kind.value, documents=[], **more)
        for before in (
            ACTIVE,
            [
                one
                for one in ACTIVE
                if one["fact"] in ("decided", "results_shown", "provider_chosen", "accepted", "started")
            ],
        ):
            assert refusals(live([*before, bare])) == []


# --- an exit to another intervention --------------------------------------------------------------------------


@pytest.mark.rule("AMI-1.2-b")
def test_on_the_road_an_exit_to_another_intervention_names_it() -> None:
    gone = exited(EXIT, "OTHER_INTERVENTION")
    assert refusals(live([*ACTIVE, gone])) == [("DECISION_MISSING", ("AMI-1.2-b",))]
    found = live([*ACTIVE, {**gone, "next_intervention": "A-2"}])
    assert refusals(found) == []
    assert (found.state, found.in_effect[-1]["next_intervention"]) == (S.CLOSED, "A-2")


@pytest.mark.rule("AMI-1.2-b")
def test_off_the_road_the_format_has_no_such_field_reading_48() -> None:
    begin = [
        one for one in ACTIVE if one["fact"] in ("decided", "results_shown", "provider_chosen", "accepted", "started")
    ]
    assert refusals(live([*begin, exited(EXIT, "OTHER_INTERVENTION")])) == []


# --- break-off, and no resumption ---------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.1-d")
@pytest.mark.parametrize("provider", ["alfa", "beta"])
@pytest.mark.parametrize(("day", "legal"), [("2025-03-14", True), ("2025-03-15", False)])
def test_who_broke_off_resumes_with_either_provider_before_the_end(provider: str, day: str, legal: bool) -> None:
    found = live([*lives.BROKEN_OFF, fact(day, "resumed", provider=provider)])
    assert refusals(found) == ([] if legal else [("AFTER_END", ("AMI-10.1-d",))])
    if legal:
        assert (found.state, found.after.provider) == (S.ACTIVE, provider)


@pytest.mark.rule("AMI-10.1-d", "AMI-3.2-a", "AMI-7-c")
def test_what_was_open_at_the_exit_is_not_open_after_a_resumption() -> None:
    placed = fact(
        "2024-05-01",
        "placement_started",
        workplace="W9",
        hours_per_week="20",
        signatures=lives.SIGNED,
        agreement=lives.AGREEMENT,
    )
    asked = [fact("2024-05-06", "hours_reported", hours_per_week="9.5"), fact("2024-05-07", "obstacle_found")]
    later = [exited(EXIT), broke_off("2024-09-02"), fact("2024-09-10", "resumed", provider="alfa")]
    assert live([*ACTIVE, placed, *asked]).state is S.REASSESSMENT
    found = live([*ACTIVE, placed, *asked, *later])
    assert (found.state, found.after.agreements) == (S.ACTIVE, ())


@pytest.mark.rule("AMI-10.1-d")
def test_a_break_off_on_the_end_or_later_leaves_nothing_to_resume() -> None:
    for day, state in (("2025-03-14", S.BROKEN_OFF), ("2025-03-15", S.SETTLED)):
        assert live([*lives.SUSTAINABILITY, broke_off(day)], day).state is state


@pytest.mark.rule("AMI-10.1-d")
def test_a_client_who_does_not_come_back_is_done() -> None:
    gone = fact("2024-09-10", "not_resumed")
    found = live([*lives.BROKEN_OFF, gone])
    assert (found.state, refusals(found)) == (S.SETTLED, [])
    late = live([*lives.BROKEN_OFF, gone, fact("2024-09-11", "resumed", provider="alfa")])
    assert refusals(late) == [("NO_BREAK_OFF", ("AMI-10.1-d",))]
    choice = live([*lives.BROKEN_OFF, gone, fact("2024-09-11", "provider_chosen", provider="beta")])
    assert refusals(choice) == [("NOT_ACTIVE", ("SM-A8",))]
    for before in (ACTIVE, lives.SUSTAINABILITY):
        (one,) = live([*before, {**gone, "on": "2024-07-20"}]).rejections
        assert one.rules == ("SM-A25",)


@pytest.mark.rule("AMI-10.1-d")
def test_the_bonus_of_the_first_exit_can_be_claimed_though_nobody_came_back() -> None:
    facts = [*lives.SUSTAINABILITY, broke_off("2025-01-10"), fact("2025-01-12", "not_resumed"), claim("2025-01-13")]
    assert refusals(live(facts)) == []


# --- closing, and support afterwards -------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "legal"), [("2025-03-14", False), ("2025-03-15", True), ("2025-03-16", True)])
def test_what_is_settled_is_closed_once_sm_a28(day: str, legal: bool) -> None:
    closing = fact(day, "closed")
    found = live([*lives.SETTLED, closing])
    assert refusals(found) == ([] if legal else [("NOT_SETTLED", ("SM-A28",))])
    if legal:
        assert refusals(live([*lives.SETTLED, closing, closing])) == [("FINISHED", ("SM-A28",))]


def test_an_open_bonus_keeps_an_assignment_open_sm_a27() -> None:
    open_claim = [*lives.SUSTAINABILITY, fact("2025-06-01", "closed")]
    assert refusals(live(open_claim)) == [("NOT_SETTLED", ("SM-A28",))]
    incomplete = [*ACTIVE, exited(EXIT, documents=["FINAL_REPORT"]), claim("2024-12-20"), fact("2025-06-01", "closed")]
    assert refusals(live(incomplete)) == [("NOT_SETTLED", ("SM-A28",))]


@pytest.mark.rule("LOKA-51")
@pytest.mark.parametrize(
    ("municipality", "legal"), [("lilla_edet", True), ("kramfors", False), ("kungsbacka", False), ("nacka", False)]
)
def test_support_after_the_exit_is_for_where_the_profile_has_it(municipality: str, legal: bool) -> None:
    support = fact("2025-04-01", "support_after_exit", text="calls the employer")
    for before in (lives.CLOSED, lives.SUSTAINABILITY):
        found = live([*before, support], municipality=municipality)
        assert refusals(found) == ([] if legal else [("NO_SUPPORT_AFTER_EXIT", ("LOKA-51",))])


@pytest.mark.rule("LOKA-51")
def test_support_after_the_exit_follows_an_exit() -> None:
    support = fact("2024-09-20", "support_after_exit")
    (one,) = live([*ACTIVE, support], municipality="lilla_edet").rejections
    assert one.rules == ("SM-A29",)
    resumed = [*lives.BROKEN_OFF, fact("2024-09-10", "resumed", provider="alfa"), support]
    assert refusals(live(resumed, municipality="lilla_edet")) == [("NO_EXIT", ("SM-A29",))]
