"""What partners read on a real database: in the order of positions, nothing left out, whenever they begin."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from kundval_chassis import amqp, db, migrate, outbox, relay
from kundval_chassis.clock import business_date
from kundval_chassis.db import Pool, Tx
from kundval_chassis.limiter import Limiter
from kundval_chassis.partners import feed as feeds
from kundval_chassis.partners import log, registry, ways
from kundval_chassis.partners.pseudonyms import IdOf
from kundval_chassis.partners.registry import SecretKind, Way
from kundval_contracts.events import MASKED

from .eventing import TENANT, declare, jobs, make_relay, migrated, publish, running, until
from .partnering import KEYS, LATER, Follower, Served, enter, keep, partner, served

PARTNER = partner()


@pytest.fixture(scope="module")
def opened(database: str) -> Iterator[Pool]:
    # the tables of the chassis are all that partners need
    with migrated(database, "none") as found:
        yield found


@pytest.fixture
def pool(opened: Pool) -> Pool:
    """The database of assignment: nothing was published yet, and there is one partner, which has its feed."""
    with opened.tx() as tx:
        tx.execute(
            "TRUNCATE event, outbox, told_event, restricted_subject, partner, partner_way, partner_parked"
            " RESTART IDENTITY"
        )
    keep(opened, PARTNER)
    return opened


@pytest.fixture
def feed(pool: Pool) -> Iterator[Served]:
    with served(pool) as found:
        yield found


def tell(pool: Pool, *counts: int, **where: str) -> None:
    """Publish events and have them told."""
    with pool.tx() as tx:
        publish(tx, *counts, **where)
    enter(pool)


def choose(tx: Tx, number: int, subject: str) -> None:
    """Publish that a provider was chosen: that is where the client is."""
    data = {key: value for key, value in jobs(number, assignment=subject).items() if key not in ("count", "month")}
    tx.publish(
        "assignment.provider_chosen", subject=subject, tenant=TENANT, data={**data, "provider": f"harbour-{number}"}
    )


def counts(page: dict[str, Any]) -> list[int]:
    return [event["data"]["count"] for event in page["events"]]


def told(pool: Pool) -> list[tuple[int, int]]:
    """Positions with the numbers of their events."""
    with pool.tx(readonly=True) as tx:
        return [(row["position"], row["sequence"]) for row in tx.query("SELECT * FROM told_event ORDER BY position")]


# ---------------------------------------------------------------- the order


def test_a_reader_passes_over_no_event_whose_transaction_ends_after_that_of_a_later_one(
    pool: Pool, database: str, feed: Served
) -> None:
    reader = Follower(lambda query: feed.page(PARTNER, query), limit=2)
    with db.connect(database) as slow:
        slow.execute("BEGIN")
        outbox.store(slow, [prepared(1)])
        with db.connect(database) as slower:
            slower.execute("BEGIN")
            outbox.store(slower, [prepared(2)])
            # the third commits first, and is read
            tell(pool, 3)
            reader.follow()
            assert [event["data"]["count"] for event in reader.held.values()] == [3]
            slower.execute("ROLLBACK")
        slow.execute("COMMIT")
    tell(pool, 4)
    reader.follow()
    assert [event["data"]["count"] for event in reader.held.values()] == [3, 1, 4]
    numbers = [int(event["sequence"]) for event in reader.held.values()]
    assert numbers != sorted(numbers), "a reader by number would have passed over it"


def prepared(count: int) -> outbox.Publication:
    return outbox.prepare("assignment.jobs_applied", subject="A-1", tenant=TENANT, data=jobs(count))


def test_what_the_relay_has_sent_it_enters_and_when_it_dies_in_between_its_successor_does(
    pool: Pool, database: str, fresh_vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(fresh_vhost)
    with pool.tx() as tx:
        publish(tx, *range(20))

    class Killed(BaseException):
        pass

    sent = amqp.Link.publish

    def then_die(self: amqp.Link, *args: Any, **kwargs: Any) -> set[str]:
        sent(self, *args, **kwargs)
        raise Killed

    # the broker has confirmed, and nothing is committed
    monkeypatch.setattr(amqp.Link, "publish", then_die)
    with pytest.raises(Killed), running(make_relay(database, fresh_vhost, batch=7)):
        until(lambda: depth(fresh_vhost) == 7)
    assert told(pool) == []
    monkeypatch.undo()
    with running(make_relay(database, fresh_vhost, batch=7)):
        until(lambda: depth(fresh_vhost) == 27)
    # the first seven went twice, and stand once
    assert told(pool) == [(number, number) for number in range(1, 21)]


def depth(vhost: str) -> int:
    with amqp.Link(vhost, name="test") as link:
        return link.depth("billing.events-in") or 0


def test_a_new_relay_enters_what_one_of_before_has_sent(pool: Pool, database: str, fresh_vhost: str) -> None:
    tell(pool, 1)
    with pool.tx() as tx:
        publish(tx, 2, 3)
    with pool.tx() as tx:
        # as a relay did that knew no such table
        tx.execute("DELETE FROM outbox WHERE sequence = 2")
    with running(make_relay(database, fresh_vhost)):
        until(lambda: len(told(pool)) == 3)
    assert [sequence for _, sequence in told(pool)] == [1, 2, 3]


def test_who_comes_to_partners_is_woken_when_something_was_told(pool: Pool, database: str) -> None:
    with db.connect(database) as conn:
        conn.execute(f"LISTEN {relay.TOLD}")
        tell(pool, 1)
        assert list(conn.notifies(timeout=20, stop_after=1))


def test_a_log_of_before_is_read_in_the_order_of_its_numbers(fresh_database: str) -> None:
    every = migrate.available("none")
    before = [one for one in every if one.name < "0007"]
    assert len(before) == 6
    migrate.apply(fresh_database, "none", before)
    with Pool(fresh_database) as pool:
        with pool.tx() as tx:
            publish(tx, 1, 2, 3, 4)
        with pool.tx() as tx:
            tx.execute("DELETE FROM outbox WHERE sequence <> 3")
            tx.execute("UPDATE event SET occurred_at = occurred_at - interval '10 days' WHERE sequence IN (1, 2)")
            # an instant of before that comes later: the clocks of two machines
            tx.execute("UPDATE event SET occurred_at = occurred_at - interval '20 days' WHERE sequence = 4")
        migrate.apply(fresh_database, "none", every)
        assert told(pool) == [(1, 1), (2, 2), (3, 4)]
        with pool.tx(readonly=True) as tx:
            instants = [row["told_at"] for row in tx.query("SELECT told_at FROM told_event ORDER BY position")]
        assert instants == sorted(instants)


def test_a_day_is_found_by_when_it_began_in_sweden(pool: Pool) -> None:
    days = ("2026-03-01 12:00+01", "2026-03-28 23:30+01", "2026-03-29 00:30+01", "2026-03-30 00:10+02")
    for number in range(len(days)):
        tell(pool, number)
    # a transaction that rolled back leaves a hole
    with pytest.raises(RuntimeError), pool.tx() as tx:
        tx.execute("INSERT INTO told_event (sequence) VALUES (99)")
        raise RuntimeError
    tell(pool, 9)
    with pool.tx() as tx:
        for position, instant in enumerate((*days, "2026-04-02 12:00+02"), 1):
            place = position if position < 5 else 6
            assert tx.execute("UPDATE told_event SET told_at = %s WHERE position = %s", (instant, place))

    def begins(*day: int) -> int:
        with pool.tx(readonly=True) as tx:
            return log.position_of(tx.conn, date(*day))

    assert [begins(2026, 2, 1), begins(2026, 3, 1), begins(2026, 3, 2)] == [0, 0, 1]
    # the days on which the clock is set, and minutes from midnight
    assert [begins(2026, 3, 28), begins(2026, 3, 29), begins(2026, 3, 30), begins(2026, 3, 31)] == [1, 2, 3, 4]
    assert [begins(2026, 4, 2), begins(2026, 4, 3)] == [4, 6]
    assert [begins(1, 1, 1), begins(9999, 12, 31)] == [0, 6]


# ---------------------------------------------------------------- pages


def test_pages_follow_each_other_and_a_full_one_stays_as_it_is(pool: Pool, feed: Served) -> None:
    tell(pool, *range(5))
    first = feed.ask(PARTNER, "limit=2")
    assert [counts(json.loads(first[2])), json.loads(first[2])["next"], json.loads(first[2])["more"]] == [
        [0, 1],
        2,
        True,
    ]
    assert counts(feed.page(PARTNER, "after=2&limit=2")) == [2, 3]
    last = feed.page(PARTNER, "after=4&limit=2")
    assert (counts(last), last["next"], last["more"]) == ([4], 5, False)
    assert feed.page(PARTNER, "after=5") == {"events": [], "next": 5, "more": False}
    tell(pool, *range(5, 9))
    assert feed.ask(PARTNER, "limit=2") == first
    assert counts(feed.page(PARTNER, "after=5")) == [5, 6, 7, 8]


def test_who_has_a_page_is_told_that_it_is_the_same_until_the_person_becomes_protected(
    pool: Pool, feed: Served
) -> None:
    with pool.tx() as tx:
        choose(tx, 1, "A-1")
    enter(pool)
    _, headers, body = feed.ask(PARTNER)
    assert headers["Content-Type"] == "application/json" and headers["Content-Length"] == str(len(body))
    tag = headers["ETag"]
    assert feed.ask(PARTNER, HTTP_IF_NONE_MATCH=tag)[::2] == (304, b"")
    assert feed.ask(PARTNER, HTTP_IF_NONE_MATCH=f'"other", W/{tag}')[0] == 304
    assert feed.ask(PARTNER, HTTP_IF_NONE_MATCH='"other"')[0] == 200
    status, said, nothing = feed.ask(PARTNER, method="HEAD")
    assert (status, nothing, said["Content-Length"]) == (200, b"", headers["Content-Length"])
    with pool.tx() as tx:
        outbox.restrict(tx, TENANT, "A-1")
    status, headers, _ = feed.ask(PARTNER, HTTP_IF_NONE_MATCH=tag)
    assert status == 200 and headers["ETag"] != tag


def test_a_page_holds_what_was_asked_for_of_what_the_partner_may_read(pool: Pool, feed: Served) -> None:
    tell(pool, 1, tenant="nacka", assignment="A-1")
    tell(pool, 2, tenant="solna", assignment="A-1")
    with pool.tx() as tx:
        tx.publish("assignment.day_opened", subject="nacka", tenant="nacka", data={"date": "2026-01-01"})
    tell(pool, 3, tenant="nacka", assignment="A-2")
    narrow = partner("narrow", tenants=frozenset({"nacka"}), names=("assignment.jobs_applied", "billing.#"))
    keep(pool, narrow)
    assert counts(feed.page(narrow)) == [1, 3]
    assert counts(feed.page(narrow, "names=assignment.*")) == [1, 3]
    assert feed.page(narrow, "names=assignment.day_opened,billing.*")["events"] == []
    assert feed.ask(narrow, "tenant=solna")[0] == 403
    everything = [event["type"] for event in feed.page(PARTNER)["events"]]
    assert len(everything) == 4
    assert counts(feed.page(PARTNER, "tenant=solna")) == [2]
    assert counts(feed.page(PARTNER, "tenant=solna&tenant=nacka&names=*.jobs_applied")) == [1, 2, 3]
    # one case, by the id under which the partner knows it
    subject = feed.page(narrow)["events"][0]["subject"]
    assert counts(feed.page(narrow, f"tenant=nacka&subject={subject}")) == [1]
    for query in (f"tenant=nacka&subject={subject[:-1]}", "tenant=nacka&subject=A-1"):
        assert feed.ask(narrow, query)[0] == 404
    assert feed.ask(PARTNER, f"tenant=nacka&subject={subject}")[0] == 404, "it is another partner's"


def test_a_page_of_which_little_is_for_the_partner_ends_after_so_many_positions_and_says_where(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(pool, *range(10), tenant="solna")
    tell(pool, 10, tenant="nacka")
    narrow = partner("narrow", tenants=frozenset({"nacka"}))
    found, after, more, pages = [], 0, True, 0
    while more:
        with pool.tx(readonly=True) as tx:
            stretch = log.read(tx.conn, narrow, after, 5, scan=4)
        assert stretch.next > after
        found += [row["position"] for row in stretch.rows]
        after, more, pages = stretch.next, stretch.more, pages + 1
    assert (found, after, pages) == ([11], 11, 2)


def test_a_page_that_grows_too_large_ends_earlier_and_loses_nothing(
    pool: Pool, feed: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(pool, *range(7))
    monkeypatch.setattr(feeds, "ENOUGH", 1500)
    found, after, more = [], 0, True
    while more:
        page = feed.page(PARTNER, f"after={after}")
        assert 1 <= len(page["events"]) < 7
        found += counts(page)
        after, more = page["next"], page["more"]
    assert found == list(range(7))


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("names=" + ",".join(["#.#.#.#"] * 51), "names"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("after=-1", "after"),
        ("after=1e3", "after"),
        ("after=" + "9" * 19, "after"),
        ("after=", "after"),
        ("after=1&after=2", "after"),
        ("after=1&since=2026-01-01", "since"),
        ("since=2026-13-01", "since"),
        ("since=20260101", "since"),
        ("names=a b", "names"),
        ("names=", "names"),
        ("tenant=a%20b", "tenant"),
        ("subject=p1-x", "tenant"),
        ("tenant=a,b&subject=p1-x", "tenant"),
        ("name=Alva", ""),
        ("limit=%ff", ""),
        ("&".join(f"x{number}=1" for number in range(200)), ""),
    ],
)
def test_a_query_that_is_wrong_is_answered_with_the_parameter_and_no_value(
    feed: Served, query: str, parameter: str
) -> None:
    status, headers, body = feed.ask(PARTNER, query)
    assert (status, headers["Content-Type"]) == (400, "application/problem+json")
    assert json.loads(body) == {"type": "about:blank", "title": "Bad Request", "status": 400, "parameter": parameter}


def test_who_has_no_token_that_is_good_is_told_nothing(pool: Pool, feed: Served, caplog: Any) -> None:
    other = partner("other")
    gone = partner("gone", ended=date(2026, 1, 2))
    pushed = partner("pushed", ways=frozenset({Way.QUEUE}))
    keep(pool, other, gone, pushed)
    good = KEYS.feed_tokens(PARTNER, date(2026, 1, 1))[0]
    for who, token in ((PARTNER, ""), (PARTNER, good + "A"), (other, good), (partner("absent"), None), (gone, None)):
        status, headers, body = feed.ask(who, token=token)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert json.loads(body) == {"type": "about:blank", "title": "Unauthorized", "status": 401}
    assert feed.ask(pushed)[0] == 403
    for path in ("/feeds/assignment/register", "/feeds/assignment/register/events/", "/feeds/assignment/../events"):
        status, _, body = feed.path(path, token=good)
        assert (status, json.loads(body)["status"]) == (404, 404)
    assert good not in caplog.text
    with served(pool, keys=None) as without:
        assert without.ask(PARTNER)[0] == 404


def test_who_asks_too_often_has_to_wait_and_strangers_hold_up_nobody(
    feed: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(feeds.A_MINUTE_UNKNOWN):
        assert feed.ask(PARTNER, token="x" * 50)[0] == 401
    status, headers, body = feed.ask(PARTNER, token="y" * 50)
    assert (status, json.loads(body)["status"]) == (429, 429) and int(headers["Retry-After"]) > 0
    assert feed.ask(PARTNER)[0] == 200
    monkeypatch.setattr(feed.feed, "_limiter", Limiter(3))
    assert [feed.ask(PARTNER, "limit=0")[0] for _ in range(5)] == [400, 400, 400, 429, 429]


def test_a_feed_whose_database_is_away_says_so_and_no_more(fresh_database: str) -> None:
    with migrated(fresh_database, "none") as pool, served(pool) as feed:
        with pool.tx() as tx:
            tx.execute("DROP TABLE told_event")
        keep(pool, PARTNER)
        status, headers, body = feed.ask(PARTNER)
    assert (status, headers["Retry-After"]) == (503, "60")
    assert json.loads(body) == {"type": "about:blank", "title": "Service Unavailable", "status": 503}


# ---------------------------------------------------------------- from the first event


def test_who_begins_at_the_first_event_ends_with_the_same_as_who_followed_while_protection_came_and_went(
    pool: Pool, feed: Served
) -> None:
    follower = Follower(lambda query: feed.page(PARTNER, query), limit=3)
    for step in range(12):
        with pool.tx() as tx:
            for subject in ("A-1", "A-2", "A-3"):
                choose(tx, step, subject)
            if step == 3:
                outbox.restrict(tx, TENANT, "A-1")
                outbox.restrict(tx, TENANT, "A-2")
            if step == 7:
                outbox.unrestrict(tx, TENANT, "A-1")
        enter(pool)
        if step != 7:
            # it is away for a while, too
            follower.follow()
    newcomer = Follower(lambda query: feed.page(PARTNER, query), limit=5)
    newcomer.follow()
    assert newcomer.held == follower.held and len(newcomer.held) == 12 * 3 + 3
    assert newcomer.position == follower.position == len(newcomer.held)
    hidden = dict.fromkeys(("A-1", "A-2", "A-3"), 0)
    names = {of(subject): subject for subject in hidden}
    for event in newcomer.held.values():
        if event["type"] == "se.kundval.assignment.provider_chosen.v1":
            assert (event["data"]["provider"] == MASKED) is event.get("masked", False)
            hidden[names[event["subject"]]] += event.get("masked", False)
    assert hidden == {"A-1": 0, "A-2": 12, "A-3": 0}


def of(subject: str) -> str:
    return KEYS.pseudonyms(PARTNER).of(TENANT, IdOf.ASSIGNMENT, subject)


# ---------------------------------------------------------------- the registry


def test_a_partner_is_kept_as_it_was_written_and_the_newer_row_counts(pool: Pool) -> None:
    who = partner(
        "wide",
        tenants=frozenset({"nacka", "solna"}),
        names=("assignment.*", "billing.bonus_paid"),
        ways=frozenset(Way),
        webhook_url="https://partner.example/hook",
    )
    keep(pool, who)
    newer = registry.rotated(
        who, SecretKind.FEED, number=2, key="second", last_day=date(2026, 2, 1), on=date(2026, 1, 5), at=LATER
    )
    with pool.tx() as tx:
        assert registry.find(tx.conn, "wide") == who
        assert ways.move(tx.conn, "wide", Way.QUEUE, 17)
        assert registry.keep(tx.conn, newer) and registry.keep(tx.conn, newer)
        assert not registry.keep(tx.conn, who), "it is older"
        assert registry.find(tx.conn, "wide") == newer
        # a way that stays keeps its position; one that goes loses it
        assert ways.position(tx.conn, "wide", Way.QUEUE) == 17
        assert ways.position(tx.conn, "wide", Way.WEBHOOK) == 0
        less = replace(newer, ways=frozenset({Way.WEBHOOK}), changed_at=LATER + timedelta(1))
        assert registry.keep(tx.conn, less)
        assert ways.position(tx.conn, "wide", Way.QUEUE) is None
        ended = replace(less, ended=date(2026, 3, 1), changed_at=LATER + timedelta(2))
        assert registry.keep(tx.conn, ended)
        assert ways.position(tx.conn, "wide", Way.WEBHOOK) is None
        assert [one.id for one in registry.present(tx.conn)] == ["register"]
        assert [one.id for one in registry.read(tx.conn)] == ["register", "wide"]


def test_a_position_that_somebody_has_set_back_is_not_overwritten_by_who_was_under_way(pool: Pool) -> None:
    keep(pool, partner("queue", ways=frozenset({Way.QUEUE})))
    with pool.tx() as tx:
        assert ways.advance(tx.conn, "queue", Way.QUEUE, before=0, after=5)
        assert ways.move(tx.conn, "queue", Way.QUEUE, 2)
        assert not ways.advance(tx.conn, "queue", Way.QUEUE, before=5, after=9)
        assert ways.position(tx.conn, "queue", Way.QUEUE) == 2
        assert not ways.move(tx.conn, "queue", Way.WEBHOOK, 1)


@pytest.mark.parametrize("changes", ["id = 'A'", "names = '{}'", "ways = '{POST}'", "ways = '{WEBHOOK}'"])
def test_the_database_takes_no_row_that_is_no_partner(pool: Pool, changes: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), pool.tx() as tx:
        tx.execute(f"UPDATE partner SET {changes}")


def test_a_former_token_reads_through_its_last_day(pool: Pool, feed: Served) -> None:
    today = business_date()
    old = KEYS.feed_tokens(PARTNER, today)[0]
    for change, (last_day, status) in enumerate(((today, 200), (today - timedelta(1), 401))):
        keep(
            pool,
            registry.rotated(
                PARTNER,
                SecretKind.FEED,
                number=2,
                key=KEYS.first,
                last_day=last_day,
                on=date(2026, 1, 1),
                at=LATER + timedelta(change),
            ),
        )
        assert feed.ask(PARTNER, token=old)[0] == status


def test_positions_rise_by_one_however_many_batches_there_are(
    pool: Pool, database: str, fresh_vhost: str, make_database: Callable[..., str]
) -> None:
    with running(make_relay(database, fresh_vhost, batch=3)):
        for number in range(5):
            with pool.tx() as tx:
                publish(tx, *range(number * 4, number * 4 + 4))
        until(lambda: len(told(pool)) == 20)
    assert all(later - earlier == 1 for (earlier, _), (later, _) in pairwise(told(pool)))
