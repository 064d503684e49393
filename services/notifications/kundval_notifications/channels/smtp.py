"""E-mail by SMTP: one connection for many mails, made when the first needs it.

SMTP knows no "once": if the connection ends after a mail was sent and before the server said that it has it, nobody can
know. The mail is sent again with the same Message-ID, by which servers and programs of readers know it.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass, field
from typing import Any, Literal

from kundval_chassis.limit import fair
from kundval_contracts.codes import DeliveryChannel

from .addresses import Mailbox
from .limit import IN_ALL, SILENCE, limited
from .mail import Letterhead, compose, recipient
from .port import Accepted, ChannelError, NotNow, Parcel, Refused, Unreachable

Tls = Literal["STARTTLS", "IMPLICIT", "NONE"]

# the status of RFC 3463 at the beginning of an answer; nothing else of an answer is kept, it may quote the address
_STATUS = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server. tls: STARTTLS and IMPLICIT are required, not tried. login: user and password.

    bounces: where returned mails go; the parcel's id is added to it, ``bounces+<id>@…``. reports: ask for a report of
    each delivery, not of failures and delays only.
    """

    host: str
    port: int
    tls: Tls
    context: ssl.SSLContext
    login: tuple[str, str] | None = field(default=None, repr=False)
    bounces: Mailbox | None = None
    reports: bool = False


class _Fair:
    """Reads answers so that one without end stops nobody else."""

    sock: Any
    file: Any

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            fair(self.sock)
        return super().getreply()  # type: ignore[misc]


class _Open(_Fair, smtplib.SMTP):
    pass


class _Tls(_Fair, smtplib.SMTP_SSL):
    pass


class Smtp:
    channel = DeliveryChannel.EMAIL

    def __init__(self, server: Server, letterhead: Letterhead):
        self._server, self._letterhead = server, letterhead
        self._open: smtplib.SMTP | None = None

    def send(self, parcel: Parcel) -> Accepted:
        """Raises Refused (5xx for the recipient or the mail), NotNow (4xx), Unreachable for all else."""
        mail, to = compose(parcel, self._letterhead), recipient(parcel)
        kept = self._open is not None
        try:
            with limited():
                try:
                    server = self._begin(parcel, to)
                except Unreachable:
                    # servers end a connection that was idle, or that has brought enough
                    self.close()
                    if not kept:
                        raise
                    server = self._begin(parcel, to)
                self._hand_over(server, to, mail)
        except ChannelError as error:
            self._after(error)
            raise
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self.close()
            raise Unreachable(type(error).__name__) from None
        return Accepted()

    def close(self) -> None:
        if self._open is not None:
            server, self._open = self._open, None
            # without a word: QUIT would wait for who may be gone
            server.close()

    def _begin(self, parcel: Parcel, to: Mailbox) -> smtplib.SMTP:
        """Connect if need be, and name the sender. Raises Unreachable, and Refused if this server cannot take it."""
        try:
            if self._open is None:
                self._open = self._connect()
            server = self._open
            options = []
            if to.utf8:
                if not server.has_extn("smtputf8"):
                    raise Refused("NO_SMTPUTF8")
                options += ["BODY=8BITMIME", "SMTPUTF8"]
            if server.has_extn("dsn"):
                options += ["RET=HDRS", f"ENVID={parcel.id}"]
            code, answer = server.mail(self._return_to(parcel), options)
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(_name(error)) from None
        if code != 250:
            # that we may not send at all is no fault of the mail
            raise Unreachable(_code(code, answer))
        return server

    def _hand_over(self, server: smtplib.SMTP, to: Mailbox, mail: bytes) -> None:
        options = []
        if server.has_extn("dsn"):
            options.append(f"NOTIFY={'SUCCESS,' if self._server.reports else ''}FAILURE,DELAY")
        code, answer = server.rcpt(str(to), options)
        if code not in (250, 251):
            raise _refusal(code, answer)
        try:
            # servers that look into mails take their time, and who breaks off then gets the same mail twice
            _wait_up_to(server, IN_ALL)
            code, answer = server.data(mail)
            _wait_up_to(server, SILENCE)
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, _bytes(error.smtp_error)) from None
        except (smtplib.SMTPServerDisconnected, OSError):
            # it may have it or not
            raise Unreachable("LOST_IN_DATA", perhaps=True) from None
        if code != 250:
            raise _refusal(code, answer)

    def _after(self, error: ChannelError) -> None:
        """Make the connection ready for the next mail, or let go of it."""
        if isinstance(error, Unreachable) or self._open is None:
            self.close()
            return
        try:
            with limited(SILENCE):
                self._open.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    def _connect(self) -> smtplib.SMTP:
        """Raises SMTPException or OSError. No mail and no password leaves before the server has shown who it is."""
        host, port, context = self._server.host, self._server.port, self._server.context
        if self._server.tls == "IMPLICIT":
            server: smtplib.SMTP = _Tls(host, port, timeout=SILENCE, context=context)
        else:
            server = _Open(host, port, timeout=SILENCE)
        try:
            server.ehlo_or_helo_if_needed()
            if self._server.tls == "STARTTLS":
                server.starttls(context=context)
                server.ehlo()
            if self._server.login is not None:
                server.login(*self._server.login)
        except BaseException:
            server.close()
            raise
        return server

    def _return_to(self, parcel: Parcel) -> str:
        bounces = self._server.bounces
        return f"{bounces.local}+{parcel.id}@{bounces.domain}" if bounces else str(self._letterhead.sender)


def _wait_up_to(server: smtplib.SMTP, seconds: float) -> None:
    if server.sock is not None:
        server.sock.settimeout(seconds)


def _refusal(code: int, answer: bytes) -> ChannelError:
    if code == 421 or code in (530, 535, 538):
        return Unreachable(_code(code, answer))
    if 500 <= code < 600:
        return Refused(_code(code, answer))
    return NotNow(_code(code, answer)) if 400 <= code < 500 else Unreachable(_code(code, answer))


def _code(code: int, answer: bytes) -> str:
    status = _STATUS.match(answer)
    return f"SMTP_{code} {status[1].decode()}" if status else f"SMTP_{code}"


def _name(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        return _code(error.smtp_code, _bytes(error.smtp_error))
    return type(error).__name__


def _bytes(answer: bytes | str) -> bytes:
    return answer if isinstance(answer, bytes) else answer.encode(errors="replace")
