"""Takes in what a mail server puts into a Maildir: returned mails, reports, complaints.

Each is handled once: what it says is stored, then its file is removed, since it holds addresses. If the process ends in
between it is read again, and says nothing new. What cannot be read is moved aside, into the folder ``.aside`` of the
Maildir, for a person. Nothing is ever answered.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
from prometheus_client import Counter as Metric

from kundval_chassis import clock, logs, telemetry
from kundval_chassis.db import Database, Pool
from kundval_chassis.service import Dependency
from kundval_contracts.codes import DeliveryChannel

from ..channels.addresses import Mailbox
from ..delivery import receipts
from .returned import Unreadable, read

#: the most bytes of a mail that is read: ours are small, and anybody can send one whose reading takes long by its size
LARGEST = 128 * 1024
#: mails that are read before others get their turn
BATCH = 100
IDLE_SECONDS = 5.0

RETURNED = Metric(
    "kundval_mails_returned", "Mails that came back, by what became of them", ("what",), registry=telemetry.REGISTRY
)

log = logs.get(__name__)


class Reader:
    """Reads one Maildir. bounces: the address whose mail it holds. domain: that of our Message-IDs."""

    def __init__(self, pool: Pool, folder: Path, bounces: Mailbox, domain: str):
        self._pool, self._bounces, self._domain = pool, bounces, domain
        self._new = folder / "new"
        self._aside = folder / ".aside"

    def work(self) -> Counter[str]:
        """Handle what is there, `BATCH` at most; how many became what. Raises psycopg.Error, OSError."""
        found: Counter[str] = Counter()
        if not self._new.is_dir():
            return found
        with os.scandir(self._new) as entries:
            files = sorted(Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False))
        for file in files[:BATCH]:
            what = self._handle(file)
            RETURNED.labels(what).inc()
            found[what] += 1
            time.sleep(0)
        return found

    def _handle(self, file: Path) -> str:
        try:
            if file.stat().st_size > LARGEST:
                raise Unreadable("TOO_LARGE")
            returned = read(file.read_bytes(), self._bounces, self._domain)
            if returned is not None:
                with self._pool.tx() as tx:
                    known = receipts.take(
                        tx, DeliveryChannel.EMAIL, returned.dispatch, returned.status, returned.code, clock.now()
                    )
                if not known:
                    raise Unreadable("UNKNOWN")
        except FileNotFoundError:
            # another instance was quicker
            return "GONE"
        except (psycopg.Error, OSError):
            raise
        except Exception as error:
            # a mail can be broken in more ways than a parser knows; it must not be read again and again
            code = error.code if isinstance(error, Unreadable) else type(error).__name__
            log.warning("returned_mail_put_aside", code=code)
            self._put_aside(file)
            return "ASIDE"
        file.unlink(missing_ok=True)
        return returned.status.value if returned is not None else "NOTHING"

    def _put_aside(self, file: Path) -> None:
        for name in ("cur", "new", "tmp"):
            (self._aside / name).mkdir(parents=True, exist_ok=True)
        os.replace(file, self._aside / "new" / file.name)


class Bounces(Dependency):
    """Reads the Maildir of the settings while the service runs; without one nothing."""

    _thread: Any = None
    _stopping = False

    def setup(self) -> None:
        config = self.container.config
        self._folder: Path | None = config["KUNDVAL_BOUNCE_DIR"]
        self._address: Mailbox | None = config["KUNDVAL_MAIL_BOUNCES"]
        self._domain: str = config["KUNDVAL_MAIL_DOMAIN"]

    def start(self) -> None:
        if self._folder is not None and self._address is not None:
            database = next(one for one in self.container.dependencies if isinstance(one, Database))
            reader = Reader(database.pool, self._folder, self._address, self._domain)
            self._thread = self.container.spawn_managed_thread(lambda: self._run(reader), identifier="returned mail")

    def stop(self) -> None:
        self._stopping = True
        if self._thread is not None:
            self._thread.wait()

    def kill(self) -> None:
        if self._thread is not None:
            self._thread.kill()

    def get_dependency(self, worker_ctx: Any) -> None:
        """Nothing for a worker."""

    def _run(self, reader: Reader) -> None:
        while not self._stopping:
            count = 0
            try:
                count = reader.work().total()
            except (psycopg.Error, OSError) as error:
                log.warning("returned_mail_waits", error=type(error).__name__)
            rest = 0.0 if count >= BATCH else IDLE_SECONDS
            while rest > 0 and not self._stopping:
                time.sleep(min(rest, 0.25))
                rest -= 0.25
