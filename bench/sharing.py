"""(l) Several processes of a service: the backlog of a service that was away, worked off by one, two and four of them.

The facts of some tenants are stated while only assignment runs. Then a service whose queue is new starts with so many
processes, asks for the history and works through it; the clock runs from when the first of them is ready until the
last event has had its effect. Each count gets a fresh database. All processes and servers share the cores of this
machine, so the rate cannot grow beyond them: what is shown is how the work divides, and what dividing costs.

And fairness: while one tenant's backlog of thousands is being worked off, another tells one fact at a time; measured is
how long each takes to its effect.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg

from kundval_chassis import migrate, play
from kundval_contracts.caseload import Caseload
from kundval_contracts.client import Client

from . import cases, suite
from .machine import Machine, cpu_seconds
from .report import Report, Row, Spread
from .services import Services, prepared

SHARED = ("billing", "scheduling")
STUCK_SECONDS = 300.0


@dataclass(frozen=True)
class Size:
    residents: int = 60
    tenants: int = 12
    processes: tuple[int, ...] = (1, 2, 4)
    rounds: int = 2
    noisy: int = 10_000
    quiet: int = 20


QUICK = Size(residents=30, tenants=6, rounds=1, noisy=2_000, quiet=8)
TINY = Size(residents=2, tenants=2, processes=(1, 2), rounds=1, noisy=30, quiet=1)


@dataclass(frozen=True)
class Run:
    """Events a second; processor time for an event (ms) by what, that of starting included; the share of the busiest
    process.
    """

    rate: float
    cpu: dict[str, float]
    busiest: float


def measure(machine: Machine, size: Size) -> Report:
    caseload = cases.caseload(size.residents)
    runs: dict[tuple[str, int], list[Run]] = {(one, n): [] for one in SHARED for n in size.processes}
    with prepared(machine) as services:
        services.start("assignment")
        with suite.client(services) as calls:
            for _ in range(size.tenants):
                tell(calls, play.new_tenant(), caseload)
        for _ in range(size.rounds):
            for service, count in runs:
                runs[service, count].append(catch_up(machine, services, service, count))
    rows = []
    for (service, count), found in runs.items():
        alone = runs[service, size.processes[0]]
        cost = Spread.of([sum(one.cpu.values()) for one in found])
        peer = "" if count == size.processes[0] else "one process"
        rows.append(
            Row(
                "l",
                f"{service}: events handled by {count}",
                "1/s",
                Spread.of([one.rate for one in found]),
                peer,
                Spread.of([one.rate for one in alone]) if peer else None,
                Spread.of([one.rate / other.rate for one, other in zip(found, alone, strict=True)]) if peer else None,
                note=f"processor time {cost} ms an event, the busiest did {max(one.busiest for one in found):.0%}",
            )
        )
    details: dict[str, Any] = {
        f"{service} by {count}": {
            "per_second": [round(one.rate) for one in found],
            "cpu_ms_per_event": [{who: round(ms, 3) for who, ms in one.cpu.items()} for one in found],
            "busiest": [round(one.busiest, 2) for one in found],
        }
        for (service, count), found in runs.items()
    }
    waits, drained = fairness(machine, size)
    details["quiet_beside_noisy_seconds"] = [round(one, 2) for one in waits]
    details["noisy_seconds"] = round(drained, 1)
    rows.append(
        Row(
            "l",
            "a fact's way to billing beside another tenant's backlog",
            "s",
            Spread.of(waits),
            note=f"the backlog of {size.noisy} facts took {drained:.1f} s",
        )
    )
    return Report(rows, details)


def tell(calls: Client, tenant: str, caseload: Caseload) -> None:
    """State a caseload up to its end, and open that day; waits for nobody."""
    player = play._Player(calls, tenant, lambda _: None)
    player.open(caseload, 0)
    player.state(caseload.assignments, None, caseload.as_of)
    player.open_day(caseload.as_of)


def catch_up(machine: Machine, services: Services, service: str, count: int) -> Run:
    """So many new processes of a service work through the whole history."""
    key = f"KUNDVAL_{service.upper()}_DATABASE_URI"
    before = dict(services.env)
    with ExitStack() as stack:
        uri = services.env[key] = stack.enter_context(machine.database())
        migrate.apply(uri, service)
        stack.callback(lambda: services.env.update(before))
        stack.callback(forget_queues, machine, services, service)
        wanted = published(services, "assignment")
        machine.settle()
        used = machine.cpu()
        names = [f"{service}#{number}" for number in range(count)]
        stack.callback(services.stop, *names)
        services.spawn(*names)
        services.wait(names[0])
        began = time.monotonic()
        with psycopg.connect(uri, autocommit=True) as connection:
            until(connection, wanted)
        seconds = time.monotonic() - began
        each = {name: 1000 * cpu_seconds(services.processes[name]) / wanted for name in names}
        cpu = {
            service: sum(each.values()),
            **{who: 1000 * (after - used[who]) / wanted for who, after in machine.cpu().items()},
        }
    return Run(wanted / seconds, cpu, max(each.values()) / sum(each.values()))


def fairness(machine: Machine, size: Size) -> tuple[list[float], float]:
    """Seconds that each fact of a quiet tenant takes to billing while a noisy one's facts are worked off; and how long
    those took.
    """
    noisy, quiet = cases.caseload(max(2, size.noisy // 14)), cases.caseload(max(2, size.quiet // 4))
    with prepared(machine) as services:
        services.start("assignment")
        services.start("billing")
        uri = services.env["KUNDVAL_BILLING_DATABASE_URI"]
        with suite.client(services) as calls, psycopg.connect(uri, autocommit=True) as connection:
            loud, soft = play.new_tenant(), play.new_tenant()
            player = play._Player(calls, soft, lambda _: None)
            player.open(quiet, 0)
            services.stop("billing")
            tell(calls, loud, noisy)
            services.start("billing")
            began = time.monotonic()
            waits = []
            for one in quiet.assignments[: size.quiet]:
                sent = time.monotonic()
                player.state([one], None, quiet.as_of)
                until(connection, published(services, "assignment", soft), soft)
                waits.append(time.monotonic() - sent)
                if handled(connection, loud) >= published(services, "assignment", loud):
                    break
            until(connection, published(services, "assignment", loud), loud)
            return waits, time.monotonic() - began


def published(services: Services, service: str, tenant: str | None = None) -> int:
    """Events that a service has published, of a tenant or in all."""
    with psycopg.connect(services.env[f"KUNDVAL_{service.upper()}_DATABASE_URI"]) as connection:
        row = connection.execute(
            "SELECT count(*) FROM event WHERE %(tenant)s::text IS NULL OR tenant = %(tenant)s", {"tenant": tenant}
        ).fetchone()
    return row[0] if row else 0


def handled(connection: psycopg.Connection[Any], tenant: str | None = None) -> int:
    """Events that have had their effect, of a tenant or in all."""
    row = connection.execute(
        "SELECT count(*) FROM inbox WHERE %(tenant)s::text IS NULL OR tenant = %(tenant)s", {"tenant": tenant}
    ).fetchone()
    return row[0] if row else 0


def until(connection: psycopg.Connection[Any], wanted: int, tenant: str | None = None) -> None:
    """Wait until so many have had their effect. Raises RuntimeError when it gets no further."""
    last, since = -1, time.monotonic()
    while (there := handled(connection, tenant)) < wanted:
        if there != last:
            last, since = there, time.monotonic()
        if time.monotonic() - since > STUCK_SECONDS:
            raise RuntimeError(f"{wanted - there} of {wanted} events are not handled")
        time.sleep(0.02)


def forget_queues(machine: Machine, services: Services, service: str) -> None:
    """Delete the queue of a service's events, if it got as far as to have one, so that who comes next asks for the
    history.
    """
    host = services.env["KUNDVAL_AMQP_URI"].rpartition("/")[2]
    queue = f"{service}.events-in"
    if any(one["name"] == queue for one in machine.api("GET", f"queues/{host}?disable_stats=true")):
        machine.api("DELETE", f"queues/{host}/{queue}")
