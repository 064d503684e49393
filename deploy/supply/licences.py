"""Under which licences the locked packages come: from their metadata, or as `licences.toml` states it.

A package may be used if its licence is among those that are allowed there. The list of all is `LICENCES.md`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from license_expression import ExpressionError, get_spdx_licensing

from .lock import graph, locked, own

STATED = Path(__file__).with_name("licences.toml")
#: of a package that says nowhere under which licence it comes
NOT_STATED = "LicenseRef-not-stated"
PAGE = Path(__file__).with_name("LICENCES.md")

_HEAD = """# Licences of the locked packages

Made by `make licences` from the packages' metadata and [licences.toml](licences.toml). "Runs": a service, the gateway
or the command needs it; the others are for tests, checks and benchmarks alone and come into no image.

| Package | Licence | Runs |
| --- | --- | --- |
"""


@cache
def stated() -> dict[str, Any]:
    """What `licences.toml` says: licences that are `allowed`; `packages` whose metadata says nothing of use."""
    return tomllib.loads(STATED.read_text(encoding="utf-8"))


def known() -> dict[str, str]:
    """The licence of each locked package as an SPDX expression; where nobody says one, "unknown"."""
    return {name: _of(name) for name in sorted(locked())}


def faults() -> Iterator[str]:
    """What must be settled by a person, a line each."""
    allowed, tools = set(stated()["allowed"]), set(stated()["allowed-for-tools"])
    running, spdx = running_names(), get_spdx_licensing()
    for name, licence in known().items():
        if licence == NOT_STATED:
            if name in running:
                yield f"{name}: says no licence, and runs"
            continue
        try:
            parsed = spdx.parse(licence, validate=True)
        except ExpressionError:
            yield f"{name}: {licence} is no SPDX expression"
            continue
        needed = {str(one) for one in parsed.literals}
        good = allowed if name in running else allowed | tools
        # of a choice one that is allowed is enough
        if not (needed <= good or (" OR " in licence and " AND " not in licence and needed & good)):
            yield f"{name}: {licence} is not among the allowed licences"


def running_names() -> set[str]:
    """The packages that the distributions of the suite need."""
    ours = own()
    return {name for one in ours.values() for name in graph(one.requires, ours)}


def page() -> str:
    """The list of all, as Markdown."""
    running = running_names()
    rows = [f"| {name} | {licence} | {'yes' if name in running else ''} |" for name, licence in known().items()]
    return _HEAD + "\n".join(rows) + "\n"


def _of(name: str) -> str:
    mine: str | None = stated()["packages"].get(name)
    if mine is not None:
        return mine
    if name in stated()["without"]:
        return NOT_STATED
    try:
        found: str | None = metadata(name).get("License-Expression")
    except PackageNotFoundError:
        return "unknown"
    return found or "unknown"
