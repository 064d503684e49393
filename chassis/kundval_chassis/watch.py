"""Looks at what no request shows, and sets the metrics for it: dates, clocks, queues, certificates, and what a service
has of its own (`looks`, a function of its settings that gives `Look`s).

A look is one read-only transaction with a limit of its own. It rests at least twenty times as long as it took, so that
watching never costs more than a twentieth of a connection, however large a database has grown. One that fails leaves
its metric as it was and does not move `kundval_looked_at_seconds`, which is what an alert watches.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import eventlet
import psycopg
from eventlet.hubs import get_hub

from . import certificates, logs, telemetry
from .amqp import BROKER_ERRORS, RETRY_DELAYS, Link, parked_queue, queue_of, retry_queue
from .db import Pool, Tx
from .rpc import CLASSIC, requests_queue

log = logs.get(__name__)

#: seconds between two beats, that a look may take, and how many times as long it rests
BEAT, PATIENCE, REST = 0.5, 5.0, 20
#: seconds after which a queue that was not there is asked for again
AGAIN = 60.0
#: seconds between two looks at the queues, at the certificates, at dates and clocks
QUEUES, CERTIFICATES, DATES = 15.0, 3600.0, 30.0

_DATES = """
SELECT count(business_date) AS tenants, min(business_date) AS first, max(business_date) AS last FROM tenant
"""


@dataclass(frozen=True, slots=True)
class Look:
    """`see` is called with a read-only transaction every so many seconds and sets metrics; `what` names it."""

    what: str
    every: float
    see: Callable[[Tx], None]


class Watch:
    """Looks for one service until it is killed. `run` it in a green thread, and `watch_queues` in another."""

    def __init__(
        self, service: str, settings: Mapping[str, Any], pool: Callable[[], Pool | None], looks: Iterable[Look]
    ):
        self._service = service
        self._settings = settings
        self._pool = pool
        #: queues that are not there, and when they are asked for again
        self._missing: dict[str, float] = {}
        self._looks = [
            Look("dates", DATES, self._dates),
            Look("clock", DATES, self._clock),
            Look("certificates", CERTIFICATES, self._certificates),
            *looks,
        ]

    def run(self) -> None:
        """Look at everything whose time has come, again and again."""
        due = {look.what: 0.0 for look in self._looks}
        while True:
            for look in self._looks:
                if time.monotonic() >= due[look.what]:
                    began = time.monotonic()
                    self._look(look)
                    ended = time.monotonic()
                    due[look.what] = ended + max(look.every, REST * (ended - began))
            asleep = time.monotonic()
            eventlet.sleep(BEAT)
            telemetry.HUB_LAG.observe(max(0.0, time.monotonic() - asleep - BEAT))

    def _look(self, look: Look) -> None:
        pool = self._pool()
        if pool is None:
            return
        try:
            with eventlet.Timeout(2 * PATIENCE, TimeoutError), pool.tx(readonly=True) as tx:
                tx.execute(f"SET LOCAL statement_timeout = {int(PATIENCE * 1000)}")
                look.see(tx)
        except (psycopg.Error, OSError) as error:
            log.debug("look_failed", service=self._service, what=look.what, error=type(error).__name__)
        except Exception as error:
            # a look must never be what stops the others
            log.error("look_failed", service=self._service, what=look.what, exc_info=error)
        else:
            telemetry.LOOKED_AT.labels(self._service, look.what).set_to_current_time()

    # --- at the database -----------------------------------------------------------------------------

    def _dates(self, tx: Tx) -> None:
        row = tx.one(_DATES)
        assert row is not None
        telemetry.TENANTS.labels(self._service).set(row["tenants"])
        if row["tenants"]:
            telemetry.BUSINESS_DATE.labels(self._service, "first").set(_unix(row["first"]))
            telemetry.BUSINESS_DATE.labels(self._service, "last").set(_unix(row["last"]))
        stamp = self._settings["BACKUP_STAMP"]
        if stamp is not None:
            made = 0.0
            with suppress(OSError):
                made = os.stat(stamp).st_mtime
            telemetry.BACKUP.labels(self._service).set(made)

    def _clock(self, tx: Tx) -> None:
        # the quickest of three: what lies between question and answer is not the clock's
        found: list[tuple[float, float]] = []
        for _ in range(3):
            asked = time.time()
            there: float = tx.value("SELECT extract(epoch FROM clock_timestamp())::float8")
            took = time.time() - asked
            found.append((took, asked + took / 2 - there))
        telemetry.CLOCK_OFFSET.labels(self._service).set(min(found)[1])

    def _certificates(self, tx: Tx) -> None:
        for what, ends in certificates.in_files(self._settings):
            telemetry.CERTIFICATE_EXPIRES.labels(self._service, what).set(ends)
        shown = certificates.of_database(tx.conn)
        if shown is not None:
            telemetry.CERTIFICATE_EXPIRES.labels(self._service, "database").set(shown)

    # --- at the broker -------------------------------------------------------------------------------

    def watch_queues(self) -> None:
        """Count what waits in the queues of the service, again and again, over one connection."""
        while True:
            name = f"kundval {self._service} watch"
            with suppress(*BROKER_ERRORS), Link(self._settings["AMQP_URI"], name=name) as link:
                shown = certificates.of_socket(link.connection.transport.sock)
                if shown is not None:
                    telemetry.CERTIFICATE_EXPIRES.labels(self._service, "broker").set(shown)
                while True:
                    self._count(link)
                    until = time.monotonic() + QUEUES
                    while (left := until - time.monotonic()) > 0:
                        link.tick(min(left, 5.0))
            eventlet.sleep(QUEUES)

    def _count(self, link: Link) -> None:
        events = queue_of(self._service)
        for name, queues in {
            "requests": [requests_queue(self._service, self._settings.get("RPC_QUEUES") or CLASSIC)],
            "events": [events],
            "retry": [retry_queue(events, delay) for delay in RETRY_DELAYS],
            "parked": [parked_queue(events)],
        }.items():
            depths = []
            for queue in queues:
                if time.monotonic() < self._missing.get(queue, 0.0):
                    continue
                depth = link.depth(queue)
                if depth is None:
                    # the broker takes such a question for an error, and enters it in its log
                    self._missing[queue] = time.monotonic() + AGAIN
                else:
                    depths.append(depth)
            if depths:
                telemetry.QUEUE_MESSAGES.labels(self._service, name).set(sum(depths))
        telemetry.LOOKED_AT.labels(self._service, "queues").set_to_current_time()


def see_hub() -> None:
    """Set what can be seen of the process itself: who waits in the hub, and its threads."""
    hub = get_hub()
    telemetry.HUB_WAITS.labels("read").set(len(hub.listeners["read"]))
    telemetry.HUB_WAITS.labels("write").set(len(hub.listeners["write"]))
    telemetry.HUB_WAITS.labels("moment").set(len(hub.timers))
    see_threads()


def see_threads() -> None:
    """Set the number of threads of the process, where the system tells it."""
    with suppress(OSError):
        telemetry.THREADS.set(len(os.listdir("/proc/self/task")))


def _unix(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
