"""What the suite takes in from systems outside it, for the AsyncAPI document: channels, messages and `receive`."""

from __future__ import annotations

from typing import Any

from kundval_contracts.envelope import CONTENT_TYPE, SPECVERSION, dataschema_of, exchange_of, source_of
from kundval_contracts.events_in import EVENTS_IN, InboundType, example
from kundval_contracts.schema import Builder, Components, about, envelope

Json = dict[str, Any]


def messages(components: Components) -> Json:
    """A message for each event, its schema placed among the `components`."""
    return {name: _message(number, EVENTS_IN[name], components) for number, name in enumerate(sorted(EVENTS_IN), 1)}


def channels() -> Json:
    return {name: _channel(name) for name in sorted(EVENTS_IN)}


def operations() -> Json:
    return {f"receive.{name}": _operation(name) for name in sorted(EVENTS_IN)}


def _message(number: int, event: InboundType, components: Components) -> Json:
    data = components.place(f"{event.name}.v{event.version}", Builder("OUT", components).object(event.schema))
    fixed = envelope(data, event.name, event.version)["properties"]
    return {
        "name": event.type,
        "title": event.name,
        "summary": event.about,
        "tags": [{"name": event.name.partition(".")[0]}],
        "contentType": "application/json",
        "payload": {
            "allOf": [
                {"$ref": f"{components.prefix}Event"},
                {
                    "type": "object",
                    "properties": {key: fixed[key] for key in ("source", "type", "dataschema", "data")},
                },
            ]
        },
        "examples": [{"name": event.name, "summary": event.about, "payload": whole(event, number)}],
        "x-rules": list(event.rules),
        "x-consumers": ["assignment"],
        "x-gate": {"what": event.what.value, "purpose": event.purpose.value},
    }


def whole(event: InboundType, number: int = 1) -> Json:
    """An event as it travels; `number` tells examples apart."""
    data = example(event.name)
    return {
        "specversion": SPECVERSION,
        "id": f"018fd8a0-0000-7000-9000-{number:012d}",
        "source": source_of(event.name.partition(".")[0]),
        "type": event.type,
        "subject": data[event.item],
        "time": "2026-03-25T09:30:00.123456Z",
        "datacontenttype": CONTENT_TYPE,
        "dataschema": dataschema_of(event.name, event.version),
        "sequence": str(number),
        "tenant": "nacka",
        "data": data,
    }


def _channel(name: str) -> Json:
    exchange = exchange_of(name.partition(".")[0])
    return {
        "address": name,
        "description": f"Routing key of the exchange {exchange}, to which the system outside publishes. Without AMQP: "
        "assignment.receive.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": exchange, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _operation(name: str) -> Json:
    event = EVENTS_IN[name]
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "title": f"Take in {name}",
        "summary": event.about,
        "description": f"{about(type(event.schema)) or event.about} Taken in for persons with a ground for "
        f"{event.what} and {event.purpose}; else refused.",
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        "tags": [{"name": name.partition(".")[0]}],
    }
