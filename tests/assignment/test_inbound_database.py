"""What other systems tell, on a real database: through the gate only, and the same state in whatever order it comes."""

from __future__ import annotations

import itertools
import json
import uuid
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_assignment import inbound, record, tenants
from kundval_assignment.inbound import evidence, links
from kundval_assignment.inbound.read import read
from kundval_chassis import inbox
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import ConsentScope, DataKind, InboundSource, LegalBasis, Programme, Purpose
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Conflict, InvalidRequest
from kundval_contracts.events_in import EVENTS_IN
from kundval_contracts.rpc import CallerRole
from tests.acceptance.builders import exited, fact

from .gated import KEYS, Place, dumped, place, pool

__all__ = ["place", "pool"]

_number = itertools.count(1)
GUIDE = Caller("anna", CallerRole.CAREER_GUIDE, None, "follow-up")
SECRET = "4711.00"


def event(place: Place, name: str, revision: int = 1, **data: Any) -> Event:
    fields = {key.rstrip("_"): value for key, value in data.items()}
    return Event(
        id=str(uuid.uuid4()),
        name=name,
        version=1,
        subject="thing",
        tenant=place.name,
        time=datetime.now(UTC),
        sequence=1,
        data={"revision": revision, **fields},
    )


def paid(place: Place, start: str, end: str, revision: int = 1, *, payment: str = "pay-1", **more: Any) -> Event:
    data = {"payment": payment, "household": "h-1", "from": start, "to": end, "amount": SECRET, **more}
    return event(place, "assistance.paid", revision, **data)


def tell(place: Place, *events: Event) -> list[tuple[int, int]]:
    """(taken, refused) of each, in transactions of their own and as they come in a request."""
    found = []
    for one in events:
        with place.tx() as (tx, tenant):
            checked = read(_raw(one), tenant.id)
            if not inbox.take(tx, [checked]):
                found.append((0, 0))
                continue
            came = inbound.take(tx, KEYS, tenant, checked)
            found.append((came.taken, came.refused))
    return found


def _raw(one: Event) -> dict[str, Any]:
    return dict(json.loads(one.to_json()))


def join(place: Place, person: str, since: str, until: str | None = None, household: str = "h-1") -> None:
    with place.tx() as (tx, tenant):
        day = None if until is None else date.fromisoformat(until)
        request = {"person": person, "assignment": None, "household": household}
        links.household(tx, KEYS, tenant, {**request, "from": date.fromisoformat(since), "to": day})


def refer(place: Place, person: str, source: InboundSource, reference: str) -> None:
    with place.tx() as (tx, tenant):
        request = {"person": person, "assignment": None, "source": source, "reference": reference, "remove": False}
        links.reference(tx, KEYS, tenant, request)


def client(place: Place, **ground: Any) -> tuple[str, str]:
    """Somebody with an assignment, in household h-1 since New Year, and with a ground for the bonus test."""
    assignment = f"A-{next(_number)}"
    person = place.person(assignment)
    join(place, person, "2024-01-01")
    place.ground(person, **ground)
    return person, assignment


def assisted(place: Place, assignment: str) -> list[tuple[str, str, str]]:
    """(from, to, scope) of the facts `eb_paid` that count."""
    with place.pool.tx(readonly=True) as tx:
        rows = tx.query(
            "SELECT data FROM stated_fact WHERE tenant = %s AND assignment = %s AND kind = 'eb_paid'"
            " AND withdrawn_at IS NULL AND in_effect",
            (place.name, assignment),
        )
    return sorted((row["data"]["from"], row["data"]["to"], row["data"]["scope"]) for row in rows)


# --- assistance ------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-9-d")
def test_assistance_of_a_household_becomes_facts_of_its_members_for_the_days_on_which_they_belonged_to_it(
    place: Place,
) -> None:
    _, first = client(place)
    second = place.person("B-1", "B-2")
    join(place, second, "2024-02-10", "2024-02-20")
    place.ground(second)
    refer(place, second, InboundSource.ASSISTANCE, "client-2")
    assert tell(place, paid(place, "2024-02-01", "2024-03-01", recipient="client-2")) == [(2, 0)]
    assert assisted(place, first) == [("2024-02-01", "2024-03-01", "HOUSEHOLD")]
    for name in ("B-1", "B-2"):
        assert assisted(place, name) == [("2024-02-10", "2024-02-20", "CLIENT")]


