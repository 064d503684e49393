"""RabbitMQ without surprises: connections whose every wait has an end, batches with confirms, the queues'
shapes.

Straight on py-amqp, which is what kombu uses below: kombu's publisher confirms one message at a time, and a
broker under a memory or disk alarm hangs it for good. Works in threads and in green threads alike. A `Link`
belongs to one thread.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from time import monotonic
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp
from amqp import spec
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed, NotFound, PreconditionFailed

from kundval_contracts.envelope import CONTENT_TYPE, exchange_of, restricted_exchange_of
from kundval_contracts.wire import tls

#: The broker is away, restarting, or closed the connection or channel: connect again.
BROKER_ERRORS: tuple[type[Exception], ...] = (OSError, AMQPError)

#: After so many deliveries that ended with a lost connection a message is parked by the broker itself: the
#: last defence against one that kills the process each time. High, because restarts under a backlog count
#: too.
DELIVERY_LIMIT = 200
#: RabbitMQ 4 gives quorum queues a limit of 20 unless told otherwise; looking at parked messages must not use
#: it up.
NO_DELIVERY_LIMIT = 1_000_000_000
#: Milliseconds that a failed event waits before each further attempt.
RETRY_DELAYS = (1_000, 5_000, 30_000, 120_000)


#: py-amqp would give up a connection whose data is not taken for a second, which is just what a broker under an alarm
#: does. Heartbeats tell a slow broker from a dead one.
_SOCKET = {socket.TCP_USER_TIMEOUT: 60_000}


class PublishFailed(OSError):
    """The broker did not take what was published. It may have taken a part."""


def trouble_with(error: BaseException) -> str:
    """What is wrong with the broker, in some words for readiness: without an address, a user or a name of a queue."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"broker is not reachable: its certificate is refused ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"broker is not reachable: TLS failed ({error.reason or type(error).__name__})"
    if isinstance(error, AccessRefused | NotAllowed):
        return f"broker refuses: password or rights of the user are wrong ({type(error).__name__})"
    return "broker is not reachable"


