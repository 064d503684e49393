"""deploy/walk: every command of the installation guide, carried out on an empty Debian in a container."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from . import guide
from .places import PROCESSES, ROOT, SERVICES, VAR, Problem, say
from .servers import guarded

GUIDE = ROOT / "docs" / "how-to" / "install.md"
PLACE = VAR / "walk"
SOURCES = "usr/src/kundval"
#: what an empty Debian has that debootstrap's smallest lacks
PACKAGES = "systemd,systemd-sysv,dbus,ca-certificates"
BOOT_SECONDS, BLOCK_SECONDS, MAKE_SECONDS, READY_SECONDS, STOP_SECONDS = 180, 1800, 3600, 600, 120
#: ports that the guide's servers and services take; the container shares the network of this machine
PORTS = (4369, 5432, 5671, 5672, 15671, 15691, 25672, 9101, 9102, 9103, 9104, 9105, 9203)
#: what pip and apt of this machine are told by the environment, if they are
PASSED = re.compile(r"(PIP_|SSL_CERT_)[A-Z_]+|https?_proxy|no_proxy", re.IGNORECASE)
#: exposure that `systemd-analyze security` may find at most, 0 to 10
MOST_EXPOSED = 2.0
UNITS = tuple("kundval-gateway" if one == "gateway" else f"kundval@{one}" for one in PROCESSES)

DESCRIPTION = """\
Carry out every command of docs/how-to/install.md, in order, on an empty Debian in a container with systemd
(systemd-nspawn; as root). Then look whether the units are confined, whether a killed service comes back, and whether
everything comes up again after a restart and after a loss of power. The container shares the machine's network: the
ports of the guide must be free. What was typed and said goes to var/walk/log.
"""


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0: the guide can be followed; 1: something failed, and is named."""
    parser = argparse.ArgumentParser(prog="deploy/walk", description=DESCRIPTION)
    parser.add_argument("--root", type=Path, help="a Debian by debootstrap, which is copied (default: make one)")
    parser.add_argument("--release", default="bookworm", help="the Debian to make (default: bookworm)")
    parser.add_argument(
        "--also-bind",
        action="append",
        default=[],
        metavar="PATH[:THERE]",
        help="what the container sees of this machine as well, such as the certificates for its packages",
    )
    parser.add_argument("--keep", action="store_true", help="leave the container's files in var/walk/machine")
    parser.add_argument("--from", dest="begin", type=int, metavar="STEP", help="go on from this step, after --keep")
    chosen = parser.parse_args(arguments)
    return guarded(lambda: _walk(chosen))


