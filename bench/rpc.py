"""(c) RPC: one SELECT behind a call, many at once (a window) and one at a time.

All services are up at once, in processes of their own with a database each, on one fresh virtual host; the callers
take turns, each in a process of its own.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from . import question
from .child import Child
from .machine import Machine
from .report import Report, beside

TOKEN_KEY = "bench:" + "k" * 40


@dataclass(frozen=True)
class Size:
    calls: int = 1500
    singly: int = 200
    window: int = 50
    rounds: int = 6
    warm_up: int = 300
    brokers: int = 10


QUICK = Size(calls=1000, singly=150, rounds=2, warm_up=100)
TINY = Size(calls=40, singly=10, window=8, rounds=1, warm_up=10, brokers=2)

OURS = "kundval, token and schemas"
NAMEKO = "plain nameko, its own caller"
WIRE = "plain nameko, our caller"
FASTSTREAM = "FastStream request(), several brokers"
ALONE = "FastStream request(), one broker"


@dataclass
class Contestant:
    """A service, who calls it, and what came of it: calls a second, median and 95th percentile in ms, CPU in ms."""

    service: Child
    caller: Child
    rates: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    tails: list[float] = field(default_factory=list)
    service_cpu: list[float] = field(default_factory=list)
    caller_cpu: list[float] = field(default_factory=list)

    def many(self, size: Size) -> None:
        before = self.service.cpu, self.caller.cpu
        seconds = self.caller.ask("many", count=size.calls, window=size.window)["seconds"]
        self.rates.append(size.calls / seconds)
        self.service_cpu.append(1000 * (self.service.cpu - before[0]) / size.calls)
        self.caller_cpu.append(1000 * (self.caller.cpu - before[1]) / size.calls)

    def singly(self, size: Size) -> None:
        times = self.caller.ask("one_by_one", count=size.singly)["times"]
        self.medians.append(1000 * median(times))
        self.tails.append(1000 * quantiles(times, n=20)[-1])


def measure(machine: Machine, size: Size) -> Report:
    with ExitStack() as stack:
        found = _start(machine, stack, size)
        for one in found.values():
            one.caller.ask("many", count=size.warm_up, window=size.window)
        for _ in range(size.rounds):
            for one in found.values():
                one.many(size)
            for one in found.values():
                one.singly(size)
    rates = {name: one.rates for name, one in found.items()}
    times = {name: one.medians for name, one in found.items()}
    what = f"RPC, window {size.window}"
    rows = [
        beside("c", what, "1/s", rates[OURS], NAMEKO, rates[NAMEKO], target=1.0),
        beside("c", what, "1/s", rates[OURS], WIRE, rates[WIRE], target=1.0),
        beside("c", what, "1/s", rates[OURS], FASTSTREAM, rates[FASTSTREAM], target=1.0),
        beside("c", what, "1/s", rates[OURS], ALONE, rates[ALONE]),
        beside("c", "RPC, one at a time", "ms", times[OURS], NAMEKO, times[NAMEKO], less_is_better=True),
        beside("c", "RPC, one at a time", "ms", times[OURS], WIRE, times[WIRE], less_is_better=True),
        beside("c", "RPC, one at a time", "ms", times[OURS], ALONE, times[ALONE], less_is_better=True),
    ]
    details: dict[str, Any] = {
        name: {
            "per_second": [round(rate) for rate in one.rates],
            "median_ms": [round(ms, 2) for ms in one.medians],
            "p95_ms": [round(ms, 2) for ms in one.tails],
            "service_cpu_ms": [round(ms, 3) for ms in one.service_cpu],
            "caller_cpu_ms": [round(ms, 3) for ms in one.caller_cpu],
        }
        for name, one in found.items()
    }
    return Report(rows, details)


def _start(machine: Machine, stack: ExitStack, size: Size) -> dict[str, Contestant]:
    amqp = stack.enter_context(machine.vhost())

    def start(program: str, **more: Any) -> Child:
        return stack.enter_context(Child(machine, program, {"amqp": amqp, "token_key": TOKEN_KEY, **more}))

    ours, nameko, faststream = (
        start(program, database=stack.enter_context(machine.database()))
        for program in ("rpc_kundval", "rpc_nameko", "rpc_faststream")
    )
    return {
        OURS: Contestant(ours, start("call_kundval", method=question.METHOD)),
        NAMEKO: Contestant(nameko, start("call_nameko")),
        WIRE: Contestant(nameko, start("call_kundval", method="plain.posted")),
        FASTSTREAM: Contestant(faststream, start("call_faststream", brokers=size.brokers)),
        ALONE: Contestant(faststream, start("call_faststream", brokers=1)),
    }
