"""The pure core of scheduling: no I/O, no clock, no framework.

`obligations(case, tenant, as_of)` says what somebody must have done by when, and where it stands on a day;
`next_change(case, tenant, as_of)` says when to look again if nothing new is told.
"""

from __future__ import annotations

from datetime import date

from kundval_contracts.answer import Obligation
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import ObligationState, Role

from . import meetings, outcome, recurring, start
from .plan import Context, Planned

__all__ = ["next_change", "obligations"]

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
    rows = [_as_of(row, context, as_of) for row in _plan(context) if row.opens_on <= as_of]
    return tuple(sorted(rows, key=lambda row: (row.due or date.max, row.kind.value, row.sequence)))


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


def next_change(case: Case, tenant: Tenant, as_of: date) -> date | None:
    """The first day after `as_of` on which `obligations` gives another answer if nothing new is told.

    None if it never does. Facts that the case holds but that become known later count on their day.
    """
    now: tuple[Obligation, ...] | None = None
    day = as_of
    while True:
        plan = _plan(Context(case.known_by(day), tenant))
        change = min((later for row in plan if (later := row.changes_after(day)) is not None), default=None)
        news = min((fact.known_on for fact in case.facts if fact.known_on > day), default=None)
        if news is None or (change is not None and change < news):
            return change
        now = now if now is not None else obligations(case, tenant, as_of)
        day = news
        if obligations(case, tenant, day) != now:
            return day
