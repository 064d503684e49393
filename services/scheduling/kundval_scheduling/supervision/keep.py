"""Keep the obligations about providers in step with the core's answer. A tenant has some tens of providers."""

from __future__ import annotations

from collections.abc import Iterable

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_contracts.envelope import Event

from ..domain.supervision import supervision
from . import store

SUPERVISED = "assignment.provider_supervised"
#: What changes them: the days of supervision, the interval and the authorisations, the business date.
NEEDS = frozenset({SUPERVISED, "assignment.tenant_opened", held.CLOCK})


def keep(tx: Tx, events: Iterable[Event]) -> None:
    """Take in the news of a batch and compute what stands about the providers concerned; after `held.apply`."""
    news = [event for event in events if event.name in NEEDS]
    store.take(tx, (event for event in news if event.name == SUPERVISED))
    for name in sorted({event.tenant for event in news}):
        _keep_tenant(tx, name)


def _keep_tenant(tx: Tx, name: str) -> None:
    try:
        tenant = held.load_tenant(tx, name)
    except held.NotOpened:
        return
    day = tenant.business_date
    if day is None:
        return
    before = {(one.provider, one.sequence): one for one in store.held(tx, name)}
    visits = store.visits(tx, name) if tenant.settings["supervision.interval_months"] is not None else {}
    after = {
        (one.provider, one.sequence): one
        for provider in tenant.providers.values()
        for one in supervision(provider, visits.get(provider.id, ()), tenant, day)
    }
    store.remove(tx, name, (one for key, one in before.items() if key not in after))
    store.save(tx, name, (one for key, one in after.items() if before.get(key) != one))
