"""systemd: what `install` puts onto a host is well-formed, hardened, complete."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .installation import DEPLOY, SECRET, SERVICES, STOP_SECONDS, loaded, placed, program, required, unknown

SYSTEMD = DEPLOY / "systemd"
UNITS = SYSTEMD / "units"
SERVICE_UNITS = sorted(path.name for path in UNITS.glob("*.service"))
DAILY = ("open-day", "erase", "af-checks", "access-log")
TIMED = (*(f"kundval-{one}@nacka" for one in DAILY), "kundval-backup", "kundval-backup-verify")
#: exposure that `systemd-analyze security` finds, 0 to 10
MOST_EXPOSED = 2.0


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A host's file system after `install`, without the programs: that takes a network and minutes."""
    root = tmp_path_factory.mktemp("host")
    _install(root)
    # what units refer to and the host has
    assert (root / "usr/local/lib/kundval-backup/kundval-backup").stat().st_mode & 0o111
    command = root / "opt/kundval/bin/kundval"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    (root / "usr/lib/systemd/system").mkdir(parents=True)
    for name in ("network-online", "multi-user", "timers", "basic", "sysinit", "shutdown"):
        (root / f"usr/lib/systemd/system/{name}.target").write_text("[Unit]\nDescription=one of the host's\n")
    return root


def _install(root: Path) -> None:
    where = ["--broker", "broker.example.net:5671", "--database", "db.example.net:5432"]
    command = [str(SYSTEMD / "install"), *where, "--destdir", str(root), "--without-programs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [program("systemd-analyze", "systemd"), *arguments]
    environ = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environ)


def _instances() -> list[str]:
    services = [f"kundval{kind}@{one}.service" for one in SERVICES for kind in ("", "-migrate")]
    timed = [f"{name}.{end}" for name in TIMED for end in ("service", "timer")]
    return [*services, "kundval-gateway.service", *timed]


def test_systemd_finds_nothing_wrong_with_any_unit(host: Path) -> None:
    done = _analyze("verify", "--man=no", f"--root={host}", *_instances())
    assert (done.returncode, done.stderr) == (0, "")
    named = {re.sub("@[a-z]+", "@", name) for name in _instances()}
    assert named == {path.name for path in UNITS.iterdir() if path.is_file()}


def test_the_check_finds_what_is_wrong(host: Path, tmp_path: Path) -> None:
    shutil.copytree(host, tmp_path / "host")
    unit = tmp_path / "host/etc/systemd/system/kundval-gateway.service"
    text = unit.read_text().replace("MemoryMax=1G", "MemoryMax=much").replace("Restart=always", "Restrat=always")
    unit.write_text(text)
    said = _analyze("verify", "--man=no", f"--root={tmp_path / 'host'}", "kundval-gateway.service").stderr
    assert "Restrat" in said and "much" in said


@pytest.mark.parametrize("unit", SERVICE_UNITS)
def test_a_unit_is_hardly_exposed(unit: str) -> None:
    most = f"--threshold={MOST_EXPOSED * 10:.0f}"
    found = _analyze("security", "--offline=true", "--json=short", most, str(UNITS / unit))
    assert found.returncode == 0, found.stdout[-300:]
    assert len(json.loads(found.stdout)) > 50


def test_what_hardens_is_the_same_in_every_unit() -> None:
    texts = [(UNITS / unit).read_text().split("# the same in every unit of kundval\n") for unit in SERVICE_UNITS]
    assert all(len(parts) == 2 for parts in texts)
    blocks = {after.split("\n\n")[0].strip() for _, after in texts}
    assert len(blocks) == 1 and "ProtectSystem=strict" in blocks.pop()


def test_what_runs_as_the_database_leaves_the_databases_shared_memory_alone() -> None:
    texts = [text for unit in SERVICE_UNITS if "User=postgres\n" in (text := (UNITS / unit).read_text())]
    assert len(texts) == 2
    assert [re.findall("^RemoveIPC=(.*)$", text, re.MULTILINE)[-1] for text in texts] == ["no", "no"]


@pytest.mark.parametrize("process", [*SERVICES, "gateway"])
def test_a_process_gets_every_setting_that_it_needs_and_reads_them(
    host: Path, process: str, secrets: Path, tmp_path: Path
) -> None:
    environ = _environ(host, process, secrets, tmp_path)
    settings = loaded(process, environ)
    assert required(process) <= set(settings)
    assert re.fullmatch(rf"amqps://kundval-{process}:\S+@broker\.example\.net:5671/kundval", settings["AMQP_URI"])
    if process != "gateway":
        address = rf"postgresql://kundval_{process}:\S+@db\.example\.net:5432/kundval_{process}\?sslmode=verify-full"
        assert re.fullmatch(address, settings["DATABASE_URI"])


