"""Calendars as they are subscribed to, invitations and answers to them, on the running suite."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from icalendar import Calendar

from kundval_contracts.client import Client
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tests.suite import Suite, Town, client, suite

from .diary import Diary

__all__ = ["client", "suite"]

TODAY = datetime(2024, 6, 10, tzinfo=UTC)
COLUMNS = {
    "meeting": ("tenant", "meeting", "kind", "state", "assignment", "provider", "starts_at", "ends_at", "mode", "place",
                "room", "version", "booker"),
    "party": ("tenant", "meeting", "role", "resource", "mandatory"),
}  # fmt: skip


class Office:
    """A town with meetings: put into the database as they lie there, since here they are only read."""

    def __init__(self, suite: Suite, town: Town):
        self.suite, self.town, self.name = suite, town, town.name
        self._clients: list[Client] = []
        self._numbers = 0

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.suite.databases["scheduling"], autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def put(self, table: str, *values: Any) -> None:
        names = COLUMNS[table]
        self.sql(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})", *values)

    def meeting(self, days: int, *parties: tuple[str, str], about: str | None = "A-1", **more: Any) -> str:
        """A meeting so many days from today, at nine in Sweden, of one hour; its id."""
        self._numbers += 1
        name = f"{self.name}-m{self._numbers}"
        starts = TODAY + timedelta(days=days, hours=7)
        row = {"kind": "WEEKLY_CONTACT", "state": "BOOKED", "provider": None, "version": 1, **more}
        ends, where = starts + timedelta(hours=1), ("IN_PERSON", "house-3", "room-12")
        head = (self.name, name, row["kind"], row["state"], about, row["provider"])
        self.put("meeting", *head, starts, ends, *where, row["version"], "PROVIDER")
        for role, resource in parties:
            self.put("party", self.name, name, role, resource, True)
        return name

    def protect(self, about: str) -> None:
        self.sql("INSERT INTO restricted_subject (tenant, subject, restricted) VALUES (%s, %s, true)", self.name, about)

    def by(self, role: str, subject: str = "test", provider: str | None = None) -> Client:
        claims = {"organisation": provider} if provider else {}
        self._clients.append(self.suite.client(role, subject=subject, tenant=self.name, **claims))
        return self._clients[-1]

    def link(self, who: Client, **fields: Any) -> dict[str, Any]:
        return dict(who.call("scheduling.calendar_link", tenant=self.name, **fields))

    def get(self, address: str, known: str = "") -> tuple[int, str, bytes]:
        """Status, ETag and body of a calendar, asked for as a calendar program does."""
        path = address.removeprefix("https://kundval.invalid")
        asked = urllib.request.Request(f"http://127.0.0.1:{self.suite.ports['scheduling']}{path}")
        asked.add_header("If-None-Match", known)
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status, answer.headers["ETag"], answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("ETag", ""), error.read()

    def entries(self, address: str) -> dict[str, Any]:
        """The entries of a calendar by meeting."""
        status, _, body = self.get(address)
        assert status == 200
        return {one["UID"].partition("@")[0]: one for one in Calendar.from_ical(body).walk("VEVENT")}

    def invitation(
        self, meeting: str, role: str, resource: str, by: Client | None = None, **more: Any
    ) -> dict[str, Any]:
        fields = {"tenant": self.name, "meeting": meeting, "role": role, "resource": resource, **more}
        return dict((by or self.town.client).call("scheduling.invitation", **fields))

    def answer(self, ics: str, partstat: str, *, stamp: str = "20240601T080000Z", version: int | None = None,
               address: str | None = None) -> dict[str, Any]:  # fmt: skip
        """Send the answer that a mail program makes of an invitation."""
        (asked,) = Calendar.from_ical(ics).walk("VEVENT")
        mine = asked["ATTENDEE"][0] if isinstance(asked["ATTENDEE"], list) else asked["ATTENDEE"]
        text = "\r\n".join(
            ["BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REPLY", "BEGIN:VEVENT", f"UID:{asked['UID']}",
             f"SEQUENCE:{asked['SEQUENCE'] if version is None else version}", f"DTSTAMP:{stamp}",
             f"ATTENDEE;PARTSTAT={partstat}:{address or mine}", "END:VEVENT", "END:VCALENDAR", ""]
        )  # fmt: skip
        return dict(self.town.client.call("scheduling.take_reply", tenant=self.name, text=text))

    def response(self, meeting: str, resource: str) -> str:
        sql = "SELECT response FROM party WHERE tenant = %s AND meeting = %s AND resource = %s"
        return str(self.sql(sql, self.name, meeting, resource)[0][0])

    def answered(self) -> list[tuple[str, dict[str, Any]]]:
        """Subject and data of what was told of answers."""
        rows = self.sql(
            "SELECT subject, data::text FROM event WHERE tenant = %s AND name = 'scheduling.meeting_answered'"
            " ORDER BY sequence",
            self.name,
        )
        return [(subject, json.loads(data)) for subject, data in rows]

    def close(self) -> None:
        for one in self._clients:
            one.close()


@pytest.fixture
def office(suite: Suite, client: Client) -> Iterator[Office]:
    town = Town(client)
    town.day("2024-06-10")
    made = Office(suite, town)
    made.sql("INSERT INTO participant (tenant, assignment, client) VALUES (%s, 'A-1', 'p-1')", town.name)
    for resource, provider in (("tova", None), ("alma", "alfa"), ("bo", "beta")):
        made.sql(
            "INSERT INTO resource (tenant, resource, kind, provider) VALUES (%s, %s, 'STAFF', %s)",
            *(town.name, resource, provider),
        )
    yield made
    made.close()


def test_staff_subscribes_to_the_own_meetings_until_the_address_is_revoked(office: Office) -> None:
    tova = office.by("CASE_WORKER", "tova")
    link = office.link(tova)
    assert link["kind"] == "OWN"
    assert link["address"].startswith("https://kundval.invalid/calendar/")
    own, guests = ("CAREER_GUIDE", "tova"), ("CLIENT", "client/p-1")
    soon = office.meeting(1, own, guests)
    gone = office.meeting(2, own, state="CANCELLED", version=3)
    office.meeting(3, ("CAREER_GUIDE", "somebody-else"))
    edges = [office.meeting(-30, own), office.meeting(180, own)]
    for days in (-31, 181):
        office.meeting(days, own)
    office.protect("A-2")
    hidden = office.meeting(4, own, about="A-2")

    found = office.entries(link["address"])
    assert set(found) == {soon, gone, *edges, hidden}
    assert found[soon]["DTSTART"].dt.isoformat() == "2024-06-11T09:00:00+02:00"
    assert (found[soon]["SUMMARY"], found[soon]["LOCATION"]) == ("Bokat möte", "house-3, room-12")
    assert (found[gone]["STATUS"], found[gone]["SEQUENCE"]) == ("CANCELLED", 3)
    assert found[hidden]["SUMMARY"] == "Upptagen" and not {"LOCATION", "URL"} & set(found[hidden])

    _, tag, _ = office.get(link["address"])
    assert office.get(link["address"], tag)[::2] == (304, b"")
    office.sql("UPDATE meeting SET version = 2 WHERE tenant = %s AND meeting = %s", office.name, soon)
    assert office.get(link["address"], tag)[0] == 200

    with pytest.raises(NotFound):
        office.by("CASE_WORKER", "other").call("scheduling.revoke_calendar_link", tenant=office.name, feed=link["feed"])
    (row,) = office.town.ask("scheduling.calendar_links", by=tova)
    assert (row["feed"], row["owner"], row["revoked_at"]) == (link["feed"], "tova", None)
    for revoked in (True, False):
        answer = tova.call("scheduling.revoke_calendar_link", tenant=office.name, feed=link["feed"])
        assert answer == {"revoked": revoked}
    assert office.get(link["address"])[::2] == (404, b"")
    assert office.town.ask("scheduling.calendar_links", by=tova)[0]["revoked_at"] is not None


def test_the_secret_of_a_calendar_is_nowhere_but_in_its_address(office: Office) -> None:
    link = office.link(office.by("CASE_WORKER", "tova"))
    secret = link["address"].rpartition("/")[2].removesuffix(".ics")
    assert len(secret) >= 43
    for path in (secret + ".ics", secret, secret[:-1] + ".ics", "x/" + secret + ".ics"):
        office.get(f"/calendar/{path}")
    for table in ("calendar_feed", "idempotency", "event"):
        assert secret not in str(office.sql(f"SELECT {table}::text FROM {table}"))
    # the column with the digest aside, which is binary
    for service in office.suite.processes:
        assert secret[:20] not in office.suite.log(service)
    with urllib.request.urlopen(f"http://127.0.0.1:{office.suite.ports['scheduling']}/metrics") as answer:
        assert secret[:20] not in answer.read().decode()


def test_a_provider_subscribes_to_its_meetings_without_those_of_protected_persons(office: Office) -> None:
    office.protect("A-2")
    parties = (("PROVIDER", "alma"), ("CAREER_GUIDE", "tova"))
    plain = office.meeting(1, *parties, provider="alfa")
    hidden = office.meeting(2, *parties, provider="alfa", about="A-2")
    office.meeting(3, ("PROVIDER", "bo"), provider="beta")
    whole = office.link(office.by("PROVIDER", "alma", "alfa"))
    assert whole["kind"] == "PROVIDER"
    assert set(office.entries(whole["address"])) == {plain}
    # who is to be there knows that the hour is taken
    own = office.link(office.by("PROVIDER", "alma", "alfa"), kind="OWN")
    assert {name: one["SUMMARY"] for name, one in office.entries(own["address"]).items()} == {
        plain: "Bokat möte",
        hidden: "Upptagen",
    }
    # a person's own calendar is nobody else's, whatever the name in the token
    for role, provider in (("PROVIDER", "beta"), ("CASE_WORKER", None)):
        with pytest.raises(NotFound, match="NOT_A_RESOURCE"):
            office.link(office.by(role, "alma", provider), kind="OWN")
    with pytest.raises(Forbidden, match="NOT_A_PROVIDER"):
        office.link(office.by("CASE_WORKER", "tova"), kind="PROVIDER")
    assert office.town.ask("scheduling.calendar_links", by=office.by("PROVIDER", "bo", "beta")) == []
    assert len(office.town.ask("scheduling.calendar_links", by=office.by("TEAM_MANAGER", "boss"))) == 2
    # who has left reads on no longer
    office.sql("UPDATE resource SET active = false WHERE tenant = %s AND resource = 'alma'", office.name)
    assert office.get(own["address"])[0] == 404


def test_a_client_subscribes_until_protected_and_then_the_calendar_is_empty(office: Office) -> None:
    worker = office.by("CASE_WORKER", "tova")
    alone = office.meeting(1, ("CLIENT", "client/p-1"))
    group, waiting, forum = (
        office.meeting(days, ("CAREER_GUIDE", "tova"), about=None, kind=kind)
        for days, kind in ((2, "GROUP_SESSION"), (3, "GROUP_SESSION"), (4, "FORUM"))
    )
    for meeting, place in ((group, None), (waiting, 1), (forum, None)):
        office.sql(
            "INSERT INTO meeting_subject (tenant, meeting, assignment, waiting) VALUES (%s, %s, 'A-1', %s)",
            *(office.name, meeting, place),
        )
    link = office.link(worker, kind="CLIENT", assignment="A-1", lang="en")
    found = office.entries(link["address"])
    assert set(found) == {alone, group}
    assert {str(one["SUMMARY"]) for one in found.values()} == {"Meeting"}
    assert not [one for one in found.values() if "URL" in one]

    for by in (office.by("PROVIDER", "alma", "alfa"), office.by("CONTROLLER", "tova")):
        with pytest.raises(Forbidden):
            office.link(by, kind="CLIENT", assignment="A-1")
    for fields in ({"kind": "CLIENT"}, {"kind": "OWN", "assignment": "A-1"}):
        with pytest.raises(InvalidRequest, match="assignment"):
            office.link(worker, **fields)
    office.protect("A-1")
    assert office.entries(link["address"]) == {}
    with pytest.raises(Conflict, match="PROTECTED"):
        office.link(worker, kind="CLIENT", assignment="A-1")
    with pytest.raises(Conflict, match="PROTECTED"):
        office.invitation(alone, "CLIENT", "client/p-1")
    # that there is an hour with a protected person is nothing for colleagues
    guided = office.meeting(5, ("CAREER_GUIDE", "tova"), ("CLIENT", "client/p-1"))
    assert "Upptagen" in office.invitation(guided, "CAREER_GUIDE", "tova", by=worker)["ics"]
    with pytest.raises(Conflict, match="PROTECTED"):
        office.invitation(guided, "CAREER_GUIDE", "tova", by=office.by("CASE_WORKER", "other"))
    with pytest.raises(Conflict, match="PROTECTED"):
        office.invitation(group, "CLIENT", "client/p-1")


def test_an_owner_has_only_so_many_addresses(office: Office) -> None:
    tova = office.by("CASE_WORKER", "tova")
    first, *_ = [office.link(tova) for _ in range(10)]
    with pytest.raises(Conflict, match="TOO_MANY_CALENDARS"):
        office.link(tova)
    tova.call("scheduling.revoke_calendar_link", tenant=office.name, feed=first["feed"])
    assert office.link(tova)["address"]


def test_an_invitation_is_for_who_takes_part_and_for_who_is_in_charge(office: Office) -> None:
    parties = (("CLIENT", "client/p-1"), ("CAREER_GUIDE", "tova"), ("PROVIDER", "alma"))
    booked = office.meeting(1, *parties, provider="alfa")
    alfa, beta = office.by("PROVIDER", "alma", "alfa"), office.by("PROVIDER", "bo", "beta")
    for role, resource in parties:
        found = office.invitation(booked, role, resource, by=alfa)
        assert (found["method"], found["filename"]) == ("REQUEST", "invitation.ics")
    assert office.invitation(booked, "CAREER_GUIDE", "tova", by=office.by("CONTROLLER", "tova"))["ics"]
    for by in (beta, office.by("CONTROLLER", "other")):
        with pytest.raises(Forbidden, match="NOT_YOUR_MEETING"):
            office.invitation(booked, "CAREER_GUIDE", "tova", by=by)
    with pytest.raises(NotFound, match="NO_SUCH_MEETING"):
        office.invitation("nothing", "CAREER_GUIDE", "tova")
    with pytest.raises(NotFound, match="NOT_A_PARTY"):
        office.invitation(booked, "CAREER_GUIDE", "bo")
    # who was taken off takes the entry out of the own calendar
    found = office.invitation(booked, "CAREER_GUIDE", "bo", method="CANCEL")
    assert (found["method"], found["filename"]) == ("CANCEL", "cancellation.ics")
    office.sql("UPDATE meeting SET state = 'CANCELLED' WHERE tenant = %s AND meeting = %s", office.name, booked)
    assert office.invitation(booked, "CLIENT", "client/p-1")["method"] == "CANCEL"
    with pytest.raises(Conflict, match="NOT_BOOKED"):
        office.invitation(booked, "CLIENT", "client/p-1", method="REQUEST")


def test_answers_are_taken_in_the_order_of_their_versions_and_stamps(office: Office) -> None:
    name = office.meeting(1, ("CLIENT", "client/p-1"), ("CAREER_GUIDE", "tova"), version=2)
    ics = office.invitation(name, "CLIENT", "client/p-1")["ics"]
    first = office.answer(ics, "ACCEPTED", stamp="20240601T080000Z")
    assert first == {
        "meeting": name,
        "role": "CLIENT",
        "response": "ACCEPTED",
        "version": 2,
        "kept": True,
        "counts": True,
    }
    # one that was overtaken on its way, one to the version before
    assert office.answer(ics, "TENTATIVE", stamp="20240601T075959Z")["kept"] is False
    older = office.answer(ics, "DECLINED", stamp="20240601T090000Z", version=1)
    assert (older["kept"], older["counts"]) == (True, False)
    assert office.response(name, "client/p-1") == "ACCEPTED"
    # the same again, and then another one
    for stamp in ("20240601T100000Z", "20240601T100000Z"):
        assert office.answer(ics, "DECLINED", stamp=stamp)["counts"] is True
    assert office.response(name, "client/p-1") == "DECLINED"
    told = office.answered()
    assert [(subject, data["response"]) for subject, data in told] == [("A-1", "ACCEPTED"), ("A-1", "DECLINED")]
    assert told[-1][1] == {
        "assignment": "A-1", "meeting": name, "version": 2, "role": "CLIENT", "response": "DECLINED",
        "mandatory": True, "booker": "PROVIDER", "as_of": "2024-06-10",
    }  # fmt: skip
    rows = office.sql("SELECT version, response FROM calendar_answer WHERE tenant = %s ORDER BY 1", office.name)
    assert rows == [(1, "DECLINED"), (2, "DECLINED")]


def test_an_answer_that_nobody_was_asked_for_changes_nothing(office: Office) -> None:
    name = office.meeting(1, ("CLIENT", "client/p-1"), ("CAREER_GUIDE", "tova"))
    ics = office.invitation(name, "CAREER_GUIDE", "tova")["ics"]
    (asked,) = Calendar.from_ical(ics).walk("VEVENT")
    others = next(str(one) for one in asked["ATTENDEE"] if one.params["RSVP"] == "FALSE")
    with pytest.raises(NotFound, match="NOT_A_PARTY"):
        # a guest knows another's address as it is shown, and cannot answer for the other with it
        office.answer(ics, "DECLINED", address=others)
    with pytest.raises(NotFound, match="NO_SUCH_MEETING"):
        office.answer(ics.replace(name, "nothing"), "DECLINED")
    with pytest.raises(InvalidRequest, match="UNKNOWN_VERSION"):
        office.answer(ics, "DECLINED", version=2)
    with pytest.raises(InvalidRequest, match="NOT_AN_ITIP_REPLY"):
        office.answer(ics, "DECLINED", stamp="21990101T000000Z")
    with pytest.raises(InvalidRequest, match="text"):
        office.town.client.call("scheduling.take_reply", tenant=office.name, text="x" * 70_000)
    with pytest.raises(Forbidden):
        office.by("PROVIDER", "alma", "alfa").call("scheduling.take_reply", tenant=office.name, text="x")
    assert office.response(name, "client/p-1") == office.response(name, "tova") == "NEEDS_ACTION"
    assert office.answered() == []


def test_who_has_a_place_in_a_group_session_is_invited_and_answers(office: Office) -> None:
    group = office.meeting(1, ("CAREER_GUIDE", "tova"), about=None, kind="GROUP_SESSION")
    office.sql("INSERT INTO meeting_subject (tenant, meeting, assignment) VALUES (%s, %s, 'A-1')", office.name, group)
    ics = office.invitation(group, "CLIENT", "client/p-1")["ics"]
    assert office.answer(ics, "DECLINED")["counts"] is True
    guide = office.invitation(group, "CAREER_GUIDE", "tova")["ics"]
    assert office.answer(guide, "ACCEPTED")["counts"] is True
    assert [(subject, data.get("assignment")) for subject, data in office.answered()] == [("A-1", "A-1"), (group, None)]


def test_a_booked_meeting_is_moved_and_called_off_in_the_calendar_that_took_its_invitation(client: Client) -> None:
    diary = Diary(client, "A-1")

    def invited(meeting: str) -> tuple[str, Any]:
        fields = {"meeting": meeting, "role": "CLIENT", "resource": "client/p-A-1", "lang": "en"}
        found = client.call("scheduling.invitation", tenant=diary.town.name, **fields)
        (one,) = Calendar.from_ical(found["ics"]).walk("VEVENT")
        return found["method"], one

    booked = diary.book("2026-05-08T10:00", assignment="A-1", kind="FOLLOWUP_AMI2_M3")
    name = booked["meeting"]
    method, first = invited(name)
    assert (method, first["DTSTART"].dt.isoformat()) == ("REQUEST", "2026-05-08T10:00:00+02:00")
    diary.call("rebook_meeting", meeting=name, starts_at="2026-05-11T13:00", minutes=60, room=booked["room"])
    method, moved = invited(name)
    assert (method, moved["DTSTART"].dt.isoformat()) == ("REQUEST", "2026-05-11T13:00:00+02:00")
    diary.call("cancel_meeting", meeting=name, reason="CLIENT_CANNOT")
    method, off = invited(name)
    assert (method, off["STATUS"]) == ("CANCEL", "CANCELLED")
    assert first["UID"] == moved["UID"] == off["UID"]
    assert first["SEQUENCE"] < moved["SEQUENCE"] < off["SEQUENCE"]
