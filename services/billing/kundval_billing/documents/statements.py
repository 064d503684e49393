"""The statement of a provider out of the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Row, Tx
from kundval_contracts.answer import Line, Said
from kundval_contracts.calendar import add_days
from kundval_contracts.case import Tenant
from kundval_contracts.codes import DocumentKind, LineKind, Programme

from .. import payees
from ..domain.statement import Out, Posted, Statement, statement
from ..today import lines_today
from . import store
from .read import About

#: assignments that are computed at once
CHUNK = 500


def load(tx: Tx, tenant: Tenant, provider: str, request: dict[str, Any]) -> tuple[Statement, About]:
    """The statement of a run, or from a day to a day. What is held is as of the business date."""
    run: date | None = request["run"]
    starts, ends = (run, add_days(run, 1)) if run is not None else (request["from"], request["to"])
    by_run = run is not None
    payee = payees.of(tx, tenant.id, provider, add_days(ends, -1))
    found = statement(
        store.balance(tx, tenant.id, provider, starts, by_run=by_run),
        [_posted(row) for row in store.posted(tx, tenant.id, provider, starts, ends)],
        _lines(tx, tenant, provider),
        [_out(row) for row in store.issued(tx, tenant.id, provider, starts, ends, by_run=by_run)],
    )
    name = None if payee is None else payee.party.name
    return found, About(provider, name, run, starts, add_days(ends, -1), tenant.business_date)


def _lines(tx: Tx, tenant: Tenant, provider: str) -> Iterator[tuple[Programme, Line]]:
    """The provider's lines on the business date. A case that no tariff covers has none; runs tell of it."""
    names = store.cases_of(tx, tenant.id, provider)
    for place in range(0, len(names), CHUNK):
        for case in held.load_cases(tx, [(tenant.id, name) for name in names[place : place + CHUNK]]):
            found = lines_today(case, tenant)
            yield from ((case.programme, line) for line in found if line.provider == provider)


def _posted(row: Row) -> Posted:
    return Posted(
        row["assignment"],
        None if row["programme"] is None else Programme(row["programme"]),
        LineKind(row["kind"]),
        row["sequence"],
        row["starts"],
        row["ends"],
        row["run"],
        row["reverses"],
        row["amount"],
        row["because"],
        None if row["said"] is None else Said.from_json(row["said"]),
        row["number"],
    )


def _out(row: Row) -> Out:
    return Out(row["number"], DocumentKind(row["kind"]), row["issued_on"], row["due_on"], row["gross"], row["entries"])
