"""Find a line or an entry with the facts behind it, and make its tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_contracts.answer import Line
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import LineKind
from kundval_contracts.errors import InvalidRequest, NotFound
from kundval_contracts.facts import Fact

from .. import store as ledger
from ..domain import lines
from ..domain.explain import Tree, basis_of, taken_back_by, tree_of_line, tree_of_posting
from ..domain.known import Moment, Revision, learned_since
from . import store


def tree_of(tx: Tx, tenant: Tenant, request: Mapping[str, Any], provider: str | None) -> Tree:
    """The tree of what the request names: a line by kind and sequence, or an entry. `provider`: whose money alone.

    Raises NotFound, also for what is another provider's; InvalidRequest if several providers have such a line.
    """
    assignment = request["assignment"]
    cases = held.load_cases(tx, [(tenant.id, assignment)])
    if not cases:
        raise NotFound(f"There is no assignment {assignment}.")
    revisions = store.revisions_of(tx, tenant.id, [assignment])[assignment]
    facts = {one.fact_id: one.fact for one in revisions if one.fact is not None}
    if request["entry"] is not None:
        return _entry(tx, tenant, cases[0], int(request["entry"]), provider, facts, revisions)
    line = find_line(_lines(cases[0], tenant), request["kind"], request["sequence"], provider)
    if line is None:
        raise NotFound(f"There is no line {request['kind'].value} {request['sequence']} of {assignment}.")
    return tree_of_line(line, facts, basis_of(line, cases[0], tenant.settings))


def find_line(found: Iterable[Line], kind: LineKind, sequence: int, provider: str | None) -> Line | None:
    """The line of that kind and sequence; None if there is none. Raises InvalidRequest if several providers have it."""
    named = [
        line for line in found if (line.kind, line.sequence) == (kind, sequence) and provider in (None, line.provider)
    ]
    if len(named) > 1:
        fault = {"path": "provider", "message": "several providers have this line: name one"}
        raise InvalidRequest(faults=[fault])
    return named[0] if named else None


def _lines(case: Case, tenant: Tenant) -> tuple[Line, ...]:
    day = tenant.business_date
    return lines(case.known_by(day), tenant, day) if day is not None else ()


def _entry(
    tx: Tx,
    tenant: Tenant,
    case: Case,
    entry: int,
    provider: str | None,
    facts: Mapping[str, Fact],
    revisions: Sequence[Revision],
) -> Tree:
    assignment = case.assignment
    numbers = store.numbers_of(tx, tenant.id, assignment)
    postings = list(zip(numbers, ledger.postings_of(tx, tenant.id, [assignment])[assignment], strict=True))
    held_ = dict(postings)
    posting = held_.get(entry)
    if posting is None or provider not in (None, posting.provider):
        raise NotFound(f"There is no entry {entry} of {assignment}.")
    basis = basis_of(posting, case, tenant.settings)
    before = taken_back_by(postings, entry)
    if before is None:
        return tree_of_posting(posting, facts, entry=entry, basis=basis)
    earlier = tree_of_posting(held_[before], facts, entry=before, basis=basis_of(held_[before], case, tenant.settings))
    return tree_of_posting(
        posting,
        facts,
        entry=entry,
        basis=basis,
        before=earlier,
        learned=learned_since(
            revisions,
            store.run_of(tx, tenant.id, held_[before].run, first=True) or Moment(held_[before].run),
            store.run_of(tx, tenant.id, posting.run) or Moment(posting.run),
        ),
    )
