"""A client for the suite: RPC and events over plain kombu, for any Python program.

It needs neither nameko nor eventlet and patches nothing::

    with Client("amqp://localhost//", token) as client:
        answer = client.call("billing.lines", tenant="nacka", assignment="A-001")
        for event in client.events(["assignment"]):
            print(event.name, event.subject)

**Threads.** A client may be used by any number of threads at once. One thread of its own does all input and
output on one connection; callers hand it their requests and wait, so requests of many threads travel
together. A client must not be carried over a `fork`.

**Time.** Every call has a deadline. The request carries what is left of it as its expiration, so that a
request whose caller has given up dies in the queue. A caller is free again at its deadline, whatever the
broker does.

**Lost connections.** After a lost connection, and when a service answers that its database is away, a call is
sent again until its deadline: a command with the same idempotency key, so that it takes effect once. A
service that nobody has ever started answers at once with `Unavailable` (code ``UNKNOWN_SERVICE``).

**Wire.** nameko's RPC format: topic exchange ``nameko-rpc``, routing key ``service.method``, body
``{"args": [], "kwargs": {…}}``, properties `reply_to` and `correlation_id`; the answer
``{"result": …, "error": …}`` comes to a private queue bound under `reply_to`.
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import select
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from types import TracebackType
from typing import Any, Literal

import amqp
import amqp.spec

from .envelope import BadEvent, Event, exchange_of
from .errors import InvalidRequest, KundvalError, TimedOut, Unavailable, from_nameko
from .events import EVENTS
from .rpc import METHODS
from .versions import read
from .wire import broker, establish, read_ahead, thrifty

RPC_EXCHANGE = "nameko-rpc"
SERVICES = ("assignment", "scheduling", "billing", "notifications")
#: bytes that a request or an answer may have; RabbitMQ 4 refuses messages of more than 16 MiB
LARGEST = 15 * 2**20
#: seconds that a call may take if nothing else is said
TIMEOUT = 30.0

_log = logging.getLogger(__name__)

#: what a broken connection can raise; AttributeError and KeyError are py-amqp's after a close
_BROKEN = (amqp.AMQPError, OSError, AttributeError, KeyError)
_CONNECT_TIMEOUT = 5.0
#: seconds to wait for the rest of what has begun to arrive, before looking after everything else again
_READ_TIMEOUT = 0.05
#: seconds for which a write may stand still before the connection counts as lost
_WRITE_TIMEOUT = 15.0
_HEARTBEAT = 20
_PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0)

Token = str | Callable[[], str] | None


class Call:
    """A call under way; `result` waits for its answer."""

    def __init__(self, method: str, body: bytes, headers: dict[str, Any], token: Token, timeout: float, *, retry: bool):
        self.method = method
        self.id = uuid.uuid4().hex
        self.deadline = time.monotonic() + timeout
        self._body = body
        self._headers = headers
        self._token = token
        self._retry = retry
        self._sent = 0
        self._done = threading.Event()
        self._answer: Any = None
        self._error: BaseException | None = None
        self._told: list[Callable[[], None]] = []

    def done(self) -> bool:
        """Whether there is an answer or an error."""
        return self._done.is_set()

    def when_done(self, tell: Callable[[], None]) -> None:
        """Call `tell` once, when there is an answer or an error: from the client's thread, or at once. It must not
        wait and must not raise.
        """
        self._told.append(tell)
        if self._done.is_set():
            self._tell()

    def give_up(self) -> None:
        """Wait no longer: `result` raises `TimedOut` or `Unavailable`; what was not sent yet never will be."""
        if not self._done.is_set():
            self._give_up()

    def result(self) -> Any:
        """The answer; raises the service's typed error, or `TimedOut` or `Unavailable` at the deadline."""
        # a little longer than the deadline: the sender says more exactly what went wrong
        self._done.wait(max(0.0, self.deadline - time.monotonic()) + 0.1)
        if not self._done.is_set():
            self._give_up()
        if self._error is not None:
            raise self._error
        return self._answer

    def _give_up(self) -> None:
        if self._sent:
            self._fail(TimedOut(f"{self.method} did not answer in time."))
        else:
            self._fail(Unavailable("The broker could not be reached in time.", code="BROKER_UNREACHABLE"))

    def _fail(self, error: BaseException) -> None:
        if not self._done.is_set():
            self._error = error
            self._done.set()
            self._tell()

    def _succeed(self, answer: Any) -> None:
        if not self._done.is_set():
            self._answer = answer
            self._done.set()
            self._tell()

    def _tell(self) -> None:
        # of two threads that are here at once, one takes it
        with suppress(IndexError):
            self._told.pop()()

    def _message(self) -> amqp.Message:
        headers = dict(self._headers)
        token = self._token() if callable(self._token) else self._token
        if token is not None:
            headers["nameko.auth_token"] = token
        left = max(1, int((self.deadline - time.monotonic()) * 1000))
        return amqp.Message(
            self._body,
            content_type="application/json",
            content_encoding="utf-8",
            application_headers=headers,
            correlation_id=self.id,
            delivery_mode=1,
            expiration=str(left),
        )


