"""What the fields of facts are made of: codes, ids, counts, days. Used by `facts` and `work_facts`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from math import inf
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from .text import IDENTIFIER

#: Days outside these are slips of the keyboard, and months could not be added to the last of the calendar.
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)

#: No count is higher: neither minutes of an activity nor days of a gap.
MOST = 1_000_000
#: More digits than this behind the point, or zeros before it, say nothing and take memory.
DIGITS = 20


class Fields(Schema):
    class Meta:
        unknown = RAISE


def code(enum: Any, **kwargs: Any) -> fields.Enum:
    return fields.Enum(enum, by_value=True, **kwargs)


def identifier(**kwargs: Any) -> fields.String:
    """An opaque id: short, no spaces, so that free text cannot travel in it."""
    return fields.String(validate=IDENTIFIER, **kwargs)


def percent(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, 100), **kwargs)


def count(low: int = 0, **kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(low, MOST), **kwargs)


def month(**kwargs: Any) -> fields.Integer:
    """Number of a month of the intervention. No intervention runs for a century, and dates end where years do."""
    return fields.Integer(strict=True, validate=validate.Range(1, 1200), **kwargs)


def hours(**kwargs: Any) -> fields.Decimal:
    return fields.Decimal(as_string=True, allow_nan=False, validate=[validate.Range(0, 168), _short], **kwargs)


def _short(value: Decimal) -> None:
    """Refuses what is a few characters here and millions of them when it is written out, such as 1E-1000000."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > DIGITS:
        raise ValidationError(f"must have at most {DIGITS} decimals")


def counted_from(**kwargs: Any) -> fields.Date:
    """A day that periods are counted from. A contract may run to 9999-12-31; nothing begins there."""
    return fields.Date(
        validate=validate.Range(EARLIEST, LATEST, error=f"must be from {EARLIEST} to {LATEST}"), **kwargs
    )


class Nothing(Fields):
    """No fields beyond `on` and `known_on`."""


def text(**kwargs: Any) -> fields.String:
    """Something said in words. It stays in the assignment service: its kind names it in `FREE_TEXT`."""
    return fields.String(validate=validate.Length(max=4000), allow_none=True, **kwargs)


def codes(enum: Any, **kwargs: Any) -> fields.List[Any]:
    return fields.List(code(enum), **kwargs)


class JsonValue(fields.Raw):
    """Whatever JSON can say, for a database to keep: no NaN, no infinite number, none of endless length."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return _json(value)


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValidationError("must have texts as keys")
        return {key: _json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_json(inner) for inner in value]
    if isinstance(value, Decimal):  # YAML gives decimals
        value = float(value) if value.is_finite() else inf
    if isinstance(value, int | float) and not -MOST <= value <= MOST:  # NaN is not between either
        raise ValidationError(f"must be a number of at most {MOST}")
    if value is not None and not isinstance(value, str | int | float):
        raise ValidationError("must be a value that JSON has")
    return value
