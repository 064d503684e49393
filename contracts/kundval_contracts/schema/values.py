"""JSON Schema of plain values: texts, numbers, days, codes, amounts, with the conditions of their validators."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from marshmallow import fields, validate

from ..fact_fields import EARLIEST, LATEST, JsonValue
from ..money import MoneyField

Json = dict[str, Any]

#: Letters of an id: what `\w` takes of Latin scripts, in words that Python and ECMA-262 read alike.
_WORD = r"0-9A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
#: A decimal number as text; infinity and NaN are none.
_DECIMAL = r"^-?[0-9]{1,15}(\.[0-9]{1,20})?$"
#: The days from `EARLIEST` to `LATEST`.
_IN_REASON = r"^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"
_MOMENT = r"^(19(0[1-9]|[1-9][0-9])|20[0-9]{2}|21[0-8][0-9]|219[0-8])-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$"  # noqa: E501 (one pattern)


def plain(field: fields.Field[Any], *, strict: bool) -> Json | None:
    """The schema of a field that holds one value, without null; None for a field that holds others.

    `strict`: for what is sent by others to the suite; else for what the suite sends.
    """
    own: Callable[[], Json] | None = getattr(field, "_jsonschema_type_mapping", None)
    if own is not None:
        found = dict(own())
        if isinstance(field, MoneyField) and not field.negative:
            found["pattern"] = found["pattern"].replace("-?", "", 1)
        return found
    if isinstance(field, fields.Enum):
        return _codes(field)
    if isinstance(field, fields.Boolean):
        return {"type": "boolean"}
    if isinstance(field, fields.Integer):
        return {"type": "integer"}
    if isinstance(field, fields.Decimal):
        # both are read; a string is what is sent
        return {"type": ["string", "number"] if strict else "string", "pattern": _DECIMAL}
    if isinstance(field, fields.AwareDateTime):
        return {"type": "string", "format": "date-time"}
    if isinstance(field, fields.DateTime):
        return {"type": "string", "pattern": _MOMENT}
    if isinstance(field, fields.Date):
        return {"type": "string", "format": "date"}
    if isinstance(field, fields.Time):
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}
    if isinstance(field, fields.UUID):
        return {"type": "string", "format": "uuid"}
    if isinstance(field, fields.Email):
        return {"type": "string", "format": "email"}
    if isinstance(field, fields.String):
        return {"type": "string"}
    if isinstance(field, JsonValue | fields.Raw):
        return {"type": ["string", "number", "boolean", "object", "array"], "items": {}}
    return None


def _codes(field: fields.Enum[Any]) -> Json:
    values: list[Any] = list(field.enum.__members__.values())
    for one in field.validators:
        if isinstance(one, validate.OneOf):
            values = [value for value in values if value in one.choices]
        elif isinstance(one, validate.NoneOf):
            values = [value for value in values if value not in one.iterable]
    return {"type": "string", "enum": [value.value for value in values], "x-codes": field.enum.__name__}


def bounded(schema: Json, validators: Iterable[Any]) -> Json:
    """`schema` with what the validators of its field ask for; in `x-also-checked` what it cannot say."""
    also: list[str] = []
    for one in validators:
        if isinstance(one, validate.Regexp):
            _add_pattern(schema, portable(one.regex))
        elif isinstance(one, validate.Length):
            _length(schema, one)
        elif isinstance(one, validate.Range):
            _range(schema, one)
        elif isinstance(one, validate.Equal):
            schema = {"const": one.comparable}
        elif isinstance(one, validate.OneOf):
            if "enum" not in schema:
                schema["enum"] = list(one.choices)
        elif not isinstance(one, validate.NoneOf | validate.Email):
            also.append(told(one))
    if also:
        schema["x-also-checked"] = [*schema.get("x-also-checked", ()), *also]
    return schema


def told(condition: Any) -> str:
    """A condition in words: its fault if that stands in the code, else the first sentence about it, else its name."""
    name = getattr(condition, "__name__", type(condition).__name__)
    if inspect.isroutine(condition):
        faults = list(dict.fromkeys(_faults(condition)))
        if faults:
            return "; ".join(faults)
    described = condition if inspect.isroutine(condition) or isinstance(condition, type) else type(condition)
    first = inspect.cleandoc(described.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    return first or name.strip("_").replace("_", " ")


def _faults(function: Any) -> Iterator[str]:
    """The faults that a function names, each after its field: "`to` must be after `from`"."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ValidationError":
            words = [_words(one, function.__globals__) for one in node.args]
            if words and None not in words:
                yield " ".join([*(f"`{field}`" for field in words[1:]), str(words[0])])


def _words(text: ast.AST, known: Mapping[str, Any]) -> str | None:
    """A text as it stands in the code, with the constants that it names in their place; None if it names more."""
    if isinstance(text, ast.Constant):
        return text.value if isinstance(text.value, str) else None
    if isinstance(text, ast.FormattedValue) and isinstance(text.value, ast.Name):
        return str(known[text.value.id]) if text.value.id in known else None
    if isinstance(text, ast.JoinedStr):
        parts = [_words(one, known) for one in text.values]
        return None if None in parts else "".join(map(str, parts))
    return None


def portable(regex: re.Pattern[Any]) -> str:
    """A pattern for Python's `match` as ECMA-262 has it, and searched for."""
    text = str(regex.pattern).replace(r"[\w", "[" + _WORD)
    text = text if text.startswith((r"\A", "^")) else "^" + text
    return text.replace(r"\A", "^").replace(r"\Z", "$")


def _add_pattern(schema: Json, pattern: str) -> None:
    if "pattern" in schema:
        schema.setdefault("allOf", []).append({"pattern": pattern})
    else:
        schema["pattern"] = pattern


def _length(schema: Json, one: validate.Length) -> None:
    kind = {"array": "Items", "object": "Properties"}.get(schema.get("type", ""), "Length")
    low, high = (one.equal, one.equal) if one.equal is not None else (one.min, one.max)
    if low is not None:
        schema[f"min{kind}"] = low
    if high is not None:
        schema[f"max{kind}"] = high


def _range(schema: Json, one: validate.Range) -> None:
    if isinstance(one.min, date):
        if (one.min, one.max) == (EARLIEST, LATEST):
            schema["pattern"] = _IN_REASON
        else:
            schema["x-also-checked"] = [f"from {one.min} to {one.max}"]
        return
    if "string" in schema.get("type", ()):  # of a number as text JSON Schema can say no bounds
        low, high = "above" if not one.min_inclusive else "from", "below" if not one.max_inclusive else "to"
        words = [f"{low} {one.min}"] * (one.min is not None) + [f"{high} {one.max}"] * (one.max is not None)
        schema["x-also-checked"] = [" ".join(words)]
    if one.min is not None:
        schema["minimum" if one.min_inclusive else "exclusiveMinimum"] = _number(one.min)
    if one.max is not None:
        schema["maximum" if one.max_inclusive else "exclusiveMaximum"] = _number(one.max)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def primitive(value: Any) -> Any:
    """A default as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | tuple | set | frozenset):
        return [primitive(one) for one in value]
    if isinstance(value, dict):
        return {str(primitive(key)): primitive(inner) for key, inner in value.items()}
    return value
