"""Ordinary months: which are paid, to whom, how much and from when."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kundval_billing.domain import lines
from kundval_contracts.answer import recompute

from .builders import ami1, ami2, d, exited, line_of, lines_of, on, payable, short, tenant

FEE = "MONTHLY_FEE"


@pytest.mark.rule("AMI-10.1-a", "NACKA-10")
def test_months_are_listed_from_the_day_they_begin() -> None:
    one = ami2()
    assert [line.sequence for line in lines_of(one, "2024-05-14", FEE)] == [1, 2]
    assert [line.sequence for line in lines_of(one, "2024-05-15", FEE)] == [1, 2, 3]


@pytest.mark.rule("NACKA-30", "NACKA-10")
@pytest.mark.parametrize(
    ("as_of", "status"), [("2024-04-14", "PLANNED"), ("2024-04-15", "PAYABLE"), ("2024-04-16", "PAYABLE")]
)
def test_a_month_is_payable_from_its_exclusive_end(as_of: str, status: str) -> None:
    line = line_of(ami2(), as_of, FEE, 1)
    assert (line.status, line.payable_from, line.amount) == (status, d("2024-04-15"), Decimal("8000.00"))
    assert (line.start, line.end) == (d("2024-03-15"), d("2024-04-15"))
    assert line.rules == ("AMI-10.1-a",)


@pytest.mark.rule("AMI-10.1-a")
@pytest.mark.parametrize(
    ("started", "months"),
    [("2024-04-14", [1, 2]), ("2024-04-15", [2]), ("2024-05-14", [2]), ("2024-05-15", [])],
)
def test_a_month_without_an_active_day_is_not_paid(started: str, months: list[int]) -> None:
    assert [line.sequence for line in lines_of(ami2(started=started), "2024-05-14", FEE)] == months


def test_nothing_is_listed_before_the_start_up_meeting() -> None:
    assert lines_of(ami2(started="2024-04-01"), "2024-03-31") == []


def test_nothing_is_listed_before_the_decision_is_known() -> None:
    assert lines_of(ami2(), "2024-03-14") == []


@pytest.mark.parametrize(
    ("exit_day", "last", "payable_from"),
    [
        ("2024-06-14", 3, "2024-06-14"),
        ("2024-06-15", 4, "2024-06-15"),
        ("2024-07-14", 4, "2024-07-14"),
        ("2024-07-15", 5, "2024-07-15"),
    ],
)
@pytest.mark.rule("AMI-10.1-a")
def test_the_exit_month_is_ordinary_whole_and_payable_from_the_exit(
    exit_day: str, last: int, payable_from: str
) -> None:
    found = lines_of(ami2(exited(exit_day, "DISCONTINUED")), "2025-12-31", FEE)
    assert [line.sequence for line in found] == list(range(1, last + 1))
    assert (found[-1].payable_from, found[-1].amount) == (d(payable_from), Decimal(8000))


def test_twelve_months_are_paid_when_nothing_happens() -> None:
    assert payable(ami2(), "2026-12-31") == 12 * 8000


@pytest.mark.rule("AMI-10.1-a")
def test_ami_1_is_paid_in_three_blocks_of_thirty_days() -> None:
    found = lines_of(ami1(), "2025-12-31", FEE)
    assert [(line.start, line.end) for line in found] == [
        (d("2025-03-03"), d("2025-04-02")),
        (d("2025-04-02"), d("2025-05-02")),
        (d("2025-05-02"), d("2025-06-01")),
    ]
    assert {line.amount for line in found} == {Decimal(6000)}


@pytest.mark.parametrize(("end_date", "months"), [("2024-07-15", 4), ("2024-07-16", 5), ("2025-06-15", 15)])
def test_another_end_date_pays_the_months_that_start_before_it(end_date: str, months: int) -> None:
    found = lines_of(ami2(end_date=end_date), "2026-12-31", FEE)
    assert [line.sequence for line in found] == list(range(1, months + 1))
    assert found[-1].amount == Decimal(8000)


# --- resumption and switch ---------------------------------------------------------------------------

RESUMED = [exited("2024-06-20"), on("2024-09-01", "broke_off"), on("2024-09-20", "resumed", provider="beta")]


@pytest.mark.rule("AMI-10.1-d")
def test_the_month_of_the_resumption_is_whole_and_goes_to_the_provider_at_its_end() -> None:
    found = short(lines_of(ami2(*RESUMED), "2024-10-15", FEE))
    assert found[-2:] == [(7, "beta", "8000.00", "PAYABLE"), (8, "beta", "8000.00", "PLANNED")]
    assert [row[0] for row in found] == [1, 2, 3, 4, 7, 8]


def test_months_between_break_off_and_resumption_are_paid_to_nobody() -> None:
    found = [line for line in lines_of(ami2(*RESUMED), "2025-12-31") if line.sequence in (6,)]
    assert short(found) == [(6, "alfa", "0.00", "STOPPED")]


def test_an_exit_and_a_resumption_in_one_month_leave_it_payable_from_its_end() -> None:
    one = ami2(exited("2024-06-20"), on("2024-06-25", "broke_off"), on("2024-07-01", "resumed", provider="beta"))
    line = line_of(one, "2024-07-15", FEE, 4)
    assert (line.provider, line.payable_from) == ("beta", d("2024-07-15"))


@pytest.mark.rule("NACKA-14")
@pytest.mark.parametrize(("day", "provider"), [("2024-05-14", "beta"), ("2024-05-15", "alfa")])
def test_a_switch_pays_the_month_to_the_provider_in_charge_at_its_end(day: str, provider: str) -> None:
    one = ami2(on(day, "provider_switch", provider="beta", approved=True))
    assert line_of(one, "2024-06-30", FEE, 2).provider == provider


def test_the_month_of_an_exit_goes_to_the_provider_in_charge_at_the_exit() -> None:
    one = ami2(
        on("2024-06-18", "provider_switch", provider="beta", approved=True), exited("2024-06-20", "DISCONTINUED")
    )
    assert line_of(one, "2024-06-30", FEE, 4).provider == "beta"


SWITCH = on("2024-05-25", "provider_switch", provider="beta", approved=True)


@pytest.mark.rule("AMI-10.1-d")
def test_fee_split_pro_rata_divides_the_month_by_days_in_charge() -> None:
    # month 3 has 31 days: ten with alfa, 21 with beta
    found = [
        line for line in lines_of(ami2(SWITCH), "2024-12-31", FEE, {"fee.split": "PRO_RATA"}) if line.sequence == 3
    ]
    assert short(found) == [(3, "alfa", "2580.65", "PAYABLE"), (3, "beta", "5419.35", "PAYABLE")]
    assert [recompute(line.steps) for line in found] == [Decimal("2580.65"), Decimal("5419.35")]


def test_fee_split_pro_rata_counts_active_days_only() -> None:
    one = ami2(SWITCH, exited("2024-05-29", "DISCONTINUED"))  # ten days alfa, five days beta
    found = [line for line in lines_of(one, "2024-12-31", FEE, {"fee.split": "PRO_RATA"}) if line.sequence == 3]
    assert short(found) == [(3, "alfa", "5333.33", "PAYABLE"), (3, "beta", "2666.67", "PAYABLE")]


def test_fee_split_pro_rata_leaves_a_month_with_one_provider_whole() -> None:
    found = [
        line for line in lines_of(ami2(SWITCH), "2024-12-31", FEE, {"fee.split": "PRO_RATA"}) if line.sequence == 4
    ]
    assert short(found) == [(4, "beta", "8000.00", "PAYABLE")]


def test_fee_split_both_pays_each_provider_in_full() -> None:
    found = [line for line in lines_of(ami2(SWITCH), "2024-12-31", FEE, {"fee.split": "BOTH"}) if line.sequence == 3]
    assert short(found) == [(3, "alfa", "8000.00", "PAYABLE"), (3, "beta", "8000.00", "PAYABLE")]


# --- what a month is (AMB-03), how long AMI 1 is (AMB-01), what is paid to the exit (AMB-12) ----------


def test_calendar_months_count_the_started_month_whole() -> None:
    found = lines_of(ami2(), "2026-12-31", FEE, {"month.unit": "CALENDAR"})
    assert len(found) == 12
    assert [(line.start, line.end) for line in found[:2]] == [
        (d("2024-03-15"), d("2024-04-01")),
        (d("2024-04-01"), d("2024-05-01")),
    ]


def test_thirty_day_blocks_for_ami_2_are_twelve() -> None:
    found = lines_of(ami2(), "2026-12-31", FEE, {"month.unit": "DAYS_30"})
    assert len(found) == 12
    assert (found[1].start, found[1].end) == (d("2024-04-14"), d("2024-05-14"))


@pytest.mark.parametrize("settings", [{"month.unit": "ANNIVERSARY"}, {"ami1.length_unit": "MONTHS_3"}])
def test_ami_1_in_anniversary_months_still_has_three(settings: dict[str, str]) -> None:
    found = lines_of(ami1(decided="2025-02-01"), "2026-12-31", FEE, settings)
    assert [line.start for line in found] == [d("2025-02-01"), d("2025-03-01"), d("2025-04-01")]


def test_an_intervention_anchored_on_the_start_up_meeting_counts_from_it() -> None:
    found = lines_of(ami2(started="2024-03-28"), "2026-12-31", FEE, {"intervention.anchor": "START_UP"})
    assert (found[0].start, found[-1].end, len(found)) == (d("2024-03-28"), d("2025-03-28"), 12)


@pytest.mark.rule("AMI-10.1-a")
@pytest.mark.parametrize("reading", ["PRO_RATA_WITH_PREMIUM", "PRO_RATA_ONLY"])
@pytest.mark.parametrize(
    ("exit_day", "amount"), [("2024-06-15", "266.67"), ("2024-06-20", "1600.00"), ("2024-07-14", "8000.00")]
)
def test_the_exit_month_by_days_up_to_the_exit(reading: str, exit_day: str, amount: str) -> None:
    line = line_of(ami2(exited(exit_day)), "2025-12-31", FEE, 4, {"premium.started_month": reading})
    assert f"{line.amount:.2f}" == amount


def test_by_days_an_exit_that_does_not_qualify_is_paid_no_more_than_one_that_does() -> None:
    settings = {"premium.started_month": "PRO_RATA_ONLY"}
    line = line_of(ami2(exited("2024-06-20", "DISCONTINUED")), "2025-12-31", FEE, 4, settings)
    assert line.amount == Decimal(1600)


# --- tariffs -----------------------------------------------------------------------------------------

TARIFFS = [
    {"valid_from": "2024-01-01", "AMI2_MONTHLY_FEE": 8000},
    {"valid_from": "2024-03-15", "AMI2_MONTHLY_FEE": 9000},
]


@pytest.mark.rule("NACKA-11")
@pytest.mark.parametrize(("decided", "fee"), [("2024-03-14", 8000), ("2024-03-15", 9000), ("2024-03-16", 9000)])
def test_the_tariff_of_the_decision_date_holds_for_every_month(decided: str, fee: int) -> None:
    found = lines(ami2(decided=decided), tenant(tariffs=TARIFFS), d("2026-12-31"))
    assert {line.amount for line in found} == {Decimal(fee)}
    assert "locked on" in found[0].steps[0].what


def test_without_a_tariff_in_force_no_amount_is_guessed() -> None:
    late = tenant(tariffs=[{"valid_from": "2030-01-01", "AMI2_MONTHLY_FEE": 1}])
    found = lines(ami2(), late, d("2026-12-31"))  # the settings' own fee is in force until then
    assert {line.amount for line in found} == {Decimal(8000)}
