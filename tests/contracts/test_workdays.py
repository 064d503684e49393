"""Swedish working days: public holidays and the three eves, leap days, turns of the year."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_contracts import calendar
from kundval_contracts.workdays import add_workdays, is_workday, next_workday, previous_workday

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def d(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    "day",
    [
        "2024-01-01",  # New Year's Day
        "2025-01-06",  # Epiphany
        "2024-03-29",  # Good Friday
        "2024-04-01",  # Easter Monday
        "2024-05-01",
        "2024-05-09",  # Ascension Day
        "2024-06-06",  # the National Day
        "2024-12-25",
        "2024-12-26",
    ],
)
def test_public_holidays_are_no_working_days(day: str) -> None:
    assert not is_workday(d(day))


@pytest.mark.parametrize("day", ["2024-06-21", "2025-06-20", "2024-12-24", "2024-12-31"])
def test_the_three_eves_are_no_working_days_either(day: str) -> None:
    assert not is_workday(d(day))


@pytest.mark.parametrize("day", ["2024-03-28", "2024-04-30", "2024-06-07", "2024-12-23", "2024-12-27", "2024-02-29"])
def test_the_days_around_them_are(day: str) -> None:
    assert is_workday(d(day))


def test_saturdays_and_sundays_are_none() -> None:
    assert [is_workday(d(day)) for day in ("2024-05-03", "2024-05-04", "2024-05-05", "2024-05-06")] == [
        True,
        False,
        False,
        True,
    ]


def test_over_christmas_and_the_turn_of_the_year_the_days_are_far_apart() -> None:
    assert add_workdays(d("2024-12-23"), 1, holidays=True) == d("2024-12-27")
    assert add_workdays(d("2024-12-23"), 3, holidays=True) == d("2025-01-02")
    assert add_workdays(d("2024-12-23"), 1) == d("2024-12-24")
    assert (next_workday(d("2024-12-31")), previous_workday(d("2025-01-01"))) == (d("2025-01-02"), d("2024-12-30"))


def test_a_working_day_stays_where_it_is() -> None:
    assert next_workday(d("2024-02-29")) == previous_workday(d("2024-02-29")) == d("2024-02-29")


@given(DAYS)
def test_the_nearest_working_days_lie_on_either_side_with_none_between(day: date) -> None:
    before, after = previous_workday(day), next_workday(day)
    assert is_workday(before)
    assert is_workday(after)
    assert before <= day <= after
    between = (before + timedelta(days=n) for n in range(1, (after - before).days))
    assert not any(is_workday(one) for one in between)


@given(DAYS, st.integers(0, 30))
def test_so_many_working_days_lie_between(day: date, number: int) -> None:
    last = add_workdays(day, number, holidays=True)
    assert sum(is_workday(day + timedelta(days=n)) for n in range(1, (last - day).days + 1)) == number
    assert add_workdays(day, number) == calendar.add_workdays(day, number) <= last


def test_who_only_reads_contracts_does_not_load_the_calendar() -> None:
    program = "import sys, kundval_contracts.workdays, kundval_contracts.client; print('holidays' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
