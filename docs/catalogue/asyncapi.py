"""The events as an AsyncAPI 3 document: exchanges, routing keys, messages with schema, example, rules and consumers."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version as version_of
from typing import Any

from marshmallow import Schema, fields

from kundval_contracts.envelope import exchange_of, restricted_exchange_of, type_of
from kundval_contracts.events import EVENTS, MASKED, SERVICES, EventType, masked
from kundval_contracts.events_in import SOURCES
from kundval_contracts.schema import Builder, Components, about, envelope
from kundval_contracts.schema.examples import whole_event
from kundval_contracts.versions import routing_key, schema_of, sunsets, told_as

from . import asyncapi_in
from .consumers import consumers
from .rules import NO_RULE, rules_of

Json = dict[str, Any]

TITLE = "kundval: events of a municipality's customer choice of labour-market interventions"
ABOUT = """\
What the four services of kundval tell: facts about assignments, obligations, meetings, money, messages. Each event is \
one CloudEvents 1.0 JSON object. It arrives at least once (know it by its `id`), and events may arrive out of order: \
of the same thing the higher `revision` counts.

**Never breaking.** Within a version fields and codes may be added, nothing goes and nothing changes its meaning. So \
ignore fields that you do not know, and be able to meet a code that you do not know: an `enum` with `x-codes` is the \
list as it is today.

**No identity.** No event says who a person is. Ids are opaque; a partner gets its own pseudonyms in their place. Of a \
person with protected identity everybody but the services of the suite gets a copy with `masked: true`: the fields in \
`x-masked-fields` of a message hold `MASKED`, null or nothing there.

`x-rules` are ids of the rulebook, `x-consumers` who reads an event today, `x-also-checked` conditions that JSON \
Schema cannot say."""


def asyncapi() -> Json:
    """The document."""
    components = Components()
    components.place("Event", envelope({"type": "object"}))
    told = [(EVENTS[name], version) for name in sorted(EVENTS) for version in told_as(name)]
    messages = {
        routing_key(event.name, version): _message(number, event, version, components)
        for number, (event, version) in enumerate(told, 1)
    }
    received = asyncapi_in.messages(components)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:kundval:events",
        "info": {
            "title": TITLE,
            "version": version_of("kundval-contracts"),
            "description": ABOUT,
            "tags": [
                *({"name": service, "description": f"What {service} tells"} for service in SERVICES),
                *({"name": source, "description": f"What {source} tells the suite"} for source in SOURCES),
            ],
        },
        "defaultContentType": "application/json",
        "servers": {
            "bus": {
                "host": "{host}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "The broker of a deployment. A partner has a user and a queue of its own.",
                "variables": {"host": {"default": "localhost:5672", "description": "As the onboarding file says"}},
                "security": [{"$ref": "#/components/securitySchemes/user"}],
            }
        },
        "channels": {
            **{key: _channel(key) for key in messages},
            **_more_channels(list(messages)),
            **asyncapi_in.channels(),
        },
        "operations": {
            **{f"tell.{routing_key(one.name, version)}": _operation(one, version) for one, version in told},
            **_of_partners(),
            **asyncapi_in.operations(),
        },
        "components": {
            "messages": {**messages, **received},
            "schemas": dict(sorted(components.found.items())),
            "securitySchemes": {"user": {"type": "userPassword", "description": "A user of the broker"}},
        },
    }


def _message(number: int, event: EventType, version: int, components: Components) -> Json:
    data = Builder("OUT", components).object(schema_of(event.name, version))
    placed = components.place(f"{event.name}.v{version}", data)
    fixed = envelope(placed, event.name, version)["properties"]
    payload = {
        "allOf": [
            {"$ref": f"{components.prefix}Event"},
            {"type": "object", "properties": {key: fixed[key] for key in ("source", "type", "dataschema", "data")}},
        ]
    }
    hidden = sorted(set(_hidden(event, version)))
    example = whole_event(event.name, number, version)
    rules = rules_of(event.name)
    made: Json = {
        "name": type_of(event.name, version),
        "title": routing_key(event.name, version),
        "summary": event.about,
        "description": _in_words(event, rules, hidden),
        "tags": [{"name": event.name.partition(".")[0]}],
        "contentType": "application/json",
        "payload": payload,
        "examples": [{"name": event.name, "summary": event.about, "payload": example}],
        "x-rules": rules,
        "x-consumers": consumers()[event.name],
    }
    if not rules:
        made["x-no-rules"] = NO_RULE.get(event.name, "")
    if hidden:
        made["x-masked-fields"] = hidden
        made["x-masked-for"] = "all but the services of the suite, if the person's identity is protected"
    sunset = sunsets()["events"].get(event.name, {}).get(str(version))
    if sunset is not None:
        made["x-sunset"] = sunset
    return made


def _in_words(event: EventType, rules: list[str], hidden: list[str]) -> str:
    """What an event's schema says of itself, then rules, readers and masking, for who reads the page."""
    who = consumers()[event.name]
    return "\n\n".join(
        filter(
            None,
            (
                about(type(event.schema)) or event.about,
                f"Rules: {', '.join(rules)}." if rules else f"No rule: {NO_RULE.get(event.name, '')}.",
                f"Read by {', '.join(who)}." if who else "",
                f"Masked for others than the suite: {', '.join(hidden)}." if hidden else "",
            ),
        )
    )


