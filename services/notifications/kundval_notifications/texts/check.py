"""What is wrong with the files of texts, all of it, by file and path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from string import Formatter
from typing import Any

from kundval_contracts.codes import (
    AfDispatchState,
    AfMessage,
    Document,
    DocumentProblem,
    ExitKind,
    MeetingKind,
    MeetingParty,
    MessageState,
    NoticeKind,
    ObligationKind,
    Offer,
    Programme,
    ReportKind,
    Role,
    RunProblem,
    SubjectKind,
)
from kundval_contracts.notices import notice_table

from ..channels import sms_text
from .lexicon import Lexicon, lexicon

Fault = tuple[str, str]

#: what an open channel says, by key; clients are told by those that every language should have
FOR_CLIENTS = ("message", "meeting", "meeting_changed", "meeting_soon", "several")
NUDGES = (*FOR_CLIENTS, "task", "urgent", "digest")

_TOP = frozenset(
    {"language", "name", "direction", "version", "proofread", "sms_parts", "months", "nudge", "frame", "open"}
)
_COMPLETE = frozenset({"inside", "lists", "words", "plain"})
_OPEN_FRAME = ("log_in", "link", "no_reply", "late", "late_short")
#: places in the frame of closed channels
_CLOSED_FRAME: Mapping[str, frozenset[str]] = {
    "subject": frozenset({"about", "id", "subject"}),
    "reminder": frozenset(),
    "history": frozenset(),
    "history_row": frozenset({"what", "to", "state"}),
    "history_told": frozenset({"what", "to", "state", "told_at"}),
    "nothing_told": frozenset(),
}
_PLAIN = frozenset({"longest_sentence", "lix_client", "lix_staff", "avoid"})

#: The codes that a value of a notice can be. A complete language has a word for each.
CODES: Mapping[str, Iterable[StrEnum | str]] = {
    "about": SubjectKind,
    "role": Role,
    "state": MessageState,
    "due": ("AT_ONCE",),
    "programme": [one for one in Programme if one.is_local],  # the others have the titles of their tariffs
    "obligation": ObligationKind,
    "meeting": MeetingKind,
    "party": MeetingParty,
    "offer": Offer,
    "booker": (Role.PROVIDER, Role.CAREER_GUIDE),
    "answer": ("YES", "NO"),
    "exit": ExitKind,
    "cause": ("OTHER_LENGTH", "GAP_BEFORE_FIRST_DAY", ExitKind.OWN_BUSINESS, ExitKind.STUDY_MIN_HALF_TIME),
    "documents": Document,
    "report": ReportKind,
    "message": AfMessage,
    "stand": [AfDispatchState(name) for name in ("NOT_APPROVED", "FAILED", "PARKED", "MANUAL", "EXPIRED")],
    "duty": ("CERTIFICATE", "THREE_PARTY_MEETING"),
    "code": [*DocumentProblem, *RunProblem],
}
#: The codes that are said in points; "*": the same whatever the value.
LISTS: Mapping[str, tuple[str, ...]] = {
    "agenda": ("FOLLOW_UP", "KEEP_EB", "RIGHTS_AND_DUTIES"),
    "coordinator": ("*",),
}

LONGEST_SUBJECT = 70
LONGEST_NUDGE = 300
LONGEST_BODY = 1500
#: places that the longest link is taken to need in a text message
LINK_PLACES = 60
_MOST_PARTS = 3
_MONTHS = 12
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,30}")
#: as the languages of clients are stated (ISO 639)
_TAG = re.compile(r"[a-z]{2,3}")
#: joiners that some scripts need; every other hidden character could hide something or turn the line around
_JOINERS = frozenset("\u200c\u200d")


def complaints(raw: Mapping[str, Mapping[str, Any]], main: Sequence[str]) -> list[Fault]:
    """Everything that is wrong. `main`: the languages that have to be complete."""
    faults = [(f"{code}.toml", "required: this language has to be there") for code in main if code not in raw]
    for code, held in raw.items():
        words = lexicon(raw, tuple(dict.fromkeys([code, *main])))
        for path, message in _language(code, held, words, complete=code in main):
            faults.append((f"{code}.toml: {path}", message))
    return faults


def _language(code: str, raw: Mapping[str, Any], words: Lexicon, *, complete: bool) -> Iterator[Fault]:
    yield from _unknown(raw, _TOP | _COMPLETE, "")
    yield from _head(code, raw)
    yield from _open(raw, words, complete=complete)
    if complete or "inside" in raw:
        yield from _inside(raw, complete=complete)
    if complete:
        yield from _frame(raw)
        yield from _words(raw)
        yield from _lists(raw)
        yield from _plain(raw)


def _head(code: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    if not _TAG.fullmatch(code):
        yield "language", "must be a language code of ISO 639, such as sv"
    if not isinstance(raw.get("name"), str) or not raw["name"].strip():
        yield "name", "required: the language's own name"
    if raw.get("direction") not in ("ltr", "rtl"):
        yield "direction", "must be ltr or rtl"
    version = raw.get("version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        yield "version", "required: letters, digits, dots and hyphens, 31 at most"
    if type(raw.get("proofread")) is not bool:
        yield "proofread", "must be true or false"
    months = raw.get("months", [])
    named = isinstance(months, list) and all(isinstance(one, str) and one.isalpha() for one in months)
    if not named or len(months) not in (0, _MONTHS):
        yield "months", "must be the names of twelve months"
    parts = raw.get("sms_parts")
    if type(parts) is not int or not 1 <= parts <= _MOST_PARTS:
        yield "sms_parts", f"must be a whole number from 1 to {_MOST_PARTS}"


# --- open channels ---------------------------------------------------------------------------------------


def _open(raw: Mapping[str, Any], words: Lexicon, *, complete: bool) -> Iterator[Fault]:
    nudges, frame = _table(raw, "nudge"), _table(raw, "frame")
    yield from _unknown(_table(raw, "open"), {"never"}, "open")
    never = _table(raw, "open").get("never", [])
    if not isinstance(never, list) or not all(isinstance(one, str) and one.strip() for one in never):
        yield "open.never", "must be a list of texts"
    yield from _unknown(nudges, NUDGES, "nudge")
    for key in NUDGES if complete else ("message",):
        if key not in nudges:
            yield f"nudge.{key}", "required"
    for key in _OPEN_FRAME:
        if key not in frame:
            yield f"frame.{key}", "required"
        else:
            yield from _sayable(frame[key], f"frame.{key}", frozenset(), LONGEST_NUDGE)
            yield from _harmless(frame[key], f"frame.{key}", words)
    late = frame.get("late_short", "")
    for key in NUDGES:
        row = nudges.get(key)
        if row is None:
            continue
        if not isinstance(row, Mapping):
            yield f"nudge.{key}", "must be a table"
            continue
        yield from _unknown(row, {"subject", "body", "sms"}, f"nudge.{key}")
        fields = frozenset({"count"}) if key in ("several", "digest") else frozenset()
        for part, longest in (("subject", LONGEST_SUBJECT), ("body", LONGEST_NUDGE), ("sms", LONGEST_NUDGE)):
            path = f"nudge.{key}.{part}"
            if part not in row:
                yield path, "required"
                continue
            yield from _sayable(row[part], path, frozenset() if part == "subject" else fields, longest)
            yield from _harmless(row[part], path, words)
        yield from _fits(row.get("sms"), late, raw.get("sms_parts"), f"nudge.{key}.sms")


def _harmless(text: Any, path: str, words: Lexicon) -> Iterator[Fault]:
    """Whether a text says nothing of what a message is about."""
    if not isinstance(text, str):
        return
    said = re.sub(r"\{[^{}]*\}", " ", text)
    for word in words.found_in(said):
        yield path, f"says {word.strip()!r}, which an open channel must not"
    if any(char.isdigit() for char in said):
        yield path, "holds a digit: no id, day or number may stand on an open channel"
    if re.search(r"@|://|www\.", said):
        yield path, "holds an address: the only one is the link, which is put in by itself"


def _fits(text: Any, late: Any, parts: Any, path: str) -> Iterator[Fault]:
    if not isinstance(text, str) or not isinstance(late, str) or type(parts) is not int:
        return
    longest = f"{late} {text.replace('{count}', '1000')}\n{'x' * LINK_PLACES}"
    needed = sms_text.parts(longest)
    if needed > parts:
        yield path, f"takes {needed} parts as a text message with the link and a word that it is late; {parts} is said"


# --- closed channels -------------------------------------------------------------------------------------


def _inside(raw: Mapping[str, Any], *, complete: bool) -> Iterator[Fault]:
    inside = _table(raw, "inside")
    yield from _unknown(inside, set(NoticeKind), "inside")
    for kind, terms in notice_table().items():
        held = inside.get(kind.value, {})
        path = f"inside.{kind}"
        if not isinstance(held, Mapping):
            yield path, "must be a table by role"
            continue
        client = Role.CLIENT in terms.routes
        staff = set(terms.routes) != {Role.CLIENT}
        allowed = {Role.CLIENT.value} if client else set()
        if staff:
            allowed |= {"STAFF", *(role.value for role in Role if role is not Role.CLIENT)}
        yield from _unknown(held, allowed, path)
        if complete and client and Role.CLIENT.value not in held:
            yield f"{path}.CLIENT", "required"
        if complete and staff and "STAFF" not in held:
            yield f"{path}.STAFF", "required"
        for name, row in held.items():
            fields = frozenset() if name == Role.CLIENT.value else terms.values | {"id", "on"} | _fixed_lists()
            yield from _message(row, f"{path}.{name}", fields)


def _fixed_lists() -> frozenset[str]:
    return frozenset(name for name, codes in LISTS.items() if codes == ("*",))


def _message(row: Any, path: str, fields: frozenset[str]) -> Iterator[Fault]:
    if not isinstance(row, Mapping):
        yield path, "must be a table"
        return
    yield from _unknown(row, {"subject", "body"}, path)
    for part, longest in (("subject", LONGEST_SUBJECT), ("body", LONGEST_BODY)):
        if part not in row:
            yield f"{path}.{part}", "required"
            continue
        # the subject stands in lists, where no value should be read
        yield from _sayable(row[part], f"{path}.{part}", frozenset() if part == "subject" else fields, longest,
                            lines=part == "body")  # fmt: skip


def _frame(raw: Mapping[str, Any]) -> Iterator[Fault]:
    frame = _table(raw, "frame")
    yield from _unknown(frame, {*_OPEN_FRAME, *_CLOSED_FRAME}, "frame")
    for key, fields in _CLOSED_FRAME.items():
        if key not in frame:
            yield f"frame.{key}", "required"
        else:
            yield from _sayable(frame[key], f"frame.{key}", fields, LONGEST_NUDGE)


def _words(raw: Mapping[str, Any]) -> Iterator[Fault]:
    words = _table(raw, "words")
    yield from _unknown(words, CODES, "words")
    for value, codes in CODES.items():
        held = words.get(value, {})
        if not isinstance(held, Mapping):
            yield f"words.{value}", "must be a table"
            continue
        for code in dict.fromkeys(map(str, codes)):
            if code not in held:
                yield f"words.{value}.{code}", "required"
        for code, word in held.items():
            yield from _sayable(word, f"words.{value}.{code}", frozenset(), LONGEST_NUDGE)


def _lists(raw: Mapping[str, Any]) -> Iterator[Fault]:
    lists = _table(raw, "lists")
    yield from _unknown(lists, LISTS, "lists")
    for value, codes in LISTS.items():
        held = lists.get(value, {})
        yield from _unknown(held, codes, f"lists.{value}")
        for code in codes:
            points, path = held.get(code), f"lists.{value}.{code}"
            if not isinstance(points, list) or not points:
                yield path, "required: a list of points"
                continue
            for place, point in enumerate(points):
                yield from _sayable(point, f"{path}[{place}]", frozenset(), LONGEST_NUDGE)


def _plain(raw: Mapping[str, Any]) -> Iterator[Fault]:
    plain = _table(raw, "plain")
    yield from _unknown(plain, _PLAIN, "plain")
    for key in sorted(_PLAIN - {"avoid"}):
        if type(plain.get(key)) is not int or plain[key] < 1:
            yield f"plain.{key}", "must be a whole number"
    if not isinstance(plain.get("avoid"), list):
        yield "plain.avoid", "must be a list of texts"


# --- parts -----------------------------------------------------------------------------------------------


def _sayable(text: Any, path: str, fields: frozenset[str], longest: int, *, lines: bool = False) -> Iterator[Fault]:
    """Whether a text can be filled in and shown. `fields`: the places that it may have."""
    if not isinstance(text, str) or not text.strip():
        yield path, "must be a text"
        return
    if len(text) > longest:
        yield path, f"is {len(text)} characters long; {longest} at most"
    hidden = [char for char in text if unicodedata.category(char) in ("Cc", "Cf") and char not in _JOINERS]
    if [char for char in hidden if not (lines and char == "\n")]:
        yield path, "holds a line break" if "\n" in hidden and not lines else "holds a hidden character"
    for field in _fields_of(text):
        if field is None:
            yield path, "has a brace that is not closed, or one too many"
        elif field not in fields:
            places = ", ".join(sorted(fields)) or "none"
            yield path, f"names {field!r}, which there is not; there are: {places}"


def _fields_of(text: str) -> Iterator[str | None]:
    """The places of a text; None if it cannot be read. A place is a name and nothing more."""
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if name is not None:
                yield f"{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}"
    except ValueError:
        yield None


def _table(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    held = raw.get(key, {})
    return held if isinstance(held, Mapping) else {}


def _unknown(raw: Any, known: Iterable[str], path: str) -> Iterator[Fault]:
    if not isinstance(raw, Mapping):
        yield path, "must be a table"
        return
    for key in raw:
        if key not in set(map(str, known)):
            yield f"{path}.{key}".lstrip("."), "unknown key"
