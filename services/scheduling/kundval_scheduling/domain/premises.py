"""What Stöd och matchning asks of the supplier's premises: when they are open, and that somebody is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time

from kundval_contracts.codes import ResourceKind
from kundval_contracts.rules import rule

from .resources import Hours, Resource

#: Access counts between these times of the day (AF-SOM-21).
OPENS, CLOSES = time(8), time(17)
ACCESS_MINUTES, ACCESS_DAYS = 4 * 60, 4
_HOUR = 60

#: minutes from midnight, half-open
Minutes = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Premises:
    """A place where a provider has rooms, and whether it is as is asked: see `premises_ok`, `staff_on_site`."""

    provider: str
    place: str
    access: bool
    staffed: bool


def premises(resources: Iterable[Resource], open_hours_week: int) -> tuple[Premises, ...]:
    """The premises of providers, by provider and place. They are open when one of their rooms is, as its hours say."""
    rooms: dict[tuple[str, str], list[Hours]] = defaultdict(list)
    staff: dict[tuple[str, str], list[list[Hours]]] = defaultdict(list)
    for one in resources:
        if one.provider is None:
            continue
        if one.kind is ResourceKind.ROOM and one.place is not None:
            rooms[one.provider, one.place] += one.hours
        if one.kind is ResourceKind.STAFF:
            for place in {hours.place or one.place for hours in one.hours} - {None}:
                there = [hours for hours in one.hours if (hours.place or one.place) == place]
                staff[one.provider, str(place)].append(there)
    return tuple(
        Premises(provider, place, premises_ok(opening), staff_on_site(opening, staff[provider, place], open_hours_week))
        for (provider, place), opening in sorted(rooms.items())
    )


@rule("AF-SOM-21")
def premises_ok(hours: Iterable[Hours]) -> bool:
    """Whether there is access for at least four hours, all told, on at least four days a week, between 08 and 17."""
    days = [
        weekday
        for weekday, spans in _by_weekday(hours).items()
        if sum(end - start for start, end in _within(spans, (_minute(OPENS), _minute(CLOSES)))) >= ACCESS_MINUTES
    ]
    return len(days) >= ACCESS_DAYS


@rule("AF-SOM-20")
def staff_on_site(opening: Iterable[Hours], staff: Iterable[Iterable[Hours]], open_hours_week: int) -> bool:
    """Whether the premises are open so many hours a week, and at every open minute somebody of the staff is there.

    opening: of the premises; staff: the hours in which each of them is there.
    """
    open_spans = _by_weekday(opening)
    present = _by_weekday(one for hours in staff for one in hours)
    if sum(end - start for spans in open_spans.values() for start, end in spans) < open_hours_week * _HOUR:
        return False
    return all(
        sum(inner_end - inner_start for inner_start, inner_end in _within(present.get(weekday, []), (start, end)))
        == end - start
        for weekday, spans in open_spans.items()
        for start, end in spans
    )


def _by_weekday(hours: Iterable[Hours]) -> dict[int, list[Minutes]]:
    """Hours of each weekday, joined where they touch or overlap. Hours of a limited time count as if they went on."""
    found: dict[int, list[Minutes]] = {}
    for one in sorted(hours, key=lambda one: (one.weekday, one.start)):
        start, end = _minute(one.start), _minute(one.end)
        spans = found.setdefault(one.weekday, [])
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        elif start < end:
            spans.append((start, end))
    return found


def _within(spans: Iterable[Minutes], limits: Minutes) -> list[Minutes]:
    cut = [(max(start, limits[0]), min(end, limits[1])) for start, end in spans]
    return [(start, end) for start, end in cut if start < end]


def _minute(at: time) -> int:
    return at.hour * _HOUR + at.minute
