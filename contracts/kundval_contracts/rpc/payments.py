"""Payments over the ledger: proposed, checked, attested, approved, released, acknowledged, reconciled.

Free text (`reason`, `note`) stays in billing and is shown to staff alone. Payments, entries and holds have numbers, and
the lists are paged by them: `after` is the last number seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import (
    BalancePart,
    Direction,
    HoldReason,
    LineKind,
    PaymentAct,
    PaymentOutcome,
    PaymentState,
    Programme,
    RunProblem,
)
from ..money import MoneyField
from .base import (
    MONEY,
    MOST,
    PAGE,
    PROVIDER,
    STAFF,
    CallerRole,
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

#: who may attest: persons of the municipality who answer for money; a program never
ATTESTERS = frozenset({CallerRole.CONTROLLER, CallerRole.TEAM_MANAGER})
#: who checks and reads payments
PAYMENTS = MONEY | ATTESTERS

_MONTH = re.compile(r"\A[0-9]{4}-(0[1-9]|1[0-2])\Z")


class MonthField(fields.Field[date]):
    """A month as ``"2024-05"``; its first day inside. It has a month after it: dates end with 9999."""

    default_error_messages = {"invalid": "must be a month such as 2024-05"}  # noqa: RUF012 (marshmallow's own way)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> date:
        if not isinstance(value, str) or not _MONTH.match(value) or not "0001" <= value < "9999-12":
            raise self.make_error("invalid")
        return date.fromisoformat(f"{value}-01")

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return value if value is None or isinstance(value, str) else value.isoformat()[:7]

    def _jsonschema_type_mapping(self) -> dict[str, str]:
        return {"type": "string", "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])$"}


def number(**kwargs: Any) -> fields.Integer:
    """The number of a payment, an entry or a hold."""
    return fields.Integer(strict=True, validate=validate.Range(1, 2**63 - 1), **kwargs)


def words(**kwargs: Any) -> fields.String:
    """What a person writes; for staff alone."""
    return fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 1000), **kwargs)


class NumberedPageRequest(TenantRequest):
    """A page of what has numbers: `limit` of them after the number `after`."""

    after = number(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class NumberedPage(Message):
    next = number(required=True, allow_none=True)


# ---------------------------------------------------------------- payments


class PaymentRow(Message):
    """`number`: the how many-th of its run, provider and direction. `amount`: of its entries, without VAT; negative if
    more is taken back than is new. `attestations`: by how many persons. `problem`: why it is parked.
    """

    payment = number(required=True)
    run = fields.Date(required=True)
    provider = identifier(required=True)
    direction = code(Direction, required=True)
    number = count(1, required=True)
    amount = MoneyField(required=True)
    entries = count(1, required=True)
    proposed_on = fields.Date(required=True)
    self_billing = fields.Boolean(required=True)
    state = code(PaymentState, required=True)
    attestations = count(required=True)
    problem = identifier(required=True, allow_none=True)
    voucher = identifier(required=True, allow_none=True)


class ProposePayments(TenantRequest):
    run = fields.Date(required=True)


class NotProposed(Message):
    provider = identifier(required=True)
    direction = code(Direction, required=True)
    code = identifier(required=True)


class PaymentsProposed(Message):
    """`payments`: proposed now, or taken up again after they were parked. `failed`: of whom none could be made."""

    tenant = identifier(required=True)
    run = fields.Date(required=True)
    payments = fields.List(fields.Nested(PaymentRow), required=True)
    failed = fields.List(fields.Nested(NotProposed), required=True)


class PaymentsRequest(NumberedPageRequest):
    run = fields.Date(load_default=None, allow_none=True)
    provider = identifier(load_default=None, allow_none=True)
    direction = code(Direction, load_default=None, allow_none=True)
    state = code(PaymentState, load_default=None, allow_none=True)


class Payments(NumberedPage):
    payments = fields.List(fields.Nested(PaymentRow), required=True)


class PaymentRequest(TenantRequest):
    payment = number(required=True)


class PaymentPageRequest(NumberedPageRequest):
    """One payment with the entries after the number `after`."""

    payment = number(required=True)


class PaymentReason(PaymentRequest):
    reason = words()


class PaymentEntry(Message):
    """An entry of the ledger. The period is half-open; entries from before periods were kept have none."""

    entry = number(required=True)
    assignment = identifier(required=True)
    provider = identifier(required=True)
    programme = code(Programme, required=True, allow_none=True)
    kind = code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    run = fields.Date(required=True)
    amount = MoneyField(required=True)
    reverses = fields.Date(required=True, allow_none=True)
    starts = fields.Date(required=True, allow_none=True)
    ends = fields.Date(required=True, allow_none=True)


class PaymentDone(Message):
    """One act, on the business date `on`. A provider is not told who did it or why."""

    number = count(1, required=True)
    act = code(PaymentAct, required=True)
    who = fields.String(required=True, allow_none=True)
    role = code(CallerRole, required=True, allow_none=True)
    on = fields.Date(required=True)
    reference = identifier(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    recorded_at = fields.AwareDateTime(required=True)


class Payment(PaymentRow):
    """`due`: what is to be paid, with VAT where the documents have any. `lines`: a page of its entries."""

    due = MoneyField(required=True)
    documents = fields.List(identifier(), required=True)
    acts = fields.List(fields.Nested(PaymentDone), required=True)
    lines = fields.List(fields.Nested(PaymentEntry), required=True)
    next = number(required=True, allow_none=True)


class ReleasePayments(TenantRequest):
    """One payment, or all of a run that are ready."""

    run = fields.Date(load_default=None, allow_none=True)
    payment = number(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        if (data["run"] is None) == (data["payment"] is None):
            raise ValidationError("name a run or a payment", "run")


class PaymentsReleased(Message):
    """`released` now; those released before are passed over. `parked`: of which no document could be issued."""

    tenant = identifier(required=True)
    released = fields.List(number(), required=True)
    parked = fields.List(number(), required=True)


# ---------------------------------------------------------------- the accounting system


class AcknowledgePayment(PaymentRequest):
    """`amount`: with VAT, where the documents of the payment have any."""

    voucher = identifier(required=True)
    amount = MoneyField(required=True)
    outcome = code(PaymentOutcome, required=True)


class AccountingRow(Message):
    """What the accounting system has, by a document or by a voucher. A credit note has a negative amount."""

    document = identifier(load_default=None, allow_none=True)
    voucher = identifier(load_default=None, allow_none=True)
    amount = MoneyField(required=True)

    @validates_schema(skip_on_field_errors=True)
    def _one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        if (data["document"] is None) == (data["voucher"] is None):
            raise ValidationError("name a document or a voucher", "document")


class Reconcile(TenantRequest):
    run = fields.Date(load_default=None, allow_none=True)
    rows = fields.List(fields.Nested(AccountingRow), required=True, validate=validate.Length(0, MOST * 10))


class Reconciliation(Message):
    """A payment as both have it; `theirs` is null where they have none."""

    payment = number(required=True)
    provider = identifier(required=True)
    ours = MoneyField(required=True)
    theirs = MoneyField(required=True, allow_none=True)


class Reconciled(Message):
    """`not_theirs`: released, and they have no row. `not_ours`: rows of theirs for which nothing was released.
    `different`: their amount is another. `unacknowledged`: they have it and have not said so. `matched`: reconciled.
    """

    tenant = identifier(required=True)
    matched = fields.List(fields.Nested(Reconciliation), required=True)
    different = fields.List(fields.Nested(Reconciliation), required=True)
    unacknowledged = fields.List(fields.Nested(Reconciliation), required=True)
    not_theirs = fields.List(fields.Nested(Reconciliation), required=True)
    not_ours = fields.List(fields.Nested(AccountingRow), required=True)


# ---------------------------------------------------------------- holds


class HoldRequest(TenantRequest):
    """Of a provider, an assignment, a provider's part of an assignment, or one line (all four fields)."""

    provider = identifier(load_default=None, allow_none=True)
    assignment = identifier(load_default=None, allow_none=True)
    kind = code(LineKind, load_default=None, allow_none=True)
    sequence = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(0, 2**31 - 1))
    reason = code(HoldReason, required=True)
    note = words()

    @validates_schema(skip_on_field_errors=True)
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if data["provider"] is None and data["assignment"] is None:
            raise ValidationError("name a provider or an assignment", "provider")
        if (data["kind"] is None) != (data["sequence"] is None):
            raise ValidationError("a line has a kind and a sequence", "sequence")
        if data["kind"] is not None and (data["provider"] is None or data["assignment"] is None):
            raise ValidationError("a line has a provider and an assignment", "kind")


