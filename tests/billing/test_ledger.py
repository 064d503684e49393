"""The ledger defends itself: what the database refuses, whoever asks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from kundval_billing import store
from kundval_chassis import migrate
from kundval_chassis.db import Pool
from kundval_contracts.answer import Posting, Step, recompute
from kundval_contracts.codes import LineKind, Programme

RUN = date(2024, 7, 1)


@pytest.fixture(scope="module")
def ledger(database: str) -> Iterator[Pool]:
    """One ledger for all tests: it cannot be emptied, so each test has a tenant of its own."""
    migrate.apply(database, "billing")
    with Pool(database, name="test") as pool:
        yield pool


@pytest.fixture
def tenant() -> str:
    return f"t-{uuid.uuid4().hex}"


def fee(sequence: int = 1, amount: str = "8000.00", reverses: date | None = None) -> Posting:
    steps = (Step("monthly fee", Decimal(amount)),)
    return Posting(
        RUN, "A-001", "alfa", LineKind.MONTHLY_FEE, sequence, Decimal(amount), reverses, ("AMI-10.1-a",), "Fee.", steps
    )


def post(pool: Pool, tenant: str, *postings: tuple[Posting, int]) -> list[int]:
    with pool.tx() as tx:
        return store.add_entries(tx, tenant, [(one, Programme.AMI_2, revision) for one, revision in postings])


def test_a_posting_is_kept_with_its_derivation_and_comes_back_as_it_was(ledger: Pool, tenant: str) -> None:
    post(ledger, tenant, (fee(), 1))
    with ledger.tx(readonly=True) as tx:
        (held,) = store.postings_of(tx, tenant, ["A-001"])["A-001"]
    assert held == fee()
    assert recompute(held.steps) == held.amount


def test_every_entry_moves_money_between_a_cost_and_what_is_owed_to_the_provider(ledger: Pool, tenant: str) -> None:
    post(ledger, tenant, (fee(), 1), (fee(2), 1))
    with ledger.tx(readonly=True) as tx:
        rows = tx.query(
            "SELECT account, sum(r.amount) AS amount FROM entry_row r JOIN entry USING (entry) WHERE tenant = %s"
            " GROUP BY account ORDER BY account",
            (tenant,),
        )
    assert [(row["account"], row["amount"]) for row in rows] == [
        ("cost:AMI_2:MONTHLY_FEE", Decimal("16000.00")),
        ("payable:alfa", Decimal("-16000.00")),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET amount = 1",
        "UPDATE entry SET because = 'x' WHERE false",
        "DELETE FROM entry",
        "TRUNCATE entry CASCADE",
        "UPDATE entry_row SET amount = 0",
        "DELETE FROM entry_row",
        "TRUNCATE entry_row",
    ],
)
def test_the_database_refuses_to_change_or_delete_what_is_posted(ledger: Pool, tenant: str, statement: str) -> None:
    post(ledger, tenant, (fee(), 1))
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"), ledger.tx() as tx:
        tx.execute(statement)
    with ledger.tx(readonly=True) as tx:
        held = tx.query("SELECT entry.amount FROM entry JOIN entry_row r USING (entry) WHERE tenant = %s", (tenant,))
    assert [row["amount"] for row in held] == [Decimal("8000.00")] * 2


def test_the_database_refuses_a_second_posting_with_the_same_business_key(ledger: Pool, tenant: str) -> None:
    post(ledger, tenant, (fee(), 1))
    with pytest.raises(psycopg.errors.UniqueViolation):
        post(ledger, tenant, (fee(), 1))


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ((("cost:x", "8000.00"), ("payable:alfa", "-7999.99")), "must balance"),
        ((("cost:x", "8000.00"),), "must balance"),
        ((("cost:x", "7000.00"), ("payable:alfa", "-7000.00")), "must have rows that move its amount"),
        ((("cost:x", "-8000.00"), ("payable:alfa", "8000.00")), "must have rows that move its amount"),
        ((), "must have rows that move its amount"),
    ],
)
def test_the_database_refuses_an_entry_that_does_not_balance_or_moves_another_amount(
    ledger: Pool, tenant: str, rows: tuple[tuple[str, str], ...], error: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=error), ledger.tx() as tx:
        entry = tx.value(
            "INSERT INTO entry (tenant, assignment, provider, kind, sequence, revision, run, amount, rules, because,"
            " steps, ruleset) VALUES (%s, 'A-001', 'alfa', 'MONTHLY_FEE', 1, 1, '2024-07-01', 8000, '[]', '', '[]', '')"
            " RETURNING entry",
            (tenant,),
        )
        tx.insert_rows("entry_row", ("entry", "account", "amount"), [(entry, name, Decimal(n)) for name, n in rows])
    with ledger.tx(readonly=True) as tx:
        assert tx.value("SELECT count(*) FROM entry WHERE tenant = %s", (tenant,)) == 0


def test_nobody_can_add_rows_to_an_old_entry_that_unbalance_it(ledger: Pool, tenant: str) -> None:
    (entry,) = post(ledger, tenant, (fee(), 1))
    with pytest.raises(psycopg.errors.CheckViolation, match="must balance"), ledger.tx() as tx:
        tx.execute("INSERT INTO entry_row VALUES (%s, 'payable:beta', 1)", (entry,))


def test_a_negative_amount_must_say_which_run_it_takes_back(ledger: Pool, tenant: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        post(ledger, tenant, (fee(amount="-8000.00"), 1))
    post(ledger, tenant, (fee(), 1), (fee(amount="-8000.00", reverses=RUN), 2))
