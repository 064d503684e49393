"""RPC about invitations and calendars."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller
from kundval_contracts.errors import NotFound

from . import invitations, links, store
from .feeds import Calendars


class CalendarEntrypoints:
    """To be mixed into the service."""

    #: the service's own, which knows its addresses
    calendars: Calendars

    @query("scheduling.invitation")
    def invitation(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return invitations.invite(tx, self.calendars.maker(tx, request["tenant"]), request, caller)

    @command("scheduling.take_reply")
    def take_reply(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return invitations.take_reply(tx, self.calendars.addresses(tx), request["tenant"], request["text"])

    @command("scheduling.calendar_link")
    def calendar_link(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return links.make(tx, request, caller, self.calendars.base)

    @query("scheduling.calendar_links")
    def calendar_links(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        within = links.scope(request["tenant"], caller)
        rows = store.feeds(tx, within, assignment=request["assignment"], after=request["after"], limit=request["limit"])
        more = rows[-1]["feed"] if len(rows) == request["limit"] else None
        return {"links": [links.described(row) for row in rows], "next": more}

    @command("scheduling.revoke_calendar_link")
    def revoke_calendar_link(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        revoked = store.revoke_feed(tx, links.scope(request["tenant"], caller), request["feed"])
        if revoked is None:
            raise NotFound("There is no such calendar.", code="NO_SUCH_CALENDAR")
        return {"revoked": revoked}
