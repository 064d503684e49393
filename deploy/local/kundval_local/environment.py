"""deploy/local/setup: .venv with the locked requirements and the six packages of this checkout."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import packages
from .places import ROOT, SERVICES, TOOLS, VAR, VENV, Problem, say
from .servers import guarded

DISTRIBUTIONS = ("contracts", "chassis", *(f"services/{service}" for service in SERVICES))
REQUIREMENTS = ROOT / "requirements.txt"
STAMP = VENV / ".kundval-setup.json"
PIP_SECONDS = 1800

DESCRIPTION = """\
Makes .venv with the locked requirements (every file checked against its hash) and the six packages of this
checkout, editable. Does nothing if that is done already and neither the requirements nor a pyproject.toml
has changed.
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy/local/setup", description=DESCRIPTION)
    parser.add_argument("--again", action="store_true", help="from nothing, even if nothing has changed")
    chosen = parser.parse_args(arguments)
    return guarded(lambda: ensure(chosen.again))


def ensure(again: bool = False) -> int:
    """Bring .venv up to date. Returns 0; Problem if it cannot."""
    VAR.mkdir(exist_ok=True)
    with open(VAR / "setup.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted, had = _wanted(), _had()
        if had == wanted and (VENV / "bin" / "kundval").exists() and not again:
            return 0
        where = ("python", "root")
        if (
            again
            or not (VENV / "bin" / "python").exists()
            or [had.get(key) for key in where] != [wanted[key] for key in where]
        ):
            _make_venv()
            had = {}
        if had.get("requirements") != wanted["requirements"]:
            count = sum("==" in line for line in REQUIREMENTS.read_text().splitlines())
            say(f"installing {count} locked requirements into .venv (about half a minute)")
            # what is used is compiled when it is first used: most of it never is
            _pip("install", "--no-compile", "--require-hashes", "-r", str(REQUIREMENTS))
        say("installing the six packages of this checkout into .venv, editable")
        editable = [option for folder in DISTRIBUTIONS for option in ("-e", str(ROOT / folder))]
        _pip("install", "--no-deps", "--no-build-isolation", *editable)
        STAMP.write_text(json.dumps(wanted, indent=2) + "\n")
    say("ready: .venv/bin/kundval --help")
    return 0


def _wanted() -> dict[str, str]:
    """What the environment depends on. An editable install and .venv itself know their folder by its path."""
    texts = [(ROOT / folder / "pyproject.toml").read_bytes() for folder in DISTRIBUTIONS]
    return {
        "python": f"{sys.executable} {sys.version_info[0]}.{sys.version_info[1]}",
        "root": str(ROOT),
        "requirements": hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest(),
        "packages": hashlib.sha256(b"\0".join(texts)).hexdigest(),
    }


def _had() -> dict[str, str]:
    try:
        found = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _make_venv() -> None:
    say(f"making .venv with Python {sys.version_info[0]}.{sys.version_info[1]}")
    shutil.rmtree(VENV, ignore_errors=True)
    if importlib.util.find_spec("ensurepip") is None:
        # Debian and Ubuntu keep this part of Python in a package of its own
        packages.install([_venv_package()])
    wheels = sorted(TOOLS.glob("usr/share/python-wheels/pip-*.whl"))
    # asked of a new process: the package may have just been installed
    alone = _succeeds("-c", "import ensurepip")
    if not alone and not wheels:
        raise Problem(f"Python's module venv does not work here: install {_venv_package()}", 3)
    if not _succeeds("-m", "venv", *([] if alone else ["--without-pip"]), str(VENV)):
        raise Problem(f"{sys.executable} -m venv failed; does {_venv_package()} fit this Python?", 3)
    if not alone:
        wheel = wheels[-1]
        pip = [str(VENV / "bin" / "python"), str(wheel / "pip"), "install", "-q", "--no-index", str(wheel)]
        if subprocess.run(pip, check=False).returncode != 0:
            raise Problem("pip could not be put into .venv")


def _venv_package() -> str:
    """`python3-venv`, or that of a Python which is not the machine's own `python3`."""
    default = Path("/usr/bin/python3").resolve()
    this = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return "python3-venv" if default.name == this else f"{this}-venv"


def _succeeds(*arguments: str) -> bool:
    done = subprocess.run(
        [sys.executable, *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300
    )
    return done.returncode == 0


def _pip(*arguments: str) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    env |= {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [str(VENV / "bin" / "python"), "-m", "pip", *arguments]
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PIP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"pip did not end within {PIP_SECONDS} s") from None
    if done.returncode != 0:
        raise Problem(f"pip {arguments[0]} failed:\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")
