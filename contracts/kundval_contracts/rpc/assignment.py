"""The assignment service: tenants, the record of facts, where an assignment stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields, validate

from ..codes import AssignmentState, FactKind, Programme, TargetGroup
from ..inputs import ClientSchema, PlanSchema, ProviderSchema
from ..profiles import municipality_faults, profiles
from ..settings import SettingsFault, read_settings, read_tariffs
from .base import (
    CASE,
    OPERATIONS,
    PROVIDER,
    STAFF,
    STAFF_AND_OPERATIONS,
    AssignmentRequest,
    FactItem,
    Message,
    PageAnswer,
    PageRequest,
    Reach,
    Shaped,
    Shield,
    TenantRequest,
    add,
    batch,
    code,
    count,
    identifier,
    rule_ids,
)


def _readable(read: Callable[[Any], Any]) -> Callable[[Any], None]:
    """A validator that names what `read` finds wrong, so that all faults of a request come at once."""

    def check(value: Any) -> None:
        """As settings and tariffs are written: docs/reference/settings.md."""
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


class _Complete(validate.Validator):
    """A municipality whose profile is complete; what another one lacks is a fault each, by path."""

    @property
    def choices(self) -> list[str]:
        return list(profiles())

    def __call__(self, value: str) -> str:
        messages: dict[str, list[str]] = {}
        for path, message in municipality_faults(value):
            messages.setdefault(path.removeprefix("municipality").removeprefix(".") or "_schema", []).append(message)
        if messages:
            raise ValidationError(messages)
        return value


class OpenTenant(TenantRequest):
    """Without `settings` those of the deployment hold; with them, the profile's and what is given."""

    municipality = fields.String(required=True, validate=_Complete())
    settings = fields.Dict(keys=fields.String(), load_default=None, allow_none=True, validate=_readable(read_settings))
    tariffs = fields.List(fields.Dict(keys=fields.String()), load_default=list, validate=_readable(read_tariffs))
    providers = fields.List(Shaped(ProviderSchema), required=True)


class TenantOpened(Message):
    tenant = identifier(required=True)


class NewAssignment(Message):
    id = identifier(required=True)
    programme = code(Programme, required=True)
    delivery_area = fields.String(load_default=None, allow_none=True)
    client = Shaped(ClientSchema, required=True)
    plan = Shaped(PlanSchema, load_default=None, allow_none=True)
    person = identifier(load_default=None, allow_none=True)


class Register(TenantRequest):
    assignments = batch(fields.Nested(NewAssignment))


class Registered(Message):
    registered = count(required=True)


class RecordFacts(TenantRequest):
    facts = batch(FactItem())
    keep_refused = fields.Boolean(load_default=False)


class Rejection(Message):
    assignment = identifier(required=True)
    fact = fields.Integer(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    rules = rule_ids()


class FactsRecorded(Message):
    recorded = count(required=True)
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
    fact = code(FactKind, required=True)
    on = fields.Date(required=True)
    known_on = fields.Date(required=True)
    place = fields.Integer(required=True)
    in_effect = fields.Boolean(required=True)
    code = fields.String(allow_none=True)
    rules = fields.List(fields.String())


class State(Message):
    """`groups`: the target groups matched at the decision, the primary one first (AMI-1.3-f)."""

    assignment = identifier(required=True)
    programme = code(Programme, required=True)
    delivery_area = fields.String(allow_none=True)
    state = code(AssignmentState, required=True)
    provider = identifier(required=True, allow_none=True)
    groups = fields.List(code(TargetGroup), required=True)
    facts = fields.List(fields.Nested(FactState), required=True)


class AssignmentSummary(Message):
    tenant = identifier(required=True)
    business_date = fields.Date(required=True, allow_none=True)
    assignments = count(required=True)
    facts = count(required=True)
    states = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    rejections = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class Derivation(Message):
    """How a service came to what it holds about one assignment; rows are as each service documents them."""

    assignment = identifier(required=True)
    rows = fields.List(fields.Dict(keys=fields.String()), required=True)


add("assignment.open_tenant", "command", OpenTenant, TenantOpened, OPERATIONS,
    "open a municipality with its settings, tariffs and providers",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.register", "command", Register, Registered, CASE, "register assignments",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.record_facts", "command", RecordFacts, FactsRecorded, STAFF | PROVIDER,
    "state facts about assignments",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.withdraw_fact", "command", WithdrawFact, FactWithdrawn, CASE,
    "take back a fact that was stated by mistake",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.open_day", "command", OpenDay, DayOpened, OPERATIONS, "move the business date forward",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.rejections", "query", PageRequest, Rejections, STAFF_AND_OPERATIONS,
    "list the facts that the rules refuse",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, rows="rejections")  # fmt: skip
add("assignment.state", "query", AssignmentRequest, State, STAFF | PROVIDER,
    "show where an assignment stands",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.MASKED, personal=True)  # fmt: skip
add("assignment.explain", "query", AssignmentRequest, Derivation, STAFF,
    "show how the facts of an assignment were judged",
    reach=Reach.NOTHING, shield=Shield.MASKED, personal=True)  # fmt: skip
add("assignment.summary", "query", TenantRequest, AssignmentSummary, STAFF_AND_OPERATIONS,
    "count assignments by state",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
