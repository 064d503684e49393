"""Keep in step with the facts when assignments are active, and with whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant

from ..domain.active import stretches
from ..domain.plan import Context
from . import store


def keep(tx: Tx, tenant: Tenant, day: date, contexts: Iterable[Context]) -> None:
    """Store the stretches of these cases as they are known on `day`, where they differ from what is stored."""
    known = {one.case.assignment: stretches(one.timeline, day) for one in contexts}
    held = store.active(tx, tenant.id, sorted(known))
    store.save_active(tx, tenant.id, {name: rows for name, rows in known.items() if held.get(name, ()) != rows})
