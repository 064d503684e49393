"""Tables as data: a TOML file of this package with a table for each code of a list, every fault in it named at once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeVar

Code = TypeVar("Code", bound=StrEnum)
Row = TypeVar("Row")


def read_table(file: str, codes: type[Code], read: Callable[[Code, Mapping[str, Any]], Row]) -> Mapping[Code, Row]:
    """The rows of `data/<file>` by code, in the order of the code list. Raises ValueError naming all that is wrong.

    `read` makes a row of a table, and raises KeyError for what is missing and ValueError with the reason.
    """
    raw = tomllib.loads(files(__package__).joinpath(f"data/{file}").read_text(encoding="utf-8"))
    wrong = [f"no kind {name}" for name in raw if name not in set(codes)]
    wrong += [f"nothing about {code}" for code in codes if code not in raw]
    found: dict[Code, Row] = {}
    for code in codes:
        try:
            found[code] = read(code, raw.get(code, {}))
        except (KeyError, ValueError) as error:
            wrong.append(f"{code}: {error}")
    if wrong:
        raise ValueError(f"{file}: {'; '.join(wrong)}")
    return MappingProxyType(found)


def only(row: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Raises ValueError naming the keys of a row that there are not."""
    unknown = sorted(set(row) - set(keys))
    if unknown:
        raise ValueError(f"unknown key {', '.join(unknown)}")
