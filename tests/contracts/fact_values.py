"""Values for the fields of facts, made from their schemas: some that a field takes, and some that it should not.

What a field takes is found by asking it, so that a new kind of fact is covered by itself. Texts begin with SECRET:
where one turns up, something has been told that should not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, validate

from kundval_contracts.codes import FactKind
from kundval_contracts.facts import FACT_SCHEMAS
from kundval_contracts.money import MoneyField
from kundval_contracts.text import IDENTIFIER

SECRET = "hemligt ord "
#: ids as facts name them: workplaces, providers, units, activities
IDS = ("W1", "W9", "alfa", "beta", "a-1", "our-own")


def is_free(field: fields.Field[Any]) -> bool:
    """True for a field in which a sentence, or any structure, could travel."""
    if isinstance(field, fields.List):
        return is_free(field.inner)
    if isinstance(field, fields.Nested):
        return any(is_free(inner) for inner in field.schema.fields.values())
    if isinstance(field, fields.Raw) and type(field) is not fields.Enum and not isinstance(field, MoneyField):
        return True
    closed = any(one is IDENTIFIER or isinstance(one, validate.OneOf) for one in field.validators)
    return type(field) is fields.String and not closed


def taken(field: fields.Field[Any], days: st.SearchStrategy[date]) -> st.SearchStrategy[Any]:
    """Values, as JSON has them, that the field takes."""
    found = _of_type(field, days).filter(lambda value: takes(field, value))
    return st.none() | found if field.allow_none else found


def _of_type(field: fields.Field[Any], days: st.SearchStrategy[date]) -> st.SearchStrategy[Any]:
    if isinstance(field, fields.Nested):
        return objects(field.schema, days)
    if isinstance(field, fields.List):
        return st.lists(taken(field.inner, days), max_size=3)
    if isinstance(field, fields.Enum):
        return st.sampled_from([member.value for member in field.enum])
    if isinstance(field, fields.Boolean):
        return st.booleans()
    if isinstance(field, fields.Date):
        return days.map(lambda day: day.isoformat())
    if isinstance(field, fields.Integer):
        return st.integers(0, 12) | st.sampled_from([25, 50, 100])
    if isinstance(field, MoneyField):
        return st.sampled_from(["0.00", "12.50"])
    if isinstance(field, fields.Decimal):
        return st.sampled_from(["0", "9.5", "10.0", "38.25"])
    if isinstance(field, fields.String):
        if is_free(field):
            return st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=8).map(
                lambda text: SECRET + text
            )
        choices = [one for rule in field.validators if isinstance(rule, validate.OneOf) for one in rule.choices]
        return st.sampled_from(choices or IDS)
    assert isinstance(field, fields.Raw), f"nothing is known of a {type(field).__name__}"
    return st.dictionaries(st.sampled_from([f"{SECRET}area", "work"]), st.integers(1, 5), max_size=3)


def takes(field: fields.Field[Any], value: Any) -> bool:
    try:
        field.deserialize(value)
    except ValidationError:
        return False
    return True


def objects(schema: Schema, days: st.SearchStrategy[date]) -> st.SearchStrategy[dict[str, Any]]:
    """Maps that the schema takes."""
    needed, free = {}, {}
    for name, field in schema.fields.items():
        (needed if field.required else free)[field.data_key or name] = taken(field, days)
    return st.fixed_dictionaries(needed, optional=free).filter(lambda row: not schema.validate(row))


def rows(kind: FactKind, days: st.SearchStrategy[date]) -> st.SearchStrategy[dict[str, Any]]:
    """The fields of a fact of that kind."""
    return objects(FACT_SCHEMAS[kind], days)


# --- what nobody should send ---------------------------------------------------------------------------


def nested(depth: int) -> Any:
    found: Any = []
    for _ in range(depth):
        found = [found]
    return found


def _hostile() -> Iterator[tuple[str, Any]]:
    """(what it is, the value): wrong types, and what breaks parsers, databases and printers."""
    yield "null", None
    yield "true", True
    yield "zero", 0
    yield "negative", -1
    yield "huge", 10**30
    yield "endless", 10**5000
    yield "float", 0.1
    yield "whole float", 5.0
    yield "NaN", float("nan")
    yield "infinite", float("inf")
    yield "decimal NaN", Decimal("NaN")
    yield "signalling NaN", "sNaN"
    yield "tiny", "1E-1000000"
    yield "tinier", "1E-999999999"
    yield "zero with an exponent", "0E+999999999"
    yield "vast", "1E+999999999"
    yield "empty text", ""
    yield "space", " "
    yield "NUL", "a\0b"
    yield "surrogate", "\ud800"
    yield "long", "x" * 10**6
    yield "many digits", "9" * 5000
    yield "sentence", f"{SECRET}with spaces"
    yield "no such day", "2024-02-30"
    yield "first day", "0001-01-01"
    yield "last day", "9999-12-31"
    yield "instant", datetime(2024, 5, 1, 12)
    yield "date", date(2024, 5, 1)
    yield "bytes", b"bytes"
    yield "list", []
    yield "list of null", [None]
    yield "list of lists", [[1], [2]]
    yield "map", {}
    yield "map of a map", {"a": {"b": None}}
    yield "map with a number as key", {1: 2}
    yield "map with a NaN", {"a": [float("nan")]}
    yield "map with a sentence", {"a": SECRET}
    yield "deep", nested(400)
    yield "deeper", nested(10_000)
    yield "object", object()


HOSTILE = tuple(_hostile())
