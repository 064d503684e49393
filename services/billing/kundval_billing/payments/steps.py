"""What persons do with a payment before it is released: check, attest, approve, dispute, withdraw."""

from __future__ import annotations

from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import PaymentAct
from kundval_contracts.errors import Conflict, NotFound

from ..domain.payments import ATTESTERS, Act
from . import store

#: What is told of an act, where something is.
_TOLD = {
    PaymentAct.APPROVED: "billing.payment_approved",
    PaymentAct.DISPUTED: "billing.payment_disputed",
    PaymentAct.WITHDRAWN: "billing.payment_withdrawn",
}


def business_date(tenant: Tenant) -> date:
    """The tenant's business date: the day of everything that is done. Raises Conflict while there is none."""
    if tenant.business_date is None:
        raise Conflict("The tenant has no business date yet.", code="NO_BUSINESS_DATE")
    return tenant.business_date


def payment_of(tx: Tx, tenant: str, payment: int, caller: Caller, *, lock: bool = False) -> store.Payment:
    """The payment, if it is there for the caller. Raises NotFound: another provider's looks as if there were none."""
    found = store.locked(tx, tenant, [payment]) if lock else store.payments(tx, tenant, ids=[payment])
    if not found or caller.provider not in (None, found[0].provider):
        raise NotFound(f"There is no payment {payment}.")
    return found[0]


def step(tx: Tx, tenant: Tenant, request: dict[str, Any], caller: Caller, kind: PaymentAct) -> dict[str, Any]:
    """One act of a person on one payment; the payment as it stands then.

    The same act of the same person again changes nothing. Raises NotFound, and Conflict with the code of what stands
    in the way (`domain.payments`).
    """
    day = business_date(tenant)
    payment = payment_of(tx, tenant.id, request["payment"], caller, lock=True)
    if not _was_done(payment, kind, caller):
        act(tx, payment, kind, caller, day, reason=request.get("reason"))
        (payment,) = store.payments(tx, tenant.id, ids=[payment.id])
        if kind is PaymentAct.ATTESTED and len(payment.standing.attested_by) == ATTESTERS:
            tell(tx, "billing.payment_attested", payment, day, self_billing=payment.standing.self_billing)
        elif kind in _TOLD:
            tell(tx, _TOLD[kind], payment, day)
    return payment.as_json()


def _was_done(payment: store.Payment, kind: PaymentAct, caller: Caller) -> bool:
    standing = payment.standing
    return {
        PaymentAct.CHECKED: standing.checked_by == caller.subject,
        PaymentAct.ATTESTED: caller.subject in standing.attested_by,
        PaymentAct.APPROVED: standing.approved,
        PaymentAct.DISPUTED: standing.disputed,
        PaymentAct.WITHDRAWN: standing.withdrawn,
    }[kind]


def act(
    tx: Tx,
    payment: store.Payment,
    kind: PaymentAct,
    caller: Caller,
    day: date,
    *,
    reference: str | None = None,
    reason: str | None = None,
) -> None:
    """Append an act to the log of a payment that this transaction has locked. Raises `Refused`."""
    refusal = payment.standing.refusal(Act(kind, caller.subject, reference))
    if refusal is not None:
        raise refusal
    store.add_act(tx, payment.id, kind, caller, day, reference=reference, reason=reason)


def tell(tx: Tx, name: str, payment: store.Payment, day: date, **more: Any) -> None:
    """Publish an event about a payment, of this business date: ids, codes and amounts alone."""
    data = {
        "payment": payment.id,
        "run": payment.run.isoformat(),
        "provider": payment.provider,
        "direction": payment.direction.value,
        "as_of": day.isoformat(),
        **more,
    }
    tx.publish(name, subject=f"payment-{payment.id}", tenant=payment.tenant, data=data)
