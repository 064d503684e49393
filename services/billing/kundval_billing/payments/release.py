"""Releasing: what is ready goes on its way, each payment once and each by itself."""

from __future__ import annotations

from datetime import date
from typing import Any

from kundval_chassis import logs
from kundval_chassis.db import Tx, is_contention, is_outage
from kundval_chassis.tokens import Caller
from kundval_contracts.answer import money
from kundval_contracts.case import Tenant
from kundval_contracts.codes import PaymentAct

from ..domain.payments import Act
from . import issuing, propose, steps, store

log = logs.get(__name__)


def release(tx: Tx, tenant: Tenant, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """Release one payment, or all of a run that are ready; those that were released now, and those parked instead.

    One that was released before is passed over, so that repeating is safe. Raises Conflict if a single payment that is
    asked for is not ready, with the code of what stands in the way.
    """
    day = steps.business_date(tenant)
    if request["payment"] is not None:
        payment = steps.payment_of(tx, tenant.id, request["payment"], caller, lock=True)
        ready = [] if payment.standing.released else [payment]
        for one in ready:
            refusal = one.standing.refusal(Act(PaymentAct.RELEASED, caller.subject))
            if refusal is not None:
                raise refusal
    else:
        of_run = store.payments(tx, tenant.id, run=request["run"])
        ready = store.locked(tx, tenant.id, [one.id for one in of_run if one.standing.is_ready])
        # somebody else may have released them while this one waited
        ready = [one for one in ready if one.standing.is_ready]
    released = [one.id for one in ready if _release(tx, tenant, one, caller, day)]
    parked = [one.id for one in ready if one.id not in released]
    return {"tenant": tenant.id, "released": released, "parked": parked}


def _release(tx: Tx, tenant: Tenant, payment: store.Payment, caller: Caller, day: date) -> bool:
    """Release a payment, or park it with the problem that came up; which of the two is told."""
    code = propose.problem_of(tx, tenant, payment, day)
    if code is not None:
        propose.park(tx, payment, code, caller, day)
        return False
    try:
        with tx.attempt():
            steps.act(tx, payment, PaymentAct.RELEASED, caller, day)
            store.move(tx, payment, PaymentAct.RELEASED)
            documents = issuing.issue(tx, tenant, payment.id, day)
            store.add_references(tx, tenant.id, payment.id, "DOCUMENT", documents)
            amount = money(payment.amount)
            steps.tell(tx, "billing.payment_released", payment, day, amount=amount, documents=documents)
    except issuing.NotIssued as problem:
        code = problem.code
    except Exception as error:
        if is_outage(error) or is_contention(error):
            raise
        log.error("payment_not_released", payment=payment.id, error=type(error).__name__, exc_info=error)
        code = propose.FAILED
    else:
        return True
    propose.park(tx, payment, code, caller, day)
    return False
