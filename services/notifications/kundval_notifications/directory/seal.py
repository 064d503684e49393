"""The secrets of webhooks lie sealed in the database, with keys that are made from ``KUNDVAL_TOKEN_KEY``.

The first of its keys seals and all open, so a key can be changed as `kundval_chassis.tokens` says: at its start the
service seals anew what another than the first has sealed.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class Seal:
    """Seals and opens with the keys of the text `keys`."""

    def __init__(self, keys: str):
        # a key may have a name before it, which says nothing here
        self._ciphers = [_cipher(part.strip().rpartition(":")[2]) for part in keys.split(",")]

    def seal(self, text: str, *place: str) -> bytes:
        """`text` so that only these keys open it, and only for this `place` (tenant, role, party)."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._ciphers[0].encrypt(nonce, text.encode(), _joined(place))

    def open(self, sealed: bytes, *place: str) -> str | None:
        """What was sealed; None if it belongs elsewhere, was changed, or its key is not given any more."""
        return next((text for cipher in self._ciphers if (text := _opened(cipher, sealed, place)) is not None), None)

    def is_current(self, sealed: bytes, *place: str) -> bool:
        """Whether the first key has sealed it."""
        return _opened(self._ciphers[0], sealed, place) is not None


def _cipher(secret: str) -> AESGCM:
    key = HKDF(SHA256(), length=32, salt=None, info=b"kundval notifications 1: webhook secrets").derive(secret.encode())
    return AESGCM(key)


def _opened(cipher: AESGCM, sealed: bytes, place: tuple[str, ...]) -> str | None:
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _joined(place)).decode()
    except InvalidTag:
        return None


def _joined(place: tuple[str, ...]) -> bytes:
    # ids hold no such character, so that two places never give the same text
    return "\x1f".join(place).encode()
