"""Entries as iCalendar (RFC 5545, 7986): invitations (RFC 5546), and calendars to subscribe to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from icalendar import Calendar, Component, Event, vCalAddress, vDuration, vUri

from kundval_contracts.codes import InvitationMethod, MeetingMode, PartyResponse

from ..domain.entry import Entry, Guest, Title
from ..domain.instants import LOCAL, zone
from .addresses import Addresses

LANGUAGES = ("sv", "en")
#: how often a calendar program should look again
_REFRESH = timedelta(hours=4)

_WORDS: dict[str, dict[str, str]] = {
    "sv": {
        Title.MEETING: "Möte",
        Title.BOOKED: "Bokat möte",
        Title.BUSY: "Upptagen",
        MeetingMode.VIDEO: "Video",
        MeetingMode.PHONE: "Telefon",
        "name": "Möten",
    },
    "en": {
        Title.MEETING: "Meeting",
        Title.BOOKED: "Booked meeting",
        Title.BUSY: "Busy",
        MeetingMode.VIDEO: "Video",
        MeetingMode.PHONE: "Phone",
        "name": "Meetings",
    },
}

# The zone by its rule, which every calendar program knows: a list of dates would end some day.
_ZONE = f"""BEGIN:VTIMEZONE
TZID:{LOCAL}
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
""".replace("\n", "\r\n")

_PARTSTAT = {
    PartyResponse.NEEDS_ACTION: "NEEDS-ACTION",
    PartyResponse.ACCEPTED: "ACCEPTED",
    PartyResponse.TENTATIVE: "TENTATIVE",
    PartyResponse.DECLINED: "DECLINED",
}
#: what an answer may say, as a calendar writes it
RESPONSES = {text: response for response, text in _PARTSTAT.items()}


@dataclass(frozen=True, slots=True)
class Maker:
    """What all calendars of a municipality have in common. link_base: start of the address behind an entry."""

    tenant: str
    addresses: Addresses
    link_base: str

    def invitation(self, entry: Entry, method: InvitationMethod, lang: str, stamp: datetime) -> bytes:
        """An invitation to the first of the entry's guests: REQUEST (with a higher SEQUENCE: a change), or CANCEL.

        stamp: now. A CANCEL of a meeting that is to be says that this guest is not invited any more.
        """
        if method is InvitationMethod.CANCEL:
            entry = replace(entry, cancelled=True, mode=None, place=None, room=None, guests=entry.guests[:1])
        event = self._event(entry, lang, stamp)
        organiser = vCalAddress(f"mailto:{self.addresses.organiser}")
        event.add("organizer", organiser)
        asks = method is InvitationMethod.REQUEST and entry.title is not Title.BUSY
        for guest in entry.guests:
            event.add("attendee", self._guest(entry, guest, asks))
        return b"".join(self._calendar([event], method=method))

    def feed(self, entries: Iterable[Entry], lang: str, stamp: datetime) -> Iterator[bytes]:
        """A calendar to subscribe to, in parts: it may have many entries. Those without a time are left out."""
        events = (self._event(one, lang, stamp) for one in entries if one.span is not None)
        return self._calendar(events, name=_WORDS[lang]["name"])

    def tag(self, entries: Sequence[Entry], lang: str) -> str:
        """The same for the same content, whenever it is written."""
        text = repr((entries, lang, self.link_base, self.addresses.domain))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _calendar(
        self, events: Iterable[Event], *, method: InvitationMethod | None = None, name: str | None = None
    ) -> Iterator[bytes]:
        calendar = Calendar()
        # of the operator's own domain: the name of the suite would say what it is about
        calendar.add("prodid", f"-//{self.addresses.domain}//Calendar//EN")
        calendar.add("version", "2.0")
        calendar.add("calscale", "GREGORIAN")
        if method is not None:
            calendar.add("method", method.value)
        if name is not None:
            calendar.add("name", name)
            calendar.add("x-wr-calname", name)
            calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
            calendar.add("x-published-ttl", vDuration(_REFRESH).to_ical().decode())
        head, end, _ = calendar.to_ical().partition(b"END:VCALENDAR")
        yield head + _ZONE.encode()
        for event in events:
            yield event.to_ical()
        yield end + b"\r\n"

    def _event(self, entry: Entry, lang: str, stamp: datetime) -> Event:
        words = _WORDS[lang]
        event = Event()
        event.add("uid", self.addresses.uid(entry.meeting))
        event.add("dtstamp", stamp.astimezone(UTC).replace(microsecond=0))
        event.add("sequence", entry.version)
        if entry.span is not None:
            _times(event, entry.span.start, entry.span.end)
        event.add("summary", words[entry.title])
        event.add("class", "PRIVATE")
        event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
        event.add("transp", "TRANSPARENT" if entry.cancelled else "OPAQUE")
        where = ", ".join(one for one in (entry.place, entry.room) if one)
        if not where and entry.mode in (MeetingMode.VIDEO, MeetingMode.PHONE):
            where = words[entry.mode]
        if where:
            event.add("location", where)
        if entry.linked:
            event.add("url", vUri(f"{self.link_base.rstrip('/')}/meetings/{entry.meeting}"))
        return event

    def _guest(self, entry: Entry, guest: Guest, asks: bool) -> vCalAddress:
        address = (
            self.addresses.own(self.tenant, guest.resource)
            if guest.own
            else self.addresses.seen(self.tenant, entry.meeting, guest.resource)
        )
        made = vCalAddress(f"mailto:{address}")
        made.params["ROLE"] = "REQ-PARTICIPANT" if guest.mandatory else "OPT-PARTICIPANT"
        made.params["PARTSTAT"] = _PARTSTAT[guest.response]
        made.params["RSVP"] = "TRUE" if guest.own and asks else "FALSE"
        return made


def _times(component: Component, start: datetime, end: datetime) -> None:
    """Local times, which a calendar keeps if the rules of the zone change; UTC where one of them is there twice."""
    local = [one.astimezone(zone()) for one in (start, end)]
    twice = any(one.replace(fold=0).utcoffset() != one.replace(fold=1).utcoffset() for one in local)
    given: Sequence[Any] = [one.astimezone(UTC) for one in (start, end)] if twice else local
    component.add("dtstart", given[0])
    component.add("dtend", given[1])
