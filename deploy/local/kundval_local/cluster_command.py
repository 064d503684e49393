"""deploy/local/cluster: the command. What it does is in `cluster`."""

from __future__ import annotations

import argparse
import sys

from . import places
from .cluster import APPS, DATABASES, NODES, Cluster
from .servers import guarded

DESCRIPTION = """\
Three RabbitMQ nodes as one cluster and a PostgreSQL primary with a synchronous replica, each on a host of its own: a
network namespace, for which this must be run as root. Nothing else on the machine is touched. `up` begins anew and
writes var/NAME/env. Whoever wants to see what is lost when a host is lost begins here.
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy/local/cluster", description=DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, help: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help, description=help)
        added.add_argument("--name", default="cluster", help="which cluster (default: cluster)")
        return added

    servers, hosts = (*NODES, *DATABASES), (*NODES, *DATABASES, *APPS)
    verb("up", "make hosts and servers, all anew")
    verb("down", "end the servers, remove the hosts and the data")
    verb("status", "what runs, and which database takes writes")
    verb("env", "print the addresses and passwords")
    verb("kill", "kill -9 of the server of a host").add_argument("host", choices=servers)
    verb("start", "start the server of a host again").add_argument("host", choices=servers)
    verb("promote", "the replica takes over; the former primary is killed first")
    verb("rejoin", "the former primary becomes the replica, and commits wait for it again")
    verb("alone", "the primary goes on without its replica: commits wait no longer")
    cut = verb("cut", "nothing goes from one host to another any more, nor back")
    for argument in ("host", "other"):
        cut.add_argument(argument, choices=hosts)
    verb("isolate", "a host is cut off from everybody").add_argument("host", choices=hosts)
    verb("mend", "everybody reaches everybody again")
    chosen = parser.parse_args(arguments)
    return guarded(lambda: _do(chosen))


def _do(chosen: argparse.Namespace) -> int:
    cluster = Cluster(chosen.name)
    with places.locked(chosen.name):
        if chosen.verb == "up":
            cluster.up()
        elif chosen.verb == "down":
            cluster.down(wipe=True)
        elif chosen.verb == "env":
            places.write_env_lines(sys.stdout, places.read_env(chosen.name))
        elif chosen.verb == "status":
            _status(cluster)
        elif chosen.verb == "kill":
            cluster.kill(chosen.host)
        elif chosen.verb == "start":
            cluster.start(chosen.host)
        elif chosen.verb == "promote":
            print(f"{cluster.promote()} takes writes now")
        elif chosen.verb == "rejoin":
            cluster.rejoin()
        elif chosen.verb == "alone":
            cluster.go_alone()
        elif chosen.verb == "cut":
            cluster.network.cut(chosen.host, chosen.other)
        elif chosen.verb == "isolate":
            cluster.network.isolate(chosen.host)
        else:
            cluster.network.mend()
    return 0


def _status(cluster: Cluster) -> None:
    primary = cluster.primary()
    for host in (*NODES, *DATABASES):
        state = "up" if cluster.main_pids(host) else "down"
        role = "" if host in NODES or state == "down" else "primary" if host == primary else "replica"
        print(f"{host:6} {cluster.network.addresses[host]:16} {state:5} {role}".rstrip())
