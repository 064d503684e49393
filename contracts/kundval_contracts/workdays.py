"""Swedish working days: Monday to Friday but for public holidays and the three eves on which nobody works.

The eves of midsummer, Christmas and New Year are no public holidays by law, and treated as such everywhere. The
calendar comes from the package `holidays` and is only loaded when a day is asked about.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from . import calendar

if TYPE_CHECKING:
    from .settings import RuleSettings

SATURDAY = 5
_DAY = timedelta(days=1)


@cache
def holidays_of(year: int) -> frozenset[date]:
    """The public holidays of a year and the three eves; Saturdays and Sundays only where they are such a day."""
    import holidays  # here and not above: who only reads messages needs no calendar

    found = holidays.country_holidays("SE", years=year, categories=("public", "de_facto"), include_sundays=False)
    return frozenset(day for day in found if day.year == year)


def is_workday(day: date) -> bool:
    return day.weekday() < SATURDAY and day not in holidays_of(day.year)


def next_workday(day: date) -> date:
    """`day`, or the first working day after it."""
    while not is_workday(day):
        day += _DAY
    return day


def previous_workday(day: date) -> date:
    """`day`, or the last working day before it."""
    while not is_workday(day):
        day -= _DAY
    return day


@lru_cache(maxsize=4096)
def add_workdays(day: date, workdays: int, holidays: bool = False) -> date:
    """The day `workdays` working days after `day`.

    By default those are Mondays to Fridays, as reading 37 has them; with `holidays` Swedish working days.
    """
    if not holidays:
        return calendar.add_workdays(day, workdays)
    while workdays > 0:
        day += _DAY
        if is_workday(day):
            workdays -= 1
    return day


def workdays_after(day: date, workdays: int, settings: RuleSettings) -> date:
    """As `add_workdays`, by the municipality's calendar (`workdays.calendar`)."""
    return add_workdays(day, workdays, settings["workdays.calendar"] == "SWEDISH")
