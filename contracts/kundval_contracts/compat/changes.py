"""How two JSON Schemas differ, field by field, without asking yet who reads and who writes.

Knows what `schema.build` makes: objects, maps, lists, choices of objects (`oneOf`, told apart by a constant), plain
values with bounds. Any other keyword that differs is a change of kind CONDITION that counts in both directions, so that
nothing passes because it was not understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]


class Kind(StrEnum):
    """What happened. The words are in `words`."""

    FIELD_ADDED = "FIELD_ADDED"
    FIELD_REMOVED = "FIELD_REMOVED"
    FIELD_RENAMED = "FIELD_RENAMED"
    REQUIRED = "REQUIRED"
    OPTIONAL = "OPTIONAL"
    NULL_ALLOWED = "NULL_ALLOWED"
    NULL_REFUSED = "NULL_REFUSED"
    RETYPED = "RETYPED"
    CODES_ADDED = "CODES_ADDED"
    CODES_REMOVED = "CODES_REMOVED"
    CODES_RENAMED = "CODES_RENAMED"
    CODES_REORDERED = "CODES_REORDERED"
    CODES_INSERTED = "CODES_INSERTED"
    CONDITION = "CONDITION"
    CONDITION_IN_WORDS = "CONDITION_IN_WORDS"
    DEFAULT = "DEFAULT"
    EVENT_ADDED = "EVENT_ADDED"
    EVENT_REMOVED = "EVENT_REMOVED"
    EVENT_RENAMED = "EVENT_RENAMED"
    VERSION_ADDED = "VERSION_ADDED"
    VERSION_REMOVED = "VERSION_REMOVED"
    METHOD_ADDED = "METHOD_ADDED"
    METHOD_REMOVED = "METHOD_REMOVED"
    METHOD_RENAMED = "METHOD_RENAMED"
    METHOD_KIND = "METHOD_KIND"
    ROLE_REMOVED = "ROLE_REMOVED"
    REACH_NARROWED = "REACH_NARROWED"
    SHIELD_CHANGED = "SHIELD_CHANGED"
    PURPOSE_NEEDED = "PURPOSE_NEEDED"
    ROWS = "ROWS"
    ERROR_REMOVED = "ERROR_REMOVED"
    LIST_REMOVED = "LIST_REMOVED"
    OTHERWISE = "OTHERWISE"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    path: of fields with dots, `[]` for the items of a list, `*` for the values of a map. narrows: what was allowed
    before is not any more, so that an old writer fails a new reader. widens: what was not allowed before is now, so
    that a new writer surprises an old reader. loses: something that an old reader may have used is not there any more.
    tolerated: a reader of events and answers has to bear it (a new code). before, after: for the words.
    """

    kind: Kind
    path: str
    narrows: bool = False
    widens: bool = False
    loses: bool = False
    tolerated: bool = False
    before: str = ""
    after: str = ""


#: says nothing about which values fit
_NOTES = frozenset({"description", "title", "examples", "$comment", "x-codes", "deprecated", "x-sunset"})
#: bounds and the direction in which they narrow: +1 as they grow, -1 as they fall
_BOUNDS = {
    "minimum": 1,
    "exclusiveMinimum": 1,
    "minLength": 1,
    "minItems": 1,
    "minProperties": 1,
    "maximum": -1,
    "exclusiveMaximum": -1,
    "maxLength": -1,
    "maxItems": -1,
    "maxProperties": -1,
}
_HANDLED = frozenset(
    {"type", "enum", "const", "default", "properties", "required", "additionalProperties", "items", "propertyNames",
     "oneOf", "anyOf", "allOf", "pattern", "format", "x-also-checked"}
)  # fmt: skip
#: of names that differ more than this a field that went and one that came are two fields, unless there is no other
_ALIKE = 0.5


def changes(old: Json, new: Json, path: str = "") -> Iterator[Change]:
    """Every difference between two schemas of the same place."""
    if old == new:
        return
    if "oneOf" in old or "oneOf" in new:
        yield from _choices(old.get("oneOf", [old]), new.get("oneOf", [new]), path)
        return
    old, new = _without_null(old), _without_null(new)
    yield from _types(old, new, path)
    yield from _codes(old, new, path)
    yield from _conditions(old, new, path)
    yield from _default(old, new, path)
    if "properties" in old or "properties" in new:
        yield from _fields(old, new, path)
    elif "additionalProperties" in old or "additionalProperties" in new:
        yield from _inner(old, new, "additionalProperties", path, "*")
    yield from _inner(old, new, "items", path, "[]")
    yield from _inner(old, new, "propertyNames", path, "(key)")


