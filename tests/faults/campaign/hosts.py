"""The suite of a campaign: two instances of every service, each with lines of its own to broker and databases."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import urllib.parse
from pathlib import Path
from typing import Any

from kundval_local import packages, places, postgres, processes, rabbit
from tests.conftest import Servers
from tests.suite import SERVICES, Suite

from .lines import Line, Lines

#: Debian's libfaketime: the clock of a process as a file says
_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1",)
#: seconds that the start of all instances together may take on a machine with other work
START = 600.0
#: to whom a line goes
BROKER, DATABASE = "broker", "database"


def clock_library() -> Path | None:
    """The library that gives a process a clock of its own; None where it is not installed."""
    return next((path for pattern in _LIBRARIES for path in sorted(Path("/").glob(pattern[1:]))), None)


class Hosts(Suite):
    """A `Suite` whose instances can be cut off, stopped, and given a wrong clock.

    `instances` are the names of all, `lines` those of each instance, by whom they lead to.
    """

    def __init__(self, *args: Any, network: Lines, second: tuple[str, ...] = SERVICES, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.instances = (*SERVICES, *(f"{service}#2" for service in second))
        self.lines: dict[str, dict[str, Line]] = {}
        #: instances that are down because of a fault, so that nobody wonders
        self.down: set[str] = set()
        self._network = network
        self._clock = clock_library()

    @property
    def has_clocks(self) -> bool:
        return self._clock is not None

    def of_instance(self, name: str) -> dict[str, str]:
        if name not in self.instances:
            return {}
        lines = self.lines.setdefault(name, {})
        changed: dict[str, str] = {}
        for key, value in self.environment.items():
            if not key.startswith("KUNDVAL_") or not value.startswith(("amqp", "postgres")):
                continue
            to = BROKER if value.startswith("amqp") else DATABASE
            where = urllib.parse.urlsplit(value)
            if to not in lines:
                assert where.hostname and where.port
                lines[to] = self._network.to(where.hostname, where.port)
            changed[key] = value.replace(f"@{where.netloc.rpartition('@')[2]}", f"@127.0.0.1:{lines[to].port}")
        return changed | self.clock_settings(name)

    def clock_settings(self, name: str) -> dict[str, str]:
        """What gives an instance a clock that can be set."""
        if self._clock is None:
            return {}
        self.set_clock(name, 0)
        return {
            "LD_PRELOAD": str(self._clock),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock_file(name)),
            "FAKETIME_CACHE_DURATION": "1",
            # a step of the wall clock, as of a machine whose time was set; intervals go on
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set_clock(self, name: str, seconds: int) -> None:
        """Set the clock of an instance so much before or behind the machine's."""
        file = self._clock_file(name)
        fresh = file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        os.replace(fresh, file)

    def _clock_file(self, name: str) -> Path:
        return self.folder / f"{name}.clock"

    def wait_ready(self, name: str) -> None:
        def ready() -> bool:
            # one whose servers do not answer in time ends, and its supervisor starts it again
            if self.processes[name].poll() is not None:
                self.spawn(name)
            return self.ready(name)

        wait(ready, START, f"{name} is not ready:\n{self.log(name)[-3000:]}")

    def signal(self, name: str, number: signal.Signals) -> None:
        if self.processes[name].poll() is None:
            self.processes[name].send_signal(number)

    def mend(self) -> None:
        """Every line carries, every clock is right, nobody is held up."""
        for name in self.instances:
            for line in self.lines.get(name, {}).values():
                line.mend()
            self.signal(name, signal.SIGCONT)
            if self.has_clocks:
                self.set_clock(name, 0)

    def up_again(self) -> list[str]:
        """Start what has ended. Those that nobody had ended by a fault: their name with their status."""
        fallen = []
        for name in self.instances:
            status = self.processes[name].poll()
            if status is not None:
                if name not in self.down:
                    fallen.append(f"{name} ({status})")
                self.spawn(name)
        self.down.clear()
        return fallen


class Machine:
    """The servers' processes, as somebody with a grudge sees them. `disk` is a small file system that holds them."""

    def __init__(self, servers: Servers, disk: Path | None = None):
        self.servers, self.disk = servers, disk
        state = places.load_state(servers.name)
        assert state is not None
        self.state = state

    def broker(self) -> list[int]:
        return [pid for pid in self._marked("rabbit") if processes.command_name(pid) == "beam.smp"]

    def postmaster(self) -> list[int]:
        return [pid for pid in self._marked("postgres") if self._parent(pid) not in self._marked("postgres")]

    def backends(self) -> list[int]:
        """Processes that serve a connection."""
        with_titles = ((pid, Path(f"/proc/{pid}/cmdline").read_bytes()) for pid in self._marked("postgres"))
        return [pid for pid, title in with_titles if b"kundval" in title or b"t_" in title]

    def database(self) -> list[int]:
        return self._marked("postgres")

    def kill(self, pids: list[int]) -> None:
        for pid in pids:
            processes.send(pid, signal.SIGKILL)

    def freeze(self, pids: list[int]) -> None:
        for pid in pids:
            processes.send(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in [*self._marked("rabbit"), *self._marked("postgres")]:
            processes.send(pid, signal.SIGCONT)

    def up(self) -> list[str]:
        """Start what is down; what it was."""
        programs = packages.find_servers()
        down = []
        if not postgres.running(self.state):
            postgres.start(self.state, programs.postgres)
            down.append("database")
        if not rabbit.running(self.state):
            rabbit.start(self.state, programs.rabbit)
            down.append("broker")
        return down

    def fill(self, left: int) -> None:
        """Fill the disk until so many bytes are free."""
        assert self.disk is not None
        free = shutil.disk_usage(self.disk).free
        if free > left:
            subprocess.run(
                ["fallocate", "-l", str(free - left), str(self.disk / "ballast")], check=False, capture_output=True
            )

    def clear(self) -> None:
        if self.disk is not None:
            (self.disk / "ballast").unlink(missing_ok=True)

    def _marked(self, program: str) -> list[int]:
        return processes.marked(f"{self.state.marker}#{program}")

    @staticmethod
    def _parent(pid: int) -> int:
        try:
            return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return 0


def wait(what: Any, seconds: float, why: str) -> None:
    """Until `what()` is true; AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {why}")
        time.sleep(0.1)
