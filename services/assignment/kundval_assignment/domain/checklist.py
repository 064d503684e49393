"""The checklist of authorisation terms on a day: what is met, what is missing, what expires; staff and capacity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_contracts.authorisation import Term
from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.codes import Programme, ProviderFactKind, StaffFunction, TermEvidence, TermState
from kundval_contracts.provider_facts import ProviderFact
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings

_K = ProviderFactKind
#: From best to worst: what is put together stands as its worst part does.
_ORDER = (TermState.MET, TermState.EXPIRING, TermState.MISSING, TermState.EXPIRED, TermState.UNMET)


@dataclass(frozen=True, slots=True)
class TermStatus:
    """A term of the checklist on a day.

    since: the day from which it stands like this, if a fact says so. valid_until: the last day on which the evidence
    holds. offered: evidence that the provider has handed in and nobody has approved yet. lacking: opaque ids of the
    staff or subcontractors for whom it is not met.
    """

    term: Term
    state: TermState
    since: date | None = None
    evidence: str | None = None
    valid_until: date | None = None
    offered: str | None = None
    lacking: tuple[str, ...] = ()

    @property
    def fulfilled(self) -> bool:
        return self.state in (TermState.MET, TermState.EXPIRING)


# --- staff and capacity ------------------------------------------------------------------------------


@rule("AF-SOM-9")
def qualified_by_path_a(staff: ProviderFact, settings: RuleSettings) -> bool:
    """Points of higher education or equivalent, within the subjects, and two years' work in the last five.

    The sentence does not tell whether the subjects are asked of university credits too: recommended is that they are;
    under VOCATIONAL_ONLY they are asked of vocational-college points alone.
    """
    university = staff.get("credits", 0) >= 120 or staff.get("old_points", 0) >= 80
    vocational = staff.get("vocational_points", 0) >= settings["som.staff.vocational_points"]
    within = bool(staff.get("subject_ok", False))
    if settings["som.staff.subject_condition"] == "BOTH":
        studied = (university or vocational) and within
    else:
        studied = university or (vocational and within)
    return studied and Decimal(staff.get("fte_years_last5", 0)) >= 2


@rule("AF-SOM-10")
def qualified_by_path_b(staff: ProviderFact) -> bool:
    """A year's post-secondary studies with at least a pass, and three years' work in the selected occupations."""
    studied = Decimal(staff.get("study_years", 0)) >= 1 and bool(staff.get("passed", False))
    return studied and Decimal(staff.get("fte_years_in_list", 0)) >= 3


def qualification(staff: ProviderFact, settings: RuleSettings) -> str | None:
    """`A` or `B`, the first path that the person fulfils; None if neither."""
    if qualified_by_path_a(staff, settings):
        return "A"
    return "B" if qualified_by_path_b(staff) else None


@rule("AF-SOM-29")
def staff_needed(participants: int, most: int = 35) -> int:
    """Employees for so many participants, at most `most` for each. A general reckoning: it warns and blocks nothing."""
    return -(-participants // most)


@rule("AF-SOM-23")
def capacity_suffices(places: int | None, least: int = 20) -> bool:
    """Whether the declared capacity is as large as a supplier's must be at least."""
    return places is not None and places >= least


def staff_on(facts: Iterable[ProviderFact], day: date) -> tuple[ProviderFact, ...]:
    """The staff on `day`, each by the latest row that lists the person."""
    return tuple(row for row in _listed(facts, day) if row.get("from", date.min) <= day < row.get("until", date.max))


def _listed(facts: Iterable[ProviderFact], day: date) -> tuple[ProviderFact, ...]:
    latest = {fact["staff"]: fact for fact in facts if fact.kind is _K.STAFF_LISTED and fact.on <= day}
    return tuple(latest[name] for name in sorted(latest))


def capacity_on(facts: Iterable[ProviderFact], day: date) -> int | None:
    """The places declared last, or None if none were."""
    places: int | None = None
    for fact in facts:
        if fact.kind is _K.CAPACITY_DECLARED and fact.on <= day:
            places = fact["places"]
    return places


@rule("AF-SOM-16")
def subcontractors_on(facts: Iterable[ProviderFact], day: date) -> tuple[str, ...]:
    """Everybody declared to perform a part of the service."""
    return tuple(
        sorted({fact["organisation"] for fact in facts if fact.kind is _K.SUBCONTRACTOR_DECLARED and fact.on <= day})
    )


# --- the checklist -----------------------------------------------------------------------------------


@rule(
    "AMI-4.3-a", "AMI-6.3-a", "AF-SOM-11", "AF-SOM-12", "AF-SOM-13", "AF-SOM-14", "AF-SOM-15", "AF-SOM-16",
    "AF-SOM-30", "NACKA-18",
)  # fmt: skip
def checklist(
    facts: Sequence[ProviderFact],
    terms: Iterable[Term],
    programmes: Iterable[Programme],
    day: date,
    settings: RuleSettings,
) -> tuple[TermStatus, ...]:
    """Every term that belongs to one of the programmes, as it stands at the end of `day`. `facts` are in order."""
    wanted = tuple(programmes)
    told = tuple(fact for fact in facts if fact.on <= day)
    return tuple(_status(term, told, day, settings) for term in terms if any(term.belongs_to(one) for one in wanted))


