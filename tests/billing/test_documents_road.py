"""From a released payment to what its receivers read: the methods themselves, on a real database without a broker."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from kundval_billing.documents import check
from kundval_chassis import migrate
from kundval_chassis.db import Pool
from kundval_contracts.errors import Forbidden, KundvalError, NotFound

from .books import RUN, Books, Row, posting
from .builders import ami2, on
from .papers import COMPANY, MUNICIPALITY

NAME, STREET = "Alfa Enskild Firma Xyzzy", "Hemliga gatan 7"
LATER = "2024-07-01"
PLAN = {
    "accounts": [
        {"ledger": "cost:*:*", "account": "4600", "name": "Köp av insatser"},
        {"ledger": "payable:*", "account": "2440", "name": "Leverantörsskulder"},
        {"ledger": "vat:IN", "account": "1640", "name": "Ingående moms"},
    ],
    "dimensions": [{"number": 1, "name": "Ansvar", "by": "FIXED", "object": "510", "on": ["COST"]}],
}


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database, name="test") as made:
        yield made


def party(number: str, name: str, **more: Any) -> Row:
    given = {"name": name, "organisation_number": number, "street": STREET, "postal_code": "131 81", "city": "Nacka"}
    given |= {"payment_terms_days": 30, "vat_number": f"SE{number}01", "bankgiro": "9912346", "f_skatt": True}
    return {**given, **more}


def code(books: Books, method: str, who: str = "ann", role: str = "CONTROLLER", /, **fields: Any) -> str:
    with pytest.raises(KundvalError) as raised:
        books.call(method, who, role, **fields)
    said = str(raised.value)
    assert NAME not in said and STREET not in said and COMPANY not in said
    return raised.value.code


def content(answer: Row) -> bytes:
    found = b64decode(answer["content"])
    assert hashlib.sha256(found).hexdigest() == answer["sha256"]
    assert NAME not in answer["name"]
    return found


@pytest.fixture(scope="module")
def books(pool: Pool) -> Books:
    """A municipality that has paid alfa by self-billing and beta by its own invoice, and taken something back."""
    made = Books(pool)
    made.post(posting("8000.00"), posting("6000.00", sequence=2), posting("500.00", "beta"))
    assert {row["problem"] for row in made.propose()} == {"PAYER_UNKNOWN"}
    made.call("set_payer", role="MUNICIPALITY", valid_from="2024-01-01", party=party(MUNICIPALITY, "Nacka kommun"),
              vat_by_ownership={"PRIVATE": {"treatment": "STANDARD_25"}})  # fmt: skip
    agreement = {"from": "2024-01-01", "reference": "SB-17"}
    made.call("set_payee", provider="alfa", valid_from="2024-01-01", party=party(COMPANY, NAME), self_billing=agreement)
    made.call("set_payee", provider="beta", valid_from="2024-01-01", party=party(COMPANY, "Beta AB"))
    for row in made.call("payments", run=RUN)["payments"]:
        made.call("withdraw_payment", payment=row["payment"], reason="was not ready")
    release(made, RUN)
    made.post(posting("-8000.00", run=LATER, reverses=RUN), posting("7500.00", run=LATER))
    release(made, LATER)
    return made


def release(books: Books, run: str) -> None:
    for payment in books.ready(run):
        if books.payment(payment)["self_billing"]:
            books.call("approve_payment", "alfa", "PROVIDER", payment=payment)
    assert books.call("release_payments", run=run)["parked"] == []


def test_released_payments_have_their_documents_and_a_provider_sees_its_own(books: Books) -> None:
    found = books.call("documents")["documents"]
    assert [(one["number"], one["provider"], one["gross"], one["corrects"]) for one in found] == [
        ("SF-2024-000001", "alfa", "17500.00", None),
        ("SF-2024-000002", "alfa", "9375.00", None),
        ("SK-2024-000001", "alfa", "10000.00", "SF-2024-000001"),
        ("UB-2024-000001", "beta", "625.00", None),
    ]
    own = books.call("documents", "beta", "PROVIDER")
    assert [one["number"] for one in own["documents"]] == ["UB-2024-000001"] and own["next"] is None
    page = books.call("documents", limit=2)
    assert [one["number"] for one in books.call("documents", after=page["next"])["documents"]] == [
        "SK-2024-000001",
        "UB-2024-000001",
    ]
    assert [one["run"] for one in books.call("documents", run=LATER)["documents"]] == [LATER, LATER]
    with pytest.raises(NotFound):
        books.call("document", "beta", "PROVIDER", number="SF-2024-000001", form="XML")
    with pytest.raises(Forbidden):
        books.call("documents", "beta", "PROVIDER", provider="alfa")


def test_a_document_comes_as_peppol_csv_page_and_pdf(books: Books) -> None:
    def get(form: str, number: str = "SF-2024-000001", **more: Any) -> bytes:
        return content(books.call("document", "alfa", "PROVIDER", number=number, form=form, **more))

    xml = get("XML")
    assert check.check(xml) == [] and NAME.encode() in xml
    assert get("XML", "SK-2024-000001").count(b"SF-2024-000001") == 2  # as reference and in the note
    assert get("CSV").decode().count("SF-2024-000001") == 2
    page = get("HTML").decode()
    for said in (NAME, "Självfakturering", "Att betala", "17\N{NO-BREAK SPACE}500,00\N{NO-BREAK SPACE}kr"):
        assert said in page
    assert "To be paid" in get("HTML", lang="en").decode()
    assert code(books, "document", number="UB-2024-000001", form="XML") == "NO_XML"
    assert "Utbetalningsunderlag" in content(books.call("document", number="UB-2024-000001", form="HTML")).decode()


@pytest.mark.parametrize(
    ("lang", "title", "said"),
    [
        ("sv", "Besked om ersättning", ["−8 000,00 kr", "7 500,00 kr", "Återtaget", "SK-2024-000001"]),
        ("en", "Statement of compensation", ["−8,000.00 SEK", "7,500.00 SEK", "SK-2024-000001"]),
    ],
)
def test_a_statement_is_a_tagged_pdf_with_title_language_and_sums(
    books: Books, lang: str, title: str, said: list[str]
) -> None:
    answer = books.call("statement", "alfa", "PROVIDER", provider="alfa", run=LATER, form="PDF", lang=lang)
    pdf = PdfReader(BytesIO(content(answer)))
    root: Any = pdf.trailer["/Root"]
    assert pdf.metadata is not None and pdf.metadata.title == title
    assert root["/Lang"] == lang and root["/MarkInfo"]["/Marked"] and root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    assert {"/Table", "/TH", "/TD", "/H1", "/H2"} <= set(tags(root["/StructTreeRoot"]))
    text = " ".join(page.extract_text() for page in pdf.pages).replace("\N{NO-BREAK SPACE}", " ")
    for one in [NAME, *said]:
        assert one in " ".join(text.split()), one


def tags(element: Any) -> Iterator[str]:
    """The roles in a PDF's tree of structure."""
    element = element.get_object() if hasattr(element, "get_object") else element
    if isinstance(element, list):
        for one in element:
            yield from tags(one)
    elif isinstance(element, dict):
        if "/S" in element:
            yield str(element["/S"])
        if "/K" in element:
            yield from tags(element["/K"])


