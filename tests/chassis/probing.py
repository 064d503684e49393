"""Starts the probe service as a real process, for the tests of RPC, runner, health and logs."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kundval_chassis.tokens import Tokens
from kundval_contracts.client import Client

PROGRAM = Path(__file__).with_name("probe_service.py")
TENANT = "nacka"


class Probe:
    """One process of the probe service; `lines` are its log."""

    def __init__(self, amqp_uri: str, database: str, folder: Path, **settings: str):
        self.amqp_uri = amqp_uri
        self.database = database
        self.key = secrets.token_hex(32)
        self.port = free_port()
        self.log = folder / f"probe-{secrets.token_hex(4)}.log"
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("KUNDVAL_")}
        return clean | {
            "KUNDVAL_AMQP_URI": self.amqp_uri,
            "KUNDVAL_PROBE_DATABASE_URI": self.database,
            "KUNDVAL_TOKEN_KEY": self.key,
            "KUNDVAL_PROBE_HTTP_PORT": str(self.port),
            **self.settings,
        }

    def start(self) -> Probe:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", str(PROGRAM)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(lambda: self.ready() or self.process.poll() is not None, 120)  # type: ignore[union-attr]
        assert self.process.poll() is None, self.log.read_text()
        return self

    def ready(self) -> bool:
        return self.get("/health/ready")[0] == 200

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a GET; status 0 if nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=6) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(40)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def token(self, role: str = "SYSTEM", **claims: Any) -> str:
        return Tokens(self.key).mint(role, **claims)

    def client(self, role: str = "SYSTEM", *, timeout: float = 10, **claims: Any) -> Client:
        return Client(self.amqp_uri, self.token(role, **claims), timeout=timeout)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(true: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait until `true()` is; its value. Fails after `seconds`."""
    until = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
    return value


def probing(amqp_uri: str, database: str, folder: Path, **settings: str) -> Iterator[Probe]:
    """For a fixture: a started probe that is gone at the end."""
    probe = Probe(amqp_uri, database, folder, **settings)
    try:
        yield probe.start()
    finally:
        probe.end()
