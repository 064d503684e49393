"""Notices that follow from the obligations: soon due, to be booked, overdue; and the end of the period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from kundval_contracts.answer import Notice, Obligation
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import FactKind, MeetingKind, ObligationKind, ObligationState, Programme, Role
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule

from .context import Context
from .kinds import NoticeKind
from .told import agenda

K = NoticeKind
O = ObligationKind  # noqa: E741
PROVIDER, GUIDE = Role.PROVIDER, Role.CAREER_GUIDE

#: Days before the due day on which a reminder goes out.
LEAD_DAYS = 7
#: Kinds that are reminded of; meetings have their own notices, what is due at once or every week has none.
REMINDED = frozenset(
    {
        O.MAPPING_AND_PLAN,
        O.STUDY_GUIDANCE,
        O.PLACEMENT,
        O.MONTHLY_REPORT,
        O.FINAL_REPORT,
        O.BIP_ASSESSMENT,
        O.PREMIUM_FOLLOW_UP,
        O.BONUS_CLAIM,
    }
)
#: Kinds whose delay the career guide hears of too (SM-M7, SM-R4; AMI-3-c: reminder and escalation).
ESCALATED = frozenset({O.MAPPING_AND_PLAN, O.PLACEMENT, O.FOLLOWUP_MEETING, O.MONTHLY_REPORT, O.FINAL_REPORT})
_KINDS = tuple(ObligationKind)
_PER_KIND = 1000


def _sequence(row: Obligation) -> int:
    """Tells the obligations apart, whatever else is due on the same day."""
    return _PER_KIND * (_KINDS.index(row.kind) + 1) + row.sequence


def _since(context: Context, row: Obligation) -> date:
    """The first day on which the obligation can have been known: that of the latest fact that plans it."""
    kinds = [FactKind.DECIDED, FactKind.STARTED, FactKind.RESUMED]
    if row.kind in (O.PREMIUM_FOLLOW_UP, O.BONUS_CLAIM):
        kinds.append(FactKind.EXITED)
    days = [fact.known_on for fact in context.case.of(*kinds) if row.due is None or fact.on <= row.due]
    return max(days, default=date.min)


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
        context.timeline.provider_on(on),
        obligation=row.kind.value,
        number=row.sequence,
        due=row.due or "AT_ONCE",
        **more,
    )


@rule("AMI-3-c", "AMI-4.2-a", "AMI-8.3-a", "AMI-8.1-c", "AMI-8.2-c", "AMI-10.1-b", "LOKA-23")
def reminders(context: Context) -> Iterator[Notice]:
    """A week before the due day, if it is still to be done. The report of an exit is not reminded of."""
    exit_days = {one.on for one in context.timeline.exits}
    for row in context.obligations:
        if row.kind not in REMINDED or row.due is None or (row.kind is O.FINAL_REPORT and row.due in exit_days):
            continue
        on = max(add_days(row.due, -LEAD_DAYS), _since(context, row))
        if on <= row.due and _still_unmet(row, on):
            yield _make(context, K.OBLIGATION_DUE_SOON, row.responsible, on, row)


@rule("AMI-3-a", "AMI-3-c", "AMI-6.2-b", "AMI-8.2-a", "AMI-8.3-a", "AMI-10.1-b", "AMI-10.1-e", "AMI-1.3.1-b")
def overdue(context: Context) -> Iterator[Notice]:
    """The day after the time is past: who is responsible, and for what is escalated the career guide as well.

    Serving the agreement is left out: it is told and met at the same moment.
    """
    for row in context.obligations:
        if row.overdue_after is None or row.kind is O.SERVE_TRIPARTITE_AGREEMENT:
            continue
        on = max(add_days(row.overdue_after, 1), _since(context, row))
        if _still_unmet(row, on):
            yield _make(context, K.OBLIGATION_OVERDUE, row.responsible, on, row)
            if row.kind in ESCALATED and row.responsible is not GUIDE:
                yield _make(context, K.OBLIGATION_OVERDUE, GUIDE, on, row)


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
        booked = _booked_on(context, row)
        done = min((day for day in (booked, row.met_on) if day is not None), default=date.max)
        on = max(add_days(row.due, -lead if ami1 else -2 * lead), since)
        if on <= row.due and done >= on:
            yield _make(context, K.MEETING_TO_BOOK, row.responsible, on, row, agenda="FOLLOW_UP")
        late = row.due if ami1 else add_days(row.due, -lead)
        for to, day in ((row.responsible, add_days(late, 1)), (GUIDE, add_days(row.due, 1))):
            if day > since and done >= day:
                yield _make(context, K.MEETING_NOT_BOOKED, to, day, row)


def _booked_on(context: Context, row: Obligation) -> date | None:
    """The first booking of this follow-up meeting."""
    for fact in context.of(FactKind.MEETING_BOOKED):
        if _place_in_series(fact) == row.sequence:
            return fact.on
    return None


def _place_in_series(fact: Fact) -> int | None:
    kind = fact["meeting"]
    if kind is MeetingKind.FOLLOWUP_AMI1_D45:
        return 1
    series = (
        MeetingKind.FOLLOWUP_AMI2_M3,
        MeetingKind.FOLLOWUP_AMI2_M6,
        MeetingKind.FOLLOWUP_AMI2_M9,
        MeetingKind.FOLLOWUP_AMI2_M12,
    )
    return int(fact.get("sequence", series.index(kind) + 1)) if kind in series else None


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
