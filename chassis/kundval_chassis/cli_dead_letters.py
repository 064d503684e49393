"""`kundval dead-letters`: what could not be handled, and what to do with it."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from kundval_contracts.client import SERVICES

from .cli_env import NOISE, need

service_option = click.option(
    "--service", "services", multiple=True, metavar="SERVICE", help="Only this service's; may be repeated."
)


@click.group("dead-letters")
def dead_letters() -> None:
    """Events that a service could not handle: list them, look at one, send them again, drop them."""
    warnings.filterwarnings("ignore", message=NOISE)


@dead_letters.command("list")
@service_option
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="The most per service.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(services: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List what is parked, without its contents."""
    from . import dead_letters as letters

    rows: list[dict[str, Any]] = []
    with _broker():
        for service, queue in _queues(services):
            try:
                rows += [{"service": service, **asdict(one)} for one in letters.list_parked(_uri(), queue, limit)]
            except letters.NoSuchQueue:
                continue
    if as_json:
        click.echo(json.dumps({"parked": rows}, ensure_ascii=False, indent=2))
        return
    if not rows:
        click.echo("nothing is parked")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Service", "Id", "Type", "Subject", "Why", "Attempts", "Parked"):
        table.add_column(heading)
    for row in rows:
        why = " ".join(filter(None, (row["reason"], row["error"], row["code"], row["field"])))
        table.add_row(
            row["service"], row["id"], row["type"], row["subject"], why, str(row["attempts"]), row["parked_at"]
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@dead_letters.command()
@click.argument("id")
@service_option
@click.option("--data", "with_data", is_flag=True, help="Show the event's data too.")
def show(id: str, services: tuple[str, ...], with_data: bool) -> None:
    """Show one parked message with its headers, as JSON."""
    from . import dead_letters as letters

    with _broker():
        for service, queue in _queues(services):
            try:
                found = letters.show(_uri(), queue, id, with_data=with_data)
            except (KeyError, letters.NoSuchQueue):
                continue
            click.echo(json.dumps({"service": service, **found}, ensure_ascii=False, indent=2))
            return
    _absent({id})


@dead_letters.command()
@click.argument("ids", metavar="[ID...]", nargs=-1)
@service_option
@click.option("--all", "everything", is_flag=True, help="All that are parked.")
def retry(ids: tuple[str, ...], services: tuple[str, ...], everything: bool) -> None:
    """Send parked messages to their queue again, as if they had never failed."""
    from . import dead_letters as letters

    if everything == bool(ids):
        raise click.UsageError("name the ids, or say --all")
    with _broker():
        if everything:
            count = 0
            for _, queue in _queues(services):
                try:
                    count += letters.retry(_uri(), queue)
                except letters.NoSuchQueue:
                    continue
            click.echo(f"{count} sent again")
        else:
            _each(services, set(ids), letters.retry, "sent again")


@dead_letters.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@service_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(ids: tuple[str, ...], services: tuple[str, ...], yes: bool) -> None:
    """Remove parked messages for good, by id."""
    from . import dead_letters as letters

    if not yes:
        click.confirm(f"Remove {len(ids)} for good?", abort=True, err=True)
    with _broker():
        _each(services, set(ids), letters.drop, "dropped")


def _each(services: tuple[str, ...], ids: set[str], action: Any, word: str) -> None:
    """Do `action` to the ids wherever they are; those found nowhere are named, with exit status 1."""
    from . import dead_letters as letters

    left, count = set(ids), 0
    for _, queue in _queues(services):
        try:
            # an event that several services could not take is parked at each of them
            here = {one.id for one in letters.list_parked(_uri(), queue, sys.maxsize)} & ids
            if here:
                count += action(_uri(), queue, here)
        except letters.NoSuchQueue:
            continue
        left -= here
    click.echo(f"{count} {word}")
    if left:
        _absent(left)


def _absent(ids: set[str]) -> None:
    for one in sorted(ids):
        click.echo(f"kundval: {one} is not parked", err=True)
    raise SystemExit(1)


def _uri() -> str:
    return need("KUNDVAL_AMQP_URI")


def _queues(services: tuple[str, ...]) -> list[tuple[str, str]]:
    from .consume import queue_of

    return [(service, queue_of(service)) for service in services or SERVICES]


@contextmanager
def _broker() -> Iterator[None]:
    from .amqp import BROKER_ERRORS

    try:
        yield
    except BROKER_ERRORS as error:
        click.echo(f"kundval: the broker cannot be used ({type(error).__name__})", err=True)
        raise SystemExit(1) from None
