"""Whom other systems mean: households and references, linked to persons by the municipality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis import access
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import InboundSource
from kundval_contracts.errors import Conflict, InvalidRequest, NotFound

from ..gate.look import person_of
from ..people import guard
from ..people import store as people
from ..people.keys import PersonKeys
from . import store
from .take import let_go, settle


def household(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any]) -> bool:
    """Link a person to a household for a period, or take that away, and bring the facts in step; False if it stood so.

    What was taken in of a household that the person never belonged to after all was somebody else's, and is let go.
    Raises NotFound, Conflict (nobody's assignment), InvalidRequest.
    """
    person = _person(tx, tenant, request)
    name, since, until = request["household"], request["from"], request["to"]
    _no_number("household", name)
    before = store.memberships(tx, tenant.id, person)
    away = until is not None and until <= since
    if away:
        store.leave(tx, tenant.id, name, person, since)
    else:
        store.join(tx, tenant.id, name, person, since, until)
    after = store.memberships(tx, tenant.id, person)
    if after == before:
        return False
    void = set()
    if away and not any(one.household == name for one in after):
        void = let_go(tx, keys, tenant, person, InboundSource.ASSISTANCE, household=name)
    settle(tx, keys, tenant, person, void=void)
    return True


def reference(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any]) -> bool:
    """Say what a source calls a person, or that it does not after all: then what was taken in under it was somebody
    else's, and is let go. False if it stood so.

    Raises NotFound, InvalidRequest, and Conflict for what it calls somebody else, or nobody's assignment.
    """
    person = _person(tx, tenant, request)
    source, name = request["source"], request["reference"]
    _no_number("reference", name)
    if request["remove"]:
        changed = store.unrefer(tx, tenant.id, source, name, person)
        if changed:
            let_go(tx, keys, tenant, person, source, reference=name)
    else:
        changed = store.meant(tx, tenant.id, source, name) is None
        if store.refer(tx, tenant.id, source, name, person) != person:
            raise Conflict("The reference means another person.", code="LINKED_TO_ANOTHER")
    if changed:
        settle(tx, keys, tenant, person)
    return changed


def links(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.links`. Raises NotFound, also for a person whom the caller may not know of."""
    person = guard.see(tx, keys, tenant, person_of(tx, tenant, request), caller).person
    return {
        "person": person,
        "households": [
            {"household": one.household, "from": one.since, "to": one.until}
            for one in store.memberships(tx, tenant.id, person)
        ],
        "references": store.references(tx, tenant.id, person),
    }


def _person(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> str:
    person = person_of(tx, tenant, request)
    if people.unknown(tx, tenant.id, [person]):
        raise NotFound(f"There is no person {person}.")
    return person


def _no_number(field: str, value: str) -> None:
    if access.is_number(value):
        raise InvalidRequest(faults=[{"path": field, "message": "has the form of an identity number"}])
