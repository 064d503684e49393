"""The servers a measurement runs on: fresh databases and virtual hosts, and what the machine was doing meanwhile."""

from __future__ import annotations

import json
import os
import platform
import secrets
import subprocess
import sys
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import psycopg

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "deploy" / "local" / "servers"
START_SECONDS = 400
#: of the measured processes; stays when the servers have gone
LOGS = Path(__file__).with_name("results") / "log"


class Machine:
    """A running PostgreSQL and RabbitMQ. `env` is what `deploy/local/servers` wrote; logs go to `logs`."""

    def __init__(self, env: Mapping[str, str], logs: Path):
        self.env = dict(env)
        self.logs = logs
        logs.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Address of a fresh database with an owner of its own; dropped at the end."""
        name, password = f"b_{secrets.token_hex(4)}", secrets.token_hex(8)
        self.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'", f"CREATE DATABASE {name} OWNER {name}")
        where = urllib.parse.urlsplit(self.env["KUNDVAL_PG_ADMIN_URI"])
        try:
            yield f"postgresql://{name}:{password}@{where.hostname}:{where.port}/{name}"
        finally:
            self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"DROP ROLE IF EXISTS {name}")

    @contextmanager
    def vhost(self) -> Iterator[str]:
        """AMQP address of a fresh virtual host; dropped with its queues at the end."""
        name = f"b_{secrets.token_hex(4)}"
        where = urllib.parse.urlsplit(self.env["KUNDVAL_RABBIT_ADMIN_URI"])
        self.api("PUT", f"vhosts/{name}", {})
        self.api("PUT", f"permissions/{name}/{where.username}", {"configure": ".*", "write": ".*", "read": ".*"})
        try:
            yield f"amqp://{where.username}:{where.password}@{where.hostname}:{where.port}/{name}"
        finally:
            self.api("DELETE", f"vhosts/{name}")

    def sql(self, *statements: str) -> None:
        """Statements as the cluster's administrator, each outside a transaction."""
        with psycopg.connect(self.env["KUNDVAL_PG_ADMIN_URI"], autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def settle(self) -> None:
        """Write out what earlier work left behind, so that it is not on the bill of the next."""
        self.sql("CHECKPOINT")

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """RabbitMQ's management API. Raises OSError (HTTPError)."""
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

    def cpu(self) -> dict[str, float]:
        """Seconds of processor time that each of the two servers has used since it started."""
        found = {}
        for name, key in (("postgresql", "KUNDVAL_PG_ADMIN_URI"), ("rabbitmq", "KUNDVAL_AMQP_URI")):
            port = urllib.parse.urlsplit(self.env[key]).port
            found[name] = sum(map(cpu_seconds, _listener(port)))
        return found

    def facts(self) -> dict[str, Any]:
        """What the figures were taken on."""
        with psycopg.connect(self.env["KUNDVAL_PG_ADMIN_URI"]) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        packages = ("nameko", "faststream", "psycopg", "kombu", "eventlet")
        return {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "postgresql": row[0].split()[0] if row else None,
            "rabbitmq": self.api("GET", "overview")["rabbitmq_version"],
            **{package: version(package) for package in packages},
        }


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time of a process, with that of children that have ended."""
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0


@cache
def _server(port: int) -> psutil.Process:
    for found in psutil.net_connections("tcp"):
        if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port and found.pid:
            return psutil.Process(found.pid)
    raise LookupError(f"nobody listens on port {port}, or not to be seen by this user")


def _listener(port: int | None) -> list[psutil.Process]:
    """The process that listens on a port, and its children."""
    assert port is not None
    server = _server(port)
    return [server, *server.children(recursive=True)]


def load_average() -> float:
    """Processes that wanted a core in the last minute, on average."""
    return round(os.getloadavg()[0], 1)


@contextmanager
def servers(name: str = "bench") -> Iterator[Machine]:
    """The set of servers `name`, fresh; ended and wiped afterwards if this call started it."""
    folder = ROOT / "var" / name
    stamp = _stamp(folder / "env")
    _servers("up", name, "--fresh")
    ours = _stamp(folder / "env") != stamp
    try:
        pairs = (line.partition("=") for line in _servers("env", name).splitlines())
        yield Machine({left: right.strip("'") for left, _, right in pairs}, LOGS)
    finally:
        if ours:
            _servers("down", name, "--wipe")


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _servers(verb: str, name: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), verb, "--name", name, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"deploy/local/servers {verb} --name {name} failed")
    return done.stdout
