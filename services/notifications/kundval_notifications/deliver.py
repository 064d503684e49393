"""Delivery: each message once, to a folder and, if one is set, to a mail server.

A message is handed over and marked in one transaction; if the process dies in between it is handed over again
under the same name and Message-ID: the folder then holds it once, and a mail server can tell that it has it.
"""

from __future__ import annotations

import os
import smtplib
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import eventlet
import psycopg
from nameko.extensions import DependencyProvider

from kundval_chassis import logs
from kundval_chassis.db import Database, Tx
from kundval_contracts.answer import Notice

from . import store
from .domain import LANGUAGES, render

BATCH = 100
IDLE_SECONDS = 0.3
RETRY_SECONDS = (5, 30, 120, 600, 3600)

log = logs.get(__name__)


class Post(DependencyProvider):
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

    def compose(self, row: Mapping[str, Any]) -> EmailMessage:
        """The mail of a notice. Who a role or provider is, is the directory's business: addresses are opaque."""
        notice = store.as_notice(row)
        subject, body = self.text(notice)
        whom = notice.provider if notice.provider else f"{notice.to.value.lower()}.{notice.assignment}"
        mail = EmailMessage()
        mail["Subject"] = subject
        mail["From"] = self.sender
        mail["To"] = f"{_local(whom)}@{self.domain}"
        mail["Date"] = format_datetime(row["created_at"])
        mail["Message-ID"] = f"<{row['tenant']}.{row['notice']}@{self.domain}>"
        mail.set_content(body)
        return mail

    def send_pending(self, tx: Tx) -> int:
        """Hand over the messages whose time has come; how many there were."""
        rows = store.to_send(tx, BATCH)
        if not rows:
            return 0
        done: dict[int, str] = {}
        mailer: smtplib.SMTP | None = None
        try:
            for row in rows:
                try:
                    mail = self.compose(row)
                    channels = []
                    if self.folder is not None:
                        self._to_folder(self.folder / row["tenant"], row["notice"], mail)
                        channels.append("FOLDER")
                    if self.smtp_host:
                        mailer = mailer or self._connect()
                        mailer.send_message(mail)
                        channels.append("SMTP")
                except (OSError, smtplib.SMTPException) as error:
                    mailer = None
                    self._postpone(tx, row, error)
                else:
                    done[row["notice"]] = "_".join(channels) or "NONE"
        finally:
            if mailer is not None:
                mailer.close()
        store.sent(tx, done)
        for row in rows:
            if row["notice"] in done:
                self._tell(tx, row, done[row["notice"]])
        return len(rows)

    def _tell(self, tx: Tx, row: Mapping[str, Any], channel: str) -> None:
        data = {
            "assignment": row["assignment"],
            "kind": row["kind"],
            "to": row["recipient"],
            "on": row["on_day"].isoformat(),
            "channel": channel,
        }
        tx.publish("notifications.sent", subject=row["assignment"], tenant=row["tenant"], data=data)

    def _postpone(self, tx: Tx, row: Mapping[str, Any], error: Exception) -> None:
        attempt = row["attempts"]
        final = attempt >= len(RETRY_SECONDS)
        store.failed(tx, row["notice"], final=final, wait_seconds=RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
        log.warning("message_not_sent", notice=row["notice"], error=type(error).__name__, final=final)

    def _connect(self) -> smtplib.SMTP:
        assert self.smtp_host
        mailer = smtplib.SMTP(self.smtp_host, self.smtp_port, timeout=10)
        if self.starttls:
            mailer.starttls()
        return mailer

    @staticmethod
    def _to_folder(folder: Path, notice: int, mail: EmailMessage) -> None:
        """Write under a name of its own and rename: a reader never sees half a message, a repeat changes nothing."""
        folder.mkdir(parents=True, exist_ok=True)
        half = folder / f".{notice}.half"
        half.write_bytes(bytes(mail))
        os.replace(half, folder / f"{notice}.eml")

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


def _local(whom: str) -> str:
    """An opaque local part: ids hold characters that an address may not."""
    return "".join(char if char.isalnum() or char in "._-" else "-" for char in whom)
