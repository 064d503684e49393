"""The scheduling service: what is to be done, by whom and when."""

from __future__ import annotations

from marshmallow import fields, validate

from ..codes import ObligationKind, ObligationState, Role
from .base import (
    MOST,
    PAGE,
    PROVIDER,
    STAFF,
    STAFF_AND_OPERATIONS,
    Message,
    PageAnswer,
    PageRequest,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    identifier,
    rule_ids,
)


class EscalationStep(Message):
    """`to` hears of the delay on `on`, if it is one by then."""

    to = code(Role, required=True)
    on = fields.Date(required=True)


class Obligation(Message):
    """`remind_on`: the day of the reminder, `overdue_after`: the last day in time, with the tolerance. `escalation`:
    who else hears of a delay; empty, like `remind_on` null, for what is met or cancelled, or has no due day.
    """

    assignment = identifier(required=True)
    kind = code(ObligationKind, required=True)
    sequence = fields.Integer(required=True)
    due = fields.Date(required=True, allow_none=True)
    responsible = code(Role, required=True)
    state = code(ObligationState, required=True)
    met_on = fields.Date(required=True, allow_none=True)
    rules = rule_ids()
    remind_on = fields.Date(required=True, allow_none=True)
    overdue_after = fields.Date(required=True, allow_none=True)
    escalation = fields.List(fields.Nested(EscalationStep), required=True)


class Obligations(PageAnswer):
    obligations = fields.List(fields.Nested(Obligation), required=True)


class ProviderObligationsRequest(TenantRequest):
    """A provider sees what is about itself, whatever it asks for."""

    provider = identifier(load_default=None, allow_none=True)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class ProviderObligation(Message):
    """What must have been done about a provider: a visit of supervision (NACKA-18)."""

    provider = identifier(required=True)
    kind = code(ObligationKind, required=True)
    sequence = fields.Integer(required=True)
    due = fields.Date(required=True)
    responsible = code(Role, required=True)
    state = code(ObligationState, required=True)
    met_on = fields.Date(required=True, allow_none=True)
    rules = rule_ids()


class ProviderObligations(PageAnswer):
    obligations = fields.List(fields.Nested(ProviderObligation), required=True)


class SchedulingSummary(Message):
    """`obligations`: kind -> state -> number."""

    tenant = identifier(required=True)
    obligations = fields.Dict(
        keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Integer()), required=True
    )


add("scheduling.obligations", "query", PageRequest, Obligations, STAFF | PROVIDER,
    "list what is to be done, by whom and when",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS, rows="obligations")  # fmt: skip
add("scheduling.provider_obligations", "query", ProviderObligationsRequest, ProviderObligations, STAFF | PROVIDER,
    "list when providers are to be looked at next (NACKA-18)",
    reach=Reach.ITSELF, shield=Shield.NONE, rows="obligations")  # fmt: skip
add("scheduling.summary", "query", TenantRequest, SchedulingSummary, STAFF_AND_OPERATIONS,
    "count obligations by kind and state",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
