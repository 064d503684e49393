"""Bonus claims of one person that may be about the same thing, and claims that do not count."""

from __future__ import annotations

from typing import Any

import pytest

from kundval_assignment.domain import rejected_claims
from kundval_assignment.domain.overlaps import Claimed, claimed, overlaps
from kundval_contracts.answer import Rejection
from kundval_contracts.calendar import Period, add_months
from kundval_contracts.case import Case
from kundval_contracts.codes import OverlapGround, Programme
from kundval_contracts.facts import load_fact
from kundval_contracts.settings import RuleSettings, read_settings
from kundval_contracts.timeline import Timeline
from tests.billing.builders import claim, d, exited, on, start

SIX, WORK = OverlapGround.SIX_MONTHS, OverlapGround.WORKPLACE


def half_year(assignment: str, first_day: str, workplace: str | None = "W1") -> Claimed:
    day = d(first_day)
    return Claimed(assignment, Period(day, add_months(day, 6)), workplace, day)


def timeline(*rows: dict[str, Any]) -> Timeline:
    facts = [load_fact(row, place) for place, row in enumerate([*start("2024-03-15", "2024-03-15"), *rows])]
    return Timeline(Case("A-1", Programme.AMI_2).having(facts), RuleSettings(read_settings({})))


@pytest.mark.rule("AMI-10.2-a")
@pytest.mark.parametrize(
    ("other", "grounds"),
    [
        (half_year("A-2", "2024-06-20", "W2"), (SIX,)),
        (half_year("A-2", "2024-12-19", "W2"), (SIX,)),  # the last day of the six months
        (half_year("A-2", "2024-12-20", "W2"), None),  # the settle date
        (half_year("A-2", "2023-12-20", "W2"), None),
        (half_year("A-2", "2023-12-21", "W2"), (SIX,)),
        (half_year("A-2", "2024-06-20"), (SIX, WORK)),
        (half_year("A-1", "2024-06-20"), None),  # an assignment does not overlap with itself
    ],
)
def test_claims_overlap_by_their_six_months_or_by_the_work(
    other: Claimed, grounds: tuple[OverlapGround, ...] | None
) -> None:
    found = overlaps([half_year("A-1", "2024-06-20"), other])
    assert found == ({} if grounds is None else {"A-1": (("A-2",), grounds), "A-2": (("A-1",), grounds)})


@pytest.mark.rule("AMI-10.2-a")
def test_the_same_work_is_found_where_the_half_years_are_apart_and_unknown_work_is_not() -> None:
    early = Claimed("A-1", Period(d("2024-01-01"), d("2024-07-01")), "W1", d("2024-06-20"))
    late = Claimed("A-2", Period(d("2024-07-01"), d("2025-01-01")), "W1", d("2024-06-20"))
    assert overlaps([early, late]) == {"A-1": (("A-2",), (WORK,)), "A-2": (("A-1",), (WORK,))}
    unknown = [Claimed(one.assignment, one.window, None, one.first_day) for one in (early, late)]
    assert overlaps(unknown) == {}


def test_of_three_each_names_those_that_it_overlaps_with() -> None:
    three = [
        half_year("A-1", "2024-01-01", "a"),
        half_year("A-2", "2024-05-01", "b"),
        half_year("A-3", "2024-09-01", "c"),
    ]
    assert {name: others for name, (others, _) in overlaps(three).items()} == {
        "A-1": ("A-2",),
        "A-2": ("A-1", "A-3"),
        "A-3": ("A-2",),
    }


@pytest.mark.rule("AMI-9-b", "AMI-10.2-c")
def test_an_exit_counts_as_claimed_when_a_claim_belongs_to_it() -> None:
    exit_ = exited("2024-06-20")
    assert claimed(timeline(exit_)) == ()
    assert claimed(timeline(exit_, claim("2024-12-19"))) == ()
    assert claimed(timeline(exit_, claim("2024-12-20"))) == (half_year("A-1", "2024-06-20"),)
    again = (on("2025-01-05", "broke_off"), on("2025-01-10", "resumed", provider="beta"))
    assert len(claimed(timeline(exit_, claim("2024-12-20"), *again))) == 1


@pytest.mark.rule("AMI-9-b", "AMI-10.2-c")
def test_a_claim_that_does_not_count_is_told_and_other_refused_facts_are_not() -> None:
    facts = [
        load_fact(claim("2024-12-19"), 0, "c-1"),
        load_fact(on("2024-12-19", "resumed", provider="alfa"), 1, "r-1"),
    ]
    rejections = [
        Rejection("A-1", 0, "CLAIM_PREMATURE", "Too early.", ("AMI-10.2-c",)),
        Rejection("A-1", 1, "NOT_BROKEN_OFF", "No.", ("AMI-10.1-d",)),
    ]
    told = {"fact_id": "c-1", "on": "2024-12-19", "code": "CLAIM_PREMATURE", "rules": ["AMI-10.2-c"]}
    assert rejected_claims(facts, rejections) == {"bonus_claim_rejected:c-1": told}
    assert rejected_claims(facts, rejections[1:]) == {}
