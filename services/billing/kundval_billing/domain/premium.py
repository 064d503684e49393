"""Speed premium of AMI (rulebook 8.4.2): the monthly fees that are left after a qualifying exit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from kundval_contracts.answer import Line, Said, Step, recompute
from kundval_contracts.calendar import Period, add_days
from kundval_contracts.codes import DecisionAbout, ExitKind, FactKind, LineKind, LineStatus
from kundval_contracts.facts import Fact
from kundval_contracts.phrases import say, step
from kundval_contracts.rules import rule
from kundval_contracts.tariffs import Part
from kundval_contracts.timeline import Exit

from .bonus import Reason, failure
from .fees import month_steps, share_of
from .view import View


@rule("AMI-10.1-a", "AMI-10-a")
def premium_lines(view: View, tariff: Part) -> Iterator[Line]:
    """One row for each of the months m+1..N after a qualifying exit, all at once (reading 26).

    A month in which the client has resumed is an ordinary one (reading 51), so there is at most one fee a month.
    Under AMB-12 B the rest of the exit month is a premium too.
    """
    if not view.timeline.exits:
        return
    premiums = {one.on: Premium(view, one, tariff.rules) for one in view.timeline.exits if leads_to_premium(view, one)}
    with_rest = view.settings["premium.started_month"] == "PRO_RATA_WITH_PREMIUM"
    for number, month in enumerate(view.months, 1):
        part = month
        if view.timeline.active_in(month):
            one = view.closing(month) if with_rest else None
            if one is None or view.timeline.basis(one) >= month.last_day:
                continue
            part = Period(add_days(view.timeline.basis(one), 1), month.end)
        else:
            one = view.timeline.exit_before(month.start)
        if one is not None and one.on in premiums:
            yield premiums[one.on].row(number, month, part)


@rule("AMI-10.1-a", "AMI-9-j")
def leads_to_premium(view: View, one: Exit) -> bool:
    """A bonus-qualifying exit within the ordinary intervention time (first stage of the two-stage test)."""
    return bool(one.provider) and view.timeline.leads_to_money(one)


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: LineStatus
    said: Said
    rules: tuple[str, ...] = ()
    payable_from: date | None = None
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Premium:
    """The speed premium of one exit: what holds for all of its months is looked up once."""

    view: View
    exit: Exit
    rules: tuple[str, ...]

    def row(self, number: int, month: Period, part: Period) -> Line:
        """The row of month `number`; `part` is the month, or what the exit left of it."""
        outcome = self.stopped(part) or self.open(number, month, part)
        return self.view.line(
            LineKind.SPEED_PREMIUM,
            self.exit.provider,
            number,
            month,
            self.steps(month, part),
            outcome.status,
            outcome.payable_from,
            (*self.rules, *outcome.rules),
            outcome.said,
            (self.exit.fact.id, *outcome.facts),
        )

    # --- the amount ------------------------------------------------------------------------------

    @rule("AMI-10.1-a", "AMI-10.1-f")
    def steps(self, month: Period, part: Period) -> tuple[Step, ...]:
        """A whole fee; or the days up to the break-off (AMB-13 B); or what the ordinary part left of the month.

        The last is a difference, so that the two parts of the exit month are together exactly one fee.
        """
        fee = self.view.fee
        days = self.days_until_break_off(part)
        if days and self.view.settings["premium.breakoff_month"] == "PRO_RATA":
            assert self.exit.break_off is not None
            return (fee, share_of("step.days_to_break_off", days, month, self.exit.break_off.id))
        if part == month:
            return (fee,)
        ordinary = recompute(month_steps(self.view, month, self.exit))
        return (fee, step("step.less_ordinary_part", -ordinary))

    def days_until_break_off(self, part: Period) -> int:
        """Days of `part` before a break-off that fell within them; 0 if none did."""
        broken = self.exit.break_off
        return (broken.on - part.start).days if broken is not None and broken.on in part else 0

    # --- what became of it -----------------------------------------------------------------------

    @rule("AMI-10.1-f")
    def stopped(self, part: Period) -> _Outcome | None:
        """The break-off stops the month it falls in and every later one (AMB-13 A); None if the month goes on.

        PRO_RATA and FULL pay for the month of the break-off, unless it broke off on the very first day. With
        clawback ALL an exit that was not sustained loses every month (AMB-14 B).
        """
        if self.unsustained is not None:
            rules = ("AMI-10.1-f", *self.unsustained.rules)
            return _Outcome(LineStatus.STOPPED, say("premium.unsustained"), rules, None, self.unsustained.facts)
        broken = self.exit.break_off
        if broken is None or part.end <= broken.on:
            return None
        if self.view.settings["premium.breakoff_month"] != "NONE" and self.days_until_break_off(part):
            return None
        said = say("premium.broken_off", broken_off=broken.on)
        return _Outcome(LineStatus.STOPPED, said, ("AMI-10.1-f",), None, (broken.id,))

    @cached_property
    def unsustained(self) -> Reason | None:
        """Why all of the premium is taken back; looked at only where the municipality has chosen so."""
        return failure(self.view, self.exit) if self.view.settings["premium.clawback"] == "ALL" else None

    @rule("AMI-10.1-a", "AMI-10.1-c")
    def open(self, number: int, month: Period, part: Period) -> _Outcome:
        """What stands between a month that goes on and its payment; payable from the last day of all of them."""
        approval = self.approval
        if isinstance(approval, _Outcome):
            return approval
        if self.view.as_of < month.end:
            return _Outcome(LineStatus.PLANNED, say("premium.planned", number=number), (), month.end)
        evidence = self.evidence
        if isinstance(evidence, _Outcome):
            return evidence
        report = self.report(number, month, part)
        if isinstance(report, _Outcome):
            return report
        payable_from = max(month.end, report, *approval, *evidence)
        said = say("premium.confirmed", number=number)
        facts = tuple(fact.id for fact in self.reports.get(number, ()))
        return _Outcome(self.view.due(payable_from), said, ("AMI-10.1-c",), payable_from, facts)

    @cached_property
    @rule("AMI-9.3.4-a", "AMI-10.2-b")
    def approval(self) -> _Outcome | list[date]:
        """The day of a person's approval, for kinds of exit that need one (reading 16)."""
        rules = self.view.timeline.needs_approval(self.exit)
        if not rules:
            return []
        decision = self.view.timeline.decision_for(self.exit, DecisionAbout.BONUS)
        if decision is None:
            return _Outcome(LineStatus.MANUAL, say("premium.approval_needed"), rules)
        if not decision["approved"]:
            return _Outcome(LineStatus.REFUSED, say("premium.not_approved"), rules, None, (decision.id,))
        return [decision.on]

    @cached_property
    @rule("AMI-9-h", "AMI-9.2-b", "AMI-9-g")
    def evidence(self) -> _Outcome | list[date]:
        """The days on which the documents, and by AMB-45 B the hourly cover, were complete (reading 4b)."""
        timeline = self.view.timeline
        complete = timeline.documents_complete_on(self.exit)
        if complete is None:
            missing = ", ".join(timeline.missing_documents(self.exit))
            rules = ("AMI-9-h",) if self.exit.rule.family == "STUDY" else ("AMI-9.2-b",)
            return _Outcome(LineStatus.ON_HOLD, say("premium.documents", documents=missing), rules)
        hourly = self.exit.kind is ExitKind.WORK_HOURLY_FULL_TIME
        if not hourly or self.view.settings["premium.hourly_provisional"]:
            return [complete]
        covered = timeline.hourly_covered_on(self.exit)
        if covered is None:
            return _Outcome(LineStatus.ON_HOLD, say("premium.hourly"), ("AMI-9-g",))
        return [complete, covered]

    @rule("AMI-10.1-b", "AMI-10.1-c")
    def report(self, number: int, month: Period, part: Period) -> _Outcome | date:
        """The day from which the follow-up of the month confirms it; the later report wins (readings 23, 24).

        Nothing more is asked for the month of a break-off that is paid by setting, which the break-off itself
        reports. The rest of the exit month needs no report of its own, since reports are for m+1..N (reading 41).
        With FORFEIT a report after the month's end comes too late (AMB-32 B).
        """
        if self.days_until_break_off(part):
            return month.end
        forfeits = self.view.settings["premium.missing_report"] == "FORFEIT"
        needed = self.view.settings["premium.followups_per_month"] if part == month else 0
        reports = self.reports.get(number, [])
        if forfeits:
            reports = [fact for fact in reports if fact.on <= month.end]
        if reports and not reports[-1]["continues"]:
            said = say("premium.not_confirmed", number=number)
            return _Outcome(LineStatus.ON_HOLD, said, ("AMI-10.1-c",), None, (reports[-1].id,))
        if len(reports) < needed:
            if forfeits:
                return _Outcome(LineStatus.REFUSED, say("premium.forfeited", number=number), ("AMI-10.1-c",))
            return _Outcome(LineStatus.ON_HOLD, say("premium.no_report", number=number), ("AMI-10.1-c",))
        return confirmed_on(reports, needed) or month.end

    @cached_property
    def reports(self) -> dict[int, list[Fact]]:
        """The follow-ups by month of the intervention (reading 41), in order."""
        found: dict[int, list[Fact]] = {}
        for fact in self.view.case.of(FactKind.PREMIUM_FOLLOW_UP):
            found.setdefault(fact["month"], []).append(fact)
        return found


def confirmed_on(reports: list[Fact], needed: int) -> date | None:
    """Since when enough reports are there and nothing but confirmations has come; None if there is no report."""
    if not reports:
        return None
    since = reports[-1].on
    for fact in reversed(reports):
        if not fact["continues"]:
            break
        since = fact.on
    return max(since, reports[max(needed, 1) - 1].on)
