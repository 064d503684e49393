"""The payment run: compute every case anew, post the difference to what the ledger holds.

A case that cannot be computed or posted does not stop the others. Nothing of it is posted in that run, it stands among
the run's problems, and it is looked at again in the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kundval_chassis import agenda, logs
from kundval_chassis.db import Tx, is_contention, is_outage
from kundval_contracts.answer import Line, Posting, money
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import Programme, RunProblem
from kundval_contracts.errors import Conflict

from .. import store
from ..claims.tell import Look, after_run
from ..domain import lines, next_change, settle
from . import periods, problems

log = logs.get(__name__)

#: (posting, programme, how many-th posting of its line it is)
Fresh = tuple[Posting, Programme, int]
#: an entry of the ledger holds less than this
LIMIT = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Run:
    """What a run posted: how many postings, their sum in SEK, and how many assignments it could do nothing for."""

    postings: int
    amount: Decimal
    problems: int


@dataclass(frozen=True, slots=True)
class Computed:
    """What a run is to post for a case, and the first day after it that can bring something new."""

    case: Case
    postings: tuple[Fresh, ...]
    until: date | None
    due: tuple[Line, ...] = ()
    before: Sequence[Posting] = ()

    @property
    def after(self) -> Look:
        """The case as it stands once the postings are made."""
        return Look(self.case, self.due, [*self.before, *(posting for posting, _, _ in self.postings)])


def turn(tx: Tx, tenants: Iterable[str]) -> None:
    """Wait for the tenants' turn: facts come in, or a run is made, never both at once.

    Otherwise a run could put a case to rest whose newest fact it has not seen.
    """
    for tenant in sorted(set(tenants)):
        tx.lock("billing", tenant)


def run_payments(tx: Tx, tenant: Tenant, run: date) -> Run:
    """Post what is payable on `run` by facts known on `run`.

    The same run again posts nothing, unless facts have come in between. Raises Conflict for a run later than
    the business date, before the latest run, or in a closed period (PERIOD_CLOSED). The caller has taken the tenant's
    `turn`.
    """
    if tenant.business_date is None or run > tenant.business_date:
        raise Conflict(f"The business date is {tenant.business_date}: no run can be made for {run} yet.")
    latest = store.latest_run(tx, tenant.id)
    if latest is not None and run < latest:
        raise Conflict(f"A run of {latest} has been made; one of {run} would come too late.")
    periods.require_open(tx, tenant.id, run)
    count, total, stuck = 0, Decimal("0.00"), 0
    for cases in agenda.awake(tx, tenant.id, run):
        posted = store.postings_of(tx, tenant.id, [case.assignment for case in cases], derivations=False)
        good: list[Computed] = []
        bad: dict[str, problems.Stuck] = {}
        for case in cases:
            found = _compute(case, tenant, run, posted[case.assignment])
            if isinstance(found, Computed):
                good.append(found)
            else:
                bad[case.assignment] = problems.Stuck(case, found)
        done = _post_all(tx, tenant, run, good, bad)
        agenda.rest(tx, tenant.id, {one.case.assignment: one.until for one in done})
        problems.keep(tx, tenant.id, run, bad.values(), [one.case.assignment for one in done])
        # a first run of a large municipality tells of a million entries: not all of them in memory at once
        tx.flush()
        stuck += len(bad)
        for one in done:
            count += len(one.postings)
            total += sum((posting.amount for posting, _, _ in one.postings), Decimal(0))
    store.add_run(tx, tenant.id, run, count, total)
    return Run(count, total, stuck)


def _compute(case: Case, tenant: Tenant, run: date, before: Sequence[Posting]) -> Computed | RunProblem:
    try:
        due = lines(case.known_by(run), tenant, run)
        revisions = _revisions(before)
        fresh: list[Fresh] = []
        for posting in settle(before, due, run, tenant):
            revisions[posting.key] = revisions.get(posting.key, 0) + 1
            fresh.append((posting, case.programme, revisions[posting.key]))
        until = _look_again(case, due, run)
    except LookupError:
        return RunProblem.NO_TARIFF
    except Exception as error:
        # whatever it is, it is this case's: the others are paid
        log.error("assignment_not_computed", assignment=case.assignment, error=type(error).__name__, exc_info=error)
        return RunProblem.NOT_COMPUTED
    if not all(_fits(posting.amount) for posting, _, _ in fresh):
        return RunProblem.AMOUNT_OUT_OF_RANGE
    return Computed(case, tuple(fresh), until, due, before)


def _fits(amount: Decimal) -> bool:
    return amount.is_finite() and abs(amount) < LIMIT and amount == amount.quantize(Decimal("0.01"))


def _post_all(
    tx: Tx, tenant: Tenant, run: date, computed: Sequence[Computed], bad: dict[str, problems.Stuck]
) -> Sequence[Computed]:
    """Post these cases together; if that fails, one by one. Those that were posted."""
    try:
        _post(tx, tenant, run, computed)
    except Exception as error:
        if is_outage(error) or is_contention(error):
            raise
    else:
        return computed
    done = []
    for one in computed:
        try:
            _post(tx, tenant, run, [one])
        except Exception as error:
            if is_outage(error) or is_contention(error):
                raise
            name = one.case.assignment
            log.error("assignment_not_posted", assignment=name, error=type(error).__name__, exc_info=error)
            bad[name] = problems.Stuck(one.case, RunProblem.NOT_POSTED)
        else:
            done.append(one)
    return done


def _post(tx: Tx, tenant: Tenant, run: date, computed: Iterable[Computed]) -> None:
    """Post these cases, and tell of it and of where their money stands now: all of it or nothing."""
    listed = [one for one in computed if one.postings]
    fresh = [posting for one in listed for posting in one.postings]
    with tx.attempt():
        entries = store.add_entries(tx, tenant.id, fresh)
        # else an entry whose rows do not move its amount would be found at the commit of the whole run
        tx.execute("SET CONSTRAINTS entry_has_rows IMMEDIATE")
        tx.execute("SET CONSTRAINTS entry_has_rows DEFERRED")
        _publish(tx, tenant.id, run, fresh, entries)
        after_run(tx, tenant, run, [one.after for one in listed])


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


def _publish(tx: Tx, tenant: str, run: date, fresh: Iterable[Fresh], entries: Iterable[int]) -> None:
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
