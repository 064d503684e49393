"""The derivation of one line or entry for `kundval explain --line`, from the services or from a file."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn

import click

from kundval_contracts.codes import LineKind
from kundval_contracts.errors import KundvalError, Unavailable

from .cli_simulate import ANYTHING_ELSE, read_caseload

#: who derives lines of a file: the service that computes them, if it is installed
GROUP = "kundval.explanation"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A line (`KIND:SEQ`) or an entry of an assignment, in a language and a form: TEXT, TREE or HTML."""

    assignment: str
    line: str | None
    entry: str | None
    provider: str | None
    lang: str
    form: str

    def of_services(self, tenant: str) -> Json:
        """What the running billing service answers; exit status 1 where it cannot."""
        from .cli_call import connect

        which: Json = {"entry": self.entry}
        if self.entry is None:
            kind, sequence = self._line()
            which = {"kind": kind.value, "sequence": sequence, "provider": self.provider}
        fields = {"tenant": tenant, "assignment": self.assignment, "lang": self.lang, "form": self.form, **which}
        try:
            with connect() as client:
                answer: Json = client.call("billing.explanation", **fields)
                return answer
        except Unavailable as error:
            _fail(f"{error.message} Is the suite running? `make up` starts it.")
        except KundvalError as error:
            _fail(str(error))

    def of_file(self, file: str, as_of: date | None) -> Json:
        """What the installed billing service derives from a caseload file; exit status 1 without such a line."""
        from .simulate import installed, outcome

        if self.entry is not None:
            raise click.UsageError("A file has no ledger: name a --line.")
        kind, sequence = self._line()
        caseload = read_caseload(file, as_of)
        assignment = next((one for one in caseload.assignments if one.id == self.assignment), None)
        if assignment is None:
            _fail(f"{file}: there is no assignment {self.assignment}")
        today = replace(caseload.tenant(), business_date=caseload.as_of)
        found = [
            one
            for one in outcome(assignment, [], today, installed()).lines
            if (one.kind, one.sequence) == (kind, sequence) and self.provider in (None, one.provider)
        ]
        if len(found) != 1:
            _fail(f"{file}: " + ("several providers have this line: name one" if found else "there is no such line"))
        points = list(entry_points(group=GROUP))
        if not points:
            _fail("The service that derives lines is not installed.")
        derived: Json = points[0].load()(found[0], assignment.case(caseload.as_of), today, self.lang, self.form)
        return derived

    def _line(self) -> tuple[LineKind, int]:
        kind, _, sequence = (self.line or "").partition(":")
        try:
            return LineKind(kind.upper()), int(sequence or "1")
        except ValueError:
            raise click.UsageError(f"--line is KIND:SEQ, KIND one of {', '.join(LineKind)}.") from None


def show(derived: Json, html: str | None) -> None:
    """Print the text or the tree, or write the page to the file `html`."""
    if html is not None:
        Path(html).write_text(derived["html"], encoding="utf-8")
    elif derived["tree"] is not None:
        click.echo(json.dumps(derived["tree"], ensure_ascii=False, indent=2))
    else:
        click.echo(derived["text"], nl=False)


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(ANYTHING_ELSE)
