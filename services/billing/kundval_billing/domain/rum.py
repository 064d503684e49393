"""Rusta och matcha: a base for each month, and a premium that is off until a municipality has terms for it
(rulebook 4.4, AF-RUM-2..8, AMB-36).

The model of level B follows the delivery area. No level is taken to be more than another by its day rate (AF-RUM-8).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_contracts.answer import Line, Said, Step
from kundval_contracts.calendar import Period, add_days, add_months
from kundval_contracts.codes import FactKind, LineKind, LineStatus
from kundval_contracts.phrases import say, step
from kundval_contracts.rules import rule
from kundval_contracts.som import track_on
from kundval_contracts.tariffs import Model, Part
from kundval_contracts.timeline import Exit

from .fees import payable_on
from .som import PREMIUM_FAMILIES, tariff_told
from .view import View


@rule("AF-RUM-2", "AF-RUM-3", "AF-RUM-7", "AF-RUM-8", "AF-SOM-8")
def month_steps(view: View, day: date) -> tuple[Step, ...]:
    """One monthly amount at the level of `day`: the day rate of level and model, 22 times."""
    level = track_on(view.case.programme, view.case.facts, day)
    terms = view.terms_of(level)
    part = terms.part(Model.RUM_MONTH_BASE)
    if part is None:
        raise LookupError(level.value)
    rate, days = terms.value(part, "rate"), terms.value(part, "days").value
    facts = (*view.timeline.decided_facts, *(fact.id for fact in view.case.of(FactKind.TRACK_DECIDED)))
    model = terms.area_model or "-"
    told: dict[str, Any] = {"level": level, "model": model, "tariff": tariff_told(rate), "source": part.source}
    return (
        step("step.rum_rate", rate.value, facts=facts, **told),
        step("step.rum_days", factor=Decimal(days), days=days),
    )


@rule("AF-RUM-2", "AF-RUM-3", "NACKA-10", "NACKA-30")
def rum_base_lines(view: View, tariff: Part) -> Iterator[Line]:
    """A month that has begun is paid in full, from its end or from the exit (reading 31).

    It is paid at the level on its first day in the intervention, to the provider in charge on its last.
    """
    for number, month in enumerate(view.months, 1):
        if month.start > view.as_of:
            return
        parts = view.parts(month)
        provider = view.timeline.provider_on(parts[-1].last_day) if parts else None
        if provider is None:
            continue
        closing = view.closing(month)
        payable_from = payable_on(view, month, closing)
        yield view.line(
            LineKind.BASE,
            provider,
            number,
            month,
            month_steps(view, parts[0].start),
            view.due(payable_from),
            payable_from,
            tariff.rules,
            say("rum.base", number=number, payable_from=payable_from),
            (*view.timeline.started_facts, *((closing.fact.id,) if closing else ())),
        )


# --- premium -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: LineStatus
    said: Said
    payable_from: date | None
    facts: tuple[str, ...] = ()


@rule("AF-RUM-5")
def rum_premium_lines(view: View, tariff: Part) -> Iterator[Line]:
    """One premium for an exit to work or studies, where the municipality has enabled it (AMB-36).

    An intervention that is resumed has no exit to be paid for. The premium goes to the provider in charge at the exit.
    """
    one = view.timeline.exits[-1] if view.timeline.exits else None
    if not view.settings["rum.premium.enabled"] or one is None or one.resumed is not None:
        return
    if not one.provider or one.rule.family not in PREMIUM_FAMILIES:
        return
    most = view.terms.value(tariff, "months").value
    months = premium_months(view, one, most)
    if not months:
        return
    outcome = _outcome(view, one)
    start = add_days(one.on, 1)
    last = add_months(view.timeline.month(1).start, most) if months < most else add_months(start, most)
    yield view.line(
        LineKind.RUM_SPEED_PREMIUM,
        one.provider,
        1,
        Period(start, max(last, add_days(start, 1))),
        (*month_steps(view, one.on), step("step.rum_months", factor=Decimal(months), months=months)),
        outcome.status,
        outcome.payable_from,
        tariff.rules,
        outcome.said,
        (one.fact.id, *outcome.facts),
    )


@rule("AF-RUM-5")
def premium_months(view: View, one: Exit, most: int) -> int:
    """How many monthly amounts: what the months begun by the exit leave of six, or always six by the other readings."""
    if view.settings["rum.premium.reading"] != "REMAINING":
        return int(most)
    return max(0, int(most) - view.timeline.month_of(one.on))


def _outcome(view: View, one: Exit) -> _Outcome:
    """Payable from the exit; by HELD when six months have held, and stopped by a break-off before (AMB-36 C)."""
    if view.settings["rum.premium.reading"] != "HELD":
        return _Outcome(view.due(one.on), say("rum.premium", ended=one.on), one.on)
    settle = view.timeline.window(one).end
    if one.break_off is not None and view.timeline.broke_off_before_settle(one):
        said = say("rum.premium_broken_off", broken_off=one.break_off.on, settle=settle)
        return _Outcome(LineStatus.STOPPED, said, None, (one.break_off.id,))
    return _Outcome(view.due(settle), say("rum.premium_held", ended=one.on, settle=settle), settle)


# --- figures for reports -----------------------------------------------------------------------------


@rule("AF-RUM-5")
def premium_maximum(rate: Decimal, days: int = 22, months: int = 6) -> Decimal:
    """The highest premium, six monthly amounts: 132 days at the rate."""
    return months * days * rate


@rule("AF-RUM-6")
def table_maximum(rate: Decimal, result_max: Decimal, days: int = 22, months: int = 6) -> Decimal:
    """The row "maximum per participant": a month, the highest result and the premium. A figure for reports, never a
    ceiling: it has one month of base alone (INC-13).
    """
    return days * rate + result_max + premium_maximum(rate, days, months)
