"""Municipality profiles as data: everything in which municipalities differ stands here, and nothing of it in code.

A profile is a TOML file `<key>.toml`: those of this package in `data/municipalities`, and those of the folder that
the setting ``KUNDVAL_PROFILES`` names, which go before them. `Profile` says which keys there are; a key without a
default must stand in the file. In place of a value that may be missing the file says so: "unset" where nobody has
stated it, "none" where there is no such thing; both are read as None.

`profiles()` gives the complete profiles. One bad file spoils nothing but itself: `incomplete()` says what it lacks,
by path, and a municipality with such a profile cannot be opened.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from marshmallow import ValidationError, fields, validate

from .codes import (
    ActivityCategory,
    Actor,
    AfShareStatement,
    CareContactOwner,
    CoordinationModel,
    EbPlacement,
    MunicipalFunction,
    OrganisationSide,
    Orientation,
    OwnWorkplaces,
    ParticipationGround,
    PreparationModel,
    Programme,
    ReferralSource,
    Relation,
    WorkplaceKind,
)
from .errors import faults_of
from .rules import rule
from .settings import SettingsFault, dump_settings, read_settings
from .shapes import schema_for
from .text import IDENTIFIER, unfit_text

#: the environment variable that names a folder of the operator's own profiles
FOLDER = "KUNDVAL_PROFILES"
#: what a file says in place of a value: nobody has stated it; there is no such thing
_NOTHING = frozenset({"unset", "none"})

_BIP_INTERVAL = "bip.interval_months"


#: of a list: there must be something in it
SOME = validate.Length(1, error="must not be empty")


def _range(low: int, high: int | None = None) -> validate.Range:
    words = f"must be at least {low}" if high is None else f"must be from {low} to {high}"
    return validate.Range(low, high, error=words)


# --- what a profile is made of -----------------------------------------------------------------------


@rule("LOKA-62")
@dataclass(frozen=True, slots=True)
class Admission:
    """Terms of admission of one activity. Ages are whole years at the referral, both included; None: no limit.

    criteria: codes that a person has to state as met, each of them. partners: at least `partners_min` of these must
    be in contact with the client. referrers: one of these must have referred the client; empty: whoever.
    """

    age_min: Annotated[int | None, _range(0, 120)]
    age_max: Annotated[int | None, _range(0, 120)]
    criteria: tuple[str, ...]
    partners: tuple[Actor, ...] = ()
    partners_min: Annotated[int, _range(0)] = 0
    referrers: tuple[Actor, ...] = ()
    note: str = ""


@rule("LOKA-61", "LOKA-63")
@dataclass(frozen=True, slots=True)
class Activity:
    """An activity or area of work of a unit. `grounds`: the legal grounds on which people take part in it.

    category and workplace are None where the source says nothing by which to tell.
    """

    key: Annotated[str, IDENTIFIER]
    name: str
    category: ActivityCategory | None = None
    workplace: WorkplaceKind | None = None
    contents: tuple[str, ...] = ()
    grounds: tuple[ParticipationGround, ...] = (ParticipationGround.LABOUR_MARKET,)
    admission: Admission | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The second of two roles that one person has, and its share of a full time (LOKA-64)."""

    title: str
    fte: Annotated[Decimal, _range(0, 1)]


@rule("LOKA-61")
@dataclass(frozen=True, slots=True)
class Staff:
    """`number` persons of one title, each with `fte` of a full time in it; None where the source does not say.

    also: what each of them is besides. activities: where they work, if not in all of their unit.
    """

    title: str
    number: Annotated[int | None, _range(1)]
    fte: Annotated[Decimal | None, _range(0, 1)]
    also: Part | None = None
    activities: tuple[str, ...] = ()
    purchased: bool | None = None
    note: str = ""


@rule("LOKA-61")
@dataclass(frozen=True, slots=True)
class Unit:
    """A part of the organisation: a team, a project or a place. `part_of`: key of the unit it belongs to."""

    key: Annotated[str, IDENTIFIER]
    name: str
    side: OrganisationSide
    staff: tuple[Staff, ...]
    activities: tuple[Activity, ...]
    part_of: str | None = None
    project: bool = False
    note: str = ""


