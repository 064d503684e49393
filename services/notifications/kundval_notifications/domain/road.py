"""Notices that facts of any programme cause: coordinator, obstacles, a broken plan, subsidies, absence, follow-up."""

from __future__ import annotations

from collections.abc import Iterator

from kundval_contracts.answer import Notice
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import AbsenceCause, FactKind, NoticeKind, ObligationKind, ObligationState, Role
from kundval_contracts.facts import Fact
from kundval_contracts.obligations import terms
from kundval_contracts.rules import rule

from .context import Context
from .heard import number

K = NoticeKind
CLIENT, PROVIDER, GUIDE = Role.CLIENT, Role.PROVIDER, Role.CAREER_GUIDE

_STANDING = (ObligationState.OPEN, ObligationState.OVERDUE)
#: how long a follow-up may take to be planned after the one before, or after the start: a proposal
TO_PLAN_DAYS = 7


@rule("AMI-2.2-b", "AMI-2.2-c")
def coordinator(context: Context) -> Iterator[Notice]:
    """A provider reaches the employment service's coordinator only through the career guide, who then hands over."""
    for fact in context.of(FactKind.COORDINATOR_REQUESTED):
        yield context.told(fact, K.COORDINATOR_REQUESTED, GUIDE, "AMI-2.2-b", day=fact.on)
    for fact in context.of(FactKind.COORDINATOR_BROKERED):
        yield context.told(fact, K.COORDINATOR_TO_INFORM, GUIDE, "AMI-2.2-c", day=fact.on)


@rule("AMI-7-c")
def obstacles(context: Context) -> Iterator[Notice]:
    """Obstacles to work that have come to light: the career guide judges anew which intervention fits."""
    for fact in context.of(FactKind.OBSTACLE_FOUND):
        yield context.told(fact, K.OBSTACLE_FOUND, GUIDE, "AMI-7-c", day=fact.on)


@rule("LOKA-30")
def broken_plans(context: Context) -> Iterator[Notice]:
    """A plan that is recorded as broken: client and career guide; what becomes of assistance is decided elsewhere."""
    for fact in context.of(FactKind.PLAN_BROKEN):
        yield context.told(fact, K.PLAN_BROKEN, CLIENT, "LOKA-30")
        yield context.told(fact, K.PLAN_BROKEN, GUIDE, "LOKA-30", day=fact.on)


@rule("LOKA-37")
def subsidies(context: Context) -> Iterator[Notice]:
    """A step of a wage-subsidy case. Which one is no notice's to say: one of them is about health."""
    for fact in context.of(FactKind.SUBSIDY_STEP):
        yield context.told(fact, K.SUBSIDY_STEP, GUIDE, "LOKA-37", day=fact.on)


@rule("AMI-6.3.1-d")
def changed_agreements(context: Context) -> Iterator[Notice]:
    """A monthly report with a changed agreement goes to the career guide: a change is not served by itself."""
    met = {row.met_on for row in context.obligations if row.kind is ObligationKind.AGREEMENT_CHANGE and row.met_on}
    for fact in context.of(FactKind.MONTHLY_REPORT):
        if fact.on in met and fact.get("attachments"):
            yield context.told(fact, K.AGREEMENT_CHANGED, GUIDE, "AMI-6.3.1-d", day=fact.on)


@rule("NACKA-JP-3")
def absence(context: Context) -> Iterator[Notice]:
    """Where the routine holds: a certificate from day eight on; a meeting of three after repeated or unexcused absence.

    The provider hears of what is its to do, the career guide of the meeting. The day is the eighth of the absence, and
    for the meeting the day on which the absence was known.
    """
    settings = context.settings
    if context.case.programme.value not in settings["absence.programmes"]:
        return
    absences = context.case.of(FactKind.ABSENCE_REPORTED)
    from_day = settings["absence.certificate_from_day"]
    for fact in absences:
        if fact["cause"] is AbsenceCause.EXCUSED and fact["days"] >= from_day and not fact["certificate"]:
            eighth = add_days(fact.on, from_day - 1)
            yield context.notice(
                K.ABSENCE_TO_REPORT,
                PROVIDER,
                max(eighth, fact.known_on),
                ("NACKA-JP-3",),
                fact.place + 1,
                context.timeline.provider_on(fact.on),
                day=fact.on,
                duty="CERTIFICATE",
            )
        if fact["cause"] is AbsenceCause.UNEXCUSED or _is_repeated(context, absences, fact):
            for to in (PROVIDER, GUIDE):
                yield context.notice(
                    K.ABSENCE_TO_REPORT,
                    to,
                    fact.known_on,
                    ("NACKA-JP-3",),
                    number("meeting", fact.place + 1),
                    context.timeline.provider_on(fact.on),
                    day=fact.on,
                    duty="THREE_PARTY_MEETING",
                )


def _is_repeated(context: Context, absences: tuple[Fact, ...], fact: Fact) -> bool:
    """Whether it is at least the second excused absence within the days that count (both by setting)."""
    since = add_days(fact.on, -context.settings["absence.repeated_within_days"])
    before = [
        one for one in absences if one["cause"] is AbsenceCause.EXCUSED and one.on >= since and one.order <= fact.order
    ]
    return len(before) >= context.settings["absence.repeated_times"]


@rule("NACKA-13")
def follow_up_missing(context: Context) -> Iterator[Notice]:
    """An assignment that goes on without any follow-up ahead: told a week after the last one, or after the start.

    One that is late is told of as such. A meeting that has a time on a later day is a follow-up as well.
    """
    timeline = context.timeline
    started = timeline.started
    if started is None or not timeline.active:
        return
    rows = [row for row in context.obligations if terms()[row.kind].follow_up]
    if any(row.state in _STANDING for row in rows):
        return
    since = max([started.known_on, *(row.met_on for row in rows if row.met_on is not None)])
    if timeline.exits and timeline.exits[-1].resumed is not None:
        since = max(since, timeline.exits[-1].resumed.known_on)
    on = add_days(since, TO_PLAN_DAYS)
    over = context.ended_on
    if (over is not None and over <= on) or (timeline.end is not None and timeline.end <= on):
        return
    if not any(told[-1].data.get("day", "") > since.isoformat() for told in context.meetings.values()):
        yield context.notice(K.FOLLOW_UP_MISSING, GUIDE, on, ("NACKA-13",), started.place + 1, day=since)
