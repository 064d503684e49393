"""Times as the service finds them, on a real database: found, booked as they are, told to whom they may be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from kundval_chassis.db import Pool
from kundval_contracts.client import Client
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tests.acceptance.builders import assignment
from tests.suite import Suite, Town, client, suite, town

__all__ = ["client", "suite", "town"]

#: the follow-up after 45 days is to be on Monday, 29 April; 1 May and 9 May are holidays
DECIDED, TODAY, TARGET = "2024-03-15", "2024-04-16", "2024-04-29"
FOLLOW_UP = {"assignment": "A-1", "kind": "FOLLOWUP_AMI1_D45"}


def hours(start: str = "08:00", end: str = "16:00") -> list[dict[str, Any]]:
    return [{"weekday": weekday, "start": start, "end": end} for weekday in range(1, 6)]


@pytest.fixture
def staffed(town: Town) -> Town:
    """A town with two career guides, a contact of alfa's, rooms in two places and two interpreters."""
    own = [
        {"resource": "guide-1", "kind": "STAFF", "team": "north", "place": "hall", "hours": hours()},
        {"resource": "guide-2", "kind": "STAFF", "team": "north", "place": "hall", "fte": "0.5", "hours": hours()},
        {"resource": "room-4", "kind": "ROOM", "place": "hall", "seats": 4},
        {"resource": "room-9", "kind": "ROOM", "place": "mill", "seats": 9},
        {"resource": "tolk-so", "kind": "INTERPRETER", "languages": ["so"], "hours": hours("09:00", "12:00")},
        {"resource": "tolk-fa", "kind": "INTERPRETER", "languages": ["fa"]},
    ]
    alfas = [{"resource": "anna", "kind": "STAFF", "place": "mill", "hours": hours("09:00", "17:00")}]
    town.add(*(assignment("AMI_1", DECIDED, name=name) for name in ("A-1", "A-2")))
    town.client.call("scheduling.set_resources", tenant=town.name, resources=own)
    town.client.call("scheduling.set_resources", tenant=town.name, provider="alfa", resources=alfas)
    way = {"origin": "hall", "destination": "mill", "minutes": 30}
    town.client.call("scheduling.set_travel", tenant=town.name, travel=[way])
    participants = [
        {"assignment": name, "client": f"p-{name}", "team": "north", "swedish_ok": False, "languages": ["so"]}
        for name in ("A-1", "A-2")
    ]
    town.client.call("scheduling.set_participants", tenant=town.name, participants=participants)
    town.day(TODAY)
    return town


def find(town: Town, by: Client | None = None, **fields: Any) -> dict[str, Any]:
    request = FOLLOW_UP | fields if "meeting" not in fields else fields
    return dict((by or town.client).call("scheduling.find_times", tenant=town.name, **request))