class Client:
    """Calls methods and follows events. See the module's docstring.

    `token` is a signed token, or a function that returns one and is asked for every request, from any thread.
    `timeout` is for calls that name none, in seconds.
    """

    def __init__(self, amqp_uri: str, token: Token = None, *, timeout: float = TIMEOUT, name: str = "kundval-client"):
        self.amqp_uri = amqp_uri
        self.timeout = timeout
        self._token = token
        self._name = name
        self._lock = threading.Lock()
        self._wire: _Wire | None = None
        self._closed = False

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(
        self,
        method: str,
        /,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        correlation_id: str | None = None,
        traceparent: str | None = None,
        retry: bool = True,
        token: Token = None,
        **fields: Any,
    ) -> Any:
        """Call ``service.method`` with `fields` and return its answer, a JSON object.

        A command gets a fresh idempotency key unless one is given: give one to repeat a command that may have been
        carried out. With ``retry=False`` an `Unavailable` service is not asked again. `token`: for this call alone.
        Raises the typed errors of `kundval_contracts.errors`.
        """
        return self.submit(
            method,
            fields,
            timeout=timeout,
            idempotency_key=idempotency_key,
            correlation_id=correlation_id,
            traceparent=traceparent,
            retry=retry,
            token=token,
        ).result()

    def submit(
        self,
        method: str,
        fields: Mapping[str, Any] | None = None,
        /,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        correlation_id: str | None = None,
        traceparent: str | None = None,
        retry: bool = True,
        token: Token = None,
    ) -> Call:
        """Like `call`, but return at once; the answer is in the `Call`. The request is `fields`."""
        service, dot, function = method.partition(".")
        if not (service and dot and function):
            raise ValueError(f"{method!r} is not SERVICE.METHOD")
        headers: dict[str, Any] = {"nameko.correlation_id": correlation_id or str(uuid.uuid4())}
        if traceparent is not None:
            headers["nameko.traceparent"] = traceparent
        known = METHODS.get(method)
        if idempotency_key is not None or known is None or known.kind == "command":
            headers["nameko.idempotency_key"] = idempotency_key or uuid.uuid4().hex
        request = {"args": [], "kwargs": fields or {}}
        try:
            body = json.dumps(request, default=_primitive, ensure_ascii=False, allow_nan=False).encode()
        except ValueError:
            # NaN, half a surrogate pair, something that contains itself
            raise InvalidRequest(faults=[{"path": "", "message": "has no form in JSON and UTF-8"}]) from None
        if len(body) > LARGEST:
            raise InvalidRequest("The request is too large: send it in parts.", code="REQUEST_TOO_LARGE")
        seconds = self.timeout if timeout is None else timeout
        call = Call(method, body, headers, token or self._token, seconds, retry=retry)
        self._running().send(call)
        return call

    def call_many(
        self,
        requests: Iterable[tuple[str, Mapping[str, Any]]],
        *,
        window: int = 32,
        timeout: float | None = None,
        errors: Literal["raise", "return"] = "raise",
    ) -> Iterator[Any]:
        """Call each ``(method, fields)``, at most `window` under way at once; answers in their order.

        The first error ends it, or with ``errors="return"`` stands in the place of its answer.
        """
        waiting: deque[Call] = deque()

        def next_answer() -> Any:
            try:
                return waiting.popleft().result()
            except KundvalError as error:
                if errors == "raise":
                    raise
                return error

        for method, fields in requests:
            if len(waiting) >= window:
                yield next_answer()
            waiting.append(self.submit(method, fields, timeout=timeout))
        while waiting:
            yield next_answer()

    def rows(self, method: str, /, *, timeout: float | None = None, **fields: Any) -> Iterator[dict[str, Any]]:
        """All rows of a paged query, page by page: ``client.rows("billing.lines", tenant="nacka")``."""
        name = METHODS[method].rows
        if name is None:
            raise ValueError(f"{method} is not paged")
        while True:
            page = self.submit(method, fields, timeout=timeout).result()
            yield from page[name]
            if page["next"] is None:
                return
            fields["after"] = page["next"]

    def events(
        self,
        sources: Iterable[str] = SERVICES,
        *,
        names: str = "#",
        timeout: float | None = None,
        ready: Callable[[], None] | None = None,
        ended: Callable[[], bool] = lambda: False,
    ) -> Iterator[Event]:
        """Follow what the services publish, from now on, for as long as the iterator is used.

        `names` is a topic pattern such as ``assignment.*``. An event that is told in several versions comes once, in
        the highest that this package knows. The iterator ends when nothing came for `timeout`
        seconds. It has a connection and a private queue of its own, goes on after a lost connection (what was
        published meanwhile is not seen), and passes over what is no event. `ready` is called when it listens. `ended`
        is asked every second at least; the iterator ends when it says so.
        """
        return _follow(self.amqp_uri, tuple(sources), names, timeout, ready, ended, f"{self._name}-events")

    def close(self) -> None:
        """End the connection; calls under way fail with `Unavailable`."""
        with self._lock:
            self._closed = True
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.stop()

    def _running(self) -> _Wire:
        with self._lock:
            if self._closed:
                raise RuntimeError("the client is closed")
            if self._wire is None or self._wire.ended:
                self._wire = _Wire(self.amqp_uri, self._name)
            return self._wire


