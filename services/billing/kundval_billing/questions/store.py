"""SQL of questions. No rules here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from kundval_chassis.db import Tx
from kundval_contracts.codes import QuestionKind, QuestionState

_WAITING = ("REQUESTED", "RUNNING")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answer, if it has one. `asked` is what was given, `ahead` how many come before it."""

    id: str
    kind: QuestionKind
    title: str
    year: int | None
    as_of: date
    asked: Mapping[str, Any]
    state: QuestionState
    asked_by: str
    asked_on: date
    attempts: int = 0
    failure: str | None = None
    snapshot: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    ahead: int = 0


def add(tx: Tx, tenant: str, one: Question) -> int:
    """Put a question at the end of the queue; how many are before it."""
    tx.execute(
        "INSERT INTO question (tenant, question, kind, title, year, as_of, asked, state, asked_by, asked_on)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tenant,
            one.id,
            one.kind.value,
            one.title,
            one.year,
            one.as_of,
            Jsonb(dict(one.asked)),
            one.state.value,
            one.asked_by,
            one.asked_on,
        ),
    )
    ahead: int = tx.value(
        "SELECT count(*) FROM question WHERE state = ANY(%s) AND NOT (tenant = %s AND question = %s)",
        (list(_WAITING), tenant, one.id),
    )
    return ahead


def waiting(tx: Tx, tenant: str) -> int:
    """How many questions of a tenant have no answer yet."""
    number: int = tx.value(
        "SELECT count(*) FROM question WHERE tenant = %s AND state = ANY(%s)", (tenant, list(_WAITING))
    )
    return number


_COLUMNS = (
    "tenant, question, kind, title, year, as_of, asked, state, asked_by, asked_on, attempts, failure, snapshot,"
    " CASE WHEN q.state IN ('REQUESTED', 'RUNNING') THEN (SELECT count(*) FROM question o"
    "  WHERE o.state IN ('REQUESTED', 'RUNNING') AND o.place < q.place) ELSE 0 END AS ahead"
)


def one(tx: Tx, tenant: str, question: str) -> Question | None:
    row = tx.one(f"SELECT {_COLUMNS}, result FROM question q WHERE tenant = %s AND question = %s", (tenant, question))
    return _question(row) if row else None


def page(tx: Tx, tenant: str, kind: QuestionKind | None, after: str | None, limit: int) -> list[Question]:
    """The newest first, without their answers."""
    rows = tx.query(
        f"SELECT {_COLUMNS} FROM question q WHERE tenant = %(tenant)s"
        " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
        " AND (%(after)s::text IS NULL OR place < (SELECT place FROM question WHERE tenant = %(tenant)s"
        "  AND question = %(after)s)) ORDER BY place DESC LIMIT %(limit)s",
        {"tenant": tenant, "kind": kind.value if kind else None, "after": after, "limit": limit},
    )
    return [_question(row) for row in rows]


def posted(tx: Tx, tenant: str, year: int, until: date) -> dict[str, Decimal]:
    """What the payment runs of the year up to and including a day posted, by programme."""
    rows = tx.query(
        "SELECT coalesce(e.programme, c.programme) AS programme, sum(e.amount) AS amount FROM entry e"
        " LEFT JOIN held_case c USING (tenant, assignment)"
        " WHERE tenant = %s AND e.run >= make_date(%s, 1, 1) AND e.run <= least(make_date(%s, 12, 31), %s::date)"
        " GROUP BY 1",
        (tenant, year, year, until),
    )
    return {row["programme"]: row["amount"] for row in rows if row["programme"] is not None}


# --- carrying them out ---------------------------------------------------------------------------------


def next_waiting(tx: Tx) -> tuple[str, str] | None:
    """(tenant, question) that is to be reckoned next: what was left under way first."""
    row = tx.one(
        "SELECT tenant, question FROM question WHERE state IN ('REQUESTED', 'RUNNING')"
        " ORDER BY state = 'REQUESTED', place LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return (row["tenant"], row["question"]) if row else None


def begin(tx: Tx, tenant: str, question: str) -> None:
    tx.execute(
        "UPDATE question SET state = 'RUNNING', attempts = attempts + 1 WHERE tenant = %s AND question = %s",
        (tenant, question),
    )


def put_back(tx: Tx, tenant: str, question: str) -> None:
    tx.execute(
        "UPDATE question SET state = 'REQUESTED', attempts = attempts - 1"
        " WHERE tenant = %s AND question = %s AND state = 'RUNNING'",
        (tenant, question),
    )


def fail(tx: Tx, tenant: str, question: str, code: str) -> None:
    tx.execute(
        "UPDATE question SET state = 'FAILED', failure = %s WHERE tenant = %s AND question = %s AND state = 'RUNNING'",
        (code, tenant, question),
    )


def finish(tx: Tx, tenant: str, question: str, snapshot: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    tx.execute(
        "UPDATE question SET state = 'DONE', snapshot = %s, result = %s"
        " WHERE tenant = %s AND question = %s AND state = 'RUNNING'",
        (Jsonb(dict(snapshot)), Jsonb(dict(result)), tenant, question),
    )


def _question(row: Mapping[str, Any]) -> Question:
    return Question(
        row["question"],
        QuestionKind(row["kind"]),
        row["title"],
        row["year"],
        row["as_of"],
        row["asked"],
        QuestionState(row["state"]),
        row["asked_by"],
        row["asked_on"],
        row["attempts"],
        row["failure"],
        row["snapshot"],
        row.get("result"),
        row["ahead"],
    )
