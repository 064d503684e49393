"""An operator's month with the running services: the command line, real documents, the accounting system's answer."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal

import pytest

from kundval_contracts.codes import Ownership
from kundval_contracts.errors import Conflict, Forbidden
from tests.acceptance.builders import assignment, claim, exited, fact, follow_ups
from tests.suite import Suite, Town, client, suite, town

from .papers import COMPANY, MUNICIPALITY

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
EARNED = assignment("AMI_2", D, exited("2024-06-20"), *follow_ups("AMI_2", D, range(5, 13)), claim("2024-12-20"))
SWITCHED = assignment("AMI_2", D, fact("2024-06-01", "provider_switch", provider="beta", approved=True), name="A-2")
RUN, NEXT = "2024-07-01", "2024-08-01"


def party(number: str, name: str) -> dict[str, object]:
    return {
        "name": name, "organisation_number": number, "vat_number": f"SE{number}01", "street": "Storgatan 1",
        "postal_code": "131 81", "city": "Nacka", "payment_terms_days": 30, "bankgiro": "9912346", "f_skatt": True,
    }  # fmt: skip


def test_an_operators_month_from_the_run_to_the_closed_period(town: Town, suite: Suite) -> None:
    town.add(EARNED, SWITCHED)
    town.day(RUN)
    assert town.run(RUN)["problems"] == 0
    since = {"valid_from": "2024-01-01"}
    vat = {one.value: {"treatment": "STANDARD_25"} for one in Ownership}
    town.client.call("billing.set_payer", tenant=town.name, role="MUNICIPALITY", **since, vat_by_ownership=vat,
                     party=party(MUNICIPALITY, "Nacka kommun"))  # fmt: skip
    agreed = {"from": "2024-01-01", "reference": "SB-17"}
    town.client.call("billing.set_payee", tenant=town.name, provider="alfa", **since, self_billing=agreed,
                     party=party(COMPANY, "Alfa Jobb AB"))  # fmt: skip

    def kundval(*words: object, who: str = "pia") -> subprocess.CompletedProcess[str]:
        verb, *rest = map(str, words)
        return suite.kundval("payments", verb, "--tenant", town.name, "--role", "CONTROLLER", "--subject", who, *rest)

    def call(method: str, who: str, **fields: object) -> dict[str, object]:
        with suite.client("CONTROLLER", subject=who) as person:
            return dict(person.call(f"billing.{method}", tenant=town.name, **fields))

    # beta is not known yet: parked and told of, and alfa goes on
    rows = json.loads(kundval("propose", RUN, "--json").stdout)["rows"]
    found = {row["provider"]: row for row in rows}
    assert {name: (row["state"], row["problem"], row["self_billing"]) for name, row in found.items()} == {
        "alfa": ("PROPOSED", None, True), "beta": ("PARKED", "PAYEE_UNKNOWN", False),
    }  # fmt: skip
    alfa, beta = found["alfa"]["payment"], found["beta"]["payment"]
    call("check_payment", "cia", payment=alfa)
    refused = kundval("attest", alfa, who="pia")
    assert (refused.returncode, json.loads(refused.stderr)["error"]["code"]) == (1, "PREPARER")
    call("attest_payment", "ann", payment=alfa)
    assert "ATTESTED" in kundval("attest", alfa, who="bo").stdout
    assert call("release_payments", "ann", run=RUN)["released"] == []
    with suite.client("PROVIDER", organisation="alfa", tenant=town.name) as provider:
        with pytest.raises(Forbidden):
            provider.call("billing.attest_payment", tenant=town.name, payment=alfa)
        provider.call("billing.approve_payment", tenant=town.name, payment=alfa)
    assert f"released: {alfa}" in kundval("release", "--run", RUN).stdout
    shown = json.loads(kundval("show", alfa, "--json").stdout)
    assert shown["documents"] == ["SF-2024-000001"]
    # in the books of the accounting system stands what the invoice comes to
    amount, due = Decimal(shown["amount"]), Decimal(shown["due"])
    assert amount > 0 and due == amount * 5 / 4
    answer = {"tenant": town.name, "payment": alfa, "voucher": "KV-1", "outcome": "ACCEPTED"}
    with pytest.raises(Conflict, match="not what was released"):
        town.client.call("billing.acknowledge_payment", **answer, amount=shown["amount"])
    town.client.call("billing.acknowledge_payment", **answer, amount=shown["due"])
    books = [{"document": "SF-2024-000001", "amount": shown["due"]}]
    matched = town.client.call("billing.reconcile", tenant=town.name, rows=books)["matched"]
    assert [row["payment"] for row in matched] == [alfa]
    # what waits is carried over the end of the month, and paid when its problem is solved
    town.day(NEXT)
    assert "2024-07" in kundval("close", "2024-07").stdout
    town.run(NEXT)
    town.client.call("billing.set_payee", tenant=town.name, provider="beta", **since, party=party(COMPANY, "Beta AB"))
    proposed = town.client.call("billing.propose_payments", tenant=town.name, run=NEXT)["payments"]
    assert {row["state"] for row in proposed} == {"PROPOSED"} and beta in {row["payment"] for row in proposed}
    balances = town.client.call("billing.balances", tenant=town.name)["balances"]
    assert {part["part"] for row in balances for part in row["parts"]} == {"RECONCILED", "PROPOSED", "POSTED"}
