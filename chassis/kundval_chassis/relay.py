"""The sending side of the outbox: stored events go to the broker, in order, each at least once.

One relay per database sends (an advisory lock sees to that, further instances stand by), so events leave in
the order of their numbers; several would gain nothing. A batch is read, published with `mandatory`, confirmed
by the broker and only then taken off the list and, in the same statement, entered into `told_event`: the order in which
partners read (`partners.log`), without holes that fill later, because nobody else writes there. Killed at any moment,
the relay or its successor sends the batch again; the consumers' inboxes know the ids. It is woken by NOTIFY at the
commit of a transaction that published; a slow poll is the safety net.

An event that no queue takes comes back from the broker. It is not an error (nobody may have subscribed yet)
and must hold up nothing: it is counted and marked `returned_at` in the log, where it stays for a replay. A
consumer that starts later, or whose queue was lost, gets what it missed with `replay`.

A restricted event (see `outbox`) is two messages of one batch: the whole one goes to the exchange of restricted
events, to which the services of the suite listen, a masked one with the same id to the exchange for everybody. A
replay gives the queue of a service whole events and every other queue masked ones.

An event of which a former version is still told (`kundval_contracts.versions`) is a message for each version, made from
what is stored, with the same id. The reader takes the one that suits it.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psycopg
import structlog
from nameko.extensions import DependencyProvider

from kundval_contracts import versions
from kundval_contracts.envelope import compose, dump_data, exchange_of, restricted_exchange_of
from kundval_contracts.events import masked

from . import db, telemetry, traces
from .amqp import (
    BROKER_ERRORS,
    Link,
    Outgoing,
    PreconditionFailed,
    Stopped,
    declare_exchange,
    declare_replays,
    declare_restricted,
    may_know_places,
    trouble_with,
)
from .outbox import CHANNEL, new_id

log = structlog.get_logger("kundval.relay")

#: Any number that means "this database's relay"; advisory locks are per database.
LOCK = 0x6F7574626F78  # "outbox"

#: Whoever tells partners listens here for what the relay has entered into `told_event`.
TOLD = "kundval_told"

#: what is read of an event; `restricted` as it is now
COLUMNS = (
    "sequence, id::text AS id, name, version, subject, tenant, occurred_at, correlation_id, traceparent,"
    " data::text AS data, (event.restricted OR EXISTS (SELECT FROM restricted_subject AS r"
    " WHERE r.tenant = event.tenant AND r.subject = event.subject AND r.restricted)) AS restricted"
)
_NEXT = f"SELECT {COLUMNS} FROM outbox JOIN event USING (sequence) ORDER BY sequence LIMIT %s"
#: takes events off the outbox and enters them; with their numbers and `TOLD`
SENT = """
WITH sent AS (
    DELETE FROM outbox WHERE sequence = ANY(%s) RETURNING sequence
), entered AS (
    INSERT INTO told_event (sequence) SELECT sequence FROM sent ORDER BY sequence
)
SELECT pg_notify(%s, '')
"""
# what a relay of before there was a table of what was told has sent since; numbers reach back some thousands at most
# from the highest, as far as transactions that were under way at once
_SENT_BEFORE = """
INSERT INTO told_event (sequence)
SELECT sequence FROM event
WHERE sequence > (SELECT coalesce(max(sequence), 0) FROM told_event) - 10000
  AND NOT EXISTS (SELECT FROM told_event WHERE told_event.sequence = event.sequence)
  AND NOT EXISTS (SELECT FROM outbox WHERE outbox.sequence = event.sequence)
