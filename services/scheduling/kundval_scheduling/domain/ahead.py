"""The next planned follow-up of an assignment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from kundval_contracts.answer import Obligation
from kundval_contracts.codes import ObligationState
from kundval_contracts.obligations import terms
from kundval_contracts.rules import rule


@rule("NACKA-13")
def next_follow_up(obligations: Iterable[Obligation], as_of: date) -> Obligation | None:
    """The open follow-up with the earliest due day; None for an assignment without one, which every active one has.

    One whose day has passed is open through its tolerance; those without due day and those that are late are no plan.
    """
    known = terms()
    ahead = [
        one
        for one in obligations
        if one.state is ObligationState.OPEN
        and one.due is not None
        and (one.overdue_after is None or one.overdue_after >= as_of)
        and known[one.kind].follow_up
    ]
    return min(ahead, key=lambda one: (one.due or date.max, one.kind.value, one.sequence), default=None)
