"""SQL of payments, holds, problems and periods. No rules here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import Direction, PaymentAct, RunProblem

from ..domain.payments import Act, Standing, fold, moves

#: a day by which everything that was done is done
EVER = date.max
Row = dict[str, Any]

#: entries `e` that are on no payment on a day
_FREE = (
    "NOT EXISTS (SELECT 1 FROM payment_entry pe JOIN payment p USING (payment) WHERE pe.entry = e.entry"
    " AND p.proposed_on <= %(on)s AND NOT EXISTS (SELECT 1 FROM payment_act a WHERE a.payment = p.payment"
    " AND a.act = 'WITHDRAWN' AND a.on_day <= %(on)s))"
)
#: entries `e` that a hold keeps back on a day
_HELD = (
    "EXISTS (SELECT 1 FROM hold h WHERE h.tenant = e.tenant AND h.placed_on <= %(on)s AND hold_covers(h, e)"
    " AND NOT EXISTS (SELECT 1 FROM hold_end x WHERE x.hold = h.hold AND x.ended_on <= %(on)s))"
)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as it was put together, and what it stands at."""

    id: int
    tenant: str
    run: date
    provider: str
    direction: Direction
    number: int
    amount: Decimal
    entries: int
    proposed_on: date
    standing: Standing

    def as_json(self) -> Row:
        """What everybody may see who may see the payment at all."""
        return {
            "payment": self.id,
            "run": self.run,
            "provider": self.provider,
            "direction": self.direction,
            "number": self.number,
            "amount": self.amount,
            "entries": self.entries,
            "proposed_on": self.proposed_on,
            "self_billing": self.standing.self_billing,
            "state": self.standing.state,
            "attestations": len(self.standing.attested_by),
            "problem": self.standing.parked,
            "voucher": self.standing.voucher,
        }


# --- payments --------------------------------------------------------------------------------------------------


def payments(
    tx: Tx,
    tenant: str,
    *,
    ids: Sequence[int] | None = None,
    run: date | None = None,
    provider: str | None = None,
    direction: Direction | None = None,
    after: int = 0,
    limit: int | None = None,
    on: date = EVER,
) -> list[Payment]:
    """Payments with what they stand at (at the end of `on`), by number."""
    rows = tx.query(
        "SELECT * FROM payment WHERE tenant = %(tenant)s AND payment > %(after)s AND proposed_on <= %(on)s"
        " AND (%(ids)s::bigint[] IS NULL OR payment = ANY(%(ids)s)) AND (%(run)s::date IS NULL OR run = %(run)s)"
        " AND (%(provider)s::text IS NULL OR provider = %(provider)s)"
        " AND (%(direction)s::text IS NULL OR direction = %(direction)s) ORDER BY payment LIMIT %(limit)s",
        {
            "tenant": tenant,
            "after": after,
            "on": on,
            "ids": None if ids is None else list(ids),
            "run": run,
            "provider": provider,
            "direction": direction,
            "limit": limit,
        },
    )
    done: defaultdict[int, list[Act]] = defaultdict(list)
    for row in tx.query(
        "SELECT payment, act, who, reference FROM payment_act WHERE payment = ANY(%s) AND on_day <= %s"
        " ORDER BY payment, number",
        ([row["payment"] for row in rows], on),
    ):
        done[row["payment"]].append(Act(PaymentAct(row["act"]), row["who"], row["reference"]))
    return [
        Payment(
            row["payment"],
            tenant,
            row["run"],
            row["provider"],
            Direction(row["direction"]),
            row["number"],
            row["amount"],
            row["entries"],
            row["proposed_on"],
            fold(row["preparer"], row["self_billing"], done[row["payment"]]),
        )
        for row in rows
    ]


def locked(tx: Tx, tenant: str, ids: Sequence[int]) -> list[Payment]:
    """These payments, nobody else's until the transaction ends; in order, so that two never wait for each other."""
    tx.query(
        "SELECT payment FROM payment WHERE tenant = %s AND payment = ANY(%s) ORDER BY payment FOR UPDATE",
        (tenant, list(ids)),
    )
    # only now: what others did meanwhile is to be seen
    return payments(tx, tenant, ids=ids)


