"""Large-neighbourhood search: from the better of two greedy plans, again and again some tasks are placed anew by CP-SAT
while the others stay, and what comes out is kept if it is worth more.

Two neighbourhoods at a time, one for each core, both from the same plan; the second's is kept only as far as that of
the first leaves room for it. How much CP-SAT may do for each is counted in its deterministic time: with the same seed
the same plan comes out, unless the time limit cuts the search short.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kundval_contracts.codes import PlanSolver

from .board import Board, Choice
from .explain import against, refusals
from .greedy import best_fit, first_fit, ways
from .problem import Problem, Solution, Task
from .score import Score, considered, figures, score

if TYPE_CHECKING:
    from .model import Model

#: tasks that are placed anew at once: at first, at least and at most
SIZE, LEAST, MOST = 24, 16, 60
#: candidates of each
CANDIDATES = 80
#: candidates of each in a problem that is small enough for one model
ALL = 300
#: CP-SAT's deterministic time for one neighbourhood
EFFORT = 0.1
#: rounds without any gain after which it ends
PATIENCE = 40
CORES = 2
#: wall time from which no more rounds are begun, as a share of the limit
_LAST = 0.9


@dataclass(frozen=True, slots=True)
class Limits:
    """seconds: of wall time. rounds: at most so many, each of two neighbourhoods."""

    seconds: float = 45.0
    rounds: int = 400
    seed: int = 1


def solve(problem: Problem, limits: Limits = Limits()) -> tuple[Board, int]:
    """The plan as a board, and how many rounds it took. It is never worth less than either greedy plan."""
    return _Search(problem, limits).run()


class _Search:
    def __init__(self, problem: Problem, limits: Limits):
        self.problem, self.limits = problem, limits
        self.began = time.monotonic()
        self.even = considered(problem)
        self.random = random.Random(limits.seed)
        plans = [first_fit(problem), best_fit(problem)]
        self.best = max((score(one, self.even), place) for place, one in enumerate(plans))
        self.board = plans[self.best[1]]
        self.score: Score = self.best[0]
        self.size = SIZE
        self.alone = Board(problem)
        #: tasks that could have a time if nobody else had one
        self.hopeful = {
            task.id for task in problem.tasks if task.id in self.board.chosen or not against(self.alone, task)
        }

    def run(self) -> tuple[Board, int]:
        if len(self.problem.tasks) <= SIZE:
            return self.board, self._whole()
        idle = rounds = 0
        with ThreadPoolExecutor(CORES) as pool:
            while rounds < self.limits.rounds and idle < PATIENCE and self._left() > 0:
                rounds += 1
                idle = 0 if self._round(pool, rounds) else idle + 1
        return self.board, rounds

    def _left(self) -> float:
        return self.limits.seconds * _LAST - (time.monotonic() - self.began)

    def _whole(self) -> int:
        """A small problem in one model, with time to prove that nothing is better."""
        tasks = list(self.problem.tasks)
        before = {task.id: self.board.take(task) for task in tasks if task.id in self.board.chosen}
        model = _model()(self.board, tasks, self.even, before, self.random, ALL)
        outcome = model.solve(seed=self.limits.seed, effort=EFFORT * 10, seconds=self._left())
        self._keep(tasks, before, outcome.choices if outcome else {})
        return 1

    # --- a round -----------------------------------------------------------------------------------

    def _round(self, pool: ThreadPoolExecutor, number: int) -> bool:
        """Place two neighbourhoods anew; whether that made the plan worth more."""
        sets = self._neighbourhoods(number)
        work = []
        for place, tasks in enumerate(sets):
            before = {task.id: self.board.take(task) for task in tasks if task.id in self.board.chosen}
            model = _model()(self.board, tasks, self.even, before, self.random, CANDIDATES)
            for name, choice in before.items():
                self.board.put(self.problem.task[name], choice)
            seed = self.limits.seed * 1_000_003 + number * CORES + place
            work.append((tasks, pool.submit(model.solve, seed=seed, effort=EFFORT, seconds=self._left() + 1)))
        gained, proven = False, True
        for tasks, future in work:
            outcome = future.result()
            proven = proven and outcome is not None and outcome.proven
            if outcome is not None:
                before = {task.id: self.board.take(task) for task in tasks if task.id in self.board.chosen}
                gained = self._keep(tasks, before, outcome.choices) or gained
        self.size = min(MOST, self.size + 2) if proven else max(LEAST, self.size - 1)
        return gained

    def _keep(self, tasks: list[Task], before: dict[str, Choice], after: dict[str, Choice]) -> bool:
        """Put what is new if all of it is possible and worth more than what was; else what was."""
        put: list[Task] = []
        for task in tasks:
            choice = after.get(task.id)
            if choice is not None and self.board.possible(task, choice):
                self.board.put(task, choice)
                put.append(task)
        worth = score(self.board, self.even)
        if worth > self.score:
            self.score = worth
            return True
        for task in put:
            self.board.take(task)
        for name, choice in before.items():
            self.board.put(self.problem.task[name], choice)
        return False

    # --- which tasks -------------------------------------------------------------------------------

    def _neighbourhoods(self, number: int) -> list[list[Task]]:
        kinds: list[Callable[[], list[str]]] = [self._of_a_person, self._of_some_days, self._at_a_place, self._anyhow]
        missing = sorted(self.hopeful - self.board.chosen.keys())
        found: list[list[Task]] = []
        seen: set[str] = set()
        for place in range(CORES):
            if missing and number % 3:
                names = self._around(self.random.choice(missing))
            else:
                names = kinds[(number * CORES + place) // 2 % len(kinds)]()
            chosen = [one for one in names if one not in seen][: self.size]
            seen.update(chosen)
            found.append([self.problem.task[one] for one in chosen])
        return [one for one in found if one]

    def _shuffled(self, names: set[str]) -> list[str]:
        rows = sorted(names)
        self.random.shuffle(rows)
        return rows

    def _around(self, name: str) -> list[str]:
        """A task that has no time, those that have whom it needs on some day on which it could be, and those that have
        whom these need, in the same days.
        """
        task, board = self.problem.task[name], self.board
        crew, place, starts = self.random.choice(list(ways(self.alone, task)))
        day = self.random.choice([day for day, mask in enumerate(board.day_masks) if starts & mask])
        keys = {task.client, *crew.people, *(one.room for one in task.venues if one.place == place and one.room)}
        near = self._having(keys, {day})
        keys = {key for one in near for key in board.chosen[one].people}
        further = self._having(keys, set(range(day - 3, day + 4))) - near
        return [name, *self._shuffled(near)[: self.size // 2], *self._shuffled(further)]

    def _having(self, keys: set[str], days: set[int]) -> set[str]:
        board = self.board
        return {
            name
            for name, one in board.chosen.items()
            if board.day_at(one.start) in days and not keys.isdisjoint(one.keys(self.problem.task[name]))
        }

    def _of_a_person(self) -> list[str]:
        """What somebody has, then what else there is on the same days."""
        person = self.random.choice(sorted(self.problem.staff))
        mine = {name for name, one in self.board.chosen.items() if person in one.people}
        days = {self.board.day_at(self.board.chosen[one].start) for one in mine}
        near = {name for name, one in self.board.chosen.items() if self.board.day_at(one.start) in days}
        return [*self._shuffled(mine), *self._shuffled(near - mine)]

    def _of_some_days(self) -> list[str]:
        chosen = self.board.chosen
        if not chosen:
            return self._anyhow()
        middle = self.board.day_at(self.random.choice(list(chosen.values())).start)
        rows = self._shuffled(set(chosen))
        return sorted(rows, key=lambda one: abs(self.board.day_at(chosen[one].start) - middle))

    def _at_a_place(self) -> list[str]:
        chosen = self.board.chosen
        if not chosen:
            return self._anyhow()
        some = self.random.choice(list(chosen.values()))
        people, place = set(some.people), some.venue.place
        rows = self._shuffled(set(chosen))
        return sorted(rows, key=lambda one: (not people & set(chosen[one].people), chosen[one].venue.place != place))

    def _anyhow(self) -> list[str]:
        return self._shuffled(self.hopeful)


def _model() -> type[Model]:
    """Loaded when it is needed: CP-SAT takes longer to load than a greedy plan to be made."""
    from .model import Model

    return Model


def plan(problem: Problem, solver: PlanSolver, limits: Limits = Limits()) -> Solution:
    """A plan with its figures, and for each meeting without a time what stands against it."""
    board, rounds = (first_fit(problem), 0) if solver is PlanSolver.GREEDY else solve(problem, limits)
    return Solution(solver, board.placements(), refusals(board), figures(board, rounds))
