"""What must be so after every round, whatever was done: nothing lost, nothing twice, everything as it is computed.

Asked of the databases themselves, not of the services, wherever that says more. Each check yields what is wrong, as a
line that names the place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg

from kundval_assignment.domain import meetings
from kundval_chassis import held
from kundval_chassis.db import Pool
from kundval_chassis.play import CONSUMERS
from kundval_contracts.client import Client
from kundval_contracts.events_in import SOURCES
from kundval_scheduling import store as obligations
from kundval_scheduling.domain import outlook_of
from kundval_scheduling.domain.plan import Context
from tests.conftest import Servers
from tests.suite import SERVICES

from .hosts import Hosts
from .load import Office, Player


class Books:
    """The databases of a suite, read as their owners, and the broker's queues."""

    def __init__(self, hosts: Hosts, servers: Servers):
        self._hosts, self._servers = hosts, servers

    def ask(self, service: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._hosts.databases[service]) as connection:
            return connection.execute(sql, values).fetchall()  # type: ignore[arg-type]

    def pool(self, service: str) -> Pool:
        return Pool(self._hosts.databases[service], name="campaign", max_size=2)

    def leftovers(self) -> dict[str, int]:
        """Messages in queues, but for those parked and those that systems outside are asked; events in outboxes."""
        asked = {f"{source}.replays" for source in SOURCES}
        left = {
            queue["name"]: queue["messages"]
            for queue in self._servers.api("GET", f"queues/{self._hosts.vhost}")
            if queue.get("messages") and not queue["name"].endswith(".parked") and queue["name"] not in asked
        }
        for service in SERVICES:
            [(depth,)] = self.ask(service, "SELECT count(*) FROM outbox")
            if depth:
                left[f"outbox of {service}"] = depth
        return left

    def parked(self) -> int:
        queues = self._servers.api("GET", f"queues/{self._hosts.vhost}")
        return sum(queue.get("messages", 0) for queue in queues if queue["name"].endswith(".parked"))


def told(books: Books) -> Iterator[str]:
    """Every event of every tenant was told once, and had its effect once in every service that listens."""
    for service in SERVICES:
        [(events, entered, wrong)] = books.ask(
            service,
            "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM told_event),"
            " (SELECT count(*) FROM event FULL JOIN told_event USING (sequence)"
            "  WHERE event.id IS NULL OR told_event.sequence IS NULL)",
        )
        if events != entered or wrong:
            yield f"{service}: {events} events, {entered} told, {wrong} of them not the same"
    published = {
        source: {row[0] for row in books.ask(source, "SELECT id::text FROM event")} for source in SERVICES
    }
    # of the others it gets none
    needed = books.ask("scheduling", "SELECT id::text FROM event WHERE name = ANY(%s)", sorted(meetings.NEEDS))
    heard = {(consumer, source): published[source] for consumer, sources in CONSUMERS.items() for source in sources}
    heard["assignment", "scheduling"] = {row[0] for row in needed}
    for (consumer, source), ids in heard.items():
        taken = {row[0] for row in books.ask(consumer, "SELECT id::text FROM inbox WHERE source = %s", source)}
        lost, invented = ids - taken, taken - published[source]
        if lost or invented:
            yield f"{consumer}: {len(lost)} events of {source} lost, {len(invented)} that it never sent"


def facts(books: Books, tenants: list[str]) -> Iterator[str]:
    """What is in effect in assignment is what the others hold."""
    mine = "SELECT tenant, assignment, fact_id, revision FROM stated_fact WHERE tenant = ANY(%s) AND in_effect"
    theirs = "SELECT tenant, assignment, fact_id, revision FROM held_fact WHERE tenant = ANY(%s) AND in_effect"
    truth = set(books.ask("assignment", mine, tenants))
    for service in CONSUMERS:
        there = set(books.ask(service, theirs, tenants))
        if there != truth:
            yield f"{service} lacks {len(truth - there)} facts and holds {len(there - truth)} that are not"


def money(books: Books, client: Client, tenants: list[str]) -> Iterator[str]:
    """Entries balance, a run on the same day posts nothing, no payment pays an entry that another pays."""
    [(unbalanced,)] = books.ask(
        "billing",
        "SELECT count(*) FROM (SELECT entry FROM entry JOIN entry_row USING (entry) WHERE tenant = ANY(%s)"
        " GROUP BY entry HAVING sum(entry_row.amount) <> 0 OR count(*) <> 2) AS wrong",
        tenants,
    )
    if unbalanced:
        yield f"billing: {unbalanced} entries do not balance"
    [(twice,)] = books.ask(
        "billing",
        "SELECT count(*) FROM (SELECT entry FROM payment_entry GROUP BY entry HAVING count(*) > 1) AS twice",
    )
    if twice:
        yield f"billing: {twice} entries stand in two payments"
    for tenant, run in books.ask(
        "billing", "SELECT tenant, max(run) FROM payment_run WHERE tenant = ANY(%s) GROUP BY tenant", tenants
    ):
        done = client.call("billing.run_payments", tenant=tenant, run=run.isoformat(), timeout=60)
        if done["postings"]:
            yield f"billing: the run of {run} for {tenant} posted {done['postings']} more when it was made again"


