"""The programs of docs/examples against the real suite: what they print, and that their fact arrived once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kundval_chassis.tokens import Tokens
from tests import node
from tests.suite import GATEWAY, Suite, suite

__all__ = ["suite"]

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
TENANT = "town-of-examples"
#: what each program states about A-1, and under which key
FACTS = {"threads-1": "2024-04-02", "asyncio-1": "2024-04-03", "nameko-1": "2024-04-04", "curl-1": "2024-04-05",
         "node-1": "2024-04-08"}  # fmt: skip


@pytest.fixture(scope="module")
def town(suite: Suite) -> Iterator[dict[str, str]]:
    """The environment of a program, as the README says to make it."""
    played = suite.kundval("play", str(EXAMPLES / "town.yaml"), "--tenant", TENANT)
    assert played.returncode == 0, played.stderr
    if GATEWAY not in suite.processes:
        suite.start(GATEWAY)
    token = Tokens(suite.key).mint("CASE_WORKER", subject="register", purpose="examples", tenant=TENANT, lifetime=3600)
    yield {
        **{name: value for name, value in os.environ.items() if not name.startswith("KUNDVAL_")},
        "KUNDVAL_AMQP_URI": suite.amqp_uri,
        "KUNDVAL_TOKEN": token,
        "KUNDVAL_GATEWAY_HTTP_PORT": str(suite.ports[GATEWAY]),
        "TENANT": TENANT,
    }


def run(environment: dict[str, str], *command: str | Path) -> list[str]:
    """The lines that a program prints."""
    done = subprocess.run(
        [str(word) for word in command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_python_with_threads(town: dict[str, str]) -> None:
    lines = run(town, sys.executable, "-W", "error", EXAMPLES / "threads.py")
    heard = "heard assignment.contact of A-1 on 2024-04-02"
    assert sorted(lines) == sorted(
        [
            "A-1 is ACTIVE with obligations: ['BOOK_MEETING']",
            "stated 1",
            "stated 1",
            "refused NOT_DECIDED AMI-3-a",
            heard,
        ]
    )


def test_python_with_asyncio(town: dict[str, str]) -> None:
    lines = run(town, sys.executable, "-W", "error", EXAMPLES / "on_asyncio.py")
    heard = "heard assignment.contact of A-1 on 2024-04-03"
    assert sorted(lines) == sorted(
        ["A-1 is ACTIVE says assignment", "stated 1", "stated 1", "refused NOT_DECIDED AMI-3-a", heard]
    )


def test_namekos_own_client(town: dict[str, str]) -> None:
    lines = run(town, sys.executable, "-W", "ignore", EXAMPLES / "nameko_proxy.py")
    assert lines == ["A-1 is ACTIVE", "stated 1", "stated 1", "refused NOT_DECIDED AMI-3-a"]


def test_curl_and_the_gateway(town: dict[str, str]) -> None:
    lines = run(town, EXAMPLES / "gateway.sh")
    assert lines[1::2] == ["200", "200", "200", "422"]
    state, first, second, problem = (json.loads(line) for line in lines[::2])
    assert state["state"] == "ACTIVE"
    assert first == second == {"recorded": 1, "refused": []}
    assert (problem["kind"], problem["code"]) == ("FACT_REFUSED", "NOT_DECIDED")
    assert problem["rules"] and problem["type"] == "urn:kundval:error:FACT_REFUSED"


def test_node_and_an_amqp_library(town: dict[str, str]) -> None:
    packages = node.environment(node.install())["NODE_PATH"]
    lines = run({**town, "NODE_PATH": packages}, node.NODE, EXAMPLES / "amqp.js")
    heard = "heard se.kundval.assignment.contact.v1 of A-1 on 2024-04-08"
    assert lines == ["A-1 is ACTIVE", "stated 1", "stated 1", "refused NOT_DECIDED AMI-3-a", heard]


def test_each_of_their_facts_arrived_once(suite: Suite, town: dict[str, str]) -> None:
    with suite.client() as client:
        facts = client.call("assignment.state", tenant=TENANT, assignment="A-1")["facts"]
    contacts = [(fact["id"], fact["on"]) for fact in facts if fact["fact"] == "contact"]
    assert sorted(contacts) == sorted(FACTS.items())


def test_each_is_short_enough_to_be_read() -> None:
    programs = [path for path in EXAMPLES.iterdir() if path.suffix in (".py", ".js", ".sh")]
    assert len(programs) == 5
    assert all(len(path.read_text().splitlines()) < 60 for path in programs)
