"""SQL of the case worker's lists. No rules here."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx

from ..store import paged

_HAD_LAST = " AND (until_day IS NULL OR ended_on IS NOT NULL)"
_PROVIDER = (
    "coalesce((SELECT p.provider FROM place p WHERE p.tenant = a.tenant AND p.assignment = a.assignment),"
    " (SELECT o.provider FROM outcome_provider o WHERE o.tenant = a.tenant"
    " AND o.assignment = a.assignment ORDER BY o.start_day DESC LIMIT 1))"
)


def assignments(
    tx: Tx, tenant: str, *, one: str | None, after: str | None, limit: int, provider: str | None, hidden: bool
) -> list[dict[str, Any]]:
    """The next assignments in order: `{assignment, programme, state, provider, restricted}`.

    With `provider` those that it has, is asked to take, or had last; with `hidden` those of protected persons are left
    out of these: the filter itself would tell where they are.
    """
    mine = ""
    if provider is not None:
        which = paged(one, after)
        parts = (_page("place", which, hidden), _page("outcome_provider", _HAD_LAST + which, hidden))
        mine = f" AND a.assignment IN ({' UNION '.join(parts)})"
    return tx.query(
        f"SELECT a.assignment, a.programme, a.state, {_PROVIDER} AS provider, {_restricted('a')} AS restricted"
        f" FROM assignment a WHERE a.tenant = %(tenant)s{paged(one, after, 'a.assignment')}{mine}"
        " ORDER BY a.assignment LIMIT %(limit)s",
        {"tenant": tenant, "one": one, "after": after, "limit": limit, "provider": provider},
    )


def _page(table: str, which: str, hidden: bool) -> str:
    """A page of a provider's rows of `table`. What is left out is left out here, so that no more has to be read."""
    seen = f" AND NOT {_restricted(table)}" if hidden else ""
    return (
        f"(SELECT assignment FROM {table} WHERE tenant = %(tenant)s AND provider = %(provider)s{which}{seen}"
        " ORDER BY assignment LIMIT %(limit)s)"
    )


def _restricted(table: str) -> str:
    return (
        f"EXISTS (SELECT FROM restricted_subject r WHERE r.tenant = {table}.tenant"
        f" AND r.subject = {table}.assignment AND r.restricted)"
    )
