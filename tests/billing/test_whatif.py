"""What a draft would change: compared line by line, added up by group."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_billing.domain import lines
from kundval_billing.domain.whatif import LARGEST, Difference, difference
from kundval_contracts.answer import Line, Step, recompute
from kundval_contracts.case import Case
from kundval_contracts.codes import LineStatus

from . import strategies as any_
from .builders import ami1, ami2, claim, d, exited, follow_ups, on, tenant

Settings = dict[str, Any]
EARNED = ami2(exited("2024-06-20"), *follow_ups(range(5, 13)), claim("2024-12-20"))


def of(case: Case, as_of: str, before: Settings, after: Settings) -> Difference:
    """The difference between two settings."""
    known, day = case.known_by(d(as_of)), d(as_of)
    return difference(case.programme, lines(known, tenant(before), day), lines(known, tenant(after), day))


def named(case: Case, name: str) -> Case:
    return Case(name, case.programme, case.plan, case.delivery_area, case.facts)


def amounts(found: Difference, *names: str) -> dict[tuple[str, ...], tuple[str, str]]:
    return {key: (f"{one.before:.2f}", f"{one.after:.2f}") for key, one in found.by(*names).items()}


def test_another_fee_changes_every_month_that_is_paid_by_provider_programme_month_and_kind() -> None:
    found = of(EARNED, "2024-06-30", {}, {"AMI2_MONTHLY_FEE": 8500})
    assert amounts(found, "provider", "programme", "month", "kind") == {
        ("alfa", "AMI_2", "2024-04", "MONTHLY_FEE"): ("8000.00", "8500.00"),
        ("alfa", "AMI_2", "2024-05", "MONTHLY_FEE"): ("8000.00", "8500.00"),
        # month 3 ends on 15 June, month 4 with the exit on the 20th
        ("alfa", "AMI_2", "2024-06", "MONTHLY_FEE"): ("16000.00", "17000.00"),
    }
    assert amounts(found, "direction") == {("PAYABLE",): ("32000.00", "34000.00")}
    (change,) = found.largest
    assert (change.assignment, change.before, change.after) == ("A-001", 32000, 34000)


def test_a_line_belongs_to_the_month_in_which_it_becomes_payable() -> None:
    found = of(EARNED, "2025-01-31", {}, {"bonus.max": 15000})
    assert amounts(found, "month", "kind")[("2024-12", "RESULT_BONUS")] == ("20000.00", "15000.00")


def test_the_largest_changes_carry_derivations_that_recompute_to_both_amounts() -> None:
    (change,) = of(EARNED, "2025-01-31", {}, {"bonus.max": 15000}).as_json()["largest"]
    (line,) = change["lines"]
    assert (line["kind"], line["before"]["amount"], line["after"]["amount"]) == ("RESULT_BONUS", "20000.00", "15000.00")
    for side in (line["before"], line["after"]):
        assert recompute(Step.from_json(step) for step in side["steps"]) == Decimal(side["amount"])


@pytest.mark.rule("AMI-10.1-f")
def test_a_line_that_stands_otherwise_is_told_as_a_move_from_one_status_to_another() -> None:
    broken = ami2(exited("2024-06-20"), *follow_ups(range(5, 8)), on("2024-08-20", "broke_off"))
    found = of(broken, "2025-01-31", {}, {"premium.breakoff_month": "FULL"})
    moves = {(row["from"], row["to"]): (row["lines"], row["before"], row["after"]) for row in found.as_json()["moves"]}
    assert moves == {("STOPPED", "PAYABLE"): (1, "0.00", "8000.00")}


def test_a_line_that_there_would_not_be_and_one_that_there_would_be_are_moves_from_and_to_nothing() -> None:
    short = ami1()
    found = of(short, "2025-08-01", {}, {"intervention.anchor": "START_UP", "ami1.length_unit": "MONTHS_3"})
    assert not of(short, "2025-08-01", {}, {}).moves
    gone = difference(short.programme, lines(short, tenant(), d("2025-08-01")), ())
    assert {(row["from"], row["to"]): row["lines"] for row in gone.as_json()["moves"]} == {("PAYABLE", None): 3}
    come = difference(short.programme, (), lines(short, tenant(), d("2025-08-01")))
    assert {(row["from"], row["to"]): row["lines"] for row in come.as_json()["moves"]} == {(None, "PAYABLE"): 3}
    assert found.changed  # the months are others, and so are their days


def test_of_many_assignments_the_ten_that_change_most_are_told_whichever_way_they_go() -> None:
    found = Difference()
    for number in range(LARGEST + 5):
        found.add(of(named(EARNED, f"A-{number:02d}"), "2024-06-30", {}, {"AMI2_MONTHLY_FEE": 8000 - number}))
    assert [one.assignment for one in found.largest] == [f"A-{number:02d}" for number in range(14, 4, -1)]
    assert found.assignments == 15 and found.changed == 14  # one got the fee that it has


def test_the_answer_is_made_of_groups_and_margins_whose_sums_agree() -> None:
    found = Difference()
    for number, one in enumerate((EARNED, ami1(exited("2025-04-01"), decided="2025-03-03"))):
        found.add(of(named(one, f"A-{number}"), "2025-06-01", {}, {"AMI2_MONTHLY_FEE": 8500, "AMI1_MONTHLY_FEE": 5000}))
    answer = found.as_json()
    (total,) = answer["totals"]
    for part in ("providers", "programmes", "months", "kinds"):
        for name in ("before", "after", "difference"):
            assert sum(Decimal(row[name]) for row in answer[part]) == Decimal(total[name]), (part, name)
    assert sum(Decimal(row["difference"]) for row in answer["groups"]) == Decimal(total["difference"])
    assert all(row["difference"] != "0.00" for row in answer["groups"])


# --- properties ----------------------------------------------------------------------------------------


def paid(found: tuple[Line, ...]) -> Decimal:
    return sum((line.amount for line in found if line.status is LineStatus.PAYABLE), Decimal(0))


@pytest.mark.slow
@settings(max_examples=60)
@given(any_.cases(), any_.readings())
def test_a_draft_that_says_what_is_in_force_changes_nothing(case: Case, readings: Settings) -> None:
    found = of(case, "2028-01-01", readings, readings)
    assert found.is_empty and not found.moves and not found.largest
    assert all(sums.difference == 0 for sums in found.groups.values())


@pytest.mark.slow
@settings(max_examples=60)
@given(any_.cases(), any_.readings(), any_.readings())
def test_before_and_difference_make_after_in_every_group_and_in_all(case: Case, one: Settings, other: Settings) -> None:
    before = lines(case, tenant(one), any_.FAR)
    after = lines(case, tenant(other), any_.FAR)
    found = difference(case.programme, before, after)
    assert all(sums.before + sums.difference == sums.after for sums in found.groups.values())
    for side, whole in (("before", paid(before)), ("after", paid(after))):
        assert sum((getattr(sums, side) for sums in found.groups.values()), Decimal(0)) == whole


@pytest.mark.slow
@settings(max_examples=40)
@given(any_.cases(), any_.readings(), any_.readings(), any_.readings())
def test_two_drafts_one_after_the_other_make_the_difference_of_both(
    case: Case, first: Settings, second: Settings, third: Settings
) -> None:
    one, other, whole = (
        {key: sums.difference for key, sums in of(case, "2028-01-01", *pair).groups.items()}
        for pair in ((first, second), (second, third), (first, third))
    )
    for key in {*one, *other, *whole}:
        assert one.get(key, 0) + other.get(key, 0) == whole.get(key, 0), key


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(any_.cases(), min_size=2, max_size=5), any_.readings(), st.randoms(use_true_random=False))
def test_the_order_of_the_assignments_does_not_matter(cases: list[Case], readings: Settings, random: Any) -> None:
    parts = [of(named(one, f"A-{number}"), "2028-01-01", {}, readings) for number, one in enumerate(cases)]
    shuffled = list(parts)
    random.shuffle(shuffled)
    one, other = Difference(), Difference()
    for part in parts:
        one.add(part)
    for part in shuffled:
        other.add(part)
    assert one.as_json() == other.as_json()
