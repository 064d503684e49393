"""From the decision to the exit: choice and start, and what the provider does and reports while it runs."""

from __future__ import annotations

from datetime import date
from typing import Any

from kundval_contracts.calendar import add_days, add_months, add_workdays

from . import people
from .chance import Chance, weekday
from .market import AMI_1, AMI_2, choose, named, unable
from .story import AS_OF, Story

SIGNED = ["CLIENT", "PROVIDER", "EMPLOYER"]
AGREEMENT = {"schedule": "by the week", "tasks": "as agreed with the workplace", "follow_up": "every week"}
SERIES = ("FOLLOWUP_AMI2_M3", "FOLLOWUP_AMI2_M6", "FOLLOWUP_AMI2_M9", "FOLLOWUP_AMI2_M12")
CHANNELS = (("IN_PERSON", 60), ("PHONE", 25), ("VIDEO", 10), ("OTHER", 5))
REASON = "The workplace offered fewer hours than planned this month."


# --- decision, choice, start -------------------------------------------------------------------------


def intake(story: Story, chance: Chance) -> date | None:
    """Decision, choice, acceptance, start-up meeting; the day of that meeting, or None if it was never held."""
    story.tell(story.decided, "decided")
    day = chance.soon(story.decided, 0, 4)
    if chance.yes(0.005):
        # chosen before the results were shown: refused, and chosen again
        story.tell(story.decided, "provider_chosen", provider=choose(chance, story.programme, story.decided).id)
    story.tell(day, "results_shown")
    if chance.yes(0.015):
        return None
    day = _choose(story, chance, chance.soon(day, 0, 8))
    while chance.yes(0.025):
        day = story.tell(chance.soon(day, 1, 3), "declined")
        day = _choose(story, chance, chance.soon(day, 1, 5), story.provider)
    day = chance.soon(day, 0, 3)
    named_itself: dict[str, Any] = {"provider": story.provider} if chance.yes(0.2) else {}
    story.tell(day, "accepted", **named_itself)
    if chance.yes(0.01):
        return None
    story.started = story.tell(chance.soon(day, 1, 10), "started")
    return story.started


def _choose(story: Story, chance: Chance, day: date, *but: str) -> date:
    informed = story.client.get("youth_guarantee_informed_on")
    if informed is not None and chance.yes(0.02):
        # informed only after the first choice, which is refused for that
        story.client["youth_guarantee_informed_on"] = add_days(day, 1)
    elif chance.yes(0.008):
        story.tell(day, "provider_chosen", provider=unable(chance, story.programme, day).id)
        day = chance.soon(day, 1, 2)
    story.seller = choose(chance, story.programme, day, but)
    story.tell(day, "provider_chosen", provider=story.provider)
    informed = story.client.get("youth_guarantee_informed_on")
    if informed is not None and informed > day:
        day = story.tell(chance.soon(informed, 0, 3), "provider_chosen", provider=story.provider)
    return day


# --- what the provider does --------------------------------------------------------------------------


def run(story: Story, chance: Chance, start: date, until: date, again: bool = False) -> None:
    """Everything between the start, or a resumption (`again`), and the last active day `until`."""
    until = min(until, story.last_day, AS_OF)
    if not again:
        _beginning(story, chance, start, until)
        _bip(story, chance, start, until)
    if story.programme == AMI_2:
        _placements(story, chance, start, until, again)
    routine(story, chance, start, until)
    if not again:
        _incidents(story, chance, start, until)


def routine(story: Story, chance: Chance, start: date, until: date) -> None:
    """What comes back every week or month between two days: contact, job search, meetings, reports."""
    _contacts(story, chance, start, until)
    _job_search(story, chance, start, until)
    _follow_ups(story, chance, start, until)
    if story.programme == AMI_2:
        _reports(story, chance, start, until)


def _beginning(story: Story, chance: Chance, start: date, until: date) -> None:
    """Mapping, plan and guidance, mostly within 14 days of the start."""
    if story.programme not in (AMI_1, AMI_2):
        return
    mapped = add_days(start, chance.between(2, 9) if chance.yes(story.care) else chance.between(15, 25))
    planned = add_days(mapped, chance.between(1, 5))
    if planned <= until:
        story.tell(weekday(mapped), "mapping_done")
        story.tell(planned, "plan_done")
    studies = add_days(start, chance.between(3, 14) if chance.yes(story.care) else chance.between(15, 40))
    if studies <= until and chance.yes(0.97):
        story.tell(studies, "study_guidance")
    work = add_days(start, chance.between(10, 35))
    if work <= until and chance.yes(0.97):
        story.tell(work, "work_guidance")


