"""`kundval partner`: who reads copies of the events, how, and with which secrets.

A partner's row is written to the database of every service that can be reached. Which could not be is said, with exit
status 1; `kundval partner sync` brings them into step when they can.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from kundval_contracts.client import SERVICES

from .cli_env import NOISE, need, optional, refuse
from .cli_partner_ways import at_broker, parked, resend, webhook_fault

if TYPE_CHECKING:
    from .partners.keys import PartnerKeys
    from .partners.operate import Stores
    from .partners.registry import Partner, SecretKind

WAYS = ("feed", "queue", "webhook")
KINDS = ("feed", "queue", "webhook", "pseudonym")

_out = click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    required=True,
    help="Write a page for the partner to FILE, with its secrets; only you can read it.",
)
_day = click.DateTime(formats=["%Y-%m-%d"])


def _listed(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for value in values for one in value.split(",") if one))


def _addresses(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say where the partner finds what it needs."""
    for option in (
        click.option(
            "--base",
            metavar="URL",
            envvar="KUNDVAL_PARTNER_BASE",
            help="Where partners reach /feeds. Also: KUNDVAL_PARTNER_BASE. Without it each service's own address.",
        ),
        click.option(
            "--broker",
            metavar="URI",
            envvar="KUNDVAL_PARTNER_BROKER",
            help="Where partners reach the broker, without user. Also: KUNDVAL_PARTNER_BROKER.",
        ),
    ):
        command = option(command)
    return command


@click.group()
def partner() -> None:
    """Other organisations' systems that read copies of the events: add, show, rotate, remove, replay."""
    warnings.filterwarnings("ignore", message=NOISE)


partner.add_command(parked)
partner.add_command(resend)


@partner.command()
@click.argument("id")
@click.option(
    "--tenants", multiple=True, callback=_listed, metavar="ID,…", help="Municipalities; of a new one without it: all."
)
@click.option(
    "--names",
    multiple=True,
    callback=_listed,
    metavar="PATTERN,…",
    help="Events, as topics of AMQP: assignment.*, billing.bonus_paid. Of a new one without it: #, which is all.",
)
@click.option(
    "--ways",
    multiple=True,
    callback=_listed,
    metavar="feed,queue,webhook",
    help="How it gets them. Of a new one without it: feed.",
)
@click.option("--webhook-url", metavar="URL", help="Where webhooks go.")
@_out
@_addresses
def add(
    id: str,
    tenants: tuple[str, ...],
    names: tuple[str, ...],
    ways: tuple[str, ...],
    webhook_url: str | None,
    out: Path,
    base: str | None,
    broker: str | None,
) -> None:
    """Add the partner ID, or change what it gets, and write its page.

    Run again it changes nothing but what the options say: what none says stays, as its secrets do (--tenants all: all).
    One that was removed comes back with new ones, as a new one.
    """
    from .clock import business_date
    from .partners import names as patterns
    from .partners import registry
    from .partners.registry import Partner, Way

    wrong = sorted(set(ways) - set(WAYS))
    if wrong:
        refuse(f"--ways: {', '.join(wrong)} (there are {', '.join(WAYS)})")
    if webhook_url is not None:
        _check_address(webhook_url)
    keys, stores = _keys(), _stores()
    known = stores.newest(id)
    said: dict[str, Any] = {"changed_at": _now()}
    if tenants:
        said["tenants"] = frozenset(tenants) - {"all"}
    if names:
        said["names"] = names
    if ways:
        said["ways"] = frozenset(Way(one.upper()) for one in ways)
    if webhook_url is not None:
        said["webhook_url"] = webhook_url
    try:
        if known is not None and known.ended is None:
            made = replace(known, **said)
        else:
            secrets = registry.first_secrets(keys.first) if known is None else registry.begun_again(known, keys.first)
            usual = {"tenants": frozenset(), "names": ("#",), "ways": frozenset({Way.FEED})}
            made = Partner(id=id, secrets=secrets, since=business_date(), **(usual | said))
    except ValueError as error:
        refuse(str(error))
    for one in made.names:
        if not patterns.known((one,)):
            click.echo(f"kundval: no event that there is at present is meant by {one}", err=True)
    # the page first: secrets that nobody could write down are for nobody
    _write_page(made, keys, out, base, broker)
    stores.write(made)
    click.echo(f"{id}: added; its page is {out}" if known is None else f"{id}: as you said; its page is {out}")
    well = at_broker(made, keys, had_queue=known is not None and Way.QUEUE in known.ways)
    _end(stores, id, well)


