"""(g) The due-scan: moving the business date by a day when very many obligations are open.

Assignments of the sample with eight or more open obligations each are copied in scheduling's own tables (cases, facts,
obligations, agenda) until so many obligations are open; of them the same few hundred assignments change on the next
day, whatever the size. Measured are the scan (which assignments to look at) and the whole day as the service takes it
in: `SchedulingService.on_events` with `assignment.day_opened`, what has changed stored, the events in the outbox.
Beside the scan stands the plain query for what is late from the next day on, with an index for it. That neither the
scan's ratio to it nor the day grows with the number of open obligations is the promise. Everything is rolled back after
the clock has stopped, so that each round finds the same; the commit is not in it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from .child import Child
from .machine import Machine
from .report import Report, Row, Spread

PATIENCE = 3600.0
PLAIN = "plain indexed query"


@dataclass(frozen=True)
class Size:
    """`counts`: open obligations. `changing`: assignments that change on the day."""

    counts: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    changing: int = 300
    rounds: int = 7
    #: scans and plain queries in a round
    calls: int = 20


QUICK = Size(counts=(10_000, 50_000), rounds=3)
TINY = Size(counts=(100, 400), changing=5, rounds=1, calls=2)


def measure(machine: Machine, size: Size) -> Report:
    with ExitStack() as stack:
        sides = {count: _seeded(machine, stack, count, size) for count in size.counts}
        for side in sides.values():
            side.warm()
        # in turns, so that what else the machine does falls on all sizes
        for _ in range(size.rounds):
            for side in sides.values():
                side.round(size.calls)
        counted = sides[max(sides)].child.ask("workload", patience=PATIENCE)
    report = Report(details={str(count): side.details() for count, side in sides.items()})
    for count, side in sides.items():
        ratio = Spread.of([a / b for a, b in zip(side.due, side.plain, strict=True)])
        note = f"{side.found['cases']} of {_n(side.found['held_case'])} assignments; the query finds"
        note += f" {side.found['rows']} obligations that are late"
        report.rows.append(
            Row("g", f"whom to look at, {_n(count)} open", "ms", Spread.of(side.due), PLAIN, Spread.of(side.plain),
                ratio, 5.0, at_most=True, note=note)
        )  # fmt: skip
    for count, side in sides.items():
        each = Spread.of(side.cpu).median / max(1, side.found["cases"])
        note = f"{side.found['told']} assignments changed; {each:.1f} ms of processor time for each looked at"
        report.rows.append(Row("g", f"the whole day, {_n(count)} open", "ms", Spread.of(side.day), note=note))
    least, most = sides[min(sides)], sides[max(sides)]
    for what, small, large in (("whom to look at", least.due, most.due), ("the whole day", least.day, most.day)):
        growth = Spread.of([b / a for a, b in zip(small, large, strict=True)])
        label, peer = f"{what}, {_n(max(sides))} open", f"{_n(min(sides))} open"
        report.rows.append(Row("g", label, "ms", Spread.of(large), peer, Spread.of(small), growth, 1.5, at_most=True))
    report.remarks.append(
        f"(g) counting the workload of {_n(max(sides))} open obligations by week, kind and team:"
        f" {counted['everybody']:.0f} ms for everybody, {counted['provider']:.0f} ms for a provider"
    )
    report.details["workload_ms"] = {name: round(ms, 1) for name, ms in counted.items()}
    return report


@dataclass
class Side:
    """One size: its program, what was found there, and milliseconds of each round."""

    child: Child
    found: dict[str, Any]
    due: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    day: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def warm(self) -> None:
        for command in ("move", "due", "plain"):
            self.found |= self.child.ask(command, patience=PATIENCE)
        assert 0 < self.found["told"] <= self.found["cases"], "the day has changed nothing"

    def round(self, calls: int) -> None:
        pairs = [(self.child.ask("due")["ms"], self.child.ask("plain")["ms"]) for _ in range(calls)]
        self.due.append(median(ours for ours, _ in pairs))
        self.plain.append(median(theirs for _, theirs in pairs))
        moved = self.child.ask("move", patience=PATIENCE)
        self.day.append(moved["ms"])
        self.cpu.append(moved["cpu_ms"])

    def details(self) -> dict[str, Any]:
        times = {"due_ms": self.due, "plain_ms": self.plain, "day_ms": self.day, "day_cpu_ms": self.cpu}
        return {
            **{name: value for name, value in self.found.items() if not name.endswith("ms")},
            **{name: [round(one, 3) for one in values] for name, values in times.items()},
        }


def _seeded(machine: Machine, stack: ExitStack, count: int, size: Size) -> Side:
    database = stack.enter_context(machine.database())
    child = stack.enter_context(Child(machine, "due_scan", {"database": database}))
    found = child.ask("seed", patience=PATIENCE, open_obligations=count, changing=size.changing)
    machine.settle()
    return Side(child, found)


def _n(number: int) -> str:
    return f"{number:_}".replace("_", " ")
