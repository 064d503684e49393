"""What the tests of the event path share: a database that is migrated, events to publish, threads that end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from kundval_chassis import amqp, consume, migrate, outbox, relay
from kundval_chassis.db import Pool, Tx
from kundval_contracts.envelope import Event

TENANT = "nacka-test"
POISON = 666


@contextmanager
def migrated(uri: str, service: str = "assignment") -> Iterator[Pool]:
    """A pool on a database with every migration of the service."""
    migrate.apply(uri, service)
    with Pool(uri, name=f"test-{service}") as pool:
        yield pool


def jobs(count: int, *, assignment: str = "A-1", revision: int = 1) -> dict[str, Any]:
    """Data of an event `assignment.jobs_applied`; `count` tells the events of a test apart."""
    return {
        "assignment": assignment,
        "fact_id": f"f{count}",
        "ordinal": count,
        "on": "2024-05-01",
        "known_on": "2024-05-02",
        "revision": revision,
        "count": count,
        "month": 1,
    }


def publish(tx: Tx, *counts: int, assignment: str = "A-1", tenant: str = TENANT) -> None:
    for count in counts:
        tx.publish(
            "assignment.jobs_applied", subject=assignment, tenant=tenant, data=jobs(count, assignment=assignment)
        )


def event(count: int, *, assignment: str = "A-1", sequence: int | None = None, **fields: Any) -> Event:
    """An event as it arrives."""
    given: dict[str, Any] = {
        "id": outbox.new_id(),
        "name": "assignment.jobs_applied",
        "version": 1,
        "subject": assignment,
        "tenant": TENANT,
        "time": datetime.now(UTC),
        "sequence": count if sequence is None else sequence,
        "data": jobs(count, assignment=assignment),
        "correlation_id": "c-1",
        "traceparent": "00-11111111111111111111111111111111-2222222222222222-01",
    }
    return Event(**{**given, **fields})


def send(vhost: str, queue: str, *messages: Event | bytes) -> None:
    """Put messages straight into a queue."""
    outgoing = [
        amqp.Outgoing(
            exchange="",
            routing_key=queue,
            body=message if isinstance(message, bytes) else message.to_json().encode(),
            message_id="" if isinstance(message, bytes) else message.id,
        )
        for message in messages
    ]
    with amqp.Link(vhost, name="test") as link:
        assert not link.publish(outgoing), f"no queue {queue}"


def take(vhost: str, queue: str) -> list[Any]:
    """Every message that is ready in a queue, taken out of it."""
    found: list[Any] = []
    with amqp.Link(vhost, name="test") as link:
        ready = link.channel.queue_declare(queue, passive=True).message_count
        # not basic_get: a queue with one active consumer does not allow it

        def keep_one(message: Any) -> None:
            found.append(message)
            message.channel.basic_ack(message.delivery_tag)

        link.channel.basic_consume(queue, callback=keep_one)
        while len(found) < ready:
            assert link.tick(5.0), "the broker holds messages back"
        link.settle()
    return found


def until(what: Callable[[], Any], seconds: float = 60.0, every: float = 0.02) -> Any:
    """Wait until `what` is true and return it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every)
    return answer


@contextmanager
def running(part: Any) -> Iterator[Any]:
    """A relay or consumer in a thread of its own; stopped at the end, and what it raised is raised here."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            part.run()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield part
    finally:
        part.stop()
        thread.join(15)
        assert not thread.is_alive(), "did not stop"
    if raised:
        raise raised[0]


class Proxy:
    """Stands between a client and the broker: can hold back what the client sends, and speak as the broker.

    `uri` is the address to use. That is how a broker under a memory alarm looks: it says so and stops reading.
    """

    def __init__(self, vhost: str):
        where = urlsplit(vhost)
        self._upstream = (where.hostname or "", where.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = where._replace(
            netloc=f"{where.username}:{where.password}@127.0.0.1:{self._listener.getsockname()[1]}"
        ).geturl()
        self._flowing = threading.Event()
        self._flowing.set()
        self._clients: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            self._clients.append(client)
            threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, held: bool) -> None:
        try:
            while data := source.recv(65536):
                if held:
                    self._flowing.wait()
                target.sendall(data)
        except OSError:
            pass
        finally:
            source.close()
            target.close()

    def freeze(self) -> None:
        """Take nothing from clients any more, without a word."""
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def alarm(self) -> None:
        """Take nothing more and say `connection.blocked`."""
        self.freeze()
        self._say(b"\x00\x0a\x00\x3c\x06memory")

    def all_clear(self) -> None:
        self.thaw()
        self._say(b"\x00\x0a\x00\x3d")

    def _say(self, method: bytes) -> None:
        frame = b"\x01\x00\x00" + len(method).to_bytes(4, "big") + method + b"\xce"
        for client in self._clients:
            with suppress(OSError):
                client.sendall(frame)

    def close(self) -> None:
        self._flowing.set()
        for one in (self._listener, *self._clients):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def make_relay(database: str, vhost: str, **options: Any) -> relay.Relay:
    return relay.Relay(service="assignment", database_uri=database, amqp_uri=vhost, **options)


def make_replays(database: str, vhost: str) -> relay.Replays:
    return relay.Replays(service="assignment", database_uri=database, amqp_uri=vhost)


def make_consumer(pool: Pool, vhost: str, handle: consume.Handler, **options: Any) -> consume.Consumer:
    """The consumer of a service called billing that hears assignment."""
    options = {"service": "billing", "sources": ["assignment"], "delays": (100, 300), **options}
    return consume.Consumer(pool=pool, amqp_uri=vhost, handle=handle, **options)


def effects(pool: Pool) -> list[int]:
    """What `keep` has stored, in the order of storing."""
    with pool.tx(readonly=True) as tx:
        return [row["n"] for row in tx.query("SELECT n FROM effect ORDER BY place")]


def prepare_effects(pool: Pool) -> None:
    with pool.tx() as tx:
        tx.execute("CREATE TABLE effect (place bigint GENERATED ALWAYS AS IDENTITY, n integer NOT NULL)")


def keep(tx: Tx, events: list[Event]) -> None:
    """A handler: store the number of each event; one of them cannot be handled."""
    for received in events:
        if received.data["count"] == POISON:
            raise ValueError("text that quotes data: 19121212-1212")
    tx.insert_rows("effect", ("n",), [(received.data["count"],) for received in events])


def declare(vhost: str, queue: str = "billing.events-in", source: str = "assignment") -> None:
    """Declare a consumer's queues before the consumer runs, so that nothing sent is unroutable."""
    with amqp.Link(vhost, name="test") as link:
        amqp.declare_consumer(link.channel, queue, [source], (100, 300))
