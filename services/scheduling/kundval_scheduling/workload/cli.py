"""`kundval workload` and `kundval workload-page`: what is due, overdue and not booked, for a team or a provider."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from kundval_chassis.cli_call import ask, tenant_option
from kundval_chassis.present import as_json, console
from kundval_contracts.rpc.results import LANGUAGES
from kundval_contracts.rpc.workload import MOST_WEEKS, WEEKS

_SUMS = ("due", "overdue", "met", "unbooked")
_MINUTES = ("capacity", "booked", "unbooked", "expected", "contacts", "demand", "missing")


def _whose(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--weeks", type=click.IntRange(1, MOST_WEEKS), default=WEEKS, show_default=True),
        click.option("--provider", metavar="ID", help="A provider's work."),
        click.option("--team", metavar="ID", help="A team's work."),
        tenant_option,
    ):
        command = option(command)
    return command


@click.command("workload")
@_whose
@click.option("--csv", "form", flag_value="csv", help="Print it as CSV.")
@click.option("--json", "form", flag_value="json", help="Print it as JSON.")
def command(tenant: str, team: str | None, provider: str | None, weeks: int, form: str | None) -> None:
    """Print what is due, overdue and not booked by week, and whether there is time for it.

    Exit status 1: the service refused or could not; 2: the request is wrong.
    """
    request = {"tenant": tenant, "team": team, "provider": provider, "weeks": weeks}
    if form == "csv":
        sys.stdout.write(ask("scheduling.workload_csv", **request)["csv"])
        return
    answer = ask("scheduling.workload", **request)
    if form == "json":
        sys.stdout.write(as_json(answer))
    else:
        _show(answer, console())


@click.command("workload-page")
@_whose
@click.option("--lang", type=click.Choice(LANGUAGES), default="sv", show_default=True)
def page(tenant: str, team: str | None, provider: str | None, weeks: int, lang: str) -> None:
    """Print the workload as a page to read or print, as HTML.

    Exit status 1: the service refused or could not; 2: the request is wrong.
    """
    request = {"tenant": tenant, "team": team, "provider": provider, "weeks": weeks, "lang": lang}
    sys.stdout.write(ask("scheduling.workload_page", **request)["html"])


def _show(answer: dict[str, Any], out: Console) -> None:
    out.print(f"{answer['active']} active assignments on {answer['as_of']}, "
              f"{answer['without_follow_up']['total']} of them without a planned follow-up")  # fmt: skip
    weeks = [(row["week"] or row["period"], *(str(row[name]) for name in _SUMS)) for row in answer["weeks"]]
    _table(out, ("week", *_SUMS), weeks)
    kinds = [(row["subject"], row["kind"], *(str(row[name]) for name in _SUMS)) for row in answer["kinds"]]
    _table(out, ("subject", "kind", *_SUMS), kinds)
    if answer["teams"]:
        teams = [(row["team"] or "-", *(str(row[name]) for name in _SUMS)) for row in answer["teams"]]
        _table(out, ("team", *_SUMS), teams)
    staff = answer["staff"]
    out.print(f"minutes of {staff['full_time_equivalents']} full-time equivalents ({staff['persons']} persons)")
    rows = [(row["week"], *(str(row[name]) for name in _MINUTES)) for row in answer["capacity"]]
    _table(out, ("week", *_MINUTES), rows)


def _table(out: Console, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="left" if head in ("week", "subject", "kind", "team") else "right")
    for row in rows:
        table.add_row(*row)
    out.print(table)
