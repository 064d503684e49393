"""Signed webhooks to other systems (Standard Webhooks, `kundval_contracts.webhooks`).

The body is ``{"type", "timestamp", "data"}``: opaque ids, codes and days. Addresses are others' to choose, so a webhook
goes by https to the internet, and into a network of one's own only if it is named. The name is looked up once, and what
was looked at is what is connected to.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from kundval_contracts import webhooks
from kundval_contracts.codes import DeliveryChannel

from .addresses import Address, is_public
from .limit import SILENCE, limited
from .port import Accepted, NotNow, Parcel, Refused, Unreachable
from .web import Web

#: what the body's `type` says
TYPE = "notifications.notice"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# what says that this very body is unwanted; all else is tried again, as the standard asks: the other side may be
# between two versions of itself
_UNWANTED = frozenset({400, 413, 415, 422})


class Webhook:
    channel = DeliveryChannel.WEBHOOK

    def __init__(
        self,
        web: Web,
        networks: Sequence[Network] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        """networks: those inside that may be called, by http too if it is this very machine."""
        self._web, self._networks, self._now = web, tuple(networks), now

    def send(self, parcel: Parcel) -> Accepted:
        """Raises Refused(closed=True) if the other side is gone for good. Who is away keeps only its own waiting."""
        body = json.dumps(
            {"type": TYPE, "timestamp": parcel.created_at.isoformat(), "data": dict(parcel.data)},
            ensure_ascii=False,
        ).encode()
        try:
            signed = webhooks.headers((parcel.secret or "").split(), parcel.id, self._now(), body)
        except ValueError:
            raise Refused("BAD_SECRET") from None
        at = self._look_up(parcel.address)
        try:
            reply = self._web.post(parcel.address, body, {"Content-Type": "application/json", **signed}, at=at)
        except Unreachable as error:
            raise NotNow(error.code, alone=True) from None
        if reply.good:
            return Accepted()
        if reply.status == 410:
            raise Refused(reply.code, closed=True)
        if reply.status in _UNWANTED or 300 <= reply.status < 400:
            raise Refused(reply.code)
        raise NotNow(reply.code, reply.retry_after, alone=True)

    def close(self) -> None:
        self._web.close()

    def _look_up(self, url: str) -> str:
        """The IP address to connect to. Raises Refused("BAD_ADDRESS") for one that is not to be called, NotNow."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in ("https", "http") or parts.username or not url.isascii() or " " in url:
            raise Refused("BAD_ADDRESS")
        try:
            with limited(SILENCE):
                found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotNow("NO_SUCH_HOST", alone=True) from None
        for _, _, _, _, place in found:
            address = _plain(str(place[0]))
            if self._may_be_called(address, parts.scheme):
                return str(address)
        raise Refused("BAD_ADDRESS")

    def _may_be_called(self, address: Address, scheme: str) -> bool:
        named = any(address in network for network in self._networks)
        if scheme == "http":
            return named and address.is_loopback
        return named or is_public(address)


def _plain(text: str) -> Address:
    """An address; one of IPv4 that is written as one of IPv6 is what it stands for."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address
