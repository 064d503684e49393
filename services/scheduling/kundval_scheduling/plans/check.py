"""Whether a plan keeps every constraint: read from the problem and the plan alone, in plain times.

It shares nothing with the solvers but the words of the problem. A plan that breaks anything here is shown to nobody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import combinations

from kundval_contracts.codes import MeetingMode, MeetingParty
from kundval_contracts.rules import rule

from ..domain.availability import shifts, week_of
from ..domain.instants import Span, day_span, local_day, zone
from ..domain.resources import Busy
from .problem import Placement, Problem, Solution, Task


def breaches(problem: Problem, solution: Solution) -> list[str]:
    """What is wrong with a plan, each as `CODE meeting`; nothing if it can be carried out."""
    placed = [one.task for one in solution.placed]
    told = Counter([*placed, *(one.task for one in solution.refused)])
    found = [f"NOT_ONCE {one.id}" for one in problem.tasks if told.pop(one.id, 0) != 1]
    found += [f"UNKNOWN {name}" for name in told]
    known = [one for one in solution.placed if one.task in problem.task]
    for one in known:
        found += [f"{code} {one.task}" for code in _alone(problem, problem.task[one.task], one)]
    return found + list(_together(problem, known))


def _alone(problem: Problem, task: Task, one: Placement) -> Iterator[str]:
    day = local_day(one.start)
    if one.end - one.start != timedelta(minutes=task.minutes):
        yield "LENGTH"
    local = one.start.astimezone(zone())
    if (local.minute % problem.grid if problem.grid < 60 else local.minute) or local.second or local.microsecond:
        yield "GRID"
    if not (task.first <= day <= task.last) or day in problem.holidays or not one.span.within(problem.window):
        yield "DAY"
    roles = Counter(party.role for party in one.parties)
    wanted = Counter([MeetingParty.CLIENT, *(seat.role for seat in task.seats)])
    if roles - Counter({MeetingParty.INTERPRETER: 1}) != wanted or one.parties[0].resource != task.client:
        yield "PARTIES"
        return
    if len({party.resource for party in one.parties}) != len(one.parties):
        yield "TWICE"
    asked = [party.resource for party in one.parties if party.role is MeetingParty.INTERPRETER]
    if not set(asked) <= set(task.interpreters):
        yield "INTERPRETER"
    for seat in task.seats:
        if not any(party.role is seat.role and party.resource in seat.choices for party in one.parties):
            yield "SEAT"
    yield from _venue(problem, task, one)
    yield from _language(problem, task, one)
    for key in _keys(one):
        if not _works(problem, key, one.span):
            yield "HOURS"


def _venue(problem: Problem, task: Task, one: Placement) -> Iterator[str]:
    if not any((venue.room, venue.place) == (one.room, one.place) for venue in task.venues):
        yield "VENUE"
    elif one.room is not None:
        room = problem.rooms[one.room]
        if room.seats is not None and room.seats < len(one.parties):
            yield "SEATS"
        if room.place != one.place:
            yield "PLACE"


@rule("AF-SOM-17")
def _language(problem: Problem, task: Task, one: Placement) -> Iterator[str]:
    if not task.languages:
        return
    spoken: set[str] = set()
    for party in one.parties:
        who = problem.staff.get(party.resource) or problem.interpreters.get(party.resource)
        spoken.update(who.languages if who else ())
    if spoken.isdisjoint(task.languages):
        yield "LANGUAGE"


def _works(problem: Problem, key: str, span: Span) -> bool:
    """Whether working time, which may be in adjoining pieces, covers all of it."""
    at = span.start
    around = Span(day_span(local_day(span.start)).start, day_span(local_day(span.end)).end)
    for one in shifts(problem.hours(key), around, problem.holidays):
        if one.span.start <= at < one.span.end:
            at = one.span.end
    return at >= span.end


def _keys(one: Placement) -> list[str]:
    return [*(party.resource for party in one.parties), *([one.room] if one.room else [])]


def _together(problem: Problem, placed: Iterable[Placement]) -> Iterator[str]:
    taken: dict[str, list[tuple[Span, str | None, str | None]]] = defaultdict(list)
    minutes: dict[tuple[str, date], int] = defaultdict(int)
    touched: dict[tuple[str, date], str] = {}
    for one in placed:
        place = one.place if problem.task[one.task].mode is MeetingMode.IN_PERSON else None
        for key in _keys(one):
            taken[key].append((one.span, place, one.task))
            if key in problem.staff:
                week = key, week_of(local_day(one.start))
                minutes[week] += one.span.minutes
                touched[week] = one.task
    for key, rows in taken.items():
        rows += [(busy.span, busy.place, None) for busy in problem.busy.get(key, ())]
        rows.sort(key=lambda row: (row[0], row[2] or ""))
        for first, second in combinations(rows, 2):
            who = first[2] or second[2]
            if who is None:
                continue
            if first[0].overlaps(second[0]):
                yield f"OVERLAP {who}"
            elif local_day(first[0].start) == local_day(second[0].start):
                way = problem.travel.between(first[1], second[1])
                if second[0].start - first[0].end < timedelta(minutes=way):
                    yield f"TRAVEL {who}"
    yield from _capacity(problem, minutes, touched)


@rule("LOKA-64")
def _capacity(
    problem: Problem, minutes: dict[tuple[str, date], int], touched: dict[tuple[str, date], str]
) -> Iterator[str]:
    for (person, week), planned in minutes.items():
        booked = sum(_in_week(problem.busy.get(person, ()), week))
        if planned + booked > problem.capacity(person):
            yield f"CAPACITY {touched[person, week]}"


def _in_week(busy: Iterable[Busy], week: date) -> Iterator[int]:
    for one in busy:
        if one.meeting is not None and week_of(local_day(one.span.start)) == week:
            yield one.span.minutes
