"""`kundval documents`: what was issued, statements, and the journal for the books, from a shell."""

from __future__ import annotations

import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from kundval_chassis.cli_call import ask, ask_rows, caller_options, tenant_option
from kundval_chassis.present import show_rows
from kundval_contracts.codes import DocumentForm, JournalForm, StatementForm
from kundval_contracts.rpc.results import LANGUAGES

_DOCUMENT = ("number", "provider", "run", "issued_on", "due_on", "net", "vat", "gross", "corrects")
_JOURNAL = ("journal", "made_on", "run", "from", "to", "vouchers", "entries", "debit")
_NUMBERS = ("net", "vat", "gross", "journal", "vouchers", "entries", "debit")
_OUTPUT = click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it there instead of printing it."
)
_LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="sv", show_default=True)
_PROVIDER = click.option("--provider", metavar="ID", help="Of this provider.")


@click.group("documents")
def command() -> None:
    """List and fetch invoices, credit notes and payment bases; statements; journals for the books.

    Exit status of each: 0 done; 1 the service refused or could not; 2 the request is wrong.
    """


def _asking(function: Callable[..., Any]) -> Callable[..., Any]:
    """A subcommand with a tenant and the options that say as whom it calls."""
    return tenant_option(caller_options(function))


def _period(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that name a run or a period."""
    for option in (
        click.option("--to", metavar="DATE", help="To this day (exclusive)."),
        click.option("--from", "from_", metavar="DATE", help="From this day."),
        click.option("--run", metavar="DATE", help="Of this payment run."),
    ):
        function = option(function)
    return function


def _give(content: bytes, output: Path | None) -> None:
    """To a file, or to the standard output as it is."""
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)


@command.command("list")
@_asking
@_PROVIDER
@click.option("--run", metavar="DATE", help="Of the payments of this run.")
@click.option("--json", "raw", is_flag=True, help="Print it as JSON.")
def list_(tenant: str, provider: str | None, run: str | None, raw: bool, **caller: Any) -> None:
    """Print the documents that were issued, by number."""
    rows = ask_rows("billing.documents", caller, tenant=tenant, provider=provider, run=run)
    show_rows(rows, _DOCUMENT, _NUMBERS, raw)


@command.command()
@_asking
@click.argument("number")
@click.option("--form", type=click.Choice([*DocumentForm]), default="XML", show_default=True)
@_LANG
@_OUTPUT
def get(tenant: str, number: str, form: str, lang: str, output: Path | None, **caller: Any) -> None:
    """Fetch a document: XML is the Peppol original, CSV its lines, HTML and PDF are to be read."""
    found = ask("billing.document", caller, tenant=tenant, number=number, form=form, lang=lang)
    _give(b64decode(found["content"]), output)


@command.command()
@_asking
@click.option("--provider", metavar="ID", required=True, help="Of this provider.")
@_period
@click.option("--form", type=click.Choice([*StatementForm]), default="PDF", show_default=True)
@_LANG
@_OUTPUT
def statement(
    tenant: str,
    provider: str,
    run: str | None,
    from_: str | None,
    to: str | None,
    form: str,
    lang: str,
    output: Path | None,
    **caller: Any,
) -> None:
    """Fetch a provider's statement of a run or period."""
    period = {"run": run, "from": from_, "to": to}
    found = ask("billing.statement", caller, tenant=tenant, provider=provider, form=form, lang=lang, **period)
    _give(b64decode(found["content"]), output)


@command.command()
@_asking
@_PROVIDER
@click.option("--run", metavar="DATE", required=True, help="Of this payment run.")
@_OUTPUT
def basis(tenant: str, provider: str | None, run: str, output: Path | None, **caller: Any) -> None:
    """Fetch what a run posted, as CSV."""
    found = ask("billing.payment_basis_csv", caller, tenant=tenant, provider=provider, run=run)
    _give(found["csv"].encode(), output)


@command.command("make-journal")
@_asking
@_period
@click.option("--json", "raw", is_flag=True, help="Print it as JSON.")
def make_journal(tenant: str, run: str | None, from_: str | None, to: str | None, raw: bool, **caller: Any) -> None:
    """Put what was issued in a run or period into the next journal. What is in a journal already stays out."""
    found = ask("billing.make_journal", caller, tenant=tenant, run=run, **{"from": from_, "to": to})
    show_rows([found], _JOURNAL, _NUMBERS, raw)


@command.command()
@_asking
@click.option("--json", "raw", is_flag=True, help="Print it as JSON.")
def journals(tenant: str, raw: bool, **caller: Any) -> None:
    """Print the journals that were made."""
    show_rows(ask("billing.journals", caller, tenant=tenant)["journals"], _JOURNAL, _NUMBERS, raw)


@command.command()
@_asking
@click.argument("number", type=click.IntRange(1))
@click.option("--form", type=click.Choice([*JournalForm]), default="SIE", show_default=True)
@_OUTPUT
def journal(tenant: str, number: int, form: str, output: Path | None, **caller: Any) -> None:
    """Fetch a journal, the same bytes each time."""
    found = ask("billing.journal", caller, tenant=tenant, journal=number, form=form)
    _give(b64decode(found["content"]), output)
