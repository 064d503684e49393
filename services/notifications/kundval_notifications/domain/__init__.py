"""The pure core of notifications: no I/O, no clock, no framework.

`notices(...)` says which messages the facts, obligations and postings cause up to a day, of the kinds that the caseload
format shows; it is computed anew each time, and `Notice.key` tells which have been sent. `outlook(...)` has all kinds,
with repetitions and escalations, and says until when each is of use and when to look again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from kundval_contracts.answer import Notice, Obligation, Posting
from kundval_contracts.case import Case, Tenant
from kundval_contracts.notices import notice_table, table_of

from . import after, agency, asked, booked, due, road, told
from .again import Told, again, newest, terms_of
from .context import Context
from .heard import Heard
from .standing import ended, lapses_on

__all__ = ["Heard", "Told", "notices", "outlook"]

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
#: What the caseload format does not show.
_FURTHER = (
    due.escalations,
    road.coordinator,
    road.obstacles,
    road.broken_plans,
    road.subsidies,
    road.changed_agreements,
    road.absence,
    road.follow_up_missing,
    booked.meetings,
    booked.declined,
    asked.choose_anew,
    asked.reports,
    asked.claims,
    asked.runs,
    agency.registration,
    agency.returned,
    agency.overdue,
)


def notices(
    case: Case, obligations: Iterable[Obligation], postings: Iterable[Posting], tenant: Tenant, as_of: date
) -> tuple[Notice, ...]:
    """Every notice of the format's kinds about one assignment with `on <= as_of`, by day, kind, role and sequence.

    No key is there twice. `case` holds facts in effect (those known after `as_of` are not looked at), `obligations` is
    the answer of scheduling for the same day, `postings` the rows of the ledger. Programmes other than AMI have only
    the notices of decision, choice, switch, their obligations and correction.
    """
    context = _context(case, obligations, postings, tenant, as_of)
    table = table_of(tenant.settings)
    found = {row.key: row for row in _caseload(context) if not terms_of(table, row.kind).routes[row.to].off}
    return tuple(row for row in sorted(found.values(), key=_order) if row.on <= as_of)


def outlook(
    case: Case,
    obligations: Iterable[Obligation],
    postings: Iterable[Posting],
    tenant: Tenant,
    as_of: date,
    heard: Iterable[Heard] = (),
) -> tuple[tuple[Told, ...], date | None]:
    """All notices with `on <= as_of` in the order of `notices`, and the first day after it on which something changes.

    heard: what else was told of the assignment. A change is one notice more, or one that holds no more, if nothing new
    is told: the same facts known, the same obligations (scheduling tells of changed ones), no run. None: never.
    """
    context = _context(case, obligations, postings, tenant, as_of, heard)
    rows = [*_caseload(context), *(row for source in _FURTHER for row in source(context))]
    lasting = newest(_lasting(context, row) for row in rows)
    found = {one.notice.key: one for one in again(lasting, tenant.settings)}
    days = [one.notice.on for one in found.values()]
    days += [one.ended for one in found.values() if one.ended is not None]
    current = sorted((one for one in found.values() if one.notice.on <= as_of), key=lambda one: _order(one.notice))
    return tuple(current), min((day for day in days if day > as_of), default=None)


def _lasting(context: Context, row: Notice) -> Told:
    terms = terms_of(notice_table(), row.kind)
    return Told(row, ended(context, row, terms), lapses_on(context, row, terms))


def _context(
    case: Case,
    obligations: Iterable[Obligation],
    postings: Iterable[Posting],
    tenant: Tenant,
    as_of: date,
    heard: Iterable[Heard] = (),
) -> Context:
    return Context(
        case.known_by(as_of),
        tuple(row for row in obligations if row.assignment == case.assignment),
        tuple(row for row in postings if row.assignment == case.assignment),
        tenant,
        tuple(sorted(heard, key=lambda one: (one.name, one.item, one.revision))),
    )


def _caseload(context: Context) -> Iterator[Notice]:
    """The notices of all days of the kinds that the caseload format shows."""
    for source in (*_COMMON, *_AMI) if context.case.programme.is_ami else _COMMON:
        yield from source(context)


def _order(row: Notice) -> tuple[date, str, str, int]:
    return row.on, row.kind, row.to.value, row.sequence
