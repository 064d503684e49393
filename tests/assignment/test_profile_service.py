"""Profiles through the running suite: shown as data, and a municipality opened only if its profile is complete."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from kundval_contracts.client import Client
from kundval_contracts.errors import InvalidRequest, NotFound
from kundval_contracts.profiles import as_data, profiles
from tests.conftest import Servers
from tests.suite import Suite, Town, client, running, suite, town

__all__ = ["client", "suite", "town"]

TEN = sorted(profiles())


@pytest.mark.rule("LOKA-59")
@pytest.mark.parametrize("key", TEN)
def test_each_of_the_ten_can_be_opened_and_shows_its_profile(client: Client, key: str) -> None:
    place = Town(client, municipality=key)
    answer = client.call("assignment.profile", tenant=place.name)
    assert (answer["tenant"], answer["municipality"]) == (place.name, key)
    assert answer["profile"] == as_data(profiles()[key])


def test_a_provider_and_everybody_else_with_a_token_may_see_it(suite: Suite, town: Town) -> None:
    with suite.client("PROVIDER", organisation="alfa", tenant=town.name) as provider:
        assert provider.call("assignment.profile", tenant=town.name)["municipality"] == "nacka"
    with suite.client("STATISTICIAN") as statistician:
        assert statistician.call("assignment.profile", tenant=town.name)["profile"]["customer_choice"] is True


def test_a_tenant_that_there_is_not_has_no_profile(client: Client) -> None:
    with pytest.raises(NotFound):
        client.call("assignment.profile", tenant="town-nowhere")


def test_an_unknown_municipality_is_not_opened(client: Client) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Town(client, municipality="atlantis")
    [fault] = refused.value.faults
    assert fault["path"] == "municipality"
    assert fault["message"].startswith("must be one of: harnosand, ")


@pytest.mark.rule("LOKA-59")
def test_an_incomplete_municipality_is_not_opened_and_the_error_names_what_is_missing(
    servers: Servers, tmp_path: Path
) -> None:
    text = files("kundval_contracts").joinpath("data/municipalities/kramfors.toml").read_text(encoding="utf-8")
    own = text.replace('key = "kramfors"', 'key = "sjobo"').replace('name = "Kramfors"', 'name = "Sjöbo"')
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "sjobo.toml").write_text(own, encoding="utf-8")
    (folder / "tomelilla.toml").write_text(
        "\n".join(
            line
            for line in own.replace('"sjobo"', '"tomelilla"').splitlines()
            if not line.startswith(("coordination_model", "eb ="))
        ),
        encoding="utf-8",
    )
    settings = tmp_path / "settings.toml"
    settings.write_text(f'KUNDVAL_PROFILES = "{folder}"\n', encoding="utf-8")  # the file will do as well
    given = {"KUNDVAL_SETTINGS_FILE": str(settings)}
    with running(servers, tmp_path, "assignment", settings=given) as suite, suite.client() as client:
        with pytest.raises(InvalidRequest) as refused:
            Town(client, municipality="tomelilla")
        assert sorted((fault["path"], fault["message"]) for fault in refused.value.faults) == [
            ("municipality.coordination_model", "missing"),
            ("municipality.home.eb", "missing"),
        ]
        assert "Traceback" not in suite.log("assignment")
        place = Town(client, municipality="sjobo")
        answer = client.call("assignment.profile", tenant=place.name)
        assert answer["profile"]["name"] == "Sjöbo"
        assert answer["profile"]["self_referral_allowed"] is True


def test_a_folder_of_profiles_that_is_not_there_is_named_at_the_start(suite: Suite, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kundval_chassis.cli", "run", "assignment"],
        env=suite.environment | {"KUNDVAL_PROFILES": str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "KUNDVAL_PROFILES" in done.stdout + done.stderr
