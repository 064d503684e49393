"""Whose inbox a caller reads, what is in it, and what it has to tell by hand: as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from kundval_chassis import clock, held
from kundval_chassis.db import Row, Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import (
    InboxOrder,
    InboxScope,
    NoticeKind,
    NoticeStanding,
    Role,
    Urgency,
)
from kundval_contracts.errors import Forbidden, InvalidRequest, NotFound
from kundval_contracts.notices import table_of
from kundval_contracts.rpc import CallerRole
from kundval_contracts.rpc.base import CASE
from kundval_contracts.rpc.inbox import MOST_COUNTED
from kundval_contracts.workdays import workdays_after

from ..delivery import acts
from . import store
from .store import Whose
from .words import words_of

#: the inboxes that a role may read, its own first
INBOXES: Mapping[CallerRole, tuple[Role, ...]] = {
    CallerRole.PROVIDER: (Role.PROVIDER,),
    CallerRole.CASE_WORKER: (Role.CAREER_GUIDE,),
    CallerRole.CAREER_GUIDE: (Role.CAREER_GUIDE,),
    CallerRole.TEAM_MANAGER: (Role.TEAM_MANAGER, Role.CAREER_GUIDE),
    CallerRole.CONTROLLER: (Role.CONTROLLER,),
    CallerRole.SYSTEM: (Role.CAREER_GUIDE, Role.TEAM_MANAGER, Role.CONTROLLER),
}
#: who holds cases, so that some of them are its own
_HOLDERS = frozenset({CallerRole.CASE_WORKER, CallerRole.CAREER_GUIDE})


def whose_inbox(tx: Tx, tenant: str, role: Role | None, scope: InboxScope, caller: Caller) -> Whose:
    """The notices that are asked for. Raises Forbidden (NOT_YOUR_INBOX)."""
    may = INBOXES[caller.role]
    if role is not None and role not in may:
        raise Forbidden(f"{caller.role.value} does not read that inbox.", code="NOT_YOUR_INBOX")
    return _scoped(tx, tenant, role or may[0], scope, caller)


def _scoped(tx: Tx, tenant: str, role: Role, scope: InboxScope, caller: Caller) -> Whose:
    if caller.provider is not None:
        return Whose(role, provider=caller.provider)
    if scope is InboxScope.ALL:
        return Whose(role)
    if caller.role in _HOLDERS:
        return Whose(role, guide=caller.subject)
    if caller.role is CallerRole.TEAM_MANAGER:
        return Whose(role, unit=store.unit_of(tx, tenant, caller.subject))
    return Whose(role)


# --- notices -------------------------------------------------------------------------------------------


def inbox(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `notifications.inbox`. Raises NotFound, Forbidden, InvalidRequest (for `after`)."""
    tenant = held.tenant_named(tx, request["tenant"])
    whose = whose_inbox(tx, tenant.id, request["role"], request["scope"], caller)
    urgencies = _urgencies(tenant, whose.role)
    rows, following = _page(tx, tenant, whose, request, urgencies)
    told = store.history(tx, [row["notice"] for row in rows], whose.provider)
    return {
        "notices": [
            {
                **head(row),
                "urgency": urgencies[NoticeKind(row["kind"])],
                "round": row["round"],
                "late": row["late"],
                "standing": standing(row),
                "read_at": row["read_at"],
                "read_by": row["read_by"],
                "words": words_of(row),
                "history": [_before(one) for one in told[row["notice"]]],
            }
            for row in rows
        ],
        "next": following,
    }


def _page(
    tx: Tx, tenant: Tenant, whose: Whose, request: Mapping[str, Any], urgencies: Mapping[NoticeKind, Urgency]
) -> tuple[list[Row], str | None]:
    """Rows of a page and what follows it: the newest first, or so within each urgency."""
    limit, unread = request["limit"], request["unread"]
    ranks = list(_ranks(urgencies)) if request["order"] is InboxOrder.MOST_URGENT else [None]
    rank, before = _place(request["after"], len(ranks))
    rows: list[Row] = []
    while rank < len(ranks) and len(rows) < limit:
        rows += store.notices(
            tx, tenant.id, whose, before=before, limit=limit - len(rows), unread=unread, kinds=ranks[rank],
            filters=request,
        )  # fmt: skip
        if len(rows) < limit:
            rank, before = rank + 1, None
    return rows, f"{rank}.{rows[-1]['notice']}" if len(rows) == limit else None


def _place(after: str | None, ranks: int) -> tuple[int, int | None]:
    if after is None:
        return 0, None
    found = re.fullmatch(r"(\d)\.(\d{1,18})", after, re.ASCII)
    if found is None or int(found[1]) >= ranks:
        raise no_place()
    return int(found[1]), int(found[2])


def no_place() -> InvalidRequest:
    """What is raised for an `after` that a list has given to nobody."""
    return InvalidRequest(faults=[{"path": "after", "message": "is not what this list calls its next page"}])


def _urgencies(tenant: Tenant, role: Role) -> dict[NoticeKind, Urgency]:
    """The kinds that the role is told of, with their urgency in this municipality; others are NORMAL."""
    routes = {kind: terms.routes for kind, terms in table_of(tenant.settings).items()}
    return {kind: of[role].urgency if role in of else Urgency.NORMAL for kind, of in routes.items()}


