"""What a calendar year will cost: what is earned already, and how the assignments that go on could end.

Each assignment has a few futures (`futures`), and the function that pays says what each costs by month. `low` and
`high` are the least and the most of them, `expected` their mean, weighted by what became of the municipality's own
earlier assignments. All three are sums from the beginning of the year, so low <= expected <= high in every month.

What holds: if the facts that come later are about days after `as_of`, and none denies what was confirmed before, then
the year costs no less than `low`. When the year is over the three are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from kundval_contracts.answer import Line, Posting, money
from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import FactKind, ForecastBasis, LineKind, LineStatus, Programme
from kundval_contracts.tariffs import direction_of
from kundval_contracts.timeline import Exit, Timeline

from . import futures
from .settle import due_by, keeps_premium, standing

MONTHS = 12
#: finished assignments of a programme (and exits whose six months are over) below which its history says too little
ENOUGH = 20
#: exit months that stand for all that are left, so that an assignment has no more than some fifteen futures
POINTS = 4
#: days after a decision within which an intervention starts, or never does
WAITS = 180
#: days after the six months within which a bonus is claimed, or never is
CLAIMS = 31

_ZERO = Decimal(0)
_ORE = Decimal("0.01")
_HALF = Decimal("0.5")
#: the function that pays: `kundval_billing.domain.lines`
Pays = Callable[[Case, Tenant, date], tuple[Line, ...]]
#: SEK from the beginning of the year to the end of each month
Course = tuple[Decimal, ...]


# --- history -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class History:
    """What became of a programme's assignments.

    decided, started: of those old enough to have started. finished: that ended, whichever way. reached, succeeded,
    left: by month of the intervention. judged, sustained: exits to self-support whose six months are over, and those of
    them that got the bonus. has_bonus: there is one in the programme.
    """

    decided: int = 0
    started: int = 0
    finished: int = 0
    judged: int = 0
    sustained: int = 0
    has_bonus: bool = False
    reached: dict[int, int] = field(default_factory=dict)
    succeeded: dict[int, int] = field(default_factory=dict)
    left: dict[int, int] = field(default_factory=dict)

    @property
    def exits(self) -> int:
        """Exits to self-support."""
        return sum(self.succeeded.values())

    @property
    def says_enough(self) -> bool:
        return self.finished >= ENOUGH and (self.judged >= ENOUGH or not (self.has_bonus and self.exits))

    @property
    def start_share(self) -> Decimal:
        return _share(self.started, self.decided)

    @property
    def sustained_share(self) -> Decimal:
        return _share(self.sustained, self.judged)

    def share(self, what: Mapping[int, int], month: int) -> Decimal:
        """Of those who reached the month, the share that left in it; of all months if nobody has reached it."""
        if self.reached.get(month):
            return _share(what.get(month, 0), self.reached[month])
        return _share(sum(what.values()), sum(self.reached.values()))

    def as_json(self) -> dict[str, int]:
        names = ("decided", "started", "finished", "exits", "judged", "sustained")
        return {name: getattr(self, name) for name in names}


def observe(histories: dict[Programme, History], case: Case, tenant: Tenant, as_of: date, pays: Pays) -> None:
    """Add to the history of its programme what became of a case by `as_of`."""
    timeline = Timeline(case, tenant.settings)
    decided = timeline.decided_on
    if decided is None or timeline.anchor is None:
        return
    history = histories.setdefault(case.programme, History(has_bonus=case.programme.is_ami))
    if add_days(decided, WAITS) <= as_of:
        history.decided += 1
        history.started += timeline.started is not None
    if timeline.started_on is None:
        return
    first = timeline.exits[0] if timeline.exits else None
    over = timeline.end is not None and timeline.end <= as_of
    history.finished += first is not None or over
    last = _last_month(timeline, first, as_of)
    for number in range(timeline.month_of(timeline.started_on), last + 1):
        if number < last or first is not None or timeline.month(number).end <= as_of:
            history.reached[number] = history.reached.get(number, 0) + 1
    if first is None:
        return
    table = history.succeeded if _succeeded(timeline, first) else history.left
    table[last] = table.get(last, 0) + 1
    if table is history.succeeded and case.programme.is_ami and add_days(timeline.window(first).end, CLAIMS) <= as_of:
        history.judged += 1
        history.sustained += any(
            line.kind is LineKind.RESULT_BONUS and line.status is LineStatus.PAYABLE
            for line in pays(case, tenant, as_of)
        )


def _last_month(timeline: Timeline, first: Exit | None, as_of: date) -> int:
    """The month of the first exit, or the last one that has been reached."""
    if first is not None:
        return timeline.month_of(timeline.basis(first))
    covered = timeline.last_covered_day
    return timeline.month_of(as_of if covered is None else min(as_of, covered))


def _succeeded(timeline: Timeline, one: Exit) -> bool:
    return timeline.leads_to_money(one) if timeline.programme.is_ami else one.rule.family != "OTHER"


def _share(part: int, whole: int) -> Decimal:
    return Decimal(part) / Decimal(whole) if whole else _HALF


# --- one assignment ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Year:
    """A calendar year seen from `as_of`."""

    number: int
    as_of: date

    @property
    def first(self) -> date:
        return date(self.number, 1, 1)

    @property
    def last(self) -> date:
        return date(self.number, 12, 31)

    @property
    def is_over(self) -> bool:
        return self.as_of > self.last

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an assignment may cost in the year: sums from its beginning to the end of each month."""

    low: Course
    expected: Course
    high: Course
    earned: Decimal = _ZERO
    planned: Decimal = _ZERO
    waiting: Decimal = _ZERO
    goes_on: bool = False


