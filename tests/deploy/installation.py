"""What the files in deploy/ say of each process, and what the suite's code says of its settings."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

from kundval_chassis.gateway import server as gateway
from kundval_chassis.settings import CHASSIS, REQUIRED, Setting, Settings, load
from kundval_local import packages

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SERVICES = ("assignment", "scheduling", "billing", "notifications")
#: read by the command, and settings of no service
COMMAND = {"KUNDVAL_TENANT", "KUNDVAL_BROKER_API", "KUNDVAL_SETTINGS_FILE"}
#: read by deploy/postgresql/backup
BACKUP = {f"KUNDVAL_BACKUP_{name}" for name in ("FOLDER", "RECIPIENTS", "IDENTITY", "KEEP_DAYS", "PROGRAMS")}
#: seconds that work in hand gets unless it is said otherwise
STOP_SECONDS = next(one.default for one in CHASSIS if one.name == "STOP_SECONDS")


def program(name: str, package: str) -> str:
    """The path of a program of the machine; Debian's package of it is installed if it is missing."""
    found = shutil.which(name)
    if found is None:
        packages.install([package])
        found = shutil.which(name)
    assert found is not None, f"{name} is missing, and the package {package} did not bring it"
    return found


def own(service: str) -> tuple[Setting, ...]:
    """The settings that a process has beside those of all."""
    if service == "gateway":
        return gateway.SETTINGS
    found: tuple[Setting, ...] = import_module(f"kundval_{service}.settings").SETTINGS
    return found


def unknown(keys: Iterable[str], processes: Iterable[str] = (*SERVICES, "gateway")) -> set[str]:
    """Those of the keys that are no setting of any of these processes."""
    names = {
        f"KUNDVAL_{prefix}{one.name}"
        for process in processes
        for one in (*CHASSIS, *own(process))
        for prefix in ("", f"{process.upper()}_")
    }
    # the password of an address may be given apart from it
    names |= {re.sub("_URI$", "_PASSWORD", name) for name in names}
    names |= COMMAND | BACKUP | {f"{name}_FILE" for name in names}
    return {key for key in keys if key.startswith("KUNDVAL_")} - names


def loaded(process: str, environ: Mapping[str, str]) -> Settings:
    """The settings as the process would read them; raises SettingsError with all that is missing or wrong."""
    if process == "gateway":
        return gateway.settings_of(environ)
    return load(process, environ, more=own(process), rule_settings=("AMI1_MONTHLY_FEE", "AMI2_MONTHLY_FEE"))


def required(process: str) -> set[str]:
    """Names without prefix of what has no default."""
    if process == "gateway":
        return {"AMQP_URI", "HTTP_PORT"}
    return {one.name for one in (*CHASSIS, *own(process)) if one.default is REQUIRED}


def placed(environ: Mapping[str, str], files: Mapping[str, Path]) -> dict[str, str]:
    """An environment whose paths below one of these folders or files lead to where they are on this machine."""
    moved = {}
    for key, value in environ.items():
        for start, place in files.items():
            if value == start or value.startswith(f"{start}/"):
                value = str(place) + value.removeprefix(start)
                break
        moved[key] = value
    return moved


#: what looks like a secret: a key or password given as text
SECRET = re.compile(
    r"(?i)(password|secret|token_key|partner_key|person_keys|cookie)[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9][A-Za-z0-9+/_-]{11,}"
    r"|-----BEGIN|://[^/\s:@]+:[^/\s@]+@"
)
