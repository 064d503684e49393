"""What a set of facts means in time: anchor, end, months, who is in charge, exits and what became of them.

Every service reads the same facts; this is the one reading of them that they share, so that billing pays
for the months that scheduling plans (rulebook 0.4, 2.10, 2.11; AMB-01..05, 15, 16, 24, 40).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from .answer import Said
from .calendar import Period, add_days, add_months, month_index
from .case import Case
from .codes import (
    AssistanceScope,
    BenefitScope,
    DecisionAbout,
    Document,
    ExitKind,
    FactKind,
    Programme,
    ReassessmentOutcome,
)
from .exits import EXITS, ExitRule
from .facts import Fact
from .phrases import say
from .rules import rule
from .settings import RuleSettings
from .som import last_day_with_old, periods
from .tariffs import SUSTAINED, Anchor, Model, Months, Tariff, Time, length_of

AMI1_DAYS = 90
AMI1_BLOCK_DAYS = 30
AMI1_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Exit:
    """One exit: E, W, who was in charge, and the break-off and resumption that followed, if any.

    It is stated as `exited`, or follows from a reassessment that replaces the intervention by another (SM-A16).
    """

    fact: Fact
    provider: str
    break_off: Fact | None = None
    resumed: Fact | None = None

    @property
    def on(self) -> date:
        """E: the day on which the intervention was ended."""
        return self.fact.on

    @property
    def kind(self) -> ExitKind:
        return self.fact["kind"] if self.fact.kind is FactKind.EXITED else ExitKind.OTHER_INTERVENTION

    @property
    def rule(self) -> ExitRule:
        return EXITS[self.kind]

    @property
    def first_day(self) -> date:
        """W: first day of the work, studies or business; E if not stated."""
        return self.fact.get("first_day", self.fact.on)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A yes or no with the rules that say so and one sentence for a provider."""

    ok: bool
    rules: tuple[str, ...]
    said: Said


@rule("AMI-3.2-b")
def replaces(fact: Fact) -> bool:
    """Only the outcome REPLACE of a reassessment ends the assignment (SM-A16)."""
    return fact.kind is FactKind.REASSESSED and fact["outcome"] is ReassessmentOutcome.REPLACE


