"""The scheduling service: invitations, answers to them, and calendars to subscribe to."""

from __future__ import annotations

from marshmallow import fields, validate

from ..codes import CalendarFeed, InvitationMethod, MeetingParty, PartyResponse
from .base import (
    CASE,
    OPERATIONS,
    PROVIDER,
    STAFF,
    Message,
    PageAnswer,
    PlainPageRequest,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
)

#: languages of calendars
LANGUAGES = ("sv", "en")
#: the most characters of an answer to an invitation
LARGEST_REPLY = 64 * 1024


def _language() -> fields.String:
    return fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


class InvitationRequest(TenantRequest):
    """Whose invitation: `role` and `resource` of a party of the meeting. Without `method` what the meeting's state asks
    for; CANCEL also for somebody who takes part no longer.
    """

    meeting = identifier(required=True)
    role = code(MeetingParty, required=True)
    resource = identifier(required=True)
    method = code(InvitationMethod, load_default=None, allow_none=True)
    lang = _language()


class Invitation(Message):
    """`ics`: to be sent as `text/calendar; method=<method>` to this one party, whose own address is in it."""

    ics = fields.String(required=True)
    method = code(InvitationMethod, required=True)
    filename = fields.String(required=True)


class ReplyRequest(TenantRequest):
    """`text`: the `text/calendar` part of a mail that answers an invitation."""

    text = fields.String(required=True, validate=validate.Length(1, LARGEST_REPLY))


class ReplyTaken(Message):
    """`kept`: no later answer to that version is known. `counts`: it is kept, and that version is the present one."""

    meeting = identifier(required=True)
    role = code(MeetingParty, required=True)
    response = code(PartyResponse, required=True)
    version = count(required=True)
    kept = fields.Boolean(required=True)
    counts = fields.Boolean(required=True)


class CalendarLinkRequest(TenantRequest):
    """Without `kind`: a provider's whole calendar for a provider, else the caller's own. `assignment`: for CLIENT."""

    kind = code(CalendarFeed, load_default=None, allow_none=True)
    assignment = identifier(load_default=None, allow_none=True)
    lang = _language()


class CalendarLink(Message):
    """`address` is told once; it is null if the command is repeated with its key."""

    feed = identifier(required=True)
    kind = code(CalendarFeed, required=True)
    address = fields.String(required=True, allow_none=True)


class CalendarLinkRow(Message):
    """`owner`: a resource, a provider, or a client's opaque id, as `kind` says."""

    feed = identifier(required=True)
    kind = code(CalendarFeed, required=True)
    owner = identifier(required=True)
    provider = identifier(required=True, allow_none=True)
    assignment = identifier(required=True, allow_none=True)
    lang = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)


class CalendarLinks(PageAnswer):
    links = fields.List(fields.Nested(CalendarLinkRow), required=True)


class RevokeCalendarLink(TenantRequest):
    feed = identifier(required=True)


class CalendarLinkRevoked(Message):
    """`revoked`: false if it had been before."""

    revoked = fields.Boolean(required=True)


add("scheduling.invitation", "query", InvitationRequest, Invitation, STAFF | PROVIDER,
    "make the invitation of one party to a meeting",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE)  # fmt: skip
add("scheduling.take_reply", "command", ReplyRequest, ReplyTaken, CASE | OPERATIONS,
    "take in an answer to an invitation",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("scheduling.calendar_link", "command", CalendarLinkRequest, CalendarLink, STAFF | PROVIDER,
    "make an address under which a calendar can be subscribed to",
    reach=Reach.ITSELF, shield=Shield.OPAQUE, shown_once=("address",))  # fmt: skip
add("scheduling.calendar_links", "query", PlainPageRequest, CalendarLinks, STAFF | PROVIDER,
    "list the calendars that can be subscribed to, without their addresses",
    reach=Reach.OWN_ROWS, shield=Shield.OPAQUE, rows="links")  # fmt: skip
add("scheduling.revoke_calendar_link", "command", RevokeCalendarLink, CalendarLinkRevoked, STAFF | PROVIDER,
    "make the address of a calendar unusable",
    reach=Reach.ITSELF, shield=Shield.OPAQUE)  # fmt: skip
