"""A tree as JSON, with the words of one language, as who asks may see it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from kundval_contracts.answer import Line, money
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import Explained
from kundval_contracts.events import MASKED
from kundval_contracts.facts import Fact
from kundval_contracts.rules import RULESET_VERSION, clause_in, source_of, title_of

from ..domain.explain import MATTERS, OF_THE_HOUSEHOLD, OF_THE_MUNICIPALITY, PLACES, Basis, Learned, Row, Tree
from .words import Telling

Json = dict[str, Any]

#: Fields whose "no" says as much as their "yes".
_BOTH_WAYS = frozenset({"approved", "certified", "continues"})


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. `provider`: a provider, which sees its own and nothing of what a household lives on; None: staff.

    hides_places: whoever may not know where the client is (`Shield.PAYERS`).
    """

    provider: str | None = None
    hides_places: bool = False


def told(tree: Tree, words: Telling, viewer: Viewer) -> Json:
    """`tree` of `billing.explanation`: JSON primitives; `kundval_contracts.answer.recompute_tree` gives its amount."""
    return _Teller(words, viewer).tree(tree)


def told_fact(one: Learned, words: Telling, viewer: Viewer) -> Json:
    """A fact that became known, as in a tree."""
    return _Teller(words, viewer).fact(one)


@dataclass(frozen=True, slots=True)
class _Teller:
    words: Telling
    viewer: Viewer

    def tree(self, tree: Tree) -> Json:
        about = tree.about
        line = about if isinstance(about, Line) else None
        posting = None if isinstance(about, Line) else about
        rows = [self.row(row) for row in tree.rows]
        return {
            "about": (Explained.LINE if line is not None else Explained.POSTING).value,
            "assignment": about.assignment,
            "provider": MASKED if self.viewer.hides_places else about.provider,
            "kind": about.kind.value,
            "sequence": about.sequence,
            "from": _day(about.start),
            "to": _day(about.end),
            "amount": money(about.amount),
            "status": line.status.value if line is not None else None,
            "payable_from": _day(line.payable_from) if line is not None else None,
            "entry": str(tree.entry) if tree.entry is not None else None,
            "run": _day(posting.run) if posting is not None else None,
            "reverses": _day(posting.reverses) if posting is not None else None,
            "text": self.words.sentence(about.said) if about.said is not None else about.because,
            "said": about.said.as_json() if about.said is not None else None,
            "ruleset": RULESET_VERSION,
            "rules": self.rules(about.rules),
            "tariff": self.tariff(tree.basis),
            "conditions": [
                {
                    "code": one.said.code,
                    "met": one.met.value,
                    "text": self.words.sentence(one.said),
                    "rules": list(one.rules),
                }
                for one in tree.conditions
            ],
            "facts": self.facts(tree.facts),
            "steps": rows,
            "learned": self.learned(tree.learned, {fact.id for fact in tree.facts}),
        }

    def row(self, row: Row) -> Json:
        step = row.step
        return {
            "text": self.words.sentence(step.said) if step.said is not None else step.what,
            "said": step.said.as_json() if step.said is not None else None,
            "amount": _exact(step.amount),
            "factor": _exact(step.factor),
            "divisor": _exact(step.divisor),
            "result": str(row.result),
            "facts": self.facts(row.facts),
            "posting": self.tree(row.posting) if row.posting is not None else None,
        }

    def tariff(self, basis: Basis | None) -> Json | None:
        if basis is None:
            return None
        said = {
            "programme": self.words.programme(basis.programme.value),
            "decided": basis.locked_on,
            "source": clause_in(basis.source, self.words.lang),
        }
        text = self.words.say("tariff_undated", **said)
        if basis.valid_from is not None:
            text = self.words.say("tariff", **said, valid_from=basis.valid_from)
        return {
            "programme": basis.programme.value,
            "valid_from": _day(basis.valid_from),
            "locked_on": basis.locked_on.isoformat(),
            "source": said["source"],
            "text": text,
        }

    def rules(self, ids: Iterable[str]) -> list[Json]:
        lang = self.words.lang
        return [{"id": one, "title": title_of(one, lang), "source": source_of(one, lang)} for one in ids]

    # --- facts -----------------------------------------------------------------------------------

    def facts(self, facts: Iterable[Fact]) -> list[Json]:
        return [self.fact(Learned(fact)) for fact in facts if self._may_see(fact)]

    def learned(self, learned: Iterable[Learned], named: Collection[str]) -> list[Json]:
        """A provider is told of the facts by which its own line changed, and of no others."""
        return [
            self.fact(one)
            for one in learned
            if self._may_see(one.fact) and (self.viewer.provider is None or one.fact.id in named)
        ]

    def _may_see(self, fact: Fact) -> bool:
        return self.viewer.provider is None or fact.kind not in OF_THE_MUNICIPALITY

    def fact(self, one: Learned) -> Json:
        fact, words = one.fact, self.words
        fields = dict(self._fields(fact))
        key = "fact" if fact.known_on == fact.on else "fact_known"
        head = words.say(key, fact=words.of("fact", fact.kind.value), on=fact.on, known_on=fact.known_on)
        parts = [
            words.say("field", name=words.of("field", name), value=words.value(value)) for name, value in fields.items()
        ]
        if not one.in_effect:
            parts.append(words.say("withdrawn"))
        if one.learned_on is not None and one.learned_on != fact.known_on:
            parts.append(words.say("learned_on", day=one.learned_on))
        if one.decisive:
            parts.append(words.say("decisive"))
        return {
            "id": fact.id,
            "fact": fact.kind.value,
            "on": fact.on.isoformat(),
            "known_on": fact.known_on.isoformat(),
            "learned_on": _day(one.learned_on),
            "in_effect": one.in_effect,
            "decisive": one.decisive,
            "fields": {name: _primitive(value) for name, value in fields.items()},
            "text": "; ".join([head, *parts]),
        }

    def _fields(self, fact: Fact) -> Iterable[tuple[str, Any]]:
        for name in MATTERS.get(fact.kind, ()):
            value = fact.get(name)
            if value is None or value == [] or (value is False and name not in _BOTH_WAYS):
                continue
            if name in PLACES and self.viewer.hides_places:
                continue
            if self.viewer.provider is None or not self._is_others(name, value):
                yield name, value

    def _is_others(self, name: str, value: Any) -> bool:
        return name in OF_THE_HOUSEHOLD or (name == "provider" and value != self.viewer.provider)


def last_day(to: str) -> str:
    """The last covered day of a half-open period that ends with `to`."""
    return add_days(date.fromisoformat(to), -1).isoformat()


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def _exact(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _primitive(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date | Decimal):
        return str(value)
    return [_primitive(one) for one in value] if isinstance(value, list | tuple) else value
