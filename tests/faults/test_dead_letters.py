"""Events that a service cannot take: kept, counted, parked, visible, and an operator decides what becomes of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection

from kundval_contracts.client import Client
from tests.acceptance.builders import assignment, fact
from tests.suite import Suite, Town, client, eventually, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"


def envelope(tenant: str, name: str, data: dict[str, Any], version: int = 1) -> dict[str, Any]:
    service = name.partition(".")[0]
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"/kundval/{service}",
        "type": f"se.kundval.{name}.v{version}",
        "subject": "A-1",
        "time": "2024-06-20T09:30:00.123456Z",
        "datacontenttype": "application/json",
        "dataschema": f"urn:kundval:event:{name}:v{version}",
        "sequence": "4711",
        "tenant": tenant,
        "data": data,
    }


def broken(tenant: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Reason -> (what is parked with it, event)."""
    exited = {"assignment": "A-1", "fact_id": "9", "ordinal": 9, "on": D, "known_on": D, "revision": 1}
    return {
        "INVALID_DATA": ("data.kind", envelope(tenant, "assignment.exited", {**exited, "kind": "FLEW_AWAY"})),
        "UNKNOWN_TYPE": ("type", envelope(tenant, "assignment.teleported", {"assignment": "A-1"})),
        "NEWER_VERSION": ("type", envelope(tenant, "assignment.exited", exited, version=2)),
    }


def publish(suite: Suite, event: dict[str, Any]) -> None:
    """As a service would: to its exchange, from which every consumer gets it."""
    name = event["type"].removeprefix("se.kundval.").rpartition(".")[0]
    with Connection(suite.amqp_uri, transport_options={"confirm_publish": True}) as connection:
        connection.Producer().publish(
            json.dumps(event).encode(),
            exchange=f"{name.partition('.')[0]}.events",
            routing_key=name,
            content_type="application/json",
            content_encoding="utf-8",
            message_id=event["id"],
            delivery_mode=2,
        )


def listed(suite: Suite, tenant: str) -> list[dict[str, Any]]:
    done = suite.kundval("dead-letters", "list", "--json")
    assert done.returncode == 0, done.stderr
    return [row for row in json.loads(done.stdout)["parked"] if row["tenant"] == tenant]


@pytest.fixture
def parked(town: Town, suite: Suite) -> Iterator[list[dict[str, Any]]]:
    """What is listed after each consumer has been given every kind of broken event."""
    town.add(assignment("AMI_2", D))
    town.day("2024-05-01")
    for _, event in broken(town.name).values():
        publish(suite, event)
    yield eventually(lambda: rows if len(rows := listed(suite, town.name)) == 9 else None)
    rows = listed(suite, town.name)
    if rows:
        suite.kundval("dead-letters", "drop", "--yes", *{row["id"] for row in rows})


def test_an_event_that_cannot_be_taken_is_parked_with_its_reason_and_counted(
    town: Town, suite: Suite, parked: list[dict[str, Any]]
) -> None:
    assert {(row["service"], row["reason"], row["field"]) for row in parked} == {
        (service, reason, field)
        for service in ("scheduling", "billing", "notifications")
        for reason, (field, _) in broken(town.name).items()
    }
    for service in ("scheduling", "billing", "notifications"):
        metrics = suite.metrics(service)
        for reason in broken(town.name):
            assert metrics[f'kundval_events_parked_total{{reason="{reason}",service="{service}"}}'] >= 1
    shown = suite.kundval("status", "--json")
    assert {row["service"]: row["parked"] >= 3 for row in json.loads(shown.stdout)["services"] if row["parked"]} == {
        "scheduling": True,
        "billing": True,
        "notifications": True,
    }


def test_the_town_goes_on_as_if_there_had_been_no_such_event(town: Town, parked: list[dict[str, Any]]) -> None:
    before = town.ask("billing.lines")
    town.state("A-1", fact("2024-04-01", "mapping_done"))
    town.settle()
    assert town.ask("billing.lines") == before
    assert town.ask("scheduling.obligations")


def test_an_operator_sees_the_envelope_and_the_data_only_if_asked_for(
    suite: Suite, parked: list[dict[str, Any]]
) -> None:
    one = next(row for row in parked if row["reason"] == "INVALID_DATA")
    shown = suite.kundval("dead-letters", "show", one["id"])
    assert shown.returncode == 0
    assert "se.kundval.assignment.exited.v1" in shown.stdout and "FLEW_AWAY" not in shown.stdout
    assert "FLEW_AWAY" in suite.kundval("dead-letters", "show", one["id"], "--data").stdout
    table = suite.kundval("dead-letters", "list")
    assert one["id"] in table.stdout and "FLEW_AWAY" not in table.stdout


def test_what_is_sent_again_and_still_cannot_be_taken_is_parked_again(
    town: Town, suite: Suite, parked: list[dict[str, Any]]
) -> None:
    one = next(row for row in parked if row["reason"] == "UNKNOWN_TYPE")
    done = suite.kundval("dead-letters", "retry", one["id"], "--service", "billing")
    assert (done.returncode, done.stdout) == (0, "1 sent again\n")
    again = eventually(lambda: rows if len(rows := listed(suite, town.name)) == 9 else None)
    assert {row["id"] for row in again} == {row["id"] for row in parked}


def test_what_is_dropped_is_gone_and_what_is_not_parked_is_named(
    town: Town, suite: Suite, parked: list[dict[str, Any]]
) -> None:
    ids = sorted({row["id"] for row in parked})
    refused = suite.kundval("dead-letters", "drop", *ids)
    assert refused.returncode == 1 and len(listed(suite, town.name)) == 9  # nobody said yes
    done = suite.kundval("dead-letters", "drop", "--yes", *ids)
    assert (done.returncode, done.stdout) == (0, "9 dropped\n")
    assert listed(suite, town.name) == []
    missing = suite.kundval("dead-letters", "drop", "--yes", ids[0])
    assert missing.returncode == 1 and ids[0] in missing.stderr


def test_an_event_that_was_parked_takes_effect_when_the_service_can_take_it(
    town: Town, suite: Suite, client: Client
) -> None:
    town.add(assignment("AMI_2", D))
    town.day("2024-05-01")
    # billing is given an event whose fact is not valid; a fixed producer sends it again under the same id
    wrong = envelope(town.name, "assignment.eb_paid", {"assignment": "A-1"})
    publish(suite, wrong)
    eventually(lambda: len(listed(suite, town.name)) == 3)
    data = {"fact_id": "50", "ordinal": 50, "on": "2024-04-01", "known_on": "2024-04-01", "revision": 1}
    right = wrong | {"data": {"assignment": "A-1", **data, "from": "2024-04-01", "to": "2024-05-01", "scope": "CLIENT"}}
    before = client.call("billing.positions", tenant=town.name)["handled"]["assignment"]
    publish(suite, right)
    eventually(lambda: client.call("billing.positions", tenant=town.name)["handled"]["assignment"] == before + 1)
    suite.kundval("dead-letters", "drop", "--yes", wrong["id"])
    assert listed(suite, town.name) == []
