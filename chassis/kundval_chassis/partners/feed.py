"""The paged feed over HTTP: ``GET /feeds/<service>/<partner>/events?after=POSITION&limit=N``.

Who asks shows the partner's token (``Authorization: Bearer kvfeed_…``). A page is ``{"events": […], "next": POSITION,
"more": BOOL}`` and stays as it is once it says `more`: the same address gives the same bytes, until somebody becomes
protected or is so no longer, or the partner's pseudonyms are rotated. Refusals say nothing but their status, and
nothing is logged or counted by token or path.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qs

import eventlet

from kundval_contracts.envelope import dump_data
from kundval_contracts.text import is_identifier

from .. import clock, logs, pages, telemetry
from ..db import Tx
from ..limiter import Limiter
from ..pages import Pages, StartResponse
from . import log as told
from . import registry
from .copies import copy_of
from .keys import PartnerKeys
from .names import is_pattern, known
from .registry import Partner, Way

#: events of a page if nothing is said, and the most
USUAL, MOST = 100, 1000
#: patterns of names in a query: to look through them keeps calls waiting
PATTERNS = 50
#: bytes of events after which a page ends
ENOUGH = pages.LARGEST // 2
#: pages in a minute for one token, and for tokens that there are not
A_MINUTE, A_MINUTE_UNKNOWN = 600, 60

_PATH = re.compile(r"([a-z][a-z0-9-]{1,38})/events", re.ASCII)
_BEARER = re.compile(r"Bearer +([A-Za-z0-9_-]{20,200})", re.ASCII | re.IGNORECASE)
_POSITION = re.compile(r"[0-9]{1,18}", re.ASCII)
_LIMIT = re.compile(r"[0-9]{1,6}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    headers: list[tuple[str, str]]
    body: bytes = b""


class Refused(Exception):
    """A request is answered with a status and nothing else. `parameter`: which one is wrong, of a bad request."""

    def __init__(self, status: str, *headers: tuple[str, str], parameter: str | None = None):
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.parameter = parameter

    def answer(self) -> Answer:
        said: dict[str, Any] = {"type": "about:blank", "title": self.status[4:], "status": int(self.status[:3])}
        if self.parameter is not None:
            said["parameter"] = self.parameter
        return Answer(
            self.status, [("Content-Type", "application/problem+json"), *self.headers], dump_data(said).encode()
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for; `after` or `since`. subject: a pseudonym of the one tenant."""

    after: int = 0
    since: date | None = None
    limit: int = USUAL
    names: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    subject: str | None = None


