"""Weekly contact, job search, monthly report."""

from __future__ import annotations

import pytest

from kundval_contracts.case import Case, Plan
from tests.scheduling.builders import ami1, ami2, d, exited, on, rows_of, short, state

WEEKLY, QUOTA, REPORT = "WEEKLY_CONTACT", "JOB_SEARCH_QUOTA", "MONTHLY_REPORT"


def contact(day: str, **fields: object) -> dict[str, object]:
    return on(day, "contact", **{"channel": "IN_PERSON", "party": "CLIENT", **fields})


def applied(day: str, count: int, month: int) -> dict[str, object]:
    return on(day, "jobs_applied", count=count, month=month)


# --- weekly contact -----------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3-a")
def test_we_13_iso_weeks_are_kept_and_the_part_week_of_the_start_is_exempt() -> None:
    one = ami2(contact("2024-04-02"), contact("2024-04-12"))
    assert short(rows_of(one, "2024-04-14", WEEKLY)) == [
        (1, "2024-04-07", "MET", "2024-04-02"),
        (2, "2024-04-14", "MET", "2024-04-12"),
    ]


@pytest.mark.rule("AMI-3-a", "AMI-7-b")
def test_the_last_week_is_the_last_one_whose_sunday_is_covered() -> None:
    ends_on_sunday = rows_of(ami1(), "2025-12-31", WEEKLY)  # the first day after it is the 1st of June, a Sunday
    assert ends_on_sunday[-1].due == d("2025-05-25")
    ends_on_monday = rows_of(ami1(end_date="2025-06-02"), "2025-12-31", WEEKLY)
    assert ends_on_monday[-1].due == d("2025-06-01")


@pytest.mark.rule("AMI-3-a")
def test_we_13_the_rolling_model_is_broken_by_ten_days_between_contacts() -> None:
    one = ami2(contact("2024-04-02"), contact("2024-04-12"))
    rolling = {"contact.week_model": "ROLLING_7"}
    assert state(one, "2024-04-09", WEEKLY, 2, rolling) == "OPEN"
    assert state(one, "2024-04-10", WEEKLY, 2, rolling) == "OVERDUE"
    assert short(rows_of(one, "2024-04-12", WEEKLY, rolling)) == [
        (1, "2024-04-04", "MET", "2024-04-02"),
        (2, "2024-04-09", "MET", "2024-04-12"),
        (3, "2024-04-19", "OPEN", None),
    ]


@pytest.mark.rule("AMI-3-a")
def test_the_rolling_model_stops_at_the_exit() -> None:
    one = ami2(contact("2024-04-02"), exited("2024-04-05"))
    rows = short(rows_of(one, "2024-06-01", WEEKLY, {"contact.week_model": "ROLLING_7"}))
    assert rows == [(1, "2024-04-04", "MET", "2024-04-02"), (2, "2024-04-09", "CANCELLED", None)]


@pytest.mark.rule("AMI-3-a")
def test_a_week_is_listed_from_its_monday_and_overdue_from_the_monday_after() -> None:
    assert rows_of(ami2(), "2024-03-31", WEEKLY) == []
    assert short(rows_of(ami2(), "2024-04-01", WEEKLY)) == [(1, "2024-04-07", "OPEN", None)]
    assert state(ami2(), "2024-04-07", WEEKLY, 1) == "OPEN"
    assert state(ami2(), "2024-04-08", WEEKLY, 1) == "OVERDUE"


@pytest.mark.rule("AMI-3-a")
def test_a_start_on_a_monday_and_an_exit_on_a_sunday_make_whole_weeks() -> None:
    one = ami2(exited("2024-04-14"), started="2024-04-01")
    assert [(seq, due, state) for seq, due, state, _ in short(rows_of(one, "2024-05-01", WEEKLY))] == [
        (1, "2024-04-07", "OVERDUE"),
        (2, "2024-04-14", "OVERDUE"),
    ]


@pytest.mark.rule("AMI-3-a")
def test_the_part_week_of_an_exit_is_cancelled_and_overdue_weeks_stay() -> None:
    one = ami2(contact("2024-04-09"), exited("2024-04-10"))
    assert [(seq, state) for seq, _, state, _ in short(rows_of(one, "2024-05-01", WEEKLY))] == [
        (1, "OVERDUE"),
        (2, "CANCELLED"),
    ]


@pytest.mark.rule("AMI-3-a")
def test_weeks_end_with_the_intervention() -> None:
    last = rows_of(ami2(), "2025-12-31", WEEKLY)[-1]
    assert last.due == d("2025-03-09")  # the end is Saturday 2025-03-15