@rule("LOKA-61")
@dataclass(frozen=True, slots=True)
class Organisation:
    """Who does what. `lead`: those who lead all of it; a unit's own manager is in the unit's staff."""

    lead: tuple[Staff, ...]
    units: Annotated[tuple[Unit, ...], SOME]
    note: str = ""


@rule("LOKA-60")
@dataclass(frozen=True, slots=True)
class Home:
    """Where the labour-market unit belongs, and how near financial assistance (EB) is to it."""

    administration: str | None
    area: str | None
    also_responsible_for: tuple[str, ...]
    eb: EbPlacement | None
    authority_in_process: bool | None
    note: str = ""


@rule("LOKA-55")
@dataclass(frozen=True, slots=True)
class Title:
    """A title as this municipality uses it, and what it means."""

    title: str
    function: MunicipalFunction


@rule("LOKA-41")
@dataclass(frozen=True, slots=True)
class Process:
    """A predefined process for all: plan of so many months, and what there must be in each week of it."""

    planning_week: bool
    plan_months: Annotated[int, _range(1, 24)]
    checkins_per_week: Annotated[int, _range(0, 7)]
    group_sessions_per_week: Annotated[int, _range(0, 7)]
    full_time: bool


@rule("LOKA-42")
@dataclass(frozen=True, slots=True)
class SideTrack:
    """For whom a track beside the process may be offered. `after_attempts`: times that the process was tried in
    vain; None: the municipality has set no number, so that only a long sick leave counts.
    """

    long_term_sick: bool
    after_attempts: Annotated[int | None, _range(1)]


@dataclass(frozen=True, slots=True)
class BipArea:
    """An area in which participants rate themselves; an axis of the spider diagram."""

    key: Annotated[str, IDENTIFIER]
    name: str


@rule("LOKA-23")
@dataclass(frozen=True, slots=True)
class Bip:
    """The self-assessment. `example`: areas and scale are not in the sources and stand here only as an example;
    the municipality has to put those of its licence in their place.
    """

    interval_months: Annotated[int, _range(1, 120)]
    areas: Annotated[tuple[BipArea, ...], SOME]
    scale_min: Annotated[int, _range(0, 100)]
    scale_max: Annotated[int, _range(1, 100)]
    example: bool


@rule("LOKA-9")
@dataclass(frozen=True, slots=True)
class AfShare:
    """What was said of the share of participants from the employment service in a year."""

    year: int
    statement: AfShareStatement


