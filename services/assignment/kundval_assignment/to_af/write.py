"""What people do with messages to the employment service: write, submit, send again, put aside."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import uuid4

from kundval_chassis import access, clock
from kundval_chassis.db import Row, Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.af.outgoing import MessageTerms, messages, read_content
from kundval_contracts.case import Tenant
from kundval_contracts.codes import AfDispatchState, AfMessage, ConsentScope, DataKind, FactKind
from kundval_contracts.errors import Conflict, FactRefused, Forbidden, InvalidRequest, NotFound
from kundval_contracts.rpc import CallerRole
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Timeline

from .. import gate, tenants
from .. import store as assignments
from ..casework.looks import judged
from ..domain import to_af
from ..domain.people import protected
from ..domain.to_af import AT_ANY_TIME, SUPPLIED, Act, Wanted
from ..domain.work import consent_holds, handoff
from ..people import store as people
from ..people.keys import PersonKeys
from . import store, watch

CHANGED = "assignment.af_dispatch_changed"
#: about a protected person nothing leaves by itself
_PROTECTED = "PROTECTED"


def today(tenant: Tenant) -> date:
    """The business date. Raises Conflict before there is one."""
    if tenant.business_date is None:
        raise Conflict("No business date has been opened yet.", code="NO_BUSINESS_DATE")
    return tenant.business_date


def wanted_of(held: assignments.Record, tenant: Tenant, day: date) -> tuple[Wanted, ...]:
    """What the facts in effect of an assignment ask to be told on a day, and what was."""
    verdict = judged(held, tenant)
    receives_eb = verdict.after.client(verdict.terms).receives_eb
    return to_af.wanted(held.effective, tenant.settings, day, receives_eb=receives_eb)


# --- write ---------------------------------------------------------------------------------------------


def draft(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> Row:
    """The draft that is there now: a new one, or what was written before written anew.

    Raises NotFound, InvalidRequest, Conflict (`PERSON_NOT_LINKED`; `AF_ALREADY_OUT`: one is on its way), FactRefused
    (`NOT_COMMISSIONED`, `NOT_ASKED_FOR`, `CONSENT_MISSING`), Forbidden (`NO_LAWFUL_GROUND`, `CAREER_GUIDE_ONLY`,
    `NOT_IN_CHARGE`).
    """
    day, name, kind = today(tenant), request["assignment"], AfMessage(request["kind"])
    terms = messages()[kind]
    held = assignments.load_records(tx, tenant.id, [name], lock=True).get(name)
    if held is None:
        raise NotFound(f"There is no assignment {name}.")
    for field in ("period", "provider"):
        if request[field] is not None and access.is_number(request[field]):
            raise InvalidRequest(faults=[{"path": field, "message": "has the form of an identity number"}])
    content = read_content(kind, request["content"])
    person = people.person_of(tx, tenant.id, name)
    if person is None:
        message = "Nobody has said whose the assignment is: link it to a person first."
        raise Conflict(message, code="PERSON_NOT_LINKED")
    access.showed("person", person)
    before = store.latest(tx, tenant.id, name, kind, request["period"])
    suffix = to_af.next_suffix(before["suffix"], AfDispatchState(before["state"])) if before else 0
    asked = _asked(held, tenant, kind, request["period"], before, day)
    if suffix is None or (before and suffix == before["suffix"] and _may_be_there(tx, tenant, before)):
        raise Conflict("One is on its way or approved: what was told is told.", code="AF_ALREADY_OUT")
    if kind is AfMessage.COORDINATOR_HANDOFF:
        _only_by_career_guide(caller)
        content = _handoff(held, tenant)
    elif kind is AfMessage.SUBSIDY_FOLLOWUP and asked and content["subsidy"] != asked.about:
        raise InvalidRequest(faults=[{"path": "content.subsidy", "message": "is not the one that was followed up"}])
    _require_consent(held, tenant, terms, request["provider"], day)
    ground = gate.require(
        tx,
        tenant,
        person=person,
        what=terms.what,
        purpose=terms.purpose,
        requester=caller.subject,
        on=day,
        provider=request["provider"],
    )
    what = {
        "state": AfDispatchState.DRAFT.value,
        "provider": request["provider"],
        "since": asked.since if asked else before["since"] if before else None,
        "due": asked.due if asked else before["due"] if before else None,
        "record": gate.keep(tx, keys, tenant, ground, kind=f"af.{kind.lower()}.v1", data=content, on=day),
        "ground": ground.id,
        "drafted_by": caller.subject,
    }
    if before is not None and suffix == before["suffix"]:
        if before["record"] is not None:
            gate.forget(tx, tenant, before["record"])
        store.look_next_day(tx, tenant.id, name)
        again = {"submitted_by": None, "submitted_on": None, "tracking": None, "failures": 0, "ready_at": None}
        return store.change(tx, before, **what, **again, next_at=None, trouble=None, late=False, closing_window=None)
    base = before["dispatch"].rpartition("_")[0] if before else f"a-{secrets.token_hex(10)}"
    row = {"dispatch": to_af.numbered(base, suffix), "assignment": name, "person": person, "kind": kind.value}
    return store.add(tx, tenant.id, {**row, **what, "period": request["period"], "suffix": suffix})


def _asked(
    held: assignments.Record, tenant: Tenant, kind: AfMessage, period: str, before: Row | None, day: date
) -> Wanted | None:
    """What the facts ask for; None for what may be told at any time, or was begun when they did. Raises FactRefused."""
    terms = messages()[kind]
    if terms.supplier and held.case.programme not in SUPPLIED:
        message = "The employment service has not commissioned this intervention."
        raise FactRefused(message, code="NOT_COMMISSIONED", rules=terms.rules)
    if kind in AT_ANY_TIME:
        return None
    found = to_af.asked_for(wanted_of(held, tenant, day), kind, period)
    if found is None and before is None:
        message = f"Nothing that is recorded asks for a {kind} of that period."
        raise FactRefused(message, code="NOT_ASKED_FOR", rules=terms.rules)
    return found


def _may_be_there(tx: Tx, tenant: Tenant, row: Row) -> bool:
    """Whether the other side may have what is about to be written anew."""
    return row["state"] != AfDispatchState.DRAFT and store.may_have_arrived(tx, tenant.id, row["dispatch"])


@rule("AMI-2.2-b")
def _only_by_career_guide(caller: Caller) -> None:
    if caller.role is not CallerRole.CAREER_GUIDE:
        message = "Only a career guide hands over to the coordinator."
        raise Forbidden(message, code="CAREER_GUIDE_ONLY", rules=("AMI-2.2-b",))


@rule("AMI-2.2-c")
def _handoff(held: assignments.Record, tenant: Tenant) -> dict[str, Any]:
    """Two of the three fields; who the client is comes from the person when it is sent."""
    case = held.effective
    request, brokered = case.of(FactKind.COORDINATOR_REQUESTED), case.of(FactKind.COORDINATOR_BROKERED)
    timeline = Timeline(case, tenant.settings)
    if not (request and brokered) or timeline.provider_on(brokered[-1].on) != timeline.provider_on(today(tenant)):
        message = "The contact was brokered for another provider than the one in charge."
        raise FactRefused(message, code="STEP_OUT_OF_ORDER", rules=("AMI-2.2-b",))
    plans = case.of(FactKind.PLAN_DONE)
    found = handoff(case.assignment, case.programme, plans[-1].get("goal") if plans else None)
    return {name: found[name] for name in ("intervention", "goals")}


@rule("AMI-2.1-a")
def _require_consent(
    held: assignments.Record, tenant: Tenant, terms: MessageTerms, provider: str | None, day: date
) -> None:
    """What a provider asks for takes the client's consent to that provider, whatever the ground rests on."""
    if provider is None:
        return
    case = held.effective
    timeline = Timeline(case, tenant.settings)
    if timeline.provider_on(day) != provider:
        message = "The provider is not in charge of the assignment."
        raise Forbidden(message, code="NOT_IN_CHARGE", rules=("AMI-2.1-a",))
    scope = ConsentScope.AF_COORDINATOR if terms.what is DataKind.HANDOFF else ConsentScope.AF_OFFICER
    if not consent_holds(case, timeline, scope, day):
        message = "The client has not consented to that, or to another provider."
        raise FactRefused(message, code="CONSENT_MISSING", rules=("AMI-2.1-a",))


