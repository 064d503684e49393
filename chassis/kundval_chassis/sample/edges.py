"""The first residents of the sample: one for each boundary of the rules, so that a small sample has them too.

What an ordinary year brings by chance only now and then is told here on the exact day: decisions on leap day and
at month ends, exits on the last day of a tier, birthdays on the decision date, corrections after payment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from kundval_contracts.calendar import add_days, add_months

from .market import AMI_1, AMI_2, BASIC, named
from .running import AGREEMENT, SIGNED
from .story import Story

Edge = Callable[[str], Story]

D = date
WORK_PAPERS = ["FINAL_REPORT", "EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"]
STUDY_PAPERS = ["FINAL_REPORT", "STUDY_CERTIFICATE", "TRIAL_CALCULATION"]


def _open(id: str, programme: str, decided: date, provider: str = "bjork", **client: Any) -> Story:
    """A resident on financial assistance, 40 years old, and a half-time plan; `client` says what is different."""
    row = {
        "birth_date": add_months(decided, -12 * 40 - 3),
        "resident": True,
        "receives_eb": True,
        "af_registered": True,
        "work_ability_pct": 100 if programme == AMI_1 else 50,
        "outside_work_and_studies": True,
        **client,
    }
    step_up = [{"from": add_months(decided, 3), "extent_pct": 100}]
    plan = {"extent_pct": 50, "job_search_quota": 5, "step_up": step_up} if programme == AMI_2 else {}
    return Story(id, programme, decided, row, plan, named(provider))


def _started(id: str, programme: str, decided: date, provider: str = "bjork", **client: Any) -> Story:
    """The same, chosen, accepted and started within ten days."""
    story = _open(id, programme, decided, provider, **client)
    story.tell(decided, "decided")
    story.tell(add_days(decided, 1), "results_shown")
    story.tell(add_days(decided, 4), "provider_chosen", provider=provider)
    story.tell(add_days(decided, 5), "accepted")
    story.started = story.tell(add_days(decided, 10), "started")
    if programme in (AMI_1, AMI_2):
        for days, fact in ((15, "mapping_done"), (18, "plan_done"), (20, "study_guidance"), (24, "work_guidance")):
            story.tell(add_days(decided, days), fact)
    return story


def _work(story: Story, on: date, known: date | None = None, **fields: Any) -> date:
    """An exit to ordinary full-time work, with all papers unless `fields` say otherwise."""
    told: dict[str, Any] = {
        "kind": "WORK_FULL_TIME", "first_day": on, "extent_pct": 100, "workplace": f"workplace-{story.id}",
        "employment_form": "ORDINARY", "documents": WORK_PAPERS, **fields,
    }  # fmt: skip
    return story.tell(on, "exited", known, **told)


def _followed(story: Story, months: Iterable[int]) -> None:
    for number in months:
        story.tell(add_days(story.month(number).last_day, -2), "premium_follow_up", month=number, continues=True)


def _claimed(story: Story, start: date, days: int = 3) -> date:
    return story.tell(add_days(add_months(start, 6), days), "bonus_claimed", certified=True, documents=[])


# --- the story that has everything ---------------------------------------------------------------------


def told_too_late(id: str) -> Story:
    """Premium paid, a break-off told two months late, resumed with another provider, work again, bonus of tier 3."""
    story = _started(id, AMI_2, D(2024, 3, 15))
    _placed(story, D(2024, 4, 8), 20)
    _work(story, D(2024, 6, 20))
    _followed(story, range(5, 9))
    story.tell(D(2024, 10, 8), "broke_off", D(2024, 12, 9))
    story.tell(D(2024, 12, 10), "guide_notified")
    story.tell(D(2024, 12, 12), "provider_chosen", provider="gran")
    story.tell(D(2024, 12, 16), "accepted", provider="gran")
    story.tell(D(2025, 1, 7), "resumed", provider="gran")
    _work(story, D(2025, 2, 3))
    _followed(story, [12])
    _claimed(story, D(2025, 2, 3))
    return story


def assistance_told_after_the_bonus(id: str) -> Story:
    """A bonus that was paid and has to be credited: assistance within the six months became known afterwards."""
    story = _started(id, AMI_1, D(2024, 4, 2), "pil")
    _work(story, D(2024, 5, 20))
    _followed(story, [3])
    _claimed(story, D(2024, 5, 20))
    story.tell(D(2024, 9, 1), "eb_paid", D(2025, 2, 10), from_=D(2024, 9, 1), to=D(2024, 10, 1), scope="CLIENT")
    return story


def exit_told_late(id: str) -> Story:
    """Fees were paid for months after an exit that nobody had told of; they become premium months."""
    story = _started(id, AMI_2, D(2024, 5, 2), "tall")
    _work(story, D(2024, 9, 16), D(2024, 12, 20))
    _followed(story, range(9, 13))
    for number in range(6, 9):
        story.tell(D(2024, 12, 20), "premium_follow_up", month=number, continues=True)
    _claimed(story, D(2024, 9, 16), 10)
    return story


# --- dates -----------------------------------------------------------------------------------------------


def decided_on_leap_day(id: str) -> Story:
    """Decided on the first day of the rule set, 29 February: a year later the intervention ends on the 28th."""
    story = _started(id, AMI_2, D(2024, 2, 29), "ek")
    _placed(story, D(2024, 3, 28), 15)  # day 28: in time
    story.tell(D(2025, 2, 27), "exited", kind="PERIOD_ENDED", documents=["FINAL_REPORT"])
    return story


def decided_before_the_rules(id: str) -> Story:
    """A day earlier: refused."""
    story = _open(id, AMI_2, D(2024, 2, 28))
    story.tell(story.decided, "decided")
    return story


def last_day_of_tier_one(id: str) -> Story:
    """Decided on 31 August, exit on 27 February: still month 6, the whole bonus."""
    story = _started(id, AMI_2, D(2024, 8, 31), "gran")
    _placed(story, D(2024, 9, 29), 12)  # day 29: late
    _work(story, D(2025, 2, 27))
    _followed(story, range(7, 13))
    _claimed(story, D(2025, 2, 27))
    return story


def first_day_of_tier_two(id: str) -> Story:
    """Exit a day later, on 28 February: month 7, half of it."""
    story = _started(id, AMI_2, D(2024, 8, 31), "gran")
    _placed(story, D(2024, 9, 20), 12)
    _work(story, D(2025, 2, 28))
    _followed(story, range(8, 13))
    _claimed(story, D(2025, 2, 28))
    return story


def last_day_of_ami_1(id: str) -> Story:
    """Exit on day 89, the last covered one: in time."""
    story = _started(id, AMI_1, D(2024, 9, 30), "al")
    _work(story, add_days(story.decided, 89))
    _claimed(story, add_days(story.decided, 89))
    return story


def day_ninety_approved(id: str) -> Story:
    """Exit on day 90: too late by days, in time by months. A person says yes."""
    story = _day_ninety(id)
    story.tell(D(2025, 2, 3), "manual_decision", about="BOUNDARY", approved=True, by="officer-2")
    _claimed(story, add_days(story.decided, 90))
    return story


def day_ninety_undecided(id: str) -> Story:
    """The same, and nobody has decided."""
    story = _day_ninety(id)
    _claimed(story, add_days(story.decided, 90))
    return story


def _day_ninety(id: str) -> Story:
    story = _started(id, AMI_1, D(2024, 10, 1), "alm")
    _work(story, add_days(story.decided, 90))
    return story


def exit_on_the_end_date(id: str) -> Story:
    """AMI 2: the end date is the first day that is not covered, so an exit on it gives nothing."""
    story = _started(id, AMI_2, D(2024, 3, 31), "bok")
    _placed(story, D(2024, 4, 25), 10)
    _work(story, D(2025, 3, 31))
    return story


# --- people ----------------------------------------------------------------------------------------------


def sixty_seven_today(id: str) -> Story:
    """67 on the decision date: refused."""
    story = _open(id, AMI_2, D(2024, 6, 3), birth_date=D(1957, 6, 3))
    story.tell(story.decided, "decided")
    return story


def sixty_seven_tomorrow(id: str) -> Story:
    """67 the day after: still in the group."""
    story = _started(id, AMI_2, D(2024, 6, 3), "lind", birth_date=D(1957, 6, 4))
    _placed(story, D(2024, 6, 25), 20)
    story.tell(D(2024, 11, 4), "exited", kind="BENEFIT_OTHER_PUBLIC", documents=["FINAL_REPORT"])
    return story


def eighteen_today(id: str) -> Story:
    """18 on the decision date, under the municipality's duty to follow up young people."""
    who = {"birth_date": D(2006, 8, 12), "receives_eb": False, "in_kaa": True, "af_registered": False}
    story = _started(id, AMI_1, D(2024, 8, 12), "pil", **who, youth_guarantee_informed_on=D(2024, 8, 12))
    study: dict[str, Any] = {
        "extent_pct": 100,
        "csn_eligible": True,
        "first_day": D(2024, 9, 2),
        "documents": STUDY_PAPERS,
    }
    story.tell(D(2024, 9, 2), "exited", kind="STUDY_FULL_TIME", **study)
    _followed(story, [2, 3])
    _claimed(story, D(2024, 9, 2), 5)
    return story


