"""A journal as SIE 4I: vouchers for import into the books, in code page 437.

After the format of SIE-Gruppen, type 4I: flag, program, format, date, type, company, then accounts, dimensions and
objects that the vouchers use, then the vouchers. Words that code page 437 does not have are written with the letters
nearest to them, or a question mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from kundval_contracts.answer import money

from .accounting import Plan, Row, Voucher

ENCODING: Final = "cp437"
#: letters that do not come apart into one of the code page and a mark
_NEAR: Final = str.maketrans(
    {
        "–": "-",
        "—": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "…": "...",
        "Ø": "O",
        "ø": "o",
        "Ð": "D",
        "ð": "d",
        "Þ": "Th",
        "þ": "th",
        "Ł": "L",
        "ł": "l",
        "€": "EUR",
        "\u00a0": " ",
    }
)


def sie(vouchers: Sequence[Voucher], plan: Plan, *, company: str, organisation_number: str, made_on: date) -> bytes:
    """The file. Accounts and objects that no voucher uses are left out; the same input gives the same bytes."""
    lines = [
        "#FLAGGA 0",
        f"#PROGRAM {quoted('kundval')} {quoted('0.1')}",
        "#FORMAT PC8",
        f"#GEN {made_on:%Y%m%d}",
        "#SIETYP 4",
        f"#ORGNR {organisation_number[:6]}-{organisation_number[6:]}",
        f"#FNAMN {quoted(company)}",
        *_accounts(vouchers),
        *_dimensions(vouchers, plan),
        *(line for one in vouchers for line in _voucher(one, plan.series, made_on)),
    ]
    return "".join(f"{line}\r\n" for line in lines).encode(ENCODING)


def _accounts(vouchers: Iterable[Voucher]) -> Iterator[str]:
    names = {row.account.account: row.account.name for one in vouchers for row in one.rows}
    for number, name in sorted(names.items()):
        yield f"#KONTO {number} {quoted(name)}"


def _dimensions(vouchers: Iterable[Voucher], plan: Plan) -> Iterator[str]:
    used = {pair for one in vouchers for row in one.rows for pair in row.objects}
    for dimension in plan.dimensions:
        own = sorted(name for number, name in used if number == dimension.number)
        if own:
            yield f"#DIM {dimension.number} {quoted(dimension.name)}"
            for name in own:
                yield f"#OBJEKT {dimension.number} {quoted(name)} {quoted(dimension.names.get(name, name))}"


def _voucher(one: Voucher, series: str, made_on: date) -> Iterator[str]:
    yield f"#VER {quoted(series)} {quoted(str(one.number))} {one.day:%Y%m%d} {quoted(one.text)} {made_on:%Y%m%d}"
    yield "{"
    for row in one.rows:
        yield f"   #TRANS {row.account.account} {{{_objects(row)}}} {_amount(row.amount)}"
    yield "}"


def _objects(row: Row) -> str:
    return " ".join(f"{number} {quoted(name)}" for number, name in row.objects)


def _amount(amount: Decimal) -> str:
    return money(amount)


def quoted(text: str) -> str:
    """A field in quotation marks; a mark within is escaped, control characters are left out. A backslash becomes a
    slash: the format escapes marks alone, and one at the end would escape the mark that closes the field.
    """
    return '"' + spelt(text).replace("\\", "/").replace('"', '\\"') + '"'


def spelt(text: str) -> str:
    """The text in letters of code page 437."""
    found = []
    for letter in unicodedata.normalize("NFC", text).translate(_NEAR):
        if unicodedata.category(letter).startswith("C"):
            continue
        near = letter if _has(letter) else unicodedata.normalize("NFKD", letter)
        found += [one if _has(one) else "?" for one in near if not unicodedata.combining(one)]
    return "".join(found)


def _has(letter: str) -> bool:
    try:
        letter.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return True
