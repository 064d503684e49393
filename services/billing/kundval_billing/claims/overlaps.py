"""Bonus claims of one person that may be about the same thing: billing knows no persons, assignment tells it.

What is found is held back until a person has looked: a hold on the bonus in question, which ends by itself when the
claims overlap no more. Nothing is found of assignments of which nobody has said whose they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import HoldReason
from kundval_contracts.envelope import Event
from kundval_contracts.rpc import CallerRole

from ..payments import holds
from . import store

NEWS = "assignment.claims_overlap"

#: who places and ends these holds: no person, but the rule
ITSELF = Caller("billing", CallerRole.SYSTEM, None, None)


def take(tx: Tx, events: Iterable[Event]) -> None:
    """Keep what these events say of claims that overlap; the highest revision of an assignment counts."""
    newest: dict[held.Key, Event] = {}
    for event in events:
        if event.name == NEWS:
            key = (event.tenant, event.data["assignment"])
            if key not in newest or newest[key].data["revision"] < event.data["revision"]:
                newest[key] = event
    store.save_overlaps(
        tx,
        [
            (*key, event.data["revision"], sorted(event.data["others"]), sorted(event.data["grounds"]))
            for key, event in sorted(newest.items())
        ],
    )


def keep_holds(tx: Tx, tenant: Tenant, day: date) -> None:
    """Hold back each bonus whose claim overlaps with another, once, and let go what overlaps no more."""
    if not store.has_overlaps(tx, tenant.id):
        return
    store.date_overlaps(tx, tenant.id, day)
    for row in store.overlaps_without_hold(tx, tenant.id):
        request = {**row, "reason": HoldReason.DUPLICATE_CLAIM, "note": None}
        placed = holds.place(tx, tenant, request, ITSELF)
        store.remember_hold(tx, tenant.id, row["assignment"], placed["hold"])
    for row in store.holds_without_overlap(tx, tenant.id):
        holds.end(tx, tenant, {"hold": row["hold"], "note": None}, ITSELF)
        store.remember_hold(tx, tenant.id, row["assignment"], None)
