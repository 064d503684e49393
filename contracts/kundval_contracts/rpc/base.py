"""What every RPC contract is made of: roles, policies, the parts of requests and answers, the register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from ..errors import InvalidRequest, UnknownMethod, faults_of
from ..facts import load_fact
from ..text import IDENTIFIER, unfit_text

#: assignments on a page when the request names no `limit`
PAGE = 500
#: the most assignments that one batch or page may hold
MOST = 2000

Kind = Literal["command", "query"]


class CallerRole(StrEnum):
    """Roles in a token."""

    CASE_WORKER = "CASE_WORKER"
    CAREER_GUIDE = "CAREER_GUIDE"
    TEAM_MANAGER = "TEAM_MANAGER"
    CONTROLLER = "CONTROLLER"
    STATISTICIAN = "STATISTICIAN"
    PROVIDER = "PROVIDER"
    OPERATIONS = "OPERATIONS"
    SYSTEM = "SYSTEM"


#: who works with clients
CASE = frozenset({CallerRole.CASE_WORKER, CallerRole.CAREER_GUIDE, CallerRole.TEAM_MANAGER, CallerRole.SYSTEM})
STAFF = CASE | {CallerRole.CONTROLLER}
STAFF_AND_OPERATIONS = STAFF | {CallerRole.OPERATIONS}
#: who leads: approves providers, names readers, ends what stands open
MANAGERS = frozenset({CallerRole.TEAM_MANAGER, CallerRole.SYSTEM})
MONEY = frozenset({CallerRole.CONTROLLER, CallerRole.SYSTEM})
OPERATIONS = frozenset({CallerRole.OPERATIONS, CallerRole.SYSTEM})
#: who may see counts that name nobody
FIGURES = STAFF | {CallerRole.STATISTICIAN}
PROVIDER = frozenset({CallerRole.PROVIDER})
EVERYBODY = frozenset(CallerRole)


class Reach(StrEnum):
    """How far a caller in the role PROVIDER reaches with a method that its role may call."""

    NOTHING = "NOTHING"  #: the role may not call it
    OWN_ASSIGNMENT = "OWN_ASSIGNMENT"  #: the request names assignments: its own, or Forbidden
    OWN_ROWS = "OWN_ROWS"  #: a list: rows of its own assignments only
    ITSELF = "ITSELF"  #: what is held of the provider itself: the request names it, or Forbidden
    OPEN = "OPEN"  #: nothing in it is about a client


class Shield(StrEnum):
    """What a protected identity changes in an answer."""

    NONE = "NONE"  #: nothing in the answer is about one person
    OPAQUE = "OPAQUE"  #: opaque ids, dates, codes, amounts: nobody can be found by them
    PAYERS = "PAYERS"  #: as OPAQUE, and the provider is masked for all but itself and who pays it
    PARTIES = "PARTIES"  #: only the provider in charge and who takes part; others are refused with PROTECTED
    MASKED = "MASKED"  #: provider, workplace and place are masked unless the caller is a named reader
    ADDRESSES = "ADDRESSES"  #: of a protected person that it is one, and no address, whoever asks
    READERS = "READERS"  #: named readers only; for others the person does not exist


@dataclass(frozen=True, slots=True)
class Policy:
    """Who gets to see what. `personal`: each call is entered in the access log, with the subjects it showed."""

    reach: Reach
    shield: Shield
    personal: bool


class Message(Schema):
    """Base of all requests and answers: unknown fields are faults."""

    class Meta:
        unknown = RAISE


def identifier(**kwargs: Any) -> fields.String:
    """An opaque id: 1-100 characters, no spaces, so that free text cannot travel in it."""
    return fields.String(validate=IDENTIFIER, **kwargs)


def code(enum: type[StrEnum], **kwargs: Any) -> fields.Enum[Any]:
    return fields.Enum(enum, by_value=True, **kwargs)


def rule_ids() -> fields.List[Any]:
    return fields.List(fields.String(), required=True)


def count(least: int = 0, **kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=least), **kwargs)


def batch(inner: Any) -> fields.List[Any]:
    return fields.List(inner, required=True, validate=validate.Length(1, MOST * 10))


# ---------------------------------------------------------------- parts


class TenantRequest(Message):
    tenant = identifier(required=True)


class AssignmentRequest(TenantRequest):
    assignment = identifier(required=True)


class PlainPageRequest(TenantRequest):
    """A page of all rows, or of those of one assignment."""

    assignment = identifier(load_default=None, allow_none=True)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class PageRequest(PlainPageRequest):
    """Filters are optional; a provider sees its own rows whatever it asks for."""

    provider = identifier(load_default=None, allow_none=True)


class Nothing(Message):
    """No fields."""


class PageAnswer(Message):
    next = identifier(required=True, allow_none=True)


class Positions(Message):
    """How far a service has come for one tenant: what `play` waits for."""

    published = count(required=True)
    handled = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    outbox = count(required=True)


class Info(Message):
    """What `kundval status` shows of a service; `queues` are the names whose depth is asked of the broker."""

    service = fields.String(required=True)
    version = fields.String(required=True)
    migration = fields.String(required=True, allow_none=True)
    outbox = count(required=True)
    queues = fields.List(fields.String(), required=True)
    started_at = fields.AwareDateTime(required=True)


class Shaped(fields.Nested):
    """An object that is held against its schema and handed on as it came."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        super()._deserialize(value, *args, **kwargs)
        return value

    def _serialize(self, nested_obj: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return nested_obj


class FactItem(fields.Field[dict[str, Any]]):
    """``{assignment, id, ordinal?, on, known_on?, fact, …fields of that kind}``, loaded as
    ``{"assignment": str, "fact": kundval_contracts.facts.Fact}``.
    """

    class _Head(Message):
        assignment = identifier(required=True)
        id = identifier(required=True)
        # order among the facts of a day, -1: the next; `place` is a field of `contact`
        ordinal = fields.Integer(strict=True, load_default=-1, validate=validate.Range(0, 2**31 - 1))

    _head = _Head()

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError("must be an object")
        rest = dict(value)
        head = {name: rest.pop(name) for name in ("assignment", "id", "ordinal") if name in rest}
        faults: dict[str, Any] = {}
        loaded: dict[str, Any] = {}
        try:
            loaded = self._head.load(head)
        except ValidationError as error:
            faults.update(error.messages_dict)
        try:
            fact = load_fact(rest, loaded.get("ordinal", -1), loaded.get("id"))
        except ValidationError as error:
            faults.update(error.messages_dict)
        if faults:
            raise ValidationError(faults)
        return {"assignment": loaded["assignment"], "fact": fact}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


# ---------------------------------------------------------------- the register


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC method. `roles` may call it; `purpose` says what it is for in the catalogue and the audit log.

    `rows` names the list in the answer that is paged, for `Client.rows`. `shown_once` names fields of a command's
    answer that are secrets: kept nowhere, so null when the command is repeated with its key.
    """

    name: str
    request: Schema
    answer: Schema
    kind: Kind
    roles: frozenset[CallerRole]
    purpose: str
    policy: Policy
    rows: str | None = None
    shown_once: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        return self.name.partition(".")[0]

    @property
    def function(self) -> str:
        """The part after the dot: the name of the Python method that carries it out."""
        return self.name.partition(".")[2]

    def load(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request with native types. Raises `InvalidRequest` with every fault named by path."""
        faults = list(unfit_text(request))
        try:
            loaded: dict[str, Any] = self.request.load(request)
        except ValidationError as error:
            # a key that is no text cannot be quoted in an answer either
            faults += [fault for fault in faults_of(error.messages) if not any(unfit_text(fault))]
        if faults:
            raise InvalidRequest(faults=faults)
        return loaded


METHODS: dict[str, Method] = {}


def register(method: Method) -> Method:
    """Add `method` to the register; a name can be given once. Raises ValueError, also for a policy that contradicts
    the roles.
    """
    if method.name in METHODS:
        raise ValueError(f"{method.name} is registered already")
    if (CallerRole.PROVIDER in method.roles) == (method.policy.reach is Reach.NOTHING):
        raise ValueError(f"{method.name}: the policy's reach and the roles do not agree about providers")
    METHODS[method.name] = method
    return method


def method(name: str) -> Method:
    """The method of that name; raises `UnknownMethod`."""
    try:
        return METHODS[name]
    except KeyError:
        raise UnknownMethod(f"There is no method {name}.") from None


def add(
    name: str,
    kind: Kind,
    request: type[Schema],
    answer: type[Schema],
    roles: Iterable[CallerRole],
    purpose: str,
    *,
    reach: Reach,
    shield: Shield,
    personal: bool = False,
    rows: str | None = None,
    shown_once: tuple[str, ...] = (),
) -> None:
    """Register a method. There is no default policy: whoever adds one says who gets to see what."""
    policy = Policy(reach, shield, personal)
    register(Method(name, request(), answer(), kind, frozenset(roles), purpose, policy, rows, shown_once))
