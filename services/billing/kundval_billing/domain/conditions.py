"""What had to hold for a line to be paid, in the order in which it is looked at, up to what decided it.

The sentence of a line says where it got to (`bonus.assisted`, `premium.no_report`), and everything that is looked at
before that held. So the conditions follow from the sentence alone: they cannot contradict the line, they can be told of
a posting years later, and they say nothing of what was not looked at any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kundval_contracts.answer import Line, Said
from kundval_contracts.codes import ConditionMet, LineKind, LineStatus
from kundval_contracts.phrases import say


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that had to hold: what, whether it does, and the rules that ask for it."""

    said: Said
    met: ConditionMet
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rung:
    """`refusing` and `waiting` are the sentences of lines that got no further than this."""

    code: str
    rules: tuple[str, ...]
    refusing: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()


def _rung(code: str, *rules: str, refusing: str = "", waiting: str = "") -> _Rung:
    return _Rung(f"condition.{code}", rules, frozenset(refusing.split()), frozenset(waiting.split()))


_QUALIFIES = (
    "exit.other_programme exit.kind exit.business_no exit.extent exit.no_study_support exit.no_household_income"
    " exit.form exit.contract"
)

#: What is looked at for each kind of line, in the order of the code that does so.
LADDERS: Mapping[LineKind, tuple[_Rung, ...]] = {
    LineKind.MONTHLY_FEE: (_rung("ran", "AMI-10.1-a"),),
    LineKind.SPEED_PREMIUM: (
        _rung("qualifies", "AMI-9-a", refusing=_QUALIFIES),
        _rung("in_time", "AMI-10.2-a", refusing="bonus.late"),
        _rung("goes_on", "AMI-10.1-f", refusing="premium.unsustained premium.broken_off"),
        _rung("approved", "AMI-9.3.4-a", refusing="premium.not_approved", waiting="premium.approval_needed"),
        _rung("month_over", "NACKA-30", waiting="premium.planned"),
        _rung("documents", "AMI-9.2-b", waiting="premium.documents"),
        _rung("hourly", "AMI-9-g", waiting="premium.hourly"),
        _rung(
            "followed_up",
            "AMI-10.1-c",
            refusing="premium.forfeited",
            waiting="premium.not_confirmed premium.no_report",
        ),
    ),
    LineKind.RESULT_BONUS: (
        _rung("qualifies", "AMI-9-a", refusing=_QUALIFIES),
        _rung("in_time", "AMI-10.2-a", refusing="bonus.late"),
        _rung("unbroken", "AMI-9-e", refusing="bonus.broken_off"),
        _rung("unassisted", "AMI-9-d", refusing="bonus.assisted"),
        _rung("same_place", "AMI-10.2-d", refusing="bonus.moved bonus.gap"),
        _rung("not_denied", "AMI-10.2-d", refusing="bonus.not_certified"),
        _rung("claim_in_time", "AMI-10.2-c", refusing="bonus.expired"),
        _rung("not_refused", "AMI-9-a", refusing="bonus.refused bonus.refused_by_municipality"),
        _rung("only_one", "AMI-10.2-a", refusing="bonus.another"),
        _rung("six_months", "AMI-9-b", waiting="bonus.planned"),
        _rung("claimed", "AMI-10.2-c", waiting="bonus.unclaimed"),
        _rung("documents", "AMI-9.2-b", waiting="bonus.documents"),
        _rung("hourly", "AMI-9-g", waiting="bonus.hourly"),
        _rung(
            "approved",
            "AMI-9.3.4-a",
            waiting="bonus.boundary bonus.approval_needed bonus.later_start bonus.changed_workplace bonus.other_length",
        ),
    ),
}


def conditions(line: Line) -> tuple[Condition, ...]:
    """The conditions of a line in order; the last one decides. The last is met exactly if the line is PAYABLE.

    Of a kind of line that has no ladder, and of a line without a sentence by its code, only the day is told.
    """
    return tuple(_conditions(line))


def _conditions(line: Line) -> Iterator[Condition]:
    got_to = line.said.code if line.said is not None else ""
    for rung in LADDERS.get(line.kind, ()):
        if got_to in rung.refusing or got_to in rung.waiting:
            met = ConditionMet.NOT_MET if got_to in rung.refusing else ConditionMet.OPEN
            yield Condition(say(rung.code), met, _rules_of(line, rung))
            return
        yield Condition(say(rung.code), ConditionMet.MET, rung.rules)
    yield _paid(line)


def _rules_of(line: Line, rung: _Rung) -> tuple[str, ...]:
    """The rules by which the line stands where it does are more exact than those of the rung in general."""
    return line.rules or rung.rules


def _paid(line: Line) -> Condition:
    if line.status is LineStatus.PAYABLE:
        return Condition(say("condition.day", payable_from=line.payable_from or line.end), ConditionMet.MET)
    if line.status is LineStatus.PLANNED:
        return Condition(say("condition.day", payable_from=line.payable_from or line.end), ConditionMet.OPEN)
    met = ConditionMet.OPEN if line.status in (LineStatus.ON_HOLD, LineStatus.MANUAL) else ConditionMet.NOT_MET
    return Condition(say("condition.status"), met, line.rules)
