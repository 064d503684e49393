"""Desks at which notices are read: a municipality of its own on a database without a broker, whoever calls, and notices
with their messages as the service would have entered them. Import `pool` and `desk` where they are used.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kundval_chassis import migrate
from kundval_chassis.db import Pool, Row
from kundval_chassis.rpc import checked
from kundval_chassis.tokens import Caller
from kundval_contracts.rpc import METHODS, CallerRole
from kundval_notifications.service import NotificationsService

#: a Thursday
TODAY = date(2026, 11, 26)
#: when what causes a notice was told
CAUSED = datetime(2026, 11, 26, 9, tzinfo=UTC)


class Desk:
    """A municipality with the cases A-1 to A-9."""

    def __init__(self, pool: Pool, settings: dict[str, Any] | None = None):
        self.pool = pool
        self.name = f"t-{secrets.token_hex(6)}"
        self._sequence = 0
        with pool.tx() as tx:
            tx.insert_rows(
                "tenant",
                ("tenant", "municipality", "settings", "tariffs", "providers", "business_date", "sequence"),
                [(self.name, "nacka", settings or {}, [], [], TODAY, 0)],
            )
            for number in range(1, 10):
                tx.execute(
                    "INSERT INTO held_case (tenant, assignment, programme, sequence) VALUES (%s, %s, 'AMI_2', 0)",
                    (self.name, f"A-{number}"),
                )

    def call(self, method: str, who: str = "gun", role: str = "CAREER_GUIDE", /, **fields: Any) -> Row:
        """A method as the service carries it out: role, request and answer are held against the contract."""
        known = METHODS[f"notifications.{method}"]
        organisation = who if role == "PROVIDER" else None
        caller = Caller(who, CallerRole(role), organisation, "test", self.name)
        request = known.load({"tenant": self.name, **fields})
        caller.check_role(known)
        caller.check_request(request)
        with self.pool.tx(readonly=known.kind == "query") as tx:
            carry_out = getattr(NotificationsService, method).__wrapped__
            return dict(checked(known, carry_out(None, tx, request, caller), caller))

    def inbox(self, who: str = "gun", role: str = "CAREER_GUIDE", /, **fields: Any) -> list[Row]:
        """All pages of an inbox."""
        return self.pages("inbox", "notices", who, role, **fields)

    def tasks(self, who: str = "gun", role: str = "CAREER_GUIDE", /, **fields: Any) -> list[Row]:
        return self.pages("tasks", "tasks", who, role, **fields)

    def pages(self, method: str, rows: str, who: str, role: str, /, **fields: Any) -> list[Row]:
        found: list[Row] = []
        after = None
        while True:
            page = self.call(method, who, role, **fields, after=after)
            found += page[rows]
            after = page["next"]
            if after is None:
                return found

    def notice(
        self,
        kind: str = "OBLIGATION_OVERDUE",
        to: str = "CAREER_GUIDE",
        subject: str = "A-1",
        on: date = TODAY,
        *,
        state: str = "SENT",
        channel: str | None = None,
        reason: str | None = None,
        waits: str | None = None,
        **more: Any,
    ) -> int:
        """A notice with its message; its number. `more`: columns of the notice."""
        self._sequence += 1
        row = {
            "tenant": self.name, "kind": kind, "recipient": to, "subject": subject, "on_day": on,
            "sequence": self._sequence, "rules": ["AMI-3-a"], "details": {}, "caused_at": CAUSED,
            "provider": "alfa" if to == "PROVIDER" else None, **more,
        }  # fmt: skip
        with self.pool.tx() as tx:
            number = int(tx.insert_rows("notice", tuple(row), [tuple(row.values())], "RETURNING notice")[0]["notice"])
            tx.execute(
                "INSERT INTO message (notice, tenant, state, channel, reason, waits, sent_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, CASE WHEN %s IN ('SENT', 'DELIVERED') THEN %s END)",
                (number, self.name, state, channel, reason, waits, state, CAUSED + timedelta(seconds=30)),
            )
        return number

    def task(self, subject: str = "A-1", on: date = TODAY, why: str = "NO_ADDRESS", **more: Any) -> int:
        return self.notice("DECISION", "CLIENT", subject, on, state="BY_HAND", reason=why, **more)

    def dispatch(
        self,
        notices: Iterable[int],
        channel: str = "EMAIL",
        state: str = "SENT",
        *,
        role: str = "CLIENT",
        party: str = "p-1",
        attempts: Iterable[tuple[str, str | None]] = (("ACCEPTED", None),),
        receipts: Iterable[tuple[str, str | None, int]] = (),
        seconds: int | None = 30,
    ) -> str:
        """Something that left for these notices, `seconds` after their cause; receipts: (status, code, seconds)."""
        name = f"d-{secrets.token_hex(6)}"
        tries = list(attempts)
        with self.pool.tx() as tx:
            tx.execute(
                "INSERT INTO dispatch (dispatch, tenant, channel, role, party, urgency, lane, state, attempts,"
                " template, template_version, language, address_mark, created_at, sent_at)"
                " VALUES (%s, %s, %s, %s, %s, 'NORMAL', %s, %s, %s, 'nudge.message', 'sv-1', 'sv', '\\xab01', %s, %s)",
                (name, self.name, channel, role, party, channel, state, len(tries), CAUSED,
                 None if seconds is None else CAUSED + timedelta(seconds=seconds)),
            )  # fmt: skip
            tx.insert_rows("dispatch_notice", ("dispatch", "notice"), [(name, number) for number in notices])
            tx.insert_rows(
                "attempt",
                ("dispatch", "number", "began_at", "outcome", "code"),
                [(name, place, CAUSED, outcome, code) for place, (outcome, code) in enumerate(tries, 1)],
            )
            tx.insert_rows(
                "receipt",
                ("dispatch", "status", "code", "received_at"),
                [(name, status, code, CAUSED + timedelta(seconds=after)) for status, code, after in receipts],
            )
        return name

    def sql(self, statement: str, *values: Any) -> None:
        with self.pool.tx() as tx:
            tx.execute(statement, values)

    def restrict(self, assignment: str) -> None:
        """From now on nobody is told where the client is."""
        self.sql(
            "INSERT INTO restricted_subject (tenant, subject, restricted, sequence) VALUES (%s, %s, true, 1)",
            self.name, assignment,
        )  # fmt: skip


@pytest.fixture(scope="module")
def pool(make_database: Callable[..., str]) -> Iterator[Pool]:
    uri = make_database("notifications")
    migrate.apply(uri, "notifications")
    with Pool(uri) as opened:
        yield opened


@pytest.fixture
def desk(pool: Pool) -> Desk:
    return Desk(pool)
