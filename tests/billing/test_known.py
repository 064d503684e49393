"""What was known and owed on an earlier day: the answer of then, again, and the difference to today with its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_billing.domain import lines, settle
from kundval_billing.domain.known import History, Moment, Revision, known_at, learned_since
from kundval_contracts.answer import Posting
from kundval_contracts.case import Case, Tenant
from kundval_contracts.facts import Fact

from .builders import ami2, claim, d, exited, follow_ups, on, tenant
from .strategies import cases, readings

SOME = settings(max_examples=60, deadline=None)


@dataclass
class Town:
    """Assignment and billing for one case: business dates on which facts are told and taken back, terms change, and
    payment runs are made.
    """

    case: Case
    terms: Tenant
    day: date | None = None
    revisions: list[Revision] = field(default_factory=list)
    ledger: list[Posting] = field(default_factory=list)
    #: (run, place in the order, terms of then, the ledger after it)
    runs: list[tuple[date, int, Tenant, tuple[Posting, ...]]] = field(default_factory=list)
    order: int = 0

    def tell(self, fact: Fact) -> None:
        self._revise(fact.id, fact)

    def withdraw(self, fact: Fact) -> None:
        self._revise(fact.id, None)

    def _revise(self, fact_id: str, fact: Fact | None) -> None:
        self.order += 1
        number = 1 + sum(one.fact_id == fact_id for one in self.revisions)
        self.revisions.append(Revision(fact_id, number, fact, self.day, self.order))

    def run(self) -> None:
        """A payment run on the business date, by what has been told so far."""
        assert self.day is not None
        self.order += 1
        known = self.case.having(known_at(self.revisions, Moment(date.max)).values()).known_by(self.day)
        self.ledger += settle(self.ledger, lines(known, self.terms, self.day), self.day, self.terms)
        self.runs.append((self.day, self.order, self.terms, tuple(self.ledger)))

    def history(self, moment: Moment, then: Tenant, posted: Sequence[Posting], provider: str | None = None) -> History:
        assert self.day is not None
        return History(
            lines, self.case, self.revisions, moment, then, moment.day, self.terms, self.day, posted, provider
        )


def total(posted: Sequence[Posting]) -> Decimal:
    return sum((one.amount for one in posted), Decimal(0))


@st.composite
def towns(draw: st.DrawFn, after_runs: bool) -> Town:
    """A life of a case: facts told ahead and late, some taken back and stated again, terms that change.

    after_runs: facts come in on the day of a run after it too.
    """
    case = draw(cases())
    town = Town(replace(case, facts=()), tenant(draw(readings())))
    days = sorted(draw(st.sets(st.dates(date(2024, 3, 1), date(2026, 12, 1)), min_size=2, max_size=6)))
    left = draw(st.permutations(case.facts))
    for number, day in enumerate(days):
        town.day = day
        share = len(left) if number == len(days) - 2 else draw(st.integers(0, len(left)))
        now, left = left[:share], left[share:]
        for fact in now:
            town.tell(fact)
        told = [fact for fact in case.facts if any(one.fact == fact for one in town.revisions)]
        if told and draw(st.booleans()):
            again = draw(st.sampled_from(told))
            town.withdraw(again)
            if draw(st.booleans()):
                town.tell(again)
        if draw(st.sampled_from([False, False, True])):
            town.terms = tenant(draw(readings()))
        town.run()
        if after_runs and told and draw(st.booleans()):
            town.withdraw(draw(st.sampled_from(told)))
            if draw(st.booleans()):
                town.run()
    return town


@pytest.mark.slow
@SOME
@given(towns(after_runs=False))
def test_the_end_of_each_day_of_a_run_comes_to_what_the_ledger_held_after_it(town: Town) -> None:
    for run, _, terms, ledger in town.runs:
        rows = town.history(Moment(run), terms, ledger).owed()
        assert sum(row.due for row in rows) == sum(row.posted for row in rows) == total(ledger)
        assert not any(row.owed for row in rows)


@pytest.mark.slow
@SOME
@given(towns(after_runs=True))
def test_each_run_comes_to_what_it_posted_whatever_was_told_later_that_day(town: Town) -> None:
    for run, order, terms, ledger in town.runs:
        rows = town.history(Moment(run, order), terms, ledger).owed()
        assert sum(row.due for row in rows) == total(ledger)
        assert not any(row.owed for row in rows)


@pytest.mark.slow
@SOME
@given(towns(after_runs=True))
def test_the_parts_of_a_change_add_up_to_the_difference_to_today(town: Town) -> None:
    for run, order, terms, ledger in town.runs:
        history = town.history(Moment(run, order), terms, ledger)
        rows, change = history.owed(), history.change()
        difference = sum((row.due_today - row.due for row in rows), Decimal(0))
        assert (change.difference if change else 0) == difference
        if change is None:
            assert all(row.due == row.due_today for row in rows)
        elif change.by_facts:
            assert change.learned, "a difference by facts without a fact that was learned"


# --- told in words -----------------------------------------------------------------------------------


def a_town(**changed: Any) -> Town:
    """AMI 2 from 15 March, an exit in June, premium months, and a run on the first of each of four months."""
    whole = ami2(exited("2024-06-20"), *follow_ups([4, 5, 6]))
    town = Town(replace(whole, facts=()), tenant(**changed))
    town.day = d("2024-03-15")
    for fact in whole.facts:
        town.tell(fact)
    return town


def broken_off(town: Town, day: str, known_on: str | None = None) -> Fact:
    place = len(town.revisions)
    one = ami2(*([on(day, "broke_off")])).facts[-1]
    return replace(one, id=str(place), place=place, known_on=d(known_on or day))


def test_a_late_break_off_is_told_as_the_reason_of_what_is_owed_less() -> None:
    town = a_town()
    town.day = d("2024-10-01")
    town.run()
    town.day = d("2024-11-04")
    late = broken_off(town, "2024-08-20", "2024-11-02")
    town.tell(late)

    run, _, terms, ledger = town.runs[0]
    history = town.history(Moment(run), terms, ledger)
    # months 1 to 4 as fees, 5 and 6 as premiums; the break-off takes month 6 back
    assert total(ledger) == sum(row.due for row in history.owed()) == Decimal("48000.00")
    change = history.change()
    assert change is not None
    assert (change.by_time, change.by_facts, change.by_terms) == (Decimal(0), Decimal("-8000.00"), Decimal(0))
    (learned,) = change.learned
    assert (learned.fact, learned.learned_on, learned.in_effect, learned.decisive) == (late, town.day, True, True)


@pytest.mark.parametrize(
    ("looked_back_at", "counts"), [("2024-11-03", False), ("2024-11-04", True), ("2024-11-05", True)]
)
def test_a_fact_counts_from_the_business_date_on_which_it_was_told(looked_back_at: str, counts: bool) -> None:
    town = a_town()
    town.day = d("2024-11-04")
    late = broken_off(town, "2024-08-20")
    town.tell(late)
    assert (late.id in known_at(town.revisions, Moment(d(looked_back_at)))) is counts


@pytest.mark.parametrize(
    ("looked_back_at", "counts"), [("2024-11-19", False), ("2024-11-20", True), ("2024-11-21", True)]
)
def test_a_fact_that_was_told_ahead_counts_from_the_day_on_which_it_is_known(looked_back_at: str, counts: bool) -> None:
    town = a_town()
    town.day = d("2024-11-04")
    ahead = broken_off(town, "2024-11-20")
    town.tell(ahead)
    assert (ahead.id in known_at(town.revisions, Moment(d(looked_back_at)))) is counts


def test_a_fact_that_was_taken_back_still_counted_before_that_day() -> None:
    town = a_town()
    town.day = d("2024-10-01")
    town.run()
    exit_fact = next(one.fact for one in town.revisions if one.fact is not None and one.fact.kind == "exited")
    town.day = d("2024-12-01")
    town.withdraw(exit_fact)
    assert exit_fact.id in known_at(town.revisions, Moment(d("2024-11-30")))
    assert exit_fact.id not in known_at(town.revisions, Moment(d("2024-12-01")))
    (learned,) = learned_since(town.revisions, Moment(d("2024-11-30")), Moment(d("2024-12-01")))
    assert (learned.fact, learned.learned_on, learned.in_effect) == (exit_fact, d("2024-12-01"), False)


def test_other_fees_for_the_same_decision_are_told_as_a_change_of_terms() -> None:
    town = a_town()
    town.day = d("2024-10-01")
    town.run()
    before = town.terms
    town.terms = tenant({"AMI2_MONTHLY_FEE": 9000})
    change = town.history(Moment(d("2024-10-01")), before, town.ledger).change()
    assert change is not None
    assert (change.by_time, change.by_facts, change.by_terms) == (Decimal(0), Decimal(0), Decimal("6000.00"))
    assert change.learned == ()


def test_days_that_pass_are_told_as_such_and_no_fact_is_named() -> None:
    town = a_town()
    town.day = d("2024-07-20")
    change = town.history(Moment(d("2024-05-01")), town.terms, ()).change()
    assert change is not None
    # one month was payable then; three more are over by now
    assert change.by_time == change.difference == Decimal("24000.00")
    assert change.by_facts == change.by_terms == 0
    assert not any(one.decisive for one in change.learned)


def test_of_two_facts_that_say_the_same_neither_decides_alone() -> None:
    town = a_town()
    town.tell(replace(ami2(claim("2024-12-20")).facts[-1], id="c1", place=50))
    town.day = d("2025-01-10")
    town.run()
    for number, (start, end) in enumerate((("2024-07-01", "2024-08-01"), ("2024-09-01", "2024-10-01"))):
        fact = ami2(on(start, "eb_paid", from_=start, to=end, scope="CLIENT")).facts[-1]
        town.tell(replace(fact, id=f"eb{number}", place=60 + number, known_on=d("2025-02-01")))
    town.day = d("2025-02-01")
    run, _, terms, ledger = town.runs[-1]
    change = town.history(Moment(run), terms, ledger).change()
    assert change is not None
    assert change.by_facts == Decimal("-20000.00")
    assert [(one.fact.id, one.decisive) for one in change.learned] == [("eb0", False), ("eb1", False)]


def test_a_premium_that_stays_paid_by_setting_is_not_owed_back() -> None:
    town = a_town(settings={"premium.clawback": "NONE"})
    town.day = d("2024-10-01")
    town.run()
    town.day = d("2024-11-04")
    town.tell(broken_off(town, "2024-08-20"))
    town.run()
    run, order, terms, ledger = town.runs[-1]
    rows = town.history(Moment(run, order), terms, ledger).owed()
    assert (sum(row.due for row in rows), total(ledger)) == (Decimal("40000.00"), Decimal("48000.00"))
    assert not any(row.owed for row in rows)


def test_one_provider_is_told_of_its_own_money_alone() -> None:
    town = a_town()
    town.day = d("2024-10-01")
    town.run()
    history = town.history(Moment(d("2024-10-01")), town.terms, town.ledger, provider="beta")
    assert history.owed() == ()
    assert history.change() is None
