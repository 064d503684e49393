"""Which kind of data about a person may be used for which purpose, on which legal basis: a table as data.

`data/lawful_uses.toml` holds what the suite comes with; the setting `gate.uses` says otherwise for a municipality, kind
by kind. What stands in neither is refused: purposes are not interchangeable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from .codes import ConsentScope, DataKind, LegalBasis, Purpose
from .tables import only, read_table

Code = TypeVar("Code", bound=StrEnum)
#: by purpose, the bases on which a kind of data may be used for it
Uses = Mapping[Purpose, tuple[LegalBasis, ...]]


@dataclass(frozen=True, slots=True)
class Lawful:
    """A row of the table. `consents`: which consents of the client cover the kind of data."""

    uses: Uses
    consents: tuple[ConsentScope, ...]


def read_uses(value: Any) -> Uses:
    """`{PURPOSE: [BASIS, …]}`. Raises ValueError with the reason."""
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a map from {', '.join(Purpose)} to lists of {', '.join(LegalBasis)}")
    return MappingProxyType({purpose: _codes(value[purpose], LegalBasis) for purpose in _codes([*value], Purpose)})


def _codes(value: Any, codes: type[Code]) -> tuple[Code, ...]:
    if not isinstance(value, list | tuple) or not all(one in set(codes) for one in value):
        raise ValueError(f"must be a list of: {', '.join(codes)}")
    return tuple(codes(one) for one in value)


@cache
def table() -> Mapping[DataKind, Lawful]:
    """What the suite comes with."""
    return read_table("lawful_uses.toml", DataKind, _row)


def _row(_: DataKind, row: Mapping[str, Any]) -> Lawful:
    only(row, ("uses", "consents"))
    return Lawful(read_uses(row["uses"]), _codes(row.get("consents", []), ConsentScope))