def _ranks(urgencies: Mapping[NoticeKind, Urgency]) -> Iterator[list[str]]:
    for urgency in Urgency:
        yield [kind.value for kind, one in urgencies.items() if one is urgency]


def head(row: Row) -> dict[str, Any]:
    """What every list says of a notice."""
    return {
        "notice": row["notice"],
        "about": row["about"],
        "subject": row["subject"],
        "kind": row["kind"],
        "to": row["recipient"],
        "on": row["on_day"],
        "rules": row["rules"],
    }


def standing(row: Row) -> NoticeStanding:
    """Whether a notice still says what is so."""
    if row["superseded_at"] is not None:
        return NoticeStanding.TAKEN_BACK
    return NoticeStanding.STANDS if row["overtaken_at"] is None else NoticeStanding.OVERTAKEN


def _before(row: Row) -> dict[str, Any]:
    return {
        "notice": row["notice"],
        "kind": row["kind"],
        "to": row["recipient"],
        "on": row["on_day"],
        "told_at": row["told_at"],
        "state": row["state"],
    }


def count(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `notifications.inbox_count`. Raises NotFound, Forbidden."""
    tenant = held.tenant_named(tx, request["tenant"])
    whose = whose_inbox(tx, tenant.id, request["role"], request["scope"], caller)
    at_once = next(_ranks(_urgencies(tenant, whose.role)))
    unread = store.count_unread(tx, tenant.id, whose, MOST_COUNTED + 1)
    urgent = store.count_unread(tx, tenant.id, whose, MOST_COUNTED, at_once)
    tasks: tuple[int | None, int | None] = (None, None)
    if caller.role in CASE:
        to_tell = _scoped(tx, tenant.id, Role.CLIENT, request["scope"], caller)
        today = today_of(tenant)
        tasks = store.count_tasks(tx, tenant.id, to_tell, today, overdue_until(tenant, today))
    return {
        "role": whose.role,
        "unread": min(unread, MOST_COUNTED),
        "at_once": urgent,
        "more": unread > MOST_COUNTED,
        "tasks": tasks[0],
        "tasks_overdue": tasks[1],
    }


def mark_read(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `notifications.mark_read`: all of them or none. Raises NotFound naming those that are not there."""
    wanted = sorted(set(request["notices"]))
    there, new = store.mark_read(tx, request["tenant"], INBOXES[caller.role], caller.provider, wanted, caller.subject)
    missing = [str(number) for number in wanted if number not in there]
    if missing:
        raise NotFound(f"In the caller's inbox there is no notice {', '.join(missing[:20])}.")
    return {"notices": new}


def hold_cases(tx: Tx, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `notifications.hold_cases`: all of them or none. Raises NotFound naming assignments there are not.

    The assignment service tells nobody who holds a case (`owner` is a person), so it is said here.
    """
    tenant = held.tenant_named(tx, request["tenant"]).id
    guides = {row["assignment"]: row["guide"] for row in request["cases"]}
    missing = store.unknown(tx, tenant, guides)
    if missing:
        raise NotFound(f"There is no assignment {', '.join(missing[:20])}.")
    store.hold(tx, tenant, guides)
    return {"cases": len(guides)}


# --- what is to be told by hand ------------------------------------------------------------------------


def tasks(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `notifications.tasks`: overdue ones first. Raises NotFound, InvalidRequest (for `after`)."""
    tenant = held.tenant_named(tx, request["tenant"])
    today, limit = today_of(tenant), request["limit"]
    until = overdue_until(tenant, today)
    rows = store.tasks(
        tx,
        tenant.id,
        _scoped(tx, tenant.id, Role.CLIENT, request["scope"], caller),
        today,
        after=_day_and_number(request["after"]),
        until=until if request["overdue"] else None,
        subject=request["subject"],
        limit=limit,
    )
    due = due_by(tenant)
    return {
        "tasks": [
            {
                **head(row),
                "due": due(row["on_day"]),
                "overdue": row["on_day"] < until,
                "why": row["reason"],
                "words": words_of(row),
            }
            for row in rows
        ],
        "next": f"{rows[-1]['on_day']}.{rows[-1]['notice']}" if len(rows) == limit else None,
    }


def due_by(tenant: Tenant) -> Callable[[date], date]:
    """The day by which what was to be told on a day is told by hand: so many working days later (AMB-39)."""
    workdays = tenant.settings["prompt_notice.workdays"]
    return lambda day: workdays_after(day, workdays, tenant.settings)


def overdue_until(tenant: Tenant, today: date) -> date:
    """The first day of which what was to be told is not overdue yet."""
    due = due_by(tenant)
    day = today
    while due(_before_day(day)) >= today:
        day = _before_day(day)
    return day


def _before_day(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def today_of(tenant: Tenant) -> date:
    """The business date; that of the clock as long as none has been opened."""
    return tenant.business_date or clock.business_date()


def _day_and_number(after: str | None) -> tuple[date, int] | None:
    if after is None:
        return None
    day, _, number = after.partition(".")
    if not re.fullmatch(r"\d{1,18}", number, re.ASCII):
        raise no_place()
    try:
        return date.fromisoformat(day), int(number)
    except ValueError:
        raise no_place() from None


def task_done(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `notifications.task_done`. Raises NotFound, Conflict (ALREADY_TOLD, NOT_BY_HAND)."""
    return acts.told(tx, request["tenant"], request["notice"], request["how"].value, caller.subject)
