"""Known vulnerabilities of the locked packages: asked for by `make audit`, kept with their date in `audit.json`.

The record says of each locked package whether it was looked up. What was found must be fixed, or accepted in
`accepted.toml` with a reason and a day until which that holds. `faults` needs no network.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from .lock import LOCK, ROOT, locked

RECORD = Path(__file__).with_name("audit.json")
ACCEPTED = Path(__file__).with_name("accepted.toml")
#: pip-audit comes into an environment of its own: what it needs is no part of the suite
_HOME = ROOT / "var" / "audit"
_SECONDS = 1800


class NotAudited(RuntimeError):
    """Nothing could be looked up."""


def ask(*more: str) -> dict[str, Any]:
    """Look all locked packages up with pip-audit; the record. more: options of it. Raises NotAudited."""
    pip_audit = _HOME / "bin" / "pip-audit"
    if not pip_audit.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_HOME)], check=True)
        subprocess.run([str(_HOME / "bin" / "pip"), "install", "-q", "pip-audit>=2.9,<3"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        command = [str(pip_audit), "-r", str(LOCK), "--no-deps", "--disable-pip", "--format", "json", *more]
        done = subprocess.run(
            [*command, "--output", str(answer)], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        if not answer.exists():
            raise NotAudited(done.stderr.strip()[-500:] or "pip-audit said nothing")
        return record(json.loads(answer.read_text(encoding="utf-8")), date.today())


def record(answer: Mapping[str, Any], on: date) -> dict[str, Any]:
    """What pip-audit found, as it is kept. One that it skipped was not looked up, whatever its exit status says."""
    audited, skipped, found = {}, {}, {}
    for one in answer["dependencies"]:
        if "skip_reason" in one:
            skipped[one["name"]] = "not found where it was looked up"
            continue
        audited[one["name"]] = one["version"]
        if one["vulns"]:
            found[one["name"]] = [
                {"id": each["id"], "aliases": sorted(each["aliases"]), "fixed_in": each["fix_versions"]}
                for each in one["vulns"]
            ]
    if not audited:
        raise NotAudited("none of the packages was found where they were looked up")
    return {"on": on.isoformat(), "audited": audited, "not_audited": skipped, "found": found}


def write(made: Mapping[str, Any]) -> None:
    RECORD.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def faults(made: Mapping[str, Any], accepted: Mapping[str, Any], on: date) -> Iterator[str]:
    """What is wrong with a record: packages that it does not know, findings that nobody has accepted."""
    for name, package in locked().items():
        if package.here and name not in made["not_audited"] and made["audited"].get(name) != package.version:
            yield f"{name}: {package.version} is locked and was not looked up"
    said = {(one["package"], one["id"]): one for one in accepted.get("finding", ())}
    for name, findings in made["found"].items():
        if name not in locked():
            continue
        for each in findings:
            mine = said.get((name, each["id"]))
            if mine is None:
                fixed = ", ".join(each["fixed_in"]) or "no version"
                yield f"{name}: {each['id']} is neither fixed (in {fixed}) nor accepted"
            elif on > mine["until"]:
                yield f"{name}: {each['id']} was accepted until {mine['until']}"
    for (name, id_), one in said.items():
        if not str(one.get("reason", "")).strip():
            yield f"{name}: {id_} is accepted without a reason"


def kept() -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The record, None if none was made yet, and what is accepted."""
    accepted = tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))
    return (json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else None), accepted
