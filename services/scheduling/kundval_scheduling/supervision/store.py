"""SQL of the obligations about providers. No rules here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.codes import ObligationKind, ObligationState, Role
from kundval_contracts.envelope import Event

from ..domain.supervision import ProviderObligation

_COLUMNS = ("tenant", "provider", "kind", "sequence", "due", "responsible", "state", "met_on", "rules")


def take(tx: Tx, events: Iterable[Event]) -> None:
    """Take in `assignment.provider_supervised`, in any order: the latest told of a provider holds."""
    latest: dict[tuple[str, str], Event] = {}
    for event in events:
        key = (event.tenant, event.data["provider"])
        if key not in latest or latest[key].sequence < event.sequence:
            latest[key] = event
    tx.insert_rows(
        "provider_held",
        ("tenant", "provider", "channels", "sequence"),
        [
            (*key, event.data["channels"], event.sequence)
            for key, event in sorted(latest.items(), key=lambda one: one[0])
        ],
        "ON CONFLICT (tenant, provider) DO UPDATE SET channels = excluded.channels, sequence = excluded.sequence"
        " WHERE provider_held.sequence < excluded.sequence",
    )


def visits(tx: Tx, tenant: str) -> dict[str, set[date]]:
    """The days on which each provider of a tenant was looked at, through any channel."""
    return {
        row["provider"]: {date.fromisoformat(day) for days in row["channels"].values() for day in days}
        for row in tx.query("SELECT provider, channels FROM provider_held WHERE tenant = %s", (tenant,))
    }


def held(
    tx: Tx, tenant: str, provider: str | None = None, after: str | None = None, limit: int | None = None
) -> list[ProviderObligation]:
    """The obligations about the providers of a tenant, in order; `limit` counts providers."""
    rows = tx.query(
        "SELECT * FROM provider_obligation WHERE tenant = %(tenant)s AND provider IN ("
        " SELECT DISTINCT provider FROM provider_obligation WHERE tenant = %(tenant)s"
        " AND (%(one)s::text IS NULL OR provider = %(one)s) AND (%(after)s::text IS NULL OR provider > %(after)s)"
        " ORDER BY provider LIMIT %(limit)s) ORDER BY provider, kind, sequence",
        {"tenant": tenant, "one": provider, "after": after, "limit": limit},
    )
    return [_obligation(row) for row in rows]


def save(tx: Tx, tenant: str, changed: Iterable[ProviderObligation]) -> None:
    tx.insert_rows(
        "provider_obligation",
        _COLUMNS,
        [
            (
                tenant,
                one.provider,
                one.kind.value,
                one.sequence,
                one.due,
                one.responsible.value,
                one.state.value,
                one.met_on,
                list(one.rules),
            )
            for one in changed
        ],
        "ON CONFLICT (tenant, provider, kind, sequence) DO UPDATE SET due = excluded.due,"
        " responsible = excluded.responsible, state = excluded.state, met_on = excluded.met_on,"
        " rules = excluded.rules",
    )


def remove(tx: Tx, tenant: str, gone: Iterable[ProviderObligation]) -> None:
    rows = [(tenant, one.provider, one.kind.value, one.sequence) for one in gone]
    if rows:
        tx.executemany(
            "DELETE FROM provider_obligation WHERE tenant = %s AND provider = %s AND kind = %s AND sequence = %s", rows
        )


def _obligation(row: dict[str, Any]) -> ProviderObligation:
    return ProviderObligation(
        provider=row["provider"],
        kind=ObligationKind(row["kind"]),
        sequence=row["sequence"],
        due=row["due"],
        responsible=Role(row["responsible"]),
        state=ObligationState(row["state"]),
        met_on=row["met_on"],
        rules=tuple(row["rules"]),
    )
