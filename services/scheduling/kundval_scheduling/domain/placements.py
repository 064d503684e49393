"""Placements while they last: how they are followed up, changed agreements, interest in a workplace (AMI-7.3-d)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from kundval_contracts.calendar import add_days
from kundval_contracts.codes import FactKind, ObligationKind, Party, PlacementKind, Programme
from kundval_contracts.facts import Fact
from kundval_contracts.followups import next_contact, parties_of
from kundval_contracts.rules import rule
from kundval_contracts.timeline import replaces

from .plan import Context, Planned
from .recurring import overlapping, report_due, report_period
from .weeks import whole_weeks

_STARTS_OR_ENDS = frozenset(
    {FactKind.PLACEMENT_STARTED, FactKind.PLACEMENT_ENDED, FactKind.EXITED, FactKind.REASSESSED}
)
#: Places in a sequence that a placement has for its own.
PER_PLACEMENT = 1000


@dataclass(frozen=True, slots=True)
class Stay:
    """A placement from its start on; started again at the same workplace it is a change of the agreement.

    latest: the agreement as it was last. last_day: by its end, by the agreement or by the exit; None: it goes on.
    """

    number: int
    first: Fact
    latest: Fact
    changes: tuple[Fact, ...] = ()
    ended_on: date | None = None

    @property
    def last_day(self) -> date | None:
        until = self.latest.get("until")
        days = [day for day in (self.ended_on, add_days(until, -1) if until else None) if day is not None]
        return max(self.first.on, min(days)) if days else None


def stays(context: Context) -> tuple[Stay, ...]:
    """The placements in the order of their start. Several may go on at the same time, one at each workplace."""
    found: list[Stay] = []
    if context.first_day(FactKind.PLACEMENT_STARTED) is None:
        return ()
    for fact in context.case.facts:
        if fact.kind not in _STARTS_OR_ENDS:
            continue
        going_on = [place for place, one in enumerate(found) if one.ended_on is None]
        workplace = fact.get("workplace")
        if fact.kind is FactKind.PLACEMENT_STARTED:
            same = [place for place in going_on if found[place].latest.get("workplace") == workplace]
            if same:
                one = found[same[-1]]
                found[same[-1]] = replace(one, latest=fact, changes=(*one.changes, fact))
            else:
                found.append(Stay(len(found) + 1, fact, fact))
        elif fact.kind is FactKind.PLACEMENT_ENDED or fact.kind is FactKind.EXITED or replaces(fact):
            of_one = fact.kind is FactKind.PLACEMENT_ENDED and workplace is not None
            for place in going_on:
                if not of_one or found[place].latest.get("workplace") == workplace:
                    found[place] = replace(found[place], ended_on=fact.on)
    return tuple(found)


def _contacts(context: Context, party: Party, since: date, until: date | None = None) -> list[date]:
    contacts = context.of(FactKind.CONTACT, since, until or date.max)
    return [fact.on for fact in contacts if fact["party"] is party]


@rule("AMI-7.3-d", "LOKA-66")
def practice_contact(context: Context) -> Iterator[Planned]:
    """AMI 1: in each whole week of practice, contact with the client and with the employer (AMB-10)."""
    if context.timeline.programme is not Programme.AMI_1 or context.end is None:
        return
    for stay in stays(context):
        if stay.latest.get("kind") is not PlacementKind.PRACTICE:
            continue
        parties = parties_of(stay.latest)
        days = {party: _contacts(context, party, stay.first.on, stay.last_day) for party in parties}
        for week in whole_weeks([(stay.first.on, stay.last_day)], context.end):
            firsts = [next((day for day in days[party] if day in week), None) for party in parties]
            met = [day for day in firsts if day is not None]
            planned = context.planned(
                ObligationKind.PRACTICE_CONTACT,
                PER_PLACEMENT * stay.number + week.number,
                week.sunday,
                opens_on=week.monday,
                met_on=max(met) if len(met) == len(parties) else None,
            )
            yield planned.cancelled(week.cut_on) if week.cut_on else planned


@rule("LOKA-67")
def placement_follow_up(context: Context) -> Iterator[Planned]:
    """The municipality's own process: contacts with the workplace, closer at first, then thinned out.

    Each contact sets the day of the next one; an interval that is missed is one obligation, however long it lasts.
    """
    schedule = context.settings["placement.followup_schedule_days"]
    for stay in stays(context):
        contacts = _contacts(context, Party.WORKPLACE, stay.first.on, stay.last_day)
        for step in range(len(contacts) + 1):
            before = contacts[:step]
            opens_on = before[-1] if before else stay.first.on
            if stay.last_day is not None and opens_on >= stay.last_day and step:
                break
            planned = context.planned(
                ObligationKind.PLACEMENT_FOLLOW_UP,
                PER_PLACEMENT * stay.number + step + 1,
                next_contact(stay.first.on, before, schedule),
                opens_on=opens_on,
                met_on=contacts[step] if step < len(contacts) else None,
            )
            if stay.last_day is not None and planned.open_on(stay.last_day):
                planned = planned.cancelled(stay.last_day)
            yield planned


@rule("AMI-6.3.1-d")
def agreement_change(context: Context) -> Iterator[Planned]:
    """AMI 2: a change of the agreement is attached to the report of the month in which it was agreed.

    A month with an exit has no such report: the final one covers it (AMI-8.1-c).
    """
    timeline = context.timeline
    if timeline.programme is not Programme.AMI_2 or timeline.anchor is None:
        return
    changes = sorted((fact for stay in stays(context) for fact in stay.changes), key=lambda fact: fact.order)
    for number, fact in enumerate(changes, 1):
        month = timeline.month_of(fact.on)
        reports = context.of(FactKind.MONTHLY_REPORT, fact.on)
        met_on = next((one.on for one in reports if one["month"] == month and one.get("attachments")), None)
        period = report_period(context, month)
        planned = context.planned(
            ObligationKind.AGREEMENT_CHANGE, number, report_due(context, period), opens_on=fact.on, met_on=met_on
        )
        runs = overlapping(context, period)
        last = runs[-1].exit if runs else None
        if last and last.on <= period.last_day and planned.open_on(last.on):
            planned = planned.cancelled(last.on)
        yield planned


@rule("LOKA-29")
def interest_follow_up(context: Context) -> Iterator[Planned]:
    """Interest in an occupation or workplace is acted upon quickly: a contact, a step towards a placement, or one.

    Without `interest.followup_days` no day is set for it. An exit takes it away.
    """
    days = context.settings["interest.followup_days"]
    for number, fact in enumerate(context.of(FactKind.INTEREST_EXPRESSED), 1):
        acted = _contacts(context, Party.WORKPLACE, fact.on)
        acted += [one.on for one in context.any_of(FactKind.PLACEMENT_STEP, FactKind.PLACEMENT_STARTED)]
        planned = context.planned(
            ObligationKind.INTEREST_FOLLOW_UP,
            number,
            add_days(fact.on, days) if days is not None else None,
            opens_on=fact.on,
            met_on=min((day for day in acted if day >= fact.on), default=None),
        )
        yield context.through(planned, lambda run: None, context.runs_from(fact.on))
