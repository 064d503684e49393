"""Processes that these scripts start: which user, which port, is it alive, has it ended."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .places import Problem

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Below the range from which the kernel takes ports for outgoing connections, so that a port is still
# free when a server that was restarted wants it back.
LOWEST_PORT, HIGHEST_PORT = 17000, 31999


@dataclass(frozen=True)
class User:
    """As whom a server runs. `switch` is empty when that is the one who calls."""

    name: str
    uid: int
    gid: int

    @property
    def switch(self) -> dict[str, object]:
        if os.getuid() != 0 or self.uid == 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def owns(self, *paths: Path) -> None:
        """Make the folders if needed, this user's and nobody else's."""
        for path in paths:
            path.mkdir(exist_ok=True)
            if self.switch:
                os.chown(path, self.uid, self.gid)
            path.chmod(0o700)


def server_user(*wanted: str) -> User:
    """Who runs a server: the caller, or, for root, the first of `wanted` that this machine has."""
    if os.getuid() != 0:
        me = os.getuid()
        try:
            return User(pwd.getpwuid(me).pw_name, me, os.getgid())
        except KeyError:
            return User(str(me), me, os.getgid())
    for name in (*wanted, "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(name, found.pw_uid, found.pw_gid)
    raise Problem(f"no user {' or '.join(wanted)} or nobody here; PostgreSQL and RabbitMQ do not run as root")


def spawn(
    command: list[str], env: Mapping[str, str], log: Path, cwd: Path, user: User, umask: int = 0o077
) -> subprocess.Popen[bytes]:
    """Start a server of its own session: no standard input, its output in `log`, no terminal's signals."""
    with open(log, "ab") as out:
        return subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            close_fds=True,
            umask=umask,
            **user.switch,  # type: ignore[call-overload]
        )


def run(
    command: list[str], env: Mapping[str, str], cwd: Path, user: User, seconds: float, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end within `seconds`; Problem if that is not enough."""
    try:
        return subprocess.run(
            command,
            env=dict(env),
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            umask=0o077,
            **user.switch,  # type: ignore[call-overload]
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"{Path(command[0]).name} did not end within {seconds:g} s") from None


def started(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 if there is none (or only its zombie).

    A process id may be given to another process later; together with this it is not.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


def has_mark(pid: int, marker: str) -> bool:
    """Is it a living process that was started with exactly this entry in its environment?"""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(marker) in entries and started(pid) != 0


def marked(marker: str) -> list[int]:
    """Every living process with exactly this entry in its environment."""
    pids = sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and has_mark(pid, marker)]


def working_in(folder: Path) -> list[int]:
    """Every living process whose current folder this is."""
    where = os.fsencode(str(folder.resolve()))
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                here = os.readlink(os.fsencode(str(path / "cwd")))
            except OSError:
                continue
            if here == where and started(int(path.name)):
                found.append(int(path.name))
    return found


def command_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise Problem(f"process {pid} belongs to another user: run this as the one who started it") from None


def wait_until(ready: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """True as soon as `ready`, False after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if ready():
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)


def reaped(pid: int) -> None:
    """Take the exit status of an own child that has ended, so that no zombie of it stays."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except (ChildProcessError, OSError):
        return


def end(pids: Iterable[int], steps: Iterable[tuple[signal.Signals, float]]) -> bool:
    """Send each step's signal and wait its seconds, until all have ended. True if they have."""
    left = {pid: started(pid) for pid in pids}

    def gone() -> bool:
        for pid in list(left):
            reaped(pid)
            if not left[pid] or started(pid) != left[pid]:
                del left[pid]
        return not left

    for number, seconds in steps:
        for pid in left:
            send(pid, number)
        if wait_until(gone, seconds):
            return True
    return not left


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a server's log, indented, for an error message."""
    try:
        text = path.read_bytes()[-16384:].decode(errors="replace")
    except OSError:
        return f"    ({path} is not there)"
    shown = text.splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in shown) or f"    ({path} is empty)"


def free(port: int) -> bool:
    """Nobody listens on the port, neither on loopback nor on every address."""
    for host in ("127.0.0.1", ""):
        with socket.socket() as probe:
            # a connection of a former server that is still in TIME_WAIT is no obstacle
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def choose_ports(count: int, seed: str, taken: Iterable[int] = ()) -> list[int]:
    """Free ports. Two checkouts start their search in different places (`seed`)."""
    chosen: list[int] = []
    avoid = set(taken)
    span = HIGHEST_PORT - LOWEST_PORT + 1
    first = int(seed, 16) % span
    for step in range(span):
        if len(chosen) == count:
            return chosen
        port = LOWEST_PORT + (first + step) % span
        if port not in avoid and free(port):
            chosen.append(port)
    raise Problem(f"no {count} free ports between {LOWEST_PORT} and {HIGHEST_PORT}")
