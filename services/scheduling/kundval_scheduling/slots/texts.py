"""Reasons and obstacles in words, by language: `texts/<lang>.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from kundval_chassis.html import form, read_words

from ..domain.slot_problem import Obstacle, Reason


@dataclass(frozen=True)
class Texts:
    """The words of one language."""

    words: Mapping[str, Any]

    def reason(self, reason: Reason) -> str:
        return form(self.words["reason"][reason.code], reason.number).format(number=reason.number)

    def obstacle(self, obstacle: Obstacle, considered: int) -> str:
        """What stands in the way and what its going would open. Nothing of whose other meeting it may be."""
        party = self.words["party"][obstacle.role] if obstacle.role else ""
        text = str(self.words["obstacle"][obstacle.code]).format(
            party=party, removed=obstacle.removed, considered=considered
        )
        if not obstacle.opens:
            return text
        return f"{text} {form(self.words['opens'], obstacle.opens).format(opens=obstacle.opens)}"


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    return Texts(read_words(__package__, lang))
