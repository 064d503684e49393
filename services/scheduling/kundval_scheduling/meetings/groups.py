"""Group sessions: places, who waits for one, and who gets it when another leaves."""

from __future__ import annotations

from dataclasses import replace

from kundval_chassis.db import Tx
from kundval_contracts.codes import BookingRefusal, CancelReason, MeetingKind, MeetingState
from kundval_contracts.errors import Conflict, NotFound

from ..domain.meeting import Meeting, Subject
from . import store
from .tell import BOOKED, OF_STATE, tell_one


def load(tx: Tx, tenant: str, meeting: str) -> Meeting:
    """A group session, or whatever has that id, as nobody else changes it now. Raises NotFound."""
    store.lock_meeting(tx, tenant, meeting)
    found = store.meetings(tx, tenant, [meeting])
    if not found:
        raise NotFound(f"There is no meeting {meeting}.")
    return found[0]


def require_open(session: Meeting) -> None:
    """Raises Conflict unless it is a group session that is still to be."""
    if session.kind is not MeetingKind.GROUP_SESSION:
        raise Conflict("The meeting is no group session.", code=BookingRefusal.NOT_A_GROUP.value)
    if not session.has_time:
        raise Conflict(f"The group session is {session.state}.", code=BookingRefusal.MEETING_STATE.value)


def join(tx: Tx, tenant: str, session: Meeting, assignment: str) -> int | None:
    """Give an assignment a place, or one in the waiting list if all are taken: its number there, None for a place.

    Whoever is in already stays where it is. Who has waited goes first, but keeps no place free while elsewhere at that
    time. Raises Conflict (ALREADY_TAKEN) if the client is elsewhere at that time.
    """
    known = next((one for one in session.subjects if one.assignment == assignment), None)
    if known is not None:
        return known.waiting
    session, _ = _move_up(tx, tenant, session)
    if _places_left(session) <= 0:
        number = len(_waiting(session)) + 1
        _save(tx, tenant, replace(session, subjects=(*session.subjects, Subject(assignment, number))))
        return number
    try:
        _claim(tx, tenant, session, assignment)
    except store.Taken:
        raise Conflict(
            "The client is taken at that time.",
            code=BookingRefusal.ALREADY_TAKEN.value,
            faults=[{"path": "assignment", "message": "is taken at that time"}],
        ) from None
    session = _next(replace(session, subjects=(*session.subjects, Subject(assignment))))
    _save(tx, tenant, session)
    tell_one(tx, tenant, BOOKED, session, assignment)
    return None


def leave(tx: Tx, tenant: str, meeting: str, assignment: str, reason: CancelReason) -> bool:
    """Take an assignment out of a session; whether somebody who waits has a place now, if the client can come.

    Raises NotFound if it is not in.
    """
    session = load(tx, tenant, meeting)
    gone = next((one for one in session.subjects if one.assignment == assignment), None)
    if gone is None:
        raise NotFound(f"The assignment {assignment} is not in that group session.")
    session = replace(session, subjects=tuple(one for one in session.subjects if one is not gone))
    moved: list[str] = []
    if gone.waiting is None:
        client = store.participants(tx, tenant, [assignment])[assignment]
        store.release(tx, tenant, [session.id], client.key)
        session = _next(session)
        tell_one(tx, tenant, OF_STATE[MeetingState.CANCELLED], session, assignment, reason=reason.value)
        session, moved = _move_up(tx, tenant, session)
    _save(tx, tenant, session)
    return bool(moved)


def _places_left(session: Meeting) -> int:
    return (session.seats or 0) - sum(1 for one in session.subjects if one.waiting is None)


def _waiting(session: Meeting) -> list[Subject]:
    return sorted((one for one in session.subjects if one.waiting is not None), key=lambda one: one.waiting or 0)


def _move_up(tx: Tx, tenant: str, session: Meeting) -> tuple[Meeting, list[str]]:
    """Give the places that are free to those who wait and are not taken at that time, in turn; who has one now."""
    moved = []
    for one in _waiting(session):
        if _places_left(session) <= 0:
            break
        try:
            _claim(tx, tenant, session, one.assignment)
        except store.Taken:
            continue
        session = _next(_with_place(session, one.assignment))
        tell_one(tx, tenant, BOOKED, session, one.assignment)
        moved.append(one.assignment)
    return session, moved


def _claim(tx: Tx, tenant: str, session: Meeting, assignment: str) -> None:
    if session.span is None:
        raise Conflict("The group session has no time.", code=BookingRefusal.MEETING_STATE.value)
    client = store.participants(tx, tenant, [assignment])[assignment]
    store.claim(tx, tenant, session.id, [client.key], session.place, session.span)


def _with_place(session: Meeting, assignment: str) -> Meeting:
    return replace(
        session,
        subjects=tuple(replace(one, waiting=None) if one.assignment == assignment else one for one in session.subjects),
    )


def _next(session: Meeting) -> Meeting:
    return replace(session, revision=session.revision + 1)


def _save(tx: Tx, tenant: str, session: Meeting) -> None:
    """Store it, with the waiting list counted from 1."""
    numbers = {one.assignment: number for number, one in enumerate(_waiting(session), 1)}
    session = replace(
        session,
        subjects=tuple(replace(one, waiting=numbers.get(one.assignment)) for one in session.subjects),
    )
    store.save(tx, tenant, [session])
    store.save_subjects(tx, tenant, session)
