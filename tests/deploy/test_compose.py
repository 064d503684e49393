"""Compose for one host: what is in compose.yaml is compose's language, complete, and confined."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose, PyOptions

from .installation import DEPLOY, SECRET, SERVICES, STOP_SECONDS, loaded, placed, required, unknown

COMPOSE = DEPLOY / "compose"
TEXT = (COMPOSE / "compose.yaml").read_text()
OURS = (*SERVICES, "gateway")
#: as compose does without a file .env
FILLED = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", TEXT)
FOUND: dict[str, Any] = yaml.safe_load(FILLED)
CONTAINERS: dict[str, dict[str, Any]] = FOUND["services"]
SHARED = dict(
    line.split("=", 1)
    for line in (COMPOSE / "settings.env").read_text().splitlines()
    if line and not line.startswith("#")
)


def _read(text: str) -> PyCompose:
    found = PyOptions(apply_merge=True).from_yaml(text)
    found.validate()
    return found


def test_it_is_what_the_specification_of_compose_allows() -> None:
    assert "$" not in FILLED
    assert set(OURS) < set(_read(FILLED).service_names())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("read_only: true", "read_olny: true"),
        ("networks: [database]", "networks: [elsewhere]"),
        ("secrets: [authority, gateway-broker]", "secrets: [authority, nosuch]"),
        ("mem_limit: 768m", "mem_limit: much"),
    ],
)
def test_the_check_finds_what_is_wrong(right: str, wrong: str) -> None:
    assert right in FILLED
    with pytest.raises(ValueError):
        _read(FILLED.replace(right, wrong, 1))


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_container_is_root_or_may_write_its_file_system(name: str) -> None:
    one = CONTAINERS[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", one["user"])
    assert one["read_only"] is True and one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert not one.get("privileged") and not one.get("cap_add")
    assert all(port.startswith("127.0.0.1:") for port in one.get("ports", []))
    assert one["logging"]["options"]["max-size"]


def test_images_have_tags() -> None:
    assert all(not re.search(r"(:latest|^[^:]+)$", one["image"]) for one in CONTAINERS.values())


@pytest.mark.parametrize("process", OURS)
def test_a_process_gets_every_setting_that_it_needs_and_reads_them(process: str, secrets: Path) -> None:
    environ = _environ(process, secrets)
    settings = loaded(process, environ)
    assert required(process) <= set(settings)
    assert settings["HTTP_PORT"] == 8080
    assert f"//kundval-{process}:" in settings["AMQP_URI"] and settings["AMQP_URI"].startswith("amqps://")
    assert "@rabbitmq:5671/kundval" in settings["AMQP_URI"]
    if process != "gateway":
        assert settings["DATABASE_URI"].endswith("@postgresql:5432/kundval_" + process + "?sslmode=verify-full")
    # the authority is an argument of TLS, and the gateway's settings have it as all
    assert environ["KUNDVAL_TLS_AUTHORITY"]


@pytest.mark.parametrize("process", OURS)
def test_a_process_whose_secret_is_missing_does_not_start(process: str, secrets: Path) -> None:
    environ = _environ(process, secrets)
    environ["KUNDVAL_AMQP_PASSWORD_FILE"] = "/nonexistent"
    with pytest.raises(Exception, match="KUNDVAL_AMQP_PASSWORD_FILE"):
        loaded(process, environ)


@pytest.mark.parametrize("name", [*OURS, "operator", *(f"migrate-{one}" for one in SERVICES)])
def test_every_setting_that_is_named_exists(name: str) -> None:
    assert not unknown({**SHARED, **CONTAINERS[name].get("environment", {})})


@pytest.mark.parametrize("name", [*OURS, "operator", *(f"migrate-{one}" for one in SERVICES)])
def test_a_container_gets_the_secrets_that_it_names_and_no_other(name: str) -> None:
    one = CONTAINERS[name]
    named = set(re.findall(r"/run/secrets/([a-z-]+)", yaml.safe_dump(one)))
    assert named == set(one["secrets"])


def test_the_passwords_of_a_service_are_in_no_other_container() -> None:
    for service in SERVICES:
        for secret in (f"{service}-broker", f"{service}-database"):
            holders = {name for name, one in CONTAINERS.items() if secret in one.get("secrets", [])}
            assert holders - {"operator", "roles"} <= {service}
    keys = {name for name, one in CONTAINERS.items() if "person-keys" in one.get("secrets", [])}
    assert keys == {"assignment"}


def test_every_file_that_is_mounted_is_there() -> None:
    assert FOUND["configs"] and all((COMPOSE / spec["file"]).is_file() for spec in FOUND["configs"].values())


def test_every_secret_is_made(secrets: Path) -> None:
    for spec in FOUND["secrets"].values():
        assert (secrets / spec["file"].removeprefix("./secrets/")).is_file()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_its_migrations_and_the_broker(service: str) -> None:
    waits = {name: how["condition"] for name, how in CONTAINERS[service]["depends_on"].items()}
    assert waits == {f"migrate-{service}": "service_completed_successfully", "rabbitmq": "service_healthy"}
    assert CONTAINERS[f"migrate-{service}"]["command"] == ["migrate", service]
    assert CONTAINERS[service]["command"] == ["run", service]
    assert CONTAINERS[service]["build"]["args"] == {"IMAGE": service}


@pytest.mark.parametrize("process", OURS)
def test_a_process_gets_the_time_to_finish(process: str) -> None:
    given = int(CONTAINERS[process]["stop_grace_period"].removesuffix("s"))
    assert given > int(SHARED["KUNDVAL_STOP_SECONDS"]) + 5 and given > STOP_SECONDS + 5


def test_broker_and_databases_are_reached_from_no_outside_network() -> None:
    for name in ("broker", "database"):
        assert FOUND["networks"][name] == {"internal": True}
    assert CONTAINERS["postgresql"]["networks"] == ["database"] and CONTAINERS["rabbitmq"]["networks"] == ["broker"]
    assert "database" not in CONTAINERS["gateway"]["networks"]


def test_no_secret_is_written_in_a_file() -> None:
    files = [path for path in COMPOSE.iterdir() if path.is_file()]
    assert files and not [path.name for path in files if SECRET.search(path.read_text())]
    assert SECRET.search("KUNDVAL_AMQP_PASSWORD: abcdefghijklmnop")
    assert SECRET.search("amqps://user:word@host")


def _environ(process: str, secrets: Path) -> dict[str, str]:
    environ = {**SHARED, **CONTAINERS[process]["environment"]}
    places = {
        f"/run/secrets/{name}": secrets / spec["file"].removeprefix("./secrets/")
        for name, spec in FOUND["secrets"].items()
    }
    return placed(environ, {**places, "/etc/kundval/rules.toml": COMPOSE / "rules.toml"})
