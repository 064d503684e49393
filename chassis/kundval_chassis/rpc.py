"""RPC entrypoints: `@command` and `@query` on nameko's RPC, `Remote` to call another service.

A call goes through the same steps whatever the method: token, role, schema, tenant and provider; for one about a
person its purpose; for a command the idempotency key; a transaction; the method; the answer's schema; for one about a
person the entry in the access log; the reply. What the method raises as a
`KundvalError` arrives as that; everything else arrives as an `InternalError` with an id, and is in the log.

Replies are transient and unconfirmed, on one connection of their own that is kept open. That is safe because
the caller repeats a command with its key when no answer comes, and it is what makes a call several times
cheaper than nameko's (which confirms and stores every reply). A reply that cannot be sent leaves the request to
be delivered again; it never ends the process. A request whose caller has given up is not carried out.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial, wraps
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

import amqp
import amqp.spec
import eventlet
import psycopg
from eventlet.hubs import trampoline
from kombu import Connection, Queue
from marshmallow import ValidationError
from nameko.constants import DEFAULT_HEARTBEAT, HEARTBEAT_CONFIG_KEY
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import DependencyProvider, register_entrypoint
from nameko.messaging import QueueConsumer
from nameko.rpc import RPC_QUEUE_TEMPLATE, Rpc, RpcConsumer, get_rpc_exchange

from kundval_contracts.client import LARGEST, RPC_EXCHANGE, TIMEOUT, Client
from kundval_contracts.codes import AccessOutcome
from kundval_contracts.errors import (
    Forbidden,
    InternalError,
    InvalidRequest,
    KundvalError,
    NotFound,
    Unavailable,
    UnknownMethod,
    faults_of,
)
from kundval_contracts.rpc import METHODS, CallerRole, Kind, Method
from kundval_contracts.wire import broker, establish, read_ahead, thrifty

from . import access, context, idempotency, logs, telemetry, traces
from .amqp import NO_DELIVERY_LIMIT
from .db import Pool, Tx, is_contention, is_outage
from .depth import deeper
from .limiter import Limiter
from .rpc_check import Check, fits
from .tokens import Caller, Tokens

F = TypeVar("F", bound=Callable[..., Any])

log = logs.get(__name__)

#: milliseconds that a request without an expiration of its own waits in the queue of a service that is down
REQUEST_TTL = 300_000
#: times that a command that lost against another transaction is tried in all
ATTEMPTS = 4

#: Kinds of queues of requests. A classic one lies on one node and keeps requests in memory: quicker, but without its
#: node there are no requests. A quorum queue lies on several and writes requests to their disks.
CLASSIC, QUORUM = "CLASSIC", "QUORUM"
_SHAPES: Mapping[str, Mapping[str, Any]] = {
    # said outright, because a broker may make quorum queues when nothing is said
    CLASSIC: {"x-queue-type": "classic", "x-message-ttl": REQUEST_TTL},
    # a request that is given back counts as delivered: a command that waits for a database must not be dropped for it
    QUORUM: {"x-queue-type": "quorum", "x-message-ttl": REQUEST_TTL, "x-delivery-limit": NO_DELIVERY_LIMIT},
}

#: seconds before the first attempt to reach a lost broker again, by which each further one is later, and the most
_AGAIN, _AGAIN_MOST = 0.5, 3.0

_BROKEN = (amqp.AMQPError, OSError, AttributeError, KeyError)
#: seconds for which a reply may wait for the broker to take it
_REPLY_TIMEOUT = 10.0
_REPLY_PAUSES = (0.0, 0.5, 1.5)


def command(name: str) -> Callable[[F], F]:
    """The RPC method `name` (``service.method``) that changes something.

    It decorates ``def method(self, tx, request, caller)``, which bears the name after the dot. `tx` is a
    transaction that commits when the method returns; `request` has native types, as its schema in
    `kundval_contracts.rpc` loads it; `caller` is the token's holder. Returns the answer, as a dict of native or
    JSON types.
    """
    return _entrypoint(name, "command")


def query(name: str) -> Callable[[F], F]:
    """Like `command`, for a method that only reads: its transaction is read-only and sees one snapshot."""
    return _entrypoint(name, "query")


def _entrypoint(name: str, kind: Kind) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        if name.partition(".")[2] != function.__name__:
            raise TypeError(f"the method of {name} must be called {name.partition('.')[2]}")

        @wraps(function)
        def carry_out(self: Any, incoming: Incoming) -> Outcome:
            return incoming.entrypoint.carry_out(self, function, incoming)

        register_entrypoint(carry_out, Entrypoint(name, kind))
        return carry_out  # type: ignore[return-value]

    return decorate


def requests_queue(service: str, kind: str = CLASSIC) -> str:
    """Name of the queue of a service's requests. Each kind has its own, because a queue cannot be changed."""
    name: str = RPC_QUEUE_TEMPLATE.format(service)
    return name if kind == CLASSIC else f"{name}.{kind.lower()}"


