"""A virus scanner looks at a document before it is stored: a port, and clamd's INSTREAM over TCP behind it."""

from __future__ import annotations

import socket
from typing import Any, Protocol
from urllib.parse import urlsplit

from kundval_chassis import logs
from kundval_chassis.service import Dependency
from kundval_contracts.errors import Unavailable

log = logs.get(__name__)

PORT = 3310
#: Seconds for each step; clamd takes some for a large archive.
TIMEOUT = 30.0
_CHUNK = 64 * 1024
_LONGEST_ANSWER = 4096


class Scanner(Protocol):
    """Something that looks at bytes."""

    def infected(self, data: bytes) -> bool:
        """Whether it finds something. Raises `Unavailable` if it cannot say."""


class Clamd:
    """clamd on `host` and `port`: one connection a document, which it gets in pieces and never writes to a disk."""

    def __init__(self, host: str, port: int = PORT, timeout: float = TIMEOUT):
        self.host, self.port, self.timeout = host, port, timeout

    def infected(self, data: bytes) -> bool:
        try:
            answer = self._ask(data)
        except OSError as error:
            log.warning("scanner_unreachable", exc_info=error)
            raise _away() from None
        if answer.endswith(b" OK"):
            return False
        if answer.endswith(b" FOUND"):
            return True
        # its own limits, or a fault of its own: nothing has been looked at
        log.warning("scanner_failed", length=len(answer))
        raise _away()

    def _ask(self, data: bytes) -> bytes:
        with socket.create_connection((self.host, self.port), self.timeout) as connection:
            connection.settimeout(self.timeout)
            try:
                connection.sendall(b"zINSTREAM\0")
                for start in range(0, len(data), _CHUNK):
                    piece = data[start : start + _CHUNK]
                    connection.sendall(len(piece).to_bytes(4, "big") + piece)
                connection.sendall(bytes(4))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough, and perhaps says why
            answer = b""
            while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER:
                piece = connection.recv(_LONGEST_ANSWER)
                if not piece:
                    break
                answer += piece
        return answer.rstrip(b"\0\n")


def _away() -> Unavailable:
    return Unavailable("The virus scanner cannot be reached at present.", code="SCANNER_UNAVAILABLE")


def of(address: str | None) -> Scanner | None:
    """The scanner at an address such as ``clamd://127.0.0.1:3310``; None without one."""
    if not address:
        return None
    parts = urlsplit(address)
    return Clamd(parts.hostname or "127.0.0.1", parts.port or PORT)


class Scanning(Dependency):
    """The scanner that ``KUNDVAL_ASSIGNMENT_SCANNER`` names; in a worker a `Scanner`, or None if it names none."""

    scanner: Scanner | None = None

    def setup(self) -> None:
        self.scanner = of(self.container.config["KUNDVAL_SCANNER"])

    def get_dependency(self, worker_ctx: Any) -> Scanner | None:
        return self.scanner
