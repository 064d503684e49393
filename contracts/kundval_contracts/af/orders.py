"""Orders (suborders) of the employment service to the municipality as its supplier of Stöd och matchning or Rusta och
matcha, and the facts that they come to.

An order comes again with every change, also late or twice; what is newest counts, so the order of arrival does not
matter. Orders that follow one another, each naming the former, are one assignment: the first refers it, a later period
extends it, another track is a decision of the employment service (AF-SOM-8).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema

from ..codes import AfFault, AfOrderOutcome, AfOrderState, FactKind, Programme, ReferralSource, RejectionReason
from ..fact_fields import counted_from, percent
from ..rules import rule
from ..text import IDENTIFIER
from .forms import Forms

#: the contract that `SCHEMA` is
NAME = "af.order.v1"

#: LOKA-5 asks for the commissioner's question; an order has none in words
QUESTION = "What the ordered service has led to; the final report answers it."


@dataclass(frozen=True, slots=True)
class Order:
    """One version of an order. `state`, `service` and `track` are the employment service's own codes, known or not.

    Periods are half-open: `intervention_to` and `order_to` are the first days after. `changed_at` tells versions apart
    if it is given, else how far the state has come.
    """

    order: str
    state: str
    service: str
    track: str
    order_from: date
    order_to: date
    intervention_from: date | None = None
    intervention_to: date | None = None
    former_order: str | None = None
    changed_at: datetime | None = None
    ordered_on: date | None = None
    performance: str | None = None
    unit: str | None = None
    booking: str | None = None
    jobseeker: str | None = None
    language: str | None = None
    participation_pct: int | None = None
    sfi_hours: int | None = None
    diary: str | None = None


def _text(**kwargs: Any) -> fields.String:
    return fields.String(validate=IDENTIFIER, allow_none=True, load_default=None, **kwargs)


def _needed() -> fields.String:
    return fields.String(validate=IDENTIFIER, required=True)


def _day() -> fields.Date:
    return counted_from(allow_none=True, load_default=None)


class OrderSchema(Schema):
    """Ours, whatever form theirs came in. Who it is about stands beside it, in the request."""

    class Meta:
        unknown = RAISE

    order = _needed()
    state = _needed()
    service = _needed()
    track = _needed()
    order_from = counted_from(required=True)
    order_to = counted_from(required=True)
    intervention_from = _day()
    intervention_to = _day()
    former_order = _text()
    changed_at = fields.AwareDateTime(allow_none=True, load_default=None)
    ordered_on = _day()
    performance = _text()
    unit = _text()
    booking = _text()
    jobseeker = _text()
    language = _text()
    participation_pct = percent(allow_none=True, load_default=None)
    sfi_hours = fields.Integer(strict=True, allow_none=True, load_default=None, validate=validate.Range(0, 168))
    diary = _text()

    @validates_schema(skip_on_field_errors=True)
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        for start, end in (("order_from", "order_to"), ("intervention_from", "intervention_to")):
            if data[start] is not None and data[end] is not None and data[end] <= data[start]:
                raise ValidationError(f"must be after {start}", end)
        if data["former_order"] == data["order"]:
            raise ValidationError("must be another order", "former_order")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Order:
        return Order(**data)


SCHEMA = OrderSchema()


# --- which version counts ------------------------------------------------------------------------------

#: how far an order has come: a cancellation cannot be taken back, a broken-off one is not delivered
_RANK = tuple(AfOrderState.__members__)


def newer(one: Order, other: Order) -> Order:
    """The one of two versions of an order that counts, whichever came first."""
    return max(one, other, key=_age)


def _age(order: Order) -> tuple[datetime, int, str]:
    rank = _RANK.index(order.state) if order.state in _RANK else -1
    return order.changed_at or datetime.min.replace(tzinfo=UTC), rank, fingerprint(order)


def fingerprint(order: Order) -> str:
    """The same for the same contents."""
    wire = json.dumps(SCHEMA.dump(order), sort_keys=True)
    return hashlib.sha256(wire.encode()).hexdigest()[:16]


# --- what follows --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """A fact that follows from a chain of orders. `slot` tells it from the others of the chain."""

    slot: str
    kind: FactKind
    on: date
    data: Mapping[str, Any]


def programme_of(order: Order, forms: Forms) -> Programme | AfFault:
    """The programme that service and track are, or why they are none that is known."""
    tracks = forms.services.get(order.service)
    if tracks is None:
        return AfFault.UNKNOWN_SERVICE
    return tracks.get(order.track, AfFault.UNKNOWN_TRACK)


def fault_of(order: Order, forms: Forms) -> AfFault | None:
    """Why an order is parked: codes that nobody here knows."""
    if order.state not in _RANK:
        return AfFault.UNKNOWN_STATE
    programme = programme_of(order, forms)
    return programme if isinstance(programme, AfFault) else None


#: states from which something follows
_IN_FORCE = frozenset(
    {
        AfOrderState.DEFINITIV,
        AfOrderState.LEVERERAD,
        AfOrderState.KLAR,
        AfOrderState.AVBRUTEN,
        AfOrderState.AVBRUTEN_KLAR,
    }
)
_BROKEN_OFF = frozenset({AfOrderState.AVBRUTEN, AfOrderState.AVBRUTEN_KLAR})


@rule("LOKA-5", "AF-SOM-8", "AF-SOM-24", "AF-SOM-7")
def facts_of(orders: Iterable[Order], registered: Programme, forms: Forms) -> tuple[Due, ...]:
    """What a chain of orders, in their newest versions, says about its assignment; none of them is parked.

    registered: the programme that the assignment was registered with. The first order refers it, by the employment
    service, until the last day that any of them names. A later one in another track is a decision on the track; a later
    period of Stöd och matchning is an extension. A provider is not named: who delivers is chosen, not ordered. If all
    that there were have been cancelled, the referral is rejected.
    """
    given = sorted(orders, key=lambda one: (one.order_from, one.order))
    held = [one for one in given if in_force(one)]
    if not held:
        cancelled = [_day_of(one) for one in given if one.state == AfOrderState.MAKULERAD]
        reason = {"reason": RejectionReason.COMMISSION_CANCELLED}
        return (Due("rejected", FactKind.REJECTED, max(cancelled), reason),) if cancelled else ()
    first = held[0]
    last_day = max(one.intervention_to or one.order_to for one in held) - timedelta(days=1)
    referral = {"source": ReferralSource.AF, "commission_end": last_day, "commission_question": QUESTION}
    found = [Due("referred", FactKind.REFERRED, first.ordered_on or first.order_from, referral)]
    current, until = registered, first.order_from
    for one in held:
        programme = programme_of(one, forms)
        if isinstance(programme, Programme) and programme is not current:
            found.append(Due(f"{one.order}:track", FactKind.TRACK_DECIDED, one.order_from, {"programme": programme}))
            current = programme
        if one is not first and one.order_from >= until and current.is_som:
            found.append(Due(f"{one.order}:extended", FactKind.EXTENDED, one.order_from, {}))
        until = max(until, one.order_to)
    return tuple(found)


def in_force(order: Order) -> bool:
    """Whether something follows from it."""
    return order.state in _IN_FORCE


def _day_of(order: Order) -> date:
    """The day of a version, as far as it says one."""
    return order.changed_at.date() if order.changed_at else order.ordered_on or order.order_from


def chains(orders: Iterable[Order], forms: Forms) -> list[list[Order]]:
    """Orders that hang together, each naming the former one, in the newest version of each; the earliest chain first.

    Orders of another service are another chain: an assignment keeps within its service.
    """
    newest: dict[str, Order] = {}
    for one in orders:
        newest[one.order] = newer(one, newest.get(one.order, one))
    # the number that stands for all that hang together
    root: dict[tuple[bool, str], tuple[bool, str]] = {}

    def find(key: tuple[bool, str]) -> tuple[bool, str]:
        while root.setdefault(key, key) != key:
            key = root[key]
        return key

    for one in newest.values():
        key = (_is_som(one, forms), one.order)
        find(key)
        if one.former_order is not None:
            root[find(key)] = find((key[0], one.former_order))
    found: dict[tuple[bool, str], list[Order]] = {}
    for one in sorted(newest.values(), key=lambda one: (one.order_from, one.order)):
        found.setdefault(find((_is_som(one, forms), one.order)), []).append(one)
    return list(found.values())


def _is_som(order: Order, forms: Forms) -> bool:
    programme = programme_of(order, forms)
    return isinstance(programme, Programme) and programme.is_som


def outcome_of(order: Order, *, decided: bool) -> AfOrderOutcome:
    """What came of an order that counts. How an interrupted one ended a person says: money hangs on it (AF-SOM-6)."""
    if order.state == AfOrderState.PRELIMINAR:
        return AfOrderOutcome.EXPECTED
    if order.state == AfOrderState.MAKULERAD:
        return AfOrderOutcome.TO_A_PERSON if decided else AfOrderOutcome.CANCELLED
    if order.state in _BROKEN_OFF:
        return AfOrderOutcome.TO_A_PERSON
    return AfOrderOutcome.REFERRED


__all__ = [
    "NAME",
    "SCHEMA",
    "Due",
    "Order",
    "chains",
    "facts_of",
    "fault_of",
    "fingerprint",
    "in_force",
    "newer",
    "outcome_of",
    "programme_of",
]
