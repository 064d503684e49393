"""The inbox: which events have had their effect here.

The mark is written in the transaction of the effect, so that an event delivered twice (or a hundred times)
has one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kundval_contracts.envelope import Event, dump_data

if TYPE_CHECKING:
    from .db import Tx

_TAKE = """
INSERT INTO inbox (id, source, tenant, sequence)
SELECT * FROM json_to_recordset(%s::json) AS t (id uuid, source text, tenant text, sequence bigint)
ON CONFLICT DO NOTHING RETURNING id::text AS id
"""


def take(tx: Tx, events: Iterable[Event]) -> list[Event]:
    """Mark events as handled; the ones that were not yet, in the given order, each once."""
    by_id: dict[str, Event] = {}
    for event in events:
        by_id.setdefault(event.id, event)
    if not by_id:
        return []
    rows = [
        {"id": event.id, "source": event.service, "tenant": event.tenant, "sequence": event.sequence}
        for event in by_id.values()
    ]
    fresh = {row["id"] for row in tx.query(_TAKE, (dump_data(rows),))}
    return [event for event in by_id.values() if event.id in fresh]


def handled(tx: Tx, tenant: str) -> dict[str, int]:
    """How many events of each source have been handled for a tenant."""
    rows = tx.query("SELECT source, count(*) AS count FROM inbox WHERE tenant = %s GROUP BY source", (tenant,))
    return {row["source"]: row["count"] for row in rows}


def forget(tx: Tx, *, source: str, tenant: str | None = None, after: int = 0) -> int:
    """Forget that events were handled, so that a replay takes effect again; how many.

    Only for handlers whose effect is the same when repeated (recompute and store the difference).
    """
    return tx.execute(
        "DELETE FROM inbox WHERE source = %s AND sequence > %s AND (%s::text IS NULL OR tenant = %s)",
        (source, after, tenant, tenant),
    )


def release(tx: Tx, event_id: str) -> None:
    """Let an event that had no effect be told again under its own id."""
    tx.execute("DELETE FROM inbox WHERE id = %s::uuid", (event_id,))
