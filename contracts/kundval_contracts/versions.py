"""Versions of events, and methods that are to go: what is told beside the present, how to read what was told before.

A change of an event that would break somebody is a new version. `FORMER` then says of the one before how its data
becomes the next version's and back:

- `up` is kept for ever: by it an event that was stored long ago is read today, in a replay too.
- `down` makes the former version from the present one for whoever has not moved yet. It is there until the `sunset` has
  passed; in a release of that day or later it may be None, and that version is told no more.

An event that is told in several versions is several messages with the same id. Each says in `versions` which there are,
so that a reader takes the highest that it knows and passes over the others, whatever it is bound to: one effect, and a
replay after the reader has moved is known as handled. The first version keeps the event's name as its routing key, a
later one has `<name>.v<number>`, so whoever is bound to the name alone goes on as before.

A method is replaced by another one with another name; `METHOD_SUNSETS` says until when the old one answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError

from .envelope import BadEvent, Event
from .events import EVENTS
from .rpc import METHODS

Data = dict[str, Any]

#: The day of the release in preparation: what has a sunset on it or before may be dropped in it.
RELEASE_DAY = date(2026, 11, 26)


@dataclass(frozen=True, slots=True)
class Former:
    """A version of an event that is not the present one. `up`: its data as data of the next version; `down`: the other
    way round, None if it is told no more; `sunset`: the first day on which it may be told no more.
    """

    version: int
    schema: Schema
    up: Callable[[Data], Data]
    down: Callable[[Data], Data] | None
    sunset: date


@dataclass(frozen=True, slots=True)
class Sunset:
    """When a method may stop to answer, and which to call instead."""

    on: date
    instead: str


#: By name of the event its former versions, from the first on.
FORMER: dict[str, tuple[Former, ...]] = {}

METHOD_SUNSETS: dict[str, Sunset] = {}


class NewerVersion(BadEvent):
    """An event in versions that are all newer than what is known here."""

    def __init__(self) -> None:
        super().__init__("type", "is of a newer version")


class NoWay(LookupError):
    """Nothing leads from one version of an event to the other."""


def told_as(name: str) -> tuple[int, ...]:
    """The versions in which an event is told now, the present one last. Raises KeyError."""
    return *(one.version for one in FORMER.get(name, ()) if one.down is not None), EVENTS[name].version


def schema_of(name: str, version: int) -> Schema:
    """The schema of an event's data in a version. Raises KeyError."""
    if version == EVENTS[name].version:
        return EVENTS[name].schema
    return _former(name)[version].schema


def routing_key(name: str, version: int) -> str:
    """By which an event in that version is found in its exchange."""
    return name if version == 1 else f"{name}.v{version}"


def routing_keys(names: Iterable[str]) -> list[str]:
    """What to bind to for events of these names, in whichever versions they are told."""
    return sorted({key for name in names for key in (name, *(routing_key(name, one) for one in _all(name)))})


def convert(name: str, data: Mapping[str, Any], version: int, wanted: int) -> Data:
    """Data of an event in one version as data of another. Raises `NoWay`; what a converter raises comes through."""
    made, former = dict(data), _former(name)
    while version != wanted:
        step = former.get(version if version < wanted else version - 1)
        turn = None if step is None else step.up if version < wanted else step.down
        if turn is None:
            raise NoWay(f"{name}: nothing leads from version {version} to {wanted}")
        made = turn(made)
        version += 1 if version < wanted else -1
    return made


def read(event: Event, known: int) -> Event | None:
    """An event as who knows its versions up to `known` reads it: in that version, brought up to it if it is older. None
    if it comes in a better version too. Raises `NewerVersion`, BadEvent (it cannot be brought up).
    """
    offered = event.versions or (event.version,)
    fit = max((one for one in offered if one <= known), default=None)
    if fit is None:
        raise NewerVersion
    if event.version != fit:
        return None
    if fit == known:
        return event
    try:
        _former(event.name)[fit].schema.load(event.data, unknown=EXCLUDE)
        data = convert(event.name, event.data, fit, known)
    except ValidationError as error:
        raise BadEvent(f"data.{min(error.messages_dict, key=str, default='')}", "does not fit the schema") from None
    except (LookupError, TypeError, ValueError):
        raise BadEvent("data", f"cannot be brought from version {fit} to {known}") from None
    return replace(event, version=known, data=data)


def sunsets() -> dict[str, dict[str, Any]]:
    """All that is to go: `{"events": {name: {version: ISO day}}, "rpc": {method: ISO day}}`."""
    return {
        "events": {
            name: {str(one.version): one.sunset.isoformat() for one in former if one.down is not None}
            for name, former in sorted(FORMER.items())
        },
        "rpc": {name: one.on.isoformat() for name, one in sorted(METHOD_SUNSETS.items())},
    }


def faults() -> list[str]:
    """What is wrong with the registers above, in words."""
    found = [f"{name} is no event" for name in FORMER if name not in EVENTS]
    for name, event in EVENTS.items():
        former = FORMER.get(name, ())
        if [one.version for one in former] != list(range(1, event.version)):
            found.append(f"{name}: a version below {event.version} is missing, so what was stored in it cannot be read")
        dropped = [one.version for one in former if one.down is None]
        if dropped != list(range(1, len(dropped) + 1)):
            found.append(f"{name}: a version is dropped while an older one is told, which is made from it")
        found += [
            f"{name} v{one.version} is dropped in a release of {RELEASE_DAY}, before its sunset, {one.sunset}"
            for one in former
            if one.down is None and one.sunset > RELEASE_DAY
        ]
    for name, sunset in METHOD_SUNSETS.items():
        found += [f"{one} is no method" for one in (name, sunset.instead) if one not in METHODS]
    return found


def _former(name: str) -> dict[int, Former]:
    return {one.version: one for one in FORMER.get(name, ())}


def _all(name: str) -> Iterable[int]:
    return told_as(name) if name in EVENTS else ()
