"""Every RPC method of the suite: name, request, answer, who may call it.

A request is a JSON object; a field that its schema does not know is a fault, and all faults are named by
path. An answer is a JSON object too: dates ISO, money a string with two decimals.

Lists are paged by assignment: ``limit`` is a number of assignments, all rows of one assignment stay together,
and ``next`` is what to send as ``after`` to go on, or null at the end (`Client.rows` does that). Without
``limit`` a page holds `PAGE` assignments, so that no answer comes near the broker's message limit
(16 MiB on RabbitMQ 4).

Headers of a request: ``nameko.auth_token`` (a signed token), ``nameko.idempotency_key`` (commands),
``nameko.correlation_id``, ``nameko.traceparent``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from .codes import (
    AssignmentState,
    FactKind,
    LineKind,
    LineStatus,
    ObligationKind,
    ObligationState,
    Programme,
    Role,
)
from .errors import InvalidRequest, UnknownMethod, faults_of
from .facts import load_fact
from .inputs import ClientSchema, PlanSchema, ProviderSchema
from .money import MoneyField
from .profiles import profiles
from .settings import SettingsFault, read_settings, read_tariffs
from .text import unfit_text

#: assignments on a page when the request names no `limit`
PAGE = 500
#: the most assignments that one batch or page may hold
MOST = 2000

Kind = Literal["command", "query"]


class CallerRole(StrEnum):
    """Roles in a token."""

    CASE_WORKER = "CASE_WORKER"
    CAREER_GUIDE = "CAREER_GUIDE"
    CONTROLLER = "CONTROLLER"
    PROVIDER = "PROVIDER"
    OPERATIONS = "OPERATIONS"
    SYSTEM = "SYSTEM"


_CASE = frozenset({CallerRole.CASE_WORKER, CallerRole.CAREER_GUIDE, CallerRole.SYSTEM})
_STAFF = _CASE | {CallerRole.CONTROLLER}
_STAFF_AND_OPERATIONS = _STAFF | {CallerRole.OPERATIONS}
_MONEY = frozenset({CallerRole.CONTROLLER, CallerRole.SYSTEM})
_OPERATIONS = frozenset({CallerRole.OPERATIONS, CallerRole.SYSTEM})
_EVERYBODY = frozenset(CallerRole)


_IDENTIFIER = validate.Regexp(r"\A[\w.:@/+-]{1,100}\Z", error="not an identifier")


class Message(Schema):
    """Base of all requests and answers: unknown fields are faults."""

    class Meta:
        unknown = RAISE


def identifier(**kwargs: Any) -> fields.String:
    """An opaque id: 1-100 characters, no spaces, so that free text cannot travel in it."""
    return fields.String(validate=validate.Regexp(r"\A[\w.:@/+-]{1,100}\Z", error="not an identifier"), **kwargs)


def _code(enum: type[StrEnum], **kwargs: Any) -> fields.Enum[Any]:
    return fields.Enum(enum, by_value=True, **kwargs)


def _rules() -> fields.List[Any]:
    return fields.List(fields.String(), required=True)


def _count(least: int = 0, **kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=least), **kwargs)


def _batch(inner: Any) -> fields.List[Any]:
    return fields.List(inner, required=True, validate=validate.Length(1, MOST * 10))


# ---------------------------------------------------------------- parts


class TenantRequest(Message):
    tenant = identifier(required=True)


class AssignmentRequest(TenantRequest):
    assignment = identifier(required=True)


class PageRequest(TenantRequest):
    """Filters are optional; a provider sees its own rows whatever it asks for."""

    assignment = identifier(load_default=None, allow_none=True)
    provider = identifier(load_default=None, allow_none=True)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class Nothing(Message):
    """No fields."""


class PageAnswer(Message):
    next = identifier(required=True, allow_none=True)


class Positions(Message):
    """How far a service has come for one tenant: what `play` waits for."""

    published = _count(required=True)
    handled = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    outbox = _count(required=True)


class Info(Message):
    """What `kundval status` shows of a service; `queues` are the names whose depth is asked of the broker."""

    service = fields.String(required=True)
    version = fields.String(required=True)
    migration = fields.String(required=True, allow_none=True)
    outbox = _count(required=True)
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


# ---------------------------------------------------------------- assignment


def _readable(read: Callable[[Any], Any]) -> Callable[[Any], None]:
    """A validator that names what `read` finds wrong, so that all faults of a request come at once."""

    def check(value: Any) -> None:
        try:
            read(value)
        except SettingsFault as error:
            messages: dict[Any, Any] = {}
            for key, message in error.faults:
                place, _, rest = key.partition(".")
                if place.isdecimal():
                    messages.setdefault(int(place), {}).setdefault(rest or "_schema", []).append(message)
                else:
                    messages.setdefault(key, []).append(message)
            raise ValidationError(messages) from None

    return check


class OpenTenant(TenantRequest):
    """Without `settings` those of the deployment hold; with them, the profile's and what is given."""

    municipality = fields.String(required=True, validate=validate.OneOf(list(profiles())))
    settings = fields.Dict(keys=fields.String(), load_default=None, allow_none=True, validate=_readable(read_settings))
    tariffs = fields.List(fields.Dict(keys=fields.String()), load_default=list, validate=_readable(read_tariffs))
    providers = fields.List(Shaped(ProviderSchema), required=True)


