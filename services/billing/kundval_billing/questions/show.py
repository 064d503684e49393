"""Questions and their answers in the form of the contracts."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant

from ..domain.budget import Budget
from . import budgets, form, store


def question(one: store.Question) -> dict[str, Any]:
    """A question without its answer."""
    return {
        "question": one.id,
        "kind": one.kind.value,
        "title": one.title,
        "year": one.year,
        "as_of": one.as_of,
        "state": one.state.value,
        "failure": one.failure,
        "ahead": one.ahead,
        "asked_by": one.asked_by,
        "asked_on": one.asked_on,
    }


def what_if(one: store.Question) -> dict[str, Any]:
    """The answer of `billing.what_if`."""
    result = form.bounded(one.result) if one.result is not None else None
    return {"question": question(one), "draft": one.asked["draft"], "snapshot": one.snapshot, "result": result}


def forecast(tx: Tx, tenant: Tenant, one: store.Question) -> dict[str, Any]:
    """The answer of `billing.forecast`: held against the budget that is set now."""
    budget = (budgets.budget_of(tx, tenant.id, one.year) if one.year is not None else None) or Budget(one.year or 0)
    result = None
    if one.result is not None:
        posted = store.posted(tx, tenant.id, one.result["year"], one.as_of)
        result = form.with_posted(one.result, posted)
    return {
        "question": question(one),
        "snapshot": one.snapshot,
        "result": result,
        "budget": form.against(result, budget) if result is not None else [],
        "reimbursement": budgets.reimbursement(budget, tenant),
    }
