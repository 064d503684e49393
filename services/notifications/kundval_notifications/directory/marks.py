"""What may be kept of an address: a mark by which it can be shown later that one was the one that was used."""

from __future__ import annotations

import hmac
from hashlib import sha256

from kundval_contracts.codes import DeliveryChannel


def mark_key(token_keys: str) -> bytes:
    """The key of marks, from the setting ``KUNDVAL_TOKEN_KEY``. With other token keys there are other marks."""
    return sha256(f"addresses:{token_keys}".encode()).digest()


def address_mark(key: bytes, channel: DeliveryChannel, address: str) -> bytes:
    """32 bytes of which nothing follows without the key; the same for the same address."""
    return hmac.digest(key, f"{channel.value}\x1f{address}".encode(), "sha256")