def not_informed(id: str) -> Story:
    """A young adult whom nobody told of the youth guarantee: no choice of a provider takes effect."""
    story = _open(id, AMI_1, D(2024, 9, 2), birth_date=D(2001, 1, 20), receives_eb=False)
    story.tell(story.decided, "decided")
    story.tell(D(2024, 9, 3), "results_shown")
    story.tell(D(2024, 9, 5), "provider_chosen", provider="asp")
    return story


def below_the_floor(id: str) -> Story:
    """24 per cent work ability: refused."""
    story = _open(id, AMI_2, D(2024, 10, 14), work_ability_pct=24)
    story.tell(story.decided, "decided")
    return story


def not_full_ability(id: str) -> Story:
    """AMI 1 asks for full ability, 75 per cent is not: refused."""
    story = _open(id, AMI_1, D(2024, 11, 4), work_ability_pct=75)
    story.tell(story.decided, "decided")
    return story


def plan_without_full_time(id: str) -> Story:
    """A step-up plan that does not lead to full time: refused."""
    story = _open(id, AMI_2, D(2024, 11, 11))
    story.plan["step_up"] = [{"from": D(2025, 2, 1), "extent_pct": 75}]
    story.tell(story.decided, "decided")
    return story


def not_registered(id: str) -> Story:
    """On assistance without being registered as a jobseeker: refused."""
    story = _open(id, AMI_1, D(2025, 1, 13), af_registered=False)
    story.tell(story.decided, "decided")
    return story


