"""The secrets of webhooks lie sealed in the database, with keys that are made from ``KUNDVAL_SEALING_KEYS``, or from
``KUNDVAL_TOKEN_KEY`` where there are none.

The first key seals and all open: at its start the service seals anew what another than the first has sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis.sealing import Cipher, derive, named

_PURPOSE = "kundval notifications 1: webhook secrets"


class Seal:
    """Seals and opens with the keys of the text `keys`."""

    def __init__(self, keys: str, older: str | None = None):
        """older: keys that only open, after these."""
        secrets = [*named(keys).items()]
        secrets += [(f"token key {name}", secret) for name, secret in (named(older).items() if older else ())]
        #: of the keys, the first that which seals
        self.names = [name for name, _ in secrets]
        self._ciphers = [Cipher(derive(secret, _PURPOSE)) for _, secret in secrets]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Seal:
        """That of the service, from nameko's configuration."""
        own: str | None = config["KUNDVAL_SEALING_KEYS"]
        return cls(own, config["KUNDVAL_TOKEN_KEY"]) if own else cls(config["KUNDVAL_TOKEN_KEY"])

    def seal(self, text: str, *place: str) -> bytes:
        """`text` so that only these keys open it, and only for this `place` (tenant, role, party)."""
        return self._ciphers[0].seal(text, place)

    def open(self, sealed: bytes, *place: str) -> str | None:
        """What was sealed; None if it belongs elsewhere, was changed, or its key is not given any more."""
        return next((text for cipher in self._ciphers if (text := cipher.open(sealed, place)) is not None), None)

    def opener(self, sealed: bytes, *place: str) -> str | None:
        """The name of the key that has sealed it; None where `open` gives none."""
        found = (name for name, one in zip(self.names, self._ciphers, strict=True) if one.open(sealed, place))
        return next(found, None)

    def is_current(self, sealed: bytes, *place: str) -> bool:
        """Whether the first key has sealed it."""
        return self._ciphers[0].open(sealed, place) is not None
