"""Billing's work over many assignments, in a process as the service's: one step a process, so that the memory that a
step took at most can be told.

Of every step: seconds, the processor time of this process (Python) and that of the database's process that served it.
What is left was waiting: for the disk, for a core, for the network between the two.
"""

import kundval_chassis.bootstrap  # isort: skip  # first, before anything imports psycopg

import json
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from bench import cases, child
from bench.programs import recompute
from bench.programs.clock import Clock
from bench.programs.recompute import TENANT
from kundval_billing import payments
from kundval_billing.domain import lines
from kundval_billing.payees import store as payees
from kundval_billing.payments import propose, release, steps
from kundval_billing.payments import store as paid
from kundval_billing.questions import reckon
from kundval_billing.questions.__main__ import SNAPSHOT
from kundval_billing.service import BillingService
from kundval_chassis import held
from kundval_chassis.db import Pool, Tx, connect
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import DocumentProblem, PayerRole, PaymentAct
from kundval_contracts.draft import read
from kundval_contracts.envelope import Event
from kundval_contracts.rpc import CallerRole

assert kundval_chassis.bootstrap

#: what the question "what if" is about: two readings and the fees from the second year on
DRAFT = {
    "kundval_draft": 1,
    "title": "bench",
    "settings": {"premium.breakoff_month": "PRO_RATA", "ami2.tiers": [[1, 6, "1"], [7, 12, "0.5"]]},
    "tariffs": [{"valid_from": "2025-01-01", "AMI1_MONTHLY_FEE": 4700, "AMI2_MONTHLY_FEE": 5000}],
}
#: numbers of public authorities, and one with a right check digit that no register gives out
MUNICIPALITY, CUSTOMER, COMPANY = "2120000167", "2021002114", "5560000001"
EVERYBODY_SINCE = date(2024, 1, 1)


def seed(pool: Pool, uri: str, count: int, day: str) -> dict[str, Any]:
    """Put `count` assignments of all programmes into billing's held tables, on a business date."""
    found = recompute.seed(pool, uri, count, cases.held_of_all_programmes)
    with pool.tx() as tx:
        tx.execute("UPDATE tenant SET business_date = %s", (day,))
    return found


def begin_day(pool: Pool, day: str) -> dict[str, Any]:
    """Move the business date as the service does when it is told: what has become payable is told."""
    event = Event(str(uuid4()), "assignment.day_opened", 1, TENANT, TENANT, datetime.now(UTC), 1, {"date": day})
    clock = Clock()
    with clock.transaction(pool) as tx:
        BillingService.on_events(SimpleNamespace(), tx, [event])
    return clock.found


def run(pool: Pool, day: str) -> dict[str, Any]:
    """A payment run over what is awake."""
    clock = Clock()
    with clock.transaction(pool) as tx:
        payments.turn(tx, [TENANT])
        done = payments.run_payments(tx, held.load_tenant(tx, TENANT), date.fromisoformat(day))
    assert not done.problems, "a run could not do everything"
    return {**clock.found, "postings": done.postings}


def insert(pool: Pool, day: str) -> dict[str, Any]:
    """The least for that run by hand: its entries with their rows by INSERT ... SELECT into empty tables of the same
    shape, keys and indexes included.
    """
    clock = Clock()
    with pool.tx() as tx:
        for table in ("entry", "entry_row"):
            tx.execute(f"DROP TABLE IF EXISTS copy_{table}")
            tx.execute(f"CREATE TABLE copy_{table} (LIKE {table} INCLUDING ALL)")
    with clock.transaction(pool) as tx:
        rows = tx.execute(
            "INSERT INTO copy_entry OVERRIDING SYSTEM VALUE SELECT * FROM entry WHERE tenant = %s AND run = %s",
            (TENANT, day),
        )
        tx.execute("INSERT INTO copy_entry_row SELECT r.* FROM entry_row r JOIN copy_entry USING (entry)")
    return {**clock.found, "rows": rows}


def ask(uri: str, as_of: str) -> dict[str, Any]:
    """The question "what if" over all assignments, as the process that the service starts for it answers it."""
    clock = Clock()
    job = {"tenant": TENANT, "kind": "WHAT_IF", "as_of": as_of, "asked": {"draft": DRAFT}}
    with connect(uri) as conn, clock.running(conn):
        conn.execute(SNAPSHOT)
        found = reckon.answer(Tx(conn, readonly=True), job)
        json.dumps(found)
        conn.execute("ROLLBACK")
    return {**clock.found, "changed": found["result"]["changed"], "facts": found["snapshot"]["facts"]}


def compute(uri: str, as_of: str) -> dict[str, Any]:
    """The least for that question: the lines of the same cases twice, the cases being in memory already."""
    seconds, python, day, draft = 0.0, 0.0, date.fromisoformat(as_of), read(DRAFT)
    with connect(uri) as conn:
        conn.execute(SNAPSHOT)
        tx = Tx(conn, readonly=True)
        tenant = held.load_tenant(tx, TENANT)
        drafted = replace(tenant, settings=draft.over(tenant.settings))
        for chunk in held.tenant_cases(tx, TENANT, reckon.CHUNK):
            began, cpu = time.monotonic(), time.process_time()
            for stated in chunk:
                case = stated.known_by(day)
                lines(case, tenant, day)
                lines(case, drafted, day)
            seconds += time.monotonic() - began
            python += time.process_time() - cpu
        conn.execute("ROLLBACK")
    return {"seconds": seconds, "python": python}


