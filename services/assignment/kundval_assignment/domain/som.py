"""Days of Stöd och matchning, where the municipality is the employment service's supplier (AF-SOM-7, 25, 26)."""

from __future__ import annotations

from datetime import date

from kundval_contracts.calendar import Period, add_days
from kundval_contracts.rules import rule

PERIOD_DAYS = 90


@rule("AF-SOM-7")
def period(start: date, number: int) -> Period:
    """Period `number` (from 1) of 90 calendar days: the first, then the extensions."""
    return Period(add_days(start, PERIOD_DAYS * (number - 1)), add_days(start, PERIOD_DAYS * number))


@rule("AF-SOM-25")
def last_day_with_old(notice: date, days: int) -> date:
    """The last day with the supplier that is left, calendar days after the notice; the new one has the following."""
    return add_days(notice, days)


@rule("AF-SOM-26")
def may_refuse(start: date, end: date, below: int) -> bool:
    """Whether a supplier may refuse: from the proposed start fewer than `below` days are left to `end` (exclusive)."""
    return (end - start).days < below