class HoldEnd(TenantRequest):
    hold = number(required=True)
    note = words()


class HoldAnswer(Message):
    """`payments`: those that are held from now on, or are so no longer by this hold."""

    hold = number(required=True)
    payments = fields.List(number(), required=True)


class Hold(Message):
    """`ended_on` is null while it holds."""

    hold = number(required=True)
    provider = identifier(required=True, allow_none=True)
    assignment = identifier(required=True, allow_none=True)
    kind = code(LineKind, required=True, allow_none=True)
    sequence = fields.Integer(required=True, allow_none=True)
    reason = code(HoldReason, required=True)
    note = fields.String(required=True, allow_none=True)
    who = fields.String(required=True)
    placed_on = fields.Date(required=True)
    ended_on = fields.Date(required=True, allow_none=True)


class Holds(NumberedPage):
    holds = fields.List(fields.Nested(Hold), required=True)


# ---------------------------------------------------------------- runs, balances, periods


class Problem(Message):
    """An assignment of which the run could post nothing; a row for each provider concerned, null if none is known."""

    assignment = identifier(required=True)
    provider = identifier(required=True, allow_none=True)
    run = fields.Date(required=True)
    code = code(RunProblem, required=True)


class Problems(PageAnswer):
    problems = fields.List(fields.Nested(Problem), required=True)