# --- payments ----------------------------------------------------------------------------------------


def set_parties(pool: Pool) -> None:
    """Say who everybody is: the municipality, its customer and every provider of the ledger, half with self-billing."""
    agreement = {"from": EVERYBODY_SINCE.isoformat(), "to": None, "reference": "SB-1"}
    with pool.tx() as tx:
        for role, number in ((PayerRole.MUNICIPALITY, MUNICIPALITY), (PayerRole.CUSTOMER, CUSTOMER)):
            payees.add_payer(tx, TENANT, role, EVERYBODY_SINCE, _party(number), {}, "bench")
        for place, row in enumerate(tx.query("SELECT DISTINCT provider FROM entry ORDER BY provider")):
            given = agreement if place % 2 else None
            payees.add_payee(tx, TENANT, row["provider"], EVERYBODY_SINCE, _party(COMPANY), given, "bench")


def _party(number: str) -> dict[str, Any]:
    return {
        "name": "Bench AB",
        "organisation_number": number,
        "vat_number": f"SE{number}01",
        "street": "Storgatan 1",
        "postal_code": "131 81",
        "city": "Nacka",
        "payment_terms_days": 30,
        "bankgiro": "9912346",
        "f_skatt": True,
        "buyer_reference": "AMI-100",
        "vat": {"treatment": "STANDARD_25", "reason": None},
    }


def put_together(pool: Pool, day: str) -> dict[str, Any]:
    """Propose the payments of a run."""
    clock = Clock()
    with clock.transaction(pool) as tx:
        payments.turn(tx, [TENANT])
        found = propose.propose(tx, held.load_tenant(tx, TENANT), date.fromisoformat(day), _staff("pia"))
    made = found["payments"]
    assert made and not found["failed"] and not any(one["problem"] for one in made), "a payment was not proposed"
    sizes = [one["entries"] for one in made]
    return {**clock.found, "payments": len(made), "entries": sum(sizes), "largest": max(sizes)}


def agree(pool: Pool, day: str) -> None:
    """What persons do before the payments of a run are released."""
    said = (("cia", PaymentAct.CHECKED), ("ann", PaymentAct.ATTESTED), ("bo", PaymentAct.ATTESTED))
    with pool.tx() as tx:
        tenant = held.load_tenant(tx, TENANT)
        for payment in paid.payments(tx, TENANT, run=date.fromisoformat(day)):
            request = {"payment": payment.id}
            for who, act in said:
                steps.step(tx, tenant, request, _staff(who), act)
            if payment.standing.self_billing:
                provider = Caller("eva", CallerRole.PROVIDER, payment.provider, "bench", TENANT)
                steps.step(tx, tenant, request, provider, PaymentAct.APPROVED)


def send(pool: Pool, day: str) -> dict[str, Any]:
    """Release the payments of a run, with their documents."""
    clock = Clock()
    request = {"payment": None, "run": date.fromisoformat(day)}
    with clock.transaction(pool) as tx:
        done = release.release(tx, held.load_tenant(tx, TENANT), request, _staff("ann"))
    released = done["released"]
    assert released, "no payment was released"
    with pool.tx() as tx:
        counted = tx.one(
            "SELECT count(*) AS entries, count(DISTINCT number) AS documents FROM document_entry"
            " JOIN document USING (tenant, number) WHERE payment = ANY(%s)",
            (released,),
        )
        codes = tx.query("SELECT DISTINCT reference FROM payment_act WHERE act = 'PARKED'")
    assert counted is not None
    known = {DocumentProblem.ORIGINAL_NOT_ISSUED.value}
    assert {row["reference"] for row in codes} <= known, "a payment was parked for another reason"
    return {**clock.found, **counted, "payments": len(released), "parked": len(done["parked"])}


def _staff(who: str) -> Caller:
    return Caller(who, CallerRole.CONTROLLER, None, "bench", TENANT)


def main() -> None:
    given = child.parameters()
    recompute.collect_as_a_service()
    uri = given["database"]
    with Pool(uri, name="bench-billing", max_size=1) as pool:

        def peak(found: dict[str, Any] | None) -> dict[str, Any]:
            return {**(found or {}), "peak": recompute.peak()}

        child.serve(
            {
                "seed": lambda count, day: seed(pool, uri, count, day),
                "begin_day": lambda day: peak(begin_day(pool, day)),
                "run": lambda day: peak(run(pool, day)),
                "insert": lambda day: peak(insert(pool, day)),
                "wake": lambda: recompute.wake(pool),
                "tidy": lambda: recompute.tidy(pool),
                "copy": lambda folder: peak(recompute.copy(pool, folder)),
                "ask": lambda as_of: peak(ask(uri, as_of)),
                "compute": lambda as_of: peak(compute(uri, as_of)),
                "set_parties": lambda: set_parties(pool),
                "propose": lambda day: peak(put_together(pool, day)),
                "agree": lambda day: agree(pool, day),
                "release": lambda day: peak(send(pool, day)),
            },
            child.green_wait,
        )


if __name__ == "__main__":
    main()