def _types(old: Json, new: Json, path: str) -> Iterator[Change]:
    before, after = _kinds(old), _kinds(new)
    if before is None and after is None:
        return
    if before is None or after is None:
        yield Change(
            Kind.RETYPED, path, narrows=before is None, widens=after is None, before=_said(before), after=_said(after)
        )
        return
    if "null" in after - before:
        yield Change(Kind.NULL_ALLOWED, path, widens=True)
    if "null" in before - after:
        yield Change(Kind.NULL_REFUSED, path, narrows=True)
    before, after = before - {"null"}, after - {"null"}
    if before != after:
        gone, come = _not_covered(before, after), _not_covered(after, before)
        yield Change(
            Kind.RETYPED, path, narrows=bool(gone), widens=bool(come), before=_said(before), after=_said(after)
        )


def _not_covered(kinds: frozenset[str], by: frozenset[str]) -> frozenset[str]:
    """The types that the others do not take; a number takes an integer."""
    return kinds - by - ({"integer"} if "number" in by else set())


def _codes(old: Json, new: Json, path: str) -> Iterator[Change]:
    before, after = _listed(old), _listed(new)
    if before == after:
        return
    if before is None or after is None:
        kind = Kind.CONDITION
        yield Change(
            kind, path, narrows=before is None, widens=after is None,
            before="any value" if before is None else "a list of codes",
            after="any value" if after is None else "a list of codes",
        )  # fmt: skip
        return
    gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
    tolerated = bool(old.get("x-codes")) and bool(new.get("x-codes"))
    said = _quoted(gone), _quoted(come)
    if gone:
        kind = Kind.CODES_RENAMED if len(gone) == len(come) else Kind.CODES_REMOVED
        yield Change(kind, path, narrows=True, widens=not tolerated and bool(come), before=said[0], after=said[1])
    elif come:
        yield Change(Kind.CODES_ADDED, path, widens=True, tolerated=tolerated, after=said[1])


def _conditions(old: Json, new: Json, path: str) -> Iterator[Change]:
    for name, way in _BOUNDS.items():
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        narrows = before is None or (after is not None and (after - before) * way > 0)
        yield Change(
            Kind.CONDITION, path, narrows=narrows, widens=not narrows, before=_bound(name, before),
            after=_bound(name, after),
        )  # fmt: skip
    texts_before, texts_after = _texts(old), _texts(new)
    if texts_before != texts_after:
        yield Change(
            Kind.CONDITION, path, narrows=bool(texts_after - texts_before), widens=bool(texts_before - texts_after),
            before=_joined(texts_before), after=_joined(texts_after),
        )  # fmt: skip
    words_before, words_after = set(old.get("x-also-checked", ())), set(new.get("x-also-checked", ()))
    if words_before != words_after:
        yield Change(Kind.CONDITION_IN_WORDS, path, before=_joined(words_before), after=_joined(words_after))
    for name in sorted((set(old) | set(new)) - _HANDLED - _NOTES - set(_BOUNDS)):
        if old.get(name) != new.get(name):
            yield Change(Kind.CONDITION, path, narrows=True, widens=True, before=name, after=name)


def _default(old: Json, new: Json, path: str) -> Iterator[Change]:
    if ("default" in old) != ("default" in new) or old.get("default") != new.get("default"):
        if "default" not in old and new["default"] is None:
            return  # what is not there, said
        yield Change(
            Kind.DEFAULT, path, narrows=True, widens=True,
            before=repr(old["default"]) if "default" in old else "none",
            after=repr(new["default"]) if "default" in new else "none",
        )  # fmt: skip


def _fields(old: Json, new: Json, path: str) -> Iterator[Change]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
    closed = new.get("additionalProperties") is False
    gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
    renamed = _renamed(gone, come, before, after)
    for name in gone:
        kind = Kind.FIELD_RENAMED if name in renamed else Kind.FIELD_REMOVED
        # a field that is needed under another name is missed in what old writers send
        missed = renamed.get(name) in needed_after
        yield Change(
            kind, _join(path, name), narrows=closed or missed, widens=name in needed_before, loses=True,
            after=renamed.get(name, ""),
        )  # fmt: skip
    for name in come:
        if name in renamed.values():
            continue
        if name in needed_after:
            yield Change(Kind.REQUIRED, _join(path, name), narrows=True, before="new")
        else:
            yield Change(Kind.FIELD_ADDED, _join(path, name), widens=True, tolerated=True)
    for name in before:
        if name not in after:
            continue
        if name in needed_after - needed_before:
            yield Change(Kind.REQUIRED, _join(path, name), narrows=True)
        if name in needed_before - needed_after:
            yield Change(Kind.OPTIONAL, _join(path, name), widens=True)
        bare = _undefaulted if name in needed_before | needed_after else dict
        yield from changes(bare(before[name]), bare(after[name]), _join(path, name))
    if old.get("additionalProperties", True) != new.get("additionalProperties", True):
        was_closed = old.get("additionalProperties") is False
        yield Change(
            Kind.CONDITION, path, narrows=not was_closed, widens=was_closed and not closed, tolerated=was_closed,
            before="no other fields" if was_closed else "other fields",
            after="no other fields" if closed else "other fields",
        )  # fmt: skip


