"""Meetings as the service keeps them: due by the rules, booked by people, told to assignment as facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kundval_contracts.client import Call, Client
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, KundvalError
from tests.acceptance.builders import bare, exited, fact
from tests.conftest import Servers
from tests.scheduling.diary import TODAY, Diary, room, staff
from tests.suite import Suite, client, eventually, running, suite, town

__all__ = ["client", "suite", "town"]

M3 = "FOLLOWUP_AMI2_M3"


@pytest.fixture
def diary(client: Client) -> Diary:
    return Diary(client, "A-1", "A-2", "A-3", "A-4")


def _error(call: Call) -> KundvalError | None:
    try:
        call.result()
    except KundvalError as error:
        return error
    return None


def refusal(call: Any) -> KundvalError:
    with pytest.raises(KundvalError) as raised:
        call()
    return raised.value


# --- what the rules ask for ----------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.2-a", "AMI-8.2-b", "AMI-7.2-b")
def test_a_meeting_is_due_booked_held_and_meets_its_obligation(diary: Diary) -> None:
    (due,) = [row for row in diary.meetings(assignment="A-1") if row["kind"] == M3]
    assert (due["state"], due["target"], due["book_by"], due["hold_by"]) == (
        "DUE_OVERDUE", "2026-05-10", "2026-04-26", "2026-05-24",
    )  # fmt: skip
    assert (due["booker"], due["provider"], due["team"]) == ("PROVIDER", "alfa", "north")
    booked = diary.book("2026-05-08T10:00", meeting=due["meeting"])
    assert (booked["state"], booked["starts_at"]) == ("BOOKED", "2026-05-08T08:00:00+00:00")
    assert [(one["role"], one["resource"]) for one in booked["parties"]] == [
        ("CAREER_GUIDE", "kim"), ("CLIENT", "client/p-A-1"), ("PROVIDER", "alfa-1"),
    ]  # fmt: skip
    eventually(lambda: diary.facts("A-1") == ["meeting_booked"])
    diary.day("2026-05-08")
    held = diary.call("hold_meeting", meeting=due["meeting"], outcome="ON_TRACK")["meeting"]
    assert (held["state"], held["held_on"], held["outcome"]) == ("HELD", "2026-05-08", "ON_TRACK")
    eventually(lambda: diary.facts("A-1") == ["meeting_booked", "meeting_held"])
    diary.settle()
    (row,) = [
        one
        for one in diary.town.ask("scheduling.obligations", assignment="A-1")
        if (one["kind"], one["sequence"]) == ("FOLLOWUP_MEETING", 1)
    ]
    assert (row["state"], row["met_on"]) == ("MET", "2026-05-08")
    assert diary.states("A-1", M3) == [(1, 1, "HELD")]


@pytest.mark.rule("AMI-8.2-a")
def test_a_missed_meeting_is_due_again_and_a_late_one_is_overdue_until_it_is_held(diary: Diary) -> None:
    first = diary.book(f"{TODAY}T10:00", assignment="A-1", kind=M3)
    absent = [{"role": "CLIENT"}]
    hold = refusal(lambda: diary.call("hold_meeting", meeting=first["meeting"], outcome="ON_TRACK", absent=absent))
    assert hold.code == "MANDATORY_ABSENT"
    diary.call("miss_meeting", meeting=first["meeting"], absent=absent)
    assert diary.states("A-1", M3) == [(1, 1, "MISSED"), (1, 2, "DUE_OVERDUE")]
    eventually(lambda: diary.facts("A-1") == ["meeting_booked", "meeting_missed"])
    diary.day("2026-05-25")
    assert diary.states("A-1", M3) == [(1, 1, "MISSED"), (1, 2, "OVERDUE")]
    late = diary.book("2026-05-26T10:00", assignment="A-1", kind=M3)
    assert (late["state"], late["attempt"]) == ("OVERDUE", 2)
    diary.day("2026-05-26")
    diary.call("hold_meeting", meeting=late["meeting"], outcome="NOT_ON_TRACK", measures=["ADJUST_PLAN"])
    assert diary.states("A-1", M3) == [(1, 1, "MISSED"), (1, 2, "HELD")]


@pytest.mark.rule("AMI-8.2-a")
def test_a_meeting_held_elsewhere_closes_the_one_that_is_due_and_a_withdrawn_fact_opens_it_again(diary: Diary) -> None:
    diary.town.state("A-2", fact("2026-05-04", "meeting_booked", meeting=M3))
    diary.settle()
    (row,) = [one for one in diary.meetings(assignment="A-2") if one["kind"] == M3]
    assert (row["state"], row["starts_at"]) == ("BOOKED", None)
    diary.town.state("A-2", fact("2026-05-04", "meeting_held", meeting=M3))
    diary.settle()
    assert diary.states("A-2", M3) == [(1, 1, "HELD")]
    # its own word does not come back as a fact of its own
    assert diary.facts("A-2") == []
    diary.town.withdraw("A-2", "6")
    diary.town.withdraw("A-2", "5")
    diary.settle()
    assert diary.states("A-2", M3) == [(1, 1, "DUE_OVERDUE")]


def test_an_exit_and_a_switch_free_the_hours_that_were_booked(diary: Diary) -> None:
    diary.book("2026-05-20T10:00", assignment="A-1", kind=M3)
    diary.book("2026-05-20T13:00", assignment="A-1", kind="WEEKLY_CONTACT")
    diary.book("2026-05-21T10:00", assignment="A-2", kind=M3)
    diary.town.state("A-1", exited("2026-05-06"))
    diary.town.state("A-2", fact("2026-05-06", "provider_switch", provider="beta", approved=True))
    diary.day("2026-05-06")
    assert diary.states("A-1", M3) == [(1, 1, "CANCELLED")]
    assert diary.states("A-1", "WEEKLY_CONTACT") == [(1, 1, "CANCELLED")]
    rows = [row for row in diary.meetings(assignment="A-2") if row["kind"] == M3]
    assert sorted((row["attempt"], row["state"], row["provider"]) for row in rows) == [
        (1, "REASSIGNED", "alfa"), (2, "DUE_OVERDUE", "beta"),
    ]  # fmt: skip
    # guide and room are free again at both times
    diary.book("2026-05-20T10:00", assignment="A-3", kind=M3)
    diary.book("2026-05-21T10:00", assignment="A-4", kind=M3)
    # the booking is withdrawn, so that the obligation to book stands again
    eventually(lambda: diary.facts("A-2") == [])


def test_the_start_up_meeting_that_was_held_is_the_start(client: Client) -> None:
    diary = Diary(client, day=None)
    diary.town.add(
        bare(
            "AMI_2",
            fact("2026-05-01", "decided"),
            fact("2026-05-01", "results_shown"),
            fact("2026-05-01", "provider_chosen", provider="alfa"),
            fact("2026-05-01", "accepted"),
            name="B-1",
        )
    )
    diary.names = ("B-1",)
    diary.day(TODAY)
    diary.people()
    assert diary.states("B-1", "START_UP") == [(1, 1, "DUE")]
    made = diary.book(f"{TODAY}T09:00", assignment="B-1", kind="START_UP", place="alfa")
    diary.call("hold_meeting", meeting=made["meeting"])
    eventually(lambda: diary.facts("B-1") == ["meeting_booked", "meeting_held", "started"])
    assert diary.town.states("B-1")["state"] == "ACTIVE"
    diary.settle()
    assert diary.states("B-1", "START_UP") == [(1, 1, "HELD")]


# --- booking -------------------------------------------------------------------------------------------


def test_nobody_and_nothing_is_booked_twice_and_the_answer_says_who_not_by_what(diary: Diary) -> None:
    diary.book("2026-05-05T10:00", assignment="A-1", kind=M3)
    error = refusal(lambda: diary.book("2026-05-05T10:30", assignment="A-2", kind=M3))
    assert isinstance(error, Conflict) and error.code == "ALREADY_TAKEN"
    assert {(row["path"], row["message"]) for row in error.faults} == {
        ("parties", "the CAREER_GUIDE is taken at that time"),
        ("parties", "the PROVIDER is taken at that time"),
        ("room", "is taken at that time"),
    }
    # one ends when the other begins
    diary.book("2026-05-05T11:00", assignment="A-2", kind=M3)
    # the client is one person, wherever it takes part
    twice = refusal(
        lambda: diary.book(
            "2026-05-05T10:30", assignment="A-1", kind="STUDY_GUIDANCE", room="hall-2",
            parties=[{"role": "OTHER", "resource": "school-7"}],
        )
    )  # fmt: skip
    assert {row["message"] for row in twice.faults} == {"the CLIENT is taken at that time"}


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"starts_at": "2026-05-03T10:00"}, "IN_THE_PAST", "starts_at"),
        ({"starts_at": "2028-06-01T10:00"}, "TOO_FAR_AHEAD", "starts_at"),
        ({"minutes": 0}, "EMPTY", "minutes"),
        ({"minutes": -30}, "NEGATIVE", "minutes"),
        ({"minutes": 721}, "TOO_LONG", "minutes"),
        ({"minutes": None, "ends_at": "2026-05-05T09:00"}, "NEGATIVE", "ends_at"),
        ({"zone": "Europe/Nacka"}, "UNKNOWN_ZONE", "zone"),
        ({"starts_at": "2027-03-28T02:30"}, "NO_SUCH_TIME", "starts_at"),
        ({"starts_at": "2026-10-25T02:30"}, "AMBIGUOUS_TIME", "starts_at"),
        ({"starts_at": "2026-05-05T18:00"}, "OUTSIDE_HOURS", "parties"),
        ({"starts_at": "2026-05-09T10:00"}, "OUTSIDE_HOURS", "parties"),
        ({"room": None}, "PLACE_MISSING", "place"),
        ({"mode": "VIDEO"}, "PLACE_NOT_WANTED", "room"),
        ({"room": "kim"}, "UNKNOWN_RESOURCE", "room"),
        ({"parties": [{"role": "PROVIDER", "resource": "beta-1"}]}, "WRONG_PARTY", "parties"),
        ({"parties": [{"role": "CAREER_GUIDE", "resource": "nobody"}]}, "WRONG_PARTY", "parties"),
        ({"assignment": "A-1", "kind": "ASSESSMENT", "mode": "PHONE", "room": None}, "NOT_IN_PERSON", "mode"),
        ({"starts_at": "2026-05-05T10:00:30"}, "INVALID_REQUEST", "starts_at"),
        ({"zone": "localtime"}, "UNKNOWN_ZONE", "zone"),
        ({"room": "beta-room"}, "UNKNOWN_RESOURCE", "room"),
        ({"parties": [{"role": "OTHER", "resource": "client/p-A-2"}]}, "WRONG_PARTY", "parties"),
        ({"parties": [{"role": "OTHER", "resource": "19121212-1212"}]}, "INVALID_REQUEST", "parties"),
    ],
)
def test_what_cannot_be_is_refused_by_name(client: Client, fields: dict[str, Any], code: str, path: str) -> None:
    diary = _refusing(client)
    given = {"assignment": "A-1", "kind": M3, "starts_at": "2026-05-05T10:00", "minutes": 60, "room": "hall-1"}
    error = refusal(lambda: diary.call("book_meeting", **given | fields))
    assert (error.code, error.faults[0]["path"]) == (code, path), error
    assert isinstance(error, InvalidRequest | Conflict)


_diaries: dict[int, Diary] = {}


def _refusing(client: Client) -> Diary:
    """One town for all that is refused: nothing is left behind in it."""
    if not _diaries:
        _diaries[0] = Diary(client, "A-1")
    _diaries[0].client = client
    return _diaries[0]


@pytest.mark.rule("AF-SOM-17")
def test_who_does_not_master_swedish_is_met_in_a_language_that_is_mastered(diary: Diary) -> None:
    about = {"assignment": "A-1", "client": "p-A-1", "guide": "kim", "contact": "alfa-1", "team": "north"}
    diary.call("set_participants", participants=[{**about, "swedish_ok": False, "languages": ["ti", "so"]}])
    error = refusal(lambda: diary.book("2026-05-05T10:00", assignment="A-1", kind=M3))
    assert (error.code, error.rules, error.faults[0]["path"]) == ("LANGUAGE_NOT_MET", ("AF-SOM-17",), "interpreter")
    by_interpreter = diary.book("2026-05-05T10:00", assignment="A-1", kind=M3, interpreter="ines")
    assert by_interpreter["language"] == "ti"
    guide = [{"role": "CAREER_GUIDE", "resource": "lo"}]
    moved = diary.call(
        "rebook_meeting", meeting=by_interpreter["meeting"], starts_at="2026-05-05T13:00", minutes=60, room="hall-1",
        parties=guide,
    )["meeting"]  # fmt: skip
    assert (moved["version"], moved["language"]) == (1, "ti")
    # the interpreter is taken like everybody else, and was freed where the meeting has gone from
    diary.call("set_participants", participants=[
        {**about, "assignment": "A-2", "client": "p-A-2", "swedish_ok": False, "languages": ["ar"]}
    ])  # fmt: skip
    diary.book("2026-05-05T10:00", assignment="A-2", kind=M3, interpreter="ines")
    (row,) = diary.meetings(resource="ines", to="2026-05-05T12:00")
    assert row["assignment"] == "A-2"


def test_nobody_has_to_be_in_two_places_without_the_time_to_get_there(diary: Diary) -> None:
    diary.book("2026-05-05T10:00", assignment="A-1", kind=M3)
    contact = {"assignment": "A-2", "kind": "WEEKLY_CONTACT", "place": "alfa"}
    assert refusal(lambda: diary.book("2026-05-05T11:29", **contact)).code == "NOT_REACHABLE"
    assert refusal(lambda: diary.book("2026-05-05T08:31", **contact)).code == "NOT_REACHABLE"
    diary.book("2026-05-05T08:30", **contact)
    diary.book("2026-05-05T11:30", **contact)
    # nobody travels to a telephone
    diary.book("2026-05-05T11:00", 30, assignment="A-3", kind="WEEKLY_CONTACT", mode="PHONE")


def test_an_absence_takes_time_like_a_meeting(diary: Diary) -> None:
    away = {"absence": "leave-1", "resource": "kim", "starts_at": "2026-05-05T00:00", "ends_at": "2026-05-06T00:00"}
    diary.call("set_absence", **away)
    assert refusal(lambda: diary.book("2026-05-05T10:00", assignment="A-1", kind=M3)).code == "ALREADY_TAKEN"
    diary.call("set_absence", **{**away, "starts_at": "2026-05-05T12:00"})
    made = diary.book("2026-05-05T10:00", assignment="A-1", kind=M3)
    assert refusal(lambda: diary.call("set_absence", **away)).code == "ALREADY_TAKEN"
    diary.call("cancel_meeting", meeting=made["meeting"], reason="STAFF_CANNOT")
    assert diary.states("A-1", M3) == [(1, 1, "CANCELLED"), (1, 2, "DUE_OVERDUE")]
    diary.call("set_absence", **away)
    assert diary.call("remove_absence", absence="leave-1") == {"removed": True}
    diary.book("2026-05-05T13:00", assignment="A-1", kind=M3)


def test_a_meeting_that_was_held_before_its_time_gives_the_hour_back(diary: Diary) -> None:
    made = diary.book("2026-05-20T10:00", assignment="A-1", kind=M3)
    early = {"meeting": made["meeting"], "outcome": "ON_TRACK", "held_on": "2026-05-03"}
    assert refusal(lambda: diary.call("hold_meeting", **early)).code == "IN_THE_PAST"
    held = diary.call("hold_meeting", **{**early, "held_on": TODAY})["meeting"]
    assert (held["state"], held["held_on"], held["version"]) == ("HELD", TODAY, 1)
    diary.book("2026-05-20T10:00", assignment="A-2", kind=M3)


def test_when_two_clients_turn_out_to_be_one_person_the_hours_that_are_booked_are_that_persons(diary: Diary) -> None:
    def same(*names: str) -> dict[str, Any]:
        rows = [{"assignment": one, "client": "p-one", "guide": "kim", "contact": "alfa-1"} for one in names]
        return diary.call("set_participants", participants=rows)

    made = diary.book("2026-05-05T10:00", assignment="A-1", kind=M3)
    session = diary.call(
        "open_group_session", starts_at="2026-05-06T10:00", minutes=60, room="hall-1", seats=2, parties=[]
    )["meeting"]["meeting"]
    diary.call("join_group", meeting=session, assignment="A-2")
    same("A-1", "A-2")
    (client,) = [one for one in diary.meetings(resource="client/p-one") if one["meeting"] == made["meeting"]]
    assert client["version"] == 0
    call = {"assignment": "A-3", "kind": "WEEKLY_CONTACT", "mode": "PHONE", "outside_hours": True}
    lo = [{"role": "CAREER_GUIDE", "resource": "lo"}]
    diary.book("2026-05-05T10:00", **call, parties=lo)
    assert refusal(lambda: same("A-3")).code == "ALREADY_TAKEN"
    moved = refusal(lambda: diary.book("2026-05-06T10:00", **{**call, "assignment": "A-1"}, parties=lo))
    assert [one["message"] for one in moved.faults] == ["the CLIENT is taken at that time"]
    # and they are given back by who leaves
    diary.call("leave_group", meeting=session, assignment="A-2")
    diary.book("2026-05-06T10:00", **{**call, "assignment": "A-1"}, parties=lo)


def test_a_series_leaves_out_holidays_and_what_is_taken_and_keeps_its_hour_when_the_clock_changes(
    client: Client,
) -> None:
    diary = Diary(client, "A-1", "A-2", day="2026-03-09")
    diary.book("2026-03-24T09:00", assignment="A-2", kind="WEEKLY_CONTACT")
    answer = diary.call(
        "book_series", assignment="A-1", kind="WEEKLY_CONTACT", starts_at="2026-03-17T09:00", minutes=45,
        mode="PHONE", count=4,
    )  # fmt: skip
    assert [(row["on"], row["code"]) for row in answer["rows"]] == [
        ("2026-03-17", None), ("2026-03-24", "ALREADY_TAKEN"), ("2026-03-31", None), ("2026-04-07", None),
    ]  # fmt: skip
    rows = [row for row in diary.meetings(assignment="A-1") if row["series"] == answer["series"]]
    assert [row["starts_at"][11:16] for row in rows] == ["08:00", "07:00", "07:00"]
    easter = diary.call(
        "book_series", assignment="A-2", kind="WEEKLY_CONTACT", starts_at="2026-03-30T13:00", minutes=45, mode="PHONE",
        until="2026-04-13",
    )  # fmt: skip
    assert [row["code"] for row in easter["rows"]] == [None, "HOLIDAY", None]
    group = {"assignment": "A-1", "kind": "GROUP_SESSION", "starts_at": "2026-03-18T09:00", "minutes": 45, "count": 2}
    assert refusal(lambda: diary.call("book_series", **group, room="hall-1")).code == "NOT_A_GROUP"


# --- several clients -----------------------------------------------------------------------------------


def test_a_group_session_has_places_and_who_waits_moves_up_if_free(diary: Diary) -> None:
    session = diary.call(
        "open_group_session", provider="alfa", starts_at="2026-05-05T10:00", minutes=90, room="alfa-room", seats=1,
        activity="cv_and_letter", parties=[{"role": "PROVIDER", "resource": "alfa-1"}],
    )["meeting"]  # fmt: skip

    def join(name: str) -> Any:
        return diary.call("join_group", meeting=session["meeting"], assignment=name)["waiting"]

    assert [join(name) for name in ("A-1", "A-2", "A-3")] == [None, 1, 2]
    # the first who waits is somewhere else by now
    diary.book("2026-05-05T10:00", assignment="A-2", kind="WEEKLY_CONTACT", mode="PHONE",
               parties=[{"role": "CAREER_GUIDE", "resource": "kim"}])  # fmt: skip
    assert diary.call("leave_group", meeting=session["meeting"], assignment="A-1") == {"moved": True}
    (row,) = diary.meetings(assignment="A-3", kinds=["GROUP_SESSION"])
    assert [(one["assignment"], one["waiting"]) for one in row["subjects"]] == [("A-3", None), ("A-2", 1)]
    assert row["places_left"] == 0
    # who waits and cannot come keeps no place free
    assert diary.call("leave_group", meeting=session["meeting"], assignment="A-3") == {"moved": False}
    assert join("A-3") is None
    diary.town.state("A-3", fact("2026-05-04", "activity_planned", activity="cv_and_letter", category="EQUIP",
                                 group=True))  # fmt: skip
    diary.day("2026-05-05")
    diary.call("hold_meeting", meeting=session["meeting"])
    eventually(lambda: diary.facts("A-3") == ["group_attendance", "meeting_booked", "meeting_held"])
    # who left is not told to have been there
    assert diary.facts("A-1") == []


def test_who_has_left_the_intervention_leaves_the_group_too(diary: Diary) -> None:
    session = diary.call(
        "open_group_session", starts_at="2026-05-20T10:00", minutes=90, room="hall-1", seats=1,
        parties=[{"role": "CAREER_GUIDE", "resource": "lo"}],
    )["meeting"]  # fmt: skip
    for name in ("A-1", "A-2"):
        diary.call("join_group", meeting=session["meeting"], assignment=name)
    diary.town.state("A-1", exited("2026-05-06"))
    diary.day("2026-05-06")
    (row,) = diary.meetings(kinds=["GROUP_SESSION"])
    assert [(one["assignment"], one["waiting"]) for one in row["subjects"]] == [("A-2", None)]
    ended = refusal(lambda: diary.call("join_group", meeting=session["meeting"], assignment="A-1"))
    assert ended.code == "ENDED"


@pytest.mark.rule("LOKA-14")
def test_a_forum_is_about_clients_who_are_not_there(diary: Diary) -> None:
    forum = diary.call(
        "book_forum", subjects=["A-1", "A-2"], starts_at=f"{TODAY}T10:00", minutes=60, room="hall-1",
        parties=[{"role": "CAREER_GUIDE", "resource": "kim"}, {"role": "OTHER", "resource": "health-care"}],
    )["meeting"]  # fmt: skip
    # clients are free at that time
    diary.book(f"{TODAY}T10:00", assignment="A-1", kind="WEEKLY_CONTACT", mode="PHONE")
    diary.call("hold_meeting", meeting=forum["meeting"])
    eventually(lambda: diary.facts("A-2") == ["meeting_booked", "meeting_held"])


# --- who may -------------------------------------------------------------------------------------------


def test_a_provider_reaches_its_own_meetings_and_people_only(diary: Diary, suite: Suite) -> None:
    name = diary.town.name
    with (
        suite.client("PROVIDER", organisation="alfa", tenant=name, subject="alfa-1") as alfa,
        suite.client("PROVIDER", organisation="beta", tenant=name, subject="beta-1") as beta,
    ):
        made = diary.book("2026-05-05T10:00", by=alfa, assignment="A-1", kind=M3)
        assert diary.meetings(beta) == []
        assert {row["provider"] for row in diary.meetings(alfa)} == {"alfa"}
        for call in (
            lambda: diary.book("2026-05-06T10:00", by=beta, assignment="A-1", kind=M3),
            lambda: diary.call("cancel_meeting", beta, meeting=made["meeting"], reason="OTHER"),
            lambda: diary.call("set_resources", beta, resources=[staff("alfa-1")]),
            lambda: diary.call("set_resources", alfa, resources=[room("hall-1")]),
            lambda: diary.book("2026-05-06T10:00", by=alfa, assignment="A-1", kind="STUDY_GUIDANCE",
                               parties=[{"role": "OTHER", "resource": "beta-1"}]),
            lambda: diary.book("2026-05-06T10:00", by=alfa, assignment="A-1", kind="STUDY_GUIDANCE", room="beta-room"),
            lambda: diary.call("set_absence", beta, absence="a", resource="alfa-1", starts_at="2026-05-05T10:00",
                               ends_at="2026-05-05T11:00"),
        ):  # fmt: skip
            assert isinstance(refusal(call), Forbidden)
        # of two who give the same new id at once one has it
        for number in range(5):
            fields = {"tenant": name, "resources": [staff(f"new-{number}")]}
            calls = [one.submit("scheduling.set_resources", fields) for one in (alfa, beta)]
            assert [isinstance(_error(one), Forbidden) for one in calls].count(True) == 1
        own = diary.call("premises", alfa)["premises"]
        assert [(row["provider"], row["place"], row["access"]) for row in own] == [("alfa", "alfa", False)]
        assert {row["provider"] for row in diary.call("premises")["premises"]} == {"alfa", "beta"}


def test_when_and_where_a_protected_person_is_met_is_told_to_who_takes_part(diary: Diary, suite: Suite) -> None:
    person = diary.client.call("assignment.register_person", tenant=diary.town.name, name="Someone")["person"]
    diary.client.call("assignment.link_person", tenant=diary.town.name, assignment="A-1", person=person)
    diary.book("2026-05-05T10:00", assignment="A-1", kind=M3)
    diary.book("2026-05-05T13:00", assignment="A-2", kind=M3)
    diary.client.call("assignment.protect_person", tenant=diary.town.name, person=person, kind="PROTECTED_REGISTRATION")
    diary.settle()
    with (
        suite.client("CAREER_GUIDE", subject="kim") as kim,
        suite.client("CAREER_GUIDE", subject="lo") as lo,
        suite.client("PROVIDER", organisation="alfa", tenant=diary.town.name) as alfa,
    ):

        def seen(by: Client, **fields: Any) -> list[tuple[Any, ...]]:
            rows = [row for row in diary.meetings(by, assignment="A-1", **fields) if row["kind"] == M3]
            return [(row["provider"], row["starts_at"], row["room"], len(row["parties"])) for row in rows]

        whole = [("alfa", "2026-05-05T08:00:00+00:00", "hall-1", 3)]
        assert seen(kim) == seen(alfa) == whole
        assert seen(lo) == [("MASKED", None, None, 0)]
        # a filter would tell what the row does not
        for hidden in ({"provider": "alfa"}, {"resource": "kim"}, {"from": "2026-05-05T00:00"}, {"team": "north"}):
            assert seen(lo, **hidden) == []
        assert [row["assignment"] for row in diary.meetings(lo, resource="kim")] == ["A-2"]


# --- whatever is killed --------------------------------------------------------------------------------


def test_what_was_held_is_told_once_whatever_is_killed(servers: Servers, tmp_path: Path) -> None:
    with running(servers, tmp_path, "assignment", "scheduling") as suite, suite.client() as client:
        diary = Diary(client, "A-1", "A-2")
        suite.kill("assignment")
        made = [diary.book(f"{TODAY}T{hour}:00", assignment=name, kind=M3) for hour, name in ((10, "A-1"), (11, "A-2"))]
        for one in made:
            diary.call("hold_meeting", meeting=one["meeting"], outcome="ON_TRACK")
        # whatever it has not sent by now it sends when it is back
        suite.kill("scheduling")
        suite.spawn("assignment", "scheduling")
        for service in ("assignment", "scheduling"):
            suite.wait_ready(service)
        for name in ("A-1", "A-2"):
            eventually(lambda name=name: diary.facts(name) == ["meeting_booked", "meeting_held"])
        diary.settle()
        rows = [row for row in diary.town.ask("scheduling.obligations") if row["kind"] == "FOLLOWUP_MEETING"]
        assert [(row["assignment"], row["state"]) for row in rows if row["sequence"] == 1] == [
            ("A-1", "MET"), ("A-2", "MET"),
        ]  # fmt: skip
        assert diary.states("A-1", M3) == [(1, 1, "HELD")]
