"""The runner with a real process: start, refusal, stop, death, and what comes back by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from kundval_contracts import errors
from tests.conftest import Servers

from .probing import PROGRAM, TENANT, Probe, wait_for

RULES = Path(__file__).parents[2] / "deploy" / "local" / "rules.toml"


@pytest.fixture(scope="module")
def servers(own_servers: Servers) -> Servers:
    """This file restarts them."""
    return own_servers


@pytest.fixture
def probe(fresh_vhost: str, database: str, tmp_path: Path) -> Iterator[Probe]:
    one = Probe(fresh_vhost, database, tmp_path).start()
    yield one
    one.end()


@pytest.fixture
def unstarted(vhost: str, database: str, tmp_path: Path) -> Probe:
    """With everything that it needs to start."""
    return Probe(vhost, database, tmp_path)


def rows(database: str, tenant: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM added WHERE tenant = %s", (tenant,)).fetchone()
    assert row is not None
    return int(row[0])


def refused(environment: dict[str, str], *command: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *(command or (str(PROGRAM),))],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


# ---------------------------------------------------------------- start


def test_missing_and_wrong_settings_are_all_named_and_the_status_is_2(unstarted: Probe) -> None:
    environment = unstarted.environment
    del environment["KUNDVAL_TOKEN_KEY"]
    environment["KUNDVAL_AMQP_URI"] = "carrier-pigeon"
    status, said = refused(environment)
    assert status == 2
    assert [line.partition(":")[0] for line in said.splitlines()] == ["KUNDVAL_AMQP_URI", "KUNDVAL_TOKEN_KEY"]
    assert "pigeon" not in said


def test_a_service_that_is_not_installed_is_refused(unstarted: Probe) -> None:
    status, said = refused(unstarted.environment, "-m", "kundval_chassis.cli", "run", "laundry")
    assert status == 2
    assert "laundry" in said
    assert "billing" in said


def test_a_service_without_its_migrations_is_refused_and_named(
    unstarted: Probe, make_database: Callable[[str], str]
) -> None:
    environment = unstarted.environment | {
        "KUNDVAL_BILLING_DATABASE_URI": make_database("billing"),
        "KUNDVAL_RULES_FILE": str(RULES),
    }
    status, said = refused(environment, "-m", "kundval_chassis.cli", "run", "billing")
    assert status == 2
    assert "kundval migrate billing" in said
    assert "chassis/0001" in said


def test_a_database_that_is_not_there_ends_the_start_without_its_address(unstarted: Probe) -> None:
    environment = unstarted.environment | {
        "KUNDVAL_BILLING_DATABASE_URI": "postgresql://user:secret@127.0.0.1:1/nothing",
        "KUNDVAL_RULES_FILE": str(RULES),
    }
    status, said = refused(environment, "-m", "kundval_chassis.cli", "run", "billing")
    assert status == 1
    assert "secret" not in said


# ---------------------------------------------------------------- stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_work_in_hand_finish_and_the_status_is_0(probe: Probe, database: str, number: int) -> None:
    tenant = f"t{time.monotonic_ns()}"
    with probe.client() as client:
        client.call("probe.ask", tenant=tenant)
        calls = [client.submit("probe.add", {"tenant": tenant, "amount": "1.00", "sleep": 1.0}) for _ in range(3)]
        time.sleep(0.5)
        started = time.monotonic()
        assert probe.stop(number) == 0
        assert time.monotonic() - started < 6
        for call in calls:
            assert call.result()["sum"]
    assert rows(database, tenant) == 3
    (stopped,) = probe.logged("stopped")
    assert stopped["unfinished"] == []


def test_what_comes_while_it_stops_waits_for_the_next_process(probe: Probe, database: str) -> None:
    tenant = f"t{time.monotonic_ns()}"
    with probe.client(timeout=25) as client:
        first = client.submit("probe.add", {"tenant": tenant, "amount": "1.00", "sleep": 2.0})
        time.sleep(0.5)
        assert probe.process is not None
        probe.process.terminate()
        wait_for(lambda: probe.logged("stopping"))
        time.sleep(0.7)
        second = client.submit("probe.add", {"tenant": tenant, "amount": "2.00"})
        assert first.result() == {"sum": "1.00"}
        assert probe.process.wait(10) == 0
        assert not second.done()
        probe.start()
        assert second.result() == {"sum": "3.00"}
    assert rows(database, tenant) == 2


def test_work_that_does_not_finish_is_given_up_after_the_limit(fresh_vhost: str, database: str, tmp_path: Path) -> None:
    probe = Probe(fresh_vhost, database, tmp_path, KUNDVAL_STOP_SECONDS="1").start()
    tenant = f"t{time.monotonic_ns()}"
    try:
        with probe.client(timeout=30) as client:
            call = client.submit("probe.add", {"tenant": tenant, "amount": "1.00", "sleep": 8.0})
            time.sleep(0.5)
            started = time.monotonic()
            assert probe.stop() == 1
            assert time.monotonic() - started < 5
            assert probe.logged("stopped")[0]["unfinished"] == ["probe"]
            # the broker has the request back, the database has undone the half of it
            probe.settings.pop("KUNDVAL_STOP_SECONDS")
            probe.start()
            assert call.result() == {"sum": "1.00"}
    finally:
        probe.end()


def test_a_start_that_waits_for_the_broker_can_be_ended(database: str, tmp_path: Path) -> None:
    probe = Probe("amqp://guest@127.0.0.1:1//", database, tmp_path)
    probe.ready = lambda: probe.get("/health/live")[0] == 200  # type: ignore[method-assign]
    try:
        probe.start()
        assert probe.get("/health/ready")[0] == 503
        started = time.monotonic()
        assert probe.stop() == 0
        assert time.monotonic() - started < 5
    finally:
        probe.end()


def test_a_port_that_is_taken_is_said(probe: Probe, fresh_vhost: str, database: str, tmp_path: Path) -> None:
    second = Probe(fresh_vhost, database, tmp_path)
    second.port = probe.port
    status, said = refused(second.environment)
    assert status == 1
    assert "could not start" in said
    assert "in use" in said


# ---------------------------------------------------------------- death


def test_a_container_that_dies_ends_the_process_with_status_1(probe: Probe) -> None:
    with probe.client(timeout=3) as client, pytest.raises(errors.KundvalError):
        client.call("probe.die", retry=False)
        client.call("probe.ask", tenant=TENANT)
    assert probe.process is not None
    assert probe.process.wait(15) == 1
    assert probe.logged("container_died")


# ---------------------------------------------------------------- what comes back by itself


def test_calls_go_on_over_a_restart_of_the_broker(probe: Probe, servers: Servers, database: str) -> None:
    tenant = f"t{time.monotonic_ns()}"
    with probe.client(timeout=60) as client:
        before = [client.submit("probe.add", {"tenant": tenant, "amount": "1.00", "sleep": 2.0}) for _ in range(5)]
        time.sleep(0.7)
        servers.restart_rabbit()
        after = [client.submit("probe.add", {"tenant": tenant, "amount": "1.00"}) for _ in range(5)]
        for call in before + after:
            assert call.result()["sum"]
    assert rows(database, tenant) == 10
    assert probe.process is not None
    assert probe.process.poll() is None
    wait_for(probe.ready)


def test_calls_go_on_over_a_restart_of_the_database(probe: Probe, servers: Servers, database: str) -> None:
    tenant = f"t{time.monotonic_ns()}"
    with probe.client(timeout=60) as client:
        calls = [client.submit("probe.add", {"tenant": tenant, "amount": "1.00", "sleep": 1.0}) for _ in range(5)]
        time.sleep(0.5)
        servers.restart_postgres()
        for call in calls:
            assert call.result()["sum"]
    assert rows(database, tenant) == 5
    assert probe.process is not None
    assert probe.process.poll() is None
    wait_for(probe.ready)


def test_without_its_database_a_service_says_unavailable_and_is_not_ready(probe: Probe, servers: Servers) -> None:
    servers.stop_postgres()
    try:
        with probe.client(timeout=20) as client, pytest.raises(errors.Unavailable) as caught:
            client.call("probe.ask", tenant=TENANT, retry=False)
        assert caught.value.code == "DATABASE_UNREACHABLE"
        wait_for(lambda: not probe.ready())
        assert '"database": "does not answer' in probe.get("/health/ready")[1]
        assert probe.get("/health/live")[0] == 200
    finally:
        servers.start_postgres()
    wait_for(probe.ready)
    with probe.client(timeout=20) as client:
        assert client.call("probe.ask", tenant=TENANT)


def test_without_its_broker_a_service_is_live_and_not_ready_and_comes_back(probe: Probe, servers: Servers) -> None:
    servers.stop_rabbit()
    try:
        wait_for(lambda: not probe.ready())
        assert "no requests are taken from the broker" in probe.get("/health/ready")[1]
        assert probe.get("/health/live")[0] == 200
    finally:
        servers.start_rabbit()
    wait_for(probe.ready)
    with probe.client(timeout=20) as client:
        assert client.call("probe.ask", tenant=TENANT)