ORDER BY sequence
"""
_RETURNED = "UPDATE event SET returned_at = now() WHERE sequence = ANY(%s)"


class Relay:
    """Sends the outbox of one database. `run` it in a thread or green thread of its own until `stop`."""

    def __init__(self, *, service: str, database_uri: str, amqp_uri: str, batch: int = 500, poll: float = 1.0):
        self.service = service
        self._database_uri = database_uri
        self._amqp_uri = amqp_uri
        self._batch = batch
        self._poll = poll
        self._stop = threading.Event()
        self._trouble: str | None = "not started"
        self._link: Link | None = None
        # names of events that no queue took, each told once
        self._unheard: set[str] = set()

    @property
    def trouble(self) -> str | None:
        """Why it does not send at present; None while all is well."""
        if self._trouble is None and self._link is not None and self._link.blocked:
            return "broker takes nothing (memory or disk alarm)"
        return self._trouble

    def stop(self) -> None:
        """Ask it to end: the batch in hand is finished, the rest stays in the outbox."""
        self._stop.set()

    def run(self) -> None:
        """Send until stopped. Waits out a missing broker or database; raises only for a fault in the program."""
        pause = Pause()
        while not self._stop.is_set():
            try:
                with db.connect(self._database_uri, name=f"kundval-{self.service}-relay") as conn:
                    if self._elected(conn):
                        conn.execute(_SENT_BEFORE)
                        self._send(conn, pause)
            except Stopped:
                break
            except PreconditionFailed:
                raise
            except BROKER_ERRORS as error:
                self._wait(pause, "broker", error, trouble_with(error))
            except psycopg.Error as error:
                if not db.is_outage(error):
                    raise
                self._wait(pause, "database", error, "database is not reachable")
        self._well(False, "stopped")

    def _elected(self, conn: psycopg.Connection[db.Row]) -> bool:
        """Wait to be the only relay of this database; False if stopped meanwhile."""
        while not self._stop.is_set():
            row = conn.execute("SELECT pg_try_advisory_lock(%s) AS mine", (LOCK,)).fetchone()
            if row and row["mine"]:
                return True
            # another instance sends: nothing is wrong
            self._well(False, None)
            self._stop.wait(1.0)
        return False

    def _send(self, conn: psycopg.Connection[db.Row], pause: Pause) -> None:
        conn.execute(f"LISTEN {CHANNEL}")
        with Link(self._amqp_uri, name=f"kundval {self.service} relay", stopping=self._stop.is_set) as link:
            self._link = link
            try:
                declare_exchange(link.channel, self.service)
                # what goes to an exchange that is missing closes the channel
                declare_restricted(link.channel, self.service)
                link.confirm()
                self._well(True, None)
                pause.reset()
                while not self._stop.is_set():
                    if self._send_batch(conn, link) < self._batch:
                        link.tick()
                        self._await_news(conn)
            except BROKER_ERRORS:
                # never a polite close after trouble: under an alarm it would hang
                link.drop()
                raise
            finally:
                self._link = None

    def _send_batch(self, conn: psycopg.Connection[db.Row], link: Link) -> int:
        rows = conn.execute(_NEXT, (self._batch,)).fetchall()
        if not rows:
            return 0
        told = [_messages(row) for row in rows]
        returned = link.publish([message for messages in told for message in messages])
        # told in several versions it is heard if any of them is
        unheard = [
            row
            for row, messages in zip(rows, told, strict=True)
            if all(message.message_id in returned for message in messages if message.mandatory)
        ]
        back = [row["sequence"] for row in unheard]
        with conn.transaction():
            if back:
                conn.execute(_RETURNED, (back,))
            conn.execute(SENT, ([row["sequence"] for row in rows], TOLD))
        traces.sent(rows)
        telemetry.EVENTS_PUBLISHED.labels(self.service).inc(len(rows) - len(back))
        if back:
            telemetry.EVENTS_RETURNED.labels(self.service).inc(len(back))
            names = {row["name"] for row in unheard} - self._unheard
            if names:
                log.warning("nobody_hears", service=self.service, events=sorted(names))
                self._unheard |= names
        return len(rows)

    def _await_news(self, conn: psycopg.Connection[db.Row]) -> None:
        """Wait for a NOTIFY, in slices so that a stop is noticed, at most the poll interval."""
        until = monotonic() + self._poll
        while not self._stop.is_set() and (left := until - monotonic()) > 0:
            # all that have gathered, so that a busy time is not followed by as many looks as it had commits
            if list(conn.notifies(timeout=min(left, 0.25), stop_after=1)):
                return

    def _wait(self, pause: Pause, what: str, error: Exception, trouble: str) -> None:
        if self._trouble is None:
            log.warning(
                "relay_interrupted", service=self.service, missing=what, error=type(error).__name__, why=trouble
            )
        self._well(False, trouble)
        self._stop.wait(pause.next())

    def _well(self, connected: bool, trouble: str | None) -> None:
        if connected and self._trouble is not None:
            log.info("relay_connected", service=self.service)
        self._trouble = trouble


class Replays:
    """Answers requests to send kept events again. `run` it in a thread or green thread of its own until `stop`.

    Apart from the relay, with connections of its own, so that neither waits for the other. Instances share the
    requests. One that is cut off halfway is begun anew.
    """

    def __init__(self, *, service: str, database_uri: str, amqp_uri: str, chunk: int = 500):
        self.service = service
        self._database_uri = database_uri
        self._amqp_uri = amqp_uri
        self._chunk = chunk
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask it to end: a request in hand goes back to its queue."""
        self._stop.set()

    def run(self) -> None:
        """Answer until stopped. Waits out a missing broker or database."""
        pause = Pause()
        while not self._stop.is_set():
            try:
                self._serve(pause)
            except Stopped:
                break
            except PreconditionFailed:
                raise
            except BROKER_ERRORS:
                # told by the relay, which needs the same two
                self._stop.wait(pause.next())
            except psycopg.OperationalError:
                self._stop.wait(pause.next())

    def _serve(self, pause: Pause) -> None:
        requests: list[Any] = []
        with Link(self._amqp_uri, name=f"kundval {self.service} replays", stopping=self._stop.is_set) as link:
            try:
                queue = declare_replays(link.channel, self.service)
                link.confirm()
                link.channel.basic_qos(0, 1, False)
                link.channel.basic_consume(queue, callback=requests.append)
                pause.reset()
                while not self._stop.is_set():
                    link.tick(0.5)
                    if requests:
                        self._answer(link, requests.pop())
                link.settle()
            except BROKER_ERRORS:
                link.drop()
                raise

    def _answer(self, link: Link, message: Any) -> None:
        try:
            request = json.loads(message.body)
            queue, tenant, after = str(request["queue"]), request.get("tenant"), int(request.get("after") or 0)
            restricted = request.get("restricted") is True
        except (ValueError, TypeError, KeyError, AttributeError):
            log.error("replay_request_unreadable", service=self.service)
        else:
            count = 0
            with db.connect(self._database_uri, name=f"kundval-{self.service}-replay") as conn:
                for rows in _kept(conn, tenant, after, None, (), self._chunk, restricted):
                    if self._stop.is_set():
                        raise Stopped
                    if link.publish([message for row in rows for message in _again(row, queue)]):
                        # whoever asked is gone; it asks again when it declares its queue
                        log.warning("replay_queue_missing", service=self.service, queue=queue)
                        break
                    count += len(rows)
            log.info("replayed", service=self.service, queue=queue, count=count)
        link.channel.basic_ack(message.delivery_tag)


