"""Pages of a service, beside its health and metrics, for programs that have an address and no token.

A `Pages` is an attribute of the service, as its database is: it has a `prefix` of paths and says what lies under a
name there. Such a name is a secret, so nothing here logs or counts by path, and what there is not is answered with
nothing. Only GET and HEAD; a page is bounded in size, in time and in how often it is asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import eventlet
import eventlet.semaphore

from . import logs, telemetry
from .limiter import Limiter
from .service import Dependency

if TYPE_CHECKING:
    from .db import Pool

#: the most bytes of a page
LARGEST = 4 * 1024 * 1024
#: seconds that a page may take, its wait for its turn included
PATIENCE = 10.0
#: pages of a service that are made at once: calls must not wait for readers
AT_ONCE = 2
#: times that one page may be asked for in a minute
A_MINUTE = 30

_NAME = re.compile(r"[A-Za-z0-9._~-]{1,200}", re.ASCII)
_TAG = re.compile(r'(?:W/)?"([^"]*)"')

log = logs.get(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
#: status, headers, body
Answer = tuple[str, list[tuple[str, str]], bytes]


@dataclass(frozen=True, slots=True)
class Page:
    """tag: the same as long as the page says the same. body makes it in parts, and is not called for who has it."""

    content_type: str
    tag: str
    body: Callable[[], Iterable[bytes]]


def is_known(tag: str, known: str) -> bool:
    """Whether `If-None-Match: known` names the tag."""
    return known.strip() == "*" or tag in _TAG.findall(known)


class Pages(Dependency):
    """To be derived from: `prefix` begins and ends with a slash, `page` answers. In a worker: itself."""

    prefix: str
    #: the HTTP methods that `answer` knows
    verbs: tuple[str, ...] = ("GET", "HEAD")

    def setup(self) -> None:
        self.service: str = self.container.service_name
        self._turns = eventlet.semaphore.Semaphore(AT_ONCE)
        self._limiter = Limiter(A_MINUTE)

    def get_dependency(self, worker_ctx: Any) -> Any:
        return self

    def page(self, name: str) -> Page | None:
        """What lies under `prefix` + `name`; None: nothing."""
        raise NotImplementedError

    def pool(self) -> Pool:
        """The service's database. (No property: nameko reads those while it puts the service together.)"""
        from .db import Database

        return next(one.pool for one in self.container.dependencies if isinstance(one, Database))

    def answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a GET or HEAD of a path that begins with the prefix."""
        status, headers, body = self._answered(
            environ.get("PATH_INFO", "").removeprefix(self.prefix), environ.get("HTTP_IF_NONE_MATCH", "")
        )
        telemetry.PAGES.labels(self.service, status[:3]).inc()
        headers += [
            ("Cache-Control", "private, no-cache"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Robots-Tag", "noindex, nofollow, noarchive"),
        ]
        if not status.startswith("304"):
            headers.append(("Content-Length", str(len(body))))
        start_response(status, headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]

    def _answered(self, name: str, known: str) -> Answer:
        if not _NAME.fullmatch(name):
            return _nothing()
        if wait := self._limiter.wait(hashlib.sha256(name.encode()).digest()):
            return "429 Too Many Requests", [("Retry-After", str(int(wait) + 1))], b""
        try:
            with eventlet.Timeout(PATIENCE, TimeoutError), self._turns:
                page = self.page(name)
                if page is None:
                    return _nothing()
                # the same tag stands for the same content, not for the same bytes
                tag = ("ETag", f'W/"{page.tag}"')
                if is_known(page.tag, known):
                    return "304 Not Modified", [tag], b""
                body = _joined(page.body())
        except Exception as error:
            log.error("page_failed", service=self.service, prefix=self.prefix, exc_info=error)
            return _later()
        return "200 OK", [("Content-Type", page.content_type), tag], body


class TooLarge(ValueError):
    """A page has more than `LARGEST` bytes."""


def _joined(parts: Iterable[bytes]) -> bytes:
    found = bytearray()
    for part in parts:
        found += part
        if len(found) > LARGEST:
            raise TooLarge
        # a page of some thousand parts must not keep calls waiting
        eventlet.sleep(0)
    return bytes(found)


def _nothing() -> Answer:
    return "404 Not Found", [], b""


def _later() -> Answer:
    return "503 Service Unavailable", [("Retry-After", "60")], b""
