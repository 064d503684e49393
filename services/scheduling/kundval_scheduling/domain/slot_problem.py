"""What is asked and what is answered when a time is looked for: people, rooms, interpreters; proposals, obstacles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from kundval_contracts.codes import MeetingMode, MeetingParty, SlotObstacle, SlotReason
from kundval_contracts.rules import rule

from .availability import week_of
from .instants import Span, local_day
from .resources import Busy, Hours, Participant, Resource, Travel

_HOUR = 60


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody who can be asked to come; without hours never.

    key: by what the person is claimed. place: where from, unless the hours say so. languages: the best first. weekly:
    minutes of meetings that an ISO week may hold, None: no limit. booked: minutes of it by the Monday of the week.
    """

    key: str
    hours: tuple[Hours, ...]
    busy: tuple[Busy, ...] = ()
    place: str | None = None
    languages: tuple[str, ...] = ()
    weekly: int | None = None
    booked: Mapping[date, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seat:
    """A part to be taken in the meeting, by one of `choices`. Who is optional is asked along when there is time."""

    role: MeetingParty
    choices: tuple[Attendee, ...]
    mandatory: bool = True


@dataclass(frozen=True, slots=True)
class Room:
    """A room; without hours it can always be used. seats None: as many as are wanted."""

    key: str
    place: str | None = None
    seats: int | None = None
    hours: tuple[Hours, ...] = ()
    busy: tuple[Busy, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A meeting for which a time is looked for, wholly within `window`.

    rooms: one of them is needed, if there are any and the meeting is IN_PERSON; without any it is at `place`.
    languages: one of them has to be spoken, None: Swedish will do. target: the day that is best, else the first one.
    hold_by: later only if nothing else can be found. grid: minutes, must divide the hour. buffer: minutes that
    everybody has between two meetings. Raises ValueError if somebody stands for two seats.
    """

    window: Span
    minutes: int
    mode: MeetingMode
    seats: tuple[Seat, ...]
    rooms: tuple[Room, ...] = ()
    place: str | None = None
    languages: tuple[str, ...] | None = None
    interpreters: tuple[Attendee, ...] = ()
    target: date | None = None
    hold_by: date | None = None
    travel: Travel = field(default_factory=Travel)
    holidays: Collection[date] = frozenset()
    grid: int = 15
    buffer: int = 0

    def __post_init__(self) -> None:
        people = [*self.interpreters, *(one for seat in self.seats for one in seat.choices)]
        if len({one.key for one in people}) != len(people):
            raise ValueError("nobody can take two seats of one meeting")

    @property
    def in_person(self) -> bool:
        return self.mode is MeetingMode.IN_PERSON


@dataclass(frozen=True, slots=True)
class Coming:
    """Who comes, in which role."""

    role: MeetingParty
    key: str
    mandatory: bool = True


@dataclass(frozen=True, slots=True)
class Reason:
    """What speaks for or against a proposal; `number` counts what the code says."""

    code: SlotReason
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A time with everything that a booking needs. cost: minutes that it is worse than the ideal."""

    span: Span
    mode: MeetingMode
    place: str | None
    room: str | None
    parties: tuple[Coming, ...]
    cost: int
    reasons: tuple[Reason, ...]

    @property
    def day(self) -> date:
        return local_day(self.span.start)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands in the way. role: whose, if one party's. removed: starts that it rules out, of those within the
    hours of somebody who must come. opens: starts that there would be without it alone.
    """

    code: SlotObstacle
    role: MeetingParty | None = None
    removed: int = 0
    opens: int = 0


@dataclass(frozen=True, slots=True)
class Proposals:
    """The best first; or none, and why. considered: starts that were looked at."""

    found: tuple[Proposal, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    considered: int = 0


# --- who can be asked ------------------------------------------------------------------------------------


@rule("LOKA-64")
def weekly_minutes(fte: Decimal, full_time_hours: int) -> int:
    """Minutes of meetings that a week can hold: by the share of a full time, whatever hours stand in the calendar."""
    return int(fte * full_time_hours * _HOUR)


def booked_minutes(busy: Iterable[Busy]) -> dict[date, int]:
    """Minutes of meetings by the Monday of their ISO week. An absence is no work and takes nothing of the capacity."""
    found: dict[date, int] = {}
    for one in busy:
        if one.meeting is not None:
            monday = week_of(local_day(one.span.start))
            found[monday] = found.get(monday, 0) + one.span.minutes
    return found


def staff(resource: Resource, busy: Sequence[Busy], full_time_hours: int) -> Attendee:
    """Staff or an interpreter. `busy` holds whole ISO weeks, for the capacity counts by them."""
    return Attendee(
        resource.id,
        resource.hours,
        tuple(busy),
        resource.place,
        resource.languages,
        weekly_minutes(resource.fte, full_time_hours),
        booked_minutes(busy),
    )


def client(participant: Participant, busy: Sequence[Busy], office: tuple[Hours, ...]) -> Attendee:
    """The client of an assignment: who has named no hours can come within office hours."""
    hours = participant.hours or office
    return Attendee(participant.key, hours, tuple(busy), participant.place, participant.languages)


def room(resource: Resource, busy: Sequence[Busy]) -> Room:
    return Room(resource.id, resource.place, resource.seats, resource.hours, tuple(busy))
