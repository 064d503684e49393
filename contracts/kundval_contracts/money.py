"""Money on the wire: a string with exactly two decimals, `Decimal` inside.

A float never is money, and neither is anything that would have to be rounded. Whole and decimal numbers are
taken when they arrive as `int` or `Decimal`, which is how the reader of caseload files gives them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import fields

PATTERN = r"^-?(0|[1-9][0-9]{0,11})\.[0-9]{2}$"
_WIRE = re.compile(PATTERN[:-1] + r"\Z")
_ORE = Decimal("0.01")
_LIMIT = Decimal(10) ** 12


class MoneyField(fields.Field[Decimal]):
    """An amount such as ``"8000.00"`` or ``"-12.50"``, below 10^12; as JSON Schema a string with `PATTERN`.

    Faults: ``"must be a string with two decimals, such as 8000.00"``, ``"has more than two decimals"``,
    ``"is out of range"``; with ``negative=False`` also ``"must not be negative"``.
    """

    default_error_messages = {  # noqa: RUF012 (marshmallow's own way)
        "invalid": "must be a string with two decimals, such as 8000.00",
        "decimals": "has more than two decimals",
        "range": "is out of range",
        "negative": "must not be negative",
    }

    def __init__(self, *, negative: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative = negative

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Decimal:
        if isinstance(value, str):
            if not _WIRE.match(value):
                raise self.make_error("invalid")
            amount = Decimal(value)
        else:
            amount = self._exact(value)
        if amount < 0 and not self.negative:
            raise self.make_error("negative")
        return amount + 0  # there is no minus zero in money

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, str):
            value = self._deserialize(value, attr, None)
        return f"{self._exact(value) + 0:.2f}"

    def _exact(self, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.make_error("invalid")
        amount = Decimal(value)
        if not amount.is_finite():
            raise self.make_error("invalid")
        if abs(amount) >= _LIMIT:
            raise self.make_error("range")
        exact = amount.quantize(_ORE)
        if exact != amount:
            raise self.make_error("decimals")
        return exact

    def _jsonschema_type_mapping(self) -> dict[str, str]:
        return {"type": "string", "pattern": PATTERN}
