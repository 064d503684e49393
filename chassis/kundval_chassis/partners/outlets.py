"""How copies leave for one partner: into its queue at the broker, or to its address as signed webhooks.

An outlet belongs to one thread. `tell` returns when every copy is in safe hands: the broker has confirmed it, the
receiver has answered with 2xx. Until then nobody counts it as told, so the same may be told again, with the same id.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Protocol

from amqp.exceptions import NotFound

from kundval_contracts import webhooks
from kundval_contracts.envelope import CONTENT_TYPE, dump_data

from .. import clock
from ..amqp import BROKER_ERRORS, NO_DELIVERY_LIMIT, Link, Outgoing, PreconditionFailed, PublishFailed, Stopped
from ..reach import Network, NoSuchHost, NotAllowed, look_up
from ..web import Reply, Unreached, Web
from .keys import PartnerKeys
from .registry import Partner

#: a copy as a JSON object
Copy = Mapping[str, Any]

#: messages that a partner's queue takes: what it has not read yet waits in the log, not at the broker
FULL = 10_000
#: room that is left in it for the other services, which look at the same time
ROOM = 1_000
#: seconds after which a connection that nobody uses is let go
REST = 60.0
#: seconds for one webhook in all, and for which its receiver may be silent
IN_ALL, SILENCE = 20.0, 10.0

#: what says that this very event is unwanted; anything else but 2xx may be otherwise the next time
_UNWANTED = frozenset({400, 413, 415, 422})
#: what says that something went wrong with this event; anything else, that its receiver takes none at present
_BROKEN = frozenset({500})
#: what the broker says of the partner's own queue, and all else means that it is away
_CODES: Mapping[type[Exception], str] = {
    NotFound: "NO_QUEUE",
    PreconditionFailed: "QUEUE_OF_OTHER_SHAPE",
    PublishFailed: "QUEUE_REFUSES",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """When to try again. wait: seconds until the next attempt at an event that failed, and away: while nothing is taken
    at all; the last for all further ones. attempts: after which an event that failed is parked. most: seconds that a
    receiver can make us wait.
    """

    wait: Sequence[float] = (1, 5, 30, 120, 600, 1800, 3600)
    away: Sequence[float] = (1, 5, 30, 120, 300)
    attempts: int = 8
    most: float = 3600

    def after(self, error: NotTold, attempts: int) -> float:
        """Seconds to wait after an attempt, before which there were so many that failed."""
        waits = self.away if isinstance(error, Away) else self.wait
        wait = waits[min(attempts, len(waits) - 1)]
        return wait if error.seconds is None else max(wait, min(error.seconds, self.most))


class NotTold(Exception):
    """A copy was not taken. `code` is stable and names nobody. seconds: how long the other side asks to wait."""

    def __init__(self, code: str, seconds: float | None = None):
        super().__init__(code)
        self.code = code
        self.seconds = seconds


class Away(NotTold):
    """No fault of the event: nothing can be told at present, so all wait and none is passed over."""


class Failed(NotTold):
    """It may be the event's fault: after some attempts it is passed over."""


class Unwanted(NotTold):
    """It is the event's fault, the receiver says."""


class Outlet(Protocol):
    #: copies that are told at once
    at_once: int
    patience: Patience

    def tell(self, partner: Partner, copies: Sequence[Copy]) -> None:
        """Raises NotTold if it is not known that all were taken."""

    def idle(self) -> None:
        """Nothing is to be told: called every second or so."""

    def close(self) -> None:
        """Let go of connections."""


def exchange_of(partner: str) -> str:
    """Name of the exchange to which copies for a partner go, and of its user at the broker."""
    return f"partner.{partner}"


def queue_of(partner: str) -> str:
    return f"partner.{partner}.events"


