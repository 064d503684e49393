"""Work in a process of its own: limits, what becomes of one that fails, and that one runner works at a time."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psutil
import psycopg
import pytest

from kundval_chassis import background, db
from kundval_chassis.background import Failed, Job, Key, Limits, elect, next_job, run
from kundval_chassis.db import Tx

TABLE = (
    "CREATE TABLE IF NOT EXISTS chore (chore text PRIMARY KEY, state text NOT NULL DEFAULT 'WAITING', code text,"
    " attempts integer NOT NULL DEFAULT 0, output text)"
)


def python(program: str) -> Job:
    return Job([sys.executable, "-c", program], b"given")


def code_of(program: str, limits: Limits) -> str:
    with pytest.raises(Failed) as raised:
        run(python(program), limits)
    return raised.value.code


def test_a_process_reads_what_it_is_given_and_its_output_is_the_answer() -> None:
    assert run(python("import sys; print(sys.stdin.read() + ' back')"), Limits(30)) == b"given back\n"


@pytest.mark.parametrize(
    ("program", "limits", "code"),
    [
        ("import time; time.sleep(60)", Limits(0.3), "TIMED_OUT"),
        ("import signal; signal.pause()", Limits(0.3), "TIMED_OUT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Limits(30), "DIED"),
        ("raise ValueError('of a person')", Limits(30), "DIED"),
        ("import time; time.sleep(0.5); x = bytearray(2**31)", Limits(30, memory=2**30), "DIED"),
        ("import time; time.sleep(0.5); print('x' * 100_000)", Limits(30, output=1000), "DIED"),
    ],
)
def test_a_process_that_hangs_dies_or_wants_too_much_is_ended(program: str, limits: Limits, code: str) -> None:
    began = time.monotonic()
    assert code_of(program, limits) == code
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_a_process_ends_with_the_one_that_started_it() -> None:
    child = "from kundval_chassis.child import end_with_parent as e; e(0.05); import time; time.sleep(60)"
    parent = (
        f"import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', {child!r}]);"
        " time.sleep(1.5); print(p.pid)"
    )
    pid = int(run(python(parent), Limits(30)))
    for _ in range(100):
        # in a container nobody may be there to collect it
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    raise AssertionError("it lives on")


# --- on a database -------------------------------------------------------------------------------------


class Chores:
    """Rows of `chore`, done by a program."""

    def __init__(self, program: str, limits: Limits | None = None):
        self.program, self.limits = program, limits or Limits(30)

    def configure(self, config: Mapping[str, Any]) -> None:
        """Nothing."""

    def take(self, tx: Tx) -> Key | None:
        row = tx.one("SELECT chore FROM chore WHERE state IN ('WAITING', 'RUNNING') ORDER BY state, chore LIMIT 1")
        if row is None:
            return None
        tx.execute("UPDATE chore SET state = 'RUNNING', attempts = attempts + 1 WHERE chore = %s", (row["chore"],))
        return (row["chore"],)

    def prepare(self, tx: Tx, key: Key) -> Job:
        return python(self.program)

    def done(self, tx: Tx, key: Key, output: bytes) -> None:
        if b"nonsense" in output:
            raise Failed("BROKEN_OUTPUT")
        tx.execute("UPDATE chore SET state = 'DONE', output = %s WHERE chore = %s", (output.decode(), key[0]))

    def failed(self, tx: Tx, key: Key, code: str) -> None:
        tx.execute("UPDATE chore SET state = 'FAILED', code = %s WHERE chore = %s", (code, key[0]))

    def put_back(self, tx: Tx, key: Key) -> None:
        tx.execute("UPDATE chore SET state = 'WAITING', attempts = attempts - 1 WHERE chore = %s", (key[0],))


@pytest.fixture
def connect(database: str) -> Iterator[Callable[[], psycopg.Connection[db.Row]]]:
    made: list[psycopg.Connection[db.Row]] = []

    def make() -> psycopg.Connection[db.Row]:
        made.append(db.connect(database))
        return made[-1]

    first = make()
    first.execute(TABLE)
    first.execute("TRUNCATE chore")
    first.execute("INSERT INTO chore (chore) VALUES ('a'), ('b')")
    yield make
    for one in made:
        one.close()


def rows(conn: psycopg.Connection[db.Row]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in conn.execute("SELECT * FROM chore ORDER BY chore").fetchall()]


def test_rows_are_done_in_order_and_what_came_out_is_stored(connect: Callable[[], Any]) -> None:
    conn, chores = connect(), Chores("print('out')")
    assert [next_job(conn, chores) for _ in range(3)] == [True, True, False]
    assert rows(conn) == [("a", "DONE", None, 1, "out\n"), ("b", "DONE", None, 1, "out\n")]


@pytest.mark.parametrize(
    ("program", "limits", "code"),
    [
        ("import time; time.sleep(60)", Limits(0.3), "TIMED_OUT"),
        ("import os; os._exit(3)", Limits(30), "DIED"),
        ("print('nonsense')", Limits(30), "BROKEN_OUTPUT"),
        ("import sys; sys.stdout.buffer.write(bytes([255]))", Limits(30), "INTERNAL_ERROR"),
    ],
)
def test_a_row_of_which_nothing_comes_is_failed_with_its_code(
    connect: Callable[[], Any], program: str, limits: Limits, code: str
) -> None:
    conn = connect()
    assert next_job(conn, Chores(program, limits))
    assert rows(conn) == [("a", "FAILED", code, 1, None), ("b", "WAITING", None, 0, None)]


def test_of_two_runners_one_works_and_the_other_takes_up_what_it_leaves(
    connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PULSE", 0.2)
    first, second, watcher = connect(), connect(), connect()
    assert (elect(first), elect(second)) == (True, False)
    began = time.monotonic()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            next_job(first, Chores("import time; time.sleep(60)"))
        except psycopg.Error as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while rows(watcher)[0][1] != "RUNNING":
        time.sleep(0.05)
    # its connection goes: with it the right to store, and the process
    watcher.execute("SELECT pg_terminate_backend(%s)", (first.info.backend_pid,))
    thread.join(timeout=30)
    assert failed and time.monotonic() - began < 30
    while not elect(second):
        time.sleep(0.05)
    assert next_job(second, Chores("print('again')"))
    assert rows(watcher)[0] == ("a", "DONE", None, 2, "again\n")


def test_a_service_that_stops_leaves_the_row_as_it_found_it(
    connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PULSE", 0.1)
    conn = connect()
    assert next_job(conn, Chores("import time; time.sleep(60)"), lambda: True)
    assert rows(conn)[0] == ("a", "WAITING", None, 0, None)


def test_a_process_knows_nothing_of_the_services_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUNDVAL_TOKEN_KEY", "hemligt")
    monkeypatch.setenv("KUNDVAL_TARIFFS", "/tariffs")
    known = run(python("import json, os; print(json.dumps(dict(os.environ)))"), Limits(30))
    assert b"hemligt" not in known and b"/tariffs" in known
