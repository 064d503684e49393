"""Words and numbers of pages and charts, by language: `texts/<lang>.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from kundval_contracts.codes import FigureCode, Programme


@dataclass(frozen=True)
class Texts:
    """The words of one language. A code that has no words is shown as it is."""

    lang: str
    words: Mapping[str, Any]

    def say(self, key: str, **values: object) -> str:
        """The text of that key with its places filled in; raises KeyError for one that there is not."""
        return str(self.words["page"][key]).format(**values)

    def figure(self, code: FigureCode) -> str:
        return str(self.words["figure"].get(code.value, code.value))

    def programme(self, code: str) -> str:
        return str(self.words["programme"].get(Programme(code).value, code))

    def exit(self, code: str) -> str:
        return str(self.words["exit"].get(code, code))

    def part(self, code: str) -> str:
        """Words for a source, a programme, a kind of exit, a category; of the municipality's own codes the code."""
        for name in ("part", "source", "programme", "exit", "category", "progress"):
            if code in self.words[name]:
                return str(self.words[name][code])
        return code

    def number(self, value: Decimal) -> str:
        """A number with the decimals it has, those that are zero left out."""
        text = f"{value:f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return text.replace(".", str(self.words["page"]["decimal_mark"]))

    def share(self, value: Decimal) -> str:
        return self.say("percent", n=_whole(value * 100))

    def range_of(self, low: Decimal, high: Decimal, *, shares: bool) -> str:
        """A 95 per cent interval in whole numbers."""
        factor = 100 if shares else 1
        return self.say("interval", low=_whole(low * factor), high=_whole(high * factor))


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    text = files(__package__).joinpath(f"texts/{lang}.toml").read_text(encoding="utf-8")
    return Texts(lang, tomllib.loads(text))


def _whole(value: Decimal) -> str:
    return str(value.quantize(Decimal(1), ROUND_HALF_UP))
