"""RPC of reports and documents: a base of the assignment service."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from .. import tenants
from ..people.log import Witness
from . import keep
from .scanner import Scanning


class ReportsEntrypoints:
    scanner = Scanning()
    #: the service's own, which holds the keys under which lies who is protected
    witness: Witness

    @query("assignment.reports")
    def reports(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.listed(tx, tenants.get(tx, request["tenant"]), request, caller, self.witness.keys)

    @query("assignment.report")
    def report(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.report(tx, tenants.get(tx, request["tenant"]), request, caller, self.witness.keys)

    @command("assignment.save_report")
    def save_report(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.save(tx, tenants.get(tx, request["tenant"]), request, caller)

    @command("assignment.submit_report")
    def submit_report(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.submit(tx, tenants.get(tx, request["tenant"]), request, caller)

    @command("assignment.return_report")
    def return_report(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.send_back(tx, tenants.get(tx, request["tenant"]), request, caller)

    @command("assignment.approve_report")
    def approve_report(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.approve(tx, tenants.get(tx, request["tenant"]), request, caller)

    @command("assignment.add_document")
    def add_document(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.add_document(tx, tenants.get(tx, request["tenant"]), request, caller, self.scanner)

    @query("assignment.document")
    def document(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.document(tx, tenants.get(tx, request["tenant"]), request, caller, self.witness.keys)

    @query("assignment.documents")
    def documents(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.document_list(tx, tenants.get(tx, request["tenant"]), request, caller, self.witness.keys)

    @query("assignment.agreement_template")
    def agreement_template(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.agreement_template(tx, tenants.get(tx, request["tenant"]), request, caller, self.witness.keys)
