"""Notices in words. The texts are data: `templates/<language>.toml`, one file for each language.

A text uses the assignment id, days and the values of its kind (`kinds.KINDS`), nothing else. Codes among the
values are put into words by the file's own list. A message to the client says only that there is something
to read after logging in: no programme, provider, reason or id (not even in the link).
"""

from __future__ import annotations

import hmac
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from kundval_contracts.answer import Notice
from kundval_contracts.codes import Role
from kundval_contracts.rules import rule

#: Languages with a file of texts, the municipality's own first.
LANGUAGES = ("sv", "en")

_TOKEN_LENGTH = 32
_BETWEEN = ", "


@dataclass(frozen=True, slots=True)
class Message:
    """A notice in words: plain text, subject without line break."""

    subject: str
    body: str


@cache
def texts(language: str) -> Mapping[str, Any]:
    """The texts of a language. Raises LookupError for a language that has none."""
    if language not in LANGUAGES:
        raise LookupError(f"no texts in language {language!r}; there are: {', '.join(LANGUAGES)}")
    file = files(__package__).joinpath("templates", f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def template(notice_kind: str, to: Role, language: str) -> Mapping[str, str]:
    """`subject` and `body` of a kind for a role. Raises LookupError if the language has no such text."""
    held = texts(language)
    if to is Role.CLIENT:
        return held["client"].get(notice_kind, held["client"]["MESSAGE"])
    return held["staff"][notice_kind]


def link(notice: Notice, link_base: str, key: bytes = b"") -> str:
    """An opaque address: the same notice has the same one, and nothing can be read from it.

    With a secret `key` it cannot be found by trying ids either.
    """
    said = "|".join(str(part) for part in notice.key).encode()
    return f"{link_base.rstrip('/')}/{hmac.new(key, said, sha256).hexdigest()[:_TOKEN_LENGTH]}"


@rule("AMI-3.2.1-d")
def render(notice: Notice, language: str, link_base: str, key: bytes = b"") -> Message:
    """The notice in words. Raises LookupError for an unknown language or kind, or a value that is missing."""
    held = texts(language)
    wanted = template(notice.kind, notice.to, language)
    address = link(notice, link_base, key)
    if notice.to is Role.CLIENT:
        return Message(wanted["subject"], wanted["body"].format(link=address).strip())
    words = held["words"]
    values = {
        name: _BETWEEN.join(words.get(part, part) for part in value.split(_BETWEEN))
        for name, value in notice.values.items()
    }
    facts = {**values, "assignment": notice.assignment, "on": notice.on.isoformat(), "link": address}
    body = f"{wanted['body'].strip()}\n\n{held['staff_footer'].strip()}"
    return Message(wanted["subject"].format_map(facts), body.format_map(facts))
