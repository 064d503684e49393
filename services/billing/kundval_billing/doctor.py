"""What the doctor asks of billing: does the ledger add up, and does a sample of it equal what is computed anew?"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.doctor.finding import Finding, bad, ok, warn

from . import store
from .looks import difference

#: entries and payments, the newest, that are added up; assignments that are computed anew
NEWEST, SAMPLE = 20_000, 25
_TOP = {"entry": "SELECT max(entry) FROM entry", "payment": "SELECT max(payment) FROM payment"}


def look(tx: Tx) -> Iterator[Finding]:
    """The newest entries, a sample of assignments, and what a run could not post."""
    wrong = 0
    for what in store.SUMS:
        top = tx.value(_TOP["entry" if what == "entry" else "payment"]) or 0
        wrong += store.added_up(tx, what, max(0, top - NEWEST), NEWEST)["wrong"]
    if wrong:
        yield bad(
            "billing",
            f"{wrong} entries or payments do not add up",
            "the ledger cannot be trusted: the database refuses such rows, so somebody has switched that off",
            "make no payment run and release nothing; compare with the last backup",
            "ledger-difference",
        )
    yield from _sample(tx, wrong)
    stuck = tx.value("SELECT count(*) FROM run_problem WHERE cleared_by IS NULL")
    if stuck:
        yield warn(
            "billing",
            f"of {stuck} assignments the last payment runs could post nothing",
            "their providers are not paid for them until somebody has seen to it",
            "kundval payments problems",
        )


def _sample(tx: Tx, wrong: int) -> Iterator[Finding]:
    differing, off = [], Decimal(0)
    rows = store.at_rest(tx, ("", ""), SAMPLE)
    for row in rows:
        tenant = held.load_tenant(tx, row["tenant"])
        cases = held.load_cases(tx, [(row["tenant"], row["assignment"])])
        posted = store.postings_of(tx, row["tenant"], [row["assignment"]], derivations=False)
        for case in cases:
            found = difference(case, tenant, row["run"], posted[case.assignment])
            if found:
                differing.append(case.assignment)
                off += found
    if differing:
        yield bad(
            "billing",
            f"{len(differing)} of {len(rows)} assignments differ from what is computed anew, by {off} kronor"
            f" ({differing[0]})",
            "somebody is paid too much or too little",
            "release nothing; kundval explain shows how each amount comes about",
            "ledger-difference",
        )
    elif not wrong:
        yield ok("billing", f"the ledger adds up, and {len(rows)} assignments equal what is computed anew")
