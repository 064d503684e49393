"""The caseload file: read, checked as a whole, every fault named by path.

`load(text)` gives a `Caseload` or raises `CaseloadFault` with all faults as (path, message); nothing is
applied from a file that has one. The format is documented in `docs/reference/caseload-format.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from marshmallow import ValidationError

from . import yaml12
from .case import Case, Client, Plan, Provider, Tenant
from .codes import Programme, programmes
from .errors import faults_of
from .fact_fields import EARLIEST, LATEST
from .facts import Fact, load_fact
from .inputs import CLIENT, PLAN, PROVIDER
from .profiles import municipality_faults, profiles
from .settings import RuleSettings, SettingsFault, TariffVersion, read_settings, read_tariffs
from .tariffs import TariffFault, tariffs
from .text import IDENTIFIER, unfit_text

VERSION = 1
_TOP = ("kundval", "municipality", "as_of", "settings", "tariffs", "providers", "payment_runs", "assignments")
_ASSIGNMENT = ("id", "programme", "delivery_area", "client", "plan", "facts")
_FEE_KEYS = {Programme.AMI_1: "AMI1_MONTHLY_FEE", Programme.AMI_2: "AMI2_MONTHLY_FEE"}


class CaseloadFault(ValueError):
    """Everything that is wrong with a file: `faults` is a list of (path, message)."""

    def __init__(self, faults: list[tuple[str, str]]):
        super().__init__("\n".join(f"{path}: {message}" for path, message in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Assignment:
    """One assignment of the file; `facts` in the file's order, each with its place."""

    id: str
    programme: Programme
    client: Client
    plan: Plan
    delivery_area: str | None
    facts: tuple[Fact, ...]

    def case(self, known_by: date) -> Case:
        """The stated facts known by that day, as the judge takes them."""
        case = Case(self.id, self.programme, self.plan, self.delivery_area)
        return case.having(fact for fact in self.facts if fact.known_on <= known_by)


@dataclass(frozen=True, slots=True)
class Caseload:
    """A whole file. `raw` is the document as read, for sending it on."""

    municipality: str
    as_of: date
    settings: RuleSettings
    providers: Mapping[str, Provider]
    payment_runs: tuple[date, ...]
    assignments: tuple[Assignment, ...]
    raw: Mapping[str, Any]

    def tenant(self, name: str = "simulation") -> Tenant:
        return Tenant(name, self.municipality, self.settings, self.providers, self.as_of)

    @property
    def runs(self) -> tuple[date, ...]:
        """Payment runs that have taken place by `as_of`, in order (reading 7)."""
        return tuple(sorted({run for run in self.payment_runs if run <= self.as_of}))

    def at(self, as_of: date) -> Caseload:
        """The same caseload seen from another day (`--as-of`)."""
        return replace(self, as_of=as_of)


class _Faults:
    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, path: str, message: str) -> None:
        self.found.append((path, message))

    def adopt(self, path: str, error: ValidationError) -> None:
        for fault in faults_of(error.messages):
            self.add(".".join(part for part in (path, fault["path"]) if part), fault["message"])


def load(text: str, as_of: date | None = None) -> Caseload:
    """A caseload from YAML or JSON text; `as_of` overrides the file's. Raises CaseloadFault."""
    try:
        raw = yaml12.load(text)
    except yaml12.BadYaml as error:
        raise CaseloadFault([("", str(error))]) from None
    return read(raw, as_of)


def read(raw: Any, as_of: date | None = None) -> Caseload:
    """A caseload from an already parsed document. Raises CaseloadFault."""
    faults = _Faults()
    if not isinstance(raw, Mapping):
        raise CaseloadFault([("", "must be a map with the key `kundval: 1`")])
    try:
        tariffs()
    except TariffFault as error:  # without them nothing can be said about a programme
        raise CaseloadFault(error.faults) from None
    for fault in unfit_text(raw):
        faults.add(fault["path"], fault["message"])
    for key in raw:
        if key not in _TOP:
            faults.add(str(key), "unknown key")
    if raw.get("kundval") != VERSION or isinstance(raw.get("kundval"), bool):
        faults.add("kundval", f"must be {VERSION}, the version of the format")
    municipality = raw["municipality"] if isinstance(raw.get("municipality"), str) else ""
    unfit = municipality_faults(municipality)
    for path, message in unfit:
        faults.add(path, message)
    if unfit:
        municipality = ""
    day = _day(as_of or raw.get("as_of"), "as_of", faults)
    settings = _settings(raw, municipality, faults)
    providers = _providers(raw.get("providers"), faults)
    runs = _days(raw.get("payment_runs"), "payment_runs", faults)
    named = _named_providers(raw.get("providers"))
    assignments = tuple(_assignments(raw.get("assignments"), named, faults))
    stated = _stated_settings(raw)
    for programme, key in _FEE_KEYS.items():
        if any(one.programme is programme for one in assignments) and not (settings.has(key) or key in stated):
            faults.add(f"settings.{key}", f"required: {programme} has no monthly fee by default (GAP-01)")
    if faults.found or day is None:
        raise CaseloadFault(faults.found)
    return Caseload(municipality, day, settings, providers, runs, assignments, raw)


