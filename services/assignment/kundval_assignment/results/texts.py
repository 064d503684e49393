"""Words and numbers of pages and charts, by language: `texts/<lang>.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from kundval_chassis.html import Words, read_words
from kundval_contracts.codes import FigureCode, Programme


@dataclass(frozen=True)
class Texts(Words):
    """The words of one language with what results need of them."""

    def figure(self, code: FigureCode) -> str:
        return self.of("figure", code.value)

    def programme(self, code: str) -> str:
        return self.of("programme", Programme(code).value)

    def exit(self, code: str) -> str:
        return self.of("exit", code)

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
    return Texts(lang, read_words(__package__, lang))


def _whole(value: Decimal) -> str:
    return str(value.quantize(Decimal(1), ROUND_HALF_UP))
