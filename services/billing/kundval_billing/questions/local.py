"""The question "what if" over a caseload file: the same answer as the service's, without a service.

Both computations start from the stated facts, so a draft of a reading that decides which facts count is seen in full.
The service asks over facts as they were judged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from kundval_chassis.present import console
from kundval_chassis.simulate import Cores, installed, outcome
from kundval_contracts.caseload import Caseload
from kundval_contracts.draft import Draft, DraftFault, load

from ..domain import lines
from ..domain.whatif import Difference, difference
from . import chart, form, present


def read_draft(file: str) -> Draft:
    """The draft in `file`. A wrong file: every fault on stderr, then exit status 2."""
    try:
        return load(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        faults = [("", error.strerror or "cannot be read")]
    except UnicodeDecodeError:
        faults = [("", "is not UTF-8 text")]
    except DraftFault as error:
        faults = error.faults
    for path, message in faults:
        click.echo(f"{file}: {path}: {message}" if path else f"{file}: {message}", err=True)
    raise SystemExit(2)


def compare(caseload: Caseload, draft: Draft) -> dict[str, Any]:
    """The difference that a draft makes to a caseload on its day, as JSON values."""
    cores = Cores(judge=installed().judge, lines=lines)
    today = replace(caseload.tenant(), business_date=caseload.as_of)
    drafted = replace(today, settings=draft.over(today.settings))
    found = Difference()
    for one in caseload.assignments:
        before = outcome(one, (), today, cores).lines
        concerned = draft.concerns(one.case(caseload.as_of))
        after = outcome(one, (), drafted, cores).lines if concerned else before
        found.add(difference(one.programme, before, after))
    decided_from = draft.decided_from.isoformat() if draft.decided_from else None
    return {"as_of": caseload.as_of.isoformat(), "decided_from": decided_from, **found.as_json()}


def answer(caseload: Caseload, tariff: str, picture: str | None) -> tuple[dict[str, Any], Callable[[], None]]:
    """What `kundval simulate --tariff` answers, and a function that prints it for people.

    The chart, if one is wanted, is written to the file `picture`.
    """
    result = compare(caseload, read_draft(tariff))
    if picture is not None:
        Path(picture).write_text(chart.what_if(result, "month", "en"), encoding="utf-8")
    return result, lambda: present.what_if(form.bounded(result), console())
