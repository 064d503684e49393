"""Questions about money as they are asked: of the running services, and from the command line."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tests.acceptance.builders import assignment, broke_off, caseload, claim, exited, fact, follow_ups
from tests.suite import Suite, Town, client, eventually, suite, town

__all__ = ["client", "suite", "town"]

Row = dict[str, Any]
D, AS_OF = "2024-03-15", "2025-01-31"
DRAFT = """\
kundval_draft: 1
title: Premium by days, another tariff from November
settings: {premium.breakoff_month: PRO_RATA, bonus.max: 15000}
tariffs: [{valid_from: 2024-11-01, AMI1_MONTHLY_FEE: 5999.99, AMI2_MONTHLY_FEE: 8100}]
"""
ASSIGNMENTS = [
    assignment("AMI_2", D, exited("2024-06-20"), *follow_ups("AMI_2", D, range(5, 11)), claim("2024-12-20")),
    assignment(
        "AMI_2", D, exited("2024-07-02"), *follow_ups("AMI_2", D, [5, 6, 7]), broke_off("2024-09-20"), name="A-2"
    ),
    assignment("AMI_1", "2024-11-04", name="A-3"),
    assignment("AMI_2", "2024-10-31", fact("2025-03-01", "exited", kind="DISCONTINUED"), name="A-4"),
    # decided when nobody may be: it has no lines, here nor there
    assignment("AMI_2", "2024-02-28", name="A-5"),
]


def answered(town: Town, method: str, question: str) -> Row:
    def look() -> Row | None:
        found = dict(town.client.call(method, tenant=town.name, question=question))
        assert found["question"]["state"] != "FAILED", found["question"]
        return found if found["result"] is not None else None

    return dict(eventually(look, 120))


def test_a_draft_makes_the_same_difference_to_what_billing_holds_as_to_a_file(
    suite: Suite, town: Town, tmp_path: Path
) -> None:
    town.register(*ASSIGNMENTS)
    for one in ASSIGNMENTS:
        town.state(one["id"], *one["facts"], keep_refused=True)
    draft, file, picture = tmp_path / "draft.yaml", tmp_path / "caseload.json", tmp_path / "chart.svg"
    draft.write_text(DRAFT)
    with pytest.raises(Conflict, match="business date"):
        town.client.call("billing.ask_forecast", tenant=town.name, year=2025)
    town.day(AS_OF)
    town.run("2024-10-01")
    file.write_text(json.dumps({**caseload(*ASSIGNMENTS), "as_of": AS_OF, "payment_runs": []}))
    local = suite.kundval("simulate", str(file), "--tariff", str(draft), "--json", "--chart", str(picture))
    assert local.returncode == 0, local.stderr
    mine = json.loads(local.stdout)
    assert mine["changed"] == 3 and {row["to"] for row in mine["moves"]} == {"PAYABLE"}
    assert "<svg" in picture.read_text()

    asked = suite.kundval(
        "what-if", str(draft), "--tenant", town.name, "--json", "--chart", str(picture), "--lang", "sv"
    )
    assert asked.returncode == 0, asked.stderr
    theirs = json.loads(asked.stdout)
    assert theirs["result"].pop("left_off") == 0
    by_group = [
        sorted(one["groups"], key=lambda row: json.dumps(row, sort_keys=True)) for one in (theirs["result"], mine)
    ]
    assert by_group[0] == by_group[1]
    assert theirs["result"] | {"groups": []} == mine | {"groups": []}
    assert theirs["snapshot"]["business_date"] == AS_OF and theirs["snapshot"]["assignments"] == 5
    assert "Tänk om" in picture.read_text()
    name = theirs["question"]["question"]
    (listed,) = town.client.call("billing.what_ifs", tenant=town.name)["questions"]
    assert (listed["question"], listed["state"], listed["title"]) == (
        name, "DONE", "Premium by days, another tariff from November",
    )  # fmt: skip
    csv = town.client.call("billing.what_if_csv", tenant=town.name, question=name)["csv"].splitlines()
    assert len(csv) == 1 + len(mine["groups"])
    with pytest.raises(NotFound):
        town.client.call("billing.forecast", tenant=town.name, question=name)


def test_a_year_is_forecast_against_its_budget_and_shown_in_every_form(suite: Suite, town: Town) -> None:
    town.add(*ASSIGNMENTS[:4])
    town.day(AS_OF)
    town.run(AS_OF)
    # two at once: one waits for the other
    first, second = (
        town.client.call("billing.ask_forecast", tenant=town.name, year=year, new_per_month={"AMI_1": 3})
        for year in (2024, 2025)
    )
    over = answered(town, "billing.forecast", first["question"])["result"]
    (total,) = over["totals"]
    # a year that is over costs what it costs, and nothing is assumed
    assert total["low"] == total["expected"] == total["high"] == total["earned"]
    assert over["inflow"] == [] and total["going_on"] == 0
    budget = town.client.call("billing.set_budget", tenant=town.name, year=2025, amount="50000.00")
    assert (budget["total"], [row["version"] for row in budget["versions"]]) == ("50000.00", [1])
    again = town.client.call("billing.set_budget", tenant=town.name, year=2025, amount="50000.00", programme="AMI_2")
    assert again["programmes"] == {"AMI_2": "50000.00"} and again["total"] == "50000.00"
    answer = answered(town, "billing.forecast", second["question"])
    assert [row["programme"] for row in answer["budget"]] == [None, "AMI_2"]
    assert answer["reimbursement"] == {"appropriation": None, "share": None, "amount": None}
    posted = sum(Decimal(row["amount"]) for row in town.ask("billing.postings") if row["run"] >= "2025")
    assert Decimal(answer["result"]["totals"][0]["posted"]) == posted > 0
    shown = suite.kundval("forecast", "2025", "--tenant", town.name, "--new", "AMI_1=3")
    assert shown.returncode == 0, shown.stderr
    assert "Forecast of 2025, as of 2025-01-31" in shown.stdout and "MIDPOINT: 2 ended" in shown.stdout
    page = town.client.call("billing.forecast_page", tenant=town.name, question=second["question"], lang="sv")["html"]
    assert "Prognos för 2025" in page and "50 000,00 kr" in page
    csv = town.client.call("billing.forecast_csv", tenant=town.name, question=second["question"])["csv"]
    assert len(csv.splitlines()) == 1 + 12 * len(answer["result"]["programmes"])
    wrong = suite.kundval("forecast", "2025", "--tenant", town.name, "--new", "AMI_1")
    assert wrong.returncode == 2 and "such as AMI_2=10" in wrong.stderr


def test_what_is_wrong_with_a_question_is_said_at_once_and_providers_may_not_ask(
    suite: Suite, town: Town, tmp_path: Path
) -> None:
    town.day(AS_OF)

    def faults(method: str, **request: Any) -> set[str]:
        with pytest.raises(InvalidRequest) as caught:
            town.client.call(method, tenant=town.name, **request)
        return {fault["path"] for fault in caught.value.faults}

    bad = {"kundval_draft": 1, "settings": {"bonus.max": -1, "nothing": 1}, "tariffs": [{"AMI2_MONTHLY_FEE": "x"}]}
    assert faults("billing.ask_what_if", draft=bad) == {
        "draft.settings.bonus.max",
        "draft.settings.nothing",
        "draft.tariffs[0].AMI2_MONTHLY_FEE",
        "draft.tariffs[0].valid_from",
    }
    assert faults("billing.ask_what_if", draft=None) and faults("billing.ask_what_if", draft=[1])
    assert faults("billing.ask_forecast", year=1999) == {"year"}
    assert faults("billing.ask_forecast", year=2025, new_per_month={"PREPARING": 1}) == {"new_per_month.PREPARING"}
    assert faults("billing.set_budget", year=2025) == {"amount"}
    assert faults("billing.set_budget", year=2025, amount="-1.00") == {"amount"}
    good = {"kundval_draft": 1, "settings": {"bonus.max": 1}}
    with pytest.raises(Conflict, match="2025-02-01"):
        town.client.call("billing.ask_what_if", tenant=town.name, draft=good, as_of="2025-02-01")
    with suite.client("PROVIDER", organisation="alfa", tenant=town.name) as alfa, pytest.raises(Forbidden):
        alfa.call("billing.ask_what_if", tenant=town.name, draft=good)
    assert town.client.call("billing.what_ifs", tenant=town.name)["questions"] == []
    file = tmp_path / "draft.yaml"
    file.write_text("kundval_draft: 1\nsettings: {nothing: 1, bonus.max: many}\n")
    refused = suite.kundval("what-if", str(file), "--tenant", town.name)
    assert refused.returncode == 2
    assert [line.partition(": ")[2].partition(":")[0] for line in refused.stderr.splitlines()] == [
        "settings.nothing",
        "settings.bonus.max",
    ]
