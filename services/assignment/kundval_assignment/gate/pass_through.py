"""Open and end grounds, and ask for one before anything about a person is fetched, kept or passed on."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date

from kundval_chassis import access, logs, telemetry
from kundval_chassis.db import Tx
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import ConsentScope, DataKind, GateRefusal, LegalBasis, Purpose
from kundval_contracts.errors import Conflict, FactRefused, Forbidden, InvalidRequest, NotFound
from kundval_contracts.lawful import table

from .. import store as assignments
from ..domain.gate import Ground, Need, bases, decide, find_consent, latest_expiry, why_not
from ..people import store as people
from . import store

log = logs.get(__name__)

#: of every refusal; why it was so is entered and told to nobody who could learn something from it
NO_LAWFUL_GROUND = "NO_LAWFUL_GROUND"
_RULES = ("AMI-2.1-a", "AMI-2.2-c")


def open(
    tx: Tx,
    tenant: Tenant,
    *,
    person: str,
    what: DataKind,
    purpose: Purpose,
    basis: LegalBasis,
    requester: str,
    expires_on: date,
    provider: str | None = None,
    reference: str | None = None,
    scope: ConsentScope | None = None,
) -> str:
    """Open a ground from the business date until before `expires_on`; its id.

    One by consent names the provider and the consent's `scope`, and rests on the consent that holds today. Raises
    NotFound (person, provider), Conflict (no business date), InvalidRequest, and FactRefused (`USE_NOT_PERMITTED`,
    `CONSENT_MISSING`), which is entered as a refusal.
    """
    if tenant.business_date is None:
        raise Conflict("No business date has been opened yet.", code="NO_BUSINESS_DATE")
    since = tenant.business_date
    if people.unknown(tx, tenant.id, [person]):
        raise NotFound(f"There is no person {person}.")
    if provider is not None and provider not in tenant.providers:
        raise NotFound(f"There is no provider {provider}.")
    _check(tenant, what, basis, requester, since, expires_on, provider, reference, scope)
    need = Need(what, purpose, since, provider)
    if basis not in bases(tenant.settings, what, purpose):
        refuse(tx, tenant, need, requester, GateRefusal.NOT_PERMITTED, person)
        message = f"Data of the kind {what} may not be used for {purpose} on the basis {basis}."
        raise FactRefused(message, code="USE_NOT_PERMITTED", rules=("AMI-2.2-c",))
    assignment = consent = None
    if basis is LegalBasis.CONSENT:
        assert scope is not None and provider is not None
        cases = _cases(tx, tenant, people.assignments_of(tx, tenant.id, person))
        found = find_consent(cases, tenant.settings, scope, provider, since)
        if found is None:
            refuse(tx, tenant, need, requester, GateRefusal.NO_CONSENT, person)
            message = "The client has not consented to that, or to another provider."
            raise FactRefused(message, code="CONSENT_MISSING", rules=("AMI-2.1-a",))
        assignment, consent = found
    ground = Ground(
        id=f"g-{secrets.token_hex(10)}",
        person=person,
        what=what,
        purpose=purpose,
        basis=basis,
        requester=requester,
        since=since,
        expires_on=expires_on,
        provider=provider,
        reference=reference,
        scope=scope,
        assignment=assignment,
        consent=consent,
    )
    store.add(tx, tenant.id, ground)
    return ground.id


def _check(
    tenant: Tenant,
    what: DataKind,
    basis: LegalBasis,
    requester: str,
    since: date,
    expires_on: date,
    provider: str | None,
    reference: str | None,
    scope: ConsentScope | None,
) -> None:
    """Raises InvalidRequest naming everything that does not fit together."""
    faults = []
    if expires_on <= since:
        faults.append({"path": "expires_on", "message": "must be after the business date"})
    elif expires_on > (latest := latest_expiry(tenant.settings, what, since)):
        faults.append({"path": "expires_on", "message": f"must not be after {latest} (gate.longest)"})
    for name, value in (("requester", requester), ("reference", reference)):
        if value is not None and access.is_number(value):
            faults.append({"path": name, "message": "has the form of an identity number"})
    if basis is LegalBasis.CONSENT:
        if provider is None:
            faults.append({"path": "provider", "message": "a consent is to one provider: name it"})
        if scope not in table()[what].consents:
            scopes = ", ".join(table()[what].consents) or "none: no consent covers such data"
            faults.append({"path": "scope", "message": f"must be one of: {scopes}"})
    elif scope is not None:
        faults.append({"path": "scope", "message": f"goes with the basis {LegalBasis.CONSENT} alone"})
    if faults:
        raise InvalidRequest(faults=faults)


def end(tx: Tx, tenant: Tenant, ground: str) -> bool:
    """End a ground from the business date on, and let go of what was kept on it; False if it was ended before.

    Raises NotFound, and Conflict without a business date.
    """
    if tenant.business_date is None:
        raise Conflict("No business date has been opened yet.", code="NO_BUSINESS_DATE")
    found = store.ground(tx, tenant.id, ground, lock="FOR UPDATE")
    if found is None:
        raise NotFound(f"There is no ground {ground}.")
    access.showed("person", found.person)
    store.remove_records(tx, tenant.id, ground)
    return store.end(tx, tenant.id, ground, tenant.business_date)


def require(
    tx: Tx,
    tenant: Tenant,
    *,
    person: str,
    what: DataKind,
    purpose: Purpose,
    requester: str,
    on: date,
    provider: str | None = None,
) -> Ground:
    """The ground on which `requester` may do this on the day `on`.

    Raises Forbidden (`NO_LAWFUL_GROUND`); that is entered, logged and counted, whatever becomes of `tx`.
    """
    need = Need(what, purpose, on, provider)
    found = find(tx, tenant, person, need)
    if isinstance(found, Ground):
        return found
    raise refused(tx, tenant, need, requester, found, person)


def refused(tx: Tx, tenant: Tenant, need: Need, requester: str, code: GateRefusal, person: str) -> Forbidden:
    """`refuse`, and the error that tells it."""
    refuse(tx, tenant, need, requester, code, person)
    message = f"There is no legal ground for {need.what} for the purpose {need.purpose}."
    return Forbidden(message, code=NO_LAWFUL_GROUND, rules=_RULES)


def find(tx: Tx, tenant: Tenant, person: str, need: Need) -> Ground | GateRefusal:
    """As `require`, but why there is none is the answer, and entered by nobody: for who has another way to ask, or
    calls `refuse`.
    """
    grounds = store.grounds(tx, tenant.id, [person], need.what)
    return decide(grounds, cases_of(tx, tenant, grounds), tenant.settings, need)


def refuse(tx: Tx, tenant: Tenant, need: Need, requester: str, code: GateRefusal, person: str | None = None) -> None:
    """Enter, log and count that the gate stayed shut, whatever becomes of `tx`."""
    log.warning("gate_refused", tenant=tenant.id, what=need.what.value, purpose=need.purpose.value, code=code.value)
    telemetry.GATE_REFUSALS.labels(need.what.value, need.purpose.value, code.value).inc()
    tx.note(
        lambda later: store.add_refusal(
            later,
            tenant.id,
            person=person,
            what=need.what,
            purpose=need.purpose,
            requester=requester,
            provider=need.provider,
            code=code,
            on=need.on,
        )
    )


def why_no_more(tx: Tx, tenant: Tenant, ground: Ground, on: date) -> GateRefusal | None:
    """Why a ground does not hold on `on` for what it was opened for, its consent looked at; None if it does."""
    need = Need(ground.what, ground.purpose, on, ground.provider)
    return why_not(ground, cases_of(tx, tenant, [ground]), tenant.settings, need)


def cases_of(tx: Tx, tenant: Tenant, grounds: Iterable[Ground]) -> dict[str, Case]:
    """The assignments with the consents on which these grounds rest, with their facts in effect."""
    names = sorted({ground.assignment for ground in grounds if ground.assignment is not None})
    return {case.assignment: case for case in _cases(tx, tenant, names)}


def _cases(tx: Tx, tenant: Tenant, names: list[str]) -> list[Case]:
    return [record.effective for record in assignments.load_records(tx, tenant.id, names).values()] if names else []
