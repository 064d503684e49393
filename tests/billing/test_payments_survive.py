"""Money goes out once: whatever is killed and whenever, whoever acts at the same time, and whatever program asks."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kundval_billing.domain.payments import Act, Standing
from kundval_billing.payments import store
from kundval_billing.payments.run import run_payments, turn
from kundval_chassis import held, migrate
from kundval_chassis.db import Pool, Tx, is_outage
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import Direction, PaymentAct
from kundval_contracts.rpc import CallerRole
from tests.conftest import ROOT

from .books import RUN, Books, Papers, posting
from .builders import ami2, d, exited, on

WORKERS, OPERATORS = 6, ("ann", "bo")


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database, name="test", max_size=WORKERS + 2) as made:
        yield made


@pytest.fixture
def books(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Books:
    Papers(agreed={"gamma"}).use(monkeypatch)
    return Books(pool)


# --- killed between any two statements ---------------------------------------------------------------------------


class Dying:
    """A connection that is lost before the statement with that number; `left` counts down to it."""

    def __init__(self, conn: Any, left: int):
        self._conn, self.left = conn, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            self._conn.close()
        return self._conn.execute(*args, **kwargs)


def state(books: Books) -> dict[str, Any]:
    """Everything that money depends on; numbers that the database gives out may have gaps and are left out."""
    return {
        "entries": books.query(
            "SELECT assignment, provider, kind, sequence, revision, run, amount FROM entry WHERE tenant = %s"
            " ORDER BY 1, 2, 3, 4, 5",
            books.name,
        ),
        "payments": books.query(
            "SELECT provider, direction, p.number, amount, array_agg(act || who ORDER BY a.number) AS acts"
            " FROM payment p JOIN payment_act a USING (payment) WHERE tenant = %s GROUP BY payment ORDER BY 1, 2, 3",
            books.name,
        ),
        "rows": books.query(
            "SELECT stage, account, r.amount FROM payment_row r JOIN payment USING (payment) WHERE tenant = %s"
            " ORDER BY 1, 2",
            books.name,
        ),
        "events": books.query("SELECT name, count(*) FROM event WHERE tenant = %s GROUP BY 1 ORDER BY 1", books.name),
        "runs": books.query("SELECT run FROM payment_run WHERE tenant = %s ORDER BY 1", books.name),
        "balances": books.balances(),
    }


def rows(books: Books) -> list[dict[str, Any]]:
    """How many rows there are of all that; nothing is ever changed or deleted."""
    return books.query(
        "SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM payment), (SELECT count(*) FROM payment_entry),"
        " (SELECT count(*) FROM payment_act), (SELECT count(*) FROM payment_row), (SELECT count(*) FROM event),"
        " (SELECT count(*) FROM payment_run), (SELECT count(*) FROM payment_reference)"
    )


def survive(books: Books, work: Callable[[Tx], object]) -> int:
    """Lose the connection before each statement of `work` in turn, and then let it be done; how many there are."""
    before, number = rows(books), 0
    while True:
        number += 1
        try:
            with books.pool.tx() as tx:
                dying = Dying(tx.conn, number)
                tx.conn = dying  # type: ignore[assignment]
                work(tx)
        except psycopg.Error as error:
            assert is_outage(error) and dying.left <= 0, error
            assert rows(books) == before
        else:
            return number - 1


def test_a_crash_between_any_two_statements_leaves_all_or_nothing_and_pays_once(books: Books) -> None:
    switched = on("2024-05-01", "provider_switch", provider="beta", approved=True)
    broken_off = on("2024-05-20", "broke_off")
    cases = [ami2(), ami2(switched), ami2(exited("2024-04-20"), broken_off)]
    books.hold_cases(*(replace(case, assignment=f"A-{n}") for n, case in enumerate(cases)))
    books.day("2024-07-01")

    def run(tx: Tx) -> None:
        turn(tx, [books.name])
        run_payments(tx, held.load_tenant(tx, books.name), d("2024-07-01"))

    def call(method: str, who: str, **fields: Any) -> Callable[[Tx], object]:
        return lambda tx: books.within(tx, method, who, **fields)

    statements = survive(books, run)
    posted = state(books)["entries"]
    assert posted and {row["provider"] for row in posted} == {"alfa", "beta"}
    steps = [run, call("propose_payments", "pia", run="2024-07-01")]
    for step in steps[1:]:
        statements += survive(books, step)
    payments = [row["payment"] for row in books.call("payments")["payments"]]
    assert len(payments) == 2
    for payment in payments:
        for method, who in (("check_payment", "cia"), ("attest_payment", "ann"), ("attest_payment", "bo")):
            steps.append(call(method, who, payment=payment))
            statements += survive(books, steps[-1])
    steps.append(call("release_payments", "ann", run="2024-07-01"))
    statements += survive(books, steps[-1])
    for payment in payments:
        due = books.payment(payment)["due"]
        answer = {"payment": payment, "voucher": f"V-{payment}", "amount": due, "outcome": "ACCEPTED"}
        steps.append(call("acknowledge_payment", "books", **answer))
        statements += survive(books, steps[-1])
    done = state(books)
    assert done["entries"] == posted
    assert [row["acts"][-1] for row in done["payments"]] == ["ACKNOWLEDGEDbooks"] * 2
    assert {key: value for key, (value, _) in done["balances"].items() if key.startswith(("payable", "released"))} == {
        "payable:alfa": "0.00", "payable:beta": "0.00", "released:alfa": "0.00", "released:beta": "0.00",
    }  # fmt: skip
    assert statements > 60
    # lost after the commit and before the answer: each of them is sent once more
    for step in steps:
        with books.pool.tx() as tx:
            step(tx)
    again = state(books)
    assert again | {"runs": []} == done | {"runs": []}


#: a process that releases a run and says so after each document, slowly
RELEASING = """
import sys, time
from kundval_billing.payments import issuing
from kundval_chassis.db import Pool
from tests.billing.books import RUN, Books

