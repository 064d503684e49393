"""Calendars to subscribe to, over HTTP: ``GET /calendar/<secret>.ics``.

The secret is all that a calendar program has, so nothing is written of it anywhere, and an address that there is not,
or no longer, is answered with 404 and no word. The calendar of a client who has become protected is there and empty: a
program that holds earlier entries then lets go of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from kundval_chassis import clock, held
from kundval_chassis.db import Row, Tx
from kundval_chassis.pages import Page, Pages
from kundval_chassis.veil import restricted
from kundval_contracts.codes import CalendarFeed

from ..domain.entry import Entry, Reader, entry, reader_of
from ..domain.instants import Span, day_span
from ..domain.meeting import Meeting
from . import links, store
from .addresses import Addresses, digest
from .ical import Maker

#: days that a calendar reaches back and ahead
BACK, AHEAD = 30, 180
_SUFFIX = ".ics"


class Calendars(Pages):
    """In a worker: what makes invitations and addresses with the service's settings."""

    prefix = "/calendar/"

    def setup(self) -> None:
        super().setup()
        config = self.container.config
        self.base: str = config["KUNDVAL_CALENDAR_BASE"]
        self._domain: str = config["KUNDVAL_MAIL_DOMAIN"]
        self._link_base: str = config["KUNDVAL_LINK_BASE"]

    def addresses(self, tx: Tx) -> Addresses:
        return Addresses(store.key(tx), self._domain)

    def maker(self, tx: Tx, tenant: str) -> Maker:
        return Maker(tenant, self.addresses(tx), self._link_base)

    def page(self, name: str) -> Page | None:
        if not name.endswith(_SUFFIX):
            return None
        with self.pool().tx(readonly=True) as tx:
            feed = store.feed_of(tx, digest(name.removesuffix(_SUFFIX)))
            entries = None if feed is None else read(tx, feed)
            if feed is None or entries is None:
                return None
            maker = self.maker(tx, feed["tenant"])
        lang = feed["lang"]
        return Page(
            "text/calendar; charset=utf-8",
            maker.tag(entries, lang),
            lambda: maker.feed(entries, lang, clock.now()),
        )


def read(tx: Tx, feed: Row) -> list[Entry] | None:
    """What is in a calendar on the tenant's business date; None if its owner may not read it any more."""
    tenant, kind, owner = feed["tenant"], CalendarFeed(feed["kind"]), feed["owner"]
    if kind is CalendarFeed.OWN and not links.may_read_own(store.resource_row(tx, tenant, owner), feed["provider"]):
        return None
    window = _window(tx, tenant)
    if window is None:
        return []
    if kind is CalendarFeed.PROVIDER:
        return _entries(store.of_provider(tx, tenant, owner, window), Reader.PROVIDER, set())
    if kind is CalendarFeed.CLIENT:
        if restricted(tx, tenant, store.assignments_of(tx, tenant, owner)):
            return []
        return _entries(store.of_client(tx, tenant, owner, window), Reader.CLIENT, set())
    found = store.of_resource(tx, tenant, owner, window)
    hidden = restricted(tx, tenant, {one.assignment for one in found if one.assignment is not None})
    return _entries(found, None, hidden, owner)


def _window(tx: Tx, tenant: str) -> store.Window | None:
    try:
        today = held.load_tenant(tx, tenant).business_date
    except held.NotOpened:
        return None
    if today is None:
        return None
    first, last = day_span(today - timedelta(days=BACK)), day_span(today + timedelta(days=AHEAD))
    return store.Window(Span(first.start, last.end), day_span(today).start)


def _entries(found: Sequence[Meeting], reader: Reader | None, hidden: set[str], owner: str = "") -> list[Entry]:
    """reader None: as what `owner` takes part in each."""
    made = []
    for one in found:
        as_whom = reader or next(reader_of(party.role) for party in one.parties if party.resource == owner)
        shown = entry(one, as_whom, protected=one.assignment in hidden)
        if shown is not None:
            made.append(shown)
    return made
