"""`kundval partner` on four real databases: one row everywhere, secrets in one file alone."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from kundval_chassis.clock import business_date
from kundval_chassis.db import Pool
from kundval_chassis.partners import log, ways
from kundval_chassis.partners.registry import Way
from kundval_contracts.client import SERVICES
from tests import commands

from .eventing import migrated, publish
from .partnering import KEY, enter, served

TOKEN = re.compile(r"kvfeed_[A-Za-z0-9_-]{43}")


@dataclass
class Desk:
    """Where an operator sits: the databases of four services, and a folder for pages."""

    pools: dict[str, Pool]
    uris: dict[str, str]
    folder: Path

    def run(self, *arguments: str, without: str = "", **settings: str) -> CompletedProcess[str]:
        """`kundval partner …`; the database of the service `without` cannot be reached."""
        env = {
            "COLUMNS": "250",
            "KUNDVAL_AMQP_URI": "amqp://suite:pass-word@broker.example:5672/main",
            "KUNDVAL_PARTNER_KEY": KEY,
            **{f"KUNDVAL_{name.upper()}_DATABASE_URI": uri for name, uri in self.uris.items()},
            **({f"KUNDVAL_{without.upper()}_DATABASE_URI": "postgresql://127.0.0.1:9/none"} if without else {}),
            **settings,
        }
        return commands.here("partner", *arguments, env=env)

    def page(self, *arguments: str, status: int = 0, **settings: str) -> str:
        """The page that a command writes."""
        file = self.folder / "page.md"
        done = self.run(*arguments, "--out", str(file), **settings)
        assert done.returncode == status, done.stderr
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_text()
        assert not TOKEN.search(done.stdout + done.stderr)
        return text

    def shown(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        done = self.run("show", *arguments, "--json")
        assert done.returncode == status, done.stderr
        assert not TOKEN.search(done.stdout) and "whsec_" not in done.stdout
        return dict(json.loads(done.stdout))

    def token(self, text: str) -> str:
        found = TOKEN.findall(text)
        assert len(found) == 1
        return str(found[0])

    def reads(self, id: str, token: str) -> list[int]:
        """What the feeds of all services answer to a token."""
        statuses = []
        for service, pool in self.pools.items():
            with served(pool, service) as feed:
                statuses.append(feed.path(f"/feeds/{service}/{id}/events", token=token)[0])
        return statuses


@pytest.fixture(scope="module")
def opened(make_database: Callable[..., str]) -> Iterator[tuple[dict[str, Pool], dict[str, str]]]:
    with ExitStack() as stack:
        uris = {service: make_database(service) for service in SERVICES}
        # the tables of the chassis are all that partners need
        yield {service: stack.enter_context(migrated(uri, "none")) for service, uri in uris.items()}, uris


@pytest.fixture
def desk(opened: tuple[dict[str, Pool], dict[str, str]], tmp_path: Path) -> Desk:
    pools, uris = opened
    for pool in pools.values():
        with pool.tx() as tx:
            tx.execute("TRUNCATE event, outbox, told_event, partner, partner_way, partner_parked RESTART IDENTITY")
    return Desk(pools, uris, tmp_path)


def test_a_partner_is_added_to_every_service_and_its_page_says_how_to_begin(desk: Desk) -> None:
    page = desk.page(
        "add", "register", "--tenants", "nacka,solna", "--names", "assignment.*", "--ways", "feed,queue,webhook",
        "--webhook-url", "https://partner.example/hook", "--base", "https://kundval.example/",
    )  # fmt: skip
    assert desk.reads("register", desk.token(page)) == [200] * 4
    for word in (
        "`nacka`, `solna`", "`assignment.*`", "https://kundval.example/feeds/billing/register/events",
        "?after=0", "partner.register.events", "amqp://broker.example:5672/main", "whsec_",
        "https://partner.example/hook",
    ):  # fmt: skip
        assert word in page, word
    assert "pass-word" not in page and "k" * 40 not in page
    rows = desk.shown("register")["partners"]
    assert [row["service"] for row in rows] == list(SERVICES) and all(row["in_step"] for row in rows)
    assert set(rows[0]["ways"]) == {"feed", "queue", "webhook"}
    assert "register" in desk.run("show").stdout


def test_a_page_holds_the_secrets_of_the_ways_that_the_partner_has_and_no_other(desk: Desk) -> None:
    page = desk.page("add", "register")
    assert TOKEN.search(page) and "whsec_" not in page and "password    " not in page
    assert "Municipalities: all" in page and "`#`" in page


def test_adding_again_changes_what_was_said_and_leaves_the_secrets(desk: Desk) -> None:
    first = desk.page("add", "register")
    again = desk.page("add", "register", "--names", "billing.*")
    assert desk.token(first) == desk.token(again)
    assert {tuple(row["names"]) for row in desk.shown()["partners"]} == {("billing.*",)}


def test_adding_again_without_options_gives_the_partner_nothing_more_and_takes_nothing_away(desk: Desk) -> None:
    """Who only wants the page once more must not open every municipality to the partner, nor end its webhooks."""
    what = ("--tenants", "nacka", "--names", "billing.*", "--ways", "feed,webhook")
    desk.page("add", "register", *what, "--webhook-url", "https://partner.example/hook")
    for pool in desk.pools.values():
        with pool.tx() as tx:
            ways.move(tx.conn, "register", Way.WEBHOOK, 7)
    page = desk.page("add", "register")
    assert "`nacka`" in page and "`billing.*`" in page and "https://partner.example/hook" in page
    for row in desk.shown()["partners"]:
        assert (row["tenants"], row["names"], sorted(row["ways"])) == (["nacka"], ["billing.*"], ["feed", "webhook"])
        assert row["ways"]["webhook"]["position"] == 7
    assert "Municipalities: all" in desk.page("add", "register", "--tenants", "all")


def test_a_pattern_that_means_no_event_is_pointed_out(desk: Desk) -> None:
    done = desk.run("add", "register", "--names", "assigment.*,billing.*", "--out", str(desk.folder / "page.md"))
    assert done.returncode == 0 and "meant by assigment.*" in done.stderr and "billing" not in done.stderr


def test_a_service_that_cannot_be_reached_is_named_and_comes_into_step_later(desk: Desk) -> None:
    file = desk.folder / "page.md"
    done = desk.run("add", "register", "--out", str(file), without="billing")
    assert done.returncode == 1
    assert "billing: the database cannot be used" in done.stderr and "kundval partner sync register" in done.stderr
    token = desk.token(file.read_text())
    assert desk.reads("register", token) == [200, 200, 401, 200]
    assert desk.shown(status=1)["absent"] == [{"service": "billing", "partner": "register"}]
    assert desk.run("sync", "register").returncode == 0
    assert desk.reads("register", token) == [200] * 4
    desk.shown()
    # and the same with what changes later
    assert desk.run("remove", "register", "--yes", without="billing").returncode == 1
    assert desk.reads("register", token) == [401, 401, 200, 401]
    assert "billing: is not in step" in desk.run("show").stderr
    assert desk.run("sync", "register").returncode == 0
    assert desk.reads("register", token) == [401] * 4


def test_a_rotated_secret_works_at_once_and_the_former_until_its_last_day(desk: Desk) -> None:
    old = desk.token(desk.page("add", "register"))
    today = business_date()
    new = desk.token(desk.page("rotate", "register", "--kind", "feed", "--keep-until", today.isoformat()))
    assert new != old
    assert desk.reads("register", old) == desk.reads("register", new) == [200] * 4
    newest = desk.token(
        desk.page("rotate", "register", "--kind", "all", "--keep-until", (today - timedelta(1)).isoformat())
    )
    # the first was promised until today, the second is gone at once
    assert [desk.reads("register", one)[0] for one in (old, new, newest)] == [200, 401, 200]
    secrets = desk.shown()["partners"][0]["secrets"]
    assert {kind: [one["generation"] for one in rows] for kind, rows in secrets.items()} == {
        "feed": [3, 1], "queue": [2], "webhook": [2], "pseudonym": [2],
    }  # fmt: skip


def test_a_partner_that_comes_back_has_new_secrets(desk: Desk) -> None:
    old = desk.token(desk.page("add", "register"))
    assert desk.run("remove", "register", "--yes").returncode == 0
    assert desk.run("remove", "register", "--yes").returncode == 2
    new = desk.token(desk.page("add", "register"))
    assert (desk.reads("register", old), desk.reads("register", new)) == ([401] * 4, [200] * 4)


def test_what_was_told_is_told_again_from_where_one_says(desk: Desk) -> None:
    desk.page("add", "register", "--ways", "feed,queue")
    pool = desk.pools["assignment"]
    with pool.tx() as tx:
        publish(tx, 1, 2, 3)
    enter(pool)
    with pool.tx() as tx:
        assert ways.advance(tx.conn, "register", Way.QUEUE, before=0, after=3)
    (row,) = [row for row in desk.shown()["partners"] if row["service"] == "assignment"]
    assert (row["ways"]["queue"]["position"], row["ways"]["queue"]["behind"], row["last_position"]) == (3, 0, 3)

    def position() -> int | None:
        with pool.tx(readonly=True) as tx:
            return ways.position(tx.conn, "register", Way.QUEUE)

    assert desk.run("replay", "register", "--way", "queue", "--service", "assignment", "--from", "1").returncode == 0
    assert position() == 1
    assert desk.run("replay", "register", "--way", "queue", "--since", "2099-01-01").returncode == 0
    assert position() == 3
    assert desk.run("replay", "register", "--way", "queue", "--from", "0").returncode == 0
    assert position() == 0
    done = desk.run("replay", "register", "--way", "webhook", "--from", "0")
    assert done.returncode == 1 and "assignment: has no webhook for register" in done.stdout
    with pool.tx(readonly=True) as tx:
        assert log.last_position(tx.conn) == 3


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("add", "A"), "id"),
        (("add", "register", "--names", "a b"), "names"),
        (("add", "register", "--ways", "post"), "--ways"),
        (("add", "register", "--ways", "webhook"), "webhook_url"),
        (("add", "register", "--webhook-url", "ftp://x"), "--webhook-url"),
        (("add", "register", "--webhook-url", "https://a:b@x/"), "--webhook-url"),
        (("rotate", "register", "--kind", "feed", "--keep-until", "2026-01-01"), "there is no partner"),
        (("rotate", "register", "--kind", "all,door", "--keep-until", "2026-01-01"), "--kind"),
    ],
)
def test_what_cannot_be_done_is_said_and_writes_nothing(desk: Desk, arguments: tuple[str, ...], word: str) -> None:
    file = desk.folder / "page.md"
    done = desk.run(*arguments, "--out", str(file))
    assert (done.returncode, word in done.stderr) == (2, True), done.stderr
    assert not file.exists() and desk.shown()["partners"] == []


def test_a_page_that_cannot_be_written_adds_nobody(desk: Desk) -> None:
    done = desk.run("add", "register", "--out", str(desk.folder / "absent" / "page.md"))
    assert done.returncode == 2 and desk.shown()["partners"] == []


def test_without_keys_or_databases_the_command_says_which_setting_is_missing(desk: Desk) -> None:
    out = ("--out", str(desk.folder / "page.md"))
    assert "KUNDVAL_PARTNER_KEY" in desk.run("add", "register", *out, KUNDVAL_PARTNER_KEY="").stderr
    assert "KUNDVAL_PARTNER_KEY" in desk.run("add", "register", *out, KUNDVAL_PARTNER_KEY="short").stderr
    done = commands.here("partner", "show", env={"KUNDVAL_AMQP_URI": "amqp://unused/"})
    assert done.returncode == 2 and "DATABASE_URI" in done.stderr
    for arguments in (("replay", "x", "--way", "queue"), ("replay", "x", "--way", "queue", "--from", "4")):
        assert desk.run(*arguments).returncode == 2


def test_the_secrets_of_a_page_are_good_from_the_day_on_which_it_was_made(desk: Desk) -> None:
    page = desk.page("add", "register")
    made = re.search(r"Made on (\d{4}-\d\d-\d\d)", page)
    assert made is not None and date.fromisoformat(made[1]) == business_date()
