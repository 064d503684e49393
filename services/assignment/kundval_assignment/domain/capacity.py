"""Places at a provider: which assignment takes one, and whether there are any left."""

from __future__ import annotations

from kundval_contracts.case import Case, Provider
from kundval_contracts.codes import AssignmentState, FactKind
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Timeline

_P = AssignmentState
#: The provider has the client, or has said that it takes it.
IN_CHARGE = frozenset({_P.ACCEPTED, _P.ACTIVE, _P.REASSESSMENT, _P.SWITCHING})


def at_provider(case: Case, state: AssignmentState, settings: RuleSettings) -> str | None:
    """The provider at which the assignment takes a place: as its client, or by an offer that waits for an answer.

    `case` has its facts in effect.
    """
    if state is _P.OFFERED:
        asked = case.of(FactKind.PROVIDER_CHOSEN)
        return str(asked[-1]["provider"]) if asked else None
    if state not in IN_CHARGE:
        return None
    charges = Timeline(case, settings).charges
    return charges[-1][1] if charges else None


@rule("NACKA-7", "AF-SOM-23")
def places_left(provider: Provider, taken: int) -> int | None:
    """Places that are free: declared less clients and open offers; None: no capacity was declared, so no limit.

    The source asks for a least capacity (AF-SOM-23) and names no most; what a provider declares is what it can take.
    """
    return None if provider.capacity is None else max(0, provider.capacity - taken)


def has_capacity(provider: Provider, taken: int, new: int = 1) -> bool:
    """SM-A8: whether `new` clients can come where `taken` places are taken."""
    return provider.capacity is None or taken + new <= provider.capacity
