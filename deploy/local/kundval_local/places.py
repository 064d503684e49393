"""Where things are: the repository, the state of each set of servers, what was chosen for it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parents[3]
VAR = ROOT / "var"
TOOLS = VAR / "tools"
VENV = ROOT / ".venv"
SERVICES = ("assignment", "scheduling", "billing", "notifications")
GATEWAY = "gateway"
#: what `up` starts
PROCESSES = (*SERVICES, GATEWAY)

# A unix socket's address holds 107 bytes; PostgreSQL adds "/.s.PGSQL.65535.lock" for its own use.
LONGEST_SOCKET_DIR = 107 - len("/.s.PGSQL.65535.lock")
LOCK_SECONDS = 300


class Problem(Exception):
    """Something the person at the keyboard must know. `status` is the exit status (3: install something)."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def say(message: str) -> None:
    """Progress goes to standard error, so that `env` and `status` can be piped."""
    print(f"kundval: {message}", file=sys.stderr, flush=True)


@dataclass
class State:
    """What was chosen for one set of servers and must stay the same from run to run."""

    name: str
    base: str
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    #: whether the servers take connections with TLS, and no others
    tls: bool = False

    @property
    def folder(self) -> Path:
        """`var/<name>`: env, state and logs' links; belongs to whoever runs the command."""
        return VAR / self.name

    @property
    def home(self) -> Path:
        """Where the servers keep their data; `var/<name>` unless the servers' user cannot reach it."""
        return Path(self.base)

    @property
    def socket_dir(self) -> Path:
        inside = self.home / "socket"
        if len(os.fsencode(str(inside))) <= LONGEST_SOCKET_DIR:
            return inside
        return Path("/tmp") / f"kundval-{os.getuid()}-{key()}-{self.name}"

    @property
    def marker(self) -> str:
        """Environment entry by which a process is known to belong to these servers, and to no others."""
        return f"KUNDVAL_LOCAL_SERVERS={self.folder}"

    def same_version(self, program: str, had: str, has: str) -> None:
        """The data on disk can only be used by the version that wrote it."""
        if had != has:
            raise Problem(
                f"var/{self.name} was made by {program} {had}, this machine now has {has}; to begin anew: "
                f"deploy/local/servers down --name {self.name} --wipe"
            )

    @property
    def belongs_here(self) -> bool:
        """False for a state that came along when the checkout was copied or moved from elsewhere."""
        return self.home in (self.folder, elsewhere() / self.name)

    def save(self) -> None:
        write_private(self.folder / "state.json", json.dumps(asdict(self), indent=2) + "\n")


def key() -> str:
    """Short text that tells this checkout from every other."""
    return hashlib.sha256(os.fsencode(str(ROOT))).hexdigest()[:8]


def elsewhere() -> Path:
    """Where the servers' data goes when their user cannot reach the checkout."""
    return Path("/var/tmp") / f"kundval-{os.getuid()}-{key()}"


def valid_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,23}", name) or name.startswith(TOOLS.name):
        raise Problem(f"{name!r} is no name for servers: a-z, 0-9 and - only, at most 24, not 'tools'")
    return name


def load_state(name: str) -> State | None:
    try:
        raw: dict[str, Any] = json.loads((VAR / name / "state.json").read_text())
        return State(**raw)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise Problem(f"var/{name} was made by another user: run as that user, or remove it") from None
    except (ValueError, TypeError):
        raise Problem(f"var/{name}/state.json cannot be read: remove var/{name}") from None


def names() -> list[str]:
    """Every set of servers that has been up in this checkout."""
    return sorted(path.parent.name for path in VAR.glob("*/state.json"))


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step; only its owner can read it (it holds passwords)."""
    fresh = path.with_name(f".{path.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    os.replace(fresh, path)


def write_env(path: Path, values: dict[str, str]) -> None:
    """KEY=VALUE lines that a shell can source as well."""
    lines = io.StringIO()
    write_env_lines(lines, values)
    write_private(path, lines.getvalue())


def write_env_lines(out: TextIO, values: dict[str, str]) -> None:
    for name, value in values.items():
        out.write(f"{name}={shlex.quote(value)}\n")
    out.flush()


def read_env(name: str) -> dict[str, str]:
    """The settings that `up` wrote for the set of servers `name`."""
    try:
        lines = (VAR / name / "env").read_text().splitlines()
    except FileNotFoundError:
        raise Problem(f"var/{name}/env is not there: run deploy/local/servers up --name {name}") from None
    pairs = (shlex.split(line)[0].partition("=") for line in lines if line and not line.startswith("#"))
    return {left: right for left, _, right in pairs}


def make_folder(name: str) -> Path:
    folder = VAR / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        raise Problem(f"{folder} cannot be made: the checkout belongs to another user") from None
    return folder


def choose_base(name: str, users: list[tuple[int, int]]) -> Path:
    """The folder for the servers' data: `var/<name>` when each of `users` (uid, gid) can get there.

    As root the servers run as other users, who cannot look below /root or another closed folder. Then
    the data goes to a folder below /var/tmp that is named after this checkout, and `state.json` says so.
    """
    folder = make_folder(name)
    if os.getuid() != 0:
        return folder
    if all(_reaches(folder, uid, gid) for uid, gid in users) and _keeps_modes(folder):
        return folder
    for path in (elsewhere(), elsewhere() / name):
        own_folder(path)
    return elsewhere() / name


def own_folder(path: Path, mode: int = 0o711) -> None:
    """Make the folder in a place where anybody can write; refuse one that somebody else made."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=mode)
    seen = path.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid():
        raise Problem(f"{path} is there already and belongs to somebody else: remove it")
    path.chmod(mode)


def _reaches(folder: Path, uid: int, gid: int) -> bool:
    probe = ["test", "-x", str(folder)]
    done = subprocess.run(probe, user=uid, group=gid, extra_groups=[], cwd="/", check=False)
    return done.returncode == 0


def _keeps_modes(folder: Path) -> bool:
    # a folder shared from another system may take chmod and forget it; PostgreSQL then refuses to start
    probe = folder / ".probe"
    probe.mkdir(exist_ok=True)
    try:
        probe.chmod(0o700)
        return stat.S_IMODE(probe.stat().st_mode) == 0o700
    except OSError:
        return False
    finally:
        probe.rmdir()


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """One change at a time to one set of servers."""
    path = make_folder(name) / "lock"
    with open(path, "a") as lock:
        deadline = time.monotonic() + LOCK_SECONDS
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Problem(f"another command holds var/{name}/lock since {LOCK_SECONDS} s") from None
                if not told:
                    say(f"waiting for another command that changes the servers {name!r}")
                    told = True
                time.sleep(0.2)
        yield
