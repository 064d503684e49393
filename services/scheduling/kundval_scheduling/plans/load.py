"""The problem of a plan: the unbooked meetings of a team, with everybody and everything that comes into question.

Who has to be there and where it can be is what finding times for one meeting knows (`slots.load`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.veil import restricted
from kundval_contracts.case import Tenant
from kundval_contracts.codes import MeetingMode, MeetingParty, MeetingState, PlanReason, ResourceKind
from kundval_contracts.errors import InvalidRequest
from kundval_contracts.rules import rule
from kundval_contracts.workdays import holidays_of

from ..domain.booking import IN_PERSON
from ..domain.instants import Span, day_span
from ..domain.meeting import Meeting
from ..domain.resources import Resource
from ..meetings import book
from ..meetings import store as meetings
from ..slots.load import Search, interpreters_for, office, parties_for, place_for, rooms_for, whole_weeks
from . import store
from .problem import Client, Problem, Seat, Task, Venue, Way

#: nothing is asked for but the meeting
_NO_WISHES: Mapping[str, Any] = {"parties": [], "room": None, "place": None, "mode": None, "minutes": None}
_LATE = frozenset({MeetingState.DUE_OVERDUE, MeetingState.OVERDUE})


@dataclass(frozen=True, slots=True)
class Loaded:
    """The problem; meetings that a person must see to, with the reason; and what both are about, by meeting."""

    problem: Problem
    by_hand: Mapping[str, PlanReason]
    meetings: Mapping[str, Meeting]


def load(tx: Tx, tenant: Tenant, team: str, first: date, last: date) -> Loaded:
    """The unbooked meetings of a team that can be between two days, both included.

    Of persons whose whereabouts are protected nothing goes into a problem.
    """
    found = [one for one in store.unbooked(tx, tenant.id, team) if _days(tenant, one, first, last) is not None]
    found = _in_charge(tx, tenant, found)
    hidden = restricted(tx, tenant.id, [one.assignment for one in found if one.assignment])
    by_hand = {one.id: PlanReason.PROTECTED for one in found if one.assignment in hidden}
    participants = meetings.participants(tx, tenant.id, [one.assignment for one in found if one.assignment])
    resources = meetings.resources(tx, tenant.id)
    hours = office(tenant)
    tasks: list[Task] = []
    for one in found:
        if one.id in by_hand or one.assignment is None:
            continue
        client = participants[one.assignment]
        mode = MeetingMode.IN_PERSON if one.kind in IN_PERSON else one.mode or MeetingMode.IN_PERSON
        task = _task(Search(tenant, one, client, _NO_WISHES, mode, hours, resources), (first, last))
        if isinstance(task, PlanReason):
            by_hand[one.id] = task
        else:
            tasks.append(task)
    clients = {one.key: one for one in participants.values()}
    named = _named(tasks)
    busy = meetings.busy(tx, tenant.id, [*named, *{task.client for task in tasks}], whole_weeks(first, last))
    travel = meetings.travel(tx, tenant.id, book.travel_default(tenant))
    problem = Problem(
        Span(day_span(first).start, day_span(last).end),
        _of_kind(resources, named, ResourceKind.STAFF),
        _of_kind(resources, named, ResourceKind.ROOM),
        _of_kind(resources, named, ResourceKind.INTERPRETER),
        {key: Client(key, clients[key].hours, clients[key].place) for key in sorted({task.client for task in tasks})},
        tuple(sorted(tasks, key=lambda task: task.id)),
        {key: tuple(rows) for key, rows in busy.items() if rows},
        tuple(Way(*way, minutes) for way, minutes in sorted(travel.minutes.items())),
        travel.default,
        tuple(sorted(day for year in range(first.year, last.year + 1) for day in holidays_of(year))),
        tenant.settings["meetings.grid_minutes"],
        tenant.settings["full_time_hours"] * 60,
        hours,
    )
    return Loaded(problem, by_hand, {one.id: one for one in found})


def _in_charge(tx: Tx, tenant: Tenant, found: list[Meeting]) -> list[Meeting]:
    """Late meetings stay with who was in charge, and are booked by who is now."""
    late = [one.assignment for one in found if one.state in _LATE and one.provider and one.assignment]
    files = book.files(tx, tenant, sorted(set(late))) if late else {}
    return [
        replace(one, provider=files[one.assignment].outlook.provider or one.provider)
        if one.provider and one.state in _LATE and one.assignment in files
        else one
        for one in found
    ]


@rule("AMI-8.2-a")
def _days(tenant: Tenant, meeting: Meeting, first: date, last: date) -> tuple[date, date, date] | None:
    """First day, last day and target of a meeting in a plan; None if it is for later.

    The tolerance counts in both directions. What can no longer be in time can be on any day, the sooner the better.
    """
    tolerance = timedelta(days=tenant.settings["followup.tolerance_days"])
    soonest, latest = first, last
    if meeting.target is not None:
        soonest = max(first, meeting.target - tolerance)
        latest = min(last, meeting.hold_by or meeting.target + tolerance)
    if soonest > last:
        return None
    if latest < soonest:
        return soonest, last, soonest
    target = meeting.target or meeting.book_by or soonest
    return soonest, latest, min(max(target, soonest), latest)


@rule("AMI-7.2-b", "AF-SOM-17", "AF-SOM-22")
def _task(search: Search, days: tuple[date, date]) -> Task | PlanReason:
    """A meeting as a task, or why a person must see to it."""
    meeting, client, tenant = search.meeting, search.participant, search.tenant
    between = _days(tenant, meeting, *days)
    wanted = parties_for(search)
    seats = tuple(Seat(role, choices) for role, choices, _ in wanted if role is not MeetingParty.CLIENT)
    staff = {key for key, one in search.resources.items() if one.kind is ResourceKind.STAFF}
    if between is None or len(seats) == len(wanted) or not all(set(seat.choices) & staff for seat in seats):
        return PlanReason.NO_STAFF
    interpreters = interpreters_for(search, wanted)
    languages = () if client.swedish_ok else client.languages
    if not client.swedish_ok and not languages:
        return PlanReason.NO_INTERPRETER
    minutes = tenant.settings["meetings.minutes"][meeting.kind.value]
    return Task(
        meeting.id,
        meeting.kind,
        int(minutes),
        *between,
        client.key,
        tuple(Seat(seat.role, tuple(one for one in seat.choices if one in staff)) for seat in seats),
        _venues(search, wanted, bool(languages)),
        search.mode,
        meeting.state in _LATE,
        tuple(languages),
        tuple(one.id for one in interpreters),
    )


def _venues(search: Search, wanted: Any, interpreted: bool) -> tuple[Venue, ...]:
    """The rooms that are large enough, the smallest first; without any rooms at all the place where one would meet."""
    if search.mode is not MeetingMode.IN_PERSON:
        return (Venue(),)
    rooms = rooms_for(search, wanted)
    if rooms:
        needed = len(wanted) + interpreted
        able = [one for one in rooms if one.seats is None or one.seats >= needed]
        able.sort(key=lambda one: (one.seats or needed, one.id))
        return tuple(Venue(one.id, one.place) for one in able if one.place is not None)
    try:
        return (Venue(None, place_for(search, wanted)),)
    except InvalidRequest:
        return ()


def _named(tasks: Iterable[Task]) -> list[str]:
    """Every resource that comes into question."""
    found: set[str] = set()
    for task in tasks:
        found.update(one for seat in task.seats for one in seat.choices)
        found.update(venue.room for venue in task.venues if venue.room is not None)
        if task.languages:
            found.update(task.interpreters)
    return sorted(found)


def _of_kind(resources: Mapping[str, Resource], named: Iterable[str], kind: ResourceKind) -> dict[str, Resource]:
    return {key: resources[key] for key in named if resources[key].kind is kind}
