"""The operator's view, put together from what the database counts: as data and as CSV."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from kundval_chassis import clock, held
from kundval_chassis.db import Row, Tx
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import restricted, veil
from kundval_contracts.calendar import add_months
from kundval_contracts.codes import MessagesBy, MessageState, Role, SubjectKind
from kundval_contracts.csv_text import Value, as_csv
from kundval_contracts.errors import NotFound
from kundval_contracts.events import MASKED
from kundval_contracts.rpc.base import MONEY
from kundval_contracts.rpc.operate import ACTING

from ..inbox.view import head, no_place, standing, today_of
from . import store

COLUMNS = ("period", "kind", "channel", "state", "messages")
#: the period of the figures of all periods together
ALL = "ALL"
#: months of the figures by month if no period is named
MONTHS = 12
_HAND = frozenset({MessageState.BY_HAND.value, MessageState.TOLD.value})


# --- the queue and what went wrong ---------------------------------------------------------------------


def queue(tx: Tx, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `notifications.queue`. Raises NotFound."""
    tenant = held.tenant_named(tx, request["tenant"])
    return {
        "waiting": store.waiting(tx, tenant.id),
        "leaving": store.leaving(tx, tenant.id),
        "away": store.away(tx),
        "by_hand": store.by_hand(tx, tenant.id),
    }


