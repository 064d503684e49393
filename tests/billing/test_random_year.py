"""A year of a municipality with everything that goes wrong in one: each month it adds up to the öre."""

from __future__ import annotations

import csv
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import StringIO
from random import Random
from typing import Any

import pytest

from kundval_billing.documents import statements
from kundval_chassis import agenda, held, migrate
from kundval_chassis.db import Pool
from kundval_contracts.calendar import add_months
from kundval_contracts.case import Case
from kundval_contracts.errors import Conflict

from . import lives
from .books import Books, Row
from .builders import case, start
from .papers import COMPANY, EMPLOYMENT_SERVICE, MUNICIPALITY

D = Decimal
FIRST, MONTHS = date(2024, 6, 1), 14
SINCE = "2024-01-01"
PLAN = {
    "accounts": [
        {"ledger": "cost:*:*", "account": "4600", "name": "Köp av insatser"},
        {"ledger": "payable:*", "account": "2440", "name": "Leverantörsskulder"},
        {"ledger": "revenue:*:*", "account": "3600", "name": "Försäljning"},
        {"ledger": "receivable:*", "account": "1510", "name": "Kundfordringar"},
        {"ledger": "vat:IN", "account": "1640", "name": "Ingående moms"},
        {"ledger": "vat:OUT", "account": "2611", "name": "Utgående moms"},
    ],
    "dimensions": [],
}


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database, name="test") as made:
        yield made


def party(number: str, name: str, **more: Any) -> Row:
    given = {"name": name, "organisation_number": number, "street": "Storgatan 1", "postal_code": "131 81"}
    given |= {"city": "Nacka", "payment_terms_days": 30, "vat_number": f"SE{number}01", "bankgiro": "9912346"}
    return {**given, **more}


def som(name: str, random: Random) -> Case:
    """Somebody whom the municipality's own unit supports for the employment service."""
    began = date(2024, random.randrange(3, 12), random.randrange(1, 28)).isoformat()
    return replace(case(f"SOM_{random.randrange(1, 3)}", *start(began, began)), assignment=name)


