"""SQL of meetings, resources and claims. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import psycopg

from kundval_chassis.db import Tx
from kundval_contracts.codes import (
    CancelReason,
    MeetingKind,
    MeetingMeasure,
    MeetingMode,
    MeetingOutcome,
    MeetingParty,
    MeetingState,
    PartyResponse,
    ResourceKind,
    Role,
)

from ..domain.instants import Span
from ..domain.meeting import OPEN, Meeting, Party, Subject
from ..domain.resources import Busy, Hours, Participant, Resource, Travel

# --- who and what ------------------------------------------------------------------------------------


def resources(
    tx: Tx,
    tenant: str,
    ids: Collection[str] | None = None,
    *,
    team: str | None = None,
    provider: str | None = None,
    kind: ResourceKind | None = None,
) -> dict[str, Resource]:
    """Active resources by id: those named, or all, of a team, of a provider, of a kind."""
    rows = tx.query(
        "SELECT * FROM resource WHERE tenant = %(tenant)s AND active"
        " AND (%(ids)s::text[] IS NULL OR resource = ANY(%(ids)s))"
        " AND (%(team)s::text IS NULL OR team = %(team)s)"
        " AND (%(provider)s::text IS NULL OR provider = %(provider)s)"
        " AND (%(kind)s::text IS NULL OR kind = %(kind)s) ORDER BY resource",
        {
            "tenant": tenant,
            "ids": None if ids is None else sorted(ids),
            "team": team,
            "provider": provider,
            "kind": kind.value if kind else None,
        },
    )
    return {row["resource"]: _resource(row) for row in rows}


def participants(tx: Tx, tenant: str, assignments: Collection[str]) -> dict[str, Participant]:
    """By assignment. Who has none is its own client, without guide or contact."""
    found = {one: Participant(one, one) for one in assignments}
    for row in tx.query(
        "SELECT * FROM participant WHERE tenant = %s AND assignment = ANY(%s)", (tenant, sorted(assignments))
    ):
        found[row["assignment"]] = Participant(
            row["assignment"],
            row["client"],
            row["guide"],
            row["contact"],
            row["team"],
            row["place"],
            row["swedish_ok"],
            tuple(row["languages"]),
            read_hours(row["hours"]),
        )
    return found


def teams(tx: Tx, tenant: str, assignments: Collection[str]) -> dict[str, str]:
    """The team of each of these assignments that has one."""
    rows = tx.query(
        "SELECT assignment, team FROM participant WHERE tenant = %s AND assignment = ANY(%s) AND team IS NOT NULL",
        (tenant, sorted(assignments)),
    )
    return {row["assignment"]: row["team"] for row in rows}


def travel(tx: Tx, tenant: str, default: int = 0) -> Travel:
    rows = tx.query("SELECT origin, destination, minutes FROM travel WHERE tenant = %s", (tenant,))
    return Travel({(row["origin"], row["destination"]): row["minutes"] for row in rows}, default)


def busy(tx: Tx, tenant: str, resources: Collection[str], span: Span) -> dict[str, list[Busy]]:
    """What each of these is taken by in that time, in order. Every name given is a key."""
    found: dict[str, list[Busy]] = {one: [] for one in resources}
    for row in tx.query(
        "SELECT resource, meeting, place, lower(during) AS starts_at, upper(during) AS ends_at FROM claim"
        " WHERE tenant = %s AND resource = ANY(%s) AND during && tstzrange(%s, %s) ORDER BY lower(during)",
        (tenant, sorted(resources), span.start, span.end),
    ):
        found[row["resource"]].append(Busy(_span(row), row["place"], row["meeting"]))
    return found


def _resource(row: Mapping[str, Any]) -> Resource:
    return Resource(
        row["resource"],
        ResourceKind(row["kind"]),
        read_hours(row["hours"]),
        row["team"],
        row["provider"],
        row["place"],
        row["fte"],
        tuple(row["languages"]),
        row["seats"],
    )


def read_hours(rows: Iterable[Mapping[str, Any]]) -> tuple[Hours, ...]:
    """Hours from the JSON that is kept of them."""
    return tuple(
        Hours(
            row["weekday"],
            time.fromisoformat(row["start"]),
            time.fromisoformat(row["end"]),
            row.get("place"),
            _day(row.get("first")),
            _day(row.get("last")),
        )
        for row in rows
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def dump_hours(hours: Iterable[Hours]) -> list[dict[str, Any]]:
    """The JSON that is kept of hours."""
    return [
        {
            "weekday": one.weekday,
            "start": one.start.isoformat("minutes"),
            "end": one.end.isoformat("minutes"),
            "place": one.place,
            "first": one.first.isoformat() if one.first else None,
            "last": one.last.isoformat() if one.last else None,
        }
        for one in hours
    ]


@dataclass(frozen=True, slots=True)
class Kept:
    """A resource as it is listed: also one that is used no longer."""

    resource: Resource
    active: bool


def listed(
    tx: Tx,
    tenant: str,
    *,
    team: str | None,
    provider: str | None,
    kind: ResourceKind | None,
    after: str | None,
    limit: int,
) -> list[Kept]:
    rows = tx.query(
        "SELECT * FROM resource WHERE tenant = %(tenant)s"
        " AND (%(team)s::text IS NULL OR team = %(team)s)"
        " AND (%(provider)s::text IS NULL OR provider = %(provider)s)"
        " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
        " AND (%(after)s::text IS NULL OR resource > %(after)s) ORDER BY resource LIMIT %(limit)s",
        {
            "tenant": tenant,
            "team": team,
            "provider": provider,
            "kind": kind.value if kind else None,
            "after": after,
            "limit": limit,
        },
    )
    return [Kept(_resource(row), row["active"]) for row in rows]


def owners(tx: Tx, tenant: str, ids: Collection[str]) -> dict[str, str | None]:
    """The provider of each resource that there is, None for the municipality's own."""
    rows = tx.query(
        "SELECT resource, provider FROM resource WHERE tenant = %s AND resource = ANY(%s)", (tenant, sorted(ids))
    )
    return {row["resource"]: row["provider"] for row in rows}


