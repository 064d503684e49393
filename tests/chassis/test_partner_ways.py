"""What is told to partners on real servers, by queues and webhooks: all, in order, whoever is away or killed."""

from __future__ import annotations

import ipaddress
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from amqp import AMQPError, Message
from amqp.exceptions import AccessRefused

from kundval_chassis import amqp, outbox, telemetry
from kundval_chassis.amqp import Link, Outgoing
from kundval_chassis.db import Pool
from kundval_chassis.partners import distribute, outlets, parked, registry, ways
from kundval_chassis.partners.broker import Broker, BrokerRefuses, by_hand
from kundval_chassis.partners.distribute import Distributor
from kundval_chassis.partners.outlets import Away, Failed, Outlet, Patience, QueueOutlet, WebhookOutlet
from kundval_chassis.partners.registry import Partner, SecretKind, Way
from kundval_chassis.web import trusting
from kundval_contracts import webhooks
from kundval_contracts.client import Client
from kundval_contracts.events import MASKED
from tests.conftest import Servers
from tests.notifications.servers import Answer, HttpServer, Request

from .eventing import TENANT, Proxy, jobs, migrated, publish, running, take, until
from .partnering import KEYS, LATER, enter, keep, partner

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
#: quick, so that nothing has to be waited for
PATIENCE = Patience(wait=(0.02, 0.05), away=(0.02, 0.05), attempts=4, most=0.1)


@pytest.fixture(scope="module")
def opened(database: str) -> Iterator[Pool]:
    with migrated(database) as found:
        yield found


@pytest.fixture
def pool(opened: Pool) -> Pool:
    """The database of assignment: nothing was published yet, and there is no partner."""
    with opened.tx() as tx:
        tx.execute("TRUNCATE event, outbox, told_event, restricted_subject RESTART IDENTITY")
        tx.execute("TRUNCATE partner, partner_way, partner_parked")
    return opened


@pytest.fixture
def hook() -> Iterator[HttpServer]:
    """The partner's own web server."""
    with HttpServer() as server:
        yield server


def tell(pool: Pool, *counts: int, **where: str) -> None:
    """Publish events and have them told."""
    with pool.tx() as tx:
        publish(tx, *counts, **where)
    enter(pool)


def by_queue(id: str | None = None, **changes: Any) -> Partner:
    return partner(id or f"q{uuid.uuid4().hex[:8]}", ways=frozenset({Way.QUEUE}), **changes)


def by_webhook(hook: HttpServer, id: str = "register", **changes: Any) -> Partner:
    return partner(id, **{"ways": frozenset({Way.WEBHOOK}), "webhook_url": f"{hook.base}/in", **changes})


def outlet(amqp_uri: str) -> Callable[[Way, str, Callable[[], bool]], Outlet]:
    def make(way: Way, name: str, stopping: Callable[[], bool]) -> Outlet:
        if way is Way.QUEUE:
            return QueueOutlet(amqp_uri, name, stopping)
        return WebhookOutlet(trusting(None), KEYS, LOOPBACK)

    return make


def distributor(database: str, vhost: str = "amqp://nobody@127.0.0.1:1//", **changes: Any) -> Distributor:
    options = {"outlet": outlet(vhost), "patience": PATIENCE, **changes}
    return Distributor(service="assignment", database_uri=database, keys=KEYS, **options)


def counts(bodies: Sequence[bytes | str]) -> list[int]:
    return [json.loads(body)["data"]["count"] for body in bodies]


def posted(hook: HttpServer) -> list[int]:
    return counts([request.body for request in hook.requests])


def first_seen(numbers: Sequence[int]) -> list[int]:
    """Without what came again."""
    return list(dict.fromkeys(numbers))


def state(pool: Pool, who: Partner, way: Way) -> ways.State:
    with pool.tx(readonly=True) as tx:
        found = ways.state(tx.conn, who.id, way)
    assert found is not None
    return found


def aside(pool: Pool, who: Partner) -> list[parked.Parked]:
    with pool.tx(readonly=True) as tx:
        return parked.read(tx.conn, who.id)


