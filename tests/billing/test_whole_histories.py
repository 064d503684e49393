"""A whole municipality over two years: late facts, switches, withdrawals, new tariffs, runs on random days, persons who
do anything in any order, and a connection that is lost before any statement. Whatever happens, the ledger balances, is
what a fresh computation makes it, pays nothing twice, and every balance is explained.

KUNDVAL_HISTORY_ASSIGNMENTS=3000 plays a town of that size instead (minutes); `-s` shows what was done in it.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from kundval_billing import store
from kundval_billing.domain import settle
from kundval_chassis import migrate
from kundval_chassis.db import Pool
from kundval_chassis.simulate import outcomes
from kundval_contracts.answer import Posting, recompute
from kundval_contracts.codes import DocumentKind, LineStatus
from kundval_contracts.envelope import Event
from tests.acceptance.histories import LAST, PROGRAMMES

from .municipality import Fresh, Municipality, Office, Told, municipality

ASSIGNMENTS = int(os.environ.get("KUNDVAL_HISTORY_ASSIGNMENTS", "48"))
#: days between two runs on which persons act, and how often on each
DAYS, ACTS = 2, 11
CREDITS = [kind.value for kind in DocumentKind if kind.is_credit]


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database, name="test") as made:
        yield made


@dataclass
class Played:
    """A municipality that was played to its last day."""

    whole: Municipality
    told: Told
    fresh: Fresh
    office: Office


def play(whole: Municipality, office: Office, acts: int) -> Played:
    """Day by day: what becomes known is told, persons act so often on each of some random days, and runs are made; all
    is held against a fresh computation after each run, and what is paid against the ledger after what persons did.
    """
    told, fresh, dice = Told(whole, office.tenant), Fresh(), office.dice
    runs = whole.caseload.runs
    between = set(dice.sample(told.days, DAYS * len(runs)))
    waiting: list[Event] = []
    for day in sorted({*told.days, *runs, *between}):
        waiting += told.learn(day)
        if day not in runs and day not in between:
            continue
        office.take(waiting)
        waiting = []
        if day in runs:
            office.parties()
            office.run(day)
            fresh.run(told, day)
            hold_ledger_against(office, fresh, told)
        elif office.runs:
            office.acts(acts, sorted(told.cases))
            hold_payments_against(office)
            if dice.random() < 0.1:
                office.finish()
                office.call("close_period", "ann", month=f"{office.runs[-2 % len(office.runs)]:%Y-%m}")
    office.finish()
    hold_ledger_against(office, fresh, told)
    hold_payments_against(office)
    return Played(whole, told, fresh, office)


# --- what holds at any time ------------------------------------------------------------------------------------


def ledger(pool: Pool, tenant: str, names: list[str]) -> dict[str, list[Posting]]:
    with pool.tx(readonly=True) as tx:
        return store.postings_of(tx, tenant, names)


def short(posting: Posting) -> tuple[Any, ...]:
    return (posting.run, *posting.key, posting.amount, posting.reverses)


def net(postings: list[Posting]) -> dict[Any, Decimal]:
    """What is posted of each line, where it is not nothing."""
    found: Counter[Any] = Counter()
    for one in postings:
        found[one.key] += one.amount
    return {key: amount for key, amount in found.items() if amount}


def hold_ledger_against(office: Office, fresh: Fresh, told: Told) -> None:
    """The ledger is what the pure core makes of the facts known on the days of the runs; it comes to what is due by the
    last one, and every amount follows from its steps.
    """
    posted = ledger(office.pool, office.tenant, list(told.cases))
    last, terms = office.runs[-1], replace(told.terms, business_date=office.runs[-1])
    for name in told.cases:
        assert list(map(short, posted[name])) == list(map(short, fresh.posted[name])), name
        if name in fresh.due:
            due = [line for line in fresh.due[name] if line.status is LineStatus.PAYABLE and line.amount]
            assert net(posted[name]) == {line.key: line.amount for line in due}, name
            assert settle(posted[name], fresh.due[name], last, terms) == (), name
        for one in posted[name]:
            assert recompute(one.steps) == one.amount, one


def hold_payments_against(office: Office) -> None:
    """Every entry and every stage of a payment balances, all balances are explained, nothing goes out twice or while it
    is held, and what goes out is the sum of its entries and of its documents.
    """
    query, name = office.books.query, office.tenant
    unbalanced = query(
        "SELECT entry FROM entry JOIN entry_row r USING (entry) WHERE tenant = %s GROUP BY entry, entry.amount"
        " HAVING sum(r.amount) <> 0 OR count(*) <> 2 OR max(abs(r.amount)) <> abs(entry.amount)", name,
    ) + query(
        "SELECT payment FROM payment p JOIN payment_row r USING (payment) WHERE tenant = %s"
        " GROUP BY payment, stage, p.amount HAVING sum(r.amount) <> 0 OR max(abs(r.amount)) <> abs(p.amount)", name,
    )  # fmt: skip
    assert unbalanced == []
    balances = office.books.balances()
    assert sum((Decimal(balance) for balance, _ in balances.values()), Decimal(0)) == 0
    twice = query(
        "SELECT entry FROM payment_entry JOIN payment p USING (payment) WHERE tenant = %s AND NOT EXISTS (SELECT 1 FROM"
        " payment_act a WHERE a.payment = p.payment AND act = 'WITHDRAWN') GROUP BY entry HAVING count(*) > 1", name,
    )  # fmt: skip
    assert twice == []
    rows = query(
        "SELECT payment, provider, direction, amount, (SELECT count(*) FROM payment_act a WHERE a.payment = p.payment"
        " AND act = 'RELEASED') AS released, (SELECT sum(e.amount) FROM payment_entry JOIN entry e USING (entry)"
        " WHERE payment = p.payment) AS entries, (SELECT coalesce(sum(CASE WHEN kind = ANY(%s) THEN -net ELSE net END),"
        " 0) FROM document d WHERE d.payment = p.payment) AS documents, (SELECT count(*) FROM payment_entry pe"
        " LEFT JOIN document_entry de USING (entry) LEFT JOIN document d USING (tenant, number)"
        " WHERE pe.payment = p.payment AND d.payment IS DISTINCT FROM p.payment) AS unwritten"
        " FROM payment p WHERE tenant = %s", CREDITS, name,
    )  # fmt: skip
    for row in rows:
        assert row["entries"] == row["amount"], row
        assert row["released"] <= 1
        written = (row["amount"], 0) if row["released"] else (0, row["unwritten"])
        assert (row["documents"], row["unwritten"]) == written, row
        assert not row["released"] or (row["provider"], row["direction"]) != ("gamma", "PAYABLE")
    held_back = query(
        "SELECT p.payment, h.hold FROM payment p JOIN payment_act a USING (payment) JOIN payment_entry USING (payment)"
        " JOIN entry e USING (entry) JOIN hold h ON h.tenant = p.tenant AND hold_covers(h, e)"
        " LEFT JOIN hold_end x USING (hold) WHERE p.tenant = %s AND a.act = 'RELEASED'"
        " AND h.recorded_at < a.recorded_at AND coalesce(x.recorded_at, 'infinity') > a.recorded_at", name,
    )  # fmt: skip
    assert held_back == [], "what is held is not released"
    released = sorted(row["payment"] for row in rows if row["released"])
    assert sorted(one["payment"] for one in office.books.told("billing.payment_released")) == released
    series = query(
        "SELECT split_part(number, '-', 1) || split_part(number, '-', 2) AS series, count(*),"
        " max(split_part(number, '-', 3)::int) AS last FROM document WHERE tenant = %s GROUP BY 1", name,
    )  # fmt: skip
    assert all(row["count"] == row["last"] for row in series), series


# --- the histories ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corrected(pool: Pool) -> Played:
    """With facts that are withdrawn and tariffs that become known after their day."""
    began = time.monotonic()
    whole = municipality(11, ASSIGNMENTS, corrected=True)
    played = play(whole, Office(pool, "corrected", Random("corrected")), ACTS)
    show(played, time.monotonic() - began)
    return played


@pytest.fixture(scope="module")
def plain(pool: Pool) -> Played:
    """Nothing is withdrawn, and tariffs are known on their day: as in a caseload."""
    whole = municipality(12, ASSIGNMENTS // 4, corrected=False)
    return play(whole, Office(pool, "plain", Random("plain"), lost=0.1), acts=1)


def show(played: Played, seconds: float) -> None:
    office, postings = played.office, [one for of in played.fresh.posted.values() for one in of]
    print(
        f"\n{len(played.told.cases)} assignments, {played.whole.facts} facts, {len(played.told.events)} events,"
        f" {len(office.runs)} runs, {len(postings)} postings ({sum(one.reverses is not None for one in postings)} taken"
        f" back), {office.done.total()} acts, {office.refused.total()} refused, {office.crashes} crashes,"
        f" {seconds:.1f} s\n{dict(office.done)}\n{dict(office.refused)}"
    )


def test_a_history_with_everything_that_goes_wrong_is_paid_right(corrected: Played) -> None:
    office, told = corrected.office, corrected.told
    assert office.crashes > 200
    done = {"facts", "run", "propose_payments", "check_payment", "attest_payment", "approve_payment",
            "dispute_payment", "withdraw_payment", "release_payments", "acknowledge_payment", "reconcile", "hold",
            "release_hold", "close_period"}  # fmt: skip
    assert done == set(office.done)
    assert {case.programme.value for case in told.cases.values()} == set(PROGRAMMES)
    assert sum(one.name == "assignment.fact_withdrawn" for one in told.events) > ASSIGNMENTS / 20
    (acts,) = office.books.query(
        "SELECT count(*) FILTER (WHERE act = 'HELD') AS held, count(*) FILTER (WHERE act = 'PARKED') AS parked"
        " FROM payment_act JOIN payment USING (payment) WHERE tenant = %s", office.tenant,
    )  # fmt: skip
    assert acts["held"] and acts["parked"]
    taken_back = [one for of in corrected.fresh.posted.values() for one in of if one.reverses is not None]
    assert len(taken_back) > ASSIGNMENTS / 5
    payments = office.books.call("payments", limit=1000)["payments"]
    assert {row["state"] for row in payments} >= {"RECONCILED", "WITHDRAWN", "PARKED"}
    assert {row["direction"] for row in payments if row["state"] == "RECONCILED"} == {"PAYABLE", "RECEIVABLE"}
    assert {row["provider"] for row in payments if row["state"] == "PARKED"} == {"gamma"}


def test_every_balance_of_every_day_is_explained(corrected: Played) -> None:
    for run in corrected.office.runs:
        found = corrected.office.books.balances(on=run.isoformat())
        assert found and sum(Decimal(balance) for balance, _ in found.values()) == 0


def test_told_at_once_and_in_any_order_one_run_comes_to_the_same(corrected: Played, pool: Pool) -> None:
    name = "at-once"
    events = [
        replace(one, tenant=name, subject=name if one.subject == one.tenant else one.subject)
        for one in corrected.told.events * 2
    ]
    Random("order").shuffle(events)
    office = Office(pool, name, Random("at once"), lost=0.2)
    for start in range(0, len(events), 500):
        office.take(events[start : start + 500])
    office.run(LAST)
    names = list(corrected.told.cases)
    ours, theirs = (ledger(pool, tenant, names) for tenant in ("corrected", name))
    assert {key: net(of) for key, of in ours.items()} == {key: net(of) for key, of in theirs.items()}
    assert not any(one.reverses for of in theirs.values() for one in of)


def test_without_withdrawals_a_simulation_posts_the_same(plain: Played, pool: Pool) -> None:
    posted = ledger(pool, "plain", list(plain.told.cases))
    simulated = {one.assignment: one.postings for one in outcomes(plain.whole.caseload)}
    assert {name: list(map(short, of)) for name, of in posted.items()} == {
        name: list(map(short, of)) for name, of in simulated.items()
    }
    assert sum(map(len, posted.values())) > ASSIGNMENTS
