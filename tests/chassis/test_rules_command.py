"""`kundval rules`: every rule, where it is implemented and tested, or why not; read from the source text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kundval_chassis import coverage as looking
from kundval_chassis.cli_rules import command, summary
from kundval_chassis.coverage import PACKAGES, Coverage, checkout_tests, coverage, implementations, marked_tests
from kundval_contracts.rules import register


@pytest.fixture(scope="module", autouse=True)
def each_folder_is_looked_through_once() -> Iterator[None]:
    """A look at all sources takes seconds, and the command is run several times."""

    def once(look: Callable[[Any], Iterator[Any]]) -> Callable[[Any], list[Any]]:
        return cache(lambda where: list(look(where)))

    with pytest.MonkeyPatch.context() as patch:
        for look in (implementations, marked_tests):
            patch.setattr(looking, look.__name__, once(look))
        yield


@pytest.fixture(scope="module")
def rows() -> dict[str, Coverage]:
    return {row.rule.id: row for row in coverage()}


def test_every_rule_is_there_once_in_the_rulebooks_order(rows: dict[str, Coverage]) -> None:
    assert list(rows) == list(register())
    assert len(rows) == 271


def test_every_rule_is_implemented_and_tested_or_says_why_not(rows: dict[str, Coverage]) -> None:
    assert [one for one, row in rows.items() if not (row.implemented and row.tested) and not row.reason] == []
    assert [one for one, row in rows.items() if row.implemented and row.tested and row.reason] == []


def test_a_rule_names_the_functions_and_the_tests(rows: dict[str, Coverage]) -> None:
    row = rows["AMI-1.3-a"]
    assert row.implemented == ("kundval_assignment.domain.eligibility:ability_floor",)
    assert "tests/acceptance/test_worked_examples.py::test_we_35_work_ability" in row.tested
    assert row.service == ("assignment",)


@pytest.mark.slow
def test_only_ids_of_the_rulebook_are_named_anywhere() -> None:
    folder = checkout_tests()
    assert folder is not None
    named = {one for package in PACKAGES for one, _ in looking.implementations(package)} | {
        one for one, _ in looking.marked_tests(folder)
    }
    # state-machine and settings ids may be named in answers, not as rules
    assert named - set(register()) == set()


def test_what_is_tested_is_implemented(rows: dict[str, Coverage]) -> None:
    assert [one for one, row in rows.items() if row.tested and not row.implemented] == []


@pytest.mark.slow
def test_the_json_has_the_fields_of_each_rule() -> None:
    result = CliRunner().invoke(command, ["--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert len(answer) == 271
    for row in answer:
        assert set(row) == {"id", "title", "kinds", "service", "implemented", "tested", "reason", "notices"}
        assert row["kinds"] and isinstance(row["service"], list)


@pytest.mark.slow
def test_the_table_fits_a_narrow_terminal_and_ends_with_a_summary(rows: dict[str, Coverage]) -> None:
    result = CliRunner().invoke(command, env={"COLUMNS": "80"})
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(any(line.startswith(f"{one} ") for line in lines) for one in rows)
    assert " ".join(line.strip() for line in lines[-2:]).endswith(summary(list(rows.values())))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('@pytest.mark.rule("AMI-9-a", "AMI-9-b")\ndef test_one(): ...', {"test_one": {"AMI-9-a", "AMI-9-b"}}),
        (
            '@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.rule("AMI-9-c"))])\ndef test_two(x): ...',
            {"test_two": {"AMI-9-c"}},
        ),
        (
            'ROWS = [pytest.param(1, marks=[pytest.mark.rule("AMI-9-d")])]\n'
            '@pytest.mark.parametrize("x", ROWS)\ndef test_three(x): ...',
            {"test_three": {"AMI-9-d"}},
        ),
        (
            'pytestmark = pytest.mark.rule("AMI-9-e")\nclass TestIt:\n    def test_four(self): ...\ndef helper(): ...',
            {"TestIt::test_four": {"AMI-9-e"}},
        ),
        (
            '@pytest.mark.rule("AMI-9-f")\nclass TestIt:\n    def test_five(self): ...',
            {"TestIt::test_five": {"AMI-9-f"}},
        ),
        ('@pytest.mark.slow\ndef test_six(): "AMI-9-g"', {}),
    ],
)
def test_marks_are_found_wherever_they_stand(source: str, found: dict[str, set[str]], tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_some.py").write_text(f"import pytest\n{source}\n", encoding="utf-8")
    by_test: dict[str, set[str]] = {}
    for one, place in marked_tests(folder):
        by_test.setdefault(place.removeprefix("tests/test_some.py::"), set()).add(one)
    assert by_test == found


@pytest.mark.slow
def test_another_folder_of_tests_can_be_looked_through(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--json", "--tests", str(tmp_path)])
    assert all(row["tested"] == [] for row in json.loads(result.stdout))


def test_a_package_that_is_not_installed_has_no_implementations() -> None:
    assert list(implementations("kundval_of_the_future")) == []
