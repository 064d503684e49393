"""Reads a mail that came back: a delivery report (RFC 3464) or a complaint (RFC 5965).

Which of our mails it is about is asked of three places, in this order: the address that it was returned to, the
envelope id that a report repeats, the Message-ID in the part of our mail that it encloses. Nothing else of it is kept:
it holds addresses and what people write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from typing import Any

from kundval_contracts.codes import ReceiptStatus

from ..channels.addresses import Mailbox

_ID = r"([A-Za-z0-9_-]{1,48})"
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
_ADDRESSED = ("Delivered-To", "X-Original-To", "Envelope-To", "To")

#: what the words of a report mean; relayed and expanded: it went on to where nobody reports
_ACTIONS = {
    "failed": ReceiptStatus.BOUNCED,
    "delayed": ReceiptStatus.DELAYED,
    "delivered": ReceiptStatus.DELIVERED,
}
_SILENT = ("relayed", "expanded")


class Unreadable(ValueError):
    """It is no report of one of our mails: a person has to look at it. `code` says why, and holds nothing of it."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Returned:
    """dispatch: the id under which the mail was sent. code: the status of RFC 3463, such as 5.1.1."""

    dispatch: str
    status: ReceiptStatus
    code: str | None


def read(raw: bytes, bounces: Mailbox, domain: str) -> Returned | None:
    """What a mail reports; None: nothing that changes anything, such as an absence notice. Raises Unreadable.

    bounces: the address that mails are returned to. domain: that of our Message-IDs.
    """
    mail = BytesParser().parsebytes(raw)
    kind = str(mail.get_param("report-type", "")).lower() if mail.get_content_type() == "multipart/report" else ""
    if kind == "delivery-status":
        status, code = _delivery(mail)
    elif kind == "feedback-report":
        status, code = ReceiptStatus.COMPLAINED, None
    elif str(mail.get("Auto-Submitted", "no")).lower().startswith("auto-replied"):
        return None
    else:
        raise Unreadable("NO_REPORT")
    found = next(_names(mail, bounces, domain), None)
    if found is None:
        raise Unreadable("NO_MAIL_OF_OURS")
    return None if status is None else Returned(found, status, code)


def _delivery(mail: Message) -> tuple[ReceiptStatus | None, str | None]:
    """The action and status of the first recipient that has one: each of our mails has one recipient."""
    for fields in _groups(mail, "message/delivery-status"):
        action = str(fields.get("Action", "")).strip().lower()
        if action in _ACTIONS or action in _SILENT:
            status = _STATUS.match(str(fields.get("Status", "")))
            return _ACTIONS.get(action), status[1] if status else None
    raise Unreadable("NO_ACTION")


def _names(mail: Message, bounces: Mailbox, domain: str) -> Iterator[str]:
    address = re.compile(rf"(?:^|[<\s,]){re.escape(bounces.local)}\+{_ID}@{re.escape(bounces.domain)}", re.IGNORECASE)
    for header in _ADDRESSED:
        for value in mail.get_all(header, ()):
            if found := address.search(str(value)):
                yield found[1]
    for fields in _groups(mail, "message/delivery-status"):
        if found := re.fullmatch(_ID, str(fields.get("Original-Envelope-Id", "")).strip()):
            yield found[1]
    for part in mail.walk():
        # our mail as a whole, or its header alone
        own = part
        if part.get_content_type() == "text/rfc822-headers":
            enclosed: Any = part.get_payload(decode=True)
            own = BytesParser().parsebytes(enclosed or b"", headersonly=True)
        elif part is mail:
            continue
        value = str(own.get("Message-ID", "")).strip()
        if found := re.fullmatch(rf"<{_ID}@{re.escape(domain)}>", value, re.IGNORECASE):
            yield found[1]


def _groups(mail: Message, content_type: str) -> Iterator[Message]:
    """The groups of fields in parts of a type."""
    for part in mail.walk():
        if part.get_content_type() == content_type and isinstance(payload := part.get_payload(), list):
            yield from (group for group in payload if isinstance(group, Message))
