"""A play with something else beside it: a fault, a restart, an upgrade; and what must be so in the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
from kombu import Connection

from kundval_chassis.play import CONSUMERS, Progress, play
from kundval_chassis.present import as_json
from kundval_contracts.caseload import Caseload
from kundval_contracts.events_in import SOURCES
from tests.conftest import Servers
from tests.suite import SERVICES, Suite, give_mailboxes


class Disturbed:
    """Plays a caseload; when these shares of the facts are stated, the fault happens, beside the play.

    `answer` is what the suite says in the end.
    """

    def __init__(
        self, suite: Suite, caseload: Caseload, fault: Callable[[], None], at: tuple[float, ...] = (0.3,)
    ) -> None:
        self.suite = suite
        self.tenant = f"faults-{time.monotonic_ns()}"
        self._points = list(at)
        self._fault = fault
        self._faults: list[Future[None]] = []
        self._other = ThreadPoolExecutor(1)
        with suite.client() as client:
            give_mailboxes(client, self.tenant, caseload.providers)
            self.answer = as_json(play(caseload, client, tenant=self.tenant, tell=self._tell))
        self._other.shutdown()
        for one in self._faults:
            one.result()
        assert self._faults and not self._points, "the fault never happened"

    def _tell(self, progress: Progress) -> None:
        if self._points and progress.facts >= self._points[0] * progress.total:
            self._points.pop(0)
            self._faults.append(self._other.submit(self._fault))

    def check(self, servers: Servers) -> None:
        """Nothing is left on the way, nothing was done twice, every message is in the folder once."""
        self._nothing_is_left(servers)
        with self.suite.client() as client:
            positions = {
                service: client.call(f"{service}.positions", tenant=self.tenant, timeout=60) for service in SERVICES
            }
            summary = client.call("notifications.summary", tenant=self.tenant)
        for service, sources in CONSUMERS.items():
            assert positions[service]["handled"] == {source: positions[source]["published"] for source in sources}
        assert {one["outbox"] for one in positions.values()} == {0}
        files = Counter(file.suffix for file in (self.suite.messages / self.tenant).iterdir())
        assert set(summary["messages"]) <= {"SENT", "BY_HAND", "WITHDRAWN", "PENDING"}
        # what can wait for the day's summary
        assert summary["messages"].get("PENDING", 0) == summary["waiting"].get("DIGEST", 0)
        with psycopg.connect(self.suite.databases["notifications"]) as connection:
            events = dict(
                connection.execute(
                    "SELECT name, count(*) FROM event WHERE tenant = %s GROUP BY name", (self.tenant,)
                ).fetchall()
            )
            [(left,)] = connection.execute(
                "SELECT count(*) FROM dispatch WHERE tenant = %s AND state = 'SENT'", (self.tenant,)
            ).fetchall()
        # a process that is killed while it writes leaves a half file, which no reader takes for a message
        assert files[".eml"] == left > 0
        assert events["notifications.sent"] == summary["messages"]["SENT"]
        assert events["notifications.by_hand"] == summary["messages"]["BY_HAND"]

    def _nothing_is_left(self, servers: Servers) -> None:
        deadline = time.monotonic() + 30
        while left := leftovers(self.suite, servers):
            assert time.monotonic() < deadline, left
            time.sleep(0.3)


def leftovers(suite: Suite, servers: Servers) -> dict[str, int]:
    """Messages in queues (parked ones, and what systems outside the suite are asked, aside) and events in outboxes."""
    asked = {f"{source}.replays" for source in SOURCES}
    left = {
        queue["name"]: queue["messages"]
        for queue in servers.api("GET", f"queues/{suite.vhost}")
        if queue.get("messages") and not queue["name"].endswith(".parked") and queue["name"] not in asked
    }
    for service in SERVICES:
        with psycopg.connect(suite.databases[service]) as connection:
            [(depth,)] = connection.execute("SELECT count(*) FROM outbox").fetchall()
        if depth:
            left[f"outbox of {service}"] = depth
    return left


def depth(suite: Suite, queue: str) -> int:
    """How many messages wait in a queue."""
    with Connection(suite.amqp_uri) as connection:
        return int(connection.default_channel.queue_declare(queue, passive=True).message_count)


def parked(suite: Suite) -> Counter[str]:
    """How many messages each consumer has parked."""
    return Counter({service: depth(suite, f"{service}.events-in.parked") for service in CONSUMERS})
