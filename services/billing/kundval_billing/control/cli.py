"""`kundval control` and `kundval control-page`: what interventions cost, what came of them, and what stands out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from kundval_chassis.cli_call import ask, tenant_option
from kundval_chassis.present import as_json, console
from kundval_contracts.codes import FiguresBy
from kundval_contracts.phrases import LANGUAGES


def _when(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), help="End of the period, exclusive."),
        click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="Its first day."),
        tenant_option,
    ):
        command = option(command)
    return command


_YEAR = click.option("--year", type=int, help="A calendar year; default: that of the business date.")
_LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="sv", show_default=True)


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else moment.date().isoformat()


@click.command("control")
@_when
@_YEAR
@click.option("--by", type=click.Choice([one.value for one in FiguresBy], case_sensitive=False), help="Split by.")
@click.option("--csv", "form", flag_value="csv", help="Print it as CSV.")
@click.option("--json", "form", flag_value="json", help="Print it as JSON.")
def command(
    tenant: str, start: datetime | None, end: datetime | None, year: int | None, by: str | None, form: str | None
) -> None:
    """Print what interventions cost and what came of them.

    Exit status 1: the service refused or could not; 2: the request is wrong.
    """
    request = {"tenant": tenant, "from": _day(start), "to": _day(end), "year": year, "by": by}
    if form == "csv":
        sys.stdout.write(ask("billing.figures_csv", **request)["csv"])
        return
    answer = ask("billing.figures", **request)
    if form == "json":
        sys.stdout.write(as_json(answer))
    else:
        _show_figures(answer, console())


@click.command("control-anomalies")
@_when
@click.option("--provider", metavar="ID", help="What is about this provider alone.")
@_LANG
@click.option("--json", "as_data", is_flag=True, help="Print it as JSON.")
def anomalies(
    tenant: str, start: datetime | None, end: datetime | None, provider: str | None, lang: str, as_data: bool
) -> None:
    """List what stands out in payments and is worth a look; without a period in the last 24 months.

    Exit status 1: the service refused or could not; 2: the request is wrong.
    """
    request = {"tenant": tenant, "from": _day(start), "to": _day(end), "provider": provider}
    answer = ask("billing.anomalies", **request)
    if as_data:
        sys.stdout.write(as_json(answer))
        return
    out = console()
    for one in answer["anomalies"]:
        out.print(f"{one['anomaly']}  {one['severity']}  {one['state']}  {one['kind']}", markup=False)
        out.print(f"  {one['text'][lang]}", markup=False)
    out.print(f"{len(answer['anomalies'])} in all; {len(answer['not_judged'])} comparisons had too few to judge")


@click.command("control-page")
@_when
@_YEAR
@_LANG
def page(tenant: str, start: datetime | None, end: datetime | None, year: int | None, lang: str) -> None:
    """Print figures and what stands out as a page to read or print, as HTML.

    Exit status 1: the service refused or could not; 2: the request is wrong.
    """
    request = {"tenant": tenant, "from": _day(start), "to": _day(end), "year": year, "lang": lang}
    sys.stdout.write(ask("billing.control_page", **request)["html"])


def _show_figures(answer: dict[str, Any], out: Console) -> None:
    parts = list(dict.fromkeys(line["part"] for line in answer["lines"]))
    found = {(line["part"], line["figure"]): line for line in answer["lines"]}
    out.print(f"{answer['from']} to {answer['to']} (exclusive), as of {answer['as_of']}")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure")
    for part in parts:
        table.add_column(part, justify="right")
    for figure in dict.fromkeys(line["figure"] for line in answer["lines"]):
        table.add_row(figure, *(_cell(found.get((part, figure))) for part in parts))
    out.print(table)
    budget = answer["budget"]
    if budget is not None:
        out.print(f"budget of {budget['year']}: {budget['amount']}, spent {budget['spent']}, left {budget['left']}")


def _cell(line: dict[str, Any] | None) -> str:
    if line is None:
        return ""
    return "kept back" if line["suppressed"] else line["value"] or "-"
