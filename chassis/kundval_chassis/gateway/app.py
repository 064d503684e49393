"""The gateway as a WSGI application.

| Address | |
| --- | --- |
| `POST /v1/<service>/<method>` | calls a method; the body is its request, the answer its answer |
| `GET /openapi.json` | what there is, as OpenAPI 3.1 |
| `GET /healthz` | whether the broker can be reached |
| `GET /metrics` | for Prometheus |

Errors are `application/problem+json` (`kundval_contracts.problems`). Every answer bears the `X-Correlation-Id` under
which the services' logs have the call.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from collections import Counter as Counts
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from kundval_contracts.client import Client
from kundval_contracts.errors import (
    InternalError,
    InvalidRequest,
    KundvalError,
    NotFound,
    Unauthenticated,
    Unavailable,
    UnknownMethod,
)
from kundval_contracts.problems import CONTENT_TYPE, problem_of, status_of
from kundval_contracts.rpc import METHODS, Method
from kundval_contracts.versions import METHOD_SUNSETS

from .. import context, logs, telemetry, traces
from ..guards import guarded
from ..limiter import Limiter
from . import ask
from .ask import Ask, Environ

PREFIX = "/v1/"
#: what stands in the metrics where a request names no method
NO_METHOD = "none"
#: of the places for calls, what one service may hold: who waits for one that is away must not keep all others out
SHARE = 0.75
#: seconds after which who was refused for want of room may ask again
AGAIN = 2

SECONDS = Histogram(
    "kundval_gateway_seconds",
    "How long calls over HTTP took, by method and status",
    ("method", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    registry=telemetry.REGISTRY,
)
IN_HAND = Gauge("kundval_gateway_in_hand", "Calls over HTTP that wait for a service", registry=telemetry.REGISTRY)
REFUSED = Counter(
    "kundval_gateway_refused",
    "Calls over HTTP that reached no service, by why: rate, room, stopping",
    ("why",),
    registry=telemetry.REGISTRY,
)

log = logs.get(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Limits:
    """body: bytes of a request. seconds: for one call. at_once: calls in hand. a_minute: calls with one token."""

    body: int
    seconds: float
    at_once: int
    a_minute: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back."""

    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    code: str | None = None


