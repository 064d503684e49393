"""Who sees what of a protected person: finds what `domain.people.sight` needs, asks it, masks, and tells the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kundval_chassis import access, outbox
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.errors import NotFound
from kundval_contracts.events import MASKED, masked
from kundval_contracts.rpc.base import Shield

from .. import record
from .. import store as assignments
from ..domain.people import Sight, Viewer, protected, sight
from . import store
from .keys import PersonKeys


def see(
    tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, caller: Caller, assignment: str | None = None
) -> store.Held:
    """What is held of a person, through a method whose shield is READERS; and the log is told. `assignment`: the one
    about which a provider asks.

    Raises NotFound, the same whether there is no such person or the caller may not know of it.
    """
    if person:
        access.showed("person", person)
    held = store.load(tx, keys, tenant.id, person)
    if _sight(tx, keys, tenant, person, caller, Shield.READERS, assignment) is Sight.NOTHING or held is None:
        raise NotFound(f"There is no person {person}.")
    return held


def find(tx: Tx, keys: PersonKeys, tenant: Tenant, number: str, caller: Caller) -> str | None:
    """The person with that number; None if there is none, or the caller may not know of it."""
    person = store.find(tx, keys, tenant.id, number)
    hidden = _sight(tx, keys, tenant, person, caller, Shield.READERS) is Sight.NOTHING
    if person is not None:
        access.showed("person", person, masked=hidden)
    return None if hidden else person


def state(
    tx: Tx, keys: PersonKeys, tenant: Tenant, assignment: str, caller: Caller, answer: Mapping[str, Any]
) -> dict[str, Any]:
    """The answer of `assignment.state`, masked if need be."""
    if not is_masked(tx, keys, tenant, assignment, caller):
        return dict(answer)
    return {
        **answer,
        "provider": None if answer["provider"] is None else MASKED,
        "delivery_area": None if answer["delivery_area"] is None else MASKED,
    }


def explain(
    tx: Tx, keys: PersonKeys, tenant: Tenant, assignment: str, caller: Caller, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of `assignment.explain`, masked if need be."""
    if not is_masked(tx, keys, tenant, assignment, caller):
        return rows
    return [{**row, "fields": masked(f"assignment.{row['fact']}", row["fields"])} for row in rows]


def hidden_subjects(tx: Tx, keys: PersonKeys, tenant: Tenant, caller: Caller) -> set[str]:
    """The subjects in the access log whose whereabouts the caller may not know."""
    found: set[str] = set()
    seen: dict[str, bool] = {}
    for row in store.protected_assignments(tx, tenant.id):
        person = row["person"]
        if person not in seen:
            seen[person] = _sight(tx, keys, tenant, person, caller, Shield.MASKED) is Sight.MASKED
        if seen[person]:
            found |= {f"person:{person}", f"assignment:{row['assignment']}"}
    return found


def is_masked(tx: Tx, keys: PersonKeys, tenant: Tenant, assignment: str, caller: Caller) -> bool:
    """Whether the whereabouts of this assignment's client are to be left out for the caller; and the log is told.

    For every method whose shield is MASKED.
    """
    person = store.person_of(tx, tenant.id, assignment)
    if person is None:
        return False
    hides = _sight(tx, keys, tenant, person, caller, Shield.MASKED, assignment) is Sight.MASKED
    access.showed("person", person, masked=hides)
    return hides


def keep_restricted(
    tx: Tx, keys: PersonKeys, tenant: Tenant, day: date | None, *, person: str | None = None, after: date | None = None
) -> None:
    """Let the bus tell whereabouts of protected persons to the services of the suite alone: of `person`, or of all for
    whom a protection begins or ends after `after` and by `day`.
    """
    until = None if person is not None else day
    decided: dict[str, bool] = {}
    for row in store.protected_assignments(tx, tenant.id, person=person, after=after, until=until):
        one = row["person"]
        if one not in decided:
            decided[one] = protected(store.protections(tx, keys, tenant.id, one), day)
        if decided[one]:
            outbox.restrict(tx, tenant.id, row["assignment"])
        else:
            outbox.unrestrict(tx, tenant.id, row["assignment"])


def _sight(
    tx: Tx,
    keys: PersonKeys,
    tenant: Tenant,
    person: str | None,
    caller: Caller,
    shield: Shield,
    assignment: str | None = None,
) -> Sight:
    protections = store.protections(tx, keys, tenant.id, person)
    readers = store.named(tx, tenant.id, person or "")
    in_charge: tuple[str, ...] = ()
    if caller.provider is not None and assignment is not None and protected(protections, tenant.business_date):
        in_charge = in_charge_of(tx, tenant, assignment, caller.provider)
    viewer = Viewer(caller.subject, caller.provider)
    return sight(shield, viewer, protections, readers, tenant.business_date, in_charge)


def in_charge_of(tx: Tx, tenant: Tenant, assignment: str, provider: str) -> tuple[str, ...]:
    """`provider`, if it is in charge of the assignment or is asked to be; else nothing."""
    found = assignments.load_records(tx, tenant.id, [assignment]).get(assignment)
    if found is None or record.sees_until(found, tenant, provider) != date.max:
        return ()
    return (provider,)
