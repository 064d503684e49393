"""A marshmallow schema made from a frozen dataclass, for data that people write by hand.

`schema_for(shape)` reads the annotations: `str`, `bool`, `int`, `Decimal`, `date`, `time`, `datetime` (with an
offset), a `StrEnum`, another dataclass, `X | None`, `tuple[X, ...]`, `Mapping[str, X]`, all of them
also `Annotated` with a validator. A field without a default must stand in the data. Types are taken
strictly: `1` is not true, `true` is not a number, a float is no number at all. Loading gives the dataclass, dumping
JSON primitives. Faults are in the words of a file: "missing", "unknown key", "must be a whole number".
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from marshmallow import RAISE, Schema, fields, post_load, validate

_ALWAYS = {"required": "missing", "null": "must not be unset", "validator_failed": "is not permitted"}


class _Shape(Schema):
    """Base of the schemas: keys that the dataclass does not have are faults."""

    shape: type

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "unknown key", "type": "must be a table"}  # noqa: RUF012 (marshmallow's own way)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.shape(**data)


class _Boolean(fields.Boolean):
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class _Integer(fields.Integer):
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return value


class _Number(fields.Decimal):
    """A `Decimal`, or a whole number; on the wire a string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(as_string=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise self.make_error("invalid")
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise self.make_error("invalid") from None
        if not number.is_finite():
            raise self.make_error("invalid")
        return number


class _Date(fields.Date):
    """A date, as TOML has them, or its ISO form."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        found: date = super()._deserialize(value, attr, data, **kwargs)
        return found


class _Tuple(fields.List):
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise self.make_error("invalid")
        return tuple(super()._deserialize(value, attr, data, **kwargs))


class _Map(fields.Dict):
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return MappingProxyType(super()._deserialize(value, attr, data, **kwargs))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(None if value is None else dict(value), attr, obj, **kwargs)


def schema_for(shape: type, name: str, special: Mapping[str, Callable[..., fields.Field[Any]]] | None = None) -> Schema:
    """The schema of a dataclass, called `name`; those of dataclasses within it are called `name` plus their own name.

    `special`: field name -> function that makes the field for it, given marshmallow's keyword arguments. A validator
    stands in the annotation: ``Annotated[int, validate.Range(1)]``.
    """
    hints = get_type_hints(shape, include_extras=True)
    made: dict[str, Any] = {}
    for one in dataclasses.fields(shape):
        options: dict[str, Any] = {"required": True}
        if one.default is not dataclasses.MISSING:
            options = {"load_default": one.default}
        elif one.default_factory is not dataclasses.MISSING:
            options = {"load_default": one.default_factory}
        make = (special or {}).get(one.name)
        made[one.name] = make(**options) if make else _field(hints[one.name], name, options)
    found = _Shape.from_dict(made, name=name)
    found.shape = shape  # type: ignore[attr-defined]
    found.__doc__ = shape.__doc__
    return found()


def _field(hint: Any, name: str, options: dict[str, Any]) -> fields.Field[Any]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _field(inner[0], name, {**options, "validate": list(inner[1:])})
    if origin in (Union, types.UnionType):
        (hint,) = (one for one in inner if one is not type(None))
        return _field(hint, name, {**options, "allow_none": True})

    def told(message: str, **more: str) -> dict[str, Any]:
        return {**options, "error_messages": {**_ALWAYS, "invalid": message, **more}}

    if origin is tuple:
        return _Tuple(_field(inner[0], name, {}), **told("must be a list"))
    if origin is not None and issubclass(origin, Mapping):
        keys = fields.String(validate=validate.Length(1), error_messages={"invalid": "must be text"})
        return _Map(keys=keys, values=_field(inner[1], name, {}), **told("must be a table"))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return fields.Nested(schema_for(hint, f"{name}{hint.__name__}"), **told("must be a table"))
    if issubclass(hint, StrEnum):
        choices = "must be one of: " + ", ".join(one.value for one in hint)
        return fields.Enum(hint, by_value=True, **told(choices, unknown=choices))
    plain: dict[type, tuple[Callable[..., fields.Field[Any]], str]] = {
        bool: (_Boolean, "must be true or false"),
        int: (_Integer, "must be a whole number"),
        Decimal: (_Number, "must be a number"),
        date: (_Date, "must be a date"),
        time: (fields.Time, "must be a time of day"),
        datetime: (fields.AwareDateTime, "must be a date and a time with its offset"),
        str: (fields.String, "must be text"),
    }
    make, message = plain[hint]
    if hint is str and "validate" not in options and "load_default" not in options:
        options = {**options, "validate": validate.Length(1, error="must not be empty")}
    return make(**told(message))


__all__ = ["schema_for"]
