"""Which of the locked requirements the distributions of one image need.

`requirements.toml` beside this file lists their names by image; `requirements.txt` at the top has versions and hashes.

    python deploy/images/subset.py billing            print that part of requirements.txt, for pip's --require-hashes
    python deploy/images/subset.py --folders billing  print the folders of our own distributions that the image holds
    python deploy/images/subset.py --write            write requirements.toml anew, from what is installed

The first two need the standard library alone: they run while an image is built. The last runs after `make lock` and
`make setup`; a test fails if it was forgotten.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = HERE / "requirements.toml"
SERVICES = ("assignment", "scheduling", "billing", "notifications")
#: image -> the services in it. The gateway needs the chassis alone; an operator's commands know every service.
IMAGES: dict[str, tuple[str, ...]] = {**{one: (one,) for one in SERVICES}, "gateway": (), "operator": SERVICES}
#: what our own distributions are built with, in the stage that builds
BUILD = ["setuptools"]
#: Pythons that the suite runs on; a requirement may be needed on some of them only
PYTHONS = ("3.11", "3.12", "3.13")
HEAD = "# Locked requirements of each image, by name. Written by `deploy/images/subset.py --write`.\n"


def canonical(name: str) -> str:
    """A distribution's name as requirements.txt writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def folders(image: str) -> list[str]:
    """Folders of our own distributions that an image holds, in the order in which they build on each other."""
    return ["contracts", "chassis", *(f"services/{service}" for service in IMAGES[image])]


def needed(image: str) -> set[str]:
    """Names of all distributions that an image needs on Linux, those of kundval left out.

    Of our own they are read from pyproject.toml, of others from what is installed. Raises LookupError naming one that
    is needed and not installed.
    """
    found: set[str] = set()
    todo = [(f"kundval-{Path(folder).name}", frozenset[str]()) for folder in folders(image)]
    seen = set(todo)
    while todo:
        name, extras = todo.pop()
        try:
            lines = _own(name, extras) if name.startswith("kundval-") else requires(name) or []
        except PackageNotFoundError:
            raise LookupError(f"{name} is needed and not installed: run make setup") from None
        for one in _required(lines, extras):
            if not one[0].startswith("kundval-"):
                found.add(one[0])
            if one not in seen:
                seen.add(one)
                todo.append(one)
    return found


def _own(name: str, extras: frozenset[str]) -> list[str]:
    """The requirements of one of our distributions, as its source says now."""
    folder = next(one for one in folders("operator") if one.endswith(name.removeprefix("kundval-")))
    project = tomllib.loads((HERE.parents[1] / folder / "pyproject.toml").read_text())["project"]
    more = project.get("optional-dependencies", {})
    return [*project.get("dependencies", []), *(line for extra in extras for line in more.get(extra, []))]


def _required(lines: Iterable[str], extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    from packaging.requirements import Requirement

    for line in lines:
        requirement = Requirement(line)
        marker = requirement.marker
        places = (
            {
                "python_version": python,
                "python_full_version": f"{python}.9",
                "sys_platform": "linux",
                "platform_system": "Linux",
                "os_name": "posix",
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "extra": extra,
            }
            for python in PYTHONS
            for extra in extras or {""}
        )
        if marker is None or any(marker.evaluate(place) for place in places):
            yield canonical(requirement.name), frozenset(requirement.extras)


def select(locked: str, names: Iterable[str]) -> str:
    """The part of the text of requirements.txt that is about these names, with its hashes.

    Raises LookupError with the names that are not locked.
    """
    wanted, found = set(names), set()
    kept: list[str] = []
    keeping = False
    for line in locked.splitlines(keepends=True):
        if start := re.match(r"([A-Za-z0-9._-]+)(\[[^]]*\])?==", line):
            keeping = start[1] in wanted
            found.add(start[1])
        if keeping:
            kept.append(line)
    if missing := wanted - found:
        raise LookupError(f"not in requirements.txt: {', '.join(sorted(missing))}")
    return "".join(kept)


def as_text() -> str:
    """What requirements.toml must hold, from the metadata of what is installed."""
    blocks = (
        "".join([f"\n{image} = [\n", *(f'    "{name}",\n' for name in sorted(needed(image))), "]\n"])
        for image in IMAGES
    )
    return HEAD + "".join(blocks)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0; 1 if what is asked for cannot be told, with the reason."""
    parser = argparse.ArgumentParser(prog="subset.py", description="The locked requirements of one image.")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("image", nargs="?", choices=[*sorted(IMAGES), "build"])
    chosen.add_argument("--write", action="store_true", help="write requirements.toml anew")
    parser.add_argument("--folders", action="store_true", help="print folders instead")
    parser.add_argument("--lock", type=Path, default=HERE.parents[1] / "requirements.txt", help="what is locked")
    asked = parser.parse_args(arguments)
    try:
        if asked.write:
            NAMES.write_text(as_text())
        elif asked.folders:
            print(*folders(asked.image))
        else:
            names = BUILD if asked.image == "build" else tomllib.loads(NAMES.read_text())[asked.image]
            sys.stdout.write(select(asked.lock.read_text(), names))
    except LookupError as error:
        print(f"subset.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
