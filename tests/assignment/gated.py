"""A municipality in a database of the assignment service, without a running service: for what passes the gate."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
import pytest

from kundval_assignment import gate, record, store, tenants
from kundval_assignment.people import persons
from kundval_assignment.people.keys import PersonKeys
from kundval_chassis import migrate
from kundval_chassis.db import Pool, Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import DataKind, LegalBasis, Programme, Purpose
from kundval_contracts.errors import Forbidden
from kundval_contracts.facts import load_fact
from tests.acceptance.builders import caseload, client

_places = itertools.count(1000)
KEYS = PersonKeys("first:" + "k" * 32)
SETTINGS = caseload()["settings"]
PROVIDERS = caseload()["providers"]


@dataclass
class Place:
    """A municipality. Its days are opened with `day`; what is done is done in transactions of their own."""

    pool: Pool
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    numbers: int = 0

    @contextmanager
    def tx(self) -> Any:
        with self.pool.tx() as tx:
            yield tx, tenants.get(tx, self.name)

    def open(self, **settings: Any) -> None:
        """Open the tenant, or open it again with other settings."""
        request = {
            "tenant": self.name,
            "municipality": "nacka",
            "settings": {**SETTINGS, **self.settings, **settings},
            "tariffs": [],
            "providers": PROVIDERS,
        }
        with self.pool.tx() as tx:
            store.save_tenant(tx, tenants.read(request, {}))

    def day(self, day: str) -> int:
        """Open a business date as the service does it, as far as the gate is concerned; how many records went."""
        with self.tx() as (tx, tenant):
            opened = tenants.open_day(tx, tenant, date.fromisoformat(day))
            gone = gate.expire(tx, tenant, opened)
            record.day_has_come(tx, tenants.get(tx, self.name), opened)
        return gone

    def person(self, *assignments: str, programme: Programme = Programme.AMI_2) -> str:
        """A new person with these assignments."""
        with self.tx() as (tx, tenant):
            who = persons.register(tx, KEYS, tenant, {"identity_number": None})
            rows = [
                {"id": one, "programme": programme, "client": client(), "plan": None, "delivery_area": None}
                for one in assignments
            ]
            record.register(tx, tenant, rows)
            persons.link_new(tx, KEYS, tenant, dict.fromkeys(assignments, who))
        return str(who)

    def state(self, assignment: str, *facts: Mapping[str, Any]) -> None:
        """State facts, in the words of a caseload file."""
        with self.tx() as (tx, tenant):
            given = []
            for row in facts:
                self.numbers += 1
                fields = dict(row)
                name = fields.pop("id", f"f-{self.numbers}")
                given.append((assignment, load_fact(fields, -1, name)))
            record.record_facts(tx, tenant, given, keep_refused=False)

    def ground(self, person: str, **fields: Any) -> str:
        with self.tx() as (tx, tenant):
            return gate.open(tx, tenant, person=person, **{**GROUND, **fields})

    def require(self, person: str, **fields: Any) -> str | None:
        """The ground's id; None if the gate stayed shut."""
        try:
            with self.tx() as (tx, tenant):
                wanted = {name: GROUND[name] for name in ("what", "purpose", "requester")}
                on = tenant.business_date
                return str(gate.require(tx, tenant, person=person, **{**wanted, "on": on, **fields}).id)
        except Forbidden as error:
            assert error.code == "NO_LAWFUL_GROUND"
            return None

    def refusals(self) -> list[str]:
        """The codes of what was refused, the oldest first."""
        with self.pool.tx(readonly=True) as tx:
            rows = tx.query("SELECT code FROM gate_refusal WHERE tenant = %s ORDER BY n", (self.name,))
        return [row["code"] for row in rows]


GROUND: Mapping[str, Any] = {
    "what": DataKind.ASSISTANCE,
    "purpose": Purpose.BONUS_TEST,
    "basis": LegalBasis.PUBLIC_TASK,
    "requester": "anna",
    "expires_on": date(2025, 1, 1),
}


def prepared(uri: str) -> Pool:
    """The database with its tables; close it at the end."""
    migrate.apply(uri, "assignment")
    return Pool(uri, name="test")


def dumped(uri: str) -> str:
    """Every row of every table of a database, as text; bytes as hexadecimal."""
    with psycopg.connect(uri, autocommit=True) as connection:
        names = connection.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        ).fetchall()
        return "\n".join(
            row[0]
            for (name,) in names
            for row in connection.execute(f'SELECT t::text FROM "{name}" AS t').fetchall()  # type: ignore[arg-type]
        )


__all__ = ["GROUND", "KEYS", "Place", "Tenant", "Tx", "dumped", "prepared"]


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    with prepared(database) as made:
        yield made


@pytest.fixture
def place(pool: Pool) -> Place:
    made = Place(pool, f"t{next(_places)}")
    made.open()
    made.day("2024-03-15")
    return made
