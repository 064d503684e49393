"""Dates as rulebook 0.4 counts them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_contracts.calendar import Period, add_days, add_months, add_workdays, age_on, month_index

days = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        (date(2024, 8, 31), 6, date(2025, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2024, 8, 31), 10, date(2025, 6, 30)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 3, 15), 0, date(2024, 3, 15)),
        (date(2024, 1, 31), -2, date(2023, 11, 30)),
        (date(2024, 12, 15), 1, date(2025, 1, 15)),
    ],
)
def test_months_are_added_to_the_day_of_the_month_and_clipped_to_its_last(
    anchor: date, months: int, expected: date
) -> None:
    assert add_months(anchor, months) == expected


def test_months_are_counted_from_the_original_anchor_and_never_chained() -> None:
    assert add_months(add_months(date(2024, 8, 31), 6), 4) == date(2025, 6, 28)
    assert add_months(date(2024, 8, 31), 10) == date(2025, 6, 30)


@pytest.mark.parametrize(
    ("day", "number"),
    [
        (date(2024, 3, 14), 1),
        (date(2024, 3, 15), 1),
        (date(2024, 4, 14), 1),
        (date(2024, 4, 15), 2),
        (date(2025, 3, 14), 12),
        (date(2025, 3, 15), 13),
    ],
)
def test_the_anchor_day_is_in_month_one_and_a_month_ends_before_its_anniversary(day: date, number: int) -> None:
    assert month_index(date(2024, 3, 15), day) == number


@given(days, days)
def test_the_month_index_is_the_smallest_whose_end_lies_after_the_day(anchor: date, day: date) -> None:
    number = month_index(anchor, day)
    assert number >= 1
    assert day < add_months(anchor, number)
    assert number == 1 or day >= add_months(anchor, number - 1)


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(1958, 6, 1), date(2025, 5, 31), 66),
        (date(1958, 6, 1), date(2025, 6, 1), 67),
        (date(2004, 2, 29), date(2025, 2, 27), 20),
        (date(2004, 2, 29), date(2025, 2, 28), 21),
        (date(2004, 2, 29), date(2024, 2, 28), 19),
        (date(2004, 2, 29), date(2024, 2, 29), 20),
    ],
)
def test_a_birthday_on_leap_day_falls_on_the_28th_in_an_ordinary_year(birth: date, day: date, age: int) -> None:
    assert age_on(birth, day) == age


@pytest.mark.parametrize(
    ("day", "workdays", "expected"),
    [
        (date(2024, 5, 6), 1, date(2024, 5, 7)),
        (date(2024, 5, 10), 1, date(2024, 5, 13)),  # Friday to Monday
        (date(2024, 5, 11), 1, date(2024, 5, 13)),  # Saturday to Monday
        (date(2024, 5, 10), 0, date(2024, 5, 10)),
        (date(2024, 5, 6), 5, date(2024, 5, 13)),
    ],
)
def test_working_days_are_monday_to_friday(day: date, workdays: int, expected: date) -> None:
    assert add_workdays(day, workdays) == expected


def test_a_period_covers_its_start_and_not_its_end() -> None:
    period = Period(date(2024, 6, 15), date(2024, 7, 15))
    assert date(2024, 6, 15) in period
    assert date(2024, 7, 14) in period
    assert date(2024, 7, 15) not in period
    assert "2024-06-20" not in period
    assert (period.last_day, period.days) == (date(2024, 7, 14), 30)
    assert list(Period(date(2024, 2, 28), date(2024, 3, 1))) == [date(2024, 2, 28), date(2024, 2, 29)]


def test_a_period_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Period(date(2024, 6, 15), date(2024, 6, 14))


@given(days, st.integers(0, 60), days, st.integers(0, 60))
def test_two_periods_overlap_when_they_share_a_day(a: date, length_a: int, b: date, length_b: int) -> None:
    first, second = Period(a, add_days(a, length_a)), Period(b, add_days(b, length_b))
    assert first.overlaps(second) is bool(set(first) & set(second))
    assert first.overlaps(second) is second.overlaps(first)


@given(days)
def test_adding_days_crosses_every_border(day: date) -> None:
    assert add_days(day, 90) - day == timedelta(days=90)
