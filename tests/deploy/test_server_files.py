"""The files for RabbitMQ and PostgreSQL say only what these servers know, and load as they are."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from kundval_local import rabbit
from kundval_rabbitmq import definitions, rights
from tests.conftest import ROOT, Servers

RABBIT, POSTGRES = ROOT / "deploy" / "rabbitmq", ROOT / "deploy" / "postgresql"


def settings(file: Path) -> dict[str, str]:
    """The lines of a file of settings."""
    lines = (line.strip() for line in file.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def test_rabbitmq_knows_every_setting(servers: Servers) -> None:
    """As its own schemas name them, with $name for what one may call oneself."""
    programs = rabbit.find()
    assert programs is not None
    named = set()
    for schema in programs.parent.glob("plugins/*/priv/schema/*.schema"):
        named |= set(re.findall(r'\{mapping,\s*"([^"]+)"', schema.read_text(errors="replace")))
    assert len(named) > 200
    patterns = [re.compile(re.sub(r"\\\$[a-z_]+", r"[^.]+", re.escape(one))) for one in named]
    said = settings(RABBIT / "rabbitmq.conf")
    assert len(said) > 30
    assert [one for one in said if not any(pattern.fullmatch(one) for pattern in patterns)] == []
    assert said["listeners.tcp"] == "none" and said["cluster_partition_handling"] == "pause_minority"


def test_postgresql_knows_every_setting(servers: Servers) -> None:
    with psycopg.connect(servers.pg_admin_uri) as conn:
        known = {name.lower() for (name,) in conn.execute("SELECT name FROM pg_settings")}
    said = settings(POSTGRES / "postgresql.conf")
    assert len(said) > 25 and {name.lower() for name in said} <= known
    assert said["ssl"] == "on"


def test_over_the_network_nobody_enters_a_database_without_tls_and_a_password() -> None:
    lines = [one.split() for one in (POSTGRES / "pg_hba.conf").read_text().splitlines() if one[:1] not in ("", "#")]
    ways = {(line[0], line[-1]) for line in lines}
    assert ways == {("local", "peer"), ("hostssl", "scram-sha-256"), ("host", "reject")}
    assert {line[1] for line in lines if line[0] == "hostssl"} == {
        *(f"kundval_{one}" for one in rights.SERVICES),
        "replication",
    }


def test_the_definitions_hold_hashes_of_the_passwords_in_the_files(tmp_path: Path) -> None:
    written = {one.name: f"{one.name}-{'x' * 20}" for one in rights.users()}
    for name, password in written.items():
        (tmp_path / name).write_text(f"{password}\n")
    out = tmp_path / "definitions.json"
    command = [sys.executable, str(RABBIT / "definitions"), "--passwords", str(tmp_path), "--out", str(out)]
    subprocess.run(command, check=True, timeout=60)
    made = json.loads(out.read_text())
    assert out.stat().st_mode & 0o077 == 0
    for user in made["users"]:
        kept = base64.b64decode(user["password_hash"])
        assert kept[4:] == hashlib.sha256(kept[:4] + written[user["name"]].encode()).digest()
    made.pop("users")
    assert made == definitions.vhost("kundval")


@pytest.mark.parametrize("fault", ["missing", "short"])
def test_a_password_that_is_missing_or_short_is_named(tmp_path: Path, fault: str) -> None:
    for one in rights.users():
        (tmp_path / one.name).write_text("x" * 20)
    wrong = tmp_path / "kundval-billing"
    if fault == "missing":
        wrong.unlink()
    else:
        wrong.write_text("short")
    command = [sys.executable, str(RABBIT / "definitions"), "--passwords", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "kundval-billing" in done.stderr and done.stdout == ""