def _status(term: Term, told: Sequence[ProviderFact], day: date, settings: RuleSettings) -> TermStatus:
    about = [fact for fact in told if fact.data.get("term") == term.code]
    own = _judged(term, [fact for fact in about if fact.get("subcontractor") is None], day, settings)
    parts = [own]
    if term.evidence is TermEvidence.STAFF:
        parts.append(_staff_status(term, told, day, settings))
    elif term.evidence is TermEvidence.CAPACITY:
        # nobody has to confirm the number that the provider declares, but anybody may find that it is not true
        parts = [_capacity_status(term, told, settings), *(part for part in parts if part.state is TermState.UNMET)]
    if term.subcontractors:
        for name in subcontractors_on(told, day):
            part = _judged(term, [fact for fact in about if fact.get("subcontractor") == name], day, settings)
            parts.append(part if part.fulfilled else replace(part, lacking=(name,)))
    worst = max(parts, key=lambda part: _ORDER.index(part.state))
    limits = [part.valid_until for part in parts if part.valid_until is not None]
    lacking = tuple(name for part in parts for name in part.lacking)
    offered = [fact for fact in about if fact.kind is _K.TERM_EVIDENCE_OFFERED]
    answered = [fact for fact in about if fact.kind in (_K.TERM_MET, _K.TERM_UNMET)]
    waiting = offered and (not answered or offered[-1].order > answered[-1].order)
    return TermStatus(
        term,
        worst.state,
        worst.since,
        own.evidence,
        min(limits, default=None),
        offered[-1]["evidence"] if waiting else None,
        lacking,
    )


def _judged(term: Term, about: Sequence[ProviderFact], day: date, settings: RuleSettings) -> TermStatus:
    """What the municipality has stated: met, with evidence that holds for a time, or not met."""
    unmet = [fact for fact in about if fact.kind is _K.TERM_UNMET]
    met = [fact for fact in about if fact.kind is _K.TERM_MET and (not unmet or fact.order > unmet[-1].order)]
    if not met:
        if unmet:
            return TermStatus(term, TermState.UNMET, unmet[-1].on)
        return TermStatus(term, TermState.MISSING)
    best = max(met, key=lambda fact: (last_day(term, fact) or date.max, fact.order))
    until = last_day(term, best)
    if until is not None and until < day:
        return TermStatus(term, TermState.EXPIRED, add_days(until, 1), best["evidence"], until)
    soon = until is not None and until < add_days(day, settings["authorisation.expiring_days"])
    return TermStatus(term, TermState.EXPIRING if soon else TermState.MET, best.on, best["evidence"], until)


def last_day(term: Term, met: ProviderFact) -> date | None:
    """The last day on which evidence holds: its own, but no longer than the term allows; None: no limit."""
    own: date | None = met.get("valid_until")
    oldest = None if term.validity_months is None else add_days(add_months(met.on, term.validity_months), -1)
    return min((day for day in (own, oldest) if day is not None), default=None)


def _staff_status(term: Term, told: Sequence[ProviderFact], day: date, settings: RuleSettings) -> TermStatus:
    """Every case worker of the day is qualified, and there is one."""
    workers = [row for row in staff_on(told, day) if row["function"] is StaffFunction.CASE_WORKER]
    if not workers:
        gone = [row["until"] for row in _listed(told, day) if row.get("until") is not None and row["until"] <= day]
        return TermStatus(term, TermState.MISSING, max(gone, default=None))
    wrong = [row for row in workers if qualification(row, settings) is None]
    if wrong:
        since = min(max(row.on, row.get("from", row.on)) for row in wrong)
        return TermStatus(term, TermState.UNMET, since, lacking=tuple(row["staff"] for row in wrong))
    return TermStatus(term, TermState.MET)


def _capacity_status(term: Term, told: Sequence[ProviderFact], settings: RuleSettings) -> TermStatus:
    declared = [fact for fact in told if fact.kind is _K.CAPACITY_DECLARED]
    if not declared:
        return TermStatus(term, TermState.MISSING)
    fine = capacity_suffices(declared[-1]["places"], settings["som.capacity_min"])
    return TermStatus(term, TermState.MET if fine else TermState.UNMET, declared[-1].on)


def days_of_change(facts: Iterable[ProviderFact], terms: Mapping[str, Term]) -> Iterable[date]:
    """Days on which the checklist may change by time alone: the first after evidence, a person's first and first
    without.
    """
    for fact in facts:
        data: Mapping[str, Any] = fact.data
        if fact.kind is _K.TERM_MET and data["term"] in terms:
            until = last_day(terms[data["term"]], fact)
            if until is not None:
                yield add_days(until, 1)
        elif fact.kind is _K.STAFF_LISTED:
            yield from (day for day in (data.get("from"), data.get("until")) if day is not None)
