"""`kundval results-page`: what providers have achieved, as a page to read, print or publish."""

from __future__ import annotations

import sys

import click

from kundval_chassis.cli_call import ask, tenant_option
from kundval_contracts.codes import programmes
from kundval_contracts.rpc.results import LANGUAGES, SEEDS


class _ProgrammeCode(click.ParamType):
    """A programme by its code. The tariff files, which may add some, are read when one is named."""

    name = "programme"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        known = [one.value for one in programmes()]
        if value.upper() not in known:
            self.fail(f"must be one of: {', '.join(known)}", param, ctx)
        return value.upper()


@click.command("results-page")
@tenant_option
@click.option("--programme", type=_ProgrammeCode(), metavar="CODE", required=True)
@click.option("--lang", type=click.Choice(LANGUAGES), default="sv", show_default=True)
@click.option(
    "--seed", type=click.IntRange(0, SEEDS - 1), help="The order of an earlier page; without it one is drawn."
)
def command(tenant: str, programme: str, lang: str, seed: int | None) -> None:
    """Print the page on which clients compare the providers of a programme, as HTML.

    Exit status 1: the service refused or could not; 2: the request is wrong.
    """
    answer = ask("assignment.results_page", tenant=tenant, programme=programme, lang=lang, seed=seed)
    sys.stdout.write(answer["html"])
