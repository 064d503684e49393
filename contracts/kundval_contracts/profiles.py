"""Municipality profiles as data: `data/municipalities/<key>.toml`, loaded and checked on first use."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from .rules import rule
from .settings import read_settings


@dataclass(frozen=True, slots=True)
class Profile:
    """A municipality: key, name, whether it uses BIP, and the readings it has chosen (typed settings)."""

    key: str
    name: str
    uses_bip: bool
    settings: dict[str, Any]


@cache
@rule("LOKA-59")
def profiles() -> dict[str, Profile]:
    """Every known municipality by key. Raises ValueError naming the file and key of an incomplete one."""
    found = {}
    for file in sorted(files(__package__).joinpath("data/municipalities").iterdir(), key=lambda item: item.name):
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        missing = [key for key in ("key", "name", "uses_bip") if key not in raw]
        if missing:
            raise ValueError(f"{file.name}: missing {', '.join(missing)}")
        found[raw["key"]] = Profile(raw["key"], raw["name"], raw["uses_bip"], read_settings(raw.get("settings", {})))
    return found
