"""Plans as answers. Of a protected person nothing is shown but that a person must see to the meeting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.veil import restricted
from kundval_contracts.codes import PlanReason

from ..domain.instants import local_day
from . import store
from .decide import standing
from .texts import texts


def plan(one: store.Plan, counts: Mapping[str, int], today: date | None) -> dict[str, Any]:
    return {
        "plan": one.id,
        "team": one.team,
        "from": one.first_day,
        "until": one.last_day,
        "solver": one.solver,
        "state": standing(one, today).value,
        "requested_by": one.requested_by,
        "requested_on": one.requested_on,
        "decided_by": one.decided_by,
        "decided_on": one.decided_on,
        "failure": one.failure,
        "figures": one.figures,
        "rows": dict(counts),
    }


def rows(tx: Tx, tenant: str, found: Sequence[store.Row], lang: str) -> list[dict[str, Any]]:
    hidden = restricted(tx, tenant, [one.assignment for one in found])
    return [_row(one, one.assignment in hidden, lang) for one in found]


def _row(one: store.Row, hidden: bool, lang: str) -> dict[str, Any]:
    # who came to be protected after the plan was made has a row of which nothing is told either: why a meeting had no
    # time, or how it was to be held, helps to find somebody
    span = None if hidden else one.span
    code = PlanReason.PROTECTED.value if hidden else one.code
    others = 0 if hidden else one.others
    return {
        "meeting": one.meeting,
        "assignment": one.assignment,
        "kind": one.kind,
        "target": one.target,
        "state": one.state.value,
        "on": local_day(span.start) if span else None,
        "starts_at": span.start if span else None,
        "ends_at": span.end if span else None,
        "mode": one.mode.value if one.mode and not hidden else None,
        "parties": [] if hidden else [{"role": who.role.value, "resource": who.resource} for who in one.parties],
        "interpreter": None if hidden else one.interpreter,
        "place": None if hidden else one.place,
        "room": None if hidden else one.room,
        "code": code,
        "others": others,
        "text": None if code is None else texts(lang).reason(code, others),
    }
