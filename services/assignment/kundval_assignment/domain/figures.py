"""Figures about a municipality's own work, year by year: counted from stored outcomes, small groups kept back.

Everything is a list of lines of one shape, which goes out as data, as CSV and as a chart. What is counted on the ground
of meaningful occupation stands apart; steps forward stand apart from exits; the two meanings of self-support stand
apart. What comes from elsewhere (staff, inhabitants, published values) carries its origin and the day on which it was
taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Any

from kundval_contracts import codes, csv_text
from kundval_contracts.codes import (
    ActivityCategory,
    ExitKind,
    FigureCode,
    FigureUnit,
    ParticipationGround,
    Programme,
    ProgressKind,
    YearlyValue,
)
from kundval_contracts.rules import rule

from .measures import KEPT_BACK, Figure, kept_back, mean, number, share, too_small, whole_may_be_shown
from .outcomes import Outcome

#: part of a line that is about everybody, about an unknown source, and about what no mapping names
ALL, UNKNOWN, UNMAPPED = "ALL", "UNKNOWN", "UNMAPPED"
_RATIO = Decimal("0.1")
_F, _U = FigureCode, FigureUnit
#: what is given -> its own unit, the ratio that it makes, the unit of that, for each how many
_RATIOS = MappingProxyType(
    {
        YearlyValue.FULL_TIME_EQUIVALENTS: (_U.FTE, _F.PER_FTE, _U.PER_FTE, 1),
        YearlyValue.POPULATION: (_U.INHABITANTS, _F.PER_THOUSAND_INHABITANTS, _U.PER_THOUSAND, 1000),
    }
)


@dataclass(frozen=True, slots=True)
class Given:
    """A yearly value from elsewhere with its origin and the day on which it was taken (LOKA-57)."""

    what: YearlyValue
    year: int
    value: Decimal
    origin: str
    taken_on: date | None


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of one year. part: what of it (a source, a programme, a kind), `ALL` for the whole."""

    year: int
    figure: FigureCode
    part: str
    unit: FigureUnit
    value: Figure
    origin: str | None = None
    taken_on: date | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "year": self.year,
            "figure": self.figure.value,
            "part": self.part,
            "unit": self.unit.value,
            **self.value.as_json(),
            "origin": self.origin,
            "taken_on": None if self.taken_on is None else self.taken_on.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Ended:
    """Of interventions that ended in a year: how many, their days and squares; of those whose six months were over in
    it (`over`) how many were in work, studies or business then (`held`).
    """

    ended: int = 0
    days: int = 0
    days_squared: int = 0
    over: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Minutes:
    """Time in one activity: `persons` took part `held` times."""

    activity: str
    category: ActivityCategory
    persons: int
    held: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Year:
    """What the outcomes add up to in one year, participants on the ground of the labour market only.

    sources: participants by where they came from (`UNKNOWN` for none). other_ground: participants on the ground of
    meaningful occupation. programmes: by programme. exits: by kind; self_support_loka, bonus_eligible_ami: of these.
    newcomers: participants whose establishment period has ended, supplementary: of these with assistance beside.
    steps: by kind, (persons, steps).
    """

    year: int
    sources: Mapping[str, int] = field(default_factory=dict)
    other_ground: int = 0
    programmes: Mapping[Programme, Ended] = field(default_factory=dict)
    exits: Mapping[ExitKind, int] = field(default_factory=dict)
    self_support_loka: int = 0
    bonus_eligible_ami: int = 0
    newcomers: int = 0
    supplementary: int = 0
    times: tuple[Minutes, ...] = ()
    steps: Mapping[ProgressKind, tuple[int, int]] = field(default_factory=dict)

    @property
    def participants(self) -> int:
        return sum(self.sources.values())


