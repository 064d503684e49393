"""What a Peppol document must keep beyond UBL's schema: sums to the öre, what must stand, code lists, Swedish rules.

A reimplementation of the rules that concern the documents of this service, after EN 16931 (BR-…), Peppol BIS Billing 3
(PEPPOL-…) and its Swedish part (SE-R-…). It is stricter than these: no sum may be off by anything, and what they only
warn of is a fault. It reads the XML alone and knows nothing of how it was made. SB-… and SE- without R are our own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from importlib.resources import as_file, files
from typing import Final, NamedTuple

from lxml import etree
from stdnum import iban, luhn
from stdnum.se import orgnr

from .ubl import BILLING, CAC, CBC, CREDIT_NOTE, F_SKATT, INVOICE, SELF_BILLING, SELF_BILLING_WORD

NAMES: Final = {"cbc": CBC, "cac": CAC, "i": INVOICE, "c": CREDIT_NOTE}
ORE: Final = Decimal("0.01")
CURRENCIES: Final = frozenset({"SEK"})
CATEGORIES: Final = frozenset({"S", "E", "O"})
#: type codes that each process takes, by the name of the root
CODES: Final = {
    (BILLING, "Invoice"): frozenset({"380"}),
    (BILLING, "CreditNote"): frozenset({"381"}),
    (SELF_BILLING, "Invoice"): frozenset({"389"}),
    (SELF_BILLING, "CreditNote"): frozenset({"261"}),
}
_AMOUNT = re.compile(r"\A-?[0-9]+(\.[0-9]{1,2})?\Z")
_DATE = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


class Wrong(NamedTuple):
    """A rule that is broken, and where. `said` quotes no words of the document."""

    rule: str
    path: str
    said: str


def check(xml: bytes) -> list[Wrong]:
    """Everything that is wrong with a document: first its shape by the schema, then, if that is right, the rules."""
    root = parse(xml)
    if isinstance(root, Wrong):
        return [root]
    return list(shape(root)) or list(rules(root))


def parse(xml: bytes) -> etree._Element | Wrong:
    """The root; entities and the network are closed to it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError:
        return Wrong("XML", "/", "is not well-formed")


@cache
def schema(name: str) -> etree.XMLSchema:
    """The OASIS schema of UBL 2.1, `Invoice` or `CreditNote`."""
    with as_file(files("peppol") / "schema") as folder:
        return etree.XMLSchema(etree.parse(folder / "maindoc" / f"UBL-{name}-2.1.xsd"))


def shape(root: etree._Element) -> Iterator[Wrong]:
    """What UBL's schema finds, by line; its messages may quote the document and are left out."""
    name = etree.QName(root)
    if (name.namespace, name.localname) not in ((INVOICE, "Invoice"), (CREDIT_NOTE, "CreditNote")):
        yield Wrong("XSD", "/", "is neither an invoice nor a credit note")
        return
    found = schema(name.localname)
    if not found.validate(root):
        for error in found.error_log:
            yield Wrong("XSD", f"line {error.line}", error.type_name)


def rules(root: etree._Element) -> Iterator[Wrong]:
    """What the rules find in a document that has the right shape."""
    yield from Rules(root).all()