class TenantOpened(Message):
    tenant = identifier(required=True)


class NewAssignment(Message):
    id = identifier(required=True)
    programme = _code(Programme, required=True)
    delivery_area = fields.String(load_default=None, allow_none=True)
    client = Shaped(ClientSchema, required=True)
    plan = Shaped(PlanSchema, load_default=None, allow_none=True)


class Register(TenantRequest):
    assignments = _batch(fields.Nested(NewAssignment))


class Registered(Message):
    registered = _count(required=True)


class RecordFacts(TenantRequest):
    facts = _batch(FactItem())
    keep_refused = fields.Boolean(load_default=False)


class Rejection(Message):
    assignment = identifier(required=True)
    fact = fields.Integer(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    rules = _rules()


class FactsRecorded(Message):
    recorded = _count(required=True)
    refused = fields.List(fields.Nested(Rejection), required=True)


class WithdrawFact(AssignmentRequest):
    fact = identifier(required=True)


class FactWithdrawn(Message):
    withdrawn = fields.Boolean(required=True)


class OpenDay(TenantRequest):
    date = fields.Date(required=True)


class DayOpened(Message):
    tenant = identifier(required=True)
    date = fields.Date(required=True)


class Rejections(PageAnswer):
    rejections = fields.List(fields.Nested(Rejection), required=True)


class FactState(Message):
    id = identifier(required=True)
    fact = _code(FactKind, required=True)
    on = fields.Date(required=True)
    known_on = fields.Date(required=True)
    place = fields.Integer(required=True)
    in_effect = fields.Boolean(required=True)
    code = fields.String(allow_none=True)
    rules = fields.List(fields.String())


class State(Message):
    assignment = identifier(required=True)
    programme = _code(Programme, required=True)
    delivery_area = fields.String(allow_none=True)
    state = _code(AssignmentState, required=True)
    provider = identifier(required=True, allow_none=True)
    facts = fields.List(fields.Nested(FactState), required=True)


class AssignmentSummary(Message):
    tenant = identifier(required=True)
    business_date = fields.Date(required=True, allow_none=True)
    assignments = _count(required=True)
    facts = _count(required=True)
    states = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    rejections = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class Derivation(Message):
    """How a service came to what it holds about one assignment; rows are as each service documents them."""

    assignment = identifier(required=True)
    rows = fields.List(fields.Dict(keys=fields.String()), required=True)


# ---------------------------------------------------------------- scheduling


class Obligation(Message):
    assignment = identifier(required=True)
    kind = _code(ObligationKind, required=True)
    sequence = fields.Integer(required=True)
    due = fields.Date(required=True, allow_none=True)
    responsible = _code(Role, required=True)
    state = _code(ObligationState, required=True)
    met_on = fields.Date(required=True, allow_none=True)
    rules = _rules()


class Obligations(PageAnswer):
    obligations = fields.List(fields.Nested(Obligation), required=True)


class SchedulingSummary(Message):
    """`obligations`: kind -> state -> number."""

    tenant = identifier(required=True)
    obligations = fields.Dict(
        keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Integer()), required=True
    )


