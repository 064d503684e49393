"""Versions of an event side by side: who knows the old reads the old, who knows the new reads the new, each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from marshmallow import EXCLUDE, Schema, fields

from kundval_chassis import amqp, outbox, relay
from kundval_chassis.db import Pool, Tx
from kundval_chassis.partners.copies import copy_of
from kundval_contracts import versions
from kundval_contracts.envelope import BadEvent, Event
from kundval_contracts.events import EVENTS

from .eventing import TENANT, declare, jobs, make_consumer, make_relay, migrated, publish, running, take, until
from .partnering import KEYS, partner

NAME = "assignment.jobs_applied"
SUNSET = date(2027, 6, 30)
FIRST = EVENTS[NAME]


class Second(Schema):
    """`count` is called `applications`, and says of how many kinds."""

    class Meta:
        unknown = EXCLUDE

    assignment = fields.String(required=True)
    fact_id = fields.String(required=True)
    ordinal = fields.Integer(required=True)
    on = fields.Date(required=True)
    known_on = fields.Date(required=True)
    revision = fields.Integer(required=True)
    month = fields.Integer(required=True)
    applications = fields.Integer(required=True)
    kinds = fields.Integer(required=True)


def up(data: dict[str, Any]) -> dict[str, Any]:
    count = data.pop("count")
    return {**data, "applications": count, "kinds": 0}


def down(data: dict[str, Any]) -> dict[str, Any]:
    count, _ = data.pop("applications"), data.pop("kinds")
    return {**data, "count": count}


def second(count: int) -> dict[str, Any]:
    return {**up(jobs(count)), "kinds": 3}


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 2 of an event is the present one, and version 1 is told beside it."""
    monkeypatch.setitem(EVENTS, NAME, replace(FIRST, version=2, schema=Second()))
    monkeypatch.setitem(versions.FORMER, NAME, (versions.Former(1, FIRST.schema, up, down, SUNSET),))


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    with migrated(database) as opened:
        yield opened


# ---------------------------------------------------------------- pure


def test_the_registers_are_whole() -> None:
    assert versions.faults() == []


@pytest.mark.parametrize(
    ("on", "said"),
    [
        (date(2027, 6, 29), [f"{NAME} v1 is dropped in a release of 2027-06-29, before its sunset, 2027-06-30"]),
        (SUNSET, []),
        (date(2027, 7, 1), []),
    ],
    ids=str,
)
@pytest.mark.usefixtures("beside")
def test_a_version_may_be_dropped_from_its_sunset_on(
    monkeypatch: pytest.MonkeyPatch, on: date, said: list[str]
) -> None:
    monkeypatch.setattr(versions, "RELEASE_DAY", on)
    assert versions.faults() == []
    (former,) = versions.FORMER[NAME]
    monkeypatch.setitem(versions.FORMER, NAME, (replace(former, down=None),))
    assert versions.faults() == said
    assert versions.told_as(NAME) == (2,)


@pytest.mark.usefixtures("beside")
def test_a_version_that_nothing_reads_any_more_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(versions.FORMER, NAME)
    (said,) = versions.faults()
    assert said.startswith(f"{NAME}: a version below 2 is missing")


def event(version: int, data: dict[str, Any], *told: int) -> Event:
    return Event.from_json(
        Event(
            id=outbox.new_id(), name=NAME, version=version, subject="A-1", tenant=TENANT,
            time=datetime.now(UTC), sequence=1, data=data, versions=told,
        ).to_json()
    )  # fmt: skip


@pytest.mark.usefixtures("beside")
def test_a_reader_takes_the_highest_version_that_it_knows_and_no_other() -> None:
    old, new = event(1, jobs(5), 1, 2), event(2, second(5), 1, 2)
    assert versions.read(old, 1) == old
    assert versions.read(new, 1) is None
    assert versions.read(old, 2) is None
    assert versions.read(new, 2) == new
    # stored long ago, and told alone: it is brought up
    alone = event(1, jobs(5))
    brought = versions.read(alone, 2)
    assert brought is not None
    assert (brought.id, brought.version, brought.data) == (alone.id, 2, up(jobs(5)))
    with pytest.raises(versions.NewerVersion):
        versions.read(event(3, second(5)), 2)


@pytest.mark.usefixtures("beside")
def test_what_does_not_fit_its_old_version_is_named_by_its_field() -> None:
    with pytest.raises(BadEvent, match=r"data\.count"):
        versions.read(event(1, {**jobs(5), "count": "many"}), 2)


@pytest.mark.parametrize("told", ["", "0", "1 x", "2", "1  2", 12, ["1"]], ids=str)
def test_an_envelope_that_names_its_versions_wrongly_is_no_event(told: Any) -> None:
    raw = json.loads(event(1, jobs(1)).to_json())
    with pytest.raises(BadEvent, match="versions"):
        Event.from_dict({**raw, "versions": told})


