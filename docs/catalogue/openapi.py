"""The methods over HTTP, the feed and the webhooks as an OpenAPI 3.1 document: what the gateway and services serve."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from kundval_contracts.events import EVENTS, SERVICES
from kundval_contracts.problems import CONTENT_TYPE, STATUS, STATUS_OF_CODE
from kundval_contracts.rpc import Method
from kundval_contracts.schema import Builder, Components, envelope
from kundval_contracts.schema.examples import answer_of, request_of, whole_event

from .errors import errors_of
from .methods import ERROR, Json, description, extensions, methods, summary

ABOUT = """\
The methods of the services over HTTP (`kundval gateway`), for systems that do not speak AMQP; the feed of events, \
which each service serves; and the webhooks that partners get. Amounts are strings with two decimals.

A command needs an `Idempotency-Key`: the same command with the same key takes effect once, however often it is sent. \
Lists are paged: `limit`, and `next` of an answer as `after` of the next request. An answer may have fields and codes \
that you do not know: ignore the ones, and be able to meet the others. The events themselves are described in \
`asyncapi.json`."""

_TOKEN, _FEED = {"token": []}, {"feed": []}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def openapi() -> Json:
    """The document."""
    components = Components()
    # these first: a row of a service that has the same name gets another one
    for name, schema in (("Problem", _problem()), ("Copy", _copy()), ("FeedPage", _page())):
        components.place(name, schema)
    paths: dict[str, Any] = {f"/v1/{one.service}/{one.function}": _path(one, components) for one in methods()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kundval: methods over HTTP, feed, webhooks",
            "version": version("kundval-contracts"),
            "description": ABOUT,
        },
        "servers": [
            {
                "url": "{gateway}",
                "description": "The gateway of a deployment; the feed of a service is at the address of that service",
                "variables": {"gateway": {"default": "http://localhost:8100"}},
            }
        ],
        "tags": [
            *({"name": service, "description": f"Methods of {service}"} for service in SERVICES),
            {"name": "feed", "description": "Events, page by page"},
            {"name": "webhooks", "description": "Events as they come"},
            {"name": "gateway", "description": "What the gateway says of itself"},
        ],
        "security": [_TOKEN],
        "paths": {**paths, **_feed(), **_own()},
        "webhooks": {"event": {"post": _webhook()}},
        "components": {
            "schemas": dict(sorted(components.found.items())),
            "parameters": _parameters(),
            "responses": _responses(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A signed token with role, organisation and, where a method asks for it, purpose",
                },
                "feed": {"type": "http", "scheme": "bearer", "description": "The feed token of a partner"},
            },
        },
    }


def _path(method: Method, components: Components) -> Json:
    request = components.place(f"{method.name}.request", Builder("IN", components).object(method.request))
    answer = components.place(f"{method.name}.answer", Builder("OUT", components).object(method.answer))
    parameters = ["Idempotency-Key"] if method.kind == "command" else []
    statuses = {int(STATUS[kind]) for kind in errors_of(method)} | {int(status) for status in STATUS_OF_CODE.values()}
    return {
        "post": {
            "operationId": method.name.replace(".", "_"),
            "tags": [method.service],
            "summary": summary(method),
            "description": description(method),
            "parameters": [
                {"$ref": f"#/components/parameters/{name}"}
                for name in (*parameters, "X-Correlation-Id", "traceparent", "Prefer")
            ],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": request, "example": request_of(method)}},
            },
            "responses": {
                "200": {
                    "description": "The answer",
                    "content": {"application/json": {"schema": answer, "example": answer_of(method)}},
                },
                **{str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)},
            },
            **extensions(method),
        }
    }


def _parameters() -> Json:
    return {
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "Of your own making, fresh for each command; the same when you send it again",
            "schema": {"type": "string", "pattern": "^[!-~]{1,100}$"},
        },
        "X-Correlation-Id": {
            "name": "X-Correlation-Id",
            "in": "header",
            "description": "Under which the logs of all services have the call; the answer has it too",
            "schema": {"type": "string", "pattern": "^[0-9A-Za-z_.:@/+-]{1,200}$"},
        },
        "traceparent": {
            "name": "traceparent",
            "in": "header",
            "description": "W3C trace context",
            "schema": {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
        },
        "Prefer": {
            "name": "Prefer",
            "in": "header",
            "description": "`wait=10`: how many seconds to wait for the answer (RFC 7240)",
            "schema": {"type": "string", "pattern": "^wait=[0-9]{1,4}$"},
        },
    }


_WHEN = {
    400: "The request breaks its schema; every fault is named by path",
    401: "No token, or one that does not hold",
    403: "The caller may not do this",
    404: "There is nothing with that name, or not for this caller",
    405: "The address wants another HTTP method",
    409: "The request contradicts what is stored, or its key was used for another request",
    413: "The request is too large: send it in parts",
    415: "The body must be application/json",
    422: "The rules do not allow the fact; `rules` says which",
    429: "Too many calls; `Retry-After` says when to go on",
    431: "The headers are too large",
    500: "A fault in the service; its log has the details under `error_id`",
    503: "Cannot be reached at present; `Retry-After` says when to ask again",
    504: "No answer in time: a command may have been carried out, send it again with the same key",
}


def _responses() -> Json:
    statuses = sorted({int(status) for status in (*STATUS.values(), *STATUS_OF_CODE.values())})
    return {
        str(status): {
            "description": _WHEN[status],
            **({"headers": {"Retry-After": {"schema": {"type": "integer"}}}} if status in (429, 503) else {}),
            "content": {CONTENT_TYPE: {"schema": _PROBLEM}},
        }
        for status in statuses
    }


def _problem() -> Json:
    own = {key: schema for key, schema in ERROR["properties"].items() if key not in ("message", "kind")}
    return {
        "type": "object",
        "description": "RFC 9457, with what an error of ours has besides",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "kind": {"type": "string"},
            **own,
        },
        "required": ["type", "title", "status", "detail", "kind", "code", "rules", "faults"],
    }


def _copy() -> Json:
    """A partner's copy of an event."""
    made = envelope({"type": "object", "description": "As asyncapi.json describes it for `type`"})
    for name in ("traceparent", "correlationid", "restricted"):
        del made["properties"][name]
    made["properties"]["position"] = {
        "type": "string",
        "pattern": "^[0-9]{1,18}$",
        "description": "The place in what the service has told; rises, and has no holes that fill later",
    }
    made["required"].append("position")
    return {"description": "A partner's copy of an event: with its own pseudonyms.", **made}