@pytest.mark.rule("AMI-3-a", "AMI-3-b")
def test_only_contacts_with_the_client_count_in_any_channel_and_in_their_own_week() -> None:
    one = ami2(contact("2024-04-03", party="WORKPLACE"), contact("2024-04-10", channel="OTHER"))
    assert state(one, "2024-04-15", WEEKLY, 1) == "OVERDUE"
    assert state(one, "2024-04-15", WEEKLY, 2) == "MET"


@pytest.mark.rule("AMI-3-a")
def test_two_contacts_a_week_can_be_asked_for() -> None:
    twice = {"contact.min_per_week": 2}
    one = ami2(contact("2024-04-02"), contact("2024-04-08"), contact("2024-04-12"))
    assert short(rows_of(one, "2024-04-14", WEEKLY, twice)) == [
        (1, "2024-04-07", "OVERDUE", None),
        (2, "2024-04-14", "MET", "2024-04-12"),
    ]
    assert rows_of(one, "2024-04-14", WEEKLY, {"contact.min_per_week": 0}) == []


@pytest.mark.rule("AMI-3-a", "AMI-10.1-d")
def test_weeks_go_on_from_a_resumption_with_the_same_numbering() -> None:
    one = ami2(exited("2024-06-20"), on("2024-09-01", "broke_off"), on("2024-09-11", "resumed", provider="beta"))
    weeks = rows_of(one, "2024-09-22", WEEKLY)
    assert [row.due for row in weeks][-2:] == [d("2024-06-23"), d("2024-09-22")]
    assert weeks[-1].sequence == (d("2024-09-16") - d("2024-04-01")).days // 7 + 1
    assert weeks[-1].provider == "beta"


# --- job search ---------------------------------------------------------------------------------------


def year_of_applications() -> Case:
    return ami1(applied("2025-04-01", 20, 1), applied("2025-05-01", 19, 2), applied("2025-05-31", 21, 3))


@pytest.mark.rule("AMI-1.3.1-b")
def test_we_14_twenty_applications_meet_a_block_and_nothing_carries_over() -> None:
    assert short(rows_of(year_of_applications(), "2025-06-01", QUOTA)) == [
        (1, "2025-04-01", "MET", "2025-04-01"),
        (2, "2025-05-01", "OVERDUE", None),
        (3, "2025-05-31", "MET", "2025-05-31"),
    ]


@pytest.mark.rule("AMI-1.3.1-b")
def test_several_reports_for_a_month_are_added_up() -> None:
    one = ami1(applied("2025-03-20", 12, 1), applied("2025-03-25", 8, 1), applied("2025-03-28", 8, 1))
    assert rows_of(one, "2025-04-01", QUOTA)[0].met_on == d("2025-03-25")


@pytest.mark.rule("AMI-1.3.1-b")
def test_a_report_after_the_month_meets_it_late() -> None:
    one = ami1(applied("2025-04-05", 20, 1))
    assert state(one, "2025-04-02", QUOTA) == "OVERDUE"
    assert short(rows_of(one, "2025-04-05", QUOTA))[0] == (1, "2025-04-01", "MET", "2025-04-05")


@pytest.mark.rule("AMI-1.3.1-b")
def test_the_quota_is_a_setting() -> None:
    one = year_of_applications()
    assert state(one, "2025-06-01", QUOTA, 2, {"ami1.jobsearch.quota": 19}) == "MET"


@pytest.mark.rule("AMI-1.3.1-c")
def test_in_ami_2_the_assignment_says_how_many() -> None:
    one = ami2(applied("2024-04-10", 3, 1), plan=Plan(50, 3))
    assert short(rows_of(one, "2024-04-15", QUOTA)) == [
        (1, "2024-04-14", "MET", "2024-04-10"),
        (2, "2024-05-14", "OPEN", None),
    ]
    assert rows_of(ami2(plan=Plan(50, 0)), "2024-05-01", QUOTA) == []
    assert rows_of(ami2(plan=Plan(50, None)), "2024-05-01", QUOTA) == []


@pytest.mark.rule("AMI-1.3.1-b")
def test_a_block_that_an_exit_cuts_short_is_not_assessed() -> None:
    assert state(ami1(exited("2025-03-31")), "2025-06-01", QUOTA) == "CANCELLED"
    assert state(ami1(exited("2025-04-01")), "2025-04-01", QUOTA) == "OPEN"
    assert state(ami1(exited("2025-04-01")), "2025-04-02", QUOTA) == "OVERDUE"
    assert state(ami1(applied("2025-03-20", 20, 1), exited("2025-03-31")), "2025-06-01", QUOTA) == "MET"


