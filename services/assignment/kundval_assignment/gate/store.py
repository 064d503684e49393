"""SQL of the purpose gate. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, LiteralString

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import ConsentScope, DataKind, GateRefusal, LegalBasis, Purpose

from ..domain.gate import Ground

_COLUMNS = (
    "ground, person, what, purpose, basis, requester, since, expires_on, provider, reference, scope, assignment,"
    " consent, ended_on"
)


def add(tx: Tx, tenant: str, ground: Ground) -> None:
    tx.execute(
        f"INSERT INTO gate_ground (tenant, {_COLUMNS})"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tenant,
            ground.id,
            ground.person,
            ground.what.value,
            ground.purpose.value,
            ground.basis.value,
            ground.requester,
            ground.since,
            ground.expires_on,
            ground.provider,
            ground.reference,
            None if ground.scope is None else ground.scope.value,
            ground.assignment,
            ground.consent,
            ground.ended_on,
        ),
    )


def grounds(tx: Tx, tenant: str, persons: Collection[str], what: DataKind | None = None) -> list[Ground]:
    """All grounds of these persons, ended and expired ones too, in the order in which they were opened."""
    rows = tx.query(
        f"SELECT {_COLUMNS} FROM gate_ground WHERE tenant = %s AND person = ANY(%s)"
        " AND (%s::text IS NULL OR what = %s) ORDER BY opened_at, ground",
        (tenant, sorted(persons), what, what),
    )
    return [_ground(row) for row in rows]


def ground(tx: Tx, tenant: str, name: str, *, lock: LiteralString = "") -> Ground | None:
    """`lock`: ``FOR UPDATE`` for who ends it, ``FOR SHARE`` for who keeps something on it."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM gate_ground WHERE tenant = %s AND ground = %s {lock}",
        (tenant, name),
    )
    return None if row is None else _ground(row)


def business_date(tx: Tx, tenant: str) -> date | None:
    """As it is now, which another transaction may have moved since this one began."""
    found: date | None = tx.value("SELECT business_date FROM tenant WHERE tenant = %s", (tenant,))
    return found


def lock_expiring(tx: Tx, tenant: str, after: date | None, on: date) -> None:
    """Wait for who keeps something on a ground that expires after `after` and until `on`."""
    tx.execute(
        "SELECT FROM gate_ground WHERE tenant = %s AND expires_on <= %s AND (%s::date IS NULL OR expires_on > %s)"
        " ORDER BY ground FOR UPDATE",
        (tenant, on, after, after),
    )


def by_consent(tx: Tx, tenant: str, on: date) -> list[Ground]:
    """Those that rest on a consent and would hold on `on` if it does."""
    rows = tx.query(
        f"SELECT {_COLUMNS} FROM gate_ground WHERE tenant = %s AND basis = %s AND expires_on > %s"
        " AND ended_on IS NULL ORDER BY ground",
        (tenant, LegalBasis.CONSENT.value, on),
    )
    return [_ground(row) for row in rows]


def end(tx: Tx, tenant: str, ground: str, on: date) -> bool:
    """False if it was ended before."""
    return bool(
        tx.execute(
            "UPDATE gate_ground SET ended_on = %s WHERE tenant = %s AND ground = %s AND ended_on IS NULL",
            (on, tenant, ground),
        )
    )


def _ground(row: Row) -> Ground:
    return Ground(
        id=row["ground"],
        person=row["person"],
        what=DataKind(row["what"]),
        purpose=Purpose(row["purpose"]),
        basis=LegalBasis(row["basis"]),
        requester=row["requester"],
        since=row["since"],
        expires_on=row["expires_on"],
        provider=row["provider"],
        reference=row["reference"],
        scope=None if row["scope"] is None else ConsentScope(row["scope"]),
        assignment=row["assignment"],
        consent=row["consent"],
        ended_on=row["ended_on"],
    )


# --- records -------------------------------------------------------------------------------------------


def add_record(
    tx: Tx, tenant: str, record: str, ground: Ground, kind: str, sealed: bytes, key_id: str, on: date
) -> None:
    tx.execute(
        "INSERT INTO gate_record (tenant, record, ground, person, kind, sealed, key_id, kept_on)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (tenant, record, ground.id, ground.person, kind, sealed, key_id, on),
    )


def records(tx: Tx, tenant: str, grounds: Sequence[str]) -> list[Row]:
    """`{record, ground, person, kind, sealed, key_id, kept_on}` of these grounds, in the order of the days."""
    return tx.query(
        "SELECT record, ground, person, kind, sealed, key_id, kept_on FROM gate_record"
        " WHERE tenant = %s AND ground = ANY(%s) ORDER BY kept_on, record",
        (tenant, list(grounds)),
    )


def remove_records(tx: Tx, tenant: str, ground: str) -> int:
    return tx.execute("DELETE FROM gate_record WHERE tenant = %s AND ground = %s", (tenant, ground))


def remove_record(tx: Tx, tenant: str, record: str) -> bool:
    return bool(tx.execute("DELETE FROM gate_record WHERE tenant = %s AND record = %s", (tenant, record)))


def remove_expired(tx: Tx, tenant: str, on: date) -> int:
    """Remove what was kept on grounds that hold no more on `on`, their consents aside; how many records."""
    return tx.execute(
        "DELETE FROM gate_record USING gate_ground AS g WHERE gate_record.tenant = %s AND g.tenant = gate_record.tenant"
        " AND g.ground = gate_record.ground AND (g.expires_on <= %s OR g.ended_on <= %s)",
        (tenant, on, on),
    )


# --- refusals ------------------------------------------------------------------------------------------


def add_refusal(
    tx: Tx,
    tenant: str,
    *,
    person: str | None,
    what: DataKind,
    purpose: Purpose,
    requester: str,
    provider: str | None,
    code: GateRefusal,
    on: date,
) -> None:
    tx.execute(
        "INSERT INTO gate_refusal (tenant, on_day, person, what, purpose, requester, provider, code)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (tenant, on, person, what.value, purpose.value, requester, provider, code.value),
    )


def refusals(tx: Tx, tenant: str, before: int | None, what: Any, code: Any, limit: int) -> list[Row]:
    """The newest first."""
    return tx.query(
        "SELECT n, at, on_day AS on, person, what, purpose, requester, provider, code FROM gate_refusal"
        " WHERE tenant = %(tenant)s AND (%(before)s::bigint IS NULL OR n < %(before)s)"
        " AND (%(what)s::text IS NULL OR what = %(what)s) AND (%(code)s::text IS NULL OR code = %(code)s)"
        " ORDER BY n DESC LIMIT %(limit)s",
        {"tenant": tenant, "before": before, "what": what, "code": code, "limit": limit},
    )
