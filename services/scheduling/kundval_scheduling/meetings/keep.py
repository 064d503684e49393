"""Keep the meetings in step with the facts and the business date, and tell the difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from kundval_chassis.db import Tx
from kundval_chassis.outbox import new_id
from kundval_contracts.case import Tenant
from kundval_contracts.codes import CancelReason, MeetingKind, MeetingState

from ..domain.follow import Outlook, Step, follow, look
from ..domain.instants import local_day
from ..domain.meeting import Meeting
from ..domain.meeting_states import changes_hands, is_off
from ..domain.plan import Context
from . import groups, store
from .tell import OF_STATE, tell

_OVER = frozenset({MeetingState.HELD, MeetingState.CANCELLED, MeetingState.REASSIGNED})
_UNBOOKED = frozenset({MeetingState.DUE, MeetingState.DUE_OVERDUE})
#: what gives back the time that it had: a meeting that was held took it
_FREES = frozenset({MeetingState.CANCELLED, MeetingState.REASSIGNED})


def keep(tx: Tx, tenant: Tenant, contexts: Sequence[Context]) -> dict[str, date]:
    """Bring the meetings of these cases in step, store and tell what differs; when each may stand otherwise, if ever.

    Half a dozen statements, however many cases there are.
    """
    outlooks = {context.case.assignment: look(context) for context in contexts}
    if outlooks:
        store.lock_cases(tx, tenant.id, outlooks)
        held = store.standing(tx, tenant.id, outlooks)
        teams = store.teams(tx, tenant.id, outlooks)
        take(
            tx,
            tenant.id,
            [step for name, one in outlooks.items() for step in follow(name, held[name], one, teams.get(name), new_id)],
        )
        _leave_groups(tx, tenant, outlooks)
    return {name: change for name, one in outlooks.items() if (change := one.changes_on) is not None}


def take(tx: Tx, tenant: str, steps: Sequence[Step]) -> None:
    """Store these steps, free what is taken no longer, and tell of them."""
    changed = [_numbered(step) for step in steps]
    store.release(tx, tenant, [one.id for step, one in zip(steps, changed, strict=True) if _frees(step)])
    store.save(tx, tenant, changed)
    for step, one in zip(steps, changed, strict=True):
        name = _event(step)
        if name is not None:
            tell(tx, tenant, name, one)


def _frees(step: Step) -> bool:
    """Whether its time is free again: it is not to be, or was held before it."""
    after = step.after
    if step.before is None or after.span is None:
        return False
    early = after.held_on is not None and after.held_on < local_day(after.span.start)
    return after.state in _FREES or (after.state is MeetingState.HELD and early)


def _numbered(step: Step) -> Meeting:
    """With the numbers by which others see that it has changed: of the events, and of the invitation."""
    if step.before is None:
        return step.after
    version = step.after.version + (1 if _frees(step) else 0)
    return replace(step.after, revision=step.before.revision + 1, version=version)


def _event(step: Step) -> str | None:
    """What tells of a step, if anybody needs to hear of it."""
    before, after = step.before, step.after
    if before is None:
        # nobody heard of what was over, or booked elsewhere, before it was listed
        return None if after.state in _OVER or after.state is MeetingState.BOOKED else OF_STATE[after.state]
    if before.state is not after.state:
        return OF_STATE[after.state]
    return OF_STATE[after.state] if after.state in _UNBOOKED else None


def _leave_groups(tx: Tx, tenant: Tenant, outlooks: Mapping[str, Outlook]) -> None:
    """Who has left, or has gone to another provider, has no place in the group sessions to come (SM-M8)."""
    seats = store.seats_ahead(tx, tenant.id, outlooks)
    sessions = {one.id: one for one in store.meetings(tx, tenant.id, sorted({meeting for meeting, _ in seats}))}
    for name, assignment in seats:
        reason = _leaves(sessions[name], outlooks[assignment])
        if reason is not None:
            groups.leave(tx, tenant.id, name, assignment, reason)


def _leaves(session: Meeting, outlook: Outlook) -> CancelReason | None:
    if session.kind is not MeetingKind.GROUP_SESSION:
        return None
    if outlook.exit is not None and is_off(session, outlook.exit.on, outlook.exit.known_on):
        return CancelReason.ASSIGNMENT_ENDED
    return CancelReason.PROVIDER_SWITCHED if changes_hands(session, outlook.provider, outlook.since) else None
