"""An e-mail made of a parcel: plain text and HTML of the same words, always the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime

from .addresses import Mailbox, mailbox
from .port import Parcel, Refused

_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
# SMTP knows no other end of a line
_CRLF = compat32.clone(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """sender: its address must not say what the messages are about. domain: of the Message-IDs."""

    sender: Mailbox
    domain: str


def recipient(parcel: Parcel) -> Mailbox:
    """Whom a mail is for. Raises Refused for an address that no server could take."""
    try:
        return mailbox(parcel.address)
    except ValueError:
        raise Refused("BAD_ADDRESS") from None


def message_id(parcel: Parcel, letterhead: Letterhead) -> str:
    return f"<{parcel.id}@{letterhead.domain}>"


def compose(parcel: Parcel, letterhead: Letterhead) -> bytes:
    """The mail. Nothing in it changes when it is made again. Raises Refused("BAD_ADDRESS").

    No List-Unsubscribe: it is no list, and a wish is told by other ways. Who answers by machine is asked not to.
    """
    content = parcel.content
    # the plain Message costs a quarter of what EmailMessage takes, and there are thousands in a run
    plain = _part("plain", content.text)
    if content.html is None:
        mail = plain
    else:
        mail = Message()
        mail["Content-Type"] = f'multipart/alternative; boundary="=_{parcel.id}"'
        mail.set_payload([plain, _part("html", content.html)])
        del plain["MIME-Version"]
    mail["MIME-Version"] = "1.0"
    mail["Subject"] = Header(" ".join(content.subject.split()), "utf-8").encode()
    mail["From"] = str(letterhead.sender)
    # letters outside ASCII go raw, as SMTPUTF8 has them; the generator writes such a surrogate as its byte
    mail["To"] = str(recipient(parcel)).encode().decode("ascii", "surrogateescape")
    mail["Date"] = format_datetime(parcel.created_at)
    mail["Message-ID"] = message_id(parcel, letterhead)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = content.language
    return mail.as_bytes(policy=_CRLF)


def _part(subtype: str, text: str) -> Message:
    part = Message()
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    part.set_payload(text, _UTF8)
    del part["MIME-Version"]
    return part
