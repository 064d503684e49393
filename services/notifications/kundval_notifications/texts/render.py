"""Messages in words: what open channels say, and what closed ones do; as plain text, and as HTML for e-mail.

An open channel (`nudge`) is given kinds and counts, nothing of a case: what it does not have it cannot say. A closed
one (`inside`) says the whole notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from markupsafe import Markup, escape

from kundval_chassis.clock import SWEDEN
from kundval_chassis.html import template
from kundval_contracts.answer import Notice
from kundval_contracts.codes import DeliveryChannel, MessageState, NoticeKind, Role, Urgency
from kundval_contracts.notices import notice_table
from kundval_contracts.rules import rule

from ..channels.port import Content
from .load import Language, Text, library

_BETWEEN = ", "
_DAY = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)( \d\d:\d\d)?\b")
#: between the languages of a message in two
_BREAK = "\n\n---\n\n"
#: stands where a value should, if a notice has none
NOTHING = "–"

_MEETINGS: Mapping[NoticeKind, str] = {
    NoticeKind.MEETING_BOOKED: "meeting",
    NoticeKind.MEETING_MOVED: "meeting_changed",
    NoticeKind.MEETING_CANCELLED: "meeting_changed",
    NoticeKind.MEETING_SOON: "meeting_soon",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A notice as far as an open channel may know of it."""

    kind: NoticeKind
    to: Role
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Past:
    """What was told before about the same thing: to whom, on which day, and what came of it."""

    kind: NoticeKind
    to: Role
    on: date
    told_at: datetime | None
    state: MessageState


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or with `points` a list."""

    text: str = ""
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the history."""

    on: date
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A message in one language. `history` is None where there is none to tell of. `months`: their names, or none."""

    lang: str
    direction: str
    months: tuple[str, ...]
    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
    link: str
    log_in: str
    link_label: str
    footer: str | None
    history_title: str = ""
    history: tuple[Event, ...] | None = None


def nudge(
    items: Sequence[Item],
    language: str,
    channel: DeliveryChannel,
    link: str,
    *,
    digest: bool = False,
    late: bool = False,
) -> Content:
    """What an open channel says of one or several notices of a recipient: that there is something to read.

    `link`: where to log in; it must not say anything either. `digest`: the day's summary, counts only. `late`: it comes
    later than it should, and says so. For SMS the text alone, of as many parts as the language's file says. A language
    that lacks the text is told in Swedish with English below, and `Content.language` says so (``sv+en``). Raises
    ValueError if there are no items.
    """
    key = nudge_key(items, digest=digest)
    told = _told(language, lambda one: one.nudge(key))
    values = {"count": str(len(items))}
    subject = told[0][1].subject.format_map(values)
    if channel is DeliveryChannel.SMS:
        lines = [_sms(one, text, values, late=late) for one, text in told]
        return _content(told, subject, "\n".join([*lines, link]), None)
    parts = tuple(
        _part(one, text.subject, (Block(text.body.format_map(values)),), link, late=late, footer=one.frame("no_reply"))
        for one, text in told
    )
    return _content(told, subject, _plain(parts), _html(subject, parts))


def nudge_key(items: Sequence[Item], *, digest: bool = False) -> str:
    """Which text of an open channel: by how many there are, and for one by whether something has to be done.

    Of kinds only meetings are told apart, and to clients only.
    """
    if not items:
        raise ValueError("nothing to tell")
    if digest:
        return "digest"
    if len(items) > 1:
        return "several"
    (item,) = items
    if item.to is Role.CLIENT:
        return _MEETINGS.get(item.kind, "message")
    if item.urgency is Urgency.AT_ONCE:
        return "urgent"
    return "message" if notice_table()[item.kind].still == "ALWAYS" else "task"


def _sms(language: Language, text: Text, values: Mapping[str, str], *, late: bool) -> str:
    said = (text.sms or text.body).format_map(values)
    return f"{language.frame('late_short')} {said}" if late else said


def inside(
    notice: Notice,
    language: str,
    link: str,
    history: Sequence[Past] | None = None,
    *,
    late: bool = False,
    html: bool = True,
) -> Content:
    """The whole notice in words, for channels that nobody else reads; without `html` in plain text alone.

    `link`: empty for who has logged in. `history`: what was told before about the same thing, the first first; it is
    shown to all but clients. None: it is not said here. A language that lacks the text is told in Swedish with English
    below. Raises LookupError for a kind that there is not, or that the role is not told of.
    """
    try:
        kind = NoticeKind(notice.kind)
    except ValueError:
        raise LookupError(f"no kind of notice {notice.kind}") from None
    told = _told(language, lambda one: one.inside(kind, notice.to))
    parts = tuple(_inside(one, text, notice, kind, link, history, late=late) for one, text in told)
    subject = parts[0].title
    return _content(told, subject, _plain(parts), _html(subject, parts) if html else None)


def _inside(
    language: Language,
    text: Text,
    notice: Notice,
    kind: NoticeKind,
    link: str,
    history: Sequence[Past] | None,
    *,
    late: bool,
) -> Part:
    title, notes, events = text.subject, [], None
    if notice.round:
        notes.append(language.frame("reminder"))
    if notice.to is not Role.CLIENT:
        title = language.frame("subject").format(
            about=language.word("about", notice.about.value), id=notice.assignment, subject=text.subject
        )
        if history or (history is not None and kind is NoticeKind.OBLIGATION_ESCALATED):
            events = tuple(_event(language, one) for one in history)
            if not events:
                notes.append(language.frame("nothing_told"))
    blocks = tuple(_blocks(language, text, notice))
    return _part(language, title, blocks, link, late=late, notes=notes, history=events or None)


@rule("AMI-3.2.1-d")
def _blocks(language: Language, text: Text, notice: Notice) -> Iterator[Block]:
    """The paragraphs with their values; a value that stands alone in one is a list.

    The agenda of a three-party meeting says what is expected in order to keep assistance, or which rights and duties
    come with the intervention: by the code that the notice carries, for whether the client had assistance that day.
    """
    values = _values(language, notice)
    for paragraph in text.paragraphs:
        name = paragraph[1:-1]
        if paragraph == f"{{{name}}}":
            code = notice.values.get(name, "")
            yield Block(points=language.points(name, code) or tuple(values[name].split(_BETWEEN)))
        else:
            yield Block(paragraph.format_map(values))


class _Values(dict[str, str]):
    """A value that a notice lacks is said as a dash: it is better told with a gap than not at all."""

    def __missing__(self, key: str) -> str:
        return NOTHING


def _values(language: Language, notice: Notice) -> Mapping[str, str]:
    said = {
        name: _BETWEEN.join(language.word(name, code) for code in value.split(_BETWEEN))
        for name, value in notice.values.items()
        if value
    }
    return _Values(said, id=notice.assignment, on=notice.on.isoformat())


def _event(language: Language, past: Past) -> Event:
    text = language.inside(past.kind, past.to)
    said = {
        "what": text.subject if text else past.kind.value,
        "to": language.word("role", past.to.value),
        "state": language.word("state", past.state.value),
    }
    if past.told_at is None:
        return Event(past.on, language.frame("history_row").format_map(said))
    told_at = past.told_at.astimezone(SWEDEN).strftime("%Y-%m-%d %H:%M")
    return Event(past.on, language.frame("history_told").format(**said, told_at=told_at))


# --- form ------------------------------------------------------------------------------------------------


def _told(language: str, find: Callable[[Language], Text | None]) -> list[tuple[Language, Text]]:
    """The text in a language, or in the main ones if that has none. Raises LookupError if they have none either."""
    held = library()
    own = held.get(language)
    text = find(own) if own else None
    if own is not None and text is not None:
        return [(own, text)]
    found = [(one, said) for one in held.main if (said := find(one)) is not None]
    if not found:
        raise LookupError("there is no text for it")
    return found


def _part(
    language: Language,
    title: str,
    blocks: tuple[Block, ...],
    link: str,
    *,
    late: bool,
    footer: str | None = None,
    notes: Sequence[str] = (),
    history: tuple[Event, ...] | None = None,
) -> Part:
    return Part(
        language.code,
        language.direction,
        language.months,
        title,
        blocks,
        (*((language.frame("late"),) if late else ()), *notes),
        link,
        language.frame("log_in"),
        language.frame("link"),
        footer,
        language.frame("history") if history else "",
        history,
    )


def _content(told: list[tuple[Language, Text]], subject: str, text: str, html: str | None) -> Content:
    """`language` and `version` name both languages of a message in two: ``sv+en``, ``sv-1,en-1``."""
    return Content(
        "+".join(one.code for one, _ in told),
        subject,
        text,
        html,
        told[0][1].name,
        ",".join(f"{one.code}-{text.version}" for one, text in told),
    )


def _plain(parts: tuple[Part, ...]) -> str:
    """As plain text: paragraphs with an empty line between, points with a hyphen, no line broken."""
    return _BREAK.join("\n\n".join(_paragraphs(part)) for part in parts) + "\n"


def _day_in(months: tuple[str, ...], found: re.Match[str]) -> str:
    """A day, or a time on a day, as a language says it: 15 mars 2024. Without names for the months in figures."""
    year, month, day, at = found.groups(default="")
    known = bool(months) and 1 <= int(month) <= len(months)
    return f"{int(day)} {months[int(month) - 1]} {year}{at}" if known else found[0]


def _paragraphs(part: Part) -> Iterator[str]:
    def days(text: str) -> str:
        return _DAY.sub(partial(_day_in, part.months), text)

    yield from part.notes
    for block in part.blocks:
        yield days("\n".join(f"- {point}" for point in block.points) if block.points else block.text)
    if part.link:
        yield f"{part.log_in}:\n{part.link}"
    if part.history:
        yield days("\n".join([f"{part.history_title}:", *(f"- {event.on}: {event.text}" for event in part.history)]))
    if part.footer:
        yield part.footer


def _html(subject: str, parts: tuple[Part, ...]) -> str:
    """As a page for mail programs: it loads nothing, follows nobody, and can be read without colours and pictures."""
    return template(__package__, "mail.html").render(subject=subject, parts=parts, days=_days) + "\n"


def _days(text: object, months: tuple[str, ...]) -> Markup:
    """A text in HTML whose days and times are marked as such, and not broken over two lines."""
    marked = '<time style="white-space: nowrap;" datetime="{0}">{1}</time>'
    return Markup(_DAY.sub(lambda found: marked.format(found[0], _day_in(months, found)), str(escape(text))))
