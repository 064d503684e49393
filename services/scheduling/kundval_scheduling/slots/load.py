"""Who and what comes into question for a meeting, with their hours and what takes them: the problem to be solved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import BookingRefusal, MeetingKind, MeetingMode, MeetingParty, ResourceKind
from kundval_contracts.errors import Forbidden, InvalidRequest
from kundval_contracts.rules import rule
from kundval_contracts.workdays import holidays_of

from ..domain import slot_problem
from ..domain.availability import office_hours, week_of
from ..domain.booking import FARTHEST, IN_PERSON
from ..domain.instants import Span, day_span
from ..domain.meeting import Meeting
from ..domain.needs import MANDATORY
from ..domain.resources import Busy, Hours, Participant, Resource, is_client
from ..domain.slot_problem import Attendee, Problem, Seat
from ..meetings import book
from ..meetings import store as meetings

_R, _P = BookingRefusal, MeetingParty
#: days that are looked through when nothing says how many
_USUAL = 42
#: days after the last one in time through which something later is looked for
_LATER = 28
#: the most days of one search
MOST_DAYS = 92
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


# --- when ------------------------------------------------------------------------------------------------


@rule("AMI-8.2-a")
def period(tenant: Tenant, meeting: Meeting, request: Mapping[str, Any]) -> tuple[date, date]:
    """First and last day to look through; the last before the first if all of them have passed.

    Nothing is proposed sooner than `meetings.lead_days` after the business date. Around a target day the tolerance
    counts in both directions, and further on what is late but better than nothing. Raises InvalidRequest.
    """
    today = book.business_date(tenant)
    soonest = today + timedelta(days=tenant.settings["meetings.lead_days"])
    first = soonest
    last = soonest + timedelta(days=_USUAL - 1)
    if meeting.target is not None:
        tolerance = timedelta(days=tenant.settings["followup.tolerance_days"])
        first = max(soonest, meeting.target - tolerance)
        last = max(first, meeting.hold_by or meeting.target + tolerance) + timedelta(days=_LATER)
    if request["earliest"] is not None:
        first = max(soonest, request["earliest"])
        last = max(last, first + timedelta(days=_USUAL - 1))
    if request["latest"] is not None:
        last = request["latest"]
    if last > today + FARTHEST:
        raise _bad(_R.TOO_FAR_AHEAD, "latest", "is more than two years ahead")
    if (last - first).days >= MOST_DAYS:
        if request["latest"] is not None:
            raise InvalidRequest(
                faults=[{"path": "latest", "message": f"is too late: {MOST_DAYS} days can be looked through at once"}]
            )
        last = first + timedelta(days=MOST_DAYS - 1)
    return first, last


# --- who and where -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Search:
    """What the parts of a problem are made from. busy: by resource, in whole ISO weeks around the days searched."""

    tenant: Tenant
    meeting: Meeting
    participant: Participant
    request: Mapping[str, Any]
    mode: MeetingMode
    office: tuple[Hours, ...]
    resources: Mapping[str, Resource]
    busy: Mapping[str, Sequence[Busy]] = field(default_factory=dict)

    def taken(self, key: str) -> list[Busy]:
        """What takes somebody, the meeting itself aside: it is the one to be moved."""
        return [one for one in self.busy.get(key, ()) if one.meeting != self.meeting.id]

    def staff(self, resource: Resource) -> Attendee:
        # an interpreter's hours need not be known
        if resource.kind is ResourceKind.INTERPRETER and not resource.hours:
            resource = replace(resource, hours=self.office)
        return slot_problem.staff(resource, self.taken(resource.id), self.tenant.settings["full_time_hours"])

    def client(self) -> Attendee:
        return slot_problem.client(self.participant, self.taken(self.participant.key), self.office)

    def of_kind(self, kind: ResourceKind) -> list[Resource]:
        return [one for one in self.resources.values() if one.kind is kind]


def problem(
    tx: Tx,
    tenant: Tenant,
    meeting: Meeting,
    participant: Participant,
    request: Mapping[str, Any],
    caller: Caller,
    days: tuple[date, date],
) -> Problem:
    """What has to be solved. Raises InvalidRequest, Forbidden: a party, a room or a way of meeting that cannot be."""
    mode = request["mode"] or meeting.mode or MeetingMode.IN_PERSON
    if (why := IN_PERSON.get(meeting.kind)) is not None and mode is not MeetingMode.IN_PERSON:
        raise _bad(_R.NOT_IN_PERSON, "mode", "must be IN_PERSON for this kind", why)
    search = Search(
        tenant,
        meeting,
        participant,
        request,
        mode,
        office(tenant),
        meetings.resources(tx, tenant.id),
    )
    wanted = parties_for(search, caller)
    rooms = rooms_for(search, wanted)
    interpreters = interpreters_for(search, wanted)
    keys = {key for _, choices, _ in wanted for key in choices} | {one.id for one in (*rooms, *interpreters)}
    window = Span(day_span(days[0]).start, day_span(days[1]).end)
    search = replace(search, busy=meetings.busy(tx, tenant.id, keys, whole_weeks(*days)))
    years = range(days[0].year, days[1].year + 1)
    languages = None
    if not participant.swedish_ok and any(role is _P.CLIENT for role, _, _ in wanted):
        languages = participant.languages
    return Problem(
        window,
        _minutes(search),
        mode,
        tuple(_seat(search, *one) for one in wanted),
        tuple(slot_problem.room(one, search.taken(one.id)) for one in rooms),
        None if rooms or mode is not MeetingMode.IN_PERSON else place_for(search, wanted),
        languages,
        tuple(search.staff(one) for one in interpreters),
        meeting.target,
        meeting.hold_by,
        meetings.travel(tx, tenant.id, book.travel_default(tenant)),
        frozenset() if request["on_holidays"] else frozenset().union(*(holidays_of(year) for year in years)),
        tenant.settings["meetings.grid_minutes"],
        tenant.settings["meetings.buffer_minutes"],
    )


def office(tenant: Tenant) -> tuple[Hours, ...]:
    """The hours of whoever has given none."""
    return office_hours(*map(time.fromisoformat, tenant.settings["meetings.office_hours"]))


def whole_weeks(first: date, last: date) -> Span:
    """The ISO weeks of these days and of those between: it is by weeks that somebody has time for so much."""
    return Span(day_span(week_of(first)).start, day_span(week_of(last) + _WEEK).start)


def _minutes(search: Search) -> int:
    own = search.meeting.span.minutes if search.meeting.span else None
    usual = search.tenant.settings["meetings.minutes"][search.meeting.kind.value]
    return int(search.request["minutes"] or own or usual)


#: a role, who can take it, and whether it must be taken
_Wanted = tuple[MeetingParty, tuple[str, ...], bool]


@rule("AMI-7.2-b")
def parties_for(search: Search, caller: Caller | None = None) -> list[_Wanted]:
    """Who is to be there: those named; for roles that must be there and are not named, who usually has them; and
    where that is not known, anybody of the team or of the provider in charge. caller: who names somebody.
    """
    meeting, client = search.meeting, search.participant
    given = [(one["role"], one["resource"], one["mandatory"]) for one in search.request["parties"]]
    for role, resource, _ in given:
        _check(search, caller, role, resource)
    named = {role for role, _, _ in given}
    roles = MANDATORY.get(meeting.kind, ())
    found: list[_Wanted] = [
        (role, (resource,), mandatory or role in roles)
        for role, resource, mandatory in given
        if role not in (_P.CLIENT, _P.INTERPRETER)
    ]
    if meeting.parties:
        kept = [one for one in meeting.parties if one.role not in named and one.role is not _P.INTERPRETER]
        found += [(one.role, (client.key if one.role is _P.CLIENT else one.resource,), one.mandatory) for one in kept]
    else:
        found += [(role, _usual(search, role), True) for role in roles if role not in (_P.CLIENT, *named)]
        if _P.CLIENT in roles or _P.CLIENT in named:
            found.insert(0, (_P.CLIENT, (client.key,), True))
        if {role for role, _, _ in found} == {_P.CLIENT}:
            found.append(_other(search))
    return _each_once(found)


def _check(search: Search, caller: Caller | None, role: MeetingParty, name: str) -> None:
    """Whoever is named can have that role; and nobody learns by it when others' staff are free."""
    resource = search.resources.get(name)
    if role is _P.CLIENT:
        return
    if resource is None:
        if role in (_P.CAREER_GUIDE, _P.PROVIDER, _P.INTERPRETER) or is_client(name):
            raise _bad(_R.UNKNOWN_RESOURCE, "parties", f"has a {role} who is not known")
        return
    if caller is not None and caller.provider is not None and resource.provider not in (None, caller.provider):
        raise Forbidden("A provider asks for its own staff.", code="NOT_YOUR_RESOURCE")
    wanted = ResourceKind.INTERPRETER if role is _P.INTERPRETER else ResourceKind.STAFF
    fits = resource.kind is wanted
    if role is _P.PROVIDER:
        fits = fits and resource.provider is not None and resource.provider == search.meeting.provider
    elif role is _P.CAREER_GUIDE:
        fits = fits and resource.provider is None
    if not fits:
        raise _bad(_R.WRONG_PARTY, "parties", f"has a {role} that cannot be one here")


