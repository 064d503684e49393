"""Events in: each has its effect once, whatever fails, is killed or restarts; what cannot be handled is parked."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import eventlet
import psycopg
import pytest
from amqp.exceptions import PreconditionFailed
from nameko.containers import ServiceContainer

from kundval_chassis import amqp, context, inbox
from kundval_chassis.consume import consumes
from kundval_chassis.db import Database, Pool, Tx
from kundval_chassis.migrate import MigrationsPending
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Conflict
from tests.conftest import Servers

from .eventing import (
    POISON,
    TENANT,
    declare,
    effects,
    event,
    keep,
    make_consumer,
    make_relay,
    make_replays,
    migrated,
    prepare_effects,
    publish,
    running,
    send,
    take,
    until,
)

QUEUE = "billing.events-in"
PARKED = "billing.events-in.parked"
LISTENER = "notifications.events-in"
SERVICE = Path(__file__).with_name("eventing_service.py")


@pytest.fixture(scope="module")
def servers(own_servers: Servers) -> Servers:
    """This file restarts them."""
    return own_servers


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    with migrated(database, "billing") as opened:
        prepare_effects(opened)
        yield opened


@pytest.fixture
def bus(fresh_vhost: str, pool: Pool) -> str:
    with pool.tx() as tx:
        tx.execute("TRUNCATE event, outbox, inbox, effect")
    declare(fresh_vhost)
    # somebody hears what the service under test publishes
    declare(fresh_vhost, LISTENER, source="billing")
    return fresh_vhost


def depth(vhost: str, queue: str = QUEUE) -> int:
    """Messages in a queue that nobody holds."""
    with amqp.Link(vhost, name="test") as link:
        return link.depth(queue) or 0


def emptied(vhost: str) -> bool:
    return not any(depth(vhost, queue) for queue in (QUEUE, QUEUE + ".retry.100", QUEUE + ".retry.300"))


def headers(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = message.properties.get("application_headers") or {}
    return found


def parked(vhost: str, count: int) -> list[Any]:
    until(lambda: depth(vhost, PARKED) >= count)
    return take(vhost, PARKED)


# --- once ----------------------------------------------------------------------------------------------


def test_a_batch_is_handled_in_order_in_one_transaction(pool: Pool, bus: str) -> None:
    batches: list[int] = []

    def handle(tx: Tx, events: list[Event]) -> None:
        batches.append(len(events))
        keep(tx, events)

    send(bus, QUEUE, *(event(n) for n in range(100)))
    with running(make_consumer(pool, bus, handle, batch=50)):
        until(lambda: len(effects(pool)) == 100)
    assert effects(pool) == list(range(100))
    assert max(batches) == 50 and len(batches) < 20
    assert depth(bus) == 0


def test_an_event_that_is_delivered_twice_has_one_effect(pool: Pool, bus: str) -> None:
    twice, other = event(1), event(2)
    send(bus, QUEUE, twice, twice, other)
    with running(make_consumer(pool, bus, keep)):
        until(lambda: len(effects(pool)) == 2)
        send(bus, QUEUE, twice, event(3))
        until(lambda: len(effects(pool)) == 3)
    assert effects(pool) == [1, 2, 3]
    assert emptied(bus) and not depth(bus, PARKED)
    with pool.tx() as tx:
        assert inbox.handled(tx, TENANT) == {"assignment": 3}


def test_a_single_event_is_handled_at_once_without_waiting_for_a_full_batch(pool: Pool, bus: str) -> None:
    with running(make_consumer(pool, bus, keep, batch=500)) as consumer:
        until(lambda: consumer.trouble is None)
        began = time.monotonic()
        send(bus, QUEUE, event(1))
        until(lambda: effects(pool), 5.0, 0.005)
    assert time.monotonic() - began < 1.0


def test_an_event_that_the_service_does_not_need_is_marked_and_not_handed_over(pool: Pool, bus: str) -> None:
    exited = event(2, name="assignment.day_opened", data={"date": "2024-07-01"})
    send(bus, QUEUE, event(1), exited, event(3))
    with running(make_consumer(pool, bus, keep, needs={"assignment.jobs_applied"})):
        until(lambda: len(effects(pool)) == 2)
        until(lambda: emptied(bus))
    with pool.tx() as tx:
        assert inbox.handled(tx, TENANT) == {"assignment": 3}


def test_a_service_that_wants_only_what_it_needs_is_sent_nothing_else(
    pool: Pool, make_database: Callable[..., str], bus: str
) -> None:
    """Also one that took in everything before."""
    with amqp.Link(bus, name="test") as link:
        amqp.declare_consumer(link.channel, QUEUE, ["assignment"], (100, 300), {"assignment.jobs_applied"})
    day, source = {"date": "2024-07-01"}, make_database("assignment")
    with migrated(source) as assignment, running(make_relay(source, bus)):
        with assignment.tx() as tx:
            tx.publish("assignment.day_opened", subject=TENANT, tenant=TENANT, data=day)
            publish(tx, 7)
            tx.publish("assignment.day_opened", subject=TENANT, tenant=TENANT, data=day)
        until(lambda: not outbox_of(assignment))
        until(lambda: depth(bus) == 1)
    needs = {"assignment.jobs_applied"}
    with running(make_consumer(pool, bus, keep, needs=needs, only_needed=True)):
        until(lambda: effects(pool) == [7])


def test_events_that_were_forgotten_take_effect_again_when_they_are_replayed(pool: Pool, bus: str) -> None:
    first, second = event(1, sequence=1), event(2, sequence=2)
    send(bus, QUEUE, first, second)
    with running(make_consumer(pool, bus, keep)):
        until(lambda: len(effects(pool)) == 2)
        with pool.tx() as tx:
            assert inbox.forget(tx, source="assignment", tenant=TENANT, after=1) == 1
        send(bus, QUEUE, first, second)
        until(lambda: len(effects(pool)) == 3)
    assert effects(pool) == [1, 2, 2]


# --- failures ------------------------------------------------------------------------------------------


def test_poison_is_parked_and_the_others_of_its_batch_have_their_effect(pool: Pool, bus: str) -> None:
    send(bus, QUEUE, *(event(n) for n in (1, 2, POISON, 3, 4)))
    with running(make_consumer(pool, bus, keep)):
        (message,) = parked(bus, 1)
    assert effects(pool) == [1, 2, 3, 4]
    assert emptied(bus)
    found = headers(message)
    assert found["x-kundval-error"] == "ValueError"
    assert found["x-kundval-attempts"] == 3
    assert found["x-kundval-queue"] == QUEUE
    assert found["x-kundval-reason"] == "FAILED"
    assert found["x-kundval-first-failed-at"] <= found["x-kundval-parked-at"]
    assert json.loads(message.body)["data"]["count"] == POISON
    with pool.tx() as tx:
        assert inbox.handled(tx, TENANT) == {"assignment": 4}


def test_what_an_error_says_is_nowhere_in_the_headers(pool: Pool, bus: str) -> None:
    send(bus, QUEUE, event(POISON))
    with running(make_consumer(pool, bus, keep, delays=())):
        (message,) = parked(bus, 1)
    assert "1212" not in repr(headers(message)) and "quotes" not in repr(headers(message))


def test_the_pauses_between_attempts_grow(pool: Pool, bus: str) -> None:
    attempts: list[float] = []

    def handle(tx: Tx, events: list[Event]) -> None:
        attempts.append(time.monotonic())
        raise Conflict("not yet", code="NOT_YET", rules=["AMI-1.3-a"])

    send(bus, QUEUE, event(1))
    with running(make_consumer(pool, bus, handle, delays=(100, 500, 1000))):
        (message,) = parked(bus, 1)
    pauses = [later - earlier for earlier, later in pairwise(attempts)]
    assert len(pauses) == 3
    assert 0.1 <= pauses[0] < 0.5 <= pauses[1] < 1.0 <= pauses[2] < 2.0
    assert headers(message)["x-kundval-attempts"] == 4
    assert headers(message)["x-kundval-code"] == "NOT_YET"
    assert headers(message)["x-kundval-rules"] == "AMI-1.3-a"


def test_an_event_that_succeeds_at_a_later_attempt_has_its_effect_once(pool: Pool, bus: str) -> None:
    seen: list[int] = []

    def handle(tx: Tx, events: list[Event]) -> None:
        keep(tx, events)
        tx.flush()
        seen.append(len(events))
        if len(seen) < 3:
            raise RuntimeError

    send(bus, QUEUE, event(1))
    with running(make_consumer(pool, bus, handle)):
        until(lambda: len(effects(pool)) == 1)
        until(lambda: emptied(bus))
    assert effects(pool) == [1] and not depth(bus, PARKED)


def test_a_failing_handler_does_not_hold_up_the_events_behind_it(pool: Pool, bus: str) -> None:
    send(bus, QUEUE, event(POISON), *(event(n) for n in range(1, 4)))
    with running(make_consumer(pool, bus, keep, delays=(60_000,), batch=1)):
        until(lambda: len(effects(pool)) == 3)
    assert depth(bus, QUEUE + ".retry.60000") == 1


RUBBISH = {
    "no JSON": (b"\x00\xff rubbish", "NOT_AN_EVENT", ""),
    "no object": (b"[1, 2]", "NOT_AN_EVENT", ""),
    "nameko's own envelope": (b'{"assignment": "A-1"}', "NOT_AN_EVENT", "specversion"),
    "deep nesting": (b"[" * 100_000, "NOT_AN_EVENT", ""),
    "no id": (event(1, id="x").to_json().encode(), "NOT_AN_EVENT", "id"),
    "unknown type": (event(1, name="assignment.danced").to_json().encode(), "UNKNOWN_TYPE", "type"),
    "newer version": (event(1, version=2).to_json().encode(), "NEWER_VERSION", "type"),
    "wrong data": (event(1, data={"count": 1}).to_json().encode(), "INVALID_DATA", "data.assignment"),
}


def test_rubbish_is_parked_at_once_and_says_what_is_wrong(pool: Pool, bus: str) -> None:
    send(bus, QUEUE, event(1), *(text for text, _, _ in RUBBISH.values()), event(2))
    with running(make_consumer(pool, bus, keep, delays=(60_000,))):
        messages = parked(bus, len(RUBBISH))
        until(lambda: len(effects(pool)) == 2)
    assert effects(pool) == [1, 2]
    by_text = {bytes(m.body if isinstance(m.body, bytes) else m.body.encode()): headers(m) for m in messages}
    for what, (text, reason, field) in RUBBISH.items():
        found = by_text[text]
        assert (found["x-kundval-reason"], found["x-kundval-field"]) == (reason, field), what
        assert found["x-kundval-attempts"] == 0
    assert emptied(bus)


def test_a_message_with_headers_of_another_world_does_no_harm(pool: Pool, bus: str) -> None:
    with amqp.Link(bus, name="test") as link:
        strange = {"x-kundval-attempts": "many", "nested": {"a": [1, None]}, "å": "ö"}
        link.publish([amqp.Outgoing("", QUEUE, b"{", "", headers=strange, content_type="text/plain")])
    with running(make_consumer(pool, bus, keep)):
        (message,) = parked(bus, 1)
    assert headers(message)["x-kundval-attempts"] == 0
    assert headers(message)["nested"] == {"a": [1, None]}


def test_a_queue_of_another_shape_stops_the_consumer_with_the_reason(pool: Pool, fresh_vhost: str) -> None:
    with amqp.Link(fresh_vhost, name="test") as link:
        link.channel.queue_declare(QUEUE, durable=True, auto_delete=False)
    with pytest.raises(PreconditionFailed), running(make_consumer(pool, fresh_vhost, keep)) as consumer:
        until(lambda: consumer.trouble == "stopped")


# --- context -------------------------------------------------------------------------------------------


def test_what_a_handler_publishes_continues_the_trace_of_the_event_about_the_same_subject(pool: Pool, bus: str) -> None:
    contexts: list[str | None] = []

    def handle(tx: Tx, events: list[Event]) -> None:
        contexts.append(context.correlation_id.get())
        for received in events:
            data = {"assignment": received.subject, "run": "2024-07-01", "postings": []}
            tx.publish("billing.posted", subject=received.subject, tenant=TENANT, data=data)

    traces = ["00-" + digit * 32 + "-" + "e" * 16 + "-01" for digit in "ab"]
    send(
        bus,
        QUEUE,
        event(1, assignment="A-1", correlation_id="c-1", traceparent=traces[0]),
        event(2, assignment="A-2", correlation_id="c-2", traceparent=traces[1]),
    )
    with running(make_consumer(pool, bus, handle)):
        until(lambda: emptied(bus) and contexts)
    with pool.tx() as tx:
        rows = tx.query("SELECT subject, correlation_id, traceparent FROM event ORDER BY subject")
    assert [(row["subject"], row["correlation_id"]) for row in rows] == [("A-1", "c-1"), ("A-2", "c-2")]
    assert [row["traceparent"][:35] for row in rows] == [trace[:35] for trace in traces]
    assert all(row["traceparent"] not in traces for row in rows)


# --- database and broker away --------------------------------------------------------------------------


def test_a_lost_database_connection_is_no_failed_attempt(pool: Pool, bus: str) -> None:
    broken: list[int] = []

    def handle(tx: Tx, events: list[Event]) -> None:
        if len(broken) < 2:
            broken.append(tx.value("SELECT pg_backend_pid()"))
            with psycopg.connect(pool.uri, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (broken[-1],))
        keep(tx, events)

    send(bus, QUEUE, event(1), event(2))
    with running(make_consumer(pool, bus, handle, delays=())):
        until(lambda: len(effects(pool)) == 2)
    assert effects(pool) == [1, 2] and not depth(bus, PARKED) and len(broken) == 2


def test_an_event_that_loses_the_database_every_time_is_parked_in_the_end(pool: Pool, bus: str) -> None:
    def handle(tx: Tx, events: list[Event]) -> None:
        if any(received.data["count"] == 99 for received in events):
            with psycopg.connect(pool.uri, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (tx.value("SELECT pg_backend_pid()"),))
        keep(tx, events)

    send(bus, QUEUE, event(1), event(99))
    with running(make_consumer(pool, bus, handle, delays=())):
        until(lambda: depth(bus, PARKED))
    (message,) = take(bus, PARKED)
    assert headers(message)["x-kundval-error"] == "AdminShutdown"
    assert effects(pool) == [1]


def test_a_deadlock_is_settled_by_trying_again(pool: Pool, bus: str) -> None:
    tries: list[int] = []

    def handle(tx: Tx, events: list[Event]) -> None:
        tries.append(len(events))
        if len(tries) == 1:
            raise psycopg.errors.DeadlockDetected
        keep(tx, events)

    send(bus, QUEUE, event(1))
    with running(make_consumer(pool, bus, handle, delays=())):
        until(lambda: effects(pool))
    assert len(tries) == 2


def test_a_lost_broker_connection_in_the_middle_of_a_batch_repeats_no_effect(
    pool: Pool, bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed, but not acknowledged: the broker delivers again and the inbox knows."""
    cuts: list[int] = []

    def handle(tx: Tx, events: list[Event]) -> None:
        keep(tx, events)
        if len(cuts) < 2:
            cuts.append(len(events))
            links[-1].connection.transport.sock.close()

    links: list[amqp.Link] = []
    real = amqp.Link.__init__

    def remember(self: amqp.Link, *arguments: Any, **options: Any) -> None:
        real(self, *arguments, **options)
        if options["name"].endswith("events"):
            links.append(self)

    send(bus, QUEUE, *(event(n) for n in range(30)))
    monkeypatch.setattr(amqp.Link, "__init__", remember)
    with running(make_consumer(pool, bus, handle, batch=10)):
        until(lambda: len(effects(pool)) == 30)
        until(lambda: emptied(bus))
    assert effects(pool) == list(range(30))
    assert len(links) == 3


