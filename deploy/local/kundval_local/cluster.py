"""deploy/local/cluster: three RabbitMQ nodes and a PostgreSQL primary with a replica, each on a host of its own.

What `servers` starts once is started here as an installation has it that is to survive the loss of a machine. The
hosts are network namespaces (see `network`), so that cuts and partitions between them are real ones.

Nothing that was committed is lost when the replica takes over: it is a synchronous one. While it is away, commits
wait, for its return or for `alone`, by which a person says that the primary may go on without.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import network, packages, places, postgres, processes, rabbit, servers
from .places import Problem, State, say
from .processes import User

NODES = ("mq1", "mq2", "mq3")
DATABASES = ("pg1", "pg2")
#: hosts for instances of services
APPS = ("app1", "app2")
AMQP, API, POSTGRES = 5672, 15672, 5432
START_SECONDS = 240
ADMIN, REPLICATOR = "kundval_admin", "kundval_replicator"

RABBIT_SETTINGS = """\
# written by deploy/local/cluster at every start
listeners.tcp.1 = {address}:{amqp}
management.tcp.ip = {address}
management.tcp.port = {api}
default_user = kundval
default_pass = {password}
default_vhost = kundval
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
cluster_formation.peer_discovery_backend = classic_config
{peers}
# the smaller side of a partition stops; so nothing is accepted that the other side does not know
cluster_partition_handling = pause_minority
log.console = false
log.file = rabbit.log
log.file.level = info
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 67108864
"""

POSTGRES_SETTINGS = """\
# written by deploy/local/cluster at every start
listen_addresses = '{address}'
port = {port}
unix_socket_directories = ''
max_connections = 500
shared_buffers = 128MB
max_wal_size = 1GB
password_encryption = scram-sha-256
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
logging_collector = off
log_statement = none
log_min_error_statement = panic
wal_level = replica
# pg_rewind makes a former primary a replica again
wal_log_hints = on
max_wal_senders = 5
max_replication_slots = 5
max_slot_wal_keep_size = 2GB
hot_standby = on
primary_conninfo = '{primary}'
primary_slot_name = 'kundval_{other}'
# a host that is cut off is noticed after some seconds
wal_sender_timeout = 10s
wal_receiver_timeout = 10s
tcp_keepalives_idle = 5
tcp_keepalives_interval = 2
tcp_keepalives_count = 3
tcp_user_timeout = 10000
"""

POSTGRES_ACCESS = """\
# written by deploy/local/cluster at every start: a password on every way in
host all all {hosts} scram-sha-256
host replication {replicator} {hosts} scram-sha-256
"""


@dataclass(frozen=True)
class Part:
    """A server of the cluster: its host, its folder, the mark of its processes."""

    host: str
    address: str
    folder: Path
    marker: str


class Cluster:
    """The cluster `name`: `up`, `down`, and what can be done to its parts."""

    def __init__(self, name: str):
        self.name = places.valid_name(name)
        self.network = network.Network(name, (*NODES, *DATABASES, *APPS))
        self._state: State | None = None

    @property
    def state(self) -> State:
        if self._state is None:
            self._state = places.load_state(self.name)
            if self._state is None:
                raise Problem(f"there is no cluster {self.name!r}: run deploy/local/cluster up --name {self.name}")
        return self._state

    def part(self, host: str) -> Part:
        return Part(host, self.network.addresses[host], self.state.home / host, f"{self.state.marker}#{host}")

    # --- all of it -------------------------------------------------------------------------------

    def up(self) -> None:
        """Make hosts and servers, all anew, and write `var/NAME/env`."""
        if not network.possible():
            raise Problem("hosts of their own need root, and the programs ip, tc and nsenter")
        programs = packages.find_servers()
        began = time.monotonic()
        self.down(wipe=True)
        users = [postgres.user(), rabbit.user()]
        base = places.choose_base(self.name, [(user.uid, user.gid) for user in users])
        self._state = State(name=self.name, base=str(base))
        self._state.secrets = servers.new_secrets() | {"pg_replicator": secrets.token_hex(16)}
        self._state.save()
        try:
            self.network.up()
            with ThreadPoolExecutor(2) as pool:
                nodes = pool.submit(self._nodes_up, programs.rabbit)
                databases = pool.submit(self._databases_up, programs.postgres)
            nodes.result()
            databases.result()
        except BaseException:
            self.down()
            raise
        self._write_env()
        say(f"cluster {self.name!r} is up after {time.monotonic() - began:.1f} s; settings in var/{self.name}/env")

    def down(self, wipe: bool = False) -> None:
        """End every server and remove the hosts, also what a killed run has left."""
        state = places.load_state(self.name)
        if state is not None:
            self._state = state
            found = [pid for host in (*NODES, *DATABASES) for pid in self.pids(host)]
            for pid in found:
                processes.send(pid, signal.SIGCONT)
            if not processes.end(found, [(signal.SIGKILL, 15.0)]):
                raise Problem(f"processes {found} do not end")
        if network.possible():
            self.network.down()
        if wipe and state is not None:
            for folder in {state.home, state.folder}:
                for path in folder.iterdir() if folder.exists() else ():
                    if path.is_dir() and not path.is_symlink():
                        shutil.rmtree(path, ignore_errors=True)
                    elif path.name not in ("lock", "in-use"):
                        path.unlink()

    def pids(self, host: str) -> list[int]:
        """Every process of the server on a host."""
        return processes.marked(self.part(host).marker)

    def main_pids(self, host: str) -> list[int]:
        """The process that is the server: Erlang's, or PostgreSQL's first."""
        if host in NODES:
            return [pid for pid in self.pids(host) if processes.command_name(pid) == "beam.smp"]
        pid = self._postmaster(host)
        return [pid] if pid else []

    def kill(self, host: str) -> None:
        """kill -9 of the server on a host and everything of it."""
        processes.end(self.main_pids(host), [(signal.SIGKILL, 10.0)])
        processes.wait_until(lambda: not [pid for pid in self.pids(host) if _name(pid) != "epmd"], 10)
        processes.end(self.pids(host), [(signal.SIGKILL, 10.0)])

    def start(self, host: str) -> None:
        """Start the server on a host if it does not run."""
        if host in NODES:
            if not self.main_pids(host):
                self._node(host, packages.find_servers().rabbit)
                self._await_nodes([host])
        elif not self._postmaster(host):
            self._launch(host, packages.find_servers().postgres)

    # --- RabbitMQ --------------------------------------------------------------------------------

    def _nodes_up(self, folder: Path) -> None:
        for host in NODES:
            self._node(host, folder)
        self._await_nodes(list(NODES))
        passwords = {one.name: self.state.secrets[rabbit.secret_of(one.name)] for one in rabbit.rights.users()}
        self.api(NODES[0], "definitions", rabbit.definitions.definitions(rabbit.VHOST, passwords))

    def _node(self, host: str, folder: Path) -> None:
        part, owner = self.part(host), rabbit.user()
        home = part.folder
        self.kill(host)
        owner.owns(home, *(home / one for one in ("log", "data", "generated", "schema", "conf.d")))
        peers = "\n".join(
            f"cluster_formation.classic_config.nodes.{number} = kundval@{self.network.addresses[one]}"
            for number, one in enumerate(NODES, 1)
        )
        settings = RABBIT_SETTINGS.format(
            address=part.address, amqp=AMQP, api=API, password=self.state.secrets["rabbit"], peers=peers
        )
        _write(home / "rabbitmq.conf", owner, settings)
        _write(home / "enabled_plugins", owner, "[rabbitmq_management].\n")
        _write(home / "rabbitmq-env.conf", owner, "")
        _write(home / ".erlang.cookie", owner, self.state.secrets["cookie"], mode=0o400)
        env = rabbit._env(self.state_for_rabbit(home), folder) | {
            "RABBITMQ_NODENAME": f"kundval@{part.address}",
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODE_IP_ADDRESS": part.address,
            "RABBITMQ_NODE_PORT": str(AMQP),
            "RABBITMQ_DIST_PORT": "25672",
            # a node that is silent for so long is taken for lost
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel net_ticktime 8",
            "ERL_EPMD_ADDRESS": part.address,
            "ERL_EPMD_PORT": "4369",
            "HOME": str(home),
        }
        for key, value in list(env.items()):
            env[key] = value.replace(str(home / "rabbit"), str(home))
        name, _, value = part.marker.partition("=")
        env[name] = value
        console = home / "log" / "console.log"
        me = User("", os.getuid(), os.getgid())
        for command in ([rabbit._epmd(folder), "-port", "4369"], [str(folder / "rabbitmq-server")]):
            processes.spawn(self.network.command(host, command, owner.uid, owner.gid), env, console, home, me)

    def state_for_rabbit(self, home: Path) -> State:
        """What `rabbit` takes its own settings from; the ports are those of a host with nothing else on it."""
        ports = {"amqp": AMQP, "rabbit_api": API, "rabbit_dist": 25672, "epmd": 4369}
        return State(name=self.name, base=str(home), ports=ports, secrets=self.state.secrets)

    def _await_nodes(self, hosts: list[str]) -> None:
        for host in hosts:
            if not processes.wait_until(lambda host=host: self.node_is_well(host), START_SECONDS, 0.3):  # type: ignore[misc]
                log = self.part(host).folder / "log" / "rabbit.log"
                raise Problem(f"RabbitMQ on {host} was not ready; the end of {log}:\n{processes.tail(log)}")

    def node_is_well(self, host: str) -> bool:
        """Whether the node runs, and sees that as many others run as it should."""
        try:
            rows = self.api(host, "nodes")
        except (OSError, ValueError):
            return False
        mine = f"kundval@{self.network.addresses[host]}"
        return len(rows) == len(NODES) and any(row["name"] == mine and row["running"] for row in rows)

    def api(self, host: str, path: str, body: Any = None) -> Any:
        """GET from a node's management API, or POST `body`; OSError or ValueError without a proper answer."""
        return rabbit.ask_api(f"{self.network.addresses[host]}:{API}", self.state, path, body)

    # --- PostgreSQL ------------------------------------------------------------------------------

    def _databases_up(self, folder: Path) -> None:
        first, second = DATABASES
        self._make_primary(first, folder)
        self._launch(first, folder)
        password = self.state.secrets["pg_replicator"]
        self.sql(first, f"CREATE ROLE {REPLICATOR} LOGIN REPLICATION PASSWORD '{password}'", "REVOKE ALL ON DATABASE"
                 " postgres FROM PUBLIC", "REVOKE ALL ON DATABASE template1 FROM PUBLIC")  # fmt: skip
        self._slot(first, second)
        self.join(second)
        self.together(first)

    def _make_primary(self, host: str, folder: Path) -> None:
        part, owner = self.part(host), postgres.user()
        owner.owns(part.folder, part.folder / "data")
        password = part.folder / "password"
        _write(password, owner, self.state.secrets["pg_admin"] + "\n")
        options = ["--username", ADMIN, "--pwfile", str(password), "--auth", "scram-sha-256", "--encoding", "UTF8"]
        command = [str(folder / "initdb"), "--pgdata", str(part.folder / "data"), *options, "--locale", "C.UTF-8"]
        done = processes.run([*command, "--no-sync"], postgres._env(folder), part.folder, owner, START_SECONDS)
        password.unlink()
        if done.returncode != 0:
            raise Problem(f"initdb failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        with open(part.folder / "data" / "postgresql.conf", "a") as conf:
            conf.write("\ninclude 'kundval.conf'\n")

    def _settings(self, host: str) -> None:
        part = self.part(host)
        other = next(one for one in DATABASES if one != host)
        primary = (
            f"host={self.network.addresses[other]} port={POSTGRES} user={REPLICATOR} connect_timeout=5"
            f" application_name={host} password={self.state.secrets['pg_replicator']}"
        )
        text = POSTGRES_SETTINGS.format(address=part.address, port=POSTGRES, primary=primary, other=host)
        owner, data = postgres.user(), part.folder / "data"
        _write(data / "kundval.conf", owner, text)
        hosts = f"{self.network.machine.rpartition('.')[0]}.0/24"
        _write(data / "pg_hba.conf", owner, POSTGRES_ACCESS.format(hosts=hosts, replicator=REPLICATOR))

    def _launch(self, host: str, folder: Path) -> None:
        part, owner = self.part(host), postgres.user()
        data, log = part.folder / "data", part.folder / "postgres.log"
        self._settings(host)
        (data / "postmaster.pid").unlink(missing_ok=True)
        name, _, value = part.marker.partition("=")
        env = postgres._env(folder) | {name: value}
        command = self.network.command(host, [str(folder / "postgres"), "-D", str(data)], owner.uid, owner.gid)
        server = processes.spawn(command, env, log, part.folder, User("", os.getuid(), os.getgid()))

        def ready() -> bool:
            try:
                lines = (data / "postmaster.pid").read_text().splitlines()
                return server.poll() is not None or lines[7].strip() in ("ready", "standby")
            except (OSError, IndexError):
                return server.poll() is not None

        if not processes.wait_until(ready, START_SECONDS) or server.poll() is not None:
            raise Problem(f"PostgreSQL on {host} is not ready; the end of {log}:\n{processes.tail(log)}")

    def _postmaster(self, host: str) -> int:
        try:
            pid = int((self.part(host).folder / "data" / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return 0
        return pid if processes.has_mark(pid, self.part(host).marker) else 0

    def sql(self, host: str, *statements: str) -> str:
        """Statements as the administrator of the server on a host, by psql; what it prints."""
        folder = packages.find_servers().postgres
        env = postgres._env(folder) | {
            "PGHOST": self.network.addresses[host],
            "PGPORT": str(POSTGRES),
            "PGDATABASE": "postgres",
            "PGUSER": ADMIN,
            "PGPASSWORD": self.state.secrets["pg_admin"],
            "PGCONNECT_TIMEOUT": "5",
        }
        words = [str(folder / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        me = User("", os.getuid(), os.getgid())
        done = processes.run(words, env, self.state.folder, me, 60, stdin=";\n".join(statements) + ";\n")
        if done.returncode != 0:
            raise Problem(f"PostgreSQL on {host}: {done.stderr.strip()[-1000:]}")
        return done.stdout.strip()

    def primary(self) -> str | None:
        """The host whose server takes writes; None if none does."""
        for host in DATABASES:
            with contextlib.suppress(Problem):
                if self._postmaster(host) and self.sql(host, "SELECT pg_is_in_recovery()") == "f":
                    return host
        return None

    def _slot(self, primary: str, replica: str) -> None:
        self.sql(
            primary,
            f"SELECT pg_create_physical_replication_slot('kundval_{replica}') WHERE NOT EXISTS"
            f" (SELECT FROM pg_replication_slots WHERE slot_name = 'kundval_{replica}')",
        )

    def join(self, host: str) -> None:
        """Make the server on `host` a replica of the primary: started if it was one, by `pg_rewind` if it was the
        primary, else by a base backup.
        """
        primary = self.primary()
        if primary is None or primary == host:
            raise Problem(f"there is no primary that {host} could follow")
        self._slot(primary, host)
        folder, part, owner = packages.find_servers().postgres, self.part(host), postgres.user()
        data = part.folder / "data"
        owner.owns(part.folder)
        where = f"host={self.network.addresses[primary]} port={POSTGRES} connect_timeout=5"
        env = postgres._env(folder)
        if (data / "standby.signal").exists():
            # it has followed this primary before and goes on from where it was
            self._launch(host, folder)
            return
        if (data / "PG_VERSION").exists():
            # until its first checkpoint a server that was promoted names its former timeline, and pg_rewind would find
            # nothing to do
            self.sql(primary, "CHECKPOINT")
            # what a crash left must be recovered first, which pg_rewind has the server do
            (data / "postmaster.pid").unlink(missing_ok=True)
            command = [str(folder / "pg_rewind"), "--target-pgdata", str(data), "--no-sync", "--source-server",
                       f"{where} user={ADMIN} dbname=postgres"]  # fmt: skip
            done = self._on(host, command, env | {"PGPASSWORD": self.state.secrets["pg_admin"]})
            if done.returncode != 0:
                say(f"pg_rewind on {host} failed, a base backup is made instead: {done.stderr.strip()[-300:]}")
                shutil.rmtree(data)
        if not (data / "PG_VERSION").exists():
            shutil.rmtree(data, ignore_errors=True)
            command = [str(folder / "pg_basebackup"), "--pgdata", str(data), "--no-sync", "--checkpoint", "fast",
                       "--slot", f"kundval_{host}", "--dbname", f"{where} user={REPLICATOR}"]  # fmt: skip
            done = self._on(host, command, env | {"PGPASSWORD": self.state.secrets["pg_replicator"]})
            if done.returncode != 0:
                raise Problem(f"pg_basebackup on {host}: {done.stderr.strip()[-1000:]}")
        _write(data / "standby.signal", owner, "")
        self._launch(host, folder)

    def _on(self, host: str, command: list[str], env: dict[str, str]) -> Any:
        owner = postgres.user()
        me = User("", os.getuid(), os.getgid())
        words = self.network.command(host, command, owner.uid, owner.gid)
        return processes.run(words, env, self.part(host).folder, me, START_SECONDS)

    def together(self, primary: str) -> None:
        """Commits wait for the replica again, once it has caught up."""
        replica = next(one for one in DATABASES if one != primary)
        streams = f"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{replica}'"
        if not processes.wait_until(lambda: self.sql(primary, f"{streams} AND state = 'streaming'") == "1", 60, 0.2):
            raise Problem(f"{replica} does not stream from {primary}")
        self._synchronous(primary, replica)

    def alone(self, primary: str) -> None:
        """The primary goes on without a replica: what is committed from now on is on one host only."""
        self._synchronous(primary, "")

    def go_alone(self) -> None:
        """`alone`, for whichever takes writes."""
        primary = self.primary()
        if primary is None:
            raise Problem("no server takes writes")
        self.alone(primary)

    def _synchronous(self, primary: str, names: str) -> None:
        self.sql(primary, f"ALTER SYSTEM SET synchronous_standby_names = '{names}'", "SELECT pg_reload_conf()")

    def promote(self) -> str:
        """The replica takes over; the former primary is fenced first: killed, so that nothing can be written to it.
        The host of the new primary, which goes on alone until `rejoin`.
        """
        old = self.primary() or next(host for host in DATABASES if not self._postmaster(host))
        new = next(host for host in DATABASES if host != old)
        self.kill(old)
        # else the new one would wait for a replica that is not there
        self.sql(new, "SELECT pg_promote(true, 60)")
        self.alone(new)
        return new

    def rejoin(self) -> None:
        """The former primary follows the present one, and commits wait for it again."""
        primary = self.primary()
        if primary is None:
            raise Problem("no server takes writes")
        other = next(host for host in DATABASES if host != primary)
        if not self._postmaster(other):
            self.join(other)
        self.together(primary)

    # --- addresses -------------------------------------------------------------------------------

    def _write_env(self) -> None:
        password, admin = self.state.secrets["rabbit"], self.state.secrets["pg_admin"]
        nodes = [self.network.addresses[host] for host in NODES]

        def broker(user: str) -> str:
            secret = self.state.secrets[rabbit.secret_of(user)]
            return ";".join(f"amqp://{user}:{secret}@{node}:{AMQP}/{rabbit.VHOST}" for node in nodes)

        parts = (*places.PROCESSES, "operator", "monitor")
        databases = ",".join(f"{self.network.addresses[host]}:{POSTGRES}" for host in DATABASES)
        values = {
            "KUNDVAL_AMQP_URI": broker(rabbit.rights.user_of("operator")),
            "KUNDVAL_RABBIT_ADMIN_URI": broker(rabbit.USER),
            **{f"KUNDVAL_{one.upper()}_AMQP_URI": broker(rabbit.rights.user_of(one)) for one in parts},
            "KUNDVAL_SENDERS_CHECKED": "true",
            "KUNDVAL_RPC_QUEUES": "QUORUM",
            "KUNDVAL_RABBIT_API_URI": f"http://kundval:{password}@{nodes[0]}:{API}/api",
            "KUNDVAL_BROKER_API": f"http://kundval:{password}@{nodes[0]}:{API}/api",
            "KUNDVAL_PG_ADMIN_URI": (
                f"postgresql://{ADMIN}:{admin}@{databases}/postgres?target_session_attrs=read-write"
            ),
            "KUNDVAL_TOKEN_KEY": self.state.secrets["token"],
            "KUNDVAL_ASSIGNMENT_PERSON_KEYS": self.state.secrets["persons"],
            "KUNDVAL_PARTNER_KEY": self.state.secrets["partners"],
        }
        places.write_env(self.state.folder / "env", values)


def _name(pid: int) -> str:
    return processes.command_name(pid)


def _write(path: Path, owner: User, text: str, mode: int = 0o600) -> None:
    places.write_private(path, text)
    os.chown(path, owner.uid, owner.gid)
    path.chmod(mode)