#: (the case, the weight of this future)
Future = tuple[Case, Decimal]


def outlook(
    case: Case, tenant: Tenant, year: Year, history: History, pays: Pays, posted: Sequence[Posting] = ()
) -> Outlook:
    """What a case, as it is known on `as_of`, may cost in the year.

    `posted` is needed where the ledger keeps what is no longer due (premium.clawback NONE). Raises LookupError when no
    tariff is in force.
    """
    as_of = year.as_of
    now = pays(case, tenant, as_of)
    states = dict.fromkeys(LineStatus, _ZERO)
    for line in now:
        if line.payable_from is None or line.payable_from in year:
            states[line.status] += line.amount
    timeline = Timeline(case, tenant.settings)
    goes_on = not year.is_over and _goes_on(timeline, now, as_of)
    if goes_on:
        found = [
            (
                course(_standing(pays(one.known_by(year.last), tenant, year.last), posted, year.last, tenant), year),
                weight,
            )
            for one, weight in _ways(timeline, history, year)
        ]
    else:
        found = [(course(_standing(now, posted, as_of, tenant), year), Decimal(1))]
    low, high = _envelope((one for one, _ in found), min), _envelope((one for one, _ in found), max)
    expected = _mean(found, low, high) if history.says_enough or not goes_on else _middle(low, high)
    waiting = states[LineStatus.ON_HOLD] + states[LineStatus.MANUAL]
    return Outlook(low, expected, high, course_end(now, year), states[LineStatus.PLANNED], waiting, goes_on)


def course(amounts: Iterable[tuple[date, Decimal]], year: Year) -> Course:
    """Sums from the beginning of the year to the end of each of its months."""
    months = [_ZERO] * MONTHS
    for day, amount in amounts:
        if day in year:
            months[day.month - 1] += amount
    found, total = [], _ZERO
    for amount in months:
        total += amount
        found.append(total)
    return tuple(found)


def course_end(lines: Iterable[Line], year: Year) -> Decimal:
    """What of the lines is payable and belongs to the year."""
    return sum((line.amount for line in lines if _payable_in(line, year)), _ZERO)


def _payable_in(line: Line, year: Year) -> bool:
    return line.status is LineStatus.PAYABLE and line.payable_from in year


def _standing(
    lines: Sequence[Line], posted: Sequence[Posting], day: date, tenant: Tenant
) -> Iterator[tuple[date, Decimal]]:
    """(day, SEK) of what the ledger would say after a run on `day`: what is payable, and what is kept although it is
    no longer due.
    """
    by_key = {line.key: line for line in lines}
    kept: set[tuple[str, str, str, int]] = set()
    books: dict[tuple[str, str, str, int], list[Posting]] = {}
    for posting in posted:
        books.setdefault(posting.key, []).append(posting)
    for key, postings in books.items():
        stands = standing(postings)
        net = sum((posting.amount for posting in stands), _ZERO)
        line = by_key.get(key)
        if net > due_by(line, day) and keeps_premium(line, tenant):
            kept.add(key)
            yield from ((posting.run, posting.amount) for posting in stands)
    for line in lines:
        if line.status is LineStatus.PAYABLE and line.payable_from is not None and line.key not in kept:
            yield line.payable_from, line.amount


def _goes_on(timeline: Timeline, now: Iterable[Line], as_of: date) -> bool:
    """Whether anything can still come of it: it runs, may start, or has a line that is not settled."""
    if timeline.started_on is None:
        return timeline.decided_on is not None and as_of <= add_days(timeline.decided_on, WAITS)
    open_states = (LineStatus.PLANNED, LineStatus.ON_HOLD, LineStatus.MANUAL)
    return _runs(timeline, as_of) or any(line.status in open_states for line in now)


def _runs(timeline: Timeline, as_of: date) -> bool:
    return bool(timeline.active) and as_of in timeline.active[-1] and not _ended(timeline)


def _ended(timeline: Timeline) -> bool:
    return bool(timeline.exits) and timeline.exits[-1].resumed is None


