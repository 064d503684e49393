"""Peppol documents: right by UBL's schema, by our rules and by somebody else's; wrong by one öre is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from peppol import check_rules, validate_xsd

from kundval_billing.documents import ubl
from kundval_billing.documents.check import NAMES, Wrong, check
from kundval_billing.documents.form import dump, load
from kundval_billing.domain.documents import totals
from kundval_billing.domain.parties import Vat
from kundval_contracts.codes import DocumentKind, VatTreatment

from .papers import EXEMPT, OUTSIDE, STANDARD, D, document, line, party

INVOICES = [kind for kind in DocumentKind if kind.is_invoice]
SELF_BILLING = DocumentKind.SELF_BILLING_INVOICE
ORE = Decimal("0.01")


def rules(xml: bytes) -> set[str]:
    return {one.rule for one in check(xml)}


def changed(xml: bytes, path: str, change: Any) -> bytes:
    """The document with `change` done to the one element at `path`."""
    root = etree.fromstring(xml)
    found = root.findall(path, NAMES)
    assert found, path
    change(found[0])
    return etree.tostring(root)


def off_by_one(element: Any) -> None:
    element.text = str(Decimal(element.text) + ORE)


def without(element: Any) -> None:
    element.getparent().remove(element)


def saying(text: str) -> Any:
    def change(element: Any) -> None:
        element.text = text

    return change


def called(name: str, value: str) -> Any:
    def change(element: Any) -> None:
        element.set(name, value)

    return change


@pytest.mark.parametrize("vat", [STANDARD, EXEMPT, OUTSIDE], ids=lambda one: one.treatment.value)
@pytest.mark.parametrize("kind", INVOICES)
def test_a_document_of_each_kind_and_vat_passes_the_schema_our_rules_and_a_second_opinion(
    kind: DocumentKind, vat: Vat
) -> None:
    xml = ubl.build(document(kind, vat))
    assert check(xml) == []
    assert validate_xsd(xml) == (True, [])
    assert check_rules(xml) == []


@given(
    amounts=st.lists(st.integers(1, 10**9), min_size=1, max_size=20),
    vat=st.sampled_from([STANDARD, EXEMPT, OUTSIDE]),
    kind=st.sampled_from(INVOICES),
)
@pytest.mark.slow
def test_whatever_the_amounts_a_document_adds_up(amounts: list[int], vat: Vat, kind: DocumentKind) -> None:
    made = document(kind, vat, *(f"{one // 100}.{one % 100:02}" for one in amounts))
    assert made.totals.net == Decimal(sum(amounts)) / 100
    assert check(ubl.build(made)) == []


@pytest.mark.parametrize("kind", INVOICES)
def test_a_document_says_which_process_and_type_it_is(kind: DocumentKind) -> None:
    root = etree.fromstring(ubl.build(document(kind)))
    name = etree.QName(root).localname
    said = [
        root.findtext(f"cbc:{one}", namespaces=NAMES) for one in ("CustomizationID", "ProfileID", f"{name}TypeCode")
    ]
    base = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc"
    expected = {
        DocumentKind.SELF_BILLING_INVOICE: ("selfbilling", "389"),
        DocumentKind.SELF_BILLING_CREDIT_NOTE: ("selfbilling", "261"),
        DocumentKind.INVOICE: ("billing", "380"),
        DocumentKind.CREDIT_NOTE: ("billing", "381"),
    }
    process, code = expected[kind]
    assert said == [f"{base}:{process}:3.0", f"urn:fdc:peppol.eu:2017:poacc:{process}:01:1.0", code]


def test_a_credit_note_names_the_invoice_that_it_corrects_and_has_no_sign() -> None:
    root = etree.fromstring(ubl.build(document(DocumentKind.SELF_BILLING_CREDIT_NOTE)))
    assert (
        root.findtext("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID", namespaces=NAMES) == "SF-2024-000001"
    )
    assert Decimal(root.findtext("cac:LegalMonetaryTotal/cbc:PayableAmount", namespaces=NAMES) or "") > 0


def test_a_line_says_what_it_is_for_by_codes_and_the_opaque_id_of_the_assignment() -> None:
    root = etree.fromstring(ubl.build(document(SELF_BILLING)))
    found = root.find("cac:InvoiceLine", NAMES)
    assert found is not None
    assert found.findtext("cac:Item/cbc:Name", namespaces=NAMES) == (
        "Månadsersättning, AMI 2, nr 1, 2024-03-15–2024-04-14"
    )
    assert found.findtext("cac:DocumentReference/cbc:ID", namespaces=NAMES) == "A-001"


# --- one öre ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("cac:LegalMonetaryTotal/cbc:LineExtensionAmount", "BR-CO-10"),
        ("cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount", "BR-CO-13"),
        ("cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount", "BR-CO-15"),
        ("cac:LegalMonetaryTotal/cbc:PayableAmount", "BR-CO-16"),
        ("cac:TaxTotal/cbc:TaxAmount", "BR-CO-14"),
        ("cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount", "BR-CO-17"),
        ("cac:TaxTotal/cac:TaxSubtotal/cbc:TaxableAmount", "BR-S-08"),
        ("cac:InvoiceLine/cbc:LineExtensionAmount", "PEPPOL-EN16931-R120"),
        ("cac:InvoiceLine/cac:Price/cbc:PriceAmount", "PEPPOL-EN16931-R120"),
    ],
)
def test_a_sum_that_is_wrong_by_one_ore_is_found(path: str, rule: str) -> None:
    xml = changed(ubl.build(document(SELF_BILLING)), path, off_by_one)
    assert validate_xsd(xml) == (True, []), "the schema does not see it"
    assert rule in rules(xml)


@pytest.mark.parametrize("vat", [STANDARD, EXEMPT, OUTSIDE], ids=lambda one: one.treatment.value)
@pytest.mark.parametrize("kind", INVOICES)
def test_no_amount_anywhere_in_a_document_can_be_wrong_by_one_ore(kind: DocumentKind, vat: Vat) -> None:
    xml = ubl.build(document(kind, vat))
    root = etree.fromstring(xml)
    places = [one for one in root.iter(etree.Element) if one.get("currencyID")]
    assert len(places) == 11
    for one in places:
        right = one.text or ""
        for change in (ORE, -ORE):
            one.text = str(Decimal(right) + change)
            assert check(etree.tostring(root)), root.getroottree().getpath(one)
        one.text = right
    assert check(etree.tostring(root)) == []


def test_vat_is_rounded_once_for_the_document_and_not_for_each_line() -> None:
    lines = tuple(line(place, "0.02") for place in range(1, 4))
    assert totals(lines, STANDARD).vat == D("0.02")  # by lines it would be 0.03
    assert totals((line(1, "0.02"),), STANDARD).vat == D("0.01")  # half an öre goes up


# --- what else is found ----------------------------------------------------------------------------------


SELLER, BUYER = "cac:AccountingSupplierParty/cac:Party", "cac:AccountingCustomerParty/cac:Party"
SELLER_VAT = f"{SELLER}/cac:PartyTaxScheme/cbc:CompanyID"
ACCOUNT = "cac:PaymentMeans/cac:PayeeFinancialAccount"


@pytest.mark.parametrize(
    ("path", "change", "rule"),
    [
        ("cbc:CustomizationID", saying("urn:cen.eu:en16931:2017"), "PEPPOL-EN16931-R004"),
        ("cbc:ProfileID", saying(ubl.BILLING[1]), "PEPPOL-EN16931-R004"),
        ("cbc:InvoiceTypeCode", saying("380"), "BR-CL-01"),
        ("cbc:DocumentCurrencyCode", saying("EUR"), "BR-CL-04"),
        ("cac:TaxTotal/cbc:TaxAmount", called("currencyID", "EUR"), "PEPPOL-EN16931-R051"),
        ("cac:TaxTotal/cbc:TaxAmount", saying("7000.003"), "BR-DEC"),
        ("cbc:BuyerReference", without, "PEPPOL-EN16931-R003"),
        ("cbc:BuyerReference", saying(" "), "PEPPOL-EN16931-R008"),
        ("cbc:Note", saying("Faktura"), "SB-WORD"),
        ("cac:ContractDocumentReference", without, "SB-AGREEMENT"),
        (f"{SELLER}/cbc:EndpointID", without, "PEPPOL-EN16931-R020"),
        (f"{BUYER}/cbc:EndpointID", without, "PEPPOL-EN16931-R010"),
        (f"{SELLER}/cbc:EndpointID", saying("5560000002"), "PEPPOL-COMMON-R049"),
        (f"{SELLER}/cac:PostalAddress", without, "BR-08"),
        (f"{BUYER}/cac:PostalAddress", without, "BR-10"),
        (f"{SELLER}/cac:PostalAddress/cac:Country", without, "BR-09"),
        (f"{SELLER}/cac:PartyLegalEntity/cbc:RegistrationName", without, "BR-06"),
        (f"{BUYER}/cac:PartyLegalEntity/cbc:RegistrationName", without, "BR-07"),
        (SELLER_VAT, saying("SE5560000001"), "SE-R-001"),
        (SELLER_VAT, saying("SE55600000010A"), "SE-R-002"),
        (SELLER_VAT, saying("55600000010101"), "BR-CO-09"),
        (f"{SELLER}/cac:PartyTaxScheme", without, "BR-S-02"),
        (f"{SELLER}/cac:PartyTaxScheme[2]/cbc:CompanyID", saying("F-skatt"), "SE-R-005"),
        (f"{SELLER}/cac:PartyLegalEntity/cbc:CompanyID", saying("556000-0001"), "SE-R-003"),
        (f"{SELLER}/cac:PartyLegalEntity/cbc:CompanyID", saying("556000001"), "SE-R-004"),
        (f"{SELLER}/cac:PartyLegalEntity/cbc:CompanyID", saying("5560000002"), "SE-R-013"),
        (f"{SELLER}/cac:PartyLegalEntity/cbc:CompanyID", without, "BR-CO-26"),
        ("cac:PaymentMeans/cbc:PaymentMeansCode", saying("56"), "SE-R-011"),
        ("cac:PaymentMeans/cbc:PaymentMeansCode", saying("31"), "SE-R-012"),
        ("cac:PaymentMeans/cbc:PaymentMeansCode", saying("48"), "BR-CL-16"),
        (ACCOUNT, without, "BR-61"),
        (f"{ACCOUNT}/cbc:ID", saying("991-2346"), "SE-R-008"),
        (f"{ACCOUNT}/cbc:ID", saying("991234"), "SE-R-009"),
        (f"{ACCOUNT}/cac:FinancialInstitutionBranch", without, "SE-ACCOUNT"),
        ("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:Percent", saying("20"), "SE-R-006"),
        ("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:ID", saying("Z"), "BR-CL-17"),
        ("cac:TaxTotal/cac:TaxSubtotal", without, "PEPPOL-EN16931-R053"),
        ("cac:InvoiceLine/cac:Item/cac:ClassifiedTaxCategory/cbc:ID", saying("E"), "BR-CO-04"),
        ("cac:InvoiceLine/cac:InvoicePeriod/cbc:EndDate", saying("2024-03-14"), "BR-30"),
        ("cac:InvoiceLine/cac:InvoicePeriod/cbc:StartDate", saying("2024-03-14"), "PEPPOL-EN16931-R110"),
        ("cac:InvoiceLine/cac:InvoicePeriod/cbc:EndDate", saying("2024-04-15"), "PEPPOL-EN16931-R111"),
        ("cac:InvoiceLine/cac:DocumentReference/cbc:DocumentTypeCode", saying("50"), "PEPPOL-EN16931-R101"),
        ("cac:InvoiceLine/cbc:ID", saying("2"), "BR-21"),
        ("cac:InvoiceLine/cbc:InvoicedQuantity", without, "BR-22"),
        ("cac:InvoiceLine/cac:Price", without, "BR-26"),
        ("cac:InvoiceLine/cac:Price/cbc:PriceAmount", saying("-8000.00"), "BR-27"),
        ("cac:InvoiceLine/cac:Item/cbc:Name", without, "BR-25"),
        ("cbc:IssueDate", without, "XSD"),
        ("cac:LegalMonetaryTotal", without, "XSD"),
    ],
)
def test_what_is_wrong_is_found_by_its_rule(path: str, change: Any, rule: str) -> None:
    xml = ubl.build(document(SELF_BILLING))
    assert check(xml) == []
    assert rule in rules(changed(xml, path, change))


def test_a_due_date_or_terms_of_payment_must_stand() -> None:
    xml = changed(ubl.build(document(SELF_BILLING)), "cbc:DueDate", without)
    assert check(xml) == []
    assert rules(changed(xml, "cac:PaymentTerms", without)) == {"BR-CO-25"}


def test_a_credit_note_must_name_what_it_corrects() -> None:
    xml = ubl.build(document(DocumentKind.SELF_BILLING_CREDIT_NOTE))
    assert rules(changed(xml, "cac:BillingReference", without)) == {"SE-CREDIT"}


@pytest.mark.parametrize(
    ("vat", "change", "rule"),
    [
        (EXEMPT, ("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:TaxExemptionReason", without), "BR-E-10"),
        (EXEMPT, ("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:Percent", saying("25")), "BR-E-05"),
        (OUTSIDE, ("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:TaxExemptionReason", without), "BR-O-10"),
    ],
)
def test_no_vat_needs_its_reason_and_no_rate(vat: Vat, change: tuple[str, Any], rule: str) -> None:
    assert rule in rules(changed(ubl.build(document(SELF_BILLING, vat)), *change))


def test_outside_the_scope_of_vat_nobody_states_a_vat_number() -> None:
    xml = ubl.build(document(SELF_BILLING, OUTSIDE))
    assert b"SE556000000101" not in xml
    number = f"{SELLER}/cac:PartyTaxScheme/cac:TaxScheme/cbc:ID"
    assert "BR-O-02" in rules(changed(xml, number, saying("VAT")))


def test_an_exempt_seller_states_a_vat_number_or_f_tax() -> None:
    made = document(SELF_BILLING, EXEMPT)
    assert check(ubl.build(replace(made, seller=party(vat_number=None)))) == []
    assert rules(ubl.build(replace(made, seller=party(vat_number=None, f_skatt=False)))) == {"BR-E-02"}


@pytest.mark.parametrize(
    ("account", "rule"),
    [
        ({"bankgiro": None, "plusgiro": "18"}, None),
        ({"bankgiro": None, "plusgiro": "123456789"}, "SE-R-010"),
        ({"bankgiro": None, "iban": "SE4550000000058398257466"}, None),
        ({"bankgiro": None, "iban": "SE4550000000058398257467"}, "SE-ACCOUNT"),
    ],
)
def test_money_goes_to_a_plusgiro_or_an_iban_too(account: dict[str, Any], rule: str | None) -> None:
    made = replace(document(SELF_BILLING), seller=party(**account))
    assert rules(ubl.build(made)) == ({rule} if rule else set())


def test_what_is_no_document_is_refused_and_not_read_further() -> None:
    assert check(b"<Invoice") == [Wrong("XML", "/", "is not well-formed")]
    assert [one.rule for one in check(b"<Order/>")] == ["XSD"]
    bomb = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    assert [one.rule for one in check(bomb)] == ["XSD"]


def test_what_is_found_says_where_and_quotes_nothing_of_the_document() -> None:
    xml = changed(ubl.build(document(SELF_BILLING)), "cac:InvoiceLine[2]/cac:Price/cbc:PriceAmount", off_by_one)
    (found,) = check(xml)
    assert found == Wrong("PEPPOL-EN16931-R120", "/Invoice/InvoiceLine[2]", "its amount is not quantity times price")
    broken = changed(xml, f"{SELLER}/cac:PartyName/cbc:Name", lambda one: one.set("secret", "Alfa Jobb AB"))
    assert "Alfa" not in str(check(broken))


def test_a_document_without_periods_says_none() -> None:
    bare = replace(line(), starts=None, last_day=None)
    made = replace(document(SELF_BILLING), lines=(bare,), totals=totals((bare,), STANDARD))
    assert made.period is None
    assert check(ubl.build(made)) == []


@pytest.mark.parametrize("kind", DocumentKind)
def test_a_document_comes_back_from_storage_as_it_was(kind: DocumentKind) -> None:
    made = document(kind, EXEMPT)
    assert load(dump(made)) == made
    assert dump(made)["totals"]["net"] == "28000.01"
    assert made.vat.treatment is VatTreatment.EXEMPT and made.issued_on == date(2024, 7, 2)
