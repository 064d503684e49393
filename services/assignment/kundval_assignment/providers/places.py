"""Places at a provider: who takes one, and that nobody gets one that is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from kundval_chassis.db import Tx
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import AssignmentState, DecisionAbout, FactKind, RefusalCode
from kundval_contracts.errors import FactRefused
from kundval_contracts.facts import Fact
from kundval_contracts.timeline import Timeline

from .. import store as assignments
from .. import tenants
from ..domain.capacity import at_provider, has_capacity
from . import store

_CHOICES = frozenset({FactKind.PROVIDER_CHOSEN, FactKind.PROVIDER_SWITCH, FactKind.RESUMED})


def keep(tx: Tx, tenant: Tenant, judged: Iterable[tuple[Case, AssignmentState]]) -> None:
    """Keep the places in step with assignments that were judged: cases with their facts in effect, and their states."""
    taken, left = [], []
    for case, state in judged:
        provider = at_provider(case, state, tenant.settings)
        if provider is None:
            left.append(case.assignment)
        else:
            taken.append((case.assignment, provider, case.programme))
    store.save_places(tx, tenant.id, taken, left)


@contextmanager
def reserved(tx: Tx, tenant: Tenant, given: Sequence[tuple[str, Fact]], *, enforced: bool) -> Iterator[Tenant]:
    """Around the recording of facts: nobody takes a choice of the same provider's last place, or ends its
    authorisation, at the same time. Gives the tenant as it is now.

    With `enforced` a client who comes to a provider without a place left is refused: FactRefused NO_CAPACITY, SM-A8. A
    client who resumes with the provider it had is not turned away (AMI-10.1-d).
    """
    chosen = {fact["provider"] for _, fact in given if fact.kind in _CHOICES}
    approved = [
        assignment
        for assignment, fact in given
        if fact.kind is FactKind.MANUAL_DECISION and fact["about"] is DecisionAbout.SWITCH and fact["approved"]
    ]
    if approved:
        chosen |= store.asked_for(tx, tenant.id, approved)
    if not chosen:
        yield tenant
        return
    known = (tenant.providers.get(name) for name in chosen)
    limited = sorted(one.id for one in known if enforced and one is not None and one.capacity is not None)
    store.lock(tx, tenant.id, chosen, exclusive=limited)
    tenant = tenants.get(tx, tenant.id)
    if not limited:
        yield tenant
        return
    names = sorted({assignment for assignment, _ in given})
    before = store.places(tx, tenant.id, names)
    had = _resuming(tx, tenant, given)
    yield tenant
    after = store.places(tx, tenant.id, names)
    for name in limited:
        new = [one for one in names if after.get(one) == name and name not in (before.get(one), had.get(one))]
        taken = sum(store.taken(tx, tenant.id, [name]).get(name, {}).values())
        if new and not has_capacity(tenant.providers[name], taken - len(new), len(new)):
            raise FactRefused(
                "The provider has no place left.", code=RefusalCode.NO_CAPACITY.value, rules=("SM-A8", "NACKA-7")
            )


def _resuming(tx: Tx, tenant: Tenant, given: Iterable[tuple[str, Fact]]) -> dict[str, str]:
    """The provider that clients who now resume had before."""
    names = sorted({assignment for assignment, fact in given if fact.kind is FactKind.RESUMED})
    found = {}
    for name, record in assignments.load_records(tx, tenant.id, names).items() if names else ():
        case = record.case.having(one.fact for one in record.stated.values() if one.in_effect)
        charges = Timeline(case, tenant.settings).charges
        if charges:
            found[name] = charges[-1][1]
    return found
