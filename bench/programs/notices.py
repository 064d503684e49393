"""The road of notices in a process as the service's, one step after the other: events taken in and notices kept,
messages routed, mails handed over. Of assignment, which is asked for addresses, a stand-in answers at once.
"""

import kundval_chassis.bootstrap  # isort: skip  # first, before anything imports psycopg

import json
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from typing import Any
from uuid import uuid4

from bench import cases, child
from bench.programs.clock import Clock
from bench.programs.recompute import collect_as_a_service, peak
from kundval_assignment.domain import judge
from kundval_chassis import agenda, clock, migrate
from kundval_chassis.db import Pool, Row, Tx
from kundval_contracts.answer import Obligation
from kundval_contracts.case import Case
from kundval_contracts.codes import AttemptOutcome, DeliveryChannel, FactKind, Role
from kundval_contracts.envelope import Event
from kundval_contracts.events import fact_event
from kundval_contracts.facts import Fact
from kundval_notifications import keep
from kundval_notifications.channels.addresses import mailbox
from kundval_notifications.channels.mail import Letterhead
from kundval_notifications.channels.smtp import Server, Smtp
from kundval_notifications.delivery import store
from kundval_notifications.delivery.compose import Composer
from kundval_notifications.delivery.life import Life
from kundval_notifications.delivery.post import Recipients
from kundval_notifications.delivery.routing import Router
from kundval_notifications.delivery.sending import Sender
from kundval_notifications.directory import Asked, Point
from kundval_notifications.directory.seal import Seal
from kundval_notifications.domain import route
from kundval_notifications.operate import store as figures
from kundval_scheduling.domain import outlook

assert kundval_chassis.bootstrap

TENANT = "bench"
#: events that the consumer hands over in one transaction
BATCH = 200
#: the day before a month in which nobody took anything in, and the one after it: a Monday and a Wednesday
BEFORE, AFTER = date(2025, 6, 2), date(2025, 7, 2)
GUIDES = 25
_FACT = ("tenant", "assignment", "fact_id", "revision", "in_effect", "kind", "place", "on_day", "known_on", "data")
_CASE = ("tenant", "assignment", "programme", "delivery_area", "plan", "sequence")


class Addresses:
    """What assignment would answer: everybody has an e-mail address of one's own."""

    seal = Seal("bench-key-of-thirty-two-characters")

    def ask(self, tenant: str, rows: Iterable[Mapping[str, Any]], channels: Collection[DeliveryChannel]) -> Asked:
        clients = {row["subject"] for row in rows if row["recipient"] == Role.CLIENT}
        return Asked(self.seal, {name: _point(name) for name in clients})


def _point(assignment: str) -> Point:
    return Point(f"P-{assignment}", False, "sv", {DeliveryChannel.EMAIL: f"{assignment.lower()}@klient.invalid"})


