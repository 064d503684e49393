"""A second opinion on two schemas: the independent comparison of `jsoncompat`.

It does not know patterns, formats or defaults, and takes every new field and code for a break; so it is asked about
what a tolerant reader sees, and only after our own rules. Not imported with the package: a partner needs no such tool.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from jsoncompat import check_compat

from .changes import Json, by_constant

_ROLES: Mapping[str, Literal["serializer", "deserializer"]] = {"WRITER": "serializer", "READER": "deserializer"}


def opinion(old: Json, new: Json, role: Literal["WRITER", "READER"]) -> bool:
    """Whether `new` as a writer suits readers of `old`, or `new` as a reader suits what was written by `old`."""
    choices: list[tuple[Json, Json]] = []
    whole = (old, _seen(old, new, choices))
    return all(
        check_compat(json.dumps(_without_choices(before)), json.dumps(_without_choices(after)), _ROLES[role])
        for before, after in [whole, *choices]
    )


def _seen(old: Any, new: Any, choices: list[tuple[Json, Json]]) -> Any:
    """`new` without the optional fields and the codes that a reader made for `old` does not know. Objects of which a
    value is one are put into `choices`, pair by pair, because the tool cannot tell them apart.
    """
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    if "oneOf" in old and "oneOf" in new:
        later = by_constant(new["oneOf"])
        for name, one in by_constant(old["oneOf"]).items():
            if name in later:
                choices.append((one, _seen(one, later[name], choices)))
        return new
    seen = dict(new)
    if "properties" in old and "properties" in new:
        needed = new.get("required", ())
        seen["properties"] = {
            name: _seen(old["properties"].get(name), one, choices)
            for name, one in new["properties"].items()
            if name in old["properties"] or name in needed
        }
    if "x-codes" in old and "x-codes" in new and "enum" in new:
        seen["enum"] = [one for one in new["enum"] if one in old.get("enum", ()) or one is None]
    for keyword in ("items", "additionalProperties", "propertyNames"):
        if keyword in new:
            seen[keyword] = _seen(old.get(keyword), new[keyword], choices)
    return seen


def _without_choices(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {} if "oneOf" in schema else dict(_bare(schema))
    return [_without_choices(one) for one in schema] if isinstance(schema, list) else schema


def _bare(schema: Json) -> Iterator[tuple[str, Any]]:
    for key, value in schema.items():
        yield key, value if key in ("enum", "const", "default") else _without_choices(value)
