"""The scheduling service: holds the facts, keeps obligations in step with them and with the business date."""

from __future__ import annotations

from typing import Any

from kundval_chassis import agenda, held
from kundval_chassis.background import Background
from kundval_chassis.consume import consumes
from kundval_chassis.db import Database, Tx
from kundval_chassis.partners.distribute import Partners
from kundval_chassis.partners.feed import Feed
from kundval_chassis.relay import Outbox
from kundval_chassis.rpc import query
from kundval_chassis.service import info
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import veil
from kundval_contracts.envelope import Event
from kundval_contracts.settings import RuleSettings

from . import store
from .calendars.entrypoints import CalendarEntrypoints
from .calendars.feeds import Calendars
from .keep import keep, shown
from .looks import looks
from .meetings.entrypoints import MeetingEntrypoints
from .plans.entrypoints import PlanEntrypoints
from .plans.work import PlanWork
from .settings import SETTINGS
from .slots.entrypoints import SlotEntrypoints
from .supervision import keep as supervision
from .supervision.entrypoints import SupervisionEntrypoints
from .workload.entrypoints import WorkloadEntrypoints


class SchedulingService(
    CalendarEntrypoints,
    MeetingEntrypoints,
    PlanEntrypoints,
    SlotEntrypoints,
    WorkloadEntrypoints,
    SupervisionEntrypoints,
):
    name = "scheduling"
    settings = SETTINGS
    looks = staticmethod(looks)
    db = Database()
    outbox = Outbox()
    feed = Feed()
    partners = Partners()
    calendars = Calendars()
    making_plans = Background(PlanWork())

    @consumes("assignment", needs=held.NEEDS | supervision.NEEDS)
    def on_events(self, tx: Tx, events: list[Event]) -> None:
        for tenant, day, cases in agenda.take_in(tx, events):
            keep(tx, tenant, day, cases)
        supervision.keep(tx, events)
        for name, day in agenda.days_reached(tx, events):
            # who computes from obligations waits for this: before it, they stand as they did on an earlier day
            tx.publish("scheduling.day_opened", subject=name, tenant=name, data={"date": day.isoformat()})

    @query("scheduling.obligations")
    def obligations(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        provider = caller.provider or request["provider"]
        page = store.page(tx, request["tenant"], request["assignment"], provider, request["after"], request["limit"])
        settings = held.load_tenant(tx, request["tenant"]).settings if page else RuleSettings()
        rows = [
            shown(one, settings)
            for obligations in store.held(tx, request["tenant"], page).values()
            for one in obligations
            if provider in (None, one.provider)
        ]
        rows = veil(tx, request["tenant"], rows, caller, filtered=provider)
        return {"obligations": rows, "next": page[-1] if len(page) == request["limit"] else None}

    @query("scheduling.summary")
    def summary(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"tenant": request["tenant"], "obligations": store.summary(tx, request["tenant"])}

    @query("scheduling.positions")
    def positions(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return held.positions(tx, request["tenant"])

    @query("scheduling.info")
    def info(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return info(tx, self.name)
