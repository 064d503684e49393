"""The status as jobseeker: asked for or handed in, kept on a ground, and stated where there is one for that too."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.af import ssbtek, status
from kundval_contracts.af.orders import Due
from kundval_contracts.af.status import JobseekerStatus
from kundval_contracts.calendar import add_months
from kundval_contracts.case import Tenant
from kundval_contracts.codes import AfCheckResult, AfFault, DataKind, FactKind, ProtectionKind, Purpose
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound

from .. import gate
from ..domain.people import protected
from ..people import guard, persons
from ..people import store as people
from ..people.keys import PersonKeys
from .follow import follow
from .grounds import today_of
from .port import Asking
from .soap import CASE_ID_BELOW, Question, failed

#: of the ids of facts that follow from a status
SOURCE = "af-status:"

#: how many months back an answer is asked for
MONTHS = 3


def person_of(tx: Tx, tenant: Tenant, assignment: str) -> str:
    """Whose assignment it is. Raises NotFound, and Conflict if nobody has said."""
    if not people.existing(tx, tenant.id, [assignment]):
        raise NotFound(f"There is no assignment {assignment}.")
    person = people.person_of(tx, tenant.id, assignment)
    if person is None:
        message = "Nobody has said whose the assignment is: link it to a person first."
        raise Conflict(message, code="PERSON_NOT_LINKED")
    return person


def _seen(tx: Tx, keys: PersonKeys, tenant: Tenant, assignment: str, caller: Caller) -> people.Held:
    """Whose assignment it is. Raises as `person_of`; for who may not know of the person there is no such assignment."""
    person = person_of(tx, tenant, assignment)
    try:
        return guard.see(tx, keys, tenant, person, caller, assignment)
    except NotFound:
        raise NotFound(f"There is no assignment {assignment}.") from None


def fetch(
    tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller, asking: Asking
) -> dict[str, Any]:
    """The answer of `assignment.fetch_af_status`: the gate first, for everything that will be done with the answer.

    Raises NotFound, Forbidden (`NO_LAWFUL_GROUND`, `PURPOSE_NOT_ASKED_FOR`), Conflict, KundvalError with a code of
    `AfFault`; then nothing is kept.
    """
    today = today_of(tenant)
    held = _seen(tx, keys, tenant, request["assignment"], caller)
    person = held.person
    ground = _grounds(tx, tenant, person, request, caller)
    if held.number is None:
        raise Conflict("No identity number of the person is held, so nobody can be asked.", code="NO_NUMBER")
    service, terms = asking.configured()
    submitter, declared = terms.submitters.get(tenant.id), terms.purposes.get(request["purpose"])
    if submitter is None:
        raise Conflict("The base service is not configured for the municipality.", code="NOT_CONFIGURED")
    if declared is None:
        message = f"The base service is not asked for {request['purpose']}."
        raise Forbidden(message, code="PURPOSE_NOT_ASKED_FOR", rules=("AMI-1.3.2-a",))
    answer = service.ask(
        Question(
            submitter,
            caller.subject,
            held.number,
            secrets.token_hex(CASE_ID_BELOW // 2 - 1),
            add_months(today, -MONTHS),
            today,
            declared,
        )
    )
    try:
        found = ssbtek.read_answer(answer, as_of=today, number=held.number)
    except InvalidRequest as error:
        # it is the answer that cannot be used, not what the caller has asked
        raise failed(AfFault(error.code), "gave an answer that cannot be used") from None
    return _keep(tx, keys, tenant, person, ground, found, request, caller)


def receive(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.receive_af_status`, for a status that came as a file. Raises as `fetch`, and Conflict
    (`OTHER_PERSON`) if it says that it is about somebody else.
    """
    person = person_of(tx, tenant, request["assignment"])
    number = persons.number_in(request, tenant)
    held = people.load(tx, keys, tenant.id, person)
    if number is not None and (held is None or held.number != number.digits):
        raise Conflict("The status is about another person.", code=AfFault.OTHER_PERSON)
    found: JobseekerStatus = request["status"]
    if found.as_of > today_of(tenant):
        raise InvalidRequest(faults=[{"path": "status.as_of", "message": "must not be after the business date"}])
    ground = _grounds(tx, tenant, person, request, caller)
    return _keep(tx, keys, tenant, person, ground, found, request, caller)


