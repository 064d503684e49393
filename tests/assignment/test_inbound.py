"""What follows from what other systems tell, without a database: days in common, gaps, months; and the bonus test."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_assignment.domain.inbound import (
    Assisted,
    Employed,
    Ending,
    Membership,
    Payment,
    Studies,
    assisted,
    covered_until,
    employed_of,
    ending_of,
    months_shown,
    payment_of,
    studies_of,
)
from kundval_contracts.calendar import Period
from kundval_contracts.codes import BenefitScope, StudyAid

JAN, FEB, MARCH, APRIL = (date(2024, month, 1) for month in range(1, 5))
HERE = Membership("h-1", JAN)
WINDOW = Period(date(2024, 6, 10), date(2024, 12, 10))
DAY = timedelta(days=1)


def one(payment: Payment, *endings: Ending, memberships: tuple[Membership, ...] = (HERE,)) -> list[tuple[date, date]]:
    return sorted((found.start, found.end) for found in assisted([payment], endings, memberships))


def paid(start: date = FEB, end: date = MARCH, household: str = "h-1") -> Payment:
    return Payment("p-1", household, Period(start, end))


# --- assistance ------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-9-d")
@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (JAN, None, [(FEB, MARCH)]),
        (FEB, MARCH, [(FEB, MARCH)]),
        (FEB + DAY, None, [(FEB + DAY, MARCH)]),
        (JAN, MARCH - DAY, [(FEB, MARCH - DAY)]),
        (JAN, FEB, []),
        (JAN, FEB + DAY, [(FEB, FEB + DAY)]),
        (MARCH - DAY, None, [(MARCH - DAY, MARCH)]),
        (MARCH, None, []),
    ],
)
def test_assistance_counts_for_the_days_on_which_the_person_belonged_to_the_household(
    since: date, until: date | None, found: list[tuple[date, date]]
) -> None:
    assert one(paid(), memberships=(Membership("h-1", since, until),)) == found
    assert one(paid(household="h-2"), memberships=(Membership("h-1", since, until),)) == []


@pytest.mark.parametrize(
    ("on", "end"),
    [(FEB - DAY, MARCH), (FEB, MARCH), (FEB + DAY, FEB + DAY), (MARCH - DAY, MARCH - DAY), (MARCH, MARCH)],
)
def test_a_benefit_period_that_had_begun_when_the_assistance_ended_is_over_on_that_day(on: date, end: date) -> None:
    assert one(paid(), Ending("h-1", on)) == [(FEB, end)]
    assert one(paid(), Ending("h-2", on)) == [(FEB, MARCH)]


@pytest.mark.rule("AMI-9-c")
def test_who_was_paid_is_told_from_the_rest_of_the_household() -> None:
    found = assisted([Payment("p-1", "h-1", Period(FEB, MARCH), to_client=True)], [], [HERE])
    assert found == {Assisted("p-1", FEB, MARCH, BenefitScope.CLIENT)}
    twice = assisted([paid()], [], [Membership("h-1", JAN, FEB + DAY), Membership("h-1", MARCH - DAY)])
    assert twice == {
        Assisted("p-1", FEB, FEB + DAY, BenefitScope.HOUSEHOLD),
        Assisted("p-1", MARCH - DAY, MARCH, BenefitScope.HOUSEHOLD),
    }


_DAYS = st.dates(date(2024, 1, 1), date(2024, 2, 15))
_PERIODS = st.tuples(_DAYS, st.integers(1, 30)).map(lambda row: Period(row[0], row[0] + row[1] * DAY))
_HOUSES = st.sampled_from(["h-1", "h-2"])


@given(
    st.lists(st.tuples(_HOUSES, _PERIODS), max_size=4),
    st.lists(st.tuples(_HOUSES, _DAYS), max_size=3),
    st.lists(st.tuples(_HOUSES, _PERIODS), max_size=4),
)
def test_on_every_day_somebody_is_assisted_just_if_some_payment_and_membership_hold_on_it(
    paid_for: list[tuple[str, Period]], ended: list[tuple[str, date]], lived: list[tuple[str, Period]]
) -> None:
    payments = [Payment(f"p-{place}", house, period) for place, (house, period) in enumerate(paid_for)]
    endings = [Ending(house, day) for house, day in ended]
    memberships = [Membership(house, period.start, period.end) for house, period in lived]
    found = assisted(payments, endings, memberships)
    assert found == assisted(payments[::-1], endings[::-1], memberships[::-1])
    for number in range(80):
        day = date(2024, 1, 1) + number * DAY
        expected = {
            payment.id
            for payment in payments
            if day in payment.period
            and not any(house == payment.household and payment.period.start < on <= day for house, on in ended)
            and any(house == payment.household and day in period for house, period in lived)
        }
        assert {row.payment for row in found if row.start <= day < row.end} == expected


# --- evidence --------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-9-h")
@pytest.mark.parametrize(
    ("periods", "until"),
    [
        ([], None),
        ([(WINDOW.start, WINDOW.end)], WINDOW.end),
        ([(WINDOW.start - DAY, WINDOW.end + DAY)], WINDOW.end),
        ([(WINDOW.start + DAY, WINDOW.end)], None),
        ([(WINDOW.start, WINDOW.end - DAY)], WINDOW.end - DAY),
        ([(WINDOW.start - DAY, WINDOW.start)], None),
        ([(date(2024, 9, 1), WINDOW.end), (WINDOW.start, date(2024, 9, 1))], WINDOW.end),
        ([(WINDOW.start, date(2024, 9, 1)), (date(2024, 9, 2), WINDOW.end)], date(2024, 9, 1)),
        ([(WINDOW.start, WINDOW.end), (WINDOW.start, date(2024, 7, 1))], WINDOW.end),
    ],
)
def test_certificates_cover_the_six_months_as_far_as_one_follows_on_the_other(
    periods: list[tuple[date, date]], until: date | None
) -> None:
    studies = [Studies(Period(*period), 100) for period in periods]
    assert covered_until(studies, WINDOW, 100) == until
    assert covered_until([Studies(Period(*period), 99) for period in periods], WINDOW, 100) is None


@pytest.mark.rule("AMI-9-c", "AMI-9-e")
def test_months_with_a_day_in_the_window_are_shown_and_employers_by_number() -> None:
    told = [Employed(date(2024, month, 1), name) for month, name in ((5, "x"), (6, "b"), (7, "a"), (7, "b"), (12, "a"))]
    rows = months_shown(told, WINDOW)
    assert [row.month.month for row in rows] == [6, 7, 8, 9, 10, 11, 12]
    assert [row.employers for row in rows] == [(1,), (1, 2), (), (), (), (), (2,)]
    assert rows == months_shown(told[::-1], WINDOW)
    assert [row.month.month for row in months_shown([], Period(date(2024, 6, 1), date(2024, 12, 1)))] == [*range(6, 12)]


def test_what_was_told_is_read_back() -> None:
    period = {"from": "2024-02-01", "to": "2024-03-01"}
    assert payment_of({"payment": "p-1", "household": "h-1", **period}, to_client=False) == paid()
    assert ending_of({"household": "h-1", "on": "2024-02-01"}) == Ending("h-1", FEB)
    assert studies_of({"extent_pct": 50, **period}) == Studies(Period(FEB, MARCH), 50)
    aid = {"extent_pct": 50, "aid": "STUDY_START_SUPPORT", **period}
    assert studies_of({**aid, "granted": True}) == Studies(Period(FEB, MARCH), 50, StudyAid.STUDY_START_SUPPORT)
    assert studies_of({**aid, "granted": False}) is None
    assert employed_of({"month": "2024-02-01", "employer": "e-1"}) == Employed(FEB, "e-1")
