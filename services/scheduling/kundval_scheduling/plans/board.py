"""The calendars of everybody while a plan is made, as bits: bit i of a number is the i-th stretch of `UNIT` minutes.

Where something can start is then a few operations on whole numbers, for weeks at once. What is taken is rounded
outwards and what is free inwards, so that nothing is found that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

from kundval_contracts.codes import MeetingMode, MeetingParty
from kundval_contracts.rules import rule

from ..domain.availability import local_days, merged, shifts, week_of
from ..domain.instants import day_span, local_day
from ..domain.resources import Hours
from .problem import Placement, Problem, Sitting, Task, Venue

#: minutes of a bit; grids and usual lengths are multiples of it
UNIT = 5


#: what somebody has: first bit, end, place, number of the day
Held = tuple[int, int, str | None, int]


@dataclass(frozen=True, slots=True)
class Crew:
    """Who of the staff takes a meeting, in the order of its seats, and whether an interpreter must come."""

    people: tuple[str, ...]
    interpreted: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A time, people and a venue for a task. start: a bit."""

    start: int
    people: tuple[str, ...]
    venue: Venue
    interpreter: str | None = None

    def keys(self, task: Task) -> tuple[str, ...]:
        """Everybody and everything that it takes."""
        more = [one for one in (self.interpreter, self.venue.room) if one is not None]
        return (task.client, *self.people, *more)


def ones(start: int, end: int) -> int:
    """Bits from `start` to before `end`."""
    return ((1 << (end - start)) - 1) << start if end > start else 0


def fitting(free: int, length: int) -> int:
    """Where `length` free bits in a row begin."""
    have = 1
    while have < length:
        step = min(have, length - have)
        free &= free >> step
        have += step
    return free


