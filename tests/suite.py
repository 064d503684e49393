"""The four services as four real processes on the servers of the tests: start, kill, start again, ask."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kundval_chassis import migrate
from kundval_chassis.tokens import Tokens
from kundval_contracts.client import Client

SERVICES = ("assignment", "scheduling", "billing", "notifications")
RULES = Path(__file__).resolve().parents[1] / "deploy" / "local" / "rules.toml"
READY_SECONDS = 40.0


class Suite:
    """Four databases, one virtual host, up to four processes. `folder` gets logs and messages."""

    def __init__(self, amqp_uri: str, databases: dict[str, str], folder: Path):
        self.amqp_uri = amqp_uri
        self.databases = databases
        self.folder = folder
        self.key = secrets.token_hex(32)
        self.ports = {service: _free_port() for service in SERVICES}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for service in SERVICES:
            migrate.apply(databases[service], service)

    @property
    def environment(self) -> dict[str, str]:
        """Settings as operations would give them."""
        own = {key: value for key, value in os.environ.items() if not key.startswith("KUNDVAL_")}
        return own | {
            "KUNDVAL_AMQP_URI": self.amqp_uri,
            "KUNDVAL_TOKEN_KEY": self.key,
            "KUNDVAL_RULES_FILE": str(RULES),
            "KUNDVAL_OUTBOX_DIR": str(self.folder / "messages"),
            "KUNDVAL_HTTP_HOST": "127.0.0.1",
            **{f"KUNDVAL_{one.upper()}_DATABASE_URI": uri for one, uri in self.databases.items()},
            **{f"KUNDVAL_{one.upper()}_HTTP_PORT": str(port) for one, port in self.ports.items()},
        }

    def start(self, *services: str) -> None:
        """Start these services (default: all) and wait until they are ready."""
        for service in services or SERVICES:
            with open(self.folder / f"{service}.log", "ab") as log:
                self.processes[service] = subprocess.Popen(
                    [sys.executable, "-m", "kundval_chassis.cli", "run", service],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        for service in services or SERVICES:
            self.wait_ready(service)

    def wait_ready(self, service: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.ready(service):
            if self.processes[service].poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{service} is not ready:\n{self.log(service)[-3000:]}")
            time.sleep(0.1)

    def ready(self, service: str) -> bool:
        """Whether `/health/ready` says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def metrics(self, service: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def kill(self, service: str) -> None:
        """kill -9: nothing is told, nothing is finished."""
        self.processes[service].send_signal(signal.SIGKILL)
        self.processes[service].wait()

    def stop(self, service: str) -> int:
        """SIGTERM, as operations stop a service; its exit status."""
        self.processes[service].terminate()
        return self.processes[service].wait(timeout=60)

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(errors="replace")

    def client(self) -> Client:
        tokens = Tokens(self.key)
        return Client(self.amqp_uri, lambda: tokens.mint("SYSTEM", subject="test", purpose="test"), name="test")

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
        for process in self.processes.values():
            process.wait()


@contextmanager
def running(amqp_uri: str, make_database: Any, folder: Path, *services: str) -> Iterator[Suite]:
    """A suite on fresh databases; with `services` only these are started."""
    suite = Suite(amqp_uri, {service: make_database(service) for service in SERVICES}, folder)
    try:
        suite.start(*services)
        yield suite
    finally:
        suite.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
