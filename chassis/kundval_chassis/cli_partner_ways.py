"""`kundval partner parked` and `resend`: what a partner could not be told; and its user at the broker."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from kundval_contracts.client import SERVICES

from .cli_env import need, optional, refuse

if TYPE_CHECKING:
    from .partners.keys import PartnerKeys
    from .partners.operate import Stores
    from .partners.registry import Partner

_services = click.option(
    "--service", "services", multiple=True, type=click.Choice(SERVICES), help="Only this; may be repeated."
)


@click.command()
@click.argument("id")
@_services
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def parked(id: str, services: tuple[str, ...], as_json: bool) -> None:
    """List the events that ID could not be told, without their contents, and why."""
    from .partners import parked as aside

    stores = _stores()
    found = stores.each(lambda conn: aside.read(conn, id), services or SERVICES)
    rows = [
        {"service": service, **asdict(one), "way": one.way.value.lower()} for service in found for one in found[service]
    ]
    if as_json:
        said = {"parked": rows, "not_asked": _missing(stores, services)}
        click.echo(json.dumps(said, ensure_ascii=False, indent=2, default=str))
    elif rows:
        _show(rows)
    else:
        click.echo("nothing is parked")
    _end(stores, services)


@click.command()
@click.argument("id")
@_services
@click.option(
    "--position", "positions", multiple=True, type=click.IntRange(min=1), help="Of one event; may be repeated."
)
@click.option("--all", "everything", is_flag=True, help="All that are parked.")
def resend(id: str, services: tuple[str, ...], positions: tuple[int, ...], everything: bool) -> None:
    """Have the services tell ID once more what is parked, out of its order. What is not taken again stays parked."""
    from .partners import parked as aside

    if everything == bool(positions):
        raise click.UsageError("name the positions, or say --all")
    if positions and len(services) != 1:
        raise click.UsageError("positions are a service's own: name one --service")
    stores = _stores()
    found = stores.each(lambda conn: aside.ask_again(conn, id, positions or None), services or SERVICES)
    for service, count in found.items():
        if count:
            click.echo(f"{service}: {count} will be told again")
    if not any(found.values()):
        click.echo("nothing of that is parked", err=True)
        raise SystemExit(1)
    _end(stores, services)


def at_broker(partner: Partner, keys: PartnerKeys | None, *, had_queue: bool = False) -> bool:
    """Make or remove the partner's user at the broker, or say what to type where there is no management API. False if
    it could not be done. had_queue: it had one before; keys: none are needed to remove it.
    """
    from .partners.broker import Broker, BrokerRefuses, by_hand
    from .partners.registry import Way

    needed = partner.ended is None and Way.QUEUE in partner.ways
    amqp_uri, api = need("KUNDVAL_AMQP_URI"), optional("KUNDVAL_BROKER_API")
    if api is None:
        if needed or had_queue:
            click.echo("There is no KUNDVAL_BROKER_API. At the broker, type:")
            for line in by_hand(partner, amqp_uri):
                click.echo(f"  {line}")
        return True
    try:
        broker = Broker(api, amqp_uri)
        if needed and keys is not None:
            broker.admit(partner, keys.queue_password(partner))
        elif not needed:
            broker.dismiss(partner.id)
    except BrokerRefuses as error:
        click.echo(f"kundval: {error}; then: kundval partner sync {partner.id}", err=True)
        return False
    return True


def webhook_fault(url: str) -> str | None:
    """Why no webhook may go there; None if one may. Ends the program if KUNDVAL_PARTNER_NETWORKS cannot be read."""
    from . import reach, settings

    try:
        given = optional("KUNDVAL_PARTNER_NETWORKS")
        return reach.webhook_fault(url, settings.networks(given) if given else ())
    except ValueError as error:
        refuse(f"KUNDVAL_PARTNER_NETWORKS {error}")


def _stores() -> Stores:
    from .partners.operate import Stores

    return Stores()


def _missing(stores: Stores, services: tuple[str, ...]) -> dict[str, str]:
    return {service: why for service, why in stores.missing.items() if service in (services or SERVICES)}


def _end(stores: Stores, services: tuple[str, ...]) -> None:
    """Say what could not be asked, with exit status 1."""
    missing = _missing(stores, services)
    for service, why in missing.items():
        click.echo(f"{service}: {why}", err=True)
    if missing:
        raise SystemExit(1)


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Service", "Way", "Position", "Event", "Municipality", "Why", "Attempts", "Since", "Again"):
        table.add_column(heading, justify="right" if heading in ("Position", "Attempts") else "left")
    for row in rows:
        table.add_row(
            row["service"],
            row["way"],
            str(row["position"]),
            row["name"],
            row["tenant"],
            row["code"],
            str(row["attempts"]),
            f"{row['since']:%Y-%m-%d %H:%M}",
            "soon" if row["again"] else "",
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)
