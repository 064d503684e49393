"""What comes back from the employment service, and the facts that follow when it has something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis import access, logs
from kundval_chassis.db import Pool, Row, Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import AfDispatchState, AfFeedbackKind, AfMessage, FactKind, SubsidyStepKind
from kundval_contracts.errors import Conflict, InvalidRequest, KundvalError, NotFound
from kundval_contracts.facts import load_fact
from kundval_contracts.rpc import METHODS

from .. import gate, record, tenants
from .. import store as assignments
from ..domain.to_af import FEEDBACK, asked_for
from ..gate import store as grounds
from ..people.keys import PersonKeys
from . import store, write

log = logs.get(__name__)

_HAS_IT = frozenset(AfDispatchState(name) for name in ("SENT", "RECEIVED", "APPROVED"))


def take_in(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any]) -> Row:
    """Take in feedback: once for each id, whichever way and in which order it comes, before the answer to what was sent
    too. A comment is kept on the message's ground, and nowhere if that holds no more.

    Raises NotFound, InvalidRequest, and Conflict (`FEEDBACK_REUSED`; `AF_STATE`: it was never sent).
    """
    for field in ("feedback", "order"):
        if request[field] is not None and access.is_number(request[field]):
            raise InvalidRequest(faults=[{"path": field, "message": "has the form of an identity number"}])
    dispatch = request["dispatch"] or store.tracked(tx, tenant.id, request["tracking"])
    row = store.locked(tx, tenant.id, dispatch) if dispatch else None
    if row is None or row["tracking"] is None:
        raise NotFound("No message with that number or tracking id has been submitted.")
    access.showed("assignment", row["assignment"])
    kind = AfFeedbackKind(request["kind"])
    known = store.feedback(tx, tenant.id, request["feedback"])
    if known is not None:
        if (known["dispatch"], known["kind"]) != (row["dispatch"], kind.value):
            raise Conflict("That feedback was about something else.", code="FEEDBACK_REUSED")
        return row
    state = write.moved(row, FEEDBACK[kind])
    store.add_feedback(
        tx,
        tenant.id,
        feedback=request["feedback"],
        dispatch=row["dispatch"],
        kind=kind,
        on=request["on"],
        order=request["order"],
        record=_comment(tx, keys, tenant, row, request["comment"]),
    )
    if state == row["state"]:
        return row
    changed = store.change(tx, row, state=state.value, next_at=None, trouble=None)
    write.tell(tx, changed)
    follow(tx, tenant, changed)
    return changed


def _comment(tx: Tx, keys: PersonKeys, tenant: Tenant, row: Row, comment: str | None) -> str | None:
    if comment is None:
        return None
    ground, day = grounds.ground(tx, tenant.id, row["ground"]), write.today(tenant)
    if ground is None or gate.why_no_more(tx, tenant, ground, day) is not None:
        return None
    return gate.keep(tx, keys, tenant, ground, kind="af.feedback.v1", data={"comment": comment}, on=day)


def follow(tx: Tx, tenant: Tenant, row: Row) -> None:
    """State the fact that the employment service has been told, where there is one. Stated again it is no news."""
    if AfDispatchState(row["state"]) not in _HAS_IT:
        return
    fields = _FACTS.get(AfMessage(row["kind"]), lambda tx, tenant, row: None)(tx, tenant, row)
    if fields is None:
        return
    raw = {"on": row["submitted_on"].isoformat(), **fields}
    fact = load_fact(raw, -1, f"to-af-{row['dispatch']}")
    try:
        with tx.attempt():
            record.record_facts(tx, tenant, [(row["assignment"], fact)], keep_refused=True)
    except KundvalError as error:
        # somebody has taken the fact back, for example; the message was sent all the same
        log.warning("af_fact_not_stated", tenant=tenant.id, kind=row["kind"], code=error.code)


def _informed(tx: Tx, tenant: Tenant, row: Row) -> dict[str, Any] | None:
    ground = grounds.ground(tx, tenant.id, row["ground"])
    return None if ground is None else {"fact": FactKind.COORDINATOR_INFORMED, "legal_basis": ground.basis.value}


def _replied(tx: Tx, tenant: Tenant, row: Row) -> dict[str, Any] | None:
    return {"fact": FactKind.COMMISSIONER_REPLIED}


def _followed_up(tx: Tx, tenant: Tenant, row: Row) -> dict[str, Any] | None:
    held = assignments.load_records(tx, tenant.id, [row["assignment"]])[row["assignment"]]
    asked = asked_for(
        write.wanted_of(held, tenant, write.today(tenant)), AfMessage.SUBSIDY_FOLLOWUP, str(row["period"])
    )
    if asked is None or asked.about is None:
        return None
    return {"fact": FactKind.SUBSIDY_STEP, "subsidy": asked.about, "step": SubsidyStepKind.REPORTED_TO_AF}


_FACTS: Mapping[AfMessage, Any] = {
    AfMessage.COORDINATOR_HANDOFF: _informed,
    AfMessage.COMMISSION_REPLY: _replied,
    AfMessage.SUBSIDY_FOLLOWUP: _followed_up,
}


def from_file(pool: Pool, keys: PersonKeys, raw: Mapping[str, Any]) -> None:
    """Take in feedback that came as a file, in the fields of `assignment.af_feedback`. Raises as `take_in`."""
    request = METHODS["assignment.af_feedback"].load(raw)
    with pool.tx() as tx:
        take_in(tx, keys, tenants.get(tx, request["tenant"]), request)
