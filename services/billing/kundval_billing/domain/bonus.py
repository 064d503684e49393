"""Result bonus of AMI (rulebook 2.11 and 8.5): one for an intervention, paid once the six months have held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kundval_contracts.answer import Line, Said, Step
from kundval_contracts.calendar import add_months
from kundval_contracts.codes import (
    DecisionAbout,
    ExitKind,
    FactKind,
    LineKind,
    LineStatus,
    Programme,
)
from kundval_contracts.facts import Fact
from kundval_contracts.phrases import say, step
from kundval_contracts.rules import rule
from kundval_contracts.tariffs import BONUSES, Model, Part
from kundval_contracts.timeline import Exit

from .view import View

#: Exits of the family OTHER that are shown with a refused bonus; the others have no line at all.
_SHOWN = (ExitKind.BENEFIT_TEMPORARY, ExitKind.BENEFIT_OTHER_PUBLIC)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is refused, or waits: the rules that say so and a sentence for the provider."""

    rules: tuple[str, ...]
    said: Said
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bonus of one exit stands at."""

    exit: Exit
    status: LineStatus
    reason: Reason
    payable_from: date | None = None
    claimed: bool = False


@rule("AMI-10.2-a", "AMI-10-a", "NACKA-10")
def bonus_lines(view: View, _tariff: Part) -> Iterator[Line]:
    """The bonus of the intervention, and the refused ones of other providers' exits (reading 40).

    There is one bonus: of the first exit that is not refused, unless only a later one has been claimed. With
    one row for a provider, its bonus is shown rather than a refusal, else the newest refusal.
    """
    outcomes = [
        assess(view, one)
        for one in view.timeline.exits
        if one.provider and (one.rule.family != "OTHER" or one.kind in _SHOWN)
    ]
    standing = [one for one in outcomes if one.status is not LineStatus.REFUSED]
    chosen = next((one for one in standing if one.claimed), standing[0] if standing else None)
    shown: dict[str, Outcome] = {}
    for one in outcomes:
        if one is not chosen and one.status is not LineStatus.REFUSED:
            one = Outcome(one.exit, LineStatus.REFUSED, Reason(("AMI-10.2-a",), say("bonus.another")))
        shown[one.exit.provider] = one
    if chosen is not None:
        shown[chosen.exit.provider] = chosen
    for one in shown.values():
        yield _line(view, one)


def _line(view: View, one: Outcome) -> Line:
    steps, rules = stake(view, one.exit)
    return view.line(
        LineKind.RESULT_BONUS,
        one.exit.provider,
        1,
        view.timeline.window(one.exit),
        steps,
        one.status,
        one.payable_from,
        (*rules, *one.reason.rules),
        one.reason.said,
        (one.exit.fact.id, *one.reason.facts),
    )


# --- the amount --------------------------------------------------------------------------------------


@rule("AMI-10.2-a", "AMI-10.2-b", "AMI-10.2-e", "AMI-10.2-f", "AMI-10.2-g")
def stake(view: View, one: Exit) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Derivation of the amount at stake, and the rule of its tier.

    AMI 1 has one amount. AMI 2 has the share of the month of E; days after the last tier (an exit that came too
    late, an intervention of another length) are shown with the last share. Raises LookupError for a programme whose
    tariff has no bonus.
    """
    timeline, terms = view.timeline, view.terms
    part = terms.part(*BONUSES)
    if part is None:
        raise LookupError(timeline.programme.value)
    highest = terms.find(part, "ceiling")
    if part.model is Model.RESULT_BONUS_FLAT:
        amount = terms.value(part, "amount").value
        steps = [step("step.bonus_ami_1", amount, programme=timeline.programme)]
        if highest is not None and amount > highest.value:
            steps.append(step("step.bonus_ceiling", highest.value - amount))
        return tuple(steps), part.rules
    ceiling, tiers = terms.value(part, "ceiling").value, terms.value(part, "tiers").value
    month = timeline.month_of(timeline.basis(one))
    place = next((number for number, (low, high, _) in enumerate(tiers) if low <= month <= high), len(tiers) - 1)
    low, high, share = tiers[place]
    rule_id = "AMI-10.2-e" if place == 0 else "AMI-10.2-g" if place == len(tiers) - 1 else "AMI-10.2-f"
    facts = (*timeline.decided_facts, one.fact.id)
    shared = step("step.bonus_share", factor=share, facts=facts, low=low, high=high, month=month)
    return (step("step.bonus_highest", ceiling), shared), (rule_id,)


def has_tiers(view: View) -> bool:
    """True if the bonus depends on the month of the exit, as in AMI 2."""
    return view.terms.part(Model.RESULT_BONUS_TIERS) is not None


# --- the decision ------------------------------------------------------------------------------------


