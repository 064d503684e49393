"""How answers are shown in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kundval_contracts.codes import Direction

#: characters of the longest bar
_BAR = 24
_SUMS = (">before", ">after", ">difference")
_RANGE = (">low", ">expected", ">high")


def what_if(result: Mapping[str, Any], page: Console) -> None:
    """A difference: totals, margins with bars, moves between statuses, and the assignments that change most."""
    since = f", for decisions from {result['decided_from']}" if result["decided_from"] else ""
    page.print(Text(f"What if, as of {result['as_of']}{since}", style="bold"))
    page.print(f"{result['changed']} of {result['assignments']} assignments change.")
    page.print()
    _table(page, ("payable, SEK", *_SUMS), [(row["direction"], *_sums(row)) for row in result["totals"]])
    for name in ("month", "provider", "programme", "kind"):
        _margin(page, name, result[f"{name}s"])
    _table(
        page,
        ("status before", "after", ">lines", ">SEK before", ">SEK after"),
        [
            (row["from"] or "-", row["to"] or "-", str(row["lines"]), _money(row["before"]), _money(row["after"]))
            for row in result["moves"]
        ],
    )
    if result["largest"]:
        page.print(Text("The largest changes", style="bold"))
    for row in result["largest"]:
        _changed(page, row)


def forecast(answer: Mapping[str, Any], page: Console) -> None:
    """A forecast: totals and programmes, months, and the budget. answer: of `billing.forecast`, with a result."""
    result = answer["result"]
    page.print(Text(f"Forecast of {result['year']}, as of {result['as_of']}", style="bold"))
    for columns in ((">posted", ">earned", ">planned", ">waiting"), _RANGE):
        names = [name.removeprefix(">") for name in columns]
        rows = [(_of(row), *(_money(row[name]) for name in names), _basis(row)) for row in result["programmes"]]
        rows += [
            (f"in all, {row['direction']}", *(_money(row[name]) for name in names), "") for row in result["totals"]
        ]
        if columns is _RANGE:
            _table(page, ("SEK", *columns, "expected from"), rows)
        else:
            _table(page, ("SEK", *columns), [row[:-1] for row in rows])
    for direction in Direction:
        months = [row for row in result["months"] if row["direction"] == direction.value]
        most = max((Decimal(row["high"]) for row in months), default=Decimal(0))
        _table(
            page,
            (f"{direction.value}, sum to", *_RANGE, "low ░ expected ▒ high █"),
            [
                (row["month"], *(_money(row[name.removeprefix(">")]) for name in _RANGE), _span(row, most))
                for row in months
            ],
        )
    _table(
        page,
        ("budget", ">SEK", ">left at least", ">left as expected", ">left at most", "exceeded in (expected)", "(high)"),
        [
            (
                row["programme"] or "everything",
                *(_money(row[name]) for name in ("amount", "low", "expected", "high")),
                row["expected_exceeds_in"] or "-",
                row["high_exceeds_in"] or "-",
            )
            for row in answer["budget"]
        ],
    )
    _table(
        page,
        ("assumed, beside that", ">assignments", *_RANGE),
        [
            (_of(row), str(row["assignments"]), *(_money(row[name.removeprefix(">")]) for name in _RANGE))
            for row in result["inflow"]
        ],
    )
    state = answer["reimbursement"]
    if state["amount"] is not None:
        page.print(f"The state pays the share {state['share']} of {_money(state['appropriation'])} SEK:"
                   f" {_money(state['amount'])} SEK.")  # fmt: skip


def _margin(page: Console, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    most = max((abs(Decimal(row["difference"])) for row in rows), default=Decimal(0))
    _table(page, (name, *_SUMS, ""), [(_of(row, name), *_sums(row), _bar(row["difference"], most)) for row in rows])


def _of(row: Mapping[str, Any], name: str = "programme") -> str:
    return str(row[name]) if row["direction"] == Direction.PAYABLE.value else f"{row[name]} (receivable)"


def _basis(row: Mapping[str, Any]) -> str:
    history = row["history"]
    lasted = f", {history['sustained']} of {history['judged']} lasted" if history["judged"] else ""
    return f"{row['basis']}: {history['finished']} ended{lasted}"


def _sums(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return _money(row["before"]), _money(row["after"]), _money(row["difference"], "+")


def _bar(difference: str, most: Decimal) -> str:
    """A bar as long as the difference is large, with its sign."""
    amount = Decimal(difference)
    if not amount:
        return ""
    return ("+" if amount > 0 else "-") + "█" * max(1, int(_BAR * abs(amount) / most))


def _span(row: Mapping[str, str], most: Decimal) -> str:
    """Low, expected and high as one bar of three shades."""
    low, expected, high = (int(_BAR * Decimal(row[name]) / most) if most else 0 for name in ("low", "expected", "high"))
    return "░" * low + "▒" * (expected - low) + "█" * (high - expected)


def _changed(page: Console, row: Mapping[str, Any]) -> None:
    page.print(Text(f"{row['assignment']} ({row['programme']}): {' -> '.join(_sums(row)[:2])},"
                    f" {_sums(row)[2]}"), soft_wrap=True)  # fmt: skip
    for line in row["lines"]:
        page.print(Text(f"  {line['kind']} {line['sequence']} of {line['provider']}, {line['from']} to {line['to']}"),
                   soft_wrap=True)  # fmt: skip
        for name in ("before", "after"):
            page.print(Text(f"    {name}: {_side(line[name])}", style="dim"), soft_wrap=True)


def _side(side: Mapping[str, Any] | None) -> str:
    if side is None:
        return "no such line"
    steps = "; ".join(
        " ".join([step["what"], *(f"{name} {step[name]}" for name in ("amount", "factor", "divisor") if name in step)])
        for step in side["steps"]
    )
    return f"{_money(side['amount'])} {side['status']} ({steps})"


def _money(amount: str | Decimal, sign: str = "") -> str:
    return f"{Decimal(amount):{sign},.2f}"


def _table(page: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, if it has rows; a column name that starts with ">" is set to the right."""
    found = list(rows)
    if not found:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for name in columns:
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left", no_wrap=True)
    for row in found:
        table.add_row(*row)
    page.print(table)
    page.print()
