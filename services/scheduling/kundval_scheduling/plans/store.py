"""SQL of plans. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from kundval_chassis.db import Tx
from kundval_contracts.codes import MeetingMode, MeetingParty, MeetingState, PlanRowState, PlanState

from ..domain.instants import Span
from ..domain.meeting import Meeting
from ..meetings import store as meetings
from .problem import Sitting

#: states of a meeting that has no time yet
_UNBOOKED = [one.value for one in (MeetingState.DUE, MeetingState.DUE_OVERDUE, MeetingState.OVERDUE)]


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan without its rows."""

    id: str
    team: str
    first_day: date
    last_day: date
    solver: str
    state: PlanState
    requested_by: str
    requested_on: date
    attempts: int
    figures: Mapping[str, int] | None
    failure: str | None
    decided_by: str | None
    decided_on: date | None


@dataclass(frozen=True, slots=True)
class Row:
    """A meeting of a plan. span None: it has no time; `code` says why, `others` with how many it competes."""

    meeting: str
    assignment: str
    kind: str
    target: date | None
    state: PlanRowState
    mode: MeetingMode | None = None
    span: Span | None = None
    parties: tuple[Sitting, ...] = ()
    interpreter: str | None = None
    place: str | None = None
    room: str | None = None
    code: str | None = None
    others: int = 0


# --- what is to be planned -----------------------------------------------------------------------------


def unbooked(tx: Tx, tenant: str, team: str) -> list[Meeting]:
    """Meetings of a team that a rule asks for and that have no time, in the order of their ids."""
    rows = tx.query(
        "SELECT m.meeting FROM meeting AS m LEFT JOIN participant AS p USING (tenant, assignment)"
        " WHERE m.tenant = %s AND m.state = ANY(%s) AND m.starts_at IS NULL AND m.assignment IS NOT NULL"
        " AND coalesce(p.team, m.team) = %s ORDER BY m.meeting",
        (tenant, _UNBOOKED, team),
    )
    return meetings.meetings(tx, tenant, [row["meeting"] for row in rows])


# --- plans ---------------------------------------------------------------------------------------------


class UnderWay(Exception):
    """A plan of that team is being made already."""


def add(tx: Tx, tenant: str, plan: Plan) -> None:
    """Raises UnderWay."""
    try:
        with tx.attempt():
            tx.execute(
                "INSERT INTO plan (tenant, plan, team, first_day, last_day, solver, state, requested_by, requested_on)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    tenant,
                    plan.id,
                    plan.team,
                    plan.first_day,
                    plan.last_day,
                    plan.solver,
                    plan.state.value,
                    plan.requested_by,
                    plan.requested_on,
                ),
            )
    except psycopg.errors.UniqueViolation:
        raise UnderWay from None


