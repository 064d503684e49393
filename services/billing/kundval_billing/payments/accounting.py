"""What the accounting system says: that it took a payment, or not; and what it has, held against what was released."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import PaymentAct, PaymentOutcome, PaymentState
from kundval_contracts.errors import Conflict

from . import issuing, steps, store


def acknowledge(tx: Tx, tenant: Tenant, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """Enter the accounting system's answer to a released payment; the payment as it stands then.

    Accepted, its amount leaves what was released; rejected, it stays there until it is accepted after all. The same
    answer again changes nothing. Raises NotFound; Conflict: AMOUNT_DIFFERS if it is not what the documents come to,
    VOUCHER_TAKEN if the voucher stands for another payment, and the codes of `domain.payments`.
    """
    day = steps.business_date(tenant)
    # one answer after the other: two that name the same voucher for two payments would only meet in the database
    tx.lock("billing-vouchers", tenant.id)
    payment = steps.payment_of(tx, tenant.id, request["payment"], caller, lock=True)
    voucher, accepted = request["voucher"], request["outcome"] is PaymentOutcome.ACCEPTED
    if accepted and payment.standing.voucher == voucher:
        return payment.as_json()
    if not accepted and payment.standing.rejected:
        return payment.as_json()
    if accepted and request["amount"] != _due(tx, tenant.id, [payment])[payment.id]:
        raise Conflict("The amount is not what was released.", code="AMOUNT_DIFFERS")
    if accepted and store.referred(tx, tenant.id, "VOUCHER", [voucher]):
        raise Conflict("The voucher stands for another payment.", code="VOUCHER_TAKEN")
    kind = PaymentAct.ACKNOWLEDGED if accepted else PaymentAct.REJECTED
    steps.act(tx, payment, kind, caller, day, reference=voucher)
    if accepted:
        store.move(tx, payment, kind)
        store.add_references(tx, tenant.id, payment.id, "VOUCHER", [voucher])
    steps.tell(tx, "billing.payment_acknowledged", payment, day, outcome=request["outcome"].value)
    (payment,) = store.payments(tx, tenant.id, ids=[payment.id])
    return payment.as_json()


def reconcile(tx: Tx, tenant: Tenant, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """Hold the rows of the accounting system against what was released, both ways.

    `not_theirs`: released, and they have no row. `not_ours`: they have a row for which nothing was released.
    `different`: the rows of a payment do not come to what was released. `unacknowledged`: they have it, but never said
    so. `matched`: all is well, and the payment is reconciled from now on. With `run`, `not_theirs` is of that run.
    """
    day = steps.business_date(tenant)
    found, not_ours = _theirs(tx, tenant.id, request["rows"])
    ours = {
        one.id: one
        for one in store.payments(tx, tenant.id)
        if one.standing.released and (request["run"] in (None, one.run) or one.id in found)
    }
    due = _due(tx, tenant.id, ours.values())
    answer: dict[str, list[Any]] = {"matched": [], "different": [], "unacknowledged": [], "not_theirs": []}
    for payment in store.locked(tx, tenant.id, list(ours)):
        theirs = found.get(payment.id)
        row = {
            "payment": payment.id,
            "provider": payment.provider,
            "ours": due[payment.id],
            "theirs": theirs,
        }
        if theirs is None:
            if payment.standing.state is not PaymentState.RECONCILED:
                answer["not_theirs"].append(row)
        elif theirs != due[payment.id]:
            answer["different"].append(row)
        elif payment.standing.voucher is None:
            answer["unacknowledged"].append(row)
        else:
            if not payment.standing.reconciled:
                steps.act(tx, payment, PaymentAct.RECONCILED, caller, day)
            answer["matched"].append(row)
    return {"tenant": tenant.id, "not_ours": not_ours, **answer}


def _due(tx: Tx, tenant: str, payments: Iterable[store.Payment]) -> dict[int, Decimal]:
    """What each payment comes to in the accounting system: with VAT, where its documents have any."""
    listed = list(payments)
    written = issuing.totals(tx, tenant, [one.id for one in listed])
    return {one.id: written.get(one.id, one.amount) for one in listed}


def _theirs(
    tx: Tx, tenant: str, rows: Iterable[Mapping[str, Any]]
) -> tuple[Mapping[int, Decimal], list[Mapping[str, Any]]]:
    """Their rows by payment, and those that name none of ours. A payment that they name by documents and by its voucher
    counts by its voucher.
    """
    listed = list(rows)
    named = {
        kind: store.referred(tx, tenant, kind.upper(), [row[kind] for row in listed if row[kind] is not None])
        for kind in ("document", "voucher")
    }
    sums: dict[int, dict[str, Decimal]] = defaultdict(dict)
    not_ours: list[Mapping[str, Any]] = []
    for row in listed:
        kind = "document" if row["document"] is not None else "voucher"
        payment = named[kind].get(row[kind])
        if payment is None:
            not_ours.append(row)
        else:
            sums[payment][kind] = sums[payment].get(kind, Decimal(0)) + row["amount"]
    return {key: of.get("voucher", of.get("document", Decimal(0))) for key, of in sums.items()}, not_ours
