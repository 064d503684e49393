"""The pages to browse hold together: what they load is written beside them, and nothing comes from a network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs import build_site
from kundval_contracts import catalogue


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pages, made with empty files for the programs that would come from npm."""
    for name in build_site.PROGRAMS:
        program = tmp_path / "packages" / "node_modules" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch()
    monkeypatch.setattr(build_site, "install", lambda *_: tmp_path / "packages")
    return build_site.build(tmp_path / "site").parent


def test_all_that_a_page_loads_or_leads_to_is_there(site: Path) -> None:
    found = 0
    for page in site.glob("*.html"):
        for target in re.findall(r'(?:src|href)="([^"]+)"', page.read_text(encoding="utf-8")):
            assert (site / target).is_file(), target
            found += 1
    assert found > 10


def test_the_first_page_says_how_much_there_is(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    methods = [path for path in catalogue.read("openapi.json")["paths"] if path.startswith("/v1/")]
    assert f"{len(methods)} over HTTP" in text
    assert f"{len(catalogue.read('asyncapi.json')['components']['messages'])} of them" in text


def test_the_documents_come_as_scripts_too(site: Path) -> None:
    script = (site / "openapi-document.js").read_text(encoding="utf-8")
    assert json.loads(script.removeprefix("const described = ").rstrip(";\n")) == catalogue.read("openapi.json")


def test_the_programs_are_those_of_the_lock_file() -> None:
    lock = json.loads((build_site.SOURCE / "package-lock.json").read_text(encoding="utf-8"))
    assert {"node_modules/@asyncapi/react-component", "node_modules/swagger-ui-dist"} <= set(lock["packages"])
