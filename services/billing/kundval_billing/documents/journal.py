"""Journals: what was issued, put into the municipality's books once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import AccountSide, DimensionSource, PayerRole
from kundval_contracts.csv_text import as_csv
from kundval_contracts.errors import Conflict

from .. import payees
from ..domain.accounting import Account, Dimension, NotMapped, Plan, Voucher, voucher
from ..domain.sie import sie
from . import store

#: the series of journals, and of vouchers in them; both run on over the years of issue
JOURNALS, VOUCHERS = "JOURNAL", "VOUCHER"
#: number series that do not begin anew each year
EVERY_YEAR = 0


def make(tx: Tx, tenant: Tenant, run: date | None, starts: date | None, ends: date | None) -> dict[str, Any]:
    """Make the next journal of a run, or of documents issued from a day to a day; its head, as on the wire.

    Raises Conflict: NOTHING_TO_JOURNAL, PAYER_UNKNOWN, ACCOUNTING_NOT_SET, ACCOUNT_NOT_MAPPED or DIMENSION_NOT_MAPPED
    with the name in the ledger. Nothing is numbered then.
    """
    day = tenant.business_date
    if day is None:
        raise Conflict("The tenant has no business date yet.")
    tx.lock("billing-journal", tenant.id)
    documents = store.to_journal(tx, tenant.id, run, starts, ends)
    if not documents:
        raise Conflict("Everything that was issued there is in a journal already.", code="NOTHING_TO_JOURNAL")
    payer = payees.payer(tx, tenant.id, PayerRole.MUNICIPALITY, day)
    if payer is None:
        raise Conflict("Nobody has said who the municipality is as payer.", code="PAYER_UNKNOWN")
    # the books are laid out as on the day of the latest document, also when the journal is made in another year
    plan_row = store.plan_on(tx, tenant.id, documents[-1].issued_on)
    if plan_row is None:
        raise Conflict("Nobody has said how the books are laid out.", code="ACCOUNTING_NOT_SET")
    plan = plan_of(plan_row)
    ledger = _ledger(tx, [line.entry for one in documents for line in one.lines])
    with tx.attempt():
        try:
            vouchers = [
                voucher(one, ledger, plan, store.next_number(tx, tenant.id, VOUCHERS, EVERY_YEAR)) for one in documents
            ]
        except NotMapped as error:
            raise Conflict(
                f"The books have no {error.what.lower()} for {error.name}.", code=f"{error.what}_NOT_MAPPED"
            ) from None
    party = payer.party
    head = {
        "journal": store.next_number(tx, tenant.id, JOURNALS, EVERY_YEAR),
        "made_on": day,
        "run": run,
        "starts": starts,
        "ends": ends,
        "vouchers": len(vouchers),
        "entries": sum(len(one.entries) for one in vouchers),
        "debit": sum((one.debit for one in vouchers), Decimal("0.00")),
    }
    files = {
        "sie": sie(vouchers, plan, company=party.name, organisation_number=party.organisation_number, made_on=day),
        "csv": table(vouchers, plan).encode(),
    }
    pairs = [(entry, one.number) for one in vouchers for entry in one.entries]
    store.add_journal(tx, tenant.id, {**head, **files}, pairs)
    head["from"], head["to"] = head.pop("starts"), head.pop("ends")
    return head


def table(vouchers: Sequence[Voucher], plan: Plan) -> str:
    """The rows as CSV, a column for each dimension by its name. Debit is positive."""
    names = [f"{one.number} {one.name}" for one in plan.dimensions]
    return as_csv(
        ["series", "voucher", "date", "text", "account", "account_name", *names, "amount"],
        [
            [
                plan.series,
                one.number,
                one.day,
                one.text,
                row.account.account,
                row.account.name,
                *(dict(row.objects).get(dimension.number) for dimension in plan.dimensions),
                row.amount,
            ]
            for one in vouchers
            for row in one.rows
        ],
    )


def plan_of(row: Mapping[str, Any]) -> Plan:
    """The layout of the books from its JSON."""
    return Plan(
        row["series"],
        tuple(Account(**one) for one in row["accounts"]),
        tuple(
            Dimension(
                one["number"],
                one["name"],
                DimensionSource(one["by"]),
                frozenset(map(AccountSide, one["on"])),
                one["object"],
                one["objects"],
                one["names"],
            )
            for one in row["dimensions"]
        ),
    )


def _ledger(tx: Tx, entries: Sequence[int]) -> dict[int, list[tuple[str, Decimal]]]:
    found: dict[int, list[tuple[str, Decimal]]] = {}
    for row in store.rows_of(tx, entries):
        found.setdefault(row["entry"], []).append((row["account"], row["amount"]))
    return found
