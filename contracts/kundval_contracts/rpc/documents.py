"""What goes out of billing: parties, documents, statements, the journal for the municipality's books.

Names, addresses and numbers of sole traders are personal. They stand in requests and answers of this module, and in the
documents themselves, and nowhere else: no event, log line or error has them.
"""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import (
    AccountSide,
    DimensionSource,
    Direction,
    DocumentForm,
    DocumentKind,
    JournalForm,
    Ownership,
    PayerRole,
    StatementForm,
    VatTreatment,
)
from ..money import MoneyField
from .base import (
    MONEY,
    MOST,
    PAGE,
    PROVIDER,
    Message,
    PageAnswer,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
)
from .payments import PAYMENTS
from .results import LANGUAGES, Csv

#: the longest period of a statement or journal, in days
MOST_DAYS = 400


#: what no line of a form shows and XML may not hold: controls, line breaks, marks that turn the direction of reading
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff"


def _text(most: int = 200, **kwargs: Any) -> fields.String:
    """Words without line breaks, for a form or an invoice; blanks alone are none."""
    checks = [
        validate.Length(1, most),
        validate.Regexp(rf"\A[^{_UNSEEN}]*\Z", error="holds characters that nobody sees"),
        validate.Regexp(r"\A.*\S", error="must hold a word"),
    ]
    return fields.String(validate=checks, **kwargs)


def _maybe(most: int = 200) -> fields.String:
    return _text(most, load_default=None, allow_none=True)


def _language() -> fields.String:
    return fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


def _number(**kwargs: Any) -> fields.String:
    """The number of a document, such as `SF-2024-000001`."""
    return identifier(**kwargs)


# ---------------------------------------------------------------- parties


class Vat(Message):
    """`reason`: why VAT is not charged, as it is to stand on the document; an exemption needs one."""

    treatment = code(VatTreatment, required=True)
    reason = _maybe()

    @validates_schema(skip_on_field_errors=True)
    def _reasoned(self, data: dict[str, Any], **_: Any) -> None:
        if data["treatment"] is VatTreatment.EXEMPT and not data["reason"]:
            raise ValidationError("an exemption needs a reason", "reason")


class InvoiceParty(Message):
    """A party of an invoice. `endpoint`: its Peppol address, the organisation number (scheme 0007) unless given.

    `vat`: how VAT applies to what this party sells, of a customer to what it buys. `buyer_reference`: what an invoice
    to this party has to name.
    """

    name = _text(required=True)
    organisation_number = fields.String(required=True, validate=validate.Regexp(r"\A[0-9]{10}\Z", error="ten digits"))
    vat_number = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"\ASE[0-9]{12}\Z", error="SE and twelve digits")
    )
    f_skatt = fields.Boolean(load_default=False)
    street = _text(required=True)
    postal_code = _text(20, required=True)
    city = _text(required=True)
    country = fields.String(load_default="SE", validate=validate.Regexp(r"\A[A-Z]{2}\Z", error="a country code"))
    endpoint_scheme = fields.String(load_default="0007", validate=validate.OneOf(("0007", "0088")))
    endpoint = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"\A[0-9]{10,13}\Z", error="10 to 13 digits")
    )
    bankgiro = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"\A[0-9]{7,8}\Z", error="seven or eight digits")
    )
    plusgiro = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"\A[0-9]{2,8}\Z", error="two to eight digits")
    )
    iban = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"\A[A-Z]{2}[0-9A-Z]{13,32}\Z", error="an IBAN")
    )
    buyer_reference = _maybe(100)
    payment_terms_days = fields.Integer(strict=True, required=True, validate=validate.Range(0, 365))
    vat = fields.Nested(Vat, load_default=None, allow_none=True)


class SelfBillingAgreement(Message):
    """That the municipality writes this provider's invoices: from a day, to a day (exclusive) or for good."""

    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(load_default=None, allow_none=True)
    reference = _text(100, required=True)

    @validates_schema(skip_on_field_errors=True)
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["to"] is not None and data["to"] <= data["from"]:
            raise ValidationError("must be after `from`", "to")