def test_without_a_ground_nothing_is_stored_but_that_it_was_refused_and_it_can_be_told_again(
    place: Place, database: str
) -> None:
    assignment = f"A-{next(_number)}"
    person = place.person(assignment)
    told = paid(place, "2024-02-07", "2024-02-23", payment="payment-of-nobody", household="household-of-nobody")
    assert tell(place, told) == [(0, 1)]
    join(place, person, "2024-01-01", household="household-of-nobody")
    assert tell(place, told) == [(0, 1)]
    place.ground(person, purpose=Purpose.FINANCIAL_ASSISTANCE)
    assert tell(place, told) == [(0, 1)]
    assert place.refusals() == ["NOBODY_LINKED", "NO_GROUND", "OTHER_PURPOSE"]
    assert assisted(place, assignment) == [] and "2024-02-07" not in dumped(database)
    place.ground(person)
    assert tell(place, told, told) == [(1, 0), (0, 0)]
    assert assisted(place, assignment) == [("2024-02-07", "2024-02-23", "HOUSEHOLD")]


def test_amounts_and_households_lie_sealed_and_go_with_the_ground_while_the_facts_stand(
    place: Place, database: str
) -> None:
    person, assignment = client(place, expires_on=date(2024, 6, 1))
    tell(place, paid(place, "2024-02-01", "2024-03-01"))
    with place.tx() as (tx, _):
        sealed = tx.value("SELECT encode(sealed, 'hex') FROM gate_record WHERE tenant = %s", (place.name,))
    everything = dumped(database)
    assert sealed in everything and SECRET not in everything and SECRET.encode().hex() not in everything
    assert place.day("2024-06-01") == 1
    assert sealed not in dumped(database)
    assert assisted(place, assignment) == [("2024-02-01", "2024-03-01", "HOUSEHOLD")]
    # nothing is known of the payment any more, so that another end of the membership changes nothing
    join(place, person, "2024-01-01", "2024-02-10")
    assert assisted(place, assignment) == [("2024-02-01", "2024-03-01", "HOUSEHOLD")]
    # but that there was none takes no ground
    withdrawn = event(place, "assistance.withdrawn", 2, payment="pay-1")
    assert tell(place, withdrawn) == [(0, 0)]
    assert assisted(place, assignment) == []


def test_a_payment_is_taken_in_anew_on_a_new_ground_and_states_nothing_twice(place: Place) -> None:
    person, assignment = client(place, expires_on=date(2024, 6, 1))
    told = paid(place, "2024-02-01", "2024-03-01")
    tell(place, told)
    place.day("2024-06-01")
    again = paid(place, "2024-02-01", "2024-03-01")
    assert tell(place, again) == [(0, 1)]
    place.ground(person)
    assert tell(place, again) == [(1, 0)]
    assert assisted(place, assignment) == [("2024-02-01", "2024-03-01", "HOUSEHOLD")]
    join(place, person, "2024-01-01", "2024-02-10")
    assert assisted(place, assignment) == [("2024-02-01", "2024-02-10", "HOUSEHOLD")]


@pytest.mark.parametrize("seed", range(6))
def test_repeats_late_ones_and_another_order_end_in_the_same_state(place: Place, seed: int) -> None:
    _, assignment = client(place)
    events = [
        paid(place, "2024-02-01", "2024-03-01"),
        event(place, "assistance.corrected", 2, payment="pay-1", household="h-1", from_="2024-02-05", to="2024-03-01"),
        paid(place, "2024-03-01", "2024-04-01", payment="pay-2"),
        event(place, "assistance.withdrawn", 2, payment="pay-2"),
        paid(place, "2024-04-01", "2024-05-01", payment="pay-3"),
        event(place, "assistance.ended", ending="end-1", household="h-1", on="2024-04-16"),
        paid(place, "2024-05-01", "2024-06-01", payment="pay-4"),
        # it was another household's after all
        event(place, "assistance.corrected", 2, payment="pay-4", household="h-2", from_="2024-05-01", to="2024-06-01"),
        event(place, "assistance.ended", ending="end-2", household="h-1", on="2024-02-10"),
        event(place, "assistance.ending_withdrawn", 2, ending="end-2"),
    ]
    if seed:
        random = Random(seed)
        events += random.sample(events, 4)
        random.shuffle(events)
    place.day("2024-07-01")
    tell(place, *events)
    assert assisted(place, assignment) == [
        ("2024-02-05", "2024-03-01", "HOUSEHOLD"),
        ("2024-04-01", "2024-04-16", "HOUSEHOLD"),
    ]


