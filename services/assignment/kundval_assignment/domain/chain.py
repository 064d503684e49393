"""The access log as a chain: what an entry's seal is made of, and what a look through the entries finds.

Pure: the seals themselves are made with keys that the caller has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from kundval_contracts.codes import LogFault

#: what stands before the first entry
START = b"\0" * 32

#: (text, name of the key) -> seal, or None if there is no such key
Mac = Callable[[bytes, str], bytes | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `mac` seals it together with `previous`, the seal of the entry before it."""

    tenant: str
    n: int
    at: datetime
    actor: str
    role: str
    organisation: str | None
    purpose: str | None
    method: str
    subjects: tuple[str, ...]
    outcome: str
    key_id: str
    previous: bytes
    mac: bytes = b""

    def text(self) -> bytes:
        """What is sealed: all of it, in one unmistakable form."""
        return json.dumps(
            [
                "entry",
                self.tenant,
                self.n,
                self.at.astimezone(UTC).isoformat(timespec="microseconds"),
                self.actor,
                self.role,
                self.organisation,
                self.purpose,
                self.method,
                list(self.subjects),
                self.outcome,
                self.key_id,
                self.previous.hex(),
            ],
            separators=(",", ":"),
        ).encode()


@dataclass(frozen=True, slots=True)
class Cut:
    """The oldest entries up to `n` have been erased; `head` was the seal of entry `n`."""

    tenant: str
    n: int
    head: bytes
    at: datetime
    key_id: str
    mac: bytes = b""

    def text(self) -> bytes:
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return json.dumps(
            ["cut", self.tenant, self.n, self.head.hex(), at, self.key_id], separators=(",", ":")
        ).encode()


class Chain:
    """A look through the entries in order. `faults` are what it found, as (number, fault).

    `known`: number -> seal, as it was told to others before. Feed `take` with everything, then call `end`.
    """

    def __init__(self, mac: Mac, known: dict[int, bytes] | None = None, cut: Cut | None = None):
        self._mac = mac
        self._known = dict(known or {})
        self.first = 1
        self.last = 0
        self.head = START
        self.faults: list[tuple[int, LogFault]] = []
        if cut is not None:
            self._seal(cut.n, cut.text(), cut.key_id, cut.mac)
            self._look(cut.n, cut.head)
            # what was erased can no longer be held against what was told
            self._known = {n: seal for n, seal in self._known.items() if n > cut.n}
            self.first, self.last, self.head = cut.n + 1, cut.n, cut.head

    def take(self, entries: Iterable[Entry]) -> None:
        for one in entries:
            if one.n != self.last + 1:
                self.faults.append((self.last + 1, LogFault.MISSING))
            elif one.previous != self.head:
                self.faults.append((one.n, LogFault.MISPLACED))
            self._seal(one.n, one.text(), one.key_id, one.mac)
            self._look(one.n, one.mac)
            self.last, self.head = one.n, one.mac

    def end(self) -> list[tuple[int, LogFault]]:
        """All faults; with those entries that were told of and are not there."""
        return self.faults + [(n, LogFault.MISSING) for n in sorted(self._known) if n > self.last]

    def _seal(self, n: int, text: bytes, key_id: str, mac: bytes) -> None:
        expected = self._mac(text, key_id)
        if expected is None:
            self.faults.append((n, LogFault.UNKNOWN_KEY))
        elif expected != mac:
            self.faults.append((n, LogFault.CHANGED))

    def _look(self, n: int, mac: bytes) -> None:
        if n in self._known and self._known.pop(n) != mac:
            self.faults.append((n, LogFault.NOT_AS_KNOWN))
