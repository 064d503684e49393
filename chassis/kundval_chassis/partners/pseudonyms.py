"""Under which ids a partner knows persons and cases.

A pseudonym of an assignment or a person is its id, encrypted with a key of the partner and generation (AES-SIV, which
gives the same text for the same id), bound to municipality and kind: it can be followed through events, says nothing,
fits nowhere else, and who has the keys finds the id again. Other ids of a case are hashed with a key (HMAC-SHA256):
the same id gives the same hash, and nobody gets back. So are ids too long for a pseudonym to be one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from ..sealing import joined

#: bytes to which an id is filled up, so that a pseudonym does not say how long it is
_SIZES = (32, 52)
_HASHED = 24
_FORM = re.compile(r"([ph])([1-9][0-9]{0,5})-([A-Za-z0-9_-]{32,96})", re.ASCII)


class IdOf(StrEnum):
    """Of what an id is that can be found again."""

    ASSIGNMENT = "ASSIGNMENT"
    PERSON = "PERSON"


class Pseudonyms:
    """Those of one partner and generation. key: 64 bytes, hash_key: 32."""

    def __init__(self, generation: int, key: bytes, hash_key: bytes):
        self.generation = generation
        self._siv = AESSIV(key)
        self._hash_key = hash_key

    def of(self, tenant: str, kind: IdOf, id: str) -> str:
        """The pseudonym of an id: ``p<generation>-…``; of one longer than 52 bytes a hash."""
        text = id.encode()
        size = next((one for one in _SIZES if len(text) <= one), None)
        if size is None:
            return self.hashed(tenant, kind, id)
        sealed = self._siv.encrypt(text.ljust(size, b"\0"), [joined((tenant, kind.value))])
        return f"p{self.generation}-{_text(sealed)}"

    def hashed(self, tenant: str, kind: str, id: str) -> str:
        """What stands for an id that nobody finds again: ``h<generation>-…``. kind: of what it is."""
        raw = hmac.digest(self._hash_key, joined((tenant, kind, id)), hashlib.sha256)
        return f"h{self.generation}-{_text(raw[:_HASHED])}"

    def find(self, tenant: str, pseudonym: str) -> tuple[IdOf, str] | None:
        """Of what it is the pseudonym; None if this partner has none such in the municipality, or no longer."""
        form = _FORM.fullmatch(pseudonym)
        if form is None or form[1] != "p" or int(form[2]) != self.generation:
            return None
        try:
            sealed = base64.urlsafe_b64decode(form[3] + "=" * (-len(form[3]) % 4))
        except (binascii.Error, ValueError):
            return None
        for kind in IdOf:
            try:
                text = self._siv.decrypt(sealed, [joined((tenant, kind.value))]).rstrip(b"\0").decode()
            except (InvalidTag, ValueError):
                continue
            # one text for one pseudonym: the last character of base64 can be written in several ways
            return (kind, text) if self.of(tenant, kind, text) == pseudonym else None
        return None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
