"""Notices in words, for every language that there is a file of.

`nudge` is what e-mail and SMS say, to whomever: that there is something to read after logging in. `inside` is the whole
notice, for the inbox, digital mail and webhooks. Both are built of texts that were checked when they were loaded.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from kundval_contracts.answer import Notice
from kundval_contracts.codes import DeliveryChannel

from . import load as _load
from . import render as _render
from .load import MAIN as LANGUAGES
from .load import Library, TextFault
from .render import Item, Past, nudge_key

__all__ = ["FOLDER", "LANGUAGES", "Item", "Library", "Past", "TextFault", "inside", "languages", "library", "link",
           "nudge", "nudge_key", "use"]  # fmt: skip

#: the environment variable that names a folder of the operator's own texts
FOLDER = "KUNDVAL_TEXTS"

_TOKEN_LENGTH = 32
_in_use: list[Path | None] = []


def use(folder: Path | None) -> Library:
    """Speak from now on by the package's texts and those of the folder. Raises TextFault; then nothing has changed."""
    _load.read.cache_clear()
    found = _load.read(folder)
    _in_use[:] = [folder]
    return found


def library() -> Library:
    """The texts in use: those that `use` has named, or else by the environment. Raises TextFault."""
    folder = _in_use[0] if _in_use else Path(os.environ[FOLDER]) if os.environ.get(FOLDER) else None
    return _load.read(folder)


def languages() -> tuple[str, ...]:
    """Every language that there is a file of, the main ones first."""
    return library().languages


def link(notice: Notice, link_base: str, key: bytes = b"") -> str:
    """An opaque address: the same notice has the same one, and nothing can be read from it.

    With a secret `key` it cannot be found by trying ids either.
    """
    said = "|".join(str(part) for part in notice.key).encode()
    return f"{link_base.rstrip('/')}/{hmac.new(key, said, sha256).hexdigest()[:_TOKEN_LENGTH]}"


def nudge(
    items: Sequence[Item],
    language: str,
    channel: DeliveryChannel,
    link: str,
    *,
    digest: bool = False,
    late: bool = False,
) -> _render.Content:
    """What an open channel says of one or several notices of a recipient: that there is something to read.

    `link`: where to log in; it must not say anything either. `digest`: the day's summary, counts only. `late`: it comes
    later than it should, and says so. For SMS the text alone, of as many parts as the language's file says. A language
    that lacks the text is told in Swedish with English below, and `Content.language` says so (``sv+en``). Raises
    ValueError if there are no items.
    """
    return _render.nudge(library(), items, language, channel, link, digest=digest, late=late)


def inside(
    notice: Notice,
    language: str,
    link: str,
    history: Sequence[Past] | None = None,
    *,
    late: bool = False,
    html: bool = True,
) -> _render.Content:
    """The whole notice in words, for channels that nobody else reads; without `html` in plain text alone.

    `history`: what was told before about the same thing, the first first; it is shown to all but clients. None: it is
    not said here. A language that lacks the text is told in Swedish with English below. Raises LookupError for a kind
    that there is not, or that the role is not told of.
    """
    return _render.inside(library(), notice, language, link, history, late=late, html=html)
