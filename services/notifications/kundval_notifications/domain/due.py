"""Notices that follow from the obligations: soon due, to be booked, overdue; and the end of the period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from kundval_contracts.answer import Notice, Obligation
from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.codes import FactKind, NoticeKind, ObligationKind, ObligationState, Programme, Role
from kundval_contracts.followups import place_in_series
from kundval_contracts.obligations import Step, terms
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Exit

from .context import Context
from .told import agenda

K = NoticeKind
O = ObligationKind  # noqa: E741
PROVIDER, GUIDE = Role.PROVIDER, Role.CAREER_GUIDE

#: what follows an exit, and is of the provider whose exit it is
OF_AN_EXIT = frozenset({O.PREMIUM_FOLLOW_UP, O.BONUS_CLAIM})
_PLACES = {kind: place for place, kind in enumerate(ObligationKind, 1)}
_PER_KIND = 1000
_PER_LONG_KIND = 1000 * _PER_KIND


def _sequence(row: Obligation) -> int:
    """Tells the obligations apart, whatever else is due on the same day. Few kinds count further than a thousand."""
    return (_PER_KIND if row.sequence < _PER_KIND else _PER_LONG_KIND) * _PLACES[row.kind] + row.sequence


def _since(context: Context, row: Obligation) -> date:
    """The first day on which the obligation can have been known: that of the latest fact that plans it."""
    planned_by = context.known_days(terms()[row.kind].planned_by)
    return max((known_on for on, known_on in planned_by if row.due is None or on <= row.due), default=date.min)


def _still_unmet(row: Obligation, day: date) -> bool:
    """True if it was neither met nor taken away by the start of `day`."""
    return row.state is not ObligationState.CANCELLED and (row.met_on is None or row.met_on >= day)


def _make(context: Context, kind: NoticeKind, to: Role, on: date, row: Obligation, **more: object) -> Notice:
    return context.notice(
        kind,
        to,
        on,
        row.rules,
        _sequence(row),
        _provider(context, row, on) if to is PROVIDER else None,
        obligation=row.kind.value,
        number=row.sequence,
        due=row.due or "AT_ONCE",
        **more,
    )


def _provider(context: Context, row: Obligation, on: date) -> str | None:
    """The provider in charge that day; of what follows an exit the one whose exit it is, whoever has the client now."""
    one = _exit_of(context, row)
    return (one.provider if one else None) or context.timeline.provider_on(on)


def _exit_of(context: Context, row: Obligation) -> Exit | None:
    timeline, months = context.timeline, context.settings["bonus.claim_deadline_months"]
    if row.kind not in OF_AN_EXIT or row.due is None:
        return None
    if row.kind is O.PREMIUM_FOLLOW_UP or not months:
        return timeline.exit_before(row.due)
    return next((one for one in timeline.exits if add_months(timeline.window(one).end, months) == row.due), None)


@rule(
    "AMI-3-c", "AMI-4.2-a", "AMI-8.3-a", "AMI-8.1-c", "AMI-8.2-c", "AMI-10.1-b", "LOKA-5", "LOKA-23", "AF-SOM-22"
)  # fmt: skip
def reminders(context: Context) -> Iterator[Notice]:
    """Some days before the due day, by kind, if it is still to be done. The report of an exit is not reminded of.

    Meetings have their own notices; what is due at once or every week has none.
    """
    exit_days = {one.on for one in context.timeline.exits}
    for row in context.obligations:
        lead = terms()[row.kind].remind_days
        if lead is None or row.due is None or (row.kind is O.FINAL_REPORT and row.due in exit_days):
            continue
        on = max(add_days(row.due, -lead), _since(context, row))
        if on <= row.due and _still_unmet(row, on):
            yield _make(context, K.OBLIGATION_DUE_SOON, row.responsible, on, row)


@rule(
    "AMI-3-a", "AMI-3-c", "AMI-6.2-b", "AMI-7.3-d", "AMI-8.2-a", "AMI-8.3-a", "AMI-10.1-b", "AMI-10.1-e",
    "AMI-1.3.1-b", "AF-SOM-7", "AF-SOM-18", "AF-SOM-19", "AF-SOM-22", "AF-SOM-25", "LOKA-5", "LOKA-25", "LOKA-29",
    "LOKA-41", "LOKA-67",
)  # fmt: skip
def overdue(context: Context) -> Iterator[Notice]:
    """The day after the time is past: who is responsible, and the career guide when an escalation comes to them.

    What has notices of its own is left out (SM-M7, SM-R4; AMI-3-c: reminder and escalation).
    """
    for row in context.obligations:
        known = terms()[row.kind]
        by_itself = not known.told or (row.kind is O.PERIOD_END and context.case.programme.is_ami)
        if row.overdue_after is None or by_itself:
            continue
        since = _since(context, row)
        on = max(add_days(row.overdue_after, 1), since)
        if _still_unmet(row, on):
            yield _make(context, K.OBLIGATION_OVERDUE, row.responsible, on, row)
        for step in known.escalation if row.responsible is not GUIDE else ():
            day = max(step.on(row.overdue_after, context.settings), since)
            if _is_at_once(step) and _still_unmet(row, day):
                yield _make(context, K.OBLIGATION_OVERDUE, GUIDE, day, row)


def _is_at_once(step: Step) -> bool:
    """The career guide who hears of a delay on its first day hears of the delay itself, as the sources have it."""
    return step.to is GUIDE and step.after == 0


@rule(
    "AMI-3-c", "AMI-3-a", "AMI-6.2-b", "AMI-7-b", "AMI-7.2-a", "AMI-7.3-d", "AMI-8-c", "AMI-8.2-a", "AMI-8.2-b",
    "AMI-8.3-a", "AMI-10.1-b", "AMI-10.1-e", "AF-SOM-19", "AF-SOM-22", "AF-SOM-25", "LOKA-5", "LOKA-25", "LOKA-67",
)  # fmt: skip
def escalations(context: Context) -> Iterator[Notice]:
    """Every later step of the escalation of what is not made good: career guide first, then the team manager.

    Who answers for it anyway is no step. Of what can be met in its own time alone nobody hears once a later one is met,
    and after the exit nobody of what only a running intervention asks for.
    """
    for row in context.obligations:
        if row.overdue_after is None:
            continue
        since = _since(context, row)
        over = context.moot_on(row)
        for step in terms()[row.kind].escalation:
            if step.to is row.responsible or _is_at_once(step):
                continue
            day = max(step.on(row.overdue_after, context.settings), since)
            past = context.passed.get(row.key)
            asked = (past is None or past >= day) and (over is None or over >= day)
            if asked and _still_unmet(row, day):
                yield _make(context, K.OBLIGATION_ESCALATED, step.to, day, row)


@rule("AMI-7.2-a", "AMI-8.2-b", "AMI-3.2.1-b", "AMI-3.2.1-c")
def booking(context: Context) -> Iterator[Notice]:
    """Meetings to book (SM-M1) and, once the lead time has passed, not booked (SM-M3).

    AMI 1: to be booked from the lead time before day 45, late after that day (AMB-07). AMI 2: from twice the
    lead time, late after the lead time; the provider first, on the target day the career guide (AMI-8.2-b).
    """
    lead = context.settings["booking_lead_days"]
    ami1 = context.case.programme is Programme.AMI_1
    for row in context.obligations:
        if row.kind is O.THREE_PARTY_MEETING:
            yield from _declined(context, row)
        if row.kind is not O.FOLLOWUP_MEETING or row.due is None or row.state is ObligationState.CANCELLED:
            continue
        since = _since(context, row)
        booked = booked_on(context, row)
        done = min((day for day in (booked, row.met_on) if day is not None), default=date.max)
        on = max(add_days(row.due, -lead if ami1 else -2 * lead), since)
        if on <= row.due and done >= on:
            yield _make(context, K.MEETING_TO_BOOK, row.responsible, on, row, agenda="FOLLOW_UP")
        late = row.due if ami1 else add_days(row.due, -lead)
        for to, day in ((row.responsible, add_days(late, 1)), (GUIDE, add_days(row.due, 1))):
            if day > since and done >= day:
                yield _make(context, K.MEETING_NOT_BOOKED, to, day, row)


def booked_on(context: Context, row: Obligation) -> date | None:
    """The first booking of this follow-up meeting."""
    for fact in context.of(FactKind.MEETING_BOOKED):
        if place_in_series(fact) == row.sequence:
            return fact.on
    return None


def _declined(context: Context, row: Obligation) -> Iterator[Notice]:
    """The meeting about a declined offer is to be booked from the day on which that was known."""
    facts = context.case.of(FactKind.OFFER_DECLINED)
    if row.sequence <= len(facts) and row.state is not ObligationState.CANCELLED:
        fact = facts[row.sequence - 1]
        yield _make(context, K.MEETING_TO_BOOK, row.responsible, fact.known_on, row, agenda=agenda(fact["receives_eb"]))


@rule("AMI-7-b", "AMI-8-c")
def period_ended(context: Context) -> Iterator[Notice]:
    """The end date is reached without an exit: career guide and provider (SM-A22)."""
    timeline = context.timeline
    running = timeline.started is not None and (not timeline.exits or timeline.exits[-1].resumed is not None)
    if timeline.end is None or not running:
        return
    rules = ("AMI-7-b",) if context.case.programme is Programme.AMI_1 else ("AMI-8-c",)
    on = max(timeline.end, timeline.started.known_on if timeline.started else timeline.end)
    for to in (GUIDE, PROVIDER):
        yield context.notice(K.PERIOD_ENDED, to, on, rules, 1, timeline.provider_on(timeline.end), day=timeline.end)
