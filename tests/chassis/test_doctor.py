"""What the doctor finds in databases, certificates and what the broker says of itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kundval_billing import doctor as billing
from kundval_chassis import db, migrate, recovery
from kundval_chassis.db import Tx
from kundval_chassis.doctor import RUNBOOKS, Finding, Level, broker, database, machine
from kundval_chassis.doctor.between import Databases

SETTINGS: dict[str, Any] = {"OUTBOX_AGE_LIMIT": 60}


@pytest.fixture(scope="module")
def uri(make_database: Callable[..., str]) -> str:
    made = make_database("billing")
    migrate.apply(made, "billing")
    return made


@pytest.fixture
def tx(uri: str) -> Iterator[Tx]:
    """A transaction in which a test breaks something; nothing of it stays."""
    with db.connect(uri) as conn:
        conn.execute("BEGIN")
        yield Tx(conn)
        conn.execute("ROLLBACK")


def found(tx: Tx, level: Level) -> dict[str, Finding]:
    """Findings of a level by the page of the runbook, or by what they say."""
    looked = database.look("billing", SETTINGS, tx)
    return {one.runbook or one.what: one for one in looked if one.level is level}


def test_a_fresh_database_is_well_but_for_who_owns_it(tx: Tx) -> None:
    assert not found(tx, Level.BAD)
    (only,) = found(tx, Level.WARN).values()
    assert only.what == "its role owns its tables" and only.consequence and only.action
    assert {"its outbox drains (0 in it)", "clock and database's clock agree"} <= set(found(tx, Level.OK))


def test_what_waits_for_long_is_told(tx: Tx) -> None:
    tx.execute(
        "WITH one AS (INSERT INTO event (id, name, version, subject, tenant, occurred_at, data) VALUES"
        " (gen_random_uuid(), 'billing.posted', 1, 'A-1', 't', now() - interval '10 minutes', '{}') RETURNING sequence)"
        " INSERT INTO outbox SELECT sequence FROM one"
    )
    assert "the oldest for 600 seconds" in found(tx, Level.BAD)["outbox-not-draining"].what


def test_migrations_that_are_missing_changed_or_unknown(tx: Tx) -> None:
    tx.execute("DELETE FROM schema_migration WHERE part = 'billing' AND name LIKE '0001%'")
    tx.execute("UPDATE schema_migration SET checksum = 'x' WHERE part = 'billing' AND name LIKE '0003%'")
    tx.execute("INSERT INTO schema_migration (part, name, checksum) VALUES ('billing', '9999_later', 'x')")
    said = [one.what for level in (Level.BAD, Level.WARN) for one in found(tx, level).values()]
    assert any("lacks 1 migrations (billing/0001_ledger first)" in one for one in said)
    assert any("differ from those that were applied (billing/0003_payments first)" in one for one in said)
    assert any("1 migrations that this version does not know (billing/9999_later first)" in one for one in said)


def test_a_clock_that_is_wrong(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr(database.time, "time", lambda: now() - 3600)
    assert "3600 seconds behind its database's" in found(tx, Level.BAD)["clock-wrong"].what
    monkeypatch.setattr(database.time, "time", lambda: now() + 10)
    assert "10 seconds ahead of" in found(tx, Level.WARN)["clock-wrong"].what


def test_a_database_that_was_restored_says_so_until_it_is_recovered(uri: str, tx: Tx) -> None:
    tx.execute(f"COMMENT ON DATABASE {tx.conn.info.dbname} IS '{recovery.MARK}2026-03-02T14:30:00+00:00'")
    assert "restored to 2026-03-02T14:30:00+00:00" in found(tx, Level.BAD)["restore-a-service"].what
    assert recovery.refusal(uri, "billing") is None


def test_one_part_that_cannot_be_looked_at_does_not_hide_the_others(tx: Tx) -> None:
    tx.execute("DROP TABLE partner_parked")
    warned = found(tx, Level.WARN)
    assert "partners could not be looked at (UndefinedTable)" in warned
    assert "its outbox drains (0 in it)" in found(tx, Level.OK)


def test_a_database_that_does_not_answer_is_a_finding(uri: str) -> None:
    away = uri.rpartition("/")[0] + "/nowhere"
    with Databases({"billing": {"DATABASE_URI": away}}) as databases:
        (one,) = databases.look("billing")
    assert one.level is Level.BAD and one.runbook == "database-lost"


def test_a_ledger_that_does_not_add_up(tx: Tx) -> None:
    assert [one.level for one in billing.look(tx)] == [Level.OK]
    # what the database refuses, unless somebody has switched that off
    tx.execute("ALTER TABLE entry DISABLE TRIGGER USER")
    tx.execute("ALTER TABLE entry_row DISABLE TRIGGER USER")
    tx.execute(
        "WITH one AS (INSERT INTO entry (tenant, assignment, provider, kind, sequence, revision, run, amount, rules,"
        " because, steps, ruleset) VALUES ('t', 'A-1', 'alfa', 'MONTHLY_FEE', 1, 1, '2026-01-01', 100, '[]', '',"
        " '[]', '')"
        " RETURNING entry) INSERT INTO entry_row SELECT entry, 'cost:AMI_2:MONTHLY_FEE', 90 FROM one"
    )
    bad = [one for one in billing.look(tx) if one.level is Level.BAD]
    assert [one.runbook for one in bad] == ["ledger-difference"]


def test_what_others_have_seen_and_a_service_does_not_know(uri: str, make_database: Callable[..., str]) -> None:
    other = make_database("notifications")
    migrate.apply(other, "notifications")
    with psycopg.connect(other) as connection:
        connection.execute(
            "INSERT INTO inbox (id, source, tenant, sequence) SELECT gen_random_uuid(), 'billing', 't', n"
            " FROM generate_series(1, 3) AS n"
        )
    settings = {"billing": {"DATABASE_URI": uri}, "notifications": {"DATABASE_URI": other}}
    with Databases(settings) as databases:
        (one,) = (one for one in databases.compare() if one.level is Level.BAD)
    assert one.area == "billing" and "notifications has 3 events of it" in one.what
    assert one.runbook == "restore-a-service"


def test_certificates_and_backups_by_how_much_time_is_left(tmp_path: Path) -> None:
    def level(days: float) -> Level:
        return machine.certificate("billing", "database", time.time() + days * machine.DAY).level

    assert [level(days) for days in (60, 20, 3, -1)] == [Level.OK, Level.WARN, Level.BAD, Level.BAD]
    stamp = tmp_path / "stamp"
    assert machine._backup("billing", None).level is Level.WARN
    assert machine._backup("billing", str(stamp)).level is Level.BAD
    stamp.touch()
    for hours, expected in ((1, Level.OK), (30, Level.WARN), (60, Level.BAD)):
        os.utime(stamp, (time.time() - hours * 3600,) * 2)
        assert machine._backup("billing", str(stamp)).level is expected


def test_nodes_and_queues_of_the_broker() -> None:
    node = {"name": "rabbit@a", "running": True, "disk_free": 90_000_000_000, "disk_free_limit": 1_000_000_000}
    assert [one.level for one in broker._nodes([node])] == [Level.OK]
    for changes, page in (
        ({"running": False}, "broker-node-lost"),
        ({"partitions": ["rabbit@b"]}, "broker-node-lost"),
        ({"disk_free_alarm": True}, "disk-full"),
        ({"mem_alarm": True}, "disk-full"),
        ({"disk_free": 2_000_000_000}, "disk-full"),
    ):
        assert next(iter(broker._nodes([{**node, **changes}]))).runbook == page
    whole = {"name": "billing.events-in", "type": "quorum", "members": ["a", "b", "c"], "online": ["a", "b", "c"]}
    assert not list(broker._shapes([whole], {"billing"}))
    classic = {"name": "billing.events-in.parked", "type": "classic"}
    lacking = {**whole, "online": ["a", "b"]}
    strange = {"name": "somebody's", "type": "classic"}
    levels = [one.level for one in broker._shapes([classic, lacking, strange], {"billing"})]
    assert levels == [Level.BAD, Level.WARN]


def test_the_pages_are_where_it_says() -> None:
    assert (Path(__file__).resolve().parents[2] / RUNBOOKS / "README.md").exists()
