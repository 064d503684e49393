"""SQL of documents, statements, accounting and journals. No rules here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_contracts.answer import Said
from kundval_contracts.codes import Direction, DocumentKind, LineKind, Programme

from ..domain.documents import Document, Entry, Issued, originals
from . import form

#: an entry with what it takes back still to be found
_ENTRY = "e.entry, e.provider, e.assignment, e.programme, e.direction, e.kind, e.sequence, e.run, e.amount, e.reverses,"
_ENTRY += " e.starts, e.ends, e.because, e.said"


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as far as documents look at it."""

    payment: int
    provider: str
    direction: Direction
    run: date


# --- issuing ---------------------------------------------------------------------------------------------


def payment(tx: Tx, tenant: str, number: int) -> Payment | None:
    row = tx.one(
        "SELECT payment, provider, direction, run FROM payment WHERE tenant = %s AND payment = %s", (tenant, number)
    )
    if row is None:
        return None
    return Payment(row["payment"], row["provider"], Direction(row["direction"]), row["run"])


def entries_of_payment(tx: Tx, number: int) -> list[Entry]:
    """The entries of a payment, each with the one that it takes back."""
    rows = tx.query(
        f"SELECT e.tenant, {_ENTRY} FROM entry e JOIN payment_entry USING (entry) WHERE payment = %s"
        " ORDER BY e.assignment, e.kind, e.sequence, e.entry",
        (number,),
    )
    return _entries(tx, rows)


def _entries(tx: Tx, rows: Sequence[Row]) -> list[Entry]:
    taken = _originals(tx, rows)
    return [
        Entry(
            row["entry"],
            row["assignment"],
            None if row["programme"] is None else Programme(row["programme"]),
            LineKind(row["kind"]),
            row["sequence"],
            row["starts"],
            row["ends"],
            row["amount"],
            row["because"],
            None if row["said"] is None else Said.from_json(row["said"]),
            taken.get(row["entry"]),
        )
        for row in rows
    ]


def _originals(tx: Tx, rows: Sequence[Row]) -> dict[int, int]:
    """For the corrections among `rows`: which entry each takes back."""
    back = [row for row in rows if row["reverses"] is not None]
    if not back:
        return {}
    lines = tx.query(
        "SELECT e.entry, e.assignment, e.provider, e.kind, e.sequence, e.run, e.reverses, e.amount FROM entry e"
        " JOIN (SELECT DISTINCT assignment, provider, kind, sequence FROM entry WHERE entry = ANY(%s)) AS line"
        " USING (assignment, provider, kind, sequence) WHERE e.tenant = %s ORDER BY e.entry",
        ([row["entry"] for row in back], back[0]["tenant"]),
    )
    by_line: dict[tuple[Any, ...], list[tuple[int, date, date | None, Any]]] = {}
    for row in lines:
        key = (row["assignment"], row["provider"], row["kind"], row["sequence"])
        by_line.setdefault(key, []).append((row["entry"], row["run"], row["reverses"], row["amount"]))
    return {taker: taken for line in by_line.values() for taker, taken in originals(line).items()}


def went_out(tx: Tx, entries: Iterable[int]) -> dict[int, Issued]:
    """The documents in which these entries went out; an entry that has not is left out."""
    # each document is opened once and not for each of its entries: one may have thousands of lines
    rows = tx.query(
        "WITH gone AS (SELECT entry, tenant, number FROM document_entry WHERE entry = ANY(%s)),"
        " one AS MATERIALIZED (SELECT tenant, number, kind, issued_on, content->'vat' AS vat FROM document"
        "  WHERE (tenant, number) IN (SELECT tenant, number FROM gone))"
        " SELECT entry, number, kind, issued_on, vat FROM gone JOIN one USING (tenant, number)",
        (sorted(entries),),
    )
    return {
        row["entry"]: Issued(row["number"], DocumentKind(row["kind"]), row["issued_on"], form.load_vat(row["vat"]))
        for row in rows
    }


def next_number(tx: Tx, tenant: str, series: str, year: int) -> int:
    """The next number of a series. Others wait until this transaction ends; if it fails, the number is free again."""
    number: int = tx.value(
        "INSERT INTO number_series (tenant, series, year, last) VALUES (%s, %s, %s, 1)"
        " ON CONFLICT (tenant, series, year) DO UPDATE SET last = number_series.last + 1 RETURNING last",
        (tenant, series, year),
    )
    return number