def save_resources(tx: Tx, tenant: str, kept: Iterable[Kept]) -> None:
    tx.insert_rows(
        "resource",
        (
            "tenant", "resource", "kind", "team", "provider", "place", "fte", "languages", "seats", "hours", "active",
        ),
        [
            (
                tenant,
                one.resource.id,
                one.resource.kind.value,
                one.resource.team,
                one.resource.provider,
                one.resource.place,
                one.resource.fte,
                list(one.resource.languages),
                one.resource.seats,
                dump_hours(one.resource.hours),
                one.active,
            )
            for one in kept
        ],
        "ON CONFLICT (tenant, resource) DO UPDATE SET kind = excluded.kind, team = excluded.team,"
        " provider = excluded.provider, place = excluded.place, fte = excluded.fte, languages = excluded.languages,"
        " seats = excluded.seats, hours = excluded.hours, active = excluded.active",
    )  # fmt: skip


def save_travel(tx: Tx, tenant: str, rows: Iterable[tuple[str, str, int]]) -> None:
    tx.insert_rows(
        "travel",
        ("tenant", "origin", "destination", "minutes"),
        [(tenant, *row) for row in rows],
        "ON CONFLICT (tenant, origin, destination) DO UPDATE SET minutes = excluded.minutes",
    )


def save_participants(tx: Tx, tenant: str, rows: Iterable[Participant]) -> None:
    kept = list(rows)
    tx.insert_rows(
        "participant",
        (
            "tenant", "assignment", "client", "guide", "contact", "team", "place", "swedish_ok", "languages", "hours",
        ),
        [
            (
                tenant,
                one.assignment,
                one.client,
                one.guide,
                one.contact,
                one.team,
                one.place,
                one.swedish_ok,
                list(one.languages),
                dump_hours(one.hours),
            )
            for one in kept
        ],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET client = excluded.client, guide = excluded.guide,"
        " contact = excluded.contact, team = excluded.team, place = excluded.place,"
        " swedish_ok = excluded.swedish_ok, languages = excluded.languages, hours = excluded.hours",
    )  # fmt: skip
    # meetings to come belong to whoever holds the case now
    tx.execute(
        "UPDATE meeting SET team = participant.team FROM participant WHERE participant.tenant = meeting.tenant"
        " AND participant.assignment = meeting.assignment AND meeting.tenant = %s AND meeting.assignment = ANY(%s)"
        " AND meeting.state = ANY(%s) AND meeting.team IS DISTINCT FROM participant.team",
        (tenant, sorted(one.assignment for one in kept), _STATES_OPEN),
    )


# --- claims ------------------------------------------------------------------------------------------


class Taken(Exception):
    """Something that was to be claimed is taken for a part of the time. Nothing was claimed."""


def claim(tx: Tx, tenant: str, meeting: str, keys: Collection[str], place: str | None, span: Span) -> None:
    """Take the resources for a meeting. Raises Taken: the database refuses a second claim of the same time."""
    _take(tx, [(tenant, one, meeting, None, place, _range(span)) for one in sorted(keys)])