class Incoming:
    """A request as it came from the broker."""

    __slots__ = ("args", "arrived", "entrypoint", "headers", "kwargs", "lifetime")

    def __init__(self, entrypoint: Entrypoint, body: Mapping[str, Any], message: Any):
        self.entrypoint = entrypoint
        self.args = body["args"]
        self.kwargs = body["kwargs"]
        self.headers = {key[7:] if key.startswith("nameko.") else key: value for key, value in message.headers.items()}
        self.arrived = time.monotonic()
        expiration = message.properties.get("expiration")
        self.lifetime = int(expiration) / 1000 if expiration and str(expiration).isdigit() else None

    @property
    def expired(self) -> bool:
        """Whether it waited here longer than its caller is willing to."""
        return self.lifetime is not None and time.monotonic() - self.arrived > self.lifetime


class Outcome:
    """What came of a request: an answer, an error, or nothing to be sent."""

    __slots__ = ("answer", "error", "silent")

    def __init__(self, answer: Any = None, error: KundvalError | None = None, silent: bool = False):
        self.answer = answer
        self.error = error
        self.silent = silent

    def as_json(self) -> str:
        if self.error is None:
            return json.dumps({"result": self.answer, "error": None}, ensure_ascii=False, allow_nan=False)
        error = self.error
        return json.dumps(
            {
                "result": None,
                "error": {
                    "exc_type": type(error).__name__,
                    "exc_path": f"{type(error).__module__}.{type(error).__name__}",
                    "exc_args": [error.to_wire()],
                    "value": str(error),
                },
            },
            ensure_ascii=False,
        )


