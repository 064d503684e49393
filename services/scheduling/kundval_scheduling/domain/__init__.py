"""The pure core of scheduling: no I/O, no clock, no framework.

`obligations(case, tenant, as_of)` says what somebody must have done by when, and where it stands on a day;
`outlook(case, tenant, as_of)` also says when to look again if nothing new is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from kundval_contracts.answer import Obligation
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import ObligationState, Role

from . import meetings, outcome, recurring, start
from .plan import Context, Planned

__all__ = ["obligations", "outlook"]

#: In the order of the code list; each plans one kind (`workplace` two).
_PLANNERS = (
    start.mapping_and_plan,
    start.study_guidance,
    recurring.weekly_contact,
    recurring.job_search,
    start.placement,
    meetings.follow_up,
    meetings.three_party,
    recurring.monthly_report,
    outcome.final_report,
    meetings.bip,
    outcome.premium_follow_ups,
    outcome.bonus_claim,
    start.workplace,
    meetings.prompt_notice,
)


def _plan(context: Context) -> tuple[Planned, ...]:
    """The plan, one row for each (kind, sequence): what is planned anew takes the place of what was cancelled."""
    if not context.case.programme.is_ami or context.timeline.decided is None:
        return ()
    rows: dict[tuple[str, int], Planned] = {}
    for planner in _PLANNERS:
        for row in planner(context):
            key = (row.kind.value, row.sequence)
            if key not in rows or rows[key].cancelled_on is not None:
                rows[key] = row
    return tuple(rows.values())


def obligations(case: Case, tenant: Tenant, as_of: date) -> tuple[Obligation, ...]:
    """The obligations of one assignment as they stand at the end of `as_of`, by due day, kind and sequence.

    `case` holds facts in effect; those known after `as_of` are not looked at. Listed are: what hangs on an
    anchor, as soon as that is known (rulebook SM-A6, SM-A11, SM-P5); what comes back every week or month,
    when its period opens. Programmes other than AMI have none here.
    """
    context = Context(case.known_by(as_of), tenant)
    return _answer(context, _plan(context), as_of)


def outlook(case: Case, tenant: Tenant, as_of: date) -> tuple[tuple[Obligation, ...], date | None]:
    """`obligations`, and the first later day on which they differ if nothing new is told; None if they never do."""
    context = Context(case.known_by(as_of), tenant)
    plan = _plan(context)
    return _answer(context, plan, as_of), _change(plan, as_of)


def _answer(context: Context, plan: Iterable[Planned], as_of: date) -> tuple[Obligation, ...]:
    rows = [_as_of(row, context, as_of) for row in plan if row.opens_on <= as_of]
    return tuple(sorted(rows, key=lambda row: (row.due or date.max, row.kind.value, row.sequence)))


def _change(plan: Iterable[Planned], day: date) -> date | None:
    return min((later for row in plan if (later := row.changes_after(day)) is not None), default=None)


def _as_of(row: Planned, context: Context, as_of: date) -> Obligation:
    state = row.state(as_of)
    provider = context.timeline.provider_on(row.settled_on(as_of)) if row.responsible is Role.PROVIDER else None
    return Obligation(
        context.case.assignment,
        row.kind,
        row.sequence,
        row.due,
        row.responsible,
        state,
        row.met_on if state is ObligationState.MET else None,
        row.rules,
        row.overdue_after,
        provider,
    )
