"""The time that an intervention has: by its end there is an exit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from kundval_contracts.codes import FactKind, ObligationKind, Programme
from kundval_contracts.rules import rule

from .plan import Context, Planned
from .recurring import overlapping


@rule("AMI-7-b", "AMI-8-c")
def period_end(context: Context) -> Iterator[Planned]:
    """Self-support is expected within 90 days, or twelve months: by the last covered day there is an exit (SM-A22).

    Each run has one of its own, listed from its start.
    """
    rules = ("AMI-7-b",) if context.timeline.programme is Programme.AMI_1 else ("AMI-8-c",)
    for run in context.runs:
        if run.start is not None and context.timeline.last_covered_day is not None:
            yield context.planned(
                ObligationKind.PERIOD_END,
                run.number + 1,
                context.timeline.last_covered_day,
                rules,
                opens_on=run.start,
                met_on=run.exit.on if run.exit else None,
            )


@rule("AF-SOM-7")
def som_period_end(context: Context) -> Iterator[Planned]:
    """By the last day of each 90-day period the employment service has extended it, or there is an exit."""
    extensions = [fact.on for fact in context.of(FactKind.EXTENDED)]
    for number, period in enumerate(context.timeline.periods, 1):
        runs = overlapping(context, period)
        if not runs:
            continue
        days: list[date] = extensions[number - 1 : number]
        if runs[-1].exit is not None:
            days.append(runs[-1].exit.on)
        yield context.planned(
            ObligationKind.PERIOD_END,
            number,
            period.last_day,
            ("AF-SOM-7",),
            opens_on=period.start,
            met_on=min(days, default=None),
        )
