"""What holds for every history, every reading and every day."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kundval_contracts.answer import Obligation
from kundval_contracts.calendar import add_months
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import ObligationState
from kundval_contracts.profiles import profiles
from kundval_notifications.domain import notices
from kundval_scheduling.domain import obligations, outlook
from tests.scheduling.builders import ami2, on, rows_of, tenant
from tests.scheduling.histories import FIRST, OTHERS, histories, readings

pytestmark = pytest.mark.slow

#: any day, but more often one of the first months, when most begins
days = st.one_of(st.integers(0, 700), st.integers(0, 120)).map(lambda number: FIRST + timedelta(days=number))
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(histories(), readings, days, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    one: Case, given_: dict[str, Any], day: date, chance: random.Random
) -> None:
    shuffled = list(one.facts)
    chance.shuffle(shuffled)
    other = Case(one.assignment, one.programme, one.plan, None, tuple(shuffled))
    assert obligations(one, tenant(given_), day) == obligations(other, tenant(given_), day)


@quick
@given(histories(), readings, days)
def test_computing_twice_gives_the_same_and_no_key_twice(one: Case, given_: dict[str, Any], day: date) -> None:
    rows = obligations(one, tenant(given_), day)
    assert rows == obligations(one, tenant(given_), day)
    assert len({row.key for row in rows}) == len(rows)


@quick
@given(histories(), readings, days)
def test_each_state_agrees_with_its_days(one: Case, given_: dict[str, Any], day: date) -> None:
    for row in obligations(one, tenant(given_), day):
        assert (row.met_on is not None) == (row.state is ObligationState.MET)
        assert row.met_on is None or row.met_on <= day
        if row.state is ObligationState.OPEN:
            assert row.overdue_after is None or day <= row.overdue_after
        if row.state is ObligationState.OVERDUE:
            assert row.overdue_after is not None and day > row.overdue_after


@quick
@given(histories(), readings, days)
def test_facts_that_are_not_yet_known_change_nothing(one: Case, given_: dict[str, Any], day: date) -> None:
    assert obligations(one, tenant(given_), day) == obligations(one.known_by(day), tenant(given_), day)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), readings, days)
def test_nothing_changes_before_the_next_change_and_something_does_on_it(
    one: Case, given_: dict[str, Any], day: date
) -> None:
    here, known = tenant(given_), one.known_by(day)
    now, change = outlook(known, here, day)
    assert now == obligations(one, here, day)
    until = change or day + timedelta(days=60)
    assert until > day
    for number in range(1, (until - day).days):
        assert obligations(known, here, day + timedelta(days=number)) == now
    if change is not None:
        assert obligations(known, here, change) != now


def look_again(one: Case, here: Tenant, day: date) -> date | None:
    """When the service looks again: a change by time alone, or a fact that becomes known."""
    days = [fact.known_on for fact in one.facts if fact.known_on > day]
    change = outlook(one, here, day)[1]
    return min([*days, change] if change else days, default=None)


def test_a_week_that_opens_is_a_change_even_if_the_one_before_was_kept() -> None:
    one = ami2(on("2024-04-02", "contact"))
    here = tenant()
    changes = []
    day = date(2024, 3, 28)
    while day < date(2024, 4, 15):
        day = look_again(one, here, day) or date.max
        changes.append(day.isoformat())
    # week 1 opens; its contact is known; mapping, guidance overdue; placement; week 2 over, month 2 opens
    assert changes == ["2024-04-01", "2024-04-02", "2024-04-08", "2024-04-12", "2024-04-13", "2024-04-15"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), readings)
def test_going_from_change_to_change_reaches_an_end(one: Case, given_: dict[str, Any]) -> None:
    here, day, steps = tenant(given_), FIRST - timedelta(days=1), 0
    while (change := look_again(one, here, day)) is not None:
        assert change > day
        day, steps = change, steps + 1
    assert steps < 400
    assert obligations(one, here, day) == obligations(one, here, date.max - timedelta(days=1))


@quick
@given(histories(), readings, days)
def test_what_was_overdue_is_never_cancelled_without_news(one: Case, given_: dict[str, Any], day: date) -> None:
    known = one.known_by(day)
    here = tenant(given_)
    later = {row.key: row.state for row in obligations(known, here, day + timedelta(days=500))}
    for row in obligations(known, here, day):
        if row.state is not ObligationState.OPEN:
            assert later[row.key] is row.state


@pytest.mark.rule("AMI-8.2-a")
@given(st.dates(date(2024, 3, 1), date(2030, 12, 31)))
def test_follow_ups_keep_the_day_of_the_decision_or_the_last_of_the_month(decided: date) -> None:
    one = ami2(decided=decided.isoformat(), started=decided.isoformat())
    found = [row.due for row in rows_of(one, decided.isoformat(), "FOLLOWUP_MEETING")]
    expected = [add_months(decided, months) for months in (3, 6, 9)]
    assert found == [*expected, add_months(decided, 12) - timedelta(days=1)]


# --- every programme, in municipalities with a process, with check-ins and with neither -----------------

ALL = ("AMI_1", "AMI_2", *OTHERS)
places = st.sampled_from(["nacka", "kungsbacka", "molndal", "with_checkins"])


def place_of(given_: dict[str, Any], key: str) -> Tenant:
    return tenant(given_, municipality=key)


@pytest.fixture(autouse=True, scope="module")
def _an_invented_municipality() -> Iterator[None]:
    """Molndal with an interval of check-ins, which no source states."""
    known = {**profiles(), "with_checkins": replace(profiles()["molndal"], checkin_interval_days=20)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kundval_scheduling.domain.plan.profiles", lambda: known)
        yield


@quick
@given(histories(ALL), readings, places, days, st.randoms(use_true_random=False))
def test_obligations_depend_on_the_set_of_facts_and_each_kind_and_sequence_is_there_once(
    one: Case, given_: dict[str, Any], key: str, day: date, chance: random.Random
) -> None:
    shuffled = list(one.facts)
    chance.shuffle(shuffled)
    other = Case(one.assignment, one.programme, one.plan, None, tuple(shuffled))
    rows = obligations(one, place_of(given_, key), day)
    assert rows == obligations(other, place_of(given_, key), day)
    assert len({(row.kind, row.sequence) for row in rows}) == len(rows)
    assert all(row.due is None or row.overdue_after is not None for row in rows)


@quick
@given(histories(ALL), readings, places, days)
def test_what_is_met_never_becomes_overdue_without_news(one: Case, given_: dict[str, Any], key: str, day: date) -> None:
    known, here = one.known_by(day), place_of(given_, key)
    later = {row.key: row for row in obligations(known, here, day + timedelta(days=400))}
    for row in obligations(known, here, day):
        if row.state is not ObligationState.OPEN:
            assert later[row.key] == row


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(ALL), readings, places, days)
def test_in_every_programme_nothing_changes_before_the_day_that_is_foretold(
    one: Case, given_: dict[str, Any], key: str, day: date
) -> None:
    here, known = place_of(given_, key), one.known_by(day)
    now, change = outlook(known, here, day)
    assert now == obligations(one, here, day)
    until = change or day + timedelta(days=60)
    for number in range(1, min((until - day).days, 60)):
        assert obligations(known, here, day + timedelta(days=number)) == now
    if change is not None:
        assert change > day
        assert obligations(known, here, change) != now


def kept(one: Case, here: Tenant, walked: Iterable[date]) -> tuple[tuple[Obligation, ...], set[tuple[Any, ...]]]:
    """What the two services hold after looking at a case on these days: obligations, and the notices that stand."""
    held: tuple[Obligation, ...] = ()
    standing: set[tuple[Any, ...]] = set()
    for day in walked:
        held = obligations(one, here, day)
        standing = {row.key for row in notices(one.known_by(day), held, (), here, day)}
    return held, standing


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(ALL), readings, places, days, st.integers(1, 40))
def test_a_month_that_is_caught_up_with_gives_what_day_by_day_gives_and_every_notice_once(
    one: Case, given_: dict[str, Any], key: str, day: date, length: int
) -> None:
    here = place_of(given_, key)
    last = day + timedelta(days=length)
    walked = [day + timedelta(days=number) for number in range(length + 1)]
    assert kept(one, here, walked) == kept(one, here, [last])
    told: set[tuple[Any, ...]] = set()
    for today in walked:
        rows = [row.key for row in notices(one.known_by(today), obligations(one, here, today), (), here, today)]
        assert len(set(rows)) == len(rows)
        told |= set(rows)
    assert kept(one, here, [last])[1] <= told


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(OTHERS), readings, places)
def test_in_every_programme_that_ends_time_alone_comes_to_an_end(one: Case, given_: dict[str, Any], key: str) -> None:
    here, day, steps = place_of(given_, key), FIRST - timedelta(days=1), 0
    while (change := look_again(one, here, day)) is not None and day < FIRST + timedelta(days=1500):
        assert change > day
        day, steps = change, steps + 1
    assert steps < 500
