"""The notifications service as it runs: each message once, true when it is sent, and kept."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller

from kundval_chassis.relay import replay
from kundval_contracts.client import Client
from tests.acceptance.builders import assignment, claim, exited, fact
from tests.conftest import Servers
from tests.suite import Suite, Town, client, content, eventually, running, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
EXIT = exited("2024-06-20")


def sent(town: Town) -> int:
    return int(town.summary("notifications")["messages"].get("SENT", 0))


def told(town: Town) -> list[dict[str, Any]]:
    return town.ask("notifications.messages")


# --- once ----------------------------------------------------------------------------------------------


def test_a_message_goes_out_once_however_often_it_is_computed(town: Town, suite: Suite) -> None:
    town.add(assignment("AMI_2", D, EXIT, claim("2024-12-20")))
    town.day("2025-01-31")
    files = town.messages(suite)
    assert files and len(files) == sent(town) == len(told(town))
    before = {file: file.stat().st_mtime_ns for file in files}
    # looked at again: a new fact that says nothing, the settings again, the next day, the same events once more
    town.state("A-1", fact("2024-04-20", "study_guidance", known_on="2025-01-31"))
    town.open()
    for source in ("assignment", "scheduling", "billing"):
        replay(
            database_uri=suite.databases[source],
            amqp_uri=suite.amqp_uri,
            queue="notifications.events-in",
            tenant=town.name,
        )
    town.settle()
    after = {file: file.stat().st_mtime_ns for file in town.messages(suite)}
    assert {file: after.get(file) for file in before} == before
    assert len(after) == sent(town) == len(told(town))


def test_what_was_replayed_is_counted_as_repeated(town: Town, suite: Suite) -> None:
    town.add(assignment("AMI_2", D))
    town.day("2024-05-01")
    key = 'kundval_events_repeated_total{service="notifications",source="assignment"}'
    before = suite.metrics("notifications").get(key, 0.0)
    count = replay(
        database_uri=suite.databases["assignment"],
        amqp_uri=suite.amqp_uri,
        queue="notifications.events-in",
        tenant=town.name,
    )
    eventually(lambda: suite.metrics("notifications").get(key, 0.0) >= before + count)


def test_a_message_whose_reason_went_is_listed_no_more_as_a_notice_but_stays_as_a_message(town: Town) -> None:
    town.add(assignment("AMI_2", D, EXIT))
    town.day("2024-06-21")
    eventually(lambda: "PENDING" not in town.summary("notifications")["messages"])
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


def test_a_message_is_in_both_languages_and_says_nothing_about_the_client(town: Town, suite: Suite) -> None:
    town.add(assignment("AMI_2", D, EXIT))
    town.day("2024-06-21")
    for file in town.messages(suite):
        text = content(file)
        assert "1990" not in text
        assert "\n-- \n" in text
        assert f"<{town.name}." in text


def test_ids_that_no_address_and_no_file_could_hold_get_their_messages_through(client: Client, suite: Suite) -> None:
    town = Town(client)
    for name in ("../../escape", "Åsa:1", "x" * 100):
        town.name = f"{name[:80]}-{town.name[-8:]}"
        town.open()
        town.add(assignment("AMI_2", D, name="Å/..@+:1"))
        town.day("2024-05-01")
        eventually(lambda: "PENDING" not in town.summary("notifications")["messages"])
        assert set(town.summary("notifications")["messages"]) == {"SENT"}
        town._places.clear()
    assert not (suite.folder.parent / "escape").exists()
    assert all(file.is_relative_to(suite.messages) for file in suite.folder.rglob("*.eml"))


# --- the mail server -----------------------------------------------------------------------------------


class Mailbox:
    """Takes mail on a port of its own while it is open."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.mails: list[Any] = []
        self.unwanted = ""
        self._controller: Controller | None = None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=default)
        if self.unwanted and self.unwanted in mail["Subject"]:
            return "550 not here"
        self.mails.append(mail)
        return "250 OK"

    def open(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


@pytest.fixture(scope="module")
def mailing(servers: Servers, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    folder: Path = tmp_path_factory.mktemp("mailing")
    settings = {"KUNDVAL_SMTP_HOST": "127.0.0.1", "KUNDVAL_SMTP_PORT": str(mailbox.port)}
    with running(servers, folder, settings=settings) as suite:
        yield suite


@pytest.fixture
def place(mailing: Suite) -> Iterator[Town]:
    with mailing.client() as client:
        yield Town(client)


def test_a_mail_server_gets_each_message_once(place: Town, mailing: Suite, mailbox: Mailbox) -> None:
    mailbox.open()
    mailbox.mails.clear()
    place.add(assignment("AMI_2", D, EXIT))
    place.day("2024-06-21")
    files = place.messages(mailing)
    place.open()
    place.day("2024-06-21")
    ids = Counter(mail["Message-ID"] for mail in mailbox.mails)
    assert len(ids) == len(files) == sent(place) and set(ids.values()) == {1}
    assert {row["channel"] for row in told(place)} == {"FOLDER_SMTP"}
    assert {mail["From"] for mail in mailbox.mails} == {"no-reply@kundval.invalid"}
    assert all(mail["To"].endswith("@kundval.invalid") for mail in mailbox.mails)
    assert not any("1990" in str(mail) for mail in mailbox.mails)
    mailbox.close()


def test_messages_wait_for_a_mail_server_that_is_away(place: Town, mailing: Suite, mailbox: Mailbox) -> None:
    mailbox.mails.clear()
    place.add(assignment("AMI_2", D))
    place.day("2024-05-01")
    waiting = eventually(lambda: [row for row in told(place) if row["attempts"] > 0])
    assert {row["state"] for row in waiting} == {"PENDING"}
    assert "message_not_sent" in mailing.log("notifications")
    mailbox.open()
    eventually(lambda: set(place.summary("notifications")["messages"]) == {"SENT"})
    assert len(mailbox.mails) == len(place.messages(mailing)) == len(told(place))
    mailbox.close()


def test_a_message_whose_reason_goes_while_it_waits_is_not_sent(place: Town, mailing: Suite, mailbox: Mailbox) -> None:
    mailbox.mails.clear()
    place.add(assignment("AMI_2", D))
    place.day("2024-05-01")
    eventually(lambda: [row for row in told(place) if row["attempts"] > 0])
    assert "OBLIGATION_OVERDUE" in {row["kind"] for row in place.ask("notifications.notices")}
    late = [fact("2024-03-20", name, known_on="2024-05-02") for name in ("mapping_done", "plan_done", "study_guidance")]
    place.state("A-1", *late)
    place.day("2024-05-02")
    mailbox.open()
    eventually(lambda: "PENDING" not in place.summary("notifications")["messages"])
    withdrawn = {row["kind"] for row in told(place) if row["state"] == "WITHDRAWN"}
    assert "OBLIGATION_OVERDUE" in withdrawn
    assert len(mailbox.mails) == sent(place) == len(place.ask("notifications.notices"))
    mailbox.close()


def test_one_mail_that_the_server_does_not_want_holds_up_no_other(
    place: Town, mailing: Suite, mailbox: Mailbox
) -> None:
    mailbox.mails.clear()
    mailbox.open()
    town = place
    town.add(assignment("AMI_2", D))
    town.day("2024-03-16")
    eventually(lambda: set(town.summary("notifications")["messages"]) == {"SENT"})
    mailbox.unwanted = str(mailbox.mails[0]["Subject"])
    others = {mail["Subject"] for mail in mailbox.mails} - {mailbox.unwanted}
    assert others
    town.add(assignment("AMI_2", D, name="A-2"))
    town.settle()
    eventually(lambda: [row for row in told(town) if row["attempts"] > 0 and row["state"] == "PENDING"])
    states = Counter(row["state"] for row in told(town) if row["assignment"] == "A-2")
    assert states["SENT"] >= len(others) and states["PENDING"] >= 1
    mailbox.unwanted = ""
    eventually(lambda: set(town.summary("notifications")["messages"]) == {"SENT"})
    mailbox.close()


def test_what_a_process_that_died_had_handed_over_is_not_handed_over_again(
    place: Town, mailing: Suite, mailbox: Mailbox
) -> None:
    mailbox.mails.clear()
    mailbox.open()
    place.add(assignment("AMI_2", D))
    place.day("2024-05-01")
    count = len(place.messages(mailing))
    with psycopg.connect(mailing.databases["notifications"]) as connection:
        # as it is when a process dies before the commit: handed over, and not marked; one has lost its reason since
        where = "WHERE tenant = %s"
        connection.execute(f"UPDATE message SET state = 'PENDING', channel = NULL {where}", (place.name,))
        connection.execute(
            f"UPDATE notice SET superseded_at = now() {where} AND kind = 'OBLIGATION_OVERDUE'", (place.name,)
        )
    eventually(lambda: place.summary("notifications")["messages"] == {"SENT": count})
    assert len(mailbox.mails) == count == len(place.messages(mailing))
    mailbox.close()


def test_the_database_keeps_one_message_for_each_notice(town: Town, suite: Suite) -> None:
    town.add(assignment("AMI_2", D, EXIT))
    town.day("2024-07-01")
    with psycopg.connect(suite.databases["notifications"]) as connection:
        [(notices, messages)] = connection.execute(
            "SELECT count(*), count(m.notice) FROM notice n LEFT JOIN message m USING (notice) WHERE n.tenant = %s",
            (town.name,),
        ).fetchall()
    assert notices == messages > 0