def groups(tx: Tx, tenant: str, run: date) -> list[Row]:
    """By provider and direction the entries of runs up to `run` that are free and not held, and their sum."""
    return tx.query(
        "SELECT provider, direction, array_agg(entry ORDER BY entry) AS entries, sum(amount) AS amount FROM entry e"
        f" WHERE tenant = %(tenant)s AND run <= %(run)s AND {_FREE} AND NOT {_HELD}"
        " GROUP BY provider, direction ORDER BY provider, direction",
        {"tenant": tenant, "run": run, "on": EVER},
    )


def add_payment(tx: Tx, tenant: str, run: date, group: Row, caller: Caller, on: date, *, self_billing: bool) -> int:
    """Put the entries of one of `groups` together; the number of the payment."""
    payment: int = tx.value(
        "INSERT INTO payment (tenant, run, provider, direction, number, preparer, amount, entries, self_billing,"
        " proposed_on) SELECT %(tenant)s, %(run)s, %(provider)s, %(direction)s, count(*) + 1, %(who)s, %(amount)s,"
        " %(entries)s, %(self_billing)s, %(on)s FROM payment"
        " WHERE tenant = %(tenant)s AND run = %(run)s AND provider = %(provider)s AND direction = %(direction)s"
        " RETURNING payment",
        {
            **group,
            "tenant": tenant,
            "run": run,
            "who": caller.subject,
            "entries": len(group["entries"]),
            "self_billing": self_billing,
            "on": on,
        },
    )
    tx.execute(
        "INSERT INTO payment_entry (payment, entry, turn) SELECT %s, one.entry,"
        " coalesce((SELECT max(turn) FROM payment_entry before WHERE before.entry = one.entry), 0) + 1"
        " FROM unnest(%s::bigint[]) AS one (entry)",
        (payment, group["entries"]),
    )
    add_act(tx, payment, PaymentAct.PROPOSED, caller, on)
    return payment


def add_act(
    tx: Tx,
    payment: int,
    act: PaymentAct,
    caller: Caller,
    on: date,
    *,
    reference: str | None = None,
    reason: str | None = None,
) -> None:
    tx.execute(
        "INSERT INTO payment_act (payment, number, act, who, role, on_day, reference, reason)"
        " SELECT %(payment)s, count(*) + 1, %(act)s, %(who)s, %(role)s, %(on)s, %(reference)s, %(reason)s"
        " FROM payment_act WHERE payment = %(payment)s",
        {
            "payment": payment,
            "act": act,
            "who": caller.subject,
            "role": caller.role,
            "on": on,
            "reference": reference,
            "reason": reason,
        },
    )


def terms_changed(tx: Tx, payment: int, on: date) -> bool:
    """Whether it was attested by other terms than hold on a day: another party, account, VAT or agreement (0010)."""
    return bool(
        tx.value(
            "SELECT 1 FROM payment_act a JOIN payment p USING (payment) WHERE a.payment = %s AND a.act = 'ATTESTED'"
            " AND a.terms IS DISTINCT FROM payment_terms(p, %s) LIMIT 1",
            (payment, on),
        )
    )


def move(tx: Tx, payment: Payment, stage: PaymentAct) -> None:
    """Append the two ledger rows of a stage."""
    rows = moves(payment.direction, payment.provider, payment.amount, stage)
    tx.insert_rows(
        "payment_row",
        ("payment", "stage", "account", "amount"),
        [(payment.id, stage.value, account, amount) for account, amount in rows],
    )


def acts(tx: Tx, payment: int) -> list[Row]:
    return tx.query(
        "SELECT number, act, who, role, on_day AS on, reference, reason, recorded_at FROM payment_act"
        " WHERE payment = %s ORDER BY number",
        (payment,),
    )


