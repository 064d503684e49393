"""Which cases are looked at, and when: those with news, and those that wait for the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from kundval_chassis import agenda, held
from kundval_chassis.db import Pool, Tx
from kundval_contracts.envelope import Event

from .eventing import TENANT, migrated
from .test_held import day_opened, opened, registered

MONDAY, TUESDAY = date(2024, 4, 1), date(2024, 4, 2)
START = [opened(), day_opened("2024-04-01")]


@pytest.fixture(scope="module")
def shared(database: str) -> Iterator[Pool]:
    with migrated(database, "billing") as opened:
        yield opened


@pytest.fixture
def tx(shared: Pool) -> Iterator[Tx]:
    with shared.tx() as found:
        found.execute("TRUNCATE tenant, held_case, held_fact, agenda")
        yield found


def seen(tx: Tx, events: list[Event], until: date | None = None) -> list[str]:
    """Whom the events make the service look at; all of them rest until that day then."""
    found = []
    for tenant, _, cases in agenda.take_in(tx, events):
        found += [case.assignment for case in cases]
        agenda.rest(tx, tenant.id, {case.assignment: until for case in cases})
    return found


def test_a_case_is_looked_at_once_and_then_on_the_day_that_it_waits_for(tx: Tx) -> None:
    assert seen(tx, [*START, registered("A-1"), registered("A-2")], TUESDAY) == ["A-1", "A-2"]
    assert seen(tx, [day_opened("2024-04-01")]) == []
    assert seen(tx, [day_opened("2024-04-02")]) == ["A-1", "A-2"]
    # without a day to wait for, never
    assert seen(tx, [day_opened("2030-01-01")]) == []


def test_other_settings_wake_every_case_of_the_tenant(tx: Tx) -> None:
    seen(tx, [*START, registered("A-1")])
    assert seen(tx, [opened(2)]) == ["A-1"]


def test_news_of_a_case_that_is_not_registered_yet_waits_for_it(tx: Tx) -> None:
    seen(tx, START)
    agenda.wake(tx, [(TENANT, "A-9")])
    assert list(agenda.awake(tx, TENANT, TUESDAY)) == []
    held.apply(tx, [registered("A-9")])
    assert [case.assignment for cases in agenda.awake(tx, TENANT, MONDAY) for case in cases] == ["A-9"]


def test_very_many_come_in_chunks_and_in_order_while_they_are_laid_to_rest(tx: Tx) -> None:
    names = [f"A-{number:04d}" for number in range(2 * agenda.CHUNK + 1)]
    seen(tx, START)
    held.apply(tx, [registered(name) for name in names])
    agenda.wake(tx, [(TENANT, name) for name in names])
    sizes, found = [], []
    for cases in agenda.awake(tx, TENANT, MONDAY):
        sizes.append(len(cases))
        found += [case.assignment for case in cases]
        agenda.rest(tx, TENANT, {case.assignment: TUESDAY for case in cases})
    assert sizes == [agenda.CHUNK, agenda.CHUNK, 1] and found == names
    assert list(agenda.due(tx, TENANT, MONDAY)) == []
