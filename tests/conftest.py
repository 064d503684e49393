"""Real servers for the tests that need them.

A test that uses one of the fixtures below is marked `servers` by itself and runs after the pure ones.

- `servers` (session): the PostgreSQL and RabbitMQ of `deploy/local/servers up --name test`, a `Servers`; the workers of
  `pytest -n 2` share them.
- `own_servers` (session): the same for this worker alone, `test-gw0`. A file that stops or restarts servers takes them
  as its `servers`, and is named in RESTARTING: one worker runs all of these.
- `database` (module): address of a fresh database with an owner role of its own.
- `vhost` (module): AMQP address of a fresh virtual host.
- `make_database(service)`, `make_vhost()` (module): as many more as a test wants.
- `fresh_database`, `fresh_vhost` (function): the same for one test alone.

KUNDVAL_TEST_SERVERS names another set than "test", for who runs tests twice at once and restarts
servers in them. KUNDVAL_KEEP_SERVERS=1 leaves the servers up at the end: the next run starts quicker.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from kundval_local import postgres
from kundval_rabbitmq import definitions

# eventlet's own look-up of host names takes a third of a second to import in every process that the tests start, and
# they know no host but 127.0.0.1
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")

# no test asserts a time: a busy machine must not fail one either
settings.register_profile("kundval", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kundval")

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "deploy" / "local" / "servers"
NEEDS_SERVERS = {
    "servers",
    "own_servers",
    "tls_servers",
    "database",
    "vhost",
    "make_database",
    "make_vhost",
    "fresh_database",
    "fresh_vhost",
}
START_SECONDS = 400


#: files that stop or restart servers
RESTARTING = ("faults/test_campaign.py", "chassis/test_runner.py", "chassis/test_consume.py")
#: the longest of the others that need servers, the longest first: no worker is to be left with one of them at the end
LONG = (
    "assignment/test_policies.py",
    "scheduling/test_plans_service.py",
    "acceptance/test_play.py",
    "assignment/test_hostile_requests.py",
    "assignment/test_people_service.py",
    "billing/test_whole_histories.py",
    "assignment/test_municipalities.py",
    "billing/test_questions_service.py",
    "chassis/test_rpc.py",
    "upgrade/test_side_by_side.py",
    "chassis/test_demo_suite.py",
    "assignment/test_reports_service.py",
    "scheduling/test_meetings_service.py",
    "billing/test_questions.py",
    "billing/test_payments_survive.py",
)
TESTS = Path(__file__).parent
#: what the name of the role that migrates a database has at its end, and that of the running service has not
MIGRATOR = "_migrator"
_FIRST = {TESTS / name: number for number, name in enumerate((*RESTARTING, *LONG))}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if NEEDS_SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("servers")
    # files in the order of the marks of their tests: the quick pure ones first, since what fails quickly is to be seen
    # first
    ranks: dict[Path, int] = {}
    for item in items:
        rank = 2 if item.get_closest_marker("servers") else 1 if item.get_closest_marker("slow") else 0
        ranks[item.path] = max(rank, ranks.get(item.path, 0))
    items.sort(key=lambda item: (ranks[item.path], _FIRST.get(item.path, len(_FIRST))))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """As `--dist loadfile`, but that the files which restart servers are all of one worker."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return "restarting" if file.endswith(RESTARTING) else file

    return Together(config, log)