def issue(tx, tenant, payment, day):
    print(payment, flush=True)
    time.sleep(0.2)
    return [f"D-{payment}"]

issuing.needs_approval = lambda *_: False
issuing.problem = lambda *_: None
issuing.issue = issue
with Pool(sys.argv[1], name="child") as pool:
    Books.known(pool, sys.argv[2]).call("release_payments", run=RUN)
"""


def test_a_process_killed_in_the_middle_of_a_release_has_released_nothing(books: Books, database: str) -> None:
    books.post(*(posting(f"{n + 1}00.00", f"p{n}", f"A-{n}") for n in range(5)))
    made = books.ready()
    child = subprocess.Popen(
        [sys.executable, "-c", RELEASING, database, books.name], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout is not None
    begun = [int(child.stdout.readline()) for _ in range(3)]
    child.kill()
    child.wait(30)
    assert begun == made[:3]
    # who comes next waits at most until the server has noticed
    assert books.call("release_payments", run=RUN)["released"] == made
    assert len(books.told("billing.payment_released")) == 5
    assert [books.balances()[f"released:p{n}"][0] for n in range(5)] == [f"-{n + 1}00.00" for n in range(5)]


# --- at the same time --------------------------------------------------------------------------------------------


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What each of so many threads gets that begin at once; an error is what it raised."""
    gate = threading.Barrier(count)
    found: list[Any] = [None] * count

    def one(number: int) -> None:
        gate.wait(30)
        try:
            found[number] = work(number)
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_two_operators_and_six_workers_release_a_run_exactly_once(books: Books) -> None:
    books.post(*(posting(f"{n + 1}00.00", f"p{n}", f"A-{n}") for n in range(8)))
    proposed = together(WORKERS, lambda n: [row["payment"] for row in books.propose(who="pia")])
    made = sorted(payment for found in proposed for payment in found)
    assert len(made) == len(set(made)) == 8
    together(WORKERS, lambda n: books.call("check_payment", "cia", payment=made[0]))
    for payment in made[1:]:
        books.call("check_payment", "cia", payment=payment)
    for payment in made:
        together(
            WORKERS, lambda n, payment=payment: books.call("attest_payment", ("ann", "bo")[n % 2], payment=payment)
        )
    released = together(WORKERS, lambda n: books.call("release_payments", ("ann", "bo")[n % 2], run=RUN)["released"])
    assert sorted(payment for found in released for payment in found) == made
    acts = books.query(
        "SELECT payment, array_agg(act ORDER BY a.number) AS acts FROM payment_act a JOIN payment USING (payment)"
        " WHERE tenant = %s GROUP BY payment",
        books.name,
    )
    assert {tuple(row["acts"]) for row in acts} == {("PROPOSED", "CHECKED", "ATTESTED", "ATTESTED", "RELEASED")}
    assert len(books.told("billing.payment_released")) == 8
    balances = books.balances()
    assert {balances[f"payable:p{n}"][0] for n in range(8)} == {"0.00"}
    assert [balances[f"released:p{n}"][0] for n in range(8)] == [f"-{n + 1}00.00" for n in range(8)]


