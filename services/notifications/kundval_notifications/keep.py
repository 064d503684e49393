"""Keep the notices in step with the core's answer: new ones get a message, those without a reason are marked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from kundval_chassis import agenda
from kundval_chassis.db import Tx
from kundval_contracts.answer import Notice
from kundval_contracts.case import Case, Tenant

from . import store
from .domain import outlook

#: days after its day from which a notice is marked as late (found after a downtime, or from a late fact)
LATE_AFTER_DAYS = 1


def keep(tx: Tx, tenant: Tenant, day: date, cases: Sequence[Case]) -> None:
    """Compute the notices of these cases on `day` and store what differs from what was held.

    A case of which scheduling has told a later day is left: that day's opening is on its way, and what stands on it
    says nothing about this one.
    """
    ahead = store.ahead(tx, tenant.id, [case.assignment for case in cases], day)
    cases = [case for case in cases if case.assignment not in ahead]
    names = [case.assignment for case in cases]
    obligations = store.obligations_of(tx, tenant.id, names)
    postings = store.postings_of(tx, tenant.id, names)
    held = store.keys_of(tx, tenant.id, names)
    new: list[tuple[Notice, bool]] = []
    gone: list[tuple[Any, ...]] = []
    back: list[tuple[Any, ...]] = []
    until: dict[str, date | None] = {}
    for case in cases:
        name = case.assignment
        known = case.known_by(day)
        current, upcoming = outlook(known, obligations[name], postings[name], tenant, day)
        after = {one.key: one for one in current}
        before = held[name]
        new += [(one, (day - one.on).days > LATE_AFTER_DAYS) for key, one in after.items() if key not in before]
        gone += [key for key, stands in before.items() if stands and key not in after]
        back += [key for key, stands in before.items() if not stands and key in after]
        days = [fact.known_on for fact in case.facts if fact.known_on > day]
        until[name] = min([*days, upcoming] if upcoming else days, default=None)
    store.add(tx, tenant.id, new)
    store.supersede(tx, tenant.id, gone)
    store.restore(tx, tenant.id, back)
    agenda.rest(tx, tenant.id, until)
