"""The page of the events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from marshmallow import Schema

from kundval_contracts.envelope import exchange_of
from kundval_contracts.events import EVENTS, SERVICES, EventType
from kundval_contracts.facts import FACT_SCHEMAS, KEPT_HERE
from kundval_contracts.transitions import MONEY_TRANSITIONS, TRANSITIONS

from .fields import TYPES, Parts, about, field_table
from .markdown import code, listed, page, table

#: fields that every fact event carries besides those of its kind
HEAD = ("assignment", "fact_id", "ordinal", "on", "known_on", "revision")


def events_page() -> str:
    parts = Parts()
    told: list[str] = []
    services = sorted({event.name.partition(".")[0] for event in EVENTS.values()})
    facts = {f"assignment.{kind}" for kind in FACT_SCHEMAS if kind not in KEPT_HERE}
    for service in services:
        told.append(f"## {service}")
        own = sorted((one for one in EVENTS.values() if one.name.startswith(f"{service}.")), key=lambda one: one.name)
        others = [one for one in own if one.name not in facts]
        for event in others:
            told += _event(event, parts, ())
        if service == "assignment":
            head = FactHead()
            told += ["### Facts", FACTS, field_table(head, parts)]
            for event in (one for one in own if one.name in facts):
                told += _event(event, parts, HEAD)
    rows = ((code(one.name), code(one.type), one.about) for one in sorted(EVENTS.values(), key=lambda one: one.name))
    transitions = (
        (row.id, row.what, code(row.proposed), ", ".join(code(event) for event in row.events)) for row in TRANSITIONS
    )
    money = (
        (row.id, row.what, listed(row.before), code(row.state), code(row.proposed), listed(row.events))
        for row in MONEY_TRANSITIONS
    )
    return page(
        "Events",
        EVENTS_INTRO,
        TYPES,
        table(("routing key", "type", "about"), rows),
        *told,
        "## Transitions of an assignment",
        "By which events the transitions of rulebook 8.1 are told; the rulebook proposes names of its own.",
        table(("transition", "what happens", "name in the rulebook", "told by"), transitions),
        "## Transitions of money",
        "Months and premium months (rulebook 8.4) and bonuses (8.5): from which state to which, and by which events "
        "that is told. What is told late is told as it stands then, not by each state in between.",
        table(("transition", "what happens", "from", "to", "name in the rulebook", "told by"), money),
        "## Objects",
        *parts.sections(),
    )


EVENTS_INTRO = (
    "What the services publish. Each has a durable topic exchange, "
    + ", ".join(code(exchange_of(name)) for name in SERVICES)
    + "; the routing key is the event's name. The body is one CloudEvents 1.0 JSON object; the fields below are those "
    "of its `data`. See [how to integrate](../how-to/integrate.md) for the envelope and for programs that read it.\n\n"
    "No event says who a person is: ids are opaque, and the texts that a fact can carry stay in the assignment "
    "service; the event says `true` in their place if there is one. Within a version fields may be added, so ignore "
    "those you do not know. The same event may arrive more than once (know it by its `id`) and events may arrive out "
    "of order (a higher `revision` of the same thing replaces a lower one)."
)
FACTS = (
    "A fact that is in effect is an event of its own name. All of them carry these fields, and those of their kind. "
    "If a fact changes it is told again with a higher `revision`; if it no longer counts, "
    "`assignment.fact_withdrawn` says so."
)


class FactHead(Schema):
    """The fields of HEAD, as one of the fact events has them."""

    def __init__(self) -> None:
        super().__init__()
        known = EVENTS["assignment.started"].schema.fields
        self.fields = {name: known[name] for name in HEAD}


def _event(event: EventType, parts: Parts, but: Iterable[str]) -> Iterator[str]:
    yield f"### {event.name}"
    yield (about(event.schema) if not but else "") or event.about
    yield field_table(event.schema, parts, but)
