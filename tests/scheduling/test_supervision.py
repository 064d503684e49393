"""Supervision of providers: visits at the interval that the municipality has set."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_contracts.case import Provider
from kundval_contracts.codes import ObligationState, Ownership, Programme
from kundval_scheduling.domain.supervision import authorised_since, changes_on, supervision
from tests.scheduling.builders import d, tenant

ALFA = Provider("alfa", Ownership.PRIVATE, {Programme.AMI_1: d("2024-03-01"), Programme.AMI_2: d("2024-02-29")})
HALF_YEAR = {"supervision.interval_months": 6}


def visits(*days: str, as_of: str, provider: Provider = ALFA) -> list[tuple[int, str, str, str | None]]:
    found = supervision(provider, [d(day) for day in days], tenant(HALF_YEAR), d(as_of))
    rows = [one.as_json() for one in found]
    return [(row["sequence"], row["due"], row["state"], row["met_on"]) for row in rows]


@pytest.mark.rule("NACKA-18")
@pytest.mark.parametrize(
    ("as_of", "state"), [("2024-08-28", "OPEN"), ("2024-08-29", "OPEN"), ("2024-08-30", "OVERDUE")]
)
def test_the_first_visit_is_due_an_interval_after_the_authorisation(as_of: str, state: str) -> None:
    assert visits(as_of=as_of) == [(1, "2024-08-29", state, None)]


@pytest.mark.rule("NACKA-18")
def test_each_visit_meets_the_one_that_was_due_and_sets_the_next() -> None:
    assert visits("2024-09-10", "2024-12-31", as_of="2025-07-01") == [
        (1, "2024-08-29", "MET", "2024-09-10"),
        (2, "2025-03-10", "MET", "2024-12-31"),
        (3, "2025-06-30", "OVERDUE", None),
    ]
    assert visits("2024-09-10", "2024-12-31", as_of="2024-09-10") == [
        (1, "2024-08-29", "MET", "2024-09-10"),
        (2, "2025-03-10", "OPEN", None),
    ]


@pytest.mark.rule("NACKA-18")
def test_without_an_interval_or_an_authorisation_no_visit_is_due() -> None:
    assert supervision(ALFA, [], tenant(), d("2030-01-01")) == ()
    assert visits(as_of="2024-02-28") == []
    ended = replace(ALFA, deauthorised=dict.fromkeys(ALFA.authorised, d("2024-07-01")))
    assert visits(as_of="2024-06-30", provider=ended) == [(1, "2024-08-29", "OPEN", None)]
    assert visits(as_of="2024-07-01", provider=ended) == []
    assert authorised_since(ended, d("2024-06-30")) == d("2024-02-29")


@pytest.mark.rule("NACKA-18")
@given(
    st.lists(st.dates(date(2024, 1, 1), date(2027, 1, 1))), st.dates(date(2024, 3, 1), date(2027, 1, 1)), st.randoms()
)
def test_the_order_of_visits_does_not_matter_and_one_is_always_ahead(
    days: list[date], as_of: date, chance: st.DataObject
) -> None:
    here = tenant(HALF_YEAR)
    rows = supervision(ALFA, days, here, as_of)
    assert supervision(ALFA, sorted(days, reverse=True), here, as_of) == rows
    assert [row.state for row in rows[:-1]] == [ObligationState.MET] * (len(rows) - 1)
    assert rows[-1].state is not ObligationState.MET
    change = changes_on(rows)
    assert (change is None) == (rows[-1].state is ObligationState.OVERDUE)
