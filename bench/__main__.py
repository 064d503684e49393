"""`python -m bench`: start servers, measure, print one table, write JSON, end the servers."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from . import (
    assignments,
    billing,
    due_scan,
    events,
    footprint,
    notices,
    plan_meetings,
    recompute,
    rpc,
    sharing,
    sizing,
    suite,
)
from .machine import Machine, load_average, servers
from .report import Report, as_json, missed, show

RESULTS = Path(__file__).with_name("results")
Measure = Callable[[Machine, Any], Report]
#: letter -> (module's measure, its usual size, its size for --quick)
PARTS: dict[str, tuple[Measure, Any, Any]] = {
    "a": (suite.measure, suite.Size(), suite.QUICK),
    "b": (events.measure, events.Size(), events.QUICK),
    "c": (rpc.measure, rpc.Size(), rpc.QUICK),
    "d": (recompute.measure, recompute.Size(), recompute.QUICK),
    "e": (footprint.measure, footprint.Size(), footprint.QUICK),
    "f": (assignments.measure, assignments.Size(), assignments.QUICK),
    "g": (due_scan.measure, due_scan.Size(), due_scan.QUICK),
    "h": (plan_meetings.measure, plan_meetings.USUAL, plan_meetings.QUICK),
    "i": (billing.measure, billing.Size(), billing.QUICK),
    "j": (notices.measure, notices.Size(), notices.QUICK),
    "k": (sizing.measure, sizing.Size(), sizing.QUICK),
    "l": (sharing.measure, sharing.Size(), sharing.QUICK),
}

#: sizes for --full where they are not the usual ones
FULL: dict[str, Any] = {"d": recompute.FULL, "f": assignments.FULL, "i": billing.FULL}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measured claims with peers beside: (a) the whole suite, (b) events, (c) RPC, (d) recomputation,"
        " (e) memory and start-up, (f) the assignment service with many assignments, (g) the due-scan,"
        " (h) a plan of meetings, (i) billing at size, (j) notices, (k) what a fact costs, (l) several processes.",
    )
    parser.add_argument("--only", default="".join(PARTS), metavar="a,b,…", help="which measurements (default: all)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small sizes: to see that it works, not to quote")
    size.add_argument(
        "--full", action="store_true", help="(d) and (i) with 300,000 assignments, (f) without copies: hours"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write everything (default: bench/results)")
    parser.add_argument("--servers", default="bench", metavar="NAME", help="which set of servers (default: bench)")
    chosen = parser.parse_args(arguments)
    letters = [letter for letter in PARTS if letter in chosen.only]
    if not letters or set(chosen.only) - {*PARTS, ","}:
        parser.error(f"--only takes some of {', '.join(PARTS)}")
    console = Console(width=None if sys.stdout.isatty() else 150)
    reports: dict[str, Report] = {}
    failed: list[str] = []
    with servers(chosen.servers) as machine:
        facts = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **machine.facts()}
        for letter in letters:
            measure, usual, quick = PARTS[letter]
            size_of = quick if chosen.quick else FULL.get(letter, usual) if chosen.full else usual
            began, load = time.monotonic(), load_average()
            try:
                reports[letter] = report = measure(machine, size_of)
            except Exception:
                # the others are worth having all the same
                console.print_exception(max_frames=4)
                failed.append(letter)
                continue
            report.details["load_average"] = {"before": load, "after": load_average()}
            report.details["took_seconds"] = round(time.monotonic() - began)
            console.print(f"({letter}) measured in {time.monotonic() - began:.0f} s", style="dim")
    show(reports, console)
    kept = as_json({**facts, "quick": chosen.quick}, reports)
    file = chosen.json or RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=1) + "\n")
    loads = [report.details["load_average"]["before"] for report in reports.values()] or [0.0]
    console.print(
        f"{facts['cores']} cores, load {min(loads)} to {max(loads)} before the measurements; PostgreSQL"
        f" {facts['postgresql']}, RabbitMQ {facts['rabbitmq']}, Python {facts['python']}; written to {file}",
        highlight=False,
    )
    late = missed(reports.values())
    console.print(f"{len(late)} targets missed" if late else "every target met", highlight=False)
    if failed:
        console.print(f"could not be measured: {', '.join(failed)}", style="red")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