class Stopped(Exception):
    """A wait was given up because the owner is stopping."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish: persistent, confirmed, and unless `mandatory` is false told of if no queue takes it."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    headers: Mapping[str, Any] = field(default_factory=dict)
    content_type: str = CONTENT_TYPE
    mandatory: bool = True


class Link:
    """One connection with one channel. Use it from one thread only.

    `stopping` is asked during long waits; when it says yes they end with `Stopped`.
    """

    def __init__(
        self,
        uri: str,
        *,
        name: str,
        heartbeat: int = 20,
        connect_timeout: float = 5.0,
        answer_timeout: float = 5.0,
        stopping: Callable[[], bool] = lambda: False,
    ):
        self.uri = uri
        self.blocked = False
        self._user = ""
        self._stopping = stopping
        self._confirming = False
        self._next_tag = 1
        self._unconfirmed: dict[int, None] = {}
        self._returned: set[str] = set()
        self._refused = 0
        error: Exception | None = None
        for one in uri.split(";"):
            where = parse_uri(one)
            connection = amqp.Connection(
                **where,
                heartbeat=heartbeat,
                connect_timeout=connect_timeout,
                socket_settings=_SOCKET,
                client_properties={"connection_name": name},
                on_blocked=self._on_blocked,
                on_unblocked=self._on_unblocked,
            )
            try:
                connection.connect()
                self._user = where["userid"]
                break
            except BROKER_ERRORS as cause:
                connection.collect()
                error = cause
        else:
            assert error is not None
            raise error
        self.connection = connection
        try:
            # the end of every wait for which no other is given: opening, declaring, writing. Shorter than the time
            # between two heartbeats of the broker, each of which would begin it anew
            connection.transport.sock.settimeout(answer_timeout)
            _read_ahead(connection.transport)
            self.channel = connection.channel()
        except BaseException:
            connection.collect()
            raise

    # --- publishing ------------------------------------------------------------------------------

    def confirm(self) -> None:
        """Ask for confirms, once; `publish` does so too, but this can be had before there is something to send."""
        if not self._confirming:
            self.channel.confirm_select()
            self.channel.events["basic_ack"].add(self._on_ack)
            self.channel.events["basic_nack"].add(self._on_nack)
            self.channel.events["basic_return"].add(self._on_return)
            self._confirming = True

    def publish(
        self, messages: Sequence[Outgoing], *, timeout: float = 15.0, meanwhile: Callable[[], object] = lambda: None
    ) -> set[str]:
        """Publish all and wait until the broker has confirmed all; the ids of those that no queue took.

        Raises `PublishFailed` or another of `BROKER_ERRORS` when it is not known that all were taken; then
        the link must be dropped. While the broker is blocked by an alarm this waits, for as long as that
        lasts.
        """
        channel = self.channel
        self.confirm()
        self._returned = set()
        self._refused = 0
        if self.blocked:
            self._until_unblocked(meanwhile)
        with self.connection.transport.having_timeout(timeout):
            for message in messages:
                content = amqp.Message(
                    message.body,
                    application_headers=dict(message.headers),
                    content_type=message.content_type,
                    content_encoding="utf-8",
                    delivery_mode=2,
                    message_id=message.message_id,
                    # the broker takes no other than the true one
                    user_id=self._user,
                )
                self._unconfirmed[self._next_tag] = None
                self._next_tag += 1
                # not basic_publish: it polls the socket before each message
                channel.send_method(
                    spec.Basic.Publish,
                    "Bssbb",
                    (0, message.exchange, message.routing_key, message.mandatory, False),
                    content,
                )
        deadline = monotonic() + timeout
        while self._unconfirmed:
            waiting = len(self._unconfirmed)
            try:
                self.connection.drain_events(timeout=0.5)
            except TimeoutError:
                self.beat()
                meanwhile()
            if self.blocked or len(self._unconfirmed) < waiting:
                deadline = monotonic() + timeout
            elif monotonic() > deadline:
                raise PublishFailed("the broker did not confirm in time")
            if self._stopping() and self.blocked:
                raise Stopped
        if self._refused:
            raise PublishFailed(f"the broker refused {self._refused} messages")
        return self._returned

    def _until_unblocked(self, meanwhile: Callable[[], object]) -> None:
        while self.blocked:
            self.tick(0.5)
            meanwhile()
            if self._stopping():
                raise Stopped

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if not multiple:
            self._unconfirmed.pop(tag, None)
            return
        for earlier in [waiting for waiting in self._unconfirmed if waiting <= tag]:
            del self._unconfirmed[earlier]

    def _on_nack(self, tag: int, multiple: bool) -> None:
        before = len(self._unconfirmed)
        self._on_ack(tag, multiple)
        self._refused += before - len(self._unconfirmed)

    def _on_return(self, _error: Exception, _exchange: str, _routing_key: str, message: amqp.Message) -> None:
        self._returned.add(message.properties.get("message_id", ""))

    def _on_blocked(self, _reason: str) -> None:
        self.blocked = True

    def _on_unblocked(self) -> None:
        self.blocked = False

    # --- queues ----------------------------------------------------------------------------------

    def depth(self, queue: str) -> int | None:
        """How many messages are ready in a queue; None if there is no such queue."""
        try:
            return int(self.channel.queue_declare(queue, passive=True).message_count)
        except NotFound:
            # the broker closed the channel with its answer
            if self._confirming:
                raise
            self.channel = self.connection.channel()
            return None

    # --- waiting ---------------------------------------------------------------------------------

    def tick(self, timeout: float = 0) -> bool:
        """Take in what the broker sent, waiting at most `timeout` seconds for it; True if something came.

        Call it at least every few seconds: it keeps the heartbeat and notices a dead broker.
        """
        try:
            self.connection.drain_events(timeout=timeout)
            return True
        except TimeoutError:
            return False
        finally:
            self.beat()

    def beat(self) -> None:
        """Send a heartbeat if one is due; raises if the broker has been silent too long."""
        if self.connection.connected:
            self.connection.heartbeat_tick()

    def settle(self, seconds: float = 0.1) -> None:
        """Give the broker a moment before the end: a quorum queue may forget acknowledgements that came just before
        their connection closed, and deliver again.
        """
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            self.tick(left)

    # --- end -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Say goodbye if the broker listens, at most a second, and drop the connection. Never raises."""
        connection = self.connection
        try:
            if connection.connected and not self.blocked:
                connection.is_closing = True
                with connection.transport.having_timeout(1.0):
                    connection.send_method(spec.Connection.Close, "BsBB", (0, "", 0, 0))
                deadline = monotonic() + 1.0
                while connection.connected and monotonic() < deadline:
                    connection.drain_events(timeout=0.2)
        except Exception:
            pass
        finally:
            self.drop()

    def drop(self) -> None:
        """Drop the connection at once; the broker requeues what was not acknowledged. Never raises."""
        with suppress(Exception):
            self.connection.collect()

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read_ahead(transport: Any) -> None:
    """Let the transport read what has come at once, not three times a frame; it keeps the rest for the next read."""
    recv = transport._quick_recv
    transport._quick_recv = lambda wanted: recv(max(wanted, 8192))


def parse_uri(uri: str) -> dict[str, Any]:
    """Arguments of `amqp.Connection` for `amqp://user:password@host:port/vhost` or `amqps://…?cafile=…`."""
    parts = urlsplit(uri)
    if parts.scheme not in ("amqp", "amqps", "pyamqp"):
        raise ValueError("a broker's URI begins with amqp:// or amqps://")
    secure = tls(uri)
    port = parts.port or (5671 if secure else 5672)
    host = parts.hostname or "localhost"
    return {
        "host": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "userid": unquote(parts.username or "guest"),
        "password": unquote(parts.password or "guest"),
        "virtual_host": unquote(parts.path[1:]) or "/",
        "ssl": {**secure, "server_hostname": parts.hostname} if secure else False,
        "login_method": "PLAIN",
    }


def user_of(service: str) -> str:
    """The user with which a service enters a broker where each has one of its own (deploy/rabbitmq)."""
    return f"kundval-{service}"


