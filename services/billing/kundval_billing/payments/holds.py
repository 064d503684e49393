"""Holding back: of a provider, an assignment or one line nothing is paid until the hold has ended."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import PaymentAct
from kundval_contracts.errors import NotFound

from . import steps, store


def require_known(tx: Tx, tenant: Tenant, request: dict[str, Any]) -> None:
    """Raise NotFound for a provider or assignment that billing knows nothing of: it would keep back nothing."""
    provider, assignment = request["provider"], request["assignment"]
    if provider is not None and provider not in tenant.providers and not store.has_entries(tx, tenant.id, provider):
        raise NotFound(f"There is no provider {provider}.")
    if assignment is not None and not store.has_assignment(tx, tenant.id, assignment):
        raise NotFound(f"There is no assignment {assignment}.")


def place(tx: Tx, tenant: Tenant, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """Place a hold. What it covers is proposed no more, and open payments with such an entry are held.

    Placed again by the same person for the same reason it is the same hold, as long as it lasts. The caller has taken
    the tenant's turn, so that no proposal is made meanwhile.
    """
    day = steps.business_date(tenant)
    standing = store.same_hold(tx, tenant.id, request, caller)
    if standing is not None:
        return {"hold": standing, "payments": []}
    hold = store.add_hold(tx, tenant.id, request, caller, day)
    held = store.locked(tx, tenant.id, store.covered(tx, hold))
    held = [one for one in held if one.standing.is_open]
    for one in held:
        steps.act(tx, one, PaymentAct.HELD, caller, day, reference=str(hold))
        steps.tell(tx, "billing.payment_held", one, day, reason=request["reason"].value)
    return {"hold": hold, "payments": [one.id for one in held]}


def end(tx: Tx, tenant: Tenant, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """End a hold; ended again nothing changes. Raises NotFound."""
    day = steps.business_date(tenant)
    found = store.holds(tx, tenant.id, hold=request["hold"])
    if not found:
        raise NotFound(f"There is no hold {request['hold']}.")
    hold, freed = request["hold"], []
    if found[0]["ended_on"] is None:
        store.end_hold(tx, hold, request["note"], caller, day)
        for one in store.locked(tx, tenant.id, store.held_by(tx, hold)):
            if one.standing.is_open and str(hold) in one.standing.holds:
                steps.act(tx, one, PaymentAct.FREED, caller, day, reference=str(hold))
                freed.append(one.id)
    return {"hold": hold, "payments": freed}
