"""The generated reference pages say what the contracts say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import build_catalogue
from kundval_contracts.events import EVENTS, SERVICES
from kundval_contracts.rpc import METHODS
from kundval_contracts.settings import SETTINGS

PAGES = sorted(build_catalogue.PAGES)


def test_the_pages_on_disk_are_what_the_generator_makes() -> None:
    # in a process of its own: other tests add methods to the register
    done = subprocess.run(
        [sys.executable, str(Path(build_catalogue.__file__)), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run: python docs/build_catalogue.py\n{done.stdout}{done.stderr}"


def test_a_page_that_was_edited_or_is_missing_is_found(tmp_path: Path) -> None:
    for name, made in build_catalogue.PAGES.items():
        (tmp_path / name).write_text(made(), encoding="utf-8")
    assert build_catalogue.stale(tmp_path) == []
    (tmp_path / "rpc.md").write_text("something else", encoding="utf-8")
    (tmp_path / "codes.md").unlink()
    assert build_catalogue.stale(tmp_path) == ["codes.md", "rpc.md"]


def test_every_setting_event_and_method_is_in_its_page() -> None:
    pages = {name: made() for name, made in build_catalogue.PAGES.items()}
    assert not [key for key in SETTINGS if f"`{key}`" not in pages["settings.md"]]
    assert not [name for name in EVENTS if f"\n### {name}\n" not in pages["events.md"]]
    own = [name for name in METHODS if name.partition(".")[0] in SERVICES]  # other tests add methods
    assert not [name for name in own if f"\n### {name}\n" not in pages["rpc.md"]]


@pytest.mark.parametrize("name", PAGES)
def test_every_link_in_a_page_leads_to_a_heading(name: str) -> None:
    pages = {page: made() for page, made in build_catalogue.PAGES.items()}
    headings = {
        page: {build_catalogue.anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")}
        for page, text in pages.items()
    }
    for file, target in re.findall(r"\]\(([\w.-]*)(#[\w-]+)\)", pages[name]):
        assert target in headings[file or name], f"{file}{target}"


@pytest.mark.parametrize("name", PAGES)
def test_a_heading_of_an_object_stands_once(name: str) -> None:
    headings = [line for line in build_catalogue.PAGES[name]().splitlines() if line.startswith("### ")]
    assert len(headings) == len(set(headings))
