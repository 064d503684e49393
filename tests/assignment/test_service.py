"""The assignment service as it runs: facts by RPC, judgements stored, events to the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from json import loads
from random import Random
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from kombu import Connection

from kundval_contracts.client import Client
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Conflict, FactRefused, Forbidden, InvalidRequest, NotFound
from tests.acceptance.builders import assignment, bare, claim, exited, fact, manual
from tests.chassis.eventing import take
from tests.suite import Suite, Town, client, content, eventually, suite, town

from .gated import dumped

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
EXIT = exited("2024-06-20")
PARKED = "assignment.events-in.parked"


@pytest.fixture
def alfa(suite: Suite, town: Town) -> Iterator[Client]:
    """Provider alfa, in this town."""
    with suite.client("PROVIDER", organisation="alfa", tenant=town.name) as made:
        yield made


@pytest.fixture
def beta(suite: Suite, town: Town) -> Iterator[Client]:
    with suite.client("PROVIDER", organisation="beta", tenant=town.name) as made:
        yield made


def published(town: Town) -> int:
    position = town.client.call("assignment.positions", tenant=town.name)
    return int(position["published"])


# --- facts that the rules refuse -----------------------------------------------------------------------


def test_a_refused_fact_is_a_typed_error_and_nothing_of_its_batch_is_stored(town: Town) -> None:
    town.register(bare("AMI_2"))
    before = published(town)
    with pytest.raises(FactRefused) as refused:
        town.state("A-1", fact(D, "decided"), fact("2024-03-28", "started"))
    assert refused.value.code == "NOT_ACCEPTED"
    assert refused.value.rules == ("SM-A11",)
    assert town.states("A-1")["facts"] == []
    assert town.states("A-1")["state"] == "IN_ASSESSMENT"
    assert published(town) == before


def test_a_decision_that_the_client_is_not_eligible_for_names_the_rule(town: Town) -> None:
    document = bare("AMI_2", about={"birth_date": "1990-05-17", "resident": True, "work_ability_pct": 10})
    town.register(document)
    with pytest.raises(FactRefused) as refused:
        town.state("A-1", fact(D, "decided"))
    assert refused.value.code == "NOT_ELIGIBLE"
    assert "AMI-1.3-a" in refused.value.rules
    assert "1990" not in str(refused.value)


def test_a_refused_fact_that_is_kept_is_listed_and_told_to_nobody(town: Town) -> None:
    town.register(bare("AMI_2"))
    before = published(town)
    answer = town.state("A-1", fact("2024-03-28", "started"), keep_refused=True)
    assert answer["recorded"] == 1
    assert [row["rules"] for row in answer["refused"]] == [["SM-A11"]]
    assert town.ask("assignment.rejections") == answer["refused"]
    assert published(town) == before
    [stored] = town.states("A-1")["facts"]
    assert (stored["fact"], stored["in_effect"], stored["rules"]) == ("started", False, ["SM-A11"])


@pytest.mark.parametrize("seed", range(3))
def test_facts_take_effect_whatever_the_order_in_which_they_arrive(town: Town, seed: int) -> None:
    document = assignment("AMI_2", D, EXIT, claim("2024-12-20"), fact("2024-04-01", "mapping_done"))
    town.add(document | {"id": "in-order"})
    town.register(document | {"id": "anyhow"})
    rows = town.rows("anyhow", document["facts"])
    Random(seed).shuffle(rows)
    for row in rows:
        town.send([row], keep_refused=True)
    town.day("2025-01-31")
    assert town.ask("assignment.rejections") == []
    both = [
        [{**row, "assignment": ""} for row in town.ask(method, assignment=name)]
        for method in ("billing.lines", "scheduling.obligations", "notifications.notices")
        for name in ("in-order", "anyhow")
    ]
    assert both[0::2] == both[1::2]
    assert all(both)


# --- the same fact again -------------------------------------------------------------------------------


def test_a_fact_that_is_stated_again_is_no_news(town: Town) -> None:
    town.register(bare("AMI_2"))
    rows = town.rows("A-1", [fact(D, "decided"), fact(D, "results_shown")])
    assert town.send(rows)["recorded"] == 2
    before = published(town)
    assert town.send(rows)["recorded"] == 0
    assert town.send([rows[1], rows[0]])["recorded"] == 0
    assert published(town) == before


def test_a_fact_that_is_stated_again_with_other_contents_is_a_conflict(town: Town) -> None:
    town.register(bare("AMI_2"))
    [row] = town.rows("A-1", [fact(D, "decided")])
    town.send([row])
    for change in ({"on": "2024-03-16"}, {"end_date": "2025-01-01"}, {"known_on": "2024-04-01"}, {"ordinal": 7}):
        with pytest.raises(Conflict, match="other contents"):
            town.send([row | change])
    with pytest.raises(Conflict, match="ordinal 0"):
        town.send([{**row, "id": "another", "fact": "results_shown"}])
    assert len(town.states("A-1")["facts"]) == 1


def test_an_assignment_that_is_registered_again_stays_as_it_was(town: Town) -> None:
    assert town.register(bare("AMI_2"))["registered"] == 1
    before = published(town)
    assert town.register(bare("AMI_1"))["registered"] == 0
    assert town.states("A-1")["programme"] == "AMI_2"
    assert published(town) == before


# --- withdrawing ---------------------------------------------------------------------------------------


def test_a_fact_that_is_withdrawn_is_told_and_the_next_run_takes_back_what_it_paid(town: Town) -> None:
    town.add(assignment("AMI_2", D, EXIT, claim("2024-12-20")))
    town.day("2025-01-01")
    town.run("2025-01-01")
    paid = town.balance()
    assert paid["RESULT_BONUS"] == 20000

    heard: list[Event] = []
    listening = threading.Event()

    def listen() -> None:
        for event in town.client.events(["assignment"], timeout=10, ready=listening.set):
            if event.tenant == town.name:
                heard.append(event)
            if event.name == "assignment.fact_withdrawn":
                return

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(10)
    assert town.withdraw("A-1", "5") is True
    thread.join()
    withdrawn = [event.data["fact_id"] for event in heard if event.name == "assignment.fact_withdrawn"]
    assert withdrawn == ["5"]

    town.day("2025-02-01")
    town.run("2025-02-01")
    # the exit has gone, and with it the bonus; the months are ordinary again
    assert town.balance()["RESULT_BONUS"] == 0
    assert town.balance()["MONTHLY_FEE"] > paid["MONTHLY_FEE"]
    # the claim has lost its exit: it stands refused until there is one
    assert [row["fact"] for row in town.ask("assignment.rejections")] == [6]


def test_a_fact_is_withdrawn_once(town: Town) -> None:
    town.add(assignment("AMI_2", D, EXIT))
    assert town.withdraw("A-1", "5") is True
    before = published(town)
    assert town.withdraw("A-1", "5") is False
    assert town.withdraw("A-1", "never-stated") is False
    assert published(town) == before
    with pytest.raises(NotFound):
        town.withdraw("A-2", "5")


def test_the_right_fact_takes_the_place_of_a_withdrawn_one_under_another_id(town: Town) -> None:
    town.add(assignment("AMI_2", D, EXIT, claim("2024-12-20")))
    town.withdraw("A-1", "5")
    row = {"assignment": "A-1", "id": "5", "ordinal": 5, **exited("2024-07-01")}
    with pytest.raises(Conflict, match="another id"):
        town.send([row])
    assert town.send([row | {"id": "5-right"}])["recorded"] == 1
    # and one that leaves its place to the service
    last = {"assignment": "A-1", "id": "next", **manual("2025-01-02", "BONUS")}
    assert town.send([last])["recorded"] == 1
    facts = town.states("A-1")["facts"]
    assert {row["id"]: (row["place"], row["in_effect"]) for row in facts if row["place"] >= 5} == {
        "5-right": (5, True),
        "6": (6, False),  # a claim before the settle date of the later exit
        "next": (7, True),
    }


# --- who may do what -----------------------------------------------------------------------------------


def test_a_provider_states_and_sees_what_is_its_own(town: Town, alfa: Client, beta: Client) -> None:
    town.add(assignment("AMI_2", D))
    assert town.state("A-1", fact("2024-04-01", "mapping_done"), by=alfa)["recorded"] == 1
    assert alfa.call("assignment.state", tenant=town.name, assignment="A-1")["provider"] == "alfa"
    for attempt in (
        lambda: town.state("A-1", fact("2024-04-02", "plan_done"), by=beta),
        lambda: beta.call("assignment.state", tenant=town.name, assignment="A-1"),
        lambda: town.state("no-such", fact("2024-04-02", "plan_done"), by=beta),
    ):
        with pytest.raises(Forbidden):
            attempt()
    town.day("2024-06-01")
    for method in ("billing.lines", "billing.totals", "scheduling.obligations", "notifications.notices"):
        assert town.ask(method, by=alfa), method
        assert not town.ask(method, by=beta), method


def test_a_provider_that_is_asked_may_answer_for_itself_alone(town: Town, alfa: Client) -> None:
    town.register(bare("AMI_2"))
    town.state("A-1", fact(D, "decided"), fact(D, "results_shown"), fact(D, "provider_chosen", provider="alfa"))
    with pytest.raises(Forbidden) as refused:
        town.state("A-1", fact(D, "accepted", provider="beta"), by=alfa)
    assert refused.value.code == "OTHER_PROVIDER"
    [row] = town.rows("A-1", [fact(D, "accepted")])
    assert town.send([row | {"ordinal": 3}], by=alfa)["recorded"] == 1


@pytest.mark.parametrize(
    "what",
    [
        manual("2025-01-02", "BONUS"),
        fact("2025-01-02", "provider_switch", provider="alfa", approved=True),
        fact("2025-01-02", "resumed", provider="alfa"),
        fact("2025-01-02", "result_reported", amount="1.00"),
    ],
    ids=lambda what: what["fact"],
)
def test_a_provider_does_not_decide_for_the_municipality(town: Town, alfa: Client, what: dict[str, Any]) -> None:
    town.add(assignment("AMI_2", D, EXIT))
    with pytest.raises(Forbidden) as refused:
        town.state("A-1", what, by=alfa, keep_refused=True)
    assert refused.value.code == "FACT_NOT_ALLOWED"
    assert len(town.states("A-1")["facts"]) == 6


def test_a_provider_from_which_a_client_has_gone_knows_nothing_of_what_came_after(
    town: Town, alfa: Client, beta: Client
) -> None:
    switch = fact("2024-06-01", "provider_switch", provider="beta", approved=True)
    town.add(assignment("AMI_2", D, fact("2024-04-01", "mapping_done"), switch, exited("2024-07-01")))
    town.day("2024-07-15")
    seen = alfa.call("assignment.state", tenant=town.name, assignment="A-1")
    assert (seen["provider"], seen["state"]) == ("alfa", "ACTIVE")
    assert [row["fact"] for row in seen["facts"]][-1] == "mapping_done"
    now = beta.call("assignment.state", tenant=town.name, assignment="A-1")
    assert (now["provider"], len(now["facts"])) == ("beta", 8)
    # what was before it may still be told by alfa, what came after only by beta
    assert town.state("A-1", fact("2024-05-31", "plan_done"), by=alfa)["recorded"] == 1
    for what in (fact("2024-06-01", "contact"), exited("2024-07-02")):
        with pytest.raises(Forbidden):
            town.state("A-1", what, by=alfa, keep_refused=True)
    assert town.state("A-1", fact("2024-06-01", "contact"), by=beta)["recorded"] == 1


def test_a_provider_that_a_client_only_asks_for_sees_nothing_yet(town: Town, beta: Client) -> None:
    wish = fact("2024-06-01", "provider_switch", provider="beta", approved=False)
    town.add(assignment("AMI_2", D, wish))
    with pytest.raises(Forbidden):
        beta.call("assignment.state", tenant=town.name, assignment="A-1")
    town.state("A-1", manual("2024-06-10", "SWITCH"))
    assert beta.call("assignment.state", tenant=town.name, assignment="A-1")["facts"]


def test_a_provider_that_declined_sees_nothing_when_another_is_chosen(town: Town, alfa: Client, beta: Client) -> None:
    chosen = [fact(D, "decided"), fact(D, "results_shown"), fact(D, "provider_chosen", provider="alfa")]
    town.register(bare("AMI_2"))
    town.state("A-1", *chosen)
    town.state("A-1", fact("2024-03-17", "declined"), by=alfa)
    town.state("A-1", fact("2024-03-18", "provider_chosen", provider="beta"))
    assert beta.call("assignment.state", tenant=town.name, assignment="A-1")["facts"]
    with pytest.raises(Forbidden):
        alfa.call("assignment.state", tenant=town.name, assignment="A-1")


def test_a_provider_of_another_town_sees_nothing(town: Town, suite: Suite) -> None:
    town.add(assignment("AMI_2", D))
    with suite.client("PROVIDER", organisation="alfa", tenant="elsewhere") as stranger, pytest.raises(Forbidden):
        stranger.call("assignment.state", tenant=town.name, assignment="A-1")


# --- the business date ---------------------------------------------------------------------------------


def test_the_business_date_does_not_go_back(town: Town) -> None:
    town.day("2024-06-01")
    before = published(town)
    town.day("2024-06-01")
    assert published(town) == before
    with pytest.raises(Conflict, match="2024-06-01"):
        town.day("2024-05-31")


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31"])
def test_a_day_on_which_nothing_can_be_computed_is_refused(town: Town, day: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        town.day(day)
    assert [fault["path"] for fault in refused.value.faults] == ["date"]
    assert town.client.call("assignment.summary", tenant=town.name)["business_date"] is None


# --- bad requests --------------------------------------------------------------------------------------


def test_what_is_not_there_is_not_found(town: Town) -> None:
    town.register(bare("AMI_2"))
    for attempt, message in (
        (lambda: town.state("A-1", fact(D, "provider_chosen", provider="gamma")), "provider gamma"),
        (lambda: town.state("A-2", fact(D, "decided")), "assignment A-2"),
        (lambda: town.client.call("assignment.open_day", tenant="nowhere", date=D), "tenant nowhere"),
        (lambda: town.client.call("billing.lines", tenant="nowhere"), "tenant nowhere"),
    ):
        with pytest.raises(NotFound, match=message):
            attempt()
    assert town.states("A-1")["facts"] == []


def test_every_fault_of_a_request_is_named_by_path_and_nothing_is_applied(town: Town) -> None:
    town.register(bare("AMI_2"))
    rows = town.rows(
        "A-1",
        [
            fact(D, "decided"),
            fact("2024-02-30", "started", known_on="yesterday"),
            {"on": D, "fact": "flew"},
            fact(D, "exited", kind="WORK_FULL_TIME", extent_pct=101, colour="red"),
            fact("9999-12-31", "contact", channel="PIGEON"),
            fact(D, "premium_follow_up", month=0, continues="perhaps"),
            fact(D, "monthly_report", month=1, deviation_reason="a\x00b"),
        ],
    )
    rows[0]["ordinal"] = 2**31
    with pytest.raises(InvalidRequest) as refused:
        town.send(rows)
    assert sorted(fault["path"] for fault in refused.value.faults) == [
        "facts[0].ordinal",
        "facts[1].known_on",
        "facts[1].on",
        "facts[2].fact",
        "facts[3].colour",
        "facts[3].extent_pct",
        "facts[4].channel",
        "facts[4].on",
        "facts[5].continues",
        "facts[5].month",
        "facts[6].deviation_reason",
    ]
    assert town.states("A-1")["facts"] == []


def test_a_client_or_plan_that_is_wrong_is_named_by_path_and_nobody_is_registered(town: Town) -> None:
    wrong = bare("AMI_2", name="A-2", about={"birth_date": "1990-02-30", "shoe_size": 43}, plan={"extent_pct": 120})
    with pytest.raises(InvalidRequest) as refused:
        town.register(bare("AMI_2"), wrong)
    assert sorted(fault["path"] for fault in refused.value.faults) == [
        "assignments[1].client.birth_date",
        "assignments[1].client.shoe_size",
        "assignments[1].plan.extent_pct",
    ]
    with pytest.raises(NotFound):
        town.states("A-1")


def test_settings_and_providers_that_are_wrong_are_named_by_path_and_the_tenant_stays_as_it_was(town: Town) -> None:
    town.add(assignment("AMI_2", D))
    with pytest.raises(InvalidRequest) as refused:
        town.open(
            settings={"AMI2_MONTHLY_FEE": "much", "no.such": 1},
            tariffs=[{"valid_from": "2024-01-01", "AMI3_MONTHLY_FEE": 1}],
            providers=[{"id": "alfa"}, {"id": "alfa"}, {"id": "b c"}],
        )
    assert sorted(fault["path"] for fault in refused.value.faults) == [
        "providers[2].id",
        "settings.AMI2_MONTHLY_FEE",
        "settings.no.such",
        "tariffs[0].AMI3_MONTHLY_FEE",
    ]
    with pytest.raises(InvalidRequest, match=r"providers\[1\]\.id: alfa stands twice"):
        town.open(providers=[{"id": "alfa"}, {"id": "alfa"}])
    town.day("2024-05-01")
    assert [row["amount"] for row in town.ask("billing.totals")] == ["8000.00"]


# --- privacy -------------------------------------------------------------------------------------------


def test_nothing_about_the_client_leaves_the_service_or_reaches_a_log(town: Town, suite: Suite) -> None:
    town.mailboxes()
    secrets = ("1987-06-05", "unhappy love", "warehouse on Monday", "Inspector Larsson", "bip-score-7")
    facts = [
        fact("2024-04-15", "monthly_report", month=1, deviation_reason=secrets[1]),
        fact(
            "2024-04-10",
            "placement_started",
            workplace="W9",
            hours_per_week=10,
            signatures=["CLIENT", "PROVIDER", "EMPLOYER"],
            agreement={"schedule": secrets[2], "tasks": "stock", "follow_up": "weekly"},
        ),
        fact("2024-05-01", "bip_assessed", scores={"total": secrets[4]}),
        manual("2024-05-02", "SWITCH") | {"by": secrets[3]},
    ]
    document = assignment("AMI_2", D, *facts)
    document["client"]["birth_date"] = secrets[0]
    town.add(document)
    with pytest.raises(FactRefused):
        town.state("A-1", fact("2024-05-03", "decided"))
    with pytest.raises(InvalidRequest):
        town.state("A-1", fact("2024-05-03", "monthly_report", month="first", deviation_reason=secrets[1]))
    town.day("2024-06-01")
    for service in suite.databases:
        assert not [secret for secret in secrets if secret in suite.log(service)], service
        with psycopg.connect(suite.databases[service]) as connection:
            events = connection.execute("SELECT data::text FROM event WHERE tenant = %s", (town.name,)).fetchall()
        assert not [secret for secret in secrets for (data,) in events if secret in data], service
    texts = [content(file) for file in town.messages(suite)]
    assert texts
    assert not [secret for secret in secrets for text in texts if secret in text]


# --- what other systems tell ---------------------------------------------------------------------------


@pytest.mark.rule("AMI-9-d")
def test_assistance_told_on_the_bus_blocks_the_bonus_until_it_is_taken_back(town: Town, suite: Suite) -> None:
    def tell(name: str, revision: int, **data: Any) -> str:
        told = Event(str(uuid4()), name, 1, "h-77", town.name, datetime.now(UTC), 1, {"revision": revision, **data})
        with Connection(suite.amqp_uri) as connection:
            connection.Producer().publish(
                told.to_json().encode(),
                exchange="assistance.events",
                routing_key=name,
                content_type="application/json",
                content_encoding="utf-8",
            )
        return told.id

    def paid(**changes: Any) -> str:
        period = {"from": "2024-08-01", "to": "2024-09-01"}
        data = {"payment": "p-1", "household": "h-77", "amount": "8120.25", **period, **changes}
        return tell("assistance.paid", 1, **data)

    def bonus() -> str:
        [row] = [row for row in town.ask("billing.lines") if row["kind"] == "RESULT_BONUS"]
        return str(row["status"])

    def refusals() -> int:
        return len(town.client.call("assignment.gate_refusals", tenant=town.name)["refusals"])

    town.add(assignment("AMI_2", D, EXIT, claim("2024-12-20")))
    town.day("2025-01-10")
    person = town.client.call("assignment.register_person", tenant=town.name)["person"]
    town.client.call("assignment.link_person", tenant=town.name, assignment="A-1", person=person)
    household: dict[str, Any] = {"assignment": "A-1", "household": "h-77", "from": "2024-01-01"}
    town.client.call("assignment.link_household", tenant=town.name, **household)
    assert bonus() == "PAYABLE"
    # without a ground nothing comes of it
    paid()
    eventually(lambda: refusals() == 1)
    ground: dict[str, Any] = {
        "what": "ASSISTANCE",
        "purpose": "BONUS_TEST",
        "basis": "PUBLIC_TASK",
        "expires_on": "2025-06-01",
    }
    town.client.call("assignment.open_ground", tenant=town.name, person=person, **ground)
    before = published(town)
    paid()
    eventually(lambda: published(town) > before)
    town.settle()
    assert bonus() == "REFUSED"
    assert town.client.call("assignment.grounds", tenant=town.name, person=person)["grounds"][0]["records"] == 1
    # what does not fit its schema is parked, and changes nothing
    wrong = paid(to="2024-08-01")
    parked = eventually(lambda: [one for one in take(suite.amqp_uri, PARKED) if wrong in str(one.body)])
    assert parked[0].headers["x-kundval-reason"] == "INVALID_DATA"
    tell("assistance.withdrawn", 2, payment="p-1")
    eventually(lambda: bonus() == "PAYABLE")
    assert "gate_refused" in suite.log("assignment")
    for text in (suite.log("assignment"), suite.log("billing")):
        assert "8120.25" not in text and "h-77" not in text


def test_what_was_kept_is_nowhere_once_its_ground_has_expired(town: Town, suite: Suite) -> None:
    town.add(assignment("AMI_2", D))
    town.day("2024-06-01")
    person = town.client.call("assignment.register_person", tenant=town.name)["person"]
    town.client.call("assignment.link_person", tenant=town.name, assignment="A-1", person=person)
    reference: dict[str, Any] = {"source": "EDUCATION", "reference": "pupil-1"}
    town.client.call("assignment.link_reference", tenant=town.name, person=person, **reference)
    ground: dict[str, Any] = {
        "what": "STUDY",
        "purpose": "SIX_MONTH_TEST",
        "basis": "PUBLIC_TASK",
        "expires_on": "2024-09-01",
    }
    town.client.call("assignment.open_ground", tenant=town.name, person=person, **ground)
    data = {
        "certificate": "c-1",
        "reference": "pupil-1",
        "form": "UNIVERSITY",
        "extent_pct": 73,
        "school": "school-of-73",
    }
    # days that stand nowhere else in databases which tests share
    period = {"from": "1961-02-03", "to": "2061-02-04", "revision": 1}
    told = Event(str(uuid4()), "education.certificate_issued", 1, "c-1", town.name, datetime.now(UTC), 1, data | period)
    request: dict[str, Any] = {"tenant": town.name, "event": loads(told.to_json())}
    for key, repeated in (("first", False), ("first", False), ("second", True)):
        answer = town.client.call("assignment.receive", **request, idempotency_key=f"{town.name} {key}")
        assert answer == {"taken": int(not repeated), "refused": 0, "repeated": repeated}
    with suite.client("TEAM_MANAGER", purpose="gives it out") as manager:
        export = manager.call("assignment.export_person", tenant=town.name, person=person)
    [kept] = export["tables"]["gate_record"]
    assert kept["sealed"] == {**data, **period}
    with psycopg.connect(suite.databases["assignment"]) as connection:
        [(sealed,)] = connection.execute("SELECT sealed FROM gate_record WHERE tenant = %s", (town.name,)).fetchall()
    assert sealed.hex() in dumped(suite.databases["assignment"])
    town.day("2024-08-31")
    assert sealed.hex() in dumped(suite.databases["assignment"])
    town.day("2024-09-01")
    everything = [*map(dumped, suite.databases.values()), *map(suite.log, suite.databases)]
    for text in (sealed.hex(), "school-of-73", "1961-02-03", "2061-02-04"):
        assert not [one for one in everything if text in one]
