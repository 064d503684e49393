"""The billing service: lines, the ledger, payment runs."""

from __future__ import annotations

from marshmallow import fields, validate

from ..codes import LineKind, LineStatus
from ..money import MoneyField
from .base import (
    MONEY,
    PROVIDER,
    STAFF,
    STAFF_AND_OPERATIONS,
    AssignmentRequest,
    Message,
    PageAnswer,
    PageRequest,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
    rule_ids,
)


class RunPayments(TenantRequest):
    run = fields.Date(required=True)


class PaymentsRun(Message):
    """`problems`: assignments of which nothing could be posted; `billing.problems` lists them."""

    tenant = identifier(required=True)
    run = fields.Date(required=True)
    postings = count(required=True)
    amount = MoneyField(required=True)
    problems = count()


class _LineKey(Message):
    assignment = identifier(required=True)
    provider = identifier(required=True)
    kind = code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    amount = MoneyField(required=True)


class Line(_LineKey):
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    currency = fields.String(required=True, validate=validate.Equal("SEK"))
    status = code(LineStatus, required=True)
    payable_from = fields.Date(required=True, allow_none=True)
    rules = rule_ids()
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
    kind = code(LineKind, required=True)
    amount = MoneyField(required=True)


class Totals(PageAnswer):
    totals = fields.List(fields.Nested(Total), required=True)


class Said(Message):
    """A sentence by its code and the values in it, to be said in another language."""

    code = fields.String(required=True)
    values = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class Step(Message):
    """A row of a derivation: `amount` starts or adds, `factor` multiplies what stands so far, `divisor` divides it."""

    what = fields.String(required=True)
    amount = fields.String()
    factor = fields.String()
    divisor = fields.String()
    said = fields.Nested(Said)
    facts = fields.List(fields.String())


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
    kind = code(LineKind, required=True)
    postings = count(required=True)
    amount = MoneyField(required=True)


class BillingSummary(Message):
    """What was posted, by provider and kind; `corrections` are postings that take an earlier one back."""

    tenant = identifier(required=True)
    paid = fields.List(fields.Nested(Paid), required=True)
    amount = MoneyField(required=True)
    corrections = count(required=True)
    corrected = MoneyField(required=True)
    lines = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


add("billing.run_payments", "command", RunPayments, PaymentsRun, MONEY,
    "post what has become payable and correct what has changed",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.lines", "query", PageRequest, Lines, STAFF | PROVIDER,
    "list what is due to providers and why",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS, rows="lines")  # fmt: skip
add("billing.postings", "query", PageRequest, Postings, STAFF | PROVIDER, "list the ledger",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS, rows="postings")  # fmt: skip
add("billing.totals", "query", PageRequest, Totals, STAFF | PROVIDER, "add up payable lines",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS, rows="totals")  # fmt: skip
add("billing.explain", "query", AssignmentRequest, Explanation, STAFF | PROVIDER,
    "show the derivation of every krona of an assignment",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS)  # fmt: skip
add("billing.summary", "query", TenantRequest, BillingSummary, STAFF_AND_OPERATIONS,
    "add up what was posted, by provider and kind",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
