"""The starts that come into question for a meeting, and sets of them as whole numbers.

Bit n of a set stands for the n-th start. So "everybody can" is one `&` over weeks of time, "one of them can" one `|`,
and how many there are is a count of bits; nothing walks through the minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from .instants import Span, day_span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_HOUR = 60


def minute_of(moment: datetime) -> int:
    """Whole minutes since 1970, rounded down."""
    return (moment - _EPOCH) // _MINUTE


def minute_after(moment: datetime) -> int:
    """Whole minutes since 1970, rounded up."""
    return -((_EPOCH - moment) // _MINUTE)


def moment_of(minute: int) -> datetime:
    return _EPOCH + minute * _MINUTE


@dataclass(frozen=True, slots=True)
class Starts:
    """Every `grid` minutes a start at which a meeting of `minutes` lies wholly in the window.

    first: the number of the first one, counted in grids since 1970. The local zone is whole hours from UTC, so that a
    quarter of an hour there is one here, and the change of the clock makes no other.
    """

    minutes: int
    grid: int
    first: int
    count: int

    @classmethod
    def over(cls, window: Span, minutes: int, grid: int) -> Starts:
        """Raises ValueError for a grid that does not divide the hour, or a meeting of no length."""
        if grid < 1 or _HOUR % grid or minutes < 1:
            raise ValueError("a grid divides the hour, and a meeting has a length")
        first = -(-minute_after(window.start) // grid)
        last = (minute_of(window.end) - minutes) // grid
        return cls(minutes, grid, first, max(0, last - first + 1))

    @property
    def all(self) -> int:
        return self._between(0, self.count - 1)

    def minute(self, number: int) -> int:
        """Minutes since 1970 of a start."""
        return (self.first + number) * self.grid

    def span(self, number: int) -> Span:
        """The time of a meeting with that start."""
        start = self.minute(number)
        return Span(moment_of(start), moment_of(start + self.minutes))

    def each(self, some: int) -> Iterator[int]:
        """The numbers of the starts in a set, in order."""
        while some:
            lowest = some & -some
            yield lowest.bit_length() - 1
            some ^= lowest

    def inside(self, span: Span) -> int:
        """The starts at which the meeting lies wholly in `span`."""
        lowest = -(-minute_after(span.start) // self.grid)
        highest = (minute_of(span.end) - self.minutes) // self.grid
        return self._between(lowest - self.first, highest - self.first)

    def nearer(self, start: int, end: int, before: int = 0, after: int = 0) -> int:
        """The starts at which the meeting touches the minutes from `start` to `end`, or leaves fewer than `before`
        minutes before them, or fewer than `after` after them. Exactly as many is enough.
        """
        lowest = (start - self.minutes - before) // self.grid + 1
        highest = -(-(end + after) // self.grid) - 1
        return self._between(lowest - self.first, highest - self.first)

    def on(self, day: date) -> int:
        """The starts on a local day."""
        whole = day_span(day)
        lowest = -(-minute_of(whole.start) // self.grid)
        highest = -(-minute_of(whole.end) // self.grid) - 1
        return self._between(lowest - self.first, highest - self.first)

    def _between(self, lowest: int, highest: int) -> int:
        if lowest < 0:
            lowest = 0
        if highest >= self.count:
            highest = self.count - 1
        return 0 if highest < lowest else ((1 << (highest - lowest + 1)) - 1) << lowest
