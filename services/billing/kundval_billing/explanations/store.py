"""SQL of what was known when. No rules here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.envelope import Event

from ..domain.explain import MATTERS
from ..domain.known import Moment, Revision


def keep(tx: Tx, events: Iterable[Event]) -> None:
    """Write down what these events tell: every revision, version of the terms and business date, each once.

    In the transaction in which they take effect. The same event again, or an older one later, changes nothing. Facts
    that money never looks at (contacts, meetings, reports) are most of all facts, and are passed over.
    """
    facts: dict[tuple[str, str, str, int], tuple[Any, ...]] = {}
    terms: dict[tuple[str, int], tuple[Any, ...]] = {}
    days: dict[tuple[str, int], tuple[Any, ...]] = {}
    for event in events:
        data = event.data
        kind = held.fact_kind(event)
        if kind is not None and kind in MATTERS:
            key = (event.tenant, data["assignment"], data["fact_id"], data["revision"])
            own: tuple[Any, ...] = (False, kind.value, None, None, None, None)
            if event.name != "assignment.fact_withdrawn":
                own = (True, kind.value, data["ordinal"], data["on"], data["known_on"], held.own_fields(event))
            facts[key] = (*key, *own, event.sequence)
        elif event.name == "assignment.tenant_opened":
            told = (data[name] for name in ("municipality", "settings", "tariffs", "providers"))
            terms[event.tenant, event.sequence] = (event.tenant, event.sequence, *told)
        elif event.name == held.CLOCK:
            days[event.tenant, event.sequence] = (event.tenant, event.sequence, data["date"])
    tx.insert_rows(
        "known",
        (
            "tenant", "assignment", "fact_id", "revision", "in_effect", "kind", "place", "on_day", "known_on", "data",
            "sequence",
        ),
        facts.values(),
        "ON CONFLICT (tenant, assignment, fact_id, revision) DO UPDATE SET sequence = excluded.sequence"
        " WHERE known.sequence = 0",
    )  # fmt: skip
    tx.insert_rows(
        "known_terms",
        ("tenant", "sequence", "municipality", "settings", "tariffs", "providers"),
        terms.values(),
        "ON CONFLICT (tenant, sequence) DO NOTHING",
    )
    tx.insert_rows(
        "known_day", ("tenant", "sequence", "day"), days.values(), "ON CONFLICT (tenant, sequence) DO NOTHING"
    )


def run_of(tx: Tx, tenant: str, run: date, *, first: bool = False) -> Moment | None:
    """The latest (or the first) payment run made for that day, as a moment; None if there is none that has a place in
    the history.
    """
    taken = tx.value(
        "SELECT CASE WHEN %s THEN min(taken) ELSE max(taken) END FROM payment_run WHERE tenant = %s AND run = %s",
        (first, tenant, run),
    )
    return None if taken is None else Moment(run, taken)


#: The business date of the log at a number: business dates only move forward there.
_TOLD_ON = (
    "(SELECT d.day FROM known_day d WHERE d.tenant = k.tenant AND d.sequence < k.sequence"
    " ORDER BY d.sequence DESC LIMIT 1)"
)


def terms_at(tx: Tx, tenant: str, moment: Moment) -> Tenant | None:
    """The tenant with the settings and tariffs that held at that moment; None if it had not been opened."""
    row = tx.one(
        "SELECT municipality, settings::text, tariffs::text, providers::text FROM known_terms k"
        " WHERE tenant = %(tenant)s AND CASE WHEN %(taken)s::bigint IS NULL"
        f" THEN coalesce({_TOLD_ON} <= %(day)s, true) ELSE taken < %(taken)s END ORDER BY sequence DESC LIMIT 1",
        {"tenant": tenant, "day": moment.day, "taken": moment.taken},
    )
    return None if row is None else held.read_tenant(tenant, row, moment.day)


def revisions_of(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, list[Revision]]:
    """Every revision of the facts of these assignments."""
    found: dict[str, list[Revision]] = {assignment: [] for assignment in assignments}
    for row in tx.query(
        "SELECT assignment, fact_id, revision, in_effect, kind, place, on_day, known_on, data, taken,"
        f" {_TOLD_ON} AS told_on FROM known k WHERE tenant = %s AND assignment = ANY(%s)"
        " ORDER BY assignment, fact_id, revision",
        (tenant, list(assignments)),
    ):
        found[row["assignment"]].append(_revision(row))
    return found


def numbers_of(tx: Tx, tenant: str, assignment: str) -> list[int]:
    """The numbers of the entries of an assignment, oldest first: as `store.postings_of` gives them."""
    rows = tx.query(
        "SELECT entry FROM entry WHERE tenant = %s AND assignment = %s ORDER BY entry", (tenant, assignment)
    )
    return [row["entry"] for row in rows]


def _revision(row: Mapping[str, Any]) -> Revision:
    fact = None
    if row["in_effect"]:
        fact = held.read_fact(row["fact_id"], row["kind"], row["place"], row["on_day"], row["known_on"], row["data"])
    return Revision(row["fact_id"], row["revision"], fact, row["told_on"], row["taken"])
