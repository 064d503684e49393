"""`kundval access-log`: is the log of who was shown what as it was written?"""

from __future__ import annotations

import json
from typing import Any

import click

from kundval_chassis.cli_call import FAILED, caller_options, connect, fail
from kundval_contracts.errors import KundvalError

#: what a person reads of each fault
WORDS = {
    "CHANGED": "was changed after it was written",
    "MISSING": "is not there any more",
    "MISPLACED": "does not follow the entry before it",
    "NOT_AS_KNOWN": "is not the one that was told of before",
    "UNKNOWN_KEY": "was sealed with a key that the service does not have",
}


@click.group("access-log")
def command() -> None:
    """Look after the log of who was shown what about a person."""


@command.command()
@click.option("--tenant", required=True, metavar="ID")
@click.option("--entries", type=click.IntRange(min=1), help="How many there were, by assignment.access_log_sealed.")
@click.option("--head", metavar="HEX", help="The seal of the last of them.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@caller_options
def verify(tenant: str, entries: int | None, head: str | None, as_json: bool, **caller: Any) -> None:
    """Hold every entry against its seal and the one before it. Exit status: 0 intact; 1 not, or it cannot be told."""
    with connect(timeout=600, **caller) as client:
        try:
            answer = client.call("assignment.verify_access_log", tenant=tenant, entries=entries, head=head, timeout=600)
        except KundvalError as error:
            raise SystemExit(fail(error)) from None
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    elif answer["intact"]:
        count = answer["entries"] - answer["first"] + 1
        click.echo(
            f"intact: {count} entries, {answer['first']} to {answer['entries']}" if count else "intact: no entries"
        )
        if answer["head"]:
            click.echo(f"head: {answer['head']}")
    else:
        for fault in answer["faults"]:
            click.echo(f"entry {fault['n']} {WORDS.get(fault['fault'], fault['fault'])}")
    if not answer["intact"]:
        raise SystemExit(FAILED)
