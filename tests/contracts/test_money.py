"""The money field: strict in, strict out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from kundval_contracts.money import MoneyField


class Bill(Schema):
    amount = MoneyField(required=True)
    gift = MoneyField(negative=False, allow_none=True)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0.00", "0"), ("8000.00", "8000"), ("-12.50", "-12.5"), ("999999999999.99", "999999999999.99"), ("-0.00", "0")],
)
def test_two_decimals_are_money(text: str, amount: str) -> None:
    loaded = Bill().load({"amount": text})["amount"]
    assert loaded == Decimal(amount)
    assert str(loaded) != "-0.00"


@pytest.mark.parametrize(
    "wrong",
    [
        1.5, 8000.0, float("nan"), float("inf"), "1e400", "1E+3", "NaN", "Infinity", "1.5", "8000", "8000.000", "08.00",
        "+1.00", " 1.00", "1.00 ", "1.00\n", "1,00", "1_000.00", "１.００", "", ".50", "1.", "1000000000000.00",
        "--1.00", True, [], {}, Decimal("0.001"), Decimal("NaN"), Decimal("1e400"), 10**12,
    ],
)  # fmt: skip
def test_nothing_else_is(wrong: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Bill().load({"amount": wrong})
    assert list(caught.value.messages_dict) == ["amount"]


@pytest.mark.parametrize(("number", "amount"), [(6000, "6000.00"), (Decimal("6123.45"), "6123.45"), (0, "0.00")])
def test_exact_numbers_of_a_file_are_taken(number: Any, amount: str) -> None:
    assert Bill().load({"amount": number})["amount"] == Decimal(amount)


def test_a_field_can_refuse_what_is_below_nothing() -> None:
    with pytest.raises(ValidationError, match="must not be negative"):
        Bill().load({"amount": "1.00", "gift": "-1.00"})
    assert Bill().load({"amount": "1.00", "gift": None})["gift"] is None


@pytest.mark.parametrize("wrong", [1.5, Decimal("0.005"), Decimal("Infinity"), "8000", True])
def test_what_is_not_exact_money_is_not_written(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Bill().dump({"amount": wrong})


def test_none_is_written_as_none() -> None:
    assert Bill().dump({"amount": Decimal("1"), "gift": None}) == {"amount": "1.00", "gift": None}


@given(st.integers(min_value=-(10**14) + 1, max_value=10**14 - 1))
def test_every_amount_comes_back_the_same(ore: int) -> None:
    amount = Decimal(ore) / 100
    wire = Bill().dump({"amount": amount})["amount"]
    assert Bill().load({"amount": wire})["amount"] == amount
    assert Bill().dump(Bill().load({"amount": wire}))["amount"] == wire
