"""The typed errors of the suite.

One error looks the same everywhere: raised in a service, in a reply on the wire, raised again at the caller,
printed by the command line. Its wire form is a JSON object::

    {"kind": "FACT_REFUSED",            # which class below; closed list
     "code": "NOT_ELIGIBLE",            # stable, for programs; the kind if nothing more exact is known
     "message": "…",                    # one sentence for people; never quotes personal data
     "rules": ["AMI-1.3-a"],            # ids of the rulebook, may be empty
     "faults": [{"path": "facts[3].on", "message": "…"}],
     "error_id": "…"}                   # only where the details are in the service's log

nameko sends an exception as ``exc_path`` and ``exc_args``. The only argument of these classes is the wire
form, and they take it back, so that an error survives that trip unchanged. A plain nameko client gets typed
errors after `register_with_nameko` (done by itself when nameko was imported first).
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, TypedDict


class Fault(TypedDict):
    """What is wrong at one place of a request or file."""

    path: str
    message: str


class KundvalError(Exception):
    """Base of all typed errors; `kind` names the class on the wire.

    The first argument is either the message or the wire form of an error.
    """

    kind: ClassVar[str] = "ERROR"
    default_message: ClassVar[str] = "The request could not be carried out."
    #: whether the same request may succeed if it is simply sent again
    transient: ClassVar[bool] = False

    code: str
    message: str
    rules: tuple[str, ...]
    faults: list[Fault]
    error_id: str | None

    def __init__(
        self,
        message: str | Mapping[str, Any] | None = None,
        *,
        code: str | None = None,
        rules: Iterable[str] = (),
        faults: Iterable[Fault | Mapping[str, Any]] = (),
        error_id: str | None = None,
    ) -> None:
        if isinstance(message, Mapping):
            wire = message
            message = str(wire["message"]) if wire.get("message") else None
            code = code or wire.get("code")
            rules = rules or _list(wire.get("rules"))
            faults = faults or _list(wire.get("faults"))
            error_id = error_id or wire.get("error_id")
        self.message = message or self.default_message
        self.code = str(code or self.kind)
        self.rules = tuple(str(rule) for rule in rules)
        self.faults = [
            Fault(path=str(fault.get("path", "")), message=str(fault.get("message", "")))
            for fault in faults
            if isinstance(fault, Mapping)
        ]
        self.error_id = None if error_id is None else str(error_id)
        super().__init__(self.to_wire())

    def to_wire(self) -> dict[str, Any]:
        """The JSON object shown in the module's docstring."""
        wire: dict[str, Any] = {
            "kind": self.kind,
            "code": self.code,
            "message": self.message,
            "rules": list(self.rules),
            "faults": [dict(fault) for fault in self.faults],
        }
        if self.error_id is not None:
            wire["error_id"] = self.error_id
        return wire

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        if self.rules:
            text += f" ({', '.join(self.rules)})"
        if self.faults:
            text += "".join(f"\n  {fault['path'] or '-'}: {fault['message']}" for fault in self.faults)
        return text


class InvalidRequest(KundvalError):
    """The request breaks its schema. Nothing was applied; every fault is in `faults`, named by path."""

    kind = "INVALID_REQUEST"
    default_message = "The request is not valid."


class Unauthenticated(KundvalError):
    """There is no token, or it is broken, expired or signed by an unknown key."""

    kind = "UNAUTHENTICATED"
    default_message = "A valid token is needed."


class Forbidden(KundvalError):
    """The caller is known but may not do this."""

    kind = "FORBIDDEN"
    default_message = "The caller may not do this."


class NotFound(KundvalError):
    """What the request names does not exist, or not for this caller."""

    kind = "NOT_FOUND"
    default_message = "There is nothing with that name."


class Conflict(KundvalError):
    """The request contradicts what is stored, or its idempotency key was used for another request."""

    kind = "CONFLICT"
    default_message = "The request contradicts what is stored."


class FactRefused(KundvalError):
    """The rules do not allow a fact. `code` is the refusal code, for example NOT_ELIGIBLE."""

    kind = "FACT_REFUSED"
    default_message = "The rules do not allow this fact."


class Unavailable(KundvalError):
    """The service, its database or the broker cannot be reached now. Sending again later may help."""

    kind = "UNAVAILABLE"
    default_message = "The service cannot be reached at present."
    transient = True


class TimedOut(KundvalError):
    """No answer came in time. A command may have been carried out: send it again with the same key."""

    kind = "TIMED_OUT"
    default_message = "No answer came in time."
    transient = True


class UnknownMethod(KundvalError):
    """There is no such method."""

    kind = "UNKNOWN_METHOD"
    default_message = "There is no such method."


class InternalError(KundvalError):
    """A fault in the service itself. Only `error_id` leaves it; the details are in its log under that id."""

    kind = "INTERNAL_ERROR"
    default_message = "The service failed. Its log has the details under the error id."

    def __init__(self, message: str | Mapping[str, Any] | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        if self.error_id is None:
            self.error_id = uuid.uuid4().hex
            self.args = (self.to_wire(),)


KINDS: dict[str, type[KundvalError]] = {
    error.kind: error
    for error in (
        KundvalError,
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        FactRefused,
        Unavailable,
        TimedOut,
        UnknownMethod,
        InternalError,
    )
}


def from_wire(wire: Mapping[str, Any]) -> KundvalError:
    """The error that `wire` describes; a kind that this version does not know becomes a `KundvalError`."""
    return KINDS.get(str(wire.get("kind")), KundvalError)(wire)


def from_nameko(error: Mapping[str, Any]) -> KundvalError:
    """The error in the ``error`` part of a nameko RPC reply.

    Foreign exceptions become an `InternalError` without their text, which may quote data.
    """
    arguments = _list(error.get("exc_args"))
    if arguments and isinstance(arguments[0], Mapping) and arguments[0].get("kind") in KINDS:
        return from_wire(arguments[0])
    exception = str(error.get("exc_type"))
    if exception == "MethodNotFound":
        return UnknownMethod(f"There is no method {arguments[0]}." if arguments else None)
    if exception in ("MalformedRequest", "IncorrectSignature"):
        return InvalidRequest(faults=[{"path": "", "message": "The arguments do not fit the method."}])
    return InternalError()


def faults_of(messages: Any, path: str = "") -> list[Fault]:
    """marshmallow's nested messages as a flat list, by path: ``{"facts": {3: {"on": ["…"]}}}`` is
    ``[{"path": "facts[3].on", "message": "…"}]``.
    """
    if isinstance(messages, Mapping):
        faults: list[Fault] = []
        for key, inner in messages.items():
            if key == "_schema":
                step = path
            elif isinstance(key, int):
                step = f"{path}[{key}]"
            else:
                step = f"{path}.{key}" if path else str(key)
            faults += faults_of(inner, step)
        return faults
    if isinstance(messages, Sequence) and not isinstance(messages, str | bytes):
        return [fault for message in messages for fault in faults_of(message, path)]
    return [Fault(path=path, message=str(messages))]


def register_with_nameko() -> None:
    """Let plain nameko clients of this process raise these classes instead of nameko's ``RemoteError``."""
    registry = import_module("nameko.exceptions").registry
    for error in KINDS.values():
        registry[f"{error.__module__}.{error.__name__}"] = error


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else []


if "nameko.exceptions" in sys.modules:
    register_with_nameko()
