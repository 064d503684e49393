"""`kundval what-if` and `kundval forecast`: ask a running suite about money, and wait for the answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click

from kundval_chassis.cli_call import FAILED, connect, fail, tenant_option
from kundval_chassis.cli_simulate import Day
from kundval_chassis.present import as_json, console
from kundval_contracts.client import Client
from kundval_contracts.codes import Programme
from kundval_contracts.errors import KundvalError
from kundval_contracts.rpc.questions import BY
from kundval_contracts.rpc.results import LANGUAGES

from . import local, present

#: seconds between two looks
_GLANCE = 0.5
_WAIT = click.option("--wait", type=click.IntRange(min=1), default=7200, show_default=True, help="Seconds, at most.")
_LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="sv", show_default=True, help="Of chart and page.")


@click.command("what-if")
@click.argument("draft", type=click.Path())
@tenant_option
@click.option("--as-of", type=Day(), help="What is known up to and including this day; default: the business date.")
@click.option("--chart", "picture", type=click.Path(dir_okay=False), help="Write a chart as SVG to this file.")
@click.option("--by", type=click.Choice(BY), default="month", show_default=True, help="What the chart is drawn by.")
@_LANG
@click.option("--csv", "form", flag_value="csv", help="Print every group that differs as CSV.")
@click.option("--json", "form", flag_value="json", help="Print the answer as JSON.")
@_WAIT
def what_if(
    draft: str, tenant: str, as_of: date | None, picture: str | None, by: str, lang: str, form: str | None, wait: int
) -> None:
    """Ask what the draft of a tariff or of readings in the file DRAFT would change, over all that billing holds.

    Exit status 2: the draft is wrong, every fault is listed. 1: the service refused or could not.
    """
    given = dict(local.read_draft(draft).raw)
    with connect() as client:
        try:
            asked = client.call("billing.ask_what_if", tenant=tenant, draft=given, as_of=_iso(as_of))
            named: dict[str, Any] = {"tenant": tenant, "question": asked["question"]}
            answer = _answer(client, "billing.what_if", named, wait)
            if picture is not None:
                svg = client.call("billing.what_if_chart", **named, by=by, lang=lang)["svg"]
                Path(picture).write_text(svg, encoding="utf-8")
            if form == "csv":
                sys.stdout.write(client.call("billing.what_if_csv", **named)["csv"])
                return
        except KundvalError as error:
            raise SystemExit(fail(error)) from None
    if form == "json":
        sys.stdout.write(as_json(answer))
    else:
        page = console()
        page.print(_over(answer["snapshot"]))
        present.what_if(answer["result"], page)


@click.command("forecast")
@click.argument("year", type=click.IntRange(2000, 2100))
@tenant_option
@click.option("--as-of", type=Day(), help="What is known up to and including this day; default: the business date.")
@click.option("--new", "new", metavar="PROGRAMME=N", multiple=True, help="Assume N new assignments in each month.")
@click.option("--chart", "picture", type=click.Path(dir_okay=False), help="Write a chart as SVG to this file.")
@_LANG
@click.option("--csv", "form", flag_value="csv", help="Print the sums by programme and month as CSV.")
@click.option("--html", "form", flag_value="html", help="Print a page to read or print.")
@click.option("--json", "form", flag_value="json", help="Print the answer as JSON.")
@_WAIT
def forecast(
    year: int,
    tenant: str,
    as_of: date | None,
    new: tuple[str, ...],
    picture: str | None,
    lang: str,
    form: str | None,
    wait: int,
) -> None:
    """Say what YEAR will cost: low, expected and high, by programme and month, against its budget.

    Exit status 1: the service refused or could not; 2: the request is wrong.
    """
    assumed = _new(new)
    with connect() as client:
        try:
            asked = client.call(
                "billing.ask_forecast", tenant=tenant, year=year, as_of=_iso(as_of), new_per_month=assumed
            )
            named: dict[str, Any] = {"tenant": tenant, "question": asked["question"]}
            answer = _answer(client, "billing.forecast", named, wait)
            if picture is not None:
                svg = client.call("billing.forecast_chart", **named, lang=lang)["svg"]
                Path(picture).write_text(svg, encoding="utf-8")
            if form == "csv":
                sys.stdout.write(client.call("billing.forecast_csv", **named)["csv"])
            elif form == "html":
                sys.stdout.write(client.call("billing.forecast_page", **named, lang=lang)["html"])
        except KundvalError as error:
            raise SystemExit(fail(error)) from None
    if form == "json":
        sys.stdout.write(as_json(answer))
    elif form is None:
        page = console()
        page.print(_over(answer["snapshot"]))
        present.forecast(answer, page)


def _answer(client: Client, method: str, named: Mapping[str, Any], wait: int) -> dict[str, Any]:
    """The answer, when there is one. Exit status 1 if nothing comes of it, or not in time."""
    deadline = time.monotonic() + wait
    while True:
        found = dict(client.call(method, **named))
        state = found["question"]["state"]
        if state == "DONE":
            return found
        if state == "FAILED":
            click.echo(f"Nothing came of the question {named['question']}: {found['question']['failure']}", err=True)
            raise SystemExit(FAILED)
        if time.monotonic() > deadline:
            click.echo(f"The question {named['question']} is still {state}; its answer can be fetched later.", err=True)
            raise SystemExit(FAILED)
        time.sleep(_GLANCE)


def _over(snapshot: dict[str, Any]) -> str:
    return (f"Over {snapshot['assignments']} assignments and {snapshot['facts']} facts, business date"
            f" {snapshot['business_date']}.")  # fmt: skip


def _new(given: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for one in given:
        name, _, number = one.partition("=")
        if name not in set(Programme) or not number.isdecimal():
            raise click.UsageError(f"--new {one}: must be a programme, = and a number, such as AMI_2=10")
        found[name] = int(number)
    return found


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
