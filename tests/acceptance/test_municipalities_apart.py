"""Two municipalities in one installation: the same ids, other rules, at the same time, and nothing crosses."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from marshmallow import Schema

from kundval_chassis.play import play, read
from kundval_chassis.present import as_json
from kundval_chassis.sample import make
from kundval_chassis.simulate import simulate
from kundval_contracts.caseload import Caseload
from kundval_contracts.caseload import read as read_caseload
from kundval_contracts.errors import Forbidden, NotFound
from kundval_contracts.rpc import METHODS
from tests.assignment.numbers import ALL
from tests.suite import SERVICES, Suite, Town, suite

__all__ = ["suite"]

#: Tables of which no row belongs to a municipality, or whose rows belong to a row that does: found by its key alone.
OF_NO_TENANT = {
    # of the process, of partners (who name their municipalities), of a channel as a whole
    *("schema_migration", "subscription", "restoration", "partner", "partner_way", "partner_parked"),
    *("calendar_key", "af_circuit", "circuit", "early_receipt"),
    # of an event, entry, payment, hold, dispatch
    *("outbox", "told_event", "entry_row", "hold_end", "payment_act", "payment_entry", "payment_row"),
    *("attempt", "dispatch_notice", "receipt"),
}
#: Keys that a service draws or counts itself, over all municipalities: nobody says them first.
DRAWN = {
    # a caller does, and the key carries the tenant where another has it too: tests/chassis/test_rpc.py
    ("idempotency", "method", "key"),
    ("document_entry", "entry"),
    ("journal_entry", "entry"),
    ("message", "notice"),
    ("dispatch", "dispatch"),
    ("calendar_feed", "digest"),
    ("protection_reader", "reading"),
    ("af_dispatch", "tracking"),
}
TABLES = """
SELECT relname, EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant')
FROM pg_class AS c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
#: unique keys: table, columns, and "number" or "uuid" for those that are numbered by the database or are a UUID
KEYS = """
SELECT c.relname, array_agg(a.attname ORDER BY a.attnum),
       CASE WHEN bool_or(a.attidentity <> '') THEN 'number' WHEN bool_or(a.atttypid = 'uuid'::regtype) THEN 'uuid' END
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace GROUP BY i.indexrelid, c.relname
"""
#: of the official test numbers
NUMBER = next(iter(ALL))


def caseload_of(municipality: str, fee: int, due_day: int) -> Caseload:
    """The same residents, providers and histories, by this municipality's rules."""
    document = make(seed=30, residents=4)
    document["municipality"] = municipality
    document["settings"]["monthly_report.due_day"] = due_day
    document["tariffs"] = [{"valid_from": "2024-01-01", "AMI1_MONTHLY_FEE": fee, "AMI2_MONTHLY_FEE": fee + 1}]
    document["payment_runs"] = document["payment_runs"][4:16:5]
    return read_caseload(document)


def test_two_municipalities_with_the_same_ids_and_other_rules_get_each_its_own_answer(suite: Suite) -> None:
    towns = {"apart-a": caseload_of("nacka", 5_000, 5), "apart-b": caseload_of("molndal", 7_000, 12)}
    a, b = towns.values()
    assert [one.id for one in a.assignments] == [one.id for one in b.assignments]

    def one(tenant: str) -> str:
        with suite.client() as calls:
            return as_json(play(towns[tenant], calls, tenant=tenant))

    with ThreadPoolExecutor(2) as pool:
        played = dict(zip(towns, pool.map(one, towns), strict=True))
    simulated = {tenant: as_json(simulate(caseload)) for tenant, caseload in towns.items()}
    assert played == simulated
    answers = [json.loads(answer) for answer in played.values()]
    assert all(answers[0][what] != answers[1][what] for what in ("lines", "postings", "obligations"))
    with suite.client() as calls:
        # what happens in one afterwards leaves the other as it was
        calls.call("assignment.erase", tenant="apart-a", limit=1)
        calls.call("assignment.withdraw_fact", tenant="apart-a", assignment=a.assignments[0].id, fact="0")
        assert as_json(read(b, calls, "apart-b")) == simulated["apart-b"]


def test_one_person_in_two_municipalities_is_two_persons(suite: Suite) -> None:
    with suite.client() as system, suite.client("CAREER_GUIDE", subject="anna", purpose="guidance") as guide:
        towns = [Town(system), Town(system)]
        given: dict[str, Any] = {"identity_number": NUMBER, "name": "Örjan Testström", "language": "so"}
        persons = [system.call("assignment.register_person", tenant=town.name, **given)["person"] for town in towns]
        assert persons[0] != persons[1]
        for town, of_the_other in zip(towns, reversed(persons), strict=True):
            with pytest.raises(NotFound):
                guide.call("assignment.person", tenant=town.name, person=of_the_other)


def test_every_method_says_of_which_municipality_so_that_a_token_of_another_is_refused() -> None:
    without = {name for name, method in METHODS.items() if not is_required(method.request, "tenant")}
    assert without == {f"{service}.info" for service in SERVICES}


def test_a_token_of_one_municipality_opens_no_other(suite: Suite) -> None:
    with suite.client("CONTROLLER", subject="insider", tenant="apart-a", purpose="curious") as insider:
        for method in ("billing.lines", "scheduling.obligations", "notifications.notices", "assignment.rejections"):
            with pytest.raises(Forbidden) as caught:
                insider.call(method, tenant="apart-b")
            assert caught.value.code == "OTHER_TENANT"


@pytest.mark.parametrize("service", SERVICES)
def test_every_row_belongs_to_a_municipality_and_its_key_says_to_which(suite: Suite, service: str) -> None:
    with psycopg.connect(suite.databases[service]) as connection:
        tables: dict[str, bool] = dict(connection.execute(TABLES).fetchall())
        keys = connection.execute(KEYS).fetchall()
    assert {name for name, has_tenant in tables.items() if not has_tenant} <= OF_NO_TENANT
    crossing = [
        f"{table} ({', '.join(columns)})"
        for table, columns, kind in keys
        # what the database or the service numbers or draws by itself is nobody else's
        if tables[table] and "tenant" not in columns and kind is None and (table, *columns) not in DRAWN
    ]
    assert not crossing


def is_required(schema: Schema, name: str) -> bool:
    return name in schema.fields and schema.fields[name].required
