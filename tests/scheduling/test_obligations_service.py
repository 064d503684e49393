"""Obligations of every programme as the services run: caught up with, told late, shown with what lies ahead; and the
supervision of providers.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from kundval_contracts.client import Client
from kundval_contracts.codes import Programme
from kundval_contracts.profiles import profiles
from tests.acceptance.builders import assignment, bare, exited, fact
from tests.suite import Suite, Town, client, eventually, suite

__all__ = ["client", "suite"]

S = "2024-03-04"
FEES = {"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000}
PROVIDERS = [
    {"id": name, "name": name.title(), "authorised": {one.value: "2024-01-01" for one in Programme}}
    for name in ("alfa", "beta")
]


def opened(client: Client, municipality: str, **settings: Any) -> Town:
    return Town(client, municipality=municipality, providers=PROVIDERS, settings={**FEES, **settings})


def som(*facts: dict[str, Any]) -> dict[str, Any]:
    begin = (fact(S, "decided"), fact(S, "provider_chosen", provider="alfa"), fact(S, "accepted"), fact(S, "started"))
    return bare("SOM_1", *begin, *facts)


def local(municipality: str, *facts: dict[str, Any]) -> dict[str, Any]:
    unit = next(iter(profiles()[municipality].units))
    return bare("LOCAL", fact(S, "decided"), fact(S, "unit_assigned", unit=unit), fact(S, "started"), *facts)


SOM = som(
    fact("2024-03-06", "contact", channel="IN_PERSON", minutes=120, individual=True, place="SUPPLIER_PREMISES"),
    fact("2024-03-05", "contact", channel="IN_PERSON", minutes=120, activity=True),
    fact("2024-03-07", "contact", channel="IN_PERSON", minutes=120, activity=True, known_on="2024-03-25"),
    fact("2024-03-20", "switch_notified", provider="beta"),
)
LOCAL = local(
    "kungsbacka",
    fact("2024-03-06", "check_in"),
    fact("2024-03-13", "check_in", known_on="2024-03-28"),
    fact("2024-03-14", "interest_expressed", workplace="W1"),
)


def obligations(town: Town) -> dict[tuple[str, int], dict[str, Any]]:
    return {(row["kind"], row["sequence"]): row for row in town.ask("scheduling.obligations")}


@pytest.mark.rule("AF-SOM-19", "AF-SOM-22", "LOKA-41")
@pytest.mark.parametrize(("municipality", "case"), [("trelleborg", SOM), ("kungsbacka", LOCAL)])
def test_a_month_that_is_caught_up_with_ends_like_one_of_single_days(
    client: Client, municipality: str, case: dict[str, Any]
) -> None:
    by_day, at_once = opened(client, municipality), opened(client, municipality)
    for one in (by_day, at_once):
        one.add(case)
    day = date(2024, 3, 4)
    while day <= date(2024, 4, 12):
        by_day.client.call("assignment.open_day", tenant=by_day.name, date=day)
        if day.weekday() == 3:
            by_day.settle()
        day += timedelta(days=1)
    by_day.settle()
    at_once.day("2024-04-12")
    assert by_day.ask("scheduling.obligations") == at_once.ask("scheduling.obligations")
    told = by_day.ask("notifications.notices")
    assert told == at_once.ask("notifications.notices")
    assert Counter(row["state"] for row in by_day.ask("scheduling.obligations"))["OVERDUE"] > 3
    assert any(row["kind"] == "OBLIGATION_OVERDUE" for row in told)


@pytest.mark.rule("AF-SOM-19")
def test_a_week_of_som_is_met_by_what_is_told_late_and_missed_again_when_it_is_taken_back(client: Client) -> None:
    town = opened(client, "trelleborg")
    town.add(SOM)
    for day, state in (("2024-03-10", "OPEN"), ("2024-03-11", "OVERDUE"), ("2024-03-25", "MET")):
        town.day(day)
        assert obligations(town)["WEEKLY_MINIMUM", 1]["state"] == state, day
    town.withdraw("A-1", "6")
    town.settle()
    assert obligations(town)["WEEKLY_MINIMUM", 1]["state"] == "OVERDUE"


def test_an_obligation_is_shown_with_its_reminder_and_who_hears_of_a_delay(client: Client) -> None:
    town = opened(client, "nacka", **{"workdays.calendar": "SWEDISH"})
    town.add(assignment("AMI_2", "2024-03-15", exited("2024-09-02")))
    town.day("2024-04-02")
    row = obligations(town)["PLACEMENT", 1]
    assert (row["due"], row["remind_on"], row["overdue_after"]) == ("2024-04-12", "2024-04-05", "2024-04-12")
    assert row["escalation"] == [
        {"to": "CAREER_GUIDE", "on": "2024-04-13"},
        {"to": "TEAM_MANAGER", "on": "2024-04-26"},
    ]
    town.day("2024-09-02")
    ended = obligations(town)["FOLLOWUP_MEETING", 3]
    assert (ended["state"], ended["remind_on"], ended["escalation"]) == ("CANCELLED", None, [])


@pytest.mark.rule("NACKA-18")
def test_visits_to_a_provider_follow_what_is_told_of_them_and_the_business_date(client: Client, suite: Suite) -> None:
    town = opened(client, "nacka", **{"supervision.interval_months": 6})
    town.day("2024-06-30")

    def visits() -> list[tuple[str, int, str, str]]:
        rows = town.ask("scheduling.provider_obligations")
        return [(row["provider"], row["sequence"], row["due"], row["state"]) for row in rows]

    assert visits() == [("alfa", 1, "2024-07-01", "OPEN"), ("beta", 1, "2024-07-01", "OPEN")]
    town.day("2024-07-02")
    assert {state for *_, state in visits()} == {"OVERDUE"}
    seen = {"id": "sv-1", "on": "2024-07-02", "fact": "supervised", "channel": "ON_SITE", "text": "tidy"}
    town.client.call("assignment.record_provider_facts", tenant=town.name, provider="alfa", facts=[seen])
    town.settle()
    assert visits()[:2] == [("alfa", 1, "2024-07-01", "MET"), ("alfa", 2, "2025-01-02", "OPEN")]
    with suite.client("PROVIDER", organisation="beta", tenant=town.name) as beta:
        assert {row["provider"] for row in town.ask("scheduling.provider_obligations", by=beta)} == {"beta"}
    town.client.call("assignment.withdraw_provider_fact", tenant=town.name, provider="alfa", fact="sv-1")
    town.settle()
    assert visits() == [("alfa", 1, "2024-07-01", "OVERDUE"), ("beta", 1, "2024-07-01", "OVERDUE")]
    town.open(municipality="nacka", providers=PROVIDERS, settings=FEES)
    town.settle()
    assert eventually(lambda: visits() == [])
