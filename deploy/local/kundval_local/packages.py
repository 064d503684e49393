"""Getting PostgreSQL, RabbitMQ and python3-venv onto the machine, and leaving it as it was otherwise."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import postgres, processes, rabbit
from .places import ROOT, TOOLS, VAR, Problem, say

APT_SECONDS = 1200
POLICY = Path("/usr/sbin/policy-rc.d")
SAVED_POLICY = Path("/usr/sbin/policy-rc.d.kundval-saved")
OURS = "# put here by kundval's deploy/local/servers while it installs packages; may be removed\n"
POLICY_TEXT = f"#!/bin/sh\n{OURS}exit 101\n"
CLUSTER_CONF = Path("/etc/postgresql-common/createcluster.conf")
# what these packages would start at the next boot of the machine
UNITS = ("rabbitmq-server.service", "epmd.service", "epmd.socket", "postgresql.service")
#: what the rehearsals need besides, as package -> file that it brings: to seal and pack backups, and a wrong clock
REHEARSAL = {
    "age": "/usr/bin/age",
    "zstd": "/usr/bin/zstd",
    "libfaketime": "/usr/lib/*/faketime/libfaketime.so.1",
}


@dataclass(frozen=True)
class Programs:
    """Where the servers' programs are."""

    postgres: Path
    rabbit: Path


def find_servers() -> Programs:
    """Where the servers' programs are; Problem (status 3) with the command to run if they are not there."""
    found_postgres, found_rabbit = postgres.find(), rabbit.find()
    if found_postgres is None or found_rabbit is None:
        both = (("PostgreSQL", found_postgres), ("RabbitMQ", found_rabbit))
        names = [name for name, found in both if not found]
        raise Problem(f"{' and '.join(names)} not found on this machine: run deploy/local/servers install", 3)
    return Programs(found_postgres, found_rabbit)


def ensure_servers() -> None:
    """Install what is missing of PostgreSQL (13 or newer) and RabbitMQ."""
    missing = []
    if postgres.find() is None:
        missing.append("postgresql")
    if rabbit.find() is None:
        missing.append("rabbitmq-server")
    if not missing:
        return
    install(missing)
    programs = find_servers()
    say(f"PostgreSQL in {programs.postgres}, RabbitMQ in {programs.rabbit}")


def ensure_rehearsal() -> None:
    """Install what is missing of the programs that the rehearsals use."""
    missing = [name for name, file in REHEARSAL.items() if not glob.glob(file)]
    if missing:
        install(missing)


def install(packages: list[str]) -> None:
    """Install Debian packages: as root, with sudo, or else unpacked below var/tools."""
    command = f"apt-get update && apt-get install --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise Problem(
            f"{', '.join(packages)} must be installed, and this machine has no apt-get: install what your "
            "system calls them (PostgreSQL 13 or newer with its server programs; RabbitMQ 3.10 or newer)",
            3,
        )
    if os.getuid() == 0:
        install_as_root(packages)
        return
    sudo = _sudo()
    if sudo:
        say(f"with sudo: apt-get installs {', '.join(packages)}; the system's own services are not started")
        again = [*sudo, sys.executable, str(ROOT / "deploy/local/servers"), "install-packages", *packages]
        if subprocess.run(again, check=False).returncode == 0:
            return
        say("sudo did not do it")
    if not unpack(packages):
        once = f"sudo sh -c '{command}'"
        raise Problem(f"have somebody who may do so run this once, then try again:\n    {once}", 3)


