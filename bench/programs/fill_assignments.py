"""Fills the assignment service's database with the service's own methods, in a process without a broker.

Nothing that the service keeps in step with the facts is left out: outcomes, places, watched reports, events. `copy`
makes more of what `fill` has made: the same rows of the same tables under other ids, each with a person of its own.
"""

import kundval_chassis.bootstrap  # isort: skip  # first, before anything imports psycopg

import gc
import os
import time
from collections.abc import Iterable
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
_NEXT = "lpad((substr({}, 3)::int + %(offset)s)::text, 6, '0')"
#: of each table the column that names the assignment, and what is another in a copy
_COPIED = {
    "assignment": ("assignment", {"person": f"'P-' || {_NEXT.format('person')}"}),
    "stated_fact": ("assignment", {}),
    "place": ("assignment", {}),
    # its digest is that of another id: the row would be written anew when the assignment is judged next
    "outcome": ("assignment", {}),
    "outcome_provider": ("assignment", {}),
    "outcome_work": ("assignment", {}),
    "report_watch": ("assignment", {}),
    "event": (
        "subject",
        {
            "id": "gen_random_uuid()",
            "data": f"data || jsonb_build_object('assignment', 'A-' || {_NEXT.format('subject')})",
        },
    ),
}
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
                self._persons(tx, tenant, batch)
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

    def _persons(self, tx: Tx, tenant: str, batch: Iterable[cases.Life]) -> None:
        with tx.conn.pipeline():
            for one in batch:
                people.add(tx, self.service.witness.keys, tenant, people.Held(one.person, one.not_a_number))

    def copy(self, tenant: str, led: int, offset: int, most: int) -> dict[str, Any]:
        """Make copies of the `led` first assignments, but at most `most`, the first under number `offset`."""
        count = min(led, most)
        with self.pool.tx() as tx:
            self._persons(tx, tenant, (cases.life(offset + place) for place in range(count)))
            facts = 0
            for table, (name, others) in _COPIED.items():
                changed = {name: f"'A-' || {_NEXT.format(name)}", **others}
                columns = [row["attname"] for row in tx.query(_COLUMNS, (table,))]
                done = tx.execute(
                    f"INSERT INTO {table} ({', '.join(columns)})"
                    f" SELECT {', '.join(changed.get(column, column) for column in columns)} FROM {table}"
                    f" WHERE tenant = %(tenant)s AND {name} LIKE 'A-%%' AND {name} < %(end)s",
                    {"tenant": tenant, "offset": offset, "end": f"A-{count:06d}"},
                )
                facts += done if table == "stated_fact" else 0
        return {"facts": facts}


#: columns of a table that one can insert
_COLUMNS = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
    " AND attgenerated = '' AND attidentity = '' ORDER BY attnum"
)


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
        child.serve({"open": filler.open, "fill": filler.fill, "copy": filler.copy}, child.green_wait)


if __name__ == "__main__":
    main()
