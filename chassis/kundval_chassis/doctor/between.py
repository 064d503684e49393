"""What shows only between the services: what one has lost, who is behind, who does not answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import psycopg

from kundval_contracts.client import Client
from kundval_contracts.errors import KundvalError

from .. import clock, db, recovery
from ..db import Tx
from . import database
from .finding import Finding, bad, ok, warn

#: milliseconds for one statement, and seconds for one answer of a service
STATEMENT, ANSWER = 5_000, 5.0


class Databases:
    """The databases that can be reached, each in one read-only transaction that sees one state."""

    def __init__(self, settings: Mapping[str, Mapping[str, Any]]):
        self._settings = settings
        self._open: dict[str, Tx] = {}
        self._closed: dict[str, Finding] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Databases:
        for service, settings in self._settings.items():
            try:
                conn = self._stack.enter_context(db.connect(settings["DATABASE_URI"], name="kundval-doctor"))
                conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                conn.execute(f"SET LOCAL statement_timeout = {STATEMENT}")
            except psycopg.Error as error:
                self._closed[service] = database.unreachable(service, error)
            else:
                self._open[service] = Tx(conn, readonly=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def look(self, service: str) -> Iterator[Finding]:
        """Everything about the database of one service."""
        if service in self._closed:
            yield self._closed[service]
        else:
            yield from database.look(service, self._settings[service], self._open[service])

    def compare(self) -> Iterator[Finding]:
        """What shows between them."""
        for part in (self._lost, self._days):
            try:
                yield from list(part())
            except psycopg.Error as error:
                yield warn(
                    "suite",
                    f"{part.__name__.strip('_')} could not be looked at ({type(error).__name__})",
                    "the doctor does not know it",
                    "run it again",
                )

    def _lost(self) -> Iterator[Finding]:
        for service, tx in self._open.items():
            others = {name: other for name, other in self._open.items() if name != service}
            found = recovery.lost(tx, service, others)
            if found.any:
                worst = max(found.others.items(), key=lambda one: one[1])
                yield bad(
                    service,
                    f"{worst[0]} has {worst[1]} events of it that its own database does not know",
                    "it was put back to an older moment: what it tells now may count as old news, and what it had"
                    " sent or paid may leave again",
                    f"stop it; kundval recover {service}, then again with --do",
                    "restore-a-service",
                )

    def _days(self) -> Iterator[Finding]:
        days = {
            service: {row["tenant"]: row["day"] for row in tx.query("SELECT tenant, business_date AS day FROM tenant")}
            for service, tx in self._open.items()
        }
        truth = days.get("assignment", {})
        today = clock.business_date(clock.now())
        late = sorted(tenant for tenant, day in truth.items() if day is not None and day < today)
        if late:
            yield warn(
                "suite",
                f"the business date of {len(late)} municipalities is before today ({late[0]}: {truth[late[0]]})",
                "deadlines do not pass there, and nobody is reminded",
                "call assignment.open_day, each day; days that were left out are caught up with",
                "obligations-overdue",
            )
        for service, held in days.items():
            behind = sorted(
                tenant for tenant, day in truth.items() if day is not None and (held.get(tenant) or day.min) < day
            )
            if behind and service != "assignment":
                yield warn(
                    service,
                    f"it has not come to the business date of {len(behind)} municipalities ({behind[0]})",
                    "what falls due there is not seen yet",
                    "wait if it is catching up; else see whether it runs and what is parked",
                    "service-not-ready",
                )


def ask(settings: Mapping[str, Mapping[str, Any]], broker: str | None) -> Iterator[Finding]:
    """Whether each service answers, and whether they are of one version. broker: the address of who calls."""
    names = list(settings)
    if not names:
        return
    first = settings[names[0]]
    versions: dict[str, str] = {}
    with _client(broker or first["AMQP_URI"], first["TOKEN_KEY"]) as client:
        calls = {name: client.submit(f"{name}.info", retry=False) for name in names}
        for name, call in calls.items():
            try:
                versions[name] = str(call.result()["version"])
            except KundvalError as error:
                yield bad(
                    name,
                    f"it does not answer ({error.code})",
                    "who asks it waits in vain; its events wait in its queue",
                    "look at its log and start it",
                    "service-not-ready",
                )
            else:
                yield ok(name, f"it answers (version {versions[name]})")
    if len(set(versions.values())) > 1:
        said = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        yield warn(
            "suite",
            f"the services are of different versions ({said})",
            "they work together; an event that an older one does not know is parked there",
            "finish the upgrade, then kundval dead-letters retry --all",
            "events-parked",
        )


def _client(broker: str, token_key: str) -> Client:
    from ..tokens import Tokens

    tokens = Tokens(token_key)
    return Client(
        broker,
        lambda: tokens.mint("SYSTEM", subject="kundval-doctor", purpose="doctor", lifetime=60),
        # part of the name of its queue, which the operator's rights at the broker allow
        name="kundval-doctor",
        timeout=ANSWER,
    )



