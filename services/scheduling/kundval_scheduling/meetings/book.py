"""Book, rebook, cancel, hold and miss meetings. Each is one transaction; who comes too late is told so.

Whoever changes meetings of an assignment holds the lock of its case, so that it sees what others have left; that no
hour is taken twice is the database's to guard (`store.claim`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.outbox import new_id
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import (
    BookingRefusal,
    CancelReason,
    MeetingKind,
    MeetingMeasure,
    MeetingMode,
    MeetingOutcome,
    MeetingParty,
    MeetingState,
    ResourceKind,
)
from kundval_contracts.errors import Conflict, Fault, InvalidRequest, NotFound
from kundval_contracts.rules import rule

from ..domain.booking import NEAR, Booking, Objection, Seat, objections, spoken
from ..domain.follow import Outlook, fresh, look
from ..domain.instants import Span, local_day
from ..domain.meeting import Meeting, Party, Subject
from ..domain.meeting_states import NotPossible, Trigger, after
from ..domain.needs import MANDATORY, suits
from ..domain.plan import Context
from ..domain.resources import Participant, Resource
from . import store
from .keep import keep
from .tell import BOOKED, OF_STATE, REBOOKED, tell
from .times import ahead

_R, _P = BookingRefusal, MeetingParty

#: meetings at which it is said whether the client is on track (AMI-7.2-a, AMI-8.2-a)
FOLLOW_UPS = frozenset(kind for kind in MeetingKind if kind.value.startswith("FOLLOWUP_"))


@dataclass(frozen=True, slots=True)
class Wish:
    """A meeting as it is wanted: one that is listed (`meeting`), or that of an assignment, kind and sequence.

    Without sequence it is the one that a rule asks for next, if any does. parties: take the place of who usually has
    that role; those that are not named are filled in. interpreter: a resource. outside_hours: although somebody does
    not work then. seats, activity: of a group session. subjects: assignments that a forum meeting is about. team,
    provider: whose it is, if neither a rule nor a party tells.
    """

    span: Span
    mode: MeetingMode = MeetingMode.IN_PERSON
    meeting: str | None = None
    assignment: str | None = None
    kind: MeetingKind | None = None
    sequence: int | None = None
    parties: tuple[Party, ...] = ()
    place: str | None = None
    room: str | None = None
    interpreter: str | None = None
    outside_hours: bool = False
    series: str | None = None
    seats: int | None = None
    activity: str | None = None
    subjects: tuple[str, ...] = ()
    team: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """An assignment as it is known on the business date."""

    case: Case
    outlook: Outlook


# --- booking -------------------------------------------------------------------------------------------


@rule("AMI-7.2-b", "AMI-8.2-b")
def book(tx: Tx, tenant: Tenant, wish: Wish) -> Meeting:
    """Book a meeting: one that is due, or one that is wanted. Another time for a booked one is `rebook`.

    Raises InvalidRequest (what is wrong with the request), NotFound, Conflict (what stands against it; ALREADY_TAKEN if
    somebody or something is taken at that time). After any of these nothing is changed if the caller rolls back.
    """
    today = business_date(tenant)
    ahead(wish.span, today)
    if wish.meeting is not None:
        meeting = locked(tx, tenant, wish.meeting)
    else:
        meeting = _wanted(tx, tenant, wish)
    return _place(tx, tenant, meeting, wish, Trigger.BOOK, today)


def rebook(tx: Tx, tenant: Tenant, wish: Wish) -> Meeting:
    """Give a booked meeting another time, place or parties; who is not named stays in. Raises as `book`."""
    today = business_date(tenant)
    ahead(wish.span, today)
    meeting = locked(tx, tenant, wish.meeting or "")
    named = {party.role for party in wish.parties}
    kept = tuple(
        replace(party, attended=None)
        for party in meeting.parties
        if party.role not in named and (party.role is not _P.INTERPRETER or wish.interpreter is None)
    )
    wish = replace(wish, parties=(*kept, *wish.parties), activity=meeting.activity, seats=meeting.seats)
    store.release(tx, tenant.id, [meeting.id])
    return _place(tx, tenant, meeting, wish, Trigger.REBOOK, today)


def _wanted(tx: Tx, tenant: Tenant, wish: Wish) -> Meeting:
    """The meeting that the wish is about, new unless it is listed: of an assignment, or of several."""
    if wish.kind is None:
        raise InvalidRequest(faults=[{"path": "kind", "message": "is needed unless `meeting` is given"}])
    if wish.assignment is None:
        return Meeting(
            new_id(),
            wish.kind,
            MeetingState.DUE,
            provider=wish.provider,
            team=wish.team,
            subjects=tuple(Subject(one) for one in wish.subjects),
        )
    store.lock_cases(tx, tenant.id, [wish.assignment])
    file = files(tx, tenant, [wish.assignment])[wish.assignment]
    outlook = file.outlook
    if not suits(wish.kind, file.case.programme):
        message = "is of another programme than the assignment"
        raise InvalidRequest(code=_R.WRONG_PROGRAMME.value, faults=[{"path": "kind", "message": message}])
    team = store.teams(tx, tenant.id, [wish.assignment]).get(wish.assignment)
    rows = [
        one
        for one in store.standing(tx, tenant.id, [wish.assignment])[wish.assignment]
        if one.kind is wish.kind and one.needed and (wish.sequence in (None, one.sequence))
    ]
    for one in rows:
        if one.is_open and one.span is None:
            return one
    for need in outlook.needs:
        if need.kind is not wish.kind or wish.sequence not in (None, need.sequence):
            continue
        known = [one for one in rows if one.sequence == need.sequence]
        over = [day for day in (need.met_on, need.cancelled_on) if day is not None and day <= outlook.day]
        if not over and not any(one.is_open or one.state is MeetingState.HELD for one in known):
            attempt = max((one.attempt for one in known), default=0) + 1
            return fresh(wish.assignment, need, outlook, team, new_id(), attempt)
    return Meeting(
        new_id(),
        wish.kind,
        MeetingState.DUE,
        wish.assignment,
        wish.sequence or 1,
        provider=outlook.provider,
        team=team,
        series=wish.series,
    )


def _place(tx: Tx, tenant: Tenant, meeting: Meeting, wish: Wish, trigger: Trigger, today: date) -> Meeting:
    """Hold what is wanted against everything that may stand against it, and claim it."""
    state = moved(meeting, trigger)
    client = None
    if meeting.assignment is not None:
        client = store.participants(tx, tenant.id, [meeting.assignment])[meeting.assignment]
        if not meeting.needed or (meeting.provider is not None and trigger is Trigger.BOOK):
            # late ones stay with who is late, and are booked by who is in charge now
            in_charge = files(tx, tenant, [meeting.assignment])[meeting.assignment].outlook.provider
            meeting = replace(meeting, provider=in_charge or meeting.provider)
    parties = _parties(meeting, wish, client)
    named = {party.resource for party in parties} | ({wish.room} if wish.room else set())
    resources = store.resources(tx, tenant.id, named)
    room = _room(resources, wish)
    place = (room.place if room is not None and room.place else None) or wish.place
    clients = _clients(tx, tenant, meeting)
    keys = sorted({party.resource for party in parties} | ({room.id} if room else set()) | clients)
    for one in keys:
        tx.lock("claim", tenant.id, one)
    around = Span(wish.span.start - NEAR, wish.span.end + NEAR)
    taken = store.busy(tx, tenant.id, keys, around)
    booking = Booking(
        meeting.kind,
        wish.span,
        wish.mode,
        tuple(
            Seat(
                party,
                resources.get(party.resource),
                client if party.role is _P.CLIENT else None,
                tuple(one for one in taken[party.resource] if one.meeting != meeting.id),
            )
            for party in parties
        ),
        place,
        room,
        wish.seats,
        meeting.provider,
        _premises(tx, tenant, meeting),
        store.travel(tx, tenant.id, travel_default(tenant)),
        wish.outside_hours,
    )
    _object(objections(booking))
    if meeting.assignment is not None and not meeting.needed and not booking.having(_P.PROVIDER):
        meeting = replace(meeting, provider=wish.provider)
    booked = replace(
        meeting,
        state=state,
        span=wish.span,
        mode=wish.mode,
        place=place,
        room=room.id if room else None,
        language=spoken(booking),
        seats=wish.seats,
        activity=wish.activity,
        series=wish.series or meeting.series,
        version=meeting.version + (1 if trigger is Trigger.REBOOK else 0),
        booked_on=today,
        elsewhere=False,
        parties=parties,
        revision=meeting.revision + 1,
    )
    store.save(tx, tenant.id, [booked])
    store.save_parties(tx, tenant.id, booked)
    if meeting.assignment is None and trigger is Trigger.BOOK:
        store.save_subjects(tx, tenant.id, booked)
    _claim(tx, tenant, booked, keys, clients)
    tell(tx, tenant.id, BOOKED if trigger is Trigger.BOOK else REBOOKED, booked)
    return booked


def _parties(meeting: Meeting, wish: Wish, client: Participant | None) -> tuple[Party, ...]:
    """Who takes part: those named, and for roles that have to be there and are not named, who usually has them."""
    found = list(wish.parties)
    named = {party.role for party in found}
    if client is not None:
        found = [one for one in found if one.role is not _P.CLIENT]
        usual = {_P.CLIENT: client.key, _P.CAREER_GUIDE: client.guide, _P.PROVIDER: client.contact}
        for role in MANDATORY.get(meeting.kind, ()):
            resource = usual.get(role)
            if resource is not None and (role not in named or role is _P.CLIENT):
                found.append(Party(role, resource))
        if _P.CLIENT in named and not any(one.role is _P.CLIENT for one in found):
            found.append(Party(_P.CLIENT, client.key))
        if {one.role for one in found} == {_P.CLIENT}:
            role, staff = (_P.PROVIDER, client.contact) if client.contact else (_P.CAREER_GUIDE, client.guide)
            found += [Party(role, staff)] if staff else []
    elif _P.CLIENT in named:
        raise InvalidRequest(
            code=_R.WRONG_PARTY.value,
            faults=[{"path": "parties", "message": "must not have clients: those are its subjects"}],
        )
    if wish.interpreter is not None and _P.INTERPRETER not in named:
        found.append(Party(_P.INTERPRETER, wish.interpreter))
    mandatory = MANDATORY.get(meeting.kind, ())
    unique = {one.resource: replace(one, mandatory=one.mandatory or one.role in mandatory) for one in found}
    if len(unique) < len(found):
        raise InvalidRequest(
            code=_R.WRONG_PARTY.value, faults=[{"path": "parties", "message": "has somebody in two roles"}]
        )
    return tuple(sorted(unique.values(), key=lambda one: (one.role.value, one.resource)))


def _clients(tx: Tx, tenant: Tenant, meeting: Meeting) -> frozenset[str]:
    """By what the clients with a place in a group session are claimed; those of a forum meeting are not there."""
    if meeting.kind is not MeetingKind.GROUP_SESSION:
        return frozenset()
    placed = [one.assignment for one in meeting.subjects if one.waiting is None]
    return frozenset(one.key for one in store.participants(tx, tenant.id, placed).values())


def _room(resources: Mapping[str, Resource], wish: Wish) -> Resource | None:
    if wish.room is None:
        return None
    room = resources.get(wish.room)
    if room is None or room.kind is not ResourceKind.ROOM:
        raise InvalidRequest(
            code=_R.UNKNOWN_RESOURCE.value, faults=[{"path": "room", "message": "is no room that can be used"}]
        )
    return room


def _premises(tx: Tx, tenant: Tenant, meeting: Meeting) -> frozenset[str]:
    """The places of the provider, where its kind of meeting asks for them."""
    if meeting.kind is not MeetingKind.SYV or meeting.provider is None:
        return frozenset()
    own = store.resources(tx, tenant.id, provider=meeting.provider)
    return frozenset(one.place for one in own.values() if one.place is not None)


def _object(found: Sequence[Objection]) -> None:
    """Raise for what stands against it; everything of one kind is named at once."""
    if not found:
        return
    broken = [one for one in found if one.broken]
    shown = broken or found
    faults = [Fault(path=one.path, message=one.message) for one in shown]
    rules = sorted({rule for one in shown for rule in one.rules})
    kind = InvalidRequest if broken else Conflict
    raise kind("The meeting cannot be booked like that.", code=shown[0].code.value, rules=rules, faults=faults)


def _claim(tx: Tx, tenant: Tenant, meeting: Meeting, keys: Collection[str], clients: Collection[str]) -> None:
    """Claim everybody and everything; raises Conflict naming the roles that are taken, and nothing of by what."""
    if meeting.span is None:
        raise ValueError("a booked meeting has a time")
    try:
        store.claim(tx, tenant.id, meeting.id, keys, meeting.place, meeting.span)
    except store.Taken:
        busy = store.busy(tx, tenant.id, keys, meeting.span)
        roles = [party.role.value for party in meeting.parties if busy[party.resource]]
        faults = [Fault(path="parties", message=f"the {role} is taken at that time") for role in sorted(set(roles))]
        if meeting.room is not None and busy[meeting.room]:
            faults.append(Fault(path="room", message="is taken at that time"))
        if any(busy[one] for one in clients):
            faults.append(Fault(path="starts_at", message="does not suit a client who has a place"))
        raise Conflict(
            "Somebody or something is taken at that time.",
            code=_R.ALREADY_TAKEN.value,
            faults=faults or [Fault(path="starts_at", message="has just been taken")],
        ) from None


# --- what becomes of it --------------------------------------------------------------------------------


def cancel(tx: Tx, tenant: Tenant, meeting: str, reason: CancelReason) -> Meeting:
    """Call off a booked meeting and free its time. If a rule still asks for it, the next one is due at once.

    Raises NotFound, Conflict (MEETING_STATE).
    """
    found = locked(tx, tenant, meeting)
    over = replace(
        found,
        state=moved(found, Trigger.CANCEL),
        cancel_reason=reason,
        version=found.version + 1,
        revision=found.revision + 1,
    )
    release(tx, tenant, [over])
    store.save(tx, tenant.id, [over])
    tell(tx, tenant.id, OF_STATE[over.state], over)
    _follow(tx, tenant, over)
    return over


def release(tx: Tx, tenant: Tenant, meetings: Iterable[Meeting]) -> None:
    """Give back the hours that these meetings take."""
    store.release(tx, tenant.id, [one.id for one in meetings])


@dataclass(frozen=True, slots=True)
class Minutes:
    """What was written down of a held meeting. absent: resources, and assignments of a group, that were not there."""

    held_on: date | None = None
    outcome: MeetingOutcome | None = None
    measures: tuple[MeetingMeasure, ...] = ()
    absent: frozenset[str] = frozenset()


@rule("AMI-7.2-b", "AMI-8.2-a")
def hold(tx: Tx, tenant: Tenant, meeting: str, minutes: Minutes) -> Meeting:
    """Record that a meeting was held. Raises NotFound, InvalidRequest, Conflict: also if somebody who had to be there
    was absent, for then it was missed.
    """
    found = locked(tx, tenant, meeting)
    state = moved(found, Trigger.HOLD)
    day = minutes.held_on or _day_of(found)
    _has_been(tenant, day, "held_on" if minutes.held_on else "meeting")
    if found.booked_on is not None and day < found.booked_on:
        message = f"is before the day on which the meeting was booked, {found.booked_on}"
        raise InvalidRequest(code=_R.IN_THE_PAST.value, faults=[{"path": "held_on", "message": message}])
    parties = _attended(found, minutes.absent)
    if any(one.mandatory and not one.attended for one in parties):
        raise Conflict(
            "Somebody who had to be there was absent: the meeting was missed.",
            code=_R.MANDATORY_ABSENT.value,
            rules=("SM-M6",),
            faults=[{"path": "absent", "message": "names somebody who had to be there"}],
        )
    if found.kind in FOLLOW_UPS and minutes.outcome is None:
        message = "is needed: on track, or not and what is to be done"
        raise InvalidRequest(
            code=_R.OUTCOME_MISSING.value, rules=("AMI-7.2-b",), faults=[{"path": "outcome", "message": message}]
        )
    if minutes.outcome is MeetingOutcome.NOT_ON_TRACK and not minutes.measures:
        raise InvalidRequest(
            code=_R.MEASURE_MISSING.value,
            rules=("AMI-7.2-b",),
            faults=[{"path": "measures", "message": "are needed for a client who is not on track"}],
        )
    # what was held before its time does not need it any more
    early = day < _day_of(found)
    over = replace(
        found,
        state=state,
        held_on=day,
        outcome=minutes.outcome,
        measures=minutes.measures,
        parties=parties,
        subjects=tuple(
            replace(one, attended=one.assignment not in minutes.absent) if one.waiting is None else one
            for one in found.subjects
        ),
        version=found.version + (1 if early else 0),
        revision=found.revision + 1,
    )
    if early:
        release(tx, tenant, [over])
    _record(tx, tenant, over)
    tell(tx, tenant.id, OF_STATE[over.state], over)
    return over


@rule("AMI-8.1-e")
def miss(tx: Tx, tenant: Tenant, meeting: str, absent: frozenset[str]) -> Meeting:
    """Record that somebody who had to be there was not. If a rule asks for the meeting, the next one is due at once.

    Raises NotFound, InvalidRequest, Conflict.
    """
    found = locked(tx, tenant, meeting)
    state = moved(found, Trigger.MISS)
    _has_been(tenant, _day_of(found), "meeting")
    parties = _attended(found, absent)
    missing = [one.role.value for one in parties if one.mandatory and not one.attended]
    if not missing:
        raise Conflict(
            "Everybody who had to be there was: the meeting was held.",
            code=_R.NOBODY_ABSENT.value,
            rules=("SM-M6",),
            faults=[{"path": "absent", "message": "names nobody who had to be there"}],
        )
    over = replace(found, state=state, parties=parties, revision=found.revision + 1)
    _record(tx, tenant, over)
    tell(tx, tenant.id, OF_STATE[over.state], over, absent=sorted(set(missing)))
    _follow(tx, tenant, over)
    return over


def _attended(meeting: Meeting, absent: frozenset[str]) -> tuple[Party, ...]:
    there = {party.resource for party in meeting.parties}
    known = there | {f"role:{party.role}" for party in meeting.parties} | {one.assignment for one in meeting.subjects}
    if not absent <= known:
        raise InvalidRequest(
            code=_R.WRONG_PARTY.value, faults=[{"path": "absent", "message": "names somebody who has no part in it"}]
        )
    return tuple(
        replace(one, attended=one.resource not in absent and f"role:{one.role}" not in absent)
        for one in meeting.parties
    )


def _record(tx: Tx, tenant: Tenant, meeting: Meeting) -> None:
    store.save(tx, tenant.id, [meeting])
    store.save_attendance(tx, tenant.id, meeting)


def _has_been(tenant: Tenant, day: date, path: str) -> None:
    if day > business_date(tenant):
        message = "has not been yet on the business date"
        raise Conflict(
            "The meeting has not been yet.", code=_R.NOT_YET.value, faults=[{"path": path, "message": message}]
        )


def _day_of(meeting: Meeting) -> date:
    if meeting.span is None:
        raise ValueError("a meeting that can be held has a time")
    return local_day(meeting.span.start)


def _follow(tx: Tx, tenant: Tenant, meeting: Meeting) -> None:
    """Let the rules ask for the next meeting, if they do."""
    if meeting.assignment is not None and meeting.needed:
        keep(tx, tenant, [_context(tenant, case) for case in held.load_cases(tx, [(tenant.id, meeting.assignment)])])


# --- what everything rests on --------------------------------------------------------------------------


def business_date(tenant: Tenant) -> date:
    """Raises Conflict as long as no day has been opened."""
    if tenant.business_date is None:
        raise Conflict("No business date has been opened.", code=_R.NO_BUSINESS_DATE.value)
    return tenant.business_date


def travel_default(tenant: Tenant) -> int:
    return int(tenant.settings["meetings.travel_default_minutes"])


def files(tx: Tx, tenant: Tenant, assignments: Collection[str]) -> dict[str, File]:
    """The assignments as they are known on the business date. Raises NotFound."""
    cases = held.load_cases(tx, [(tenant.id, one) for one in assignments])
    found = {case.assignment: File(case, look(_context(tenant, case))) for case in cases}
    missing = sorted(set(assignments) - set(found))
    if missing:
        raise NotFound(f"There is no assignment {missing[0]}.")
    return found


def _context(tenant: Tenant, case: Case) -> Context:
    """A case as it is known on the business date."""
    day = business_date(tenant)
    return Context(case.known_by(day), tenant, day)


def one(tx: Tx, tenant: Tenant, meeting: str) -> Meeting:
    """Raises NotFound."""
    found = store.meetings(tx, tenant.id, [meeting])
    if not found:
        raise NotFound(f"There is no meeting {meeting}.")
    return found[0]


def locked(tx: Tx, tenant: Tenant, meeting: str) -> Meeting:
    """A meeting as nobody else changes it now: what it is about is locked first. Raises NotFound."""
    about = one(tx, tenant, meeting)
    if about.assignment is not None:
        store.lock_cases(tx, tenant.id, [about.assignment])
    store.lock_meeting(tx, tenant.id, meeting)
    return one(tx, tenant, meeting)


def moved(meeting: Meeting, trigger: Trigger) -> MeetingState:
    """The state after a trigger. Raises Conflict (MEETING_STATE)."""
    try:
        return after(meeting, trigger)
    except NotPossible as error:
        raise Conflict(str(error), code=_R.MEETING_STATE.value, rules=("SM-M2",)) from None
