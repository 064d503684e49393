"""Days of Stöd och matchning, where the municipality is the employment service's supplier (AF-SOM-7, 8, 25)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from .calendar import Period, add_days
from .codes import FactKind, Programme
from .facts import Fact
from .rules import rule

PERIOD_DAYS = 90


@rule("AF-SOM-7")
def period(start: date, number: int, days: int = PERIOD_DAYS) -> Period:
    """Period `number` (from 1) of 90 calendar days: the first, then the extensions."""
    return Period(add_days(start, days * (number - 1)), add_days(start, days * number))


@rule("AF-SOM-7")
def periods(start: date, facts: Iterable[Fact], days: int = PERIOD_DAYS) -> tuple[Period, ...]:
    """The periods of an assignment that began on `start`: the first, and one for every `extended` among its facts."""
    extensions = sum(1 for fact in facts if fact.kind is FactKind.EXTENDED)
    return tuple(period(start, number, days) for number in range(1, extensions + 2))


@rule("AF-SOM-3")
def weekdays(start: date, end: date) -> int:
    """Mondays to Fridays in `[start, end)`; public holidays are not looked at."""
    if end <= start:
        return 0
    weeks, rest = divmod((end - start).days, 7)
    return weeks * 5 + sum(1 for day in range(rest) if (start.weekday() + day) % 7 < 5)


@rule("AF-SOM-25")
def last_day_with_old(notice: date, days: int) -> date:
    """The last day with the supplier that is left, calendar days after the notice; the new one has the following."""
    return add_days(notice, days)


@rule("AF-SOM-8", "AF-SOM-1")
def track_on(programme: Programme, facts: Iterable[Fact], day: date) -> Programme:
    """The track on `day`: AF's latest decision by then, else the one that the assignment began with."""
    for fact in facts:
        if fact.kind is FactKind.TRACK_DECIDED and fact.on <= day:
            programme = fact["programme"]
    return programme