def entries(tx: Tx, payment: int, after: int, limit: int) -> list[Row]:
    return tx.query(
        "SELECT entry, assignment, provider, programme, kind, sequence, run, amount, reverses, starts, ends"
        " FROM payment_entry JOIN entry USING (entry) WHERE payment = %s AND entry > %s ORDER BY entry LIMIT %s",
        (payment, after, limit),
    )


def add_references(tx: Tx, tenant: str, payment: int, kind: str, references: Iterable[str]) -> None:
    tx.insert_rows(
        "payment_reference",
        ("tenant", "kind", "reference", "payment"),
        [(tenant, kind, one, payment) for one in references],
    )


def references(tx: Tx, payment: int, kind: str) -> list[str]:
    rows = tx.query(
        "SELECT reference FROM payment_reference WHERE payment = %s AND kind = %s ORDER BY reference", (payment, kind)
    )
    return [row["reference"] for row in rows]


def referred(tx: Tx, tenant: str, kind: str, wanted: Sequence[str]) -> dict[str, int]:
    """The payments that these documents or vouchers stand for."""
    rows = tx.query(
        "SELECT reference, payment FROM payment_reference WHERE tenant = %s AND kind = %s AND reference = ANY(%s)",
        (tenant, kind, list(wanted)),
    )
    return {row["reference"]: row["payment"] for row in rows}


# --- holds -----------------------------------------------------------------------------------------------------


def has_entries(tx: Tx, tenant: str, provider: str) -> bool:
    return bool(tx.value("SELECT 1 FROM entry WHERE tenant = %s AND provider = %s LIMIT 1", (tenant, provider)))


def has_assignment(tx: Tx, tenant: str, assignment: str) -> bool:
    """Whether it is held, or something was posted for it."""
    key = (tenant, assignment)
    return bool(
        tx.value("SELECT 1 FROM held_case WHERE tenant = %s AND assignment = %s", key)
        or tx.value("SELECT 1 FROM entry WHERE tenant = %s AND assignment = %s LIMIT 1", key)
    )


def add_hold(tx: Tx, tenant: str, request: Mapping[str, Any], caller: Caller, on: date) -> int:
    hold: int = tx.value(
        "INSERT INTO hold (tenant, provider, assignment, kind, sequence, reason, note, who, role, placed_on)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING hold",
        (
            tenant,
            *(request[name] for name in ("provider", "assignment", "kind", "sequence", "reason", "note")),
            caller.subject,
            caller.role,
            on,
        ),
    )
    return hold


def same_hold(tx: Tx, tenant: str, request: Mapping[str, Any], caller: Caller) -> int | None:
    """The hold that this person has placed on the same for the same reason, while it lasts."""
    found: int | None = tx.value(
        "SELECT hold FROM hold h WHERE tenant = %s AND who = %s AND reason = %s"
        " AND (provider, assignment, kind, sequence) IS NOT DISTINCT FROM (%s, %s, %s, %s::integer)"
        " AND NOT EXISTS (SELECT 1 FROM hold_end x WHERE x.hold = h.hold) ORDER BY hold LIMIT 1",
        (
            tenant,
            caller.subject,
            request["reason"],
            *(request[name] for name in ("provider", "assignment", "kind", "sequence")),
        ),
    )
    return found


def end_hold(tx: Tx, hold: int, note: str | None, caller: Caller, on: date) -> None:
    tx.execute(
        "INSERT INTO hold_end (hold, note, who, role, ended_on) VALUES (%s, %s, %s, %s, %s)",
        (hold, note, caller.subject, caller.role, on),
    )


def holds(tx: Tx, tenant: str, *, hold: int | None = None, after: int = 0, limit: int | None = None) -> list[Row]:
    """Holds in order, with their end if there is one."""
    return tx.query(
        "SELECT h.hold, provider, assignment, kind, sequence, reason, h.note, h.who, placed_on, ended_on"
        " FROM hold h LEFT JOIN hold_end USING (hold) WHERE tenant = %(tenant)s AND hold > %(after)s"
        " AND (%(hold)s::bigint IS NULL OR hold = %(hold)s) ORDER BY hold LIMIT %(limit)s",
        {"tenant": tenant, "hold": hold, "after": after, "limit": limit},
    )