@rule("LOKA-9", "LOKA-20", "LOKA-63")
def count(outcomes: Iterable[Outcome], year: int, day: date) -> Year:
    """The sums of one year as known on `day`. The store counts the same in SQL; this says what is meant.

    A participant of a year is one whose intervention ran on at least one of its days, up to `day`.
    """
    first, last = date(year, 1, 1), min(date(year, 12, 31), day)
    if first > day:
        return Year(year)
    sources: dict[str, int] = {}
    programmes: dict[Programme, list[int]] = {}
    exits: dict[ExitKind, int] = {}
    times: dict[tuple[str, ActivityCategory], list[int]] = {}
    steps: dict[ProgressKind, list[int]] = {}
    other = loka = ami = newcomers = supplementary = 0
    for one in outcomes:
        if one.started_on is None:
            continue
        there = one.started_on <= last and (one.until is None or one.until > first)
        if one.ground is not ParticipationGround.LABOUR_MARKET:
            other += there
            continue
        if there:
            source = one.source.value if one.source else UNKNOWN
            sources[source] = sources.get(source, 0) + 1
            newcomers += one.supplementary_support is not None
            supplementary += one.supplementary_support is True
        row = programmes.setdefault(one.programme, [0] * 5)
        if one.ended_on is not None and first <= one.ended_on <= last:
            days = one.days or 0
            row[0] += 1
            row[1] += days
            row[2] += days * days
            if one.exit_kind is not None:
                exits[one.exit_kind] = exits.get(one.exit_kind, 0) + 1
            loka += one.self_support_loka
            ami += one.bonus_eligible_ami
        if one.settles_on is not None and first <= one.settles_on <= last:
            row[3] += 1
            row[4] += one.supported and not one.broken
        for time in one.times:
            if time.year == year:
                sums = times.setdefault((time.activity, time.category), [0, 0, 0])
                sums[0] += 1
                sums[1] += time.held
                sums[2] += time.minutes
        for step in one.steps:
            if step.year == year:
                pair = steps.setdefault(step.kind, [0, 0])
                pair[0] += 1
                pair[1] += step.steps
    return Year(
        year,
        dict(sorted(sources.items())),
        other,
        {name: Ended(*programmes[name]) for name in codes.programmes() if any(programmes.get(name, ()))},
        {kind: exits[kind] for kind in ExitKind if kind in exits},
        loka,
        ami,
        newcomers,
        supplementary,
        tuple(Minutes(*key, *times[key]) for key in sorted(times)),
        {kind: (steps[kind][0], steps[kind][1]) for kind in ProgressKind if kind in steps},
    )


# --- lines -----------------------------------------------------------------------------------------------


class DifferentYears(ValueError):
    """A ratio of values of different years was asked for."""


@rule("LOKA-9", "LOKA-19", "LOKA-20", "LOKA-46", "LOKA-50", "LOKA-63", "NACKA-19", "NACKA-22")
def lines(year: Year, given: Iterable[Given], kolada: Mapping[str, str], smallest: int) -> tuple[Line, ...]:
    """Every figure of one year, in a fixed order.

    given: values from elsewhere; of other years they are left aside. kolada: the municipality's mapping of activities
    to Kolada's categories (GAP-15). smallest: the smallest group about which a figure is shown.
    """
    found: list[Line] = []

    def line(figure: FigureCode, part: str, unit: FigureUnit, value: Figure) -> None:
        found.append(Line(year.year, figure, part, unit, value))

    def about(persons: int, value: Figure) -> Figure:
        return KEPT_BACK if too_small(persons, smallest) else value

    total = year.participants
    hidden = kept_back(year.sources, smallest)
    line(_F.PARTICIPANTS, ALL, _U.PERSONS, about(total, number(total)))
    for source, persons in year.sources.items():
        line(_F.PARTICIPANTS, source, _U.PERSONS, KEPT_BACK if source in hidden else number(persons))
        line(_F.PARTICIPANTS_SHARE, source, _U.SHARE, KEPT_BACK if source in hidden else share(persons, total))
    other = about(year.other_ground, number(year.other_ground))
    line(_F.OTHER_GROUND, ParticipationGround.MEANINGFUL_OCCUPATION.value, _U.PERSONS, other)
    found += _ratios(year, given, smallest)
    found += _programmes(year, smallest)
    ended = sum(one.ended for one in year.programmes.values())
    for kind, persons in ({} if too_small(ended, smallest) else year.exits).items():
        line(_F.EXITS, kind.value, _U.SHARE, share(persons, ended))
    line(_F.SELF_SUPPORT_LOKA, ALL, _U.SHARE, about(ended, share(year.self_support_loka, ended)))
    line(_F.BONUS_ELIGIBLE_AMI, ALL, _U.SHARE, about(ended, share(year.bonus_eligible_ami, ended)))
    line(_F.SUPPLEMENTARY_SUPPORT, ALL, _U.SHARE, about(year.newcomers, share(year.supplementary, year.newcomers)))
    found += _interventions(year, kolada, smallest)
    for step, (persons, steps) in year.steps.items():
        line(_F.PROGRESS_STEPS, step.value, _U.STEPS, about(persons, Figure(persons, Decimal(steps))))
    return tuple(found)


