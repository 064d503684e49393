"""Billing's books on a real database without a broker: a municipality with entries, callers, and documents that are
pretended, so that payments can be tried without saying who everybody is.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from kundval_billing import payments, store
from kundval_billing.payments import issuing
from kundval_billing.service import BillingService
from kundval_chassis import agenda, held
from kundval_chassis.db import Pool, Tx
from kundval_chassis.rpc import checked
from kundval_chassis.tokens import Caller
from kundval_contracts.answer import Posting, Step
from kundval_contracts.case import Case, Provider, Tenant
from kundval_contracts.codes import Direction, LineKind, Ownership, Programme
from kundval_contracts.events import fact_event
from kundval_contracts.inputs import PROVIDER
from kundval_contracts.rpc import METHODS, CallerRole

from .builders import d

Row = dict[str, Any]
RUN = "2024-06-01"
#: fields of an event about a fact that are columns of their own where it is held
_HEAD = ("assignment", "fact_id", "ordinal", "on", "known_on", "revision")


@dataclass
class Papers:
    """Documents that are pretended: of whom none can be issued and why, with whom self-billing is agreed."""

    problems: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    agreed: set[str] = field(default_factory=set)

    def needs_approval(self, tx: Tx, tenant: str, provider: str, direction: Direction, day: date) -> bool:
        return direction is Direction.PAYABLE and provider in self.agreed

    def problem(self, tx: Tx, tenant: Tenant, provider: str, direction: Direction, day: date) -> str | None:
        return self.problems.get(provider)

    def issue(self, tx: Tx, tenant: Tenant, payment: int, day: date) -> list[str]:
        provider = tx.value("SELECT provider FROM payment WHERE payment = %s", (payment,))
        if provider in self.refused:
            raise issuing.NotIssued(self.refused[provider])
        return [f"D-{payment}"]

    def use(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("needs_approval", "problem", "issue"):
            patch.setattr(issuing, name, getattr(self, name))


def posting(
    amount: str,
    provider: str = "alfa",
    assignment: str = "A-1",
    sequence: int = 1,
    run: str = RUN,
    reverses: str | None = None,
) -> Posting:
    start, end = date(2024, sequence, 1), date(2024, sequence + 1, 1)
    took = d(reverses) if reverses else None
    steps = (Step("monthly fee", Decimal(amount)),)
    return Posting(
        d(run), assignment, provider, LineKind.MONTHLY_FEE, sequence, Decimal(amount), took, ("AMI-10.1-a",), "Fee.",
        steps, start=start, end=end,
    )  # fmt: skip


class Books:
    """The books of a municipality of its own."""

    def __init__(self, pool: Pool, day: str = RUN):
        self.pool = pool
        self.name = f"t-{secrets.token_hex(6)}"
        everything = dict.fromkeys(Programme, date(2024, 1, 1))
        providers = [PROVIDER.dump(Provider(name, Ownership.PRIVATE, everything)) for name in ("alfa", "beta", "gamma")]
        fees = {"AMI1_MONTHLY_FEE": "6000", "AMI2_MONTHLY_FEE": "8000"}
        with pool.tx() as tx:
            tx.insert_rows(
                "tenant",
                ("tenant", "municipality", "settings", "tariffs", "providers", "business_date", "sequence"),
                [(self.name, "nacka", fees, [], providers, d(day), 0)],
            )

    @classmethod
    def known(cls, pool: Pool, name: str) -> Books:
        """The books of a municipality that is there already."""
        made = cls.__new__(cls)
        made.pool, made.name = pool, name
        return made

    def day(self, day: str) -> None:
        with self.pool.tx() as tx:
            tx.execute("UPDATE tenant SET business_date = %s WHERE tenant = %s", (day, self.name))

    def post(self, *postings: Posting, programme: Programme = Programme.AMI_2) -> list[int]:
        """Post these by a run of their day, which becomes the business date."""
        with self.pool.tx() as tx:
            known = store.postings_of(tx, self.name, sorted({one.assignment for one in postings}))
            posted = [one.key for found in known.values() for one in found]
            rows = []
            for one in postings:
                posted.append(one.key)
                rows.append((one, programme, posted.count(one.key)))
            entries = store.add_entries(tx, self.name, rows)
            total = sum((one.amount for one in postings), Decimal(0))
            store.add_run(tx, self.name, postings[0].run, len(postings), total)
            tx.execute(
                "UPDATE tenant SET business_date = greatest(business_date, %s) WHERE tenant = %s",
                (postings[0].run, self.name),
            )
        return entries

    def hold_cases(self, *cases: Case) -> None:
        """What the events about these cases would have brought; all of them are to be looked at."""
        with self.pool.tx() as tx:
            tx.insert_rows(
                "held_case",
                ("tenant", "assignment", "programme", "plan", "sequence"),
                [(self.name, one.assignment, one.programme.value, {}, 1) for one in cases],
            )
            tx.insert_rows(
                "held_fact",
                ("tenant", "assignment", "fact_id", "revision", "in_effect", "kind", "place", "on_day", "known_on",
                 "data"),
                [
                    (self.name, one.assignment, str(fact.place), 1, True, fact.kind.value, fact.place, fact.on,
                     fact.known_on, _own(fact))
                    for one in cases
                    for fact in one.facts
                ],
            )  # fmt: skip
            agenda.wake(tx, [(self.name, one.assignment) for one in cases])

    def run(self, day: str) -> payments.Run:
        with self.pool.tx() as tx:
            payments.turn(tx, [self.name])
            return payments.run_payments(tx, held.load_tenant(tx, self.name), d(day))

    def call(self, method: str, who: str = "ann", role: str = "CONTROLLER", /, **fields: Any) -> Row:
        """A method of billing as the service carries it out: role, request and answer are held against the contract."""
        with self.pool.tx(readonly=METHODS[f"billing.{method}"].kind == "query") as tx:
            return self.within(tx, method, who, role, **fields)

    def within(self, tx: Tx, method: str, who: str = "ann", role: str = "CONTROLLER", /, **fields: Any) -> Row:
        """The same in a transaction of the caller's."""
        known = METHODS[f"billing.{method}"]
        organisation = who if role == "PROVIDER" else None
        caller = Caller(who, CallerRole(role), organisation, "test", self.name)
        request = known.load({"tenant": self.name, **fields})
        caller.check_role(known)
        caller.check_request(request)
        carry_out = getattr(BillingService, method).__wrapped__
        return dict(checked(known, carry_out(None, tx, request, caller), caller))

    def propose(self, run: str = RUN, who: str = "pia") -> list[Row]:
        return list(self.call("propose_payments", who, run=run)["payments"])

    def attested(self, payment: int, *attesters: str) -> None:
        """Check and attest a payment."""
        self.call("check_payment", "cia", payment=payment)
        for who in attesters or ("ann", "bo"):
            self.call("attest_payment", who, payment=payment)

    def ready(self, run: str = RUN) -> list[int]:
        """Propose, check and attest all of a run; the payments."""
        made = [row["payment"] for row in self.propose(run)]
        for payment in made:
            self.attested(payment)
        return made

    def payment(self, payment: int, **fields: Any) -> Row:
        return self.call("payment", payment=payment, **fields)

    def state(self, payment: int) -> str:
        return str(self.payment(payment)["state"])

    def balances(self, **fields: Any) -> dict[str, tuple[str, dict[str, str]]]:
        """Account -> (balance, part -> amount); all of it is explained."""
        found = {}
        for row in self.call("balances", **fields)["balances"]:
            parts = {part["part"]: part["amount"] for part in row["parts"]}
            assert "UNEXPLAINED" not in parts
            assert sum(map(Decimal, parts.values())) == Decimal(row["balance"])
            found[row["account"]] = (row["balance"], parts)
        return found

    def told(self, name: str) -> list[Row]:
        """What was published under that name, in order."""
        with self.pool.tx(readonly=True) as tx:
            rows = tx.query(
                "SELECT data FROM event WHERE tenant = %s AND name = %s ORDER BY sequence", (self.name, name)
            )
        return [row["data"] for row in rows]

    def query(self, sql: str, *values: Any) -> list[Row]:
        with self.pool.tx(readonly=True) as tx:
            return tx.query(sql, values)


def amounts(rows: Iterable[Row]) -> dict[tuple[str, str], str]:
    """(provider, direction) -> amount of payments."""
    return {(row["provider"], row["direction"]): row["amount"] for row in rows}


def _own(fact: Any) -> Row:
    return json.loads(
        json.dumps({name: value for name, value in fact_event("A", fact, 1).items() if name not in _HEAD})
    )
