"""The suite of a former revision, with its own locked requirements, becomes that of the working tree while a caseload
is played through it: `make upgrade-check FROM=<revision>`. Takes minutes; what it builds stays in var/upgrade.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from kundval_chassis.play import CONSUMERS
from kundval_chassis.present import as_json
from kundval_chassis.sample import make
from kundval_chassis.simulate import simulate
from kundval_contracts.caseload import read
from tests.conftest import ROOT, Servers
from tests.faults.disturbed import parked
from tests.suite import SERVICES, Suite

from .load import Load
from .stepwise import Stepwise

REVISION = os.environ.get("KUNDVAL_UPGRADE_FROM", "")
#: seconds that installing a former version may take, and one of its commands
_INSTALL, _COMMAND = 1800, 300


class Former(Suite):
    """A suite that begins with the revision in `folder`; instances `billing#new` run the working tree."""

    def __init__(self, program: Path, amqp_uri: str, databases: dict[str, str], folder: Path):
        # the former version makes its tables itself
        super().__init__(amqp_uri, {}, folder, {})
        self.databases = databases
        self._former = [str(program), "-m", "kundval_chassis.cli"]
        self.command("", "migrate")

    @property
    def addresses(self) -> dict[str, str]:
        """As before there were roles and users: each service owns its database, all are one user at the broker."""
        databases = {f"KUNDVAL_{one.upper()}_DATABASE_URI": uri for one, uri in self.databases.items()}
        return {"KUNDVAL_AMQP_URI": self.amqp_uri, **databases}

    @property
    def operator_uri(self) -> str:
        return self.amqp_uri

    def program(self, name: str) -> list[str]:
        return super().program(name) if name.endswith("#new") else self._former

    def command(self, name: str, *arguments: str) -> None:
        """The command line of the former version, or of the new one (`#new`)."""
        done = subprocess.run(
            [*self.program(name), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_COMMAND,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        print(done.stdout, end="")


@pytest.fixture(scope="module")
def former() -> Path:
    """The Python of the former revision, installed as its own setup does it."""
    if not REVISION:
        pytest.exit("say from which revision: make upgrade-check FROM=<revision>", returncode=2)
    asked = ["git", "rev-parse", "--verify", f"{REVISION}^{{commit}}"]
    commit = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    folder = ROOT / "var" / "upgrade" / commit
    if not (folder / "deploy").is_dir():
        folder.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "xf", "-"], cwd=folder, check=True, input=archive)
    subprocess.run([sys.executable, "deploy/local/setup"], cwd=folder, check=True, timeout=_INSTALL)
    return folder / ".venv" / "bin" / "python"


@pytest.fixture
def suite(former: Path, servers: Servers, tmp_path: Path) -> Iterator[Former]:
    with ExitStack() as stack:
        amqp_uri = servers.create_vhost()
        stack.callback(servers.drop_vhost, amqp_uri)
        databases = {service: servers.create_database(service) for service in SERVICES}
        for uri in databases.values():
            stack.callback(servers.drop_database, uri)
        suite = Former(former, amqp_uri, databases, tmp_path)
        stack.callback(suite.close)
        suite.start()
        yield suite


def test_the_suite_of_a_former_revision_becomes_the_present_one_while_it_works(suite: Former, servers: Servers) -> None:
    caseload = read(make(seed=41, residents=16))

    def upgrade(service: str) -> None:
        suite.start(f"{service}#new")
        assert suite.stop(service) == 0, suite.log(service)[-2000:]

    # those that listen first
    steps = [partial(upgrade, service) for service in (*reversed(CONSUMERS), "assignment")]

    with Load(suite) as load:
        disturbed = Stepwise(suite, caseload, partial(suite.command, "#new", "migrate"), *steps)
    print(load.figures())
    assert load.errors == {}
    assert disturbed.answer == as_json(simulate(caseload))
    disturbed.check(servers)
    assert not +parked(suite)
    for service in SERVICES:
        suite.stop(f"{service}#new")
