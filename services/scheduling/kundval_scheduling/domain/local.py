"""The municipality's own process: the weekly pattern of a predefined one, check-ins, the days of self-assessments.

Which municipality it is nobody asks here: its profile says what there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kundval_contracts.calendar import Period, add_days, add_months
from kundval_contracts.codes import FactKind, MeetingKind, ObligationKind
from kundval_contracts.followups import next_checkin
from kundval_contracts.meeting_facts import fact_id
from kundval_contracts.profiles import Profile
from kundval_contracts.rules import rule

from .plan import Context, Planned, Run
from .weeks import WEEK


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """The plan of a predefined process. `weeks`: seven days each from the start on, the last one cut at the end.

    checkins and group_sessions: how many there must be at least in all; each week has its share of them.
    """

    period: Period
    weeks: tuple[Period, ...]
    checkins: int
    group_sessions: int


@rule("LOKA-41")
def process_plan(profile: Profile, start: date) -> ProcessPlan | None:
    """The plan that begins on `start`, `[start, start + plan_months)`; None where there is no predefined process.

    A week that has begun counts whole: a plan of 61 days has nine.
    """
    process = profile.process
    if process is None:
        return None
    period = Period(start, add_months(start, process.plan_months))
    weeks = tuple(
        Period(first, min(add_days(first, WEEK), period.end))
        for first in (add_days(start, days) for days in range(0, period.days, WEEK))
    )
    return ProcessPlan(
        period, weeks, len(weeks) * process.checkins_per_week, len(weeks) * process.group_sessions_per_week
    )


@rule("LOKA-23")
def bip_due_day(first: date, number: int, interval: int) -> date:
    """The day of self-assessment `number` after the `first` one, never chained, so that a month's end stays one."""
    return add_months(first, interval * number)


@rule("LOKA-23")
def bip_due_days(first: date, until: date, interval: int) -> tuple[date, ...]:
    """Days before `until` on which a new self-assessment is due: every `interval` months after the `first` one."""
    found: list[date] = []
    while (due := bip_due_day(first, len(found) + 1, interval)) < until:
        found.append(due)
    return tuple(found)


@rule("LOKA-25", "LOKA-41")
def check_ins(context: Context) -> Iterator[Planned]:
    """The recurring check-in: every week of a predefined process, else as often as the profile says."""
    profile = context.profile
    if profile is None:
        return
    days = [fact.on for fact in context.of(FactKind.CHECK_IN)]
    if profile.process is not None:
        yield from _weekly(context, ObligationKind.CHECK_IN, profile, profile.process.checkins_per_week, days)
    else:
        yield from _chain(context, profile, days)


@rule("LOKA-41")
def group_sessions(context: Context) -> Iterator[Planned]:
    """The job-search group of every week of a predefined process: a session attended, or held otherwise."""
    profile = context.profile
    if profile is None or profile.process is None:
        return
    attended = {
        (fact["activity"], fact["session"]): fact.on
        for fact in reversed(context.any_of(FactKind.GROUP_ATTENDANCE))
        if fact["attended"]
    }
    held = [fact.on for fact in context.of(FactKind.ACTIVITY_HELD) if fact.get("group")]
    known = {fact_id(session, "held") for _, session in attended}  # scheduling tells of one session in both ways
    held += [
        fact.on
        for fact in context.of(FactKind.MEETING_HELD)
        if fact["meeting"] is MeetingKind.GROUP_SESSION and fact.id not in known
    ]
    days = sorted([*attended.values(), *held])
    wanted = profile.process.group_sessions_per_week
    yield from _weekly(context, ObligationKind.GROUP_SESSION, profile, wanted, days)


def _weekly(
    context: Context, kind: ObligationKind, profile: Profile, wanted: int, days: list[date]
) -> Iterator[Planned]:
    """One for every week of the plan, due on its last day; a resumption begins a plan of its own.

    A week that an exit cuts short asks for nothing.
    """
    number = 0
    for run in context.runs:
        plan = process_plan(profile, run.start) if run.start and wanted else None
        for week in plan.weeks if plan else ():
            if (run.exit and run.exit.on < week.start) or (context.end and context.end < week.end):
                break
            number += 1
            held = [day for day in days if day in week]
            met_on = held[wanted - 1] if len(held) >= wanted else None
            planned = context.planned(kind, number, week.last_day, ("LOKA-41",), opens_on=week.start, met_on=met_on)
            cut = run.exit is not None and run.exit.on < week.last_day
            yield planned.cancelled(run.exit.on) if cut and run.exit else planned


def _chain(context: Context, profile: Profile, days: list[date]) -> Iterator[Planned]:
    """Each check-in, or the start, sets the day of the next one. An interval that is missed is one obligation."""
    number = 0
    for run in context.runs:
        last = run.start
        while last is not None and _running(context, run, last):
            due = next_checkin(profile, last)
            if due is None:
                return
            number += 1
            met_on = next((day for day in days if day > last and (run.exit is None or day <= run.exit.on)), None)
            planned = context.planned(ObligationKind.CHECK_IN, number, due, ("LOKA-25",), opens_on=last, met_on=met_on)
            if run.exit and planned.open_on(run.exit.on):
                planned = planned.cancelled(run.exit.on)
            yield planned
            last = met_on


def _running(context: Context, run: Run, day: date) -> bool:
    """Whether more is to come in the run after `day`."""
    return (run.exit is None or day < run.exit.on) and (context.end is None or day < context.end)
