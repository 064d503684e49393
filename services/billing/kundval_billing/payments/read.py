"""Payments as they are shown, and every balance of the ledger with what it consists of."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import veil
from kundval_contracts.codes import BalancePart, Direction, PaymentState

from . import issuing, steps, store

#: Accounts by direction: where an entry stands until its payment is released, until it is acknowledged, and then.
ROADS = {
    Direction.PAYABLE: ("payable", "released", "settled"),
    Direction.RECEIVABLE: ("receivable", "invoiced", "received"),
}


def page(tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """A page of payments. A state is looked for within the page, which may so hold less than it could."""
    found = store.payments(
        tx,
        request["tenant"],
        run=request["run"],
        provider=caller.provider or request["provider"],
        direction=request["direction"],
        after=request["after"] or 0,
        limit=request["limit"],
    )
    rows = [one.as_json() for one in found if request["state"] in (None, one.standing.state)]
    return {"payments": rows, "next": found[-1].id if len(found) == request["limit"] else None}


def one(tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """One payment with what was done with it and a page of its entries.

    Who did it and why is for staff. A protected person's entries are for who pays and for the provider alone.
    """
    payment = steps.payment_of(tx, request["tenant"], request["payment"], caller)
    limit = request["limit"]
    entries = store.entries(tx, payment.id, request["after"] or 0, limit)
    following = entries[-1]["entry"] if len(entries) == limit else None
    acts = store.acts(tx, payment.id)
    if caller.provider is not None:
        acts = [{**act, "who": None, "role": None, "reason": None} for act in acts]
    return {
        **payment.as_json(),
        "due": issuing.totals(tx, payment.tenant, [payment.id]).get(payment.id, payment.amount),
        "documents": store.references(tx, payment.id, "DOCUMENT"),
        "acts": acts,
        "lines": veil(tx, payment.tenant, entries, caller, filtered=payment.provider),
        "next": following,
    }


def balances(tx: Tx, tenant: str, provider: str | None, on: date) -> list[dict[str, Any]]:
    """The accounts of the ledger at the end of `on`, each with its parts.

    The balance is the sum of the ledger's rows: debits positive, credits negative. The parts are found without them,
    from the entries and from what the payments stand at, and add up to it.
    """
    parts: defaultdict[tuple[str, BalancePart], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))

    def add(account: str, part: BalancePart, entries: int, amount: Decimal) -> None:
        before = parts[account, part]
        parts[account, part] = (before[0] + entries, before[1] + amount)

    for row in store.recognised(tx, tenant, provider, on):
        sign = 1 if row["direction"] == Direction.PAYABLE else -1
        part = BalancePart.TAKEN_BACK if row["back"] else BalancePart.POSTED
        add(row["account"], part, row["entries"], sign * row["amount"])
    for row in store.free(tx, tenant, provider, on):
        part = BalancePart.FREE_HELD if row["held"] else BalancePart.FREE
        direction = Direction(row["direction"])
        add(f"{ROADS[direction][0]}:{row['provider']}", part, row["entries"], _signed(direction, row["amount"]))
    for payment in store.payments(tx, tenant, provider=provider, on=on):
        state = payment.standing.state
        if state is not PaymentState.WITHDRAWN:
            account = f"{_account(payment.direction, state)}:{payment.provider}"
            add(account, BalancePart(state.value), payment.entries, _signed(payment.direction, payment.amount))
    return _explained(store.accounts(tx, tenant, provider, on), parts)


def _account(direction: Direction, state: PaymentState) -> str:
    before, released, settled = ROADS[direction]
    if state in (PaymentState.ACKNOWLEDGED, PaymentState.RECONCILED):
        return settled
    return released if state in (PaymentState.RELEASED, PaymentState.REJECTED) else before


def _signed(direction: Direction, amount: Decimal) -> Decimal:
    """What is owed stands on the right of the ledger, what is claimed on the left."""
    return -amount if direction is Direction.PAYABLE else amount


def _explained(
    accounts: dict[str, Decimal], parts: dict[tuple[str, BalancePart], tuple[int, Decimal]]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for account in sorted({*accounts, *(account for account, _ in parts)}):
        balance = accounts.get(account, Decimal(0))
        found: list[dict[str, Any]] = []
        rest = balance
        for part in BalancePart:
            entries, amount = parts.get((account, part), (0, Decimal(0)))
            if entries:
                found.append({"part": part, "entries": entries, "amount": amount})
                rest -= amount
        if rest:
            found.append({"part": BalancePart.UNEXPLAINED, "entries": 0, "amount": rest})
        rows.append({"account": account, "balance": balance, "parts": found})
    return rows
