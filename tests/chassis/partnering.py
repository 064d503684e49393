"""What the tests of partners share: a partner, its keys, a feed without a process, and a reader that follows one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from kundval_chassis import relay
from kundval_chassis.db import Database, Pool
from kundval_chassis.partners import registry
from kundval_chassis.partners.feed import Feed
from kundval_chassis.partners.keys import PartnerKeys
from kundval_chassis.partners.registry import Partner, Way

KEY = "first:" + "k" * 40
KEYS = PartnerKeys(KEY)
#: after every day on which a secret of these tests ends
LATER = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def partner(id: str = "register", **changes: Any) -> Partner:
    """A partner that may read everything, over its feed."""
    fields: dict[str, Any] = {
        "id": id,
        "tenants": frozenset(),
        "names": ("#",),
        "ways": frozenset({Way.FEED}),
        "secrets": registry.first_secrets(KEYS.first),
        "since": date(2026, 1, 1),
        "changed_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Partner(**{**fields, **changes})


def keep(pool: Pool, *partners: Partner) -> None:
    with pool.tx() as tx:
        for one in partners:
            assert registry.keep(tx.conn, one)


def enter(pool: Pool) -> None:
    """Enter into `told_event` what the outbox holds, as the relay does once the broker has it."""
    with pool.tx() as tx:
        tx.execute(relay.SENT, ([row["sequence"] for row in tx.query("SELECT sequence FROM outbox")], relay.TOLD))


@dataclass
class Served:
    """The feed of a service, asked as its HTTP server asks it."""

    feed: Feed
    service: str

    def ask(
        self, who: Partner, query: str = "", *, token: str | None = None, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers, body. token: None: the partner's own; empty: none."""
        token = KEYS.feed_tokens(who, date(2026, 1, 1))[0] if token is None else token
        return self.path(f"/feeds/{self.service}/{who.id}/events", query, token=token, method=method, **headers)

    def path(
        self, path: str, query: str = "", *, token: str = "", method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        environ = {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method, **headers}
        if token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        said: list[Any] = []
        body = b"".join(self.feed.answer(environ, lambda status, given: said.extend((status, given))))
        return int(said[0][:3]), dict(said[1]), body

    def page(self, who: Partner, query: str = "") -> dict[str, Any]:
        status, _, body = self.ask(who, query)
        assert status == 200, body
        return dict(json.loads(body))


@contextmanager
def served(pool: Pool, service: str = "assignment", keys: str | None = KEY) -> Iterator[Served]:
    database = Database()
    database.pool = pool
    feed = Feed()
    feed.container = SimpleNamespace(
        service_name=service, config={"KUNDVAL_PARTNER_KEY": keys}, dependencies={database, feed}
    )
    feed.setup()
    yield Served(feed, service)


@dataclass
class Follower:
    """A partner's program: it keeps every event by its id, and reads a subject anew when its protection has changed."""

    page: Callable[[str], dict[str, Any]]
    limit: int
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    position: int = 0

    def follow(self) -> None:
        """Read on to the end of what there is."""
        more = True
        while more:
            page = self.page(f"after={self.position}&limit={self.limit}")
            self._take(page["events"])
            for event in page["events"]:
                if event["type"] == "se.kundval.assignment.protection_changed.v1":
                    self._read_anew(event["tenant"], event["subject"])
            self.position, more = page["next"], page["more"]

    def _read_anew(self, tenant: str, subject: str) -> None:
        after, more = 0, True
        while more:
            page = self.page(f"after={after}&limit={self.limit}&tenant={tenant}&subject={subject}")
            self._take(page["events"])
            after, more = page["next"], page["more"]

    def _take(self, events: list[dict[str, Any]]) -> None:
        self.held.update((event["id"], event) for event in events)
