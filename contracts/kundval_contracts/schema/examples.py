"""An example of every event, request and answer, made from its schema: always the same, with real codes and days.

What is said of a field by its name stands in `data/examples.toml`, and there whole values for a single event or method,
where one made field by field would contradict itself. Nothing in an example is about a person.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any

from ..envelope import CONTENT_TYPE, SPECVERSION, dataschema_of, source_of, type_of
from ..events import EVENTS
from ..rpc.base import Method
from ..transitions import BONUS, MONEY_TRANSITIONS, MONTH, PREMIUM
from ..versions import convert
from .build import answer, event, request
from .values import Json

_TENANT = "example"
#: what money of each machine is called, and a rule that it names
_MONEY = {
    MONTH: ("MONTHLY_FEE", ["AMI-10.1-c"]),
    PREMIUM: ("SPEED_PREMIUM", ["AMI-10.1-a"]),
    BONUS: ("RESULT_BONUS", ["AMI-10.2-e"]),
}


@cache
def _said() -> Mapping[str, Any]:
    return tomllib.loads(files("kundval_contracts").joinpath("data/examples.toml").read_text(encoding="utf-8"))


def event_data(name: str) -> Json:
    """The `data` of an event. Raises KeyError."""
    made = _object(event(name))
    for row in MONEY_TRANSITIONS:
        if name in row.events and name.startswith("billing."):
            money = made["months"][0] if "months" in made else made
            money["kind"], money["rules"] = _MONEY[row.machine]
            money["before"] = row.before[0].value if row.before else None
            made["state"] = row.state.value
            break
    return _laid_over(made, _said()["events"].get(name, {}))


def whole_event(name: str, number: int = 1, version: int | None = None) -> Json:
    """An event as it travels, in its present version or another that is told; `number` tells examples apart."""
    present = EVENTS[name].version
    version = version or present
    data = convert(name, event_data(name), present, version)
    return {
        "specversion": SPECVERSION,
        "id": f"018fd8a0-0000-7000-8000-{number:012d}",
        "source": source_of(name.partition(".")[0]),
        "type": type_of(name, version),
        "subject": data.get("assignment", _TENANT),
        "time": "2024-06-20T09:30:00.123456Z",
        "datacontenttype": CONTENT_TYPE,
        "dataschema": dataschema_of(name, version),
        "sequence": str(4710 + number),
        "tenant": _TENANT,
        "data": data,
    }


def request_of(method: Method) -> Json:
    """A request of a method: what it needs, and what is said of it in the file."""
    said = _said()["requests"].get(method.name, {})
    return deepcopy(said["instead"]) if "instead" in said else _laid_over(_object(request(method), needed=True), said)


def answer_of(method: Method) -> Json:
    """An answer of a method, with all its fields."""
    return _laid_over(_object(answer(method)), _said()["answers"].get(method.name, {}))


def _laid_over(made: Json, said: Mapping[str, Any]) -> Json:
    """`made` with what is said in its place; the word NONE takes a field away, the word NULL is null."""
    for name, value in said.items():
        if value == "NONE":
            made.pop(name, None)
        elif isinstance(value, dict) and isinstance(made.get(name), dict):
            made[name] = _laid_over(made[name], value)
        else:
            made[name] = None if value == "NULL" else deepcopy(value)
    return made


def _object(schema: Json, *, needed: bool = False) -> Json:
    required = set(schema.get("required", ()))
    return {
        name: value(name, one, needed=needed)
        for name, one in schema.get("properties", {}).items()
        if not needed or name in required
    }


def value(name: str, schema: Json, *, needed: bool = False) -> Any:
    """A value that fits `schema`, chosen by the name of its field. `needed`: of objects, required fields alone."""
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return value(name, schema["anyOf"][0], needed=needed)
    if "oneOf" in schema:
        return value(name, _preferred(schema["oneOf"]), needed=True)
    if "enum" in schema:
        return _code(name, schema)
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "object" in kinds and "string" not in kinds:
        return _map_or_object(name, schema, needed)
    if "array" in kinds and "string" not in kinds:
        return [value(name, schema["items"], needed=needed)] * max(1, schema.get("minItems", 1))
    if "boolean" in kinds and "string" not in kinds:
        return bool(_said()["fields"].get(name, schema.get("default")) is True)
    if "integer" in kinds:
        return _number(name, schema)
    return _text(name, schema)


def _preferred(choices: list[Json]) -> Json:
    fact = _said()["fields"]["fact"]
    named = [one for one in choices if one.get("properties", {}).get("fact", {}).get("const") == fact]
    return (named or choices)[0]


def _code(name: str, schema: Json) -> Any:
    codes = _said()["codes"]
    for wanted in (_said()["fields"].get(name), codes.get(schema.get("x-codes", ""))):
        if wanted is not None and wanted in schema["enum"]:
            return wanted
    return schema["enum"][0]


def _map_or_object(name: str, schema: Json, needed: bool) -> Json:
    if "properties" in schema:
        return _object(schema, needed=needed)
    inner = schema.get("additionalProperties")
    if not isinstance(inner, dict):
        return deepcopy(_said()["maps"].get(name, {}))
    keys = schema.get("propertyNames", {})
    key = _code(name, keys) if "enum" in keys else _said()["keys"].get(name, "assignment")
    return {key: value(name, inner, needed=needed)}


def _number(name: str, schema: Json) -> int:
    wanted = _said()["fields"].get(name, 1)
    number: int = wanted if isinstance(wanted, int) and not isinstance(wanted, bool) else 1
    low, high = schema.get("minimum", number), schema.get("maximum", number)
    return int(max(low, min(number, high)))


def _text(name: str, schema: Json) -> str:
    said = _said()
    wanted = [said["fields"].get(name), *said["texts"]]
    if schema.get("format") == "date":
        wanted = [said["days"].get(name, said["days"]["on"])]
    elif schema.get("format") == "date-time":
        wanted = [said["instants"].get(name, said["instants"]["time"])]
    elif schema.get("format") == "uuid":
        wanted = [said["uuid"]]
    patterns = [one["pattern"] for one in (schema, *schema.get("allOf", ())) if "pattern" in one]
    for text in wanted:
        if (
            isinstance(text, str)
            and all(re.search(pattern, text) for pattern in patterns)
            and schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
        ):
            return text
    raise LookupError(f"data/examples.toml says no text that fits the field {name}: {patterns}")
