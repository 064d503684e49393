"""A problem and its plan as JSON: what goes to the solver's process and comes from it."""

from __future__ import annotations

from kundval_contracts.shapes import schema_for

from .problem import Problem, Solution

#: loads to a `Problem`, dumps to JSON primitives
PROBLEM = schema_for(Problem, "PlanProblem")
#: loads to a `Solution`, dumps to JSON primitives
SOLUTION = schema_for(Solution, "PlanSolution")
