"""RPC about meetings and who takes part in them."""

from __future__ import annotations

from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.outbox import new_id
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import BookingRefusal, CancelReason, MeetingKind
from kundval_contracts.errors import Conflict

from ..domain.instants import LOCAL
from ..domain.meeting import Meeting
from . import book, groups, people, read, series, sight, store
from .times import ahead, read_instant


class MeetingEntrypoints:
    """To be mixed into the service."""

    # --- who and what ------------------------------------------------------------------------------

    @command("scheduling.set_resources")
    def set_resources(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        return {"kept": people.keep_resources(tx, tenant, request, caller)}

    @query("scheduling.resources")
    def resources(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return people.resources(tx, request, caller)

    @query("scheduling.premises")
    def premises(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        return {"premises": people.premises(tx, tenant, caller.provider or request["provider"])}

    @command("scheduling.set_travel")
    def set_travel(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        ways = {(one["origin"], one["destination"]): one["minutes"] for one in request["travel"]}
        store.save_travel(tx, tenant.id, [(*way, minutes) for way, minutes in sorted(ways.items())])
        return {"kept": len(ways)}

    @command("scheduling.set_participants")
    def set_participants(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        return {"kept": people.keep_participants(tx, tenant, request)}

    @command("scheduling.set_absence")
    def set_absence(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        people.keep_absence(tx, tenant, request, caller)
        return {"kept": 1}

    @command("scheduling.remove_absence")
    def remove_absence(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        return {"removed": people.remove_absence(tx, tenant, request, caller)}

    # --- meetings ----------------------------------------------------------------------------------

    @query("scheduling.meetings")
    def meetings(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        zone = request["zone"] or LOCAL
        times = {
            name: read_instant(request[key], zone, path) if request[key] else None
            for name, key, path in (("start", "from_", "from"), ("end", "to", "to"))
        }
        wanted = store.Filter(
            request["assignment"],
            request["team"],
            caller.provider or request["provider"],
            request["resource"],
            times["start"],
            times["end"],
            request["states"],
            request["kinds"],
        )
        page = store.page(tx, request["tenant"], wanted, request["after"], request["limit"])
        found = sight.visible(
            tx,
            request["tenant"],
            store.meetings(tx, request["tenant"], page),
            caller,
            filtered=any((wanted.provider, wanted.team, wanted.resource, wanted.start, wanted.end)),
            about=request["assignment"],
        )
        return {
            "meetings": [sight.row(one) for one in found],
            "next": page[-1] if len(page) == request["limit"] else None,
        }

    @command("scheduling.book_meeting")
    def book_meeting(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        if request["meeting"] is not None:
            sight.require_meeting(tx, tenant, caller, request["meeting"])
        else:
            sight.require_assignment(tx, tenant, caller, request["assignment"])
        _require_single(request["kind"])
        sight.require_own(tx, tenant, caller, request)
        return self._answer(tx, tenant.id, book.book(tx, tenant, read.wish(request, provider=caller.provider)), caller)

    @command("scheduling.rebook_meeting")
    def rebook_meeting(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        sight.require_meeting(tx, tenant, caller, request["meeting"])
        sight.require_own(tx, tenant, caller, request)
        return self._answer(
            tx, tenant.id, book.rebook(tx, tenant, read.wish(request, provider=caller.provider)), caller
        )

    @command("scheduling.cancel_meeting")
    def cancel_meeting(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        sight.require_meeting(tx, tenant, caller, request["meeting"])
        return self._answer(tx, tenant.id, book.cancel(tx, tenant, request["meeting"], request["reason"]), caller)

    @command("scheduling.hold_meeting")
    def hold_meeting(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        sight.require_meeting(tx, tenant, caller, request["meeting"])
        return self._answer(tx, tenant.id, book.hold(tx, tenant, request["meeting"], read.minutes(request)), caller)

    @command("scheduling.miss_meeting")
    def miss_meeting(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        sight.require_meeting(tx, tenant, caller, request["meeting"])
        return self._answer(tx, tenant.id, book.miss(tx, tenant, request["meeting"], read.absent(request)), caller)

    @command("scheduling.book_series")
    def book_series(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, name = held.tenant_named(tx, request["tenant"]), new_id()
        sight.require_assignment(tx, tenant, caller, request["assignment"])
        _require_single(request["kind"])
        sight.require_own(tx, tenant, caller, request)
        wish = read.wish(request, provider=caller.provider)
        ahead(wish.span, book.business_date(tenant))
        rows = series.book_series(
            tx,
            tenant,
            wish,
            name,
            every=request["every_days"],
            count=request["count"],
            until=request["until"],
            holidays=request["on_holidays"],
        )
        return {
            "series": name,
            "rows": [{"on": one.on, "meeting": one.meeting, "code": one.code, "message": one.message} for one in rows],
        }

    # --- several clients ---------------------------------------------------------------------------

    @command("scheduling.open_group_session")
    def open_group_session(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        sight.require_own(tx, tenant, caller, request)
        wish = read.wish(request, kind=MeetingKind.GROUP_SESSION, provider=caller.provider or request["provider"])
        return self._answer(tx, tenant.id, book.book(tx, tenant, wish), caller)

    @command("scheduling.join_group")
    def join_group(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        sight.require_assignment(tx, tenant, caller, request["assignment"])
        session = people.session_for(tx, tenant, request["meeting"], request["assignment"], caller)
        return {"waiting": groups.join(tx, tenant.id, session, request["assignment"])}

    @command("scheduling.leave_group")
    def leave_group(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        sight.require_assignment(tx, tenant, caller, request["assignment"])
        sight.require_meeting(tx, tenant, caller, request["meeting"])
        groups.require_open(groups.load(tx, tenant.id, request["meeting"]))
        reason = CancelReason.CLIENT_CANNOT
        return {"moved": groups.leave(tx, tenant.id, request["meeting"], request["assignment"], reason)}

    @command("scheduling.book_forum")
    def book_forum(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        book.files(tx, tenant, request["subjects"])
        return self._answer(tx, tenant.id, book.book(tx, tenant, read.wish(request, kind=MeetingKind.FORUM)), caller)

    def _answer(self, tx: Tx, tenant: str, meeting: Meeting, caller: Caller) -> dict[str, Any]:
        (seen,) = sight.visible(tx, tenant, [meeting], caller)
        return {"meeting": sight.row(seen)}


def _require_single(kind: MeetingKind | None) -> None:
    """Raise Conflict for a kind of meeting that is not about one assignment."""
    if kind in (MeetingKind.GROUP_SESSION, MeetingKind.FORUM):
        raise Conflict("It has a method of its own.", code=BookingRefusal.NOT_A_GROUP.value)
