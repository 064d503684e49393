"""What people see of messages to the employment service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.af.outgoing import messages
from kundval_contracts.case import Tenant
from kundval_contracts.codes import AfDispatchState, AfMessage
from kundval_contracts.errors import NotFound

from .. import store as assignments
from ..domain.to_af import is_late
from ..people import guard
from ..people.keys import PersonKeys
from . import store, write

#: written, or to be written anew: not submitted
_OPEN = frozenset({AfDispatchState.DRAFT, AfDispatchState.EXPIRED, AfDispatchState.NOT_APPROVED})


def queue(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `assignment.af_dispatches`."""
    rows = store.page(tx, tenant.id, request["assignment"], request["state"], request["before"], request["limit"])
    circuit = store.circuit(tx)
    return {
        "dispatches": [_shown(tenant, row) for row in rows],
        "open_circuit": circuit["code"] if circuit and circuit["open"] else None,
    }


def _shown(tenant: Tenant, row: Row) -> dict[str, Any]:
    late = tenant.business_date is not None and is_late(row["due"], tenant.business_date)
    return {**row, "overdue": late and AfDispatchState(row["state"]) in _OPEN}


def read(tx: Tx, keys: PersonKeys, tenant: Tenant, assignment: str, dispatch: str, caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.af_dispatch`. Raises NotFound, also where the caller may not know of the person."""
    row = store.one(tx, tenant.id, dispatch)
    nothing = NotFound(f"There is no message {dispatch}.")
    if row is None or row["assignment"] != assignment:
        raise nothing
    try:
        guard.see(tx, keys, tenant, row["person"], caller)
    except NotFound:
        raise nothing from None
    kept = write.contents(tx, keys, tenant, row, write.today(tenant))
    feedback = [
        {**one, "comment": kept.get(one["record"], {}).get("comment")}
        for one in store.feedback_on(tx, tenant.id, dispatch)
    ]
    for one in feedback:
        del one["record"]
    shown = store.shown(tx, tenant.id, dispatch)
    assert shown is not None
    return {
        "dispatch": _shown(tenant, shown),
        "content": kept.get(row["record"]),
        "attempts": store.attempts(tx, tenant.id, dispatch),
        "feedback": feedback,
    }


def due(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `assignment.af_due`; nothing before a date is open."""
    day = tenant.business_date
    names = assignments.page(tx, tenant.id, request["assignment"], request["after"], request["limit"])
    written = {
        (row["assignment"], AfMessage(row["kind"]), row["period"]): row
        for row in store.of_assignments(tx, tenant.id, names)
    }
    rows = []
    held = assignments.load_records(tx, tenant.id, names) if day is not None else {}
    for name in sorted(held):
        assert day is not None
        for want in write.wanted_of(held[name], tenant, day):
            one = written.get((name, want.kind, want.period))
            if want.met or (one is not None and AfDispatchState(one["state"]) not in _OPEN):
                continue
            rows.append(
                {
                    "assignment": name,
                    "kind": want.kind,
                    "period": want.period,
                    "since": want.since,
                    "due": want.due,
                    "overdue": is_late(want.due, day),
                    "dispatch": one["dispatch"] if one else None,
                    "rules": list(messages()[want.kind].rules),
                }
            )
    return {"due": rows, "next": names[-1] if len(names) == request["limit"] else None}
