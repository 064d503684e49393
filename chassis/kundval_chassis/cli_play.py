"""`kundval play FILE`: a caseload through the running suite."""

from __future__ import annotations

import sys
from datetime import date

import click

from kundval_contracts.client import SERVICES, Client
from kundval_contracts.errors import KundvalError, TimedOut, Unavailable

from .cli_call import connect
from .cli_simulate import ANYTHING_ELSE, Day, read_caseload
from .present import as_json, console, show

#: seconds within which every service says that it is there; during a play much more patience is right
ANSWER_SECONDS = 10.0


@click.command("play")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--as-of", type=Day(), help="What is known up to and including this day; overrides the file's.")
@click.option("--json", "as_text", is_flag=True, help="Print the answer as JSON.")
@click.option("--tenant", metavar="ID", help="Name of the tenant to open; by default a new one.")
def command(file: str, as_of: date | None, as_text: bool, tenant: str | None) -> None:
    """Send a caseload FILE through the running suite and print what the services then hold.

    Exit status 2: the file is wrong, every fault is listed as `path: message`. 1: anything else went wrong.
    """
    from .play import Progress, new_tenant, play

    caseload = read_caseload(file, as_of)
    name = tenant or new_tenant()
    shown = -1

    def tell(progress: Progress) -> None:
        nonlocal shown
        percent = 100 * progress.facts // max(progress.total, 1)
        if percent // 10 != shown:
            shown = percent // 10
            click.echo(f"{name}: {percent:3d} % of {progress.total} facts, business date {progress.day}", err=True)

    try:
        with connect() as client:
            _require_suite(client)
            answer = play(caseload, client, tenant=name, tell=tell)
    except Unavailable as error:
        click.echo(f"{error.message} Is the suite running? `make up` starts it.", err=True)
        sys.exit(ANYTHING_ELSE)
    except KundvalError as error:
        click.echo(str(error), err=True)
        sys.exit(ANYTHING_ELSE)
    if as_text:
        sys.stdout.buffer.write(as_json(answer).encode("utf-8"))
        sys.stdout.buffer.flush()
    else:
        show(answer, console())


def _require_suite(client: Client) -> None:
    """Ask every service for a sign of life, so that nobody waits for minutes for one that is not there."""
    calls = [(service, client.submit(f"{service}.info", timeout=ANSWER_SECONDS)) for service in SERVICES]
    for service, call in calls:
        try:
            call.result()
        except TimedOut:
            raise Unavailable(f"The service {service} does not answer.") from None
