"""A plan of many meetings: what is to be placed, with whom and where it can be, and what came of it.

A problem is complete in itself: whoever solves it, in this process or another, needs neither a database nor a clock.
It holds opaque ids, times, codes and places, and nothing else about a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property

from kundval_contracts.codes import MeetingKind, MeetingMode, MeetingParty, PlanReason, PlanSolver
from kundval_contracts.rules import rule

from ..domain.availability import office_hours
from ..domain.instants import Span
from ..domain.resources import Busy, Hours, Resource, Travel


@dataclass(frozen=True, slots=True)
class Seat:
    """A role that somebody must take in a meeting, and who can: one person, or any of several."""

    role: MeetingParty
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Venue:
    """Where a meeting can be: a room, or a place without one; neither for a meeting by video or telephone."""

    room: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A client by its key (`client/<id>`). No hours: whenever others can. place: from where the client comes."""

    key: str
    hours: tuple[Hours, ...] = ()
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A meeting to be placed on a day from `first` to `last`, best on `target`, `minutes` long.

    overdue: its day for booking has passed, so it comes first. languages: one of them must be spoken by somebody of the
    staff who is there, or by one of the interpreters; none: Swedish will do (AF-SOM-17). venues: none means that there
    is none.
    """

    id: str
    kind: MeetingKind
    minutes: int
    first: date
    last: date
    target: date
    client: str
    seats: tuple[Seat, ...]
    venues: tuple[Venue, ...]
    mode: MeetingMode = MeetingMode.IN_PERSON
    overdue: bool = False
    languages: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """Minutes from one place to another."""

    origin: str
    destination: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Weights:
    """What a meeting that is placed costs, in minutes of travel: a day away from its target, a minute's travel, and an
    hour squared of what somebody of the staff has in all, by the share of a full time. A meeting less costs more than
    all of that.
    """

    day: int = 10
    travel: int = 1
    load: int = 2


@dataclass(frozen=True)
class Problem:
    """window: whole local days. grid: minutes between possible starts, of the local hour. holidays: days without
    meetings. busy: what each resource and client is taken by. full_time: minutes a week of meetings that a full time
    has room for. office: when a room, an interpreter or a client without hours of its own can.
    """

    window: Span
    staff: Mapping[str, Resource]
    rooms: Mapping[str, Resource]
    interpreters: Mapping[str, Resource]
    clients: Mapping[str, Client]
    tasks: tuple[Task, ...]
    busy: Mapping[str, tuple[Busy, ...]] = field(default_factory=dict)
    ways: tuple[Way, ...] = ()
    way_default: int = 0
    holidays: tuple[date, ...] = ()
    grid: int = 15
    full_time: int = 40 * 60
    office: tuple[Hours, ...] = office_hours(time(8), time(17))
    weights: Weights = Weights()

    @cached_property
    def travel(self) -> Travel:
        return Travel({(way.origin, way.destination): way.minutes for way in self.ways}, self.way_default)

    @cached_property
    def task(self) -> Mapping[str, Task]:
        return {one.id: one for one in self.tasks}

    def hours(self, key: str) -> tuple[Hours, ...]:
        """When somebody or something can. Staff without hours cannot at all, others within office hours."""
        if key in self.staff:
            return self.staff[key].hours
        for group in (self.rooms, self.interpreters, self.clients):
            if key in group:
                return group[key].hours or self.office
        raise KeyError(key)

    @rule("LOKA-64")
    def capacity(self, person: str) -> int:
        """Minutes of meetings a week, by the share of a full time."""
        return int(self.full_time * self.staff[person].fte)


@dataclass(frozen=True, slots=True)
class Sitting:
    """Who takes which role."""

    role: MeetingParty
    resource: str


@dataclass(frozen=True, slots=True)
class Placement:
    """A meeting with a time. parties: client, staff and interpreter. Raises BadInstant: no time, or a naive one."""

    task: str
    start: datetime
    end: datetime
    parties: tuple[Sitting, ...]
    room: str | None = None
    place: str | None = None

    def __post_init__(self) -> None:
        Span(self.start, self.end)

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A meeting without a time, and what stands against it. count: how many of the other meetings of the plan."""

    task: str
    reason: PlanReason
    count: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a plan is worth. days: from the targets, in sum. travel: minutes of everybody's way through the days that
    have a meeting of the plan. gini: of the staff's load by share of a full time, per mille: 0 if all have the same.
    cost: by the weights. rounds: of the search.
    """

    meetings: int
    placed: int
    overdue: int
    overdue_placed: int
    days: int
    travel: int
    gini: int
    cost: int
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class Solution:
    """Every task is in `placed` or in `refused`, in the order of the tasks."""

    solver: PlanSolver
    placed: tuple[Placement, ...]
    refused: tuple[Refusal, ...]
    figures: Figures
