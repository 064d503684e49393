"""Some of the many ways to place a meeting: those that a model chooses from.

A meeting has thousands of possible starts, crews and rooms. Offered are the cheapest of each day and, so that meetings
can make way for each other, some at random; the next time others.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from kundval_contracts.codes import MeetingMode

from .board import Board, Choice, Crew, bits, rooms_at
from .greedy import detour, ways
from .problem import Task
from .score import SCALE

#: starts of a crew on a day that are looked at, and crews
STARTS, CREWS = 4, 12


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice for a task, on the day of that number."""

    task: Task
    choice: Choice
    day: int


def candidates(board: Board, task: Task, most: int, random: Random) -> list[Candidate]:
    """At most `most`, each possible as the board stands; all that there are, but for rooms, if those are no more."""
    weights = board.problem.weights
    crews = board.crews(task)
    if len(crews) > CREWS:
        crews = random.sample(crews, CREWS)
    can = list(ways(board, task, crews))
    all_of_them = sum(starts.bit_count() for _, _, starts in can) <= most
    found: list[tuple[int, int, Crew, str | None, int]] = []
    for crew, place, starts in can:
        there = place if task.mode is MeetingMode.IN_PERSON else None
        for day, mask in enumerate(board.day_masks):
            free = starts & mask
            if not free:
                continue
            away = abs((board.days[day] - task.target).days)
            price = SCALE * (weights.day * away + weights.travel * detour(board, task, crew, there, day))
            chosen = bits(free) if all_of_them else _some(free, random)
            found += [(price, day, crew, place, bit) for bit in chosen]
    if len(found) > most:
        # the cheaper half as it is, the rest by lot
        random.shuffle(found)
        found.sort(key=lambda one: one[0])
        half = most // 2
        found = found[:half] + random.sample(found[half:], most - half)
    return [Candidate(task, _settled(board, task, crew, place, bit, random), day) for _, day, crew, place, bit in found]


def _some(free: int, random: Random) -> list[int]:
    """The first and the last start, which leave least in pieces, and some between."""
    every = list(bits(free))
    if len(every) <= STARTS:
        return every
    return [every[0], every[-1], *random.sample(every[1:-1], STARTS - 2)]


def _settled(board: Board, task: Task, crew: Crew, place: str | None, bit: int, random: Random) -> Choice:
    length = board.length(task)
    venues = [
        one
        for one in rooms_at(task.venues)[place]
        if one.room is None or board.starts(one.room, place, length) >> bit & 1
    ]
    interpreter = None
    if crew.interpreted:
        able = [one for one in board.interpreters(task) if board.starts(one, place, length) >> bit & 1]
        interpreter = random.choice(able)
    return Choice(bit, crew.people, random.choice(venues), interpreter)
