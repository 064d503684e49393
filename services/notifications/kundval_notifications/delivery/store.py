"""SQL of delivery. No rules here.

The times of leases, waits and circuits are the database's own clock, which all instances share.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kundval_chassis.db import Row, Tx

#: seconds for which a dispatch is left to who hands it over
LEASE_SECONDS = 120

#: that whoever has leased a dispatch `d` lives, as `life.Life` shows it
ALIVE = "EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.pid || '/' || a.backend_start = d.leased_by)"
#: that nobody has taken a dispatch `d` up, or who has done so is dead or has had it for too long
FREE = f"(d.leased_until IS NULL OR d.leased_until < now() OR NOT {ALIVE})"

_GONE = """CASE WHEN m.insisted THEN NULL WHEN n.superseded_at IS NOT NULL THEN 'SUPERSEDED'
                WHEN n.overtaken_at IS NOT NULL THEN 'OVERTAKEN' WHEN n.lapses_on <= t.business_date THEN 'LAPSED' END
           AS gone, EXISTS (SELECT 1 FROM restricted_subject r WHERE r.tenant = n.tenant AND r.subject = n.subject
                            AND r.restricted) AS guarded"""


# --- routing -----------------------------------------------------------------------------------------


def to_route(tx: Tx, limit: int) -> list[Row]:
    """Messages that are to be routed now, with their notices; those that somebody is changing are left out. Locked."""
    return tx.query(
        f"SELECT n.*, m.tried, m.pending_since, n.read_at IS NOT NULL AS read, {_GONE}"
        " FROM message m JOIN notice n USING (notice) LEFT JOIN tenant t ON t.tenant = n.tenant"
        " WHERE m.state = 'PENDING' AND m.dispatch IS NULL AND m.next_attempt <= now()"
        " ORDER BY m.next_attempt, m.notice LIMIT %s FOR UPDATE OF m SKIP LOCKED",
        (limit,),
    )


def still_to_route(tx: Tx, notices: Sequence[int]) -> dict[int, Row]:
    """What may have changed meanwhile of those of these messages that are still to be routed; locked."""
    rows = tx.query(
        f"SELECT m.notice, n.read_at IS NOT NULL AS read, {_GONE} FROM message m JOIN notice n USING (notice)"
        " LEFT JOIN tenant t ON t.tenant = n.tenant WHERE m.notice = ANY(%s) AND m.state = 'PENDING'"
        " AND m.dispatch IS NULL ORDER BY m.notice FOR UPDATE OF m",
        (list(notices),),
    )
    return {row["notice"]: row for row in rows}


def sent_since(tx: Tx, tenant: str, role: str, parties: Sequence[str], since: datetime) -> dict[str, int]:
    """How many dispatches went to these recipients by open channels, urgent ones aside. One that others can still join
    is not counted."""
    rows = tx.query(
        "SELECT party, count(*) AS n FROM dispatch WHERE tenant = %s AND role = %s AND party = ANY(%s)"
        " AND created_at >= %s AND channel IN ('EMAIL', 'SMS') AND urgency <> 'AT_ONCE'"
        " AND state NOT IN ('FAILED', 'WITHDRAWN') AND NOT (state = 'READY' AND attempts = 0) GROUP BY party",
        (tenant, role, list(parties), since),
    )
    return {row["party"]: row["n"] for row in rows}


@dataclass(slots=True)
class Bundle:
    """Notices that leave as one."""

    tenant: str
    channel: str
    lane: str
    role: str
    party: str
    urgency: str
    digest: bool
    notices: list[int]


def joinable(tx: Tx, channel: str, tenant: str, role: str, parties: Sequence[str]) -> dict[str, str]:
    """Dispatches that nobody has begun to hand over, by recipient; locked."""
    rows = tx.query(
        "SELECT dispatch, party FROM dispatch d WHERE tenant = %s AND role = %s AND party = ANY(%s) AND channel = %s"
        f" AND state = 'READY' AND attempts = 0 AND {FREE} FOR UPDATE SKIP LOCKED",
        (tenant, role, list(parties), channel),
    )
    return {row["party"]: row["dispatch"] for row in rows}


def add_dispatches(tx: Tx, bundles: Sequence[Bundle]) -> None:
    ids = [secrets.token_hex(16) for _ in bundles]
    tx.insert_rows(
        "dispatch",
        ("dispatch", "tenant", "channel", "lane", "role", "party", "urgency", "digest"),
        [
            (id, one.tenant, one.channel, one.lane, one.role, one.party, one.urgency, one.digest)
            for id, one in zip(ids, bundles, strict=True)
        ],
    )
    _enclose(tx, {notice: id for id, one in zip(ids, bundles, strict=True) for notice in one.notices})


def join(tx: Tx, dispatch: str, bundle: Bundle) -> None:
    """Add notices to a dispatch that nobody has begun to hand over."""
    tx.execute(
        "UPDATE dispatch SET digest = digest AND %s, urgency = CASE WHEN %s = 'AT_ONCE' THEN %s ELSE urgency END,"
        " next_attempt = least(next_attempt, now()) WHERE dispatch = %s",
        (bundle.digest, bundle.urgency, bundle.urgency, dispatch),
    )
    _enclose(tx, dict.fromkeys(bundle.notices, dispatch))


def _enclose(tx: Tx, places: Mapping[int, str]) -> None:
    pairs = (list(places), list(places.values()))
    tx.execute(
        "INSERT INTO dispatch_notice (notice, dispatch) SELECT * FROM unnest(%s::bigint[], %s::text[])"
        " ON CONFLICT DO NOTHING",
        pairs,
    )
    tx.execute(
        "UPDATE message SET dispatch = p.dispatch, waits = NULL"
        " FROM unnest(%s::bigint[], %s::text[]) AS p (notice, dispatch) WHERE message.notice = p.notice",
        pairs,
    )


def postpone(tx: Tx, waits: Iterable[tuple[int, datetime, str]]) -> None:
    """(notice, until, why) of messages that are asked about again later."""
    rows = list(waits)
    if rows:
        tx.execute(
            "UPDATE message SET next_attempt = w.until, waits = w.why"
            " FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS w (notice, until, why)"
            " WHERE message.notice = w.notice",
            tuple(list(column) for column in zip(*rows, strict=True)),
        )


def settle(tx: Tx, state: str, reasons: Mapping[int, str | None], channel: str | None = None) -> None:
    """Messages come to an end without anything going out: SENT by the inbox, BY_HAND or WITHDRAWN; with a reason."""
    if reasons:
        tx.execute(
            "UPDATE message SET state = %s, reason = r.reason, waits = NULL, channel = %s, dispatch = NULL,"
            " sent_at = CASE WHEN %s = 'SENT' THEN now() END"
            " FROM unnest(%s::bigint[], %s::text[]) AS r (notice, reason) WHERE message.notice = r.notice",
            (state, channel, state, list(reasons), list(reasons.values())),
        )


# --- handing over ------------------------------------------------------------------------------------


def lease(tx: Tx, channel: str, token: str, limit: int) -> list[Row]:
    """Dispatches of a channel whose time has come, urgent ones first; for two minutes nobody else gets them as long as
    who has this token lives. It takes up anew what it has taken up itself: nobody else can be at it.

    `unknown`: who had it before ended without saying what came of the last attempt. `doubted`: nobody answered on its
    lane last time.
    """
    rows = tx.query(
        "WITH due AS (SELECT d.dispatch, d.state FROM dispatch d WHERE d.channel = %(channel)s"
        " AND d.state IN ('READY', 'SENDING') AND d.next_attempt <= now()"
        f" AND ({FREE} OR d.leased_by = %(token)s)"
        " AND NOT EXISTS (SELECT 1 FROM circuit c WHERE c.lane = d.lane AND c.retry_at > now())"
        " ORDER BY d.urgency <> 'AT_ONCE', d.next_attempt, d.dispatch LIMIT %(limit)s FOR UPDATE OF d SKIP LOCKED)"
        " UPDATE dispatch d SET leased_by = %(token)s, leased_until = now() + make_interval(secs => %(lease)s),"
        " state = 'READY', failures = failures + (due.state = 'SENDING')::int FROM due WHERE d.dispatch = due.dispatch"
        " RETURNING d.*, due.state = 'SENDING' AS unknown,"
        " EXISTS (SELECT 1 FROM circuit c WHERE c.lane = d.lane) AS doubted",
        {"channel": channel, "token": token, "limit": limit, "lease": LEASE_SECONDS},
    )
    lost = [row["dispatch"] for row in rows if row["unknown"]]
    if lost:
        tx.execute(
            "UPDATE attempt SET outcome = 'UNKNOWN', ended_at = now() WHERE dispatch = ANY(%s) AND outcome = 'BEGUN'",
            (lost,),
        )
    return sorted(rows, key=lambda row: (row["urgency"] != "AT_ONCE", row["next_attempt"], row["dispatch"]))


def release(tx: Tx, dispatches: Sequence[str], token: str) -> None:
    """Give up leases."""
    tx.execute(
        "UPDATE dispatch SET leased_until = NULL, leased_by = NULL WHERE dispatch = ANY(%s) AND leased_by = %s",
        (list(dispatches), token),
    )


def release_until(tx: Tx, dispatch: str, token: str, until: datetime, why: str) -> None:
    """Give up a lease; nobody takes the dispatch up before an instant."""
    held = tx.execute(
        "UPDATE dispatch SET leased_until = NULL, leased_by = NULL, next_attempt = %s WHERE dispatch = %s"
        " AND leased_by = %s",
        (until, dispatch, token),
    )
    if held:
        tx.execute("UPDATE message SET waits = %s WHERE dispatch = %s AND state = 'PENDING'", (why, dispatch))


def in_seconds(tx: Tx, seconds: float) -> datetime:
    """An instant by the database's clock."""
    found: datetime = tx.value("SELECT now() + make_interval(secs => %s)", (seconds,))
    return found


