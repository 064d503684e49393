"""Parked events: seen, sent again, dropped, and never lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kundval_chassis import amqp, dead_letters
from kundval_chassis.db import Pool
from kundval_chassis.relay import NoSuchQueue

from .eventing import (
    POISON,
    declare,
    effects,
    event,
    keep,
    make_consumer,
    migrated,
    prepare_effects,
    running,
    send,
    take,
    until,
)

QUEUE = "billing.events-in"
PARKED = amqp.parked_queue(QUEUE)


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    with migrated(database, "billing") as opened:
        prepare_effects(opened)
        yield opened


@pytest.fixture
def bus(fresh_vhost: str, pool: Pool) -> str:
    with pool.tx() as tx:
        tx.execute("TRUNCATE inbox, effect")
    declare(fresh_vhost)
    return fresh_vhost


def park(bus: str, *events: Any) -> list[str]:
    """Put events straight into the parking, as the consumer does it."""
    messages = [
        amqp.Outgoing(
            exchange="",
            routing_key=PARKED,
            body=received.to_json().encode(),
            message_id=received.id,
            headers={
                "x-kundval-queue": QUEUE,
                "x-kundval-attempts": 3,
                "x-kundval-error": "Conflict",
                "x-kundval-code": "NOT_YET",
                "x-kundval-rules": "AMI-1.3-a,NACKA-1",
                "x-kundval-reason": "FAILED",
                "x-kundval-first-failed-at": "2024-06-20T10:00:00+00:00",
                "x-kundval-parked-at": "2024-06-20T10:02:36+00:00",
                "ours": "kept",
            },
        )
        for received in events
    ]
    with amqp.Link(bus, name="test") as link:
        assert not link.publish(messages)
    return [received.id for received in events]


def test_the_list_says_what_failed_and_why_and_changes_nothing(bus: str) -> None:
    ids = park(bus, event(1), event(2, assignment="A-2"))
    send(bus, PARKED, b"rubbish about 19121212-1212")
    for _ in range(3):
        first, second, rubbish = dead_letters.list_parked(bus, QUEUE)
    assert [first.id, second.id] == ids
    assert (first.error, first.code, first.reason, first.attempts) == ("Conflict", "NOT_YET", "FAILED", 3)
    assert first.rules == ("AMI-1.3-a", "NACKA-1")
    assert (second.type, second.subject) == ("se.kundval.assignment.jobs_applied.v1", "A-2")
    assert rubbish.id.startswith("sha256:") and rubbish.type is None
    assert "1212" not in repr(rubbish)
    assert len(dead_letters.list_parked(bus, QUEUE, limit=1)) == 1
    assert dead_letters.depths(bus, QUEUE) == dead_letters.Depths(ready=0, retrying=0, parked=3)


def test_looking_often_uses_up_no_delivery_limit(bus: str) -> None:
    """RabbitMQ 4 drops a message of a quorum queue after twenty deliveries, unless the queue says otherwise."""
    (id,) = park(bus, event(1))
    for _ in range(25):
        assert [row.id for row in dead_letters.list_parked(bus, QUEUE)] == [id]


def test_one_is_shown_without_its_data_unless_asked(bus: str) -> None:
    (id,) = park(bus, event(1))
    send(bus, PARKED, b"rubbish")
    shown = dead_letters.show(bus, QUEUE, id)
    assert shown["headers"]["x-kundval-error"] == "Conflict"
    assert shown["envelope"]["subject"] == "A-1" and "data" not in shown["envelope"]
    assert dead_letters.show(bus, QUEUE, id, with_data=True)["envelope"]["data"]["count"] == 1
    assert json.dumps(shown)
    rubbish = dead_letters.list_parked(bus, QUEUE)[1].id
    assert dead_letters.show(bus, QUEUE, rubbish)["text"] is None
    assert dead_letters.show(bus, QUEUE, rubbish, with_data=True)["text"] == "rubbish"
    with pytest.raises(KeyError):
        dead_letters.show(bus, QUEUE, "nobody")


def test_one_is_sent_again_as_if_it_had_never_failed_and_the_others_stay(bus: str) -> None:
    ids = park(bus, *(event(n) for n in range(5)))
    assert dead_letters.retry(bus, QUEUE, [ids[2]]) == 1
    (again,) = take(bus, QUEUE)
    assert again.properties["message_id"] == ids[2]
    assert again.properties["application_headers"] == {"ours": "kept"}
    assert {row.id for row in dead_letters.list_parked(bus, QUEUE)} == set(ids) - {ids[2]}


def test_all_are_sent_again_and_have_their_effect_once(pool: Pool, bus: str) -> None:
    send(bus, QUEUE, event(POISON), event(1))
    with running(make_consumer(pool, bus, keep, delays=())):
        until(lambda: dead_letters.depths(bus, QUEUE).parked == 1)

    def mended(tx: Any, events: Any) -> None:
        tx.insert_rows("effect", ("n",), [(received.data["count"],) for received in events])

    assert dead_letters.retry(bus, QUEUE) == 1
    with running(make_consumer(pool, bus, mended, delays=())):
        until(lambda: len(effects(pool)) == 2)
    assert effects(pool) == [1, POISON]
    until(lambda: dead_letters.depths(bus, QUEUE) == dead_letters.Depths(0, 0, 0))


def test_what_is_parked_again_meanwhile_is_not_sent_round_and_round(bus: str) -> None:
    park(bus, *(event(n) for n in range(300)))
    assert dead_letters.retry(bus, QUEUE) == 300
    # the broker's counts follow a moment later
    until(lambda: dead_letters.depths(bus, QUEUE) == dead_letters.Depths(ready=300, retrying=0, parked=0))


def test_only_what_is_named_is_dropped(bus: str) -> None:
    ids = park(bus, *(event(n) for n in range(3)))
    assert dead_letters.drop(bus, QUEUE, ids[:2]) == 2
    assert [row.id for row in dead_letters.list_parked(bus, QUEUE)] == [ids[2]]


def test_ids_that_are_not_parked_are_named_and_the_others_are_done(bus: str) -> None:
    (id,) = park(bus, event(1))
    with pytest.raises(KeyError, match="nobody"):
        dead_letters.drop(bus, QUEUE, [id, "nobody"])
    assert dead_letters.list_parked(bus, QUEUE) == []
    (id,) = park(bus, event(1))
    with pytest.raises(KeyError, match="nobody"):
        dead_letters.retry(bus, QUEUE, ["nobody"])
    assert [row.id for row in dead_letters.list_parked(bus, QUEUE)] == [id]


def test_a_retry_that_is_cut_off_leaves_every_message_somewhere(bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = park(bus, *(event(n) for n in range(3)))
    real = amqp.Link.publish

    def cut(self: amqp.Link, messages: Any) -> set[str]:
        real(self, messages)
        raise ConnectionResetError

    monkeypatch.setattr(amqp.Link, "publish", cut)
    with pytest.raises(ConnectionResetError):
        dead_letters.retry(bus, QUEUE)
    monkeypatch.undo()
    assert {row.id for row in dead_letters.list_parked(bus, QUEUE)} == set(ids)
    assert {message.properties["message_id"] for message in take(bus, QUEUE)} == set(ids)


def test_a_queue_that_is_not_there_is_named(fresh_vhost: str) -> None:
    with pytest.raises(NoSuchQueue, match=r"billing\.events-in"):
        dead_letters.list_parked(fresh_vhost, QUEUE)
    assert dead_letters.depths(fresh_vhost, QUEUE) == dead_letters.Depths(0, 0, 0)
