"""SQL of reports and documents. No rules here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import ReportKind, ReportState
from kundval_contracts.rpc.reports import CONTENTS

from ..domain.reports import Key, Saved
from ..store import paged


@dataclass(slots=True)
class Stored:
    """A report as stored. `contents` are in native types; `attachments` are ids of documents."""

    key: Key
    state: ReportState
    provider: str | None
    author: str
    contents: Mapping[str, Any] = field(default_factory=dict)
    attachments: list[str] = field(default_factory=list)
    revision: int = 0
    version: int = 0
    fact: str | None = None
    submitted_on: date | None = None
    approved_on: date | None = None
    return_reason: str | None = None

    @property
    def saved(self) -> Saved:
        return Saved(self.key, self.state, self.provider, self.version, self.fact, self.submitted_on)


# --- reports -----------------------------------------------------------------------------------------


def saved(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, list[tuple[Saved, int]]]:
    """What is stored of the reports of these assignments, without contents; each with its revision."""
    found: dict[str, list[tuple[Saved, int]]] = {}
    for row in tx.query(
        "SELECT assignment, kind, sequence, part, state, provider, version, fact_id, submitted_on, revision"
        " FROM report WHERE tenant = %s AND assignment = ANY(%s)",
        (tenant, list(assignments)),
    ):
        one = Saved(
            _key(row), ReportState(row["state"]), row["provider"], row["version"], row["fact_id"], row["submitted_on"]
        )
        found.setdefault(row["assignment"], []).append((one, row["revision"]))
    return found


def load(tx: Tx, tenant: str, assignment: str, key: Key) -> Stored | None:
    row = tx.one(
        "SELECT * FROM report WHERE tenant = %s AND assignment = %s AND kind = %s AND sequence = %s AND part = %s",
        (tenant, assignment, key.kind.value, key.sequence, key.part),
    )
    if row is None:
        return None
    return Stored(
        _key(row),
        ReportState(row["state"]),
        row["provider"],
        row["author"],
        CONTENTS[key.kind].load(row["contents"]),
        row["attachments"],
        row["revision"],
        row["version"],
        row["fact_id"],
        row["submitted_on"],
        row["approved_on"],
        row["return_reason"],
    )


def save(tx: Tx, tenant: str, assignment: str, one: Stored) -> None:
    """Store a report, new or changed."""
    names = (
        "tenant, assignment, kind, sequence, part, provider, state, contents, attachments, author, revision, version,"
        " fact_id, submitted_on, approved_on, return_reason"
    )
    changed = names.split(", part, ")[1].split(", ")
    tx.execute(
        f"INSERT INTO report ({names}) VALUES ({', '.join(['%s'] * 16)})"
        " ON CONFLICT (tenant, assignment, kind, sequence, part) DO UPDATE SET "
        + ", ".join(f"{name.strip()} = excluded.{name.strip()}" for name in changed),
        (
            tenant,
            assignment,
            one.key.kind.value,
            one.key.sequence,
            one.key.part,
            one.provider,
            one.state.value,
            Jsonb(contents_json(one.key.kind, one.contents)),
            Jsonb(one.attachments),
            one.author,
            one.revision,
            one.version,
            one.fact,
            one.submitted_on,
            one.approved_on,
            one.return_reason,
        ),
    )


def contents_json(kind: ReportKind, contents: Mapping[str, Any]) -> dict[str, Any]:
    """Contents as JSON primitives."""
    found: dict[str, Any] = CONTENTS[kind].dump(contents)
    return found


def add_version(tx: Tx, tenant: str, assignment: str, one: Stored, checksum: str) -> None:
    tx.execute(
        "INSERT INTO report_version (tenant, assignment, kind, sequence, part, version, provider, author,"
        " submitted_on, contents, attachments, checksum, fact_id) VALUES"
        " (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tenant,
            assignment,
            one.key.kind.value,
            one.key.sequence,
            one.key.part,
            one.version,
            one.provider,
            one.author,
            one.submitted_on,
            Jsonb(contents_json(one.key.kind, one.contents)),
            Jsonb(one.attachments),
            checksum,
            one.fact,
        ),
    )


def mark_returned(tx: Tx, tenant: str, assignment: str, one: Stored, day: date, reason: str) -> None:
    tx.execute(
        "UPDATE report_version SET returned_on = %s, return_reason = %s WHERE tenant = %s AND assignment = %s"
        " AND kind = %s AND sequence = %s AND part = %s AND version = %s",
        (day, reason, tenant, assignment, one.key.kind.value, one.key.sequence, one.key.part, one.version),
    )


def versions(tx: Tx, tenant: str, assignment: str, key: Key) -> list[Row]:
    return tx.query(
        "SELECT version, submitted_on, submitted_at, author, contents, attachments, checksum, fact_id AS fact,"
        " returned_on, return_reason FROM report_version WHERE tenant = %s AND assignment = %s AND kind = %s"
        " AND sequence = %s AND part = %s ORDER BY version",
        (tenant, assignment, key.kind.value, key.sequence, key.part),
    )


def _key(row: Mapping[str, Any]) -> Key:
    return Key(ReportKind(row["kind"]), row["sequence"], row["part"])


def page_of_provider(
    tx: Tx, tenant: str, provider: str, assignment: str | None, after: str | None, limit: int
) -> list[str]:
    """Ids of the next assignments that ever had to do with the provider, in order."""
    rows = tx.query(
        "SELECT DISTINCT assignment FROM stated_fact WHERE tenant = %(tenant)s AND data ->> 'provider' = %(provider)s"
        f" AND kind IN ('provider_chosen', 'provider_switch', 'resumed'){paged(assignment, after)}"
        " ORDER BY assignment LIMIT %(limit)s",
        {"tenant": tenant, "provider": provider, "one": assignment, "after": after, "limit": limit},
    )
    return [row["assignment"] for row in rows]


# --- what was told -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Watch:
    """Number of the last event about an assignment's reports, those told to be overdue, the day to look again."""

    revision: int = 0
    told: frozenset[Key] = frozenset()
    looks_on: date | None = None


