"""As whom, and for what, a deployment asks the joint base service (SSBTEK): a file of TOML.

    [submitters.nacka]                    # by tenant
    organisation = "…"                    # 12 digits
    name = "…"

    [purposes.FINANCIAL_ASSISTANCE]       # what may be asked for, and what the request then declares
    purpose = "…"
    law = "…"

The service exists for financial assistance. A purpose that does not stand here is not asked for.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kundval_contracts.codes import Purpose


@dataclass(frozen=True, slots=True)
class Submitter:
    """The municipality as the base service knows it. organisation: 12 digits."""

    organisation: str
    name: str


@dataclass(frozen=True, slots=True)
class Declared:
    """What a request says of its purpose (`syfte`) and the law that it rests on (`lagtext`)."""

    purpose: str
    law: str


@dataclass(frozen=True, slots=True)
class Terms:
    submitters: Mapping[str, Submitter]
    purposes: Mapping[Purpose, Declared]


def read(path: Path) -> Terms:
    """The terms in a file. Raises ValueError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ValueError("names no file of TOML that can be read") from None
    if unknown := sorted(set(raw) - {"submitters", "purposes"}):
        raise ValueError(f"has no table {', '.join(unknown)}")
    submitters = {
        tenant: Submitter(*_texts(row, f"submitters.{tenant}", "organisation", "name"))
        for tenant, row in _table(raw, "submitters").items()
    }
    for tenant, one in submitters.items():
        if not re.fullmatch(r"[0-9]{12}", one.organisation):
            raise ValueError(f"submitters.{tenant}.organisation: must have 12 digits")
    purposes = {}
    for name, row in _table(raw, "purposes").items():
        if name not in set(Purpose):
            raise ValueError(f"purposes.{name}: must be one of: {', '.join(Purpose)}")
        purposes[Purpose(name)] = Declared(*_texts(row, f"purposes.{name}", "purpose", "law"))
    return Terms(submitters, purposes)


def _table(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name)
    if not isinstance(found, Mapping) or not found:
        raise ValueError(f"{name}: must be a table with one row at least")
    return found


def _texts(row: Any, path: str, *names: str) -> list[str]:
    if not isinstance(row, Mapping) or set(row) != set(names):
        raise ValueError(f"{path}: must have {' and '.join(names)}")
    for name in names:
        if not isinstance(row[name], str) or not row[name].strip():
            raise ValueError(f"{path}.{name}: must be text")
    return [row[name].strip() for name in names]
