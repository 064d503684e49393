"""Ordinary monthly fees (rulebook 8.4.1): who gets what for the months in which the intervention ran."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from kundval_contracts.answer import Line, Step, recompute
from kundval_contracts.calendar import Period
from kundval_contracts.codes import LineKind
from kundval_contracts.phrases import say, step
from kundval_contracts.rules import rule
from kundval_contracts.tariffs import Part
from kundval_contracts.timeline import Exit

from .view import View


@rule("NACKA-10", "AMI-10.1-a")
def fee_lines(view: View, tariff: Part) -> Iterator[Line]:
    """One fee for each month that has begun and in which the intervention ran on a day (readings 9, 26, 51)."""
    for number, month in enumerate(view.months, 1):
        if month.start > view.as_of:
            return
        yield from _month(view, tariff, number, month)


def _month(view: View, tariff: Part, number: int, month: Period) -> Iterator[Line]:
    parts = view.parts(month)
    if not parts:
        return
    closing = view.closing(month)
    payable_from = payable_on(view, month, closing)
    facts = view.timeline.started_facts
    said = say("fee.month", number=number, payable_from=payable_from)
    if closing is not None and payable_from < month.end:
        ended = view.timeline.basis(closing)
        said = say("fee.exit_month", number=number, ended=ended, payable_from=payable_from)
        facts = (*facts, closing.fact.id)
    for provider, steps in _shares(view, parts, month_steps(view, month, closing)):
        yield view.line(
            LineKind.MONTHLY_FEE,
            provider,
            number,
            month,
            steps,
            view.due(payable_from),
            payable_from,
            tariff.rules,
            said,
            facts,
        )


@rule("NACKA-30")
def payable_on(view: View, month: Period, closing: Exit | None) -> date:
    """The month's exclusive end, or E when the exit is in the month: never in advance (readings 5, 50)."""
    return min(month.end, view.timeline.basis(closing)) if closing is not None else month.end


@rule("AMI-10.1-a")
def month_steps(view: View, month: Period, closing: Exit | None) -> tuple[Step, ...]:
    """Derivation of an ordinary month's fee: whole, or by days up to E in the exit month (AMB-12 B and C).

    The share by days holds for every exit, so that a qualifying one is never paid less than another.
    """
    if closing is None or view.settings["premium.started_month"] == "ORDINARY_FULL":
        return (view.fee,)
    days = (view.timeline.basis(closing) - month.start).days + 1
    if days >= month.days:
        return (view.fee,)
    return (view.fee, share_of("step.days_to_exit", days, month, closing.fact.id))


def share_of(code: str, days: int, month: Period, fact: str) -> Step:
    """So many days of a month, by the fact that says which."""
    return step(code, None, Decimal(days), Decimal(month.days), facts=(fact,), days=days, month_days=month.days)


@rule("AMI-10.1-d", "NACKA-14")
def _shares(view: View, parts: tuple[Period, ...], steps: tuple[Step, ...]) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """Who gets it (AMB-25): the provider in charge at the end, or each by its days, or each in full."""
    split = view.settings["fee.split"]
    last = view.timeline.provider_on(parts[-1].last_day)
    days: dict[str, int] = {}
    if split != "LAST_PROVIDER":
        for part in parts:
            for day in part:
                provider = view.timeline.provider_on(day)
                if provider is not None:
                    days[provider] = days.get(provider, 0) + 1
    if len(days) < 2:
        if last is not None:
            yield last, steps
        return
    if split == "BOTH":
        for provider in days:
            yield provider, steps
        return
    total, rest = sum(days.values()), recompute(steps)
    *others, final = days
    left: list[Step] = []
    for provider in others:
        share = (
            *steps,
            step(
                "step.days_in_charge",
                None,
                Decimal(days[provider]),
                Decimal(total),
                days=days[provider],
                total=total,
            ),
        )
        part_amount = min(rest, recompute(share))
        rest -= part_amount
        left.append(step("step.less_earlier_provider", -part_amount))
        yield provider, share
    yield final, (*steps, *left)
