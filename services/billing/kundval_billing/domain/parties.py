"""Who stands on a document: the municipality, a provider as payee, the employment service as customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from kundval_contracts.codes import DocumentProblem, Ownership, VatTreatment

#: the reason on a document when nothing more exact was given
OUTSIDE_SCOPE = "Omfattas inte av mervärdesskatt"


@dataclass(frozen=True, slots=True)
class Vat:
    """How VAT applies, and why it is not charged if it is not."""

    treatment: VatTreatment
    reason: str | None = None

    @property
    def percent(self) -> Decimal:
        return Decimal(25) if self.treatment is VatTreatment.STANDARD_25 else Decimal(0)

    @property
    def said(self) -> str | None:
        """The reason that stands on the document; None where VAT is charged."""
        if self.treatment is VatTreatment.STANDARD_25:
            return None
        return self.reason or OUTSIDE_SCOPE


@dataclass(frozen=True, slots=True)
class Party:
    """A party of an invoice, as it was on a day. `f_skatt`: approved for Swedish F-tax."""

    name: str
    organisation_number: str
    street: str
    postal_code: str
    city: str
    payment_terms_days: int
    country: str = "SE"
    vat_number: str | None = None
    f_skatt: bool = False
    endpoint_scheme: str = "0007"
    endpoint: str | None = None
    bankgiro: str | None = None
    plusgiro: str | None = None
    iban: str | None = None
    buyer_reference: str | None = None
    vat: Vat | None = None

    @property
    def address(self) -> str:
        """The Peppol endpoint: the organisation number unless another was given."""
        return self.endpoint or self.organisation_number

    @property
    def account(self) -> tuple[str, str] | None:
        """(kind, number) of where money goes: bankgiro before plusgiro before IBAN; None: nowhere."""
        for kind, number in (("BANKGIRO", self.bankgiro), ("PLUSGIRO", self.plusgiro), ("IBAN", self.iban)):
            if number:
                return kind, number
        return None


@dataclass(frozen=True, slots=True)
class Agreement:
    """That the municipality may write a provider's invoices: from a day, to a day (exclusive) or for good."""

    starts: date
    reference: str
    ends: date | None = None

    def in_force(self, day: date) -> bool:
        return self.starts <= day and (self.ends is None or day < self.ends)


@dataclass(frozen=True, slots=True)
class Payee:
    """A provider as receiver of money on a day. `self_billing`: whether an agreement is in force on it."""

    provider: str
    valid_from: date
    party: Party
    agreement: Agreement | None
    self_billing: bool


@dataclass(frozen=True, slots=True)
class Payer:
    """The municipality or its customer on a day. `vat_by_ownership`: for providers of whom nothing else is said."""

    valid_from: date
    party: Party
    vat_by_ownership: Mapping[Ownership, Vat] = field(default_factory=dict)


def vat_of(payee: Payee, ownership: Ownership | None, payer: Payer) -> Vat | None:
    """What was said of the payee itself, else of its kind of owner; None if nobody has said anything."""
    if payee.party.vat is not None:
        return payee.party.vat
    return None if ownership is None else payer.vat_by_ownership.get(ownership)


def seller_problem(seller: Party, vat: Vat | None) -> DocumentProblem | None:
    """Why this seller could not stand on an invoice: no VAT treatment, no number that it asks for, nowhere to pay."""
    if vat is None:
        return DocumentProblem.VAT_NOT_SET
    if vat.treatment is VatTreatment.STANDARD_25 and seller.vat_number is None:
        return DocumentProblem.VAT_NUMBER_MISSING
    if vat.treatment is VatTreatment.EXEMPT and seller.vat_number is None and not seller.f_skatt:
        # EN 16931, BR-E-02: an exempt seller states a VAT number or a tax registration
        return DocumentProblem.VAT_NUMBER_MISSING
    if seller.account is None:
        return DocumentProblem.ACCOUNT_MISSING
    return None
