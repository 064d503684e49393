"""The notices that facts, obligations and postings cause."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kundval_contracts.answer import Notice, Posting
from kundval_contracts.case import Case, Plan, Step
from kundval_contracts.codes import LineKind, NoticeKind, Role
from kundval_contracts.notices import CASELOAD_NOTICES, notice_table
from kundval_notifications.domain import notices, outlook
from kundval_scheduling.domain import obligations
from tests.scheduling.builders import ami1, ami2, case, d, exited, on, start, tenant
from tests.scheduling.histories import FIRST, histories, readings
from tests.scheduling.test_start import placed

CLIENT, PROVIDER, GUIDE = Role.CLIENT, Role.PROVIDER, Role.CAREER_GUIDE


def told(
    one: Case,
    as_of: str | date,
    kind: str | None = None,
    given_: dict[str, Any] | None = None,
    postings: tuple[Posting, ...] = (),
) -> list[Notice]:
    here = tenant(given_)
    day = d(as_of) if isinstance(as_of, str) else as_of
    found = notices(one, obligations(one, here, day), postings, here, day)
    return [row for row in found if kind is None or row.kind == kind]


def brief(rows: list[Notice]) -> list[tuple[str, str]]:
    return [(row.on.isoformat(), row.to.value) for row in rows]


def declined(day: str, receives_eb: bool, offer: str = "WORK_TRAINING", **fields: Any) -> dict[str, Any]:
    return on(day, "offer_declined", offer=offer, receives_eb=receives_eb, **fields)


def hours(day: str, number: str) -> dict[str, Any]:
    return on(day, "hours_reported", hours_per_week=number)


# --- declined offers ----------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3.2.1-b", "AMI-3.2.1-d")
def test_we_16_a_client_with_assistance_declines_and_the_agenda_is_to_keep_it() -> None:
    (row,) = told(ami2(declined("2024-05-06", True)), "2024-05-06", "OFFER_DECLINED")
    assert row.as_json() == {
        "assignment": "A-001",
        "kind": "OFFER_DECLINED",
        "to": "CAREER_GUIDE",
        "on": "2024-05-06",
        "rules": ["AMI-3.2.1-b"],
    }
    assert (row.values["agenda"], row.values["booker"]) == ("KEEP_EB", "PROVIDER")


@pytest.mark.rule("AMI-3.2.1-c", "AMI-3.2.1-d")
def test_we_16_without_assistance_the_agenda_is_rights_and_duties() -> None:
    guide = {"declined_offer.booker": "CAREER_GUIDE"}
    (row,) = told(ami2(declined("2024-05-06", False)), "2024-05-06", "OFFER_DECLINED", guide)
    assert row.rules == ("AMI-3.2.1-c",)
    assert (row.values["agenda"], row.values["booker"]) == ("RIGHTS_AND_DUTIES", "PROVIDER")
    (with_it,) = told(ami2(declined("2024-05-06", True)), "2024-05-06", "OFFER_DECLINED", guide)
    assert with_it.values["booker"] == "CAREER_GUIDE"


@pytest.mark.rule("AMI-3.2.1-a")
def test_only_a_client_with_assistance_who_declines_a_place_is_told_that_there_is_something_to_read() -> None:
    assert brief(told(ami2(declined("2024-05-06", True)), "2024-05-06", "ASSISTANCE_AT_RISK")) == [
        ("2024-05-06", "CLIENT")
    ]
    assert told(ami2(declined("2024-05-06", True, "WORK")), "2024-05-06", "ASSISTANCE_AT_RISK") == []
    assert told(ami2(declined("2024-05-06", False)), "2024-05-06", "ASSISTANCE_AT_RISK") == []


@pytest.mark.rule("AMI-3.2.1-b", "AMI-3.2.1-c")
def test_the_meeting_about_a_declined_offer_is_to_be_booked_at_once_by_whom_it_falls_to() -> None:
    one = ami2(declined("2024-05-06", True))
    (row,) = [row for row in told(one, "2024-05-06", "MEETING_TO_BOOK") if row.values["agenda"] == "KEEP_EB"]
    assert (row.on, row.to, row.provider) == (d("2024-05-06"), PROVIDER, "alfa")
    rows = told(one, "2024-05-06", "MEETING_TO_BOOK", {"declined_offer.booker": "CAREER_GUIDE"})
    assert (GUIDE, "KEEP_EB") in [(row.to, row.values["agenda"]) for row in rows]


def test_a_fact_that_is_known_late_is_told_on_the_day_it_was_known() -> None:
    one = ami2(declined("2024-05-06", True, known_on="2024-05-20"))
    assert told(one, "2024-05-19", "OFFER_DECLINED") == []
    assert brief(told(one, "2024-05-20", "OFFER_DECLINED")) == [("2024-05-20", "CAREER_GUIDE")]


# --- hours, deviations --------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3.2-a", "AMI-8.1-d")
def test_we_15_ten_hours_are_a_deviation_and_nine_and_a_half_ask_for_a_new_assessment() -> None:
    one = ami2(placed("2024-04-08", 20), hours("2024-05-06", "10"), hours("2024-05-13", "9.5"))
    assert brief(told(one, "2024-06-01", "REASSESSMENT_REQUESTED")) == [("2024-05-13", "CAREER_GUIDE")]
    (deviation,) = told(one, "2024-06-01", "DEVIATION_REPORTED")
    assert (deviation.on, deviation.values["reported"], deviation.values["planned"]) == (
        d("2024-05-06"),
        "10 h",
        "20 h",
    )


@pytest.mark.rule("AMI-3.2-a")
def test_by_setting_two_weeks_in_a_row_are_needed_and_a_longer_streak_asks_once() -> None:
    one = ami2(*(hours(day, "8") for day in ("2024-05-06", "2024-05-13", "2024-05-20", "2024-06-10")))
    two = {"hours_trigger": "TWO_WEEKS"}
    assert brief(told(one, "2024-07-01", "REASSESSMENT_REQUESTED", two)) == [("2024-05-13", "CAREER_GUIDE")]
    assert len(told(one, "2024-07-01", "REASSESSMENT_REQUESTED")) == 4


@pytest.mark.rule("AMI-3.2-a")
def test_a_better_report_later_in_the_week_breaks_the_streak() -> None:
    one = ami2(hours("2024-05-06", "8"), hours("2024-05-10", "12"), hours("2024-05-13", "8"))
    assert told(one, "2024-07-01", "REASSESSMENT_REQUESTED", {"hours_trigger": "TWO_WEEKS"}) == []


@pytest.mark.rule("AMI-8.1-d", "AMI-8.1-e")
def test_a_monthly_report_below_the_step_up_plan_or_with_a_reason_is_a_deviation() -> None:
    plan = Plan(50, 0, (Step(d("2024-06-01"), 100),))

    def reported(month: int, extent: int | None, **fields: Any) -> list[Notice]:
        row = on("2024-08-20", "monthly_report", month=month, extent_pct=extent, **fields)
        return told(ami2(row, plan=plan), "2024-09-01", "DEVIATION_REPORTED")

    assert reported(3, 50) == []  # month 3 began on 15 May
    assert [row.values["planned"] for row in reported(4, 99)] == ["100 %"]
    assert reported(4, 100) == []
    assert len(reported(4, 100, deviation_reason="said elsewhere")) == 1
    assert "said" not in str(reported(4, 100, deviation_reason="said elsewhere"))


# --- exit ---------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-4.1-a", "AMI-4.2-a", "AMI-8-a")
def test_what_is_missing_at_the_exit_is_told_and_never_stops_it() -> None:
    kinds = ["WORK_GUIDANCE_MISSING", "STUDY_GUIDANCE_MISSING", "PLACEMENT_NOT_OFFERED"]
    bare = ami2(exited("2024-06-20"))
    for kind in kinds:
        assert brief(told(bare, "2024-06-20", kind)) == [("2024-06-20", "CAREER_GUIDE")]
    whole = ami2(
        on("2024-04-02", "work_guidance"),
        on("2024-06-20", "study_guidance"),
        placed("2024-04-08"),
        exited("2024-06-20"),
    )
    assert [row.kind for row in told(whole, "2024-06-20") if row.kind in kinds] == []
    assert told(ami2(declined("2024-05-06", True), exited("2024-06-20")), "2024-06-20", kinds[2]) == []
    assert told(ami1(exited("2025-04-01")), "2025-04-01", kinds[2]) == []


@pytest.mark.rule("AMI-9.1.1-a", "AMI-9.3.5-a")
@pytest.mark.parametrize(
    ("row", "rules"),
    [
        (exited("2024-06-20", "WORK_MIN_HALF_TIME", extent_pct=50), ("AMI-9.1.1-a",)),
        (exited("2024-06-20", "WORK_UNDER_HALF_TIME", extent_pct=49), ("AMI-9.1.1-a",)),
        (exited("2024-06-20", household_support=True), ("AMI-9.1.1-a",)),
        (exited("2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=50), ("AMI-9.3.5-a",)),
        (exited("2024-06-20", "STUDY_FULL_TIME", household_income_support=True), ("AMI-9.3.5-a",)),
        (exited("2024-06-20"), None),
        (exited("2024-06-20", "WORK_MIN_HALF_TIME", extent_pct=50, margin_advice=True), None),
    ],
)
def test_we_29_part_time_or_support_at_home_asks_for_advice_on_the_margin(
    row: dict[str, Any], rules: tuple[str, ...] | None
) -> None:
    found = told(ami2(row), "2024-06-20", "MARGIN_ADVICE_MISSING")
    assert [notice.rules for notice in found] == ([rules, rules] if rules else [])
    assert {notice.to for notice in found} == ({GUIDE, PROVIDER} if rules else set())


@pytest.mark.rule("AMI-9.3-b", "AMI-9.3.6-b")
def test_a_study_exit_without_trial_calculation_gets_the_advice() -> None:
    study = exited("2024-08-26", "STUDY_FULL_TIME", csn_eligible=True, documents=["STUDY_CERTIFICATE"])
    assert brief(told(ami2(study), "2024-08-26", "TRIAL_CALCULATION_ADVISED")) == [("2024-08-26", "PROVIDER")]
    calculated = {**study, "documents": ["STUDY_CERTIFICATE", "TRIAL_CALCULATION"]}
    assert told(ami2(calculated), "2024-08-26", "TRIAL_CALCULATION_ADVISED") == []
    assert told(ami2(exited("2024-06-20")), "2024-08-26", "TRIAL_CALCULATION_ADVISED") == []


@pytest.mark.rule("AMI-9.2-b", "AMI-9-h")
def test_documents_that_the_exit_lacks_are_asked_for() -> None:
    one = ami2(exited("2024-06-20", documents=["EMPLOYMENT_CONTRACT"]))
    (row,) = told(one, "2024-06-20", "DOCUMENTS_MISSING")
    assert (row.to, row.values["documents"]) == (PROVIDER, "EMPLOYMENT_CERTIFICATE")
    assert told(one, "2024-06-20", "DOCUMENTS_MISSING", {"evidence.work.required": "EITHER"}) == []
    assert told(ami2(exited("2024-06-20")), "2024-06-20", "DOCUMENTS_MISSING") == []


@pytest.mark.rule("AMI-7-b", "AMI-10.2-b")
@pytest.mark.parametrize(
    ("day", "boundary"),
    [
        ("2025-05-31", False),
        ("2025-06-01", True),
        ("2025-06-02", True),
        ("2025-06-03", False),
    ],
)
def test_we_02_an_exit_on_which_the_readings_disagree_goes_to_a_person(day: str, boundary: bool) -> None:
    found = told(ami1(exited(day)), day, "BOUNDARY_CASE")
    assert brief(found) == ([(day, "CAREER_GUIDE")] if boundary else [])
    assert told(ami1(on(day, "exited", kind="PERIOD_ENDED")), day, "BOUNDARY_CASE") == []


@pytest.mark.rule("AMI-9.3.4-a", "AMI-10.2-b", "AMI-10.2-g")
@pytest.mark.parametrize(
    ("one", "cause"),
    [
        (ami1(exited("2025-05-20", "OWN_BUSINESS")), "OWN_BUSINESS"),
        (ami2(exited("2024-06-20", "OWN_BUSINESS")), None),
        (
            ami2(
                exited(
                    "2024-06-20",
                    "STUDY_MIN_HALF_TIME",
                    extent_pct=50,
                    csn_eligible=True,
                    household_income_support=True,
                )
            ),
            "STUDY_MIN_HALF_TIME",
        ),
        (ami2(exited("2024-09-13", first_day="2024-09-16")), "GAP_BEFORE_FIRST_DAY"),
        (ami2(exited("2024-06-20"), end_date="2024-12-15"), "OTHER_LENGTH"),
        (ami2(exited("2024-06-20")), None),
    ],
)
def test_what_only_a_person_can_decide_is_asked_of_the_career_guide(one: Case, cause: str | None) -> None:
    assert [row.values["cause"] for row in told(one, "2025-12-31", "DECISION_NEEDED")] == ([cause] if cause else [])


# --- premium, break-off, bonus ------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.1-c")
def test_a_follow_up_that_says_no_goes_to_the_career_guide() -> None:
    one = ami2(
        exited("2024-06-20"),
        on("2024-08-10", "premium_follow_up", month=5, continues=True),
        on("2024-09-10", "premium_follow_up", month=6, continues=False),
    )
    (row,) = told(one, "2024-12-31", "PREMIUM_FOLLOW_UP_NEGATIVE")
    assert (row.on, row.to, row.values["month"]) == (d("2024-09-10"), GUIDE, "6")


@pytest.mark.rule("AMI-10.1-d", "AMI-10.1-e")
def test_a_break_off_is_told_to_the_career_guide_and_the_client_may_resume_until_the_end() -> None:
    one = ami2(exited("2024-06-20"), on("2024-09-01", "broke_off", known_on="2024-10-20"))
    assert told(one, "2024-10-19", "BROKE_OFF") == []
    assert brief(told(one, "2024-10-20", "BROKE_OFF")) == [("2024-10-20", "CAREER_GUIDE")]
    assert brief(told(one, "2024-10-20", "RESUME_OFFER")) == [("2024-10-20", "CLIENT")]
    for known, offered in (("2025-03-14", 1), ("2025-03-15", 0)):
        late = ami2(exited("2024-06-20"), on("2025-03-01", "broke_off", known_on=known))
        assert len(told(late, "2025-12-31", "RESUME_OFFER")) == offered


@pytest.mark.rule("AMI-10.1-d")
def test_a_resumption_is_told_to_the_provider_that_takes_over() -> None:
    one = ami2(exited("2024-06-20"), on("2024-09-01", "broke_off"), on("2024-09-10", "resumed", provider="beta"))
    assert [(row.to, row.provider) for row in told(one, "2024-09-10", "RESUMED")] == [(GUIDE, None), (PROVIDER, "beta")]


@pytest.mark.rule("AMI-9-b", "AMI-10.2-c")
def test_we_18_the_provider_hears_on_the_settle_date_that_the_bonus_can_be_claimed() -> None:
    one = ami2(exited("2024-06-20"))
    assert told(one, "2024-12-19", "BONUS_CLAIMABLE") == []
    (row,) = told(one, "2024-12-20", "BONUS_CLAIMABLE")
    assert (row.on, row.to, row.provider) == (d("2024-12-20"), PROVIDER, "alfa")
    assert told(ami2(exited("2024-06-20"), on("2024-12-19", "broke_off")), "2025-06-01", "BONUS_CLAIMABLE") == []


@pytest.mark.rule("AMI-9-d", "AMI-9.3.6-a")
def test_assistance_in_the_six_months_is_for_the_career_guide_only_and_stops_the_claim() -> None:
    paid = on("2024-10-01", "eb_paid", from_="2024-10-01", to="2024-11-01", scope="HOUSEHOLD")
    one = ami2(exited("2024-06-20"), paid)
    assert brief(told(one, "2025-01-31", "ASSISTANCE_PAID")) == [("2024-10-01", "CAREER_GUIDE")]
    assert told(one, "2025-01-31", "BONUS_CLAIMABLE") == []
    client_only = {"eb_test.work_scope": "CLIENT_ONLY"}
    assert told(one, "2025-01-31", "ASSISTANCE_PAID", client_only) == []
    assert len(told(one, "2025-01-31", "BONUS_CLAIMABLE", client_only)) == 1
    after = on("2024-12-20", "eb_paid", from_="2024-12-20", to="2025-01-20", scope="CLIENT")
    assert told(ami2(exited("2024-06-20"), after), "2025-01-31", "ASSISTANCE_PAID") == []


@pytest.mark.rule("AMI-9.3.3-a", "AMI-9-d")
def test_with_study_start_support_assistance_is_not_looked_at_unless_so_chosen() -> None:
    started = exited(
        "2024-08-26", "STUDY_START_SUPPORT_FULL_TIME", documents=["STUDY_CERTIFICATE", "CSN_GRANT"], csn_eligible=True
    )
    paid = on("2024-10-01", "eb_paid", from_="2024-10-01", to="2024-11-01", scope="HOUSEHOLD")
    assert told(ami2(started, paid), "2025-03-31", "ASSISTANCE_PAID") == []
    void = {"studiestartsstod.waive_eb_test": False}
    assert len(told(ami2(started, paid), "2025-03-31", "ASSISTANCE_PAID", void)) == 1


@pytest.mark.rule("AMI-10.2-d", "AMI-10.2-b")
def test_we_31_a_change_of_workplace_in_the_six_months_goes_to_a_person() -> None:
    def moved(day: str) -> Case:
        return ami2(exited("2024-06-20"), on(day, "workplace_changed", workplace="W2", gap_days=0))

    assert brief(told(moved("2024-12-19"), "2025-01-31", "WORKPLACE_CHANGED")) == [("2024-12-19", "CAREER_GUIDE")]
    assert told(moved("2024-12-20"), "2025-01-31", "WORKPLACE_CHANGED") == []


@pytest.mark.rule("AMI-9-g", "AMI-9.2-b")
def test_we_30_a_claim_without_proof_of_extension_is_to_be_supplemented() -> None:
    hourly = exited("2024-07-01", "WORK_HOURLY_FULL_TIME", hourly_cover_until="2024-11-30")
    bare = on("2025-01-01", "bonus_claimed", certified=True)
    (row,) = told(ami2(hourly, bare), "2025-01-01", "SUPPLEMENT_REQUESTED")
    assert (row.to, row.rules, row.values["documents"]) == (PROVIDER, ("AMI-9-g",), "EMPLOYMENT_CONTRACT")
    proof = on("2025-01-01", "bonus_claimed", certified=True, covers_until="2025-01-31")
    assert told(ami2(hourly, proof), "2025-01-01", "SUPPLEMENT_REQUESTED") == []
    assert brief(told(ami2(hourly, proof), "2025-01-01", "BONUS_CLAIMED")) == [("2025-01-01", "CAREER_GUIDE")]


def test_a_correction_is_one_notice_for_a_run_and_provider_with_what_was_taken_back() -> None:
    run, first = d("2024-11-01"), d("2024-09-01")

    def row(month: int, amount: str, reverses: date | None, provider: str = "alfa") -> Posting:
        return Posting(run, "A-001", provider, LineKind.SPEED_PREMIUM, month, Decimal(amount), reverses)

    postings = (
        row(6, "-8000.00", first),
        row(7, "-8000.00", first),
        row(9, "8000.00", None),
        Posting(run, "A-002", "alfa", LineKind.MONTHLY_FEE, 1, Decimal("-1.00"), first),
    )
    one = ami2(exited("2024-06-20"))
    (notice,) = told(one, "2024-11-01", "PAYMENT_CORRECTED", postings=postings)
    assert (notice.on, notice.to, notice.provider) == (run, PROVIDER, "alfa")
    assert notice.values["amount"] == "-16000.00"
    assert told(one, "2024-10-31", "PAYMENT_CORRECTED", postings=postings) == []
    both = told(one, "2024-11-01", "PAYMENT_CORRECTED", postings=(*postings, row(6, "-1.00", first, "beta")))
    assert len({found.key for found in both}) == 2


# --- decision, choice, switch -------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7")
def test_from_decision_to_start_each_step_is_told_to_whom_it_concerns() -> None:
    steps = [(row.kind, row.to.value) for row in told(ami2(), "2024-03-28")]
    assert steps == [
        ("CHOICE", "CLIENT"),
        ("DECISION", "CLIENT"),
        ("PROVIDER_CHOSEN", "PROVIDER"),
        ("PROVIDER_ACCEPTED", "CLIENT"),
        ("STARTED", "CAREER_GUIDE"),
    ]


def test_a_provider_that_declines_sends_the_choice_back() -> None:
    rows = [on("2024-03-16", "provider_chosen", provider="alfa"), on("2024-03-18", "declined", provider="alfa")]
    one = ami2(*rows, started=None)
    assert {row.to for row in told(one, "2024-03-18", "PROVIDER_DECLINED")} == {CLIENT, GUIDE}


@pytest.mark.rule("NACKA-14")
def test_a_switch_is_told_to_both_providers_and_a_request_to_the_career_guide() -> None:
    one = ami2(on("2024-05-06", "provider_switch", provider="beta", approved=True))
    assert [row.provider for row in told(one, "2024-05-06", "SWITCHED_FROM")] == ["alfa"]
    assert [row.provider for row in told(one, "2024-05-06", "SWITCHED_TO")] == ["beta"]
    asked = on("2024-05-06", "provider_switch", provider="beta", approved=False)
    healed = ami2(asked, on("2024-05-20", "manual_decision", about="SWITCH", approved=True))
    assert brief(told(healed, "2024-05-19", "SWITCH_REQUESTED")) == [("2024-05-06", "CAREER_GUIDE")]
    assert told(healed, "2024-05-19", "SWITCHED_TO") == []
    assert brief(told(healed, "2024-05-20", "SWITCHED_TO")) == [("2024-05-20", "PROVIDER")]


@pytest.mark.rule("NACKA-7")
def test_a_choice_or_an_answer_that_waits_too_long_is_told_only_where_a_time_is_set() -> None:
    chosen = on("2024-03-16", "provider_chosen", provider="alfa")
    undecided = ami2(on("2024-03-16", "results_shown"), started=None)
    silent = ami2(on("2024-03-16", "results_shown"), chosen, started=None)
    limits = {"choice.days": 10, "assignment.accept_days": 5}
    assert told(undecided, "2024-03-26", "CHOICE_OVERDUE", limits) == []
    assert brief(told(undecided, "2024-03-27", "CHOICE_OVERDUE", limits)) == [("2024-03-27", "CAREER_GUIDE")]
    assert told(silent, "2024-03-21", "ANSWER_OVERDUE", limits) == []
    assert {row.to for row in told(silent, "2024-03-22", "ANSWER_OVERDUE", limits)} == {PROVIDER, GUIDE}
    for one in (undecided, silent):
        assert [row for row in told(one, "2025-01-01") if row.kind in ("CHOICE_OVERDUE", "ANSWER_OVERDUE")] == []


def test_jobbpeng_has_the_notices_of_choice_and_correction_only() -> None:
    one = case(
        "JOBBPENG_BASIC",
        on("2024-03-15", "decided"),
        on("2024-03-15", "provider_chosen", provider="alfa"),
        on("2024-03-15", "accepted"),
        on("2024-03-20", "started"),
        on("2024-05-20", "exited", kind="DISCONTINUED"),
    )
    kinds = {row.kind for row in told(one, "2024-12-31")}
    assert kinds == {"DECISION", "PROVIDER_CHOSEN", "PROVIDER_ACCEPTED", "STARTED"}


# --- obligations --------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-7.2-a")
def test_we_01_the_booking_task_of_ami_1_is_there_fourteen_days_before_day_45() -> None:
    assert told(ami1(), "2025-04-02", "MEETING_TO_BOOK") == []
    (row,) = told(ami1(), "2025-04-03", "MEETING_TO_BOOK")
    assert (row.on, row.to, row.provider, row.values["due"]) == (d("2025-04-03"), PROVIDER, "alfa", "2025-04-17")
    assert brief(told(ami1(), "2025-04-18", "MEETING_NOT_BOOKED")) == [
        ("2025-04-18", "CAREER_GUIDE"),
        ("2025-04-18", "PROVIDER"),
    ]


@pytest.mark.rule("AMI-8.2-b")
def test_in_ami_2_booking_starts_four_weeks_before_and_is_late_two_weeks_before() -> None:
    assert brief(told(ami2(), "2024-05-18", "MEETING_TO_BOOK")) == [("2024-05-18", "PROVIDER")]
    assert told(ami2(), "2024-05-17", "MEETING_TO_BOOK") == []
    assert told(ami2(), "2024-06-01", "MEETING_NOT_BOOKED") == []
    assert brief(told(ami2(), "2024-06-16", "MEETING_NOT_BOOKED")) == [
        ("2024-06-02", "PROVIDER"),
        ("2024-06-16", "CAREER_GUIDE"),
    ]
    booked = ami2(on("2024-06-01", "meeting_booked", meeting="FOLLOWUP_AMI2_M3"))
    assert told(booked, "2024-06-30", "MEETING_NOT_BOOKED") == []
    assert {row.to for row in told(booked, "2024-06-01", "MEETING_BOOKED")} == {CLIENT, GUIDE}
    same_day = ami2(on("2024-06-02", "meeting_booked", meeting="FOLLOWUP_AMI2_M3"))
    assert brief(told(same_day, "2024-06-30", "MEETING_NOT_BOOKED")) == [("2024-06-02", "PROVIDER")]
    early = ami2(on("2024-05-10", "meeting_booked", meeting="FOLLOWUP_AMI2_M3"))
    assert told(early, "2024-06-30", "MEETING_TO_BOOK") == []


@pytest.mark.rule("AMI-8.2-a")
def test_a_meeting_that_is_not_held_is_told_after_the_tolerance_to_provider_and_career_guide() -> None:
    def overdue(one: Case, as_of: str) -> list[tuple[str, str]]:
        rows = told(one, as_of, "OBLIGATION_OVERDUE")
        return brief([row for row in rows if row.values["obligation"] == "FOLLOWUP_MEETING"])

    assert overdue(ami2(), "2024-06-29") == []
    both = [("2024-06-30", "CAREER_GUIDE"), ("2024-06-30", "PROVIDER")]
    assert overdue(ami2(), "2024-06-30") == both
    held = ami2(on("2024-07-10", "meeting_held", meeting="FOLLOWUP_AMI2_M3"))
    assert overdue(held, "2024-08-01") == both  # it was told and stays so
    assert overdue(ami2(exited("2024-06-20")), "2024-08-01") == []
    in_time = ami2(on("2024-06-29", "meeting_held", meeting="FOLLOWUP_AMI2_M3"))
    assert overdue(in_time, "2024-08-01") == []
    day_after = ami2(on("2024-06-30", "meeting_held", meeting="FOLLOWUP_AMI2_M3"))
    assert overdue(day_after, "2024-08-01") == both


@pytest.mark.rule("AMI-3-a")
def test_a_week_without_contact_is_told_to_the_provider_alone_and_never_in_advance() -> None:
    rows = [row for row in told(ami2(), "2024-04-08") if row.values.get("obligation") == "WEEKLY_CONTACT"]
    assert [(row.kind, row.to) for row in rows] == [("OBLIGATION_OVERDUE", PROVIDER)]


@pytest.mark.rule("AMI-3-c", "AMI-8.3-a")
def test_a_reminder_goes_out_a_week_before_unless_it_is_done() -> None:
    def reminded(one: Case, as_of: str) -> set[tuple[str, str]]:
        rows = told(one, as_of, "OBLIGATION_DUE_SOON")
        return {(row.values["obligation"], row.on.isoformat()) for row in rows}

    assert reminded(ami2(), "2024-04-03") == set()
    assert reminded(ami2(), "2024-04-05") == {
        ("MAPPING_AND_PLAN", "2024-04-04"),
        ("STUDY_GUIDANCE", "2024-04-04"),
        ("PLACEMENT", "2024-04-05"),
    }
    done = ami2(on("2024-04-03", "study_guidance"), placed("2024-04-04"))
    assert reminded(done, "2024-04-05") == {("MAPPING_AND_PLAN", "2024-04-04")}


@pytest.mark.rule("AMI-10.1-b")
def test_an_exit_that_is_known_late_reminds_of_nothing_before_that_day() -> None:
    one = ami2(exited("2024-06-20", known_on="2024-10-01"))
    rows = [row for row in told(one, "2024-12-31") if row.values.get("obligation") == "PREMIUM_FOLLOW_UP"]
    assert min(row.on for row in rows) == d("2024-10-01")
    first = [row.values["number"] for row in rows if row.on == d("2024-10-01")]
    assert first == ["5", "6"]


@pytest.mark.rule("AMI-7-b", "AMI-8-c")
def test_an_intervention_that_ends_without_exit_is_told_on_its_end_date() -> None:
    assert told(ami2(), "2025-03-14", "PERIOD_ENDED") == []
    assert brief(told(ami2(), "2025-03-15", "PERIOD_ENDED")) == [
        ("2025-03-15", "CAREER_GUIDE"),
        ("2025-03-15", "PROVIDER"),
    ]
    assert brief(told(ami1(), "2025-12-31", "PERIOD_ENDED"))[0][0] == "2025-06-01"
    assert told(ami2(exited("2025-03-14")), "2025-12-31", "PERIOD_ENDED") == []


@pytest.mark.rule("AF-SOM-19", "AF-SOM-22", "AF-SOM-7")
def test_in_som_the_provider_hears_of_a_missed_week_and_the_career_guide_of_missed_guidance_too() -> None:
    one = case("SOM_1", *start("2024-03-04", "2024-03-04"))
    weeks = [row for row in told(one, "2024-03-11") if row.values.get("obligation") == "WEEKLY_MINIMUM"]
    assert brief(weeks) == [("2024-03-11", "PROVIDER")]
    rows = told(one, "2024-06-02")
    guidance = [(row.kind, *brief([row])[0]) for row in rows if row.values.get("obligation") == "SYV"]
    assert guidance == [
        ("OBLIGATION_DUE_SOON", "2024-05-18", "PROVIDER"),
        ("OBLIGATION_OVERDUE", "2024-06-02", "CAREER_GUIDE"),
        ("OBLIGATION_OVERDUE", "2024-06-02", "PROVIDER"),
    ]
    ended = [row for row in rows if row.values.get("obligation") == "PERIOD_END"]
    assert brief(ended) == [("2024-06-02", "CAREER_GUIDE"), ("2024-06-02", "PROVIDER")]


@pytest.mark.rule("LOKA-5", "LOKA-25")
def test_what_the_municipality_answers_for_goes_to_the_career_guide_alone() -> None:
    one = case("LOCAL", on("2024-03-01", "referred", source="AF", commission_end="2024-05-31"))
    assert [(row.kind, *brief([row])[0]) for row in told(one, "2024-06-01")] == [
        ("OBLIGATION_DUE_SOON", "2024-05-17", "CAREER_GUIDE"),
        ("OBLIGATION_OVERDUE", "2024-06-01", "CAREER_GUIDE"),
    ]


@pytest.mark.rule("AMI-8.2-b", "AMI-8-c")
def test_booking_and_the_end_of_the_period_are_told_by_their_own_notices_alone() -> None:
    rows = told(ami2(), "2025-06-01")
    about = {row.values.get("obligation") for row in rows if row.kind.startswith("OBLIGATION_")}
    assert not about & {"BOOK_MEETING", "PERIOD_END"}
    assert {"MEETING_NOT_BOOKED", "PERIOD_ENDED"} <= {row.kind for row in rows}


@pytest.mark.rule("AMI-6.3.1-b")
def test_we_17_the_agreement_is_served_with_the_notice_of_the_placement() -> None:
    assert brief(told(ami2(placed("2024-04-08")), "2024-04-08", "PLACEMENT_STARTED")) == [
        ("2024-04-08", "CAREER_GUIDE")
    ]


# --- for every history --------------------------------------------------------------------------------

days = st.integers(0, 700).map(lambda number: FIRST + timedelta(days=number))
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@quick
@given(histories(), readings, days, st.randoms(use_true_random=False))
def test_notices_are_the_same_each_time_in_any_order_and_none_is_there_twice(
    one: Case, given_: dict[str, Any], day: date, chance: random.Random
) -> None:
    found = told(one, day, given_=given_)
    shuffled = list(one.facts)
    chance.shuffle(shuffled)
    assert told(Case(one.assignment, one.programme, one.plan, None, tuple(shuffled)), day, given_=given_) == found
    assert len({row.key for row in found}) == len(found)


@quick
@given(histories(), readings, days)
def test_no_notice_lies_ahead_and_each_is_of_a_known_kind_to_a_fitting_role(
    one: Case, given_: dict[str, Any], day: date
) -> None:
    for row in told(one, day, given_=given_):
        kind = notice_table()[NoticeKind(row.kind)]
        assert row.on <= day
        assert row.to in kind.routes
        assert set(row.values) == (set() if row.to is CLIENT else kind.values)
        assert (row.provider is None) or row.to is PROVIDER


@pytest.mark.slow
@quick
@given(histories(), readings, days)
def test_without_news_a_notice_stays_and_the_next_one_is_foretold(one: Case, given_: dict[str, Any], day: date) -> None:
    here, known = tenant(given_), one.known_by(day)
    rows = obligations(known, here, day)
    now, coming = outlook(known, rows, (), here, day)
    shown = tuple(one.notice for one in now if one.notice.kind in CASELOAD_NOTICES)
    assert shown == notices(known, rows, (), here, day)

    def seen(as_of: date) -> list[tuple[Any, bool]]:
        return [(one.notice, one.holds(as_of)) for one in outlook(known, rows, (), here, as_of)[0]]

    if coming is None:
        assert seen(date.max) == seen(day)
    else:
        assert coming > day
        assert seen(coming - timedelta(days=1)) == seen(day)
        assert seen(coming) != seen(day)


@pytest.mark.slow
@quick
@given(histories(), readings, days)
def test_time_alone_takes_no_notice_back(one: Case, given_: dict[str, Any], day: date) -> None:
    known = one.known_by(day)
    here = tenant(given_)

    def keys(as_of: date) -> set[tuple[Any, ...]]:
        return {one.notice.key for one in outlook(known, obligations(known, here, as_of), (), here, as_of)[0]}

    assert keys(day) <= keys(day + timedelta(days=100))
