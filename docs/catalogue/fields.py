"""Tables of the fields of events, requests and answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from marshmallow import Schema, fields, missing

from kundval_contracts import inputs
from kundval_contracts.money import MoneyField
from kundval_contracts.rpc import FactItem
from kundval_contracts.schema import about as about_class

from .markdown import anchor, code, listed, table


class Parts:
    """Objects that a field leads to; each is described once, below the tables that mention it."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def link(self, schema: Schema) -> str:
        made = type(schema)
        name = made.__name__.removesuffix("Schema").lstrip("_")
        if name in self.found and type(self.found[name]) is not made:
            name = made.__name__
        self.found.setdefault(name, schema)
        return f"[{name}]({anchor(name)})"

    def sections(self) -> Iterator[str]:
        """Tables of the objects, also of those that only these tables lead to."""
        done: set[str] = set()
        while missing_ := [name for name in self.found if name not in done]:
            for name in missing_:
                done.add(name)
                schema = self.found[name]
                yield f"### {name}"
                text = about(schema)
                if text:
                    yield text
                yield field_table(schema, self)


def about(schema: Schema) -> str:
    """The first paragraph of a schema's own docstring."""
    return about_class(type(schema))


def field_table(schema: Schema, parts: Parts, but: Iterable[str] = ()) -> str:
    rows = [
        (code(field.data_key or name), kind(field, parts), presence(field))
        for name, field in schema.fields.items()
        if name not in set(but)
    ]
    return table(("field", "type", "presence"), rows) if rows else "No fields."


def presence(field: fields.Field[Any]) -> str:
    if field.required:
        return "required, may be null" if field.allow_none else "required"
    default = field.load_default
    if default is missing or default is None:
        return "optional"
    shown = default() if callable(default) else default
    shown = {True: "true", False: "false"}.get(shown, shown) if isinstance(shown, bool) else shown
    return f"optional, default {code(shown if shown not in ([], {}) else ('[]' if shown == [] else '{}'))}"


def kind(field: fields.Field[Any], parts: Parts) -> str:
    """The type of a field in words; objects as links."""
    plain: tuple[tuple[type[fields.Field[Any]], str], ...] = (
        (MoneyField, "money"),
        (fields.AwareDateTime, "instant"),
        (fields.Date, "date"),
        (fields.DateTime, "time, with or without an offset"),
        (fields.Boolean, "boolean"),
        (fields.Integer, "integer"),
        (fields.Decimal, "number"),
    )
    if isinstance(field, fields.Enum):
        return f"[{field.enum.__name__}](codes.md{anchor(field.enum.__name__)})"
    if isinstance(field, fields.List):
        return f"list of {kind(field.inner, parts)}"
    if isinstance(field, fields.Dict):
        key = kind(field.key_field, parts) if field.key_field else "string"
        value = kind(field.value_field, parts) if field.value_field else "anything"
        return f"map of {key} to {value}"
    if isinstance(field, fields.Nested):
        return parts.link(field.schema)
    if isinstance(field, FactItem):
        return "[fact](#a-fact)"
    for made, name in plain:
        if isinstance(field, made):
            return name
    if isinstance(field, fields.String):
        validators = list(field.validators)
        choices = [choice for one in validators for choice in getattr(one, "choices", ())]
        if choices:
            return "one of " + listed(choices)
        patterns = [getattr(one, "regex", None) for one in validators]
        return (
            "identifier"
            if any(one and one.pattern == inputs.IDENTIFIER.regex.pattern for one in patterns)
            else "string"
        )
    return "anything"


TYPES = (
    '*money*: a string with two decimals (`"8000.00"`), in SEK; *date*: `YYYY-MM-DD`; *instant*: RFC 3339 with '
    "offset; *identifier*: 1 to 100 letters, digits and `_ . : @ / + -`, no spaces, so that no sentence travels in "
    "it; names of code lists link to their [codes](codes.md)."
)
