"""Asking for a plan, and deciding upon it. Only what is accepted is booked, each meeting as if it were booked alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from kundval_chassis.db import Tx
from kundval_chassis.outbox import new_id
from kundval_chassis.veil import restricted
from kundval_contracts.case import Tenant
from kundval_contracts.codes import MeetingMode, PlanReason, PlanRowState, PlanState
from kundval_contracts.errors import Conflict, InvalidRequest, KundvalError, NotFound

from ..domain.meeting import Party
from ..meetings import book
from ..meetings import store as meetings
from . import store

WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
#: the most meetings of one plan: more would not be gone through by a person either
MOST = 2000
#: the most that are booked in one transaction: each holds some locks until its end
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Accepted:
    """booked, refused: ids of meetings. left: how many of the plan can still be accepted."""

    booked: tuple[str, ...]
    refused: tuple[str, ...]
    left: int


def request(tx: Tx, tenant: Tenant, team: str, first: date | None, weeks: int, solver: str, by: str) -> store.Plan:
    """Ask for a plan of so many weeks from a day on, by default from as soon as meetings may be proposed.

    Raises InvalidRequest (the first day has passed), Conflict (PLAN_UNDER_WAY, NOTHING_TO_PLAN, TOO_MANY_MEETINGS).
    """
    today = book.business_date(tenant)
    soonest = today + timedelta(days=max(1, tenant.settings["meetings.lead_days"]))
    first = first or soonest
    if first < soonest:
        raise InvalidRequest(faults=[{"path": "from", "message": f"must be {soonest.isoformat()} or later"}])
    if first > today + 12 * WEEK:
        raise InvalidRequest(faults=[{"path": "from", "message": "is more than twelve weeks ahead"}])
    number = len(store.unbooked(tx, tenant.id, team))
    if not number:
        raise Conflict("The team has no meeting without a time.", code="NOTHING_TO_PLAN")
    if number > MOST:
        raise Conflict(f"The team has more than {MOST} meetings without a time.", code="TOO_MANY_MEETINGS")
    plan = store.Plan(
        new_id(), team, first, first + weeks * WEEK - _DAY, solver, PlanState.REQUESTED, by, today, 0, None, None, None,
        None,
    )  # fmt: skip
    try:
        store.add(tx, tenant.id, plan)
    except store.UnderWay:
        raise Conflict("A plan of this team is being made already.", code="PLAN_UNDER_WAY") from None
    return plan


def accept(tx: Tx, tenant: Tenant, name: str, chosen: Collection[str] | None, by: str) -> Accepted:
    """Book what was proposed, or some of it, `AT_ONCE` at most. What has become impossible meanwhile is refused with
    its code, and the others are booked all the same.

    Raises NotFound (also a meeting that is not in the plan), Conflict (PLAN_STATE).
    """
    plan = undecided(tx, tenant, name)
    rows = store.rows(tx, tenant.id, plan.id)
    missing = sorted(set(chosen or ()) - {row.meeting for row in rows})
    if missing:
        raise NotFound(f"The plan has no meeting {missing[0]}.")
    proposed = [row for row in rows if row.state is PlanRowState.PROPOSED]
    wanted = [row for row in proposed if chosen is None or row.meeting in chosen]
    wanted = sorted(wanted, key=lambda row: (row.assignment, row.meeting))[:AT_ONCE]
    hidden = restricted(tx, tenant.id, [row.assignment for row in wanted])
    _lock(tx, tenant, wanted)
    booked: list[str] = []
    refused: list[str] = []
    for row in wanted:
        code = PlanReason.PROTECTED.value if row.assignment in hidden else _book(tx, tenant, row)
        state = PlanRowState.BOOKED if code is None else PlanRowState.REFUSED
        store.settle(tx, tenant.id, plan.id, row.meeting, state, code)
        (booked if code is None else refused).append(row.meeting)
    left = len(proposed) - len(wanted)
    if not left:
        store.decide(tx, tenant.id, plan.id, PlanState.ACCEPTED, by, book.business_date(tenant))
    return Accepted(tuple(booked), tuple(refused), left)


def _lock(tx: Tx, tenant: Tenant, rows: Sequence[store.Row]) -> None:
    """Take every lock that booking takes, in the order in which it does: all cases, then whom and what is claimed. So
    nobody who books one meeting and whoever books many wait for each other.
    """
    assignments = sorted({row.assignment for row in rows})
    meetings.lock_cases(tx, tenant.id, assignments)
    keys = {one.key for one in meetings.participants(tx, tenant.id, assignments).values()}
    keys |= {party.resource for row in rows for party in row.parties}
    keys |= {one for row in rows for one in (row.interpreter, row.room) if one is not None}
    for key in sorted(keys):
        tx.lock("claim", tenant.id, key)


def _book(tx: Tx, tenant: Tenant, row: store.Row) -> str | None:
    """None if it is booked, else the code of what stands against it."""
    if row.span is None:
        raise ValueError("what is proposed has a time")
    wish = book.Wish(
        row.span,
        mode=row.mode or MeetingMode.IN_PERSON,
        meeting=row.meeting,
        parties=tuple(Party(one.role, one.resource) for one in row.parties),
        place=row.place,
        room=row.room,
        interpreter=row.interpreter,
    )
    try:
        with tx.attempt():
            book.book(tx, tenant, wish)
    except KundvalError as error:
        return error.code
    return None


def reject(tx: Tx, tenant: Tenant, name: str, by: str) -> int:
    """Let go of what is not booked of a plan; how many meetings that were. Raises NotFound, Conflict (PLAN_STATE)."""
    plan = undecided(tx, tenant, name)
    number = store.reject_rest(tx, tenant.id, plan.id)
    some = store.counts(tx, tenant.id, [plan.id])[plan.id].get(PlanRowState.BOOKED.value, 0)
    state = PlanState.ACCEPTED if some else PlanState.REJECTED
    store.decide(tx, tenant.id, plan.id, state, by, book.business_date(tenant))
    return number


def undecided(tx: Tx, tenant: Tenant, name: str) -> store.Plan:
    """A plan that nobody has decided upon, as nobody else changes it now. Raises NotFound, Conflict (PLAN_STATE)."""
    plan = store.one(tx, tenant.id, name, lock=True)
    if plan is None:
        raise NotFound(f"There is no plan {name}.")
    if standing(plan, book.business_date(tenant)) is not PlanState.PROPOSED:
        raise Conflict("The plan is not one to decide upon.", code="PLAN_STATE")
    return plan


def standing(plan: store.Plan, today: date | None) -> PlanState:
    """The state on a business date: one that nobody decided upon ends with its last day."""
    if plan.state is PlanState.PROPOSED and today is not None and plan.last_day < today:
        return PlanState.EXPIRED
    return plan.state
