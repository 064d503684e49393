"""Several processes share the events of a service: in order for each tenant, each once, none waits for a noisy one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from kundval_chassis import amqp, inbox, turns
from kundval_chassis.consume import ATTEMPTS, Delivery
from kundval_chassis.db import Pool, Tx
from kundval_chassis.helper import Helper
from kundval_contracts.envelope import Event

from .eventing import POISON, declare, event, make_consumer, migrated, running, send, take, until

QUEUE = "billing.events-in"
#: nobody listens there
NOWHERE = "amqp://kundval:kundval@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    with migrated(database, "billing") as opened:
        with opened.tx() as tx:
            tx.execute(
                "CREATE TABLE effect (place bigint GENERATED ALWAYS AS IDENTITY, tenant text, n integer, who text)"
            )
        yield opened


@pytest.fixture(autouse=True)
def clean(pool: Pool) -> None:
    with pool.tx() as tx:
        tx.execute("TRUNCATE inbox, effect, waiting_event")


def keeper(who: str = "one") -> Callable[[Tx, list[Event]], None]:
    """A handler that stores what it got, and by whom."""

    def keep(tx: Tx, events: list[Event]) -> None:
        if any(one.data["count"] == POISON for one in events):
            raise ValueError("cannot be handled")
        tx.insert_rows("effect", ("tenant", "n", "who"), [(one.tenant, one.data["count"], who) for one in events])

    return keep


def make_helper(pool: Pool, handle: Any, vhost: str = NOWHERE, **options: Any) -> Helper:
    given: dict[str, Any] = {"service": "billing", "sources": ["assignment"], "delays": (100, 300), "batch": 20}
    return Helper(pool=pool, amqp_uri=vhost, handle=handle, **{**given, **options})


def delivery(one: Event) -> tuple[str, Delivery]:
    return one.tenant, Delivery(1, one.to_json().encode(), one.id, {}, amqp.CONTENT_TYPE, event=one)


def lay_out(pool: Pool, *events: Event) -> None:
    with pool.tx() as tx:
        turns.lay_out(tx, [delivery(one) for one in events])


def waiting(pool: Pool) -> int:
    with pool.tx(readonly=True) as tx:
        return int(tx.value("SELECT count(*) FROM waiting_event"))


def effects(pool: Pool) -> list[tuple[str, int, str]]:
    with pool.tx(readonly=True) as tx:
        return [(row["tenant"], row["n"], row["who"]) for row in tx.query("SELECT * FROM effect ORDER BY place")]


def of(tenant: str, found: list[tuple[str, int, str]]) -> list[int]:
    return [n for name, n, _ in found if name == tenant]


def test_helpers_share_the_tenants_and_keep_each_ones_events_in_order(pool: Pool) -> None:
    tenants = [f"town-{number}" for number in range(6)]
    lay_out(pool, *(event(n, tenant=tenant) for n in range(50) for tenant in tenants))
    both = threading.Barrier(2, timeout=60)
    met: set[str] = set()

    def handler(who: str) -> Callable[[Tx, list[Event]], None]:
        keep = keeper(who)

        def handle(tx: Tx, events: list[Event]) -> None:
            if who not in met:
                # each has the turn of a tenant while the other has that of another
                met.add(who)
                both.wait()
            keep(tx, events)

        return handle

    with running(make_helper(pool, handler("one"))), running(make_helper(pool, handler("two"))):
        until(lambda: not waiting(pool))
    found = effects(pool)
    assert [of(tenant, found) for tenant in tenants] == [list(range(50))] * 6
    assert {who for _, _, who in found} == {"one", "two"}


def test_a_noisy_tenant_keeps_a_quiet_one_waiting_for_a_batch_and_not_for_all(pool: Pool) -> None:
    lay_out(pool, *(event(n, tenant="a-noisy") for n in range(300)))
    lay_out(pool, event(7, tenant="b-quiet"))
    with running(make_helper(pool, keeper())):
        until(lambda: not waiting(pool))
    found = effects(pool)
    assert len(found) == 301
    assert found.index(("b-quiet", 7, "one")) <= 20


def test_an_event_that_was_laid_out_twice_has_one_effect(pool: Pool) -> None:
    one = event(1)
    lay_out(pool, one, one, event(2))
    with running(make_helper(pool, keeper())):
        until(lambda: not waiting(pool))
    assert [n for _, n, _ in effects(pool)] == [1, 2]


def test_a_helper_leaves_alone_what_another_has_the_turn_of(pool: Pool) -> None:
    lay_out(pool, event(1, tenant="held"), event(2, tenant="free"))
    with pool.tx() as other:
        assert turns.claim(other, ["held"]) == {"held"}
        # if that one stands still for good, the database ends it
        assert other.value("SHOW idle_in_transaction_session_timeout") == "5min"
        with running(make_helper(pool, keeper())):
            until(lambda: effects(pool))
            assert waiting(pool) == 1
    assert [tenant for tenant, _, _ in effects(pool)] == ["free"]
    with running(make_helper(pool, keeper())):
        until(lambda: not waiting(pool))
    assert [tenant for tenant, _, _ in effects(pool)] == ["free", "held"]


def test_an_earlier_version_waits_for_the_turn_when_it_marks_its_events(pool: Pool) -> None:
    with pool.tx() as other:
        turns.claim(other, ["held"])
        with pool.tx() as tx:
            # the statement of that version, and another tenant
            assert inbox.take(tx, [event(1, tenant="free")])
        with pytest.raises(psycopg.errors.LockNotAvailable), pool.tx() as tx:
            tx.execute("SET LOCAL lock_timeout = '50ms'")
            inbox.take(tx, [event(2, tenant="held")])
    with pool.tx() as tx:
        assert inbox.take(tx, [event(2, tenant="held")])


def test_the_reader_lays_out_behind_what_waits_and_hands_over_the_rest(pool: Pool, fresh_vhost: str) -> None:
    declare(fresh_vhost)
    lay_out(pool, event(1, tenant="waits"))
    with pool.tx() as other:
        turns.claim(other, ["held"])
        send(fresh_vhost, QUEUE, *(event(n, tenant=tenant) for n in (2, 3) for tenant in ("waits", "held", "free")))
        with running(make_consumer(pool, fresh_vhost, keeper("reader"))):
            until(lambda: len(effects(pool)) == 2 and waiting(pool) == 5)
    assert effects(pool) == [("free", 2, "reader"), ("free", 3, "reader")]
    with running(make_helper(pool, keeper("helper"))):
        until(lambda: not waiting(pool))
    assert of("waits", effects(pool)) == [1, 2, 3]
    assert of("held", effects(pool)) == [2, 3]


def test_a_backlog_is_shared_when_others_help_and_what_fails_is_retried_and_parked_once(
    pool: Pool, fresh_vhost: str
) -> None:
    declare(fresh_vhost)
    tenants = [f"town-{number}" for number in range(4)]
    told = [event(n, tenant=tenant) for n in range(60) for tenant in tenants]
    send(fresh_vhost, QUEUE, *told, event(POISON, tenant="town-1"), b"no event", event(61, tenant="town-1"))
    with ExitStack() as stack:
        others = [stack.enter_context(running(make_helper(pool, keeper(who), fresh_vhost))) for who in ("a", "b")]
        reader = make_consumer(pool, fresh_vhost, keeper("reader"), batch=20)
        reader.helper = others[0]
        until(lambda: others[0].others)
        stack.enter_context(running(reader))
        until(lambda: len(effects(pool)) == 241)
        with amqp.Link(fresh_vhost, name="test") as link:
            until(lambda: link.depth(amqp.parked_queue(QUEUE)) == 2)
        until(lambda: not waiting(pool))
    found = effects(pool)
    assert [of(tenant, found) for tenant in tenants] == [[*range(60), *([61] if one == 1 else [])] for one in range(4)]
    assert {"a", "b"} & {who for _, _, who in found}
    parked = take(fresh_vhost, amqp.parked_queue(QUEUE))
    attempts = [(one.properties.get("application_headers") or {}).get(ATTEMPTS) for one in parked]
    # after both delays and at once
    assert sorted(attempts) == [0, 3]
    assert not take(fresh_vhost, QUEUE)