@rule("AMI-9-a", "AMI-9-b", "AMI-10.2-b", "AMI-10.2-c", "NACKA-12")
def assess(view: View, one: Exit) -> Outcome:
    """Function 2.11 for one exit, with the statuses of readings 13, 25 and 50.

    A refusal shows as soon as it is known. Before the settle date the bonus is PLANNED; then it waits for claim
    and evidence, then for a person where one must decide, and then it is payable from the last of those days.
    """
    timeline = view.timeline
    settle = timeline.window(one).end
    claims = claims_in_time(view, one)
    claimed = bool(claims) and bool(claims[-1]["certified"])
    refused = refusal(view, one, claims)
    if refused is not None:
        return Outcome(one, LineStatus.REFUSED, refused)
    if view.as_of < settle:
        reason = Reason(("AMI-9-b",), say("bonus.planned", settle=settle))
        return Outcome(one, LineStatus.PLANNED, reason, settle)
    waits = waiting(view, one, claims)
    if waits is not None:
        decision = timeline.decision_for(one, DecisionAbout.BONUS)
        if decision is not None and not decision["approved"] and decision.on >= settle:  # SM-B7, B9
            said = say("bonus.refused_by_municipality", why=waits.said)
            return Outcome(one, LineStatus.REFUSED, Reason(waits.rules, said, (decision.id,)))
        return Outcome(one, LineStatus.ON_HOLD, waits, None, claimed)
    days = [settle, *claim_days(view, one, claims)]
    facts = [claim.id for claim in claims]
    for about, reason in questions(view, one):
        decision = timeline.decision_for(one, about)
        if decision is None:
            return Outcome(one, LineStatus.MANUAL, reason, None, claimed)
        days.append(decision.on)
        facts.append(decision.id)
    payable_from = max(days)
    arrears = "AMI-10.2-c" if has_tiers(view) else "AMI-9-b"
    reason = Reason((arrears,), say("bonus.due", settle=settle), tuple(facts))
    return Outcome(one, view.due(payable_from), reason, payable_from, claimed)


def refusal(view: View, one: Exit, claims: tuple[Fact, ...]) -> Reason | None:
    """Why this exit has no bonus, or None: nothing that a person could approve (reading 27)."""
    verdict = view.timeline.qualifies(one)
    if not verdict.ok:
        return Reason(verdict.rules, verdict.said)
    late = too_late(view, one)
    if late is not None:
        return late
    failed = failure(view, one)
    if failed is not None:
        return failed
    if view.as_of >= view.timeline.window(one).end:
        return expired(view, one, claims) or refused_by_person(view, one)
    return refused_by_person(view, one)


@rule("AMI-10.2-a", "AMI-10.2-b")
def too_late(view: View, one: Exit) -> Reason | None:
    """The exit was not before the end date (AMB-04)."""
    if view.timeline.counts_as_in_time(one):
        return None
    day, end = view.timeline.basis(one), view.timeline.end
    return Reason(("AMI-10.2-a",), say("bonus.late", day=day, end=end), view.timeline.decided_facts)


# --- what must hold for six months -------------------------------------------------------------------


def failure(view: View, one: Exit) -> Reason | None:
    """Why the exit was not sustained (second stage of the two-stage test), or None as far as is known."""
    return (
        broken_off(view, one)
        or assisted(view, one)
        or moved(view, one)
        or not_certified(view, claims_in_time(view, one))
    )


@rule("AMI-9-e")
def broken_off(view: View, one: Exit) -> Reason | None:
    """Work or studies ended before the settle date (AMB-15, 41)."""
    if one.break_off is None or not view.timeline.broke_off_before_settle(one):
        return None
    settle = view.timeline.window(one).end
    said = say("bonus.broken_off", broken_off=one.break_off.on, settle=settle)
    return Reason(("AMI-9-e",), said, (one.break_off.id,))


@rule("AMI-9-c", "AMI-9-d", "AMI-9.3.3-a", "AMI-9.2.2-b")
def assisted(view: View, one: Exit) -> Reason | None:
    """Assistance whose benefit period overlaps the six months (AMB-20); waived with study-start support (AMB-21).

    The sentence says no more than the rule: the provider is not told what a household received.
    """
    if view.timeline.eb_in_window(one):
        return Reason(("AMI-9-d",), say("bonus.assisted"))
    return None


@rule("AMI-10.2-d", "AMI-9-e")
def moved(view: View, one: Exit) -> Reason | None:
    """Another workplace or other studies within the six months, where that forfeits (AMB-17)."""
    key = "ami2.employer_change" if view.timeline.programme is Programme.AMI_2 else "ami1.employer_change"
    for _, gap_days in changes(view, one):
        if view.settings[key] == "FORFEIT":
            rules = ("AMI-10.2-d",) if view.timeline.programme is Programme.AMI_2 else ("AMI-9-e",)
            return Reason(rules, say("bonus.moved"))
        if gap_days > 0:
            return Reason(("AMI-9-e",), say("bonus.gap"))
    return None


def changes(view: View, one: Exit) -> Iterator[tuple[date, int]]:
    """(day, days of gap) of each change in `[start, settle)`; one on the settle date is harmless (AMI-10.2-d)."""
    window, workplace = view.timeline.window(one), one.fact.get("workplace")
    for fact in view.case.of(FactKind.WORKPLACE_CHANGED):
        if fact.on in window and (fact["workplace"] != workplace or fact["gap_days"] > 0):
            yield fact.on, fact["gap_days"]
        workplace = fact["workplace"]


