"""Billing's own recomputation over many assignments, in a process as the service's: one step a process, so that the
memory that a step took at most can be told."""

import kundval_chassis.bootstrap  # isort: skip  # first, before anything imports psycopg

import gc
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from bench import cases, child
from kundval_billing import payments
from kundval_chassis import agenda, held, migrate
from kundval_chassis.db import Pool

assert kundval_chassis.bootstrap

TENANT = "bench"
CHUNK = 2000
_CASE = ("tenant", "assignment", "programme", "delivery_area", "plan", "sequence")
_FACT = (
    "tenant", "assignment", "fact_id", "revision", "in_effect", "kind", "place", "on_day", "known_on", "data",
)  # fmt: skip


def seed(
    pool: Pool,
    uri: str,
    count: int,
    assignments: Callable[[int, str], Iterator[tuple[cases.HeldCase, list[cases.HeldFact]]]] = cases.held,
) -> dict[str, Any]:
    """Put `count` assignments into billing's held tables, as its events would have."""
    migrate.apply(uri, "billing")
    facts = 0
    with pool.tx() as tx:
        cases.open_tenant(tx, TENANT, cases.caseload().as_of)
        waiting: list[list[tuple[Any, ...]]] = [[], []]

        def write() -> None:
            tx.copy_rows("held_case", _CASE, waiting[0])
            tx.copy_rows("held_fact", _FACT, waiting[1])
            for rows in waiting:
                rows.clear()

        for case, of_case in assignments(count, TENANT):
            waiting[0].append(case)
            waiting[1].extend(of_case)
            facts += len(of_case)
            if len(waiting[0]) >= CHUNK:
                write()
        write()
        tx.execute("INSERT INTO agenda SELECT tenant, assignment, %s FROM held_case", (agenda.NOW,))
    tidy(pool)
    return {"facts": facts}


def run(pool: Pool, day: str) -> dict[str, Any]:
    """A payment run over what is awake, in one transaction as the service makes it."""
    with pool.tx() as tx:
        tx.execute("UPDATE tenant SET business_date = %s", (day,))
    began, cpu = time.monotonic(), time.process_time()
    with pool.tx() as tx:
        postings = payments.run_payments(tx, held.load_tenant(tx, TENANT), date.fromisoformat(day)).postings
    return {"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu, "postings": postings}


def wake(pool: Pool) -> None:
    """Make the next run look at every case."""
    with pool.tx() as tx:
        tx.execute("UPDATE agenda SET until = %s", (agenda.NOW,))
    tidy(pool)


def copy(pool: Pool, folder: str) -> dict[str, Any]:
    """COPY the rows that a recomputation reads, ready-made as text, into empty tables of the same shape.

    Rows made in Python for `write_row` take as long within a few per cent: the keys and indexes are what costs.
    """
    seconds, rows = 0.0, 0
    file = Path(folder, "rows")
    with pool.tx() as tx:
        for table in ("held_fact", "entry"):
            tx.execute(f"DROP TABLE IF EXISTS copy_{table}")
            tx.execute(f"CREATE TABLE copy_{table} (LIKE {table} INCLUDING ALL)")
            with tx.conn.cursor() as cursor:
                with file.open("wb") as out, cursor.copy(_sql(f"COPY {table} TO STDOUT")) as source:
                    out.writelines(source)
                began = time.monotonic()
                with file.open("rb") as ready, cursor.copy(_sql(f"COPY copy_{table} FROM STDIN")) as target:
                    while block := ready.read(1 << 16):
                        target.write(block)
                seconds += time.monotonic() - began
                rows += cursor.rowcount
        began = time.monotonic()
    # the commit is part of it
    return {"seconds": seconds + time.monotonic() - began, "rows": rows}


def _sql(text: str) -> Any:
    # psycopg's types want a literal
    return text


def tidy(pool: Pool) -> None:
    """What autovacuum would do in its own time."""
    with pool._pool.connection() as connection:
        for table in ("held_case", "held_fact", "agenda", "entry", "entry_row", "told", "payment_entry"):
            connection.execute(_sql(f"VACUUM ANALYZE {table}"))


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def collect_as_a_service() -> None:
    """The garbage collection that the runner sets for a service."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def main() -> None:
    given = child.parameters()
    collect_as_a_service()
    with Pool(given["database"], name="bench-recompute") as pool:
        child.serve(
            {
                "seed": lambda count: {**seed(pool, given["database"], count), "peak": peak()},
                "run": lambda day: {**run(pool, day), "peak": peak()},
                "wake": lambda: wake(pool),
                "copy": lambda folder: copy(pool, folder),
            },
            child.green_wait,
        )


if __name__ == "__main__":
    main()
