"""The notifications service as it runs: each message once, true when it is sent, and kept.

How it is handed over, and what becomes of it when servers fail, is in `test_delivery.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

from kundval_chassis.relay import replay
from kundval_contracts.client import Client
from tests.acceptance.builders import assignment, bare, claim, exited, fact
from tests.suite import Suite, Town, client, content, eventually, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
EXIT = exited("2024-06-20")


def told(town: Town) -> list[dict[str, Any]]:
    return town.ask("notifications.messages")


def settled(town: Town) -> dict[str, Any]:
    """The summary, once it is decided about every message what becomes of it."""
    eventually(lambda: "PENDING" not in town.summary("notifications")["messages"])
    return town.summary("notifications")


def read(files: list[Path]) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in files}


def test_a_message_goes_out_once_however_often_it_is_computed(town: Town, suite: Suite) -> None:
    town.mailboxes()
    town.add(assignment("AMI_2", D, EXIT, claim("2024-12-20")))
    town.day("2025-01-31")
    files, messages = read(town.messages(suite)), told(town)
    assert files and {row["state"] for row in messages} <= {"SENT", "BY_HAND", "WITHDRAWN"}
    # looked at again: a new fact that says nothing, the settings again, the next day, the same events once more
    town.state("A-1", fact("2024-04-20", "study_guidance", known_on="2025-01-31"))
    town.open()
    key = 'kundval_events_repeated_total{service="notifications",source="assignment"}'
    before = suite.metrics("notifications").get(key, 0.0)
    counts = {
        source: replay(
            database_uri=suite.databases[source],
            amqp_uri=suite.operator_uri,
            queue="notifications.events-in",
            tenant=town.name,
        )
        for source in ("assignment", "scheduling", "billing")
    }
    eventually(lambda: suite.metrics("notifications").get(key, 0.0) >= before + counts["assignment"])
    town.settle()
    assert read(town.messages(suite)) == files
    assert told(town) == messages
    with psycopg.connect(suite.databases["notifications"]) as connection:
        [(notices, kept)] = connection.execute(
            "SELECT count(*), count(m.notice) FROM notice n LEFT JOIN message m USING (notice) WHERE n.tenant = %s",
            (town.name,),
        ).fetchall()
    assert notices == kept > 0


def test_staff_and_providers_are_nudged_by_mail_and_clients_without_an_address_are_told_by_hand(
    town: Town, suite: Suite
) -> None:
    town.mailboxes("alfa")
    town.add(assignment("AMI_2", D))
    # neither mapping nor plan has been made, and it is late
    town.day("2024-05-01")
    files, summary = town.messages(suite), settled(town)
    assert files and summary["channels"]["EMAIL"] >= len(files)
    ways: dict[str, set[tuple[str, str]]] = {}
    for row in told(town):
        if row["state"] != "WITHDRAWN":
            ways.setdefault(row["to"], set()).add((row["state"], row["channel"]))
    assert ways["CLIENT"] == {("BY_HAND", "NONE")}, ways
    assert ways["PROVIDER"] == ways["CAREER_GUIDE"] == {("SENT", "EMAIL")}, ways
    for file in files:
        # without ids and boundaries, in which anything may stand by chance
        text = re.sub(r"[0-9a-f]{32,}", "", content(file))
        assert not [word for word in ("1990", "A-1", "AMI", "OBLIGATION", town.name) if word in text]
    assert all("\n-- \n" in row["text"] and "1990" not in row["text"] for row in told(town))


def test_who_has_no_mailbox_finds_it_in_the_inbox(town: Town, suite: Suite) -> None:
    town.add(assignment("AMI_2", D, EXIT))
    town.day("2024-06-21")
    summary = settled(town)
    assert not town.messages(suite)
    assert set(summary["channels"]) == {"INBOX"} and summary["messages"]["BY_HAND"] > 0
    assert summary["waiting"] == {}


def test_a_client_whose_address_is_known_gets_a_mail(town: Town, suite: Suite) -> None:
    fields = {"name": "Testperson", "email": "someone@person.example", "languages": ["en"]}
    person = town.client.call("assignment.register_person", tenant=town.name, **fields)["person"]
    row = {name: bare("AMI_2", name="A-1")[name] for name in ("id", "programme", "client", "plan")}
    town.client.call("assignment.register", tenant=town.name, assignments=[{**row, "person": person}])
    town.state("A-1", *assignment("AMI_2", D)["facts"])
    town.day("2024-05-01")
    settled(town)
    texts = [content(file) for file in town.messages(suite)]
    assert texts and all("someone@person.example" in text and "Testperson" not in text for text in texts)
    assert {row["channel"] for row in told(town) if row["to"] == "CLIENT" and row["state"] == "SENT"} == {"EMAIL"}
    # the address is assignment's: it was asked for and is not kept
    with psycopg.connect(suite.databases["notifications"]) as connection:
        rows = connection.execute("SELECT dispatch::text FROM dispatch WHERE tenant = %s", (town.name,)).fetchall()
    assert rows and "someone@" not in str(rows)


def test_a_message_whose_reason_went_is_listed_no_more_as_a_notice_but_stays_as_a_message(town: Town) -> None:
    town.add(assignment("AMI_2", D, EXIT))
    town.day("2024-06-21")
    settled(town)
    notices, messages = town.ask("notifications.notices"), told(town)
    assert "EXIT_REPORTED" in {row["kind"] for row in notices}
    town.withdraw("A-1", "5")
    town.settle()
    assert "EXIT_REPORTED" not in {row["kind"] for row in town.ask("notifications.notices")}
    assert [row for row in told(town) if row["kind"] == "EXIT_REPORTED"] == [
        row for row in messages if row["kind"] == "EXIT_REPORTED"
    ]
    # the right exit on the same day: the message has been sent
    town.send([{"assignment": "A-1", "id": "5-right", "ordinal": 5, **exited("2024-06-20", workplace="W2")}])
    town.settle()
    assert "EXIT_REPORTED" in {row["kind"] for row in town.ask("notifications.notices")}
    assert Counter(row["kind"] for row in told(town))["EXIT_REPORTED"] == 1


def test_ids_that_no_address_and_no_file_could_hold_get_their_messages_through(client: Client, suite: Suite) -> None:
    town = Town(client)
    for name in ("../../escape", "Åsa:1", "x" * 100):
        town.name = f"{name[:80]}-{town.name[-8:]}"
        town.open()
        town.mailboxes()
        town.add(assignment("AMI_2", D, name="Å/..@+:1"))
        town.day("2024-05-01")
        assert settled(town)["channels"]["EMAIL"] > 0
        town._places.clear()
    assert not (suite.folder.parent / "escape").exists()
    assert all(file.is_relative_to(suite.messages) for file in suite.folder.rglob("*.eml"))