def add(tx: Tx, tenant: str, document: Document, body: bytes, sha256: str) -> None:
    """Store a document with its entries."""
    tx.insert_rows(
        "document",
        (
            "tenant",
            "number",
            "kind",
            "direction",
            "provider",
            "payment",
            "run",
            "issued_on",
            "due_on",
            "net",
            "vat",
            "gross",
            "content",
            "body",
            "sha256",
        ),
        [
            (
                tenant,
                document.number,
                document.kind.value,
                document.direction.value,
                document.provider,
                document.payment,
                document.run,
                document.issued_on,
                document.due_on,
                document.totals.net,
                document.totals.vat,
                document.totals.gross,
                form.dump(document),
                body,
                sha256,
            )
        ],
    )
    tx.insert_rows(
        "document_entry",
        ("entry", "tenant", "number"),
        [(line.entry, tenant, document.number) for line in document.lines],
    )


# --- reading ---------------------------------------------------------------------------------------------


def numbers_of(tx: Tx, tenant: str, number: int) -> list[str]:
    """Numbers of the documents of a payment, in the order in which they were issued."""
    rows = tx.query(
        "SELECT number FROM document WHERE tenant = %s AND payment = %s ORDER BY recorded_at, number", (tenant, number)
    )
    return [row["number"] for row in rows]


def heads(tx: Tx, tenant: str, provider: str | None, run: date | None, after: str | None, limit: int) -> list[Row]:
    """Documents by number, as on the wire."""
    return tx.query(
        "SELECT number, kind, direction, provider, payment, run, issued_on, due_on, net, vat, gross,"
        " content->'reference'->>'number' AS corrects, sha256 FROM document WHERE tenant = %(tenant)s"
        " AND (%(provider)s::text IS NULL OR provider = %(provider)s) AND (%(run)s::date IS NULL OR run = %(run)s)"
        " AND (%(after)s::text IS NULL OR number > %(after)s) ORDER BY number LIMIT %(limit)s",
        {"tenant": tenant, "provider": provider, "run": run, "after": after, "limit": limit},
    )


def one(tx: Tx, tenant: str, number: str, provider: str | None) -> tuple[Document, bytes, str] | None:
    """A document, its original and that one's sha256; None also for another provider's."""
    row = tx.one(
        "SELECT content, body, sha256 FROM document WHERE tenant = %(tenant)s AND number = %(number)s"
        " AND (%(provider)s::text IS NULL OR provider = %(provider)s)",
        {"tenant": tenant, "number": number, "provider": provider},
    )
    return None if row is None else (form.load(row["content"]), bytes(row["body"]), row["sha256"])


def of_run(tx: Tx, tenant: str, run: date, provider: str | None) -> list[Row]:
    """The entries of a run."""
    return tx.query(
        f"SELECT {_ENTRY}, x.number FROM entry e LEFT JOIN document_entry x ON x.entry = e.entry"
        " WHERE e.tenant = %(tenant)s AND e.run = %(run)s"
        " AND (%(provider)s::text IS NULL OR e.provider = %(provider)s) ORDER BY e.provider, e.assignment, e.entry",
        {"tenant": tenant, "run": run, "provider": provider},
    )


# --- statements ------------------------------------------------------------------------------------------


def posted(tx: Tx, tenant: str, provider: str, starts: date, ends: date) -> list[Row]:
    """What is paid to a provider by runs from a day to a day (exclusive), with the document it went out in."""
    return tx.query(
        f"SELECT {_ENTRY}, x.number FROM entry e LEFT JOIN document_entry x ON x.entry = e.entry"
        " WHERE e.tenant = %s AND e.provider = %s AND e.direction = 'PAYABLE' AND e.run >= %s AND e.run < %s"
        " ORDER BY e.run, e.assignment, e.entry",
        (tenant, provider, starts, ends),
    )


def balance(tx: Tx, tenant: str, provider: str, before: date, *, by_run: bool) -> Decimal:
    """What had been posted by runs before a day and had not gone out before it, by day of issue or by run."""
    day = "run" if by_run else "issued_on"
    found: Decimal = tx.value(
        "SELECT coalesce((SELECT sum(amount) FROM entry WHERE tenant = %(tenant)s AND provider = %(provider)s"
        " AND direction = 'PAYABLE' AND run < %(before)s), 0)"
        " - coalesce((SELECT sum(e.amount) FROM document d JOIN document_entry x USING (tenant, number)"
        " JOIN entry e ON e.entry = x.entry WHERE d.tenant = %(tenant)s AND d.provider = %(provider)s"
        f" AND d.direction = 'PAYABLE' AND d.{day} < %(before)s), 0)",
        {"tenant": tenant, "provider": provider, "before": before},
    )
    return found