def _sudo() -> list[str]:
    """How to become root: without a question, or by asking the person at the terminal; else empty."""
    if shutil.which("sudo") is None:
        return []
    quiet = subprocess.run(["sudo", "-n", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if quiet.returncode == 0:
        return ["sudo", "-n"]
    if sys.stdin.isatty() and sys.stderr.isatty():
        return ["sudo"]
    return []


def install_as_root(packages: list[str]) -> None:
    """apt-get install, without starting, enabling or configuring any service of the system's own.

    A policy-rc.d that forbids starting stands for the duration (one that is there already is put back),
    PostgreSQL's packages are kept from making a cluster, and units that were not enabled before are
    disabled again.
    """
    if os.getuid() != 0:
        raise Problem("install-packages needs root")
    for package in packages:
        if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", package):
            raise Problem(f"{package!r} is no package")
    what = ", ".join(packages)
    say(f"installing {what} with apt-get; the system's own services are neither started nor enabled")
    before = _start_links()
    with _nothing_starts():
        _apt("update")
        if "postgresql" in packages and not Path("/etc/postgresql").exists():
            _apt("install", "postgresql-common")
            with _no_cluster():
                _apt("install", *packages)
        else:
            _apt("install", *packages)
    new = _start_links() - before
    if new:
        units = sorted({link.name for link in new})
        if shutil.which("systemctl"):
            subprocess.run(["systemctl", "disable", *units], capture_output=True, check=False)
        for link in new:
            link.unlink(missing_ok=True)
        say(f"not started at boot: {', '.join(units)} (to change that: systemctl enable --now NAME)")


def _apt(verb: str, *packages: str) -> None:
    options = ["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3", "-q"]
    if verb == "install":
        options += ["-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8", NEEDRESTART_SUSPEND="1")
    try:
        done = subprocess.run(
            ["apt-get", *options, verb, *packages],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=APT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"apt-get {verb} did not end within {APT_SECONDS} s") from None
    if done.returncode != 0 and verb == "install":
        said = f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        raise Problem(f"apt-get install {' '.join(packages)} failed:\n{said}")
    if done.returncode != 0:
        # an unreachable source that has nothing to do with us is no reason to stop here
        say(f"apt-get update complained: {done.stderr.strip()[-300:]}")


@contextlib.contextmanager
def _nothing_starts() -> Iterator[None]:
    _tidy_policy()  # what an installation that was killed may have left
    forbids = ["sh", str(POLICY), "rabbitmq-server", "start"]
    if POLICY.exists() and subprocess.run(forbids, capture_output=True, check=False).returncode == 101:
        yield  # the machine forbids it anyhow: leave its policy alone
        return
    if POLICY.exists():
        POLICY.rename(SAVED_POLICY)
    POLICY.write_text(POLICY_TEXT)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        _tidy_policy()


def _tidy_policy() -> None:
    if POLICY.exists() and OURS in POLICY.read_text(errors="replace"):
        POLICY.unlink()
    if SAVED_POLICY.exists() and not POLICY.exists():
        SAVED_POLICY.rename(POLICY)


@contextlib.contextmanager
def _no_cluster() -> Iterator[None]:
    """PostgreSQL's packages make and later start a cluster "main" unless this setting says no."""
    if not CLUSTER_CONF.exists():
        yield
        return
    before = CLUSTER_CONF.read_text()
    CLUSTER_CONF.write_text(before + "\ncreate_main_cluster = false\n")
    try:
        yield
    finally:
        CLUSTER_CONF.write_text(before)


def _start_links() -> set[Path]:
    """What makes systemd start our packages' services at boot."""
    wants = Path("/etc/systemd/system").glob("*.wants/*")
    return {link for link in wants if link.name in UNITS and link.is_symlink()}


def unpack(packages: list[str]) -> bool:
    """Without root: download the packages with everything they need and unpack them below var/tools.

    Nothing is installed: apt works on lists and a cache of its own, and only reads what dpkg knows.
    """
    say(f"neither root nor sudo: trying to download {', '.join(packages)} and to unpack them below var/tools")
    work = VAR / "tools-download"
    archives = work / "archives"
    for folder in (archives / "partial", work / "lists" / "partial", TOOLS):
        folder.mkdir(parents=True, exist_ok=True)
    options = [
        "-o",
        f"Dir::State::lists={work / 'lists'}",
        "-o",
        f"Dir::Cache={work}",
        "-o",
        f"Dir::Cache::archives={archives}",
        "-o",
        "Debug::NoLocking=1",
        "-o",
        "Acquire::Retries=3",
        "-o",
        "Dir::Log=" + str(work),
        "-q",
        "-y",
        "--no-install-recommends",
    ]
    env = {"PATH": processes.SYSTEM_PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    env |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    steps = [["update"], ["install", "--download-only", *packages]]
    for step in steps:
        try:
            done = subprocess.run(
                ["apt-get", *options, *step],
                env=env,
                cwd=work,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=APT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as failed:
            say(f"apt-get {step[0]} failed: {type(failed).__name__}")
            return False
        if done.returncode != 0 and step[0] == "install":
            say(f"apt-get cannot download them: {done.stderr.strip()[-500:]}")
            return False
    for archive in sorted(archives.glob("*.deb")):
        if subprocess.run(["dpkg", "-x", archive, TOOLS], check=False).returncode != 0:
            return False
    shutil.rmtree(work)
    _relocate_erlang()
    return True


def _relocate_erlang() -> None:
    """Erlang's start scripts name the folder in which the system would have it."""
    for script in [*TOOLS.glob("usr/lib/erlang/bin/*"), *TOOLS.glob("usr/lib/erlang/erts-*/bin/*")]:
        if script.is_file() and not script.is_symlink():
            text = script.read_bytes()
            if text.startswith(b"#!") and b"ROOTDIR=/usr/lib/erlang" in text:
                moved = f"ROOTDIR={TOOLS / 'usr/lib/erlang'}".encode()
                script.write_bytes(text.replace(b"ROOTDIR=/usr/lib/erlang", moved))
