"""`kundval keys`: which keys are given, by name, and what still needs each."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from kundval_contracts.client import SERVICES

from .cli_env import refuse

if TYPE_CHECKING:
    from .key_uses import KeyUse


@click.command()
@click.argument("services", metavar="[SERVICE...]", nargs=-1, type=click.Choice(SERVICES))
@click.option("--json", "raw", is_flag=True, help="Print it as JSON.")
def keys(services: tuple[str, ...], raw: bool) -> None:
    """Show what is kept under which key in the databases of services, and whether an old key may go.

    Keys are shown by their names, never themselves. Of token keys nothing is kept: an old one may go when the last
    token that it signed has expired. Exit status 1 if something needs a key that is not given any more; 2 if settings
    are missing.
    """
    import psycopg

    from .clock import business_date
    from .key_uses import uses
    from .settings import SettingsError

    try:
        found = [*uses(services or SERVICES, business_date())]
    except SettingsError as error:
        refuse(str(error))
    except psycopg.Error as error:
        click.echo(f"kundval: a database cannot be used ({type(error).__name__})", err=True)
        raise SystemExit(1) from None
    if raw:
        click.echo(json.dumps({"keys": [asdict(one) | {"says": says(one)} for one in found]}, indent=2))
    else:
        _show(found)
    if any(one.place is None for one in found):
        raise SystemExit(1)


def says(use: KeyUse) -> str:
    """What may become of a key, for this use of it."""
    if use.place is None:
        return "NOT GIVEN: cannot be read"
    if use.place == 1:
        return "in use"
    return "still needed" if use.count else "may go"


def _show(found: list[KeyUse]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Setting", "Key", "Place", "Under it", "Count", ""):
        table.add_column(heading, justify="right" if heading in ("Place", "Count") else "left")
    for one in found:
        cells = [one.setting, one.key, "-" if one.place is None else str(one.place), one.what, str(one.count)]
        table.add_row(*cells, says(one), style="red" if one.place is None else None)
    Console(width=160).print(table)
