"""What a year will cost: low, expected and high, and what holds of them whatever happens."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kundval_billing.domain import lines
from kundval_billing.domain.budget import Budget, exceeded_in
from kundval_billing.domain.forecast import ENOUGH, Forecast, History, Outlook, Year, observe, outlook
from kundval_contracts.calendar import add_days
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import FactKind, Programme

from . import strategies as any_
from .builders import ami1, ami2, case, claim, d, exited, follow_ups, jobbpeng, on, play, start, tenant

NOTHING_KNOWN = History()


def seen(
    one: Case, as_of: str, year: int = 2024, history: History = NOTHING_KNOWN, who: Tenant | None = None
) -> Outlook:
    """The outlook of a case as it is known on a day."""
    day = d(as_of)
    return outlook(one.known_by(day), who or tenant(), Year(year, day), history, lines)


def ends(one: Outlook) -> tuple[int, int]:
    """(low, high) of the whole year."""
    return int(one.low[-1]), int(one.high[-1])


def month(one: Outlook, name: str, number: int) -> Decimal:
    return Decimal(getattr(one, name)[number - 1])


# --- one assignment ------------------------------------------------------------------------------------


def test_low_is_to_leave_at_once_and_high_is_to_succeed_at_once() -> None:
    # on 20 May two months are paid and the third runs: to leave now makes it payable
    one = seen(ami2(), "2024-05-20")
    assert one.earned == 16000
    # high: every fee or premium that falls in the year (nine months), and a bonus in the first tier on 20 November
    assert ends(one) == (24000, 9 * 8000 + 20000)
    assert month(one, "high", 10) == 7 * 8000 and month(one, "high", 11) == 8 * 8000 + 20000


def test_a_bonus_counts_in_the_year_of_its_settle_date_alone() -> None:
    before, on_it = (seen(ami2(decided=day), "2024-07-02") for day in ("2024-06-30", "2024-07-02"))
    # succeeding on 2 July settles on 2 January: only fees in 2024, and one more for who leaves on its last day
    assert int(before.high[-1]) == 7 * 8000 and int(on_it.high[-1]) == 6 * 8000
    assert int(seen(ami2(decided="2024-06-30"), "2024-07-02", 2025).high[-1]) == 6 * 8000 + 20000


def test_an_assignment_that_is_settled_costs_what_it_costs() -> None:
    done = ami2(exited("2024-06-20"), *follow_ups(range(5, 13)), claim("2024-12-20"))
    one = seen(done, "2025-05-01", 2025)
    assert not one.goes_on and one.low == one.expected == one.high
    assert one.earned == one.low[-1] == 3 * 8000


def test_after_an_exit_low_is_to_break_off_at_once_and_high_that_everything_is_reported_and_claimed() -> None:
    one = seen(ami2(exited("2024-06-20"), *follow_ups([5, 6])), "2024-08-20")
    # months 1 to 5 are paid; month 6 is not over
    assert one.earned == 5 * 8000
    assert ends(one) == (5 * 8000, 9 * 8000 + 20000)


def test_a_month_that_waits_for_a_report_is_in_high_and_not_in_low() -> None:
    one = seen(ami2(exited("2024-06-20")), "2024-08-20")
    assert one.waiting == 8000 and ends(one) == (4 * 8000, 9 * 8000 + 20000)


def test_what_a_person_has_refused_is_in_neither() -> None:
    studies = exited(
        "2024-06-20",
        "STUDY_MIN_HALF_TIME",
        extent_pct=75,
        csn_eligible=True,
        household_income_support=True,
        documents=["STUDY_CERTIFICATE", "HOUSEHOLD_INCOME_PROOF"],
    )
    refused = on("2024-07-01", "manual_decision", about="BONUS", approved=False)
    assert ends(seen(ami2(studies), "2024-08-20")) == (4 * 8000, 9 * 8000 + 20000)
    assert ends(seen(ami2(studies, refused), "2024-08-20")) == (4 * 8000, 4 * 8000)


def test_what_has_been_decided_and_not_begun_may_come_to_nothing_until_it_is_too_late() -> None:
    waiting = case("AMI_2", *start("2024-03-15", None))
    assert ends(seen(waiting, "2024-03-20")) == (0, 9 * 8000 + 20000)
    assert ends(seen(waiting, "2024-09-11"))[1] > 0  # the 180th day
    assert ends(seen(waiting, "2024-09-12")) == (0, 0)


def test_a_jobbpeng_that_runs_may_end_before_anything_is_due() -> None:
    # S is 6 May: nothing is due to who leaves before 20 May
    early, late = (seen(jobbpeng(), day) for day in ("2024-05-19", "2024-05-20"))
    assert early.low[-1] == 0 and late.low[-1] == 3686
    assert early.high[-1] == late.high[-1] == 8 * 3686


def test_a_year_that_is_over_is_what_it_was_and_the_day_before_it_is_not() -> None:
    running = ami2()
    last, over = (seen(running, day, 2024) for day in ("2024-12-31", "2025-01-01"))
    assert last.low[-1] < last.high[-1]
    assert over.low == over.expected == over.high and over.low[-1] == 9 * 8000


@pytest.mark.rule("AMI-10.1-f")
def test_a_month_that_the_ledger_keeps_is_no_less_certain_than_one_that_is_due() -> None:
    keeps = tenant({"premium.clawback": "NONE"})
    broken = ami2(
        exited("2024-06-20"),
        *follow_ups([5, 6]),
        {**on("2024-07-20", "broke_off"), "known_on": "2024-10-20"},
    )
    posted = play(broken, "2024-10-01", who=keeps)
    day = d("2024-10-21")
    one = outlook(broken.known_by(day), keeps, Year(2024, day), NOTHING_KNOWN, lines, posted)
    assert one.low[-1] == 6 * 8000
    # without the ledger, the break-off of July would have stopped both months of premium
    assert outlook(broken.known_by(day), keeps, Year(2024, day), NOTHING_KNOWN, lines).low[-1] == 4 * 8000


# --- expected ------------------------------------------------------------------------------------------


def histories(*cases: Case, as_of: str = "2026-01-01") -> dict[Programme, History]:
    found: dict[Programme, History] = {}
    for one in cases:
        observe(found, one.known_by(d(as_of)), tenant(), d(as_of), lines)
    return found


GOOD = ami2(exited("2024-06-20"), *follow_ups(range(5, 13)), claim("2024-12-20"))
GONE = ami2(on("2024-06-20", "exited", kind="DISCONTINUED"))
FAILED = ami2(exited("2024-06-20"), on("2024-08-01", "broke_off"))


def test_history_counts_exits_by_month_and_what_became_of_them() -> None:
    history = histories(*[GOOD] * 3, FAILED, *[GONE] * 2, ami2())[Programme.AMI_2]
    assert history.as_json() == {
        "decided": 7, "started": 7, "finished": 7, "exits": 4, "judged": 4, "sustained": 3,
    }  # fmt: skip
    assert history.reached[4] == 7 and history.reached[5] == 1
    assert (history.succeeded, history.left) == ({4: 4}, {4: 2})
    assert history.share(history.succeeded, 4) == Decimal(4) / 7


def test_a_month_that_is_not_over_says_nothing_yet() -> None:
    history = histories(ami2(), as_of="2024-06-14")[Programme.AMI_2]
    assert history.reached == {1: 1, 2: 1} and history.finished == 0
    assert histories(ami2(), as_of="2024-06-15")[Programme.AMI_2].reached == {1: 1, 2: 1, 3: 1}


def test_expected_is_half_way_while_the_history_says_too_little_and_the_basis_says_so() -> None:
    few, enough = (histories(*[GOOD] * number)[Programme.AMI_2] for number in (ENOUGH - 1, ENOUGH))
    assert (few.says_enough, enough.says_enough) == (False, True)
    one = seen(ami2(), "2024-05-20", history=few)
    assert one.expected[-1] == (one.low[-1] + one.high[-1]) / 2


def test_expected_follows_what_became_of_earlier_assignments() -> None:
    always, never = histories(*[GOOD] * 30)[Programme.AMI_2], histories(*[GONE] * 30)[Programme.AMI_2]
    best, worst = (seen(ami2(), "2024-06-18", history=one) for one in (always, never))
    # everybody succeeds in month 4, whose last day is 14 July: the bonus falls in the next year
    assert best.expected[-1] == 9 * 8000
    assert worst.expected[-1] == 4 * 8000
    assert best.low == worst.low and best.high == worst.high


def test_an_exit_is_expected_to_last_as_often_as_earlier_ones_did() -> None:
    half = histories(*[GOOD] * 15, *[FAILED] * 15)[Programme.AMI_2]
    one = seen(ami2(exited("2024-06-20"), *follow_ups(range(5, 10))), "2024-12-19", history=half)
    # all that is open in the year: month 9 is paid, the bonus comes on the 20th or not
    assert one.high[-1] - one.low[-1] == 20000
    assert one.expected[-1] - one.low[-1] == 10000


# --- all of them ---------------------------------------------------------------------------------------


def forecast(as_of: str, *cases: Case, year: int = 2024, new: dict[Programme, int] | None = None) -> dict[str, Any]:
    found = Forecast(Year(year, d(as_of)), histories(*cases, as_of=as_of))
    for one in cases:
        found.take(one.known_by(d(as_of)), tenant(), lines)
    for programme, number in (new or {}).items():
        found.assume(programme, number, tenant(), lines)
    return found.as_json()


def test_the_sums_of_programmes_and_of_months_are_those_of_the_whole() -> None:
    found = forecast("2024-08-01", ami2(), GOOD, ami1(decided="2024-07-01"), jobbpeng())
    (total,) = found["totals"]
    assert total["assignments"] == 4 and total["going_on"] == 4
    for name in ("low", "expected", "high", "earned", "planned", "waiting"):
        assert sum(Decimal(row[name]) for row in found["programmes"]) == Decimal(total[name]), name
    for name in ("low", "expected", "high"):
        (last,) = [row for row in found["months"] if row["month"] == "2024-12"]
        assert last[name] == total[name]
        for row in found["months"]:
            parts = [Decimal(one[name]) for one in found["by_month"] if one["month"] == row["month"]]
            assert sum(parts) == Decimal(row[name])


def test_what_the_employment_service_pays_stands_apart_from_what_the_municipality_pays() -> None:
    som = case("SOM_1", *start("2024-03-15", "2024-03-20"))
    found = forecast("2024-08-01", ami2(), som)
    assert [row["direction"] for row in found["totals"]] == ["PAYABLE", "RECEIVABLE"]
    paid, received = found["totals"]
    assert paid == forecast("2024-08-01", ami2())["totals"][0]
    # one period of 65 days at 100 kronor is over
    assert (received["earned"], received["low"], received["high"]) == ("6500.00", "6500.00", "6500.00")
    assert {row["direction"] for row in found["by_month"] if row["programme"] == "SOM_1"} == {"RECEIVABLE"}


def test_new_assignments_are_an_assumption_of_their_own_for_months_that_have_not_begun() -> None:
    found = forecast("2024-10-31", ami2(), new={Programme.AMI_1: 2})
    (row,) = found["inflow"]
    # two on 1 November and two on 1 December; who leaves on the 31st has begun a third month, or a second
    assert (row["programme"], row["assignments"]) == ("AMI_1", 4)
    assert (row["low"], row["high"]) == ("24000.00", "60000.00")
    assert [one["programme"] for one in found["programmes"]] == ["AMI_2"]
    assert forecast("2024-11-01", ami2(), new={Programme.AMI_1: 2})["inflow"][0]["assignments"] == 2


def test_a_budget_is_exceeded_in_the_first_month_whose_sum_is_above_it() -> None:
    course = [("2024-01", Decimal(10)), ("2024-02", Decimal(20)), ("2024-03", Decimal("20.01"))]
    assert exceeded_in(course, Decimal(20)) == "2024-03"
    assert exceeded_in(course, Decimal("20.01")) is None
    assert exceeded_in(course, Decimal("9.99")) == "2024-01"


def test_the_budget_of_everything_goes_before_the_sum_of_the_programmes() -> None:
    own = {Programme.AMI_1: Decimal(5), Programme.AMI_2: Decimal(6)}
    assert Budget(2024, Decimal(20), own).total == 20
    assert Budget(2024, None, own).total == 11
    assert Budget(2024).total is None


# --- properties ----------------------------------------------------------------------------------------


@st.composite
def lives(draw: st.DrawFn) -> Case:
    """A case in which nothing is denied later, and everything is known on its day."""
    case = draw(any_.cases())
    kept = [fact for fact in case.facts if fact.kind not in (FactKind.EB_PAID, FactKind.MANUAL_DECISION)]
    facts = []
    for fact in kept:
        data = dict(fact.data)
        data.update({name: True for name in ("certified", "continues") if name in data})
        facts.append(type(fact)(fact.id, fact.kind, fact.on, fact.on, fact.place, data))
    return case.having(facts)


def enough() -> History:
    months = range(1, 13)
    return History(30, 28, 30, 25, 18, True, dict.fromkeys(months, 30), dict.fromkeys(months, 1), {3: 2, 6: 1})


@pytest.mark.slow
@settings(max_examples=80)
@given(any_.cases(), any_.readings(), st.dates(date(2024, 3, 1), date(2026, 2, 1)), st.sampled_from([2024, 2025, 2026]),
       st.booleans())  # fmt: skip
def test_low_is_at_most_expected_and_expected_at_most_high_in_every_month(
    case: Case, readings: dict[str, Any], day: date, year: int, known: bool
) -> None:
    history = enough() if known else NOTHING_KNOWN
    one = outlook(case.known_by(day), tenant(readings), Year(year, day), history, lines)
    assert all(low <= expected <= high for low, expected, high in zip(one.low, one.expected, one.high, strict=True))
    assert all(list(course) == sorted(course) for course in (one.low, one.high))


@pytest.mark.slow
@settings(max_examples=80)
@given(lives(), st.dates(date(2024, 3, 1), date(2025, 12, 31)), st.sampled_from([2024, 2025]))
def test_what_the_year_costs_in_the_end_is_not_below_low_as_long_as_nothing_is_denied(
    case: Case, day: date, year: int
) -> None:
    assume(day.year <= year)
    before = outlook(case.known_by(day), tenant(), Year(year, day), NOTHING_KNOWN, lines)
    after = add_days(date(year, 12, 31), 1)
    actual = outlook(case.known_by(after), tenant(), Year(year, after), NOTHING_KNOWN, lines)
    assert actual.low == actual.high
    assert before.low[-1] <= actual.low[-1]


@pytest.mark.slow
@settings(max_examples=60)
@given(any_.cases(), any_.readings(), st.sampled_from([2024, 2025]))
def test_when_the_year_is_over_all_three_are_what_is_payable(case: Case, readings: dict[str, Any], year: int) -> None:
    day, who = date(year + 1, 1, 1), tenant(readings)
    one = outlook(case.known_by(day), who, Year(year, day), enough(), lines)
    payable = sum(
        (line.amount for line in lines(case.known_by(day), who, day)
         if line.status == "PAYABLE" and line.payable_from is not None and line.payable_from.year == year),
        Decimal(0),
    )  # fmt: skip
    assert one.low == one.expected == one.high and one.low[-1] == payable == one.earned
