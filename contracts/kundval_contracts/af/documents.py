"""Orders and decisions as documents of XML, read into our own contracts.

Element names and codes are data (`forms`). A document is read in full or not at all, and its faults name fields of our
contracts, never what it says.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import ValidationError

from ..codes import AfFault, EmploymentForm
from ..errors import InvalidRequest, faults_of
from . import decisions, orders
from .forms import Forms, load
from .xml import Element, day, day_after, everywhere, flag, parse, refusal, text
from .xml import percent as read_percent


def _said(forms: Forms, element: Element, field: str) -> str | None:
    """What a document says for a field of our contract."""
    return text(element, *forms.elements[field])


def read_orders(data: bytes, forms: Forms | None = None) -> list[tuple[str, orders.Order]]:
    """The orders in a document, each with the identity number that it is about, as written.

    Raises InvalidRequest with a code of `AfFault`, naming the field of our contract; then none of them is taken.
    """
    forms = forms or load()
    root = parse(data)
    found = [one for one in everywhere(root, forms.documents["order"]) if len(one)]
    # `Order` may stand around several `Delorder`, or be a field inside one
    outer = {around for one in found for around in one.iterancestors()}
    inner = [one for one in found if one not in outer]
    if not inner:
        raise refusal(AfFault.NOT_AN_ANSWER, "The document holds no order")
    return [_order(one, forms, f"orders[{place}]") for place, one in enumerate(inner)]


def _order(element: Element, forms: Forms, path: str) -> tuple[str, orders.Order]:
    def needed(field: str) -> str:
        said = _said(forms, element, field)
        if said is None:
            raise refusal(AfFault.FIELD_MISSING, "must be there", f"{path}.{field}")
        return said

    wire: dict[str, Any] = {name: needed(name) for name in ("order", "service", "track")}
    # an order may say its own state in `Status`; what is inside is of no interest
    wire["state"] = needed("state").upper()
    for name in ("former_order", "performance", "unit", "booking", "jobseeker", "language", "diary"):
        said = _said(forms, element, name)
        wire[name] = None if said is None else "_".join(said.split())
    for name, ours, after in (
        ("order_from", "order_from", 0),
        ("order_last", "order_to", 1),
        ("intervention_from", "intervention_from", 0),
        ("intervention_last", "intervention_to", 1),
        ("ordered_on", "ordered_on", 0),
    ):
        said = needed(name) if ours in ("order_from", "order_to") else _said(forms, element, name)
        wire[ours] = None if said is None else _date(said, after, f"{path}.{ours}")
    said = _said(forms, element, "participation_pct")
    wire["participation_pct"] = None if said is None else _number(read_percent(said), f"{path}.participation_pct")
    said = _said(forms, element, "sfi_hours")
    digits = said is not None and said.isascii() and said.isdigit() and len(said) <= 3
    wire["sfi_hours"] = None if said is None else _number(int(said) if digits else None, f"{path}.sfi_hours")
    wire["changed_at"] = _instant(_said(forms, element, "changed_at"), f"{path}.changed_at")
    number = needed("identity_number")
    try:
        return number, orders.SCHEMA.load(wire)
    except ValidationError as error:
        raise InvalidRequest(
            "The order has fields that cannot be right.",
            code=AfFault.FIELD_WRONG,
            faults=faults_of(error.messages, path),
        ) from None


def _date(said: str, after: int, path: str) -> str:
    found = day(said)
    if found is None:
        raise refusal(AfFault.FIELD_WRONG, "must be a date", path)
    return (found + timedelta(days=after)).isoformat()


def _number(found: int | None, path: str) -> int:
    if found is None:
        raise refusal(AfFault.FIELD_WRONG, "must be a number", path)
    return found


def _instant(said: str | None, path: str) -> str | None:
    if said is None:
        return None
    try:
        found = datetime.fromisoformat(said[:40])
    except ValueError:
        raise refusal(AfFault.FIELD_WRONG, "must be a point in time", path) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


def read_decisions(data: bytes, forms: Forms | None = None) -> list[tuple[str, decisions.SubsidyDecision]]:
    """The decisions in a document, each with the assignment that it names. Raises InvalidRequest as `read_orders`."""
    forms = forms or load()
    found = [one for one in everywhere(parse(data), forms.documents["decision"]) if len(one)]
    if not found:
        raise refusal(AfFault.NOT_AN_ANSWER, "The document holds no decision")
    return [_decision(one, forms, f"decisions[{place}]") for place, one in enumerate(found)]


def _decision(element: Element, forms: Forms, path: str) -> tuple[str, decisions.SubsidyDecision]:
    wire: dict[str, Any] = {}
    for name in ("assignment", "decision", "decided_on", "granted"):
        wire[name] = _said(forms, element, name)
        if wire[name] is None:
            raise refusal(AfFault.FIELD_MISSING, "must be there", f"{path}.{name}")
    wire["granted"] = flag(wire["granted"])
    wire["subsidy"] = _said(forms, element, "subsidy")
    form = _said(forms, element, "form")
    # a form that is not known is one of the others: it is the days of a decision that count
    wire["form"] = None if form is None else forms.forms.get(form.upper(), EmploymentForm.OTHER).value
    for ours, theirs, read in (
        ("decided_on", "decided_on", day),
        ("valid_from", "valid_from", day),
        ("valid_to", "valid_last", day_after),
    ):
        said = _said(forms, element, theirs)
        found = read(said)
        if said is not None and found is None:
            raise refusal(AfFault.FIELD_WRONG, "must be a date", f"{path}.{ours}")
        wire[ours] = None if found is None else found.isoformat()
    assignment = str(wire.pop("assignment"))
    try:
        return assignment, decisions.SCHEMA.load(wire)
    except ValidationError as error:
        raise InvalidRequest(
            "The decision has fields that cannot be right.",
            code=AfFault.FIELD_WRONG,
            faults=faults_of(error.messages, path),
        ) from None
