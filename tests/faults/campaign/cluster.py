"""The campaign on several hosts: three broker nodes, a database with its replica, and two hosts for the services."""

from __future__ import annotations

import signal
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

from kundval_local import places, processes
from kundval_local.cluster import AMQP, APPS, DATABASES, NODES, POSTGRES, Cluster
from tests.conftest import Servers
from tests.suite import SERVICES

from .faults import Disturbance, Scene
from .hosts import Hosts, Machine
from .lines import Lines
from .rounds import Campaign


class ClusterServers(Servers):
    """`Servers` whose addresses are those of all hosts."""

    cluster: Cluster

    @property
    def pg_admin_uri(self) -> str:
        """That of the server which takes writes now."""
        where = urllib.parse.urlsplit(super().pg_admin_uri)
        host = self.cluster.primary()
        assert host is not None, "no database takes writes"
        user = where.netloc.rpartition("@")[0]
        return f"postgresql://{user}@{self.cluster.network.addresses[host]}:{POSTGRES}/postgres"

    def create_service_databases(self, services: Iterable[str]) -> dict[str, str]:
        hosts = ",".join(f"{self.cluster.network.addresses[host]}:{POSTGRES}" for host in DATABASES)
        found = {}
        for service, uri in super().create_service_databases(services).items():
            made = urllib.parse.urlsplit(uri)
            user = made.netloc.rpartition("@")[0]
            found[service] = f"postgresql://{user}@{hosts}{made.path}?target_session_attrs=read-write"
        return found

    @property
    def amqp_uri(self) -> str:
        return super().amqp_uri.partition(";")[0]

    def create_vhost(self) -> str:
        return self._everywhere(super().create_vhost())

    def amqp_uri_of(self, part: str, vhost: str) -> str:
        first = self.env[f"KUNDVAL_{part.upper()}_AMQP_URI"].partition(";")[0]
        return self._everywhere(f"{first.rpartition('/')[0]}/{vhost}")

    def _everywhere(self, uri: str) -> str:
        """An address at one node, as those at all of them."""
        where = urllib.parse.urlsplit(uri)
        user = where.netloc.rpartition("@")[0]
        return ";".join(f"amqp://{user}@{self.cluster.network.addresses[host]}:{AMQP}{where.path}" for host in NODES)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Of the first node that answers."""
        for host in NODES:
            where = urllib.parse.urlsplit(self.env["KUNDVAL_RABBIT_API_URI"])
            user, address = where.netloc.rpartition("@")[0], self.cluster.network.addresses[host]
            one = Servers(self.name, {"KUNDVAL_RABBIT_API_URI": f"http://{user}@{address}:{where.port}/api"})
            try:
                return one.api(method, path, body)
            except OSError:
                if host == NODES[-1]:
                    raise
        raise AssertionError("unreachable")


class ClusterHosts(Hosts):
    """The first instance of each service on one host, the second on the other."""

    cluster: Cluster

    def app(self, name: str) -> str:
        return APPS[1 if "#" in name else 0]

    def of_instance(self, name: str) -> dict[str, str]:
        if name not in self.instances:
            return {}
        # each host has a node that it prefers
        key = f"KUNDVAL_{name.partition('#')[0].upper()}_AMQP_URI"
        addresses = self.environment[key].split(";")
        first = APPS.index(self.app(name))
        return {
            **self.clock_settings(name),
            "KUNDVAL_HTTP_HOST": self.address(name),
            key: ";".join([*addresses[first:], *addresses[:first]]),
        }

    def program(self, name: str) -> list[str]:
        words = super().program(name)
        return self.cluster.network.command(self.app(name), words) if name in self.instances else words

    def address(self, name: str) -> str:
        return self.cluster.network.addresses[self.app(name)] if name in self.instances else "127.0.0.1"


class ClusterMachine(Machine):
    """The servers of the cluster, and the network between the hosts."""

    def __init__(self, servers: ClusterServers):
        self.servers, self.cluster, self.disk = servers, servers.cluster, None

    def thaw(self) -> None:
        for host in (*NODES, *DATABASES):
            for pid in self.cluster.pids(host):
                processes.send(pid, signal.SIGCONT)

    def up(self) -> list[str]:
        """Everything as it is to be: three nodes, a primary that takes writes, a replica for which commits wait."""
        self.cluster.network.mend()
        self.thaw()
        for host in NODES:
            self.cluster.start(host)
        self._database()
        return []

    def _database(self) -> None:
        cluster = self.cluster
        for host in DATABASES:
            # a primary that was killed comes back as what it was, unless the other has taken over
            if not cluster.main_pids(host) and cluster.primary() is None:
                cluster.start(host)
        cluster.rejoin()


class ClusterScene(Scene):
    """What can be done to several hosts."""

    machine: ClusterMachine

    def kinds(self) -> dict[str, int]:
        own = {
            "node-loss": 4,
            "node-frozen": 2,
            "node-isolated": 3,
            "partition": 3,
            "app-cut-from-broker": 3,
            "app-cut-from-database": 3,
            "slow-line": 2,
            "primary-crash": 2,
            "failover": 4,
            "replica-loss": 2,
            "replica-cut": 2,
        }
        of_services = ("kill", "kill-both", "terminate", "freeze", "clock", "connections-ended")
        return {kind: weight for kind, weight in super().kinds().items() if kind in of_services} | own

    @property
    def _cluster(self) -> Cluster:
        return self.machine.cluster

    def _node_loss(self, random: Random, at: float) -> Disturbance:
        node, lasts = random.choice(NODES), round(random.uniform(2.0, 10.0), 1)
        return Disturbance(
            "node-loss", f"kill -9 broker node {node}", at, lasts,
            lambda: self._cluster.kill(node), lambda: self._cluster.start(node),
        )  # fmt: skip

    def _node_frozen(self, random: Random, at: float) -> Disturbance:
        # longer than the others wait for it, or shorter
        node, lasts = random.choice(NODES), round(random.uniform(2.0, 20.0), 1)
        return Disturbance(
            "node-frozen", f"SIGSTOP broker node {node}", at, lasts,
            lambda: self.machine.freeze(self._cluster.main_pids(node)), self.machine.thaw,
        )  # fmt: skip

    def _network(self, kind: str, what: str, at: float, lasts: float, strike: Any) -> Disturbance:
        return Disturbance(kind, what, at, lasts, strike, self._cluster.network.mend)

    def _node_isolated(self, random: Random, at: float) -> Disturbance:
        node, lasts = random.choice(NODES), round(random.uniform(3.0, 20.0), 1)
        return self._network("node-isolated", f"broker node {node} cut off from everybody", at, lasts,
                             lambda: self._cluster.network.isolate(node))  # fmt: skip

    def _partition(self, random: Random, at: float) -> Disturbance:
        node, lasts = random.choice(NODES), round(random.uniform(3.0, 20.0), 1)
        return self._network("partition", f"broker node {node} cut off from the other nodes alone", at, lasts,
                             lambda: self._cluster.network.isolate(node, NODES))  # fmt: skip

    def _app_cut_from_broker(self, random: Random, at: float) -> Disturbance:
        app, lasts = random.choice(APPS), round(random.uniform(2.0, 15.0), 1)
        nodes = random.sample(NODES, random.choice((1, 1, 3)))

        def strike() -> None:
            for node in nodes:
                self._cluster.network.cut(app, node)

        return self._network("app-cut-from-broker", f"{app} cut off from {', '.join(nodes)}", at, lasts, strike)

    def _app_cut_from_database(self, random: Random, at: float) -> Disturbance:
        app, lasts = random.choice(APPS), round(random.uniform(2.0, 15.0), 1)

        def strike() -> None:
            for host in DATABASES:
                self._cluster.network.cut(app, host)

        return self._network("app-cut-from-database", f"{app} cut off from the databases", at, lasts, strike)

    def _slow_line(self, random: Random, at: float) -> Disturbance:
        app, lasts, rate = random.choice(APPS), round(random.uniform(3.0, 8.0), 1), random.choice((128, 512))
        return self._network("slow-line", f"{rate} kbit/s from {app}", at, lasts,
                             lambda: self._cluster.network.slow(app, rate))  # fmt: skip

    def _primary_crash(self, random: Random, at: float) -> Disturbance:
        lasts = round(random.uniform(0.0, 4.0), 1)

        def strike() -> None:
            primary = self._cluster.primary()
            if primary is not None:
                self._cluster.kill(primary)

        return Disturbance("primary-crash", "kill -9 the primary", at, lasts, strike, self.machine.up)

    def _failover(self, random: Random, at: float) -> Disturbance:
        lasts = round(random.uniform(0.0, 4.0), 1)
        return Disturbance(
            "failover", "the primary is lost, the replica takes over", at, lasts,
            self._cluster.promote, self._cluster.rejoin,
        )  # fmt: skip

    def _replica(self) -> str:
        return next(host for host in DATABASES if host != self._cluster.primary())

    def _replica_loss(self, random: Random, at: float) -> Disturbance:
        lasts, alone = round(random.uniform(1.0, 8.0), 1), random.random() < 0.5

        def strike() -> None:
            primary, replica = self._cluster.primary(), self._replica()
            self._cluster.kill(replica)
            if alone and primary is not None:
                self._cluster.alone(primary)

        then = "and the primary goes on alone" if alone else "and commits wait"
        return Disturbance("replica-loss", f"kill -9 the replica, {then}", at, lasts, strike, self.machine.up)

    def _replica_cut(self, random: Random, at: float) -> Disturbance:
        lasts = round(random.uniform(1.0, 12.0), 1)
        return self._network("replica-cut", "primary and replica cut off from each other", at, lasts,
                             lambda: self._cluster.network.cut(*DATABASES))  # fmt: skip


@contextmanager
def started(
    name: str, folder: Path, keep: Path, *, second: tuple[str, ...] = SERVICES, residents: int = 10, leave: bool = False
) -> Iterator[Campaign]:
    """A campaign on a cluster of its own; `leave`: on one that is up, and stays so."""
    cluster = Cluster(name)
    with ExitStack() as stack:
        if not leave:
            stack.callback(cluster.down, wipe=True)
            cluster.up()
        servers = ClusterServers(name, places.read_env(name))
        object.__setattr__(servers, "cluster", cluster)
        amqp_uri = servers.create_vhost()
        servers.let_users_in(amqp_uri.rpartition("/")[2])
        databases = servers.create_service_databases(SERVICES)
        network = stack.enter_context(Lines())
        hosts = ClusterHosts(
            amqp_uri, databases, folder, {"KUNDVAL_RPC_QUEUES": "QUORUM"}, servers, network=network, second=second
        )
        hosts.cluster = cluster
        stack.callback(hosts.close)
        hosts.start(*hosts.instances)
        yield Campaign(ClusterScene(hosts, ClusterMachine(servers)), keep, residents)
