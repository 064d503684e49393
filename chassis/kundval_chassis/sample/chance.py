"""Chance that gives the same sequence for the same key on every Python: nothing but `random()` is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import TypeVar

from kundval_contracts.calendar import add_days

T = TypeVar("T")


class Chance:
    """A source of chance of its own for each resident, so that one more resident changes no other."""

    def __init__(self, key: str) -> None:
        self._random = Random(key).random

    def yes(self, share: float) -> bool:
        return self._random() < share

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included; `low` if there is nothing between."""
        return low + int(self._random() * (high - low + 1)) if high > low else low

    def one_of(self, items: Sequence[T]) -> T:
        return items[self.between(0, len(items) - 1)]

    def pick(self, weighted: Sequence[tuple[T, int]]) -> T:
        """One of the values, by their weights."""
        point = self._random() * sum(weight for _, weight in weighted)
        for value, weight in weighted:
            point -= weight
            if point < 0:
                return value
        return weighted[-1][0]

    def day(self, first: date, last: date) -> date:
        """A day from `first` to `last`, both included."""
        return add_days(first, self.between(0, (last - first).days))

    def soon(self, day: date, low: int, high: int) -> date:
        """A weekday from `low` to `high` days after `day`, or the Monday after a weekend."""
        return weekday(add_days(day, self.between(low, high)))


def weekday(day: date) -> date:
    """`day`, or the Monday after it if it falls on a weekend."""
    return add_days(day, (7 - day.weekday()) % 7) if day.weekday() > 4 else day
