"""Authorisation of providers (rulebook 8.6): facts about a provider in, its standing in each programme out.

`judge_provider(facts, ground, day)` is the whole of it. Which state a fact asks for is a table (SM-V1 to V4). A term
that expires, or is found unmet, and a finding of the supervision put a provider UNDER_REVIEW: it stays authorised and
can be chosen, until a person decides. The guards on what such a decision rests on (terms, clients, who decides) hold
when it is stated; judged anew it stands, so that nobody falls out silently because evidence or settings changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from kundval_contracts.authorisation import Term
from kundval_contracts.authorisation import terms as terms_of
from kundval_contracts.calendar import Period, add_months
from kundval_contracts.case import Provider
from kundval_contracts.codes import (
    DeauthorisationGround,
    Ownership,
    Programme,
    ProviderFactKind,
    ProviderRefusal,
    ProviderState,
    ReviewCause,
    TermEvidence,
    TermState,
    programmes,
)
from kundval_contracts.fact_fields import EARLIEST
from kundval_contracts.provider_facts import ProviderFact
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings

from .checklist import TermStatus, capacity_on, checklist, days_of_change, subcontractors_on
from .supervision import attracted_nobody

_K, _S, _R = ProviderFactKind, ProviderState, ProviderRefusal
_IN_FORCE = frozenset({_S.AUTHORISED, _S.UNDER_REVIEW})


@dataclass(frozen=True, slots=True)
class Move:
    """A row of the table in rulebook 8.6: from which states a kind of fact moves a provider, and to which."""

    id: str
    come_from: frozenset[ProviderState | None]
    to: ProviderState | None


#: The table of rulebook 8.6. None: the provider has no standing in the programme.
MOVES: Mapping[ProviderFactKind, Move] = MappingProxyType(
    {
        _K.APPLIED: Move("SM-V1", frozenset({None, _S.DEAUTHORISED}), _S.APPLIED),
        _K.APPLICATION_WITHDRAWN: Move("SM-V1", frozenset({_S.APPLIED}), None),
        _K.AUTHORISED: Move("SM-V2", frozenset({_S.APPLIED}), _S.AUTHORISED),
        _K.FINDING: Move("SM-V3", _IN_FORCE, _S.UNDER_REVIEW),
        _K.FINDING_CLOSED: Move("SM-V3", frozenset({_S.UNDER_REVIEW}), _S.AUTHORISED),
        _K.DEAUTHORISED: Move("SM-V4", _IN_FORCE, _S.DEAUTHORISED),
        # three months later
        _K.NOTICE_GIVEN: Move("SM-V4", _IN_FORCE, _S.DEAUTHORISED),
    }
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What stays the same while the facts of one provider are told.

    given: the provider as the tenant was opened with it, if it was: authorised from the days that stand there. terms:
    the checklist. last_choice: the latest day on which a client chose the provider, for a decision about NO_CLIENTS.
    """

    id: str
    settings: RuleSettings
    given: Provider | None = None
    terms: tuple[Term, ...] = ()
    last_choice: date | None = None

    @classmethod
    def of(
        cls, provider: str, settings: RuleSettings, given: Provider | None = None, last_choice: date | None = None
    ) -> Ground:
        return cls(provider, settings, given, terms_of(settings), last_choice)

    def term(self, code: str) -> Term | None:
        return next((term for term in self.terms if term.code == code), None)


@dataclass(frozen=True, slots=True)
class Span:
    """One authorisation: from its day until the first day without (None: no end known), and why it ended.

    decision: the fact by which it was given; None: the tenant was opened with it.
    """

    start: date
    end: date | None = None
    ground: DeauthorisationGround | None = None
    decision: str | None = None

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day < (self.end or date.max)


