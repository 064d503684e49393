"""A meeting that comes back: the same local time every so many days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import BookingRefusal
from kundval_contracts.errors import Conflict, InvalidRequest
from kundval_contracts.workdays import holidays_of

from ..domain.booking import FARTHEST
from ..domain.instants import LOCAL, BadInstant, Span, instant, local_day, zone
from .book import Wish, book, business_date

#: the most meetings in a series
MOST = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One of the series: the meeting that was booked, or why none was."""

    on: date
    meeting: str | None = None
    code: str | None = None
    message: str | None = None


def days(first: date, every: int, count: int | None, until: date | None) -> Iterator[date]:
    """The local days of a series: `count` of them, or through `until`, and no more than `MOST`."""
    for number in range(min(count or MOST, MOST)):
        day = first + timedelta(days=every * number)
        if until is not None and day > until:
            return
        yield day


def book_series(
    tx: Tx,
    tenant: Tenant,
    wish: Wish,
    series: str,
    *,
    every: int,
    count: int | None,
    until: date | None,
    holidays: bool,
) -> list[Row]:
    """Book each of a series; what cannot be is told, and the others stand. holidays: also on Swedish holidays.

    At the same time of the day, whatever the clock does; a time that is skipped or there twice is left out. Raises
    InvalidRequest if the first is in the past or too far ahead.
    """
    first, length = wish.span.start.astimezone(zone(LOCAL)), wish.span.end - wish.span.start
    today = business_date(tenant)
    if until is not None and until > today + FARTHEST:
        raise InvalidRequest(
            code=BookingRefusal.TOO_FAR_AHEAD.value,
            faults=[{"path": "until", "message": "is more than two years ahead"}],
        )
    found = []
    for day in days(local_day(wish.span.start), every, count, until):
        if not holidays and day in holidays_of(day.year):
            found.append(Row(day, None, BookingRefusal.HOLIDAY.value, "is a holiday"))
            continue
        try:
            start = instant(datetime.combine(day, first.time())) if day != first.date() else wish.span.start
            with tx.attempt():
                made = book(tx, tenant, replace(wish, span=Span(start, start + length), series=series))
            found.append(Row(day, made.id))
        except BadInstant as error:
            found.append(Row(day, None, error.code, str(error)))
        except (Conflict, InvalidRequest) as error:
            reason = error.faults[0] if error.faults else None
            message = f"{reason['path']} {reason['message']}" if reason else error.message
            found.append(Row(day, None, error.code, message))
    return found
