"""Facts that follow from what the employment service tells are kept in step with it: stated, and taken back again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date

from kundval_chassis.db import Tx
from kundval_contracts.af.orders import Due
from kundval_contracts.case import Tenant
from kundval_contracts.facts import FACT_SCHEMAS, Fact

from .. import record
from .. import store as assignments
from . import store


def follow(tx: Tx, tenant: Tenant, assignment: str, source: str, due: Iterable[Due], today: date) -> list[str]:
    """State what is due of `source` (a prefix of the facts' ids) and take back what is no more; ids of the new facts.

    A fact that the rules refuse is kept, listed, and judged again when others come. One that changes takes the place of
    the one before, so that nothing else of that day moves. To do it again changes nothing.
    """
    held = assignments.load_records(tx, tenant.id, [assignment], lock=True)[assignment]
    mine = {name: one.fact for name, one in held.stated.items() if name.startswith(source)}
    taken = store.of_facts(tx, tenant.id, assignment, source)
    new: list[Fact] = []
    for one in due:
        slot = f"{source}{_short(one.slot)}:"
        before = next((name for name in mine if name.startswith(slot)), None)
        # as it is read back, with what the schema fills in
        schema = FACT_SCHEMAS[one.kind]
        data = schema.load(schema.dump(one.data))
        if before is not None:
            fact = mine.pop(before)
            if (fact.kind, fact.on, dict(fact.data)) == (one.kind, one.on, dict(data)):
                continue
            record.withdraw_fact(tx, tenant, assignment, before)
        place = -1 if before is None else fact.place
        number = 1 + sum(1 for name in taken if name.startswith(slot))
        new.append(Fact(f"{slot}{number}", one.kind, one.on, max(one.on, today), place, data))
    for name in mine:
        record.withdraw_fact(tx, tenant, assignment, name)
    if new:
        record.record_facts(tx, tenant, [(assignment, fact) for fact in new], keep_refused=True)
    return [fact.id for fact in new]


def _short(slot: str) -> str:
    """A slot as part of an id, which has an end; and orders' numbers of theirs need not stand in ids of ours."""
    return hashlib.sha256(slot.encode()).hexdigest()[:16]