class RequestQueue(QueueConsumer):
    """The consumer of requests.

    `listening` tells whether it is taking them from the broker at present, `in_hand` how many were taken and not
    yet settled. Unlike nameko's it keeps its connection at the end until the last of them is settled; else the
    broker would give what is being worked on to somebody else.
    """

    listening = False
    in_hand = 0
    replies: Any = None
    #: name of the queue from which requests came before another kind was chosen
    former: str | None = None

    def stop(self) -> None:
        super().stop()
        if self.replies is not None:
            self.replies.close()

    @property
    def connection(self) -> Connection:
        return broker(
            self.amqp_uri,
            heartbeat=self.container.config.get(HEARTBEAT_CONFIG_KEY, DEFAULT_HEARTBEAT),
            transport_options={
                "frame_writer": thrifty,
                "client_properties": {"connection_name": f"kundval-{self.container.service_name} requests"},
            },
        )

    @contextmanager
    def establish_connection(self) -> Iterator[Connection]:
        """kombu's, but that it looks for the broker again after three seconds at most, not after thirty."""
        with self.create_connection() as connection:
            connection.ensure_connection(
                self.on_connection_error, interval_start=_AGAIN, interval_step=_AGAIN, interval_max=_AGAIN_MOST
            )
            yield connection

    def on_connection_error(self, error: BaseException, interval: float) -> None:
        """nameko's would log the addresses, and of several it hides the first one's password alone."""
        log.warning(
            "requests_interrupted",
            service=self.container.service_name,
            missing="broker",
            error=type(error).__name__,
            again_in_s=interval,
        )

    def consume(self, *args: Any, **kwargs: Any) -> Any:
        try:
            yield from super().consume(*args, **{**kwargs, "safety_interval": 0.5})
        finally:
            self.listening = False

    def on_consume_ready(self, *args: Any, **kwargs: Any) -> None:
        self.listening = True
        super().on_consume_ready(*args, **kwargs)

    def on_iteration(self) -> None:
        self._cancel_consumers_if_requested()
        if not self._consumers:
            self.listening = False
            self.should_stop = self.in_hand == 0

    def handle_message(self, provider: Any, body: Any, message: Any) -> None:
        self.in_hand += 1
        # a thread of its own only if no worker is free: it is half the cost of dispatching
        if self.container._worker_pool.free() > 0:
            provider.handle_message(body, message)
        else:
            super().handle_message(provider, body, message)

    def settle(self, messages: list[Any], *, done: bool) -> None:
        """Acknowledge requests, or give them back to the broker."""
        self.in_hand -= len(messages)
        for channel, group in groupby(messages, key=attrgetter("channel")):
            # after a lost connection there is nothing to settle: the broker has them back
            with suppress(*_BROKEN), channel.connection.cork:
                for message in group:
                    if done:
                        message.ack()
                    else:
                        message.requeue()

    def get_consumers(self, consumer_cls: Any, channel: Any) -> Iterable[Any]:
        consumers = super().get_consumers(consumer_cls, channel)
        if self.former is not None:
            self._leave(channel)
        for provider, consumer in self._consumers.items():
            consumer.on_decode_error = partial(self._undecodable, provider)
        return consumers

    def _leave(self, channel: Any) -> None:
        """Let no request go to the former queue: each would be carried out twice. Instances that still take from it
        finish what is there.
        """
        other = channel.connection.channel()
        # not while the node that holds it is away; whoever connects next tries again
        with suppress(amqp.AMQPError):
            other.queue_unbind(self.former, RPC_EXCHANGE, f"{self.container.service_name}.*")
            other.close()

    def _undecodable(self, provider: Any, message: Any, error: Exception) -> None:
        self.in_hand += 1
        log.warning("rpc_undecodable", service=self.container.service_name)
        provider.reply(message, Outcome(error=InvalidRequest(faults=[{"path": "", "message": "must be JSON"}])))


