"""Settings: where they come from, and that every fault is named by its key."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg.conninfo
import pytest

from kundval_chassis.settings import Setting, SettingsError, load, number, one, read_rules_file

GOOD = {
    "KUNDVAL_AMQP_URI": "amqp://user:secret@localhost:5672/kundval",
    "KUNDVAL_BILLING_DATABASE_URI": "postgresql://user:secret@localhost/billing",
    "KUNDVAL_TOKEN_KEY": "k" * 40,
}


def faults(environ: dict[str, str], **options: Any) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load("billing", environ, **options)
    return dict(caught.value.faults)


def test_the_environment_is_enough_and_the_rest_has_defaults() -> None:
    settings = load("billing", GOOD)
    assert settings["DATABASE_URI"] == GOOD["KUNDVAL_BILLING_DATABASE_URI"]
    assert (settings["LOG_LEVEL"], settings["HTTP_PORT"], settings["MAX_WORKERS"]) == ("INFO", None, 10)
    assert settings.service == "billing"


def test_every_missing_setting_is_named_at_once() -> None:
    assert set(faults({})) == {"KUNDVAL_AMQP_URI", "KUNDVAL_BILLING_DATABASE_URI", "KUNDVAL_TOKEN_KEY"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("KUNDVAL_AMQP_URI", "http://localhost"),
        ("KUNDVAL_AMQP_URI", "amqp://"),
        ("KUNDVAL_AMQP_URI", "amqp://a;mysql://b"),
        ("KUNDVAL_AMQP_URI", "amqp://[::1"),
        ("KUNDVAL_BILLING_DATABASE_URI", "billing"),
        ("KUNDVAL_TOKEN_KEY", "short"),
        ("KUNDVAL_HTTP_PORT", "many"),
        ("KUNDVAL_HTTP_PORT", "70000"),
        ("KUNDVAL_LOG_LEVEL", "LOUD"),
        ("KUNDVAL_MAX_WORKERS", "-7"),
        ("KUNDVAL_MAX_WORKERS", "ten"),
        ("KUNDVAL_RULES_FILE", "/nowhere/rules.toml"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(key: str, value: str) -> None:
    found = faults({**GOOD, key: value})
    assert list(found) == [key]
    assert value not in found[key]


def test_all_wrong_ones_are_named_at_once() -> None:
    wrong = {"KUNDVAL_HTTP_PORT": "x", "KUNDVAL_LOG_LEVEL": "x", "KUNDVAL_AMQP_URI": "x"}
    assert set(faults({**GOOD, **wrong})) == set(wrong)


def test_what_is_said_for_one_service_wins_over_what_is_said_for_all() -> None:
    environ = {**GOOD, "KUNDVAL_LOG_LEVEL": "WARNING", "KUNDVAL_BILLING_LOG_LEVEL": "debug"}
    assert load("billing", environ)["LOG_LEVEL"] == "DEBUG"
    environ["KUNDVAL_SCHEDULING_DATABASE_URI"] = "postgresql://localhost/scheduling"
    assert load("scheduling", environ)["LOG_LEVEL"] == "WARNING"


def test_an_empty_setting_counts_as_missing() -> None:
    assert "KUNDVAL_TOKEN_KEY" in faults({**GOOD, "KUNDVAL_TOKEN_KEY": ""})


def test_a_file_holds_settings_for_all_and_for_one_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        f"""
        KUNDVAL_AMQP_URI = "amqp://file/"
        TOKEN_KEY = "{"k" * 40}"
        LOG_LEVEL = "ERROR"
        [billing]
        DATABASE_URI = "postgresql://file/billing"
        HTTP_PORT = 8101
        """
    )
    settings = load("billing", {"KUNDVAL_SETTINGS_FILE": str(file), "KUNDVAL_LOG_LEVEL": "DEBUG"})
    assert settings["AMQP_URI"] == "amqp://file/"
    assert settings["DATABASE_URI"] == "postgresql://file/billing"
    assert (settings["HTTP_PORT"], settings["LOG_LEVEL"]) == (8101, "DEBUG")


@pytest.mark.parametrize("content", ["= 3", "\xff", None])
def test_a_file_that_cannot_be_read_is_a_fault_of_its_own(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "settings.toml"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    assert "KUNDVAL_SETTINGS_FILE" in faults({**GOOD, "KUNDVAL_SETTINGS_FILE": str(file)})


def test_a_list_in_the_file_is_no_setting(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("AMQP_URI = ['a']")
    assert "KUNDVAL_AMQP_URI" in faults({"KUNDVAL_SETTINGS_FILE": str(file)})


def test_a_service_has_settings_of_its_own() -> None:
    own = (Setting("SMTP_PORT", number(1, 65535), help="port of the mail server"), Setting("SMTP_HOST", str, None))
    assert "KUNDVAL_SMTP_PORT" in faults(GOOD, more=own)
    settings = load("billing", {**GOOD, "KUNDVAL_SMTP_PORT": "25"}, more=own)
    assert (settings["SMTP_PORT"], settings["SMTP_HOST"]) == (25, None)


def test_a_fee_without_default_must_be_in_the_rules_file(tmp_path: Path) -> None:
    needed = ("AMI1_MONTHLY_FEE", "AMI2_MONTHLY_FEE")
    assert set(faults(GOOD, rule_settings=needed)) == set(needed)
    file = tmp_path / "rules.toml"
    file.write_text("AMI1_MONTHLY_FEE = 6123.45\n")
    environ = {**GOOD, "KUNDVAL_RULES_FILE": str(file)}
    assert set(faults(environ, rule_settings=needed)) == {"AMI2_MONTHLY_FEE"}
    file.write_text("AMI1_MONTHLY_FEE = 6123.45\nAMI2_MONTHLY_FEE = 8000\n")
    assert load("billing", environ, rule_settings=needed).rules["AMI1_MONTHLY_FEE"] == Decimal("6123.45")


def test_a_wrong_rule_setting_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("AMI1_MONTHLY_FEE = -1\nFEE_OF_THE_MOON = 3\n")
    assert {"AMI1_MONTHLY_FEE", "FEE_OF_THE_MOON"} <= set(faults({**GOOD, "KUNDVAL_RULES_FILE": str(file)}))


@pytest.mark.parametrize(("name", "text"), [("r.toml", "FEE = 6123.45"), ("r.yaml", "FEE: 6123.45")])
def test_amounts_in_a_rules_file_are_decimals(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    fee = read_rules_file(file)["FEE"]
    assert isinstance(fee, Decimal)
    assert fee == Decimal("6123.45")


@pytest.mark.parametrize(("name", "text"), [("r.toml", "= 1"), ("r.yaml", "a: [1"), ("r.yaml", "- 1")])
def test_a_rules_file_that_is_no_map_is_a_fault(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert "KUNDVAL_RULES_FILE" in faults({**GOOD, "KUNDVAL_RULES_FILE": str(file)})


def test_a_migration_needs_the_database_only() -> None:
    environ = {"KUNDVAL_BILLING_DATABASE_URI": GOOD["KUNDVAL_BILLING_DATABASE_URI"]}
    assert dict(load("billing", environ, only=["DATABASE_URI"])) == {
        "DATABASE_URI": environ["KUNDVAL_BILLING_DATABASE_URI"]
    }


def test_namekos_configuration_has_the_services_own_settings() -> None:
    config = load("billing", GOOD).nameko()
    assert config["AMQP_URI"] == GOOD["KUNDVAL_AMQP_URI"]
    assert config["KUNDVAL_BILLING_DATABASE_URI"] == GOOD["KUNDVAL_BILLING_DATABASE_URI"]
    assert config["max_workers"] == 10


# --- secrets in files of their own ---------------------------------------------------------------------


def secret(folder: Path, content: str, mode: int = 0o400) -> str:
    path = folder / "secret"
    path.write_bytes(content.encode("latin-1"))
    path.chmod(mode)
    return str(path)


def test_any_setting_can_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    environ = {key: value for key, value in GOOD.items() if key != "KUNDVAL_TOKEN_KEY"}
    settings = load("billing", {**environ, "KUNDVAL_TOKEN_KEY_FILE": secret(tmp_path, "k" * 40 + "\n")})
    assert settings["TOKEN_KEY"] == "k" * 40
    assert settings.files == {"TOKEN_KEY": tmp_path / "secret"}
    assert "k" * 40 not in repr(settings)
    (tmp_path / "secret").unlink()
    assert load("billing", {**GOOD, "KUNDVAL_BILLING_MAX_WORKERS_FILE": secret(tmp_path, "7")})["MAX_WORKERS"] == 7


def test_a_file_for_one_service_wins_over_a_value_for_all(tmp_path: Path) -> None:
    own = {"KUNDVAL_BILLING_TOKEN_KEY_FILE": secret(tmp_path, "b" * 40)}
    assert load("billing", {**GOOD, **own})["TOKEN_KEY"] == "b" * 40


def test_a_value_and_a_file_of_the_same_key_are_a_fault_that_names_both(tmp_path: Path) -> None:
    file = secret(tmp_path, "b" * 40)
    assert faults({**GOOD, "KUNDVAL_TOKEN_KEY_FILE": file}) == {
        "KUNDVAL_TOKEN_KEY": "is set, and so is KUNDVAL_TOKEN_KEY_FILE"
    }


def test_the_environment_wins_over_the_settings_file_whichever_way_it_says_it(tmp_path: Path) -> None:
    stored = tmp_path / "settings.toml"
    stored.write_text(f'TOKEN_KEY = "{"s" * 40}"\n[billing]\nLOG_LEVEL_FILE = "/nowhere"\n')
    environ = {key: value for key, value in GOOD.items() if key != "KUNDVAL_TOKEN_KEY"}
    environ |= {
        "KUNDVAL_SETTINGS_FILE": str(stored),
        "KUNDVAL_TOKEN_KEY_FILE": secret(tmp_path, "e" * 40),
        "KUNDVAL_BILLING_LOG_LEVEL": "DEBUG",
    }
    settings = load("billing", environ)
    assert (settings["TOKEN_KEY"], settings["LOG_LEVEL"]) == ("e" * 40, "DEBUG")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "names no file"),
        ("", "names an empty file"),
        ("\n", "names an empty file"),
        ("\xff\xfe", "names a file that is not text in UTF-8"),
        ("x" * 70_000, "names a file of more than 65536 bytes"),
    ],
)
def test_a_file_that_is_of_no_use_is_named_by_its_key(tmp_path: Path, content: str | None, message: str) -> None:
    file = str(tmp_path) if content is None else secret(tmp_path, content)
    environ = {key: value for key, value in GOOD.items() if key != "KUNDVAL_TOKEN_KEY"}
    assert faults({**environ, "KUNDVAL_TOKEN_KEY_FILE": file}) == {"KUNDVAL_TOKEN_KEY_FILE": message}


def test_a_value_in_a_file_that_is_wrong_is_not_shown(tmp_path: Path) -> None:
    found = faults({**GOOD, "KUNDVAL_HTTP_PORT_FILE": secret(tmp_path, "hemligt")})
    assert found == {"KUNDVAL_HTTP_PORT": "must be a whole number"}


def test_a_file_that_everybody_can_read_is_used_and_said(tmp_path: Path) -> None:
    environ = {key: value for key, value in GOOD.items() if key != "KUNDVAL_TOKEN_KEY"}
    environ["KUNDVAL_TOKEN_KEY_FILE"] = secret(tmp_path, "k" * 40, 0o444)
    assert [key for key, _ in load("billing", environ).notes] == ["KUNDVAL_TOKEN_KEY_FILE"]
    (tmp_path / "secret").chmod(0o440)
    assert load("billing", environ).notes == ()


def test_a_password_stands_apart_from_its_address(tmp_path: Path) -> None:
    file = tmp_path / "database-password"
    file.write_text("p@ss/w:rd %\n")
    settings = load(
        "billing",
        {
            **GOOD,
            "KUNDVAL_AMQP_URI": "amqps://kundval@a:5671/v;amqps://kundval@[::1]:5671/v",
            "KUNDVAL_AMQP_PASSWORD": "b/c",
            "KUNDVAL_BILLING_DATABASE_URI": "postgresql://kundval_billing@one:1,two:2/billing?sslmode=verify-full",
            "KUNDVAL_BILLING_DATABASE_PASSWORD_FILE": str(file),
        },
    )
    assert settings["AMQP_URI"] == "amqps://kundval:b%2Fc@a:5671/v;amqps://kundval:b%2Fc@[::1]:5671/v"
    address = psycopg.conninfo.conninfo_to_dict(settings["DATABASE_URI"])
    assert (address["user"], address["password"]) == ("kundval_billing", "p@ss/w:rd %")
    assert (address["host"], address["port"], address["sslmode"]) == ("one,two", "1,2", "verify-full")
    assert not [name for name in settings if "PASSWORD" in name]


@pytest.mark.parametrize("address", ["amqp://localhost/v", "amqp://user:secret@localhost/v", "amqp://[::1"])
def test_a_password_that_fits_no_address_is_a_fault(address: str) -> None:
    found = faults({**GOOD, "KUNDVAL_AMQP_URI": address, "KUNDVAL_AMQP_PASSWORD": "hemligt"})
    assert list(found) == ["KUNDVAL_AMQP_URI"]
    assert "hemligt" not in str(found)


def test_commands_find_a_setting_wherever_it_is_given(tmp_path: Path) -> None:
    stored = tmp_path / "settings.toml"
    stored.write_text('AMQP_URI = "amqp://kundval@localhost/"\n')
    environ = {"KUNDVAL_SETTINGS_FILE": str(stored), "KUNDVAL_AMQP_PASSWORD_FILE": secret(tmp_path, "x")}
    assert one("KUNDVAL_AMQP_URI", environ) == "amqp://kundval:x@localhost/"
    assert one("KUNDVAL_TOKEN_KEY", environ) is None
    with pytest.raises(SettingsError):
        one("KUNDVAL_AMQP_URI", environ | {"KUNDVAL_AMQP_PASSWORD": "y"})
