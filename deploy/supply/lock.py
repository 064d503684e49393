"""The locked packages, and which of them a distribution of the suite needs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.txt"
#: folders of the distributions of the suite
DISTRIBUTIONS = (
    "contracts", "chassis", "services/assignment", "services/scheduling", "services/billing", "services/notifications",
)  # fmt: skip

_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]+?))?\s*\\?$"
)


@dataclass(frozen=True, slots=True)
class Locked:
    """A locked package. here: whether it is for this kind of machine at all."""

    name: str
    version: str
    here: bool


@dataclass(frozen=True, slots=True)
class Own:
    """A distribution of the suite: its name, version, description and what it requires."""

    name: str
    version: str
    description: str
    requires: tuple[Requirement, ...]


def locked(text: str | None = None) -> dict[str, Locked]:
    """The locked packages by canonical name; `text` is that of a lock file."""
    found: dict[str, Locked] = {}
    for line in (LOCK.read_text(encoding="utf-8") if text is None else text).splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        name = canonicalize_name(match["name"])
        marker = Requirement(f"{name}; {match['marker']}").marker if match["marker"] else None
        found[name] = Locked(name, match["version"], marker is None or marker.evaluate())
    return found


def own() -> dict[str, Own]:
    """The distributions of the suite by name, from their pyproject.toml."""
    found = {}
    for folder in DISTRIBUTIONS:
        said = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        requires = tuple(map(Requirement, said.get("dependencies", ())))
        found[said["name"]] = Own(said["name"], said["version"], said["description"], requires)
    return found


class NotInstalled(LookupError):
    """A locked package that this machine should have is not installed: run `make setup`."""


def graph(requires: Iterable[Requirement], ours: Mapping[str, Own]) -> dict[str, set[str]]:
    """What is needed for requirements, and by name what each of these needs itself. Raises NotInstalled."""
    found: dict[str, set[str]] = {}
    waiting = [*requires]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        one = waiting.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        if not applies(one) or (name, extras) in seen:
            continue
        seen.add((name, extras))
        inner = list(_needs(name, extras, ours))
        found.setdefault(name, set()).update(canonicalize_name(each.name) for each in inner)
        waiting += inner
    return found


def applies(one: Requirement, extras: Iterable[str] = ("",)) -> bool:
    """Whether a requirement is for this kind of machine, with these extras."""
    return one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)


def _needs(name: str, extras: frozenset[str], ours: Mapping[str, Own]) -> Iterator[Requirement]:
    if name in ours:
        yield from ours[name].requires
        return
    for one in _said(name):
        if applies(one, extras or ("",)):
            # its extra is what has made it apply; from here on it is wanted as it is
            yield Requirement(str(one).partition(";")[0])


@cache
def _said(name: str) -> tuple[Requirement, ...]:
    try:
        return tuple(map(Requirement, distribution(name).requires or ()))
    except PackageNotFoundError:
        raise NotInstalled(name) from None
