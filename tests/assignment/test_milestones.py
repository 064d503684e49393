"""Transitions that no fact states: when they are told, with what, and when no longer (rulebook 8.1)."""

from __future__ import annotations

from typing import Any

import pytest

from kundval_assignment.domain import milestones
from kundval_contracts.codes import ExitKind
from kundval_contracts.events import EVENTS
from kundval_contracts.exits import EXITS, counts_as_self_support_loka
from tests.acceptance.builders import broke_off, claim, eb_paid, exited, fact, manual

from . import lives
from .lives import ACTIVE, EXIT, live, person


def told(*facts: Any, before: Any = ACTIVE, today: str | None = None, **more: Any) -> dict[str, Any]:
    rows = [*before, *facts]
    found = live(rows, today, **more)
    assert found.rejections == ()
    hold = milestones(found.after, found.terms)
    for key, data in hold.items():
        name = key.partition(":")[0]
        assert EVENTS[f"assignment.{name}"].schema.validate({"assignment": "A-1", "revision": 1, **data}) == {}
    return {key.partition(":")[0]: data for key, data in hold.items()}


def test_most_of_the_way_there_is_nothing_to_tell_beside_the_facts() -> None:
    for facts in (lives.REFERRED, lives.ASSESSED, lives.DECIDED, lives.ACCEPTED, ACTIVE, lives.SWITCHING):
        assert told(before=facts) == {}


@pytest.mark.rule("AMI-3.2-a")
def test_too_few_hours_ask_for_a_new_assessment_sm_a14() -> None:
    low = fact("2024-05-06", "hours_reported", hours_per_week="9.5")
    assert told(low) == {"reassessment_requested": {"cause": "TOO_FEW_HOURS", "on": "2024-05-06"}}
    assert told({**low, "hours_per_week": "10.0"}) == {}
    assert told(low, fact("2024-05-13", "hours_reported", hours_per_week="10")) == {}
    assert told(low, fact("2024-05-13", "reassessed", outcome="NO_CHANGE")) == {}


@pytest.mark.rule("AMI-7-c")
def test_an_obstacle_asks_for_a_new_assessment_sm_a14() -> None:
    found = fact("2024-05-06", "obstacle_found")
    assert told(found) == {"reassessment_requested": {"cause": "OBSTACLE", "on": "2024-05-06"}}
    low = fact("2024-05-07", "hours_reported", hours_per_week="5")
    assert told(found, low)["reassessment_requested"] == {"cause": "OBSTACLE", "on": "2024-05-06"}


@pytest.mark.rule("AMI-7-c")
def test_the_request_stands_while_a_switch_waits_for_approval() -> None:
    found = fact("2024-05-06", "obstacle_found")
    switch = fact("2024-05-07", "provider_switch", provider="beta", approved=False)
    assert told(found, switch)["reassessment_requested"]["on"] == "2024-05-06"


def test_who_is_not_relevant_or_not_eligible_ends_before_a_decision_sm_a4() -> None:
    ended = {"ended_before_decision": {"state": "REJECTED"}}
    assert told(before=lives.REJECTED) == ended
    by_hand = [*lives.IN_ASSESSMENT, fact("2024-02-12", "rejected", reason="CLIENT_WITHDREW")]
    assert told(before=by_hand) == ended
    found = live([*lives.ASSESSED, fact(lives.D, "decided", reason="r")], who=person(work_ability_pct=24))
    assert milestones(found.after, found.terms) == ended
    waiting = live([*lives.ASSESSED, fact(lives.D, "decided", reason="r")], who=person(af_registered=False))
    assert milestones(waiting.after, waiting.terms) == {}


@pytest.mark.parametrize(("today", "over"), [("2025-03-14", False), ("2025-03-15", True), ("2025-06-01", True)])
def test_a_period_that_has_run_out_is_told_sm_a22(today: str, over: bool) -> None:
    assert told(today=today) == ({"period_ended": {"on": "2025-03-15"}} if over else {})
    assert "period_ended" not in told(before=lives.SUSTAINABILITY, today=today)


@pytest.mark.rule("AMI-9-a", "AMI-10-a")
def test_a_qualifying_exit_is_told_with_its_month_and_settle_date_sm_a20() -> None:
    assert told(exited(EXIT))["exit_qualified"] == {
        "exit": str(len(ACTIVE)),
        "on": "2024-06-20",
        "first_day": "2024-06-20",
        "kind": "WORK_FULL_TIME",
        "month": 4,
        "settle_on": "2024-12-20",
    }
    later = told(exited(EXIT, first_day="2024-07-01"))["exit_qualified"]
    assert (later["first_day"], later["settle_on"]) == ("2024-07-01", "2025-01-01")


