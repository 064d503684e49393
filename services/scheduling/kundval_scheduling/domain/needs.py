"""Which meetings the rules ask for (rulebook 8.2, SM-M1), from the facts alone.

A need says for what, by when it is to be booked and held, by whom and with whom, and from the facts: whether it has
been met, whether it has gone, and whether somebody has booked it elsewhere. Weekly contacts, forum meetings and group
sessions are booked because somebody wants them; no need asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from kundval_contracts.calendar import add_days
from kundval_contracts.codes import DeviationOutcome, FactKind, MeetingKind, MeetingParty, Programme, Role
from kundval_contracts.facts import Fact
from kundval_contracts.followups import AMI2_SERIES, place_in_series
from kundval_contracts.meeting_facts import is_told_by_scheduling
from kundval_contracts.rules import rule

from . import meetings, som, start
from .plan import Context, Planned

_P = MeetingParty
#: client, career guide and provider, all three of them (AMI-7.2-b)
THREE = (_P.CLIENT, _P.CAREER_GUIDE, _P.PROVIDER)

#: Who has to be there, by kind; of a kind that is not named nobody in particular.
MANDATORY: dict[MeetingKind, tuple[MeetingParty, ...]] = {
    MeetingKind.START_UP: (_P.CLIENT, _P.PROVIDER),
    MeetingKind.FOLLOWUP_AMI1_D45: THREE,
    **dict.fromkeys(AMI2_SERIES, THREE),
    MeetingKind.THREE_PARTY_DECLINED_OFFER: THREE,
    MeetingKind.THREE_PARTY_EXTRA: THREE,
    MeetingKind.ASSESSMENT: (_P.CLIENT, _P.CAREER_GUIDE),
    MeetingKind.WEEKLY_CONTACT: (_P.CLIENT,),
    MeetingKind.STUDY_GUIDANCE: (_P.CLIENT,),
    MeetingKind.AF_COORDINATOR: (_P.CAREER_GUIDE, _P.AF_COORDINATOR),
    MeetingKind.BIP: (_P.CLIENT,),
    MeetingKind.SYV: (_P.CLIENT, _P.PROVIDER),
}

#: Kinds of which a meeting that was held is not enough: the minutes of guidance are (AF-SOM-22).
_MET_OTHERWISE = frozenset({MeetingKind.SYV})


#: Kinds that belong to one programme, or to those of one family; every other kind suits all.
_OF_PROGRAMMES: dict[MeetingKind, frozenset[Programme]] = {
    MeetingKind.FOLLOWUP_AMI1_D45: frozenset({Programme.AMI_1}),
    **dict.fromkeys(AMI2_SERIES, frozenset({Programme.AMI_2})),
    MeetingKind.SYV: frozenset(one for one in Programme if one.is_som),
}


@rule("AMI-7.2-a", "AMI-8.2-a", "AF-SOM-22")
def suits(kind: MeetingKind, programme: Programme) -> bool:
    """Whether there is such a meeting in that programme."""
    return kind not in _OF_PROGRAMMES or programme in _OF_PROGRAMMES[kind]


@dataclass(frozen=True, slots=True)
class Need:
    """A meeting that a rule asks for. Days are inclusive; those that no rule sets are None.

    book_from: it is listed from this day on. book_by: booked later than that it is late. hold_by: the last day on
    which it is held in time. met_on, cancelled_on: what became of it. booked_on: it has been booked elsewhere, as a
    fact tells, and was not missed since.
    """

    kind: MeetingKind
    sequence: int
    book_from: date
    rules: tuple[str, ...]
    target: date | None = None
    book_by: date | None = None
    hold_by: date | None = None
    booker: Role = Role.PROVIDER
    met_on: date | None = None
    cancelled_on: date | None = None
    booked_on: date | None = None

    @property
    def key(self) -> tuple[MeetingKind, int]:
        return self.kind, self.sequence

    @property
    def mandatory(self) -> tuple[MeetingParty, ...]:
        return MANDATORY[self.kind]

    def listed(self, day: date) -> bool:
        """Whether there is a meeting to speak of by `day`: what was met or gone before its time never was one."""
        over = [one for one in (self.met_on, self.cancelled_on) if one is not None]
        return self.book_from <= min([day, *over])

    def changes_after(self, day: date) -> date | None:
        """The first day after `day` on which it may be listed, or its meeting be late, by time alone."""
        if self.met_on is not None and self.met_on <= day:
            return None
        days = [self.book_from, self.met_on, self.cancelled_on]
        days += [add_days(last, 1) for last in (self.book_by, self.hold_by) if last is not None]
        return min((one for one in days if one is not None and one > day), default=None)


def needs(context: Context) -> tuple[Need, ...]:
    """Every meeting that the rules ask for in this case, one for each kind and sequence, in that order."""
    found: dict[tuple[MeetingKind, int], Need] = {}
    for rule_of in _rules(context):
        for need in rule_of(context):
            found.setdefault(need.key, need)
    return tuple(found.values())


def ended(context: Context) -> Fact | None:
    """The exit that no resumption has followed: what is booked after it is off (SM-M8)."""
    exits = context.timeline.exits
    return exits[-1].fact if exits and exits[-1].resumed is None else None


def _rules(context: Context) -> Iterator[Callable[[Context], Iterator[Need]]]:
    yield assessment
    yield start_up
    if context.timeline.decided is None:
        return
    programme = context.case.programme
    if programme.is_ami:
        yield follow_ups
        yield declined_offers
        yield study_guidance
    if programme.is_ami or programme.is_local:
        yield self_assessments
    if programme.is_som:
        yield guidance_of_som
    yield extra
    yield coordinator


# --- before and at the start ---------------------------------------------------------------------------


@rule("NACKA-3", "LOKA-13")
def assessment(context: Context) -> Iterator[Need]:
    """SM-A3: the assessment in person, once the preparation has found the client relevant."""
    prepared = next((fact for fact in context.of(FactKind.PREPARED) if fact["relevant"]), None)
    if prepared is None:
        return
    over = (FactKind.DECIDED, FactKind.REJECTED, FactKind.REDIRECTED_TO_AF, FactKind.STEPPED_BACK)
    ends = [fact.on for fact in context.case.of(*over) if fact.on >= prepared.on]
    yield _need(
        context,
        MeetingKind.ASSESSMENT,
        1,
        prepared.on,
        ("NACKA-3",),
        booker=Role.CAREER_GUIDE,
        met_on=context.first_day(FactKind.ASSESSED, prepared.on),
        cancelled_on=min(ends, default=None),
    )


@rule("AMI-3-a", "AMI-3-c")
def start_up(context: Context) -> Iterator[Need]:
    """SM-A9, SM-A11: from the acceptance until the start. No source sets a day for it."""
    accepted = _accepted(context)
    if accepted is None:
        return
    yield _need(
        context,
        MeetingKind.START_UP,
        1,
        accepted.on,
        ("SM-A11",),
        met_on=context.timeline.started_on,
        cancelled_on=context.timeline.end,
    )


def _accepted(context: Context) -> Fact | None:
    """The acceptance that stands: of the provider that was chosen last before the start, and not stepped back from."""
    found = None
    chosen = (FactKind.ACCEPTED, FactKind.PROVIDER_CHOSEN, FactKind.DECLINED, FactKind.STEPPED_BACK, FactKind.STARTED)
    for fact in context.case.of(*chosen):
        if fact.kind is FactKind.STARTED:
            break
        found = fact if fact.kind is FactKind.ACCEPTED else None
    return found


@rule("AMI-4.2-a")
def study_guidance(context: Context) -> Iterator[Need]:
    """Study guidance at the start, by whichever of the three channels (AMI-4.2-b)."""
    anchor = start.plan_anchor(context)
    for planned in start.study_guidance(context):
        if anchor is not None:
            yield _planned(context, MeetingKind.STUDY_GUIDANCE, planned, anchor, since=date.min)


# --- while it runs -------------------------------------------------------------------------------------


@rule("AMI-7.2-a", "AMI-7.2-b", "AMI-8.2-a", "AMI-8.2-b")
def follow_ups(context: Context) -> Iterator[Need]:
    """The follow-up meetings as they are planned, each with the days of its booking. They presuppose the start.

    One that was moved to the last covered day is late when that is over (AMB-06).
    """
    timeline, settings = context.timeline, context.settings
    if timeline.started_on is None:
        return
    ami1 = timeline.programme is Programme.AMI_1
    capped = not ami1 and settings["ami2.final_meeting.cap"] == "LAST_COVERED_DAY"
    for planned, booking in zip(meetings.follow_up(context), meetings.book_meeting(context), strict=True):
        target = planned.due
        kind = MeetingKind.FOLLOWUP_AMI1_D45 if ami1 else AMI2_SERIES[min(planned.sequence, len(AMI2_SERIES)) - 1]
        yield _planned(
            context,
            kind,
            planned,
            max(booking.opens_on, timeline.started_on),
            book_by=booking.due,
            hold_by=target if capped and target == timeline.last_covered_day else planned.overdue_after,
        )


@rule("AMI-3.2.1-b", "AMI-3.2.1-c")
def declined_offers(context: Context) -> Iterator[Need]:
    """A three-party meeting for every declined offer; whom it falls to book: AMB-29."""
    for fact, planned in zip(context.of(FactKind.OFFER_DECLINED), meetings.three_party(context), strict=True):
        yield _planned(context, MeetingKind.THREE_PARTY_DECLINED_OFFER, planned, fact.on)


@rule("AMI-8.1-e")
def extra(context: Context) -> Iterator[Need]:
    """The extra meeting that the career guide has decided on, before the ordinary follow-up."""
    reviewed = [
        fact for fact in context.of(FactKind.DEVIATION_REVIEWED) if fact["outcome"] is DeviationOutcome.EXTRA_MEETING
    ]
    ahead = [planned.due for planned in meetings.follow_up(context) if planned.due] if reviewed else []
    for number, fact in enumerate(reviewed, 1):
        exits = [run.exit.on for run in context.runs if run.exit and run.exit.on >= fact.on]
        yield _need(
            context,
            MeetingKind.THREE_PARTY_EXTRA,
            number,
            fact.on,
            ("AMI-8.1-e",),
            hold_by=min((day for day in ahead if day >= fact.on), default=None),
            booker=Role.CAREER_GUIDE,
            since=fact.on,
            cancelled_on=min(exits, default=None),
        )


@rule("LOKA-23")
def self_assessments(context: Context) -> Iterator[Need]:
    """A meeting for each self-assessment that is due, booked with the lead times of a follow-up."""
    lead = context.settings["booking_lead_days"]
    for planned in meetings.bip(context):
        if planned.due is None:
            continue
        book_by = add_days(planned.due, -lead)
        yield _planned(context, MeetingKind.BIP, planned, add_days(book_by, -lead), book_by=book_by)


@rule("AF-SOM-22")
def guidance_of_som(context: Context) -> Iterator[Need]:
    """Study and career guidance in each period of 90 days; it may take more than one meeting."""
    for planned in som.syv(context):
        yield _planned(context, MeetingKind.SYV, planned, planned.opens_on)


@rule("AMI-2.2-a", "AMI-2.2-b")
def coordinator(context: Context) -> Iterator[Need]:
    """A provider has asked for AF's coordinator: the career guide meets the coordinator, nobody goes there directly."""
    for number, fact in enumerate(context.of(FactKind.COORDINATOR_REQUESTED), 1):
        exits = [run.exit.on for run in context.runs if run.exit and run.exit.on >= fact.on]
        yield _need(
            context,
            MeetingKind.AF_COORDINATOR,
            number,
            fact.on,
            ("AMI-2.2-b",),
            booker=Role.CAREER_GUIDE,
            since=fact.on,
            met_on=context.first_day(FactKind.COORDINATOR_BROKERED, fact.on),
            cancelled_on=min(exits, default=None),
        )


