"""The ledger in the words of the books: accounts, dimensions, vouchers, and a SIE file that others can read."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pysie_accounting.pysie import PySIE

from kundval_billing.documents.journal import plan_of, table
from kundval_billing.domain.accounting import NotMapped, Plan, Voucher, voucher
from kundval_billing.domain.sie import quoted, sie, spelt
from kundval_contracts.codes import DocumentKind, LineKind
from kundval_contracts.errors import InvalidRequest
from kundval_contracts.rpc import METHODS

from .papers import EXEMPT, STANDARD, D, document

DAY = date(2024, 7, 3)
ACCOUNTS = {
    "cost:*:*": ("4600", "Köp av insatser"),
    "cost:AMI_2:*": ("4620", "AMI 2"),
    "cost:*:RESULT_BONUS": ("4690", "Bonus"),
    "payable:*": ("2440", "Leverantörsskulder"),
    "vat:IN": ("1640", "Ingående moms"),
    "vat:OUT": ("2610", "Utgående moms"),
    "receivable:*": ("1510", "Kundfordringar"),
    "revenue:*:*": ("3500", "Ersättning från Arbetsförmedlingen"),
}
DIMENSIONS: list[dict[str, Any]] = [
    {"number": 1, "name": "Ansvar", "by": "FIXED", "object": "510", "on": ["COST"], "names": {"510": "Etablering"}},
    {"number": 20, "name": "Aktivitet", "by": "KIND", "on": ["COST"], "objects": {"MONTHLY_FEE": "MAN"}},
    {"number": 21, "name": "Verksamhet", "by": "PROGRAMME", "on": ["COST", "REVENUE"], "objects": {"AMI_2": "607"}},
    {"number": 22, "name": "Motpart", "by": "PROVIDER", "on": ["COST", "PAYABLE"], "objects": {"alfa": "871"}},
]


def plan(accounts: dict[str, tuple[str, str]] = ACCOUNTS, dimensions: list[dict[str, Any]] = DIMENSIONS) -> Plan:
    """As it comes from the wire and from storage."""
    rows = [{"ledger": key, "account": number, "name": name} for key, (number, name) in accounts.items()]
    request = {"tenant": "t", "valid_from": "2024-01-01", "plan": {"accounts": rows, "dimensions": dimensions}}
    return plan_of(METHODS["billing.set_accounting"].load(request)["plan"])


def ledger(made: Any) -> dict[int, list[tuple[str, Decimal]]]:
    """The ledger's rows of the lines of a document."""
    sign = -1 if made.kind.is_credit else 1
    found = {}
    for one in made.lines:
        amount, what = sign * one.amount, f"{one.programme}:{one.kind}"
        pair = (
            ("cost:" + what, "payable:alfa") if made.direction == "PAYABLE" else ("receivable:alfa", "revenue:" + what)
        )
        found[one.entry] = [(pair[0], amount), (pair[1], -amount)]
    return found


def booked(made: Any, layout: Plan | None = None, number: int = 1) -> Voucher:
    return voucher(made, ledger(made), layout or plan(), number)


def amounts(one: Voucher) -> dict[str, Decimal]:
    return {row.account.account: row.amount for row in one.rows}


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("cost:AMI_1:MONTHLY_FEE", "4600"),
        ("cost:AMI_2:MONTHLY_FEE", "4620"),
        ("cost:AMI_1:RESULT_BONUS", "4690"),
        ("cost:AMI_2:RESULT_BONUS", "4620"),
        ("payable:alfa", "2440"),
        ("payable:a:b", "2440"),
        ("vat:IN", "1640"),
    ],
)
def test_the_most_exact_account_holds_a_programme_before_a_kind(name: str, account: str) -> None:
    assert plan().account(name).account == account


def test_what_the_books_have_no_account_for_is_named() -> None:
    bare = plan({"cost:AMI_1:*": ("4600", "AMI 1")}, [])
    with pytest.raises(NotMapped) as raised:
        booked(document(DocumentKind.PAYMENT_BASIS), bare)
    assert (raised.value.what, raised.value.name) == ("ACCOUNT", "cost:AMI_2:MONTHLY_FEE")


