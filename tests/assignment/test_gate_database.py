"""The purpose gate on a real database: grounds, refusals that outlive what was refused, data that goes."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import psycopg
import pytest

from kundval_assignment import gate, tenants
from kundval_chassis import telemetry
from kundval_chassis.db import Pool
from kundval_contracts.codes import ConsentScope, DataKind, LegalBasis, Purpose
from kundval_contracts.errors import Conflict, FactRefused, Forbidden, InvalidRequest, NotFound
from tests.acceptance.builders import fact

from .gated import GROUND, KEYS, Place, dumped, place, pool

__all__ = ["place", "pool"]

_number = itertools.count(1)
SECRET = "paid-4711-kronor"


def name() -> str:
    return f"A-{next(_number)}"


def with_provider(place: Place) -> tuple[str, str]:
    """A person with an assignment that alfa has been in charge of since 15 March 2024."""
    assignment = name()
    person = place.person(assignment)
    place.state(
        assignment,
        fact("2024-03-15", "decided"),
        fact("2024-03-15", "results_shown"),
        fact("2024-03-15", "provider_chosen", provider="alfa"),
        fact("2024-03-15", "accepted"),
        fact("2024-03-15", "started"),
    )
    return person, assignment


def consent(**fields: Any) -> dict[str, Any]:
    return {"basis": LegalBasis.CONSENT, "provider": "alfa", "scope": ConsentScope.OTHER_ACTORS, **fields}


def kept(place: Place, person: str, on: str, **fields: Any) -> list[dict[str, Any]]:
    with place.tx() as (tx, tenant):
        wanted = {"what": GROUND["what"], "purpose": GROUND["purpose"], **fields}
        return [one.data for one in gate.kept(tx, KEYS, tenant, person=person, on=date.fromisoformat(on), **wanted)]


def keep(place: Place, person: str, data: dict[str, Any], **fields: Any) -> None:
    with place.tx() as (tx, tenant):
        wanted = {key: GROUND[key] for key in ("what", "purpose", "requester")} | fields
        ground = gate.require(tx, tenant, person=person, on=tenant.business_date, **wanted)
        gate.keep(tx, KEYS, tenant, ground, kind="assistance.paid.v1", data=data, on=tenant.business_date)


# --- a ground --------------------------------------------------------------------------------------------


def test_without_a_ground_the_gate_stays_shut_and_that_is_entered_though_the_transaction_is_undone(
    place: Place,
) -> None:
    person = place.person()
    assert place.require(person) is None
    assert place.refusals() == ["NO_GROUND"]
    metric = telemetry.GATE_REFUSALS.labels("ASSISTANCE", "BONUS_TEST", "NO_GROUND")
    before = metric._value.get()
    place.require(person)
    assert metric._value.get() == before + 1


def test_a_refusal_in_a_transaction_that_only_reads_is_entered_and_so_is_one_that_the_caller_gets_over(
    place: Place, pool: Pool
) -> None:
    person = place.person()
    wanted: dict[str, Any] = {key: GROUND[key] for key in ("what", "purpose", "requester")}
    for readonly, gets_over in ((True, False), (True, True), (False, True)):
        try:
            with pool.tx(readonly=readonly) as tx:
                tenant = tenants.get(tx, place.name)
                try:
                    with tx.attempt():
                        gate.require(tx, tenant, person=person, on=date(2024, 3, 15), **wanted)
                except Forbidden:
                    if not gets_over:
                        raise
        except Forbidden:
            assert not gets_over
    assert place.refusals() == ["NO_GROUND"] * 3


@pytest.mark.rule("AMI-2.2-c")
def test_a_ground_for_one_purpose_is_none_for_another(place: Place) -> None:
    person = place.person()
    place.ground(person, purpose=Purpose.FINANCIAL_ASSISTANCE)
    assert place.require(person, purpose=Purpose.FINANCIAL_ASSISTANCE)
    assert place.require(person, purpose=Purpose.LABOUR_MARKET_INTERVENTION) is None
    assert place.require(person, purpose=Purpose.BONUS_TEST) is None
    assert place.require(person, purpose=Purpose.FINANCIAL_ASSISTANCE, what=DataKind.INCOME) is None
    assert place.require(place.person(), purpose=Purpose.FINANCIAL_ASSISTANCE) is None
    assert place.require(person, purpose=Purpose.FINANCIAL_ASSISTANCE, provider="alfa") is None
    assert place.refusals() == ["OTHER_PURPOSE", "OTHER_PURPOSE", "NO_GROUND", "NO_GROUND", "OTHER_PROVIDER"]


def test_a_ground_holds_from_the_day_on_which_it_was_opened_until_the_day_before_its_expiry(place: Place) -> None:
    person = place.person()
    place.ground(person, expires_on=date(2024, 6, 1))
    days = {"2024-03-14": False, "2024-03-15": True, "2024-05-31": True, "2024-06-01": False, "2024-06-02": False}
    assert {day: place.require(person, on=date.fromisoformat(day)) is not None for day in days} == days
    assert place.refusals() == ["NOT_BEGUN", "EXPIRED", "EXPIRED"]


def test_what_a_municipality_does_not_permit_is_refused_when_it_is_opened_and_when_it_is_used(place: Place) -> None:
    person = place.person()
    intervention = {"purpose": Purpose.LABOUR_MARKET_INTERVENTION}
    with pytest.raises(FactRefused, match="USE_NOT_PERMITTED"):
        place.ground(person, **intervention)
    place.open(**{"gate.uses": {"ASSISTANCE": {"LABOUR_MARKET_INTERVENTION": ["PUBLIC_TASK"]}}})
    assert place.ground(person, **intervention)
    assert place.require(person, **intervention)
    with pytest.raises(FactRefused, match="USE_NOT_PERMITTED"):
        place.ground(person)
    place.open()
    assert place.require(person, **intervention) is None
    assert place.refusals() == ["NOT_PERMITTED"] * 3


def test_a_ground_names_its_end_and_no_later_one_than_the_municipality_allows(place: Place) -> None:
    person = place.person()
    with pytest.raises(InvalidRequest, match="must be after the business date"):
        place.ground(person, expires_on=date(2024, 3, 15))
    place.open(**{"gate.longest": {"ASSISTANCE": "P6M"}})
    with pytest.raises(InvalidRequest, match="2024-09-15"):
        place.ground(person, expires_on=date(2024, 9, 16))
    assert place.ground(person, expires_on=date(2024, 9, 15))
    with pytest.raises(InvalidRequest, match="identity number"):
        place.ground(person, reference="19901010-2383", expires_on=date(2024, 9, 15))
    with pytest.raises(NotFound):
        place.ground("p-nobody")
    with pytest.raises(NotFound):
        place.ground(person, provider="omega")


def test_before_the_first_business_date_nothing_is_opened(pool: Pool) -> None:
    made = Place(pool, f"t{next(_number)}")
    made.open()
    with pytest.raises(Conflict, match="NO_BUSINESS_DATE"):
        made.ground(made.person())


# --- consent ---------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-2.1-a")
def test_a_ground_by_consent_takes_the_consent_of_that_client_to_that_provider_in_that_matter(place: Place) -> None:
    person, assignment = with_provider(place)
    with pytest.raises(InvalidRequest) as wrong:
        place.ground(person, basis=LegalBasis.CONSENT)
    assert [fault["path"] for fault in wrong.value.faults] == ["provider", "scope"]
    with pytest.raises(FactRefused, match="CONSENT_MISSING"):
        place.ground(person, **consent())
    place.state(assignment, fact("2024-03-15", "consent_given", scope="AF_COORDINATOR"))
    with pytest.raises(FactRefused, match="CONSENT_MISSING"):
        place.ground(person, **consent())
    with pytest.raises(InvalidRequest):
        place.ground(person, **consent(scope=ConsentScope.AF_COORDINATOR))
    place.state(assignment, fact("2024-03-15", "consent_given", scope="OTHER_ACTORS"))
    with pytest.raises(FactRefused, match="CONSENT_MISSING"):
        place.ground(person, **consent(provider="beta"))
    assert place.ground(person, **consent())
    assert place.require(person, provider="alfa")
    assert place.require(person) is None
    assert place.require(person, provider="beta") is None
    assert place.refusals() == ["NO_CONSENT"] * 3 + ["OTHER_PROVIDER"] * 2


@pytest.mark.rule("AMI-2.1-a")
@pytest.mark.parametrize("how", ["withdrawn", "switched"])
def test_a_ground_by_consent_holds_until_the_day_before_the_consent_is_gone(place: Place, how: str) -> None:
    person, assignment = with_provider(place)
    place.state(assignment, fact("2024-03-15", "consent_given", scope="OTHER_ACTORS"))
    ground = place.ground(person, **consent())
    keep(place, person, {"amount": SECRET}, provider="alfa")
    place.day("2024-05-02")
    if how == "withdrawn":
        place.state(assignment, fact("2024-05-02", "consent_withdrawn", scope="OTHER_ACTORS"))
    else:
        place.state(
            assignment,
            fact("2024-05-02", "provider_switch", provider="beta", approved=True),
            fact("2024-05-02", "accepted"),
        )
    found = {
        day: place.require(person, provider="alfa", on=date.fromisoformat(day)) == ground
        for day in ("2024-05-01", "2024-05-02", "2024-05-03")
    }
    assert found == {"2024-05-01": True, "2024-05-02": False, "2024-05-03": False}
    assert place.refusals() == ["CONSENT_GONE"] * 2
    assert kept(place, person, "2024-05-01", provider="alfa") == [{"amount": SECRET}]
    assert kept(place, person, "2024-05-02", provider="alfa") == []
    if how == "withdrawn":
        # another consent is another: it takes another ground
        place.state(assignment, fact("2024-05-02", "consent_given", scope="OTHER_ACTORS"))
        assert place.require(person, provider="alfa") is None
        assert place.ground(person, **consent()) != ground
        assert place.require(person, provider="alfa")
    assert place.day("2024-05-02") == 1


# --- what is kept ----------------------------------------------------------------------------------------


def test_what_was_kept_is_sealed_and_found_for_its_own_purpose_alone(place: Place, database: str) -> None:
    person = place.person()
    place.ground(person)
    place.ground(person, purpose=Purpose.FINANCIAL_ASSISTANCE)
    keep(place, person, {"amount": SECRET})
    everything = dumped(database)
    assert SECRET not in everything and SECRET.encode().hex() not in everything
    assert kept(place, person, "2024-03-15") == [{"amount": SECRET}]
    assert kept(place, person, "2024-03-15", purpose=Purpose.FINANCIAL_ASSISTANCE) == []
    assert kept(place, place.person(), "2024-03-15") == []


@pytest.mark.parametrize("how", ["expired", "ended"])
def test_what_is_past_its_time_is_gone(place: Place, database: str, how: str) -> None:
    person = place.person()
    ground = place.ground(person, expires_on=date(2024, 6, 1))
    keep(place, person, {"amount": SECRET})
    with place.tx() as (tx, _):
        sealed = tx.value("SELECT encode(sealed, 'hex') FROM gate_record WHERE tenant = %s", (place.name,))
    assert place.day("2024-05-31") == 0
    assert sealed in dumped(database)
    if how == "ended":
        with place.tx() as (tx, tenant):
            assert gate.end(tx, tenant, ground)
        with place.tx() as (tx, tenant):
            assert not gate.end(tx, tenant, ground)
        assert place.require(person) is None
    else:
        assert place.require(person) == ground
        assert place.day("2024-06-01") == 1
    assert sealed not in dumped(database)
    assert place.day("2024-06-02") == 0


def test_no_ground_is_stored_without_basis_purpose_requester_and_expiry(place: Place) -> None:
    person = place.person()
    place.ground(person)
    with place.tx() as (tx, _):
        row = tx.one("SELECT * FROM gate_ground WHERE tenant = %s", (place.name,))
    for column in ("person", "what", "purpose", "basis", "requester", "expires_on"):
        with pytest.raises(psycopg.errors.NotNullViolation), place.tx() as (tx, _):
            tx.execute(f"UPDATE gate_ground SET {column} = NULL WHERE tenant = %s", (place.name,))
    assert row is not None
    with pytest.raises(psycopg.errors.CheckViolation), place.tx() as (tx, _):
        tx.execute("UPDATE gate_ground SET basis = 'CONSENT' WHERE tenant = %s", (place.name,))


@pytest.mark.parametrize("how", ["ended", "expired"])
def test_nothing_is_kept_on_a_ground_that_went_while_it_was_being_fetched(place: Place, how: str) -> None:
    person = place.person()
    ground = place.ground(person, expires_on=date(2024, 3, 16))
    wanted = {name: GROUND[name] for name in ("what", "purpose", "requester")}
    with pytest.raises(Forbidden, match="NO_LAWFUL_GROUND"), place.tx() as (tx, tenant):
        found = gate.require(tx, tenant, person=person, on=tenant.business_date, **wanted)
        if how == "ended":
            with place.tx() as (other, same):
                gate.end(other, same, ground)
        else:
            place.day("2024-03-16")
        gate.keep(tx, KEYS, tenant, found, kind="x.v1", data={"x": 1}, on=tenant.business_date)
    assert place.refusals() == [how.upper()]
    with place.pool.tx(readonly=True) as tx:
        assert tx.value("SELECT count(*) FROM gate_record WHERE ground = %s", (ground,)) == 0


def test_who_lets_go_waits_for_who_is_keeping(place: Place) -> None:
    person = place.person()
    ground = place.ground(person, expires_on=date(2024, 3, 16))
    wanted = {name: GROUND[name] for name in ("what", "purpose", "requester")}
    with ThreadPoolExecutor(1) as beside:
        with place.tx() as (tx, tenant):
            found = gate.require(tx, tenant, person=person, on=tenant.business_date, **wanted)
            gate.keep(tx, KEYS, tenant, found, kind="x.v1", data={"x": 1}, on=tenant.business_date)
            going = beside.submit(place.day, "2024-03-16")
            waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            until = time.monotonic() + 20
            while tx.one(waits) is None and time.monotonic() < until:
                tx.execute("SELECT pg_stat_clear_snapshot()")
                time.sleep(0.02)
        assert going.result(20) == 1
    with place.pool.tx(readonly=True) as tx:
        assert tx.value("SELECT count(*) FROM gate_record WHERE ground = %s", (ground,)) == 0
