"""RPC about documents, statements, and the journal for the books."""

from __future__ import annotations

from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, primitives, query
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import DocumentForm, JournalForm, StatementForm
from kundval_contracts.errors import Conflict, NotFound

from . import journal, read, sheet, statements, store, tables

CSV, HTML, PDF = "text/csv; charset=utf-8", "text/html; charset=utf-8", "application/pdf"


class DocumentEntrypoints:
    """RPC about documents, statements, and the journal for the books."""

    @query("billing.documents")
    def documents(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        provider = caller.provider or request["provider"]
        found = store.heads(tx, request["tenant"], provider, request["run"], request["after"], request["limit"])
        return {"documents": found, "next": found[-1]["number"] if len(found) == request["limit"] else None}

    @query("billing.document")
    def document(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        number, form, lang = request["number"], request["form"], request["lang"]
        found = store.one(tx, request["tenant"], number, caller.provider or request["provider"])
        if found is None:
            raise NotFound(f"There is no document {number}.")
        document, body, _ = found
        if form is DocumentForm.XML:
            if not document.kind.is_invoice:
                raise Conflict("A payment basis is no invoice and has no XML.", code="NO_XML")
            return sheet.file(f"{number}.xml", "application/xml", body)
        if form is DocumentForm.CSV:
            return sheet.file(f"{number}.csv", CSV, tables.of_document(document).encode())
        made = read.document_sheet(document, lang)
        if form is DocumentForm.HTML:
            return sheet.file(f"{number}.html", HTML, sheet.html(made).encode())
        return sheet.file(f"{number}.pdf", PDF, sheet.pdf(made))

    @query("billing.payment_basis_csv")
    def payment_basis_csv(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        provider = caller.provider or request["provider"]
        return {"csv": tables.of_run(store.of_run(tx, request["tenant"], request["run"], provider))}

    @query("billing.statement")
    def statement(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        found, about = statements.load(tx, held.tenant_named(tx, request["tenant"]), request["provider"], request)
        made = read.statement_sheet(found, about, request["lang"])
        name = f"statement-{about.provider}-{about.first}".replace("/", "-")
        if request["form"] is StatementForm.HTML:
            return sheet.file(f"{name}.html", HTML, sheet.html(made).encode())
        return sheet.file(f"{name}.pdf", PDF, sheet.pdf(made))

    @command("billing.set_accounting")
    def set_accounting(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, valid_from = request["tenant"], request["valid_from"]
        version = store.add_plan(tx, tenant, valid_from, primitives(request["plan"]), caller.subject)
        return {"tenant": tenant, "version": version, "valid_from": valid_from}

    @query("billing.accounting")
    def accounting(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"accounting": store.plans(tx, request["tenant"])}

    @command("billing.make_journal")
    def make_journal(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        return journal.make(tx, tenant, request["run"], request["from"], request["to"])

    @query("billing.journals")
    def journals(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"journals": store.journals(tx, request["tenant"])}

    @query("billing.journal")
    def journal(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        number = request["journal"]
        found = store.journal(tx, request["tenant"], number)
        if found is None:
            raise NotFound(f"There is no journal {number}.")
        if request["form"] is JournalForm.SIE:
            return sheet.file(f"journal-{number}.si", "application/octet-stream", bytes(found["sie"]))
        return sheet.file(f"journal-{number}.csv", CSV, bytes(found["csv"]))
