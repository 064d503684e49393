"""Migrations: in order, once, whole, and never changed behind the database's back."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from kundval_chassis import db, migrate

BASE_TABLES = {
    "event",
    "outbox",
    "inbox",
    "idempotency",
    "tenant",
    "held_case",
    "held_fact",
    "schema_migration",
    "subscription",
    "restricted_subject",
}


def folder(path: Path, **files: str) -> list[migrate.Migration]:
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / f"{name}.sql").write_text(text)
    return migrate.read("probe", path)


def tables(uri: str) -> set[str]:
    with db.connect(uri) as conn:
        return {row["tablename"] for row in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def test_a_service_gets_the_tables_of_the_chassis_first(fresh_database: str) -> None:
    done = migrate.apply(fresh_database, "probe")
    assert [str(m) for m in done][:2] == ["chassis/0001_events", "chassis/0002_held"]
    assert tables(fresh_database) >= BASE_TABLES


def test_a_second_run_changes_nothing(fresh_database: str) -> None:
    assert migrate.apply(fresh_database, "probe")
    assert migrate.apply(fresh_database, "probe") == []
    assert migrate.pending(fresh_database, "probe") == []


def test_a_service_whose_database_lacks_migrations_is_named_with_the_files(fresh_database: str) -> None:
    with pytest.raises(migrate.MigrationsPending) as refused:
        migrate.require_current(fresh_database, "probe")
    assert "chassis/0001_events" in refused.value.names
    assert "kundval migrate probe" in str(refused.value)
    migrate.apply(fresh_database, "probe")
    migrate.require_current(fresh_database, "probe")


def test_the_status_shows_what_was_applied_and_when(fresh_database: str) -> None:
    with db.connect(fresh_database) as conn:
        assert migrate.applied(conn) == []
    migrate.apply(fresh_database, "probe")
    with db.connect(fresh_database) as conn:
        rows = migrate.applied(conn)
    assert [row.name for row in rows][:2] == ["0001_events", "0002_held"]
    assert all(row.applied_at.tzinfo for row in rows)


def test_two_instances_may_migrate_at_once(fresh_database: str) -> None:
    results: list[list[migrate.Migration]] = []

    def run() -> None:
        results.append(migrate.apply(fresh_database, "probe"))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(map(bool, results)) == [False, False, True]
    assert tables(fresh_database) >= BASE_TABLES


def test_the_lock_of_a_killed_migration_holds_up_nobody(fresh_database: str) -> None:
    with db.connect(fresh_database) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (migrate._LOCK,))
        pid = holder.info.backend_pid
        with db.connect(fresh_database) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        assert migrate.apply(fresh_database, "probe")


def test_a_file_with_functions_and_many_statements_is_applied_whole(fresh_database: str, tmp_path: Path) -> None:
    text = """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'no; never'; -- a comment; with a semicolon and 100 %
        END $$;
        CREATE TABLE ledger (id integer);
        CREATE TRIGGER refuse BEFORE UPDATE ON ledger FOR EACH ROW EXECUTE FUNCTION refuse();
    """
    assert migrate.apply(fresh_database, "probe", folder(tmp_path, **{"0001_ledger": text}))
    with db.connect(fresh_database) as conn, pytest.raises(psycopg.errors.RaiseException):
        conn.execute("INSERT INTO ledger VALUES (1)")
        conn.execute("UPDATE ledger SET id = 2")


def test_a_migration_that_fails_leaves_those_before_it_and_nothing_of_itself(
    fresh_database: str, tmp_path: Path
) -> None:
    files = {"0001_one": "CREATE TABLE one ();", "0002_two": "CREATE TABLE two (); SELECT 1 / 0;"}
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate.apply(fresh_database, "probe", folder(tmp_path, **files))
    assert tables(fresh_database) == {"one", "schema_migration"}
    again = folder(tmp_path, **{"0002_two": "CREATE TABLE two ();"})
    assert [m.name for m in migrate.apply(fresh_database, "probe", again)] == ["0002_two"]


def test_a_file_that_was_changed_after_it_had_been_applied_is_refused(fresh_database: str, tmp_path: Path) -> None:
    migrate.apply(fresh_database, "probe", folder(tmp_path, **{"0001_one": "CREATE TABLE one ();"}))
    with pytest.raises(migrate.MigrationError, match=r"changed.*probe/0001_one"):
        migrate.apply(fresh_database, "probe", folder(tmp_path, **{"0001_one": "CREATE TABLE other ();"}))


def test_files_that_are_misnamed_or_share_a_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(migrate.MigrationError, match=r"0001_what\.sql: 1_first\.sql"):
        folder(tmp_path / "a", **{"1_first": ""})
    with pytest.raises(migrate.MigrationError, match="same number"):
        folder(tmp_path / "b", **{"0001_first": "", "0001_second": ""})
    assert migrate.read("probe", tmp_path / "absent") == []