# ---------------------------------------------------------------- billing


class RunPayments(TenantRequest):
    run = fields.Date(required=True)


class PaymentsRun(Message):
    tenant = identifier(required=True)
    run = fields.Date(required=True)
    postings = _count(required=True)
    amount = MoneyField(required=True)


class _LineKey(Message):
    assignment = identifier(required=True)
    provider = identifier(required=True)
    kind = _code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    amount = MoneyField(required=True)


class Line(_LineKey):
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    currency = fields.String(required=True, validate=validate.Equal("SEK"))
    status = _code(LineStatus, required=True)
    payable_from = fields.Date(required=True, allow_none=True)
    rules = _rules()
    because = fields.String(required=True)


class Lines(PageAnswer):
    lines = fields.List(fields.Nested(Line), required=True)


class Posting(_LineKey):
    run = fields.Date(required=True)
    reverses = fields.Date(required=True, allow_none=True)


class Postings(PageAnswer):
    postings = fields.List(fields.Nested(Posting), required=True)


class Total(Message):
    assignment = identifier(required=True)
    provider = identifier(required=True)
    kind = _code(LineKind, required=True)
    amount = MoneyField(required=True)


class Totals(PageAnswer):
    totals = fields.List(fields.Nested(Total), required=True)


class Step(Message):
    """A row of a derivation: `amount` starts or adds, `factor` multiplies what stands so far, `divisor` divides it."""

    what = fields.String(required=True)
    amount = fields.String()
    factor = fields.String()
    divisor = fields.String()


class ExplainedLine(Line):
    steps = fields.List(fields.Nested(Step), required=True)


class ExplainedPosting(Posting):
    rules = fields.List(fields.String())
    because = fields.String()
    steps = fields.List(fields.Nested(Step), required=True)


class Explanation(Message):
    assignment = identifier(required=True)
    lines = fields.List(fields.Nested(ExplainedLine), required=True)
    postings = fields.List(fields.Nested(ExplainedPosting), required=True)


class Paid(Message):
    provider = identifier(required=True)
    kind = _code(LineKind, required=True)
    postings = _count(required=True)
    amount = MoneyField(required=True)


class BillingSummary(Message):
    """What was posted, by provider and kind; `corrections` are postings that take an earlier one back."""

    tenant = identifier(required=True)
    paid = fields.List(fields.Nested(Paid), required=True)
    amount = MoneyField(required=True)
    corrections = _count(required=True)
    corrected = MoneyField(required=True)
    lines = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


# ---------------------------------------------------------------- notifications


class Notice(Message):
    assignment = identifier(required=True)
    kind = fields.String(required=True)
    to = _code(Role, required=True)
    on = fields.Date(required=True)
    rules = _rules()


class Notices(PageAnswer):
    notices = fields.List(fields.Nested(Notice), required=True)


