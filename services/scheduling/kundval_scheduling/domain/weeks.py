"""Whole ISO weeks, Monday to Sunday, of stretches of time. Part weeks at start and end are exempt (AMB-10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from kundval_contracts.calendar import add_days

WEEK = 7


@dataclass(frozen=True, slots=True)
class Week:
    """A week, numbered from the first whole one on. `cut_on`: the day that cut it short: it asks for nothing."""

    number: int
    monday: date
    sunday: date
    cut_on: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.monday <= day <= self.sunday


def monday_from(day: date) -> date:
    """`day` if it is a Monday, else the next one."""
    return add_days(day, -day.weekday() % WEEK)


def whole_weeks(stretches: Iterable[tuple[date, date | None]], end: date | None) -> Iterator[Week]:
    """The weeks of stretches `(first day, last day)`, the last day None if there is none yet, up to `end` (exclusive).

    They are numbered from the first stretch on, through the gaps as well. The week in which a stretch ends before
    its Sunday is among them, cut. Without `end` the last stretch needs a last day.
    """
    origin: date | None = None
    for first, last in stretches:
        monday = monday_from(first)
        origin = origin or monday
        number = (monday - origin).days // WEEK + 1
        while last is None or monday <= last:
            sunday = add_days(monday, WEEK - 1)
            if end is not None and sunday >= end:
                break
            yield Week(number, monday, sunday, last if last is not None and last < sunday else None)
            monday, number = add_days(monday, WEEK), number + 1
