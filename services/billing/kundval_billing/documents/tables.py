"""Documents and runs as CSV for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable

from kundval_chassis.db import Row
from kundval_contracts.answer import Said
from kundval_contracts.csv_text import as_csv
from kundval_contracts.phrases import text

from ..domain.documents import Document

_LINE = (
    "document",
    "kind",
    "provider",
    "assignment",
    "item",
    "from",
    "last_day",
    "net",
    "vat_category",
    "entry",
    "why",
)
_ENTRY = (
    "run",
    "provider",
    "direction",
    "assignment",
    "programme",
    "kind",
    "sequence",
    "from",
    "to",
    "amount",
    "takes_back",
    "entry",
    "document",
    "why",
)


def of_document(document: Document) -> str:
    """The lines of a document. Amounts are without VAT; the totals stand in the other forms."""
    return as_csv(
        _LINE,
        [
            (
                document.number,
                document.kind,
                document.provider,
                line.assignment,
                line.item,
                line.starts,
                line.last_day,
                line.amount,
                document.vat.treatment.category,
                line.entry,
                line.because,
            )
            for line in document.lines
        ],
    )


def of_run(rows: Iterable[Row]) -> str:
    """The payment basis of a run: its entries, each with why. `to` is exclusive; `takes_back` is the run corrected."""
    return as_csv(
        _ENTRY,
        [
            (
                row["run"],
                row["provider"],
                row["direction"],
                row["assignment"],
                row["programme"],
                row["kind"],
                row["sequence"],
                row["starts"],
                row["ends"],
                row["amount"],
                row["reverses"],
                row["entry"],
                row["number"],
                why(row),
            )
            for row in rows
        ],
    )


def why(row: Row, lang: str = "sv") -> str:
    """The sentence of an entry; one from before there were codes has it in English."""
    return row["because"] if row["said"] is None else text(Said.from_json(row["said"]), lang)
