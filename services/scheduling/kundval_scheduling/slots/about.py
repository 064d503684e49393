"""Which meeting a time is looked for, and who may ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.outbox import new_id
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import restricted
from kundval_contracts.case import Tenant
from kundval_contracts.codes import BookingRefusal, MeetingKind, MeetingState
from kundval_contracts.errors import Conflict, Forbidden

from ..domain.follow import Outlook, fresh
from ..domain.meeting import Meeting
from ..domain.resources import Participant
from ..meetings import book, sight
from ..meetings import store as meetings


def find(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> Meeting:
    """The meeting that is asked about: listed, or as booking would make it. Its provider is the one in charge.

    Raises NotFound; Conflict: MEETING_STATE for one that is over, NOT_A_GROUP for one that is not about one assignment.
    """
    if request["meeting"] is not None:
        found = book.one(tx, tenant, request["meeting"])
        if found.assignment is None:
            raise Conflict(
                "Times are found for meetings that are about one assignment.", code=BookingRefusal.NOT_A_GROUP.value
            )
        if not found.is_open:
            raise Conflict("The meeting is over.", code=BookingRefusal.MEETING_STATE.value)
        return found if found.span else _of_provider_in_charge(tx, tenant, found)
    kind = request["kind"]
    if kind in (MeetingKind.GROUP_SESSION, MeetingKind.FORUM):
        raise Conflict("It has a method of its own.", code=BookingRefusal.NOT_A_GROUP.value)
    return _wanted(tx, tenant, request["assignment"], kind, request["sequence"])


def _wanted(tx: Tx, tenant: Tenant, assignment: str, kind: MeetingKind, sequence: int | None) -> Meeting:
    outlook = _outlook(tx, tenant, assignment)
    rows = [
        one
        for one in meetings.standing(tx, tenant.id, [assignment])[assignment]
        if one.kind is kind and one.needed and sequence in (None, one.sequence)
    ]
    for one in rows:
        if one.is_open and one.span is None:
            return _of_provider_in_charge(tx, tenant, one)
    team = meetings.teams(tx, tenant.id, [assignment]).get(assignment)
    for need in outlook.needs:
        over = [day for day in (need.met_on, need.cancelled_on) if day is not None and day <= outlook.day]
        known = [one for one in rows if one.sequence == need.sequence]
        held = any(one.is_open or one.state is MeetingState.HELD for one in known)
        if need.kind is kind and sequence in (None, need.sequence) and not over and not held:
            return fresh(assignment, need, outlook, team, new_id())
    return Meeting(new_id(), kind, MeetingState.DUE, assignment, sequence or 1, provider=outlook.provider, team=team)


def _of_provider_in_charge(tx: Tx, tenant: Tenant, meeting: Meeting) -> Meeting:
    """Booking gives a meeting that a provider has a part in to the one that is in charge by then."""
    if meeting.provider is None or meeting.assignment is None:
        return meeting
    return replace(meeting, provider=_outlook(tx, tenant, meeting.assignment).provider or meeting.provider)


def _outlook(tx: Tx, tenant: Tenant, assignment: str) -> Outlook:
    return book.files(tx, tenant, [assignment])[assignment].outlook


def require(tx: Tx, tenant: Tenant, caller: Caller, meeting: Meeting, participant: Participant) -> None:
    """Raise Forbidden unless the caller may be told when these people have time.

    A provider may of what it may book. When and where a protected person can be met is told to the provider and to
    those who take part, as of a meeting that is booked.
    """
    if caller.provider is not None:
        if meeting.span is not None:
            sight.require_meeting(tx, tenant, caller, meeting.id)
        else:
            sight.require_assignment(tx, tenant, caller, participant.assignment)
        return
    taking_part = {participant.guide, participant.contact, *(party.resource for party in meeting.parties)}
    if caller.subject not in taking_part and restricted(tx, tenant.id, [participant.assignment]):
        raise Forbidden("When this person can be met is told to who takes part only.", code="PROTECTED")