# --- let it go -----------------------------------------------------------------------------------------


def submit(tx: Tx, tenant: Tenant, keys: PersonKeys, dispatch: str, caller: Caller) -> Row:
    """Let a draft go, or have it handed over where the person is protected. Raises NotFound, Conflict (`AF_STATE`),
    and what `passes` raises.
    """
    row, day = _locked(tx, tenant, dispatch), today(tenant)
    access.showed("person", row["person"])
    kind = AfMessage(row["kind"])
    terms = messages()[kind]
    if kind is AfMessage.COORDINATOR_HANDOFF:
        _only_by_career_guide(caller)
    act = Act.HAND_OVER if is_protected(tx, keys, tenant, row["person"], day) else Act.SUBMIT
    state = moved(row, act if row["state"] == AfDispatchState.DRAFT else Act.SUBMIT)
    passes(tx, tenant, row, caller.subject, day)
    window = to_af.window_of(terms, row["since"], day) if row["since"] else None
    changed = store.change(
        tx,
        row,
        state=state.value,
        submitted_by=caller.subject,
        submitted_on=day,
        late=to_af.is_late(row["due"], day),
        closing_window=window,
        tracking=uuid4(),
        trouble=_PROTECTED if act is Act.HAND_OVER else None,
        ready_at=clock.now(),
        next_at=clock.now(),
    )
    tell(tx, changed)
    if row["suffix"]:
        earlier = to_af.numbered(dispatch.rpartition("_")[0], row["suffix"] - 1)
        former = store.one(tx, tenant.id, earlier)
        if former is not None and to_af.move(AfDispatchState(former["state"]), Act.RESUBMIT) is not None:
            tell(tx, store.change(tx, former, state=AfDispatchState.RESUBMITTED.value))
    watch.look_again(tx, tenant, assignments.load_records(tx, tenant.id, [row["assignment"]])[row["assignment"]])
    return changed


