"""Messages for the tests of texts: every kind, role, channel and language; and the mails that are kept as snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from kundval_contracts.answer import Notice
from kundval_contracts.codes import DeliveryChannel, NoticeKind, Role
from kundval_contracts.notices import notice_table
from kundval_notifications import texts
from kundval_notifications.channels.port import Content
from kundval_notifications.texts import sample
from kundval_notifications.texts.preview import preview

#: a link cannot be read: what stands in it stands in no text
LINK = "https://login.example/m/ffffffffffffffffffffffffffffffff"
OPEN = [channel for channel in DeliveryChannel if channel.is_open]
CLOSED = [channel for channel in DeliveryChannel if not channel.is_open]
#: with tags that there are no texts in, as somebody may have them all the same
LANGUAGES = (*texts.languages(), "pl", "und", "en-GB", "")

PAIRS = [(kind, to) for kind in NoticeKind for to in sample.roles(kind)]


def marked(kind: NoticeKind, to: Role) -> Notice:
    """A notice in which whatever it holds can be told from all else."""
    values = {name: f"MARK-{name}" for name in notice_table()[kind].values}
    about = notice_table()[kind].about
    return Notice("MARK-ID", kind.value, to, date(1999, 12, 31), ("MARK-RULE",), 77, "MARK-PROVIDER", values, about)


def nudges(language: str, channel: DeliveryChannel) -> Iterator[tuple[str, Content]]:
    """All that an open channel says in a language: each kind and role alone, several, the day's; in time and late."""
    for late in (False, True):
        for kind, to in PAIRS:
            one = sample.item(kind, to)
            yield f"{kind} {to} {late}", texts.nudge([one], language, channel, LINK, late=late)
            yield f"{kind} {to} digest", texts.nudge([one], language, channel, LINK, late=late, digest=True)
        several = [sample.item(kind, to) for kind, to in PAIRS]
        yield f"all of them {late}", texts.nudge(several, language, channel, LINK, late=late)


def _agenda(code: str, language: str) -> Content:
    notice = sample.notice(NoticeKind.OFFER_DECLINED, Role.CAREER_GUIDE)
    return texts.inside(replace(notice, values={**notice.values, "agenda": code}), language, sample.LINK)


def _reminder() -> Content:
    notice = replace(sample.notice(NoticeKind.REPORT_RETURNED, Role.PROVIDER), round=2)
    return texts.inside(notice, "en", sample.LINK, late=True)


_K, _C = NoticeKind, DeliveryChannel

#: what is looked at in a browser when it changes
SNAPSHOTS: Mapping[str, Callable[[], Content]] = MappingProxyType(
    {
        "message-sv": lambda: preview(_K.DECISION, Role.CLIENT, "sv", _C.EMAIL),
        "message-ar": lambda: preview(_K.DECISION, Role.CLIENT, "ar", _C.EMAIL),
        "several-late-ti": lambda: preview(_K.CHOICE, Role.CLIENT, "ti", _C.EMAIL, count=3, late=True),
        "meeting-two-languages": lambda: preview(_K.MEETING_BOOKED, Role.CLIENT, "pl", _C.EMAIL, late=True),
        "digest-en": lambda: preview(_K.STARTED, Role.CAREER_GUIDE, "en", _C.EMAIL, count=12, digest=True),
        "urgent-sv": lambda: preview(_K.OFFER_DECLINED, Role.CAREER_GUIDE, "sv", _C.EMAIL),
        "escalated-sv": lambda: preview(_K.OBLIGATION_ESCALATED, Role.TEAM_MANAGER, "sv", _C.INBOX, late=True),
        "agenda-assistance-sv": lambda: _agenda("KEEP_EB", "sv"),
        "agenda-no-assistance-en": lambda: _agenda("RIGHTS_AND_DUTIES", "en"),
        "documents-sv": lambda: preview(_K.DOCUMENTS_MISSING, Role.PROVIDER, "sv", _C.INBOX),
        "assistance-client-sv": lambda: preview(_K.ASSISTANCE_AT_RISK, Role.CLIENT, "sv", _C.DIGITAL_MAIL),
        "reminder-late-en": _reminder,
    }
)