def take_absence(tx: Tx, tenant: str, absence: str, resource: str, span: Span) -> None:
    """Take a resource for an absence, in the place of what was taken under that name. Raises Taken."""
    drop_absence(tx, tenant, absence)
    _take(tx, [(tenant, resource, None, absence, None, _range(span))])


def _take(tx: Tx, rows: list[tuple[Any, ...]]) -> None:
    try:
        with tx.attempt():
            tx.insert_rows("claim", ("tenant", "resource", "meeting", "absence", "place", "during"), rows)
    except psycopg.errors.ExclusionViolation:
        raise Taken from None


def _range(span: Span) -> str:
    return f"[{span.start.isoformat()},{span.end.isoformat()})"


def rename_client(tx: Tx, tenant: str, assignment: str, before: str, now: str) -> None:
    """Let a client's part in the open meetings of an assignment, and in its group sessions to come, be that of `now`.
    Raises Taken.
    """
    values = {"tenant": tenant, "assignment": assignment, "before": before, "now": now, "open": _STATES_OPEN}
    open_ones = (
        " AND meeting IN (SELECT meeting FROM meeting m WHERE m.tenant = %(tenant)s AND m.state = ANY(%(open)s)"
        " AND (m.assignment = %(assignment)s OR EXISTS (SELECT FROM meeting_subject s WHERE s.tenant = m.tenant"
        " AND s.meeting = m.meeting AND s.assignment = %(assignment)s AND s.waiting IS NULL)))"
    )
    try:
        with tx.attempt():
            for table in ("claim", "party"):
                tx.execute(
                    f"UPDATE {table} SET resource = %(now)s WHERE tenant = %(tenant)s AND resource = %(before)s"
                    + open_ones,
                    values,
                )
    except psycopg.errors.ExclusionViolation:
        raise Taken from None


def release(tx: Tx, tenant: str, meetings: Collection[str], resource: str | None = None) -> None:
    """Give back what these meetings take, or of that one resource."""
    if meetings:
        tx.execute(
            "DELETE FROM claim WHERE tenant = %(tenant)s AND meeting = ANY(%(meetings)s)"
            " AND (%(resource)s::text IS NULL OR resource = %(resource)s)",
            {"tenant": tenant, "meetings": sorted(meetings), "resource": resource},
        )


def absence(tx: Tx, tenant: str, name: str) -> str | None:
    """The resource that is absent under that name."""
    found: str | None = tx.value("SELECT resource FROM claim WHERE tenant = %s AND absence = %s", (tenant, name))
    return found


def drop_absence(tx: Tx, tenant: str, name: str) -> bool:
    return tx.execute("DELETE FROM claim WHERE tenant = %s AND absence = %s", (tenant, name)) > 0


# --- meetings ----------------------------------------------------------------------------------------

_STATES_OPEN = sorted(OPEN)


def lock_cases(tx: Tx, tenant: str, assignments: Collection[str]) -> None:
    """Wait until nobody else changes meetings of these assignments, to the end of the transaction."""
    tx.query(
        "SELECT assignment FROM held_case WHERE tenant = %s AND assignment = ANY(%s) ORDER BY assignment"
        " FOR NO KEY UPDATE",
        (tenant, sorted(assignments)),
    )


def lock_meeting(tx: Tx, tenant: str, meeting: str) -> None:
    tx.query("SELECT meeting FROM meeting WHERE tenant = %s AND meeting = %s FOR NO KEY UPDATE", (tenant, meeting))


def standing(tx: Tx, tenant: str, assignments: Collection[str]) -> dict[str, list[Meeting]]:
    """Of each assignment every meeting that a rule asked for and every other one that is open, without parties and
    subjects, by attempt.
    """
    found: dict[str, list[Meeting]] = {one: [] for one in assignments}
    for row in tx.query(
        "SELECT * FROM meeting WHERE tenant = %s AND assignment = ANY(%s) AND (needed OR state = ANY(%s))"
        " ORDER BY assignment, kind, sequence, attempt, meeting",
        (tenant, sorted(assignments), _STATES_OPEN),
    ):
        found[row["assignment"]].append(_meeting(row, [], []))
    return found


def seats_ahead(tx: Tx, tenant: str, assignments: Collection[str]) -> list[tuple[str, str]]:
    """(meeting, assignment) of the open group sessions and forum meetings that are about these assignments."""
    rows = tx.query(
        "SELECT meeting, s.assignment FROM meeting_subject s JOIN meeting m USING (tenant, meeting)"
        " WHERE tenant = %s AND s.assignment = ANY(%s) AND m.state = ANY(%s) ORDER BY meeting, s.assignment",
        (tenant, sorted(assignments), _STATES_OPEN),
    )
    return [(row["meeting"], row["assignment"]) for row in rows]