def _undefaulted(schema: Json) -> Json:
    """What a field that has to be given would be if it were not says nothing."""
    return {key: value for key, value in schema.items() if key != "default"}


def _renamed(gone: Sequence[str], come: Sequence[str], before: Json, after: Json) -> dict[str, str]:
    """Fields that are there under another name: what they hold is the same, and so is most of the name, or there is
    only one of each.
    """
    found: dict[str, str] = {}
    for name in gone:
        same = [one for one in come if one not in found.values() and _bare(after[one]) == _bare(before[name])]
        same.sort(key=lambda one: -alike(name, one))
        if same and (alike(name, same[0]) >= _ALIKE or (len(gone) == 1 and len(come) == 1)):
            found[name] = same[0]
    return found


def alike(one: str, other: str) -> float:
    """How alike two names are, 0 to 1."""
    return SequenceMatcher(None, one, other).ratio()


def _bare(schema: Json) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in _NOTES and key != "default"}


def _inner(old: Json, new: Json, keyword: str, path: str, mark: str) -> Iterator[Change]:
    before, after = old.get(keyword, True), new.get(keyword, True)
    if before == after:
        return
    inner = _join(path, mark)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from changes(before, after, inner)
    else:
        narrows = after is False or before is True or before == {}
        yield Change(
            Kind.CONDITION, inner, narrows=narrows, widens=not narrows, before=_open(before), after=_open(after)
        )


def _choices(before: Sequence[Json], after: Sequence[Json], path: str) -> Iterator[Change]:
    """Objects of which a value is one. A constant in each says which."""
    old, new = by_constant(before), by_constant(after)
    gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
    if gone:
        yield Change(Kind.CODES_REMOVED, path, narrows=True, loses=True, before=_quoted(gone))
    if come:
        yield Change(Kind.CODES_ADDED, path, widens=True, tolerated=True, after=_quoted(come))
    for name, schema in old.items():
        if name in new:
            yield from changes(schema, new[name], f"{path}({name})")


def by_constant(choices: Sequence[Json]) -> dict[str, Json]:
    """Objects of which a value is one, by the constant that tells them apart."""
    found: dict[str, Json] = {}
    for number, one in enumerate(choices, 1):
        constants = [str(two["const"]) for two in one.get("properties", {}).values() if "const" in two]
        found[constants[0] if constants else f"#{number}"] = one
    return found


def _without_null(schema: Json) -> Json:
    """`anyOf: [X, null]` as X that takes null; other choices stay, and are compared as conditions."""
    choices = schema.get("anyOf")
    if not isinstance(choices, list):
        return schema
    rest = [one for one in choices if one != {"type": "null"}]
    outer = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(rest) != 1:
        return {**outer, "x-any-of": choices}
    inner = _without_null(rest[0])
    kinds = _kinds(inner)
    return {**inner, **outer, **({} if kinds is None else {"type": sorted(kinds | {"null"})})}


def _kinds(schema: Json) -> frozenset[str] | None:
    found = schema.get("type")
    if found is None:
        return None
    return frozenset([found] if isinstance(found, str) else found)


def _listed(schema: Json) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    # null is told of by the types
    return [one for one in schema["enum"] if one is not None] if "enum" in schema else None


def _texts(schema: Json) -> frozenset[str]:
    """Conditions on a text of which it has to meet each; what is none of these is a condition by its own text."""
    found = {f"{name} {schema[name]}" for name in ("pattern", "format") if name in schema}
    for one in schema.get("allOf", ()):
        for name, value in one.items():
            found.add(f"{name} {value}")
    return frozenset(found)


def _join(path: str, name: str) -> str:
    return f"{path}{name}" if name == "[]" else f"{path}.{name}" if path else name


def _said(kinds: frozenset[str] | None) -> str:
    return "anything" if kinds is None else " or ".join(sorted(kinds - {"null"})) or "null"


def _bound(name: str, value: Any) -> str:
    return f"no {name}" if value is None else f"{name} {value}"


def _joined(texts: frozenset[str] | set[str]) -> str:
    return "; ".join(sorted(texts)) or "no condition"


def _open(value: Any) -> str:
    return "nothing" if value is False else "anything" if value is True or value == {} else "values of one shape"


def _quoted(codes: Sequence[Any]) -> str:
    return ", ".join(f"`{one}`" for one in codes)
