"""What the employment service tells, in the database: kept on a ground, stated as facts, the same however often."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from kundval_assignment import gate, record
from kundval_assignment import store as assignments
from kundval_assignment.af_in import checks, decisions, orders, statuses
from kundval_assignment.af_in import store as af_store
from kundval_assignment.af_in.port import Asking
from kundval_assignment.af_in.soap import Question
from kundval_assignment.af_in.terms import Declared, Submitter, Terms
from kundval_assignment.people import persons
from kundval_assignment.people import store as people
from kundval_chassis.rpc import checked
from kundval_chassis.tokens import Caller
from kundval_contracts.af.forms import load
from kundval_contracts.codes import AfFault, AfOrderOutcome, DataKind, LegalBasis, Programme, ProtectionKind, Purpose
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, KundvalError, NotFound
from kundval_contracts.rpc import METHODS, CallerRole
from tests.acceptance.builders import client, fact
from tests.contracts import af_samples as s

from .gated import KEYS, Place, dumped, place, pool

__all__ = ["place", "pool"]

_number = itertools.count(1)
ANNA = Caller("anna", CallerRole.CAREER_GUIDE, None, None, "follow-up")
FORMS = load()
SUBMITTER = Submitter("162021000001", "Testkommun")
DECLARED = Declared("Ekonomiskt bistånd", "SoL")


@dataclass
class Agency:
    """A base service that gives the same answer to whatever it is asked."""

    answer: bytes = field(default_factory=s.answer)
    asked: list[Question] = field(default_factory=list)

    def ask(self, question: Question) -> bytes:
        self.asked.append(question)
        return self.answer

    def probe(self, submitter: Submitter, officer: str) -> bytes:
        return b""


@pytest.fixture
def agency() -> Agency:
    return Agency()


def somebody(place: Place, number: str | None = s.NUMBER) -> tuple[str, str]:
    """A person with that number and an assignment."""
    name = f"A-{next(_number)}"
    with place.tx() as (tx, tenant):
        person = persons.register(tx, KEYS, tenant, {"identity_number": number})
        row = {"id": name, "programme": "AMI_2", "client": client(), "plan": None, "delivery_area": None}
        record.register(
            tx,
            tenant,
            [METHODS["assignment.register"].load({"tenant": place.name, "assignments": [row]})["assignments"][0]],
        )
        persons.link(tx, KEYS, tenant, name, person)
    return person, name


def ground(place: Place, person: str, purpose: Purpose = Purpose.FINANCIAL_ASSISTANCE, **more: Any) -> str:
    fields = {"what": DataKind.AF_STATUS, "purpose": purpose, "basis": LegalBasis.PUBLIC_TASK, **more}
    return place.ground(person, **{"expires_on": date(2024, 6, 1), **fields})


def permit_interventions(place: Place) -> None:
    """The municipality uses the status for interventions on the basis of its task, not of consent alone."""
    uses = {"FINANCIAL_ASSISTANCE": ["PUBLIC_TASK"], "LABOUR_MARKET_INTERVENTION": ["PUBLIC_TASK"]}
    place.open(**{"gate.uses": {"AF_STATUS": uses}})


def request(place: Place, method: str, **fields: Any) -> dict[str, Any]:
    """As the service gets it."""
    return METHODS[f"assignment.{method}"].load({"tenant": place.name, **fields})


def fits(method: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The same, if the service may answer so."""
    checked(METHODS[f"assignment.{method}"], answer, ANNA)
    return answer


def fetch(place: Place, agency: Agency, assignment: str, **fields: Any) -> dict[str, Any]:
    terms = Terms({place.name: SUBMITTER}, {Purpose.FINANCIAL_ASSISTANCE: DECLARED})
    with place.tx() as (tx, tenant):
        asked = request(place, "fetch_af_status", assignment=assignment, **fields)
        return fits("fetch_af_status", statuses.fetch(tx, KEYS, tenant, asked, ANNA, Asking(agency, terms)))


def shown(place: Place, assignment: str, purpose: str = "FINANCIAL_ASSISTANCE") -> list[dict[str, Any]]:
    with place.tx() as (tx, tenant):
        asked = request(place, "af_status", assignment=assignment, purpose=purpose)
        answer = statuses.shown(tx, KEYS, tenant, asked, ANNA)
    return list(fits("af_status", answer)["statuses"])


def facts_of(place: Place, assignment: str) -> list[tuple[str, date, dict[str, Any], bool]]:
    with place.tx() as (tx, _):
        held = assignments.load_records(tx, place.name, [assignment])[assignment]
    rows = sorted(held.stated.values(), key=lambda one: one.fact.order)
    return [(one.fact.kind.value, one.fact.on, dict(one.fact.data), one.in_effect) for one in rows]


