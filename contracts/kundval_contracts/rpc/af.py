"""The assignment service: what the employment service (Arbetsförmedlingen, AF) tells, by whatever way it comes.

Nothing of it is fetched, kept or shown without a ground for that purpose: see `assignment.open_ground`.
"""

from __future__ import annotations

from marshmallow import fields, validate

from ..af import decisions, orders, status
from ..codes import (
    AfAgency,
    AfCheckMoment,
    AfCheckResult,
    AfErrorSource,
    AfFault,
    AfOrderOutcome,
    LegalBasis,
    Purpose,
    RefusalCode,
)
from .base import (
    CASE,
    MOST,
    OPERATIONS,
    PAGE,
    STAFF_AND_OPERATIONS,
    AssignmentRequest,
    Message,
    PageAnswer,
    PlainPageRequest,
    Reach,
    Shaped,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
)

#: orders or decisions of one document, at most
BATCH = 100


class StatusRequest(AssignmentRequest):
    """`purpose`: for which the status is used, declared to who is asked. `provider`: for whom, as the ground says."""

    purpose = code(Purpose, load_default=Purpose.FINANCIAL_ASSISTANCE)
    provider = identifier(load_default=None, allow_none=True)


class FetchStatus(StatusRequest):
    """`state`: also state the registration about the intervention, which takes a ground for that. `af_check`: what the
    caller has found out about the employment service's own measures (NACKA-4), to be stated with it.
    """

    state = fields.Boolean(load_default=False)
    af_check = code(AfCheckResult, load_default=None, allow_none=True)


class ReceiveStatus(FetchStatus):
    """`status`: `af.jobseeker_status.v1`. `identity_number`: about whom it says that it is, if it does."""

    identity_number = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 20))
    status = fields.Nested(status.JobseekerStatusSchema, required=True)


class AgencyFaultRow(Message):
    agency = code(AfAgency, required=True)
    source = code(AfErrorSource, required=True)
    code = identifier(required=True, allow_none=True)


class StatusKept(Message):
    """`stated`: ids of the facts that followed. `faults`: agencies that did not answer. What the status says is asked
    for by `assignment.af_status`.
    """

    assignment = identifier(required=True)
    record = identifier(required=True)
    expires_on = fields.Date(required=True)
    stated = fields.List(identifier(), required=True)
    faults = fields.List(fields.Nested(AgencyFaultRow), required=True)


class KeptStatus(Message):
    """`status`: `af.jobseeker_status.v1`. It is gone on `expires_on` at the latest."""

    record = identifier(required=True)
    kept_on = fields.Date(required=True)
    expires_on = fields.Date(required=True)
    status = Shaped(status.JobseekerStatusSchema, required=True)


class Statuses(Message):
    assignment = identifier(required=True)
    statuses = fields.List(fields.Nested(KeptStatus), required=True)


class _OpensGround(Message):
    """`basis` and `expires_on`, both of them: the ground that is opened with what is handed in, if none holds yet."""

    basis = code(LegalBasis, load_default=None, allow_none=True)
    expires_on = fields.Date(load_default=None, allow_none=True)


class OneOrder(Message):
    """`order`: a version of it, `af.order.v1`. `assignment`: one that was registered for it by hand. `delivery_area`:
    of an assignment that it begins.
    """

    identity_number = fields.String(required=True, validate=validate.Length(1, 20))
    order = fields.Nested(orders.OrderSchema, required=True)
    assignment = identifier(load_default=None, allow_none=True)
    delivery_area = identifier(load_default=None, allow_none=True)


class ReceiveOrders(TenantRequest, _OpensGround):
    """All of a document, or none of them."""

    orders = fields.List(fields.Nested(OneOrder), required=True, validate=validate.Length(1, BATCH))


class OrderReceived(Message):
    order = identifier(required=True)
    assignment = identifier(required=True, allow_none=True)
    outcome = code(AfOrderOutcome, required=True)
    fault = code(AfFault, required=True, allow_none=True)