def registration_let_pass(id: str) -> Story:
    """The same, but a person has let it pass."""
    story = _open(id, AMI_1, D(2025, 1, 14), "vide", af_registered=False)
    override: dict[str, Any] = {"about": "OVERRIDE_AF_REGISTRATION", "approved": True, "by": "officer-4"}
    story.tell(story.decided, "manual_decision", **override)
    story.facts += _started(id, AMI_1, story.decided, "vide").facts
    _work(story, D(2025, 3, 10), kind="WORK_HOURLY_FULL_TIME", documents=["FINAL_REPORT", "EMPLOYMENT_CONTRACT"])
    _followed(story, [3])
    papers: dict[str, Any] = {"certified": True, "documents": [], "covers_until": D(2025, 9, 9)}
    story.tell(D(2025, 9, 12), "bonus_claimed", **papers)
    return story


# --- six months --------------------------------------------------------------------------------------------


def contract_of_six_months(id: str) -> Story:
    """A contract to the last day of the six months is enough."""
    story = _started(id, AMI_2, D(2024, 4, 30), "alm")
    _placed(story, D(2024, 5, 20), 20)
    _work(story, D(2024, 8, 31), contract_until=D(2025, 2, 27))
    _followed(story, range(6, 13))
    _claimed(story, D(2024, 8, 31), 0)
    return story


