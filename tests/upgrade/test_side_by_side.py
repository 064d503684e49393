"""An upgrade while events flow: old and new instances side by side on the same databases and broker, back again, and on
to the version that takes away what nothing uses any more. Nothing is lost, nothing has its effect twice, and nobody is
refused.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from kundval_chassis.play import CONSUMERS
from kundval_chassis.present import as_json
from kundval_chassis.sample import make
from kundval_chassis.simulate import simulate
from kundval_contracts.caseload import Caseload, read
from tests.conftest import Servers
from tests.faults.disturbed import parked
from tests.suite import SERVICES, Suite, eventually, running

from . import successor
from .load import Load
from .stepwise import Stepwise

pytestmark = pytest.mark.slow

#: seconds for which an upgrade may migrate
_PATIENCE = 300


class Upgraded(Suite):
    """A suite whose instances `billing#next` run the next version."""

    versions: Mapping[str, Path] = {}

    def of_instance(self, name: str) -> Mapping[str, str]:
        folder = self.versions.get(name.partition("#")[2])
        return successor.environment(folder) if folder else {}

    def command(self, version: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command line of a version ("" is the present one)."""
        return subprocess.run(
            [*self.program(version), *arguments],
            env=self.environment | self.of_instance(f"#{version}"),
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )

    def migrate(self, version: str) -> None:
        done = self.command(version, "migrate", *self.databases)
        assert done.returncode == 0, done.stderr

    def leave(self, *names: str) -> None:
        for name in names:
            assert self.stop(name) == 0, self.log(name)[-2000:]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("versions")
    upcoming = successor.make(folder / "next")
    return {"next": upcoming, "after": successor.make_after(folder / "after", upcoming)}


@pytest.fixture
def suite(servers: Servers, versions: dict[str, Path], tmp_path: Path) -> Iterator[Upgraded]:
    with running(servers, tmp_path, kind=Upgraded) as suite:
        suite.versions = versions
        yield suite


@pytest.fixture(scope="module")
def caseload() -> Caseload:
    return read(make(seed=31, residents=16))


def days_begun(suite: Suite, tenant: str) -> tuple[int, int]:
    """How many of the new events assignment has published for a tenant, and how many billing has handled."""
    with psycopg.connect(suite.databases["assignment"]) as connection:
        query = "SELECT count(*) FROM event WHERE tenant = %s AND name = 'assignment.weekday_begun'"
        [(told,)] = connection.execute(query, (tenant,)).fetchall()
    with psycopg.connect(suite.databases["billing"]) as connection:
        query = "SELECT count(*) FROM weekday_begun WHERE tenant = %s"
        [(heard,)] = connection.execute(query, (tenant,)).fetchall()
    return told, heard


def test_a_service_is_upgraded_and_taken_back_while_it_answers_until_something_is_taken_away(
    servers: Servers, versions: dict[str, Path], tmp_path: Path
) -> None:
    with running(servers, tmp_path, "assignment", kind=Upgraded) as suite:
        suite.versions = versions
        with Load(suite) as load:
            suite.migrate("next")
            suite.start("assignment#next")
            suite.leave("assignment")
            suite.start("assignment")
            suite.leave("assignment#next")
        print(load.figures())
        assert load.errors == {}
        assert load.answered["assignment.register"] == load.registered() > 0

        # nothing in the next version uses what the one after takes away, but the old one might: it says so
        suite.migrate("after")
        eventually(lambda: not suite.ready("assignment"))
        old = suite.command("", "run", "assignment")
        assert old.returncode == 2
        assert f"start {successor.NEXT} or newer" in old.stderr


@pytest.mark.bench
def test_upgraded_and_taken_back_and_upgraded_again_under_load_everything_is_as_undisturbed(
    suite: Upgraded, servers: Servers, caseload: Caseload
) -> None:
    consumers = [f"{service}#next" for service in CONSUMERS]

    def beside() -> None:
        suite.migrate("next")
        suite.start(*consumers)

    def back() -> None:
        suite.leave(*consumers)

    def on() -> None:
        suite.start(*consumers)
        # what only the new ones can read comes when no old one reads any more
        suite.leave(*CONSUMERS)
        suite.start("assignment#next")
        suite.leave("assignment")

    def publisher_back() -> None:
        suite.start("assignment")
        suite.leave("assignment#next")

    with Load(suite) as load:
        disturbed = Stepwise(suite, caseload, beside, back, on, publisher_back)
    assert load.errors == {}
    assert set(load.answered) >= {f"{service}.summary" for service in SERVICES}
    assert disturbed.answer == as_json(simulate(caseload))
    disturbed.check(servers)
    told, heard = days_begun(suite, disturbed.tenant)
    assert told == heard > 0
    assert not +parked(suite)
    suite.migrate("after")
    assert all(suite.ready(one) for one in consumers)


@pytest.mark.bench
def test_what_an_old_consumer_cannot_read_waits_for_its_upgrade_and_takes_effect_then(
    suite: Upgraded, servers: Servers, caseload: Caseload
) -> None:
    """The wrong way round: who publishes goes first."""

    def publisher_first() -> None:
        suite.migrate("next")
        suite.start("assignment#next")
        suite.leave("assignment")

    with Load(suite) as load:
        disturbed = Stepwise(suite, caseload, publisher_first)
    assert load.errors == {}
    assert disturbed.answer == as_json(simulate(caseload))
    told, _ = days_begun(suite, disturbed.tenant)
    assert told > 0
    held = parked(suite)
    assert held["billing"] >= told
    assert reasons(suite) == {"UNKNOWN_TYPE": sum(held.values())}

    suite.start(*(f"{service}#next" for service in CONSUMERS))
    suite.leave(*CONSUMERS)
    assert suite.command("next", "dead-letters", "retry", "--all").returncode == 0
    eventually(lambda: not +parked(suite))
    disturbed.check(servers)
    assert days_begun(suite, disturbed.tenant) == (told, told)


def reasons(suite: Suite) -> Counter[str]:
    """Why events are parked, with how many."""
    rows = json.loads(suite.kundval("dead-letters", "list", "--json", "--limit", "100000").stdout)["parked"]
    return Counter(row["reason"] for row in rows)
