"""Figures, ratios and targets: what a measurement hands back, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Spread:
    """Median, least and most of some rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        if self.least == self.most:
            return _number(self.median)
        return f"{_number(self.median)} ({_number(self.least)}-{_number(self.most)})"


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, beside whom, and what was promised.

    `ratio` is ours against the peer's, round by round, so that more is better; `at_most` turns that round.
    """

    part: str
    what: str
    unit: str
    value: Spread
    peer: str = ""
    peer_value: Spread | None = None
    ratio: Spread | None = None
    target: float | None = None
    at_most: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median ratio keeps the promise; None if there is none."""
        if self.ratio is None or self.target is None:
            return None
        return self.ratio.median <= self.target if self.at_most else self.ratio.median >= self.target


@dataclass
class Report:
    """What one measurement found: rows for the table, details for the file, sentences to read below."""

    rows: list[Row] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def beside(
    part: str,
    what: str,
    unit: str,
    ours: Sequence[float],
    peer: str,
    theirs: Sequence[float],
    *,
    target: float | None = None,
    less_is_better: bool = False,
) -> Row:
    """A row that compares rounds pair by pair; with `less_is_better` (times) the ratio is theirs to ours."""
    pairs = [(b, a) if less_is_better else (a, b) for a, b in zip(ours, theirs, strict=True)]
    ratio = Spread.of([a / b for a, b in pairs])
    return Row(part, what, unit, Spread.of(ours), peer, Spread.of(theirs), ratio, target)


def show(reports: Mapping[str, Report], console: Console) -> None:
    """One table for all, then the remarks."""
    table = Table("", "What", "Ours", "Peer", "Its figure", "Ratio", "Target", "", title="kundval bench")
    for column in (2, 4, 5, 6):
        table.columns[column].justify = "right"
    for report in reports.values():
        for row in report.rows:
            sign = "≤" if row.at_most else "≥"
            word = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[row.met]
            table.add_row(
                row.part,
                f"{row.what} [dim]{row.unit}[/]" + (f"\n[dim]{row.note}[/]" if row.note else ""),
                str(row.value),
                row.peer,
                str(row.peer_value or ""),
                str(row.ratio or ""),
                f"{sign} {row.target:g}" if row.target is not None else "",
                word,
            )
        table.add_section()
    console.print(table)
    for report in reports.values():
        for remark in report.remarks:
            console.print(f"- {remark}", highlight=False)


def as_json(machine: Mapping[str, Any], reports: Mapping[str, Report]) -> dict[str, Any]:
    """Everything, for a file."""
    return {
        "machine": dict(machine),
        "parts": {
            name: {
                "rows": [asdict(row) | {"met": row.met} for row in report.rows],
                "details": report.details,
                "remarks": report.remarks,
            }
            for name, report in reports.items()
        },
    }


def missed(reports: Iterable[Report]) -> list[Row]:
    """The rows whose promise was not kept."""
    return [row for report in reports for row in report.rows if row.met is False]


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
