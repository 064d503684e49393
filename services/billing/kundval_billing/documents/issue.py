"""Issuing the documents of a payment, in the transaction that releases it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from kundval_chassis import logs
from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import Direction, DocumentKind, DocumentProblem, PayerRole

from .. import payees
from ..domain.documents import (
    Document,
    Draft,
    Entry,
    Issued,
    corrections,
    due_on,
    invoices,
    join,
)
from ..domain.parties import Party, Vat, seller_problem, vat_of
from . import check, store, tables, ubl

log = logs.get(__name__)

#: the series of each kind of document; the year of issue and the number follow: SF-2024-000001
SERIES: Mapping[DocumentKind, str] = {
    DocumentKind.SELF_BILLING_INVOICE: "SF",
    DocumentKind.SELF_BILLING_CREDIT_NOTE: "SK",
    DocumentKind.PAYMENT_BASIS: "UB",
    DocumentKind.INVOICE: "F",
    DocumentKind.CREDIT_NOTE: "K",
}


class Problem(Exception):
    """A document cannot be issued. `code` is a `DocumentProblem`."""

    def __init__(self, code: DocumentProblem):
        super().__init__(code.value)
        self.code = code.value


@dataclass(frozen=True, slots=True)
class Sides:
    """Who sells to whom, and by what VAT."""

    seller: Party
    buyer: Party
    vat: Vat
    agreement: str | None

    @property
    def buyer_reference(self) -> str:
        return self.buyer.buyer_reference or self.buyer.organisation_number


def problem(tx: Tx, tenant: Tenant, provider: str, direction: Direction, day: date) -> str | None:
    """Why no document could be issued to or for this provider on `day`, as a code of `DocumentProblem`; None: it could.

    A payment of nothing but corrections needs the same.
    """
    found = _sides(tx, tenant, provider, direction, day)
    return found.value if isinstance(found, DocumentProblem) else None


def issue(tx: Tx, tenant: Tenant, payment: int, day: date) -> list[str]:
    """Issue the documents of a payment; their numbers, in order. Of one whose documents are issued the same again.

    Every entry of the payment goes into one document. Nothing is stored unless every document keeps its schema and its
    rules. Raises Problem; the caller's transaction then holds nothing of it, and no number is used.
    """
    # one release after the other: series are taken in no fixed order, and two would wait for each other
    tx.lock("billing-documents", tenant.id)
    if numbers := store.numbers_of(tx, tenant.id, payment):
        return numbers
    head = store.payment(tx, tenant.id, payment)
    entries = store.entries_of_payment(tx, payment)
    if head is None or not entries:
        raise Problem(DocumentProblem.NOTHING_TO_ISSUE)
    sides = _sides(tx, tenant, head.provider, head.direction, day)
    if isinstance(sides, DocumentProblem):
        raise Problem(sides)
    with tx.attempt():
        return list(_issue(tx, tenant.id, head, entries, sides, day))


def _issue(
    tx: Tx, tenant: str, head: store.Payment, entries: Sequence[Entry], sides: Sides, day: date
) -> Iterator[str]:
    fresh = invoices(entries, head.direction, sides.vat, self_billing=sides.agreement is not None)
    went_out = store.went_out(tx, [one.original for one in entries if one.original is not None])
    # what is taken back in the payment in which it first goes out corrects a document that has no number yet
    later = _within(entries, fresh)
    drafts = join(fresh, corrections([one for one in entries if one.entry not in later], sides.vat, went_out))
    if head.direction is Direction.RECEIVABLE and any(one.kind is DocumentKind.PAYMENT_BASIS for one in drafts):
        raise Problem(DocumentProblem.ORIGINAL_NOT_ISSUED)
    for draft in drafts:
        document = _number(tx, tenant, head, draft, sides, day)
        _keep(tx, tenant, document)
        issued = Issued(document.number, document.kind, day, document.vat)
        went_out |= {line.entry: issued for line in document.lines}
        yield document.number
    for draft in corrections([one for one in entries if one.entry in later], sides.vat, went_out):
        document = _number(tx, tenant, head, draft, sides, day)
        _keep(tx, tenant, document)
        yield document.number


def _within(entries: Sequence[Entry], fresh: Sequence[Draft]) -> set[int]:
    """The entries that take back an entry of an invoice of this very payment."""
    invoiced = {line.entry for draft in fresh if draft.kind.is_invoice for line in draft.lines}
    return {one.entry for one in entries if one.original in invoiced}


def _number(tx: Tx, tenant: str, head: store.Payment, draft: Draft, sides: Sides, day: date) -> Document:
    series = SERIES[draft.kind]
    return Document(
        number=f"{series}-{day.year}-{store.next_number(tx, tenant, series, day.year):06}",
        kind=draft.kind,
        direction=head.direction,
        provider=head.provider,
        payment=head.payment,
        run=head.run,
        issued_on=day,
        due_on=due_on(day, sides.seller.payment_terms_days if _to_provider(head) else sides.buyer.payment_terms_days),
        seller=sides.seller,
        buyer=sides.buyer,
        buyer_reference=sides.buyer_reference,
        vat=draft.vat,
        lines=draft.lines,
        totals=draft.totals,
        reference=draft.reference,
        agreement=_agreement(draft, sides),
    )


def _agreement(draft: Draft, sides: Sides) -> str | None:
    if not draft.kind.is_self_billing:
        return None
    # an invoice that was written by an agreement is credited by it, also after its end
    return sides.agreement or _NAMED_BY_THE_INVOICE


#: what a credit note says of the agreement when it has ended since
_NAMED_BY_THE_INVOICE = "enligt fakturan"


def _to_provider(head: store.Payment) -> bool:
    return head.direction is Direction.PAYABLE


def _keep(tx: Tx, tenant: str, document: Document) -> None:
    """Hold the document against schema and rules, and store it."""
    if document.kind.is_invoice:
        body = ubl.build(document)
        if wrong := check.check(body):
            log.error("document_wrong", rules=sorted({one.rule for one in wrong}), payment=document.payment)
            raise Problem(DocumentProblem.DOCUMENT_WRONG)
    else:
        body = tables.of_document(document).encode()
    store.add(tx, tenant, document, body, hashlib.sha256(body).hexdigest())


def _sides(tx: Tx, tenant: Tenant, provider: str, direction: Direction, day: date) -> Sides | DocumentProblem:
    municipality = payees.payer(tx, tenant.id, PayerRole.MUNICIPALITY, day)
    if municipality is None:
        return DocumentProblem.PAYER_UNKNOWN
    if direction is Direction.RECEIVABLE:
        customer = payees.payer(tx, tenant.id, PayerRole.CUSTOMER, day)
        if customer is None:
            return DocumentProblem.CUSTOMER_UNKNOWN
        seller, buyer, vat, agreement = municipality.party, customer.party, customer.party.vat, None
    else:
        payee = payees.of(tx, tenant.id, provider, day)
        if payee is None:
            return DocumentProblem.PAYEE_UNKNOWN
        known = tenant.providers.get(provider)
        vat = vat_of(payee, None if known is None else known.ownership, municipality)
        seller, buyer = payee.party, municipality.party
        agreement = payee.agreement.reference if payee.self_billing and payee.agreement else None
    trouble = seller_problem(seller, vat)
    if trouble is not None or vat is None:
        return trouble or DocumentProblem.VAT_NOT_SET
    return Sides(seller, buyer, vat, agreement)
