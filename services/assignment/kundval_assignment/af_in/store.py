"""SQL of what the employment service tells. No rules here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from kundval_chassis.db import Row, Tx
from kundval_contracts.af.orders import Order, fingerprint
from kundval_contracts.codes import AfFault, AfOrderOutcome

_COLUMNS = (
    "order_number",
    "version",
    "person",
    "assignment",
    "former_order",
    "state",
    "service",
    "track",
    "order_from",
    "order_to",
    "intervention_from",
    "intervention_to",
    "ordered_on",
    "changed_at",
    "delivery_area",
    "outcome",
    "fault",
)


@dataclass(slots=True)
class Received:
    """A version of an order as it is held: what facts follow from, and what came of it."""

    order: Order
    version: str
    person: str
    assignment: str | None
    delivery_area: str | None
    outcome: AfOrderOutcome
    fault: AfFault | None = None


def add(tx: Tx, tenant: str, one: Received) -> bool:
    """False if that version was received before."""
    order = one.order
    names = ", ".join(("tenant", *_COLUMNS))
    return bool(
        tx.execute(
            f"INSERT INTO af_order ({names}) VALUES ({', '.join(['%s'] * (len(_COLUMNS) + 1))}) ON CONFLICT DO NOTHING",
            (
                tenant,
                order.order,
                one.version,
                one.person,
                one.assignment,
                order.former_order,
                order.state,
                order.service,
                order.track,
                order.order_from,
                order.order_to,
                order.intervention_from,
                order.intervention_to,
                order.ordered_on,
                order.changed_at,
                one.delivery_area,
                one.outcome.value,
                one.fault and one.fault.value,
            ),
        )
    )


def owner(tx: Tx, tenant: str, order: str) -> str | None:
    """The person whom an order of that number is about."""
    found = tx.value("SELECT person FROM af_order WHERE tenant = %s AND order_number = %s LIMIT 1", (tenant, order))
    return None if found is None else str(found)


def of_person(tx: Tx, tenant: str, person: str) -> list[Received]:
    """All versions of all orders about a person, as they were received."""
    rows = tx.query(
        f"SELECT {', '.join(_COLUMNS)} FROM af_order WHERE tenant = %s AND person = %s ORDER BY n", (tenant, person)
    )
    return [_received(row) for row in rows]


def save(tx: Tx, tenant: str, rows: Sequence[Received]) -> None:
    """What came of versions."""
    if rows:
        tx.executemany(
            "UPDATE af_order SET assignment = %s, outcome = %s, fault = %s"
            " WHERE tenant = %s AND order_number = %s AND version = %s",
            [
                (
                    one.assignment,
                    one.outcome.value,
                    one.fault and one.fault.value,
                    tenant,
                    one.order.order,
                    one.version,
                )
                for one in rows
            ],
        )


def page(tx: Tx, tenant: str, assignment: str | None, outcome: str | None, after: int | None, limit: int) -> list[Row]:
    """Versions in the order in which they were received."""
    return tx.query(
        "SELECT n, order_number AS order, former_order, state, service, track, order_from, order_to,"
        " intervention_from, intervention_to, assignment, outcome, fault, received_at FROM af_order"
        " WHERE tenant = %(tenant)s AND n > %(after)s"
        + ("" if assignment is None else " AND assignment = %(assignment)s")
        + ("" if outcome is None else " AND outcome = %(outcome)s")
        + " ORDER BY n LIMIT %(limit)s",
        {"tenant": tenant, "assignment": assignment, "outcome": outcome, "after": after or 0, "limit": limit},
    )


def of_facts(tx: Tx, tenant: str, assignment: str, prefix: str) -> list[str]:
    """Ids of facts that begin so, withdrawn ones too."""
    rows = tx.query(
        "SELECT fact_id FROM stated_fact WHERE tenant = %s AND assignment = %s AND starts_with(fact_id, %s)",
        (tenant, assignment, prefix),
    )
    return [row["fact_id"] for row in rows]


def _received(row: Row) -> Received:
    changed = row["changed_at"]
    order = Order(
        order=row["order_number"],
        changed_at=None if changed is None else changed.astimezone(UTC),
        **{name: row[name] for name in _OF_ORDER},
    )
    return Received(
        order,
        row["version"],
        row["person"],
        row["assignment"],
        row["delivery_area"],
        AfOrderOutcome(row["outcome"]),
        None if row["fault"] is None else AfFault(row["fault"]),
    )


_OF_ORDER: tuple[str, ...] = tuple(
    name for name in _COLUMNS if name in Order.__dataclass_fields__ and name != "changed_at"
)

__all__ = ["Received", "add", "fingerprint", "of_facts", "of_person", "owner", "page", "save"]
