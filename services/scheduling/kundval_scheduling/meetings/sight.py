"""Who may see and change which meetings, and what of them (integration facts, "Person and organisation ids").

A provider has its own meetings. Of a protected person nobody learns when and where, with which provider and with whom,
but the provider itself and whoever takes part; who pays sees the provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import restricted
from kundval_contracts.case import Tenant
from kundval_contracts.codes import MeetingKind
from kundval_contracts.errors import Forbidden
from kundval_contracts.events import MASKED
from kundval_contracts.rpc.base import MONEY

from ..domain.meeting import Meeting
from . import book, store


def require_assignment(tx: Tx, tenant: Tenant, caller: Caller, assignment: str) -> None:
    """A provider books for assignments that it is in charge of. Raises NotFound, Forbidden."""
    outlook = book.files(tx, tenant, [assignment])[assignment].outlook
    caller.require(outlook.provider)


def require_meeting(tx: Tx, tenant: Tenant, caller: Caller, meeting: str) -> Meeting:
    """The meeting, if the caller has to do with it. Raises NotFound, Forbidden."""
    found = book.one(tx, tenant, meeting)
    if caller.provider is not None and found.provider != caller.provider:
        raise Forbidden(code="NOT_YOUR_MEETING")
    return found


def require_own(tx: Tx, tenant: Tenant, caller: Caller, request: Mapping[str, Any]) -> None:
    """A provider names its own staff, rooms and interpreters and the municipality's: else it would learn when another
    provider's are free, and take their hours. Raises Forbidden.
    """
    if caller.provider is None:
        return
    named = {request["room"], request["interpreter"], *(one["resource"] for one in request["parties"])} - {None}
    if any(owner not in (None, caller.provider) for owner in store.owners(tx, tenant.id, sorted(named)).values()):
        raise Forbidden("A provider books its own staff and rooms.", code="NOT_YOUR_RESOURCE")


def visible(
    tx: Tx,
    tenant: str,
    meetings: Sequence[Meeting],
    caller: Caller,
    *,
    filtered: bool = False,
    about: str | None = None,
) -> list[Meeting]:
    """`meetings` as the caller may see them. filtered: they were chosen by what is hidden of a protected person, so
    that the choice itself would tell. about: they were chosen by this assignment.
    """
    hidden = _restricted(tx, tenant, meetings)
    found = []
    for one in meetings:
        if not hidden or _takes_part(one, caller):
            found.append(one)
            continue
        if one.assignment in hidden:
            if not filtered:
                found.append(_masked(one, caller))
            continue
        if about in hidden:
            # where a group meets says where this client is
            continue
        kept = tuple(subject for subject in one.subjects if subject.assignment not in hidden)
        found.append(one if len(kept) == len(one.subjects) else replace(one, subjects=kept))
    return found


def _restricted(tx: Tx, tenant: str, meetings: Iterable[Meeting]) -> set[str]:
    about = {one.assignment for one in meetings if one.assignment}
    about |= {subject.assignment for one in meetings for subject in one.subjects}
    return restricted(tx, tenant, about)


def _takes_part(meeting: Meeting, caller: Caller) -> bool:
    if caller.provider is not None:
        return meeting.provider == caller.provider
    return any(party.resource == caller.subject for party in meeting.parties)


def _masked(meeting: Meeting, caller: Caller) -> Meeting:
    """Without anything that helps to find somebody. What is to be done, by when and how far it is, stays."""
    provider = meeting.provider
    if provider is not None and caller.role not in MONEY:
        provider = MASKED
    return replace(
        meeting,
        provider=provider,
        team=None,
        span=None,
        mode=None,
        place=None,
        room=None,
        language=None,
        activity=None,
        parties=(),
    )


def row(meeting: Meeting) -> dict[str, Any]:
    """A meeting as the RPC tells it."""
    is_group = meeting.kind is MeetingKind.GROUP_SESSION and meeting.seats is not None
    taken = sum(1 for one in meeting.subjects if one.waiting is None)
    return {
        "meeting": meeting.id,
        "kind": meeting.kind,
        "state": meeting.state,
        "assignment": meeting.assignment,
        "sequence": meeting.sequence,
        "attempt": meeting.attempt,
        "needed": meeting.needed,
        "target": meeting.target,
        "book_from": meeting.book_from,
        "book_by": meeting.book_by,
        "hold_by": meeting.hold_by,
        "booker": meeting.booker,
        "rules": meeting.rules,
        "provider": meeting.provider,
        "team": meeting.team,
        "starts_at": meeting.span.start if meeting.span else None,
        "ends_at": meeting.span.end if meeting.span else None,
        "mode": meeting.mode,
        "place": meeting.place,
        "room": meeting.room,
        "language": meeting.language,
        "series": meeting.series,
        "seats": meeting.seats,
        "places_left": (meeting.seats or 0) - taken if is_group else None,
        "activity": meeting.activity,
        "version": meeting.version,
        "booked_on": meeting.booked_on,
        "held_on": meeting.held_on,
        "outcome": meeting.outcome,
        "measures": meeting.measures,
        "cancel_reason": meeting.cancel_reason,
        "parties": [
            {
                "role": one.role,
                "resource": one.resource,
                "mandatory": one.mandatory,
                "response": one.response,
                "attended": one.attended,
            }
            for one in meeting.parties
        ],
        "subjects": [
            {"assignment": one.assignment, "waiting": one.waiting, "attended": one.attended} for one in meeting.subjects
        ],
    }
