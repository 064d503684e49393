"""Fills the assignment service's database with the service's own methods, in a process without a broker.

Nothing that the service keeps in step with the facts is left out: outcomes, places, watched reports, events.
"""

import kundval_chassis.bootstrap  # isort: skip  # first, before anything imports psycopg

import gc
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench import cases, child
from kundval_assignment.people import store as people
from kundval_assignment.people.keys import PersonKeys
from kundval_assignment.service import AssignmentService
from kundval_chassis.db import Pool, Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.inputs import PROVIDER
from kundval_contracts.rpc import METHODS, CallerRole
from kundval_contracts.settings import dump_settings, dump_tariffs

assert kundval_chassis.bootstrap

#: assignments in one transaction
BATCH = 200
CALLER = Caller("bench", CallerRole.SYSTEM, None, "bench")


class Filler:
    def __init__(self, pool: Pool, keys: str):
        self.pool = pool
        #: what the methods use of the service
        self.service = SimpleNamespace(witness=SimpleNamespace(keys=PersonKeys(keys)), rules={})

    def call(self, tx: Tx, method: str, request: dict[str, Any]) -> Any:
        """A method of the service, in this transaction."""
        function = getattr(AssignmentService, method.partition(".")[2])
        # what the entrypoint is made around
        return function.__wrapped__(self.service, tx, request, CALLER)

    def open(self, tenant: str) -> None:
        """Open a tenant like the sample's, and its last day."""
        found = cases.caseload()
        request = {
            "tenant": tenant,
            "municipality": found.municipality,
            "settings": dump_settings(found.settings.values),
            "tariffs": dump_tariffs(found.settings.tariffs),
            "providers": [PROVIDER.dump(provider) for provider in found.providers.values()],
        }
        with self.pool.tx() as tx:
            self.call(tx, "assignment.open_tenant", METHODS["assignment.open_tenant"].load(request))
            self.call(tx, "assignment.open_day", {"tenant": tenant, "date": found.as_of})

    def fill(self, tenant: str, first: int, last: int) -> dict[str, Any]:
        """The assignments `first` to `last` of `cases.lives`, each with a person of its own."""
        began, cpu, facts = time.monotonic(), time.process_time(), 0
        for start in range(first, last, BATCH):
            batch = [cases.life(number) for number in range(start, min(start + BATCH, last))]
            stated = [(one.id, fact) for one in batch for fact in one.facts]
            with self.pool.tx() as tx:
                for one in batch:
                    people.add(tx, self.service.witness.keys, tenant, people.Held(one.person, one.not_a_number))
                self.call(
                    tx, "assignment.register", {"tenant": tenant, "assignments": [one.registration for one in batch]}
                )
                self.call(
                    tx,
                    "assignment.record_facts",
                    {
                        "tenant": tenant,
                        "facts": [{"assignment": name, "fact": fact} for name, fact in stated],
                        "keep_refused": True,
                    },
                )
            facts += len(stated)
        return {
            "facts": facts,
            "seconds": time.monotonic() - began,
            "cpu": time.process_time() - cpu,
            "peak": peak(),
        }


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    child.parameters()
    # as the runner does for a service
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    with Pool(os.environ["KUNDVAL_ASSIGNMENT_DATABASE_URI"], name="bench-fill") as pool:
        filler = Filler(pool, os.environ["KUNDVAL_ASSIGNMENT_PERSON_KEYS"])
        child.serve({"open": filler.open, "fill": filler.fill}, child.green_wait)


if __name__ == "__main__":
    main()
