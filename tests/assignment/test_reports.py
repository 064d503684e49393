"""Reports (rulebook 8.3) as pure functions: which are expected, where they stand, what a submission must hold."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kundval_assignment.domain.reports import (
    MOVES,
    Expected,
    Key,
    Lack,
    Saved,
    Standing,
    Submission,
    Trigger,
    agreement_changes,
    deviates,
    exit_of,
    expected,
    lacks,
    move,
    outlook,
    planned_extent,
    standing,
    statement,
    undecided_deviation,
)
from kundval_contracts.case import Case, Plan, Step
from kundval_contracts.codes import DocumentCode, ExitKind, FactKind, Programme, ReportKind, ReportState
from kundval_contracts.facts import load_fact
from kundval_contracts.settings import RuleSettings, read_settings
from tests.acceptance.builders import broke_off, claim, exited, fact, manual

D = "2024-03-15"
K, S, C = ReportKind, ReportState, DocumentCode


def day(text: str) -> date:
    return date.fromisoformat(text)


def settings(**given: Any) -> RuleSettings:
    return RuleSettings(read_settings({key.replace("__", "."): value for key, value in given.items()}))


DEFAULT = settings()


def case(*facts: dict[str, Any], programme: str = "AMI_2", started: str = D, plan: Plan | None = None) -> Case:
    """An assignment decided on 15 March 2024, accepted by alfa, and these facts."""
    head = [
        fact(D, "decided"),
        fact(D, "provider_chosen", provider="alfa"),
        fact(D, "accepted"),
        fact(started, "started"),
    ]
    made = [load_fact(row, place) for place, row in enumerate([*head, *facts])]
    return Case("A-1", Programme(programme), plan or Plan(100, 5), None).having(made)


def wanted(one: Case, on: str, of: RuleSettings = DEFAULT, *kinds: ReportKind) -> dict[Key, Expected]:
    return {row.key: row for row in expected(one, of, day(on)) if not kinds or row.key.kind in kinds}


# --- monthly reports -------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.1-c")
def test_a_monthly_report_is_expected_as_its_month_opens() -> None:
    running = case()
    assert set(wanted(running, "2024-03-14", DEFAULT, K.MONTHLY)) == set()
    assert set(wanted(running, "2024-03-15", DEFAULT, K.MONTHLY)) == {Key(K.MONTHLY, 1)}
    assert set(wanted(running, "2024-04-14", DEFAULT, K.MONTHLY)) == {Key(K.MONTHLY, 1)}
    assert set(wanted(running, "2024-04-15", DEFAULT, K.MONTHLY)) == {Key(K.MONTHLY, 1), Key(K.MONTHLY, 2)}
    assert len(wanted(running, "2026-01-01", DEFAULT, K.MONTHLY)) == 12


@pytest.mark.rule("AMI-8.1-c")
def test_a_monthly_report_has_a_due_day_only_where_the_municipality_has_set_one() -> None:
    [row] = wanted(case(), "2024-04-01", DEFAULT, K.MONTHLY).values()
    assert (row.due, row.late_on(day("2030-01-01"))) == (None, False)
    [row] = wanted(case(), "2024-04-01", settings(monthly_report__due_day=5), K.MONTHLY).values()
    assert row.due == day("2024-04-19")  # five days after 14 April, the last of the month
    assert [row.late_on(day(f"2024-04-{n}")) for n in (18, 19, 20)] == [False, False, True]


@pytest.mark.rule("AMI-8.1-c")
def test_only_active_months_of_ami_2_have_a_monthly_report() -> None:
    assert wanted(case(programme="AMI_1"), "2024-05-01", DEFAULT, K.MONTHLY) == {}
    assert wanted(case(programme="JOBBPENG_BASIC"), "2024-05-01") == {}
    late = wanted(case(started="2024-05-02"), "2024-06-20", DEFAULT, K.MONTHLY)
    assert {key.sequence: row.opens_on for key, row in late.items()} == {
        2: day("2024-05-02"),
        3: day("2024-05-15"),
        4: day("2024-06-15"),
    }


@pytest.mark.rule("AMI-8.1-c", "AMI-8.2-c")
def test_the_month_of_the_exit_has_the_final_report_and_no_monthly_one() -> None:
    ended = case(exited("2024-06-20"))
    assert [key.sequence for key in wanted(ended, "2024-12-01", DEFAULT, K.MONTHLY)] == [1, 2, 3]
    # a report that came before the exit stands
    reported = case(fact("2024-06-19", "monthly_report", month=4), exited("2024-06-20"))
    assert [key.sequence for key in wanted(reported, "2024-12-01", DEFAULT, K.MONTHLY)] == [1, 2, 3, 4]
    # on the last day of a month the exit takes that month, on the first day of the next that
    assert len(wanted(case(exited("2024-06-14")), "2024-12-01", DEFAULT, K.MONTHLY)) == 2
    assert len(wanted(case(exited("2024-06-15")), "2024-12-01", DEFAULT, K.MONTHLY)) == 3


def test_a_month_is_reported_by_the_provider_in_charge_at_its_end() -> None:
    switch = fact("2024-05-20", "provider_switch", provider="beta", approved=True)
    rows = wanted(case(switch), "2024-07-01", DEFAULT, K.MONTHLY)
    assert [row.provider for row in rows.values()] == ["alfa", "alfa", "beta", "beta"]


# --- final report ----------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.2-c")
def test_the_final_report_is_due_on_the_last_covered_day_or_with_an_earlier_exit() -> None:
    [row] = wanted(case(), "2024-04-01", DEFAULT, K.FINAL).values()
    assert (row.due, row.rules) == (day("2025-03-14"), ("AMI-8.2-c",))
    assert [row.late_on(day(f"2025-03-{n}")) for n in (13, 14, 15)] == [False, False, True]
    [row] = wanted(case(programme="AMI_1"), "2024-04-01", DEFAULT, K.FINAL).values()
    assert (row.due, row.rules) == (day("2024-06-12"), ("AMI-9.2-b",))
    [row] = wanted(case(exited("2024-06-20", documents=[])), "2024-07-01", DEFAULT, K.FINAL).values()
    assert (row.due, row.met_by) == (day("2024-06-20"), None)


@pytest.mark.rule("AMI-8.2-c")
def test_an_exit_with_the_final_report_brings_it_and_so_does_a_later_claim() -> None:
    [row] = wanted(case(exited("2024-06-20")), "2024-07-01", DEFAULT, K.FINAL).values()
    assert (row.met_by, row.met_on) == ("4", day("2024-06-20"))
    late = case(exited("2024-06-20", documents=[]), claim("2024-12-20", documents=["FINAL_REPORT"]))
    [row] = wanted(late, "2025-01-01", DEFAULT, K.FINAL).values()
    assert row.met_by == "5"


def test_each_run_has_a_final_report_of_its_own() -> None:
    again = case(exited("2024-06-20"), broke_off("2024-08-01"), fact("2024-08-10", "resumed", provider="beta"))
    rows = wanted(again, "2024-09-01", DEFAULT, K.FINAL)
    assert {key.sequence: (row.provider, row.met_by is not None) for key, row in rows.items()} == {
        1: ("alfa", True),
        2: ("beta", False),
    }
    assert exit_of(again, DEFAULT, 1) is not None
    assert exit_of(again, DEFAULT, 2) is None


# --- premium follow-ups ------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.1-c")
def test_each_premium_month_has_a_follow_up_from_the_month_after_the_exit_to_the_last() -> None:
    rows = wanted(case(exited("2024-06-20")), "2025-06-01", DEFAULT, K.PREMIUM_FOLLOWUP)
    assert [key.sequence for key in rows] == list(range(5, 13))
    assert rows[Key(K.PREMIUM_FOLLOWUP, 5)].due == day("2024-08-14")
    assert rows[Key(K.PREMIUM_FOLLOWUP, 12)].due == day("2025-03-14")
    assert set(wanted(case(exited("2024-06-20")), "2024-07-14", DEFAULT, K.PREMIUM_FOLLOWUP)) == set()
    assert len(wanted(case(exited("2024-06-20")), "2024-07-15", DEFAULT, K.PREMIUM_FOLLOWUP)) == 1


@pytest.mark.rule("AMI-10.1-c")
def test_an_exit_that_leads_to_no_money_asks_for_no_follow_up_and_no_certificate() -> None:
    for ended in (
        exited("2024-06-20", "BENEFIT_TEMPORARY"),
        exited("2024-06-20", "WORK_UNDER_HALF_TIME", extent_pct=40),
    ):
        rows = wanted(case(ended), "2025-06-01", DEFAULT, K.PREMIUM_FOLLOWUP, K.SIX_MONTH_CERTIFICATE)
        assert rows == {}


@pytest.mark.rule("AMI-10.1-c")
def test_a_break_off_takes_away_its_month_and_those_after_it_but_not_what_was_owed_before() -> None:
    stopped = case(exited("2024-06-20"), broke_off("2024-09-20"))
    assert [key.sequence for key in wanted(stopped, "2025-06-01", DEFAULT, K.PREMIUM_FOLLOWUP)] == [5, 6]
    on_last_day = case(exited("2024-06-20"), broke_off("2024-09-14"))
    assert [key.sequence for key in wanted(on_last_day, "2025-06-01", DEFAULT, K.PREMIUM_FOLLOWUP)] == [5]


@pytest.mark.rule("AMI-10.1-c")
def test_where_two_follow_ups_a_month_are_asked_for_the_second_comes_up_when_the_first_is_in() -> None:
    two, report = (
        settings(premium__followups_per_month=2),
        fact("2024-08-01", "premium_follow_up", month=5, continues=True),
    )
    parts = [key.part for key in wanted(case(exited("2024-06-20")), "2024-08-02", two, K.PREMIUM_FOLLOWUP)]
    assert parts == [1]
    rows = wanted(case(exited("2024-06-20"), report), "2024-08-02", two, K.PREMIUM_FOLLOWUP)
    assert {key.part: row.met_by is not None for key, row in rows.items()} == {1: True, 2: False}


@pytest.mark.rule("AMI-10.1-c")
@pytest.mark.parametrize("reading", ["HOLD", "FORFEIT"])
def test_a_follow_up_stays_open_however_late_and_whatever_it_means_for_the_money(reading: str) -> None:
    of = settings(premium__missing_report=reading)
    row = wanted(case(exited("2024-06-20")), "2027-01-01", of, K.PREMIUM_FOLLOWUP)[Key(K.PREMIUM_FOLLOWUP, 5)]
    assert row.late_on(day("2027-01-01"))
    assert move(ReportState.OVERDUE, Trigger.SUBMIT) is ReportState.SUBMITTED


# --- the certificate ----------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.2-c")
def test_the_certificate_is_expected_from_the_settle_date_and_due_where_a_time_is_set() -> None:
    ended = case(exited("2024-06-20"))
    assert wanted(ended, "2024-12-19", DEFAULT, K.SIX_MONTH_CERTIFICATE) == {}
    [row] = wanted(ended, "2024-12-20", DEFAULT, K.SIX_MONTH_CERTIFICATE).values()
    assert (row.provider, row.due) == ("alfa", None)
    [row] = wanted(ended, "2024-12-20", settings(bonus__claim_deadline_months=3), K.SIX_MONTH_CERTIFICATE).values()
    assert row.due == day("2025-03-20")


@pytest.mark.rule("AMI-10.2-c")
def test_what_forfeits_the_bonus_takes_the_certificate_away() -> None:
    for what in (
        broke_off("2024-12-19"),
        fact("2024-09-01", "workplace_changed", workplace="W2", gap_days=0),
        fact("2024-09-01", "workplace_changed", workplace="W1", gap_days=3),
    ):
        assert wanted(case(exited("2024-06-20"), what), "2025-01-01", DEFAULT, K.SIX_MONTH_CERTIFICATE) == {}, what
    for what in (broke_off("2024-12-20"), fact("2024-09-01", "workplace_changed", workplace="W1", gap_days=0)):
        assert wanted(case(exited("2024-06-20"), what), "2025-01-01", DEFAULT, K.SIX_MONTH_CERTIFICATE), what


@pytest.mark.rule("AMI-10.2-c")
def test_of_two_exits_the_one_that_holds_is_certified() -> None:
    twice = [
        exited("2024-06-20"),
        broke_off("2024-08-01"),
        fact("2024-08-10", "resumed", provider="beta"),
        exited("2024-10-01", workplace="W2"),
    ]
    rows = wanted(case(*twice), "2025-06-01", DEFAULT, K.SIX_MONTH_CERTIFICATE)
    assert {key.sequence: row.provider for key, row in rows.items()} == {2: "beta"}
    claimed = wanted(case(*twice, claim("2025-04-02")), "2025-06-01", DEFAULT, K.SIX_MONTH_CERTIFICATE)
    assert {key.sequence: row.met_by for key, row in claimed.items()} == {2: "8"}


# --- replies and subsidies ----------------------------------------------------------------------------------


def referral(on: str, source: str = "FK", end: str | None = "2024-06-30") -> dict[str, Any]:
    return fact(on, "referred", source=source, commission_end=end, commission_question="?")


@pytest.mark.rule("LOKA-5")
def test_a_commissioner_that_asked_something_is_answered_by_the_end_of_its_assignment() -> None:
    [row] = wanted(case(referral("2024-03-01"), programme="LOCAL"), "2024-05-01").values()
    assert (row.key, row.provider, row.due) == (Key(K.COMMISSIONER_REPLY, 1), None, day("2024-06-30"))
    assert [row.late_on(day(text)) for text in ("2024-06-29", "2024-06-30", "2024-07-01")] == [False, False, True]
    replied = case(referral("2024-03-01"), fact("2024-06-28", "commissioner_replied"), programme="LOCAL")
    [row] = wanted(replied, "2024-08-01").values()
    assert row.met_on == day("2024-06-28")


@pytest.mark.rule("LOKA-5")
def test_other_sources_get_no_reply_and_a_second_assignment_gets_its_own() -> None:
    for source in ("EB", "SELF", "KAA", "OTHER"):
        assert wanted(case(referral("2024-03-01", source), programme="LOCAL"), "2024-05-01") == {}
    twice = case(
        referral("2024-03-01"),
        fact("2024-06-28", "commissioner_replied"),
        referral("2024-09-01", "AF_JOB", "2024-12-31"),
        programme="LOCAL",
    )
    rows = wanted(twice, "2024-10-01")
    assert [(key.sequence, row.met_by is not None) for key, row in rows.items()] == [(1, True), (2, False)]


@pytest.mark.rule("LOKA-37")
def test_each_follow_up_of_a_subsidised_employment_is_reported_to_the_employment_service() -> None:
    def step(on: str, which: str, subsidy: str = "S1") -> dict[str, Any]:
        return fact(on, "subsidy_step", subsidy=subsidy, step=which)

    facts = [
        step("2024-05-01", "FOLLOWED_UP"),
        step("2024-05-02", "FOLLOWED_UP", "S2"),
        step("2024-05-10", "REPORTED_TO_AF"),
        step("2024-06-01", "FOLLOWED_UP"),
    ]
    rows = wanted(case(*facts, programme="LOCAL"), "2024-07-01", settings(subsidy_report__due_days=14))
    assert {key.sequence: (row.about, row.due, row.met_on) for key, row in rows.items()} == {
        5: ("S1", day("2024-05-15"), day("2024-05-10")),
        6: ("S2", day("2024-05-16"), None),
        8: ("S1", day("2024-06-15"), None),
    }
    assert [row.due for row in wanted(case(facts[0], programme="LOCAL"), "2024-07-01").values()] == [None]


# --- where it stands: the table of 8.3 ------------------------------------------------------------------------

#: every pair that the table of rulebook 8.3 has; all others are refused
TABLE = {
    (S.EXPECTED, Trigger.SAVE): S.DRAFT,
    (S.DRAFT, Trigger.SAVE): S.DRAFT,
    (S.OVERDUE, Trigger.SAVE): S.DRAFT,
    (S.RETURNED, Trigger.SAVE): S.DRAFT,
    (S.DRAFT, Trigger.SUBMIT): S.SUBMITTED,
    (S.OVERDUE, Trigger.SUBMIT): S.SUBMITTED,
    (S.EXPECTED, Trigger.DUE_PASSED): S.OVERDUE,
    (S.DRAFT, Trigger.DUE_PASSED): S.OVERDUE,
    (S.SUBMITTED, Trigger.RETURN): S.RETURNED,
    (S.SUBMITTED, Trigger.APPROVE): S.APPROVED,
}


@pytest.mark.parametrize(("state", "trigger"), list(product(S, Trigger)), ids=str)
def test_every_pair_of_state_and_trigger_leads_where_the_table_says_or_nowhere(state: S, trigger: Trigger) -> None:
    assert move(state, trigger) is TABLE.get((state, trigger))
    assert len(MOVES) == len(TABLE)


def test_nothing_leads_out_of_approved() -> None:
    assert not [pair for pair in MOVES if pair[0] is S.APPROVED]


def stands(row: Expected | None, one: Saved | None, on: str) -> Standing:
    [found] = standing([row] if row else [], [one] if one else [], day(on))
    return found


ROW = Expected(Key(K.MONTHLY, 1), "alfa", day("2024-03-15"), day("2024-04-19"), ("AMI-8.1-c",))
MET = Expected(Key(K.MONTHLY, 1), "alfa", day("2024-03-15"), day("2024-04-19"), (), None, "f1", day("2024-04-16"))


def saved(state: ReportState, provider: str = "alfa", version: int = 0) -> Saved:
    return Saved(ROW.key, state, provider, version)


@pytest.mark.parametrize(
    ("row", "one", "on", "state", "overdue"),
    [
        (ROW, None, "2024-04-19", S.EXPECTED, False),
        (ROW, None, "2024-04-20", S.OVERDUE, True),
        (ROW, saved(S.DRAFT), "2024-04-19", S.DRAFT, False),
        (ROW, saved(S.DRAFT), "2024-04-20", S.OVERDUE, True),
        (ROW, saved(S.RETURNED, version=1), "2024-04-20", S.RETURNED, True),
        (ROW, saved(S.SUBMITTED, version=1), "2024-04-20", S.SUBMITTED, False),
        (MET, saved(S.SUBMITTED, version=1), "2024-04-20", S.SUBMITTED, False),
        (MET, saved(S.APPROVED, version=1), "2024-04-20", S.APPROVED, False),
        (MET, None, "2024-04-20", S.SUBMITTED, False),
        (MET, saved(S.DRAFT), "2024-04-20", S.SUBMITTED, False),
        (None, saved(S.DRAFT), "2024-04-20", S.DRAFT, False),
        (None, saved(S.SUBMITTED, version=1), "2024-04-20", S.SUBMITTED, False),
    ],
)
def test_a_report_stands_where_facts_what_is_saved_and_the_day_put_it(
    row: Expected | None, one: Saved | None, on: str, state: S, overdue: bool
) -> None:
    found = stands(row, one, on)
    assert (found.state, found.overdue, found.provider) == (state, overdue, "alfa")


def test_the_draft_of_a_provider_that_has_the_client_no_longer_is_nobodys() -> None:
    found = stands(ROW, saved(S.DRAFT, "beta"), "2024-04-01")
    assert (found.state, found.provider, found.saved) == (S.EXPECTED, "alfa", None)
    # what it submitted stays its own
    found = stands(ROW, saved(S.RETURNED, "beta", version=1), "2024-04-01")
    assert (found.state, found.provider) == (S.RETURNED, "beta")


# --- what a submission must hold --------------------------------------------------------------------------------


def missing(
    one: Case, key: Key, on: str, contents: dict[str, Any], *codes: C, of: RuleSettings = DEFAULT
) -> list[Lack]:
    row = wanted(one, on, of)[key]
    return list(lacks(row, Submission(contents, frozenset(codes)), one, of, day(on)))


MONTHLY = {"progression": "forwards", "extent_pct": 100}


@pytest.mark.rule("AMI-8.1-c", "AMI-8.1-d")
def test_a_monthly_report_tells_of_progression_and_extent_and_gives_a_deviation_its_reason() -> None:
    plan = Plan(50, 5, (Step(day("2024-05-15"), 75),))
    stepped, first, third = case(plan=plan), Key(K.MONTHLY, 1), Key(K.MONTHLY, 3)
    assert missing(stepped, first, "2024-04-14", MONTHLY | {"extent_pct": 50}) == []
    short = missing(stepped, first, "2024-04-14", MONTHLY | {"extent_pct": 49})
    assert [(lack.path, lack.rules) for lack in short] == [("contents.deviation_reason", ("AMI-8.1-d",))]
    assert missing(stepped, first, "2024-04-14", MONTHLY | {"extent_pct": 49, "deviation_reason": "x"}) == []
    assert [lack.path for lack in missing(stepped, first, "2024-04-14", {"progression": "  "})] == [
        "contents.progression",
        "contents.extent_pct",
    ]
    # from the day of the step on the plan says more
    assert missing(stepped, third, "2024-06-14", MONTHLY | {"extent_pct": 50})
    assert missing(stepped, third, "2024-06-14", MONTHLY | {"extent_pct": 75}) == []
    assert missing(case(plan=Plan()), first, "2024-04-14", {"progression": "x"}) == []


def placement(on: str, hours: int, schedule: str = "mornings", workplace: str = "W1") -> dict[str, Any]:
    agreement = {"schedule": schedule, "tasks": "stock", "follow_up": "weekly"}
    signatures = ["CLIENT", "PROVIDER", "EMPLOYER"]
    return fact(
        on,
        "placement_started",
        workplace=workplace,
        hours_per_week=hours,
        signatures=signatures,
        agreement=agreement,
    )


@pytest.mark.rule("AMI-6.3.1-d")
def test_a_changed_tripartite_agreement_goes_with_the_report_of_its_month() -> None:
    changed = case(placement("2024-04-02", 10), placement("2024-05-15", 20))
    for key, needed in ((Key(K.MONTHLY, 2), False), (Key(K.MONTHLY, 3), True), (Key(K.MONTHLY, 4), False)):
        found = missing(changed, key, "2024-07-10", MONTHLY)
        assert [(lack.path, lack.rules) for lack in found] == ([("attachments", ("AMI-6.3.1-d",))] if needed else [])
    assert missing(changed, Key(K.MONTHLY, 3), "2024-07-10", MONTHLY, C.OTHER)
    assert missing(changed, Key(K.MONTHLY, 3), "2024-07-10", MONTHLY, C.TRIPARTITE_AGREEMENT) == []


@pytest.mark.rule("AMI-6.3.1-d")
def test_what_is_a_change_of_an_agreement() -> None:
    first = placement("2024-04-02", 10)
    assert agreement_changes(case(first)) == ()
    assert agreement_changes(case(first, placement("2024-05-02", 10))) == ()
    assert agreement_changes(case(first, placement("2024-05-02", 10, "evenings"))) == (day("2024-05-02"),)
    assert agreement_changes(case(first, placement("2024-05-02", 20, workplace="W2"))) == ()
    ended = fact("2024-05-01", "placement_ended", workplace="W1")
    assert agreement_changes(case(first, ended, placement("2024-05-02", 20))) == ()


@pytest.mark.rule("AMI-10.1-c")
def test_a_premium_follow_up_says_yes_or_no() -> None:
    ended, key = case(exited("2024-06-20")), Key(K.PREMIUM_FOLLOWUP, 5)
    assert [lack.path for lack in missing(ended, key, "2024-08-01", {})] == ["contents.continues"]
    assert missing(ended, key, "2024-08-01", {"continues": False}) == []


FINAL = Key(K.FINAL, 1)


def final(kind: str, *codes: C, of: RuleSettings = DEFAULT, **more: Any) -> list[str]:
    """What is missing of a final report with this exit: `path rule`."""
    contents = {"on": day("2024-06-20"), "kind": ExitKind(kind), **more}
    found = missing(case(), FINAL, "2024-06-20", contents, *codes, of=of)
    return [f"{lack.path} {lack.rules[0]}" for lack in found]


@pytest.mark.rule("AMI-9.2-b", "AMI-9-f")
def test_a_final_report_of_work_has_contract_and_certificate_or_either_where_one_is_enough() -> None:
    assert final("WORK_FULL_TIME") == ["attachments AMI-9.2-b"]
    assert final("WORK_FULL_TIME", C.EMPLOYMENT_CONTRACT) == ["attachments AMI-9.2-b"]
    assert final("WORK_FULL_TIME", C.EMPLOYMENT_CERTIFICATE) == ["attachments AMI-9.2-b"]
    assert final("WORK_FULL_TIME", C.EMPLOYMENT_CERTIFICATE, C.EMPLOYMENT_CONTRACT) == []
    either = settings(evidence__work__required="EITHER")
    assert final("WORK_FULL_TIME", C.EMPLOYMENT_CONTRACT, of=either) == []
    assert final("WORK_FULL_TIME", C.OTHER, of=either) == ["attachments AMI-9.2-b"]


@pytest.mark.rule("AMI-9-g")
def test_hourly_work_is_shown_by_contract_or_certificate() -> None:
    assert final("WORK_HOURLY_FULL_TIME") == ["attachments AMI-9.2-b"]
    assert final("WORK_HOURLY_FULL_TIME", C.EMPLOYMENT_CONTRACT) == []
    assert final("WORK_HOURLY_FULL_TIME", C.EMPLOYMENT_CERTIFICATE) == []


@pytest.mark.rule("AMI-9-h", "AMI-9.3.6-b")
def test_a_final_report_of_studies_has_a_study_certificate_and_says_whether_the_household_will_manage() -> None:
    assert final("STUDY_FULL_TIME") == ["contents.self_support_secured AMI-9.3.6-b", "attachments AMI-9-h"]
    for kind in ("STUDY_FULL_TIME", "STUDY_START_SUPPORT_FULL_TIME", "STUDY_MIN_HALF_TIME"):
        assert final(kind, C.STUDY_CERTIFICATE, self_support_secured=False) == [], kind
    # the trial calculation is welcome, and not asked for
    assert final("STUDY_FULL_TIME", C.STUDY_CERTIFICATE, C.TRIAL_CALCULATION, self_support_secured=True) == []


@pytest.mark.parametrize("kind", ["WORK_UNDER_HALF_TIME", "BENEFIT_TEMPORARY", "PERIOD_ENDED", "OWN_BUSINESS"])
def test_other_exits_need_no_evidence_with_the_final_report(kind: str) -> None:
    assert final(kind) == []


def test_a_final_report_names_the_exit_and_a_day_that_has_come() -> None:
    assert [lack.path for lack in missing(case(), FINAL, "2024-06-20", {})] == ["contents.on", "contents.kind"]
    assert final("PERIOD_ENDED", on=day("2024-06-21")) == ["contents.on AMI-8.2-c"]
    assert final("PERIOD_ENDED", on=day("2024-06-19")) == []


@pytest.mark.rule("AMI-10.2-c", "AMI-9-g")
def test_a_certificate_certifies_and_proves_what_it_says_is_covered() -> None:
    ended, key = case(exited("2024-06-20")), Key(K.SIX_MONTH_CERTIFICATE, 1)
    assert [lack.path for lack in missing(ended, key, "2024-12-20", {})] == ["contents.certified"]
    assert missing(ended, key, "2024-12-20", {"certified": True}) == []
    cover = {"certified": True, "covers_until": day("2024-12-19")}
    assert [lack.rules for lack in missing(ended, key, "2024-12-20", cover)] == [("AMI-9-g",)]
    assert missing(ended, key, "2024-12-20", cover, C.EMPLOYMENT_CONTRACT) == []


@pytest.mark.rule("LOKA-5", "LOKA-37")
def test_a_reply_answers_and_a_follow_up_of_a_subsidy_says_what_it_showed() -> None:
    asked = case(
        referral("2024-03-01"), fact("2024-05-01", "subsidy_step", subsidy="S1", step="FOLLOWED_UP"), programme="LOCAL"
    )
    reply, subsidy = Key(K.COMMISSIONER_REPLY, 1), Key(K.SUBSIDY_FOLLOWUP, 6)
    assert [lack.path for lack in missing(asked, reply, "2024-06-01", {"answer": " "})] == ["contents.answer"]
    assert missing(asked, reply, "2024-06-01", {"answer": "yes"}) == []
    assert [lack.path for lack in missing(asked, subsidy, "2024-06-01", {})] == ["contents.summary"]
    assert missing(asked, subsidy, "2024-06-01", {"summary": "well"}) == []


# --- approval ----------------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.1-e")
def test_a_deviation_waits_for_the_decision_about_an_extra_meeting_on_that_month() -> None:
    key, less = Key(K.MONTHLY, 2), {"progression": "x", "extent_pct": 60, "deviation_reason": "x"}
    assert undecided_deviation(key, less, case(), DEFAULT)
    for outcome in ("WAIT_FOR_ORDINARY", "EXTRA_MEETING"):
        reviewed = case(fact("2024-05-16", "deviation_reviewed", month=2, outcome=outcome))
        assert not undecided_deviation(key, less, reviewed, DEFAULT)
        assert undecided_deviation(Key(K.MONTHLY, 3), less, reviewed, DEFAULT)
    assert not undecided_deviation(key, MONTHLY, case(), DEFAULT)
    assert undecided_deviation(key, MONTHLY | {"deviation_reason": "in words"}, case(), DEFAULT)
    assert not undecided_deviation(Key(K.PREMIUM_FOLLOWUP, 5), {"continues": False}, case(), DEFAULT)


def test_the_plan_of_the_description_goes_before_the_one_registered() -> None:
    described = fact("2024-03-20", "described", plan={"extent_pct": 25, "step_up": []})
    assert planned_extent(case(), day("2024-04-15")) == 100
    assert planned_extent(case(described), day("2024-04-15")) == 25
    assert planned_extent(case(programme="AMI_1"), day("2024-04-15")) is None
    assert deviates({"extent_pct": 24}, 25)
    assert not deviates({"extent_pct": 25}, 25)


# --- what it states -----------------------------------------------------------------------------------------------


def stated(one: Case, key: Key, on: str, contents: dict[str, Any], *codes: C) -> Any:
    row = wanted(one, on)[key]
    return statement(row, Submission(contents, frozenset(codes)), one, DEFAULT, day(on), ("d-1",))


def test_each_kind_states_its_fact() -> None:
    today = day("2024-06-20")
    asked = [referral("2024-03-16"), fact("2024-05-01", "subsidy_step", subsidy="S1", step="FOLLOWED_UP")]
    kind, on, fields = stated(case(), Key(K.MONTHLY, 2), "2024-06-20", MONTHLY | {"implementation_plan": "x"})
    assert (kind, on, fields) == (
        FactKind.MONTHLY_REPORT,
        today,
        {"month": 2, "attachments": ["d-1"], "extent_pct": 100},
    )
    kind, on, fields = stated(case(*asked), Key(K.COMMISSIONER_REPLY, 1), "2024-06-20", {"answer": "x"})
    assert (kind, on, fields) == (FactKind.COMMISSIONER_REPLIED, today, {})
    kind, on, fields = stated(case(*asked), Key(K.SUBSIDY_FOLLOWUP, 6), "2024-06-20", {"summary": "x"})
    assert (kind, fields) == (FactKind.SUBSIDY_STEP, {"subsidy": "S1", "step": "REPORTED_TO_AF"})
    ended = case(exited("2024-06-20"))
    kind, on, fields = stated(ended, Key(K.PREMIUM_FOLLOWUP, 5), "2024-08-01", {"continues": True, "comment": "x"})
    assert (kind, fields) == (FactKind.PREMIUM_FOLLOW_UP, {"month": 5, "continues": True})
    kind, on, fields = stated(ended, Key(K.SIX_MONTH_CERTIFICATE, 1), "2024-12-20", {"certified": True}, C.CSN_GRANT)
    assert (kind, fields) == (FactKind.BONUS_CLAIMED, {"certified": True, "documents": ["CSN_GRANT"]})


def test_a_final_report_states_the_exit_on_its_own_day_with_its_evidence_unless_it_is_stated() -> None:
    contents = {"on": day("2024-06-18"), "kind": "PERIOD_ENDED", "summary": "x", "self_support_secured": True}
    codes = (C.EMPLOYMENT_CONTRACT, C.TRIPARTITE_AGREEMENT)
    kind, on, fields = stated(case(), FINAL, "2024-06-20", contents, *codes)
    assert (kind, on) == (FactKind.EXITED, day("2024-06-18"))
    assert fields == {"kind": "PERIOD_ENDED", "documents": ["FINAL_REPORT", "EMPLOYMENT_CONTRACT"]}
    assert stated(case(exited("2024-06-18", documents=[])), FINAL, "2024-06-20", contents) is None


# --- in time --------------------------------------------------------------------------------------------------------

LIVES = st.sampled_from(
    [
        (),
        (exited("2024-06-20"),),
        (exited("2024-06-20", documents=[]), broke_off("2024-09-20")),
        (exited("2024-06-20"), broke_off("2024-08-01"), fact("2024-08-10", "resumed", provider="beta")),
        (exited("2024-06-20"), fact("2024-08-14", "premium_follow_up", month=5, continues=True), claim("2024-12-20")),
        (exited("2024-06-20", "OWN_BUSINESS"), manual("2024-06-25", "BONUS", False)),
        (fact("2024-04-14", "monthly_report", month=1), placement("2024-04-20", 10)),
        (referral("2024-03-16"),),
        (fact("2024-05-20", "provider_switch", provider="beta", approved=True),),
    ]
)
WHERE = st.sampled_from(["AMI_1", "AMI_2"])
DUE = settings(monthly_report__due_day=5, bonus__claim_deadline_months=2)


@given(life=LIVES, programme=WHERE, offset=st.integers(-5, 700))
def test_what_is_overdue_changes_on_no_day_that_was_not_foretold(
    life: tuple[dict[str, Any], ...], programme: str, offset: int
) -> None:
    one, today = case(*life, programme=programme), day(D) + timedelta(days=offset)

    def overdue(on: date) -> set[Key]:
        return {row.key for row in standing(expected(one, DUE, on), (), on) if row.overdue}

    foretold = outlook(one, DUE, today)[1]
    tomorrow = today + timedelta(days=1)
    if not overdue(tomorrow) <= overdue(today):
        assert foretold == tomorrow
    assert foretold is None or foretold > today


@given(life=LIVES, programme=WHERE, offset=st.integers(-5, 700))
def test_a_report_is_expected_once_from_its_day_and_never_due_before_it(
    life: tuple[dict[str, Any], ...], programme: str, offset: int
) -> None:
    # the judge takes no resumption into effect after the end, and AMI 1 has ended by then
    assume(programme == "AMI_2" or not any(row["fact"] == "resumed" for row in life))
    one, today = case(*life, programme=programme), day(D) + timedelta(days=offset)
    rows = expected(one, DUE, today)
    assert len({row.key for row in rows}) == len(rows)
    for row in rows:
        assert row.opens_on <= today
        assert row.due is None or row.due >= row.opens_on
        assert (row.met_by is None) == (row.met_on is None)