def test_a_queue_that_is_deleted_under_the_consumer_is_declared_anew(pool: Pool, bus: str) -> None:
    with running(make_consumer(pool, bus, keep)) as consumer:
        until(lambda: consumer.trouble is None)
        with amqp.Link(bus, name="test") as link:
            link.channel.queue_delete(QUEUE)
            until(lambda: consumer.trouble)
        until(lambda: consumer.trouble is None)
        send(bus, QUEUE, event(1))
        until(lambda: effects(pool))


def test_the_batch_in_hand_is_finished_before_the_consumer_stops(pool: Pool, bus: str) -> None:
    entered = threading.Event()

    def handle(tx: Tx, events: list[Event]) -> None:
        entered.set()
        time.sleep(0.5)
        keep(tx, events)

    send(bus, QUEUE, *(event(n) for n in range(10)))
    with running(make_consumer(pool, bus, handle, batch=4, linger=0.2)):
        assert entered.wait(5)
    done = effects(pool)
    assert done == [0, 1, 2, 3]
    until(lambda: depth(bus) == 6)


# --- catching up ---------------------------------------------------------------------------------------


def test_a_consumer_that_is_started_late_gets_everything_from_the_beginning(
    pool: Pool, make_database: Callable[..., str], fresh_vhost: str
) -> None:
    """And so does one whose queue was lost; what it has handled has no second effect."""
    with pool.tx() as tx:
        tx.execute("TRUNCATE inbox, effect, subscription")
    source = make_database("assignment")
    sender, answerer = make_relay(source, fresh_vhost), make_replays(source, fresh_vhost)
    with migrated(source) as assignment, running(sender), running(answerer):
        with assignment.tx() as tx:
            publish(tx, *range(30))
        until(lambda: not outbox_of(assignment))
        with running(make_consumer(pool, fresh_vhost, keep)):
            until(lambda: len(effects(pool)) == 30)
        with amqp.Link(fresh_vhost, name="test") as link:
            link.channel.queue_delete(QUEUE)
        with assignment.tx() as tx:
            publish(tx, *range(30, 40))
        until(lambda: not outbox_of(assignment))
        with running(make_consumer(pool, fresh_vhost, keep)):
            until(lambda: len(effects(pool)) == 40)
            until(lambda: emptied(fresh_vhost))
        assert effects(pool) == list(range(40))
        # what it has got it does not ask for again
        with running(make_consumer(pool, fresh_vhost, keep)) as consumer:
            until(lambda: consumer.trouble is None)
        assert depth(fresh_vhost, amqp.replays_queue("assignment")) == 0


