"""Billing looks at its own ledger: computed anew it is the same, and what was changed past the program is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest

from kundval_billing import looks, store
from kundval_chassis import agenda, migrate
from kundval_chassis.db import Pool, Tx

from .books import Books
from .lives import lives

RUNS = ("2024-09-01", "2025-03-01", "2026-03-01")


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database) as opened:
        yield opened


@pytest.fixture(scope="module")
def books(pool: Pool) -> Books:
    made = Books(pool, RUNS[-1])
    made.hold_cases(*lives(40, seed=11))
    for run in RUNS:
        made.run(run)
    return made


@contextmanager
def past_the_program(pool: Pool) -> Iterator[Tx]:
    """A transaction of somebody who has made the database take everything."""
    with pool.tx() as tx:
        for table in ("entry", "entry_row"):
            tx.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield tx
        for table in ("entry", "entry_row"):
            tx.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def all_round(pool: Pool, at_once: int = 7) -> float:
    """Kronor of difference after a whole round of looks; all of those at rest were computed."""
    with pool.tx(readonly=True) as tx:
        resting = len(store.at_rest(tx, ("", ""), 1000))
    assert resting > 20
    before = looks.RECOMPUTED._value.get()
    look = looks.Recomputation(at_once)
    for _ in range(resting // at_once + 1):
        with pool.tx(readonly=True) as tx:
            look.see(tx)
    assert looks.RECOMPUTED._value.get() - before == resting
    return float(looks.DIFFERENCE._value.get())


def test_what_was_posted_is_what_is_computed_anew(pool: Pool, books: Books) -> None:
    assert books.query("SELECT count(*) AS n FROM entry")[0]["n"] > 30
    assert all_round(pool) == 0


def test_an_amount_that_was_changed_is_found_and_found_mended(pool: Pool, books: Books) -> None:
    change = (
        "UPDATE entry SET amount = amount + %s WHERE entry = (SELECT min(e.entry) FROM entry AS e JOIN agenda USING"
        " (tenant, assignment) WHERE e.amount > 0 AND (until IS NULL OR until > %s) AND NOT EXISTS"
        " (SELECT FROM entry AS other WHERE other.reverses IS NOT NULL AND other.assignment = e.assignment))"
    )
    with past_the_program(pool) as tx:
        assert tx.execute(change, ("0.01", RUNS[-1])) == 1
    assert all_round(pool) == 0.01
    with past_the_program(pool) as tx:
        tx.execute(change, ("-0.01", RUNS[-1]))
    assert all_round(pool) == 0


def test_what_has_news_is_left_to_the_next_run(pool: Pool, books: Books) -> None:
    with pool.tx() as tx:
        resting = store.at_rest(tx, ("", ""), 1000)
        agenda.wake(tx, [(books.name, resting[0]["assignment"])])
        assert len(store.at_rest(tx, ("", ""), 1000)) == len(resting) - 1
        agenda.rest(tx, books.name, {resting[0]["assignment"]: None})
        assert {row["run"] for row in resting} == {date.fromisoformat(RUNS[-1])}


def test_an_entry_that_does_not_add_up_is_found_bit_by_bit(pool: Pool, books: Books) -> None:
    look = looks.Sums(step=10)

    def found() -> dict[str, float]:
        for _ in range(books.query("SELECT max(entry) AS n FROM entry")[0]["n"] // 10 + 1):
            with pool.tx(readonly=True) as tx:
                look.see(tx)
        return {what: looks.FAULTS.labels(what)._value.get() for what in store.SUMS}

    change = "UPDATE entry_row SET amount = amount + %s WHERE entry = (SELECT max(entry) FROM entry) AND amount > 0"
    assert found() == {"entry": 0, "payment": 0, "journal": 0}
    with past_the_program(pool) as tx:
        assert tx.execute(change, (1,)) == 1
    assert found() == {"entry": 1, "payment": 0, "journal": 0}
    with past_the_program(pool) as tx:
        tx.execute(change, (-1,))
    assert found()["entry"] == 0


def test_a_payment_that_is_not_the_sum_of_its_entries_is_found(pool: Pool, books: Books) -> None:
    with pool.tx() as tx:
        tx.execute("ALTER TABLE payment DISABLE TRIGGER USER")
        tx.execute("ALTER TABLE payment_entry DISABLE TRIGGER USER")
        entry = tx.one("SELECT entry, amount, provider FROM entry WHERE amount > 0 LIMIT 1")
        assert entry is not None
        payment = tx.value(
            "INSERT INTO payment (tenant, run, provider, direction, number, preparer, amount, entries, self_billing,"
            " proposed_on) VALUES (%s, %s, %s, 'PAYABLE', 1, 'x', %s, 1, false, %s) RETURNING payment",
            (books.name, RUNS[-1], entry["provider"], entry["amount"], RUNS[-1]),
        )
        tx.execute("INSERT INTO payment_entry (payment, entry) VALUES (%s, %s)", (payment, entry["entry"]))
        assert store.added_up(tx, "payment", 0, 1000) == {"wrong": 0, "more": False}
        tx.execute("UPDATE payment SET amount = amount - 1 WHERE payment = %s", (payment,))
        assert store.added_up(tx, "payment", 0, 1000) == {"wrong": 1, "more": False}
        tx.execute("DELETE FROM payment_entry WHERE payment = %s", (payment,))
        tx.execute("DELETE FROM payment WHERE payment = %s", (payment,))


def test_nothing_is_computed_if_the_operator_says_so() -> None:
    assert [look.what for look in looks.looks({"LEDGER_CHECKS": 0})] == ["ledger"]
    pace = {look.what: look.every for look in looks.looks({"LEDGER_CHECKS": 6})}
    assert pace["recomputation"] == 10
