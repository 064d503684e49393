"""The end of an intervention and what follows it: final report, premium follow-ups, bonus claim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from kundval_contracts.calendar import add_months
from kundval_contracts.codes import DecisionAbout, Document, FactKind, ObligationKind, Programme
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule
from kundval_contracts.tariffs import Model
from kundval_contracts.timeline import Exit

from .plan import Context, Planned


@rule("AMI-8.2-c", "AMI-9.2-b")
def final_report(context: Context) -> Iterator[Planned]:
    """The final report: by the last covered day, or with an earlier exit (readings 11 and 59).

    Each run ends with one of its own; the exit, or a claim later on, brings it.
    """
    last = context.timeline.last_covered_day
    if last is None:
        return
    rules = ("AMI-8.2-c",) if context.timeline.programme is Programme.AMI_2 else ("AMI-9.2-b",)
    for run in context.runs:
        planned = context.planned(ObligationKind.FINAL_REPORT, run.number + 1, last, rules)
        if run.exit is not None:  # the exit brings its report, on whatever day it falls
            due = planned.due if run.exit.on > last else run.exit.on
            planned = replace(planned, due=due, met_on=_reported(context, run.exit))
        yield planned


def _reported(context: Context, one: Exit) -> date | None:
    if Document.FINAL_REPORT in one.fact.get("documents", ()):
        return one.on
    until = one.resumed.on if one.resumed else date.max
    claims = context.of(FactKind.BONUS_CLAIMED, one.on, until)
    return next((claim.on for claim in claims if Document.FINAL_REPORT in claim.get("documents", ())), None)


def _refused_on(context: Context, one: Exit, about: DecisionAbout) -> date | None:
    decision = context.timeline.decision_for(one, about)
    return decision.on if decision is not None and not decision["approved"] else None


@rule("AMI-10.1-b", "AMI-10.1-f")
def premium_follow_ups(context: Context) -> Iterator[Planned]:
    """One follow-up for every premium month, due on its last covered day (readings 11 and 41).

    A break-off takes away the months that it falls in or precedes; those that ended before stay owed.
    """
    timeline, wanted = context.timeline, context.settings["premium.followups_per_month"]
    for one in timeline.exits:
        if timeline.anchor is None or timeline.end is None or timeline.last_covered_day is None:
            continue
        if not timeline.leads_to_money(one):
            continue
        stopped_on = one.break_off.on if one.break_off else None
        if stopped_on is None and context.timeline.needs_approval(one):
            stopped_on = _refused_on(context, one, DecisionAbout.BONUS)
        first = timeline.month_of(timeline.basis(one)) + 1
        for number in range(first, timeline.month_count(timeline.end) + 1):
            due = min(timeline.month(number).last_day, timeline.last_covered_day)
            reports = [fact.on for fact in context.of(FactKind.PREMIUM_FOLLOW_UP, one.on) if fact["month"] == number]
            planned = context.planned(
                ObligationKind.PREMIUM_FOLLOW_UP,
                number,
                due,
                ("AMI-10.1-b",),
                met_on=reports[wanted - 1] if len(reports) >= wanted else None,
            )
            if stopped_on is not None and planned.open_on(stopped_on):
                planned = planned.cancelled(stopped_on)
            yield planned


@rule("AMI-9-b", "AMI-10.2-b", "AMI-10.2-c")
def bonus_claim(context: Context) -> Iterator[Planned]:
    """The claim for the one bonus of an intervention, from the qualifying exit on (readings 11, 25 and 40).

    What forfeits the bonus takes the claim away. Of two exits the first that is not forfeited counts.
    """
    timeline, months = context.timeline, context.settings["bonus.claim_deadline_months"]
    rules = ("AMI-10.2-c",) if timeline.has_part(Model.RESULT_BONUS_TIERS) else ("AMI-10.2-b",)
    for one in timeline.exits:
        if not context.timeline.leads_to_money(one):
            continue
        claims = timeline.claims(one)
        planned = context.planned(
            ObligationKind.BONUS_CLAIM,
            1,
            add_months(timeline.window(one).end, months) if months else None,
            rules,
            met_on=claims[0].on if claims else None,
        )
        lost = [forfeited_on(context, one)]
        # the first of two exits can be claimed until the second one is
        lost += [claim.on for other in timeline.exits if other.on > one.on for claim in timeline.claims(other)[:1]]
        day = min((day for day in lost if day is not None), default=None)
        yield planned.cancelled(day) if day is not None and planned.open_on(day) else planned


@rule("AMI-9-e", "AMI-10.2-d")
def forfeited_on(context: Context, one: Exit) -> date | None:
    """The first day on which it is clear from the facts that there will be no bonus for this exit."""
    timeline = context.timeline
    window = timeline.window(one)
    days = [_refused_on(context, one, DecisionAbout.BOUNDARY) if timeline.boundary(one) else None]
    if timeline.broke_off_before_settle(one) and one.break_off is not None:
        days.append(one.break_off.on)
    key = "ami1.employer_change" if timeline.programme is Programme.AMI_1 else "ami2.employer_change"
    changes = [fact for fact in _changes(context, one) if fact.on in window]
    days += [fact.on for fact in changes if context.settings[key] == "FORFEIT" or fact["gap_days"] > 0]
    refused = _refused_on(context, one, DecisionAbout.BONUS)
    asked = context.timeline.needs_approval(one) or one.first_day > timeline.basis(one) or bool(changes)
    other_length = timeline.programme is Programme.AMI_2 and not timeline.has_ordinary_length
    if refused is not None and (asked or other_length or refused >= window.end):
        days.append(refused)
    return min((day for day in days if day is not None), default=None)


def _changes(context: Context, one: Exit) -> Iterator[Fact]:
    """Changes to another workplace than the one before, or with a gap."""
    workplace = one.fact.get("workplace")
    for fact in context.of(FactKind.WORKPLACE_CHANGED, one.on):
        if fact["workplace"] != workplace or fact["gap_days"] > 0:
            yield fact
        workplace = fact["workplace"]