def shown(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.af_status`: what is kept and may be used for that purpose, the newest first."""
    today = today_of(tenant)
    person = _seen(tx, keys, tenant, request["assignment"], caller).person
    need = {"person": person, "what": DataKind.AF_STATUS, "purpose": request["purpose"], "on": today}
    need["provider"] = request["provider"]
    gate.require(tx, tenant, requester=caller.subject, **need)
    kept = [one for one in gate.kept(tx, keys, tenant, **need) if one.kind == status.NAME]
    return {
        "assignment": request["assignment"],
        "statuses": [
            {"record": one.id, "kept_on": one.kept_on, "expires_on": one.expires_on, "status": one.data}
            for one in reversed(kept)
        ],
    }


def _grounds(tx: Tx, tenant: Tenant, person: str, request: Mapping[str, Any], caller: Caller) -> gate.Ground:
    """The ground on which the status is kept, and, if it is to be stated about an intervention, that there is one for
    that too: a ground for financial assistance is none for an intervention.
    """
    today = today_of(tenant)
    ground = _require(tx, tenant, person, request["purpose"], request, caller)
    if request["state"] and request["purpose"] is not Purpose.LABOUR_MARKET_INTERVENTION:
        _require(tx, tenant, person, Purpose.LABOUR_MARKET_INTERVENTION, request, caller)
    assert ground.until > today
    return ground


def _require(
    tx: Tx, tenant: Tenant, person: str, purpose: Purpose, request: Mapping[str, Any], caller: Caller
) -> gate.Ground:
    return gate.require(
        tx,
        tenant,
        person=person,
        what=DataKind.AF_STATUS,
        purpose=purpose,
        requester=caller.subject,
        on=today_of(tenant),
        provider=request["provider"],
    )


def _keep(
    tx: Tx,
    keys: PersonKeys,
    tenant: Tenant,
    person: str,
    ground: gate.Ground,
    found: JobseekerStatus,
    request: Mapping[str, Any],
    caller: Caller,
) -> dict[str, Any]:
    today = today_of(tenant)
    record = gate.keep(tx, keys, tenant, ground, kind=status.NAME, data=status.SCHEMA.dump(found), on=today)
    stated = _state(tx, tenant, found, request) if request["state"] else []
    if found.protected:
        _protect(tx, keys, tenant, person, caller)
    # nothing of what the status says: the answer of a command is kept longer than the status
    return {
        "assignment": request["assignment"],
        "record": record,
        "expires_on": ground.until,
        "stated": stated,
        "faults": [{"agency": one.agency, "source": one.source, "code": one.code} for one in found.faults],
    }


def _state(tx: Tx, tenant: Tenant, found: JobseekerStatus, request: Mapping[str, Any]) -> list[str]:
    """State what the status says about the registration, and what a person has read in it about AF's own measures."""
    registered, day = found.registered_on(found.as_of), found.as_of
    due = []
    if registered is not None:
        data = {"registered": registered}
        due.append(Due(f"registration:{day}", FactKind.AF_REGISTRATION_CHECKED, day, data))
    if request["af_check"] is not None:
        due.append(Due(f"check:{day}", FactKind.AF_CHECKED, day, {"result": AfCheckResult(request["af_check"])}))
    facts: list[str] = []
    for one in due:
        facts += follow(tx, tenant, request["assignment"], f"{SOURCE}{one.slot}:", [one], today_of(tenant))
    return facts


def _protect(tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, caller: Caller) -> None:
    """An authority marks the identity as confidential: it is protected here from today on, if it is not yet."""
    today = today_of(tenant)
    if not protected(people.protections(tx, keys, tenant.id, person), today):
        mark = {"person": person, "kind": ProtectionKind.CONFIDENTIALITY_MARK, "since": today, "until": None}
        persons.protect(tx, keys, tenant, mark, caller)


__all__ = ["MONTHS", "SOURCE", "fetch", "person_of", "receive", "shown"]