# --- the status ----------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-1.3.2-a")
def test_nobody_is_asked_without_a_ground_and_the_refusal_is_entered(place: Place, agency: Agency) -> None:
    person, name = somebody(place)
    with pytest.raises(Forbidden) as caught:
        fetch(place, agency, name)
    assert (caught.value.code, agency.asked, place.refusals()) == ("NO_LAWFUL_GROUND", [], ["NO_GROUND"])
    ground(place, person)
    # one for financial assistance is none for the intervention: nothing is asked, nothing stated
    with pytest.raises(Forbidden):
        fetch(place, agency, name, state=True)
    assert (agency.asked, place.refusals()[-1], facts_of(place, name)) == ([], "OTHER_PURPOSE", [])


def test_a_status_is_asked_for_with_what_is_declared_and_kept_until_its_ground_ends(
    place: Place, agency: Agency, database: str
) -> None:
    agency.answer = s.answer(s.af(None, s.decision()), s.failed("FK"))
    person, name = somebody(place)
    ground(place, person)
    answer = fetch(place, agency, name)
    assert answer["expires_on"] == date(2024, 6, 1)
    assert [(one["agency"].value, one["code"]) for one in answer["faults"]] == [("FK", "17")]
    (asked,) = agency.asked
    assert (asked.submitter, asked.declared, asked.officer, asked.number) == (SUBMITTER, DECLARED, "anna", s.NUMBER)
    assert len(asked.case) < 32 and (asked.since, asked.until) == (date(2023, 12, 15), date(2024, 3, 15))
    (kept,) = shown(place, name)
    assert (kept["status"]["registered"], kept["status"]["category"]["meaning"]) == (True, "OPENLY_UNEMPLOYED")
    # sealed: nothing of it can be read in any table, and on the day after its last it is gone
    assert not any(word in dumped(database) for word in ("OPENLY", "AKT", s.NUMBER, "2023-11-18"))
    place.day("2024-05-31")
    assert shown(place, name) == [kept]
    assert place.day("2024-06-01") == 1
    with pytest.raises(Forbidden):
        shown(place, name)


@pytest.mark.rule("AMI-1.3.2-a", "NACKA-4")
def test_a_registration_is_stated_where_the_municipality_may_use_it_for_interventions(
    place: Place, agency: Agency
) -> None:
    permit_interventions(place)
    person, name = somebody(place)
    ground(place, person)
    ground(place, person, Purpose.LABOUR_MARKET_INTERVENTION)
    first = fetch(place, agency, name, state=True, af_check="NONE_SUITABLE")
    assert len(first["stated"]) == 2
    assert fetch(place, agency, name, state=True)["stated"] == []
    agency.answer = s.answer(s.af(s.info(Arbetssokande="false")))
    fetch(place, agency, name, state=True)
    kinds = [(kind, on, data) for kind, on, data, in_effect in facts_of(place, name) if in_effect]
    assert ("af_registration_checked", date(2024, 3, 15), {"registered": False}) in kinds
    assert ("af_registration_checked", date(2024, 3, 15), {"registered": True}) not in kinds
    agency.answer = s.answer(s.af(s.info(Arbetssokande=None)))
    assert fetch(place, agency, name, state=True)["stated"] == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (s.answer(number=s.OTHER_NUMBER), AfFault.OTHER_PERSON),
        (s.answer(s.failed("AF")), AfFault.AF_FAILED),
        (s.FAULT, AfFault.SOAP_FAULT),
        (b"<html/>", AfFault.NOT_AN_ANSWER),
    ],
)
def test_an_answer_that_cannot_be_used_leaves_nothing_behind(
    place: Place, agency: Agency, answer: bytes, code: AfFault
) -> None:
    person, name = somebody(place)
    ground(place, person)
    agency.answer = answer
    with pytest.raises(KundvalError) as caught:
        fetch(place, agency, name)
    assert (caught.value.code, shown(place, name)) == (code, [])


def test_who_is_marked_as_confidential_there_is_protected_here(place: Place, agency: Agency) -> None:
    person, name = somebody(place)
    ground(place, person)
    agency.answer = s.answer(s.af(mark="true"))
    fetch(place, agency, name)
    with place.tx() as (tx, _):
        (protection,) = people.protections(tx, KEYS, place.name, person)
    assert (protection.kind, protection.since) == (ProtectionKind.CONFIDENTIALITY_MARK, date(2024, 3, 15))
    # and so for others the person is not there
    with pytest.raises(NotFound):
        fetch(place, agency, name)


