"""The entrypoints about persons; a base of the service's class."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller
from kundval_contracts.events import MASKED
from kundval_contracts.rpc.base import CallerRole

from .. import inbound, tenants
from . import contacts, export, guard, log, persons, retention, store
from .log import Witness


class PeopleEntrypoints:
    witness = Witness()

    @command("assignment.register_person")
    def register_person(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"person": persons.register(tx, self.witness.keys, tenant, request)}

    @command("assignment.update_person")
    def update_person(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"person": persons.update(tx, self.witness.keys, tenant, request, caller)}

    @command("assignment.link_person")
    def link_person(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        linked = persons.link(tx, self.witness.keys, tenant, request["assignment"], request["person"])
        inbound.settle_linked(tx, self.witness.keys, tenant, [request["person"]])
        return {"linked": linked}

    @query("assignment.person")
    def person(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return persons.show(tx, self.witness.keys, tenant, request["person"], caller)

    @query("assignment.find_person")
    def find_person(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        number = persons.number_in(request, tenant)
        assert number is not None
        return {"person": guard.find(tx, self.witness.keys, tenant, number.digits, caller)}

    @query("assignment.person_history")
    def person_history(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        rows = persons.episodes(tx, self.witness.keys, tenant, request["person"], caller)
        return {"person": request["person"], "assignments": [asdict(row) for row in rows]}

    @query("assignment.language")
    def language(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return persons.languages(tx, self.witness.keys, tenant, request["assignment"], request["offered"], caller)

    @query("assignment.contact_points")
    def contact_points(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"contacts": contacts.points(tx, self.witness.keys, tenant, request)}

    @command("assignment.protect_person")
    def protect_person(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        persons.protect(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)
        return {"person": request["person"]}

    @command("assignment.allow_reader")
    def allow_reader(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        persons.allow(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)
        return {"person": request["person"]}

    @command("assignment.revoke_reader")
    def revoke_reader(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"revoked": store.revoke_reader(tx, tenant.id, request["person"], request["reader"], caller.subject)}

    @query("assignment.readers")
    def readers(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {
            "person": request["person"],
            "readers": store.readers(tx, self.witness.keys, tenant.id, request["person"]),
        }

    @query("assignment.export_person")
    def export_person(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return export.export(tx, self.witness.keys, tenant, request["person"], caller)

    @query("assignment.erase_due")
    def erase_due(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        rows = retention.due(tx, tenant, request["limit"])
        return {"unset": retention.unset(tenant), "due": [row.as_json() for row in rows]}

    @command("assignment.erase")
    def erase(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        erased, kept = retention.erase(tx, self.witness.keys, tenant, request["limit"])
        return {"unset": retention.unset(tenant), "erased": erased, "kept": kept}

    @query("assignment.access_log")
    def access_log(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        subjects: list[str] | None = None
        if request["person"] is not None:
            names = store.assignments_of(tx, tenant.id, request["person"])
            subjects = [f"person:{request['person']}", *(f"assignment:{name}" for name in names)]
        if request["assignment"] is not None:
            subjects = [*(subjects or ()), f"assignment:{request['assignment']}"]
        rows = log.entries(tx, tenant.id, subjects, request["actor"], request["before"], request["limit"])
        hidden = guard.hidden_subjects(tx, self.witness.keys, tenant, caller)
        for row in rows:
            # that a provider looked at a protected person's case says where the person is
            if row["role"] == CallerRole.PROVIDER and hidden.intersection(row["subjects"]):
                row.update(actor=MASKED, organisation=MASKED, purpose=MASKED)
        return {"entries": rows}

    @query("assignment.verify_access_log")
    def verify_access_log(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        known = None if request["head"] is None else (request["entries"], request["head"])
        return log.verify(tx, self.witness.keys, tenant.id, known)

    @command("assignment.reseal_persons")
    def reseal_persons(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return persons.reseal(tx, self.witness.keys, tenant.id, request["limit"])
