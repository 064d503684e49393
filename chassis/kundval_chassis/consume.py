"""Events in: `@consumes("assignment")` on a service method.

    @consumes("assignment", "scheduling")
    def on_events(self, tx, events): ...

One quorum queue per service, `<service>.events-in`, gets every event of the named services; with `only_needed` those
named in `needs` alone (a replay sends all the same, and what is not needed is passed over; what is named later comes
from then on). Up to `batch` messages are handled in one transaction `tx`: their ids go into the inbox, the method gets
the events that were not there yet, the transaction commits, and only then are the messages acknowledged. So whatever
is killed, every event has its effect once.

If the method raises, the transaction is rolled back and the batch is halved until the culprits stand alone,
each event then in a transaction of its own. A failing event waits in `<queue>.retry.<ms>`, longer each time,
and is parked in `<queue>.parked` after the last attempt, with the error's type and code in its headers but
never its text, which may quote data. What is no event, of an unknown type or of a newer version is parked at
once. A database or broker that is away is nobody's failed attempt: the consumer waits with the messages in
its hand.

Events are handed over in the order of the queue; one that had to be retried comes later than its successors. One
process of a service reads the queue, all of them share the work: see `helper`, and `turns` for how the events of a
tenant stay in order.

Of an event about a protected person a service of the suite gets the whole and the masked copy that is meant for
others. The copy is passed over as if it had not come. The subject is remembered as restricted, so that what this
service publishes about it is restricted too.
"""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePath
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import eventlet
import psycopg
import structlog
from marshmallow import EXCLUDE, ValidationError
from nameko.containers import WorkerContext
from nameko.extensions import Entrypoint

from kundval_contracts import versions
from kundval_contracts.envelope import BadEvent, Event, exchange_of, restricted_exchange_of

from . import context, db, inbox, outbox, telemetry, traces, turns
from .amqp import (
    BROKER_ERRORS,
    RETRY_DELAYS,
    Link,
    Outgoing,
    PreconditionFailed,
    Stopped,
    declare_consumer,
    may_know_places,
    parked_queue,
    queue_of,
    retry_queue,
    trouble_with,
    user_of,
)
from .fits import fits
from .outbox import received_types
from .relay import Pause, request_replay

if TYPE_CHECKING:
    import amqp

    from .helper import Helper

log = structlog.get_logger("kundval.consume")

# headers of a message that failed; the first ones are read again at the next attempt
ATTEMPTS = "x-kundval-attempts"
FIRST_FAILED = "x-kundval-first-failed-at"
QUEUE = "x-kundval-queue"
REASON = "x-kundval-reason"
ERROR = "x-kundval-error"
CODE = "x-kundval-code"
RULES = "x-kundval-rules"
FIELD = "x-kundval-field"
PARKED_AT = "x-kundval-parked-at"

Handler = Callable[["db.Tx", list[Event]], None]


class Waits(Protocol):
    """What has to be kept content while something is waited for: the connection to the broker."""

    def tick(self, timeout: float = 0) -> bool:
        """Wait at most so many seconds."""


class UnknownEvent(BadEvent):
    """An event of a type that this version of the suite does not know."""


class UnknownSender(BadEvent):
    """An event that another than its service has put into the queue."""


class InvalidData(BadEvent):
    """The data of an event does not fit the schema of its type."""


@dataclass(slots=True)
class Delivery:
    """A message as it came from the queue, or from its `place` in the table of events that wait.

    exchange: to which it was published. sender: the user that published it, if it said so; the broker vouches for both.
    """

    tag: int
    body: bytes
    message_id: str
    headers: Mapping[str, Any]
    content_type: str
    event: Event | None = None
    place: int | None = None
    exchange: str = ""
    sender: str = ""

    @property
    def attempts(self) -> int:
        """Failed attempts so far."""
        value = self.headers.get(ATTEMPTS, 0)
        return value if isinstance(value, int) else 0


@dataclass(slots=True)
class Failure:
    """A delivery that could not be handled, and why."""

    delivery: Delivery
    error: BaseException
    reason: str  # FAILED, or why it is parked at once