def watches(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, Watch]:
    rows = tx.query(
        "SELECT * FROM report_watch WHERE tenant = %s AND assignment = ANY(%s)", (tenant, list(assignments))
    )
    return {
        row["assignment"]: Watch(
            row["revision"],
            frozenset(Key(ReportKind(kind), sequence, part) for kind, sequence, part in row["told"]),
            row["looks_on"],
        )
        for row in rows
    }


def save_watches(tx: Tx, tenant: str, rows: Iterable[tuple[str, Watch]]) -> None:
    tx.insert_rows(
        "report_watch",
        ("tenant", "assignment", "revision", "told", "looks_on"),
        [(tenant, name, one.revision, [list(key) for key in sorted(one.told)], one.looks_on) for name, one in rows],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET revision = excluded.revision, told = excluded.told,"
        " looks_on = excluded.looks_on",
    )


def looking_by(tx: Tx, tenant: str, day: date) -> list[str]:
    """Assignments of which a report may be overdue on `day` that was not so before, in order."""
    rows = tx.query(
        "SELECT assignment FROM report_watch WHERE tenant = %s AND looks_on <= %s ORDER BY assignment", (tenant, day)
    )
    return [row["assignment"] for row in rows]


def next_revision(tx: Tx, tenant: str, assignment: str) -> int:
    revision: int = tx.value(
        "INSERT INTO report_watch (tenant, assignment, revision) VALUES (%s, %s, 1)"
        " ON CONFLICT (tenant, assignment) DO UPDATE SET revision = report_watch.revision + 1 RETURNING revision",
        (tenant, assignment),
    )
    return revision


# --- documents ---------------------------------------------------------------------------------------

_DOCUMENT = "assignment, document, code, type, file, provider, author, size, sha256, scan, added_at"


def add_document(tx: Tx, tenant: str, row: Mapping[str, Any], content: bytes) -> Row | None:
    """Store a document; None if its id is taken."""
    return tx.one(
        "INSERT INTO document (tenant, assignment, document, code, type, file, provider, author, size, sha256, scan,"
        " content) VALUES (%(tenant)s, %(assignment)s, %(document)s, %(code)s, %(type)s, %(file)s, %(provider)s,"
        " %(author)s, %(size)s, %(sha256)s, %(scan)s, %(content)s)"
        f" ON CONFLICT DO NOTHING RETURNING {_DOCUMENT}",
        {**row, "tenant": tenant, "content": content},
    )


def document(tx: Tx, tenant: str, assignment: str, name: str) -> Row | None:
    """A document's row, without its bytes."""
    return tx.one(
        f"SELECT {_DOCUMENT} FROM document WHERE tenant = %s AND assignment = %s AND document = %s",
        (tenant, assignment, name),
    )


def same_file(tx: Tx, tenant: str, assignment: str, sha256: str) -> list[str]:
    """Other assignments that have the same file, the earliest first; no more than a message about them can hold."""
    rows = tx.query(
        "SELECT assignment FROM document WHERE tenant = %s AND sha256 = %s AND assignment <> %s"
        " GROUP BY assignment ORDER BY min(added_at), assignment LIMIT 100",
        (tenant, sha256, assignment),
    )
    return [row["assignment"] for row in rows]


def content(tx: Tx, tenant: str, assignment: str, name: str) -> bytes:
    value = tx.value(
        "SELECT content FROM document WHERE tenant = %s AND assignment = %s AND document = %s",
        (tenant, assignment, name),
    )
    return bytes(value)


def documents(tx: Tx, tenant: str, assignment: str, file: str | None = None) -> list[Row]:
    """Rows of an assignment's documents in the order of their arrival, without the bytes."""
    return tx.query(
        f"SELECT {_DOCUMENT} FROM document WHERE tenant = %(tenant)s AND assignment = %(one)s"
        " AND (%(file)s::text IS NULL OR file = %(file)s) ORDER BY added_at, document",
        {"tenant": tenant, "one": assignment, "file": file},
    )
