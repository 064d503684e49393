"""`kundval results-page`: what providers have achieved, as a page to read, print or publish."""

from __future__ import annotations

import sys

import click

from kundval_chassis.cli_call import connect, fail
from kundval_contracts.codes import Programme
from kundval_contracts.errors import KundvalError
from kundval_contracts.rpc.results import LANGUAGES, SEEDS


@click.command("results-page")
@click.option("--tenant", metavar="ID", envvar="KUNDVAL_TENANT", required=True, help="Also: KUNDVAL_TENANT.")
@click.option("--programme", type=click.Choice([one.value for one in Programme], case_sensitive=False), required=True)
@click.option("--lang", type=click.Choice(LANGUAGES), default="sv", show_default=True)
@click.option(
    "--seed", type=click.IntRange(0, SEEDS - 1), help="The order of an earlier page; without it one is drawn."
)
def command(tenant: str, programme: str, lang: str, seed: int | None) -> None:
    """Print the page on which clients compare the providers of a programme, as HTML.

    Exit status 1: the service refused or could not; 2: the request is wrong.
    """
    with connect() as client:
        try:
            answer = client.call(
                "assignment.results_page", tenant=tenant, programme=programme.upper(), lang=lang, seed=seed
            )
        except KundvalError as error:
            raise SystemExit(fail(error)) from None
    sys.stdout.write(answer["html"])
