"""Dumps of the databases of a running suite, and putting one back: what a restored service is to its neighbours."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.parse
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from kundval_local import postgres
from tests.conftest import ROOT, Servers
from tests.suite import SERVICES, Suite

SCRIPT = ROOT / "deploy" / "postgresql" / "backup" / "kundval-backup"


def name_of(uri: str) -> str:
    return urllib.parse.urlsplit(uri).path.lstrip("/")


class Backup:
    """The databases of a suite as they were when this was made. The services are stopped for it and started again."""

    def __init__(self, servers: Servers, suite: Suite, folder: Path):
        self._servers, self._suite, self._folder = servers, suite, folder
        self._kept: list[str] = []
        programs = postgres.find()
        assert programs is not None
        where = urllib.parse.urlsplit(servers.pg_admin_uri)
        self._environment = {
            **os.environ,
            "KUNDVAL_BACKUP_FOLDER": str(folder),
            "KUNDVAL_BACKUP_PROGRAMS": str(programs),
            "PGHOST": str(where.hostname),
            "PGPORT": str(where.port),
            "PGUSER": str(where.username),
            "PGPASSWORD": str(where.password or ""),
        }
        for service in SERVICES:
            suite.stop(service)
        self.at = datetime.now(UTC)
        for service in SERVICES:
            name = name_of(suite.databases[service])
            self._run(str(programs / "pg_dump"), "--format=custom", "--file", str(self._file(service)), name)
        suite.start()

    def restore(self, service: str) -> None:
        """Put the old contents of a stopped service's database back, as an operator does."""
        name = name_of(self._suite.databases[service])
        to = ("--to", self.at.isoformat())
        said = self._run(sys.executable, str(SCRIPT), "put-back", name, str(self._file(service)), *to)
        self._kept.append(said.split()[-1])

    def drop(self) -> None:
        """Remove the copies that putting back has left."""
        for name in self._kept:
            self._servers.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _file(self, service: str) -> Path:
        return self._folder / f"{service}.dump"

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def rows(uri: str, sql: str, *params: object) -> list[tuple[object, ...]]:
    """What a query gives, for looking at what no method tells."""
    with psycopg.connect(uri) as connection:
        return connection.execute(sql, params or None).fetchall()  # type: ignore[arg-type]