def _bip(story: Story, chance: Chance, start: date, until: date) -> None:
    """Self-assessments, where the provider uses them: soon after the start, then about every third month."""
    if not chance.yes(0.4 if story.programme == AMI_2 else 0.05):
        return
    first = chance.soon(start, 1, 10)
    number = 0
    day = first
    while day <= until:
        if number == 0 or chance.yes(0.88):
            story.tell(day, "bip_assessed")
        number += 1
        day = chance.soon(add_months(first, 3 * number), -12, 4)


def _placements(story: Story, chance: Chance, start: date, until: date, again: bool) -> None:
    """Work training with its agreement, within four weeks of the decision if it goes well; sometimes a second one."""
    if chance.yes(0.06):
        return
    latest = add_days(start if again else story.decided, 28)
    day = add_days(start, chance.between(3, 16))
    day = min(day, latest) if chance.yes(story.care - 0.05) and start < latest else chance.soon(latest, 1, 35)
    number = 1
    while day <= until:
        hours = chance.pick(((8, 2), (10, 12), (12, 12), (15, 22), (20, 32), (25, 8), (30, 8), (40, 4)))
        place = f"workplace-{chance.between(1, 180)}"
        fields: dict[str, Any] = {"workplace": place, "hours_per_week": hours, "agreement": AGREEMENT}
        if chance.yes(0.015):
            # refused: the employer has not signed; told again when it has
            story.tell(day, "placement_started", **fields, signatures=SIGNED[:2])
            day = min(chance.soon(day, 1, 6), until)
        late = add_days(day, chance.between(1, 9)) if chance.yes(0.08) else None
        story.tell(day, "placement_started", known_on=late, **fields, signatures=SIGNED)
        if chance.yes(story.care):
            story.tell(add_days(day, chance.between(2, 7)), "contact", channel="PHONE", party="WORKPLACE")
        ended = add_days(day, chance.between(70, 160))
        if ended > until or number == 3:
            return
        story.tell(ended, "placement_ended", workplace=place)
        number += 1
        day = chance.soon(ended, 3, 30)


def _contacts(story: Story, chance: Chance, start: date, until: date) -> None:
    """Contacts with the client: one in each whole week, but for some, or now and then if nobody asks for them."""
    if story.programme not in (AMI_1, AMI_2):
        return
    share = story.care + 0.03 if story.weekly_contacts else 0.15
    monday = add_days(start, -start.weekday() % 7)
    while add_days(monday, 6) <= until:
        if chance.yes(share):
            story.tell(add_days(monday, chance.between(0, 4)), "contact", channel=chance.pick(CHANNELS), party="CLIENT")
        monday = add_days(monday, 7)


