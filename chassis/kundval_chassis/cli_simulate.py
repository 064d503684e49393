"""`kundval simulate FILE`: what a caseload would cost and ask for, without a broker or a database."""

from __future__ import annotations

import sys
from datetime import date
from importlib.metadata import entry_points
from pathlib import Path

import click

from kundval_contracts.caseload import Caseload, CaseloadFault, load

from .present import as_json, console, show

#: Exit statuses of the caseload format.
FILE_IS_WRONG, ANYTHING_ELSE = 2, 1


class Day(click.ParamType):
    """A date as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is not a date (YYYY-MM-DD)", param, ctx)


def read_caseload(file: str, as_of: date | None) -> Caseload:
    """The caseload in `file` ("-": standard input). A wrong file: every fault on stderr, then exit status 2."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "is not UTF-8 text"
        click.echo(f"{file}: {reason}", err=True)
        sys.exit(FILE_IS_WRONG)
    try:
        return load(text, as_of)
    except CaseloadFault as error:
        for path, message in error.faults:
            click.echo(f"{path or file}: {message}", err=True)
        sys.exit(FILE_IS_WRONG)


@click.command("simulate")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--as-of", type=Day(), help="What is known up to and including this day; overrides the file's.")
@click.option("--json", "as_text", is_flag=True, help="Print the answer as JSON.")
@click.option("--tariff", metavar="DRAFT", help="Print what the tariff or readings of this draft would change.")
@click.option("--chart", type=click.Path(dir_okay=False), help="With --tariff: write a chart as SVG to this file.")
def command(file: str, as_of: date | None, as_text: bool, tariff: str | None, chart: str | None) -> None:
    """Run the rules over a caseload FILE (YAML or JSON, "-" for standard input).

    Exit status 2: the file is wrong, every fault is listed as `path: message`. 1: anything else went wrong.
    """
    from .simulate import simulate

    if tariff is None and chart is not None:
        raise click.UsageError("--chart needs --tariff.")
    caseload = read_caseload(file, as_of)
    if tariff is not None:
        what_if(caseload, tariff, chart, as_text)
        return
    answer = simulate(caseload)
    if as_text:
        sys.stdout.buffer.write(as_json(answer).encode("utf-8"))
        sys.stdout.buffer.flush()
    else:
        show(answer, console())


def what_if(caseload: Caseload, tariff: str, chart: str | None, as_text: bool) -> None:
    """Print what a draft would change. Which service compares is said by the entry point group `kundval.what_if`."""
    compare = next((point.load() for point in entry_points(group="kundval.what_if")), None)
    if compare is None:
        click.echo("--tariff needs the distribution kundval-billing.", err=True)
        sys.exit(ANYTHING_ELSE)
    answer, tell = compare(caseload, tariff, chart)
    if as_text:
        sys.stdout.buffer.write(as_json(answer).encode("utf-8"))
        sys.stdout.buffer.flush()
    else:
        tell()
