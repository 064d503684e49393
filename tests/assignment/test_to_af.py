"""Messages to the employment service without a database: their tables, their days, their states."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_assignment.domain import to_af
from kundval_assignment.domain.to_af import FEEDBACK, Act, Wanted, move
from kundval_contracts.af.outgoing import CONTENTS, code_lists, in_transit, messages, read_content
from kundval_contracts.codes import AfCodeList, AfDispatchState, AfFeedbackKind, AfMessage
from kundval_contracts.errors import InvalidRequest
from tests.acceptance.builders import exited, fact

from .lives import case, tenant

S, A, M = AfDispatchState, Act, AfMessage
FINAL, PLANNING = messages()[M.FINAL], messages()[M.JOINT_PLANNING]


def day(text: str) -> date:
    return date.fromisoformat(text)


# --- tables ----------------------------------------------------------------------------------------------


def test_every_kind_of_message_has_a_schema_and_its_terms() -> None:
    assert set(CONTENTS) == set(messages()) == set(AfMessage)


def test_the_numbers_are_those_of_the_employment_service() -> None:
    assert list(code_lists()[AfCodeList.ACTIVITY]) == list(range(175, 188))
    assert sorted(code_lists()[AfCodeList.ABSENCE]) == [15, 16, 17, 18, 26, 27]
    assert sorted(code_lists()[AfCodeList.DEVIATION]) == [18, 19, 20, 21, 22, 28]


PLAN: dict[str, Any] = {
    "order": "O-1",
    "planned_on": "2021-03-03",
    "activities": [{"activity": 175, "name": "Coaching", "description": None}],
}
VISIT = {"on": "2021-05-01", "place": "School"}
REPORT: dict[str, Any] = {"order": "O-1", "main_goal": "Work", "steps": ["One"]}


@pytest.mark.parametrize(
    ("kind", "raw", "path"),
    [
        (M.JOINT_PLANNING, {**PLAN, "activities": [{"activity": 174, "name": "x"}]}, "content.activities[0].activity"),
        (M.JOINT_PLANNING, {**PLAN, "activities": []}, "content.activities"),
        (M.DEVIATION, {"order": "O-1", "since": "2021-03-03"}, "content.absence"),
        (M.DEVIATION, {"order": "O-1", "since": "2021-03-03", "absence": 15, "deviation": 19}, "content.absence"),
        (M.DEVIATION, {"order": "O-1", "since": "2021-03-03", "absence": 19}, "content.absence"),
        (M.DEVIATION, {"order": "O-1", "since": "2021-03-03", "absence": 15, "until": "2021-03-03"}, "content.until"),
        (M.PERIODIC, {"order": "O-1", "since": "2021-03-03", "until": "2021-03-03", "text": "x"}, "content.until"),
        (M.FINAL, {**REPORT, "study_visits": [VISIT] * 8}, "content.study_visits"),
        (M.FINAL, {**REPORT, "late": False}, "content.late"),
        (M.COORDINATOR_HANDOFF, {"goals": "a fourth thing"}, "content.goals"),
        (M.COMMISSION_REPLY, {"reply": ""}, "content.reply"),
    ],
)
def test_a_content_that_is_none_of_its_kind_is_refused_by_the_field(
    kind: AfMessage, raw: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidRequest) as wrong:
        read_content(kind, raw)
    assert [fault["path"] for fault in wrong.value.faults] == [path]


def test_seven_study_visits_and_every_number_pass() -> None:
    read_content(M.FINAL, {**REPORT, "study_visits": [VISIT] * 7})
    for number in range(175, 188):
        read_content(M.JOINT_PLANNING, {**PLAN, "activities": [{"activity": number, "name": "x"}]})
    for field, codes in (("absence", AfCodeList.ABSENCE), ("deviation", AfCodeList.DEVIATION)):
        for number in code_lists()[codes]:
            read_content(M.DEVIATION, {"order": "O-1", "since": "2021-03-03", field: number})


@pytest.mark.rule("AMI-2.2-c")
def test_the_coordinator_is_told_three_fields_and_no_more() -> None:
    told = in_transit(
        M.COORDINATOR_HANDOFF,
        client="199010102383",
        content={"intervention": "AMI_2", "goals": "Work", "and": "more"},
        number="a-1_0",
        late=True,
        window=1,
    )
    assert told == {"client": "199010102383", "intervention": "AMI_2", "goals": "Work"}


# --- days ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "due"),
    [
        ("2021-03-01", "2021-03-08"),  # Monday: the next Monday
        ("2021-03-05", "2021-03-12"),
        ("2021-03-06", "2021-03-12"),  # from a Saturday on
        ("2021-03-31", "2021-04-09"),  # Good Friday and Easter Monday between
        ("2021-06-18", "2021-06-28"),  # Midsummer Eve is a Friday
        ("2021-12-17", "2021-12-27"),  # Christmas Eve is a Friday
        ("2021-12-27", "2022-01-04"),  # New Year's Eve is a Friday
    ],
)
def test_joint_planning_is_late_after_five_working_days(since: str, due: str) -> None:
    found = to_af.due_on(PLANNING, day(since))
    assert found == day(due)
    one = timedelta(days=1)
    late = [to_af.is_late(found, day(due) + shift) for shift in (-one, timedelta(0), one)]
    assert late == [False, False, True]


def test_without_a_deadline_nothing_is_late() -> None:
    assert to_af.due_on(messages()[M.DEVIATION], day("2021-03-01")) is None
    assert not to_af.is_late(None, date.max)


@pytest.mark.parametrize(
    ("on", "window"),
    [
        ("2021-02-27", 1),  # before it has ended
        ("2021-03-01", 1),
        ("2021-03-02", 1),  # working day 1
        ("2021-03-05", 1),  # 4
        ("2021-03-07", 1),  # a Sunday: still 4
        ("2021-03-08", 2),  # 5
        ("2021-03-29", 2),  # 20
        ("2021-03-30", 3),  # 21
        ("2121-03-30", 3),
    ],
)
def test_a_final_report_falls_in_the_window_of_its_working_day(on: str, window: int) -> None:
    assert to_af.window_of(FINAL, day("2021-03-01"), day(on)) == window
    assert to_af.is_late(to_af.due_on(FINAL, day("2021-03-01")), day(on)) == (window == 3)


@pytest.mark.parametrize(("ended", "eve"), [("2021-06-21", "2021-06-25"), ("2021-12-20", "2021-12-24"),
                                            ("2021-12-27", "2021-12-31")])  # fmt: skip
def test_an_eve_is_no_working_day_of_a_window(ended: str, eve: str) -> None:
    before, after = to_af.workdays_since(day(ended), day(eve) - timedelta(days=1)), day(eve)
    assert before == 3 == to_af.workdays_since(day(ended), after)
    monday = after + timedelta(days=3)
    assert to_af.window_of(FINAL, day(ended), monday) == 1
    assert to_af.window_of(FINAL, day(ended), monday + timedelta(days=1)) == 2


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 60))
def test_windows_only_rise_and_late_is_the_last_of_them(ended: date, more: int) -> None:
    days = [ended + timedelta(days=number) for number in range(more + 1)]
    found = [to_af.window_of(FINAL, ended, one) for one in days]
    assert found == sorted(found, key=lambda one: one or 0)
    due = to_af.due_on(FINAL, ended)
    assert [window == 3 for window in found] == [to_af.is_late(due, one) for one in days]


# --- what the facts ask for ------------------------------------------------------------------------------


def told(facts: Sequence[dict[str, Any]], on: str, programme: str = "SOM_1", eb: bool = True) -> list[tuple[str, ...]]:
    found = to_af.wanted(case(facts, programme), tenant().settings, day(on), receives_eb=eb)
    return [(row.kind.value, row.period, str(row.since), str(row.due)) for row in found if not row.met]


BEGIN = (
    fact("2021-02-20", "decided"),
    fact("2021-02-22", "provider_chosen", provider="alfa"),
    fact("2021-02-23", "accepted"),
    fact("2021-03-01", "started"),
)


def test_a_supplied_intervention_asks_for_planning_each_period_and_its_end() -> None:
    assert told(BEGIN, "2021-02-28") == []
    assert told(BEGIN, "2021-03-01") == [("JOINT_PLANNING", "1", "2021-03-01", "2021-03-08")]
    planning = ("JOINT_PLANNING", "1", "2021-03-01", "2021-03-08")
    periodic = ("PERIODIC", "1", "2021-05-29", "None")
    assert told(BEGIN, "2021-05-29") == [planning]
    assert told(BEGIN, "2021-05-30") == [planning, periodic, ("FINAL", "1", "2021-05-29", "2021-06-28")]
    left = exited("2021-05-03")
    assert told([*BEGIN, left], "2021-05-30") == [planning, ("FINAL", "1", "2021-05-03", "2021-06-01")]
    assert told(BEGIN, "2021-05-30", "AMI_2") == []


@pytest.mark.rule("AMI-1.3.2-a")
def test_who_is_on_assistance_and_not_registered_by_the_latest_check_is_a_mismatch() -> None:
    no = fact("2021-03-02", "af_registration_checked", registered=False)
    yes = fact("2021-03-04", "af_registration_checked", registered=True)
    mismatch = [row[0] for row in told([*BEGIN, no], "2021-03-02", "AMI_2")]
    assert mismatch == ["REGISTRATION_MISMATCH"]
    assert told([*BEGIN, no], "2021-03-01", "AMI_2") == told([*BEGIN, no, yes], "2021-03-04", "AMI_2") == []
    assert told([*BEGIN, no], "2021-03-02", "AMI_2", eb=False) == []


def watched(rows: list[dict[str, Any]], on: str | None, programme: str = "SOM_1", eb: bool = True) -> Any:
    when = None if on is None else day(on)
    found, again = to_af.watched(case(rows, programme), tenant().settings, when, receives_eb=eb)
    return [(row.kind.value, row.period) for row in found], again


@pytest.mark.rule("LOKA-5")
def test_the_days_on_which_something_may_be_late_are_known_ahead() -> None:
    planning, final = ("JOINT_PLANNING", "1"), ("FINAL", "1")
    assert watched(BEGIN, None) == ([], date.min)
    # due on 8 March: the day after it is looked at; then the end of the period, then the day after what is due for it
    assert watched(BEGIN, "2021-03-08") == ([planning], day("2021-03-09"))
    assert watched(BEGIN, "2021-03-09") == ([planning], day("2021-05-30"))
    assert watched(BEGIN, "2021-05-29") == ([planning], day("2021-05-30"))
    assert watched(BEGIN, "2021-05-30") == ([planning, final], day("2021-06-29"))
    assert watched(BEGIN, "2021-06-28") == ([planning, final], day("2021-06-29"))
    assert watched(BEGIN, "2021-06-29") == ([planning, final], None)
    assert watched(BEGIN, "2021-06-29", "AMI_2") == ([], None)


def test_only_what_is_delivered_to_the_employment_service_has_a_last_day() -> None:
    assert {terms.supplier for terms in messages().values() if terms.due_workdays is not None} == {True}


@pytest.mark.rule("AMI-1.3.2-a")
def test_a_missing_registration_is_watched_while_the_client_is_on_assistance() -> None:
    no = fact("2021-03-02", "af_registration_checked", registered=False)
    yes = fact("2021-03-04", "af_registration_checked", registered=True)
    assert [row[0] for row in watched([*BEGIN, no], "2021-03-02", "AMI_2")[0]] == ["REGISTRATION_MISMATCH"]
    assert watched([*BEGIN, no, yes], "2021-03-04", "AMI_2")[0] == []
    assert watched([*BEGIN, no], "2021-03-02", "AMI_2", eb=False)[0] == []


@pytest.mark.rule("AMI-2.2-b", "AMI-2.2-c")
def test_a_hand_off_is_due_when_it_was_brokered_and_not_told() -> None:
    asked, brokered = fact("2021-03-02", "coordinator_requested"), fact("2021-03-03", "coordinator_brokered")
    informed = fact("2021-03-04", "coordinator_informed", legal_basis="PUBLIC_TASK")
    assert told([*BEGIN, asked], "2021-03-05", "AMI_2") == []
    assert [row[0] for row in told([*BEGIN, asked, brokered], "2021-03-05", "AMI_2")] == ["COORDINATOR_HANDOFF"]
    assert told([*BEGIN, asked, brokered, informed], "2021-03-05", "AMI_2") == []


@pytest.mark.rule("LOKA-37")
def test_each_follow_up_of_a_subsidy_is_reported_once() -> None:
    def step(on: str, kind: str, **more: Any) -> dict[str, Any]:
        return fact(on, "subsidy_step", subsidy="s-1", step=kind, **more)

    two = [*BEGIN, step("2021-03-05", "FOLLOWED_UP"), step("2021-04-05", "FOLLOWED_UP")]
    found = to_af.wanted(case(two, "AMI_2"), tenant().settings, day("2021-04-05"), receives_eb=True)
    assert [(row.kind, row.since, row.about, row.met) for row in found] == [
        (M.SUBSIDY_FOLLOWUP, day("2021-03-05"), "s-1", False),
        (M.SUBSIDY_FOLLOWUP, day("2021-04-05"), "s-1", False),
    ]
    assert len(told([*two, step("2021-04-06", "REPORTED_TO_AF")], "2021-04-06", "AMI_2")) == 1


# --- states ----------------------------------------------------------------------------------------------


def test_the_road_of_a_message() -> None:
    road = [A.SUBMIT, A.TAKEN, A.RECEIVED, A.NOT_APPROVED, A.RESUBMIT]
    state: AfDispatchState | None = S.DRAFT
    seen = []
    for act in road:
        assert state is not None
        state = move(state, act)
        seen.append(state)
    assert seen == [S.READY, S.SENT, S.RECEIVED, S.NOT_APPROVED, S.RESUBMITTED]


def test_a_draft_is_never_sent_and_what_is_out_is_never_written_anew() -> None:
    for act in (A.TAKEN, A.RECEIVED, A.APPROVED, A.NOT_APPROVED, A.RESEND):
        assert move(S.DRAFT, act) is None
    for state in (S.READY, S.SENT, S.RECEIVED, S.APPROVED, S.NOT_APPROVED, S.RESUBMITTED):
        assert move(state, A.WRITE) is None


def test_a_resubmission_raises_the_suffix_and_only_that_does() -> None:
    assert {state: to_af.next_suffix(3, state) for state in S} == {
        **dict.fromkeys((S.DRAFT, S.FAILED, S.PARKED, S.MANUAL, S.EXPIRED), 3),
        **dict.fromkeys((S.READY, S.SENT, S.RECEIVED, S.APPROVED, S.RESUBMITTED)),
        S.NOT_APPROVED: 4,
    }
    assert to_af.numbered("a-1", 0) == "a-1_0"


@given(st.lists(st.sampled_from(Act), max_size=30))
def test_whatever_happens_in_whatever_order_holds_together(acts: list[Act]) -> None:
    state, submitted, latest = S.DRAFT, False, None
    for act in acts:
        after = move(state, act, submitted=submitted)
        if after is None:
            continue
        if act in (A.SUBMIT, A.HAND_OVER):
            submitted = True
        if act is A.WRITE:
            # a new attempt at telling it: nothing has been said of that yet
            submitted, latest = False, None
        if act in FEEDBACK.values():
            latest = act if act is not A.RECEIVED or latest is None else latest
        state = after
        # nothing leaves, or is answered, that was not submitted
        assert submitted or state in (S.DRAFT, S.PARKED, S.EXPIRED), state
        # once there is a judgement the state is the latest one
        if latest in (A.APPROVED, A.NOT_APPROVED) and state in (S.APPROVED, S.NOT_APPROVED):
            assert state.value == latest.value
        if latest is not None:
            assert state in (S.RECEIVED, S.APPROVED, S.NOT_APPROVED, S.RESUBMITTED)


def test_feedback_is_taken_in_every_state_but_the_draft() -> None:
    for kind in AfFeedbackKind:
        assert [state for state in S if move(state, FEEDBACK[kind]) is None] == [S.DRAFT]


def test_pauses_grow_and_the_last_one_stays() -> None:
    assert [to_af.backoff((1, 5, 9), number) for number in (1, 2, 3, 4, 99)] == [1, 5, 9, 9, 9]


def test_what_is_asked_for_is_found_by_kind_and_period() -> None:
    rows = [Wanted(M.PERIODIC, "1", day("2021-03-01")), Wanted(M.PERIODIC, "2", day("2021-06-01"))]
    assert to_af.asked_for(rows, M.PERIODIC, "2") is rows[1]
    assert to_af.asked_for(rows, M.FINAL, "2") is None
