"""Control as it runs: what assignment tells of evidence, figures after a payment run, and the command."""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal

import pytest

from kundval_contracts.client import Client
from kundval_contracts.errors import Forbidden
from tests.acceptance.builders import assignment, claim, exited, follow_ups
from tests.suite import Suite, Town, client, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
FACTS = (exited("2024-06-20"), *follow_ups("AMI_2", D, range(5, 13)), claim("2024-12-20"))


@pytest.mark.rule("AMI-9.2-b", "NACKA-12")
def test_figures_and_reused_evidence_in_a_running_suite(town: Town, suite: Suite) -> None:
    town.add(assignment("AMI_2", D, *FACTS), assignment("AMI_2", D, *FACTS, name="A-2"))
    town.day("2025-04-01")
    town.run("2025-04-01")
    for name, text in (("A-1", b"Certificate."), ("A-2", b"Certificate."), ("A-2", b"Another one.")):
        town.client.call(
            "assignment.add_document",
            tenant=town.name,
            assignment=name,
            document=f"d-{text[:3].decode()}",
            code="EMPLOYMENT_CERTIFICATE",
            type="TEXT",
            content=b64encode(text).decode(),
        )
    town.settle()
    with suite.client("CONTROLLER") as controller:
        found = _figures(controller, town)
        listed = controller.call("billing.anomalies", tenant=town.name)["anomalies"]
        done = controller.call(
            "billing.set_aside_anomaly", tenant=town.name, anomaly=listed[0]["anomaly"], reason="One form for all."
        )
    summary = town.client.call("billing.summary", tenant=town.name)
    assert found["PAYABLE_NET"] == summary["amount"] and Decimal(found["PAYABLE_NET"]) > 0
    assert (found["CLIENTS"], found["QUALIFYING_EXITS"], found["RESULTS_HELD"]) == ("2", "0", "0")
    [one] = listed
    assert (one["kind"], one["provider"], one["assignments"]) == ("EVIDENCE_REUSED", "alfa", ["A-1", "A-2"])
    assert (one["since"], done["state"]) == ("2025-04-01", "SET_ASIDE")
    with suite.client("CAREER_GUIDE") as guide, pytest.raises(Forbidden):
        guide.call("billing.anomalies", tenant=town.name)
    shown = suite.kundval("control", "--tenant", town.name, "--year", "2024", "--json").stdout
    held = {line["figure"]: line["value"] for line in json.loads(shown)["lines"]}
    assert (held["QUALIFYING_EXITS"], held["RESULTS_HELD"], held["PAYABLE_NET"]) == ("2", "2", "0.00")
    assert "PAYABLE_NET" in suite.kundval("control", "--tenant", town.name, "--by", "provider").stdout
    assert "EVIDENCE_REUSED" in suite.kundval("control-anomalies", "--tenant", town.name).stdout
    assert "<h1>" in suite.kundval("control-page", "--tenant", town.name).stdout
    assert "One form for all." not in suite.log("billing") + suite.log("assignment")


def _figures(caller: Client, town: Town) -> dict[str, str]:
    answer = caller.call("billing.figures", tenant=town.name)
    return {line["figure"]: line["value"] for line in answer["lines"]}
