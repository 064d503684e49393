"""Invitations, and what they are answered with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from kundval_chassis import clock
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import restricted
from kundval_contracts.codes import InvitationMethod, MeetingParty, MeetingState
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from kundval_contracts.rpc.base import CASE, CallerRole

from ..domain.entry import OFF, Reader, entry, reader_of
from ..domain.meeting import Meeting, Party
from ..domain.resources import client_key
from ..meetings import store as meetings
from ..meetings.tell import business_day
from . import itip, store
from .addresses import Addresses
from .ical import Maker

#: states in which an answer says something about what is to come
_TO_COME = frozenset({MeetingState.BOOKED, MeetingState.OVERDUE})
#: by how much a mail program's clock may be ahead
_AHEAD = timedelta(days=1)
_FILES = {InvitationMethod.REQUEST: "invitation.ics", InvitationMethod.CANCEL: "cancellation.ics"}


def invite(tx: Tx, maker: Maker, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The invitation of one party, for who takes part, the provider in charge, and who works with clients.

    Of a protected person's meeting also who works with clients gets none, unless taking part. A CANCEL may also be had
    for somebody who takes part no longer. Raises NotFound (NO_SUCH_MEETING, NOT_A_PARTY),
    Forbidden, Conflict (NOT_BOOKED; PROTECTED: this one has to be told by hand).
    """
    tenant, resource, role = request["tenant"], request["resource"], request["role"]
    meeting = next(iter(meetings.meetings(tx, tenant, [request["meeting"]])), None)
    if meeting is None:
        raise NotFound("There is no such meeting.", code="NO_SUCH_MEETING")
    _check_access(tx, tenant, meeting, resource, caller)
    if not _is_near(meeting, caller) and restricted(tx, tenant, _about(meeting)):
        # when somebody who is protected is met says where to find the person
        raise _by_hand()
    method = request["method"] or (InvitationMethod.CANCEL if meeting.state in OFF else InvitationMethod.REQUEST)
    invited = store.invited(tx, tenant, meeting)
    party = next((one for one in invited if (one.role, one.resource) == (role, resource)), None)
    if party is None:
        if method is not InvitationMethod.CANCEL:
            raise NotFound("This one takes no part in the meeting.", code="NOT_A_PARTY")
        party = Party(role, resource)
    if method is InvitationMethod.REQUEST and (meeting.span is None or meeting.state in OFF):
        raise Conflict("There is nothing to invite to: the meeting is not booked.", code="NOT_BOOKED")
    shown = entry(meeting, reader_of(role), protected=_protected(tx, tenant, meeting, party), own=party)
    if shown is None:
        raise _by_hand()
    ics = maker.invitation(shown, method, request["lang"], clock.now())
    return {"ics": ics.decode(), "method": method, "filename": _FILES[method]}


def _check_access(tx: Tx, tenant: str, meeting: Meeting, resource: str, caller: Caller) -> None:
    if caller.role in CASE:
        return
    if caller.provider is None:
        if caller.subject != resource:
            raise Forbidden("Who takes part is shown the own invitation only.", code="NOT_YOUR_MEETING")
    elif meeting.provider != caller.provider:
        # staff of another provider may take part; that it is theirs says the resource, not its name
        row = store.resource_row(tx, tenant, resource)
        if caller.subject != resource or row is None or row["provider"] != caller.provider:
            raise Forbidden("A provider is shown invitations to its own meetings.", code="NOT_YOUR_MEETING")


def _is_near(meeting: Meeting, caller: Caller) -> bool:
    """Whether the caller takes part, has the meeting in charge, or is the suite or a gateway of it."""
    if caller.provider is not None:
        return True  # as `_check_access` has found
    return caller.role is CallerRole.SYSTEM or any(one.resource == caller.subject for one in meeting.parties)


def _about(meeting: Meeting) -> set[str]:
    return set() if meeting.assignment is None else {meeting.assignment}


def _by_hand() -> Conflict:
    return Conflict("A person is protected: whoever is concerned is told by hand.", code="PROTECTED")


def _protected(tx: Tx, tenant: str, meeting: Meeting, party: Party) -> bool:
    """Whether whereabouts are restricted: of a client's own, or of whom the meeting is about."""
    about = _about(meeting)
    if reader_of(party.role) is Reader.CLIENT:
        about |= store.assignments_of(tx, tenant, party.resource.removeprefix(client_key("")))
    return bool(restricted(tx, tenant, about))


def take_reply(tx: Tx, addresses: Addresses, tenant: str, text: str) -> dict[str, Any]:
    """Take in an answer. One to an earlier version is kept as that; one that a later one has overtaken changes nothing.

    Raises InvalidRequest (as `itip.read`, and UNKNOWN_VERSION), NotFound (NO_SUCH_MEETING, NOT_A_PARTY).
    """
    reply, now = itip.read(text), clock.now()
    if reply.stamp > now + _AHEAD:
        # it would go before every answer that comes until then
        raise InvalidRequest("The answer is from the future.", code="NOT_AN_ITIP_REPLY")
    meetings.lock_meeting(tx, tenant, reply.meeting)
    meeting = next(iter(meetings.meetings(tx, tenant, [reply.meeting])), None)
    if meeting is None:
        raise NotFound("There is no such meeting.", code="NO_SUCH_MEETING")
    party = next(
        (
            one
            for one in store.invited(tx, tenant, meeting)
            if addresses.own(tenant, one.resource).partition("@")[0] == reply.mailbox
        ),
        None,
    )
    if party is None:
        raise NotFound("The answer is from nobody who is invited.", code="NOT_A_PARTY")
    if reply.version > meeting.version:
        raise InvalidRequest("No such version of the invitation was sent.", code="UNKNOWN_VERSION")
    kept = store.keep_answer(tx, tenant, meeting.id, party, reply.version, reply.response, reply.stamp)
    counts = kept and reply.version == meeting.version and meeting.state in _TO_COME
    if counts:
        _answered(tx, tenant, meeting, party, reply, now)
    return {
        "meeting": meeting.id,
        "role": party.role,
        "response": reply.response,
        "version": reply.version,
        "kept": kept,
        "counts": counts,
    }


def _answered(tx: Tx, tenant: str, meeting: Meeting, party: Party, reply: itip.Reply, now: datetime) -> None:
    if party.response is reply.response:
        return
    store.set_response(tx, tenant, meeting.id, party, reply.response, now)
    assignment = meeting.assignment or _assignment_of(tx, tenant, meeting, party)
    data = {
        "meeting": meeting.id,
        "version": meeting.version,
        "role": party.role.value,
        "response": reply.response.value,
        "mandatory": party.mandatory,
        "booker": meeting.booker.value if meeting.booker else None,
        "as_of": business_day(tx, tenant),
    }
    # about one assignment, so that it is masked if that is protected; else about the meeting itself
    about = {} if assignment is None else {"assignment": assignment}
    tx.publish("scheduling.meeting_answered", subject=assignment or meeting.id, tenant=tenant, data={**about, **data})


def _assignment_of(tx: Tx, tenant: str, meeting: Meeting, party: Party) -> str | None:
    """Of a client who takes part in a group session: as part of what."""
    if party.role is not MeetingParty.CLIENT:
        return None
    subjects = [one.assignment for one in meeting.subjects]
    found = meetings.participants(tx, tenant, subjects)
    return next((name for name in subjects if found[name].key == party.resource), None)