def test_what_is_not_configured_or_not_known_is_said(place: Place, agency: Agency) -> None:
    person, name = somebody(place, None)
    ground(place, person)
    with pytest.raises(Conflict) as caught:
        fetch(place, agency, name)
    assert caught.value.code == "NO_NUMBER"
    with pytest.raises(NotFound):
        fetch(place, agency, "nobody")
    person, name = somebody(place)
    ground(place, person)
    permit_interventions(place)
    ground(place, person, Purpose.LABOUR_MARKET_INTERVENTION)
    with place.tx() as (tx, tenant), pytest.raises(Conflict) as caught:
        asked = request(place, "fetch_af_status", assignment=name)
        statuses.fetch(tx, KEYS, tenant, asked, ANNA, Asking())
    assert caught.value.code == "NOT_CONFIGURED"
    # the base service is for financial assistance, whatever grounds there are
    with pytest.raises(Forbidden) as refused:
        fetch(place, agency, name, purpose="LABOUR_MARKET_INTERVENTION")
    assert (refused.value.code, agency.asked) == ("PURPOSE_NOT_ASKED_FOR", [])


def test_a_status_that_came_as_a_file_passes_the_same_gate(place: Place) -> None:
    person, name = somebody(place)
    wire = {"as_of": "2024-03-14", "registered": True}

    def receive(**fields: Any) -> dict[str, Any]:
        with place.tx() as (tx, tenant):
            asked = request(place, "receive_af_status", **{"assignment": name, "status": wire, **fields})
            return statuses.receive(tx, KEYS, tenant, asked, ANNA)

    with pytest.raises(Forbidden):
        receive()
    ground(place, person)
    with pytest.raises(Conflict) as caught:
        receive(identity_number=s.OTHER_NUMBER)
    assert caught.value.code == AfFault.OTHER_PERSON
    with pytest.raises(InvalidRequest):
        receive(status={"as_of": "2024-03-16"})
    receive(identity_number=s.NUMBER)
    assert [one["status"]["as_of"] for one in shown(place, name)] == ["2024-03-14"]


# --- when it is looked up ------------------------------------------------------------------------------


@pytest.mark.rule("AMI-1.3.2-a")
def test_a_look_up_is_due_before_the_decision_at_the_start_and_before_each_follow_up(place: Place) -> None:
    _, name = somebody(place)

    def due() -> tuple[str, date] | None:
        with place.tx() as (tx, tenant):
            rows = checks.due(tx, tenant, request(place, "af_checks", assignment=name))["checks"]
        return (rows[0]["moment"].value, rows[0]["due"]) if rows else None

    def checked(on: str) -> None:
        place.state(name, fact(on, "af_registration_checked", registered=True))

    assert due() == ("DECISION", date(2024, 3, 15))
    checked("2024-03-15")
    assert due() is None
    place.state(name, fact("2024-03-15", "decided"), fact("2024-03-15", "results_shown"))
    place.state(name, fact("2024-03-15", "provider_chosen", provider="alfa"), fact("2024-03-15", "accepted"))
    place.day("2024-03-20")
    place.state(name, fact("2024-03-20", "started"))
    assert due() == ("START_UP", date(2024, 3, 20))
    checked("2024-03-20")
    assert due() is None
    # the first follow-up is on 15 June, the lead time is 14 days
    place.day("2024-05-31")
    assert due() is None
    place.day("2024-06-01")
    assert due() == ("FOLLOW_UP", date(2024, 6, 1))
    checked("2024-06-01")
    assert due() is None


# --- orders --------------------------------------------------------------------------------------------

ORDER: Mapping[str, Any] = {
    "order": "900100",
    "state": "DEFINITIV",
    "service": "SOM",
    "track": "2",
    "order_from": "2024-03-04",
    "order_to": "2024-06-02",
    "intervention_from": "2024-03-04",
    "intervention_to": "2024-08-31",
    "language": "so",
    "diary": "Af-2024/77",
}
OPENS = {"basis": "PUBLIC_TASK", "expires_on": "2025-01-01"}


def order(place: Place, number: str = s.NUMBER, more: Mapping[str, Any] = OPENS, **fields: Any) -> dict[str, Any]:
    with place.tx() as (tx, tenant):
        rest = {name: value for name, value in more.items() if name not in OPENS}
        opens = {name: value for name, value in more.items() if name in OPENS}
        row = {"identity_number": number, "order": {**ORDER, **fields}, **rest}
        asked = request(place, "receive_af_orders", orders=[row], **opens)
        answer = orders.receive(tx, KEYS, tenant, asked, ANNA, FORMS)
    return dict(fits("receive_af_orders", answer)["orders"][0])


