"""Stöd och matchning: base by periods of 90 days, and the premium that tops a period up (rulebook 4.2, AF-SOM-2..8).

The municipality is the supplier and the employment service pays. A whole period is worth 65 days at the rate of the
track, also when it has 64 weekdays (reading 15). Public holidays are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from kundval_contracts.answer import Line, Said, Step
from kundval_contracts.calendar import Period, add_days, add_months
from kundval_contracts.codes import FactKind, LineKind, Programme
from kundval_contracts.phrases import say, step
from kundval_contracts.rules import rule
from kundval_contracts.som import track_on, weekdays
from kundval_contracts.tariffs import Model, Part, Value
from kundval_contracts.timeline import Exit

from .view import View

#: Exits that the premium is for: to work or studies of any extent, as AF-SOM-6 says.
PREMIUM_FAMILIES = frozenset({"WORK", "STUDY"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row with one supplier in one track."""

    provider: str
    track: Programme
    start: date
    end: date

    @property
    def weekdays(self) -> int:
        return weekdays(self.start, self.end)


# --- rate and days -----------------------------------------------------------------------------------


@rule("AF-SOM-2", "AF-SOM-8")
def rate_of(view: View, track: Programme) -> tuple[Value, Part]:
    """The day rate of a track in the tariff of the decision date, and the part that it stands in."""
    terms = view.terms_of(track)
    part = terms.part(Model.SOM_PERIOD_BASE)
    if part is None:
        raise LookupError(track.value)
    return terms.value(part, "rate"), part


def days_at_rate(view: View, track: Programme, days: int) -> Step:
    """So many days at the rate of a track, as a step that says rate, tariff and clause."""
    rate, part = rate_of(view, track)
    facts = (*view.timeline.decided_facts, *_track_facts(view))
    return step(
        "step.som_days",
        days * rate.value,
        facts=facts,
        days=days,
        rate=rate.value,
        track=track,
        tariff=tariff_told(rate),
        source=part.source,
    )


def tariff_told(value: Value) -> Said:
    """Which tariff an amount stands in, for a sentence."""
    if value.version is not None:
        return say("tariff.version", tariff=value.version)
    return say("tariff.settings" if value.from_settings else "tariff.file")


def _track_facts(view: View) -> tuple[str, ...]:
    return tuple(fact.id for fact in view.case.of(FactKind.TRACK_DECIDED))


@rule("AF-SOM-3", "AF-SOM-8", "AF-SOM-25")
def stretches(view: View, period: Period) -> tuple[Stretch, ...]:
    """The days of `period` on which the intervention ran, cut where supplier or track changes."""
    cuts = {day for day, _ in view.timeline.charges}
    cuts |= {fact.on for fact in view.case.of(FactKind.TRACK_DECIDED)}
    found: list[Stretch] = []
    for part in view.parts(period):
        days = [part.start, *sorted(day for day in cuts if part.start < day < part.end), part.end]
        for start, end in pairwise(days):
            provider = view.timeline.provider_on(start)
            if provider is not None and start < end:
                track = track_on(view.case.programme, view.case.facts, start)
                found.append(Stretch(provider, track, start, end))
    return tuple(found)


# --- base --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """What one supplier gets of a period: days at the rates of its tracks, in order."""

    provider: str
    days: tuple[tuple[Programme, int], ...]

    @property
    def total(self) -> int:
        return sum(number for _, number in self.days)