class Outbox(DependencyProvider):
    """Runs the relay and the replays inside the service's process. In a service class: `outbox = Outbox()`.

    `self.outbox` in a worker is the `Relay`, for status; publishing is done with `Tx.publish`.
    """

    relay: Relay
    replays: Replays
    _threads: tuple[Any, ...] = ()

    def setup(self) -> None:
        service = self.container.service_name
        config = self.container.config
        where = {
            "service": service,
            "database_uri": config.get(f"KUNDVAL_{service.upper()}_DATABASE_URI") or config["KUNDVAL_DATABASE_URI"],
            "amqp_uri": config["AMQP_URI"],
        }
        self.relay = Relay(**where)
        self.replays = Replays(**where)

    def start(self) -> None:
        spawn = self.container.spawn_managed_thread
        self._threads = (
            spawn(self.relay.run, identifier="outbox relay"),
            spawn(self.replays.run, identifier="outbox replays"),
        )

    def stop(self) -> None:
        self.relay.stop()
        self.replays.stop()
        for thread in self._threads:
            thread.wait()

    def kill(self) -> None:
        for thread in self._threads:
            thread.kill()

    def get_dependency(self, worker_ctx: Any) -> Relay:
        return self.relay


class Pause:
    """Waiting times that grow from 0.2 to 5 seconds while something is missing."""

    def __init__(self, first: float = 0.2, most: float = 5.0):
        self._first = self._next = first
        self._most = most

    def next(self) -> float:
        """Seconds to wait this time."""
        now, self._next = self._next, min(self._next * 2, self._most)
        return now

    def reset(self) -> None:
        """All is well again: begin anew next time."""
        self._next = self._first


class NoSuchQueue(LookupError):
    """There is no queue of that name to replay to."""


def replay(
    *,
    database_uri: str,
    amqp_uri: str,
    queue: str,
    tenant: str | None = None,
    after: int = 0,
    until: int | None = None,
    names: tuple[str, ...] = (),
    chunk: int = 500,
    progress: Callable[[int], None] = lambda count: None,
) -> int:
    """Send kept events again to one consumer's queue and nobody else's; how many.

    All of them, or those of a tenant, after and up to a sequence number, of some names; in the order of their
    numbers. A queue that is not one of the suite's gets masked copies of restricted events. The events are
    the very same (same ids), so a consumer that has handled them ignores them unless
    told to forget (`inbox.forget`). Raises `NoSuchQueue`, or one of `amqp.BROKER_ERRORS` or psycopg.Error
    when interrupted: call it again.
    """
    count = 0
    with (
        db.connect(database_uri, name="kundval-replay") as conn,
        Link(amqp_uri, name="kundval replay") as link,
    ):
        for rows in _kept(conn, tenant, after, until, names, chunk):
            returned = link.publish([message for row in rows for message in _again(row, queue)])
            if returned:
                raise NoSuchQueue(queue)
            count += len(rows)
            progress(count)
    return count


