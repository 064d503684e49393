"""Where months, premiums and bonuses stand: every transition of rulebook 8.4 and 8.5, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from kundval_billing.domain import lines, settle
from kundval_billing.domain.states import BONUSES, Standing, changes, look_again, states
from kundval_contracts.answer import Posting
from kundval_contracts.calendar import add_days
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import LineStatus, MoneyState
from kundval_contracts.events import EVENTS
from kundval_contracts.facts import load_fact
from kundval_contracts.phrases import PHRASES
from kundval_contracts.transitions import MONEY_TRANSITIONS, MONTH, STATE_EVENTS

from .builders import (
    ami1,
    ami2,
    case,
    claim,
    d,
    decision,
    exited,
    follow_ups,
    jobbpeng,
    on,
    start,
    studies,
    tenant,
)

EXIT = exited("2024-06-20")  # AMI 2, month 4; settle date 2024-12-20
FEE, PREMIUM_5, THE_BONUS = ("alfa", "MONTHLY_FEE", 1), ("alfa", "SPEED_PREMIUM", 5), ("alfa", "RESULT_BONUS", 1)
WHO = tenant()


def stand(one: Case, as_of: str, runs: tuple[str, ...] = (), who: Tenant = WHO) -> dict[tuple[str, str, int], Standing]:
    """Every standing by its key, after these payment runs, each with what was known on its day."""
    posted: list[Posting] = []
    for run in map(d, runs):
        posted += settle(posted, lines(one.known_by(run), who, run), run, who)
    known = one.known_by(d(as_of))
    return {two.key: two for two in states(known, who, lines(known, who, d(as_of)), posted, d(as_of))}


def state(one: Case, as_of: str, key: tuple[str, str, int], *runs: str) -> str | None:
    found = stand(one, as_of, runs).get(key)
    return found.state.value if found else None


# --- each transition by its id ------------------------------------------------------------------------


@dataclass(frozen=True)
class Life:
    """`key` stands at `before` on one day and at `after` on another (and after these runs)."""

    transition: str
    case: Case
    key: tuple[str, str, int]
    before: tuple[str, str | None]
    after: tuple[str, str | None]
    runs: tuple[str, ...] = ()


STARTED = ami2()
LEFT = ami2(EXIT)
REPORTED = ami2(EXIT, *follow_ups(range(5, 13)))
LATE_REPORT = ami2(EXIT, on("2024-08-15", "premium_follow_up", month=5, continues=True) | {"known_on": "2024-09-02"})
BROKE = on("2024-08-01", "broke_off")
BROKE_AS_KNOWN_LATE = ami2(EXIT, *follow_ups(range(5, 7)), BROKE | {"known_on": "2024-09-10"})
EB = on("2024-09-15", "eb_paid", from_="2024-08-01", to="2024-09-01", scope="CLIENT")
HALF = studies("2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=60, household_income_support=True)
CLAIMED = ami2(EXIT, claim("2024-12-27"))
NO_PAPERS = exited("2024-06-20", documents=["FINAL_REPORT"])
PAPERS = claim("2025-01-10", documents=["EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"])

LIVES = [
    Life("SM-P1", STARTED, FEE, ("2024-03-14", None), ("2024-03-15", "ACCRUING")),
    Life("SM-P2", STARTED, FEE, ("2024-04-14", "ACCRUING"), ("2024-04-15", "PAYABLE")),
    Life("SM-P2", ami2(exited("2024-04-02")), FEE, ("2024-04-01", "ACCRUING"), ("2024-04-02", "PAYABLE")),
    Life("SM-P3", STARTED, FEE, ("2024-05-01", "PAYABLE"), ("2024-05-01", "PAID"), ("2024-05-01",)),
    Life(
        "SM-P4", ami2(on("2024-04-10", "provider_switch", provider="beta", approved=True) | {"known_on": "2024-05-20"}),
        FEE, ("2024-05-31", "PAID"), ("2024-06-01", "CORRECTED"), ("2024-05-01", "2024-06-01"),
    ),
    Life("SM-P5", LEFT, PREMIUM_5, ("2024-06-19", None), ("2024-06-20", "PLANNED")),
    Life("SM-P6", REPORTED, PREMIUM_5, ("2024-08-14", "PLANNED"), ("2024-08-15", "PAYABLE")),
    Life("SM-P7", LEFT, PREMIUM_5, ("2024-08-14", "PLANNED"), ("2024-08-15", "ON_HOLD")),
    Life("SM-P8", LATE_REPORT, PREMIUM_5, ("2024-09-01", "ON_HOLD"), ("2024-09-02", "PAYABLE")),
    Life("SM-P9", ami2(EXIT, BROKE), PREMIUM_5, ("2024-07-31", "PLANNED"), ("2024-08-01", "STOPPED")),
    Life(
        "SM-P9", ami2(EXIT, BROKE | {"known_on": "2024-09-10"}),
        PREMIUM_5, ("2024-09-09", "ON_HOLD"), ("2024-09-10", "STOPPED"),
    ),
    Life("SM-P10", REPORTED, PREMIUM_5, ("2024-09-01", "PAYABLE"), ("2024-09-01", "PAID"), ("2024-09-01",)),
    Life(
        "SM-P11", BROKE_AS_KNOWN_LATE, PREMIUM_5,
        ("2024-09-30", "PAID"), ("2024-10-01", "CORRECTED"), ("2024-09-01", "2024-10-01"),
    ),
    Life("SM-B1", LEFT, THE_BONUS, ("2024-06-19", None), ("2024-06-20", "CLOCK_RUNNING")),
    Life("SM-B2", ami2(EXIT, BROKE), THE_BONUS, ("2024-07-31", "CLOCK_RUNNING"), ("2024-08-01", "FORFEITED")),
    Life("SM-B3", ami2(EXIT, EB), THE_BONUS, ("2024-09-14", "CLOCK_RUNNING"), ("2024-09-15", "BLOCKED")),
    Life("SM-B4", LEFT, THE_BONUS, ("2024-12-19", "CLOCK_RUNNING"), ("2024-12-20", "CLAIMABLE")),
    # a claim that comes too early never gets here: see tests/assignment/test_claims.py
    Life("SM-B5", LEFT, THE_BONUS, ("2024-12-18", "CLOCK_RUNNING"), ("2024-12-19", "CLOCK_RUNNING")),
    Life("SM-B6", ami2(HALF, claim("2024-12-27")), THE_BONUS, ("2024-12-26", "CLAIMABLE"), ("2024-12-27", "CLAIMED")),
    Life(
        "SM-B7", ami2(NO_PAPERS, claim("2024-12-27"), PAPERS), THE_BONUS,
        ("2024-12-26", "CLAIMABLE"), ("2024-12-27", "SUPPLEMENT_REQUESTED"),
    ),
    Life("SM-B8", CLAIMED, THE_BONUS, ("2024-12-26", "CLAIMABLE"), ("2024-12-27", "APPROVED")),
    Life(
        "SM-B8", ami2(NO_PAPERS, claim("2024-12-27"), PAPERS), THE_BONUS,
        ("2025-01-09", "SUPPLEMENT_REQUESTED"), ("2025-01-10", "APPROVED"),
    ),
    Life(
        "SM-B8", ami2(HALF, claim("2024-12-27"), decision("2025-01-08")), THE_BONUS,
        ("2025-01-07", "CLAIMED"), ("2025-01-08", "APPROVED"),
    ),
    Life(
        "SM-B9", ami2(HALF, claim("2024-12-27"), decision("2025-01-08", approved=False)), THE_BONUS,
        ("2025-01-07", "CLAIMED"), ("2025-01-08", "REFUSED"),
    ),
    Life(
        "SM-B9", ami2(NO_PAPERS, claim("2024-12-27"), decision("2025-01-08", approved=False)), THE_BONUS,
        ("2025-01-07", "SUPPLEMENT_REQUESTED"), ("2025-01-08", "REFUSED"),
    ),
    Life("SM-B10", CLAIMED, THE_BONUS, ("2025-01-01", "APPROVED"), ("2025-01-01", "PAID"), ("2025-01-01",)),
]  # fmt: skip


@pytest.mark.rule(
    "NACKA-10", "NACKA-30", "AMI-10.1-a", "AMI-10.1-b", "AMI-10.1-c", "AMI-10.1-f", "AMI-9-b", "AMI-9-d", "AMI-9-e",
    "AMI-10.2-c", "AMI-9.3.4-a",
)  # fmt: skip
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.transition)
def test_each_transition_takes_place_on_its_day(life: Life) -> None:
    (day, before), (then, after) = life.before, life.after
    # of a run on the day itself the state before is the one without it
    assert state(life.case, day, life.key, *(run for run in life.runs[: len(life.runs) - 1])) == before
    assert state(life.case, then, life.key, *life.runs) == after
    row = next(one for one in MONEY_TRANSITIONS if one.id == life.transition)
    assert (MoneyState(before) in row.before) if before else not row.before
    assert row.state.value == after


def test_the_table_has_every_transition_of_the_rulebook_and_every_one_is_tried() -> None:
    ids = [f"SM-P{number}" for number in range(1, 12)] + [f"SM-B{number}" for number in range(1, 11)]
    assert [row.id for row in MONEY_TRANSITIONS] == ids
    assert list(dict.fromkeys(life.transition for life in LIVES)) == ids


def test_every_state_has_an_event_and_every_event_of_a_transition_is_published() -> None:
    assert {event for row in MONEY_TRANSITIONS for event in row.events} <= set(EVENTS)
    assert set(STATE_EVENTS.values()) <= set(EVENTS)
    assert {(row.machine, row.state) for row in MONEY_TRANSITIONS} == set(STATE_EVENTS)


# --- the states beside the road -----------------------------------------------------------------------


def test_a_premium_month_waits_for_the_approval_of_a_person_and_is_planned_again_after_it() -> None:
    half = ami2(HALF, decision("2024-07-01"))
    assert [state(half, day, PREMIUM_5) for day in ("2024-06-20", "2024-06-30", "2024-07-01")] == [
        "ON_HOLD",
        "ON_HOLD",
        "PLANNED",
    ]
    assert state(ami2(HALF, decision("2024-07-01", approved=False)), "2024-07-01", PREMIUM_5) == "STOPPED"


@pytest.mark.rule("AMI-9-d", "AMI-9.3.3-a")
def test_a_person_who_refuses_a_bonus_that_assistance_blocks_confirms_that_it_is_forfeited() -> None:
    blocked = ami2(EXIT, EB, decision("2024-10-01", approved=False))
    assert state(blocked, "2024-09-30", THE_BONUS) == "BLOCKED"
    assert state(blocked, "2024-10-01", THE_BONUS) == "FORFEITED"
    start_support = studies("2024-06-20", "STUDY_START_SUPPORT_FULL_TIME")
    assert state(ami2(start_support, EB), "2024-09-30", THE_BONUS) == "CLOCK_RUNNING"


def test_a_bonus_that_was_paid_is_paid_until_a_run_takes_it_back_and_then_stands_where_its_facts_put_it() -> None:
    late = ami2(EXIT, claim("2024-12-20"), EB | {"known_on": "2025-01-15"})
    assert state(late, "2025-01-31", THE_BONUS, "2025-01-01") == "PAID"
    assert state(late, "2025-02-01", THE_BONUS, "2025-01-01", "2025-02-01") == "BLOCKED"


def test_a_month_that_was_taken_back_and_is_due_again_is_payable_and_paid_again() -> None:
    rows = [*start("2024-03-15", "2024-03-15"), EXIT, *follow_ups(range(5, 7))]
    facts = [load_fact(row, place) for place, row in enumerate([*rows, BROKE])]
    without, with_it = case("AMI_2").having(facts[:-1]), case("AMI_2").having(facts)
    posted: list[Posting] = []
    for run, one in ((d("2024-09-01"), without), (d("2024-10-01"), with_it)):
        posted += settle(posted, lines(one, WHO, run), run, WHO)

    def now(one: Case, day: str, held: list[Posting]) -> str:
        found = states(one, WHO, lines(one, WHO, d(day)), held, d(day))
        return next(row.state.value for row in found if row.key == PREMIUM_5)

    assert now(with_it, "2024-10-02", posted) == "CORRECTED"
    assert now(without, "2024-10-02", posted) == "PAYABLE"
    again = [*posted, *settle(posted, lines(without, WHO, d("2024-11-01")), d("2024-11-01"), WHO)]
    assert now(without, "2024-11-01", again) == "PAID"


def test_a_premium_month_that_was_paid_before_the_break_off_was_known_stays_paid_where_nothing_is_clawed_back() -> None:
    who = tenant({"premium.clawback": "NONE"})
    found = stand(BROKE_AS_KNOWN_LATE, "2024-10-01", ("2024-09-01", "2024-10-01"), who)
    assert found[PREMIUM_5].state is MoneyState.PAID
    assert found["alfa", "SPEED_PREMIUM", 6].state is MoneyState.STOPPED


def test_what_another_provider_turns_out_to_be_due_was_paid_to_the_first_until_a_run_corrects_it() -> None:
    switched = ami2(on("2024-04-10", "provider_switch", provider="beta", approved=True) | {"known_on": "2024-05-20"})
    before = stand(switched, "2024-05-20", ("2024-05-01",))
    assert before[FEE].state is MoneyState.PAID
    assert before["beta", "MONTHLY_FEE", 1].state is MoneyState.PAYABLE
    after = stand(switched, "2024-06-01", ("2024-05-01", "2024-06-01"))
    assert (after[FEE].state, f"{after[FEE].amount:.2f}") == (MoneyState.CORRECTED, "0.00")
    assert after["beta", "MONTHLY_FEE", 1].state is MoneyState.PAID


def test_of_a_supplement_the_missing_documents_are_told_and_the_proof_of_hourly_work() -> None:
    found = stand(ami2(NO_PAPERS, claim("2024-12-27")), "2024-12-27")[THE_BONUS]
    assert (found.documents, found.cover) == (("EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"), False)
    hourly = exited(
        "2024-06-20", "WORK_HOURLY_FULL_TIME", documents=["EMPLOYMENT_CONTRACT"], contract_until="2024-08-01"
    )
    found = stand(ami2(hourly, claim("2024-12-27")), "2024-12-27")[THE_BONUS]
    assert (found.state, found.documents, found.cover) == (MoneyState.SUPPLEMENT_REQUESTED, (), True)


def test_jobbpeng_has_ordinary_months_alone() -> None:
    found = stand(jobbpeng(), "2024-06-10")
    assert {two.machine for two in found.values()} == {MONTH}
    assert [two.state.value for two in found.values()] == ["PAYABLE", "ACCRUING"]


def test_a_bonus_that_was_refused_has_the_rules_that_say_so() -> None:
    late = stand(ami1(exited("2025-06-01")), "2025-06-01")[THE_BONUS]
    assert late.state is MoneyState.REFUSED
    assert "AMI-10.2-a" in late.rules


def test_every_sentence_of_a_bonus_leads_to_a_state() -> None:
    known = {code for _, code in BONUSES}
    # the sentences of MANUAL and of a plain refusal name no state of their own
    others = {
        "bonus.refused_by_municipality", "bonus.refused", "bonus.late", "bonus.another", "bonus.not_certified",
        "bonus.expired", "bonus.boundary", "bonus.approval_needed", "bonus.later_start", "bonus.changed_workplace",
        "bonus.other_length",
    }  # fmt: skip
    assert {code for code in PHRASES if code.startswith("bonus.")} == known | others
    assert not known & others


# --- what is told -------------------------------------------------------------------------------------


def told(found: dict[Any, Standing]) -> dict[Any, str]:
    return {key: one.print for key, one in found.items()}


def test_told_twice_is_nothing_to_tell() -> None:
    found = stand(REPORTED, "2024-09-01", ("2024-08-01",))
    assert found
    assert changes(told(found), found.values()) == ()


def test_what_is_new_what_changed_and_what_is_gone_is_told_with_the_state_before() -> None:
    first, then = stand(LEFT, "2024-08-14"), stand(STARTED, "2024-08-14")
    back = {change.key: change for change in changes(told(first), then.values())}
    assert back[THE_BONUS].now is None
    assert back[THE_BONUS].before is MoneyState.CLOCK_RUNNING
    assert (back["alfa", "MONTHLY_FEE", 5].before, back["alfa", "MONTHLY_FEE", 5].now) == (
        None,
        then["alfa", "MONTHLY_FEE", 5],
    )
    assert FEE not in back


def test_another_amount_in_the_same_state_is_told_again() -> None:
    cheap, dear = stand(STARTED, "2024-04-15"), stand(STARTED, "2024-04-15", (), tenant({"AMI2_MONTHLY_FEE": 8500}))
    change = next(one for one in changes(told(cheap), dear.values()) if one.key == FEE)
    assert change.before is MoneyState.PAYABLE
    assert change.now is not None and change.now.state is MoneyState.PAYABLE


@pytest.mark.parametrize(
    ("one", "who"),
    [
        (REPORTED, WHO),
        (ami2(EXIT), tenant({"bonus.claim_deadline_months": 1})),
        (LATE_REPORT, tenant({"premium.missing_report": "FORFEIT"})),
        (jobbpeng(exited("2024-08-20")), WHO),
        (BROKE_AS_KNOWN_LATE, WHO),
    ],
    ids=["reported", "deadline", "forfeit", "jobbpeng", "late"],
)
def test_nothing_changes_before_the_day_on_which_it_is_looked_at_again(one: Case, who: Tenant) -> None:
    until: date | None = None
    last: dict[Any, str] = {}
    for number in range(600):
        day = add_days(d("2024-03-10"), number)
        known = one.known_by(day)
        found = lines(known, who, day)
        now = {two.key: two.print for two in states(known, who, found, (), day)}
        if until is not None and day < until:
            assert now == last, day
        last, until = now, look_again(one, who, found, day) or date.max
    assert last


def test_each_line_has_the_state_that_its_status_allows() -> None:
    allowed: dict[LineStatus, set[str]] = {
        LineStatus.PLANNED: {"ACCRUING", "PLANNED", "CLOCK_RUNNING", "APPROVED"},
        LineStatus.PAYABLE: {"PAYABLE", "APPROVED"},
        LineStatus.ON_HOLD: {"ON_HOLD", "CLAIMABLE", "SUPPLEMENT_REQUESTED"},
        LineStatus.MANUAL: {"ON_HOLD", "CLAIMED"},
        LineStatus.STOPPED: {"STOPPED"},
        LineStatus.REFUSED: {"STOPPED", "REFUSED", "FORFEITED", "BLOCKED"},
    }
    seen: set[str] = set()
    for life in LIVES:
        for day, _ in (life.before, life.after):
            known = life.case.known_by(d(day))
            found = {(row.provider, row.kind.value, row.sequence): row for row in lines(known, WHO, d(day))}
            for key, one in stand(life.case, day).items():
                assert one.state.value in allowed[found[key].status]
                seen.add(one.state.value)
    assert seen == {value for values in allowed.values() for value in values}
