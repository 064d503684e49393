"""The assignment service: messages to the employment service, from the draft to its feedback."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import AfAttemptOutcome, AfDispatchState, AfFeedbackKind, AfMessage
from .base import (
    CASE,
    MOST,
    PAGE,
    STAFF_AND_OPERATIONS,
    AssignmentRequest,
    CallerRole,
    Message,
    PageAnswer,
    PlainPageRequest,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
    rule_ids,
)

#: who puts aside and sends again
AF_CARE = CASE | {CallerRole.OPERATIONS}
#: free text of the feedback, characters at most
LONGEST_COMMENT = 4000


class DraftAfReport(AssignmentRequest):
    """`period`: which one of its kind: a number, a month, the id of a subsidy. `content` by kind, see
    `kundval_contracts.af.outgoing.CONTENTS`. `provider`: on whose behalf; null: the municipality's own.
    """

    kind = code(AfMessage, required=True)
    period = identifier(load_default="1")
    provider = identifier(load_default=None, allow_none=True)
    content = fields.Dict(keys=fields.String(), load_default=dict)


class AfDrafted(Message):
    """`dispatch` ends with the suffix of the resubmission, ``_0`` first."""

    dispatch = identifier(required=True)
    state = code(AfDispatchState, required=True)
    due = fields.Date(required=True, allow_none=True)


class DispatchRequest(TenantRequest):
    dispatch = identifier(required=True)


class AfDispatchRequest(AssignmentRequest):
    dispatch = identifier(required=True)


class AfSubmitted(Message):
    """`window`: of a final report, 1 to 3. `state` is MANUAL for a protected person: somebody hands it over."""

    state = code(AfDispatchState, required=True)
    late = fields.Boolean(required=True)
    window = count(1, required=True, allow_none=True)
    tracking = fields.UUID(required=True)


class AfState(Message):
    state = code(AfDispatchState, required=True)


class AfDispatchesRequest(TenantRequest):
    """The newest first; `before`: the number of the last row of the page before."""

    assignment = identifier(load_default=None, allow_none=True)
    state = code(AfDispatchState, load_default=None, allow_none=True)
    before = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 2**63 - 1))
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class AfDispatchRow(Message):
    """A message without its content. `overdue`: not submitted, and its day has passed. `trouble`: why it was not
    sent.
    """

    n = count(1, required=True)
    dispatch = identifier(required=True)
    assignment = identifier(required=True)
    kind = code(AfMessage, required=True)
    period = identifier(required=True)
    state = code(AfDispatchState, required=True)
    due = fields.Date(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    late = fields.Boolean(required=True)
    window = count(1, required=True, allow_none=True)
    submitted_on = fields.Date(required=True, allow_none=True)
    tracking = fields.UUID(required=True, allow_none=True)
    attempts = count(required=True)
    next_at = fields.AwareDateTime(required=True, allow_none=True)
    trouble = fields.String(required=True, allow_none=True)


class AfDispatches(Message):
    """`open_circuit`: why nobody is tried at present."""

    dispatches = fields.List(fields.Nested(AfDispatchRow), required=True)
    open_circuit = fields.String(required=True, allow_none=True)


class AfAttemptRow(Message):
    """`outcome` is null for one that is under way or was cut off."""

    number = count(1, required=True)
    began_at = fields.AwareDateTime(required=True)
    outcome = code(AfAttemptOutcome, required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)


class AfFeedbackRow(Message):
    """`comment`: the employment service's words; null if there are none or they are gone."""

    feedback = identifier(required=True)
    kind = code(AfFeedbackKind, required=True)
    on = fields.Date(required=True)
    order = identifier(required=True, allow_none=True)
    comment = fields.String(required=True, allow_none=True)


class AfDispatch(Message):
    """`content` is null if its ground holds no more."""

    dispatch = fields.Nested(AfDispatchRow, required=True)
    content = fields.Dict(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(AfAttemptRow), required=True)
    feedback = fields.List(fields.Nested(AfFeedbackRow), required=True)


class AfDueRow(Message):
    """A message that the facts ask for and that has not been submitted. `since`: the day that it follows from."""

    assignment = identifier(required=True)
    kind = code(AfMessage, required=True)
    period = identifier(required=True)
    since = fields.Date(required=True)
    due = fields.Date(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    dispatch = identifier(required=True, allow_none=True)
    rules = rule_ids()


class AfDue(PageAnswer):
    due = fields.List(fields.Nested(AfDueRow), required=True)


class AfFeedback(TenantRequest):
    """`feedback`: the employment service's id of it, by which it takes effect once. Names the message by `dispatch` or
    by `tracking`.
    """

    feedback = identifier(required=True)
    dispatch = identifier(load_default=None, allow_none=True)
    tracking = fields.UUID(load_default=None, allow_none=True)
    kind = code(AfFeedbackKind, required=True)
    on = fields.Date(required=True)
    order = identifier(load_default=None, allow_none=True)
    comment = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, LONGEST_COMMENT))

    @validates_schema(skip_on_field_errors=True)
    def _one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        if (data["dispatch"] is None) == (data["tracking"] is None):
            raise ValidationError("names `dispatch` or `tracking`, and not both", "dispatch")


add("assignment.draft_af_report", "command", DraftAfReport, AfDrafted, CASE,
    "write, or write anew, what is to be told to the employment service",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.submit_to_af", "command", DispatchRequest, AfSubmitted, CASE,
    "let a message go to the employment service",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.af_due", "query", PlainPageRequest, AfDue, CASE,
    "list what the facts ask to be told to the employment service",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.af_dispatches", "query", AfDispatchesRequest, AfDispatches, STAFF_AND_OPERATIONS,
    "list messages to the employment service and where they stand",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.af_dispatch", "query", AfDispatchRequest, AfDispatch, CASE,
    "read a message to the employment service, and what it said of it",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.resend_to_af", "command", DispatchRequest, AfState, AF_CARE,
    "send a message to the employment service again", reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.park_af", "command", DispatchRequest, AfState, AF_CARE,
    "put a message to the employment service aside", reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.af_feedback", "command", AfFeedback, AfState, CASE,
    "take in what the employment service says of a message",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
