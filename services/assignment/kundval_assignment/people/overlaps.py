"""Tell which bonus claims of one person may be about the same thing: as a difference to what was told before."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kundval_chassis.db import Tx
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import FactKind
from kundval_contracts.timeline import Timeline

from .. import store as assignments
from ..domain.overlaps import claimed, overlaps
from . import store


def look(tx: Tx, tenant: Tenant, judged: Iterable[Case]) -> None:
    """After cases were judged anew: compare their claims, if they have or had any, with those of the same persons."""
    held = {case.assignment: case for case in judged}
    claiming = {name for name, case in held.items() if case.of(FactKind.BONUS_CLAIMED)}
    look_at(tx, tenant, claiming | store.overlapping(tx, tenant.id, held))


def look_at(tx: Tx, tenant: Tenant, names: Collection[str]) -> None:
    """Compare the claims of these assignments with the others of their persons, and tell all of these what differs."""
    persons = store.persons_of(tx, tenant.id, names)
    for person in sorted(set(persons.values())):
        # two claims that are stated at the same time must see each other
        tx.lock("claims", tenant.id, person)
        theirs = store.assignments_of(tx, tenant.id, person)
        records = assignments.load_records(tx, tenant.id, theirs)
        found = overlaps(
            claim for name in theirs for claim in claimed(Timeline(records[name].effective, tenant.settings))
        )
        for name, (others, grounds) in store.changed_overlaps(tx, tenant.id, theirs, found).items():
            revision = store.save_overlap(tx, tenant.id, name, others, grounds)
            data = {
                "assignment": name,
                "revision": revision,
                "others": list(others),
                "grounds": [ground.value for ground in grounds],
                "as_of": tenant.business_date.isoformat() if tenant.business_date else None,
            }
            tx.publish("assignment.claims_overlap", subject=name, tenant=tenant.id, data=data)
