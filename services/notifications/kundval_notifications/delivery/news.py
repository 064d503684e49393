"""What others hear of messages: codes and days, never an address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kundval_chassis.db import Row, Tx


def sent(tx: Tx, rows: Iterable[Row], channel: str) -> None:
    """These notices have gone out by a channel."""
    for row in rows:
        _publish(tx, "notifications.sent", row, channel=channel)


def delivered(tx: Tx, rows: Iterable[Row]) -> None:
    """The other side has confirmed that these have arrived."""
    for row in rows:
        _publish(tx, "notifications.delivered", row, channel=row["channel"])


def by_hand(tx: Tx, rows: Iterable[Row]) -> None:
    """Somebody has to tell these by hand."""
    for row in rows:
        _publish(tx, "notifications.by_hand", row)


def _publish(tx: Tx, name: str, row: Row, **more: Any) -> None:
    data = {
        "about": row["about"],
        "assignment": row["subject"],
        "kind": row["kind"],
        "to": row["recipient"],
        "on": row["on_day"].isoformat(),
        **more,
    }
    tx.publish(name, subject=row["subject"], tenant=row["tenant"], data=data)
