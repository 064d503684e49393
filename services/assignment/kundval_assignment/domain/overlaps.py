"""Bonus claims of one person that may be about the same thing, across assignments and providers.

Each assignment is judged by itself, and so is its bonus. That a person has two, each claimed, for one and the same
half year or job, shows only where somebody has said whose assignments they are. Whether it is the same thing is for a
person to say: nothing is refused here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from kundval_contracts.calendar import Period
from kundval_contracts.codes import OverlapGround
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Claimed:
    """An exit whose bonus is claimed: its six months, and the work or studies by workplace and first day."""

    assignment: str
    window: Period
    workplace: str | None
    first_day: date


#: The other assignments and the grounds, in order, by assignment; an assignment that overlaps with none is left out.
Overlaps = Mapping[str, tuple[tuple[str, ...], tuple[OverlapGround, ...]]]


@rule("AMI-10.2-c", "AMI-9-b")
def claimed(timeline: Timeline) -> tuple[Claimed, ...]:
    """The exits of an assignment whose bonus is claimed by a claim in effect."""
    return tuple(
        Claimed(timeline.case.assignment, timeline.window(one), one.fact.get("workplace"), one.first_day)
        for one in timeline.exits
        if timeline.claims(one)
    )


@rule("AMI-10.2-a")
def overlaps(claims: Iterable[Claimed]) -> Overlaps:
    """Which claims of one person are for overlapping six months, or for the same workplace and first day."""
    others: dict[str, set[str]] = {}
    grounds: dict[str, set[OverlapGround]] = {}
    for one, other in combinations(claims, 2):
        if one.assignment == other.assignment:
            continue
        shared = set(_grounds(one, other))
        if shared:
            for mine, theirs in ((one, other), (other, one)):
                others.setdefault(mine.assignment, set()).add(theirs.assignment)
                grounds.setdefault(mine.assignment, set()).update(shared)
    return {
        name: (tuple(sorted(found)), tuple(ground for ground in OverlapGround if ground in grounds[name]))
        for name, found in others.items()
    }


def _grounds(one: Claimed, other: Claimed) -> Iterable[OverlapGround]:
    if one.window.overlaps(other.window):
        yield OverlapGround.SIX_MONTHS
    if one.workplace is not None and (one.workplace, one.first_day) == (other.workplace, other.first_day):
        yield OverlapGround.WORKPLACE
