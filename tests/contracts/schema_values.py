"""Values that fit a JSON Schema, values that have been spoilt, and a reader of schemas that knows patterns as ECMA-262
does. Made by a `random.Random`, so that a test tries the same with every run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # its import costs seconds: where it is needed, and not in every process that collects tests
    import jsonschema

Json = dict[str, Any]

#: texts of which those that fit are taken
TEXTS = (
    "a", "A-1", "å-1", "Ö" * 100, "x" * 100, "nacka", "provider-1", "2024-06-20/x", "sv", "swe", "sv-FI", "SE", "A",
    "B", "09:00", "23:59", "2024-06", "2024-06-20T09:00:00Z", "2024-06-20T09:00", "0" * 64, "5561234567",
    "SE556123456701",
    "55612345", "7300009123456", "SE3550000000054910000003", "+46850001000", "MONTHLY", "exit_qualified", "1", "4711",
    "0.50", "8000.00", "6f1c1a52-7a55-4c3b-9d0e-2f1f0a3b4c5d",
    "-12.50", "40", "2024-06-20", "cost:MONTHLY_FEE:AMI_1", "vat:IN", "someone@example.org",
    "X" * 34, "NOT_ELIGIBLE", "example of a text", "",
)  # fmt: skip
DAYS = ("2024-06-20", "2024-02-29", "1999-12-31", "2024-07-01")
INSTANTS = ("2024-06-20T09:30:00+02:00", "2024-06-20T07:30:00.123456Z")
#: what is put in the place of a value, or beside it
JUNK = (
    None, "", " ", "x y", "a\n", "x" * 101, "x" * 5000, 0, -1, 1, 10**9, 10**30, 1.5, True, False, [], {}, [1],
    {"x": 1}, "true", "5", "2024-13-01", "0000-00-00", "20240620", "2024-06-20", "NaN", "1e400",
    "NO_SUCH_CODE", "-0.00", "1.234",
)  # fmt: skip


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    from jsonschema import ValidationError

    ecma = re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
    if isinstance(instance, str) and not re.search(ecma, instance):
        yield ValidationError(f"does not match {pattern}")


@cache
def _ecma() -> tuple[Any, Any]:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    return extend(Draft202012Validator, {"pattern": _pattern}), Draft202012Validator.FORMAT_CHECKER


def reader(schema: Json) -> Any:
    """A validator that looks at formats too."""
    validator, formats = _ecma()
    return validator(schema, format_checker=formats)


def made(schema: Json, random: Random) -> Any:
    """A value that fits; optional fields are there as often as not."""
    if "const" in schema:
        return schema["const"]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return made(random.choice(schema[word]), random)
    if "enum" in schema:
        return random.choice(schema["enum"])
    kinds = schema.get("type", [])
    kind = random.choice(kinds if isinstance(kinds, list) else [kinds])
    if kind == "null":
        return None
    if kind == "boolean":
        return random.random() < 0.5
    if kind in ("integer", "number"):
        return _number(schema, random)
    if kind == "array":
        least = schema.get("minItems", 0)
        length = random.randint(least, min(schema.get("maxItems", least + 2), least + 2))
        return [made(schema["items"], random) for _ in range(length)] if schema["items"] else []
    if kind == "object":
        return _object(schema, random)
    return text(schema, random)


def _number(schema: Json, random: Random) -> int:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", max(low, 0) + 1000))
    return random.choice((int(low), int(high), random.randint(int(low), int(high))))


def _object(schema: Json, random: Random) -> Json:
    needed = set(schema.get("required", ()))
    value = {
        name: made(inner, random)
        for name, inner in schema.get("properties", {}).items()
        if name in needed or random.random() < 0.5
    }
    inner = schema.get("additionalProperties")
    if isinstance(inner, dict) and random.random() < 0.7:
        value[made({"type": "string", **schema.get("propertyNames", {})}, random)] = made(inner, random)
    return value


def text(schema: Json, random: Random) -> str:
    """A string that fits."""
    if schema.get("format") == "date":
        return random.choice(DAYS)
    if schema.get("format") == "date-time":
        return random.choice(INSTANTS)
    return random.choice(_fitting(json.dumps({**schema, "type": "string"}, sort_keys=True)))


@cache
def _fitting(schema: str) -> list[str]:
    check = reader(json.loads(schema))
    return [one for one in TEXTS if check.is_valid(one)]


def spoilt(value: Any, random: Random) -> Any:
    """`value` with something in it exchanged, taken away or added."""
    value = deepcopy(value)
    places = list(_places(value))
    if not places or random.random() < 0.1:
        value["not_a_field"] = random.choice(JUNK)
        return value
    holder, key = random.choice(places)
    if isinstance(holder, dict) and random.random() < 0.3:
        del holder[key]
    else:
        holder[key] = random.choice(JUNK)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in rows:
        yield value, key
        yield from _places(inner)


def conditions(schema: Any) -> bool:
    """Whether the schema, or one within it, has conditions that JSON Schema cannot say."""
    if isinstance(schema, dict):
        return "x-also-checked" in schema or any(map(conditions, schema.values()))
    return isinstance(schema, list) and any(map(conditions, schema))