class _Wire:
    """The one thread that talks to the broker. Everything but `send` and `stop` belongs to that thread."""

    def __init__(self, amqp_uri: str, name: str):
        self._uri = amqp_uri
        self._name = name
        self._inbox: deque[Call] = deque()
        self._waker, self._bell = socket.socketpair()
        self._waker.setblocking(False)
        self._bell.setblocking(False)
        self._asleep = False
        self._stopping = False
        self._connection: Any = None
        self._channel: Any = None
        self._reply_to = ""
        self._blocked = False
        self._failures = 0
        self._next_try = 0.0
        self._next_tick = 0.0
        self._pending: dict[str, Call] = {}
        self._unsent: deque[Call] = deque()
        self._deadlines: list[tuple[float, str]] = []
        self._later: list[tuple[float, str]] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the thread has ended, or will."""
        return self._stopping

    def send(self, call: Call) -> None:
        self._inbox.append(call)
        if self._stopping:
            call._fail(Unavailable("The client was closed."))
        if self._asleep:
            self._wake()

    def stop(self) -> None:
        self._stopping = True
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(_CONNECT_TIMEOUT + 1)

    def _wake(self) -> None:
        with suppress(OSError):
            self._waker.send(b"\0")

    # -- the loop

    def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    self._turn()
                except _BROKEN as error:
                    self._lose(error)
        except BaseException as error:  # a fault of ours must not leave callers waiting
            _log.exception("the client's thread ended")
            self._end(error if isinstance(error, Exception) else None)
            raise
        self._end(None)

    def _turn(self) -> None:
        self._take()
        now = time.monotonic()
        self._expire(now)
        if self._connection is None and (self._pending or self._unsent) and now >= self._next_try:
            self._connect()
        if self._connection is not None:
            self._send_all()
            if now >= self._next_tick:
                self._connection.heartbeat_tick()
                self._next_tick = now + 1.0
        self._wait()

    def _take(self) -> None:
        while self._inbox:
            call = self._inbox.popleft()
            self._pending[call.id] = call
            self._unsent.append(call)
            heapq.heappush(self._deadlines, (call.deadline, call.id))

    def _expire(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            call = self._pending.get(heapq.heappop(self._later)[1])
            if call is not None:
                self._unsent.append(call)
        while self._deadlines and self._deadlines[0][0] <= now:
            call = self._pending.pop(heapq.heappop(self._deadlines)[1], None)
            if call is not None:
                call._give_up()

    def _send_all(self) -> None:
        if self._unsent and not self._blocked:
            with self._connection.cork:
                self._write_all()

    def _write_all(self) -> None:
        while self._unsent and not self._blocked:
            call = self._unsent[0]
            if not call.done():
                try:
                    message = call._message()
                except Exception as error:
                    # the caller's function for tokens failed
                    call._fail(error)
                else:
                    message.properties["reply_to"] = self._reply_to
                    # not basic_publish: it would read from the connection on its own account
                    self._channel.send_method(
                        amqp.spec.Basic.Publish, "Bssbb", (0, RPC_EXCHANGE, call.method, True, False), message
                    )
                    call._sent += 1
            self._unsent.popleft()
            if call.done():
                self._pending.pop(call.id, None)

    def _wait(self) -> None:
        """Until something can be read, a caller rings, or the next point in time that matters."""
        now = time.monotonic()
        until = now + 1.0
        if self._connection is None:
            until = self._next_try if self._pending else now + 3600.0
        if self._deadlines:
            until = min(until, self._deadlines[0][0])
        if self._later:
            until = min(until, self._later[0][0])
        reading: list[Any] = [self._bell]
        if self._connection is not None:
            reading.append(self._connection.sock)
        self._asleep = True
        try:
            if self._inbox or self._stopping:
                return
            readable = select.select(reading, [], [], max(0.0, until - now))[0]
        finally:
            self._asleep = False
        if self._bell in readable:
            with suppress(BlockingIOError):
                while self._bell.recv(4096):
                    pass
        if len(readable) > (self._bell in readable):
            self._read()

    def _read(self) -> None:
        while True:
            # a heartbeat is no event: after one, this would wait for the next message, and send nothing meanwhile
            try:
                self._connection.drain_events(timeout=_READ_TIMEOUT)
            except TimeoutError:
                return
            if not read_ahead(self._connection):
                return

    # -- the connection

    def _connect(self) -> None:
        connection = _connect(self._uri, self._name, _HEARTBEAT)
        try:
            connection.on_blocked = self._on_blocked
            connection.on_unblocked = self._on_unblocked
            channel = _calling(connection)
            reply_to = str(uuid.uuid4())
            queue = f"rpc.reply-{self._name}-{reply_to}"
            channel.queue_declare(
                queue, durable=False, exclusive=True, auto_delete=True, arguments={"x-queue-type": "classic"}
            )
            channel.queue_bind(queue, RPC_EXCHANGE, reply_to)
            channel.events["basic_return"].add(self._on_return)
            channel.basic_consume(queue, no_ack=True, callback=self._on_reply)
            connection.sock.settimeout(_WRITE_TIMEOUT)
        except BaseException:
            _drop(connection)
            raise
        self._blocked = False
        self._failures = 0
        self._connection, self._channel, self._reply_to = connection, channel, reply_to
        self._unsent = deque(call for call in self._pending.values() if not call.done())
        self._later.clear()

    def _lose(self, error: BaseException) -> None:
        """Forget the connection; what is under way will be sent again."""
        if self._connection is not None:
            _log.info("lost the connection to the broker (%s)", type(error).__name__)
            _drop(self._connection)
        self._connection = self._channel = None
        self._next_try = time.monotonic() + _PAUSES[min(self._failures, len(_PAUSES) - 1)]
        self._failures += 1

    def _on_blocked(self, reason: str) -> None:
        self._blocked = True

    def _on_unblocked(self) -> None:
        self._blocked = False

    def _on_return(self, error: Any, exchange: str, routing_key: str, message: amqp.Message) -> None:
        call = self._pending.pop(message.properties.get("correlation_id"), None)
        if call is not None:
            service = call.method.partition(".")[0]
            call._fail(Unavailable(f"There is no service {service} on this broker.", code="UNKNOWN_SERVICE"))

    def _on_reply(self, message: amqp.Message) -> None:
        call = self._pending.get(message.properties.get("correlation_id"))
        if call is None:
            return
        try:
            reply = json.loads(message.body)
            error = reply["error"]
            result = reply["result"]
        except (ValueError, TypeError, KeyError):
            call._fail(KundvalError("The answer is no nameko RPC reply.", code="BAD_REPLY"))
        else:
            if error is None:
                call._succeed(result)
            else:
                failure = from_nameko(error)
                if isinstance(failure, Unavailable) and self._again(call):
                    return
                call._fail(failure)
        self._pending.pop(call.id, None)

    def _again(self, call: Call) -> bool:
        """Plan to send `call` once more, if it may be and there is time."""
        at = time.monotonic() + _PAUSES[min(call._sent, len(_PAUSES)) - 1]
        if not call._retry or at >= call.deadline:
            return False
        heapq.heappush(self._later, (at, call.id))
        return True

    def _end(self, error: Exception | None) -> None:
        self._stopping = True
        self._take()
        for call in self._pending.values():
            call._fail(error or Unavailable("The client was closed."))
        self._pending.clear()
        if self._connection is not None:
            _drop(self._connection)
            self._connection = None
        self._waker.close()
        self._bell.close()


def _connect(uri: str, name: str, heartbeat: int) -> Any:
    """A py-amqp connection, to the first broker of `uri` (separated by ``;``) that answers."""
    return establish(
        broker(
            uri,
            heartbeat=heartbeat,
            connect_timeout=_CONNECT_TIMEOUT,
            transport_options={
                "frame_writer": thrifty,
                "client_properties": {"connection_name": f"{name} {os.getpid()}"},
            },
        )
    )


def _calling(connection: Any) -> Any:
    """A channel for calls."""
    return _with_exchange(connection, connection.channel(), RPC_EXCHANGE)


def _with_exchange(connection: Any, channel: Any, exchange: str) -> Any:
    """The channel, or another if the broker has closed it. The exchange is declared only if it is not there: who merely
    calls or listens need not have the right to.
    """
    try:
        channel.exchange_declare(exchange, "topic", passive=True)
    except amqp.NotFound:
        # the broker has closed the channel with its answer
        channel = connection.channel()
        channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    return channel


def _drop(connection: Any) -> None:
    """Close the socket without asking the broker: it may not be listening."""
    with suppress(Exception):
        connection.collect()


def _follow(
    uri: str,
    sources: tuple[str, ...],
    names: str,
    timeout: float | None,
    ready: Callable[[], None] | None,
    ended: Callable[[], bool],
    name: str,
) -> Iterator[Event]:
    arrived: deque[Event] = deque()

    def take(message: amqp.Message) -> None:
        try:
            event: Event | None = Event.from_json(message.body)
            if event is not None and event.name in EVENTS:
                event = read(event, EVENTS[event.name].version)
            if event is not None:
                arrived.append(event)
        except BadEvent as error:
            _log.warning("passed over what is no event (%s)", error)

    failures = 0
    last = time.monotonic()
    connection: Any = None
    try:
        while not ended():
            try:
                if connection is None:
                    connection = _connect(uri, name, _HEARTBEAT)
                    channel = connection.channel()
                    for exchange in map(exchange_of, sources):
                        channel = _with_exchange(connection, channel, exchange)
                    queue = channel.queue_declare(
                        "", exclusive=True, auto_delete=True, arguments={"x-queue-type": "classic"}
                    ).queue
                    for exchange in map(exchange_of, sources):
                        channel.queue_bind(queue, exchange, names)
                        # later versions have a word more in their key
                        channel.queue_bind(queue, exchange, f"{names}.*")
                    channel.basic_consume(queue, no_ack=True, callback=take)
                    failures = 0
                    if ready is not None:
                        ready()
                while arrived:
                    yield arrived.popleft()
                    last = time.monotonic()
                pause = 1.0 if timeout is None else min(1.0, last + timeout - time.monotonic())
                if pause <= 0:
                    return
                with suppress(TimeoutError):
                    connection.drain_events(timeout=pause)
                connection.heartbeat_tick()
            except _BROKEN as error:
                _log.info("lost the connection to the broker (%s)", type(error).__name__)
                if connection is not None:
                    _drop(connection)
                connection = None
                if timeout is not None and time.monotonic() >= last + timeout:
                    return
                time.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
    finally:
        if connection is not None:
            _drop(connection)


def _primitive(value: Any) -> str:
    """Dates and amounts in requests as the wire has them."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no JSON form")
