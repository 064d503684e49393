"""The four services as four processes, on fresh databases and a fresh virtual host: what operations would run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from .machine import ROOT, Machine

SERVICES = ("assignment", "scheduling", "billing", "notifications")
READY_SECONDS = 60.0
STOP_SECONDS = 30.0
KUNDVAL = Path(sys.executable).with_name("kundval")


class Services:
    """The services' settings and processes. Start them with `start`; `running` ends them."""

    def __init__(self, machine: Machine, env: dict[str, str]):
        self.env = env
        self._logs = machine.logs
        self.processes: dict[str, psutil.Process] = {}

    def start(self, service: str) -> float:
        """Start one and wait until it is ready; seconds from the start of its process to there."""
        with open(self._logs / f"{service}.log", "ab") as log:
            began = time.monotonic()
            process = subprocess.Popen(
                [str(KUNDVAL), "run", service],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                cwd=ROOT,
            )
        self.processes[service] = psutil.Process(process.pid)
        while not self._ready(service):
            if process.poll() is not None or time.monotonic() - began > READY_SECONDS:
                raise RuntimeError(f"{service} does not become ready; see {self._logs / service}.log")
            time.sleep(0.01)
        return time.monotonic() - began

    def _ready(self, service: str) -> bool:
        port = self.env[f"KUNDVAL_{service.upper()}_HTTP_PORT"]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{port}/health/ready", timeout=3) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def stop(self) -> None:
        for process in self.processes.values():
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, left = psutil.wait_procs(self.processes.values(), timeout=STOP_SECONDS)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
            process.wait()


@contextmanager
def prepared(machine: Machine) -> Iterator[Services]:
    """Migrated databases, nothing started yet."""
    with ExitStack() as stack:
        env = {key: value for key, value in machine.env.items() if key.startswith("KUNDVAL_")}
        env["KUNDVAL_AMQP_URI"] = stack.enter_context(machine.vhost())
        env["KUNDVAL_OUTBOX_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="kundval-bench-"))
        for service, port in zip(SERVICES, _free_ports(len(SERVICES)), strict=True):
            env[f"KUNDVAL_{service.upper()}_DATABASE_URI"] = stack.enter_context(machine.database())
            env[f"KUNDVAL_{service.upper()}_HTTP_PORT"] = str(port)
        subprocess.run(
            [str(KUNDVAL), "migrate", *SERVICES],
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        services = Services(machine, env)
        try:
            yield services
        finally:
            services.stop()


@contextmanager
def running(machine: Machine) -> Iterator[Services]:
    """All four, ready."""
    with prepared(machine) as services:
        for service in SERVICES:
            services.start(service)
        yield services


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
