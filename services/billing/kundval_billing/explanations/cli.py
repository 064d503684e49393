"""`kundval owed`: what was known and owed on an earlier day, and what has changed since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from textwrap import wrap
from typing import Any

import click

from kundval_chassis.cli_call import connect, fail, tenant_option
from kundval_chassis.cli_simulate import Day
from kundval_contracts.client import Client
from kundval_contracts.errors import KundvalError

from .forms import WIDTH
from .words import Telling, words_of

Json = dict[str, Any]

_AMOUNTS = ("due", "posted", "owed", "due_today")
_COLUMN = 17


@click.command("owed")
@tenant_option
@click.option("--known-by", type=Day(), required=True, help="The day that is looked back at.")
@click.option("--at-run", is_flag=True, help="At the payment run of that day, not at its end.")
@click.option("--as-of", type=Day(), help="The day that is computed for, if it is another one.")
@click.option("--assignment", metavar="ID", help="Only this assignment.")
@click.option("--provider", metavar="ID", help="Only this provider's money.")
@click.option("--lang", type=click.Choice(["sv", "en"]), default="sv", show_default=True)
@click.option("--json", "as_text", is_flag=True, help="Print the whole answer as JSON.")
def owed(
    tenant: str,
    known_by: date,
    at_run: bool,
    as_of: date | None,
    assignment: str | None,
    provider: str | None,
    lang: str,
    as_text: bool,
) -> None:
    """Say what was known and owed on an earlier day, beside the ledger of then, and why it is something else today.

    Exit status 1: the service refused or could not answer. 2: the question is wrong.
    """
    fields: Json = {
        "tenant": tenant,
        "known_by": known_by.isoformat(),
        "at": "RUN" if at_run else "DAY",
        "as_of": as_of.isoformat() if as_of is not None else None,
        "assignment": assignment,
        "provider": provider,
        "lang": lang,
        # each is computed several times over: a page must not keep other calls waiting
        "limit": 100,
    }
    try:
        with connect() as client:
            answer = ask(client, fields)
    except KundvalError as error:
        raise SystemExit(fail(error)) from None
    if as_text:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(render(answer, words_of(lang))))


def ask(client: Client, fields: Json) -> Json:
    """All pages of `billing.as_known` as one. Raises KundvalError."""
    whole: Json = client.call("billing.as_known", **fields)
    sums = {name: Decimal(amount) for name, amount in whole["sums"].items()}
    while whole["next"] is not None:
        page = client.call("billing.as_known", **fields, after=whole["next"])
        whole["lines"] += page["lines"]
        whole["changes"] += page["changes"]
        whole["next"] = page["next"]
        for name, amount in page["sums"].items():
            sums[name] += Decimal(amount)
    whole["sums"] = {name: f"{amount:.2f}" for name, amount in sums.items()}
    return whole


def render(answer: Json, words: Telling) -> Iterator[str]:
    """The answer as lines of text: what comes to something, then what has changed and why."""
    say = words.words["owed"]
    yield say["title"].format(known_by=answer["known_by"])
    if answer["as_of"] != answer["known_by"]:
        yield "  " + say["as_of"].format(as_of=answer["as_of"])
    if not answer["lines"]:
        yield "  " + say["nothing"]
        return
    rows = [row for row in answer["lines"] if any(Decimal(row[name]) for name in _AMOUNTS)]
    names = [
        f"{row['assignment']}  {words.of('line', row['kind'])} {row['sequence']}  {row['provider']}" for row in rows
    ]
    wide = max(map(len, [*names, say["sum"]]))
    yield f"  {'':{wide}}" + "".join(f"{say[name]:>{_COLUMN}}" for name in _AMOUNTS)
    for name, row in zip(names, rows, strict=True):
        yield f"  {name:{wide}}{_amounts(row, words)}"
    yield f"  {say['sum']:{wide}}{_amounts(answer['sums'], words)}"
    if answer["changes"]:
        yield say["changed"]
    for change in answer["changes"]:
        yield f"  {change['assignment']}  {words.kronor(Decimal(change['difference']))}"
        for name in ("by_time", "by_facts", "by_terms"):
            if Decimal(change[name]):
                yield f"    {say[name]}: {words.kronor(Decimal(change[name]))}"
        for fact in change["learned"]:
            if fact["decisive"]:
                yield from wrap(fact["text"], WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8)


def _amounts(row: Json, words: Telling) -> str:
    return "".join(f"{words.number(Decimal(row[name]), 2):>{_COLUMN}}" for name in _AMOUNTS)
