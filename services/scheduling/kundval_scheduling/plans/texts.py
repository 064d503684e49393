"""Why a meeting of a plan has no time, in words, by language: `texts/<lang>.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from kundval_chassis.html import form, read_words


@dataclass(frozen=True)
class Texts:
    """The words of one language."""

    words: Mapping[str, Any]

    def reason(self, code: str, others: int) -> str:
        """In one sentence; a code of booking that has no sentence of its own is named."""
        text = self.words["reason"].get(code)
        if text is None:
            return str(self.words["refused"]).format(code=code)
        return form(text, others).format(others=others)


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    return Texts(read_words(__package__, lang))
