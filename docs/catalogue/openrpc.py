"""The methods as an OpenRPC document, for who calls them over AMQP."""

from __future__ import annotations

import inspect
from importlib.metadata import version

from kundval_contracts.errors import KINDS
from kundval_contracts.problems import STATUS
from kundval_contracts.rpc import Method
from kundval_contracts.schema import Builder, Components
from kundval_contracts.schema.examples import answer_of, request_of

from .errors import errors_of
from .methods import ERROR, Json, description, extensions, methods, summary

ABOUT = """\
What can be asked of the services over AMQP. The wire is nameko's, not JSON-RPC: publish to the topic exchange \
`nameko-rpc` with the method's name as routing key and the body `{"args": [], "kwargs": {…}}`, the properties \
`reply_to` and `correlation_id`, and the headers `nameko.auth_token` (a signed token), for a command \
`nameko.idempotency_key`, and if you like `nameko.correlation_id` and `nameko.traceparent`. The answer comes as \
`{"result": …, "error": …}`, of which one is null.

`params` are the fields of `kwargs`; a field that is not among them is a fault. The number of an error is the HTTP \
status that the gateway gives for it; on the wire there is its `kind`. `x-error-codes` says which codes a method can \
give, by kind; there may be more."""


def openrpc() -> Json:
    """The document."""
    components = Components()
    components.place("Error", ERROR)
    described = [_method(one, components) for one in methods()]
    errors = {kind: _error(kind) for kind in sorted(KINDS) if kind in STATUS}
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "kundval: methods over AMQP",
            "version": version("kundval-contracts"),
            "description": ABOUT,
        },
        "servers": [
            {
                "name": "bus",
                "url": "amqp://${host}/",
                "summary": "The broker of a deployment",
                "variables": {"host": {"default": "localhost:5672", "description": "As the onboarding file says"}},
            }
        ],
        "methods": described,
        "components": {
            "schemas": dict(sorted(components.found.items())),
            "errors": errors,
            "tags": {},
        },
    }


def _method(method: Method, components: Components) -> Json:
    request = Builder("IN", components).object(method.request)
    answer = Builder("OUT", components).object(method.answer)
    required = set(request.get("required", ()))
    asked, told = request_of(method), answer_of(method)
    return {
        "name": method.name,
        "summary": summary(method),
        "description": description(method),
        "tags": [{"name": method.service}],
        "paramStructure": "by-name",
        "params": sorted(
            (
                {"name": name, "required": name in required, "schema": schema}
                for name, schema in request["properties"].items()
            ),
            key=lambda one: not one["required"],  # those that are needed come first, as OpenRPC wants it
        ),
        "result": {"name": "answer", "schema": components.place(f"{method.name}.answer", answer)},
        "errors": [{"$ref": f"#/components/errors/{kind}"} for kind in errors_of(method)],
        "examples": [
            {
                "name": method.name,
                "params": [{"name": name, "value": value} for name, value in asked.items()],
                "result": {"name": "answer", "value": told},
            }
        ],
        **({"x-also-checked": request["x-also-checked"]} if "x-also-checked" in request else {}),
        **extensions(method),
    }


def _error(kind: str) -> Json:
    text = inspect.cleandoc(KINDS[kind].__doc__ or "").replace("\n", " ")
    return {"code": int(STATUS[kind]), "message": text, "data": {"kind": kind}}