class QueueOutlet:
    """The partner's exchange and queue, which the services declare. Routing key: ``<municipality>.<event name>``."""

    at_once = 100
    # to look costs little, and a partner that reads again is not to wait for its events
    patience = Patience(away=(0.2, 0.5, 1, 2))

    def __init__(self, amqp_uri: str, name: str, stopping: Callable[[], bool] = lambda: False):
        self._uri, self._name, self._stopping = amqp_uri, name, stopping
        self._link: Link | None = None
        self._used = 0.0

    def tell(self, partner: Partner, copies: Sequence[Copy]) -> None:
        queue = queue_of(partner.id)
        try:
            link = self._opened(partner.id)
            if link.blocked:
                # what would lie there until the alarm ends is read anew then
                raise Away("BROKER_BLOCKED")
            # looked at before, so that the broker need not refuse some of many and take those after them
            if link.channel.queue_declare(queue, passive=True).message_count > FULL - ROOM:
                raise Away("QUEUE_FULL")
            returned = link.publish([_outgoing(partner.id, copy) for copy in copies])
        except Stopped:
            self._drop()
            raise
        except BROKER_ERRORS as error:
            self._drop()
            raise Away(_CODES.get(type(error), "NO_BROKER")) from None
        self._used = monotonic()
        if returned:
            # the partner has taken the queue off its exchange: the next attempt binds it again
            self.close()
            raise Away("NO_QUEUE")

    def idle(self) -> None:
        if self._link is None:
            return
        if monotonic() - self._used > REST:
            self.close()
            return
        try:
            self._link.tick()
        except BROKER_ERRORS:
            self._drop()

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _drop(self) -> None:
        if self._link is not None:
            self._link.drop()
            self._link = None

    def _opened(self, partner: str) -> Link:
        if self._link is None:
            link = Link(self._uri, name=self._name, stopping=self._stopping)
            self._link = link
            declare(link.channel, partner)
            link.confirm()
            self._used = monotonic()
        else:
            # all that it has said meanwhile: that it takes nothing, that it closes
            while self._link.tick():
                pass
        return self._link


def declare(channel: Any, partner: str) -> None:
    """Declare a partner's exchange and queue. Raises PreconditionFailed if one exists in another shape."""
    exchange, queue = exchange_of(partner), queue_of(partner)
    channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    channel.queue_declare(
        queue,
        durable=True,
        auto_delete=False,
        arguments={
            "x-queue-type": "quorum",
            "x-max-length": FULL,
            "x-overflow": "reject-publish",
            # what a partner gives back often is its own affair; it must not be dropped
            "x-delivery-limit": NO_DELIVERY_LIMIT,
        },
    )
    channel.queue_bind(queue, exchange, "#")


def _outgoing(partner: str, copy: Copy) -> Outgoing:
    # a routing key has 255 bytes
    tenant = copy["tenant"].encode()[:150].decode(errors="ignore")
    name = copy["type"].removeprefix("se.kundval.").rpartition(".")[0]
    return Outgoing(
        exchange=exchange_of(partner),
        routing_key=f"{tenant}.{name}",
        body=dump_data(copy).encode(),
        message_id=copy["id"],
    )


class WebhookOutlet:
    """Signed requests to the partner's address, one for each event (Standard Webhooks)."""

    at_once = 1
    patience = Patience()

    def __init__(
        self,
        context: ssl.SSLContext,
        keys: PartnerKeys,
        networks: Sequence[Network] = (),
        now: Callable[[], datetime] = clock.now,
    ):
        self._web = Web(context, "kundval-partners", silence=SILENCE, in_all=IN_ALL)
        self._keys, self._networks, self._now = keys, tuple(networks), now

    def tell(self, partner: Partner, copies: Sequence[Copy]) -> None:
        for copy in copies:
            self._post(partner, copy)

    def _post(self, partner: Partner, copy: Copy) -> None:
        body = dump_data(copy).encode()
        at, url = self._now(), partner.webhook_url or ""
        try:
            signed = webhooks.headers(
                self._keys.webhook_secrets(partner, clock.business_date(at)), copy["id"], at, body
            )
        except ValueError:
            raise Away("NO_SECRET") from None
        try:
            reply = self._web.post(url, body, {"Content-Type": CONTENT_TYPE, **signed}, at=look_up(url, self._networks))
        except NotAllowed:
            raise Away("BAD_ADDRESS") from None
        except NoSuchHost:
            raise Away("NO_SUCH_HOST") from None
        except Unreached as error:
            raise (Failed if error.perhaps else Away)(error.code) from None
        if not reply.good:
            raise _refusal(reply)

    def idle(self) -> None:
        pass

    def close(self) -> None:
        self._web.close()


def _refusal(reply: Reply) -> NotTold:
    kind = Unwanted if reply.status in _UNWANTED else Failed if reply.status in _BROKEN else Away
    return kind(reply.code, reply.retry_after)