# --- shapes ------------------------------------------------------------------------------------------


def queue_of(service: str) -> str:
    """Name of the queue from which a service takes events."""
    return f"{service}.events-in"


@cache
def _queues_of_the_suite() -> frozenset[str]:
    services: tuple[str, ...] = import_module("kundval_contracts.events").SERVICES
    return frozenset(map(queue_of, services))


def may_know_places(queue: str) -> bool:
    """True for the queues from which the services of the suite take events, and no other: they get restricted events
    whole. Who may read these queues is for the broker's permissions to say.
    """
    return queue in _queues_of_the_suite()


def retry_queue(queue: str, delay: int) -> str:
    """Name of the queue in which events wait `delay` milliseconds. The delay is part of the name, because a
    queue cannot be changed: another setting is another queue, and what waits in the old one still comes back.
    """
    return f"{queue}.retry.{delay}"


def parked_queue(queue: str) -> str:
    """Name of the queue of events that were given up."""
    return f"{queue}.parked"


def replays_queue(service: str) -> str:
    """Name of the queue in which a service gets requests to send its kept events again."""
    return f"{service}.replays"


def declare_replays(channel: amqp.Channel, service: str, *, own: bool = True) -> str:
    """Declare the queue of requests for replays of a service; its name. own: see `declare_exchange`."""
    queue = replays_queue(service)
    if own or not _is_there(channel, lambda look: look.queue_declare(queue, passive=True)):
        arguments = {"x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT}
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
    return queue


def declare_exchange(channel: amqp.Channel, service: str, *, own: bool = True) -> str:
    """Declare the topic exchange of a service's events; its name.

    own: of the service that declares it, which has the right to. Who listens to another declares it only if it is not
    there, which is refused where that right is not given (deploy/rabbitmq: there the definitions make it).
    """
    return _declare_topic(channel, exchange_of(service), own)


def declare_restricted(channel: amqp.Channel, service: str, *, own: bool = True) -> str:
    """Declare the topic exchange of a service's restricted events, for the services of the suite alone; its name."""
    return _declare_topic(channel, restricted_exchange_of(service), own)


def _declare_topic(channel: amqp.Channel, exchange: str, own: bool) -> str:
    if own or not _is_there(channel, lambda look: look.exchange_declare(exchange, "topic", passive=True)):
        channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    return exchange


def _is_there(channel: amqp.Channel, ask: Callable[[amqp.Channel], object]) -> bool:
    """Whether something is there: asked on a channel of its own, since the broker says no by closing it."""
    look = channel.connection.channel()
    try:
        ask(look)
    except NotFound:
        return False
    look.close()
    return True


def declare_consumer(
    channel: amqp.Channel,
    queue: str,
    sources: Iterable[str],
    delays: Sequence[int] = RETRY_DELAYS,
    names: Iterable[str] | None = None,
) -> None:
    """Declare everything that a consumer of events needs: its queue bound to every event of its sources (or to those
    of these `names`), a queue for each retry delay, and the parking. Raises PreconditionFailed if one exists in another
    shape. The queue of a service of the suite is bound to the restricted events too.

    All are quorum queues. Only one consumer at a time gets messages, so that they are read in order; when it goes away
    the next one takes over. How the instances of a service share the work is said in `helper`. Messages that leave a
    queue by themselves (waited long enough, delivered too often) are moved by the broker at least once, never dropped.
    """
    moved = {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }

    def declare(name: str, arguments: Mapping[str, Any]) -> None:
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=dict(arguments))

    declare(parked_queue(queue), {"x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT})
    declare(
        queue,
        moved
        | {
            "x-dead-letter-routing-key": parked_queue(queue),
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-single-active-consumer": True,
        },
    )
    for delay in delays:
        declare(retry_queue(queue, delay), moved | {"x-dead-letter-routing-key": queue, "x-message-ttl": delay})
    wanted = None if names is None else sorted(names)
    for source in sources:
        exchanges = [declare_exchange(channel, source, own=False)]
        if may_know_places(queue):
            exchanges.append(declare_restricted(channel, source, own=False))
        keys = ["#"] if wanted is None else [one for one in wanted if one.startswith(f"{source}.")]
        for exchange in exchanges:
            for key in keys:
                channel.queue_bind(queue, exchange, key)
            if wanted is not None:
                # from when it took in everything
                channel.queue_unbind(queue, exchange, "#")


__all__ = [
    "BROKER_ERRORS",
    "DELIVERY_LIMIT",
    "RETRY_DELAYS",
    "Link",
    "Outgoing",
    "PreconditionFailed",
    "PublishFailed",
    "Stopped",
    "declare_consumer",
    "declare_exchange",
    "declare_replays",
    "declare_restricted",
    "may_know_places",
    "parked_queue",
    "parse_uri",
    "queue_of",
    "replays_queue",
    "retry_queue",
    "trouble_with",
    "user_of",
]
assert issubclass(socket.timeout, TimeoutError)  # so that TimeoutError catches every wait that ended
