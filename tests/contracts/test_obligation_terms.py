"""The terms of the kinds of obligation: the file is whole and checked, reminders and escalations have their days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from kundval_contracts.answer import CASELOAD_KINDS, Obligation, answer
from kundval_contracts.codes import ObligationKind, ObligationState, Role
from kundval_contracts.obligations import foreseen, read, terms
from kundval_contracts.settings import RuleSettings, read_settings

WHOLE = {"rules": ["AMI-3-c"], "responsible": "PROVIDER", "planned_by": ["started"], "met_by": ["plan_done"]}


def settings(**given: Any) -> RuleSettings:
    return RuleSettings(read_settings(given))


def obligation(kind: ObligationKind = ObligationKind.PLACEMENT, **fields: Any) -> Obligation:
    day = date(2024, 4, 12)
    given = {"due": day, "overdue_after": day, "state": ObligationState.OPEN, "responsible": Role.PROVIDER, **fields}
    return Obligation(assignment="A-1", kind=kind, sequence=1, met_on=None, rules=(), **given)


def test_every_kind_has_terms_in_the_order_of_the_codes() -> None:
    assert list(terms()) == list(ObligationKind)
    assert all(one.rules and one.planned_by and one.met_by for one in terms().values())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rules": ["AMI-99"]}, "no rule AMI-99"),
        ({"met_by": ["nothing"]}, "no fact nothing"),
        ({"responsible": "NOBODY"}, "NOBODY"),
        ({"tolerance": "no.such"}, "no setting no.such"),
        ({"tolerance": -1}, "tolerance must be"),
        ({"remind_days": True}, "remind_days must be"),
        ({"escalation": [{"to": "CAREER_GUIDE"}]}, "a step names"),
        ({"escalation": [{"to": "CAREER_GUIDE", "after_days": 1, "after_workdays": 1}]}, "a step names"),
        ({"colour": "red"}, "unknown key colour"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(wrong: dict[str, Any], said: str) -> None:
    assert read(ObligationKind.MAPPING_AND_PLAN, WHOLE).rules == ("AMI-3-c",)
    with pytest.raises(ValueError, match=said):
        read(ObligationKind.MAPPING_AND_PLAN, {**WHOLE, **wrong})


@pytest.mark.rule("AMI-8.3-a", "AMI-3-c", "AMI-8.2-a")
def test_a_reminder_goes_before_and_the_career_guide_hears_on_the_first_day_of_the_delay() -> None:
    found = foreseen(obligation(), settings())
    assert found.remind_on == date(2024, 4, 5)
    assert found.escalation == ((Role.CAREER_GUIDE, date(2024, 4, 13)), (Role.TEAM_MANAGER, date(2024, 4, 26)))


def test_working_days_of_an_escalation_leave_out_holidays_where_the_municipality_says_so() -> None:
    late = obligation(due=date(2024, 4, 26), overdue_after=date(2024, 4, 26))
    for calendar, day in (("WEEKDAYS", date(2024, 5, 10)), ("SWEDISH", date(2024, 5, 14))):
        assert foreseen(late, settings(**{"workdays.calendar": calendar})).escalation[1][1] == day


def test_who_answers_is_no_step_of_the_escalation() -> None:
    found = foreseen(obligation(responsible=Role.CAREER_GUIDE), settings())
    assert [to for to, _ in found.escalation] == [Role.TEAM_MANAGER]


@pytest.mark.parametrize("state", [ObligationState.MET, ObligationState.CANCELLED])
def test_of_what_is_settled_nothing_is_foreseen(state: ObligationState) -> None:
    found = foreseen(obligation(state=state), settings())
    assert (found.remind_on, found.escalation) == (None, ())


def test_without_a_due_day_nothing_is_foreseen() -> None:
    assert foreseen(obligation(due=None, overdue_after=None), settings()).escalation == ()


# --- what the caseload format shows of them ----------------------------------------------------------


def notice(kind: str, *rules: str) -> dict[str, Any]:
    return {"assignment": "A-1", "kind": kind, "to": "PROVIDER", "on": "2024-05-01", "rules": list(rules)}


def test_the_caseload_format_has_its_own_kinds_and_no_others() -> None:
    everything = [obligation(kind).as_json() for kind in ObligationKind]
    found = answer(date(2024, 5, 1), (), (), everything, (), ())["obligations"]
    assert {row["kind"] for row in found} == {kind.value for kind in CASELOAD_KINDS}
    assert len(CASELOAD_KINDS) == 17


def test_fields_that_only_the_service_shows_are_left_out() -> None:
    shown = {**obligation().as_json(), "remind_on": "2024-04-05", "escalation": []}
    assert answer(date(2024, 5, 1), (), (), [shown], (), ())["obligations"] == [obligation().as_json()]


def test_notices_about_other_kinds_are_left_out_and_all_others_stay() -> None:
    rows = [
        notice("OBLIGATION_OVERDUE", "AMI-3-a"),
        notice("OBLIGATION_OVERDUE", "AMI-7.3-d"),
        notice("OBLIGATION_DUE_SOON", "LOKA-5"),
        notice("OBLIGATION_OVERDUE", "AF-SOM-19"),
        notice("PERIOD_ENDED", "AMI-7-b"),
    ]
    found = answer(date(2024, 5, 1), (), (), (), rows, ())["notices"]
    assert sorted(row["rules"][0] for row in found) == ["AF-SOM-19", "AMI-3-a", "AMI-7-b"]


def test_no_rule_tells_both_of_a_kind_of_the_format_and_of_another_that_is_told_in_the_same_way() -> None:
    known = {one for kind in CASELOAD_KINDS for one in terms()[kind].rules}
    others = [terms()[kind] for kind in ObligationKind if kind not in CASELOAD_KINDS]
    assert not {one for row in others if row.told for one in row.rules} & known
    assert replace(terms()[ObligationKind.BOOK_MEETING]).told is False