@dataclass(frozen=True, slots=True)
class Course:
    """A provider in one programme: the application that waits for a decision, the authorisations in order."""

    application: ProviderFact | None = None
    spans: tuple[Span, ...] = ()

    def span_on(self, day: date) -> Span | None:
        return next((span for span in reversed(self.spans) if day in span), None)

    def state_on(self, day: date) -> ProviderState | None:
        """Where it stands by what was stated; whether it is under review is `standings`' answer."""
        if self.span_on(day) is not None:
            return _S.AUTHORISED
        if self.application is not None:
            return _S.APPLIED
        return _S.DEAUTHORISED if any(span.end is not None and span.end <= day for span in self.spans) else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a fact about a provider does not take effect. Names nobody."""

    code: ProviderRefusal
    message: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a provider is under review: a finding (`ref`: its fact) or a term (`ref`: its code)."""

    cause: ReviewCause
    ref: str
    since: date | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a provider stands in a programme on a day. until: the first day on which it ends by what is known.
    authorised: the day from which it is authorised, while it is.
    """

    programme: Programme
    state: ProviderState
    since: date
    until: date | None = None
    ground: DeauthorisationGround | None = None
    causes: tuple[Cause, ...] = ()
    authorised: date | None = None


@dataclass(frozen=True, slots=True)
class ProviderJudgement:
    """What became of the facts about a provider.

    provider: as others see it, with every authorisation. standings: on the day, by programme. changes_on: the first
    later day on which time alone may change them.
    """

    in_effect: tuple[ProviderFact, ...]
    refused: Mapping[str, Refusal]
    provider: Provider
    standings: tuple[Standing, ...]
    checklist: tuple[TermStatus, ...]
    changes_on: date | None = None


@dataclass(frozen=True, slots=True)
class _State:
    """The facts told so far and what they come to."""

    courses: Mapping[Programme, Course]
    told: tuple[ProviderFact, ...] = ()
    given: bool = False

    @property
    def known(self) -> bool:
        return self.given or bool(self.told)


def judge_provider(
    facts: Iterable[ProviderFact], ground: Ground, day: date | None, stating: Collection[str] | None = None
) -> ProviderJudgement:
    """Judge all facts about a provider, in whatever order they are given.

    `day` is the business date; None: see `day_for`. `stating` are the ids of the facts that are
    stated now, whose decisions have to rest on something; None: all of them.
    """
    told = sorted(facts, key=lambda fact: fact.order)
    state, refused = _State(_given(ground), (), ground.given is not None), {}
    for fact in told:
        after = decide(state, fact, ground, stating=stating is None or fact.id in stating)
        if isinstance(after, Refusal):
            refused[fact.id] = after
        else:
            state = after
    today = day_for(told, ground.given, day)
    past = _folded(ground, [fact for fact in state.told if fact.on <= today])
    wanted = [programme for programme, course in past.courses.items() if course.state_on(today) is not None]
    listed = checklist(past.told, ground.terms, wanted, today, ground.settings)
    return ProviderJudgement(
        state.told,
        refused,
        _merged(state, ground, today),
        standings(past.courses, past.told, listed, today),
        listed,
        _changes_on(state, ground, today),
    )


def day_for(facts: Iterable[ProviderFact], given: Provider | None, business_date: date | None) -> date:
    """The business date, or before there is one the last day that anything stated is about."""
    if business_date is not None:
        return business_date
    days = [fact.on for fact in facts]
    return max([*days, *(given.authorised.values() if given else ())], default=EARLIEST)


def decide(state: _State, fact: ProviderFact, ground: Ground, *, stating: bool = True) -> _State | Refusal:
    """The state after `fact`, or why it does not take effect."""
    if fact.kind is not _K.APPLIED and not state.known:
        return Refusal(_R.NOT_APPLIED, "The provider has not applied.", ("SM-V1", "NACKA-1"))
    refusal = _contents(state, fact, ground)
    if refusal is None and fact.kind in MOVES:
        refusal = _out_of_place(state, fact)
        if refusal is None:
            refusal = _guard(state, fact, ground, stating=stating)
    if refusal is not None:
        return refusal
    courses = dict(state.courses)
    for programme in fact.get("programmes", ()):
        courses[programme] = _moved(courses.get(programme, Course()), fact, programme, ground)
    return replace(state, courses=courses, told=(*state.told, fact))


# --- the table ---------------------------------------------------------------------------------------


@rule("NACKA-1", "AF-GEN-4")
def _out_of_place(state: _State, fact: ProviderFact) -> Refusal | None:
    """The refusal of a fact that the table has no row for. No day of the year and no number of providers is one."""
    move = MOVES[fact.kind]
    if fact.kind is _K.FINDING:
        concerned = fact.get("programmes") or tuple(state.courses)
        stand = [state.courses.get(programme, Course()).state_on(fact.on) for programme in concerned]
        if any(one is _S.AUTHORISED for one in stand):
            return None
        return Refusal(_R.NOT_AUTHORISED, "The provider is not authorised.", (move.id, "NACKA-15"))
    if fact.kind is _K.FINDING_CLOSED:
        return None if _open(state.told, fact["finding"]) else _no_finding(move.id)
    for programme in fact["programmes"]:
        stands = state.courses.get(programme, Course()).state_on(fact.on)
        if stands not in move.come_from:
            return _not_from(stands, programme, move)
    return None


def _not_from(stands: ProviderState | None, programme: Programme, move: Move) -> Refusal:
    code, what = {
        None: (_R.NOT_APPLIED, "has not applied"),
        _S.APPLIED: (_R.ALREADY_APPLIED, "has applied, and nothing is decided,"),
        _S.DEAUTHORISED: (_R.NOT_AUTHORISED, "is not authorised any more"),
    }.get(stands, (_R.ALREADY_AUTHORISED, "is authorised"))
    if stands is _S.APPLIED and move.id == "SM-V4":
        code = _R.NOT_AUTHORISED
    return Refusal(code, f"The provider {what} for {programme}.", (move.id,))


def _no_finding(move: str) -> Refusal:
    return Refusal(_R.FINDING_UNKNOWN, "There is no open finding of that id.", (move, "NACKA-15"))


def _moved(course: Course, fact: ProviderFact, programme: Programme, ground: Ground) -> Course:
    if fact.kind is _K.APPLIED:
        return replace(course, application=fact)
    if fact.kind is _K.APPLICATION_WITHDRAWN:
        return replace(course, application=None)
    if fact.kind is _K.AUTHORISED:
        return Course(None, (*course.spans, Span(fact.on, None, None, fact.id)))
    if fact.kind is _K.DEAUTHORISED:
        return replace(course, spans=_ended(course.spans, fact.on, fact.on, fact["ground"]))
    if fact.kind is _K.NOTICE_GIVEN:
        end = notice_ends(fact, programme, ground.settings)
        return replace(course, spans=_ended(course.spans, fact.on, end, DeauthorisationGround.NOTICE))
    return course


@rule("NACKA-16")
def _ended(spans: Iterable[Span], on: date, end: date | None, why: DeauthorisationGround) -> tuple[Span, ...]:
    """The authorisation in force on `on` ends: from the day of the decision the provider cannot be chosen."""
    return tuple(replace(span, end=end, ground=why) if on in span else span for span in spans)


# --- guards ------------------------------------------------------------------------------------------


def _contents(state: _State, fact: ProviderFact, ground: Ground) -> Refusal | None:
    """Terms, subcontractors and findings that a fact names must exist; evidence must be of the kind asked for."""
    if fact.kind in (_K.TERM_MET, _K.TERM_UNMET, _K.TERM_EVIDENCE_OFFERED):
        term = ground.term(fact["term"])
        if term is None:
            return Refusal(_R.TERM_UNKNOWN, f"There is no term {fact['term']} in the checklist.", ("GAP-03",))
        if fact.kind is not _K.TERM_UNMET and term.evidence is TermEvidence.RATING and fact.get("rating") is None:
            return Refusal(_R.EVIDENCE_MISSING, f"{term.code} is shown by a rating.", term.rules)
        part = fact.get("subcontractor")
        if part is not None and not (term.subcontractors and part in subcontractors_on(state.told, fact.on)):
            return Refusal(_R.SUBCONTRACTOR_UNKNOWN, "That subcontractor has not been declared.", ("AF-SOM-16",))
    if fact.kind is _K.FINDING and fact.get("term") is not None and ground.term(fact["term"]) is None:
        return Refusal(_R.TERM_UNKNOWN, f"There is no term {fact['term']} in the checklist.", ("GAP-03",))
    if fact.kind is _K.MEASURE_DONE and not _open(state.told, fact["finding"]):
        return _no_finding("SM-V3")
    return None


def _guard(state: _State, fact: ProviderFact, ground: Ground, *, stating: bool) -> Refusal | None:
    if fact.kind is _K.APPLICATION_WITHDRAWN:
        return _bound(state, fact, ground)
    if fact.kind is _K.NOTICE_GIVEN:
        return _notice(state, fact, ground)
    if fact.kind in (_K.AUTHORISED, _K.DEAUTHORISED) and stating:
        if fact["by"] in acted_for(state.told):
            message = "Who has acted for the provider does not decide about it."
            return Refusal(_R.ACTED_FOR_PROVIDER, message, ("NACKA-2",))
        return _terms_met(state, fact, ground) if fact.kind is _K.AUTHORISED else _grounded(state, fact, ground)
    return None


@rule("NACKA-2")
def acted_for(facts: Iterable[ProviderFact]) -> frozenset[str]:
    """Who has acted for the provider: its staff, and whoever stated a fact in its name.

    The municipality buys, and sells through a provider of its own: these are different persons.
    """
    staff = {fact["staff"] for fact in facts if fact.kind is _K.STAFF_LISTED}
    return frozenset(staff | {fact.stated_by for fact in facts if fact.for_provider and fact.stated_by is not None})


@rule("NACKA-1", "AF-GEN-4", "AF-SOM-23")
def _terms_met(state: _State, fact: ProviderFact, ground: Ground) -> Refusal | None:
    """SM-V2: every mandatory term of the programmes is met on the day. Whoever meets them can be authorised."""
    listed = checklist(state.told, ground.terms, fact["programmes"], fact.on, ground.settings)
    lacking = [status for status in listed if status.term.mandatory and not status.fulfilled]
    if not lacking:
        return None
    rules = dict.fromkeys(one for status in lacking for one in status.term.rules)
    said = ", ".join(f"{status.term.code} {status.state}" for status in lacking)
    return Refusal(_R.TERMS_NOT_MET, f"Not all terms are met: {said}.", ("SM-V2", *rules))


@rule("NACKA-16", "NACKA-17")
def _grounded(state: _State, fact: ProviderFact, ground: Ground) -> Refusal | None:
    """SM-V4: a term is recorded as not met or has expired, or nobody has chosen the provider for twelve months."""
    for programme in fact["programmes"]:
        if fact["ground"] is DeauthorisationGround.TERMS_NOT_MET:
            listed = checklist(state.told, ground.terms, [programme], fact.on, ground.settings)
            if not any(one.term.mandatory and one.state in (TermState.UNMET, TermState.EXPIRED) for one in listed):
                message = f"No term for {programme} is recorded as not met."
                return Refusal(_R.TERMS_MET, message, ("SM-V4", "NACKA-16"))
            continue
        span = state.courses[programme].span_on(fact.on)
        since = span.start if span else fact.on
        if not attracted_nobody(since, ground.last_choice, fact.on, ground.settings["deauth.window_months"]):
            message = f"The provider has been chosen within the window, or was authorised for {programme} within it."
            return Refusal(_R.HAS_CLIENTS, message, ("SM-V4", "NACKA-17"))
    return None


@rule("AF-SOM-28")
def bound_until(applied: date, months: int = 4) -> date:
    """The first day on which an application to the employment service is not binding any more."""
    return add_months(applied, months)


def _bound(state: _State, fact: ProviderFact, ground: Ground) -> Refusal | None:
    for programme in fact["programmes"]:
        application = state.courses[programme].application
        if application is not None and (programme.is_som or programme.is_rum):
            free = bound_until(application.on, ground.settings["som.application_binding_months"])
            if fact.on < free:
                message = f"The application for {programme} is binding until {free}."
                return Refusal(_R.APPLICATION_BINDING, message, ("AF-SOM-28",))
    return None


@rule("AF-SOM-27")
def termination_ends(notice: date, months: int = 3) -> date:
    """The first day after a contract that is terminated on `notice`, by whichever side."""
    return add_months(notice, months)


def notice_ends(fact: ProviderFact, programme: Programme, settings: RuleSettings) -> date | None:
    """When a notice ends the authorisation: by AF-SOM-27 at the earliest; for the municipality's programmes, for which
    the sources name no time, as it says itself. None: it does not say.
    """
    stated: date | None = fact.get("ends_on")
    if not (programme.is_som or programme.is_rum):
        return stated
    computed = termination_ends(fact.on, settings["som.termination_months"])
    return computed if stated is None else max(stated, computed)


def _notice(state: _State, fact: ProviderFact, ground: Ground) -> Refusal | None:
    for programme in fact["programmes"]:
        end, stated = notice_ends(fact, programme, ground.settings), fact.get("ends_on")
        if end is None:
            message = f"The notice has to say when the authorisation for {programme} ends."
            return Refusal(_R.END_MISSING, message, ("SM-V4",))
        if end < fact.on or (stated is not None and stated < end):
            return Refusal(_R.TOO_EARLY, f"The authorisation for {programme} cannot end so early.", ("AF-SOM-27",))
        span = state.courses[programme].span_on(fact.on)
        if span is not None and span.end is not None:
            return Refusal(_R.ALREADY_ENDING, f"The authorisation for {programme} ends {span.end}.", ("SM-V4",))
    return None


# --- where it stands ---------------------------------------------------------------------------------


@rule("NACKA-15", "NACKA-18")
def standings(
    courses: Mapping[Programme, Course], told: Sequence[ProviderFact], listed: Iterable[TermStatus], day: date
) -> tuple[Standing, ...]:
    """Where the provider stands at the end of `day` in each programme; UNDER_REVIEW while there is a cause for it."""
    statuses = tuple(listed)
    found = []
    for programme in sorted(courses, key=programmes().index):
        course = courses[programme]
        state, span = course.state_on(day), course.span_on(day)
        if span is not None:
            causes = _causes(programme, span, told, statuses, day)
            known = [max(cause.since, span.start) for cause in causes if cause.since is not None]
            since = min(known, default=day) if causes else span.start
            stands = _S.UNDER_REVIEW if causes else _S.AUTHORISED
            found.append(Standing(programme, stands, since, span.end, span.ground, causes, span.start))
        elif state is _S.APPLIED and course.application is not None:
            found.append(Standing(programme, state, course.application.on))
        elif state is _S.DEAUTHORISED:
            ended = [one for one in course.spans if one.end is not None and one.end <= day][-1]
            found.append(Standing(programme, state, ended.end or day, None, ended.ground))
    return tuple(found)


def _causes(
    programme: Programme, span: Span, told: Iterable[ProviderFact], statuses: Iterable[TermStatus], day: date
) -> tuple[Cause, ...]:
    causes = [
        Cause(ReviewCause.FINDING, fact.id, fact.on)
        for fact in findings(told)
        if fact.on >= span.start and programme in (fact.get("programmes") or (programme,)) and _open(told, fact.id)
    ]
    for status in statuses:
        if not (status.term.mandatory and status.term.belongs_to(programme)):
            continue
        if status.state is TermState.UNMET:
            causes.append(Cause(ReviewCause.TERM_UNMET, status.term.code, status.since))
        elif status.state is TermState.EXPIRED:
            causes.append(Cause(ReviewCause.TERM_EXPIRED, status.term.code, status.since))
        elif status.state is TermState.MISSING and span.decision is not None:
            # who was handed over as authorised has shown its evidence elsewhere
            causes.append(Cause(ReviewCause.TERM_MISSING, status.term.code, status.since))
    return tuple(causes)


def findings(told: Iterable[ProviderFact]) -> tuple[ProviderFact, ...]:
    """Every finding of the supervision."""
    return tuple(fact for fact in told if fact.kind is _K.FINDING)


def _open(told: Iterable[ProviderFact], finding: str) -> bool:
    facts = tuple(told)
    closed = any(fact.kind is _K.FINDING_CLOSED and fact["finding"] == finding for fact in facts)
    return not closed and any(fact.kind is _K.FINDING and fact.id == finding for fact in facts)


# --- inside ------------------------------------------------------------------------------------------


def _given(ground: Ground) -> dict[Programme, Course]:
    """The authorisations that the tenant was opened with."""
    given = ground.given
    if given is None:
        return {}
    return {
        programme: Course(
            None,
            (
                *(Span(one.start, one.end) for one in given.earlier.get(programme, ())),
                Span(since, given.deauthorised.get(programme)),
            ),
        )
        for programme, since in given.authorised.items()
    }


def _folded(ground: Ground, in_effect: Iterable[ProviderFact]) -> _State:
    """The state after facts that are in effect; they are not judged again."""
    state = _State(_given(ground), (), ground.given is not None)
    for fact in in_effect:
        after = decide(state, fact, ground, stating=False)
        if not isinstance(after, Refusal):
            state = after
    return state


def _merged(state: _State, ground: Ground, day: date) -> Provider:
    """The provider as others see it: what the tenant was opened with, and what has been stated since."""
    given = ground.given
    applied = [fact for fact in state.told if fact.kind is _K.APPLIED]
    authorised: dict[Programme, date] = {}
    deauthorised: dict[Programme, date] = {}
    earlier: dict[Programme, tuple[Period, ...]] = {}
    for programme, course in state.courses.items():
        spans = _coalesced(course.spans)
        if not spans:
            continue
        *before, last = spans
        authorised[programme] = last.start
        if last.end is not None:
            deauthorised[programme] = last.end
        if before:
            earlier[programme] = tuple(Period(span.start, span.end or last.start) for span in before)
    declared = capacity_on(state.told, day)
    return Provider(
        ground.id,
        applied[-1]["ownership"] if applied else given.ownership if given else Ownership.PRIVATE,
        authorised,
        next((fact["name"] for fact in reversed(applied) if fact.get("name")), given.name if given else ""),
        deauthorised,
        earlier,
        declared if declared is not None else given.capacity if given else None,
    )


def _coalesced(spans: Iterable[Span]) -> list[Span]:
    """Authorisations in order of their days, those that touch or overlap put together."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, one.end or date.max)):
        if found and span.start <= (found[-1].end or date.max):
            ends = (found[-1].end, span.end)
            end = None if None in ends else max(one for one in ends if one is not None)
            found[-1] = replace(found[-1], end=end, ground=span.ground)
        else:
            found.append(span)
    return found


def _changes_on(state: _State, ground: Ground, day: date) -> date | None:
    days = {fact.on for fact in state.told}
    days |= {one for course in state.courses.values() for span in course.spans for one in (span.start, span.end) if one}
    days |= set(days_of_change(state.told, {term.code: term for term in ground.terms}))
    return min((one for one in days if one > day), default=None)


__all__ = [
    "MOVES",
    "Cause",
    "Course",
    "Ground",
    "Move",
    "ProviderJudgement",
    "Refusal",
    "Span",
    "Standing",
    "acted_for",
    "bound_until",
    "day_for",
    "decide",
    "findings",
    "judge_provider",
    "notice_ends",
    "standings",
    "termination_ends",
]
