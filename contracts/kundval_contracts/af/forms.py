"""The employment service's element names and codes as data (`af_orders.toml`), and a deployment's own over them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..codes import EmploymentForm, Programme


@dataclass(frozen=True, slots=True)
class Forms:
    """Element names by field, names of documents, programmes by service and track code, forms of subsidies."""

    elements: Mapping[str, tuple[str, ...]]
    documents: Mapping[str, tuple[str, ...]]
    services: Mapping[str, Mapping[str, Programme]]
    forms: Mapping[str, EmploymentForm]


def load(own: Path | None = None) -> Forms:
    """The forms that the package comes with, `own` over them. Raises ValueError naming what is wrong with `own`."""
    return _base() if own is None else _read(_raw(), _toml(own))


@cache
def _base() -> Forms:
    return _read(_raw(), {})


def _raw() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("../data/af_orders.toml").read_text(encoding="utf-8"))


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ValueError("names no file of TOML that can be read") from None


def _read(base: Mapping[str, Any], own: Mapping[str, Any]) -> Forms:
    for table, rows in own.items():
        if table not in base or not isinstance(rows, Mapping):
            raise ValueError(f"there is no table {table}")
        unknown = set(rows) - set(base[table]) if table in ("elements", "documents") else set()
        if unknown:
            raise ValueError(f"{table}: there is no {', '.join(sorted(unknown))}")
    merged = {table: {**rows, **own.get(table, {})} for table, rows in base.items()}
    try:
        return Forms(
            _names(merged["elements"]),
            _names(merged["documents"]),
            MappingProxyType(
                {
                    service: MappingProxyType({str(code): Programme(one) for code, one in tracks.items()})
                    for service, tracks in merged["services"].items()
                }
            ),
            MappingProxyType({str(code).upper(): EmploymentForm(form) for code, form in merged["forms"].items()}),
        )
    except AttributeError:
        raise ValueError("services: each has a table of tracks") from None


def _names(table: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    for field, names in table.items():
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise ValueError(f"{field}: must be a list of names")
    return MappingProxyType({field: tuple(names) for field, names in table.items()})
