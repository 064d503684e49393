"""Assignments that a run could do nothing for: kept, told and shown until a later run could."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.case import Case
from kundval_contracts.codes import RunProblem

from . import store


@dataclass(frozen=True, slots=True)
class Stuck:
    """A case of which a run could post nothing, and why."""

    case: Case
    code: RunProblem


def keep(tx: Tx, tenant: str, run: date, bad: Iterable[Stuck], good: Sequence[str]) -> None:
    """Enter the problems of a run, and clear those of the assignments that it could compute and post.

    Told is what is new: an assignment that stays as it was is told of once.
    """
    store.clear_problems(tx, tenant, run, good)
    stuck = sorted(bad, key=lambda one: one.case.assignment)
    if not stuck:
        return
    names = [one.case.assignment for one in stuck]
    known = store.open_problems(tx, tenant, names)
    posted = store.providers_posted(tx, tenant, names)
    rows = []
    for name, one in zip(names, stuck, strict=True):
        if known.get(name) != one.code:
            told = {str(fact.get("provider")) for fact in one.case.facts if fact.get("provider")}
            rows.append((name, one.code, sorted(told | posted.get(name, set()))))
    store.add_problems(tx, tenant, run, rows)
    for assignment, code, _ in rows:
        data = {"assignment": assignment, "run": run.isoformat(), "code": code.value}
        tx.publish("billing.assignment_parked", subject=assignment, tenant=tenant, data=data)


def rows(tx: Tx, request: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """The open problems of a page of assignments, a row for each provider concerned; and where to go on."""
    found = store.problem_page(tx, request["tenant"], request["assignment"], request["after"], request["limit"])
    shown = [
        {"assignment": row["assignment"], "provider": provider, "run": row["run"], "code": row["code"]}
        for row in found
        for provider in (row["providers"] or [None])
        if request["provider"] in (None, provider)
    ]
    return shown, found[-1]["assignment"] if len(found) == request["limit"] else None
