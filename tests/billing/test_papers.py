"""Which documents a payment gives, whose VAT applies, and what is missing before one can be written."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from pypdf import PdfReader

from kundval_billing.documents import read, sheet
from kundval_billing.domain.documents import Issued, corrections, invoices, join, last_day, named, originals
from kundval_billing.domain.parties import Agreement, Payee, Payer, Vat, seller_problem, vat_of
from kundval_billing.payees.check import require_sound
from kundval_contracts.codes import Direction, DocumentKind, LineKind, Ownership, Programme, VatTreatment
from kundval_contracts.errors import InvalidRequest
from kundval_contracts.rpc import METHODS

from .papers import COMPANY, EXEMPT, MUNICIPALITY, OUTSIDE, STANDARD, D, document, entry, municipality, party

PAYABLE, RECEIVABLE = Direction.PAYABLE, Direction.RECEIVABLE
RUN, LATER = date(2024, 7, 1), date(2024, 8, 1)


def issued(number: str, kind: DocumentKind, vat: Vat = STANDARD) -> Issued:
    return Issued(number, kind, date(2024, 6, 3), vat)


@pytest.mark.parametrize(
    ("direction", "self_billing", "kind"),
    [
        (PAYABLE, True, DocumentKind.SELF_BILLING_INVOICE),
        (PAYABLE, False, DocumentKind.PAYMENT_BASIS),
        (RECEIVABLE, False, DocumentKind.INVOICE),
    ],
)
def test_what_is_paid_goes_into_one_document(direction: Direction, self_billing: bool, kind: DocumentKind) -> None:
    entries = [entry(1, "8000.00"), entry(2, "20000.00"), entry(3, "-8000.00", original=9)]
    (found,) = invoices(entries, direction, STANDARD, self_billing=self_billing)
    assert found.kind is kind
    assert [one.entry for one in found.lines] == [1, 2]
    assert (found.totals.net, found.totals.vat, found.totals.gross) == (D("28000.00"), D("7000.00"), D("35000.00"))


def test_a_payment_of_corrections_alone_has_no_invoice() -> None:
    assert invoices([entry(1, "-8000.00", original=9)], PAYABLE, STANDARD, self_billing=True) == []


def test_what_is_taken_back_is_credited_by_a_note_for_each_invoice_with_that_ones_vat() -> None:
    entries = [entry(11, "-8000.00", original=1), entry(12, "-100.00", original=2), entry(13, "-50.00", original=3)]
    first = issued("SF-2024-000001", DocumentKind.SELF_BILLING_INVOICE, EXEMPT)
    second = issued("SF-2024-000002", DocumentKind.SELF_BILLING_INVOICE)
    found = corrections(entries, STANDARD, {1: first, 2: second, 3: first})
    assert [(one.kind, one.reference and one.reference.number, one.vat) for one in found] == [
        (DocumentKind.SELF_BILLING_CREDIT_NOTE, "SF-2024-000001", EXEMPT),
        (DocumentKind.SELF_BILLING_CREDIT_NOTE, "SF-2024-000002", STANDARD),
    ]
    assert [line.amount for line in found[0].lines] == [D("8000.00"), D("50.00")]
    assert found[1].totals.gross == D("125.00")


def test_a_claim_that_was_invoiced_is_credited_by_a_plain_credit_note() -> None:
    (found,) = corrections([entry(11, "-1.00", original=1)], STANDARD, {1: issued("F-1", DocumentKind.INVOICE)})
    assert found.kind is DocumentKind.CREDIT_NOTE


def test_what_went_out_in_no_invoice_is_set_off_in_the_payment_basis() -> None:
    entries = [entry(5, "900.00"), entry(11, "-8000.00", original=1), entry(12, "-100.00", original=2)]
    found = join(
        invoices(entries, PAYABLE, STANDARD, self_billing=False),
        corrections(entries, STANDARD, {1: issued("UB-2024-000001", DocumentKind.PAYMENT_BASIS)}),
    )
    assert [one.kind for one in found] == [DocumentKind.PAYMENT_BASIS]
    assert [line.amount for line in found[0].lines] == [D("900.00"), D("-8000.00"), D("-100.00")]
    assert found[0].totals.gross == D("-9000.00")


def test_invoices_are_numbered_before_the_payment_basis() -> None:
    entries = [entry(5, "900.00"), entry(11, "-100.00", original=1)]
    found = join(invoices(entries, PAYABLE, STANDARD, self_billing=True), corrections(entries, STANDARD, {}))
    assert [one.kind for one in found] == [DocumentKind.SELF_BILLING_INVOICE, DocumentKind.PAYMENT_BASIS]


def test_a_correction_takes_back_the_oldest_posting_that_stands_of_its_run_and_amount() -> None:
    eight, nine = D("8000.00"), D("9000.00")
    found = originals(
        [
            (1, RUN, None, eight),
            (2, RUN, RUN, -eight),
            (3, RUN, None, eight),
            (4, LATER, None, nine),
            (5, LATER, RUN, -eight),
            (6, LATER, RUN, -eight),
        ]
    )
    assert found == {2: 1, 5: 3}


def test_a_line_is_named_in_either_language_with_its_last_day() -> None:
    last = last_day(date(2024, 3, 15), date(2024, 4, 15))
    args = (LineKind.SPEED_PREMIUM, Programme.AMI_1, 3, date(2024, 3, 15), last)
    assert named(*args, "sv") == "Snabbhetspremie, AMI 1, nr 3, 2024-03-15–2024-04-14"
    assert named(*args, "en") == "Speed premium, AMI 1, no. 3, 2024-03-15–2024-04-14"
    assert named(LineKind.RESULT, None, 1, None, None, "en") == "Result compensation, no. 1"
    assert last_day(date(2024, 3, 15), date(2024, 3, 15)) == date(2024, 3, 15)


@pytest.mark.parametrize("kind", LineKind)
def test_every_kind_of_line_has_a_name(kind: LineKind) -> None:
    for lang in ("sv", "en"):
        assert named(kind, Programme.SOM_1, 1, None, None, lang).endswith("1")


# --- VAT and what is missing -----------------------------------------------------------------------------


def payee(vat: Vat | None = None) -> Payee:
    return Payee("alfa", RUN, party(vat=vat), None, False)


def test_vat_is_what_was_said_of_the_provider_else_of_its_kind_of_owner_else_unknown() -> None:
    payer = Payer(RUN, municipality(), {Ownership.PRIVATE: STANDARD, Ownership.MUNICIPAL: OUTSIDE})
    assert vat_of(payee(EXEMPT), Ownership.PRIVATE, payer) == EXEMPT
    assert vat_of(payee(), Ownership.PRIVATE, payer) == STANDARD
    assert vat_of(payee(), Ownership.MUNICIPAL, payer) == OUTSIDE
    assert vat_of(payee(), Ownership.NON_PROFIT, payer) is None
    assert vat_of(payee(), None, payer) is None


@pytest.mark.parametrize(
    ("vat", "changes", "problem"),
    [
        (STANDARD, {}, None),
        (None, {}, "VAT_NOT_SET"),
        (STANDARD, {"vat_number": None}, "VAT_NUMBER_MISSING"),
        (EXEMPT, {"vat_number": None}, None),
        (EXEMPT, {"vat_number": None, "f_skatt": False}, "VAT_NUMBER_MISSING"),
        (OUTSIDE, {"vat_number": None, "f_skatt": False}, None),
        (STANDARD, {"bankgiro": None}, "ACCOUNT_MISSING"),
        (STANDARD, {"bankgiro": None, "plusgiro": "18"}, None),
    ],
)
def test_what_is_missing_of_a_seller_has_a_code(
    vat: Vat | None, changes: dict[str, str | None], problem: str | None
) -> None:
    assert seller_problem(party(**changes), vat) == problem


@pytest.mark.parametrize(
    ("day", "in_force"),
    [(date(2024, 6, 30), False), (RUN, True), (date(2024, 7, 31), True), (LATER, False)],
)
def test_self_billing_is_agreed_from_its_first_day_to_the_day_before_its_end(day: date, in_force: bool) -> None:
    assert Agreement(RUN, "SB-17", LATER).in_force(day) is in_force
    assert Agreement(RUN, "SB-17").in_force(date.max)


# --- at the way in ---------------------------------------------------------------------------------------


def request(**changes: object) -> dict[str, object]:
    given = {"name": "Alfa Jobb AB", "organisation_number": COMPANY, "street": "Storgatan 1", "postal_code": "131 81"}
    given |= {"city": "Nacka", "payment_terms_days": 30, **changes}
    return {"tenant": "t", "provider": "alfa", "valid_from": "2024-01-01", "party": given}


@pytest.mark.parametrize(
    "changes",
    [
        {"organisation_number": "556000-0001"},
        {"organisation_number": "55600000011"},
        {"vat_number": COMPANY},
        {"vat_number": f"SE{COMPANY}"},
        {"bankgiro": "991-2346"},
        {"payment_terms_days": -1},
        {"payment_terms_days": "30"},
        {"name": "two\nlines"},
        {"name": "two\u2028lines"},
        {"name": "\u00a0 "},
        {"street": "not for XML \ufffe"},
        {"city": "turned \u202e round"},
        {"vat": {"treatment": "EXEMPT"}},
        {"vat": {"treatment": "REDUCED"}},
        {"endpoint_scheme": "9999"},
        {"nickname": "Alfa"},
    ],
)
def test_a_party_that_cannot_be_is_refused_at_its_field(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as raised:
        METHODS["billing.set_payee"].load(request(**changes))
    (name,) = changes
    assert {fault["path"].split(".")[1] for fault in raised.value.faults} == {name}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"organisation_number": "5560000002"}, "organisation_number"),
        ({"vat_number": "SE556000000201"}, "vat_number"),
        ({"bankgiro": "9912347"}, "bankgiro"),
        ({"plusgiro": "19"}, "plusgiro"),
        ({"iban": "SE4550000000058398257467"}, "iban"),
        ({"endpoint": "5560000002"}, "endpoint"),
        ({"endpoint_scheme": "0088"}, "endpoint"),
        ({"endpoint_scheme": "0088", "endpoint": "7300010000002"}, "endpoint"),
    ],
)
def test_a_number_with_a_wrong_check_digit_is_refused_and_not_quoted(changes: dict[str, str], path: str) -> None:
    loaded = METHODS["billing.set_payee"].load(request(**changes))
    with pytest.raises(InvalidRequest) as raised:
        require_sound(loaded["party"])
    assert [fault["path"] for fault in raised.value.faults] == [f"party.{path}"]
    assert not any(value in str(raised.value) for value in changes.values() if len(value) > 4)


def test_a_right_party_is_taken() -> None:
    right = {"vat_number": f"SE{COMPANY}01", "plusgiro": "18", "iban": "SE4550000000058398257466"}
    loaded = METHODS["billing.set_payee"].load(request(**right, endpoint_scheme="0088", endpoint="7300010000001"))
    require_sound(loaded["party"])
    assert loaded["party"]["vat"] is None and loaded["party"]["f_skatt"] is False
    assert MUNICIPALITY != COMPANY and VatTreatment.STANDARD_25.category == "S"


def test_a_name_that_no_font_is_there_for_stands_in_the_pdf_as_far_as_it_can() -> None:
    made = document(DocumentKind.SELF_BILLING_INVOICE, seller=party(name='#panic("x") Åsa \N{SNOWMAN} \u65e5\u672c'))
    (page, *_) = PdfReader(BytesIO(sheet.pdf(read.document_sheet(made, "sv")))).pages
    assert '#panic("x") Åsa ? ??' in page.extract_text().replace("\N{NO-BREAK SPACE}", " ")


def test_an_agreement_ends_after_it_begins() -> None:
    for end, right in (("2024-07-01", False), ("2024-06-30", False), ("2024-07-02", True)):
        agreement = {"from": "2024-07-01", "to": end, "reference": "SB-17"}
        if right:
            METHODS["billing.set_payee"].load({**request(), "self_billing": agreement})
        else:
            with pytest.raises(InvalidRequest, match=r"self_billing\.to"):
                METHODS["billing.set_payee"].load({**request(), "self_billing": agreement})
