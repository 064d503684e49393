"""`kundval doctor`: what is wrong, what it means and what to do."""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict

import click

from kundval_contracts.client import SERVICES

from .cli_env import NOISE


@click.command()
@click.argument("services", metavar="[SERVICE...]", nargs=-1, type=click.Choice(SERVICES))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--all", "everything", is_flag=True, help="Also say what is well.")
@click.option("--strict", is_flag=True, help="Exit status 1 for warnings too.")
def doctor(services: tuple[str, ...], as_json: bool, everything: bool, strict: bool) -> None:
    """Look at everything and say what is wrong, with the consequence, what to do, and the page of the runbook.

    Before and after an upgrade, a restore, a change of keys; and when something seems odd. It only reads. What a role
    may not see it does not know. `kundval status` is the quick look.

    Exit status: 0 nothing is wrong (there may be warnings); 1 something is.
    """
    warnings.filterwarnings("ignore", message=NOISE)
    from .doctor import RUNBOOKS, Level, examine

    found = examine(services or SERVICES)
    if as_json:
        click.echo(json.dumps({"findings": [asdict(one) for one in found]}, ensure_ascii=False, indent=2))
    else:
        for one in found:
            if one.level is Level.OK and not everything:
                continue
            click.echo(f"{one.level.value:5}{one.area}: {one.what}")
            if one.consequence:
                click.echo(f"     so: {one.consequence}")
            if one.action:
                click.echo(f"     do: {one.action}")
            if one.runbook:
                click.echo(f"     see: {RUNBOOKS}/{one.runbook}.md")
        counts = {level: sum(one.level is level for one in found) for level in Level}
        click.echo(f"{counts[Level.BAD]} bad, {counts[Level.WARN]} warnings, {counts[Level.OK]} well")
    levels = {one.level for one in found}
    if Level.BAD in levels or (strict and Level.WARN in levels):
        sys.exit(1)
