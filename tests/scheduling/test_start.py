"""Mapping and plan, study guidance, placement, tripartite agreement, follow-up with the workplace."""

from __future__ import annotations

from datetime import date

import pytest

from kundval_contracts.codes import Role
from kundval_scheduling.domain.start import after
from tests.scheduling.builders import ami1, ami2, d, exited, on, rows_of, short, state

SIGNED = {
    "signatures": ["CLIENT", "PROVIDER", "EMPLOYER"],
    "agreement": {"schedule": "a", "tasks": "b", "follow_up": "c"},
}


def placed(day: str, hours: float = 20, workplace: str = "W1", **fields: object) -> dict[str, object]:
    return on(day, "placement_started", workplace=workplace, hours_per_week=str(hours), **SIGNED, **fields)


# --- mapping and plan ---------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3-c")
def test_we_12_mapping_and_plan_on_day_fourteen_are_in_time() -> None:
    one = ami2(on("2024-04-10", "mapping_done"), on("2024-04-11", "plan_done"))
    assert short(rows_of(one, "2024-04-11", "MAPPING_AND_PLAN")) == [(1, "2024-04-11", "MET", "2024-04-11")]


@pytest.mark.rule("AMI-3-c")
def test_we_12_a_plan_on_day_fifteen_is_late_and_still_met() -> None:
    one = ami2(on("2024-04-10", "mapping_done"), on("2024-04-12", "plan_done"))
    assert state(one, "2024-04-10", "MAPPING_AND_PLAN") == "OPEN"
    assert state(one, "2024-04-11", "MAPPING_AND_PLAN") == "OPEN"
    assert short(rows_of(one, "2024-04-12", "MAPPING_AND_PLAN")) == [(1, "2024-04-11", "MET", "2024-04-12")]


@pytest.mark.rule("AMI-3-c")
def test_mapping_alone_does_not_meet_it() -> None:
    one = ami2(on("2024-04-01", "mapping_done"))
    assert state(one, "2024-04-11", "MAPPING_AND_PLAN") == "OPEN"
    assert state(one, "2024-04-12", "MAPPING_AND_PLAN") == "OVERDUE"


@pytest.mark.rule("AMI-3-c")
@pytest.mark.parametrize(
    ("anchor", "due"), [("STARTUP", "2024-04-11"), ("DECISION_DATE", "2024-03-29"), ("ACCEPTANCE", "2024-04-04")]
)
def test_we_12_the_anchor_of_the_fourteen_days_is_a_setting(anchor: str, due: str) -> None:
    (row,) = rows_of(ami2(), "2024-03-28", "MAPPING_AND_PLAN", {"plan.anchor": anchor})
    assert row.due == d(due)


@pytest.mark.rule("AMI-3-c")
def test_without_a_start_within_fourteen_days_the_acceptance_counts() -> None:
    rows = [on("2024-03-15", "decided"), on("2024-03-16", "provider_chosen", provider="alfa")]
    waiting = ami2(on("2024-03-16", "provider_chosen", provider="alfa"), on("2024-03-20", "accepted"), started=None)
    assert short(rows_of(waiting, "2024-04-03", "MAPPING_AND_PLAN")) == [(1, "2024-04-03", "OPEN", None)]
    assert state(waiting, "2024-04-04", "MAPPING_AND_PLAN") == "OVERDUE"
    in_time = ami2(*rows[1:], on("2024-03-20", "accepted"), on("2024-04-03", "started"), started=None)
    assert rows_of(in_time, "2024-04-03", "MAPPING_AND_PLAN")[0].due == d("2024-04-17")
    late = ami2(*rows[1:], on("2024-03-20", "accepted"), on("2024-04-04", "started"), started=None)
    assert rows_of(late, "2024-04-04", "MAPPING_AND_PLAN")[0].due == d("2024-04-03")