def contract_a_day_short(id: str) -> Story:
    """A day less is not: neither premium nor bonus."""
    story = _started(id, AMI_2, D(2024, 4, 30), "alm")
    _placed(story, D(2024, 5, 20), 20)
    _work(story, D(2024, 8, 31), contract_until=D(2025, 2, 26))
    return story


def broken_off_on_the_settle_date(id: str) -> Story:
    """Work that ends on the very day on which the six months are over: the bonus stands."""
    story = _started(id, AMI_2, D(2024, 6, 17), "lonn")
    _placed(story, D(2024, 7, 8), 25)
    _work(story, D(2024, 12, 2))
    _followed(story, range(7, 13))
    story.tell(D(2025, 6, 2), "broke_off")
    story.tell(D(2025, 6, 3), "guide_notified")
    _claimed(story, D(2024, 12, 2), 4)
    return story


def assistance_from_the_settle_date(id: str) -> Story:
    """Assistance from the settle date on does not touch the six months."""
    story = _started(id, AMI_1, D(2024, 5, 6), "al")
    _work(story, D(2024, 6, 3))
    _followed(story, [2, 3])
    story.tell(D(2024, 12, 3), "eb_paid", D(2025, 1, 2), from_=D(2024, 12, 3), to=D(2025, 1, 1), scope="CLIENT")
    _claimed(story, D(2024, 6, 3), 7)
    return story


def assistance_on_the_last_day(id: str) -> Story:
    """Assistance up to the first of the six months does not count; on the last day of them it does."""
    story = _started(id, AMI_1, D(2024, 5, 6), "al")
    _work(story, D(2024, 6, 3))
    _followed(story, [2, 3])
    story.tell(D(2024, 5, 1), "eb_paid", D(2024, 6, 10), from_=D(2024, 5, 1), to=D(2024, 6, 3), scope="CLIENT")
    story.tell(D(2024, 12, 2), "eb_paid", D(2024, 12, 20), from_=D(2024, 12, 2), to=D(2025, 1, 1), scope="CLIENT")
    _claimed(story, D(2024, 6, 3), 7)
    return story


def study_start_support(id: str) -> Story:
    """Full-time studies with study-start support: the household's assistance does not count against them."""
    story = _started(id, AMI_2, D(2024, 7, 1), "hassel")
    _placed(story, D(2024, 7, 22), 16)
    papers = ["FINAL_REPORT", "STUDY_CERTIFICATE", "CSN_GRANT"]
    study: dict[str, Any] = {
        "extent_pct": 100,
        "csn_eligible": True,
        "study_start_support": True,
        "first_day": D(2025, 1, 20),
    }
    story.tell(D(2025, 1, 17), "exited", kind="STUDY_START_SUPPORT_FULL_TIME", **study, documents=papers)
    _followed(story, range(8, 13))
    story.tell(D(2025, 3, 1), "eb_paid", D(2025, 4, 4), from_=D(2025, 3, 1), to=D(2025, 4, 1), scope="HOUSEHOLD")
    day = _claimed(story, D(2025, 1, 20), 2)
    story.tell(add_days(day, 9), "manual_decision", about="BONUS", approved=True, by="officer-1")
    return story


def own_business(id: str) -> Story:
    """Own business after AMI 1, approved by a person."""
    story = _started(id, AMI_1, D(2024, 9, 9), "oxel")
    story.tell(D(2024, 10, 14), "exited", kind="OWN_BUSINESS", first_day=D(2024, 10, 14), documents=["FINAL_REPORT"])
    story.tell(D(2024, 10, 28), "manual_decision", about="BONUS", approved=True, by="officer-3")
    _followed(story, [3])
    _claimed(story, D(2024, 10, 14), 1)
    return story


