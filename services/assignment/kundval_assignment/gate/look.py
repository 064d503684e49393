"""What people see of the gate: the grounds of a person, and what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from kundval_chassis import access
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.errors import Conflict, NotFound
from kundval_contracts.events import MASKED

from ..domain.gate import Need, holds_until, why_not
from ..people import guard
from ..people import store as people
from ..people.keys import PersonKeys
from . import store
from .pass_through import cases_of

#: what of a request is asked of the gate as it is
ASKED = ("what", "purpose", "basis", "expires_on", "provider", "reference", "scope")
_SHOWN = ("what", "purpose", "basis", "requester", "provider", "scope", "reference", "since", "expires_on")


def person_of(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> str:
    """Whom a request is about. Raises NotFound, and Conflict for an assignment of which nobody has said whose it is."""
    if request["person"] is not None:
        return str(request["person"])
    assignment = request["assignment"]
    if not people.existing(tx, tenant.id, [assignment]):
        raise NotFound(f"There is no assignment {assignment}.")
    person = people.person_of(tx, tenant.id, assignment)
    if person is None:
        message = "Nobody has said whose the assignment is: link it to a person first."
        raise Conflict(message, code="PERSON_NOT_LINKED")
    access.showed("person", person)
    return person


def grounds(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.grounds`. Raises NotFound, also for a person whom the caller may not know of."""
    person = guard.see(tx, keys, tenant, person_of(tx, tenant, request), caller).person
    found = store.grounds(tx, tenant.id, [person], request["what"])
    cases = cases_of(tx, tenant, found)
    kept = Counter(row["ground"] for row in store.records(tx, tenant.id, [ground.id for ground in found]))
    rows = []
    for ground in found:
        today = tenant.business_date or ground.since
        need = Need(ground.what, ground.purpose, today, ground.provider)
        row = asdict(ground)
        rows.append(
            {
                "ground": ground.id,
                **{name: row[name] for name in _SHOWN},
                "holds_until": max(holds_until(ground, cases, tenant.settings), ground.since),
                "holds": why_not(ground, cases, tenant.settings, need) is None,
                "records": kept[ground.id],
            }
        )
    return {"person": person, "grounds": rows}


def refusals(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.gate_refusals`. Who asked for a provider is left out where that says where a protected
    person is.
    """
    rows = store.refusals(tx, tenant.id, request["before"], request["what"], request["code"], request["limit"])
    hidden = guard.hidden_subjects(tx, keys, tenant, caller)
    for row in rows:
        if row.pop("provider") is not None and f"person:{row['person']}" in hidden:
            row["requester"] = MASKED
    return {"refusals": rows}