class SetPayee(TenantRequest):
    """A new version of a provider as payee; it holds from `valid_from` on, in place of what was said of those days."""

    provider = identifier(required=True)
    valid_from = fields.Date(required=True)
    party = fields.Nested(InvoiceParty, required=True)
    self_billing = fields.Nested(SelfBillingAgreement, load_default=None, allow_none=True)


class NewVersion(Message):
    tenant = identifier(required=True)
    version = count(1, required=True)
    valid_from = fields.Date(required=True)


class PayeesRequest(TenantRequest):
    """All versions, of one provider or of all. A provider sees its own whatever it asks for."""

    provider = identifier(load_default=None, allow_none=True)


class PayeeVersion(Message):
    """`recorded_by` is hidden from providers."""

    provider = identifier(required=True)
    version = count(1, required=True)
    valid_from = fields.Date(required=True)
    party = fields.Nested(InvoiceParty, required=True)
    self_billing = fields.Nested(SelfBillingAgreement, required=True, allow_none=True)
    recorded_by = fields.String(required=True, allow_none=True)
    recorded_at = fields.AwareDateTime(required=True)


class Payees(Message):
    payees = fields.List(fields.Nested(PayeeVersion), required=True)


class SetPayer(TenantRequest):
    """A new version of the municipality as payer, or of its customer. `vat_by_ownership`: how VAT applies to what
    providers of that ownership sell, where nothing else is said of the provider itself; there is no default.
    """

    role = code(PayerRole, required=True)
    valid_from = fields.Date(required=True)
    party = fields.Nested(InvoiceParty, required=True)
    vat_by_ownership = fields.Dict(
        keys=code(Ownership), values=fields.Nested(Vat), load_default=dict, dump_default=dict
    )


class PayerVersion(Message):
    role = code(PayerRole, required=True)
    version = count(1, required=True)
    valid_from = fields.Date(required=True)
    party = fields.Nested(InvoiceParty, required=True)
    vat_by_ownership = fields.Dict(keys=code(Ownership), values=fields.Nested(Vat), required=True)
    recorded_by = fields.String(required=True)
    recorded_at = fields.AwareDateTime(required=True)


class Payers(Message):
    payers = fields.List(fields.Nested(PayerVersion), required=True)


# ---------------------------------------------------------------- documents


