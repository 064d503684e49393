"""Tell what the career guide is to hear of by itself: a registration that is missing, a deadline that has passed.

It is the difference between what is so now and what was told. `watched` (domain) says what is so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import AfMessage

from ..domain.to_af import is_late, on_assistance, watched
from ..store import Record
from . import store
from .store import Watch

#: a case with its facts in effect, and whether the client is on financial assistance
Looked = tuple[Case, bool]


def of_record(held: Record) -> Looked:
    return held.effective, on_assistance(held.effective, held.client)


def look(tx: Tx, tenant: Tenant, cases: Mapping[str, Looked]) -> None:
    """Look at these assignments, of which something has changed. Before there is a business date nothing is told."""
    if not cases:
        return
    day, names = tenant.business_date, sorted(cases)
    watches = store.watches(tx, tenant.id, names)
    seen = {name: watched(case, tenant.settings, day, receives_eb=eb) for name, (case, eb) in cases.items()}
    submitted = store.submitted(tx, tenant.id, [name for name in names if seen[name][0]])
    changed: list[tuple[str, Watch]] = []
    for name in names:
        rows, looks_on = seen[name]
        before = watches.get(name, Watch())
        now: dict[store.Key, str] = {}
        for row in rows:
            assert day is not None  # without one there are no rows
            if row.kind is AfMessage.REGISTRATION_MISMATCH:
                # one breach, however often it is found: the next check that fails is no news
                now[(row.kind, 0)] = row.since.isoformat()
            elif row.due is not None and is_late(row.due, day) and (name, row.kind, row.period) not in submitted:
                now[(row.kind, int(row.period))] = row.due.isoformat()
        revision = before.revision
        for key, said, so in _difference(before.told, now):
            revision += 1
            _tell(tx, tenant, name, key, said, so=so, revision=revision)
        # of what is told already the day stays that was told with it
        told = {key: before.told.get(key, said) for key, said in now.items()}
        after = Watch(revision, told, looks_on)
        if after != before:
            changed.append((name, after))
    store.save_watches(tx, tenant.id, changed)


def look_again(tx: Tx, tenant: Tenant, held: Record) -> None:
    """Look at an assignment of which a message was submitted."""
    look(tx, tenant, {held.case.assignment: of_record(held)})


def _difference(before: Mapping[store.Key, str], now: Mapping[store.Key, str]) -> list[tuple[store.Key, str, bool]]:
    over = [(key, before[key], False) for key in sorted(before.keys() - now.keys())]
    return [*over, *((key, now[key], True) for key in sorted(now.keys() - before.keys()))]


def _tell(tx: Tx, tenant: Tenant, name: str, key: store.Key, said: str, *, so: bool, revision: int) -> None:
    kind, number = key
    assert tenant.business_date is not None
    data: dict[str, Any] = {"assignment": name, "revision": revision, "as_of": tenant.business_date.isoformat()}
    if kind is AfMessage.REGISTRATION_MISMATCH:
        event = "assignment.af_registration_missing"
        data |= {"since": said, "missing": so}
    else:
        event = "assignment.af_report_overdue"
        data |= {"kind": kind.value, "sequence": number, "due": said, "overdue": so}
    tx.publish(event, subject=name, tenant=tenant.id, data=data)
