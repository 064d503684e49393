"""`kundval call`, `kundval events`, `kundval token`: talk to a running suite from a shell."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from kundval_contracts.client import SERVICES, TIMEOUT, Client
from kundval_contracts.errors import InvalidRequest, KundvalError, UnknownMethod
from kundval_contracts.rpc import METHODS, CallerRole

from .cli_env import need, refuse

#: exit statuses
DONE, FAILED, REFUSED = 0, 1, 2

ROLES = [role.value for role in CallerRole]


def caller_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say as whom a command calls."""
    for option in (
        click.option("--role", type=click.Choice(ROLES, case_sensitive=False), default="SYSTEM", show_default=True),
        click.option("--organisation", metavar="ID", help="A provider's id, or the municipality."),
        click.option("--as-tenant", metavar="ID", help="Limit the token to this tenant (needed for PROVIDER)."),
        click.option("--subject", default="kundval-cli", show_default=True, help="Opaque id of the caller."),
        click.option("--purpose", default="command line", show_default=True, help="Why; goes to the audit log."),
    ):
        command = option(command)
    return command


#: which tenant a command is about
tenant_option = click.option(
    "--tenant", metavar="ID", envvar="KUNDVAL_TENANT", required=True, help="Also: KUNDVAL_TENANT."
)


def asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with --json, a tenant and the options that say as whom it calls."""
    json_option = click.option("--json", "raw", is_flag=True, help="Print it as JSON.")
    return tenant_option(json_option(caller_options(command)))


def minted(
    *, role: str, organisation: str | None, as_tenant: str | None, subject: str, purpose: str, lifetime: float = 300
) -> str:
    """A token as the options say, signed with the deployment's key; status 2 if that cannot be."""
    from .tokens import Tokens

    try:
        return Tokens(need("KUNDVAL_TOKEN_KEY")).mint(
            role.upper(),
            subject=subject,
            organisation=organisation,
            purpose=purpose,
            tenant=as_tenant,
            lifetime=lifetime,
        )
    except ValueError as error:
        refuse(str(error))


def connect(timeout: float = TIMEOUT, **caller: Any) -> Client:
    """A client for the deployment that the settings name; without `caller` it calls as SYSTEM.

    ``KUNDVAL_TOKEN``, if set, is the token to use.
    """
    who: dict[str, Any] = {
        "role": "SYSTEM",
        "organisation": None,
        "as_tenant": None,
        "subject": "kundval-cli",
        "purpose": "command line",
        **caller,
    }
    given = os.environ.get("KUNDVAL_TOKEN")
    if not given:
        need("KUNDVAL_TOKEN_KEY")
    return Client(need("KUNDVAL_AMQP_URI"), given or (lambda: minted(**who)), timeout=timeout, name="kundval-cli")


def fail(error: KundvalError) -> int:
    """Print a typed error as JSON on standard error; the exit status that goes with it."""
    click.echo(json.dumps({"error": error.to_wire()}, ensure_ascii=False, indent=2), err=True)
    return REFUSED if isinstance(error, InvalidRequest | UnknownMethod) else FAILED


def ask(method: str, caller: Mapping[str, Any] | None = None, /, **request: Any) -> dict[str, Any]:
    """The answer of one call, for a command: a typed error is printed and ends it with its exit status."""
    with connect(**(caller or {})) as client:
        try:
            return dict(client.call(method, **request))
        except KundvalError as error:
            raise SystemExit(fail(error)) from None


def ask_rows(method: str, caller: Mapping[str, Any] | None = None, /, **request: Any) -> list[dict[str, Any]]:
    """As `ask`, all rows of a list."""
    with connect(**(caller or {})) as client:
        try:
            return list(client.rows(method, **request))
        except KundvalError as error:
            raise SystemExit(fail(error)) from None


@click.command()
@click.argument("method", metavar="SERVICE.METHOD", required=False)
@click.argument("request", metavar="[JSON]", default="{}")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=TIMEOUT, show_default=True)
@click.option("--key", metavar="KEY", help="Idempotency key of a command; give the same to repeat it safely.")
@click.option("--all", "all_pages", is_flag=True, help="Follow the pages of a list to the end.")
@click.option("--list", "show_methods", is_flag=True, help="List the methods there are.")
@caller_options
def call(
    method: str | None,
    request: str,
    timeout: float,
    key: str | None,
    all_pages: bool,
    show_methods: bool,
    **caller: Any,
) -> None:
    """Call one RPC method and print its answer as JSON.

    JSON is the request, an object; "-" reads it from standard input. A typed error is printed as JSON on standard
    error. Exit status: 0 answered; 1 the service refused or could not; 2 the request or method is wrong.
    """
    if show_methods:
        for one in METHODS.values():
            click.echo(f"{one.name:32} {one.kind:8} {one.purpose}")
        return
    if method is None:
        raise click.UsageError("SERVICE.METHOD is missing (see --list)")
    service, dot, function = method.partition(".")
    if not (service and dot and function):
        raise SystemExit(fail(UnknownMethod(f"{method} is not SERVICE.METHOD.")))
    fields = _request(request)
    known = METHODS.get(method)
    with connect(timeout, **caller) as client:
        try:
            if all_pages and known is not None and known.rows is not None:
                rows = list(client.rows(method, timeout=timeout, **fields))
                answer: Any = {known.rows: rows, "next": None}
            else:
                answer = client.submit(method, fields, timeout=timeout, idempotency_key=key).result()
        except KundvalError as error:
            raise SystemExit(fail(error)) from None
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def _request(text: str) -> dict[str, Any]:
    if text == "-":
        text = sys.stdin.read()
    try:
        fields = json.loads(text)
    except ValueError as error:
        fault = {"path": "", "message": f"is not JSON: {error}"}
        raise SystemExit(fail(InvalidRequest(faults=[fault]))) from None
    if not isinstance(fields, dict):
        raise SystemExit(fail(InvalidRequest(faults=[{"path": "", "message": "must be a JSON object"}])))
    return fields


@click.command()
@click.option("--source", "sources", multiple=True, metavar="SERVICE", help="Only this service's; may be repeated.")
@click.option("--names", default="#", metavar="PATTERN", help="Only these names, such as assignment.* (topic pattern).")
@click.option("--tenant", metavar="ID", help="Only this tenant's.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N events.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End when nothing came for so long.")
def events(sources: tuple[str, ...], names: str, tenant: str | None, count: int | None, timeout: float | None) -> None:
    """Follow the bus: one event a line, as JSON, from now on."""
    with connect() as client:
        seen = 0
        listening = lambda: click.echo("listening", err=True)  # noqa: E731
        try:
            for event in client.events(sources or SERVICES, names=names, timeout=timeout, ready=listening):
                if tenant is not None and event.tenant != tenant:
                    continue
                sys.stdout.write(event.to_json() + "\n")
                sys.stdout.flush()
                seen += 1
                if seen == count:
                    break
        except KeyboardInterrupt:
            pass
        except BrokenPipeError:
            # whoever read has gone; Python would complain once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command()
@click.option("--lifetime", type=click.FloatRange(1, 86400), default=300, show_default=True, help="Seconds.")
@caller_options
def token(lifetime: float, **caller: Any) -> None:
    """Print a signed token, for trying things locally."""
    click.echo(minted(lifetime=lifetime, **caller))