def _settings(raw: Mapping[str, Any], municipality: str, faults: _Faults) -> RuleSettings:
    base = profiles()[municipality].settings if municipality else {}
    values = dict(base)
    tariffs: tuple[TariffVersion, ...] = ()
    given = raw.get("settings")
    if given is not None and not isinstance(given, Mapping):
        faults.add("settings", "must be a map")
    elif given:
        try:
            values = read_settings(given, base)
        except SettingsFault as error:
            for key, message in error.faults:
                faults.add(f"settings.{key}", message)
    if raw.get("tariffs") is not None:
        try:
            tariffs = read_tariffs(raw["tariffs"])
        except SettingsFault as error:
            for key, message in error.faults:
                place, _, rest = key.partition(".")
                faults.add("tariffs" + (f"[{place}]" if place else "") + (f".{rest}" if rest else ""), message)
    return RuleSettings(values, tariffs)


def _providers(raw: Any, faults: _Faults) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    for path, row in _rows(raw, "providers", faults):
        try:
            provider = PROVIDER.load(_primitive(row))
        except ValidationError as error:
            faults.adopt(path, error)
            continue
        if provider.id in found:
            faults.add(f"{path}.id", f"the provider {provider.id} stands twice")
        found[provider.id] = provider
    return found


def _named_providers(raw: Any) -> set[str]:
    """Every provider id of the file, of a faulty row too: the facts that name it are not at fault."""
    rows = raw if isinstance(raw, list) else []
    return {row["id"] for row in rows if isinstance(row, Mapping) and isinstance(row.get("id"), str)}


def _stated_settings(raw: Mapping[str, Any]) -> set[Any]:
    """Every key of the settings and the tariffs, whether its value is good or not."""
    tariffs = raw.get("tariffs")
    blocks = [raw.get("settings"), *(tariffs if isinstance(tariffs, list) else [])]
    return {key for block in blocks if isinstance(block, Mapping) for key in block}


def _assignments(raw: Any, providers: Set[str], faults: _Faults) -> Iterator[Assignment]:
    seen: set[str] = set()
    for path, row in _rows(raw, "assignments", faults):
        before = len(faults.found)
        if not isinstance(row, Mapping):
            faults.add(path, "must be a map")
            continue
        for key in row:
            if key not in _ASSIGNMENT:
                faults.add(f"{path}.{key}", "unknown key")
        name = row.get("id")
        if not isinstance(name, str):
            faults.add(f"{path}.id", "required, a string")
        else:
            try:
                IDENTIFIER(name)
            except ValidationError as error:
                faults.add(f"{path}.id", str(error.messages[0]))
            if name in seen:
                faults.add(f"{path}.id", f"the assignment {name} stands twice")
            seen.add(name)
        programme = _programme(row.get("programme"), f"{path}.programme", faults)
        client = _nested(CLIENT, row.get("client"), f"{path}.client", faults, required=True)
        plan = _nested(PLAN, row.get("plan") or {}, f"{path}.plan", faults)
        area = row.get("delivery_area")
        if area is not None and not isinstance(area, str):
            faults.add(f"{path}.delivery_area", "must be a string or null")
        if area is None and programme is not None and programme.is_rum:
            faults.add(f"{path}.delivery_area", f"required for {programme} (AF-RUM-7)")
        facts = tuple(_facts(row.get("facts"), f"{path}.facts", providers, faults))
        if len(faults.found) == before and programme is not None:
            yield Assignment(str(name), programme, client, plan, area, facts)


def _programme(raw: Any, path: str, faults: _Faults) -> Programme | None:
    known = {one.value: one for one in programmes()}
    if not isinstance(raw, str) or raw not in known:
        faults.add(path, f"must be one of: {', '.join(known)}")
        return None
    if raw not in tariffs():
        faults.add(path, f"{raw} is not computed by this version")
    return known[raw]


def _facts(raw: Any, path: str, providers: Set[str], faults: _Faults) -> Iterator[Fact]:
    for place, (where, row) in enumerate(_rows(raw, path, faults)):
        if not isinstance(row, Mapping):
            faults.add(where, "must be a map")
            continue
        try:
            fact = load_fact(row, place)
        except ValidationError as error:
            faults.adopt(where, error)
            continue
        provider = fact.get("provider")
        if provider is not None and provider not in providers:
            faults.add(f"{where}.provider", f"no provider has the id {provider}")
        yield fact


def _rows(raw: Any, path: str, faults: _Faults) -> Iterator[tuple[str, Any]]:
    if raw is None:
        return
    if not isinstance(raw, list):
        faults.add(path, "must be a list")
        return
    for place, row in enumerate(raw):
        yield f"{path}[{place}]", row


def _nested(schema: Any, raw: Any, path: str, faults: _Faults, required: bool = False) -> Any:
    if raw is None and required:
        faults.add(path, "required")
        return None
    if not isinstance(raw, Mapping):
        faults.add(path, "must be a map")
        return None
    try:
        return schema.load(_primitive(raw))
    except ValidationError as error:
        faults.adopt(path, error)
        return None


def _days(raw: Any, path: str, faults: _Faults) -> tuple[date, ...]:
    days = (_day(row, where, faults) for where, row in _rows(raw, path, faults))
    return tuple(day for day in days if day is not None)


def _day(raw: Any, path: str, faults: _Faults) -> date | None:
    try:
        day = raw if isinstance(raw, date) else date.fromisoformat(raw)
    except (TypeError, ValueError):
        faults.add(path, "required, a date" if raw is None else "must be a date")
        return None
    if not EARLIEST <= day <= LATEST:
        faults.add(path, f"must be from {EARLIEST} to {LATEST}")
    return day


def _primitive(value: Any) -> Any:
    """Dates as ISO strings, since the schemas read JSON."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _primitive(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_primitive(item) for item in value]
    return value