def resend(tx: Tx, tenant: Tenant, keys: PersonKeys, dispatch: str, caller: Caller) -> Row:
    """Have it sent again, with the same tracking id, and without waiting. Raises as `submit`."""
    row, day = _locked(tx, tenant, dispatch), today(tenant)
    state = moved(row, Act.RESEND)
    if is_protected(tx, keys, tenant, row["person"], day):
        raise Conflict("The person is protected: hand it over by other ways.", code=_PROTECTED)
    passes(tx, tenant, row, caller.subject, day)
    more = {"failures": 0, "trouble": None, "ready_at": clock.now(), "next_at": clock.now()}
    changed = store.change(tx, row, state=state.value, **more)
    tell(tx, changed)
    return changed


def park(tx: Tx, tenant: Tenant, dispatch: str) -> Row:
    """Put aside. Raises NotFound, Conflict (`AF_STATE`)."""
    row = _locked(tx, tenant, dispatch)
    changed = store.change(tx, row, state=moved(row, Act.PARK).value, next_at=None)
    tell(tx, changed)
    return changed


def expire(tx: Tx, tenant: Tenant) -> int:
    """What has not left and whose contents are gone leaves no more; how many. After `gate.expire`."""
    names = store.without_content(tx, tenant.id, [one for one in AfDispatchState if to_af.move(one, Act.EXPIRE)])
    for dispatch in names:
        fade(tx, _locked(tx, tenant, dispatch))
    return len(names)


# --- shared with sending and answers -------------------------------------------------------------------


def passes(tx: Tx, tenant: Tenant, row: Row, requester: str, day: date) -> None:
    """Raises Forbidden unless there is a ground on `day`, and FactRefused without the consent that a provider needs."""
    terms = messages()[AfMessage(row["kind"])]
    gate.require(
        tx,
        tenant,
        person=row["person"],
        what=terms.what,
        purpose=terms.purpose,
        requester=requester,
        on=day,
        provider=row["provider"],
    )
    if row["provider"] is not None:
        held = assignments.load_records(tx, tenant.id, [row["assignment"]])[row["assignment"]]
        _require_consent(held, tenant, terms, row["provider"], day)


def contents(tx: Tx, keys: PersonKeys, tenant: Tenant, row: Row, day: date) -> dict[str, dict[str, Any]]:
    """What is kept on the ground of a message, by the record's id: what it says, and comments on it."""
    terms = messages()[AfMessage(row["kind"])]
    found = gate.kept(
        tx,
        keys,
        tenant,
        person=row["person"],
        what=terms.what,
        purpose=terms.purpose,
        on=day,
        provider=row["provider"],
    )
    return {record.id: record.data for record in found}


def is_protected(tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, day: date) -> bool:
    return protected(people.protections(tx, keys, tenant.id, person), day)


def moved(row: Row, act: Act) -> AfDispatchState:
    """The state after. Raises Conflict (`AF_STATE`)."""
    found = to_af.move(AfDispatchState(row["state"]), act, submitted=row["tracking"] is not None)
    if found is None:
        raise Conflict(f"It is {row['state']}: that cannot be done now.", code="AF_STATE")
    return found


def fade(tx: Tx, row: Row) -> None:
    tell(tx, store.change(tx, row, state=moved(row, Act.EXPIRE).value, record=None, next_at=None))
    store.look_next_day(tx, row["tenant"], row["assignment"])


def tell(tx: Tx, row: Row) -> None:
    """Publish where it stands."""
    tx.publish(
        CHANGED,
        subject=row["assignment"],
        tenant=row["tenant"],
        data={
            "assignment": row["assignment"],
            "message": row["dispatch"].rpartition("_")[0],
            "kind": row["kind"],
            "number": row["suffix"],
            "revision": row["revision"],
            "state": row["state"],
            "provider": row["provider"],
            "due": None if row["due"] is None else row["due"].isoformat(),
            "late": row["late"],
            "as_of": today(tenants.get(tx, row["tenant"])).isoformat(),
        },
    )


def _locked(tx: Tx, tenant: Tenant, dispatch: str) -> Row:
    row = store.locked(tx, tenant.id, dispatch)
    if row is None:
        raise NotFound(f"There is no message {dispatch}.")
    return row
