"""Where money stands, for every assignment, under every reading, whenever its facts become known."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_billing.domain import lines, settle
from kundval_billing.domain.states import changes, look_again, states
from kundval_contracts.answer import Posting
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import LineStatus, MoneyState
from kundval_contracts.transitions import BONUS, STATE_EVENTS

from .builders import tenant
from .strategies import FAR, cases, readings, runs

pytestmark = pytest.mark.slow

few = settings(max_examples=30, deadline=None)
moments = st.dates(date(2024, 2, 1), date(2027, 12, 31))
#: what each status of a line leaves open while nothing of it is posted
OPEN = {
    LineStatus.PLANNED: {"ACCRUING", "PLANNED", "CLOCK_RUNNING", "APPROVED"},
    LineStatus.PAYABLE: {"PAYABLE", "APPROVED"},
    LineStatus.ON_HOLD: {"ON_HOLD", "CLAIMABLE", "SUPPLEMENT_REQUESTED"},
    LineStatus.MANUAL: {"ON_HOLD", "CLAIMED"},
    LineStatus.STOPPED: {"STOPPED"},
    LineStatus.REFUSED: {"STOPPED", "REFUSED", "FORFEITED", "BLOCKED"},
}


def ledger(case: Case, who: Tenant, days: list[date]) -> list[Posting]:
    posted: list[Posting] = []
    for day in days:
        posted += settle(posted, lines(case.known_by(day), who, day), day, who)
    return posted


@given(cases(), readings(), runs(), moments)
@few
def test_the_state_always_agrees_with_the_line_and_the_ledger(
    case: Case, read: dict[str, Any], days: list[date], day: date
) -> None:
    who, known = tenant(read), case.known_by(day)
    posted = ledger(case, who, [one for one in days if one <= day])
    found = {(one.provider, one.kind.value, one.sequence): one for one in lines(known, who, day)}
    stands: dict[Any, Any] = {}
    for posting in posted:
        key = (posting.provider, posting.kind.value, posting.sequence)
        stands[key] = stands.get(key, 0) + posting.amount
    now = {one.key: one for one in states(known, who, found.values(), posted, day)}
    assert set(found) <= set(now)
    for key, one in now.items():
        assert (one.machine, one.state) in STATE_EVENTS
        assert (one.state is MoneyState.PAID) <= bool(stands.get(key))
        if stands.get(key):
            assert one.state in (MoneyState.PAID, MoneyState.CORRECTED)
            assert one.amount == stands[key]
        elif key not in stands or one.machine == BONUS or one.state is not MoneyState.CORRECTED:
            assert one.state.value in OPEN[found[key].status]
            assert one.amount == found[key].amount


@given(cases(), readings(), moments, st.randoms(use_true_random=False))
@few
def test_the_same_facts_in_any_order_stand_the_same(case: Case, read: dict[str, Any], day: date, mix: Any) -> None:
    who, facts = tenant(read), list(case.known_by(day).facts)
    mix.shuffle(facts)
    one, other = case.having(case.known_by(day).facts), case.having(facts)
    assert states(one, who, lines(one, who, day), (), day) == states(other, who, lines(other, who, day), (), day)


@given(cases(), readings(), runs(), moments)
@few
def test_told_twice_is_nothing_and_told_step_by_step_ends_where_told_at_once_does(
    case: Case, read: dict[str, Any], days: list[date], day: date
) -> None:
    who = tenant(read)
    told: dict[Any, str] = {}
    for step in sorted({*days, day, FAR}):
        known = case.known_by(step)
        posted = ledger(case, who, [one for one in days if one <= step])
        now = states(known, who, lines(known, who, step), posted, step)
        for change in changes(told, now):
            assert change.now is None or change.now.print != told.get(change.key)
            if change.now is None:
                del told[change.key]
            else:
                told[change.key] = change.now.print
        assert changes(told, now) == ()
        assert told == {one.key: one.print for one in now}


@given(cases(), readings(), st.lists(moments, min_size=1, max_size=6))
@few
def test_nothing_changes_before_the_day_on_which_it_is_looked_at_again(
    case: Case, read: dict[str, Any], days: list[date]
) -> None:
    who, first = tenant(read), min(days)

    def prints(day: date) -> dict[Any, str]:
        known = case.known_by(day)
        return {one.key: one.print for one in states(known, who, lines(known, who, day), (), day)}

    until = look_again(case, who, lines(case.known_by(first), who, first), first) or date.max
    before = prints(first)
    for day in sorted(days):
        if day < until:
            assert prints(day) == before
