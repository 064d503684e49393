"""(k) What a fact costs: processor time of every process and server, disk, log of the database, messages; and what a
process holds: memory, connections, open files.

The sample's year is played as in (a). What is told of a fact here is all that follows from it: events, obligations,
notices, messages, payments. What they use at rest is measured by itself and taken off, so that a busy machine, on which
the year takes longer, does not make a fact dearer. Each service's share of the disk is the growth of its database, as
files; nothing is compacted before it is read. There is no peer: nothing else does the same.
"""

from __future__ import annotations

import time
import urllib.parse
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import psycopg

from kundval_chassis import play
from kundval_contracts.client import Client

from . import cases, suite
from .footprint import memory
from .machine import Machine, cpu_seconds
from .report import Report, Row, Spread
from .services import SERVICES, Services, running

SERVERS = ("postgresql", "rabbitmq")


@dataclass(frozen=True)
class Size:
    residents: int = 300
    warm_up: int = 60
    rounds: int = 3
    rest: float = 20.0


QUICK = Size(residents=100, warm_up=20, rounds=2)
TINY = Size(residents=2, warm_up=2, rounds=1, rest=0.5)


@dataclass(frozen=True)
class Seen:
    """What has been used up to now: seconds of processor time, bytes of files, bytes of the database's log."""

    at: float
    cpu: Mapping[str, float]
    disk: Mapping[str, int]
    wal: int
    events: int


def measure(machine: Machine, size: Size) -> Report:
    caseload = cases.caseload(size.residents)
    assignments = len(caseload.assignments)
    facts = sum(fact.known_on <= caseload.as_of for one in caseload.assignments for fact in one.facts)
    with running(machine) as services, suite.client(services) as calls:
        _play(calls, cases.caseload(size.warm_up))
        machine.settle()
        seen = [look(machine, services)]
        time.sleep(size.rest)
        seen.append(look(machine, services))
        idle = used(seen[0], seen[1], dict.fromkeys(seen[0].cpu, 0.0))
        at_rest = {name: seconds / (seen[1].at - seen[0].at) for name, seconds in idle.items()}
        del seen[0]
        for _ in range(size.rounds):
            _play(calls, caseload)
            seen.append(look(machine, services))
        held = {service: holds(machine, services, service) for service in SERVICES}
        tables = {service: largest(services, service) for service in SERVICES}
    pairs = list(pairwise(seen))

    def each(value: Any, per: int) -> Spread:
        return Spread.of([(value(after) - value(before)) / per for before, after in pairs])

    who = (*SERVICES, *SERVERS)
    cpu = [used(before, after, at_rest) for before, after in pairs]
    note = f"{assignments} assignments, {facts} facts, a year"
    total = Spread.of([1000 * sum(one.values()) / facts for one in cpu])
    rows = [Row("k", "processor time of everything for a fact", "ms", total, note=note)]
    rows += [
        Row(
            "k",
            f"of it {name}",
            "ms",
            Spread.of([1000 * one[name] / facts for one in cpu]),
            note=f"at rest {at_rest[name]:.1%} of a core",
        )
        for name in who
    ]
    rows += [
        Row("k", "events for a fact", "", each(lambda one: one.events, facts)),
        Row("k", "disk for an assignment", "KiB", each(lambda one: sum(one.disk.values()) / 1024, assignments)),
        *(
            Row("k", f"of it {name}", "KiB", each(lambda one, name=name: one.disk[name] / 1024, assignments))
            for name in SERVICES
        ),
        Row("k", "the database's log for a fact", "KiB", each(lambda one: one.wal / 1024, facts)),
    ]
    rows += [
        Row(
            "k",
            f"a process of {service}: memory",
            "MiB RSS",
            Spread.of([held[service]["rss_mib"]]),
            note="{postgresql} connections to PostgreSQL, {rabbitmq} to RabbitMQ, {files} files".format_map(
                held[service]
            ),
        )
        for service in SERVICES
    ]
    details = {
        "assignments": assignments,
        "facts": facts,
        "facts_per_assignment": round(facts / assignments, 1),
        "holds": held,
        "largest_tables": tables,
        "cpu_ms_per_fact": {name: round(median(1000 * one[name] / facts for one in cpu), 3) for name in who},
        "cores_at_rest": {name: round(share, 4) for name, share in at_rest.items()},
    }
    return Report(rows, details)


def _play(calls: Client, caseload: Any) -> None:
    play.run(caseload, calls, play.new_tenant(), lambda _: None)


def used(before: Seen, after: Seen, at_rest: Mapping[str, float]) -> dict[str, float]:
    """Seconds of processor time between two looks, by what, without what it takes at rest (shares of a core)."""
    seconds = after.at - before.at
    return {name: max(0.0, after.cpu[name] - before.cpu[name] - at_rest[name] * seconds) for name in after.cpu}


def look(machine: Machine, services: Services) -> Seen:
    """What has been used since the start."""
    cpu = {**{name: cpu_seconds(process) for name, process in services.processes.items()}, **machine.cpu()}
    disk: dict[str, int] = {}
    events = 0
    for service in SERVICES:
        with psycopg.connect(address(services, service)) as connection:
            row = connection.execute(
                "SELECT pg_database_size(current_database()), (SELECT count(*) FROM event),"
                " pg_current_wal_lsn() - '0/0'::pg_lsn"
            ).fetchone()
        assert row is not None
        disk[service], wal = row[0], int(row[2])
        events += row[1]
    return Seen(time.monotonic(), cpu, disk, wal, events)


def holds(machine: Machine, services: Services, service: str) -> dict[str, Any]:
    """What one process of a service holds after work."""
    process = services.processes[service]
    rss, pss = memory(process)
    connected = (one for one in process.net_connections("tcp") if one.raddr and one.status == "ESTABLISHED")
    ports = Counter(one.raddr.port for one in connected)
    where = {name: urllib.parse.urlsplit(machine.env[key]).port for name, key in _SERVER.items()}
    return {
        "rss_mib": round(rss),
        "pss_mib": round(pss),
        **{name: ports[port or 0] for name, port in where.items()},
        "files": process.num_fds(),
    }


def largest(services: Services, service: str, count: int = 5) -> dict[str, int]:
    """The tables of a service that take most, with their indexes, in KiB."""
    with psycopg.connect(address(services, service)) as connection:
        rows = connection.execute(
            "SELECT relname, pg_total_relation_size(oid) / 1024 FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT %s",
            (count,),
        ).fetchall()
    return dict(rows)


def address(services: Services, service: str) -> str:
    """Of the service's database."""
    return services.env[f"KUNDVAL_{service.upper()}_DATABASE_URI"]


_SERVER = {"postgresql": "KUNDVAL_PG_ADMIN_URI", "rabbitmq": "KUNDVAL_AMQP_URI"}
