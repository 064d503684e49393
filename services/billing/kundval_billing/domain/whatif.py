"""What would be otherwise: the lines of the same facts under two sets of settings, compared and added up.

Only PAYABLE lines are money; they belong to the calendar month of their `payable_from`. A line that waits for
something, or for a person, is told by its move from one status to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from kundval_contracts.answer import Line, money
from kundval_contracts.codes import Direction, LineStatus, Programme
from kundval_contracts.tariffs import direction_of

#: how many of the assignments that change most are told with their derivations
LARGEST = 10
#: (direction, provider, programme, month as YYYY-MM, kind)
Group = tuple[str, str, str, str, str]
#: (status before, status after); "" where there is no such line
Move = tuple[str, str]
K = TypeVar("K")
_FIELDS = ("direction", "provider", "programme", "month", "kind")


@dataclass(slots=True)
class Sums:
    """SEK before and after."""

    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    lines: int = 0

    @property
    def difference(self) -> Decimal:
        return self.after - self.before

    def add(self, other: Sums) -> None:
        self.before += other.before
        self.after += other.after
        self.lines += other.lines

    def as_json(self) -> dict[str, str]:
        return {"before": money(self.before), "after": money(self.after), "difference": money(self.difference)}


@dataclass(frozen=True, slots=True)
class Change:
    """An assignment that would get another amount, with the lines that differ: (before, after) of each."""

    assignment: str
    programme: str
    before: Decimal
    after: Decimal
    lines: tuple[tuple[Line | None, Line | None], ...]

    @property
    def order(self) -> tuple[Decimal, str]:
        """The largest change first, whichever way it goes."""
        return (-abs(self.after - self.before), self.assignment)

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": self.assignment,
            "programme": self.programme,
            **Sums(self.before, self.after).as_json(),
            "lines": [_pair(before, after) for before, after in self.lines],
        }


@dataclass(slots=True)
class Difference:
    """What comes of a draft over any number of assignments. Differences of other assignments are added with `add`.

    The order in which assignments are added does not matter. `changed` counts those of which a line differs in
    amount, status or day.
    """

    assignments: int = 0
    changed: int = 0
    groups: dict[Group, Sums] = field(default_factory=dict)
    moves: dict[Move, Sums] = field(default_factory=dict)
    largest: tuple[Change, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if nothing would be otherwise."""
        return not self.changed

    def add(self, other: Difference) -> None:
        """Add the difference of other assignments to this one."""
        self.assignments += other.assignments
        self.changed += other.changed
        for group, sums in other.groups.items():
            _of(self.groups, group).add(sums)
        for move, sums in other.moves.items():
            _of(self.moves, move).add(sums)
        if other.largest:
            self.largest = tuple(sorted((*self.largest, *other.largest), key=lambda one: one.order)[:LARGEST])

    def by(self, *names: str) -> dict[tuple[str, ...], Sums]:
        """The groups added up by some of direction, provider, programme, month and kind."""
        places = [_FIELDS.index(name) for name in names]
        found: dict[tuple[str, ...], Sums] = {}
        for group, sums in self.groups.items():
            _of(found, tuple(group[place] for place in places)).add(sums)
        return found

    def as_json(self) -> dict[str, Any]:
        """JSON values, sorted: totals, margins, the groups that differ, moves between statuses, largest changes."""
        return {
            "assignments": self.assignments,
            "changed": self.changed,
            "totals": self._rows("direction"),
            "providers": self._rows("direction", "provider"),
            "programmes": self._rows("direction", "programme"),
            "months": self._rows("direction", "month"),
            "kinds": self._rows("direction", "kind"),
            "groups": [row for row in self._rows(*_FIELDS) if row["before"] != row["after"]],
            "moves": [
                {
                    "from": before or None,
                    "to": after or None,
                    "lines": sums.lines,
                    "before": money(sums.before),
                    "after": money(sums.after),
                }
                for (before, after), sums in sorted(self.moves.items())
            ],
            "largest": [one.as_json() for one in self.largest],
        }

    def _rows(self, *names: str) -> list[dict[str, str]]:
        return [
            {**dict(zip(names, key, strict=True)), **sums.as_json()} for key, sums in sorted(self.by(*names).items())
        ]


def difference(programme: Programme, before: Iterable[Line], after: Iterable[Line]) -> Difference:
    """The difference of one assignment between its lines `before` and `after`, both of the same day."""
    direction = direction_of(programme)
    old, new = {line.key: line for line in before}, {line.key: line for line in after}
    found = Difference(assignments=1)
    for line in old.values():
        if line.status is LineStatus.PAYABLE:
            _of(found.groups, _group(direction, programme, line)).before += line.amount
    for line in new.values():
        if line.status is LineStatus.PAYABLE:
            _of(found.groups, _group(direction, programme, line)).after += line.amount
    differing = tuple(_differing(old, new))
    if not differing:
        return found
    found.changed = 1
    for one, other in differing:
        sums = Sums(one.amount if one else Decimal(0), other.amount if other else Decimal(0), 1)
        if _status(one) != _status(other):
            _of(found.moves, (_status(one), _status(other))).add(sums)
    paid = Sums()
    for sums in found.groups.values():
        paid.add(sums)
    if paid.difference:
        assignment = next(line.assignment for pair in differing for line in pair if line is not None)
        found.largest = (Change(assignment, programme.value, paid.before, paid.after, differing),)
    return found


def _differing(old: Mapping[Any, Line], new: Mapping[Any, Line]) -> Iterator[tuple[Line | None, Line | None]]:
    """The lines that stand otherwise, in the order of their keys."""
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if _stand(one) != _stand(other):
            yield one, other


def _stand(line: Line | None) -> tuple[Any, ...] | None:
    return None if line is None else (line.amount, line.status, line.payable_from)


def _status(line: Line | None) -> str:
    return "" if line is None else line.status.value


def _group(direction: Direction, programme: Programme, line: Line) -> Group:
    day = line.payable_from or line.end
    return (direction.value, line.provider, programme.value, f"{day:%Y-%m}", line.kind.value)


def _of(table: dict[K, Sums], key: K) -> Sums:
    sums = table.get(key)
    if sums is None:
        sums = table[key] = Sums()
    return sums


def _pair(before: Line | None, after: Line | None) -> dict[str, Any]:
    line = after or before
    assert line is not None
    return {
        "provider": line.provider,
        "kind": line.kind.value,
        "sequence": line.sequence,
        "from": line.start.isoformat(),
        "to": line.end.isoformat(),
        "before": _side(before),
        "after": _side(after),
    }


def _side(line: Line | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {
        "amount": money(line.amount),
        "status": line.status.value,
        "payable_from": line.payable_from.isoformat() if line.payable_from else None,
        "because": line.because,
        "steps": [step.as_json() for step in line.steps],
    }
