"""Migrations: plain SQL files, applied in order, once.

A service's database gets the chassis' own migrations first (outbox, inbox, held cases), then those of the
service, `kundval_<service>/migrations/0001_name.sql` and so on. Each file is one transaction together with
its mark.

An own runner rather than yoyo, for three reasons. yoyo locks with a row that names a process: after a kill -9
that row stays and every later start is refused until someone removes it by hand; an advisory lock ends with
its session. yoyo identifies a migration by its file name alone, so that `0001_…` of the chassis and of a
service could clash. And it does not notice that a file was changed after it had been applied.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import psycopg

from . import db

_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x6B756E6476616C  # "kundval"


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration file: the part it belongs to (`chassis` or the service), its name and its text."""

    part: str
    name: str
    sql: str = field(repr=False)

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.part}/{self.name}"


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that the database has."""

    part: str
    name: str
    checksum: str
    applied_at: datetime


class MigrationError(RuntimeError):
    """The files or the database are not as migrations must be; `names` lists the files concerned."""

    def __init__(self, message: str, names: Iterable[str]):
        self.names = tuple(names)
        super().__init__(f"{message}: {', '.join(self.names)}")


class MigrationsPending(MigrationError):
    """The service must not start: its database lacks migrations."""


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


def apply(uri: str, service: str, migrations: Iterable[Migration] | None = None) -> list[Migration]:
    """Bring the database of a service up to date; the migrations that were applied now.

    Two instances may do so at once: the second waits for the first and finds nothing left. A migration that
    fails leaves those before it applied and nothing of itself.
    """
    wanted = list(available(service) if migrations is None else migrations)
    done: list[Migration] = []
    with db.connect(uri, name=f"kundval-migrate-{service}") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        conn.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (part text NOT NULL, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (part, name))"
        )
        for migration in _missing(wanted, applied(conn)):
            with conn.transaction():
                # without parameters the text may hold many statements
                conn.execute(_text(migration.sql))
                conn.execute(
                    "INSERT INTO schema_migration (part, name, checksum) VALUES (%s, %s, %s)",
                    (migration.part, migration.name, migration.checksum),
                )
            done.append(migration)
    return done


def applied(conn: psycopg.Connection[Any]) -> list[Applied]:
    """The migrations that the database has, in order of application."""
    if conn.execute("SELECT to_regclass('schema_migration') IS NULL AS absent").fetchone() in (
        {"absent": True},
        (True,),
    ):
        return []
    cursor = conn.execute("SELECT part, name, checksum, applied_at FROM schema_migration ORDER BY applied_at, name")
    return [Applied(**row) if isinstance(row, dict) else Applied(*row) for row in cursor]


def pending(uri: str, service: str) -> list[Migration]:
    """The migrations that the database lacks. Raises `MigrationError` if an applied file was changed since."""
    with db.connect(uri, name=f"kundval-{service}") as conn:
        return _missing(available(service), applied(conn))


def require_current(uri: str, service: str) -> None:
    """Raise `MigrationsPending` unless the database has every migration of the service."""
    missing = pending(uri, service)
    if missing:
        raise MigrationsPending(
            f"the database of {service} lacks migrations (run: kundval migrate {service})", map(str, missing)
        )


def _text(sql: str) -> Any:
    # the files are part of the program; psycopg's types cannot know that
    return sql


def _missing(wanted: list[Migration], have: list[Applied]) -> list[Migration]:
    known = {(row.part, row.name): row.checksum for row in have}
    changed = [str(m) for m in wanted if known.get((m.part, m.name), m.checksum) != m.checksum]
    if changed:
        raise MigrationError("migrations were changed after they had been applied", changed)
    return [m for m in wanted if (m.part, m.name) not in known]
