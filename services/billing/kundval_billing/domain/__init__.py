"""The pure core of billing: no I/O, no clock, no framework.

`lines` says what is due to whom for a case as it is known on a day, `settle` what a payment run must post so
that the ledger says the same, `next_change` when it is worth looking again. They are functions of their arguments
alone, so a question "what if" runs the very code that pays.
"""

from __future__ import annotations

from datetime import date

from kundval_contracts.answer import Line
from kundval_contracts.case import Case, Tenant

from .bonus import bonus_lines
from .fees import fee_lines
from .jobbpeng import jobbpeng_lines
from .premium import premium_lines
from .settle import next_change, settle
from .view import View

__all__ = ["lines", "next_change", "settle"]


def lines(case: Case, tenant: Tenant, as_of: date) -> tuple[Line, ...]:
    """Every billing line of the case on `as_of`, ordered by start, kind, sequence and provider.

    `case` holds the facts in effect and known by `as_of`. Empty before the decision, before the start-up meeting,
    and for programmes that this version does not compute (SOM, RUM). Raises LookupError if no tariff is in force
    on the decision date.
    """
    view = View(case, tenant.settings, as_of)
    if view.timeline.decided is None or view.timeline.anchor is None:
        return ()
    if case.programme.is_jobbpeng:
        found = [*jobbpeng_lines(view)]
    elif case.programme.is_ami:
        found = [*fee_lines(view), *premium_lines(view), *bonus_lines(view)]
    else:
        return ()
    return tuple(sorted(found, key=lambda line: (line.start, line.kind.value, line.sequence, line.provider)))
