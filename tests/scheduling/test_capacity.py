"""Hours of a function in a municipality (LOKA-64), and what a title means there (LOKA-55)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_contracts.codes import MunicipalFunction
from kundval_contracts.profiles import Staff, profiles
from kundval_scheduling.domain.capacity import capacity_hours, function_of


@pytest.mark.rule("LOKA-55")
def test_a_title_means_what_the_municipality_says_and_else_what_it_means_everywhere() -> None:
    timra, nacka = profiles()["timra"], profiles()["nacka"]
    assert function_of(timra, "arbetsmarknadshandledare") is MunicipalFunction.SUPERVISOR
    assert function_of(nacka, "arbetsmarknadshandledare") is None
    assert function_of(nacka, "jobbmäklare") is MunicipalFunction.EMPLOYER_LIAISON
    assert function_of(nacka, "karriärvägledare") is MunicipalFunction.CAREER_GUIDE


FULL = Decimal(40)


def hours(key: str, function: MunicipalFunction) -> tuple[Decimal, int]:
    found = capacity_hours(profiles()[key], function, FULL)
    return found.hours, found.unknown


@pytest.mark.rule("LOKA-64")
def test_capacity_is_share_times_hours_and_not_heads() -> None:
    assert hours("lilla_edet", MunicipalFunction.STUDY_CAREER_GUIDE) == (Decimal("8.0"), 0)
    assert hours("molndal", MunicipalFunction.STUDY_CAREER_GUIDE) == (Decimal(40), 0)
    assert hours("timra", MunicipalFunction.KAA_OFFICER) == (Decimal("10.00"), 0)
    assert hours("harnosand", MunicipalFunction.OCCUPATIONAL_THERAPIST) == (Decimal("30.00"), 0)


@pytest.mark.rule("LOKA-64")
def test_who_has_two_roles_counts_half_in_each() -> None:
    # one person 50/50, another case worker and another coordinator whose shares are not stated
    assert hours("lilla_edet", MunicipalFunction.CASE_WORKER) == (Decimal("20.0"), 1)
    assert hours("lilla_edet", MunicipalFunction.COORDINATOR) == (Decimal("20.0"), 1)


@pytest.mark.rule("LOKA-64")
def test_what_is_not_stated_is_counted_as_unknown_and_not_as_full_time() -> None:
    assert hours("kungsbacka", MunicipalFunction.PRACTICE_COORDINATOR) == (Decimal(0), 1)
    assert hours("timra", MunicipalFunction.PROJECT_STAFF) == (Decimal(0), 1)


SHARES = st.decimals(0, 1, places=2)


@pytest.mark.rule("LOKA-64")
@given(st.lists(st.tuples(st.integers(1, 20), SHARES), max_size=6), st.decimals(1, 60, places=1))
def test_capacity_is_the_sum_over_the_rows_of_staff(rows: list[tuple[int, Decimal]], weekly: Decimal) -> None:
    base = profiles()["kungsbacka"]
    lead = tuple(Staff("jobbmäklare", number, share) for number, share in rows)
    bare = replace(base.organisation, units=(replace(base.organisation.units[0], staff=()),), lead=lead)
    found = capacity_hours(replace(base, organisation=bare), MunicipalFunction.EMPLOYER_LIAISON, weekly)
    assert found.unknown == 0
    assert found.hours == sum((number * share for number, share in rows), Decimal(0)) * weekly