def _walk(chosen: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise Problem("a container needs root")
    for name in ("systemd-nspawn", "nsenter", *(() if chosen.root else ("debootstrap",))):
        if shutil.which(name) is None:
            raise Problem(f"{name} is missing: apt-get install systemd-container util-linux debootstrap", 3)
    taken = _taken()
    if taken:
        raise Problem(f"ports that the guide needs are taken: {', '.join(map(str, taken))}")
    PLACE.mkdir(parents=True, exist_ok=True)
    machine = Machine(PLACE / "machine", PLACE / "log", chosen.also_bind)
    try:
        if chosen.begin is None:
            machine.make(chosen.root, chosen.release)
        with machine.running():
            for block in guide.blocks(GUIDE.read_text(encoding="utf-8")):
                number = re.match(r"\d+", block.heading)
                if chosen.begin is None or (number is not None and int(number[0]) >= chosen.begin):
                    machine.step(block.heading, f"{GUIDE.name}:{block.line}", block.text)
            _confined(machine)
            _killed(machine)
        with machine.running():
            _well(machine, "after a restart")
            machine.lose_power()
        with machine.running(servers_late=True):
            _well(machine, "after a loss of power, servers up after the services")
    finally:
        if not chosen.keep:
            shutil.rmtree(machine.root, ignore_errors=True)
    say(f"the guide was walked; all of it is in {machine.log.relative_to(ROOT)}")
    return 0


class Machine:
    """A container. root: its files. log: what was typed and said. binds: paths of this machine that it sees."""

    def __init__(self, root: Path, log: Path, binds: list[str]):
        self.root = root
        self.log = log
        self.binds = binds
        self.process: subprocess.Popen[bytes] | None = None
        self.leader = 0

    def make(self, model: Path | None, release: str) -> None:
        """An empty Debian with the sources in it."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.log.write_text("", encoding="utf-8")
        began = time.monotonic()
        if model is None:
            command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", release, str(self.root)]
        else:
            command = ["cp", "-a", str(model), str(self.root)]
        with self.log.open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, timeout=MAKE_SECONDS, check=False)
        if done.returncode != 0:
            raise Problem(f"{command[0]} failed; see {self.log}")
        (self.root / "etc/hostname").write_text("kundval\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 kundval\n::1 localhost\n")
        listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, capture_output=True, text=True, timeout=60, check=True).stdout.split("\0")
        for name in filter(None, names):
            source, target = ROOT / name, self.root / SOURCES / name
            # one that was removed is still listed
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        say(f"an empty Debian: {time.monotonic() - began:.0f} s")

    @contextlib.contextmanager
    def running(self, servers_late: bool = False) -> Iterator[None]:
        """The container, booted; it is turned off at the end, unless it lost its power.

        servers_late: broker and databases are kept down until the services have been started without them.
        """
        late = [self.root / "etc/systemd/system" / f"{unit}.service" for unit in ("postgresql@", "rabbitmq-server")]
        if servers_late:
            for unit in late:
                unit.symlink_to("/dev/null")
        self.boot("is-active basic.target" if servers_late else "is-system-running")
        try:
            if servers_late:
                failed = "journalctl --boot --unit kundval-migrate@billing | grep --quiet Failed"
                failed = f"timeout {BOOT_SECONDS} sh -c 'until {failed}; do sleep 1; done'"
                self.step("the services find neither broker nor databases", "walk", failed)
                for unit in late:
                    unit.unlink()
                start = "systemctl start rabbitmq-server postgresql@$(ls /usr/lib/postgresql)-main"
                self.step("broker and databases come up", "walk", f"systemctl daemon-reload\n{start}\n")
            yield
        finally:
            self.off()

    def boot(self, question: str) -> None:
        """Start the container and wait until its systemd says yes to `question`."""
        began = time.monotonic()
        binds = [f"--bind-ro={path}" for path in self.binds]
        command = ["systemd-nspawn", "-q", "-D", str(self.root), "--boot", "--register=no", "--keep-unit"]
        command += ["--setenv=SYSTEMD_UNIFIED_CGROUP_HIERARCHY=0", "--resolv-conf=copy-host"]
        command += ["--console=read-only", *binds]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            if self.process.poll() is not None:
                raise Problem(f"the container does not start; see {self.log}")
            self.leader = self._init()
            if self.leader and self._run(f"systemctl {question}", 20)[1].strip() in ("running", "degraded", "active"):
                break
            if time.monotonic() > deadline:
                raise Problem("the container does not come up")
            time.sleep(0.5)
        say(f"the container is up: {time.monotonic() - began:.0f} s")

    def _init(self) -> int:
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def off(self) -> None:
        """Turn it off, as a person would; if it does not end, as a loss of power would."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self._run("systemctl poweroff", 30)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.lose_power()
        self.process = None

    def lose_power(self) -> None:
        """End every process in it at once."""
        assert self.process is not None
        os.kill(self.leader, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)
        self.process = None

    def step(self, what: str, where: str, text: str, seconds: float = BLOCK_SECONDS) -> str:
        """Type `text` into the one shell of the walk; what it says. Problem if a command of it fails."""
        began = time.monotonic()
        status, said = self._run(text, seconds)
        took = time.monotonic() - began
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"\n=== {what} ({where}), {took:.1f} s, status {status}\n{text}--- said\n{said}")
        if status != 0:
            raise Problem(f"{where}, {what}: status {status}\n{text}---\n{said[-3000:]}")
        say(f"{what} ({where}): {took:.1f} s")
        return said

    def _run(self, text: str, seconds: float) -> tuple[int, str]:
        # folder and environment go from block to block, as in one shell
        kept = "/run/walk-shell"
        script = f"[ ! -f {kept} ] || . {kept}\n{text}\n{{ declare -px; echo cd '\"$PWD\"'; }} > {kept}\n"
        enter = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-p", "-r", "-w"]
        enter += ["bash", "-euo", "pipefail", "-c"]
        environ = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        environ |= {key: value for key, value in os.environ.items() if PASSED.fullmatch(key)}
        try:
            done = subprocess.run(
                [*enter, script],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return 124, (error.output or b"").decode(errors="replace")
        return done.returncode, done.stdout.decode(errors="replace")


def _taken() -> list[int]:
    """Those of the ports at which somebody listens."""
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                listening.add(int(words[1].rsplit(":", 1)[1], 16))
    return sorted(listening & set(PORTS))


def _well(machine: Machine, when: str) -> None:
    """Every service answers, and the doctor finds nothing wrong."""
    wait = f"timeout {READY_SECONDS} sh -c 'until kundval doctor > /dev/null 2>&1; do sleep 2; done'"
    given = "export KUNDVAL_SETTINGS_FILE=/etc/kundval/operator.toml PATH=$PATH:/opt/kundval/bin\n"
    machine.step(f"well {when}", "walk", f"{given}{wait} || true\nkundval doctor\n")


def _confined(machine: Machine) -> None:
    """What runs is not root, can write its own folder alone, and is hardly exposed."""
    for unit in UNITS:
        said = machine.step(
            f"{unit} is confined",
            "walk",
            f"pid=$(systemctl show --property MainPID --value {unit})\n"
            "grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' /proc/$pid/status\n"
            "for folder in / /usr /etc /var /opt; do\n"
            "    nsenter -t $pid -m -- findmnt --noheadings --output OPTIONS --target $folder > /run/options\n"
            '    grep -qE "^ro(,|$)" /run/options || { echo "$folder can be written"; exit 1; }\n'
            "done\n"
            f"systemd-analyze security --no-pager {unit} | tail -n 1\n",
        )
        uid, exposed = re.search(r"^Uid:\s+(\d+)", said, re.MULTILINE), re.search(r": (\d+\.\d)", said)
        if uid is None or uid[1] == "0" or not re.search(r"^CapEff:\s+0+$", said, re.MULTILINE):
            raise Problem(f"{unit} runs with rights of root:\n{said}")
        if exposed is None or float(exposed[1]) > MOST_EXPOSED:
            raise Problem(f"{unit} is exposed:\n{said}")
        say(said.strip().splitlines()[-1])


def _killed(machine: Machine) -> None:
    """A service that is killed outright is started again."""
    for service in SERVICES:
        count = f"systemctl show --property NRestarts --value kundval@{service}"
        again = f'[ "$({count})" -gt $0 ] && systemctl --quiet is-active kundval@{service}'
        machine.step(
            f"kundval@{service} killed",
            "walk",
            f"before=$({count})\nsystemctl kill --kill-who=main --signal=KILL kundval@{service}\n"
            f"timeout {READY_SECONDS} bash -c 'until {again}; do sleep 1; done' $before\n",
        )
    _well(machine, "after every service was killed")
