"""SQL of the operator's view. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import MessagesBy

# --- the queue -----------------------------------------------------------------------------------------


def waiting(tx: Tx, tenant: str) -> list[Row]:
    """Messages that are pending and in no dispatch, by why they wait."""
    return tx.query(
        "SELECT m.waits AS why, count(*) AS messages, min(coalesce(n.caused_at, n.created_at)) AS oldest"
        " FROM message m JOIN notice n USING (notice)"
        " WHERE m.state = 'PENDING' AND m.dispatch IS NULL AND m.tenant = %s GROUP BY 1 ORDER BY 1",
        (tenant,),
    )


def leaving(tx: Tx, tenant: str) -> list[Row]:
    """What is to leave, by channel."""
    return tx.query(
        "SELECT channel, count(*) AS dispatches,"
        " count(*) FILTER (WHERE next_attempt <= now() AND (leased_until IS NULL OR leased_until <= now())) AS due,"
        " count(*) FILTER (WHERE attempts > 0) AS tried, min(created_at) AS oldest"
        " FROM dispatch WHERE tenant = %s AND state IN ('READY', 'SENDING') GROUP BY 1 ORDER BY 1",
        (tenant,),
    )


def away(tx: Tx) -> list[Row]:
    """Where nobody answers: by channel and code, how many servers of it, since when, and until when they are left."""
    return tx.query(
        "SELECT channel, code, count(*) AS servers, min(since) AS since, max(retry_at) AS until FROM circuit"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )


def by_hand(tx: Tx, tenant: str) -> int:
    return int(tx.value("SELECT count(*) FROM message WHERE tenant = %s AND state = 'BY_HAND'", (tenant,)))


# --- what went wrong -----------------------------------------------------------------------------------


def failures(
    tx: Tx,
    tenant: str,
    *,
    retrying: bool,
    channel: str | None,
    since: datetime | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Row]:
    """Dispatches that failed, or that were tried in vain and will be tried again, the newest first."""
    # written out, as the indexes have them
    states = "d.state IN ('READY', 'SENDING') AND d.attempts > 0" if retrying else "d.state IN ('FAILED', 'BOUNCED')"
    return tx.query(
        "SELECT d.dispatch, d.channel, d.role, d.party, d.state, d.attempts, d.created_at, a.outcome, a.code,"
        " a.began_at, r.status AS receipt, r.code AS receipt_code, r.received_at, n.notices, n.subjects"
        " FROM dispatch d"
        " LEFT JOIN LATERAL (SELECT outcome, code, began_at FROM attempt WHERE attempt.dispatch = d.dispatch"
        "  ORDER BY number DESC LIMIT 1) a ON true"
        " LEFT JOIN LATERAL (SELECT status, code, received_at FROM receipt WHERE receipt.dispatch = d.dispatch"
        "  AND status IN ('BOUNCED', 'COMPLAINED') ORDER BY received_at DESC LIMIT 1) r ON true"
        " CROSS JOIN LATERAL (SELECT coalesce(array_agg(notice ORDER BY notice), '{}') AS notices,"
        "  coalesce(array_agg(DISTINCT subject) FILTER (WHERE about = 'ASSIGNMENT'), '{}') AS subjects"
        "  FROM dispatch_notice JOIN notice USING (notice) WHERE dispatch_notice.dispatch = d.dispatch) n"
        f" WHERE d.tenant = %(tenant)s AND {states}"
        f"{'' if channel is None else ' AND d.channel = %(channel)s'}"
        f"{'' if since is None else ' AND d.created_at >= %(since)s'}"
        f"{'' if before is None else ' AND (d.created_at, d.dispatch) < (%(at)s, %(dispatch)s)'}"
        " ORDER BY d.created_at DESC, d.dispatch DESC LIMIT %(limit)s",
        {
            "tenant": tenant,
            "channel": channel,
            "since": since,
            "at": before[0] if before else None,
            "dispatch": before[1] if before else None,
            "limit": limit,
        },
    )


# --- figures -------------------------------------------------------------------------------------------

_PERIODS = {MessagesBy.DAY: "YYYY-MM-DD", MessagesBy.MONTH: "YYYY-MM"}
_WITHIN = " FROM notice n JOIN message m USING (notice) WHERE n.tenant = %(tenant)s AND n.on_day >= %(start)s AND n.on_day < %(end)s"  # noqa: E501  # fmt: skip


def volumes(tx: Tx, tenant: str, start: date, end: date, by: MessagesBy) -> list[Row]:
    """Messages of notices from `start` on, before `end`, by period, kind, channel and state."""
    return tx.query(
        "SELECT to_char(n.on_day, %(form)s) AS period, n.kind, m.channel, m.state, n.late, count(*) AS messages"
        f"{_WITHIN} GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3 NULLS FIRST, 4, 5",
        _period_values(tenant, start, end, by),
    )


def seconds(tx: Tx, tenant: str, start: date, end: date, by: MessagesBy) -> dict[str, Row]:
    """By period, and for all of them under `ALL`: how many messages were handed over and received, and the seconds from
    the cause to either, as their median, 90th and 99th percentile.

    The first hand-over of each message counts, and its first receipt.
    """
    rows = tx.query(
        "WITH told AS (SELECT to_char(n.on_day, %(form)s) AS period,"
        " extract(epoch FROM min(d.sent_at) - coalesce(n.caused_at, n.created_at)) AS sent,"
        " extract(epoch FROM min(r.received_at) - coalesce(n.caused_at, n.created_at)) AS received"
        " FROM notice n JOIN dispatch_notice USING (notice) JOIN dispatch d USING (dispatch)"
        " LEFT JOIN receipt r ON r.dispatch = d.dispatch AND r.status = 'DELIVERED'"
        " WHERE n.tenant = %(tenant)s AND n.on_day >= %(start)s AND n.on_day < %(end)s AND d.sent_at IS NOT NULL"
        " GROUP BY n.notice)"
        f" SELECT coalesce(period, 'ALL') AS period, {_percentiles('sent')}, {_percentiles('received')}"
        " FROM told GROUP BY ROLLUP (period)",
        _period_values(tenant, start, end, by),
    )
    return {row["period"]: row for row in rows}


def _percentiles(name: str) -> str:
    return (
        f"count({name}) AS {name}_n, percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP"
        f" (ORDER BY greatest({name}, 0)::bigint) FILTER (WHERE {name} IS NOT NULL) AS {name}_seconds"
    )


def _period_values(tenant: str, start: date, end: date, by: MessagesBy) -> Mapping[str, Any]:
    return {"tenant": tenant, "start": start, "end": end, "form": _PERIODS[by]}


# --- the proof -----------------------------------------------------------------------------------------


def notice(tx: Tx, tenant: str, number: int) -> Row | None:
    """A notice with its message; None if there is none."""
    return tx.one(
        "SELECT n.*, m.state, m.channel, coalesce(m.reason, m.waits) AS reason, m.sent_at"
        " FROM notice n JOIN message m USING (notice) WHERE n.tenant = %s AND n.notice = %s",
        (tenant, number),
    )


def dispatches(tx: Tx, number: int) -> list[Row]:
    """What left of a notice, the oldest first."""
    return tx.query(
        "SELECT d.* FROM dispatch_notice JOIN dispatch d USING (dispatch) WHERE notice = %s"
        " ORDER BY d.created_at, d.dispatch",
        (number,),
    )


def attempts(tx: Tx, names: Collection[str]) -> list[Row]:
    return tx.query("SELECT * FROM attempt WHERE dispatch = ANY(%s) ORDER BY dispatch, number", (list(names),))


def receipts(tx: Tx, names: Collection[str]) -> list[Row]:
    return tx.query(
        "SELECT * FROM receipt WHERE dispatch = ANY(%s) ORDER BY dispatch, received_at, status", (list(names),)
    )


def acts(tx: Tx, number: int) -> list[Row]:
    """What people did about the message of a notice, the first act first."""
    return tx.query(
        "SELECT what, how, reason, actor, acted_at FROM message_act WHERE notice = %s ORDER BY act", (number,)
    )
