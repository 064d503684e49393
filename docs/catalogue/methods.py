"""What OpenRPC and OpenAPI both say of a method: who may call it, what it may be refused for, in words."""

from __future__ import annotations

from typing import Any

from kundval_contracts.errors import KINDS
from kundval_contracts.events import SERVICES
from kundval_contracts.rpc import METHODS, CallerRole, Method
from kundval_contracts.schema import about
from kundval_contracts.versions import METHOD_SUNSETS

from .consumers import callers
from .errors import errors_of
from .rpc_page import policy_in_words, roles_in_words

Json = dict[str, Any]

ERROR: Json = {
    "type": "object",
    "description": "An error as it travels: `code` is for programs and stable, `message` for people.",
    "properties": {
        "kind": {"type": "string", "enum": sorted(KINDS)},
        "code": {"type": "string"},
        "message": {"type": "string"},
        "rules": {"type": "array", "items": {"type": "string"}},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
                "required": ["path", "message"],
            },
        },
        "error_id": {"type": "string", "description": "By which the service's log has the details"},
    },
    "required": ["kind", "code", "message", "rules", "faults"],
}


def methods() -> list[Method]:
    """The methods of the suite, in the order of their services."""
    return [one for service in SERVICES for one in METHODS.values() if one.service == service]


def summary(method: Method) -> str:
    return f"{method.purpose[0].upper()}{method.purpose[1:]}."


def description(method: Method) -> str:
    """Kind, roles, reach, shield, and what its request and answer say of themselves."""
    texts = [f"A {method.kind}, for {roles_in_words(method)}.", policy_in_words(method)]
    texts += [text for text in (about(type(method.request)), about(type(method.answer))) if text != "No fields."]
    if method.shown_once:
        fields = ", ".join(f"`{name}`" for name in method.shown_once)
        texts.append(f"Shown once, and null when the command is repeated: {fields}.")
    return "\n\n".join(filter(None, texts))


def extensions(method: Method) -> Json:
    """Policy and errors for programs, as `x-…`."""
    made: Json = {
        "x-kind": method.kind,
        "x-roles": [role.value for role in CallerRole if role in method.roles],
        "x-reach": method.policy.reach.value,
        "x-shield": method.policy.shield.value,
        "x-purpose-needed": method.policy.personal,
        "x-error-codes": errors_of(method),
        "x-consumers": callers().get(method.name, []),
    }
    going = METHOD_SUNSETS.get(method.name)
    if going is not None:
        made |= {"deprecated": True, "x-sunset": going.on.isoformat(), "x-instead": going.instead}
    if method.rows is not None:
        made["x-paged"] = method.rows
    return made
