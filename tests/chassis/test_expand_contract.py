"""Every migration leaves alone what the version before it needs, and locks nobody out."""

from __future__ import annotations

from pathlib import Path

import pytest

from kundval_chassis import migrate
from kundval_chassis.migrate import Migration

from . import expand_contract as lint

SERVICES = ("assignment", "scheduling", "billing", "notifications")


def every_migration() -> list[Migration]:
    return list({str(one): one for service in SERVICES for one in migrate.available(service)}.values())


def test_every_migration_keeps_the_rules_but_for_what_is_excused_by_name(tmp_path: Path) -> None:
    migrations = every_migration()
    assert {one.part for one in migrations} == {"chassis", *SERVICES}
    assert lint.findings(migrations, lint.releases(), tmp_path) == lint.excused()


#: the rule that each breaks; what is made in the same file may be filled and constrained at will
BROKEN = {
    "ALTER TABLE event DROP COLUMN name;": "ban-drop-column",
    "DROP TABLE event;": "ban-drop-table",
    "DROP VIEW v;": "ban-drop-view",
    "DROP FUNCTION f;": "ban-drop-function",
    "DROP TRIGGER t ON event;": "drop-trigger",
    "ALTER TABLE event RENAME COLUMN name TO called;": "renaming-column",
    "ALTER TABLE event RENAME TO told;": "renaming-table",
    "ALTER TABLE event ALTER COLUMN version TYPE bigint;": "changing-column-type",
    "ALTER TABLE event ADD COLUMN more text NOT NULL;": "adding-required-field",
    "ALTER TABLE event ALTER COLUMN more SET NOT NULL;": "adding-not-nullable-field",
    "ALTER TABLE event ALTER COLUMN more DROP DEFAULT;": "ban-drop-default",
    "ALTER TABLE event ADD COLUMN at timestamptz DEFAULT clock_timestamp();": "adding-field-with-default",
    "ALTER TABLE event ADD CONSTRAINT few CHECK (version < 9) NOT VALID;": "constraint-on-existing",
    "CREATE INDEX event_name ON event (name);": "require-concurrent-index-creation",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS event_name ON event (name);": "alone-is-concurrently",
    "-- runs: alone\nCREATE INDEX CONCURRENTLY event_name ON event (name);": "prefer-robust-stmts",
    "-- runs: alone\nUPDATE event SET name = '';": "alone-is-concurrently",
    "UPDATE event SET name = 'x;y' WHERE name = '';": "moves-data-at-once",
    "WITH one AS (SELECT 1) DELETE FROM event;": "moves-data-at-once",
    "INSERT INTO inbox (id) SELECT id FROM event;": "moves-data-at-once",
    "LOCK TABLE event;": "locks-a-table",
    "TRUNCATE event;": "locks-a-table",
    "-- contract: since 77.0.0 nothing uses this\nDROP TABLE event;": "contract-since-a-release",
}
KEPT = (
    "CREATE TABLE new (a integer); INSERT INTO new SELECT 1; CREATE INDEX new_a ON new (a);"
    " ALTER TABLE new ADD CONSTRAINT c CHECK (a > 0);",
    "ALTER TABLE event ADD COLUMN more text;",
    "ALTER TABLE event ADD COLUMN more boolean NOT NULL DEFAULT false;",
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE event SET name = ''; END $$;",
    "-- runs: alone\nCREATE INDEX CONCURRENTLY IF NOT EXISTS event_name ON event (name);",
    "-- runs: in batches\nUPDATE event SET name = 'x' WHERE sequence IN (SELECT 1 LIMIT 10);",
    "-- contract: since 0.1.0 nothing uses this\nALTER TABLE event DROP COLUMN name;",
)


def named(texts: list[str]) -> list[Migration]:
    return [Migration("probe", f"{number:04}_one", text) for number, text in enumerate(texts)]


def test_each_way_to_disturb_the_version_before_is_named(tmp_path: Path) -> None:
    found = lint.findings(named(list(BROKEN)), {"0.1.0"}, tmp_path)
    said = {text: found.get(f"probe/{number:04}_one", set()) for number, text in enumerate(BROKEN)}
    assert {text: rule for text, rule in BROKEN.items() if rule not in said[text]} == {}


def test_what_only_adds_or_takes_away_what_nothing_uses_is_no_fault(tmp_path: Path) -> None:
    assert lint.findings(named(list(KEPT)), {"0.1.0"}, tmp_path) == {}


def test_a_text_that_is_no_sql_is_a_fault(tmp_path: Path) -> None:
    assert lint.findings(named(["CREATE TABEL x ();"]), (), tmp_path) == {"probe/0000_one": {"syntax-error"}}


def test_the_changelog_names_the_releases() -> None:
    assert "0.1.0" in lint.releases()


@pytest.mark.parametrize("rule", ["ban-drop-column", "constraint-on-existing", "drop-trigger"])
def test_a_contract_lifts_what_takes_away_and_nothing_that_locks(rule: str) -> None:
    assert lint.LIFTED.fullmatch(rule)
    assert not lint.LIFTED.fullmatch("require-concurrent-index-creation")