@rule("NACKA-22")
def _programmes(year: Year, smallest: int) -> list[Line]:
    """Mean days and six-month retention, for all and by programme: programmes are different products (INC-22)."""
    rows: dict[str, Ended] = {name.value: one for name, one in year.programmes.items()}
    whole = Ended(*(sum(getattr(one, name) for one in rows.values()) for name in Ended.__slots__))
    found = []
    for figure, unit, size, make in (
        (_F.DAYS, _U.DAYS, "ended", lambda one: mean(one.ended, one.days, one.days_squared)),
        (_F.SIX_MONTH_RETENTION, _U.SHARE, "over", lambda one: share(one.held, one.over)),
    ):
        sizes = {name: int(getattr(one, size)) for name, one in rows.items()}
        hidden = kept_back(sizes, smallest)
        shown = whole_may_be_shown(sizes, hidden, smallest)
        found.append(Line(year.year, figure, ALL, unit, make(whole) if shown else KEPT_BACK))
        found += [
            Line(year.year, figure, name, unit, KEPT_BACK if name in hidden else make(one))
            for name, one in rows.items()
        ]
    return found


@rule("LOKA-56", "LOKA-57", "LOKA-58")
def _ratios(year: Year, given: Iterable[Given], smallest: int) -> list[Line]:
    """Participants per full-time equivalent and per thousand inhabitants, from values of the same year."""
    found = []
    for one in given:
        if one.year != year.year:
            continue
        given_as, figure, unit, times = _RATIOS[one.what]
        found.append(
            Line(year.year, FigureCode(one.what.value), ALL, given_as, Figure(1, one.value), one.origin, one.taken_on)
        )
        value = KEPT_BACK
        if not too_small(year.participants, smallest):
            value = Figure(year.participants, per(year.year, year.participants, one, times))
        found.append(Line(year.year, figure, ALL, unit, value, one.origin, one.taken_on))
    return found


@rule("LOKA-20", "LOKA-56")
def per(year: int, participants: int, given: Given, times: int = 1) -> Decimal:
    """Participants of `year` for each `times` of what is given, with one decimal.

    Raises DifferentYears unless numerator and denominator are of the same year, ValueError for a denominator of
    nothing.
    """
    if given.year != year:
        raise DifferentYears(f"participants of {year} cannot be divided by {given.what} of {given.year}")
    if given.value <= 0:
        raise ValueError(f"{given.what} must be more than nothing")
    return (Decimal(participants) * times / given.value).quantize(_RATIO, ROUND_HALF_EVEN)


@rule("LOKA-19", "LOKA-20")
def _interventions(year: Year, kolada: Mapping[str, str], smallest: int) -> list[Line]:
    """Time by category of the typology, and by Kolada's categories; what the mapping does not name is shown as such.

    A group counts as many persons as its largest activity: a person in two of them is not counted twice, so a group is
    rather taken for too small than for large enough.
    """
    found = []
    for figure, key in (
        (_F.MINUTES, lambda row: row.category.value),
        (_F.KOLADA_MINUTES, lambda row: kolada.get(row.activity, UNMAPPED)),
    ):
        groups: dict[str, tuple[int, int]] = {}
        for row in year.times:
            persons, minutes = groups.get(key(row), (0, 0))
            groups[key(row)] = (max(persons, row.persons), minutes + row.minutes)
        sizes = {name: persons for name, (persons, _) in groups.items()}
        hidden = kept_back(sizes, smallest)
        for name in sorted(groups):
            persons, minutes = groups[name]
            value = KEPT_BACK if name in hidden else Figure(persons, Decimal(minutes))
            found.append(Line(year.year, figure, name, _U.MINUTES, value))
    return found


# --- as CSV ----------------------------------------------------------------------------------------------

COLUMNS = ("year", "figure", "part", "unit", "value", "n", "low", "high", "suppressed", "origin", "taken_on")


@rule("LOKA-20")
def as_csv(rows: Iterable[Line]) -> str:
    """The lines as CSV, a column for each field."""
    return csv_text.as_csv(COLUMNS, ([row.as_json()[name] for name in COLUMNS] for row in rows))


__all__ = ["ALL", "DifferentYears", "Ended", "Given", "Line", "Minutes", "Year", "as_csv", "count", "lines", "per"]
