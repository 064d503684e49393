"""What may be kept of an address: a mark by which it can be shown later that one was the one that was used."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from kundval_chassis.sealing import derive
from kundval_contracts.codes import DeliveryChannel

from .seal import named

_MARKS = "kundval notifications 1: address marks"
_LINKS = "kundval notifications 1: links"


class Marks:
    """Marks under each of the keys of the text `keys`. former: the token keys as they were given to versions before
    0.2, which made marks with all of that text.
    """

    def __init__(self, keys: str, former: str | None = None):
        self._keys = {name: derive(secret, _MARKS) for name, secret in named(keys).items()}
        if former is not None:
            self._keys["token keys before 0.2"] = sha256(f"addresses:{former}".encode()).digest()

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Marks:
        """Those of the service, from nameko's configuration."""
        return cls(config["KUNDVAL_SEALING_KEYS"] or config["KUNDVAL_TOKEN_KEY"], config["KUNDVAL_TOKEN_KEY"])

    def mark(self, channel: DeliveryChannel, address: str) -> bytes:
        """32 bytes of which nothing follows without the key; the same for the same address. Under the first key."""
        return next(iter(self.marks(channel, address).values()))

    def marks(self, channel: DeliveryChannel, address: str) -> dict[str, bytes]:
        """The same under each key, by the key's name: one of them is what was kept, if that was the address."""
        text = f"{channel.value}\x1f{address}".encode()
        return {name: hmac.digest(key, text, "sha256") for name, key in self._keys.items()}


def link_key(config: Mapping[str, Any]) -> bytes:
    """The key with which links are made so that nobody finds one by trying. The last: a new one leaves it be, so that
    the same notice keeps its link.
    """
    *_, last = named(config["KUNDVAL_SEALING_KEYS"] or config["KUNDVAL_TOKEN_KEY"]).values()
    return derive(last, _LINKS)
