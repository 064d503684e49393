"""The outbox and its relay: an event leaves if and only if its transaction committed, in order, whatever restarts."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import kombu
import pytest
from amqp import Message
from nameko.standalone.events import get_event_exchange

from kundval_chassis import amqp, context, outbox, relay
from kundval_chassis.db import Pool
from kundval_contracts.envelope import Event

from .eventing import (
    TENANT,
    Proxy,
    declare,
    event,
    jobs,
    make_relay,
    make_replays,
    migrated,
    publish,
    running,
    take,
    until,
)

QUEUE = "billing.events-in"


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    with migrated(database) as opened:
        yield opened


@pytest.fixture
def bus(fresh_vhost: str, pool: Pool) -> str:
    """A virtual host with one consumer's queue, and an empty outbox."""
    with pool.tx() as tx:
        tx.execute("TRUNCATE event, outbox")
    declare(fresh_vhost)
    return fresh_vhost


def waiting(pool: Pool) -> int:
    with pool.tx(readonly=True) as tx:
        return int(tx.value("SELECT count(*) FROM outbox"))


def depth(vhost: str, queue: str) -> int:
    with amqp.Link(vhost, name="test") as link:
        return link.depth(queue) or 0


def counts(messages: list[Message]) -> list[int]:
    return [json.loads(message.body)["data"]["count"] for message in messages]