def test_without_any_lock_the_database_itself_lets_one_of_many_releases_through(books: Books) -> None:
    books.post(posting("8000.00"), posting("600.00", "beta", "A-2"))
    alfa, beta = books.ready()

    def release(number: int) -> bool:
        with books.pool.tx() as tx:
            (payment,) = store.payments(tx, books.name, ids=[alfa])
            store.add_act(tx, alfa, PaymentAct.RELEASED, caller(f"w{number}"), d(RUN))
            store.move(tx, payment, PaymentAct.RELEASED)
        return True

    found = together(WORKERS, release)
    assert found.count(True) == 1
    refused = [one for one in found if one is not True]
    assert all(isinstance(one, psycopg.errors.UniqueViolation | psycopg.errors.CheckViolation) for one in refused), (
        found
    )
    assert books.balances()["released:alfa"] == ("-8000.00", {"RELEASED": "-8000.00"})
    # and a hold that comes at the same time comes before the release or after it
    together(2, lambda n: books.call("hold", provider="beta", reason="OTHER") if n else
             books.call("release_payments", run=RUN))  # fmt: skip
    released = "RELEASED" in [row["act"] for row in books.payment(beta)["acts"]]
    assert books.state(beta) == ("RELEASED" if released else "HELD")


def test_a_voucher_that_is_named_for_two_payments_at_once_stands_for_one(books: Books) -> None:
    books.post(posting("8000.00"), posting("8000.00", "beta", "A-2"))
    made = books.ready()
    books.call("release_payments", run=RUN)
    answer = {"voucher": "V-1", "amount": "8000.00", "outcome": "ACCEPTED"}
    found = together(2, lambda n: books.call("acknowledge_payment", payment=made[n], **answer)["state"])
    assert sorted(getattr(one, "code", one) for one in found) == ["ACKNOWLEDGED", "VOUCHER_TAKEN"], found


# --- whoever asks ------------------------------------------------------------------------------------------------


def caller(who: str) -> Caller:
    return Caller(who, CallerRole.CONTROLLER, None, None)


def act(payment: str, kind: str, who: str, number: str = "count(*) + 1") -> str:
    return (
        "INSERT INTO payment_act (payment, number, act, who, role, on_day, reference)"
        f" SELECT {payment}, {number}, '{kind}', '{who}', 'CONTROLLER', '2024-06-01', 'x' FROM payment_act"
        f" WHERE payment = {payment}"
    )


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (act("{checked}", "ATTESTED", "ann"), "payment_attested_once_by_a_person"),
        (act("{checked}", "ATTESTED", "pia"), "neither checks nor attests"),
        (act("{proposed}", "CHECKED", "pia"), "neither checks nor attests"),
        (act("{proposed}", "ATTESTED", "ann"), "checked before it is attested"),
        (act("{attested}", "ATTESTED", "dan"), "two persons attest"),
        (act("{checked}", "ATTESTED", "kundval").replace("CONTROLLER", "SYSTEM"), "persons of the municipality attest"),
        (act("{checked}", "RELEASED", "ann"), "attested by two persons"),
        (act("{agreed}", "RELEASED", "ann"), "has not approved"),
        (act("{attested}", "APPROVED", "alfa"), "approves self-billing alone"),
        (act("{released}", "RELEASED", "ann"), "was released"),
        (act("{released}", "WITHDRAWN", "ann"), "was released"),
        (act("{proposed}", "ACKNOWLEDGED", "ann"), "released first"),
        (act("{released}", "RECONCILED", "ann"), "acknowledged before"),
        (act("{proposed}", "PROPOSED", "pia"), "proposed first, and once"),
        (act("{proposed}", "CHECKED", "cia", "7"), "numbered in order"),
        (act("{attested}", "RELEASED", "ann"), "moves its whole amount"),
        ("INSERT INTO payment_row VALUES ({attested}, 'RELEASED', 'payable:p3', 300)", "moves its whole amount"),
        ("INSERT INTO payment_row VALUES ({released}, 'ACKNOWLEDGED', 'released:p5', 500)", "moves its whole amount"),
        ("INSERT INTO payment_entry SELECT {attested}, entry, 2 FROM payment_entry WHERE payment = {released}",
         "its own provider"),
        ("INSERT INTO payment_entry SELECT {proposed}, entry, 2 FROM payment_entry WHERE payment = {proposed}",
         "payment_entry_payment_entry_key"),
        ("WITH made AS (INSERT INTO payment (tenant, run, provider, direction, number, preparer, amount, entries,"
         " self_billing, proposed_on) SELECT tenant, run, provider, direction, 9, preparer, amount, entries,"
         " self_billing, proposed_on FROM payment WHERE payment = {released} RETURNING payment)"
         " SELECT payment FROM made", "has its entries and was proposed"),
        ("UPDATE payment SET amount = 1", "append-only"),
        ("DELETE FROM payment_entry", "append-only"),
        ("UPDATE payment_act SET who = 'x' WHERE false", "append-only"),
        ("TRUNCATE payment_row", "append-only"),
        ("DELETE FROM hold", "append-only"),
        ("UPDATE hold_end SET note = ''", "append-only"),
        ("DELETE FROM period_close", "append-only"),
        ("DELETE FROM payment_reference", "append-only"),
    ],
)  # fmt: skip
def test_the_database_refuses_what_must_never_happen(
    stands: dict[str, int], pool: Pool, statement: str, error: str
) -> None:
    with pytest.raises(psycopg.Error, match=error), pool.tx() as tx:
        tx.execute(statement.format(**stands))


