"""SQL of the billing service. No rules here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.answer import Posting, Said, Step
from kundval_contracts.codes import Direction, LineKind, Programme
from kundval_contracts.rules import RULESET_VERSION
from kundval_contracts.tariffs import direction_of


def latest_run(tx: Tx, tenant: str) -> date | None:
    """The day of the latest payment run."""
    day: date | None = tx.value("SELECT max(run) FROM payment_run WHERE tenant = %s", (tenant,))
    return day


def add_run(tx: Tx, tenant: str, run: date, postings: int, amount: Decimal) -> None:
    tx.execute(
        "INSERT INTO payment_run (tenant, run, postings, amount) VALUES (%s, %s, %s, %s)",
        (tenant, run, postings, amount),
    )


# --- the ledger --------------------------------------------------------------------------------------


def accounts(posting: Posting, programme: Programme) -> tuple[str, str]:
    """(debit, credit): a posting that is payable is a cost and a debt, one that is receivable a claim and a revenue."""
    if direction_of(programme) is Direction.RECEIVABLE:
        return f"receivable:{posting.provider}", f"revenue:{programme.value}:{posting.kind.value}"
    return f"cost:{programme.value}:{posting.kind.value}", f"payable:{posting.provider}"


def add_entries(tx: Tx, tenant: str, postings: Sequence[tuple[Posting, Programme, int]]) -> list[int]:
    """Append entries with their two rows; each is (posting, programme, revision). Their numbers, in order."""
    if not postings:
        return []
    numbers = tx.insert_rows(
        "entry",
        (
            "tenant",
            "assignment",
            "provider",
            "kind",
            "sequence",
            "revision",
            "run",
            "amount",
            "reverses",
            "rules",
            "because",
            "steps",
            "ruleset",
            "programme",
            "direction",
            "starts",
            "ends",
            "said",
            "facts",
        ),
        [
            (
                tenant,
                one.assignment,
                one.provider,
                one.kind.value,
                one.sequence,
                revision,
                one.run,
                one.amount,
                one.reverses,
                list(one.rules),
                one.because,
                [step.as_json() for step in one.steps],
                RULESET_VERSION,
                programme.value,
                direction_of(programme).value,
                one.start,
                one.end,
                one.said.as_json() if one.said else None,
                list(one.facts),
            )
            for one, programme, revision in postings
        ],
        "RETURNING entry, assignment, provider, kind, sequence, revision",
    )
    by_key = {
        (row["assignment"], row["provider"], row["kind"], row["sequence"], row["revision"]): row["entry"]
        for row in numbers
    }
    entries: list[int] = []
    rows: list[tuple[int, str, Decimal]] = []
    for one, programme, revision in postings:
        entry = by_key[(*one.key, revision)]
        debit, credit = accounts(one, programme)
        rows += [(entry, debit, one.amount), (entry, credit, -one.amount)]
        entries.append(entry)
    tx.insert_rows("entry_row", ("entry", "account", "amount"), rows)
    return entries


def postings_of(
    tx: Tx, tenant: str, assignments: Sequence[str], *, derivations: bool = True
) -> dict[str, list[Posting]]:
    """What has been posted for these assignments, oldest first.

    A run compares amounts and needs no `derivations` (steps and sentence): leaving them out spares a third of it.
    """
    found: dict[str, list[Posting]] = {assignment: [] for assignment in assignments}
    more = ", because, steps, said, facts" if derivations else ""
    for row in tx.query(
        f"SELECT run, assignment, provider, kind, sequence, amount, reverses, rules, starts, ends{more} FROM entry"
        " WHERE tenant = %s AND assignment = ANY(%s) ORDER BY entry",
        (tenant, list(assignments)),
    ):
        found[row["assignment"]].append(_posting(row))
    return found


def page(tx: Tx, tenant: str, assignment: str | None, after: str | None, limit: int) -> list[str]:
    """Ids of the next assignments of a tenant, in order."""
    rows = tx.query(
        "SELECT assignment FROM held_case WHERE tenant = %(tenant)s"
        " AND (%(one)s::text IS NULL OR assignment = %(one)s)"
        " AND (%(after)s::text IS NULL OR assignment > %(after)s) ORDER BY assignment LIMIT %(limit)s",
        {"tenant": tenant, "one": assignment, "after": after, "limit": limit},
    )
    return [row["assignment"] for row in rows]


def summary(tx: Tx, tenant: str) -> dict[str, Any]:
    """What was posted by provider and kind, in all, and what was taken back."""
    paid = tx.query(
        "SELECT provider, kind, count(*) AS postings, sum(amount) AS amount FROM entry WHERE tenant = %s"
        " GROUP BY provider, kind ORDER BY provider, kind",
        (tenant,),
    )
    back = tx.one(
        "SELECT count(*) AS corrections, coalesce(sum(amount), 0) AS corrected FROM entry"
        " WHERE tenant = %s AND reverses IS NOT NULL",
        (tenant,),
    )
    assert back is not None
    return {"paid": paid, "amount": sum((row["amount"] for row in paid), Decimal(0)), **back}


# --- is the ledger what it should be -----------------------------------------------------------------

# each numbers what goes wrong among (numbers from `after` on), and whether there is more
_WRONG = {
    "entry": "SELECT FROM entry JOIN entry_row USING (entry) WHERE entry.entry > %(after)s AND entry.entry <= %(upto)s"
    " GROUP BY entry.entry HAVING sum(entry_row.amount) <> 0 OR sum(entry_row.amount)"
    " FILTER (WHERE account LIKE 'cost:%%' OR account LIKE 'receivable:%%') IS DISTINCT FROM entry.amount",
    "payment": "SELECT FROM payment WHERE payment > %(after)s AND payment <= %(upto)s AND amount IS DISTINCT FROM"
    " (SELECT sum(entry.amount) FROM payment_entry JOIN entry USING (entry)"
    " WHERE payment_entry.payment = payment.payment)",
    "journal": "SELECT FROM payment_row WHERE payment > %(after)s AND payment <= %(upto)s"
    " GROUP BY payment, stage HAVING sum(amount) <> 0",
}
_NUMBERED = {"entry": "entry", "payment": "payment", "journal": "payment"}
#: what can be added up
SUMS = tuple(_WRONG)


def added_up(tx: Tx, what: str, after: int, step: int) -> dict[str, Any]:
    """Of `what` (one of `SUMS`), the numbers from `after` to `after + step`: how many are `wrong`; are there `more`?"""
    table = _NUMBERED[what]
    row = tx.one(
        f"SELECT (SELECT count(*) FROM ({_WRONG[what]}) AS found) AS wrong,"
        f" EXISTS (SELECT FROM {table} WHERE {table} > %(upto)s) AS more",
        {"after": after, "upto": after + step},
    )
    assert row is not None
    return row


def at_rest(tx: Tx, after: tuple[str, str], limit: int) -> list[dict[str, Any]]:
    """The next assignments (tenant, assignment, and `run`, the tenant's latest) with nothing new since that run."""
    return tx.query(
        "SELECT agenda.tenant, assignment, run FROM agenda"
        " JOIN (SELECT tenant, max(run) AS run FROM payment_run GROUP BY tenant) AS latest USING (tenant)"
        " WHERE (agenda.tenant, assignment) > (%s, %s) AND (until IS NULL OR until > run)"
        " ORDER BY agenda.tenant, assignment LIMIT %s",
        (*after, limit),
    )


def _posting(row: Mapping[str, Any]) -> Posting:
    return Posting(
        row["run"],
        row["assignment"],
        row["provider"],
        LineKind(row["kind"]),
        row["sequence"],
        row["amount"],
        row["reverses"],
        tuple(row["rules"]),
        row.get("because", ""),
        tuple(Step.from_json(step) for step in row.get("steps", ())),
        Said.from_json(row["said"]) if row.get("said") else None,
        tuple(row.get("facts", ())),
        row["starts"],
        row["ends"],
    )
