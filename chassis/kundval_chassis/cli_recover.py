"""`kundval recover`: bring a service whose database was restored to an older moment in step with the others."""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict
from datetime import UTC, datetime
from typing import NoReturn

import click

from kundval_contracts.client import SERVICES

from .cli_env import NOISE, refuse


@click.command()
@click.argument("service", type=click.Choice(SERVICES))
@click.option("--do", "do", is_flag=True, help="Do it. Without this it is only said what would be done.")
@click.option(
    "--lost-at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S"]),
    help="Until when the lost database may have worked (UTC unless an offset is given). Default: now.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(SERVICES),
    help="Go without this service's database, though it may know something; may be repeated.",
)
@click.option("--again", is_flag=True, help="Also if nothing is missing: to take back what could not be before.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def recover(
    service: str, do: bool, lost_at: datetime | None, without: tuple[str, ...], again: bool, as_json: bool
) -> None:
    """Bring SERVICE, whose database was restored to an older moment, in step with the others.

    SERVICE must be stopped; the others may run. Needs the addresses of all four databases, each for its owner
    (KUNDVAL_<SERVICE>_MIGRATION_URI, else …_DATABASE_URI). First say what would be done, then `--do` it, then do by
    hand what is listed. It may be repeated.

    Exit status: 0 done, or nothing is missing; 1 it could not be done; 2 a setting is missing.
    """
    warnings.filterwarnings("ignore", message=NOISE)
    import psycopg

    from . import recovery

    uris = _uris([name for name in SERVICES if name == service or name not in without])
    if lost_at is not None and lost_at.tzinfo is None:
        lost_at = lost_at.replace(tzinfo=UTC)
    try:
        report = recovery.recover(service, uris, lost_at=lost_at, again=again, do=do)
    except recovery.StillRunning:
        _fail(f"{service} runs: stop every instance of it first")
    except recovery.NothingLost:
        click.echo(f"{service}: nothing is missing; its database knows all that the others have seen of it")
        return
    except psycopg.Error as error:
        _fail(f"a database cannot be used ({type(error).__name__}); nothing was done")
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False, indent=2, default=str))
    else:
        _show(report, do)


def _uris(services: list[str]) -> dict[str, str]:
    """The databases of these services, for their owners; status 2 with every setting that is missing."""
    from .settings import SettingsError, load

    uris: dict[str, str] = {}
    faults: list[tuple[str, str]] = []
    for name in services:
        try:
            found = load(name, only=["DATABASE_URI", "MIGRATION_URI", "TLS_AUTHORITY"])
        except SettingsError as error:
            faults += error.faults
        else:
            uris[name] = found["MIGRATION_URI"] or found["DATABASE_URI"]
    for key, message in faults:
        click.echo(f"{key}: {message}", err=True)
    if faults:
        refuse("every service's database is needed; `--without SERVICE` goes on without one")
    return uris


def _show(report: object, do: bool) -> None:
    from .recovery import Report

    assert isinstance(report, Report)
    lost = report.lost
    click.echo(f"{report.service}: restored to {report.restored_to:%Y-%m-%d %H:%M:%S %Z}")
    click.echo(f"  its last event is number {lost.own_sequence}; others have seen number {lost.seen_sequence}")
    for name, count in sorted(lost.others.items()):
        click.echo(f"  {name} has {count} events that it does not know")
    for found in report.findings:
        if not found.by_hand:
            click.echo(f"  {'done' if do else 'would be done'}: {found.what}: {found.count}")
    for found in report.findings:
        if found.by_hand:
            examples = ", ".join(found.examples) + (" …" if found.count > len(found.examples) else "")
            click.echo(f"  by hand: {found.what}: {found.count} ({examples})")
    click.echo("Start the service; it asks the others for what it lacks." if do else "Nothing was changed: add --do.")


def _fail(message: str) -> NoReturn:
    click.echo(f"kundval: {message}", err=True)
    sys.exit(1)
