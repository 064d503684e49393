"""Parties, entries and documents in a few words, for tests of what goes out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from kundval_billing.domain.documents import Document, Entry, Line, Reference, named, totals
from kundval_billing.domain.parties import Party, Vat
from kundval_contracts.codes import Direction, DocumentKind, LineKind, Programme, VatTreatment

D = Decimal
#: numbers of public authorities, and made-up ones with a right check digit that no register gives out
MUNICIPALITY, EMPLOYMENT_SERVICE, COMPANY = "2120000167", "2021002114", "5560000001"

STANDARD = Vat(VatTreatment.STANDARD_25)
EXEMPT = Vat(VatTreatment.EXEMPT, "Undantaget från skatteplikt")
OUTSIDE = Vat(VatTreatment.OUTSIDE_SCOPE)


def party(number: str = COMPANY, name: str = "Alfa Jobb AB", **more: Any) -> Party:
    given = {
        "street": "Storgatan 1",
        "postal_code": "131 81",
        "city": "Nacka",
        "payment_terms_days": 30,
        "vat_number": f"SE{number}01",
        "bankgiro": "9912346",
        "f_skatt": True,
    }
    return Party(name, number, **{**given, **more})


def municipality(**more: Any) -> Party:
    return party(MUNICIPALITY, "Nacka kommun", **{"buyer_reference": "AMI-100", "f_skatt": False, **more})


def line(entry: int = 1, amount: str = "8000.00", **more: Any) -> Line:
    starts, last = date(2024, 3, 15), date(2024, 4, 14)
    given = {
        "entry": entry,
        "assignment": "A-001",
        "programme": Programme.AMI_2,
        "kind": LineKind.MONTHLY_FEE,
        "sequence": entry,
        "item": named(LineKind.MONTHLY_FEE, Programme.AMI_2, entry, starts, last, "sv"),
        "amount": D(amount),
        "starts": starts,
        "last_day": last,
        "because": "Månadsersättning.",
        "because_en": "Monthly fee.",
    }
    return Line(**{**given, **more})


def document(kind: DocumentKind, vat: Vat = STANDARD, *amounts: str, **more: Any) -> Document:
    """A document of that kind, of lines with these amounts."""
    lines = tuple(line(place, amount) for place, amount in enumerate(amounts or ("8000.00", "20000.01"), 1))
    receivable = kind in (DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE)
    provider = party()
    given: dict[str, Any] = {
        "number": "SF-2024-000002",
        "kind": kind,
        "direction": Direction.RECEIVABLE if receivable else Direction.PAYABLE,
        "provider": "alfa",
        "payment": 1,
        "run": date(2024, 7, 1),
        "issued_on": date(2024, 7, 2),
        "due_on": date(2024, 8, 1),
        "seller": municipality() if receivable else provider,
        "buyer": party(EMPLOYMENT_SERVICE, "Arbetsförmedlingen") if receivable else municipality(),
        "buyer_reference": "AMI-100",
        "vat": vat,
        "lines": lines,
        "totals": totals(lines, vat),
        "reference": Reference("SF-2024-000001", date(2024, 6, 1)) if kind.is_credit else None,
        "agreement": "SB-17" if kind.is_self_billing else None,
    }
    return Document(**{**given, **more})


def entry(number: int, amount: str, *, original: int | None = None, **more: Any) -> Entry:
    given = {
        "entry": number,
        "assignment": "A-001",
        "programme": Programme.AMI_2,
        "kind": LineKind.MONTHLY_FEE,
        "sequence": 1,
        "starts": date(2024, 3, 15),
        "ends": date(2024, 4, 15),
        "amount": D(amount),
        "because": "Fee.",
        "said": None,
        "original": original,
    }
    return Entry(**{**given, **more})
