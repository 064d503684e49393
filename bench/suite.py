"""(a) Facts a second through the whole suite: stated by RPC, judged, published, taken in by three services, computed,
posted, told, until everything is at rest. No peer does the same, so there is no ratio.

A caseload is played as `kundval play` plays it: day by day with a payment run each month. The clock runs from opening
the tenant to rest, without reading the answer. Each round is a new tenant in the same databases.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg

from kundval_chassis import play
from kundval_chassis.tokens import Tokens
from kundval_contracts.caseload import Caseload
from kundval_contracts.client import Client

from . import cases
from .machine import Machine, cpu_seconds
from .report import Report, Row, Spread
from .services import SERVICES, Services, running


@dataclass(frozen=True)
class Size:
    residents: int = 300
    warm_up: int = 20
    rounds: int = 3


QUICK = Size(residents=100, warm_up=10, rounds=2)
TINY = Size(residents=2, warm_up=0, rounds=1)


@dataclass(frozen=True)
class Played:
    """A play: seconds, what went through, and the share of one core that each process used."""

    seconds: float
    facts: int
    events: int
    cpu: dict[str, float]


def measure(machine: Machine, size: Size) -> Report:
    caseload = cases.caseload(size.residents)
    with running(machine) as services, client(services) as calls:
        if size.warm_up:
            run(machine, services, calls, cases.caseload(size.warm_up))
        machine.settle()
        plays = [run(machine, services, calls, caseload) for _ in range(size.rounds)]
    what = f"{size.residents} residents, {plays[0].facts} facts, {len(caseload.runs)} payment runs"
    facts = Spread.of([one.facts / one.seconds for one in plays])
    events = Spread.of([one.events / one.seconds for one in plays])
    rows = [
        Row("a", "facts through the whole suite", "1/s", facts, note=what),
        Row("a", "events through the whole suite", "1/s", events),
    ]
    shares = {who: Spread.of([one.cpu[who] for one in plays]) for who in plays[0].cpu}
    order = sorted(shares, key=lambda who: -shares[who].median)
    busiest = ", ".join(f"{who} {shares[who].median:.0%}" for who in order)
    details = {
        "seconds": [round(one.seconds, 2) for one in plays],
        "events": plays[0].events,
        "share_of_one_core": {who: round(share.median, 2) for who, share in shares.items()},
    }
    return Report(rows, details, [f"(a) shares of one core: {busiest}"])


def client(services: Services) -> Client:
    """A client of the services, as the system itself."""
    tokens = Tokens(services.env["KUNDVAL_TOKEN_KEY"])
    return Client(services.env["KUNDVAL_AMQP_URI"], lambda: tokens.mint("SYSTEM", purpose="bench"))


def run(machine: Machine, services: Services, calls: Client, caseload: Caseload) -> Played:
    """One play of a new tenant."""

    def cpu() -> dict[str, float]:
        return {**{name: cpu_seconds(process) for name, process in services.processes.items()}, **machine.cpu()}

    before, began, own = cpu(), time.monotonic(), time.process_time()
    tenant = play.new_tenant()
    play.run(caseload, calls, tenant, lambda _: None)
    seconds = time.monotonic() - began
    used = {who: (after - before[who]) / seconds for who, after in cpu().items()}
    used["caller"] = (time.process_time() - own) / seconds
    facts = sum(fact.known_on <= caseload.as_of for one in caseload.assignments for fact in one.facts)
    return Played(seconds, facts, published(services, tenant), used)


def published(services: Services, tenant: str) -> int:
    """Events that the four services have published for a tenant."""
    count = 0
    for service in SERVICES:
        with psycopg.connect(services.env[f"KUNDVAL_{service.upper()}_DATABASE_URI"]) as connection:
            row = connection.execute("SELECT count(*) FROM event WHERE tenant = %s", (tenant,)).fetchone()
            count += row[0] if row else 0
    return count
