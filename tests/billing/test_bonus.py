"""Result bonus: how much, when, what forfeits it, what it waits for and what a person decides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from .builders import (
    ami1,
    ami2,
    bonus,
    case,
    claim,
    d,
    decision,
    exited,
    follow_ups,
    jobbpeng,
    line_of,
    lines_of,
    on,
    payable,
    short,
    studies,
)

BONUS = "RESULT_BONUS"
EXIT = exited("2024-06-20")  # AMI 2, month 4; settle date 2024-12-20
SETTLE = "2024-12-20"
CLAIM = claim(SETTLE)
PAID = ("PAYABLE", "20000.00", SETTLE)
REFUSED = ("REFUSED", "0.00", None)


# --- the amount --------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.2-a", "AMI-10.2-e", "AMI-10.2-f", "AMI-10.2-g")
@pytest.mark.parametrize(
    ("exit_day", "amount", "rule_id"),
    [
        ("2024-03-15", "20000.00", "AMI-10.2-e"),
        ("2024-09-14", "20000.00", "AMI-10.2-e"),
        ("2024-09-15", "10000.00", "AMI-10.2-f"),
        ("2025-01-14", "10000.00", "AMI-10.2-f"),
        ("2025-01-15", "5000.00", "AMI-10.2-g"),
        ("2025-03-14", "5000.00", "AMI-10.2-g"),
    ],
)
def test_the_tier_is_that_of_the_month_of_the_exit(exit_day: str, amount: str, rule_id: str) -> None:
    line = line_of(ami2(exited(exit_day)), "2025-03-15", BONUS)
    assert (f"{line.amount:.2f}", line.rules[0]) == (amount, rule_id)


@pytest.mark.rule("AMI-10.2-a")
@pytest.mark.parametrize(
    ("convention", "last_day"),
    [("EXCLUSIVE", "2025-03-14"), ("INCLUSIVE_BEFORE", "2025-03-13"), ("INCLUSIVE_COUNTS", "2025-03-15")],
)
def test_an_exit_is_in_time_up_to_the_end_date(convention: str, last_day: str) -> None:
    settings = {"end_date.convention": convention}
    for shift, status in ((-1, "PLANNED"), (0, "PLANNED"), (1, "REFUSED")):
        exit_day = d(last_day).replace(day=d(last_day).day + shift).isoformat()
        line = line_of(ami2(exited(exit_day)), "2025-03-31", BONUS, 1, settings)
        assert line.status == status
        assert ("AMI-10.2-a" in line.rules) is (status == "REFUSED")


@pytest.mark.rule("AMI-10.2-a", "AMI-10.2-b")
def test_the_ceiling_and_the_amount_of_ami_1_are_settings() -> None:
    one = ami1(exited("2025-03-20"))
    assert bonus(one, "2025-04-01")[1] == "20000.00"
    assert bonus(one, "2025-04-01", {"ami1.bonus": 15000})[1] == "15000.00"
    assert bonus(one, "2025-04-01", {"ami1.bonus": 25000})[1] == "20000.00"
    assert bonus(ami2(EXIT), "2024-07-01", {"bonus.max": "12345.67"})[1] == "12345.67"


@pytest.mark.rule("AMI-10.2-b")
@pytest.mark.parametrize("exit_day", ["2025-03-03", "2025-04-15", "2025-05-31"])
def test_ami_1_has_one_amount_for_every_month(exit_day: str) -> None:
    line = line_of(ami1(exited(exit_day)), "2025-06-01", BONUS)
    assert (line.amount, line.rules[0]) == (Decimal(20000), "AMI-10.2-b")


@pytest.mark.rule("AMI-10.2-e")
def test_the_first_day_of_work_decides_the_tier_where_the_municipality_says_so() -> None:
    one = ami2(exited("2024-09-13", first_day="2024-09-16"))
    assert bonus(one, "2024-10-01")[1] == "20000.00"
    assert bonus(one, "2024-10-01", {"exit_date.basis": "FIRST_DAY"})[1] == "10000.00"


@pytest.mark.rule("AMI-10.2-g")
def test_another_length_than_the_tiers_are_made_for_goes_to_a_person() -> None:
    one = ami2(exited("2025-04-20"), claim("2025-10-20"), end_date="2025-06-15")
    assert bonus(one, "2025-10-20") == ("MANUAL", "5000.00", None)
    tiers = [{"from": 1, "to": 10, "share": 1}, {"from": 11, "to": 15, "share": "0.5"}]
    assert bonus(one, "2025-10-20", {"ami2.tiers": tiers}) == ("PAYABLE", "10000.00", "2025-10-20")
    assert bonus(ami2(EXIT, CLAIM, end_date="2025-03-15"), SETTLE) == PAID


# --- time --------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-9-b", "AMI-10.2-c", "NACKA-12")
def test_the_bonus_is_planned_until_the_settle_date_and_waits_for_its_claim() -> None:
    one = ami2(EXIT, claim("2024-12-22"))
    assert bonus(one, "2024-06-20") == ("PLANNED", "20000.00", SETTLE)
    assert bonus(one, "2024-12-19") == ("PLANNED", "20000.00", SETTLE)
    assert bonus(one, "2024-12-20") == ("ON_HOLD", "20000.00", None)
    assert bonus(one, "2024-12-22") == ("PAYABLE", "20000.00", "2024-12-22")
    line = line_of(one, "2024-12-22", BONUS)
    assert (line.sequence, line.start, line.end) == (1, d("2024-06-20"), d(SETTLE))


@pytest.mark.rule("AMI-9-b")
def test_a_claim_on_the_settle_date_is_in_time_and_one_before_it_is_none() -> None:
    assert bonus(ami2(EXIT, claim(SETTLE)), SETTLE) == PAID
    assert bonus(ami2(EXIT, claim("2024-12-19")), SETTLE)[0] == "ON_HOLD"


@pytest.mark.parametrize(
    ("anchor", "settle"), [("MAX_EXIT_WORK", "2025-03-16"), ("EXIT", "2025-03-13"), ("WORK", "2025-03-16")]
)
@pytest.mark.rule("AMI-9-b")
def test_the_six_months_count_from_the_later_of_exit_and_first_day(anchor: str, settle: str) -> None:
    one = ami2(exited("2024-09-13", first_day="2024-09-16"))
    line = line_of(one, "2024-10-01", BONUS, 1, {"sustainability.anchor": anchor})
    assert line.end == d(settle)


def test_work_that_began_before_the_exit_does_not_shorten_the_six_months() -> None:
    one = ami2(exited("2024-06-20", first_day="2024-06-01"))
    assert line_of(one, "2024-07-01", BONUS).end == d(SETTLE)
    assert line_of(one, "2024-07-01", BONUS, 1, {"sustainability.anchor": "WORK"}).end == d("2024-12-01")


@pytest.mark.rule("AMI-10.2-c")
def test_a_deadline_for_claims_is_kept_where_there_is_one() -> None:
    settings = {"bonus.claim_deadline_months": 1}
    one = ami2(EXIT, claim("2025-01-21"))
    assert bonus(ami2(EXIT, claim("2025-01-20")), "2025-02-01", settings)[0] == "PAYABLE"
    assert bonus(one, "2025-01-20", settings)[0] == "ON_HOLD"
    assert bonus(one, "2025-01-21", settings) == REFUSED
    assert bonus(one, "2025-01-21")[0] == "PAYABLE"


# --- what forfeits it --------------------------------------------------------------------------------


@pytest.mark.rule("AMI-9-e")
@pytest.mark.parametrize(
    ("broken", "at_least", "longer"),
    [("2024-12-19", "REFUSED", "REFUSED"), ("2024-12-20", "PAYABLE", "REFUSED"), ("2024-12-21", "PAYABLE", "PAYABLE")],
)
def test_a_break_off_before_the_settle_date_forfeits_the_bonus(broken: str, at_least: str, longer: str) -> None:
    one = ami2(EXIT, on(broken, "broke_off"), CLAIM)
    assert bonus(one, "2025-03-01")[0] == at_least
    assert bonus(one, "2025-03-01", {"sustainability.comparison": "GT"})[0] == longer


@pytest.mark.rule("AMI-9-a", "AMI-9-f")
@pytest.mark.parametrize(
    ("until", "at_least", "longer"),
    [("2024-12-18", "REFUSED", "REFUSED"), ("2024-12-19", "PAYABLE", "REFUSED"), ("2024-12-20", "PAYABLE", "PAYABLE")],
)
def test_a_contract_that_ends_before_six_months_does_not_qualify(until: str, at_least: str, longer: str) -> None:
    one = ami2(exited("2024-06-20", contract_until=until), CLAIM)
    assert bonus(one, "2025-03-01")[0] == at_least
    assert bonus(one, "2025-03-01", {"sustainability.comparison": "GT"})[0] == longer
    if at_least == "REFUSED":
        assert "AMI-9-f" in line_of(one, "2024-07-01", BONUS).rules


def test_a_refusal_shows_as_soon_as_it_is_known() -> None:
    one = ami2(EXIT, on("2024-09-01", "broke_off", known_on="2024-10-20"))
    assert bonus(one, "2024-10-19")[0] == "PLANNED"
    assert bonus(one, "2024-10-20") == REFUSED


@pytest.mark.rule("AMI-9-c", "AMI-9-d")
@pytest.mark.parametrize(
    ("first", "until", "status"),
    [
        ("2024-05-01", "2024-06-20", "PAYABLE"),  # ends the day before the window
        ("2024-05-01", "2024-06-21", "REFUSED"),
        ("2024-12-19", "2024-12-31", "REFUSED"),
        ("2024-12-20", "2024-12-31", "PAYABLE"),  # begins on the settle date
    ],
)
def test_assistance_within_the_six_months_forfeits_the_bonus(first: str, until: str, status: str) -> None:
    one = ami2(EXIT, on("2025-01-05", "eb_paid", from_=first, to=until, scope="CLIENT"), CLAIM)
    assert bonus(one, "2025-01-05")[0] == status


def assistance(scope: str) -> dict[str, Any]:
    return on("2024-10-05", "eb_paid", from_="2024-10-01", to="2024-11-01", scope=scope)


@pytest.mark.rule("AMI-9-d", "AMI-9.3.2-a", "AMI-9.3.3-a")
@pytest.mark.parametrize(
    ("row", "scope", "settings", "status"),
    [
        (EXIT, "CLIENT", {}, "REFUSED"),
        (EXIT, "HOUSEHOLD", {}, "REFUSED"),
        (EXIT, "CLIENT", {"eb_test.work_scope": "CLIENT_ONLY"}, "REFUSED"),
        (EXIT, "HOUSEHOLD", {"eb_test.work_scope": "CLIENT_ONLY"}, "PAYABLE"),
        (studies("2024-06-20"), "HOUSEHOLD", {}, "REFUSED"),
        (studies("2024-06-20"), "HOUSEHOLD", {"eb_test.work_scope": "CLIENT_ONLY"}, "REFUSED"),
        (studies("2024-06-20", "STUDY_START_SUPPORT_FULL_TIME"), "HOUSEHOLD", {}, "PAYABLE"),
        (studies("2024-06-20", "STUDY_START_SUPPORT_FULL_TIME"), "CLIENT", {}, "PAYABLE"),
        (
            studies("2024-06-20", "STUDY_START_SUPPORT_FULL_TIME"),
            "HOUSEHOLD",
            {"studiestartsstod.waive_eb_test": False},
            "REFUSED",
        ),
    ],
)
def test_whose_assistance_counts(row: dict[str, Any], scope: str, settings: dict[str, Any], status: str) -> None:
    assert bonus(ami2(row, assistance(scope), CLAIM), "2025-01-05", settings)[0] == status


@pytest.mark.rule("AMI-9-d")
def test_the_sentence_does_not_tell_the_provider_what_a_household_received() -> None:
    line = line_of(ami2(EXIT, assistance("HOUSEHOLD")), "2024-12-31", BONUS)
    assert "AMI-9-d" in line.rules
    assert "2024-10" not in line.because
    assert "household" not in line.because.lower()


@pytest.mark.rule("AMI-10.2-d")
def test_a_claim_that_does_not_certify_is_a_refusal_until_a_later_one_does() -> None:
    refused = ami2(EXIT, claim("2024-12-20", certified=False))
    assert bonus(refused, "2024-12-31") == REFUSED
    mended = ami2(EXIT, claim("2024-12-20", certified=False), claim("2025-01-07"))
    assert bonus(mended, "2025-01-06") == REFUSED
    assert bonus(mended, "2025-01-07") == ("PAYABLE", "20000.00", "2025-01-07")


@pytest.mark.rule("AMI-10.2-d", "AMI-9-e")
@pytest.mark.parametrize(
    ("day", "workplace", "gap", "settings", "status"),
    [
        ("2024-10-01", "W2", 0, {}, "REFUSED"),
        ("2024-12-19", "W2", 0, {}, "REFUSED"),
        ("2024-12-20", "W2", 0, {}, "PAYABLE"),
        ("2024-10-01", "W1", 0, {}, "PAYABLE"),
        ("2024-10-01", "W2", 0, {"ami2.employer_change": "ALLOW_NO_GAP"}, "MANUAL"),
        ("2024-10-01", "W2", 1, {"ami2.employer_change": "ALLOW_NO_GAP"}, "REFUSED"),
    ],
)
def test_another_workplace_within_six_months_in_ami_2(
    day: str, workplace: str, gap: int, settings: dict[str, str], status: str
) -> None:
    one = ami2(EXIT, on(day, "workplace_changed", workplace=workplace, gap_days=gap), CLAIM)
    assert bonus(one, "2025-01-05", settings)[0] == status


def test_a_persons_approval_does_not_heal_what_is_refused() -> None:
    one = ami2(EXIT, on("2024-10-01", "workplace_changed", workplace="W2", gap_days=0), CLAIM, decision("2024-12-21"))
    assert bonus(one, "2025-01-05") == REFUSED


@pytest.mark.rule("AMI-10.2-b", "AMI-9-e")
@pytest.mark.parametrize(
    ("gap", "settings", "status"),
    [(0, {}, "MANUAL"), (1, {}, "REFUSED"), (0, {"ami1.employer_change": "FORFEIT"}, "REFUSED")],
)
def test_another_workplace_in_ami_1_goes_to_a_person(gap: int, settings: dict[str, str], status: str) -> None:
    one = ami1(
        exited("2025-04-20"), on("2025-07-01", "workplace_changed", workplace="W2", gap_days=gap), claim("2025-10-20")
    )
    assert bonus(one, "2025-11-01", settings)[0] == status


@pytest.mark.parametrize(
    ("kind", "fields", "rule_id"),
    [
        ("WORK_UNDER_HALF_TIME", {"extent_pct": 49}, "AMI-9.2.2-a"),
        ("WORK_MIN_HALF_TIME", {"extent_pct": 49}, "AMI-9.2.2-a"),
        ("WORK_FULL_TIME", {"extent_pct": 99}, "AMI-9.2.1-a"),
        ("STUDY_UNDER_HALF_TIME", {"extent_pct": 49}, "AMI-9.3.1-a"),
        ("STUDY_FULL_TIME", {"extent_pct": 75, "csn_eligible": True}, "AMI-9.3.1-a"),
        ("STUDY_FULL_TIME", {"csn_eligible": False}, "AMI-9.3.1-a"),
        ("STUDY_START_SUPPORT_FULL_TIME", {"extent_pct": 99}, "AMI-9.3.1-a"),
        ("STUDY_START_SUPPORT_PART_TIME", {"extent_pct": 75}, "AMI-9.3.3-a"),
        ("STUDY_MIN_HALF_TIME", {"extent_pct": 50, "csn_eligible": True}, "AMI-9.3.4-a"),
        ("OWN_BUSINESS", {}, "AMI-10.2-d"),
        ("BENEFIT_TEMPORARY", {}, "AMI-9-j"),
        ("BENEFIT_OTHER_PUBLIC", {}, "AMI-9-j"),
    ],
)
@pytest.mark.rule(
    "AMI-9-j", "AMI-9.2-a", "AMI-9.2.1-a", "AMI-9.2.2-a", "AMI-9.3-a", "AMI-9.3.1-a", "AMI-9.3.3-a", "AMI-9.3.4-a"
)
def test_an_exit_that_does_not_qualify_is_shown_as_refused(kind: str, fields: dict[str, Any], rule_id: str) -> None:
    line = line_of(ami2(exited("2024-06-20", kind, **fields), CLAIM, decision("2025-01-01")), "2025-01-05", BONUS)
    assert (line.status, line.amount) == ("REFUSED", Decimal(0))
    assert rule_id in line.rules


@pytest.mark.parametrize("kind", ["OTHER_INTERVENTION", "PERIOD_ENDED", "DISCONTINUED"])
def test_other_ways_out_have_no_bonus_line_at_all(kind: str) -> None:
    assert lines_of(ami2(on("2024-06-20", "exited", kind=kind)), "2025-01-05", BONUS) == []


@pytest.mark.rule("AMI-9-i")
def test_a_form_of_employment_that_does_not_count_refuses_the_bonus() -> None:
    one = ami2(exited("2024-06-20", employment_form="NEW_START_JOB"), CLAIM)
    assert bonus(one, SETTLE) == PAID
    assert bonus(one, SETTLE, {"employment.forms.counting": ["ORDINARY"]}) == REFUSED


@pytest.mark.rule("AMI-9.2.2-b")
def test_support_from_the_household_does_not_disqualify_part_time_work() -> None:
    one = ami2(exited("2024-06-20", "WORK_MIN_HALF_TIME", extent_pct=50, household_support=True), CLAIM)
    assert bonus(one, SETTLE) == PAID


@pytest.mark.rule("AMI-9.2.2-a")
def test_half_time_is_a_setting() -> None:
    one = ami2(exited("2024-06-20", "WORK_MIN_HALF_TIME", extent_pct=60), CLAIM)
    assert bonus(one, SETTLE, {"extent.half_time_pct": 60}) == PAID
    assert bonus(one, SETTLE, {"extent.half_time_pct": 61}) == REFUSED


# --- evidence ----------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-9-f", "AMI-9-h", "AMI-9.2-b")
@pytest.mark.parametrize(
    ("row", "missing", "rule_id"),
    [
        (exited("2024-06-20", documents=["EMPLOYMENT_CONTRACT"]), "EMPLOYMENT_CERTIFICATE", "AMI-9.2-b"),
        (exited("2024-06-20", documents=["EMPLOYMENT_CERTIFICATE"]), "EMPLOYMENT_CONTRACT", "AMI-9.2-b"),
        (studies("2024-06-20", documents=[]), "STUDY_CERTIFICATE", "AMI-9-h"),
        (
            studies("2024-06-20", "STUDY_START_SUPPORT_FULL_TIME", documents=["STUDY_CERTIFICATE"]),
            "CSN_GRANT",
            "AMI-9-h",
        ),
    ],
)
def test_a_missing_document_holds_the_bonus_until_a_claim_brings_it(
    row: dict[str, Any], missing: str, rule_id: str
) -> None:
    one = ami2(row, CLAIM, claim("2025-01-15", documents=[missing]))
    held = line_of(one, "2025-01-14", BONUS)
    assert (held.status, held.amount, held.payable_from) == ("ON_HOLD", Decimal(20000), None)
    assert rule_id in held.rules
    assert missing in held.because
    assert bonus(one, "2025-01-15") == ("PAYABLE", "20000.00", "2025-01-15")


HOURLY = exited("2024-07-01", "WORK_HOURLY_FULL_TIME", contract_until="2024-11-30", documents=["EMPLOYMENT_CONTRACT"])


@pytest.mark.rule("AMI-9-g")
@pytest.mark.parametrize(
    ("until", "status"), [("2024-12-30", "ON_HOLD"), ("2024-12-31", "PAYABLE"), ("2025-01-31", "PAYABLE")]
)
def test_hourly_work_is_proved_with_the_claim(until: str, status: str) -> None:
    assert bonus(ami2(HOURLY, claim("2025-01-01", covers_until=until)), "2025-01-05")[0] == status


@pytest.mark.rule("AMI-9-g")
def test_hourly_work_without_proof_is_held_and_then_refused_by_a_person() -> None:
    one = ami2(HOURLY, claim("2025-01-01"), decision("2025-02-01", approved=False))
    assert bonus(one, "2025-01-31")[0] == "ON_HOLD"
    assert bonus(one, "2025-02-01") == REFUSED


def test_a_refusal_from_before_the_settle_date_does_not_close_what_waits_for_its_claim() -> None:
    one = ami2(HOURLY, decision("2024-12-31", approved=False), claim("2025-01-05"))
    assert bonus(one, "2025-01-10")[0] == "ON_HOLD"


@pytest.mark.rule("AMI-9-g")
def test_an_hourly_contract_that_covers_six_months_needs_no_more_proof() -> None:
    row = {**HOURLY, "contract_until": None, "hourly_cover_until": "2024-12-31"}
    assert bonus(ami2(row, claim("2025-01-01")), "2025-01-01") == ("PAYABLE", "20000.00", "2025-01-01")


def test_hourly_work_without_contract_and_certificate_is_held() -> None:
    row = {**HOURLY, "documents": ["FINAL_REPORT"], "contract_until": "2025-06-30"}
    assert bonus(ami2(row, claim("2025-01-01")), "2025-01-01")[0] == "ON_HOLD"


# --- persons -----------------------------------------------------------------------------------------

LATE_START = exited("2024-09-13", first_day="2024-09-16")


@pytest.mark.rule("AMI-9-c")
def test_work_that_begins_after_the_exit_goes_to_a_person() -> None:
    one = ami2(LATE_START, claim("2025-03-16"), decision("2025-03-20"))
    assert bonus(one, "2025-03-15")[0] == "PLANNED"
    assert bonus(one, "2025-03-16") == ("MANUAL", "20000.00", None)
    assert bonus(one, "2025-03-20") == ("PAYABLE", "20000.00", "2025-03-20")
    assert bonus(one, "2025-03-16", {"exit_date.basis": "FIRST_DAY"})[0] == "PAYABLE"


def test_a_decision_before_the_settle_date_counts_and_the_bonus_still_waits() -> None:
    one = ami2(LATE_START, decision("2024-10-01"), claim("2025-03-18"))
    assert bonus(one, "2025-03-17")[0] == "ON_HOLD"
    assert bonus(one, "2025-03-18") == ("PAYABLE", "20000.00", "2025-03-18")


def test_what_a_person_refuses_is_refused_at_once_and_a_later_decision_wins() -> None:
    one = ami2(LATE_START, decision("2024-10-01", approved=False), decision("2024-11-01"), claim("2025-03-16"))
    assert bonus(one, "2024-10-31") == REFUSED
    assert bonus(one, "2024-11-01")[0] == "PLANNED"
    assert bonus(one, "2025-03-16")[0] == "PAYABLE"


def test_a_decision_from_before_the_exit_is_not_about_it() -> None:
    one = ami2(decision("2024-09-12"), LATE_START, claim("2025-03-16"))
    assert bonus(one, "2025-03-16")[0] == "MANUAL"


def test_a_decision_on_a_bonus_that_asks_for_none_changes_nothing() -> None:
    assert bonus(ami2(EXIT, CLAIM, decision("2024-12-20", approved=False)), SETTLE) == PAID


@pytest.mark.rule("AMI-9.3.4-a")
def test_half_time_studies_are_approved_by_a_person_unless_set_otherwise() -> None:
    row = studies("2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=50, household_income_support=True)
    one = ami2(row, CLAIM)
    assert bonus(one, SETTLE)[0] == "MANUAL"
    assert bonus(one, SETTLE, {"study_half_time.approval": "AUTOMATIC"}) == PAID


BUSINESS = {"workplace": None, "extent_pct": None, "documents": []}


@pytest.mark.rule("AMI-10.2-b", "AMI-10.2-d")
@pytest.mark.parametrize(("value", "status"), [("MANUAL", "MANUAL"), ("NO", "REFUSED"), ("YES", "PAYABLE")])
def test_own_business_by_setting(value: str, status: str) -> None:
    one = ami1(exited("2025-05-20", "OWN_BUSINESS", **BUSINESS), claim("2025-11-20"))
    two = ami2(exited("2024-06-20", "OWN_BUSINESS", **BUSINESS), CLAIM)
    assert bonus(one, "2025-11-20", {"own_business.bonus": {"AMI_1": value}})[0] == status
    assert bonus(two, "2025-11-20", {"own_business.bonus": {"AMI_2": value}})[0] == status


@pytest.mark.rule("AMI-10.2-a", "AMI-10.2-b")
@pytest.mark.parametrize(
    ("decided", "exit_day", "unasked", "approved", "refused"),
    [
        # ninety days end 2025-06-01, three months 2025-06-03
        ("2025-03-03", "2025-05-31", "PAYABLE", "PAYABLE", "PAYABLE"),
        ("2025-03-03", "2025-06-01", "REFUSED", "PAYABLE", "REFUSED"),
        ("2025-03-03", "2025-06-02", "REFUSED", "PAYABLE", "REFUSED"),
        ("2025-03-03", "2025-06-03", "REFUSED", "REFUSED", "REFUSED"),
        # ninety days end 2025-05-02, three months 2025-05-01
        ("2025-02-01", "2025-04-30", "PAYABLE", "PAYABLE", "PAYABLE"),
        ("2025-02-01", "2025-05-01", "MANUAL", "PAYABLE", "REFUSED"),
        ("2025-02-01", "2025-05-02", "REFUSED", "REFUSED", "REFUSED"),
        # both end 2025-03-01
        ("2024-12-01", "2025-02-28", "PAYABLE", "PAYABLE", "PAYABLE"),
        ("2024-12-01", "2025-03-01", "REFUSED", "REFUSED", "REFUSED"),
    ],
)
def test_where_ninety_days_and_three_months_disagree_a_person_decides(
    decided: str, exit_day: str, unasked: str, approved: str, refused: str
) -> None:
    row, claimed = exited(exit_day), claim("2025-12-10")
    expected = {None: unasked, True: approved, False: refused}
    for said, status in expected.items():
        rows = [decision("2025-12-12", said, about="BOUNDARY")] if said is not None else []
        got = bonus(ami1(row, claimed, *rows, decided=decided), "2025-12-31")
        assert got[0] == status
        if said and unasked != status:
            assert got == ("PAYABLE", "20000.00", "2025-12-12")


@pytest.mark.rule("AMI-10.2-b")
@pytest.mark.parametrize(("exit_day", "status"), [("2025-06-02", "PAYABLE"), ("2025-06-03", "REFUSED")])
def test_with_three_months_by_setting_nothing_is_left_to_decide(exit_day: str, status: str) -> None:
    one = ami1(exited(exit_day), claim("2025-12-10"))
    assert bonus(one, "2025-12-31", {"ami1.length_unit": "MONTHS_3"})[0] == status


@pytest.mark.parametrize(("exit_day", "status"), [("2025-06-14", "PAYABLE"), ("2025-06-15", "REFUSED")])
def test_with_an_end_date_in_the_decision_nothing_is_left_to_decide(exit_day: str, status: str) -> None:
    assert bonus(ami1(exited(exit_day), claim("2025-12-20"), end_date="2025-06-15"), "2025-12-31")[0] == status


# --- one bonus for an intervention -------------------------------------------------------------------


def resumed(*rows: dict[str, Any], broken: str = "2024-09-01", day: str = "2024-09-10", provider: str = "beta") -> Any:
    return ami2(EXIT, on(broken, "broke_off"), on(day, "resumed", provider=provider), *rows)


@pytest.mark.rule("AMI-10.1-d", "AMI-10.2-g")
def test_after_a_forfeited_exit_the_second_one_has_the_bonus() -> None:
    one = resumed(exited("2025-01-20"), claim("2025-07-20"))
    assert short(lines_of(one, "2025-07-20", BONUS)) == [
        (1, "alfa", "0.00", "REFUSED"),
        (1, "beta", "5000.00", "PAYABLE"),
    ]


def test_with_the_same_provider_only_the_newest_is_shown() -> None:
    one = resumed(exited("2025-01-20"), provider="alfa")
    assert short(lines_of(one, "2024-09-30", BONUS)) == [(1, "alfa", "0.00", "REFUSED")]
    assert short(lines_of(one, "2025-01-31", BONUS)) == [(1, "alfa", "5000.00", "PLANNED")]


def earned(*rows: dict[str, Any], provider: str = "beta") -> Any:
    """The first exit is sustained; the client breaks off after its settle date, resumes and exits again."""
    again = exited("2025-02-20")  # settle date 2025-08-20
    return resumed(again, *rows, broken="2025-01-10", day="2025-01-12", provider=provider)


def test_a_bonus_that_is_earned_stays_with_the_first_exit() -> None:
    one = earned(claim("2025-05-01"))
    assert short(lines_of(one, "2025-09-01", BONUS)) == [
        (1, "alfa", "20000.00", "PAYABLE"),
        (1, "beta", "0.00", "REFUSED"),
    ]


@pytest.mark.parametrize(
    ("day", "provider", "amount"), [("2025-08-19", "alfa", "20000.00"), ("2025-08-20", "beta", "5000.00")]
)
def test_an_earned_bonus_can_be_claimed_until_the_second_exit_is(day: str, provider: str, amount: str) -> None:
    found = short(lines_of(earned(claim(day)), "2025-09-01", BONUS))
    assert [row for row in found if row[3] == "PAYABLE"] == [(1, provider, amount, "PAYABLE")]


def test_while_nobody_has_claimed_the_first_exit_holds_the_bonus() -> None:
    assert short(lines_of(earned(), "2025-09-01", BONUS)) == [
        (1, "alfa", "20000.00", "ON_HOLD"),
        (1, "beta", "0.00", "REFUSED"),
    ]
    assert short(lines_of(earned(provider="alfa"), "2025-09-01", BONUS)) == [(1, "alfa", "20000.00", "ON_HOLD")]


def test_a_failed_second_exit_takes_no_claim_from_the_first() -> None:
    one = earned(on("2025-04-01", "broke_off"), claim("2025-09-01"))
    found = short(lines_of(one, "2025-09-01", BONUS))
    assert found == [(1, "alfa", "20000.00", "PAYABLE"), (1, "beta", "0.00", "REFUSED")]


def test_an_exit_whose_provider_is_not_known_yet_gives_nobody_anything() -> None:
    known = [on("2024-03-15", "decided"), on("2024-03-28", "started"), EXIT, CLAIM]
    assert lines_of(case("AMI_2", *known), "2025-12-31") == []


@pytest.mark.rule("NACKA-10", "AMI-10-a")
def test_the_result_part_is_apart_from_the_monthly_part_and_neither_is_set_off() -> None:
    one = ami2(EXIT, *follow_ups(range(5, 13)), CLAIM)
    amounts = {kind: payable(one, "2025-12-31", kind) for kind in ("MONTHLY_FEE", "SPEED_PREMIUM", BONUS)}
    assert amounts == {"MONTHLY_FEE": 32000, "SPEED_PREMIUM": 64000, "RESULT_BONUS": 20000}


def test_jobbpeng_has_neither_premium_nor_bonus() -> None:
    one = jobbpeng(exited("2024-08-01"))
    assert {line.kind for line in lines_of(one, "2025-12-31")} == {"MONTHLY_FEE"}