class BalancesRequest(TenantRequest):
    """At the end of the day `on`, the business date if it is not given."""

    provider = identifier(load_default=None, allow_none=True)
    on = fields.Date(load_default=None, allow_none=True)


class Part(Message):
    part = code(BalancePart, required=True)
    entries = count(required=True)
    amount = MoneyField(required=True)


class Balance(Message):
    """Debits are positive, credits negative. The parts add up to the balance."""

    account = fields.String(required=True)
    balance = MoneyField(required=True)
    parts = fields.List(fields.Nested(Part), required=True)


class Balances(Message):
    tenant = identifier(required=True)
    on = fields.Date(required=True)
    balances = fields.List(fields.Nested(Balance), required=True)


class ClosePeriod(TenantRequest):
    month = MonthField(required=True)


class PeriodClosed(Message):
    """`carried`: entries that are held or parked and left to a later run, and their sum."""

    tenant = identifier(required=True)
    month = MonthField(required=True)
    carried = count(required=True)
    amount = MoneyField(required=True)


class CorrectionsRequest(NumberedPageRequest):
    month = MonthField(required=True)


class Correction(PaymentEntry):
    """An entry that takes back or replaces a posting about days of the month, in a run after it."""

    because = fields.String(required=True)
    rules = rule_ids()


class Corrections(NumberedPage):
    closed = fields.Boolean(required=True)
    corrections = fields.List(fields.Nested(Correction), required=True)


add("billing.propose_payments", "command", ProposePayments, PaymentsProposed, MONEY,
    "put together what is to be paid to each provider",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.payments", "query", PaymentsRequest, Payments, PAYMENTS | PROVIDER, "list payments and what they stand at",
    reach=Reach.OWN_ROWS, shield=Shield.NONE, rows="payments")  # fmt: skip
add("billing.payment", "query", PaymentPageRequest, Payment, PAYMENTS | PROVIDER,
    "show a payment, what was done with it and its entries",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS)  # fmt: skip
add("billing.check_payment", "command", PaymentReason, PaymentRow, PAYMENTS, "say that a payment is right",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.attest_payment", "command", PaymentReason, PaymentRow, ATTESTERS,
    "attest a payment, as one of two persons who did not prepare it",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.approve_payment", "command", PaymentReason, PaymentRow, PROVIDER,
    "approve what is written in one's own name (self-billing)",
    reach=Reach.OWN_ROWS, shield=Shield.NONE)  # fmt: skip
add("billing.dispute_payment", "command", PaymentReason, PaymentRow, PROVIDER,
    "decline what is written in one's own name (self-billing)",
    reach=Reach.OWN_ROWS, shield=Shield.NONE)  # fmt: skip
add("billing.withdraw_payment", "command", PaymentReason, PaymentRow, MONEY,
    "take a payment back before its release; its entries are proposed anew",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.release_payments", "command", ReleasePayments, PaymentsReleased, MONEY,
    "put payments that are ready on their way, each once",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.acknowledge_payment", "command", AcknowledgePayment, PaymentRow, MONEY,
    "enter what the accounting system did with a payment",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.reconcile", "command", Reconcile, Reconciled, MONEY,
    "hold what the accounting system has against what was released, both ways",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.hold", "command", HoldRequest, HoldAnswer, MONEY, "pay nothing of something for the time being",
    reach=Reach.NOTHING, shield=Shield.PAYERS)  # fmt: skip
add("billing.release_hold", "command", HoldEnd, HoldAnswer, MONEY, "end a hold",
    reach=Reach.NOTHING, shield=Shield.PAYERS)  # fmt: skip
add("billing.holds", "query", NumberedPageRequest, Holds, MONEY, "list what is held and was held",
    reach=Reach.NOTHING, shield=Shield.PAYERS, rows="holds")  # fmt: skip
add("billing.problems", "query", PageRequest, Problems, STAFF,
    "list assignments of which a run could post nothing",
    reach=Reach.NOTHING, shield=Shield.PAYERS, rows="problems")  # fmt: skip
add("billing.balances", "query", BalancesRequest, Balances, MONEY | PROVIDER,
    "show the balance of every account and what it consists of",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("billing.close_period", "command", ClosePeriod, PeriodClosed, MONEY,
    "close a month: later corrections are posted in a run that is open",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.corrections", "query", CorrectionsRequest, Corrections, STAFF,
    "list what was corrected about a month after it",
    reach=Reach.NOTHING, shield=Shield.PAYERS, rows="corrections")  # fmt: skip
