"""What was known on an earlier day, what was owed by it, and what has changed since and why.

A revision of a fact is told on a business date of assignment. On a day the highest revision told by then holds, and a
fact counts if it was in effect and `known_on` had come. A payment run is looked at more exactly: it has seen the
revisions that had been taken in before it. Everything is computed by the functions that pay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from kundval_contracts.answer import Line, Posting
from kundval_contracts.case import Case, Tenant
from kundval_contracts.facts import Fact

from .explain import MATTERS, Learned
from .settle import due_by, settle

Key = tuple[str, str, str, int]
Compute = Callable[[Case, Tenant, date], tuple[Line, ...]]

NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a fact. `fact` is None if it says that the fact counts no longer.

    told_on: the business date on which it was told; None: before the first one. taken: its place in the order of
    taking in.
    """

    fact_id: str
    revision: int
    fact: Fact | None
    told_on: date | None
    taken: int

    def told_by(self, day: date) -> bool:
        return self.told_on is None or self.told_on <= day


@dataclass(frozen=True, slots=True)
class Moment:
    """What is looked at: the end of `day`, or with `taken` the payment run of that day at that place in the order."""

    day: date
    taken: int | None = None

    def has_heard(self, revision: Revision) -> bool:
        return revision.told_by(self.day) if self.taken is None else revision.taken < self.taken


def holding(revisions: Iterable[Revision], moment: Moment) -> dict[str, Revision]:
    """By fact id, the revision that holds at that moment: the highest that had been heard of."""
    found: dict[str, Revision] = {}
    for one in revisions:
        if moment.has_heard(one) and (one.fact_id not in found or found[one.fact_id].revision < one.revision):
            found[one.fact_id] = one
    return found


def known_at(revisions: Iterable[Revision], moment: Moment) -> dict[str, Fact]:
    """By id, the facts that counted at that moment."""
    return {
        one.fact_id: one.fact
        for one in holding(revisions, moment).values()
        if one.fact is not None and one.fact.known_on <= moment.day
    }


def learned_since(revisions: Sequence[Revision], then: Moment, now: Moment) -> tuple[Learned, ...]:
    """What counts at `now` and did not `then`, or the other way round, of the kinds that money looks at."""
    before, after = known_at(revisions, then), known_at(revisions, now)
    held = holding(revisions, now)
    found: list[Learned] = []
    for fact_id in before.keys() | after.keys():
        was, fact = before.get(fact_id), after.get(fact_id)
        if was == fact:
            continue
        told_on = held[fact_id].told_on
        shown = fact or was
        assert shown is not None
        if shown.kind not in MATTERS:
            continue
        learned_on = told_on if fact is None else max(told_on or fact.known_on, fact.known_on)
        found.append(Learned(shown, learned_on, fact is not None))
    return tuple(sorted(found, key=lambda one: (one.learned_on or date.min, one.fact.order, one.fact.id)))


@dataclass(frozen=True, slots=True)
class Owed:
    """One line at a moment: `line` as it was computed then (None: there was none), what was payable by it, what the
    ledger held, what a run would have posted, and what is payable by it today.
    """

    key: Key
    line: Line | None
    due: Decimal
    posted: Decimal
    owed: Decimal
    due_today: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """Why an assignment comes to something else today; the three parts add up to the difference exactly.

    by_time: days have passed. by_facts: other facts are known. by_terms: other settings or tariffs hold.
    """

    assignment: str
    by_time: Decimal
    by_facts: Decimal
    by_terms: Decimal
    learned: tuple[Learned, ...]

    @property
    def difference(self) -> Decimal:
        return self.by_time + self.by_facts + self.by_terms


@dataclass(frozen=True)
class History:
    """One assignment at a moment and at present. `case` brings its programme, not its facts.

    then, current: the terms that held, and that hold. as_of: the day that the moment's answer is computed for.
    present: the business date. posted: the ledger of the moment. provider: only this provider's money, if given.
    """

    compute: Compute
    case: Case
    revisions: Sequence[Revision]
    moment: Moment
    then: Tenant
    as_of: date
    current: Tenant
    present: date
    posted: Sequence[Posting] = ()
    provider: str | None = None

    def owed(self) -> tuple[Owed, ...]:
        """Every line of then or today, and what the ledger held, in the order of their keys."""
        lines = {line.key: line for line in self._then}
        due, due_today = self._sums(self._then, self.as_of), self._sums(self._now, self.present)
        held, open_ = _net(self.posted), _net(settle(self.posted, self._then, self.as_of, self.then))
        keys = {*lines, *held, *(line.key for line in self._now)}
        return tuple(
            Owed(
                key,
                lines.get(key),
                *(amounts.get(key, NOTHING) for amounts in (due, held, open_, due_today)),
            )
            for key in sorted(keys)
            if self.provider in (None, key[1])
        )

    def change(self) -> Change | None:
        """What makes the difference to today; None if every line comes to the same."""
        then, present = self._sums(self._then, self.as_of), self._sums(self._now, self.present)
        if then == present:
            return None
        aged = self._sums(self._lines(self.moment, self.then, self.present), self.present)
        told = self._sums(self._lines(self._at_present, self.then, self.present), self.present)
        parts = (_sum(aged) - _sum(then), _sum(told) - _sum(aged), _sum(present) - _sum(told))
        return Change(self.case.assignment, *parts, tuple(self._weighed(present)))

    def _weighed(self, due: Mapping[Key, Decimal]) -> Iterator[Learned]:
        """What was learned since, each with whether the answer of today would be another without it.

        If several facts say the same, or they all have to come together, no single one may decide.
        """
        facts = known_at(self.revisions, self._at_present)
        before = known_at(self.revisions, self.moment)
        for one in learned_since(self.revisions, self.moment, self._at_present):
            others = {key: fact for key, fact in facts.items() if key != one.fact.id}
            if one.fact.id in before:
                others[one.fact.id] = before[one.fact.id]
            decisive = self._sums(self.compute(self._case(others), self.current, self.present), self.present) != due
            yield Learned(one.fact, one.learned_on, one.in_effect, decisive)

    @cached_property
    def _then(self) -> tuple[Line, ...]:
        return self._lines(self.moment, self.then, self.as_of)

    @cached_property
    def _now(self) -> tuple[Line, ...]:
        return self._lines(self._at_present, self.current, self.present)

    @property
    def _at_present(self) -> Moment:
        return Moment(self.present)

    def _lines(self, moment: Moment, terms: Tenant, day: date) -> tuple[Line, ...]:
        return self.compute(self._case(known_at(self.revisions, moment)), terms, day)

    def _case(self, facts: Mapping[str, Fact]) -> Case:
        return self.case.having(facts.values())

    def _sums(self, lines: Iterable[Line], day: date) -> dict[Key, Decimal]:
        due = ((line, due_by(line, day)) for line in lines)
        return {line.key: amount for line, amount in due if amount and self.provider in (None, line.provider)}


def _net(postings: Iterable[Posting]) -> dict[Key, Decimal]:
    found: dict[Key, Decimal] = {}
    for posting in postings:
        found[posting.key] = found.get(posting.key, NOTHING) + posting.amount
    return found


def _sum(due: Mapping[Key, Decimal]) -> Decimal:
    return sum(due.values(), NOTHING)