# --- from facts ----------------------------------------------------------------------------------------


def _planned(
    context: Context,
    kind: MeetingKind,
    planned: Planned,
    book_from: date,
    *,
    book_by: date | None = None,
    hold_by: date | None = None,
    since: date | None = None,
) -> Need:
    """The need behind an obligation: with its due day, rules, who answers, and what became of it."""
    return _need(
        context,
        kind,
        planned.sequence,
        book_from,
        planned.rules,
        target=planned.due,
        book_by=book_by,
        hold_by=hold_by or planned.overdue_after,
        booker=planned.responsible,
        since=book_from if since is None else since,
        met_on=planned.met_on,
        cancelled_on=planned.cancelled_on,
    )


def _need(
    context: Context,
    kind: MeetingKind,
    sequence: int,
    book_from: date,
    rules: tuple[str, ...],
    *,
    target: date | None = None,
    book_by: date | None = None,
    hold_by: date | None = None,
    booker: Role = Role.PROVIDER,
    since: date = date.min,
    met_on: date | None = None,
    cancelled_on: date | None = None,
) -> Need:
    kinds = (FactKind.MEETING_BOOKED, FactKind.MEETING_HELD, FactKind.MEETING_MISSED)
    about = [fact for fact in context.case.of(*kinds) if _is_about(fact, kind, sequence)]
    held = [fact.on for fact in about if fact.kind is FactKind.MEETING_HELD and fact.on >= since]
    if kind in _MET_OTHERWISE:
        held = []
    met = min([*held, *([met_on] if met_on else [])], default=None)
    if met is not None and cancelled_on is not None:
        met, cancelled_on = (met, None) if met <= cancelled_on else (None, cancelled_on)
    others = [fact for fact in about if fact.kind is not FactKind.MEETING_HELD and not is_told_by_scheduling(fact.id)]
    booked = others[-1].on if others and others[-1].kind is FactKind.MEETING_BOOKED else None
    return Need(kind, sequence, book_from, rules, target, book_by, hold_by, booker, met, cancelled_on, booked)


def _is_about(fact: Fact, kind: MeetingKind, sequence: int) -> bool:
    """Whether a fact is about this meeting of its kind; one that does not say which is about whichever it may be.

    In the series of AMI 2 the sequence says which, as it does for the obligations.
    """
    if kind in AMI2_SERIES:
        return fact["meeting"] in AMI2_SERIES and place_in_series(fact) == sequence
    return fact["meeting"] is kind and fact.get("sequence", sequence) == sequence
