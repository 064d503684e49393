"""`kundval af-files`, `kundval af-checks`: take in what the employment service has handed over; look up what is due."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from kundval_chassis.cli_call import FAILED, caller_options, connect, fail, tenant_option
from kundval_chassis.cli_env import refuse
from kundval_contracts.af.forms import load
from kundval_contracts.codes import AfFault, LegalBasis, Purpose
from kundval_contracts.errors import Conflict, Forbidden, KundvalError, NotFound

from .folder import Busy, How, take_in


@click.command("af-files")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@tenant_option
@click.option(
    "--for",
    "used_for",
    type=click.Choice([one.value for one in Purpose]),
    default=Purpose.FINANCIAL_ASSISTANCE.value,
    show_default=True,
    help="For which files of a status are kept; a ground for it must hold.",
)
@click.option("--state/--keep-only", default=False, help="Also state the registration about the intervention.")
@click.option(
    "--basis",
    type=click.Choice([one.value for one in LegalBasis if one is not LegalBasis.CONSENT]),
    help="Open grounds on this basis for orders and decisions about persons without one; with --expires-on.",
)
@click.option("--expires-on", type=click.DateTime(["%Y-%m-%d"]), help="The first day on which they hold no more.")
@click.option(
    "--codes", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="As AF_CODES of the service."
)
@click.option("--days", type=click.IntRange(min=0), default=7, show_default=True, help="Keep processed files so long.")
@caller_options
def command(
    folder: Path,
    tenant: str,
    used_for: str,
    state: bool,
    basis: str | None,
    expires_on: Any,
    codes: Path | None,
    days: int,
    **caller: Any,
) -> None:
    """Take in the files in FOLDER/inbox/status, orders and decisions; see the page about the employment service.

    Exit status: 0 all taken in; 1 some were parked or left, or the suite cannot be reached; 2 wrong options.
    """
    if (basis is None) != (expires_on is None):
        refuse("--basis and --expires-on go together")
    opens = {} if basis is None else {"basis": basis, "expires_on": expires_on.date().isoformat()}
    try:
        forms = load(codes)
    except ValueError as error:
        refuse(f"--codes {error}")
    with connect(**caller) as client:
        try:
            today = client.call("assignment.summary", tenant=tenant)["business_date"]
        except KundvalError as error:
            raise SystemExit(fail(error)) from None
        how = How(
            tenant,
            date.today() if today is None else date.fromisoformat(today),
            forms,
            opens,
            {"purpose": used_for, "state": state},
        )
        try:
            counts = take_in(folder, client, how, keep_days=days, say=lambda file, what: click.echo(f"{file}: {what}"))
        except Busy:
            refuse("somebody else is taking in the files of this folder")
        except OSError as error:
            refuse(f"the folder cannot be used ({type(error).__name__})")
    click.echo(f"processed {counts['processed']}, parked {counts['parked']}, left {counts['left']}")
    if counts["parked"] or counts["left"]:
        raise SystemExit(FAILED)


#: the base service does not answer: neither will it for the next person
_AWAY = frozenset({AfFault.UNREACHABLE, AfFault.RESTING, AfFault.BAD_ANSWER})
#: something is in the way of one look-up and not of the next
_ABOUT_ONE = (Conflict, Forbidden, NotFound)


@click.command("af-checks")
@tenant_option
@caller_options
def checks(tenant: str, **caller: Any) -> None:
    """Look up the registration as jobseeker of everybody of whom it is due and may be looked up; to be run once a day.

    Who is protected, or has no ground, is left to a person. Exit status: 0 done; 1 the employment service, or the
    suite, could not be asked.
    """
    counts = {"looked up": 0, "no ground": 0, "left to a person": 0}
    away: KundvalError | None = None
    with connect(**caller) as client:
        try:
            for row in client.rows("assignment.af_checks", tenant=tenant):
                if not row["grounded"]:
                    counts["no ground"] += 1
                    continue
                try:
                    client.call("assignment.fetch_af_status", tenant=tenant, assignment=row["assignment"], state=True)
                    counts["looked up"] += 1
                except KundvalError as error:
                    if error.code in _AWAY or not (error.code in set(AfFault) or isinstance(error, _ABOUT_ONE)):
                        raise
                    counts["left to a person"] += 1
                    click.echo(f"{row['assignment']}: {error.code}")
        except KundvalError as error:
            away = error
    click.echo(", ".join(f"{what} {count}" for what, count in counts.items()))
    if away is not None:
        raise SystemExit(fail(away))
