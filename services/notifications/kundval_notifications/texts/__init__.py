"""Notices in words, for every language that there is a file of.

`nudge` is what e-mail and SMS say, to whomever: that there is something to read after logging in. `inside` is the whole
notice, for the inbox, digital mail and webhooks. Both are built of texts that were checked when they were loaded.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from kundval_contracts.answer import Notice

from .load import FOLDER, Library, TextFault, library, use
from .load import MAIN as LANGUAGES
from .render import Item, Past, inside, nudge, nudge_key

__all__ = ["FOLDER", "LANGUAGES", "Item", "Library", "Past", "TextFault", "inside", "languages", "library", "link",
           "nudge", "nudge_key", "use"]  # fmt: skip

_TOKEN_LENGTH = 32


def languages() -> tuple[str, ...]:
    """Every language that there is a file of, the main ones first."""
    return library().languages


def link(notice: Notice, link_base: str, key: bytes = b"") -> str:
    """An opaque address: the same notice has the same one, and nothing can be read from it.

    With a secret `key` it cannot be found by trying ids either.
    """
    said = "|".join(str(part) for part in notice.key).encode()
    return f"{link_base.rstrip('/')}/{hmac.new(key, said, sha256).hexdigest()[:_TOKEN_LENGTH]}"
