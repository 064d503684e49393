"""SQL of messages to the employment service. No rules here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import AfAttemptOutcome, AfDispatchState, AfFeedbackKind, AfMessage

_SHOWN = (
    "n, dispatch, assignment, kind, period, state, due, late, closing_window AS window, submitted_on, tracking,"
    " attempts, next_at, trouble"
)
#: what a message may become anew, and what `change` takes
_CHANGEABLE = frozenset(
    {
        "state", "provider", "since", "due", "record", "ground", "drafted_by", "submitted_by", "submitted_on", "late",
        "closing_window", "tracking", "attempts", "failures", "ready_at", "next_at", "trouble", "reference", "sent_at",
    }
)  # fmt: skip


def latest(tx: Tx, tenant: str, assignment: str, kind: AfMessage, period: str) -> Row | None:
    """The newest message of its kind and period: all columns."""
    return tx.one(
        "SELECT * FROM af_dispatch WHERE tenant = %s AND assignment = %s AND kind = %s AND period = %s"
        " ORDER BY suffix DESC LIMIT 1",
        (tenant, assignment, kind.value, period),
    )


def of_assignments(tx: Tx, tenant: str, names: Sequence[str]) -> list[Row]:
    """The newest message of each kind and period of these assignments."""
    return tx.query(
        "SELECT DISTINCT ON (assignment, kind, period) assignment, kind, period, dispatch, state FROM af_dispatch"
        " WHERE tenant = %s AND assignment = ANY(%s) ORDER BY assignment, kind, period, suffix DESC",
        (tenant, list(names)),
    )


def locked(tx: Tx, tenant: str, dispatch: str) -> Row | None:
    """A message, all columns; nobody else changes it, or its assignment, until the transaction ends."""
    name = tx.value("SELECT assignment FROM af_dispatch WHERE tenant = %s AND dispatch = %s", (tenant, dispatch))
    if name is None:
        return None
    # in the order in which everybody locks: what is said of a message may become a fact of its assignment
    tx.execute("SELECT FROM assignment WHERE tenant = %s AND assignment = %s FOR UPDATE", (tenant, name))
    return tx.one("SELECT * FROM af_dispatch WHERE tenant = %s AND dispatch = %s FOR UPDATE", (tenant, dispatch))


def one(tx: Tx, tenant: str, dispatch: str) -> Row | None:
    return tx.one("SELECT * FROM af_dispatch WHERE tenant = %s AND dispatch = %s", (tenant, dispatch))


def shown(tx: Tx, tenant: str, dispatch: str) -> Row | None:
    return tx.one(f"SELECT {_SHOWN} FROM af_dispatch WHERE tenant = %s AND dispatch = %s", (tenant, dispatch))


def tracked(tx: Tx, tenant: str, tracking: UUID) -> str | None:
    """The message with that tracking id."""
    found = tx.value("SELECT dispatch FROM af_dispatch WHERE tenant = %s AND tracking = %s", (tenant, tracking))
    return None if found is None else str(found)


def add(tx: Tx, tenant: str, row: Row) -> Row:
    """A new draft; all columns."""
    found = tx.one(
        "INSERT INTO af_dispatch (tenant, dispatch, assignment, person, kind, period, suffix, provider, state, since,"
        " due, record, ground, drafted_by) VALUES (%(tenant)s, %(dispatch)s, %(assignment)s, %(person)s, %(kind)s,"
        " %(period)s, %(suffix)s, %(provider)s, %(state)s, %(since)s, %(due)s, %(record)s, %(ground)s, %(drafted_by)s)"
        " RETURNING *",
        {**row, "tenant": tenant},
    )
    assert found is not None
    return found


def change(tx: Tx, row: Row, **fields: Any) -> Row:
    """Change a message; all columns as they are then."""
    assert fields and fields.keys() <= _CHANGEABLE
    sets = ", ".join(f"{name} = %({name})s" for name in fields)
    found = tx.one(
        f"UPDATE af_dispatch SET {sets}, revision = revision + 1"
        " WHERE tenant = %(_tenant)s AND dispatch = %(_dispatch)s RETURNING *",
        {**fields, "_tenant": row["tenant"], "_dispatch": row["dispatch"]},
    )
    assert found is not None
    return found


def page(
    tx: Tx, tenant: str, assignment: str | None, state: AfDispatchState | None, before: int | None, limit: int
) -> list[Row]:
    """The newest first."""
    return tx.query(
        f"SELECT {_SHOWN} FROM af_dispatch WHERE tenant = %(tenant)s"
        " AND (%(assignment)s::text IS NULL OR assignment = %(assignment)s)"
        " AND (%(state)s::text IS NULL OR state = %(state)s) AND (%(before)s::bigint IS NULL OR n < %(before)s)"
        " ORDER BY n DESC LIMIT %(limit)s",
        {"tenant": tenant, "assignment": assignment, "state": state, "before": before, "limit": limit},
    )


def without_content(tx: Tx, tenant: str, states: Sequence[AfDispatchState]) -> list[str]:
    """Messages in these states whose contents are gone."""
    rows = tx.query(
        "SELECT dispatch FROM af_dispatch AS one WHERE tenant = %s AND state = ANY(%s) AND NOT EXISTS"
        " (SELECT FROM gate_record AS kept WHERE kept.tenant = one.tenant AND kept.record = one.record)"
        " ORDER BY assignment, dispatch",
        (tenant, [state.value for state in states]),
    )
    return [row["dispatch"] for row in rows]


# --- what is told by itself ----------------------------------------------------------------------------

#: what is told of: a kind, and which one of it
Key = tuple[AfMessage, int]


@dataclass(frozen=True, slots=True)
class Watch:
    """Number of the last event about an assignment, what was told to be so with its day, and when to look again."""

    revision: int = 0
    told: Mapping[Key, str] = field(default_factory=dict)
    looks_on: date | None = None


def watches(tx: Tx, tenant: str, names: Sequence[str]) -> dict[str, Watch]:
    rows = tx.query("SELECT * FROM af_watch WHERE tenant = %s AND assignment = ANY(%s)", (tenant, list(names)))
    return {
        row["assignment"]: Watch(
            row["revision"],
            {(AfMessage(kind), number): day for kind, number, day in row["told"]},
            row["looks_on"],
        )
        for row in rows
    }


def save_watches(tx: Tx, tenant: str, rows: Iterable[tuple[str, Watch]]) -> None:
    tx.insert_rows(
        "af_watch",
        ("tenant", "assignment", "revision", "told", "looks_on"),
        [
            (tenant, name, one.revision, [[*key, day] for key, day in sorted(one.told.items())], one.looks_on)
            for name, one in rows
        ],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET revision = excluded.revision, told = excluded.told,"
        " looks_on = excluded.looks_on",
    )


def looking_by(tx: Tx, tenant: str, day: date) -> list[str]:
    """Assignments of which something may be late on `day` that was not so before, in order."""
    rows = tx.query(
        "SELECT assignment FROM af_watch WHERE tenant = %s AND looks_on <= %s ORDER BY assignment", (tenant, day)
    )
    return [row["assignment"] for row in rows]


def look_next_day(tx: Tx, tenant: str, assignment: str) -> None:
    """Have the assignment looked at when the next day opens: a message is to be submitted again."""
    tx.execute(
        "UPDATE af_watch SET looks_on = '0001-01-01' WHERE tenant = %s AND assignment = %s", (tenant, assignment)
    )


def submitted(tx: Tx, tenant: str, names: Sequence[str]) -> set[tuple[str, AfMessage, str]]:
    """(assignment, kind, period) of what was submitted once and is not to be written anew as if it never had been."""
    rows = tx.query(
        "SELECT DISTINCT assignment, kind, period FROM af_dispatch WHERE tenant = %s AND assignment = ANY(%s)"
        " AND (suffix > 0 OR state NOT IN ('DRAFT', 'EXPIRED'))",
        (tenant, list(names)),
    )
    return {(row["assignment"], AfMessage(row["kind"]), row["period"]) for row in rows}


# --- sending -------------------------------------------------------------------------------------------


def next_ready(tx: Tx) -> Row | None:
    """`{tenant, dispatch}` of what has waited longest for its turn."""
    return tx.one(
        "SELECT tenant, dispatch FROM af_dispatch WHERE state = 'READY' AND next_at <= now()"
        " ORDER BY next_at, n LIMIT 1"
    )


def begin(tx: Tx, row: Row, lease: float) -> int:
    """Enter an attempt; its number. Until `lease` seconds are over nobody begins another."""
    number = int(row["attempts"]) + 1
    tx.execute(
        "UPDATE af_dispatch SET attempts = %s, next_at = now() + make_interval(secs => %s)"
        " WHERE tenant = %s AND dispatch = %s",
        (number, lease, row["tenant"], row["dispatch"]),
    )
    tx.execute(
        "INSERT INTO af_attempt (tenant, dispatch, number) VALUES (%s, %s, %s)",
        (row["tenant"], row["dispatch"], number),
    )
    return number


def end_attempt(tx: Tx, row: Row, number: int, outcome: AfAttemptOutcome, code: str | None) -> None:
    tx.execute(
        "UPDATE af_attempt SET ended_at = now(), outcome = %s, code = %s"
        " WHERE tenant = %s AND dispatch = %s AND number = %s",
        (outcome.value, code, row["tenant"], row["dispatch"], number),
    )


def attempts(tx: Tx, tenant: str, dispatch: str) -> list[Row]:
    return tx.query(
        "SELECT number, began_at, outcome, code FROM af_attempt WHERE tenant = %s AND dispatch = %s ORDER BY number",
        (tenant, dispatch),
    )


def may_have_arrived(tx: Tx, tenant: str, dispatch: str) -> bool:
    """Whether nobody knows what came of an attempt. A server or gateway that fails may have taken it before; one that
    is not there (503) took nothing.
    """
    return bool(
        tx.value(
            "SELECT EXISTS (SELECT FROM af_attempt WHERE tenant = %s AND dispatch = %s"
            " AND (outcome IS NULL OR outcome IN ('PERHAPS', 'ACCEPTED')"
            " OR starts_with(code, 'HTTP_5') AND code <> 'HTTP_503'))",
            (tenant, dispatch),
        )
    )


def again_in(tx: Tx, row: Row, seconds: float, code: str, *, counts: bool) -> None:
    tx.execute(
        "UPDATE af_dispatch SET next_at = now() + make_interval(secs => %s), trouble = %s, failures = failures + %s"
        " WHERE tenant = %s AND dispatch = %s",
        (seconds, code, int(counts), row["tenant"], row["dispatch"]),
    )


# --- the circuit ---------------------------------------------------------------------------------------


def circuit(tx: Tx) -> Row | None:
    """`{failures, code, open}`; None while the other side answers."""
    return tx.one("SELECT failures, code, open_until > now() AS open FROM af_circuit")


def open_circuit(tx: Tx, code: str, failures: int, seconds: float) -> None:
    tx.execute(
        "INSERT INTO af_circuit (failures, open_until, code)"
        " VALUES (%s, now() + make_interval(secs => %s), %s) ON CONFLICT (single) DO UPDATE SET"
        " failures = excluded.failures, open_until = excluded.open_until, code = excluded.code",
        (failures, seconds, code),
    )


def close_circuit(tx: Tx) -> None:
    tx.execute("DELETE FROM af_circuit")


def depth(tx: Tx) -> tuple[list[Row], float]:
    """`{kind, state, n}`, and for how many seconds the oldest message has waited to be sent."""
    rows = tx.query("SELECT kind, state, count(*) AS n FROM af_dispatch GROUP BY kind, state")
    age = tx.value(
        "SELECT coalesce(extract(epoch FROM now() - min(ready_at)), 0) FROM af_dispatch WHERE state = 'READY'"
    )
    return rows, float(age)


# --- feedback ------------------------------------------------------------------------------------------


def add_feedback(
    tx: Tx,
    tenant: str,
    *,
    feedback: str,
    dispatch: str,
    kind: AfFeedbackKind,
    on: date,
    order: str | None,
    record: str | None,
) -> None:
    tx.execute(
        "INSERT INTO af_feedback (tenant, feedback, dispatch, kind, on_day, order_number, record)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (tenant, feedback, dispatch, kind.value, on, order, record),
    )


def feedback(tx: Tx, tenant: str, feedback: str) -> Row | None:
    return tx.one(
        "SELECT dispatch, kind, on_day, order_number FROM af_feedback WHERE tenant = %s AND feedback = %s",
        (tenant, feedback),
    )


def feedback_on(tx: Tx, tenant: str, dispatch: str) -> list[Row]:
    return tx.query(
        "SELECT feedback, kind, on_day AS on, order_number AS order, record FROM af_feedback"
        " WHERE tenant = %s AND dispatch = %s ORDER BY heard_at, feedback",
        (tenant, dispatch),
    )