@rule("AMI-10.2-b", "AMI-10.2-d")
def not_certified(view: View, claims: tuple[Fact, ...]) -> Reason | None:
    """The provider's latest claim says that the client is no longer self-supporting."""
    if not claims or claims[-1]["certified"]:
        return None
    rules = ("AMI-10.2-d",) if has_tiers(view) else ("AMI-10.2-b",)
    return Reason(rules, say("bonus.not_certified"), (claims[-1].id,))


# --- claim and evidence ------------------------------------------------------------------------------


def claim_deadline(view: View, one: Exit) -> date | None:
    """Last day on which the bonus can be claimed; None while no deadline is set (GAP-05)."""
    months = view.settings["bonus.claim_deadline_months"]
    return None if months is None else add_months(view.timeline.window(one).end, months)


def claims_in_time(view: View, one: Exit) -> tuple[Fact, ...]:
    """The claims of this exit up to the deadline, where there is one."""
    deadline = claim_deadline(view, one)
    return tuple(claim for claim in view.timeline.claims(one) if deadline is None or claim.on <= deadline)


@rule("AMI-10.2-c")
def expired(view: View, one: Exit, claims: tuple[Fact, ...]) -> Reason | None:
    """The deadline for claims has passed without one, where the municipality has set a deadline."""
    deadline = claim_deadline(view, one)
    if claims or deadline is None or view.as_of <= deadline:
        return None
    return Reason(("AMI-10.2-c",), say("bonus.expired", deadline=deadline))


@rule("AMI-9-b", "AMI-9-f", "AMI-9-g", "AMI-9-h", "AMI-9.2-b", "AMI-10.2-c")
def waiting(view: View, one: Exit, claims: tuple[Fact, ...]) -> Reason | None:
    """What is missing at or after the settle date: a claim, a document, or proof of hourly work (readings 4, 25)."""
    timeline = view.timeline
    if not claims:
        rules = ("AMI-10.2-c",) if has_tiers(view) else ("AMI-9-b",)
        return Reason(rules, say("bonus.unclaimed"))
    if timeline.documents_complete_on(one) is None:
        missing = ", ".join(timeline.missing_documents(one))
        rules = ("AMI-9-h",) if one.rule.family == "STUDY" else ("AMI-9.2-b",)
        return Reason(rules, say("bonus.documents", documents=missing))
    if one.kind is ExitKind.WORK_HOURLY_FULL_TIME and timeline.hourly_covered_on(one) is None:
        return Reason(("AMI-9-g",), say("bonus.hourly"))
    return None


def claim_days(view: View, one: Exit, claims: tuple[Fact, ...]) -> list[date]:
    """The days on which claim, documents and hourly cover were complete."""
    certified = claims[-1].on
    for claim in reversed(claims):
        if not claim["certified"]:
            break
        certified = claim.on
    days = [certified, view.timeline.documents_complete_on(one)]
    if one.kind is ExitKind.WORK_HOURLY_FULL_TIME:
        days.append(view.timeline.hourly_covered_on(one))
    return [day for day in days if day is not None]


# --- what a person must decide -----------------------------------------------------------------------


def questions(view: View, one: Exit) -> Iterator[tuple[DecisionAbout, Reason]]:
    """What a person must decide before this bonus is paid (readings 13, 16, 29; AMB-01, 16, 17, 18, 23, 26)."""
    timeline = view.timeline
    if timeline.boundary(one):
        yield DecisionAbout.BOUNDARY, Reason(("AMI-10.2-b",), say("bonus.boundary"))
    approval = view.timeline.needs_approval(one)
    if approval:
        yield DecisionAbout.BONUS, Reason(approval, say("bonus.approval_needed"))
    if one.first_day > timeline.basis(one):
        yield DecisionAbout.BONUS, Reason(("AMI-9-c",), say("bonus.later_start", first_day=one.first_day))
    if next(changes(view, one), None) is not None:
        yield DecisionAbout.BONUS, Reason(("AMI-9-e",), say("bonus.changed_workplace"))
    if other_length(view):
        yield DecisionAbout.BONUS, Reason(("AMI-10.2-g",), say("bonus.other_length"))


@rule("AMI-10.2-g")
def other_length(view: View) -> bool:
    """AMI 2 whose length is not that of the tier table: automatic tiers are refused (AMB-26)."""
    timeline = view.timeline
    part = view.terms.part(Model.RESULT_BONUS_TIERS)
    if part is None or timeline.anchor is None or timeline.end is None:
        return False
    _, months, _ = view.terms.value(part, "tiers").value[-1]
    return timeline.end != add_months(timeline.anchor, months)


def refused_by_person(view: View, one: Exit) -> Reason | None:
    """A person has refused what only a person could approve (reading 27)."""
    for about, reason in questions(view, one):
        decision = view.timeline.decision_for(one, about)
        if decision is not None and not decision["approved"]:
            return Reason(reason.rules, say("bonus.refused"), (decision.id,))
    return None
