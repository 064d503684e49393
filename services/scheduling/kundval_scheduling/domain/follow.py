"""What the facts and the day make of the meetings of one assignment: new ones, moved ones, gone ones (SM-M1 to M8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from kundval_contracts.codes import CancelReason, MeetingKind, MeetingParty, MeetingState, Role
from kundval_contracts.facts import Fact
from kundval_contracts.meeting_facts import fact_id

from .meeting import Meeting
from .meeting_states import changes_hands, is_off, state_of
from .needs import Need, ended, needs
from .plan import Context


@dataclass(frozen=True, slots=True)
class Step:
    """A meeting before and after; before None: there was none."""

    before: Meeting | None
    after: Meeting


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the facts of a case look on a day.

    provider: who is in charge, `since` when. exit: the one that stands. told: ids of the facts. team: who holds the
    case.
    """

    day: date
    needs: tuple[Need, ...]
    provider: str | None = None
    since: date = date.min
    exit: Fact | None = None
    told: frozenset[str] = frozenset()

    @property
    def changes_on(self) -> date | None:
        """The first later day on which a meeting may stand otherwise by time alone."""
        return min((day for one in self.needs if (day := one.changes_after(self.day))), default=None)


def look(context: Context) -> Outlook:
    """The outlook of a case as it is known on the day of the context."""
    day = context.as_of
    charges = [charge for charge in context.timeline.charges if charge[0] <= day]
    since, provider = charges[-1] if charges else (date.min, None)
    told = frozenset(fact.id for fact in context.case.facts) if context.case.programme.is_som else frozenset()
    return Outlook(day, needs(context), provider, since, ended(context), told)


def follow(
    assignment: str, held: Sequence[Meeting], outlook: Outlook, team: str | None, new_id: Callable[[], str]
) -> list[Step]:
    """Bring the meetings of an assignment in step with its facts; what differs.

    held: every meeting that a rule asked for, and the other ones that are open. Of one need only one is open at a
    time; when it was missed, cancelled or passed to another provider, the next one is made, for the rule still asks.
    """
    wanted = {need.key: need for need in outlook.needs}
    now: dict[str, Meeting] = {}
    for one in held:
        need = wanted.get((one.kind, one.sequence)) if one.needed else None
        now[one.id] = _moved(one, need, outlook) if one.needed else _kept(one, outlook)
    steps = [Step(one, now[one.id]) for one in held if now[one.id] != one]
    last = _latest(now.values())
    for key, need in wanted.items():
        made = _next(assignment, need, last.get(key), outlook, team, new_id)
        if made is not None:
            steps.append(Step(None, made))
    return steps


def _latest(meetings: Iterable[Meeting]) -> dict[tuple[MeetingKind, int], Meeting]:
    found: dict[tuple[MeetingKind, int], Meeting] = {}
    for one in meetings:
        key = (one.kind, one.sequence)
        if one.needed and (key not in found or one.attempt >= found[key].attempt):
            found[key] = one
    return found


def _moved(one: Meeting, need: Need | None, outlook: Outlook) -> Meeting:
    """A meeting that a rule asked for, as it stands now."""
    day = outlook.day
    if one.state is MeetingState.HELD and one.elsewhere:
        if need is None:
            return one
        if need.met_on is None or need.met_on > day:  # the fact was taken back
            one = replace(one, state=MeetingState.DUE, held_on=None, elsewhere=False)
        else:
            return replace(one, held_on=need.met_on)
    if not one.is_open:
        return one
    if changes_hands(one, outlook.provider, outlook.since) and _over(need, day) is None:
        return replace(one, state=MeetingState.REASSIGNED, cancel_reason=CancelReason.PROVIDER_SWITCHED)
    gone = outlook.exit is not None and is_off(one, outlook.exit.on, outlook.exit.known_on)
    state = MeetingState.CANCELLED if gone else state_of(one, need, day)
    if state is MeetingState.CANCELLED:
        is_end = gone or (need is not None and need.cancelled_on is not None)
        reason = CancelReason.ASSIGNMENT_ENDED if is_end else CancelReason.NO_LONGER_NEEDED
        return replace(one, state=state, cancel_reason=reason, elsewhere=False)
    if need is None:  # cannot be: no need cancels
        return one
    fitted = _fitted(one, need, outlook)
    if state is MeetingState.HELD:
        return replace(fitted, state=state, held_on=need.met_on, elsewhere=True)
    return replace(fitted, state=state, elsewhere=state is MeetingState.BOOKED and one.span is None)


def _over(need: Need | None, day: date) -> date | None:
    """The day on which the need was met or went, if that has been."""
    days = [need.met_on, need.cancelled_on] if need else []
    return next((one for one in days if one is not None and one <= day), None)


def _kept(one: Meeting, outlook: Outlook) -> Meeting:
    """A meeting that somebody wanted, as it stands now."""
    if outlook.exit is not None and is_off(one, outlook.exit.on, outlook.exit.known_on):
        return replace(one, state=MeetingState.CANCELLED, cancel_reason=CancelReason.ASSIGNMENT_ENDED)
    if changes_hands(one, outlook.provider, outlook.since):
        return replace(one, state=MeetingState.CANCELLED, cancel_reason=CancelReason.PROVIDER_SWITCHED)
    return one


def _next(
    assignment: str, need: Need, last: Meeting | None, outlook: Outlook, team: str | None, new_id: Callable[[], str]
) -> Meeting | None:
    """The meeting that a need now asks for, or None."""
    over = _over(need, outlook.day) is not None
    if last is not None:
        if last.is_open or over:
            return None
        # guidance may take several meetings: the next one when the last one counts and is not enough
        more = need.kind is MeetingKind.SYV and fact_id(last.id, "held") in outlook.told
        if last.state is MeetingState.HELD and not more:
            return None
    elif not need.listed(outlook.day):
        return None
    made = fresh(assignment, need, outlook, team, new_id(), last.attempt + 1 if last else 1)
    return replace(_moved(made, need, outlook), revision=1)


def fresh(assignment: str, need: Need, outlook: Outlook, team: str | None, id: str, attempt: int = 1) -> Meeting:
    """A meeting for a need, not booked yet."""
    made = Meeting(id, need.kind, MeetingState.DUE, assignment, need.sequence, attempt, needed=True, team=team)
    return _fitted(made, need, outlook)


def _fitted(one: Meeting, need: Need, outlook: Outlook) -> Meeting:
    """With the days of the need, and the provider in charge if it has a part in it."""
    theirs = need.booker is Role.PROVIDER or MeetingParty.PROVIDER in need.mandatory
    keeps = one.provider is not None and outlook.provider is not None
    return replace(
        one,
        target=need.target,
        book_from=need.book_from,
        book_by=need.book_by,
        hold_by=need.hold_by,
        booker=need.booker,
        rules=need.rules,
        provider=one.provider if keeps or not theirs else outlook.provider,
    )
