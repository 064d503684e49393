"""Keep the outcomes in step with the facts: whoever judges a case hands it on here, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kundval_chassis.db import Tx
from kundval_contracts.case import Case, Client, Tenant
from kundval_contracts.codes import AssignmentState
from kundval_contracts.timeline import Timeline

from ..domain.outcomes import outcome
from . import store

_MAY_CHOOSE = frozenset({AssignmentState.DECIDED, AssignmentState.AWAITING_CHOICE})


def keep_all(tx: Tx, tenant: Tenant, judged: Iterable[tuple[Case, Client, AssignmentState]]) -> int:
    """The outcomes of assignments, each case with its facts in effect, in a few statements for all of them; how many
    changed. Rows that say the same as before are not touched.
    """
    rows = []
    for case, client, state in judged:
        one = outcome(case, Timeline(case, tenant.settings), client, tenant.business_date)
        # who has been rejected, or sent elsewhere, has nothing to choose
        rows.append(one if state in _MAY_CHOOSE else replace(one, awaiting_since=None))
    return store.save(tx, tenant.id, rows)
