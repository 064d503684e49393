"""What the pages on security say is so: their limits are those of the code, and each test that they name is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from kundval_assignment.settings import SETTINGS as ASSIGNMENT
from kundval_billing.settings import SETTINGS as BILLING
from kundval_chassis.gateway.server import SETTINGS as GATEWAY
from kundval_chassis.settings import CHASSIS
from kundval_notifications.settings import SETTINGS as NOTIFICATIONS
from kundval_scheduling.settings import SETTINGS as SCHEDULING

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/reference/limits.md", "docs/threat-model.md", "docs/how-to/rotate-keys.md")

#: keys that are read without being settings of a service
OTHERS = {"KUNDVAL_SETTINGS_FILE", "KUNDVAL_BROKER_API"}
_NAMED = re.compile(r"`(tests/[\w/]+)(?:\.py)?(?:::(\w+))?`")
_CONSTANT = re.compile(r"`(kundval_[\w.]+)\.([A-Z_]+) = (\d+)`")
_SETTING = re.compile(r"`(KUNDVAL_[A-Z_]+)")


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def functions_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    named = _NAMED.findall(text(page))
    assert len(named) > 5
    missing = []
    for file, test in named:
        path = ROOT / f"{file}.py"
        if not (path.exists() or (ROOT / file).is_dir()) or (test and test not in functions_of(path)):
            missing.append(f"{file}::{test}")
    assert missing == []


def test_every_limit_is_that_of_the_code() -> None:
    named = _CONSTANT.findall(text("docs/reference/limits.md"))
    assert len(named) > 15
    assert [
        f"{module}.{name} is {found}, not {said}"
        for module, name, said in named
        if (found := getattr(import_module(module), name)) != int(said)
    ] == []


@pytest.mark.parametrize("page", ["docs/reference/limits.md", "docs/how-to/rotate-keys.md"])
def test_every_setting_that_a_page_names_is_one(page: str) -> None:
    known = set(OTHERS)
    for service, settings in (
        ("", CHASSIS), ("ASSIGNMENT_", ASSIGNMENT), ("SCHEDULING_", SCHEDULING), ("BILLING_", BILLING),
        ("NOTIFICATIONS_", NOTIFICATIONS), ("GATEWAY_", GATEWAY),
    ):  # fmt: skip
        for one in settings:
            names = [one.name, *([one.name.removesuffix("_URI") + "_PASSWORD"] if one.name.endswith("_URI") else [])]
            owners = ("", service) if service else ("", "BILLING_")
            known |= {f"KUNDVAL_{owner}{name}{end}" for owner in owners for name in names for end in ("", "_FILE")}
    named = set(_SETTING.findall(text(page)))
    assert named and named <= known
