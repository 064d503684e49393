"""What stands against booking a meeting at a time: roles, hours, ways, language, room, and what its kind asks for.

That something is taken is not looked at here: the database says so, and it alone can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from kundval_contracts.codes import BookingRefusal, MeetingKind, MeetingMode, MeetingParty, ResourceKind
from kundval_contracts.rules import rule

from .availability import merged, shifts
from .instants import Span, local_day
from .meeting import Party
from .needs import MANDATORY
from .resources import Busy, Hours, Participant, Resource, Travel, is_client

_R = BookingRefusal
LONGEST = timedelta(hours=12)
#: days ahead that a meeting can be booked
FARTHEST = timedelta(days=730)
#: how far around a meeting others are looked at: the local day, whatever the clock does
NEAR = timedelta(hours=26)

#: Kinds at which the client sits across the table (NACKA-3, AF-SOM-22).
IN_PERSON = {MeetingKind.ASSESSMENT: "NACKA-3", MeetingKind.SYV: "AF-SOM-22"}


@dataclass(frozen=True, slots=True)
class Objection:
    """Why it cannot be. path: the field of the request. broken: the request itself is wrong, whatever is booked."""

    code: BookingRefusal
    path: str
    message: str
    rules: tuple[str, ...] = ()
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody who is to be there: of staff and interpreters the resource, of the client the participant.

    busy: what takes the person around that time.
    """

    party: Party
    resource: Resource | None = None
    participant: Participant | None = None
    busy: tuple[Busy, ...] = ()

    @property
    def hours(self) -> tuple[Hours, ...] | None:
        """When the person can; None: whenever others can."""
        if self.resource is not None:
            # an interpreter's hours need not be known
            anytime = self.resource.kind is ResourceKind.INTERPRETER and not self.resource.hours
            return None if anytime else self.resource.hours
        return (self.participant.hours or None) if self.participant is not None else None


@dataclass(frozen=True, slots=True)
class Booking:
    """A meeting as it is to be. place: where it is, of a room where that lies. places: for how many it has to be.

    provider: the one with whom it is. premises: places of that provider.
    """

    kind: MeetingKind
    span: Span
    mode: MeetingMode
    seats: tuple[Seat, ...]
    place: str | None = None
    room: Resource | None = None
    places: int | None = None
    provider: str | None = None
    premises: frozenset[str] = frozenset()
    travel: Travel = field(default_factory=Travel)
    outside_hours: bool = False

    @property
    def in_person(self) -> bool:
        return self.mode is MeetingMode.IN_PERSON

    def having(self, role: MeetingParty) -> list[Seat]:
        return [seat for seat in self.seats if seat.party.role is role]


def objections(booking: Booking) -> list[Objection]:
    """Everything that stands against it, what is wrong with the request itself first."""
    found = [*_roles(booking), *_where(booking), *_kind(booking)]
    if not found:
        found = [*_language(booking), *_hours(booking), *_ways(booking), *_room(booking)]
    return found


@rule("AMI-7.2-b", "AMI-2.2-b")
def _roles(booking: Booking) -> Iterator[Objection]:
    """All that have to be there are, and those of a provider are of the one in charge."""
    present = {seat.party.role for seat in booking.seats}
    for role in MANDATORY.get(booking.kind, ()):
        if role not in present:
            yield Objection(_R.PARTY_MISSING, "parties", f"lacks the {role}", ("SM-M2",), broken=True)
    people = [seat for seat in booking.seats if seat.party.role is not MeetingParty.INTERPRETER]
    if len(people) < 2 and booking.kind is not MeetingKind.GROUP_SESSION:
        yield Objection(_R.PARTY_MISSING, "parties", "needs at least two", broken=True)
    for seat in booking.seats:
        if not _fits_role(seat, booking.provider):
            yield Objection(_R.WRONG_PARTY, "parties", f"has a {seat.party.role} that cannot be one here", broken=True)


def _fits_role(seat: Seat, provider: str | None) -> bool:
    role, resource = seat.party.role, seat.resource
    if role is MeetingParty.CLIENT:
        return seat.participant is not None
    if role is MeetingParty.INTERPRETER:
        return resource is not None and resource.kind is ResourceKind.INTERPRETER
    if resource is None:
        # employers, AF's coordinator and others need not be kept here; a client is one in the role CLIENT alone
        kept = role in (MeetingParty.CAREER_GUIDE, MeetingParty.PROVIDER)
        return not kept and not is_client(seat.party.resource)
    if resource.kind is not ResourceKind.STAFF:
        return False
    if role is MeetingParty.PROVIDER:
        return resource.provider is not None and resource.provider == provider
    return role is not MeetingParty.CAREER_GUIDE or resource.provider is None


