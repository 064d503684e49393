"""What people wrote in the documentation still fits: links, examples, names of settings, metrics and methods."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from docs.catalogue import markdown
from kundval_chassis import settings, telemetry
from kundval_contracts import caseload, yaml12
from kundval_contracts.facts import FACT_SCHEMAS
from kundval_contracts.rpc import METHODS
from kundval_notifications.settings import SETTINGS as NOTIFICATIONS

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "services", "contracts", "chassis", "deploy")
PAGES = ["README.md", "CHANGELOG.md"]
PAGES += sorted(path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))


@cache
def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)


def headings(page: str) -> set[str]:
    prose = re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE)
    return {markdown.anchor(line.lstrip("# ")) for line in prose.splitlines() if line.startswith("#")}


def links(page: str) -> Iterator[tuple[str, str]]:
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            yield file, anchor


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for file, anchor in links(page):
        target = (ROOT / page).parent.joinpath(file).resolve() if file else ROOT / page
        assert target.exists(), file
        if anchor and target.suffix == ".md":
            assert f"#{anchor}" in headings(target.relative_to(ROOT).as_posix()), f"{file}#{anchor}"


@pytest.mark.parametrize("page", PAGES)
def test_every_program_and_example_can_be_read(page: str) -> None:
    for block in blocks(page, "python"):
        ast.parse(block)
    for block in blocks(page, "json"):
        json.loads(block)
    for block in blocks(page, "toml"):
        tomllib.loads(block)
    for block in blocks(page, "yaml"):
        yaml12.load(block)


def test_the_example_of_the_caseload_format_is_a_caseload() -> None:
    (example,) = blocks("docs/reference/caseload-format.md", "yaml")
    assert len(caseload.load(example).assignments[0].facts) == 6


def test_the_caseload_format_names_every_fact_and_every_field_of_it() -> None:
    page = text("docs/reference/caseload-format.md")
    for kind, schema in FACT_SCHEMAS.items():
        assert f"`{kind.value}`" in page
        if kind.value in ("result_reported", "extended"):
            continue
        for name, field in schema.fields.items():
            # minutes and the like belong to the employment service's programmes
            if (kind.value, name) not in {("contact", one) for one in ("minutes", "individual", "place", "activity")}:
                assert f"`{field.data_key or name}`" in page, f"{kind}.{name}"


def test_operations_are_told_every_setting_and_every_metric() -> None:
    page = text("docs/how-to/operate.md") + text("docs/how-to/messages.md")
    for setting in (*settings.CHASSIS, *NOTIFICATIONS):
        # a secret can be given as a file too, under its own key with _FILE
        names = (setting.name, setting.name.removesuffix("_FILE"))
        keys = [f"KUNDVAL_{whose}{name}`" for name in names for whose in ("", "<SERVICE>_")]
        assert any(key in page for key in keys), setting.name
    for metric in telemetry.REGISTRY.collect():
        assert not metric.name.startswith("kundval_") or f"`{metric.name}`" in page, metric.name


@pytest.mark.parametrize("service", sorted({method.service for method in METHODS.values()}))
def test_a_services_page_names_its_methods(service: str) -> None:
    named = set(re.findall(r"`(\w+\.\w+)`", text(f"services/{service}/README.md")))
    assert {name for name, method in METHODS.items() if method.service == service} <= named


def test_every_decision_is_in_the_list() -> None:
    decisions = {path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")}
    assert {file for file, _ in links("docs/decisions/README.md")} == decisions


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_machine(page: str) -> None:
    assert not re.search(r"(?<![\w.])/(work|root|home|tmp)/", text(page))
