"""What holds for every assignment, under every reading, whenever its facts become known."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kundval_billing.domain import lines, next_change, settle
from kundval_contracts.answer import Line, Posting, recompute
from kundval_contracts.calendar import add_days
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import LineKind, LineStatus, Programme
from kundval_contracts.facts import load_fact
from kundval_contracts.timeline import Timeline

from .builders import net, tenant
from .strategies import FAR, cases, readings, runs

pytestmark = pytest.mark.slow

FEES = (LineKind.MONTHLY_FEE, LineKind.SPEED_PREMIUM)
moments = st.dates(date(2024, 2, 1), date(2027, 12, 31))
few = settings(max_examples=60, deadline=None)


def asked(case: Case, who: Tenant, day: date) -> tuple[Line, ...]:
    return lines(case.known_by(day), who, day)


def ledger(case: Case, who: Tenant, days: list[date]) -> list[Posting]:
    posted: list[Posting] = []
    for day in days:
        posted += settle(posted, asked(case, who, day), day, who)
    return posted


@given(cases(), readings(), runs())
@few
def test_any_order_of_arrival_ends_in_the_same_net(case: Case, read: dict[str, Any], days: list[date]) -> None:
    who = tenant(read)
    assert net(ledger(case, who, [*days, FAR])) == net(ledger(case, who, [FAR]))


@given(cases(), readings(), st.randoms(use_true_random=False))
@few
def test_the_order_in_which_the_facts_are_held_does_not_matter(case: Case, read: dict[str, Any], mix: Any) -> None:
    who, facts = tenant(read), list(case.facts)
    mix.shuffle(facts)
    assert asked(case.having(facts), who, FAR) == asked(case, who, FAR)


@given(cases(), readings(), runs())
@few
def test_computing_again_posts_nothing(case: Case, read: dict[str, Any], days: list[date]) -> None:
    who = tenant(read)
    once = ledger(case, who, [*days, FAR])
    assert ledger(case, who, [day for day in [*days, FAR] for _ in range(2)]) == once


@given(cases(), readings(), runs())
@few
def test_every_posting_is_a_line_with_its_derivation_or_takes_one_back(
    case: Case, read: dict[str, Any], days: list[date]
) -> None:
    posted = ledger(case, tenant(read), [*days, FAR])
    open_rows: Counter[tuple[Any, date, Decimal]] = Counter()
    for row in posted:
        assert recompute(row.steps) == row.amount != 0
        assert row.rules
        assert row.because
        if row.reverses is None:
            assert row.amount > 0
            open_rows[row.key, row.run, row.amount] += 1
        else:
            taken = (row.key, row.reverses, -row.amount)
            assert open_rows[taken] > 0, "a reversal takes back one posting that stands"
            open_rows[taken] -= 1
    assert max(Counter(key for (key, _, _), count in open_rows.items() if count).values(), default=0) <= 1


@given(cases(), readings(), runs())
@few
def test_no_total_is_ever_negative(case: Case, read: dict[str, Any], days: list[date]) -> None:
    who = tenant(read)
    for upto in range(len(days) + 1):
        assert all(amount > 0 for amount in net(ledger(case, who, days[:upto])).values())


@given(cases(), readings(), moments)
@few
def test_every_line_explains_itself(case: Case, read: dict[str, Any], day: date) -> None:
    found = asked(case, tenant(read), day)
    assert len({line.key for line in found}) == len(found)
    for line in found:
        assert recompute(line.steps) == line.amount >= 0
        assert line.rules
        assert line.provider
        assert line.because.endswith(".")
        assert len(re.findall(r"\b(alfa|beta|gamma|A-001)\b", line.because)) == 0
        assert line.start < line.end
        due = line.payable_from
        if line.status is LineStatus.PAYABLE:
            assert due is not None
            assert due <= day
        elif line.status is LineStatus.PLANNED:
            assert due is not None
            assert due > day
        else:
            assert due is None
        if line.status in (LineStatus.STOPPED, LineStatus.REFUSED):
            assert line.amount == 0


@pytest.mark.rule("AMI-10.1-a")
@given(cases(), readings(), moments)
@few
def test_fees_and_premium_together_never_exceed_the_months_of_the_programme(
    case: Case, read: dict[str, Any], day: date
) -> None:
    """AMB-25: at most one fee a month, 12 for AMI 2 and 3 for AMI 1 of ordinary length, whatever the status."""
    who = tenant(read)
    found = [line for line in asked(case, who, day) if line.kind in FEES]
    by_month: Counter[int] = Counter()
    for line in found:
        by_month[line.sequence] += line.amount  # type: ignore[assignment]
    timeline = Timeline(case.known_by(day), who.settings)
    if not found or timeline.decided_on is None:
        return
    fee, _ = who.settings.fee(case.programme, timeline.decided_on)
    assert all(amount <= fee for amount in by_month.values())
    if case.programme.is_ami and timeline.has_ordinary_length:
        assert sum(by_month.values()) <= fee * (12 if case.programme is Programme.AMI_2 else 3)
        assert max(by_month) <= (12 if case.programme is Programme.AMI_2 else 3)


@pytest.mark.rule("AMI-10.2-a", "AMI-9-b")
@given(cases(), readings(), runs())
@few
def test_there_is_one_bonus_at_most_and_never_before_its_settle_date(
    case: Case, read: dict[str, Any], days: list[date]
) -> None:
    who = tenant(read)
    posted: list[Posting] = []
    for day in [*days, FAR]:
        found = [line for line in asked(case, who, day) if line.kind is LineKind.RESULT_BONUS]
        assert sum(line.status is not LineStatus.REFUSED for line in found) <= 1
        for line in found:
            assert line.status is not LineStatus.PAYABLE or day >= line.end
            assert line.payable_from is None or line.payable_from >= line.end
            assert line.amount <= who.settings["bonus.max"]
        posted += settle(posted, asked(case, who, day), day, who)
        paid = [key for key in net(posted) if key[1] == LineKind.RESULT_BONUS.value]
        assert len(paid) <= 1


@pytest.mark.rule("AMI-10.1-f", "AMI-9-e")
@given(cases(), runs())
@few
def test_nothing_is_kept_of_the_months_after_a_break_off(case: Case, days: list[date]) -> None:
    who = tenant()
    for line in asked(case, who, FAR):
        if line.kind is LineKind.SPEED_PREMIUM and line.amount:
            (one,) = [one for one in Timeline(case, who.settings).exits if one.on < line.start][-1:]
            assert one.break_off is None or line.end <= one.break_off.on


@given(cases(), readings(), moments)
@few
def test_between_two_changes_time_alone_makes_nothing_payable(case: Case, read: dict[str, Any], day: date) -> None:
    """`next_change` is what the service sleeps on: it must never sleep through a payment."""
    who, known = tenant(read), case.known_by(day)
    change = next_change(lines(known, who, day), day)
    later = add_days(change, -1) if change is not None else FAR
    before, after = lines(known, who, day), lines(known, who, later)
    assert settle(ledger_of(before, day, who), after, later, who) == ()


def ledger_of(found: tuple[Line, ...], day: date, who: Tenant) -> tuple[Posting, ...]:
    return settle((), found, day, who)


@given(cases(), readings())
@few
def test_a_longer_file_changes_nothing_before_the_new_fact_is_known(case: Case, read: dict[str, Any]) -> None:
    who = tenant(read)
    day = date(2025, 6, 1)
    later = load_fact({"on": "2025-06-02", "fact": "broke_off"}, 1000)
    assert asked(case.having((*case.facts, later)), who, day) == asked(case, who, day)


def test_the_strategies_reach_what_they_are_for() -> None:
    """Enough of the generated cases have money, stops and corrections for the properties above to mean something."""
    who, seen = tenant(), Counter[str]()
    wanted = ["SPEED_PREMIUM PAYABLE", "SPEED_PREMIUM STOPPED", "RESULT_BONUS PAYABLE", "RESULT_BONUS REFUSED"]
    wanted += ["correction", "second exit"]

    @given(cases(), runs())
    @settings(max_examples=600, deadline=None, phases=[Phase.generate], database=None, derandomize=True)
    def look(case: Case, days: list[date]) -> None:
        if all(seen[what] for what in wanted):
            return
        seen.update({f"{line.kind} {line.status}" for line in asked(case, who, FAR)})
        if any(row.amount < 0 for row in ledger(case, who, [*days, FAR])):
            seen["correction"] += 1
        if len(Timeline(case, who.settings).exits) > 1:
            seen["second exit"] += 1

    look()
    assert [what for what in wanted if not seen[what]] == []