class Office:
    """Routing and sending as `Post` sets them up, on one connection of the database, so that its work can be told."""

    def __init__(self, pool: Pool, port: int):
        self.pool = pool
        recipients = Recipients(Addresses(), frozenset({DeliveryChannel.EMAIL}), b"mark")  # type: ignore[arg-type]
        server = Server("127.0.0.1", port, "NONE", ssl.create_default_context())
        smtp = Smtp(server, Letterhead(mailbox("no-reply@kundval.invalid"), "kundval.invalid"))
        composer = Composer("https://kundval.invalid", b"key")
        self.life = Life(pool.uri)
        self._router = Router(pool, recipients, [DeliveryChannel.EMAIL], now=_noon)
        self._sender = Sender(pool, smtp, recipients, composer, self.life.token, now=_noon)

    def route(self) -> dict[str, Any]:
        return self._until_nothing_is_left(self._router.work)

    def send(self) -> dict[str, Any]:
        return self._until_nothing_is_left(self._sender.work)

    def _until_nothing_is_left(self, work: Callable[[], int]) -> dict[str, Any]:
        clock, count = Clock(), 0
        with self.pool.tx() as tx:
            connection = tx.conn
        with clock.running(connection):
            while done := work():
                count += done
        return {**clock.found, "count": count}

    def take_in(self, events: Sequence[Event]) -> dict[str, Any]:
        """Events as the consumer hands them over."""
        clock = Clock()
        with self.pool.tx() as tx:
            connection = tx.conn
        with clock.running(connection):
            for start in range(0, len(events), BATCH):
                with self.pool.tx() as tx:
                    keep.follow(tx, events[start : start + BATCH])
        return {**clock.found, "count": len(events)}

    def states(self) -> dict[str, Any]:
        """What has become of the messages."""
        with self.pool.tx(readonly=True) as tx:
            rows = tx.query(
                "SELECT state, coalesce(channel, waits, reason, '') AS how, count(*) AS n FROM message GROUP BY 1, 2"
            )
            mails = tx.value("SELECT count(*) FROM dispatch WHERE state = 'SENT'")
            carried = tx.value(
                "SELECT count(*) FROM dispatch_notice JOIN dispatch USING (dispatch) WHERE state = 'SENT'"
            )
        return {
            "states": {f"{row['state']} {row['how']}".strip(): row["n"] for row in rows},
            "dispatches": mails,
            "carried": carried,
        }


def _noon() -> datetime:
    """Today at noon: no hours are quiet."""
    return route.instant(route.local_day(clock.now()), time_of_day(12))


# --- one notice for each recipient --------------------------------------------------------------------


class Decisions:
    """Assignments about which nothing has been decided yet, and the events by which that is told."""

    def __init__(self, office: Office):
        self._office = office
        self._events: list[Event] = []

    def seed(self, count: int) -> dict[str, Any]:
        known = [one for one in _held() if any(fact[3] == FactKind.DECIDED for fact in one[1])]
        rows, facts = [], 0
        waiting: list[list[tuple[Any, ...]]] = [[], []]
        for number in range(count):
            case, of_case = known[number % len(known)]
            name = f"A-{number:06d}"
            place = next(place for place, fact in enumerate(of_case) if fact[3] == FactKind.DECIDED)
            waiting[0].append((TENANT, name, *case, number + 1))
            waiting[1] += [(TENANT, name, *fact) for fact in of_case[:place]]
            rows.append((name, of_case[place]))
            facts += place
        with self._office.pool.tx() as tx:
            cases.open_tenant(tx, TENANT, AFTER)
            tx.copy_rows("held_case", _CASE, waiting[0])
            tx.copy_rows("held_fact", _FACT, waiting[1])
        self._events = [_decided(name, fact, place) for place, (name, fact) in enumerate(rows)]
        _tidy(self._office.pool)
        return {"facts": facts}

    def take_in(self, start: int, count: int) -> dict[str, Any]:
        return self._office.take_in(self._events[start : start + count])


def _decided(name: str, fact: tuple[Any, ...], sequence: int) -> Event:
    """Decided on today, whenever it was in the sample: a notice must not be late."""
    fact_id, revision, _, kind, place, _, _, data = fact
    head = {"assignment": name, "fact_id": fact_id, "ordinal": place, "revision": revision}
    day = AFTER.isoformat()
    return _event(f"assignment.{kind}", name, sequence, {**head, "on": day, "known_on": day, **json.loads(data)})


