"""Prometheus and promtool: those of the machine, or out of Debian's package below var/tools.

The package alone is downloaded (19 MB) and its two programs are taken out of it; nothing is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import processes
from .places import TOOLS, Problem, say

PROGRAMS = ("prometheus", "promtool")
FOLDER = TOOLS / "prometheus"
SECONDS = 300


def find() -> Path | None:
    """The folder with both programs, if there is one."""
    where = shutil.which("promtool")
    for folder in (FOLDER, *([Path(where).parent] if where else [])):
        if all(os.access(folder / name, os.X_OK) for name in PROGRAMS):
            return folder
    return None


def ensure() -> Path:
    """The same; fetches them if need be. Problem (status 3) if that cannot be."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with _alone():
        found = find()
        if found is not None:
            return found
        say("downloading Debian's package prometheus for its programs prometheus and promtool")
        with tempfile.TemporaryDirectory(dir=TOOLS) as work:
            _take_out(_download(Path(work)), Path(work))
    return FOLDER


def _download(work: Path) -> Path:
    if shutil.which("apt-get") is None:
        raise Problem("prometheus and promtool (2.40 or newer) must be on the machine, and it has no apt-get", 3)
    lists = work / "lists"
    (lists / "partial").mkdir(parents=True)
    own = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={work}", "-o", "Debug::NoLocking=1"]
    # with the lists that the machine has; if they are missing or old, with fresh ones of our own
    for steps in ([["download", "prometheus"]], [[*own, "update"], [*own, "download", "prometheus"]]):
        done = [_apt(step, work) for step in steps]
        package = next(iter(work.glob("prometheus_*.deb")), None)
        if package is not None:
            return package
    raise Problem(f"apt-get cannot download the package prometheus:\n{done[-1][-500:]}", 3)


def _apt(arguments: list[str], work: Path) -> str:
    env = {"PATH": processes.SYSTEM_PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    env |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    try:
        done = subprocess.run(
            ["apt-get", "-q", "-o", "Acquire::Retries=3", *arguments],
            env=env,
            cwd=work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        return type(failed).__name__
    return done.stderr


def _take_out(package: Path, work: Path) -> None:
    if subprocess.run(["dpkg-deb", "-x", package, work / "all"], check=False).returncode != 0:
        raise Problem("the package prometheus cannot be unpacked", 3)
    FOLDER.mkdir(exist_ok=True)
    for name in PROGRAMS:
        (work / "all/usr/bin" / name).rename(FOLDER / name)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    with open(TOOLS / "prometheus.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
