"""The terms of authorisation as data: the checklist of each family of programmes, and a municipality's own terms.

`data/authorisation_terms.toml` holds what the sources say; the setting `authorisation.local_terms` adds a
municipality's (GAP-03), `authorisation.validity_months` says how old evidence may be.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .codes import Programme, TermEvidence
from .rules import register

if TYPE_CHECKING:
    from .settings import RuleSettings


@dataclass(frozen=True, slots=True)
class Term:
    """A row of the checklist.

    families: to whose programmes it belongs. validity_months: how old evidence may be, None: no limit. mandatory:
    without it nobody is authorised. subcontractors: each declared subcontractor has to meet it too.
    """

    code: str
    families: tuple[str, ...]
    title: str
    evidence: TermEvidence
    rules: tuple[str, ...] = ()
    mandatory: bool = True
    validity_months: int | None = None
    subcontractors: bool = False

    def belongs_to(self, programme: Programme) -> bool:
        return family(programme) in self.families


@dataclass(frozen=True, slots=True)
class _Data:
    families: Mapping[Programme, str]
    terms: tuple[Term, ...]


def family(programme: Programme) -> str:
    """The family whose checklist a programme follows; that of one that a tariff file adds stands there."""
    known = _data().families.get(programme)
    if known is not None:
        return known
    from .tariffs import tariffs  # which reads settings, and those the terms

    return tariffs()[programme.value].family or ""


def families() -> tuple[str, ...]:
    """Every family, in the order of the file."""
    return tuple(dict.fromkeys(_data().families.values()))


def terms(settings: RuleSettings) -> tuple[Term, ...]:
    """The checklist as it holds under `settings`: the file's terms, then the municipality's own."""
    ages: Mapping[str, int] = settings["authorisation.validity_months"]
    local = (read_term(row) for row in settings["authorisation.local_terms"])
    return tuple(
        replace(term, validity_months=ages[term.code]) if term.code in ages else term
        for term in (*_data().terms, *local)
    )


def read_term(row: Mapping[str, Any]) -> Term:
    """A term from its row in the file or the settings. Raises ValueError with the reason."""
    unknown = set(row) - {
        "code", "families", "title", "evidence", "rules", "mandatory", "validity_months", "subcontractors"
    }  # fmt: skip
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(map(str, unknown)))}")
    try:
        term = Term(
            row["code"],
            tuple(row["families"]),
            row["title"],
            TermEvidence(row["evidence"]),
            tuple(row.get("rules", ())),
            row.get("mandatory", True),
            row.get("validity_months"),
            row.get("subcontractors", False),
        )
    except KeyError as error:
        raise ValueError(f"{error.args[0]} is missing") from None
    except TypeError:
        raise ValueError("families and rules must be lists of codes") from None
    if not (isinstance(term.code, str) and term.code.isidentifier() and term.code.isupper()):
        raise ValueError("code must be capital letters, digits and underscores")
    if not (isinstance(term.title, str) and 0 < len(term.title) <= 200):
        raise ValueError("title must be a text of 200 characters at most")
    if not (type(term.mandatory) is bool and type(term.subcontractors) is bool):
        raise ValueError("mandatory and subcontractors must be true or false")
    age = term.validity_months
    if age is not None and not (type(age) is int and 1 <= age <= 1200):
        raise ValueError("validity_months must be from 1 to 1200")
    return term


@cache
def _data() -> _Data:
    """The file, checked. Raises ValueError naming what is wrong in it."""
    raw = tomllib.loads(files(__package__).joinpath("data/authorisation_terms.toml").read_text(encoding="utf-8"))
    known = {Programme(code): row["code"] for row in raw["family"] for code in row["programmes"]}
    missing = [programme.value for programme in Programme if programme not in known]
    found = tuple(read_term(row) for row in raw["term"])
    codes = [term.code for term in found]
    wrong = [
        *(f"no family for {code}" for code in missing),
        *(f"{code} stands twice" for code in dict.fromkeys(codes) if codes.count(code) > 1),
        *(f"{term.code}: no rule {one}" for term in found for one in term.rules if one not in register()),
        *(f"{term.code}: no family {one}" for term in found for one in term.families if one not in known.values()),
    ]
    if wrong:
        raise ValueError(f"authorisation_terms.toml: {'; '.join(wrong)}")
    return _Data(MappingProxyType(known), found)


def file_terms() -> tuple[Term, ...]:
    """The terms of the file alone."""
    return _data().terms
