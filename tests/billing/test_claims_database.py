"""Pages of claims on a real database without a broker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from kundval_chassis import migrate
from kundval_chassis.db import Pool

from .books import Books
from .builders import ami2


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database, name="test") as made:
        yield made


def test_where_a_page_by_provider_ends_names_no_protected_person(pool: Pool) -> None:
    books = Books(pool)
    books.hold_cases(replace(ami2(), assignment="A-1"), replace(ami2(), assignment="A-2"))
    with pool.tx() as tx:
        tx.insert_rows(
            "claim",
            ("tenant", "assignment", "provider", "kind", "sequence", "state", "since"),
            [(books.name, name, "alfa", "RESULT_BONUS", 1, "CLAIMABLE", date(2024, 6, 1)) for name in ("A-1", "A-2")],
        )
        tx.execute(
            "INSERT INTO restricted_subject (tenant, subject, restricted, sequence) VALUES (%s, 'A-1', true, 1)",
            (books.name,),
        )

    def follows(who: str, role: str, **fields: object) -> object:
        return books.call("claims", who, role, limit=1, **fields)["next"]

    assert follows("tom", "TEAM_MANAGER", provider="alfa") == "A-2"
    assert follows("tom", "TEAM_MANAGER") == "A-1"
    assert follows("ann", "CONTROLLER", provider="alfa") == follows("alfa", "PROVIDER") == "A-1"
