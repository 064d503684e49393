"""Payment runs: what is posted, what is taken back, and that nothing is posted twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from kundval_billing.domain import lines, settle
from kundval_billing.domain.settle import standing
from kundval_contracts.answer import Posting, recompute
from kundval_contracts.codes import LineKind

from .builders import ami2, claim, d, decision, exited, follow_ups, net, on, play, studies, tenant

EXIT = exited("2024-06-20")


def rows(posted: list[Posting]) -> list[tuple[str, str, str, int, str, str | None]]:
    return [
        (
            one.run.isoformat(),
            one.provider,
            one.kind.value,
            one.sequence,
            f"{one.amount:.2f}",
            one.reverses.isoformat() if one.reverses else None,
        )
        for one in posted
    ]


@pytest.mark.rule("NACKA-10")
def test_a_run_posts_what_is_payable_by_its_day_and_nothing_else() -> None:
    assert rows(play(ami2(), "2024-04-14")) == []
    assert rows(play(ami2(), "2024-04-15")) == [("2024-04-15", "alfa", "MONTHLY_FEE", 1, "8000.00", None)]
    assert len(play(ami2(), "2024-04-15", "2024-04-16", "2024-05-14")) == 1
    assert len(play(ami2(), "2024-04-15", "2024-05-15")) == 2


def test_the_same_run_again_posts_nothing() -> None:
    assert play(ami2(EXIT), "2024-07-01", "2024-07-01", "2024-07-01") == play(ami2(EXIT), "2024-07-01")


@pytest.mark.rule("AMI-10-a")
def test_premium_and_bonus_are_posted_apart() -> None:
    one = ami2(EXIT, *follow_ups(range(5, 13)), claim("2024-12-20"))
    posted = play(one, "2025-12-31")
    assert len(posted) == 4 + 8 + 1
    assert sum(row.amount for row in posted) == 116000
    assert all(recompute(row.steps) == row.amount and row.rules and row.because for row in posted)


@pytest.mark.rule("AMI-10.1-f")
def test_months_paid_after_a_break_off_are_credited_when_it_becomes_known() -> None:
    one = ami2(EXIT, *follow_ups([5, 6, 7]), on("2024-09-01", "broke_off", known_on="2024-10-20"))
    posted = play(one, "2024-08-15", "2024-10-15", "2024-10-20", "2024-11-30")
    assert rows(posted)[4:] == [
        ("2024-08-15", "alfa", "SPEED_PREMIUM", 5, "8000.00", None),
        ("2024-10-15", "alfa", "SPEED_PREMIUM", 6, "8000.00", None),
        ("2024-10-15", "alfa", "SPEED_PREMIUM", 7, "8000.00", None),
        ("2024-10-20", "alfa", "SPEED_PREMIUM", 6, "-8000.00", "2024-10-15"),
        ("2024-10-20", "alfa", "SPEED_PREMIUM", 7, "-8000.00", "2024-10-15"),
    ]
    credit = posted[-1]
    assert recompute(credit.steps) == credit.amount == -8000
    assert "AMI-10.1-f" in credit.rules
    assert credit.because.startswith("Taken back in full.")


@pytest.mark.rule("AMI-10.1-f")
def test_without_clawback_paid_months_stay_and_unpaid_ones_stop() -> None:
    settings = {"premium.clawback": "NONE"}
    one = ami2(EXIT, *follow_ups([5, 6, 7, 8]), on("2024-09-01", "broke_off", known_on="2024-10-20"))
    standing_now = net(play(one, "2024-10-15", "2024-10-20", "2025-12-31", settings=settings))
    assert [key[2] for key in standing_now if key[1] == "SPEED_PREMIUM"] == [5, 6, 7]
    at_once = net(play(one, "2025-12-31", settings=settings))
    assert [key[2] for key in at_once if key[1] == "SPEED_PREMIUM"] == [5]


def test_without_clawback_a_month_that_became_an_ordinary_one_is_still_paid_once() -> None:
    settings = {"premium.clawback": "NONE"}
    one = ami2(
        EXIT,
        *follow_ups([5, 6]),
        on("2024-09-01", "broke_off", known_on="2024-10-20"),
        on("2024-09-10", "resumed", provider="beta", known_on="2024-10-20"),
    )
    found = net(play(one, "2024-10-15", "2024-10-20", settings=settings))
    assert {key: amount for key, amount in found.items() if key[2] == 6} == {("beta", "MONTHLY_FEE", 6): Decimal(8000)}


def test_without_clawback_only_the_break_off_is_forgiven() -> None:
    """A month whose later report does not confirm, or that a person refuses, is settled like any other line."""
    settings = {"premium.clawback": "NONE"}
    half = studies("2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=50, household_income_support=True)
    rows = [half, decision("2024-06-21"), *follow_ups([5])]
    for late in (
        on("2024-10-01", "premium_follow_up", month=5, continues=False),
        decision("2024-10-01", approved=False),
    ):
        found = net(play(ami2(*rows, late), "2024-09-01", "2024-10-01", settings=settings))
        assert [key for key in found if key[1] == "SPEED_PREMIUM"] == []


def test_without_clawback_a_higher_amount_is_still_posted() -> None:
    settings = {"premium.clawback": "NONE", "premium.breakoff_month": "PRO_RATA"}
    one = ami2(EXIT, *follow_ups([5]), on("2024-09-01", "broke_off"))
    assert net(play(one, "2024-08-15", "2024-09-15", settings=settings))[("alfa", "SPEED_PREMIUM", 6)] == Decimal(
        "4387.10"
    )


def test_a_lower_amount_is_a_full_reversal_and_a_new_posting() -> None:
    settings = {"premium.breakoff_month": "PRO_RATA"}
    one = ami2(EXIT, *follow_ups([5, 6]), on("2024-09-01", "broke_off", known_on="2024-10-20"))
    assert rows(play(one, "2024-10-15", "2024-10-20", settings=settings))[-2:] == [
        ("2024-10-20", "alfa", "SPEED_PREMIUM", 6, "-8000.00", "2024-10-15"),
        ("2024-10-20", "alfa", "SPEED_PREMIUM", 6, "4387.10", None),
    ]


@pytest.mark.rule("AMI-9-d", "AMI-9-e")
@pytest.mark.parametrize(
    "late",
    [
        on("2024-11-01", "broke_off", known_on="2025-02-01"),
        on("2025-01-20", "eb_paid", from_="2024-10-01", to="2024-11-01", scope="HOUSEHOLD", known_on="2025-02-01"),
    ],
)
def test_a_bonus_that_was_paid_is_credited_whole_when_the_six_months_prove_broken(late: dict[str, object]) -> None:
    posted = play(ami2(EXIT, claim("2024-12-20"), late), "2024-12-20", "2025-02-01")
    assert [row[4:] for row in rows(posted) if row[2] == "RESULT_BONUS"] == [
        ("20000.00", None),
        ("-20000.00", "2024-12-20"),
    ]


def test_a_switch_that_becomes_known_late_moves_the_month_to_the_other_provider() -> None:
    one = ami2(on("2024-04-10", "provider_switch", provider="beta", approved=True, known_on="2024-05-01"))
    assert rows(play(one, "2024-04-15", "2024-05-01")) == [
        ("2024-04-15", "alfa", "MONTHLY_FEE", 1, "8000.00", None),
        ("2024-05-01", "alfa", "MONTHLY_FEE", 1, "-8000.00", "2024-04-15"),
        ("2024-05-01", "beta", "MONTHLY_FEE", 1, "8000.00", None),
    ]


def test_a_posting_whose_line_is_gone_is_taken_back() -> None:
    posted = play(ami2(), "2024-04-15")
    assert rows(list(settle(posted, (), d("2024-05-01"), tenant()))) == [
        ("2024-05-01", "alfa", "MONTHLY_FEE", 1, "-8000.00", "2024-04-15")
    ]


def test_two_runs_on_one_day_follow_the_facts_back_and_forth() -> None:
    """Paid, taken back, paid again and taken back on the same day: the ledger always says what is due."""
    day, held = d("2024-10-15"), tenant()
    with_it = lines(ami2(EXIT, *follow_ups([5])), held, day)
    without = lines(ami2(EXIT), held, day)
    posted: list[Posting] = []
    for due in (with_it, without, with_it, with_it, without, without, with_it):
        posted += settle(posted, due, day, held)
        premium = [one for one in posted if one.kind is LineKind.SPEED_PREMIUM]
        assert sum(one.amount for one in premium) == (8000 if due is with_it else 0)
        assert len(standing(premium)) == (1 if due is with_it else 0)
    assert [f"{one.amount:.0f}" for one in premium] == ["8000", "-8000", "8000", "-8000", "8000"]


def test_the_order_of_the_ledger_does_not_matter() -> None:
    one = ami2(EXIT, *follow_ups([5, 6, 7]), on("2024-09-01", "broke_off", known_on="2024-10-20"))
    posted = play(one, "2024-10-15")
    due = lines(one, tenant(), d("2024-10-20"))
    assert settle(posted, due, d("2024-10-20"), tenant()) == settle(posted[::-1], due[::-1], d("2024-10-20"), tenant())


def test_a_line_that_is_payable_later_than_the_run_is_not_posted() -> None:
    (line, *_) = lines(ami2(), tenant(), d("2024-04-15"))
    assert settle((), [replace(line, payable_from=d("2024-04-16"))], d("2024-04-15"), tenant()) == ()
    assert len(settle((), [line], d("2024-04-15"), tenant())) == 1


def test_a_fee_of_nothing_is_not_posted() -> None:
    assert play(ami2(), "2024-12-31", settings={"AMI2_MONTHLY_FEE": 0}) == []
