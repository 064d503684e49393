"""How a meeting stands (rulebook 8.2): what moves it, as a table, and what the facts and the day make of it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from types import MappingProxyType

from kundval_contracts.codes import MeetingState

from .instants import local_day
from .meeting import Meeting
from .needs import Need


class Trigger(StrEnum):
    """What happens to a meeting: somebody does something, facts tell it, or time passes."""

    BOOK = "BOOK"
    REBOOK = "REBOOK"
    HOLD = "HOLD"
    MISS = "MISS"
    CANCEL = "CANCEL"
    LEAD_PASSED = "LEAD_PASSED"
    TOO_LATE = "TOO_LATE"
    TOLD_HELD = "TOLD_HELD"
    ENDED = "ENDED"
    SWITCHED = "SWITCHED"


_S, _T = MeetingState, Trigger

#: Rulebook 8.2 (SM-M2 to SM-M8). What is not here does not happen. SM-M1 makes a meeting, so it has no row; the meeting
#: that follows a missed one (SM-M6) is a new one, and it is that one which becomes overdue (SM-M7, MISSED). An overdue
#: meeting can still be booked, rebooked and held; it stays overdue until it is held.
TRANSITIONS = MappingProxyType(
    {
        (_S.DUE, _T.BOOK): _S.BOOKED,
        (_S.DUE_OVERDUE, _T.BOOK): _S.BOOKED,
        (_S.OVERDUE, _T.BOOK): _S.OVERDUE,
        (_S.DUE, _T.LEAD_PASSED): _S.DUE_OVERDUE,
        (_S.BOOKED, _T.REBOOK): _S.BOOKED,
        (_S.OVERDUE, _T.REBOOK): _S.OVERDUE,
        (_S.BOOKED, _T.HOLD): _S.HELD,
        (_S.OVERDUE, _T.HOLD): _S.HELD,
        (_S.BOOKED, _T.MISS): _S.MISSED,
        (_S.OVERDUE, _T.MISS): _S.MISSED,
        (_S.BOOKED, _T.CANCEL): _S.CANCELLED,
        (_S.OVERDUE, _T.CANCEL): _S.CANCELLED,
        **{(state, _T.TOO_LATE): _S.OVERDUE for state in (_S.DUE, _S.DUE_OVERDUE, _S.BOOKED)},
        **{(state, _T.TOLD_HELD): _S.HELD for state in (_S.DUE, _S.DUE_OVERDUE, _S.BOOKED, _S.OVERDUE)},
        **{(state, _T.ENDED): _S.CANCELLED for state in (_S.DUE, _S.DUE_OVERDUE, _S.BOOKED, _S.OVERDUE)},
        **{(state, _T.SWITCHED): _S.REASSIGNED for state in (_S.DUE, _S.DUE_OVERDUE, _S.BOOKED, _S.OVERDUE)},
    }
)

#: Triggers that need a time that was booked here: nobody rebooks, holds, misses or cancels what is not booked.
OF_A_TIME = frozenset({_T.REBOOK, _T.HOLD, _T.MISS, _T.CANCEL})


class NotPossible(ValueError):
    """The meeting stands so that this cannot happen to it."""


def after(meeting: Meeting, trigger: Trigger) -> MeetingState:
    """The state after `trigger`. Raises NotPossible."""
    found = TRANSITIONS.get((meeting.state, trigger))
    if found is None or (trigger in OF_A_TIME and meeting.span is None):
        raise NotPossible(f"A meeting that is {meeting.state} cannot do {trigger}.")
    if trigger is _T.BOOK and meeting.span is not None:
        raise NotPossible("The meeting is booked already.")
    return found


def state_of(meeting: Meeting, need: Need | None, day: date) -> MeetingState:
    """How an open meeting that a rule asks for stands by the facts and by time, at the end of `day`.

    need: what the facts say of it today; None: no rule asks for it any more. Meetings that are over stay as they are.
    One whose time was not after the end of the assignment waits for somebody to say whether it was held.
    """
    if not meeting.is_open:
        return meeting.state
    if need is None:
        return _S.CANCELLED
    if need.met_on is not None and need.met_on <= day:
        return _S.HELD
    if need.cancelled_on is not None and need.cancelled_on <= day and not is_before(meeting, need.cancelled_on):
        return _S.CANCELLED
    if need.hold_by is not None and day > need.hold_by:
        return _S.OVERDUE
    if meeting.span is not None or need.booked_on is not None:
        return _S.BOOKED
    if need.book_by is not None and day > need.book_by:
        return _S.DUE_OVERDUE
    return _S.DUE


def is_before(meeting: Meeting, last: date) -> bool:
    """Whether the meeting has a time, and that is on `last` or earlier."""
    return meeting.span is not None and local_day(meeting.span.start) <= last


def is_off(meeting: Meeting, last: date, known: date) -> bool:
    """Whether an exit on `last`, known on `known`, takes away an open meeting that has a time: one on a later day.

    One that was booked when the exit was known is meant for afterwards.
    """
    if meeting.span is None or not meeting.is_open or is_before(meeting, last):
        return False
    return meeting.booked_on is None or meeting.booked_on <= known


def changes_hands(meeting: Meeting, provider: str | None, since: date) -> bool:
    """Whether an open meeting passes to `provider`, in charge from `since` on: it is with another one.

    One that had its time before that day is the other's to record. One that is late and has no time stays with who is
    late.
    """
    if not meeting.is_open or meeting.provider is None or provider in (None, meeting.provider):
        return False
    if meeting.span is None:
        return meeting.state is not _S.OVERDUE
    return local_day(meeting.span.start) >= since
