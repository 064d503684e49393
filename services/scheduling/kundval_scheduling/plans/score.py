"""What a plan is worth, in whole numbers: the same measure for every solver."""

from __future__ import annotations

from collections.abc import Iterable

from kundval_contracts.rules import rule

from .board import UNIT, Board
from .problem import Figures, Problem

#: costs are counted in hundredths of a minute's travel
SCALE = 100

#: (placed, overdue ones placed, -cost): more is better, the first counts first
Score = tuple[int, int, int]


@rule("LOKA-64")
def load_weight(problem: Problem, person: str) -> int:
    """Cost of the square of one bit of load, by the share of a full time."""
    square = UNIT * UNIT * problem.weights.load * SCALE
    return max(1, int(square / (3600 * problem.staff[person].fte)))


def considered(problem: Problem) -> list[str]:
    """The staff whose load is to be even: who can be chosen for a seat that another could take."""
    found = {one for task in problem.tasks for seat in task.seats if len(seat.choices) > 1 for one in seat.choices}
    return sorted(found)


def score(board: Board, even: Iterable[str]) -> Score:
    """What stands on the board; `even` are those of `considered`."""
    problem = board.problem
    chosen = [problem.task[one] for one in board.chosen]
    return len(chosen), sum(task.overdue for task in chosen), -cost(board, even)


def cost(board: Board, even: Iterable[str]) -> int:
    """By the weights of the problem, in hundredths of a minute's travel."""
    weights = board.problem.weights
    load = sum(load_weight(board.problem, one) * (board.minutes(one) // UNIT) ** 2 for one in even)
    return SCALE * (weights.day * days(board) + weights.travel * travel(board)) + load


def days(board: Board) -> int:
    """Days between the meetings and their targets, in sum."""
    found = 0
    for name, choice in board.chosen.items():
        day = board.days[board.day_at(choice.start)]
        found += abs((day - board.problem.task[name].target).days)
    return found


def travel(board: Board) -> int:
    """Minutes of everybody's way: from where somebody usually is through the day's meetings and back."""
    problem = board.problem
    homes = {key: one.place for key, one in (*problem.staff.items(), *problem.interpreters.items())}
    homes |= {key: one.place for key, one in problem.clients.items()}
    total = 0
    for key, home in homes.items():
        for day in board.engagements(key).values():
            at = home
            for _, _, place, _ in day:
                if place is not None:
                    total += problem.travel.between(at, place)
                    at = place
            total += problem.travel.between(at, home)
    return total


def gini(shares: Iterable[int]) -> int:
    """Gini coefficient, per mille: 0 if all are alike, towards 1000 if one has everything."""
    rows = sorted(shares)
    total = sum(rows)
    if not total:
        return 0
    ranked = sum(place * value for place, value in enumerate(rows, 1))
    return (2 * ranked - (len(rows) + 1) * total) * 1000 // (len(rows) * total)


@rule("LOKA-64")
def shares(board: Board, people: Iterable[str]) -> list[int]:
    """Minutes of meetings, by ten thousandths of what the share of a full time has room for in the window."""
    weeks = max(1, len(board.weeks))
    return [board.minutes(one) * 10_000 // max(1, board.problem.capacity(one) * weeks) for one in people]


def figures(board: Board, rounds: int = 0) -> Figures:
    """The figures of what stands on the board."""
    problem = board.problem
    even = considered(problem)
    placed, overdue, costs = score(board, even)
    return Figures(
        meetings=len(problem.tasks),
        placed=placed,
        overdue=sum(one.overdue for one in problem.tasks),
        overdue_placed=overdue,
        days=days(board),
        travel=travel(board),
        gini=gini(shares(board, even)),
        cost=-costs,
        rounds=rounds,
    )