def contents(tx: Tx, dispatches: Sequence[str]) -> dict[str, list[Row]]:
    """The notices of dispatches, as they stand."""
    found: dict[str, list[Row]] = {dispatch: [] for dispatch in dispatches}
    for row in tx.query(
        "SELECT m.dispatch, n.* FROM message m JOIN notice n USING (notice) WHERE m.notice IN"
        " (SELECT notice FROM dispatch_notice WHERE dispatch = ANY(%s)) AND m.dispatch = ANY(%s)"
        " AND m.state = 'PENDING' ORDER BY n.notice",
        (list(dispatches), list(dispatches)),
    ):
        found[row["dispatch"]].append(row)
    return found


def lock_contents(tx: Tx, dispatch: str, token: str) -> list[Row]:
    """The notices that a leased dispatch is to carry, with what speaks against it: `gone`, `guarded`. Locked, so that
    none is cancelled while it is decided. None of them if the lease is lost."""
    return tx.query(
        f"SELECT n.*, {_GONE} FROM dispatch d JOIN dispatch_notice dn USING (dispatch) JOIN message m USING (notice)"
        " JOIN notice n USING (notice) LEFT JOIN tenant t ON t.tenant = n.tenant WHERE d.dispatch = %s"
        " AND d.leased_by = %s AND d.state = 'READY' AND m.dispatch = d.dispatch AND m.state = 'PENDING'"
        " ORDER BY m.notice FOR UPDATE OF d, m",
        (dispatch, token),
    )


