"""`kundval status`: each service, whether it answers, and what waits in its queues."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

import click

from kundval_contracts.client import SERVICES, Client
from kundval_contracts.errors import KundvalError

from .cli_call import FAILED, connect
from .cli_env import need, optional

_SECONDS = 3.0
#: columns of the table: key and heading
_COLUMNS = (
    ("service", "Service"),
    ("state", "State"),
    ("version", "Version"),
    ("migration", "Migration"),
    ("outbox", "Outbox"),
    ("requests", "Requests"),
    ("events", "Events"),
    ("parked", "Parked"),
    ("started_at", "Since"),
)


@click.command()
@click.argument("services", metavar="[SERVICE...]", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=click.File("w", "utf-8", atomic=True), help="Write a page to this file (- prints it).")
@click.option("--at", multiple=True, metavar="PART=URL", help="For --html: a process, billing=http://10.0.0.7:9103.")
def status(services: tuple[str, ...], as_json: bool, html: Any, at: tuple[str, ...]) -> None:
    """Show whether each service is up, its version, its last migration, and what waits in outbox and queues.

    With --html a page of all that processes say of themselves at their health ports: of those named with --at, else of
    one process each at KUNDVAL_<SERVICE>_HTTP_PORT. It needs neither broker nor database.

    Exit status 1 if a service is down; 2 if the settings are missing.
    """
    if html is not None:
        _write_page(html, at)
        return
    rows = collect(services or SERVICES)
    if as_json:
        click.echo(json.dumps({"services": rows}, ensure_ascii=False, indent=2))
    else:
        _show(rows)
    if any(row["state"] != "up" for row in rows):
        raise SystemExit(FAILED)


def _write_page(file: Any, at: Iterable[str]) -> None:
    from . import status_page

    addresses: dict[str, list[str]] = {}
    for one in at:
        part, _, url = one.partition("=")
        if part not in status_page.PARTS or not url.startswith(("http://", "https://")):
            raise click.BadParameter(f"must be PART=URL, with one of {', '.join(status_page.PARTS)}", param_hint="--at")
        addresses.setdefault(part, []).append(url.rstrip("/"))
    if not addresses:
        for part in status_page.PARTS:
            own = f"KUNDVAL_{part.upper()}_HTTP_PORT"
            if part != "gateway" or optional(own):
                host = optional(f"KUNDVAL_{part.upper()}_HTTP_HOST") or optional("KUNDVAL_HTTP_HOST") or "127.0.0.1"
                addresses[part] = [f"http://{_reached(host)}:{need(own)}"]
    suite = status_page.look({part: addresses[part] for part in status_page.PARTS if part in addresses})
    file.write(status_page.page(suite))
    if not all(process.ready for process in suite.processes):
        raise SystemExit(FAILED)


def _reached(host: str) -> str:
    """By what a process that listens at `host` is reached from this machine."""
    return "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host


def collect(services: Iterable[str]) -> list[dict[str, Any]]:
    """One row a service: ``{"service", "state", "version", "migration", "outbox", "requests", "events", "parked",
    "started_at"}``; what is not known is null. `state` is "up", or why it is not.
    """
    names = list(services)
    with connect(_SECONDS) as client:
        answers = _ask(client, names)
    depths = queue_depths([queue for name in names for queue in _queues(name)])
    rows = []
    for name, (state, info) in zip(names, answers, strict=True):
        *kinds, events, parked = (depths.get(queue) for queue in _queues(name))
        # of the two kinds of queue of requests there is mostly one
        requests = sum(there) if (there := [depth for depth in kinds if depth is not None]) else None
        rows.append(
            {
                "service": name,
                "state": state,
                "version": info.get("version"),
                "migration": info.get("migration"),
                "outbox": info.get("outbox"),
                "requests": requests,
                "events": events,
                "parked": parked,
                "started_at": info.get("started_at"),
            }
        )
    return rows


def queue_depths(queues: Iterable[str]) -> dict[str, int | None]:
    """How many messages wait in each queue; None for one that does not exist, {} without a broker."""
    import amqp

    from kundval_contracts.wire import broker, establish

    depths: dict[str, int | None] = {}
    try:
        connection = establish(broker(need("KUNDVAL_AMQP_URI"), connect_timeout=3))
    except (OSError, amqp.AMQPError):
        return depths
    try:
        for queue in queues:
            # a question for a queue that is not there closes the channel
            channel = connection.channel()
            try:
                depths[queue] = channel.queue_declare(queue, passive=True).message_count
                channel.close()
            except amqp.NotFound:
                depths[queue] = None
    finally:
        connection.collect()
    return depths


def _queues(service: str) -> tuple[str, str, str, str]:
    return f"rpc-{service}", f"rpc-{service}.quorum", f"{service}.events-in", f"{service}.events-in.parked"


def _ask(client: Client, names: list[str]) -> list[tuple[str, dict[str, Any]]]:
    calls = [client.submit(f"{name}.info", retry=False) for name in names]
    answers: list[tuple[str, dict[str, Any]]] = []
    for call in calls:
        try:
            answers.append(("up", call.result()))
        except KundvalError as error:
            answers.append((_WORDS.get(error.code, error.code.lower().replace("_", " ")), {}))
    return answers


_WORDS = {
    "UNKNOWN_SERVICE": "never started",
    "TIMED_OUT": "no answer",
    "BROKER_UNREACHABLE": "no broker",
    "DATABASE_UNREACHABLE": "no database",
}


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for key, heading in _COLUMNS:
        table.add_column(heading, justify="right" if key in ("outbox", "requests", "events", "parked") else "left")
    for row in rows:
        good = row["state"] == "up"
        cells = [_cell(row[key]) for key, _ in _COLUMNS]
        table.add_row(*cells, style=None if good else "red")
    Console(width=None if os.isatty(1) else 140).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return str(value)[:19] if isinstance(value, str) and value[:4].isdigit() else str(value)
