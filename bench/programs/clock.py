"""What a step took: seconds, and the processor time of this process (Python) and of the database's that served it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg

from bench.machine import cpu_seconds
from kundval_chassis.db import Pool, Row, Tx


class Clock:
    """What a step took; `found` has the figures once the block has ended."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    @contextmanager
    def running(self, conn: psycopg.Connection[Row]) -> Iterator[None]:
        """Count what is done on this connection, with what its transaction does at the end."""
        server = psutil.Process(conn.info.backend_pid)
        began, cpu, sql = time.monotonic(), time.process_time(), cpu_seconds(server)
        yield
        self.found = {
            "seconds": time.monotonic() - began,
            "python": time.process_time() - cpu,
            "sql": cpu_seconds(server) - sql,
        }

    @contextmanager
    def transaction(self, pool: Pool) -> Iterator[Tx]:
        """A transaction that is measured with its commit."""
        with pool.tx() as first:
            conn = first.conn
        # a pool of one connection: the same again
        with self.running(conn), pool.tx() as tx:
            assert tx.conn is conn
            yield tx
