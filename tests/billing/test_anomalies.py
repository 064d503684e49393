"""What stands out: planted patterns are found, chance is not, and too little is not judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_billing.domain.anomalies import (
    FollowUp,
    Found,
    Group,
    Pair,
    Placed,
    Thresholds,
    Unit,
    after_settle,
    before_end,
    before_limits,
    binomial,
    comes_back,
    corrections,
    decided_by_hand,
    duplicate_claims,
    evidence_reused,
    follow_ups,
    groups,
    hypergeometric,
    premium_without_follow_up,
    same_workplace,
)
from kundval_contracts.codes import AnomalyKind, AnomalySeverity
from kundval_contracts.phrases import text
from kundval_contracts.settings import RuleSettings, read_settings

DAY = date(2025, 3, 10)
LIMITS = Thresholds()
ALWAYS = Fraction(1)


def units(provider: str, hits: int, others: int, first: int = 0) -> list[Unit]:
    """So many hits and so many that are none, each in an assignment of its own."""
    return [
        Unit(provider, f"{provider}-{first + number}", DAY + timedelta(days=number), number < hits)
        for number in range(hits + others)
    ]


def found_of(found: Found) -> list[tuple[str, str | None]]:
    return [(one.kind.value, one.provider) for one in found.sorted().anomalies]


# --- chance --------------------------------------------------------------------------------------------


def nearly(found: Fraction | None, exact: Fraction) -> bool:
    """Not below what it is, and above it by less than a billionth."""
    return found is not None and exact <= found <= exact * (1 + Fraction(1, 10**9))


@given(st.integers(1, 30), st.fractions(Fraction(1, 50), Fraction(49, 50)), st.data())
def test_the_binomial_tail_is_the_sum_of_its_terms(n: int, share: Fraction, data: st.DataObject) -> None:
    least = data.draw(st.integers(0, n))
    exact = sum(
        (math.comb(n, hits) * share**hits * (1 - share) ** (n - hits) for hits in range(least, n + 1)), Fraction(0)
    )
    assert nearly(binomial(least, n, share, ALWAYS), exact)


@given(st.integers(1, 40), st.data())
def test_the_hypergeometric_tail_is_the_sum_of_its_terms(whole: int, data: st.DataObject) -> None:
    n, hits = data.draw(st.integers(0, whole)), data.draw(st.integers(0, whole))
    least = data.draw(st.integers(0, n))
    ways = sum(math.comb(hits, x) * math.comb(whole - hits, n - x) for x in range(least, min(n, hits) + 1))
    assert nearly(hypergeometric(least, n, hits, whole, ALWAYS), Fraction(ways, math.comb(whole, n)))


def test_a_tail_of_many_is_cut_where_nothing_that_counts_is_left() -> None:
    exact = Fraction(sum(math.comb(900, hits) for hits in range(600, 901)), 2**900)
    found = binomial(600, 900, Fraction(1, 2), ALWAYS)
    assert nearly(found, exact) and found != exact
    ways = sum(math.comb(300, x) * math.comb(2700, 900 - x) for x in range(200, 301))
    found = hypergeometric(200, 900, 300, 3000, ALWAYS)
    assert nearly(found, Fraction(ways, math.comb(3000, 900))) and found != Fraction(ways, math.comb(3000, 900))


def test_a_tail_above_what_is_asked_for_is_not_worked_out() -> None:
    exact = Fraction(1, 2**10)
    assert binomial(10, 10, Fraction(1, 2), exact) == exact
    assert binomial(10, 10, Fraction(1, 2), exact - Fraction(1, 2**40)) is None
    assert binomial(3, 10, Fraction(1), Fraction(1, 1000)) is None
    chance = Fraction(1, math.comb(20, 10))
    assert hypergeometric(10, 10, 10, 20, chance) == chance
    assert hypergeometric(10, 10, 10, 20, chance / 2) is None


# --- against the others --------------------------------------------------------------------------------


def test_a_provider_with_far_more_corrections_than_the_others_is_found_and_explained() -> None:
    rows = groups([*units("alfa", 30, 20), *units("beta", 5, 95), *units("gamma", 4, 96)])
    [one] = corrections(rows, LIMITS).anomalies
    assert (one.kind, one.provider, one.count, one.n) == (AnomalyKind.CORRECTIONS, "alfa", 30, 50)
    assert (one.observed, one.expected) == (Decimal("0.600"), Decimal("0.045"))
    assert one.severity is AnomalySeverity.HIGH
    assert one.chance is not None and one.chance < Decimal("0.00001")
    assert one.since == DAY and len(one.assignments) == 30
    assert text(one.said, "en").startswith("30 of 50 payments to alfa (60 per cent) were taken back; with the other ")
    assert "30 av 50 betalningar till alfa (60 procent)" in text(one.said, "sv")


def test_a_group_that_is_too_small_is_named_and_not_judged() -> None:
    others = [*units("beta", 0, 200), *units("gamma", 0, 200)]
    found = corrections(groups([*units("alfa", 9, 0), *others]), LIMITS)
    assert found.anomalies == []
    assert [(one.provider, one.n) for one in found.not_judged] == [("alfa", 9)]
    enough = corrections(groups([*units("alfa", 10, 0), *others]), LIMITS)
    assert found_of(enough) == [("CORRECTIONS", "alfa")] and enough.not_judged == []


def test_who_has_nobody_to_be_compared_with_is_not_judged() -> None:
    found = corrections(groups([*units("alfa", 100, 0), *units("beta", 0, 9)]), LIMITS)
    assert found.anomalies == [] and {one.provider for one in found.not_judged} == {"alfa", "beta"}


def test_certain_is_not_enough_it_must_be_much() -> None:
    # 55 against 45 per cent of ten thousand is certain, and not much
    rows = groups([*units("alfa", 5500, 4500), *units("beta", 4500, 5500)])
    assert corrections(rows, LIMITS).anomalies == []
    assert found_of(corrections(rows, replace(LIMITS, least_odds=Fraction("1.4")))) == [("CORRECTIONS", "alfa")]


def test_much_is_not_enough_it_must_be_certain() -> None:
    rows = groups([*units("alfa", 3, 9), *units("beta", 2, 58)])
    assert corrections(rows, LIMITS).anomalies == []
    assert found_of(corrections(rows, replace(LIMITS, chance=Fraction(1, 10)))) == [("CORRECTIONS", "alfa")]


def test_fewer_than_the_least_number_are_no_pattern() -> None:
    rows = groups([*units("alfa", 2, 8), *units("beta", 0, 5000)])
    assert corrections(rows, LIMITS).anomalies == []
    assert found_of(corrections(rows, replace(LIMITS, least_cases=2))) == [("CORRECTIONS", "alfa")]


def test_the_more_providers_are_compared_the_less_likely_it_must_be() -> None:
    few = groups([*units("alfa", 8, 12), *units("beta", 5, 75)])
    many = {**few, **{f"p{number}": Group(10, 0) for number in range(40)}, "beta": Group(80, 45)}
    assert found_of(corrections(few, LIMITS)) == [("CORRECTIONS", "alfa")]
    assert ("CORRECTIONS", "alfa") not in found_of(corrections(many, LIMITS))


def test_decisions_by_hand_and_boundary_cases_are_two_comparisons() -> None:
    plain = [*units("alfa", 2, 40), *units("beta", 3, 60)]
    many = [*units("alfa", 20, 20), *units("beta", 3, 60)]
    assert found_of(decided_by_hand(groups(many), groups(plain), LIMITS)) == [("MANUAL_DECISIONS", "alfa")]
    assert found_of(decided_by_hand(groups(plain), groups(many), LIMITS)) == [("BOUNDARY_CASES", "alfa")]


# --- limits --------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.2-e", "AMI-10.2-f")
def test_exits_clustered_before_a_tier_limit_are_found_with_the_limit() -> None:
    honest = [*units("beta", 20, 20), *units("gamma", 22, 18)]
    found = before_limits({"6": groups([*units("alfa", 24, 2), *honest]), "10": groups(honest)}, LIMITS)
    [one] = found.anomalies
    assert (one.provider, one.about, one.count, one.n) == ("alfa", "6", 24, 26)
    assert "24 of 26 exits of alfa near the end of month 6 (92 per cent)" in text(one.said, "en")


def test_what_everybody_does_is_said_once_of_all() -> None:
    found = before_limits({"6": groups([row for name in "abcd" for row in units(name, 18, 3)])}, LIMITS)
    [one] = found.anomalies
    assert one.provider is None and (one.count, one.n) == (72, 84)
    assert "in general" in text(one.said, "en") and "i allmänhet" in text(one.said, "sv")


def test_two_thirds_before_a_limit_is_where_it_begins_to_be_much() -> None:
    honest = units("beta", 150, 150)
    assert before_end(groups([*units("alfa", 199, 101), *honest]), LIMITS).anomalies == []
    assert found_of(before_end(groups([*units("alfa", 200, 100), *honest]), LIMITS)) == [("EXIT_BEFORE_END", "alfa")]


@pytest.mark.rule("AMI-9-e")
def test_break_offs_just_after_the_six_months_are_found() -> None:
    found = after_settle(groups([*units("alfa", 30, 1), *units("beta", 15, 15)]), LIMITS)
    assert found_of(found) == [("BREAK_OFF_AFTER_SETTLE", "alfa")]


# --- workplaces ----------------------------------------------------------------------------------------


def bonuses(provider: str, counts: dict[str, int]) -> list[Placed]:
    names = [workplace for workplace, count in counts.items() for _ in range(count)]
    return [Placed(provider, f"{provider}-{number}", DAY, workplace) for number, workplace in enumerate(names)]


@pytest.mark.rule("AMI-10.2-d")
def test_one_workplace_in_many_bonuses_of_a_provider_is_found_and_not_named() -> None:
    usual = {f"W{number}": 2 for number in range(10)}
    rows = [*bonuses("alfa", {"X1": 12, "X2": 2, "X3": 2}), *bonuses("beta", usual), *bonuses("gamma", usual)]
    [one] = same_workplace(rows, LIMITS).anomalies
    assert (one.provider, one.count, one.n, one.expected) == ("alfa", 12, 16, Decimal("0.100"))
    assert "X1" not in text(one.said, "en") and "X1" not in one.id


def test_a_provider_with_one_big_employer_among_others_that_have_one_too_is_not() -> None:
    rows = [row for name in "abc" for row in bonuses(name, {f"{name}1": 10, f"{name}2": 5, f"{name}3": 5})]
    assert same_workplace(rows, LIMITS).anomalies == []


# --- follow-ups and evidence ---------------------------------------------------------------------------


def reports(provider: str, name: str, days: list[int]) -> list[FollowUp]:
    """A follow-up for each of months 5, 6, …: so many days after the end of the month."""
    ends = [date(2025, 1, 31) + timedelta(days=30 * number) for number in range(len(days))]
    return [
        FollowUp(provider, name, 5 + number, end, end + timedelta(days=late))
        for number, (end, late) in enumerate(zip(ends, days, strict=True))
    ]


@pytest.mark.rule("AMI-10.1-b", "AMI-10.1-c")
def test_follow_ups_of_many_months_on_one_day_are_found_month_by_month_is_not() -> None:
    at_once = [row for number in range(12) for row in reports("alfa", f"A-{number}", [90, 60, 30, 0])]
    monthly = [row for number in range(40) for row in reports("beta", f"B-{number}", [0, 0, 0, 0])]
    found = follow_ups([*at_once, *monthly], LIMITS)
    assert found_of(found) == [("FOLLOW_UPS_LATE", "alfa"), ("FOLLOW_UPS_AT_ONCE", "alfa")]
    three = [row for number in range(12) for row in reports("alfa", f"A-{number}", [60, 30, 0, 0])]
    assert ("FOLLOW_UPS_AT_ONCE", "alfa") not in found_of(follow_ups([*three, *monthly], LIMITS))


@pytest.mark.parametrize(("days", "late"), [(30, False), (31, False), (32, True)])
def test_a_follow_up_is_late_from_the_day_after_the_tolerance(days: int, late: bool) -> None:
    rows = [row for number in range(30) for row in reports("alfa", f"A-{number}", [days])]
    punctual = [row for number in range(90) for row in reports("beta", f"B-{number}", [0])]
    assert found_of(follow_ups([*rows, *punctual], LIMITS)) == ([("FOLLOW_UPS_LATE", "alfa")] if late else [])


@pytest.mark.rule("AMI-10.1-c")
def test_one_paid_month_without_follow_up_is_enough() -> None:
    rows = groups([*units("alfa", 1, 500), *units("beta", 0, 20)])
    [one] = premium_without_follow_up(rows).anomalies
    assert (one.provider, one.severity, one.chance) == ("alfa", AnomalySeverity.HIGH, None)


@pytest.mark.rule("AMI-9-h", "AMI-9.2-b")
def test_the_same_file_in_two_assignments_is_shown_of_both_providers() -> None:
    rows = [Pair("alfa", "A-1", "A-2", "beta", DAY), Pair("beta", "A-2", "A-1", "alfa", DAY)]
    found = evidence_reused(rows)
    assert [(one.provider, one.assignments, one.severity) for one in found.anomalies] == [
        ("alfa", ("A-1", "A-2"), AnomalySeverity.HIGH),
        ("beta", ("A-1", "A-2"), AnomalySeverity.HIGH),
    ]
    same = [Pair("alfa", "A-1", "A-2", "alfa", DAY), Pair("alfa", "A-2", "A-1", "alfa", DAY)]
    [own] = duplicate_claims(same).anomalies
    assert (own.kind, own.severity) == (AnomalyKind.DUPLICATE_CLAIMS, AnomalySeverity.MEDIUM)


# --- chance gives next to nothing ----------------------------------------------------------------------


def clean(random: Random) -> Found:
    """A municipality in which nobody does anything out of the ordinary, seen by every detector."""
    names = [f"p{number}" for number in range(random.randrange(2, 15))]
    sizes = {name: random.randrange(5, 120) for name in names}

    def drawn(share: float) -> dict[str, Group]:
        return dict(groups(
            [Unit(name, f"{name}-{number}", DAY, random.random() < share)
             for name in names for number in range(sizes[name])]
        ))  # fmt: skip

    rows = [
        Placed(name, f"{name}-{number}", DAY, f"{name}-{int(random.expovariate(0.2))}")
        for name in names
        for number in range(sizes[name])
    ]
    told = [
        row
        for name in names
        for number in range(sizes[name] // 2)
        for row in reports(name, f"{name}-{number}", [random.randrange(0, 45) for _ in range(5)])
    ]
    found = Found()
    for more in (
        same_workplace(rows, LIMITS),
        before_limits({"6": drawn(0.5), "10": drawn(0.5)}, LIMITS),
        before_end(drawn(0.5), LIMITS),
        after_settle(drawn(0.5), LIMITS),
        follow_ups(told, LIMITS),
        decided_by_hand(drawn(0.15), drawn(0.03), LIMITS),
        corrections(drawn(0.08), LIMITS),
    ):
        found.add(more)
    return found


@pytest.mark.slow
def test_chance_alone_is_flagged_in_fewer_than_one_of_twenty_lists() -> None:
    flagged = sum(bool(clean(Random(seed)).anomalies) for seed in range(40))
    assert flagged <= 1


@pytest.mark.slow
def test_a_planted_provider_is_found_in_a_clean_municipality_of_any_size() -> None:
    plants: list[tuple[AnomalyKind, Callable[[Random], Found]]] = [
        (AnomalyKind.CORRECTIONS, lambda random: corrections(_with_plant(random, 0.08, 0.5), LIMITS)),
        (AnomalyKind.EXIT_BEFORE_END, lambda random: before_end(_with_plant(random, 0.5, 0.95), LIMITS)),
        (AnomalyKind.MANUAL_DECISIONS,
         lambda random: decided_by_hand(_with_plant(random, 0.15, 0.75), {}, LIMITS)),
    ]  # fmt: skip
    for kind, detect in plants:
        hits = sum((kind.value, "planted") in found_of(detect(Random(seed))) for seed in range(50))
        assert hits >= 48, kind


def _with_plant(random: Random, usual: float, planted: float) -> dict[str, Group]:
    rows = [
        Unit(name, f"{name}-{number}", DAY, random.random() < share)
        for name, share in (("a", usual), ("b", usual), ("c", usual), ("planted", planted))
        for number in range(40)
    ]
    return dict(groups(rows))


# --- thresholds, ids, set aside ------------------------------------------------------------------------


def test_thresholds_are_settings() -> None:
    assert Thresholds.of(RuleSettings()) == LIMITS
    given_ = {"control.chance": "0.05", "control.least_odds": "1.5", "control.smallest_group": 20}
    limits = Thresholds.of(RuleSettings(read_settings(given_)))
    assert (limits.chance, limits.least_odds, limits.smallest_group) == (Fraction(1, 20), Fraction(3, 2), 20)


def test_the_id_stays_the_same_when_there_is_more_of_the_same() -> None:
    def of(hits: int) -> str:
        [one] = corrections(groups([*units("alfa", hits, 20), *units("beta", 5, 200)]), LIMITS).anomalies
        return one.id

    assert of(30) == of(60)
    [other] = corrections(groups([*units("delta", 30, 20), *units("beta", 5, 200)]), LIMITS).anomalies
    assert other.id != of(30)


@pytest.mark.parametrize(("new", "again"), [(0, False), (1, False), (2, False), (3, True)])
def test_what_was_set_aside_comes_back_when_more_than_a_quarter_is_new(new: int, again: bool) -> None:
    then = [f"A-{number}" for number in range(8)]
    now = [*then, *(f"B-{number}" for number in range(new))]
    assert comes_back(now, then, Decimal("0.25")) is again
    assert not comes_back(then[:3], then, Decimal("0.25"))
