"""The version after this one, made of a copy of the sources, with what a version usually brings: migrations that expand
each database, a field more in an event, an event more, and a service that handles it. And the one after that, whose
migration takes something away.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

from tests.suite import SERVICES

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTIONS = {
    "kundval_contracts": ROOT / "contracts",
    "kundval_chassis": ROOT / "chassis",
    **{f"kundval_{service}": ROOT / "services" / service for service in SERVICES},
}
NEXT, AFTER_NEXT = "77.0.0", "78.0.0"

#: what a version adds: file, what stands there, what comes instead
_EDITS = (
    (
        "kundval_contracts/events.py",
        "has been told.\"\"\"\n\n    date = fields.Date(required=True)\n",
        "has been told.\"\"\"\n\n    date = fields.Date(required=True)\n    weekday = fields.Integer()\n",
    ),
    (
        "kundval_contracts/events.py",
        '    ("assignment.day_opened", DayOpened(),',
        '    ("assignment.weekday_begun", DayOpened(), "The same, as an event of its own."),\n'
        '    ("assignment.day_opened", DayOpened(),',
    ),
    (
        "kundval_assignment/tenants.py",
        'data={"date": day.isoformat()})',
        'data={"date": day.isoformat(), "weekday": day.isoweekday()})\n'
        '    tx.publish("assignment.weekday_begun", subject=tenant, tenant=tenant, '
        'data={"date": day.isoformat(), "weekday": day.isoweekday()})',
    ),
    ("kundval_billing/migrations/rights.toml", "[tables]\n", '[tables]\nweekday_begun = "SELECT, INSERT"\n'),
    ("kundval_billing/service.py", "needs=held.NEEDS |", 'needs=held.NEEDS | {"assignment.weekday_begun"} |'),
    (
        "kundval_billing/service.py",
        "        payments.turn(tx, (event.tenant for event in events))\n",
        "        payments.turn(tx, (event.tenant for event in events))\n"
        '        begun = [event for event in events if event.name == "assignment.weekday_begun"]\n'
        '        rows = [(event.tenant, event.data["date"], event.data["weekday"]) for event in begun]\n'
        '        tx.executemany("INSERT INTO weekday_begun VALUES (%s, %s, %s)", rows)\n',
    ),
)
#: migrations that expand, by part; tables that the version before reads with all their columns are among them
_EXPAND = {
    "chassis": {
        "0900_note": "ALTER TABLE held_case ADD COLUMN note text;",
        "0901_note": "-- runs: alone\nCREATE INDEX CONCURRENTLY IF NOT EXISTS held_case_note ON held_case (note);",
        "0902_note": "-- runs: in batches\nUPDATE held_case SET note = 'next' WHERE (tenant, assignment) IN"
        " (SELECT tenant, assignment FROM held_case WHERE note IS NULL LIMIT 5);",
    },
    "assignment": {"0900_more": "ALTER TABLE provider ADD COLUMN more text; ALTER TABLE report ADD COLUMN more text;"},
    "scheduling": {"0900_more": "ALTER TABLE obligation ADD COLUMN more boolean NOT NULL DEFAULT false;"},
    "billing": {
        "0900_more": "ALTER TABLE payment ADD COLUMN more text;"
        " CREATE TABLE weekday_begun (tenant text, day date, weekday integer NOT NULL, PRIMARY KEY (tenant, day));"
    },
    "notifications": {
        "0900_more": "ALTER TABLE notice ADD COLUMN more text; ALTER TABLE message ADD COLUMN more text;",
    },
}
_CONTRACT = f"-- contract: since {NEXT} nothing uses this\nALTER TABLE held_case DROP COLUMN note;"


def make(folder: Path) -> Path:
    """The next version in `folder`: six packages, to be found there before all others (PYTHONPATH)."""
    for package, source in DISTRIBUTIONS.items():
        # with what was compiled of it, or every process would compile it anew
        shutil.copytree(source / package, folder / package)
        _raise_version(folder, package.replace("_", "-"), NEXT)
    for file, before, after in _EDITS:
        text = (folder / file).read_text()
        assert text.count(before) == 1, f"{file} is not as it was: {before}"
        (folder / file).write_text(text.replace(before, after))
    for part, migrations in _EXPAND.items():
        for name, sql in migrations.items():
            (folder / f"kundval_{part}" / "migrations" / f"{name}.sql").write_text(sql)
    return folder


def make_after(folder: Path, before: Path) -> Path:
    """The version after the next in `folder`, of which `before` is the next: it takes away what nothing uses."""
    shutil.copytree(before, folder)
    for package in DISTRIBUTIONS:
        _raise_version(folder, package.replace("_", "-"), AFTER_NEXT)
    (folder / "kundval_chassis" / "migrations" / "0910_contract.sql").write_text(_CONTRACT)
    return folder


def environment(folder: Path) -> Mapping[str, str]:
    """With this a process runs the version in `folder`."""
    return {"PYTHONPATH": str(folder)}


def _raise_version(folder: Path, name: str, version: str) -> None:
    """Metadata of the distribution `name` as if it were installed in `folder` in that version."""
    known = distribution(name)
    for old in folder.glob(f"{name.replace('-', '_')}-*.dist-info"):
        shutil.rmtree(old)
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
    (place / "entry_points.txt").write_text(known.read_text("entry_points.txt") or "")
