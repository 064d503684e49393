"""The judge over whole assignments: guards of the state machine, rejections, the state at the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from kundval_assignment.domain import Judgement, judge
from kundval_contracts.caseload import read
from kundval_contracts.codes import AssignmentState, TargetGroup
from tests.acceptance.builders import (
    assignment,
    bare,
    broke_off,
    caseload,
    claim,
    client,
    exited,
    fact,
    manual,
)

D, E = "2024-03-15", "2024-06-20"
BEGIN = (
    fact(D, "decided"),
    fact(D, "results_shown"),
    fact(D, "provider_chosen", provider="alfa"),
    fact(D, "accepted"),
    fact(D, "started"),
)


def judged(row: dict[str, Any], as_of: str = "2025-12-31", **more: Any) -> Judgement:
    loaded = read(caseload(row, as_of=as_of, **more))
    one = loaded.assignments[0]
    return judge(one.case(loaded.as_of), one.client, loaded.tenant())


def refused(row: dict[str, Any], **more: Any) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(one.fact, one.code, one.rules) for one in judged(row, **more).rejections]


def without(*kinds: str, facts: Iterable[dict[str, Any]] = BEGIN) -> list[dict[str, Any]]:
    return [row for row in facts if row["fact"] not in kinds]


# --- from decision to start ----------------------------------------------------------------------------


def test_an_ordinary_course_has_no_rejections() -> None:
    found = judged(assignment("AMI_2", D, exited(E)))
    assert found.rejections == ()
    assert len(found.in_effect) == 6
    assert found.groups == (TargetGroup.RESIDENT_ON_EB,)
    assert found.primary_group is TargetGroup.RESIDENT_ON_EB


def test_nothing_takes_effect_without_a_decision() -> None:
    row = bare("AMI_2", *without("decided"), exited(E))
    assert refused(row) == [
        (0, "NOT_DECIDED", ("SM-A7",)),
        (1, "NOT_DECIDED", ("SM-A8",)),
        (2, "NOT_DECIDED", ("SM-A9",)),
        (3, "NOT_DECIDED", ("SM-A11",)),
        (4, "NOT_DECIDED", ("SM-A19",)),
    ]


def test_what_depends_on_a_refused_decision_is_refused_in_its_turn() -> None:
    row = assignment("AMI_2", D, exited(E), about=client(work_ability_pct=24))
    codes = [code for _, code, _ in refused(row)]
    assert codes == ["NOT_ELIGIBLE", *["NOT_DECIDED"] * 5]
    assert judged(row).state is AssignmentState.REJECTED


@pytest.mark.rule("AMI-1.1-b")
def test_a_second_decision_is_refused() -> None:
    assert refused(bare("AMI_2", *BEGIN, fact("2024-04-01", "decided"))) == [(5, "ALREADY_DECIDED", ("SM-A6",))]


def test_a_decision_can_be_made_again_once_the_client_qualifies() -> None:
    row = bare("AMI_2", fact("2024-03-14", "decided"), *BEGIN, about=client(birth_date="2006-03-15"))
    row["client"]["youth_guarantee_informed_on"] = D
    assert [place for place, _, _ in refused(row)] == [0]
    assert judged(row).state is AssignmentState.EXITED_PENDING_REVIEW


def test_an_end_date_before_the_decision_is_refused() -> None:
    assert [code for _, code, _ in refused(bare("AMI_2", fact(D, "decided", end_date=D)))] == ["AFTER_END"]


@pytest.mark.rule("NACKA-7")
def test_results_come_before_the_choice() -> None:
    assert refused(bare("AMI_2", *without("results_shown")))[0] == (1, "RESULTS_NOT_SHOWN", ("NACKA-7",))
    late = bare("AMI_2", *without("results_shown", "accepted", "started"), fact("2024-03-16", "results_shown"))
    assert refused(late) == [(1, "RESULTS_NOT_SHOWN", ("NACKA-7",))]


@pytest.mark.rule("NACKA-1")
def test_only_an_authorised_provider_can_be_chosen() -> None:
    document = caseload(bare("AMI_2", *BEGIN))
    document["providers"][0]["authorised"] = {"AMI_1": "2024-01-01", "AMI_2": "2024-03-16"}
    loaded = read(document)
    one = loaded.assignments[0]
    found = judge(one.case(loaded.as_of), one.client, loaded.tenant()).rejections
    assert [(row.fact, row.code, row.rules) for row in found] == [
        (2, "PROVIDER_NOT_AUTHORISED", ("NACKA-1",)),
        (3, "PROVIDER_NOT_CHOSEN", ("SM-A9",)),
        (4, "NOT_ACCEPTED", ("SM-A11",)),
    ]


@pytest.mark.rule("AMI-1.3.3-a")
@pytest.mark.parametrize(
    ("informed", "receives_eb", "blocked"),
    [
        (None, False, True),
        ("2024-03-16", False, True),
        ("2024-03-15", False, False),
        (None, True, True),
    ],
)
def test_a_young_adult_is_informed_before_the_choice(informed: str | None, receives_eb: bool, blocked: bool) -> None:
    about = client(birth_date="2003-01-01", receives_eb=receives_eb, youth_guarantee_informed_on=informed)
    found = refused(bare("AMI_2", *BEGIN, about=about))
    assert found[:1] == ([(2, "YOUTH_GUARANTEE_NOT_INFORMED", ("AMI-1.3.3-a",))] if blocked else [])


def test_a_start_asks_for_an_acceptance() -> None:
    assert refused(bare("AMI_2", *without("accepted"))) == [(3, "NOT_ACCEPTED", ("SM-A11",))]


def test_a_second_start_and_one_after_the_end_are_refused() -> None:
    assert refused(bare("AMI_2", *BEGIN, fact("2024-04-01", "started"))) == [(5, "ALREADY_STARTED", ("SM-A11",))]
    late = bare("AMI_2", *without("started"), fact("2025-03-15", "started"))
    assert refused(late) == [(4, "AFTER_END", ("SM-A11",))]


def test_after_a_refusal_by_the_provider_the_client_chooses_again() -> None:
    row = bare(
        "AMI_2",
        *BEGIN[:3],
        fact(D, "declined", provider="alfa"),
        fact("2024-03-18", "accepted"),
        fact("2024-03-19", "provider_chosen", provider="beta"),
        fact("2024-03-20", "accepted", provider="alfa"),
        fact("2024-03-20", "accepted", provider="beta"),
        fact("2024-03-21", "started"),
    )
    assert [place for place, _, _ in refused(row)] == [4, 6]


def test_an_answer_to_no_offer_is_refused() -> None:
    assert refused(bare("AMI_2", *BEGIN[:2], fact(D, "declined"))) == [(2, "PROVIDER_NOT_CHOSEN", ("SM-A10",))]


# --- the intervention ----------------------------------------------------------------------------------

AGREEMENT = {"schedule": "Mon-Fri", "tasks": "stock", "follow_up": "weekly"}
THREE = ["CLIENT", "PROVIDER", "EMPLOYER"]


@pytest.mark.rule("AMI-6.3.1-a", "AMI-6.3.1-c")
@pytest.mark.parametrize(
    ("signatures", "agreement", "rules"),
    [
        (THREE, AGREEMENT, None),
        (THREE[:2], AGREEMENT, ("AMI-6.3.1-a",)),
        (THREE, {**AGREEMENT, "tasks": ""}, ("AMI-6.3.1-c",)),
        ([], None, ("AMI-6.3.1-a", "AMI-6.3.1-c")),
    ],
)
def test_a_placement_needs_three_signatures_and_three_contents(
    signatures: list[str], agreement: dict[str, str] | None, rules: tuple[str, ...] | None
) -> None:
    placed = fact(
        "2024-04-08",
        "placement_started",
        workplace="W9",
        hours_per_week=4,
        signatures=signatures,
        agreement=agreement,
    )
    expected = [(5, "AGREEMENT_INCOMPLETE", rules)] if rules else []
    assert refused(bare("AMI_2", *BEGIN, placed)) == expected
    assert refused(bare("JOBBPENG_BASIC", *BEGIN, placed)) == []


@pytest.mark.rule("AMI-8.1-d")
@pytest.mark.parametrize(
    ("month", "extent", "reason", "blocked"),
    [
        (1, 50, None, False),
        (1, 40, None, True),
        (1, 40, "ill", False),
        (3, 50, None, False),
        (4, 50, None, True),
        (4, None, None, False),
    ],
)
def test_a_report_of_less_than_planned_gives_the_reason(
    month: int, extent: int | None, reason: str | None, blocked: bool
) -> None:
    plan = {"extent_pct": 50, "step_up": [{"from": "2024-06-01", "extent_pct": 100}]}
    report = fact("2024-07-20", "monthly_report", month=month, extent_pct=extent, deviation_reason=reason)
    expected = [(5, "REASON_MISSING", ("AMI-8.1-d",))] if blocked else []
    assert refused(assignment("AMI_2", D, report, plan=plan)) == expected


@pytest.mark.rule("AMI-6.3.1-d")
def test_a_placement_told_again_unchanged_asks_for_no_attachment() -> None:
    placed = {"workplace": "W9", "hours_per_week": 10, "signatures": THREE, "agreement": AGREEMENT}
    facts = [
        fact("2024-04-08", "placement_started", **placed),
        fact("2024-05-20", "placement_started", **placed),
        fact("2024-06-14", "monthly_report", month=3),
    ]
    assert refused(assignment("AMI_2", D, *facts)) == []


@pytest.mark.rule("AMI-3.2-a")
@pytest.mark.parametrize(("hours", "state"), [("10", "ACTIVE"), ("9.5", "REASSESSMENT")])
def test_under_ten_hours_the_assignment_is_reassessed(hours: str, state: str) -> None:
    row = assignment("AMI_2", D, fact("2024-05-06", "hours_reported", hours_per_week=hours))
    assert judged(row, as_of="2024-06-01").state == state


def test_work_of_the_provider_before_the_acceptance_is_refused() -> None:
    row = bare("AMI_2", *BEGIN[:3], fact("2024-03-16", "contact"), fact("2024-03-16", "mapping_done"))
    assert refused(row) == [(3, "NOT_ACCEPTED", ("AMI-3-a",)), (4, "NOT_ACCEPTED", ("AMI-3-c",))]


def test_an_assessment_meeting_needs_no_decision() -> None:
    meetings = [fact("2024-03-01", "meeting_held", meeting=kind) for kind in ("ASSESSMENT", "START_UP")]
    assert [place for place, _, _ in refused(bare("AMI_2", *meetings, *BEGIN))] == [1]


# --- switches ------------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-14")
def test_a_switch_that_is_not_approved_waits_for_a_person() -> None:
    switch = fact("2024-05-01", "provider_switch", provider="beta", approved=False)
    waiting = assignment("AMI_2", D, switch)
    assert judged(waiting, as_of="2024-06-01").state is AssignmentState.SWITCHING
    for approved in (True, False):
        decided = assignment("AMI_2", D, switch, manual("2024-05-10", "SWITCH", approved))
        found = judged(decided, as_of="2024-06-01")
        assert found.rejections == () and found.state is AssignmentState.ACTIVE


@pytest.mark.rule("NACKA-14", "NACKA-1")
def test_a_switch_to_an_unauthorised_provider_is_refused_even_if_approved() -> None:
    document = caseload(assignment("AMI_2", D, fact("2024-05-01", "provider_switch", provider="beta", approved=True)))
    document["providers"][1]["authorised"] = {"AMI_1": "2024-01-01"}
    loaded = read(document)
    one = loaded.assignments[0]
    found = judge(one.case(loaded.as_of), one.client, loaded.tenant()).rejections
    assert [(row.fact, row.rules) for row in found] == [(5, ("NACKA-1",))]


@pytest.mark.rule("NACKA-14")
def test_there_is_no_switch_before_the_start_after_the_exit_or_after_the_end() -> None:
    early = bare("AMI_2", *BEGIN[:4], fact(D, "provider_switch", provider="beta", approved=True))
    assert refused(early) == [(4, "NOT_ACTIVE", ("SM-A17",))]
    gone = assignment("AMI_2", D, exited(E), fact("2024-07-01", "provider_switch", provider="beta", approved=True))
    assert refused(gone) == [(6, "NOT_ACTIVE", ("SM-A17",))]
    over = assignment("AMI_2", D, fact("2025-03-15", "provider_switch", provider="beta", approved=True))
    assert refused(over) == [(5, "AFTER_END", ("NACKA-14",))]


def test_the_new_providers_acceptance_is_optional_and_moves_nothing() -> None:
    switch = fact("2024-05-01", "provider_switch", provider="beta", approved=True)
    answers = [fact("2024-05-02", "accepted"), fact("2024-05-02", "accepted", provider="beta")]
    assert refused(assignment("AMI_2", D, switch, *answers)) == []
    stranger = fact("2024-05-02", "accepted", provider="beta")
    assert refused(assignment("AMI_2", D, stranger)) == [(5, "PROVIDER_NOT_CHOSEN", ("SM-A9",))]


# --- exit, break-off, resumption -----------------------------------------------------------------------


@pytest.mark.rule("AMI-1.2-b")
def test_a_second_exit_is_refused() -> None:
    assert refused(assignment("AMI_2", D, exited(E), exited("2024-07-01"))) == [(6, "NOT_ACTIVE", ("AMI-1.2-b",))]


def test_an_exit_before_the_start_is_refused() -> None:
    assert refused(bare("AMI_2", *BEGIN[:4], exited(E))) == [(4, "NOT_ACTIVE", ("SM-A19",))]


def test_an_exit_after_the_end_takes_effect_and_closes_the_assignment() -> None:
    found = judged(assignment("AMI_2", D, exited("2025-03-15")))
    assert found.rejections == () and found.state is AssignmentState.CLOSED


@pytest.mark.rule("AMI-10.1-d")
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([exited(E), broke_off("2024-09-01"), fact("2024-09-10", "resumed", provider="beta")], []),
        ([exited(E), fact("2024-09-10", "resumed", provider="beta")], [(6, "NO_BREAK_OFF", ("AMI-10.1-d",))]),
        (
            [exited(E), broke_off("2024-09-01"), fact("2025-03-15", "resumed", provider="alfa")],
            [(7, "AFTER_END", ("AMI-10.1-d",))],
        ),
        ([exited(E), broke_off("2025-03-14"), fact("2025-03-14", "resumed", provider="alfa")], []),
    ],
)
def test_a_resumption_asks_for_a_break_off_and_time_left(facts: list[Any], expected: list[Any]) -> None:
    assert refused(assignment("AMI_2", D, *facts)) == expected


def test_a_break_off_needs_work_or_studies_that_an_exit_led_to() -> None:
    assert refused(assignment("AMI_2", D, broke_off("2024-09-01"))) == [(5, "NO_EXIT", ("SM-A23",))]
    twice = assignment("AMI_2", D, exited(E), broke_off("2024-09-01"), broke_off("2024-09-02"))
    assert refused(twice) == [(7, "NO_EXIT", ("SM-A23",))]
    benefit = assignment("AMI_2", D, exited(E, "BENEFIT_TEMPORARY"), broke_off("2024-09-01"))
    assert refused(benefit) == [(6, "NO_EXIT", ("SM-A23",))]


def test_a_late_known_break_off_brings_a_refused_resumption_into_effect() -> None:
    row = assignment(
        "AMI_2",
        D,
        exited(E),
        broke_off("2024-09-01", known_on="2024-10-20"),
        fact("2024-09-10", "resumed", provider="beta"),
    )
    assert refused(row, as_of="2024-10-19") == [(7, "NO_BREAK_OFF", ("AMI-10.1-d",))]
    assert refused(row, as_of="2024-10-20") == []


# --- claims --------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.2-c", "AMI-9-b")
@pytest.mark.parametrize(
    ("programme", "day", "expected"),
    [
        ("AMI_2", "2024-12-19", [(6, "CLAIM_PREMATURE", ("AMI-10.2-c",))]),
        ("AMI_2", "2024-12-20", []),
        ("AMI_1", "2024-12-19", [(6, "CLAIM_PREMATURE", ("AMI-9-b",))]),
        ("AMI_1", "2024-12-20", []),
    ],
)
def test_a_claim_before_the_settle_date_is_premature(programme: str, day: str, expected: list[Any]) -> None:
    assert refused(assignment(programme, "2024-05-02", exited(E), claim(day))) == expected


@pytest.mark.rule("AMI-10.2-c")
def test_a_later_first_day_of_work_moves_the_settle_date() -> None:
    gone = exited(E, first_day="2024-07-01")
    assert [place for place, _, _ in refused(assignment("AMI_2", D, gone, claim("2024-12-31")))] == [6]
    assert refused(assignment("AMI_2", D, gone, claim("2025-01-01"))) == []


@pytest.mark.rule("AMI-10.2-c")
def test_after_a_forfeited_exit_the_claim_belongs_to_the_next_one() -> None:
    again = [
        exited(E),
        broke_off("2024-09-01"),
        fact("2024-09-10", "resumed", provider="alfa"),
        exited("2025-01-20"),
    ]
    assert [place for place, _, _ in refused(assignment("AMI_2", D, *again, claim("2025-07-19")))] == [9]
    assert refused(assignment("AMI_2", D, *again, claim("2025-07-20"))) == []


@pytest.mark.rule("AMI-10.2-c")
def test_the_bonus_of_a_first_exit_stays_claimable_after_a_second() -> None:
    again = [
        exited(E),
        broke_off("2025-01-10"),
        fact("2025-01-12", "resumed", provider="alfa"),
        exited("2025-02-20"),
        claim("2025-03-01"),
    ]
    assert refused(assignment("AMI_2", D, *again)) == []


def test_a_claim_or_follow_up_without_an_exit_is_refused() -> None:
    facts = [claim("2024-12-20"), fact("2024-08-14", "premium_follow_up", month=5, continues=True)]
    assert [(place, code) for place, code, _ in refused(assignment("AMI_2", D, *facts))] == [
        (5, "NO_EXIT"),
        (6, "NO_EXIT"),
    ]


# --- programmes ----------------------------------------------------------------------------------------


def test_jobbpeng_has_no_premium_and_no_bonus() -> None:
    facts = [exited(E), claim("2024-12-20"), fact("2024-08-14", "premium_follow_up", month=5, continues=True)]
    found = refused(assignment("JOBBPENG_BASIC", "2023-05-01", *facts))
    assert {code for _, code, _ in found} >= {"PROVIDER_NOT_AUTHORISED"}
    found = refused(assignment("JOBBPENG_BASIC", D, *facts))
    assert [code for _, code, _ in found] == ["WRONG_PROGRAMME", "WRONG_PROGRAMME"]


def test_facts_of_the_employment_services_programmes_are_refused() -> None:
    facts = [fact("2024-05-01", "extended"), fact("2024-05-01", "result_reported", amount="100.00")]
    assert [code for _, code, _ in refused(assignment("AMI_2", D, *facts))] == ["WRONG_PROGRAMME"] * 2


def test_assistance_and_manual_decisions_are_always_taken_down() -> None:
    facts = [
        fact("2024-01-01", "eb_paid", **{"from": "2024-01-01", "to": "2024-02-01", "scope": "CLIENT"}),
        manual("2024-01-01", "BONUS"),
    ]
    assert refused(bare("AMI_2", *facts)) == []


# --- the state at the end ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (BEGIN[:0], "IN_ASSESSMENT"),
        (BEGIN[:1], "DECIDED"),
        (BEGIN[:2], "AWAITING_CHOICE"),
        (BEGIN[:3], "OFFERED"),
        (BEGIN[:4], "ACCEPTED"),
        (BEGIN, "ACTIVE"),
        ([*BEGIN, exited(E)], "SUSTAINABILITY"),
        ([*BEGIN, exited(E, "BENEFIT_TEMPORARY")], "CLOSED"),
        ([*BEGIN, exited(E, "WORK_UNDER_HALF_TIME", extent_pct=49)], "CLOSED"),
        ([*BEGIN, exited(E, "OWN_BUSINESS")], "CLOSED"),
        ([*BEGIN, exited(E), broke_off("2024-07-01")], "BROKEN_OFF"),
    ],
)
def test_the_state_follows_the_facts(facts: list[Any], state: str) -> None:
    assert judged(bare("AMI_2", *facts), as_of="2024-08-01").state == state


def test_a_period_that_has_run_out_waits_for_review() -> None:
    row = bare("AMI_2", *BEGIN)
    assert judged(row, as_of="2025-03-14").state is AssignmentState.ACTIVE
    assert judged(row, as_of="2025-03-15").state is AssignmentState.EXITED_PENDING_REVIEW


def test_after_the_end_a_break_off_is_settled() -> None:
    row = assignment("AMI_2", D, exited(E), broke_off("2024-09-01"))
    assert judged(row, as_of="2025-03-14").state is AssignmentState.BROKEN_OFF
    assert judged(row, as_of="2025-03-15").state is AssignmentState.SETTLED


@pytest.mark.parametrize(
    ("decisions", "state"),
    [
        ([], "EXITED_PENDING_REVIEW"),
        ([manual("2025-05-21", "BONUS")], "SUSTAINABILITY"),
        ([manual("2025-05-21", "BONUS", False)], "CLOSED"),
    ],
)
def test_own_business_in_ami_1_waits_for_a_person(decisions: list[Any], state: str) -> None:
    row = assignment("AMI_1", "2025-03-03", exited("2025-05-20", "OWN_BUSINESS"), *decisions)
    assert judged(row).state == state


@pytest.mark.parametrize(
    ("day", "decisions", "state"),
    [
        ("2025-06-01", [], "EXITED_PENDING_REVIEW"),
        ("2025-06-01", [manual("2025-06-02", "BOUNDARY")], "SUSTAINABILITY"),
        ("2025-06-01", [manual("2025-06-02", "BOUNDARY", False)], "CLOSED"),
        ("2025-06-03", [], "CLOSED"),
    ],
)
def test_a_boundary_case_of_ami_1_waits_for_a_person(day: str, decisions: list[Any], state: str) -> None:
    assert judged(assignment("AMI_1", "2025-03-03", exited(day), *decisions)).state == state


def test_a_decision_blocked_by_a_missing_registration_is_not_a_rejection_of_the_client() -> None:
    row = bare("AMI_2", fact(D, "decided"), about=client(af_registered=False))
    assert judged(row).state is AssignmentState.IN_ASSESSMENT


def test_messages_carry_no_personal_data() -> None:
    about = client(birth_date="1950-05-17", work_ability_pct=12, af_registered=False)
    for rejection in judged(assignment("AMI_1", D, exited(E), claim("2024-06-21"), about=about)).rejections:
        assert not any(secret in rejection.message for secret in ("1950", "05-17", "73", "12 per"))