class OrdersReceived(Message):
    """One for each, as they were given."""

    orders = fields.List(fields.Nested(OrderReceived), required=True)


class OrdersRequest(TenantRequest):
    """In the order in which they were received; `after`: `next` of the page before."""

    assignment = identifier(load_default=None, allow_none=True)
    outcome = code(AfOrderOutcome, load_default=None, allow_none=True)
    after = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 2**63 - 1))
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class OrderRow(Message):
    """A version of an order, by ids, codes and half-open periods. State, service and track are AF's own codes."""

    n = count(1, required=True)
    order = identifier(required=True)
    former_order = identifier(required=True, allow_none=True)
    state = identifier(required=True)
    service = identifier(required=True)
    track = identifier(required=True)
    order_from = fields.Date(required=True)
    order_to = fields.Date(required=True)
    intervention_from = fields.Date(required=True, allow_none=True)
    intervention_to = fields.Date(required=True, allow_none=True)
    assignment = identifier(required=True, allow_none=True)
    outcome = code(AfOrderOutcome, required=True)
    fault = code(AfFault, required=True, allow_none=True)
    received_at = fields.AwareDateTime(required=True)


class Orders(PageAnswer):
    orders = fields.List(fields.Nested(OrderRow), required=True)


class OneDecision(Message):
    """`decision`: `af.subsidy_decision.v1`."""

    assignment = identifier(required=True)
    decision = fields.Nested(decisions.SubsidyDecisionSchema, required=True)


class ReceiveDecisions(TenantRequest, _OpensGround):
    """All of a document, or none of them."""

    decisions = fields.List(fields.Nested(OneDecision), required=True, validate=validate.Length(1, BATCH))


class DecisionReceived(Message):
    """`in_effect`: false while the rules refuse the step, with the reason in `code`; it is judged again by itself."""

    assignment = identifier(required=True)
    fact = identifier(required=True)
    in_effect = fields.Boolean(required=True)
    code = code(RefusalCode, required=True, allow_none=True)


class DecisionsReceived(Message):
    """One for each, as they were given."""

    decisions = fields.List(fields.Nested(DecisionReceived), required=True)


class CheckRow(Message):
    """A look-up of the registration that has not been made: for which moment, and since when it is due. `grounded`:
    the municipality has the grounds that `assignment.fetch_af_status` with `state` asks for.
    """

    assignment = identifier(required=True)
    moment = code(AfCheckMoment, required=True)
    due = fields.Date(required=True)
    grounded = fields.Boolean(required=True)


class Checks(PageAnswer):
    """A page of assignments that are looked at; those without a look-up that is due are left out of it."""

    checks = fields.List(fields.Nested(CheckRow), required=True)


add("assignment.fetch_af_status", "command", FetchStatus, StatusKept, CASE,
    "ask the employment service for a client's status as jobseeker, and keep it on its ground",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.receive_af_status", "command", ReceiveStatus, StatusKept, OPERATIONS,
    "take in a client's status as jobseeker that came as a file",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.af_status", "query", StatusRequest, Statuses, CASE,
    "show what is kept of a client's status as jobseeker, for a purpose",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.receive_af_orders", "command", ReceiveOrders, OrdersReceived, OPERATIONS,
    "take in orders of the employment service to the municipality as its supplier",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.af_orders", "query", OrdersRequest, Orders, STAFF_AND_OPERATIONS,
    "list orders of the employment service, and what came of each",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, rows="orders")  # fmt: skip
add("assignment.receive_af_decisions", "command", ReceiveDecisions, DecisionsReceived, OPERATIONS,
    "take in decisions of the employment service on wage subsidies",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.af_checks", "query", PlainPageRequest, Checks, STAFF_AND_OPERATIONS,
    "list look-ups of clients' registration as jobseekers that are due",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, rows="checks")  # fmt: skip
