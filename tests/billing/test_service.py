"""The billing service as it runs: payment runs, corrections, derivations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from kundval_contracts.answer import Step, recompute
from kundval_contracts.client import Client
from kundval_contracts.errors import Conflict, Forbidden
from tests.acceptance.builders import assignment, broke_off, claim, eb_paid, exited, fact, follow_ups
from tests.suite import Suite, Town, client, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
EXIT = exited("2024-06-20")
EARNED = assignment("AMI_2", D, EXIT, *follow_ups("AMI_2", D, range(5, 13)), claim("2024-12-20"))


def test_a_run_before_the_latest_or_after_the_business_date_is_a_conflict(town: Town) -> None:
    town.add(EARNED)
    with pytest.raises(Conflict, match="business date"):
        town.run("2024-07-01")
    town.day("2024-08-01")
    with pytest.raises(Conflict, match="2024-08-02"):
        town.run("2024-08-02")
    town.run("2024-08-01")
    before = town.ask("billing.postings")
    with pytest.raises(Conflict, match="2024-07-01"):
        town.run("2024-07-01")
    assert before and town.ask("billing.postings") == before


def test_the_same_run_again_posts_nothing(town: Town) -> None:
    town.add(EARNED)
    town.day("2024-08-01")
    first = town.run("2024-08-01")
    assert first["postings"] > 0
    assert town.run("2024-08-01") | {"run": ""} == first | {"postings": 0, "amount": "0.00", "run": ""}
    town.day("2024-08-02")
    assert town.run("2024-08-02")["postings"] == 0


def test_a_run_counts_what_was_known_on_its_day(town: Town) -> None:
    town.add(EARNED)
    # stated now, but nobody will know of it before September
    town.state("A-1", broke_off("2024-07-10", known_on="2024-09-05"))
    town.day("2024-10-01")
    town.run("2024-09-01")
    paid = town.balance()["SPEED_PREMIUM"]
    assert paid > 0
    town.run("2024-10-01")
    assert town.balance()["SPEED_PREMIUM"] < paid
    back = [row for row in town.ask("billing.postings") if row["run"] == "2024-10-01"]
    assert back and {row["reverses"] for row in back if Decimal(row["amount"]) < 0} == {"2024-09-01"}


def test_a_bonus_that_was_paid_is_taken_back_when_assistance_turns_out_to_have_been_paid(town: Town) -> None:
    town.add(EARNED)
    town.day("2025-01-01")
    town.run("2025-01-01")
    assert town.balance()["RESULT_BONUS"] == 20000
    town.state("A-1", eb_paid("2024-08-01", "2024-09-01") | {"known_on": "2025-01-15"})
    town.day("2025-02-01")
    town.run("2025-02-01")
    assert town.balance()["RESULT_BONUS"] == 0
    town.settle()
    told = [(row["kind"], row["to"]) for row in town.ask("notifications.notices") if row["on"] == "2025-02-01"]
    assert ("PAYMENT_CORRECTED", "PROVIDER") in told


def test_other_settings_correct_what_was_paid_in_the_next_run(town: Town) -> None:
    town.add(EARNED)
    town.day("2024-06-01")
    town.run("2024-06-01")
    assert town.balance() == {"MONTHLY_FEE": Decimal(16000)}
    town.open(settings={"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8500})
    # nothing is posted by itself
    town.settle()
    assert town.balance() == {"MONTHLY_FEE": Decimal(16000)}
    assert town.run("2024-06-01")["amount"] == "1000.00"
    assert town.balance() == {"MONTHLY_FEE": Decimal(17000)}
    assert [row["amount"] for row in town.ask("billing.totals")] == ["17000.00"]


def test_another_tariff_leaves_the_assignments_that_were_decided_before_it(town: Town) -> None:
    fees = {"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000}
    town.open(tariffs=[{"valid_from": "2024-01-01", **fees}])
    town.add(EARNED, assignment("AMI_2", "2024-05-10", name="A-2"))
    town.day("2024-07-01")
    town.run("2024-07-01")
    town.open(
        tariffs=[{"valid_from": "2024-01-01", **fees}, {"valid_from": "2024-05-01", **fees, "AMI2_MONTHLY_FEE": 9000}]
    )
    town.run("2024-07-01")
    sums = {row["assignment"]: row["amount"] for row in town.ask("billing.totals") if row["kind"] == "MONTHLY_FEE"}
    assert sums == {"A-1": "32000.00", "A-2": "9000.00"}


def test_every_line_and_every_posting_explains_itself(town: Town) -> None:
    town.add(EARNED, assignment("AMI_1", D, exited("2024-05-02"), claim("2024-11-02"), name="A-2"))
    for day in ("2024-07-01", "2025-01-01"):
        town.day(day)
        town.run(day)
    town.state("A-1", broke_off("2024-07-10", known_on="2025-01-10"))
    town.day("2025-02-01")
    town.run("2025-02-01")
    explained = [town.client.call("billing.explain", tenant=town.name, assignment=name) for name in ("A-1", "A-2")]
    rows = [row for one in explained for row in (*one["lines"], *one["postings"])]
    assert {row["kind"] for row in rows} == {"MONTHLY_FEE", "SPEED_PREMIUM", "RESULT_BONUS"}
    assert any(Decimal(row["amount"]) < 0 for row in rows)
    for row in rows:
        assert recompute(Step.from_json(step) for step in row["steps"]) == Decimal(row["amount"]), row
        assert row["rules"] and row["because"]


def test_a_provider_is_shown_its_own_money_alone(town: Town, suite: Suite) -> None:
    switch = fact("2024-06-01", "provider_switch", provider="beta", approved=True)
    town.add(assignment("AMI_2", D, switch))
    town.day("2024-09-01")
    town.run("2024-09-01")
    everything = town.ask("billing.postings")
    assert {row["provider"] for row in everything} == {"alfa", "beta"}
    for name in ("alfa", "beta"):
        with suite.client("PROVIDER", organisation=name, tenant=town.name) as provider:
            for method in ("billing.postings", "billing.lines", "billing.totals"):
                rows = town.ask(method, by=provider)
                assert rows and {row["provider"] for row in rows} == {name}
            told = provider.call("billing.explain", tenant=town.name, assignment="A-1")
            assert {row["provider"] for row in (*told["lines"], *told["postings"])} == {name}
            with pytest.raises(Forbidden):
                provider.call("billing.run_payments", tenant=town.name, run="2024-09-01")
            with pytest.raises(Forbidden):
                provider.call("billing.lines", tenant=town.name, provider="beta" if name == "alfa" else "alfa")


def test_runs_at_the_same_time_with_facts_coming_in_post_everything_once(town: Town, suite: Suite) -> None:
    names = [f"A-{number:02d}" for number in range(30)]
    documents = [assignment("AMI_2", D, EXIT, claim("2024-12-20"), name=name) for name in names]
    town.register(*documents)
    town.client.call("assignment.open_day", tenant=town.name, date="2025-02-01")

    def state(one: dict[str, object]) -> None:
        town.state(str(one["id"]), *one["facts"])  # type: ignore[misc]

    def run(_: int) -> None:
        with suite.client() as own:
            own.call("billing.run_payments", tenant=town.name, run="2025-02-01")

    with ThreadPoolExecutor(8) as pool:
        for done in [*(pool.submit(state, one) for one in documents), *(pool.submit(run, n) for n in range(12))]:
            done.result()
    town.run("2025-02-01")
    assert town.run("2025-02-01")["postings"] == 0
    assert sum(town.balance().values()) == sum(Decimal(row["amount"]) for row in town.ask("billing.totals"))
    assert town.balance()["RESULT_BONUS"] == 30 * 20000
    # nothing had to be taken back on the way
    assert all(Decimal(row["amount"]) > 0 for row in town.ask("billing.postings"))


def test_a_page_holds_whole_assignments_and_leads_to_the_next(town: Town, client: Client) -> None:
    town.add(*(assignment("AMI_2", D, name=f"A-{number}") for number in range(5)))
    town.day("2024-08-01")
    first = client.call("billing.lines", tenant=town.name, limit=2)
    assert {row["assignment"] for row in first["lines"]} == {"A-0", "A-1"}
    assert first["next"] == "A-1"
    assert town.ask("billing.lines", limit=2) == town.ask("billing.lines")
