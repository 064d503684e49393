"""What comes back every week or month: contact, job search, monthly report. It is listed as its period opens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from kundval_contracts.calendar import Period, add_days, add_months
from kundval_contracts.codes import FactKind, ObligationKind, Party, Programme
from kundval_contracts.rules import rule

from .plan import Context, Planned, Run
from .weeks import WEEK, whole_weeks


@rule("AMI-3-a", "AMI-3-b")
def weekly_contact(context: Context) -> Iterator[Planned]:
    """Contact with the client at least once a week, in any channel (AMB-10, readings 38 and 47)."""
    wanted, end = context.settings["contact.min_per_week"], context.timeline.end
    if not wanted or end is None:
        return
    days = [fact.on for fact in context.of(FactKind.CONTACT) if fact["party"] is Party.CLIENT]
    if context.settings["contact.week_model"] == "ROLLING_7":
        yield from _rolling(context, end, days, wanted)
    else:
        yield from _iso_weeks(context, end, days, wanted)


def _contact(context: Context, sequence: int, due: date, opens_on: date, met_on: date | None) -> Planned:
    return context.planned(ObligationKind.WEEKLY_CONTACT, sequence, due, opens_on=opens_on, met_on=met_on)


def _iso_weeks(context: Context, end: date, days: list[date], wanted: int) -> Iterator[Planned]:
    """One for every whole ISO week of a run, due on its Sunday. Week 1 is the first whole one after S.

    A week that an exit cuts short asks for nothing, met or not: CANCELLED.
    """
    for week in whole_weeks(context.stretches, end):
        held = days[bisect_left(days, week.monday) : bisect_right(days, week.sunday)]
        met_on = held[wanted - 1] if len(held) >= wanted else None
        planned = _contact(context, week.number, week.sunday, week.monday, met_on)
        yield planned.cancelled(week.cut_on) if week.cut_on else planned


def _rolling(context: Context, end: date, days: list[date], wanted: int) -> Iterator[Planned]:
    """Never more than seven days without: each contact, or the start, sets the next due day.

    A gap is one obligation, however long it lasts.
    """
    sequence = 0
    for run in context.runs:
        if run.start is None:
            return
        anchor, until = run.start, run.exit.on if run.exit else date.max
        while add_days(anchor, WEEK) < end and anchor < until:
            sequence += 1
            held = [day for day in days if anchor < day <= until]
            met_on = held[wanted - 1] if len(held) >= wanted else None
            planned = _contact(context, sequence, add_days(anchor, WEEK), anchor, met_on)
            if run.exit and planned.open_on(until):
                planned = planned.cancelled(until)
            yield planned
            if met_on is None:
                break
            anchor = met_on


def overlapping(context: Context, period: Period) -> list[Run]:
    """The started runs that are active on a day of the period."""
    return [
        run
        for run in context.runs
        if run.start and run.start < period.end and (run.exit is None or run.exit.on >= period.start)
    ]


def _active_days(context: Context, period: Period) -> list[date]:
    return [day for day in period if any(one.start <= day < one.end for one in context.timeline.active)]


@rule("AMI-1.3.1-b", "AMI-1.3.1-c")
def job_search(context: Context) -> Iterator[Planned]:
    """The number of jobs to apply for in each month: 20 in AMI 1, as the assignment says in AMI 2 (AMB-11)."""
    timeline, settings = context.timeline, context.settings
    ami1 = timeline.programme is Programme.AMI_1
    quota = settings["ami1.jobsearch.quota"] if ami1 else context.case.plan.job_search_quota
    if not quota or timeline.anchor is None or timeline.end is None:
        return
    rules = ("AMI-1.3.1-b",) if ami1 else ("AMI-1.3.1-c",)
    unit = settings["jobsearch.month_unit"]
    number = 0
    while True:
        number += 1
        period = timeline.month(number) if unit == "FEE_UNIT" else _calendar_month(timeline.anchor, number)
        if period.start >= timeline.end:
            return
        runs = overlapping(context, period)
        if not runs:
            continue
        due, asked, cut_on = _quota(context, unit, period, runs[-1], timeline.end, quota)
        if not asked:
            continue
        planned = context.planned(
            ObligationKind.JOB_SEARCH_QUOTA,
            number,
            due,
            rules,
            opens_on=max(period.start, runs[0].start or period.start),
            met_on=_applied(context, number, asked),
        )
        if cut_on is not None and (planned.met_on is None or planned.met_on > cut_on):
            planned = planned.cancelled(cut_on)
        yield planned


def _calendar_month(anchor: date, number: int) -> Period:
    first = add_months(anchor.replace(day=1), number - 1)
    return Period(first, add_months(first, 1))


def _quota(
    context: Context, unit: str, period: Period, last: Run, end: date, quota: int
) -> tuple[date, int, date | None]:
    """Due day, number asked for (0: not assessed), and the day of an exit that cuts the month short.

    FEE_UNIT: whole months of the fee; one that the end date cuts short is not assessed. CALENDAR_WHOLE:
    calendar months active from first to last day. CALENDAR_PRO_RATA: every calendar month, by active days,
    rounded up.
    """
    cut_on = last.exit.on if last.exit and last.exit.on < period.last_day else None
    if unit == "FEE_UNIT":
        return period.last_day, quota if period.end <= end else 0, cut_on
    active = _active_days(context, period)
    if unit == "CALENDAR_PRO_RATA" and active:
        return active[-1], -(-quota * len(active) // period.days), None
    before = last.exit is None or cut_on is None
    whole = len(active) == period.days if before else bool(active) and active[0] == period.start
    return period.last_day, quota if whole and period.end <= end else 0, cut_on


def _applied(context: Context, number: int, asked: int) -> date | None:
    """The day on which the reports for the month, added up (reading 24), reach the number asked for."""
    count = 0
    for fact in context.of(FactKind.JOBS_APPLIED):
        if fact["month"] == number:
            count += fact["count"]
            if count >= asked:
                return fact.on
    return None


@rule("AMI-8.1-c")
def monthly_report(context: Context) -> Iterator[Planned]:
    """AMI 2: one report for every active month; the final report covers the month of the exit."""
    timeline = context.timeline
    if timeline.programme is not Programme.AMI_2 or timeline.anchor is None or timeline.end is None:
        return
    for number in range(1, timeline.month_count(timeline.end) + 1):
        period = report_period(context, number)
        runs = overlapping(context, period)
        if not runs:
            continue
        reports = (fact.on for fact in context.of(FactKind.MONTHLY_REPORT) if fact["month"] == number)
        planned = context.planned(
            ObligationKind.MONTHLY_REPORT,
            number,
            report_due(context, period),
            ("AMI-8.1-c",),
            opens_on=max(period.start, runs[0].start or period.start),
            met_on=next(reports, None),
        )
        last = runs[-1].exit
        if last and last.on <= period.last_day and (planned.met_on is None or planned.met_on > last.on):
            planned = planned.cancelled(last.on)
        yield planned


def report_period(context: Context, number: int) -> Period:
    """The month of a report, cut short where the intervention ends in it."""
    period, end = context.timeline.month(number), context.timeline.end
    return replace(period, end=end) if end is not None and end in period and end > period.start else period


def report_due(context: Context, period: Period) -> date | None:
    """The last day for the report of a month; None while the municipality has set none (GAP-02)."""
    due_day = context.settings["monthly_report.due_day"]
    return period.last_day + timedelta(days=due_day) if due_day else None