def leave(tx: Tx, dispatch: str, notices: Sequence[int]) -> None:
    """These notices are not part of the dispatch any more. One that an earlier attempt carried stays in the proof."""
    tx.execute(
        "DELETE FROM dispatch_notice WHERE dispatch = %s AND notice = ANY(%s)"
        " AND NOT EXISTS (SELECT FROM attempt a WHERE a.dispatch = dispatch_notice.dispatch)",
        (dispatch, list(notices)),
    )


def reroute(tx: Tx, notices: Sequence[int]) -> None:
    """These messages are to be routed anew."""
    tx.execute("UPDATE message SET dispatch = NULL, waits = NULL, next_attempt = now() WHERE notice = ANY(%s)",
               (list(notices),))  # fmt: skip


def drop(tx: Tx, dispatch: str, token: str) -> None:
    """There is nothing left that a leased dispatch would carry."""
    tx.execute(
        "UPDATE dispatch SET state = 'WITHDRAWN', settled_at = now(), leased_until = NULL, leased_by = NULL"
        " WHERE dispatch = %s AND leased_by = %s AND state = 'READY'",
        (dispatch, token),
    )


def begin(tx: Tx, dispatch: str, token: str, words: tuple[str, str, str], mark: bytes | None) -> int | None:
    """Enter an attempt, with (language, template, version); its number, or None if the lease is lost."""
    row = tx.one(
        "WITH mine AS (UPDATE dispatch SET state = 'SENDING', attempts = attempts + 1,"
        " leased_until = now() + make_interval(secs => %s), language = %s, template = %s, template_version = %s,"
        " address_mark = %s WHERE dispatch = %s AND leased_by = %s AND state = 'READY' RETURNING dispatch, attempts),"
        " counted AS (UPDATE message SET attempts = message.attempts + 1 FROM mine"
        " WHERE message.dispatch = mine.dispatch AND message.state = 'PENDING')"
        " INSERT INTO attempt (dispatch, number) SELECT dispatch, attempts FROM mine RETURNING number",
        (LEASE_SECONDS, *words, mark, dispatch, token),
    )
    return row["number"] if row else None


