"""Who reads an event or calls a method: services by what their `@consumes` says, all by what they have registered."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from nameko.extensions import ENTRYPOINT_EXTENSIONS_ATTR

from kundval_chassis.consume import Consumes
from kundval_contracts.events import EVENTS, SERVICES

#: one file for each consumer that has said what it needs
REGISTERED = Path(__file__).resolve().parents[2] / "contracts" / "consumers"

#: service -> its module and class
CLASSES = {name: (f"kundval_{name}.service", f"{name.capitalize()}Service") for name in SERVICES}


@cache
def consumers() -> dict[str, list[str]]:
    """The consumers of each event by its name, sorted; of an event that nobody reads none."""
    found: dict[str, set[str]] = {name: set() for name in EVENTS}
    for consumer, event in (*_services(), *_registered()):
        if event in found:
            found[event].add(consumer)
    return {event: sorted(who) for event, who in found.items()}


def _services() -> Iterator[tuple[str, str]]:
    for service, (module, name) in CLASSES.items():
        for _, member in inspect.getmembers(getattr(import_module(module), name), inspect.isfunction):
            for entrypoint in getattr(member, ENTRYPOINT_EXTENSIONS_ATTR, ()):
                if isinstance(entrypoint, Consumes):
                    yield from ((service, event) for event in _heard(entrypoint))


def _heard(entrypoint: Consumes) -> Iterator[str]:
    for event in EVENTS:
        if event.partition(".")[0] in entrypoint.sources and (not entrypoint.needs or event in entrypoint.needs):
            yield event


@cache
def callers() -> dict[str, list[str]]:
    """Who has registered that it calls a method, by the method's name."""
    found: dict[str, set[str]] = {}
    for consumer, row in _files():
        for method in {*row.get("requests", ()), *row.get("answers", ())}:
            found.setdefault(method, set()).add(consumer)
    return {method: sorted(who) for method, who in found.items()}


def _registered() -> Iterator[tuple[str, str]]:
    for consumer, row in _files():
        yield from ((consumer, event) for event in row.get("events", ()))


def _files() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(REGISTERED.glob("*.toml")):
        yield path.stem, tomllib.loads(path.read_text(encoding="utf-8"))
