"""The ledger in the words of the municipality's books: accounts, dimensions, vouchers. Pure.

A voucher is a document: what it cost or earned by account and dimension, its VAT, and the whole as debt or claim. A
payment basis is no invoice and carries no VAT here: that comes into the books with the provider's own invoice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from kundval_contracts.codes import AccountSide, DimensionSource, Direction

from .documents import Document, Line

#: entry -> its rows in the ledger: account, amount
Ledger = Mapping[int, Iterable[tuple[str, Decimal]]]


class NotMapped(Exception):
    """Part of the ledger has no name in the books. `what` is ACCOUNT or DIMENSION, `name` the ledger's own."""

    def __init__(self, what: str, name: str):
        super().__init__(f"{what} {name}")
        self.what = what
        self.name = name


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the books and the pattern of the ledger's accounts that go into it."""

    ledger: str
    account: str
    name: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of the books; `objects`: code of what decides -> object. `names`: what objects are called."""

    number: int
    name: str
    by: DimensionSource
    on: frozenset[AccountSide]
    object: str | None = None
    objects: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the books are laid out."""

    series: str
    accounts: tuple[Account, ...]
    dimensions: tuple[Dimension, ...] = ()

    def account(self, ledger: str) -> Account:
        """The account for one of the ledger: the most exact pattern, a programme before a kind. Raises NotMapped."""
        parts = ledger.split(":", 2) if ledger.startswith(("cost:", "revenue:")) else ledger.split(":", 1)
        fitting = [
            (tuple(pattern != "*" for pattern in patterns), one)
            for one in self.accounts
            if len(patterns := one.ledger.split(":", len(parts) - 1)) == len(parts)
            and all(pattern in ("*", part) for pattern, part in zip(patterns, parts, strict=True))
        ]
        if not fitting:
            raise NotMapped("ACCOUNT", ledger)
        return max(fitting, key=lambda pair: pair[0])[1]

    def objects(self, ledger: str, provider: str, line: Line | None) -> tuple[tuple[int, str], ...]:
        """(dimension, object) of a row, in the order of the plan. `line` is None for a row of the whole document.

        A dimension by programme or kind is left out on such a row. Raises NotMapped for a code without an object.
        """
        side = side_of(ledger)
        found = []
        for one in self.dimensions:
            if side not in one.on:
                continue
            code = _code(one, provider, line)
            if one.object is not None:
                found.append((one.number, one.object))
            elif code is not None:
                if code not in one.objects:
                    raise NotMapped("DIMENSION", f"{one.number}:{code}")
                found.append((one.number, one.objects[code]))
        return tuple(found)


def side_of(ledger: str) -> AccountSide:
    """The group of an account of the ledger, by the first part of its name."""
    return AccountSide(ledger.partition(":")[0].upper())


def _code(dimension: Dimension, provider: str, line: Line | None) -> str | None:
    if dimension.by is DimensionSource.PROVIDER:
        return provider
    if line is None:
        return None
    if dimension.by is DimensionSource.PROGRAMME:
        return None if line.programme is None else line.programme.value
    return line.kind.value


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a voucher: positive is debit, negative credit."""

    account: Account
    objects: tuple[tuple[int, str], ...]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher; its rows add up to nothing. `text` holds codes and numbers alone."""

    number: int
    day: date
    text: str
    document: str
    provider: str
    rows: tuple[Row, ...]
    entries: tuple[int, ...]

    @property
    def debit(self) -> Decimal:
        return sum((row.amount for row in self.rows if row.amount > 0), Decimal("0.00"))


def voucher(document: Document, ledger: Ledger, plan: Plan, number: int) -> Voucher:
    """The voucher of a document, by the ledger's rows of its entries.

    Rows of one account and the same objects are one; what adds up to nothing is left out. Raises NotMapped.
    """
    sums: dict[tuple[Account, tuple[tuple[int, str], ...]], Decimal] = {}
    for name, line, amount in _movements(document, ledger):
        key = plan.account(name), plan.objects(name, document.provider, line)
        sums[key] = sums.get(key, Decimal("0.00")) + amount
    rows = tuple(Row(account, objects, amount) for (account, objects), amount in sums.items() if amount)
    return Voucher(
        number,
        document.issued_on,
        f"{document.number} {document.provider}",
        document.number,
        document.provider,
        rows,
        tuple(line.entry for line in document.lines),
    )


def _movements(document: Document, ledger: Ledger) -> Iterator[tuple[str, Line | None, Decimal]]:
    for line in document.lines:
        for name, amount in ledger[line.entry]:
            # debt and claim are of the whole document, so that they are one row
            yield name, line if side_of(name) in (AccountSide.COST, AccountSide.REVENUE) else None, amount
    if document.kind.is_invoice and document.totals.vat:
        tax = -document.totals.vat if document.kind.is_credit else document.totals.vat
        if document.direction is Direction.PAYABLE:
            yield "vat:IN", None, tax
            yield f"payable:{document.provider}", None, -tax
        else:
            yield f"receivable:{document.provider}", None, tax
            yield "vat:OUT", None, -tax
