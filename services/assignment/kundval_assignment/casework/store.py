"""SQL of the case worker's lists. No rules here."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx

_HAD_LAST = "until_day IS NULL OR ended_on IS NOT NULL"
_PROVIDER = (
    "coalesce(p.provider, (SELECT o.provider FROM outcome_provider o WHERE o.tenant = a.tenant"
    " AND o.assignment = a.assignment ORDER BY o.start_day DESC LIMIT 1))"
)
_RESTRICTED = (
    "EXISTS (SELECT FROM restricted_subject r WHERE r.tenant = a.tenant AND r.subject = a.assignment AND r.restricted)"
)
_ROWS = (
    f"SELECT a.assignment, a.programme, a.state, {_PROVIDER} AS provider, {_RESTRICTED} AS restricted"
    " FROM assignment a LEFT JOIN place p ON p.tenant = a.tenant AND p.assignment = a.assignment"
    " WHERE a.tenant = %(tenant)s AND (%(one)s::text IS NULL OR a.assignment = %(one)s)"
    " AND (%(after)s::text IS NULL OR a.assignment > %(after)s)"
)
_OF_PROVIDER = (
    " AND a.assignment IN ("
    "(SELECT assignment FROM place WHERE tenant = %(tenant)s AND provider = %(provider)s"
    " AND (%(after)s::text IS NULL OR assignment > %(after)s) ORDER BY assignment LIMIT %(most)s::int)"
    " UNION (SELECT assignment FROM outcome_provider WHERE tenant = %(tenant)s AND provider = %(provider)s"
    f" AND ({_HAD_LAST}) AND (%(after)s::text IS NULL OR assignment > %(after)s)"
    " ORDER BY assignment LIMIT %(most)s::int))"
)


def assignments(
    tx: Tx, tenant: str, *, one: str | None, after: str | None, limit: int, provider: str | None, hidden: bool
) -> list[dict[str, Any]]:
    """The next assignments in order: `{assignment, programme, state, provider, restricted}`.

    With `provider` those that it has, is asked to take, or had last; with `hidden` those of protected persons are left
    out of these: the filter itself would tell where they are.
    """
    sql = _ROWS
    if provider is not None:
        sql += _OF_PROVIDER + (f" AND NOT {_RESTRICTED}" if hidden else "")
    return tx.query(
        f"{sql} ORDER BY a.assignment LIMIT %(limit)s",
        {
            "tenant": tenant,
            "one": one,
            "after": after,
            "limit": limit,
            "provider": provider,
            # where some are left out, nobody knows beforehand how far a page has to look
            "most": None if hidden else limit,
        },
    )
