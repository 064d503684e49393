"""The quick look at answers says what marshmallow says, or less."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError, fields, validate, validates_schema

from kundval_chassis.rpc_check import fits
from kundval_contracts.rpc import METHODS, Message
from kundval_contracts.rpc.billing import Line, Lines

LINE = {
    "assignment": "A-001", "provider": "alfa", "kind": "MONTHLY_FEE", "sequence": 1, "from": "2024-03-15",
    "to": "2024-04-15", "amount": "8000.00", "currency": "SEK", "status": "PAYABLE",
    "payable_from": "2024-04-15", "rules": ["AMI-10.1-a"], "because": "…",
}  # fmt: skip
check = fits(Line())


def test_a_good_line_fits() -> None:
    assert check(LINE)
    assert check({**LINE, "payable_from": None})
    assert fits(Lines())({"lines": [LINE] * 3, "next": None})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("amount", 8000), ("amount", "8000"), ("amount", None), ("amount", 8000.0), ("kind", "TIP"), ("kind", []),
        ("from", "2024-3-15"), ("from", "20240315"), ("from", "2024-W01-1"), ("from", 1), ("from", "2024-02-30"),
        ("sequence", "1"), ("sequence", True), ("sequence", 1.0), ("rules", "AMI"), ("rules", [1]), ("rules", None),
        ("currency", "EUR"), ("assignment", "A 1"), ("assignment", ""), ("payable_from", ""), ("surprise", 1),
    ],
)  # fmt: skip
def test_a_line_with_one_wrong_field_does_not(key: str, value: Any) -> None:
    assert not check({**LINE, key: value})


@pytest.mark.parametrize("key", sorted(LINE))
def test_a_line_with_a_field_missing_does_not(key: str) -> None:
    assert not check({name: value for name, value in LINE.items() if name != key})


@pytest.mark.parametrize("value", [None, [], "x", 1, [LINE]])
def test_something_else_does_not(value: Any) -> None:
    assert not check(value)


def test_what_a_validator_looks_at_is_the_loaded_value() -> None:
    class Shares(Message):
        fte = fields.Decimal(as_string=True, allow_nan=False, validate=validate.Range(0, 1, min_inclusive=False))
        until = fields.Date(validate=validate.Range(date(2024, 1, 1), date(2024, 12, 31)))

    shares = fits(Shares())
    assert shares({"fte": "0.750", "until": "2024-03-15"})
    for wrong in ({"fte": "0"}, {"fte": "1.01"}, {"fte": "x"}, {"until": "2025-01-01"}, {"until": "20240315"}):
        assert not shares(wrong), wrong


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab 0-", max_size=4)
    | st.sampled_from(["2024-03-15", "8000.00", "MONTHLY_FEE", "PAYABLE", "SEK", "alfa"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(LINE)), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*sorted(LINE), "surprise"]), json_values, max_size=6), st.booleans())
def test_whatever_fits_marshmallow_loads_too(changes: dict[str, Any], whole: bool) -> None:
    value = {**LINE, **changes} if whole else changes
    if check(value):
        assert not Line().validate(value)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_answer_of_the_register_can_be_looked_at(name: str) -> None:
    assert not fits(METHODS[name].answer)({"surprise": 1})


def test_what_the_quick_look_does_not_know_is_asked_of_marshmallow() -> None:
    class Odd(Message):
        at = fields.AwareDateTime(required=True)
        share = fields.Float(validate=validate.Range(0, 1))
        words = fields.Dict(keys=fields.String(), values=fields.Integer())
        anything = fields.Raw(allow_none=True)

    odd = fits(Odd())
    good = {"at": "2024-01-01T00:00:00+00:00", "share": 0.5, "words": {"a": 1}, "anything": None}
    assert odd(good)
    for key, value in (("at", "2024-01-01T00:00:00"), ("share", 2), ("words", {"a": "x"}), ("words", [])):
        assert not odd({**good, key: value})


def test_a_schema_with_rules_across_fields_is_left_to_marshmallow() -> None:
    class Period(Message):
        start = fields.Integer(required=True)
        end = fields.Integer(required=True)

        @validates_schema
        def _order(self, data: dict[str, Any], **_: Any) -> None:
            if data["end"] < data["start"]:
                raise ValidationError("ends before it starts")

    assert fits(Period())({"start": 1, "end": 2})
    assert not fits(Period())({"start": 2, "end": 1})
