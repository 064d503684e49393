"""What is attested is what is paid: nobody leads a payment elsewhere after two persons have said that it is right."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from kundval_billing.payments import issuing
from kundval_chassis import migrate
from kundval_chassis.db import Pool
from kundval_contracts.codes import Programme

from .books import RUN, Books, Row, posting
from .papers import COMPANY, EMPLOYMENT_SERVICE, MUNICIPALITY

#: valid bank giro numbers: the provider's, and a fraudster's
OURS, THEIRS = "9912346", "9001231"
SINCE, TOMORROW = "2024-01-01", "2024-06-02"
STANDARD = {"treatment": "STANDARD_25"}


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database, name="test", max_size=4) as made:
        yield made


def party(number: str = COMPANY, **more: Any) -> Row:
    given = {"name": "Alfa AB", "organisation_number": number, "street": "Storgatan 1", "postal_code": "131 81"}
    given |= {"city": "Nacka", "payment_terms_days": 30, "vat_number": f"SE{number}01", "bankgiro": OURS}
    return {**given, **more}


def payee(books: Books, who: str = "mallory", since: str = SINCE, **more: Any) -> None:
    books.call("set_payee", who, provider="alfa", valid_from=since, party=party(**more))


def payer(books: Books, vat: Row = STANDARD, **more: Any) -> None:
    about = {"role": "MUNICIPALITY", "valid_from": SINCE, "party": party(MUNICIPALITY, **more)}
    books.call("set_payer", **about, vat_by_ownership={"PRIVATE": vat})


def paid_to(books: Books) -> list[str]:
    """The accounts on the documents that were issued."""
    rows = books.query("SELECT content->'seller'->>'bankgiro' AS account FROM document WHERE tenant = %s", books.name)
    return [row["account"] for row in rows]


@pytest.fixture
def books(pool: Pool) -> Books:
    made = Books(pool)
    payer(made)
    made.call("set_payer", role="CUSTOMER", valid_from=SINCE, party=party(EMPLOYMENT_SERVICE, vat=STANDARD))
    payee(made)
    made.post(posting("8000.00"))
    return made


CHANGES: dict[str, Callable[[Books], None]] = {
    "account": lambda books: payee(books, bankgiro=THEIRS),
    "VAT of the provider": lambda books: payee(books, vat={"treatment": "OUTSIDE_SCOPE"}),
    "VAT of all private providers": lambda books: payer(books, vat={"treatment": "OUTSIDE_SCOPE"}),
    "ownership": lambda books: _owned(books, "NON_PROFIT"),
}


def _owned(books: Books, ownership: str) -> None:
    with books.pool.tx() as tx:
        tx.execute(
            "UPDATE tenant SET providers = jsonb_set(providers, '{0,ownership}', to_jsonb(%s::text)) WHERE tenant = %s",
            (ownership, books.name),
        )


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_after_the_attestations_needs_new_ones(books: Books, change: str) -> None:
    (payment,) = books.ready()
    CHANGES[change](books)
    assert books.call("release_payments", run=RUN) == {"tenant": books.name, "released": [], "parked": [payment]}
    assert books.payment(payment)["problem"] == "TERMS_CHANGED"
    assert books.call("documents")["documents"] == []
    # it does not go on by being proposed again: another payment is attested by persons who see the new terms
    assert books.propose() == []
    books.call("withdraw_payment", payment=payment, reason="the account is new")
    (again,) = books.propose()
    assert again["amount"] == "8000.00"


def test_a_change_before_or_between_the_attestations_is_seen_by_two_or_not_paid(books: Books) -> None:
    (payment,) = [row["payment"] for row in books.propose()]
    payee(books, bankgiro=THEIRS)
    books.attested(payment)
    assert books.call("release_payments", payment=payment)["released"] == [payment]
    books.post(posting("9.00", sequence=2))
    (payment,) = [row["payment"] for row in books.propose()]
    books.call("check_payment", "cia", payment=payment)
    books.call("attest_payment", "ann", payment=payment)
    payee(books, "bo", bankgiro=OURS)
    books.call("attest_payment", "bo", payment=payment)
    assert books.call("release_payments", payment=payment)["parked"] == [payment]


def test_what_is_said_again_or_comes_back_is_no_change(books: Books) -> None:
    (payment,) = books.ready()
    payee(books, bankgiro=THEIRS)
    payee(books)
    payee(books, since=TOMORROW, bankgiro=THEIRS)
    assert books.call("release_payments", payment=payment)["released"] == [payment]
    assert paid_to(books) == [OURS]


@pytest.mark.parametrize(("day", "released"), [(RUN, True), (TOMORROW, False), ("2024-06-03", False)])
def test_a_change_that_was_there_and_comes_into_force_later_needs_attestations_of_then(
    books: Books, day: str, released: bool
) -> None:
    payee(books, since=TOMORROW, bankgiro=THEIRS)
    (payment,) = books.ready()
    books.day(day)
    assert (books.call("release_payments", run=RUN)["released"] == [payment]) is released


def test_where_the_municipality_is_paid_is_attested_too(books: Books) -> None:
    books.post(posting("3000.00", assignment="A-2"), programme=Programme.SOM_1)
    made = {row["direction"]: row["payment"] for row in books.propose()}
    for payment in made.values():
        books.attested(payment)
    payer(books, bankgiro=THEIRS)
    assert books.call("release_payments", payment=made["RECEIVABLE"])["parked"] == [made["RECEIVABLE"]]


def test_the_database_refuses_it_whatever_program_asks(books: Books) -> None:
    (payment,) = books.ready()
    payee(books, bankgiro=THEIRS)
    with pytest.raises(psycopg.errors.CheckViolation, match="attested by other terms"), books.pool.tx() as tx:
        tx.execute(
            "INSERT INTO payment_act (payment, number, act, who, role, on_day, terms)"
            " SELECT payment, 5, 'RELEASED', 'mallory', 'CONTROLLER', %s, terms FROM payment_act"
            " WHERE payment = %s AND number = 4",
            (RUN, payment),
        )


def test_an_account_that_is_changed_while_a_payment_is_released_comes_too_late(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    (payment,) = books.ready()
    issue, changing = issuing.issue, threading.Thread(target=payee, args=(books,), kwargs={"bankgiro": THEIRS})

    def slowly(*args: Any) -> list[str]:
        # the change is asked for between the act and its documents, and waits
        changing.start()
        changing.join(0.5)
        assert changing.is_alive()
        return issue(*args)

    monkeypatch.setattr(issuing, "issue", slowly)
    assert books.call("release_payments", payment=payment)["released"] == [payment]
    changing.join(10)
    assert not changing.is_alive()
    assert paid_to(books) == [OURS]
    assert len(books.call("payees", provider="alfa")["payees"]) == 2
