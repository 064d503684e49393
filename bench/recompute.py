"""(d) Computing everything again: every assignment of a municipality looked at, the ledger found right.

The assignments of the sample, copied as often as needed, are put straight into billing's held tables. A first payment
run posts what is due. Then the agenda is emptied, so that the next run looks at every case, computes all its lines,
compares them with its ledger and finds nothing to post: that run is measured. Beside it stands COPY of the rows that
it reads (facts and ledger entries, ready-made as text) into empty tables of the same shape, keys and indexes included.
Last come the ordinary runs: the same day again, for which the agenda wakes nobody, and the next month's, which posts.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from kundval_chassis import sample
from kundval_contracts.calendar import add_months

from .child import Child
from .machine import Machine
from .report import Report, Row, Spread, beside

MEBIBYTE = 1024 * 1024
PATIENCE = 3600.0
DAY = sample.AS_OF.isoformat()
MONTH_LATER = add_months(sample.AS_OF, 1).isoformat()


@dataclass(frozen=True)
class Size:
    """`rounds` for each of `counts`."""

    counts: tuple[int, ...] = (10_000, 30_000, 100_000)
    rounds: tuple[int, ...] = (3, 2, 1)


FULL = Size(counts=(10_000, 100_000, 300_000), rounds=(3, 2, 1))
QUICK = Size(counts=(1_000, 5_000), rounds=(2, 1))
TINY = Size(counts=(20, 60), rounds=(1, 1))


def measure(machine: Machine, size: Size) -> Report:
    found = {count: _sized(machine, count, rounds) for count, rounds in zip(size.counts, size.rounds, strict=True)}
    report = Report(details={str(count): one for count, one in found.items()})
    for count, one in found.items():
        what = f"{count:_} assignments, unchanged".replace("_", " ")
        rows = f"{one['rows']:_} rows".replace("_", " ")
        note = (
            f"{one['facts'] / count:.1f} facts and {one['postings'] / count:.1f} entries each;"
            f" memory {one['peak']} MiB;"
            f" first run {one['first']:.0f} s, {one['first_peak']} MiB; same day again {one['ordinary']:.2f} s;"
            f" a month later {one['month_later']:.1f} s"
        )
        row = beside("d", what, "s", one["unchanged"], f"COPY of {rows}", one["copy"], target=3.0)
        # the promise is a time: at most three times that of COPY
        report.rows.append(replace(row, at_most=True, note=note))
    least, most = min(found), max(found)
    small, large = (Spread.of(_each(found[count], "unchanged", count)) for count in (least, most))
    growth = Spread.of([large.median / small.median])
    cpu = [Spread.of(_each(found[count], "unchanged_cpu", count)).median for count in (least, most)]
    what = f"time for each assignment, {most:_}".replace("_", " ")
    peer = f"{least:_}".replace("_", " ")
    note = f"processor time of the process alone: {cpu[1]:.2f} and {cpu[0]:.2f} ms, ratio {cpu[1] / cpu[0]:.2f}"
    report.rows.append(Row("d", what, "ms", large, peer, small, growth, 1.25, at_most=True, note=note))
    return report


def _each(found: dict[str, Any], what: str, count: int) -> list[float]:
    return [1000 * one / count for one in found[what]]


def _sized(machine: Machine, count: int, rounds: int) -> dict[str, Any]:
    with ExitStack() as stack:
        database = stack.enter_context(machine.database())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kundval-bench-"))

        def step(command: str, **fields: Any) -> dict[str, Any]:
            with Child(machine, "recompute", {"database": database}) as child:
                return child.ask(command, patience=PATIENCE, **fields)

        facts = step("seed", count=count)["facts"]
        machine.settle()
        first = step("run", day=DAY)
        unchanged, copies = [], []
        for _ in range(rounds):
            step("wake")
            machine.settle()
            unchanged.append(step("run", day=DAY))
            machine.settle()
            copies.append(step("copy", folder=folder))
        ordinary = step("run", day=DAY)
        month = step("run", day=MONTH_LATER)
        assert not any(one["postings"] for one in (*unchanged, ordinary)), "a run posted something for no reason"
    return {
        "facts": facts,
        "postings": first["postings"],
        "first": round(first["seconds"], 2),
        "first_peak": round(first["peak"] / MEBIBYTE),
        "unchanged": [round(one["seconds"], 3) for one in unchanged],
        "unchanged_cpu": [round(one["cpu"], 3) for one in unchanged],
        "peak": round(max(one["peak"] for one in unchanged) / MEBIBYTE),
        "copy": [round(one["seconds"], 3) for one in copies],
        "rows": copies[0]["rows"],
        "ordinary": round(ordinary["seconds"], 3),
        "month_later": round(month["seconds"], 2),
        "month_later_postings": month["postings"],
    }
