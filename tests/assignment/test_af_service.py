"""The employment service and the running assignment service: over SOAP with mutual TLS, and as files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from kundval_contracts.client import Client
from kundval_contracts.errors import KundvalError
from tests.acceptance.builders import caseload, client
from tests.conftest import Servers
from tests.contracts import af_samples as s
from tests.suite import Suite, running

from .agency_server import Agency, agency, files, says, server

__all__ = ["agency", "files", "server"]

TERMS = """
[submitters.town]
organisation = "162021000001"
name = "Testkommun"
[purposes.FINANCIAL_ASSISTANCE]
purpose = "Ekonomiskt bistånd"
law = "SoL"
"""
GROUND = {"purpose": "FINANCIAL_ASSISTANCE", "basis": "PUBLIC_TASK", "expires_on": "2024-06-01", "what": "AF_STATUS"}


@pytest.fixture(scope="module")
def suite(
    servers: Servers, server: Agency, files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Suite]:
    """The assignment service alone, with a base service to ask."""
    folder = tmp_path_factory.mktemp("suite")
    terms = folder / "terms.toml"
    terms.write_text(TERMS, encoding="utf-8")
    settings = {
        "KUNDVAL_ASSIGNMENT_AF_SSBTEK_URL": f"https://127.0.0.1:{server.port}/bastjanst",
        "KUNDVAL_ASSIGNMENT_AF_SSBTEK_CERTIFICATE": str(files["ours"]),
        "KUNDVAL_ASSIGNMENT_AF_SSBTEK_AUTHORITY": str(files["authority"]),
        "KUNDVAL_ASSIGNMENT_AF_SSBTEK_TERMS": str(terms),
        "KUNDVAL_ASSIGNMENT_AF_SSBTEK_SECONDS": "5",
    }
    with running(servers, folder, "assignment", settings=settings) as made:
        yield made


@pytest.fixture(scope="module")
def guide(suite: Suite) -> Iterator[Client]:
    """A career guide in a municipality with an assignment A-1 of somebody, and a ground."""
    uses = {purpose: ["PUBLIC_TASK"] for purpose in ("FINANCIAL_ASSISTANCE", "LABOUR_MARKET_INTERVENTION")}
    document = caseload(settings={"gate.uses": {"AF_STATUS": uses}})
    with suite.client() as system:
        fields = {name: document[name] for name in ("municipality", "settings", "providers")}
        system.call("assignment.open_tenant", tenant="town", tariffs=[], **fields)
        system.call("assignment.open_day", tenant="town", date="2024-03-15")
        person = system.call("assignment.register_person", tenant="town", identity_number=s.NUMBER)["person"]
        row = {"id": "A-1", "programme": "AMI_2", "client": client(), "plan": None, "delivery_area": None}
        system.call("assignment.register", tenant="town", assignments=[{**row, "person": person}])
        system.call("assignment.open_ground", tenant="town", person=person, **GROUND)
    with suite.client("CAREER_GUIDE", subject="anna", purpose="assistance") as made:
        yield made


def fetch(guide: Client) -> dict[str, Any]:
    return dict(guide.call("assignment.fetch_af_status", tenant="town", assignment="A-1"))


def shown(guide: Client) -> list[dict[str, Any]]:
    return list(guide.call("assignment.af_status", tenant="town", assignment="A-1")["statuses"])


def test_a_status_is_fetched_by_the_running_service_and_shown(guide: Client, agency: Agency) -> None:
    answer = fetch(guide)
    assert (answer["expires_on"], answer["faults"]) == (
        "2024-06-01",
        [{"agency": "FK", "source": "BT", "code": "17"}],
    )
    assert shown(guide)[0]["status"]["category"]["meaning"] == "OPENLY_UNEMPLOYED"
    assert len(agency.requests) == 1


def test_others_are_served_while_the_agency_keeps_one_waiting(guide: Client, agency: Agency) -> None:
    arrived, answered = threading.Event(), threading.Event()

    def waits(handler: BaseHTTPRequestHandler) -> None:
        arrived.set()
        answered.wait(20)
        says(s.answer())(handler)

    agency.reply = waits
    before = len(shown(guide))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(fetch, guide)
        assert arrived.wait(20)
        # answered by the service that asks, before the agency has answered it
        assert len(shown(guide)) == before
        assert not waiting.done()
        answered.set()
        assert waiting.result(20)["record"]


def test_an_agency_that_fails_is_a_typed_error_and_nothing_of_it_is_in_the_log(
    guide: Client, agency: Agency, suite: Suite
) -> None:
    agency.reply = says(s.FAULT, 500)
    with pytest.raises(KundvalError) as caught:
        fetch(guide)
    assert (caught.value.kind, caught.value.code) == ("ERROR", "SOAP_FAULT")
    # asked once: an error that a client would repeat by itself would ask about a person again and again
    assert len(agency.requests) == 1
    logs = "".join(file.read_text(errors="replace") for file in suite.folder.rglob("*.log"))
    assert "fetch_af_status" in logs
    assert not any(word in logs for word in (s.NUMBER, s.NUMBER[2:], "Testpersson", "OPENLY"))


@pytest.mark.rule("AMI-1.3.2-a")
def test_whoever_is_due_is_looked_up_by_the_command_where_there_are_grounds(
    guide: Client, agency: Agency, suite: Suite
) -> None:
    agency.reply = says(s.answer(s.af(s.info(Arbetssokande="false"))))
    first = suite.kundval("af-checks", "--tenant", "town")
    assert (first.returncode, first.stdout) == (0, "looked up 0, no ground 1, left to a person 0\n"), first
    assert agency.requests == []
    ground = {**GROUND, "purpose": "LABOUR_MARKET_INTERVENTION"}
    guide.call("assignment.open_ground", tenant="town", assignment="A-1", **ground)
    second = suite.kundval("af-checks", "--tenant", "town")
    assert (second.returncode, second.stdout) == (0, "looked up 1, no ground 0, left to a person 0\n"), second
    facts = guide.call("assignment.state", tenant="town", assignment="A-1")["facts"]
    assert [one["in_effect"] for one in facts if one["fact"] == "af_registration_checked"] == [True]
    # it is due no more
    assert suite.kundval("af-checks", "--tenant", "town").stdout.startswith("looked up 0, no ground 0")


def test_files_are_taken_in_by_the_command(guide: Client, suite: Suite, tmp_path: Path) -> None:
    for kind, name, content in (
        ("status", "A-1~may.xml", s.answer()),
        ("orders", "good.xml", s.orders(s.order())),
        ("orders", "parked.xml", s.orders(s.order(Ordernummer="7", Sparkod="9"))),
        ("decisions", "d.xml", s.subsidy()),
    ):
        (tmp_path / "inbox" / kind).mkdir(parents=True, exist_ok=True)
        (tmp_path / "inbox" / kind / name).write_bytes(content)
    how = ("--tenant", "town", "--basis", "PUBLIC_TASK", "--expires-on", "2025-01-01")
    done = suite.kundval("af-files", str(tmp_path), *how)
    assert "processed 3, parked 1, left 0" in done.stdout, done
    assert "orders/parked.xml: parked UNKNOWN_TRACK" in done.stdout
    rows = list(guide.rows("assignment.af_orders", tenant="town"))
    assert [(row["order"], row["outcome"], row["fault"]) for row in rows] == [
        ("900100", "REFERRED", None),
        ("7", "PARKED", "UNKNOWN_TRACK"),
    ]
    state = guide.call("assignment.state", tenant="town", assignment=rows[0]["assignment"])
    assert (state["programme"], state["state"]) == ("SOM_2", "REFERRED")
    assert "subsidy_step" in [
        one["fact"] for one in guide.call("assignment.state", tenant="town", assignment="A-1")["facts"]
    ]
