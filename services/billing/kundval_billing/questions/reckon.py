"""The reckoning of a question over the cases of a tenant, chunk by chunk: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_contracts.answer import Posting
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import Programme
from kundval_contracts.draft import Draft, read

from .. import store as ledger
from ..domain import lines
from ..domain.forecast import Forecast, History, Year, observe
from ..domain.whatif import Difference, difference

#: why there is no answer: neither the settings nor a draft have a tariff for some decision
NO_TARIFF = "NO_TARIFF"
#: cases in memory at a time
CHUNK = 500

#: chunks of cases; called anew for each pass
Cases = Callable[[], Iterable[Sequence[Case]]]
#: what was posted of these assignments
Posted = Callable[[Sequence[str]], Mapping[str, Sequence[Posting]]]


@dataclass(slots=True)
class Counted:
    """How much of what was held a question looked at."""

    assignments: int = 0
    facts: int = 0

    def seen(self, case: Case) -> None:
        self.assignments += 1
        self.facts += len(case.facts)


def what_if(cases: Cases, tenant: Tenant, draft: Draft, as_of: date, counted: Counted) -> Difference:
    """The difference that a draft makes over the cases as they are known on `as_of`.

    Raises LookupError when the settings or the draft give no tariff for a decision.
    """
    drafted = replace(tenant, settings=draft.over(tenant.settings))
    found = Difference()
    for chunk in cases():
        for stated in chunk:
            case = stated.known_by(as_of)
            counted.seen(case)
            before = lines(case, tenant, as_of)
            after = lines(case, drafted, as_of) if draft.concerns(case) else before
            found.add(difference(case.programme, before, after))
    return found


def forecast(
    cases: Cases,
    posted: Posted,
    tenant: Tenant,
    year: Year,
    new_per_month: Mapping[Programme, int],
    counted: Counted,
) -> Forecast:
    """The forecast of a year: one pass for what became of earlier assignments, one for what may come of each.

    Raises LookupError when no tariff is in force.
    """
    histories: dict[Programme, History] = {}
    for chunk in cases():
        for case in chunk:
            observe(histories, case.known_by(year.as_of), tenant, year.as_of, lines)
    found = Forecast(year, histories)
    # only then does the ledger keep what is no longer due
    keeps = tenant.settings["premium.clawback"] == "NONE"
    for chunk in cases():
        books = posted([case.assignment for case in chunk]) if keeps else {}
        for stated in chunk:
            case = stated.known_by(year.as_of)
            counted.seen(case)
            before = [one for one in books.get(case.assignment, ()) if one.run <= year.as_of]
            found.take(case, tenant, lines, before)
    for programme, number in sorted(new_per_month.items()):
        found.assume(programme, number, tenant, lines)
    return found


def answer(tx: Tx, job: Mapping[str, Any]) -> dict[str, Any]:
    """`{snapshot, result}` of a question over one state of the database, as JSON values.

    job: `{tenant, kind, as_of, asked}` as the question's row has them.
    """
    tenant = held.load_tenant(tx, job["tenant"])
    as_of, asked = date.fromisoformat(job["as_of"]), job["asked"]
    counted = Counted()
    if job["kind"] == "WHAT_IF":
        draft = read(asked["draft"])
        chosen = asked.get("assignments")
        found = what_if(lambda: _cases(tx, tenant.id, chosen), tenant, draft, as_of, counted).as_json()
        decided_from = draft.decided_from.isoformat() if draft.decided_from else None
        result = {"as_of": as_of.isoformat(), "decided_from": decided_from, **found}
    else:
        result = forecast(
            lambda: _cases(tx, tenant.id, None),
            lambda names: ledger.postings_of(tx, tenant.id, names, derivations=False),
            tenant,
            Year(asked["year"], as_of),
            {Programme(name): number for name, number in asked["new_per_month"].items()},
            counted,
        ).as_json()
    business_date = tenant.business_date or as_of
    snapshot = {
        "business_date": business_date.isoformat(),
        "assignments": counted.assignments,
        "facts": counted.facts,
    }
    return {"snapshot": snapshot, "result": result}


def _cases(tx: Tx, tenant: str, chosen: Sequence[str] | None) -> Iterator[list[Case]]:
    if chosen is not None:
        yield held.load_cases(tx, [(tenant, name) for name in chosen])
        return
    yield from held.tenant_cases(tx, tenant, CHUNK)