@dataclass(frozen=True)
class Servers:
    """A running PostgreSQL and RabbitMQ. `env` is what `deploy/local/servers` wrote for them."""

    name: str
    env: dict[str, str]

    @property
    def pg_admin_uri(self) -> str:
        return self.env["KUNDVAL_PG_ADMIN_URI"]

    @property
    def amqp_uri(self) -> str:
        """The broker as its administrator."""
        return self.env.get("KUNDVAL_RABBIT_ADMIN_URI") or self.env["KUNDVAL_AMQP_URI"]

    def create_database(self, service: str = "test") -> str:
        """A fresh database, owned by a fresh role that can enter no other. Returns its address."""
        name, password = f"t_{service}_{secrets.token_hex(4)}", secrets.token_hex(8)
        self.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        self.sql(f"CREATE DATABASE {name} OWNER {name}")
        self.sql(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        where = urllib.parse.urlsplit(self.pg_admin_uri)
        return where._replace(netloc=f"{name}:{password}@{where.hostname}:{where.port}", path=f"/{name}").geturl()

    def create_service_databases(self, services: Iterable[str]) -> dict[str, str]:
        """Fresh databases with the roles of operations (deploy/postgresql/roles.sql), by service: as the role that
        migrates, which acts as the owner. `as_service` makes of it the address of the running service.
        """
        found: dict[str, str] = {}
        lines: list[str] = []
        where = urllib.parse.urlsplit(self.pg_admin_uri)
        for service in services:
            name, password = f"t_{service}_{secrets.token_hex(4)}", secrets.token_hex(8)
            lines += ["\\connect postgres", *postgres.database_script(name, password, password)]
            user = f"{name}{MIGRATOR}:{password}"
            found[service] = where._replace(netloc=f"{user}@{where.hostname}:{where.port}", path=f"/{name}").geturl()
        programs = postgres.find()
        assert programs is not None
        authority = self.env.get("KUNDVAL_TLS_AUTHORITY")
        postgres.run_sql(lines, self.pg_admin_uri, programs, Path(authority) if authority else None)
        return found

    def drop_database(self, uri: str) -> None:
        """End its connections, drop it and its roles."""
        name = urllib.parse.urlsplit(uri).path.lstrip("/")
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.sql(f"DROP ROLE IF EXISTS {name}, {name}{MIGRATOR}, {name}_owner")

    def create_vhost(self) -> str:
        """A fresh virtual host. Returns its AMQP address."""
        name = f"t_{secrets.token_hex(4)}"
        where = urllib.parse.urlsplit(self.amqp_uri)
        self.api("PUT", f"vhosts/{name}", {})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self.api("PUT", f"permissions/{name}/{where.username}", everything)
        return where._replace(path=f"/{name}").geturl()

    def let_users_in(self, vhost: str) -> None:
        """Give the users of the suite the rights in a virtual host that they have in operations (deploy/rabbitmq)."""
        self.api("POST", "definitions", definitions.vhost(vhost))

    def amqp_uri_of(self, part: str, vhost: str) -> str:
        """AMQP address for a service, the gateway, the operator or the monitor, with its own user."""
        return f"{self.env[f'KUNDVAL_{part.upper()}_AMQP_URI'].rpartition('/')[0]}/{vhost}"

    def drop_vhost(self, uri: str) -> None:
        """Drop it with its queues; its connections are closed by the broker."""
        self.api("DELETE", f"vhosts/{urllib.parse.urlsplit(uri).path.lstrip('/')}")

    def sql(self, statement: str) -> None:
        """One statement as the cluster's administrator, outside a transaction."""
        import psycopg  # not before a test needs it: some tests set psycopg's wait function first

        with psycopg.connect(self.pg_admin_uri, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """RabbitMQ's management API: `api("GET", "queues/my-vhost")`. Raises OSError (HTTPError)."""
        where = urllib.parse.urlsplit(self.env["KUNDVAL_RABBIT_API_URI"])
        request = urllib.request.Request(
            f"http://{where.hostname}:{where.port}{where.path}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        pair = b64encode(f"{where.username}:{where.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {pair}")
        request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def restart_rabbit(self, immediate: bool = False) -> None:
        """Back when it takes connections again; `immediate` as after a crash."""
        _servers("restart-rabbit", self.name, *(["--immediate"] if immediate else []))

    def restart_postgres(self, immediate: bool = False) -> None:
        """Back when it takes connections again; `immediate` as after a crash."""
        _servers("restart-postgres", self.name, *(["--immediate"] if immediate else []))

    def stop_rabbit(self) -> None:
        _servers("stop-rabbit", self.name)

    def start_rabbit(self) -> None:
        _servers("start-rabbit", self.name)

    def stop_postgres(self) -> None:
        _servers("stop-postgres", self.name)

    def start_postgres(self) -> None:
        _servers("start-postgres", self.name)


def as_service(uri: str) -> str:
    """Address of a database for the running service, from that for the role that migrates it."""
    return uri.replace(f"{MIGRATOR}:", ":", 1)


def _servers(verb: str, name: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), verb, "--name", name, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        pytest.exit(f"deploy/local/servers {verb} --name {name} failed:\n{done.stderr}", returncode=3)
    return done.stdout


def _read_env(name: str) -> dict[str, str]:
    lines = _servers("env", name).splitlines()
    return {left: right.strip("'") for left, _, right in (line.partition("=") for line in lines)}


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers of this run; its workers share them, and so do several runs at once in one checkout."""
    with _up(os.environ.get("KUNDVAL_TEST_SERVERS", "test")) as started:
        yield started


@pytest.fixture(scope="session")
def own_servers() -> Iterator[Servers]:
    """Servers of this worker alone, so that it may restart them while the others test."""
    name, worker = os.environ.get("KUNDVAL_TEST_SERVERS", "test"), os.environ.get("PYTEST_XDIST_WORKER")
    with _up(f"{name}-{worker}" if worker else name) as started:
        yield started


@pytest.fixture(scope="session")
def tls_servers() -> Iterator[Servers]:
    """Servers that speak TLS alone, under an authority of their own, which this process trusts meanwhile."""
    name = os.environ.get("KUNDVAL_TEST_SERVERS", "test")
    with _up(f"{name}-tls", "--tls") as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUNDVAL_TLS_AUTHORITY", started.env["KUNDVAL_TLS_AUTHORITY"])
        patch.setenv("PGSSLROOTCERT", started.env["KUNDVAL_TLS_AUTHORITY"])
        yield started


@contextmanager
def _up(name: str, *options: str) -> Iterator[Servers]:
    folder = ROOT / "var" / name
    folder.mkdir(parents=True, exist_ok=True)
    ours = folder / "started-by-tests"
    with open(folder / "in-use", "a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        before = folder / "env"
        stamp = before.stat().st_mtime_ns if before.exists() else 0
        _servers("up", name, "--fresh", *options)
        if before.stat().st_mtime_ns != stamp:
            ours.touch()  # else a person had them up already, or another run of the tests
        try:
            yield Servers(name, _read_env(name))
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            if ours.exists() and os.environ.get("KUNDVAL_KEEP_SERVERS") != "1":
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # another run still uses them; it will end them
                else:
                    ours.unlink()
                    _servers("down", name, "--immediate")


@pytest.fixture(scope="module")
def make_database(servers: Servers) -> Iterator[Callable[..., str]]:
    """`make_database("billing")` is the address of one more fresh database; dropped after the module."""
    made: list[str] = []

    def make(service: str = "test") -> str:
        made.append(servers.create_database(service))
        return made[-1]

    yield make
    for uri in made:
        servers.drop_database(uri)


@pytest.fixture(scope="module")
def make_vhost(servers: Servers) -> Iterator[Callable[[], str]]:
    """`make_vhost()` is the AMQP address of one more fresh virtual host; dropped after the module."""
    made: list[str] = []

    def make() -> str:
        made.append(servers.create_vhost())
        return made[-1]

    yield make
    for uri in made:
        servers.drop_vhost(uri)


@pytest.fixture(scope="module")
def database(make_database: Callable[..., str]) -> str:
    """Address of a database that this module has for itself."""
    return make_database()


@pytest.fixture(scope="module")
def vhost(make_vhost: Callable[[], str]) -> str:
    """AMQP address of a virtual host that this module has for itself."""
    return make_vhost()


@pytest.fixture
def fresh_database(servers: Servers) -> Iterator[str]:
    """Address of a database for this test alone."""
    uri = servers.create_database()
    yield uri
    servers.drop_database(uri)


@pytest.fixture
def fresh_vhost(servers: Servers) -> Iterator[str]:
    """AMQP address of a virtual host for this test alone."""
    uri = servers.create_vhost()
    yield uri
    servers.drop_vhost(uri)
