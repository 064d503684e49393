"""What is written of a payment: its entries as documents with lines and sums. Pure; how it looks is another's affair.

A positive entry goes into an invoice, or into a payment basis where nobody may write the provider's invoices. An entry
that takes an earlier one back follows the document in which that went out: an invoice is credited by a credit note that
names it, anything else is set off in the payment basis.

Amounts of the ledger are without VAT. It comes on top, once for a whole document and by one treatment (EN 16931,
BR-CO-17).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from kundval_contracts.answer import Said
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import Direction, DocumentKind, LineKind, Programme
from kundval_contracts.phrases import say, text

from .parties import Party, Vat

ORE = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger that is to go out. `starts`/`ends` half-open; `original`: the entry that it takes back."""

    entry: int
    assignment: str
    programme: Programme | None
    kind: LineKind
    sequence: int
    starts: date | None
    ends: date | None
    amount: Decimal
    because: str
    said: Said | None
    original: int | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A document that has gone out, as far as a correction looks at it."""

    number: str
    kind: DocumentKind
    issued_on: date
    vat: Vat


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document: `amount` without VAT, in an invoice or credit note never negative. `last_day` inclusive.

    `item` stands on the original, in Swedish; `because` in both languages.
    """

    entry: int
    assignment: str
    programme: Programme | None
    kind: LineKind
    sequence: int
    item: str
    amount: Decimal
    starts: date | None
    last_day: date | None
    because: str = ""
    because_en: str = ""

    def named(self, lang: str) -> str:
        """What the line is for, with its period, in a language."""
        return named(self.kind, self.programme, self.sequence, self.starts, self.last_day, lang)


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier document that a credit note corrects."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a document: without VAT, VAT, with VAT."""

    net: Decimal
    vat: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Draft:
    """A document before it has a number."""

    kind: DocumentKind
    vat: Vat
    lines: tuple[Line, ...]
    reference: Reference | None = None

    @property
    def totals(self) -> Totals:
        return totals(self.lines, self.vat)


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it goes out. The seller is paid by the buyer; `run` is the payment run of its entries."""

    number: str
    kind: DocumentKind
    direction: Direction
    provider: str
    payment: int
    run: date
    issued_on: date
    due_on: date
    seller: Party
    buyer: Party
    buyer_reference: str
    vat: Vat
    lines: tuple[Line, ...]
    totals: Totals
    reference: Reference | None = None
    agreement: str | None = None

    @property
    def period(self) -> tuple[date, date] | None:
        """(first day, last day) of what the lines are about; None if no line says a period."""
        starts = [line.starts for line in self.lines if line.starts is not None]
        ends = [line.last_day for line in self.lines if line.last_day is not None]
        return (min(starts), max(ends)) if starts and ends else None


def totals(lines: Iterable[Line], vat: Vat) -> Totals:
    """The sums of lines: VAT is reckoned once on their sum and rounded half up to the öre."""
    net = sum((line.amount for line in lines), Decimal("0.00"))
    tax = (net * vat.percent / 100).quantize(ORE, ROUND_HALF_UP)
    return Totals(net, tax, net + tax)


def invoices(entries: Sequence[Entry], direction: Direction, vat: Vat, *, self_billing: bool) -> list[Draft]:
    """The document of what is paid for the first time: one invoice, or one payment basis, or nothing."""
    fresh = [one for one in entries if one.amount > 0]
    if not fresh:
        return []
    kind = DocumentKind.PAYMENT_BASIS
    if direction is Direction.RECEIVABLE:
        kind = DocumentKind.INVOICE
    elif self_billing:
        kind = DocumentKind.SELF_BILLING_INVOICE
    return [Draft(kind, vat, tuple(_line(one) for one in fresh))]


def corrections(entries: Sequence[Entry], vat: Vat, went_out: Mapping[int, Issued]) -> list[Draft]:
    """The documents of what is taken back: a credit note for each invoice that is corrected, and one payment basis for
    the rest. `went_out`: entry that is taken back -> the document it went out in.

    A credit note has the VAT of the invoice that it corrects, and amounts without sign.
    """
    notes: dict[str, tuple[Issued, list[Line]]] = {}
    rest: list[Line] = []
    for one in entries:
        if one.amount > 0:
            continue
        issued = None if one.original is None else went_out.get(one.original)
        if issued is None or not issued.kind.is_invoice:
            rest.append(_line(one))
            continue
        line = _line(one)
        notes.setdefault(issued.number, (issued, []))[1].append(replace(line, amount=-line.amount))
    found = [
        Draft(
            DocumentKind.SELF_BILLING_CREDIT_NOTE if issued.kind.is_self_billing else DocumentKind.CREDIT_NOTE,
            issued.vat,
            tuple(lines),
            Reference(issued.number, issued.issued_on),
        )
        for _, (issued, lines) in sorted(notes.items())
    ]
    return [*found, Draft(DocumentKind.PAYMENT_BASIS, vat, tuple(rest))] if rest else found


def join(first: Sequence[Draft], second: Sequence[Draft]) -> list[Draft]:
    """Drafts in the order in which they are numbered; two payment bases become one."""
    bases = [one for one in (*first, *second) if one.kind is DocumentKind.PAYMENT_BASIS]
    others = [one for one in (*first, *second) if one.kind is not DocumentKind.PAYMENT_BASIS]
    if len(bases) < 2:
        return [*others, *bases]
    return [*others, replace(bases[0], lines=tuple(line for one in bases for line in one.lines))]


def named(
    kind: LineKind, programme: Programme | None, sequence: int, first: date | None, last: date | None, lang: str
) -> str:
    """What a line is for: kind, programme, number and period, without anything about a person."""
    what = say(f"item.{kind.value}")
    if programme is None:
        said = say("item.unknown_programme", kind=what, number=sequence)
    else:
        said = say("item", kind=what, programme=programme.value.replace("_", " "), number=sequence)
    period = f", {first}–{last}" if first is not None and last is not None else ""
    return text(said, lang) + period


def last_day(starts: date | None, ends: date | None) -> date | None:
    """The last day of a half-open period; of an empty one its first."""
    return None if ends is None else max(add_days(ends, -1), starts or ends)


def _line(one: Entry) -> Line:
    last = last_day(one.starts, one.ends)
    return Line(
        one.entry,
        one.assignment,
        one.programme,
        one.kind,
        one.sequence,
        named(one.kind, one.programme, one.sequence, one.starts, last, "sv"),
        one.amount,
        one.starts,
        last,
        one.because if one.said is None else text(one.said, "sv"),
        one.because if one.said is None else text(one.said, "en"),
    )


def due_on(issued_on: date, terms_days: int) -> date:
    """The last day for payment: so many days after the document."""
    return add_days(issued_on, terms_days)


def originals(entries: Iterable[tuple[int, date, date | None, Decimal]]) -> dict[int, int]:
    """Of one line's entries `(entry, run, reverses, amount)`, oldest first: which one each correction takes back.

    A correction names the run of what it takes back; where that run has posted the line more than once, the oldest of
    that amount that still stands.
    """
    standing: dict[tuple[date, Decimal], list[int]] = {}
    found: dict[int, int] = {}
    for entry, run, reverses, amount in entries:
        if reverses is None:
            standing.setdefault((run, amount), []).append(entry)
        elif standing.get((reverses, -amount)):
            found[entry] = standing[(reverses, -amount)].pop(0)
    return found
