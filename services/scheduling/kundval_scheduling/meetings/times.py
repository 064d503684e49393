"""The time of a meeting as a request gives it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from kundval_contracts.codes import BookingRefusal
from kundval_contracts.errors import InvalidRequest

from ..domain.booking import FARTHEST, LONGEST
from ..domain.instants import LOCAL, BadInstant, Span, instant, local_day

_R = BookingRefusal


def read_span(request: Mapping[str, Any]) -> Span:
    """`starts_at` and `ends_at` or `minutes`, whole minutes, in `zone` unless they have an offset.

    Raises InvalidRequest.
    """
    zone = request.get("zone") or LOCAL
    start = read_instant(request["starts_at"], zone, "starts_at")
    given, minutes = request.get("ends_at"), request.get("minutes")
    if (given is None) == (minutes is None):
        message = "is needed, or `minutes`, and not both"
        raise InvalidRequest(faults=[{"path": "ends_at", "message": message}])
    end = start + timedelta(minutes=minutes or 0) if given is None else read_instant(given, zone, "ends_at")
    for name, at in (("starts_at", start), ("ends_at", end)):
        if at.second or at.microsecond:
            raise InvalidRequest(faults=[{"path": name, "message": "must be on a whole minute"}])
    path = "minutes" if given is None else "ends_at"
    try:
        span = Span(start, end)
    except BadInstant as error:
        raise _bad(error.code, path, str(error)) from None
    if span.end - span.start > LONGEST:
        raise _bad(_R.TOO_LONG, path, "is too late: a meeting takes twelve hours at the most")
    return span


def read_instant(given: datetime, zone: str, path: str) -> datetime:
    """An instant in UTC. Raises InvalidRequest."""
    try:
        return instant(given, zone)
    except BadInstant as error:
        raise _bad(error.code, "zone" if error.code == _R.UNKNOWN_ZONE else path, str(error)) from None


def ahead(span: Span, today: date, path: str = "starts_at") -> None:
    """Raise InvalidRequest unless the meeting is on the business date or later, and not years away."""
    day = local_day(span.start)
    if day < today:
        raise _bad(_R.IN_THE_PAST, path, "is before the business date")
    if day > today + FARTHEST:
        raise _bad(_R.TOO_FAR_AHEAD, path, "is more than two years ahead")


def _bad(code: str, path: str, message: str) -> InvalidRequest:
    return InvalidRequest(code=str(code), faults=[{"path": path, "message": message}])