def test_what_a_dimension_has_no_object_for_is_named() -> None:
    with pytest.raises(NotMapped) as raised:
        booked(replace(document(DocumentKind.PAYMENT_BASIS), provider="beta"))
    assert (raised.value.what, raised.value.name) == ("DIMENSION", "22:beta")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (DocumentKind.SELF_BILLING_INVOICE, {"4620": "28000.01", "1640": "7000.00", "2440": "-35000.01"}),
        (DocumentKind.SELF_BILLING_CREDIT_NOTE, {"4620": "-28000.01", "1640": "-7000.00", "2440": "35000.01"}),
        (DocumentKind.PAYMENT_BASIS, {"4620": "28000.01", "2440": "-28000.01"}),
        (DocumentKind.INVOICE, {"1510": "35000.01", "3500": "-28000.01", "2610": "-7000.00"}),
        (DocumentKind.CREDIT_NOTE, {"1510": "-35000.01", "3500": "28000.01", "2610": "7000.00"}),
    ],
)
def test_a_voucher_balances_and_has_the_vat_of_its_invoice(kind: DocumentKind, expected: dict[str, str]) -> None:
    found = booked(document(kind))
    assert amounts(found) == {account: D(amount) for account, amount in expected.items()}
    assert sum(amounts(found).values()) == 0


def test_without_vat_there_is_no_row_for_it() -> None:
    assert set(amounts(booked(document(DocumentKind.SELF_BILLING_INVOICE, EXEMPT)))) == {"4620", "2440"}


def test_rows_carry_their_dimensions_and_rows_with_the_same_are_one() -> None:
    cost, debt = booked(document(DocumentKind.PAYMENT_BASIS)).rows
    assert cost.objects == ((1, "510"), (20, "MAN"), (21, "607"), (22, "871"))
    assert debt.objects == ((22, "871"),)
    made = document(DocumentKind.PAYMENT_BASIS)
    first, second = made.lines
    layout = plan(dimensions=[{**DIMENSIONS[1], "objects": {"MONTHLY_FEE": "MAN", "RESULT_BONUS": "BON"}}])
    found = booked(replace(made, lines=(first, replace(second, kind=LineKind.RESULT_BONUS))), layout)
    assert [(row.objects, row.amount) for row in found.rows if row.amount > 0] == [
        (((20, "MAN"),), D("8000.00")),
        (((20, "BON"),), D("20000.01")),
    ]


# --- SIE -------------------------------------------------------------------------------------------------


@dataclass
class Read:
    """A SIE file as the format says it is to be read, by a reader that shares nothing with what wrote it."""

    head: dict[str, list[str]] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    dimensions: dict[str, str] = field(default_factory=dict)
    objects: dict[tuple[str, str], str] = field(default_factory=dict)
    vouchers: list[tuple[list[str], list[tuple[str, dict[str, str], Decimal]]]] = field(default_factory=list)


def fields(text: str) -> list[str]:
    return shlex.split(text, posix=True)


def read(content: bytes) -> Read:
    found, inside = Read(), False
    for row in content.decode("cp437").split("\r\n"):
        label, _, rest = row.strip().partition(" ")
        if label == "{":
            inside = True
        elif label == "}":
            inside = False
        elif label == "#TRANS":
            assert inside
            match = re.fullmatch(r"(\d+) \{(.*)\} (-?\d+\.\d\d)", rest)
            assert match, rest
            pairs = fields(match[2])
            found.vouchers[-1][1].append((match[1], dict(zip(pairs[::2], pairs[1::2], strict=True)), Decimal(match[3])))
        elif label == "#VER":
            found.vouchers.append((fields(rest), []))
        elif label == "#KONTO":
            number, name = fields(rest)
            found.accounts[number] = name
        elif label == "#DIM":
            number, name = fields(rest)
            found.dimensions[number] = name
        elif label == "#OBJEKT":
            number, key, name = fields(rest)
            found.objects[number, key] = name
        elif label:
            found.head[label] = fields(rest)
    return found


def journal(company: str = 'Åmåls "nya" kommun') -> bytes:
    vouchers = [
        booked(document(DocumentKind.SELF_BILLING_INVOICE), number=7),
        booked(document(DocumentKind.SELF_BILLING_CREDIT_NOTE, STANDARD, "12.34"), number=8),
    ]
    return sie(vouchers, plan(), company=company, organisation_number="2120000167", made_on=DAY)


def test_a_sie_file_is_read_back_by_the_letter_of_the_format() -> None:
    found = read(journal())
    assert found.head == {
        "#FLAGGA": ["0"],
        "#PROGRAM": ["kundval", "0.1"],
        "#FORMAT": ["PC8"],
        "#GEN": ["20240703"],
        "#SIETYP": ["4"],
        "#ORGNR": ["212000-0167"],
        "#FNAMN": ['Åmåls "nya" kommun'],
    }
    assert found.accounts == {"1640": "Ingående moms", "2440": "Leverantörsskulder", "4620": "AMI 2"}
    assert found.dimensions == {"1": "Ansvar", "20": "Aktivitet", "21": "Verksamhet", "22": "Motpart"}
    assert found.objects["1", "510"] == "Etablering" and found.objects["22", "871"] == "871"
    (first, rows), (second, others) = found.vouchers
    assert first == ["KV", "7", "20240702", "SF-2024-000002 alfa", "20240703"] and second[1] == "8"
    assert rows == [
        ("4620", {"1": "510", "20": "MAN", "21": "607", "22": "871"}, D("28000.01")),
        ("2440", {"22": "871"}, D("-35000.01")),
        ("1640", {}, D("7000.00")),
    ]
    for _, one in found.vouchers:
        assert sum(amount for _, _, amount in one) == 0
    assert len(others) == 3


