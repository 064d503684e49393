"""`kundval run` and `kundval migrate`."""

from __future__ import annotations

import sys
import warnings

import click

from .cli_env import NOISE, refuse


@click.command()
@click.argument("services", metavar="SERVICE...", nargs=-1, required=True)
@click.option("--migrate", "migrations", is_flag=True, help="Apply missing migrations first.")
def run(services: tuple[str, ...], migrations: bool) -> None:
    """Run one service, or several in one process, until SIGTERM or SIGINT.

    Exit status: 0 stopped as told; 1 a service died or did not stop in time; 2 it did not start because of its
    settings, migrations or name, each fault on a line of its own.
    """
    warnings.filterwarnings("ignore", message=NOISE)
    # patches the process: nothing that knows of psycopg may have been imported before
    from . import runner

    sys.exit(runner.run(services, migrations=migrations))


@click.command()
@click.argument("services", metavar="[SERVICE...]", nargs=-1)
@click.option("--check", is_flag=True, help="Apply nothing; exit status 1 if something is missing.")
def migrate(services: tuple[str, ...], check: bool) -> None:
    """Apply missing migrations to the databases of services (without names: of all that are installed), through
    KUNDVAL_<SERVICE>_MIGRATION_URI if that is set; then the role of the running service gets its declared rights.
    """
    warnings.filterwarnings("ignore", message=NOISE)
    from importlib.metadata import entry_points

    import psycopg

    from . import grants
    from . import migrate as migrations
    from .settings import SettingsError, load

    installed = sorted(point.name for point in entry_points(group="kundval.services"))
    unknown = [name for name in services if name not in installed]
    if unknown:
        refuse(f"there is no service {', '.join(unknown)} (installed: {', '.join(installed)})")
    uris: dict[str, tuple[str, str | None]] = {}
    faults: list[tuple[str, str]] = []
    for name in services or installed:
        try:
            settings = load(name, only=["DATABASE_URI", "MIGRATION_URI", "TLS_AUTHORITY"])
            uris[name] = settings["DATABASE_URI"], settings["MIGRATION_URI"]
        except SettingsError as error:
            faults += error.faults
    if faults:
        for key, message in faults:
            click.echo(f"{key}: {message}", err=True)
        sys.exit(2)
    missing = False
    for name, (uri, migration_uri) in uris.items():
        given: list[str] = []
        try:
            if check:
                found = migrations.pending(uri, name)
            else:
                found, given = grants.migrate_and_grant(uri, name, migration_uri)
        except migrations.MigrationError as error:
            click.echo(f"{name}: {error}", err=True)
            sys.exit(1)
        except psycopg.Error as error:
            click.echo(f"{name}: the database cannot be used ({type(error).__name__})", err=True)
            sys.exit(1)
        missing = missing or bool(found)
        word = "missing" if check else "applied"
        click.echo(f"{name}: {', '.join(map(str, found))} {word}" if found else f"{name}: up to date")
        if given:
            click.echo(f"{name}: rights of {grants.role_of(uri)} changed in {len(given)} tables")
    sys.exit(1 if check and missing else 0)
