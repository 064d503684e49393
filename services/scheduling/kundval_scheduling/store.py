"""SQL of the scheduling service. No rules here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.answer import Obligation
from kundval_contracts.codes import ObligationKind, ObligationState, Role

_COLUMNS = (
    "tenant",
    "assignment",
    "kind",
    "sequence",
    "due",
    "overdue_after",
    "responsible",
    "provider",
    "state",
    "met_on",
    "rules",
)


def held(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, list[Obligation]]:
    """The obligations held for these assignments, in order."""
    found: dict[str, list[Obligation]] = {assignment: [] for assignment in assignments}
    for row in tx.query(
        "SELECT * FROM obligation WHERE tenant = %s AND assignment = ANY(%s)"
        " ORDER BY assignment, due NULLS FIRST, kind, sequence",
        (tenant, list(assignments)),
    ):
        found[row["assignment"]].append(_obligation(row))
    return found


def save(tx: Tx, tenant: str, changed: Iterable[Obligation]) -> None:
    tx.insert_rows(
        "obligation",
        _COLUMNS,
        [
            (
                tenant,
                one.assignment,
                one.kind.value,
                one.sequence,
                one.due,
                one.overdue_after,
                one.responsible.value,
                one.provider,
                one.state.value,
                one.met_on,
                list(one.rules),
            )
            for one in changed
        ],
        "ON CONFLICT (tenant, assignment, kind, sequence) DO UPDATE SET due = excluded.due,"
        " overdue_after = excluded.overdue_after, responsible = excluded.responsible, provider = excluded.provider,"
        " state = excluded.state, met_on = excluded.met_on, rules = excluded.rules",
    )


def remove(tx: Tx, tenant: str, keys: Iterable[tuple[str, str, int]]) -> None:
    rows = [(tenant, *key) for key in keys]
    if rows:
        tx.executemany(
            "DELETE FROM obligation WHERE tenant = %s AND assignment = %s AND kind = %s AND sequence = %s", rows
        )


def next_revisions(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, int]:
    """Count up the revision of each of these assignments; the new numbers."""
    rows = tx.insert_rows(
        "obligation_revision",
        ("tenant", "assignment", "revision"),
        [(tenant, assignment, 1) for assignment in assignments],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET revision = obligation_revision.revision + 1"
        " RETURNING assignment, revision",
    )
    return {row["assignment"]: row["revision"] for row in rows}


def page(tx: Tx, tenant: str, assignment: str | None, provider: str | None, after: str | None, limit: int) -> list[str]:
    """Ids of the next assignments that have obligations (of that provider, if one is given), in order."""
    rows = tx.query(
        "SELECT DISTINCT assignment FROM obligation WHERE tenant = %(tenant)s"
        " AND (%(one)s::text IS NULL OR assignment = %(one)s)"
        " AND (%(provider)s::text IS NULL OR provider = %(provider)s)"
        " AND (%(after)s::text IS NULL OR assignment > %(after)s) ORDER BY assignment LIMIT %(limit)s",
        {"tenant": tenant, "one": assignment, "provider": provider, "after": after, "limit": limit},
    )
    return [row["assignment"] for row in rows]


def summary(tx: Tx, tenant: str) -> dict[str, dict[str, int]]:
    """Number of obligations by kind and state."""
    found: dict[str, dict[str, int]] = {}
    for row in tx.query(
        "SELECT kind, state, count(*) AS n FROM obligation WHERE tenant = %s GROUP BY kind, state ORDER BY kind, state",
        (tenant,),
    ):
        found.setdefault(row["kind"], {})[row["state"]] = row["n"]
    return found


def overdue(tx: Tx) -> dict[str, int]:
    """Number of obligations that are overdue, of all tenants, by kind."""
    rows = tx.query(
        # both conditions, so that the index of those that are not done can be used
        "SELECT kind, count(*) AS n FROM obligation WHERE state IN ('OPEN', 'OVERDUE') AND state = 'OVERDUE'"
        " GROUP BY kind"
    )
    return {row["kind"]: row["n"] for row in rows}


def _obligation(row: Mapping[str, Any]) -> Obligation:
    return Obligation(
        assignment=row["assignment"],
        kind=ObligationKind(row["kind"]),
        sequence=row["sequence"],
        due=row["due"],
        responsible=Role(row["responsible"]),
        state=ObligationState(row["state"]),
        met_on=row["met_on"],
        rules=tuple(row["rules"]),
        overdue_after=row["overdue_after"],
        provider=row["provider"],
    )
