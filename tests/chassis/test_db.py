"""The database of a service: other work runs while a query waits, transactions are whole, restarts are survived."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from kundval_chassis.db import Pool, Tx, is_contention, is_outage, with_defaults

FOUR_SLEEPS = """
    import sys, time
    import eventlet
    from kundval_chassis.db import Pool
    pool = Pool(sys.argv[1], max_size=6)
    pool.open()
    ticks = 0
    def tick():
        global ticks
        while True:
            ticks += 1
            time.sleep(0.01)
    def nap():
        with pool.tx() as tx:
            tx.query("SELECT pg_sleep(0.5)")
    with pool.tx() as tx:
        tx.query("SELECT 1")
    eventlet.spawn(tick)
    began = time.monotonic()
    for green in [eventlet.spawn(nap) for _ in range(4)]:
        green.wait()
    print(time.monotonic() - began, ticks)
    pool.close()
"""


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    with Pool(database) as opened:
        with opened.tx() as tx:
            tx.execute(
                "CREATE TABLE thing (id text PRIMARY KEY, day date, amount numeric(10, 2), doc jsonb, n integer,"
                " at timestamptz)"
            )
        yield opened


def python(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program), *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def four_sleeps(before: str, database: str, **environment: str) -> tuple[float, int]:
    done = python(before + textwrap.dedent(FOUR_SLEEPS), database, **environment)
    assert done.returncode == 0, done.stderr
    seconds, ticks = done.stdout.split()
    return float(seconds), int(ticks)


def test_other_green_threads_run_while_a_query_waits(database: str) -> None:
    seconds, ticks = four_sleeps("import kundval_chassis.bootstrap\n", database)
    assert seconds < 1.2
    assert ticks > 20


def test_without_the_bootstrap_a_waiting_query_stops_the_whole_process(database: str) -> None:
    """The proof that the test above proves something: psycopg's own wait function under eventlet."""
    seconds, ticks = four_sleeps("import eventlet\neventlet.monkey_patch()\n", database, PSYCOPG_WAIT_FUNC="wait_c")
    assert seconds > 1.9
    assert ticks < 20


def test_a_process_that_imported_psycopg_too_early_does_not_start() -> None:
    done = python("import psycopg\nimport kundval_chassis.bootstrap\n", PSYCOPG_WAIT_FUNC="wait_c")
    assert done.returncode == 1
    assert "NotCooperative" in done.stderr and "wait_c" in done.stderr


def test_a_transaction_commits_at_its_end_and_rolls_back_when_it_raises(pool: Pool) -> None:
    with pool.tx() as tx:
        assert tx.execute("INSERT INTO thing (id) VALUES ('kept')") == 1
    with pytest.raises(RuntimeError), pool.tx() as tx:
        tx.execute("INSERT INTO thing (id) VALUES ('lost')")
        raise RuntimeError
    with pool.tx() as tx:
        assert tx.value("SELECT count(*) FROM thing WHERE id = 'kept'") == 1
        assert tx.one("SELECT * FROM thing WHERE id = 'lost'") is None


def test_a_transaction_in_which_a_statement_failed_never_pretends_to_have_committed(pool: Pool) -> None:
    with pytest.raises(psycopg.errors.InFailedSqlTransaction), pool.tx() as tx:
        tx.execute("INSERT INTO thing (id) VALUES ('swallowed')")
        with pytest.raises(psycopg.errors.DivisionByZero):
            tx.query("SELECT 1 / 0")
    with pool.tx() as tx:
        assert tx.value("SELECT count(*) FROM thing WHERE id = 'swallowed'") == 0


def test_a_part_that_fails_can_be_left_out(pool: Pool) -> None:
    with pool.tx() as tx:
        tx.execute("INSERT INTO thing (id) VALUES ('outer')")
        with pytest.raises(psycopg.errors.UniqueViolation), tx.attempt():
            tx.execute("INSERT INTO thing (id) VALUES ('outer')")
    with pool.tx() as tx:
        assert tx.value("SELECT count(*) FROM thing WHERE id = 'outer'") == 1


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_what_was_noted_is_written_whatever_becomes_of_the_transaction(pool: Pool, readonly: bool, fails: bool) -> None:
    name = f"noted-{readonly}-{fails}"
    with suppress(ValueError), pool.tx(readonly=readonly) as tx:
        with suppress(KeyError), tx.attempt():
            tx.note(lambda later: later.execute("INSERT INTO thing (id) VALUES (%s)", (name,)))
            raise KeyError
        if fails:
            raise ValueError
    with pool.tx() as tx:
        assert tx.value("SELECT count(*) FROM thing WHERE id = %s", (name,)) == 1


def test_what_was_noted_by_one_that_lost_against_another_is_not_written_for_it_will_come_again(pool: Pool) -> None:
    with pytest.raises(psycopg.errors.SerializationFailure), pool.tx() as tx:
        tx.note(lambda later: later.execute("INSERT INTO thing (id) VALUES ('noted-lost')"))
        tx.execute("DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40001'; END $$")
    with pool.tx() as tx:
        assert tx.value("SELECT count(*) FROM thing WHERE id = 'noted-lost'") == 0


def test_a_query_transaction_cannot_write_and_sees_one_snapshot(pool: Pool) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), pool.tx(readonly=True) as tx:
        tx.execute("INSERT INTO thing (id) VALUES ('no')")
    with pool.tx(readonly=True) as reader:
        before = reader.value("SELECT count(*) FROM thing")
        with pool.tx() as writer:
            writer.execute("INSERT INTO thing (id) VALUES ('meanwhile')")
        assert reader.value("SELECT count(*) FROM thing") == before


