"""Which held cases have to be looked at, and when: news wakes a case, and so does a day that it waits for.

A consumer that keeps something in step with its core asks `awake` after `held.apply`, computes each case, and says
with `rest` until when nothing can change by itself. So moving the business date costs only the cases that wait
for that day, and a month that nobody looked is caught up with by one look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from psycopg.rows import tuple_row

from kundval_contracts.case import Case, Tenant
from kundval_contracts.envelope import Event

from . import held
from .held import Key

if TYPE_CHECKING:
    from .db import Tx

CHUNK = 500
#: the day of who is to be looked at whatever the day
NOW = date.min


def wake(tx: Tx, keys: Iterable[Key]) -> None:
    """There is news of these cases: look at them next time, whatever the day."""
    wanted = sorted(keys)
    if wanted:
        tx.execute(
            "INSERT INTO agenda (tenant, assignment, until)"
            " SELECT tenant, assignment, %s FROM unnest(%s::text[], %s::text[]) AS changed (tenant, assignment)"
            " ON CONFLICT (tenant, assignment) DO UPDATE SET until = excluded.until"
            " WHERE agenda.until IS DISTINCT FROM excluded.until",
            (NOW, [tenant for tenant, _ in wanted], [assignment for _, assignment in wanted]),
        )


def wake_tenants(tx: Tx, events: Iterable[Event]) -> set[str]:
    """Wake every case of the tenants whose settings these events bring; the tenants."""
    tenants = {event.tenant for event in events if event.name == "assignment.tenant_opened"}
    if tenants:
        tx.execute(
            "UPDATE agenda SET until = %s WHERE tenant = ANY(%s) AND until IS DISTINCT FROM %s",
            (NOW, sorted(tenants), NOW),
        )
    return tenants


def rest(tx: Tx, tenant: str, until: Mapping[str, date | None]) -> None:
    """Nothing can change for these cases before the day given (None: without news, never)."""
    tx.insert_rows(
        "agenda",
        ("tenant", "assignment", "until"),
        [(tenant, assignment, day) for assignment, day in sorted(until.items())],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET until = excluded.until",
    )


def due(tx: Tx, tenant: str, day: date) -> Iterator[list[str]]:
    """The assignments of a tenant with news, or that wait for a day up to `day`, in order, in chunks. News may have
    come of one that is not registered here yet.
    """
    # one scan, read bit by bit: a page at a time would begin anew for every page when all are awake
    with tx.conn.cursor("agenda_due", row_factory=tuple_row) as cursor:
        cursor.execute(
            "SELECT assignment FROM agenda WHERE tenant = %s AND until <= %s ORDER BY assignment", (tenant, day)
        )
        while rows := cursor.fetchmany(CHUNK):
            yield [assignment for (assignment,) in rows]


def awake(tx: Tx, tenant: str, day: date) -> Iterator[list[Case]]:
    """The cases that are `due`, in order, in chunks."""
    for assignments in due(tx, tenant, day):
        cases = held.load_cases(tx, [(tenant, assignment) for assignment in assignments])
        if cases:
            yield cases


def take_in(
    tx: Tx, events: Iterable[Event], also: Iterable[Key] = (), *, clock: str = held.CLOCK
) -> Iterator[tuple[Tenant, date, list[Case]]]:
    """Take in a batch of events; then (tenant, business date, cases) that have to be looked at now.

    `also` are cases of which the caller has news of its own. A fact that will only be known on a later business
    date wakes its case then. Tenants that are not opened, or have no business date, have nothing to look at.

    `clock` is the event that moves the business date here. A service that computes from what another one tells
    takes that one's: then all that belongs to a day is there before the day is looked at.
    """
    batch = list(events)
    changed = held.apply(tx, batch, clock=clock) | set(also)
    wake(tx, changed)
    moved = wake_tenants(tx, batch) | {event.tenant for event in batch if event.name == clock}
    for name in sorted({event.tenant for event in batch} | {tenant for tenant, _ in changed}):
        try:
            tenant = held.load_tenant(tx, name)
        except held.NotOpened:
            continue
        day = tenant.business_date
        if day is None:
            continue
        if name in moved:
            for cases in awake(tx, name, day):
                yield tenant, day, cases
        else:
            now = {key for key in also if key[0] == name} | _known(batch, name, day)
            if now:
                yield tenant, day, held.load_cases(tx, now)


def days_reached(tx: Tx, events: Iterable[Event]) -> Iterator[tuple[str, date]]:
    """(tenant, business date) of the tenants whose date these events moved; after `take_in` has been gone through."""
    for name in sorted({event.tenant for event in events if event.name in (held.CLOCK, "assignment.tenant_opened")}):
        try:
            day = held.load_tenant(tx, name).business_date
        except held.NotOpened:
            continue
        if day is not None:
            yield name, day


def _known(events: Iterable[Event], tenant: str, day: date) -> set[Key]:
    """Cases of which the events tell something that counts on `day` already."""
    return {
        (tenant, event.data["assignment"])
        for event in events
        if event.tenant == tenant
        and event.name in held.NEEDS
        and "assignment" in event.data
        and event.data.get("known_on", "") <= day.isoformat()
    }
