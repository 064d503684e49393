"""Is the working tree a release? What is not as a release must be, one a line; status 1 if there is anything.

    python docs/check_release.py

What to do about each stands in `docs/how-to/release.md`.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kundval_contracts import versions  # noqa: E402  (found by the line above if this is run as a program)

SERVICES = ("assignment", "scheduling", "billing", "notifications")
DISTRIBUTIONS = ("contracts", "chassis", *(f"services/{one}" for one in SERVICES))

_HEADING = re.compile(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)
_TAG = re.compile(r"name: (kundval-\w+), newTag: ([\w.]+)")


def faults(root: Path = ROOT, release_day: date | None = None) -> list[str]:
    """What is not as a release must be, in words. `release_day`: that of the contracts, if not theirs of now."""
    return list(_faults(root, release_day or versions.RELEASE_DAY))


def _faults(root: Path, release_day: date) -> Iterator[str]:
    projects = {name: _project(root, name) for name in DISTRIBUTIONS}
    wanted = projects["contracts"]["version"]
    for name, project in projects.items():
        if project["version"] != wanted:
            yield f"{name} is version {project['version']}, contracts {wanted}"
        for need in project.get("dependencies", ()):
            if (pinned := re.fullmatch(r"(kundval-\w+)(?:\[\w+\])?==(.+)", need)) and pinned[2] != wanted:
                yield f"{name} needs {pinned[1]} {pinned[2]}, not {wanted}"
    yield from versions.faults()
    yield from _changelog((root / "CHANGELOG.md").read_text(encoding="utf-8"), wanted, release_day)
    kept = root / "contracts" / "published" / f"{wanted}.json"
    if not kept.is_file():
        yield f"the contracts of {wanted} are not published (docs/publish_contracts.py)"
    elif (on := json.loads(kept.read_text(encoding="utf-8"))["release"]["on"]) != release_day.isoformat():
        yield f"the contracts of {wanted} were published for {on}, RELEASE_DAY is {release_day}"
    upgrade = (root / "docs" / "how-to" / "upgrade.md").read_text(encoding="utf-8")
    if f"\n### {wanted}" not in upgrade:
        yield f"docs/how-to/upgrade.md has no notes for {wanted}"
    for overlay in sorted((root / "deploy" / "kubernetes" / "overlays").glob("*/kustomization.yaml")):
        for image, tag in _TAG.findall(overlay.read_text(encoding="utf-8")):
            if tag != wanted:
                yield f"{overlay.parent.name} deploys {image} {tag}, not {wanted}"


def _changelog(text: str, wanted: str, release_day: date) -> Iterator[str]:
    headings = _HEADING.findall(text)
    names = [name for name, _ in headings]
    if not names or names[0] != "Unreleased":
        yield "CHANGELOG.md does not begin with [Unreleased]"
        return
    between = text.split("\n## [Unreleased]", 1)[1].split("\n## ", 1)[0]
    if between.strip():
        yield "CHANGELOG.md has changes that are not released"
    if len(names) < 2 or names[1] != wanted:
        yield f"the newest release in CHANGELOG.md is not {wanted}"
    elif headings[1][1] != release_day.isoformat():
        yield f"CHANGELOG.md says {wanted} is of {headings[1][1] or 'no day'}, RELEASE_DAY is {release_day}"


def _project(root: Path, name: str) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((root / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def main() -> int:
    found = faults()
    print("\n".join(found) or "this is a release")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
