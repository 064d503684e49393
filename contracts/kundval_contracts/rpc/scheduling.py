"""The scheduling service: what is to be done, by whom and when."""

from __future__ import annotations

from marshmallow import fields

from ..codes import ObligationKind, ObligationState, Role
from .base import (
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


class Obligation(Message):
    assignment = identifier(required=True)
    kind = code(ObligationKind, required=True)
    sequence = fields.Integer(required=True)
    due = fields.Date(required=True, allow_none=True)
    responsible = code(Role, required=True)
    state = code(ObligationState, required=True)
    met_on = fields.Date(required=True, allow_none=True)
    rules = rule_ids()


class Obligations(PageAnswer):
    obligations = fields.List(fields.Nested(Obligation), required=True)


class SchedulingSummary(Message):
    """`obligations`: kind -> state -> number."""

    tenant = identifier(required=True)
    obligations = fields.Dict(
        keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Integer()), required=True
    )


add("scheduling.obligations", "query", PageRequest, Obligations, STAFF | PROVIDER,
    "list what is to be done, by whom and when",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS, rows="obligations")  # fmt: skip
add("scheduling.summary", "query", TenantRequest, SchedulingSummary, STAFF_AND_OPERATIONS,
    "count obligations by kind and state",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
