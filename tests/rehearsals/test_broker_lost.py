"""The disk of the broker is lost in the middle of a play: an empty node takes its place, and nothing is missing."""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast

import psycopg
import pytest

from kundval_chassis.play import CONSUMERS
from kundval_chassis.present import as_json
from kundval_chassis.sample import make
from kundval_chassis.simulate import simulate
from kundval_chassis.tokens import Tokens
from kundval_contracts.caseload import read
from kundval_contracts.client import Call, Client
from kundval_contracts.errors import Unavailable
from kundval_local import places
from tests.conftest import Servers
from tests.faults.disturbed import Disturbed, parked
from tests.suite import READY_SECONDS, Suite, eventually, running

pytestmark = pytest.mark.rehearsal


class Repeated:
    """A call that is made again, under the same key, while the broker does not know the service yet."""

    def __init__(self, send: Callable[[], Call]):
        self._send = send
        self._call = send()

    def result(self) -> Any:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                return self._call.result()
            except Unavailable as error:
                if error.code != "UNKNOWN_SERVICE" or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)
            self._call = self._send()


class PatientClient(Client):
    """Does what the runbook asks of clients: who waited for an answer repeats the call."""

    def submit(self, method: str, fields: Any = None, /, *, idempotency_key: str | None = None, **how: Any) -> Call:
        how["idempotency_key"] = idempotency_key or uuid.uuid4().hex
        send = super().submit
        return cast(Call, Repeated(lambda: send(method, fields, **how)))


class PatientSuite(Suite):
    """A suite whose callers are patient."""

    def client(self, role: str = "SYSTEM", **claims: Any) -> Client:
        tokens = Tokens(self.key)
        claims = {"subject": "test", "purpose": "test", **claims}
        return PatientClient(self.operator_uri, lambda: tokens.mint(role, **claims), name="test", timeout=120)


@pytest.fixture(scope="module")
def servers(own_servers: Servers) -> Servers:
    """This file wipes their broker."""
    return own_servers


@pytest.fixture(scope="module")
def suite(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with running(servers, tmp_path_factory.mktemp("lost"), kind=PatientSuite) as suite:
        yield suite


def lose(servers: Servers, suite: Suite) -> None:
    """The broker ends as in a crash, its data are gone, an empty one gets users and rights from the definitions."""
    servers.stop_rabbit()
    state = places.load_state(servers.name)
    assert state is not None
    shutil.rmtree(state.home / "rabbit" / "data")
    servers.start_rabbit()
    # before anybody may come in: services declare their queues at once
    assert suite.vhost not in {one["name"] for one in servers.api("GET", "vhosts")}
    servers.api("PUT", f"vhosts/{suite.vhost}", {})
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    servers.api("PUT", f"permissions/{suite.vhost}/{servers.api('GET', 'whoami')['name']}", everything)
    servers.let_users_in(suite.vhost)


def park_one(suite: Suite) -> None:
    """An event of a version that nobody knows yet, as after half an upgrade: every consumer of assignment parks it."""
    with psycopg.connect(suite.databases["assignment"]) as connection:
        connection.execute(
            "WITH one AS (INSERT INTO event (id, name, version, subject, tenant, occurred_at, data)"
            " VALUES (gen_random_uuid(), 'assignment.started', 99, 'A-1', 'nobody', now(), '{}') RETURNING sequence)"
            " INSERT INTO outbox SELECT sequence FROM one"
        )
        connection.execute("NOTIFY kundval_outbox")


def test_a_play_ends_as_ever_though_the_broker_forgot_everything(suite: Suite, servers: Servers) -> None:
    park_one(suite)
    consumers = {service for service, sources in CONSUMERS.items() if "assignment" in sources}
    eventually(lambda: all(parked(suite)[service] == 1 for service in consumers))
    caseload = read(make(seed=11, residents=12))
    disturbed = Disturbed(suite, caseload, lambda: lose(servers, suite))
    assert disturbed.answer == as_json(simulate(caseload))
    disturbed.check(servers)
    # what was parked was nowhere but there, and is there again; twice where the connection was cut while it was parked
    eventually(lambda: all(parked(suite)[service] for service in consumers))
    # everything is as it was declared before, and nobody is missing
    doctor = suite.kundval("doctor")
    bad = {line.split(": ")[1] for line in doctor.stdout.splitlines() if line.startswith("bad")}
    assert all(re.fullmatch(r"\d+ events are parked", one) for one in bad), bad