def _job_search(story: Story, chance: Chance, start: date, until: date) -> None:
    """The number of jobs applied for, once for each month: 20 in AMI 1, as the plan says in AMI 2."""
    quota = {AMI_1: 20}.get(story.programme, story.plan.get("job_search_quota", 0))
    if not quota:
        return
    for number in range(story.month_of(start), story.months + 1):
        month = story.month(number)
        if add_days(month.start, 20) > until:
            return
        if chance.yes(0.04):
            continue
        count = quota + chance.between(0, 6) if chance.yes(0.84) else max(0, quota - chance.between(1, 5))
        day = min(month.last_day if chance.yes(0.92) else chance.soon(month.end, 0, 5), until)
        half = add_days(month.start, 14)
        if count > 10 and half >= start and chance.yes(0.2):
            story.tell(half, "jobs_applied", count=count // 2, month=number)
            count -= count // 2
        story.tell(day, "jobs_applied", count=count, month=number)


def _follow_ups(story: Story, chance: Chance, start: date, until: date) -> None:
    """Three-party meetings: after 45 days in AMI 1, every third month in AMI 2; booked, held, missed, forgotten."""
    if story.programme == AMI_1:
        targets = [("FOLLOWUP_AMI1_D45", add_days(story.decided, 45))]
    elif story.programme == AMI_2:
        months = [add_months(story.decided, 3 * number) for number in range(1, 5)]
        targets = list(zip(SERIES, (min(day, story.last_day) for day in months), strict=True))
    else:
        return
    for kind, target in targets:
        if target < start:
            continue
        if target > until:
            return
        if not chance.yes(story.care + 0.02):
            continue
        if chance.yes(0.9):
            booked = max(start, add_days(target, -chance.between(15, 34)))
            story.tell(weekday(booked), "meeting_booked", meeting=kind)
        # on time is up to two weeks after the target day
        held = chance.soon(target, -9, 4) if chance.yes(0.9) else chance.soon(target, 15, 30)
        if chance.yes(0.06):
            story.tell(weekday(target), "meeting_missed", meeting=kind)
            if chance.yes(0.25):
                continue
            held = chance.soon(weekday(target), 4, 12)
        if kind == SERIES[-1]:
            held = min(held, until)
        if held <= until:
            story.tell(max(start, held), "meeting_held", meeting=kind)


def _reports(story: Story, chance: Chance, start: date, until: date) -> None:
    """A monthly report for each whole month, with the reason if the client managed less than planned."""
    changed = {
        story.month_of(date.fromisoformat(fact["on"])) for fact in story.facts if fact["fact"] == "placement_started"
    }
    for number in range(story.month_of(start), story.months + 1):
        month = story.month(number)
        if month.last_day > until:
            return
        if not chance.yes(story.care + 0.03):
            continue
        fields: dict[str, Any] = {"month": number, "extent_pct": people.extent_in(story.plan, month.start)}
        if chance.yes(0.07) and fields["extent_pct"] > 25:
            fields["extent_pct"] -= 25
            if chance.yes(0.93):
                fields["deviation_reason"] = REASON
        if number in changed:
            fields["attachments"] = [f"agreement-{story.id}-{number}"]
        late = chance.between(8, 25) if chance.yes(0.06) else chance.between(-1, 6)
        day = story.tell(add_days(month.last_day, late), "monthly_report", **fields)
        if fields["extent_pct"] < people.extent_in(story.plan, month.start) and "deviation_reason" not in fields:
            # refused without a reason; sent again
            story.tell(add_days(day, 3), "monthly_report", **fields, deviation_reason=REASON)


def _incidents(story: Story, chance: Chance, start: date, until: date) -> None:
    """Offers that are declined, fewer hours than ten, a switch to another provider."""
    if (until - start).days < 40:
        return
    if story.programme in (AMI_1, AMI_2) and chance.yes(0.055):
        _declined_offer(story, chance, chance.day(add_days(start, 15), add_days(until, -15)))
    if story.programme == AMI_2 and chance.yes(0.07):
        hours = chance.pick(((9.5, 3), (8, 3), (6, 2), (10, 2), (12, 2)))
        story.tell(chance.day(add_days(start, 20), add_days(until, -10)), "hours_reported", hours_per_week=hours)
    if chance.yes(0.05):
        _switch(story, chance, chance.soon(add_days(start, 20), 0, (until - start).days - 35))


def _declined_offer(story: Story, chance: Chance, day: date) -> None:
    known = add_days(day, chance.between(0, 3))
    offer = chance.pick((("WORK", 4), ("PRACTICE", 3), ("WORK_TRAINING", 4)))
    story.tell(day, "offer_declined", known, offer=offer, receives_eb=story.client["receives_eb"])
    if chance.yes(0.93):
        late = add_days(known, chance.between(4, 10))
        story.tell(add_workdays(known, chance.between(0, 1)) if chance.yes(0.85) else late, "guide_notified")
    if chance.yes(0.8):
        story.tell(chance.soon(known, 5, 20), "meeting_held", meeting="THREE_PARTY_DECLINED_OFFER")


def _switch(story: Story, chance: Chance, day: date) -> None:
    """At once if approved; else a person decides some days later."""
    if chance.yes(0.06):
        # refused: not authorised
        story.tell(day, "provider_switch", provider=unable(chance, story.programme, day).id, approved=True)
        return
    new = choose(chance, story.programme, day, (story.provider,))
    if chance.yes(0.7):
        story.tell(day, "provider_switch", provider=new.id, approved=True)
    else:
        story.tell(day, "provider_switch", provider=new.id, approved=False)
        approved = chance.yes(0.6)
        story.tell(chance.soon(day, 2, 10), "manual_decision", about="SWITCH", approved=approved, by=officer(chance))
        if not approved:
            return
    story.seller = named(new.id)
    if chance.yes(0.5):
        story.tell(chance.soon(day, 0, 3), "accepted", provider=new.id)


def officer(chance: Chance) -> str:
    """Opaque id of the municipal officer who decides."""
    return f"officer-{chance.between(1, 6)}"
