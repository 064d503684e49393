"""The operator's view of messages: what waits, what failed, how many and how quick, and the proof of each."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import (
    AttemptOutcome,
    DeliveryChannel,
    DispatchState,
    MessagesBy,
    MessageState,
    NoticeKind,
    NoticeStanding,
    ReceiptStatus,
    Role,
    ToldBy,
    Urgency,
    Wait,
)
from .base import (
    MANAGERS,
    MOST,
    OPERATIONS,
    PAGE,
    STAFF_AND_OPERATIONS,
    Message,
    PageAnswer,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
)
from .inbox import MessageAnswer, NoticeHead, notice_number
from .results import LANGUAGES, Csv, Page

#: days that one request may count by day, and by month
MOST_DAYS, MOST_DAYS_BY_MONTH = 100, 3700
#: characters of a reason
LONGEST_REASON = 500


class Waiting(Message):
    """Messages that are pending; `why` is null for those that are to be looked at now. `oldest`: when the cause of the
    one that waits longest was told.
    """

    why = code(Wait, required=True, allow_none=True)
    messages = count(required=True)
    oldest = fields.AwareDateTime(required=True)


class Leaving(Message):
    """What is to leave by a channel. `due`: how many of them could go now; `tried`: how many were tried before."""

    channel = code(DeliveryChannel, required=True)
    dispatches = count(required=True)
    due = count(required=True)
    tried = count(required=True)
    oldest = fields.AwareDateTime(required=True)


class ChannelAway(Message):
    """A channel whose other side cannot be reached, or has asked for a pause: nothing is handed to it until then.

    `servers`: how many of its other sides; a webhook is a server of its own each.
    """

    channel = code(DeliveryChannel, required=True)
    servers = count(1, required=True)
    since = fields.AwareDateTime(required=True)
    until = fields.AwareDateTime(required=True)
    code = fields.String(required=True)


class Queue(Message):
    """`by_hand`: messages that a person has to tell. `away` is about the whole deployment, the rest about a tenant."""

    waiting = fields.List(fields.Nested(Waiting), required=True)
    leaving = fields.List(fields.Nested(Leaving), required=True)
    away = fields.List(fields.Nested(ChannelAway), required=True)
    by_hand = count(required=True)


class FailuresRequest(TenantRequest):
    """What went wrong for good; with `retrying` what was tried in vain and will be tried again."""

    channel = code(DeliveryChannel, load_default=None, allow_none=True)
    since = fields.Date(load_default=None, allow_none=True)
    retrying = fields.Boolean(load_default=False)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class Failure(Message):
    """`code` and `outcome` are those of the last attempt, or what a receipt says. `provider`: the recipient if it is
    one, masked if the message is about a protected person.
    """

    dispatch = identifier(required=True)
    channel = code(DeliveryChannel, required=True)
    to = code(Role, required=True)
    provider = identifier(required=True, allow_none=True)
    state = code(DispatchState, required=True)
    attempts = count(required=True)
    outcome = code(AttemptOutcome, required=True, allow_none=True)
    receipt = code(ReceiptStatus, required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)
    at = fields.AwareDateTime(required=True)
    notices = fields.List(notice_number(), required=True)


class Failures(PageAnswer):
    failures = fields.List(fields.Nested(Failure), required=True)


class FiguresRequest(TenantRequest):
    """Of notices from `from` on, before `to`; without them the business date's month, or its last twelve by month."""

    from_ = fields.Date(load_default=None, allow_none=True, data_key="from", attribute="from")
    to = fields.Date(load_default=None, allow_none=True)
    by = code(MessagesBy, load_default=MessagesBy.DAY)

    @validates_schema(skip_on_field_errors=True)
    def _forwards(self, data: dict[str, Any], **_: Any) -> None:
        """`from` and `to` come together; `to` is after `from`, and not too far."""
        first, end = data["from"], data["to"]
        if (first is None) != (end is None):
            raise ValidationError("give both or neither", "to" if end is None else "from")
        most = MOST_DAYS if data["by"] is MessagesBy.DAY else MOST_DAYS_BY_MONTH
        if first is not None and not 0 < (end - first).days <= most:
            raise ValidationError(f"must be from 1 to {most} days after from", "to")


class Volume(Message):
    """`period` is a day or a month as `2026-11`; `channel` is null for what has gone by none."""

    period = fields.String(required=True)
    kind = code(NoticeKind, required=True)
    channel = code(DeliveryChannel, required=True, allow_none=True)
    state = code(MessageState, required=True)
    messages = count(required=True)


class Seconds(Message):
    """Of `messages` that had one: the median, and what nine of ten and 99 of 100 did not exceed. Null without any."""

    messages = count(required=True)
    median = fields.Integer(required=True, allow_none=True)
    p90 = fields.Integer(required=True, allow_none=True)
    p99 = fields.Integer(required=True, allow_none=True)