def test_a_source_that_is_added_later_is_asked_for_its_history(pool: Pool, fresh_vhost: str) -> None:
    with pool.tx() as tx:
        tx.execute("TRUNCATE subscription")
    for sources in (["assignment"], ["assignment", "scheduling"]):
        with running(make_consumer(pool, fresh_vhost, keep, sources=sources)) as consumer:
            until(lambda: consumer.trouble is None)
    for source in ("assignment", "scheduling"):
        (request,) = take(fresh_vhost, amqp.replays_queue(source))
        assert json.loads(request.body)["queue"] == QUEUE


def outbox_of(pool: Pool) -> int:
    with pool.tx(readonly=True) as tx:
        return int(tx.value("SELECT count(*) FROM outbox"))


# --- the entrypoint ------------------------------------------------------------------------------------


def test_a_service_has_one_method_for_events_because_its_inbox_is_one() -> None:
    class Two:
        name = "billing"
        db = Database()

        @consumes("assignment")
        def one(self, tx: Tx, events: list[Event]) -> None: ...

        @consumes("scheduling")
        def two(self, tx: Tx, events: list[Event]) -> None: ...

    container = ServiceContainer(Two, {})
    with pytest.raises(TypeError, match="one method"):
        container.entrypoints.all.setup()


def test_a_service_that_hears_events_needs_a_database() -> None:
    class Without:
        name = "billing"

        @consumes("assignment")
        def one(self, tx: Tx, events: list[Event]) -> None: ...

    container = ServiceContainer(Without, {})
    with pytest.raises(TypeError, match="needs a Database"):
        container.entrypoints.all.setup()