def book(town: Town, booking: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = town.client.call("scheduling.book_meeting", tenant=town.name, **(FOLLOW_UP | fields), **booking)
    return dict(answer["meeting"])


@pytest.mark.rule("AF-SOM-17", "AMI-7.2-b")
def test_every_time_that_is_found_can_be_booked_as_it_is(staffed: Town) -> None:
    first = find(staffed)["times"][0]
    assert first["on"] == TARGET
    reasons = {one["code"]: one["number"] for one in first["reasons"]}
    assert reasons.keys() >= {"ON_TARGET_DAY", "INTERPRETER", "ROOM_FITS"}
    assert reasons["TRAVEL_MINUTES"] == 60
    assert (first["booking"]["room"], first["booking"]["interpreter"]) == ("room-4", "tolk-so")
    meeting = book(staffed, first["booking"])
    assert meeting["state"] == "BOOKED"
    others = find(staffed, meeting=meeting["meeting"], limit=20)["times"]
    days = {one["on"] for one in others}
    assert len(others) == 20
    # every working day from tomorrow to the last one in time
    assert (len(days), min(days), max(days)) == (17, "2024-04-17", "2024-05-13")
    assert not {"2024-05-01", "2024-05-09"} & days
    for one in others:
        answer = staffed.client.call(
            "scheduling.rebook_meeting", tenant=staffed.name, meeting=meeting["meeting"], **one["booking"]
        )
        booked = answer["meeting"]
        assert datetime.fromisoformat(booked["starts_at"]) == datetime.fromisoformat(one["booking"]["starts_at"])


@pytest.mark.rule("LOKA-64")
def test_what_is_booked_is_not_found_again_and_the_less_loaded_guide_is_asked(staffed: Town) -> None:
    first = find(staffed)["times"][0]
    assert {"role": "CAREER_GUIDE", "resource": "guide-1", "mandatory": True} in first["booking"]["parties"]
    book(staffed, first["booking"])
    found = find(staffed, assignment="A-2", earliest=TARGET, latest=TARGET, limit=20)["times"]
    assert found
    for one in found:
        # the contact and the interpreter are the same
        assert one["booking"]["starts_at"] >= first["ends_at"] or one["ends_at"] <= first["booking"]["starts_at"]


def test_what_stands_in_the_way_is_said_in_words_without_whose_meeting_it_is(staffed: Town) -> None:
    absence = {"absence": "v-1", "resource": "tolk-so", "starts_at": "2024-04-01T00:00", "ends_at": "2024-09-01T00:00"}
    staffed.client.call("scheduling.set_absence", tenant=staffed.name, **absence)
    answer = find(staffed, lang="en")
    assert answer["times"] == []
    first = answer["obstacles"][0]
    assert (first["code"], first["role"]) == ("TAKEN", "INTERPRETER")
    assert first["opens"] > 0
    assert first["text"].startswith("Taken: the interpreter (")
    assert find(staffed)["obstacles"][0]["text"].startswith("Upptagen: tolken (")
    assert "tolk-so" not in str(answer) and "v-1" not in str(answer)


def test_without_an_earlier_day_left_it_is_said_that_all_have_passed(staffed: Town) -> None:
    answer = find(staffed, latest=TODAY)
    assert [one["code"] for one in answer["obstacles"]] == ["WINDOW_PAST"]


def test_a_request_that_cannot_be_is_refused_naming_the_field(staffed: Town) -> None:
    refused: list[tuple[dict[str, Any], str, str]] = [
        ({"room": "room-0"}, "room", "UNKNOWN_RESOURCE"),
        ({"mode": "VIDEO", "place": "hall"}, "place", "PLACE_NOT_WANTED"),
        ({"parties": [{"role": "PROVIDER", "resource": "guide-1"}]}, "parties", "WRONG_PARTY"),
        ({"parties": [{"role": "CAREER_GUIDE", "resource": "nobody"}]}, "parties", "UNKNOWN_RESOURCE"),
        ({"parties": [{"role": "OTHER", "resource": "client/p-A-2"}]}, "parties", "UNKNOWN_RESOURCE"),
        ({"kind": "ASSESSMENT", "mode": "PHONE"}, "mode", "NOT_IN_PERSON"),
        ({"latest": "2024-12-24"}, "latest", "INVALID_REQUEST"),
        ({"latest": "2099-12-24"}, "latest", "TOO_FAR_AHEAD"),
        ({"latest": "2024-04-20", "earliest": "2024-04-21"}, "latest", "INVALID_REQUEST"),
        ({"limit": 21}, "limit", "INVALID_REQUEST"),
        ({"minutes": 0}, "minutes", "INVALID_REQUEST"),
    ]
    for fields, path, code in refused:
        with pytest.raises(InvalidRequest) as caught:
            find(staffed, **fields)
        assert (caught.value.code, [fault["path"] for fault in caught.value.faults]) == (code, [path])


def test_of_what_is_unknown_or_over_or_about_several_no_times_are_found(staffed: Town) -> None:
    with pytest.raises(NotFound):
        find(staffed, assignment="A-9")
    with pytest.raises(NotFound):
        find(staffed, meeting="m-9")
    with pytest.raises(Conflict) as caught:
        find(staffed, kind="FORUM")
    assert caught.value.code == "NOT_A_GROUP"
    meeting = book(staffed, find(staffed)["times"][0]["booking"])["meeting"]
    staffed.client.call("scheduling.cancel_meeting", tenant=staffed.name, meeting=meeting, reason="CLIENT_CANNOT")
    with pytest.raises(Conflict) as over:
        find(staffed, meeting=meeting)
    assert over.value.code == "MEETING_STATE"


def test_a_provider_finds_times_for_its_own_clients_and_asks_for_no_others_staff(staffed: Town, suite: Suite) -> None:
    theirs = [{"resource": "bo", "kind": "STAFF", "place": "mill", "hours": hours()}]
    staffed.client.call("scheduling.set_resources", tenant=staffed.name, provider="beta", resources=theirs)
    with suite.client("PROVIDER", organisation="alfa", tenant=staffed.name) as alfa:
        assert find(staffed, by=alfa) == find(staffed)
        with pytest.raises(Forbidden) as caught:
            find(staffed, by=alfa, parties=[{"role": "OTHER", "resource": "bo", "mandatory": False}])
        assert caught.value.code == "NOT_YOUR_RESOURCE"
    with suite.client("PROVIDER", organisation="beta", tenant=staffed.name) as beta, pytest.raises(Forbidden):
        find(staffed, by=beta)
    with suite.client("CONTROLLER") as controller, pytest.raises(Forbidden):
        find(staffed, by=controller)


def test_when_a_protected_person_can_be_met_is_told_to_who_takes_part(staffed: Town, suite: Suite) -> None:
    with Pool(suite.databases["scheduling"]) as pool, pool.tx() as tx:
        tx.execute("INSERT INTO restricted_subject VALUES (%s, 'A-1', true, 1)", (staffed.name,))
    person = {"assignment": "A-1", "client": "p-A-1", "guide": "guide-2", "team": "north"}
    staffed.client.call("scheduling.set_participants", tenant=staffed.name, participants=[person])
    with suite.client("CAREER_GUIDE", subject="guide-1") as other, pytest.raises(Forbidden) as caught:
        find(staffed, by=other)
    assert caught.value.code == "PROTECTED"
    assert find(staffed, assignment="A-2")["times"]
    with (
        suite.client("CAREER_GUIDE", subject="guide-2") as own,
        suite.client("PROVIDER", organisation="alfa", tenant=staffed.name) as alfa,
    ):
        assert find(staffed, by=own)["times"] == find(staffed, by=alfa)["times"] != []
