"""Why a meeting of a plan has no time, in words, by language: `texts/<lang>.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Texts:
    """The words of one language."""

    words: Mapping[str, Any]

    def reason(self, code: str, others: int) -> str:
        """In one sentence; a code of booking that has no sentence of its own is named."""
        text = self.words["reason"].get(code)
        if text is None:
            return str(self.words["refused"]).format(code=code)
        form = text if isinstance(text, str) else text["one" if others == 1 else "other"]
        return str(form).format(others=others)


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    text = files(__package__).joinpath(f"texts/{lang}.toml").read_text(encoding="utf-8")
    return Texts(tomllib.loads(text))
