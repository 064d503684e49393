"""The documents of a payment, as payments need them: whether one can be issued, issuing it, and what it comes to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import Direction, DocumentKind

from .. import documents, payees


class NotIssued(Exception):
    """No document could be issued; `code` is the stable reason."""

    def __init__(self, code: str):
        self.code = code
        super().__init__(code)


def needs_approval(tx: Tx, tenant: str, provider: str, direction: Direction, day: date) -> bool:
    """Whether self-billing is agreed: the municipality writes the invoice, and the provider approves it first."""
    payee = payees.of(tx, tenant, provider, day) if direction is Direction.PAYABLE else None
    return payee is not None and payee.self_billing


def problem(tx: Tx, tenant: Tenant, provider: str, direction: Direction, day: date) -> str | None:
    """Why no document could be issued, as a code; None if one can."""
    return documents.problem(tx, tenant, provider, direction, day)


def issue(tx: Tx, tenant: Tenant, payment: int, day: date) -> list[str]:
    """Issue the documents of a payment; their numbers. Raises `NotIssued`."""
    try:
        return documents.issue(tx, tenant, payment, day)
    except documents.Problem as error:
        raise NotIssued(str(error.code)) from None


def totals(tx: Tx, tenant: str, payments: list[int]) -> dict[int, Decimal]:
    """What the documents of each payment come to with VAT, credit notes taken off; a payment without any is no key."""
    found: dict[int, Decimal] = {}
    for row in tx.query(
        "SELECT payment, kind, gross FROM document WHERE tenant = %s AND payment = ANY(%s)", (tenant, payments)
    ):
        gross = -row["gross"] if DocumentKind(row["kind"]).is_credit else row["gross"]
        found[row["payment"]] = found.get(row["payment"], Decimal(0)) + gross
    return found
