"""Making plans in the background: the problem out of the database, a process that solves it, the plan back in."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from marshmallow import ValidationError

from kundval_chassis import held
from kundval_chassis.background import Failed, Failure, Job, Key, Limits
from kundval_chassis.db import Tx
from kundval_contracts.codes import MeetingParty, PlanFailure, PlanRowState

from . import store
from .check import breaches
from .form import PROBLEM, SOLUTION
from .load import Loaded, load
from .problem import Placement, Problem, Solution

#: how often the making of a plan may end the service before it is given up
ATTEMPTS = 3
#: seconds that the process gets beyond what the solver may take: to start, to begin, to explain
GRACE = 60


class PlanWork:
    """What `kundval_chassis.background` carries out for plans."""

    def __init__(self) -> None:
        self.seconds = 45
        self.limits = Limits(self.seconds + GRACE)
        # what the row under way was made from: it is held against this, and one is made at a time
        self._loaded: tuple[Key, Loaded] | None = None

    def configure(self, config: Mapping[str, Any]) -> None:
        self.seconds = config["KUNDVAL_PLAN_SECONDS"]
        self.limits = Limits(self.seconds + config["KUNDVAL_PLAN_GRACE"])

    def take(self, tx: Tx) -> Key | None:
        found = store.next_waiting(tx)
        if found is None:
            return None
        tenant, plan = found
        store.begin(tx, tenant, plan.id)
        return tenant, plan.id

    def prepare(self, tx: Tx, key: Key) -> Job:
        tenant, plan = key[0], _plan(tx, key)
        if plan.attempts > ATTEMPTS:
            raise Failed(PlanFailure.GAVE_UP)
        loaded = load(tx, held.tenant_named(tx, tenant), plan.team, plan.first_day, plan.last_day)
        self._loaded = key, loaded
        command = [sys.executable, "-m", "kundval_scheduling.plans"]
        command += ["--solver", plan.solver, "--seconds", str(self.seconds)]
        return Job(command, json.dumps(PROBLEM.dump(loaded.problem)).encode())

    def done(self, tx: Tx, key: Key, output: bytes) -> None:
        if self._loaded is None or self._loaded[0] != key:
            raise Failed(Failure.INTERNAL_ERROR)
        loaded = self._loaded[1]
        solution = read(loaded.problem, output)
        plan = _plan(tx, key)
        figures = {**asdict(solution.figures), "by_hand": len(loaded.by_hand)}
        store.propose(tx, key[0], plan, figures, rows(loaded, solution))
        self._loaded = None

    def failed(self, tx: Tx, key: Key, code: str) -> None:
        store.fail(tx, key[0], key[1], code)

    def put_back(self, tx: Tx, key: Key) -> None:
        store.put_back(tx, key[0], key[1])


def _plan(tx: Tx, key: Key) -> store.Plan:
    found = store.one(tx, key[0], key[1])
    if found is None:
        raise Failed(Failure.INTERNAL_ERROR)
    return found


def read(problem: Problem, output: bytes) -> Solution:
    """The plan in what a process wrote, if it keeps every constraint. Raises Failed: BROKEN_OUTPUT, UNSOUND."""
    try:
        solution: Solution = SOLUTION.load(json.loads(output))
    except (ValueError, ValidationError):
        raise Failed(Failure.BROKEN_OUTPUT) from None
    if breaches(problem, solution):
        raise Failed(PlanFailure.UNSOUND)
    return solution


def rows(loaded: Loaded, solution: Solution) -> list[store.Row]:
    """A row for each meeting, also for those that a person must see to."""
    placed = {one.task: one for one in solution.placed}
    found = [_placed(loaded, name, one) for name, one in placed.items()]
    found += [_bare(loaded, one.task, one.reason.value, one.count) for one in solution.refused]
    found += [_bare(loaded, name, reason.value) for name, reason in loaded.by_hand.items()]
    return found


def _bare(loaded: Loaded, name: str, code: str, others: int = 0) -> store.Row:
    meeting = loaded.meetings[name]
    return store.Row(
        name,
        meeting.assignment or "",
        meeting.kind.value,
        meeting.target,
        PlanRowState.NOT_PLACED,
        code=code,
        others=others,
    )


def _placed(loaded: Loaded, name: str, one: Placement) -> store.Row:
    meeting = loaded.meetings[name]
    interpreter = next((party.resource for party in one.parties if party.role is MeetingParty.INTERPRETER), None)
    # the client is claimed by booking, which knows best who that is
    staff = tuple(one for one in one.parties if one.role not in (MeetingParty.CLIENT, MeetingParty.INTERPRETER))
    return store.Row(
        name,
        meeting.assignment or "",
        meeting.kind.value,
        meeting.target,
        PlanRowState.PROPOSED,
        loaded.problem.task[name].mode,
        one.span,
        staff,
        interpreter,
        None if one.room is not None else one.place,
        one.room,
    )