def _usual(search: Search, role: MeetingParty) -> tuple[str, ...]:
    """Who has a role: the one who is known to, if still there and of those that could; else all that could."""
    client, provider = search.participant, search.meeting.provider
    staff = search.of_kind(ResourceKind.STAFF)
    if role is _P.CAREER_GUIDE:
        known = client.guide
        own = [one for one in staff if one.provider is None]
        able = [one.id for one in own if client.team is None or one.team == client.team or one.id == known]
    elif role is _P.PROVIDER and provider is not None:
        known = client.contact
        able = [one.id for one in staff if one.provider == provider]
    else:
        return ()
    return (known,) if known in able else tuple(able)


def _other(search: Search) -> _Wanted:
    """Whom the client meets where no rule says so: who is known by name before who is not, the provider first."""
    contact, guide = _usual(search, _P.PROVIDER), _usual(search, _P.CAREER_GUIDE)
    if contact == (search.participant.contact,) or (contact and guide != (search.participant.guide,)):
        return _P.PROVIDER, contact, True
    return _P.CAREER_GUIDE, guide, True


def _each_once(found: Sequence[_Wanted]) -> list[_Wanted]:
    """Nobody has two parts: who is named for one is not asked for another. Raises InvalidRequest for two named."""
    fixed = [choices[0] for _, choices, _ in found if len(choices) == 1]
    if len(set(fixed)) < len(fixed):
        raise _bad(_R.WRONG_PARTY, "parties", "has somebody in two roles")
    return [
        (role, choices if len(choices) == 1 else tuple(one for one in choices if one not in fixed), mandatory)
        for role, choices, mandatory in found
    ]


