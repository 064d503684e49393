"""What is due by what is known on a tenant's business date, for who reads and does not post."""

from __future__ import annotations

from kundval_contracts.answer import Line
from kundval_contracts.case import Case, Tenant

from .domain import lines


def lines_today(case: Case, tenant: Tenant) -> tuple[Line, ...]:
    """The lines of a case on the business date; none before the first one.

    None either of a case that no tariff covers any more: a page of many is shown without it, and `billing.problems`
    names it since the run that could not post it.
    """
    day = tenant.business_date
    if day is None:
        return ()
    try:
        return lines(case.known_by(day), tenant, day)
    except LookupError:
        return ()
