"""Stöd och matchning: the weekly minimum, planning for 75 %, study and career guidance, notice of a switch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal

from kundval_contracts.calendar import add_days
from kundval_contracts.codes import Channel, FactKind, ObligationKind, Party
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.som import last_day_with_old, track_on

from .placements import Stay, stays
from .plan import Context, Planned
from .recurring import overlapping
from .weeks import whole_weeks

SUPPLIER_PREMISES = "SUPPLIER_PREMISES"
#: Channels by which nobody is in the premises, whatever the place says.
REMOTE = frozenset({Channel.PHONE, Channel.VIDEO})
FULL = 100


def _with_client(context: Context) -> list[Fact]:
    facts = context.any_of(FactKind.CONTACT, FactKind.ACTIVITY_HELD)
    return [fact for fact in facts if fact.kind is FactKind.ACTIVITY_HELD or fact["party"] is Party.CLIENT]


# --- the weekly minimum ------------------------------------------------------------------------------


@rule("AF-SOM-19")
def weekly_minimum(context: Context) -> Iterator[Planned]:
    """A talk and activities in every whole ISO week, in the basic track (`som.minimum_tracks`, AF-SOM-35).

    The source states the minimum for the basic track alone, which is taken to be track 1; what the other three ask
    for is not known (GAP-11). The track of a week is that of its Monday.
    """
    tracks: Collection[str] = context.settings["som.minimum_tracks"]
    facts = _with_client(context)
    for week in whole_weeks(context.stretches, context.end):
        if track_on(context.case.programme, context.case.facts, week.monday).value not in tracks:
            continue
        met_on = minimum_met_on((fact for fact in facts if fact.on in week), context.settings)
        planned = context.planned(
            ObligationKind.WEEKLY_MINIMUM, week.number, week.sunday, opens_on=week.monday, met_on=met_on
        )
        yield planned.cancelled(week.cut_on) if week.cut_on else planned


@rule("AF-SOM-19")
def minimum_met_on(facts: Iterable[Fact], settings: RuleSettings) -> date | None:
    """The day on which the facts of a week, in order, reach all three: talk, activities, days with activities.

    Activities come on top of the individual talk, and the two days are of activities (AMB-43): a contact is one or
    the other.
    """
    talk = activity = 0
    days: set[date] = set()
    for fact in facts:
        minutes = fact.get("minutes", 0)
        if fact.kind is FactKind.ACTIVITY_HELD or fact.get("activity"):
            activity += minutes
            days.add(fact.on)
        elif fact.get("individual"):
            talk += minutes
        enough = talk >= settings["som.talk_min"] and activity >= settings["som.activity_min"]
        if enough and len(days) >= settings["som.activity_days"]:
            return fact.on
    return None


# --- planning for 75 % -------------------------------------------------------------------------------


@rule("AF-SOM-18")
def planned_enough(planned: Decimal, supply: Decimal, share: Decimal) -> bool:
    """Whether hours planned in a week correspond to the share of the supply of work; exactly the share does."""
    return planned >= share * supply


@rule("AF-SOM-18")
def supply_of_work(extent_pct: int | None, full_time_hours: int) -> Decimal:
    """Hours a week that the participant can work: the extent of the plan, a full time if it names none."""
    return Decimal(full_time_hours) * (FULL if extent_pct is None else extent_pct) / FULL


@rule("AF-SOM-18")
def planned_hours(context: Context) -> Iterator[Planned]:
    """Every whole ISO week has planning for 75 % of the supply of work: "always" is read as per week."""
    settings = context.settings
    supply = supply_of_work(context.case.plan.extent_pct, settings["full_time_hours"])
    spans = [*_activities(context), *(_placement(stay) for stay in stays(context))]
    for week in whole_weeks(context.stretches, context.end):
        days = {max(first, week.monday) for first, last, _ in spans if first <= week.sunday and week.monday <= last}
        met_on = next(
            (
                day
                for day in sorted(days)
                if planned_enough(
                    sum((hours for first, last, hours in spans if first <= day <= last), Decimal(0)),
                    supply,
                    settings["som.plan_share"],
                )
            ),
            None,
        )
        planned = context.planned(
            ObligationKind.PLANNED_HOURS, week.number, week.sunday, opens_on=week.monday, met_on=met_on
        )
        yield planned.cancelled(week.cut_on) if week.cut_on else planned


Span = tuple[date, date, Decimal]


def _activities(context: Context) -> list[Span]:
    """First and last day and weekly hours of each planned activity; planned anew it takes its own place."""
    found: list[Span] = []
    running: dict[str, Fact] = {}

    def close(activity: str, last: date) -> None:
        fact = running.pop(activity, None)
        hours = fact.get("hours_per_week") if fact else None
        if fact is None or not hours:
            return
        until = fact.get("until")
        last = min(last, add_days(until, -1)) if until else last
        if fact.on <= last:
            found.append((fact.on, last, hours))

    for fact in context.any_of(FactKind.ACTIVITY_PLANNED, FactKind.ACTIVITY_ENDED):
        planned = fact.kind is FactKind.ACTIVITY_PLANNED
        close(fact["activity"], add_days(fact.on, -1) if planned else fact.on)
        if planned:
            running[fact["activity"]] = fact
    for activity in list(running):
        close(activity, date.max)
    return found


def _placement(stay: Stay) -> Span:
    """A placement with the hours of its agreement as it was last."""
    return stay.first.on, stay.last_day or date.max, stay.latest.get("hours_per_week", Decimal(0))


# --- study and career guidance -----------------------------------------------------------------------


@rule("AF-SOM-22", "AF-SOM-7")
def syv(context: Context) -> Iterator[Planned]:
    """Two hours of study and career guidance in each period of 90 days, due on its last day.

    What counts are individual meetings with the client in the supplier's premises (see `guidance_met_on`). A period
    that an exit cuts short takes what is still open of it away.
    """
    facts = [fact for fact in context.of(FactKind.CONTACT) if fact["party"] is Party.CLIENT]
    for number, period in enumerate(context.timeline.periods, 1):
        runs = overlapping(context, period)
        if not runs:
            continue
        planned = context.planned(
            ObligationKind.SYV,
            number,
            period.last_day,
            opens_on=max(period.start, runs[0].start or period.start),
            met_on=guidance_met_on((fact for fact in facts if fact.on in period), context.settings),
        )
        last = runs[-1].exit
        if last and last.on < period.last_day and (planned.met_on is None or planned.met_on > last.on):
            planned = planned.cancelled(last.on)
        yield planned


@rule("AF-SOM-22")
def guidance_met_on(facts: Iterable[Fact], settings: RuleSettings) -> date | None:
    """The day on which the facts of a period, in order, reach the minutes of study and career guidance.

    A contact does not say that it was guidance, so each individual one in the premises counts, the weekly talk too;
    in a group or at a distance none does.
    """
    minutes = 0
    for fact in facts:
        if fact.get("individual") and fact.get("place") == SUPPLIER_PREMISES and fact["channel"] not in REMOTE:
            minutes += fact.get("minutes", 0)
            if minutes >= settings["som.syv_min_per_period"]:
                return fact.on
    return None


# --- switch of supplier ------------------------------------------------------------------------------


@rule("AF-SOM-25")
def switch_notice(context: Context) -> Iterator[Planned]:
    """A switch of which notice was given has taken place on the day after the last one with the old supplier."""
    days = context.settings["som.switch_notice_days"]
    for number, fact in enumerate(context.of(FactKind.SWITCH_NOTIFIED), 1):
        taken_over = (day for day, name in context.timeline.charges if name == fact["provider"] and day >= fact.on)
        planned = context.planned(
            ObligationKind.SWITCH_NOTICE,
            number,
            add_days(last_day_with_old(fact.on, days), 1),
            opens_on=fact.on,
            met_on=next(taken_over, None),
        )
        yield context.through(planned, lambda run: None, context.runs_from(fact.on))
