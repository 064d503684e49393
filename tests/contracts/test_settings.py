"""The table of readings: defaults, both kinds of names, faults by key, tariffs."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from kundval_contracts.codes import Programme
from kundval_contracts.profiles import profiles
from kundval_contracts.rules import register
from kundval_contracts.settings import (
    MISSING,
    SETTINGS,
    RuleSettings,
    SettingsFault,
    dump_settings,
    dump_tariffs,
    read_settings,
    read_tariffs,
)

#: Every key with the defaults of the rulebook's sections 6 and 10.
DEFAULTS = {
    "ami1.length_unit": "DAYS_90",
    "ami2.length": 12,
    "intervention.anchor": "DECISION_DATE",
    "month.unit": "BY_PROGRAMME",
    "end_date.convention": "EXCLUSIVE",
    "premium.started_month": "ORDINARY_FULL",
    "premium.breakoff_month": "NONE",
    "premium.clawback": "AFTER_BREAKOFF_ONLY",
    "premium.missing_report": "HOLD",
    "premium.hourly_provisional": True,
    "sustainability.comparison": "GTE",
    "sustainability.anchor": "MAX_EXIT_WORK",
    "sustainability.months": 6,
    "ami1.employer_change": "ALLOW_NO_GAP",
    "ami2.employer_change": "FORFEIT",
    "own_business.bonus": {"AMI_1": "MANUAL", "AMI_2": "NO"},
    "eb_test.work_scope": "HOUSEHOLD_MEMBER",
    "studiestartsstod.waive_eb_test": True,
    "study_half_time.approval": "MANUAL",
    "fee.split": "LAST_PROVIDER",
    "exit_date.basis": "INTERVENTION_END",
    "bonus.max": Decimal("20000.00"),
    "ami1.bonus": Decimal("20000.00"),
    "followup.tolerance_days": 14,
    "plan.due_days": 14,
    "ami2.placement.deadline": "P28D",
    "bonus.claim_deadline_months": None,
    "monthly_report.due_day": None,
    "jobbpeng.fees": {"JOBBPENG_BASIC": Decimal("3686.00"), "JOBBPENG_ENHANCED": Decimal("4858.00")},
}


@pytest.mark.parametrize(("key", "value"), DEFAULTS.items())
def test_the_defaults_are_the_recommended_readings(key: str, value: Any) -> None:
    assert RuleSettings()[key] == value


@pytest.mark.parametrize("key", ["AMI1_MONTHLY_FEE", "AMI2_MONTHLY_FEE"])
def test_the_fees_of_ami_have_no_default(key: str) -> None:
    assert SETTINGS[key].default is MISSING
    assert not RuleSettings().has(key)
    with pytest.raises(KeyError, match=key):
        RuleSettings()[key]


def test_every_offered_value_of_a_reading_is_accepted_and_no_other() -> None:
    for key, row in SETTINGS.items():
        if row.kind != "code":
            continue
        assert row.default == row.values[0], "the first value is the recommended one"
        for value in row.values:
            assert read_settings({key: value}) == {key: value}
        with pytest.raises(SettingsFault) as fault:
            read_settings({key: "SOMETHING_ELSE"})
        assert fault.value.faults == [(key, f"must be one of: {', '.join(row.values)}")]


def test_the_rules_named_in_the_table_are_in_the_register() -> None:
    named = {one for row in SETTINGS.values() for one in row.rules if not one.startswith("AMB-")}
    assert named <= set(register())


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        ({"ami2.placement.deadline_days": 28}, "ami2.placement.deadline", "P28D"),
        ({"ami2.placement.deadline": "P1M"}, "ami2.placement.deadline", "P1M"),
        ({"ami1.length": "MONTHS_3"}, "ami1.length_unit", "MONTHS_3"),
        ({"ami1.length": 90}, "ami1.length_unit", "DAYS_90"),
        ({"ami1.length": "P3M"}, "ami1.length_unit", "MONTHS_3"),
        ({"age.group1": "18-66"}, "age.group1", (18, 66)),
        ({"age.group1": {"from": 18, "to": 64}}, "age.group1", (18, 64)),
        ({"AMI1_MONTHLY_FEE": 6000}, "AMI1_MONTHLY_FEE", Decimal("6000.00")),
        ({"AMI1_MONTHLY_FEE": "6123.45"}, "AMI1_MONTHLY_FEE", Decimal("6123.45")),
        ({"AMI1_MONTHLY_FEE": Decimal("6123.4")}, "AMI1_MONTHLY_FEE", Decimal("6123.40")),
        (
            {"ami2.tiers": [{"from": 1, "to": 6, "share": 1}, {"from": 7, "to": 15, "share": "0.25"}]},
            "ami2.tiers",
            ((1, 6, Decimal(1)), (7, 15, Decimal("0.25"))),
        ),
    ],
)
def test_both_names_and_every_shape_of_a_value_are_read(given: dict[str, Any], key: str, value: Any) -> None:
    assert read_settings(given) == {key: value}


@pytest.mark.parametrize(
    "given",
    [
        {"no.such.key": 1},
        {"AMI1_MONTHLY_FEE": 6000.5},
        {"AMI1_MONTHLY_FEE": True},
        {"AMI1_MONTHLY_FEE": "6000.001"},
        {"AMI1_MONTHLY_FEE": -1},
        {"AMI1_MONTHLY_FEE": "NaN"},
        {"AMI1_MONTHLY_FEE": "a lot"},
        {"AMI1_MONTHLY_FEE": None},
        {"plan.due_days": "14"},
        {"plan.due_days": -1},
        {"ami2.length": 0},
        {"premium.hourly_provisional": "yes"},
        {"ami2.placement.deadline": "four weeks"},
        {"ami2.tiers": []},
        {"ami2.tiers": [{"from": 2, "to": 6, "share": 1}]},
        {"ami2.tiers": [{"from": 1, "to": 6, "share": 1}, {"from": 8, "to": 12, "share": "0.5"}]},
        {"ami2.tiers": [{"from": 1, "to": 6, "share": 2}]},
        {"own_business.bonus": {"AMI_3": "NO"}},
        {"own_business.bonus": "NO"},
        {"jobbpeng.fees": {"JOBBPENG_THIRD": 1}},
        {"age.group1": [66, 18]},
        {"employment.forms.counting": "ORDINARY"},
        {"som.extensions": {"SOM_1": 3}},
        {"rum.rates": {"RUM_B": {1: 62, "1": 63}}},
    ],
)
def test_an_unknown_key_or_value_is_a_fault_and_never_ignored(given: dict[str, Any]) -> None:
    with pytest.raises(SettingsFault) as fault:
        read_settings(given)
    assert [key for key, _ in fault.value.faults] == list(given)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(SettingsFault) as fault:
        read_settings({"no.such.key": 1, "plan.due_days": "x", "fee.split": "LAST_PROVIDER"})
    assert [key for key, _ in fault.value.faults] == ["no.such.key", "plan.due_days"]


def test_two_names_of_one_setting_are_a_fault() -> None:
    with pytest.raises(SettingsFault, match=r"same setting as ami1\.length"):
        read_settings({"ami1.length": 90, "ami1.length_unit": "MONTHS_3"})


def test_what_is_read_over_a_base_keeps_the_rest_of_it() -> None:
    base = read_settings({"plan.due_days": 10, "fee.split": "BOTH"})
    assert read_settings({"plan.due_days": 7}, base) == {"plan.due_days": 7, "fee.split": "BOTH"}


def test_settings_survive_the_way_over_the_wire() -> None:
    given = {
        key: row.default for key, row in SETTINGS.items() if row.default is not MISSING and row.default is not None
    }
    given |= read_settings({"AMI1_MONTHLY_FEE": "6123.45", "own_business.bonus": {"AMI_1": "YES"}})
    assert read_settings(json.loads(json.dumps(dump_settings(given)))) == given


def test_every_profile_reads() -> None:
    assert "nacka" in profiles()
    for profile in profiles().values():
        assert not [key for key in profile.settings if key not in SETTINGS]


# --- tariffs -----------------------------------------------------------------------------------------

VERSIONS = [
    {"valid_from": "2025-01-01", "AMI1_MONTHLY_FEE": 7000, "AMI2_MONTHLY_FEE": 9000},
    {"valid_from": date(2024, 1, 1), "AMI2_MONTHLY_FEE": 8000},
]


@pytest.mark.rule("NACKA-11")
@pytest.mark.parametrize(
    ("day", "fee", "version"),
    [
        (date(2024, 12, 31), "8000", date(2024, 1, 1)),
        (date(2025, 1, 1), "9000", date(2025, 1, 1)),
        (date(2025, 1, 2), "9000", date(2025, 1, 1)),
        (date(2023, 12, 31), "500", None),
    ],
)
def test_the_version_in_force_on_the_decision_date_is_taken(day: date, fee: str, version: date | None) -> None:
    settings = RuleSettings(read_settings({"AMI2_MONTHLY_FEE": 500}), read_tariffs(VERSIONS))
    assert settings.fee(Programme.AMI_2, day) == (Decimal(fee), version)


@pytest.mark.rule("NACKA-11")
def test_a_version_without_the_programmes_fee_leaves_the_former_one_in_force() -> None:
    settings = RuleSettings({}, read_tariffs(VERSIONS))
    assert settings.fee(Programme.AMI_1, date(2025, 1, 1)) == (Decimal(7000), date(2025, 1, 1))
    with pytest.raises(LookupError, match="AMI1_MONTHLY_FEE"):
        settings.fee(Programme.AMI_1, date(2024, 12, 31))


@pytest.mark.rule("NACKA-JP-1", "NACKA-8")
def test_jobbpeng_has_an_amount_for_each_known_level() -> None:
    settings = RuleSettings(read_settings({"jobbpeng.fees": {"JOBBPENG_BASIC": 3700}}))
    assert settings.fee(Programme.JOBBPENG_BASIC, date(2024, 5, 1)) == (Decimal(3700), None)
    assert settings.fee(Programme.JOBBPENG_ENHANCED, date(2024, 5, 1)) == (Decimal(4858), None)


def test_a_map_that_names_some_keys_leaves_the_others_as_recommended() -> None:
    assert read_settings({"own_business.bonus": {"AMI_2": "YES"}}) == {
        "own_business.bonus": {"AMI_1": "MANUAL", "AMI_2": "YES"}
    }


@pytest.mark.parametrize(
    "raw",
    [
        {"valid_from": "2025-01-01"},
        [{"AMI1_MONTHLY_FEE": 1}],
        [{"valid_from": "soon"}],
        [{"valid_from": "2025-01-01"}, {"valid_from": "2025-01-01"}],
        [{"valid_from": "2025-01-01", "SOM": 1}],
        [{"valid_from": "2025-01-01", "AMI1_MONTHLY_FEE": 0.5}],
        ["2025-01-01"],
    ],
)
def test_a_malformed_tariff_is_a_fault(raw: Any) -> None:
    with pytest.raises(SettingsFault):
        read_tariffs(raw)


def test_tariffs_survive_the_way_over_the_wire() -> None:
    versions = read_tariffs(VERSIONS)
    assert read_tariffs(json.loads(json.dumps(dump_tariffs(versions)))) == versions


def test_who_is_told_what_is_changed_by_kind_and_role_and_read_back_the_same() -> None:
    table = {"STARTED": {"CAREER_GUIDE": {"urgency": "DIGEST", "repeat": {"every_workdays": 5, "most": 2}}}}
    given = read_settings({"notices.table": table})
    assert read_settings(json.loads(json.dumps(dump_settings(given)))) == given
    assert RuleSettings()["notices.table"] == {}
    with pytest.raises(SettingsFault, match=r"notices\.table: STARTED, CLIENT: is not told of this by the suite"):
        read_settings({"notices.table": {"STARTED": {"CLIENT": {}}}})


@pytest.mark.parametrize(("given", "quiet"), [({}, {}), ({"EMAIL": "18:00-08:00"}, {"EMAIL": "18:00-08:00"})])
def test_quiet_hours_that_are_given_take_the_place_of_the_default(given: dict[str, str], quiet: dict[str, str]) -> None:
    assert RuleSettings()["notices.quiet_hours"] == {"SMS": "21:00-07:00"}
    assert read_settings({"notices.quiet_hours": given})["notices.quiet_hours"] == quiet


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("notices.quiet_hours", {"SMS": "21-7"}),
        ("notices.quiet_hours", {"SMS": "21:00-21:00"}),
        ("notices.quiet_hours", {"FAX": "21:00-07:00"}),
        ("notices.digest_at", "7:30"),
        ("notices.digest_at", "24:00"),
        ("notices.most_per_day", 0),
        ("absence.programmes", ["LOCAL"]),
    ],
)
def test_hours_and_numbers_of_messages_that_cannot_be_are_refused(key: str, value: Any) -> None:
    with pytest.raises(SettingsFault, match=key):
        read_settings({key: value})
