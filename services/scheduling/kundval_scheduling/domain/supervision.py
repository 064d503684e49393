"""Supervision of providers: visits at the interval that the municipality has set (NACKA-18, GAP-22).

These obligations are about a provider, not about an assignment. The municipality answers for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_contracts.calendar import add_days
from kundval_contracts.case import Provider, Tenant
from kundval_contracts.codes import ObligationKind, ObligationState, Role
from kundval_contracts.followups import authorised_since, reviews
from kundval_contracts.obligations import terms
from kundval_contracts.rules import rule


@dataclass(frozen=True, slots=True)
class ProviderObligation:
    """What must have been done about a provider by `due`."""

    provider: str
    kind: ObligationKind
    sequence: int
    due: date
    responsible: Role
    state: ObligationState
    met_on: date | None
    rules: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "kind": self.kind.value,
            "sequence": self.sequence,
            "due": self.due.isoformat(),
            "responsible": self.responsible.value,
            "state": self.state.value,
            "met_on": self.met_on.isoformat() if self.met_on else None,
            "rules": list(self.rules),
        }


@rule("NACKA-18")
def supervision(
    provider: Provider, visits: Collection[date], tenant: Tenant, as_of: date
) -> tuple[ProviderObligation, ...]:
    """The visits to a provider: each is due an interval after the one before, the first after the authorisation.

    visits: days on which it was looked at, through any channel. Nothing where no interval is set, or for a provider
    that is authorised for nothing on `as_of`; visits before the authorisation count from it on (as of its application).
    """
    interval: int | None = tenant.settings["supervision.interval_months"]
    since = authorised_since(provider, as_of)
    if interval is None or since is None:
        return ()
    row = terms()[ObligationKind.SUPERVISION]
    found: list[ProviderObligation] = []
    for sequence, (_, due, met_on) in enumerate(reviews(since, visits, interval, as_of), 1):
        state = ObligationState.MET if met_on else ObligationState.OVERDUE if as_of > due else ObligationState.OPEN
        found.append(
            ProviderObligation(provider.id, row.kind, sequence, due, row.responsible, state, met_on, row.rules)
        )
    return tuple(found)


def changes_on(found: Iterable[ProviderObligation]) -> date | None:
    """The first day on which one of them is late if nothing new is told."""
    return min((add_days(one.due, 1) for one in found if one.state is ObligationState.OPEN), default=None)
