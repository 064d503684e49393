"""Result compensation that somebody else decides and reports, and what the letter of 2019 asks of results and of the
state (AF-SOM-4, AF-RUM-4, NACKA-31, NACKA-34).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from kundval_contracts.answer import Line
from kundval_contracts.calendar import Period, add_days
from kundval_contracts.codes import ExitKind, FactKind, LineKind
from kundval_contracts.exits import EXITS
from kundval_contracts.phrases import say, step
from kundval_contracts.rules import rule
from kundval_contracts.tariffs import Part

from .view import View


@rule("AF-SOM-4", "AF-RUM-4", "NACKA-10", "NACKA-31")
def result_lines(view: View, tariff: Part) -> Iterator[Line]:
    """A line for every result that was reported, payable from its day (reading 55).

    The highest sum is looked at when the fact is stated, by assignment: what is in effect here is within it. It goes to
    the provider in charge on the day, else to the last one.
    """
    for number, fact in enumerate(view.case.of(FactKind.RESULT_REPORTED), 1):
        provider = view.timeline.provider_on(fact.on)
        if provider is None and view.timeline.charges:
            provider = view.timeline.charges[-1][1]
        if provider is None:
            continue
        yield view.line(
            LineKind.RESULT,
            provider,
            number,
            Period(fact.on, add_days(fact.on, 1)),
            (step("step.result", fact["amount"], facts=(fact.id,), source=tariff.source),),
            view.due(fact.on),
            fact.on,
            tariff.rules,
            say("result.reported", number=number, payable_from=fact.on),
            (fact.id,),
        )


@rule("NACKA-31")
def leads_to_result(kind: ExitKind) -> bool:
    """Whether the result part of the proposal of 2019 is due: for a job or for another measure.

    AMI is otherwise: it never has a bonus for another intervention.
    """
    return EXITS[kind].family == "WORK" or kind is ExitKind.OTHER_INTERVENTION


@rule("NACKA-34")
def reimbursement(appropriation: Decimal, share: Decimal | None) -> Decimal | None:
    """What the state would pay of an appropriation in SEK; None while `state_reimbursement_share` is off."""
    if share is None:
        return None
    return (appropriation * share).quantize(Decimal("0.01"), ROUND_HALF_UP)