@pytest.fixture(scope="module")
def stands(pool: Pool) -> Iterator[dict[str, int]]:
    """A payment of each kind of standing; nobody can change them, so all tests share them."""
    with pytest.MonkeyPatch.context() as patch:
        Papers(agreed={"p4"}).use(patch)
        books = Books(pool)
        books.post(*(posting(f"{n}00.00", f"p{n}", f"A-{n}") for n in range(1, 6)))
        names = ("proposed", "checked", "attested", "agreed", "released")
        found = dict(zip(names, (row["payment"] for row in books.propose()), strict=True))
        books.attested(found["checked"], "ann")
        for name in ("attested", "agreed", "released"):
            books.attested(found[name])
        books.call("release_payments", payment=found["released"])
        yield found


def test_an_entry_of_a_payment_that_stands_is_on_no_other(stands: dict[str, int], pool: Pool) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation, match="one payment at a time"), pool.tx() as tx:
        made = tx.value(
            "INSERT INTO payment (tenant, run, provider, direction, number, preparer, amount, entries, self_billing,"
            " proposed_on) SELECT tenant, run, provider, direction, 9, preparer, amount, entries, self_billing,"
            " proposed_on FROM payment WHERE payment = %s RETURNING payment",
            (stands["released"],),
        )
        tx.execute(
            "INSERT INTO payment_entry SELECT %s, entry, 2 FROM payment_entry WHERE payment = %s",
            (made, stands["released"]),
        )


#: refusals that the database knows too; of the others the worst that can come is a row too many in the log
GUARDED = {
    "ALREADY_PROPOSED", "WITHDRAWN", "ALREADY_RELEASED", "HELD", "PARKED", "PREPARER", "ALREADY_CHECKED",
    "NOT_CHECKED", "SAME_PERSON", "ALREADY_ATTESTED", "APPROVAL_NOT_AGREED", "NOT_ATTESTED", "DISPUTED",
    "NOT_APPROVED", "NOT_RELEASED", "NOT_ACKNOWLEDGED", "ALREADY_RECONCILED", "ALREADY_ACKNOWLEDGED",
}  # fmt: skip
SOME_ACT = st.builds(
    Act,
    st.sampled_from([one for one in PaymentAct if one is not PaymentAct.PROPOSED] + [PaymentAct.ATTESTED] * 8
                    + [PaymentAct.CHECKED, PaymentAct.APPROVED, PaymentAct.RELEASED, PaymentAct.ACKNOWLEDGED] * 3),
    st.sampled_from(["pia", "cia", "ann", "bo"]),
    st.just("7"),
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.booleans(), st.lists(SOME_ACT, min_size=8, max_size=30))
def test_the_database_and_the_fold_say_the_same_of_any_acts_by_anybody(
    stands: dict[str, int], pool: Pool, self_billing: bool, acts: list[Act]
) -> None:
    with pytest.raises(Dropped), pool.tx() as tx:
        tenant = tx.value("SELECT tenant FROM payment WHERE payment = %s", (stands["proposed"],))
        payment = tx.value(
            "INSERT INTO payment (tenant, run, provider, direction, number, preparer, amount, entries, self_billing,"
            " proposed_on) VALUES (%s, %s, 'p9', %s, 1, 'pia', 1, 1, %s, %s) RETURNING payment",
            (tenant, d(RUN), Direction.PAYABLE, self_billing, d(RUN)),
        )
        store.add_act(tx, payment, PaymentAct.PROPOSED, caller("pia"), d(RUN))
        standing = Standing("pia", self_billing)
        for one in acts:
            refusal = standing.refusal(one)
            try:
                with tx.attempt():
                    store.add_act(tx, payment, one.act, caller(one.who), d(RUN), reference=one.reference)
                    if refusal is not None and refusal.code not in GUARDED:
                        raise Dropped
            except (psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation):
                assert refusal is not None, (standing, one)
            except Dropped:
                pass
            else:
                assert refusal is None, (standing, one, refusal)
                standing = standing.after(one)
        raise Dropped


class Dropped(Exception):
    """Of this transaction nothing is to stay."""
