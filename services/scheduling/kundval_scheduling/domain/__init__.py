"""The pure core of scheduling: no I/O, no clock, no framework.

`obligations(case, tenant, as_of)` says what somebody must have done by when, and where it stands on a day;
`outlook(case, tenant, as_of)` also says when to look again if nothing new is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from kundval_contracts.answer import Obligation
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import ObligationState, Role
from kundval_contracts.tariffs import BONUSES, Model
from kundval_contracts.timeline import Timeline

from . import local, meetings, outcome, period, placements, recurring, referral, som, start
from .ahead import next_follow_up
from .plan import Context, Planned

__all__ = ["next_follow_up", "obligations", "outlook", "outlook_of"]

Planner = Callable[[Context], Iterator[Planned]]

#: In the order of the code list; each plans one kind (`workplace` two).
_AMI: tuple[Planner, ...] = (
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
    meetings.book_meeting,
    period.period_end,
    placements.practice_contact,
    placements.agreement_change,
    placements.interest_follow_up,
)
_SOM: tuple[Planner, ...] = (
    som.weekly_minimum,
    som.syv,
    period.som_period_end,
    som.planned_hours,
    som.switch_notice,
    placements.interest_follow_up,
)
_RUM: tuple[Planner, ...] = (som.switch_notice, placements.interest_follow_up)
_LOCAL: tuple[Planner, ...] = (
    meetings.bip,
    placements.placement_follow_up,
    local.check_ins,
    local.group_sessions,
    placements.interest_follow_up,
)
_OTHERS: tuple[Planner, ...] = (placements.interest_follow_up,)


def _planners(timeline: Timeline) -> tuple[Planner, ...]:
    """What there is to plan from the decision on; of a programme that a tariff file adds, what its money asks for."""
    programme = timeline.programme
    if programme.is_ami:
        return _AMI
    if programme.is_som:
        return _SOM
    if programme.is_local:
        return _LOCAL
    if programme.is_rum:
        return _RUM
    money = ((Model.AMI_SPEED_PREMIUM,), outcome.premium_follow_ups), (tuple(BONUSES), outcome.bonus_claim)
    asked = tuple(planner for models, planner in money if timeline.has_part(*models))
    return (*asked, *_OTHERS)


def _plan(context: Context) -> tuple[Planned, ...]:
    """The plan, one row for each (kind, sequence): what is planned anew takes the place of what was cancelled."""
    planners: tuple[Planner, ...] = (referral.commission_reply,)
    if context.timeline.decided is not None:
        planners += _planners(context.timeline)
    rows: dict[tuple[str, int], Planned] = {}
    for planner in planners:
        for row in planner(context):
            key = (row.kind.value, row.sequence)
            if key not in rows or rows[key].cancelled_on is not None:
                rows[key] = row
    return tuple(rows.values())


def obligations(case: Case, tenant: Tenant, as_of: date) -> tuple[Obligation, ...]:
    """The obligations of one assignment as they stand at the end of `as_of`, by due day, kind and sequence.

    `case` holds facts in effect; those known after `as_of` are not looked at. Listed are: what hangs on an
    anchor, as soon as that is known (rulebook SM-A6, SM-A11, SM-P5); what comes back every week or month,
    when its period opens.
    """
    context = Context(case.known_by(as_of), tenant, as_of)
    return _answer(context, _plan(context), as_of)


def outlook(case: Case, tenant: Tenant, as_of: date) -> tuple[tuple[Obligation, ...], date | None]:
    """`obligations`, and the first later day on which they differ if nothing new is told; None if they never do."""
    return outlook_of(Context(case.known_by(as_of), tenant, as_of))


def outlook_of(context: Context) -> tuple[tuple[Obligation, ...], date | None]:
    """`outlook` of a case as it is known on the day of the context."""
    plan = _plan(context)
    return _answer(context, plan, context.as_of), _change(plan, context.as_of)


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
