"""The notifications service: notices and messages."""

from __future__ import annotations

from marshmallow import fields

from ..codes import Role, SubjectKind
from .base import (
    PROVIDER,
    STAFF,
    STAFF_AND_OPERATIONS,
    Message,
    PageAnswer,
    PageRequest,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    identifier,
    rule_ids,
)


class Notice(Message):
    """`about` says what the id is of; this list has those about assignments. `round`: how often it was told before."""

    assignment = identifier(required=True)
    kind = fields.String(required=True)
    to = code(Role, required=True)
    on = fields.Date(required=True)
    rules = rule_ids()
    about = code(SubjectKind, load_default=SubjectKind.ASSIGNMENT)
    round = fields.Integer(load_default=0)


class Notices(PageAnswer):
    notices = fields.List(fields.Nested(Notice), required=True)


class SentMessage(Message):
    assignment = identifier(required=True)
    kind = fields.String(required=True)
    to = code(Role, required=True)
    on = fields.Date(required=True)
    language = fields.String(required=True)
    channel = fields.String(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    subject = fields.String()
    text = fields.String()


class Messages(PageAnswer):
    messages = fields.List(fields.Nested(SentMessage), required=True)


class NotificationsSummary(Message):
    """`notices`: kind -> number; `recipients`: role -> number of notices; `messages`: state -> number; `channels`:
    channel -> number of messages that have gone by it; `waiting`: why messages that are pending wait -> number.
    """

    tenant = identifier(required=True)
    notices = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    recipients = fields.Dict(keys=fields.String(), values=fields.Integer(), load_default=dict)
    messages = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    channels = fields.Dict(keys=fields.String(), values=fields.Integer(), load_default=dict)
    waiting = fields.Dict(keys=fields.String(), values=fields.Integer(), load_default=dict)


add("notifications.notices", "query", PageRequest, Notices, STAFF | PROVIDER,
    "list the notices that somebody is to get",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS, rows="notices")  # fmt: skip
add("notifications.messages", "query", PageRequest, Messages, STAFF_AND_OPERATIONS,
    "list the messages sent and their delivery",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, rows="messages")  # fmt: skip
add("notifications.summary", "query", TenantRequest, NotificationsSummary, STAFF_AND_OPERATIONS,
    "count notices and messages",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
