"""A quick look whether an answer fits its schema.

Loading a list of some thousand rows through marshmallow takes a good part of a second, in which a service does
nothing else. What is asked here is only yes or no, of JSON types; for a no (or what this does not know)
marshmallow is asked, and its faults count.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from kundval_contracts.money import MoneyField

Check = Callable[[Any], bool]


def fits(schema: Schema) -> Check:
    """A function that says whether a JSON value surely fits `schema`."""
    if any(schema._hooks.values()) or schema.unknown != RAISE:
        return lambda value: _is_json(value) and _loads(schema, value)
    required: list[tuple[str, Check]] = []
    optional: dict[str, Check] = {}
    for name, field in schema.load_fields.items():
        key = field.data_key or name
        if field.required:
            required.append((key, _field(field)))
        else:
            optional[key] = _field(field)

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for key, one in required:
            if key not in value or not one(value[key]):
                return False
        if len(value) > len(required):
            for key, inner in value.items():
                if key in optional:
                    if not optional[key](inner):
                        return False
                elif key not in known:
                    return False
        return True

    known = {key for key, _ in required}
    return check


#: Fields whose JSON value is what their validators look at.
_PLAIN = (fields.String, fields.Integer, fields.Boolean, fields.Enum, fields.Nested, fields.List, fields.Dict)


def _field(field: Any) -> Check:
    check = _kind(field)
    if field.validators and type(field) not in _PLAIN:
        check = _both(check, lambda value: _deserializes(field, value))
    else:
        for validator in field.validators:
            check = _both(check, _validator(validator))
    if field.allow_none:
        inner = check
        return lambda value: value is None or inner(value)
    return check


def _kind(field: Any) -> Check:
    kind = type(field)
    if kind is fields.String:
        return lambda value: type(value) is str
    if kind is fields.Integer:
        return lambda value: type(value) is int
    if kind is fields.Boolean:
        return lambda value: type(value) is bool
    if kind is fields.Date:
        return _is_date
    if kind is fields.Enum and field.by_value:
        values = frozenset(member.value for member in field.enum)
        return lambda value: type(value) is str and value in values
    if kind is fields.Nested and not field.many:
        return fits(field.schema)
    if kind is fields.List:
        inner = _field(field.inner)
        return lambda value: type(value) is list and all(map(inner, value))
    if kind is fields.Dict:
        key = _field(field.key_field) if field.key_field else _is_json
        one = _field(field.value_field) if field.value_field else _is_json
        return lambda value: type(value) is dict and all(map(key, value)) and all(map(one, value.values()))
    if kind is MoneyField:
        return lambda value: type(value) is str and _deserializes(field, value)
    return lambda value: _is_json(value) and _deserializes(field, value)


def _validator(validator: Any) -> Check:
    if type(validator) is validate.Regexp:
        match = validator.regex.match
        return lambda value: match(value) is not None

    def check(value: Any) -> bool:
        try:
            validator(value)
        except ValidationError:
            return False
        return True

    return check


def _both(first: Check, second: Check) -> Check:
    return lambda value: first(value) and second(value)


def _is_json(value: Any) -> bool:
    kind = type(value)
    if kind is list:
        return all(map(_is_json, value))
    if kind is dict:
        return all(type(key) is str for key in value) and all(map(_is_json, value.values()))
    return value is None or kind in (str, int, float, bool)


def _is_date(value: Any) -> bool:
    # the other forms that ISO 8601 has are not what the contract says
    if type(value) is not str or len(value) != 10 or value[4] != "-" or value[7] != "-":
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _deserializes(field: Any, value: Any) -> bool:
    try:
        field.deserialize(value)
    except ValidationError:
        return False
    return True


def _loads(schema: Schema, value: Any) -> bool:
    try:
        schema.load(value)
    except ValidationError:
        return False
    return True