def _held() -> list[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    """Case and facts of each assignment of the sample as columns, without tenant and id."""
    known = len(cases.caseload().assignments)
    return [(case[2:-1], [fact[2:] for fact in facts]) for case, facts in cases.held(known, TENANT)]


def _event(name: str, subject: str, sequence: int, data: Mapping[str, Any]) -> Event:
    return Event(str(uuid4()), name, 1, subject, TENANT, datetime.now(UTC), sequence, dict(data))


# --- a month in which nobody took anything in -----------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """An assignment of the sample: what was held of it before the month, and what is told of it afterwards."""

    case: tuple[Any, ...]
    facts: tuple[Fact, ...]
    before: tuple[Obligation, ...]
    after: tuple[Obligation, ...]


def models() -> Iterator[Model]:
    """Those that are under way on one of the two days, or of which something was told in between."""
    found = cases.caseload()
    tenant = found.tenant()
    for one, (case, _) in zip(found.assignments, _held(), strict=True):
        whole: Case = one.case(found.as_of).having(judge(one.case(found.as_of), one.client, tenant).in_effect)
        before, after = (outlook(whole.known_by(day), tenant, day)[0] for day in (BEFORE, AFTER))
        facts = tuple(fact for fact in whole.facts if fact.known_on <= AFTER)
        if before or after or any(fact.known_on > BEFORE for fact in facts):
            yield Model(case, facts, before, after)


class Downtime:
    """As many assignments as wanted, each with a career guide, a provider and a client who can be written to."""

    def __init__(self, office: Office):
        self._office = office
        self._events: list[Event] = []

    def seed(self, count: int) -> dict[str, Any]:
        """Hold them as they stood before the month, everything told; make the events of the month."""
        known = list(models())
        copies = [(f"A-{number:06d}", known[number % len(known)]) for number in range(count)]
        with self._office.pool.tx() as tx:
            cases.open_tenant(tx, TENANT, BEFORE)
            tx.copy_rows(
                "held_case", _CASE, ((TENANT, name, *one.case, place) for place, (name, one) in enumerate(copies))
            )
            tx.copy_rows(
                "held_fact",
                _FACT,
                (_row(name, fact) for name, one in copies for fact in one.facts if fact.known_on <= BEFORE),
            )
            tx.copy_rows(
                "held_obligation",
                ("tenant", "assignment", "kind", "sequence", "revision", "removed", "data", "as_of"),
                (
                    (TENANT, name, row.kind.value, row.sequence, 1, False, json.dumps(_told(row)), BEFORE)
                    for name, one in copies
                    for row in one.before
                ),
            )
            tx.copy_rows(
                "holder",
                ("tenant", "assignment", "guide", "unit"),
                ((TENANT, name, f"guide-{place % GUIDES}", "unit-1") for place, (name, _) in enumerate(copies)),
            )
            tx.execute("INSERT INTO agenda SELECT tenant, assignment, %s FROM held_case", (agenda.NOW,))
            _enter_parties(tx)
        first = self._office.take_in([_day(BEFORE, 1)])
        with self._office.pool.tx() as tx:
            told = tx.execute("UPDATE message SET state = 'SENT', channel = 'INBOX', sent_at = now()")
        facts = sorted(
            ((fact.known_on, name, fact) for name, one in copies for fact in one.facts if fact.known_on > BEFORE),
            key=lambda row: (row[0], row[1], row[2].order),
        )
        events = [
            _event(f"assignment.{fact.kind}", name, place, fact_event(name, fact, 1))
            for place, (_, name, fact) in enumerate(facts, 1)
        ]
        changes = [(name, _change(name, one)) for name, one in copies]
        events += [
            _event("scheduling.obligations_changed", name, place, change)
            for place, (name, change) in enumerate(changes, 1)
            if change["changed"] or change["removed"]
        ]
        self._events = [*events, _day(AFTER, 2)]
        _tidy(self._office.pool)
        return {"told_before": told, "first_seconds": first["seconds"], "events": len(self._events)}

    def take_in(self) -> dict[str, Any]:
        return self._office.take_in(self._events)

    def again(self) -> dict[str, Any]:
        """The same events once more, as after a lost acknowledgement; how many messages wait after it."""
        self._office.take_in(self._events)
        with self._office.pool.tx(readonly=True) as tx:
            return {
                "pending": tx.value("SELECT count(*) FROM message WHERE state = 'PENDING' AND waits IS NULL"),
                "late": tx.value("SELECT count(*) FROM notice JOIN dispatch_notice USING (notice) WHERE late"),
            }


def _row(name: str, fact: Fact) -> tuple[Any, ...]:
    own = {key: value for key, value in fact_event(name, fact, 1).items() if key not in cases.HEAD}
    return (
        TENANT, name, fact.id, 1, True, fact.kind.value, fact.place, fact.on, fact.known_on, json.dumps(own),
    )  # fmt: skip


def _told(row: Obligation) -> dict[str, Any]:
    """An obligation as scheduling tells it."""
    overdue = row.overdue_after.isoformat() if row.overdue_after else None
    data = {**row.as_json(), "overdue_after": overdue, "provider": row.provider}
    del data["assignment"]
    return data


def _change(name: str, one: Model) -> dict[str, Any]:
    before = {(row.kind.value, row.sequence): _told(row) for row in one.before}
    after = {(row.kind.value, row.sequence): _told(row) for row in one.after}
    return {
        "assignment": name,
        "revision": 2,
        "as_of": AFTER.isoformat(),
        "changed": [row for key, row in after.items() if before.get(key) != row],
        "removed": [{"kind": kind, "sequence": sequence} for kind, sequence in before.keys() - after.keys()],
    }


def _day(day: date, sequence: int) -> Event:
    return _event("scheduling.day_opened", TENANT, sequence, {"date": day.isoformat()})


def _enter_parties(tx: Tx) -> None:
    """Everybody in the municipality and every provider with an address."""
    people = [(Role.CAREER_GUIDE, f"guide-{number}") for number in range(GUIDES)]
    people += [(role, "*") for role in Role if role not in (Role.CLIENT, Role.PROVIDER)]
    people += [(Role.PROVIDER, name) for name in cases.caseload().providers]
    tx.insert_rows(
        "party",
        ("tenant", "role", "party", "addresses"),
        [
            (TENANT, role.value, name, {"EMAIL": f"{role.value.lower()}.{name.replace('*', 'all')}@kommun.invalid"})
            for role, name in people
        ],
    )


# --- very many that are settled -------------------------------------------------------------------------

#: messages and dispatches that wait beside them
WAITING = 500


class Queue:
    """What finds the messages that wait, among those that are settled."""

    def __init__(self, office: Office):
        self._office = office

    def seed(self, count: int) -> None:
        """So many messages that have been delivered, each with its dispatch; some that wait."""
        with self._office.pool.tx() as tx:
            cases.open_tenant(tx, TENANT, AFTER)
            _notices(tx, count, "S")
            tx.execute(
                "INSERT INTO dispatch (dispatch, tenant, channel, role, party, urgency, lane, state, attempts, sent_at,"
                " settled_at, created_at) SELECT 'd-' || notice, tenant, 'EMAIL', 'CLIENT', 'P-' || notice % 100000,"
                " 'NORMAL', 'EMAIL', 'DELIVERED', 1, at, at, at FROM"
                " (SELECT *, on_day::timestamptz + interval '9 hours' AS at FROM notice) AS n"
            )
            tx.execute(
                "INSERT INTO message (notice, tenant, state, channel, attempts, sent_at, dispatch)"
                " SELECT notice, tenant, 'DELIVERED', 'EMAIL', 1, on_day, 'd-' || notice FROM notice"
            )
            tx.execute("INSERT INTO dispatch_notice (dispatch, notice) SELECT 'd-' || notice, notice FROM notice")
            tx.execute(
                "INSERT INTO attempt (dispatch, number, ended_at, outcome)"
                " SELECT 'd-' || notice, 1, now(), 'ACCEPTED' FROM notice"
            )
            for name in ("W", "R"):
                _notices(tx, WAITING, name)
                tx.execute(
                    "INSERT INTO message (notice, tenant) SELECT notice, tenant FROM notice WHERE subject LIKE %s",
                    (f"{name}-%",),
                )
            ready = tx.query("SELECT notice FROM notice WHERE subject LIKE 'R-%%'", ())
            store.add_dispatches(
                tx,
                [
                    store.Bundle(
                        TENANT, "EMAIL", "EMAIL", "CLIENT", f"R-{row['notice']}", "NORMAL", False, [row["notice"]]
                    )
                    for row in ready
                ],
            )
        _tidy(self._office.pool)

    def scan(self, calls: int) -> dict[str, Any]:
        """Milliseconds of each look: what is to be routed and handed over, one that is, what operations see."""
        token = self._office.life.token()
        looks: Mapping[str, Callable[[Tx], Sequence[Row]]] = {
            "to route": lambda tx: store.to_route(tx, WAITING),
            "to hand over": lambda tx: store.lease(tx, DeliveryChannel.EMAIL, token, Sender.batch),
            "sent": lambda tx: _sent(tx, token),
            "depth": store.depth,
            "queue": lambda tx: [*figures.waiting(tx, TENANT), *figures.leaving(tx, TENANT)],
        }
        found: dict[str, Any] = {}
        for name, look in looks.items():
            times = []
            for _ in range(calls):
                try:
                    with self._office.pool.tx() as tx:
                        began = time.perf_counter()
                        rows = look(tx)
                        times.append(1000 * (time.perf_counter() - began))
                        raise _Enough
                except _Enough:
                    pass
            found[name] = sorted(times)[len(times) // 2]
            found[f"rows {name}"] = len(rows)
        return found


def _sent(tx: Tx, token: str) -> list[Row]:
    """One dispatch from the lease to the entry that it has been taken, without handing it over."""
    (row,) = store.lease(tx, DeliveryChannel.EMAIL, token, 1)
    dispatch = row["dispatch"]
    store.lock_contents(tx, dispatch, token)
    number = store.begin(tx, dispatch, token, ("sv", "nudge.message", "sv-1"), b"mark")
    assert number is not None
    store.end_attempt(tx, dispatch, number, AttemptOutcome.ACCEPTED, None)
    return store.accepted(tx, dispatch, None)


class _Enough(Exception):
    """To roll back."""


def _notices(tx: Tx, count: int, name: str) -> None:
    tx.execute(
        "INSERT INTO notice (tenant, subject, kind, recipient, on_day, sequence, rules, details)"
        " SELECT %s, %s::text || '-' || number %% 100000, 'DECISION', 'CLIENT', date '2024-01-01'"
        " + (number / 2000)::int, number, '[\"SM-A6\"]', '{}' FROM generate_series(1, %s) AS number",
        (TENANT, name, count),
    )


def _tidy(pool: Pool) -> None:
    """What autovacuum would do in its own time."""
    tables = ("held_case", "held_fact", "held_obligation", "holder", "agenda", "notice", "message", "dispatch",
              "dispatch_notice", "attempt", "event", "outbox")  # fmt: skip
    with pool._pool.connection() as connection:
        for table in tables:
            connection.execute(_sql(f"VACUUM ANALYZE {table}"))


def _sql(text: str) -> Any:
    # psycopg's types want a literal
    return text


def main() -> None:
    given = child.parameters()
    collect_as_a_service()
    migrate.apply(given["database"], "notifications")
    with Pool(given["database"], name="bench-notices", max_size=1) as pool:
        office = Office(pool, given["port"])
        decisions, downtime, queue = Decisions(office), Downtime(office), Queue(office)
        child.serve(
            {
                "decisions": lambda count: decisions.seed(count),
                "decide": lambda start, count: decisions.take_in(start, count),
                "downtime": lambda count: downtime.seed(count),
                "return": lambda: downtime.take_in(),
                "again": lambda: downtime.again(),
                "settled": lambda count: queue.seed(count),
                "scan": lambda calls: queue.scan(calls),
                "route": office.route,
                "send": office.send,
                "states": lambda: {**office.states(), "peak": peak()},
                "tidy": lambda: _tidy(pool),
            },
            child.green_wait,
        )


if __name__ == "__main__":
    main()
