"""Signed webhooks as Standard Webhooks has them (version 1, HMAC-SHA256): sign, verify, make a secret.

Three headers say what a body is: ``webhook-id`` (the same when it is sent again), ``webhook-timestamp`` (seconds since
1970 of this sending) and ``webhook-signature``: one ``v1,<base64>`` for each secret, with a space between them, so that
a secret can be replaced while both sides know the old one and the new one. Who gets a webhook calls `verify` with the
bytes as they came, and keeps the ids of the last minutes: one that it knows has been carried out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as _random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"

PREFIX = "whsec_"
#: bytes of a secret: the least and the most that the standard allows, and what `new_secret` makes
LEAST, MOST, USUAL = 24, 64, 32
#: how far the sender's clock and the way may put a timestamp off
TOLERANCE = timedelta(minutes=5)


class NotGenuine(Exception):
    """A webhook is not what its sender signed, or too old or too new. `code` says which, and holds nothing of it."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def new_secret() -> str:
    """A secret, ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(_random.token_bytes(USUAL)).decode()


def read_secret(secret: str) -> bytes:
    """The key in a secret; its prefix may be missing. Raises ValueError, without the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is no secret: base64 after whsec_") from None
    if not LEAST <= len(key) <= MOST:
        raise ValueError(f"must be a secret of {LEAST} to {MOST} bytes")
    return key


def sign(secret: str, id: str, at: datetime, body: bytes) -> str:
    """One signature, ``v1,<base64>``. at: an aware instant. Raises ValueError for a secret that is none, or an id
    with a dot, which the signature could not tell from the timestamp.
    """
    if not id or "." in id:
        raise ValueError("the id must have a character and no dot")
    return _signature(read_secret(secret), id, _seconds(at), body)


def headers(secrets: Sequence[str], id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a body, signed with each of the secrets (one, and while it is replaced two)."""
    if not secrets:
        raise ValueError("a webhook needs a secret")
    signatures = " ".join(sign(secret, id, at, body) for secret in secrets)
    return {ID: id, TIMESTAMP: _seconds(at), SIGNATURE: signatures}


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """The id of a webhook that one of the secrets has signed. body: as it came, not as it was read.

    Raises NotGenuine with HEADERS (one is missing), TIMESTAMP (no number), TOO_OLD, TOO_NEW or SIGNATURE.
    """
    given = {name.lower(): value for name, value in headers.items()}
    id, seconds, signatures = (given.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (id and seconds and signatures):
        raise NotGenuine("HEADERS")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 11):
        raise NotGenuine("TIMESTAMP")
    off = now - datetime.fromtimestamp(int(seconds), UTC)
    if abs(off) > tolerance:
        raise NotGenuine("TOO_OLD" if off > timedelta(0) else "TOO_NEW")
    right = [_signature(read_secret(secret), id, seconds, body).encode() for secret in secrets]
    # every pair is compared, however many fit
    found = [
        hmac.compare_digest(one, signature.encode()) for one in right for signature in signatures.split(" ", 16)[:16]
    ]
    if not any(found):
        raise NotGenuine("SIGNATURE")
    return id


def _signature(key: bytes, id: str, seconds: str, body: bytes) -> str:
    signed = hmac.new(key, f"{id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _seconds(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return str(int(at.timestamp()))