def end_attempt(tx: Tx, dispatch: str, number: int, outcome: str, code: str | None) -> bool:
    """What came of an attempt. False if the dispatch has been taken up by somebody else since."""
    return bool(
        tx.value(
            "WITH done AS (UPDATE attempt SET outcome = %s, code = %s, ended_at = now() WHERE dispatch = %s"
            " AND number = %s) SELECT 1 FROM dispatch WHERE dispatch = %s AND attempts = %s AND state = 'SENDING'"
            " FOR UPDATE",
            (outcome, code, dispatch, number, dispatch, number),
        )
    )


def accepted(tx: Tx, dispatch: str, reference: str | None) -> list[Row]:
    """It has been handed over; the notices that it carried."""
    return tx.query(
        "WITH done AS (UPDATE dispatch SET state = 'SENT', reference = coalesce(%s, reference), sent_at = now(),"
        " settled_at = now(), code = NULL, leased_until = NULL, leased_by = NULL WHERE dispatch = %s"
        " RETURNING dispatch, channel)"
        " UPDATE message m SET state = 'SENT', channel = done.channel, sent_at = now(), waits = NULL, reason = NULL"
        " FROM done, notice n WHERE m.dispatch = done.dispatch AND m.state = 'PENDING' AND n.notice = m.notice"
        " RETURNING n.notice, n.tenant, n.subject, n.about, n.kind, n.recipient, n.on_day,"
        " extract(epoch FROM now() - coalesce(n.caused_at, n.created_at))::float AS seconds",
        (reference, dispatch),
    )


def refer(tx: Tx, dispatch: str, reference: str) -> None:
    """Note by which name the other side knows it, if that is not known yet."""
    tx.execute("UPDATE dispatch SET reference = coalesce(reference, %s) WHERE dispatch = %s", (reference, dispatch))


def proved(tx: Tx, dispatch: str) -> None:
    """A receipt says that an attempt of which nobody had said so was accepted."""
    tx.execute(
        "UPDATE attempt SET outcome = 'ACCEPTED', ended_at = coalesce(ended_at, now()) WHERE (dispatch, number) ="
        " (SELECT dispatch, max(number) FROM attempt WHERE dispatch = %s GROUP BY dispatch)",
        (dispatch,),
    )


def try_again(tx: Tx, dispatch: str, seconds: float, code: str, why: str, *, counts: bool) -> None:
    """It was not taken: once more after so many seconds. `counts`: towards the limit of attempts."""
    tx.execute(
        "WITH back AS (UPDATE dispatch SET state = 'READY', failures = failures + %s, code = %s, leased_until = NULL,"
        " leased_by = NULL, next_attempt = now() + make_interval(secs => %s) WHERE dispatch = %s RETURNING dispatch)"
        " UPDATE message SET waits = %s FROM back WHERE message.dispatch = back.dispatch AND state = 'PENDING'",
        (int(counts), code, seconds, dispatch, why),
    )