def listed(place: Place, **fields: Any) -> list[tuple[str, str, str]]:
    with place.tx() as (tx, _):
        rows = af_store.page(tx, place.name, fields.get("assignment"), fields.get("outcome"), None, 500)
    fits("af_orders", {"orders": rows, "next": None})
    return [(row["order"], row["state"], row["outcome"]) for row in rows]


@pytest.mark.rule("LOKA-5", "AF-SOM-8")
def test_an_order_begins_an_assignment_that_is_referred_by_the_employment_service(place: Place, database: str) -> None:
    answer = order(place)
    assert (answer["outcome"], answer["fault"]) == (AfOrderOutcome.REFERRED, None)
    ((kind, on, data, in_effect),) = facts_of(place, answer["assignment"])
    assert (kind, on, data["source"].value, in_effect) == ("referred", date(2024, 3, 4), "AF", True)
    assert data["commission_end"] == date(2024, 8, 30)
    with place.tx() as (tx, _):
        held = assignments.load_records(tx, place.name, [answer["assignment"]])[answer["assignment"]]
        who = people.person_of(tx, place.name, answer["assignment"])
    assert (held.case.programme.value, held.state.value) == ("SOM_2", "REFERRED")
    assert (held.client.birth_date, who is not None) == (date(1990, 10, 10), True)
    # what the order says beyond ids, codes and days lies sealed
    assert not any(word in dumped(database) for word in ("Af-2024/77", s.NUMBER))


def test_an_order_without_a_ground_of_any_kind_is_refused_and_leaves_nobody_behind(place: Place) -> None:
    with pytest.raises(Forbidden):
        order(place, more={})
    with place.tx() as (tx, _):
        assert people.find(tx, KEYS, place.name, s.NUMBER) is None
    assert (place.refusals(), listed(place)) == (["NO_GROUND"], [])
    first = order(place)
    # the ground that the first has opened serves the next
    assert order(place, more={}, state="LEVERERAD")["assignment"] == first["assignment"]


def test_the_same_order_again_changes_nothing(place: Place) -> None:
    first = order(place)
    before = facts_of(place, first["assignment"])
    with place.tx() as (tx, _):
        kept = tx.value("SELECT count(*) FROM gate_record WHERE tenant = %s", (place.name,))
    assert order(place) == first
    with place.tx() as (tx, _):
        assert tx.value("SELECT count(*) FROM gate_record WHERE tenant = %s", (place.name,)) == kept == 1
        assert (
            tx.value("SELECT count(*) FROM event WHERE tenant = %s AND name = 'assignment.referred'", (place.name,))
            == 1
        )
    assert (facts_of(place, first["assignment"]), len(listed(place))) == (before, 1)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"service": "XYZ"}, "UNKNOWN_SERVICE"),
        ({"track": "9"}, "UNKNOWN_TRACK"),
        ({"state": "PAUSAD"}, "UNKNOWN_STATE"),
    ],
)
def test_codes_that_nobody_knows_are_parked_and_not_lost(place: Place, change: dict[str, str], fault: str) -> None:
    answer = order(place, **change)
    assert (answer["outcome"].value, answer["fault"].value, answer["assignment"]) == ("PARKED", fault, None)
    assert [outcome for _, _, outcome in listed(place, outcome="PARKED")] == ["PARKED"]
    with place.tx() as (tx, tenant):
        need = {"what": DataKind.AF_ORDER, "purpose": Purpose.COMMISSION, "on": date(2024, 3, 15)}
        person = people.find(tx, KEYS, place.name, s.NUMBER)
        assert person is not None
        (kept,) = gate.kept(tx, KEYS, tenant, person=person, **need)
    assert kept.data["diary"] == "Af-2024/77"
    # a good version of it goes on
    assert order(place, changed_at="2024-03-15T08:00:00+00:00")["outcome"] is AfOrderOutcome.REFERRED


def test_an_order_about_another_person_is_refused(place: Place) -> None:
    first = order(place)
    for more in ({}, {"assignment": first["assignment"]}):
        with pytest.raises(Conflict) as caught:
            order(place, s.OTHER_NUMBER, {**OPENS, **more}, **({"order": "7"} if more else {}))
        assert caught.value.code == AfFault.OTHER_PERSON


