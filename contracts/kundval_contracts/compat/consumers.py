"""Consumers that have said what they need: one TOML file each, and beside it, if they like, JSON with samples.

``contracts/consumers/<name>.toml``::

    about = "Who it is, and whom to ask"
    every_fact = ["assignment", "on", "*"]      # of every event that tells a fact; `*`: all of its own fields

    [events]
    "billing.posted" = ["assignment", "postings[].amount", "postings[].reverses?"]

    [requests]
    "assignment.state" = ["tenant", "assignment"]

    [answers]
    "assignment.state" = ["state", "facts[].fact"]

A field has to be there and always to be given; with `?` it may be missing or null. `[]` is what a list holds, `*` the
values of a map. ``<name>.json`` holds samples that it must be able to handle or that it sends, which are held against
the schemas of now: ``{"events": [whole events], "requests": [{"method", "body"}], "answers": [{"method", "body"}]}``.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import EXCLUDE, ValidationError

from ..codes import FactKind
from ..envelope import BadEvent, Event
from ..errors import InvalidRequest
from ..events import EVENTS
from ..rpc import METHODS
from ..versions import read, schema_of
from .bundles import Need
from .changes import Json


@dataclass(frozen=True, slots=True)
class Consumer:
    """One that has registered. Fields by event and by method as they stand in its file; samples as read."""

    name: str
    about: str
    events: Mapping[str, Sequence[str]]
    requests: Mapping[str, Sequence[str]]
    answers: Mapping[str, Sequence[str]]
    samples: Mapping[str, Sequence[Any]]

    @property
    def need(self) -> Need:
        """For a comparison: who needs what."""
        bare = [
            {name: [path.removesuffix("?") for path in paths] for name, paths in one.items()}
            for one in (self.events, self.requests, self.answers)
        ]
        return Need(self.name, *bare)


def load(folder: Path) -> list[Consumer]:
    """Everybody who has registered in the folder, by name. Raises OSError, ValueError (what is no TOML or JSON)."""
    return [_read(path) for path in sorted(folder.glob("*.toml"))]


def _read(path: Path) -> Consumer:
    row = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = sorted(set(row) - {"about", "every_fact", "events", "requests", "answers"})
    if unknown:
        raise ValueError(f"{path.name}: nothing is called {', '.join(unknown)}")
    facts = [f"assignment.{kind}" for kind in FactKind if f"assignment.{kind}" in EVENTS] if "every_fact" in row else []
    samples = path.with_suffix(".json")
    return Consumer(
        name=path.stem,
        about=row["about"],
        events={**dict.fromkeys(facts, row.get("every_fact", ())), **row.get("events", {})},
        requests=row.get("requests", {}),
        answers=row.get("answers", {}),
        samples=json.loads(samples.read_text(encoding="utf-8")) if samples.is_file() else {},
    )


def unmet(consumer: Consumer, bundle: Mapping[str, Any]) -> list[str]:
    """What the consumer needs and a bundle does not give, in words. Of an event one living version has to give all."""
    found = []
    for name, paths in consumer.events.items():
        versions = bundle["events"].get(name)
        if versions is None:
            found.append(f"{consumer.name} needs the event {name}, which there is not")
            continue
        missing = [list(_missing(schema, paths, given=True)) for schema in versions.values()]
        found += [f"{consumer.name} needs of {name} {one}" for one in min(missing, key=len)]
    for part, methods in (("request", consumer.requests), ("answer", consumer.answers)):
        for name, paths in methods.items():
            if name not in bundle["rpc"]:
                found.append(f"{consumer.name} calls {name}, which there is not")
                continue
            missing_here = _missing(bundle["rpc"][name][part], paths, given=part == "answer")
            found += [f"{consumer.name} needs of the {part} of {name} {one}" for one in missing_here]
    return found


def _missing(schema: Json, paths: Sequence[str], *, given: bool) -> Iterator[str]:
    """given: a field has to be given always, because the consumer reads it; else it is one that may be sent."""
    for path in paths:
        if path == "*":
            continue
        optional = path.endswith("?")
        problem = _walk(schema, path.removesuffix("?").replace("[]", ".[]").split("."), always=given and not optional)
        if problem:
            yield f"`{path}`, {problem}"


def _walk(schema: Json, steps: Sequence[str], *, always: bool) -> str:
    """What is wrong with a path; nothing if it leads somewhere."""
    for choice in schema.get("oneOf", ()):
        if not _walk(choice, steps, always=always):
            return ""
    if not steps:
        kinds = schema.get("type", ())
        return "which may be null" if always and "null" in kinds and kinds != "null" else ""
    first, rest = steps[0], steps[1:]
    if first == "[]":
        return _walk(schema["items"], rest, always=always) if "items" in schema else "which is no list"
    if first == "*":
        inner = schema.get("additionalProperties")
        return _walk(inner, rest, always=always) if isinstance(inner, dict) else "which is no map"
    if first not in schema.get("properties", {}):
        return "which there is not"
    if always and first not in schema.get("required", ()):
        return "which may be missing"
    return _walk(schema["properties"][first], rest, always=always)


def refused(consumer: Consumer) -> list[str]:
    """Which of its samples do not fit, in words that quote no value."""
    found = []
    for part, check in (("events", _event), ("requests", _request), ("answers", _answer)):
        for place, sample in enumerate(consumer.samples.get(part, ()), 1):
            try:
                check(sample)
            except (BadEvent, InvalidRequest, ValidationError, LookupError, TypeError) as error:
                found.append(f"{consumer.name}, {part} {place}: {_why(error)}")
    return found


def _event(sample: Any) -> None:
    """An event as it was heard once: it fits its own version, and can be brought up to the one of now."""
    event = Event.from_dict(sample)
    schema_of(event.name, event.version).load(event.data, unknown=EXCLUDE)
    present = read(event, EVENTS[event.name].version)
    if present is not None:
        EVENTS[event.name].schema.load(present.data, unknown=EXCLUDE)


def _request(sample: Any) -> None:
    METHODS[sample["method"]].load(sample["body"])


def _answer(sample: Any) -> None:
    METHODS[sample["method"]].answer.load(sample["body"], unknown=EXCLUDE)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return ", ".join(sorted(map(str, error.messages_dict)))
    if isinstance(error, InvalidRequest):
        return ", ".join(sorted({str(fault["path"]) for fault in error.faults}))
    return str(error) if isinstance(error, BadEvent) else f"{type(error).__name__} {error}"