def _where(booking: Booking) -> Iterator[Objection]:
    if booking.in_person and booking.place is None and booking.room is None:
        yield Objection(_R.PLACE_MISSING, "place", "is needed, or a room, for a meeting in person", broken=True)
    if not booking.in_person and (booking.place is not None or booking.room is not None):
        path = "room" if booking.room is not None else "place"
        yield Objection(_R.PLACE_NOT_WANTED, path, "is for meetings in person", broken=True)
    if booking.room is not None and booking.room.provider not in (None, booking.provider):
        yield Objection(_R.UNKNOWN_RESOURCE, "room", "is no room that can be used", broken=True)


@rule("NACKA-3", "AF-SOM-22", "AMI-3-b")
def _kind(booking: Booking) -> Iterator[Objection]:
    """The assessment is in person; study and career guidance also individual and in the supplier's premises."""
    why = IN_PERSON.get(booking.kind)
    if why is not None and not booking.in_person:
        yield Objection(_R.NOT_IN_PERSON, "mode", "must be IN_PERSON for this kind", (why,), broken=True)
    if booking.kind is not MeetingKind.SYV:
        return
    if len(booking.having(MeetingParty.CLIENT)) != 1:
        yield Objection(_R.NOT_INDIVIDUAL, "parties", "must have one client", ("AF-SOM-22",), broken=True)
    owned = booking.room is not None and booking.room.provider == booking.provider
    if booking.in_person and not owned and booking.place not in booking.premises:
        path = "room" if booking.room is not None else "place"
        yield Objection(_R.NOT_IN_PREMISES, path, "is not the supplier's", ("AF-SOM-22",), broken=True)


@rule("AF-SOM-17")
def spoken(booking: Booking) -> str | None:
    """The language of the meeting, if a client's Swedish will not do: the first that staff or interpreter has."""
    for seat in booking.having(MeetingParty.CLIENT):
        client = seat.participant
        if client is None or client.swedish_ok:
            continue
        own = {language for one in booking.seats if one.resource for language in one.resource.languages}
        return next((language for language in client.languages if language in own), None)
    return None


@rule("AF-SOM-17")
def _language(booking: Booking) -> Iterator[Objection]:
    """Whoever does not master Swedish is met in a language that is mastered: by own staff or an interpreter."""
    needs = [
        seat for seat in booking.having(MeetingParty.CLIENT) if seat.participant and not seat.participant.swedish_ok
    ]
    if needs and spoken(booking) is None:
        yield Objection(
            _R.LANGUAGE_NOT_MET, "interpreter", "is needed: nobody there has the client's language", ("AF-SOM-17",)
        )


def _hours(booking: Booking) -> Iterator[Objection]:
    """Everybody works then, and the room is open; hours outside can be asked for expressly."""
    if booking.outside_hours:
        return
    for seat in booking.seats:
        if seat.hours is not None and not _covered(seat.hours, booking.span):
            yield Objection(_R.OUTSIDE_HOURS, "parties", f"has a {seat.party.role} who is not there at that time")
    if booking.room is not None and booking.room.hours and not _covered(booking.room.hours, booking.span):
        yield Objection(_R.OUTSIDE_HOURS, "room", "is not open at that time")


def _covered(hours: tuple[Hours, ...], span: Span) -> bool:
    return any(span.within(one) for one in merged(shift.span for shift in shifts(hours, span)))


def _ways(booking: Booking) -> Iterator[Objection]:
    """Whoever has another meeting elsewhere on that day can get there and back in time."""
    if not booking.in_person:
        return
    day, span = local_day(booking.span.start), booking.span
    for seat in booking.seats:
        for other in seat.busy:
            if other.place is None or local_day(other.span.start) != day or other.span.overlaps(span):
                continue
            if other.span.end <= span.start:
                left, minutes = span.start - other.span.end, booking.travel.between(other.place, booking.place)
            else:
                left, minutes = other.span.start - span.end, booking.travel.between(booking.place, other.place)
            if left < timedelta(minutes=minutes):
                yield Objection(
                    _R.NOT_REACHABLE, "parties", f"has a {seat.party.role} who cannot get there, or away, in time"
                )
                break


def _room(booking: Booking) -> Iterator[Objection]:
    seats = booking.room.seats if booking.room is not None else None
    wanted = len(booking.seats) + (booking.places or 0)
    if seats is not None and seats < wanted:
        yield Objection(_R.ROOM_TOO_SMALL, "room", "has too few seats")
