"""A controller's figures without a database: what becomes of exits, how they are counted, what is kept back."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from inspect import getsource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_billing.domain import bonus
from kundval_billing.domain.control import (
    ALL,
    BASE_KINDS,
    NEEDED,
    Counts,
    Line,
    Money,
    Outcome,
    Spent,
    counted,
    follow_ups,
    lines,
    near_end,
    near_limits,
    near_settle,
    outcomes,
    without_small_groups,
)
from kundval_billing.domain.view import View
from kundval_contracts import timeline
from kundval_contracts.case import Case
from kundval_contracts.codes import ControlFigure, ControlUnit, FiguresBy, LineKind

from .builders import Row, ami1, ami2, d, decision, exited, on, tenant
from .lives import lives
from .strategies import FAR, cases, readings

F = ControlFigure
D = "2024-03-15"
EXIT = "2024-06-20"


def view(one: Case, day: str | date = "2027-01-01", settings: Row | None = None) -> View:
    as_of = d(day) if isinstance(day, str) else day
    return View(one.known_by(as_of), tenant(settings).settings, as_of)


def outcome(one: Case, day: str = "2027-01-01", settings: Row | None = None) -> Outcome:
    [found] = outcomes(view(one, day, settings))
    return found


# --- what becomes of an exit ---------------------------------------------------------------------------


@pytest.mark.rule("NACKA-12")
@pytest.mark.parametrize(("day", "held"), [("2024-12-19", None), ("2024-12-20", True), ("2024-12-21", True)])
def test_a_result_is_one_from_the_day_on_which_the_six_months_are_over(day: str, held: bool | None) -> None:
    found = outcome(ami2(exited(EXIT), decided=D), day)
    assert (found.qualifies, found.settles_on, found.held) == (True, d("2024-12-20"), held)


@pytest.mark.rule("NACKA-12", "AMI-9-e")
@pytest.mark.parametrize(("broke", "held"), [("2024-12-19", False), ("2024-12-20", True), ("2024-12-21", True)])
def test_a_break_off_on_the_settle_day_is_none_of_the_six_months(broke: str, held: bool) -> None:
    found = outcome(ami2(exited(EXIT), on(broke, "broke_off"), decided=D))
    assert (found.held, found.broke_off) == (held, d(broke))


def test_an_exit_that_does_not_qualify_has_no_result() -> None:
    found = outcome(ami2(exited(EXIT, "DISCONTINUED"), decided=D))
    assert (found.family, found.qualifies, found.held) == ("OTHER", False, None)


def test_an_exit_belongs_to_who_was_in_charge_then() -> None:
    rows = [on("2024-05-01", "provider_switch", provider="beta", approved=True), exited(EXIT)]
    later = on("2025-02-01", "provider_switch", provider="gamma", approved=True)
    assert outcome(ami2(*rows, later, decided=D)).provider == "beta"


def test_boundary_cases_and_decisions_by_hand_are_seen() -> None:
    plain = outcome(ami1(exited("2025-05-01")))
    assert (plain.boundary, plain.manual) == (False, False)
    # 90 days are over on 1 June, three months on 3 June
    edge = outcome(ami1(exited("2025-06-01"), decision("2025-06-10", about="BOUNDARY")))
    assert (edge.boundary, edge.manual) == (True, True)


def test_every_kind_of_fact_that_time_and_bonus_are_read_from_is_loaded() -> None:
    named = {name for module in (timeline, bonus) for name in re.findall(r"FactKind\.([A-Z_]+)", getsource(module))}
    assert "EB_PAID" in named and named <= {kind.name for kind in NEEDED}


@pytest.mark.slow
@given(cases(), readings())
def test_the_facts_that_are_loaded_are_all_that_matters(one: Case, settings: Row) -> None:
    narrow = one.having(fact for fact in one.facts if fact.kind in NEEDED)
    whole, less = view(one, FAR, settings), view(narrow, FAR, settings)
    assert list(outcomes(whole)) == list(outcomes(less))
    assert list(follow_ups(whole)) == list(follow_ups(less))


# --- near a limit --------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.2-e", "AMI-10.2-f")
@pytest.mark.parametrize(
    ("day", "near"),
    [
        ("2024-08-31", None),
        ("2024-09-01", True),
        ("2024-09-14", True),
        ("2024-09-15", False),
        ("2024-09-28", False),
        ("2024-09-29", None),
    ],
)
def test_an_exit_is_near_the_limit_of_month_six_for_a_fortnight_on_either_side(day: str, near: bool | None) -> None:
    rows = near_limits(outcomes(view(ami2(exited(day), decided=D))), 14)
    assert {limit: [unit.hit for unit in units] for limit, units in rows.items()} == (
        {} if near is None else {"6": [near]}
    )


@pytest.mark.parametrize(
    ("day", "near"),
    [
        ("2025-02-14", None),
        ("2025-02-15", False),
        ("2025-02-28", False),
        ("2025-03-01", True),
        ("2025-03-14", True),
        ("2025-03-15", None),
    ],
)
def test_the_last_fortnight_is_held_against_the_one_before(day: str, near: bool | None) -> None:
    rows = near_end(outcomes(view(ami2(exited(day), decided=D))), 14)
    assert [unit.hit for unit in rows] == ([] if near is None else [near])


@pytest.mark.parametrize(
    ("day", "near"),
    [
        ("2024-12-05", None),
        ("2024-12-06", False),
        ("2024-12-19", False),
        ("2024-12-20", True),
        ("2025-01-02", True),
        ("2025-01-03", None),
    ],
)
def test_a_break_off_is_near_the_six_months_for_a_fortnight_on_either_side(day: str, near: bool | None) -> None:
    rows = near_settle(outcomes(view(ami2(exited(EXIT), on(day, "broke_off"), decided=D))), 14)
    assert [unit.hit for unit in rows] == ([] if near is None else [near])


# --- counting ------------------------------------------------------------------------------------------

START, END = date(2024, 7, 1), date(2025, 7, 1)


@pytest.mark.rule("NACKA-19")
@pytest.mark.parametrize("by", [FiguresBy.PROVIDER, FiguresBy.PROGRAMME, FiguresBy.MONTH])
def test_the_parts_of_a_split_add_up_to_the_whole(by: FiguresBy) -> None:
    found = [one for case in lives(200) for one in outcomes(view(case, "2025-06-30"))]
    parts = counted(found, START, END, by)
    whole = parts.pop(ALL)
    assert len(parts) > 1 and whole.held and whole.due > whole.held and whole.exits > whole.qualifying
    assert sum(parts.values(), Counts()) == whole
    inside = [one for one in found if START <= one.on < END]
    assert whole.exits == len(inside) and whole.qualifying == sum(one.qualifies for one in inside)
    assert whole.held == sum(one.held is True and START <= one.settles_on < END for one in found)


def test_an_exit_counts_on_its_day_and_its_result_when_the_six_months_are_over() -> None:
    found = list(outcomes(view(ami2(exited(EXIT), decided=D))))
    assert counted(found, d(EXIT), d("2024-06-21"), None)[ALL] == Counts(work=1, qualifying=1)
    assert counted(found, d("2024-06-21"), d("2024-12-20"), None)[ALL] == Counts()
    assert counted(found, d("2024-12-20"), d("2024-12-21"), None)[ALL] == Counts(due=1, held=1)


# --- lines ---------------------------------------------------------------------------------------------


def values(rows: tuple[Line, ...], part: str = ALL) -> dict[ControlFigure, tuple[str | None, int | None]]:
    return {row.figure: (row.value, row.n) for row in rows if row.part == part}


@pytest.mark.rule("NACKA-10", "NACKA-12")
def test_each_figure_has_its_number_and_costs_are_to_the_ore() -> None:
    payable = Money(Decimal("100000.00"), Decimal("-10000.00"), Decimal("60000.00"), 20, 2, 7)
    spent = {ALL: Spent(payable, Money(), 7, 3, 610)}
    found = values(lines(spent, {ALL: Counts(work=5, other=2, qualifying=4, due=4, held=3)}, None))
    assert found[F.PAYABLE_NET] == ("90000.00", 22)
    assert found[F.BASE_SHARE] == ("0.6667", 22) and found[F.RESULT_SHARE] == ("0.3333", 22)
    assert found[F.CORRECTED_SHARE] == ("0.1000", 22)
    assert found[F.COST_PER_CLIENT] == ("12857.14", 7)
    assert found[F.COST_PER_EXIT] == ("12857.14", 7)
    assert found[F.COST_PER_QUALIFYING_EXIT] == ("22500.00", 4)
    assert found[F.COST_PER_RESULT] == ("30000.00", 3)
    assert found[F.HELD_SHARE] == ("0.7500", 4)
    assert found[F.DAYS_TO_BONUS] == ("203.3", 3)


def test_what_cannot_be_said_is_null_with_nothing_behind_it() -> None:
    found = values(lines({}, {ALL: Counts()}, None))
    assert found[F.PAYABLE_NET] == ("0.00", 0) and found[F.EXITS] == ("0", 0)
    for figure in (F.BASE_SHARE, F.CORRECTED_SHARE, F.HELD_SHARE, F.COST_PER_CLIENT, F.COST_PER_EXIT,
                   F.COST_PER_QUALIFYING_EXIT, F.COST_PER_RESULT, F.DAYS_TO_BONUS):  # fmt: skip
        assert found[figure] == (None, 0)


def test_every_figure_stands_in_the_whole_and_by_kind_only_money() -> None:
    rows = lines({ALL: Spent(), "MONTHLY_FEE": Spent()}, {ALL: Counts()}, FiguresBy.KIND)
    assert set(values(rows)) == set(ControlFigure)
    assert F.EXITS not in values(rows, "MONTHLY_FEE") and F.COST_PER_CLIENT in values(rows, "MONTHLY_FEE")


@pytest.mark.rule("NACKA-10")
def test_base_is_what_is_paid_whatever_comes_of_it() -> None:
    assert {LineKind.MONTHLY_FEE, LineKind.BASE} == BASE_KINDS


# --- small groups --------------------------------------------------------------------------------------


def number(part: str, n: int, figure: ControlFigure = F.CLIENTS) -> Line:
    return Line(part, figure, ControlUnit.NUMBER, str(n), n, n)


def shown(rows: list[Line], smallest: int = 5) -> dict[str, int | None]:
    return {row.part: row.n for row in without_small_groups(rows, smallest)}


def test_a_small_part_and_a_second_one_are_kept_back_and_the_whole_is_shown() -> None:
    found = shown([number(ALL, 60), number("AMI_1", 3), number("AMI_2", 17), number("JOBBPENG_BASIC", 40)])
    assert found == {ALL: 60, "AMI_1": None, "AMI_2": None, "JOBBPENG_BASIC": 40}


@pytest.mark.parametrize(("n", "known"), [(4, None), (5, 5), (0, 0)])
def test_the_whole_is_kept_back_below_the_smallest_group_and_nobody_is_no_group(n: int, known: int | None) -> None:
    assert shown([number(ALL, n)]) == {ALL: known}


@given(st.lists(st.integers(0, 12), min_size=2, max_size=6))
def test_nobody_gets_at_a_small_group_by_taking_the_shown_parts_from_the_whole(sizes: list[int]) -> None:
    rows = [number(ALL, sum(sizes)), *(number(f"p{place}", size) for place, size in enumerate(sizes))]
    found = shown(rows)
    assert not any(found[f"p{place}"] == size for place, size in enumerate(sizes) if 0 < size < 5)
    hidden = [size for place, size in enumerate(sizes) if found[f"p{place}"] is None]
    if hidden and found[ALL] is not None:
        assert len(hidden) > 1 and sum(hidden) >= 5


def test_families_of_exits_are_parts_of_a_whole_too() -> None:
    spent = {ALL: Spent(Money(clients=50), Money(), 50)}
    rows = without_small_groups(lines(spent, {ALL: Counts(work=30, study=2, business=9, other=8)}, None), 5)
    found = {row.figure: row for row in rows}
    assert found[F.EXITS].n == 49 and found[F.EXITS_WORK].n == 30
    assert (
        found[F.EXITS_STUDY].suppressed and found[F.EXITS_OTHER].suppressed and not found[F.EXITS_BUSINESS].suppressed
    )
