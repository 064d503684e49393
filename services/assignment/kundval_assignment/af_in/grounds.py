"""What is asked of the purpose gate for whatever the employment service tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import DataKind, Purpose
from kundval_contracts.errors import Conflict

from .. import gate
from ..domain.gate import Need, why_not
from ..gate import store as grounds
from ..gate.pass_through import cases_of


def today_of(tenant: Tenant) -> date:
    """The business date. Raises Conflict if there is none."""
    if tenant.business_date is None:
        raise Conflict("No business date has been opened yet.", code="NO_BUSINESS_DATE")
    return tenant.business_date


def with_ground(
    tx: Tx,
    tenant: Tenant,
    request: Mapping[str, Any],
    caller: Caller,
    person: str,
    what: DataKind,
    purpose: Purpose,
) -> gate.Ground:
    """The ground on which data that is handed in is kept: one that holds, else the one that the request itself opens
    with `basis` and `expires_on`, both of them. Raises Forbidden, and as `gate.open`.
    """
    today = today_of(tenant)
    if request["basis"] is not None and request["expires_on"] is not None:
        need = Need(what, purpose, today)
        theirs = grounds.grounds(tx, tenant.id, [person], what)
        cases = cases_of(tx, tenant, theirs)
        if all(why_not(one, cases, tenant.settings, need) is not None for one in theirs):
            gate.open(
                tx,
                tenant,
                person=person,
                what=what,
                purpose=purpose,
                basis=request["basis"],
                requester=caller.subject,
                expires_on=request["expires_on"],
            )
    return gate.require(tx, tenant, person=person, what=what, purpose=purpose, requester=caller.subject, on=today)
