"""The `kundval` command. Each subcommand is a module of its own, imported when it is used and only then: `simulate`
needs neither a broker nor a database, and starts without their libraries.

Other distributions add commands with the entry point group ``kundval.commands``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

import click

from .cli_env import trust, use_environment

#: command -> module and attribute; in the order of the help text
COMMANDS = {
    "simulate": "kundval_chassis.cli_simulate:command",
    "play": "kundval_chassis.cli_play:command",
    "demo": "kundval_chassis.cli_demo:command",
    "sample": "kundval_chassis.cli_demo:sample",
    "explain": "kundval_chassis.cli_explain:command",
    "call": "kundval_chassis.cli_call:call",
    "events": "kundval_chassis.cli_call:events",
    "status": "kundval_chassis.cli_status:status",
    "doctor": "kundval_chassis.cli_doctor:doctor",
    "recover": "kundval_chassis.cli_recover:recover",
    "dead-letters": "kundval_chassis.cli_dead_letters:dead_letters",
    "partner": "kundval_chassis.cli_partner:partner",
    "rules": "kundval_chassis.cli_rules:command",
    "profiles": "kundval_chassis.cli_profile:command",
    "run": "kundval_chassis.cli_run:run",
    "gateway": "kundval_chassis.cli_gateway:gateway",
    "migrate": "kundval_chassis.cli_run:migrate",
    "token": "kundval_chassis.cli_call:token",
    "keys": "kundval_chassis.cli_keys:keys",
    "open-day": "kundval_chassis.cli_daily:open_day",
    "erase": "kundval_chassis.cli_daily:erase",
}
GROUP = "kundval.commands"


class Commands(click.Group):
    """Finds commands by name; one whose module is not installed is not there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        own = [name for name, place in COMMANDS.items() if find_spec(place.partition(":")[0]) is not None]
        return own + sorted(point.name for point in entry_points(group=GROUP) if point.name not in own)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            module, _, attribute = COMMANDS[name].partition(":")
            if find_spec(module) is not None:
                command: click.Command = getattr(import_module(module), attribute)
                return command
        for point in entry_points(group=GROUP, name=name):
            loaded: click.Command = point.load()
            return loaded
        return None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="kundval-chassis", prog_name="kundval", message="%(prog)s %(version)s")
@click.option(
    "--env",
    "env_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Read settings (KEY=VALUE lines) from FILE; without it, from var/local/env of the checkout.",
)
def cli(env_file: str | None) -> None:
    """Facts in, consequences out: labour market interventions, their deadlines and payments.

    Settings come from the environment (KUNDVAL_…). If that names no broker and no settings file, they come from
    the local servers of the checkout that the command is run in.
    """
    use_environment(env_file)
    trust()


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    return cli.main(arguments, prog_name="kundval")


if __name__ == "__main__":
    main()