@rule("LOKA-56", "LOKA-57")
@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure taken over from elsewhere; contradictory ones stand side by side, each with its origin.

    year None: not stated. taken_on: the days on which it was read.
    """

    code: Annotated[str, IDENTIFIER]
    relation: Relation
    value: Decimal | None
    unit: str
    year: int | None
    origin: str
    taken_on: tuple[date, ...]
    note: str = ""


@rule("LOKA-3", "LOKA-59", "LOKA-63", "LOKA-65", "LOKA-69")
@dataclass(frozen=True, slots=True)
class Profile:
    """A municipality. Names of models and flags are those of the rulebook (table LOKA-59).

    assumed: keys whose value no source states, so that the municipality has to confirm them. settings: the readings
    that it has chosen, typed. Otherwise see the parts.
    """

    key: Annotated[str, IDENTIFIER]
    name: str
    region: str | None
    #: 1 high unemployment and large socio-economic challenges, 2 high unemployment, 3 high youth unemployment
    #: relative to the general one, 4 low unemployment and a good labour market
    selection_pair: Annotated[int | None, _range(1, 4)]
    orientation: Orientation | None

    main_inflow: ReferralSource
    referral_sources: Annotated[tuple[ReferralSource, ...], SOME]
    self_referral_allowed: bool
    auto_refer_all_eb_applicants: bool
    preparation_model: PreparationModel
    coordination_model: CoordinationModel
    process: Process | None
    side_track: SideTrack | None
    initial_mapping_required: bool
    uses_bip: bool
    bip: Bip | None
    #: days from one check-in to the next
    checkin_interval_days: Annotated[int | None, _range(1, 366)]
    life_coordination: bool
    #: life coordination is for those whose work ability is below it
    life_coordination_below_pct: Annotated[int | None, _range(1, 100)]
    care_contact_owner: CareContactOwner | None
    subsidy_intermediary: bool
    post_exit_support: bool
    meaningful_occupation: bool

    programmes: Annotated[tuple[Programme, ...], SOME]
    #: whether clients choose among authorised providers
    customer_choice: bool
    #: whether the municipality itself is a supplier of the employment service
    af_supplier: bool

    own_workplaces: OwnWorkplaces | None
    focus_on_external: bool
    workplace_kinds: tuple[WorkplaceKind, ...]
    #: activity -> category of intervention in the database Kolada (LOKA-19)
    kolada: Mapping[str, str]
    languages: Annotated[tuple[str, ...], SOME]

    home: Home
    organisation: Organisation
    titles: tuple[Title, ...]
    af_share: tuple[AfShare, ...]
    indicators: tuple[Indicator, ...]
    assumed: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def units(self) -> Mapping[str, Unit]:
        """The units by key."""
        return {unit.key: unit for unit in self.organisation.units}

    @property
    def activities(self) -> Mapping[str, Activity]:
        """The activities of all units by key."""
        return {activity.key: activity for unit in self.organisation.units for activity in unit.activities}

    def staff(self) -> Iterator[Staff]:
        """Everybody: those who lead, then unit by unit."""
        yield from self.organisation.lead
        for unit in self.organisation.units:
            yield from unit.staff


class _Settings(fields.Field[dict[str, Any]]):
    """The `[settings]` of a profile: raw values in, typed ones out."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError("must be a table")
        try:
            return read_settings(value)
        except SettingsFault as error:
            raise ValidationError({key: [message] for key, message in error.faults}) from None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return dump_settings(value)


def _settings_field(**options: Any) -> _Settings:
    return _Settings(**options, error_messages={"required": "missing"})


#: loads a file's contents to a `Profile`, and dumps one as JSON primitives
PROFILE = schema_for(Profile, "MunicipalityProfile", {"settings": _settings_field})

Faults = list[tuple[str, str]]


class ProfileFault(ValueError):
    """A profile that is incomplete or wrong; `faults` is a list of (path, message)."""

    def __init__(self, faults: Faults):
        super().__init__("; ".join(f"{path}: {message}" if path else message for path, message in faults))
        self.faults = faults


def as_data(profile: Profile) -> dict[str, Any]:
    """The profile as JSON primitives, as `assignment.profile` answers it."""
    dumped: dict[str, Any] = PROFILE.dump(profile)
    return dumped


