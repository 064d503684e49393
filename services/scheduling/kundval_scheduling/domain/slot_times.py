"""Who can when: for everybody in a problem the starts at which they can come, and those at which all of it fits.

All are sets of starts (`starts`). A condition can be left out, which is how it is known what stands in the way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import or_
from typing import NamedTuple

from kundval_contracts.codes import MeetingParty, SlotObstacle
from kundval_contracts.rules import rule

from .availability import local_days, merged, shifts, week_of
from .instants import day_span, local_day
from .resources import Busy, Hours
from .slot_problem import Attendee, Problem, Room, Seat
from .starts import Starts, minute_after, minute_of

_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Without:
    """A condition that is left out; seat: whose, None: the interpreters' or nobody's own."""

    code: SlotObstacle
    seat: int | None = None


class Taken(NamedTuple):
    """A time that is taken, in minutes since 1970. place: "" if it has none that is known. same_day_…: the starts on
    the local day on which it begins, and on which it ends.
    """

    start: int
    end: int
    place: str
    meeting: bool
    same_day_before: int
    same_day_after: int


@dataclass(slots=True)
class Times:
    """The sets of a problem. What is asked for again is remembered, by key."""

    problem: Problem
    starts: Starts
    days: dict[date, int]
    _midnights: list[int]
    _masks: list[int]
    _known: dict[tuple[object, ...], int] = field(default_factory=dict)
    _taken: dict[str, list[Taken]] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> Times:
        starts = Starts.over(problem.window, problem.minutes, problem.grid)
        days = {day: starts.on(day) for day in local_days(problem.window)}
        midnights = [minute_of(day_span(day).start) for day in days]
        # beyond the last day there are no starts
        midnights.append(minute_of(day_span(max(days)).end))
        return cls(problem, starts, days, midnights, [*days.values(), 0])

    # --- the whole ---------------------------------------------------------------------------------------

    @property
    def allowed(self) -> int:
        """Starts on days that are no holidays."""
        return any_of(some for day, some in self.days.items() if day not in self.problem.holidays)

    @property
    def mandatory(self) -> list[tuple[int, Seat]]:
        return [(number, seat) for number, seat in enumerate(self.problem.seats) if seat.mandatory]

    @property
    def places(self) -> tuple[str | None, ...]:
        """Where the meeting could be."""
        if not self.problem.in_person:
            return (None,)
        if not self.problem.rooms:
            return (self.problem.place,)
        return tuple(dict.fromkeys(room.place for room in self.problem.rooms))

    def feasible(self, place: str | None, without: Without | None = None) -> int:
        """Starts at which everything fits at that place."""
        found = self.everybody(place, without)
        if not found or self.problem.languages is None:
            return found and found & self.rooms(place, self.heads(False), without)
        return found & (
            (self.own_language(place, without) & self.rooms(place, self.heads(False), without))
            | (self.interpreters(place, without) & self.rooms(place, self.heads(True), without))
        )

    def everybody(self, place: str | None, without: Without | None = None) -> int:
        """Starts at which somebody can come for each seat that must be taken."""
        found = self.allowed
        for number, _ in self.mandatory:
            found &= self.seat(number, place, without)
        return found

    def heads(self, interpreter: bool) -> int:
        """How many there are in the room at least."""
        return len(self.mandatory) + interpreter

    # --- people ------------------------------------------------------------------------------------------

    def seat(self, number: int, place: str | None, without: Without | None = None) -> int:
        """Starts at which one of those who can take a seat can come."""
        leave = _leave(without, number)
        if leave is SlotObstacle.NOBODY:
            return self.starts.all
        return any_of(self.able(one, place, leave) for one in self.problem.seats[number].choices)

    @rule("AF-SOM-17")
    def own_language(self, place: str | None, without: Without | None = None) -> int:
        """Starts at which somebody of the staff who must come speaks a language of the client."""
        return any_of(
            self.able(one, place, _leave(without, number))
            for number, seat in self.mandatory
            if seat.role is not MeetingParty.CLIENT
            for one in seat.choices
            if self.speaks(one) is not None
        )

    @rule("AF-SOM-17")
    def interpreters(self, place: str | None, without: Without | None = None) -> int:
        if without == Without(SlotObstacle.NO_INTERPRETER):
            return self.starts.all
        leave = _leave(without, None)
        return any_of(self.able(one, place, leave) for one in self.problem.interpreters if self.speaks(one) is not None)

    def speaks(self, one: Attendee) -> int | None:
        """The place among the client's languages of the best one that somebody speaks."""
        languages = self.problem.languages or ()
        return next((place for place, language in enumerate(languages) if language in one.languages), None)

    def able(self, one: Attendee, place: str | None, leave: SlotObstacle | None = None) -> int:
        """Starts at which somebody can come, one condition left out if so wanted."""

        def find() -> int:
            found = self.starts.all if leave is SlotObstacle.OUTSIDE_HOURS else self.working(one)
            if leave is not SlotObstacle.TAKEN:
                found &= self.untaken(one)
                if leave is not SlotObstacle.TRAVEL:
                    found &= self.reachable(one, place)
            if leave is not SlotObstacle.CAPACITY_REACHED:
                found &= self.below_capacity(one)
            return found

        return self._once(("able", one.key, place, leave), find)

    def working(self, one: Attendee) -> int:
        # many have the same hours
        return self._once(("hours", one.key), lambda: self._once(("hours", one.hours), lambda: self._within(one.hours)))

    def untaken(self, one: Attendee) -> int:
        def find() -> int:
            nearer, buffer = self.starts.nearer, self.problem.buffer
            pads = ((busy, buffer if busy.meeting else 0) for busy in self.taken(one.key, one.busy))
            return self.starts.all & ~any_of(nearer(busy.start, busy.end, pad, pad) for busy, pad in pads)

        return self._once(("untaken", one.key), find)

    def reachable(self, one: Attendee, place: str | None) -> int:
        """Starts at which somebody has the time to come from every meeting that they have had on that local day, and
        to get to every one after. Only who must be there in person travels.
        """
        if place is None or not self.problem.in_person:
            return self.starts.all

        def find() -> int:
            nearer, between, found = self.starts.nearer, self.problem.travel.between, 0
            roads: dict[str, tuple[int, int]] = {"": (0, 0)}
            for busy in self.taken(one.key, one.busy):
                road = roads.get(busy.place)
                if road is None:
                    road = roads[busy.place] = (between(place, busy.place), between(busy.place, place))
                there, back = road
                if there:
                    found |= nearer(busy.start, busy.end, there) & busy.same_day_before
                if back:
                    found |= nearer(busy.start, busy.end, 0, back) & busy.same_day_after
            return self.starts.all & ~found

        return self._once(("reachable", one.key, place), find)

    def taken(self, key: str, busy: Iterable[Busy]) -> list[Taken]:
        """What somebody is taken by, within reach of the window, in order."""
        known = self._taken.get(key)
        if known is None:
            first, last = minute_of(self.problem.window.start) - _DAY, minute_of(self.problem.window.end) + _DAY
            spans = ((minute_of(one.span.start), minute_after(one.span.end), one) for one in busy)
            known = self._taken[key] = sorted(
                Taken(start, end, one.place or "", one.meeting is not None, self._day_at(start), self._day_at(end - 1))
                for start, end, one in spans
                if end > first and start < last
            )
        return known

    @rule("LOKA-64")
    def below_capacity(self, one: Attendee) -> int:
        """Starts in ISO weeks that can hold the meeting too; exactly full is not too much."""
        weekly, minutes = one.weekly, self.problem.minutes
        if weekly is None:
            return self.starts.all

        def find() -> int:
            return any_of(
                some for day, some in self.days.items() if one.booked.get(week_of(day), 0) + minutes <= weekly
            )

        return self._once(("capacity", one.key), find)

    # --- rooms -------------------------------------------------------------------------------------------

    def rooms(self, place: str | None, heads: int, without: Without | None = None) -> int:
        """Starts at which a room of that place with a seat for each is free."""
        if not self.problem.in_person or not self.problem.rooms:
            return self.starts.all
        leave = without.code if without else None
        return any_of(
            self.starts.all if leave is SlotObstacle.ROOM_TAKEN else self.unused(room)
            for room in self.problem.rooms
            if room.place == place and (leave is SlotObstacle.ROOM_TOO_SMALL or fits(room, heads))
        )

    def unused(self, room: Room) -> int:
        def find() -> int:
            working = self._within(room.hours) if room.hours else self.starts.all
            return working & ~any_of(
                self.starts.nearer(busy.start, busy.end) for busy in self.taken(room.key, room.busy)
            )

        return self._once(("unused", room.key), find)

    # --- how -----------------------------------------------------------------------------------------------

    def day_of(self, number: int) -> date:
        return local_day(self.starts.span(number).start)

    def _day_at(self, minute: int) -> int:
        """The starts on the local day of a minute."""
        place = bisect_right(self._midnights, minute) - 1
        return self._masks[place] if place >= 0 else 0

    def _within(self, hours: Sequence[Hours]) -> int:
        spans = merged(shift.span for shift in shifts(hours, self.problem.window, self.problem.holidays))
        return any_of(self.starts.inside(span) for span in spans)

    def _once(self, key: tuple[object, ...], find: Callable[[], int]) -> int:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = find()
        return found


def fits(room: Room, heads: int) -> bool:
    return room.seats is None or room.seats >= heads


def any_of(sets: Iterable[int]) -> int:
    """Starts that are in one of the sets at least."""
    return reduce(or_, sets, 0)


def _leave(without: Without | None, seat: int | None) -> SlotObstacle | None:
    return without.code if without is not None and without.seat == seat else None
