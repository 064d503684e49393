"""Answers to invitations as mail programs send them: an iTIP REPLY (RFC 5546, 3.2.3).

The text comes from outside, so it is taken apart line by line and nothing is built from it that could grow: no zone, no
rule of recurrence. Of all that it says only who, which version and what is kept; words of a person are passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from icalendar.parser import Contentline, Parameters

from kundval_contracts.codes import PartyResponse
from kundval_contracts.errors import InvalidRequest

from .ical import RESPONSES

#: the most bytes of a reply
LARGEST = 64 * 1024

_UID = re.compile(r"([\w.:@/+-]{1,100})@[a-z0-9.-]{1,255}", re.IGNORECASE)
_MAILBOX = re.compile(r"mailto:([a-z2-7]{1,64})@[a-z0-9.-]{1,255}", re.IGNORECASE | re.ASCII)
_STAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_NAME = re.compile(r"([A-Za-z0-9-]+)[;:]", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
#: properties of a reply that are looked at, each of which may be there once
_READ = frozenset({"METHOD", "UID", "SEQUENCE", "DTSTAMP", "ATTENDEE", "RECURRENCE-ID"})


@dataclass(frozen=True, slots=True)
class Reply:
    """mailbox: the part of the sender's address before the @. version: the SEQUENCE that was answered."""

    meeting: str
    mailbox: str
    version: int
    stamp: datetime
    response: PartyResponse


def read(text: str) -> Reply:
    """The answer in a text. Raises InvalidRequest: NOT_AN_ITIP_REPLY, COUNTER_NOT_TAKEN, DELEGATION_NOT_TAKEN.

    No error quotes the text.
    """
    if len(text.encode()) > LARGEST:
        raise _not_a_reply("is too large")
    found = _properties(text)
    method = found.get("METHOD", (None, ""))[1].upper()
    if method == "COUNTER":
        raise _refused("COUNTER_NOT_TAKEN", "proposes another time: meetings are moved by who books them")
    if method != "REPLY":
        raise _not_a_reply("is not of the method REPLY")
    if "RECURRENCE-ID" in found:
        raise _not_a_reply("is about one of several times, and no meeting has several")
    try:
        parameters, attendee = found["ATTENDEE"]
        uid, mailbox = _UID.fullmatch(found["UID"][1]), _MAILBOX.fullmatch(attendee)
        stamp, version = _STAMP.fullmatch(found["DTSTAMP"][1]), _NUMBER.fullmatch(found.get("SEQUENCE", (None, "0"))[1])
    except KeyError:
        raise _not_a_reply("lacks a property that it must have") from None
    said = str(parameters.get("PARTSTAT", "")).upper()
    if said == "DELEGATED" or "DELEGATED-TO" in parameters or "DELEGATED-FROM" in parameters:
        raise _refused("DELEGATION_NOT_TAKEN", "names somebody else to take part: who books a meeting invites")
    if not (uid and mailbox and stamp and version) or said not in RESPONSES:
        raise _not_a_reply("has a property that is not of its form")
    try:
        at = datetime.strptime(stamp[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _not_a_reply("has a property that is not of its form") from None
    return Reply(uid[1], mailbox[1].lower(), int(version[0]), at, RESPONSES[said])


def _properties(text: str) -> dict[str, tuple[Parameters, str]]:
    """What is read of the calendar and its only event, by name."""
    found: dict[str, tuple[Parameters, str]] = {}
    within: list[str] = []
    calendars = events = 0
    # a line goes on in the next one if that begins with a space or tab
    for line in re.split(r"\r?\n", re.sub(r"\r?\n[ \t]", "", text)):
        named = _NAME.match(line)
        if named is None:
            if line.strip():
                raise _not_a_reply("has a line that is none of iCalendar")
            continue
        name = named[1].upper()
        if name not in _READ and name not in ("BEGIN", "END"):
            continue
        try:
            _, parameters, value = Contentline(line).parts()
        except ValueError:
            raise _not_a_reply("has a line that is none of iCalendar") from None
        if name == "BEGIN":
            within.append(value.strip().upper())
            calendars += len(within) == 1
            events += within == ["VCALENDAR", "VEVENT"]
        elif name == "END":
            if not within or within.pop() != value.strip().upper():
                raise _not_a_reply("has parts that do not end where they should")
        elif not within:
            raise _not_a_reply("is no calendar")
        elif name in _READ and within in (["VCALENDAR"], ["VCALENDAR", "VEVENT"]):
            if name in found:
                raise _not_a_reply("says something twice")
            found[name] = (parameters, value.strip())
    if within or (calendars, events) != (1, 1):
        raise _not_a_reply("does not hold exactly one event")
    return found


def _not_a_reply(why: str) -> InvalidRequest:
    return _refused("NOT_AN_ITIP_REPLY", why)


def _refused(code: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        "The answer to an invitation is not taken.", code=code, faults=[{"path": "text", "message": why}]
    )
