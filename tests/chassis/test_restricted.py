"""Protected persons on the bus: the services get every event whole and once, everybody else a masked copy."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from amqp.exceptions import AccessRefused
from prometheus_client import CollectorRegistry

from kundval_chassis import amqp, inbox, migrate, outbox, relay, telemetry
from kundval_chassis.db import Pool, Tx
from kundval_contracts.envelope import Event

from .eventing import (
    TENANT,
    declare,
    event,
    make_consumer,
    make_relay,
    make_replays,
    migrated,
    prepare_effects,
    running,
    send,
    take,
    until,
)

QUEUE = "billing.events-in"
PARTNER = "partner.register"
CHOSEN = "assignment.provider_chosen"
SERVICE = Path(__file__).with_name("eventing_service.py")


@pytest.fixture(scope="module")
def source(make_database: Callable[..., str]) -> str:
    """The database of assignment."""
    return make_database("assignment")


@pytest.fixture(scope="module")
def assignment(source: str) -> Iterator[Pool]:
    with migrated(source) as opened:
        yield opened


@pytest.fixture(scope="module")
def billing(database: str) -> Iterator[Pool]:
    with migrated(database, "billing") as opened:
        prepare_effects(opened)
        with opened.tx() as tx:
            tx.execute("CREATE TABLE heard_of (n bigint GENERATED ALWAYS AS IDENTITY, provider text NOT NULL)")
        yield opened


@pytest.fixture
def bus(fresh_vhost: str, assignment: Pool, billing: Pool) -> str:
    """A virtual host with billing's queue and a partner's; nothing was published or heard yet."""
    with assignment.tx() as tx:
        tx.execute("TRUNCATE event, outbox, restricted_subject")
    with billing.tx() as tx:
        tx.execute("TRUNCATE event, outbox, inbox, subscription, restricted_subject, heard_of, effect")
    declare(fresh_vhost)
    partner(fresh_vhost)
    return fresh_vhost


def partner(vhost: str, queue: str = PARTNER, exchange: str = "assignment.events") -> None:
    """A queue of somebody else who listens to everything that everybody may hear."""
    with amqp.Link(vhost, name="partner") as link:
        link.channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
        link.channel.queue_declare(queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        link.channel.queue_bind(queue, exchange, "#")


def tell(tx: Tx, *numbers: int, subject: str = "A-1", restricted: bool = True) -> None:
    """Publish that a provider was chosen, `harbour-1` and so on: that is where the client is."""
    for number in numbers:
        data = {
            "assignment": subject,
            "fact_id": f"f{number}",
            "ordinal": number,
            "on": "2024-05-01",
            "known_on": "2024-05-02",
            "revision": 1,
            "provider": f"harbour-{number}",
        }
        tx.publish(CHOSEN, subject=subject, tenant=TENANT, data=data, restricted=restricted)


def remember(tx: Tx, events: list[Event]) -> None:
    """A handler that keeps the providers it hears of."""
    tx.insert_rows("heard_of", ("provider",), [(one.data["provider"],) for one in events if one.name == CHOSEN])


def told(pool: Pool) -> list[str]:
    with pool.tx(readonly=True) as tx:
        return [row["provider"] for row in tx.query("SELECT provider FROM heard_of ORDER BY n")]


def harbours(*numbers: int) -> list[str]:
    return [f"harbour-{number}" for number in numbers]


def handled(pool: Pool) -> int:
    with pool.tx(readonly=True) as tx:
        return inbox.handled(tx, TENANT).get("assignment", 0)


def count(pool: Pool, table: str = "outbox", where: str = "true") -> int:
    with pool.tx(readonly=True) as tx:
        return int(tx.value(f"SELECT count(*) FROM {table} WHERE {where}"))


def sent(pool: Pool) -> bool:
    return not count(pool)


def depth(vhost: str, queue: str) -> int:
    with amqp.Link(vhost, name="test") as link:
        return link.depth(queue) or 0


def read(vhost: str, queue: str) -> list[Event]:
    return [Event.from_json(message.body) for message in take(vhost, queue)]


def providers(events: list[Event]) -> list[str]:
    return [one.data["provider"] for one in events if one.name == CHOSEN]


# --- to whom -------------------------------------------------------------------------------------------


def test_a_partner_gets_a_masked_copy_with_the_same_envelope_and_the_services_the_whole(
    source: str, assignment: Pool, bus: str
) -> None:
    with assignment.tx() as tx:
        tell(tx, 1)
    with running(make_relay(source, bus)):
        until(lambda: sent(assignment))
    (copy,) = take(bus, PARTNER)
    both = [json.loads(message.body) for message in take(bus, QUEUE)]
    (whole,) = (one for one in both if "masked" not in one)
    masked = json.loads(copy.body)
    assert masked in both and len(both) == 2
    assert whole.pop("restricted") is True and masked.pop("masked") is True
    assert whole["data"].pop("provider") == "harbour-1" and masked["data"].pop("provider") == "MASKED"
    assert whole == masked
    assert copy.properties["message_id"] == whole["id"]
    assert copy.delivery_info["routing_key"] == CHOSEN
    assert not outbox.event_types()[CHOSEN].schema.validate({**masked["data"], "provider": "MASKED"})


def test_services_handle_everything_once_and_in_order_and_partners_see_no_whereabouts(
    source: str, assignment: Pool, billing: Pool, bus: str
) -> None:
    declare(bus, "scheduling.events-in")
    passed_over = masked_copies()
    with running(make_relay(source, bus, batch=7)), running(make_consumer(billing, bus, remember, batch=5)):
        for number in range(60):
            with assignment.tx() as tx:
                tell(tx, number, subject=f"A-{number % 3}", restricted=number % 3 == 0)
        until(lambda: len(told(billing)) == 60)
        until(lambda: sent(assignment) and not depth(bus, QUEUE))
    assert told(billing) == harbours(*range(60))
    # so that positions and the number of events agree
    assert handled(billing) == 60 == count(assignment, "event")
    assert masked_copies() - passed_over == 20
    other = [one for one in read(bus, "scheduling.events-in") if not one.masked]
    assert providers(other) == harbours(*range(60))
    heard = read(bus, PARTNER)
    assert [one.masked for one in heard] == [number % 3 == 0 for number in range(60)]
    assert providers(heard) == [f"harbour-{n}" if n % 3 else "MASKED" for n in range(60)]
    assert {one.id for one in heard} == {one.id for one in other}


def masked_copies() -> float:
    registry: CollectorRegistry = telemetry.REGISTRY
    labels = {"service": "billing", "source": "assignment"}
    return registry.get_sample_value("kundval_events_masked_total", labels) or 0.0


def test_an_event_about_nobody_protected_is_one_message_as_before(source: str, assignment: Pool, bus: str) -> None:
    with amqp.Link(bus, name="test") as link:
        amqp.declare_restricted(link.channel, "assignment")
    partner(bus, "spy", "assignment.restricted")
    with assignment.tx() as tx:
        tell(tx, 1, 2, restricted=False)
    with running(make_relay(source, bus)):
        until(lambda: sent(assignment))
    whole = [json.loads(message.body) for message in take(bus, QUEUE)]
    assert whole == [json.loads(message.body) for message in take(bus, PARTNER)]
    assert len(whole) == 2 and not any({"masked", "restricted"} & one.keys() for one in whole)
    assert take(bus, "spy") == []


def test_another_system_that_uses_the_chassis_hears_masked_copies_and_gets_no_binding(
    source: str, assignment: Pool, billing: Pool, bus: str
) -> None:
    seen: list[Event] = []
    consumer = make_consumer(billing, bus, lambda tx, events: seen.extend(events), service="statistics")
    with running(make_relay(source, bus)), running(consumer):
        until(lambda: consumer.trouble is None)
        with assignment.tx() as tx:
            tell(tx, 1)
        until(lambda: seen)
        until(lambda: sent(assignment))
    assert [(one.masked, one.data["provider"]) for one in seen] == [(True, "MASKED")]


def test_nobody_who_listens_to_restricted_events_holds_up_nothing_and_they_are_kept(
    source: str, assignment: Pool, fresh_vhost: str
) -> None:
    with assignment.tx() as tx:
        tx.execute("TRUNCATE event, outbox, restricted_subject")
        tell(tx, 1)
        tell(tx, 2, restricted=False)
    with running(make_relay(source, fresh_vhost)) as sender:
        until(lambda: sent(assignment))
        assert sender.trouble is None
        assert count(assignment, "event", "returned_at IS NOT NULL") == 2
        # a partner alone: the copy arrives, and that no service took the whole event is remembered all the same
        partner(fresh_vhost)
        with assignment.tx() as tx:
            tell(tx, 3)
            tell(tx, 4, restricted=False)
        until(lambda: sent(assignment))
        assert count(assignment, "event", "returned_at IS NOT NULL") == 3
        assert count(assignment, "event", "returned_at IS NOT NULL AND data ->> 'provider' = 'harbour-3'") == 1
        # services alone: that nobody else listens is no matter
        with amqp.Link(fresh_vhost, name="test") as link:
            link.channel.queue_unbind(PARTNER, "assignment.events", "#")
            link.channel.queue_declare("only", durable=True, auto_delete=False)
            link.channel.queue_bind("only", "assignment.restricted", "#")
        with assignment.tx() as tx:
            tell(tx, 5)
        until(lambda: sent(assignment))
        assert count(assignment, "event", "returned_at IS NOT NULL") == 3
    assert providers(read(fresh_vhost, "only")) == harbours(5)
    assert providers(read(fresh_vhost, PARTNER)) == ["MASKED", "harbour-4"]


def test_a_partners_user_with_the_permissions_of_the_handbook_reaches_nothing_restricted(
    servers: Any, source: str, assignment: Pool, bus: str
) -> None:
    """The pattern is that of docs/how-to/operate.md."""
    name, password = f"t_{secrets.token_hex(4)}", secrets.token_hex(8)
    where = urlsplit(bus)
    vhost = where.path.lstrip("/")
    servers.api("PUT", f"users/{name}", {"password": password, "tags": ""})
    try:
        own = r"^partner\..*"
        allowed = {"configure": own, "write": own + r"|^amq\.default$", "read": own + r"|^[a-z]+\.events$"}
        servers.api("PUT", f"permissions/{vhost}/{name}", allowed)
        theirs = where._replace(netloc=f"{name}:{password}@{where.hostname}:{where.port}").geturl()
        with assignment.tx() as tx:
            tell(tx, 1)
        with running(make_relay(source, bus)):
            until(lambda: sent(assignment))
        assert providers(read(theirs, PARTNER)) == ["MASKED"]
        refused: list[Callable[[Any], object]] = [
            lambda channel: channel.queue_bind(PARTNER, "assignment.restricted", "#"),
            lambda channel: channel.queue_bind(PARTNER, "billing.restricted", "#"),
            lambda channel: channel.exchange_declare("assignment.restricted", "fanout", passive=False),
            lambda channel: channel.basic_get(QUEUE),
            lambda channel: channel.basic_get(amqp.parked_queue(QUEUE)),
            lambda channel: channel.basic_consume(amqp.retry_queue(QUEUE, 100)),
            lambda channel: channel.queue_delete(QUEUE),
            lambda channel: channel.queue_bind(QUEUE, "assignment.events", "#"),
        ]
        for attempt in refused:
            with pytest.raises(AccessRefused), amqp.Link(theirs, name="partner") as link:
                attempt(link.channel)
        # what it may: listen, and ask for what was
        with amqp.Link(theirs, name="partner") as link:
            link.channel.queue_bind(PARTNER, "assignment.events", "#")
            request = json.dumps({"queue": PARTNER}).encode()
            with amqp.Link(bus, name="test") as ours:
                amqp.declare_replays(ours.channel, "assignment")
            assert not link.publish([amqp.Outgoing("", "assignment.replays", request, "")])
        with running(make_replays(source, bus)):
            until(lambda: depth(bus, PARTNER) == 1)
        assert providers(read(theirs, PARTNER)) == ["MASKED"]
    finally:
        servers.api("DELETE", f"users/{name}")


def test_an_event_about_an_assignment_must_have_it_as_its_subject(assignment: Pool, bus: str) -> None:
    """Else one about a protected person could leave under another name."""
    data = {"assignment": "A-1", "restricted": True}
    with pytest.raises(outbox.InvalidPublication) as refused, assignment.tx() as tx:
        tx.publish("assignment.protection_changed", subject=TENANT, tenant=TENANT, data=data)
    assert set(refused.value.faults) == {"subject"}
    assert not count(assignment, "event")


# --- what is killed, and when ----------------------------------------------------------------------------


@pytest.mark.parametrize("before", [1, 2, 3])
def test_a_relay_that_is_cut_off_between_the_two_messages_repeats_both_and_leaks_nothing(
    source: str, assignment: Pool, billing: Pool, bus: str, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    real = amqp.Link.publish
    cuts: list[list[amqp.Outgoing]] = []

    def cut(self: amqp.Link, messages: list[amqp.Outgoing], **options: Any) -> set[str]:
        if not cuts and len(messages) == 4:
            cuts.append(messages)
            real(self, messages[:before], **options)
            raise ConnectionResetError
        return real(self, messages, **options)

    monkeypatch.setattr(amqp.Link, "publish", cut)
    with assignment.tx() as tx:
        tell(tx, 1, 2)
    with running(make_relay(source, bus)):
        until(lambda: sent(assignment))
    assert cuts
    assert depth(bus, QUEUE) == before + 4
    with running(make_consumer(billing, bus, remember)):
        until(lambda: len(told(billing)) == 2)
        until(lambda: not depth(bus, QUEUE))
    assert told(billing) == harbours(1, 2)
    assert handled(billing) == 2
    heard = read(bus, PARTNER)
    assert all(one.masked for one in heard) and set(providers(heard)) == {"MASKED"}
    assert len({one.id for one in heard}) == 2


@contextmanager
def process(database: str, vhost: str) -> Iterator[subprocess.Popen[str]]:
    """The service of `eventing_service.py`, started: it publishes an event of billing for each event it hears."""
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


def test_a_service_that_is_killed_while_it_tells_of_protected_persons_loses_and_leaks_nothing(
    database: str, billing: Pool, bus: str
) -> None:
    """What follows from a restricted event is restricted too, in another service, whenever that is killed."""
    partner(bus, "partner.postings", "billing.events")
    declare(bus, "notifications.events-in", source="billing")
    number = 800
    send(bus, QUEUE, *(event(n, assignment=f"A-{n}", restricted=n % 2 == 0) for n in range(number)))
    for killed_at in (number // 5, number // 2):
        with process(database, bus) as service:
            until(lambda wanted=killed_at: count(billing, "effect") > wanted)
            service.kill()
    with process(database, bus) as service:
        until(lambda: count(billing, "event") == number and sent(billing), 60)
        service.terminate()
        assert service.wait(10) == 0
    assert count(billing, "effect") == number
    heard = read(bus, "partner.postings")
    assert {one.subject for one in heard} == {f"A-{n}" for n in range(number)}
    assert {one.subject for one in heard if one.masked} == {f"A-{n}" for n in range(0, number, 2)}
    whole = [one for one in read(bus, "notifications.events-in") if not one.masked]
    assert {one.subject for one in whole} == {f"A-{n}" for n in range(number)}
    assert {one.subject for one in whole if one.restricted} == {f"A-{n}" for n in range(0, number, 2)}


# --- replays -------------------------------------------------------------------------------------------


def test_a_replay_gives_a_queue_of_the_suite_whole_events_and_every_other_masked_ones(
    source: str, assignment: Pool, bus: str
) -> None:
    with assignment.tx() as tx:
        tell(tx, 1)
        tell(tx, 2, restricted=False)
    where = {"database_uri": source, "amqp_uri": bus}
    for queue in (QUEUE, PARTNER):
        assert relay.replay(**where, queue=queue) == 2
    ours, theirs = read(bus, QUEUE), read(bus, PARTNER)
    assert [(one.restricted, one.masked, one.data["provider"]) for one in ours] == [
        (True, False, "harbour-1"),
        (False, False, "harbour-2"),
    ]
    assert [(one.restricted, one.masked, one.data["provider"]) for one in theirs] == [
        (False, True, "MASKED"),
        (False, False, "harbour-2"),
    ]
    assert [one.id for one in ours] == [one.id for one in theirs]
    # asked for through the broker: the same
    for queue in (QUEUE, PARTNER):
        relay.request_replay(amqp_uri=bus, source="assignment", queue=queue)
    with running(make_replays(source, bus)):
        until(lambda: depth(bus, QUEUE) == 2 and depth(bus, PARTNER) == 2)
    assert read(bus, QUEUE) == ours
    assert read(bus, PARTNER) == theirs


@pytest.mark.parametrize("queue", [f"{QUEUE}.parked", "billing", "x.events-in", "Billing.events-in", f"{QUEUE} "])
def test_a_queue_that_only_looks_like_one_of_the_suite_gets_masked_copies(
    source: str, assignment: Pool, bus: str, queue: str
) -> None:
    if not queue.endswith(".parked"):
        with amqp.Link(bus, name="test") as link:
            link.channel.queue_declare(queue, durable=True, auto_delete=False)
    with assignment.tx() as tx:
        tell(tx, 1)
    assert relay.replay(database_uri=source, amqp_uri=bus, queue=queue) == 1
    assert providers(read(bus, queue)) == ["MASKED"]


def test_only_the_restricted_events_can_be_asked_for(source: str, assignment: Pool, bus: str) -> None:
    with assignment.tx() as tx:
        tell(tx, 1, 2, subject="A-1", restricted=False)
        tell(tx, 3, subject="A-2")
        tell(tx, 4, subject="A-3", restricted=False)
        outbox.restrict(tx, TENANT, "A-3")
        tell(tx, 5, subject="A-1", restricted=False)
    relay.request_replay(amqp_uri=bus, source="assignment", queue=QUEUE, restricted=True)
    with running(make_replays(source, bus)):
        until(lambda: not depth(bus, amqp.replays_queue("assignment")))
        until(lambda: depth(bus, QUEUE) == 3)
    found = read(bus, QUEUE)
    assert providers(found) == harbours(3, 4) and all(one.restricted for one in found)


# --- protection that begins and ends -------------------------------------------------------------------


def test_protection_that_comes_later_holds_for_what_waits_and_for_what_is_sent_again(
    source: str, assignment: Pool, billing: Pool, bus: str
) -> None:
    with assignment.tx() as tx:
        tell(tx, 1, restricted=False)
        tell(tx, 2, subject="A-2", restricted=False)
    with running(make_relay(source, bus)):
        until(lambda: sent(assignment))
    # nobody was protected: everybody knows
    assert providers(read(bus, PARTNER)) == harbours(1, 2)
    with assignment.tx() as tx:
        tell(tx, 3, restricted=False)
    with assignment.tx() as tx:
        assert outbox.restrict(tx, TENANT, "A-1")
        # whoever publishes need not know
        tell(tx, 4, restricted=False)
        assert not outbox.restrict(tx, TENANT, "A-1")
    with running(make_relay(source, bus)), running(make_consumer(billing, bus, remember)):
        until(lambda: sent(assignment))
        until(lambda: len(told(billing)) == 4)
    assert told(billing) == harbours(1, 2, 3, 4)
    heard = read(bus, PARTNER)
    assert [(one.name, one.masked) for one in heard] == [
        (CHOSEN, True),
        ("assignment.protection_changed", True),
        (CHOSEN, True),
    ]
    assert relay.replay(database_uri=source, amqp_uri=bus, queue=PARTNER) == 5
    assert providers(read(bus, PARTNER)) == ["MASKED", "harbour-2", "MASKED", "MASKED"]
    # the same name with another municipality is another person
    with assignment.tx() as tx:
        assert outbox.restrict(tx, "elsewhere", "A-1")


def test_when_protection_ends_everything_is_told_whole_again(
    source: str, assignment: Pool, billing: Pool, bus: str
) -> None:
    with assignment.tx() as tx:
        outbox.restrict(tx, TENANT, "A-1")
        tell(tx, 1)
        tell(tx, 9, subject="A-9")
    with running(make_relay(source, bus)), running(make_consumer(billing, bus, remember)):
        until(lambda: len(told(billing)) == 2)
        assert restricted(billing) == {"A-1", "A-9"}
        with assignment.tx() as tx:
            assert outbox.unrestrict(tx, TENANT, "A-1")
            assert not outbox.unrestrict(tx, TENANT, "A-1")
            tell(tx, 2, restricted=False)
        until(lambda: len(told(billing)) == 3)
        until(lambda: sent(assignment))
    assert restricted(billing) == {"A-9"}
    assert providers(read(bus, PARTNER)) == ["MASKED", "MASKED", "harbour-2"]
    relay.replay(database_uri=source, amqp_uri=bus, queue=PARTNER)
    assert providers(read(bus, PARTNER)) == ["harbour-1", "MASKED", "harbour-2"]


def test_protection_is_part_of_the_transaction_that_decides_it(assignment: Pool, bus: str) -> None:
    with pytest.raises(RuntimeError), assignment.tx() as tx:
        outbox.restrict(tx, TENANT, "A-1")
        raise RuntimeError
    assert not restricted(assignment) and not count(assignment, "event")


def restricted(pool: Pool) -> set[str]:
    with pool.tx(readonly=True) as tx:
        return {row["subject"] for row in tx.query("SELECT subject FROM restricted_subject WHERE restricted")}


def test_the_other_services_tell_nobody_what_they_hear_about_a_protected_person(
    source: str, database: str, assignment: Pool, billing: Pool, bus: str
) -> None:
    """Protection that is decided without anything else happening reaches them too."""
    partner(bus, "partner.postings", "billing.events")
    declare(bus, "notifications.events-in", source="billing")
    with assignment.tx() as tx:
        outbox.restrict(tx, TENANT, "A-1")
    with running(make_relay(source, bus)), running(make_consumer(billing, bus, remember)):
        until(lambda: restricted(billing) == {"A-1"})
    posting = {"entry": "1", "kind": "MONTHLY_FEE", "sequence": 1, "amount": "100.00", "provider": "harbour-1"}
    with billing.tx() as tx:
        for subject in ("A-1", "A-2"):
            data = {"assignment": subject, "run": "2024-07-01", "postings": [posting]}
            tx.publish("billing.posted", subject=subject, tenant=TENANT, data=data)
    sender = relay.Relay(service="billing", database_uri=database, amqp_uri=bus)
    with running(sender):
        until(lambda: sent(billing))
    heard = {one.subject: one for one in read(bus, "partner.postings")}
    assert heard["A-1"].masked and heard["A-1"].data["postings"] == [{**posting, "provider": "MASKED"}]
    assert not heard["A-2"].masked and heard["A-2"].data["postings"] == [posting]
    whole = [one for one in read(bus, "notifications.events-in") if not one.masked]
    assert [one.data["postings"][0]["provider"] for one in whole] == ["harbour-1", "harbour-1"]


def said(sequence: int, restricted: bool) -> Event:
    data = {"assignment": "A-1", "restricted": restricted}
    return event(0, name="assignment.protection_changed", sequence=sequence, data=data)


STATEMENTS = (said(10, True), said(20, False), event(1, sequence=15, restricted=True), said(30, True))


@pytest.mark.parametrize("size", [1, 2, 4])
def test_what_assignment_said_last_counts_whatever_order_it_arrives_in(billing: Pool, bus: str, size: int) -> None:
    for length in range(1, len(STATEMENTS) + 1):
        latest = max(STATEMENTS[:length], key=lambda one: one.sequence)
        expected = {"A-1"} if latest.data.get("restricted", True) else set()
        for order in permutations(STATEMENTS[:length]):
            with billing.tx() as tx:
                tx.execute("TRUNCATE restricted_subject")
                for start in range(0, length, size):
                    outbox.heed(tx, order[start : start + size])
            assert restricted(billing) == expected, [one.sequence for one in order]


def test_numbers_of_another_service_say_nothing_about_protection(billing: Pool, bus: str) -> None:
    data = {"assignment": "A-1", "run": "2024-07-01", "postings": []}
    with billing.tx() as tx:
        outbox.heed(tx, [said(20, False), event(1, name="billing.posted", sequence=90, data=data, restricted=True)])
        outbox.heed(tx, [said(30, True)])
    assert restricted(billing) == {"A-1"}


def test_an_event_that_was_published_in_vain_is_no_word_about_protection(billing: Pool, bus: str) -> None:
    """The word is taken in the transaction of the effect: if that fails, it is heard again with the event."""
    attempts: list[int] = []

    def handle(tx: Tx, events: list[Event]) -> None:
        attempts.append(len(events))
        if len(attempts) < 3:
            raise RuntimeError
        remember(tx, events)

    send(bus, QUEUE, event(1, restricted=True))
    with running(make_consumer(billing, bus, handle)):
        until(lambda: attempts)
        assert len(attempts) > 2 or not restricted(billing)
        until(lambda: restricted(billing) == {"A-1"})
    assert len(attempts) == 3


# --- upgrade -------------------------------------------------------------------------------------------


def test_a_queue_from_before_there_were_restricted_events_gets_them_all_after_a_restart(
    source: str, assignment: Pool, billing: Pool, bus: str
) -> None:
    with amqp.Link(bus, name="test") as link:
        link.channel.queue_unbind(QUEUE, "assignment.restricted", "#")
    with billing.tx() as tx:
        # as the older version wrote it
        tx.execute("INSERT INTO subscription (source) VALUES ('assignment')")
    with assignment.tx() as tx:
        tell(tx, 1, subject="A-2", restricted=False)
        tell(tx, 2)
    with running(make_relay(source, bus)), running(make_replays(source, bus)):
        until(lambda: sent(assignment))
        assert [one.masked for one in read(bus, PARTNER)] == [False, True]
        assert depth(bus, QUEUE) == 2
        with running(make_consumer(billing, bus, remember)):
            until(lambda: len(told(billing)) == 2)
            with assignment.tx() as tx:
                tell(tx, 3)
            until(lambda: len(told(billing)) == 3)
            until(lambda: not depth(bus, QUEUE))
        assert sorted(told(billing)) == harbours(1, 2, 3)
        assert handled(billing) == 3
        # it asks once
        with running(make_consumer(billing, bus, remember)) as consumer:
            until(lambda: consumer.trouble is None)
        assert not depth(bus, amqp.replays_queue("assignment"))
    assert count(billing, "subscription", "restricted") == 1


def test_a_queue_from_before_asks_for_no_more_than_it_lacks(billing: Pool, bus: str) -> None:
    with billing.tx() as tx:
        tx.execute("INSERT INTO subscription (source) VALUES ('assignment')")
    with running(make_consumer(billing, bus, remember, sources=["assignment", "scheduling"])) as consumer:
        until(lambda: consumer.trouble is None)
    (known,) = take(bus, amqp.replays_queue("assignment"))
    (new,) = take(bus, amqp.replays_queue("scheduling"))
    assert json.loads(known.body)["restricted"] is True
    assert "restricted" not in json.loads(new.body)


def test_a_queue_that_was_lost_gets_whole_events_from_the_beginning(
    source: str, assignment: Pool, billing: Pool, bus: str
) -> None:
    with assignment.tx() as tx:
        tell(tx, 1, 2)
        tell(tx, 3, subject="A-2", restricted=False)
    with amqp.Link(bus, name="test") as link:
        link.channel.queue_delete(QUEUE)
    with running(make_relay(source, bus)), running(make_replays(source, bus)):
        until(lambda: sent(assignment))
        with running(make_consumer(billing, bus, remember)):
            until(lambda: len(told(billing)) == 3)
            until(lambda: not depth(bus, QUEUE))
    assert told(billing) == harbours(1, 2, 3)


def test_the_migration_leaves_what_was_kept_unrestricted_and_the_older_version_working(
    fresh_database: str, bus: str
) -> None:
    newer = [one for one in migrate.available("probe") if one.name >= "0005_restricted"]
    older = [one for one in migrate.available("probe") if one not in newer]
    # as the older version writes them
    store = (
        "INSERT INTO event (id, name, version, subject, tenant, occurred_at, data)"
        " VALUES (gen_random_uuid(), 'assignment.started', 1, 'A-1', 't', now(), '{}')"
    )
    ask = "INSERT INTO subscription (source) VALUES (%s) ON CONFLICT DO NOTHING"
    assert migrate.apply(fresh_database, "probe", older) == older
    with Pool(fresh_database, name="test") as pool:
        with pool.tx() as tx:
            tx.execute(store)
            tx.execute(ask, ("assignment",))
        assert migrate.apply(fresh_database, "probe") == newer
        with pool.tx() as tx:
            tx.execute(store)
            tx.execute(ask, ("billing",))
        assert count(pool, "event", "NOT restricted") == 2
        assert count(pool, "subscription", "NOT restricted") == 2
    assert relay.replay(database_uri=fresh_database, amqp_uri=bus, queue=PARTNER) == 2
    assert not any(one.masked for one in read(bus, PARTNER))
