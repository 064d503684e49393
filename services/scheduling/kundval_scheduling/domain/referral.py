"""What is owed to who referred the client."""

from __future__ import annotations

from collections.abc import Iterator

from kundval_contracts.codes import FactKind, ObligationKind
from kundval_contracts.rules import rule

from .plan import Context, Planned


@rule("LOKA-5")
def commission_reply(context: Context) -> Iterator[Planned]:
    """The commissioner's question is answered by the end of the commission, whatever became of the client."""
    number = 0
    for fact in context.of(FactKind.REFERRED):
        due = fact.get("commission_end")
        if due is None:
            continue
        number += 1
        met_on = context.first_day(FactKind.COMMISSIONER_REPLIED, fact.on)
        yield context.planned(ObligationKind.COMMISSION_REPLY, number, due, opens_on=fact.on, met_on=met_on)
