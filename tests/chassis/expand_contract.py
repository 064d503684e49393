"""Holds migrations against the rules of upgrading without a stop: those of squawk, and our own.

Expand: what a migration adds must not disturb the version that runs, neither by what it takes away nor by a lock.
Contract: what nothing uses any more may go, two releases later, in a file marked ``-- contract: since X nothing uses
this``. The words are in docs/how-to/upgrade.md.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path

from kundval_chassis.migrate import Migration

ROOT = Path(__file__).resolve().parents[2]
EXCUSED = Path(__file__).with_suffix(".toml")
SQUAWK = Path(sys.executable).with_name("squawk")

#: what the mark of a contract allows: it takes away, and it demands what the version before might not do
LIFTED = re.compile(r"ban-drop-.*|constraint-on-existing|drop-trigger")

_NOISE = re.compile(r"--[^\n]*|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
_CREATED = re.compile(r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)", re.IGNORECASE)
_CONSTRAINED = re.compile(
    r"ALTER\s+TABLE\s+(?:ONLY\s+)?(\w+)\b.*?\bADD\s+(?:CONSTRAINT|CHECK|UNIQUE|FOREIGN)\b", re.I | re.S
)
_MOVES = re.compile(r"(?:WITH\b.*?\)\s*)?(?:UPDATE|DELETE\s+FROM|INSERT\s+INTO\s+\w+.*?\bSELECT)\b", re.I | re.S)
_TARGET = re.compile(r"(?:UPDATE|DELETE\s+FROM|INSERT\s+INTO)\s+(\w+)", re.IGNORECASE)


def findings(migrations: Iterable[Migration], released: Collection[str], folder: Path) -> dict[str, set[str]]:
    """By migration the rules that it breaks; those that break none are left out. `released` are the versions there have
    been; squawk gets the texts as files in `folder`.
    """
    found: dict[str, set[str]] = {}
    files: dict[str, Migration] = {}
    for migration in migrations:
        file = folder / f"{migration.part}--{migration.name}.sql"
        file.write_text(migration.sql)
        files[str(file)] = migration
        found[str(migration)] = ours(migration, released)
    for file_name, rule in squawk(files):
        found[str(files[file_name])].add(rule)
    return {
        str(migration): left
        for migration in files.values()
        if (left := {rule for rule in found[str(migration)] if not (migration.contract and LIFTED.fullmatch(rule))})
    }


def squawk(files: Collection[str]) -> list[tuple[str, str]]:
    """Pairs of file and rule. Raises CalledProcessError if squawk could not do its work."""
    command = [SQUAWK, "--config", ROOT / ".squawk.toml", "--reporter", "json", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode not in (0, 1) or not done.stdout.lstrip().startswith("["):
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return [(one["file"], one["rule_name"]) for one in json.loads(done.stdout)]


def ours(migration: Migration, released: Collection[str]) -> set[str]:
    """What squawk does not ask for."""
    text = _NOISE.sub(" ", migration.sql)
    statements = [part for part in text.split(";") if part.strip()]
    made = {name.lower() for name in _CREATED.findall(text)}
    found = set()
    if (migration.runs == "alone") != ("CONCURRENTLY" in text.upper()):
        # CONCURRENTLY cannot be had in a transaction, and nothing else may be left half done
        found.add("alone-is-concurrently")
    if migration.contract and migration.contract not in released:
        found.add("contract-since-a-release")
    for statement in statements:
        if (altered := _CONSTRAINED.match(statement.strip())) and altered[1].lower() not in made:
            found.add("constraint-on-existing")
        if re.match(r"\s*DROP\s+TRIGGER\b", statement, re.I):
            found.add("drop-trigger")
        if re.match(r"\s*(?:LOCK|TRUNCATE|VACUUM|CLUSTER|REINDEX)\b", statement, re.I):
            found.add("locks-a-table")
        if migration.runs != "in batches" and _MOVES.match(statement.strip()):
            target = _TARGET.search(statement)
            if target is None or target[1].lower() not in made:
                found.add("moves-data-at-once")
    return found


def excused() -> dict[str, set[str]]:
    """By migration the rules that it breaks since before there were rules."""
    table = tomllib.loads(EXCUSED.read_text())["excused"]
    return {f"{part}/{name}": set(rules) for part, files in table.items() for name, rules in files.items()}


def releases() -> set[str]:
    """The versions that the changelog has."""
    return set(re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE))