def fail(tx: Tx, dispatches: Sequence[str], state: str, code: str) -> int:
    """The channel has failed for these dispatches (FAILED, BOUNCED): their messages are routed anew, by another one.

    Of what bounced only messages that have not been sent otherwise since. How many messages.
    """
    return tx.execute(
        "WITH done AS (UPDATE dispatch SET state = %s, code = %s, settled_at = now(), leased_until = NULL,"
        " leased_by = NULL WHERE dispatch = ANY(%s) RETURNING dispatch, channel)"
        " UPDATE message m SET state = 'PENDING', tried = array_append(m.tried, done.channel), dispatch = NULL,"
        " waits = NULL, channel = NULL, sent_at = NULL, next_attempt = now() FROM done"
        " WHERE m.dispatch = done.dispatch AND m.state IN ('PENDING', 'SENT', 'DELIVERED')",
        (state, code, list(dispatches)),
    )


# --- lanes on which nobody answers -------------------------------------------------------------------


def open_circuit(tx: Tx, lane: str, channel: str, code: str, seconds: float) -> None:
    """Nobody is to try this lane for so many seconds."""
    tx.execute(
        "INSERT INTO circuit AS c (lane, channel, code, failures, retry_at)"
        " VALUES (%s, %s, %s, 1, now() + make_interval(secs => %s)) ON CONFLICT (lane) DO UPDATE SET"
        " code = excluded.code, failures = c.failures + 1, retry_at = excluded.retry_at",
        (lane, channel, code, seconds),
    )


def failures_on(tx: Tx, lane: str) -> int:
    """How often nobody has answered on a lane since somebody did."""
    return int(tx.value("SELECT failures FROM circuit WHERE lane = %s", (lane,)) or 0)


def pause_on(tx: Tx, lane: str) -> float:
    """For how many seconds nobody tries a lane."""
    left = tx.value(
        "SELECT greatest(extract(epoch FROM retry_at - now()), 0)::float FROM circuit WHERE lane = %s", (lane,)
    )
    return float(left or 0)


def close_circuit(tx: Tx, lane: str) -> bool:
    """Somebody has answered; whether nobody had before."""
    return bool(tx.execute("DELETE FROM circuit WHERE lane = %s", (lane,)))


def overdue_in_outage(tx: Tx, hours: float) -> list[str]:
    """Urgent dispatches on lanes where nobody has answered for so many hours; locked."""
    rows = tx.query(
        "SELECT d.dispatch FROM dispatch d JOIN circuit c USING (lane) WHERE d.state = 'READY'"
        " AND d.urgency = 'AT_ONCE' AND c.since <= now() - make_interval(secs => %s)"
        f" AND {FREE} FOR UPDATE OF d SKIP LOCKED",
        (hours * 3600,),
    )
    return [row["dispatch"] for row in rows]


# --- receipts ----------------------------------------------------------------------------------------


def find(tx: Tx, channel: str, name: str) -> Row | None:
    """The dispatch that a receipt names, by its own id or by the other side's reference; locked."""
    return tx.one(
        "SELECT * FROM dispatch WHERE channel = %s AND (dispatch = %s OR reference = %s)"
        " ORDER BY dispatch <> %s LIMIT 1 FOR UPDATE",
        (channel, name, name, name),
    )


def add_receipt(tx: Tx, dispatch: str, status: str, code: str | None, at: datetime) -> bool:
    """Whether it says something new."""
    return bool(
        tx.execute(
            "INSERT INTO receipt (dispatch, status, code, received_at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (dispatch, status, code, at),
        )
    )


def keep_early(tx: Tx, channel: str, reference: str, status: str, code: str | None, at: datetime, most: int) -> bool:
    """Keep a receipt until it is known what it is about, unless there are too many such."""
    return bool(
        tx.execute(
            "INSERT INTO early_receipt (channel, reference, status, code, received_at) SELECT %s, %s, %s, %s, %s"
            " WHERE (SELECT count(*) FROM early_receipt WHERE channel = %s) < %s ON CONFLICT DO NOTHING",
            (channel, reference, status, code, at, channel, most),
        )
    )


def take_early(tx: Tx, channel: str, reference: str) -> list[Row]:
    """The receipts that came before their dispatch bore this reference, oldest first; they are kept no longer."""
    rows = tx.query("DELETE FROM early_receipt WHERE channel = %s AND reference = %s RETURNING *", (channel, reference))
    return sorted(rows, key=lambda row: (row["received_at"], row["status"]))


def receipts_of(tx: Tx, dispatch: str) -> list[Row]:
    return tx.query("SELECT * FROM receipt WHERE dispatch = %s ORDER BY received_at, status", (dispatch,))