class Gateway:
    """Answers requests with `client`. `trouble` says what is wrong with the broker, or None; `document` is OpenAPI."""

    def __init__(self, client: Client, limits: Limits, trouble: Callable[[], str | None], document: bytes):
        self._client = client
        self._limits = limits
        self._trouble = trouble
        self._document = document
        self._tag = f'"{hashlib.sha256(document).hexdigest()[:32]}"'
        self._limiter = Limiter(limits.a_minute)
        self._room = threading.Condition()
        self._in_hand: Counts[str] = Counts()
        self._share = max(1, math.ceil(limits.at_once * SHARE))
        self._stopping = False

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        correlation = ask.correlation_of(environ)
        path, verb = str(environ.get("PATH_INFO", "")), str(environ.get("REQUEST_METHOD", ""))
        method = METHODS.get(path[len(PREFIX) :].replace("/", ".")) if path.startswith(PREFIX) else None
        trace = ask.trace_of(environ)
        with (
            _traced(method, trace) as piece,
            context.working(correlation=correlation, trace=trace, at=piece.traceparent),
        ):
            try:
                reply = self._replied(environ, path, verb, method)
            except KundvalError as error:
                reply = refusal(error)
            except Exception as error:
                failure = InternalError()
                log.error("gateway_failed", error_id=failure.error_id, exc_info=error)
                reply = refusal(failure)
            piece.note(http_response_status_code=reply.status.value, kundval_code=reply.code)
            if path.startswith(PREFIX):
                self._note(method, reply, time.perf_counter() - started)
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            ("X-Correlation-Id", correlation),
            *reply.headers,
        ]
        start_response(f"{reply.status.value} {reply.status.phrase}", guarded(headers))
        return [] if verb == "HEAD" else [reply.body]

    def drain(self, seconds: float) -> bool:
        """Take no more calls and wait for those in hand; whether all are done."""
        with self._room:
            self._stopping = True
            return self._room.wait_for(lambda: not self._in_hand.total(), seconds)

    def _replied(self, environ: Environ, path: str, verb: str, method: Method | None) -> Reply:
        if path.startswith(PREFIX):
            if method is None or path.count("/") != 3:
                raise UnknownMethod
            if verb != "POST":
                raise _Verb("A method is called with POST.", code="ONLY_POST")
            return self._called(environ, method)
        own = {"/openapi.json": self._described, "/healthz": self._healthy, "/metrics": self._measured}.get(path)
        if own is None:
            raise NotFound("There are /v1/<service>/<method>, /openapi.json, /healthz and /metrics.")
        if verb not in ("GET", "HEAD"):
            raise _Verb("It can only be read.", code="ONLY_GET")
        return own(environ)

    def _called(self, environ: Environ, method: Method) -> Reply:
        token = ask.token_of(environ)
        if wait := self._limiter.wait(hashlib.sha256(token.encode()).digest()):
            REFUSED.labels("rate").inc()
            raise _Wait(wait)
        key = ask.key_of(environ, method)
        with _Turn(self, method.name.partition(".")[0]):
            fields = ask.fields_of(environ, self._limits.body)
            seconds = ask.seconds_of(environ, self._limits.seconds)
            reply = _json(self._answer(method, Ask(fields, token, key, seconds)))
        going = METHOD_SUNSETS.get(method.name)
        if going is None:
            return reply
        # RFC 8594: who calls a method that is to go hears of it in every answer
        midnight = datetime.combine(going.on, datetime.min.time(), UTC)
        return replace(reply, headers=(("Sunset", format_datetime(midnight, usegmt=True)),))

    def _answer(self, method: Method, asked: Ask) -> Any:
        return self._client.submit(
            method.name,
            asked.fields,
            timeout=asked.seconds,
            idempotency_key=asked.key,
            correlation_id=context.correlation_id.get(),
            traceparent=context.traceparent.get(),
            token=asked.token,
        ).result()

    def _enter(self, service: str) -> None:
        with self._room:
            if self._stopping:
                REFUSED.labels("stopping").inc()
                raise Unavailable("The gateway is being stopped.", code="STOPPING")
            if self._in_hand.total() >= self._limits.at_once or self._in_hand[service] >= self._share:
                REFUSED.labels("room").inc()
                raise Unavailable("Too many calls are under way.", code="BUSY")
            self._in_hand[service] += 1
        IN_HAND.inc()

    def _leave(self, service: str) -> None:
        IN_HAND.dec()
        with self._room:
            self._in_hand[service] -= 1
            self._room.notify_all()

    def _described(self, environ: Environ) -> Reply:
        headers = (("ETag", self._tag), ("Cache-Control", "public, max-age=300"))
        if self._tag in environ.get("HTTP_IF_NONE_MATCH", ""):
            return Reply(HTTPStatus.NOT_MODIFIED, b"", headers=headers)
        return Reply(HTTPStatus.OK, self._document, headers=headers)

    def _healthy(self, environ: Environ) -> Reply:
        trouble = "stopping" if self._stopping else self._trouble()
        status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
        return _json({"ready": trouble is None, "broker": trouble or "ok"}, status)

    def _measured(self, environ: Environ) -> Reply:
        return Reply(HTTPStatus.OK, telemetry.exposition(), telemetry.CONTENT_TYPE)

    def _note(self, method: Method | None, reply: Reply, seconds: float) -> None:
        # what comes from outside, such as a path, goes into no log and no label
        name = method.name if method is not None else NO_METHOD
        SECONDS.labels(name, str(reply.status.value)).observe(seconds)
        more = {"code": reply.code} if reply.code else {}
        log.info("http", method=name, status=reply.status.value, ms=round(seconds * 1000, 1), **more)


def _traced(method: Method | None, trace: str | None) -> AbstractContextManager[traces.Piece]:
    """A call as a piece of work in a trace; what names no method is none."""
    if method is None:
        return traces.untraced
    address = PREFIX + method.name.replace(".", "/")
    return traces.work(f"POST {address}", "SERVER", trace, http_request_method="POST", rpc_method=method.name)


class _Turn:
    """One of the places of those that are asked for at once."""

    def __init__(self, gateway: Gateway, service: str):
        self._gateway, self._service = gateway, service

    def __enter__(self) -> None:
        self._gateway._enter(self._service)

    def __exit__(self, *_: object) -> None:
        self._gateway._leave(self._service)


class _Verb(InvalidRequest):
    """Another HTTP method is needed."""


class _Wait(Unavailable):
    """Asked too often; `seconds` until it may be asked again."""

    def __init__(self, seconds: float):
        super().__init__("There were too many calls in a minute.", code="TOO_MANY_REQUESTS")
        self.seconds = math.ceil(seconds)


def refusal(error: KundvalError) -> Reply:
    """An error as it goes back over HTTP."""
    headers: Headers = []
    if isinstance(error, Unauthenticated):
        headers.append(("WWW-Authenticate", 'Bearer realm="kundval"'))
    elif isinstance(error, _Wait):
        headers.append(("Retry-After", str(error.seconds)))
    elif isinstance(error, Unavailable):
        headers.append(("Retry-After", str(AGAIN)))
    elif isinstance(error, _Verb):
        headers.append(("Allow", "POST" if error.code == "ONLY_POST" else "GET, HEAD"))
    body = json.dumps(problem_of(error), ensure_ascii=False).encode()
    return Reply(status_of(error), body, CONTENT_TYPE, tuple(headers), error.code)


def _json(value: Any, status: HTTPStatus = HTTPStatus.OK) -> Reply:
    return Reply(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
