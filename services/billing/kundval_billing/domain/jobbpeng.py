"""Jobbpeng: a monthly amount by level, from the start-up meeting on (rulebook 3.3, readings 32 and 54)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from kundval_contracts.answer import Line
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import LineKind
from kundval_contracts.phrases import say
from kundval_contracts.rules import rule
from kundval_contracts.tariffs import Part

from .fees import payable_on
from .view import View


@rule("NACKA-8", "NACKA-JP-1", "NACKA-JP-2")
def jobbpeng_lines(view: View, tariff: Part) -> Iterator[Line]:
    """Months from S, each in full: the first payable after 14 days, the others from their end or the exit.

    An intervention that ends before those 14 days pays nothing.
    """
    threshold = payable_after(view, tariff)
    if threshold is None or not lasted_until(view, threshold):
        return
    for number, month in enumerate(view.months, 1):
        if month.start > view.as_of:
            return
        parts = view.parts(month)
        provider = view.timeline.provider_on(parts[-1].last_day) if parts else None
        if provider is None:
            continue
        payable_from = threshold if number == 1 else payable_on(view, month, view.closing(month))
        yield view.line(
            LineKind.MONTHLY_FEE,
            provider,
            number,
            month,
            (view.fee,),
            view.due(payable_from),
            payable_from,
            tariff.rules,
            say("fee.jobbpeng", number=number, payable_from=payable_from),
            view.timeline.started_facts,
        )


@rule("NACKA-JP-2")
def payable_after(view: View, tariff: Part) -> date | None:
    """S + 14 days, the first day on which anything is payable; None before the start-up meeting."""
    started_on = view.timeline.started_on
    return None if started_on is None else add_days(started_on, view.terms.value(tariff, "after_days").value)


@rule("NACKA-JP-2")
def lasted_until(view: View, threshold: date) -> bool:
    """False if the intervention ended before `threshold`: an exit on it is late enough (reading 54)."""
    end = view.timeline.end
    if end is not None and end < threshold:
        return False
    return not any(view.timeline.basis(one) < threshold and one.resumed is None for one in view.timeline.exits)
