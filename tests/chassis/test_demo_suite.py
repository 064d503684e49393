"""`kundval demo` and `kundval explain` against four running services."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kundval_chassis import cli_demo
from kundval_chassis.cli import cli
from tests.suite import Suite, suite

__all__ = ["suite"]

RESIDENTS = "33"


@pytest.fixture(scope="module")
def first(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, dict[str, Any]]:
    """What a demo prints, on both streams, and what it writes to its file."""
    file = tmp_path_factory.mktemp("demo") / "figures.json"
    done = suite.kundval("demo", "--residents", RESIDENTS, "--json", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr, json.loads(file.read_text(encoding="utf-8"))


def test_the_demo_ends_with_what_came_of_it_and_agrees_with_simulate(first: tuple[str, str, dict[str, Any]]) -> None:
    page, _, figures = first
    for title in (
        "Assignments by state", "Paid to providers", "Deadlines", "Messages", "Corrections",
        "Facts that the rules refused", "One assignment, krona by krona",
    ):  # fmt: skip
        assert title in page
    assert "rows agree, to the öre." in page.splitlines()[-1]
    assert figures["agrees"] is True
    assert figures["figures"]["assignment"]["assignments"] == int(RESIDENTS)


@pytest.mark.bench
def test_a_second_demo_prints_the_same(suite: Suite, first: tuple[str, str, dict[str, Any]]) -> None:
    again = suite.kundval("demo", "--residents", RESIDENTS)
    assert again.stdout == first[0]


def test_progress_goes_to_standard_error(first: tuple[str, str, dict[str, Any]]) -> None:
    assert "played" in first[1]
    assert "%" not in first[0].split("Deadlines")[0]


def test_an_assignment_is_explained_alike_by_the_services_and_from_the_file(
    suite: Suite, first: tuple[str, str, dict[str, Any]], tmp_path: Path
) -> None:
    tenant = first[1].rpartition("--tenant ")[2].strip()
    file = tmp_path / "sample.json"
    file.write_text(suite.kundval("sample", "--residents", RESIDENTS).stdout, encoding="utf-8")
    asked = json.loads(suite.kundval("explain", "N-0001", "--tenant", tenant, "--json").stdout)
    computed = json.loads(suite.kundval("explain", "N-0001", "--file", str(file), "--json").stdout)
    for part in ("assignment", "programme", "state", "provider", "lines"):
        assert asked[part] == computed[part], part
    for part in ("obligations", "notices"):
        assert sorted(map(json.dumps, asked[part])) == sorted(map(json.dumps, computed[part])), part
    names = ("run", "kind", "sequence", "amount", "reverses", "because")
    assert [[row[name] for name in names] for row in asked["postings"]] == [
        [row[name] for name in names] for row in computed["postings"]
    ]
    judged = ("on", "fact", "known_on", "in_effect")
    assert [[row[name] for name in judged] for row in asked["facts"]] == [
        [row[name] for name in judged] for row in computed["facts"]
    ]


def test_what_is_not_there_cannot_be_explained(suite: Suite) -> None:
    done = suite.kundval("explain", "N-0001", "--tenant", "nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("NOT_FOUND: ")


def test_without_the_suite_the_demo_says_so_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_demo, "HERE_SECONDS", 0.3)
    nowhere = {"KUNDVAL_AMQP_URI": "amqp://nobody@127.0.0.1:1//", "KUNDVAL_TOKEN_KEY": "x" * 32}
    done = CliRunner().invoke(cli, ["demo", "--residents", "1"], env=nowhere)
    assert done.exit_code == 1
    assert "make up" in done.stderr
