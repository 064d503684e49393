"""Work that would hold up a service, in a process of its own: native code, or minutes of reckoning.

Rows of a table say what is to be done; `Work` takes them, makes the input and stores what comes out. One runner of a
database works at a time (an advisory lock sees to that, those of further instances stand by), on one row at a time, in
order. The lock and what is stored go over one connection: who has lost it has lost the right to store. So a row that is
still under way when a runner begins was left by one that died, and is taken up again at once.

The process gets its input as a file and writes its output to another, under limits of time, memory and length. It ends
with the service (see `child`).
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any, Protocol

import eventlet
import psycopg

from . import child, db, logs
from .db import Tx
from .service import Dependency

log = logs.get(__name__)

#: any number that means "this database's background work"
LOCK = 0x776F726B  # "work"
#: seconds between two looks: at the table, at the process, at the connection while the process runs
IDLE, GLANCE, PULSE = 0.5, 0.1, 2.0

_ERROR_LINE = re.compile(r"([A-Za-z_][\w.]*)(:|$)")


class Failure(StrEnum):
    """Why nothing came of it."""

    TIMED_OUT = "TIMED_OUT"
    DIED = "DIED"
    BROKEN_OUTPUT = "BROKEN_OUTPUT"
    INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one process: seconds by the clock, bytes of memory (address space), bytes of output."""

    seconds: float
    memory: int = 4 * 2**30
    output: int = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run: the program with its arguments, and what it reads."""

    command: Sequence[str]
    input: bytes


#: what names a row
Key = tuple[str, ...]


class Failed(Exception):
    """Nothing came of a process. `code` is stable."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


class Work(Protocol):
    """What a service gives to `Background`. Each method runs in a transaction of its own."""

    limits: Limits

    def configure(self, config: Mapping[str, Any]) -> None:
        """Before anything else: the settings of the service, under their full keys."""

    def take(self, tx: Tx) -> Key | None:
        """The next row, marked as under way; those that are so already come first."""

    def prepare(self, tx: Tx, key: Key) -> Job:
        """What is to be run for it."""

    def done(self, tx: Tx, key: Key, output: bytes) -> None:
        """Store what came out. Raises `Failed` if it cannot be used."""

    def failed(self, tx: Tx, key: Key, code: str) -> None:
        """Store that nothing came of it."""

    def put_back(self, tx: Tx, key: Key) -> None:
        """The service stops: leave the row to who comes next."""


class Lost(Exception):
    """The service stops."""


class Background(Dependency):
    """Does the work of a service. In a service class: `plans = Background(PlanWork())`."""

    _thread: Any = None

    def __init__(self, work: Work):
        self.work = work
        self._stopping = False

    def setup(self) -> None:
        service = self.container.service_name
        self._uri: str = self.container.config[f"KUNDVAL_{service.upper()}_DATABASE_URI"]
        self._name = f"kundval-{service}-work"
        self.work.configure(self.container.config)

    def start(self) -> None:
        self._thread = self.container.spawn_managed_thread(self._run, identifier="background work")

    def stop(self) -> None:
        self._stopping = True
        if self._thread is not None:
            with suppress(Exception):
                self._thread.wait()

    def get_dependency(self, worker_ctx: Any) -> Work:
        return self.work

    def _run(self) -> None:
        while not self._stopping:
            try:
                with db.connect(self._uri, name=self._name) as conn:
                    while not self._stopping and not elect(conn):
                        eventlet.sleep(1.0)
                    while not self._stopping:
                        if not next_job(conn, self.work, lambda: self._stopping):
                            eventlet.sleep(IDLE)
            except psycopg.Error as error:
                log.warning("background_work_interrupted", error=type(error).__name__)
                eventlet.sleep(1.0)


def elect(conn: psycopg.Connection[db.Row], lock: int = LOCK) -> bool:
    """Try to be the one that works on this database; if it succeeds it lasts as long as the connection. `lock`: the
    number of the work.
    """
    row = conn.execute("SELECT pg_try_advisory_lock(%s) AS mine", (lock,)).fetchone()
    return bool(row and row["mine"])


def next_job(conn: psycopg.Connection[db.Row], work: Work, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Take a row, do it, store what came of it; whether there was one. Raises psycopg.Error."""
    with _transaction(conn) as tx:
        key = work.take(tx)
    if key is None:
        return False
    began = time.monotonic()
    code: str | None = None
    try:
        with _transaction(conn) as tx:
            job = work.prepare(tx, key)
        output = run(job, work.limits, lambda: _beat(conn, stopping))
        with _transaction(conn) as tx:
            work.done(tx, key, output)
    except Failed as error:
        code = error.code
    except Lost:
        with _transaction(conn) as tx:
            work.put_back(tx, key)
        return True
    except psycopg.Error:
        raise
    except Exception as error:
        # one row that is wrong must not keep the service from all others
        log.error("background_work_failed", exc_info=error)
        code = Failure.INTERNAL_ERROR
    if code is not None:
        with _transaction(conn) as tx:
            work.failed(tx, key, code)
    log.info("background_work", key=list(key), failed=code, seconds=round(time.monotonic() - began, 1))
    return True


def run(job: Job, limits: Limits, beat: Callable[[], None] = lambda: None) -> bytes:
    """Run a program on its input; its output. `beat` is called every few seconds and may raise to end it.

    Raises Failed: TIMED_OUT, DIED (also for too much memory or output), and what `beat` raises.
    """
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target, tempfile.TemporaryFile() as errors:
        source.write(job.input)
        source.seek(0)
        process = subprocess.Popen(
            list(job.command), stdin=source, stdout=target, stderr=errors, env=child.environment()
        )
        try:
            _limit(process.pid, limits)
            status = _wait(process, limits.seconds, beat)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if status != 0:
            # the text of an error may quote data, its name does not
            log.warning("background_process_died", status=status, error=_error_of(errors))
            raise Failed(Failure.DIED)
        target.seek(0)
        return target.read()


def _limit(pid: int, limits: Limits) -> None:
    """Hard limits, and less of the processor than who answers requests."""
    with suppress(ProcessLookupError):
        for kind, most in (
            (resource.RLIMIT_AS, limits.memory),
            (resource.RLIMIT_FSIZE, limits.output),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.prlimit(pid, kind, (most, most))
        os.setpriority(os.PRIO_PROCESS, pid, 10)


def _wait(process: subprocess.Popen[bytes], seconds: float, beat: Callable[[], None]) -> int:
    began = last = time.monotonic()
    while (status := process.poll()) is None:
        now = time.monotonic()
        if now - began > seconds:
            raise Failed(Failure.TIMED_OUT)
        if now - last > PULSE:
            beat()
            last = now
        eventlet.sleep(GLANCE)
    return status


def _beat(conn: psycopg.Connection[db.Row], stopping: Callable[[], bool]) -> None:
    if stopping():
        raise Lost
    # another may work by now if this one is gone
    conn.execute("SELECT 1")


def _error_of(errors: IO[bytes]) -> str | None:
    """The name of the exception in the last line of what the process said."""
    errors.seek(0)
    lines = errors.read(1_000_000).decode(errors="replace").strip().splitlines()
    found = _ERROR_LINE.match(lines[-1]) if lines else None
    return found.group(1) if found else None


@contextmanager
def _transaction(conn: psycopg.Connection[db.Row]) -> Iterator[Tx]:
    with conn.transaction():
        tx = Tx(conn)
        yield tx
        tx.flush()
