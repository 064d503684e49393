"""The inbox inside the suite, and what a person has to tell because it could not be sent."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from ..codes import (
    ByHandReason,
    InboxOrder,
    InboxScope,
    MessageState,
    NoticeKind,
    NoticeStanding,
    Role,
    SubjectKind,
    ToldBy,
    Urgency,
)
from .base import (
    CASE,
    PAGE,
    PROVIDER,
    STAFF,
    Message,
    PageAnswer,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
    rule_ids,
)
from .results import LANGUAGES, Page

#: the most notices on a page: each comes with its texts
MOST = PAGE
#: up to which unread notices are counted one by one
MOST_COUNTED = 1000
#: cases that one request may give to career guides
MOST_HELD = 500


def notice_number(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(1, 2**63 - 1), **kwargs)


class InboxCountRequest(TenantRequest):
    """`role`: whose inbox, the caller's own if none is named. A team manager may read those of career guides.

    `scope` is about cases: a career guide's are those it holds, a team manager's those of its unit.
    """

    role = code(Role, load_default=None, allow_none=True)
    scope = code(InboxScope, load_default=InboxScope.MINE)


class InboxRequest(InboxCountRequest):
    """`since`: the first day of the notices. `subject`: the id of an assignment, a provider or a payment."""

    unread = fields.Boolean(load_default=False)
    kind = code(NoticeKind, load_default=None, allow_none=True)
    about = code(SubjectKind, load_default=None, allow_none=True)
    subject = identifier(load_default=None, allow_none=True)
    since = fields.Date(load_default=None, allow_none=True)
    order = code(InboxOrder, load_default=InboxOrder.NEWEST)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class NoticeText(Message):
    subject = fields.String(required=True)
    text = fields.String(required=True)


class NoticeTexts(Message):
    sv = fields.Nested(NoticeText, required=True)
    en = fields.Nested(NoticeText, required=True)


class ToldBefore(Message):
    """An earlier notice of the same matter. `told_at` is null if it has reached nobody."""

    notice = notice_number(required=True)
    kind = code(NoticeKind, required=True)
    to = code(Role, required=True)
    on = fields.Date(required=True)
    told_at = fields.AwareDateTime(required=True, allow_none=True)
    state = code(MessageState, required=True)


class NoticeHead(Message):
    """What every list says of a notice. `subject` is the id of what `about` says."""

    notice = notice_number(required=True)
    about = code(SubjectKind, required=True)
    subject = identifier(required=True)
    kind = code(NoticeKind, required=True)
    to = code(Role, required=True)
    on = fields.Date(required=True)
    rules = rule_ids()


class InboxNotice(NoticeHead):
    """`round` counts how often it was told before. `late`: it came to be told later than it should. `history`: what was
    told of the same matter before, oldest first.
    """

    urgency = code(Urgency, required=True)
    round = count(required=True)
    late = fields.Boolean(required=True)
    standing = code(NoticeStanding, required=True)
    read_at = fields.AwareDateTime(required=True, allow_none=True)
    read_by = fields.String(required=True, allow_none=True)
    words = fields.Nested(NoticeTexts, required=True)
    history = fields.List(fields.Nested(ToldBefore), required=True)


class Inbox(PageAnswer):
    notices = fields.List(fields.Nested(InboxNotice), required=True)


class InboxCount(Message):
    """`unread` and `at_once` of them, each counted up to `MOST_COUNTED`; `more`: there are still more. `tasks` and
    `tasks_overdue`: what is to be told by hand, null for who does not work with clients.
    """

    role = code(Role, required=True)
    unread = count(required=True)
    at_once = count(required=True)
    more = fields.Boolean(required=True)
    tasks = count(required=True, allow_none=True)
    tasks_overdue = count(required=True, allow_none=True)


class MarkRead(TenantRequest):
    notices = fields.List(notice_number(), required=True, validate=validate.Length(1, MOST))


class MarkedRead(Message):
    """`notices`: those that nobody had read. What was read before keeps its reader."""

    notices = fields.List(notice_number(), required=True)


class InboxPageRequest(InboxCountRequest):
    unread = fields.Boolean(load_default=False)
    order = code(InboxOrder, load_default=InboxOrder.MOST_URGENT)
    after = identifier(load_default=None, allow_none=True)
    lang = fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


class TasksRequest(TenantRequest):
    """`overdue`: only those whose day has passed."""

    scope = code(InboxScope, load_default=InboxScope.MINE)
    subject = identifier(load_default=None, allow_none=True)
    overdue = fields.Boolean(load_default=False)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class Task(NoticeHead):
    """Somebody to be told by hand: since `on`, by `due` at the latest; `why` it could not be sent."""

    due = fields.Date(required=True)
    overdue = fields.Boolean(required=True)
    why = code(ByHandReason, required=True)
    words = fields.Nested(NoticeTexts, required=True)


class Tasks(PageAnswer):
    tasks = fields.List(fields.Nested(Task), required=True)


class TaskDone(TenantRequest):
    notice = notice_number(required=True)
    how = code(ToldBy, required=True)


class HeldCase(Message):
    """`guide`: the opaque id of the career guide, the subject of its tokens; null: nobody holds the case."""

    assignment = identifier(required=True)
    guide = identifier(required=True, allow_none=True)


class HoldCases(TenantRequest):
    cases = fields.List(fields.Nested(HeldCase), required=True, validate=validate.Length(1, MOST_HELD))


class HeldCases(Message):
    cases = count(required=True)


class MessageAnswer(Message):
    """What the message of a notice stands at now."""

    notice = notice_number(required=True)
    state = code(MessageState, required=True)


add("notifications.inbox", "query", InboxRequest, Inbox, STAFF | PROVIDER,
    "read the notices in an inbox, each in words",
    reach=Reach.OWN_ROWS, shield=Shield.OPAQUE, rows="notices")  # fmt: skip
add("notifications.inbox_count", "query", InboxCountRequest, InboxCount, STAFF | PROVIDER,
    "count what is unread in an inbox, and what is to be told by hand",
    reach=Reach.OWN_ROWS, shield=Shield.NONE)  # fmt: skip
add("notifications.mark_read", "command", MarkRead, MarkedRead, STAFF | PROVIDER,
    "note that notices in an inbox have been read",
    reach=Reach.OWN_ROWS, shield=Shield.OPAQUE)  # fmt: skip
add("notifications.inbox_page", "query", InboxPageRequest, Page, STAFF | PROVIDER,
    "show an inbox as a page to read or print",
    reach=Reach.OWN_ROWS, shield=Shield.OPAQUE)  # fmt: skip
add("notifications.hold_cases", "command", HoldCases, HeldCases, CASE,
    "say which career guides hold cases: their inboxes show what is told about these",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("notifications.tasks", "query", TasksRequest, Tasks, CASE,
    "list what a person has to tell by hand, and why",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, rows="tasks")  # fmt: skip
add("notifications.task_done", "command", TaskDone, MessageAnswer, CASE,
    "note that somebody has been told by hand",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