@pytest.mark.usefixtures("beside")
def test_a_partner_gets_the_old_version_until_it_asks_for_the_new() -> None:
    row = {
        "sequence": 1, "position": 1, "id": outbox.new_id(), "name": NAME, "version": 2, "subject": "A-1",
        "tenant": TENANT, "occurred_at": datetime.now(UTC), "data": json.dumps(second(5)),
        "restricted": False,
    }  # fmt: skip

    def got(*names: str, version: int = 2, data: dict[str, Any] | None = None) -> dict[str, Any]:
        one = {**row, "version": version, "data": json.dumps(data or second(5))}
        copy = copy_of(one, partner(names=names), KEYS)
        assert copy is not None
        return copy

    old, new = got("assignment.*"), got("#", f"{NAME}.v2")
    assert (old["type"][-2:], old["data"]["count"]) == ("v1", 5)
    assert (new["type"][-2:], new["data"]["applications"]) == ("v2", 5)
    assert "versions" not in old
    assert got(f"{NAME}.v2", version=1, data=jobs(7))["data"]["applications"] == 7
    assert copy_of(row, partner(names=(f"{NAME}.v3",)), KEYS) is None


@pytest.mark.usefixtures("beside")
def test_what_cannot_be_told_in_the_old_version_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    former = versions.Former(1, FIRST.schema, up, lambda data: {}, SUNSET)
    monkeypatch.setitem(versions.FORMER, NAME, (former,))
    with pytest.raises(outbox.InvalidPublication):
        outbox.prepare(NAME, subject="A-1", tenant=TENANT, data=second(1))


# ---------------------------------------------------------------- through the broker


@pytest.mark.servers
def test_old_and_new_consumers_read_what_was_and_what_is(
    pool: Pool, database: str, fresh_vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 1 is stored; then version 2 comes beside it. One consumer knows 1, one both, and a plain queue is bound
    to the event's name alone. Each has each event once, and a replay changes nothing.
    """
    with pool.tx() as tx:
        publish(tx, 1)
    monkeypatch.setitem(EVENTS, NAME, replace(FIRST, version=2, schema=Second()))
    monkeypatch.setitem(versions.FORMER, NAME, (versions.Former(1, FIRST.schema, up, down, SUNSET),))
    with pool.tx() as tx:
        tx.publish(NAME, subject="A-1", tenant=TENANT, data=second(2))
        tx.execute("INSERT INTO restricted_subject (tenant, subject, restricted) VALUES (%s, 'A-2', true)", (TENANT,))
        data = {**second(3), "assignment": "A-2"}
        tx.publish(NAME, subject="A-2", tenant=TENANT, data=data)

    read: dict[str, list[tuple[int, int]]] = {"old": [], "new": []}

    def keeper(who: str) -> Any:
        def keep(tx: Tx, events: list[Event]) -> None:
            for one in events:
                read[who].append((one.version, one.data.get("count", one.data.get("applications"))))

        return keep

    declare(fresh_vhost)
    with amqp.Link(fresh_vhost, name="test") as link:
        plain = link.channel.queue_declare("plain", durable=True, auto_delete=False).queue
        link.channel.queue_bind(plain, "assignment.events", NAME)
        link.settle()
    old = make_consumer(pool, fresh_vhost, keeper("old"), queue="billing.events-in", types={NAME: FIRST})
    expected = {"old": [(1, 1), (1, 2), (1, 3)], "new": [(2, 1), (2, 2), (2, 3)]}
    for who, consumer in (("old", old), ("new", None)):
        with pool.tx() as tx:
            # each has an inbox of its own
            tx.execute("DELETE FROM inbox")
            tx.execute("DELETE FROM told_event")
            tx.execute("INSERT INTO outbox SELECT sequence FROM event ON CONFLICT DO NOTHING")
        consumer = consumer or make_consumer(pool, fresh_vhost, keeper("new"), queue="billing.events-in")
        with running(consumer), running(make_relay(database, fresh_vhost)):
            until(lambda who=who: len(read[who]) >= 3, 20)
            relay.replay(database_uri=database, amqp_uri=fresh_vhost, queue="billing.events-in")
            until(lambda: not _waiting(fresh_vhost, "billing.events-in"))
    assert {who: sorted(found) for who, found in read.items()} == expected
    with amqp.Link(fresh_vhost, name="test") as link:
        assert not link.depth("billing.events-in.parked")
    # by its name alone only version 1 comes, masked where the person is protected
    heard = [json.loads(message.body) for message in take(fresh_vhost, "plain")]
    assert {one["type"][-2:] for one in heard} == {"v1"}
    assert {one["data"]["count"]: one.get("masked", False) for one in heard} == {1: False, 2: False, 3: True}
    assert all(one["versions"] == "1 2" for one in heard)
    with pool.tx(readonly=True) as tx:
        assert tx.value("SELECT count(*) FROM event WHERE returned_at IS NOT NULL") == 0


def _waiting(vhost: str, queue: str) -> int:
    with amqp.Link(vhost, name="test") as link:
        return link.depth(queue) or 0
