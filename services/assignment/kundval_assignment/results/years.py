"""Figures year by year: from stored outcomes, with what was taken over from elsewhere beside."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kundval_chassis.chart import Series, bars, lines
from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import FigureCode, FigureUnit, Relation, YearlyValue
from kundval_contracts.profiles import Profile, profiles
from kundval_contracts.rules import rule

from ..domain.figures import Given, Line
from ..domain.figures import lines as lines_of
from . import store
from .shown import today
from .texts import Texts, texts


def read(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> list[Line]:
    """Every figure of the years of the request, in order. Raises Conflict while there is no business date."""
    day = today(tenant)
    profile = profiles().get(tenant.municipality)
    given = _given(tx, tenant, profile, request)
    kolada = profile.kolada if profile else {}
    smallest = tenant.settings["figures.smallest_group"]
    found: list[Line] = []
    for number in range(request["first_year"], min(request["last_year"], day.year) + 1):
        found += lines_of(store.year(tx, tenant.id, number, day), given, kolada, smallest)
    return found


@rule("LOKA-56", "LOKA-57")
def _given(tx: Tx, tenant: Tenant, profile: Profile | None, request: Mapping[str, Any]) -> list[Given]:
    """One value of each kind and year: that of the request, else the one taken over last, else the profile's own."""
    first, last = request["first_year"], request["last_year"]
    found: dict[tuple[YearlyValue, int], Given] = {}
    for one in profile.indicators if profile else ():
        what = next((item for item in YearlyValue if item.value == one.code.upper()), None)
        if what is None or one.year is None or one.value is None or one.relation is not Relation.EQUAL:
            continue
        if first <= one.year <= last and one.value > 0:
            taken_on = max(one.taken_on, default=None)
            found[(what, one.year)] = Given(what, one.year, one.value, one.origin, taken_on)
    for value in store.yearly_values(tx, tenant.id, first, last):
        found[(value.what, value.year)] = value
    told = request.get("full_time_equivalents")
    if told is not None:
        what = YearlyValue.FULL_TIME_EQUIVALENTS
        found[(what, told["year"])] = Given(what, told["year"], told["value"], told["origin"], told["taken_on"])
    return [found[key] for key in sorted(found)]


@rule("LOKA-9", "LOKA-56", "LOKA-57")
def published(tenant: Tenant) -> list[dict[str, Any]]:
    """What others have published about the municipality, each with its origin: beside its own figures, never in them.

    Self-reported values are not certain to be comparable; contradictory ones stand side by side.
    """
    profile = profiles().get(tenant.municipality)
    return [
        {
            "code": one.code,
            "relation": one.relation,
            "value": None if one.value is None else str(one.value),
            "unit": one.unit,
            "year": one.year,
            "origin": one.origin,
            "taken_on": list(one.taken_on),
        }
        for one in (profile.indicators if profile else ())
    ]


def record_value(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> None:
    """Take over a yearly value; the one taken last counts."""
    given = Given(request["what"], request["year"], request["value"], request["origin"], request["taken_on"])
    store.add_yearly_value(tx, tenant.id, given)


# --- as a chart --------------------------------------------------------------------------------------------


def chart(rows: list[Line], figure: FigureCode, lang: str) -> str:
    """One figure as SVG: lines over the years, or bars for a single year. What is kept back interrupts its line."""
    words = texts(lang)
    mine = [row for row in rows if row.figure is figure]
    title = words.figure(figure)
    if not mine:
        nothing = Series(title, (None,), (words.say("nothing"),))
        return bars(title, words.say("nothing"), [words.say("no_years")], [nothing], lang=lang, key="figures")
    years = sorted({row.year for row in rows})
    parts = list(dict.fromkeys(row.part for row in mine))
    by_place = {(row.part, row.year): row for row in mine}
    described = " ".join(
        f"{words.part(part)}: "
        + ", ".join(f"{year} {_said(by_place.get((part, year)), words)}" for year in years)
        + "."
        for part in parts
    )
    if len(years) == 1:
        cells = [by_place.get((part, years[0])) for part in parts]
        series = Series(str(years[0]), tuple(map(_drawn, cells)), tuple(_said(cell, words) for cell in cells))
        labels = [words.part(part) for part in parts]
        return bars(f"{title}, {years[0]}", described, labels, [series], lang=lang, key="figures")
    many = [
        Series(words.part(part), tuple(_drawn(by_place.get((part, year))) for year in years), ("",) * len(years))
        for part in parts
    ]
    return lines(f"{title}, {years[0]}–{years[-1]}", described, [str(year) for year in years], many,
                 lang=lang, key="figures")  # fmt: skip


def _drawn(row: Line | None) -> Decimal | None:
    """The value to draw; shares in per cent."""
    if row is None or row.value.value is None:
        return None
    return row.value.value * 100 if row.unit is FigureUnit.SHARE else row.value.value


def _said(row: Line | None, words: Texts) -> str:
    if row is None:
        return words.say("none")
    if row.value.suppressed:
        return words.say("suppressed")
    if row.value.value is None:
        return words.say("none")
    return words.share(row.value.value) if row.unit is FigureUnit.SHARE else words.number(row.value.value)
