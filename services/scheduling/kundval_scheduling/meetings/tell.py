"""The events that tell of meetings: one for each assignment that a meeting is about."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.codes import MeetingState

from ..domain.instants import local_day
from ..domain.meeting import Meeting
from ..domain.needs import MANDATORY

BOOKED, REBOOKED = "scheduling.meeting_booked", "scheduling.meeting_rebooked"

#: The event that tells of a meeting that has come into a state.
OF_STATE: Mapping[MeetingState, str] = MappingProxyType(
    {
        MeetingState.DUE: "scheduling.meeting_due",
        MeetingState.DUE_OVERDUE: "scheduling.meeting_booking_overdue",
        MeetingState.BOOKED: BOOKED,
        MeetingState.HELD: "scheduling.meeting_held",
        MeetingState.MISSED: "scheduling.meeting_missed",
        MeetingState.OVERDUE: "scheduling.meeting_overdue",
        MeetingState.CANCELLED: "scheduling.meeting_cancelled",
        MeetingState.REASSIGNED: "scheduling.meeting_reassigned",
    }
)
_WITHOUT_TIME = frozenset({OF_STATE[MeetingState.DUE], OF_STATE[MeetingState.DUE_OVERDUE]})


def tell(tx: Tx, tenant: str, name: str, meeting: Meeting, **more: Any) -> None:
    """Publish an event about a meeting for every assignment that it is about; who waits for a place hears nothing.

    `meeting` has been given its new revision.
    """
    if meeting.assignment is not None:
        tell_one(tx, tenant, name, meeting, meeting.assignment, **more)
        return
    for one in meeting.subjects:
        if one.waiting is None:
            held = {"attended": one.attended} if name == OF_STATE[MeetingState.HELD] else {}
            tell_one(tx, tenant, name, meeting, one.assignment, **held, **more)


def tell_one(tx: Tx, tenant: str, name: str, meeting: Meeting, assignment: str, **more: Any) -> None:
    """The same for one assignment alone."""
    data = {**_data(name, meeting, assignment), **more}
    if meeting.span is not None:
        data["as_of"] = business_day(tx, tenant)
    tx.publish(name, subject=assignment, tenant=tenant, data=data)


def business_day(tx: Tx, tenant: str) -> str | None:
    """The tenant's business date as it stands, for events about meetings that have a time."""
    return _day(tx.value("SELECT business_date FROM tenant WHERE tenant = %s", (tenant,)))


def _data(name: str, meeting: Meeting, assignment: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "meeting": meeting.id,
        "assignment": assignment,
        "kind": meeting.kind.value,
        "sequence": meeting.sequence,
        "attempt": meeting.attempt,
        "revision": meeting.revision,
        "version": meeting.version,
        "needed": meeting.needed,
        "booker": meeting.booker.value if meeting.booker else None,
        "provider": meeting.provider,
        "mandatory": _mandatory(meeting),
        "target": _day(meeting.target),
        "book_by": _day(meeting.book_by),
        "hold_by": _day(meeting.hold_by),
        "rules": list(meeting.rules),
    }
    if name not in _WITHOUT_TIME:
        data |= {
            "on": _day(_on(name, meeting)),
            "starts_at": meeting.span.start.isoformat() if meeting.span else None,
            "ends_at": meeting.span.end.isoformat() if meeting.span else None,
            "mode": meeting.mode.value if meeting.mode else None,
        }
    if name == OF_STATE[MeetingState.HELD]:
        data |= {
            "minutes": meeting.span.minutes if meeting.span else None,
            "outcome": meeting.outcome.value if meeting.outcome else None,
            "measures": [one.value for one in meeting.measures],
            "activity": meeting.activity,
            "elsewhere": meeting.elsewhere,
        }
    if meeting.cancel_reason is not None and name in (
        OF_STATE[MeetingState.CANCELLED],
        OF_STATE[MeetingState.REASSIGNED],
    ):
        data["reason"] = meeting.cancel_reason.value
    return data


def _mandatory(meeting: Meeting) -> list[str]:
    roles = {party.role for party in meeting.parties if party.mandatory} | set(MANDATORY.get(meeting.kind, ()))
    return sorted(role.value for role in roles)


def _on(name: str, meeting: Meeting) -> Any:
    if name == OF_STATE[MeetingState.HELD]:
        return meeting.held_on
    if name == OF_STATE[MeetingState.MISSED]:
        return local_day(meeting.span.start) if meeting.span else None
    return meeting.booked_on


def _day(day: Any) -> str | None:
    return day.isoformat() if day else None
