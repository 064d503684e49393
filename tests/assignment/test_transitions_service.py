"""Each transition of rulebook 8.1 through the running service: it works and publishes what the table says."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from kundval_assignment.record import BY_PROVIDER
from kundval_contracts.codes import FactKind
from kundval_contracts.errors import Forbidden
from kundval_contracts.transitions import TRANSITIONS
from tests.acceptance.builders import claim, client, exited, fact
from tests.suite import Suite, Town, suite, town
from tests.suite import client as suite_client

from . import lives
from .test_state_machine import STEPS, TABLE

__all__ = ["client", "suite", "suite_client", "town"]

ROWS = {row.id: row for row in TRANSITIONS}


@pytest.fixture(name="client")
def _client(suite_client: Any) -> Any:
    return suite_client


def registered(town: Town, name: str, programme: str = "AMI_2", **about: Any) -> None:
    row = {"id": name, "programme": programme, "client": client(work_ability_pct=60) | about, "plan": None}
    town.register(row)


def told(suite: Suite, town: Town, name: str) -> list[str]:
    """Names of the events about an assignment, in the order of their numbers."""
    with psycopg.connect(suite.databases["assignment"]) as connection:
        rows = connection.execute(
            "SELECT name FROM event WHERE tenant = %s AND subject = %s ORDER BY sequence", (town.name, name)
        )
        return [row[0] for row in rows]


def test_the_table_has_every_transition_of_the_rulebook() -> None:
    assert list(ROWS) == [f"SM-A{number}" for number in range(1, 31)]


@pytest.mark.parametrize("place", range(len(STEPS)), ids=[f"{row[0]}-{place}" for place, row in enumerate(STEPS)])
def test_each_transition_publishes_its_events(suite: Suite, town: Town, place: int) -> None:
    transition, before, trigger, state = STEPS[place]
    registered(town, "A-1")
    if before:
        town.state("A-1", *before)
    already = len(told(suite, town, "A-1"))
    town.state("A-1", trigger)
    assert town.states("A-1")["state"] == state
    new = told(suite, town, "A-1")[already:]
    assert set(ROWS[transition].events) <= set(new)


def test_time_alone_ends_a_period_settles_an_assignment_and_tells_it(suite: Suite, town: Town) -> None:
    for name, facts in (
        ("runs-out", lives.ACTIVE),
        ("settles", (*lives.SUSTAINABILITY, claim("2024-12-20"))),
        ("is-left", lives.BROKEN_OFF),
    ):
        registered(town, name)
        town.state(name, *facts)
    town.day("2025-03-14")
    assert "assignment.period_ended" not in told(suite, town, "runs-out")
    assert "assignment.settled" not in told(suite, town, "settles")
    town.day("2025-03-15")
    assert told(suite, town, "runs-out").count("assignment.period_ended") == 1
    assert told(suite, town, "settles").count("assignment.settled") == 1
    assert told(suite, town, "is-left").count("assignment.settled") == 1
    town.day("2025-03-16")
    assert told(suite, town, "runs-out").count("assignment.period_ended") == 1


def test_consent_and_support_after_the_exit_are_told(suite: Suite, town: Town) -> None:
    registered(town, "A-1")
    town.state("A-1", *lives.ACTIVE, fact("2024-05-01", "consent_given", scope="AF_OFFICER"))
    assert "assignment.consent_given" in told(suite, town, "A-1")
    town.open(municipality="lilla_edet")
    registered(town, "A-2")
    town.state(
        "A-2",
        *lives.ACTIVE,
        exited(lives.EXIT, "DISCONTINUED"),
        fact("2024-08-01", "support_after_exit", text="a talk about the first weeks"),
    )
    assert "assignment.support_after_exit" in told(suite, town, "A-2")


def test_a_milestone_that_no_longer_holds_is_told_and_comes_back_with_a_higher_revision(
    suite: Suite, town: Town
) -> None:
    registered(town, "A-1")
    town.state("A-1", *lives.SUSTAINABILITY)
    exit_id = next(row["id"] for row in town.states("A-1")["facts"] if row["fact"] == "exited")
    town.withdraw("A-1", exit_id)
    assert told(suite, town, "A-1")[-1] == "assignment.milestone_withdrawn"
    town.state("A-1", exited(lives.EXIT))
    with psycopg.connect(suite.databases["assignment"]) as connection:
        rows = connection.execute(
            "SELECT name, data FROM event WHERE tenant = %s AND name IN"
            " ('assignment.exit_qualified', 'assignment.milestone_withdrawn') ORDER BY sequence",
            (town.name,),
        ).fetchall()
    assert [name.partition(".")[2] for name, _ in rows] == ["exit_qualified", "milestone_withdrawn", "exit_qualified"]
    assert rows[0][1]["settle_on"] == "2024-12-20" and rows[0][1]["month"] == 4
    assert rows[1][1]["revision"] == 2 and rows[1][1]["milestone"] == "exit_qualified"


def test_the_plan_of_the_description_is_told_and_scheduling_counts_by_it(town: Town) -> None:
    registered(town, "A-1")
    town.state("A-1", *lives.ACTIVE)
    town.day("2024-05-01")
    quota = [row for row in town.ask("scheduling.obligations") if row["kind"] == "JOB_SEARCH_QUOTA"]
    assert quota and quota[0]["state"] == "OVERDUE"
    town.state("A-1", fact("2024-04-14", "jobs_applied", count=5, month=1))
    town.settle()
    quota = [row for row in town.ask("scheduling.obligations") if row["kind"] == "JOB_SEARCH_QUOTA"]
    assert quota[0]["state"] == "MET"


# --- the looks of a case worker ------------------------------------------------------------------------


@pytest.mark.rule("LOKA-16")
def test_all_applicants_are_referred_where_the_municipality_does_so(town: Town) -> None:
    application = {
        "tenant": town.name,
        "assignment": "A-1",
        "programme": "LOCAL",
        "on": "2024-02-01",
        "client": client(),
    }
    assert town.client.call("assignment.eb_application", **application) == {"referred": False}
    town.open(municipality="kungsbacka")
    assert town.client.call("assignment.eb_application", **application) == {"referred": True}
    assert town.states("A-1")["state"] == "REFERRED"
    # the same application again refers nobody twice
    town.client.call("assignment.eb_application", **application)
    assert [row["fact"] for row in town.states("A-1")["facts"]] == ["referred"]


@pytest.mark.rule("AMI-9.2-b", "AMI-4.1-a", "AMI-8-a")
def test_the_checklist_before_an_exit_says_what_is_missing(town: Town) -> None:
    registered(town, "A-1")
    town.state("A-1", *lives.ACTIVE, fact("2024-05-02", "work_guidance", topics=["INTERVIEW_TRAINING"]))
    [planned] = town.rows("A-1", [exited(lives.EXIT, documents=["FINAL_REPORT", "EMPLOYMENT_CONTRACT"])])
    answer = town.client.call("assignment.exit_checklist", tenant=town.name, exit=planned)
    done = {row["what"]: row["done"] for row in answer["items"]}
    assert done["WORK_GUIDANCE"] and done["FINAL_REPORT"] and done["IN_TIME"] and done["QUALIFIES"]
    assert not done["STUDY_GUIDANCE"] and not done["WORK_TRAINING_PLACE_OFFERED"]
    assert not done["EMPLOYMENT_CERTIFICATE"]
    assert {row["what"] for row in answer["items"] if row["needed"] and not row["done"]} == {"EMPLOYMENT_CERTIFICATE"}


@pytest.mark.rule("AMI-2.2-c")
def test_the_coordinator_is_told_three_things_and_only_on_a_legal_basis(town: Town) -> None:
    registered(town, "A-1")
    town.state("A-1", *lives.ACTIVE, fact("2024-04-05", "plan_done", goal="assistant nurse", wish="nurse"))
    with pytest.raises(Exception, match="legal basis"):
        town.client.call("assignment.coordinator_handoff", tenant=town.name, assignment="A-1")
    town.state("A-1", fact("2024-05-02", "coordinator_informed", legal_basis="PUBLIC_TASK"))
    answer = town.client.call("assignment.coordinator_handoff", tenant=town.name, assignment="A-1")
    assert answer == {"client": "A-1", "intervention": "AMI_2", "goals": "assistant nurse"}


@pytest.mark.rule("LOKA-23")
def test_self_assessments_become_a_spider_diagram(town: Town) -> None:
    registered(town, "A-1")
    town.state("A-1", *lives.ACTIVE)
    empty = town.client.call("assignment.bip", tenant=town.name, assignment="A-1")
    assert empty["assessments"] == [] and empty["svg"] == ""
    area = next(iter(empty["areas"]))
    town.state("A-1", fact("2024-04-10", "bip_assessed", scores={area: 2, "no-such-area": 9}))
    town.state("A-1", fact("2024-07-10", "bip_assessed", scores={area: 4}))
    answer = town.client.call("assignment.bip", tenant=town.name, assignment="A-1", lang="en")
    assert [row["scores"] for row in answer["assessments"]] == [{area: 2}, {area: 4}]
    assert answer["svg"].startswith("<svg") and 'role="img"' in answer["svg"]
    assert "2024-07-10" in answer["svg"]


@pytest.mark.rule("AMI-3-e")
def test_what_wants_attention_is_listed(town: Town) -> None:
    registered(town, "A-1")
    town.state("A-1", *lives.ACTIVE)
    town.day("2024-04-27")
    assert town.ask("assignment.attention") == []
    town.day("2024-04-28")
    [row] = town.ask("assignment.attention")
    assert (row["kind"], row["since"]) == ("NEITHER_PLACEMENT_NOR_ACTIVITY", "2024-04-28")
    town.state("A-1", fact("2024-04-28", "activity_held", activity="cv-group", category="EQUIP"))
    assert town.ask("assignment.attention") == []


def test_a_provider_lists_its_own_clients_and_nobody_elses(suite: Suite, town: Town) -> None:
    for name, facts in (
        ("offered", lives.OFFERED),
        ("active", lives.ACTIVE),
        ("exited", lives.SUSTAINABILITY),
        ("undecided", lives.ASSESSED),
        ("switched", (*lives.ACTIVE, fact("2024-05-02", "provider_switch", provider="beta", approved=True))),
    ):
        registered(town, name)
        town.state(name, *facts)
    everybody = town.ask("assignment.assignments", limit=2)
    assert [row["assignment"] for row in everybody] == ["active", "exited", "offered", "switched", "undecided"]
    assert [row["provider"] for row in everybody] == ["alfa", "alfa", "alfa", "beta", None]
    for provider, mine in (("alfa", ["active", "exited", "offered"]), ("beta", ["switched"])):
        with suite.client("PROVIDER", organisation=provider, tenant=town.name) as by:
            assert [row["assignment"] for row in town.ask("assignment.assignments", by=by, limit=1)] == mine
        assert [row["assignment"] for row in town.ask("assignment.assignments", provider=provider)] == mine


#: By the rulebook the career guide's, the municipality's or the employment service's to say.
NOT_THE_PROVIDERS = {
    "referred", "preparation_opened", "prepared", "stepped_back", "assessed", "af_checked", "af_registration_checked",
    "circumstances_changed", "youth_guarantee_informed", "rejected", "redirected_to_af", "described", "decided",
    "results_shown", "provider_chosen", "unit_assigned", "owner_assigned", "track_decided", "switch_notified",
    "provider_switch", "reassessed", "deviation_reviewed", "coordinator_brokered", "coordinator_informed",
    "plan_broken", "side_track_chosen", "commissioner_replied", "resumed", "not_resumed", "eb_paid",
    "manual_decision", "result_reported", "extended", "closed", "support_after_exit",
}  # fmt: skip


@pytest.mark.rule("AMI-2.2-b")
def test_what_is_the_municipalitys_to_say_a_provider_cannot_state(suite: Suite, town: Town) -> None:
    registered(town, "A-1")
    town.state("A-1", *lives.ACTIVE)
    before = told(suite, town, "A-1")
    with suite.client("PROVIDER", organisation="alfa", tenant=town.name) as alfa:
        for kind, (_, fields) in TABLE.items():
            own = {**fields, "provider": "alfa"} if "provider" in fields else fields
            row = {"assignment": "A-1", "id": f"by-alfa-{kind}", **fact("2024-05-10", kind, **own)}
            if kind in NOT_THE_PROVIDERS:
                with pytest.raises(Forbidden) as refused:
                    town.send([row], by=alfa)
                assert refused.value.code == "FACT_NOT_ALLOWED", kind
            elif kind in ("note", "contact", "progress_step"):
                town.send([row], by=alfa)
    new = told(suite, town, "A-1")[len(before) :]
    assert new == ["assignment.contact", "assignment.progress_step"]


def test_every_kind_of_fact_is_the_providers_or_is_not() -> None:
    assert {kind.value for kind in set(FactKind) - BY_PROVIDER} == NOT_THE_PROVIDERS
