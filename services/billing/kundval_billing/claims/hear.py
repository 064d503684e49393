"""What billing hears that changes where money stands: facts, business dates, settings, claims that overlap."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.held import Key as CaseKey
from kundval_contracts.envelope import Event

from . import overlaps, store
from .tell import look

#: What `take_in` looks at besides what `held.apply` does.
NEEDS = frozenset({overlaps.NEWS})


def take_in(tx: Tx, events: Sequence[Event], changed: Collection[CaseKey]) -> None:
    """Tell what these events change: of every case that waits for a business date that they open, of the cases of a
    tenant that they open anew, and of those of which they bring something that counts already.

    `changed` are the cases of which `held.apply` took something in.
    """
    overlaps.take(tx, events)
    store.wake(tx, changed)
    opened = {event.tenant for event in events if event.name == "assignment.tenant_opened"}
    store.wake_tenants(tx, opened)
    moved = opened | {event.tenant for event in events if event.name == held.CLOCK}
    known = _known(events)
    for name in sorted({event.tenant for event in events}):
        try:
            tenant = held.load_tenant(tx, name)
        except held.NotOpened:
            continue
        day = tenant.business_date
        if day is None:
            continue
        if name in moved:
            for cases in store.due(tx, name, day):
                look(tx, tenant, day, cases)
                # a day tells of very many months: not all events in memory at once
                tx.flush()
        else:
            now = {key for key, since in known.items() if key[0] == name and since <= day.isoformat()}
            look(tx, tenant, day, held.load_cases(tx, now & set(changed)))
        overlaps.keep_holds(tx, tenant, day)


def _known(events: Iterable[Event]) -> dict[CaseKey, str]:
    """The cases that the events bring something of, and the first day on which some of it counts ("": at once)."""
    found: dict[CaseKey, str] = {}
    for event in events:
        if event.name in held.NEEDS and "assignment" in event.data:
            key, since = (event.tenant, event.data["assignment"]), str(event.data.get("known_on", ""))
            found[key] = min(since, found.get(key, since))
    return found
