"""A quick yes for data that plainly fits its schema.

Every event is checked when it is published and again wherever it arrives; through marshmallow that is a third of all
the work of handling one. `check` compiles a schema into a function that says True only if marshmallow would accept
the data too. It says False whenever it is not sure, and then marshmallow decides and words the faults. Schemas with
rules across fields are never sure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

from marshmallow import Schema, ValidationError, fields

from kundval_contracts.money import PATTERN, MoneyField

Check = Callable[[Any], bool]

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MONEY = re.compile(PATTERN.strip("^$"))
# what may stand on a schema without changing which data it accepts
_HARMLESS_HOOKS = frozenset({"post_load", "pre_dump", "post_dump"})


def fits(schema: Schema, data: Any, *, strict: bool) -> bool:
    """True if `data` certainly fits; `strict`: and has no field that the schema does not know."""
    return check(schema, strict)(data)


@lru_cache(maxsize=512)
def check(schema: Schema, strict: bool) -> Check:
    """The compiled check of a schema."""
    if any(hooks for name, hooks in schema._hooks.items() if name not in _HARMLESS_HOOKS):
        return _unsure
    checks: dict[str, Check] = {}
    required = set()
    for name, field in schema.load_fields.items():
        key = field.data_key or name
        checks[key] = _field(field, strict)
        if field.required:
            required.add(key)

    def test(data: Any) -> bool:
        if type(data) is not dict or not required <= data.keys():
            return False
        for key, value in data.items():
            known = checks.get(key)
            if known is None:
                if strict:
                    return False
            elif not known(value):
                return False
        return True

    return test


def _field(field: fields.Field[Any], strict: bool) -> Check:
    test = _of_type(field, strict)
    # a validator looks at the loaded value
    loaded = date.fromisoformat if isinstance(field, fields.Date) else _as_it_is
    if field.validators and isinstance(field, fields.Enum | fields.Nested | MoneyField):
        test = _unsure
    for validator in field.validators:
        test = _and(test, validator, loaded)
    if not field.allow_none:
        return test
    return lambda value: value is None or test(value)


def _of_type(field: fields.Field[Any], strict: bool) -> Check:
    kind = type(field)
    if kind is fields.String:
        return lambda value: type(value) is str
    if kind is fields.Integer:
        return lambda value: type(value) is int
    if kind is fields.Boolean:
        return lambda value: value is True or value is False
    if kind is fields.Date and getattr(field, "format", None) in (None, "iso"):
        return _is_date
    if kind is fields.Enum and getattr(field, "by_value", False):
        values = frozenset(member.value for member in field.enum)  # type: ignore[attr-defined]
        return lambda value: type(value) is str and value in values
    if kind is fields.List:
        inner = _field(field.inner, strict)  # type: ignore[attr-defined]
        return lambda value: type(value) is list and all(map(inner, value))
    if kind is MoneyField:
        signed = getattr(field, "negative", False)
        return lambda value: type(value) is str and bool(_MONEY.fullmatch(value)) and (signed or value[0] != "-")
    if kind is fields.Nested and not getattr(field, "many", False):
        nested = field.schema  # type: ignore[attr-defined]
        return check(nested, nested.unknown == "raise")
    return _unsure


def _and(test: Check, validator: Callable[[Any], Any], loaded: Callable[[Any], Any]) -> Check:
    def both(value: Any) -> bool:
        if not test(value):
            return False
        try:
            validator(loaded(value))
        except ValidationError:
            return False
        return True

    return both


def _is_date(value: Any) -> bool:
    if type(value) is not str or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _as_it_is(value: Any) -> Any:
    return value


def _unsure(_: Any) -> bool:
    return False
