"""Migrations: plain SQL files, applied in order, once.

A service's database gets the chassis' own migrations first (outbox, inbox, held cases), then those of the
service, `kundval_<service>/migrations/0001_name.sql` and so on. Each file is one transaction together with
its mark, unless a comment line of it says otherwise:

- ``-- runs: alone``: one statement outside a transaction, for `CREATE INDEX CONCURRENTLY` and its like. It must hold
  when it is run again: a run may end between the statement and its mark.
- ``-- runs: in batches``: one statement that is repeated, each time in a transaction of its own, until it touches no
  row.
- ``-- contract: since 0.3.0 nothing uses this``: what it takes away was used by versions before that one. Those find it
  in the database, and do not start there any more.

The running version works on meanwhile. So nothing waits long for a lock: who waits for one holds up all that come
after. A transaction that does not get its locks at once is tried again, for some minutes.

A database that has migrations which this version does not know is one that a newer version has expanded. That is no
fault: old and new run side by side.

An own runner rather than yoyo, for three reasons. yoyo locks with a row that names a process: after a kill -9
that row stays and every later start is refused until someone removes it by hand; an advisory lock ends with
its session. yoyo identifies a migration by its file name alone, so that `0001_…` of the chassis and of a
service could clash. And it does not notice that a file was changed after it had been applied.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec
from time import monotonic, sleep
from typing import Any, Literal, TypeVar

import psycopg
from psycopg import sql as composed

from . import db

T = TypeVar("T")
Runs = Literal["whole", "alone", "in batches"]

_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_MARK = re.compile(r"^-- (runs|contract):[ ]*(.*?)[ ]*$", re.MULTILINE)
_SINCE = re.compile(r"since (\d+(?:\.\d+)*) nothing uses this")
_INDEX = re.compile(r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)", re.IGNORECASE)
_LOCK = 0x6B756E6476616C  # "kundval"
#: milliseconds that a migration waits for a lock, and everybody else behind it
_LOCK_TIMEOUT = 2_000
#: seconds for which it is tried again
PATIENCE = 300.0
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration file: the part it belongs to (`chassis` or the service), its name and its text."""

    part: str
    name: str
    sql: str = field(repr=False)

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def runs(self) -> Runs:
        """How it is to be run. Raises `MigrationError` for a mark that says nothing known."""
        said = self._marks("runs")
        if not said:
            return "whole"
        if said == ["alone"]:
            return "alone"
        if said == ["in batches"]:
            return "in batches"
        raise MigrationError('"-- runs:" is followed by "alone" or "in batches", once', [str(self)])

    @property
    def contract(self) -> str | None:
        """The version since which nothing uses what it takes away; None if it takes nothing away. Raises
        `MigrationError` for a mark that names none.
        """
        said = self._marks("contract")
        if not said:
            return None
        if len(said) == 1 and (found := _SINCE.fullmatch(said[0])):
            return found[1]
        raise MigrationError('"-- contract:" is followed by "since X.Y.Z nothing uses this", once', [str(self)])

    def _marks(self, key: str) -> list[str]:
        return [said for name, said in _MARK.findall(self.sql) if name == key]

    def __str__(self) -> str:
        return f"{self.part}/{self.name}"


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that the database has."""

    part: str
    name: str
    checksum: str
    applied_at: datetime
    #: what it took away was used by versions before this one
    contract: str | None = None


class MigrationError(RuntimeError):
    """The files or the database are not as migrations must be; `names` lists the files concerned."""

    def __init__(self, message: str, names: Iterable[str]):
        self.names = tuple(names)
        super().__init__(f"{message}: {', '.join(self.names)}")


class MigrationsPending(MigrationError):
    """The service must not start: its database lacks migrations."""


class DatabaseTooNew(MigrationError):
    """The service must not start: a newer version has taken away what it uses."""


class Blocked(MigrationError):
    """A migration did not get its locks: others hold what it has to change. Nothing of it was applied."""


def available(service: str) -> list[Migration]:
    """The migrations of a service in the order of application. Raises `MigrationError` for a misnamed file."""
    migrations = read("chassis", files("kundval_chassis") / "migrations")
    if find_spec(f"kundval_{service}"):
        migrations += read(service, files(f"kundval_{service}") / "migrations")
    return migrations


def read(part: str, folder: Any) -> list[Migration]:
    """The migrations in a folder (a path or resource); an absent folder has none."""
    if not folder.is_dir():
        return []
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name)
    wrong = [entry.name for entry in entries if not _FILE.fullmatch(entry.name)]
    if wrong:
        raise MigrationError(f"migrations of {part} must be named 0001_what.sql", wrong)
    numbers = [entry.name[:4] for entry in entries]
    if len(set(numbers)) != len(numbers):
        twice = [entry.name for entry in entries if numbers.count(entry.name[:4]) > 1]
        raise MigrationError(f"two migrations of {part} have the same number", twice)
    return [Migration(part, entry.name.removesuffix(".sql"), entry.read_text("utf-8")) for entry in entries]


def apply(
    uri: str, service: str, migrations: Iterable[Migration] | None = None, patience: float = PATIENCE
) -> list[Migration]:
    """Bring the database of a service up to date; the migrations that were applied now.

    Two instances may do so at once: the second waits for the first and finds nothing left. A migration that
    fails leaves those before it applied and nothing of itself (of one that runs in batches: those that were done).
    Raises `MigrationError`; `Blocked` if one did not get its locks within `patience` seconds.
    """
    wanted = list(available(service) if migrations is None else migrations)
    done: list[Migration] = []
    with db.connect(uri, name=f"kundval-migrate-{service}") as conn:
        # not pg_advisory_lock: whoever waits in it is a transaction, for whose end CREATE INDEX CONCURRENTLY waits
        while not _one(conn, "SELECT pg_try_advisory_lock(%s)", _LOCK):
            sleep(_PAUSE / 2)
        _prepare(conn, patience)
        for migration in _missing(wanted, applied(conn)):
            if migration.runs == "alone":
                _drop_unfinished(conn, migration)
                conn.execute(_text(migration.sql))
            elif migration.runs == "in batches":
                while _patiently(conn, [str(migration)], patience, partial(_batch, conn, migration)):
                    pass
            _patiently(conn, [str(migration)], patience, partial(_finish, conn, migration))
            done.append(migration)
    return done


def _prepare(conn: psycopg.Connection[Any], patience: float) -> None:
    """The table of what was applied. One that was made before there were contracts gets their column."""
    conn.execute(
        "CREATE TABLE IF NOT EXISTS schema_migration (part text NOT NULL, name text NOT NULL,"
        " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), contract text,"
        " PRIMARY KEY (part, name))"
    )
    here = "SELECT true FROM pg_attribute WHERE attrelid = 'schema_migration'::regclass AND attname = %s"
    if not _one(conn, here, "contract"):
        column = "ALTER TABLE schema_migration ADD COLUMN contract text"
        _patiently(conn, ["schema_migration"], patience, partial(conn.execute, column))


def _finish(conn: psycopg.Connection[Any], migration: Migration) -> None:
    """The rest of a migration, with its mark."""
    if migration.runs == "whole":
        # without parameters the text may hold many statements
        conn.execute(_text(migration.sql))
    conn.execute(
        "INSERT INTO schema_migration (part, name, checksum, contract) VALUES (%s, %s, %s, %s)",
        (migration.part, migration.name, migration.checksum, migration.contract),
    )


def _batch(conn: psycopg.Connection[Any], migration: Migration) -> int:
    """Run it once; how many rows it touched. Prepared, so that the server refuses a second statement."""
    return max(0, conn.execute(_text(migration.sql), prepare=True).rowcount)


def _patiently(conn: psycopg.Connection[Any], names: list[str], patience: float, work: Callable[[], T]) -> T:
    """`work` in a transaction that waits for no lock for long; again and again, until it has them."""
    until = monotonic() + patience
    while True:
        try:
            with conn.transaction():
                conn.execute(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT}")
                return work()
        except psycopg.Error as error:
            if not isinstance(error, psycopg.errors.LockNotAvailable) and not db.is_contention(error):
                raise
        if monotonic() > until:
            raise Blocked(f"others held what has to be changed for {patience:.0f} s, so nothing was", names)
        sleep(_PAUSE)


def _drop_unfinished(conn: psycopg.Connection[Any], migration: Migration) -> None:
    """Drop the index that an interrupted run has left: it is kept up to date and never used."""
    for name in _INDEX.findall(migration.sql):
        if _one(conn, "SELECT true FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid", name):
            conn.execute(composed.SQL("DROP INDEX CONCURRENTLY {}").format(composed.Identifier(name)))


def _one(conn: psycopg.Connection[Any], statement: str, value: Any) -> Any:
    row = conn.execute(_text(statement), (value,)).fetchone()
    return next(iter(row.values())) if row else None


def applied(conn: psycopg.Connection[Any]) -> list[Applied]:
    """The migrations that the database has, in order of application."""
    if conn.execute("SELECT to_regclass('schema_migration') IS NULL AS absent").fetchone() in (
        {"absent": True},
        (True,),
    ):
        return []
    # a table from before there were contracts has no such column
    cursor = conn.execute(
        "SELECT part, name, checksum, applied_at, to_jsonb(m) ->> 'contract' AS contract"
        " FROM schema_migration m ORDER BY applied_at, name"
    )
    return [Applied(**row) if isinstance(row, dict) else Applied(*row) for row in cursor]


def pending(uri: str, service: str) -> list[Migration]:
    """The migrations that the database lacks. Raises `MigrationError` if an applied file was changed since, and
    `DatabaseTooNew`.
    """
    with db.connect(uri, name=f"kundval-{service}") as conn:
        return _missing(available(service), applied(conn))


def require_current(uri: str, service: str) -> None:
    """Raise `MigrationsPending` unless the database has every migration that this version of the service knows, and
    `DatabaseTooNew` if it has one that takes away what this version uses.
    """
    missing = pending(uri, service)
    if missing:
        raise MigrationsPending(
            f"the database of {service} lacks migrations (run: kundval migrate {service})", map(str, missing)
        )


def trouble(conn: psycopg.Connection[Any], service: str) -> str | None:
    """Why this version of a service cannot work on the database, in some words; None if it can."""
    try:
        missing = _missing(available(service), applied(conn))
    except DatabaseTooNew as error:
        return str(error)
    except MigrationError as error:
        return f"{len(error.names)} changed after they had been applied"
    return f"{len(missing)} not applied" if missing else None


def _text(sql: str) -> Any:
    # the files are part of the program; psycopg's types cannot know that
    return sql


def _missing(wanted: list[Migration], have: list[Applied]) -> list[Migration]:
    known = {(row.part, row.name): row.checksum for row in have}
    changed = [str(m) for m in wanted if known.get((m.part, m.name), m.checksum) != m.checksum]
    if changed:
        raise MigrationError("migrations were changed after they had been applied", changed)
    ours = {(m.part, m.name) for m in wanted}
    for row in have:
        if row.contract and (row.part, row.name) not in ours and _numbers(_version(row.part)) < _numbers(row.contract):
            raise DatabaseTooNew(
                f"the database has lost what {row.part} {_version(row.part)} uses (start {row.contract} or newer)",
                [f"{row.part}/{row.name}"],
            )
    return [m for m in wanted if (m.part, m.name) not in known]


def _version(part: str) -> str:
    """The version of the distribution that a part's migrations come with."""
    try:
        return version(f"kundval-{part}")
    except PackageNotFoundError:
        return version("kundval-chassis")


def _numbers(said: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", said)[:3])