@pytest.mark.rule("AMI-3-c")
def test_the_number_of_days_is_a_setting() -> None:
    assert rows_of(ami2(), "2024-03-28", "MAPPING_AND_PLAN", {"plan.due_days": 10})[0].due == d("2024-04-07")


@pytest.mark.rule("AMI-3-c", "AMI-10.1-d")
def test_an_exit_cancels_an_open_plan_and_a_resumption_asks_for_it_anew() -> None:
    early = exited("2024-04-05")
    one = ami2(early)
    assert state(one, "2024-04-05", "MAPPING_AND_PLAN") == "CANCELLED"
    back = ami2(early, on("2024-05-01", "broke_off"), on("2024-05-06", "resumed", provider="beta"))
    (row,) = rows_of(back, "2024-05-06", "MAPPING_AND_PLAN")
    assert (row.due, row.state.value, row.provider) == (d("2024-05-20"), "OPEN", "beta")


@pytest.mark.rule("AMI-4.2-a")
def test_study_guidance_is_due_with_the_plan() -> None:
    one = ami2(on("2024-04-12", "study_guidance"))
    assert short(rows_of(one, "2024-04-11", "STUDY_GUIDANCE")) == [(1, "2024-04-11", "OPEN", None)]
    assert short(rows_of(one, "2024-04-12", "STUDY_GUIDANCE")) == [(1, "2024-04-11", "MET", "2024-04-12")]
    assert rows_of(one, "2024-04-01", "STUDY_GUIDANCE", {"study_guidance.due_days": 7})[0].due == d("2024-04-04")


@pytest.mark.rule("AMI-4.2-a")
def test_the_first_study_guidance_counts() -> None:
    one = ami2(on("2024-04-02", "study_guidance"), on("2024-04-20", "study_guidance"))
    assert rows_of(one, "2024-05-01", "STUDY_GUIDANCE")[0].met_on == d("2024-04-02")


# --- placement ----------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.3-a", "AMI-8.3-b")
@pytest.mark.parametrize("day", ["2024-04-11", "2024-04-12"])
def test_we_11_a_place_within_four_weeks_with_ten_hours_is_in_time(day: str) -> None:
    assert short(rows_of(ami2(placed(day, 10)), day, "PLACEMENT")) == [(1, "2024-04-12", "MET", day)]


@pytest.mark.rule("AMI-8.3-a")
@pytest.mark.parametrize("day", ["2024-04-13", "2024-04-15"])
def test_we_11_a_place_on_day_twenty_nine_is_late_under_four_weeks_and_in_time_under_a_month(day: str) -> None:
    one = ami2(placed(day, 10))
    assert state(one, "2024-04-12", "PLACEMENT") == "OPEN"
    assert short(rows_of(one, day, "PLACEMENT")) == [(1, "2024-04-12", "MET", day)]
    month = {"ami2.placement.deadline": "P1M"}
    assert short(rows_of(one, day, "PLACEMENT", month)) == [(1, "2024-04-15", "MET", day)]


@pytest.mark.rule("AMI-8.3-a")
def test_we_11_without_a_place_it_is_overdue_from_the_day_after() -> None:
    assert state(ami2(), "2024-04-12", "PLACEMENT") == "OPEN"
    assert state(ami2(), "2024-04-13", "PLACEMENT") == "OVERDUE"
    month = {"ami2.placement.deadline": "P1M"}
    assert state(ami2(), "2024-04-15", "PLACEMENT", settings=month) == "OPEN"
    assert state(ami2(), "2024-04-16", "PLACEMENT", settings=month) == "OVERDUE"


@pytest.mark.rule("AMI-8.3-b")
def test_we_11_nine_and_a_half_hours_do_not_meet_it() -> None:
    one = ami2(placed("2024-04-12", 9.5), placed("2024-05-02", 12))
    assert state(one, "2024-04-13", "PLACEMENT") == "OVERDUE"
    assert rows_of(one, "2024-05-02", "PLACEMENT")[0].met_on == d("2024-05-02")
    assert rows_of(one, "2024-05-02", "PLACEMENT", {"placement.min_hours_week": "9.5"})[0].met_on == d("2024-04-12")


