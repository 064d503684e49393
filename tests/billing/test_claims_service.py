"""Claims through the running suite: told once, rejected where they are early, kept to whose exit it is, found twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from kundval_contracts.client import Client
from kundval_contracts.errors import FactRefused, Forbidden, InvalidRequest
from tests.acceptance.builders import assignment, broke_off, claim, exited, fact, follow_ups
from tests.suite import Suite, Town, client, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
EXIT = exited("2024-06-20")  # settle date 2024-12-20


@pytest.fixture
def alfa(suite: Suite, town: Town) -> Iterator[Client]:
    with suite.client("PROVIDER", subject="coach", organisation="alfa", tenant=town.name, purpose="coaching") as made:
        yield made


@pytest.fixture
def beta(suite: Suite, town: Town) -> Iterator[Client]:
    with suite.client("PROVIDER", subject="rival", organisation="beta", tenant=town.name, purpose="coaching") as made:
        yield made


def told(suite: Suite, town: Town, service: str, *names: str) -> list[tuple[str, dict[str, Any]]]:
    """(event, data) of what a service has published of this municipality; of these names, or of all but facts."""
    with psycopg.connect(suite.databases[service]) as connection:
        rows = connection.execute(
            "SELECT name, data FROM event WHERE tenant = %s ORDER BY sequence", (town.name,)
        ).fetchall()
    short = [(name.partition(".")[2], data) for name, data in rows]
    return [row for row in short if not names or row[0] in names]


def names(suite: Suite, town: Town) -> list[str]:
    return [name for name, _ in told(suite, town, "billing") if name.startswith(("bonus", "premium", "state"))]


@pytest.mark.rule("AMI-9-b", "AMI-10.1-a", "AMI-10.2-c")
def test_a_life_is_told_once_and_a_withdrawn_fact_takes_a_state_back(suite: Suite, town: Town) -> None:
    town.add(assignment("AMI_2", D, EXIT, *follow_ups("AMI_2", D, [5])))
    town.day("2024-07-01")
    assert names(suite, town) == ["premium_planned", "bonus_clock_started"]
    town.day("2024-08-15")
    town.run("2024-08-15")
    assert names(suite, town)[2:] == ["premium_payable", "premium_paid"]
    town.state("A-1", broke_off("2024-08-20"))
    town.day("2024-08-20")
    assert names(suite, town)[4:] == ["premium_stopped", "bonus_forfeited"]
    [forfeited] = [data for name, data in told(suite, town, "billing", "bonus_forfeited")]
    assert (forfeited["before"], forfeited["state"], forfeited["amount"]) == ("CLOCK_RUNNING", "FORFEITED", "0.00")
    assert town.withdraw("A-1", str(len(assignment("AMI_2", D, EXIT)["facts"]) + 1))
    town.settle()
    assert names(suite, town)[6:] == ["premium_planned", "bonus_clock_started"]
    town.day("2024-12-20")
    town.state("A-1", claim("2024-12-20"))
    town.settle()
    town.run("2024-12-20")
    # months 6 to 9 have no report: they are held
    assert names(suite, town)[8:] == ["premium_held", "bonus_claimable", "bonus_approved", "bonus_paid"]
    opened = [row["sequence"] for _, data in told(suite, town, "billing", "month_paid") for row in data["months"]]
    assert opened == [1, 2, 3, 4]
    revisions = [data["revision"] for name, data in told(suite, town, "billing") if name != "posted"]
    assert revisions == sorted(revisions)
    [row] = [one for one in town.ask("billing.claims") if one["kind"] == "RESULT_BONUS"]
    assert (row["state"], row["since"]) == ("PAID", "2024-12-20")
    [mine] = town.ask("billing.claims", state="PAID", provider="alfa")
    assert mine == row
    assert {one["state"] for one in town.ask("billing.claims", state="ON_HOLD")} == {"ON_HOLD"}
    with pytest.raises(InvalidRequest):
        town.ask("billing.questions", after="yesterday")


@pytest.mark.rule("AMI-10.2-c", "AMI-9-b")
def test_a_claim_before_the_settle_date_is_rejected_and_told_by_assignment(suite: Suite, town: Town) -> None:
    town.add(assignment("AMI_2", D, EXIT))
    town.day("2024-12-19")
    with pytest.raises(FactRefused) as refused:
        town.state("A-1", claim("2024-12-19"))
    assert (refused.value.code, refused.value.rules) == ("CLAIM_PREMATURE", ("AMI-10.2-c",))
    town.state("A-1", claim("2024-12-19"), keep_refused=True)
    [(_, data)] = told(suite, town, "assignment", "bonus_claim_rejected")
    assert (data["code"], data["rules"], data["on"]) == ("CLAIM_PREMATURE", ["AMI-10.2-c"], "2024-12-19")
    town.settle()
    [row] = [one for one in town.ask("billing.claims") if one["kind"] == "RESULT_BONUS"]
    assert (row["state"], row["claims"]) == ("CLOCK_RUNNING", [])
    [rejection] = town.ask("assignment.rejections")
    assert rejection["code"] == "CLAIM_PREMATURE"


@pytest.mark.rule("AMI-9-a", "AMI-10.1-d")
def test_a_provider_claims_the_bonus_of_exits_in_its_own_charge_alone(town: Town, alfa: Client, beta: Client) -> None:
    back = fact("2025-01-10", "resumed", provider="beta")
    town.add(assignment("AMI_2", D, EXIT, broke_off("2025-01-05"), back))
    with pytest.raises(Forbidden) as refused:
        town.state("A-1", claim("2025-01-15"), by=beta)
    assert (refused.value.code, refused.value.rules) == ("NOT_YOUR_EXIT", ("AMI-9-a",))
    assert town.state("A-1", claim("2025-01-15"), by=alfa)["recorded"] == 1
    town.add(
        assignment("AMI_2", D, fact("2024-05-02", "provider_switch", provider="beta", approved=True), EXIT, name="A-2")
    )
    with pytest.raises(Forbidden) as refused:
        town.state("A-2", claim("2024-12-20"), by=alfa)  # had the client before, but not at the exit
    assert refused.value.code == "NOT_YOUR_EXIT"
    town.add(assignment("AMI_2", D, EXIT, name="A-3"))
    with pytest.raises(Forbidden) as refused:
        town.state("A-3", claim("2024-12-20"), by=beta)
    assert refused.value.code == "NOT_YOUR_ASSIGNMENT"
    assert town.states("A-2")["state"] == "SUSTAINABILITY"
    assert [row for row in town.states("A-3")["facts"] if row["fact"] == "bonus_claimed"] == []


@pytest.mark.rule("AMI-10.2-a")
def test_claims_for_one_person_at_two_providers_are_found_told_and_held(suite: Suite, town: Town) -> None:
    person = town.client.call("assignment.register_person", tenant=town.name, name="Test")["person"]

    def link(name: str) -> None:
        town.client.call("assignment.link_person", tenant=town.name, assignment=name, person=person)

    switch = fact(D, "provider_switch", provider="beta", approved=True)
    town.add(assignment("AMI_2", D, EXIT, claim("2024-12-20"), name="A-1"))
    town.add(assignment("AMI_2", D, switch, exited("2024-07-01"), claim("2025-01-01"), name="A-2"))
    town.day("2025-01-02")
    link("A-1")
    assert told(suite, town, "assignment", "claims_overlap") == []  # whose A-2 is nobody has said
    link("A-2")
    town.settle()
    both = {data["assignment"]: data for _, data in told(suite, town, "assignment", "claims_overlap")}
    assert {name: (data["others"], data["grounds"]) for name, data in both.items()} == {
        "A-1": (["A-2"], ["SIX_MONTHS"]),
        "A-2": (["A-1"], ["SIX_MONTHS"]),
    }
    assert person not in str(both)
    questions = town.ask("billing.questions")
    assert [(row["assignment"], row["code"]) for row in questions] == [
        ("A-1", "DUPLICATE_CLAIM"),
        ("A-2", "DUPLICATE_CLAIM"),
    ]
    held = {(row["assignment"], row["reason"], row["ended_on"]) for row in town.ask("billing.holds")}
    assert held == {("A-1", "DUPLICATE_CLAIM", None), ("A-2", "DUPLICATE_CLAIM", None)}
    # what is due does not change by it
    assert {row["status"] for row in town.ask("billing.lines") if row["kind"] == "RESULT_BONUS"} == {"PAYABLE"}
    claimed = next(row for row in town.states("A-2")["facts"] if row["fact"] == "bonus_claimed")
    assert town.withdraw("A-2", claimed["id"])
    town.settle()
    assert town.ask("billing.questions") == []
    assert {row["ended_on"] for row in town.ask("billing.holds")} == {"2025-01-02"}
