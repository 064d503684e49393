"""What is not as a release must be is said, each fault by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from docs.check_release import DISTRIBUTIONS, ROOT, faults
from kundval_contracts import versions

DAY = date(2027, 1, 15)
VERSION = "0.2.0"
OVERLAY = "deploy/kubernetes/overlays/one/kustomization.yaml"


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree that is a release, as far as one looks at it."""
    monkeypatch.setattr(versions, "faults", list)
    for name in DISTRIBUTIONS:
        (tmp_path / name).mkdir(parents=True)
        shutil.copyfile(ROOT / name / "pyproject.toml", tmp_path / name / "pyproject.toml")
        change(tmp_path, f"{name}/pyproject.toml", version(), VERSION)
    texts = {
        "CHANGELOG.md": f"# Changes\n\n## [Unreleased]\n\n## [{VERSION}] - {DAY}\n\n- More.\n",
        f"contracts/published/{VERSION}.json": json.dumps({"release": {"version": VERSION, "on": str(DAY)}}),
        "docs/how-to/upgrade.md": f"# Upgrade\n\n### {VERSION}, from 0.1.0\n",
        OVERLAY: f"  - {{name: kundval-billing, newTag: {VERSION}}}\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def version() -> str:
    text = (ROOT / "contracts" / "pyproject.toml").read_text()
    return text.split('version = "', 1)[1].split('"', 1)[0]


def change(root: Path, name: str, before: str, after: str) -> None:
    text = (root / name).read_text()
    assert before in text
    (root / name).write_text(text.replace(before, after))


def test_a_release_has_no_faults(release: Path) -> None:
    assert faults(release, DAY) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda r: change(r, "services/billing/pyproject.toml", '"0.2.0"', '"0.3.0"'), "billing is version 0.3.0"),
        (lambda r: change(r, "chassis/pyproject.toml", "==0.2.0", "==0.1.9"), "chassis needs kundval-contracts 0.1.9"),
        (lambda r: change(r, "CHANGELOG.md", "[Unreleased]\n", "[Unreleased]\n\n- One more.\n"), "not released"),
        (lambda r: change(r, "CHANGELOG.md", "## [Unreleased]\n", ""), "does not begin with [Unreleased]"),
        (lambda r: change(r, "CHANGELOG.md", "[0.2.0]", "[0.1.9]"), "the newest release in CHANGELOG.md is not 0.2.0"),
        (lambda r: change(r, "CHANGELOG.md", str(DAY), "2027-01-14"), "RELEASE_DAY is 2027-01-15"),
        (lambda r: (r / "contracts/published/0.2.0.json").unlink(), "are not published"),
        (lambda r: change(r, "contracts/published/0.2.0.json", "-15", "-14"), "were published for 2027-01-14"),
        (lambda r: change(r, "docs/how-to/upgrade.md", "### 0.2.0", "### Unreleased"), "has no notes for 0.2.0"),
        (lambda r: change(r, OVERLAY, "0.2.0", "0.1.9"), "one deploys kundval-billing 0.1.9"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_each_fault_of_a_release_is_said(release: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(release)
    (found,) = faults(release, DAY)
    assert said in found


def test_what_is_wrong_with_versions_of_events_is_a_fault_of_the_release(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "faults", lambda: ["assignment.exited v1 is dropped"])
    assert faults(release, DAY) == ["assignment.exited v1 is dropped"]
