"""The payment run: compute every case anew, post the difference to what the ledger holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from kundval_chassis import agenda
from kundval_chassis.db import Tx
from kundval_contracts.answer import Line, Posting, money
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import Programme
from kundval_contracts.errors import Conflict

from . import store
from .domain import lines, next_change, settle


def turn(tx: Tx, tenants: Iterable[str]) -> None:
    """Wait for the tenants' turn: facts come in, or a run is made, never both at once.

    Otherwise a run could put a case to rest whose newest fact it has not seen.
    """
    for tenant in sorted(set(tenants)):
        tx.lock("billing", tenant)


def run_payments(tx: Tx, tenant: Tenant, run: date) -> tuple[int, Decimal]:
    """Post what is payable on `run` by facts known on `run`; how many postings, and their sum.

    The same run again posts nothing, unless facts have come in between. Raises Conflict for a run later than
    the business date, or before the latest run. The caller has taken the tenant's `turn`.
    """
    if tenant.business_date is None or run > tenant.business_date:
        raise Conflict(f"The business date is {tenant.business_date}: no run can be made for {run} yet.")
    latest = store.latest_run(tx, tenant.id)
    if latest is not None and run < latest:
        raise Conflict(f"A run of {latest} has been made; one of {run} would come too late.")
    count, total = 0, Decimal("0.00")
    for cases in agenda.awake(tx, tenant.id, run):
        posted = store.postings_of(tx, tenant.id, [case.assignment for case in cases], derivations=False)
        fresh: list[tuple[Posting, Programme, int]] = []
        until: dict[str, date | None] = {}
        for case in cases:
            known = case.known_by(run)
            due = lines(known, tenant, run)
            before = posted[case.assignment]
            revisions = _revisions(before)
            for posting in settle(before, due, run, tenant):
                revisions[posting.key] = revisions.get(posting.key, 0) + 1
                fresh.append((posting, case.programme, revisions[posting.key]))
            until[case.assignment] = _look_again(case, due, run)
        _publish(tx, tenant.id, run, fresh, store.add_entries(tx, tenant.id, fresh))
        agenda.rest(tx, tenant.id, until)
        # a first run of a large municipality tells of a million entries: not all of them in memory at once
        tx.flush()
        count += len(fresh)
        total += sum((posting.amount for posting, _, _ in fresh), Decimal(0))
    store.add_run(tx, tenant.id, run, count, total)
    return count, total


def _look_again(case: Case, due: Iterable[Line], day: date) -> date | None:
    """The first day after `day` that can bring something new: a planned line's, or that of a fact not yet known."""
    days = [fact.known_on for fact in case.facts if fact.known_on > day]
    change = next_change(due, day)
    return min([*days, change] if change else days, default=None)


def _revisions(posted: Iterable[Posting]) -> dict[tuple[str, str, str, int], int]:
    found: dict[tuple[str, str, str, int], int] = {}
    for posting in posted:
        found[posting.key] = found.get(posting.key, 0) + 1
    return found


def _publish(
    tx: Tx, tenant: str, run: date, fresh: Iterable[tuple[Posting, Programme, int]], entries: Iterable[int]
) -> None:
    by_assignment: dict[str, list[dict[str, object]]] = {}
    for (posting, _, _), entry in zip(fresh, entries, strict=True):
        by_assignment.setdefault(posting.assignment, []).append(
            {
                "entry": str(entry),
                "provider": posting.provider,
                "kind": posting.kind.value,
                "sequence": posting.sequence,
                "amount": money(posting.amount),
                "reverses": posting.reverses.isoformat() if posting.reverses else None,
            }
        )
    for assignment, rows in by_assignment.items():
        data = {"assignment": assignment, "run": run.isoformat(), "postings": rows}
        tx.publish("billing.posted", subject=assignment, tenant=tenant, data=data)
