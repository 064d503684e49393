"""What is due, overdue, met and not booked, by week, kind and team: counted, and added up.

What the database counts by GROUP BY is held to what `tally` counts here. A week is an ISO week, named by its Monday.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from kundval_contracts.answer import Obligation
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import (
    MeetingKind,
    MeetingState,
    ObligationKind,
    ObligationState,
    Role,
    WorkloadPeriod,
    WorkloadSubject,
)
from kundval_contracts.followups import AMI2_SERIES
from kundval_contracts.obligations import terms
from kundval_contracts.rules import rule

from .active import Active
from .ahead import next_follow_up
from .availability import week_of
from .meeting import Meeting

Key = TypeVar("Key", bound=Hashable)

WEEK = 7
#: one of the weeks by its Monday, or before, after, without a day
Place = date | WorkloadPeriod

_P, _S, _M, _W = WorkloadPeriod, ObligationState, MeetingState, WorkloadSubject

#: Meetings that somebody has to find a time for.
UNBOOKED = (_M.DUE, _M.DUE_OVERDUE, _M.OVERDUE)
#: Meetings that are to be held.
STANDING = (*UNBOOKED, _M.BOOKED)

#: Obligations that a meeting meets, and the kinds that it can be of. Its row comes a few weeks before its day.
MEETINGS_OF: Mapping[ObligationKind, tuple[MeetingKind, ...]] = {
    ObligationKind.FOLLOWUP_MEETING: (MeetingKind.FOLLOWUP_AMI1_D45, *AMI2_SERIES),
    ObligationKind.BIP_ASSESSMENT: (MeetingKind.BIP,),
    ObligationKind.SYV: (MeetingKind.SYV,),
}


#: Obligations that are a planned follow-up, and meetings that are one, also where no rule asks for them (NACKA-13).
FOLLOW_UPS = tuple(kind for kind, row in terms().items() if row.follow_up)
FOLLOW_UP_MEETINGS = (
    MeetingKind.FOLLOWUP_AMI1_D45,
    *AMI2_SERIES,
    MeetingKind.THREE_PARTY_DECLINED_OFFER,
    MeetingKind.THREE_PARTY_EXTRA,
    MeetingKind.BIP,
)


def week_name(monday: date) -> str:
    """`2026-W53`: the ISO year is that of the week's Thursday."""
    year, week, _ = monday.isocalendar()
    return f"{year:04d}-W{week:02d}"


@dataclass(frozen=True, slots=True)
class Horizon:
    """`count` whole weeks from that of the business date on."""

    day: date
    count: int = 12

    @property
    def first(self) -> date:
        return week_of(self.day)

    @property
    def end(self) -> date:
        """The Monday after the last week."""
        return add_days(self.first, WEEK * self.count)

    @property
    def mondays(self) -> tuple[date, ...]:
        return tuple(add_days(self.first, WEEK * number) for number in range(self.count))

    def place(self, day: date | None) -> Place:
        if day is None:
            return _P.UNDATED
        if day < self.first:
            return _P.EARLIER
        return week_of(day) if day < self.end else _P.LATER

    @property
    def places(self) -> tuple[Place, ...]:
        """All of them in order."""
        return (_P.EARLIER, *self.mondays, _P.LATER, _P.UNDATED)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose work: a team's, a provider's, or with neither everybody's. Not both."""

    team: str | None = None
    provider: str | None = None

    def covers(self, team: str | None, provider: str | None) -> bool:
        return self.team in (None, team) and self.provider in (None, provider)

    def shown(self, team: str | None) -> str | None:
        """Of a provider's work the teams are not told apart: they are the municipality's."""
        return None if self.provider is not None else team


@dataclass(frozen=True, slots=True)
class Cell:
    """What is counted together. kind, state: of an obligation or of a meeting. role: who answers, or books."""

    what: WorkloadSubject
    place: Place
    kind: str
    state: str
    role: Role | None
    team: str | None


@dataclass(frozen=True, slots=True)
class Tally:
    """counts: obligations that stand, or were met and due within the weeks; meetings that nobody has booked.
    expected: obligations through the weeks that ask for a meeting of which there is no row yet.
    """

    counts: Counter[Cell] = field(default_factory=Counter)
    expected: Counter[Cell] = field(default_factory=Counter)


