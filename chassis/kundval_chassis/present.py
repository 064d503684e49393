"""How an answer is shown: the exact JSON of the format, or a page for people. `simulate` and `play` share it."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

#: Width of tables that go to a file or a pipe, where nothing says how wide the page is.
PLAIN_WIDTH = 120
_STYLES = {
    "PAYABLE": "green", "MET": "green", "ON_HOLD": "yellow", "MANUAL": "yellow", "OPEN": "cyan", "PLANNED": "cyan",
    "STOPPED": "red", "REFUSED": "red", "OVERDUE": "red", "CANCELLED": "dim",
}  # fmt: skip


def as_json(answer: Mapping[str, Any]) -> str:
    """The answer as bytes-stable JSON text with a closing newline."""
    return json.dumps(answer, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def console(**options: Any) -> Console:
    """A console for the standard output: plain, and as wide as COLUMNS says, when it is not a terminal."""
    page = Console(highlight=False, **options)
    if page.is_terminal:
        return page
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) else PLAIN_WIDTH
    return Console(highlight=False, width=width, color_system=None, **options)


def show(answer: Mapping[str, Any], page: Console) -> None:
    """The answer for people: assignment by assignment, then what it comes to."""
    by_assignment: dict[str, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for part in ("lines", "postings", "totals", "obligations", "notices", "rejections"):
        for row in answer[part]:
            by_assignment[row["assignment"]][part].append(row)
    for assignment in sorted(by_assignment):
        _assignment(assignment, by_assignment[assignment], page)
    _summary(answer, len(by_assignment), page)


def _assignment(name: str, parts: Mapping[str, list[Mapping[str, Any]]], page: Console) -> None:
    page.print(Text(name, style="bold"))
    _reasoned(
        ("line", "provider", "from", "to", ">SEK", "status", "payable"),
        [
            (
                (
                    f"{row['kind']} {row['sequence']}",
                    row["provider"],
                    row["from"],
                    row["to"],
                    row["amount"],
                    row["status"],
                    row["payable_from"] or "-",
                ),
                f"{row['because']} [{', '.join(row['rules'])}]",
            )
            for row in parts["lines"]
        ],
        page,
    )
    _table(
        ("payable to", "kind", ">SEK"),
        [(row["provider"], row["kind"], row["amount"]) for row in parts["totals"]],
        page,
    )
    _table(
        ("posted", "line", "provider", ">SEK", "takes back"),
        [
            (row["run"], f"{row['kind']} {row['sequence']}", row["provider"], row["amount"], row["reverses"] or "")
            for row in parts["postings"]
        ],
        page,
    )
    _table(
        ("obligation", "due", "who", "state", "met", "rules"),
        [
            (
                f"{row['kind']} {row['sequence']}",
                row["due"] or "-",
                row["responsible"],
                row["state"],
                row["met_on"] or "-",
                ", ".join(row["rules"]),
            )
            for row in parts["obligations"]
        ],
        page,
    )
    _table(
        ("notice", "to", "on", "rules"),
        [(row["kind"], row["to"], row["on"], ", ".join(row["rules"])) for row in parts["notices"]],
        page,
    )
    _reasoned(
        ("rejected fact", "code"),
        [
            ((str(row["fact"]), row["code"]), f"{row['message']} [{', '.join(row['rules'])}]")
            for row in parts["rejections"]
        ],
        page,
    )


def _summary(answer: Mapping[str, Any], assignments: int, page: Console) -> None:
    cents: dict[str, int] = defaultdict(int)
    for row in answer["totals"]:
        cents[row["kind"]] += _cents(row["amount"])
    posted = sum(_cents(row["amount"]) for row in answer["postings"])
    page.print(Text(f"As of {answer['as_of']}", style="bold"))
    _table(
        ("", ">"),
        [
            ("assignments", str(assignments)),
            *((f"payable, {kind}", _kronor(sum_)) for kind, sum_ in sorted(cents.items())),
            ("payable in all, SEK", _kronor(sum(cents.values()))),
            ("posted in all, SEK", _kronor(posted)),
            *((f"obligations {state}", str(count)) for state, count in _count(answer["obligations"], "state")),
            ("notices", str(len(answer["notices"]))),
            ("rejected facts", str(len(answer["rejections"]))),
        ],
        page,
        head=False,
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], page: Console, head: bool = True) -> None:
    """Print a table, if it has rows; a column name that starts with ">" is set to the right."""
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1), show_header=head)
    for place, name in enumerate(columns):
        table.add_column(
            name.removeprefix(">"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=place < len(columns) - 1,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    page.print(table)
    page.print()


def _reasoned(columns: Sequence[str], rows: Sequence[tuple[Sequence[str], str]], page: Console) -> None:
    """Print rows with a sentence under each of them, which may take the whole width."""
    if not rows:
        return
    names = [name.removeprefix(">") for name in columns]
    widths = [max(map(len, cells)) for cells in zip(names, *(row for row, _ in rows), strict=True)]

    def line(cells: Sequence[str]) -> Text:
        text = Text()
        for place, cell in enumerate(cells):
            width = widths[place]
            fitted = cell.rjust(width) if columns[place].startswith(">") else cell.ljust(width)
            text.append(("  " if place else "") + fitted, style=_STYLES.get(cell, ""))
        text.rstrip()
        return text

    page.print(line(names), style="bold", soft_wrap=True)
    for row, reason in rows:
        page.print(line(row), soft_wrap=True)
        page.print(Padding(Text(reason, style="dim"), (0, 0, 0, 4), expand=False))
    page.print()


def _count(rows: Iterable[Mapping[str, Any]], name: str) -> list[tuple[str, int]]:
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        found[row[name]] += 1
    return sorted(found.items())


def _cents(amount: str) -> int:
    """Öre of an amount in the answer's form, which always has two decimals."""
    return int(amount.replace(".", ""))


def _kronor(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


__all__ = ["as_json", "console", "show"]


def show_rows(rows: Sequence[Mapping[str, Any]], heads: Sequence[str], numbers: Sequence[str], raw: bool) -> None:
    """Print rows as a table with these columns, `numbers` to the right; `raw`: as JSON, with all that they hold."""
    if raw:
        sys.stdout.write(as_json({"rows": list(rows)}))
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="right" if head in numbers else "left")
    for row in rows:
        table.add_row(*("-" if row[head] is None else str(row[head]) for head in heads))
    console().print(table)
