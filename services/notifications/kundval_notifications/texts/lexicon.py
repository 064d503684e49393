"""What must not be said on an open channel: programmes, and words that give away what a message is about."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from kundval_contracts.codes import Programme, programmes
from kundval_contracts.tariffs import tariffs

#: values of notices whose words tell what a case is about
TELLING = ("programme", "obligation", "meeting", "offer", "exit", "cause", "documents", "report", "duty",
           "code", "answer", "message", "stand")  # fmt: skip

#: so short that parts of other words look like it
_LEAST_SQUEEZED = 4


@dataclass(frozen=True)
class Lexicon:
    """stems: found anywhere in a text. phrases: found as whole words."""

    stems: frozenset[str]
    phrases: frozenset[str]

    def found_in(self, text: str) -> list[str]:
        """What of it stands in the text, however it is written: in capitals, with hyphens or spaces."""
        plain = normal(text)
        squeezed, spaced = _squeezed(plain), f" {plain} "
        hits = {stem for stem, written in self._stems if written in spaced}
        hits |= set(self._phrases.findall(plain))
        hits |= {one for one, close in self._close if close in squeezed}
        return sorted(hits)

    @cached_property
    def _stems(self) -> list[tuple[str, str]]:
        return [(stem, normal(stem, strip=False)) for stem in self.stems]

    @cached_property
    def _phrases(self) -> re.Pattern[str]:
        longest_first = sorted(map(normal, self.phrases), key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")

    @cached_property
    def _close(self) -> list[tuple[str, str]]:
        pairs = [(one, _squeezed(normal(one))) for one in self.stems | self.phrases]
        return [(one, close) for one, close in pairs if len(close) >= _LEAST_SQUEEZED]


@lru_cache(maxsize=4096)
def normal(text: str, *, strip: bool = True) -> str:
    """For comparison alone: no capitals, no hidden characters, one space between words."""
    shown = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    one_line = re.sub(r"\s+", " ", shown).casefold()
    return one_line.strip() if strip else one_line


def _squeezed(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


def lexicon(raw: Mapping[str, Mapping[str, Any]], languages: Iterable[str]) -> Lexicon:
    """Of these languages together: what their files forbid, their words for codes, and every programme's names."""
    stems: set[str] = set()
    phrases = {name for code in programmes() for name in _names(code)}
    for code in languages:
        held = raw.get(code, {})
        never = held.get("open", {}).get("never", ())
        stems |= {stem for stem in never if isinstance(stem, str) and stem.strip()}
        words = held.get("words", {})
        for value in TELLING:
            phrases |= {str(word) for word in words.get(value, {}).values()}
    return Lexicon(frozenset(stems), frozenset(phrases))


def _names(code: Programme) -> set[str]:
    """A programme's code as it is written, its titles, and the parts of them that say which it is."""
    found = {code.value, code.value.replace("_", " ")} if "_" in code.value else set()
    tariff = tariffs().get(code.value)
    for title in tariff.title.values() if tariff else ():
        found |= {title, *(part.strip() for part in re.split(r"[,()]", title) if len(part.strip()) > 3)}
    return found