def tally(
    obligations: Iterable[Obligation],
    meetings: Iterable[Meeting],
    teams: Mapping[str, str | None],
    horizon: Horizon,
    scope: Scope = Scope(),
) -> Tally:
    """Count every obligation and meeting once. teams: of the assignments that have one."""
    found = Tally()
    known = tuple(meetings)
    about = {(one.assignment, one.kind, one.sequence) for one in known if one.state in STANDING or one.state is _M.HELD}
    for row in obligations:
        team = teams.get(row.assignment)
        place = horizon.place(row.due)
        if not scope.covers(team, row.provider) or not _counts(row, place):
            continue
        cell = Cell(_W.OBLIGATION, place, row.kind.value, row.state.value, row.responsible, scope.shown(team))
        found.counts[cell] += 1
        asks = row.state is not _S.MET and place is not _P.LATER
        asked = MEETINGS_OF.get(row.kind, ()) if asks else ()
        if asked and not about.intersection((row.assignment, kind, row.sequence) for kind in asked):
            found.expected[cell] += 1
    for one in known:
        team = (teams.get(one.assignment) if one.assignment else None) or one.team
        if one.state in UNBOOKED and one.span is None and scope.covers(team, one.provider):
            place = horizon.place(one.target or one.book_by)
            found.counts[Cell(_W.MEETING, place, one.kind.value, one.state.value, one.booker, scope.shown(team))] += 1
    return found


def _counts(row: Obligation, place: Place) -> bool:
    return row.state in (_S.OPEN, _S.OVERDUE) or (row.state is _S.MET and not isinstance(place, WorkloadPeriod))


@dataclass(frozen=True, slots=True)
class Sums:
    """due: obligations that are open. overdue: late ones. met: of those due within the weeks. unbooked: meetings that
    nobody has booked.
    """

    due: int = 0
    overdue: int = 0
    met: int = 0
    unbooked: int = 0

    @classmethod
    def of(cls, cells: Iterable[tuple[Cell, int]]) -> Sums:
        numbers: Counter[str] = Counter()
        for cell, number in cells:
            numbers[_COLUMN.get(cell.state, "") if cell.what is _W.OBLIGATION else "unbooked"] += number
        return cls(*(numbers[name] for name in cls.__slots__))


_COLUMN = {_S.OPEN.value: "due", _S.OVERDUE.value: "overdue", _S.MET.value: "met"}


@dataclass(frozen=True, slots=True)
class Workload:
    """The same numbers by place, by kind and by team; each adds up to `total`. Kinds and teams are those that occur."""

    periods: tuple[tuple[Place, Sums], ...]
    kinds: tuple[tuple[WorkloadSubject, str, Sums], ...]
    teams: tuple[tuple[str | None, Sums], ...]
    total: Sums


def workload(counts: Counter[Cell], horizon: Horizon) -> Workload:
    by_place = _grouped(counts, lambda one: one.place)
    by_kind = _grouped(counts, lambda one: (one.what, one.kind))
    by_team = _grouped(counts, lambda one: one.team)
    return Workload(
        tuple((place, Sums.of(by_place.get(place, ()))) for place in horizon.places),
        tuple((what, kind, Sums.of(by_kind[what, kind])) for what, kind in sorted(by_kind, key=_in_code_order)),
        # without a team: last
        tuple((team, Sums.of(by_team[team])) for team in sorted(by_team, key=lambda team: (team is None, team or ""))),
        Sums.of(counts.items()),
    )


def _in_code_order(key: tuple[WorkloadSubject, str]) -> tuple[bool, int]:
    """Obligations before meetings, each in the order of its code list."""
    what, kind = key
    codes = MeetingKind if what is _W.MEETING else ObligationKind
    return what is _W.MEETING, [one.value for one in codes].index(kind)


def _grouped(counts: Counter[Cell], key: Callable[[Cell], Key]) -> dict[Key, list[tuple[Cell, int]]]:
    found: dict[Key, list[tuple[Cell, int]]] = {}
    for cell, number in counts.items():
        found.setdefault(key(cell), []).append((cell, number))
    return found


def rows(counts: Counter[Cell], horizon: Horizon) -> Iterator[tuple[Cell, int]]:
    """The cells in a fixed order: by place, subject, kind, state, role, team."""
    order = {place: number for number, place in enumerate(horizon.places)}
    yield from sorted(
        counts.items(),
        key=lambda item: (
            order[item[0].place],
            item[0].what is _W.MEETING,
            item[0].kind,
            item[0].state,
            item[0].role or "",
            item[0].team is None,
            item[0].team or "",
        ),
    )


@rule("NACKA-13")
def without_follow_up(
    stretches: Iterable[Active], obligations: Iterable[Obligation], meetings: Iterable[Meeting], day: date
) -> list[str]:
    """The assignments that are active on `day` and have no planned follow-up: neither an open obligation that is one,
    nor a meeting that is booked. By id.
    """
    planned: dict[str, list[Obligation]] = {}
    for row in obligations:
        planned.setdefault(row.assignment, []).append(row)
    booked = {one.assignment for one in meetings if one.state is _M.BOOKED and one.kind in FOLLOW_UP_MEETINGS}
    active = {one.assignment for one in stretches if one.on(day)}
    return sorted(one for one in active - booked if next_follow_up(planned.get(one, ()), day) is None)
