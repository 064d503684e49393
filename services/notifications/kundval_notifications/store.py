"""SQL of the notifications service. No rules here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.held import Key
from kundval_contracts.answer import Notice, Obligation, Posting
from kundval_contracts.codes import LineKind, ObligationKind, ObligationState, Role
from kundval_contracts.envelope import Event

# --- what is held of scheduling and billing ----------------------------------------------------------


def take_obligations(tx: Tx, events: Iterable[Event]) -> set[Key]:
    """Take in `scheduling.obligations_changed`, in any order; the cases concerned."""
    latest: dict[tuple[str, str, str, int], tuple[int, bool, Any, str]] = {}
    keys: set[Key] = set()
    for event in events:
        data = event.data
        keys.add((event.tenant, data["assignment"]))
        rows = [(one, False) for one in data["changed"]] + [(one, True) for one in data["removed"]]
        for one, removed in rows:
            key = (event.tenant, data["assignment"], one["kind"], one["sequence"])
            if key not in latest or latest[key][0] < data["revision"]:
                latest[key] = (data["revision"], removed, None if removed else one, data["as_of"])
    tx.insert_rows(
        "held_obligation",
        ("tenant", "assignment", "kind", "sequence", "revision", "removed", "data", "as_of"),
        [(*key, *value) for key, value in latest.items()],
        "ON CONFLICT (tenant, assignment, kind, sequence) DO UPDATE SET revision = excluded.revision,"
        " removed = excluded.removed, data = excluded.data, as_of = excluded.as_of"
        " WHERE held_obligation.revision < excluded.revision",
    )
    return keys


def ahead(tx: Tx, tenant: str, assignments: Sequence[str], day: date) -> set[str]:
    """Those of these assignments whose obligations are of a later day already."""
    rows = tx.query(
        "SELECT DISTINCT assignment FROM held_obligation WHERE tenant = %s AND assignment = ANY(%s) AND as_of > %s",
        (tenant, list(assignments), day),
    )
    return {row["assignment"] for row in rows}


def take_postings(tx: Tx, events: Iterable[Event]) -> set[Key]:
    """Take in `billing.posted`; the cases concerned."""
    rows = []
    keys: set[Key] = set()
    for event in events:
        data = event.data
        keys.add((event.tenant, data["assignment"]))
        rows += [
            (
                event.tenant,
                one["entry"],
                data["assignment"],
                one["provider"],
                one["kind"],
                one["sequence"],
                date.fromisoformat(data["run"]),
                Decimal(one["amount"]),
                date.fromisoformat(one["reverses"]) if one.get("reverses") else None,
            )
            for one in data["postings"]
        ]
    tx.insert_rows(
        "held_posting",
        ("tenant", "entry", "assignment", "provider", "kind", "sequence", "run", "amount", "reverses"),
        rows,
        "ON CONFLICT DO NOTHING",
    )
    return keys


def obligations_of(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, list[Obligation]]:
    found: dict[str, list[Obligation]] = {assignment: [] for assignment in assignments}
    for row in tx.query(
        "SELECT assignment, data FROM held_obligation WHERE tenant = %s AND assignment = ANY(%s) AND NOT removed"
        " ORDER BY assignment, kind, sequence",
        (tenant, list(assignments)),
    ):
        found[row["assignment"]].append(_obligation(row["assignment"], row["data"]))
    return found


def postings_of(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, list[Posting]]:
    found: dict[str, list[Posting]] = {assignment: [] for assignment in assignments}
    for row in tx.query(
        "SELECT * FROM held_posting WHERE tenant = %s AND assignment = ANY(%s) ORDER BY assignment, run, entry::bigint",
        (tenant, list(assignments)),
    ):
        found[row["assignment"]].append(
            Posting(
                row["run"],
                row["assignment"],
                row["provider"],
                LineKind(row["kind"]),
                row["sequence"],
                row["amount"],
                row["reverses"],
            )
        )
    return found


# --- notices -----------------------------------------------------------------------------------------

_KEY = "tenant = %s AND assignment = %s AND kind = %s AND recipient = %s AND on_day = %s AND sequence = %s"


def keys_of(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, dict[tuple[Any, ...], bool]]:
    """The notices held for these assignments: key -> whether its reason still stands."""
    found: dict[str, dict[tuple[Any, ...], bool]] = {assignment: {} for assignment in assignments}
    for row in tx.query(
        "SELECT assignment, kind, recipient, on_day, sequence, superseded_at IS NULL AS stands FROM notice"
        " WHERE tenant = %s AND assignment = ANY(%s)",
        (tenant, list(assignments)),
    ):
        key = (row["assignment"], row["kind"], row["recipient"], row["on_day"].isoformat(), row["sequence"])
        found[row["assignment"]][key] = row["stands"]
    return found


def add(tx: Tx, tenant: str, rows: Iterable[tuple[Notice, bool]]) -> None:
    """Store new notices (each with: was it late?), and a message to be sent for each."""
    added = tx.insert_rows(
        "notice",
        ("tenant", "assignment", "kind", "recipient", "on_day", "sequence", "provider", "rules", "details", "late"),
        [
            (
                tenant,
                one.assignment,
                one.kind,
                one.to.value,
                one.on,
                one.sequence,
                one.provider,
                list(one.rules),
                dict(one.values),
                late,
            )
            for one, late in rows
        ],
        "ON CONFLICT DO NOTHING RETURNING notice",
    )
    tx.insert_rows("message", ("notice", "tenant"), [(row["notice"], tenant) for row in added])


def supersede(tx: Tx, tenant: str, keys: Iterable[tuple[Any, ...]]) -> None:
    """The reason of these notices has gone."""
    rows = [(tenant, *key) for key in keys]
    if rows:
        tx.executemany(f"UPDATE notice SET superseded_at = now() WHERE {_KEY}", rows)


def restore(tx: Tx, tenant: str, keys: Iterable[tuple[Any, ...]]) -> None:
    """The reason of these notices is back; a message that was withdrawn meanwhile is sent after all."""
    rows = [(tenant, *key) for key in keys]
    if rows:
        tx.executemany(
            f"WITH back AS (UPDATE notice SET superseded_at = NULL WHERE {_KEY} RETURNING notice)"
            " UPDATE message SET state = 'PENDING', next_attempt = now() FROM back"
            " WHERE message.notice = back.notice AND state = 'WITHDRAWN'",
            rows,
        )


def page(tx: Tx, request: Mapping[str, Any], provider: str | None) -> list[str]:
    """Ids of the next assignments that have notices, in order."""
    rows = tx.query(
        "SELECT DISTINCT assignment FROM notice WHERE tenant = %(tenant)s"
        " AND (%(assignment)s::text IS NULL OR assignment = %(assignment)s)"
        " AND (%(own)s::text IS NULL OR provider = %(own)s)"
        " AND (%(after)s::text IS NULL OR assignment > %(after)s) ORDER BY assignment LIMIT %(limit)s",
        {**request, "own": provider},
    )
    return [row["assignment"] for row in rows]


def notices(tx: Tx, tenant: str, assignments: Sequence[str], provider: str | None) -> list[dict[str, Any]]:
    """The notices that stand, in the shape of the answer."""
    return tx.query(
        'SELECT assignment, kind, recipient AS "to", on_day AS "on", rules FROM notice WHERE tenant = %s'
        " AND assignment = ANY(%s) AND superseded_at IS NULL AND (%s::text IS NULL OR provider = %s)"
        " ORDER BY assignment, on_day, kind, recipient, sequence",
        (tenant, list(assignments), provider, provider),
    )


def messages(tx: Tx, tenant: str, assignments: Sequence[str]) -> list[dict[str, Any]]:
    """Messages with their notice, oldest first."""
    return tx.query(
        'SELECT n.*, n.recipient AS "to", n.on_day AS "on", m.state, m.channel, m.attempts, m.sent_at'
        " FROM message m JOIN notice n USING (notice) WHERE n.tenant = %s AND n.assignment = ANY(%s)"
        " ORDER BY n.assignment, n.notice",
        (tenant, list(assignments)),
    )


def summary(tx: Tx, tenant: str) -> dict[str, dict[str, int]]:
    kinds = tx.query(
        "SELECT kind, count(*) AS n FROM notice WHERE tenant = %s AND superseded_at IS NULL GROUP BY 1 ORDER BY 1",
        (tenant,),
    )
    states = tx.query(
        "SELECT state, count(*) AS n FROM message WHERE tenant = %s GROUP BY state ORDER BY state", (tenant,)
    )
    return {
        "notices": {row["kind"]: row["n"] for row in kinds},
        "messages": {row["state"]: row["n"] for row in states},
    }


# --- sending -----------------------------------------------------------------------------------------


def to_send(tx: Tx, limit: int) -> list[dict[str, Any]]:
    """Messages whose time has come, locked so that another instance takes others."""
    return tx.query(
        "SELECT n.*, m.attempts FROM message m JOIN notice n USING (notice) WHERE m.state = 'PENDING'"
        " AND m.next_attempt <= now() ORDER BY m.notice LIMIT %s FOR UPDATE OF m SKIP LOCKED",
        (limit,),
    )


def sent(tx: Tx, channels: Mapping[int, str]) -> None:
    """These messages (by notice) have been handed over to these channels."""
    tx.execute(
        "UPDATE message SET state = 'SENT', channel = done.channel, attempts = attempts + 1, sent_at = now()"
        " FROM unnest(%s::bigint[], %s::text[]) AS done (notice, channel) WHERE message.notice = done.notice",
        (list(channels), list(channels.values())),
    )


def withdraw(tx: Tx, notices: Sequence[int]) -> None:
    """These messages are not sent: their reason has gone."""
    tx.execute("UPDATE message SET state = 'WITHDRAWN' WHERE notice = ANY(%s)", (list(notices),))


def failed(tx: Tx, notice: int, *, final: bool, wait_seconds: int) -> None:
    """This message could not be handed over: try later, or (final) leave it to a person."""
    tx.execute(
        "UPDATE message SET attempts = attempts + 1, next_attempt = now() + make_interval(secs => %s),"
        " state = CASE WHEN %s THEN 'FAILED' ELSE 'PENDING' END WHERE notice = %s",
        (wait_seconds, final, notice),
    )


def as_notice(row: Mapping[str, Any]) -> Notice:
    """A stored row as the notice that the templates render."""
    return Notice(
        row["assignment"],
        row["kind"],
        Role(row["recipient"]),
        row["on_day"],
        tuple(row["rules"]),
        row["sequence"],
        row["provider"],
        row["details"],
    )


def _obligation(assignment: str, data: Mapping[str, Any]) -> Obligation:
    return Obligation(
        assignment=assignment,
        kind=ObligationKind(data["kind"]),
        sequence=data["sequence"],
        due=_date(data["due"]),
        responsible=Role(data["responsible"]),
        state=ObligationState(data["state"]),
        met_on=_date(data["met_on"]),
        rules=tuple(data["rules"]),
        overdue_after=_date(data.get("overdue_after")),
        provider=data.get("provider"),
    )


def _date(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