def _hidden(event: EventType, version: int) -> Iterator[str]:
    """Where a masked copy differs from the whole event, by path of field."""
    data, schema = whole_event(event.name, version=version)["data"], schema_of(event.name, version)
    yield from _differs(schema, data, masked(event.name, data, schema), "")


def _differs(schema: Schema, whole: Any, copy: Any, path: str) -> Iterator[str]:
    for name, field in schema.fields.items():
        key = field.data_key or name
        before, after = whole.get(key), copy.get(key)
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            rows = zip(before, after, strict=True) if isinstance(field, fields.List) else [(before, after)]
            for one, other in rows:
                if one is not None and other is not None:
                    yield from _differs(inner.schema, one, other, f"{path}{key}.")
        elif before != after or after == MASKED:
            yield f"{path}{key}"


def _channel(key: str) -> Json:
    service = key.partition(".")[0]
    return {
        "address": key,
        "description": f"Routing key of the exchange {exchange_of(service)}; of a protected person a masked copy comes "
        f"here and the whole event to {restricted_exchange_of(service)}, which only services of the suite may read.",
        "messages": {key: {"$ref": f"#/components/messages/{key}"}},
        "bindings": {"amqp": _exchange(exchange_of(service))},
    }


def _exchange(name: str) -> Json:
    exchange = {"name": name, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"}
    return {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}


def _more_channels(messages: list[str]) -> Json:
    """What partners have: an exchange of their own, with the same events as copies."""
    return {
        "partner": {
            "address": "{tenant}.{event}",
            "title": "A partner's own copies",
            "description": "Exchange `partner.<id>` and queue `partner.<id>.events`, for the partner alone: events "
            "of its municipalities and of the names that it asked for, with its own pseudonyms, without trace and "
            "correlation, and with `position`, the place in what the service has told.",
            "parameters": {
                "tenant": {"description": "The municipality"},
                "event": {"description": "The event's name, such as assignment.exited"},
            },
            "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
            "bindings": {"amqp": _exchange("partner.<id>")},
        }
    }


def _operation(event: EventType, version: int) -> Json:
    key = routing_key(event.name, version)
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{key}"},
        "title": f"Tell {key}",
        "summary": event.about,
        "description": about(type(event.schema)) or event.about,
        "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
        "tags": [{"name": event.name.partition(".")[0]}],
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": False, "bindingVersion": "0.3.0"}},
    }


def _of_partners() -> Json:
    return {
        "tell.partner": {
            "action": "send",
            "channel": {"$ref": "#/channels/partner"},
            "title": "Tell a partner",
            "summary": "Copies of events for one partner.",
            "description": "In the order of their positions; after a broken connection some come again.",
            "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": "0.3.0"}},
        }
    }
