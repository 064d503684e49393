"""A partner's row in the databases of all services: looked for in each, written to each that can be reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import psycopg

from kundval_contracts.client import SERVICES

from .. import db, settings
from . import log, registry
from .registry import Partner, Way

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Standing:
    """One partner in one service. last: the service's highest position. ways: those by which the service comes."""

    partner: Partner
    last: int
    ways: Mapping[Way, WayStanding]


@dataclass(frozen=True, slots=True)
class WayStanding:
    """behind: positions after the partner's own. attempts, next_at, trouble: at the next event. parked: events."""

    position: int
    behind: int
    attempts: int
    next_at: datetime | None
    trouble: str | None
    parked: int


class Stores:
    """The databases of the services. missing: why one of them was not used, by service: so far."""

    def __init__(self, environ: Mapping[str, str] | None = None):
        environ = os.environ if environ is None else environ
        self.missing: dict[str, str] = {}
        self._uris: dict[str, str] = {}
        for service in SERVICES:
            try:
                self._uris[service] = settings.load(service, environ, only=["DATABASE_URI"])["DATABASE_URI"]
            except settings.SettingsError as error:
                self.missing[service] = "; ".join(f"{key} {message}" for key, message in error.faults)

    def each(
        self, work: Callable[[psycopg.Connection[db.Row]], _T], services: tuple[str, ...] = SERVICES
    ) -> dict[str, _T]:
        """What `work` gives in each database, by service; one that cannot be used is among the missing then."""
        found: dict[str, _T] = {}
        for service in services:
            if service in self.missing:
                continue
            try:
                with db.connect(self._uris[service], name="kundval-partner") as conn:
                    found[service] = work(conn)
            except psycopg.errors.UndefinedTable:
                self.missing[service] = "has no such table: run `kundval migrate` first"
            except psycopg.Error as error:
                self.missing[service] = f"the database cannot be used ({type(error).__name__})"
        return found

    def newest(self, id: str) -> Partner | None:
        """The newest row of a partner."""
        rows = [one for one in self.each(lambda conn: registry.find(conn, id)).values() if one is not None]
        return max(rows, key=lambda one: one.changed_at, default=None)

    def write(self, partner: Partner) -> None:
        """Write a partner everywhere; a newer row stays."""
        self.each(lambda conn: registry.keep(conn, partner))


def standing(conn: psycopg.Connection[db.Row], id: str | None = None) -> list[Standing]:
    """Where the partners of a service stand, or the one of that id."""
    with conn.transaction():
        partners = [one for one in registry.read(conn) if id in (None, one.id)]
        last = log.last_position(conn)
        rows = conn.execute(
            "SELECT partner, way, position, attempts, next_at, trouble,"
            " (SELECT count(*) FROM partner_parked AS p WHERE p.partner = w.partner AND p.way = w.way) AS parked"
            " FROM partner_way AS w"
        ).fetchall()
    return [Standing(one, last, {Way(row["way"]): _way(row, last) for row in _of(rows, one)}) for one in partners]


def _of(rows: list[db.Row], partner: Partner) -> list[db.Row]:
    return [row for row in rows if row["partner"] == partner.id]


def _way(row: Mapping[str, Any], last: int) -> WayStanding:
    return WayStanding(
        position=row["position"],
        behind=max(0, last - row["position"]),
        attempts=row["attempts"],
        next_at=row["next_at"],
        trouble=row["trouble"],
        parked=row["parked"],
    )
