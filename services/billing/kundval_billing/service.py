"""The billing service: holds the facts, computes what is due, keeps the ledger in step by new entries alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kundval_chassis import agenda, held
from kundval_chassis.background import Background
from kundval_chassis.consume import consumes
from kundval_chassis.db import Database, Tx
from kundval_chassis.partners.distribute import Partners
from kundval_chassis.partners.feed import Feed
from kundval_chassis.relay import Outbox
from kundval_chassis.rpc import command, query
from kundval_chassis.service import info
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import veil
from kundval_contracts.answer import totals
from kundval_contracts.envelope import Event
from kundval_contracts.errors import NotFound

from . import payments, store
from .claims import hear
from .claims.entrypoints import ClaimsEntrypoints
from .control import hear as evidence
from .control.entrypoints import ControlEntrypoints
from .documents.entrypoints import DocumentEntrypoints
from .explanations import store as known
from .explanations.entrypoints import ExplanationEntrypoints
from .looks import looks
from .payees.entrypoints import PayeeEntrypoints
from .payments.entrypoints import PaymentEntrypoints
from .questions.entrypoints import QuestionEntrypoints
from .questions.work import QuestionWork
from .settings import SETTINGS
from .today import lines_today


class BillingService(
    ClaimsEntrypoints,
    ControlEntrypoints,
    DocumentEntrypoints,
    ExplanationEntrypoints,
    PayeeEntrypoints,
    PaymentEntrypoints,
    QuestionEntrypoints,
):
    name = "billing"
    settings = SETTINGS
    looks = staticmethod(looks)
    rule_settings = ("AMI1_MONTHLY_FEE", "AMI2_MONTHLY_FEE")
    db = Database()
    outbox = Outbox()
    feed = Feed()
    partners = Partners()
    answering_questions = Background(QuestionWork())

    @consumes("assignment", needs=held.NEEDS | hear.NEEDS | {evidence.NEWS})
    def on_events(self, tx: Tx, events: list[Event]) -> None:
        # what is due is computed when somebody asks, and posted by a payment run: here the facts are held, and it is
        # told where the money stands now
        payments.turn(tx, (event.tenant for event in events))
        known.keep(tx, events)
        changed = held.apply(tx, events)
        agenda.wake(tx, changed)
        agenda.wake_tenants(tx, events)
        hear.take_in(tx, events, changed)
        evidence.take(tx, events)

    @command("billing.run_payments")
    def run_payments(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        payments.turn(tx, [request["tenant"]])
        tenant = held.tenant_named(tx, request["tenant"])
        done = payments.run_payments(tx, tenant, request["run"])
        return {
            "tenant": tenant.id,
            "run": request["run"],
            "postings": done.postings,
            "amount": done.amount,
            "problems": done.problems,
        }

    @query("billing.lines")
    def lines(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return _page(tx, request, caller, "lines", list)

    @query("billing.totals")
    def totals(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return _page(tx, request, caller, "totals", totals)

    @query("billing.postings")
    def postings(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        page = store.page(tx, request["tenant"], request["assignment"], request["after"], request["limit"])
        provider = caller.provider or request["provider"]
        rows = [
            posting.as_json()
            for posted in store.postings_of(tx, request["tenant"], page).values()
            for posting in posted
            if provider in (None, posting.provider)
        ]
        rows = veil(tx, request["tenant"], rows, caller, filtered=provider)
        return {"postings": rows, "next": page[-1] if len(page) == request["limit"] else None}

    @query("billing.explain")
    def explain(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, assignment = held.tenant_named(tx, request["tenant"]), request["assignment"]
        cases = held.load_cases(tx, [(tenant.id, assignment)])
        if not cases:
            raise NotFound(f"There is no assignment {assignment}.")
        found = [
            {**line.as_json(), "steps": [step.as_json() for step in line.steps]}
            for line in lines_today(cases[0], tenant)
            if caller.provider in (None, line.provider)
        ]
        posted = [
            {
                **posting.as_json(),
                "rules": list(posting.rules),
                "because": posting.because,
                "steps": [step.as_json() for step in posting.steps],
            }
            for posting in store.postings_of(tx, tenant.id, [assignment])[assignment]
            if caller.provider in (None, posting.provider)
        ]
        return {
            "assignment": assignment,
            "lines": veil(tx, tenant.id, found, caller, filtered=caller.provider),
            "postings": veil(tx, tenant.id, posted, caller, filtered=caller.provider),
        }

    @query("billing.summary")
    def summary(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        statuses: dict[str, int] = {}
        for cases in held.tenant_cases(tx, tenant.id):
            for line in (line for case in cases for line in lines_today(case, tenant)):
                statuses[line.status.value] = statuses.get(line.status.value, 0) + 1
        return {"tenant": tenant.id, **store.summary(tx, tenant.id), "lines": dict(sorted(statuses.items()))}

    @query("billing.positions")
    def positions(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return held.positions(tx, request["tenant"])

    @query("billing.info")
    def info(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return info(tx, self.name)


def _page(
    tx: Tx,
    request: dict[str, Any],
    caller: Caller,
    name: str,
    show: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> dict[str, Any]:
    tenant = held.tenant_named(tx, request["tenant"])
    page = store.page(tx, tenant.id, request["assignment"], request["after"], request["limit"])
    provider = caller.provider or request["provider"]
    cases = held.load_cases(tx, [(tenant.id, assignment) for assignment in page])
    rows = [line.as_json() for case in cases for line in lines_today(case, tenant) if provider in (None, line.provider)]
    return {
        name: show(veil(tx, tenant.id, rows, caller, filtered=provider)),
        "next": page[-1] if len(page) == request["limit"] else None,
    }
