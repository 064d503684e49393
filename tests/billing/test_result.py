"""Results that are reported, and what the letter of 2019 says of results and of the state's share."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kundval_billing.domain.result import leads_to_result, reimbursement
from kundval_contracts.codes import Component, ExitKind, LineKind
from kundval_contracts.settings import RuleSettings, read_settings

from .af import amounts, rum, som
from .builders import ami2, d, exited, line_of, lines_of, on


@pytest.mark.rule("AF-SOM-4", "NACKA-10")
def test_each_result_is_a_line_of_its_own_payable_from_its_day() -> None:
    told = som(on("2021-04-01", "result_reported", amount="5000.50"), on("2021-06-01", "result_reported", amount=1))
    found = lines_of(told, "2021-05-31", "RESULT")
    assert [(line.sequence, line.amount, line.status, line.payable_from) for line in found] == [
        (1, Decimal("5000.50"), "PAYABLE", d("2021-04-01"))
    ]
    assert (found[0].start, found[0].end) == (d("2021-04-01"), d("2021-04-02"))
    assert [line.sequence for line in lines_of(told, "2021-06-01", "RESULT")] == [1, 2]


@pytest.mark.rule("AF-SOM-4")
def test_a_result_goes_to_the_provider_in_charge_on_its_day_or_to_the_last() -> None:
    switch = on("2021-03-10", "provider_switch", provider="beta", approved=True)
    told = som(
        switch,
        on("2021-03-24", "result_reported", amount=10),
        on("2021-03-25", "result_reported", amount=20),
        exited("2021-04-01"),
        on("2021-12-01", "result_reported", amount=30),
    )
    found = {key: amount for key, amount in amounts(told).items() if "RESULT" in key}
    assert found == {"alfa RESULT 1": 10, "beta RESULT 2": 20, "beta RESULT 3": 30}


@pytest.mark.rule("AF-RUM-4")
def test_rusta_och_matcha_names_its_own_rule() -> None:
    line = line_of(rum(on("2021-04-01", "result_reported", amount=7)), "2021-04-01", "RESULT")
    assert line.rules == ("AF-RUM-4",)


def test_a_programme_without_reported_results_has_none() -> None:
    assert not lines_of(ami2(on("2024-05-01", "result_reported", amount=7)), "2025-12-31", "RESULT")


@pytest.mark.rule("NACKA-10")
def test_every_kind_of_line_is_base_or_result() -> None:
    base = {kind for kind in LineKind if kind.component is Component.BASE}
    assert base == {LineKind.MONTHLY_FEE, LineKind.BASE}
    assert {kind.component for kind in LineKind} == set(Component)


@pytest.mark.rule("NACKA-31")
@pytest.mark.parametrize("kind", ExitKind)
def test_a_result_part_is_for_a_job_or_for_another_measure(kind: ExitKind) -> None:
    assert leads_to_result(kind) == (kind.value.startswith("WORK_") or kind is ExitKind.OTHER_INTERVENTION)


@pytest.mark.rule("NACKA-34")
def test_we_51_the_state_pays_ninety_per_cent_where_that_is_on() -> None:
    on_, off = RuleSettings(read_settings({"state_reimbursement_share": "0.90"})), RuleSettings()
    share = "state_reimbursement_share"
    assert reimbursement(Decimal(10_000_000), on_[share]) == 9_000_000
    assert reimbursement(Decimal("0.05"), on_[share]) == Decimal("0.05")
    assert reimbursement(Decimal(10_000_000), off[share]) is None
