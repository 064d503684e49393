"""Instants and local time. A meeting has a start and an end in UTC; people keep hours in local time.

A local time that a change of the clock skips does not exist, one that it repeats is ambiguous: both are refused, not
guessed. Lengths are real ones: on a day of 23 or 25 hours an hour has sixty minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: the zone of every rule and of everybody's hours
LOCAL = "Europe/Stockholm"
#: files among the zones that are whatever the machine is set to, and those that count leap seconds
_OF_THE_MACHINE = frozenset({"localtime", "posixrules", "Factory"})
_WITH_LEAP_SECONDS = "right/"


class BadInstant(ValueError):
    """A time that cannot be used. `code` is stable; the text says why without quoting what was given."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@lru_cache(maxsize=64)
def zone(name: str = LOCAL) -> ZoneInfo:
    """The zone of that name. Raises BadInstant (UNKNOWN_ZONE)."""
    if name in _OF_THE_MACHINE or name.startswith(_WITH_LEAP_SECONDS):
        raise BadInstant("UNKNOWN_ZONE", "is not a known time zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise BadInstant("UNKNOWN_ZONE", "is not a known time zone") from None


def instant(given: datetime, zone_name: str = LOCAL) -> datetime:
    """A time as UTC: one with an offset as it is, one without in the zone.

    Raises BadInstant: UNKNOWN_ZONE, NO_SUCH_TIME (skipped by the clock), AMBIGUOUS_TIME (there are two of it).
    """
    local = zone(zone_name)
    if given.tzinfo is not None:
        return given.astimezone(UTC)
    first, second = given.replace(tzinfo=local, fold=0), given.replace(tzinfo=local, fold=1)
    if first.utcoffset() != second.utcoffset():
        if first.astimezone(UTC).astimezone(local).replace(tzinfo=None) != given:
            raise BadInstant("NO_SUCH_TIME", "does not exist: the clock is put forward over it")
        raise BadInstant("AMBIGUOUS_TIME", "is there twice, for the clock is put back: give its offset")
    return first.astimezone(UTC)


def local_day(moment: datetime) -> date:
    """The local date of an instant."""
    return moment.astimezone(zone()).date()


def day_span(day: date) -> Span:
    """A local day from midnight to midnight: 23, 24 or 25 hours."""
    midnight = time()
    return Span(_plain(day, midnight), _plain(day + timedelta(days=1), midnight))


def hours_span(day: date, start: time, end: time) -> Span | None:
    """Working hours on a local day; None if the clock leaves nothing of them. A skipped bound is where the clock jumps
    to, a repeated one its first time as start and its second as end.
    """
    begins, ends = _plain(day, start), _plain(day, end, fold=1)
    return Span(begins, ends) if begins < ends else None


def _plain(day: date, at: time, fold: int = 0) -> datetime:
    return datetime.combine(day, at).replace(tzinfo=zone(), fold=fold).astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open `[start, end)` of UTC instants, never empty. Raises BadInstant: NAIVE, EMPTY, NEGATIVE."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise BadInstant("NAIVE", "has no offset")
        if self.end == self.start:
            raise BadInstant("EMPTY", "ends when it starts")
        if self.end < self.start:
            raise BadInstant("NEGATIVE", "ends before it starts")

    @property
    def minutes(self) -> int:
        """Whole minutes."""
        return int((self.end - self.start).total_seconds() // 60)

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def within(self, other: Span) -> bool:
        return other.start <= self.start and self.end <= other.end

    def moved(self, by: timedelta) -> Span:
        return Span(self.start + by, self.end + by)
