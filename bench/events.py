"""(b) Events end to end: from a row stored and an event said, to the row that the other service stores for it.

Each round and contestant has fresh databases, a fresh virtual host and fresh processes, and is warmed up first. The
clock runs from the first transaction to the moment when the last row is in the other side's table.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from .child import Child
from .machine import Machine
from .report import Report, beside

STUCK_SECONDS = 60.0
#: transactions under way at once, where a contestant can: nameko's default number of workers
WORKERS = 10


@dataclass(frozen=True)
class Size:
    events: int = 8_000
    singly: int = 3_000
    rounds: int = 5
    batch: int = 200
    warm_up: int = 500


QUICK = Size(events=3000, singly=1500, rounds=2, warm_up=200)
TINY = Size(events=120, singly=60, rounds=1, batch=20, warm_up=20)


@dataclass(frozen=True)
class Contestant:
    """A program and how it sends: `batch` events in each transaction."""

    name: str
    program: str
    count: int
    batch: int


@dataclass(frozen=True)
class Run:
    """One round of one contestant: events a second, the share of the time after which all were said, and processor
    time in milliseconds an event, by process."""

    rate: float
    sent: float
    cpu: dict[str, float]


def measure(machine: Machine, size: Size) -> Report:
    singly = Contestant("kundval singly", "events_kundval", size.singly, 1)
    batched = Contestant(f"kundval by {size.batch}", "events_kundval", size.events, size.batch)
    nameko = Contestant("plain nameko", "events_nameko", size.singly, 1)
    raw = Contestant(f"by hand, by {size.batch}", "events_raw", size.events, size.batch)
    runs: dict[str, list[Run]] = {one.name: [] for one in (singly, nameko, batched, raw)}
    for _ in range(size.rounds):
        for one in (singly, nameko, batched, raw):
            runs[one.name].append(run(machine, one, size))
    rates = {name: [one.rate for one in found] for name, found in runs.items()}
    cpu = {name: [sum(one.cpu.values()) for one in found] for name, found in runs.items()}
    what = {singly.name: "events, one in each transaction", batched.name: f"events, {size.batch} in each transaction"}
    rows = []
    for ours, peer, target in ((singly, nameko, 1.0), (batched, raw, 0.5), (batched, nameko, None)):
        left, right = rates[ours.name], rates[peer.name]
        rows.append(beside("b", what[ours.name], "1/s", left, peer.name, right, target=target))
    for ours, peer in ((singly, nameko), (batched, raw)):
        left, right = cpu[ours.name], cpu[peer.name]
        text = f"{what[ours.name]}: processor time, servers included"
        rows.append(beside("b", text, "ms", left, peer.name, right, less_is_better=True))
    details = {
        name: {
            "per_second": [round(one.rate) for one in found],
            "share_of_time_until_sent": [round(one.sent, 2) for one in found],
            "cpu_ms_per_event": [{who: round(ms, 3) for who, ms in one.cpu.items()} for one in found],
        }
        for name, found in runs.items()
    }
    return Report(rows, details)


def run(machine: Machine, contestant: Contestant, size: Size) -> Run:
    """One round."""
    with _pair(machine, contestant.program, size) as (source, sink, target):
        _send(source, target, contestant, 0, size.warm_up)
        machine.settle()

        def cpu() -> dict[str, float]:
            return {"source": source.cpu, "sink": sink.cpu, **machine.cpu()}

        before = cpu()
        seconds, sent = _send(source, target, contestant, size.warm_up, contestant.count)
        used = {who: 1000 * (after - before[who]) / contestant.count for who, after in cpu().items()}
    return Run(contestant.count / seconds, sent / seconds, used)


def _send(
    source: Child, target: psycopg.Connection[Any], contestant: Contestant, first: int, count: int
) -> tuple[float, float]:
    """Seconds until all are stored, and until all were said."""
    began = time.monotonic()
    source.tell("send", first=first, count=count, batch=contestant.batch, workers=WORKERS)
    _until(target, first + count)
    seconds = time.monotonic() - began
    return seconds, float(source.answer()["seconds"])


def _until(target: psycopg.Connection[Any], wanted: int) -> None:
    last, since = -1, time.monotonic()
    while True:
        # the highest number is one look into the index; counting all is left for when it is high enough
        row = target.execute("SELECT max(id) FROM job").fetchone()
        there = (row[0] if row else None) or 0
        if there >= wanted:
            row = target.execute("SELECT count(*) FROM job").fetchone()
            if row and row[0] >= wanted:
                assert row[0] == wanted, "something had its effect twice"
                return
        if there != last:
            last, since = there, time.monotonic()
        if time.monotonic() - since > STUCK_SECONDS:
            raise RuntimeError(f"{wanted - there} of {wanted} events never arrived")
        time.sleep(0.01)


@contextmanager
def _pair(machine: Machine, program: str, size: Size) -> Iterator[tuple[Child, Child, psycopg.Connection[Any]]]:
    with ExitStack() as stack:
        amqp = stack.enter_context(machine.vhost())
        ours, theirs = (stack.enter_context(machine.database()) for _ in range(2))
        given = {"amqp": amqp, "batch": size.batch}
        sink = stack.enter_context(Child(machine, program, {**given, "role": "sink", "database": theirs}))
        source = stack.enter_context(Child(machine, program, {**given, "role": "source", "database": ours}))
        deadline = time.monotonic() + 20
        while sink.ask("check")["trouble"] or source.ask("check")["trouble"]:
            assert time.monotonic() < deadline, "a service does not become ready"
            time.sleep(0.1)
        yield source, sink, stack.enter_context(psycopg.connect(theirs, autocommit=True))
