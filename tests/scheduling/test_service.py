"""The scheduling service as it runs: obligations kept in step with the facts and with the business date."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from kundval_contracts.client import Client
from kundval_contracts.errors import Forbidden
from tests.acceptance.builders import assignment, exited, fact
from tests.suite import Suite, Town, client, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
CASES = (
    assignment("AMI_2", D, fact("2024-03-29", "mapping_done"), fact("2024-04-20", "plan_done"), name="A-1"),
    assignment("AMI_1", D, exited("2024-05-20"), name="A-2"),
    assignment("AMI_2", "2024-04-01", fact("2024-04-10", "offer_declined", offer="WORK", receives_eb=True), name="A-3"),
)


def obligations(town: Town) -> dict[tuple[str, str, int], dict[str, Any]]:
    return {(row["assignment"], row["kind"], row["sequence"]): row for row in town.ask("scheduling.obligations")}


def test_a_month_that_is_caught_up_with_at_once_ends_like_one_of_single_days(client: Client) -> None:
    by_day, at_once = Town(client), Town(client)
    for one in (by_day, at_once):
        one.add(*CASES)
    day = date(2024, 4, 15)
    while day <= date(2024, 5, 21):
        by_day.client.call("assignment.open_day", tenant=by_day.name, date=day)
        if day.weekday() == 0:
            by_day.settle()
        day += timedelta(days=1)
    by_day.settle()
    at_once.day("2024-04-15")
    at_once.day("2024-05-21")
    assert by_day.ask("scheduling.obligations") == at_once.ask("scheduling.obligations")
    assert by_day.ask("notifications.notices") == at_once.ask("notifications.notices")
    assert Counter(row["state"] for row in by_day.ask("scheduling.obligations"))["OVERDUE"] > 3


def test_a_fact_that_is_known_late_takes_back_what_was_overdue(town: Town) -> None:
    town.add(assignment("AMI_2", D))
    town.day("2024-05-01")
    key = ("A-1", "MAPPING_AND_PLAN", 1)
    assert obligations(town)[key]["state"] == "OVERDUE"
    town.state("A-1", fact("2024-03-20", "mapping_done"), fact("2024-03-21", "plan_done"))
    town.settle()
    row = obligations(town)[key]
    assert (row["state"], row["met_on"]) == ("MET", "2024-03-21")


def test_a_fact_that_is_known_from_a_later_day_counts_from_that_day(town: Town) -> None:
    town.add(assignment("AMI_2", D))
    town.state("A-1", fact("2024-03-20", "mapping_done", known_on="2024-06-01"))
    town.state("A-1", fact("2024-03-21", "plan_done", known_on="2024-06-01"))
    key = ("A-1", "MAPPING_AND_PLAN", 1)
    for day, state in (("2024-05-01", "OVERDUE"), ("2024-05-31", "OVERDUE"), ("2024-06-01", "MET")):
        town.day(day)
        assert obligations(town)[key]["state"] == state, day


def test_a_withdrawn_fact_leaves_the_obligations_as_if_it_had_never_been(client: Client) -> None:
    never, withdrawn = Town(client), Town(client)
    never.add(assignment("AMI_2", D))
    withdrawn.add(assignment("AMI_2", D, exited("2024-05-20")))
    for one in (never, withdrawn):
        one.day("2024-07-01")
    assert withdrawn.ask("scheduling.obligations") != never.ask("scheduling.obligations")
    withdrawn.withdraw("A-1", "5")
    withdrawn.settle()
    assert withdrawn.ask("scheduling.obligations") == never.ask("scheduling.obligations")


def test_other_settings_plan_anew(town: Town) -> None:
    town.add(assignment("AMI_2", D))
    town.day("2024-05-01")
    before = obligations(town)[("A-1", "PLACEMENT", 1)]["due"]
    town.open(settings={"AMI1_MONTHLY_FEE": 1, "AMI2_MONTHLY_FEE": 1, "ami2.placement.deadline": "P1M"})
    town.settle()
    assert obligations(town)[("A-1", "PLACEMENT", 1)]["due"] != before


def test_nothing_is_told_when_nothing_has_changed(town: Town) -> None:
    town.add(assignment("AMI_2", D))
    town.day("2024-03-19")
    before = town.client.call("scheduling.positions", tenant=town.name)["published"]
    town.day("2024-03-20")
    # the day itself, and of the obligations nothing
    assert town.client.call("scheduling.positions", tenant=town.name)["published"] == before + 1


def test_a_provider_is_shown_what_it_has_to_do(town: Town, suite: Suite) -> None:
    switch = fact("2024-06-01", "provider_switch", provider="beta", approved=True)
    town.add(assignment("AMI_2", D, switch), assignment("AMI_2", D, name="A-2"))
    town.day("2024-07-01")
    seen = {}
    for name in ("alfa", "beta"):
        with suite.client("PROVIDER", organisation=name, tenant=town.name) as provider:
            seen[name] = {row["assignment"] for row in town.ask("scheduling.obligations", by=provider)}
            with pytest.raises(Forbidden):
                provider.call("scheduling.summary", tenant=town.name)
    assert "A-2" in seen["alfa"]
    assert seen["beta"] == {"A-1"}
