"""A document as Peppol BIS Billing 3: UBL 2.1, for self-billing with its own identifiers.

Elements stand in the order of UBL's schema. Quantities are one: what is paid for is a month, a premium or a bonus.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from lxml import etree
from lxml.builder import ElementMaker

from kundval_contracts.answer import CURRENCY, money
from kundval_contracts.codes import DocumentKind, VatTreatment

from ..domain.documents import Document, Line
from ..domain.parties import Party, Vat

CBC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
CAC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
INVOICE: Final = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CREDIT_NOTE: Final = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"

#: what a document says it is, and in which process: billing, and self-billing
BILLING: Final = (
    "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
    "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
)
SELF_BILLING: Final = (
    "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:selfbilling:3.0",
    "urn:fdc:peppol.eu:2017:poacc:selfbilling:01:1.0",
)
#: UNCL1001
TYPE_CODES: Final = {
    DocumentKind.INVOICE: "380",
    DocumentKind.CREDIT_NOTE: "381",
    DocumentKind.SELF_BILLING_INVOICE: "389",
    DocumentKind.SELF_BILLING_CREDIT_NOTE: "261",
}
#: Swedish law asks for this word on an invoice that the buyer writes
SELF_BILLING_WORD: Final = "Självfakturering"
F_SKATT: Final = "Godkänd för F-skatt"
#: credit transfer (UNCL4461), and how the Swedish rules name the clearing
CREDIT_TRANSFER: Final = "30"
CLEARING: Final = {"BANKGIRO": "SE:BANKGIRO", "PLUSGIRO": "SE:PLUSGIRO"}
#: an invoice line object: the assignment (UNCL1001)
LINE_OBJECT: Final = "130"
#: one of something (UN/ECE Recommendation 20)
ONE: Final = "C62"

_b = ElementMaker(namespace=CBC, nsmap={"cbc": CBC, "cac": CAC})
_a = ElementMaker(namespace=CAC, nsmap={"cbc": CBC, "cac": CAC})


def build(document: Document) -> bytes:
    """The document as XML in UTF-8. Raises KeyError for a payment basis, which is no invoice."""
    code, credit = TYPE_CODES[document.kind], document.kind.is_credit
    namespace = CREDIT_NOTE if credit else INVOICE
    root = etree.Element(
        etree.QName(namespace, "CreditNote" if credit else "Invoice"), nsmap={None: namespace, "cac": CAC, "cbc": CBC}
    )
    customization, profile = SELF_BILLING if document.kind.is_self_billing else BILLING
    root.extend(
        [
            _b.CustomizationID(customization),
            _b.ProfileID(profile),
            _b.ID(document.number),
            _b.IssueDate(document.issued_on.isoformat()),
        ]
    )
    if not credit:
        root.append(_b.DueDate(document.due_on.isoformat()))
    root.append(_b.CreditNoteTypeCode(code) if credit else _b.InvoiceTypeCode(code))
    if document.kind.is_self_billing:
        root.append(_b.Note(_note(document)))
    root.extend([_b.DocumentCurrencyCode(CURRENCY), _b.BuyerReference(document.buyer_reference)])
    if document.period is not None:
        root.append(_period(*document.period))
    if document.reference is not None:
        earlier = document.reference
        root.append(
            _a.BillingReference(
                _a.InvoiceDocumentReference(_b.ID(earlier.number), _b.IssueDate(earlier.issued_on.isoformat()))
            )
        )
    if document.agreement is not None:
        root.append(_a.ContractDocumentReference(_b.ID(document.agreement)))
    tax_numbers = document.vat.treatment is not VatTreatment.OUTSIDE_SCOPE
    root.append(_a.AccountingSupplierParty(_party(document.seller, seller=True, tax_numbers=tax_numbers)))
    root.append(_a.AccountingCustomerParty(_party(document.buyer, seller=False, tax_numbers=tax_numbers)))
    if not credit:
        root.append(_payment_means(document))
    root.append(_a.PaymentTerms(_b.Note(_terms(document))))
    root.append(_tax_total(document))
    totals = document.totals
    root.append(
        _a.LegalMonetaryTotal(
            _amount("LineExtensionAmount", totals.net),
            _amount("TaxExclusiveAmount", totals.net),
            _amount("TaxInclusiveAmount", totals.gross),
            _amount("PayableAmount", totals.gross),
        )
    )
    root.extend(_line(line, document.vat, credit=credit) for line in document.lines)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _note(document: Document) -> str:
    if document.kind.is_credit and document.reference is not None:
        return f"{SELF_BILLING_WORD}. Kreditfaktura till {document.reference.number}."
    return f"{SELF_BILLING_WORD}. Fakturan är utställd av köparen enligt överenskommelse."


def _terms(document: Document) -> str:
    if document.kind.is_credit:
        return "Räknas av vid nästa betalning."
    return f"Förfaller {document.due_on}."


def _period(first: date, last: date) -> etree._Element:
    return _a.InvoicePeriod(_b.StartDate(first.isoformat()), _b.EndDate(last.isoformat()))


def _party(party: Party, *, seller: bool, tax_numbers: bool) -> etree._Element:
    """A party. What is outside the scope of VAT bears no VAT number of either side (BR-O-02)."""
    found = _a.Party(
        _b.EndpointID(party.address, schemeID=party.endpoint_scheme),
        _a.PartyName(_b.Name(party.name)),
        _a.PostalAddress(
            _b.StreetName(party.street),
            _b.CityName(party.city),
            _b.PostalZone(party.postal_code),
            _a.Country(_b.IdentificationCode(party.country)),
        ),
    )
    if party.vat_number is not None and tax_numbers:
        found.append(_a.PartyTaxScheme(_b.CompanyID(party.vat_number), _a.TaxScheme(_b.ID("VAT"))))
    if seller and party.f_skatt:
        found.append(_a.PartyTaxScheme(_b.CompanyID(F_SKATT), _a.TaxScheme(_b.ID("TAX"))))
    found.append(
        _a.PartyLegalEntity(_b.RegistrationName(party.name), _b.CompanyID(party.organisation_number, schemeID="0007"))
    )
    return found


def _payment_means(document: Document) -> etree._Element:
    account = document.seller.account
    means = _a.PaymentMeans(_b.PaymentMeansCode(CREDIT_TRANSFER), _b.PaymentID(document.number))
    if account is not None:
        kind, number = account
        financial = _a.PayeeFinancialAccount(_b.ID(number))
        if kind in CLEARING:
            financial.append(_a.FinancialInstitutionBranch(_b.ID(CLEARING[kind])))
        means.append(financial)
    return means


def _tax_total(document: Document) -> etree._Element:
    return _a.TaxTotal(
        _amount("TaxAmount", document.totals.vat),
        _a.TaxSubtotal(
            _amount("TaxableAmount", document.totals.net),
            _amount("TaxAmount", document.totals.vat),
            _category("TaxCategory", document.vat, reasoned=True),
        ),
    )


def _category(name: str, vat: Vat, *, reasoned: bool) -> etree._Element:
    """Outside the scope of VAT there is no rate (BR-O-05); a reason stands in the breakdown alone."""
    found = _a(name, _b.ID(vat.treatment.category))
    if vat.treatment is not VatTreatment.OUTSIDE_SCOPE:
        found.append(_b.Percent(str(vat.percent)))
    if reasoned and vat.said is not None:
        found.append(_b.TaxExemptionReason(vat.said))
    found.append(_a.TaxScheme(_b.ID("VAT")))
    return found


def _line(line: Line, vat: Vat, *, credit: bool) -> etree._Element:
    found = _a("CreditNoteLine" if credit else "InvoiceLine", _b.ID(str(line.entry)))
    if line.because:
        found.append(_b.Note(line.because))
    found.append(_b("CreditedQuantity" if credit else "InvoicedQuantity", "1", unitCode=ONE))
    found.append(_amount("LineExtensionAmount", line.amount))
    if line.starts is not None and line.last_day is not None:
        found.append(_period(line.starts, line.last_day))
    found.append(_a.DocumentReference(_b.ID(line.assignment), _b.DocumentTypeCode(LINE_OBJECT)))
    found.append(_a.Item(_b.Name(line.item), _category("ClassifiedTaxCategory", vat, reasoned=False)))
    found.append(_a.Price(_amount("PriceAmount", line.amount)))
    return found


def _amount(name: str, value: Decimal) -> etree._Element:
    return _b(name, money(value), currencyID=CURRENCY)