class Rules:
    """The rules over one document."""

    def __init__(self, root: etree._Element):
        self.root = root
        self.name = etree.QName(root).localname
        self.process = (self.text("cbc:CustomizationID"), self.text("cbc:ProfileID"))
        self.is_self_billing = self.process == SELF_BILLING
        self.lines = self.nodes(f"cac:{self.name}Line")
        self.places = {line: place for place, line in enumerate(self.lines, 1)}

    # --- reading -----------------------------------------------------------------------------------------------

    def nodes(self, path: str, of: etree._Element | None = None) -> list[etree._Element]:
        return list((self.root if of is None else of).findall(path, NAMES))

    def text(self, path: str, of: etree._Element | None = None) -> str:
        found = (self.root if of is None else of).findtext(path, default="", namespaces=NAMES)
        return " ".join(found.split())

    def number(self, path: str, of: etree._Element | None = None) -> Decimal:
        """The number there, NaN if there is none: it equals nothing."""
        try:
            return Decimal(self.text(path, of))
        except InvalidOperation:
            return Decimal("NaN")

    def path(self, of: etree._Element) -> str:
        """Where an element stands, by local names; lines by their place."""
        steps = []
        one: etree._Element | None = of
        while one is not None:
            name = etree.QName(one).localname
            steps.append(f"{name}[{self.places[one]}]" if one in self.places else name)
            one = one.getparent()
        return "/" + "/".join(reversed(steps))

    # --- the rules ---------------------------------------------------------------------------------------------

    def all(self) -> Iterator[Wrong]:
        yield from self.whole()
        yield from self.head()
        yield from self.parties()
        yield from self.payment()
        yield from self.taxes()
        yield from self.line_sums()
        yield from self.sums()
        if self.is_self_billing:
            yield from self.self_billing()

    def whole(self) -> Iterator[Wrong]:
        for one in self.root.iter(etree.Element):
            if len(one) == 0 and not (one.text or "").strip():
                yield Wrong("PEPPOL-EN16931-R008", self.path(one), "is empty")
            currency = one.get("currencyID")
            if currency is None:
                continue
            if currency != self.text("cbc:DocumentCurrencyCode"):
                yield Wrong("PEPPOL-EN16931-R051", self.path(one), "is in another currency than the document")
            if not _AMOUNT.match((one.text or "").strip()) and etree.QName(one).localname != "PriceAmount":
                yield Wrong("BR-DEC", self.path(one), "has more than two decimals")

    def head(self) -> Iterator[Wrong]:
        if (self.process, self.name) not in CODES:
            yield Wrong("PEPPOL-EN16931-R004", "/CustomizationID", "is not a process of this service")
        elif self.text(f"cbc:{self.name}TypeCode") not in CODES[self.process, self.name]:
            yield Wrong("BR-CL-01", f"/{self.name}TypeCode", "is not a type of this process")
        for rule, path in (("BR-02", "ID"), ("BR-03", "IssueDate"), ("BR-05", "DocumentCurrencyCode")):
            if not self.text(f"cbc:{path}"):
                yield Wrong(rule, f"/{path}", "is missing")
        for path in ("IssueDate", "DueDate"):
            if (found := self.text(f"cbc:{path}")) and not _DATE.match(found):
                yield Wrong("PEPPOL-EN16931-F001", f"/{path}", "must be a date, YYYY-MM-DD")
        if self.text("cbc:DocumentCurrencyCode") not in CURRENCIES:
            yield Wrong("BR-CL-04", "/DocumentCurrencyCode", "is not a currency of this service")
        if len(self.nodes("cbc:Note")) > 1:
            yield Wrong("PEPPOL-EN16931-R002", "/Note", "stands more than once")
        if not self.text("cbc:BuyerReference") and not self.text("cac:OrderReference/cbc:ID"):
            yield Wrong("PEPPOL-EN16931-R003", "/BuyerReference", "is missing")
        if not self.lines:
            yield Wrong("BR-16", f"/{self.name}Line", "is missing")
        if self.name == "CreditNote" and not self.nodes("cac:BillingReference"):
            yield Wrong("SE-CREDIT", "/BillingReference", "a credit note names what it corrects")
        for reference in self.nodes("cac:BillingReference"):
            if not self.text("cac:InvoiceDocumentReference/cbc:ID", reference):
                yield Wrong("BR-55", self.path(reference), "names no document")

    def parties(self) -> Iterator[Wrong]:
        for side, name, rule, address, country, endpoint in (
            ("Supplier", "seller", "BR-06", "BR-08", "BR-09", "PEPPOL-EN16931-R020"),
            ("Customer", "buyer", "BR-07", "BR-10", "BR-11", "PEPPOL-EN16931-R010"),
        ):
            where = f"/Accounting{side}Party/Party"
            found = self.nodes(f"cac:Accounting{side}Party/cac:Party")
            if not found:
                yield Wrong(rule, where, f"the {name} is missing")
                continue
            party = found[0]
            if not self.text("cac:PartyLegalEntity/cbc:RegistrationName", party):
                yield Wrong(rule, f"{where}/PartyLegalEntity/RegistrationName", f"the {name} has no name")
            if not self.nodes("cac:PostalAddress", party):
                yield Wrong(address, f"{where}/PostalAddress", "is missing")
            elif not self.text("cac:PostalAddress/cac:Country/cbc:IdentificationCode", party):
                yield Wrong(country, f"{where}/PostalAddress/Country", "is missing")
            if not self.text("cbc:EndpointID", party):
                yield Wrong(endpoint, f"{where}/EndpointID", "is missing")
            for one in party.iter(f"{{{CBC}}}EndpointID", f"{{{CBC}}}CompanyID"):
                if one.get("schemeID") == "0007" and not _is_organisation((one.text or "").strip()):
                    yield Wrong("PEPPOL-COMMON-R049", self.path(one), "is not a Swedish organisation number")
        yield from self.swedish_seller()

    def swedish_seller(self) -> Iterator[Wrong]:
        for seller in self.nodes("cac:AccountingSupplierParty/cac:Party"):
            if self.text("cac:PostalAddress/cac:Country/cbc:IdentificationCode", seller) != "SE":
                continue
            for scheme in self.nodes("cac:PartyTaxScheme", seller):
                number, path = self.text("cbc:CompanyID", scheme), self.path(scheme)
                if self.text("cac:TaxScheme/cbc:ID", scheme) == "VAT":
                    if not number.startswith("SE"):
                        yield Wrong("BR-CO-09", path, "does not begin with the country")
                    if len(number) != 14:
                        yield Wrong("SE-R-001", path, "is not 14 characters long")
                    if not number[2:].isdecimal():
                        yield Wrong("SE-R-002", path, "has other than digits after the country")
                elif number.upper() != F_SKATT.upper():
                    yield Wrong("SE-R-005", path, "does not say that the seller is approved for F-tax")
            number = self.text("cac:PartyLegalEntity/cbc:CompanyID", seller)
            path = "/AccountingSupplierParty/Party/PartyLegalEntity/CompanyID"
            if not number:
                yield Wrong("BR-CO-26", path, "is missing")
            elif not number.isdecimal():
                yield Wrong("SE-R-003", path, "is not numeric")
            elif len(number) != 10:
                yield Wrong("SE-R-004", path, "is not ten digits long")
            elif not luhn.is_valid(number):
                yield Wrong("SE-R-013", path, "has a wrong check digit")

    def payment(self) -> Iterator[Wrong]:
        if self.number("cac:LegalMonetaryTotal/cbc:PayableAmount") > 0 and not (
            self.text("cbc:DueDate") or self.text("cac:PaymentTerms/cbc:Note")
        ):
            yield Wrong("BR-CO-25", "/DueDate", "is missing, and so are terms of payment")
        for means in self.nodes("cac:PaymentMeans"):
            path, code = self.path(means), self.text("cbc:PaymentMeansCode", means)
            account = self.text("cac:PayeeFinancialAccount/cbc:ID", means)
            clearing = self.text("cac:PayeeFinancialAccount/cac:FinancialInstitutionBranch/cbc:ID", means)
            if code in ("50", "56"):
                yield Wrong("SE-R-011", path, "bankgiro and plusgiro are stated by code 30 and their clearing")
            elif code == "31":
                yield Wrong("SE-R-012", path, "a domestic transfer is stated by code 30")
            elif code != "30":
                yield Wrong("BR-CL-16", path, "is not a means of payment of this service")
            if not account:
                yield Wrong("BR-61", path, "names no account")
            elif clearing == "SE:PLUSGIRO":
                if not account.isdecimal():
                    yield Wrong("SE-R-007", path, "a plusgiro number is numeric")
                if not 2 <= len(account) <= 8:
                    yield Wrong("SE-R-010", path, "a plusgiro number has two to eight digits")
            elif clearing == "SE:BANKGIRO":
                if not account.isdecimal():
                    yield Wrong("SE-R-008", path, "a bankgiro number is numeric")
                if not 7 <= len(account) <= 8:
                    yield Wrong("SE-R-009", path, "a bankgiro number has seven or eight digits")
            elif not iban.is_valid(account):
                yield Wrong("SE-ACCOUNT", path, "is no IBAN")

    def taxes(self) -> Iterator[Wrong]:
        subtotals = self.nodes("cac:TaxTotal/cac:TaxSubtotal")
        if len(self.nodes("cac:TaxTotal")) != 1 or not subtotals:
            yield Wrong("PEPPOL-EN16931-R053", "/TaxTotal", "there must be one, with a breakdown")
        numbers = [
            self.text("cbc:CompanyID", scheme)
            for side in ("Supplier", "Customer")
            for scheme in self.nodes(f"cac:Accounting{side}Party/cac:Party/cac:PartyTaxScheme")
            if self.text("cac:TaxScheme/cbc:ID", scheme) == "VAT"
        ]
        seller = self.nodes("cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme")
        seller_vat = [one for one in seller if self.text("cac:TaxScheme/cbc:ID", one) == "VAT"]
        seen: set[tuple[str, str]] = set()
        for one in self.root.iter(f"{{{CAC}}}TaxCategory", f"{{{CAC}}}ClassifiedTaxCategory"):
            path, category, percent = self.path(one), self.text("cbc:ID", one), self.text("cbc:Percent", one)
            total = etree.QName(one).localname == "TaxCategory"
            reason = self.text("cbc:TaxExemptionReason", one) or self.text("cbc:TaxExemptionReasonCode", one)
            if self.text("cac:TaxScheme/cbc:ID", one) != "VAT":
                yield Wrong("BR-CO-18", path, "is not of VAT")
            if category not in CATEGORIES:
                yield Wrong("BR-CL-17", path, "is not a category of this service")
            elif category == "S":
                if self.number("cbc:Percent", one) not in (25, 12, 6):
                    yield Wrong("SE-R-006", path, "the rate must be 25, 12 or 6")
                if not seller_vat:
                    yield Wrong("BR-S-02", path, "the seller's VAT number is missing")
                if total and reason:
                    yield Wrong("BR-S-10", path, "has a reason for no VAT")
            elif category == "E":
                if self.number("cbc:Percent", one) != 0:
                    yield Wrong("BR-E-05", path, "the rate must be 0")
                if not seller:
                    yield Wrong("BR-E-02", path, "the seller states neither a VAT number nor a tax registration")
                if total and not reason:
                    yield Wrong("BR-E-10", path, "the reason is missing")
            else:
                if percent:
                    yield Wrong("BR-O-05", path, "has a rate")
                if numbers:
                    yield Wrong("BR-O-02", path, "a VAT number is stated")
                if total and not reason:
                    yield Wrong("BR-O-10", path, "the reason is missing")
            if total:
                if (category, percent) in seen:
                    yield Wrong("BR-CO-18", path, "stands twice in the breakdown")
                seen.add((category, percent))
            elif (category, percent) not in seen:
                yield Wrong("BR-CO-04", path, "has no part in the breakdown")
        if len({category for category, _ in seen}) > 1 and any(category == "O" for category, _ in seen):
            yield Wrong("BR-O-11", "/TaxTotal", "what is outside the scope of VAT stands alone")

    def line_sums(self) -> Iterator[Wrong]:
        ids = [self.text("cbc:ID", line) for line in self.lines]
        often = Counter(ids)
        first, last = self.text("cac:InvoicePeriod/cbc:StartDate"), self.text("cac:InvoicePeriod/cbc:EndDate")
        quantity = "cbc:InvoicedQuantity" if self.name == "Invoice" else "cbc:CreditedQuantity"
        for line, number in zip(self.lines, ids, strict=True):
            path = self.path(line)
            if not number or often[number] > 1:
                yield Wrong("BR-21", path, "has no number of its own")
            if not self.text(quantity, line):
                yield Wrong("BR-22", path, "has no quantity")
            if not self.text("cac:Item/cbc:Name", line):
                yield Wrong("BR-25", path, "says nothing of what it is for")
            price = self.number("cac:Price/cbc:PriceAmount", line)
            if price.is_nan():
                yield Wrong("BR-26", path, "has no price")
            elif price < 0:
                yield Wrong("BR-27", path, "has a negative price")
            net = self.number("cbc:LineExtensionAmount", line)
            if net != (self.number(quantity, line) * price).quantize(ORE, ROUND_HALF_UP):
                yield Wrong("PEPPOL-EN16931-R120", path, "its amount is not quantity times price")
            if not self.nodes("cac:Item/cac:ClassifiedTaxCategory", line):
                yield Wrong("BR-CO-04", path, "has no VAT category")
            start, end = (self.text(f"cac:InvoicePeriod/cbc:{name}", line) for name in ("StartDate", "EndDate"))
            if start and end and end < start:
                yield Wrong("BR-30", path, "its period ends before it begins")
            if first and start and start < first:
                yield Wrong("PEPPOL-EN16931-R110", path, "its period begins before the document's")
            if last and end and end > last:
                yield Wrong("PEPPOL-EN16931-R111", path, "its period ends after the document's")
            for reference in self.nodes("cac:DocumentReference", line):
                if self.text("cbc:DocumentTypeCode", reference) != "130":
                    yield Wrong("PEPPOL-EN16931-R101", path, "refers to another thing than the object of the line")

    def sums(self) -> Iterator[Wrong]:
        total = "cac:LegalMonetaryTotal/cbc:"
        net, without = self.number(f"{total}LineExtensionAmount"), self.number(f"{total}TaxExclusiveAmount")
        with_tax, payable = self.number(f"{total}TaxInclusiveAmount"), self.number(f"{total}PayableAmount")
        tax = self.number("cac:TaxTotal/cbc:TaxAmount")
        if net != self._sum(self.lines, "cbc:LineExtensionAmount"):
            yield Wrong("BR-CO-10", "/LegalMonetaryTotal/LineExtensionAmount", "is not the sum of the lines")
        if without != net:
            yield Wrong("BR-CO-13", "/LegalMonetaryTotal/TaxExclusiveAmount", "is not the sum of the lines")
        subtotals = self.nodes("cac:TaxTotal/cac:TaxSubtotal")
        if tax != self._sum(subtotals, "cbc:TaxAmount"):
            yield Wrong("BR-CO-14", "/TaxTotal/TaxAmount", "is not the sum of the breakdown")
        if with_tax != without + tax:
            yield Wrong("BR-CO-15", "/LegalMonetaryTotal/TaxInclusiveAmount", "is not the amount without VAT plus VAT")
        if payable != with_tax:
            yield Wrong("BR-CO-16", "/LegalMonetaryTotal/PayableAmount", "is not the amount with VAT")
        for one in subtotals:
            category, percent = (self.text(f"cac:TaxCategory/cbc:{name}", one) for name in ("ID", "Percent"))
            base, amount = self.number("cbc:TaxableAmount", one), self.number("cbc:TaxAmount", one)
            rate = Decimal(percent) if percent else Decimal(0)
            if amount != (base * rate / 100).quantize(ORE, ROUND_HALF_UP):
                yield Wrong("BR-CO-17", self.path(one), "VAT is not the rate of its base")
            own = [
                line
                for line in self.lines
                if self.text("cac:Item/cac:ClassifiedTaxCategory/cbc:ID", line) == category
                and self.text("cac:Item/cac:ClassifiedTaxCategory/cbc:Percent", line) == percent
            ]
            if base != self._sum(own, "cbc:LineExtensionAmount"):
                yield Wrong(f"BR-{category}-08", self.path(one), "the base is not the sum of its lines")

    def _sum(self, of: list[etree._Element], path: str) -> Decimal:
        return sum((self.number(path, one) for one in of), Decimal(0))

    def self_billing(self) -> Iterator[Wrong]:
        if SELF_BILLING_WORD.lower() not in self.text("cbc:Note").lower():
            yield Wrong("SB-WORD", "/Note", f"does not say {SELF_BILLING_WORD}")
        if not self.text("cac:ContractDocumentReference/cbc:ID"):
            yield Wrong("SB-AGREEMENT", "/ContractDocumentReference", "the agreement is not named")


def _is_organisation(number: str) -> bool:
    return len(number) == 10 and number.isdecimal() and orgnr.is_valid(number)
