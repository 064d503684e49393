"""Tariffs as data: what a file may say, which version is in force, and programmes that only a file knows."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kundval_chassis.simulate import simulate
from kundval_contracts import caseload as caseloads
from kundval_contracts import tariffs as stored
from kundval_contracts.authorisation import families, family
from kundval_contracts.caseload import CaseloadFault
from kundval_contracts.codes import Direction, Programme, programmes
from kundval_contracts.inputs import PROVIDER
from kundval_contracts.settings import RuleSettings, read_settings, read_tariffs
from kundval_contracts.tariffs import FOLDER, Model, TariffFault, direction_of, in_force, read, tariffs
from tests.acceptance.builders import assignment, caseload
from tests.programmes import TARIFFS, steget, the_step

__all__ = ["steget"]

D = date(2024, 3, 1)
BY_PERIODS = {"model": "SOM_PERIOD_BASE", "source": "section 4", "rules": ["AF-SOM-3"], "rate": 100, "days": 65}


def document() -> dict[str, Any]:
    return tomllib.loads((TARIFFS / "STEGET.toml").read_text(encoding="utf-8"), parse_float=Decimal)


def faults_of(raw: Any) -> dict[str, str]:
    with pytest.raises(TariffFault) as caught:
        read(raw)
    return dict(caught.value.faults)


# --- the files ---------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-8", "AF-SOM-1", "AF-RUM-1")
def test_every_programme_with_money_has_a_file_and_the_municipalitys_own_have_none() -> None:
    assert set(tariffs()) == {one.value for one in Programme if not one.is_local}


@pytest.mark.rule("NACKA-10")
def test_a_file_says_who_pays_whom() -> None:
    at_af = {one for one in programmes() if direction_of(one) is Direction.RECEIVABLE}
    assert at_af == {one for one in Programme if one.is_som or one.is_rum}
    for tariff in tariffs().values():
        assert set(tariff.title) == {"sv", "en"}
        assert (tariff.payer == "EMPLOYMENT_SERVICE") == (tariff.direction is Direction.RECEIVABLE)
        assert all(part.source and part.rules for version in tariff.versions for part in version.parts)


@pytest.mark.rule("AMI-10.1-a")
def test_the_fee_of_ami_stands_in_no_file() -> None:
    for programme in (Programme.AMI_1, Programme.AMI_2):
        assert in_force(RuleSettings(), programme, D).missing() == (f"{programme.value.replace('_', '')}_MONTHLY_FEE",)
    assert not in_force(RuleSettings(), Programme.SOM_1, D).missing()


def test_three_speed_premiums_are_three_models() -> None:
    assert {name for name in Model if "SPEED_PREMIUM" in name} == {
        Model.AMI_SPEED_PREMIUM,
        Model.SOM_SPEED_PREMIUM,
        Model.RUM_SPEED_PREMIUM,
    }


# --- what is wrong with a file -----------------------------------------------------------------------


def test_the_file_of_the_tests_is_read() -> None:
    tariff = read(document())
    assert [version.valid_from for version in tariff.versions] == [date(2024, 1, 1), date(2025, 2, 1)]
    bonus = tariff.versions[0].part(Model.RESULT_BONUS_FLAT)
    assert bonus is not None
    assert bonus.parameters["amount"].value == Decimal("12000.50")


@pytest.mark.parametrize(
    ("where", "value", "path"),
    [
        (("code",), "steget", "code"),
        (("title",), {"sv": "Steget"}, "title"),
        (("direction",), "BOTH", "direction"),
        (("payer",), None, "payer"),
        (("currency",), "EUR", "currency"),
        (("family",), "NONE", "family"),
        (("colour",), "red", "colour"),
        (("time", "length"), "six months", "time.length"),
        (("time", "length"), {"setting": "plan.anker"}, "time.length.setting"),
        (("time", "anchor"), "BIRTH", "time.anchor"),
        (("version",), [], "version"),
        (("version", 1, "valid_from"), date(2024, 12, 31), "version[1].valid_from"),
        (("version", 1, "valid_from"), date(2024, 1, 1), "version[1].valid_from"),
        (("version", 0, "valid_until"), date(2024, 1, 1), "version[0].valid_until"),
        (("version", 0, "part", 0, "model"), "HOURLY", "version[0].part[0].model"),
        (("version", 0, "part", 0, "model"), ["AMI_MONTHLY_FEE"], "version[0].part[0].model"),
        (("version", 0, "part", 0, "fee"), -1, "version[0].part[0].fee"),
        (("version", 0, "part", 0, "fee"), Decimal("0.005"), "version[0].part[0].fee"),
        (("version", 0, "part", 0, "fee"), 0.5, "version[0].part[0].fee"),
        (("version", 0, "part", 0, "fee"), None, "version[0].part[0].fee"),
        (("version", 0, "part", 0, "fee"), {}, "version[0].part[0].fee"),
        (("version", 0, "part", 0, "fee"), {"setting": "no.such"}, "version[0].part[0].fee.setting"),
        (("version", 0, "part", 0, "fee"), {"setting": "plan.due_days"}, "version[0].part[0].fee.setting"),
        (("version", 0, "part", 0, "fee"), {"setting": ["no.such"]}, "version[0].part[0].fee.setting"),
        (("version", 0, "part", 0, "fee"), {"setting": {"key": 1}}, "version[0].part[0].fee.setting"),
        (("version", 0, "part", 0, "fee"), {"setting": None}, "version[0].part[0].fee"),
        (("time", "periods"), {"setting": None}, "time.periods"),
        (("version", 0, "part", 0, "fee"), {"by_model": {"x": 1}}, "version[0].part[0].fee.by_model"),
        (("version", 0, "part", 0, "rate"), 5, "version[0].part[0].rate"),
        (("version", 0, "part", 0, "rules"), ["AMI-0"], "version[0].part[0].rules"),
        (("version", 0, "part", 0, "rules"), [], "version[0].part[0].rules"),
        (("version", 0, "part", 0, "source"), "", "version[0].part[0].source"),
        (("version", 0, "part", 2, "model"), "AMI_MONTHLY_FEE", "version[0].part"),
        (("version", 0, "part", 2, "model"), "SOM_SPEED_PREMIUM", "version[0].part"),
        (("version", 0, "part", 2), BY_PERIODS, "time.periods"),
    ],
)
def test_a_fault_is_named_by_its_path(where: tuple[Any, ...], value: Any, path: str) -> None:
    raw: Any = deepcopy(document())
    place = raw
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    assert path in faults_of(raw)


@pytest.mark.rule("NACKA-10")
def test_two_bases_are_a_fault_because_the_ledger_could_not_tell_their_lines_apart() -> None:
    raw = deepcopy(document())
    raw["time"]["periods"] = 90
    monthly = {**BY_PERIODS, "model": "RUM_MONTH_BASE", "rules": ["AF-RUM-3"], "days": 22}
    raw["version"][0]["part"] = [BY_PERIODS]
    assert read(raw).has(Model.SOM_PERIOD_BASE)
    raw["version"][0]["part"] = [BY_PERIODS, monthly]
    assert faults_of(raw) == {"version[0].part": "there is one base"}


def test_every_fault_of_a_file_is_listed() -> None:
    raw = deepcopy(document())
    raw |= {"currency": "EUR", "payer": "NOBODY"}
    raw["version"][0]["part"][0]["fee"] = -1
    assert set(faults_of(raw)) == {"currency", "payer", "version[0].part[0].fee"}
    assert set(faults_of("x")) == {""}


def test_a_faulty_folder_is_named_with_every_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ONE.toml").write_text("code = 1\n", encoding="utf-8")
    (tmp_path / "TWO.toml").write_text("code = \n", encoding="utf-8")
    (tmp_path / "SOM_2.toml").write_text((TARIFFS / "STEGET.toml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    stored.reload()
    try:
        with pytest.raises(TariffFault) as caught:
            tariffs()
        paths = {path for path, _ in caught.value.faults}
        assert {"ONE.toml: code", "ONE.toml: version", "TWO.toml", "SOM_2.toml: code"} <= paths
        with pytest.raises(CaseloadFault, match=r"TWO\.toml"):
            caseloads.read(caseload())
    finally:
        monkeypatch.delenv(FOLDER)
        stored.reload()


# --- which amount is in force ------------------------------------------------------------------------


@pytest.mark.rule("NACKA-11")
@pytest.mark.parametrize(
    ("day", "fee", "version"),
    [
        (date(2024, 1, 1), 5000, date(2024, 1, 1)),
        (date(2024, 12, 31), 5000, date(2024, 1, 1)),
        (date(2025, 2, 1), 5500, date(2025, 2, 1)),
    ],
)
def test_the_version_of_the_decision_date_is_in_force(steget: Programme, day: date, fee: int, version: date) -> None:
    assert RuleSettings().fee(steget, day) == (Decimal(fee), version)


@pytest.mark.rule("NACKA-11")
@pytest.mark.parametrize("day", [date(2023, 12, 31), date(2025, 1, 1), date(2025, 1, 31)])
def test_before_and_between_the_versions_nothing_is_in_force(steget: Programme, day: date) -> None:
    with pytest.raises(LookupError):
        RuleSettings().fee(steget, day)


@pytest.mark.rule("NACKA-11")
def test_a_tariff_version_may_state_every_amount() -> None:
    stated = {
        "AMI2_MONTHLY_FEE": "8100.00",
        "ami1.bonus": "15000.00",
        "bonus.max": "16000.00",
        "jobbpeng.fees": {"JOBBPENG_BASIC": "3700.00"},
        "som.rates": {"SOM_1": "101.00"},
        "som.result_max": {"SOM_1": "12100.00"},
        "rum.rates": {"RUM_A": "56.00", "RUM_B": {"2": "76.00"}},
        "rum.result_max": {"RUM_B": "30000.00"},
    }
    settings = RuleSettings(read_settings({"som.rates": {"SOM_1": 90}}), read_tariffs([{"valid_from": D, **stated}]))

    def amount(programme: Programme, model: Model, name: str, day: date = D, area: str | None = None) -> Any:
        terms = in_force(settings, programme, day, area)
        part = terms.part(model)
        assert part is not None
        return terms.value(part, name).value

    before = date(2024, 2, 29)
    assert amount(Programme.SOM_1, Model.SOM_PERIOD_BASE, "rate") == 101
    assert amount(Programme.SOM_1, Model.SOM_PERIOD_BASE, "rate", before) == 90
    assert amount(Programme.SOM_2, Model.SOM_PERIOD_BASE, "rate") == 200
    assert amount(Programme.SOM_1, Model.REPORTED_RESULT, "ceiling") == 12100
    assert amount(Programme.RUM_A, Model.RUM_MONTH_BASE, "rate", area="Umeå") == 56
    assert amount(Programme.RUM_B, Model.RUM_MONTH_BASE, "rate", area="Umeå") == 76
    assert amount(Programme.RUM_B, Model.RUM_MONTH_BASE, "rate", area="Västerås") == 62
    assert amount(Programme.RUM_B, Model.REPORTED_RESULT, "ceiling", area="Västerås") == 30000
    assert amount(Programme.AMI_1, Model.RESULT_BONUS_FLAT, "amount") == 15000
    assert amount(Programme.AMI_1, Model.RESULT_BONUS_FLAT, "amount", before) == 20000
    assert amount(Programme.AMI_2, Model.RESULT_BONUS_TIERS, "ceiling") == 16000
    assert settings.fee(Programme.JOBBPENG_BASIC, D) == (3700, D)
    assert settings.fee(Programme.JOBBPENG_ENHANCED, D) == (4858, None)
    assert settings.fee(Programme.AMI_2, D) == (8100, D)


def test_a_draft_stands_instead_of_the_file_and_touches_nothing() -> None:
    raw = deepcopy(document()) | {"code": "SOM_1"}
    draft = replace(RuleSettings(), programmes={"SOM_1": read(raw)})
    assert draft.fee(Programme.SOM_1, D) == (5000, date(2024, 1, 1))
    with pytest.raises(LookupError):
        RuleSettings().fee(Programme.SOM_1, D)
    assert draft.tariff_of(Programme.SOM_2) is tariffs()["SOM_2"]
    assert draft.tariff_of(Programme.LOCAL) is None


# --- a programme that only a file knows -------------------------------------------------------------


def test_a_programme_of_a_file_is_one_like_the_others(steget: Programme) -> None:
    assert (steget, steget.value, steget.name) == ("STEGET", "STEGET", "STEGET")
    assert Programme("STEGET") is steget is deepcopy(steget)
    assert isinstance(steget, Programme)
    assert programmes() == (*Programme, steget)
    assert not (steget.is_ami or steget.is_som or steget.is_local)
    assert family(steget) == "AMI" in families()
    provider = PROVIDER.load({"id": "alfa", "authorised": {"STEGET": "2024-01-01"}})
    assert provider.authorised_on(steget, date(2024, 1, 1))
    assert PROVIDER.dump(provider)["authorised"] == {"STEGET": "2024-01-01"}


def test_without_the_file_there_is_no_such_programme() -> None:
    with pytest.raises(ValueError, match="STEGET"):
        Programme("STEGET")
    assert programmes() == tuple(Programme)
    with pytest.raises(CaseloadFault, match="must be one of"):
        caseloads.read(caseload(assignment("STEGET", "2024-03-01")))


@pytest.mark.rule("NACKA-10", "NACKA-11")
def test_a_new_programme_of_known_parts_needs_no_code(steget: Programme) -> None:
    answer = simulate(caseloads.read(the_step()))
    assert [(row["assignment"], row["kind"], row["amount"]) for row in answer["totals"]] == [
        ("A-1", "MONTHLY_FEE", "15000.00"),
        ("A-1", "RESULT", "2000.00"),
        ("A-1", "RESULT_BONUS", "12000.50"),
        ("A-2", "MONTHLY_FEE", "15000.00"),
    ]
    first = next(row for row in answer["lines"] if row["kind"] == "MONTHLY_FEE")
    assert (first["from"], first["to"], first["rules"]) == ("2024-03-10", "2024-04-10", ["NACKA-10"])
    refused = {(row["assignment"], row["fact"]): row["code"] for row in answer["rejections"]}
    assert (refused["A-1", 6], refused["A-3", 0]) == ("ABOVE_MAXIMUM", "NO_TARIFF")
    assert len([row for row in answer["postings"] if row["assignment"] == "A-1"]) == 5
    assert [(row["kind"], row["state"]) for row in answer["obligations"] if row["assignment"] == "A-1"] == [
        ("BONUS_CLAIM", "MET")
    ]
