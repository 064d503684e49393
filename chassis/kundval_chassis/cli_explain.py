"""`kundval explain ASSIGNMENT`: one assignment, krona by krona, from the services or from a file."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from typing import Any

import click

from kundval_contracts.answer import NOTICE_FIELDS, OBLIGATION_FIELDS, is_in_caseload
from kundval_contracts.client import Client
from kundval_contracts.errors import KundvalError, Unavailable

from .cli_simulate import ANYTHING_ELSE, Day, read_caseload
from .story import Told, render


@click.command("explain")
@click.argument("assignment")
@click.option("--tenant", metavar="ID", envvar="KUNDVAL_TENANT", help="Which tenant (also: KUNDVAL_TENANT).")
@click.option("--file", "file", type=click.Path(allow_dash=True), help="Explain from a caseload file: no services.")
@click.option("--as-of", type=Day(), help="With --file: what is known up to and including this day.")
@click.option("--json", "as_text", is_flag=True, help="Print everything as JSON.")
@click.option("--line", metavar="KIND:SEQ", help="Derive this line alone, for example RESULT_BONUS:1.")
@click.option("--entry", metavar="N", help="Derive this entry of the ledger alone (not with --file).")
@click.option("--provider", metavar="ID", help="With --line: whose, where several providers have it.")
@click.option("--lang", type=click.Choice(["sv", "en"]), default="sv", show_default=True, help="With --line, --entry.")
@click.option("--html", type=click.Path(dir_okay=False), help="With --line, --entry: write a page to this file.")
def command(
    assignment: str,
    tenant: str | None,
    file: str | None,
    as_of: date | None,
    as_text: bool,
    line: str | None,
    entry: str | None,
    provider: str | None,
    lang: str,
    html: str | None,
) -> None:
    """Tell the story of one ASSIGNMENT: facts and how they were judged, every line with its calculation, the ledger.

    With --line or --entry: the derivation of that line or entry alone, with rules, sources, conditions, the facts
    behind each number and the arithmetic, in Swedish or English.

    Exit status 2: the file is wrong, or nothing says where to look. 1: there is no such assignment or line, or the
    services could not answer.
    """
    if (file is None) == (tenant is None):
        raise click.UsageError("Say either which --tenant of the running suite, or which --file.")
    if line is not None or entry is not None:
        from .cli_derive import Asked, show

        form = "HTML" if html else "TREE" if as_text else "TEXT"
        asked = Asked(assignment, line, entry, provider, lang, form)
        derived = asked.of_file(file, as_of) if file is not None else asked.of_services(str(tenant))
        show(derived, html)
        return
    if html is not None:
        raise click.UsageError("--html needs --line or --entry.")
    told = from_file(assignment, file, as_of) if file is not None else _asked(assignment, str(tenant))
    if as_text:
        click.echo(json.dumps(told.as_json(), ensure_ascii=False, indent=2))
    else:
        click.echo(render(told), nl=False)


def from_file(name: str, file: str, as_of: date | None) -> Told:
    """The story from a caseload file, by the pure cores of the installed services."""
    from kundval_contracts.facts import FREE_TEXT, dump_fields
    from kundval_contracts.timeline import Timeline

    from .simulate import installed, outcome

    caseload = read_caseload(file, as_of)
    assignment = next((one for one in caseload.assignments if one.id == name), None)
    if assignment is None:
        click.echo(f"{file}: there is no assignment {name}", err=True)
        sys.exit(ANYTHING_ELSE)
    today = replace(caseload.tenant(), business_date=caseload.as_of)
    found = outcome(assignment, [replace(today, business_date=run) for run in caseload.runs], today, installed())
    findings: dict[int, list[dict[str, Any]]] = {}
    for row in found.rejections:
        findings.setdefault(row.fact, []).append({"code": row.code, "message": row.message, "rules": list(row.rules)})
    in_effect = assignment.case(caseload.as_of)
    in_effect = in_effect.having(fact for fact in in_effect.facts if fact.place not in findings)
    known = sorted((fact for fact in assignment.facts if fact.known_on <= caseload.as_of), key=lambda fact: fact.order)
    facts = [
        {
            "on": fact.on.isoformat(),
            "fact": fact.kind.value,
            "known_on": fact.known_on.isoformat(),
            "in_effect": fact.place not in findings,
            "findings": findings.get(fact.place, []),
            "fields": {
                key: value for key, value in dump_fields(fact).items() if key not in FREE_TEXT.get(fact.kind, ())
            },
        }
        for fact in known
    ]
    return Told(
        name,
        assignment.programme.value,
        found.state,
        Timeline(in_effect, today.settings).provider_on(caseload.as_of),
        facts,
        [{**line.as_json(), "steps": [step.as_json() for step in line.steps]} for line in found.lines],
        [{**row.as_json(), "rules": list(row.rules), "because": row.because} for row in found.postings],
        [row.as_json() for row in found.obligations],
        [row.as_json() for row in found.notices],
    )


def ask(client: Client, assignment: str, tenant: str) -> Told:
    """The story from the running services, with the notices that a caseload shows. Raises KundvalError."""
    which: dict[str, Any] = {"tenant": tenant, "assignment": assignment}
    state = client.call("assignment.state", **which)
    explained = client.call("billing.explain", **which)
    obligations = client.call("scheduling.obligations", **which)["obligations"]
    notices = client.call("notifications.notices", **which)["notices"]
    return Told(
        assignment,
        state["programme"],
        state["state"],
        state["provider"],
        client.call("assignment.explain", **which)["rows"],
        explained["lines"],
        explained["postings"],
        [{name: row[name] for name in OBLIGATION_FIELDS} for row in obligations],
        [{name: row[name] for name in NOTICE_FIELDS} for row in notices if is_in_caseload(row)],
    )


def _asked(assignment: str, tenant: str) -> Told:
    from .cli_call import connect

    try:
        with connect() as client:
            return ask(client, assignment, tenant)
    except Unavailable as error:
        click.echo(f"{error.message} Is the suite running? `make up` starts it.", err=True)
    except KundvalError as error:
        click.echo(f"{error.code}: {error.message}", err=True)
    sys.exit(ANYTHING_ELSE)
