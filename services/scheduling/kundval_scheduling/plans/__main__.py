"""`python -m kundval_scheduling.plans`: a problem as JSON on the standard input, a plan as JSON on the standard output.

A process of its own, for the solver is native code that lets nothing else run. It reads no settings and no database.
"""

from __future__ import annotations

import argparse
import json
import sys

from kundval_chassis.child import end_with_parent
from kundval_contracts.codes import PlanSolver

from .form import PROBLEM, SOLUTION
from .solver import Limits, plan


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m kundval_scheduling.plans", description=__doc__)
    parser.add_argument("--solver", type=PlanSolver, choices=list(PlanSolver), default=PlanSolver.SOLVER)
    parser.add_argument("--seconds", type=float, default=Limits().seconds)
    parser.add_argument("--seed", type=int, default=Limits().seed)
    chosen = parser.parse_args(arguments)
    end_with_parent()
    problem = PROBLEM.load(json.load(sys.stdin))
    solution = plan(problem, chosen.solver, Limits(seconds=chosen.seconds, seed=chosen.seed))
    json.dump(SOLUTION.dump(solution), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