def test_a_revision_that_says_something_else_than_before_is_refused(place: Place) -> None:
    client(place)
    tell(place, paid(place, "2024-02-01", "2024-03-01"))
    with pytest.raises(Conflict, match="REVISION_REUSED"):
        tell(place, paid(place, "2024-02-01", "2024-03-02"))


def test_a_fact_that_a_person_has_taken_back_is_not_stated_again(place: Place) -> None:
    person, assignment = client(place)
    tell(place, paid(place, "2024-02-01", "2024-03-01"))
    with place.tx() as (tx, tenant):
        fact_id = tx.value("SELECT fact FROM inbound_fact WHERE tenant = %s", (place.name,))
        assert record.withdraw_fact(tx, tenant, assignment, fact_id)
    join(place, person, "2024-01-01", "2025-01-01")
    assert assisted(place, assignment) == []


def test_assignments_that_are_linked_later_are_told_too_and_others_than_ami_never(place: Place) -> None:
    person, _ = client(place)
    tell(place, paid(place, "2024-02-01", "2024-03-01"))
    other = place.person("S-1", programme=Programme.SOM_1)
    join(place, other, "2024-01-01")
    place.ground(other)
    tell(place, paid(place, "2024-02-01", "2024-03-01", payment="pay-2"))
    assert assisted(place, "S-1") == []
    with place.tx() as (tx, _):
        tx.execute("UPDATE assignment SET person = %s WHERE tenant = %s AND assignment = 'S-1'", (person, place.name))
        tx.execute("UPDATE assignment SET programme = 'AMI_1' WHERE tenant = %s AND assignment = 'S-1'", (place.name,))
        inbound.settle_linked(tx, KEYS, tenants.get(tx, place.name), [person])
    assert len(assisted(place, "S-1")) == 2


@pytest.mark.rule("AMI-2.1-a")
def test_what_a_client_consented_to_for_one_provider_is_used_for_its_assignments_alone(place: Place) -> None:
    names = [f"A-{next(_number)}" for _ in range(2)]
    person = place.person(*names)
    join(place, person, "2024-01-01")
    for name, provider in zip(names, ("alfa", "beta"), strict=True):
        place.state(
            name,
            fact("2024-03-15", "decided"),
            fact("2024-03-15", "results_shown"),
            fact("2024-03-15", "provider_chosen", provider=provider),
            fact("2024-03-15", "accepted"),
            fact("2024-03-15", "started"),
        )
    place.state(names[0], fact("2024-03-15", "consent_given", scope="OTHER_ACTORS"))
    place.ground(person, basis=LegalBasis.CONSENT, provider="alfa", scope=ConsentScope.OTHER_ACTORS)
    assert tell(place, paid(place, "2024-02-01", "2024-03-01")) == [(1, 0)]
    assert [len(assisted(place, name)) for name in names] == [1, 0]
    place.state(names[0], fact("2024-03-15", "consent_withdrawn", scope="OTHER_ACTORS"))
    assert tell(place, paid(place, "2024-03-01", "2024-04-01", payment="pay-2")) == [(0, 1)]


def test_ids_that_have_the_form_of_an_identity_number_are_refused(place: Place) -> None:
    client(place)
    with pytest.raises(InvalidRequest, match=r"data\.household") as refused:
        tell(place, paid(place, "2024-02-01", "2024-03-01", household="199010102383"))
    assert "199010102383" not in str(refused.value.to_wire())
    with pytest.raises(InvalidRequest):
        join(place, place.person(), "2024-01-01", household="19901010-2383")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"type": "se.kundval.assistance.granted.v1", "dataschema": "urn:kundval:event:assistance.granted:v1"}, "type"),
        ({"type": "se.kundval.assistance.paid.v2", "dataschema": "urn:kundval:event:assistance.paid:v2"}, "type"),
        ({"tenant": "another"}, "tenant"),
        ({"data": {"revision": 1}}, "data.payment"),
        ({"data": []}, "data"),
        ({"id": "no id"}, "id"),
    ],
)
def test_what_is_no_event_of_the_contracts_is_refused_by_the_name_of_what_is_wrong(
    place: Place, changes: dict[str, Any], path: str
) -> None:
    raw = _raw(paid(place, "2024-02-01", "2024-03-01"))
    with pytest.raises(InvalidRequest) as refused:
        read({**raw, **changes}, place.name)
    assert f"event.{path}" in {fault["path"] for fault in refused.value.faults}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(["specversion", "id", "source", "type", "time", "dataschema", "sequence", "tenant", "data"])