@pytest.mark.rule("AMI-8.3-a")
def test_ami_1_asks_for_no_placement_and_no_monthly_report() -> None:
    kinds = {row.kind.value for row in rows_of(ami1(), "2025-05-01")}
    assert kinds.isdisjoint({"PLACEMENT", "MONTHLY_REPORT"})


@pytest.mark.rule("AMI-8.3-a")
def test_a_duration_is_days_or_months() -> None:
    assert after(date(2024, 1, 31), "P1M") == date(2024, 2, 29)
    assert after(date(2024, 1, 31), "P28D") == date(2024, 2, 28)


@pytest.mark.rule("AMI-6.3.1-b")
def test_we_17_the_agreement_is_served_with_the_placement() -> None:
    kind = "SERVE_TRIPARTITE_AGREEMENT"
    assert short(rows_of(ami2(placed("2024-04-08")), "2024-04-08", kind)) == [(1, "2024-04-08", "MET", "2024-04-08")]
    told_late = ami2(placed("2024-04-08", known_on="2024-04-10"))
    assert rows_of(told_late, "2024-04-09", kind) == []
    (row,) = rows_of(told_late, "2024-04-10", kind, {"tripartite.serve_grace_days": 1})
    assert (row.due, row.met_on) == (d("2024-04-09"), d("2024-04-10"))


@pytest.mark.rule("AMI-6.2-b")
def test_the_workplace_is_followed_up_seven_days_after_the_start() -> None:
    kind = "WORKPLACE_FOLLOW_UP"
    one = ami2(placed("2024-04-08"), on("2024-04-15", "contact", channel="PHONE", party="WORKPLACE"))
    assert short(rows_of(one, "2024-04-15", kind)) == [(1, "2024-04-15", "MET", "2024-04-15")]
    only_client = ami2(placed("2024-04-08"), on("2024-04-10", "contact", party="CLIENT"))
    assert state(only_client, "2024-04-15", kind) == "OPEN"
    assert state(only_client, "2024-04-16", kind) == "OVERDUE"
    assert state(only_client, "2024-04-14", kind, settings={"placement.first_followup_days": 5}) == "OVERDUE"


@pytest.mark.rule("AMI-6.2-b")
def test_a_placement_that_ends_takes_its_open_follow_up_with_it() -> None:
    ended = on("2024-04-12", "placement_ended", workplace="W1")
    one = ami2(placed("2024-04-08"), ended, placed("2024-04-15", workplace="W2"))
    assert state(one, "2024-04-15", "WORKPLACE_FOLLOW_UP", 1) == "CANCELLED"
    assert state(one, "2024-04-23", "WORKPLACE_FOLLOW_UP", 2) == "OVERDUE"


def test_nothing_is_owed_before_the_decision_and_jobbpeng_has_no_obligations() -> None:
    from tests.scheduling.builders import case

    assert rows_of(case("AMI_2"), "2024-05-01") == []
    jobbpeng = case(
        "JOBBPENG_BASIC",
        on("2024-03-15", "decided"),
        on("2024-03-15", "provider_chosen", provider="alfa"),
        on("2024-03-15", "accepted"),
        on("2024-03-20", "started"),
    )
    assert rows_of(jobbpeng, "2024-12-01") == []


@pytest.mark.rule("NACKA-14")
def test_after_a_switch_the_provider_in_charge_answers_for_what_is_open() -> None:
    one = ami2(on("2024-04-20", "provider_switch", provider="beta", approved=True))
    rows = {(row.kind.value, row.sequence): row for row in rows_of(one, "2024-04-20")}
    assert rows["FOLLOWUP_MEETING", 1].provider == "beta"
    assert rows["PLACEMENT", 1].provider == "alfa"  # overdue since before the switch
    assert rows["FOLLOWUP_MEETING", 1].responsible is Role.PROVIDER
