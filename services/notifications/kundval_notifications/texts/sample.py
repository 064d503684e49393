"""Notices that never were, to show what their texts look like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from kundval_contracts.answer import Notice
from kundval_contracts.codes import MessageState, NoticeKind, Role, SubjectKind
from kundval_contracts.notices import notice_table

from .render import Item, Past

LINK = "https://kundval.invalid/m/0123456789abcdef0123456789abcdef"
_ON = date(2024, 5, 6)
_VALUES = {
    "agenda": "KEEP_EB",
    "amount": "-4200.00",
    "answer": "YES",
    "booker": "CAREER_GUIDE",
    "cause": "OTHER_LENGTH",
    "code": "ACCOUNT_MISSING",
    "day": "2024-05-02",
    "documents": "STUDY_CERTIFICATE, CSN_GRANT",
    "due": "2024-05-13",
    "duty": "CERTIFICATE",
    "end": "2024-05-01",
    "exit": "WORK_FULL_TIME",
    "first_day": "2024-05-06",
    "gap_days": "4",
    "hours": "8",
    "meeting": "FOLLOWUP_AMI2_M3",
    "message": "PERIODIC",
    "minimum": "10",
    "month": "3",
    "number": "3",
    "obligation": "MONTHLY_REPORT",
    "offer": "WORK_TRAINING",
    "party": "EMPLOYER",
    "planned": "75 %",
    "programme": "AMI_2",
    "report": "MONTHLY",
    "reported": "50 %",
    "run": "2024-05-25",
    "since": "2024-04-22",
    "stand": "NOT_APPROVED",
    "start": "2024-04-01",
}
_IDS = {SubjectKind.ASSIGNMENT: "A-001", SubjectKind.PROVIDER: "alfa", SubjectKind.PAYMENT: "1042"}


def roles(kind: NoticeKind) -> tuple[Role, ...]:
    """Who is told of a kind, in the order of the code list; with those who hear of it when it waits too long."""
    routes = notice_table()[kind].routes
    told = set(routes) | {step.to for route in routes.values() for step in route.escalation}
    return tuple(role for role in Role if role in told)


def notice(kind: NoticeKind, to: Role) -> Notice:
    """A notice of a kind, with a value for whatever its texts can say."""
    terms = notice_table()[kind]
    values = {} if to is Role.CLIENT else {name: _VALUES[name] for name in sorted(terms.values)}
    return Notice(_IDS[terms.about], kind.value, to, _ON, terms.rules, values=values, about=terms.about)


def item(kind: NoticeKind, to: Role) -> Item:
    """The same as an open channel knows it."""
    routes = notice_table()[kind].routes
    return Item(kind, to, (routes.get(to) or next(iter(routes.values()))).urgency)


def history(kind: NoticeKind) -> Sequence[Past]:
    """What came before, for the kind that tells of it."""
    if kind is not NoticeKind.OBLIGATION_ESCALATED:
        return ()
    told = MessageState.DELIVERED, MessageState.SENT
    return (
        Past(NoticeKind.OBLIGATION_DUE_SOON, Role.PROVIDER, date(2024, 4, 22), _at(4, 22), told[0]),
        Past(NoticeKind.OBLIGATION_OVERDUE, Role.PROVIDER, date(2024, 4, 30), _at(4, 30), told[0]),
        Past(NoticeKind.OBLIGATION_OVERDUE, Role.CAREER_GUIDE, date(2024, 4, 30), _at(4, 30), told[1]),
    )


def _at(month: int, day: int) -> datetime:
    return datetime(2024, month, day, 6, 30, tzinfo=UTC)
