"""Comparing providers: what is counted, in which order, and what is not shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import sqrt
from statistics import mean as plain_mean
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_assignment.domain.choice import (
    NotRanked,
    Tally,
    comparison,
    neutral_order,
    ranking,
    tally,
    window,
)
from kundval_assignment.domain.measures import KEPT_BACK, kept_back, mean, share, student, whole_may_be_shown
from kundval_assignment.domain.outcomes import InCharge, Outcome
from kundval_contracts.codes import ExitKind, ParticipationGround, Programme
from kundval_contracts.settings import RuleSettings

SETTINGS = RuleSettings({})
DAY = date(2025, 6, 30)
WORK, LEFT = ExitKind.WORK_FULL_TIME, ExitKind.DISCONTINUED

names = st.lists(st.text("abcdefgh", min_size=1, max_size=3), min_size=1, max_size=9, unique=True)


def row(provider: str, ended: int = 20, held: int = 8, **changes: int) -> Tally:
    """A provider with `ended` interventions of 100 days, half of them to work, and as many six months over."""
    half = ended // 2
    return replace(
        Tally(provider, ended + 3, ended, 100 * ended, 10_000 * ended, {WORK: half, LEFT: ended - half}, ended, held,
              ended, 10 * ended, 6 * ended),
        **changes,
    )  # fmt: skip


def compared(*rows: Tally, places: dict[str, int | None] | None = None, seed: int = 0, **settings: int):  # type: ignore[no-untyped-def]
    found = {one.provider: one for one in rows}
    keys = {key.replace("_", ".", 1): value for key, value in settings.items()}
    return comparison(found, places or dict.fromkeys(found), RuleSettings(keys), seed)


# --- figures -------------------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7", "NACKA-22")
def test_each_figure_stands_with_the_number_behind_it_and_an_interval() -> None:
    [alfa] = compared(row("alfa"), places={"alfa": 4}).rows
    assert (alfa.provider, alfa.clients.value, alfa.places_left) == ("alfa", 23, 4)
    assert (alfa.days.value, alfa.days.n, alfa.days.low, alfa.days.high) == (100, 20, 100, 100)
    assert (alfa.self_supporting.value, alfa.self_supporting.n) == (Decimal("0.400"), 20)
    # Wilson's interval for 8 of 20
    assert (alfa.self_supporting.low, alfa.self_supporting.high) == (Decimal("0.2188"), Decimal("0.6135"))
    assert (alfa.in_person.value, alfa.in_person.n) == (Decimal("0.600"), 200)
    assert {kind: one.value for kind, one in alfa.exits.items()} == {WORK: Decimal("0.500"), LEFT: Decimal("0.500")}


@given(st.integers(1, 500), st.data())
def test_the_interval_of_a_share_is_wilsons(n: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, n))
    found = share(part, n)
    p, z = part / n, 1.959964
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert found.low is not None and found.high is not None and found.value is not None
    assert abs(float(found.low) - (centre - half)) < 0.000101
    assert abs(float(found.high) - (centre + half)) < 0.000101
    assert 0 <= found.low <= found.value + Decimal("0.00005") and found.value - Decimal("0.00005") <= found.high <= 1


@given(st.lists(st.integers(0, 800), min_size=2, max_size=80))
def test_the_interval_of_a_mean_is_students(days: list[int]) -> None:
    found = mean(len(days), sum(days), sum(day * day for day in days))
    half = float(student(len(days) - 1)) * stdev(days) / sqrt(len(days))
    assert found.low is not None and found.high is not None and found.value is not None
    assert abs(float(found.value) - plain_mean(days)) <= 0.0501
    assert abs(float(found.low) - max(0, plain_mean(days) - half)) <= 0.1001
    assert abs(float(found.high) - (plain_mean(days) + half)) <= 0.1001


@pytest.mark.parametrize(("degrees", "point"), [(1, "12.706"), (29, "2.045"), (30, "2.042"), (39, "2.042"),
                                                (40, "2.021"), (120, "1.980"), (9999, "1.980")])  # fmt: skip
def test_between_two_rows_of_the_table_the_wider_one_holds(degrees: int, point: str) -> None:
    assert student(degrees) == Decimal(point)


def test_of_one_number_there_is_a_mean_and_no_interval_and_of_none_nothing() -> None:
    one, nothing = mean(1, 30, 900), mean(0, 0, 0)
    assert (one.value, one.low, one.high) == (Decimal("30.0"), None, None)
    assert (nothing.n, nothing.value, nothing.suppressed) == (0, None, False)
    assert share(0, 0).value is None


def test_sums_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="no part"):
        share(3, 2)
    with pytest.raises(ValueError, match="no numbers"):
        mean(2, 10, 1)


# --- small groups ----------------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7")
@pytest.mark.parametrize(("ended", "suppressed"), [(4, True), (5, False), (6, False)])
def test_a_figure_about_fewer_than_five_is_not_shown(ended: int, suppressed: bool) -> None:
    [alfa] = compared(row("alfa", ended, 2)).rows
    assert alfa.days.suppressed is suppressed
    assert alfa.self_supporting.suppressed is suppressed
    if suppressed:
        assert alfa.days == KEPT_BACK == alfa.self_supporting == alfa.in_person
        assert alfa.days.as_json() == {"value": None, "n": None, "low": None, "high": None, "suppressed": True}


def test_the_smallest_group_is_a_setting() -> None:
    [alfa] = compared(row("alfa", 9, 2), figures_smallest_group=10).rows
    assert alfa.days.suppressed


def test_many_contacts_with_few_clients_are_few() -> None:
    [alfa] = compared(row("alfa", contacted=4, contacts=400, in_person=1)).rows
    assert alfa.in_person.suppressed


@pytest.mark.rule("NACKA-7")
def test_a_small_provider_cannot_be_found_by_taking_the_others_from_all_together() -> None:
    table = compared(row("alfa"), row("beta", 3, 1))
    assert table.together.days.suppressed
    assert table.together.self_supporting.suppressed
    assert not next(one for one in table.rows if one.provider == "alfa").days.suppressed


@pytest.mark.parametrize(("others", "shown"), [((4, 4, 1), True), ((4, 4), False), ((4, 3, 1), False), ((2, 2), False)])
def test_not_even_a_small_provider_that_knows_its_own_can_find_the_other_small_ones(
    others: tuple[int, ...], shown: bool
) -> None:
    rows = [row(f"small-{place}", ended, 1) for place, ended in enumerate(others)]
    table = compared(row("alfa"), *rows)
    assert table.together.days.suppressed is not shown
    # without the largest of them, who knows its own days, the rest must still be five
    assert shown is (sum(others) - max(others) >= 5)


def test_a_kind_of_exit_that_only_those_kept_back_have_had_is_not_named() -> None:
    rare = replace(row("beta", 3, 1), exits={ExitKind.BENEFIT_OTHER_PUBLIC: 3})
    table = compared(row("alfa"), rare)
    assert all(ExitKind.BENEFIT_OTHER_PUBLIC not in one.exits for one in (*table.rows, table.together))


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 12), max_size=8), st.integers(1, 8))
def test_what_is_kept_back_of_a_whole_cannot_be_computed_from_what_is_shown(
    counts: dict[str, int], smallest: int
) -> None:
    hidden = kept_back(counts, smallest)
    assert {name for name, count in counts.items() if 0 < count < smallest} <= hidden
    if whole_may_be_shown(counts, hidden, smallest) and hidden:
        # whole minus shown is all that a reader knows of the hidden: it is of two or more, and no small group
        assert len(hidden) >= 2
        assert sum(counts.values()) - sum(n for name, n in counts.items() if name not in hidden) >= smallest
    if sum(counts.values()) >= smallest:
        assert whole_may_be_shown(counts, hidden, smallest)
    assert all(counts[name] > 0 for name in hidden)


# --- order -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7")
@given(names)
def test_over_all_seeds_each_provider_stands_in_each_place_equally_often(providers: list[str]) -> None:
    n = len(providers)
    first = [Counter(neutral_order(providers, seed)[place] for seed in range(3 * n)) for place in range(n)]
    assert all(count == dict.fromkeys(providers, 3) for count in first)


@given(names, st.integers(0, 2**31 - 1))
def test_the_order_of_a_seed_is_always_the_same_and_whatever_the_input_order(providers: list[str], seed: int) -> None:
    assert neutral_order(providers, seed) == neutral_order(reversed(providers), seed)
    assert sorted(neutral_order(providers, seed)) == sorted(providers)


@pytest.mark.rule("NACKA-7")
def test_a_new_provider_has_no_figures_yet_and_loses_no_place_by_it() -> None:
    places = dict.fromkeys(("alfa", "beta", "new"))
    tables = [compared(row("alfa"), row("beta"), places=places, seed=seed) for seed in range(3)]
    firsts = [table.rows[0].provider for table in tables]
    assert sorted(firsts) == ["alfa", "beta", "new"]
    [new] = [one for one in tables[0].rows if one.provider == "new"]
    assert new.no_figures_yet
    assert not new.days.suppressed
    assert new.days.value is None


def test_a_provider_that_cannot_be_chosen_is_not_compared() -> None:
    table = compared(row("alfa"), row("gone"), places={"alfa": None})
    assert [one.provider for one in table.rows] == ["alfa"]
    assert table.together.clients.value == 23


def test_without_any_provider_there_is_an_empty_table() -> None:
    table = comparison({}, {}, SETTINGS, 7)
    assert (table.rows, table.seed, table.together.no_figures_yet) == ((), 7, True)


# --- what is counted -----------------------------------------------------------------------------------------------


def one(**changes: object) -> Outcome:
    """A client of alfa in AMI 2 from 1 January to 30 June 2024 that went to work and kept it."""
    part = InCharge("alfa", date(2024, 1, 1), date(2024, 7, 1), 182, 10, 4, True)
    base = Outcome(
        "A-1", Programme.AMI_2, ParticipationGround.LABOUR_MARKET, None, 2023, date(2023, 12, 1), date(2024, 1, 1),
        date(2024, 6, 30), date(2024, 7, 1), 182, WORK, True, date(2024, 12, 30), False, False, True, True, None, None,
        10, 4, (part,), (), (),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def test_the_window_is_the_months_of_the_setting_up_to_the_day() -> None:
    span = window(DAY, SETTINGS)
    assert (span.start, span.day) == (date(2023, 7, 1), DAY)
    assert window(DAY, RuleSettings({"figures.window_months": 1})).start == date(2025, 5, 31)


@pytest.mark.parametrize(
    ("day", "clients", "ended", "over"),
    [
        (date(2023, 12, 31), 0, 0, 0),
        (date(2024, 1, 1), 1, 0, 0),
        (date(2024, 6, 29), 1, 0, 0),
        (date(2024, 6, 30), 1, 1, 0),
        (date(2024, 12, 29), 1, 1, 0),
        (date(2024, 12, 30), 1, 1, 1),
        (date(2026, 6, 29), 1, 1, 1),
        (date(2026, 6, 30), 0, 0, 1),
        (date(2026, 12, 29), 0, 0, 1),
        (date(2026, 12, 30), 0, 0, 0),
    ],
)
def test_what_counts_on_which_day(day: date, clients: int, ended: int, over: int) -> None:
    found = tally([one()], Programme.AMI_2, window(day, SETTINGS))["alfa"]
    assert (found.clients, found.ended, found.over, found.self_supporting) == (clients, ended, over, over)
    assert found.days == 182 * ended
    assert (found.contacts, found.in_person, found.contacted) == (10 * clients, 4 * clients, clients)


@pytest.mark.rule("LOKA-63")
def test_who_takes_part_on_another_ground_or_in_another_programme_is_not_counted() -> None:
    span = window(DAY, SETTINGS)
    assert tally([one(ground=ParticipationGround.MEANINGFUL_OCCUPATION)], Programme.AMI_2, span) == {}
    assert tally([one()], Programme.AMI_1, span) == {}


# --- ranking ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-24")
def test_ranking_is_for_the_programmes_of_the_employment_service_only() -> None:
    table = compared(row("alfa"))
    refused = ranking(Programme.AMI_2, table, SETTINGS)
    assert isinstance(refused, NotRanked)
    assert "AF-SOM-24" in refused.rules
    assert ranking(Programme.SOM_1, table, SETTINGS) == ("alfa",)
    assert ranking(Programme.RUM_A, table, SETTINGS) == ("alfa",)


@pytest.mark.rule("AF-SOM-24")
def test_without_a_formula_the_ranking_is_the_neutral_order_of_those_with_a_place() -> None:
    places = {"alfa": 0, "beta": 1, "gamma": None}
    orders = {ranking(Programme.SOM_1, compared(places=places, seed=seed), SETTINGS) for seed in range(3)}
    assert orders == {("beta", "gamma"), ("gamma", "beta")}


@pytest.mark.rule("AF-SOM-24")
def test_by_the_setting_the_one_whose_clients_support_themselves_is_first_and_a_new_one_not_last() -> None:
    settings = RuleSettings({"choice.ranking": "SELF_SUPPORT"})
    places = dict.fromkeys(("alfa", "beta", "new"))
    for seed in range(3):
        table = compared(row("alfa", held=2), row("beta", held=18), places=places, seed=seed)
        assert ranking(Programme.SOM_1, table, settings) == ("beta", "new", "alfa")
