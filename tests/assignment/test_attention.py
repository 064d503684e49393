"""What a case worker should look at: each kind when it is so, and not a day before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kundval_assignment.domain import judge
from kundval_assignment.domain.attention import Attention, attention
from kundval_assignment.domain.state import must_choose_anew
from kundval_contracts.codes import AttentionKind, Programme
from tests.acceptance.builders import eb_paid, exited, fact

from . import lives
from .lives import ACTIVE, AGREEMENT, SIGNED, D, live, person
from .own_profiles import changed

ALWAYS_BUSY = fact("2024-05-05", "activity_held", activity="our-own", category="COACH")


def look(*facts: Any, today: str, before: Any = ACTIVE, **more: Any) -> dict[str, Attention]:
    found = live([*before, *facts], today, **more)
    assert found.rejections == ()
    seen = attention(found.after, found.terms, date.fromisoformat(today))
    assert list(seen) == sorted(seen, key=lambda one: (one.since, one.kind.value))
    return {one.kind.value: one for one in seen}


def placed(on: str, **fields: Any) -> dict[str, Any]:
    row = {"workplace": "W9", "hours_per_week": "20", "signatures": SIGNED, "agreement": AGREEMENT}
    return fact(on, "placement_started", **{**row, **fields})


def test_an_assignment_in_order_wants_no_looking_at() -> None:
    assert look(ALWAYS_BUSY, today="2024-05-10") == {}


@pytest.mark.rule("AMI-1.3.2-a")
@pytest.mark.parametrize(
    ("checks", "receives_eb", "seen"),
    [
        ([("2024-05-06", False)], True, "2024-05-06"),
        ([("2024-05-06", True)], True, None),
        ([("2024-05-06", False), ("2024-05-08", True)], True, None),
        ([("2024-05-06", True), ("2024-05-08", False)], True, "2024-05-08"),
        ([("2024-05-06", False)], False, None),
        ([], True, None),
    ],
)
def test_a_client_on_assistance_who_is_no_longer_registered_at_af(
    checks: list[tuple[str, bool]], receives_eb: bool, seen: str | None
) -> None:
    facts = [
        ALWAYS_BUSY,
        fact("2024-05-05", "circumstances_changed", receives_eb=receives_eb),
        *(fact(day, "af_registration_checked", registered=yes) for day, yes in checks),
    ]
    one = look(*facts, today="2024-05-10").get("AF_REGISTRATION_MISSING")
    assert (None if one is None else str(one.since)) == seen


@pytest.mark.rule("AMI-3-e")
@pytest.mark.parametrize(("today", "seen"), [("2024-06-04", False), ("2024-06-05", True), ("2024-06-06", True)])
def test_a_month_with_neither_placement_nor_activity(today: str, seen: bool) -> None:
    found = look(ALWAYS_BUSY, today=today)
    assert ("NEITHER_PLACEMENT_NOR_ACTIVITY" in found) is seen
    assert not seen or str(found["NEITHER_PLACEMENT_NOR_ACTIVITY"].since) == "2024-06-05"


@pytest.mark.rule("AMI-3-e")
def test_a_placement_or_attendance_is_something_and_absence_is_not() -> None:
    assert "NEITHER_PLACEMENT_NOR_ACTIVITY" not in look(placed("2024-04-10"), today="2024-09-01")
    group = fact("2024-04-15", "activity_planned", activity="esl", category="EQUIP", group=True)
    for attended in (True, False):
        there = fact("2024-05-20", "group_attendance", activity="esl", session="1", attended=attended)
        assert ("NEITHER_PLACEMENT_NOR_ACTIVITY" in look(group, there, today="2024-06-10")) is not attended
    assert "NEITHER_PLACEMENT_NOR_ACTIVITY" not in look(today="2025-01-01", before=lives.SUSTAINABILITY)


AMI_1 = tuple(one for one in ACTIVE if one["fact"] != "described")


def practice(*facts: Any, today: str = "2024-05-20", **fields: Any) -> set[str]:
    row = placed("2024-05-14", **{"kind": "PRACTICE", **fields})
    found = look(*facts, row, today=today, before=AMI_1, programme="AMI_1", who=person(work_ability_pct=100))
    return set(found) - {"PRACTICE_NOT_FOLLOWED_UP"}


GOOD = {"until": "2024-06-10", "hire_intended": True, "judged_needed_by": "PROVIDER"}


@pytest.mark.rule("AMI-7.3-c")
@pytest.mark.parametrize(("until", "seen"), [("2024-06-12", False), ("2024-06-13", False), ("2024-06-14", True)])
def test_practice_in_ami_1_that_ends_after_the_intervention(until: str, seen: bool) -> None:
    """D + 90 days is 13 June, the first day after both if practice runs `until` it."""
    assert practice(**{**GOOD, "until": until}) == ({"PRACTICE_BEYOND_END"} if seen else set())


@pytest.mark.rule("AMI-7.3-c")
@pytest.mark.parametrize(("intended", "seen"), [(True, False), (False, True), (None, True)])
def test_practice_whose_employer_does_not_intend_to_hire(intended: bool | None, seen: bool) -> None:
    fields = {key: value for key, value in GOOD.items() if key != "hire_intended"}
    if intended is not None:
        fields["hire_intended"] = intended
    assert practice(**fields) == ({"HIRING_NOT_INTENDED"} if seen else set())


@pytest.mark.rule("AMI-7.3-a", "AMI-7.3-b")
@pytest.mark.parametrize(
    ("judged_by", "stated", "seen"),
    [
        ("PROVIDER", None, False),
        ("CAREER_GUIDE", None, False),
        (None, True, False),
        (None, False, True),
        (None, None, True),
    ],
)
def test_practice_that_nobody_has_judged_needed(judged_by: str | None, stated: bool | None, seen: bool) -> None:
    fields = {key: value for key, value in GOOD.items() if key != "judged_needed_by"}
    if judged_by:
        fields["judged_needed_by"] = judged_by
    facts = [] if stated is None else [fact("2024-05-02", "described", practice_needed=stated)]
    assert practice(*facts, **fields) == ({"PRACTICE_NOT_JUDGED_NEEDED"} if seen else set())


@pytest.mark.rule("AMI-7.3-c")
def test_work_training_and_practice_in_ami_2_are_no_matter_for_that() -> None:
    assert practice(kind="WORK_TRAINING") == set()
    assert look(placed("2024-05-14", kind="PRACTICE", until="2026-01-01"), today="2024-05-20") == {}


@pytest.mark.rule("AMI-7.3-d")
@pytest.mark.parametrize(
    ("contacts", "seen"),
    [
        # the last whole week before Monday 27 May is that from 20 to 26 May
        ([("2024-05-20", "CLIENT"), ("2024-05-26", "WORKPLACE")], False),
        ([("2024-05-20", "CLIENT")], True),
        ([("2024-05-26", "WORKPLACE")], True),
        ([("2024-05-19", "CLIENT"), ("2024-05-20", "WORKPLACE")], True),
        ([("2024-05-20", "CLIENT"), ("2024-05-27", "WORKPLACE")], True),
    ],
)
def test_practice_is_followed_up_with_client_and_employer_each_week(contacts: list[Any], seen: bool) -> None:
    facts = [placed("2024-05-14", kind="PRACTICE", **GOOD), *(fact(day, "contact", party=who) for day, who in contacts)]
    found = look(*facts, today="2024-05-27", before=AMI_1, programme="AMI_1", who=person(work_ability_pct=100))
    assert ("PRACTICE_NOT_FOLLOWED_UP" in found) is seen


STATED = fact("2024-04-03", "described", work_training_stated=True)


@pytest.mark.rule("AMI-6-a")
@pytest.mark.parametrize(
    ("stated", "place", "reason", "seen"),
    [
        (True, None, None, True),
        (True, None, "none found", False),
        (True, "2024-05-14", None, False),
        (True, "2024-05-15", None, False),
        (True, "2024-05-16", None, True),
        (False, None, None, False),
    ],
)
def test_a_report_without_a_placement_says_why_where_work_training_is_stated(
    stated: bool, place: str | None, reason: str | None, seen: bool
) -> None:
    facts = [
        *([STATED] if stated else []),
        ALWAYS_BUSY,
        *([placed(place)] if place else []),
        fact("2024-05-15", "monthly_report", month=2, deviation_reason=reason),
    ]
    assert ("NO_PLACEMENT_AND_NO_REASON" in look(*facts, today="2024-05-20")) is seen


@pytest.mark.rule("AMI-8.1-e")
def test_a_report_that_deviates_waits_for_the_career_guide() -> None:
    report = fact("2024-07-20", "monthly_report", month=2, extent_pct=40, deviation_reason="ill")
    review = fact("2024-07-21", "deviation_reviewed", month=2, outcome="EXTRA_MEETING")
    assert str(look(report, today="2024-07-20")["DEVIATION_TO_REVIEW"].since) == "2024-07-20"
    assert "DEVIATION_TO_REVIEW" not in look(report, review, today="2024-07-21")
    other = [{**report, "month": 3}, {**review, "month": 3}]
    assert "DEVIATION_TO_REVIEW" in look(report, *other, today="2024-07-21")
    assert "DEVIATION_TO_REVIEW" not in look({**report, "deviation_reason": None, "extent_pct": 50}, today="2024-07-21")


@pytest.mark.rule("LOKA-5")
@pytest.mark.parametrize(("today", "seen"), [("2024-08-31", False), ("2024-09-01", True), ("2024-09-02", True)])
def test_the_commissioner_has_an_answer_by_the_end_of_the_assignment(today: str, seen: bool) -> None:
    asked = fact("2024-02-01", "referred", source="FK", commission_end="2024-09-01", commission_question="q")
    assert ("COMMISSIONER_WAITS" in look(before=[asked], today=today)) is seen
    assert look(fact("2024-08-30", "commissioner_replied"), before=[asked], today=today) == {}
    rejected = [asked, *lives.REJECTED[1:]]
    assert ("COMMISSIONER_WAITS" in look(before=rejected, today=today)) is seen


@pytest.mark.rule("AMI-9.3.6-a")
@pytest.mark.parametrize(
    ("kind", "fields", "seen"),
    [
        ("STUDY_FULL_TIME", {}, True),
        ("STUDY_MIN_HALF_TIME", {"extent_pct": 50}, True),
        ("STUDY_UNDER_HALF_TIME", {"extent_pct": 40}, True),
        ("STUDY_START_SUPPORT_FULL_TIME", {}, False),
        ("STUDY_START_SUPPORT_PART_TIME", {"extent_pct": 75}, False),
        ("WORK_FULL_TIME", {}, False),
    ],
)
def test_assistance_beside_studies_is_looked_at_but_for_study_start_support(
    kind: str, fields: dict[str, Any], seen: bool
) -> None:
    gone = exited("2024-08-26", kind, **fields)
    paid = eb_paid("2024-10-01", "2024-11-01", "HOUSEHOLD")
    assert ("ASSISTANCE_WHILE_STUDYING" in look(gone, paid, today="2024-12-01")) is seen
    assert "ASSISTANCE_WHILE_STUDYING" not in look(gone, today="2024-12-01")


@pytest.mark.rule("AMI-9.3.6-a")
@pytest.mark.parametrize(
    ("start", "end", "seen"),
    [("2024-07-26", "2024-08-26", False), ("2024-07-27", "2024-08-27", True), ("2025-02-26", "2025-03-26", False)],
)
def test_assistance_before_or_long_after_the_studies_began_is_no_matter(start: str, end: str, seen: bool) -> None:
    found = look(exited("2024-08-26", "STUDY_FULL_TIME"), eb_paid(start, end), today="2025-04-01")
    assert ("ASSISTANCE_WHILE_STUDYING" in found) is seen


@pytest.mark.rule("LOKA-25", "NACKA-13")
@pytest.mark.parametrize(
    ("days", "checked", "today", "due"),
    [
        (14, None, "2024-04-03", None),
        (14, None, "2024-04-04", "2024-04-03"),
        (14, "2024-04-02", "2024-04-16", None),
        (14, "2024-04-02", "2024-04-17", "2024-04-16"),
        (None, None, "2024-12-01", None),
    ],
)
def test_check_ins_recur_where_the_profile_sets_an_interval(
    tmp_path: Path, days: int | None, checked: str | None, today: str, due: str | None
) -> None:
    facts = [
        fact(D, "decided"),
        fact(D, "unit_assigned", unit="pou"),
        fact("2024-03-20", "started"),
        *([fact(checked, "check_in", contributions=["SUPERVISOR"])] if checked else []),
    ]
    interval = '"unset"' if days is None else str(days)
    with changed(tmp_path, "kungsbacka", ('checkin_interval_days = "unset"', f"checkin_interval_days = {interval}")):
        found = look(before=facts, today=today, programme="LOCAL", municipality="kungsbacka")
        ami = look(ALWAYS_BUSY, today="2024-06-01", municipality="kungsbacka")
    one = found.get("CHECK_IN_DUE")
    assert (None if one is None else str(one.since)) == due
    assert "CHECK_IN_DUE" not in ami


@pytest.mark.rule("LOKA-26")
def test_a_check_in_keeps_who_contributed_and_tells_no_reflection() -> None:
    row = fact("2024-05-06", "check_in", contributions=["SUPERVISOR", "JOB_COACH"], reflection="more hours soon")
    kept = live([*ACTIVE, row]).in_effect[-1]
    assert kept["contributions"] == ["SUPERVISOR", "JOB_COACH"]


@pytest.mark.rule("NACKA-16")
@pytest.mark.parametrize(("today", "seen"), [("2024-05-14", False), ("2024-05-15", True), ("2024-05-16", True)])
def test_a_client_whose_provider_is_no_longer_authorised_chooses_anew(today: str, seen: bool) -> None:
    rows = [*ACTIVE, ALWAYS_BUSY]
    tenant = lives.tenant(today=today)
    alfa = replace(tenant.providers["alfa"], deauthorised={Programme.AMI_2: date(2024, 5, 15)})
    tenant = replace(tenant, providers={**tenant.providers, "alfa": alfa})
    found = judge(lives.case(rows), person(), tenant)
    assert found.rejections == ()
    assert must_choose_anew(found.after, found.terms) is seen
    assert found.state == ("SWITCHING" if seen else "ACTIVE")
    assert found.changes_on == (date(2025, 3, 15) if seen else date(2024, 5, 15))
    kinds = {one.kind for one in attention(found.after, found.terms, date.fromisoformat(today))}
    assert (AttentionKind.MUST_CHOOSE_ANEW in kinds) is seen
    again = [*rows, fact(today, "provider_switch", provider="beta", approved=True)]
    assert judge(lives.case(again), person(), tenant).state == "ACTIVE"


@pytest.mark.rule("AF-SOM-34")
@pytest.mark.parametrize(
    ("today", "answered", "since"),
    [
        ("2024-05-05", None, None),
        ("2024-05-06", None, "2024-05-06"),
        ("2024-05-09", None, "2024-05-06"),
        ("2024-05-09", ("2024-05-09", "TRACK"), None),
        ("2024-05-08", ("2024-05-09", "TRACK"), "2024-05-06"),
        ("2024-05-09", ("2024-05-09", "SUBSIDY"), "2024-05-06"),
    ],
)
def test_what_waits_for_the_employment_service_is_known_with_its_first_day(
    today: str, answered: tuple[str, str] | None, since: str | None
) -> None:
    facts = [fact("2024-05-06", "waiting_for_af", what="TRACK"), fact("2024-05-07", "waiting_for_af", what="TRACK")]
    if answered is not None:
        facts.append(fact(answered[0], "af_answered", what=answered[1]))
    one = look(ALWAYS_BUSY, *facts, today=today).get("WAITING_FOR_AF")
    assert (None if one is None else str(one.since)) == since
