"""Invitations and calendars as other programs read them: two parsers, the rules of the format, and what must not stand
in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import vobject
from dateutil import tz
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from kundval_contracts.codes import (
    InvitationMethod,
    MeetingKind,
    MeetingMode,
    MeetingParty,
    MeetingState,
    PartyResponse,
    Programme,
)
from kundval_contracts.errors import InvalidRequest
from kundval_scheduling.calendars import itip
from kundval_scheduling.calendars.addresses import Addresses
from kundval_scheduling.calendars.ical import LANGUAGES, Maker
from kundval_scheduling.domain.entry import Entry, Guest, Reader, Title, entry, reader_of
from kundval_scheduling.domain.instants import LOCAL, Span, zone
from kundval_scheduling.domain.meeting import Meeting, Party, Subject

TENANT = "nacka"
ADDRESSES = Addresses("k" * 72, "mail.example")
MAKER = Maker(TENANT, ADDRESSES, "https://login.example/")
NOW = datetime(2024, 6, 1, 12, 30, 15, tzinfo=UTC)
REQUEST, CANCEL = InvitationMethod

CLIENT = Party(MeetingParty.CLIENT, "client/p-4711")
GUIDE = Party(MeetingParty.CAREER_GUIDE, "guide-anna")
ALFA = Party(MeetingParty.PROVIDER, "alfa-staff-7", mandatory=False, response=PartyResponse.ACCEPTED)
EMPLOYER = Party(MeetingParty.EMPLOYER, "employer-bygg")
INTERPRETER = Party(MeetingParty.INTERPRETER, "interpreter-ar")
PARTIES = (CLIENT, GUIDE, ALFA, EMPLOYER, INTERPRETER)
HOUR = Span(datetime(2024, 6, 10, 7, tzinfo=UTC), datetime(2024, 6, 10, 8, tzinfo=UTC))


def meeting(**changes: Any) -> Meeting:
    plain = Meeting(
        id="0190b3a2-7c11-7f00-8a2b-000000000001",
        kind=MeetingKind.FOLLOWUP_AMI2_M3,
        state=MeetingState.BOOKED,
        assignment="A-2024-17",
        provider="alfa",
        team="team-east",
        span=HOUR,
        mode=MeetingMode.IN_PERSON,
        place="house-3",
        room="room-12",
        language="ar",
        version=1,
        parties=PARTIES,
    )
    return replace(plain, **changes)


def invite(
    one: Meeting, party: Party = GUIDE, method: InvitationMethod = REQUEST, *, lang: str = "sv", protected: bool = False
) -> bytes | None:
    shown = entry(one, reader_of(party.role), protected=protected, own=party)
    return None if shown is None else MAKER.invitation(shown, method, lang, NOW)


def invitation(one: Meeting, party: Party = GUIDE, method: InvitationMethod = REQUEST) -> bytes:
    made = invite(one, party, method)
    assert made is not None
    return made


def feed(*entries: Entry | None, lang: str = "sv") -> bytes:
    return b"".join(MAKER.feed([one for one in entries if one is not None], lang, NOW))


def event(ics: bytes) -> Any:
    (found,) = Calendar.from_ical(ics).walk("VEVENT")
    return found


def times(ics: bytes) -> dict[str, tuple[datetime, datetime]]:
    """Start and end as each of the two parsers understands them."""
    one, other = event(ics), vobject.readOne(ics.decode()).vevent
    found = {
        "icalendar": (one["DTSTART"].dt, one["DTEND"].dt),
        "vobject": (other.dtstart.value, other.dtend.value),
    }
    return {name: (start.astimezone(UTC), end.astimezone(UTC)) for name, (start, end) in found.items()}


# --- times -------------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-01-15T09:00+01:00", "2024-01-15T10:00+01:00"),
        ("2024-07-15T09:00+02:00", "2024-07-15T10:00+02:00"),
        # over the hour that there is not, and up to it
        ("2024-03-31T01:30+01:00", "2024-03-31T03:30+02:00"),
        ("2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00"),
        # over the hour that there is twice, within the first of them, from one to the other, within the second
        ("2024-10-27T01:30+02:00", "2024-10-27T03:30+01:00"),
        ("2024-10-27T02:30+02:00", "2024-10-27T02:45+02:00"),
        ("2024-10-27T02:30+02:00", "2024-10-27T02:30+01:00"),
        ("2024-10-27T02:30+01:00", "2024-10-27T03:30+01:00"),
        ("2024-10-27T01:30+02:00", "2024-10-27T02:30+02:00"),
        ("2024-10-26T23:00+02:00", "2024-10-27T02:30+01:00"),
        # years ahead, where a list of dates of the zone would have ended
        ("2039-07-15T09:00+02:00", "2039-07-15T10:00+02:00"),
    ],
)
def test_both_parsers_read_back_the_same_instants(start: str, end: str) -> None:
    span = Span(at(start), at(end))
    one = meeting(span=span)
    for ics in (invitation(one), feed(entry(one, Reader.STAFF, protected=False))):
        assert times(ics) == dict.fromkeys(("icalendar", "vobject"), (span.start, span.end))


@pytest.mark.slow
@given(st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1)), st.integers(1, 720))
@settings(max_examples=60, deadline=None)
def test_any_time_is_read_back_as_it_was(start: datetime, minutes: int) -> None:
    begins = start.replace(second=0, microsecond=0, tzinfo=UTC)
    span = Span(begins, begins + timedelta(minutes=minutes))
    assert set(times(invitation(meeting(span=span))).values()) == {(span.start, span.end)}


def test_times_are_local_with_their_zone_except_where_the_clock_shows_one_twice() -> None:
    plain = event(invitation(meeting()))
    assert plain["DTSTART"].params["TZID"] == LOCAL
    assert plain["DTSTART"].to_ical() == b"20240610T090000"
    twice = event(invitation(meeting(span=Span(at("2024-10-27T01:30+02:00"), at("2024-10-27T02:30+01:00")))))
    assert (twice["DTSTART"].to_ical(), twice["DTEND"].to_ical()) == (b"20241026T233000Z", b"20241027T013000Z")


def test_the_zone_has_both_changes_of_the_clock_as_the_database_of_zones_has_them() -> None:
    (rules,) = Calendar.from_ical(invitation(meeting())).walk("VTIMEZONE")
    assert rules["TZID"] == LOCAL
    assert {one.name for one in rules.subcomponents} == {"DAYLIGHT", "STANDARD"}
    for one in rules.subcomponents:
        rule, first = one["RRULE"], one["DTSTART"].dt
        assert (rule["FREQ"], rule["BYDAY"]) == (["YEARLY"], ["-1SU"])
        before, after = one["TZOFFSETFROM"].td, one["TZOFFSETTO"].td
        for year in range(first.year, 2038):
            last = date(year, rule["BYMONTH"][0], 31)
            sunday = last - timedelta(days=last.isoweekday() % 7)
            change = datetime.combine(sunday, first.time(), UTC) - before
            assert (change - timedelta(seconds=1)).astimezone(zone()).utcoffset() == before
            assert change.astimezone(zone()).utcoffset() == after


# --- the format --------------------------------------------------------------------------------------


def everything(*kinds: MeetingKind) -> Iterator[tuple[str, bytes]]:
    """All that is made: each party or reader, kind, protection, way to meet, method and language."""
    states = (MeetingState.BOOKED, MeetingState.CANCELLED)
    for kind, protected, state in product(kinds, (False, True), states):
        several = kind in (MeetingKind.GROUP_SESSION, MeetingKind.FORUM)
        about: dict[str, Any] = {"assignment": None, "subjects": (Subject("A-2024-17"),)} if several else {}
        for mode, lang in ((MeetingMode.IN_PERSON, "sv"), (MeetingMode.PHONE, "en")):
            one = meeting(kind=kind, state=state, mode=mode, **about)
            for party, method in product(PARTIES, InvitationMethod):
                ics = invite(one, party, method, lang=lang, protected=protected)
                if ics is not None:
                    yield f"{kind} {state} {party.role} {method} protected={protected}", ics
            for reader in Reader:
                shown = entry(one, reader, protected=protected)
                yield f"{kind} {state} feed of {reader} protected={protected}", feed(shown, lang=lang)


@pytest.mark.slow
def test_every_calendar_keeps_the_rules_of_the_format() -> None:
    for what, ics in everything(MeetingKind.FOLLOWUP_AMI2_M3, MeetingKind.GROUP_SESSION):
        lines = ics.split(b"\r\n")
        assert lines.pop() == b"", what
        assert not [line for line in lines if b"\n" in line or b"\r" in line or not line], what
        assert max(len(line) for line in lines) <= 75, what
        unfolded = ics.decode().replace("\r\n ", "").splitlines()
        assert unfolded[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"], what
        assert unfolded[-1] == "END:VCALENDAR", what
        for name in ("PRODID", "CALSCALE", "BEGIN:VTIMEZONE"):
            assert sum(line.startswith(name) for line in unfolded) == 1, (what, name)
        calendar = Calendar.from_ical(ics)
        assert not [(one.name, one.errors) for one in calendar.walk() if one.errors], what
        for one in calendar.walk("VEVENT"):
            for name in ("UID", "DTSTAMP", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "CLASS", "STATUS", "TRANSP"):
                assert name in one and not isinstance(one[name], list), (what, name)
            assert one["DTSTAMP"].to_ical() == b"20240601T123015Z", what
            assert one["CLASS"] == "PRIVATE", what
            if "METHOD" in calendar:
                assert calendar["METHOD"] in ("REQUEST", "CANCEL"), what
                assert one["ORGANIZER"] == "mailto:meetings@mail.example", what
                assert one["ATTENDEE"], what
            else:
                assert "ATTENDEE" not in one and "ORGANIZER" not in one, what
        assert vobject.readOne(ics.decode()).version.value == "2.0", what


def test_a_long_text_with_letters_of_two_bytes_is_folded_between_them() -> None:
    place = "å" * 90 + ", hus; 3\\"
    ics = invitation(meeting(place=place, room=None))
    assert max(len(line) for line in ics.split(b"\r\n")) <= 75
    assert all(line.decode() for line in ics.split(b"\r\n") if line)
    assert event(ics)["LOCATION"] == place
    assert vobject.readOne(ics.decode()).vevent.location.value == place


def test_a_calendar_without_a_meeting_is_a_calendar() -> None:
    assert Calendar.from_ical(feed()).walk("VEVENT") == []
    assert vobject.readOne(feed().decode()).vtimezone is not None


def test_a_feed_says_its_name_and_how_often_to_look() -> None:
    text = feed().decode()
    assert "\r\nNAME:Möten\r\n" in text
    assert "\r\nREFRESH-INTERVAL;VALUE=DURATION:PT4H\r\n" in text
    assert "\r\nX-PUBLISHED-TTL:PT4H\r\n" in text
    assert "METHOD" not in text
    assert "\r\nNAME:Meetings\r\n" in feed(lang="en").decode()


def test_the_tag_of_a_feed_follows_its_content_and_not_the_time_of_reading() -> None:
    shown = entry(meeting(), Reader.STAFF, protected=False)
    moved = entry(meeting(version=2), Reader.STAFF, protected=False)
    assert shown is not None and moved is not None
    tag = MAKER.tag([shown], "sv")
    assert tag == MAKER.tag([shown], "sv")
    assert len({tag, MAKER.tag([moved], "sv"), MAKER.tag([shown], "en"), MAKER.tag([], "sv")}) == 4


# --- invite, change, cancel --------------------------------------------------------------------------


class Mailbox:
    """A calendar program that takes what comes in any order, as RFC 5546 (2.1.5) has it."""

    def __init__(self) -> None:
        self.events: dict[str, Any] = {}

    def take(self, ics: bytes) -> None:
        found = event(ics)
        held = self.events.get(str(found["UID"]))
        if held is None or held["SEQUENCE"] <= found["SEQUENCE"]:
            self.events[str(found["UID"])] = found


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0), (1, 0, 2)])
def test_an_invitation_is_changed_and_cancelled_in_the_calendar_that_took_it(order: tuple[int, ...]) -> None:
    later = Span(HOUR.start + timedelta(days=1), HOUR.end + timedelta(days=1))
    sent = [
        invitation(meeting(version=1)),
        invitation(meeting(version=2, span=later)),
        invitation(meeting(version=3, span=later, state=MeetingState.CANCELLED), method=CANCEL),
    ]
    box = Mailbox()
    for place in order[:2]:
        box.take(sent[place])
    (shown,) = box.events.values()
    assert shown["SEQUENCE"] == max(order[:2]) + 1
    box.take(sent[order[2]])
    (shown,) = box.events.values()
    assert (shown["STATUS"], shown["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
    assert shown["DTSTART"].dt == later.start
    assert "LOCATION" not in shown


def test_a_cancelled_meeting_without_a_time_can_be_cancelled_in_the_calendar() -> None:
    shown = event(invitation(meeting(version=4, state=MeetingState.CANCELLED, span=None), method=CANCEL))
    assert (shown["UID"], shown["SEQUENCE"], shown["STATUS"]) == (ADDRESSES.uid(meeting().id), 4, "CANCELLED")
    assert "DTSTART" not in shown
    assert Calendar.from_ical(feed(entry(meeting(span=None), Reader.STAFF, protected=False))).walk("VEVENT") == []


def test_who_takes_part_no_longer_gets_a_cancellation_of_a_meeting_that_is_to_be() -> None:
    shown = event(invitation(meeting(version=2), GUIDE, CANCEL))
    assert shown["STATUS"] == "CANCELLED"
    assert shown["ATTENDEE"] == f"mailto:{ADDRESSES.own(TENANT, GUIDE.resource)}"
    assert "LOCATION" not in shown


# --- who sees what -----------------------------------------------------------------------------------


def attendees(ics: bytes) -> list[Any]:
    found = event(ics).get("ATTENDEE", [])
    return found if isinstance(found, list) else [found]


def test_staff_sees_who_is_invited_how_and_what_they_answered() -> None:
    found = {str(one): one.params for one in attendees(invitation(meeting(), GUIDE))}
    seen = {one.resource: f"mailto:{ADDRESSES.seen(TENANT, meeting().id, one.resource)}" for one in PARTIES}
    own = found.pop(f"mailto:{ADDRESSES.own(TENANT, GUIDE.resource)}")
    assert (own["RSVP"], own["ROLE"], own["PARTSTAT"]) == ("TRUE", "REQ-PARTICIPANT", "NEEDS-ACTION")
    assert set(found) == {seen[one.resource] for one in PARTIES if one is not GUIDE}
    other = found[seen[ALFA.resource]]
    assert (other["RSVP"], other["ROLE"], other["PARTSTAT"]) == ("FALSE", "OPT-PARTICIPANT", "ACCEPTED")


@pytest.mark.parametrize("party", [CLIENT, EMPLOYER, INTERPRETER])
def test_who_has_no_login_sees_when_and_where_and_nobody_else(party: Party) -> None:
    ics = invitation(meeting(), party)
    shown = event(ics)
    assert [str(one) for one in attendees(ics)] == [f"mailto:{ADDRESSES.own(TENANT, party.resource)}"]
    assert (shown["SUMMARY"], shown["LOCATION"]) == ("Möte", "house-3, room-12")
    assert not {"URL", "DESCRIPTION", "CATEGORIES", "COMMENT", "CONTACT"} & set(shown)


@pytest.mark.parametrize("party", [GUIDE, ALFA])
def test_who_has_a_login_sees_an_address_for_the_rest(party: Party) -> None:
    shown = event(invitation(meeting(), party))
    assert shown["SUMMARY"] == "Bokat möte"
    assert shown["URL"] == f"https://login.example/meetings/{meeting().id}"
    assert not {"DESCRIPTION", "CATEGORIES", "COMMENT", "CONTACT"} & set(shown)


@pytest.mark.parametrize(("mode", "where"), [(MeetingMode.VIDEO, "Video"), (MeetingMode.PHONE, "Telefon")])
def test_a_place_is_told_only_to_who_is_to_be_there_in_person(mode: MeetingMode, where: str) -> None:
    for party in PARTIES:
        assert event(invitation(meeting(mode=mode), party))["LOCATION"] == where


def test_of_a_protected_person_only_the_hour_of_who_takes_part_is_taken() -> None:
    for party in (CLIENT, EMPLOYER, INTERPRETER):
        assert invite(meeting(), party, protected=True) is None
    for party in (GUIDE, ALFA):
        ics = invite(meeting(), party, protected=True)
        assert ics is not None
        shown = event(ics)
        assert shown["SUMMARY"] == "Upptagen"
        assert shown["DTSTART"].dt == HOUR.start
        assert not {"URL", "LOCATION", "DESCRIPTION"} & set(shown)
        (own,) = attendees(ics)
        assert (str(own), own.params["RSVP"]) == (f"mailto:{ADDRESSES.own(TENANT, party.resource)}", "FALSE")


def test_a_meeting_about_several_clients_looks_the_same_whoever_they_are() -> None:
    group = meeting(kind=MeetingKind.GROUP_SESSION, assignment=None, subjects=(Subject("A-1"), Subject("A-2")))
    for party in (GUIDE, ALFA):
        ics = invite(group, party)
        assert ics == invite(group, party, protected=True)
        assert ics is not None
        # and names no client
        assert ADDRESSES.seen(TENANT, group.id, CLIENT.resource) not in ics.decode().replace("\r\n ", "")
    assert invite(group, CLIENT) is not None
    assert invite(group, CLIENT, protected=True) is None


#: what tells who or what a meeting is about: ids, names, programmes, kinds, roles, languages, states of a case
TOLD_NOBODY = (
    *("A-2024-17", "p-4711", "client/", "guide-anna", "alfa", "employer-bygg", "interpreter-ar", "team-east", "nacka"),
    *(one.value for one in MeetingKind if one is not MeetingKind.FORUM),
    *(one.value for one in Programme),
    *("AMI", "FORUM", "FOLLOWUP", "RUM", "uppfölj", "follow-up", "kundval", "arbetsmarknad", "insats"),
    *("CAREER_GUIDE", "CLIENT", "EMPLOYER", "INTERPRETER", "coordinator"),
)


@pytest.mark.slow
def test_no_calendar_says_who_or_what_a_meeting_is_about() -> None:
    seen = 0
    for what, ics in everything(*MeetingKind):
        text = ics.decode().replace("\r\n ", "")
        # addresses are random letters: they might spell anything
        told = re.sub(r"mailto:[a-z2-7]{20}@", "mailto:@", text).lower()
        assert not [word for word in TOLD_NOBODY if word.lower() in told], what
        if "protected=True" in what and "GROUP_SESSION" not in what and "FORUM" not in what:
            assert "house-3" not in text and "room-12" not in text and "login.example" not in text, what
        if "CLIENT" in what or "EMPLOYER" in what or "INTERPRETER" in what:
            assert "login.example" not in text, what
        seen += 1
    assert seen > 1000


def test_an_own_address_is_always_the_same_and_in_nobody_elses_invitation() -> None:
    one, two = meeting(), meeting(id="0190b3a2-7c11-7f00-8a2b-000000000002")
    texts = {
        (which.id, party.resource): invitation(which, party).decode().replace("\r\n ", "")
        for which, party in product((one, two), PARTIES)
    }
    for party in PARTIES:
        own = ADDRESSES.own(TENANT, party.resource)
        for (_, reader), text in texts.items():
            assert (own in text) == (reader == party.resource)
        assert ADDRESSES.seen(TENANT, one.id, party.resource) != ADDRESSES.seen(TENANT, two.id, party.resource)
    assert (
        ADDRESSES.own(TENANT, "x")
        != ADDRESSES.own("other", "x")
        != Addresses("z" * 72, "mail.example").own("other", "x")
    )


# --- answers -----------------------------------------------------------------------------------------


def reply(ics: bytes, answer: str, **changes: Any) -> str:
    """What a calendar program answers to an invitation: its own attendee with the answer, the version, now."""
    asked = event(ics)
    mine = next(one for one in attendees(ics) if one.params["RSVP"] == "TRUE")
    lines = {
        "METHOD": "METHOD:REPLY",
        "UID": f"UID:{asked['UID']}",
        "SEQUENCE": f"SEQUENCE:{asked['SEQUENCE']}",
        "DTSTAMP": "DTSTAMP:20240602T080000Z",
        "ATTENDEE": f'ATTENDEE;CN="Anna; A";PARTSTAT={answer}:{mine}',
        "COMMENT": "COMMENT:I am ill\u2028and say so",
        **changes,
    }
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//mail//EN", lines.pop("METHOD"), "BEGIN:VEVENT"]
    rest = [line for line in lines.values() if line]
    return "\r\n".join([*head, *rest, "END:VEVENT", "END:VCALENDAR", ""])


@pytest.mark.parametrize("answer", ["ACCEPTED", "DECLINED", "TENTATIVE", "NEEDS-ACTION", "accepted"])
def test_an_answer_is_read(answer: str) -> None:
    one = meeting(version=7)
    found = itip.read(reply(invitation(one), answer))
    assert found == itip.Reply(
        one.id,
        ADDRESSES.own(TENANT, GUIDE.resource).partition("@")[0],
        7,
        datetime(2024, 6, 2, 8, tzinfo=UTC),
        PartyResponse(answer.upper().replace("-", "_")),
    )


def test_an_answer_that_another_library_writes_is_read() -> None:
    asked = vobject.readOne(invitation(meeting(version=2)).decode())
    answer = vobject.iCalendar()
    answer.add("method").value = "REPLY"
    made = answer.add("vevent")
    for name in ("uid", "sequence", "dtstart", "dtend", "organizer"):
        made.add(getattr(asked.vevent, name))
    made.add("dtstamp").value = datetime(2024, 6, 3, tzinfo=tz.UTC)
    (mine,) = [one for one in asked.vevent.attendee_list if one.rsvp_param == "TRUE"]
    mine.partstat_param = "DECLINED"
    made.add(mine)
    found = itip.read(answer.serialize())
    assert (found.meeting, found.version, found.response) == (meeting().id, 2, PartyResponse.DECLINED)
    assert found.mailbox == ADDRESSES.own(TENANT, GUIDE.resource).partition("@")[0]


def test_an_answer_without_a_sequence_is_to_the_first_version() -> None:
    assert itip.read(reply(invitation(meeting()), "ACCEPTED", SEQUENCE="")).version == 0


OTHER = "mailto:someone@else.example"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("COUNTER_NOT_TAKEN", {"METHOD": "METHOD:COUNTER"}),
        ("DELEGATION_NOT_TAKEN", {"ATTENDEE": f'ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO="{OTHER}":mailto:a@b'}),
        ("DELEGATION_NOT_TAKEN", {"ATTENDEE": f'ATTENDEE;PARTSTAT=ACCEPTED;DELEGATED-FROM="{OTHER}":mailto:a@b'}),
        ("NOT_AN_ITIP_REPLY", {"METHOD": "METHOD:REQUEST"}),
        ("NOT_AN_ITIP_REPLY", {"METHOD": "X-METHOD:REPLY"}),
        ("NOT_AN_ITIP_REPLY", {"UID": ""}),
        ("NOT_AN_ITIP_REPLY", {"UID": "UID:no address"}),
        ("NOT_AN_ITIP_REPLY", {"UID": "UID:" + "x" * 200 + "@mail.example"}),
        ("NOT_AN_ITIP_REPLY", {"DTSTAMP": ""}),
        ("NOT_AN_ITIP_REPLY", {"DTSTAMP": "DTSTAMP:20240602T080000"}),
        ("NOT_AN_ITIP_REPLY", {"DTSTAMP": "DTSTAMP:20240231T080000Z"}),
        ("NOT_AN_ITIP_REPLY", {"SEQUENCE": "SEQUENCE:-1"}),
        ("NOT_AN_ITIP_REPLY", {"SEQUENCE": "SEQUENCE:99999999999999999999"}),
        ("NOT_AN_ITIP_REPLY", {"ATTENDEE": ""}),
        ("NOT_AN_ITIP_REPLY", {"ATTENDEE": "ATTENDEE:mailto:abc@mail.example"}),
        ("NOT_AN_ITIP_REPLY", {"ATTENDEE": "ATTENDEE;PARTSTAT=IN-PROCESS:mailto:abc@mail.example"}),
        ("NOT_AN_ITIP_REPLY", {"ATTENDEE": "ATTENDEE;PARTSTAT=ACCEPTED:tel:+46700000000"}),
        ("NOT_AN_ITIP_REPLY", {"ATTENDEE": 'ATTENDEE;PARTSTAT="ACCEPTED:mailto:abc@mail.example'}),
        ("NOT_AN_ITIP_REPLY", {"RECURRENCE-ID": "RECURRENCE-ID:20240610T090000Z"}),
        ("NOT_AN_ITIP_REPLY", {"UID2": "UID:other@mail.example"}),
        ("NOT_AN_ITIP_REPLY", {"MORE": "END:VEVENT\r\nBEGIN:VEVENT"}),
        ("NOT_AN_ITIP_REPLY", {"MORE": "a line of words"}),
        ("NOT_AN_ITIP_REPLY", {"MORE": "BEGIN:VEVENT\r\n" * 1000}),
        ("NOT_AN_ITIP_REPLY", {"MORE": "X-A:" + "b" * 70_000}),
        ("NOT_AN_ITIP_REPLY", {"METHOD": "METHOD:REPLY\r\nEND:VCALENDAR\r\nBEGIN:VCALENDAR"}),
    ],
)
def test_what_is_no_answer_is_refused_with_a_code_and_without_a_word_of_it(code: str, changes: dict[str, str]) -> None:
    text = reply(invitation(meeting()), "ACCEPTED", **changes)
    with pytest.raises(InvalidRequest) as refused:
        itip.read(text)
    said = str(refused.value.to_wire())
    assert refused.value.code == code
    assert [fault["path"] for fault in refused.value.faults] == ["text"]
    assert not [word for word in ("Anna", "someone", "mailto", "mail.example", meeting().id, "words") if word in said]


def test_zones_and_rules_in_an_answer_are_not_looked_at() -> None:
    """A rule that comes back every second since 1970 would keep a parser that follows it busy for ever."""
    bomb = (
        "BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\n"
        "TZOFFSETTO:+0000\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    text = reply(
        invitation(meeting()), "ACCEPTED", METHOD=f"METHOD:REPLY\r\n{bomb.rstrip()}", MORE="RRULE:FREQ=SECONDLY"
    )
    assert itip.read(text).response is PartyResponse.ACCEPTED


_PIECES = st.sampled_from(
    [
        *("BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "METHOD:REPLY", "UID:a@b"),
        *("DTSTAMP:20240602T080000Z", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:abc@b", "SEQUENCE:1", " folded", "\t"),
        *("ATTENDEE;;:", 'ATTENDEE;A="', "UID;X=\x07:é"),
    ]
)


@pytest.mark.slow
@given(
    st.one_of(st.text(max_size=300), st.lists(st.one_of(_PIECES, st.text(max_size=20)), max_size=14).map("\r\n".join))
)
@settings(max_examples=400, deadline=None)
def test_any_text_is_an_answer_or_is_refused(text: str) -> None:
    try:
        found = itip.read(text)
    except InvalidRequest as refused:
        assert refused.code in ("NOT_AN_ITIP_REPLY", "COUNTER_NOT_TAKEN", "DELEGATION_NOT_TAKEN")
    else:
        assert found.mailbox


# --- the pure part -----------------------------------------------------------------------------------


def test_every_role_has_a_calendar_and_every_language_every_word() -> None:
    assert {reader_of(role) for role in MeetingParty} == set(Reader)
    for lang, title, mode in product(LANGUAGES, Title, MeetingMode):
        shown = Entry("m", 0, HOUR, False, title, False, mode, guests=(Guest("x", True, PartyResponse.ACCEPTED, True),))
        assert event(MAKER.invitation(shown, REQUEST, lang, NOW))["SUMMARY"]
