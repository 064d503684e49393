"""Every worked example of the rulebook, by its number, through `simulate`."""

from __future__ import annotations

from typing import Any

import pytest

from kundval_chassis.simulate import simulate
from kundval_contracts.caseload import read
from tests.acceptance import examples
from tests.acceptance.builders import Example, check


def answer(example: Example) -> dict[str, Any]:
    return simulate(read(example.caseload))


def rows(found: list[Example]) -> Any:
    return pytest.mark.parametrize("example", found, ids=[example.id for example in found])


@pytest.mark.rule("AMI-7-b", "AMI-7.2-a")
@rows(examples.we_01())
def test_we_01_key_dates_of_ami_1(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.2-a", "AMI-10.2-b")
@rows(examples.we_02())
def test_we_02_bonus_at_the_end_of_ami_1(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-7-b", "AMI-10.2-b")
@rows(examples.we_03())
def test_we_03_three_months_shorter_than_90_days(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-7-b", "AMI-10.2-b")
@rows(examples.we_04())
def test_we_04_readings_agree(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.1-a", "AMI-10.2-b", "AMI-10-a")
@rows(examples.we_05())
def test_we_05_ami_1_speed_premium_by_block(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.2-a", "AMI-10.2-e", "AMI-10.2-f", "AMI-10.2-g")
@rows(examples.we_06())
def test_we_06_all_boundaries_of_the_tiers(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.2-e", "AMI-10.2-f", "AMI-10.2-g")
@rows(examples.we_07())
def test_we_07_month_end_clipping(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.2-e", "AMI-10.2-f", "AMI-10.2-g")
@rows(examples.we_08())
def test_we_08_leap_day(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.2-e", "AMI-9-b")
@rows(examples.we_09())
def test_we_09_friday_exit_monday_job(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-8.2-a", "AMI-8.2-b", "AMI-8.2-c")
@rows(examples.we_10())
def test_we_10_ami_2_follow_ups(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-8.3-a", "AMI-8.3-b")
@rows(examples.we_11())
def test_we_11_placement_within_four_weeks(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-3-c")
@rows(examples.we_12())
def test_we_12_mapping_and_plan(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-3-a")
def test_we_13_weekly_contact() -> None:
    by_week, rolling = (answer(example) for example in examples.we_13())
    assert examples.weekly(by_week) == [("2024-04-07", "MET", "2024-04-02"), ("2024-04-14", "MET", "2024-04-12")]
    assert ("2024-04-09", "MET", "2024-04-12") in examples.weekly(rolling), "ten days apart: three days late"


@pytest.mark.rule("AMI-1.3.1-b")
@rows(examples.we_14())
def test_we_14_job_search_in_ami_1(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-3.2-a")
@rows(examples.we_15())
def test_we_15_ten_hour_trigger(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-3.2.1-a", "AMI-3.2.1-b", "AMI-3.2.1-c", "AMI-3.2.1-d")
@rows(examples.we_16())
def test_we_16_refusal_of_a_placement(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-6.3.1-b", "AMI-6.3.1-d")
@rows(examples.we_17())
def test_we_17_tripartite_change(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10-a", "AMI-10.1-a", "AMI-10.2-c", "AMI-10.2-e")
@rows(examples.we_18())
def test_we_18_undisturbed(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.1-a")
@rows(examples.we_19())
def test_we_19_other_readings_of_the_started_month(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.1-f", "AMI-9-e")
@rows(examples.we_20())
def test_we_20_break_off_before_the_settle_date(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.1-f", "AMI-9-b", "AMI-9-e")
@rows(examples.we_21())
def test_we_21_break_off_after_the_settle_date(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-9-a", "AMI-9-e")
@rows(examples.we_22())
def test_we_22_around_the_settle_date(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.1-b", "AMI-10.1-c")
@rows(examples.we_23())
def test_we_23_missing_follow_up_report(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.1-e", "AMI-10.1-f")
@rows(examples.we_24())
def test_we_24_late_notice(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.1-d", "AMI-10.2-g")
@rows(examples.we_25())
def test_we_25_resume_with_another_provider(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.1-a", "AMI-10.2-g")
@rows(examples.we_26())
def test_we_26_exit_in_month_12(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-9-b", "AMI-9-d", "AMI-10.2-c")
@rows(examples.we_27())
def test_we_27_six_months_at_a_month_end(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule(
    "AMI-9-c", "AMI-9-d", "AMI-9-h", "AMI-9.3.1-a", "AMI-9.3.2-a", "AMI-9.3.3-a", "AMI-9.3.4-a", "AMI-10.2-e"
)
@rows(examples.we_28())
def test_we_28_studies(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-9.2.2-a", "AMI-9.2.2-b", "AMI-9.1.1-a", "AMI-9-d")
@rows(examples.we_29())
def test_we_29_part_time_work(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-9-g", "AMI-10.1-a")
@rows(examples.we_30())
def test_we_30_hourly_work(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.2-b", "AMI-10.2-d", "AMI-10.1-f")
@rows(examples.we_31())
def test_we_31_new_employer_without_a_gap(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-9-j")
@rows(examples.we_32())
def test_we_32_unemployment_fund_or_activity_support(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-10.2-b", "AMI-10.2-d")
@rows(examples.we_33())
def test_we_33_own_business(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-1.3-b", "AMI-1.3-c", "AMI-1.3-d", "AMI-1.3-f")
@rows(examples.we_34())
def test_we_34_ages_at_the_decision(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-1.3-a", "AMI-7-a", "AMI-8-b", "AMI-1.3-e")
@rows(examples.we_35())
def test_we_35_work_ability(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AMI-1.3.2-a")
@rows(examples.we_36())
def test_we_36_assistance_without_registration(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AF-SOM-2", "AF-SOM-3", "AF-SOM-4", "AF-SOM-6")
@rows(examples.we_37())
def test_we_37_work_in_the_first_period(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AF-SOM-3", "AF-SOM-6", "AF-SOM-7")
@rows(examples.we_38())
def test_we_38_last_day_and_first_day_of_the_next_period(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AF-SOM-3", "AF-SOM-6")
@rows(examples.we_39())
def test_we_39_a_period_of_64_weekdays(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AF-RUM-2", "AF-RUM-3", "AF-RUM-4", "AF-RUM-5", "AF-RUM-7")
@rows(examples.we_40())
def test_we_40_the_table_of_rusta_och_matcha(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AF-RUM-5")
@rows(examples.we_41())
def test_we_41_readings_of_the_premium(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("AF-SOM-25", "AF-SOM-2")
@rows(examples.we_42())
def test_we_42_a_switch_divides_the_days(example: Example) -> None:
    check(answer(example), example.expect)


@pytest.mark.rule("NACKA-11")
@rows(examples.we_52())
def test_we_52_tariff_lock(example: Example) -> None:
    check(answer(example), example.expect)
