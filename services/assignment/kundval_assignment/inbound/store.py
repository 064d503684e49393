"""SQL of what other systems tell. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import BenefitScope, InboundSource

from ..domain.inbound import Assisted, Membership


@dataclass(frozen=True, slots=True)
class Key:
    """A thing of which something is told: `what` names the field that holds its id `item`."""

    tenant: str
    source: InboundSource
    what: str
    item: str

    @property
    def values(self) -> tuple[str, str, str, str]:
        return self.tenant, self.source.value, self.what, self.item


_KEY = "tenant = %s AND source = %s AND what = %s AND item = %s"


# --- who is meant --------------------------------------------------------------------------------------


def join(tx: Tx, tenant: str, household: str, person: str, since: date, until: date | None) -> None:
    """Say that somebody belongs to a household from `since` on; the same day again gives the period another end."""
    tx.execute(
        "INSERT INTO household_member (tenant, household, person, since, until) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant, household, person, since) DO UPDATE SET until = excluded.until",
        (tenant, household, person, since, until),
    )


def leave(tx: Tx, tenant: str, household: str, person: str, since: date) -> bool:
    """Take back that somebody belonged to a household from that day; False if nobody had said so."""
    return bool(
        tx.execute(
            "DELETE FROM household_member WHERE tenant = %s AND household = %s AND person = %s AND since = %s",
            (tenant, household, person, since),
        )
    )


def memberships(tx: Tx, tenant: str, person: str) -> list[Membership]:
    rows = tx.query(
        "SELECT household, since, until FROM household_member WHERE tenant = %s AND person = %s"
        " ORDER BY household, since",
        (tenant, person),
    )
    return [Membership(row["household"], row["since"], row["until"]) for row in rows]


def members(tx: Tx, tenant: str, household: str, start: date, end: date) -> set[str]:
    """Who belonged to a household on a day of the period."""
    rows = tx.query(
        "SELECT DISTINCT person FROM household_member WHERE tenant = %s AND household = %s AND since < %s"
        " AND (until IS NULL OR until > %s)",
        (tenant, household, end, start),
    )
    return {row["person"] for row in rows}


def refer(tx: Tx, tenant: str, source: InboundSource, reference: str, person: str) -> str:
    """Say whom a reference means, unless somebody has; whom it means now."""
    tx.execute(
        "INSERT INTO reference_link (tenant, source, reference, person) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (tenant, source.value, reference, person),
    )
    found = meant(tx, tenant, source, reference)
    assert found is not None
    return found


def meant(tx: Tx, tenant: str, source: InboundSource, reference: str) -> str | None:
    """Whom a reference means, as far as somebody has said."""
    found = tx.value(
        "SELECT person FROM reference_link WHERE tenant = %s AND source = %s AND reference = %s",
        (tenant, source.value, reference),
    )
    return None if found is None else str(found)


def unrefer(tx: Tx, tenant: str, source: InboundSource, reference: str, person: str) -> bool:
    return bool(
        tx.execute(
            "DELETE FROM reference_link WHERE tenant = %s AND source = %s AND reference = %s AND person = %s",
            (tenant, source.value, reference, person),
        )
    )


def references(tx: Tx, tenant: str, person: str) -> list[Row]:
    return tx.query(
        "SELECT source, reference FROM reference_link WHERE tenant = %s AND person = %s ORDER BY source, reference",
        (tenant, person),
    )


# --- how far has been told -----------------------------------------------------------------------------


def seen(tx: Tx, key: Key) -> tuple[int, bool] | None:
    """The highest revision told, and whether it says that there is no such thing."""
    row = tx.one(f"SELECT revision, withdrawn FROM inbound_seen WHERE {_KEY}", key.values)
    return None if row is None else (row["revision"], row["withdrawn"])


def see(tx: Tx, key: Key, revision: int, withdrawn: bool) -> None:
    tx.execute(
        "INSERT INTO inbound_seen (tenant, source, what, item, revision, withdrawn) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant, source, what, item) DO UPDATE SET revision = excluded.revision,"
        " withdrawn = excluded.withdrawn",
        (*key.values, revision, withdrawn),
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken in of a thing for somebody. `record` is None when its ground has ended and it is gone."""

    revision: int
    record: str | None


def taken(tx: Tx, key: Key) -> dict[str, Taken]:
    """For whom something was taken in of a thing, by person."""
    rows = tx.query(
        "SELECT i.person, i.revision, r.record FROM inbound_item AS i LEFT JOIN gate_record AS r"
        " ON r.tenant = i.tenant AND r.record = i.record"
        " WHERE i.tenant = %s AND i.source = %s AND i.what = %s AND i.item = %s ORDER BY i.person",
        key.values,
    )
    return {row["person"]: Taken(row["revision"], row["record"]) for row in rows}


def put(tx: Tx, key: Key, person: str, revision: int, name: str, record: str) -> None:
    tx.execute(
        "INSERT INTO inbound_item (tenant, source, what, item, person, revision, name, record)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (tenant, source, what, item, person)"
        " DO UPDATE SET revision = excluded.revision, name = excluded.name, record = excluded.record",
        (*key.values, person, revision, name, record),
    )


def drop(tx: Tx, key: Key, person: str) -> None:
    tx.execute(f"DELETE FROM inbound_item WHERE {_KEY} AND person = %s", (*key.values, person))


def items(tx: Tx, tenant: str, person: str, what: Collection[str]) -> list[Row]:
    """`{what, item, record}` of everything that was taken in about somebody, its record still there or not."""
    return tx.query(
        "SELECT what, item, record FROM inbound_item WHERE tenant = %s AND person = %s AND what = ANY(%s)"
        " ORDER BY what, item",
        (tenant, person, list(what)),
    )


def told_of(tx: Tx, tenant: str, persons: Collection[str]) -> list[str]:
    """Those of these persons about whom something was taken in."""
    if not persons:
        return []
    rows = tx.query(
        "SELECT DISTINCT person FROM inbound_item WHERE tenant = %s AND person = ANY(%s) ORDER BY person",
        (tenant, sorted(persons)),
    )
    return [row["person"] for row in rows]


# --- the facts that stand for assistance ---------------------------------------------------------------


def facts(tx: Tx, tenant: str, assignments: Collection[str]) -> dict[str, dict[Assisted, str]]:
    """By assignment: what was stated, and the fact's id."""
    found: dict[str, dict[Assisted, str]] = {name: {} for name in assignments}
    for row in tx.query(
        "SELECT assignment, payment, start, until, scope, fact FROM inbound_fact"
        " WHERE tenant = %s AND assignment = ANY(%s)",
        (tenant, sorted(assignments)),
    ):
        one = Assisted(row["payment"], row["start"], row["until"], BenefitScope(row["scope"]))
        found[row["assignment"]][one] = row["fact"]
    return found


def add_facts(tx: Tx, tenant: str, rows: Iterable[tuple[str, Assisted, str]]) -> None:
    """(assignment, what, fact id) each."""
    tx.insert_rows(
        "inbound_fact",
        ("tenant", "assignment", "payment", "start", "until", "scope", "fact"),
        [(tenant, name, one.payment, one.start, one.end, one.scope.value, fact) for name, one, fact in rows],
    )


def remove_fact(tx: Tx, tenant: str, assignment: str, fact: str) -> None:
    tx.execute(
        "DELETE FROM inbound_fact WHERE tenant = %s AND assignment = %s AND fact = %s", (tenant, assignment, fact)
    )
