"""What scheduling makes of its restoration: what it told of obligations, it takes back from notifications.

So what it finds next, when the facts have come again and the day is looked at, is told as the difference to what the
others hold. Bookings that were made since are known nowhere else with their hour: they are listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from kundval_chassis import agenda
from kundval_chassis.db import Tx
from kundval_chassis.recovery import Recovery
from kundval_contracts.answer import Obligation
from kundval_contracts.codes import ObligationKind, ObligationState, Role

from . import store

#: assignments whose obligations are taken at a time
CHUNK = 500
Key = tuple[str, str]

_TOLD = "SELECT tenant, assignment, max(revision) AS revision FROM held_obligation GROUP BY tenant, assignment"
_ROWS = (
    "SELECT tenant, assignment, kind, sequence, removed, data FROM held_obligation"
    " JOIN unnest(%s::text[], %s::text[]) AS k (tenant, assignment) USING (tenant, assignment)"
)
_BOOKED = "SELECT tenant, assignment, meeting FROM heard_meeting WHERE booked IS NOT NULL"


def recover(recovery: Recovery) -> None:
    """Take back what was told of obligations; let revisions of meetings go on; say which bookings are lost."""
    recovery.raise_revisions("meeting")
    notifications = recovery.others.get("notifications")
    if notifications is None:
        recovery.raise_revisions("obligation_revision")
    else:
        _take_obligations(recovery, notifications)
    # looked at anew, all of them, with the next business date at the latest
    recovery.tx.execute("UPDATE agenda SET until = %s", (agenda.NOW,))
    assignment = recovery.others.get("assignment")
    if assignment is not None:
        _list_bookings(recovery, assignment)


def _take_obligations(recovery: Recovery, notifications: Tx) -> None:
    tx = recovery.tx
    own = {
        (row["tenant"], row["assignment"]): row["revision"]
        for row in tx.query("SELECT tenant, assignment, revision FROM obligation_revision")
    }
    ahead = {
        (row["tenant"], row["assignment"]): row["revision"]
        for row in notifications.query(_TOLD)
        if row["revision"] > own.get((row["tenant"], row["assignment"]), 0)
    }
    keys = sorted(ahead)
    for start in range(0, len(keys), CHUNK):
        _take(tx, notifications, keys[start : start + CHUNK])
    tx.insert_rows(
        "obligation_revision",
        ("tenant", "assignment", "revision"),
        [(*key, revision) for key, revision in ahead.items()],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET revision = excluded.revision",
    )
    # an event that notifications has not taken in yet, or has parked, would else have the number of the next one
    recovery.raise_revisions("obligation_revision")
    recovery.done("assignments of which more had been told than is known here", len(keys))


def _take(tx: Tx, notifications: Tx, keys: Sequence[Key]) -> None:
    tenants, assignments = [key[0] for key in keys], [key[1] for key in keys]
    tx.execute(
        "DELETE FROM obligation USING unnest(%s::text[], %s::text[]) AS k (tenant, assignment)"
        " WHERE obligation.tenant = k.tenant AND obligation.assignment = k.assignment",
        (tenants, assignments),
    )
    found: dict[str, list[Obligation]] = defaultdict(list)
    for row in notifications.query(_ROWS, (tenants, assignments)):
        if not row["removed"]:
            data = row["data"]
            found[row["tenant"]].append(
                Obligation(
                    assignment=row["assignment"],
                    kind=ObligationKind(row["kind"]),
                    sequence=row["sequence"],
                    due=_day(data["due"]),
                    responsible=Role(data["responsible"]),
                    state=ObligationState(data["state"]),
                    met_on=_day(data.get("met_on")),
                    rules=tuple(data["rules"]),
                    overdue_after=_day(data.get("overdue_after")),
                    provider=data.get("provider"),
                )
            )
    for tenant, obligations in sorted(found.items()):
        store.save(tx, tenant, obligations)


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _list_bookings(recovery: Recovery, assignment: Tx) -> None:
    own = {(row["tenant"], row["meeting"]) for row in recovery.tx.query("SELECT tenant, meeting FROM meeting")}
    lost = [row for row in assignment.query(_BOOKED) if (row["tenant"], row["meeting"]) not in own]
    recovery.ask(
        "assignments with a meeting that was booked since: ask the parties for its hour and book it again",
        sorted({row["assignment"] for row in lost}),
    )
