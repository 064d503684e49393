"""The rulebook's ids in code: a marker for functions, and the register as data.

`@rule("AMI-10.2-e")` says which rules a function implements; tests say the same with
`@pytest.mark.rule("AMI-10.2-e")`. `kundval rules` reads both from the source text, so arguments
must be literals. The decorator itself only refuses ids that the register does not know.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object] | type)

#: Identity of the rule set that every computed decision carries (AMI-0-b).
RULESET_VERSION = "NAF-2024-013"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the rulebook: id, title, kinds (`MONEY`, `HARD`, ...), source and owning services."""

    id: str
    title: str
    kinds: tuple[str, ...]
    source: str
    services: tuple[str, ...]
    reason: str | None = None


@cache
def register() -> dict[str, Rule]:
    """Every rule of the rulebook by id, in the rulebook's order."""
    text = files(__package__).joinpath("data/rules.toml").read_text(encoding="utf-8")
    return {
        row["id"]: Rule(
            row["id"],
            row["title"],
            tuple(row["kinds"]),
            row["source"],
            tuple(row["services"]),
            row.get("reason"),
        )
        for row in tomllib.loads(text)["rule"]
    }


@cache
def _swedish() -> dict[str, dict[str, str]]:
    return tomllib.loads(files(__package__).joinpath("data/titles_sv.toml").read_text(encoding="utf-8"))


def title_of(rule_id: str, lang: str) -> str:
    """The title of a rule in a language ("sv" or "en").

    Swedish there is for the rules that decide money; of others the English title, of an id that is no rule of the
    register the id.
    """
    known = register().get(rule_id)
    english = known.title if known is not None else rule_id
    return _swedish()["titles"].get(rule_id, english) if lang == "sv" else english


def source_of(rule_id: str, lang: str) -> str:
    """Where the rule stands (source and clause) in a language; "" for an id that is no rule of the register."""
    known = register().get(rule_id)
    if known is None:
        return ""
    return clause_in(known.source, lang)


def clause_in(source: str, lang: str) -> str:
    """A source and clause, as the register and the tariffs name them in English, in a language."""
    if lang != "sv":
        return source
    words = _swedish()
    for english, swedish in words["sources"].items():
        if source.startswith(english):
            rest = source.removeprefix(english)
            for word, translated in words["clauses"].items():
                rest = rest.replace(word, translated)
            return swedish + rest
    return source


def rule(*ids: str) -> Callable[[F], F]:
    """Mark a function or class as implementing the rules `ids`; raises ValueError for an unknown id."""
    unknown = [one for one in ids if one not in register()]
    if unknown:
        raise ValueError(f"not in the rulebook: {', '.join(unknown)}")

    def mark(target: F) -> F:
        return target

    return mark