class Requests(RpcConsumer):
    """Takes requests from ``rpc-<service>`` and sends the answers."""

    queue_consumer = RequestQueue()
    queue: Any

    def __init__(self) -> None:
        super().__init__()
        self._methods: dict[str, Entrypoint] = {}
        self._tokens: Tokens | None = None
        self._limiter: Limiter | None = None

    def check_pace(self, caller: Caller) -> None:
        """Raise `Unavailable` if somebody calls too often. The systems of the suite are not held up by this."""
        most = self.container.config.get("KUNDVAL_CALLER_A_MINUTE")
        if caller.role is CallerRole.SYSTEM or most is None:
            return
        if self._limiter is None:
            self._limiter = Limiter(most)
        who = (caller.tenant, caller.role.value, caller.organisation, caller.subject)
        if self._limiter.wait(repr(who).encode()):
            raise Unavailable("There were too many calls in a minute.", code="TOO_MANY_REQUESTS")

    @property
    def tokens(self) -> Tokens:
        if self._tokens is None:
            self._tokens = Tokens.of(self.container.config)
        return self._tokens

    def setup(self) -> None:
        if self.queue is None:
            service = self.container.service_name
            kind = self.container.config.get("KUNDVAL_RPC_QUEUES") or CLASSIC
            self.queue = Queue(
                requests_queue(service, kind),
                exchange=get_rpc_exchange(self.container.config),
                routing_key=f"{service}.*",
                durable=True,
                queue_arguments=_SHAPES[kind],
            )
            self.queue_consumer.former = requests_queue(service, QUORUM if kind == CLASSIC else CLASSIC)
            self.queue_consumer.register_provider(self)
            self._registered = True
            self.queue_consumer.replies = Replies(self.container.config["AMQP_URI"], service, self._replied)

    def register_provider(self, provider: Entrypoint) -> None:
        super().register_provider(provider)
        self._methods[provider.name] = provider

    def handle_message(self, body: Any, message: Any) -> None:
        routing_key = message.delivery_info["routing_key"]
        entrypoint = self._methods.get(routing_key)
        if entrypoint is None:
            # the name comes from outside: not into the log
            self.reply(message, Outcome(error=UnknownMethod(f"There is no method {routing_key[:100]}.")))
            return
        if not _well_formed(body):
            fault = {"path": "", "message": 'must be {"args": [], "kwargs": {…}}'}
            self.reply(message, Outcome(error=InvalidRequest(faults=[fault])))
            return
        if len(message.body or b"") > LARGEST:
            too_large = InvalidRequest("The request is too large: send it in parts.", code="REQUEST_TOO_LARGE")
            self.reply(message, Outcome(error=too_large))
            return
        if deeper(body["kwargs"]):
            fault = {"path": "", "message": "is nested too deeply"}
            self.reply(message, Outcome(error=InvalidRequest(faults=[fault])))
            return
        entrypoint.handle_message(body, message)

    def reply(self, message: Any, outcome: Outcome) -> None:
        """Send the answer and settle the request, soon: what is ready at the same time goes together."""
        if outcome.silent or not message.properties.get("reply_to"):
            self.queue_consumer.settle([message], done=True)
            return
        try:
            body = outcome.as_json().encode()
        except (TypeError, ValueError) as error:
            body = Outcome(error=_internal("", error)).as_json().encode()
        if len(body) > LARGEST:
            # the broker would close the channel, and other answers would be lost with it
            too_large = InvalidRequest("The answer is too large: ask for a smaller page.", code="ANSWER_TOO_LARGE")
            body = Outcome(error=too_large).as_json().encode()
        self.queue_consumer.replies.send(message, body)

    def _replied(self, messages: list[Any], sent: bool) -> None:
        if not sent:
            # the broker gives them to whoever can answer; a command will get its stored answer
            telemetry.RPC_REPLIES_FAILED.labels(self.container.service_name).inc(len(messages))
        self.queue_consumer.settle(messages, done=sent)


