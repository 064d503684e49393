"""Tell when reports become overdue (SM-R4): the difference between what is so now and what was told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from kundval_chassis.db import Tx
from kundval_contracts.case import Case, Tenant

from ..domain import reports
from . import store


def look(tx: Tx, tenant: Tenant, cases: Mapping[str, Case]) -> None:
    """Look at the reports of these assignments, of which something has changed; `cases` hold the facts in effect."""
    if not cases:
        return
    names = sorted(cases)
    watches, saved = store.watches(tx, tenant.id, names), store.saved(tx, tenant.id, names)
    changed: list[tuple[str, store.Watch]] = []
    for name in names:
        before = watches.get(name, store.Watch())
        rows, looks_on = reports.outlook(cases[name], tenant.settings, tenant.business_date)
        late = _late(rows, [one for one, _ in saved.get(name, ())], tenant.business_date)
        revision = before.revision
        for key in sorted(late.keys() - before.told):
            revision += 1
            tx.publish(
                "assignment.report_overdue",
                subject=name,
                tenant=tenant.id,
                data={
                    "assignment": name,
                    "kind": key.kind.value,
                    "sequence": key.sequence,
                    "part": key.part,
                    "revision": revision,
                    "due": late[key].isoformat(),
                },
            )
        now = store.Watch(revision, frozenset(late), looks_on)
        if now != before:
            changed.append((name, now))
    store.save_watches(tx, tenant.id, changed)


def due_by(tx: Tx, tenant: str, day: date) -> list[str]:
    """Assignments to look at because `day` has come."""
    return store.looking_by(tx, tenant, day)


def _late(
    rows: Iterable[reports.Expected], saved: Iterable[reports.Saved], day: date | None
) -> dict[reports.Key, date]:
    """The reports that are overdue on the business date, with their due days."""
    if day is None:
        return {}
    stand = reports.standing(rows, saved, day)
    return {row.key: row.expected.due for row in stand if row.overdue and row.expected and row.expected.due}
