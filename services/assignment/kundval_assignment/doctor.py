"""What the doctor asks of assignment: is what the employment service is to be told on its way?"""

from __future__ import annotations

from collections.abc import Iterator

from kundval_chassis.db import Tx
from kundval_chassis.doctor.finding import Finding, bad, ok, warn

#: hours that a message may be ready
LATE = 24


def look(tx: Tx) -> Iterator[Finding]:
    """Messages that have waited for long, and those that were given up."""
    row = tx.one(
        "SELECT count(*) FILTER (WHERE state = 'FAILED') AS failed,"
        " count(*) FILTER (WHERE state = 'READY' AND ready_at < now() - make_interval(hours => %s)) AS late"
        " FROM af_dispatch WHERE state IN ('FAILED', 'READY')",
        (LATE,),
    )
    assert row is not None
    if row["late"]:
        yield bad(
            "assignment",
            f"{row['late']} messages to the employment service have been ready for more than {LATE} hours",
            "reports come too late, and a result may not be paid",
            "kundval af-queue shows why each waits",
            "af-queue-stuck",
        )
    if row["failed"]:
        yield warn(
            "assignment",
            f"{row['failed']} messages to the employment service were refused, or tried in vain",
            "the employment service does not know what they say",
            "kundval af-queue; mend what is wrong, then send them again",
            "af-queue-stuck",
        )
    if not row["late"] and not row["failed"]:
        yield ok("assignment", "messages to the employment service leave")
