"""What a case worker should look at: computed from the facts of an assignment, never an obstacle to anything.

Deadlines are the scheduling service's; these are states of things that no deadline shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kundval_contracts.calendar import Period, add_days, add_months
from kundval_contracts.codes import (
    AfWait,
    AssignmentState,
    AttentionKind,
    ExitKind,
    FactKind,
    Party,
    PlacementKind,
    Programme,
)
from kundval_contracts.facts import Fact
from kundval_contracts.followups import next_checkin, next_contact, parties_of
from kundval_contracts.rules import rule

from .base import State, Terms
from .state import must_choose_anew, standing

_P = AssignmentState
_K = FactKind
STUDY_START_SUPPORT = frozenset({ExitKind.STUDY_START_SUPPORT_FULL_TIME, ExitKind.STUDY_START_SUPPORT_PART_TIME})
RUNNING = frozenset({_P.ACTIVE, _P.REASSESSMENT, _P.SWITCHING})


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing to look at: what, since when it is so, and by which rules."""

    kind: AttentionKind
    since: date
    rules: tuple[str, ...]


def attention(state: State, terms: Terms, today: date) -> tuple[Attention, ...]:
    """Everything about the assignment that wants looking at on `today`, by day and kind."""
    found: list[Attention] = []
    if standing(state, terms) in RUNNING:
        for look in (unregistered, idle, practice, unfollowed, unplaced, check_in_due, placement_follow_up):
            found += look(state, terms, today)
        if must_choose_anew(state, terms):
            ended = terms.tenant.providers[state.provider or ""].deauthorised[terms.case.programme]
            found.append(Attention(AttentionKind.MUST_CHOOSE_ANEW, ended, ("NACKA-16",)))
    for look in (unchosen, unreviewed, unanswered, assisted_while_studying, waiting_for_af):
        found += look(state, terms, today)
    return tuple(sorted(found, key=lambda one: (one.since, one.kind.value)))


