"""(e) What each service takes: seconds from the start of its process to ready, memory when idle and after work.

RSS counts every page a process has, PSS shares those that several have in common; the sum of the four PSS is what
the machine really spends. The work is a play of the measurement (a).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from . import cases, suite
from .machine import Machine
from .report import Report, Row, Spread
from .services import SERVICES, prepared

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Size:
    residents: int = 200
    starts: int = 3


QUICK = Size(residents=40, starts=2)
TINY = Size(residents=2, starts=1)


def measure(machine: Machine, size: Size) -> Report:
    starts: dict[str, list[float]] = {service: [] for service in SERVICES}
    for turn in range(size.starts):
        with prepared(machine) as services:
            for service in SERVICES:
                starts[service].append(services.start(service))
            if turn < size.starts - 1:
                continue
            time.sleep(1.0)
            idle = {name: memory(process) for name, process in services.processes.items()}
            with suite.client(services) as calls:
                suite.run(machine, services, calls, cases.caseload(size.residents))
            worked = {name: memory(process) for name, process in services.processes.items()}
    rows = [Row("e", f"{service}: start to ready", "s", Spread.of(found)) for service, found in starts.items()]
    for service in SERVICES:
        rss, pss = worked[service]
        note = f"idle {idle[service][0]:.0f} (PSS {idle[service][1]:.0f}), after work PSS {pss:.0f}"
        rows.append(Row("e", f"{service}: memory after work", "MiB RSS", Spread.of([rss]), note=note))
    total = sum(pss for _, pss in worked.values())
    rows.append(Row("e", "all four: memory after work", "MiB PSS", Spread.of([total])))
    details = {
        "start_seconds": {service: [round(one, 2) for one in found] for service, found in starts.items()},
        "idle_rss_pss_mib": {service: [round(one) for one in found] for service, found in idle.items()},
        "worked_rss_pss_mib": {service: [round(one) for one in found] for service, found in worked.items()},
    }
    return Report(rows, details)


def memory(process: psutil.Process) -> tuple[float, float]:
    """RSS and PSS in MiB."""
    found = process.memory_full_info()
    return found.rss / MEBIBYTE, found.pss / MEBIBYTE
