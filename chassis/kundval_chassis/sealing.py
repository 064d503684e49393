"""Keys as they are given, and text sealed so that only who has the secret opens it, and only for the place that it was
sealed for.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: characters that a secret must have
SHORTEST_SECRET = 32

_NONCE = 12
_SEPARATOR = "\x1f"


class BadKey(ValueError):
    """A key is empty, too short or named twice. The message does not quote it."""


def named(keys: str) -> dict[str, str]:
    """The secrets of keys with commas between them, each ``id:secret`` or a secret, by name; in their order.

    Raises `BadKey`.
    """
    found: dict[str, str] = {}
    for part in keys.split(","):
        name, colon, secret = part.strip().rpartition(":")
        if len(secret) < SHORTEST_SECRET:
            raise BadKey(f"a key must have at least {SHORTEST_SECRET} characters")
        # without a name of its own a key is known by its fingerprint
        name = name if colon else hashlib.sha256(secret.encode()).hexdigest()[:12]
        if name in found:
            raise BadKey("two keys have the same name")
        found[name] = secret
    return found


def derive(secret: str, info: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF): what is known of it says nothing about those for others."""
    return HKDF(SHA256(), length=32, salt=None, info=info.encode()).derive(secret.encode())


def joined(place: tuple[str, ...]) -> bytes:
    """A place as bytes. Ids hold no such character as stands between, so that two places never give the same."""
    return _SEPARATOR.join(place).encode()


class Cipher:
    """AES-256-GCM with a key of `derive`."""

    def __init__(self, key: bytes):
        self._cipher = AESGCM(key)

    def seal(self, text: str, place: tuple[str, ...]) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, text.encode(), joined(place))

    def open(self, sealed: bytes, place: tuple[str, ...]) -> str | None:
        """What was sealed; None if it was changed, belongs elsewhere, or another key has sealed it."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], joined(place)).decode()
        except InvalidTag:
            return None
