"""Proposing: the entries that are on no payment yet, put together for each provider and direction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kundval_chassis import logs
from kundval_chassis.db import Tx, is_contention, is_outage
from kundval_chassis.tokens import Caller
from kundval_contracts.answer import money
from kundval_contracts.case import Tenant
from kundval_contracts.codes import Direction, PaymentAct, PaymentState
from kundval_contracts.errors import Conflict

from . import issuing, periods, steps, store

log = logs.get(__name__)

#: what stands for a problem that has no code of its own
FAILED = "FAILED"
#: self-billing was agreed, or ended, since the payment was put together: withdraw it and propose anew
AGREEMENT_CHANGED = "AGREEMENT_CHANGED"
#: a party, its account or VAT is another than when it was attested: withdraw it and propose anew
TERMS_CHANGED = "TERMS_CHANGED"


def propose(tx: Tx, tenant: Tenant, run: date, caller: Caller) -> dict[str, Any]:
    """A payment for every provider and direction with entries of runs up to `run` that are free and not held.

    Again it proposes only what has become free since, and looks anew at what is parked. A provider with a problem is
    parked and told of, and the others go on. Raises Conflict: NO_RUN, PERIOD_CLOSED. The caller has taken the turn.
    """
    day = steps.business_date(tenant)
    if not store.has_run(tx, tenant.id, run):
        raise Conflict(f"No payment run was made on {run}.", code="NO_RUN")
    periods.require_open(tx, tenant.id, run)
    ids = [one.id for one in _parked(tx, tenant, run) if _again(tx, tenant, one, caller, day)]
    failed: list[Mapping[str, str]] = []
    for group in store.groups(tx, tenant.id, run):
        provider, direction = group["provider"], group["direction"]
        try:
            with tx.attempt():
                ids.append(_make(tx, tenant, run, group, caller, day))
        except Exception as error:
            if is_outage(error) or is_contention(error):
                raise
            log.error("payment_not_proposed", provider=provider, error=type(error).__name__, exc_info=error)
            failed.append({"provider": provider, "direction": direction, "code": FAILED})
    found = [one.as_json() for one in store.payments(tx, tenant.id, ids=ids)]
    return {"tenant": tenant.id, "run": run, "payments": found, "failed": failed}


def _make(tx: Tx, tenant: Tenant, run: date, group: dict[str, Any], caller: Caller, day: date) -> int:
    approval = issuing.needs_approval(tx, tenant.id, group["provider"], Direction(group["direction"]), day)
    made = store.add_payment(tx, tenant.id, run, group, caller, day, self_billing=approval)
    (payment,) = store.payments(tx, tenant.id, ids=[made])
    steps.tell(
        tx,
        "billing.payment_proposed",
        payment,
        day,
        amount=money(payment.amount),
        entries=payment.entries,
        self_billing=approval,
    )
    code = problem_of(tx, tenant, payment, day)
    if code is not None:
        park(tx, payment, code, caller, day)
    return made


def _parked(tx: Tx, tenant: Tenant, run: date) -> list[store.Payment]:
    waiting = [
        one.id
        for one in store.payments(tx, tenant.id)
        if one.run <= run and one.standing.is_open and one.standing.parked is not None
    ]
    return [one for one in store.locked(tx, tenant.id, waiting) if one.standing.state is PaymentState.PARKED]


def _again(tx: Tx, tenant: Tenant, payment: store.Payment, caller: Caller, day: date) -> bool:
    """Look again at a parked payment; whether it goes on. Another problem than before is told of."""
    code = problem_of(tx, tenant, payment, day)
    if code is None:
        steps.act(tx, payment, PaymentAct.RESUMED, caller, day)
        return True
    if code != payment.standing.parked:
        park(tx, payment, code, caller, day)
    return False


def problem_of(tx: Tx, tenant: Tenant, payment: store.Payment, day: date) -> str | None:
    """Why the payment cannot be written as it stands; a fault in finding that out is a problem of this one alone."""
    try:
        with tx.attempt():
            approval = issuing.needs_approval(tx, tenant.id, payment.provider, payment.direction, day)
            if approval != payment.standing.self_billing:
                return AGREEMENT_CHANGED
            if store.terms_changed(tx, payment.id, day):
                return TERMS_CHANGED
            return issuing.problem(tx, tenant, payment.provider, payment.direction, day)
    except Exception as error:
        if is_outage(error) or is_contention(error):
            raise
        log.error("payment_not_looked_at", payment=payment.id, error=type(error).__name__, exc_info=error)
        return FAILED


def park(tx: Tx, payment: store.Payment, code: str, caller: Caller, day: date) -> None:
    """Set a payment aside until its problem is solved, and tell of it."""
    steps.act(tx, payment, PaymentAct.PARKED, caller, day, reference=code)
    steps.tell(tx, "billing.payment_parked", payment, day, code=code)
