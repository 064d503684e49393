"""`kundval open-day`, `kundval erase`: what a timer runs once a day, so that no timer has to write requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from .cli_call import ask, caller_options, tenant_option

#: records that one call erases at most
_BATCH = 500


@click.command("open-day")
@tenant_option
@click.option("--date", type=click.DateTime(["%Y-%m-%d"]), help="Which day; without it, today's date in Sweden.")
@caller_options
def open_day(tenant: str, date: datetime | None, **caller: Any) -> None:
    """Tell the services which day it is; to be run once a day, soon after midnight in Sweden.

    Doing it again changes nothing, and days that were left out are caught up with. Exit status: 0 done; 1 the suite
    refused or cannot be reached; 2 wrong options.
    """
    from .clock import business_date

    day = date.date() if date is not None else business_date()
    answer = ask("assignment.open_day", caller, tenant=tenant, date=day.isoformat())
    click.echo(f"{answer['tenant']}: {answer['date']}")


@click.command()
@tenant_option
@caller_options
def erase(tenant: str, **caller: Any) -> None:
    """Erase what is kept for longer than the settings of the tenant say, until nothing is due; to be run each night.

    What has no setting is never erased: it is named. Exit status: 0 done; 1 the suite refused or cannot be reached.
    """
    sums: dict[str, int] = {}
    while True:
        answer = ask("assignment.erase", caller, tenant=tenant, limit=_BATCH)
        for kind, count in answer["erased"].items():
            sums[kind] = sums.get(kind, 0) + count
        if not any(answer["erased"].values()):
            break
    for kind, count in sorted(sums.items()):
        click.echo(f"{kind}: {count} erased")
    for key in answer["unset"]:
        click.echo(f"{key} is not set: nothing of its kind is erased", err=True)
