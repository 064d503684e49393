"""The pure core of billing: no I/O, no clock, no framework.

`lines` says what is due to whom for a case as it is known on a day, `settle` what a payment run must post so
that the ledger says the same, `next_change` when it is worth looking again. They are functions of their arguments
alone, so a question "what if" runs the very code that pays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from types import MappingProxyType

from kundval_contracts.answer import Line
from kundval_contracts.case import Case, Tenant
from kundval_contracts.tariffs import Model, Part

from .bonus import bonus_lines
from .fees import fee_lines
from .jobbpeng import jobbpeng_lines
from .premium import premium_lines
from .result import result_lines
from .rum import rum_base_lines, rum_premium_lines
from .settle import next_change, settle
from .som import som_base_lines, som_premium_lines
from .view import View

__all__ = ["lines", "next_change", "settle"]


#: How each known part of a tariff is computed.
MODELS: Mapping[Model, Callable[[View, Part], Iterable[Line]]] = MappingProxyType(
    {
        Model.AMI_MONTHLY_FEE: fee_lines,
        Model.AMI_SPEED_PREMIUM: premium_lines,
        Model.RESULT_BONUS_FLAT: bonus_lines,
        Model.RESULT_BONUS_TIERS: bonus_lines,
        Model.JOBBPENG_FEE: jobbpeng_lines,
        Model.SOM_PERIOD_BASE: som_base_lines,
        Model.SOM_SPEED_PREMIUM: som_premium_lines,
        Model.RUM_MONTH_BASE: rum_base_lines,
        Model.RUM_SPEED_PREMIUM: rum_premium_lines,
        Model.REPORTED_RESULT: result_lines,
    }
)


def lines(case: Case, tenant: Tenant, as_of: date) -> tuple[Line, ...]:
    """Every billing line of the case on `as_of`, ordered by start, kind, sequence and provider.

    `case` holds the facts in effect and known by `as_of`. Empty before the decision, before the start-up meeting,
    and for programmes without a tariff. Raises LookupError if no tariff is in force on the decision date.
    """
    view = View(case, tenant.settings, as_of)
    if view.timeline.decided is None or view.timeline.anchor is None:
        return ()
    if view.timeline.tariff is None:
        return ()
    found = [line for part in view.terms.version.parts for line in MODELS[part.model](view, part)]
    return tuple(sorted(found, key=lambda line: (line.start, line.kind.value, line.sequence, line.provider)))
