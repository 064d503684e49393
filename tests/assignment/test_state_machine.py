"""The state machine of rulebook 8.1 as a table: every pair of state and fact, every legal transition.

The table is written from the rulebook and knows nothing of the code: for each kind of fact the states in which it may
be stated, with the fields of a plain example. Whatever is not named is refused, with a rule id.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from kundval_contracts.codes import AssignmentState, FactKind
from kundval_contracts.rules import register
from tests.acceptance.builders import broke_off, claim, exited, fact

from . import lives
from .lives import AGREEMENT, SIGNED, WAYS, live

S = AssignmentState
ALL = frozenset(S)
ENDED = {S.REJECTED, S.REDIRECTED_TO_AF}
LIVE = ALL - ENDED
DECIDED = LIVE - {S.REFERRED, S.IN_PREPARATION, S.IN_ASSESSMENT}
ACCEPTED = DECIDED - {S.DECIDED, S.AWAITING_CHOICE, S.OFFERED}
STARTED = ACCEPTED - {S.ACCEPTED}
RUNNING = {S.ACTIVE, S.REASSESSMENT, S.SWITCHING}
OUT = STARTED - RUNNING
NOWHERE: frozenset[AssignmentState] = frozenset()

#: kind -> (states in which the example may be stated, its fields)
TABLE: dict[str, tuple[Any, dict[str, Any]]] = {
    "referred": (NOWHERE, {"source": "EB"}),
    "preparation_opened": ({S.REFERRED}, {}),
    "prepared": ({S.IN_PREPARATION}, {"relevant": True, "purpose": "p", "parties": ["EB", "LABOUR_MARKET_UNIT"]}),
    "stepped_back": ({S.IN_PREPARATION, S.IN_ASSESSMENT, S.OFFERED, S.ACCEPTED}, {}),
    "assessed": (LIVE - {S.REFERRED, S.IN_PREPARATION}, {"channel": "IN_PERSON"}),
    "af_checked": (LIVE, {"result": "NONE_SUITABLE"}),
    "af_registration_checked": (ALL, {"registered": True}),
    "waiting_for_af": (LIVE, {"what": "SUBSIDY"}),
    "af_answered": (LIVE, {"what": "SUBSIDY"}),
    "circumstances_changed": (LIVE, {"receives_eb": True}),
    "youth_guarantee_informed": (LIVE, {}),
    "rejected": ({S.IN_PREPARATION, S.IN_ASSESSMENT}, {"reason": "NOT_RELEVANT"}),
    # the check of the example showed nothing suitable
    "redirected_to_af": (NOWHERE, {}),
    "described": (LIVE, {"practice_needed": True}),
    "decided": ({S.IN_ASSESSMENT}, {"reason": "r"}),
    "results_shown": (DECIDED, {"snapshot": "s-1"}),
    # during the intervention and after a break-off a choice belongs to a switch or a resumption (readings 19, 20)
    "provider_chosen": ({S.AWAITING_CHOICE, S.OFFERED, S.ACCEPTED, S.BROKEN_OFF} | RUNNING, {"provider": "beta"}),
    # after the first answer another one moves nothing (reading 19)
    "accepted": ({S.OFFERED} | ACCEPTED, {}),
    "declined": ({S.OFFERED}, {}),
    "started": ({S.ACCEPTED}, {}),
    # units take assignments of the municipality's own process, tracks and extensions are AF's
    "unit_assigned": (NOWHERE, {"unit": "somewhere"}),
    "track_decided": (NOWHERE, {"programme": "SOM_2"}),
    "extended": (NOWHERE, {}),
    "result_reported": (NOWHERE, {"amount": "100.00"}),
    "switch_notified": (RUNNING, {"provider": "beta"}),
    "owner_assigned": (LIVE, {"owner": "u-17", "function": "CASE_WORKER"}),
    "mapping_done": (ACCEPTED, {}),
    "plan_done": (ACCEPTED, {}),
    "study_guidance": (ACCEPTED, {}),
    "work_guidance": (ACCEPTED, {}),
    "contact": (ACCEPTED, {}),
    "jobs_applied": (ACCEPTED, {"count": 5, "month": 1}),
    "monthly_report": (ACCEPTED, {"month": 1}),
    "guide_notified": (ACCEPTED, {}),
    "activity_planned": (ACCEPTED, {"activity": "our-own", "category": "EQUIP"}),
    "activity_held": (ACCEPTED, {"activity": "our-own", "category": "EQUIP"}),
    "activity_ended": (ACCEPTED, {"activity": "our-own"}),
    # no group activity is planned in the example
    "group_attendance": (NOWHERE, {"activity": "our-own", "session": "1", "attended": True}),
    "job_search_restricted": (ACCEPTED, {}),
    "placement_step": (ACCEPTED, {"workplace": "W9", "step": "IDENTIFIED"}),
    "placement_started": (
        RUNNING,
        {"workplace": "W9", "hours_per_week": "20", "signatures": SIGNED, "agreement": AGREEMENT},
    ),
    "placement_ended": (STARTED, {"workplace": "W9"}),
    "adaptation_agreed": (STARTED, {"workplace": "W9"}),
    "agreement_served": (STARTED, {"workplace": "W9"}),
    "offer_made": (STARTED, {"offer": "WORK_TRAINING"}),
    "offer_declined": (STARTED, {"offer": "WORK", "receives_eb": True}),
    "interest_expressed": (ACCEPTED, {"occupation": "cook"}),
    "hours_reported": (STARTED, {"hours_per_week": "12"}),
    "obstacle_found": (RUNNING, {}),
    "reassessed": ({S.REASSESSMENT}, {"outcome": "NO_CHANGE"}),
    # no month of the example has a report
    "deviation_reviewed": (NOWHERE, {"month": 1, "outcome": "WAIT_FOR_ORDINARY"}),
    "subsidy_step": (ACCEPTED, {"subsidy": "s-1", "step": "ENQUIRED"}),
    "represented": (LIVE, {"towards": "FK", "manner": "GUIDE"}),
    "check_in": (ACCEPTED, {}),
    "progress_step": (ACCEPTED, {"kind": "CONFIDENCE"}),
    "other_actor": (LIVE, {"actor": "FK", "involved": True}),
    "consent_given": (LIVE - {S.CLOSED}, {"scope": "AF_OFFICER"}),
    "consent_withdrawn": (LIVE - {S.CLOSED}, {"scope": "AF_OFFICER"}),
    "coordinator_requested": (ACCEPTED, {}),
    # nobody has asked in the example
    "coordinator_brokered": (NOWHERE, {}),
    "coordinator_informed": (DECIDED, {"legal_basis": "PUBLIC_TASK"}),
    "absence_reported": (STARTED, {"days": 8, "cause": "EXCUSED"}),
    "plan_broken": (STARTED, {"reason": "ABSENT"}),
    # the municipality of the example has no process with a side track, and supports nobody after the exit
    "side_track_chosen": (NOWHERE, {}),
    "support_after_exit": (NOWHERE, {}),
    "benefit_basis": (DECIDED, {}),
    # the referral of the example asks no question
    "commissioner_replied": (NOWHERE, {}),
    "note": (ALL, {"text": "n"}),
    "meeting_booked": (DECIDED, {"meeting": "FOLLOWUP_AMI2_M3"}),
    "meeting_held": (DECIDED, {"meeting": "FOLLOWUP_AMI2_M3"}),
    "meeting_missed": (DECIDED, {"meeting": "FOLLOWUP_AMI2_M3"}),
    "bip_assessed": (DECIDED, {"scores": {}}),
    "provider_switch": (RUNNING, {"provider": "beta", "approved": True}),
    "trial_calculated": (STARTED, {}),
    "exited": (RUNNING, {"kind": "DISCONTINUED"}),
    "premium_follow_up": (OUT, {"month": 5, "continues": True}),
    "broke_off": ({S.EXITED_PENDING_REVIEW, S.SUSTAINABILITY, S.SETTLED}, {}),
    "resumed": ({S.BROKEN_OFF}, {"provider": "beta"}),
    "not_resumed": ({S.BROKEN_OFF}, {}),
    "workplace_changed": (OUT, {"workplace": "W2", "gap_days": 0}),
    "eb_paid": (ALL, {"from": "2024-02-01", "to": "2024-03-01", "scope": "HOUSEHOLD"}),
    # elsewhere the settle date has not come
    "bonus_claimed": ({S.SETTLED, S.CLOSED}, {"certified": True}),
    "manual_decision": (ALL, {"about": "BONUS", "approved": True, "by": "unit head"}),
    "closed": ({S.SETTLED}, {}),
}


def test_the_table_has_every_kind_of_fact_and_every_state() -> None:
    assert set(TABLE) == set(FactKind)
    assert set(WAYS) == set(S)


@pytest.mark.parametrize("state", list(S))
@pytest.mark.rule("LOKA-1")
def test_there_is_a_way_into_every_state(state: AssignmentState) -> None:
    facts, day = WAYS[state]
    found = live(facts, day)
    assert found.rejections == ()
    assert found.state is state


@pytest.mark.slow
@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("kind", list(TABLE))
def test_a_fact_takes_effect_where_the_table_says_so_and_is_refused_with_a_rule_elsewhere(
    state: AssignmentState, kind: str
) -> None:
    legal, fields = TABLE[kind]
    facts, day = WAYS[state]
    found = live([*facts, fact(day, kind, **fields)], day)
    mine = [one for one in found.rejections if one.fact == len(facts)]
    assert len(found.rejections) == len(mine)
    assert bool(mine) == (state not in legal), mine
    for one in mine:
        assert one.rules
        for rule in one.rules:
            assert rule in register() or re.fullmatch(r"SM-[A-Z]\d{1,2}", rule), rule


# --- legal transitions that change the state -----------------------------------------------------------

STEPS = [
    ("SM-A1", (), fact("2024-02-01", "referred", source="EB"), S.REFERRED),
    ("SM-A2", lives.REFERRED, fact("2024-02-05", "preparation_opened"), S.IN_PREPARATION),
    (
        "SM-A3",
        lives.IN_PREPARATION,
        fact("2024-02-10", "prepared", relevant=True, purpose="p", parties=["EB", "LABOUR_MARKET_UNIT"]),
        S.IN_ASSESSMENT,
    ),
    (
        "SM-A4",
        lives.IN_PREPARATION,
        fact("2024-02-10", "prepared", relevant=False, parties=["EB", "LABOUR_MARKET_UNIT"]),
        S.REJECTED,
    ),
    ("SM-A4", lives.IN_ASSESSMENT, fact("2024-02-12", "rejected", reason="NOT_ELIGIBLE"), S.REJECTED),
    (
        "SM-A5",
        (*lives.IN_ASSESSMENT, fact("2024-02-11", "af_checked", result="SUITABLE")),
        fact("2024-02-12", "redirected_to_af"),
        S.REDIRECTED_TO_AF,
    ),
    ("SM-A6", lives.ASSESSED, fact(lives.D, "decided", reason="r"), S.DECIDED),
    ("SM-A7", lives.DECIDED, fact("2024-03-16", "results_shown", snapshot="s-1"), S.AWAITING_CHOICE),
    ("SM-A8", lives.AWAITING_CHOICE, fact("2024-03-17", "provider_chosen", provider="beta"), S.OFFERED),
    ("SM-A9", lives.OFFERED, fact("2024-03-19", "accepted"), S.ACCEPTED),
    ("SM-A10", lives.OFFERED, fact("2024-03-19", "declined"), S.AWAITING_CHOICE),
    ("SM-A11", lives.ACCEPTED, fact("2024-03-25", "started"), S.ACTIVE),
    (
        "SM-A12",
        lives.ACTIVE,
        fact(
            "2024-04-10",
            "placement_started",
            workplace="W9",
            hours_per_week="20",
            signatures=SIGNED,
            agreement=AGREEMENT,
        ),
        S.ACTIVE,
    ),
    ("SM-A13", lives.ACTIVE, fact("2024-05-06", "offer_declined", offer="WORK", receives_eb=True), S.ACTIVE),
    ("SM-A14", lives.ACTIVE, fact("2024-05-06", "hours_reported", hours_per_week="9.5"), S.REASSESSMENT),
    ("SM-A14", lives.ACTIVE, fact("2024-05-06", "obstacle_found"), S.REASSESSMENT),
    ("SM-A15", lives.REASSESSMENT, fact("2024-05-06", "reassessed", outcome="NO_CHANGE"), S.ACTIVE),
    (
        "SM-A15",
        lives.REASSESSMENT,
        fact("2024-05-06", "reassessed", outcome="COMPLEMENT", next_intervention="A-2"),
        S.ACTIVE,
    ),
    # replaced by another intervention: no self-support, so the review ends at once (SM-A21)
    (
        "SM-A16",
        lives.REASSESSMENT,
        fact("2024-05-06", "reassessed", outcome="REPLACE", next_intervention="A-2"),
        S.CLOSED,
    ),
    ("SM-A17", lives.ACTIVE, fact("2024-05-06", "provider_switch", provider="beta", approved=False), S.SWITCHING),
    (
        "SM-A18",
        lives.SWITCHING,
        fact("2024-05-10", "manual_decision", about="SWITCH", approved=True, by="unit head"),
        S.ACTIVE,
    ),
    (
        "SM-A19",
        lives.ACTIVE,
        exited(lives.EXIT, "STUDY_MIN_HALF_TIME", extent_pct=50, household_income_support=True),
        S.EXITED_PENDING_REVIEW,
    ),
    (
        "SM-A20",
        lives.EXITED_PENDING_REVIEW,
        fact("2024-07-01", "manual_decision", about="BONUS", approved=True, by="unit head"),
        S.SUSTAINABILITY,
    ),
    ("SM-A20", lives.ACTIVE, exited(lives.EXIT), S.SUSTAINABILITY),
    ("SM-A21", lives.ACTIVE, exited(lives.EXIT, "BENEFIT_TEMPORARY"), S.CLOSED),
    ("SM-A23", lives.SUSTAINABILITY, broke_off("2024-09-01"), S.BROKEN_OFF),
    ("SM-A24", lives.BROKEN_OFF, fact("2024-09-10", "resumed", provider="beta"), S.ACTIVE),
    ("SM-A25", lives.BROKEN_OFF, fact("2024-09-10", "not_resumed"), S.SETTLED),
    (
        "SM-A26",
        lives.SUSTAINABILITY,
        fact("2024-09-01", "eb_paid", **{"from": "2024-08-01", "to": "2024-09-01", "scope": "CLIENT"}),
        S.SUSTAINABILITY,
    ),
    ("SM-A28", lives.SETTLED, fact("2025-03-20", "closed"), S.CLOSED),
]


@pytest.mark.parametrize(("transition", "facts", "trigger", "state"), STEPS, ids=lambda one: getattr(one, "name", ""))
def test_each_transition_leads_where_the_rulebook_says(
    transition: str, facts: tuple[Any, ...], trigger: dict[str, Any], state: AssignmentState
) -> None:
    found = live([*facts, trigger], trigger["on"])
    assert found.rejections == (), transition
    assert found.state is state


@pytest.mark.parametrize(("today", "state"), [("2025-03-14", S.ACTIVE), ("2025-03-15", S.EXITED_PENDING_REVIEW)])
def test_a_period_that_has_run_out_waits_for_review_sm_a22(today: str, state: AssignmentState) -> None:
    found = live(lives.ACTIVE, today)
    assert found.state is state
    assert found.changes_on == (None if state is S.EXITED_PENDING_REVIEW else date(2025, 3, 15))


@pytest.mark.parametrize(
    ("today", "state"), [("2025-03-14", S.SUSTAINABILITY), ("2025-03-15", S.SETTLED), ("2025-03-16", S.SETTLED)]
)
@pytest.mark.rule("AMI-9-b")
def test_an_assignment_is_settled_when_premium_and_bonus_are_done_sm_a27(today: str, state: AssignmentState) -> None:
    assert live((*lives.SUSTAINABILITY, claim("2024-12-20")), today).state is state


def test_without_a_claim_nothing_is_settled() -> None:
    assert live(lives.SUSTAINABILITY, "2025-12-31").state is S.SUSTAINABILITY
    uncertified = (*lives.SUSTAINABILITY, claim("2024-12-20", certified=False))
    assert live(uncertified, "2025-12-31").state is S.SUSTAINABILITY


def test_a_client_who_does_not_resume_by_the_end_has_settled_the_matter_sm_a25() -> None:
    assert live(lives.BROKEN_OFF, "2025-03-14").state is S.BROKEN_OFF
    assert live(lives.BROKEN_OFF, "2025-03-15").state is S.SETTLED


# --- what the rulebook lists as illegal ----------------------------------------------------------------


def last_refusal(facts: Any) -> tuple[str, tuple[str, ...]]:
    found = live(facts)
    assert found.rejections
    return found.rejections[-1].code, found.rejections[-1].rules


def test_there_is_no_active_assignment_without_a_decision() -> None:
    assert last_refusal((*lives.ASSESSED, fact("2024-03-28", "started"))) == ("NOT_DECIDED", ("SM-A11",))


@pytest.mark.rule("NACKA-7")
def test_there_is_no_choice_without_the_results() -> None:
    code = last_refusal((*lives.DECIDED, fact("2024-03-18", "provider_chosen", provider="alfa")))
    assert code == ("RESULTS_NOT_SHOWN", ("NACKA-7",))


@pytest.mark.rule("AMI-9-j")
def test_a_benefit_leads_to_no_sustainability() -> None:
    for kind in ("BENEFIT_TEMPORARY", "BENEFIT_OTHER_PUBLIC"):
        assert live((*lives.ACTIVE, exited(lives.EXIT, kind))).state is S.CLOSED


@pytest.mark.rule("AMI-10.2-c")
def test_there_is_no_claim_before_the_settle_date() -> None:
    assert last_refusal((*lives.SUSTAINABILITY, claim("2024-12-19"))) == ("CLAIM_PREMATURE", ("AMI-10.2-c",))
    assert live((*lives.SUSTAINABILITY, claim("2024-12-20"))).rejections == ()


@pytest.mark.rule("AMI-10.1-d")
@pytest.mark.parametrize(("day", "legal"), [("2025-03-14", True), ("2025-03-15", False), ("2025-03-16", False)])
def test_there_is_no_resumption_after_the_end(day: str, legal: bool) -> None:
    found = live((*lives.BROKEN_OFF, fact(day, "resumed", provider="beta")))
    assert (found.rejections == ()) is legal


def test_there_are_never_two_providers_in_charge() -> None:
    found = live((*lives.SWITCHING, fact("2024-05-10", "manual_decision", about="SWITCH", approved=True, by="x")))
    assert found.after.provider == "beta"
    charges = found.after.timeline(found.terms).charges
    assert [provider for _, provider in charges] == ["alfa", "beta"]
    assert len({day for day, _ in charges}) == len(charges)
