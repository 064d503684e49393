"""The pure core of notifications: no I/O, no clock, no framework.

`notices(...)` says which messages the facts, obligations and postings cause up to a day; it is computed anew
each time, and `Notice.key` tells which have been sent. `outlook(...)` also says when to look again;
`render(...)` puts one into words.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from kundval_contracts.answer import Notice, Obligation, Posting
from kundval_contracts.case import Case, Tenant

from . import after, due, told
from .context import Context
from .kinds import KINDS, Kind, NoticeKind
from .texts import LANGUAGES, Message, render

__all__ = ["KINDS", "LANGUAGES", "Kind", "Message", "NoticeKind", "notices", "outlook", "render"]

_COMMON = (
    told.decision_and_choice,
    told.waiting,
    told.switches,
    due.reminders,
    due.overdue,
    after.corrections,
)
_AMI = (
    told.meetings,
    told.placements,
    told.declined_offers,
    told.hours,
    told.deviations,
    due.booking,
    due.period_ended,
    after.exits,
    after.premium_follow_ups,
    after.break_offs,
    after.workplace_changes,
    after.assistance,
    after.bonus,
)


def notices(
    case: Case, obligations: Iterable[Obligation], postings: Iterable[Posting], tenant: Tenant, as_of: date
) -> tuple[Notice, ...]:
    """Every notice of one assignment with `on <= as_of`, by day, kind, role and sequence; no key twice.

    `case` holds facts in effect (those known after `as_of` are not looked at), `obligations` is the answer of
    scheduling for the same day, `postings` the rows of the ledger. Programmes other than AMI have only the
    notices of decision, choice, switch, their obligations and correction.
    """
    return outlook(case, obligations, postings, tenant, as_of)[0]


def outlook(
    case: Case, obligations: Iterable[Obligation], postings: Iterable[Posting], tenant: Tenant, as_of: date
) -> tuple[tuple[Notice, ...], date | None]:
    """`notices`, and the first day after `as_of` on which there is one more if nothing new is told; None if never.

    Nothing new means: the same facts known, the same obligations (scheduling tells of changed ones), no run.
    """
    found = _everything(case.known_by(as_of), obligations, postings, tenant)
    upcoming = min((row.on for row in found if row.on > as_of), default=None)
    return tuple(row for row in found if row.on <= as_of), upcoming


def _everything(
    case: Case, obligations: Iterable[Obligation], postings: Iterable[Posting], tenant: Tenant
) -> tuple[Notice, ...]:
    """The notices of all days, those to come as well."""
    own = tuple(row for row in obligations if row.assignment == case.assignment)
    rows = tuple(row for row in postings if row.assignment == case.assignment)
    context = Context(case, own, rows, tenant)
    sources = (*_COMMON, *_AMI) if case.programme.is_ami else _COMMON
    found = {row.key: row for source in sources for row in source(context)}
    return tuple(sorted(found.values(), key=lambda row: (row.on, row.kind, row.to.value, row.sequence)))