class IssuedRequest(TenantRequest):
    """Issued documents by number; a provider sees its own whatever it asks for."""

    provider = identifier(load_default=None, allow_none=True)
    run = fields.Date(load_default=None, allow_none=True)
    after = _number(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class IssuedDocument(Message):
    """`net` and `vat` add up to `gross`; `sha256` is of the original, in hexadecimal."""

    number = _number(required=True)
    kind = code(DocumentKind, required=True)
    direction = code(Direction, required=True)
    provider = identifier(required=True)
    payment = count(1, required=True)
    run = fields.Date(required=True)
    issued_on = fields.Date(required=True)
    due_on = fields.Date(required=True)
    net = MoneyField(required=True)
    vat = MoneyField(required=True)
    gross = MoneyField(required=True)
    corrects = _number(required=True, allow_none=True)
    sha256 = fields.String(required=True)


class IssuedDocuments(PageAnswer):
    documents = fields.List(fields.Nested(IssuedDocument), required=True)


class IssuedDocumentRequest(TenantRequest):
    """A document that is not the caller's is not found. XML is the original of an invoice or credit note."""

    number = _number(required=True)
    form = code(DocumentForm, required=True)
    lang = _language()
    provider = identifier(load_default=None, allow_none=True)


class File(Message):
    """`content` in base64; `name` is made of numbers and ids alone."""

    name = fields.String(required=True)
    media_type = fields.String(required=True)
    content = fields.String(required=True)
    sha256 = fields.String(required=True)


class _Period(TenantRequest):
    """Of a run, or from a day to a day (exclusive)."""

    run = fields.Date(load_default=None, allow_none=True)
    from_ = fields.Date(load_default=None, allow_none=True, data_key="from", attribute="from")
    to = fields.Date(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _one_or_the_other(self, data: dict[str, Any], **_: Any) -> None:
        start, end = data["from"], data["to"]
        if (data["run"] is None) == (start is None and end is None):
            raise ValidationError("name a run, or a period by `from` and `to`", "run")
        if data["run"] is not None:
            return
        if start is None or end is None:
            raise ValidationError("a period has both ends", "from" if start is None else "to")
        if not 0 < (end - start).days <= MOST_DAYS:
            raise ValidationError(f"must be after `from`, by {MOST_DAYS} days at most", "to")


class StatementRequest(_Period):
    """A provider asks for its own. Of a run: what that run posted, and the documents of its payments."""

    provider = identifier(required=True)
    form = code(StatementForm, required=True)
    lang = _language()


class PaymentBasisRequest(TenantRequest):
    """What a run posted, of one provider or of all; a provider gets its own whatever it asks for."""

    run = fields.Date(required=True)
    provider = identifier(load_default=None, allow_none=True)


# ---------------------------------------------------------------- accounting


class LedgerAccount(Message):
    """How an account of the ledger is called in the books.

    `ledger`: `cost:<programme>:<kind>`, `revenue:<programme>:<kind>`, `payable:<provider>`, `receivable:<provider>`,
    `vat:IN` or `vat:OUT`; `*` stands for any programme, kind or provider. Of several that fit the most exact one holds,
    a programme before a kind.
    """

    ledger = fields.String(
        required=True,
        validate=validate.Regexp(
            r"\A(?:(?:cost|revenue):(?:\*|[A-Z0-9_]+):(?:\*|[A-Z0-9_]+)"
            r"|(?:payable|receivable):(?:\*|[\w.:@/+-]{1,100})|vat:(?:IN|OUT))\Z",
            error="not an account of the ledger",
        ),
    )
    account = fields.String(required=True, validate=validate.Regexp(r"\A[0-9]{1,10}\Z", error="a number"))
    name = _text(100, required=True)


class Dimension(Message):
    """A dimension of the books, as Ansvar, Verksamhet, Projekt: number and name as in SIE.

    `by` says what decides the object: FIXED (`object`), or PROGRAMME, KIND or PROVIDER by `objects` (code -> object).
    `on`: the sides that carry it. `names`: what objects are called.
    """

    number = fields.Integer(strict=True, required=True, validate=validate.Range(1, 999))
    name = _text(100, required=True)
    by = code(DimensionSource, required=True)
    object = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"\A[\w.-]{1,40}\Z", error="not an object")
    )
    objects = fields.Dict(
        keys=identifier(),
        values=fields.String(validate=validate.Regexp(r"\A[\w.-]{1,40}\Z", error="not an object")),
        load_default=dict,
    )
    on = fields.List(code(AccountSide), required=True, validate=validate.Length(1))
    names = fields.Dict(keys=fields.String(), values=_text(100), load_default=dict)

    @validates_schema(skip_on_field_errors=True)
    def _decided(self, data: dict[str, Any], **_: Any) -> None:
        fixed = data["by"] is DimensionSource.FIXED
        if fixed != (data["object"] is not None):
            raise ValidationError("belongs to a dimension by FIXED, and there it must stand", "object")
        if fixed and data["objects"]:
            raise ValidationError("a fixed dimension has one object", "objects")
        if not fixed and not data["objects"]:
            raise ValidationError("must name an object at least", "objects")


