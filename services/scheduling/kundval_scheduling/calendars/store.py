"""SQL of calendars: who subscribes to what, which meetings are in it, and answers to invitations. No rules here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import CalendarFeed, MeetingKind, MeetingParty, PartyResponse
from kundval_contracts.rpc.base import PAGE

from ..domain.instants import Span
from ..domain.meeting import Meeting, Party
from ..domain.resources import client_key
from ..meetings import store as meetings

#: entries that a calendar has at most, those nearest to the day on which it is read
MOST_ENTRIES = 1000


def key(tx: Tx) -> str:
    """From what addresses in invitations are made."""
    return str(tx.value("SELECT key FROM calendar_key"))


# --- feeds -------------------------------------------------------------------------------------------


def add_feed(tx: Tx, row: Mapping[str, Any]) -> None:
    tx.execute(
        "INSERT INTO calendar_feed (tenant, feed, kind, owner, provider, assignment, lang, digest, created_by)"
        " VALUES (%(tenant)s, %(feed)s, %(kind)s, %(owner)s, %(provider)s, %(assignment)s, %(lang)s, %(digest)s,"
        " %(created_by)s)",
        row,
    )


def open_feeds(tx: Tx, tenant: str, kind: CalendarFeed, owner: str) -> int:
    """How many calendars of that owner can be subscribed to."""
    return int(
        tx.value(
            "SELECT count(*) FROM calendar_feed WHERE tenant = %s AND kind = %s AND owner = %s AND revoked_at IS NULL",
            (tenant, kind.value, owner),
        )
    )


def feed_of(tx: Tx, digest: bytes) -> Row | None:
    """The feed whose secret has that digest, unless it was revoked."""
    return tx.one("SELECT * FROM calendar_feed WHERE digest = %s AND revoked_at IS NULL", (digest,))


#: Which feeds a caller may see and revoke, see `links.scope`.
_WITHIN = (
    " tenant = %(tenant)s AND (%(all)s"
    " OR kind = 'OWN' AND owner = %(subject)s AND provider IS NOT DISTINCT FROM %(provider)s"
    " OR kind = 'PROVIDER' AND owner = %(provider)s"
    " OR kind = 'CLIENT' AND %(clients)s)"
)


def feeds(
    tx: Tx, scope: Mapping[str, Any], *, assignment: str | None, after: str | None, limit: int = PAGE
) -> list[Row]:
    """A page of the feeds within a scope, the oldest first."""
    return tx.query(
        f"SELECT * FROM calendar_feed WHERE {_WITHIN}"
        " AND (%(assignment)s::text IS NULL OR assignment = %(assignment)s)"
        " AND (%(after)s::text IS NULL OR feed > %(after)s) ORDER BY feed LIMIT %(limit)s",
        {**scope, "assignment": assignment, "after": after, "limit": limit},
    )


def revoke_feed(tx: Tx, scope: Mapping[str, Any], feed: str) -> bool | None:
    """Whether it was open until now; None: there is none within the scope."""
    row = tx.one(
        f"SELECT revoked_at FROM calendar_feed WHERE {_WITHIN} AND feed = %(feed)s FOR UPDATE", {**scope, "feed": feed}
    )
    if row is None:
        return None
    if row["revoked_at"] is not None:
        return False
    tx.execute("UPDATE calendar_feed SET revoked_at = now() WHERE tenant = %s AND feed = %s", (scope["tenant"], feed))
    return True


# --- meetings of a calendar --------------------------------------------------------------------------

_IN_TIME = (
    " FROM meeting WHERE meeting.tenant = %(tenant)s AND starts_at < %(until)s AND ends_at > %(since)s"
    " AND starts_at > %(since)s::timestamptz - interval '1 day'"
)
_ORDER = " ORDER BY abs(extract(epoch FROM starts_at - %(today)s)), meeting.meeting LIMIT %(limit)s"
_AS_PARTY = (
    " AND EXISTS (SELECT FROM party WHERE party.tenant = meeting.tenant AND party.meeting = meeting.meeting"
    " AND party.resource = %(owner)s)"
)


@dataclass(frozen=True, slots=True)
class Window:
    """The time of which a calendar shows meetings, and the beginning of the day on which it is read."""

    span: Span
    today: datetime


def of_resource(tx: Tx, tenant: str, resource: str, window: Window) -> list[Meeting]:
    """The meetings in that time in which somebody takes part."""
    return _found(tx, _AS_PARTY, tenant, resource, window)


def of_client(tx: Tx, tenant: str, client: str, window: Window) -> list[Meeting]:
    """The meetings in that time in which a client takes part: invited, or with a place in a group session."""
    sql = (
        f" AND (true {_AS_PARTY} OR kind = %(group)s AND EXISTS (SELECT FROM meeting_subject AS s"
        " JOIN participant AS p ON p.tenant = s.tenant AND p.assignment = s.assignment AND p.client = %(client)s"
        " WHERE s.tenant = meeting.tenant AND s.meeting = meeting.meeting AND s.waiting IS NULL))"
    )
    return _found(tx, sql, tenant, client_key(client), window, client=client)


def of_provider(tx: Tx, tenant: str, provider: str, window: Window) -> list[Meeting]:
    """The meetings in that time of which a provider is in charge, those about protected persons left out."""
    sql = (
        " AND provider = %(owner)s AND NOT EXISTS (SELECT FROM restricted_subject AS r"
        " WHERE r.tenant = meeting.tenant AND r.subject = meeting.assignment AND r.restricted)"
    )
    return _found(tx, sql, tenant, provider, window)


def _found(tx: Tx, more: str, tenant: str, owner: str, window: Window, **values: Any) -> list[Meeting]:
    rows = tx.query(
        "SELECT meeting.meeting" + _IN_TIME + more + _ORDER,
        {
            "tenant": tenant,
            "owner": owner,
            "since": window.span.start,
            "until": window.span.end,
            "today": window.today,
            "limit": MOST_ENTRIES,
            "group": MeetingKind.GROUP_SESSION.value,
            **values,
        },
    )
    found = meetings.meetings(tx, tenant, [row["meeting"] for row in rows])
    return sorted(found, key=lambda one: (one.span, one.id))


# --- who is who --------------------------------------------------------------------------------------


def assignments_of(tx: Tx, tenant: str, client: str) -> set[str]:
    """The assignments of a client. Without a row of its own an assignment is its own client."""
    rows = tx.query("SELECT assignment FROM participant WHERE tenant = %s AND client = %s", (tenant, client))
    return {row["assignment"] for row in rows} | {client}


def resource_row(tx: Tx, tenant: str, resource: str) -> Row | None:
    """provider and active of a resource, also of one that is not active any more."""
    return tx.one("SELECT provider, active FROM resource WHERE tenant = %s AND resource = %s", (tenant, resource))


def invited(tx: Tx, tenant: str, meeting: Meeting) -> list[Party]:
    """The parties of a meeting, and the clients with a place in a group session."""
    found = list(meeting.parties)
    if meeting.kind is MeetingKind.GROUP_SESSION:
        placed = [one.assignment for one in meeting.subjects if one.waiting is None]
        keys = {one.key for one in meetings.participants(tx, tenant, placed).values()}
        known = {one.resource for one in found}
        found += [Party(MeetingParty.CLIENT, one) for one in sorted(keys - known)]
    return found


# --- answers -----------------------------------------------------------------------------------------


def keep_answer(
    tx: Tx, tenant: str, meeting: str, party: Party, version: int, response: PartyResponse, stamp: datetime
) -> bool:
    """Keep the answer to a version unless a later one to it is kept; whether it is kept now."""
    return bool(
        tx.execute(
            "INSERT INTO calendar_answer (tenant, meeting, role, resource, version, response, stamp)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (tenant, meeting, role, resource, version) DO UPDATE"
            " SET response = excluded.response, stamp = excluded.stamp WHERE calendar_answer.stamp <= excluded.stamp",
            (tenant, meeting, party.role.value, party.resource, version, response.value, stamp),
        )
    )


def set_response(tx: Tx, tenant: str, meeting: str, party: Party, response: PartyResponse, at: datetime) -> None:
    tx.execute(
        "UPDATE party SET response = %s, responded_at = %s"
        " WHERE tenant = %s AND meeting = %s AND role = %s AND resource = %s",
        (response.value, at, tenant, meeting, party.role.value, party.resource),
    )