def test_waiting_grows_and_is_never_longer_than_the_receiver_may_ask() -> None:
    patience = Patience()
    assert [patience.after(Failed("HTTP_500"), one) for one in range(9)] == [1, 5, 30, 120, 600, 1800, *[3600] * 3]
    assert [patience.after(Away("HTTP_503"), one) for one in range(6)] == [1, 5, 30, 120, 300, 300]
    assert [patience.after(Away("HTTP_429", asked), 1) for asked in (0, 60, 99_999)] == [5, 60, 3600]
    # who reads its queue again gets on at once, however long it has not
    assert QueueOutlet.patience.after(Away("QUEUE_FULL"), 1000) <= 2


# ---------------------------------------------------------------- queue


def test_a_late_partner_gets_all_from_the_first_event_on_into_its_queue(pool: Pool, database: str, vhost: str) -> None:
    """In the order of positions, and of what it may read alone: other municipalities and events are not there."""
    tell(pool, *range(250))
    tell(pool, 900, tenant="solna")
    who = by_queue(tenants=frozenset({TENANT}), names=("assignment.jobs_applied",))
    with running(distributor(database, vhost)):
        keep(pool, who)
        until(lambda: state(pool, who, Way.QUEUE).position == 251)
        tell(pool, 250)
        until(lambda: state(pool, who, Way.QUEUE).position == 252)
    messages = take(vhost, outlets.queue_of(who.id))
    assert counts([one.body for one in messages]) == list(range(251))
    first, event = messages[0], json.loads(messages[0].body)
    assert first.delivery_info["routing_key"] == f"{TENANT}.assignment.jobs_applied"
    assert first.properties["message_id"] == event["id"] and first.properties["delivery_mode"] == 2
    assert event["subject"].startswith("p1-") and "correlationid" not in event


