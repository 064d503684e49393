"""Municipality profiles: what a file has to say, what is found wrong in one, and what the ten say."""

from __future__ import annotations

import ast
import dataclasses
import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from kundval_chassis.cli_profile import command
from kundval_contracts import profiles as stored
from kundval_contracts.caseload import CaseloadFault, read
from kundval_contracts.codes import (
    Actor,
    MainGroup,
    MunicipalFunction,
    OrganisationSide,
    ParticipationGround,
    Programme,
    WorkplaceKind,
)
from kundval_contracts.errors import InvalidRequest
from kundval_contracts.profiles import PROFILE, Profile, ProfileFault, as_data, make_profile, profiles, read_profile
from kundval_contracts.rpc import METHODS
from kundval_contracts.settings import SETTINGS
from tests.acceptance.builders import caseload

ROOT = Path(__file__).resolve().parents[2]
EIGHT = ("kramfors", "lilla_edet", "harnosand", "molndal", "timra", "harryda", "ornskoldsvik", "kungsbacka")
TEN = (*EIGHT, "nacka", "trelleborg")


def text_of(key: str) -> str:
    return files("kundval_contracts").joinpath(f"data/municipalities/{key}.toml").read_text(encoding="utf-8")


def raw(key: str) -> dict[str, Any]:
    return tomllib.loads(text_of(key), parse_float=Decimal)


def faults(document: dict[str, Any], key: str) -> dict[str, str]:
    with pytest.raises(ProfileFault) as found:
        make_profile(document, key)
    return dict(found.value.faults)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of the operator's own profiles, in use while the test runs."""
    monkeypatch.setenv(stored.FOLDER, str(tmp_path))
    stored.read_again()
    yield tmp_path
    monkeypatch.undo()
    stored.read_again()


# --- complete, and what if not -------------------------------------------------------------------------


@pytest.mark.rule("LOKA-59")
def test_the_ten_profiles_are_complete() -> None:
    assert set(profiles()) == set(TEN)
    assert not stored.incomplete()
    assert all(stored.municipality_faults(key) == [] for key in TEN)


@pytest.mark.parametrize("key", TEN)
def test_a_profile_survives_the_wire(key: str) -> None:
    assert PROFILE.load(as_data(profiles()[key])) == profiles()[key]


@pytest.mark.rule("LOKA-59")
@pytest.mark.parametrize("key", TEN)
def test_every_top_level_key_that_is_taken_away_is_named(key: str) -> None:
    needed = [field.name for field in dataclasses.fields(Profile)]
    assert set(raw(key)) == set(needed)
    for name in needed:
        document = raw(key)
        del document[name]
        assert faults(document, key)[name] == "missing"