class Entrypoint(Rpc):
    """One method; what `command` and `query` make."""

    rpc_consumer = Requests()

    def __init__(self, name: str, kind: Kind):
        super().__init__(expected_exceptions=(KundvalError,))
        self.name = name
        self.kind = kind

    def setup(self) -> None:
        service = self.container.service_name
        method = METHODS.get(self.name)
        if method is None or method.service != service or method.kind != self.kind:
            raise TypeError(f"{self.name} is not a {self.kind} of {service} in kundval_contracts.rpc")
        if method.policy.personal and not hasattr(self.container.service_cls, "witness"):
            raise TypeError(f"{self.name} is about persons, and {service} has no `witness` to enter its calls")
        self.method = method
        super().setup()

    def handle_message(self, body: Any, message: Any) -> None:
        incoming = Incoming(self, body, message)
        try:
            self.container.spawn_worker(
                self, (incoming,), {}, context_data={}, handle_result=partial(self.handle_result, message)
            )
        except ContainerBeingKilled:
            self.rpc_consumer.queue_consumer.settle([message], done=False)

    def handle_result(self, message: Any, worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        if exc_info is not None:
            # carry_out lets nothing out: a dependency failed
            result = Outcome(error=_internal(self.name, exc_info[1]))
        self.rpc_consumer.reply(message, result)
        return result, exc_info

    def carry_out(self, service: Any, function: Callable[..., Any], incoming: Incoming) -> Outcome:
        """Take a request through all the steps; never raises an `Exception`."""
        headers = incoming.headers
        method = self.method
        caller: Caller | None = None
        replayed = False
        started = time.perf_counter()
        trace = headers.get("traceparent") if context.valid_traceparent(headers.get("traceparent")) else None
        with (
            traces.work(self.name, "SERVER", trace, rpc_method=self.name) as piece,
            context.working(
                correlation=_opaque(headers.get("correlation_id")), trace=trace, at=piece.traceparent
            ),
            access.watching() as seen,
        ):
            try:
                if incoming.expired:
                    telemetry.RPC_EXPIRED.labels(method.service).inc()
                    return Outcome(silent=True)
                caller = self.rpc_consumer.tokens.read(headers.get("auth_token"))
                context.caller.set(caller)
                self.rpc_consumer.check_pace(caller)
                caller.check_role(method)
                if incoming.args:
                    raise InvalidRequest(faults=[{"path": "", "message": "arguments are given by name"}])
                request = method.load(incoming.kwargs)
                caller.check_request(request)
                caller.check_purpose(method)
                if method.kind == "query":
                    answer = self._read(service, function, request, caller)
                    if method.policy.personal:
                        self._enter(service, self._access(caller, seen, incoming.kwargs, answer))
                else:
                    key = idempotency.check_key(headers.get("idempotency_key"))
                    answer, replayed = self._write(service, function, request, caller, key, incoming.kwargs, seen)
                    if replayed and method.policy.personal:
                        self._enter(service, self._access(caller, seen, incoming.kwargs, answer))
                outcome = Outcome(answer)
            except KundvalError as error:
                outcome = Outcome(error=self._refused(service, caller, seen, incoming.kwargs, error))
            except Exception as error:
                outcome = Outcome(error=_translated(self.name, error))
            seconds = time.perf_counter() - started
            self._note(outcome, replayed, seconds, caller, incoming.kwargs, piece)
        return outcome

    def _read(self, service: Any, function: Callable[..., Any], request: dict[str, Any], caller: Caller) -> Any:
        pool: Pool = service.db
        try:
            with pool.tx(readonly=True) as tx:
                answer = function(service, tx, request, caller)
        except psycopg.Error as error:
            if not is_contention(error):
                raise
            # what only reads loses against migrations alone
            with pool.tx(readonly=True) as tx:
                answer = function(service, tx, request, caller)
        return checked(self.method, answer, caller)

    def _write(
        self,
        service: Any,
        function: Callable[..., Any],
        request: dict[str, Any],
        caller: Caller,
        key: str,
        wire: Mapping[str, Any],
        seen: access.Seen,
    ) -> tuple[Any, bool]:
        pool: Pool = service.db
        personal = self.method.policy.personal

        def effect(tx: Tx) -> Any:
            answer = checked(self.method, function(service, tx, request, caller), caller)
            if personal:
                # with the effect or not at all; and last, so that the log waits for nobody's work
                with _entering(self.name):
                    service.witness.enter(tx, self._access(caller, seen, wire, answer))
            return answer

        request_hash = idempotency.fingerprint(wire, caller)
        if personal:
            request_hash = service.witness.fingerprint(request_hash)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return idempotency.once(
                    pool, self.name, key, request_hash, effect, self.method.shown_once, wire.get("tenant")
                )
            except psycopg.Error as error:
                if not is_contention(error) or attempt == ATTEMPTS:
                    raise
                eventlet.sleep(0.02 * attempt)
        raise AssertionError("unreachable")

    def _access(
        self, caller: Caller, seen: access.Seen, wire: Mapping[str, Any], *answers: Any, refused: bool = False
    ) -> access.Access:
        outcome = AccessOutcome.MASKED if seen.masked else AccessOutcome.SHOWN
        return access.Access(
            tenant=wire["tenant"],
            actor=caller.subject,
            role=caller.role.value,
            organisation=caller.organisation,
            purpose=caller.purpose,
            method=self.name,
            subjects=tuple(sorted(seen.subjects | access.subjects_of(wire, *answers))),
            outcome=AccessOutcome.REFUSED if refused else outcome,
        )

    def _enter(self, service: Any, entry: access.Access) -> None:
        """Enter a call in a transaction of its own. Raises `Unavailable` if that cannot be."""
        with _entering(self.name), service.db.tx() as tx:
            service.witness.enter(tx, entry)

    def _refused(
        self, service: Any, caller: Caller | None, seen: access.Seen, wire: Mapping[str, Any], error: KundvalError
    ) -> KundvalError:
        """The error to send: who asks about a person in vain, or without a right, is entered too."""
        tenant = wire.get("tenant")
        if (
            not self.method.policy.personal
            or caller is None
            or not isinstance(error, Forbidden | NotFound)
            or _opaque(tenant) is None
        ):
            return error
        try:
            self._enter(service, self._access(caller, seen, wire, refused=True))
        except KundvalError as failure:
            return failure
        return error

    def _note(
        self,
        outcome: Outcome,
        replayed: bool,
        seconds: float,
        caller: Caller | None,
        wire: Mapping[str, Any],
        piece: traces.Piece,
    ) -> None:
        error = outcome.error
        what = error.kind.lower() if error else "replayed" if replayed else "ok"
        telemetry.RPC_SECONDS.labels(self.name, what).observe(seconds)
        piece.note(kundval_outcome=what, kundval_role=caller.role.value if caller else None)
        if error is not None:
            piece.note(kundval_code=error.code)
            if error.kind in (InternalError.kind, Unavailable.kind):
                piece.fail(error.code)
        fields: dict[str, Any] = {
            "service": self.method.service,
            "method": self.name,
            "outcome": what,
            "ms": round(seconds * 1000, 1),
        }
        if error is not None:
            fields["code"] = error.code
            if error.error_id:
                fields["error_id"] = error.error_id
        if caller is not None:
            # who read or changed what, and why: the audit trail of personal data
            fields.update(
                role=caller.role.value,
                organisation=caller.organisation,
                subject=caller.subject,
                purpose=caller.purpose,
            )
        for key in ("tenant", "assignment"):
            if (value := _opaque(wire.get(key))) is not None and not access.is_number(value):
                fields[key] = value
        log.info("rpc", **fields)


@contextmanager
def _entering(method: str) -> Iterator[None]:
    """Nobody is told anything about a person that could not be entered."""
    try:
        yield
    except Exception as error:
        if is_contention(error):
            raise
        log.error("access_not_entered", method=method, exc_info=error)
        message = "The access log cannot be written at present."
        raise Unavailable(message, code="ACCESS_LOG_UNAVAILABLE") from error


class Replies:
    """Sends answers on one connection that is kept open. `settled(requests, sent)` is told what became of them."""

    def __init__(self, amqp_uri: str, service: str, settled: Callable[[list[Any], bool], None]):
        self._uri = amqp_uri
        self._service = service
        self._settled = settled
        self._waiting: list[tuple[Any, bytes]] = []
        self._sending = False
        self._connection: Any = None
        self._channel: Any = None

    def send(self, request: Any, body: bytes) -> None:
        """Send `body` as the answer to the message `request`; does not wait."""
        self._waiting.append((request, body))
        if not self._sending:
            self._sending = True
            eventlet.spawn_n(self._send_waiting)

    def close(self) -> None:
        """Close the connection; answers that wait are not sent."""
        self._drop(self._connection)

    def _send_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                self._settled([request for request, _ in batch], self._send(batch))
        finally:
            self._sending = False

    def _send(self, batch: list[tuple[Any, bytes]]) -> bool:
        """Whether the answers were handed to the broker. Tries for some seconds, connecting anew."""
        failure: BaseException | None = None
        for pause in _REPLY_PAUSES:
            if pause:
                eventlet.sleep(pause)
            try:
                if self._connection is None:
                    self._connect()
                with self._connection.cork:
                    for request, body in batch:
                        self._write(request, body)
                return True
            except _BROKEN as error:
                failure = error
                self._drop(self._connection)
        log.warning("rpc_reply_failed", service=self._service, error=type(failure).__name__, count=len(batch))
        return False

    def _write(self, request: Any, body: bytes) -> None:
        reply_to = request.properties["reply_to"]
        correlation_id = request.properties.get("correlation_id")
        message = amqp.Message(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=1,
            **({"correlation_id": correlation_id} if correlation_id else {}),
        )
        # direct reply-to belongs to the default exchange; nameko's own callers bind a queue to nameko-rpc
        exchange = "" if reply_to.startswith("amq.rabbitmq.reply-to.") else RPC_EXCHANGE
        # not basic_publish: it polls the socket before each message
        self._channel.send_method(amqp.spec.Basic.Publish, "Bssbb", (0, exchange, reply_to, False, False), message)

    def _connect(self) -> None:
        connection = establish(
            broker(
                self._uri,
                heartbeat=30,
                connect_timeout=5,
                transport_options={
                    "frame_writer": thrifty,
                    "client_properties": {"connection_name": f"kundval-{self._service} replies"},
                },
            )
        )
        try:
            channel = connection.channel()
            # so that a reply is not lost only because no caller has made the exchange yet
            channel.exchange_declare(RPC_EXCHANGE, "topic", durable=True, auto_delete=False)
            connection.sock.settimeout(_REPLY_TIMEOUT)
        except BaseException:
            self._drop(connection)
            raise
        self._connection, self._channel = connection, channel
        eventlet.spawn_n(self._watch, connection)

    def _watch(self, connection: Any) -> None:
        """Notice a close or a silence of the broker, and keep up the heartbeat."""
        try:
            while self._connection is connection:
                try:
                    if not read_ahead(connection):
                        trampoline(connection.sock, read=True, timeout=5, timeout_exc=TimeoutError)
                    connection.drain_events(timeout=_REPLY_TIMEOUT)
                except TimeoutError:
                    pass
                connection.heartbeat_tick()
        except _BROKEN:
            pass
        finally:
            self._drop(connection)

    def _drop(self, connection: Any) -> None:
        if connection is None:
            return
        if self._connection is connection:
            self._connection = self._channel = None
        with suppress(Exception):
            connection.collect()


class Remote(DependencyProvider):
    """Calls another service from within one: ``remote = Remote()`` and ``self.remote("billing.lines", tenant=…)``.

    Calls as SYSTEM, with a timeout, and with the correlation and trace of the work in hand. `purpose` says what a call
    is for, as it is to stand in the access log.
    """

    def __init__(self, timeout: float = TIMEOUT):
        self.timeout = timeout
        self._client: Client | None = None
        self._tokens: Tokens | None = None

    def setup(self) -> None:
        self._tokens = Tokens.of(self.container.config)
        self._client = Client(
            self.container.config["AMQP_URI"], timeout=self.timeout, name=f"kundval-{self.container.service_name}"
        )

    def stop(self) -> None:
        if self._client is not None:
            self._client.close()

    def get_dependency(self, worker_ctx: Any) -> Any:
        return self.call

    def call(
        self,
        method: str,
        /,
        *,
        timeout: float | None = None,
        key: str | None = None,
        purpose: str = "service",
        **fields: Any,
    ) -> Any:
        """The answer of a method of another service. Raises the typed errors of `kundval_contracts.errors`."""
        assert self._client is not None and self._tokens is not None
        service = self.container.service_name
        with traces.part(f"call {method}", "CLIENT", rpc_method=method) as piece, _measured(service, method):
            return self._client.call(
                method,
                timeout=timeout,
                idempotency_key=key,
                correlation_id=context.correlation_id.get(),
                traceparent=piece.traceparent or context.child_traceparent(),
                token=partial(self._tokens.mint, CallerRole.SYSTEM, subject=service, purpose=purpose),
                **fields,
            )


@contextmanager
def _measured(service: str, method: str) -> Iterator[None]:
    """Count a call of another service, as its caller sees it."""
    started = time.perf_counter()
    outcome = "failed"
    try:
        yield
        outcome = "ok"
    except KundvalError as error:
        outcome = error.kind.lower()
        raise
    finally:
        telemetry.REMOTE_SECONDS.labels(service, method, outcome).observe(time.perf_counter() - started)


def checked(method: Method, answer: Any, caller: Caller | None = None) -> Any:
    """`answer` in JSON types, held against the method's schema; raises `BrokenAnswer`."""
    check = _CHECKS.get(method.name)
    if check is None:
        check = _CHECKS[method.name] = fits(method.answer)
    wire = answer
    # most answers are in JSON types already
    if not check(wire) and not check(wire := primitives(answer)):
        try:
            method.answer.load(wire)
        except ValidationError as error:
            raise BrokenAnswer(method.name, [fault["path"] for fault in faults_of(error.messages)]) from None
    if caller is not None and caller.provider is not None:
        _own_only(method, wire, caller.provider)
    return wire


_CHECKS: dict[str, Check] = {}


class BrokenAnswer(RuntimeError):
    """A method's answer breaks its schema, or shows a provider another's rows. `paths` say where."""

    def __init__(self, method: str, paths: list[str]):
        self.paths = paths
        super().__init__(f"the answer of {method} is wrong at {', '.join(paths[:20])}")


def primitives(value: Any) -> Any:
    """JSON types: dates and instants ISO, `Decimal` a string with two decimals, enums their value."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(primitives(key)): primitives(inner) for key, inner in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:.2f}" if value == value.quantize(Decimal("0.01")) else str(value)
    if isinstance(value, Iterable):
        return [primitives(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _own_only(method: Method, wire: Any, provider: str) -> None:
    """The last fence: whatever a method does, a provider is not shown a row that names another provider."""
    for name, rows in wire.items():
        if not isinstance(rows, list):
            continue
        for index, row in enumerate(rows):
            if isinstance(row, Mapping) and row.get("provider") not in (None, provider):
                raise BrokenAnswer(method.name, [f"{name}[{index}].provider"])


def _well_formed(body: Any) -> bool:
    return (
        isinstance(body, Mapping)
        and isinstance(body.get("args"), list | tuple)
        and isinstance(body.get("kwargs"), Mapping)
    )


_OPAQUE = re.compile(r"[\w.:@/+-]{1,200}")


def _opaque(value: Any) -> str | None:
    """`value` if it can be an id, else None: headers come from outside and go into logs and events."""
    return value if isinstance(value, str) and _OPAQUE.fullmatch(value) else None


def _translated(method: str, error: Exception) -> KundvalError:
    if isinstance(error, psycopg.Error):
        if is_outage(error):
            log.warning("rpc_database_unreachable", method=method, exc_info=error)
            return Unavailable("The service's database cannot be reached at present.", code="DATABASE_UNREACHABLE")
        if is_contention(error):
            return Unavailable("Others are changing the same at this moment.", code="BUSY")
    return _internal(method, error)


def _internal(method: str, error: BaseException) -> InternalError:
    failure = InternalError()
    log.error(
        "rpc_failed",
        method=method,
        error_id=failure.error_id,
        paths=getattr(error, "paths", None),
        exc_info=error,
    )
    return failure
