"""A statement to a provider: what is paid, what is taken back, what is held, why, and how it adds up. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kundval_contracts.answer import Line, Said
from kundval_contracts.codes import DocumentKind, LineKind, LineStatus, Programme

NOTHING = Decimal("0.00")
#: what stands still until somebody does something
HELD = (LineStatus.ON_HOLD, LineStatus.MANUAL)


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry of the statement's runs. `starts`/`ends` half-open; `document`: in which it went out, if it has."""

    assignment: str
    programme: Programme | None
    kind: LineKind
    sequence: int
    starts: date | None
    ends: date | None
    run: date
    reverses: date | None
    amount: Decimal
    because: str
    said: Said | None
    document: str | None


@dataclass(frozen=True, slots=True)
class Out:
    """A document that went out. `entries`: the sum of its postings, signed; `gross` is with VAT and has no sign."""

    number: str
    kind: DocumentKind
    issued_on: date
    due_on: date
    gross: Decimal
    entries: Decimal


@dataclass(frozen=True, slots=True)
class Total:
    """What the statement's runs posted of a kind in a programme."""

    programme: Programme | None
    kind: LineKind
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement. `closing` = `opening` + what was posted - what went out in documents, all without VAT."""

    opening: Decimal
    fresh: tuple[Posted, ...]
    taken_back: tuple[Posted, ...]
    held: tuple[tuple[Programme, Line], ...]
    documents: tuple[Out, ...]

    @property
    def posted(self) -> Decimal:
        return sum((one.amount for one in (*self.fresh, *self.taken_back)), NOTHING)

    @property
    def went_out(self) -> Decimal:
        return sum((one.entries for one in self.documents), NOTHING)

    @property
    def closing(self) -> Decimal:
        return self.opening + self.posted - self.went_out

    @property
    def totals(self) -> list[Total]:
        """By programme and kind, in their order."""
        found: dict[tuple[str, str], Total] = {}
        for one in (*self.fresh, *self.taken_back):
            key = ("" if one.programme is None else one.programme.value, one.kind.value)
            before = found.get(key, Total(one.programme, one.kind, 0, NOTHING))
            found[key] = Total(one.programme, one.kind, before.count + 1, before.amount + one.amount)
        return [found[key] for key in sorted(found)]


def statement(
    opening: Decimal, posted: Sequence[Posted], held: Iterable[tuple[Programme, Line]], documents: Iterable[Out]
) -> Statement:
    """Put a statement together: corrections stand apart from what is new, and of the lines those that are held."""
    return Statement(
        opening,
        tuple(one for one in posted if one.reverses is None),
        tuple(one for one in posted if one.reverses is not None),
        tuple(pair for pair in held if pair[1].status in HELD),
        tuple(documents),
    )
