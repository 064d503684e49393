"""What the doctor asks of notifications: does what is to be told reach people?"""

from __future__ import annotations

from collections.abc import Iterator

from kundval_chassis.db import Tx
from kundval_chassis.doctor.finding import Finding, ok, warn

#: hours that something may be ready to be handed over
LATE = 2


def look(tx: Tx) -> Iterator[Finding]:
    """Lanes on which nobody answers, what waits to be handed over, and what people have to tell."""
    lanes = tx.query("SELECT channel, min(since) AS since FROM circuit WHERE retry_at > now() GROUP BY channel")
    for row in lanes:
        yield warn(
            "notifications",
            f"nobody answers on {row['channel']} (since {row['since']:%Y-%m-%d %H:%M})",
            "messages by it wait; none is lost, and by other channels they go on",
            "see whether the other side is up and the settings of the channel are right",
            "deliveries-failing",
        )
    late = tx.value(
        "SELECT count(*) FROM dispatch WHERE state IN ('READY', 'SENDING')"
        " AND created_at < now() - make_interval(hours => %s)",
        (LATE,),
    )
    if late:
        yield warn(
            "notifications",
            f"{late} messages have been ready for more than {LATE} hours",
            "people are told late",
            "kundval notices queue",
            "deliveries-failing",
        )
    if not lanes and not late:
        yield ok("notifications", "messages leave")