class Feed(Pages):
    """The feed of a service. In a service class: `feed = Feed()`. Without KUNDVAL_PARTNER_KEY there is none."""

    prefix = "/feeds/"

    def setup(self) -> None:
        super().setup()
        self.prefix = f"/feeds/{self.service}/"
        keys = self.container.config.get("KUNDVAL_PARTNER_KEY")
        #: of the partners; None: there are none
        self.keys = PartnerKeys(keys) if keys else None
        self._limiter = Limiter(A_MINUTE)
        self._unknown = Limiter(A_MINUTE_UNKNOWN, keys=1)

    def answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a GET or HEAD of a path that begins with the prefix."""
        try:
            answer = self._page(environ)
        except Refused as refused:
            answer = refused.answer()
        except Exception as error:
            log.error("feed_failed", service=self.service, exc_info=error)
            answer = Refused("503 Service Unavailable", ("Retry-After", "60")).answer()
        telemetry.PAGES.labels(self.service, answer.status[:3]).inc()
        headers = [
            *answer.headers,
            ("Cache-Control", "private, no-cache"),
            ("Vary", "Authorization"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if not answer.status.startswith("304"):
            headers.append(("Content-Length", str(len(answer.body))))
        start_response(answer.status, headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [answer.body]

    def _page(self, environ: Mapping[str, Any]) -> Answer:
        path = _PATH.fullmatch(environ.get("PATH_INFO", "").removeprefix(self.prefix))
        if path is None or self.keys is None:
            raise Refused("404 Not Found")
        bearer = _BEARER.fullmatch(environ.get("HTTP_AUTHORIZATION", "").strip())
        if bearer is None:
            raise self._stranger()
        if wait := self._limiter.wait(hashlib.sha256(bearer[1].encode()).digest()):
            raise _too_many(wait)
        with eventlet.Timeout(pages.PATIENCE, TimeoutError), self._turns, self.pool().tx(readonly=True) as tx:
            partner = registry.find(tx.conn, path[1])
            today = clock.business_date()
            if partner is None or partner.ended or not self.keys.is_feed_token(partner, bearer[1], today):
                raise self._stranger()
            if Way.FEED not in partner.ways:
                raise Refused("403 Forbidden")
            asked = read_query(environ.get("QUERY_STRING", ""))
            body = self._body(tx, self.keys, partner, asked, today)
        tag = hashlib.sha256(body).hexdigest()[:32]
        if pages.is_known(tag, environ.get("HTTP_IF_NONE_MATCH", "")):
            return Answer("304 Not Modified", [("ETag", f'"{tag}"')])
        return Answer("200 OK", [("Content-Type", "application/json"), ("ETag", f'"{tag}"')], body)

    def _stranger(self) -> Refused:
        if wait := self._unknown.wait(b""):
            return _too_many(wait)
        return Refused("401 Unauthorized", ("WWW-Authenticate", "Bearer"))

    def _body(self, tx: Tx, keys: PartnerKeys, partner: Partner, asked: Asked, today: date) -> bytes:
        if asked.tenants is not None and not all(map(partner.may_read, asked.tenants)):
            raise Refused("403 Forbidden")
        subject = None
        if asked.subject is not None:
            (tenant,) = asked.tenants or ("",)
            found = (one.find(tenant, asked.subject) for one in keys.known_pseudonyms(partner, today))
            subject = next((place[1] for place in found if place is not None), None)
            if subject is None:
                raise Refused("404 Not Found")
        after = asked.after if asked.since is None else told.position_of(tx.conn, asked.since)
        stretch = told.read(
            tx.conn, partner, after, asked.limit, names=asked.names, tenants=asked.tenants, subject=subject
        )
        parts: list[str] = []
        size, next_, more = 0, stretch.next, stretch.more
        for number, row in enumerate(stretch.rows, 1):
            copy = copy_of(row, partner, keys)
            if copy is not None:
                parts.append(dump_data(copy))
                size += len(parts[-1])
            if size > ENOUGH and number < len(stretch.rows):
                next_, more = row["position"], True
                break
            # calls must not wait for a long page
            if number % 50 == 0:
                eventlet.sleep(0)
        return f'{{"events":[{",".join(parts)}],"next":{next_},"more":{json.dumps(more)}}}'.encode()


def read_query(text: str) -> Asked:
    """What the query asks for. Raises `Refused` naming the parameter that is wrong."""
    try:
        given = parse_qs(text, keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        raise _bad("") from None
    for name, values in given.items():
        if name not in ("after", "since", "limit", "names", "tenant", "subject"):
            # not the name itself: it is whatever somebody has written
            raise _bad("")
        if len(values) > 1 and name not in ("names", "tenant"):
            raise _bad(name)
    single = {name: values[0] for name, values in given.items()}
    if "after" in given and "since" in given:
        raise _bad("since")
    asked = Asked(
        after=int(_fits("after", single.get("after", "0"), _POSITION)),
        since=_day(single["since"]) if "since" in single else None,
        limit=int(_fits("limit", single.get("limit", str(USUAL)), _LIMIT)),
        names=_names(given["names"]) if "names" in given else None,
        tenants=_tenants(given["tenant"]) if "tenant" in given else None,
        subject=single.get("subject"),
    )
    if not 1 <= asked.limit <= MOST:
        raise _bad("limit")
    if asked.subject is not None and len(asked.tenants or ()) != 1:
        raise _bad("tenant")
    return asked


def _fits(name: str, value: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(value):
        raise _bad(name)
    return value


def _day(value: str) -> date:
    try:
        return date.fromisoformat(_fits("since", value, _DAY))
    except ValueError:
        raise _bad("since") from None


def _names(values: list[str]) -> frozenset[str]:
    found = [one for value in values for one in value.split(",")]
    if len(found) > PATTERNS or not all(map(is_pattern, found)):
        raise _bad("names")
    return known(tuple(found))


def _tenants(values: list[str]) -> frozenset[str]:
    found = [one for value in values for one in value.split(",")]
    if not all(map(is_identifier, found)):
        raise _bad("tenant")
    return frozenset(found)


def _bad(parameter: str) -> Refused:
    return Refused("400 Bad Request", parameter=parameter)


def _too_many(wait: float) -> Refused:
    return Refused("429 Too Many Requests", ("Retry-After", str(int(wait) + 1)))