class SentMessage(Message):
    assignment = identifier(required=True)
    kind = fields.String(required=True)
    to = _code(Role, required=True)
    on = fields.Date(required=True)
    language = fields.String(required=True)
    channel = fields.String(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    subject = fields.String()
    text = fields.String()


class Messages(PageAnswer):
    messages = fields.List(fields.Nested(SentMessage), required=True)


class NotificationsSummary(Message):
    """`notices`: kind -> number; `messages`: state -> number."""

    tenant = identifier(required=True)
    notices = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    messages = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


# ---------------------------------------------------------------- the register


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC method. `roles` may call it; `purpose` says what it is for in the catalogue and the audit log.

    `rows` names the list in the answer that is paged, for `Client.rows`.
    """

    name: str
    request: Schema
    answer: Schema
    kind: Kind
    roles: frozenset[CallerRole]
    purpose: str
    rows: str | None = None

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
            faults += faults_of(error.messages)
        if faults:
            raise InvalidRequest(faults=faults)
        return loaded


METHODS: dict[str, Method] = {}


def register(method: Method) -> Method:
    """Add `method` to the register; a name can be given once."""
    if method.name in METHODS:
        raise ValueError(f"{method.name} is registered already")
    METHODS[method.name] = method
    return method


def method(name: str) -> Method:
    """The method of that name; raises `UnknownMethod`."""
    try:
        return METHODS[name]
    except KeyError:
        raise UnknownMethod(f"There is no method {name}.") from None


def _add(
    name: str,
    kind: Kind,
    request: type[Schema],
    answer: type[Schema],
    roles: Iterable[CallerRole],
    purpose: str,
    rows: str | None = None,
) -> None:
    register(Method(name, request(), answer(), kind, frozenset(roles), purpose, rows))


_PROVIDER = {CallerRole.PROVIDER}

_add("assignment.open_tenant", "command", OpenTenant, TenantOpened, _OPERATIONS,
     "open a municipality with its settings, tariffs and providers")  # fmt: skip
_add("assignment.register", "command", Register, Registered, _CASE, "register assignments")
_add("assignment.record_facts", "command", RecordFacts, FactsRecorded, _STAFF | _PROVIDER,
     "state facts about assignments")  # fmt: skip
_add("assignment.withdraw_fact", "command", WithdrawFact, FactWithdrawn, _CASE,
     "take back a fact that was stated by mistake")  # fmt: skip
_add("assignment.open_day", "command", OpenDay, DayOpened, _OPERATIONS, "move the business date forward")
_add("assignment.rejections", "query", PageRequest, Rejections, _STAFF_AND_OPERATIONS,
     "list the facts that the rules refuse", "rejections")  # fmt: skip
_add("assignment.state", "query", AssignmentRequest, State, _STAFF | _PROVIDER,
     "show where an assignment stands")  # fmt: skip
_add("assignment.explain", "query", AssignmentRequest, Derivation, _STAFF,
     "show how the facts of an assignment were judged")  # fmt: skip
_add("assignment.summary", "query", TenantRequest, AssignmentSummary, _STAFF_AND_OPERATIONS,
     "count assignments by state")  # fmt: skip

_add("scheduling.obligations", "query", PageRequest, Obligations, _STAFF | _PROVIDER,
     "list what is to be done, by whom and when", "obligations")  # fmt: skip
_add("scheduling.summary", "query", TenantRequest, SchedulingSummary, _STAFF_AND_OPERATIONS,
     "count obligations by kind and state")  # fmt: skip

_add("billing.run_payments", "command", RunPayments, PaymentsRun, _MONEY,
     "post what has become payable and correct what has changed")  # fmt: skip
_add("billing.lines", "query", PageRequest, Lines, _STAFF | _PROVIDER,
     "list what is due to providers and why", "lines")  # fmt: skip
_add("billing.postings", "query", PageRequest, Postings, _STAFF | _PROVIDER, "list the ledger", "postings")
_add("billing.totals", "query", PageRequest, Totals, _STAFF | _PROVIDER, "add up payable lines", "totals")
_add("billing.explain", "query", AssignmentRequest, Explanation, _STAFF | _PROVIDER,
     "show the derivation of every krona of an assignment")  # fmt: skip
_add("billing.summary", "query", TenantRequest, BillingSummary, _STAFF_AND_OPERATIONS,
     "add up what was posted, by provider and kind")  # fmt: skip

_add("notifications.notices", "query", PageRequest, Notices, _STAFF | _PROVIDER,
     "list the notices that somebody is to get", "notices")  # fmt: skip
_add("notifications.messages", "query", PageRequest, Messages, _STAFF_AND_OPERATIONS,
     "list the messages sent and their delivery", "messages")  # fmt: skip
_add("notifications.summary", "query", TenantRequest, NotificationsSummary, _STAFF_AND_OPERATIONS,
     "count notices and messages")  # fmt: skip

for _service in ("assignment", "scheduling", "billing", "notifications"):
    _add(f"{_service}.positions", "query", TenantRequest, Positions, _OPERATIONS,
         "say how far the service has come with what was published")  # fmt: skip
    _add(f"{_service}.info", "query", Nothing, Info, _EVERYBODY, "say which version runs and how it is")
