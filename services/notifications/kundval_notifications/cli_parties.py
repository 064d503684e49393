"""`kundval parties`: where staff, providers and other systems get their messages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from kundval_chassis.cli_call import ask, caller_options, tenant_option
from kundval_chassis.present import as_json, show_rows
from kundval_contracts.codes import Role

_ROLES = click.Choice([role.value for role in Role if role is not Role.CLIENT], case_sensitive=False)
_COLUMNS = ("role", "party", "unit", "email", "phone", "webhook", "language")


def _whose(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.argument("party", metavar="[ID]", required=False)(command)
    return tenant_option(click.argument("whose", metavar="ROLE", type=_ROLES)(command))


@click.group("parties")
def command() -> None:
    """Say where staff, providers and other systems get their messages.

    ROLE is one of PROVIDER, CAREER_GUIDE, CONTROLLER, TEAM_MANAGER. ID is a provider's, or the subject of the tokens of
    a member of staff; without it, it is about whoever holds the role.
    """


@command.command("list")
@tenant_option
@click.option("--of", "whose", type=_ROLES, help="Of this role alone.")
@click.option("--json", "form", flag_value="json", help="Print it as JSON.")
@caller_options
def show(tenant: str, whose: str | None, form: str | None, **caller: Any) -> None:
    """Print what is known."""
    answer = ask("notifications.parties", caller, tenant=tenant, role=whose)
    if form == "json":
        sys.stdout.write(as_json(answer))
        return
    for row in answer["parties"]:
        if row["webhook_closed_at"]:
            row["webhook"] += " (closed)"
    show_rows(answer["parties"], _COLUMNS, (), raw=False)


@command.command("set")
@_whose
@click.option("--unit", metavar="ID", help="The unit that a team manager leads, or a career guide belongs to.")
@click.option("--email", metavar="ADDRESS")
@click.option("--phone", metavar="NUMBER", help="A number that takes SMS, with + and its country.")
@click.option("--webhook", metavar="URL", help="A system that takes notices in.")
@click.option("--new-secret", is_flag=True, help="Another secret for the same webhook.")
@click.option("--language", metavar="CODE", default="sv", show_default=True)
@caller_options
def set_(whose: str, new_secret: bool, **options: Any) -> None:
    """State all that is to be known of one; what is not named is not known any more.

    The secret of a new webhook is printed, once.
    """
    caller = {name: options.pop(name) for name in ("role", "organisation", "as_tenant", "subject", "purpose")}
    answer = ask("notifications.set_party", caller, role=whose.upper(), new_secret=new_secret, **options)
    if answer["secret"] is not None:
        click.echo(answer["secret"])


@command.command()
@_whose
@caller_options
def remove(tenant: str, whose: str, party: str | None, **caller: Any) -> None:
    """Let go of one's addresses and preferences. Exit status 1: there were none."""
    if not ask("notifications.remove_party", caller, tenant=tenant, role=whose.upper(), party=party)["removed"]:
        click.echo("nothing is known of it", err=True)
        sys.exit(1)
