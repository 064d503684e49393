"""Keep what was told of money in step with where it stands, and tell the difference.

A case that cannot be computed, for want of a tariff say, is left as it was told and looked at again the next day: it
must not keep the others from being told. That it cannot be paid is shown by the problems of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_chassis import logs
from kundval_chassis.db import Tx
from kundval_contracts.answer import Line, Posting, money
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import LineKind, LineStatus, MoneyState
from kundval_contracts.transitions import BONUS, PREMIUM, STATE_EVENTS

from .. import store as ledger
from ..domain import lines
from ..domain.claims import Question, open_questions
from ..domain.states import Change, Standing, changes, look_again, machine_of, states
from ..domain.view import View
from . import store

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """A case with all its facts, its lines by what is known on the day, and its whole ledger."""

    case: Case
    lines: Sequence[Line]
    posted: Sequence[Posting]


def look(tx: Tx, tenant: Tenant, day: date, cases: Sequence[Case]) -> None:
    """Compute these cases on `day` and tell what differs from what was told."""
    posted = ledger.postings_of(tx, tenant.id, [case.assignment for case in cases], derivations=False)
    looks = []
    for case in cases:
        try:
            looks.append(Look(case, lines(case.known_by(day), tenant, day), posted[case.assignment]))
        except Exception as error:
            log.warning("assignment_not_computed", assignment=case.assignment, error=type(error).__name__)
    tell(tx, tenant, day, looks)


def after_run(tx: Tx, tenant: Tenant, run: date, posted: Sequence[Look]) -> None:
    """Tell what a payment run has changed: `posted` are the cases of which it posted something, as it saw them.

    A run for an earlier day has seen them as they were then; what holds on the business date is computed anew.
    """
    day = tenant.business_date
    if day is None or not posted:
        return
    if day == run:
        tell(tx, tenant, day, posted)
    else:
        look(tx, tenant, day, [one.case for one in posted])


def tell(tx: Tx, tenant: Tenant, day: date, looks: Sequence[Look]) -> None:
    """Publish what differs from what was told of these cases, and keep claims and questions in step."""
    if not looks:
        return
    before = store.told(tx, tenant.id, [one.case.assignment for one in looks])
    until: dict[str, date | None] = {}
    asked: dict[str, Sequence[Question]] = {}
    claims: list[tuple[str, Standing]] = []
    no_claims: list[tuple[str, tuple[str, str, int]]] = []
    for one in looks:
        name, known = one.case.assignment, one.case.known_by(day)
        told = before[name]
        now = states(known, tenant, one.lines, one.posted, day)
        found = changes(told.items, now)
        if found:
            told.revision += 1
            told.items = {standing.key: standing.print for standing in now}
            _publish(tx, tenant.id, name, told.revision, day, found)
        for change in found:
            if change.now is not None and _is_claim(change.now):
                claims.append((name, change.now))
            elif change.before is not None and machine_of(LineKind(change.key[1])) in (BONUS, PREMIUM):
                no_claims.append((name, change.key))
        if any(machine_of(line.kind) in (BONUS, PREMIUM) for line in one.lines) or found:
            asked[name] = _questions(known, tenant, one.lines, day)
        until[name] = look_again(one.case, tenant, one.lines, day)
    store.save_told(tx, tenant.id, before, until)
    store.save_claims(tx, tenant.id, claims, day)
    store.remove_claims(tx, tenant.id, no_claims)
    store.save_questions(tx, tenant.id, asked)


def _is_claim(one: Standing) -> bool:
    return one.machine == BONUS or (one.machine == PREMIUM and one.state is MoneyState.ON_HOLD)


def _questions(known: Case, tenant: Tenant, found: Sequence[Line], day: date) -> tuple[Question, ...]:
    if all(line.status not in (LineStatus.MANUAL, LineStatus.REFUSED) for line in found):
        return ()
    return open_questions(View(known, tenant.settings, day), found)


# --- events -------------------------------------------------------------------------------------------


def _publish(tx: Tx, tenant: str, assignment: str, revision: int, day: date, found: Sequence[Change]) -> None:
    head = {"assignment": assignment, "revision": revision, "as_of": day.isoformat()}
    months: dict[tuple[str, MoneyState, str | None], list[dict[str, Any]]] = {}
    bonuses: list[tuple[str, dict[str, Any]]] = []
    gone: list[dict[str, Any]] = []
    for change in found:
        one = change.now
        if one is None:
            provider, kind, sequence = change.key
            gone.append({"provider": provider, "kind": kind, "sequence": sequence, "before": change.before})
            continue
        event = STATE_EVENTS[one.machine, one.state]
        if one.machine == BONUS:
            bonuses.append((event, {**head, **_bonus(one, change.before)}))
        else:
            months.setdefault((event, one.state, one.exit), []).append(_month(one, change.before))
    for (event, state, exit_id), rows in months.items():
        data = {**head, "state": state.value, "exit": exit_id, "months": rows}
        tx.publish(event, subject=assignment, tenant=tenant, data=data)
    for event, data in bonuses:
        tx.publish(event, subject=assignment, tenant=tenant, data=data)
    if gone:
        tx.publish("billing.state_withdrawn", subject=assignment, tenant=tenant, data={**head, "items": gone})


def _month(one: Standing, before: MoneyState | None) -> dict[str, Any]:
    return {
        "provider": one.provider,
        "kind": one.kind.value,
        "sequence": one.sequence,
        "before": before.value if before else None,
        "amount": money(one.amount),
        "from": _iso(one.start),
        "to": _iso(one.end),
        "payable_from": _iso(one.payable_from),
        "rules": list(one.rules),
    }


def _bonus(one: Standing, before: MoneyState | None) -> dict[str, Any]:
    row = _month(one, before)
    row["settle_on"] = row.pop("to")
    return {
        **row,
        "state": one.state.value,
        "exit": one.exit,
        "documents": list(one.documents),
        "cover": one.cover,
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