def read_profile(text: str, key: str) -> Profile:
    """The profile in the TOML `text` of the file `<key>.toml`. Raises `ProfileFault` naming every fault by path."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ProfileFault([("", f"is not TOML: {error}")]) from None
    return make_profile(raw, key)


def make_profile(raw: Mapping[str, Any], key: str) -> Profile:
    """The profile in raw data as TOML gives them, decimal numbers as `Decimal`. Raises `ProfileFault`."""
    faults: Faults = [(fault["path"], fault["message"]) for fault in unfit_text(raw)]
    try:
        profile: Profile = PROFILE.load(_without_nothing(raw))
    except ValidationError as error:
        faults += [(fault["path"], fault["message"]) for fault in faults_of(error.messages)]
        raise ProfileFault(faults) from None
    faults += _contradictions(profile, key)
    if faults:
        raise ProfileFault(faults)
    if profile.bip is not None:
        profile.settings[_BIP_INTERVAL] = profile.bip.interval_months
    return profile


def _without_nothing(value: Any) -> Any:
    """The raw data with None for "unset" and "none"."""
    if isinstance(value, Mapping):
        return {key: _without_nothing(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nothing(inner) for inner in value]
    return None if isinstance(value, str) and value in _NOTHING else value


# --- what must agree within a profile ----------------------------------------------------------------


def _contradictions(profile: Profile, key: str) -> Iterator[tuple[str, str]]:
    if profile.key != key:
        yield "key", f"must be the name of the file, {key}"
    yield from _flags(profile)
    yield from _tree(profile)
    yield from _staffing(profile)
    keys = Profile.__dataclass_fields__
    for place, name in enumerate(profile.assumed):
        if name not in keys:
            yield f"assumed[{place}]", f"there is no key {name}"


def _flags(profile: Profile) -> Iterator[tuple[str, str]]:
    """Flags and the tables that belong to them."""
    needed: tuple[tuple[str, bool, str, object], ...] = (
        ("uses_bip", profile.uses_bip, "bip", profile.bip),
        (
            "life_coordination",
            profile.life_coordination,
            "life_coordination_below_pct",
            profile.life_coordination_below_pct,
        ),
    )
    for flag, is_set, table, value in needed:
        if is_set and value is None:
            yield table, f"missing: {flag} is true"
        if not is_set and value is not None:
            yield table, f'must be "none": {flag} is false'
    if profile.coordination_model is CoordinationModel.PROCESS and profile.process is None:
        yield "process", "missing: coordination_model is PROCESS"
    if profile.bip is not None:
        if profile.bip.scale_min >= profile.bip.scale_max:
            yield "bip.scale_max", "must be above scale_min"
        if _BIP_INTERVAL in profile.settings:
            yield f"settings.{_BIP_INTERVAL}", "stands in the table bip, as interval_months"
    agree: tuple[tuple[str, bool, str, bool], ...] = (
        (
            "referral_sources",
            ReferralSource.SELF in profile.referral_sources,
            "self_referral_allowed",
            profile.self_referral_allowed,
        ),
        (
            "programmes",
            Programme.LIFE_COORDINATION in profile.programmes,
            "life_coordination",
            profile.life_coordination,
        ),
        ("programmes", any(one.is_som or one.is_rum for one in profile.programmes), "af_supplier", profile.af_supplier),
    )
    for listed, is_in, flag, is_set in agree:
        if is_in != is_set:
            yield listed, f"does not agree with {flag}, which is {str(is_set).lower()}"
    if profile.main_inflow not in profile.referral_sources:
        yield "main_inflow", "is not among referral_sources"
    if (profile.own_workplaces is OwnWorkplaces.NONE) and _OWN & set(profile.workplace_kinds):
        yield "workplace_kinds", "has workplaces of the municipality's own, but own_workplaces is NONE"


_OWN = {WorkplaceKind.ARENA, WorkplaceKind.WORK_GROUP}


def _tree(profile: Profile) -> Iterator[tuple[str, str]]:
    """Keys that stand twice, units that belong to nothing or to themselves, terms that nobody can meet."""
    units: set[str] = set()
    activities: set[str] = set()
    for place, unit in enumerate(profile.organisation.units):
        path = f"organisation.units[{place}]"
        if unit.key in units:
            yield f"{path}.key", f"{unit.key} stands twice"
        # a unit comes after the one that it is part of, so that there is no circle
        if unit.part_of is not None and unit.part_of not in units:
            yield f"{path}.part_of", f"there is no unit {unit.part_of} before it"
        units.add(unit.key)
        for number, activity in enumerate(unit.activities):
            if activity.key in activities:
                yield f"{path}.activities[{number}].key", f"{activity.key} stands twice"
            activities.add(activity.key)
            if ParticipationGround.MEANINGFUL_OCCUPATION in activity.grounds and not profile.meaningful_occupation:
                yield f"{path}.activities[{number}].grounds", "does not agree with meaningful_occupation"
            terms = activity.admission
            if terms is None:
                continue
            if terms.age_min is not None and terms.age_max is not None and terms.age_min > terms.age_max:
                yield f"{path}.activities[{number}].admission.age_max", "must not be below age_min"
            if terms.partners_min > len(set(terms.partners)):
                yield f"{path}.activities[{number}].admission.partners_min", "asks for more partners than are named"


def _staffing(profile: Profile) -> Iterator[tuple[str, str]]:
    """Titles without a function, and staff of activities that their unit does not have."""
    named = {one.title for one in profile.titles} | set(study_titles())
    lead = profile.organisation.lead
    rows = [(f"organisation.lead[{place}]", row, set(profile.activities)) for place, row in enumerate(lead)]
    for number, unit in enumerate(profile.organisation.units):
        own = {activity.key for activity in unit.activities}
        rows += [(f"organisation.units[{number}].staff[{place}]", row, own) for place, row in enumerate(unit.staff)]
    for path, row, own in rows:
        for at, title in ((f"{path}.title", row.title), (f"{path}.also.title", row.also.title if row.also else None)):
            if title is not None and title not in named:
                yield at, f"{title} is not among titles"
        for place, key in enumerate(row.activities):
            if key not in own:
                yield f"{path}.activities[{place}]", f"the unit has no activity {key}"
        if row.fte is not None and row.also is not None and row.fte + row.also.fte > 1:
            yield f"{path}.also.fte", "is more than a full time, together with fte"


# --- titles that every municipality may use ----------------------------------------------------------


@cache
@rule("LOKA-54", "LOKA-55")
def study_titles() -> Mapping[str, tuple[MunicipalFunction, int]]:
    """The titles of the study: title -> function and number of persons asked (0 where it is named without one)."""
    text = files(__package__).joinpath("data/staff_titles.toml").read_text(encoding="utf-8")
    return MappingProxyType(
        {row["title"]: (MunicipalFunction(row["function"]), row["number"]) for row in tomllib.loads(text)["title"]}
    )


# --- the files ---------------------------------------------------------------------------------------


@rule("LOKA-59")
def profiles() -> Mapping[str, Profile]:
    """Every complete profile by key, in the order of the keys. Read once in a process."""
    return _all()[0]


@rule("LOKA-59")
def incomplete() -> Mapping[str, Faults]:
    """The profiles that cannot be used by key, each with what is missing or wrong: (path, message)."""
    return _all()[1]


@rule("LOKA-59")
def municipality_faults(key: str) -> Faults:
    """What stands against opening the municipality `key`: empty if its profile is complete.

    Paths begin with the place where the municipality is named, `municipality.coordination_model`.
    """
    complete, faulty = _all()
    if key in complete:
        return []
    if key in faulty:
        return [(f"municipality.{path}" if path else "municipality", message) for path, message in faulty[key]]
    return [("municipality", f"must be one of: {', '.join(complete)}")]


def read_again() -> None:
    """Forget what was read; the next question reads the files anew."""
    _all.cache_clear()


@cache
def _all() -> tuple[Mapping[str, Profile], Mapping[str, Faults]]:
    complete: dict[str, Profile] = {}
    faulty: dict[str, Faults] = {}
    sources = _sources()
    for key in sorted(sources):
        try:
            complete[key] = read_profile(sources[key](), key)
        except ProfileFault as error:
            faulty[key] = error.faults
        except (OSError, UnicodeDecodeError):
            faulty[key] = [("", "cannot be read as text in UTF-8")]
    return MappingProxyType(complete), MappingProxyType(faulty)


def _sources() -> dict[str, Callable[[], str]]:
    """Key -> function that reads its file. An operator's own file goes before one of the same name of the package."""

    def reader(file: Any) -> Callable[[], str]:
        return lambda: str(file.read_text(encoding="utf-8"))

    found = {
        item.name.removesuffix(".toml"): reader(item)
        for item in files(__package__).joinpath("data/municipalities").iterdir()
        if item.name.endswith(".toml")
    }
    folder = os.environ.get(FOLDER)
    if folder:
        found |= {item.stem: reader(item) for item in Path(folder).glob("*.toml")}
    return found