def _page() -> Json:
    return {
        "type": "object",
        "properties": {
            "events": {"type": "array", "items": {"$ref": "#/components/schemas/Copy"}},
            "next": {"type": "integer", "description": "What to send as `after` to go on"},
            "more": {"type": "boolean", "description": "Whether there is more at this moment"},
        },
        "required": ["events", "next", "more"],
    }


def _example() -> Json:
    name = next(iter(sorted(EVENTS)))
    return {**whole_event(name), "position": "4711"}


def _feed() -> Json:
    def query(name: str, about: str, schema: Json) -> Json:
        return {"name": name, "in": "query", "description": about, "schema": schema}

    number = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
    parameters = [
        {"name": "service", "in": "path", "required": True, "schema": {"type": "string", "enum": list(SERVICES)}},
        {"name": "partner", "in": "path", "required": True,
         "schema": {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,38}$"}},
        query("after", "Events after this position; 0, or neither this nor `since`: from the first", number),
        query("since", "Events from this day on", {"type": "string", "format": "date"}),
        query("limit", "Events of a page at most", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
        query("names", "Patterns over the names of events, as AMQP topics have them, with commas between",
              {"type": "string"}),
        query("tenant", "Municipalities, with commas between", {"type": "string"}),
        query("subject", "One subject by its pseudonym; needs one `tenant`", {"type": "string"}),
        {"name": "If-None-Match", "in": "header", "description": "The ETag of a page that you have",
         "schema": {"type": "string"}},
    ]  # fmt: skip
    refused = {
        "type": "object",
        "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                       "parameter": {"type": "string"}},
        "required": ["type", "title", "status"],
    }  # fmt: skip
    problems = {
        str(status): {"description": text, "content": {CONTENT_TYPE: {"schema": refused}}}
        for status, text in (
            (400, "A parameter is wrong"),
            (401, "No feed token, or one that does not hold"),
            (403, "This partner has no feed, or no such municipality"),
            (404, "There is no such feed, or no such subject"),
            (429, "Too many pages in a minute; `Retry-After` says when to go on"),
            (503, "Cannot be served at present; `Retry-After` says when to ask again"),
        )
    }
    page = {"events": [_example()], "next": 4711, "more": False}
    return {
        "/feeds/{service}/{partner}/events": {
            "get": {
                "operationId": "feed",
                "tags": ["feed"],
                "summary": "Read events in the order of their positions.",
                "description": "The same copies as in a partner's queue and webhooks. The same address gives the same "
                "bytes as long as nothing has changed about who is protected.",
                "security": [_FEED],
                "parameters": parameters,
                "responses": {
                    "200": {
                        "description": "A page",
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/FeedPage"}, "example": page}
                        },
                    },
                    "304": {"description": "The page is the one that you have"},
                    **problems,
                },
            }
        }
    }


def _own() -> Json:
    """What the gateway says of itself."""

    def get(name: str, text: str, kind: str, schema: Json, more: Json | None = None) -> Json:
        ok = {"200": {"description": text, "content": {kind: {"schema": schema}}}}
        return {
            "get": {
                "operationId": name,
                "summary": f"{text}.",
                "description": f"{text}. No token is needed.",
                "tags": ["gateway"],
                "security": [],
                "responses": {**ok, **(more or {})},
            }
        }

    health = {
        "type": "object",
        "properties": {"ready": {"type": "boolean"}, "broker": {"type": "string"}},
        "required": ["ready", "broker"],
    }
    away = {"503": {"description": "It is not", "content": {"application/json": {"schema": health}}}}
    same = {"304": {"description": "The document is the one that you have"}}
    return {
        "/openapi.json": get("describe", "This document", "application/json", {"type": "object"}, same),
        "/healthz": get("health", "Whether the broker can be reached", "application/json", health, away),
        "/metrics": get("metrics", "Figures for Prometheus", "text/plain", {"type": "string"}),
    }


def _webhook() -> Json:
    def header(name: str, about: str) -> Json:
        return {"name": name, "in": "header", "required": True, "description": about, "schema": {"type": "string"}}

    return {
        "operationId": "event",
        "tags": ["webhooks"],
        "summary": "Get an event.",
        "description": "Signed as Standard Webhooks has it (version 1, HMAC-SHA256). Check the signature over the "
        "bytes as they came, answer with any 2xx, and know by `webhook-id` what you have handled: it comes again until "
        "you do.",
        "security": [],
        "parameters": [
            header("webhook-id", "The same when it is sent again"),
            header("webhook-timestamp", "Seconds since 1970 of this sending"),
            header("webhook-signature", "`v1,<base64>`, one for each secret that holds, with a space between them"),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Copy"}, "example": _example()}},
        },
        "responses": {
            "2XX": {"description": "It has been taken"},
            "4XX": {"description": "It is refused; it comes again, and is parked at last"},
            "5XX": {"description": "It comes again, after growing pauses, and is parked at last"},
        },
    }