_DATA = st.sampled_from(["payment", "revision", "household", "recipient", "from", "to", "amount", "more"])


@given(st.dictionaries(_FIELDS, _JSON, max_size=2), st.dictionaries(_DATA, _JSON, max_size=2))
def test_whatever_stands_in_an_event_it_is_read_or_refused_by_name(head: Any, data: Any) -> None:
    raw = _raw(paid(Place(None, "t0"), "2024-02-01", "2024-03-01"))  # type: ignore[arg-type]
    raw["data"] |= data
    raw |= head
    try:
        assert read(raw, "t0").name in EVENTS_IN
    except InvalidRequest as refused:
        assert refused.faults and all(fault["path"].startswith("event") for fault in refused.faults)


# --- evidence for the six months -------------------------------------------------------------------------


def look(place: Place, assignment: str) -> dict[str, Any]:
    with place.pool.tx(readonly=True) as tx:
        return evidence.evidence(tx, KEYS, tenants.get(tx, place.name), assignment, GUIDE)


def exited_client(place: Place, kind: str) -> tuple[str, str]:
    assignment = f"A-{next(_number)}"
    person = place.person(assignment)
    place.state(
        assignment,
        fact("2024-03-15", "decided"),
        fact("2024-03-15", "results_shown"),
        fact("2024-03-15", "provider_chosen", provider="alfa"),
        fact("2024-03-15", "accepted"),
        fact("2024-03-15", "started"),
        {"id": "x-1", **exited("2024-06-10", kind)},
    )
    place.day("2024-12-20")
    return person, assignment


def certificate(place: Place, name: str, start: str, end: str, extent: int = 100, revision: int = 1) -> Event:
    fields = {"certificate": name, "reference": "pupil-1", "form": "ADULT_EDUCATION", "extent_pct": extent}
    return event(place, "education.certificate_issued", revision, from_=start, to=end, **fields)


@pytest.mark.rule("AMI-9-h")
def test_certificates_of_studies_are_shown_to_who_decides_and_decide_nothing(place: Place) -> None:
    person, assignment = exited_client(place, "STUDY_FULL_TIME")
    refer(place, person, InboundSource.EDUCATION, "pupil-1")
    place.ground(person, what=DataKind.STUDY, purpose=Purpose.SIX_MONTH_TEST)
    with place.pool.tx(readonly=True) as tx:
        facts = tx.value("SELECT count(*) FROM stated_fact WHERE tenant = %s", (place.name,))
    aid = event(place, "education.study_aid_decided", decision="d-1", reference="pupil-1", aid="GRANT_AND_LOAN",
                granted=True, extent_pct=100, from_="2024-06-01", to="2025-01-01")  # fmt: skip
    assert tell(place, certificate(place, "c-1", "2024-06-10", "2024-08-15"), aid) == [(1, 0), (1, 0)]
    [row] = look(place, assignment)["exits"]
    assert (row["exit"], row["from"], row["to"]) == ("x-1", date(2024, 6, 10), date(2024, 12, 10))
    assert row["studies_until"] == date(2024, 8, 15)
    assert [one["aid"] for one in row["studies"]] == ["GRANT_AND_LOAN", None]
    tell(place, certificate(place, "c-2", "2024-08-15", "2025-01-15"))
    assert look(place, assignment)["exits"][0]["studies_until"] == date(2024, 12, 10)
    tell(place, event(place, "education.certificate_withdrawn", 2, certificate="c-1"))
    assert look(place, assignment)["exits"][0]["studies_until"] is None
    assert look(place, assignment)["refused"] == [DataKind.INCOME]
    with place.pool.tx(readonly=True) as tx:
        assert tx.value("SELECT count(*) FROM stated_fact WHERE tenant = %s", (place.name,)) == facts