class Year:
    """The books of the municipality and what is done with them."""

    def __init__(self, pool: Pool, seed: int):
        self.random = Random(seed)
        self.books = Books(pool, FIRST.isoformat())
        self.seen: Counter[str] = Counter()
        self.closing: dict[str, D] = {}
        set_payer = ("set_payer", "ann", "CONTROLLER")
        vat = {"PRIVATE": {"treatment": "STANDARD_25"}}
        self.books.call(*set_payer, role="MUNICIPALITY", valid_from=SINCE, party=party(MUNICIPALITY, "Nacka kommun"),
                        vat_by_ownership=vat)  # fmt: skip
        customer = party(EMPLOYMENT_SERVICE, "Arbetsförmedlingen", vat={"treatment": "STANDARD_25"})
        self.books.call(*set_payer, role="CUSTOMER", valid_from=SINCE, party=customer)
        self.payee("alfa", self_billing={"from": SINCE, "reference": "SB-1"})
        self.payee("beta", vat={"treatment": "EXEMPT", "reason": "Utbildning"})
        self.books.call("set_accounting", valid_from=SINCE, plan=PLAN)
        made = [*lives.lives(60, seed, 400), *(som(f"S-{one}", self.random) for one in range(8))]
        self.random.shuffle(made)
        # a part of the cases is heard of later
        self.waiting = made[40:]
        self.books.hold_cases(*made[:40])

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def payee(self, provider: str, vat: Row | None = None, **more: Any) -> None:
        terms = self.random.choice([10, 20, 30])
        payee = party(COMPANY, f"{provider} & Co <AB> \\", vat=vat, payment_terms_days=terms)
        self.books.call("set_payee", provider=provider, valid_from=SINCE, party=payee, **more)

    def month(self, day: date) -> None:
        run = day.isoformat()
        self.books.day(run)
        self.facts()
        self.books.run(run)
        self.holds()
        if day == add_months(FIRST, 3):
            # gamma was parked until now
            self.payee("gamma", vat={"treatment": "OUTSIDE_SCOPE"})
        self.books.propose(run)
        if self.chance(0.3):
            self.holds()
        for row in self.payments():
            self.take_on(row)
        released = self.books.call("release_payments", run=run)
        for row in self.payments():
            if row["state"] in ("ATTESTED", "APPROVED"):
                released["released"] += self.books.call("release_payments", payment=row["payment"])["released"]
        self.seen["released"] += len(released["released"])
        self.answer()
        self.journal(run)
        self.check(day)

    def payments(self) -> list[Row]:
        return list(self.books.call("payments", limit=2000)["payments"])

    def facts(self) -> None:
        """Cases of which is heard late, facts that are withdrawn, and some that come back."""
        heard, self.waiting = self.waiting[:3], self.waiting[3:]
        self.books.hold_cases(*heard)
        with self.books.pool.tx() as tx:
            for row in tx.query(
                "SELECT assignment, fact_id, in_effect FROM held_fact WHERE tenant = %s AND kind IN ('exited',"
                " 'premium_follow_up', 'provider_switch', 'bonus_claimed', 'started') ORDER BY assignment, fact_id",
                (self.books.name,),
            ):
                if self.chance(0.01 if row["in_effect"] else 0.2):
                    tx.execute(
                        "UPDATE held_fact SET in_effect = NOT in_effect WHERE tenant = %s AND assignment = %s"
                        " AND fact_id = %s",
                        (self.books.name, row["assignment"], row["fact_id"]),
                    )
                    agenda.wake(tx, [(self.books.name, row["assignment"])])

    def holds(self) -> None:
        for row in self.books.call("holds", limit=2000)["holds"]:
            if row["ended_on"] is None and self.chance(0.5):
                self.books.call("release_hold", hold=row["hold"])
        rows = self.books.query("SELECT assignment FROM entry WHERE tenant = %s ORDER BY entry DESC", self.books.name)
        if rows and self.chance(0.5):
            what = self.random.choice(rows)["assignment"]
            self.books.call("hold", assignment=what, reason="FACTS_IN_DOUBT")
        if self.chance(0.1):
            self.books.call("hold", provider=self.random.choice(lives.PROVIDERS), reason="OTHER")

    def take_on(self, row: Row) -> None:
        payment, state = row["payment"], row["state"]
        self.seen[state] += 1
        if state == "PARKED" and row["problem"] == "TERMS_CHANGED":
            self.books.call("withdraw_payment", payment=payment, reason="the terms are others")
        elif state in ("PROPOSED", "CHECKED") and self.chance(0.9):
            if self.chance(0.08):
                self.books.call("withdraw_payment", payment=payment)
                return
            self.books.attested(payment)
            if self.chance(0.1):
                self.payee("beta", vat={"treatment": "EXEMPT", "reason": "Utbildning"})
            if row["self_billing"]:
                act = "approve_payment" if self.chance(0.8) else "dispute_payment"
                self.books.call(act, "alfa", "PROVIDER", payment=payment)
        elif state == "DISPUTED":
            self.books.call("approve_payment", "alfa", "PROVIDER", payment=payment)

    def answer(self) -> None:
        """The accounting system takes most of it; then both are held against each other."""
        rows = []
        for row in self.payments():
            payment = self.books.payment(row["payment"])
            known = {"payment": row["payment"], "voucher": f"V-{row['payment']}", "amount": payment["due"]}
            if row["state"] in ("RELEASED", "REJECTED"):
                with pytest.raises(Conflict, match="not what was released"):
                    wrong = str(D(payment["due"]) + D("0.01"))
                    self.books.call("acknowledge_payment", **{**known, "amount": wrong}, outcome="ACCEPTED")
                self.books.call("acknowledge_payment", **known, outcome=self.random.choice(["ACCEPTED", "REJECTED"]))
            if payment["documents"]:
                rows.append({"voucher": known["voucher"], "amount": known["amount"]})
        found = self.books.call("reconcile", rows=rows)
        assert found["different"] == []
        assert [row["document"] for row in found["not_ours"]] == [None] * len(found["not_ours"])

    def journal(self, run: str) -> None:
        try:
            self.books.call("make_journal", **{"from": run, "to": add_months(date.fromisoformat(run), 1).isoformat()})
        except Conflict as error:
            assert error.code == "NOTHING_TO_JOURNAL"

    # --- what must be true ---------------------------------------------------------------------------------------

    def check(self, day: date) -> None:
        balances = self.books.balances()
        assert sum((D(balance) for balance, _ in balances.values()), D(0)) == 0
        self.check_documents()
        self.check_journals(balances)
        self.check_statements(day, balances)

    def check_documents(self) -> None:
        documents = self.books.query("SELECT * FROM document WHERE tenant = %s ORDER BY number", self.books.name)
        lines = self.books.query(
            "SELECT x.number, e.* FROM document_entry x JOIN entry e USING (entry) WHERE x.tenant = %s", self.books.name
        )
        of: defaultdict[str, list[Row]] = defaultdict(list)
        for row in lines:
            of[row["number"]].append(row)
        where = {row["entry"]: row["number"] for row in lines}
        # each series is without gaps, each document holds its entries to the öre
        for series, numbers in _series(row["number"] for row in documents).items():
            assert numbers == list(range(1, len(numbers) + 1)), series
        sums: defaultdict[int, D] = defaultdict(D)
        due: defaultdict[int, D] = defaultdict(D)
        for row in documents:
            sign = -1 if row["kind"].endswith("CREDIT_NOTE") else 1
            assert sign * row["net"] == sum(one["amount"] for one in of[row["number"]])
            sums[row["payment"]] += sign * row["net"]
            due[row["payment"]] += sign * row["gross"]
            reference = row["content"]["reference"]
            if reference is not None:
                self.seen["credited"] += 1
                for one in of[row["number"]]:
                    assert where[self.original(one)] == reference["number"]
        # what was released has its documents, and nothing else has
        paid = {}
        for row in self.payments():
            if row["state"] in ("RELEASED", "REJECTED", "ACKNOWLEDGED", "RECONCILED"):
                paid[row["payment"]] = D(row["amount"])
                assert D(self.books.payment(row["payment"])["due"]) == due[row["payment"]]
        assert paid == sums

    def original(self, entry: Row) -> int:
        found = self.books.query(
            "SELECT entry FROM entry WHERE tenant = %s AND assignment = %s AND provider = %s AND kind = %s"
            " AND sequence = %s AND revision = %s",
            self.books.name, *(entry[name] for name in ("assignment", "provider", "kind", "sequence")),
            entry["revision"] - 1,
        )  # fmt: skip
        return int(found[0]["entry"])

    def check_journals(self, balances: dict[str, tuple[str, dict[str, str]]]) -> None:
        totals: defaultdict[str, D] = defaultdict(D)
        vouchers: list[int] = []
        for head in self.books.call("journals")["journals"]:
            answer = self.books.call("journal", journal=head["journal"], form="CSV")
            rows = list(csv.DictReader(StringIO(b64decode(answer["content"]).decode("utf-8-sig"))))
            assert sum(D(row["amount"]) for row in rows) == 0
            assert sum(D(row["amount"]) for row in rows if D(row["amount"]) > 0) == D(head["debit"])
            for row in rows:
                totals[row["account"]] += D(row["amount"])
            vouchers += sorted({int(row["voucher"]) for row in rows})
            sie = b64decode(self.books.call("journal", journal=head["journal"], form="SIE")["content"]).decode("cp437")
            amounts = [D(line.rsplit(" ", 1)[1]) for line in sie.splitlines() if line.startswith("   #TRANS")]
            assert sum(amounts) == 0
        assert vouchers == list(range(1, len(vouchers) + 1))
        gone = defaultdict(D, {
            row["direction"]: row["amount"]
            for row in self.books.query(
                "SELECT direction, sum(amount) AS amount FROM document_entry JOIN entry USING (entry)"
                " WHERE entry.tenant = %s GROUP BY 1", self.books.name)
        })  # fmt: skip
        assert totals["4600"] == gone["PAYABLE"]
        assert totals["3600"] == -gone["RECEIVABLE"]

    def check_statements(self, day: date, balances: dict[str, tuple[str, dict[str, str]]]) -> None:
        with self.books.pool.tx(readonly=True) as tx:
            tenant = held.load_tenant(tx, self.books.name)
            for provider in lives.PROVIDERS:
                period = {"run": None, "from": day, "to": add_months(day, 1)}
                found, _ = statements.load(tx, tenant, provider, period)
                assert found.opening == self.closing.get(provider, D(0))
                self.closing[provider] = found.closing
                payable = D(balances.get(f"payable:{provider}", ("0", {}))[0])
                assert found.closing == -payable
                self.seen["statements"] += 1


def _series(numbers: Any) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number in numbers:
        series, _, last = number.rpartition("-")
        found[series].append(int(last))
    return found


@pytest.mark.bench
@pytest.mark.parametrize("seed", [1])
def test_a_year_adds_up_each_month(pool: Pool, seed: int) -> None:
    year = Year(pool, seed)
    for number in range(MONTHS):
        year.month(add_months(FIRST, number))
    seen = year.seen
    assert seen["released"] > 20 and seen["credited"] > 5
    assert {"PARKED", "HELD", "DISPUTED"} <= set(seen), seen
