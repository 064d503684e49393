"""What billing makes of its restoration: no document number and no payment goes out a second time.

Facts come again by themselves, and a payment run that is made again posts what it posted. What had been released may
have been paid: the providers concerned are held, until a person has compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from kundval_chassis import held
from kundval_chassis.db import Row, Tx
from kundval_chassis.recovery import LEAP, Recovery
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import HoldReason
from kundval_contracts.rpc import CallerRole

from . import payments
from .documents.issue import SERIES
from .payments import holds

#: document numbers that are left out: more than can have been given since the last backup
GAP = 10_000
#: who places the holds
ACTOR = "kundval-recover"

_PAYMENTS = (
    "SELECT tenant, subject AS payment, max(on_day) AS on_day, max(data ->> 'provider') AS provider,"
    " bool_or(name IN ('billing.payment_released', 'billing.payment_acknowledged')) AS released"
    " FROM heard WHERE about = 'PAYMENT' GROUP BY tenant, subject ORDER BY tenant, subject"
)
_OWN_PAYMENTS = (
    "SELECT p.tenant, p.payment::text AS payment,"
    " EXISTS (SELECT FROM payment_act a WHERE a.payment = p.payment AND a.act = 'RELEASED') AS released FROM payment p"
)
_POSTINGS = "SELECT tenant, run, entry FROM held_posting WHERE entry::bigint > %s ORDER BY tenant, run"


def recover(recovery: Recovery) -> None:
    """Let revisions and document numbers go on; hold what may have been paid; say which runs are made again."""
    tx = recovery.tx
    recovery.raise_revisions("told")
    notifications = recovery.others.get("notifications")
    for other in recovery.others.values():
        rows = other.query("SELECT tenant, assignment FROM held_case") if _holds_cases(other) else []
        tx.executemany(
            "INSERT INTO told (tenant, assignment, revision, until) VALUES (%s, %s, %s, DATE '0001-01-01')"
            " ON CONFLICT DO NOTHING",
            [(row["tenant"], row["assignment"], LEAP) for row in rows],
        )
    tx.execute("UPDATE told SET until = DATE '0001-01-01'")
    if notifications is None:
        recovery.ask("payment runs and payments cannot be listed: notifications' database was not given", ["all"])
        return
    _list_runs(recovery, notifications)
    _hold_payments(recovery, notifications)


def _holds_cases(other: Tx) -> bool:
    return other.value("SELECT to_regclass('held_case')") is not None


def _list_runs(recovery: Recovery, notifications: Tx) -> None:
    """Entries that are known to notifications alone: their runs are made again, and post them under new numbers."""
    own = int(recovery.tx.value("SELECT coalesce(max(entry), 0) FROM entry"))
    lost = notifications.query(_POSTINGS, (own,))
    runs = sorted({f"{row['tenant']} {row['run'].isoformat()}" for row in lost})
    recovery.ask("payment runs to be made again, in this order", runs)
    if lost:
        entries = [row["entry"] for row in lost]
        recovery.done("entries that notifications forgets until they are posted again", len(entries))
        recovery.later(
            "notifications", lambda tx: tx.execute("DELETE FROM held_posting WHERE entry = ANY(%s)", (entries,))
        )


def _hold_payments(recovery: Recovery, notifications: Tx) -> None:
    tx = recovery.tx
    own = {(row["tenant"], row["payment"]): row["released"] for row in tx.query(_OWN_PAYMENTS)}
    heard = [row for row in notifications.query(_PAYMENTS) if own.get((row["tenant"], row["payment"])) is not True]
    released = [row for row in heard if row["released"]]
    unfinished = [row for row in heard if not row["released"] and (row["tenant"], row["payment"]) not in own]
    recovery.ask("payments that were released: compare with what was paid", _ids(released))
    recovery.ask("payments that were proposed and not released: propose them again", _ids(unfinished))
    if not released:
        return
    for tenant, years in sorted(_years(released).items()):
        for year in sorted(years):
            _leave_out_numbers(tx, tenant, year)
    held_now = 0
    for tenant, provider in sorted({(row["tenant"], row["provider"]) for row in released if row["provider"]}):
        held_now += _hold(tx, tenant, provider)
    recovery.done("providers of whom nothing is paid until somebody ends the hold", held_now)


def _ids(rows: list[Row]) -> list[str]:
    return [f"{row['tenant']} {row['payment']}" for row in rows]


def _years(rows: list[Row]) -> Mapping[str, set[int]]:
    found: dict[str, set[int]] = {}
    for row in rows:
        day: date = row["on_day"]
        found.setdefault(row["tenant"], set()).add(day.year)
    return found


def _leave_out_numbers(tx: Tx, tenant: str, year: int) -> None:
    """No document gets a number that one may have that is lost here and known outside."""
    for series in sorted(set(SERIES.values())):
        tx.execute(
            "INSERT INTO number_series (tenant, series, year, last) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (tenant, series, year) DO UPDATE SET last = number_series.last + excluded.last",
            (tenant, series, year, GAP),
        )


def _hold(tx: Tx, tenant: str, provider: str) -> int:
    payments.turn(tx, [tenant])
    request = {
        "provider": provider,
        "assignment": None,
        "kind": None,
        "sequence": None,
        "reason": HoldReason.OTHER,
        "note": "The database was restored. Compare what was released before with what was paid, then end this hold.",
    }
    caller = Caller(ACTOR, CallerRole.SYSTEM, None, "recovery")
    try:
        known = held.load_tenant(tx, tenant)
    except held.NotOpened:
        return 0
    if known.business_date is None:
        return 0
    holds.place(tx, known, request, caller)
    return 1
