"""One CP-SAT model: some tasks are placed anew while all others stay where they are.

What stands is heeded by the candidates already. The model chooses at most one of them for each task, so that those
chosen do not want the same person, room or hour, leave time for the way between two of them, and stay within the week
of whom they share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Any

from ortools.sat.python import cp_model

from kundval_contracts.codes import MeetingMode

from .board import UNIT, Board, Choice
from .candidates import Candidate, candidates
from .problem import Task
from .score import SCALE, load_weight

#: more than the whole of a plan can cost otherwise: a meeting less is never worth what it saves
_PLACED = 10**9
_OVERDUE = 10**5


@dataclass(frozen=True, slots=True)
class Outcome:
    """choices: of the tasks that got a time. proven: these candidates allow nothing better, by the model's cost."""

    choices: dict[str, Choice]
    proven: bool


class Model:
    """Tasks of a board that are not on it at the moment. `even`: the staff whose load counts. `most`: candidates of a
    task. `hints`: where the tasks were.
    """

    def __init__(
        self,
        board: Board,
        tasks: Sequence[Task],
        even: Iterable[str],
        hints: Mapping[str, Choice],
        random: Random,
        most: int,
    ):
        self.board = board
        self.model = cp_model.CpModel()
        self.rows: list[tuple[Candidate, Any]] = []
        self.costs: list[Any] = []
        self.by_key: dict[str, list[int]] = defaultdict(list)
        for task in tasks:
            self._task(task, hints.get(task.id), random, most)
        self._nobody_twice()
        self._weeks()
        self._visits()
        self._loads(frozenset(even))
        self.model.minimize(sum(self.costs))

    def _task(self, task: Task, hint: Choice | None, random: Random, most: int) -> None:
        offered = candidates(self.board, task, most, random)
        if hint is not None and all(one.choice != hint for one in offered):
            offered.append(Candidate(task, hint, self.board.day_at(hint.start)))
        literals = []
        worth = _PLACED + (_OVERDUE if task.overdue else 0)
        for one in offered:
            literal = self.model.new_bool_var("")
            for key in one.choice.keys(task):
                self.by_key[key].append(len(self.rows))
            self.rows.append((one, literal))
            literals.append(literal)
            self.costs.append((SCALE * self._away(one) - worth) * literal)
            self.model.add_hint(literal, one.choice == hint)
        if len(literals) > 1:
            self.model.add_at_most_one(literals)

    def _away(self, one: Candidate) -> int:
        """Days from the target, and the client's own way, as minutes of travel."""
        problem = self.board.problem
        found = problem.weights.day * abs((self.board.days[one.day] - one.task.target).days)
        place = _place(one)
        home = problem.clients[one.task.client].place
        return found + problem.weights.travel * self._there_and_back(home, place)

    def _there_and_back(self, home: str | None, place: str | None) -> int:
        travel = self.board.problem.travel
        return travel.between(home, place) + travel.between(place, home)

    # --- candidates with each other ----------------------------------------------------------------

    def _shared(self) -> Iterator[tuple[str, list[int]]]:
        """Who or what candidates of several tasks want, with their numbers."""
        for key, numbers in self.by_key.items():
            if len({self.rows[one][0].task.id for one in numbers}) > 1:
                yield key, numbers

    def _nobody_twice(self) -> None:
        """Of all that cover one instant of one person or room at most one is chosen."""
        for key, numbers in self._shared():
            by_day: dict[int, list[int]] = defaultdict(list)
            for one in numbers:
                by_day[self.rows[one][0].day].append(one)
            for there in by_day.values():
                self._cliques(there)
                if key not in self.board.problem.rooms:
                    self._ways(there)

    def _cliques(self, numbers: list[int]) -> None:
        spans = [
            (self._start(one), self._start(one) + self.board.length(self.rows[one][0].task), one) for one in numbers
        ]
        seen: set[frozenset[int]] = set()
        for instant in sorted({start for start, _, _ in spans}):
            at_once = frozenset(one for start, end, one in spans if start <= instant < end)
            if len({self.rows[one][0].task.id for one in at_once}) > 1 and at_once not in seen:
                seen.add(at_once)
                self.model.add_at_most_one(self.rows[one][1] for one in sorted(at_once))

    def _ways(self, numbers: list[int]) -> None:
        """Between two meetings of one person in different places there is time for the way."""
        travelling = [one for one in numbers if _place(self.rows[one][0]) is not None]
        by_place: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for one in travelling:
            by_place[self.rows[one][0].task.id, _place(self.rows[one][0])].append(one)
        for (first, here), (second, there) in combinations(by_place, 2):
            if first == second or here == there:
                continue
            forth, back = self.board.way(here, there), self.board.way(there, here)
            if forth or back:
                self._too_near(by_place[first, here], by_place[second, there], forth, back)

    def _too_near(self, ones: list[int], others: list[int], forth: int, back: int) -> None:
        for one in ones:
            start = self._start(one)
            end = start + self.board.length(self.rows[one][0].task)
            near = []
            for other in others:
                begins = self._start(other)
                ends = begins + self.board.length(self.rows[other][0].task)
                # those that overlap are kept apart already
                if end <= begins < end + forth or ends <= start < ends + back:
                    near.append(self.rows[other][1])
            if near:
                # all of `others` belong to one task, so that at most one of them is chosen anyway
                self.model.add_at_most_one([self.rows[one][1], *near])

    def _start(self, number: int) -> int:
        return self.rows[number][0].choice.start

    def _weeks(self) -> None:
        """Nobody has more in a week than the share of a full time allows, where these tasks could come to more."""
        board = self.board
        for person, numbers in self._shared():
            if person not in board.problem.staff:
                continue
            by_week: dict[int, list[int]] = defaultdict(list)
            for one in numbers:
                by_week[board.week_of_day[self.rows[one][0].day]].append(one)
            for week, there in by_week.items():
                left = board.minutes_left(person, week)
                lengths = {self.rows[one][0].task.id: self.rows[one][0].task.minutes for one in there}
                if sum(lengths.values()) > left:
                    self.model.add(sum(self.rows[one][0].task.minutes * self.rows[one][1] for one in there) <= left)

    # --- costs -------------------------------------------------------------------------------------

    def _visits(self) -> None:
        """There and back for each place where somebody has to be on a day, and would not be otherwise: what is saved
        by going from one to the next is left to the score.
        """
        board = self.board
        weight = SCALE * board.problem.weights.travel
        visits: dict[tuple[str, int, str], list[Any]] = defaultdict(list)
        for one, literal in self.rows:
            place = _place(one)
            if place is None:
                continue
            for person in one.choice.people:
                visits[person, one.day, place].append(literal)
        for (person, day, place), literals in visits.items():
            cost = weight * self._there_and_back(board.problem.staff[person].place, place)
            if not cost or board.is_at(person, day, place):
                continue
            visit = self.model.new_bool_var("")
            self.costs.append(cost * visit)
            for literal in literals:
                self.model.add_implication(literal, visit)

    def _loads(self, even: frozenset[str]) -> None:
        """The square of each load, from below by its tangents: as good as the square where it is whole meetings."""
        board = self.board
        for person in sorted(even & self.by_key.keys()):
            numbers = self.by_key[person]
            held = board.minutes(person) // UNIT
            lengths = {self.rows[one][0].task.id: board.length(self.rows[one][0].task) for one in numbers}
            most = held + sum(lengths.values())
            load = held + sum(board.length(self.rows[one][0].task) * self.rows[one][1] for one in numbers)
            square = self.model.new_int_var(held * held, most * most, "")
            step = max(3, (most - held) // 12)
            for at in range(held, most + 1, step):
                self.model.add(square >= 2 * at * load - at * at)
            self.costs.append(load_weight(board.problem, person) * square)

    # --- solving -----------------------------------------------------------------------------------

    def solve(self, *, seed: int, effort: float, seconds: float) -> Outcome | None:
        """effort: CP-SAT's deterministic time, so that the same comes out on any machine; seconds: the limit for one
        that is too slow. None if nothing was found.
        """
        solver = cp_model.CpSolver()
        parameters = solver.parameters
        parameters.num_workers = 1
        parameters.random_seed = seed
        parameters.max_deterministic_time = effort
        parameters.max_time_in_seconds = max(0.01, seconds)
        status = solver.solve(self.model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        chosen = {one.task.id: one.choice for one, literal in self.rows if solver.boolean_value(literal)}
        return Outcome(chosen, status == cp_model.OPTIMAL)


def _place(one: Candidate) -> str | None:
    """Where people have to be for it; None if nowhere."""
    return one.choice.venue.place if one.task.mode is MeetingMode.IN_PERSON else None
