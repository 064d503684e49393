"""What scheduling tells of meetings, as facts."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace
from typing import Any

import pytest

from kundval_assignment.domain.meetings import BOOKED, CANCELLED, HELD, MISSED, facts_of, matters
from kundval_assignment.meetings.hear import Heard
from kundval_contracts.codes import FactKind, MeetingKind
from kundval_contracts.events import EVENTS
from tests.scheduling.builders import d

TODAY = d("2026-05-06")


def told(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "meeting": "m-1", "assignment": "A-1", "kind": kind, "sequence": 2, "attempt": 1, "revision": 3, "version": 0,
        "needed": True, "mandatory": [], "rules": [], "on": "2026-05-05", "starts_at": "2026-05-05T08:00:00+00:00",
        "ends_at": "2026-05-05T09:00:00+00:00", "mode": "IN_PERSON", **more,
    }  # fmt: skip


def stated(name: str, **fields: Any) -> list[tuple[str, str, dict[str, Any]]]:
    data = told(**fields)
    assert not EVENTS[name].schema.validate(data)
    return [(fact.id, fact.kind.value, {k: v for k, v in fact.data.items() if v is not None})
            for fact in facts_of(name, data, TODAY)]  # fmt: skip


@pytest.mark.parametrize("kind", MeetingKind)
def test_every_kind_of_meeting_that_is_booked_held_or_missed_is_a_fact_about_it(kind: MeetingKind) -> None:
    for name, more, what in (
        (BOOKED, {}, "booked"),
        (HELD, {"minutes": 60}, "held"),
        (MISSED, {"absent": []}, "missed"),
    ):
        fact = next(iter(facts_of(name, told(kind, **more), TODAY)))
        assert fact.kind is FactKind(f"meeting_{what}")
        assert (fact["meeting"], fact["sequence"]) == (kind, 2)
        assert (fact.on, fact.known_on, fact.place) == (d("2026-05-05"), TODAY, -1)


def test_the_start_up_meeting_is_the_start() -> None:
    assert [kind for _, kind, _ in stated(HELD, kind="START_UP", minutes=60)] == ["meeting_held", "started"]


@pytest.mark.rule("AMI-3-a", "AMI-3-b")
def test_a_weekly_contact_is_a_contact_in_its_channel() -> None:
    rows = stated(HELD, kind="WEEKLY_CONTACT", mode="PHONE", minutes=30)
    data = {"channel": "PHONE", "party": "CLIENT", "minutes": 30, "individual": True}
    assert rows[1] == ("scheduling:m-1:contact", "contact", data)


@pytest.mark.rule("AF-SOM-22")
def test_guidance_is_an_individual_contact_in_the_suppliers_premises() -> None:
    rows = stated(HELD, kind="SYV", minutes=60)
    assert rows[1][1:] == ("contact", {
        "channel": "IN_PERSON", "party": "CLIENT", "minutes": 60, "individual": True, "place": "SUPPLIER_PREMISES",
    })  # fmt: skip


@pytest.mark.rule("LOKA-41")
def test_of_a_group_session_each_client_is_told_to_have_been_there_or_not() -> None:
    there = stated(HELD, kind="GROUP_SESSION", minutes=90, attended=True, activity="cv")
    assert [kind for _, kind, _ in there] == ["meeting_held", "group_attendance"]
    absent = stated(HELD, kind="GROUP_SESSION", minutes=90, attended=False, activity="cv")
    assert absent == [
        ("scheduling:m-1:attendance", "group_attendance", {"activity": "cv", "session": "m-1", "attended": False})
    ]


def test_what_facts_told_first_or_never_had_a_time_is_no_news() -> None:
    assert not matters(HELD, told("START_UP", elsewhere=True))
    assert matters(HELD, told("START_UP"))
    for name in (BOOKED, CANCELLED):
        assert matters(name, told("START_UP"))
        assert not matters(name, told("START_UP", starts_at=None))


def test_a_day_that_is_ahead_of_the_business_date_is_known_on_itself() -> None:
    (fact,) = facts_of(BOOKED, told("BIP", on="2026-05-09"), TODAY)
    assert fact.known_on == d("2026-05-09")


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_booking_that_was_called_off_leaves_none_in_whatever_order_that_is_heard(order: tuple[int, ...]) -> None:
    events: list[Any] = [
        SimpleNamespace(name=BOOKED, data=told("START_UP", revision=2)),
        SimpleNamespace(name=CANCELLED, data=told("START_UP", revision=3, reason="OTHER")),
        SimpleNamespace(name=BOOKED, data=told("START_UP", revision=2)),
    ]
    heard = Heard()
    for place in order:
        heard.take(events[place], TODAY)
    assert (heard.new, heard.booked, heard.revision) == ([], None, 3)
    # one that assignment had stated already is taken back
    known = Heard(2, "scheduling:m-1:booked.2")
    known.take(events[1], TODAY)
    assert known.off == ["scheduling:m-1:booked.2"]
