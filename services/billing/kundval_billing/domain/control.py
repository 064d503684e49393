"""A controller's figures: what an intervention costs and what came of it, each with its number and what it means.

Money comes from the ledger, already added up (`Money`); what became of the clients follows from the facts (`outcomes`).
Every figure is a line of one shape, which goes out as data, as CSV and as a page. What cannot be said is None, with a
number of 0 behind it. A sum over the parts of any split is the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from kundval_contracts.answer import money
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import (
    Component,
    ControlFigure,
    ControlUnit,
    DecisionAbout,
    Direction,
    FactKind,
    FiguresBy,
    LineKind,
    Programme,
)
from kundval_contracts.groups import kept_back, too_small, whole_may_be_shown
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Exit

from .anomalies import FollowUp, Unit
from .bonus import failure
from .view import View

ALL = "ALL"
_F, _U = ControlFigure, ControlUnit
_SHARE, _DAYS = Decimal("0.0001"), Decimal("0.1")
_ORE = Decimal("0.01")

#: the kinds of line that are paid whatever comes of the intervention; all others are for a result (NACKA-10)
BASE_KINDS = frozenset(kind for kind in LineKind if kind.component is Component.BASE)

#: the facts by which an exit is judged: all that `outcomes` looks at
NEEDED = frozenset(
    {
        FactKind.DECIDED,
        FactKind.PROVIDER_CHOSEN,
        FactKind.DECLINED,
        FactKind.STEPPED_BACK,
        FactKind.STARTED,
        FactKind.PROVIDER_SWITCH,
        FactKind.SWITCH_NOTIFIED,
        FactKind.MANUAL_DECISION,
        FactKind.RESUMED,
        FactKind.REASSESSED,
        FactKind.EXITED,
        FactKind.BROKE_OFF,
        FactKind.WORKPLACE_CHANGED,
        FactKind.EB_PAID,
        FactKind.BONUS_CLAIMED,
        FactKind.PREMIUM_FOLLOW_UP,
    }
)

#: What the source says the whole costs in a year, to hold figures against; it is no budget (NACKA-19).
REFERENCE_AMOUNT, REFERENCE_PERSONS = Decimal("40000000.00"), 1100


# --- what became of the clients ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """One exit and what became of it, as known on a day.

    provider: in charge at the exit. family: WORK, STUDY, BUSINESS, OTHER. on: E. basis: the day that decides the tier.
    qualifies: it may lead to premium and bonus. settles_on: the end of the six months. held: they held; None before
    that day, or if it does not qualify. broke_off: the day, whenever it was. limits: the first day after each tier by
    its last month, of AMI 2; end: first day after the intervention. boundary, manual: such a case; a person decided.
    """

    assignment: str
    provider: str
    programme: Programme
    family: str
    on: date
    basis: date
    qualifies: bool
    settles_on: date
    held: bool | None
    broke_off: date | None
    workplace: str | None
    end: date | None
    limits: tuple[tuple[int, date], ...]
    boundary: bool
    manual: bool
    may_lead_to_money: bool


@rule("NACKA-12", "NACKA-19")
def outcomes(view: View) -> Iterator[Outcome]:
    """The exits of a case as known on the day of the view, in order. Exits with nobody in charge are left out."""
    if view.timeline.decided is None:
        return
    for one in view.timeline.exits:
        if one.provider:
            yield _outcome(view, one)


def _outcome(view: View, one: Exit) -> Outcome:
    timeline = view.timeline
    qualifies = timeline.leads_to_money(one)
    settles_on = timeline.window(one).end
    held = failure(view, one) is None if qualifies and settles_on <= view.as_of else None
    return Outcome(
        view.case.assignment,
        one.provider,
        view.case.programme,
        one.rule.family,
        one.on,
        timeline.basis(one),
        qualifies,
        settles_on,
        held,
        one.break_off.on if one.break_off else None,
        one.fact.get("workplace"),
        timeline.end,
        _limits(view),
        timeline.boundary(one),
        any(timeline.decision_for(one, about) for about in (DecisionAbout.BONUS, DecisionAbout.BOUNDARY)),
        one.rule.bonus and view.case.programme.is_ami,
    )


@rule("AMI-10.2-e", "AMI-10.2-f")
def _limits(view: View) -> tuple[tuple[int, date], ...]:
    """(last month of the tier, first day after it) for each tier but the last, which the end closes."""
    if view.case.programme is not Programme.AMI_2 or view.timeline.anchor is None:
        return ()
    tiers: Sequence[tuple[int, int, Decimal]] = view.settings["ami2.tiers"]
    return tuple((high, view.timeline.month(high).end) for _, high, _ in tiers[:-1])


@rule("AMI-10.1-b")
def follow_ups(view: View) -> Iterator[FollowUp]:
    """The follow-ups of the premium, each with who was in charge at the exit before it."""
    timeline = view.timeline
    if timeline.anchor is None:
        return
    for fact in view.case.of(FactKind.PREMIUM_FOLLOW_UP):
        after = timeline.exit_before(fact.on)
        if after is not None and after.provider:
            month: int = fact["month"]
            yield FollowUp(after.provider, view.case.assignment, month, timeline.month(month).end, fact.on)


# --- near a limit --------------------------------------------------------------------------------------


def near_limits(found: Iterable[Outcome], days: int) -> dict[str, list[Unit]]:
    """Qualifying exits up to `days` before or after a limit of the bonus, by its last month; before is a hit."""
    rows: dict[str, list[Unit]] = {}
    for one in found:
        for month, limit in one.limits if one.qualifies else ():
            if add_days(limit, -days) <= one.basis < add_days(limit, days):
                rows.setdefault(str(month), []).append(Unit(one.provider, one.assignment, one.on, one.basis < limit))
    return rows


def near_end(found: Iterable[Outcome], days: int) -> list[Unit]:
    """Qualifying exits in the last `days` before the end (a hit) and in as many before those."""
    return [
        Unit(one.provider, one.assignment, one.on, one.basis >= add_days(one.end, -days))
        for one in found
        if one.qualifies and one.end is not None and add_days(one.end, -2 * days) <= one.basis < one.end
    ]


def near_settle(found: Iterable[Outcome], days: int) -> list[Unit]:
    """Break-offs up to `days` after the end of the six months (a hit) and before it."""
    return [
        Unit(one.provider, one.assignment, one.broke_off, one.broke_off >= one.settles_on)
        for one in found
        if one.qualifies
        and one.broke_off is not None
        and add_days(one.settles_on, -days) <= one.broke_off < add_days(one.settles_on, days)
    ]


# --- money ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Money:
    """What was posted in a period for one part, in one direction.

    posted, corrected: sums of positive and negative postings, postings and corrections how many. base: net of what is
    paid whatever comes of it. clients: assignments with postings.
    """

    posted: Decimal = Decimal(0)
    corrected: Decimal = Decimal(0)
    base: Decimal = Decimal(0)
    postings: int = 0
    corrections: int = 0
    clients: int = 0

    @property
    def net(self) -> Decimal:
        return self.posted + self.corrected

    @property
    def rows(self) -> int:
        return self.postings + self.corrections


@dataclass(frozen=True, slots=True)
class Spent:
    """The money of one part: payable and receivable apart. clients: assignments with either."""

    payable: Money = Money()
    receivable: Money = Money()
    clients: int = 0
    #: first postings of a bonus: how many, and the days from the exit to their run added up
    bonuses: int = 0
    bonus_days: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """Exits of a period, and six-month results whose day is in it."""

    work: int = 0
    study: int = 0
    business: int = 0
    other: int = 0
    qualifying: int = 0
    due: int = 0
    held: int = 0

    @property
    def exits(self) -> int:
        return self.work + self.study + self.business + self.other

    def __add__(self, more: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(more, one.name) for one in fields(Counts)))


def counted(found: Iterable[Outcome], start: date, end: date, by: FiguresBy | None) -> dict[str, Counts]:
    """Counts of the half-open period by part, with `ALL`. By kind of money there is no part: an exit has none."""
    parts: dict[str, Counts] = {ALL: Counts()}

    def add(day: date, one: Outcome, more: Counts) -> None:
        parts[ALL] += more
        name = part_of(one, day, by)
        if name is not None:
            parts[name] = parts.get(name, Counts()) + more

    for one in found:
        if start <= one.on < end:
            add(one.on, one, replace(Counts(qualifying=int(one.qualifies)), **{one.family.lower(): 1}))
        if one.qualifies and one.held is not None and start <= one.settles_on < end:
            add(one.settles_on, one, Counts(due=1, held=int(one.held)))
    return parts


def part_of(one: Outcome, day: date, by: FiguresBy | None) -> str | None:
    """The part that an outcome belongs to; None if it has none."""
    if by is FiguresBy.PROVIDER:
        return one.provider
    if by is FiguresBy.PROGRAMME:
        return one.programme.value
    return f"{day:%Y-%m}" if by is FiguresBy.MONTH else None


# --- lines ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of one part. value None: nothing to count (`n` 0), or too little to show (`suppressed`, `n` None).

    group: how many assignments stand behind it, for keeping back what is about few.
    """

    part: str
    figure: ControlFigure
    unit: ControlUnit
    value: str | None
    n: int | None
    group: int = 0
    suppressed: bool = False