def bits(mask: int) -> Iterator[int]:
    """The places of the bits of a number, the first first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Board:
    """Who is taken when: by what the problem says, and by what is put. Everything it answers heeds both."""

    def __init__(self, problem: Problem):
        self.problem = problem
        self.origin = problem.window.start
        self.size = problem.window.minutes // UNIT
        self.days = local_days(problem.window)
        self.day_index = {day: place for place, day in enumerate(self.days)}
        #: first bit of each day, and the end of the last
        self.edges = [max(0, self._bit(day_span(day).start)) for day in self.days] + [self.size]
        self.day_masks = [ones(self.edges[i], self.edges[i + 1]) for i in range(len(self.days))]
        self.weeks = sorted({week_of(day) for day in self.days})
        self.week_of_day = [self.weeks.index(week_of(day)) for day in self.days]
        self.week_masks = [0] * len(self.weeks)
        for place, week in enumerate(self.week_of_day):
            self.week_masks[week] |= self.day_masks[place]
        # the window begins at a local midnight and the clock changes by whole hours: so this is the grid of every hour
        self.grid = sum(1 << place for place in range(0, self.size, max(1, problem.grid // UNIT)))
        self.chosen: dict[str, Choice] = {}
        self._free: dict[str, int] = {}
        # what is put, by task; and what the problem brings and has a place
        self._held: dict[str, dict[str, Held]] = {}
        self._given: dict[str, list[Held]] = {}
        self._ways: dict[tuple[str | None, str | None], int] = {}
        self._minutes: dict[str, list[int]] = {}
        self._hours: dict[tuple[Hours, ...], int] = {}
        self._cache: dict[str, dict[tuple[str | None, int], int]] = {}
        for key in [*problem.staff, *problem.rooms, *problem.interpreters, *problem.clients]:
            self._lay_out(key)

    # --- what the problem says ---------------------------------------------------------------------

    def _lay_out(self, key: str) -> None:
        free = self.hours(key)
        given: list[Held] = []
        minutes = [0] * len(self.weeks)
        for one in self.problem.busy.get(key, ()):
            start, end = max(0, self._bit(one.span.start)), min(self.size, self._bit(one.span.end, up=True))
            if start < end:
                free &= ~ones(start, end)
            # one just outside the window does no harm: a way never leads over midnight
            if start < end and one.place is not None:
                given.append((start, end, one.place, self.day_at(start)))
            week = week_of(local_day(one.span.start))
            if one.meeting is not None and week in self.weeks:
                minutes[self.weeks.index(week)] += one.span.minutes
        self._free[key], self._given[key], self._minutes[key] = free, given, minutes
        self._held[key], self._cache[key] = {}, {}

    def hours(self, key: str) -> int:
        """When somebody or something works, taken or not."""
        hours = self.problem.hours(key)
        found = self._hours.get(hours)
        if found is None:
            found = 0
            laid = merged(one.span for one in shifts(hours, self.problem.window, set(self.problem.holidays)))
            for span in laid:
                found |= ones(self._bit(span.start, up=True), self._bit(span.end))
            self._hours[hours] = found
        return found

    def _bit(self, moment: datetime, *, up: bool = False) -> int:
        micro = (moment - self.origin) // timedelta(microseconds=1)
        unit = UNIT * 60_000_000
        return -(-micro // unit) if up else micro // unit

    # --- asking ------------------------------------------------------------------------------------

    def length(self, task: Task) -> int:
        return -(-task.minutes // UNIT)

    def window(self, task: Task) -> int:
        """Where on the grid a task may start: on its days, and in the window of the problem."""
        if task.last < self.days[0] or task.first > self.days[-1] or task.last < task.first:
            return 0
        first = self.day_index.get(task.first, 0)
        last = self.day_index.get(task.last, len(self.days) - 1)
        return self.grid & ones(self.edges[first], self.edges[last + 1])

    def starts(self, key: str, place: str | None, length: int) -> int:
        """Where a meeting of that length at that place can start, as far as this one is concerned: within hours, free,
        and with time for the way from and to whatever else there is on that day.
        """
        cache = self._cache[key]
        found = cache.get((place, length))
        if found is None:
            held = self._held[key].values()
            taken = 0
            for start, end, _, _ in held:
                taken |= ones(start, end)
            found = fitting(self._free[key] & ~taken, length)
            if place is not None and found:
                near = 0
                for one in (*self._given[key], *held):
                    if one[2] is not None and one[2] != place:
                        near |= self._too_near(one, place, length)
                found &= ~near
            cache[place, length] = found
        return found

    def _too_near(self, one: Held, place: str, length: int) -> int:
        """Where a meeting elsewhere on the day cannot start, because of the way from or to it."""
        start, end, other, day = one
        first = max(self.edges[day], start - self.way(place, other) - length + 1)
        last = min(self.edges[day + 1], end + self.way(other, place))
        return ones(first, last)

    def way(self, origin: str | None, destination: str | None) -> int:
        """Bits that the way takes."""
        found = self._ways.get((origin, destination))
        if found is None:
            found = self._ways[origin, destination] = -(-self.problem.travel.between(origin, destination) // UNIT)
        return found

    def day_at(self, bit: int) -> int:
        """Number of the day that a bit is in."""
        low, high = 0, len(self.days) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.edges[middle] <= bit:
                low = middle
            else:
                high = middle - 1
        return low

    @rule("LOKA-64")
    def room_left(self, person: str, minutes: int) -> int:
        """The weeks in which somebody of the staff has that many minutes left, by the share of a full time."""
        capacity = self.problem.capacity(person)
        found = 0
        for week, used in enumerate(self._minutes[person]):
            if used + minutes <= capacity:
                found |= self.week_masks[week]
        return found

    def minutes_left(self, person: str, week: int) -> int:
        return self.problem.capacity(person) - self._minutes[person][week]

    def minutes(self, person: str) -> int:
        """Minutes of meetings that somebody has in all of the window."""
        return sum(self._minutes[person])

    @rule("AF-SOM-17")
    def crews(self, task: Task) -> list[Crew]:
        """Who can take the seats of a task, and whether an interpreter must come: not if one of them speaks a language
        of the client.
        """
        found = []
        for people in product(*(seat.choices for seat in task.seats)):
            if len(set(people)) < len(people):
                continue
            spoken = {language for one in people for language in self.problem.staff[one].languages}
            found.append(Crew(people, bool(task.languages) and spoken.isdisjoint(task.languages)))
        return found

    def interpreters(self, task: Task) -> list[str]:
        """Those who may be asked and have a language of the client."""
        wanted = set(task.languages)
        return [key for key in task.interpreters if wanted & set(self.problem.interpreters[key].languages)]

    def together(self, task: Task, crew: Crew, place: str | None) -> int:
        """Where client and staff can start, at a place; rooms and interpreters are not asked."""
        length = self.length(task)
        found = self.window(task) & self.starts(task.client, place, length)
        for person in crew.people:
            if not found:
                break
            found &= self.starts(person, place, length) & self.room_left(person, task.minutes)
        return found

    def first_of(self, keys: Iterable[str], place: str | None, length: int, bit: int) -> str | None:
        """The first of several that can start at a bit."""
        return next((key for key in keys if self.starts(key, place, length) >> bit & 1), None)

    def any_of(self, keys: Iterable[str], place: str | None, length: int) -> int:
        """Where at least one of several can start."""
        found = 0
        for key in keys:
            found |= self.starts(key, place, length)
        return found

    def is_at(self, key: str, day: int, place: str) -> bool:
        """Whether somebody has something at a place on the day of that number."""
        return any(one[3] == day and one[2] == place for one in (*self._held[key].values(), *self._given[key]))

    # --- putting -----------------------------------------------------------------------------------

    def put(self, task: Task, choice: Choice) -> None:
        """Take what a choice takes; it must be possible."""
        place = choice.venue.place if task.mode is MeetingMode.IN_PERSON else None
        held = choice.start, choice.start + self.length(task), place, self.day_at(choice.start)
        self.chosen[task.id] = choice
        for key in choice.keys(task):
            self._held[key][task.id] = held
            self._cache[key].clear()
        self._count(task, choice, task.minutes)

    def take(self, task: Task) -> Choice:
        """Take back what was put for a task; what it was."""
        choice = self.chosen.pop(task.id)
        for key in choice.keys(task):
            del self._held[key][task.id]
            self._cache[key].clear()
        self._count(task, choice, -task.minutes)
        return choice

    def possible(self, task: Task, choice: Choice) -> bool:
        """Whether a choice can be put as things stand."""
        length, bit, place = self.length(task), choice.start, choice.venue.place
        if not self.together(task, Crew(choice.people, False), place) >> bit & 1:
            return False
        if choice.venue.room is not None and not self.starts(choice.venue.room, place, length) >> bit & 1:
            return False
        return choice.interpreter is None or bool(self.starts(choice.interpreter, place, length) >> bit & 1)

    def _count(self, task: Task, choice: Choice, minutes: int) -> None:
        week = self.week_of_day[self.day_at(choice.start)]
        for person in choice.people:
            self._minutes[person][week] += minutes

    def engagements(self, key: str) -> dict[int, list[Held]]:
        """What somebody has by number of the day, in order: of the days with something of the plan, and with what the
        problem brings.
        """
        found: dict[int, list[Held]] = {}
        for one in self._held[key].values():
            found.setdefault(one[3], []).append(one)
        for one in self._given[key]:
            if one[3] in found:
                found[one[3]].append(one)
        for row in found.values():
            row.sort(key=lambda one: one[0])
        return found

    # --- in and out --------------------------------------------------------------------------------

    def moment(self, bit: int) -> datetime:
        return self.origin + timedelta(minutes=bit * UNIT)

    def placements(self) -> tuple[Placement, ...]:
        """What was put, in the order of the tasks."""
        return tuple(self._placement(one, self.chosen[one.id]) for one in self.problem.tasks if one.id in self.chosen)

    def _placement(self, task: Task, choice: Choice) -> Placement:
        start = self.moment(choice.start)
        parties = [Sitting(MeetingParty.CLIENT, task.client)]
        parties += [Sitting(seat.role, who) for seat, who in zip(task.seats, choice.people, strict=True)]
        if choice.interpreter is not None:
            parties.append(Sitting(MeetingParty.INTERPRETER, choice.interpreter))
        end = start + timedelta(minutes=task.minutes)
        return Placement(task.id, start, end, tuple(parties), choice.venue.room, choice.venue.place)


def rooms_at(venues: Sequence[Venue]) -> dict[str | None, list[Venue]]:
    """Venues by place."""
    found: dict[str | None, list[Venue]] = {}
    for venue in venues:
        found.setdefault(venue.place, []).append(venue)
    return found


__all__ = ["UNIT", "Board", "Choice", "Crew", "bits", "fitting", "ones", "rooms_at"]
