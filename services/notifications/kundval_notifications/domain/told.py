"""Notices that a fact causes on the day on which it is known, up to the exit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from kundval_contracts.answer import Notice
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import DecisionAbout, FactKind, MeetingKind, NoticeKind, Offer, Programme, Role
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule

from .context import Context

K = NoticeKind
CLIENT, PROVIDER, GUIDE = Role.CLIENT, Role.PROVIDER, Role.CAREER_GUIDE
WEEK = 7


@rule("NACKA-7")
def decision_and_choice(context: Context) -> Iterator[Notice]:
    """From the decision to the start: client, chosen provider and career guide hear of each step (SM-A6 to A11)."""
    for fact in context.of(FactKind.DECIDED):
        yield context.told(fact, K.DECISION, CLIENT, "SM-A6")
    for fact in context.of(FactKind.RESULTS_SHOWN):
        yield context.told(fact, K.CHOICE, CLIENT, "NACKA-7")
    for fact in context.of(FactKind.PROVIDER_CHOSEN):
        yield context.told(
            fact,
            K.PROVIDER_CHOSEN,
            PROVIDER,
            "NACKA-7",
            provider=fact["provider"],
            programme=context.case.programme.value,
        )
    for fact in context.of(FactKind.ACCEPTED):
        yield context.told(fact, K.PROVIDER_ACCEPTED, CLIENT, "SM-A9")
    for fact in context.of(FactKind.DECLINED):
        yield context.told(fact, K.PROVIDER_DECLINED, CLIENT, "SM-A10")
        yield context.told(fact, K.PROVIDER_DECLINED, GUIDE, "SM-A10")
    for fact in context.of(FactKind.STARTED):
        yield context.told(fact, K.STARTED, GUIDE, "SM-A11", day=fact.on)


@rule("NACKA-7")
def waiting(context: Context) -> Iterator[Notice]:
    """A choice or an answer that is not made within the time, where the municipality has set one."""
    choice_days, answer_days = context.settings["choice.days"], context.settings["assignment.accept_days"]
    chosen = context.case.of(FactKind.PROVIDER_CHOSEN)
    for fact in list(context.of(FactKind.RESULTS_SHOWN))[:1] if choice_days else ():
        late = add_days(fact.on, choice_days + 1)
        if not any(other.on < late for other in chosen):
            yield context.notice(
                K.CHOICE_OVERDUE, GUIDE, max(late, fact.known_on), ("SM-A7",), fact.place + 1, since=fact.on
            )
    for fact in chosen if answer_days else ():
        late = add_days(fact.on, answer_days + 1)
        started = context.timeline.started
        answers = context.case.of(FactKind.ACCEPTED, FactKind.DECLINED)
        answered = any(other.order > fact.order and other.on < late for other in answers)
        if answered or (started is not None and started.order < fact.order):
            continue
        on = max(late, fact.known_on)
        for to in (PROVIDER, GUIDE):
            yield context.notice(K.ANSWER_OVERDUE, to, on, ("SM-A9",), fact.place + 1, fact["provider"], since=fact.on)


@rule("NACKA-14")
def switches(context: Context) -> Iterator[Notice]:
    """A switch: the provider that leaves and the one that takes over are told; a request goes to the career guide."""
    pending: Fact | None = None
    for fact in context.case.of(FactKind.PROVIDER_SWITCH, FactKind.MANUAL_DECISION):
        switch = fact
        if fact.kind is FactKind.PROVIDER_SWITCH and not fact["approved"]:
            pending = fact
            yield context.told(fact, K.SWITCH_REQUESTED, GUIDE, "NACKA-14", day=fact.on)
            continue
        if fact.kind is FactKind.MANUAL_DECISION:
            if fact["about"] is not DecisionAbout.SWITCH or pending is None:
                continue
            switch, pending = pending, None
            if not fact["approved"]:
                continue
        former = context.timeline.provider_on(add_days(fact.on, -1))
        if former is not None and former != switch["provider"]:
            yield context.told(fact, K.SWITCHED_FROM, PROVIDER, "NACKA-14", provider=former, day=fact.on)
        yield context.told(fact, K.SWITCHED_TO, PROVIDER, "NACKA-14", provider=switch["provider"], day=fact.on)


@rule("AMI-7.2-b", "AMI-8.1-e")
def meetings(context: Context) -> Iterator[Notice]:
    """A booked meeting goes to those invited, a missed one back to the career guide and the provider (SM-M2, M6)."""
    ours = {kind for kind in MeetingKind if kind.value.startswith(("FOLLOWUP_", "THREE_PARTY_"))}
    for fact in context.of(FactKind.MEETING_BOOKED):
        yield context.told(fact, K.MEETING_BOOKED, CLIENT, "SM-M2")
        if fact["meeting"] in ours:
            yield context.told(fact, K.MEETING_BOOKED, GUIDE, "SM-M2", meeting=fact["meeting"].value)
    for fact in context.of(FactKind.MEETING_MISSED):
        for to in (GUIDE, PROVIDER):
            yield context.told(fact, K.MEETING_MISSED, to, "SM-M6", meeting=fact["meeting"].value, day=fact.on)


@rule("AMI-6.3.1-b")
def placements(context: Context) -> Iterator[Notice]:
    """The tripartite agreement is served on the career guide with the report of the placement."""
    for fact in context.of(FactKind.PLACEMENT_STARTED):
        yield context.told(
            fact, K.PLACEMENT_STARTED, GUIDE, "AMI-6.3.1-b", day=fact.on, hours=_hours(fact.get("hours_per_week"))
        )


@rule("AMI-3.2.1-a", "AMI-3.2.1-b", "AMI-3.2.1-c", "AMI-3.2.1-d")
def declined_offers(context: Context) -> Iterator[Notice]:
    """A declined offer: the career guide at once; the agenda follows whether the client has assistance that day.

    A client with assistance who declines practice or work training is told that there is something to read;
    what becomes of the assistance is decided elsewhere.
    """
    for fact in context.of(FactKind.OFFER_DECLINED):
        with_assistance = fact["receives_eb"]
        guide_books = with_assistance and context.settings["declined_offer.booker"] == "CAREER_GUIDE"
        yield context.told(
            fact,
            K.OFFER_DECLINED,
            GUIDE,
            "AMI-3.2.1-b" if with_assistance else "AMI-3.2.1-c",
            day=fact.on,
            offer=fact["offer"].value,
            agenda=agenda(with_assistance),
            booker=(GUIDE if guide_books else PROVIDER).value,
        )
        if with_assistance and fact["offer"] in (Offer.PRACTICE, Offer.WORK_TRAINING):
            yield context.told(fact, K.ASSISTANCE_AT_RISK, CLIENT, "AMI-3.2.1-a")


def agenda(with_assistance: bool) -> str:
    """What the three-party meeting is to be about (AMI-3.2.1-d)."""
    return "KEEP_EB" if with_assistance else "RIGHTS_AND_DUTIES"


@rule("AMI-3.2-a", "AMI-8.1-d")
def hours(context: Context) -> Iterator[Notice]:
    """Fewer than ten hours a week: a new assessment is asked for. Fewer than the placement's: a deviation (WE-15).

    By setting a single report is enough, or the latest reports of two ISO weeks in a row (AMB-31); then the
    second week asks, and a longer streak does not ask again.
    """
    minimum = context.settings["placement.min_hours_week"]
    two_weeks = context.settings["hours_trigger"] == "TWO_WEEKS"
    reports = context.case.of(FactKind.HOURS_REPORTED)
    for fact in reports:
        stated = fact["hours_per_week"]
        if stated < minimum and (not two_weeks or _second_week(reports, fact, minimum)):
            yield context.told(
                fact,
                K.REASSESSMENT_REQUESTED,
                GUIDE,
                "AMI-3.2-a",
                day=fact.on,
                hours=_hours(stated),
                minimum=_hours(minimum),
            )
            continue
        planned = _placement_hours(context, fact)
        if context.case.programme is Programme.AMI_2 and planned is not None and stated < planned:
            yield context.told(
                fact,
                K.DEVIATION_REPORTED,
                GUIDE,
                "AMI-8.1-d",
                "AMI-8.1-e",
                day=fact.on,
                reported=f"{_hours(stated)} h",
                planned=f"{_hours(planned)} h",
            )


def _monday(day: date) -> date:
    return add_days(day, -day.weekday())


def _second_week(reports: tuple[Fact, ...], fact: Fact, minimum: Decimal) -> bool:
    """True if `fact` is the latest of its week, and the week before, but not the one before that, was below too."""
    latest = {_monday(report.on): report for report in reports}
    monday = _monday(fact.on)

    def below(weeks: int) -> bool:
        report = latest.get(add_days(monday, -weeks * WEEK))
        return report is not None and bool(report["hours_per_week"] < minimum)

    return latest[monday] is fact and below(1) and not below(2)


def _placement_hours(context: Context, fact: Fact) -> Decimal | None:
    """Hours of the placement that runs on the day of the report, by the latest start."""
    running: Fact | None = None
    for other in context.case.of(FactKind.PLACEMENT_STARTED, FactKind.PLACEMENT_ENDED):
        if other.order < fact.order:
            running = other if other.kind is FactKind.PLACEMENT_STARTED else None
    return running.get("hours_per_week") if running else None


def _hours(number: Decimal | None) -> str:
    return "-" if number is None else f"{number.normalize():f}"


@rule("AMI-8.1-d", "AMI-8.1-e")
def deviations(context: Context) -> Iterator[Notice]:
    """AMI 2: a monthly report below the step-up plan, or with a reason why: the career guide decides what follows."""
    if context.case.programme is not Programme.AMI_2:
        return
    for fact in context.of(FactKind.MONTHLY_REPORT):
        planned, stated = _planned_extent(context, fact["month"]), fact.get("extent_pct")
        below = stated is not None and planned is not None and stated < planned
        if below or fact.get("deviation_reason"):
            yield context.told(
                fact,
                K.DEVIATION_REPORTED,
                GUIDE,
                "AMI-8.1-d",
                "AMI-8.1-e",
                day=fact.on,
                reported="-" if stated is None else f"{stated} %",
                planned="-" if planned is None else f"{planned} %",
            )


def _planned_extent(context: Context, month: int) -> int | None:
    """The extent that the step-up plan asks for on the month's first day."""
    if context.timeline.anchor is None:
        return None
    first = context.timeline.month(month).start
    extent = context.case.plan.extent_pct
    for step in sorted(context.case.plan.step_up, key=lambda step: step.start):
        if step.start <= first:
            extent = step.extent_pct
    return extent
