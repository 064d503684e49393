"""Jobseeker categories, known by scheme, code and period. What nobody knows is kept as unknown."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from ..codes import CategoryScheme, JobseekerCategory
from ..tables import only

#: the most characters of an unknown category that are kept
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A number in the half-open period in which it meant that. Without days: as long as anybody knows."""

    scheme: CategoryScheme
    code: str
    meaning: JobseekerCategory
    words: tuple[str, ...] = ()
    valid_from: date = date.min
    valid_to: date = date.max

    def on(self, day: date) -> bool:
        return self.valid_from <= day < self.valid_to


@dataclass(frozen=True, slots=True)
class Category:
    """What an answer said. `code`: None if it said no number and no words that are known; `text`: what it said, if it
    is unknown.
    """

    scheme: CategoryScheme
    code: str | None
    meaning: JobseekerCategory
    text: str | None = None


def read_rows(raw: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Rows of data. Raises ValueError for a code or key that there is not, and for periods of a number that overlap."""
    found: list[Row] = []
    for one in raw:
        only(one, ("scheme", "code", "meaning", "words", "valid_from", "valid_to"))
        row = Row(
            CategoryScheme(one["scheme"]),
            str(one["code"]),
            JobseekerCategory(one["meaning"]),
            tuple(_plain(word) for word in one.get("words", ())),
            one.get("valid_from", date.min),
            one.get("valid_to", date.max),
        )
        if any(_clash(row, other) for other in found):
            raise ValueError(f"{row.scheme} {row.code} stands twice for the same days")
        found.append(row)
    return tuple(found)


def _clash(one: Row, other: Row) -> bool:
    same = (one.scheme, one.code) == (other.scheme, other.code)
    return same and one.valid_from < other.valid_to and other.valid_from < one.valid_to


@cache
def table() -> tuple[Row, ...]:
    """The rows that the package comes with."""
    text = files(__package__).joinpath("../data/af_categories.toml").read_text(encoding="utf-8")
    return read_rows(tomllib.loads(text)["category"])


def find(
    said: str | None, on: date, scheme: CategoryScheme = CategoryScheme.AF, rows: Iterable[Row] | None = None
) -> Category | None:
    """The category that `said` names on a day: a number, words, or both (`11 - Öppet arbetslös`). None: it names none.

    The number goes before the words. A number that meant something else, or nothing, on that day is unknown.
    """
    said = (said or "").strip()
    if not said:
        return None
    on_day = [row for row in (table() if rows is None else rows) if row.scheme is scheme and row.on(on)]
    number = re.search(r"(?<!\d)0*(\d{1,3})(?!\d)", said, re.ASCII)
    if number is not None:
        code = number[1]
        for row in on_day:
            if row.code == code:
                return Category(scheme, code, row.meaning)
        return Category(scheme, code, JobseekerCategory.UNKNOWN, said[:LONGEST])
    words = _plain(said)
    for row in on_day:
        if words in row.words:
            return Category(scheme, row.code, row.meaning)
    return Category(scheme, None, JobseekerCategory.UNKNOWN, said[:LONGEST])


def _plain(words: str) -> str:
    return " ".join(words.casefold().split())
