"""The keys under which lies what says who a person is.

``KUNDVAL_ASSIGNMENT_PERSON_KEYS`` holds one key or several, separated by commas, each ``id:secret`` or only a secret of
32 characters or more. The first seals; all open. Each secret gives three keys, one for each purpose (HKDF), so that
what is known of one says nothing about the others: for sealing (AES-256-GCM), for searching and for the access log
(HMAC-SHA256).

Who has the database but not this setting can read nothing, search nothing, and not make the access log fit again.
"""

from __future__ import annotations

import hmac

from kundval_chassis.sealing import Cipher, derive, joined, named


class CannotOpen(Exception):
    """What was sealed was changed, or belongs elsewhere, or its key is not given any more."""


class _Key:
    def __init__(self, name: str, secret: str):
        self.name = name
        self.cipher = Cipher(_derive(secret, "seal"))
        self.search = _derive(secret, "search")
        self.log = _derive(secret, "access log")


class PersonKeys:
    """The keys of the text `keys` (see the module's docstring). Raises `BadKey`."""

    def __init__(self, keys: str):
        self._keys = {key.name: key for key in _parse(keys)}
        #: of the keys, the first that which seals
        self.names = tuple(self._keys)
        self.first = self.names[0]

    def seal(self, text: str, *place: str) -> bytes:
        """`text` so that only these keys open it, and only for this `place` (tenant, person, what it is)."""
        return self._keys[self.first].cipher.seal(text, place)

    def open(self, sealed: bytes, key_id: str, *place: str) -> str:
        """What `seal` was given; `key_id` is the key that was the first then. Raises `CannotOpen`."""
        key = self._keys.get(key_id)
        text = key.cipher.open(sealed, place) if key is not None else None
        if text is None:
            raise CannotOpen
        return text

    def search(self, tenant: str, number: str) -> bytes:
        """By what a number is found that is stored under the first key. Another in each tenant."""
        return self.searches(tenant, number)[0]

    def searches(self, tenant: str, number: str) -> list[bytes]:
        """The same under each key, the first first."""
        text = joined((tenant, number))
        return [hmac.digest(key.search, text, "sha256") for key in self._keys.values()]

    def mac(self, text: bytes, key_id: str) -> bytes | None:
        """The seal of a text of the access log under that key; None if it is not given."""
        key = self._keys.get(key_id)
        return None if key is None else hmac.digest(key.log, text, "sha256")

    def fingerprint(self, text: str) -> str:
        """`text` so that nobody finds by trying what it was made from. Under the last key, which a new one leaves."""
        last = next(reversed(self._keys.values()))
        return hmac.new(last.log, b"fingerprint\x1f" + text.encode(), "sha256").hexdigest()


def _derive(secret: str, purpose: str) -> bytes:
    return derive(secret, f"kundval persons 1: {purpose}")


def _parse(text: str) -> list[_Key]:
    return [_Key(name, secret) for name, secret in named(text).items()]
