"""From a marshmallow schema to JSON Schema.

Own code, because `apispec` knows neither a fact that is one of many shapes, nor objects handed on as they came, nor
amounts and half of our other fields; what it knows are the thirty lines of `_field` and `values.plain`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from marshmallow import Schema, fields, missing

from ..events import EVENTS
from ..events_in import EVENTS_IN
from ..fact_fields import counted_from
from ..facts import FACT_SCHEMAS
from ..provider_facts import PROVIDER_FACT_SCHEMAS
from ..rpc.base import FactItem, Method, method
from ..rpc.providers import ProviderFactItem
from ..versions import schema_of
from .values import Json, bounded, plain, primitive, told

#: IN: what others send to the suite, where an unknown field is a fault. OUT: what the suite sends, where fields may be
#: added, so that whoever reads must ignore those that it does not know.
Direction = Literal["IN", "OUT"]


class Components:
    """Objects that stand once in a document and are referred to, by a name each."""

    def __init__(self, prefix: str = "#/components/schemas/"):
        self.prefix = prefix
        self.found: dict[str, Json] = {}

    def place(self, name: str, body: Json) -> Json:
        """A reference to `body`; another body of the same name gets a number behind it."""
        given, number = name, 1
        while self.found.setdefault(given, body) != body:
            number += 1
            given = f"{name}{number}"
        return {"$ref": f"{self.prefix}{given}"}


class Builder:
    """Makes schemas for one direction. With `components` objects are placed there, else where they are used."""

    def __init__(self, direction: Direction, components: Components | None = None):
        self.direction = direction
        self.components = components

    def object(self, schema: Schema) -> Json:
        """The schema of an object, in place: `{type, properties, required, …}`."""
        properties: dict[str, Json] = {}
        required = []
        for name, field in schema.fields.items():
            key = field.data_key or name
            properties[key] = self.field(field)
            if field.required:
                required.append(key)
        made: Json = {"type": "object", "properties": properties}
        text = about(type(schema))
        if text:
            made = {"description": text, **made}
        if required:
            made["required"] = required
        if self.direction == "IN" and schema.unknown == "raise":
            made["additionalProperties"] = False
        also = list(_conditions(schema))
        if also:
            made["x-also-checked"] = also
        return made

    def field(self, field: fields.Field[Any]) -> Json:
        """The schema of a field's value, with null and default."""
        made = self._field(field)
        if field.allow_none:
            made = _or_null(made)
        if not field.required and field.load_default is not missing:
            default = primitive(field.load_default() if callable(field.load_default) else field.load_default)
            # what stands for "not given" inside is no value that anybody can give
            if not (isinstance(default, int) and default < made.get("minimum", default)):
                made["default"] = default
        return made

    def _field(self, field: fields.Field[Any]) -> Json:
        if isinstance(field, FactItem):
            return self._facts("Fact", field._head, FACT_SCHEMAS)
        if isinstance(field, ProviderFactItem):
            return self._facts("ProviderFact", field._head, PROVIDER_FACT_SCHEMAS)
        if isinstance(field, fields.Nested):
            schema = field.schema
            return self._placed(_name(type(schema)), self.object(schema))
        if isinstance(field, fields.List):
            return bounded({"type": "array", "items": self.field(field.inner)}, field.validators)
        if isinstance(field, fields.Dict):
            return bounded(self._map(field), field.validators)
        found = plain(field, strict=self.direction == "IN")
        if found is None:  # readings and tariffs, which are data of their own
            found = {"type": "object", "x-also-checked": [told(type(field))]}
        return bounded(found, field.validators)

    def _map(self, field: fields.Dict) -> Json:
        made: Json = {"type": "object"}
        if field.key_field is not None:
            keys = {name: value for name, value in self.field(field.key_field).items() if name != "type"}
            if keys:
                made["propertyNames"] = keys
        if field.value_field is not None:
            made["additionalProperties"] = self.field(field.value_field)
        return made

    def _facts(self, name: str, head: Schema, kinds: Mapping[Any, Schema]) -> Json:
        """One object for each kind of fact: `fact` says which."""
        each = []
        for kind, schema in kinds.items():
            made = self.object(schema)
            first = self.object(head)
            days = {"on": self.field(counted_from()), "known_on": self.field(counted_from(allow_none=True))}
            made["properties"] = {
                **first["properties"], **days, "fact": {"const": kind.value}, **made["properties"]
            }  # fmt: skip
            made["required"] = [*first.get("required", ()), "on", "fact", *made.get("required", ())]
            made["x-also-checked"] = ["`known_on` is not before `on`", *made.get("x-also-checked", ())]
            each.append(self._placed(f"{name}_{kind.value}", made))
        return self._placed(name, {"oneOf": each})

    def _placed(self, name: str, body: Json) -> Json:
        return body if self.components is None else self.components.place(name, body)


def event(name: str, version: int | None = None) -> Json:
    """The schema of the `data` of an event, in its present version or another that is told. Raises KeyError."""
    return Builder("OUT").object(schema_of(name, version or EVENTS[name].version))


def event_in(name: str) -> Json:
    """The schema of the `data` of an event that the suite takes in from outside. Raises KeyError."""
    return Builder("IN").object(EVENTS_IN[name].schema)


def request(name: str | Method) -> Json:
    """The schema of a method's request. Raises UnknownMethod."""
    return Builder("IN").object(_method(name).request)


def answer(name: str | Method) -> Json:
    """The schema of a method's answer. Raises UnknownMethod."""
    return Builder("OUT").object(_method(name).answer)


def about(schema: type) -> str:
    """The first paragraph of a schema's own docstring."""
    return inspect.cleandoc(vars(schema).get("__doc__") or "").partition("\n\n")[0].replace("\n", " ")


def _method(name: str | Method) -> Method:
    return name if isinstance(name, Method) else method(name)


def _name(schema: type[Schema]) -> str:
    return schema.__name__.removesuffix("Schema").lstrip("_")


def _or_null(made: Json) -> Json:
    kind = made.get("type")
    if kind is None:
        return made if made == {"const": None} else {"anyOf": [made, {"type": "null"}]}
    made = {**made, "type": [*(kind if isinstance(kind, list) else [kind]), "null"]}
    if "enum" in made:
        made["enum"] = [*made["enum"], None]
    return made


def _conditions(schema: Schema) -> Iterator[str]:
    """What a schema checks of its fields together, in words."""
    hooks: Iterable[tuple[str, bool, Any]] = schema._hooks["validates_schema"]
    for name, *_ in hooks:
        yield told(getattr(schema, name))
