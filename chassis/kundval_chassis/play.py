"""`play(caseload, client)`: the facts of a caseload through the running suite, day by day.

Each play opens a tenant of its own (reading 35), states the facts that become known up to the next payment run,
moves the business date, waits until every service has taken in what was published, and makes the run. What it
answers is what the services then hold; it computes nothing itself.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from kundval_contracts.answer import answer
from kundval_contracts.caseload import Assignment, Caseload
from kundval_contracts.client import Client
from kundval_contracts.codes import Wait
from kundval_contracts.errors import TimedOut
from kundval_contracts.facts import Fact, dump_fields
from kundval_contracts.inputs import CLIENT, PLAN, PROVIDER
from kundval_contracts.settings import dump_settings, dump_tariffs

T = TypeVar("T")

#: which services take in the events of which
CONSUMERS: Mapping[str, tuple[str, ...]] = {
    "scheduling": ("assignment",),
    "billing": ("assignment",),
    "notifications": ("assignment", "scheduling", "billing"),
}
REGISTER_BATCH = 200
FACT_BATCH = 200
#: requests under way at once: enough to keep the service busy while the last answer travels
WINDOW = 4
#: seconds that one request may take, with a service away in between
CALL_SECONDS = 180.0
#: seconds without any progress after which the suite is taken for stuck
STUCK_SECONDS = 180.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a play is: facts stated of all, and the business date."""

    facts: int
    total: int
    day: date | None
    what: str


class Stuck(TimedOut):
    """The services do not come to rest: `message` says which has not handled what."""


def play(
    caseload: Caseload, client: Client, *, tenant: str | None = None, tell: Callable[[Progress], None] | None = None
) -> dict[str, Any]:
    """The answer of the caseload format, from the running services. Raises KundvalError.

    `tenant` names the tenant to open (default: a new one), `tell` hears of the progress.
    """
    name = tenant or new_tenant()
    run(caseload, client, name, tell or (lambda _: None))
    return read(caseload, client, name)


def new_tenant() -> str:
    return f"play-{uuid.uuid4().hex[:12]}"


def run(caseload: Caseload, client: Client, tenant: str, tell: Callable[[Progress], None]) -> None:
    """Open the tenant, state everything, make the payment runs; returns when the suite is quiet."""
    player = _Player(client, tenant, tell)
    total = sum(1 for one in caseload.assignments for fact in one.facts if fact.known_on <= caseload.as_of)
    player.open(caseload, total)
    runs = set(caseload.runs)
    before: date | None = None
    for day in sorted(runs | {caseload.as_of}):
        player.state(caseload.assignments, before, day)
        player.open_day(day)
        if day in runs:
            player.wait(("billing",))
            player.call("billing.run_payments", f"run-{day}", tenant=tenant, run=day)
        before = day
    player.wait(tuple(CONSUMERS))
    player.wait_for_messages()


def settle(client: Client, tenant: str, services: Sequence[str] = tuple(CONSUMERS)) -> None:
    """Wait until these services have handled all that was published for a tenant. Raises `Stuck`."""
    _Player(client, tenant, lambda _: None).wait(services)


def read(caseload: Caseload, client: Client, tenant: str) -> dict[str, Any]:
    """What the services hold of a tenant, as the answer of the caseload format."""

    def rows(method: str) -> list[dict[str, Any]]:
        return list(client.rows(method, tenant=tenant, timeout=CALL_SECONDS))

    return answer(
        caseload.as_of,
        rows("billing.lines"),
        rows("billing.postings"),
        rows("scheduling.obligations"),
        rows("notifications.notices"),
        rows("assignment.rejections"),
    )


def on_their_way(summary: Mapping[str, Any]) -> int:
    """How many messages are pending by `notifications.summary` and wait for no certain hour."""
    held = sum(summary["waiting"].get(why, 0) for why in (Wait.QUIET_HOURS, Wait.DIGEST, Wait.RATE))
    return int(summary["messages"].get("PENDING", 0) - held)