def _ways(timeline: Timeline, history: History, year: Year) -> Iterator[Future]:
    """The futures of a case that goes on; their weights add up to one."""
    case, settings, as_of = timeline.case, timeline.settings, year.as_of
    if timeline.started_on is None:
        begun = futures.begins(case, settings, as_of)
        yield case, 1 - history.start_share
        for one, weight in _running(Timeline(begun, settings), history, year, as_of):
            yield one, weight * history.start_share
    elif _runs(timeline, as_of):
        yield from _running(timeline, history, year, as_of)
    else:
        yield from _left(timeline, history, as_of)


def _left(timeline: Timeline, history: History, as_of: date) -> Iterator[Future]:
    """After the intervention: what is open comes to a good end, or does not."""
    case, share = timeline.case, history.sustained_share
    yield futures.goes_well(case, timeline.settings, as_of), share
    last = timeline.exits[-1] if timeline.exits else None
    settle = timeline.window(last).end if last is not None else as_of
    if last is None or last.break_off is not None or settle <= as_of:
        yield case, 1 - share
        return
    yield case, _ZERO
    yield futures.breaks_off(case, as_of), _ZERO
    half_way = add_days(as_of, (settle - as_of).days // 2)
    yield futures.breaks_off(futures.goes_well(case, timeline.settings, as_of), half_way), 1 - share


def _running(timeline: Timeline, history: History, year: Year, as_of: date) -> Iterator[Future]:
    """While the intervention runs: the client stays to the end, leaves, or succeeds, in some month.

    The first ones bear no weight: to leave at once is the least, and the most that is realistic is to leave on the last
    day of the year, which makes its running month payable, or to succeed on the day that costs the year most.
    """
    case, settings = timeline.case, timeline.settings
    yield futures.leaves(case, as_of), _ZERO
    covered = timeline.last_covered_day or year.last
    if as_of < year.last <= covered:
        yield futures.leaves(case, year.last), _ZERO
    for day in sorted({as_of, max(as_of, add_months(year.first, -settings["sustainability.months"]))}):
        if day <= covered:
            yield futures.succeeds(case, settings, day), _ZERO
    stays = Decimal(1)
    if history.says_enough:
        lasting = history.sustained_share
        for month, good, bad in _exits(timeline, history, year, as_of):
            stays -= good + bad
            day = max(as_of, min(timeline.month(month).last_day, covered))
            if bad:
                yield futures.leaves(case, day), bad
            if good:
                well = futures.succeeds(case, settings, day)
                yield well, good * lasting
                yield futures.breaks_off(well, add_months(day, 3)), good * (1 - lasting)
    yield case, stays


def _exits(timeline: Timeline, history: History, year: Year, as_of: date) -> Iterator[tuple[int, Decimal, Decimal]]:
    """(month, chance of success, chance of leaving) of a few months that stand for all that are left in the year."""
    first = timeline.month_of(max(as_of, timeline.started_on or as_of))
    last = timeline.month_count(year.last)
    left = [month for month in range(first, last + 1) if timeline.month(month).start <= year.last]
    stays = Decimal(1)
    size = max(1, -(-len(left) // POINTS))
    for place in range(0, len(left), size):
        part = left[place : place + size]
        good = bad = most = _ZERO
        likely = part[len(part) // 2]
        for month in part:
            succeeded, gone = history.share(history.succeeded, month), history.share(history.left, month)
            ends = stays * (succeeded + gone)
            if ends > most:
                likely, most = month, ends
            good, bad = good + stays * succeeded, bad + stays * gone
            stays *= max(_ZERO, 1 - succeeded - gone)
        yield likely, good, bad


def _envelope(courses: Iterable[Course], which: Callable[[Iterable[Decimal]], Decimal]) -> Course:
    return tuple(which(month) for month in zip(*courses, strict=True))


def _mean(found: Sequence[tuple[Course, Decimal]], low: Course, high: Course) -> Course:
    """The weighted mean; rounding in the weights does not lead out of low and high."""
    means = (sum((one[month] * weight for one, weight in found), _ZERO) for month in range(MONTHS))
    return tuple(min(max(mean, low[month]), high[month]) for month, mean in enumerate(means))


def _middle(low: Course, high: Course) -> Course:
    return tuple((one + other) / 2 for one, other in zip(low, high, strict=True))


# --- all of them ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Sum:
    """The outlooks of a programme added up."""

    low: list[Decimal] = field(default_factory=lambda: [_ZERO] * MONTHS)
    expected: list[Decimal] = field(default_factory=lambda: [_ZERO] * MONTHS)
    high: list[Decimal] = field(default_factory=lambda: [_ZERO] * MONTHS)
    earned: Decimal = _ZERO
    planned: Decimal = _ZERO
    waiting: Decimal = _ZERO
    assignments: int = 0
    going_on: int = 0

    def add(self, one: Outlook, times: int = 1) -> None:
        for mine, theirs in ((self.low, one.low), (self.expected, one.expected), (self.high, one.high)):
            for month in range(MONTHS):
                mine[month] += theirs[month] * times
        self.earned += one.earned * times
        self.planned += one.planned * times
        self.waiting += one.waiting * times
        self.assignments += times
        self.going_on += times * one.goes_on


@dataclass(slots=True)
class Forecast:
    """The sums by programme; `inflow` of assignments that nobody has decided yet, by an assumption."""

    year: Year
    histories: Mapping[Programme, History]
    sums: dict[Programme, Sum] = field(default_factory=dict)
    inflow: dict[Programme, Sum] = field(default_factory=dict)

    def take(self, case: Case, tenant: Tenant, pays: Pays, posted: Sequence[Posting] = ()) -> None:
        """Add the outlook of a case that has been decided."""
        if case.first(FactKind.DECIDED) is None:
            return
        history = self.histories.get(case.programme, History())
        one = outlook(case, tenant, self.year, history, pays, posted)
        self.sums.setdefault(case.programme, Sum()).add(one)

    def assume(self, programme: Programme, per_month: int, tenant: Tenant, pays: Pays) -> None:
        """Add so many new assignments in each month of the year that has not begun by `as_of`."""
        history = self.histories.get(programme, History())
        for month in range(1, MONTHS + 1):
            day = date(self.year.number, month, 1)
            if day > self.year.as_of:
                case = futures.newcomer(programme, day)
                one = outlook(case, tenant, Year(self.year.number, day), history, pays)
                self.inflow.setdefault(programme, Sum()).add(one, per_month)

    def as_json(self) -> dict[str, Any]:
        """JSON values, sorted: totals by direction, sums by programme, both by month, and the assumed inflow."""
        return {
            "year": self.year.number,
            "as_of": self.year.as_of.isoformat(),
            "totals": [_total(direction, one) for direction, one in self._by_direction().items()],
            "programmes": [
                {**_head(programme), **self._basis(programme), **_figures(one)}
                for programme, one in sorted(self.sums.items())
            ],
            "months": [
                {"direction": direction, **row}
                for direction, one in self._by_direction().items()
                for row in _months(one, self.year)
            ],
            "by_month": [
                {**_head(programme), **row}
                for programme, one in sorted(self.sums.items())
                for row in _months(one, self.year)
            ],
            "inflow": [
                {**_head(programme), **self._basis(programme), "assignments": one.assignments, **_ends(one)}
                for programme, one in sorted(self.inflow.items())
            ],
        }

    def _basis(self, programme: Programme) -> dict[str, Any]:
        history = self.histories.get(programme, History())
        basis = ForecastBasis.HISTORY if history.says_enough else ForecastBasis.MIDPOINT
        return {"basis": basis.value, "history": history.as_json()}

    def _by_direction(self) -> dict[str, Sum]:
        found: dict[str, Sum] = {}
        for programme, one in sorted(self.sums.items()):
            total = found.setdefault(direction_of(programme).value, Sum())
            for name in ("low", "expected", "high"):
                mine, theirs = getattr(total, name), getattr(one, name)
                for month in range(MONTHS):
                    mine[month] += round_half_up(theirs[month])
            for name in ("earned", "planned", "waiting", "assignments", "going_on"):
                setattr(total, name, getattr(total, name) + getattr(one, name))
        return dict(sorted(found.items()))


def round_half_up(amount: Decimal) -> Decimal:
    """To the öre: an expected amount is a mean, and the only one here that has to be rounded."""
    return amount.quantize(_ORE, ROUND_HALF_UP)


def _head(programme: Programme) -> dict[str, str]:
    return {"programme": programme.value, "direction": direction_of(programme).value}


def _total(direction: str, one: Sum) -> dict[str, Any]:
    return {"direction": direction, **_figures(one)}


def _figures(one: Sum) -> dict[str, Any]:
    return {
        "assignments": one.assignments,
        "going_on": one.going_on,
        "earned": money(one.earned),
        "planned": money(one.planned),
        "waiting": money(one.waiting),
        **_ends(one),
    }


def _ends(one: Sum) -> dict[str, str]:
    return {
        "low": money(one.low[-1]),
        "expected": money(round_half_up(one.expected[-1])),
        "high": money(one.high[-1]),
    }


def _months(one: Sum, year: Year) -> Iterator[dict[str, str]]:
    """Each month's sums from the beginning of the year."""
    for month in range(MONTHS):
        yield {
            "month": f"{year.number}-{month + 1:02d}",
            "low": money(one.low[month]),
            "expected": money(round_half_up(one.expected[month])),
            "high": money(one.high[month]),
        }