@pytest.mark.parametrize("service", SERVICES)
def test_the_operators_commands_find_every_setting_of_a_service(
    host: Path, service: str, secrets: Path, tmp_path: Path
) -> None:
    text = (host / "etc/kundval/operator.toml").read_text()
    moved = text.replace("/etc/kundval/secrets", str(secrets)).replace("/etc/kundval/ca.crt", f"{secrets}/tls/ca.crt")
    file = tmp_path / "operator.toml"
    file.write_text(moved.replace("/etc/kundval/rules.toml", f"{host}/etc/kundval/rules.toml"))
    settings = loaded(service, {"KUNDVAL_SETTINGS_FILE": str(file)})
    assert re.match(rf"amqps://kundval-{service}:\S+@broker\.example\.net:5671/kundval$", settings["AMQP_URI"])
    assert re.match(rf"postgresql://kundval_{service}:\S+@db\.example\.net:5432/", settings["DATABASE_URI"])
    own = (host / f"etc/kundval/{service}.env").read_text()
    assert f"KUNDVAL_HTTP_PORT={settings['HTTP_PORT']}\n" in own


def test_processes_on_one_host_have_ports_of_their_own(host: Path) -> None:
    files = (host / "etc/kundval").glob("*.env")
    ports = re.findall(r"^KUNDVAL_HTTP_PORT=(\d+)$", "".join(path.read_text() for path in files), re.MULTILINE)
    assert len(ports) == 5 == len(set(ports))


def test_every_setting_that_is_named_exists(host: Path) -> None:
    texts = [path.read_text() for path in (host / "etc").rglob("*") if path.is_file()]
    keys = {key for text in texts for key in re.findall(r"\bKUNDVAL_[A-Z_]+(?==)", text)}
    assert "KUNDVAL_MIGRATION_PASSWORD_FILE" in keys
    assert not unknown(keys)


def test_a_credential_that_is_loaded_is_made_and_one_that_is_read_is_loaded(secrets: Path) -> None:
    for path in UNITS.rglob("*"):
        if not path.is_file():
            continue
        text = path.read_text()
        given = dict(re.findall(r"^LoadCredential=([a-z-]+):/etc/kundval/secrets/(\S+)$", text, re.MULTILINE))
        assert set(re.findall(r"=%d/([a-z-]+)", text)) == set(given)
        for place in given.values():
            for service in SERVICES:
                assert (secrets / place.replace("%i", service)).is_file()


@pytest.mark.parametrize("unit", ["kundval@.service", "kundval-gateway.service"])
def test_a_process_gets_the_time_to_finish(host: Path, unit: str) -> None:
    text = (UNITS / unit).read_text()
    given = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    told = re.search(r"^KUNDVAL_STOP_SECONDS=(\d+)$", (host / "etc/kundval/settings.env").read_text(), re.MULTILINE)
    assert given and told
    assert int(given[1]) > int(told[1]) + 5 and int(given[1]) > STOP_SECONDS + 5


def test_installing_again_leaves_settings_as_they_are(tmp_path: Path) -> None:
    _install(tmp_path)
    (tmp_path / "etc/kundval/billing.env").write_text("changed\n")
    (tmp_path / "etc/systemd/system/kundval@.service").write_text("old\n")
    _install(tmp_path)
    assert (tmp_path / "etc/kundval/billing.env").read_text() == "changed\n"
    assert "ExecStart=" in (tmp_path / "etc/systemd/system/kundval@.service").read_text()


def test_every_user_and_folder_of_a_unit_is_made() -> None:
    users = set(re.findall(r"^u (\S+)", (SYSTEMD / "kundval.sysusers").read_text(), re.MULTILINE))
    wanted = set()
    for unit in SERVICE_UNITS:
        for user in re.findall(r"^User=(\S+)$", (UNITS / unit).read_text(), re.MULTILINE):
            wanted |= {user.replace("%i", one) for one in SERVICES}
    # that one comes with PostgreSQL
    assert users == wanted - {"postgres"}
    folders = (SYSTEMD / "kundval.tmpfiles").read_text()
    assert all(f"/var/lib/kundval/{one} " in folders for one in SERVICES)


def test_no_secret_is_written_in_a_file() -> None:
    for path in SYSTEMD.rglob("*"):
        if path.is_file():
            assert not SECRET.search(path.read_text()), path


def _environ(host: Path, process: str, secrets: Path, tmp_path: Path) -> dict[str, str]:
    """The environment as systemd makes it, credentials in a folder below tmp_path."""
    system = host / "etc/systemd/system"
    texts = [(system / ("kundval-gateway.service" if process == "gateway" else "kundval@.service")).read_text()]
    texts += [path.read_text() for path in sorted((system / f"kundval@{process}.service.d").glob("*.conf"))]
    text = "\n".join(texts).replace("%i", process)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name, place in re.findall(r"^LoadCredential=([a-z-]+):/etc/kundval/secrets/(\S+)$", text, re.MULTILINE):
        shutil.copy(secrets / place, credentials / name)
    environ = {}
    for file in ("settings.env", f"{process}.env"):
        assert f"EnvironmentFile=/etc/kundval/{file}" in text
        lines = (host / "etc/kundval" / file).read_text().splitlines()
        environ |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    for pairs in re.findall(r"^Environment=(.*)$", text, re.MULTILINE):
        environ |= dict(pair.split("=", 1) for pair in pairs.split())
    environ = {key: value.replace("%d", str(credentials)) for key, value in environ.items()}
    return placed(environ, {"/etc/kundval/ca.crt": secrets / "tls/ca.crt", "/etc/kundval": host / "etc/kundval"})
