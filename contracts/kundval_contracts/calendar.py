"""Dates as the rules count them (rulebook 0.4): half-open periods, months from the original anchor.

Pure arithmetic on `datetime.date`; nothing here knows what day it is today.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

__all__ = ["Period", "add_days", "add_months", "add_workdays", "age_on", "month_index"]


def add_days(day: date, days: int) -> date:
    """`day` moved by `days` calendar days."""
    return day + timedelta(days=days)


def add_months(anchor: date, months: int) -> date:
    """Same day-of-month `months` later, clipped to the month's last day (rulebook 0.4 `addMonths`).

    Always compute from the original anchor: chaining loses the day (31 Aug -> 28 Feb -> 28 Jun).
    """
    years, month0 = divmod(anchor.month - 1 + months, 12)
    year, month, day = anchor.year + years, month0 + 1, anchor.day
    return date(year, month, day if day <= 28 else min(day, monthrange(year, month)[1]))


def month_index(anchor: date, day: date) -> int:
    """Smallest n >= 1 with `day < add_months(anchor, n)`; the anchor day itself is in month 1."""
    n = max(1, (day.year - anchor.year) * 12 + day.month - anchor.month)
    while day >= add_months(anchor, n):
        n += 1
    while n > 1 and day < add_months(anchor, n - 1):
        n -= 1
    return n


def age_on(birth: date, day: date) -> int:
    """Whole years on `day`; 29 February has its birthday on the 28th in an ordinary year (reading 8)."""
    years = day.year - birth.year
    return years if add_months(birth, 12 * years) <= day else years - 1


def add_workdays(day: date, workdays: int) -> date:
    """The day `workdays` Mondays-to-Fridays after `day`; holidays are not looked at (reading 37)."""
    while workdays > 0:
        day += timedelta(days=1)
        if day.weekday() < 5:
            workdays -= 1
    return day


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Half-open `[start, end)`: `end` is the first day that is not covered."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a period cannot end before it starts: {self.start} .. {self.end}")

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day < self.end

    def overlaps(self, other: Period) -> bool:
        """True if at least one day is in both (an empty period overlaps nothing)."""
        return max(self.start, other.start) < min(self.end, other.end)

    @property
    def last_day(self) -> date:
        """Last covered day, `end - 1 day`."""
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def __iter__(self) -> Iterator[date]:
        day = self.start
        while day < self.end:
            yield day
            day += timedelta(days=1)
