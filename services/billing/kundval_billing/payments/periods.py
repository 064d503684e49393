"""Closing a month: no run is made in it any more, and what is corrected later is posted in a run that is open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.answer import money
from kundval_contracts.calendar import add_months
from kundval_contracts.case import Tenant
from kundval_contracts.codes import PaymentState
from kundval_contracts.errors import Conflict

from . import store

#: What may be left over when a month is closed: it is known, somebody is at it, and it is paid by a later run.
MAY_WAIT = frozenset({PaymentState.PARKED, PaymentState.HELD})


def month_of(day: date) -> date:
    return day.replace(day=1)


def require_open(tx: Tx, tenant: str, day: date) -> None:
    """Raise Conflict PERIOD_CLOSED if the month of `day` is closed."""
    if store.is_closed(tx, tenant, month_of(day)):
        raise Conflict(f"The month of {day} is closed: make a later run.", code="PERIOD_CLOSED")


def close(tx: Tx, tenant: Tenant, month: date, caller: Caller) -> dict[str, Any]:
    """Close the month that begins on `month`; closing it again changes nothing.

    Raises Conflict: MONTH_NOT_ENDED until the business date is past it; PAYMENTS_OPEN while money that was recognised
    by its end is on no payment, or on one that is neither released, parked nor held. What is held or parked is carried
    over.
    """
    end = add_months(month, 1)
    carried, amount = 0, Decimal("0.00")
    if tenant.business_date is None or tenant.business_date < end:
        raise Conflict(f"The month has not ended on the business date {tenant.business_date}.", code="MONTH_NOT_ENDED")
    for row in _unpaid(tx, tenant.id, end):
        if row["state"] not in MAY_WAIT:
            raise Conflict("Not all that was recognised by its end has been released.", code="PAYMENTS_OPEN")
        carried += row["entries"]
        amount += row["amount"]
    if not store.is_closed(tx, tenant.id, month):
        store.close_period(tx, tenant.id, month, caller, tenant.business_date)
        data = {"month": month.isoformat(), "carried": carried, "amount": money(amount)}
        tx.publish("billing.period_closed", subject=tenant.id, tenant=tenant.id, data=data)
    return {"tenant": tenant.id, "month": month.isoformat()[:7], "carried": carried, "amount": amount}


def _unpaid(tx: Tx, tenant: str, end: date) -> Iterator[dict[str, Any]]:
    """What was recognised before `end` and is not released: entries and their sum by what they stand at."""
    for row in store.free(tx, tenant, None, store.EVER, until=end):
        yield {"state": PaymentState.HELD if row["held"] else PaymentState.PROPOSED, **row}
    waiting = {one.id: one.standing.state for one in store.payments(tx, tenant) if one.standing.is_open}
    for row in store.entries_before(tx, list(waiting), end):
        yield {"state": waiting[row["payment"]], **row}


def corrections(tx: Tx, tenant: str, request: dict[str, Any]) -> tuple[list[dict[str, Any]], int | None]:
    """A page of the entries that take back or replace, in a run after the month, a posting about days of the month."""
    month, limit = request["month"], request["limit"]
    found = store.corrections(tx, tenant, month, add_months(month, 1), request["after"] or 0, limit)
    return found, found[-1]["entry"] if len(found) == limit else None
