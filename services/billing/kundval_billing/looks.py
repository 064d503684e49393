"""Whether the ledger is what it should be, looked at bit by bit while the service runs.

Two things are held against each other, again and again from the beginning:

- **Recomputed**: assignments that the latest payment run put to rest, some a minute. What is due by what was known then
  is computed anew, and must be what was posted. What has news since, or waits for its day, is left to the next run.
- **Added up**: entries whose rows do not balance or move another amount, payments that are not the sum of their
  entries, rows of payments that do not balance. The database refuses all of them; this would tell that it did not.

Both only read. What they find stays in the metric until the same place is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from prometheus_client import Counter, Gauge

from kundval_chassis import held, logs
from kundval_chassis.db import Tx
from kundval_chassis.telemetry import REGISTRY
from kundval_chassis.watch import Look
from kundval_contracts.answer import Posting
from kundval_contracts.case import Case, Tenant

from . import store
from .domain import lines, settle

DIFFERENCE = Gauge(
    "kundval_ledger_difference",
    "Kronor by which the ledger differs from what is computed anew, of the assignments that were looked at",
    registry=REGISTRY,
)
DIFFERING = Gauge(
    "kundval_ledger_differing", "Assignments whose postings differ from what is computed anew", registry=REGISTRY
)
RECOMPUTED = Counter(
    "kundval_ledger_recomputed", "Assignments that were computed anew and held against the ledger", registry=REGISTRY
)
FAULTS = Gauge(
    "kundval_ledger_faults",
    "What does not add up in the ledger: entries, payments, rows of payments (journal)",
    ("what",),
    registry=REGISTRY,
)

#: seconds between two looks of each kind, and entries or payments that one adds up
EVERY, STEP = 5.0, 2000

log = logs.get(__name__)

#: an assignment by its tenant and id
Key = tuple[str, str]


def looks(settings: Mapping[str, Any]) -> Iterable[Look]:
    """What billing has looked at; nothing is recomputed if KUNDVAL_LEDGER_CHECKS is 0."""
    a_minute: int = settings["LEDGER_CHECKS"]
    yield Look("ledger", EVERY, Sums().see)
    if a_minute:
        at_once = max(1, round(a_minute * EVERY / 60))
        yield Look("recomputation", 60 * at_once / a_minute, Recomputation(at_once).see)


class Recomputation:
    """Goes through the assignments that are at rest, `at_once` in a look."""

    def __init__(self, at_once: int):
        self._at_once = at_once
        self._after: Key = ("", "")
        self._found: dict[Key, Decimal] = {}

    def see(self, tx: Tx) -> None:
        """Compute the next assignments anew."""
        rows = store.at_rest(tx, self._after, self._at_once)
        for (tenant, run), assignments in _grouped(rows).items():
            town = held.load_tenant(tx, tenant)
            posted = store.postings_of(tx, tenant, assignments, derivations=False)
            for case in held.load_cases(tx, [(tenant, one) for one in assignments]):
                self._enter((tenant, case.assignment), difference(case, town, run, posted[case.assignment]))
                RECOMPUTED.inc()
        # at the end: from the beginning again
        self._after = (rows[-1]["tenant"], rows[-1]["assignment"]) if len(rows) == self._at_once else ("", "")
        DIFFERENCE.set(float(sum(self._found.values(), Decimal(0))))
        DIFFERING.set(len(self._found))

    def _enter(self, key: Key, found: Decimal) -> None:
        if found and key not in self._found:
            log.error("ledger_differs", tenant=key[0], assignment=key[1], amount=str(found))
        self._found.pop(key, None)
        if found:
            self._found[key] = found


def difference(case: Case, tenant: Tenant, run: date, posted: Iterable[Posting]) -> Decimal:
    """Kronor, never negative, by which what was posted differs from what is due on `run`: what a run of that day would
    post now, by line. Raises LookupError if no tariff covers the case.
    """
    before = list(posted)
    changes: dict[tuple[str, str, str, int], Decimal] = {}
    for posting in settle(before, lines(case.known_by(run), tenant, run), run, tenant):
        changes[posting.key] = changes.get(posting.key, Decimal(0)) + posting.amount
    return sum((abs(change) for change in changes.values()), Decimal(0))


class Sums:
    """Goes through entries and payments by their numbers, `STEP` in a look."""

    def __init__(self, step: int = STEP):
        self._step = step
        self._after = dict.fromkeys(store.SUMS, 0)
        self._found: dict[str, dict[int, int]] = {what: {} for what in store.SUMS}

    def see(self, tx: Tx) -> None:
        """Add up the next ones."""
        for what, after in self._after.items():
            row = store.added_up(tx, what, after, self._step)
            self._found[what][after] = row["wrong"]
            # at the end: from the beginning again
            self._after[what] = after + self._step if row["more"] else 0
            FAULTS.labels(what).set(sum(self._found[what].values()))


def _grouped(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, date], list[str]]:
    found: dict[tuple[str, date], list[str]] = {}
    for row in rows:
        found.setdefault((row["tenant"], row["run"]), []).append(row["assignment"])
    return found
