"""Each meeting in turn gets a time, and what is given is never taken back.

`first_fit` is what a patient person with everybody's calendars does: by last day, the first time that is left. It is
the solver's peer. `best_fit` begins with the meetings that can be on the fewest days, looks at all of these and takes
the time that costs least: where the solver begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kundval_contracts.codes import MeetingMode

from .board import UNIT, Board, Choice, Crew, bits, rooms_at
from .problem import Problem, Task
from .score import SCALE, considered, load_weight


def in_turn(problem: Problem) -> list[Task]:
    """What is overdue first, then by last day."""
    return sorted(problem.tasks, key=lambda one: (not one.overdue, one.last, one.target, one.id))


def first_fit(problem: Problem) -> Board:
    board = Board(problem)
    for task in in_turn(problem):
        choice = min(_firsts(board, task), key=lambda one: one.start, default=None)
        if choice is not None:
            board.put(task, choice)
    return board


def best_fit(problem: Problem) -> Board:
    board = Board(problem)
    even = set(considered(problem))
    scarce = {task.id: _days(board, task) for task in problem.tasks}
    for task in sorted(problem.tasks, key=lambda one: (not one.overdue, scarce[one.id], one.last, one.id)):
        found = cheapest(board, task, even)
        if found is not None:
            board.put(task, found)
    return board


def _days(board: Board, task: Task) -> int:
    """Days on which a task can be, each counted for every crew and place."""
    return sum(bool(found & mask) for _, _, found in ways(board, task) for mask in board.day_masks)


def ways(board: Board, task: Task, crews: Iterable[Crew] | None = None) -> Iterator[tuple[Crew, str | None, int]]:
    """(crew, place, where they can start there with a room and an interpreter if one must come); of these crews, or of
    all.
    """
    length = board.length(task)
    places = [
        (place, board.any_of((one.room for one in venues if one.room is not None), place, length))
        if all(one.room is not None for one in venues)
        else (place, -1)
        for place, venues in rooms_at(task.venues).items()
    ]
    interpreters = board.interpreters(task) if task.languages else []
    for crew in board.crews(task) if crews is None else crews:
        for place, rooms in places:
            found = board.together(task, crew, place) & rooms
            if found and crew.interpreted:
                found &= board.any_of(interpreters, place, length)
            if found:
                yield crew, place, found


def settled(board: Board, task: Task, crew: Crew, place: str | None, bit: int) -> Choice:
    """The choice for a start that `ways` has found: the smallest room that is free, the first interpreter."""
    length = board.length(task)
    venue = next(
        one
        for one in rooms_at(task.venues)[place]
        if one.room is None or board.starts(one.room, place, length) >> bit & 1
    )
    interpreter = board.first_of(board.interpreters(task), place, length, bit) if crew.interpreted else None
    return Choice(bit, crew.people, venue, interpreter)


def _firsts(board: Board, task: Task) -> Iterator[Choice]:
    for crew, place, found in ways(board, task):
        yield settled(board, task, crew, place, next(bits(found)))


def cheapest(board: Board, task: Task, even: set[str]) -> Choice | None:
    """The choice that adds least to the cost, as far as can be seen without asking the whole day of everybody."""
    weights = board.problem.weights
    best: tuple[int, int, int] | None = None
    chosen: tuple[Crew, str | None, int] | None = None
    for place, (crew, where, found) in enumerate(ways(board, task)):
        there = where if task.mode is MeetingMode.IN_PERSON else None
        load = 0
        for one in crew.people:
            if one in even:
                more = board.length(task)
                before = board.minutes(one) // UNIT
                load += load_weight(board.problem, one) * ((before + more) ** 2 - before**2)
        for day, mask in enumerate(board.day_masks):
            starts = found & mask
            if not starts:
                continue
            away = abs((board.days[day] - task.target).days)
            price = load + SCALE * (weights.day * away + weights.travel * detour(board, task, crew, there, day))
            key = (price, next(bits(starts)), place)
            if best is None or key < best:
                best, chosen = key, (crew, where, key[1])
    return settled(board, task, *chosen) if chosen else None


def detour(board: Board, task: Task, crew: Crew, place: str | None, day: int) -> int:
    """Minutes there and back for whoever has nothing else at that place on that day."""
    if place is None:
        return 0
    problem = board.problem
    people = [(one, problem.staff[one].place) for one in crew.people]
    people.append((task.client, problem.clients[task.client].place))
    found = 0
    for key, home in people:
        if home != place and not board.is_at(key, day, place):
            found += problem.travel.between(home, place) + problem.travel.between(place, home)
    return found