def deadlines(books: Books, tenants: list[str]) -> Iterator[str]:
    """The obligations that scheduling keeps are those that it computes from the facts now."""
    with books.pool("scheduling") as pool, pool.tx(readonly=True) as tx:
        for name in tenants:
            tenant = held.load_tenant(tx, name)
            day = tenant.business_date
            assert day is not None
            for cases in held.tenant_cases(tx, name):
                stored = obligations.held(tx, name, [case.assignment for case in cases])
                for case in cases:
                    computed, _ = outlook_of(Context(case.known_by(day), tenant, day))
                    differ = {one.key for one in {*computed} ^ {*stored[case.assignment]}}
                    if differ:
                        yield f"scheduling: {len(differ)} obligations of {case.assignment} are not as computed"


def messages(books: Books, hosts: Hosts, tenants: list[str]) -> Iterator[str]:
    """Every message that counts as sent lies in the folder once, and was told as sent once."""
    for tenant in tenants:
        folder = hosts.messages / tenant
        files = len(list(folder.glob("*.eml"))) if folder.exists() else 0
        [(sent,)] = books.ask(
            "notifications", "SELECT count(*) FROM dispatch WHERE tenant = %s AND state = 'SENT'", tenant
        )
        if files != sent:
            yield f"notifications: {sent} messages of {tenant} count as sent, {files} lie there"
    rows = books.ask(
        "notifications",
        "SELECT tenant, state, count(*) FROM message WHERE tenant = ANY(%s) GROUP BY 1, 2",
        tenants,
    )
    names = {"SENT": "notifications.sent", "BY_HAND": "notifications.by_hand"}
    said = Counter({(tenant, names[state]): count for tenant, state, count in rows if state in names})
    events = Counter(
        {
            (tenant, name): count
            for tenant, name, count in books.ask(
                "notifications",
                "SELECT tenant, name, count(*) FROM event WHERE tenant = ANY(%s) AND name = ANY(%s) GROUP BY 1, 2",
                tenants,
                list(names.values()),
            )
        }
    )
    if said != events:
        yield f"notifications: told {dict(events)}, holds {dict(said)}"


def play(player: Player) -> Iterator[str]:
    """What the suite says of the caseload is what the pure cores compute."""
    if player.answer != player.expected:
        yield f"the answer for {player.tenant} is not that of `kundval simulate`"


def office(books: Books, one: Office) -> Iterator[str]:
    """Every command that was accepted has had its effect, once."""
    rows = books.ask(
        "assignment",
        "SELECT assignment, fact_id, withdrawn_at IS NULL FROM stated_fact WHERE tenant = %s AND fact_id = ANY(%s)",
        one.tenant,
        sorted({name for _, name in one.facts}),
    )
    found = {(case, name): there for case, name, there in rows if (case, name) in one.facts}
    if found != one.facts:
        wrong = {key for key, there in one.facts.items() if found.get(key) != there}
        yield f"assignment: of {len(one.facts)} facts that were stated or taken back {len(wrong)} are not so"
    booked = dict(
        books.ask(
            "scheduling",
            "SELECT meeting, state <> 'CANCELLED' FROM meeting WHERE tenant = %s AND kind = 'WEEKLY_CONTACT'"
            " AND state NOT IN ('DUE', 'DUE_OVERDUE') AND NOT elsewhere",
            one.tenant,
        )
    )
    if booked != one.meetings:
        lost, more = one.meetings.items() - booked.items(), booked.items() - one.meetings.items()
        yield f"scheduling: of {len(one.meetings)} meetings {len(lost)} are not as accepted, {len(more)} are more"
    acts = books.ask(
        "billing",
        "SELECT payment FROM payment_act JOIN payment USING (payment) WHERE tenant = %s AND act = 'RELEASED'",
        one.tenant,
    )
    released = Counter(row[0] for row in acts)
    if released != Counter(one.released):
        yield f"billing: released {dict(released)}, accepted {one.released}"
    numbers = [row[0] for row in books.ask("billing", "SELECT number FROM document WHERE tenant = %s", one.tenant)]
    if len(numbers) != len(set(numbers)) or len(numbers) != len(one.released):
        yield f"billing: {len(numbers)} documents for {len(one.released)} payments"