@pytest.mark.rule("AMI-9-a")
@pytest.mark.parametrize(
    ("day", "month"), [("2024-09-14", 6), ("2024-09-15", 7), ("2025-03-14", 12), ("2025-03-15", None)]
)
def test_an_exit_in_time_qualifies_and_one_on_the_end_does_not(day: str, month: int | None) -> None:
    found = told(exited(day))
    if month is None:
        assert found == {"exit_not_qualified": {"exit": str(len(ACTIVE)), "on": day, "kind": "WORK_FULL_TIME"}}
    else:
        assert found["exit_qualified"]["month"] == month


@pytest.mark.rule("AMI-9-j", "LOKA-46", "LOKA-47")
@pytest.mark.parametrize("kind", [one for one in ExitKind if EXITS[one].family == "OTHER"])
def test_a_benefit_or_another_end_gives_neither_premium_nor_bonus_sm_a21(kind: ExitKind) -> None:
    more = {"next_intervention": "A-2"} if kind is ExitKind.OTHER_INTERVENTION else {}
    found = told(exited(EXIT, kind.value, **more))
    assert found == {"exit_not_qualified": {"exit": str(len(ACTIVE)), "on": EXIT, "kind": kind.value}}
    assert counts_as_self_support_loka(kind) is kind.value.startswith("BENEFIT")


def test_what_waits_for_a_person_is_told_as_neither() -> None:
    pending = lives.EXITED_PENDING_REVIEW
    assert told(before=pending) == {}
    for approved, name in ((True, "exit_qualified"), (False, "exit_not_qualified")):
        assert set(told(manual("2024-07-01", "BONUS", approved), before=pending)) == {name}


def test_assistance_within_the_six_months_blocks_the_bonus_sm_a26() -> None:
    for start, end, blocked in (
        ("2024-05-20", "2024-06-20", False),
        ("2024-05-21", "2024-06-21", True),
        ("2024-12-19", "2025-01-19", True),
        ("2024-12-20", "2025-01-20", False),
    ):
        found = told(eb_paid(start, end), before=lives.SUSTAINABILITY)
        assert ("bonus_blocked" in found) is blocked
        assert "exit_qualified" in found
    start_support = [*ACTIVE, exited(EXIT, "STUDY_START_SUPPORT_FULL_TIME")]
    assert "bonus_blocked" not in told(eb_paid("2024-08-01", "2024-09-01", "HOUSEHOLD"), before=start_support)


@pytest.mark.rule("AMI-10.1-a", "AMI-9-b", "AMI-10.2-c")
@pytest.mark.parametrize(("today", "settled"), [("2025-03-14", False), ("2025-03-15", True)])
def test_premium_over_and_bonus_decided_is_settled_sm_a27(today: str, settled: bool) -> None:
    found = told(claim("2024-12-20"), before=lives.SUSTAINABILITY, today=today)
    assert found.get("settled") == ({"on": "2025-03-15"} if settled else None)
    late = told(claim("2025-05-01"), before=lives.SUSTAINABILITY, today="2025-05-01")
    assert late["settled"] == {"on": "2025-05-01"}
    assert "settled" not in told(before=lives.SUSTAINABILITY, today=today)


def test_who_does_not_come_back_is_settled_sm_a25() -> None:
    assert "settled" in told(fact("2024-09-10", "not_resumed"), before=lives.BROKEN_OFF)
    assert "settled" in told(before=lives.BROKEN_OFF, today="2025-03-15")
    assert "settled" not in told(before=lives.BROKEN_OFF, today="2025-03-14")


def test_each_exit_of_an_assignment_is_told_for_itself() -> None:
    again = [*lives.BROKEN_OFF, fact("2024-09-10", "resumed", provider="beta"), exited("2025-01-20")]
    found = live(again)
    hold = milestones(found.after, found.terms)
    exits = {data["exit"]: data for key, data in hold.items() if key.startswith("exit_qualified:")}
    assert [one["on"] for one in exits.values()] == ["2024-06-20", "2025-01-20"]
    assert [one["month"] for one in exits.values()] == [4, 11]


def test_a_replacement_is_told_as_an_exit_that_does_not_qualify_sm_a16() -> None:
    replaced = fact("2024-05-20", "reassessed", outcome="REPLACE", next_intervention="A-2")
    found = told(replaced, before=lives.REASSESSMENT)
    assert found["exit_not_qualified"]["kind"] == "OTHER_INTERVENTION"
    assert set(found) == {"exit_not_qualified"}


def test_off_the_road_the_same_is_told() -> None:
    kinds = ("decided", "results_shown", "provider_chosen", "accepted", "started")
    begin = [one for one in ACTIVE if one["fact"] in kinds]
    assert "exit_qualified" in told(exited(EXIT), before=begin)
    assert told(broke_off("2024-09-01"), before=[*begin, exited(EXIT)], today="2024-09-02").keys() == {"exit_qualified"}