@partner.command()
@click.argument("id", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(id: str | None, as_json: bool) -> None:
    """Show partners and how far each has been told by each service, or only ID. No secrets.

    Exit status 1 if a service could not be asked, or does not know a partner as the others do.
    """
    from .partners.operate import standing

    stores = _stores()
    found = stores.each(lambda conn: standing(conn, id))
    rows = [_row(service, one) for service, many in found.items() for one in many]
    newest = {row["partner"]: max(r["changed_at"] for r in rows if r["partner"] == row["partner"]) for row in rows}
    for row in rows:
        row["in_step"] = row["changed_at"] == newest[row["partner"]]
    absent = [
        {"service": service, "partner": name}
        for name in sorted(newest)
        for service, many in found.items()
        if name not in {one.partner.id for one in many}
    ]
    if as_json:
        said = {"partners": rows, "absent": absent, "not_asked": stores.missing}
        click.echo(json.dumps(said, ensure_ascii=False, indent=2, default=str))
    else:
        _print(rows)
    if id is not None and not rows and not stores.missing:
        click.echo(f"kundval: there is no partner {id}", err=True)
        raise SystemExit(1)
    for one in [*absent, *(row for row in rows if not row["in_step"])]:
        click.echo(f"{one['service']}: is not in step (kundval partner sync {one['partner']})", err=True)
    _tell_missing(stores)
    if absent or stores.missing or not all(row["in_step"] for row in rows):
        raise SystemExit(1)


@partner.command()
@click.argument("id")
@click.option("--kind", "kinds", multiple=True, callback=_listed, required=True, metavar="|".join((*KINDS, "all")))
@click.option(
    "--keep-until",
    type=_day,
    metavar="DATE",
    required=True,
    help="Last day on which the former one is good; the broker knows one password and forgets the former at once.",
)
@_out
@_addresses
def rotate(
    id: str, kinds: tuple[str, ...], keep_until: datetime, out: Path, base: str | None, broker: str | None
) -> None:
    """Replace secrets of ID by their next generation, and write its page anew."""
    from .clock import business_date
    from .partners import registry
    from .partners.registry import SecretKind

    wrong = sorted(set(kinds) - {*KINDS, "all"})
    if wrong:
        refuse(f"--kind: {', '.join(wrong)} (there are {', '.join(KINDS)} and all)")
    keys, stores = _keys(), _stores()
    made = _known(stores, id)
    chosen: tuple[SecretKind, ...] = tuple(SecretKind(one.upper()) for one in (KINDS if "all" in kinds else kinds))
    for kind in chosen:
        made = registry.rotated(
            made,
            kind,
            number=made.in_use(kind).number + 1,
            key=keys.first,
            last_day=keep_until.date(),
            on=business_date(),
            at=_now(),
        )
    _write_page(made, keys, out, base, broker)
    stores.write(made)
    click.echo(f"{id}: {', '.join(one.value.lower() for one in chosen)} rotated; its page is {out}")
    _end(stores, id, SecretKind.QUEUE not in chosen or at_broker(made, keys))


@partner.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(id: str, yes: bool) -> None:
    """End the partner ID: nothing is told to it any more, and none of its secrets is good."""
    from .clock import business_date
    from .partners.registry import Way

    stores = _stores()
    made = _known(stores, id)
    if not yes:
        click.confirm(f"End {id}?", abort=True, err=True)
    ended = replace(made, ended=business_date(), changed_at=_now())
    stores.write(ended)
    click.echo(f"{id}: ended")
    _end(stores, id, at_broker(ended, None, had_queue=Way.QUEUE in made.ways))


@partner.command()
@click.argument("id")
def sync(id: str) -> None:
    """Write the newest row of ID to every service, and its user to the broker: after one could not be reached."""
    stores = _stores()
    newest = stores.newest(id)
    if newest is None:
        refuse(f"there is no partner {id}")
    stores.write(newest)
    click.echo(f"{id}: in step")
    _end(stores, id, at_broker(newest, _keys() if newest.ended is None else None, had_queue=newest.ended is not None))


@partner.command()
@click.argument("id")
@click.option("--way", type=click.Choice(["queue", "webhook"]), required=True)
@click.option("--service", "services", multiple=True, type=click.Choice(SERVICES), help="Only this; may be repeated.")
@click.option(
    "--from", "position", type=click.IntRange(min=0), metavar="POSITION", help="All after it; 0: all there is."
)
@click.option("--since", type=_day, metavar="DATE", help="All since that day began.")
def replay(id: str, way: str, services: tuple[str, ...], position: int | None, since: datetime | None) -> None:
    """Tell ID again what it was told after a position or since a day, by one way. A feed begins where it asks to."""
    import psycopg

    from .db import Row
    from .partners import log
    from .partners import ways as standing
    from .partners.registry import Way

    if (position is None) == (since is None):
        raise click.UsageError("say either --from or --since")
    if position is not None and len(services) != 1 and position != 0:
        raise click.UsageError("positions are a service's own: name one --service with --from")
    stores = _stores()

    def move(conn: psycopg.Connection[Row]) -> int | None:
        with conn.transaction():
            to = log.position_of(conn, since.date()) if since is not None else int(position or 0)
            return to if standing.move(conn, id, Way(way.upper()), to) else None

    found = stores.each(move, services or SERVICES)
    for service, to in found.items():
        click.echo(f"{service}: has no {way} for {id}" if to is None else f"{service}: tells all after {to}")
    _tell_missing(stores, services or SERVICES)
    if any(to is None for to in found.values()) or set(stores.missing) & set(services or SERVICES):
        raise SystemExit(1)


# ---------------------------------------------------------------- parts


def _keys() -> PartnerKeys:
    from .partners.keys import PartnerKeys
    from .sealing import BadKey

    try:
        return PartnerKeys(need("KUNDVAL_PARTNER_KEY"))
    except BadKey as error:
        refuse(f"KUNDVAL_PARTNER_KEY: {error}")


def _stores() -> Stores:
    from .partners.operate import Stores

    stores = Stores()
    if set(stores.missing) == set(SERVICES):
        refuse("no service's database is set (KUNDVAL_ASSIGNMENT_DATABASE_URI and so on)")
    return stores


def _known(stores: Stores, id: str) -> Partner:
    """The newest row of a partner that has not ended; ends the program if there is none."""
    found = stores.newest(id)
    if found is None or found.ended is not None:
        _tell_missing(stores)
        refuse(f"there is no partner {id}")
    return found


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None
    except ValueError:
        good = False
    if not good or not url.isascii() or len(url) > 500 or any(one.isspace() for one in url):
        refuse("--webhook-url: must be an https address without a user in it")
    if (fault := webhook_fault(url)) is not None:
        refuse(f"--webhook-url: {fault}")


def _write_page(made: Partner, keys: PartnerKeys, out: Path, base: str | None, broker: str | None) -> None:
    from .clock import business_date
    from .partners import onboarding
    from .partners.keys import KeyMissing

    try:
        text = onboarding.page(
            made,
            keys,
            business_date(),
            feeds=dict(_feeds(base)),
            broker=broker or _without_user(need("KUNDVAL_AMQP_URI")),
        )
        onboarding.write(text, out)
    except KeyMissing as error:
        refuse(f"KUNDVAL_PARTNER_KEY: {error}")
    except OSError as error:
        refuse(f"{out} cannot be written ({type(error).__name__})")


def _feeds(base: str | None) -> Iterator[tuple[str, str]]:
    """Address of each service's HTTP server."""
    for service in SERVICES:
        port = optional(f"KUNDVAL_{service.upper()}_HTTP_PORT")
        if base is not None:
            yield service, base.rstrip("/")
        elif port:
            yield service, f"http://{optional('KUNDVAL_HTTP_HOST') or '127.0.0.1'}:{port}"


def _without_user(uri: str) -> str:
    parts = urlsplit(uri.partition(";")[0])
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _now() -> datetime:
    return datetime.now(UTC)


def _tell_missing(stores: Stores, services: tuple[str, ...] = SERVICES) -> None:
    for service, why in stores.missing.items():
        if service in services:
            click.echo(f"{service}: {why}", err=True)


def _end(stores: Stores, id: str, well: bool) -> None:
    """Say what could not be reached, with exit status 1; so too if something else was not `well`."""
    if stores.missing:
        _tell_missing(stores)
        click.echo(f"kundval: when they can be reached: kundval partner sync {id}", err=True)
    if stores.missing or not well:
        raise SystemExit(1)


def _row(service: str, one: Any) -> dict[str, Any]:
    who: Partner = one.partner
    return {
        "service": service,
        "partner": who.id,
        "tenants": sorted(who.tenants),
        "names": list(who.names),
        "since": who.since,
        "ended": who.ended,
        "changed_at": who.changed_at,
        "last_position": one.last,
        "ways": {way.value.lower(): asdict(one.ways[way]) if way in one.ways else {} for way in sorted(who.ways)},
        "secrets": {
            kind.value.lower(): [_generation(each.number, each.last_day) for each in generations]
            for kind, generations in who.secrets.items()
        },
    }


def _generation(number: int, last_day: date | None) -> dict[str, Any]:
    return {"generation": number, "good_until": last_day}


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        click.echo("there are no partners")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Partner", "Service", "Way", "Position", "Behind", "Parked", "Trouble", "Gets", "Secrets"):
        table.add_column(heading, justify="right" if heading in ("Position", "Behind", "Parked") else "left")
    for row in sorted(rows, key=lambda one: (one["partner"], SERVICES.index(one["service"]))):
        gets = f"{', '.join(row['names'])} of {', '.join(row['tenants']) or 'all'}"
        if row["ended"]:
            table.add_row(row["partner"], row["service"], f"ended {row['ended']}", "", "", "", "", gets, "")
            continue
        for way, how in row["ways"].items():
            secrets = " ".join(
                f"{one['generation']}" + (f" (until {one['good_until']})" if one["good_until"] else "")
                for one in row["secrets"][way]
            )
            cells = [str(how.get(name, "-")) for name in ("position", "behind", "parked")]
            table.add_row(row["partner"], row["service"], way, *cells, how.get("trouble") or "", gets, secrets)
    Console(width=None if sys.stdout.isatty() else 200).print(table)
