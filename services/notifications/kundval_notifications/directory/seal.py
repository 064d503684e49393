"""The secrets of webhooks lie sealed in the database, with keys that are made from ``KUNDVAL_TOKEN_KEY``.

The first of its keys seals and all open, so a key can be changed as `kundval_chassis.tokens` says: at its start the
service seals anew what another than the first has sealed.
"""

from __future__ import annotations

from kundval_chassis.sealing import Cipher, derive

_PURPOSE = "kundval notifications 1: webhook secrets"


class Seal:
    """Seals and opens with the keys of the text `keys`."""

    def __init__(self, keys: str):
        # a key may have a name before it, which says nothing here
        self._ciphers = [Cipher(derive(part.strip().rpartition(":")[2], _PURPOSE)) for part in keys.split(",")]

    def seal(self, text: str, *place: str) -> bytes:
        """`text` so that only these keys open it, and only for this `place` (tenant, role, party)."""
        return self._ciphers[0].seal(text, place)

    def open(self, sealed: bytes, *place: str) -> str | None:
        """What was sealed; None if it belongs elsewhere, was changed, or its key is not given any more."""
        return next((text for cipher in self._ciphers if (text := cipher.open(sealed, place)) is not None), None)

    def is_current(self, sealed: bytes, *place: str) -> bool:
        """Whether the first key has sealed it."""
        return self._ciphers[0].open(sealed, place) is not None
