"""The assignment service: owns clients, assignments and the facts about them; publishes what takes effect."""

from __future__ import annotations

from typing import Any

from kundval_chassis import held
from kundval_chassis.consume import consumes
from kundval_chassis.db import Database, Tx
from kundval_chassis.partners.distribute import Partners
from kundval_chassis.partners.feed import Feed
from kundval_chassis.relay import Outbox
from kundval_chassis.rpc import command, query
from kundval_chassis.rules import DeploymentRules
from kundval_chassis.service import info
from kundval_chassis.tokens import Caller
from kundval_contracts.envelope import Event
from kundval_contracts.events_in import EVENTS_IN, SOURCES

from . import gate, inbound, record, store, tenants
from .af_in.entrypoints import AfInEntrypoints
from .casework.entrypoints import CaseworkEntrypoints
from .domain import meetings
from .gate.entrypoints import GateEntrypoints
from .inbound.entrypoints import InboundEntrypoints
from .local.entrypoints import LocalEntrypoints
from .meetings.hear import hear
from .partners.entrypoints import PartnerEntrypoints
from .people import guard, log, persons
from .people.entrypoints import PeopleEntrypoints
from .providers import places
from .providers import record as authorisation
from .providers.entrypoints import ProviderEntrypoints
from .reports.entrypoints import ReportsEntrypoints
from .results.entrypoints import ResultsEntrypoints
from .settings import SETTINGS, faults
from .to_af import write as to_af
from .to_af.entrypoints import ToAfEntrypoints
from .to_af.post import AfPost


class AssignmentService(
    AfInEntrypoints,
    CaseworkEntrypoints,
    GateEntrypoints,
    InboundEntrypoints,
    LocalEntrypoints,
    PartnerEntrypoints,
    PeopleEntrypoints,
    ProviderEntrypoints,
    ReportsEntrypoints,
    ResultsEntrypoints,
    ToAfEntrypoints,
):
    name = "assignment"
    settings = SETTINGS
    settings_faults = staticmethod(faults)
    rule_settings = ("AMI1_MONTHLY_FEE", "AMI2_MONTHLY_FEE")
    db = Database()
    outbox = Outbox()
    feed = Feed()
    partners = Partners()
    rules = DeploymentRules()
    af_post = AfPost()

    @consumes("scheduling", *SOURCES, needs=meetings.NEEDS | frozenset(EVENTS_IN), only_needed=True)
    def on_events(self, tx: Tx, events: list[Event]) -> None:
        hear(tx, (event for event in events if event.name not in EVENTS_IN))
        inbound.hear(tx, self.witness.keys, (event for event in events if event.name in EVENTS_IN))

    @command("assignment.open_tenant")
    def open_tenant(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.read(request, self.rules)
        store.save_tenant(tx, tenant)
        authorisation.terms_have_changed(tx, tenant.id)
        tenant = tenants.get(tx, tenant.id)
        tenants.announce(tx, tenant)
        record.terms_have_changed(tx, tenant)
        return {"tenant": tenant.id}

    @command("assignment.open_day")
    def open_day(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        day = tenants.open_day(tx, tenant, request["date"])
        if day != tenant.business_date:
            guard.keep_restricted(tx, self.witness.keys, tenant, day, after=tenant.business_date)
            log.tell_head(tx, tenant.id)
        gate.expire(tx, tenant, day)
        to_af.expire(tx, tenant)
        authorisation.day_has_come(tx, tenant.id, day)
        record.day_has_come(tx, tenants.get(tx, tenant.id), day)
        return {"tenant": tenant.id, "date": day}

    @command("assignment.register")
    def register(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        theirs = persons.require_persons(tx, tenant, request["assignments"])
        count = record.register(tx, tenant, request["assignments"])
        persons.link_new(tx, self.witness.keys, tenant, theirs)
        inbound.settle_linked(tx, self.witness.keys, tenant, set(theirs.values()))
        return {"registered": count}

    @command("assignment.record_facts")
    def record_facts(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        given = [(row["assignment"], row["fact"]) for row in request["facts"]]
        record.require_access(tx, tenant, caller, given)
        keep = request["keep_refused"]
        with places.reserved(tx, tenant, given, enforced=not keep) as now:
            recorded, refused = record.record_facts(tx, now, given, keep_refused=keep)
        return {"recorded": recorded, "refused": refused}

    @command("assignment.withdraw_fact")
    def withdraw_fact(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"withdrawn": record.withdraw_fact(tx, tenant, request["assignment"], request["fact"])}

    @query("assignment.rejections")
    def rejections(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        page = store.page(tx, request["tenant"], request["assignment"], request["after"], request["limit"])
        rows = store.rejections(tx, request["tenant"], page)
        return {"rejections": rows, "next": page[-1] if len(page) == request["limit"] else None}

    @query("assignment.state")
    def state(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        answer = record.state(tx, tenant, request["assignment"], caller)
        return guard.state(tx, self.witness.keys, tenant, request["assignment"], caller, answer)

    @query("assignment.explain")
    def explain(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        rows = record.explain(tx, tenant, request["assignment"])
        rows = guard.explain(tx, self.witness.keys, tenant, request["assignment"], caller, rows)
        return {"assignment": request["assignment"], "rows": rows}

    @query("assignment.summary")
    def summary(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"tenant": tenant.id, "business_date": tenant.business_date, **store.summary(tx, tenant.id)}

    @query("assignment.positions")
    def positions(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return held.positions(tx, request["tenant"])

    @query("assignment.info")
    def info(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return info(tx, self.name)
