"""The money of each programme as data: which known parts it is made of, with which amounts, from when.

A tariff is a TOML file `<CODE>.toml`: those of this package in `data/tariffs`, and those of the folder that the
environment variable ``KUNDVAL_TARIFFS`` names, which go before them and may add programmes. A part names a *model*, a
known way of computing, and gives its parameters: a literal, or ``{setting = "…", value = …}``, where the rule setting
has the say if it has a value and the file else.

`tariffs()` gives them all, checked, or raises `TariffFault` with everything that is wrong. `read(raw)` reads one.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .authorisation import families
from .codes import Direction, Programme
from .rules import register, rule
from .settings import SETTINGS, RuleSettings, read_money, read_number, read_tiers

#: the environment variable that names a folder of the operator's own tariff files
FOLDER = "KUNDVAL_TARIFFS"
CURRENCY = "SEK"
LANGUAGES = ("sv", "en")


class Model(StrEnum):
    """A known way of computing money. The three speed premiums are three models: none shares one."""

    AMI_MONTHLY_FEE = "AMI_MONTHLY_FEE"
    AMI_SPEED_PREMIUM = "AMI_SPEED_PREMIUM"
    RESULT_BONUS_FLAT = "RESULT_BONUS_FLAT"
    RESULT_BONUS_TIERS = "RESULT_BONUS_TIERS"
    JOBBPENG_FEE = "JOBBPENG_FEE"
    SOM_PERIOD_BASE = "SOM_PERIOD_BASE"
    SOM_SPEED_PREMIUM = "SOM_SPEED_PREMIUM"
    RUM_MONTH_BASE = "RUM_MONTH_BASE"
    RUM_SPEED_PREMIUM = "RUM_SPEED_PREMIUM"
    REPORTED_RESULT = "REPORTED_RESULT"


#: Models that depend on an exit that holds for six months, with claim and evidence.
SUSTAINED = frozenset({Model.AMI_SPEED_PREMIUM, Model.RESULT_BONUS_FLAT, Model.RESULT_BONUS_TIERS})
BONUSES = frozenset({Model.RESULT_BONUS_FLAT, Model.RESULT_BONUS_TIERS})
_FEES = (Model.AMI_MONTHLY_FEE, Model.JOBBPENG_FEE)
#: Both are lines of one kind, which the ledger tells apart by number alone.
_BASES = (Model.SOM_PERIOD_BASE, Model.RUM_MONTH_BASE)

#: Parameters of each model by name; "?" marks one that may be missing. What a model takes from the base of the same
#: version (a premium its fee or rate) is not said twice.
_PARAMETERS: Mapping[Model, Mapping[str, str]] = MappingProxyType(
    {
        Model.AMI_MONTHLY_FEE: {"fee": "money"},
        Model.AMI_SPEED_PREMIUM: {},
        Model.RESULT_BONUS_FLAT: {"amount": "money", "ceiling": "money?"},
        Model.RESULT_BONUS_TIERS: {"ceiling": "money", "tiers": "tiers"},
        Model.JOBBPENG_FEE: {"fee": "money", "after_days": "number"},
        Model.SOM_PERIOD_BASE: {"rate": "money", "days": "number"},
        Model.SOM_SPEED_PREMIUM: {},
        Model.RUM_MONTH_BASE: {"rate": "money", "days": "number"},
        Model.RUM_SPEED_PREMIUM: {"months": "number"},
        Model.REPORTED_RESULT: {"ceiling": "money?"},
    }
)
_NEEDS: Mapping[Model, Model] = MappingProxyType(
    {
        Model.AMI_SPEED_PREMIUM: Model.AMI_MONTHLY_FEE,
        Model.SOM_SPEED_PREMIUM: Model.SOM_PERIOD_BASE,
        Model.RUM_SPEED_PREMIUM: Model.RUM_MONTH_BASE,
    }
)


class Anchor(StrEnum):
    """From which day an intervention counts. AS_SET: as the setting `intervention.anchor` says (AMB-02)."""

    AS_SET = "AS_SET"
    DECISION_DATE = "DECISION_DATE"
    START_UP = "START_UP"


class Months(StrEnum):
    """What a month of the intervention is. AS_SET: as the setting `month.unit` says (AMB-03)."""

    AS_SET = "AS_SET"
    ANNIVERSARY = "ANNIVERSARY"
    CALENDAR = "CALENDAR"
    DAYS_30 = "DAYS_30"


class Payer(StrEnum):
    """Whose money it is."""

    MUNICIPALITY = "MUNICIPALITY"
    EMPLOYMENT_SERVICE = "EMPLOYMENT_SERVICE"


class TariffFault(ValueError):
    """Everything that is wrong: `faults` is a list of (path, message)."""

    def __init__(self, faults: list[tuple[str, str]]):
        super().__init__("\n".join(f"{path}: {message}" for path, message in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value in the file, or the rule setting that has the say before it; `by_model` by model of delivery area."""

    value: Any = None
    setting: str | None = None
    by_model: Mapping[str, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the money: its model, the clause that it comes from, its rules, its parameters by name."""

    model: Model
    source: str
    rules: tuple[str, ...]
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True)
class Version:
    """What holds for decisions from `valid_from` on, before `valid_until`; None: without limit."""

    valid_from: date | None
    valid_until: date | None
    parts: tuple[Part, ...]

    def part(self, *models: Model) -> Part | None:
        """The first part of one of these models."""
        return next((one for one in self.parts if one.model in models), None)


@dataclass(frozen=True, slots=True)
class Length:
    """How long an intervention lasts: so many days, or so many months."""

    days: int | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True)
class Time:
    """How an intervention counts its time. `length` None: until the exit. `periods`: in periods of so many days."""

    anchor: Anchor = Anchor.AS_SET
    months: Months = Months.AS_SET
    length: Parameter | None = None
    periods: Parameter | None = None


@dataclass(frozen=True, slots=True)
class Tariff:
    """The money of a programme. `family`: whose terms of authorisation its providers meet, if the file says so."""

    code: str
    title: Mapping[str, str]
    direction: Direction
    payer: Payer
    time: Time
    versions: tuple[Version, ...]
    family: str | None = None

    def version_on(self, day: date) -> Version | None:
        """The version in force for a decision on `day`."""
        for version in reversed(self.versions):
            if version.valid_from is None or version.valid_from <= day:
                return version if version.valid_until is None or day < version.valid_until else None
        return None

    def has(self, *models: Model) -> bool:
        """True if any version has a part of one of these models."""
        return any(version.part(*models) is not None for version in self.versions)


@dataclass(frozen=True, slots=True)
class Value:
    """A resolved parameter. `version`: the `valid_from` of the tariff that it stands in; None: undated, or settings."""

    value: Any
    version: date | None
    from_settings: bool


# --- what holds for an assignment --------------------------------------------------------------------


@rule("NACKA-11")
@dataclass(frozen=True, slots=True)
class InForce:
    """The tariff of a programme as it holds for a decision on `decided_on`: it is locked to it (WE-52)."""

    tariff: Tariff
    version: Version
    settings: RuleSettings
    decided_on: date
    area: str | None = None

    def part(self, *models: Model) -> Part | None:
        return self.version.part(*models)

    def value(self, part: Part, name: str) -> Value:
        """The parameter `name` of a part of this version. Raises LookupError where nothing gives it a value."""
        found = self.find(part, name)
        if found is None:
            raise LookupError(part.parameters[name].setting if name in part.parameters else name)
        return found

    def find(self, part: Part, name: str) -> Value | None:
        """`value`, or None where nothing gives it one."""
        parameter = part.parameters.get(name)
        if parameter is None:
            return None
        area_model = self.area_model
        if parameter.setting is not None:
            for stated, version in self.settings.stated(parameter.setting, self.decided_on):
                found = _pick(stated, self.tariff.code, area_model)
                if found is not None:
                    return Value(found, version, True)
        literal = parameter.by_model if parameter.by_model is not None else parameter.value
        found = _pick(literal, self.tariff.code, area_model)
        return None if found is None else Value(found, self.version.valid_from, False)

    @property
    @rule("AF-RUM-7")
    def area_model(self) -> str | None:
        """The model of the delivery area, as the key of an amount; None where the area has none."""
        if self.area is None:
            return None
        found = self.settings["rum.area_model"].get(self.area)
        return None if found is None else str(found)

    def missing(self) -> tuple[str, ...]:
        """Names of the parameters that have no value: the settings that must give them one."""
        return tuple(
            parameter.setting or name
            for part in self.version.parts
            for name, parameter in part.parameters.items()
            if self.find(part, name) is None
        )


@rule("NACKA-11")
def in_force(settings: RuleSettings, programme: Programme, decided_on: date, area: str | None = None) -> InForce:
    """The tariff in force. Raises LookupError for a programme without tariff, or on a day without one in force."""
    tariff = settings.tariff_of(programme)
    version = tariff.version_on(decided_on) if tariff is not None else None
    if tariff is None or version is None:
        raise LookupError(programme.value)
    return InForce(tariff, version, settings, decided_on, area)


def fee_of(terms: InForce) -> Value:
    """The monthly fee. Raises LookupError where there is none."""
    part = terms.part(*_FEES)
    if part is None:
        raise LookupError(terms.tariff.code)
    return terms.value(part, "fee")


def length_of(time: Time, settings: RuleSettings) -> Length | None:
    """How long an intervention of that time lasts; None: until the exit."""
    if time.length is None:
        return None
    if time.length.setting is None:
        return time.length.value
    stated = settings[time.length.setting]
    return Length(months=stated) if isinstance(stated, int) else _LENGTHS[stated]


def _pick(stated: Any, code: str, area_model: str | None) -> Any:
    """What stands there for this programme: maps are by code, and by model of delivery area within."""
    if isinstance(stated, Mapping) and not _by_model(stated):
        stated = stated.get(code)
    if isinstance(stated, Mapping):
        stated = stated.get(area_model) if area_model is not None else None
    return stated


def _by_model(stated: Mapping[str, Any]) -> bool:
    return all(key.isdigit() for key in stated)


# --- reading -----------------------------------------------------------------------------------------

_TOP = {"code", "title", "direction", "payer", "currency", "family", "time", "version"}
_TIME = {"anchor", "months", "length", "periods"}
_PART = {"model", "source", "rules"}
_VERSION = {"valid_from", "valid_until", "part"}
#: Kinds of setting that can give a parameter its value, by kind of parameter.
_SETTING_KINDS = MappingProxyType(
    {
        "money": ("money", "map of money"),
        "number": ("integer",),
        "tiers": ("list of {from, to, share}",),
        "length": ("integer", "code"),
    }
)
#: Lengths by the codes of the setting `ami1.length_unit` (AMB-01).
_LENGTHS = MappingProxyType({"DAYS_90": Length(days=90), "MONTHS_3": Length(months=3)})


def _length(value: Any) -> Length:
    found = re.fullmatch(r"P([1-9][0-9]{0,3})([DM])", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be P<n>D or P<n>M")
    number = int(found[1])
    return Length(days=number) if found[2] == "D" else Length(months=number)


_READERS = MappingProxyType({"money": read_money, "number": read_number, "tiers": read_tiers, "length": _length})


def read(raw: Any) -> Tariff:
    """A tariff from its parsed document. Raises TariffFault naming every fault by path."""
    faults: list[tuple[str, str]] = []
    if not isinstance(raw, Mapping):
        raise TariffFault([("", "must be a table")])
    _unknown(raw, _TOP, "", faults)
    code = raw.get("code")
    if not (isinstance(code, str) and code.isascii() and code.isidentifier() and code.isupper() and len(code) <= 40):
        faults.append(("code", "required: capital letters, digits and underscores, 40 at most"))
        code = ""
    title = raw.get("title")
    if not (isinstance(title, Mapping) and set(title) == set(LANGUAGES) and all(map(_is_text, title.values()))):
        faults.append(("title", f"required: a text in each of {', '.join(LANGUAGES)}"))
        title = {}
    direction = _code(Direction, raw.get("direction"), "direction", faults)
    payer = _code(Payer, raw.get("payer"), "payer", faults)
    if raw.get("currency", CURRENCY) != CURRENCY:
        faults.append(("currency", f"must be {CURRENCY}"))
    family = raw.get("family")
    known_here = code in Programme.__members__  # the terms of these are known
    if (family is not None or not known_here) and family not in families():
        faults.append(("family", f"must be the family of its terms of authorisation, one of: {', '.join(families())}"))
    time = _time(raw.get("time"), faults)
    versions = _versions(raw.get("version"), faults)
    if time.periods is None and any(version.part(Model.SOM_PERIOD_BASE) for version in versions):
        faults.append(("time.periods", f"required: {Model.SOM_PERIOD_BASE} is paid by periods"))
    if faults or direction is None or payer is None:
        raise TariffFault(faults)
    return Tariff(code, MappingProxyType(dict(title)), direction, payer, time, versions, family)


def _time(raw: Any, faults: list[tuple[str, str]]) -> Time:
    if raw is None:
        faults.append(("time", "required"))
        return Time()
    if not isinstance(raw, Mapping):
        faults.append(("time", "must be a table"))
        return Time()
    _unknown(raw, _TIME, "time", faults)
    anchor = _code(Anchor, raw.get("anchor"), "time.anchor", faults)
    months = _code(Months, raw.get("months"), "time.months", faults)
    given = {
        name: _parameter(raw[name], kind, f"time.{name}", faults)
        for name, kind in (("length", "length"), ("periods", "number"))
        if name in raw
    }
    return Time(anchor or Anchor.AS_SET, months or Months.AS_SET, given.get("length"), given.get("periods"))


def _versions(raw: Any, faults: list[tuple[str, str]]) -> tuple[Version, ...]:
    if not isinstance(raw, list | tuple) or not raw:
        faults.append(("version", "required: at least one"))
        return ()
    found: list[tuple[str, Version]] = []
    for place, row in enumerate(raw):
        path = f"version[{place}]"
        if not isinstance(row, Mapping):
            faults.append((path, "must be a table"))
            continue
        _unknown(row, _VERSION, path, faults)
        since, until = (_day(row.get(name), f"{path}.{name}", faults) for name in ("valid_from", "valid_until"))
        if since is not None and until is not None and until <= since:
            faults.append((f"{path}.valid_until", "must be after valid_from"))
        found.append((path, Version(since, until, _parts(row.get("part"), path, faults))))
    found.sort(key=lambda one: one[1].valid_from or date.min)
    for (_, earlier), (path, later) in pairwise(found):
        since, until = later.valid_from or date.min, earlier.valid_until
        if since == (earlier.valid_from or date.min):
            faults.append((f"{path}.valid_from", "two versions are valid from the same day"))
        elif until is not None and since < until:
            faults.append((f"{path}.valid_from", "overlaps the validity of the version before"))
    return tuple(version for _, version in found)


def _parts(raw: Any, path: str, faults: list[tuple[str, str]]) -> tuple[Part, ...]:
    if not isinstance(raw, list | tuple) or not raw:
        faults.append((f"{path}.part", "required: at least one"))
        return ()
    parts = [part for place, row in enumerate(raw) for part in _part(row, f"{path}.part[{place}]", faults)]
    models = [part.model for part in parts]
    for model in dict.fromkeys(models):
        if models.count(model) > 1:
            faults.append((f"{path}.part", f"{model} stands twice"))
        if _NEEDS.get(model, model) not in models:
            faults.append((f"{path}.part", f"{model} needs {_NEEDS[model]}"))
    if len(BONUSES & set(models)) > 1:
        faults.append((f"{path}.part", "there is one result bonus"))
    if sum(1 for model in _FEES if model in models) > 1:
        faults.append((f"{path}.part", "there is one monthly fee"))
    if sum(1 for model in _BASES if model in models) > 1:
        faults.append((f"{path}.part", "there is one base"))
    return tuple(parts)


def _part(row: Any, path: str, faults: list[tuple[str, str]]) -> Iterator[Part]:
    if not isinstance(row, Mapping):
        faults.append((path, "must be a table"))
        return
    source, rules = row.get("source"), row.get("rules")
    if not _is_text(source):
        faults.append((f"{path}.source", "required: the clause that it comes from"))
    if not isinstance(rules, list | tuple) or not rules or not all(isinstance(one, str) for one in rules):
        faults.append((f"{path}.rules", "required: a list of rule ids"))
        rules = ()
    faults += [(f"{path}.rules", f"there is no rule {one}") for one in rules if one not in register()]
    model: Model | None = _code(Model, row.get("model"), f"{path}.model", faults)
    if model is None:
        return
    kinds = _PARAMETERS[model]
    _unknown(row, _PART | set(kinds), path, faults)
    given: dict[str, Parameter] = {}
    for name, kind in kinds.items():
        if row.get(name) is not None:
            given[name] = _parameter(row[name], kind.rstrip("?"), f"{path}.{name}", faults)
        elif not kind.endswith("?"):
            faults.append((f"{path}.{name}", "required"))
    yield Part(model, source if isinstance(source, str) else "", tuple(rules), MappingProxyType(given))


def _parameter(raw: Any, kind: str, path: str, faults: list[tuple[str, str]]) -> Parameter:
    table = raw if isinstance(raw, Mapping) else {"value": raw}
    _unknown(table, {"value", "setting", "by_model"}, path, faults)
    setting = table.get("setting")
    if setting is not None and not isinstance(setting, str):
        faults.append((f"{path}.setting", "must be the key of a setting"))
        setting = None
    elif setting is not None and setting not in SETTINGS:
        faults.append((f"{path}.setting", f"there is no setting {setting}"))
    elif setting is not None and SETTINGS[setting].kind not in _SETTING_KINDS[kind]:
        faults.append((f"{path}.setting", f"{setting} is no {kind}"))
    value = _read(kind, table["value"], path, faults) if "value" in table else None
    by_model: dict[str, Decimal] | None = None
    if "by_model" in table:
        rows = table["by_model"]
        if kind != "money" or not isinstance(rows, Mapping) or not rows or not all(str(key).isdigit() for key in rows):
            faults.append((f"{path}.by_model", "must be a table of amounts by number of the model"))
        else:
            by_model = {str(key): _read(kind, item, f"{path}.by_model.{key}", faults) for key, item in rows.items()}
    if all(table.get(name) is None for name in ("value", "setting", "by_model")):
        faults.append((path, "must have a value or name a setting"))
    if "value" in table and "by_model" in table:
        faults.append((path, "has either one value or one by model"))
    return Parameter(value, setting, MappingProxyType(by_model) if by_model is not None else None)


def _read(kind: str, value: Any, path: str, faults: list[tuple[str, str]]) -> Any:
    try:
        return _READERS[kind](value)
    except ValueError as error:
        faults.append((path, str(error)))
        return None


def _code(codes: type[StrEnum], value: Any, path: str, faults: list[tuple[str, str]]) -> Any:
    if not isinstance(value, str) or value not in set(codes):
        faults.append((path, f"must be one of: {', '.join(codes)}"))
        return None
    return codes(value)


def _day(value: Any, path: str, faults: list[tuple[str, str]]) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        faults.append((path, "must be a date"))
        return None


def _unknown(raw: Mapping[Any, Any], known: set[str], path: str, faults: list[tuple[str, str]]) -> None:
    faults += [(f"{path}.{key}".lstrip("."), "unknown key") for key in raw if key not in known]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200


# --- the files ---------------------------------------------------------------------------------------


@cache
def tariffs() -> Mapping[str, Tariff]:
    """Every tariff by code: those of the package, then those that a folder adds. Raises TariffFault."""
    faults: list[tuple[str, str]] = []
    found: dict[str, Tariff] = {}
    for name, text in _texts():
        try:
            tariff = read(tomllib.loads(text, parse_float=Decimal))
            if f"{tariff.code}.toml" != name:
                faults.append((f"{name}: code", "must be the name of the file"))
            found[tariff.code] = tariff
        except tomllib.TOMLDecodeError as error:
            faults.append((name, str(error)))
        except TariffFault as error:
            faults += [(f"{name}: {path}", message) for path, message in error.faults]
    if faults:
        raise TariffFault(faults)
    return MappingProxyType(found)


def _texts() -> Iterator[tuple[str, str]]:
    inside = files(__package__).joinpath("data/tariffs")
    for one in sorted(inside.iterdir(), key=lambda one: one.name):
        if one.name.endswith(".toml"):
            yield one.name, one.read_text(encoding="utf-8")
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    if not Path(folder).is_dir():
        raise TariffFault([(FOLDER, f"there is no folder {folder}")])
    for path in sorted(Path(folder).glob("*.toml")):
        try:
            yield path.name, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TariffFault([(path.name, f"cannot be read: {error}")]) from None


def reload() -> None:
    """Forget the files, so that they are read anew."""
    tariffs.cache_clear()


def direction_of(programme: Programme) -> Direction:
    """Who pays whom for this programme; without a tariff nobody does, and what there were would be a cost."""
    tariff = tariffs().get(programme.value)
    return Direction.PAYABLE if tariff is None else tariff.direction
