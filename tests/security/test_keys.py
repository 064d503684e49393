"""`kundval keys`: what still needs which key, so that an old one goes when nothing needs it and not before."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from kundval_assignment.people.keys import PersonKeys
from kundval_chassis import db, migrate
from kundval_chassis.cli_keys import keys, says
from kundval_chassis.key_uses import KeyUse, counted, uses
from kundval_chassis.partners import registry
from kundval_chassis.partners.registry import Partner, SecretKind, Way
from kundval_notifications.directory import store
from kundval_notifications.directory.seal import Seal

OLD, NEW = "old:" + "o" * 40, "new:" + "n" * 40
BOTH = f"{NEW},{OLD}"
DAY = date(2026, 2, 2)
PLACE = ("town", "PROVIDER", "alfa")


def use(found: list[KeyUse], setting: str, key: str, what: str) -> tuple[int | None, int, str]:
    (one,) = [one for one in found if (one.setting, one.key, one.what) == (setting, key, what)]
    return one.place, one.count, says(one)


def test_a_key_may_go_when_nothing_needs_it() -> None:
    found = list(counted("KUNDVAL_X", ["new", "old", "older"], "things", {"new": 3, "old": 1}))
    assert [(one.key, says(one)) for one in found] == [("new", "in use"), ("old", "still needed"), ("older", "may go")]


def test_what_a_key_is_missing_for_is_said() -> None:
    (one, missing) = counted("KUNDVAL_X", ["new"], "things", {"gone": 2})
    assert (one.place, missing.place, missing.count) == (1, None, 2)
    assert says(missing).startswith("NOT GIVEN")


@pytest.fixture(scope="module")
def environ(make_database: Callable[..., str]) -> dict[str, str]:
    """Settings of a deployment in which the old keys have sealed something, and new ones have come before them."""
    found = {
        "KUNDVAL_TOKEN_KEY": "t" * 40,
        "KUNDVAL_PARTNER_KEY": BOTH,
        "KUNDVAL_SEALING_KEYS": BOTH,
        "KUNDVAL_ASSIGNMENT_PERSON_KEYS": BOTH,
    }
    for service in ("assignment", "notifications"):
        found[f"KUNDVAL_{service.upper()}_DATABASE_URI"] = uri = make_database(service)
        migrate.apply(uri, service)
    with psycopg.connect(found["KUNDVAL_ASSIGNMENT_DATABASE_URI"]) as conn:
        for n, key in ((1, "old"), (2, "new")):
            conn.execute(
                "INSERT INTO access_log (tenant, n, at, actor, role, method, subjects, outcome, key_id, previous, mac)"
                " VALUES ('town', %s, now(), 'a', 'SYSTEM', 'm', '{}', 'SHOWN', %s, '', '')",
                (n, key),
            )
    with psycopg.connect(found["KUNDVAL_NOTIFICATIONS_DATABASE_URI"]) as conn:
        sealed = Seal(OLD).seal("whsec_x", *PLACE)
        conn.execute(
            "INSERT INTO party (tenant, role, party, secret) VALUES (%s, %s, %s, %s)", (*PLACE, sealed)
        )
    secrets = registry.first_secrets("old")
    partner = Partner("register", frozenset(), ("#",), frozenset({Way.FEED}), secrets, DAY, datetime.now(UTC))
    with db.connect(found["KUNDVAL_NOTIFICATIONS_DATABASE_URI"]) as conn:
        registry.keep(conn, partner)
    return found


def test_what_old_keys_have_sealed_is_counted_until_it_is_sealed_anew(environ: dict[str, str]) -> None:
    found = list(uses(["assignment", "notifications"], DAY, environ))
    persons = "KUNDVAL_ASSIGNMENT_PERSON_KEYS"
    assert use(found, persons, "old", "entries of the access log") == (2, 1, "still needed")
    assert use(found, persons, "old", "persons") == (2, 0, "may go")
    assert use(found, "KUNDVAL_SEALING_KEYS", "old", "secrets of webhooks") == (2, 1, "still needed")
    assert use(found, "KUNDVAL_PARTNER_KEY", "old", "secrets of partners in notifications") == (2, 4, "still needed")

    with db.connect(environ["KUNDVAL_NOTIFICATIONS_DATABASE_URI"]) as conn:
        with conn.transaction():
            store.reseal(db.Tx(conn), Seal(BOTH))
        partner = registry.find(conn, "register")
        assert partner is not None
        for kind in SecretKind:
            partner = registry.rotated(
                partner, kind, number=2, key="new", last_day=DAY, on=DAY, at=datetime.now(UTC)
            )
        registry.keep(conn, partner)
    found = list(uses(["notifications"], DAY, environ))
    assert use(found, "KUNDVAL_SEALING_KEYS", "old", "secrets of webhooks") == (2, 0, "may go")
    assert use(found, "KUNDVAL_PARTNER_KEY", "old", "secrets of partners in notifications")[1] == 4
    found = list(uses(["notifications"], DAY.replace(day=3), environ))
    assert use(found, "KUNDVAL_PARTNER_KEY", "old", "secrets of partners in notifications") == (2, 0, "may go")


def test_a_key_that_was_taken_away_too_soon_ends_the_command_with_one(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in (environ | {"KUNDVAL_ASSIGNMENT_PERSON_KEYS": NEW}).items():
        monkeypatch.setenv(key, value)
    done = CliRunner().invoke(keys, ["assignment", "--json"])
    assert done.exit_code == 1
    rows = json.loads(done.stdout)["keys"]
    assert [row["what"] for row in rows if row["place"] is None] == ["entries of the access log"]
    shown = CliRunner().invoke(keys, ["assignment"])
    assert "NOT GIVEN" in shown.stdout
    for text in (done.stdout, shown.stdout):
        assert "o" * 40 not in text and "n" * 40 not in text


def test_without_settings_the_command_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUNDVAL_SETTINGS_FILE", str(tmp_path / "none"))
    done = CliRunner().invoke(keys, ["assignment"])
    assert done.exit_code == 2 and "KUNDVAL_ASSIGNMENT_DATABASE_URI" in done.stderr


def test_person_keys_are_known_by_their_names() -> None:
    assert PersonKeys(BOTH).names == ("new", "old")
