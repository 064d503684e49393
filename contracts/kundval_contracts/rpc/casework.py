"""The assignment service: what a case worker asks beside the record of facts."""

from __future__ import annotations

from marshmallow import fields, validate

from ..codes import AssignmentState, AttentionKind, ConsentScope, ExitKind, Programme
from ..inputs import ClientSchema
from .base import (
    CASE,
    PROVIDER,
    STAFF,
    AssignmentRequest,
    FactItem,
    Message,
    PageAnswer,
    PageRequest,
    PlainPageRequest,
    Reach,
    Shaped,
    Shield,
    TenantRequest,
    add,
    code,
    identifier,
    rule_ids,
)

LANGUAGES = ("sv", "en")


class EbApplication(TenantRequest):
    """Somebody has applied for financial assistance. `assignment` and `programme`: what a referral would be called."""

    assignment = identifier(required=True)
    programme = code(Programme, required=True)
    on = fields.Date(required=True)
    client = Shaped(ClientSchema, required=True)
    person = identifier(load_default=None, allow_none=True)


class EbApplicationTaken(Message):
    referred = fields.Boolean(required=True)


class ExitChecklistRequest(TenantRequest):
    """`exit` is the fact `exited` as it would be stated; its assignment is the one that is asked about."""

    exit = FactItem(required=True)


class ChecklistItem(Message):
    """`needed`: without it the exit leads to no premium and no bonus, or not yet; else it is advice."""

    what = fields.String(required=True)
    done = fields.Boolean(required=True)
    needed = fields.Boolean(required=True)
    rules = rule_ids()


class ExitChecklist(Message):
    assignment = identifier(required=True)
    kind = code(ExitKind, required=True)
    items = fields.List(fields.Nested(ChecklistItem), required=True)


class ConsentRequest(AssignmentRequest):
    """`on`: the day of the contact; without it the business date."""

    scope = code(ConsentScope, required=True)
    on = fields.Date(load_default=None, allow_none=True)


class ConsentAnswer(Message):
    holds = fields.Boolean(required=True)


class Handoff(Message):
    """What the employment service's coordinator is told: no less and no more (AMI-2.2-c)."""

    client = identifier(required=True)
    intervention = code(Programme, required=True)
    goals = fields.String(required=True, allow_none=True)


class BipRequest(AssignmentRequest):
    lang = fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


class BipAssessment(Message):
    on = fields.Date(required=True)
    scores = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class BipDiagram(Message):
    """The self-assessments in order, and the spider diagram of them over time as SVG (empty without any)."""

    assignment = identifier(required=True)
    areas = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    assessments = fields.List(fields.Nested(BipAssessment), required=True)
    svg = fields.String(required=True)


class AssignmentRow(Message):
    """`provider`: who has the client, is asked to, or had it last; masked for a protected person."""

    assignment = identifier(required=True)
    programme = code(Programme, required=True)
    state = code(AssignmentState, required=True)
    provider = identifier(required=True, allow_none=True)


class AssignmentRows(PageAnswer):
    assignments = fields.List(fields.Nested(AssignmentRow), required=True)


class AttentionRow(Message):
    assignment = identifier(required=True)
    kind = code(AttentionKind, required=True)
    since = fields.Date(required=True)
    rules = rule_ids()


class AttentionRows(PageAnswer):
    attention = fields.List(fields.Nested(AttentionRow), required=True)


add("assignment.eb_application", "command", EbApplication, EbApplicationTaken, CASE,
    "take in an application for financial assistance; refer the applicant where all are referred",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.assignments", "query", PageRequest, AssignmentRows, STAFF | PROVIDER,
    "list assignments, or those of one provider",
    reach=Reach.OWN_ROWS, shield=Shield.MASKED, personal=True, rows="assignments")  # fmt: skip
add("assignment.exit_checklist", "query", ExitChecklistRequest, ExitChecklist, STAFF | PROVIDER,
    "show what should be done before an exit",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.consent", "query", ConsentRequest, ConsentAnswer, STAFF | PROVIDER,
    "say whether the client's consent to the provider in charge holds",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.coordinator_handoff", "query", AssignmentRequest, Handoff, CASE,
    "show what the employment service's coordinator is to be told, where that may be",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.bip", "query", BipRequest, BipDiagram, STAFF | PROVIDER,
    "show a client's self-assessments as a spider diagram",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.attention", "query", PlainPageRequest, AttentionRows, STAFF,
    "list what a case worker should look at",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, rows="attention")  # fmt: skip
