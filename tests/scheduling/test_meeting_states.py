"""How a meeting stands: the table of rulebook 8.2, and what facts and days make of the meetings of an assignment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import count, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_contracts.case import Case
from kundval_contracts.codes import CancelReason, MeetingKind, MeetingState, Role
from kundval_contracts.meeting_facts import fact_id
from kundval_scheduling.domain.follow import follow, look
from kundval_scheduling.domain.instants import Span, instant
from kundval_scheduling.domain.meeting import Meeting
from kundval_scheduling.domain.meeting_states import NotPossible, Trigger, after, state_of
from kundval_scheduling.domain.needs import Need
from kundval_scheduling.domain.plan import Context
from tests.scheduling.builders import ami2, case, d, exited, on, tenant

S, T = MeetingState, Trigger
M3 = MeetingKind.FOLLOWUP_AMI2_M3


def span(day: str, hour: int = 10) -> Span:
    start = instant(datetime.fromisoformat(f"{day}T{hour:02}:00"))
    return Span(start, start.replace(hour=start.hour + 1))


def meeting(state: MeetingState, *, booked: str | None = None, **more: Any) -> Meeting:
    return Meeting(
        "m-1", M3, state, "A-001", needed=True, provider="alfa", span=span(booked) if booked else None, **more
    )


# --- the table -------------------------------------------------------------------------------------------

#: rulebook 8.2 by its ids: (trigger, from a meeting without a time, from one with a time)
TABLE: dict[Trigger, tuple[dict[MeetingState, MeetingState], dict[MeetingState, MeetingState]]] = {
    T.BOOK: ({S.DUE: S.BOOKED, S.DUE_OVERDUE: S.BOOKED, S.OVERDUE: S.OVERDUE}, {}),  # SM-M2
    T.LEAD_PASSED: ({S.DUE: S.DUE_OVERDUE}, {S.DUE: S.DUE_OVERDUE}),  # SM-M3
    T.REBOOK: ({}, {S.BOOKED: S.BOOKED, S.OVERDUE: S.OVERDUE}),  # SM-M4
    T.HOLD: ({}, {S.BOOKED: S.HELD, S.OVERDUE: S.HELD}),  # SM-M5
    T.MISS: ({}, {S.BOOKED: S.MISSED, S.OVERDUE: S.MISSED}),  # SM-M6
    T.CANCEL: ({}, {S.BOOKED: S.CANCELLED, S.OVERDUE: S.CANCELLED}),
    **{
        trigger: (dict.fromkeys(states, to), dict.fromkeys(states, to))
        for trigger, to, states in (
            (T.TOO_LATE, S.OVERDUE, (S.DUE, S.DUE_OVERDUE, S.BOOKED)),  # SM-M7
            (T.TOLD_HELD, S.HELD, (S.DUE, S.DUE_OVERDUE, S.BOOKED, S.OVERDUE)),  # SM-M5
            (T.ENDED, S.CANCELLED, (S.DUE, S.DUE_OVERDUE, S.BOOKED, S.OVERDUE)),  # SM-M8
            (T.SWITCHED, S.REASSIGNED, (S.DUE, S.DUE_OVERDUE, S.BOOKED, S.OVERDUE)),  # SM-M8
        )
    },
}


@pytest.mark.parametrize(("state", "trigger", "timed"), [*product(S, T, (False, True))])
def test_every_state_and_trigger_goes_where_the_table_says_or_is_refused(
    state: MeetingState, trigger: Trigger, timed: bool
) -> None:
    one = meeting(state, booked="2024-06-10" if timed else None)
    expected = TABLE[trigger][timed].get(state)
    if expected is None:
        with pytest.raises(NotPossible):
            after(one, trigger)
    else:
        assert after(one, trigger) is expected


NEED = Need(M3, 1, d("2024-05-18"), ("AMI-8.2-a",), d("2024-06-15"), d("2024-06-01"), d("2024-06-29"))


@pytest.mark.rule("AMI-8.2-a", "AMI-8.2-b")
@pytest.mark.parametrize(
    ("day", "unbooked", "booked"),
    [
        ("2024-06-01", S.DUE, S.BOOKED),
        ("2024-06-02", S.DUE_OVERDUE, S.BOOKED),
        ("2024-06-29", S.DUE_OVERDUE, S.BOOKED),
        ("2024-06-30", S.OVERDUE, S.OVERDUE),
    ],
)
def test_a_day_after_its_time_a_meeting_is_late(day: str, unbooked: MeetingState, booked: MeetingState) -> None:
    assert state_of(meeting(S.DUE), NEED, d(day)) is unbooked
    assert state_of(meeting(S.BOOKED, booked="2024-06-20"), NEED, d(day)) is booked
    held = replace(NEED, met_on=d("2024-06-01"))
    assert state_of(meeting(S.DUE), held, d(day)) is S.HELD
    # who has booked it elsewhere is not late to book it
    elsewhere = state_of(meeting(S.DUE), replace(NEED, booked_on=d("2024-05-20")), d(day))
    assert elsewhere is (S.OVERDUE if day > "2024-06-29" else S.BOOKED)


@pytest.mark.parametrize("over", [S.HELD, S.MISSED, S.CANCELLED, S.REASSIGNED])
def test_what_is_over_stays_as_it_is(over: MeetingState) -> None:
    for need in (NEED, None, replace(NEED, met_on=d("2024-06-01")), replace(NEED, cancelled_on=d("2024-06-01"))):
        assert state_of(meeting(over), need, d("2024-12-31")) is over


# --- the meetings of an assignment -----------------------------------------------------------------------


class File:
    """The meetings of one assignment, brought in step day by day as the service does it."""

    def __init__(self) -> None:
        self.rows: dict[str, Meeting] = {}
        self._ids = count(1)

    def look(self, one: Case, day: str, settings: dict[str, Any] | None = None) -> list[tuple[str, str]]:
        """Bring them in step; (state before, state now) of what has changed."""
        outlook = look(Context(one.known_by(d(day)), tenant(settings), d(day)))
        held = [row for row in self.rows.values() if row.needed or row.is_open]
        steps = follow("A-001", held, outlook, None, lambda: f"m-{next(self._ids):03}")
        for step in steps:
            self.rows[step.after.id] = step.after
        return [(step.before.state.value if step.before else "-", step.after.state.value) for step in steps]

    def of(self, kind: MeetingKind = M3) -> list[Meeting]:
        return sorted((row for row in self.rows.values() if row.kind is kind), key=lambda row: row.attempt)

    def stand(self, kind: MeetingKind = M3) -> list[str]:
        return [row.state.value for row in self.of(kind)]

    def put(self, row: Meeting, **changes: Any) -> None:
        self.rows[row.id] = replace(row, **changes)


def test_a_meeting_is_listed_when_it_is_to_be_booked_and_gets_late_twice() -> None:
    file, one = File(), ami2()
    file.look(one, "2024-05-17")
    assert file.of() == []
    for day, state in (("2024-05-18", "DUE"), ("2024-06-02", "DUE_OVERDUE"), ("2024-06-30", "OVERDUE")):
        file.look(one, day)
        assert file.stand() == [state]
    assert file.look(one, "2024-07-01") == []
    (row,) = file.of()
    assert (row.booker, row.provider, row.target, row.attempt) == (Role.PROVIDER, "alfa", d("2024-06-15"), 1)


@pytest.mark.rule("AMI-8.1-e")
def test_a_missed_or_cancelled_meeting_is_followed_by_the_next_one() -> None:
    file, one = File(), ami2()
    file.look(one, "2024-05-20")
    for over in (S.MISSED, S.CANCELLED):
        file.put(file.of()[-1], state=over)
        assert ("-", "DUE") in file.look(one, "2024-05-21")
    assert file.stand() == ["MISSED", "CANCELLED", "DUE"]
    assert [row.attempt for row in file.of()] == [1, 2, 3]


def test_what_was_held_here_is_not_asked_for_again_before_its_fact_has_come_back() -> None:
    file, one = File(), ami2()
    file.look(one, "2024-06-10")
    file.put(file.of()[0], state=S.HELD, held_on=d("2024-06-10"))
    assert file.look(one, "2024-07-30") == [] or file.stand() == ["HELD"]


def test_what_facts_told_they_can_take_back() -> None:
    file = File()
    file.look(ami2(), "2024-06-10")
    told = ami2(on("2024-06-10", "meeting_held", meeting="FOLLOWUP_AMI2_M3"))
    file.look(told, "2024-06-10")
    (row,) = file.of()
    assert (row.state, row.held_on, row.elsewhere) == (S.HELD, d("2024-06-10"), True)
    file.look(ami2(), "2024-06-11")
    assert file.stand() == ["DUE_OVERDUE"]


def test_an_exit_ends_what_is_to_come_and_leaves_what_has_been_to_be_recorded() -> None:
    file, one = File(), ami2()
    file.look(one, "2024-06-03")
    file.put(file.of()[0], state=S.BOOKED, span=span("2024-06-05"), booked_on=d("2024-06-03"))
    file.look(ami2(exited("2024-06-05")), "2024-06-06")
    assert file.stand() == ["BOOKED"]
    file.put(file.of()[0], span=span("2024-06-07"))
    file.look(ami2(exited("2024-06-05")), "2024-06-06")
    (row,) = file.of()
    assert (row.state, row.cancel_reason) == (S.CANCELLED, CancelReason.ASSIGNMENT_ENDED)


def test_a_free_meeting_that_was_booked_after_the_exit_was_known_is_meant_for_afterwards() -> None:
    one = ami2(exited("2024-06-05"))
    for booked_on, state in (("2024-06-05", S.CANCELLED), ("2024-06-06", S.BOOKED)):
        file = File()
        free = Meeting("m-1", MeetingKind.WEEKLY_CONTACT, S.BOOKED, "A-001", span=span("2024-06-20"))
        file.put(free, booked_on=d(booked_on))
        file.look(one, "2024-06-10")
        assert file.rows["m-1"].state is state


def test_a_switch_gives_what_is_to_come_to_the_new_provider_and_leaves_what_is_late_with_the_old() -> None:
    switch = on("2024-06-10", "provider_switch", provider="beta", approved=True)
    file = File()
    file.look(ami2(), "2024-06-03")
    file.look(ami2(switch), "2024-06-10")
    assert [(row.state.value, row.provider) for row in file.of()] == [("REASSIGNED", "alfa"), ("DUE_OVERDUE", "beta")]
    late = File()
    late.look(ami2(), "2024-06-30")
    late.look(ami2(on("2024-07-01", "provider_switch", provider="beta", approved=True)), "2024-07-01")
    assert [(row.state.value, row.provider) for row in late.of()] == [("OVERDUE", "alfa")]
    # a meeting that was before the switch is the old one's to record
    was = File()
    was.look(ami2(), "2024-06-03")
    was.put(was.of()[0], state=S.BOOKED, span=span("2024-06-07"))
    was.look(ami2(switch), "2024-06-10")
    assert [(row.state.value, row.provider) for row in was.of()] == [("BOOKED", "alfa")]


@pytest.mark.rule("AMI-3.2.1-b")
def test_what_no_rule_asks_for_any_more_is_called_off() -> None:
    file = File()
    kind = MeetingKind.THREE_PARTY_DECLINED_OFFER
    file.look(ami2(on("2024-05-06", "offer_declined", offer="WORK", receives_eb=True)), "2024-05-06")
    assert file.stand(kind) == ["DUE"]
    file.look(ami2(), "2024-05-07")
    (row,) = file.of(kind)
    assert (row.state, row.cancel_reason) == (S.CANCELLED, CancelReason.NO_LONGER_NEEDED)


@pytest.mark.rule("AMI-8.2-b")
def test_other_settings_move_a_meeting_that_is_not_over() -> None:
    file, one = File(), ami2()
    file.look(one, "2024-06-03")
    assert file.stand() == ["DUE_OVERDUE"]
    file.look(one, "2024-06-03", {"booking_lead_days": 10})
    (row,) = file.of()
    assert (row.state, row.book_by) == (S.DUE, d("2024-06-05"))


@pytest.mark.rule("AF-SOM-22")
def test_guidance_goes_on_in_a_next_meeting_when_the_last_one_was_not_long_enough() -> None:
    rows = [
        on("2024-03-01", "decided"),
        on("2024-03-01", "provider_chosen", provider="alfa"),
        on("2024-03-01", "accepted"),
        on("2024-03-04", "started"),
    ]
    file = File()
    file.look(case("SOM_1", *rows), "2024-03-10")
    (first,) = file.of(MeetingKind.SYV)
    file.put(first, state=S.HELD, held_on=d("2024-03-20"))
    file.look(case("SOM_1", *rows), "2024-03-21")
    assert file.stand(MeetingKind.SYV) == ["HELD"]
    talk = on("2024-03-20", "contact", minutes=60, channel="IN_PERSON", individual=True, place="SUPPLIER_PREMISES")
    told = case("SOM_1", *rows, talk, on("2024-03-20", "meeting_held", meeting="SYV", sequence=1))
    *others, fact = told.facts
    told = told.having([*others, replace(fact, id=fact_id(first.id, "held"))])
    file.look(told, "2024-03-22")
    assert file.stand(MeetingKind.SYV) == ["HELD", "DUE"]


HAPPENINGS = st.lists(
    st.sampled_from(
        [
            on("2024-05-06", "offer_declined", offer="WORK", receives_eb=True),
            on("2024-05-20", "meeting_booked", meeting="FOLLOWUP_AMI2_M3"),
            on("2024-06-14", "meeting_held", meeting="FOLLOWUP_AMI2_M3"),
            on("2024-06-20", "provider_switch", provider="beta", approved=True),
            exited("2024-07-05"),
            on("2024-04-04", "bip_assessed"),
            on("2024-04-02", "study_guidance"),
        ]
    ),
    unique_by=lambda row: row["fact"] + row["on"],
    max_size=7,
)


@pytest.mark.slow
@given(HAPPENINGS)
@settings(max_examples=20, deadline=None)
def test_single_days_and_a_jump_over_them_end_alike_and_a_second_look_changes_nothing(rows: list[Any]) -> None:
    one = ami2(*sorted(rows, key=lambda row: row["on"]))
    by_day, at_once = File(), File()
    day, last = d("2024-04-01"), d("2024-08-15")
    while day <= last:
        by_day.look(one, day.isoformat())
        day = day.fromordinal(day.toordinal() + 1)
    at_once.look(one, last.isoformat())
    assert at_once.look(one, last.isoformat()) == [] and by_day.look(one, last.isoformat()) == []

    def ends(file: File) -> list[tuple[Any, ...]]:
        latest: dict[tuple[MeetingKind, int], Meeting] = {}
        for row in file.rows.values():
            key = (row.kind, row.sequence)
            if key not in latest or latest[key].attempt < row.attempt:
                latest[key] = row
        found = [(row.kind, row.sequence, row.state, row.target, row.held_on) for row in latest.values()]
        return sorted(found, key=lambda row: (row[0].value, row[1]))

    assert ends(by_day) == ends(at_once)


@pytest.mark.slow
@given(HAPPENINGS)
@settings(max_examples=10, deadline=None)
def test_looking_only_when_something_may_change_misses_nothing(rows: list[Any]) -> None:
    one = ami2(*sorted(rows, key=lambda row: row["on"]))
    daily, when_due = File(), File()
    day = wake = d("2024-04-01")
    while day <= d("2024-08-15"):
        known = one.known_by(day)
        daily.look(one, day.isoformat())
        if day >= wake or any(fact.known_on == day for fact in known.facts):
            when_due.look(one, day.isoformat())
            outlook = look(Context(known, tenant(), day))
            wake = outlook.changes_on or d("2099-01-01")
        assert sorted(daily.rows.values(), key=lambda row: row.id) == sorted(
            when_due.rows.values(), key=lambda row: row.id
        )
        day = day.fromordinal(day.toordinal() + 1)
