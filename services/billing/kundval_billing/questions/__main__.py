"""`python -m kundval_billing.questions`: a question as JSON on the standard input, its answer on the standard output.

A process of its own, for minutes of reckoning would hold up a service. The address of the database comes with the
question, since a command line and an environment can be read by others; it is read and nothing is written there.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from kundval_chassis.child import end_with_parent
from kundval_chassis.db import Tx, connect

from .reckon import NO_TARIFF, answer

#: what the database is asked for: one state throughout, and no change
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def main() -> int:
    end_with_parent()
    job: dict[str, Any] = json.load(sys.stdin)
    with connect(job.pop("database"), name="kundval-billing-question") as conn:
        conn.execute(SNAPSHOT)
        # reckons for a long time between two looks; how long it may is for the service to say
        conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        try:
            found = answer(Tx(conn, readonly=True), job)
        except LookupError:
            found = {"failure": NO_TARIFF}
        json.dump(found, sys.stdout)
        conn.execute("ROLLBACK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