@pytest.mark.rule("AMI-9-c", "AMI-9-e")
def test_months_of_employment_are_shown_without_the_employer(place: Place) -> None:
    person, assignment = exited_client(place, "WORK_FULL_TIME")
    refer(place, person, InboundSource.INCOME, "taxpayer-1")
    place.ground(person, what=DataKind.INCOME, purpose=Purpose.SIX_MONTH_TEST)
    for number, (month, employer) in enumerate([("06", "e-9"), ("07", "e-9"), ("09", "e-2"), ("09", "e-9")]):
        confirmed = event(place, "income.employment_confirmed", confirmation=f"m-{number}", reference="taxpayer-1",
                          employer=employer, month=f"2024-{month}-01")  # fmt: skip
        assert tell(place, confirmed) == [(1, 0)]
    answer = look(place, assignment)
    months = {row["month"].isoformat()[:7]: row["employers"] for row in answer["exits"][0]["months"]}
    assert months == {
        "2024-06": [1], "2024-07": [1], "2024-08": [], "2024-09": [1, 2], "2024-10": [], "2024-11": [], "2024-12": [],
    }  # fmt: skip
    assert "e-9" not in str(answer)


def test_without_a_ground_evidence_is_neither_taken_in_nor_shown_and_both_are_entered(place: Place) -> None:
    person, assignment = exited_client(place, "STUDY_FULL_TIME")
    refer(place, person, InboundSource.EDUCATION, "pupil-1")
    assert tell(place, certificate(place, "c-1", "2024-06-10", "2025-01-15")) == [(0, 1)]
    answer = look(place, assignment)
    assert answer["refused"] == [DataKind.STUDY, DataKind.INCOME]
    assert answer["exits"][0]["studies"] == [] and answer["exits"][0]["studies_until"] is None
    assert place.refusals() == ["NO_GROUND"] * 3


def test_what_was_taken_in_under_a_wrong_link_was_somebody_elses_and_is_let_go(place: Place) -> None:
    person, assignment = exited_client(place, "STUDY_FULL_TIME")
    place.ground(person, what=DataKind.STUDY, purpose=Purpose.SIX_MONTH_TEST)
    place.ground(person)
    refer(place, person, InboundSource.EDUCATION, "pupil-1")
    join(place, person, "2024-01-01")
    tell(place, certificate(place, "c-1", "2024-06-10", "2025-01-15"), paid(place, "2024-02-01", "2024-03-01"))
    assert look(place, assignment)["exits"][0]["studies"] and assisted(place, assignment)
    request = {"person": person, "assignment": None, "source": InboundSource.EDUCATION, "reference": "pupil-1"}
    with place.tx() as (tx, tenant):
        assert links.reference(tx, KEYS, tenant, {**request, "remove": True})
    assert look(place, assignment)["exits"][0]["studies"] == []
    assert assisted(place, assignment)
    join(place, person, "2024-01-01", "2024-01-01")
    assert assisted(place, assignment) == []
    with place.pool.tx(readonly=True) as tx:
        for table in ("gate_record", "inbound_item"):
            assert tx.value(f"SELECT count(*) FROM {table} WHERE tenant = %s", (place.name,)) == 0
    # whom it is really about has it when it is told again
    right, other = exited_client(place, "STUDY_FULL_TIME")
    place.ground(right, what=DataKind.STUDY, purpose=Purpose.SIX_MONTH_TEST)
    refer(place, right, InboundSource.EDUCATION, "pupil-1")
    assert tell(place, certificate(place, "c-1", "2024-06-10", "2025-01-15")) == [(1, 0)]
    assert look(place, other)["exits"][0]["studies"]


@pytest.mark.rule("AMI-9-d")
def test_who_joins_a_household_after_its_assistance_had_ended_is_not_assisted_by_what_was_paid_before(
    place: Place,
) -> None:
    assignment = f"A-{next(_number)}"
    person = place.person(assignment)
    join(place, person, "2024-02-20")
    place.ground(person)
    ended = event(place, "assistance.ended", ending="end-1", household="h-1", on="2024-02-10")
    assert tell(place, paid(place, "2024-02-01", "2024-03-01"), ended) == [(1, 0), (1, 0)]
    assert assisted(place, assignment) == []
    tell(place, event(place, "assistance.ending_withdrawn", 2, ending="end-1"))
    assert assisted(place, assignment) == [("2024-02-20", "2024-03-01", "HOUSEHOLD")]
