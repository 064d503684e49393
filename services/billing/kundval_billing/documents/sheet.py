"""Something to be read, as page and as PDF: headings, tables, nothing else. What it says is decided before."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from kundval_chassis import background
from kundval_chassis.html import Words, read_words, template
from kundval_contracts.errors import Unavailable

#: of the process that makes a PDF: it takes some tenths of a second
LIMITS = background.Limits(seconds=30, memory=2 * 2**30, output=32 * 2**20)


@dataclass(frozen=True, slots=True)
class Column:
    """A column; numbers stand to the right, sentences get the width that is left."""

    name: str
    numeric: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first cell of a row is its heading. `foot`: the last row, of sums."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with either a table, pairs of name and value, or a sentence."""

    key: str
    heading: str
    text: str = ""
    table: Table | None = None
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole. `pairs` stand at the top."""

    lang: str
    title: str
    pairs: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    footer: str


@dataclass(frozen=True)
class Texts(Words):
    """The words of one language with numbers as it writes them."""

    def money(self, amount: Decimal) -> str:
        """An amount in kronor and öre, with a real minus sign and spaces that do not break."""
        sign = "\N{MINUS SIGN}" if amount < 0 else ""
        text = f"{abs(amount):,.2f}"
        if self.lang == "sv":
            text = text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
        return f"{sign}{text}\N{NO-BREAK SPACE}{self.say('currency')}"


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    return Texts(lang, read_words(__package__, lang))


def html(sheet: Sheet) -> str:
    """The page: needs no script and loads nothing."""
    words = texts(sheet.lang)
    say = {"skip": words.say("skip"), "footer": sheet.footer}
    return template(__package__).render(
        lang=sheet.lang, title=sheet.title, skip_to=sheet.sections[0].key, say=say.__getitem__, sheet=sheet
    )


def pdf(sheet: Sheet) -> bytes:
    """A tagged PDF (PDF/UA-1) with title and language, made in a process of its own.

    Raises Unavailable if nothing came of it.
    """
    command = [sys.executable, "-m", "kundval_billing.pdf", source()]
    try:
        return background.run(background.Job(command, json.dumps(asdict(sheet)).encode()), LIMITS)
    except background.Failed:
        raise Unavailable("The PDF could not be made.", code="PDF_FAILED") from None


def file(name: str, media_type: str, content: bytes) -> dict[str, Any]:
    """A file as on the wire."""
    return {
        "name": name,
        "media_type": media_type,
        "content": base64.b64encode(content).decode(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def source() -> str:
    """Where the PDF's layout is."""
    return str(files(__package__).joinpath("templates/sheet.typ"))


#: columns of sentences
WIDE = frozenset({"item", "why", "kind"})


def columns(words: Texts, names: Sequence[str], numeric: Sequence[str] = ()) -> tuple[Column, ...]:
    """Columns by the keys of their names."""
    return tuple(Column(words.say(name), name in numeric, name in WIDE) for name in names)
