"""Migrations while the version before works on: nobody waits long, and old and new live on one database."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kundval_chassis import db, migrate

from .test_migrate import folder


def rows(uri: str, query: str) -> list[Any]:
    with db.connect(uri) as conn:
        return [next(iter(row.values())) for row in conn.execute(query)]  # type: ignore[arg-type]


def contracted(uri: str, since: str, path: Path) -> None:
    """As a newer version leaves the database when it has taken something away."""
    text = f"-- contract: since {since} nothing uses this\nSELECT 1;"
    newer = folder(path, **{"0099_gone": text})
    migrate.apply(uri, "probe", [*migrate.available("probe"), *newer])


def test_a_version_starts_on_a_database_that_a_newer_one_has_expanded(fresh_database: str, tmp_path: Path) -> None:
    newer = folder(tmp_path, **{"0099_more": "ALTER TABLE inbox ADD COLUMN more text;"})
    migrate.apply(fresh_database, "probe", [*migrate.available("probe"), *newer])
    migrate.require_current(fresh_database, "probe")
    assert migrate.apply(fresh_database, "probe") == []
    with db.connect(fresh_database) as conn:
        assert migrate.trouble(conn, "probe") is None


def test_a_version_does_not_start_where_a_newer_one_has_taken_away_what_it_uses(
    fresh_database: str, tmp_path: Path
) -> None:
    contracted(fresh_database, "999.0", tmp_path)
    said = r"lost what probe [\d.]+ uses \(start 999\.0 or newer\): probe/0099_gone"
    for refusal in (migrate.require_current, migrate.apply):
        with pytest.raises(migrate.DatabaseTooNew, match=said):
            refusal(fresh_database, "probe")
    with db.connect(fresh_database) as conn:
        assert "start 999.0 or newer" in str(migrate.trouble(conn, "probe"))


def test_what_was_taken_away_since_this_version_or_before_holds_up_nobody(fresh_database: str, tmp_path: Path) -> None:
    contracted(fresh_database, "0.1", tmp_path)
    migrate.require_current(fresh_database, "probe")


def test_a_database_from_before_there_were_contracts_is_read_and_gets_their_column(
    fresh_database: str, tmp_path: Path
) -> None:
    migrate.apply(fresh_database, "probe")
    with db.connect(fresh_database) as conn:
        conn.execute("ALTER TABLE schema_migration DROP COLUMN contract")
    migrate.require_current(fresh_database, "probe")
    contracted(fresh_database, "0.1", tmp_path)
    assert rows(fresh_database, "SELECT contract FROM schema_migration WHERE contract IS NOT NULL") == ["0.1"]


def test_a_migration_waits_a_moment_for_a_lock_lets_others_pass_and_tries_again(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = folder(tmp_path, **{"0001_one": "CREATE TABLE one ();"})
    migrate.apply(fresh_database, "probe", first)
    both = folder(tmp_path, **{"0002_more": "ALTER TABLE one ADD COLUMN more text;"})
    pauses = 0
    with db.connect(fresh_database) as reader, db.connect(fresh_database) as other:

        def between(seconds: float) -> None:
            nonlocal pauses
            pauses += 1
            # nothing stands in the way of those that come after
            other.execute("SET lock_timeout = 1")
            other.execute("SELECT FROM one")
            if pauses == 3:
                reader.execute("COMMIT")

        monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", 20)
        monkeypatch.setattr(migrate, "sleep", between)
        reader.execute("BEGIN")
        reader.execute("SELECT FROM one")
        assert [m.name for m in migrate.apply(fresh_database, "probe", both)] == ["0002_more"]
    assert pauses == 3


def test_a_migration_that_never_gets_its_locks_says_so_and_leaves_nothing(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", 20)
    migrate.apply(fresh_database, "probe", folder(tmp_path, **{"0001_one": "CREATE TABLE one ();"}))
    text = "CREATE TABLE two (); ALTER TABLE one ADD COLUMN more text;"
    both = folder(tmp_path, **{"0002_two": text})
    with db.connect(fresh_database) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM one")
        with pytest.raises(migrate.Blocked, match="probe/0002_two"):
            migrate.apply(fresh_database, "probe", both, patience=0)
    assert rows(fresh_database, "SELECT to_regclass('two')::text") == [None]
    assert [m.name for m in migrate.apply(fresh_database, "probe", both)] == ["0002_two"]


INDEXED = {
    "0001_one": "CREATE TABLE one (a integer); INSERT INTO one VALUES (1), (1);",
    "0002_index": "-- runs: alone\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_a ON one (a);",
}
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('one_a')"


def test_an_index_that_was_left_half_made_is_made_anew(fresh_database: str, tmp_path: Path) -> None:
    files = folder(tmp_path, **INDEXED)
    with pytest.raises(psycopg.errors.UniqueViolation):
        migrate.apply(fresh_database, "probe", files)
    assert rows(fresh_database, VALID) == [False]
    with db.connect(fresh_database) as conn:
        conn.execute("DELETE FROM one")
    assert [m.name for m in migrate.apply(fresh_database, "probe", files)] == ["0002_index"]
    assert rows(fresh_database, VALID) == [True]


def test_an_index_is_made_beside_others_who_migrate_and_who_write(fresh_database: str, tmp_path: Path) -> None:
    files = folder(tmp_path, **{**INDEXED, "0001_one": "CREATE TABLE one (a integer);"})
    migrate.apply(fresh_database, "probe", files[:1])
    done: list[list[str]] = []

    def run() -> None:
        done.append([m.name for m in migrate.apply(fresh_database, "probe", files)])

    threads = [threading.Thread(target=run) for _ in range(2)]
    with db.connect(fresh_database) as writer:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO one VALUES (1)")
        for thread in threads:
            thread.start()
        writer.execute("COMMIT")
        for thread in threads:
            thread.join(30)
    assert sorted(done) == [[], ["0002_index"]]
    assert rows(fresh_database, VALID) == [True]


MOVED = """-- runs: in batches
UPDATE one SET b = a WHERE ctid = ANY (ARRAY(SELECT ctid FROM one WHERE b IS NULL LIMIT 10));"""


def test_data_is_moved_in_batches_each_a_transaction_of_its_own(fresh_database: str, tmp_path: Path) -> None:
    text = "CREATE TABLE one (a integer, b integer); INSERT INTO one SELECT generate_series(1, 25);"
    files = folder(tmp_path, **{"0001_one": text, "0002_move": MOVED})
    migrate.apply(fresh_database, "probe", files)
    assert rows(fresh_database, "SELECT count(*) FROM one WHERE a = b") == [25]
    assert sorted(rows(fresh_database, "SELECT count(*) FROM one GROUP BY xmin::text")) == [5, 10, 10]


def test_what_runs_in_batches_is_one_statement(fresh_database: str, tmp_path: Path) -> None:
    text = "-- runs: in batches\nSELECT 1 WHERE false; SELECT 1;"
    with pytest.raises(psycopg.errors.SyntaxError, match="multiple commands"):
        migrate.apply(fresh_database, "probe", folder(tmp_path, **{"0001_one": text}))


@pytest.mark.parametrize(
    "mark",
    [
        "-- runs: outside",
        "-- runs:",
        "-- runs: alone\n-- runs: alone",
        "-- contract: since then nothing uses this",
        "-- contract: since 0.2",
    ],
)
def test_a_mark_that_says_nothing_known_is_refused(tmp_path: Path, mark: str) -> None:
    (found,) = folder(tmp_path, **{"0001_one": f"{mark}\nSELECT 1;"})
    with pytest.raises(migrate.MigrationError, match="probe/0001_one"):
        _ = (found.runs, found.contract)