def test_a_statement_says_what_waits_and_a_provider_gets_its_own_alone(books: Books) -> None:
    work = {"kind": "WORK_FULL_TIME", "first_day": "2024-04-05", "workplace": "W1", "extent_pct": 100}
    work |= {"employment_form": "ORDINARY", "margin_advice": True, "documents": []}
    held = ami2(on("2024-04-05", "exited", **work))
    books.hold_cases(held)
    answer = books.call("statement", provider="alfa", **{"from": "2024-06-01", "to": "2024-07-02"}, form="HTML")
    page = content(answer).decode()
    assert "Snabbhetspremie, AMI 2" in page and "Något saknas" in page and "Handlingar till avslutet saknas" in page
    assert code(books, "statement", "beta", "PROVIDER", provider="alfa", run=RUN, form="HTML") == "OTHER_PROVIDER"
    assert code(books, "statement", provider="alfa", form="HTML") == "INVALID_REQUEST"
    assert code(books, "statement", provider="alfa", run=RUN, form="PDF", lang="fi") == "INVALID_REQUEST"


def test_the_basis_of_a_run_is_the_providers_own(books: Books) -> None:
    everything = books.call("payment_basis_csv", run=RUN)["csv"]
    assert everything.count("\r\n") == 4
    own = books.call("payment_basis_csv", "beta", "PROVIDER", run=RUN)["csv"]
    assert own.count("\r\n") == 2 and "alfa" not in own and "UB-2024-000001" in own


def test_the_journal_is_made_once_by_a_controller_and_given_as_sie_and_csv(books: Books) -> None:
    assert code(books, "make_journal", run=RUN) == "ACCOUNTING_NOT_SET"
    assert code(books, "make_journal", "alfa", "PROVIDER", run=RUN) == "ROLE_NOT_ALLOWED"
    books.call("set_accounting", valid_from="2024-01-01", plan=PLAN)
    assert books.call("accounting")["accounting"][0]["plan"]["series"] == "KV"
    made = books.call("make_journal", **{"from": "2024-06-01", "to": "2024-08-01"})
    assert (made["journal"], made["vouchers"], made["entries"], made["debit"]) == (1, 4, 5, "37375.00")
    assert books.call("journals")["journals"] == [made]
    text = content(books.call("journal", journal=1, form="SIE")).decode("cp437")
    assert '#FNAMN "Nacka kommun"' in text and '#TRANS 4600 {1 "510"} 14000.00' in text and NAME not in text
    assert content(books.call("journal", journal=1, form="CSV")).decode().count("\r\n") == 12
    assert code(books, "make_journal", run=LATER) == "NOTHING_TO_JOURNAL"
    assert code(books, "journal", journal=2, form="SIE") == "NOT_FOUND"


def test_parties_are_listed_with_every_version_and_a_provider_sees_itself(books: Books) -> None:
    found = books.call("payees")["payees"]
    assert {one["recorded_by"] for one in found} == {"ann"}
    assert [(one["provider"], one["self_billing"] and one["self_billing"]["reference"]) for one in found] == [
        ("alfa", "SB-17"),
        ("beta", None),
    ]
    (own,) = books.call("payees", "beta", "PROVIDER")["payees"]
    assert own["party"]["name"] == "Beta AB" and own["recorded_by"] is None
    (payer,) = books.call("payer")["payers"]
    assert payer["vat_by_ownership"] == {"PRIVATE": {"treatment": "STANDARD_25", "reason": None}}
    wrong = party("5560000002", NAME)
    assert code(books, "set_payee", provider="alfa", valid_from="2024-01-01", party=wrong) == "INVALID_REQUEST"


def test_no_event_tells_a_name_or_an_address(books: Books) -> None:
    rows = books.query("SELECT data::text AS data FROM event WHERE tenant = %s", books.name)
    assert rows
    for row in rows:
        assert not any(secret in row["data"] for secret in (NAME, STREET, COMPANY))