# --- the rest ------------------------------------------------------------------------------------------------


def switched(id: str) -> Story:
    """A switch in the middle of a month, and one that a person refused before; too few hours on the way."""
    story = _started(id, AMI_2, D(2024, 5, 31), "salg")
    _placed(story, D(2024, 6, 26), 10)
    story.tell(D(2024, 8, 5), "provider_switch", provider="lonn", approved=False)
    story.tell(D(2024, 8, 12), "manual_decision", about="SWITCH", approved=False, by="officer-2")
    story.tell(D(2024, 9, 10), "hours_reported", hours_per_week=9.5)
    story.tell(D(2024, 9, 12), "provider_switch", provider="ask", approved=True)
    story.tell(D(2024, 12, 2), "exited", kind="OTHER_INTERVENTION", documents=["FINAL_REPORT"])
    story.tell(D(2024, 12, 16), "exited", kind="DISCONTINUED", documents=[])  # refused: ended already
    return story


def jobbpeng_of_thirteen_days(id: str) -> Story:
    """Jobbpeng that ended before fourteen days had passed pays nothing."""
    story = _started(id, BASIC, D(2024, 10, 7), "asp")
    story.tell(D(2024, 10, 30), "exited", kind="DISCONTINUED", documents=[])
    story.tell(D(2025, 4, 30), "bonus_claimed", certified=True, documents=[])  # refused: there is no bonus
    return story


def waiting_for_a_switch(id: str) -> Story:
    """A switch that nobody has decided on the sample's last day."""
    story = _started(id, AMI_2, D(2025, 2, 20), "ek")
    _placed(story, D(2025, 3, 17), 20)
    story.tell(D(2026, 1, 21), "provider_switch", provider="tall", approved=False)
    return story


def broken_off_at_last(id: str) -> Story:
    """Work that ended shortly before the sample's last day: the client may still resume."""
    story = _started(id, AMI_2, D(2025, 2, 17), "gran")
    _placed(story, D(2025, 3, 12), 20)
    _work(story, D(2025, 10, 20), kind="WORK_MIN_HALF_TIME", extent_pct=50, margin_advice=True)
    _followed(story, range(10, 12))
    story.tell(D(2026, 1, 19), "broke_off", D(2026, 1, 21))
    story.tell(D(2026, 1, 22), "guide_notified")
    return story


def too_few_hours(id: str) -> Story:
    """Nine and a half hours a week at the end: a new assessment is asked for."""
    story = _started(id, AMI_2, D(2025, 2, 27), "hassel")
    _placed(story, D(2025, 3, 26), 10)
    story.tell(D(2026, 1, 14), "hours_reported", hours_per_week=9.5)
    return story


def _placed(story: Story, day: date, hours: int) -> None:
    place: dict[str, Any] = {"workplace": f"training-{story.id}", "hours_per_week": hours, "signatures": SIGNED}
    story.tell(day, "placement_started", **place, agreement=AGREEMENT)
    story.tell(add_days(day, 5), "contact", channel="PHONE", party="WORKPLACE")


EDGES: tuple[Edge, ...] = (
    told_too_late, assistance_told_after_the_bonus, exit_told_late, decided_on_leap_day, decided_before_the_rules,
    last_day_of_tier_one, first_day_of_tier_two, last_day_of_ami_1, day_ninety_approved, day_ninety_undecided,
    exit_on_the_end_date, sixty_seven_today, sixty_seven_tomorrow, eighteen_today, not_informed, below_the_floor,
    not_full_ability, plan_without_full_time, not_registered, registration_let_pass, contract_of_six_months,
    contract_a_day_short, broken_off_on_the_settle_date, assistance_from_the_settle_date, assistance_on_the_last_day,
    study_start_support, own_business, switched, jobbpeng_of_thirteen_days,
    waiting_for_a_switch, broken_off_at_last, too_few_hours,
)  # fmt: skip