def test_a_service_whose_database_lacks_migrations_does_not_start(fresh_database: str) -> None:
    class Billing:
        name = "billing"
        db = Database()

    container = ServiceContainer(Billing, {"KUNDVAL_BILLING_DATABASE_URI": fresh_database})
    with pytest.raises(MigrationsPending, match="kundval migrate billing"):
        container.dependencies.all.setup()


def test_a_handler_that_takes_too_long_has_failed_and_not_ended_the_service() -> None:
    class Slow:
        name = "billing"
        db = Database()

        @consumes("assignment")
        def hear(self, tx: Tx, events: list[Event]) -> None:
            with eventlet.Timeout(0.01):
                eventlet.sleep(1)

    container = ServiceContainer(Slow, {})
    (database,) = container.dependencies
    database.pool = None
    (entrypoint,) = container.entrypoints
    with pytest.raises(TimeoutError):
        entrypoint._call(None, [])


# --- processes -----------------------------------------------------------------------------------------


@contextmanager
def process(database: str, vhost: str) -> Iterator[subprocess.Popen[str]]:
    """The service of `eventing_service.py`, started."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", str(SERVICE), database, vhost],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as running_process:
        try:
            yield running_process
        finally:
            running_process.kill()


def numbers(pool: Pool) -> int:
    with pool.tx(readonly=True) as tx:
        return int(tx.value("SELECT count(*) FROM effect"))


def reached(pool: Pool, count: int) -> bool:
    return numbers(pool) > count


def published(pool: Pool) -> tuple[int, int]:
    with pool.tx(readonly=True) as tx:
        row = tx.one("SELECT (SELECT count(*) FROM event) AS stored, (SELECT count(*) FROM outbox) AS unsent")
    assert row
    return row["stored"], row["unsent"]


def heard(vhost: str) -> int:
    """How many different events the service under test has sent."""
    return len({message.properties["message_id"] for message in take(vhost, LISTENER)})


def test_a_service_that_is_killed_in_the_middle_of_its_work_loses_and_repeats_nothing(
    pool: Pool, database: str, bus: str
) -> None:
    count = 1600
    send(bus, QUEUE, *(event(n) for n in range(count)))
    for killed_at in (count // 5, count // 2):
        with process(database, bus) as service:
            until(partial(reached, pool, killed_at))
            service.kill()
        assert numbers(pool) < count
    with process(database, bus) as service:
        until(lambda: numbers(pool) >= count, 60)
        until(lambda: published(pool) == (count, 0), 60)
        service.terminate()
        assert service.wait(10) == 0
    assert sorted(effects(pool)) == list(range(count))
    assert emptied(bus) and not depth(bus, PARKED)
    assert heard(bus) == count


def test_a_service_that_is_asked_to_end_finishes_its_batch_and_ends(pool: Pool, database: str, bus: str) -> None:
    send(bus, QUEUE, *(event(n) for n in range(800)))
    with process(database, bus) as service:
        until(lambda: numbers(pool) > 100)
        began = time.monotonic()
        service.terminate()
        output, _ = service.communicate(timeout=10)
    assert service.returncode == 0
    assert output.rstrip().endswith("stopped")
    assert time.monotonic() - began < 5
    done = numbers(pool)
    assert done == published(pool)[0]
    # what was not handled is back in the queue
    until(lambda: depth(bus) == 800 - done)


def test_two_instances_take_turns_and_the_second_takes_over_when_the_first_is_killed(
    pool: Pool, database: str, bus: str
) -> None:
    with process(database, bus) as first:
        assert first.stdout and first.stdout.readline()
        with process(database, bus) as second:
            assert second.stdout and second.stdout.readline()
            send(bus, QUEUE, *(event(n) for n in range(400)))
            until(lambda: numbers(pool) > 50)
            first.kill()
            until(lambda: numbers(pool) == 400)
            second.terminate()
            second.wait(10)
    assert effects(pool) == sorted(effects(pool))


@pytest.mark.parametrize("what", ["rabbit", "postgres"])
def test_a_restart_of_a_server_in_the_middle_of_work_loses_and_repeats_nothing(
    what: str, servers: Servers, pool: Pool, database: str, bus: str
) -> None:
    count = 2000
    send(bus, QUEUE, *(event(n) for n in range(count)))
    restart: Callable[..., None] = {"rabbit": servers.restart_rabbit, "postgres": servers.restart_postgres}[what]
    with process(database, bus) as service:
        until(lambda: numbers(pool) > 100)
        restart(immediate=True)
        assert numbers(pool) < count
        until(lambda: numbers(pool) >= count, 60)
        until(lambda: published(pool) == (count, 0), 60)
        assert service.poll() is None
        service.terminate()
        assert service.wait(10) == 0
    assert sorted(effects(pool)) == list(range(count))
    assert emptied(bus) and not depth(bus, PARKED)
    assert heard(bus) == count
