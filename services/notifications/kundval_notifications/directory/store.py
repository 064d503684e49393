"""SQL of the directory: who holds a case, parties, preferences. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from psycopg.types.json import Jsonb

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import Role
from kundval_contracts.envelope import Event

from .seal import Seal

#: stands for whoever holds the role
ANYBODY = "*"
#: a role and the id of who is in it
Whose = tuple[str, str]


# --- who a notice goes to ----------------------------------------------------------------------------


def holders(tx: Tx, tenant: str, assignments: Collection[str]) -> dict[str, Row]:
    """Career guide and unit of these assignments, `{guide, unit}`, as far as they are known."""
    rows = tx.query(
        "SELECT assignment, guide, unit FROM holder WHERE tenant = %s AND assignment = ANY(%s)",
        (tenant, sorted(assignments)),
    )
    return {row["assignment"]: row for row in rows}


def parties(tx: Tx, tenant: str, roles: Collection[Role]) -> dict[Whose, Row]:
    """What is held of everybody in these roles."""
    rows = tx.query(
        "SELECT role, party, unit, addresses, secret, language, webhook_closed_at FROM party"
        " WHERE tenant = %s AND role = ANY(%s) ORDER BY role, party",
        (tenant, sorted(role.value for role in roles)),
    )
    return {(row["role"], row["party"]): row for row in rows}


def preferences(tx: Tx, tenant: str, whose: Collection[Whose]) -> dict[Whose, Row]:
    """What these want, as far as they have said."""
    rows = tx.query(
        "SELECT role, party, refused, channels, digest, language, changed_at FROM preference"
        " JOIN unnest(%s::text[], %s::text[]) AS wanted (role, party) USING (role, party) WHERE tenant = %s",
        ([role for role, _ in whose], [party for _, party in whose], tenant),
    )
    return {(row["role"], row["party"]): row for row in rows}


# --- parties -----------------------------------------------------------------------------------------


def party(tx: Tx, tenant: str, role: Role, name: str) -> Row | None:
    """What is held of one, locked."""
    return tx.one(
        "SELECT addresses, secret FROM party WHERE tenant = %s AND role = %s AND party = %s FOR UPDATE",
        (tenant, role.value, name),
    )


def leads(tx: Tx, tenant: str, unit: str) -> str | None:
    """Who is known as the team manager of a unit."""
    row = tx.one("SELECT party FROM party WHERE tenant = %s AND role = 'TEAM_MANAGER' AND unit = %s", (tenant, unit))
    return None if row is None else str(row["party"])


def save_party(tx: Tx, values: Mapping[str, Any]) -> None:
    tx.execute(
        "INSERT INTO party (tenant, role, party, unit, addresses, secret, language, changed_by) VALUES (%(tenant)s,"
        " %(role)s, %(party)s, %(unit)s, %(addresses)s, %(secret)s, %(language)s, %(changed_by)s)"
        " ON CONFLICT (tenant, role, party) DO UPDATE SET unit = excluded.unit, addresses = excluded.addresses,"
        " secret = excluded.secret, language = excluded.language, changed_by = excluded.changed_by,"
        " changed_at = now(), webhook_closed_at = NULL",
        {**values, "addresses": Jsonb(values["addresses"])},
    )


def remove_party(tx: Tx, tenant: str, role: Role, name: str) -> bool:
    """With what it prefers. False if there was none."""
    tx.execute("DELETE FROM preference WHERE tenant = %s AND role = %s AND party = %s", (tenant, role.value, name))
    return bool(
        tx.execute("DELETE FROM party WHERE tenant = %s AND role = %s AND party = %s", (tenant, role.value, name))
    )


def close_webhook(tx: Tx, tenant: str, role: Role, name: str) -> bool:
    """False if there is none, or it was closed."""
    return bool(
        tx.execute(
            "UPDATE party SET webhook_closed_at = now() WHERE tenant = %s AND role = %s AND party = %s"
            " AND addresses ? 'WEBHOOK' AND webhook_closed_at IS NULL",
            (tenant, role.value, name),
        )
    )


def close_webhooks_to(tx: Tx, tenant: str, url: str) -> int:
    """An address said that it is no more: nothing goes there until it is stated again. How many parties had it."""
    return tx.execute(
        "UPDATE party SET webhook_closed_at = now() WHERE tenant = %s AND addresses ->> 'WEBHOOK' = %s"
        " AND webhook_closed_at IS NULL",
        (tenant, url),
    )


def list_parties(tx: Tx, tenant: str, role: Role | None) -> list[Row]:
    """In the shape of `notifications.parties`."""
    return tx.query(
        "SELECT role, nullif(party, '*') AS party, unit, addresses ->> 'EMAIL' AS email, addresses ->> 'SMS' AS phone,"
        " addresses ->> 'WEBHOOK' AS webhook, webhook_closed_at, language, changed_by, changed_at FROM party"
        " WHERE tenant = %(tenant)s AND (%(role)s::text IS NULL OR role = %(role)s) ORDER BY role, party",
        {"tenant": tenant, "role": None if role is None else role.value},
    )


def reseal(tx: Tx, seal: Seal) -> None:
    """Seal with the first key what another has sealed. What cannot be opened stays as it is."""
    rows = tx.query("SELECT tenant, role, party, secret FROM party WHERE secret IS NOT NULL FOR UPDATE")
    for row in rows:
        place, sealed = (row["tenant"], row["role"], row["party"]), bytes(row["secret"])
        secret = None if seal.is_current(sealed, *place) else seal.open(sealed, *place)
        if secret is not None:
            tx.execute(
                "UPDATE party SET secret = %s WHERE tenant = %s AND role = %s AND party = %s",
                (seal.seal(secret, *place), *place),
            )


# --- preferences -------------------------------------------------------------------------------------


def save_preference(tx: Tx, values: Mapping[str, Any]) -> None:
    columns = ("tenant", "role", "party", "refused", "channels", "digest", "language", "changed_by")
    tx.insert_rows(
        "preference",
        columns,
        [tuple(values[name] for name in columns)],
        "ON CONFLICT (tenant, role, party) DO UPDATE SET refused = excluded.refused, channels = excluded.channels,"
        " digest = excluded.digest, language = excluded.language, changed_by = excluded.changed_by, changed_at = now()",
    )


def forget(tx: Tx, events: Iterable[Event]) -> None:
    """Let go of what persons want of whom `assignment.person_erased` says that they are erased."""
    gone = [(one.tenant, one.data["person"]) for one in events]
    if gone:
        tx.executemany("DELETE FROM preference WHERE tenant = %s AND role = 'CLIENT' AND party = %s", gone)
