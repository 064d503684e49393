"""The start of an intervention: mapping and plan, study guidance, placements with agreement and follow-up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.codes import FactKind, ObligationKind, Party, Programme
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule

from .plan import Context, Planned, Run


def after(day: date, duration: str) -> date:
    """`day` moved by an ISO duration of days or months (`P28D`, `P1M`)."""
    number = int(duration[1:-1])
    return add_months(day, number) if duration[-1] == "M" else add_days(day, number)


@rule("AMI-3-c")
def plan_anchor(context: Context) -> date | None:
    """The day from which the days for mapping and plan run (AMB-09).

    By default S; until S is known, and if it is not within the time from the acceptance, the acceptance.
    """
    settings, timeline = context.settings, context.timeline
    accepted = context.first_day(FactKind.ACCEPTED)
    if settings["plan.anchor"] == "DECISION_DATE":
        return timeline.decided_on
    if settings["plan.anchor"] == "ACCEPTANCE" or timeline.started_on is None:
        return accepted
    if accepted is not None and timeline.started_on > add_days(accepted, settings["plan.due_days"]):
        return accepted
    return timeline.started_on


def _anew(context: Context, run: Run, duration: str) -> date | None:
    """A period that runs anew from a resumption, no longer than the intervention."""
    last = context.timeline.last_covered_day
    if run.start is None:
        return None
    due = after(run.start, duration)
    return due if last is None else min(due, last)


@rule("AMI-3-c")
def mapping_and_plan(context: Context) -> Iterator[Planned]:
    """Mapping and implementation plan, both of them, within 14 days."""
    anchor = plan_anchor(context)
    if anchor is None:
        return
    days = context.settings["plan.due_days"]
    done = [context.first_day(FactKind.MAPPING_DONE), context.first_day(FactKind.PLAN_DONE)]
    dates = [day for day in done if day is not None]
    planned = context.planned(
        ObligationKind.MAPPING_AND_PLAN,
        1,
        add_days(anchor, days),
        ("AMI-3-c",),
        met_on=max(dates) if len(dates) == len(done) else None,
    )
    yield context.through(planned, lambda run: _anew(context, run, f"P{days}D"))


@rule("AMI-4.2-a")
def study_guidance(context: Context) -> Iterator[Planned]:
    """Study guidance for everybody at the start, due with the plan (reading 59)."""
    anchor = plan_anchor(context)
    if anchor is None:
        return
    days = context.settings["study_guidance.due_days"]
    planned = context.planned(
        ObligationKind.STUDY_GUIDANCE,
        1,
        add_days(anchor, days),
        ("AMI-4.2-a",),
        met_on=context.first_day(FactKind.STUDY_GUIDANCE),
    )
    yield context.through(planned, lambda run: _anew(context, run, f"P{days}D"))


@rule("AMI-8.3-a", "AMI-8.3-b")
def placement(context: Context) -> Iterator[Planned]:
    """AMI 2: a work-training place of at least ten hours a week within four weeks from the decision (AMB-08)."""
    decided_on = context.timeline.decided_on
    if context.timeline.programme is not Programme.AMI_2 or decided_on is None:
        return
    minimum, deadline = context.settings["placement.min_hours_week"], context.settings["ami2.placement.deadline"]
    started = (fact.on for fact in context.of(FactKind.PLACEMENT_STARTED) if fact.get("hours_per_week", 0) >= minimum)
    planned = context.planned(
        ObligationKind.PLACEMENT,
        1,
        after(decided_on, deadline),
        ("AMI-8.3-a", "AMI-8.3-b"),
        met_on=next(started, None),
    )
    yield context.through(planned, lambda run: _anew(context, run, deadline))


@rule("AMI-6.2-b", "AMI-6.3.1-b")
def workplace(context: Context) -> Iterator[Planned]:
    """For every placement: its agreement served on the career guide, and an early follow-up with the workplace.

    The agreement comes with the report of the placement, so it is served on the day on which that is known.
    Both end with the placement, and with the exit.
    """
    grace = context.settings["tripartite.serve_grace_days"]
    days = context.settings["placement.first_followup_days"]
    for number, fact in enumerate(context.of(FactKind.PLACEMENT_STARTED), 1):
        yield context.planned(
            ObligationKind.SERVE_TRIPARTITE_AGREEMENT,
            number,
            add_days(fact.on, grace),
            ("AMI-6.3.1-b",),
            met_on=fact.known_on,
        )
        ended = _ended(context, fact)
        contacts = context.of(FactKind.CONTACT, fact.on, ended or date.max)
        planned = context.planned(
            ObligationKind.WORKPLACE_FOLLOW_UP,
            number,
            add_days(fact.on, days),
            ("AMI-6.2-b",),
            met_on=next((contact.on for contact in contacts if contact["party"] is Party.WORKPLACE), None),
        )
        if ended is not None and planned.open_on(ended):
            planned = planned.cancelled(ended)
        yield planned


def _ended(context: Context, started: Fact) -> date | None:
    """The day on which a placement ended: by its own fact, or by the exit from the intervention."""
    days = [
        fact.on
        for fact in context.of(FactKind.PLACEMENT_ENDED, started.on)
        if fact.order > started.order
        and (fact.get("workplace") is None or fact.get("workplace") == started.get("workplace"))
    ]
    days += [run.exit.on for run in context.runs if run.exit and run.exit.on >= started.on]
    return min(days, default=None)