@rule("AF-SOM-3", "AF-SOM-2")
def shares(view: View, period: Period, full: Period, most: int) -> tuple[Share, ...]:
    """What is paid of a period, by supplier; `full` is the period as it would be without an end date.

    A whole period with one supplier is `most` days, the day that a period of 64 weekdays lacks at the rate of the last
    track. Else the weekdays on which the intervention ran, together at most `most`.
    """
    found = stretches(view, period)
    if not found:
        return ()
    by_provider: dict[str, dict[Programme, int]] = {}
    left = most
    for one in found:
        days = min(left, one.weekdays)
        left -= days
        tracks = by_provider.setdefault(one.provider, {})
        tracks[one.track] = tracks.get(one.track, 0) + days
    whole = view.parts(period) == (full,)
    if whole and len(by_provider) == 1:
        last = found[-1]
        by_provider[last.provider][last.track] += left
    return tuple(Share(provider, tuple(days.items())) for provider, days in by_provider.items())


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of time with a base of its own: a period, or a month by AMB-33 B. `full`: not cut short by an end."""

    number: int
    time: Period
    full: Period


@rule("AF-SOM-3", "AF-SOM-7")
def units(view: View) -> tuple[Unit, ...]:
    """Periods, or by AMB-33 B the months from S that begin within them; a month beyond their end is cut short."""
    periods = view.timeline.periods
    if not periods:
        return ()
    first, end = periods[0].start, periods[-1].end
    if view.settings["som.base_unit"] == "PERIOD_65":
        days = view.timeline.period_days
        full = [Period(one.start, add_days(one.start, days)) for one in periods]
        return tuple(Unit(number, one, whole) for number, (one, whole) in enumerate(zip(periods, full, strict=True), 1))
    found: list[Unit] = []
    while (start := add_months(first, len(found))) < end:
        full_month = Period(start, add_months(first, len(found) + 1))
        found.append(Unit(len(found) + 1, Period(start, min(full_month.end, end)), full_month))
    return tuple(found)


@rule("AF-SOM-2", "AF-SOM-3", "NACKA-10", "NACKA-30")
def som_base_lines(view: View, tariff: Part) -> Iterator[Line]:
    """The base of each period that has begun, payable from its end or from the exit (readings 30 and 53)."""
    most = view.terms.value(tariff, "days").value
    for unit in units(view):
        if unit.time.start > view.as_of:
            return
        paid = shares(view, unit.time, unit.full, most)
        closing = exit_in(view, unit.time)
        goes_on = closing is None or (closing.resumed is not None and closing.resumed.on in unit.time)
        payable_from = unit.time.end if closing is None or goes_on else closing.on
        for share in paid:
            if not share.total:
                continue
            told: dict[str, Any] = {"number": unit.number, "days": share.total, "payable_from": payable_from}
            if closing is None:
                said = say("som.base_shared" if len(paid) > 1 else "som.base", **told)
            else:
                said = say("som.base_exit", ended=closing.on, **told)
            yield view.line(
                LineKind.BASE,
                share.provider,
                unit.number,
                unit.time,
                [days_at_rate(view, track, days) for track, days in share.days if days],
                view.due(payable_from),
                payable_from,
                tariff.rules,
                said,
                (*view.timeline.started_facts, *((closing.fact.id,) if closing else ())),
            )


def exit_in(view: View, period: Period) -> Exit | None:
    """The last exit within the period."""
    return next((one for one in reversed(view.timeline.exits) if one.on in period), None)


# --- premium -----------------------------------------------------------------------------------------


@rule("AF-SOM-6")
def som_premium_lines(view: View, tariff: Part) -> Iterator[Line]:
    """What an exit to work or studies leaves of its period, topped up to a whole one (AMB-34 A).

    It goes to the supplier in charge on the last day, and is payable from then. Nothing is left on the last day of a
    period, nor by ACTUAL_DAYS where every weekday of it has been paid.
    """
    base = view.terms.part(Model.SOM_PERIOD_BASE)
    if base is None:
        return
    most = view.terms.value(base, "days").value
    days = view.timeline.period_days
    for number, period in enumerate(view.timeline.periods, 1):
        one = exit_in(view, period)
        if one is None or not one.provider or one.rule.family not in PREMIUM_FAMILIES or one.on == period.last_day:
            continue
        full = Period(period.start, add_days(period.start, days))
        paid = sum(share.total for share in shares(view, period, full, most))
        actual = view.settings["som.premium"] == "ACTUAL_DAYS"
        worth = min(most, weekdays(full.start, full.end)) if actual else most
        if worth <= paid:
            continue
        track = track_on(view.case.programme, view.case.facts, one.on)
        rate, part = rate_of(view, track)
        left = step(
            "step.som_left",
            (worth - paid) * rate.value,
            facts=(*view.timeline.decided_facts, one.fact.id, *_track_facts(view)),
            left=worth - paid,
            worth=worth,
            paid=paid,
            rate=rate.value,
            track=track,
            tariff=tariff_told(rate),
            source=part.source,
        )
        yield view.line(
            LineKind.SOM_SPEED_PREMIUM,
            one.provider,
            number,
            Period(add_days(one.on, 1), period.end),
            (left,),
            view.due(one.on),
            one.on,
            tariff.rules,
            say("som.premium", number=number, ended=one.on, days=worth - paid),
            (one.fact.id,),
        )


# --- figures for reports -----------------------------------------------------------------------------


@rule("AF-SOM-5")
def table_maximum(rate: Decimal, result_max: Decimal, days: int = 65) -> Decimal:
    """The row "maximum per participant": one period and the highest result. A figure for reports, never a ceiling:
    a participant with an extension may be paid more (INC-12).
    """
    return days * rate + result_max