@rule("NACKA-10", "NACKA-12", "NACKA-19")
def lines(spent: Mapping[str, Spent], counts: Mapping[str, Counts], by: FiguresBy | None) -> tuple[Line, ...]:
    """Every figure, the whole first and then each part in order. By kind only what money says."""
    parts = sorted((spent.keys() | counts.keys()) - {ALL})
    found: list[Line] = []
    for part in (ALL, *parts):
        found += _money_lines(part, spent.get(part, Spent()))
        if by is not FiguresBy.KIND or part == ALL:
            found += _result_lines(part, spent.get(part, Spent()), counts.get(part, Counts()))
    return tuple(found)


def _money_lines(part: str, spent: Spent) -> Iterator[Line]:
    for direction, sums in ((Direction.PAYABLE, spent.payable), (Direction.RECEIVABLE, spent.receivable)):
        for what, value, n in (
            ("POSTED", sums.posted, sums.postings),
            ("CORRECTED", sums.corrected, sums.corrections),
            ("NET", sums.net, sums.rows),
        ):
            yield Line(part, _F(f"{direction.value}_{what}"), _U.SEK, money(value), n, sums.clients)
    both = (spent.payable, spent.receivable)
    net, base = sum((one.net for one in both), Decimal(0)), sum((one.base for one in both), Decimal(0))
    rows = sum(one.rows for one in both)
    yield Line(part, _F.BASE_SHARE, _U.SHARE, _ratio(base, net), rows if net else 0, spent.clients)
    yield Line(part, _F.RESULT_SHARE, _U.SHARE, _ratio(net - base, net), rows if net else 0, spent.clients)
    posted = sum((one.posted for one in both), Decimal(0))
    back = -sum((one.corrected for one in both), Decimal(0))
    yield Line(part, _F.CORRECTED_SHARE, _U.SHARE, _ratio(back, posted), rows if posted else 0, spent.clients)
    yield Line(part, _F.CLIENTS, _U.NUMBER, str(spent.clients), spent.clients, spent.clients)
    yield _cost(part, _F.COST_PER_CLIENT, spent, spent.payable.clients)


