"""The exit and what became of it: documents, premium follow-ups, assistance, break-offs, resumptions, the claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_contracts.calendar import add_days, add_months, add_workdays
from kundval_contracts.codes import ExitKind
from kundval_contracts.exits import EXITS

from .chance import Chance, weekday
from .market import AMI_1, AMI_2, choose
from .running import officer, run
from .story import AS_OF, Story

_K = ExitKind
#: How interventions end, in per mille. With what is broken off, over 40 % are in work or studies six months
#: after (NACKA-22).
KINDS_AMI_1 = (
    (_K.WORK_FULL_TIME, 270), (_K.WORK_HOURLY_FULL_TIME, 75), (_K.WORK_MIN_HALF_TIME, 90),
    (_K.WORK_UNDER_HALF_TIME, 25), (_K.STUDY_FULL_TIME, 80), (_K.STUDY_START_SUPPORT_FULL_TIME, 25),
    (_K.STUDY_START_SUPPORT_PART_TIME, 6), (_K.STUDY_MIN_HALF_TIME, 22), (_K.STUDY_UNDER_HALF_TIME, 8),
    (_K.OWN_BUSINESS, 25), (_K.BENEFIT_TEMPORARY, 40), (_K.BENEFIT_OTHER_PUBLIC, 20),
    (_K.OTHER_INTERVENTION, 65), (_K.DISCONTINUED, 60), (_K.PERIOD_ENDED, 170), (None, 19),
)  # fmt: skip
KINDS_AMI_2 = (
    (_K.WORK_FULL_TIME, 190), (_K.WORK_HOURLY_FULL_TIME, 60), (_K.WORK_MIN_HALF_TIME, 120),
    (_K.WORK_UNDER_HALF_TIME, 30), (_K.STUDY_FULL_TIME, 75), (_K.STUDY_START_SUPPORT_FULL_TIME, 40),
    (_K.STUDY_START_SUPPORT_PART_TIME, 8), (_K.STUDY_MIN_HALF_TIME, 28), (_K.STUDY_UNDER_HALF_TIME, 8),
    (_K.OWN_BUSINESS, 14), (_K.BENEFIT_TEMPORARY, 35), (_K.BENEFIT_OTHER_PUBLIC, 45),
    (_K.OTHER_INTERVENTION, 60), (_K.DISCONTINUED, 70), (_K.PERIOD_ENDED, 192), (None, 25),
)  # fmt: skip
KINDS_JOBBPENG = (
    (_K.WORK_FULL_TIME, 400), (_K.WORK_MIN_HALF_TIME, 150), (_K.STUDY_FULL_TIME, 100), (_K.DISCONTINUED, 150),
    (_K.OTHER_INTERVENTION, 50), (None, 150),
)  # fmt: skip

FORMS = (("ORDINARY", 72), ("NEW_START_JOB", 12), ("INTRODUCTION_JOB", 8), ("SHELTERED_PUBLIC", 3), ("OTHER", 5))


@dataclass(frozen=True, slots=True)
class Ending:
    """An exit as it was told: kind, E, W, whether premium and bonus are in reach, and the papers that are missing."""

    kind: ExitKind
    on: date
    first_day: date
    hopeful: bool
    missing: tuple[str, ...] = ()

    @property
    def start(self) -> date:
        return max(self.on, self.first_day)

    @property
    def settle(self) -> date:
        return add_months(self.start, 6)


def plan_exit(story: Story, chance: Chance, start: date) -> tuple[ExitKind | None, date]:
    """How and on which day the run that began on `start` ends; None: nobody states an exit."""
    table = {AMI_1: KINDS_AMI_1, AMI_2: KINDS_AMI_2}.get(story.programme, KINDS_JOBBPENG)
    kind = chance.pick(table)
    if kind is None:
        return None, story.last_day
    if kind is _K.PERIOD_ENDED:
        return kind, story.last_day
    earliest = add_days(start, 3 if story.programme not in (AMI_1, AMI_2) else 10 if story.programme == AMI_1 else 35)
    if earliest >= story.last_day:
        return kind, story.last_day
    day = chance.day(earliest, story.last_day)
    if chance.yes(0.5):
        # rather later than earlier: the later of two draws
        day = max(day, chance.day(earliest, story.last_day))
    return kind, min(weekday(day), story.last_day)


def leave(story: Story, chance: Chance, kind: ExitKind, on: date, known: date | None = None) -> Ending:
    """Tell the exit, with the fields and papers of its kind; sometimes late, sometimes with a paper missing."""
    row = EXITS[kind]
    if known is None and kind is not _K.PERIOD_ENDED and chance.yes(0.2):
        known = add_days(on, chance.between(30, 90) if chance.yes(0.2) else chance.between(1, 6))
    fields: dict[str, Any] = {"kind": kind.value}
    first = on
    if row.family != "OTHER":
        first = chance.soon(on, 2, 12) if chance.yes(0.07) else add_days(on, -chance.between(1, 4) * chance.yes(0.05))
        fields["first_day"] = first
    hopeful = row.bonus and story.programme in (AMI_1, AMI_2)
    hopeful = hopeful and not (kind is _K.OWN_BUSINESS and story.programme == AMI_2)
    papers = ["FINAL_REPORT"] if chance.yes(0.96) else []
    missing: list[str] = []
    if row.family == "WORK":
        hopeful = _work(chance, kind, first, max(on, first), fields) and hopeful
    elif row.family == "STUDY":
        hopeful = _study(chance, kind, fields) and hopeful
    if row.margin_advice or fields.get("household_support"):
        fields["margin_advice"] = chance.yes(0.9)
    for paper in sorted(row.documents):
        (missing if chance.yes(0.05) else papers).append(paper.value)
    if row.family == "STUDY" and chance.yes(0.6):
        papers.append("TRIAL_CALCULATION")
    fields["documents"] = papers
    story.tell(on, "exited", known, **fields)
    return Ending(kind, on, first, hopeful, tuple(missing))


def _work(chance: Chance, kind: ExitKind, first: date, start: date, fields: dict[str, Any]) -> bool:
    """The fields of work; False if the contract is too short."""
    extent = {_K.WORK_MIN_HALF_TIME: chance.one_of((50, 50, 60, 75, 75, 80, 90)), _K.WORK_UNDER_HALF_TIME: 40}
    fields["extent_pct"] = extent.get(kind, 100)
    fields["workplace"] = f"workplace-{chance.between(1, 400)}"
    fields["employment_form"] = chance.pick(FORMS)
    if chance.yes(0.12):
        fields["household_support"] = True
    if kind is _K.WORK_HOURLY_FULL_TIME:
        if chance.yes(0.3):
            fields["hourly_cover_until"] = add_days(add_months(start, 6), chance.between(-1, 60))
        return True
    if chance.yes(0.3):
        long_enough = chance.yes(0.9)
        spare = chance.between(-1, 180) if long_enough else -chance.between(2, 90)
        fields["contract_until"] = add_days(add_months(first, 6), spare)
        return long_enough
    return True


def _study(chance: Chance, kind: ExitKind, fields: dict[str, Any]) -> bool:
    """The fields of studies; False if they do not give right to study support, or lack income in the household."""
    extent = {
        _K.STUDY_MIN_HALF_TIME: chance.one_of((50, 50, 75)),
        _K.STUDY_UNDER_HALF_TIME: 25,
        _K.STUDY_START_SUPPORT_PART_TIME: chance.one_of((50, 75)),
    }
    fields["extent_pct"] = extent.get(kind, 100)
    fields["csn_eligible"] = kind is not _K.STUDY_UNDER_HALF_TIME and chance.yes(0.97)
    fields["study_start_support"] = kind in (_K.STUDY_START_SUPPORT_FULL_TIME, _K.STUDY_START_SUPPORT_PART_TIME)
    if kind is _K.STUDY_MIN_HALF_TIME:
        fields["household_income_support"] = chance.yes(0.9)
        return bool(fields["household_income_support"] and fields["csn_eligible"])
    return bool(fields["csn_eligible"] or kind is _K.STUDY_START_SUPPORT_FULL_TIME)


# --- six months ----------------------------------------------------------------------------------------


def sustain(story: Story, chance: Chance, ending: Ending, may_resume: bool = True) -> None:
    """What happened after an exit to work, studies or own business."""
    if EXITS[ending.kind].family == "OTHER" or story.programme not in (AMI_1, AMI_2):
        return
    by_person = ending.kind in (_K.OWN_BUSINESS, _K.STUDY_MIN_HALF_TIME)
    approved = chance.yes(0.8)
    if ending.hopeful and by_person and chance.yes(0.85):
        day = chance.soon(ending.on, 5, 30)
        story.tell(day, "manual_decision", about="BONUS", approved=approved, by=officer(chance))
    broken, known = _break_off(story, chance, ending)
    if ending.hopeful and not (by_person and not approved):
        _premium_reports(story, chance, ending, broken, known)
    resumed = _resume(story, chance, known) if broken and known and may_resume else None
    if broken is None or broken >= ending.settle:
        lost = _assistance(story, chance, ending) | _moved(story, chance, ending)
        if ending.hopeful and not (lost and chance.yes(0.7)) and not (by_person and not approved):
            _claim(story, chance, ending)
    if resumed is not None:
        again(story, chance, resumed)


def _break_off(story: Story, chance: Chance, ending: Ending) -> tuple[date | None, date | None]:
    """The day on which work or studies ended, and the day on which that was told; sometimes months later."""
    if not chance.yes(0.16):
        return None, None
    broken = add_days(ending.start, chance.between(12, 150 if chance.yes(0.8) else 240))
    known = add_days(broken, chance.between(40, 150) if chance.yes(0.6) else chance.between(0, 5))
    story.tell(broken, "broke_off", known)
    if known <= AS_OF and chance.yes(0.92):
        prompt = add_workdays(known, chance.between(0, 1))
        story.tell(prompt if chance.yes(0.8) else chance.soon(known, 4, 12), "guide_notified")
    return broken, known


def _premium_reports(story: Story, chance: Chance, ending: Ending, broken: date | None, known: date | None) -> None:
    """A report for each premium month: in time, late, missing, or that it does not go on."""
    for number in range(story.month_of(ending.on) + 1, story.months + 1):
        month = story.month(number)
        if known is not None and month.last_day >= known:
            return
        if broken is not None and month.end > broken and chance.yes(0.2):
            story.tell(add_days(month.last_day, -1), "premium_follow_up", month=number, continues=False)
            continue
        if chance.yes(0.03):
            continue
        day = add_days(month.last_day, -chance.between(0, 6))
        if chance.yes(0.05):
            day = add_days(month.last_day, chance.between(3, 30))
        elif chance.yes(0.02):
            story.tell(day, "premium_follow_up", month=number, continues=False)
            if chance.yes(0.5):
                continue
            day = add_days(day, chance.between(3, 14))
        story.tell(day, "premium_follow_up", month=number, continues=True)


def _resume(story: Story, chance: Chance, known: date) -> date | None:
    """Back into the intervention, with the same provider or another one; None if it is too late or not wanted."""
    day = chance.soon(known, 5, 25)
    if day >= add_days(story.end, -10) or not chance.yes(0.7):
        return None
    if chance.yes(0.35):
        story.seller = choose(chance, story.programme, day, (story.provider,))
        story.tell(chance.soon(known, 1, 3), "provider_chosen", provider=story.provider)
        story.tell(day, "accepted", provider=story.provider)
    return story.tell(day, "resumed", provider=story.provider)


def again(story: Story, chance: Chance, start: date) -> None:
    """The rest of the intervention after a resumption, and how it ended this time."""
    left = (story.last_day - start).days
    kind: ExitKind | None = chance.pick(((_K.PERIOD_ENDED, 50), (_K.WORK_FULL_TIME, 30), (_K.WORK_MIN_HALF_TIME, 20)))
    on = story.last_day
    if kind is not _K.PERIOD_ENDED and left > 12:
        on = weekday(add_days(start, chance.between(8, left - 2)))
    on = min(on, story.last_day)
    run(story, chance, start, on, again=True)
    if on <= AS_OF and kind is not None:
        sustain(story, chance, leave(story, chance, kind, on), may_resume=False)


def _assistance(story: Story, chance: Chance, ending: Ending) -> bool:
    """Assistance paid within the six months; it is the paying unit that tells, some weeks after."""
    if not chance.yes(0.07):
        return False
    month = add_months(ending.start, chance.between(1, 5)).replace(day=1)
    known = add_days(add_months(month, 1), chance.between(60, 200) if chance.yes(0.35) else chance.between(3, 35))
    scope = "CLIENT" if chance.yes(0.6) else "HOUSEHOLD"
    story.tell(month, "eb_paid", known, from_=month, to=add_months(month, 1), scope=scope)
    return True


def _moved(story: Story, chance: Chance, ending: Ending) -> bool:
    """Another workplace within the six months: with or without a gap."""
    if EXITS[ending.kind].family != "WORK" or not chance.yes(0.05):
        return False
    day = add_days(ending.start, chance.between(20, 170))
    gap = chance.between(1, 20) if chance.yes(0.3) else 0
    story.tell(day, "workplace_changed", workplace=f"workplace-{chance.between(1, 400)}", gap_days=gap)
    return gap > 0 or story.programme == AMI_2


def _claim(story: Story, chance: Chance, ending: Ending) -> None:
    """The claim with the papers that were missing; sometimes too early first, sometimes never."""
    if chance.yes(0.04):
        return
    if chance.yes(0.04):
        # refused: before the six months have passed
        early = add_days(ending.settle, -chance.between(1, 12))
        story.tell(early, "bonus_claimed", certified=True, documents=list(ending.missing))
    fields: dict[str, Any] = {"certified": chance.yes(0.985)}
    fields["documents"] = list(ending.missing) if chance.yes(0.85) else []
    if ending.kind is _K.WORK_HOURLY_FULL_TIME and chance.yes(0.93):
        fields["documents"] = [*fields["documents"], "EMPLOYMENT_CONTRACT"]
        fields["covers_until"] = add_days(ending.settle, chance.between(-1, 90))
    day = story.tell(chance.soon(ending.settle, 0, 25), "bonus_claimed", **fields)
    if ending.first_day > ending.on and chance.yes(0.85):
        approved = chance.yes(0.85)
        story.tell(chance.soon(day, 2, 20), "manual_decision", about="BONUS", approved=approved, by=officer(chance))
