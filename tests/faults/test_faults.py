"""Whatever is killed or cut in the middle of a play: the answer is that of an undisturbed run, nothing is left over."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random

import psycopg
import pytest
from kombu import Connection

from kundval_chassis.play import CONSUMERS, Progress, play
from kundval_chassis.present import as_json
from kundval_chassis.sample import make
from kundval_chassis.simulate import simulate
from kundval_contracts.caseload import Caseload, read
from kundval_contracts.events_in import SOURCES
from tests.conftest import Servers
from tests.suite import SERVICES, Suite, eventually, give_mailboxes, running

pytestmark = pytest.mark.slow

RUBBISH = (
    b"\xff\xfe not even text",
    b"{",
    b"[]",
    b"",
    b'{"specversion": "1.0"}',
    b'{"id": "x", "type": "se.kundval.x.y.v9"}',
)


@pytest.fixture(scope="module")
def servers(own_servers: Servers) -> Servers:
    """This file restarts them."""
    return own_servers


@pytest.fixture(scope="module")
def suite(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with running(servers, tmp_path_factory.mktemp("faults")) as suite:
        yield suite


@pytest.fixture(scope="module")
def caseload() -> Caseload:
    return read(make(seed=11, residents=12))


@pytest.fixture(scope="module")
def undisturbed(caseload: Caseload) -> str:
    return as_json(simulate(caseload))


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


@pytest.mark.parametrize("victims", [("scheduling", "notifications"), ("billing", "assignment")], ids=" and ".join)
def test_killing_services_in_the_middle_of_a_play_changes_nothing(
    suite: Suite, servers: Servers, caseload: Caseload, undisturbed: str, victims: tuple[str, ...]
) -> None:
    def kill_and_start() -> None:
        # assignment last: while it is away, nothing new comes to the others
        for service in victims:
            suite.kill(service)
            queue = f"{service}.events-in" if service in CONSUMERS else f"rpc-{service}"
            # so that it is certain to have been in the middle
            eventually(lambda queue=queue: depth(suite, queue) > 0)
        suite.start(*victims)

    disturbed = Disturbed(suite, caseload, kill_and_start, (0.2, 0.7))
    assert disturbed.answer == undisturbed
    disturbed.check(servers)


# what is killed in the middle has it harder, and is tried always
@pytest.mark.bench
def test_stopping_and_starting_every_service_in_turn_changes_nothing(
    suite: Suite, servers: Servers, caseload: Caseload, undisturbed: str
) -> None:
    def roll() -> None:
        for service in SERVICES:
            assert suite.stop(service) == 0, suite.log(service)[-2000:]
            suite.start(service)

    disturbed = Disturbed(suite, caseload, roll)
    assert disturbed.answer == undisturbed
    disturbed.check(servers)


# two instances of a consumer, of a sender and of a service that answers are each tried where they belong
@pytest.mark.bench
def test_two_instances_of_every_service_share_the_work_and_the_death_of_one_is_not_noticed(
    suite: Suite, servers: Servers, caseload: Caseload, undisturbed: str
) -> None:
    second = [f"{service}#2" for service in SERVICES]
    suite.start(*second)

    def kill_the_first() -> None:
        for service in SERVICES:
            suite.kill(service)

    disturbed = Disturbed(suite, caseload, kill_the_first)
    assert disturbed.answer == undisturbed
    for name in second:
        assert suite.metrics(name)[f'kundval_ready{{service="{name[:-2]}"}}'] == 1
        # the second ones did answer before the first were dead, if not all of the time
        assert any(key.startswith("kundval_rpc_seconds_count") for key in suite.metrics(name))
    suite.start()
    for name in second:
        assert suite.stop(name) == 0
    disturbed.check(servers)


@pytest.mark.parametrize(
    "immediate", [pytest.param(False, id="restarted", marks=pytest.mark.bench), pytest.param(True, id="crashed")]
)
def test_restarting_the_broker_in_the_middle_of_a_play_changes_nothing(
    suite: Suite, servers: Servers, caseload: Caseload, undisturbed: str, immediate: bool
) -> None:
    disturbed = Disturbed(suite, caseload, lambda: servers.restart_rabbit(immediate=immediate))
    assert disturbed.answer == undisturbed
    disturbed.check(servers)
    assert all(process.poll() is None for process in map(suite.processes.get, SERVICES) if process)


@pytest.mark.parametrize(
    "immediate", [pytest.param(False, id="restarted", marks=pytest.mark.bench), pytest.param(True, id="crashed")]
)
def test_restarting_the_database_in_the_middle_of_a_play_changes_nothing(
    suite: Suite, servers: Servers, caseload: Caseload, undisturbed: str, immediate: bool
) -> None:
    disturbed = Disturbed(suite, caseload, lambda: servers.restart_postgres(immediate=immediate))
    assert disturbed.answer == undisturbed
    disturbed.check(servers)
    assert all(process.poll() is None for process in map(suite.processes.get, SERVICES) if process)


def test_rubbish_in_the_queues_is_parked_and_disturbs_nothing(
    suite: Suite, servers: Servers, caseload: Caseload, undisturbed: str
) -> None:
    before = parked(suite)

    def fill() -> None:
        with Connection(suite.amqp_uri, transport_options={"confirm_publish": True}) as connection:
            publisher = connection.Producer()
            for service in CONSUMERS:
                for body in RUBBISH * 20:
                    publisher.publish(
                        body,
                        routing_key=f"{service}.events-in",
                        content_type="application/json",
                        content_encoding="binary",
                    )

    disturbed = Disturbed(suite, caseload, fill)
    assert disturbed.answer == undisturbed
    disturbed.check(servers)
    assert parked(suite) - before == {service: len(RUBBISH) * 20 for service in CONSUMERS}


@pytest.mark.parametrize(
    ("residents", "seconds"), [(24, 8.0), pytest.param(60, 60.0, marks=pytest.mark.bench)], ids=["short", "long"]
)
def test_whatever_is_killed_whenever(suite: Suite, servers: Servers, residents: int, seconds: float) -> None:
    caseload = read(make(seed=12, residents=residents))
    random = Random(12)
    over = threading.Event()

    def havoc() -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not over.is_set():
            service = random.choice(SERVICES)
            random.choice([suite.kill, suite.stop])(service)
            suite.spawn(service)
            # one that falls before it stands is no better off than one that falls later
            over.wait(random.uniform(0.2, 3.0))
        for service in SERVICES:
            suite.wait_ready(service)

    disturbed = Disturbed(suite, caseload, havoc, (0.1,))
    over.set()
    assert disturbed.answer == as_json(simulate(caseload))
    disturbed.check(servers)
