"""Meetings and the word to the career guide: follow-ups, declined offers, prompt notices, BIP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import count

from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.codes import FactKind, MeetingKind, ObligationKind, Programme, Role
from kundval_contracts.facts import Fact
from kundval_contracts.followups import place_in_series
from kundval_contracts.rules import rule
from kundval_contracts.workdays import workdays_after

from .local import bip_due_day, bip_due_days
from .plan import Context, Planned, Run


@rule("AMI-7.2-a", "AMI-8.2-a", "AMI-8.2-b")
def follow_up(context: Context) -> Iterator[Planned]:
    """AMI 1: after 45 days. AMI 2: month 3, 6, 9 and 12. Met by holding the meeting (AMB-05, 06, 07)."""
    ami1 = context.timeline.programme is Programme.AMI_1
    for sequence, due in _targets(context):
        planned = context.planned(
            ObligationKind.FOLLOWUP_MEETING,
            sequence,
            due,
            ("AMI-7.2-a",) if ami1 else ("AMI-8.2-a",),
            met_on=_first(context, sequence, ami1, FactKind.MEETING_HELD),
        )
        yield context.through(planned, partial(_if_ahead, due))


def _if_ahead(due: date, run: Run) -> date | None:
    """The clock is not reset by a resumption (AMB-24): dates that lie ahead stand, the others are gone."""
    return due if run.start is not None and due >= run.start else None


def _targets(context: Context) -> Iterator[tuple[int, date]]:
    """Sequence and target day of each planned follow-up meeting.

    A meeting is planned if its month has been reached by the end of the intervention. From the decision
    date the last one is moved to the last covered day; from the start-up meeting it may fall after it (WE-10).
    """
    timeline, settings = context.timeline, context.settings
    if timeline.anchor is None or timeline.end is None or timeline.last_covered_day is None:
        return
    if timeline.programme is Programme.AMI_1:
        target = add_days(timeline.anchor, settings["ami1.followup.offset_days"])
        if target < timeline.end:
            yield 1, target
        return
    from_start = settings["ami2.followup.anchor"] == "START_UP"
    anchor = timeline.started_on if from_start else timeline.decided_on
    if anchor is None:
        return
    cap = settings["ami2.final_meeting.cap"] == "LAST_COVERED_DAY" and not from_start
    for sequence, months in enumerate(settings["ami2.followup.months"], 1):
        if add_months(timeline.anchor, months) <= timeline.end:
            target = add_months(anchor, months)
            yield sequence, min(target, timeline.last_covered_day) if cap else target


def _first(context: Context, sequence: int, ami1: bool, *kinds: FactKind) -> date | None:
    """The first day with a fact of these kinds about the follow-up meeting with this place in the series."""
    for fact in context.any_of(*kinds):
        of_ami1 = fact["meeting"] is MeetingKind.FOLLOWUP_AMI1_D45
        if of_ami1 is ami1 and place_in_series(fact) == sequence:
            return fact.on
    return None


@rule("AMI-7.2-a", "AMI-8.2-b")
def book_meeting(context: Context) -> Iterator[Planned]:
    """Each follow-up meeting is to be booked, from its lead time on (AMB-05, AMB-07).

    AMI 1: from the lead time before the target day, by that day. AMI 2: from twice the lead time, by the lead time.
    It goes with the meeting: with one that is planned again after a resumption it is asked for again.
    """
    ami1, lead = context.timeline.programme is Programme.AMI_1, context.settings["booking_lead_days"]
    rules = ("AMI-7.2-a",) if ami1 else ("AMI-8.2-b",)
    for sequence, target in _targets(context):
        due = target if ami1 else add_days(target, -lead)
        planned = context.planned(
            ObligationKind.BOOK_MEETING,
            sequence,
            due,
            rules,
            opens_on=add_days(due, -lead),
            met_on=_first(context, sequence, ami1, FactKind.MEETING_BOOKED, FactKind.MEETING_HELD),
        )
        yield context.through(planned, partial(_while_ahead, target, due))


def _while_ahead(target: date, due: date, run: Run) -> date | None:
    return max(due, run.start) if run.start is not None and target >= run.start else None


@rule("AMI-3.2.1-b", "AMI-3.2.1-c")
def three_party(context: Context) -> Iterator[Planned]:
    """A three-party meeting for every declined offer. No day is set for it; whom it falls to book: AMB-29.

    A meeting held without sequence is about every offer declined up to then.
    """
    for number, fact in enumerate(context.of(FactKind.OFFER_DECLINED), 1):
        guide_books = fact["receives_eb"] and context.settings["declined_offer.booker"] == "CAREER_GUIDE"
        held = (
            meeting.on
            for meeting in context.of(FactKind.MEETING_HELD, fact.on)
            if meeting["meeting"] is MeetingKind.THREE_PARTY_DECLINED_OFFER
            and meeting.get("sequence", number) == number
        )
        planned = context.planned(
            ObligationKind.THREE_PARTY_MEETING,
            number,
            None,
            ("AMI-3.2.1-b",) if fact["receives_eb"] else ("AMI-3.2.1-c",),
            responsible=Role.CAREER_GUIDE if guide_books else Role.PROVIDER,
            met_on=next(held, None),
        )
        yield context.through(planned, lambda run: run.start, context.runs_from(fact.on))


@rule("AMI-3.2.1-b", "AMI-3.2.1-c", "AMI-10.1-e")
def prompt_notice(context: Context) -> Iterator[Planned]:
    """Declined offers are told to the career guide as soon as possible, break-offs without delay: by the next working
    day, unless the municipality says otherwise of either (AMB-39).

    Counted from the day on which it was known (reading 37); met by `guide_notified`.
    """
    facts = context.any_of(FactKind.OFFER_DECLINED, FactKind.BROKE_OFF)
    for number, fact in enumerate(facts, 1):
        planned = context.planned(
            ObligationKind.PROMPT_NOTICE,
            number,
            workdays_after(fact.known_on, _prompt_workdays(context, fact), context.settings),
            _why_prompt(fact),
            met_on=context.first_day(FactKind.GUIDE_NOTIFIED, fact.on),
        )
        if fact.kind is FactKind.OFFER_DECLINED:
            planned = context.through(planned, lambda run: None, context.runs_from(fact.on))
        yield planned


def _prompt_workdays(context: Context, fact: Fact) -> int:
    words = "without_delay" if fact.kind is FactKind.BROKE_OFF else "as_soon_as_possible"
    stated: int | None = context.settings[f"prompt_notice.{words}_workdays"]
    return int(context.settings["prompt_notice.workdays"]) if stated is None else stated


def _why_prompt(fact: Fact) -> tuple[str, ...]:
    if fact.kind is FactKind.BROKE_OFF:
        return ("AMI-10.1-e",)
    return ("AMI-3.2.1-b",) if fact["receives_eb"] else ("AMI-3.2.1-c",)


@rule("LOKA-23")
def bip(context: Context) -> Iterator[Planned]:
    """A new self-assessment every three months after the first one, where the municipality uses BIP (reading 12).

    In the municipality's own process, which need not have an end, each is listed as the one before has been due.
    """
    days = [fact.on for fact in context.of(FactKind.BIP_ASSESSED)]
    if context.profile is None or not context.profile.uses_bip or not days:
        return
    if context.case.programme.is_local:
        yield from context.opened(_self_assessments(context, days))
        return
    former, interval = days[0], context.settings["bip.interval_months"]
    for number, due in enumerate(bip_due_days(days[0], context.end, interval) if context.end else (), 1):
        yield _self_assessment(context, days, number, former, due)
        former = due


def _self_assessments(context: Context, days: list[date]) -> Iterator[Planned]:
    interval, former = context.settings["bip.interval_months"], days[0]
    for number in count(1):
        due = bip_due_day(days[0], number, interval)
        if context.end is not None and due >= context.end:
            return
        yield replace(_self_assessment(context, days, number, former, due), opens_on=former)
        former = due


def _self_assessment(context: Context, days: list[date], number: int, former: date, due: date) -> Planned:
    met_on = next((day for day in days if day > former), None)
    planned = context.planned(ObligationKind.BIP_ASSESSMENT, number, due, met_on=met_on)
    return context.through(planned, partial(_if_ahead, due), context.runs_from(days[0]))