_COLUMNS = (
    "tenant", "meeting", "kind", "state", "assignment", "sequence", "attempt", "needed", "target", "book_from",
    "book_by", "hold_by", "booker", "rules", "provider", "team", "starts_at", "ends_at", "mode", "place", "room",
    "language", "series", "seats", "version", "held_on", "outcome", "measures", "cancel_reason", "activity",
    "booked_on", "elsewhere", "revision",
)  # fmt: skip


def save(tx: Tx, tenant: str, meetings: Iterable[Meeting]) -> None:
    """Store meetings as they stand, new or known; of the parties and subjects see the functions below."""
    tx.insert_rows(
        "meeting",
        _COLUMNS,
        [_row(tenant, one) for one in meetings],
        "ON CONFLICT (tenant, meeting) DO UPDATE SET state = excluded.state, target = excluded.target,"
        " book_from = excluded.book_from, book_by = excluded.book_by, hold_by = excluded.hold_by,"
        " booker = excluded.booker, rules = excluded.rules, provider = excluded.provider, team = excluded.team,"
        " starts_at = excluded.starts_at, ends_at = excluded.ends_at, mode = excluded.mode, place = excluded.place,"
        " room = excluded.room, language = excluded.language, seats = excluded.seats, version = excluded.version,"
        " held_on = excluded.held_on, outcome = excluded.outcome, measures = excluded.measures,"
        " cancel_reason = excluded.cancel_reason, activity = excluded.activity, booked_on = excluded.booked_on,"
        " elsewhere = excluded.elsewhere, revision = excluded.revision",
    )


def _row(tenant: str, one: Meeting) -> tuple[Any, ...]:
    return (
        tenant,
        one.id,
        one.kind.value,
        one.state.value,
        one.assignment,
        one.sequence,
        one.attempt,
        one.needed,
        one.target,
        one.book_from,
        one.book_by,
        one.hold_by,
        one.booker.value if one.booker else None,
        list(one.rules),
        one.provider,
        one.team,
        one.span.start if one.span else None,
        one.span.end if one.span else None,
        one.mode.value if one.mode else None,
        one.place,
        one.room,
        one.language,
        one.series,
        one.seats,
        one.version,
        one.held_on,
        one.outcome.value if one.outcome else None,
        [measure.value for measure in one.measures],
        one.cancel_reason.value if one.cancel_reason else None,
        one.activity,
        one.booked_on,
        one.elsewhere,
        one.revision,
    )


def save_parties(tx: Tx, tenant: str, meeting: Meeting) -> None:
    """Store the parties in the place of those that were there, whose answers are to another invitation."""
    tx.execute("DELETE FROM party WHERE tenant = %s AND meeting = %s", (tenant, meeting.id))
    tx.insert_rows(
        "party",
        ("tenant", "meeting", "role", "resource", "mandatory", "response", "attended"),
        [
            (tenant, meeting.id, one.role.value, one.resource, one.mandatory, one.response.value, one.attended)
            for one in meeting.parties
        ],
    )


def save_subjects(tx: Tx, tenant: str, meeting: Meeting) -> None:
    """Store the subjects in the place of those that were there."""
    tx.execute("DELETE FROM meeting_subject WHERE tenant = %s AND meeting = %s", (tenant, meeting.id))
    tx.insert_rows(
        "meeting_subject",
        ("tenant", "meeting", "assignment", "waiting", "attended"),
        [(tenant, meeting.id, one.assignment, one.waiting, one.attended) for one in meeting.subjects],
    )


