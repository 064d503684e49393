"""Notices about meetings that have a time in the suite: booked, moved, off, the day before, declined, overdue.

In AMI the booking of a meeting is a fact, and told as one (`told.meetings`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from kundval_contracts.answer import Notice
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import MeetingParty, NoticeKind, PartyResponse, Role
from kundval_contracts.rules import rule

from .context import ANSWERED, Context
from .heard import Heard

K = NoticeKind
CLIENT, PROVIDER, GUIDE = Role.CLIENT, Role.PROVIDER, Role.CAREER_GUIDE

BOOKED, REBOOKED = "scheduling.meeting_booked", "scheduling.meeting_rebooked"
CANCELLED, REASSIGNED = "scheduling.meeting_cancelled", "scheduling.meeting_reassigned"
HELD, MISSED, OVERDUE = "scheduling.meeting_held", "scheduling.meeting_missed", "scheduling.meeting_overdue"
#: what ends a meeting, or its present time
OFF = frozenset({CANCELLED, REASSIGNED})
OVER = OFF | {HELD, MISSED}
#: everything of meetings that notices look at
NAMES = OVER | {BOOKED, REBOOKED, OVERDUE, ANSWERED}


def changed_on(told: list[Heard], since: int, names: frozenset[str]) -> date | None:
    """The day of the first event of these after the revision `since`."""
    return next((one.on for one in told if one.revision > since and one.name in names), None)


def day_of(one: Heard) -> date | None:
    """The local day of the meeting, if it has a time."""
    return date.fromisoformat(one.data["day"]) if one.data.get("day") else None


@rule("AMI-7.2-b", "AMI-8.1-e")
def meetings(context: Context) -> Iterator[Notice]:
    """Each change of a meeting goes to those who are to be there (SM-M2, M4, M7, M8)."""
    for told in context.meetings.values():
        for one in told:
            if one.name == BOOKED and not context.case.programme.is_ami:
                yield from _invited(context, one)
            elif one.name == REBOOKED:
                yield from _all(context, one, K.MEETING_MOVED, "SM-M4")
            elif one.name in OFF and _was_to_come(one):
                yield from _all(context, one, K.MEETING_CANCELLED, "SM-M8")
            elif one.name == OVERDUE and not one.data["kind"].startswith("FOLLOWUP_"):
                # a follow-up of the rules is an obligation, and told of as one
                yield _of(context, one, K.MEETING_OVERDUE, GUIDE, one.on, "SM-M7")
            if one.name in (BOOKED, REBOOKED):
                yield from _soon(context, told, one)


def _was_to_come(one: Heard) -> bool:
    day = day_of(one)
    return day is not None and day >= one.on


def _invited(context: Context, one: Heard) -> Iterator[Notice]:
    yield _of(context, one, K.MEETING_BOOKED, CLIENT, one.on, "SM-M2")
    if MeetingParty.CAREER_GUIDE in one.data["mandatory"]:
        yield _of(context, one, K.MEETING_BOOKED, GUIDE, one.on, "SM-M2")


def _all(context: Context, one: Heard, kind: NoticeKind, rule_id: str) -> Iterator[Notice]:
    yield _of(context, one, kind, CLIENT, one.on, rule_id)
    if MeetingParty.CAREER_GUIDE in one.data["mandatory"]:
        yield _of(context, one, kind, GUIDE, one.on, rule_id)
    if one.data.get("provider"):
        yield _of(context, one, kind, PROVIDER, one.on, rule_id)


def _of(context: Context, one: Heard, kind: NoticeKind, to: Role, on: date, *rules: str) -> Notice:
    return context.notice(kind, to, on, rules, one.number, one.data.get("provider"), meeting=one.data["kind"])


@rule("AMI-7.2-b")
def _soon(context: Context, told: list[Heard], one: Heard) -> Iterator[Notice]:
    """The client is reminded the day before, unless the time was made that day or later, or has been changed since."""
    day = day_of(one)
    if day is None:
        return
    on = add_days(day, -1)
    changed = changed_on(told, one.revision, OVER | {REBOOKED})
    if on > one.on and (changed is None or changed >= on):
        yield _of(context, one, K.MEETING_SOON, CLIENT, on, "SM-M2")


@rule("AMI-7.2-b")
def declined(context: Context) -> Iterator[Notice]:
    """A party that had to be there declines: whoever books the meeting sees to it."""
    for answer in context.hear(ANSWERED):
        told = context.meetings.get(answer.item)
        party, booker = answer.data["role"], Role(answer.data["booker"] or GUIDE)
        wanted = answer.data["mandatory"] and answer.data["response"] == PartyResponse.DECLINED
        if told is None or not wanted or party == booker or booker not in (PROVIDER, GUIDE):
            continue
        latest = told[-1]
        yield context.notice(
            K.MEETING_DECLINED,
            booker,
            answer.on,
            ("SM-M4",),
            answer.number,
            latest.data.get("provider"),
            meeting=latest.data["kind"],
            party=party,
        )
