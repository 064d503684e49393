"""The shapes of the answer: money, derivations, sorting, totals."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest

from kundval_contracts.answer import (
    Line,
    Notice,
    Obligation,
    Posting,
    Rejection,
    Step,
    answer,
    money,
    recompute,
    totals,
)
from kundval_contracts.codes import LineKind, LineStatus, ObligationKind, ObligationState, Role

DAY = date(2024, 4, 15)


def line(**fields: object) -> Line:
    given: dict[str, object] = {
        "assignment": "A-001",
        "provider": "alfa",
        "kind": LineKind.MONTHLY_FEE,
        "sequence": 1,
        "start": date(2024, 3, 15),
        "end": DAY,
        "amount": Decimal("8000"),
        "status": LineStatus.PAYABLE,
        "payable_from": DAY,
        "rules": ("AMI-10.1-a",),
        "because": "Monthly fee.",
    }
    return Line(**{**given, **fields})  # type: ignore[arg-type]


def test_a_line_has_the_shape_of_the_format() -> None:
    assert line(steps=(Step("fee", Decimal(8000)),)).as_json() == {
        "assignment": "A-001", "provider": "alfa", "kind": "MONTHLY_FEE", "sequence": 1,
        "from": "2024-03-15", "to": "2024-04-15", "amount": "8000.00", "currency": "SEK",
        "status": "PAYABLE", "payable_from": "2024-04-15", "rules": ["AMI-10.1-a"], "because": "Monthly fee.",
    }  # fmt: skip
    assert line(payable_from=None).as_json()["payable_from"] is None


def test_a_posting_says_which_run_it_takes_back() -> None:
    posting = Posting(DAY, "A-001", "alfa", LineKind.SPEED_PREMIUM, 6, Decimal("-8000"), date(2024, 4, 1))
    assert posting.as_json() == {
        "run": "2024-04-15", "assignment": "A-001", "provider": "alfa", "kind": "SPEED_PREMIUM", "sequence": 6,
        "amount": "-8000.00", "reverses": "2024-04-01",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "text"), [("8000", "8000.00"), ("0", "0.00"), ("-5.5", "-5.50"), ("1E+3", "1000.00")]
)
def test_money_has_two_decimals(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


def test_money_is_never_rounded_on_the_way_out() -> None:
    with pytest.raises(ValueError, match="more than two decimals"):
        money(Decimal("0.001"))


@pytest.mark.parametrize(
    ("steps", "amount"),
    [
        ((), "0.00"),
        ((Step("fee", Decimal(8000)), Step("21 of 31 days", factor=Decimal(21), divisor=Decimal(31))), "5419.35"),
        ((Step("fee", Decimal("0.01")), Step("half", factor=Decimal("0.5"))), "0.01"),  # half up, not to even
        ((Step("fee", Decimal("0.05")), Step("half", factor=Decimal("0.5"))), "0.03"),
        ((Step("fee", Decimal("-0.05")), Step("half", factor=Decimal("0.5"))), "-0.03"),
        ((Step("fee", Decimal("0.15")), Step("1 of 30 days", None, Decimal(1), Decimal(30))), "0.01"),
        ((Step("fee", Decimal(8000)), Step("less", Decimal("-1600"))), "6400.00"),
        ((Step("fee", Decimal(8000)), Step("not paid", factor=Decimal(0))), "0.00"),
    ],
)
def test_a_derivation_is_rounded_half_up_once_at_its_end(steps: tuple[Step, ...], amount: str) -> None:
    assert recompute(steps) == Decimal(amount)


def test_a_share_by_days_of_every_month_is_exact() -> None:
    """A day's share that ends in half an öre is rounded up, whatever the number of days in the month."""
    for days in (28, 29, 30, 31):
        fee = Decimal(days) * Decimal("0.005")
        for worked in range(1, days + 1):
            share = recompute((Step("fee", fee), Step("days", factor=Decimal(worked), divisor=Decimal(days))))
            assert share == Decimal((worked + 1) // 2) / 100


def test_a_step_writes_only_what_it_has() -> None:
    assert Step("fee", Decimal("8000.00")).as_json() == {"what": "fee", "amount": "8000.00"}
    assert Step("share", factor=Decimal(21), divisor=Decimal(31)).as_json() == {
        "what": "share",
        "factor": "21",
        "divisor": "31",
    }


def test_totals_add_what_is_payable_by_assignment_provider_and_kind() -> None:
    lines = [
        line(),
        line(sequence=2),
        line(sequence=3, status=LineStatus.PLANNED),
        line(provider="beta"),
        line(kind=LineKind.RESULT_BONUS, amount=Decimal("0.50")),
        line(assignment="A-000", status=LineStatus.ON_HOLD),
    ]
    assert totals([one.as_json() for one in lines]) == [
        {"assignment": "A-001", "provider": "alfa", "kind": "MONTHLY_FEE", "amount": "16000.00"},
        {"assignment": "A-001", "provider": "alfa", "kind": "RESULT_BONUS", "amount": "0.50"},
        {"assignment": "A-001", "provider": "beta", "kind": "MONTHLY_FEE", "amount": "8000.00"},
    ]


def test_equal_contents_are_equal_bytes_in_any_order() -> None:
    lines = [line().as_json(), line(sequence=2, start=DAY).as_json(), line(provider="beta").as_json()]
    postings = [
        Posting(DAY, "A-001", "alfa", LineKind.MONTHLY_FEE, 1, Decimal(amount), reverses).as_json()
        for amount, reverses in ((8000, None), (-8000, DAY), (4000, None))
    ]
    obligations = [
        Obligation(
            "A-001", ObligationKind.MONTHLY_REPORT, number, due, Role.PROVIDER, ObligationState.OPEN, None, ()
        ).as_json()
        for number, due in ((1, None), (2, DAY), (3, None))
    ]
    notices = [
        Notice("A-001", kind, Role.PROVIDER, DAY, ("AMI-9-b",)).as_json() for kind in ("PAID", "HELD", "OFFER_DECLINED")
    ]
    rejections = [Rejection("A-001", fact, "NOT_ELIGIBLE", "No.", ("AMI-1.3-a",)).as_json() for fact in (2, 0, 11)]
    written = {
        json.dumps(answer(DAY, *orders), sort_keys=True)
        for orders in zip(
            *(permutations(rows) for rows in (lines, postings, obligations, notices, rejections)), strict=True
        )
    }
    assert len(written) == 1
    told = json.loads(written.pop())
    assert [row["fact"] for row in told["rejections"]] == [0, 2, 11]
    assert [(row["provider"], row["sequence"]) for row in told["lines"]] == [("alfa", 1), ("beta", 1), ("alfa", 2)]
    assert told["as_of"] == "2024-04-15"
