"""What an HTTP request must be before a service is asked. Everything that is wrong raises a typed error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from kundval_contracts.errors import InvalidRequest, Unauthenticated
from kundval_contracts.rpc import Method

from .. import context
from ..depth import deeper

_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/-]{1,8000}=*) *", re.ASCII)
_OPAQUE = re.compile(r"[\w.:@/+-]{1,200}", re.ASCII)
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*([0-9]{1,4})\s*(?=$|[,;])", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,12}", re.ASCII)

Environ = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that is fit to be handed on."""

    fields: dict[str, Any]
    token: str
    key: str | None
    seconds: float


def correlation_of(environ: Environ) -> str:
    """The caller's correlation id if it can be one, else a fresh one."""
    given = environ.get("HTTP_X_CORRELATION_ID", "")
    return given if _OPAQUE.fullmatch(given) else context.new_correlation_id()


def trace_of(environ: Environ) -> str | None:
    """The caller's traceparent, if it is one."""
    given = environ.get("HTTP_TRACEPARENT")
    return given if context.valid_traceparent(given) else None


def token_of(environ: Environ) -> str:
    """The bearer token; whether it is any good says the service. Raises `Unauthenticated`."""
    given = environ.get("HTTP_AUTHORIZATION", "")
    if not given:
        raise Unauthenticated(code="TOKEN_MISSING")
    match = _BEARER.fullmatch(given)
    if match is None:
        raise Unauthenticated(code="TOKEN_INVALID")
    return match[1]


def key_of(environ: Environ, method: Method) -> str | None:
    """The idempotency key of a command, which has to have one; None for a query. Raises `InvalidRequest`."""
    if method.kind == "query":
        return None
    key: str = environ.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(key) > 1 and key[0] == key[-1] == '"':  # as the IETF's draft writes it
        key = key[1:-1]
    if not key:
        raise InvalidRequest(
            "A command needs a header Idempotency-Key.",
            code="IDEMPOTENCY_KEY_MISSING",
            faults=[{"path": "Idempotency-Key", "message": "is missing"}],
        )
    return key


def seconds_of(environ: Environ, most: float) -> float:
    """How long to wait for the answer: what ``Prefer: wait=SECONDS`` says (RFC 7240), at most `most`."""
    match = _WAIT.search(environ.get("HTTP_PREFER", ""))
    return most if match is None else min(most, max(1.0, float(match[1])))


def fields_of(environ: Environ, largest: int) -> dict[str, Any]:
    """The JSON object in the body, of at most `largest` bytes. Raises `InvalidRequest`."""
    given = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if given != "application/json":
        raise InvalidRequest("The body must be application/json.", code="NOT_JSON")
    length = environ.get("CONTENT_LENGTH") or "0"
    if not _LENGTH.fullmatch(length) or int(length) > largest:
        too_large(largest)
    fields = parsed(environ["wsgi.input"].read(int(length)))
    if not isinstance(fields, dict):
        _fault("must be a JSON object")
    return fields


def too_large(largest: int) -> NoReturn:
    """Raises `InvalidRequest`: a body has more than `largest` bytes."""
    raise InvalidRequest(f"The request has more than {largest} bytes: send it in parts.", code="REQUEST_TOO_LARGE")


def parsed(body: bytes) -> Any:
    """JSON as RFC 8259 has it, in UTF-8: no NaN, no key twice, and not deeper than `DEEPEST`."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        _fault("is nested too deeply")
    except _Twice:
        _fault("has a key twice in one object")
    except ValueError:
        # the parser's text quotes the body
        _fault("is not JSON in UTF-8")
    if deeper(value):
        _fault("is nested too deeply")
    return value


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice
    return made


def _no_number(name: str) -> NoReturn:
    raise ValueError


def _fault(message: str) -> NoReturn:
    raise InvalidRequest(faults=[{"path": "", "message": message}])
