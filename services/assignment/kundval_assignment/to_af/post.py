"""Sending in the running service: one green thread of one instance hands over, and takes in answers from files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg

from kundval_chassis import db, logs
from kundval_chassis.background import elect
from kundval_chassis.db import Pool
from kundval_chassis.service import Dependency
from kundval_chassis.web import trusting

from ..people.keys import PersonKeys
from . import answers, metrics, store
from .folder import Folder
from .port import Port
from .sending import Sender, Sign
from .web import Web

#: any number that means "sending to the employment service from this database"
LOCK = 0x746F6166  # "toaf"
#: seconds between two looks at what is to be done; between two counts of it; for which a lock is taken for granted
IDLE, COUNTING, FRESH = 1.0, 15.0, 2.0

log = logs.get(__name__)


def port_of(config: Mapping[str, Any]) -> Port | None:
    """The way that the settings name; None: messages wait. Raises OSError or ssl.SSLError for files of no use."""
    if config["KUNDVAL_TO_AF_URL"] is not None:
        context = trusting(
            config["KUNDVAL_TO_AF_AUTHORITY"], config["KUNDVAL_TO_AF_CERTIFICATE"], config["KUNDVAL_TO_AF_KEY"]
        )
        return Web(config["KUNDVAL_TO_AF_URL"], context)
    return Folder(config["KUNDVAL_TO_AF_DIR"]) if config["KUNDVAL_TO_AF_DIR"] is not None else None


class AfPost(Dependency):
    """Sends what is ready. In a service class: `af_post = AfPost()`."""

    _thread: Any = None

    def setup(self) -> None:
        config = self.container.config
        self._uri: str = config["KUNDVAL_ASSIGNMENT_DATABASE_URI"]
        self._port = port_of(config)
        self._keys = PersonKeys(config["KUNDVAL_PERSON_KEYS"])
        self._sign = Sign(config["KUNDVAL_TO_AF_SYSTEM"] or "", config["KUNDVAL_TO_AF_ENVIRONMENT"])
        self._stopping = False
        self._lock: psycopg.Connection[db.Row] | None = None
        self._seen = self._counted = 0.0

    def start(self) -> None:
        if self._port is not None:
            self._thread = self.container.spawn_managed_thread(self._run, identifier="to the employment service")

    def stop(self) -> None:
        self._stopping = True
        if self._thread is not None:
            with suppress(Exception):
                self._thread.wait()

    def get_dependency(self, worker_ctx: Any) -> AfPost:
        return self

    def _run(self) -> None:
        assert self._port is not None
        with Pool(self._uri, name="kundval-assignment-to-af", max_size=2) as pool:
            sender = Sender(pool, self._keys, self._port, self._sign, mine=self._mine)
            while not self._stopping:
                try:
                    while not self._stopping and self._round(pool, sender):
                        time.sleep(0)
                except psycopg.Error as error:
                    log.warning("to_af_interrupted", error=type(error).__name__)
                except Exception as error:
                    # what is wrong with one must not end sending for good
                    log.error("to_af_failed", error=type(error).__name__, exc_info=error)
                    time.sleep(5.0)
                time.sleep(IDLE)
            sender.close()
        if self._lock is not None:
            self._lock.close()

    def _round(self, pool: Pool, sender: Sender) -> bool:
        """Answers first: they may say that what is about to be sent has arrived."""
        if not self._mine():
            return False
        taken = 0
        if isinstance(self._port, Folder):
            taken = self._port.take_in(lambda raw: answers.from_file(pool, self._keys, raw))
        self._count(pool)
        return sender.work() or taken > 0

    def _mine(self) -> bool:
        """Whether it is this instance that sends: once it is, as long as its connection lives. Raises psycopg.Error."""
        if time.monotonic() - self._seen < FRESH:
            return True
        if self._lock is not None:
            try:
                self._lock.execute("SELECT 1")
            except psycopg.Error:
                self._lock.close()
                self._lock = None
        if self._lock is None:
            connection = db.connect(self._uri, name="kundval-assignment-to-af-lock")
            if not elect(connection, LOCK):
                connection.close()
                return False
            self._lock = connection
        self._seen = time.monotonic()
        return True

    def _count(self, pool: Pool) -> None:
        if time.monotonic() - self._counted < COUNTING:
            return
        self._counted = time.monotonic()
        with pool.tx(readonly=True) as tx:
            (rows, age), circuit = store.depth(tx), store.circuit(tx)
        metrics.QUEUE.clear()
        for row in rows:
            metrics.QUEUE.labels(row["kind"], row["state"]).set(row["n"])
        metrics.AGE.set(age)
        metrics.CIRCUIT.set(bool(circuit and circuit["open"]))
