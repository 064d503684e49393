"""What a calendar shows of a meeting: a time, and of everything else only what its reader needs.

A calendar lies on other people's servers and telephones. So no entry says what a meeting is for, about whom it is or
who provides what; a client learns when and where, staff and providers besides an address under which the rest stands
after login. Of a protected person's meeting the calendars of those who take part for the municipality or the provider
say that the hour is taken, and all others nothing. A group session or a forum says nothing of the clients whom it is
about, so its entry is the same whoever they are: else it would tell that one of them is protected.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kundval_contracts.codes import MeetingMode, MeetingParty, MeetingState, PartyResponse

from .instants import Span
from .meeting import Meeting, Party

#: a meeting that is in nobody's calendar any more
OFF = frozenset({MeetingState.CANCELLED, MeetingState.REASSIGNED})


class Reader(StrEnum):
    """Whose calendar it is."""

    CLIENT = "CLIENT"
    STAFF = "STAFF"
    PROVIDER = "PROVIDER"
    OTHER = "OTHER"


class Title(StrEnum):
    """What stands over an entry, in words of a language."""

    MEETING = "MEETING"  #: for who has no login
    BOOKED = "BOOKED"  #: for who can look up the rest
    BUSY = "BUSY"  #: for who must not


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody in the list of an invitation. own: whose invitation it is."""

    resource: str
    mandatory: bool
    response: PartyResponse
    own: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """span None: a cancelled meeting that has no time any more. linked: it bears the address to look up the rest.

    place, room: None unless the reader is to be there.
    """

    meeting: str
    version: int
    span: Span | None
    cancelled: bool
    title: Title
    linked: bool
    mode: MeetingMode | None = None
    place: str | None = None
    room: str | None = None
    guests: tuple[Guest, ...] = ()


def reader_of(role: MeetingParty) -> Reader:
    """Which calendar somebody in that role has."""
    return {
        MeetingParty.CLIENT: Reader.CLIENT,
        MeetingParty.CAREER_GUIDE: Reader.STAFF,
        MeetingParty.PROVIDER: Reader.PROVIDER,
    }.get(role, Reader.OTHER)


def entry(meeting: Meeting, reader: Reader, *, protected: bool, own: Party | None = None) -> Entry | None:
    """What a calendar of `reader` shows of the meeting; None: nothing, somebody has to be told by hand.

    protected: the whereabouts of whom the meeting is about are restricted (of a client: its own). own: who is invited;
    without it there is no list of guests, as in a calendar that is subscribed to.
    """
    inside = reader in (Reader.STAFF, Reader.PROVIDER)
    cancelled = meeting.state in OFF
    if protected and (reader is Reader.CLIENT or (meeting.assignment is not None and not inside)):
        return None
    guests: tuple[Guest, ...] = () if own is None else (_guest(own, own),)
    if protected and meeting.assignment is not None:
        return Entry(meeting.id, meeting.version, meeting.span, cancelled, Title.BUSY, False, guests=guests)
    if own is not None and inside:
        guests += tuple(_guest(one, own) for one in meeting.parties if _listed(one, own, meeting))
    in_person = meeting.mode is MeetingMode.IN_PERSON and not cancelled
    return Entry(
        meeting.id,
        meeting.version,
        meeting.span,
        cancelled,
        Title.BOOKED if inside else Title.MEETING,
        inside,
        None if cancelled else meeting.mode,
        meeting.place if in_person else None,
        meeting.room if in_person else None,
        guests,
    )


def _listed(one: Party, own: Party, meeting: Meeting) -> bool:
    """Whether a reader with a login sees this party. Of a meeting about several clients it sees no client."""
    if one.resource == own.resource:
        return False
    return one.role is not MeetingParty.CLIENT or meeting.assignment is not None


def _guest(one: Party, own: Party) -> Guest:
    return Guest(one.resource, one.mandatory, one.response, one is own)
