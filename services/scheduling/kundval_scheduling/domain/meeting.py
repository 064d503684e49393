"""A meeting (rulebook 8.2): what it is for, when it is to be, who takes part, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kundval_contracts.codes import (
    CancelReason,
    MeetingKind,
    MeetingMeasure,
    MeetingMode,
    MeetingOutcome,
    MeetingParty,
    MeetingState,
    PartyResponse,
    Role,
)

from .instants import Span


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who takes part. resource: a resource's id, `client/<id>`, or an opaque id that is not kept here.

    attended: None until the meeting has been held or missed.
    """

    role: MeetingParty
    resource: str
    mandatory: bool = True
    response: PartyResponse = PartyResponse.NEEDS_ACTION
    attended: bool | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """An assignment that a meeting is about. waiting: its place in the waiting list of a group session."""

    assignment: str
    waiting: int | None = None
    attended: bool | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """assignment: None for a group session or a forum, whose assignments are its `subjects`.

    needed: a rule asks for it (with target day, book_from, book_by, hold_by: the last day in time). span: None until it
    is booked, and of one that was booked elsewhere. version: SEQUENCE of the invitation, rises with every change.
    attempt: the n-th meeting of the same need. activity: of a group session, the group activity that it is one of.
    booked_on: the business date of the latest booking. elsewhere: how it stands was told by facts, not recorded here.
    revision: rises with everything that is told about it.
    """

    id: str
    kind: MeetingKind
    state: MeetingState
    assignment: str | None = None
    sequence: int = 1
    attempt: int = 1
    needed: bool = False
    target: date | None = None
    book_from: date | None = None
    book_by: date | None = None
    hold_by: date | None = None
    booker: Role | None = None
    rules: tuple[str, ...] = ()
    provider: str | None = None
    team: str | None = None
    span: Span | None = None
    mode: MeetingMode | None = None
    place: str | None = None
    room: str | None = None
    language: str | None = None
    series: str | None = None
    seats: int | None = None
    version: int = 0
    held_on: date | None = None
    outcome: MeetingOutcome | None = None
    measures: tuple[MeetingMeasure, ...] = ()
    cancel_reason: CancelReason | None = None
    activity: str | None = None
    booked_on: date | None = None
    elsewhere: bool = False
    revision: int = 1
    parties: tuple[Party, ...] = ()
    subjects: tuple[Subject, ...] = ()

    @property
    def has_time(self) -> bool:
        """It is to be at a time that is claimed. An overdue one can be booked too: it stays overdue until held."""
        return self.span is not None and self.state in (MeetingState.BOOKED, MeetingState.OVERDUE)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


#: states that are not the end of a meeting
OPEN = frozenset({MeetingState.DUE, MeetingState.DUE_OVERDUE, MeetingState.BOOKED, MeetingState.OVERDUE})
