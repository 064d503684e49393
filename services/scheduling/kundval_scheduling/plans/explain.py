"""Why a meeting got no time: the first thing that would have to change, in the order in which a person would ask."""

from __future__ import annotations

from kundval_contracts.codes import MeetingMode, PlanReason

from .board import Board, Crew, rooms_at
from .problem import Refusal, Task


def refusals(board: Board) -> tuple[Refusal, ...]:
    """One for each task that has nothing on the board."""
    missing = [task for task in board.problem.tasks if task.id not in board.chosen]
    if not missing:
        return ()
    alone = Board(board.problem)
    return tuple(_refusal(board, alone, task) for task in missing)


def _refusal(board: Board, alone: Board, task: Task) -> Refusal:
    reason = against(alone, task)
    if reason is not None:
        return Refusal(task.id, reason)
    window = alone.window(task)
    if not any(_weeks_left(board, task, crew) for crew in board.crews(task)):
        staff = {one for seat in task.seats for one in seat.choices}
        weeks = sum(week for week in board.week_masks if week & window)
        return Refusal(task.id, PlanReason.GUIDE_FULL, _rivals(board, staff, weeks))
    keys = {task.client, *(one for seat in task.seats for one in seat.choices)}
    if task.mode is MeetingMode.IN_PERSON:
        keys |= {venue.room for venue in task.venues if venue.room is not None}
    if task.languages:
        keys |= set(board.interpreters(task))
    days = sum(day for day in board.day_masks if day & window)
    return Refusal(task.id, PlanReason.CROWDED_OUT, _rivals(board, keys, days))


def against(alone: Board, task: Task) -> PlanReason | None:
    """What stands against a meeting if it were the only one of the plan; None if nothing does."""
    window, length = alone.window(task), alone.length(task)
    if not window:
        return PlanReason.WINDOW_PAST
    crews = alone.crews(task)
    if not crews:
        return PlanReason.NO_STAFF
    places = list(rooms_at(task.venues)) or [None]
    people = {(crew, place): _people(alone, task, crew, place) for crew in crews for place in places}
    if not any(people.values()):
        return PlanReason.NO_COMMON_HOURS
    client = {key: found & alone.starts(task.client, key[1], length) for key, found in people.items()}
    if not any(client.values()):
        return PlanReason.CLIENT_UNAVAILABLE
    full = {key: found & _weeks_left(alone, task, key[0]) for key, found in client.items()}
    if not any(full.values()):
        return PlanReason.GUIDE_FULL
    interpreters = alone.interpreters(task)
    spoken = {
        (crew, place): found & alone.any_of(interpreters, place, length) if crew.interpreted else found
        for (crew, place), found in full.items()
    }
    if not any(spoken.values()):
        return PlanReason.NO_INTERPRETER
    rooms = rooms_at(task.venues)
    for (_, place), found in spoken.items():
        for venue in rooms.get(place, ()):
            if venue.room is None or found & alone.starts(venue.room, place, length):
                return None
    return PlanReason.ROOMS_TAKEN


def _people(alone: Board, task: Task, crew: Crew, place: str | None) -> int:
    found = alone.window(task)
    for person in crew.people:
        found &= alone.starts(person, place, alone.length(task))
    return found


def _weeks_left(board: Board, task: Task, crew: Crew) -> int:
    """Where on the task's days everybody of a crew has room in the week."""
    found = board.window(task)
    for person in crew.people:
        found &= board.room_left(person, task.minutes)
    return found


def _rivals(board: Board, keys: set[str], when: int) -> int:
    """How many meetings of the plan have one of these within a time."""
    task = board.problem.task
    return sum(
        bool(when >> choice.start & 1) and not keys.isdisjoint(choice.keys(task[name]))
        for name, choice in board.chosen.items()
    )
