"""What a year may cost, as it was set: versions in the database, read into `domain.budget.Budget`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import Programme

from ..domain.budget import Budget
from ..domain.result import reimbursement as state_reimbursement

TOTAL, APPROPRIATION = "TOTAL", "APPROPRIATION"


def budget_of(tx: Tx, tenant: str, year: int) -> Budget | None:
    """The budget of a year; None if nothing is set."""
    rows = tx.query(
        "SELECT DISTINCT ON (about) about, amount FROM budget WHERE tenant = %s AND year = %s"
        " ORDER BY about, version DESC",
        (tenant, year),
    )
    found: dict[str, Decimal] = {row["about"]: row["amount"] for row in rows if row["amount"] is not None}
    if not found:
        return None
    amount, appropriation = found.pop(TOTAL, None), found.pop(APPROPRIATION, None)
    programmes = {Programme(about): one for about, one in sorted(found.items())}
    return Budget(year, amount, programmes, appropriation)


def set_amount(tx: Tx, tenant: str, year: int, about: str, amount: Decimal | None, by: str, on: date | None) -> None:
    """A further version, unless the latest says the same."""
    tx.lock("billing budget", tenant)
    latest = tx.one(
        "SELECT version, amount FROM budget WHERE tenant = %s AND year = %s AND about = %s"
        " ORDER BY version DESC LIMIT 1",
        (tenant, year, about),
    )
    if amount == (latest["amount"] if latest else None):
        return
    tx.execute(
        "INSERT INTO budget (tenant, year, about, version, amount, set_by, set_on) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (tenant, year, about, latest["version"] + 1 if latest else 1, amount, by, on),
    )


def show(tx: Tx, tenant: Tenant, year: int) -> dict[str, Any]:
    """The answer of `billing.budget`."""
    budget = budget_of(tx, tenant.id, year) or Budget(year)
    versions = tx.query(
        "SELECT about, version, amount, set_by, set_on FROM budget WHERE tenant = %s AND year = %s"
        " ORDER BY about, version",
        (tenant.id, year),
    )
    return {
        "year": year,
        "total": budget.total,
        "programmes": {programme.value: amount for programme, amount in budget.programmes.items()},
        "reimbursement": reimbursement(budget, tenant),
        "versions": versions,
    }


def reimbursement(budget: Budget, tenant: Tenant) -> Mapping[str, Any]:
    """The state's part of its appropriation, where a municipality has set a share (NACKA-34)."""
    share = tenant.settings["state_reimbursement_share"]
    return {
        "appropriation": budget.appropriation,
        "share": None if share is None else str(share),
        "amount": None if budget.appropriation is None else state_reimbursement(budget.appropriation, share),
    }
