"""The words in which questions are answered, in Swedish and English."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from kundval_chassis.html import Words, read_words


@dataclass(frozen=True)
class Texts(Words):
    """The words of one language, with amounts as it writes them."""

    def amount(self, amount: str | Decimal, *, sign: bool = False) -> str:
        """Kronor and öre with marks between the thousands."""
        text = f"{Decimal(amount):{'+' if sign else ''},.2f}"
        marks = str.maketrans({",": self.say("thousands"), ".": self.say("decimal_mark")})
        return text.translate(marks)

    def kronor(self, amount: str | Decimal) -> str:
        """An amount with its currency."""
        return self.say("currency", amount=self.amount(amount))

    def million(self, amount: str | Decimal) -> str:
        """An amount in millions, for what is told beside a picture."""
        return self.say("million", amount=f"{in_million(amount):.2f}".replace(".", self.say("decimal_mark")))


def in_million(amount: str | Decimal) -> Decimal:
    """For a picture alone."""
    return (Decimal(amount) / 1_000_000).quantize(Decimal("0.001"), ROUND_HALF_UP)


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    return Texts(lang, read_words(__package__, lang))
