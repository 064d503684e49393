"""Payments on a real database: from a run to the accounting system, what stands in the way, and what adds up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import psycopg
import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from kundval_billing import cli, domain
from kundval_billing.payments import run as runs
from kundval_chassis import cli_call, migrate
from kundval_chassis.db import Pool
from kundval_contracts.codes import Programme
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, KundvalError, NotFound
from kundval_contracts.rpc import METHODS

from .books import RUN, Books, Papers, Row, amounts, posting
from .builders import ami2

LATER = "2024-07-01"


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database, name="test") as made:
        yield made


@pytest.fixture
def papers(monkeypatch: pytest.MonkeyPatch) -> Papers:
    made = Papers()
    made.use(monkeypatch)
    return made


@pytest.fixture
def books(pool: Pool, papers: Papers) -> Books:
    return Books(pool)


def code(books: Books, method: str, who: str = "ann", role: str = "CONTROLLER", /, **fields: object) -> str:
    """The code with which a method is refused."""
    with pytest.raises(KundvalError) as raised:
        books.call(method, who, role, **fields)
    return raised.value.code


# --- the road ------------------------------------------------------------------------------------------------


def test_a_run_is_proposed_checked_attested_released_acknowledged_and_reconciled(books: Books) -> None:
    books.post(posting("8000.00"), posting("6000.00", sequence=2), posting("500.00", "beta"))
    made = {row["provider"]: row["payment"] for row in books.propose()}
    assert set(made) == {"alfa", "beta"}
    alfa = made["alfa"]
    assert books.balances()["payable:alfa"] == ("-14000.00", {"PROPOSED": "-14000.00"})
    books.attested(alfa)
    assert books.balances()["payable:alfa"] == ("-14000.00", {"ATTESTED": "-14000.00"})
    # only what is ready goes
    assert books.call("release_payments", run=RUN) == {"tenant": books.name, "released": [alfa], "parked": []}
    assert books.balances()["payable:alfa"] == ("0.00", {})
    assert books.balances()["released:alfa"] == ("-14000.00", {"RELEASED": "-14000.00"})
    assert books.balances()["payable:beta"] == ("-500.00", {"PROPOSED": "-500.00"})
    books.call("acknowledge_payment", payment=alfa, voucher="V-1", amount="14000.00", outcome="ACCEPTED")
    found = books.call("reconcile", rows=[{"document": f"D-{alfa}", "amount": "14000.00"}])
    assert [row["payment"] for row in found["matched"]] == [alfa]
    assert books.balances()["settled:alfa"] == ("-14000.00", {"RECONCILED": "-14000.00"})
    assert books.balances()["cost:AMI_2:MONTHLY_FEE"] == ("14500.00", {"POSTED": "14500.00"})
    shown = books.payment(alfa)
    assert [(row["act"], row["who"]) for row in shown["acts"]] == [
        ("PROPOSED", "pia"), ("CHECKED", "cia"), ("ATTESTED", "ann"), ("ATTESTED", "bo"), ("RELEASED", "ann"),
        ("ACKNOWLEDGED", "ann"), ("RECONCILED", "ann"),
    ]  # fmt: skip
    assert [row["amount"] for row in shown["lines"]] == ["8000.00", "6000.00"]
    assert (shown["documents"], shown["voucher"], shown["due"]) == ([f"D-{alfa}"], "V-1", "14000.00")
    (told,) = books.told("billing.payment_released")
    assert told == {"payment": alfa, "run": RUN, "provider": "alfa", "direction": "PAYABLE", "as_of": RUN,
                    "amount": "14000.00", "documents": [f"D-{alfa}"]}  # fmt: skip
    assert [len(books.told(f"billing.payment_{what}")) for what in ("proposed", "attested", "acknowledged")] == [
        2,
        1,
        1,
    ]


def test_doing_it_again_changes_nothing(books: Books) -> None:
    books.post(posting("8000.00"))
    (payment,) = books.ready()
    assert books.propose() == []
    books.attested(payment)
    assert books.call("release_payments", payment=payment)["released"] == [payment]
    for request in ({"payment": payment}, {"run": RUN}):
        assert books.call("release_payments", **request)["released"] == []
    answer = {"payment": payment, "voucher": "V-1", "amount": "8000.00", "outcome": "ACCEPTED"}
    assert books.call("acknowledge_payment", **answer) == books.call("acknowledge_payment", **answer)
    rows = [{"voucher": "V-1", "amount": "8000.00"}]
    assert books.call("reconcile", rows=rows) == books.call("reconcile", rows=rows)
    acts = [row["act"] for row in books.payment(payment)["acts"]]
    assert acts == ["PROPOSED", "CHECKED", "ATTESTED", "ATTESTED", "RELEASED", "ACKNOWLEDGED", "RECONCILED"]
    assert books.balances()["settled:alfa"] == ("-8000.00", {"RECONCILED": "-8000.00"})


def test_both_directions_are_in_one_ledger_and_paid_apart(books: Books, papers: Papers) -> None:
    papers.agreed.add("alfa")
    books.post(posting("8000.00"))
    books.post(posting("3000.00", assignment="A-2"), programme=Programme.SOM_1)
    made = books.propose()
    assert amounts(made) == {("alfa", "PAYABLE"): "8000.00", ("alfa", "RECEIVABLE"): "3000.00"}
    # an invoice to the employment service is the municipality's own: the unit that works has nothing to approve
    assert [row["self_billing"] for row in made] == [True, False]
    (invoice,) = [row["payment"] for row in made if row["direction"] == "RECEIVABLE"]
    books.attested(invoice)
    books.call("release_payments", run=RUN)
    assert books.balances()["invoiced:alfa"] == ("3000.00", {"RELEASED": "3000.00"})
    assert books.balances()["receivable:alfa"] == ("0.00", {})
    books.call("acknowledge_payment", payment=invoice, voucher="V-1", amount="3000.00", outcome="ACCEPTED")
    assert books.balances()["received:alfa"] == ("3000.00", {"ACKNOWLEDGED": "3000.00"})
    assert books.balances()["revenue:SOM_1:MONTHLY_FEE"] == ("-3000.00", {"POSTED": "-3000.00"})
    assert books.balances()["payable:alfa"] == ("-8000.00", {"PROPOSED": "-8000.00"})


def test_what_is_taken_back_can_make_a_payment_negative_or_nothing(books: Books) -> None:
    books.post(posting("8000.00"))
    books.ready()
    books.call("release_payments", run=RUN)
    books.post(
        posting("-8000.00", run=LATER, reverses=RUN),
        posting("6500.00", run=LATER, sequence=2),
        posting("700.00", "beta", run=LATER),
        posting("-700.00", "beta", run=LATER, reverses=LATER),
    )
    made = {row["provider"]: row for row in books.propose(LATER)}
    assert {name: (row["amount"], row["entries"]) for name, row in made.items()} == {
        "alfa": ("-1500.00", 2), "beta": ("0.00", 2),
    }  # fmt: skip
    for row in made.values():
        books.attested(row["payment"])
    assert len(books.call("release_payments", run=LATER)["released"]) == 2
    assert books.balances()["released:alfa"] == ("-6500.00", {"RELEASED": "-6500.00"})
    assert books.balances()["cost:AMI_2:MONTHLY_FEE"][1] == {"POSTED": "15200.00", "TAKEN_BACK": "-8700.00"}


def test_what_comes_later_is_a_payment_of_its_own(books: Books) -> None:
    books.post(posting("8000.00"))
    first = books.propose()
    books.post(posting("100.00", sequence=2))
    second = books.propose()
    assert [(row["number"], row["amount"]) for row in (*first, *second)] == [(1, "8000.00"), (2, "100.00")]


def test_no_payment_is_put_together_without_a_run_or_by_a_run_that_is_to_come(books: Books) -> None:
    assert code(books, "propose_payments", run=RUN) == "NO_RUN"
    books.post(posting("8000.00"), posting("1.00", sequence=2, run=RUN))
    books.post(posting("9.00", sequence=3, run=LATER))
    assert amounts(books.propose(RUN)) == {("alfa", "PAYABLE"): "8001.00"}
    assert amounts(books.propose(LATER)) == {("alfa", "PAYABLE"): "9.00"}


# --- persons ---------------------------------------------------------------------------------------------------


def test_a_payment_needs_two_persons_of_the_municipality_beside_who_prepared_it(books: Books) -> None:
    books.post(posting("8000.00"))
    (payment,) = [row["payment"] for row in books.propose(who="pia")]
    one = {"payment": payment}
    assert code(books, "attest_payment", "ann", **one) == "NOT_CHECKED"
    assert code(books, "check_payment", "pia", **one) == "PREPARER"
    books.call("check_payment", "cia", "TEAM_MANAGER", **one)
    assert code(books, "attest_payment", "pia", **one) == "PREPARER"
    assert code(books, "attest_payment", "kundval", "SYSTEM", **one) == "ROLE_NOT_ALLOWED"
    assert code(books, "attest_payment", "alfa", "PROVIDER", **one) == "ROLE_NOT_ALLOWED"
    books.call("attest_payment", "ann", **one)
    assert books.call("attest_payment", "ann", **one)["attestations"] == 1
    assert code(books, "release_payments", **one) == "NOT_ATTESTED"
    assert books.call("attest_payment", "cia", "TEAM_MANAGER", **one)["state"] == "ATTESTED"
    assert code(books, "attest_payment", "dan", **one) == "ALREADY_ATTESTED"
    # a program may release what persons have attested
    assert books.call("release_payments", "kundval", "SYSTEM", **one)["released"] == [payment]


def test_self_billing_waits_for_the_provider_who_may_decline(books: Books, papers: Papers) -> None:
    papers.agreed.add("alfa")
    books.post(posting("8000.00"), posting("500.00", "beta"))
    made = {row["provider"]: {"payment": row["payment"]} for row in books.propose()}
    for one in made.values():
        books.attested(one["payment"])
    assert books.call("release_payments", run=RUN)["released"] == [made["beta"]["payment"]]
    assert code(books, "release_payments", **made["alfa"]) == "NOT_APPROVED"
    # of another's payment nobody is told that there is one
    for method in ("approve_payment", "dispute_payment", "payment"):
        with pytest.raises(NotFound) as there:
            books.call(method, "beta", "PROVIDER", **made["alfa"])
        assert there.value.message == f"There is no payment {made['alfa']['payment']}."
    assert code(books, "approve_payment", "beta", "PROVIDER", **made["beta"]) == "ALREADY_RELEASED"
    said = "the month of A-1 is not right"
    assert books.call("dispute_payment", "alfa", "PROVIDER", reason=said, **made["alfa"])["state"] == "DISPUTED"
    assert code(books, "release_payments", **made["alfa"]) == "DISPUTED"
    assert books.balances()["payable:alfa"] == ("-8000.00", {"DISPUTED": "-8000.00"})
    assert books.call("approve_payment", "alfa", "PROVIDER", **made["alfa"])["state"] == "APPROVED"
    assert books.call("release_payments", run=RUN)["released"] == [made["alfa"]["payment"]]
    assert said not in str([books.told(name) for name in ("billing.payment_disputed", "billing.payment_approved")])
    assert len(books.told("billing.payment_disputed")) == len(books.told("billing.payment_approved")) == 1


def test_a_provider_sees_its_own_payments_and_not_who_did_what_or_why(books: Books) -> None:
    books.post(posting("8000.00"), posting("500.00", "beta"))
    (alfa,) = [row["payment"] for row in books.propose() if row["provider"] == "alfa"]
    books.call("check_payment", "cia", payment=alfa, reason="looked at with care")
    listed = books.call("payments", "alfa", "PROVIDER")["payments"]
    assert [row["payment"] for row in listed] == [alfa]
    with pytest.raises(Forbidden):
        books.call("payments", "alfa", "PROVIDER", provider="beta")
    shown = books.call("payment", "alfa", "PROVIDER", payment=alfa)
    assert {(row["who"], row["role"], row["reason"]) for row in shown["acts"]} == {(None, None, None)}
    assert books.payment(alfa)["acts"][1]["reason"] == "looked at with care"
    own = books.call("balances", "alfa", "PROVIDER", provider="alfa")["balances"]
    assert {row["account"] for row in own} == {"payable:alfa", "cost:AMI_2:MONTHLY_FEE"}


def test_entries_of_protected_persons_are_for_who_pays_and_for_the_provider(books: Books) -> None:
    books.post(posting("8000.00"), posting("500.00", assignment="A-2"))
    (payment,) = [row["payment"] for row in books.propose()]
    with books.pool.tx() as tx:
        tx.execute("INSERT INTO restricted_subject (tenant, subject, restricted, sequence) VALUES (%s, 'A-2', true, 1)",
                   (books.name,))  # fmt: skip
    seen = {
        role: [row["assignment"] for row in books.call("payment", who, role, payment=payment)["lines"]]
        for who, role in (("ann", "CONTROLLER"), ("tom", "TEAM_MANAGER"), ("alfa", "PROVIDER"))
    }
    assert seen == {"CONTROLLER": ["A-1", "A-2"], "TEAM_MANAGER": ["A-1"], "PROVIDER": ["A-1", "A-2"]}


# --- in the way ------------------------------------------------------------------------------------------------


def test_a_provider_with_a_problem_is_parked_and_the_others_are_paid(books: Books, papers: Papers) -> None:
    papers.problems["alfa"] = "PAYEE_UNKNOWN"
    books.post(posting("8000.00"), posting("500.00", "beta"))
    made = {row["provider"]: row for row in books.propose()}
    assert {name: (row["state"], row["problem"]) for name, row in made.items()} == {
        "alfa": ("PARKED", "PAYEE_UNKNOWN"), "beta": ("PROPOSED", None),
    }  # fmt: skip
    alfa, beta = made["alfa"]["payment"], made["beta"]["payment"]
    assert code(books, "check_payment", payment=alfa) == "PARKED"
    books.attested(beta)
    assert books.call("release_payments", run=RUN)["released"] == [beta]
    assert books.balances()["payable:alfa"] == ("-8000.00", {"PARKED": "-8000.00"})
    # as long as nothing has changed nothing is said again; another problem is another message
    assert books.propose() == []
    papers.problems["alfa"] = "VAT_NOT_SET"
    assert books.propose() == []
    assert [row["code"] for row in books.told("billing.payment_parked")] == ["PAYEE_UNKNOWN", "VAT_NOT_SET"]
    papers.problems.clear()
    assert [row["state"] for row in books.propose()] == ["PROPOSED"]
    books.attested(alfa)
    # the problem can show as late as at the release, and is parked with what was attested
    papers.refused["alfa"] = "DOCUMENT_WRONG"
    assert books.call("release_payments", run=RUN) == {"tenant": books.name, "released": [], "parked": [alfa]}
    assert books.balances()["payable:alfa"] == ("-8000.00", {"PARKED": "-8000.00"})
    papers.refused.clear()
    books.propose()
    assert books.call("release_payments", run=RUN)["released"] == [alfa]


def test_an_agreement_of_self_billing_that_came_since_needs_another_payment(books: Books, papers: Papers) -> None:
    books.post(posting("8000.00"))
    (payment,) = books.ready()
    papers.agreed.add("alfa")
    assert books.call("release_payments", payment=payment)["parked"] == [payment]
    assert books.payment(payment)["problem"] == "AGREEMENT_CHANGED"
    books.call("withdraw_payment", payment=payment, reason="the agreement is new")
    (again,) = books.propose()
    assert (again["self_billing"], again["amount"], again["number"]) == (True, "8000.00", 2)


def test_what_is_held_stays_out_until_the_hold_has_ended(books: Books) -> None:
    books.post(posting("8000.00"), posting("100.00", sequence=2), posting("500.00", assignment="A-2"),
               posting("9.00", "beta", "A-3"))  # fmt: skip
    why = {"reason": "FACTS_IN_DOUBT", "note": "somebody rang"}
    line = {"provider": "alfa", "assignment": "A-1", "kind": "MONTHLY_FEE", "sequence": 2}
    holds = [books.call("hold", **line, **why)["hold"], books.call("hold", assignment="A-2", **why)["hold"],
             books.call("hold", provider="beta", **why)["hold"]]  # fmt: skip
    assert amounts(books.propose()) == {("alfa", "PAYABLE"): "8000.00"}
    assert books.balances()["payable:alfa"] == ("-8600.00", {"FREE_HELD": "-600.00", "PROPOSED": "-8000.00"})
    assert books.balances()["payable:beta"] == ("-9.00", {"FREE_HELD": "-9.00"})
    for hold in holds:
        assert books.call("release_hold", hold=hold) == {"hold": hold, "payments": []}
    assert amounts(books.propose()) == {("alfa", "PAYABLE"): "600.00", ("beta", "PAYABLE"): "9.00"}
    listed = books.call("holds")["holds"]
    assert [(row["hold"], row["note"], row["ended_on"]) for row in listed] == [
        (hold, "somebody rang", RUN) for hold in holds
    ]


def test_a_payment_with_an_entry_that_is_held_waits_for_the_end_of_every_hold(books: Books) -> None:
    books.post(posting("8000.00"), posting("500.00", assignment="A-2"), posting("9.00", "beta"))
    made = books.ready()
    holds = [books.call("hold", assignment="A-2", reason="OTHER"), books.call("hold", provider="alfa", reason="LEGAL")]
    assert [one["payments"] for one in holds] == [[made[0]], [made[0]]]
    # the same word of the same person again is the same hold; another person's is another
    again = books.call("hold", provider="alfa", reason="LEGAL")
    assert again == {"hold": holds[1]["hold"], "payments": []}
    assert books.call("release_payments", run=RUN)["released"] == [made[1]]
    books.call("release_hold", hold=holds[0]["hold"])
    assert code(books, "release_payments", payment=made[0]) == "HELD"
    assert [row["reason"] for row in books.told("billing.payment_held")] == ["OTHER", "LEGAL"]
    for _ in range(2):
        books.call("release_hold", hold=holds[1]["hold"])
    assert books.call("release_payments", payment=made[0])["released"] == [made[0]]
    # too late: it is on its way
    assert books.call("hold", provider="alfa", reason="OTHER")["payments"] == []
    assert code(books, "release_hold", hold=2**40) == "NOT_FOUND"


def test_a_hold_on_nothing_that_there_is_is_refused(books: Books) -> None:
    books.post(posting("8000.00"), posting("500.00", "delta", "A-2"))
    for wrong in ({"assignment": "A-l"}, {"provider": "alfs"}, {"provider": "alfa", "assignment": "A-l"}):
        assert code(books, "hold", reason="OTHER", **wrong) == "NOT_FOUND"
    assert books.call("holds")["holds"] == []
    # one that has nothing yet, and one that is no provider of the municipality any more
    books.hold_cases(replace(ami2(), assignment="A-3"))
    for right in ({"provider": "gamma"}, {"provider": "delta"}, {"assignment": "A-2"}, {"assignment": "A-3"}):
        books.call("hold", reason="OTHER", **right)


def test_nothing_of_another_municipality_can_be_reached(books: Books, pool: Pool) -> None:
    books.post(posting("8000.00"))
    (payment,) = books.ready()
    hold = books.call("hold", provider="alfa", reason="LEGAL")["hold"]
    other, before = Books(pool), books.payment(payment)
    answer = {"voucher": "V-1", "amount": "8000.00", "outcome": "ACCEPTED"}
    for method in ("payment", "check_payment", "attest_payment", "withdraw_payment", "release_payments"):
        assert code(other, method, "dan", payment=payment) == "NOT_FOUND"
    assert code(other, "acknowledge_payment", payment=payment, **answer) == "NOT_FOUND"
    assert code(other, "release_hold", hold=hold) == "NOT_FOUND"
    other.post(posting("8000.00"))
    assert other.call("release_payments", run=RUN)["released"] == []
    found = other.call("reconcile", rows=[{"document": f"D-{payment}", "amount": "8000.00"}])
    assert [row["document"] for row in found["not_ours"]] == [f"D-{payment}"]
    assert books.payment(payment) == before


@pytest.mark.parametrize(
    "target",
    [{}, {"kind": "MONTHLY_FEE", "sequence": 1, "provider": "alfa"}, {"provider": "alfa", "kind": "MONTHLY_FEE"}],
)
def test_a_hold_names_what_it_holds(books: Books, target: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        books.call("hold", reason="OTHER", **target)


def test_what_is_withdrawn_is_proposed_anew_and_the_old_payment_stays_as_it_was(books: Books) -> None:
    books.post(posting("8000.00"))
    (first,) = books.ready()
    books.call("withdraw_payment", payment=first, reason="wrong unit")
    assert books.balances()["payable:alfa"] == ("-8000.00", {"FREE": "-8000.00"})
    assert code(books, "release_payments", payment=first) == "WITHDRAWN"
    (second,) = books.ready()
    assert books.call("release_payments", run=RUN)["released"] == [second]
    assert code(books, "withdraw_payment", payment=second) == "ALREADY_RELEASED"
    assert [books.payment(one)["lines"][0]["amount"] for one in (first, second)] == ["8000.00"] * 2


# --- the accounting system ----------------------------------------------------------------------------------------


def test_another_amount_another_voucher_or_no_release_is_not_acknowledged(books: Books) -> None:
    books.post(posting("8000.00"), posting("500.00", "beta"))
    alfa, beta = books.ready()
    good = {"voucher": "V-1", "amount": "8000.00", "outcome": "ACCEPTED"}
    assert code(books, "acknowledge_payment", payment=alfa, **good) == "NOT_RELEASED"
    books.call("release_payments", run=RUN)
    assert code(books, "acknowledge_payment", payment=alfa, **{**good, "amount": "8000.01"}) == "AMOUNT_DIFFERS"
    refused = {"payment": alfa, "voucher": "E-17", "amount": "8000.00", "outcome": "REJECTED"}
    assert books.call("acknowledge_payment", **refused)["state"] == "REJECTED"
    assert books.call("acknowledge_payment", **refused)["state"] == "REJECTED"
    assert books.balances()["released:alfa"] == ("-8000.00", {"REJECTED": "-8000.00"})
    assert books.call("acknowledge_payment", payment=alfa, **good)["state"] == "ACKNOWLEDGED"
    assert code(books, "acknowledge_payment", payment=alfa, **{**good, "voucher": "V-2"}) == "ALREADY_ACKNOWLEDGED"
    other = {"payment": beta, "voucher": "V-1", "amount": "500.00", "outcome": "ACCEPTED"}
    assert code(books, "acknowledge_payment", **other) == "VOUCHER_TAKEN"
    assert [row["outcome"] for row in books.told("billing.payment_acknowledged")] == ["REJECTED", "ACCEPTED"]


def test_reconciliation_finds_what_either_side_lacks(books: Books) -> None:
    books.post(*(posting(f"{n}00.00", f"p{n}", f"A-{n}") for n in range(1, 6)))
    made = books.ready()
    books.call("release_payments", run=RUN)
    for payment in made[:3]:
        amount = books.payment(payment)["due"]
        books.call("acknowledge_payment", payment=payment, voucher=f"V-{payment}", amount=amount, outcome="ACCEPTED")
    rows = [
        {"voucher": f"V-{made[0]}", "amount": "100.00"},
        {"document": f"D-{made[1]}", "amount": "199.00"},
        {"document": f"D-{made[3]}", "amount": "400.00"},
        {"document": "D-999", "amount": "7.00"},
    ]
    found = books.call("reconcile", run=RUN, rows=rows)
    assert {name: [row["payment"] for row in found[name]] for name in ("matched", "different", "unacknowledged")} == {
        "matched": [made[0]], "different": [made[1]], "unacknowledged": [made[3]],
    }  # fmt: skip
    assert [(row["payment"], row["ours"], row["theirs"]) for row in found["not_theirs"]] == [
        (made[2], "300.00", None), (made[4], "500.00", None),
    ]  # fmt: skip
    assert found["not_ours"] == [{"document": "D-999", "voucher": None, "amount": "7.00"}]
    assert [books.state(one) for one in made] == [
        "RECONCILED", "ACKNOWLEDGED", "ACKNOWLEDGED", "RELEASED", "RELEASED",
    ]  # fmt: skip
    # of another run nothing is missing, and a payment that they name in both ways counts once
    later = books.call("reconcile", run=LATER, rows=[rows[0], {"document": f"D-{made[0]}", "amount": "100.00"}])
    assert ([row["payment"] for row in later["matched"]], later["not_theirs"]) == ([made[0]], [])


# --- periods ------------------------------------------------------------------------------------------------------


def test_a_closed_month_takes_no_run_and_later_corrections_say_what_they_are_about(books: Books) -> None:
    books.post(posting("8000.00", run="2024-05-10", sequence=4), posting("9.00", "beta", run="2024-05-10"))
    month = {"month": "2024-05"}
    books.day("2024-05-31")
    assert code(books, "close_period", **month) == "MONTH_NOT_ENDED"
    books.day("2024-06-01")
    assert code(books, "close_period", **month) == "PAYMENTS_OPEN"
    (alfa, _) = books.ready("2024-05-10")
    books.call("hold", provider="beta", reason="UNDER_REVIEW")
    assert code(books, "close_period", **month) == "PAYMENTS_OPEN"
    books.call("release_payments", payment=alfa)
    for _ in range(2):
        closed = books.call("close_period", **month)
        assert (closed["carried"], closed["amount"], closed["month"]) == (1, "9.00", "2024-05")
    assert books.told("billing.period_closed") == [{"month": "2024-05-01", "carried": 1, "amount": "9.00"}]
    with pytest.raises(Conflict) as refused:
        books.run("2024-05-31")
    assert refused.value.code == "PERIOD_CLOSED"
    assert code(books, "propose_payments", run="2024-05-10") == "PERIOD_CLOSED"
    # the database itself takes no entry, run or payment of that month
    with pytest.raises(psycopg.errors.CheckViolation, match="period is closed"):
        books.post(posting("1.00", assignment="A-9", run="2024-05-31"))
    with pytest.raises(psycopg.errors.CheckViolation, match="period is closed"), books.pool.tx() as tx:
        runs.store.add_run(tx, books.name, posting("1.00", run="2024-05-31").run, 0, Decimal(0))
    books.post(posting("-8000.00", run="2024-06-01", sequence=4, reverses="2024-05-10"))
    # April's line counts for April, and touches May by no day
    listed = {name: books.call("corrections", month=name) for name in ("2024-04", "2024-05")}
    assert [(row["amount"], row["run"], row["starts"]) for row in listed["2024-04"]["corrections"]] == [
        ("-8000.00", "2024-06-01", "2024-04-01")
    ]
    assert (listed["2024-04"]["closed"], listed["2024-05"]["closed"]) == (False, True)
    assert listed["2024-05"]["corrections"] == []
    # what was held is paid by a run that is open
    books.call("release_hold", hold=books.call("holds")["holds"][0]["hold"])
    assert amounts(books.propose("2024-06-01")) == {("alfa", "PAYABLE"): "-8000.00"}


def test_a_balance_can_be_asked_as_it_stood_on_a_day(books: Books) -> None:
    books.post(posting("8000.00"))
    books.day("2024-06-05")
    (payment,) = books.ready()
    books.day("2024-06-10")
    books.call("release_payments", payment=payment)
    books.day("2024-06-12")
    books.call("acknowledge_payment", payment=payment, voucher="V-1", amount="8000.00", outcome="ACCEPTED")
    stood = {
        day: {key: parts for key, (_, parts) in books.balances(on=day).items() if key != "cost:AMI_2:MONTHLY_FEE"}
        for day in ("2024-05-31", "2024-06-04", "2024-06-05", "2024-06-10", "2024-06-12")
    }
    assert stood == {
        "2024-05-31": {},
        "2024-06-04": {"payable:alfa": {"FREE": "-8000.00"}},
        "2024-06-05": {"payable:alfa": {"ATTESTED": "-8000.00"}},
        "2024-06-10": {"payable:alfa": {}, "released:alfa": {"RELEASED": "-8000.00"}},
        "2024-06-12": {"payable:alfa": {}, "released:alfa": {}, "settled:alfa": {"ACKNOWLEDGED": "-8000.00"}},
    }


def test_lists_are_paged_by_number(books: Books) -> None:
    books.post(*(posting("100.00", f"p{n}", f"A-{n}") for n in range(5)))
    made = [row["payment"] for row in books.propose()]
    first = books.call("payments", limit=2)
    assert ([row["payment"] for row in first["payments"]], first["next"]) == (made[:2], made[1])
    rest = books.call("payments", limit=500, after=first["next"], state="PROPOSED")
    assert ([row["payment"] for row in rest["payments"]], rest["next"]) == (made[2:], None)
    assert books.call("payments", state="RELEASED")["payments"] == []


# --- runs --------------------------------------------------------------------------------------------------------


def test_a_case_that_cannot_be_computed_or_posted_does_not_stop_the_others(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [replace(ami2(decided="2024-03-15"), assignment=f"A-{n}") for n in range(5)]
    books.hold_cases(*cases)
    books.day(LATER)
    broken = {"A-1": LookupError("no tariff"), "A-2": ZeroDivisionError("a name"), "A-3": None, "A-4": None}

    def lines(case, tenant, day):  # type: ignore[no-untyped-def]
        if isinstance(broken.get(case.assignment), Exception):
            raise broken[case.assignment]
        found = domain.lines(case, tenant, day)
        if case.assignment == "A-3" and "A-3" in broken:
            return tuple(replace(one, amount=Decimal(10) ** 13) for one in found)
        if case.assignment == "A-4" and "A-4" in broken:
            return tuple(replace(one, because="\x00") for one in found)
        return found

    monkeypatch.setattr(runs, "lines", lines)
    with capture_logs() as logged:
        done = books.run("2024-06-01")
    assert [(row["event"], row["error"]) for row in logged] == [
        ("assignment_not_computed", "ZeroDivisionError"), ("assignment_not_posted", "UntranslatableCharacter"),
    ]  # fmt: skip
    assert (done.postings, done.amount, done.problems) == (2, Decimal("16000.00"), 4)
    shown = books.call("problems")["problems"]
    assert [(row["assignment"], row["provider"], row["code"]) for row in shown] == [
        ("A-1", "alfa", "NO_TARIFF"), ("A-2", "alfa", "NOT_COMPUTED"), ("A-3", "alfa", "AMOUNT_OUT_OF_RANGE"),
        ("A-4", "alfa", "NOT_POSTED"),
    ]  # fmt: skip
    assert len(books.told("billing.assignment_parked")) == 4
    assert {row["assignment"] for row in books.told("billing.posted")} == {"A-0"}
    # again: nothing new, told of once; then they are well, one after the other
    with capture_logs():
        assert books.run("2024-06-01").problems == 4
    assert len(books.told("billing.assignment_parked")) == 4
    del broken["A-1"], broken["A-4"]
    with capture_logs():
        done = books.run("2024-06-15")
    assert (done.postings, done.problems) == (2 * 3 + 1, 2)
    assert [row["assignment"] for row in books.call("problems")["problems"]] == ["A-2", "A-3"]
    broken.clear()
    assert books.run(LATER).problems == 0
    assert books.call("problems")["problems"] == []
    sums = books.query("SELECT assignment, sum(amount) AS amount FROM entry WHERE tenant = %s GROUP BY 1", books.name)
    assert {row["assignment"]: row["amount"] for row in sums} == {f"A-{n}": Decimal(24000) for n in range(5)}


def test_every_method_of_payments_is_carried_out_by_the_service() -> None:
    from kundval_billing.payments.entrypoints import PaymentEntrypoints

    made = {name for name in vars(PaymentEntrypoints) if f"billing.{name}" in METHODS}
    assert len(made) == 18


# --- the command line ----------------------------------------------------------------------------------------------


def test_every_command_of_the_command_line_does_what_it_says(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def connect(subject: str = "kundval-cli", role: str = "SYSTEM", **_: object) -> Iterator[object]:
        def call(method: str, /, tenant: str, **fields: object) -> Row:
            assert tenant == books.name
            return books.call(method.removeprefix("billing."), subject, role, **fields)

        def rows(method: str, /, **fields: object) -> list[Row]:
            return list(call(method, **fields)[METHODS[method].rows or ""])

        yield SimpleNamespace(call=call, rows=rows)

    monkeypatch.setattr(cli_call, "connect", connect)

    def kundval(verb: str, *words: object, who: str = "pia", status: int = 0) -> str:
        caller = ["--tenant", books.name, "--role", "CONTROLLER", "--subject", who]
        done = CliRunner().invoke(cli.payments, [verb, *caller, *map(str, words)], env={"COLUMNS": "200"})
        assert done.exit_code == status, done.output
        return done.output

    books.post(posting("8000.00"), posting("500.00", "beta", "A-2"))
    assert kundval("propose", RUN).count("PROPOSED") == 2
    alfa, beta = [row["payment"] for row in json.loads(kundval("list", "--json"))["rows"]]
    assert "CHECKED" in kundval("check", alfa, beta, who="cia")
    assert "PREPARER" in kundval("attest", alfa, status=1)
    for who in ("ann", "bo"):
        kundval("attest", alfa, beta, who=who)
    assert kundval("list", "--state", "ATTESTED").count("ATTESTED") == 2
    hold = json.loads(kundval("hold", "--provider", "beta", "--reason", "LEGAL", "--note", "a note", "--json"))
    assert hold["payments"] == [beta]
    assert f"released: {alfa}\n" in kundval("release", "--run", RUN)
    assert "HELD" in kundval("release", "--payment", beta, status=1)
    assert f"payments: {beta}" in kundval("end-hold", hold["hold"])
    assert "WITHDRAWN" in kundval("withdraw", beta, "--reason", "wrong unit")
    shown = kundval("show", alfa)
    assert all(word in shown for word in ("RELEASED", "8000.00", "ann", "A-1"))
    assert json.loads(kundval("show", alfa, "--json"))["documents"] == [f"D-{alfa}"]
    balances = kundval("balances", "--on", RUN)
    assert all(word in balances for word in ("released:alfa", "payable:beta", "FREE"))
    assert json.loads(kundval("balances", "--json"))["on"] == RUN
    assert json.loads(kundval("problems", "--json")) == {"rows": []}
    books.day(LATER)
    assert "PAYMENTS_OPEN" in kundval("close", "2024-06", status=1)
    assert "2024-05" in kundval("close", "2024-05")
    assert "month" in kundval("close", "2024-5", status=2)