@pytest.mark.rule("AF-SOM-24")
def test_a_cancelled_order_is_taken_back_before_the_decision_and_left_to_a_person_after_it(place: Place) -> None:
    name = order(place)["assignment"]
    assert order(place, state="MAKULERAD")["outcome"] is AfOrderOutcome.CANCELLED
    assert [kind for kind, _, _, in_effect in facts_of(place, name) if in_effect] == ["rejected"]
    # ordered again
    assert order(place, changed_at="2024-03-15T08:00:00+00:00")["outcome"] is AfOrderOutcome.REFERRED
    assert [kind for kind, _, _, in_effect in facts_of(place, name) if in_effect] == ["referred"]
    # one that was decided elsewhere, and is named in the order
    decided = place.person(other := f"A-{next(_number)}", programme=Programme.SOM_2)
    with place.tx() as (tx, tenant):
        persons.update(tx, KEYS, tenant, {"person": decided, "identity_number": s.OTHER_NUMBER}, ANNA)
    place.state(other, fact("2024-03-15", "decided"))
    mine = {"order": "900500"}
    assert order(place, s.OTHER_NUMBER, {**OPENS, "assignment": other}, **mine)["assignment"] == other
    before = facts_of(place, other)
    answer = order(place, s.OTHER_NUMBER, state="MAKULERAD", **mine)
    assert (answer["outcome"], facts_of(place, other)) == (AfOrderOutcome.TO_A_PERSON, before)


@pytest.mark.rule("AF-SOM-7", "AF-SOM-8")
def test_orders_that_follow_one_another_come_to_the_same_in_any_order(place: Place) -> None:
    told = [
        {"state": "PRELIMINAR"},
        {},
        {"state": "LEVERERAD"},
        {
            "order": "900200",
            "former_order": "900100",
            "track": "3",
            "order_from": "2024-06-02",
            "order_to": "2024-08-31",
        },
        {"order": "900300", "former_order": "900200", "order_from": "2024-08-31", "order_to": "2024-11-29"},
    ]
    seen = []
    for seed in range(4):
        here = Place(place.pool, f"{place.name}-{seed}")
        here.open()
        here.day("2024-03-15")
        chance = random.Random(seed)
        mine = [*told, *chance.sample(told, 2)]
        if seed:
            chance.shuffle(mine)
        for one in mine:
            order(here, **one)
        with here.tx() as (tx, _):
            person = people.find(tx, KEYS, here.name, s.NUMBER)
            assert person is not None
            names = people.assignments_of(tx, here.name, person)
            programme = [one.case.programme for one in assignments.load_records(tx, here.name, names).values()]
        found = [fact for name in names for fact in facts_of(here, name)]
        # which track it began with, as the assignment was registered or as the first decision on the track says
        tracks = [(data["programme"].value, on) for kind, on, data, _ in found if kind == "track_decided"]
        first = [] if tracks and tracks[0][1] == date(2024, 3, 4) else [(programme[0].value, date(2024, 3, 4))]
        others = sorted((kind, on) for kind, on, _, _ in found if kind != "track_decided")
        seen.append((others, first + tracks, sorted(listed(here))))
    assert all(one == seen[0] for one in seen)
    assert [kind for kind, _ in seen[0][0]] == ["extended", "extended", "referred"]
    assert seen[0][1] == [("SOM_2", date(2024, 3, 4)), ("SOM_3", date(2024, 6, 2)), ("SOM_2", date(2024, 8, 31))]


# --- decisions -----------------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-36", "LOKA-37")
def test_a_decision_on_a_subsidy_is_recorded_once_corrected_and_waits_for_the_steps_before_it(place: Place) -> None:
    _, name = somebody(place)
    decision = {"decision": "LB-1", "decided_on": "2024-03-15", "granted": True, "valid_from": "2024-04-01"}

    def receive(**fields: Any) -> dict[str, Any]:
        with place.tx() as (tx, tenant):
            row = {"assignment": name, "decision": {**decision, **fields}}
            asked = request(place, "receive_af_decisions", decisions=[row], **OPENS)
            answer = decisions.receive(tx, KEYS, tenant, asked, ANNA)
        return dict(fits("receive_af_decisions", answer)["decisions"][0])

    first = receive()
    assert first["in_effect"] is False and first["code"] is not None
    assert receive() == first
    corrected = receive(valid_to="2024-10-01")
    assert corrected["fact"] != first["fact"]
    (only,) = facts_of(place, name)
    assert (only[2]["valid_to"], only[2]["subsidy"]) == (date(2024, 10, 1), "LB-1")