class Consumer:
    """Takes events from one queue, a batch at a time. `run` it in a thread or green thread of its own until
    `stop`.

    `handle(tx, events)` is called for the new ones of each batch. Knows nothing of nameko.
    """

    def __init__(
        self,
        *,
        service: str,
        sources: Sequence[str],
        pool: db.Pool,
        amqp_uri: str,
        handle: Handler,
        queue: str | None = None,
        batch: int = 200,
        linger: float = 0.002,
        delays: Sequence[int] = RETRY_DELAYS,
        needs: Collection[str] | None = None,
        only_needed: bool = False,
        types: Mapping[str, Any] | None = None,
        senders_checked: bool = False,
    ):
        self.service = service
        self.queue = queue or queue_of(service)
        self._senders_checked = senders_checked
        #: whoever may put any event into the queue: this service tries one again, an operator one that was parked
        self._trusted = frozenset({user_of(service), user_of("operator")})
        self._sees_all = may_know_places(self.queue)
        self._sources = tuple(sources)
        self._pool = pool
        self._amqp_uri = amqp_uri
        self._handler = handle
        self._batch = batch
        self._linger = linger
        self._delays = tuple(delays)
        self._needs = None if needs is None else frozenset(needs)
        self._bound = versions.routing_keys(self._needs) if only_needed and self._needs is not None else None
        self._types = received_types() if types is None else types
        self._stop = threading.Event()
        self._buffer: list[Delivery] = []
        self._publisher: Link | None = None
        #: who shares the work, with other processes and between tenants; None: all is handled here, in order
        self.helper: Helper | None = None
        #: why nothing is handled at present; None while all is well
        self.trouble: str | None = "not started"

    def stop(self) -> None:
        """Ask it to end: the batch in hand is finished, the rest goes back to the queue."""
        self._stop.set()

    def run(self) -> None:
        """Handle events until stopped. Waits out a missing broker or database; raises only for a fault in the
        program or a queue that exists in another shape.
        """
        pause = Pause()
        try:
            while not self._stop.is_set():
                try:
                    self._session(pause)
                except Stopped:
                    break
                except PreconditionFailed:
                    raise
                except BROKER_ERRORS as error:
                    self._interrupted("broker", error)
                    self._stop.wait(pause.next())
        finally:
            self.trouble = "stopped"
            self._drop_publisher()

    # --- taking ----------------------------------------------------------------------------------

    def _session(self, pause: Pause) -> None:
        """From connecting to the loss of the connection or the stop."""
        self._buffer = []
        with Link(self._amqp_uri, name=f"kundval {self.service} events") as link:
            try:
                self._subscribe(link)
                # the broker sends the next batch while this one is handled
                link.channel.basic_qos(0, self._batch * 2, False)
                link.channel.auto_decode = False
                link.channel.basic_consume(self.queue, callback=self._on_message, on_cancel=_cancelled)
                if self.trouble is not None:
                    log.info("consumer_connected", service=self.service, queue=self.queue)
                self.trouble = None
                pause.reset()
                while not self._stop.is_set():
                    if self.helper is not None and self.helper.full:
                        link.tick(0.2)
                        continue
                    self._collect(link)
                    batch, self._buffer = self._buffer[: self._batch], self._buffer[self._batch :]
                    if batch:
                        self._work(link, batch)
                link.settle()
            except BROKER_ERRORS:
                link.drop()
                raise

    def _subscribe(self, link: Link) -> None:
        """Declare the queues, and ask each source for all its events if this queue has not got them: it is new, or it
        was lost. The inbox knows what has been handled, so only what is missing takes effect. A queue from before there
        were restricted events has not got those that were published meanwhile: it asks for them.
        """
        if link.depth(self.queue) is None:
            self._with_database(link, lambda tx: tx.execute("DELETE FROM subscription"))
        # before asking: what is published after the answer must find the binding
        declare_consumer(link.channel, self.queue, self._sources, self._delays, self._bound)
        rows = self._with_database(link, lambda tx: tx.query("SELECT source, restricted FROM subscription"))
        asked = {row["source"]: row["restricted"] or not self._sees_all for row in rows}
        for source in sorted(set(self._sources) - {source for source, all_of_it in asked.items() if all_of_it}):
            request_replay(amqp_uri=self._amqp_uri, source=source, queue=self.queue, restricted=source in asked)
            self._with_database(link, partial(_asked, source=source, restricted=self._sees_all))
            log.info("history_requested", service=self.service, source=source)

    def _with_database(self, link: Link, work: Callable[[db.Tx], Any]) -> Any:
        """The outcome of `work` in a transaction, waiting for the database if need be."""
        pause = Pause(0.1, 5.0)
        while True:
            try:
                with self._pool.tx() as tx:
                    return work(tx)
            except psycopg.Error as error:
                if not db.is_outage(error):
                    raise
                self._interrupted("database", error)
                self._await_database(link, pause)

    def _on_message(self, message: amqp.Message) -> None:
        properties = message.properties
        self._buffer.append(
            Delivery(
                tag=message.delivery_info["delivery_tag"],
                body=message.body if isinstance(message.body, bytes) else bytes(message.body, "utf-8"),
                message_id=properties.get("message_id") or "",
                headers=properties.get("application_headers") or {},
                content_type=properties.get("content_type") or "",
                exchange=message.delivery_info["exchange"],
                sender=properties.get("user_id") or "",
            )
        )

    def _collect(self, link: Link) -> None:
        """Take what is there: wait for a first message, then only a moment for more."""
        if not self._buffer:
            link.tick(0.2)
        drain = link.connection.drain_events
        deadline = monotonic() + self._linger
        while self._buffer and len(self._buffer) < self._batch and not self._stop.is_set():
            left = deadline - monotonic()
            try:
                drain(timeout=left if left > 0 else 0)
            except TimeoutError:
                break
        link.beat()

    # --- handling --------------------------------------------------------------------------------

    def _work(self, link: Link, batch: list[Delivery]) -> None:
        """Handle a batch and acknowledge it; raises one of `BROKER_ERRORS` if the broker was lost, then the
        broker delivers again what was not acknowledged.
        """
        readable: list[Delivery] = []
        failures: list[Failure] = []
        for delivery in [] if self._shared(link, batch, failures) else batch:
            try:
                delivery.event = self._read(delivery)
                if delivery.event is not None:
                    readable.append(delivery)
            except BadEvent as error:
                failures.append(Failure(delivery, error, why(error)))
        began = monotonic()
        with telemetry.EVENT_BATCH_SECONDS.labels(self.service).time():
            failures += self._handle(link, readable)
        self._count(readable, monotonic() - began)
        if failures:
            self._set_aside(link, failures)
        link.channel.basic_ack(batch[-1].tag, multiple=True)

    def _shared(self, link: Link, batch: list[Delivery], failures: list[Failure]) -> bool:
        """Lay a batch out for all who help, if it is a full one and that is of use: if others help, or several tenants
        would wait for each other. What is no event goes to the `failures`. False: it is to be handled here.
        """
        if self.helper is None or len(batch) < self._batch:
            return False
        found: list[tuple[str, Delivery]] = []
        unreadable: list[Failure] = []
        for delivery in batch:
            try:
                found.append((self._event(delivery).tenant, delivery))
            except BadEvent as error:
                unreadable.append(Failure(delivery, error, why(error)))
        if not self.helper.others and len({tenant for tenant, _ in found}) < 2:
            return False
        self._with_database(link, lambda tx: turns.lay_out(tx, found))
        self._recovered()
        failures += unreadable
        return True

    def _count(self, deliveries: Iterable[Delivery], seconds: float) -> None:
        """How long a batch took, shared among its events."""
        names = Counter(delivery.event.name for delivery in deliveries if delivery.event)
        each = seconds / max(1, names.total())
        for name, count in names.items():
            measured = telemetry.EVENT_SECONDS.labels(self.service, name)
            for _ in range(count):
                measured.observe(each)

    def _event(self, delivery: Delivery) -> Event:
        """The event in a message. Raises BadEvent, and UnknownSender if it may be another's than its service's: where
        each has a user of its own, only the service publishes to its exchanges, but many to the default exchange.
        """
        event = Event.from_json(delivery.body)
        if self._senders_checked and delivery.place is None and delivery.sender not in self._trusted:
            ways = exchange_of(event.service), restricted_exchange_of(event.service)
            if delivery.exchange not in ways and delivery.sender != user_of(event.service):
                raise UnknownSender("source", "is not the user that sent it")
        return event

    def _read(self, delivery: Delivery) -> Event | None:
        """The event in a message, in the version that is known here; None for a masked copy where the whole event comes
        too, and for a version beside a better one. Raises BadEvent (not one of ours), UnknownEvent, NewerVersion or
        InvalidData.
        """
        event = self._event(delivery)
        if event.masked and self._sees_all:
            telemetry.EVENTS_MASKED.labels(self.service, event.service).inc()
            return None
        kind = self._types.get(event.name)
        if kind is None:
            raise UnknownEvent("type", "is unknown")
        try:
            suitable = versions.read(event, kind.version)
        except versions.NewerVersion:
            raise
        except BadEvent as error:
            raise InvalidData(error.field, error.problem) from None
        if suitable is None:
            return None
        event = suitable
        needed = self._needs is None or event.name in self._needs
        if needed and not fits(kind.schema, event.data, strict=False):
            try:
                kind.schema.load(event.data, unknown=EXCLUDE)
            except ValidationError as error:
                raise InvalidData(
                    f"data.{min(error.messages_dict, key=str, default='')}", "does not fit the schema"
                ) from None
        return event

    def _handle(self, link: Waits, deliveries: list[Delivery]) -> list[Failure]:
        """Handle deliveries in order, as few transactions as possible; those that failed even alone."""
        if not deliveries:
            return []
        try:
            self._transaction(link, deliveries)
            return []
        except _HandlerFailed as failed:
            if len(deliveries) == 1:
                return [Failure(deliveries[0], failed.error, "FAILED")]
        half = len(deliveries) // 2
        return self._handle(link, deliveries[:half]) + self._handle(link, deliveries[half:])

    def _transaction(self, link: Waits, deliveries: list[Delivery]) -> None:
        """One transaction: take the tenants' turns, mark, handle, commit. Raises `_HandlerFailed`, or `Stopped` or one
        of `BROKER_ERRORS` while waiting for the database.
        """
        events = [delivery.event for delivery in deliveries if delivery.event]
        pause = Pause(0.1, 5.0)
        lost = contended = 0
        while True:
            try:
                with traces.handling(self.queue, events) as handling, self._pool.tx() as tx:
                    mine = self._mine(tx, deliveries)
                    fresh = inbox.take(tx, mine)
                    outbox.heed(tx, fresh)
                    wanted = fresh if self._needs is None else [e for e in fresh if e.name in self._needs]
                    if wanted:
                        tx.causes = {(event.tenant, event.subject): handling.cause(event) for event in wanted}
                        with context.working(**_shared(wanted), at=handling.traceparent):
                            self._handler(tx, wanted)
            except Exception as error:
                if db.is_contention(error) and contended < 5:
                    contended += 1
                    continue
                if not db.is_outage(error):
                    raise _HandlerFailed(error) from error
                self._interrupted("database", error)
                self._await_database(link, pause)
                lost += 1
                if lost >= 5:
                    # the database is there, yet this work loses it again and again: the work is to blame
                    raise _HandlerFailed(error) from error
            else:
                break
        self._recovered()
        for source, count in Counter(event.service for event in fresh).items():
            telemetry.EVENTS_HANDLED.labels(self.service, source).inc(count)
        if len(fresh) < len(mine):
            repeated = Counter(event.service for event in mine) - Counter(event.service for event in fresh)
            for source, count in repeated.items():
                telemetry.EVENTS_REPEATED.labels(self.service, source).inc(count)

    def _mine(self, tx: db.Tx, deliveries: list[Delivery]) -> list[Event]:
        """The events that are to be handled now: of tenants whose turn this transaction can have. Of the others, and of
        those of which events wait already, what came from the queue is laid out behind them; what lay in the table
        and has gone has been handled elsewhere.
        """
        events = {id(one): one.event for one in deliveries if one.event is not None}
        turn = turns.claim(tx, (event.tenant for event in events.values()))
        places = [one.place for one in deliveries if one.place is not None and events[id(one)].tenant in turn]
        if places:
            here = turns.take(tx, places)
            return [events[id(one)] for one in deliveries if one.place in here]
        if deliveries and deliveries[0].place is not None:
            return []
        now = turn - turns.behind(tx, turn)
        later = [(events[id(one)].tenant, one) for one in deliveries if events[id(one)].tenant not in now]
        if later:
            turns.lay_out(tx, later)
        return [event for event in events.values() if event.tenant in now]

    def _await_database(self, link: Waits, pause: Pause) -> None:
        """Wait until the database answers, with the messages unacknowledged and the broker kept content."""
        while True:
            until = monotonic() + pause.next()
            while (left := until - monotonic()) > 0:
                if self._stop.is_set():
                    raise Stopped
                link.tick(min(left, 0.25))
            if self._pool.ping():
                return

    # --- failures --------------------------------------------------------------------------------

    def _set_aside(self, link: Waits, failures: Iterable[Failure]) -> None:
        """Send failed deliveries to their retry queue or the parking, confirmed, before they are
        acknowledged.
        """
        outgoing = []
        for failure in failures:
            delivery, error = failure.delivery, failure.error
            attempts = delivery.attempts + 1 if failure.reason == "FAILED" else delivery.attempts
            now = datetime.now(UTC).isoformat(timespec="seconds")
            headers = {key: value for key, value in delivery.headers.items() if key != "x-death"} | {
                QUEUE: self.queue,
                ATTEMPTS: attempts,
                FIRST_FAILED: delivery.headers.get(FIRST_FAILED) or now,
                ERROR: type(error).__name__,
                REASON: failure.reason,
            }
            code, rules = getattr(error, "code", None), getattr(error, "rules", ())
            if isinstance(code, str):
                headers[CODE] = code
            if isinstance(error, BadEvent):
                headers[FIELD] = error.field
            if rules and not callable(rules):
                headers[RULES] = ",".join(map(str, rules))
            again = failure.reason == "FAILED" and attempts <= len(self._delays)
            # a name that no contract knows comes from outside: into no label
            name = delivery.event.name if delivery.event else "none"
            telemetry.EVENT_FAILURES.labels(self.service, name, "retried" if again else "parked").inc()
            facts = {
                "service": self.service,
                "event_name": delivery.event.name if delivery.event else None,
                "event_id": delivery.message_id,
                "error": type(error).__name__,
                "code": headers.get(CODE),
                "attempts": attempts,
            }
            if again:
                target = retry_queue(self.queue, self._delays[attempts - 1])
                telemetry.EVENTS_RETRIED.labels(self.service, str(attempts)).inc()
                log.warning("event_failed", **facts, where=_where(error), again_in_ms=self._delays[attempts - 1])
            else:
                target = parked_queue(self.queue)
                headers[PARKED_AT] = now
                telemetry.EVENTS_PARKED.labels(self.service, failure.reason).inc()
                log.error("event_parked", **facts, where=_where(error), why=failure.reason)
            outgoing.append(
                Outgoing(
                    exchange="",
                    routing_key=target,
                    body=delivery.body,
                    message_id=delivery.message_id,
                    headers=headers,
                    content_type=delivery.content_type,
                )
            )
        try:
            if self._publisher is None:
                # a connection of its own: confirms and deliveries would wait for each other on one
                self._publisher = Link(
                    self._amqp_uri, name=f"kundval {self.service} failures", stopping=self._stop.is_set
                )
            self._publisher.beat()
            if self._publisher.publish(outgoing, meanwhile=link.tick):
                raise ConnectionError("a retry or parking queue is missing")
        except BaseException:
            self._drop_publisher()
            raise

    def _drop_publisher(self) -> None:
        if self._publisher is not None:
            self._publisher.drop()
            self._publisher = None

    def _interrupted(self, what: str, error: BaseException) -> None:
        trouble = trouble_with(error) if what == "broker" else f"{what} is not reachable"
        if self.trouble is None:
            log.warning(
                "consumer_interrupted", service=self.service, missing=what, error=type(error).__name__, why=trouble
            )
        self.trouble = trouble

    def _recovered(self) -> None:
        if self.trouble is not None:
            log.info("consumer_recovered", service=self.service)
            self.trouble = None