@pytest.mark.rule("AMI-1.3.1-b")
def test_a_block_that_the_end_date_cuts_short_is_not_assessed() -> None:
    rows = rows_of(ami1(end_date="2025-05-20"), "2025-07-01", QUOTA)
    assert [row.sequence for row in rows] == [1, 2]


@pytest.mark.rule("AMI-1.3.1-b")
def test_whole_calendar_months_have_the_full_quota_and_part_months_none() -> None:
    whole = {"jobsearch.month_unit": "CALENDAR_WHOLE"}
    rows = rows_of(ami1(applied("2025-04-20", 20, 2)), "2025-06-30", QUOTA, whole)
    assert short(rows) == [(2, "2025-04-30", "MET", "2025-04-20"), (3, "2025-05-31", "OVERDUE", None)]


@pytest.mark.rule("AMI-1.3.1-b")
def test_a_whole_calendar_month_cut_by_an_exit_is_cancelled() -> None:
    whole = {"jobsearch.month_unit": "CALENDAR_WHOLE"}
    rows = rows_of(ami1(exited("2025-04-20")), "2025-06-30", QUOTA, whole)
    assert short(rows) == [(2, "2025-04-30", "CANCELLED", None)]


@pytest.mark.rule("AMI-1.3.1-b")
def test_part_calendar_months_have_their_share_of_the_quota_rounded_up() -> None:
    rata = {"jobsearch.month_unit": "CALENDAR_PRO_RATA"}
    # started on 10 March: 22 of 31 days, 20 * 22 / 31 = 14.2
    enough, short_of = ami1(applied("2025-03-31", 15, 1)), ami1(applied("2025-03-31", 14, 1))
    assert state(enough, "2025-04-01", QUOTA, 1, rata) == "MET"
    assert state(short_of, "2025-04-01", QUOTA, 1, rata) == "OVERDUE"
    cut = ami1(exited("2025-04-06"), applied("2025-04-06", 4, 2))  # 6 of 30 days: 4
    assert short(rows_of(cut, "2025-06-30", QUOTA, rata))[1] == (2, "2025-04-06", "MET", "2025-04-06")


@pytest.mark.rule("AMI-1.3.1-c", "AMI-10.1-d")
def test_a_month_in_which_the_client_resumes_has_its_quota() -> None:
    one = ami2(exited("2024-06-20"), on("2024-07-01", "broke_off"), on("2024-07-03", "resumed", provider="alfa"))
    assert short(rows_of(one, "2024-07-15", QUOTA))[3] == (4, "2024-07-14", "OVERDUE", None)


# --- monthly report -----------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.1-c")
def test_a_report_is_expected_for_each_month_as_it_opens_with_no_due_day_while_none_is_set() -> None:
    one = ami2(on("2024-04-17", "monthly_report", month=1, extent_pct=50))
    assert short(rows_of(one, "2024-04-14", REPORT)) == [(1, None, "OPEN", None)]
    assert short(rows_of(one, "2024-05-01", REPORT)) == [(1, None, "MET", "2024-04-17"), (2, None, "OPEN", None)]
    assert len(rows_of(one, "2025-12-31", REPORT)) == 12


@pytest.mark.rule("AMI-8.1-c")
def test_with_a_due_day_it_is_that_day_after_the_month() -> None:
    due = {"monthly_report.due_day": 5}
    assert short(rows_of(ami2(), "2024-04-19", REPORT, due))[0] == (1, "2024-04-19", "OPEN", None)
    assert state(ami2(), "2024-04-20", REPORT, 1, due) == "OVERDUE"


@pytest.mark.rule("AMI-8.1-c")
def test_the_final_report_covers_the_month_of_the_exit_and_earlier_months_stay_owed() -> None:
    one = ami2(exited("2024-06-20"))
    assert [state for _, _, state, _ in short(rows_of(one, "2024-12-31", REPORT))] == ["OPEN"] * 3 + ["CANCELLED"]


@pytest.mark.rule("AMI-8.1-c")
def test_months_before_the_start_have_no_report() -> None:
    one = ami2(started="2024-04-20")
    assert [row.sequence for row in rows_of(one, "2024-06-01", REPORT)] == [2, 3]
