"""(h) A plan of a team's meetings: the solver beside greedy first-fit, on the same problems, each in its own process.

First-fit is what a person does with everybody's calendars open: the meeting that has to be first gets the first time
that is left. Every plan is held against the checker; the seconds are those of the whole process, from its start to the
last byte of its answer.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass

import psutil

from kundval_contracts.codes import PlanReason, PlanSolver
from kundval_scheduling.plans.check import breaches
from kundval_scheduling.plans.form import PROBLEM, SOLUTION
from kundval_scheduling.plans.problem import Problem, Solution

from .machine import Machine
from .plan_cases import Team, instance
from .report import Report, Row, Spread, beside

#: seconds in which a team manager is promised a plan
PROMISE = 60.0


@dataclass(frozen=True)
class Size:
    team: Team
    teams: int = 3
    seconds: int = 45


USUAL = Size(Team())
QUICK = Size(Team(120, 8, 8), 2, 15)
TINY = Size(Team(12, 2, 2), 1, 5)


@dataclass(frozen=True)
class Made:
    """A plan, and what it took: seconds by the clock and of the processor."""

    solution: Solution
    seconds: float
    processor: float


def measure(machine: Machine, size: Size) -> Report:
    ours: list[Made] = []
    peers: list[Made] = []
    for number in range(size.teams):
        team = Team(size.team.meetings, size.team.staff, size.team.providers, size.team.seed + number)
        problem = instance(team)
        ours.append(made(problem, PlanSolver.SOLVER, size.seconds))
        peers.append(made(problem, PlanSolver.GREEDY, size.seconds))
    meetings = size.team.meetings
    peer = "greedy first-fit"
    rows = [
        beside("h", f"{meetings} meetings: placed", "%", share(ours, "placed", "meetings"), peer,
               share(peers, "placed", "meetings"), target=1),
        beside("h", "those that are late: placed", "%", share(ours, "overdue_placed", "overdue"), peer,
               share(peers, "overdue_placed", "overdue")),
        beside("h", "travel of everybody for each meeting placed", "min", each(ours, "travel"), peer,
               each(peers, "travel"), target=1, less_is_better=True),
        beside("h", "from the target day for each meeting placed", "days", each(ours, "days"), peer,
               each(peers, "days"), target=1, less_is_better=True),
        beside("h", "unevenness of the staff's load (Gini)", "per mille", gini(ours), peer, gini(peers), target=1,
               less_is_better=True),
    ]  # fmt: skip
    seconds = [one.seconds for one in ours]
    rows.append(
        Row(
            "h",
            "the whole process, to what is promised",
            "s",
            Spread.of(seconds),
            "a minute",
            Spread.of([PROMISE]),
            Spread.of([one / PROMISE for one in seconds]),
            1,
            at_most=True,
            note=f"greedy {Spread.of([one.seconds for one in peers])} s",
        )
    )
    details = {
        name: [
            {
                **asdict(one.solution.figures),
                "without": dict(Counter(refusal.reason.value for refusal in one.solution.refused)),
                "seconds": round(one.seconds, 1),
                "processor": round(one.processor, 1),
            }
            for one in plans
        ]
        for name, plans in (("solver", ours), ("greedy", peers))
    }
    rounds = Spread.of([one.solution.figures.rounds for one in ours]).median
    spent = Spread.of([one.processor for one in ours]).median
    alone = Spread.of([100 * possible(one.solution) / meetings for one in ours])
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    remark = (
        f"(h) {alone} % of the meetings could be placed if each were the only one; a plan of the solver has had"
        f" {rounds:.0f} rounds, {spent:.0f} s of the processor and {memory:.0f} MiB at most"
    )
    return Report(rows, details, [remark])


def made(problem: Problem, solver: PlanSolver, seconds: int) -> Made:
    """A plan as the service has it made. Raises ValueError if it breaks a constraint."""
    command = [sys.executable, "-m", "kundval_scheduling.plans", "--solver", solver, "--seconds", str(seconds)]
    given = json.dumps(PROBLEM.dump(problem)).encode()
    before, began = psutil.Process().cpu_times(), time.monotonic()
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True)
    took = time.monotonic() - began
    after = psutil.Process().cpu_times()
    solution: Solution = SOLUTION.load(json.loads(done.stdout))
    wrong = breaches(problem, solution)
    if wrong:
        raise ValueError(f"the plan cannot be carried out: {wrong[:5]}")
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Made(solution, took, processor)


def possible(solution: Solution) -> int:
    """How many meetings have a time, or would have one without the others of the plan."""
    return len(solution.placed) + sum(
        one.reason is PlanReason.CROWDED_OUT or (one.reason is PlanReason.GUIDE_FULL and one.count > 0)
        for one in solution.refused
    )


def share(plans: list[Made], part: str, whole: str) -> list[float]:
    found = [asdict(one.solution.figures) for one in plans]
    return [100 * max(1, one[part]) / max(1, one[whole]) for one in found]


def each(plans: list[Made], what: str) -> list[float]:
    found = [asdict(one.solution.figures) for one in plans]
    # nothing at all is as good as a thousandth
    return [max(0.001, one[what] / max(1, one["placed"])) for one in found]


def gini(plans: list[Made]) -> list[float]:
    return [float(max(1, one.solution.figures.gini)) for one in plans]
