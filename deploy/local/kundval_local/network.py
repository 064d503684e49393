"""Hosts on this machine: network namespaces on one bridge, each with an address, that can be cut off from each other.

For root only. A cut is a wrong hardware address for the neighbour: what is sent vanishes without an answer, as on a
line that is broken. It needs nothing of the kernel but namespaces, `veth` and `bridge`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from . import places
from .places import Problem

#: hardware address of nobody
NOBODY = "02:00:5e:00:00:00"
SECONDS = 20


def possible() -> bool:
    """Whether hosts can be made here: root, with `ip` and `nsenter`, in a kernel that has namespaces."""
    return os.getuid() == 0 and all(map(shutil.which, ("ip", "nsenter", "tc"))) and Path("/proc/self/ns/net").exists()


class Network:
    """The hosts `names` of a set of servers, and the machine itself, which reaches all of them.

    Addresses are 10.x.y.0/24, chosen from the name of the set and of the checkout.
    """

    def __init__(self, name: str, names: Iterable[str]):
        digest = hashlib.sha256(f"{places.key()} {name}".encode()).digest()
        self._prefix = f"10.{100 + digest[0] % 100}.{digest[1]}"
        self._short = digest.hex()[:6]
        self.bridge = f"kv{self._short}"
        self.addresses = {one: f"{self._prefix}.{11 + number}" for number, one in enumerate(names)}
        self.machine = f"{self._prefix}.1"

    def namespace(self, host: str) -> str:
        return f"kundval-{self._short}-{host}"

    def up(self) -> None:
        """Make bridge and hosts; what is left of former ones goes first."""
        self.down()
        if any(address.startswith(f"{self._prefix}.") for address in _addresses()):
            raise Problem(f"{self._prefix}.0/24 is in use on this machine: choose another --name")
        try:
            _ip("link", "add", "name", self.bridge, "type", "bridge")
            _ip("address", "add", f"{self.machine}/24", "dev", self.bridge)
            _ip("link", "set", self.bridge, "up")
            for number, (host, address) in enumerate(self.addresses.items()):
                outer, space = f"{self.bridge}{number}", self.namespace(host)
                _ip("netns", "add", space)
                _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
                _ip("link", "set", outer, "master", self.bridge, "up")
                _ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
                _ip("-n", space, "link", "set", "eth0", "up")
                _ip("-n", space, "link", "set", "lo", "up")
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Remove hosts and bridge; what is not there is passed over."""
        there = _spaces()
        for number, host in enumerate(self.addresses):
            # not with the namespace alone: it lives on for as long as a process is in it
            _ip("link", "delete", f"{self.bridge}{number}", check=False)
            if self.namespace(host) in there:
                _ip("netns", "delete", self.namespace(host), check=False)
        _ip("link", "delete", self.bridge, check=False)

    @property
    def there(self) -> bool:
        return {self.namespace(host) for host in self.addresses} <= _spaces()

    def command(self, host: str, command: list[str], uid: int = 0, gid: int = 0) -> list[str]:
        """`command` as it is run on a host, by a user. The process that is started becomes the command itself."""
        user = ["--setuid", str(uid), "--setgid", str(gid)] if uid else []
        return ["nsenter", f"--net=/run/netns/{self.namespace(host)}", *user, *command]

    # --- faults ----------------------------------------------------------------------------------

    def cut(self, one: str, other: str) -> None:
        """Nothing goes from one host to the other any more, nor back."""
        for here, there in ((one, other), (other, one)):
            self._neighbour("replace", here, there, "lladdr", NOBODY, "nud", "permanent")

    def isolate(self, host: str, others: Iterable[str] | None = None) -> None:
        """Cut a host off from these (default: all others, and the machine)."""
        for other in self.addresses if others is None else others:
            if other != host:
                self.cut(host, other)
        if others is None:
            _ip("link", "set", f"{self.bridge}{list(self.addresses).index(host)}", "down")

    def slow(self, host: str, kilobits: int) -> None:
        """What leaves the host goes at this rate and waits up to a second for it; what is more is lost."""
        rate = ["rate", f"{kilobits}kbit", "burst", "16k", "latency", "1s"]
        _run("tc", "-n", self.namespace(host), "qdisc", "replace", "dev", "eth0", "root", "tbf", *rate)

    def mend(self) -> None:
        """Everybody reaches everybody, as quickly as ever."""
        for number, here in enumerate(self.addresses):
            _ip("link", "set", f"{self.bridge}{number}", "up", check=False)
            _run("tc", "-n", self.namespace(here), "qdisc", "delete", "dev", "eth0", "root", check=False)
            shown = ("neighbour", "show", "nud", "permanent")
            wrong = _run("ip", "-json", "-n", self.namespace(here), *shown, check=False)
            for row in json.loads(wrong or "[]"):
                if row.get("lladdr") == NOBODY:
                    _ip("-n", self.namespace(here), "neighbour", "delete", row["dst"], "dev", "eth0", check=False)

    def _neighbour(self, verb: str, here: str, there: str, *more: str) -> None:
        _ip("-n", self.namespace(here), "neighbour", verb, self.addresses[there], "dev", "eth0", *more)


def _spaces() -> set[str]:
    rows: list[dict[str, str]] = json.loads(_run("ip", "-json", "netns", "list") or "[]")
    return {row["name"] for row in rows}


def _addresses() -> list[str]:
    rows = json.loads(_run("ip", "-json", "address") or "[]")
    return [info["local"] for row in rows for info in row.get("addr_info", ())]


def _ip(*words: str, check: bool = True) -> str:
    return _run("ip", *words, check=check)


def _run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if check and done.returncode != 0:
        raise Problem(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()
