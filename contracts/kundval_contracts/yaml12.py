"""YAML as the caseload format means it: the core schema of YAML 1.2, plus plain dates.

PyYAML's fast loader reads YAML 1.1, where a bare `on` is true, `012` is octal and `12:30` a number. Here a
bare word is true or false only if it says so, numbers with decimals are `Decimal` (no float touches money),
dates are `date`, and a key that stands twice is an error instead of the last one winning in silence.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # pragma: no cover - a PyYAML built without libyaml is slower, not wrong
    from yaml import SafeLoader as _Base  # type: ignore[assignment]


class BadYaml(ValueError):
    """The text is not YAML, or a key stands twice; the message names line and column."""


class _Loader(_Base):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


def _resolver(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(tag, re.compile(pattern), list(first) if first else [""])


_resolver("tag:yaml.org,2002:null", r"\A(?:~|null|Null|NULL)\Z", "~nN")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\A\Z"), [""])
_resolver("tag:yaml.org,2002:bool", r"\A(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF")
_resolver("tag:kundval,2026:date", r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", "0123456789")
_resolver("tag:kundval,2026:int", r"\A[-+]?[0-9]+\Z", "-+0123456789")
_resolver(
    "tag:kundval,2026:decimal",
    r"\A[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z",
    "-+.0123456789",
)


def _fault(node: Any, problem: str) -> BadYaml:
    mark = node.start_mark
    return BadYaml(f"line {mark.line + 1}, column {mark.column + 1}: {problem}")


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        try:
            twice = key in found
        except TypeError:
            raise _fault(key_node, "a key must be a plain value") from None
        if twice:
            raise _fault(key_node, f"the key {key!r} stands twice")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _day(loader: Any, node: yaml.ScalarNode) -> Any:
    try:
        return date.fromisoformat(node.value)
    except ValueError:
        return node.value  # a date that does not exist: the schema says so, with its path


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:kundval,2026:date", _day)
_Loader.add_constructor("tag:kundval,2026:int", lambda loader, node: int(node.value))
_Loader.add_constructor("tag:kundval,2026:decimal", lambda loader, node: Decimal(node.value))


#: How deep a document may be nested; the format itself needs eight. libyaml's loader ends the process somewhere
#: beyond some ten thousand.
DEEPEST = 200


def _check_depth(text: str) -> None:
    """Raises BadYaml if maps and lists lie deeper in each other than `DEEPEST`."""
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _fault(event, "nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def load(text: str) -> Any:
    """One YAML (or JSON) document. Raises BadYaml."""
    try:
        _check_depth(text)
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BadYaml(f"{where}{error.problem or 'not YAML'}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, BadYaml):
            raise
        raise BadYaml("not YAML") from None
