"""The rule register, and the marker that names its ids."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from kundval_chassis.coverage import PACKAGES
from kundval_contracts.rules import register, rule

KINDS = {"HARD", "DEADLINE", "DATA", "DOC", "NOTIFY", "MONEY", "AUTH", "BG"}
SERVICES = {"assignment", "scheduling", "billing", "notifications"}


def test_the_register_has_every_rule_with_title_kinds_and_source() -> None:
    rules = register()
    assert len(rules) == 271
    for one in rules.values():
        assert one.title and one.source and one.kinds
        assert set(one.kinds) <= KINDS
        assert set(one.services) <= SERVICES


@pytest.mark.parametrize(
    ("prefix", "count"), [("AMI-", 113), ("NACKA-", 38), ("AF-GEN-", 7), ("AF-SOM-", 35), ("AF-RUM-", 8), ("LOKA-", 70)]
)
def test_every_chapter_of_the_rulebook_is_there(prefix: str, count: int) -> None:
    assert sum(one.startswith(prefix) for one in register()) == count


def test_background_rules_say_why_there_is_nothing_to_compute() -> None:
    for one in register().values():
        if one.kinds == ("BG",):
            assert one.reason, one.id


def test_a_marked_function_is_the_function_itself() -> None:
    def one() -> int:
        return 1

    assert rule("AMI-9-a", "AMI-9-b")(one) is one


def test_an_id_that_the_rulebook_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="AMI-99-z"):
        rule("AMI-9-a", "AMI-99-z")


@pytest.mark.slow
def test_rules_are_named_by_literals_so_that_they_can_be_found_in_the_text() -> None:
    for package in PACKAGES:
        spec = find_spec(package)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(root).rglob("*.py")):
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "rule":
                        assert all(isinstance(argument, ast.Constant) for argument in node.args), (
                            f"{file}:{node.lineno}"
                        )
