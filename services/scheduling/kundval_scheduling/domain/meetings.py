"""Meetings and the word to the career guide: follow-ups, declined offers, prompt notices, BIP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial

from kundval_contracts.calendar import add_days, add_months, add_workdays
from kundval_contracts.codes import FactKind, MeetingKind, ObligationKind, Programme, Role
from kundval_contracts.facts import Fact
from kundval_contracts.profiles import profiles
from kundval_contracts.rules import rule

from .plan import Context, Planned, Run

#: The AMI 2 series in order: the kind names the place in it when a fact gives no sequence.
AMI2_SERIES = (
    MeetingKind.FOLLOWUP_AMI2_M3,
    MeetingKind.FOLLOWUP_AMI2_M6,
    MeetingKind.FOLLOWUP_AMI2_M9,
    MeetingKind.FOLLOWUP_AMI2_M12,
)


@rule("AMI-7.2-a", "AMI-8.2-a", "AMI-8.2-b")
def follow_up(context: Context) -> Iterator[Planned]:
    """AMI 1: after 45 days. AMI 2: month 3, 6, 9 and 12. Met by holding the meeting (AMB-05, 06, 07)."""
    tolerance = context.settings["followup.tolerance_days"]
    ami1 = context.timeline.programme is Programme.AMI_1
    for sequence, due in _targets(context):
        planned = Planned(
            ObligationKind.FOLLOWUP_MEETING,
            sequence,
            due,
            ("AMI-7.2-a",) if ami1 else ("AMI-8.2-a",),
            tolerance=tolerance,
            met_on=_held(context, sequence, ami1),
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


def _held(context: Context, sequence: int, ami1: bool) -> date | None:
    for fact in context.of(FactKind.MEETING_HELD):
        kind = fact["meeting"]
        if ami1:
            if kind is MeetingKind.FOLLOWUP_AMI1_D45:
                return fact.on
        elif kind in AMI2_SERIES and fact.get("sequence", AMI2_SERIES.index(kind) + 1) == sequence:
            return fact.on
    return None


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
        planned = Planned(
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
    """Declined offers and break-offs are told to the career guide at once: by the next working day (AMB-39).

    Counted from the day on which it was known (reading 37); met by `guide_notified`.
    """
    facts = context.case.of(FactKind.OFFER_DECLINED, FactKind.BROKE_OFF)
    for number, fact in enumerate(facts, 1):
        planned = Planned(
            ObligationKind.PROMPT_NOTICE,
            number,
            add_workdays(fact.known_on, context.settings["prompt_notice.workdays"]),
            _why_prompt(fact),
            met_on=context.first_day(FactKind.GUIDE_NOTIFIED, fact.on),
        )
        if fact.kind is FactKind.OFFER_DECLINED:
            planned = context.through(planned, lambda run: None, context.runs_from(fact.on))
        yield planned


def _why_prompt(fact: Fact) -> tuple[str, ...]:
    if fact.kind is FactKind.BROKE_OFF:
        return ("AMI-10.1-e",)
    return ("AMI-3.2.1-b",) if fact["receives_eb"] else ("AMI-3.2.1-c",)


@rule("LOKA-23")
def bip(context: Context) -> Iterator[Planned]:
    """A new self-assessment every three months after the first one, where the municipality uses BIP (reading 12)."""
    profile = profiles().get(context.tenant.municipality)
    days = [fact.on for fact in context.of(FactKind.BIP_ASSESSED)]
    end = context.timeline.end
    if profile is None or not profile.uses_bip or not days or end is None:
        return
    interval, number, former = context.settings["bip.interval_months"], 1, days[0]
    while (due := add_months(days[0], interval * number)) < end:
        planned = Planned(
            ObligationKind.BIP_ASSESSMENT,
            number,
            due,
            ("LOKA-23",),
            met_on=next((day for day in days if day > former), None),
        )
        yield context.through(planned, partial(_if_ahead, due), context.runs_from(days[0]))
        number, former = number + 1, due