def covered(tx: Tx, hold: int) -> list[int]:
    """The payments with an entry that the hold covers, released and withdrawn ones left out."""
    rows = tx.query(
        "SELECT DISTINCT p.payment FROM hold h JOIN payment p ON p.tenant = h.tenant"
        " JOIN payment_entry pe ON pe.payment = p.payment JOIN entry e USING (entry)"
        " WHERE h.hold = %s AND hold_covers(h, e) AND NOT EXISTS (SELECT 1 FROM payment_act a"
        " WHERE a.payment = p.payment AND a.act IN ('RELEASED', 'WITHDRAWN')) ORDER BY p.payment",
        (hold,),
    )
    return [row["payment"] for row in rows]


def held_by(tx: Tx, hold: int) -> list[int]:
    """The payments that were ever held by it."""
    rows = tx.query(
        "SELECT DISTINCT payment FROM payment_act WHERE act = 'HELD' AND reference = %s AND payment IN (SELECT payment"
        " FROM payment WHERE tenant = (SELECT tenant FROM hold WHERE hold = %s)) ORDER BY payment",
        (str(hold), hold),
    )
    return [row["payment"] for row in rows]


# --- problems of runs ------------------------------------------------------------------------------------------


def open_problems(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, str]:
    rows = tx.query(
        "SELECT DISTINCT ON (assignment) assignment, code FROM run_problem"
        " WHERE tenant = %s AND assignment = ANY(%s) AND cleared_by IS NULL ORDER BY assignment, run DESC",
        (tenant, list(assignments)),
    )
    return {row["assignment"]: row["code"] for row in rows}


def add_problems(tx: Tx, tenant: str, run: date, found: Sequence[tuple[str, RunProblem, list[str]]]) -> None:
    """Enter problems of a run in the place of those that the assignments had before."""
    clear_problems(tx, tenant, run, [assignment for assignment, _, _ in found])
    tx.insert_rows(
        "run_problem",
        ("tenant", "assignment", "run", "code", "providers"),
        [(tenant, assignment, run, code.value, providers) for assignment, code, providers in found],
        "ON CONFLICT (tenant, assignment, run) DO UPDATE SET code = excluded.code, providers = excluded.providers,"
        " cleared_by = NULL",
    )


def clear_problems(tx: Tx, tenant: str, run: date, assignments: Sequence[str]) -> None:
    tx.execute(
        "UPDATE run_problem SET cleared_by = %s WHERE tenant = %s AND assignment = ANY(%s) AND cleared_by IS NULL",
        (run, tenant, list(assignments)),
    )


