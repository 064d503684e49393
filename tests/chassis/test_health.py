"""Health and metrics over HTTP, from a real process."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from .probing import TENANT, Probe, probing, wait_for


@pytest.fixture(scope="module")
def probe(vhost: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    yield from probing(vhost, database, tmp_path_factory.mktemp("probe"), KUNDVAL_OUTBOX_AGE_LIMIT="5")


def test_a_healthy_service_is_live_and_ready_and_says_what_it_looked_at(probe: Probe) -> None:
    assert probe.get("/health/live") == (200, '{"live": true}\n')
    status, body = probe.get("/health/ready")
    assert status == 200
    found = json.loads(body)
    assert found["ready"] is True
    assert set(found["services"]["probe"]) == {
        "container", "database", "migrations", "requests", "events", "relay", "outbox",
    }  # fmt: skip
    assert set(found["services"]["probe"].values()) == {"ok"}


def test_metrics_show_calls_by_method_and_outcome(probe: Probe) -> None:
    with probe.client() as client:
        client.call("probe.ask", tenant=TENANT)
        client.call("probe.add", tenant=TENANT, amount="1.00", idempotency_key="metrics")
        client.call("probe.add", tenant=TENANT, amount="1.00", idempotency_key="metrics")
    status, text = probe.get("/metrics")
    assert status == 200
    assert 'kundval_rpc_seconds_count{method="probe.ask",outcome="ok"}' in text
    assert 'kundval_rpc_seconds_count{method="probe.add",outcome="replayed"} 1.0' in text
    assert 'kundval_ready{service="probe"} 1.0' in text
    assert 'kundval_outbox_depth{service="probe"} 0.0' in text
    assert 'kundval_db_connections{service="probe",state="idle"}' in text


def test_an_event_that_waits_too_long_in_the_outbox_makes_it_not_ready(probe: Probe, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO event (id, name, version, subject, tenant, occurred_at, data) VALUES"
            " (gen_random_uuid(), 'assignment.day_opened', 1, 't', 't', now() - interval '1 hour', '{}')"
        )
        connection.execute("INSERT INTO outbox (sequence) SELECT max(sequence) FROM event")
    try:
        wait_for(lambda: probe.get("/health/ready")[0] == 503)
        assert "the oldest event waits for 36" in probe.get("/health/ready")[1]
        assert 'kundval_outbox_depth{service="probe"} 1.0' in probe.get("/metrics")[1]
    finally:
        with psycopg.connect(database) as connection:
            connection.execute("DELETE FROM outbox")
    wait_for(probe.ready)


def test_anything_else_is_not_found_and_only_get_is_taken(probe: Probe) -> None:
    assert probe.get("/admin")[0] == 404
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(f"http://127.0.0.1:{probe.port}/health/live", data=b"x", timeout=5)


def test_health_answers_while_every_worker_is_busy(probe: Probe) -> None:
    with probe.client(timeout=20) as client:
        calls = [client.submit("probe.ask", {"tenant": TENANT, "sleep": 2.0}) for _ in range(15)]
        assert probe.ready()
        for call in calls:
            call.result()


def test_without_a_port_there_is_no_health_and_the_service_runs(
    fresh_vhost: str, database: str, tmp_path: Path
) -> None:
    probe = Probe(fresh_vhost, database, tmp_path, KUNDVAL_PROBE_HTTP_PORT="")
    probe.ready = lambda: bool(probe.log.exists() and probe.logged("started"))  # type: ignore[method-assign]
    try:
        probe.start()
        with probe.client() as client:
            assert client.call("probe.ask", tenant=TENANT)
        assert probe.get("/health/live")[0] == 0
    finally:
        probe.end()
