"""Is there time for it: minutes of staff in each week, and what they are needed for. Whole minutes throughout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from kundval_contracts.calendar import add_days
from kundval_contracts.codes import MeetingKind, MeetingParty, ObligationKind, Role, WorkloadPeriod, WorkloadSubject
from kundval_contracts.rules import rule

from .active import Active
from .availability import merged, shifts, without
from .instants import Span, day_span, local_day
from .needs import MANDATORY
from .resources import Hours, Resource
from .workload import MEETINGS_OF, WEEK, Cell, Horizon, Place, Scope, Tally

_STAFF = frozenset({MeetingParty.CAREER_GUIDE, MeetingParty.PROVIDER})


@dataclass(frozen=True, slots=True)
class Balance:
    """A week in minutes. booked: of meetings with a time. unbooked: of meetings without one, in the first week also of
    those that are late or have no day. expected: of obligations that ask for a meeting later on. contacts: of the
    contacts that each active assignment needs.
    """

    monday: date
    capacity: int
    booked: int = 0
    unbooked: int = 0
    expected: int = 0
    contacts: int = 0

    @property
    def demand(self) -> int:
        return self.booked + self.unbooked + self.expected + self.contacts

    @property
    def missing(self) -> int:
        """Minutes that are lacking; 0 if there is time for everything."""
        return max(0, self.demand - self.capacity)


@rule("LOKA-64")
def capacity(
    staff: Iterable[Resource],
    absences: Mapping[str, Sequence[Span]],
    horizon: Horizon,
    full_time_hours: int,
    holidays: Collection[date] = frozenset(),
) -> dict[date, int]:
    """Minutes that these persons work in each week, by Monday; in the first week from the business date on.

    A person's hours count up to his or her share of a full time: heads do not count. Who keeps more hours open than
    that works as large a part of the share as is left of the hours after absences and holidays.
    """
    found = dict.fromkeys(horizon.mondays, 0)
    weeks = {monday: _window(max(monday, horizon.day), monday) for monday in horizon.mondays}
    laid_out: dict[tuple[tuple[Hours, ...], date], tuple[int, list[Span]]] = {}
    for one in staff:
        most = int(one.fte * full_time_hours * 60)
        away = merged(absences.get(one.id, ()))
        for monday, window in weeks.items():
            # many keep the same hours
            key = (one.hours, monday)
            if key not in laid_out:
                usual = _minutes(merged(shift.span for shift in shifts(one.hours, _window(monday, monday))))
                laid_out[key] = (usual, merged(shift.span for shift in shifts(one.hours, window, holidays)))
            usual, there = laid_out[key]
            left = _minutes(without(there, away))
            found[monday] += left if usual <= most else most * left // usual
    return found


def _window(first: date, monday: date) -> Span:
    """From midnight of a day to the end of the week; 167 or 169 hours in the weeks in which the clock changes."""
    return Span(day_span(first).start, day_span(add_days(monday, WEEK - 1)).end)


def _minutes(spans: Iterable[Span]) -> int:
    return sum(one.minutes for one in spans)


def booked(claims: Iterable[Span], horizon: Horizon) -> dict[date, int]:
    """Minutes of meetings that claim staff, one span for each claim, by the week in which they begin."""
    found: Counter[date] = Counter()
    for one in claims:
        day = local_day(one.start)
        if day >= horizon.day and isinstance(place := horizon.place(day), date):
            found[place] += one.minutes
    return dict(found)


@rule("AMI-7.2-b")
def staff_needed(kind: MeetingKind, booker: Role | None, scope: Scope) -> int:
    """How many of the staff of a team or provider a meeting takes: a team has career guides, a provider its own.

    Where no rule says who of them has to be there, whoever books it holds it.
    """
    parties = _STAFF.intersection(MANDATORY.get(kind, ()))
    if not parties:
        parties = frozenset({MeetingParty.PROVIDER if booker is Role.PROVIDER else MeetingParty.CAREER_GUIDE})
    if scope.team is not None:
        parties &= {MeetingParty.CAREER_GUIDE}
    if scope.provider is not None:
        parties &= {MeetingParty.PROVIDER}
    return len(parties)


def active_by_week(stretches: Iterable[Active], horizon: Horizon) -> dict[date, int]:
    """How many assignments run in the whole of each week: part weeks ask for no contact (AMB-10)."""
    known = tuple(stretches)
    return {monday: sum(one.through(monday, add_days(monday, WEEK - 1)) for one in known) for monday in horizon.mondays}


def balances(
    horizon: Horizon,
    capacity: Mapping[date, int],
    booked: Mapping[date, int],
    tally: Tally,
    active: Mapping[date, int],
    scope: Scope,
    *,
    minutes: Mapping[MeetingKind, int],
    contact_minutes: int,
) -> tuple[Balance, ...]:
    """Each week. minutes: of a meeting by kind. contact_minutes: of the contacts of one assignment in a week, which are
    the provider's.
    """
    unbooked, expected = Counter[date](), Counter[date]()
    for cell, number in tally.counts.items():
        if cell.what is WorkloadSubject.MEETING and (week := _week(cell.place, horizon)):
            kind = MeetingKind(cell.kind)
            unbooked[week] += number * minutes[kind] * staff_needed(kind, cell.role, scope)
    for cell, number in tally.expected.items():
        if week := _week(cell.place, horizon):
            expected[week] += number * _longest(cell, minutes, scope)
    each = 0 if scope.team is not None else contact_minutes
    return tuple(
        Balance(
            monday,
            capacity.get(monday, 0),
            booked.get(monday, 0),
            unbooked[monday],
            expected[monday],
            active.get(monday, 0) * each,
        )
        for monday in horizon.mondays
    )


def _week(place: Place, horizon: Horizon) -> date | None:
    """The week in which time is needed: for what is late or has no day the first one; None: later."""
    if place is WorkloadPeriod.LATER:
        return None
    return horizon.first if isinstance(place, WorkloadPeriod) else place


def _longest(cell: Cell, minutes: Mapping[MeetingKind, int], scope: Scope) -> int:
    """Minutes of the meeting that an obligation asks for: of the kinds that it can be of the longest."""
    return max(minutes[kind] * staff_needed(kind, cell.role, scope) for kind in MEETINGS_OF[ObligationKind(cell.kind)])
