"""A draft of a tariff or of readings: read as a whole, laid over the settings in force."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from kundval_contracts.case import Case
from kundval_contracts.codes import FactKind, Programme
from kundval_contracts.draft import Draft, DraftFault, load, read
from kundval_contracts.facts import Fact
from kundval_contracts.settings import RuleSettings, read_settings, read_tariffs

IN_FORCE = RuleSettings(
    read_settings({"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000, "bonus.max": 20000}),
    read_tariffs([{"valid_from": "2024-01-01", "AMI2_MONTHLY_FEE": 8000}]),
)


def draft(**parts: Any) -> Draft:
    return read({"kundval_draft": 1, **parts})


def faults(**parts: Any) -> dict[str, str]:
    with pytest.raises(DraftFault) as caught:
        draft(**parts)
    return dict(caught.value.faults)


def decided(day: str) -> Case:
    on = date.fromisoformat(day)
    return Case("A-1", Programme.AMI_2, facts=(Fact("0", FactKind.DECIDED, on, on, 0),))


def test_what_a_draft_names_takes_the_place_of_what_is_in_force_and_the_rest_stays() -> None:
    over = draft(settings={"bonus.max": 15000}).over(IN_FORCE)
    assert over["bonus.max"] == 15000
    assert over["AMI1_MONTHLY_FEE"] == 6000
    assert IN_FORCE["bonus.max"] == 20000


@pytest.mark.rule("NACKA-11")
def test_a_drafted_tariff_holds_for_decisions_from_its_first_day_and_replaces_one_of_the_same_day() -> None:
    later = draft(tariffs=[{"valid_from": "2025-01-01", "AMI2_MONTHLY_FEE": "8500.50"}]).over(IN_FORCE)
    fees = [
        later.fee(Programme.AMI_2, date.fromisoformat(day))[0] for day in ("2024-12-31", "2025-01-01", "2025-01-02")
    ]
    assert fees == [Decimal("8000.00"), Decimal("8500.50"), Decimal("8500.50")]
    instead = draft(tariffs=[{"valid_from": "2024-01-01", "AMI2_MONTHLY_FEE": 1}]).over(IN_FORCE)
    assert instead.fee(Programme.AMI_2, date(2024, 6, 1))[0] == 1
    assert len(instead.tariffs) == 1


def test_a_draft_for_later_decisions_leaves_those_of_the_day_before_alone() -> None:
    one = draft(settings={"bonus.max": 1}, decided_from="2025-01-01")
    days = ("2024-12-31", "2025-01-01", "2025-01-02")
    assert [one.concerns(decided(day)) for day in days] == [False, True, True]
    assert draft(settings={"bonus.max": 1}).concerns(decided("2020-01-01"))


def test_yaml_and_json_give_the_same_draft_and_it_can_be_sent_as_json_and_read_again() -> None:
    text = "kundval_draft: 1\ntitle: T\nsettings: {AMI2_MONTHLY_FEE: 6123.45}\ntariffs: [{valid_from: 2025-01-01}]\n"
    one = load(text)
    sent = json.loads(json.dumps(one.raw))
    assert sent["settings"] == {"AMI2_MONTHLY_FEE": "6123.45"} and sent["tariffs"] == [{"valid_from": "2025-01-01"}]
    assert read(sent) == one == load(json.dumps(sent))
    assert one.settings["AMI2_MONTHLY_FEE"] == Decimal("6123.45")


@pytest.mark.rule("NACKA-11")
def test_a_draft_can_hold_the_whole_tariff_of_a_programme() -> None:
    text = files("kundval_contracts").joinpath("data/tariffs/JOBBPENG_BASIC.toml").read_text(encoding="utf-8")
    tariff = tomllib.loads(text, parse_float=Decimal)
    one = draft(programmes=[tariff])
    assert read(json.loads(json.dumps(one.raw))) == one
    assert one.over(IN_FORCE).tariff_of(Programme.JOBBPENG_BASIC) is one.programmes["JOBBPENG_BASIC"]
    assert one.over(IN_FORCE).tariff_of(Programme.AMI_1) is IN_FORCE.tariff_of(Programme.AMI_1)
    wrong = faults(programmes=[tariff, tariff, {**tariff, "version": 7}, 7])
    assert wrong["programmes[1].code"] == "the tariff of JOBBPENG_BASIC stands twice"
    assert any(path.startswith("programmes[2].version") for path in wrong) and "programmes[3]" in wrong


@pytest.mark.parametrize(
    ("parts", "path", "message"),
    [
        ({}, "", "changes nothing"),
        ({"setings": {}}, "setings", "unknown key"),
        ({"settings": {"bonus.maximum": 1}}, "settings.bonus.maximum", "unknown setting"),
        ({"settings": {"bonus.max": -1}}, "settings.bonus.max", "negative"),
        ({"settings": [1]}, "settings", "must be a map"),
        ({"tariffs": [{"AMI2_MONTHLY_FEE": 1}]}, "tariffs[0].valid_from", "required"),
        ({"tariffs": {"valid_from": 1}}, "tariffs", "must be a list"),
        ({"title": "x" * 201, "settings": {"bonus.max": 1}}, "title", "at most 200"),
        ({"decided_from": "soon", "settings": {"bonus.max": 1}}, "decided_from", "must be a date"),
        ({"decided_from": "0999-01-01", "settings": {"bonus.max": 1}}, "decided_from", "must be from"),
        ({"programmes": {"code": "AMI_1"}}, "programmes", "must be a list"),
    ],
)
def test_a_wrong_draft_is_refused_with_the_path_of_each_fault(parts: dict[str, Any], path: str, message: str) -> None:
    assert message in faults(**parts)[path]


def test_every_fault_is_named_at_once_and_the_version_is_asked_for() -> None:
    with pytest.raises(DraftFault) as caught:
        read({"kundval_draft": True, "settings": {"a": 1, "bonus.max": "x"}})
    assert {path for path, _ in caught.value.faults} == {"kundval_draft", "settings.a", "settings.bonus.max"}
    with pytest.raises(DraftFault):
        read([])
    with pytest.raises(DraftFault, match="line 2"):
        load("kundval_draft: [1")