def request_replay(
    *,
    amqp_uri: str,
    source: str,
    queue: str,
    tenant: str | None = None,
    after: int = 0,
    restricted: bool = False,
    link: Link | None = None,
) -> None:
    """Ask a service to send its kept events again to one queue, all or only the `restricted` ones. It does so when it
    runs; nobody waits for it.

    Raises one of `amqp.BROKER_ERRORS` if the request did not reach the broker.
    """
    with nullcontext(link) if link else Link(amqp_uri, name="kundval replay") as using:
        wanted = {"queue": queue, "tenant": tenant, "after": after, **({"restricted": True} if restricted else {})}
        body = json.dumps(wanted).encode()
        request = Outgoing("", declare_replays(using.channel, source, own=False), body, new_id())
        if using.publish([request]):
            raise NoSuchQueue(request.routing_key)


def _kept(
    conn: psycopg.Connection[db.Row],
    tenant: str | None,
    after: int,
    until: int | None,
    names: tuple[str, ...],
    chunk: int,
    restricted: bool = False,
) -> Iterator[list[db.Row]]:
    kept = "event"
    if restricted:
        kept = (
            "(SELECT * FROM event WHERE restricted OR (tenant, subject) IN"
            " (SELECT tenant, subject FROM restricted_subject WHERE restricted)) AS event"
        )
    while True:
        rows = conn.execute(
            f"SELECT {COLUMNS} FROM {kept} WHERE sequence > %(after)s AND sequence <= %(until)s"
            " AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)"
            " AND (%(names)s::text[] = '{}' OR name = ANY(%(names)s))"
            " ORDER BY sequence LIMIT %(chunk)s",
            {
                "after": after,
                "until": sys.maxsize if until is None else until,
                "tenant": tenant,
                "names": list(names),
                "chunk": chunk,
            },
        ).fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1]["sequence"]


def _messages(row: db.Row) -> list[Outgoing]:
    """What tells of an event: a message for each version that is told, two of each for a restricted one."""
    found = []
    service = row["name"].partition(".")[0]
    for version in _told(row):
        key = versions.routing_key(row["name"], version.number)
        if row["restricted"]:
            found.append(_message(row, version, restricted_exchange_of(service), key))
            # nothing is lost if nobody outside the suite listens
            found.append(_message(row, version, exchange_of(service), key, mask=True, mandatory=False))
        else:
            found.append(_message(row, version, exchange_of(service), key))
    return found


def _again(row: db.Row, queue: str) -> list[Outgoing]:
    """What tells one queue of a kept event."""
    mask = row["restricted"] and not may_know_places(queue)
    return [_message(row, version, "", queue, mask=mask) for version in _told(row)]


@dataclass(frozen=True, slots=True)
class _Version:
    """An event in one of the versions `beside` in which it is told. `data`: JSON text."""

    number: int
    data: str
    beside: tuple[int, ...]


def _told(row: db.Row) -> list[_Version]:
    """The stored event in every version that is told now; as it is stored if there is only that."""
    name, stored = row["name"], row["version"]
    if name not in versions.FORMER or stored > versions.told_as(name)[-1]:
        return [_Version(stored, row["data"], ())]
    numbers = versions.told_as(name)
    data = json.loads(row["data"])
    try:
        return [
            _Version(
                number,
                row["data"] if number == stored else dump_data(versions.convert(name, data, stored, number)),
                numbers,
            )
            for number in numbers
        ]
    except (ValueError, TypeError, LookupError) as error:
        # nothing may hold up the others; whoever reads another version finds it in a replay when that is mended
        log.error("version_not_made", event_name=name, event_id=row["id"], error=type(error).__name__)
        return [_Version(stored, row["data"], ())]


def _message(
    row: db.Row, version: _Version, exchange: str, routing_key: str, *, mask: bool = False, mandatory: bool = True
) -> Outgoing:
    name = row["name"]
    data = version.data
    if mask:
        schema = versions.schema_of(name, version.number) if version.beside else None
        data = dump_data(masked(name, json.loads(data), schema))
    text = compose(
        id=row["id"],
        name=name,
        version=version.number,
        subject=row["subject"],
        tenant=row["tenant"],
        time=row["occurred_at"],
        sequence=row["sequence"],
        correlation_id=row["correlation_id"],
        traceparent=row["traceparent"],
        data=data,
        masked=mask,
        restricted=row["restricted"] and not mask,
        versions=version.beside,
    )
    return Outgoing(
        exchange=exchange,
        routing_key=routing_key,
        body=text.encode(),
        # apart, so that it is known which of them nobody hears
        message_id=f"{row['id']}.v{version.number}" if version.beside else row["id"],
        mandatory=mandatory,
    )
