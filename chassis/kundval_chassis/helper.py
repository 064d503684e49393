"""How several processes of a service share the work of its events.

The broker gives the events of a service to one of its processes, the reader (`consume`), so that they are read in
order. While it keeps up it handles them itself. When a full batch is there, and there are other processes or several
tenants, it lays the events out in the table `waiting_event` and acknowledges them. Every process has a `Helper` that
takes from there: one tenant after the other (see `turns`), each time a batch of its oldest events. So a tenant that
says ten thousand things at once keeps the others waiting for a batch and not for all of it.

An event is either with the broker or in the table. It leaves the table in the transaction of its effect, or when its
retry or parking queue has taken it. A process that is killed leaves its events to the others.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from kundval_contracts.envelope import BadEvent

from . import db, telemetry, turns
from .amqp import BROKER_ERRORS, Stopped
from .consume import Consumer, Delivery, Failure, why
from .relay import Pause

#: Any number that means "helps with this database's events"; each helper holds this lock, shared with the others.
PRESENT = 0x68656C70  # "help"
#: So many may lie in the table; more stay with the broker, where operations see a long queue.
ROOM = 20_000
#: seconds for which a look at who is there and what lies there holds
_FRESH = 1.0

# one step through the index for each tenant, however many events each has
_TENANTS = """
WITH RECURSIVE one AS (
    (SELECT tenant FROM waiting_event ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant FROM waiting_event AS w WHERE w.tenant > one.tenant ORDER BY w.tenant LIMIT 1)
    FROM one WHERE one.tenant IS NOT NULL
)
SELECT tenant FROM one WHERE tenant IS NOT NULL
"""
_OLDEST = (
    "SELECT place, message_id, content_type, headers, body FROM waiting_event WHERE tenant = %s ORDER BY place LIMIT %s"
)
_LOOK = f"""
SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = {PRESENT}
            AND objsubid = 1 AND granted AND pid <> pg_backend_pid()
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS others,
       (SELECT count(*) FROM waiting_event) AS depth,
       (SELECT count(*) FROM (SELECT FROM tenant LIMIT 2) AS known) AS tenants
"""


class Helper(Consumer):
    """Handles the events that lie in the table, as the reader would. `run` it in a thread or green thread of its own
    until `stop`. It takes nothing from the broker, and says there only what failed.
    """

    #: other processes that help; how many events lie in the table; how many tenants there are, two standing for more
    others = depth = tenants = 0
    _last = ""
    _looked = 0.0

    @property
    def of_use(self) -> bool:
        """Whether it is of use to lay a backlog out: there is another process to share it, or another tenant that would
        wait behind it.
        """
        return self.others > 0 or self.tenants > 1

    @property
    def full(self) -> bool:
        """Whether nothing more is to be laid out for now."""
        return self.depth >= ROOM

    def run(self) -> None:
        """Help until stopped. Waits out a missing broker or database; raises only for a fault in the program."""
        pause = Pause()
        self.trouble = None
        try:
            while not self._stop.is_set():
                try:
                    with db.connect(self._pool.uri, name=f"{self._pool.name}-helper") as conn:
                        self._help(conn, pause)
                except Stopped:
                    break
                except BROKER_ERRORS as error:
                    self._interrupted("broker", error)
                    self._stop.wait(pause.next())
                except psycopg.Error as error:
                    if not db.is_outage(error):
                        raise
                    self._interrupted("database", error)
                    self._stop.wait(pause.next())
        finally:
            self.trouble = "stopped"
            self._drop_publisher()

    def _help(self, conn: psycopg.Connection[db.Row], pause: Pause) -> None:
        """From connecting to the loss of the connection or the stop. Others see that this one helps while it lasts."""
        try:
            conn.execute("SELECT pg_advisory_lock_shared(%s)", (PRESENT,))
            conn.execute(f"LISTEN {turns.CHANNEL}")
            while not self._stop.is_set():
                if monotonic() - self._looked > _FRESH:
                    self._look(conn)
                found = self._next()
                if found is None:
                    self._recovered()
                    pause.reset()
                    self._await_news(conn)
                else:
                    self._last, deliveries = found
                    self._work_off(self._last, deliveries)
        finally:
            # nobody helps, as far as is known
            self.others = self.tenants = 0

    def _look(self, conn: psycopg.Connection[db.Row]) -> None:
        row = conn.execute(_LOOK).fetchone()
        assert row is not None
        self.others, self.depth, self.tenants = row["others"], row["depth"], row["tenants"]
        self._looked = monotonic()
        telemetry.EVENTS_WAITING.labels(self.service).set(self.depth)

    def _await_news(self, conn: psycopg.Connection[db.Row]) -> None:
        """Wait until something is laid out, at most for a second, in slices so that a stop is noticed."""
        until = monotonic() + _FRESH
        while not self._stop.is_set() and (left := until - monotonic()) > 0:
            if list(conn.notifies(timeout=min(left, 0.25), stop_after=1)):
                return

    def _next(self) -> tuple[str, list[Delivery]] | None:
        """The next tenant, after the one before, whose turn can be had, and its oldest events."""
        with self._pool.tx() as tx:
            tenants = [row["tenant"] for row in tx.query(_TENANTS)]
            order = [one for one in tenants if one > self._last] + [one for one in tenants if one <= self._last]
            # tried for in this order, and no further than the first that can be had
            tenant = tx.value(f"{turns.CLAIM} LIMIT 1", (order,)) if order else None
            if tenant is None:
                return None
            with tx.conn.cursor(row_factory=tuple_row) as cursor:
                rows = cursor.execute(_OLDEST, (tenant, self._batch)).fetchall()
        return tenant, [_lying(*row) for row in rows]

    def _work_off(self, tenant: str, deliveries: list[Delivery]) -> None:
        """Handle events of a tenant and take them off the table; without effect if another has its turn by now."""
        readable: list[Delivery] = []
        passed_over: list[Delivery] = []
        failures: list[Failure] = []
        for one in deliveries:
            try:
                one.event = self._read(one)
                (readable if one.event else passed_over).append(one)
            except BadEvent as error:
                failures.append(Failure(one, error, why(error)))
        began = monotonic()
        with telemetry.EVENT_BATCH_SECONDS.labels(self.service).time():
            failures += self._handle(_Patience(self), readable)
        self._count(readable, monotonic() - began)
        if failures or passed_over:
            self._put_away(tenant, failures, passed_over)

    def _put_away(self, tenant: str, failures: list[Failure], passed_over: list[Delivery]) -> None:
        """Take off the table what is not to be handled here, in the tenant's turn: so each failure is told once."""
        with self._pool.tx() as tx:
            if not turns.claim(tx, [tenant]):
                return
            places = [one.place for one in (*passed_over, *(failed.delivery for failed in failures))]
            taken = turns.take(tx, [place for place in places if place is not None])
            left = [failed for failed in failures if failed.delivery.place in taken]
            if left:
                self._set_aside(_Patience(self), left)


class _Patience:
    """Stands where the reader has its connection, which has to be kept content during every wait. Here is none."""

    def __init__(self, helper: Helper):
        self._helper = helper

    def tick(self, timeout: float = 0) -> bool:
        self._helper._stop.wait(timeout)
        return False


def _lying(place: int, message_id: str, content_type: str, headers: dict[str, Any], body: str) -> Delivery:
    return Delivery(0, body.encode(), message_id, headers, content_type, place=place)
