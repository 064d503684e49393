"""Delivery: each message once, to a folder and, if one is set, to a mail server.

A message is handed over and marked in one transaction. If the process dies in between, what is in the folder is
known to have been handed over; without a folder a mail server gets it again under the same Message-ID, and can tell.
A mail server that is away is waited for, however long; a mail that it refuses is tried some times more. A message
whose reason goes before it was handed over is withdrawn.
"""

from __future__ import annotations

import os
import smtplib
from collections.abc import Callable, Mapping
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import eventlet
import psycopg

from kundval_chassis import logs
from kundval_chassis.db import Database, Tx
from kundval_chassis.service import Dependency
from kundval_contracts.answer import Notice

from . import store
from .domain import LANGUAGES, render

BATCH = 100
IDLE_SECONDS = 0.3
#: seconds until the next attempt at a message that was not taken; after the last it is left to a person
RETRY_SECONDS = (5, 30, 120, 600, 3600)
#: the longest wait for a mail server that cannot be reached
AWAY_SECONDS = 120

_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP

log = logs.get(__name__)


class _Unreachable(OSError):
    """The mail server cannot be reached, or went away: no fault of the message."""


class _Mailer:
    """One connection to the mail server for many messages, made when the first needs it."""

    def __init__(self, connect: Callable[[], smtplib.SMTP]):
        self._connect = connect
        self._server: smtplib.SMTP | None = None

    def send(self, mail: Message) -> None:
        """Raises _Unreachable, or SMTPException if the server does not want this mail."""
        try:
            if self._server is None:
                self._server = self._connect()
            self._server.send_message(mail)
        except smtplib.SMTPException as error:
            self.close()
            if isinstance(error, smtplib.SMTPServerDisconnected | smtplib.SMTPConnectError | smtplib.SMTPHeloError):
                raise _Unreachable(type(error).__name__) from error
            raise
        except OSError as error:
            self.close()
            raise _Unreachable(type(error).__name__) from error

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def __enter__(self) -> _Mailer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Post(Dependency):
    """Sends what is pending. In a worker: the `Post` itself, which can describe a message."""

    _thread: Any = None
    _stopping = False

    def setup(self) -> None:
        config = self.container.config
        self.folder: Path | None = config["KUNDVAL_OUTBOX_DIR"]
        self.smtp_host: str | None = config["KUNDVAL_SMTP_HOST"]
        self.smtp_port: int = config["KUNDVAL_SMTP_PORT"]
        self.starttls: bool = config["KUNDVAL_SMTP_STARTTLS"]
        self.sender: str = config["KUNDVAL_MAIL_FROM"]
        self.domain: str = config["KUNDVAL_MAIL_DOMAIN"]
        self.link_base: str = config["KUNDVAL_LINK_BASE"]
        # a link must not be found by trying ids
        self.link_key = sha256(f"links:{config['KUNDVAL_TOKEN_KEY']}".encode()).digest()
        self.database = next(one for one in self.container.dependencies if isinstance(one, Database))

    def start(self) -> None:
        self._thread = self.container.spawn_managed_thread(self._run, identifier="message delivery")

    def stop(self) -> None:
        self._stopping = True
        if self._thread is not None:
            self._thread.wait()

    def kill(self) -> None:
        if self._thread is not None:
            self._thread.kill()

    def get_dependency(self, worker_ctx: Any) -> Post:
        return self

    def describe(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A message in the shape of `notifications.messages`."""
        subject, body = self.text(store.as_notice(row))
        names = ("assignment", "kind", "to", "on", "state", "attempts", "sent_at")
        return {
            **{name: row[name] for name in names},
            "channel": row["channel"] or "NONE",
            "language": "+".join(LANGUAGES),
            "subject": subject,
            "text": body,
        }

    def text(self, notice: Notice) -> tuple[str, str]:
        """Subject and body: Swedish first, English below."""
        parts = [render(notice, language, self.link_base, self.link_key) for language in LANGUAGES]
        return parts[0].subject, "\n\n-- \n\n".join(part.body.strip() for part in parts) + "\n"

    def compose(self, row: Mapping[str, Any]) -> Message:
        """The mail of a notice. Who a role or provider is, is the directory's business: addresses are opaque."""
        notice = store.as_notice(row)
        subject, body = self.text(notice)
        whom = notice.provider if notice.provider else f"{notice.to.value.lower()}.{notice.assignment}"
        # the plain Message costs a quarter of what EmailMessage takes, and there are thousands in a run
        mail = Message()
        mail.set_payload(body, _UTF8)
        mail["Subject"] = Header(subject, "utf-8").encode()
        mail["From"] = self.sender
        mail["To"] = f"{_name(whom)}@{self.domain}"
        mail["Date"] = format_datetime(row["created_at"])
        mail["Message-ID"] = f"<{_name(row['tenant'])}.{row['notice']}@{self.domain}>"
        return mail

    def send_pending(self, tx: Tx) -> int:
        """Hand over the messages whose time has come; how many there were."""
        rows = store.to_send(tx, BATCH)
        if not rows:
            return 0
        done: dict[int, str] = {}
        pointless: list[int] = []
        away: OSError | None = None
        with _Mailer(self._connect) as mailer:
            for row in rows:
                try:
                    mail = self.compose(row)
                    if self._was_handed_over(row, mail):
                        done[row["notice"]] = self.channel
                    elif row["superseded_at"] is not None:
                        pointless.append(row["notice"])
                    elif away is not None:
                        raise away
                    else:
                        self._hand_over(row, mail, mailer)
                        done[row["notice"]] = self.channel
                except _Unreachable as error:
                    # the others would only wait for it as long, one after the other
                    away = error
                    self._postpone(tx, row, error, forever=True)
                except Exception as error:
                    # whatever is wrong with this one must not hold up the others
                    self._postpone(tx, row, error)
        store.withdraw(tx, pointless)
        store.sent(tx, done)
        for row in rows:
            if row["notice"] in done:
                self._tell(tx, row, done[row["notice"]])
        return len(rows)

    @property
    def channel(self) -> str:
        """The channels that are set."""
        return "_".join([*(["FOLDER"] if self.folder else []), *(["SMTP"] if self.smtp_host else [])]) or "NONE"

    def _hand_over(self, row: Mapping[str, Any], mail: Message, mailer: _Mailer) -> None:
        """Hand over one message to every channel that is set. Raises OSError, SMTPException.

        The folder comes last: what is there has been handed over to all.
        """
        if self.smtp_host:
            mailer.send(mail)
        file = self._file(row)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            # under a name of its own first: a reader never sees half a message
            half = file.with_name(f".{file.stem}.half")
            half.write_bytes(bytes(mail))
            os.replace(half, file)

    def _file(self, row: Mapping[str, Any]) -> Path | None:
        return self.folder / _name(row["tenant"], 120) / f"{row['notice']}.eml" if self.folder else None

    def _was_handed_over(self, row: Mapping[str, Any], mail: Message) -> bool:
        """Whether a process that died before it could say so had handed over this very message."""
        file = self._file(row)
        return file is not None and file.exists() and file.read_bytes() == bytes(mail)

    def _tell(self, tx: Tx, row: Mapping[str, Any], channel: str) -> None:
        data = {
            "assignment": row["assignment"],
            "kind": row["kind"],
            "to": row["recipient"],
            "on": row["on_day"].isoformat(),
            "channel": channel,
        }
        tx.publish("notifications.sent", subject=row["assignment"], tenant=row["tenant"], data=data)

    def _postpone(self, tx: Tx, row: Mapping[str, Any], error: Exception, *, forever: bool = False) -> None:
        """Try again later: some times, or `forever` if it is not the message's fault."""
        attempt = row["attempts"]
        final = attempt >= len(RETRY_SECONDS) and not forever
        wait = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
        store.failed(tx, row["notice"], final=final, wait_seconds=min(wait, AWAY_SECONDS) if forever else wait)
        log.warning("message_not_sent", notice=row["notice"], error=type(error).__name__, final=final)

    def _connect(self) -> smtplib.SMTP:
        assert self.smtp_host
        mailer = smtplib.SMTP(self.smtp_host, self.smtp_port, timeout=10)
        if self.starttls:
            mailer.starttls()
        return mailer

    def _run(self) -> None:
        while not self._stopping:
            count = 0
            try:
                with self.database.pool.tx() as tx:
                    count = self.send_pending(tx)
            except psycopg.Error as error:
                log.warning("delivery_interrupted", error=type(error).__name__)
                eventlet.sleep(1.0)
            eventlet.sleep(0 if count == BATCH else IDLE_SECONDS)


def _name(id: str, longest: int = 64) -> str:
    """An id as local part of an address or as name of a folder, which may hold fewer characters than an id.

    Two ids never get the same name: another character is written as its bytes (``=2F``), and so are dots that
    could lead out of the folder. What would be too long is a fingerprint.
    """
    name = "".join(
        char if char.isascii() and (char.isalnum() or char in "_-") else f"={byte:02X}"
        for char, byte in ((char, byte) for char in id for byte in char.encode())
    ).replace("=2E", ".")
    if name.startswith(".") or name.endswith(".") or ".." in name:
        name = name.replace(".", "=2E")
    return name if len(name) <= longest else f"=sha256={sha256(id.encode()).hexdigest()[:40]}"
