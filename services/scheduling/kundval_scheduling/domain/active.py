"""When an assignment is active and who is in charge then, as far as is known: what follow-ups and workload go by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kundval_contracts.calendar import add_days
from kundval_contracts.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Active:
    """A stretch in which an assignment runs, until `until` (exclusive; None: no end is known)."""

    assignment: str
    first: date
    until: date | None
    provider: str | None

    def on(self, day: date) -> bool:
        return self.first <= day and (self.until is None or day < self.until)

    def through(self, first: date, last: date) -> bool:
        """Whether it runs on every day from `first` through `last`."""
        return self.first <= first and (self.until is None or last < self.until)


def stretches(timeline: Timeline, day: date) -> tuple[Active, ...]:
    """The stretches of a case, as is known on `day`. The provider is who is in charge on `day`, or on the first or last
    day of a stretch that has not begun or is over.
    """
    found = []
    for period in timeline.active:
        if period.start < period.end:
            at = min(max(day, period.start), add_days(period.end, -1))
            until = None if period.end == date.max else period.end
            found.append(Active(timeline.case.assignment, period.start, until, timeline.provider_on(at)))
    return tuple(found)
