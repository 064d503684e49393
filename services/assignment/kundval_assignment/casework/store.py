"""SQL of the case worker's lists. No rules here."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx

_HAD_LAST = "until_day IS NULL OR ended_on IS NOT NULL"
_PROVIDER = (
    "coalesce(p.provider, (SELECT o.provider FROM outcome_provider o WHERE o.tenant = a.tenant"
    " AND o.assignment = a.assignment ORDER BY o.start_day DESC LIMIT 1))"
)


def _restricted(table: str) -> str:
    return (
        f"EXISTS (SELECT FROM restricted_subject r WHERE r.tenant = {table}.tenant"
        f" AND r.subject = {table}.assignment AND r.restricted)"
    )


_ROWS = (
    f"SELECT a.assignment, a.programme, a.state, {_PROVIDER} AS provider, {_restricted('a')} AS restricted"
    " FROM assignment a LEFT JOIN place p ON p.tenant = a.tenant AND p.assignment = a.assignment"
    " WHERE a.tenant = %(tenant)s AND (%(one)s::text IS NULL OR a.assignment = %(one)s)"
    " AND (%(after)s::text IS NULL OR a.assignment > %(after)s)"
)


def _part(table: str, which: str) -> str:
    """A page of a provider's rows of `table`: what is left out is left out here, so that no more has to be read."""
    return (
        f"(SELECT assignment FROM {table} WHERE tenant = %(tenant)s AND provider = %(provider)s{which}"
        " AND (%(one)s::text IS NULL OR assignment = %(one)s) AND (%(after)s::text IS NULL OR assignment > %(after)s)"
        f" AND NOT (%(hidden)s AND {_restricted(table)})"
        " ORDER BY assignment LIMIT %(limit)s::int)"
    )


_OF_PROVIDER = f" AND a.assignment IN ({_part('place', '')} UNION {_part('outcome_provider', f' AND ({_HAD_LAST})')})"


def assignments(
    tx: Tx, tenant: str, *, one: str | None, after: str | None, limit: int, provider: str | None, hidden: bool
) -> list[dict[str, Any]]:
    """The next assignments in order: `{assignment, programme, state, provider, restricted}`.

    With `provider` those that it has, is asked to take, or had last; with `hidden` those of protected persons are left
    out of these: the filter itself would tell where they are.
    """
    return tx.query(
        f"{_ROWS}{'' if provider is None else _OF_PROVIDER} ORDER BY a.assignment LIMIT %(limit)s",
        {"tenant": tenant, "one": one, "after": after, "limit": limit, "provider": provider, "hidden": hidden},
    )