def test_a_sie_file_is_read_back_by_an_independent_parser(tmp_path: Path) -> None:
    path, codes = tmp_path / "journal.si", tmp_path / "codes.csv"
    path.write_bytes(journal("Åmåls kommun"))
    codes.write_text("SRU,Ink2\n7365,1\n")
    parser = PySIE()
    parser.sie_encoding = "cp437"
    parser.open_trans(codes)
    parser.open(path)
    assert parser.fnamn == "Åmåls kommun"
    assert set(parser.verifikat) == {"7", "8"}
    day, text, _, rows = parser.verifikat["7"]
    assert (day, text) == ("20240702", "SF-2024-000002 alfa")
    assert [(account, Decimal(amount)) for account, _, amount in rows] == [
        ("4620", D("28000.01")),
        ("2440", D("-35000.01")),
        ("1640", D("7000.00")),
    ]


def test_the_same_journal_is_the_same_bytes_in_code_page_437() -> None:
    assert journal() == journal()
    assert "Åmåls".encode("cp437") in journal()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Åäö ÅÄÖ é ü ñ", "Åäö ÅÄÖ é ü ñ"),
        ("Ţ Š ł ø Ø", "T S l o O"),
        ("a – b — c’s “d”…", 'a - b - c\'s "d"...'),
        ("日本", "??"),
        ("two\nlines\ttab", "twolinestab"),
        ("A\u030a", "Å"),
        ("5\u00a0000 €", "5 000 EUR"),
    ],
)
def test_what_code_page_437_does_not_have_is_written_with_the_nearest_letters(text: str, expected: str) -> None:
    assert spelt(text) == expected
    spelt(text).encode("cp437")


def test_a_mark_within_a_field_is_escaped() -> None:
    assert quoted('Åmåls "nya"') == '"Åmåls \\"nya\\""'
    # also the wide one that comes apart into a backslash: none escapes the closing mark
    assert quoted("Alfa\\") == quoted("Alfa\uff3c") == '"Alfa/"'
    assert quoted('a\\" #VER') == '"a/\\" #VER"'


# --- CSV and what is refused -----------------------------------------------------------------------------


def test_the_journal_as_csv_has_a_column_for_each_dimension() -> None:
    text = table([booked(document(DocumentKind.SELF_BILLING_INVOICE), number=7)], plan())
    head, cost, debt, tax, end = text.removeprefix("\ufeff").split("\r\n")
    names = "1 Ansvar,20 Aktivitet,21 Verksamhet,22 Motpart"
    assert head == f"series,voucher,date,text,account,account_name,{names},amount"
    assert cost == "KV,7,2024-07-02,SF-2024-000002 alfa,4620,AMI 2,510,MAN,607,871,28000.01"
    assert debt == "KV,7,2024-07-02,SF-2024-000002 alfa,2440,Leverantörsskulder,,,,871,-35000.01"
    assert tax.endswith(",,,,,7000.00") and end == ""


@pytest.mark.parametrize(
    ("accounts", "dimensions", "path"),
    [
        ({"costs:*:*": ("4600", "x")}, [], "ledger"),
        ({"cost:*": ("4600", "x")}, [], "ledger"),
        ({"vat:BOTH": ("4600", "x")}, [], "ledger"),
        ({"payable:*": ("46 00", "x")}, [], "account"),
        (ACCOUNTS, [{**DIMENSIONS[0], "object": None}], "object"),
        (ACCOUNTS, [{**DIMENSIONS[1], "object": "1"}], "object"),
        (ACCOUNTS, [{**DIMENSIONS[1], "objects": {}}], "objects"),
        (ACCOUNTS, [{**DIMENSIONS[0], "object": "two words"}], "object"),
        (ACCOUNTS, [DIMENSIONS[0], DIMENSIONS[0]], "number"),
        (ACCOUNTS, [{**DIMENSIONS[0], "on": []}], "on"),
    ],
)
def test_a_layout_of_the_books_that_cannot_be_is_refused(
    accounts: dict[str, tuple[str, str]], dimensions: list[dict[str, Any]], path: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        plan(accounts, dimensions)
    assert any(fault["path"].endswith(path) for fault in raised.value.faults), raised.value.faults
