"""`make soak`: find the limit of the suite on this machine, hold four fifths of it, and see whether anything grows.

The sample's assignments are registered and their facts stated, a few in each call, as copies under ever new ids in four
municipalities. First as quickly as what follows is kept up with: that is the limit, from call to the last notice. Then
at a steady pace below it. Every few seconds is noted what each process, the broker and the databases hold; at the end a
line is laid through what was noted after the warm-up, and what it rises over the whole time is held against a bound.
Exit status 1 if something grows.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression, median, quantiles
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from kundval_chassis import play
from kundval_contracts.caseload import Assignment, Caseload
from kundval_contracts.client import Client
from kundval_contracts.inputs import CLIENT, PLAN

from . import cases, suite
from .footprint import MEBIBYTE
from .machine import Machine, load_average, servers
from .services import SERVICES, Services, running

RESULTS = Path(__file__).with_name("results")
TENANTS = 4
RESIDENTS = 60
#: facts in a call, and calls under way at most
FACTS, WINDOW = 5, 16
#: events that wait anywhere, above which no more is stated while the limit is sought
BACKLOG = 2000
SHARE = 0.8
EVERY = 5.0
#: share of the hold that is left out at its beginning
WARM_UP = 1 / 3


#: a tenant, and facts for `assignment.record_facts`
Batch = tuple[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Bound:
    """How much may be gained over the hold and still be called none: so much, and so large a share of the median."""

    least: float
    share: float = 0.0


BOUNDS: Mapping[str, Bound] = {
    "memory, MiB": Bound(6.0, 0.03),
    "threads": Bound(1.0),
    "open files": Bound(3.0),
    "connections to PostgreSQL": Bound(2.0),
    "connections to RabbitMQ": Bound(2.0),
    "channels": Bound(2.0),
    "queues": Bound(1.0),
    "messages in queues": Bound(300.0, 0.5),
    "events in outboxes": Bound(300.0, 0.5),
    "events that wait": Bound(300.0, 0.5),
    "KiB on disk for a fact": Bound(0.5, 0.15),
    "median call, ms": Bound(20.0, 0.5),
}


@dataclass
class Trend:
    """What was noted of one thing: seconds from the start of the hold, and how much there was."""

    what: str
    of: str
    points: list[tuple[float, float]] = field(default_factory=list)

    def settled(self, seconds: float) -> list[tuple[float, float]]:
        """The points after the warm-up."""
        return [point for point in self.points if point[0] >= seconds * WARM_UP]

    def gained(self, seconds: float) -> float:
        """What a line through the points rises in `seconds`. 0 for fewer than three."""
        points = self.settled(seconds)
        if len(points) < 3:
            return 0.0
        return linear_regression(*zip(*points, strict=True)).slope * seconds

    def allowed(self, seconds: float) -> float:
        bound = BOUNDS[self.what]
        return bound.least + bound.share * median(value for _, value in self.settled(seconds) or [(0.0, 0.0)])

    def grows(self, seconds: float) -> bool:
        return self.gained(seconds) > self.allowed(seconds)


class Load:
    """States facts of ever new assignments; counts what was taken, and how long each call took."""

    def __init__(self, calls: Client, caseload: Caseload):
        self._calls = calls
        self._caseload = caseload
        self._room = threading.Semaphore(WINDOW)
        self._latencies: deque[float] = deque()
        #: facts that were stated, and those that were taken
        self.sent = self.facts = 0
        self.failed: list[str] = []
        self.tenants = [play.new_tenant() for _ in range(TENANTS)]
        for tenant in self.tenants:
            player = play._Player(calls, tenant, lambda _: None)
            player.open(cases.caseload(2), 0)
            player.open_day(caseload.as_of)
        self._batches = self._endless()

    def _endless(self) -> Iterator[Batch]:
        """Batches of facts: those of a few assignments, which are registered before, one after the other in turns."""
        for turn in itertools.count():
            for group in play._chunks(self._caseload.assignments, 10):
                tenant = self.tenants[turn % TENANTS]
                yield from self._told(tenant, group, f"-{turn}")

    def _told(self, tenant: str, group: Sequence[Assignment], suffix: str) -> Iterator[Batch]:
        rows = [
            {
                "id": one.id + suffix,
                "programme": one.programme.value,
                "delivery_area": one.delivery_area,
                "client": CLIENT.dump(one.client),
                "plan": PLAN.dump(one.plan),
            }
            for one in group
        ]
        self._calls.call("assignment.register", tenant=tenant, assignments=rows, timeout=play.CALL_SECONDS)
        facts = [
            {**play._wire(one, fact), "assignment": one.id + suffix}
            for one in group
            for fact in sorted(one.facts, key=lambda fact: fact.order)
            if fact.known_on <= self._caseload.as_of
        ]
        for part in play._chunks(facts, FACTS):
            yield tenant, list(part)

    def state(self) -> None:
        """State the next batch; waits only while too many calls are under way."""
        tenant, part = next(self._batches)
        self._room.acquire()
        self.sent += len(part)
        began = time.monotonic()
        call = self._calls.submit(
            "assignment.record_facts",
            {"tenant": tenant, "facts": part, "keep_refused": True},
            timeout=play.CALL_SECONDS,
        )

        def told() -> None:
            self._latencies.append(time.monotonic() - began)
            self._room.release()
            try:
                call.result()
                self.facts += len(part)
            except Exception as error:
                self.failed.append(type(error).__name__)

        call.when_done(told)

    def latencies(self) -> list[float]:
        """Seconds that the calls since the last time took."""
        found = []
        with suppress(IndexError):
            while True:
                found.append(self._latencies.popleft())
        return found


class Gauge:
    """Looks at what everything holds."""

    def __init__(self, machine: Machine, services: Services):
        self._machine = machine
        self._services = services
        self._host = services.env["KUNDVAL_AMQP_URI"].rpartition("/")[2]
        self._databases = {
            service: psycopg.connect(services.env[f"KUNDVAL_{service.upper()}_DATABASE_URI"], autocommit=True)
            for service in SERVICES
        }
        self.trends: dict[tuple[str, str], Trend] = {}

    def close(self) -> None:
        for connection in self._databases.values():
            connection.close()

    def waiting(self) -> dict[str, int]:
        """Events that are still to be sent, in queues, or laid out."""
        queues = self._machine.api("GET", f"queues/{self._host}?disable_stats=true&enable_queue_totals=true")
        events = [one for one in queues if ".events-in" in one["name"] and not one["name"].endswith(".parked")]
        found = {"messages in queues": sum(one.get("messages", 0) for one in events)}
        for name, table in (("events in outboxes", "outbox"), ("events that wait", "waiting_event")):
            found[name] = sum(self._one(service, f"SELECT count(*) FROM {table}") for service in SERVICES)
        return found

    def disk(self) -> int:
        """Bytes of all databases."""
        return sum(self._one(service, "SELECT pg_database_size(current_database())") for service in SERVICES)

    def note(self, at: float) -> None:
        """Note everything but what only the load knows."""
        for name, process in self._services.processes.items():
            with process.oneshot():
                self.add("memory, MiB", name, at, process.memory_info().rss / MEBIBYTE)
                self.add("threads", name, at, process.num_threads())
                self.add("open files", name, at, process.num_fds())
        for service in SERVICES:
            count = self._one(service, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            self.add("connections to PostgreSQL", service, at, count - 1)
        for what in ("connections", "channels"):
            found = self._machine.api("GET", f"vhosts/{self._host}/{what}")
            self.add("connections to RabbitMQ" if what == "connections" else what, "all", at, len(found))
        self.add("queues", "all", at, len(self._machine.api("GET", f"queues/{self._host}?disable_stats=true")))
        for name, count in self.waiting().items():
            self.add(name, "all", at, count)

    def add(self, what: str, of: str, at: float, value: float) -> None:
        self.trends.setdefault((what, of), Trend(what, of)).points.append((at, value))

    def _one(self, service: str, query: str) -> int:
        row = self._databases[service].execute(query).fetchone()
        assert row is not None
        return int(row[0])


def limit(load: Load, gauge: Gauge, seconds: float) -> float:
    """Facts a second that everything keeps up with, found in `seconds`."""
    began, looked = time.monotonic(), 0.0
    marks: list[tuple[float, int]] = []
    while (now := time.monotonic() - began) < seconds:
        if now - looked > 1.0:
            looked = now
            behind = sum(gauge.waiting().values())
            marks.append((now, load.facts))
            if behind > BACKLOG:
                time.sleep(0.5)
                continue
        load.state()
    settled(gauge)
    first = next((mark for mark in marks if mark[0] > seconds / 3), marks[0])
    # what was stated is only done with when all of it has had its effect
    return (load.facts - first[1]) / (time.monotonic() - began - first[0])


def settled(gauge: Gauge, most: float = 300.0) -> None:
    """Wait until nothing waits any more."""
    until = time.monotonic() + most
    while any(gauge.waiting().values()):
        if time.monotonic() > until:
            raise RuntimeError("the suite does not come to rest")
        time.sleep(0.5)


def hold(load: Load, gauge: Gauge, rate: float, seconds: float) -> list[float]:
    """State so many facts a second for so long, noting what is held; seconds that all the calls took."""
    began = time.monotonic()
    noted, disk, before, sent = 0.0, gauge.disk(), load.facts, load.sent
    latencies: list[float] = []
    load.latencies()
    while (now := time.monotonic() - began) < seconds:
        if now - noted > EVERY:
            noted = now
            gauge.note(now)
            calls = load.latencies()
            latencies += calls
            if calls:
                gauge.add("median call, ms", "all", now, 1000 * median(calls))
            if load.facts - before > 500:
                size = gauge.disk()
                gauge.add("KiB on disk for a fact", "all", now, (size - disk) / 1024 / (load.facts - before))
                disk, before = size, load.facts
        ahead = load.sent - sent - rate * now
        if ahead <= 0:
            load.state()
        else:
            time.sleep(min(0.05, ahead / rate))
    return latencies + load.latencies()


def show(trends: Sequence[Trend], seconds: float, console: Console) -> None:
    title = f"held for {seconds / 60:.1f} minutes"
    table = Table("", "Of", "At first", "At last", "Gained", "Allowed", "", title=title)
    for trend in trends:
        points = trend.settled(seconds) or [(0.0, 0.0)]
        table.add_row(
            trend.what,
            trend.of,
            *(f"{value:.1f}" for value in (points[0][1], points[-1][1], trend.gained(seconds), trend.allowed(seconds))),
            "[red]grows[/]" if trend.grows(seconds) else "[green]holds[/]",
        )
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the load is held (default: 10)")
    parser.add_argument("--seek", type=float, default=90.0, metavar="SECONDS", help="to find the limit in")
    parser.add_argument("--servers", default="soak", metavar="NAME", help="which set of servers (default: soak)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write everything (default: bench/results)")
    chosen = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 150)
    seconds = 60 * chosen.minutes
    with servers(chosen.servers) as machine, running(machine) as services, suite.client(services) as calls:
        gauge = Gauge(machine, services)
        load = Load(calls, cases.caseload(RESIDENTS))
        most = limit(load, gauge, chosen.seek)
        rate = SHARE * most
        console.print(f"limit {most:.0f} facts/s; holding {rate:.0f}", highlight=False)
        before, busy = load.facts, load_average()
        latencies = hold(load, gauge, rate, seconds)
        held = (load.facts - before) / seconds
        settled(gauge)
        gauge.close()
        facts = machine.facts()
    trends = list(gauge.trends.values())
    show(trends, seconds, console)
    cuts = [1000 * one for one in quantiles(latencies, n=100)]
    console.print(
        f"{held:.0f} facts/s held of {rate:.0f} wanted; calls of {FACTS}: median {cuts[49]:.0f} ms, 95th percentile"
        f" {cuts[94]:.0f} ms, {len(load.failed)} failed; load {busy} to {load_average()} on {facts['cores']} cores",
        highlight=False,
    )
    growing = [trend for trend in trends if trend.grows(seconds)]
    file = chosen.json or RESULTS / f"soak-{datetime.now(UTC):%Y-%m-%dT%H%M%S}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "machine": facts,
        "limit": most,
        "held": held,
        "minutes": chosen.minutes,
        "median_ms": cuts[49],
        "p95_ms": cuts[94],
        "failed": len(load.failed),
        "trends": [
            {"what": one.what, "of": one.of, "points": one.points, "grows": one.grows(seconds)} for one in trends
        ],
    }
    file.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if growing or load.failed or held < 0.95 * rate else 0


if __name__ == "__main__":
    sys.exit(main())
