"""What the doctor asks of scheduling: do the obligations of a sample equal what is computed anew?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.doctor.finding import Finding, bad, ok

from . import store
from .domain import outlook_of
from .domain.plan import Context

#: assignments that are computed anew
SAMPLE = 25

# nothing new since they were looked at on the business date
_AT_REST = (
    "SELECT a.tenant, array_agg(a.assignment) AS assignments FROM (SELECT agenda.tenant, assignment FROM agenda"
    " JOIN tenant USING (tenant) WHERE business_date IS NOT NULL AND (until IS NULL OR until > business_date)"
    " ORDER BY agenda.tenant, assignment LIMIT %s) AS a GROUP BY a.tenant ORDER BY a.tenant"
)


def look(tx: Tx) -> Iterator[Finding]:
    """Assignments at rest: what is stored of each must be what their facts come to on the business date."""
    count, differing = 0, []
    for row in tx.query(_AT_REST, (SAMPLE,)):
        tenant = held.load_tenant(tx, row["tenant"])
        day = tenant.business_date
        if day is None:
            continue
        stored = store.held(tx, tenant.id, row["assignments"])
        for case in held.load_cases(tx, [(tenant.id, one) for one in row["assignments"]]):
            count += 1
            found, _ = outlook_of(Context(case.known_by(day), tenant, day))
            if _keyed(found) != _keyed(stored[case.assignment]):
                differing.append(case.assignment)
    if differing:
        yield bad(
            "scheduling",
            f"the obligations of {len(differing)} of {count} assignments differ from what is computed anew"
            f" ({differing[0]})",
            "somebody is not told of what is due, or is told what is not",
            "see what is parked; then open the tenant again (assignment.open_tenant), and all is computed anew",
            "obligations-overdue",
        )
    else:
        yield ok("scheduling", f"the obligations of {count} assignments equal what is computed anew")


def _keyed(obligations: Any) -> dict[Any, Any]:
    return {one.key: one for one in obligations}
