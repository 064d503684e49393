"""Plain words: what makes a text hard to read, by the bounds and the list in the language's own file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kundval_contracts.codes import NoticeKind, Role

from .load import STAFF, Language

#: letters from which a word counts as long (LIX)
_LONG = 7


def lix(text: str) -> int:
    """Björnsson's index of readability: words in a sentence, and of a hundred words how many are long."""
    words = re.findall(r"[^\W\d_]+", text)
    sentences = max(1, len(_sentences(text)))
    if not words:
        return 0
    return round(len(words) / sentences + 100 * sum(len(word) >= _LONG for word in words) / len(words))


def remarks(language: Language) -> Iterator[tuple[str, str]]:
    """What could be plainer, as (path, remark). A language without bounds has no remarks.

    Single texts are too short for the index: it is that of all texts to clients, and of all to others.
    """
    bounds = language.raw.get("plain")
    if bounds is None:
        return
    together: dict[str, list[str]] = {"client": [], "staff": []}
    for path, text, whose in _texts(language):
        together[whose].append(text)
        said = text.casefold()
        for word in bounds["avoid"]:
            if re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", said):
                yield path, f"says {word!r}, for which there is a plainer word"
        for sentence in _sentences(text):
            count = len(sentence.split())
            if count > bounds["longest_sentence"]:
                yield path, f"has a sentence of {count} words; {bounds['longest_sentence']} at most"
    for whose, texts in together.items():
        found, most = lix("\n".join(texts)), bounds[f"lix_{whose}"]
        if found > most:
            yield f"texts to {whose}", f"have a LIX of {found}; {most} at most"


def _texts(language: Language) -> Iterator[tuple[str, str, str]]:
    for key, row in language.raw["nudge"].items():
        yield f"nudge.{key}.body", row["body"], "client"
    for key, text in language.raw["frame"].items():
        yield f"frame.{key}", text, "staff"
    for kind in NoticeKind:
        for name, row in language.raw.get("inside", {}).get(kind.value, {}).items():
            assert name == STAFF or name in set(Role)
            # a place is one word, whatever stands in it
            text = re.sub(r"\{\w+\}", "ord", f"{row['subject']}.\n{row['body']}")
            yield f"inside.{kind}.{name}", text, "client" if name == Role.CLIENT.value else "staff"


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"[.!?:]\s+|\n+|[.!?:]$", text) if part.strip()]
