"""Addresses in invitations, and the secrets of calendars that are subscribed to.

Who takes part has an opaque address. Its own is always the same, so that a mail system can know it, and is told to
nobody else: an answer must come from it. In other people's invitations it has another one, of this meeting alone, by
which nobody can follow it from one meeting to the next.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

#: characters of an address before the @, letters and digits: 100 bits
_LENGTH = 20
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class Addresses:
    """key: a secret of this database. domain: of all addresses."""

    key: str
    domain: str

    def own(self, tenant: str, resource: str) -> str:
        """The address of somebody in invitations to themselves."""
        return self._address("own", tenant, resource)

    def seen(self, tenant: str, meeting: str, resource: str) -> str:
        """The same person in other people's invitations to that meeting."""
        return self._address("seen", tenant, meeting, resource)

    @property
    def organiser(self) -> str:
        """To whom answers go."""
        return f"meetings@{self.domain}"

    def uid(self, meeting: str) -> str:
        return f"{meeting}@{self.domain}"

    def _address(self, *parts: str) -> str:
        digest = hmac.digest(self.key.encode(), "\x1f".join(parts).encode(), "sha256")
        number = int.from_bytes(digest)
        return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_LENGTH)) + f"@{self.domain}"


def new_secret() -> str:
    """The secret of an address to subscribe to: 256 bits that nothing keeps."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is kept of a secret. It is no password: nobody finds it by trying."""
    return hashlib.sha256(secret.encode()).digest()