def places(value: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Path and steps of every key within tables and lists of tables."""

    def walk(inner: Any, path: str, steps: list[Any]) -> Iterator[tuple[str, list[Any]]]:
        if isinstance(inner, dict):
            for name, below in inner.items():
                if path in ("kolada", "settings"):
                    continue
                at = f"{path}.{name}" if path else name
                yield at, [*steps, name]
                yield from walk(below, at, [*steps, name])
        elif isinstance(inner, list):
            for number, below in enumerate(inner):
                yield from walk(below, f"{path}[{number}]", [*steps, number])

    yield from walk(value, path, [])


#: keys within the parts that a file may leave out
OPTIONAL = {
    "category", "workplace", "contents", "grounds", "admission", "note", "partners", "partners_min", "referrers",
    "also", "activities", "part_of", "project", "purchased",
}  # fmt: skip


@pytest.mark.rule("LOKA-59")
@pytest.mark.parametrize("key", ["kramfors", "kungsbacka", "lilla_edet"])
def test_every_key_within_the_parts_that_is_taken_away_is_named_by_its_path(key: str) -> None:
    whole = raw(key)
    looked_at = 0
    for path, steps in places(whole):
        name = steps[-1]
        if len(steps) == 1 or (name in OPTIONAL and not (name == "activities" and "staff" not in steps)):
            continue
        document = deepcopy(whole)
        target = document
        for step in steps[:-1]:
            target = target[step]
        del target[name]
        assert faults(document, key)[path] == "missing"
        looked_at += 1
    assert looked_at > 60


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"moood": True}, "moood", "unknown key"),
        ({"self_referral_allowed": "yes"}, "self_referral_allowed", "must be true or false"),
        ({"self_referral_allowed": 1}, "self_referral_allowed", "must be true or false"),
        ({"self_referral_allowed": "unset"}, "self_referral_allowed", "must not be unset"),
        ({"selection_pair": True}, "selection_pair", "must be a whole number"),
        ({"selection_pair": 5}, "selection_pair", "must be from 1 to 4"),
        ({"checkin_interval_days": 0}, "checkin_interval_days", "must be from 1 to 366"),
        ({"preparation_model": "BOTH"}, "preparation_model", "must be one of: FORUM, OWN_UNIT"),
        ({"programmes": []}, "programmes", "must not be empty"),
        ({"programmes": "AMI_1"}, "programmes", "must be a list"),
        ({"name": ""}, "name", "must not be empty"),
        ({"name": 7}, "name", "must be text"),
        ({"home": "here"}, "home", "must be a table"),
        ({"key": "elsewhere"}, "key", "must be the name of the file, kramfors"),
        ({"self_referral_allowed": False}, "referral_sources",
         "does not agree with self_referral_allowed, which is false"),
        ({"uses_bip": True}, "bip", "missing: uses_bip is true"),
        ({"life_coordination": True}, "life_coordination_below_pct", "missing: life_coordination is true"),
        ({"life_coordination_below_pct": 25}, "life_coordination_below_pct",
         'must be "none": life_coordination is false'),
        ({"af_supplier": True}, "programmes", "does not agree with af_supplier, which is true"),
        ({"coordination_model": "PROCESS"}, "process", "missing: coordination_model is PROCESS"),
        ({"main_inflow": "AF_JOB"}, "main_inflow", "is not among referral_sources"),
        ({"own_workplaces": "NONE"}, "workplace_kinds",
         "has workplaces of the municipality's own, but own_workplaces is NONE"),
        ({"assumed": ["weather"]}, "assumed[0]", "there is no key weather"),
        ({"titles": []}, "organisation.lead[0].title", "enhetschef (AME-chef) is not among titles"),
        ({"settings": {"ami1.bonus": 1.5, "x": 1}}, "settings.x", "unknown setting"),
        ({"name": "a\x00b"}, "name", "holds characters that are not text"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_named_by_its_path(change: dict[str, Any], path: str, message: str) -> None:
    assert faults(raw("kramfors") | change, "kramfors")[path] == message


def test_all_faults_of_a_file_are_named_at_once() -> None:
    document = raw("kramfors") | {"extra": 1, "uses_bip": "no"}
    del document["home"]["eb"], document["organisation"]["units"][1]["side"]
    assert faults(document, "kramfors") == {
        "extra": "unknown key",
        "uses_bip": "must be true or false",
        "home.eb": "missing",
        "organisation.units[1].side": "missing",
    }


@pytest.mark.parametrize(
    ("at", "value", "path", "message"),
    [
        ((3, "key"), "stegsam", "organisation.units[3].key", "stegsam stands twice"),
        ((1, "part_of"), "stegsam", "organisation.units[1].part_of", "there is no unit stegsam before it"),
        ((1, "part_of"), "samkraft", "organisation.units[1].part_of", "there is no unit samkraft before it"),
    ],
)
def test_the_tree_of_units_has_no_doubles_and_no_circles(
    at: tuple[int, str], value: str, path: str, message: str
) -> None:
    document = raw("kramfors")
    document["organisation"]["units"][at[0]][at[1]] = value
    assert faults(document, "kramfors")[path] == message


@pytest.mark.parametrize(
    ("terms", "path", "message"),
    [
        ({"age_max": 17}, "age_max", "must not be below age_min"),
        ({"partners_min": 5}, "partners_min", "asks for more partners than are named"),
    ],
)
def test_terms_of_admission_that_nobody_can_meet_are_a_fault(terms: dict[str, Any], path: str, message: str) -> None:
    document = raw("kramfors")
    document["organisation"]["units"][1]["activities"][0]["admission"] |= terms
    assert faults(document, "kramfors")[f"organisation.units[1].activities[0].admission.{path}"] == message


def test_staff_works_in_activities_of_its_unit_and_not_more_than_full_time() -> None:
    document = raw("lilla_edet")
    document["organisation"]["units"][0]["staff"][0]["also"]["fte"] = Decimal("0.6")
    document["organisation"]["units"][1]["staff"][1]["activities"] = ["moon"]
    assert faults(document, "lilla_edet") == {
        "organisation.units[0].staff[0].also.fte": "is more than a full time, together with fte",
        "organisation.units[1].staff[1].activities[0]": "the unit has no activity moon",
    }


def test_an_activity_for_meaningful_occupation_agrees_with_the_profile() -> None:
    document = raw("timra") | {"meaningful_occupation": False}
    assert list(faults(document, "timra").values()) == ["does not agree with meaningful_occupation"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@given(st.sampled_from(list(places(raw("lilla_edet")))), json_values)
def test_whatever_stands_in_a_file_is_read_or_named(place: tuple[str, list[Any]], value: Any) -> None:
    document = raw("lilla_edet")
    target: Any = document
    for step in place[1][:-1]:
        target = target[step]
    target[place[1][-1]] = value
    try:
        found = make_profile(document, "lilla_edet")
    except ProfileFault as error:
        assert error.faults
        assert all(isinstance(path, str) and message for path, message in error.faults)
    else:
        assert PROFILE.load(as_data(found)) == found


# --- the readings of a profile -------------------------------------------------------------------------


def test_the_bip_interval_of_the_profile_is_its_setting() -> None:
    document = raw("lilla_edet")
    document["bip"]["interval_months"] = 4
    assert make_profile(document, "lilla_edet").settings["bip.interval_months"] == 4
    document["settings"]["bip.interval_months"] = 4
    assert "settings.bip.interval_months" in faults(document, "lilla_edet")


@pytest.mark.rule("LOKA-23")
def test_areas_and_scale_of_bip_are_marked_as_an_example() -> None:
    found = [one.bip for one in profiles().values() if one.bip is not None]
    assert all(bip.example and bip.interval_months == 3 and bip.scale_min < bip.scale_max for bip in found)
    assert all(one.uses_bip == (one.bip is not None) for one in profiles().values())


def test_a_profile_has_only_settings_that_there_are() -> None:
    for one in profiles().values():
        assert not [key for key in one.settings if key not in SETTINGS]


# --- the operator's own files --------------------------------------------------------------------------


def test_an_operators_own_profile_is_found_beside_the_others(folder: Path) -> None:
    (folder / "sjobo.toml").write_text(text_of("kramfors").replace('key = "kramfors"', 'key = "sjobo"'), "utf-8")
    assert set(profiles()) == {*TEN, "sjobo"}


def test_an_operators_own_profile_goes_before_the_one_of_the_same_key(folder: Path) -> None:
    text = text_of("kramfors").replace("self_referral_allowed = true", "self_referral_allowed = false")
    (folder / "kramfors.toml").write_text(text.replace('"SELF", ', ""), encoding="utf-8")
    assert profiles()["kramfors"].self_referral_allowed is False


@pytest.mark.rule("LOKA-59")
def test_one_bad_file_spoils_nothing_but_itself(folder: Path) -> None:
    (folder / "sjobo.toml").write_text("key = [", encoding="utf-8")
    (folder / "latin.toml").write_bytes("name = 'Sjöbo'".encode("latin-1"))
    lines = [line for line in text_of("kramfors").splitlines() if not line.startswith("coordination_model")]
    (folder / "kramfors.toml").write_text("\n".join(lines), encoding="utf-8")
    assert set(profiles()) == set(TEN) - {"kramfors"}
    assert set(stored.incomplete()) == {"sjobo", "latin", "kramfors"}
    assert stored.municipality_faults("kramfors") == [("municipality.coordination_model", "missing")]
    [(path, message)] = stored.municipality_faults("sjobo")
    assert (path, message[:12]) == ("municipality", "is not TOML:")
    assert stored.municipality_faults("latin") == [("municipality", "cannot be read as text in UTF-8")]


@pytest.mark.rule("LOKA-59")
def test_a_request_and_a_caseload_name_what_an_incomplete_profile_lacks(folder: Path) -> None:
    lines = [line for line in text_of("nacka").splitlines() if not line.startswith(("coordination_model", "region"))]
    (folder / "nacka.toml").write_text("\n".join(lines), encoding="utf-8")
    missing = [
        {"path": "municipality.coordination_model", "message": "missing"},
        {"path": "municipality.region", "message": "missing"},
    ]
    with pytest.raises(InvalidRequest) as refused:
        METHODS["assignment.open_tenant"].load({"tenant": "t", "municipality": "nacka", "providers": []})
    assert sorted(refused.value.faults, key=lambda fault: fault["path"]) == missing
    with pytest.raises(CaseloadFault) as faulty:
        read(caseload())
    named = [fault for fault in faulty.value.faults if fault[0].startswith("municipality")]
    assert sorted(named) == [(fault["path"], fault["message"]) for fault in missing]


@pytest.mark.parametrize("municipality", ["atlantis", "", "Nacka"])
def test_an_unknown_municipality_is_a_fault_that_names_those_there_are(municipality: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        METHODS["assignment.open_tenant"].load({"tenant": "t", "municipality": municipality, "providers": []})
    [fault] = refused.value.faults
    assert fault == {"path": "municipality", "message": f"must be one of: {', '.join(sorted(TEN))}"}


# --- what the sources say ------------------------------------------------------------------------------

_ROWS = (
    # Kramfors, Lilla Edet, Härnösand, Mölndal, Timrå, Härryda, Örnsköldsvik, Kungsbacka
    ("region", "V G V G V G V G"),
    ("selection_pair", "1 1 2 2 3 3 4 4"),
    ("preparation_model", "FORUM FORUM FORUM OWN_UNIT OWN_UNIT FORUM FORUM OWN_UNIT"),
    ("coordination_model",
     "INDIVIDUAL INDIVIDUAL INDIVIDUAL LEANS_PROCESS LEANS_PROCESS INDIVIDUAL INDIVIDUAL PROCESS"),
    ("orientation", "INDIVIDUAL INDIVIDUAL MIXED MIXED MIXED MIXED INDIVIDUAL LABOUR_MARKET_PROCESS"),
    ("initial_mapping_required", "yes yes yes yes yes yes yes no"),
    ("uses_bip", "no yes yes yes yes yes yes no"),
    ("self_referral_allowed", "yes no yes no no no no yes"),
    ("auto_refer_all_eb_applicants", "no no no no no no no yes"),
    ("subsidy_intermediary", "yes yes yes yes yes yes yes no"),
    ("own_workplaces", "ALMOST_ONLY ALMOST_ONLY YES YES YES YES ALMOST_ONLY NONE"),
    ("focus_on_external", "no no no no yes no no yes"),
    ("post_exit_support", "no yes no no no no no no"),
    ("life_coordination", "no yes no no no no no no"),
    ("meaningful_occupation", "no no no no yes no yes no"),
    ("main_inflow", "EB EB AF_JOB EB EB EB EB EB"),
    ("checkin_interval_days", "- - - - - - - -"),
    ("care_contact_owner", "- - - - - EB - -"),
)  # fmt: skip
_WORDS = {"yes": True, "no": False, "-": None, "V": "Västernorrland", "G": "Göteborgsregionen"}


@pytest.mark.rule("LOKA-3", "LOKA-59", "LOKA-69", "LOKA-63")
@pytest.mark.parametrize(("name", "values"), _ROWS, ids=[name for name, _ in _ROWS])
def test_the_table_of_the_eight_municipalities_row_by_row(name: str, values: str) -> None:
    for key, word in zip(EIGHT, values.split(), strict=True):
        stated = int(word) if word.isdigit() else _WORDS.get(word, word)
        assert getattr(profiles()[key], name) == stated, key


@pytest.mark.rule("LOKA-9")
def test_the_share_from_the_employment_service_is_what_the_report_says() -> None:
    said = {
        key: [(share.year, share.statement.value) for share in profiles()[key].af_share] for key in EIGHT
    }  # fmt: skip
    over, lower, some = "OVER_60_PCT", "CONSIDERABLY_LOWER", "CONSIDERABLE"
    assert said == {
        "kramfors": [(2017, some), (2022, some)],
        "lilla_edet": [(2017, over), (2022, "ZERO")],
        "harnosand": [(2017, over), (2022, "MAJORITY")],
        "molndal": [(2017, lower), (2022, "DECREASED")],
        "timra": [(2017, lower), (2022, "DECREASED")],
        "harryda": [(2017, lower), (2022, "DECREASED")],
        "ornskoldsvik": [(2017, some), (2022, "DECREASED")],
        "kungsbacka": [(2017, over), (2022, "ZERO")],
    }


@pytest.mark.rule("LOKA-56", "LOKA-57")
def test_participants_per_full_time_equivalent_keep_their_origin_and_their_contradiction() -> None:
    found = {
        key: [(one.value, one.year) for one in profiles()[key].indicators if one.code == "participants_per_fte"]
        for key in EIGHT
    }
    assert {key: rows for key, rows in found.items() if rows} == {
        "lilla_edet": [(7, 2021), (7, None)],
        "harryda": [(22, 2021), (32, None)],  # INC-15: both stay
        "kungsbacka": [(29, 2021)],
    }
    for one in profiles()["harryda"].indicators:
        assert one.origin and "INC-15" in one.note
        assert one.taken_on == ((date(2023, 9, 26), date(2023, 10, 2)) if one.year == 2021 else ())


@pytest.mark.rule("LOKA-60")
def test_where_each_municipality_has_its_labour_market_unit_and_financial_assistance() -> None:
    found = {key: (profiles()[key].home.eb, profiles()[key].home.authority_in_process) for key in EIGHT}
    separate = "SEPARATE_UNIT_SAME_AREA"
    assert found == {
        "kramfors": ("OTHER_ADMINISTRATION", None),
        "lilla_edet": ("SEPARATE_UNIT_SAME_ADMINISTRATION", None),
        "harnosand": ("OTHER_ADMINISTRATION", None),
        "molndal": (separate, None),
        "timra": (separate, True),
        "harryda": (separate, None),
        "ornskoldsvik": ("SAME_UNIT", None),
        "kungsbacka": (separate, True),
    }
    assert all(one.home.administration and one.home.area for key, one in profiles().items() if key in EIGHT)
    responsible = {key: len(profiles()[key].home.also_responsible_for) for key in EIGHT}
    assert responsible == {
        "kramfors": 6, "lilla_edet": 8, "harnosand": 3, "molndal": 4, "timra": 6, "harryda": 3, "ornskoldsvik": 1,
        "kungsbacka": 3,
    }  # fmt: skip
    assert "INC-18" in profiles()["kungsbacka"].home.note


def heads(key: str, side: str) -> dict[str, int | None]:
    """Persons by unit on one side of the organisation; None where a number is not stated."""
    found: dict[str, int | None] = {}
    for unit in profiles()[key].organisation.units:
        if unit.side is OrganisationSide(side):
            numbers = [row.number for row in unit.staff]
            found[unit.key] = None if None in numbers else sum(number or 0 for number in numbers)
    return found


@pytest.mark.rule("LOKA-61")
def test_the_organisation_of_each_municipality_has_the_units_and_persons_of_the_annex() -> None:
    assert heads("kramfors", "OFFICE") == {"kontor": 4, "samkraft": 1, "stegsam": 2}
    assert heads("kramfors", "PRACTICAL") == {"arbetsomraden": 4, "secondhand": 0}
    assert heads("lilla_edet", "OFFICE") == {"arbetsmarknadsteamet": 5}
    assert heads("lilla_edet", "PRACTICAL") == {"arbetscentrum": 9}
    assert heads("harnosand", "OFFICE") == {"sambandet": 2, "arbetsgivare": 0}
    assert heads("harnosand", "ACROSS") == {"konsulenter": 12}
    assert heads("harnosand", "PRACTICAL") == {"etappen": 2, "resursgruppen": 0}
    assert heads("molndal", "OFFICE") == {"ame_insats": 12, "planering_och_uppfoljning": 0}
    assert heads("molndal", "PRACTICAL") == {"ame_insats_plus": 5, "neon": 4, "torrekulla": 5, "kikas": 1}
    assert heads("timra", "OFFICE") == {
        "kontor": 3, "stod_till_arbete": 8, "hands_on": 0, "jamstalld_integrering": 0, "starkt_samverkan": None,
    }  # fmt: skip
    assert heads("timra", "PRACTICAL") == {"kompetenscenter_arena": 3}
    assert heads("harryda", "OFFICE") == {"handlaggning": 6}
    assert heads("harryda", "ACROSS") == {"overgripande": 5}
    assert heads("harryda", "PRACTICAL") == {"praktiska": 5}
    assert heads("ornskoldsvik", "OFFICE") == {"kontor": 9, "plattform_u": 5}
    assert heads("ornskoldsvik", "PRACTICAL") == {"startpunkten": 6, "aterbruket": 3}
    assert heads("kungsbacka", "OFFICE") == {"pou": 10, "arbetsmarknad_insats": 10}
    assert heads("kungsbacka", "PRACTICAL") == {}
    below = {unit.key for unit in profiles()["molndal"].organisation.units if unit.part_of == "ame_insats_plus"}
    assert below == {"neon", "torrekulla", "kikas"}


@pytest.mark.rule("LOKA-61", "LOKA-63")
def test_meaningful_occupation_takes_place_beside_labour_market_work() -> None:
    both = (ParticipationGround.LABOUR_MARKET, ParticipationGround.MEANINGFUL_OCCUPATION)
    found = {
        key: {one.key for one in profiles()[key].activities.values() if one.grounds == both}
        for key in TEN
    }  # fmt: skip
    assert found["timra"] == {"arena"}
    assert len(found["ornskoldsvik"]) == 9
    assert {key for key, keys in found.items() if keys} == {"timra", "ornskoldsvik"}


@pytest.mark.rule("LOKA-62")
def test_the_terms_of_admission_are_those_of_the_annex() -> None:
    found = {
        one.key: one.admission
        for profile in profiles().values()
        for one in profile.activities.values()
        if one.admission is not None
    }
    assert {key: (terms.age_min, terms.age_max) for key, terms in found.items()} == {
        "samkraft": (18, 65),
        "stegsam": (16, 29),
        "sambandet": (None, None),
        "plattform_u": (16, 30),
        "ateljen": (16, 30),
    }
    assert found["samkraft"].partners_min == found["sambandet"].partners_min == 2
    assert set(found["samkraft"].partners) == {Actor.AF, Actor.FK, Actor.MUNICIPALITY, Actor.REGION}
    assert set(found["stegsam"].referrers) == {
        Actor.AF, Actor.FK, Actor.PROBATION, Actor.REGION, Actor.MUNICIPALITY,
    }  # fmt: skip


@pytest.mark.rule("LOKA-65", "LOKA-69")
def test_only_one_of_the_eight_has_no_workplaces_of_its_own() -> None:
    own = {WorkplaceKind.ARENA, WorkplaceKind.WORK_GROUP}
    without = [key for key in EIGHT if not own & set(profiles()[key].workplace_kinds)]
    assert without == ["kungsbacka"]
    assert WorkplaceKind.EXTERNAL_CIVIL_SOCIETY in profiles()["kungsbacka"].workplace_kinds


@pytest.mark.rule("LOKA-54", "LOKA-55")
def test_the_titles_of_the_study_are_forty_five_persons_in_three_main_groups() -> None:
    asked = {title: number for title, (_, number) in stored.study_titles().items() if number}
    assert sorted(asked.values(), reverse=True) == [9, 8, 7, 5, 4, 4, 2, 1, 1, 1, 1, 1, 1]
    assert sum(asked.values()) == 45
    liaison = {
        title for title, (function, _) in stored.study_titles().items() if function.group.value == "EMPLOYER_CONTACTS"
    }
    assert liaison == {"företagskoordinator", "jobbmäklare", "praktikanskaffare", "praktiksamordnare"}
    assert MunicipalFunction.WORK_LEADER.group is MainGroup.PRACTICAL_ACTIVITIES
    assert MunicipalFunction.CASE_WORKER.group is MainGroup.MEETS_PARTICIPANTS
    assert MunicipalFunction.MANAGER.group is MainGroup.NONE


@pytest.mark.rule("LOKA-41", "LOKA-42")
def test_one_of_the_eight_has_a_process_with_a_side_track() -> None:
    assert [key for key in TEN if profiles()[key].process] == ["kungsbacka"]
    assert [key for key in TEN if profiles()[key].side_track] == ["kungsbacka"]
    process = profiles()["kungsbacka"].process
    assert process is not None
    assert (process.planning_week, process.plan_months, process.full_time) == (True, 2, True)
    assert (process.checkins_per_week, process.group_sessions_per_week) == (1, 1)


def test_nacka_has_the_customer_choice_and_trelleborg_the_employment_services_programmes() -> None:
    assert {key for key in TEN if profiles()[key].customer_choice} == {"nacka", "trelleborg"}
    assert {key for key in TEN if profiles()[key].af_supplier} == {"trelleborg"}
    assert set(profiles()["nacka"].programmes) >= {Programme.AMI_1, Programme.AMI_2, Programme.PREPARING}
    assert all(one.is_som or one.is_rum for one in profiles()["trelleborg"].programmes)
    assert not profiles()["trelleborg"].settings  # the employment service's amounts stand in its tariffs
    assert all(Programme.LOCAL in profiles()[key].programmes for key in EIGHT)


@pytest.mark.parametrize("key", TEN)
def test_what_no_source_states_is_said_to_be_assumed(key: str) -> None:
    one = profiles()[key]
    assert one.bip is None or "bip" in one.assumed
    assert key not in EIGHT or {"programmes", "customer_choice"} <= set(one.assumed)


# --- no municipality in the code -----------------------------------------------------------------------


@pytest.mark.slow
def test_no_code_knows_a_municipality_by_its_name() -> None:
    names = set(TEN) | {profiles()[key].name.lower() for key in TEN}
    # the invented year is a year of one of them
    permitted = {"chassis/kundval_chassis/sample/__init__.py": 1}
    found: dict[str, int] = {}
    sources = [file for top in ("contracts", "chassis", "services", "deploy") for file in (ROOT / top).rglob("*.py")]
    assert len(sources) > 100
    for file in sources:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        hits = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lower() in names
        ]
        if hits:
            found[str(file.relative_to(ROOT))] = len(hits)
    assert found == permitted


# --- the command ---------------------------------------------------------------------------------------


def run(*arguments: str, **env: str) -> Any:
    return CliRunner().invoke(command, list(arguments), env={"COLUMNS": "120", **env})


def test_the_command_lists_the_profiles_a_line_each() -> None:
    done = run()
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[2:] if line.strip()] == sorted(TEN)


def test_the_command_shows_a_profile_with_its_units_and_terms() -> None:
    done = run("kramfors")
    assert done.exit_code == 0
    for words in ("Kramfors (kramfors)", "FORUM", "Systuga", "admission: age 18 to 65", "AF, FK, MUNICIPALITY, REGION",
                  "2 arbetscoach", "Stated by no source"):  # fmt: skip
        assert words in done.stdout
    assert "handläggare, 50 %; also samordnare, 50 %" in run("lilla_edet").stdout
    assert "participants_per_fte EQUAL 32" in run("harryda").stdout


def test_the_command_prints_a_profile_as_the_rpc_answers_it() -> None:
    assert json.loads(run("timra", "--json").stdout) == as_data(profiles()["timra"])


def test_a_profile_that_there_is_not_is_refused() -> None:
    done = run("atlantis")
    assert done.exit_code == 2
    assert "there is no profile atlantis" in done.stderr


def test_the_command_names_every_fault_of_a_file(tmp_path: Path) -> None:
    lines = [line for line in text_of("molndal").splitlines() if not line.startswith(("uses_bip", "care_contact"))]
    file = tmp_path / "molndal.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    done = run("--check", str(file))
    assert done.exit_code == 2
    assert sorted(done.stderr.splitlines()) == ["care_contact_owner: missing", "uses_bip: missing"]
    file.write_text(text_of("molndal"), encoding="utf-8")
    done = run("--check", str(file))
    assert (done.exit_code, done.stdout) == (0, "molndal: complete\n")


def test_an_incomplete_profile_is_listed_and_shown_as_one(folder: Path) -> None:
    (folder / "sjobo.toml").write_text('key = "sjobo"\n', encoding="utf-8")
    assert "incomplete, " in run().stdout
    done = run("sjobo")
    assert done.exit_code == 2
    assert "coordination_model: missing" in done.stderr


def test_a_folder_that_there_is_not_is_refused() -> None:
    done = run(KUNDVAL_PROFILES="/nowhere/profiles")
    assert done.exit_code == 2
    assert "KUNDVAL_PROFILES" in done.stderr


def test_a_file_is_read_as_it_is_written() -> None:
    assert read_profile(text_of("kramfors"), "kramfors") == profiles()["kramfors"]
