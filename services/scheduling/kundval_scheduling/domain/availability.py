"""When somebody can: working hours less what is taken and less holidays, as plain interval arithmetic.

Lists of spans are in order and do not overlap, given and answered, unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from .instants import Span, hours_span, local_day
from .resources import Busy, Hours

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """A stretch of working time, and where it is worked (None: where usual)."""

    span: Span
    place: str | None = None


def local_days(window: Span) -> list[date]:
    """The local days that a time touches, in order."""
    day, found = local_day(window.start), []
    last = local_day(window.end - timedelta(microseconds=1))
    while day <= last:
        found.append(day)
        day += _DAY
    return found


def week_of(day: date) -> date:
    """The Monday of the ISO week that a day is in: one name for a week, also at the turn of a year."""
    return day - timedelta(days=day.weekday())


def office_hours(start: time, end: time) -> tuple[Hours, ...]:
    """The same hours from Monday to Friday: for whoever has given none."""
    return tuple(Hours(weekday, start, end) for weekday in range(1, 6))


def shifts(hours: Iterable[Hours], window: Span, holidays: Collection[date] = frozenset()) -> list[Shift]:
    """Weekly hours laid out over a time, cut at its ends; none on a day of `holidays`. In order; two shifts overlap
    if the hours do.
    """
    given = tuple(hours)
    found = []
    for day in local_days(window):
        if day in holidays:
            continue
        for one in given:
            if one.on(day) and (span := hours_span(day, one.start, one.end)) and (part := common(span, window)):
                found.append(Shift(part, one.place))
    return sorted(found, key=lambda shift: shift.span)


def free(
    hours: Iterable[Hours], busy: Iterable[Busy], window: Span, holidays: Collection[date] = frozenset()
) -> list[Span]:
    """Working time in which nothing is taken."""
    working = merged(shift.span for shift in shifts(hours, window, holidays))
    return without(working, merged(one.span for one in busy))


def common(one: Span, other: Span) -> Span | None:
    """What two spans have in common."""
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Span(start, end) if start < end else None


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in any order, overlapping or touching or not, as the list that covers the same."""
    found: list[Span] = []
    for one in sorted(spans):
        if found and one.start <= found[-1].end:
            if one.end > found[-1].end:
                found[-1] = Span(found[-1].start, one.end)
        else:
            found.append(one)
    return found


def without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """What is left of `spans` when `taken` is cut out."""
    found: list[Span] = []
    at = 0
    for one in spans:
        start = one.start
        while at < len(taken) and taken[at].end <= start:
            at += 1
        place = at
        while place < len(taken) and taken[place].start < one.end:
            if start < taken[place].start:
                found.append(Span(start, taken[place].start))
            start = max(start, taken[place].end)
            place += 1
        if start < one.end:
            found.append(Span(start, one.end))
    return found


def shared(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """The time that is in both lists."""
    found: list[Span] = []
    left = right = 0
    while left < len(first) and right < len(second):
        if part := common(first[left], second[right]):
            found.append(part)
        if first[left].end <= second[right].end:
            left += 1
        else:
            right += 1
    return found
