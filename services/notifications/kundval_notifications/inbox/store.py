"""SQL of inboxes and of what is to be told by hand. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import Role


@dataclass(frozen=True, slots=True)
class Whose:
    """Notices to a role. provider: of that one alone; guide: of the cases that it holds and of those that nobody
    holds; unit: the same of a unit.
    """

    role: Role
    provider: str | None = None
    guide: str | None = None
    unit: str | None = None

    def values(self, tenant: str) -> dict[str, Any]:
        return {
            "tenant": tenant,
            "role": self.role.value,
            "provider": self.provider,
            "guide": self.guide,
            "unit": self.unit,
        }


# Message and unit are asked for row by row, not joined: a page ends after a few rows, and what is unread is found by an
# index of its own; a join would go through all that there is.
_COLUMNS = (
    "n.notice, n.about, n.subject, n.kind, n.recipient, n.on_day, n.sequence, n.provider, n.rules, n.details, n.round,"
    " n.late, n.superseded_at, n.overtaken_at, n.read_at, n.read_by"
)
#: what was withdrawn before it was told is seen by who had read it, and by nobody else
_SHOWN = (
    " AND (n.read_at IS NOT NULL OR (SELECT m.state NOT IN ('WITHDRAWN', 'CANCELLED')"
    " AND (n.superseded_at IS NULL OR m.state <> 'PENDING') FROM message m WHERE m.notice = n.notice))"
)
_OF_UNIT = (
    " AND coalesce((SELECT h.unit FROM holder h WHERE n.about = 'ASSIGNMENT' AND h.tenant = n.tenant"
    " AND h.assignment = n.subject), %(unit)s) = %(unit)s"
)
_FILTERS = {
    "kind": " AND n.kind = %(kind)s",
    "about": " AND n.about = %(about)s",
    "subject": " AND n.subject = %(subject)s",
    "since": " AND n.on_day >= %(since)s",
}


def notices(
    tx: Tx,
    tenant: str,
    whose: Whose,
    *,
    before: int | None,
    limit: int,
    unread: bool = False,
    kinds: Collection[str] | None = None,
    filters: Mapping[str, Any],
) -> list[Row]:
    """Notices of an inbox, the newest first, those with lower numbers than `before`. `kinds`: of these alone."""
    given = {name: filters[name] for name in _FILTERS if filters.get(name) is not None}
    found: list[Row] = []
    for within in _parts(whose):
        found += tx.query(
            f"SELECT {_COLUMNS} FROM notice n{_to(whose)}{within}{_SHOWN}"
            f"{' AND n.read_at IS NULL' if unread else ''}"
            f"{'' if kinds is None else ' AND n.kind = ANY(%(kinds)s)'}"
            f"{'' if before is None else ' AND n.notice < %(before)s'}"
            f"{''.join(_FILTERS[name] for name in given)}"
            " ORDER BY n.notice DESC LIMIT %(limit)s",
            {**whose.values(tenant), **given, "before": before, "limit": limit, "kinds": list(kinds or ())},
        )
    return sorted(found, key=lambda row: -row["notice"])[:limit]


def count_unread(tx: Tx, tenant: str, whose: Whose, most: int, kinds: Collection[str] | None = None) -> int:
    """How many notices of an inbox nobody has read; it is counted up to `most`."""
    found = 0
    for within in _parts(whose):
        found += tx.value(
            f"SELECT count(*) FROM (SELECT 1 FROM notice n{_to(whose)}{within}{_SHOWN} AND n.read_at IS NULL"
            f"{'' if kinds is None else ' AND n.kind = ANY(%(kinds)s)'} LIMIT %(most)s) AS unread",
            {**whose.values(tenant), "most": most, "kinds": list(kinds or ())},
        )
    return min(found, most)


def mark_read(
    tx: Tx, tenant: str, roles: Collection[Role], provider: str | None, numbers: Sequence[int], by: str
) -> tuple[set[int], list[int]]:
    """Mark these as read, as far as they are to these roles, or to that provider; those that there are, and those of
    them that nobody had read.
    """
    there = tx.query(
        "SELECT n.notice, n.read_at FROM notice n WHERE n.tenant = %(tenant)s"
        " AND n.notice = ANY(%(numbers)s) AND n.recipient = ANY(%(roles)s)"
        f" AND (%(provider)s::text IS NULL OR n.provider = %(provider)s){_SHOWN}"
        " ORDER BY n.notice FOR UPDATE OF n",
        {"tenant": tenant, "roles": [one.value for one in roles], "provider": provider, "numbers": list(numbers)},
    )
    new = [row["notice"] for row in there if row["read_at"] is None]
    tx.execute("UPDATE notice SET read_at = now(), read_by = %s WHERE notice = ANY(%s)", (by, new))
    return {row["notice"] for row in there}, new


def history(tx: Tx, numbers: Collection[int], provider: str | None = None) -> dict[int, list[Row]]:
    """For each of these notices what was told of the same matter on earlier days, oldest first: of an obligation, or
    the same notice before. `told_at`: when it was sent, or told by a person; else null. provider: told to that one.
    """
    found: dict[int, list[Row]] = {number: [] for number in numbers}
    for row in tx.query(
        "SELECT n.notice AS of, p.notice, p.kind, p.recipient, p.on_day, m.state,"
        " CASE WHEN m.state IN ('SENT', 'DELIVERED') THEN m.sent_at WHEN m.state = 'TOLD' THEN"
        " (SELECT max(acted_at) FROM message_act a WHERE a.notice = p.notice AND a.what = 'TOLD') END AS told_at"
        " FROM notice n JOIN notice p ON p.tenant = n.tenant AND p.subject = n.subject AND p.about = n.about"
        " AND p.on_day < n.on_day AND CASE WHEN n.details ? 'obligation' THEN p.details @> jsonb_build_object("
        " 'obligation', n.details -> 'obligation', 'number', n.details -> 'number')"
        " ELSE p.kind = n.kind AND p.sequence = n.sequence END"
        " JOIN message m ON m.notice = p.notice"
        " WHERE n.notice = ANY(%(numbers)s)"
        " AND (%(provider)s::text IS NULL OR (p.recipient = 'PROVIDER' AND p.provider = %(provider)s))"
        " ORDER BY n.notice, p.on_day, p.notice",
        {"numbers": list(numbers), "provider": provider},
    ):
        found[row.pop("of")].append(row)
    return found


# --- who holds what ------------------------------------------------------------------------------------


def unit_of(tx: Tx, tenant: str, member: str) -> str | None:
    """The unit that a team manager leads, as the directory says."""
    row = tx.one("SELECT unit FROM party WHERE tenant = %s AND role = 'TEAM_MANAGER' AND party = %s", (tenant, member))
    return None if row is None else row["unit"]


def unknown(tx: Tx, tenant: str, assignments: Collection[str]) -> list[str]:
    """Those of these assignments that there are not."""
    rows = tx.query(
        "SELECT assignment FROM unnest(%s::text[]) AS named (assignment)"
        " WHERE NOT EXISTS (SELECT FROM held_case h WHERE h.tenant = %s AND h.assignment = named.assignment)"
        " ORDER BY assignment",
        (list(assignments), tenant),
    )
    return [row["assignment"] for row in rows]


def hold(tx: Tx, tenant: str, guides: Mapping[str, str | None]) -> None:
    """By assignment the career guide who holds it from now on; None: nobody."""
    tx.insert_rows(
        "holder",
        ("tenant", "assignment", "guide"),
        [(tenant, assignment, guide) for assignment, guide in sorted(guides.items())],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET guide = excluded.guide"
        " WHERE holder.guide IS DISTINCT FROM excluded.guide",
    )


# --- what is to be told by hand ------------------------------------------------------------------------

_TO_TELL = (
    " FROM message m JOIN notice n USING (notice) WHERE m.tenant = %(tenant)s AND m.state = 'BY_HAND'"
    " AND n.superseded_at IS NULL AND n.overtaken_at IS NULL AND (n.lapses_on IS NULL OR n.lapses_on > %(today)s)"
)


def tasks(
    tx: Tx,
    tenant: str,
    whose: Whose,
    today: date,
    *,
    after: tuple[date, int] | None,
    until: date | None,
    subject: str | None,
    limit: int,
) -> list[Row]:
    """What is to be told by hand, the oldest first, from `after` on; `until`: of days before it."""
    day, number = after or (None, None)
    return tx.query(
        f"SELECT {_COLUMNS}, m.reason{_TO_TELL}{_within(whose)}"
        f"{'' if after is None else ' AND (n.on_day, n.notice) > (%(day)s, %(number)s)'}"
        f"{'' if until is None else ' AND n.on_day < %(until)s'}"
        f"{'' if subject is None else ' AND n.subject = %(subject)s'}"
        " ORDER BY n.on_day, n.notice LIMIT %(limit)s",
        {
            **whose.values(tenant),
            "today": today,
            "day": day,
            "number": number,
            "until": until,
            "subject": subject,
            "limit": limit,
        },
    )


def count_tasks(tx: Tx, tenant: str, whose: Whose, today: date, until: date) -> tuple[int, int]:
    """How many are to be told by hand, and how many of them are of days before `until`."""
    row = tx.one(
        f"SELECT count(*) AS n, count(*) FILTER (WHERE n.on_day < %(until)s) AS overdue{_TO_TELL}{_within(whose)}",
        {**whose.values(tenant), "today": today, "until": until},
    )
    assert row is not None
    return row["n"], row["overdue"]


# --- parts ---------------------------------------------------------------------------------------------


def _to(whose: Whose) -> str:
    of = " AND n.provider = %(provider)s" if whose.provider is not None else ""
    # a client has no inbox: said here, so that the index of what is unread can be used
    return f" WHERE n.tenant = %(tenant)s AND n.recipient = %(role)s AND n.recipient <> 'CLIENT'{of}"


def _parts(whose: Whose) -> tuple[str, ...]:
    """Conditions that together say whose cases: each is one stretch of an index, in order."""
    if whose.guide is not None:
        return (" AND n.guide = %(guide)s", " AND n.guide IS NULL")
    return (_within(whose),)


def _within(whose: Whose) -> str:
    if whose.guide is not None:
        return " AND (n.guide IS NULL OR n.guide = %(guide)s)"
    return "" if whose.unit is None else _OF_UNIT