def issued(tx: Tx, tenant: str, provider: str, starts: date, ends: date, *, by_run: bool) -> list[Row]:
    """Documents to a provider, by day of issue or by run, with the sum of their entries; `ends` is exclusive."""
    day = "run" if by_run else "issued_on"
    return tx.query(
        "SELECT d.number, d.kind, d.issued_on, d.due_on, d.net, d.vat, d.gross, sum(e.amount) AS entries"
        " FROM document d JOIN document_entry x USING (tenant, number) JOIN entry e ON e.entry = x.entry"
        f" WHERE d.tenant = %s AND d.provider = %s AND d.direction = 'PAYABLE' AND d.{day} >= %s AND d.{day} < %s"
        " GROUP BY d.tenant, d.number ORDER BY d.issued_on, d.number",
        (tenant, provider, starts, ends),
    )


def cases_of(tx: Tx, tenant: str, provider: str) -> list[str]:
    """Assignments in whose facts the provider is named: a superset of those in which something may be due to it."""
    rows = tx.query(
        "SELECT DISTINCT assignment FROM held_fact WHERE tenant = %s AND in_effect AND data->>'provider' = %s"
        " ORDER BY assignment",
        (tenant, provider),
    )
    return [row["assignment"] for row in rows]


# --- accounting ------------------------------------------------------------------------------------------


def add_plan(tx: Tx, tenant: str, valid_from: date, plan: Row, who: str) -> int:
    """Append a version of the account plan; its number."""
    (row,) = tx.insert_rows(
        "accounting",
        ("tenant", "valid_from", "plan", "recorded_by"),
        [(tenant, valid_from, plan, who)],
        "RETURNING version",
    )
    return int(row["version"])


def plans(tx: Tx, tenant: str) -> list[Row]:
    """All versions of the account plan, as on the wire."""
    return tx.query(
        "SELECT version, valid_from, plan FROM accounting WHERE tenant = %s ORDER BY valid_from, version", (tenant,)
    )


def plan_on(tx: Tx, tenant: str, day: date) -> Row | None:
    """The account plan in force on a day, as JSON."""
    found: Row | None = tx.value(
        "SELECT plan FROM accounting WHERE tenant = %s AND valid_from <= %s"
        " ORDER BY valid_from DESC, version DESC LIMIT 1",
        (tenant, day),
    )
    return found


def to_journal(tx: Tx, tenant: str, run: date | None, starts: date | None, ends: date | None) -> list[Document]:
    """Documents of a run or period of which no entry has gone into a journal, in the order of issue."""
    rows = tx.query(
        "SELECT content FROM document d WHERE tenant = %(tenant)s"
        " AND (%(run)s::date IS NULL OR run = %(run)s)"
        " AND (%(starts)s::date IS NULL OR issued_on >= %(starts)s AND issued_on < %(ends)s)"
        " AND NOT EXISTS (SELECT 1 FROM document_entry x JOIN journal_entry USING (entry)"
        "  WHERE (x.tenant, x.number) = (d.tenant, d.number)) ORDER BY issued_on, number",
        {"tenant": tenant, "run": run, "starts": starts, "ends": ends},
    )
    return [form.load(row["content"]) for row in rows]


def rows_of(tx: Tx, entries: Sequence[int]) -> list[Row]:
    """The ledger's rows of entries."""
    return tx.query(
        "SELECT entry, account, amount FROM entry_row WHERE entry = ANY(%s) ORDER BY entry", (list(entries),)
    )


def add_journal(tx: Tx, tenant: str, head: Mapping[str, Any], entries: Iterable[tuple[int, int]]) -> None:
    """Store a journal; `entries` are pairs of entry and voucher."""
    tx.insert_rows("journal", ("tenant", *head), [(tenant, *head.values())])
    tx.insert_rows(
        "journal_entry",
        ("entry", "tenant", "journal", "voucher"),
        [(entry, tenant, head["journal"], voucher) for entry, voucher in entries],
    )


def journals(tx: Tx, tenant: str) -> list[Row]:
    """The journals, as on the wire."""
    return tx.query(
        'SELECT journal, made_on, run, starts AS "from", ends AS "to", vouchers, entries, debit FROM journal'
        " WHERE tenant = %s ORDER BY journal",
        (tenant,),
    )


def journal(tx: Tx, tenant: str, number: int) -> Row | None:
    """The bytes of a journal: `sie`, `csv`."""
    return tx.one("SELECT sie, csv FROM journal WHERE tenant = %s AND journal = %s", (tenant, number))