def providers_posted(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in tx.query(
        "SELECT DISTINCT assignment, provider FROM entry WHERE tenant = %s AND assignment = ANY(%s)",
        (tenant, list(assignments)),
    ):
        found[row["assignment"]].add(row["provider"])
    return found


def problem_page(tx: Tx, tenant: str, assignment: str | None, after: str | None, limit: int) -> list[Row]:
    return tx.query(
        "SELECT assignment, run, code, providers FROM run_problem WHERE tenant = %(tenant)s AND cleared_by IS NULL"
        " AND (%(one)s::text IS NULL OR assignment = %(one)s)"
        " AND (%(after)s::text IS NULL OR assignment > %(after)s) ORDER BY assignment LIMIT %(limit)s",
        {"tenant": tenant, "one": assignment, "after": after, "limit": limit},
    )


# --- periods ---------------------------------------------------------------------------------------------------


def is_closed(tx: Tx, tenant: str, month: date) -> bool:
    return bool(tx.value("SELECT 1 FROM period_close WHERE tenant = %s AND month = %s", (tenant, month)))


def close_period(tx: Tx, tenant: str, month: date, caller: Caller, on: date) -> None:
    tx.execute(
        "INSERT INTO period_close (tenant, month, who, role, closed_on) VALUES (%s, %s, %s, %s, %s)",
        (tenant, month, caller.subject, caller.role, on),
    )


def has_run(tx: Tx, tenant: str, run: date) -> bool:
    return bool(tx.value("SELECT 1 FROM payment_run WHERE tenant = %s AND run = %s LIMIT 1", (tenant, run)))


def corrections(tx: Tx, tenant: str, month: date, end: date, after: int, limit: int) -> list[Row]:
    """Entries of runs from `end` on that take back or replace a posting of a period that meets the month."""
    return tx.query(
        "SELECT entry, assignment, provider, programme, kind, sequence, run, amount, reverses, starts, ends, because,"
        " rules FROM entry WHERE tenant = %s AND run >= %s AND revision > 1 AND entry > %s"
        # an entry from before periods were kept says only which run it takes back
        " AND CASE WHEN starts IS NULL THEN reverses >= %s AND reverses < %s ELSE starts < %s AND ends > %s END"
        " ORDER BY entry LIMIT %s",
        (tenant, end, after, month, end, end, month, limit),
    )


# --- balances --------------------------------------------------------------------------------------------------


def accounts(tx: Tx, tenant: str, provider: str | None, on: date) -> dict[str, Decimal]:
    """The balance of every account at the end of `on`, from the rows of the ledger alone."""
    rows = tx.query(
        "SELECT account, sum(amount) AS amount FROM ("
        " SELECT r.account, r.amount FROM entry_row r JOIN entry e USING (entry)"
        "  WHERE e.tenant = %(tenant)s AND e.run <= %(on)s"
        "   AND (%(provider)s::text IS NULL OR e.provider = %(provider)s)"
        " UNION ALL SELECT r.account, r.amount FROM payment_row r JOIN payment p USING (payment)"
        "  JOIN payment_act a ON a.payment = p.payment AND a.act = r.stage"
        "  WHERE p.tenant = %(tenant)s AND a.on_day <= %(on)s"
        "   AND (%(provider)s::text IS NULL OR p.provider = %(provider)s)"
        ") AS moved GROUP BY account ORDER BY account",
        {"tenant": tenant, "provider": provider, "on": on},
    )
    return {row["account"]: row["amount"] for row in rows}


def recognised(tx: Tx, tenant: str, provider: str | None, on: date) -> list[Row]:
    """Sums of entries by the account of their cost or revenue, new ones and corrections apart."""
    return tx.query(
        "SELECT r.account, direction, e.amount < 0 AS back, count(*) AS entries, sum(e.amount) AS amount"
        " FROM entry e JOIN entry_row r USING (entry) WHERE tenant = %(tenant)s AND run <= %(on)s"
        " AND r.account NOT LIKE 'payable:%%' AND r.account NOT LIKE 'receivable:%%'"
        " AND (%(provider)s::text IS NULL OR provider = %(provider)s) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        {"tenant": tenant, "provider": provider, "on": on},
    )


def free(tx: Tx, tenant: str, provider: str | None, on: date, *, until: date = EVER) -> list[Row]:
    """Entries of runs before `until` that are on no payment on `on`: sums by provider, direction and whether held."""
    return tx.query(
        f"SELECT provider, direction, {_HELD} AS held, count(*) AS entries, sum(amount) AS amount FROM entry e"
        " WHERE tenant = %(tenant)s AND run <= %(on)s AND run < %(until)s"
        f" AND (%(provider)s::text IS NULL OR provider = %(provider)s) AND {_FREE} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        {"tenant": tenant, "provider": provider, "on": on, "until": until},
    )


def entries_before(tx: Tx, ids: Sequence[int], until: date) -> Iterator[Row]:
    """Of each payment the entries of runs before `until`: how many, and their sum."""
    yield from tx.query(
        "SELECT payment, count(*) AS entries, sum(amount) AS amount FROM payment_entry JOIN entry USING (entry)"
        " WHERE payment = ANY(%s) AND run < %s GROUP BY payment",
        (list(ids), until),
    )