def test_killed_between_the_brokers_confirmation_and_the_position_the_same_is_told_again_under_the_same_ids(
    pool: Pool, database: str, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(pool, *range(150))
    who = by_queue()
    keep(pool, who)

    class Killed(BaseException):
        pass

    advance = ways.advance
    killed = threading.Event()

    def dying(*given: Any, **more: Any) -> bool:
        if more["after"] == 150 and not killed.is_set():
            killed.set()
            raise Killed
        return advance(*given, **more)

    monkeypatch.setattr(ways, "advance", dying)
    monkeypatch.setattr(threading, "excepthook", lambda given: None)
    with running(distributor(database, vhost)):
        until(lambda: state(pool, who, Way.QUEUE).position == 150)
    messages = take(vhost, outlets.queue_of(who.id))
    assert counts([one.body for one in messages]) == [*range(150), *range(100, 150)]
    assert len({one.properties["message_id"] for one in messages}) == 150


def test_of_two_instances_one_tells_and_the_other_takes_over(pool: Pool, database: str, vhost: str) -> None:
    who = by_queue()
    keep(pool, who)
    tell(pool, *range(50))
    first, second = distributor(database, vhost), distributor(database, vhost)
    with running(second), ExitStack() as stack:
        stack.enter_context(running(first))
        until(lambda: state(pool, who, Way.QUEUE).position == 50)
        tell(pool, *range(50, 100))
        stack.close()
        tell(pool, *range(100, 120))
        until(lambda: state(pool, who, Way.QUEUE).position == 120)
    told = counts([one.body for one in take(vhost, outlets.queue_of(who.id))])
    assert first_seen(told) == list(range(120)), "in order and all of it"
    assert len(told) == 120, "nobody was killed, so nothing came twice"


def test_a_partner_that_does_not_read_fills_no_broker_and_holds_up_no_other(
    pool: Pool, database: str, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlets, "FULL", 200)
    monkeypatch.setattr(outlets, "ROOM", 150)
    lazy, busy = by_queue(), by_queue(names=("assignment.protection_changed",))
    keep(pool, lazy, busy)
    tell(pool, *range(400))
    told: list[int] = []
    with running(distributor(database, vhost)):
        until(lambda: state(pool, busy, Way.QUEUE).position == 400)
        until(lambda: state(pool, lazy, Way.QUEUE).trouble == "QUEUE_FULL")
        assert state(pool, lazy, Way.QUEUE).position < 400
        while state(pool, lazy, Way.QUEUE).position < 400 or len(told) < 400:
            told += counts([one.body for one in take(vhost, outlets.queue_of(lazy.id))])
    assert first_seen(told) == list(range(400))


def test_what_a_partner_does_to_its_own_queue_is_put_right_or_hurts_it_alone(
    pool: Pool, database: str, vhost: str
) -> None:
    gone, unbound, changed, well = by_queue(), by_queue(), by_queue(), by_queue()
    with Link(vhost, name="test") as link:
        link.channel.queue_declare(outlets.queue_of(changed.id), durable=True, auto_delete=False)
    keep(pool, gone, unbound, changed, well)
    with running(distributor(database, vhost)):
        tell(pool, 1)
        until(lambda: all(state(pool, one, Way.QUEUE).position == 1 for one in (gone, unbound, well)))
        with Link(vhost, name="test") as link:
            link.channel.queue_delete(outlets.queue_of(gone.id))
            link.channel.queue_unbind(outlets.queue_of(unbound.id), outlets.exchange_of(unbound.id), "#")
        tell(pool, 2)
        until(lambda: all(state(pool, one, Way.QUEUE).position == 2 for one in (gone, unbound, well)))
        until(lambda: state(pool, changed, Way.QUEUE).trouble == "QUEUE_OF_OTHER_SHAPE")
    found = {who.id: counts([one.body for one in take(vhost, outlets.queue_of(who.id))]) for who in (gone, unbound)}
    assert found == {gone.id: [2], unbound.id: [1, 2]}


def test_a_broker_under_an_alarm_and_one_that_goes_away_are_waited_for(pool: Pool, database: str, vhost: str) -> None:
    who = by_queue()
    keep(pool, who)
    proxy = Proxy(vhost)
    with running(distributor(database, proxy.uri)):
        tell(pool, 1)
        until(lambda: state(pool, who, Way.QUEUE).position == 1)
        proxy.alarm()
        tell(pool, 2)
        # which of the two depends on when the broker's word arrives
        until(lambda: state(pool, who, Way.QUEUE).trouble in ("BROKER_BLOCKED", "NO_BROKER"))
        assert state(pool, who, Way.QUEUE).position == 1
        proxy.all_clear()
        until(lambda: state(pool, who, Way.QUEUE).trouble is None)
        proxy.close()
        tell(pool, 3)
        until(lambda: state(pool, who, Way.QUEUE).trouble == "NO_BROKER")
    with running(distributor(database, vhost)):
        until(lambda: state(pool, who, Way.QUEUE).position == 3)
    assert counts([one.body for one in take(vhost, outlets.queue_of(who.id))]) == [1, 2, 3]


# ---------------------------------------------------------------- webhooks


def test_a_webhook_is_a_copy_signed_with_every_secret_that_is_good(pool: Pool, database: str, hook: HttpServer) -> None:
    who = by_webhook(hook)
    today = datetime.now(UTC).date()
    rotated = registry.rotated(
        who, SecretKind.WEBHOOK, number=2, key=KEYS.first, last_day=today + timedelta(9), on=today, at=LATER
    )
    keep(pool, rotated)
    tell(pool, 1)
    with running(distributor(database)):
        until(lambda: state(pool, who, Way.WEBHOOK).position == 1)
    (request,) = hook.requests
    event = json.loads(request.body)
    for secret in (*KEYS.webhook_secrets(who, today), *KEYS.webhook_secrets(rotated, today)):
        assert webhooks.verify([secret], request.headers, request.body, datetime.now(UTC)) == event["id"]
    with pytest.raises(webhooks.NotGenuine):
        webhooks.verify([webhooks.new_secret()], request.headers, request.body, datetime.now(UTC))
    assert event["subject"].startswith("p1-") and event["position"] == "1"


def test_a_receiver_that_is_away_is_waited_for_and_all_events_with_it(
    pool: Pool, database: str, hook: HttpServer
) -> None:
    """Nobody takes anything, so none of the events is to blame: none is parked, however long it lasts."""
    who = by_webhook(hook)
    keep(pool, who)
    hook.close()
    tell(pool, *range(5))
    with running(distributor(database)):
        until(lambda: state(pool, who, Way.WEBHOOK).attempts > PATIENCE.attempts + 2)
        hook.open()
        for status in (503, 404, 401, 302, 410):
            before = len(hook.requests)
            hook.answer = lambda request, status=status: Answer(status, headers={"Location": f"{hook.base}/other"})
            until(lambda before=before: len(hook.requests) > before + 1)
            assert state(pool, who, Way.WEBHOOK).position == 0
        hook.answer = lambda request: Answer(204, b"")
        until(lambda: state(pool, who, Way.WEBHOOK).position == 5)
    assert first_seen(posted(hook)) == list(range(5)) and not aside(pool, who)
    assert {request.path for request in hook.requests} == {"/in"}, "no redirect is followed"


def test_an_answer_that_comes_too_late_or_is_lost_is_followed_by_the_same_event_with_the_same_id(
    pool: Pool, database: str, hook: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlets, "SILENCE", 0.2)
    who = by_webhook(hook)
    keep(pool, who)
    tell(pool, *range(4))
    hook.slow = 0.4
    with running(distributor(database)):
        until(lambda: posted(hook)[:1])
        hook.slow, hook.lose = 0, 3
        until(lambda: state(pool, who, Way.WEBHOOK).position == 4)
    until(lambda: len(hook.requests) > 4)
    ids = [request.headers["webhook-id"] for request in hook.requests]
    assert set(posted(hook)) == set(range(4)) and len(set(ids)) == 4
    assert all(json.loads(request.body)["id"] == request.headers["webhook-id"] for request in hook.requests)
    assert not aside(pool, who)


def test_an_event_that_is_unwanted_or_fails_often_is_parked_and_the_next_goes_on(
    pool: Pool, database: str, hook: HttpServer
) -> None:
    statuses = {1: 422, 3: 500}
    hook.answer = lambda request: Answer(statuses.get(request.json["data"]["count"], 200))
    who = by_webhook(hook)
    keep(pool, who)
    tell(pool, *range(5))
    with running(distributor(database)):
        until(lambda: state(pool, who, Way.WEBHOOK).position == 5)
        assert posted(hook) == [0, 1, 2, *[3] * PATIENCE.attempts, 4]
        assert [(one.position, one.code, one.attempts) for one in aside(pool, who)] == [
            (2, "HTTP_422", 1),
            (4, "HTTP_500", PATIENCE.attempts),
        ]
        until(lambda: gauge("kundval_partner_parked", who) == 2)
        assert gauge("kundval_partner_behind", who) == 0

        # tried once more: one is taken, one is not
        statuses.pop(1)
        with pool.tx() as tx:
            assert parked.ask_again(tx.conn, who.id, [2, 4, 17]) == 2
        until(lambda: [(one.position, one.attempts, one.again) for one in aside(pool, who)] == [(4, 5, False)])
        statuses.clear()
        with pool.tx() as tx:
            assert parked.ask_again(tx.conn, who.id) == 1
        until(lambda: not aside(pool, who))
    assert posted(hook)[-3:] == [1, 3, 3]
    assert gauge("kundval_partner_parked", who) is None, "who does not tell any more says nothing"


def gauge(name: str, who: Partner) -> float | None:
    labels = {"service": "assignment", "partner": who.id, "way": Way.WEBHOOK.value}
    return telemetry.REGISTRY.get_sample_value(name, labels)


def test_a_receiver_that_wants_nothing_at_all_is_not_asked_for_every_event(
    pool: Pool, database: str, hook: HttpServer
) -> None:
    hook.answer = lambda request: Answer(400)
    who = by_webhook(hook)
    keep(pool, who)
    tell(pool, *range(30))
    with running(distributor(database, patience=replace(PATIENCE, wait=(60.0,)))):
        until(lambda: state(pool, who, Way.WEBHOOK).wait > 0)
    assert [one.position for one in aside(pool, who)] == list(range(1, 11))
    assert state(pool, who, Way.WEBHOOK).position == 10


def test_one_receiver_that_is_slow_holds_up_no_other(pool: Pool, database: str, hook: HttpServer) -> None:
    with HttpServer() as slow:
        slow.slow = 3.0
        waiting, quick = by_webhook(slow, "slow"), by_webhook(hook, "quick")
        keep(pool, waiting, quick)
        tell(pool, *range(40))
        with running(distributor(database)):
            until(lambda: state(pool, quick, Way.WEBHOOK).position == 40)
            assert state(pool, waiting, Way.WEBHOOK).position == 0
    assert posted(hook) == list(range(40))


def test_who_becomes_protected_while_events_wait_is_masked_in_what_is_still_to_be_told(
    pool: Pool, database: str, hook: HttpServer
) -> None:
    who = by_webhook(hook)
    keep(pool, who)
    data = {key: value for key, value in jobs(1).items() if key not in ("count", "month")}
    with pool.tx() as tx:
        tx.publish("assignment.provider_chosen", subject="A-1", tenant=TENANT, data={**data, "provider": "harbour"})
    enter(pool)
    hook.close()
    with running(distributor(database)):
        until(lambda: state(pool, who, Way.WEBHOOK).attempts > 0)
        with pool.tx() as tx:
            outbox.restrict(tx, TENANT, "A-1")
        # an attempt that had read the event before is over
        tried = state(pool, who, Way.WEBHOOK).attempts
        until(lambda: state(pool, who, Way.WEBHOOK).attempts > tried)
        hook.open()
        until(lambda: state(pool, who, Way.WEBHOOK).position == 1)
    (request,) = hook.requests
    assert request.json["masked"] is True and request.json["data"]["provider"] == MASKED


def test_a_webhook_goes_to_no_private_network_unless_it_is_named(pool: Pool, database: str, hook: HttpServer) -> None:
    who = by_webhook(hook)
    keep(pool, who)
    tell(pool, 1)
    closed = distributor(database, outlet=lambda *given: WebhookOutlet(trusting(None), KEYS))
    with running(closed):
        until(lambda: state(pool, who, Way.WEBHOOK).trouble == "BAD_ADDRESS")
    assert not hook.requests and state(pool, who, Way.WEBHOOK).position == 0


def test_a_position_that_an_operator_sets_counts_even_while_something_is_told(
    pool: Pool, database: str, hook: HttpServer
) -> None:
    who = by_webhook(hook)
    keep(pool, who)
    tell(pool, *range(5))
    reset = threading.Event()

    def answer(request: Request) -> Answer:
        if request.json["data"]["count"] == 3 and not reset.is_set():
            reset.set()
            with pool.tx() as tx:
                assert ways.move(tx.conn, who.id, Way.WEBHOOK, 1)
        return Answer()

    hook.answer = answer
    with running(distributor(database)):
        until(lambda: state(pool, who, Way.WEBHOOK).position == 5)
    assert posted(hook) == [0, 1, 2, 3, 1, 2, 3, 4]


def test_one_event_of_which_no_copy_can_be_made_is_parked_and_holds_up_nothing(
    pool: Pool, database: str, hook: HttpServer, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_of = distribute.copy_of

    def broken(row: Any, *given: Any) -> Any:
        if row["position"] == 3:
            raise ValueError("19121212-1212")
        return copy_of(row, *given)

    monkeypatch.setattr(distribute, "copy_of", broken)
    who = partner("both", ways=frozenset({Way.QUEUE, Way.WEBHOOK}), webhook_url=f"{hook.base}/in")
    keep(pool, who)
    tell(pool, *range(5))
    with running(distributor(database, vhost)):
        for way in (Way.QUEUE, Way.WEBHOOK):
            until(lambda way=way: state(pool, who, way).position == 5)
    assert posted(hook) == [0, 1, 3, 4]
    assert counts([one.body for one in take(vhost, outlets.queue_of(who.id))]) == [0, 1, 3, 4]
    assert [(one.way, one.position, one.code) for one in aside(pool, who)] == [
        (Way.QUEUE, 3, "NO_COPY"),
        (Way.WEBHOOK, 3, "NO_COPY"),
    ]


def test_with_a_key_that_is_gone_nothing_is_told_and_nothing_passed_over(
    pool: Pool, database: str, hook: HttpServer
) -> None:
    who = by_webhook(hook, secrets=registry.first_secrets("lost"))
    keep(pool, who)
    tell(pool, 1)
    with running(distributor(database)):
        until(lambda: state(pool, who, Way.WEBHOOK).trouble == "NO_KEY")
    assert not hook.requests and state(pool, who, Way.WEBHOOK).position == 0


def test_a_partner_that_ends_is_told_no_more(pool: Pool, database: str, hook: HttpServer) -> None:
    who, other = by_webhook(hook), by_webhook(hook, "other", webhook_url=f"{hook.base}/other")
    keep(pool, who, other)
    with running(distributor(database)):
        tell(pool, 1)
        until(lambda: len(hook.requests) == 2)
        keep(pool, replace(who, ended=date(2026, 1, 2), changed_at=LATER))
        tell(pool, 2)
        until(lambda: state(pool, other, Way.WEBHOOK).position == 2)
        until(lambda: gauge("kundval_partner_behind", who) is None)
    assert [request.path for request in hook.requests if request.json["data"]["count"] == 2] == ["/other"]


# ---------------------------------------------------------------- the partner's user at the broker


@contextmanager
def signed_in(vhost: str, who: Partner, password: str) -> Iterator[Link]:
    where = urlsplit(vhost)
    mine = where._replace(netloc=f"partner.{who.id}:{password}@{where.hostname}:{where.port}").geturl()
    with Link(mine, name="partner") as link:
        yield link


@pytest.fixture
def broker(servers: Servers, vhost: str) -> Iterator[Broker]:
    """The management API, and on the broker what the services have there."""
    with Link(vhost, name="test") as link:
        for exchange in ("assignment.events", "assignment.restricted", "nameko-rpc"):
            link.channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
        link.channel.queue_declare("rpc-assignment", durable=True, auto_delete=False)
        link.channel.queue_bind("rpc-assignment", "nameko-rpc", "assignment.*")
        link.channel.queue_declare("assignment.replays", durable=True, auto_delete=False)
    yield Broker(servers.env["KUNDVAL_BROKER_API"], vhost)


def test_a_partners_user_reads_its_own_queue_and_calls_methods_and_can_do_nothing_else(
    broker: Broker, vhost: str
) -> None:
    who, other = by_queue(tenants=frozenset({TENANT}), names=("assignment.#",)), by_queue()
    own, uuid4 = outlets.exchange_of(who.id), str(uuid.uuid4())
    with Link(vhost, name="test") as link:
        for one in (who, other):
            outlets.declare(link.channel, one.id)
    for one in (who, other):
        broker.admit(one, KEYS.queue_password(one))
    password = KEYS.queue_password(who)

    def may(*works: Callable[[Link], Any]) -> None:
        for work in works:
            with signed_in(vhost, who, password) as link:
                link.confirm()
                work(link)

    def may_not(*works: Callable[[Link], Any]) -> None:
        for number, work in enumerate(works):
            with signed_in(vhost, who, password) as link, pytest.raises(AccessRefused):
                link.confirm()
                work(link)
                pytest.fail(f"{number} is allowed")

    def declare(name: str, **arguments: str) -> Callable[[Link], Any]:
        return lambda link: link.channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)

    def bind(queue: str, exchange: str, key: str) -> Callable[[Link], Any]:
        return lambda link: link.channel.queue_bind(queue, exchange, key)

    def send(exchange: str, key: str) -> Callable[[Link], Any]:
        return lambda link: link.publish([Outgoing(exchange, key, b"{}", "1")])

    def reply_queue(key: str) -> Callable[[Link], Any]:
        def work(link: Link) -> None:
            name = f"rpc.reply-register-{uuid.uuid4()}"
            link.channel.queue_declare(name, exclusive=True, arguments={"x-queue-type": "classic"})
            link.channel.queue_bind(name, "nameko-rpc", key)

        return work

    more = f"{own}.exits"
    may(
        lambda link: link.channel.basic_consume(f"{own}.events"),
        declare(more),
        bind(more, own, f"{TENANT}.assignment.exited"),
        bind(more, own, "#"),
        send("nameko-rpc", "assignment.state"),
        reply_queue(uuid4),
    )
    theirs = outlets.queue_of(other.id)
    may_not(
        # read what is others'
        lambda link: link.channel.basic_consume(theirs),
        lambda link: link.channel.basic_get(theirs),
        lambda link: link.channel.basic_consume("rpc-assignment"),
        bind(more, outlets.exchange_of(other.id), "#"),
        bind(more, own, "solna.assignment.exited"),
        bind(more, own, f"{TENANT}.billing.bonus_paid"),
        bind(more, "assignment.events", "assignment.exited"),
        bind(more, "assignment.restricted", "#"),
        lambda link: link.channel.exchange_bind(own, "assignment.events", "#"),
        # listen to calls and answers
        *(reply_queue(key) for key in ("#", "*", "*.*", "assignment.*", "assignment.state")),
        bind(more, "nameko-rpc", "#"),
        # speak as a service
        send("assignment.events", "assignment.exited"),
        send("nameko-rpc", uuid4),
        send(own, f"{TENANT}.assignment.exited"),
        send("", f"{own}.events"),
        send("", "assignment.replays"),
        declare(f"{own}.way", **{"x-dead-letter-exchange": "assignment.events"}),
        declare(f"{own}.way", **{"x-dead-letter-exchange": ""}),
        # have, change or remove what is not its own
        *(declare(name) for name in ("rpc-billing", "assignment.events-in", "mine", f"{own}x", "", "rpc.reply-all")),
        lambda link: link.channel.exchange_declare("nameko-rpc", "topic", durable=True, auto_delete=False),
        lambda link: link.channel.exchange_delete("nameko-rpc"),
        lambda link: link.channel.queue_delete(theirs),
        lambda link: link.channel.queue_purge("rpc-assignment"),
    )


def test_a_partners_user_gets_the_answer_to_a_call_with_the_usual_client(broker: Broker, vhost: str) -> None:
    who = by_queue("caller")
    broker.admit(who, "password-of-caller")
    where = urlsplit(vhost)
    mine = where._replace(netloc=f"partner.caller:password-of-caller@{where.hostname}:{where.port}").geturl()
    with Link(vhost, name="test") as service, Client(mine) as client:
        service.channel.queue_purge("rpc-assignment")
        requests: list[Any] = []
        service.channel.basic_consume("rpc-assignment", no_ack=True, callback=requests.append)
        call = client.submit("assignment.info")
        until(lambda: service.tick(0.1) and requests)
        asked = requests[0].properties
        body = json.dumps({"result": {"service": "assignment"}, "error": None})
        answer = Message(body, correlation_id=asked["correlation_id"], content_type="application/json")
        service.channel.basic_publish(answer, "nameko-rpc", asked["reply_to"])
        assert call.result() == {"service": "assignment"}
    broker.dismiss(who.id)


def test_a_password_is_replaced_at_once_and_with_the_user_everything_of_it_goes(broker: Broker, vhost: str) -> None:
    who, other = by_queue("twin"), by_queue("twin-two")
    with Link(vhost, name="test") as link:
        for one in (who, other):
            outlets.declare(link.channel, one.id)
            broker.admit(one, f"first-{one.id}")
    broker.admit(who, "second-twin")
    broker.admit(who, "second-twin")
    with pytest.raises(AMQPError), signed_in(vhost, who, "first-twin"):
        pass
    with signed_in(vhost, who, "second-twin") as held:
        held.channel.queue_declare("partner.twin.more", durable=True, auto_delete=False)
        broker.dismiss(who.id)
        broker.dismiss(who.id)
        with pytest.raises(amqp.BROKER_ERRORS):
            until(lambda: held.tick(0.2) and False, 20)
    with pytest.raises(AMQPError), signed_in(vhost, who, "second-twin"):
        pass
    with Link(vhost, name="test") as link:
        queues = ("partner.twin.events", "partner.twin.more", "partner.twin-two.events")
        assert [link.depth(queue) for queue in queues] == [None, None, 0]
    with signed_in(vhost, other, "first-twin-two"):
        pass
    broker.dismiss(other.id)


def test_a_management_api_that_is_away_or_refuses_is_said_without_its_password(servers: Servers, vhost: str) -> None:
    where = urlsplit(servers.env["KUNDVAL_BROKER_API"])
    for place in (f"{where.username}:wrong-secret@{where.hostname}:{where.port}", "u:wrong-secret@127.0.0.1:1"):
        with pytest.raises(BrokerRefuses) as refused:
            Broker(where._replace(netloc=place).geturl(), vhost).admit(by_queue(), "p" * 20)
        assert "secret" not in str(refused.value)


def test_without_the_api_an_operator_is_told_what_to_type() -> None:
    who = by_queue("register", tenants=frozenset({"nacka"}))
    lines = list(by_hand(who, "amqp://u:p@h/kund val"))
    assert len(lines) == 6 and all(line.startswith("rabbitmqctl ") for line in lines)
    assert any("set_permissions -p 'kund val' partner.register '^(partner" in line for line in lines)
    assert KEYS.queue_password(who) not in "\n".join(lines)
    assert list(by_hand(replace(who, ended=date(2026, 1, 2)), "amqp://h/v")) == [
        "rabbitmqctl delete_user partner.register",
        "rabbitmqctl delete_queue -p v partner.register.events",
    ]