class _Player:
    def __init__(self, client: Client, tenant: str, tell: Callable[[Progress], None]):
        self.client, self.tenant, self.tell = client, tenant, tell
        self.done = self.total = 0
        self.day: date | None = None

    def call(self, method: str, key: str, **fields: Any) -> Any:
        """A command under a key of its own, so that repeating it after a lost answer does nothing twice."""
        return self.client.call(method, timeout=CALL_SECONDS, idempotency_key=f"{self.tenant}:{key}", **fields)

    def open(self, caseload: Caseload, total: int) -> None:
        self.total = total
        self.say("opening")
        self.call(
            "assignment.open_tenant",
            "open",
            tenant=self.tenant,
            municipality=caseload.municipality,
            settings=dump_settings(caseload.settings.values),
            tariffs=dump_tariffs(caseload.settings.tariffs),
            providers=[PROVIDER.dump(provider) for provider in caseload.providers.values()],
        )
        for number, part in enumerate(_chunks(caseload.assignments, REGISTER_BATCH)):
            assignments = [
                {
                    "id": one.id,
                    "programme": one.programme.value,
                    "delivery_area": one.delivery_area,
                    "client": CLIENT.dump(one.client),
                    "plan": PLAN.dump(one.plan),
                }
                for one in part
            ]
            self.call("assignment.register", f"register-{number}", tenant=self.tenant, assignments=assignments)

    def state(self, assignments: Iterable[Assignment], after: date | None, until: date) -> None:
        """State the facts that became known after `after`, up to and including `until`."""
        wanted = [
            _wire(one, fact)
            for one in assignments
            for fact in sorted(one.facts, key=lambda fact: fact.order)
            if fact.known_on <= until and (after is None or fact.known_on > after)
        ]
        waiting = []
        for number, part in enumerate(_chunks(wanted, FACT_BATCH)):
            fields = {"tenant": self.tenant, "facts": part, "keep_refused": True}
            key = f"{self.tenant}:facts-{until}-{number}"
            call = self.client.submit("assignment.record_facts", fields, timeout=CALL_SECONDS, idempotency_key=key)
            waiting.append((call, len(part)))
            if len(waiting) >= WINDOW:
                self._take(*waiting.pop(0))
        for call, count in waiting:
            self._take(call, count)

    def _take(self, call: Any, count: int) -> None:
        call.result()
        self.done += count
        self.say("stating facts")

    def open_day(self, day: date) -> None:
        self.day = day
        self.call("assignment.open_day", f"day-{day}", tenant=self.tenant, date=day)
        self.say("day opened")

    def wait(self, services: Sequence[str]) -> None:
        """Until these services have handled everything that was published for the tenant."""
        still: object = None
        since = time.monotonic()
        while True:
            behind = self._behind(services)
            if not behind:
                return
            if behind != still:
                still, since = behind, time.monotonic()
            elif time.monotonic() - since > STUCK_SECONDS:
                lag = ", ".join(f"{who} has {n} events of {source} to handle" for who, source, n in behind)
                raise Stuck(f"The suite does not come to rest: {lag}. See `kundval dead-letters list`.")
            self.say("waiting")
            time.sleep(POLL_SECONDS)

    def _behind(self, services: Sequence[str]) -> list[tuple[str, str, int]]:
        """(consumer, source, events not handled). Sources are asked before those who consume them: a service
        publishes no more once it has handled all of its own sources."""
        published: dict[str, int] = {}
        behind: list[tuple[str, str, int]] = []
        sources = {"assignment", *services, *(source for one in services for source in CONSUMERS[one])}
        for service in (one for one in ("assignment", *CONSUMERS) if one in sources):
            position = self.client.call(f"{service}.positions", tenant=self.tenant, timeout=CALL_SECONDS)
            for source in CONSUMERS.get(service, ()):
                lag = published[source] - position["handled"].get(source, 0)
                if lag > 0:
                    behind.append((service, source, lag))
            published[service] = position["published"]
        return behind

    def wait_for_messages(self) -> None:
        """Until it is decided about every message what becomes of it, and what leaves has left.

        What waits for a certain hour is not waited for.
        """
        since, last = time.monotonic(), -1
        while True:
            summary = self.client.call("notifications.summary", tenant=self.tenant, timeout=CALL_SECONDS)
            pending = on_their_way(summary)
            if not pending:
                return
            if pending != last:
                since, last = time.monotonic(), pending
            elif time.monotonic() - since > STUCK_SECONDS:
                raise Stuck(f"{pending} messages could not be sent yet.")
            self.say("sending messages")
            time.sleep(POLL_SECONDS)

    def say(self, what: str) -> None:
        self.tell(Progress(self.done, self.total, self.day, what))


def _wire(assignment: Assignment, fact: Fact) -> dict[str, Any]:
    return {
        **dump_fields(fact),
        "assignment": assignment.id,
        "id": fact.id,
        "ordinal": fact.place,
        "fact": fact.kind.value,
        "on": fact.on.isoformat(),
        "known_on": fact.known_on.isoformat(),
    }


def _chunks(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
