"""Keep the obligations in step with the core's answer, and tell the difference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from kundval_chassis import agenda
from kundval_chassis.db import Tx
from kundval_contracts.answer import Obligation
from kundval_contracts.case import Case, Tenant
from kundval_contracts.obligations import foreseen
from kundval_contracts.settings import RuleSettings

from . import store
from .domain import outlook_of
from .domain.plan import Context
from .meetings import keep as meetings
from .workload import keep as workload


def keep(tx: Tx, tenant: Tenant, day: date, cases: Sequence[Case]) -> None:
    """Compute the obligations of these cases on `day`, store and publish what differs from what was held."""
    held = store.held(tx, tenant.id, [case.assignment for case in cases])
    changed: list[Obligation] = []
    removed: list[tuple[str, str, int]] = []
    differences: dict[str, tuple[list[Obligation], list[tuple[str, str, int]]]] = {}
    until: dict[str, date | None] = {}
    contexts = [Context(case.known_by(day), tenant, day) for case in cases]
    for case, context in zip(cases, contexts, strict=True):
        before = {one.key: one for one in held[case.assignment]}
        current, change = outlook_of(context)
        after = {one.key: one for one in current}
        new = [one for key, one in after.items() if before.get(key) != one]
        gone = [key for key in before if key not in after]
        if new or gone:
            differences[case.assignment] = (new, gone)
            changed += new
            removed += gone
        days = [fact.known_on for fact in case.facts if fact.known_on > day]
        until[case.assignment] = min([*days, change] if change else days, default=None)
    store.remove(tx, tenant.id, removed)
    store.save(tx, tenant.id, changed)
    revisions = store.next_revisions(tx, tenant.id, sorted(differences))
    for assignment, (new, gone) in sorted(differences.items()):
        data = {
            "assignment": assignment,
            "revision": revisions[assignment],
            "as_of": day.isoformat(),
            "changed": [_event(one) for one in new],
            "removed": [{"kind": kind, "sequence": sequence} for _, kind, sequence in gone],
        }
        tx.publish("scheduling.obligations_changed", subject=assignment, tenant=tenant.id, data=data)
    workload.keep(tx, tenant, day, contexts)
    for assignment, change in meetings.keep(tx, tenant, contexts).items():
        until[assignment] = min(change, until[assignment] or change)
    agenda.rest(tx, tenant.id, until)


def _event(one: Obligation) -> dict[str, Any]:
    row = one.as_json()
    del row["assignment"]
    return {
        **row,
        "overdue_after": one.overdue_after.isoformat() if one.overdue_after else None,
        "provider": one.provider,
    }


def shown(one: Obligation, settings: RuleSettings) -> dict[str, Any]:
    """An obligation as it is listed: the answer's fields, the reminder, the last day in time, who hears of a delay."""
    ahead = foreseen(one, settings)
    return {
        **one.as_json(),
        "remind_on": ahead.remind_on,
        "overdue_after": one.overdue_after,
        "escalation": [{"to": to.value, "on": on} for to, on in ahead.escalation],
    }