class AccountPlan(Message):
    """`series`: that of the vouchers in SIE."""

    series = fields.String(load_default="KV", validate=validate.Regexp(r"\A[A-Z0-9]{1,4}\Z", error="1 to 4 characters"))
    accounts = fields.List(fields.Nested(LedgerAccount), required=True, validate=validate.Length(1, MOST))
    dimensions = fields.List(fields.Nested(Dimension), load_default=list, validate=validate.Length(0, 20))

    @validates_schema(skip_on_field_errors=True)
    def _once(self, data: dict[str, Any], **_: Any) -> None:
        """Each account of the ledger and each dimension stands once."""
        for what, key in (("accounts", "ledger"), ("dimensions", "number")):
            seen = [row[key] for row in data[what]]
            for place, one in enumerate(seen):
                if one in seen[:place]:
                    raise ValidationError({what: {place: {key: ["stands twice"]}}})


class SetAccounting(TenantRequest):
    valid_from = fields.Date(required=True)
    plan = fields.Nested(AccountPlan, required=True)


class AccountingVersion(Message):
    version = count(1, required=True)
    valid_from = fields.Date(required=True)
    plan = fields.Nested(AccountPlan, required=True)


class Accounting(Message):
    accounting = fields.List(fields.Nested(AccountingVersion), required=True)


class MakeJournal(_Period):
    """Of the documents of a run, or of those issued from a day to a day; what has gone into a journal stays out."""


class JournalHead(Message):
    """`run`, or `from` and `to`, as it was asked for. `debit` equals the credit."""

    journal = count(1, required=True)
    made_on = fields.Date(required=True)
    run = fields.Date(required=True, allow_none=True)
    from_ = fields.Date(required=True, allow_none=True, data_key="from", attribute="from")
    to = fields.Date(required=True, allow_none=True)
    vouchers = count(1, required=True)
    entries = count(1, required=True)
    debit = MoneyField(required=True)


class Journals(Message):
    journals = fields.List(fields.Nested(JournalHead), required=True)


class JournalRequest(TenantRequest):
    journal = count(1, required=True)
    form = code(JournalForm, required=True)


add("billing.set_payee", "command", SetPayee, NewVersion, MONEY,
    "say who a provider is as receiver of money, from a day on",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
# who attests a payment sees where its money goes
add("billing.payees", "query", PayeesRequest, Payees, PAYMENTS | PROVIDER,
    "list what is known of providers as receivers of money",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("billing.set_payer", "command", SetPayer, NewVersion, MONEY,
    "say who the municipality is as payer, or its customer, from a day on",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.payer", "query", TenantRequest, Payers, PAYMENTS,
    "list what is known of the municipality as payer, and of its customer",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.documents", "query", IssuedRequest, IssuedDocuments, MONEY | PROVIDER,
    "list the invoices, credit notes and payment bases that were issued",
    reach=Reach.ITSELF, shield=Shield.NONE, rows="documents")  # fmt: skip
add("billing.document", "query", IssuedDocumentRequest, File, MONEY | PROVIDER,
    "give a document as Peppol XML, CSV, page or PDF",
    reach=Reach.ITSELF, shield=Shield.PAYERS)  # fmt: skip
add("billing.payment_basis_csv", "query", PaymentBasisRequest, Csv, MONEY | PROVIDER,
    "give what a run posted, as CSV",
    reach=Reach.ITSELF, shield=Shield.PAYERS)  # fmt: skip
add("billing.statement", "query", StatementRequest, File, MONEY | PROVIDER,
    "tell a provider what is paid, taken back and held, and why, as page or PDF",
    reach=Reach.ITSELF, shield=Shield.PAYERS)  # fmt: skip
add("billing.set_accounting", "command", SetAccounting, NewVersion, MONEY,
    "say how the ledger's accounts are called in the municipality's books, from a day on",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.accounting", "query", TenantRequest, Accounting, MONEY,
    "list how the ledger's accounts are called in the municipality's books",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.make_journal", "command", MakeJournal, JournalHead, MONEY,
    "put what was issued into a numbered journal for the books, once",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.journals", "query", TenantRequest, Journals, MONEY, "list the journals that were made",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.journal", "query", JournalRequest, File, MONEY, "give a journal as SIE 4I or CSV",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
