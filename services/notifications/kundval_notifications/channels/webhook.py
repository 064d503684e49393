"""Signed webhooks to other systems (Standard Webhooks, `kundval_contracts.webhooks`).

The body is ``{"type", "timestamp", "data"}``: opaque ids, codes and days. Where it may go to is for
`kundval_chassis.reach` to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from kundval_chassis.reach import Network, NoSuchHost, NotAllowed, look_up
from kundval_contracts import webhooks
from kundval_contracts.codes import DeliveryChannel

from .port import Accepted, NotNow, Parcel, Refused, Unreachable
from .web import Web

#: what the body's `type` says
TYPE = "notifications.notice"

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
            return look_up(url, self._networks)
        except NotAllowed:
            raise Refused("BAD_ADDRESS") from None
        except NoSuchHost:
            raise NotNow("NO_SUCH_HOST", alone=True) from None
