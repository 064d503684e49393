"""A service whose broker is a cluster: several addresses, of which any may be dead, and requests on several nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import amqp
import kombu
import pytest

from kundval_chassis.amqp import Link, parse_uri
from kundval_chassis.rpc import CLASSIC, QUORUM, requests_queue
from kundval_contracts.client import RPC_EXCHANGE
from kundval_contracts.wire import establish

from .probing import TENANT, Probe, free_port


def dead() -> str:
    """The address of a broker that does not run."""
    return f"amqp://nobody:nothing@127.0.0.1:{free_port()}/none"


@pytest.fixture
def clustered(fresh_vhost: str, database: str, tmp_path: Path) -> Iterator[Probe]:
    """A service that finds the first of its brokers dead, as on a host that lost its node."""
    one = Probe(f"{dead()};{fresh_vhost}", database, tmp_path, KUNDVAL_RPC_QUEUES=QUORUM)
    yield one
    one.end()


def queues_with_requests(uri: str) -> set[str]:
    """Which of the probe's queues get a request now."""
    found = set()
    connection = amqp.Connection(**parse_uri(uri))
    connection.connect()
    try:
        for queue in (requests_queue("probe", CLASSIC), requests_queue("probe", QUORUM)):
            channel = connection.channel()
            try:
                before = channel.queue_declare(queue, passive=True).message_count
            except amqp.NotFound:
                continue
            channel.confirm_select()
            channel.basic_publish_confirm(amqp.Message("{}", expiration="60000"), RPC_EXCHANGE, "probe.look")
            if channel.queue_declare(queue, passive=True).message_count > before:
                found.add(queue)
    finally:
        connection.collect()
    return found


def test_the_first_broker_that_answers_is_taken_and_none_is_an_error(vhost: str) -> None:
    for uri in (f"{dead()};{vhost}", f"{vhost};{dead()}", f"{dead()};{dead()};{vhost}"):
        connection = establish(kombu.Connection(uri, connect_timeout=5))
        assert connection.connected
        connection.collect()
        with Link(uri, name="test") as link:
            assert link.connection.connected
    for uri in (dead(), f"{dead()};{dead()}"):
        with pytest.raises(OSError):
            establish(kombu.Connection(uri, connect_timeout=5))


def test_a_service_whose_first_broker_is_dead_is_called_answers_and_logs_no_password(
    clustered: Probe, fresh_vhost: str
) -> None:
    clustered.start()
    with clustered.client() as client:
        assert client.call("probe.ask", tenant=TENANT)["rows"]
    assert {line["missing"] for line in clustered.logged("requests_interrupted")} == {"broker"}
    password = urlsplit(fresh_vhost).password
    assert password and password not in clustered.log.read_text()


def test_who_chooses_another_kind_of_queue_gets_each_request_once(
    clustered: Probe, fresh_vhost: str, database: str, tmp_path: Path
) -> None:
    clustered.start()
    before = Probe(fresh_vhost, database, tmp_path, KUNDVAL_RPC_QUEUES=CLASSIC)
    before.key = clustered.key
    try:
        # as one that was upgraded back; and then the new one comes again
        before.start()
        assert before.stop() == 0
        assert clustered.stop() == 0
        assert queues_with_requests(fresh_vhost) == {requests_queue("probe", CLASSIC)}
        clustered.start()
        assert clustered.stop() == 0
        assert queues_with_requests(fresh_vhost) == {requests_queue("probe", QUORUM)}
    finally:
        before.end()
