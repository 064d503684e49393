"""What stands behind each bonus: evidence, assistance test, decision, and what a person still has to answer.

Nothing here decides: it lays open what `bonus.assess` has looked at (rulebook 2.10, 2.11, 8.5), for whoever handles
claims and for the provider who made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kundval_contracts.answer import Line, Said, recompute
from kundval_contracts.codes import (
    AssistanceScope,
    DecisionAbout,
    Document,
    ExitKind,
    FactKind,
    LineKind,
    LineStatus,
    QuestionCode,
)
from kundval_contracts.facts import Fact
from kundval_contracts.phrases import say
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Exit

from .bonus import claim_days, claims_in_time, questions, stake
from .view import View

_Q = QuestionCode

#: Documents that go with any exit or claim and prove nothing by themselves.
_ACCOMPANY = frozenset({Document.FINAL_REPORT, Document.TRIAL_CALCULATION})
#: Which question a sentence of `bonus.questions` asks; an approval is named after the kind of exit.
_BY_SENTENCE = {
    "bonus.boundary": _Q.BOUNDARY,
    "bonus.later_start": _Q.LATER_START,
    "bonus.changed_workplace": _Q.CHANGED_WORKPLACE,
    "bonus.other_length": _Q.OTHER_LENGTH,
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A row of matrix 2.10 against what has come in by exit and claims; all in the order of the code list.

    `either`: one of `required` is enough. `not_needed` has come but proves nothing for this kind of exit.
    """

    required: tuple[Document, ...]
    either: bool
    have: tuple[Document, ...]
    missing: tuple[Document, ...]
    not_needed: tuple[Document, ...]
    complete_on: date | None


@dataclass(frozen=True, slots=True)
class Assistance:
    """The test for financial assistance: whose is looked at, and whether any stands against the bonus."""

    scope: AssistanceScope
    found: bool


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a person must decide about one exit, since when, and by which decision."""

    exit: str
    provider: str
    code: QuestionCode
    about: DecisionAbout
    rules: tuple[str, ...]
    said: Said
    since: date

    @property
    def key(self) -> tuple[str, str]:
        return (self.exit, self.code.value)


@dataclass(frozen=True, slots=True)
class Claim:
    """The bonus of one line with everything that decides about it."""

    exit: Exit
    month: int
    settle: date
    stake: Decimal
    tier: str | None
    evidence: Evidence
    #: of hourly work: the day from which its six months are proved; None if they are not, or for other work
    covered_on: date | None
    needs_cover: bool
    claims: tuple[Fact, ...]
    assistance: Assistance
    decision: Fact | None


@rule("AMI-9-b", "AMI-10.2-c", "AMI-10.2-e", "AMI-10.2-f", "AMI-10.2-g")
def claim_of(view: View, line: Line) -> Claim | None:
    """What stands behind a line of kind RESULT_BONUS; None if the exit that it names is not there."""
    one = _exit_of(view, line)
    if one is None:
        return None
    timeline = view.timeline
    try:
        steps, rules = stake(view, one)
    except LookupError:  # a premium of a programme that has no bonus
        steps, rules = (), ()
    return Claim(
        exit=one,
        month=timeline.month_of(timeline.basis(one)),
        settle=timeline.window(one).end,
        stake=recompute(steps),
        tier=next(iter(rules), None),
        evidence=evidence(view, one),
        covered_on=timeline.hourly_covered_on(one) if _hourly(one) else None,
        needs_cover=_hourly(one),
        claims=claims_in_time(view, one),
        assistance=Assistance(timeline.assistance_scope(one), timeline.eb_in_window(one)),
        decision=_decision(view, one),
    )


@rule("AMI-9-f", "AMI-9-g", "AMI-9-h", "AMI-9.2-b")
def evidence(view: View, one: Exit) -> Evidence:
    """The row of the matrix for this exit. A document of the wrong kind counts for nothing and is named as such."""
    have = {*one.fact.get("documents", ())}
    for claim in view.timeline.claims(one):
        have |= {*claim.get("documents", ())}
    needed = one.rule.documents
    return Evidence(
        required=_ordered(needed),
        either=view.timeline.any_document_is_enough(one),
        have=_ordered(have & needed),
        missing=view.timeline.missing_documents(one),
        not_needed=_ordered(have - needed - _ACCOMPANY),
        complete_on=view.timeline.documents_complete_on(one),
    )


@rule("AMI-10.2-b", "AMI-9.3.4-a", "AMI-9-c", "AMI-9-e", "AMI-10.2-g")
def open_questions(view: View, lines: Sequence[Line]) -> tuple[Question, ...]:
    """What a person must decide now, oldest first (readings 13, 16, 29; AMB-01, 16, 17, 18, 23, 26).

    A bonus asks when all the rest of it is complete, a premium when the exit is known, and a boundary case that is
    refused unless a person says otherwise from the same day.
    """
    found: dict[tuple[str, str], Question] = {}
    for line in lines:
        if line.kind in (LineKind.RESULT_BONUS, LineKind.SPEED_PREMIUM):
            for question in _asked_by(view, line):
                known = found.get(question.key)
                if known is None or question.since < known.since:
                    found[question.key] = question
    return tuple(sorted(found.values(), key=lambda one: (one.since, one.key)))


def _asked_by(view: View, line: Line) -> Iterator[Question]:
    late = line.said is not None and line.said.code == "bonus.late"
    if line.status is not LineStatus.MANUAL and not late:
        return
    one = _exit_of(view, line)
    if one is None:
        return
    timeline, known = view.timeline, one.fact.known_on
    if late:
        if timeline.boundary(one) and timeline.decision_for(one, DecisionAbout.BOUNDARY) is None:
            said = say("bonus.boundary")
            yield Question(one.fact.id, one.provider, _Q.BOUNDARY, DecisionAbout.BOUNDARY, ("AMI-10.2-b",), said, known)
        return
    premium = line.kind is LineKind.SPEED_PREMIUM
    since = known
    if not premium:
        since = max([timeline.window(one).end, *claim_days(view, one, claims_in_time(view, one))])
    for about, reason in questions(view, one):
        code = _BY_SENTENCE.get(reason.said.code) or approval_code(one)
        if premium and code not in (_Q.HALF_TIME_STUDIES, _Q.OWN_BUSINESS):
            continue
        if timeline.decision_for(one, about) is None:
            yield Question(one.fact.id, one.provider, code, about, reason.rules, reason.said, since)


def approval_code(one: Exit) -> QuestionCode:
    """Which approval a kind of exit asks for."""
    return _Q.OWN_BUSINESS if one.kind is ExitKind.OWN_BUSINESS else _Q.HALF_TIME_STUDIES


def _exit_of(view: View, line: Line) -> Exit | None:
    return next((one for one in view.timeline.exits if one.fact.id in line.facts), None)


def _decision(view: View, one: Exit) -> Fact | None:
    """The latest decision of a person about this bonus."""
    found = [view.timeline.decision_for(one, about) for about in (DecisionAbout.BONUS, DecisionAbout.BOUNDARY)]
    return max((fact for fact in found if fact is not None), key=lambda fact: fact.order, default=None)


def _hourly(one: Exit) -> bool:
    return one.fact.kind is FactKind.EXITED and one.kind is ExitKind.WORK_HOURLY_FULL_TIME


def _ordered(documents: Iterable[Document]) -> tuple[Document, ...]:
    held = set(documents)
    return tuple(document for document in Document if document in held)