def _result_lines(part: str, spent: Spent, counts: Counts) -> Iterator[Line]:
    for figure, count in (
        (_F.EXITS, counts.exits),
        (_F.EXITS_WORK, counts.work),
        (_F.EXITS_STUDY, counts.study),
        (_F.EXITS_BUSINESS, counts.business),
        (_F.EXITS_OTHER, counts.other),
        (_F.QUALIFYING_EXITS, counts.qualifying),
        (_F.RESULTS_DUE, counts.due),
        (_F.RESULTS_HELD, counts.held),
    ):
        yield Line(part, figure, _U.NUMBER, str(count), count, count)
    held = _ratio(Decimal(counts.held), Decimal(counts.due))
    yield Line(part, _F.HELD_SHARE, _U.SHARE, held, counts.due, counts.due)
    yield _cost(part, _F.COST_PER_EXIT, spent, counts.exits)
    yield _cost(part, _F.COST_PER_QUALIFYING_EXIT, spent, counts.qualifying)
    yield _cost(part, _F.COST_PER_RESULT, spent, counts.held)
    n = spent.bonuses
    days = str((Decimal(spent.bonus_days) / n).quantize(_DAYS, ROUND_HALF_EVEN)) if n else None
    yield Line(part, _F.DAYS_TO_BONUS, _U.DAYS, days, n, n)


def _cost(part: str, figure: ControlFigure, spent: Spent, n: int) -> Line:
    """What was paid in the period, net, for each of `n`; to the öre, rounded half up."""
    value = money((spent.payable.net / n).quantize(_ORE, ROUND_HALF_UP)) if n else None
    return Line(part, figure, _U.SEK, value, n, n)


def _ratio(part: Decimal, whole: Decimal) -> str | None:
    return str((part / whole).quantize(_SHARE, ROUND_HALF_EVEN)) if whole else None


# --- for who may not see few ---------------------------------------------------------------------------

_FAMILIES = (_F.EXITS_WORK, _F.EXITS_STUDY, _F.EXITS_BUSINESS, _F.EXITS_OTHER)


def without_small_groups(rows: Iterable[Line], smallest: int) -> tuple[Line, ...]:
    """The lines with everything kept back that is about fewer than `smallest`, or from which that would follow.

    Of each figure the parts, and of each part the families of exits, are parts of a whole.
    """
    found = list(rows)
    groups = {(row.part, row.figure): row.group for row in found}
    hidden: set[tuple[str, ControlFigure]] = set()
    for (part, figure), whole in groups.items():
        if part == ALL:
            parts = {name: size for (name, one), size in groups.items() if one is figure and name != ALL}
            names = kept_back(parts, smallest)
            hidden |= {(name, figure) for name in names}
            if too_small(whole, smallest) or (parts and not whole_may_be_shown(parts, names, smallest)):
                hidden.add((part, figure))
        if figure is _F.EXITS:
            families = {one.value: groups[part, one] for one in _FAMILIES}
            names = kept_back(families, smallest)
            hidden |= {(part, _F(name)) for name in names}
            if not whole_may_be_shown(families, names, smallest):
                hidden.add((part, figure))
    return tuple(
        replace(row, value=None, n=None, suppressed=True) if (row.part, row.figure) in hidden else row for row in found
    )
