"""Jobbpeng: months from the start-up meeting, nothing before fourteen days."""

from __future__ import annotations

import pytest

from kundval_billing.domain import next_change

from .builders import d, exited, jobbpeng, line_of, lines_of, on, payable, short


@pytest.mark.rule("NACKA-JP-1", "NACKA-8")
@pytest.mark.parametrize(("level", "fee"), [("BASIC", "3686.00"), ("ENHANCED", "4858.00")])
def test_each_level_has_its_amount_whatever_the_ami_settings(level: str, fee: str) -> None:
    line = line_of(jobbpeng(level=level), "2024-05-20", "MONTHLY_FEE", 1, {"month.unit": "CALENDAR"})
    assert f"{line.amount:.2f}" == fee
    assert (line.start, line.end) == (d("2024-05-06"), d("2024-06-06"))
    assert line.rules == ("NACKA-JP-1", "NACKA-JP-2")


@pytest.mark.rule("NACKA-JP-2")
@pytest.mark.parametrize(
    ("as_of", "status"), [("2024-05-19", "PLANNED"), ("2024-05-20", "PAYABLE"), ("2024-05-21", "PAYABLE")]
)
def test_the_first_month_is_payable_after_fourteen_days(as_of: str, status: str) -> None:
    line = line_of(jobbpeng(), as_of, "MONTHLY_FEE", 1)
    assert (line.status, line.payable_from) == (status, d("2024-05-20"))


def test_later_months_are_payable_from_their_end() -> None:
    assert line_of(jobbpeng(), "2024-07-05", "MONTHLY_FEE", 2).status == "PLANNED"
    assert line_of(jobbpeng(), "2024-07-06", "MONTHLY_FEE", 2).payable_from == d("2024-07-06")


@pytest.mark.rule("NACKA-JP-2")
@pytest.mark.parametrize(("exit_day", "amount"), [("2024-05-19", 0), ("2024-05-20", 3686), ("2024-05-21", 3686)])
def test_an_exit_before_fourteen_days_pays_nothing(exit_day: str, amount: int) -> None:
    one = jobbpeng(on(exit_day, "exited", kind="DISCONTINUED"))
    assert payable(one, "2024-12-31") == amount


@pytest.mark.rule("NACKA-JP-2")
@pytest.mark.parametrize(("end_date", "amount"), [("2024-05-19", 0), ("2024-05-20", 3686)])
def test_a_decision_that_ends_before_fourteen_days_pays_nothing(end_date: str, amount: int) -> None:
    assert payable(jobbpeng(end_date=end_date), "2024-12-31") == amount


def test_the_exit_month_is_paid_in_full_from_the_exit() -> None:
    one = jobbpeng(exited("2024-07-10"))
    line = line_of(one, "2024-12-31", "MONTHLY_FEE", 3)
    assert (f"{line.amount:.2f}", line.payable_from) == ("3686.00", d("2024-07-10"))
    assert [row[0] for row in short(lines_of(one, "2024-12-31"))] == [1, 2, 3]


def test_there_is_no_end_until_there_is_an_exit() -> None:
    assert len(lines_of(jobbpeng(), "2026-05-05")) == 24
    assert len(lines_of(jobbpeng(), "2026-05-06")) == 25


def test_the_days_before_the_first_payment_are_a_setting() -> None:
    assert line_of(jobbpeng(), "2024-05-20", "MONTHLY_FEE", 1, {"jobbpeng.payable_after_days": 15}).status == "PLANNED"


def test_a_switch_gives_the_month_to_the_new_provider() -> None:
    one = jobbpeng(on("2024-05-28", "provider_switch", provider="beta", approved=True))
    assert short(lines_of(one, "2024-06-06"))[0] == (1, "beta", "3686.00", "PAYABLE")


def test_nothing_is_listed_before_the_start() -> None:
    assert lines_of(jobbpeng(), "2024-05-05") == []


def test_an_early_exit_that_is_taken_up_again_is_paid() -> None:
    one = jobbpeng(exited("2024-05-10"), on("2024-05-15", "broke_off"), on("2024-05-16", "resumed", provider="alfa"))
    assert payable(one, "2024-05-20") == 3686


def test_after_the_first_payment_the_next_look_is_at_the_end_of_the_month() -> None:
    """The second month is not listed yet: it begins when the first one, long paid, is over."""
    found = lines_of(jobbpeng(), "2024-05-20")
    assert [line.status for line in found] == ["PAYABLE"]
    assert next_change(found, d("2024-05-20")) == d("2024-06-06")
    assert next_change(found, d("2024-06-06")) is None
    assert next_change(lines_of(jobbpeng(), "2024-05-19"), d("2024-05-19")) == d("2024-05-20")
