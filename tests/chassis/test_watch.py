"""What a service looks at by itself: dates, clock, certificates; and what becomes of a look that fails."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from kundval_chassis import certificates, migrate, telemetry, watch
from kundval_chassis.db import Pool, Tx


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "scheduling")
    with Pool(database) as opened:
        yield opened


def value(metric: Any, *labels: str) -> float:
    return float(metric.labels(*labels)._value.get())


def watcher(pool: Pool | None, *looks: watch.Look, **settings: Any) -> watch.Watch:
    given = {"BACKUP_STAMP": None, "AMQP_URI": "amqp://nobody", "DATABASE_URI": "postgresql://nobody/x", **settings}
    return watch.Watch("scheduling", given, lambda: pool, looks)


def look_at(watched: watch.Watch, what: str) -> None:
    [one] = [look for look in watched._looks if look.what == what]
    watched._look(one)


def test_the_first_and_the_last_business_date_and_the_backup_are_seen(pool: Pool, tmp_path: Path) -> None:
    stamp = tmp_path / "stamp"
    with pool.tx() as tx:
        tx.execute(
            "INSERT INTO tenant (tenant, business_date) VALUES ('a', '2024-03-01'), ('b', '2024-03-15'), ('c', NULL)"
        )
    watched = watcher(pool, BACKUP_STAMP=str(stamp))
    look_at(watched, "dates")
    assert value(telemetry.TENANTS, "scheduling") == 2
    for which, day in (("first", 1), ("last", 15)):
        expected = datetime(2024, 3, day, tzinfo=UTC).timestamp()
        assert value(telemetry.BUSINESS_DATE, "scheduling", which) == expected
    assert value(telemetry.BACKUP, "scheduling") == 0, "told of backups, and there is none"
    stamp.touch()
    os.utime(stamp, (1000, 1000))
    look_at(watched, "dates")
    assert value(telemetry.BACKUP, "scheduling") == 1000


def test_a_clock_that_is_wrong_is_seen(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    look_at(watcher(pool), "clock")
    assert abs(value(telemetry.CLOCK_OFFSET, "scheduling")) < 5
    real = time.time
    monkeypatch.setattr(watch.time, "time", lambda: real() - 3600)
    look_at(watcher(pool), "clock")
    assert -3605 < value(telemetry.CLOCK_OFFSET, "scheduling") < -3595


def test_what_is_overdue_is_counted_by_kind_and_forgotten_when_it_is_done(pool: Pool) -> None:
    from kundval_scheduling import looks

    insert = (
        "INSERT INTO obligation (tenant, assignment, kind, sequence, responsible, state, rules)"
        " SELECT %s, 'A-' || n, %s, 1, 'PROVIDER', %s, '[]' FROM generate_series(1, %s) AS n"
    )
    with pool.tx() as tx:
        for tenant, state, number in (("a", "OVERDUE", 3), ("b", "OVERDUE", 2), ("c", "OPEN", 9)):
            tx.execute(insert, (tenant, "FINAL_REPORT", state, number))
    [look] = looks.looks({})
    with pool.tx(readonly=True) as tx:
        look.see(tx)
    assert (value(looks.OVERDUE, "FINAL_REPORT"), value(looks.OVERDUE, "WEEKLY_CONTACT")) == (5, 0)
    with pool.tx() as tx:
        tx.execute("UPDATE obligation SET state = 'MET'")
        look.see(tx)
    assert value(looks.OVERDUE, "FINAL_REPORT") == 0


def test_a_look_that_fails_harms_nothing_and_does_not_count_as_one(pool: Pool) -> None:
    def fail(tx: Tx) -> None:
        tx.query("SELECT * FROM nothing")

    def crash(tx: Tx) -> None:
        raise RuntimeError("Anna Andersson")

    def write(tx: Tx) -> None:
        tx.execute("DELETE FROM tenant")

    def see(tx: Tx) -> None:
        tx.value("SELECT 1")

    watched = watcher(pool, *(watch.Look(one.__name__, 1, one) for one in (fail, crash, write, see)))
    for what in ("fail", "crash", "write", "see"):
        look_at(watched, what)
    assert [value(telemetry.LOOKED_AT, "scheduling", what) > 0 for what in ("fail", "crash", "write", "see")] == [
        False, False, False, True,
    ]  # fmt: skip
    with pool.tx(readonly=True) as tx:
        assert tx.value("SELECT count(*) FROM tenant") > 0
    watcher(None)._look(watch.Look("none", 1, see))
    assert value(telemetry.LOOKED_AT, "scheduling", "none") == 0


def test_a_look_that_takes_too_long_is_ended_by_the_database(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.05)
    watched = watcher(pool, watch.Look("slow", 1, lambda tx: tx.value("SELECT pg_sleep(30)")))
    look_at(watched, "slow")
    assert value(telemetry.LOOKED_AT, "scheduling", "slow") == 0


# --- certificates ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def issued(authority: trustme.CA, ends: int) -> trustme.LeafCert:
    return authority.issue_cert("localhost", not_after=datetime(ends, 1, 1, tzinfo=UTC))


def test_of_several_certificates_in_a_file_the_first_to_end_counts(authority: trustme.CA, tmp_path: Path) -> None:
    both = b"".join(issued(authority, year).cert_chain_pems[0].bytes() for year in (2099, 2077))
    (tmp_path / "both.pem").write_bytes(both)
    (tmp_path / "client.pem").write_bytes(issued(authority, 2088).cert_chain_pems[0].bytes())
    (tmp_path / "wrong.pem").write_text("no certificate")
    settings = {
        "TLS_AUTHORITY": tmp_path / "both.pem",
        "AMQP_URI": f"amqps://u:p@h/v?cafile={tmp_path / 'missing.pem'}&certfile={tmp_path / 'client.pem'};amqps://g",
        "DATABASE_URI": f"postgresql://u@h/d?sslmode=verify-full&sslrootcert={tmp_path / 'wrong.pem'}",
    }
    found = dict(certificates.in_files(settings))
    assert found == {
        "authority": datetime(2077, 1, 1, tzinfo=UTC).timestamp(),
        "broker_client": datetime(2088, 1, 1, tzinfo=UTC).timestamp(),
    }
    # of a database whose authority is the system's, and a broker without certificates
    plain = {"AMQP_URI": "amqp://h", "DATABASE_URI": "postgresql://u@h/d?sslrootcert=system"}
    assert dict(certificates.in_files(plain)) == {}


def test_the_certificate_that_a_database_shows_is_read_by_greeting_it(authority: trustme.CA) -> None:
    leaf = issued(authority, 2066)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    listening = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        plain, _ = listening.accept()
        with plain:
            assert plain.recv(8) == bytes.fromhex("0000000804d2162f")
            plain.sendall(b"S")
            context.wrap_socket(plain, server_side=True).close()

    class Info:
        host, hostaddr, port = "localhost", "127.0.0.1", listening.getsockname()[1]

    class Connected:
        class pgconn:
            ssl_in_use = True

        info = Info

    thread = threading.Thread(target=greet)
    thread.start()
    assert certificates.of_database(Connected) == datetime(2066, 1, 1, tzinfo=UTC).timestamp()  # type: ignore[arg-type]
    thread.join(10)
    Connected.pgconn.ssl_in_use = False
    assert certificates.of_database(Connected) is None  # type: ignore[arg-type]
