"""`kundval rules`: for every rule of the rulebook where it is implemented and tested, or why not; who is told of it."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from .coverage import Coverage, coverage
from .present import console


@click.command("rules")
@click.option("--json", "as_text", is_flag=True, help="Print every rule as JSON.")
@click.option(
    "--tests",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of tests to look through; by default the checkout's.",
)
def command(as_text: bool, tests: Path | None) -> None:
    """Show the coverage of the rulebook."""
    rows = coverage(tests)
    if as_text:
        click.echo(json.dumps([row.as_json() for row in rows], ensure_ascii=False, indent=2))
        return
    page = console()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    table.add_column("rule", no_wrap=True)
    table.add_column("kinds", overflow="fold", max_width=8)
    table.add_column("service", overflow="fold", max_width=13)
    table.add_column("tests", justify="right", no_wrap=True)
    table.add_column("implemented, or why not", overflow="fold")
    table.add_column("told by", overflow="fold")
    for row in rows:
        table.add_row(
            row.rule.id,
            "\n".join(row.rule.kinds),
            "\n".join(row.service),
            str(len(row.tested) or ""),
            _where(row),
            "\n".join(f"{kind} → {', '.join(to)}" for kind, to in row.notices),
        )
    page.print(table)
    page.print(summary(rows))


def summary(rows: list[Coverage]) -> str:
    """One line: how many rules there are, are implemented, are tested, and are left out."""
    implemented = [row for row in rows if row.implemented]
    both = sum(1 for row in implemented if row.tested)
    untested = len(implemented) - both
    neither = sum(1 for row in rows if not row.implemented and not row.tested)
    return (
        f"{len(rows)} rules: {both} implemented and tested, {untested} implemented without a test, "
        f"{len(rows) - len(implemented) - neither} tested only, {neither} neither (see the reasons)."
    )


def _where(row: Coverage) -> str:
    places = [place.removeprefix("kundval_") for place in row.implemented]
    return "\n".join([*places, *([row.reason] if row.reason else [])])
