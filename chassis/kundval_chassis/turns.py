"""Turns: the events of a tenant are handled by one transaction at a time, in the order in which they came.

So a day never overtakes the facts that were told before it, and nobody computes from half of what another is just
storing, however many processes a service has. A turn is an advisory lock of the tenant's that ends with the
transaction. It is only ever tried for, so nobody waits for anybody and there is no deadlock: what cannot be handled now
is laid out in the table `waiting_event`, behind what lies there, and handled by who comes next (`helper`). Processes of
a version from before there were turns wait for them at the inbox; see the migration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from .consume import Delivery
    from .db import Tx

#: Whoever laid events out says so here.
CHANNEL = "kundval_waiting"

#: A process that stands still in the middle of a turn loses it after so many milliseconds.
PATIENCE = 300_000

CLAIM = (
    "SELECT tenant FROM unnest(%s::text[]) AS asked (tenant),"
    f" (SELECT set_config('idle_in_transaction_session_timeout', '{PATIENCE}', true)) AS bounded"
    " WHERE pg_try_advisory_xact_lock(hashtextextended('events' || chr(31) || tenant, 0))"
)
_BEHIND = (
    "SELECT tenant FROM unnest(%s::text[]) AS asked (tenant)"
    " WHERE EXISTS (SELECT FROM waiting_event AS w WHERE w.tenant = asked.tenant)"
)


def claim(tx: Tx, tenants: Iterable[str]) -> set[str]:
    """Those of the tenants whose turn this transaction has now, to its end."""
    return {row["tenant"] for row in tx.query(CLAIM, (sorted(set(tenants)),))}


def behind(tx: Tx, tenants: Iterable[str]) -> set[str]:
    """Those of the tenants of which events lie in the table. Ask when their turn has been claimed."""
    return {row["tenant"] for row in tx.query(_BEHIND, (sorted(set(tenants)),))}


def lay_out(tx: Tx, deliveries: Iterable[tuple[str, Delivery]]) -> None:
    """Put deliveries, each with its tenant, behind what lies in the table, and wake who helps."""
    tx.copy_rows(
        "waiting_event",
        ("tenant", "message_id", "content_type", "headers", "body"),
        [
            (tenant, one.message_id, one.content_type, Jsonb(_plain(one.headers)), one.body.decode())
            for tenant, one in deliveries
        ],
    )
    tx.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def take(tx: Tx, places: Iterable[int]) -> set[int]:
    """Take events off the table; the places of those that still lay there."""
    rows = tx.query("DELETE FROM waiting_event WHERE place = ANY(%s) RETURNING place", (list(places),))
    return {row["place"] for row in rows}


def _plain(headers: Mapping[str, Any]) -> dict[str, Any]:
    """What says how often and why an event failed; what the broker adds is not needed any more."""
    return {name: value for name, value in headers.items() if isinstance(value, str | int)}