def failures(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `notifications.failures`. Raises NotFound, InvalidRequest (for `after`)."""
    tenant, limit = held.tenant_named(tx, request["tenant"]), request["limit"]
    since = request["since"]
    rows = store.failures(
        tx,
        tenant.id,
        retrying=request["retrying"],
        channel=request["channel"],
        since=None if since is None else datetime.combine(since, time(), clock.SWEDEN),
        before=_place(request["after"]),
        limit=limit,
    )
    hidden: set[str] = set()
    if caller.role not in MONEY:
        hidden = restricted(tx, tenant.id, [subject for row in rows for subject in row["subjects"]])
    return {
        "failures": [_failure(row, masked=not hidden.isdisjoint(row["subjects"])) for row in rows],
        "next": _name(rows[-1]) if len(rows) == limit else None,
    }


def _failure(row: Row, *, masked: bool) -> dict[str, Any]:
    provider = row["party"] if row["role"] == Role.PROVIDER else None
    return {
        "dispatch": row["dispatch"],
        "channel": row["channel"],
        "to": row["role"],
        "provider": MASKED if masked and provider is not None else provider,
        "state": row["state"],
        "attempts": row["attempts"],
        "outcome": row["outcome"],
        "receipt": row["receipt"],
        "code": row["receipt_code"] or row["code"],
        "at": row["received_at"] or row["began_at"] or row["created_at"],
        "notices": row["notices"],
    }


def _name(row: Row) -> str:
    """What the page after this row is called: it begins below this instant and id."""
    return f"{row['created_at'].astimezone(UTC):%Y%m%dT%H%M%S.%f}/{row['dispatch']}"


def _place(after: str | None) -> tuple[datetime, str] | None:
    if after is None:
        return None
    found = re.fullmatch(r"(\d{8}T\d{6}\.\d{6})/(.+)", after, re.ASCII)
    try:
        if found is None:
            raise ValueError
        return datetime.strptime(found[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC), found[2]
    except ValueError:
        raise no_place() from None


# --- figures -------------------------------------------------------------------------------------------


def figures(tx: Tx, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `notifications.figures`. Raises NotFound."""
    tenant, by = held.tenant_named(tx, request["tenant"]), request["by"]
    start, end = request["from"], request["to"]
    if start is None:
        start, end = period_up_to(today_of(tenant), by)
    rows = store.volumes(tx, tenant.id, start, end, by)
    seconds = store.seconds(tx, tenant.id, start, end, by)
    periods = sorted({row["period"] for row in rows})
    return {
        "from": start,
        "to": end,
        "by": by,
        "total": _period(ALL, rows, seconds.get(ALL)),
        "periods": [
            _period(name, [row for row in rows if row["period"] == name], seconds.get(name)) for name in periods
        ],
        "volumes": list(_volumes(rows)),
    }


def period_up_to(day: date, by: MessagesBy) -> tuple[date, date]:
    """The month of a day, or by month the year that ends with it; the end is the first day after it."""
    first = day.replace(day=1)
    end = add_months(first, 1)
    return (first if by is MessagesBy.DAY else add_months(end, -MONTHS)), end


def _volumes(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """The rows without telling late ones apart."""
    added: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        added[row["period"], row["kind"], row["channel"], row["state"]] += row["messages"]
    for key, number in added.items():
        yield dict(zip(COLUMNS, (*key, number), strict=True))


def _period(name: str, rows: Sequence[Row], seconds: Row | None) -> dict[str, Any]:
    messages = sum(row["messages"] for row in rows)

    def share(number: int) -> str | None:
        return f"{Decimal(number) / messages:.4f}" if messages else None

    return {
        "period": name,
        "messages": messages,
        "late": share(sum(row["messages"] for row in rows if row["late"])),
        "withdrawn": share(sum(row["messages"] for row in rows if row["state"] == MessageState.WITHDRAWN)),
        "by_hand": share(sum(row["messages"] for row in rows if row["state"] in _HAND)),
        "handed_over": _seconds(seconds, "sent"),
        "received": _seconds(seconds, "received"),
    }


def _seconds(row: Row | None, name: str) -> dict[str, Any]:
    found = (row and row[f"{name}_seconds"]) or (None, None, None)
    return {
        "messages": row[f"{name}_n"] if row else 0,
        **dict(zip(("median", "p90", "p99"), found, strict=True)),
    }


def figures_csv(answer: Mapping[str, Any]) -> str:
    """The volumes of an answer of `notifications.figures` as CSV: a row for each period, kind, channel and state."""
    rows: Iterable[Sequence[Value]] = ([row[name] for name in COLUMNS] for row in answer["volumes"])
    return as_csv(COLUMNS, rows)


# --- the proof -----------------------------------------------------------------------------------------


def proof(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `notifications.proof`. Raises NotFound."""
    tenant, number = request["tenant"], request["notice"]
    row = store.notice(tx, tenant, number)
    if row is None:
        raise NotFound(f"There is no notice {number}.")
    dispatches = store.dispatches(tx, number)
    names = [one["dispatch"] for one in dispatches]
    attempts, receipts = store.attempts(tx, names), store.receipts(tx, names)
    provider = row["provider"]
    if provider is not None and row["about"] == SubjectKind.ASSIGNMENT:
        found = veil(tx, tenant, [{"assignment": row["subject"], "provider": provider}], caller, filtered=None)
        provider = found[0]["provider"]
    same = ("round", "late", "caused_at", "created_at", "state", "channel", "reason", "sent_at", "read_at", "read_by")
    return {
        **head(row),
        "provider": provider,
        "standing": standing(row),
        **{name: row[name] for name in same},
        "dispatches": [
            _dispatch(
                one,
                [each for each in attempts if each["dispatch"] == one["dispatch"]],
                [each for each in receipts if each["dispatch"] == one["dispatch"]],
            )
            for one in dispatches
        ],
        "acts": [one if caller.role in ACTING else {**one, "reason": None} for one in store.acts(tx, number)],
    }


_DISPATCH = (
    "dispatch", "channel", "state", "urgency", "digest", "language", "template", "template_version", "reference",
    "created_at", "sent_at",
)  # fmt: skip


def _dispatch(row: Row, attempts: Iterable[Row], receipts: Iterable[Row]) -> dict[str, Any]:
    mark = row["address_mark"]
    return {
        **{name: row[name] for name in _DISPATCH},
        "address_mark": None if mark is None else bytes(mark).hex(),
        "attempts": [
            {name: one[name] for name in ("number", "began_at", "ended_at", "outcome", "code")} for one in attempts
        ],
        "receipts": [{name: one[name] for name in ("status", "code", "received_at")} for one in receipts],
    }
