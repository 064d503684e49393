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
READY_SECONDS = 300.0
STOP_SECONDS = 30.0
KUNDVAL = Path(sys.executable).with_name("kundval")


class Services:
    """The services' settings and processes. Start them with `start`; `running` ends them."""

    def __init__(self, machine: Machine, env: dict[str, str]):
        self.env = env
        self._logs = machine.logs
        self.processes: dict[str, psutil.Process] = {}
        self._ports: dict[str, int] = {}

    def start(self, service: str) -> float:
        """Start one and wait until it is ready; seconds from the start of its process to there."""
        began = time.monotonic()
        self.spawn(service)
        self.wait(service)
        return time.monotonic() - began

    def spawn(self, *names: str) -> None:
        """Start processes and wait for nothing. A further one of billing is called `billing#1`."""
        for name in names:
            service, further, _ = name.partition("#")
            env = {**os.environ, **self.env}
            if further:
                env[_port_of(service)] = str(self._ports.setdefault(name, _free_ports(1)[0]))
            with open(self._logs / f"{service}.log", "ab") as log:
                process = subprocess.Popen(
                    [str(KUNDVAL), "run", service],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=env,
                    cwd=ROOT,
                )
            self.processes[name] = psutil.Process(process.pid)

    def wait(self, name: str) -> None:
        """Until a process is ready."""
        service = name.partition("#")[0]
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready(name):
            gone = self.processes[name].status() == psutil.STATUS_ZOMBIE
            if gone or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not become ready; see {self._logs / service}.log")
            time.sleep(0.01)

    def _ready(self, name: str) -> bool:
        port = self._ports.get(name) or self.env[_port_of(name)]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{port}/health/ready", timeout=3) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def stop(self, *names: str) -> None:
        """Stop these processes, or all."""
        chosen = [self.processes.pop(name) for name in names or tuple(self.processes)]
        for process in chosen:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, left = psutil.wait_procs(chosen, timeout=STOP_SECONDS)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
            process.wait()


@contextmanager
def prepared(machine: Machine) -> Iterator[Services]:
    """Migrated databases, nothing started yet."""
    with ExitStack() as stack:
        # one user of the broker, and databases that the services own: what is measured is the services
        others = ("_AMQP_URI", "_MIGRATION_URI", "_SENDERS_CHECKED")
        env = {k: v for k, v in machine.env.items() if k.startswith("KUNDVAL_") and not k.endswith(others)}
        env["KUNDVAL_AMQP_URI"] = stack.enter_context(machine.vhost())
        # how often somebody may call is not what is measured
        env["KUNDVAL_CALLER_A_MINUTE"] = "1000000"
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
        services.spawn(*SERVICES)
        for service in SERVICES:
            services.wait(service)
        yield services


def _port_of(service: str) -> str:
    return f"KUNDVAL_{service.upper()}_HTTP_PORT"


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
