"""The shared reading of facts in time: anchor, end, months, who is in charge, exits, evidence, claims."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from kundval_contracts.calendar import Period, add_days, add_months
from kundval_contracts.case import Case
from kundval_contracts.codes import DecisionAbout, Document, Programme
from kundval_contracts.facts import load_fact
from kundval_contracts.settings import RuleSettings, SettingsFault, read_settings
from kundval_contracts.timeline import Timeline

BENEFITS = ["BENEFIT_TEMPORARY", "BENEFIT_OTHER_PUBLIC"]

Row = dict[str, Any]
WORK = [Document.EMPLOYMENT_CONTRACT.value, Document.EMPLOYMENT_CERTIFICATE.value]


def d(text: str) -> date:
    return date.fromisoformat(text)


def on(day: str, kind: str, /, **fields: Any) -> Row:
    return {"on": day, "fact": kind, **fields}


def reading(programme: str, rows: Iterable[Row], settings: dict[str, Any] | None = None) -> Timeline:
    facts = (load_fact(row, place) for place, row in enumerate(rows))
    return Timeline(Case("A-001", Programme(programme)).having(facts), RuleSettings(read_settings(settings or {})))


def ami2(*rows: Row, settings: dict[str, Any] | None = None, started: str = "2024-03-28", **decided: Any) -> Timeline:
    return reading("AMI_2", [*_start("2024-03-15", started, decided), *rows], settings)


def ami1(*rows: Row, settings: dict[str, Any] | None = None, day: str = "2025-03-03", **decided: Any) -> Timeline:
    return reading("AMI_1", [*_start(day, day, decided), *rows], settings)


def _start(day: str, started: str, decided: dict[str, Any]) -> list[Row]:
    return [
        on(day, "decided", **decided),
        on(day, "provider_chosen", provider="alfa"),
        on(day, "accepted"),
        on(started, "started"),
    ]


def work(day: str, kind: str = "WORK_FULL_TIME", /, **fields: Any) -> Row:
    given: Row = {"kind": kind, "first_day": day, "workplace": "W1", "extent_pct": 100, "documents": WORK}
    return on(day, "exited", **{**given, **fields})


# --- anchor, end, months -----------------------------------------------------------------------------


@pytest.mark.rule("AMI-8-c", "AMI-7-b")
@pytest.mark.parametrize(
    ("timeline", "end"),
    [
        (ami2(), "2025-03-15"),
        (ami2(end_date="2024-12-01"), "2024-12-01"),
        (ami2(settings={"ami2.length": 10}), "2025-01-15"),
        (ami2(settings={"intervention.anchor": "START_UP"}), "2025-03-28"),
        (ami1(), "2025-06-01"),
        (ami1(settings={"ami1.length_unit": "MONTHS_3"}), "2025-06-03"),
        (ami1(day="2025-02-01"), "2025-05-02"),
        (ami1(day="2025-02-01", settings={"ami1.length_unit": "MONTHS_3"}), "2025-05-01"),
        (ami1(day="2024-12-01"), "2025-03-01"),
    ],
)
def test_the_end_is_that_of_the_decision_or_of_the_programme(timeline: Timeline, end: str) -> None:
    assert timeline.end == d(end)
    assert timeline.last_covered_day == add_days(d(end), -1)


def test_without_a_decision_there_is_nothing_to_count_from() -> None:
    timeline = reading("AMI_2", [])
    assert (timeline.anchor, timeline.end, timeline.month_count(d("2025-01-01")), timeline.active) == (
        None,
        None,
        0,
        (),
    )
    with pytest.raises(ValueError, match="no anchor"):
        timeline.month(1)
    with pytest.raises(ValueError, match="no anchor"):
        timeline.month_of(d("2025-01-01"))


@pytest.mark.parametrize(
    ("timeline", "number", "start", "end"),
    [
        (ami2(), 4, "2024-06-15", "2024-07-15"),
        (ami1(), 2, "2025-04-02", "2025-05-02"),
        (ami1(settings={"ami1.length_unit": "MONTHS_3"}), 2, "2025-04-03", "2025-05-03"),
        (ami1(settings={"month.unit": "ANNIVERSARY"}), 2, "2025-04-03", "2025-05-03"),
        (ami2(settings={"month.unit": "DAYS_30"}), 2, "2024-04-14", "2024-05-14"),
        (ami2(settings={"month.unit": "CALENDAR"}), 1, "2024-03-15", "2024-04-01"),
        (ami2(settings={"month.unit": "CALENDAR"}), 12, "2025-02-01", "2025-03-01"),
    ],
)
def test_months_in_each_unit(timeline: Timeline, number: int, start: str, end: str) -> None:
    month = timeline.month(number)
    assert month == Period(d(start), d(end))
    assert [timeline.month_of(day) for day in (month.start, month.last_day)] == [number, number]
    assert timeline.month_of(month.end) == number + 1
    assert timeline.month_of(d("2020-01-01")) == 1


@pytest.mark.rule("AMI-7-b", "AMI-8-c")
@pytest.mark.parametrize("unit", ["BY_PROGRAMME", "ANNIVERSARY", "CALENDAR", "DAYS_30"])
def test_a_programme_of_its_own_length_has_twelve_or_three_months_in_every_unit(unit: str) -> None:
    for day in ("2025-03-03", "2025-02-01", "2024-12-31", "2024-08-31"):
        assert ami1(day=day, settings={"month.unit": unit}).month_count(d("2030-01-01")) == 3
    assert ami2(settings={"month.unit": unit}).month_count(d("2024-04-01")) == 12


@pytest.mark.parametrize(
    ("end_date", "count"), [("2024-04-15", 1), ("2024-04-16", 2), ("2025-03-15", 12), ("2025-03-16", 13)]
)
def test_another_end_date_has_the_months_that_start_before_it(end_date: str, count: int) -> None:
    assert ami2(end_date=end_date).month_count(d("2024-04-01")) == count


def test_jobbpeng_counts_anniversary_months_from_the_start_without_an_end() -> None:
    rows = _start("2024-05-02", "2024-05-06", {})
    timeline = reading("JOBBPENG_BASIC", rows, {"month.unit": "DAYS_30", "exit_date.basis": "FIRST_DAY"})
    assert (timeline.anchor, timeline.end) == (d("2024-05-06"), None)
    assert timeline.month(2) == Period(d("2024-06-06"), d("2024-07-06"))
    assert [timeline.month_count(d(day)) for day in ("2024-06-05", "2024-06-06")] == [1, 2]


# --- who is in charge --------------------------------------------------------------------------------


def test_the_last_choice_before_the_start_is_in_charge() -> None:
    timeline = reading(
        "AMI_2",
        [
            on("2024-03-15", "decided"),
            on("2024-03-16", "provider_chosen", provider="alfa"),
            on("2024-03-18", "declined", provider="alfa"),
            on("2024-03-19", "provider_chosen", provider="beta"),
            on("2024-03-28", "started"),
            on("2024-05-01", "provider_chosen", provider="gamma"),  # moves nothing by itself (reading 20)
        ],
    )
    assert timeline.provider_on(d("2024-03-18")) is None
    assert [timeline.provider_on(d(day)) for day in ("2024-03-28", "2024-06-01")] == ["beta", "beta"]


@pytest.mark.rule("NACKA-14")
@pytest.mark.parametrize(("day", "provider"), [("2024-05-31", "alfa"), ("2024-06-01", "beta"), ("2024-06-02", "beta")])
def test_an_approved_switch_counts_from_its_day(day: str, provider: str) -> None:
    timeline = ami2(on("2024-06-01", "provider_switch", provider="beta", approved=True))
    assert timeline.provider_on(d(day)) == provider


@pytest.mark.rule("NACKA-14")
def test_a_switch_that_is_not_approved_counts_from_a_persons_approval() -> None:
    asked = on("2024-06-01", "provider_switch", provider="beta", approved=False)
    approved = on("2024-06-10", "manual_decision", about="SWITCH", approved=True)
    refused = on("2024-06-10", "manual_decision", about="SWITCH", approved=False)
    days = [d("2024-06-09"), d("2024-06-10")]
    assert [ami2(asked, approved).provider_on(day) for day in days] == ["alfa", "beta"]
    assert [ami2(asked, refused).provider_on(day) for day in days] == ["alfa", "alfa"]
    assert [ami2(asked).provider_on(day) for day in days] == ["alfa", "alfa"]


# --- exits, activity ---------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.1-d")
def test_each_exit_knows_its_break_off_and_resumption() -> None:
    timeline = ami2(
        work("2024-06-20"),
        on("2024-09-01", "broke_off"),
        on("2024-09-05", "broke_off"),
        on("2024-09-10", "resumed", provider="beta"),
        work("2025-01-20"),
    )
    first, second = timeline.exits
    assert (first.provider, second.provider) == ("alfa", "beta")
    assert first.break_off is not None
    assert first.resumed is not None
    assert (first.break_off.on, first.resumed.on) == (d("2024-09-01"), d("2024-09-10"))
    assert (second.break_off, second.resumed) == (None, None)
    assert timeline.active == (
        Period(d("2024-03-28"), d("2024-06-21")),
        Period(d("2024-09-10"), d("2025-01-21")),
    )
    assert timeline.exit_before(d("2024-06-20")) is None
    assert timeline.exit_before(d("2024-06-21")) == first
    assert timeline.exit_before(d("2025-01-21")) == second


def test_the_intervention_runs_through_the_exit_day_and_never_beyond_the_end() -> None:
    assert ami2().active == (Period(d("2024-03-28"), d("2025-03-15")),)
    assert ami2(work("2025-03-15")).active == (Period(d("2024-03-28"), d("2025-03-15")),)
    assert ami2(started="2025-03-20").active == (Period(d("2025-03-20"), d("2025-03-20")),)
    late_start = work("2024-06-20", first_day="2024-06-24")
    assert ami2(late_start).active[0].last_day == d("2024-06-20")
    assert ami2(late_start, settings={"exit_date.basis": "FIRST_DAY"}).active[0].last_day == d("2024-06-24")


@pytest.mark.rule("AMI-9-b")
@pytest.mark.parametrize(
    ("first_day", "anchor", "settle"),
    [
        ("2024-08-31", "MAX_EXIT_WORK", "2025-02-28"),
        ("2024-09-02", "MAX_EXIT_WORK", "2025-03-02"),
        ("2024-08-01", "MAX_EXIT_WORK", "2025-02-28"),
        ("2024-09-02", "EXIT", "2025-02-28"),
        ("2024-08-01", "WORK", "2025-02-01"),
    ],
)
def test_the_settle_date_is_six_months_after_the_later_of_exit_and_first_day(
    first_day: str, anchor: str, settle: str
) -> None:
    timeline = ami2(work("2024-08-31", first_day=first_day), settings={"sustainability.anchor": anchor})
    assert timeline.window(timeline.exits[0]).end == d(settle)


@pytest.mark.rule("AMI-10.2-a")
@pytest.mark.parametrize(
    ("convention", "days"),
    [
        ("EXCLUSIVE", [True, True, False, False]),
        ("INCLUSIVE_BEFORE", [True, False, False, False]),
        ("INCLUSIVE_COUNTS", [True, True, True, False]),
    ],
)
def test_in_time_by_the_convention_for_the_end_date(convention: str, days: list[bool]) -> None:
    said = []
    for shift in (-2, -1, 0, 1):
        timeline = ami2(
            work(add_days(d("2025-03-15"), shift).isoformat()), settings={"end_date.convention": convention}
        )
        said.append(timeline.in_time(timeline.exits[0]))
    assert said == days


@pytest.mark.rule("AMI-10.2-b")
@pytest.mark.parametrize(
    ("day", "exit_day", "expected"),
    [
        ("2025-03-03", "2025-05-31", False),
        ("2025-03-03", "2025-06-01", True),
        ("2025-03-03", "2025-06-02", True),
        ("2025-03-03", "2025-06-03", False),
        ("2025-02-01", "2025-04-30", False),
        ("2025-02-01", "2025-05-01", True),
        ("2025-02-01", "2025-05-02", False),
        ("2024-12-01", "2025-02-28", False),
        ("2024-12-01", "2025-03-01", False),
    ],
)
def test_a_boundary_case_is_where_ninety_days_and_three_months_disagree(
    day: str, exit_day: str, expected: bool
) -> None:
    rows = work(exit_day)
    assert ami1(rows, day=day).boundary(ami1(rows, day=day).exits[0]) is expected
    for settled in (
        ami1(rows, day=day, settings={"ami1.length_unit": "MONTHS_3"}),
        ami1(rows, day=day, end_date=exit_day),
    ):
        assert settled.boundary(settled.exits[0]) is False


def test_ami_2_has_no_boundary_case() -> None:
    timeline = ami2(work("2025-03-15"))
    assert timeline.boundary(timeline.exits[0]) is False


# --- decisions, claims, documents, hourly work -------------------------------------------------------


def test_a_decision_belongs_to_the_exit_it_follows() -> None:
    rows = [
        on("2024-06-19", "manual_decision", about="BONUS", approved=False),
        work("2024-06-20"),
        on("2024-06-20", "manual_decision", about="BONUS", approved=True),
        on("2024-09-01", "broke_off"),
        on("2024-09-10", "resumed", provider="alfa"),
        work("2025-01-20"),
        on("2025-01-20", "manual_decision", about="BONUS", approved=False),
    ]
    first, second = ami2(*rows).exits
    timeline = ami2(*rows)
    approved, refused = (
        timeline.decision_for(first, DecisionAbout.BONUS),
        timeline.decision_for(second, DecisionAbout.BONUS),
    )
    assert approved is not None
    assert refused is not None
    assert (approved.on, refused.on) == (d("2024-06-20"), d("2025-01-20"))
    assert timeline.decision_for(first, DecisionAbout.BOUNDARY) is None


def claimed(day: str, **fields: Any) -> Row:
    return on(day, "bonus_claimed", certified=True, **fields)


@pytest.mark.rule("AMI-10.2-c", "AMI-9-b")
def test_claims_count_from_the_settle_date() -> None:
    timeline = ami2(work("2024-06-20"), claimed("2024-12-19"), claimed("2024-12-20"), claimed("2025-06-01"))
    assert [claim.on for claim in timeline.claims(timeline.exits[0])] == [d("2024-12-20"), d("2025-06-01")]


def two_exits(*rows: Row) -> Timeline:
    """The first exit is sustained (settle date 2024-12-20); the second has its settle date on 2025-08-20."""
    return ami2(
        work("2024-06-20"),
        on("2025-01-10", "broke_off"),
        on("2025-01-12", "resumed", provider="beta"),
        work("2025-02-20"),
        *rows,
    )


@pytest.mark.parametrize(("day", "owner"), [("2025-08-19", 0), ("2025-08-20", 1)])
def test_a_claim_belongs_to_the_first_exit_until_the_second_can_be_claimed(day: str, owner: int) -> None:
    timeline = two_exits(claimed(day))
    assert [len(timeline.claims(one)) for one in timeline.exits] == [1 - owner, owner]


def test_an_exit_that_was_claimed_keeps_its_later_claims() -> None:
    timeline = two_exits(claimed("2025-03-01"), claimed("2025-09-01"))
    assert len(timeline.claims(timeline.exits[0])) == 2


def test_a_second_exit_that_failed_takes_no_claims() -> None:
    timeline = two_exits(on("2025-04-01", "broke_off"), claimed("2025-09-01"))
    assert [claim.on for claim in timeline.claims(timeline.exits[0])] == [d("2025-09-01")]


def test_a_second_exit_that_came_too_late_takes_no_claims() -> None:
    timeline = ami2(
        work("2024-06-20"),
        on("2025-01-10", "broke_off"),
        on("2025-01-12", "resumed", provider="beta"),
        work("2025-03-15"),
        claimed("2025-09-15"),
    )
    assert [len(timeline.claims(one)) for one in timeline.exits] == [1, 1]


@pytest.mark.rule("AMI-9.2-b", "AMI-9-h")
@pytest.mark.parametrize(
    ("kind", "documents", "missing"),
    [
        ("WORK_FULL_TIME", [], ["EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"]),
        ("WORK_FULL_TIME", ["FINAL_REPORT", "EMPLOYMENT_CONTRACT"], ["EMPLOYMENT_CERTIFICATE"]),
        ("WORK_MIN_HALF_TIME", WORK, []),
        ("WORK_HOURLY_FULL_TIME", ["EMPLOYMENT_CONTRACT"], []),
        ("WORK_HOURLY_FULL_TIME", ["EMPLOYMENT_CERTIFICATE"], []),
        ("WORK_HOURLY_FULL_TIME", ["FINAL_REPORT"], ["EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"]),
        ("STUDY_FULL_TIME", [], ["STUDY_CERTIFICATE"]),
        ("STUDY_START_SUPPORT_FULL_TIME", ["STUDY_CERTIFICATE"], ["CSN_GRANT"]),
        ("STUDY_MIN_HALF_TIME", ["STUDY_CERTIFICATE"], ["HOUSEHOLD_INCOME_PROOF"]),
        ("OWN_BUSINESS", [], []),
    ],
)
def test_the_evidence_of_each_kind_of_exit(kind: str, documents: list[str], missing: list[str]) -> None:
    timeline = ami2(work("2024-06-20", kind, documents=documents))
    (one,) = timeline.exits
    assert [document.value for document in timeline.missing_documents(one)] == missing
    assert timeline.documents_complete_on(one) == (None if missing else d("2024-06-20"))


def test_claims_complete_the_evidence() -> None:
    rows = [claimed("2024-12-20", documents=WORK[:1]), claimed("2025-01-10", documents=WORK[1:])]
    timeline = ami2(work("2024-06-20", documents=[]), *rows)
    assert timeline.documents_complete_on(timeline.exits[0]) == d("2025-01-10")
    either = ami2(work("2024-06-20", documents=[]), *rows, settings={"evidence.work.required": "EITHER"})
    assert either.documents_complete_on(either.exits[0]) == d("2024-12-20")


@pytest.mark.rule("AMI-9-g")
@pytest.mark.parametrize(
    ("fields", "proof", "covered"),
    [
        ({"contract_until": "2024-12-31"}, None, "2024-07-01"),
        ({"hourly_cover_until": "2024-12-31"}, None, "2024-07-01"),
        ({"contract_until": "2024-12-30"}, None, None),
        ({}, None, None),
        ({"contract_until": "2024-11-30"}, "2024-12-30", None),
        ({"contract_until": "2024-11-30"}, "2024-12-31", "2025-01-05"),
    ],
)
def test_hourly_work_is_covered_up_to_the_day_before_the_settle_date(
    fields: Row, proof: str | None, covered: str | None
) -> None:
    timeline = ami2(work("2024-07-01", "WORK_HOURLY_FULL_TIME", **fields), claimed("2025-01-05", covers_until=proof))
    assert timeline.hourly_covered_on(timeline.exits[0]) == (d(covered) if covered else None)


@pytest.mark.rule("AMI-9-f", "AMI-9-g")
@pytest.mark.parametrize(
    ("until", "at_least", "longer"),
    [("2024-12-18", False, False), ("2024-12-19", True, False), ("2024-12-20", True, True)],
)
def test_a_contract_must_cover_six_months_or_more_than_six(until: str, at_least: bool, longer: bool) -> None:
    for comparison, expected in (("GTE", at_least), ("GT", longer)):
        settings = {"sustainability.comparison": comparison}
        timeline = ami2(work("2024-06-20", contract_until=until), settings=settings)
        assert timeline.qualifies(timeline.exits[0]).ok is expected
        hourly = ami2(work("2024-06-20", "WORK_HOURLY_FULL_TIME", contract_until=until), settings=settings)
        assert hourly.qualifies(hourly.exits[0]).ok
        assert (hourly.hourly_covered_on(hourly.exits[0]) is not None) is expected


@pytest.mark.rule("AMI-9-e")
@pytest.mark.parametrize(
    ("broken", "at_least", "longer"),
    [("2024-12-19", True, True), ("2024-12-20", False, True), ("2024-12-21", False, False)],
)
def test_a_break_off_before_the_settle_date(broken: str, at_least: bool, longer: bool) -> None:
    for comparison, expected in (("GTE", at_least), ("GT", longer)):
        timeline = ami2(work("2024-06-20"), on(broken, "broke_off"), settings={"sustainability.comparison": comparison})
        assert timeline.broke_off_before_settle(timeline.exits[0]) is expected


def test_the_reading_agrees_with_the_month_lengths_it_is_built_on() -> None:
    timeline = ami2()
    assert [timeline.month(n).start for n in range(1, 13)] == [add_months(d("2024-03-15"), n) for n in range(12)]


@pytest.mark.rule("AMI-9-j")
def test_a_municipality_may_name_further_kinds_of_exit_that_do_not_count() -> None:
    timeline = ami2(work("2024-06-20"), settings={"benefits.not_counting": [*BENEFITS, "WORK_FULL_TIME"]})
    assert timeline.qualifies(timeline.exits[0]).ok is False
    assert ami2(work("2024-06-20")).qualifies(timeline.exits[0]).ok is True


@pytest.mark.parametrize("codes", [[], ["BENEFIT_TEMPORARY"], [*BENEFITS, "LOTTERY"]])
def test_benefits_never_count_and_a_list_of_others_must_be_exit_kinds(codes: list[str]) -> None:
    with pytest.raises(SettingsFault, match=r"benefits\.not_counting: must be exit kinds"):
        read_settings({"benefits.not_counting": codes})