@dataclass(frozen=True)
class Timeline:
    """The reading of one case. Facts are taken as they are: which of them are in effect is assignment's answer."""

    case: Case
    settings: RuleSettings

    @property
    def programme(self) -> Programme:
        return self.case.programme

    # --- the tariff ------------------------------------------------------------------------------

    @cached_property
    def tariff(self) -> Tariff | None:
        """The tariff of the programme; None for the municipality's own, which have none."""
        return self.settings.tariff_of(self.programme)

    @cached_property
    def time(self) -> Time:
        """How the programme counts its time."""
        return self.tariff.time if self.tariff is not None else Time()

    @cached_property
    def pays_for_sustained_exits(self) -> bool:
        """True if the tariff has a premium or a bonus for an exit that must hold for six months."""
        return self.has_part(*SUSTAINED)

    def has_part(self, *models: Model) -> bool:
        """True if the tariff of the decision date has a part of one of these models."""
        if self.tariff is None or self.decided_on is None:
            return False
        version = self.tariff.version_on(self.decided_on)
        return version is not None and version.part(*models) is not None

    # --- anchor, end, months ---------------------------------------------------------------------

    @cached_property
    def decided(self) -> Fact | None:
        return self.case.first(FactKind.DECIDED)

    @cached_property
    def started(self) -> Fact | None:
        return self.case.first(FactKind.STARTED)

    @property
    def decided_on(self) -> date | None:
        """D."""
        return self.decided.on if self.decided else None

    @property
    def decided_facts(self) -> tuple[str, ...]:
        """The id of the decision, for what is derived from it."""
        return (self.decided.id,) if self.decided else ()

    @property
    def started_facts(self) -> tuple[str, ...]:
        """The id of the start-up meeting, for what is derived from it."""
        return (self.started.id,) if self.started else ()

    @property
    def started_on(self) -> date | None:
        """S."""
        return self.started.on if self.started else None

    @cached_property
    @rule("AMI-7-b", "AMI-8-c")
    def anchor(self) -> date | None:
        """The day from which the intervention counts: D, or S by setting (AMB-02); as the tariff says if it does."""
        anchor = self.time.anchor
        if anchor is Anchor.AS_SET:
            anchor = Anchor(self.settings["intervention.anchor"])
        return self.started_on if anchor is Anchor.START_UP else self.decided_on

    @cached_property
    @rule("AMI-7-b", "AMI-8-c")
    def end(self) -> date | None:
        """First day after the intervention; None if there is no end yet (Jobbpeng without end date)."""
        if self.decided is not None and self.decided.get("end_date"):
            return self.decided["end_date"]
        return self.ordinary_end

    @cached_property
    def ordinary_end(self) -> date | None:
        """The end by the programme's own length, whatever the decision says."""
        length = length_of(self.time, self.settings)
        if self.anchor is None or length is None:
            return None
        if length.months is not None:
            return add_months(self.anchor, length.months)
        return add_days(self.anchor, length.days or 0)

    @property
    def has_ordinary_length(self) -> bool:
        return self.end == self.ordinary_end

    def month(self, number: int) -> Period:
        """Month `number` (from 1) of the intervention in the unit of AMB-03. Raises ValueError before the anchor."""
        if self.anchor is None:
            raise ValueError("the intervention has no anchor yet")
        unit = self._month_unit
        if unit == "DAYS_30":
            return Period(
                add_days(self.anchor, AMI1_BLOCK_DAYS * (number - 1)),
                add_days(self.anchor, AMI1_BLOCK_DAYS * number),
            )
        if unit == "CALENDAR":
            first = self.anchor.replace(day=1)
            start = self.anchor if number == 1 else add_months(first, number - 1)
            return Period(start, add_months(first, number))
        return Period(add_months(self.anchor, number - 1), add_months(self.anchor, number))

    @cached_property
    def _month_unit(self) -> str:
        unit = self.settings["month.unit"]
        if self.time.months is not Months.AS_SET:
            return self.time.months.value
        if unit != "BY_PROGRAMME":
            return str(unit)
        by_days = self.programme is Programme.AMI_1 and self.settings["ami1.length_unit"] == "DAYS_90"
        return "DAYS_30" if by_days else "ANNIVERSARY"

    def month_of(self, day: date) -> int:
        """Number of the month that contains `day` (1 for days before the anchor)."""
        if self.anchor is None:
            raise ValueError("the intervention has no anchor yet")
        number = 1
        if self._month_unit == "ANNIVERSARY":
            return month_index(self.anchor, day)
        while day >= self.month(number).end:
            number += 1
        return number

    def month_count(self, until: date) -> int:
        """Number of months of the intervention, N.

        The programme's own length has 3 (AMI 1) or 12 (AMI 2) months in every unit of AMB-03, so that the fees
        never exceed that number (AMB-25); so has any length stated in months. Another end date: the
        months that start before it (reading 29). No end: the months that have started by `until`.
        """
        if self.anchor is None:
            return 0
        length = length_of(self.time, self.settings) if self.has_ordinary_length else None
        if length is not None and (length.months is not None or self.programme is Programme.AMI_1):
            return length.months or AMI1_MONTHS
        count = 0
        while True:
            start = self.month(count + 1).start
            if (start >= self.end) if self.end is not None else (start > until):
                return count
            count += 1

    @cached_property
    @rule("AF-SOM-7")
    def periods(self) -> tuple[Period, ...]:
        """Periods of calendar days from S: the first, then one for each `extended`; () where the tariff has none.

        What a stated end date leaves over of them is cut off.
        """
        if self.started_on is None or not self.period_days:
            return ()
        last = self.end or date.max
        return tuple(
            Period(one.start, min(one.end, last))
            for one in periods(self.started_on, self.case.facts, self.period_days)
            if one.start < last
        )

    @cached_property
    def period_days(self) -> int:
        """Calendar days of a period; 0 for a programme without periods."""
        stated = self.time.periods
        if stated is None:
            return 0
        return int(stated.value if stated.setting is None else self.settings[stated.setting])

    @property
    def last_covered_day(self) -> date | None:
        return add_days(self.end, -1) if self.end else None

    # --- who is in charge ------------------------------------------------------------------------

    @cached_property
    @rule("AMI-10.1-d")
    def charges(self) -> tuple[tuple[date, str], ...]:
        """(from, provider) in order: the first accepted choice, approved switches, resumptions (readings 19, 49).

        A choice that was declined, or stepped back from, before the start leaves nobody in charge. In Stöd och
        matchning a switch that nobody gave notice of is the notice itself (AF-SOM-25, reading 30).
        """
        rows: list[tuple[date, str]] = []
        pending: Fact | None = None
        for fact in self.case.facts:
            before = self.started is None or fact.order < self.started.order
            if fact.kind is FactKind.PROVIDER_CHOSEN:
                rows = [(fact.on, fact["provider"])] if before else rows
            elif fact.kind in (FactKind.DECLINED, FactKind.STEPPED_BACK):
                rows = [] if before else rows
            elif fact.kind is FactKind.PROVIDER_SWITCH:
                if fact["approved"]:
                    rows.append((self._takes_over(fact), fact["provider"]))
                else:
                    pending = fact
            elif fact.kind is FactKind.MANUAL_DECISION and fact["about"] is DecisionAbout.SWITCH:
                if fact["approved"] and pending is not None:
                    rows.append((max(fact.on, self._takes_over(pending)), pending["provider"]))
                pending = None
            elif fact.kind is FactKind.RESUMED:
                rows.append((fact.on, fact["provider"]))
        return tuple(rows)

    @rule("AF-SOM-25")
    def _takes_over(self, switch: Fact) -> date:
        """The first day with the new provider: the day of the switch, or that after the notice has run out."""
        if not self.programme.is_som:
            return switch.on
        notices = self.case.of(FactKind.SWITCH_NOTIFIED)
        if any(fact["provider"] == switch["provider"] and fact.order < switch.order for fact in notices):
            return switch.on
        return add_days(last_day_with_old(switch.on, self.settings["som.switch_notice_days"]), 1)

    @cached_property
    def asked(self) -> Fact | None:
        """The latest choice of a provider, unless it was declined or stepped back from."""
        kinds = (FactKind.PROVIDER_CHOSEN, FactKind.DECLINED, FactKind.STEPPED_BACK)
        last = next((fact for fact in reversed(self.case.facts) if fact.kind in kinds), None)
        return last if last is not None and last.kind is FactKind.PROVIDER_CHOSEN else None

    def provider_on(self, day: date) -> str | None:
        """The provider in charge at the end of `day`."""
        provider = None
        for start, name in self.charges:
            if start <= day:
                provider = name
        return provider

    # --- exits -----------------------------------------------------------------------------------

    @cached_property
    def exits(self) -> tuple[Exit, ...]:
        """Exits in order, each with its first break-off and the resumption after it."""
        found: list[Exit] = []
        for fact in self.case.facts:
            if fact.kind is FactKind.EXITED or replaces(fact):
                found.append(Exit(fact, self.provider_on(fact.on) or ""))
            elif fact.kind is FactKind.BROKE_OFF and found and found[-1].break_off is None:
                last = found[-1]
                found[-1] = Exit(last.fact, last.provider, fact)
            elif fact.kind is FactKind.RESUMED and found and found[-1].break_off is not None:
                last = found[-1]
                found[-1] = Exit(last.fact, last.provider, last.break_off, last.resumed or fact)
        return tuple(found)

    @cached_property
    def active(self) -> tuple[Period, ...]:
        """Periods in which the intervention ran: from S or a resumption through E, at the longest to the end.

        E is the day of `basis` here too: under AMB-40 B the intervention ends on the first day of work.
        """
        if self.started_on is None:
            return ()
        last = self.end or date.max
        periods: list[Period] = []
        start: date | None = self.started_on
        for one in self.exits:
            if start is not None:
                periods.append(Period(start, max(start, min(add_days(self.basis(one), 1), last))))
            start = one.resumed.on if one.resumed else None
        if start is not None:
            periods.append(Period(start, max(start, last)))
        return tuple(periods)

    def active_in(self, period: Period) -> bool:
        """True if the intervention ran on at least one day of `period` (reading 9)."""
        return any(one.overlaps(period) for one in self.active)

    def exit_before(self, day: date) -> Exit | None:
        """The latest exit with E before `day`."""
        return next((one for one in reversed(self.exits) if self.basis(one) < day), None)

    # --- sustainability --------------------------------------------------------------------------

    def basis(self, one: Exit) -> date:
        """The day that decides month and tier: E, or in AMI W by setting (AMB-40)."""
        return one.first_day if self._by_first_day else one.on

    @cached_property
    def _by_first_day(self) -> bool:
        return self.pays_for_sustained_exits and self.settings["exit_date.basis"] == "FIRST_DAY"

    @rule("AMI-9-b", "NACKA-12")
    def window(self, one: Exit) -> Period:
        """The six months that must hold; its end is the settle date (AMB-16)."""
        anchor, ended = self.settings["sustainability.anchor"], self.basis(one)
        start = {"EXIT": ended, "WORK": one.first_day}.get(anchor, max(ended, one.first_day))
        return Period(start, add_months(start, self.settings["sustainability.months"]))

    @rule("AMI-10.2-a")
    def in_time(self, one: Exit) -> bool:
        """`E < end`, by the convention for the end date (AMB-04)."""
        return self.end is None or self._before(self.end, one)

    def _before(self, end: date, one: Exit) -> bool:
        shift = {"EXCLUSIVE": 0, "INCLUSIVE_BEFORE": -1, "INCLUSIVE_COUNTS": 1}[self.settings["end_date.convention"]]
        return self.basis(one) < add_days(end, shift)

    @rule("AMI-10.2-b")
    def boundary(self, one: Exit) -> bool:
        """AMI 1: the readings '90 days' and 'three months' disagree on this exit (AMB-01).

        There is nothing to disagree about when the decision states an end date (reading C), or when the
        municipality has chosen the three months by setting (reading B).
        """
        if self.programme is not Programme.AMI_1 or self.anchor is None or self.decided is None:
            return False
        if self.decided.get("end_date") or self.settings["ami1.length_unit"] != "DAYS_90":
            return False
        return self._before(add_days(self.anchor, AMI1_DAYS), one) != self._before(
            add_months(self.anchor, AMI1_MONTHS), one
        )

    def decision_for(self, one: Exit, about: DecisionAbout) -> Fact | None:
        """The latest manual decision about this exit: on or after E and, if it failed, before the next exit."""
        found = None
        later = [other.on for other in self.exits if other.on > one.on]
        until = min(later) if later and self.broke_off_before_settle(one) else date.max
        for fact in self.case.of(FactKind.MANUAL_DECISION):
            if fact["about"] is about and one.on <= fact.on < until:
                found = fact
        return found

    @rule("AMI-10.2-a")
    def counts_as_in_time(self, one: Exit) -> bool:
        """`E < end`, or a person has said of an AMI 1 boundary case that it counts (readings 13, 56)."""
        if self.in_time(one):
            return True
        decision = self.decision_for(one, DecisionAbout.BOUNDARY) if self.boundary(one) else None
        return decision is not None and bool(decision["approved"])

    @rule("AMI-10.1-a", "AMI-9-j", "AMI-10-a")
    def leads_to_money(self, one: Exit) -> bool:
        """First stage of rulebook 2.11: the kind qualifies and the exit is in time, or counts as such."""
        return self.qualifies(one).ok and self.counts_as_in_time(one)

    @rule("AMI-9.3.4-a", "AMI-10.2-b")
    def needs_approval(self, one: Exit) -> tuple[str, ...]:
        """The rule by which a person must approve this kind of exit, or () (AMB-18, 23)."""
        if one.kind is ExitKind.OWN_BUSINESS:
            manual = self.settings["own_business.bonus"].get(self.programme.value) == "MANUAL"
            return ("AMI-10.2-b" if self.programme is Programme.AMI_1 else "AMI-10.2-d",) if manual else ()
        if one.kind is ExitKind.STUDY_MIN_HALF_TIME and self.settings["study_half_time.approval"] == "MANUAL":
            return ("AMI-9.3.4-a",)
        return ()

    @rule(
        "AMI-9-a", "AMI-9-f", "AMI-9-i", "AMI-9-j", "AMI-9.2-a", "AMI-9.2.1-a", "AMI-9.2.2-a", "AMI-9.2.2-b",
        "AMI-9.3-a", "AMI-9.3.1-a", "AMI-9.3.2-a", "AMI-9.3.3-a", "AMI-9.3.4-a",
    )  # fmt: skip
    def qualifies(self, one: Exit) -> Verdict:
        """First stage of the two-stage test (rulebook 2.11): may this exit lead to premium and bonus at all?

        Time (`in_time`) and documents are looked at apart; a percentage that contradicts the kind does not
        qualify (reading 21).
        """
        row, fact = one.rule, one.fact
        if not self.pays_for_sustained_exits:
            return Verdict(False, ("AMI-9-a",), say("exit.other_programme"))
        if not row.bonus or one.kind.value in self.settings["benefits.not_counting"]:
            which = {"WORK": "AMI-9.2.2-a", "STUDY": "AMI-9.3.1-a"}.get(row.family, "AMI-9-j")
            if one.kind is ExitKind.STUDY_START_SUPPORT_PART_TIME:
                which = "AMI-9.3.3-a"
            return Verdict(False, (which,), say("exit.kind", kind=one.kind))
        if one.kind is ExitKind.OWN_BUSINESS:
            if self.settings["own_business.bonus"].get(self.programme.value, "NO") == "NO":
                return Verdict(False, ("AMI-10.2-d",), say("exit.business_no"))
            return Verdict(True, ("AMI-10.2-b",), say("exit.business"))
        extent = fact.get("extent_pct", 0)
        low, high = row.min_extent or 0, row.max_extent or 100
        if one.kind in (ExitKind.WORK_MIN_HALF_TIME, ExitKind.STUDY_MIN_HALF_TIME):
            low = self.settings["extent.half_time_pct"] if row.family == "WORK" else low
        if not low <= extent <= high:
            rules = ("AMI-9.2.1-a", "AMI-9.2.2-a") if row.family == "WORK" else ("AMI-9.3.1-a",)
            return Verdict(False, rules, say("exit.extent", extent=extent, kind=one.kind, low=low, high=high))
        if row.family == "STUDY":
            if one.kind is not ExitKind.STUDY_START_SUPPORT_FULL_TIME and not fact.get("csn_eligible", False):
                return Verdict(False, ("AMI-9.3.1-a",), say("exit.no_study_support"))
            if one.kind is ExitKind.STUDY_MIN_HALF_TIME and not (
                fact.get("household_income_support", False) or fact.get("household_support", False)
            ):
                return Verdict(False, ("AMI-9.3.4-a",), say("exit.no_household_income"))
            return Verdict(True, ("AMI-9.3-a",), say("exit.studies"))
        form = fact.get("employment_form")
        if form is not None and form.value not in self.settings["employment.forms.counting"]:
            return Verdict(False, ("AMI-9-i",), say("exit.form", form=form))
        if one.kind is not ExitKind.WORK_HOURLY_FULL_TIME:  # hourly: the proof may come with the claim (AMI-9-g)
            needed, until = self._last_day_needed(one.first_day), fact.get("contract_until")
            if until is not None and until < needed:
                return Verdict(False, ("AMI-9-f",), say("exit.contract", until=until, needed=needed))
        return Verdict(True, ("AMI-9.2-a",), say("exit.work"))

    def _last_day_needed(self, start: date) -> date:
        """Last day that a contract from `start` must cover: six months, or a day more by AMB-15 B (reading 2)."""
        six_months = add_months(start, self.settings["sustainability.months"])
        return six_months if self.settings["sustainability.comparison"] == "GT" else add_days(six_months, -1)

    @rule("AMI-9-g")
    def hourly_covered_on(self, one: Exit) -> date | None:
        """The day from which it is proved that the hourly employment covers the six months (reading 2).

        E if the contract or its extension does, else the day of the claim whose proof does, else None.
        """
        needed = self._last_day_needed(self.window(one).start)
        if any(one.fact.get(name, date.min) >= needed for name in ("hourly_cover_until", "contract_until")):
            return one.on
        return next((claim.on for claim in self.claims(one) if claim.get("covers_until", date.min) >= needed), None)

    @rule("AMI-10.2-c", "AMI-9-b")
    def claims(self, one: Exit) -> tuple[Fact, ...]:
        """Claims that belong to this exit: from its settle date on (reading 40).

        From the settle date of a later exit that can still be claimed, a claim is that exit's, unless this one
        had been claimed before.
        """
        settle = self.window(one).end
        later = [
            self.window(other).end
            for other in self.exits
            if other.on > one.on
            and self.in_time(other)
            and self.qualifies(other).ok
            and not self.broke_off_before_settle(other)
        ]
        found: list[Fact] = []
        for fact in self.case.of(FactKind.BONUS_CLAIMED):
            if fact.on >= settle and (found or not any(fact.on >= day for day in later)):
                found.append(fact)
        return tuple(found)

    @rule("AMI-9-h", "AMI-9.2-b")
    def documents_complete_on(self, one: Exit) -> date | None:
        """The day from which the evidence of matrix 2.10 is complete, by exit and claims together (reading 4)."""
        have = set(one.fact.get("documents", ()))
        if not self._missing(one, have):
            return one.on
        for claim in self.claims(one):
            have |= set(claim.get("documents", ()))
            if not self._missing(one, have):
                return claim.on
        return None

    def missing_documents(self, one: Exit) -> tuple[Document, ...]:
        """What is still missing of the evidence, in the order of the code list."""
        have = set(one.fact.get("documents", ()))
        for claim in self.claims(one):
            have |= set(claim.get("documents", ()))
        missing = self._missing(one, have)
        return tuple(document for document in Document if document in missing)

    @rule("AMI-9-f", "AMI-9-g")
    def any_document_is_enough(self, one: Exit) -> bool:
        """True for hourly work, which contract or certificate shows, and for other work by setting (AMB-19)."""
        return one.rule.any_document or (
            one.rule.family == "WORK" and self.settings["evidence.work.required"] == "EITHER"
        )

    def _missing(self, one: Exit, have: set[Document]) -> set[Document]:
        needed = set(one.rule.documents)
        return set() if self.any_document_is_enough(one) and have & needed else needed - have

    @rule("AMI-9-c", "AMI-9.3.3-a")
    def assistance_scope(self, one: Exit) -> AssistanceScope:
        """Whose financial assistance is looked at for this exit (AMB-20, 21)."""
        if one.rule.eb_scope is None and self.settings["studiestartsstod.waive_eb_test"]:
            return AssistanceScope.WAIVED
        if one.rule.eb_scope == "CLIENT" and self.settings["eb_test.work_scope"] == "CLIENT_ONLY":
            return AssistanceScope.CLIENT
        return AssistanceScope.HOUSEHOLD

    @rule("AMI-9-c", "AMI-9-d", "AMI-9.3.3-a")
    def eb_in_window(self, one: Exit) -> bool:
        """True if financial assistance in the six months stands against the bonus (AMB-20, 21)."""
        scope = self.assistance_scope(one)
        if scope is AssistanceScope.WAIVED:
            return False
        window = self.window(one)
        return any(
            Period(fact["from"], fact["to"]).overlaps(window)
            for fact in self.case.of(FactKind.EB_PAID)
            if scope is AssistanceScope.HOUSEHOLD or fact["scope"] is BenefitScope.CLIENT
        )

    @rule("AMI-9-e")
    def broke_off_before_settle(self, one: Exit) -> bool:
        """True if the work or studies were broken off within the six months (AMB-15)."""
        if one.break_off is None:
            return False
        settle = self.window(one).end
        if self.settings["sustainability.comparison"] == "GT":
            return one.break_off.on <= settle
        return one.break_off.on < settle
