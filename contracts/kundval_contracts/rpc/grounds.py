"""The assignment service: grounds on which something about a person is fetched, kept or passed on, and refusals."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import ConsentScope, DataKind, GateRefusal, LegalBasis, Purpose
from .base import (
    CASE,
    MOST,
    PAGE,
    CallerRole,
    Message,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
)

#: who sees that the gate stayed shut, and why
GATE_WATCH = frozenset({CallerRole.TEAM_MANAGER, CallerRole.CONTROLLER, CallerRole.OPERATIONS, CallerRole.SYSTEM})


class AboutPerson(TenantRequest):
    """About a person, named by its id or by an assignment of it."""

    person = identifier(load_default=None, allow_none=True)
    assignment = identifier(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        if (data["person"] is None) == (data["assignment"] is None):
            raise ValidationError("names `person` or `assignment`, and not both", "person")


class OpenGround(AboutPerson):
    """`provider`: the only one for whom it is a ground, null: for the municipality. `scope`: with the basis CONSENT,
    which consent of the client. `requester`: who asks, null: the caller. `reference`: a case in another register.
    """

    what = code(DataKind, required=True)
    purpose = code(Purpose, required=True)
    basis = code(LegalBasis, required=True)
    expires_on = fields.Date(required=True)
    requester = identifier(load_default=None, allow_none=True)
    provider = identifier(load_default=None, allow_none=True)
    reference = identifier(load_default=None, allow_none=True)
    scope = code(ConsentScope, load_default=None, allow_none=True)


class GroundOpened(Message):
    ground = identifier(required=True)


class EndGround(TenantRequest):
    ground = identifier(required=True)


class GroundEnded(Message):
    """False if somebody had ended it before."""

    ended = fields.Boolean(required=True)


class GroundsRequest(AboutPerson):
    what = code(DataKind, load_default=None, allow_none=True)


class GroundRow(Message):
    """`holds_until`: the first day on which it holds no more, as far as is known; `holds`: on the business date.
    `records`: how many things are kept on it.
    """

    ground = identifier(required=True)
    what = code(DataKind, required=True)
    purpose = code(Purpose, required=True)
    basis = code(LegalBasis, required=True)
    requester = fields.String(required=True)
    provider = identifier(required=True, allow_none=True)
    scope = code(ConsentScope, required=True, allow_none=True)
    reference = identifier(required=True, allow_none=True)
    since = fields.Date(required=True)
    expires_on = fields.Date(required=True)
    holds_until = fields.Date(required=True)
    holds = fields.Boolean(required=True)
    records = count(required=True)


class Grounds(Message):
    person = identifier(required=True)
    grounds = fields.List(fields.Nested(GroundRow), required=True)


class RefusalsRequest(TenantRequest):
    """The newest first; `before`: the number of the last row of the page before."""

    before = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 2**63 - 1))
    what = code(DataKind, load_default=None, allow_none=True)
    code = code(GateRefusal, load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class RefusalRow(Message):
    """`on`: the business date. `person` is null for what was about nobody here."""

    n = count(1, required=True)
    at = fields.AwareDateTime(required=True)
    on = fields.Date(required=True)
    person = identifier(required=True, allow_none=True)
    what = code(DataKind, required=True)
    purpose = code(Purpose, required=True)
    requester = fields.String(required=True)
    code = code(GateRefusal, required=True)


class Refusals(Message):
    refusals = fields.List(fields.Nested(RefusalRow), required=True)


add("assignment.open_ground", "command", OpenGround, GroundOpened, CASE,
    "record on which legal basis, for what and until when data about a person is used",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.end_ground", "command", EndGround, GroundEnded, CASE,
    "end a ground, and let go of what was kept on it",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.grounds", "query", GroundsRequest, Grounds, CASE,
    "list on which grounds data about a person is used",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.gate_refusals", "query", RefusalsRequest, Refusals, GATE_WATCH,
    "list what was refused for want of a legal ground",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