def test_a_published_event_arrives_as_one_strict_cloudevent(pool: Pool, database: str, bus: str) -> None:
    with context.working(correlation="c-17", trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01"), pool.tx() as tx:
        publish(tx, 1)
    with running(make_relay(database, bus)):
        until(lambda: not waiting(pool))
    (message,) = take(bus, QUEUE)
    raw = json.loads(message.body)
    received = Event.from_json(message.body)
    assert json.loads(received.to_json()) == raw
    assert raw["specversion"] == "1.0"
    assert raw["source"] == "/kundval/assignment"
    assert raw["type"] == "se.kundval.assignment.jobs_applied.v1"
    assert raw["datacontenttype"] == "application/json"
    assert raw["dataschema"] == "urn:kundval:event:assignment.jobs_applied:v1"
    assert raw["time"].endswith("Z")
    assert re.fullmatch(r"\d+", raw["sequence"])
    assert (received.subject, received.tenant, received.data) == ("A-1", TENANT, jobs(1))
    assert received.correlation_id == "c-17"
    assert received.traceparent and received.traceparent.startswith("00-" + "a" * 32)
    assert "b" * 16 not in received.traceparent
    assert message.properties["delivery_mode"] == 2
    assert message.properties["message_id"] == received.id
    assert message.properties["content_type"] == "application/json"
    assert message.delivery_info["routing_key"] == "assignment.jobs_applied"
    assert message.delivery_info["exchange"] == "assignment.events"


def test_a_plain_nameko_handler_elsewhere_finds_the_exchange_and_reads_the_event(
    pool: Pool, database: str, bus: str
) -> None:
    with kombu.Connection(bus) as connection:
        exchange = get_event_exchange("assignment", {})
        queue = kombu.Queue(
            "evt-assignment-assignment.jobs_applied--elsewhere.hear", exchange, "assignment.jobs_applied", durable=True
        )
        bound = queue(connection.default_channel)
        bound.declare()
        with pool.tx() as tx:
            publish(tx, 1)
        with running(make_relay(database, bus)):
            message = until(lambda: bound.get(no_ack=True))
    assert message.payload["data"]["count"] == 1
    assert message.payload["type"] == "se.kundval.assignment.jobs_applied.v1"


def test_an_event_of_a_transaction_that_rolls_back_never_leaves(pool: Pool, database: str, bus: str) -> None:
    with pytest.raises(RuntimeError), pool.tx() as tx:
        publish(tx, 1)
        tx.flush()
        raise RuntimeError
    with pool.tx() as tx:
        with pytest.raises(RuntimeError), tx.attempt():
            publish(tx, 2)
            raise RuntimeError
        publish(tx, 3)
    with running(make_relay(database, bus)):
        until(lambda: not waiting(pool))
    assert counts(take(bus, QUEUE)) == [3]


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("assignment.no_such_thing", {}, ""),
        ("assignment.jobs_applied", {"count": "many"}, "count"),
        ("assignment.jobs_applied", {"month": None}, "month"),
        ("assignment.jobs_applied", {"client_name": "Alva"}, "client_name"),
    ],
)
def test_what_the_contracts_do_not_allow_is_not_published(
    pool: Pool, name: str, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(outbox.InvalidPublication) as refused, pool.tx() as tx:
        tx.publish(name, subject="A-1", tenant=TENANT, data={**jobs(1), **changes})
    assert field in refused.value.faults
    assert "Alva" not in str(refused.value)


def test_values_that_only_python_can_read_are_not_published(pool: Pool) -> None:
    with pytest.raises(outbox.InvalidPublication), pool.tx() as tx:
        tx.publish("assignment.day_opened", subject=TENANT, tenant=TENANT, data={"date": datetime.now(UTC).date()})


def test_a_query_publishes_nothing(pool: Pool) -> None:
    with pytest.raises(outbox.InvalidPublication), pool.tx(readonly=True) as tx:
        publish(tx, 1)


def test_an_event_continues_the_trace_of_the_event_that_caused_it(pool: Pool) -> None:
    cause = event(1)
    publication = outbox.prepare("assignment.jobs_applied", subject="A-1", tenant=TENANT, data=jobs(1), cause=cause)
    assert publication.correlation_id == "c-1"
    assert publication.traceparent.startswith("00-" + "1" * 32) and "2" * 16 not in publication.traceparent


def test_ids_grow_with_time() -> None:
    ids = []
    for _ in range(3):
        ids.append(outbox.new_id())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", id) for id in ids)


def test_the_relay_is_woken_at_the_commit_and_not_by_its_slow_poll(pool: Pool, database: str, bus: str) -> None:
    with running(make_relay(database, bus, poll=60.0)) as sender:
        until(lambda: sender.trouble is None)
        for number in range(5):
            time.sleep(0.1)
            began = time.monotonic()
            with pool.tx() as tx:
                publish(tx, number)
            until(lambda: not waiting(pool), 5.0, 0.005)
            assert time.monotonic() - began < 0.5
    assert len(take(bus, QUEUE)) == 5


def test_events_leave_in_the_order_of_their_numbers_over_many_batches(pool: Pool, database: str, bus: str) -> None:
    with running(make_relay(database, bus, batch=7)):
        for start in range(0, 100, 10):
            with pool.tx() as tx:
                publish(tx, *range(start, start + 10))
        until(lambda: not waiting(pool))
    messages = take(bus, QUEUE)
    assert counts(messages) == list(range(100))
    numbers = [int(json.loads(message.body)["sequence"]) for message in messages]
    assert numbers == sorted(set(numbers))


def test_an_event_that_no_queue_takes_is_kept_and_holds_up_nothing(pool: Pool, database: str, fresh_vhost: str) -> None:
    with pool.tx() as tx:
        tx.execute("TRUNCATE event, outbox")
        publish(tx, 1, 2)
    with running(make_relay(database, fresh_vhost)):
        until(lambda: not waiting(pool))
        declare(fresh_vhost)
        with pool.tx() as tx:
            publish(tx, 3)
        until(lambda: not waiting(pool))
    assert counts(take(fresh_vhost, QUEUE)) == [3]
    with pool.tx() as tx:
        kept = tx.query("SELECT data -> 'count' AS n FROM event WHERE returned_at IS NOT NULL ORDER BY sequence")
    assert [row["n"] for row in kept] == [1, 2]
    # whoever subscribes later gets them by a replay
    assert relay.replay(database_uri=database, amqp_uri=fresh_vhost, queue=QUEUE) == 3
    assert counts(take(fresh_vhost, QUEUE)) == [1, 2, 3]


def test_a_replay_goes_to_one_queue_and_nobody_else(pool: Pool, database: str, bus: str) -> None:
    declare(bus, "scheduling.events-in")
    with pool.tx() as tx:
        publish(tx, 1, 2, 3)
        publish(tx, 4, tenant="other")
    with running(make_relay(database, bus)):
        until(lambda: not waiting(pool))
    first = take(bus, QUEUE)
    take(bus, "scheduling.events-in")
    where = {"database_uri": database, "amqp_uri": bus, "queue": QUEUE}
    assert relay.replay(**where, chunk=2) == 4
    again = take(bus, QUEUE)
    assert [m.body for m in again] == [m.body for m in first]
    assert take(bus, "scheduling.events-in") == []
    second = int(json.loads(first[1].body)["sequence"])
    assert relay.replay(**where, tenant=TENANT, after=second) == 1
    assert relay.replay(**where, tenant="other") == 1
    assert relay.replay(**where, until=second) == 2
    assert relay.replay(**where, names=("assignment.exited",)) == 0
    assert counts(take(bus, QUEUE)) == [3, 4, 1, 2]
    with pytest.raises(relay.NoSuchQueue):
        relay.replay(**{**where, "queue": "nobody.events-in"})


def test_a_replay_can_be_asked_for_through_the_broker(pool: Pool, database: str, bus: str) -> None:
    with pool.tx() as tx:
        publish(tx, 1, 2)
        publish(tx, 3, tenant="other")
    relay.request_replay(amqp_uri=bus, source="assignment", queue=QUEUE)
    relay.request_replay(amqp_uri=bus, source="assignment", queue=QUEUE, tenant="other")
    relay.request_replay(amqp_uri=bus, source="assignment", queue="nobody.events-in")
    with amqp.Link(bus, name="test") as link:
        for rubbish in (b"", b"[]", b"{}", b'{"queue": "q", "after": "x"}'):
            link.publish([amqp.Outgoing("", amqp.replays_queue("assignment"), rubbish, "")])
    with running(make_replays(database, bus)):
        until(lambda: depth(bus, QUEUE) == 4)
        until(lambda: not depth(bus, amqp.replays_queue("assignment")))
    assert counts(take(bus, QUEUE)) == [1, 2, 3, 3]


def test_only_one_relay_of_a_database_sends_and_another_takes_over(pool: Pool, database: str, bus: str) -> None:
    first, second = make_relay(database, bus), make_relay(database, bus)
    with running(second):
        with running(first):
            until(lambda: first.trouble is None and second.trouble is None)
            with pool.tx() as tx:
                publish(tx, *range(50))
            until(lambda: not waiting(pool))
            assert counts(take(bus, QUEUE)) == list(range(50))
        with pool.tx() as tx:
            publish(tx, 50)
        until(lambda: not waiting(pool))
    assert counts(take(bus, QUEUE)) == [50]


def test_what_the_broker_did_not_confirm_is_sent_again(
    pool: Pool, database: str, bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay is cut off after publishing and before it can take the events off its list."""
    real = amqp.Link.publish
    cuts = []

    def cut(self: amqp.Link, messages: list[amqp.Outgoing], **options: float) -> set[str]:
        returned = real(self, messages, **options)
        if not cuts:
            cuts.append(len(messages))
            raise ConnectionResetError
        return returned

    monkeypatch.setattr(amqp.Link, "publish", cut)
    with pool.tx() as tx:
        publish(tx, 1, 2)
    with running(make_relay(database, bus)):
        until(lambda: not waiting(pool))
    assert counts(take(bus, QUEUE)) == [1, 2, 1, 2]


@pytest.fixture
def proxy(bus: str) -> Iterator[Proxy]:
    standing_between = Proxy(bus)
    yield standing_between
    standing_between.close()


def test_a_broker_under_an_alarm_is_waited_for_and_nothing_is_sent_twice(
    pool: Pool, database: str, bus: str, proxy: Proxy
) -> None:
    with running(make_relay(database, proxy.uri)) as sender:
        until(lambda: sender.trouble is None)
        proxy.alarm()
        with pool.tx() as tx:
            publish(tx, *range(20))
        until(lambda: sender.trouble)
        assert "alarm" in sender.trouble
        time.sleep(0.3)
        assert waiting(pool) == 20 and take(bus, QUEUE) == []
        proxy.all_clear()
        until(lambda: not waiting(pool))
        assert sender.trouble is None
    assert counts(take(bus, QUEUE)) == list(range(20))


def test_a_relay_that_waits_for_a_blocked_broker_stops_when_asked(
    pool: Pool, database: str, bus: str, proxy: Proxy
) -> None:
    with running(make_relay(database, proxy.uri)) as sender:
        until(lambda: sender.trouble is None)
        proxy.alarm()
        with pool.tx() as tx:
            publish(tx, 1)
        until(lambda: sender.trouble)
        began = time.monotonic()
    assert time.monotonic() - began < 2.0
    assert waiting(pool) == 1


def test_a_broker_that_has_gone_silent_is_given_up_after_a_bounded_wait(bus: str, proxy: Proxy) -> None:
    with amqp.Link(proxy.uri, name="test") as link:
        link.confirm()
        proxy.freeze()
        began = time.monotonic()
        with pytest.raises(amqp.PublishFailed):
            link.publish([amqp.Outgoing("", QUEUE, b"{}", "1")], timeout=1.0)
    proxy.thaw()
    with amqp.Link(proxy.uri, name="test", answer_timeout=0.5) as link:
        proxy.freeze()
        with pytest.raises(amqp.BROKER_ERRORS):
            link.channel.queue_declare(QUEUE, passive=True)
    assert time.monotonic() - began < 8.0


def test_a_broker_that_does_not_answer_at_all_is_given_up_after_a_bounded_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        began = time.monotonic()
        with pytest.raises(amqp.BROKER_ERRORS):
            amqp.Link(f"amqp://127.0.0.1:{mute.getsockname()[1]}/", name="test", connect_timeout=0.5)
    assert time.monotonic() - began < 3.0


def test_the_relay_stops_at_once_when_asked(database: str, bus: str) -> None:
    with running(make_relay(database, bus, poll=60.0)) as sender:
        until(lambda: sender.trouble is None)
        began = time.monotonic()
    assert time.monotonic() - began < 2.0
    assert sender.trouble == "stopped"