class PeriodFigures(Message):
    """`late`, `withdrawn`, `by_hand` are shares of the messages with four decimals, null if there are none.

    `handed_over`: from the event that caused it until it was handed to a channel; `received`: until the other side said
    that it arrived. What stays inside the suite counts in neither.
    """

    period = fields.String(required=True)
    messages = count(required=True)
    late = fields.String(required=True, allow_none=True)
    withdrawn = fields.String(required=True, allow_none=True)
    by_hand = fields.String(required=True, allow_none=True)
    handed_over = fields.Nested(Seconds, required=True)
    received = fields.Nested(Seconds, required=True)


class MessageFigures(Message):
    """`total` is `periods` taken together: `period` is then `ALL`."""

    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    by = code(MessagesBy, required=True)
    total = fields.Nested(PeriodFigures, required=True)
    periods = fields.List(fields.Nested(PeriodFigures), required=True)
    volumes = fields.List(fields.Nested(Volume), required=True)


class ProofRequest(TenantRequest):
    notice = notice_number(required=True)


class ProvenAttempt(Message):
    number = count(1, required=True)
    began_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    outcome = code(AttemptOutcome, required=True)
    code = fields.String(required=True, allow_none=True)


class ProvenReceipt(Message):
    status = code(ReceiptStatus, required=True)
    code = fields.String(required=True, allow_none=True)
    received_at = fields.AwareDateTime(required=True)


class ProvenDispatch(Message):
    """`address_mark`: hexadecimal; by it one can show that an address was the one used, and not find one."""

    dispatch = identifier(required=True)
    channel = code(DeliveryChannel, required=True)
    state = code(DispatchState, required=True)
    urgency = code(Urgency, required=True)
    digest = fields.Boolean(required=True)
    language = fields.String(required=True, allow_none=True)
    template = fields.String(required=True, allow_none=True)
    template_version = fields.String(required=True, allow_none=True)
    address_mark = fields.String(required=True, allow_none=True)
    reference = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(ProvenAttempt), required=True)
    receipts = fields.List(fields.Nested(ProvenReceipt), required=True)


class ProvenAct(Message):
    """What a person did. `reason` is null for who may not send again or cancel."""

    what = fields.String(required=True, validate=validate.OneOf(("TOLD", "RESENT", "CANCELLED")))
    how = code(ToldBy, required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    actor = fields.String(required=True)
    acted_at = fields.AwareDateTime(required=True)


class Proof(NoticeHead):
    """Everything that is held of one notice. `reason`: why it waits, was withdrawn, cancelled or left to a person."""

    provider = identifier(required=True, allow_none=True)
    round = count(required=True)
    late = fields.Boolean(required=True)
    standing = code(NoticeStanding, required=True)
    caused_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    state = code(MessageState, required=True)
    channel = code(DeliveryChannel, required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    read_at = fields.AwareDateTime(required=True, allow_none=True)
    read_by = fields.String(required=True, allow_none=True)
    dispatches = fields.List(fields.Nested(ProvenDispatch), required=True)
    acts = fields.List(fields.Nested(ProvenAct), required=True)


class NoticeAct(TenantRequest):
    """`reason` stays with the message: no event, log line or error has it."""

    notice = notice_number(required=True)
    reason = fields.String(required=True, validate=validate.Length(1, LONGEST_REASON))


class Resend(NoticeAct):
    """`anyway`: also what is not so any more."""

    anyway = fields.Boolean(load_default=False)


class OperationsPageRequest(FiguresRequest):
    lang = fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


#: who sends again, cancels, and reads why others did
ACTING = OPERATIONS | MANAGERS

add("notifications.queue", "query", TenantRequest, Queue, STAFF_AND_OPERATIONS,
    "say how many messages wait, by which channel and why",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("notifications.failures", "query", FailuresRequest, Failures, STAFF_AND_OPERATIONS,
    "list what could not be handed over or did not arrive",
    reach=Reach.NOTHING, shield=Shield.PAYERS, rows="failures")  # fmt: skip
add("notifications.figures", "query", FiguresRequest, MessageFigures, STAFF_AND_OPERATIONS,
    "count messages by kind, channel and state, and how quick they were",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("notifications.figures_csv", "query", FiguresRequest, Csv, STAFF_AND_OPERATIONS,
    "count messages by kind, channel and state, as CSV",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("notifications.operations_page", "query", OperationsPageRequest, Page, STAFF_AND_OPERATIONS,
    "show queue, failures and figures of messages, as a page to read or print",
    reach=Reach.NOTHING, shield=Shield.PAYERS)  # fmt: skip
add("notifications.proof", "query", ProofRequest, Proof, STAFF_AND_OPERATIONS,
    "show everything that is held of one message: attempts, receipts, texts' version, what people did",
    reach=Reach.NOTHING, shield=Shield.PAYERS)  # fmt: skip
add("notifications.resend", "command", Resend, MessageAnswer, ACTING,
    "send a message once more, with a reason",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("notifications.cancel", "command", NoticeAct, MessageAnswer, ACTING,
    "keep a message from being sent, with a reason",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
