"""Typed errors over HTTP: `application/problem+json` (RFC 9457).

::

    {"type": "urn:kundval:error:FACT_REFUSED", "title": "The rules do not allow this fact.", "status": 422,
     "detail": "…", "kind": "FACT_REFUSED", "code": "NOT_ELIGIBLE", "rules": ["AMI-1.3-a"], "faults": []}

`kind`, `code`, `rules`, `faults` and `error_id` are those of `kundval_contracts.errors`; `detail` is the message.
`error_of` makes the error again.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from .errors import KundvalError, from_wire

CONTENT_TYPE = "application/problem+json"

#: the status of each kind of error; one that is not here, or unknown to this version, is the service's own (500)
STATUS: dict[str, HTTPStatus] = {
    "INVALID_REQUEST": HTTPStatus.BAD_REQUEST,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "FORBIDDEN": HTTPStatus.FORBIDDEN,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "UNKNOWN_METHOD": HTTPStatus.NOT_FOUND,
    "CONFLICT": HTTPStatus.CONFLICT,
    "FACT_REFUSED": HTTPStatus.UNPROCESSABLE_ENTITY,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "TIMED_OUT": HTTPStatus.GATEWAY_TIMEOUT,
    "INTERNAL_ERROR": HTTPStatus.INTERNAL_SERVER_ERROR,
}
#: codes that have a status of their own, whatever their kind
STATUS_OF_CODE: dict[str, HTTPStatus] = {
    "REQUEST_TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "NOT_JSON": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "ONLY_POST": HTTPStatus.METHOD_NOT_ALLOWED,
    "ONLY_GET": HTTPStatus.METHOD_NOT_ALLOWED,
    "TOO_MANY_REQUESTS": HTTPStatus.TOO_MANY_REQUESTS,
    "HEADERS_TOO_LARGE": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
}


def status_of(error: KundvalError) -> HTTPStatus:
    """The HTTP status that goes with an error."""
    return STATUS_OF_CODE.get(error.code) or STATUS.get(error.kind, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_of(error: KundvalError) -> dict[str, Any]:
    """The JSON object in the module's docstring."""
    wire = error.to_wire()
    return {
        "type": f"urn:kundval:error:{error.kind}",
        "title": error.default_message,
        "status": int(status_of(error)),
        "detail": wire.pop("message"),
        **wire,
    }


def error_of(problem: Mapping[str, Any]) -> KundvalError:
    """The typed error that a problem describes; a kind that this version does not know becomes a `KundvalError`."""
    return from_wire({**problem, "message": problem.get("detail")})