def save_attendance(tx: Tx, tenant: str, meeting: Meeting) -> None:
    """Who of the parties and subjects was there."""
    tx.executemany(
        "UPDATE party SET attended = %s WHERE tenant = %s AND meeting = %s AND role = %s AND resource = %s",
        [(one.attended, tenant, meeting.id, one.role.value, one.resource) for one in meeting.parties],
    )
    tx.executemany(
        "UPDATE meeting_subject SET attended = %s WHERE tenant = %s AND meeting = %s AND assignment = %s",
        [(one.attended, tenant, meeting.id, one.assignment) for one in meeting.subjects],
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of meetings is narrowed down to; None: not by that. subject: only those with this party (or not)."""

    assignment: str | None = None
    team: str | None = None
    provider: str | None = None
    resource: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    states: Sequence[MeetingState] = ()
    kinds: Sequence[MeetingKind] = ()


def page(tx: Tx, tenant: str, wanted: Filter, after: str | None, limit: int) -> list[str]:
    """Ids of the next meetings of a list, in the order of their ids."""
    rows = tx.query(
        "SELECT meeting FROM meeting m WHERE tenant = %(tenant)s"
        " AND (%(after)s::text IS NULL OR meeting > %(after)s)"
        " AND (%(assignment)s::text IS NULL OR assignment = %(assignment)s OR EXISTS (SELECT FROM meeting_subject s"
        "  WHERE s.tenant = m.tenant AND s.meeting = m.meeting AND s.assignment = %(assignment)s))"
        " AND (%(team)s::text IS NULL OR team = %(team)s)"
        " AND (%(provider)s::text IS NULL OR provider = %(provider)s)"
        " AND (%(resource)s::text IS NULL OR room = %(resource)s OR EXISTS (SELECT FROM party p"
        "  WHERE p.tenant = m.tenant AND p.meeting = m.meeting AND p.resource = %(resource)s))"
        " AND (%(start)s::timestamptz IS NULL OR ends_at > %(start)s)"
        " AND (%(end)s::timestamptz IS NULL OR starts_at < %(end)s)"
        " AND (%(states)s::text[] = '{}' OR state = ANY(%(states)s))"
        " AND (%(kinds)s::text[] = '{}' OR kind = ANY(%(kinds)s))"
        " ORDER BY meeting LIMIT %(limit)s",
        {
            "tenant": tenant,
            "after": after,
            "limit": limit,
            "assignment": wanted.assignment,
            "team": wanted.team,
            "provider": wanted.provider,
            "resource": wanted.resource,
            "start": wanted.start,
            "end": wanted.end,
            "states": [one.value for one in wanted.states],
            "kinds": [one.value for one in wanted.kinds],
        },
    )
    return [row["meeting"] for row in rows]


def meetings(tx: Tx, tenant: str, ids: Sequence[str]) -> list[Meeting]:
    """The meetings of these ids with parties and subjects, in the order of the ids; unknown ones are passed over."""
    rows = {
        row["meeting"]: row
        for row in tx.query("SELECT * FROM meeting WHERE tenant = %s AND meeting = ANY(%s)", (tenant, list(ids)))
    }
    parties: dict[str, list[Party]] = {one: [] for one in rows}
    for row in tx.query(
        "SELECT * FROM party WHERE tenant = %s AND meeting = ANY(%s) ORDER BY role, resource", (tenant, list(rows))
    ):
        parties[row["meeting"]].append(
            Party(
                MeetingParty(row["role"]),
                row["resource"],
                row["mandatory"],
                PartyResponse(row["response"]),
                row["attended"],
            )
        )
    subjects: dict[str, list[Subject]] = {one: [] for one in rows}
    for row in tx.query(
        "SELECT * FROM meeting_subject WHERE tenant = %s AND meeting = ANY(%s)"
        " ORDER BY waiting NULLS FIRST, assignment",
        (tenant, list(rows)),
    ):
        subjects[row["meeting"]].append(Subject(row["assignment"], row["waiting"], row["attended"]))
    return [_meeting(rows[one], parties[one], subjects[one]) for one in ids if one in rows]


def _meeting(row: Mapping[str, Any], parties: list[Party], subjects: list[Subject]) -> Meeting:
    return Meeting(
        id=row["meeting"],
        kind=MeetingKind(row["kind"]),
        state=MeetingState(row["state"]),
        assignment=row["assignment"],
        sequence=row["sequence"],
        attempt=row["attempt"],
        needed=row["needed"],
        target=row["target"],
        book_from=row["book_from"],
        book_by=row["book_by"],
        hold_by=row["hold_by"],
        booker=Role(row["booker"]) if row["booker"] else None,
        rules=tuple(row["rules"]),
        provider=row["provider"],
        team=row["team"],
        span=_span(row) if row["starts_at"] else None,
        mode=MeetingMode(row["mode"]) if row["mode"] else None,
        place=row["place"],
        room=row["room"],
        language=row["language"],
        series=row["series"],
        seats=row["seats"],
        version=row["version"],
        held_on=row["held_on"],
        outcome=MeetingOutcome(row["outcome"]) if row["outcome"] else None,
        measures=tuple(MeetingMeasure(one) for one in row["measures"]),
        cancel_reason=CancelReason(row["cancel_reason"]) if row["cancel_reason"] else None,
        activity=row["activity"],
        booked_on=row["booked_on"],
        elsewhere=row["elsewhere"],
        revision=row["revision"],
        parties=tuple(parties),
        subjects=tuple(subjects),
    )


def _span(row: Mapping[str, Any]) -> Span:
    return Span(row["starts_at"].astimezone(UTC), row["ends_at"].astimezone(UTC))
