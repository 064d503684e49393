"""Figures about a municipality's own work, year by year."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_assignment.domain.figures import (
    ALL,
    UNKNOWN,
    UNMAPPED,
    DifferentYears,
    Ended,
    Given,
    Line,
    Minutes,
    Year,
    as_csv,
    count,
    lines,
    per,
)
from kundval_assignment.domain.measures import KEPT_BACK, Figure, number, share
from kundval_assignment.domain.outcomes import InCharge, Outcome, Steps, Time
from kundval_contracts.codes import (
    ActivityCategory,
    ExitKind,
    FigureCode,
    FigureUnit,
    ParticipationGround,
    Programme,
    ProgressKind,
    ReferralSource,
    YearlyValue,
)

F = FigureCode
TODAY = date(2026, 6, 30)


def one(**changes: object) -> Outcome:
    """A participant in AMI 2 from 1 March 2024 to 28 February 2025, from EB, that went to work and kept it."""
    part = InCharge("alfa", date(2024, 3, 1), date(2025, 3, 1), 365, last=True)
    base = Outcome(
        "A-1", Programme.AMI_2, ParticipationGround.LABOUR_MARKET, ReferralSource.EB, 2023, date(2024, 2, 1),
        date(2024, 3, 1), date(2025, 2, 28), date(2025, 3, 1), 365, ExitKind.WORK_FULL_TIME, True, date(2025, 8, 28),
        False, False, True, True, None, None, 0, 0, (part,), (), (),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def year(**changes: object) -> Year:
    base = Year(
        2024,
        {"AF": 30, "EB": 70},
        0,
        {Programme.AMI_1: Ended(20, 1200, 80_000, 10, 4), Programme.AMI_2: Ended(20, 6000, 2_000_000, 10, 5)},
        {ExitKind.WORK_FULL_TIME: 30, ExitKind.BENEFIT_OTHER_PUBLIC: 10},
        40,
        30,
        12,
        3,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def shown(rows: tuple[Line, ...], figure: FigureCode) -> dict[str, Figure]:
    return {row.part: row.value for row in rows if row.figure is figure}


def fte(value: str, of: int = 2024) -> Given:
    return Given(YearlyValue.FULL_TIME_EQUIVALENTS, of, Decimal(value), "Kolada", date(2025, 3, 1))


# --- who is counted in which year ------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-9", "LOKA-20")
@pytest.mark.parametrize(
    ("started", "until", "years"),
    [
        (date(2024, 12, 31), date(2025, 1, 1), {2024}),
        (date(2024, 12, 31), date(2025, 1, 2), {2024, 2025}),
        (date(2025, 1, 1), None, {2025, 2026}),
        (None, None, set()),
    ],
)
def test_a_participant_of_a_year_took_part_on_one_of_its_days(
    started: date | None, until: date | None, years: set[int]
) -> None:
    row = one(started_on=started, until=until, ended_on=None)
    assert {number for number in range(2022, 2028) if count([row], number, TODAY).participants} == years


def test_the_present_year_counts_up_to_the_business_date() -> None:
    row = one(started_on=date(2026, 7, 1), until=None, ended_on=None)
    assert count([row], 2026, date(2026, 6, 30)).participants == 0
    assert count([row], 2026, date(2026, 7, 1)).participants == 1


@pytest.mark.rule("NACKA-22")
@pytest.mark.parametrize(
    ("changes", "held"),
    [({}, 1), ({"broken": True}, 0), ({"supported": False}, 0), ({"assisted": True}, 1)],
)
def test_retention_is_of_all_whose_six_months_are_over_in_the_year(changes: dict[str, bool], held: int) -> None:
    ended = count([one(**changes)], 2025, TODAY).programmes[Programme.AMI_2]
    assert (ended.ended, ended.days, ended.over, ended.held) == (1, 365, 1, held)
    assert not count([one(**changes)], 2025, date(2025, 8, 27)).programmes[Programme.AMI_2].over


@pytest.mark.rule("LOKA-63")
def test_meaningful_occupation_is_counted_apart_and_in_nothing_else() -> None:
    times = (Time(2024, "kitchen", ActivityCategory.EQUIP, 1, 60),)
    found = count([one(ground=ParticipationGround.MEANINGFUL_OCCUPATION, times=times)], 2024, TODAY)
    assert found == Year(2024, other_ground=1)


@pytest.mark.rule("LOKA-50")
def test_steps_forward_are_counted_by_persons_and_steps_and_are_no_exits() -> None:
    steps = (Steps(2024, ProgressKind.MORE_HOURS, 3),)
    found = count([one(steps=steps), one(steps=steps), one()], 2024, TODAY)
    assert found.steps == {ProgressKind.MORE_HOURS: (2, 6)}
    assert found.exits == {}


# --- lines ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-9", "NACKA-19")
def test_participants_by_source_have_a_number_and_a_share() -> None:
    rows = lines(year(), (), {}, 5)
    assert shown(rows, F.PARTICIPANTS) == {ALL: number(100), "AF": number(30), "EB": number(70)}
    assert shown(rows, F.PARTICIPANTS_SHARE)["AF"] == share(30, 100)


@pytest.mark.rule("LOKA-9")
def test_a_small_source_is_kept_back_and_another_with_it_so_that_it_cannot_be_computed() -> None:
    rows = lines(year(sources={"AF": 60, "EB": 30, "FK": 2, "SELF": 8}), (), {}, 5)
    found = shown(rows, F.PARTICIPANTS)
    assert {part for part, value in found.items() if value == KEPT_BACK} == {"FK", "SELF"}
    assert found[ALL].value == 100


@pytest.mark.rule("LOKA-20", "LOKA-56", "LOKA-57")
def test_participants_for_each_full_time_equivalent_are_of_one_year_and_say_where_the_value_is_from() -> None:
    rows = lines(year(), [fte("4.5"), fte("9", 2023)], {}, 5)
    [ratio] = [row for row in rows if row.figure is F.PER_FTE]
    assert ratio.value == Figure(100, Decimal("22.2"))
    assert (ratio.year, ratio.origin, ratio.taken_on) == (2024, "Kolada", date(2025, 3, 1))
    assert [row.value.value for row in rows if row.figure is F.FULL_TIME_EQUIVALENTS] == [Decimal("4.5")]


@pytest.mark.rule("LOKA-20", "LOKA-56")
def test_a_ratio_of_different_years_is_refused() -> None:
    with pytest.raises(DifferentYears, match="2024"):
        per(2024, 100, fte("4.5", 2023))
    with pytest.raises(ValueError, match="more than nothing"):
        per(2024, 100, fte("0"))


@pytest.mark.rule("LOKA-58")
def test_participants_for_each_thousand_inhabitants() -> None:
    population = Given(YearlyValue.POPULATION, 2024, Decimal(20_000), "SCB", date(2025, 2, 1))
    assert shown(lines(year(), [population], {}, 5), F.PER_THOUSAND_INHABITANTS)[ALL].value == Decimal("5.0")


def test_a_ratio_about_too_few_is_kept_back() -> None:
    assert shown(lines(year(sources={"AF": 4}), [fte("4.5")], {}, 5), F.PER_FTE)[ALL] == KEPT_BACK


@pytest.mark.rule("NACKA-22")
def test_mean_days_and_retention_are_shown_for_all_and_for_each_programme() -> None:
    rows = lines(year(), (), {}, 5)
    days, kept = shown(rows, F.DAYS), shown(rows, F.SIX_MONTH_RETENTION)
    assert {part: value.value for part, value in days.items()} == {ALL: 180, "AMI_1": 60, "AMI_2": 300}
    assert {part: value.value for part, value in kept.items()} == {
        ALL: Decimal("0.450"), "AMI_1": Decimal("0.400"), "AMI_2": Decimal("0.500"),
    }  # fmt: skip


def test_a_small_programme_is_kept_back_and_cannot_be_computed_from_the_whole() -> None:
    programmes = {Programme.AMI_1: Ended(3, 180, 10_800, 3, 1), Programme.AMI_2: Ended(20, 6000, 2_000_000, 10, 5)}
    small = year(programmes=programmes, exits={}, self_support_loka=0, bonus_eligible_ami=0)
    days = shown(lines(small, (), {}, 5), F.DAYS)
    assert days["AMI_1"] == days["AMI_2"] == KEPT_BACK
    assert days[ALL].n == 23


@pytest.mark.rule("NACKA-22")
def test_the_share_of_newcomers_that_need_supplementary_support() -> None:
    assert shown(lines(year(), (), {}, 5), F.SUPPLEMENTARY_SUPPORT)[ALL] == share(3, 12)
    assert shown(lines(year(newcomers=4), (), {}, 5), F.SUPPLEMENTARY_SUPPORT)[ALL] == KEPT_BACK


@pytest.mark.rule("LOKA-46", "LOKA-50")
def test_exits_both_meanings_of_self_support_and_steps_are_lines_of_their_own() -> None:
    rows = lines(year(steps={ProgressKind.CONFIDENCE: (6, 9), ProgressKind.MORE_HOURS: (2, 2)}), (), {}, 5)
    assert shown(rows, F.EXITS)["WORK_FULL_TIME"] == share(30, 40)
    assert shown(rows, F.SELF_SUPPORT_LOKA)[ALL] == share(40, 40)
    assert shown(rows, F.BONUS_ELIGIBLE_AMI)[ALL] == share(30, 40)
    assert shown(rows, F.PROGRESS_STEPS) == {"CONFIDENCE": Figure(6, Decimal(9)), "MORE_HOURS": KEPT_BACK}
    assert not {kind.value for kind in ProgressKind} & set(shown(rows, F.EXITS))


@pytest.mark.rule("LOKA-19", "LOKA-20")
def test_time_is_shown_by_category_and_by_koladas_and_what_no_mapping_names_is_said_to_be_so() -> None:
    times = (
        Minutes("kitchen", ActivityCategory.EQUIP, 20, 40, 2400),
        Minutes("practice", ActivityCategory.EQUIP, 10, 10, 600),
        Minutes("cv", ActivityCategory.COACH, 10, 10, 300),
    )
    rows = lines(year(times=times), (), {"kitchen": "WORK_TRAINING", "practice": "PRACTICE"}, 5)
    assert shown(rows, F.MINUTES) == {"COACH": Figure(10, Decimal(300)), "EQUIP": Figure(20, Decimal(3000))}
    assert shown(rows, F.KOLADA_MINUTES) == {
        "WORK_TRAINING": Figure(20, Decimal(2400)),
        "PRACTICE": Figure(10, Decimal(600)),
        UNMAPPED: Figure(10, Decimal(300)),
    }


def test_a_year_with_nobody_has_lines_that_say_so() -> None:
    rows = lines(Year(2024), (), {}, 5)
    assert shown(rows, F.PARTICIPANTS) == {ALL: number(0)}
    assert shown(rows, F.DAYS)[ALL] == Figure(0)


@pytest.mark.slow
@given(
    st.lists(
        st.builds(
            one,
            source=st.sampled_from([*ReferralSource, None]),
            programme=st.sampled_from([Programme.AMI_1, Programme.AMI_2, Programme.LOCAL]),
            ground=st.sampled_from(list(ParticipationGround)),
        ),
        max_size=40,
    ),
    st.integers(1, 8),
)
def test_no_shown_number_is_a_small_group_and_no_hidden_one_can_be_computed(rows: list[Outcome], smallest: int) -> None:
    found = lines(count(rows, 2025, TODAY), (), {}, smallest)
    for row in found:
        if row.unit is FigureUnit.PERSONS and row.value.value is not None:
            assert row.value.value == 0 or row.value.value >= smallest
    participants = shown(found, F.PARTICIPANTS)
    whole = participants.pop(ALL)
    hidden = [part for part, value in participants.items() if value == KEPT_BACK]
    if whole.value is not None and hidden:
        rest = whole.value - sum(value.value or 0 for value in participants.values())
        assert len(hidden) >= 2
        assert rest >= smallest
    counted = [row for row in rows if row.ground is ParticipationGround.LABOUR_MARKET]
    assert whole == KEPT_BACK or whole.value == len(counted)
    assert set(participants) == {row.source.value if row.source else UNKNOWN for row in counted}


# --- CSV -------------------------------------------------------------------------------------------------------------


def line(origin: str | None) -> Line:
    value = Figure(3, Decimal("-1.5"), None, None)
    return Line(2024, F.PER_FTE, ALL, FigureUnit.PER_FTE, value, origin, date(2025, 3, 1))


@pytest.mark.rule("LOKA-20")
@given(st.one_of(st.none(), st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)))))
def test_the_csv_is_read_back_as_it_was_meant_and_no_cell_is_a_formula(origin: str | None) -> None:
    text = as_csv([line(origin)])
    assert text.startswith("\ufeffyear,figure,part,")
    assert text.endswith("\r\n")
    header, cells = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert len(header) == len(cells) == 11
    read = dict(zip(header, cells, strict=True))
    assert read["origin"] in (origin or "", "'" + (origin or ""))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert (read["year"], read["figure"], read["n"], read["suppressed"]) == ("2024", "PER_FTE", "3", "false")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_carry_out_is_text(start: str) -> None:
    assert f"'{start}cmd" in as_csv([line(f"{start}cmd|'/c calc'!A1")])