def delivered(tx: Tx, dispatch: str) -> list[Row]:
    """The other side has confirmed it; the notices that it carried."""
    return tx.query(
        "WITH done AS (UPDATE dispatch SET state = 'DELIVERED', settled_at = now() WHERE dispatch = %s"
        " AND state = 'SENT' RETURNING dispatch)"
        " UPDATE message m SET state = 'DELIVERED' FROM done, notice n WHERE m.dispatch = done.dispatch"
        " AND m.state = 'SENT' AND n.notice = m.notice"
        " RETURNING n.notice, n.tenant, n.subject, n.about, n.kind, n.recipient, n.on_day, m.channel",
        (dispatch,),
    )


# --- housekeeping and figures -------------------------------------------------------------------------


def forget(tx: Tx, address_days: int | None) -> None:
    """Early receipts of what never came, and the marks of addresses that nobody has to prove any more."""
    tx.execute("DELETE FROM early_receipt WHERE noted_at < now() - interval '1 day'")
    if address_days is not None:
        tx.execute(
            "UPDATE dispatch SET address_mark = NULL WHERE address_mark IS NOT NULL"
            " AND settled_at < now() - make_interval(days => %s)",
            (address_days,),
        )


def depth(tx: Tx) -> list[Row]:
    """How many messages wait for routing, by why, and how many dispatches wait for handing over, by channel."""
    return tx.query(
        "SELECT 'ROUTING' AS channel, coalesce(waits, 'NONE') AS state, count(*) AS n FROM message"
        " WHERE state = 'PENDING' AND dispatch IS NULL GROUP BY 2"
        " UNION ALL SELECT channel, state, count(*) FROM dispatch WHERE state IN ('READY', 'SENDING') GROUP BY 1, 2"
    )


def open_circuits(tx: Tx) -> dict[str, int]:
    """How many lanes of each channel nobody answers on."""
    rows = tx.query("SELECT channel, count(*) AS n FROM circuit GROUP BY channel")
    return {row["channel"]: row["n"] for row in rows}


# --- acts --------------------------------------------------------------------------------------------


def message(tx: Tx, tenant: str, notice: int) -> Row | None:
    """A message with what its notice and its dispatch say about going out; locked."""
    # first: what a statement that had to wait for the lock reads beside it is as it was before the wait
    tx.execute("SELECT FROM message WHERE tenant = %s AND notice = %s FOR UPDATE", (tenant, notice))
    return tx.one(
        "SELECT m.*, n.superseded_at, n.overtaken_at, n.lapses_on <= t.business_date AS lapsed,"
        " d.state AS dispatch_state FROM message m JOIN notice n USING (notice)"
        " LEFT JOIN tenant t ON t.tenant = n.tenant LEFT JOIN dispatch d ON d.dispatch = m.dispatch"
        " WHERE m.tenant = %s AND m.notice = %s",
        (tenant, notice),
    )


def act(tx: Tx, tenant: str, notice: int, what: str, actor: str, *, reason: str | None, how: str | None) -> None:
    """Enter what a person did."""
    tx.execute(
        "INSERT INTO message_act (notice, tenant, what, how, reason, actor) VALUES (%s, %s, %s, %s, %s, %s)",
        (notice, tenant, what, how, reason, actor),
    )


def send_again(tx: Tx, notice: int, *, insisted: bool) -> None:
    tx.execute(
        "UPDATE message SET state = 'PENDING', dispatch = NULL, tried = '{}', waits = NULL, reason = NULL,"
        " insisted = %s, pending_since = now(), next_attempt = now() WHERE notice = %s",
        (insisted, notice),
    )
    tx.execute("UPDATE notice SET read_at = NULL, read_by = NULL WHERE notice = %s", (notice,))


def end(tx: Tx, notice: int, state: str) -> None:
    """A person has ended it: CANCELLED or TOLD."""
    tx.execute(
        "DELETE FROM dispatch_notice dn USING message m WHERE m.notice = %s AND dn.notice = m.notice"
        " AND dn.dispatch = m.dispatch AND NOT EXISTS (SELECT FROM attempt a WHERE a.dispatch = dn.dispatch)",
        (notice,),
    )
    tx.execute("UPDATE message SET state = %s, waits = NULL, dispatch = NULL WHERE notice = %s", (state, notice))