@rule("NACKA-7")
def unchosen(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """The client has not chosen a provider in the municipality's time: a reminder, and the career guide (GAP-20)."""
    days = terms.tenant.settings["choice.days"]
    shown = state.latest(_K.RESULTS_SHOWN, _K.DECLINED, _K.STEPPED_BACK)
    if days is not None and state.phase is _P.AWAITING_CHOICE and shown is not None:
        due = add_days(shown.on, days)
        if due <= today:
            yield Attention(AttentionKind.NOT_CHOSEN, due, ("NACKA-7",))


@rule("AMI-1.3.2-a")
def unregistered(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """On financial assistance and, by the latest check, not registered as jobseeker."""
    client, check = state.client(terms), state.latest(_K.AF_REGISTRATION_CHECKED)
    if client.receives_eb and check is not None and not check["registered"]:
        yield Attention(AttentionKind.AF_REGISTRATION_MISSING, check.on, ("AMI-1.3.2-a",))


@rule("AMI-3-e")
def idle(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """Neither a placement nor an activity for a month: the other activities go on while a workplace is awaited."""
    done = [
        fact.on
        for fact in state.told
        if fact.kind in (_K.STARTED, _K.RESUMED, _K.ACTIVITY_HELD, _K.ACTIVITY_PLANNED, _K.PLACEMENT_ENDED)
        or (fact.kind is _K.GROUP_ATTENDANCE and fact["attended"])
    ]
    if not state.agreements and done and add_months(max(done), 1) <= today:
        yield Attention(AttentionKind.NEITHER_PLACEMENT_NOR_ACTIVITY, add_months(max(done), 1), ("AMI-3-e",))


@rule("AMI-7.3-a", "AMI-7.3-b", "AMI-7.3-c")
def practice(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """AMI 1: practice, judged needed by somebody, should lead to a job within the intervention time."""
    if terms.case.programme is not Programme.AMI_1:
        return
    end = state.timeline(terms).end
    for fact in state.agreements:
        if fact.get("kind") is not PlacementKind.PRACTICE:
            continue
        until = fact.get("until")
        if end is not None and until is not None and until > end:
            yield Attention(AttentionKind.PRACTICE_BEYOND_END, fact.on, ("AMI-7.3-c",))
        if not fact.get("hire_intended"):
            yield Attention(AttentionKind.HIRING_NOT_INTENDED, fact.on, ("AMI-7.3-c",))
        if fact.get("judged_needed_by") is None and not _stated_as_needed(state):
            yield Attention(AttentionKind.PRACTICE_NOT_JUDGED_NEEDED, fact.on, ("AMI-7.3-a", "AMI-7.3-b"))


@rule("AMI-7.3-d", "LOKA-66")
def unfollowed(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """Practice is followed up closely, with client and employer: each in the last whole week (AMB-10)."""
    if terms.case.programme is not Programme.AMI_1:
        return
    week = Period(add_days(today, -today.weekday() - 7), add_days(today, -today.weekday()))
    met = {fact["party"] for fact in state.told if fact.kind is _K.CONTACT and fact.on in week}
    for fact in state.agreements:
        if fact.get("kind") is PlacementKind.PRACTICE and fact.on <= week.start and not parties_of(fact) <= met:
            yield Attention(AttentionKind.PRACTICE_NOT_FOLLOWED_UP, week.end, ("AMI-7.3-d",))


def _stated_as_needed(state: State) -> bool:
    return any(fact.get("practice_needed") for fact in state.told if fact.kind is _K.DESCRIBED)


@rule("AMI-6-a")
def unplaced(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """Work training is part of the assignment: a report of a month without a placement says why."""
    if not any(fact.get("work_training_stated") for fact in state.told if fact.kind is _K.DESCRIBED):
        return
    placed: list[Fact] = [fact for fact in state.told if fact.kind is _K.PLACEMENT_STARTED]
    report = state.latest(_K.MONTHLY_REPORT)
    if report is not None and not report.get("deviation_reason") and not any(one.on <= report.on for one in placed):
        yield Attention(AttentionKind.NO_PLACEMENT_AND_NO_REASON, report.on, ("AMI-6-a",))


@rule("LOKA-25", "NACKA-13")
def check_in_due(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """The recurring check-in of the municipality's own process, where the profile sets an interval."""
    last = [fact.on for fact in state.told if fact.kind in (_K.STARTED, _K.CHECK_IN)]
    due = next_checkin(terms.profile, max(last)) if last and terms.case.programme.is_local else None
    if due is not None and due < today:
        yield Attention(AttentionKind.CHECK_IN_DUE, due, ("LOKA-25", "NACKA-13"))


@rule("LOKA-67")
def placement_follow_up(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """Placements of the municipality's own process: each contact with the workplace is due some days after the one
    before, closer at first; the last interval goes on. (AMI's first follow-up is an obligation: AMI-6.2-b.)
    """
    if not terms.case.programme.is_local:
        return
    schedule = terms.tenant.settings["placement.followup_schedule_days"]
    for placement in state.agreements:
        contacts = [
            fact.on
            for fact in state.told
            if fact.kind is _K.CONTACT and fact["party"] is Party.WORKPLACE and fact.on >= placement.on
        ]
        due = next_contact(placement.on, sorted(contacts), schedule)
        if due < today:
            yield Attention(AttentionKind.PLACEMENT_FOLLOW_UP_DUE, due, ("LOKA-67",))


@rule("AMI-8.1-e")
def unreviewed(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """A report that deviates from the step-up plan waits for the career guide's decision on a meeting."""
    reviewed = {fact["month"] for fact in state.told if fact.kind is _K.DEVIATION_REVIEWED}
    for fact in state.told:
        if fact.kind is _K.MONTHLY_REPORT and fact.get("deviation_reason") and fact["month"] not in reviewed:
            yield Attention(AttentionKind.DEVIATION_TO_REVIEW, fact.on, ("AMI-8.1-e",))


@rule("LOKA-5")
def unanswered(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """The commissioner's question is answered by the end of the assignment."""
    referral = state.latest(_K.REFERRED)
    end = referral.get("commission_end") if referral else None
    if end is not None and today >= end and state.latest(_K.COMMISSIONER_REPLIED) is None:
        yield Attention(AttentionKind.COMMISSIONER_WAITS, end, ("LOKA-5",))


@rule("AMI-9.3.6-a")
def assisted_while_studying(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """Students have no supplementary assistance, but for study-start support; the assistance unit decides."""
    timeline = state.timeline(terms)
    for one in timeline.exits:
        if one.rule.family != "STUDY" or one.kind in STUDY_START_SUPPORT:
            continue
        window = timeline.window(one)
        if any(Period(fact["from"], fact["to"]).overlaps(window) for fact in timeline.case.of(_K.EB_PAID)):
            yield Attention(AttentionKind.ASSISTANCE_WHILE_STUDYING, one.first_day, ("AMI-9.3.6-a",))


@rule("AF-SOM-34")
def waiting_for_af(state: State, terms: Terms, today: date) -> Iterator[Attention]:
    """Work that waits for the employment service, since the first day on which it did: no deadline moves by it, but a
    late one is explained. What it has answered is waited for no more.
    """
    since: dict[AfWait, date] = {}
    for fact in state.told:
        if fact.kind is _K.WAITING_FOR_AF and fact.on <= today:
            since.setdefault(fact["what"], fact.on)
        elif fact.kind is _K.AF_ANSWERED and fact.on <= today:
            since.pop(fact["what"], None)
    if since:
        yield Attention(AttentionKind.WAITING_FOR_AF, min(since.values()), ("AF-SOM-34",))