def test_rows_are_inserted_in_one_statement_with_every_type_in_use(pool: Pool) -> None:
    columns = ("id", "day", "amount", "doc", "n")
    rows: list[tuple[Any, ...]] = [
        ("r1", date(2024, 1, 31), Decimal("10.50"), {"å": ["ö", None]}, 1),
        ("r2", None, None, None, None),
        ("r'3\\", date(2024, 2, 29), Decimal("0.00"), [], -1),
    ]
    with pool.tx() as tx:
        assert tx.insert_rows("thing", columns, rows, "ON CONFLICT DO NOTHING RETURNING id") == [
            {"id": "r1"}, {"id": "r2"}, {"id": "r'3\\"}
        ]  # fmt: skip
        assert tx.insert_rows("thing", columns, rows[:1], "ON CONFLICT DO NOTHING RETURNING id") == []
        assert tx.insert_rows("thing", columns, []) == []
        stored = tx.query("SELECT id, day, amount, doc, n FROM thing WHERE id LIKE 'r%%' ORDER BY id", ())
    assert sorted(tuple(row.values()) for row in stored) == sorted(rows)


def test_rows_are_copied_in_bulk(pool: Pool) -> None:
    with pool.tx() as tx:
        assert tx.copy_rows("thing", ("id", "n"), ((f"copy{n}", n) for n in range(1000))) == 1000
        assert tx.value("SELECT sum(n) FROM thing WHERE id LIKE 'copy%'") == 499500


def test_an_unknown_column_is_named(pool: Pool) -> None:
    with pytest.raises(LookupError, match="thing has no column nope"), pool.tx() as tx:
        tx.insert_rows("thing", ("id", "nope"), [("x", 1)])


def test_a_lock_by_name_keeps_two_transactions_apart(pool: Pool) -> None:
    with pool.tx() as first:
        first.lock("tenant", "nacka")
        with pytest.raises(psycopg.errors.LockNotAvailable), pool.tx() as second:
            second.execute("SET LOCAL lock_timeout = '50ms'")
            second.lock("tenant", "nacka")
        with pool.tx() as second:
            second.lock("tenant", "kramfors")


def test_instants_come_back_in_utc_whatever_the_server_is_set_to(pool: Pool) -> None:
    with pool.tx() as tx:
        assert tx.value("SHOW timezone") == "UTC"


def test_the_address_keeps_its_own_options() -> None:
    assert "connect_timeout=2" in with_defaults("postgresql://h/d?connect_timeout=2")
    assert "keepalives_idle=15" in with_defaults("postgresql://h/d")


def test_what_was_asked_wrongly_is_no_outage() -> None:
    assert is_outage(psycopg.OperationalError("server closed the connection unexpectedly"))
    assert is_outage(psycopg.errors.AdminShutdown("terminating connection"))
    assert is_outage(psycopg.errors.TooManyConnections("sorry"))
    assert not is_outage(psycopg.errors.QueryCanceled("statement timeout"))
    assert not is_outage(psycopg.errors.UniqueViolation("duplicate"))
    assert not is_outage(psycopg.errors.DeadlockDetected("deadlock"))
    assert is_contention(psycopg.errors.DeadlockDetected("deadlock"))
    assert is_contention(psycopg.errors.SerializationFailure("again"))


def test_the_pool_recovers_after_its_connections_were_ended(pool: Pool) -> None:
    """As a restarted server does it; the restart itself is tested with the consumer and the relay."""
    with pool.tx() as one, pool.tx() as two, pool.tx() as three:
        pids = [tx.value("SELECT pg_backend_pid()") for tx in (one, two, three)]
    with psycopg.connect(pool.uri, autocommit=True) as other:
        for pid in pids:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    for _ in pids:
        with pool.tx() as tx:
            assert tx.value("SELECT 1") == 1


def test_a_transaction_that_has_begun_is_not_repeated_when_its_connection_is_lost(pool: Pool) -> None:
    runs = 0
    with pytest.raises(psycopg.OperationalError) as lost, pool.tx() as tx:
        runs += 1
        with psycopg.connect(pool.uri, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (tx.value("SELECT pg_backend_pid()"),))
        tx.execute("INSERT INTO thing (id) VALUES ('never')")
    assert is_outage(lost.value)
    assert runs == 1
    assert pool.ping()


def test_a_database_that_is_not_there_is_an_outage_after_a_bounded_wait() -> None:
    with Pool("postgresql://nobody@127.0.0.1:1/none", timeout=0.3) as pool:
        with pytest.raises(psycopg.OperationalError) as away, pool.tx():
            pass
        assert is_outage(away.value)
        assert not pool.ping()


def test_a_migration_that_adds_a_column_costs_those_who_work_one_repetition(database: str) -> None:
    """Prepared statements know the columns of their tables from before."""

    def columns(tx: Tx) -> int:
        return len(tx.query("SELECT * FROM widened")[0])

    with psycopg.connect(database, autocommit=True) as other, Pool(database, max_size=2) as pool:
        other.execute("CREATE TABLE widened (a integer)")
        other.execute("INSERT INTO widened VALUES (1)")
        with pool.tx() as one, pool.tx() as another:
            # after some times a connection prepares a statement
            assert {columns(tx) for tx in (one, another) for _ in range(10)} == {1}
        other.execute("ALTER TABLE widened ADD COLUMN b integer")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as lost, pool.tx() as tx:
            columns(tx)
        assert is_contention(lost.value)
        with pool.tx() as one, pool.tx() as another:
            assert (columns(one), columns(another)) == (2, 2)
