"""Words, numbers and sentences of explanations, by language: `texts/<lang>.toml` and the sentences of money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from kundval_chassis.html import Words, read_words
from kundval_contracts.answer import Said
from kundval_contracts.codes import (
    BenefitScope,
    DecisionAbout,
    Document,
    EmploymentForm,
    ExitKind,
    LineStatus,
    Programme,
    ReassessmentOutcome,
)
from kundval_contracts.phrases import PHRASES, text
from kundval_contracts.rules import clause_in
from kundval_contracts.tariffs import tariffs

#: The table of words for each code list that a fact or a sentence can name.
TABLES: Mapping[type[StrEnum], str] = MappingProxyType(
    {
        BenefitScope: "scope",
        DecisionAbout: "about",
        Document: "document",
        EmploymentForm: "form",
        ExitKind: "exit",
        LineStatus: "status",
        Programme: "programme",
        ReassessmentOutcome: "outcome",
    }
)
#: The table of words for the values of sentences that are codes, by the name of the value.
VALUES: Mapping[str, str] = MappingProxyType(
    {
        "kind": "exit",
        "status": "status",
        "form": "form",
        "programme": "programme",
        "track": "programme",
        "level": "programme",
        "documents": "document",
    }
)


@dataclass(frozen=True)
class Telling(Words):
    """The words of one language with what explanations need of them."""

    def sentence(self, said: Said) -> str:
        """A sentence with words in place of the codes in it."""
        values = {name: self._value(name, value) for name, value in said.values.items()}
        return text(Said(said.code, values), self.lang)

    def _value(self, name: str, value: str) -> str:
        own = name.rpartition(".")[2]
        if own == "rate":
            return self.number(Decimal(value), 2)
        if own == "source":
            return clause_in(value, self.lang)
        table = VALUES.get(own)
        if table is None or value in PHRASES:
            return value
        if table == "programme":
            return self.programme(value)
        return ", ".join(self.of(table, code) for code in value.split(", "))

    def programme(self, code: str) -> str:
        """The name of a programme; of one that the operator has added the title in its tariff."""
        added = tariffs().get(code)
        return (
            self.of("programme", code) if code in self.words["programme"] or added is None else added.title[self.lang]
        )

    def kronor(self, amount: Decimal) -> str:
        return self.say("kronor", amount=self.number(amount, 2))

    def number(self, value: Decimal, decimals: int | None = None) -> str:
        """A number as people of the language write it; with `decimals` exactly so many, else those that it has."""
        if decimals is not None:
            shown = f"{value:,.{decimals}f}"
        else:
            shown = f"{value:,f}"
            shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
        signs = str.maketrans({",": self.words["page"]["thousands"], ".": self.words["page"]["decimal_mark"]})
        return shown.translate(signs).replace("-", "−")

    def value(self, value: Any) -> str:
        """A field of a fact: words for a code or a yes, a day, a number, an opaque id."""
        if isinstance(value, Programme):
            return self.programme(value.value)
        if isinstance(value, StrEnum):
            return self.of(TABLES[type(value)], value.value) if type(value) in TABLES else value.value
        if isinstance(value, bool):
            return self.say("yes" if value else "no")
        if isinstance(value, list | tuple):
            return ", ".join(self.value(one) for one in value)
        if isinstance(value, date):
            return value.isoformat()
        return self.number(value, 2) if isinstance(value, Decimal) else str(value)


@cache
def words_of(lang: str) -> Telling:
    """The words of "sv" or "en"; raises FileNotFoundError for a language that there is not."""
    return Telling(lang, read_words(__package__, lang))
