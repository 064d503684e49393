"""A post office for tests: the tables of notifications, delivery over them, and a directory that the test writes."""

from __future__ import annotations

import os
import signal
import ssl
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from kundval_chassis.db import Pool, Row
from kundval_contracts.codes import DeliveryChannel, NoticeKind, Role
from kundval_contracts.errors import Unavailable
from kundval_notifications.channels.addresses import mailbox
from kundval_notifications.channels.mail import Letterhead
from kundval_notifications.channels.port import Accepted, Parcel, Port
from kundval_notifications.channels.sms import Account, Sms
from kundval_notifications.channels.sms_profile import read_profile
from kundval_notifications.channels.smtp import Server, Smtp
from kundval_notifications.channels.web import Web
from kundval_notifications.delivery.compose import Composer
from kundval_notifications.delivery.life import Life
from kundval_notifications.delivery.routing import Router
from kundval_notifications.delivery.sending import Patience, Sender
from kundval_notifications.domain.party import Party

#: a Thursday at noon: no hours are quiet
NOON = datetime(2026, 11, 26, 11, tzinfo=UTC)
#: nothing waits
IMPATIENT = Patience(retry=(0, 0), away=(0,), recipients=0)

Addresses = Mapping[DeliveryChannel, str]


@dataclass
class Book:
    """The directory: what the test says of who a role and id is. Who is not in it has no address."""

    people: dict[tuple[str, str], Party] = field(default_factory=dict)
    away: bool = False

    def enter(self, role: Role, id: str, addresses: Addresses | None = None, **more: Any) -> None:
        self.people[role.value, id] = Party(role, id, addresses=addresses or {}, **more)

    def parties(self, pool: Pool, tenant: str, rows: Sequence[Row]) -> Mapping[int, Party]:
        if self.away and any(row["recipient"] == Role.CLIENT for row in rows):
            raise Unavailable("assignment does not answer")
        return {row["notice"]: self._party(row) for row in rows}

    def _party(self, row: Row) -> Party:
        whose = row["provider"] if row["recipient"] == Role.PROVIDER else row["subject"]
        return self.people.get((row["recipient"], whose)) or Party(Role(row["recipient"]), whose)

    def mark(self, channel: DeliveryChannel, address: str) -> bytes:
        return sha256(f"{channel}:{address}".encode()).digest()


class Office:
    """One instance of delivery on a database that has the tables."""

    def __init__(self, pool: Pool, book: Book, *ports: Port, now: datetime = NOON, patience: Patience = IMPATIENT):
        self.pool, self.book = pool, book
        self.now = now
        composer = Composer("https://kundval.invalid", b"key")
        self.life = Life(pool.uri)
        self.router = Router(pool, book, [port.channel for port in ports], now=lambda: self.now)
        self.senders = {
            port.channel: Sender(pool, port, book, composer, self.life.token, patience=patience, now=lambda: self.now)
            for port in ports
        }

    def notice(
        self,
        kind: NoticeKind = NoticeKind.DECISION,
        to: Role = Role.CLIENT,
        subject: str = "A-1",
        *,
        on: date = date(2026, 11, 26),
        sequence: int = 1,
        provider: str | None = None,
        late: bool = False,
    ) -> int:
        """A notice with its message."""
        return self.notices([(kind, to, subject, on, sequence, provider, late)])[0]

    def notices(self, rows: Iterable[tuple[Any, ...]]) -> list[int]:
        own = ("kind", "recipient", "subject", "on_day", "sequence", "provider", "late")
        with self.pool.tx() as tx:
            added = tx.insert_rows(
                "notice",
                (*own, "tenant", "rules", "details"),
                [(kind.value, to.value, *rest, "town", ["SM-A6"], {}) for kind, to, *rest in rows],
                "RETURNING notice",
            )
            found = [row["notice"] for row in added]
            tx.insert_rows("message", ("notice", "tenant"), [(notice, "town") for notice in found])
        return found

    def route(self) -> int:
        """Everything that can be routed now."""
        count = 0
        while done := self.router.work():
            count += done
        return count

    def send(self, *channels: DeliveryChannel) -> None:
        """One look at each of these channels, or at all."""
        for channel in channels or tuple(self.senders):
            self.senders[channel].work()

    def work(self, rounds: int = 6) -> None:
        """Route and send until nothing is left to do, or so many times."""
        for _ in range(rounds):
            if not self.route() + sum(sender.work() for sender in self.senders.values()):
                return

    def sql(self, statement: str, *values: Any) -> list[Row]:
        with self.pool.tx() as tx:
            cursor = tx.conn.execute(statement, values or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def message(self, notice: int) -> Row:
        return self.sql("SELECT * FROM message WHERE notice = %s", notice)[0]

    def states(self) -> Counter[str]:
        return Counter(row["state"] for row in self.sql("SELECT state FROM message"))

    def attempts(self) -> list[tuple[str, str | None]]:
        rows = self.sql("SELECT outcome, code FROM attempt ORDER BY began_at, number")
        return [(row["outcome"], row["code"]) for row in rows]

    def told(self) -> list[tuple[str, str]]:
        """The events that were published: name and channel or reason."""
        rows = self.sql("SELECT name, coalesce(data->>'channel', data->>'reason') AS what FROM event ORDER BY sequence")
        return [(row["name"].removeprefix("notifications."), row["what"]) for row in rows]

    def close(self) -> None:
        for sender in self.senders.values():
            sender.close()
        self.life.close()

    def clear(self) -> None:
        self.sql("TRUNCATE notice, dispatch, circuit, early_receipt, event, outbox, restricted_subject, tenant CASCADE")


def email(port: int) -> Smtp:
    server = Server("127.0.0.1", port, "NONE", ssl.create_default_context())
    return Smtp(server, Letterhead(mailbox("no-reply@kundval.invalid"), "kundval.invalid"))


def sms(url: str) -> Sms:
    return Sms(Account(url, "Kundval", "t0ken"), read_profile("json"), Web(ssl.create_default_context()))


class Fatal:
    """Ends the process as soon as the mail server has the mail, before anybody can say so."""

    channel = DeliveryChannel.EMAIL

    def __init__(self, port: int):
        self._smtp = email(port)

    def send(self, parcel: Parcel) -> Accepted:
        self._smtp.send(parcel)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed")

    def close(self) -> None:
        self._smtp.close()


if __name__ == "__main__":
    uri, port, address = sys.argv[1:]
    book = Book()
    book.enter(Role.CLIENT, "A-1", {DeliveryChannel.EMAIL: address})
    with Pool(uri) as pool:
        Office(pool, book, Fatal(int(port))).work()