class Consumes(Entrypoint):
    """The entrypoint behind `@consumes`. The method is called with `(tx, events)`, dependencies injected."""

    consumer: Consumer
    helper: Helper
    _threads: tuple[Any, ...] = ()

    def __init__(
        self,
        *sources: str,
        needs: Collection[str] | None = None,
        only_needed: bool = False,
        batch: int = 200,
        delays: Sequence[int] = RETRY_DELAYS,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.sources = sources
        self.needs = needs
        self.only_needed = only_needed
        self.batch = batch
        self.delays = delays

    def setup(self) -> None:
        container = self.container
        others = [e for e in container.entrypoints if isinstance(e, Consumes) and e is not self]
        if others:
            raise TypeError(f"{container.service_name} may have one method with @consumes: its inbox is one")
        databases = [d for d in container.dependencies if isinstance(d, db.Database)]
        if not databases:
            raise TypeError(f"{container.service_name} needs a Database for @consumes")
        self._database = databases[0]

    def start(self) -> None:
        from .helper import Helper

        given: dict[str, Any] = {
            "service": self.container.service_name,
            "sources": self.sources,
            "pool": self._database.pool,
            "amqp_uri": self.container.config["AMQP_URI"],
            "handle": self._call,
            "batch": self.batch,
            "needs": self.needs,
            "only_needed": self.only_needed,
            "delays": self.delays,
            "senders_checked": bool(self.container.config.get("KUNDVAL_SENDERS_CHECKED")),
        }
        self.consumer, self.helper = Consumer(**given), Helper(**given)
        self.consumer.helper = self.helper
        spawn = self.container.spawn_managed_thread
        self._threads = (
            spawn(self.consumer.run, identifier="event consumer"),
            spawn(self.helper.run, identifier="event helper"),
        )

    def stop(self) -> None:
        if self._threads:
            self.consumer.stop()
            self.helper.stop()
        for thread in self._threads:
            thread.wait()

    def kill(self) -> None:
        for thread in self._threads:
            thread.kill()

    def _call(self, tx: db.Tx, events: list[Event]) -> None:
        """The worker's life as nameko does it, but here and now: the transaction is ours, errors go to the
        consumer and not, text and all, into nameko's log.
        """
        container = self.container
        worker = WorkerContext(container, container.service_cls(), self, (tx, events), {}, data={})
        container._inject_dependencies(worker)
        container._worker_setup(worker)
        error_info: Any = None
        try:
            getattr(worker.service, self.method_name)(tx, events)
        except Exception as error:
            error_info = (type(error), error, error.__traceback__)
            raise
        except eventlet.Timeout as error:
            # no Exception, so that it would end the service instead of being the failure of an event
            error_info = (type(error), error, error.__traceback__)
            raise TimeoutError from error
        finally:
            container._worker_result(worker, None, error_info)
            container._worker_teardown(worker)


consumes = partial(Consumes.decorator)


class _HandlerFailed(Exception):
    """Carries what a handler raised past the places where broker errors are awaited."""

    def __init__(self, error: BaseException):
        super().__init__()
        self.error = error


def _asked(tx: db.Tx, source: str, restricted: bool) -> None:
    tx.execute(
        "INSERT INTO subscription (source, restricted) VALUES (%s, %s)"
        " ON CONFLICT (source) DO UPDATE SET restricted = excluded.restricted",
        (source, restricted),
    )


def _shared(events: Sequence[Event]) -> dict[str, Any]:
    """Correlation and trace for a batch: those of its events if they have them in common."""
    correlations = {event.correlation_id for event in events}
    return {
        "correlation": correlations.pop() if len(correlations) == 1 else None,
        "trace": events[0].traceparent if len(events) == 1 else None,
    }


def why(error: BadEvent) -> str:
    """The reason under which what is no event of ours is parked."""
    return {
        UnknownEvent: "UNKNOWN_TYPE",
        versions.NewerVersion: "NEWER_VERSION",
        InvalidData: "INVALID_DATA",
        UnknownSender: "UNKNOWN_SENDER",
    }.get(type(error), "NOT_AN_EVENT")


def _where(error: BaseException) -> str | None:
    """Where an error arose, without its text or any value."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else None


def _cancelled(_tag: str) -> None:
    # the queue was deleted under us: connecting again declares it anew
    raise ConnectionError("the broker ended the consumer")
