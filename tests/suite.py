"""The four services as four real processes on the servers of the tests: start, kill, start again, ask.

`suite` is one that all tests of a session share: each opens tenants of its own in it. Who kills or needs other
settings makes one with `running`.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, TypeVar

import pytest

from kundval_chassis import grants
from kundval_chassis.play import on_their_way, settle
from kundval_chassis.tokens import Tokens
from kundval_contracts.client import Client

from . import commands
from .acceptance.builders import caseload
from .conftest import Servers, as_service
from .programmes import TARIFFS

S = TypeVar("S", bound="Suite")

SERVICES = ("assignment", "scheduling", "billing", "notifications")
#: started by `Suite.start("gateway")`, on the port `Suite.ports["gateway"]`
GATEWAY = "gateway"
RULES = Path(__file__).resolve().parents[1] / "deploy" / "local" / "rules.toml"
#: a loaded machine takes its time; one that is idle needs three seconds
READY_SECONDS = 120.0
STOP_SECONDS = 60.0


class Suite:
    """Up to four databases and processes, one virtual host. `folder` gets logs and messages.

    `settings` are further settings, as `{"KUNDVAL_SMTP_PORT": "2525"}`. A second instance of a service is called
    `billing#2`. `amqp_uri` and `databases` are for tests that look: as the broker's administrator, and as the owners of
    the databases. The services themselves have users and roles with the rights of operations, and no more; these are
    of `servers`, without which they use the same addresses.
    """

    def __init__(
        self,
        amqp_uri: str,
        databases: dict[str, str],
        folder: Path,
        settings: Mapping[str, str],
        servers: Servers | None = None,
    ):
        self.servers = servers
        self.amqp_uri = amqp_uri
        self.databases = databases
        self.folder = folder
        self.settings = settings
        self.key = secrets.token_hex(32)
        self.person_keys = f"first:{secrets.token_hex(32)}"
        self.partner_key = f"first:{secrets.token_hex(32)}"
        self.ports: dict[str, int] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for service, uri in databases.items():
            grants.migrate_and_grant(as_service(uri), service, uri)

    @property
    def messages(self) -> Path:
        """The folder that gets the messages, one folder below it for each tenant."""
        return self.folder / "messages"

    @property
    def vhost(self) -> str:
        return self.amqp_uri.rpartition("/")[2]

    @property
    def environment(self) -> dict[str, str]:
        """Settings as operations would give them."""
        own = {key: value for key, value in os.environ.items() if not key.startswith("KUNDVAL_")}
        return own | {
            **self.addresses,
            "KUNDVAL_TOKEN_KEY": self.key,
            "KUNDVAL_ASSIGNMENT_PERSON_KEYS": self.person_keys,
            "KUNDVAL_PARTNER_KEY": self.partner_key,
            "KUNDVAL_RULES_FILE": str(RULES),
            "KUNDVAL_OUTBOX_DIR": str(self.messages),
            "KUNDVAL_HTTP_HOST": "127.0.0.1",
            **self.settings,
        }

    @property
    def addresses(self) -> dict[str, str]:
        """Of the broker and the databases: each service's with a user and a role of its own, the operator's besides."""
        found = {"KUNDVAL_AMQP_URI": self.operator_uri}
        if self.servers is not None:
            found["KUNDVAL_SENDERS_CHECKED"] = "true"
            if "KUNDVAL_TLS_AUTHORITY" in self.servers.env:
                found["KUNDVAL_TLS_AUTHORITY"] = self.servers.env["KUNDVAL_TLS_AUTHORITY"]
            for one in (*SERVICES, GATEWAY):
                found[f"KUNDVAL_{one.upper()}_AMQP_URI"] = self.servers.amqp_uri_of(one, self.vhost)
        for one, uri in self.databases.items():
            found[f"KUNDVAL_{one.upper()}_DATABASE_URI"] = as_service(uri)
            found[f"KUNDVAL_{one.upper()}_MIGRATION_URI"] = uri
        return found

    @property
    def operator_uri(self) -> str:
        """The broker as the operator's user, which is that of the command line."""
        return self.amqp_uri if self.servers is None else self.servers.amqp_uri_of("operator", self.vhost)

    def start(self, *names: str) -> None:
        """Start these services (default: all) and wait until they are ready."""
        self.spawn(*names)
        for name in names or SERVICES:
            self.wait_ready(name)

    def spawn(self, *names: str) -> None:
        """Start these services (default: all), and wait for nothing."""
        for name in names or SERVICES:
            service = name.partition("#")[0]
            command = [GATEWAY] if service == GATEWAY else ["run", service]
            port = self.ports.setdefault(name, _free_port())
            with open(self._log(name), "ab") as log:
                self.processes[name] = subprocess.Popen(
                    [*self.program(name), *command],
                    env=_own(self.environment | self.of_instance(name), service)
                    | {f"KUNDVAL_{service.upper()}_HTTP_PORT": str(port)},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )

    def of_instance(self, name: str) -> Mapping[str, str]:
        """Settings of one instance alone."""
        return {}

    def program(self, name: str) -> list[str]:
        """What an instance is started with."""
        return [sys.executable, "-m", "kundval_chassis.cli"]

    def address(self, name: str) -> str:
        """Where the health of an instance is asked."""
        return "127.0.0.1"

    def wait_ready(self, name: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.ready(name):
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{name} is not ready:\n{self.log(name)[-3000:]}")
            time.sleep(0.1)

    def ready(self, name: str) -> bool:
        """Whether it says so itself."""
        try:
            return bool(self._get(name, "healthz" if name == GATEWAY else "health/ready"))
        except OSError:
            return False

    def metrics(self, name: str) -> dict[str, float]:
        """The metrics of a process: name with labels -> value."""
        lines = self._get(name, "metrics").splitlines()
        pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {key: float(value) for key, _, value in pairs}

    def _get(self, name: str, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.address(name)}:{self.ports[name]}/{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def kill(self, name: str) -> None:
        """kill -9: nothing is told, nothing is finished."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def stop(self, name: str) -> int:
        """SIGTERM, as operations stop a service; its exit status."""
        self.processes[name].terminate()
        return self.processes[name].wait(timeout=STOP_SECONDS)

    def log(self, name: str) -> str:
        return self._log(name).read_text(errors="replace")

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def client(self, role: str = "SYSTEM", **claims: Any) -> Client:
        """A client with a token of that role; a provider's needs `organisation` and `tenant`."""
        tokens = Tokens(self.key)
        claims = {"subject": "test", "purpose": "test", **claims}
        return Client(self.operator_uri, lambda: tokens.mint(role, **claims), name="test", timeout=120)

    def kundval(self, *arguments: str, stdin: str = "", apart: bool = False) -> subprocess.CompletedProcess[str]:
        """The command line, with the settings of this suite; `apart` as a process of its own."""
        run = commands.apart if apart else commands.here
        return run(*arguments, env=self.environment | {"COLUMNS": "250"}, stdin=stdin)

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
        for process in self.processes.values():
            process.wait()


@contextmanager
def running(
    servers: Servers,
    folder: Path,
    *services: str,
    settings: Mapping[str, str] | None = None,
    kind: type[S] = Suite,  # type: ignore[assignment]
) -> Iterator[S]:
    """A suite on fresh databases and a fresh virtual host; with `services` only these are started, and have one."""
    with ExitStack() as stack:
        amqp_uri = servers.create_vhost()
        stack.callback(servers.drop_vhost, amqp_uri)
        servers.let_users_in(amqp_uri.rpartition("/")[2])
        databases = servers.create_service_databases(services or SERVICES)
        for uri in databases.values():
            stack.callback(servers.drop_database, uri)
        suite = kind(amqp_uri, databases, folder, settings or {}, servers)
        stack.callback(suite.close)
        suite.start(*services)
        yield suite


def _own(environment: Mapping[str, str], service: str) -> dict[str, str]:
    """What a process is given: no address with another's password, and not that of the role that migrates."""
    own = {f"KUNDVAL_{service.upper()}_DATABASE_URI", f"KUNDVAL_{service.upper()}_AMQP_URI"}
    if f"KUNDVAL_{service.upper()}_AMQP_URI" not in environment:
        own.add("KUNDVAL_AMQP_URI")
    others = ("_DATABASE_URI", "_MIGRATION_URI", "_AMQP_URI")
    return {
        key: value
        for key, value in environment.items()
        if key in own or not (key.startswith("KUNDVAL_") and key.endswith(others))
    }


_shared: list[Suite] = []


@pytest.fixture(scope="session")
def suite(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The suite that the tests of this session share. Import it where it is used; it is started once."""
    if _shared:
        yield _shared[0]
        return
    # with a programme that no code knows, and without much time for a plan: those of the tests are small
    settings = {"KUNDVAL_TARIFFS": str(TARIFFS), "KUNDVAL_PLAN_SECONDS": "5"}
    with running(servers, tmp_path_factory.mktemp("suite"), settings=settings) as made:
        _shared.append(made)
        try:
            yield made
        finally:
            _shared.clear()


@pytest.fixture
def client(suite: Suite) -> Iterator[Client]:
    """A client of the shared suite that may call everything."""
    with suite.client() as made:
        yield made


class Town:
    """A municipality of its own in a running suite: its providers are alfa and beta, its fees invented."""

    def __init__(self, client: Client, **opened: Any):
        self.client = client
        self.name = f"town-{secrets.token_hex(4)}"
        self._places: dict[str, int] = {}
        self.open(**opened)

    def open(self, **changes: Any) -> None:
        """Open the tenant, or open it again with other settings."""
        document = caseload()
        fields = {name: document[name] for name in ("municipality", "settings", "providers")} | changes
        self.client.call("assignment.open_tenant", tenant=self.name, **fields)

    def register(self, *documents: dict[str, Any]) -> dict[str, Any]:
        """Register assignments of a caseload, without their facts."""
        rows = [{name: one[name] for name in ("id", "programme", "client", "plan")} for one in documents]
        return dict(self.client.call("assignment.register", tenant=self.name, assignments=rows))

    def add(self, *documents: dict[str, Any]) -> None:
        """Register assignments and state their facts."""
        self.register(*documents)
        for one in documents:
            self.state(one["id"], *one["facts"])

    def rows(self, assignment: str, facts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Facts as the RPC takes them; each gets the next number of its assignment as id and ordinal."""
        found = []
        for fact in facts:
            place = self._places[assignment] = self._places.get(assignment, -1) + 1
            found.append({"assignment": assignment, "id": str(place), "ordinal": place, **fact})
        return found

    def state(self, assignment: str, *facts: dict[str, Any], by: Client | None = None, **fields: Any) -> dict[str, Any]:
        """State facts about an assignment; `by` another caller."""
        return self.send(self.rows(assignment, facts), by=by, **fields)

    def send(self, rows: list[dict[str, Any]], by: Client | None = None, **fields: Any) -> dict[str, Any]:
        return dict((by or self.client).call("assignment.record_facts", tenant=self.name, facts=rows, **fields))

    def withdraw(self, assignment: str, fact: str) -> bool:
        answer = self.client.call("assignment.withdraw_fact", tenant=self.name, assignment=assignment, fact=fact)
        return bool(answer["withdrawn"])

    def day(self, day: str) -> None:
        """Open a business date and wait until every service has come there."""
        self.client.call("assignment.open_day", tenant=self.name, date=day)
        self.settle()

    def settle(self) -> None:
        """Wait until every service has handled everything."""
        settle(self.client, self.name)

    def run(self, day: str) -> dict[str, Any]:
        """A payment run, when billing has handled everything."""
        self.settle()
        return dict(self.client.call("billing.run_payments", tenant=self.name, run=day))

    def mailboxes(self, *providers: str) -> None:
        """Give whoever holds a role and the providers (alfa, beta) addresses for e-mail, which goes to the folder."""
        give_mailboxes(self.client, self.name, providers or ("alfa", "beta"))

    def messages(self, suite: Suite) -> list[Path]:
        """The files of the e-mails that were sent; waits until none is on its way. What waits for its hour stays."""
        eventually(lambda: not on_their_way(self.summary("notifications")))
        return sorted((suite.messages / self.name).glob("*.eml"))

    def summary(self, service: str) -> dict[str, Any]:
        return dict(self.client.call(f"{service}.summary", tenant=self.name))

    def ask(self, method: str, by: Client | None = None, **fields: Any) -> list[dict[str, Any]]:
        """All rows of a paged query."""
        return list((by or self.client).rows(method, tenant=self.name, **fields))

    def states(self, assignment: str) -> dict[str, Any]:
        return dict(self.client.call("assignment.state", tenant=self.name, assignment=assignment))

    def balance(self) -> dict[str, Decimal]:
        """What the ledger says was paid, by kind."""
        sums: dict[str, Decimal] = {}
        for row in self.ask("billing.postings"):
            sums[row["kind"]] = sums.get(row["kind"], Decimal(0)) + Decimal(row["amount"])
        return sums


def give_mailboxes(client: Client, tenant: str, providers: Iterable[str]) -> None:
    """Addresses for e-mail, for whoever holds a role in the municipality and for these providers."""
    staff: list[tuple[str, str | None]] = [(role, None) for role in ("CAREER_GUIDE", "CONTROLLER", "TEAM_MANAGER")]
    for role, party in [*staff, *(("PROVIDER", one) for one in providers)]:
        email = f"{(party or role).lower()}@kundval.invalid"
        client.call("notifications.set_party", tenant=tenant, role=role, party=party, email=email)


@pytest.fixture
def town(client: Client) -> Town:
    return Town(client)


def content(message: Path) -> str:
    """Headers and texts of an .eml file, as a person reads them."""
    mail = message_from_bytes(message.read_bytes(), policy=default)
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *parts])


def eventually(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What `what` answers as soon as that is true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} seconds; at last: {found!r}")
        time.sleep(0.05)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