def next_waiting(tx: Tx) -> tuple[str, Plan] | None:
    """(tenant, plan) that is to be made next: what was left under way first."""
    row = tx.one(
        "SELECT * FROM plan WHERE state IN ('REQUESTED', 'RUNNING') ORDER BY state = 'REQUESTED', place"
        " LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return (row["tenant"], _plan(row)) if row else None


def begin(tx: Tx, tenant: str, plan: str) -> None:
    tx.execute(
        "UPDATE plan SET state = 'RUNNING', attempts = attempts + 1 WHERE tenant = %s AND plan = %s", (tenant, plan)
    )


def put_back(tx: Tx, tenant: str, plan: str) -> None:
    tx.execute(
        "UPDATE plan SET state = 'REQUESTED', attempts = attempts - 1"
        " WHERE tenant = %s AND plan = %s AND state = 'RUNNING'",
        (tenant, plan),
    )


def fail(tx: Tx, tenant: str, plan: str, code: str) -> None:
    tx.execute(
        "UPDATE plan SET state = 'FAILED', failure = %s WHERE tenant = %s AND plan = %s AND state = 'RUNNING'",
        (code, tenant, plan),
    )


def propose(tx: Tx, tenant: str, plan: Plan, figures: Mapping[str, int], rows: Iterable[Row]) -> None:
    """Store what was planned; an older plan of the team that nobody has decided upon is out of date."""
    tx.execute(
        "UPDATE plan SET state = 'EXPIRED' WHERE tenant = %s AND team = %s AND state = 'PROPOSED'", (tenant, plan.team)
    )
    tx.execute(
        "UPDATE plan SET state = 'PROPOSED', figures = %s WHERE tenant = %s AND plan = %s",
        (Jsonb(dict(figures)), tenant, plan.id),
    )
    tx.insert_rows(
        "plan_row",
        (
            "tenant",
            "plan",
            "meeting",
            "assignment",
            "kind",
            "target",
            "state",
            "mode",
            "starts_at",
            "ends_at",
            "parties",
            "interpreter",
            "place",
            "room",
            "code",
            "others",
        ),
        [
            (
                tenant,
                plan.id,
                one.meeting,
                one.assignment,
                one.kind,
                one.target,
                one.state.value,
                one.mode.value if one.mode else None,
                one.span.start.isoformat() if one.span else None,
                one.span.end.isoformat() if one.span else None,
                [{"role": party.role.value, "resource": party.resource} for party in one.parties],
                one.interpreter,
                one.place,
                one.room,
                one.code,
                one.others,
            )
            for one in rows
        ],
    )


def one(tx: Tx, tenant: str, plan: str, *, lock: bool = False) -> Plan | None:
    row = tx.one("SELECT * FROM plan WHERE tenant = %s AND plan = %s" + (" FOR UPDATE" if lock else ""), (tenant, plan))
    return _plan(row) if row else None


def page(tx: Tx, tenant: str, team: str | None, after: str | None, limit: int) -> list[Plan]:
    """The newest first."""
    rows = tx.query(
        "SELECT * FROM plan AS p WHERE tenant = %(tenant)s AND (%(team)s::text IS NULL OR team = %(team)s)"
        " AND (%(after)s::text IS NULL OR place < (SELECT place FROM plan WHERE tenant = %(tenant)s"
        "  AND plan = %(after)s)) ORDER BY place DESC LIMIT %(limit)s",
        {"tenant": tenant, "team": team, "after": after, "limit": limit},
    )
    return [_plan(row) for row in rows]


def decide(tx: Tx, tenant: str, plan: str, state: PlanState, by: str, on: date) -> None:
    tx.execute(
        "UPDATE plan SET state = %s, decided_by = %s, decided_on = %s WHERE tenant = %s AND plan = %s",
        (state.value, by, on, tenant, plan),
    )


# --- rows ----------------------------------------------------------------------------------------------


def rows(tx: Tx, tenant: str, plan: str, after: str | None = None, limit: int | None = None) -> list[Row]:
    """Rows in the order of their meetings."""
    found = tx.query(
        "SELECT * FROM plan_row WHERE tenant = %(tenant)s AND plan = %(plan)s"
        " AND (%(after)s::text IS NULL OR meeting > %(after)s) ORDER BY meeting LIMIT %(limit)s",
        {"tenant": tenant, "plan": plan, "after": after, "limit": limit},
    )
    return [_row(row) for row in found]


def counts(tx: Tx, tenant: str, plans: Collection[str]) -> dict[str, dict[str, int]]:
    """plan -> state of a row -> number."""
    found: dict[str, dict[str, int]] = {plan: {} for plan in plans}
    for row in tx.query(
        "SELECT plan, state, count(*) AS n FROM plan_row WHERE tenant = %s AND plan = ANY(%s) GROUP BY 1, 2",
        (tenant, sorted(plans)),
    ):
        found[row["plan"]][row["state"]] = row["n"]
    return found


def settle(tx: Tx, tenant: str, plan: str, meeting: str, state: PlanRowState, code: str | None = None) -> None:
    tx.execute(
        "UPDATE plan_row SET state = %s, code = %s WHERE tenant = %s AND plan = %s AND meeting = %s",
        (state.value, code, tenant, plan, meeting),
    )


def reject_rest(tx: Tx, tenant: str, plan: str) -> int:
    return tx.execute(
        "UPDATE plan_row SET state = 'REJECTED' WHERE tenant = %s AND plan = %s AND state = 'PROPOSED'", (tenant, plan)
    )


def _plan(row: Mapping[str, Any]) -> Plan:
    return Plan(
        row["plan"],
        row["team"],
        row["first_day"],
        row["last_day"],
        row["solver"],
        PlanState(row["state"]),
        row["requested_by"],
        row["requested_on"],
        row["attempts"],
        row["figures"],
        row["failure"],
        row["decided_by"],
        row["decided_on"],
    )


def _row(row: Mapping[str, Any]) -> Row:
    return Row(
        row["meeting"],
        row["assignment"],
        row["kind"],
        row["target"],
        PlanRowState(row["state"]),
        MeetingMode(row["mode"]) if row["mode"] else None,
        Span(row["starts_at"], row["ends_at"]) if row["starts_at"] else None,
        tuple(Sitting(MeetingParty(one["role"]), one["resource"]) for one in row["parties"]),
        row["interpreter"],
        row["place"],
        row["room"],
        row["code"],
        row["others"],
    )