def _seat(search: Search, role: MeetingParty, choices: Collection[str], mandatory: bool) -> Seat:
    return Seat(role, tuple(_attendee(search, role, key) for key in choices), mandatory)


def _attendee(search: Search, role: MeetingParty, key: str) -> Attendee:
    if role is _P.CLIENT:
        return search.client()
    resource = search.resources.get(key)
    # of whom nothing is kept, nothing is known but what they have been booked for
    return search.staff(resource) if resource else Attendee(key, search.office, tuple(search.taken(key)))


@rule("AF-SOM-17")
def interpreters_for(search: Search, wanted: Sequence[_Wanted]) -> list[Resource]:
    """Who can interpret, if the client needs it: one that is named, else all but other providers' own."""
    if search.participant.swedish_ok or not any(role is _P.CLIENT for role, _, _ in wanted):
        return []
    named = {one["resource"] for one in search.request["parties"] if one["role"] is _P.INTERPRETER}
    return [
        one
        for one in search.of_kind(ResourceKind.INTERPRETER)
        if (one.id in named if named else one.provider in (None, search.meeting.provider))
    ]


@rule("AF-SOM-22")
def rooms_for(search: Search, wanted: Sequence[_Wanted]) -> list[Resource]:
    """Rooms of the municipality and of the provider who takes part; of guidance under AF-SOM-22 the provider's own."""
    request, provider = search.request, search.meeting.provider
    if search.mode is not MeetingMode.IN_PERSON:
        if request["room"] or request["place"]:
            raise _bad(_R.PLACE_NOT_WANTED, "room" if request["room"] else "place", "is for meetings in person")
        return []
    owners: set[str | None] = set() if search.meeting.kind is MeetingKind.SYV else {None}
    if provider is not None and any(role is _P.PROVIDER for role, _, _ in wanted):
        owners.add(provider)
    rooms = [one for one in search.of_kind(ResourceKind.ROOM) if one.provider in owners]
    if request["room"] is not None:
        rooms = [one for one in rooms if one.id == request["room"]]
        if not rooms:
            raise _bad(_R.UNKNOWN_RESOURCE, "room", "is no room that can be used")
    elif search.meeting.team is not None:
        rooms = [one for one in rooms if one.team in (None, search.meeting.team)]
    if request["place"] is not None:
        rooms = [one for one in rooms if one.place == request["place"]]
    return rooms


def place_for(search: Search, wanted: Sequence[_Wanted]) -> str:
    """Where to meet without a room: where it is asked for, else where the provider or the career guide is."""
    place: str | None = search.request["place"]
    by_role = {role: choices for role, choices, _ in wanted}
    staff = [key for role in (_P.PROVIDER, _P.CAREER_GUIDE) for key in by_role.get(role, ())]
    usual = next((one.place for key in staff if (one := search.resources.get(key)) and one.place), None)
    if search.meeting.kind is MeetingKind.SYV:
        own = [one.place for one in search.resources.values() if one.provider == search.meeting.provider and one.place]
        if place is not None and place not in own:
            raise _bad(_R.NOT_IN_PREMISES, "place", "is not the supplier's", "AF-SOM-22")
        usual = usual or next(iter(own), None)
    found = place or usual
    if found is None:
        raise _bad(_R.PLACE_MISSING, "place", "is needed: there is no room, and nobody's place is known")
    return found


def _bad(code: BookingRefusal, path: str, message: str, *rules: str) -> InvalidRequest:
    return InvalidRequest(code=code.value, rules=rules, faults=[{"path": path, "message": message}])
