"""What other systems tell a service over HTTP, beside its health and metrics: POST to an address that is a secret.

A `Hooks` is an attribute of the service, as `Pages` are. Who posts has no token: the end of the path is what it has to
know, so nothing here logs or counts by path, and what there is not is answered with nothing. A body is bounded in size
and time. The same told twice has to change nothing: whoever tells it repeats it until it is answered with 204.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any

import eventlet

from . import logs, telemetry
from .limiter import Limiter
from .pages import PATIENCE, Pages, StartResponse

#: the most bytes of a body
LARGEST = 64 * 1024
#: bodies in a minute under one name, and under names that there are not
A_MINUTE = 3000
A_MINUTE_UNKNOWN = 60

_LENGTH = re.compile(r"[0-9]{1,8}", re.ASCII)

log = logs.get(__name__)


class Unfit(Exception):
    """A body is not what it should be. It is told so, and not why."""


class Hooks(Pages):
    """To be derived from: `prefix` begins and ends with a slash, `names` says what there is, `take` takes it in."""

    verbs = ("POST",)

    def setup(self) -> None:
        super().setup()
        self._limiter = Limiter(A_MINUTE)
        self._unknown = Limiter(A_MINUTE_UNKNOWN, keys=1)

    def names(self) -> Mapping[str, Any]:
        """The secret ends of paths, each with what `take` is to be told of it."""
        raise NotImplementedError

    def take(self, what: Any, body: bytes) -> None:
        """Take in a body. Raises Unfit."""
        raise NotImplementedError

    def answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a POST to a path that begins with the prefix."""
        status, headers = self._told(environ)
        telemetry.PAGES.labels(self.service, status[:3]).inc()
        start_response(status, [*headers, ("Content-Length", "0"), ("Cache-Control", "no-store")])
        return []

    def _told(self, environ: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
        given = environ.get("PATH_INFO", "").removeprefix(self.prefix)
        # all are compared, each by its hash: the time says neither which nor how much of one was right
        asked = _hash(given)
        found = [what for name, what in self.names().items() if hmac.compare_digest(_hash(name), asked)]
        limiter, key = (self._limiter, asked) if found else (self._unknown, b"")
        if wait := limiter.wait(key):
            return "429 Too Many Requests", [("Retry-After", str(int(wait) + 1))]
        if not found:
            return "404 Not Found", []
        length = environ.get("CONTENT_LENGTH") or ""
        if not _LENGTH.fullmatch(length):
            return "411 Length Required", []
        if int(length) > LARGEST:
            return "413 Content Too Large", []
        try:
            with eventlet.Timeout(PATIENCE, TimeoutError), self._turns:
                body = environ["wsgi.input"].read(int(length))
                if len(body) < int(length):
                    return "400 Bad Request", []
                self.take(found[0], body)
        except Unfit:
            return "400 Bad Request", []
        except Exception as error:
            log.error("hook_failed", service=self.service, prefix=self.prefix, exc_info=error)
            return "503 Service Unavailable", [("Retry-After", "60")]
        return "204 No Content", []


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode(errors="surrogateescape")).digest()
