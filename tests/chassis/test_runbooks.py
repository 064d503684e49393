"""The runbooks: every page in the same form, every command and metric in them exists, every alert and finding leads to
one.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from kundval_chassis import telemetry
from kundval_chassis.cli import cli
from kundval_contracts.client import SERVICES
from kundval_contracts.rpc import METHODS
from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
HEADINGS = [
    "What you see", "What it means for people", "Check", "Do", "Verify", "Afterwards", "Rehearsed by",
]  # fmt: skip
SLUGS = [
    "service-not-ready", "outbox-not-draining", "events-parked", "poison-message", "rpc-slow-or-failing", "broker-lost",
    "broker-node-lost", "database-lost", "database-failover", "restore-a-service", "disk-full", "clock-wrong",
    "certificate-expired", "key-leaked", "obligations-overdue", "ledger-difference", "deliveries-failing",
    "partner-behind", "af-queue-stuck",
]  # fmt: skip
_COMMAND = re.compile(r"(?:^|`)kundval ((?:[a-z._-]+ ?)+)([^`\n#]*)", re.MULTILINE)
_METRIC = re.compile(r"`(kundval_[a-z_]+)`")
#: names of databases, not of metrics
_DATABASES = {f"kundval_{service}" for service in SERVICES}


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    for module in ("scheduling.looks", "billing.looks", "notifications.delivery.metrics", "assignment.to_af.metrics"):
        import_module(f"kundval_{module}")
    return {metric.name for metric in telemetry.REGISTRY.collect()}


def test_there_is_a_page_for_everything_that_can_happen_and_the_index_names_them() -> None:
    assert [page.stem for page in PAGES] == sorted(SLUGS)
    listed = re.findall(r"^\| \[.+?\]\(([a-z-]+)\.md\)", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(SLUGS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_the_form_of_all(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    for part in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]:
        assert part.strip()
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    for file in re.findall(r"`((?:tests|deploy|bench)/[\w./-]+)`", text):
        assert (ROOT / file).exists(), file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_commands_exist(page: Path) -> None:
    found = _COMMAND.findall(page.read_text())
    for words, rest in found:
        names = words.split()
        command: click.Command = cli
        context = click.Context(cli)
        while names and isinstance(command, click.Group):
            inner = command.get_command(context, names.pop(0))
            assert inner is not None, f"kundval {words}"
            command = inner
        options = {option for param in command.params for option in param.opts}
        for option in re.findall(r"(?:^|\s)(--[a-z-]+)", f"{' '.join(names)} {rest}"):
            assert option in options, f"kundval {words}{rest}"
        if command.name == "call":
            (method,) = names[:1] or [rest.split()[0]]
            assert method in METHODS, method


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_metrics_exist(page: Path, metrics: set[str]) -> None:
    named = set(_METRIC.findall(page.read_text())) - _DATABASES
    assert not named - metrics


def test_what_the_doctor_and_the_alerts_point_to_is_there() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "chassis" / "kundval_chassis" / "doctor").glob("*.py"))
    for service in SERVICES:
        code += (ROOT / "services" / service / f"kundval_{service}" / "doctor.py").read_text()
    pointed = set(re.findall(r'^\s+"([a-z]+(?:-[a-z]+)+)",?$', code, re.MULTILINE))
    assert len(pointed) > 10 and pointed <= set(SLUGS)
    rules = "\n".join(path.read_text() for path in (ROOT / "deploy" / "observability" / "rules").glob("*.yml"))
    assert set(re.findall(r"docs/runbooks/([a-z-]+)\.md", rules)) <= set(SLUGS)
