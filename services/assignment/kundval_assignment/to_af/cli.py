"""`kundval af-queue`: messages to the employment service and where they stand."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from kundval_chassis.cli_call import ask, asking
from kundval_contracts.codes import AfDispatchState

_COLUMNS = ("n", "dispatch", "assignment", "kind", "state", "due", "attempts", "trouble", "next_at")


@click.command("af-queue")
@click.option("--state", type=click.Choice([one.value for one in AfDispatchState], case_sensitive=False))
@click.option("--limit", type=click.IntRange(1, 2000), default=100, show_default=True)
@asking
def command(tenant: str, state: str | None, limit: int, raw: bool, **caller: Any) -> None:
    """List messages to the employment service, the newest first, without what they say.

    Exit status 1: the service refused or could not; 2: the request is wrong.
    """
    wanted = None if state is None else state.upper()
    answer = ask("assignment.af_dispatches", caller, tenant=tenant, state=wanted, limit=limit)
    if raw:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    table = Table(*_COLUMNS)
    for row in answer["dispatches"]:
        late = " (overdue)" if row["overdue"] else " (late)" if row["late"] else ""
        cells = {**row, "due": f"{row['due'] or '-'}{late}"}
        table.add_row(*("-" if cells[name] is None else str(cells[name]) for name in _COLUMNS))
    Console().print(table)
    if answer["open_circuit"]:
        click.echo(f"the other side does not answer: {answer['open_circuit']}")
