"""The whole suite on a broker and a database that speak TLS alone, and what becomes of wrong certificates."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import amqp
import psycopg
import pytest

from kundval_chassis.amqp import BROKER_ERRORS, Link, trouble_with, user_of
from kundval_contracts.client import Client
from kundval_contracts.errors import Unavailable
from kundval_contracts.wire import broker, establish
from kundval_local import certificates
from tests.acceptance.builders import assignment, fact
from tests.conftest import Servers, as_service
from tests.suite import SERVICES, Suite, Town, eventually, running


@pytest.fixture(scope="module")
def secured(tls_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    # the authority comes from the setting alone
    with running(tls_servers, tmp_path_factory.mktemp("tls"), settings={"PGSSLROOTCERT": ""}) as made:
        yield made


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of an authority that has nothing to do with the servers."""
    folder = tmp_path_factory.mktemp("foreign")
    assert certificates.make(folder)
    return folder / certificates.AUTHORITY


def test_a_fact_has_its_consequences_over_tls_alone(secured: Suite, tls_servers: Servers) -> None:
    with secured.client() as client:
        town = Town(client)
        town.add(assignment("AMI_2", "2024-03-01", fact("2024-03-20", "mapping_done"), started="2024-03-04"))
        town.day("2024-05-01")
        assert town.ask("scheduling.obligations") and town.summary("billing") and town.summary("notifications")

        def connections() -> list[Any]:
            return [one for one in tls_servers.api("GET", "connections") if one["vhost"] == secured.vhost]

        # the management API is some seconds behind, and says little of a connection at first
        users = {*map(user_of, SERVICES), user_of("operator")}
        eventually(lambda: {one.get("user") for one in connections()} == users)
        there = connections()
        assert all(one["ssl"] and one["ssl_protocol"] in ("tlsv1.2", "tlsv1.3") for one in there)
    with psycopg.connect(tls_servers.pg_admin_uri) as conn:
        rows = conn.execute(
            "SELECT usename, ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename LIKE 't\\_%'"
        ).fetchall()
    roles = {as_service(uri).partition("//")[2].partition(":")[0] for uri in secured.databases.values()}
    assert roles <= {row[0] for row in rows}
    assert all(row[1] and row[2] in ("TLSv1.2", "TLSv1.3") for row in rows)


def test_nobody_gets_in_without_tls(secured: Suite) -> None:
    plain = secured.operator_uri.replace("amqps:", "amqp:")
    with pytest.raises(BROKER_ERRORS):
        Link(plain, name="test", connect_timeout=5)
    uri = as_service(secured.databases["billing"])
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(uri.replace("sslmode=verify-full", "sslmode=disable"))


def test_a_foreign_authority_is_not_believed(secured: Suite, foreign: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as refusal:
        Link(f"{secured.operator_uri}?cafile={foreign}", name="test")
    assert "certificate is refused" in trouble_with(refusal.value)
    with pytest.raises(ssl.SSLCertVerificationError):
        establish(broker(f"{secured.operator_uri}?cafile={foreign}"))
    with Client(f"{secured.operator_uri}?cafile={foreign}", "token", timeout=1) as client, pytest.raises(Unavailable):
        client.call("billing.info")
    with pytest.raises(psycopg.OperationalError, match="SSL error"):
        psycopg.connect(f"{as_service(secured.databases['billing'])}&sslrootcert={foreign}")


def test_a_service_that_does_not_believe_the_broker_says_so(
    secured: Suite, tls_servers: Servers, foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not ready, it says why without an address, and it leaves the work to the other."""
    believed = {"PGSSLROOTCERT": tls_servers.env["KUNDVAL_TLS_AUTHORITY"], "KUNDVAL_TLS_AUTHORITY": str(foreign)}
    monkeypatch.setattr(secured, "settings", believed)
    secured.spawn("billing#2")

    def why() -> Any:
        address = f"http://127.0.0.1:{secured.ports['billing#2']}/health/ready"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return json.load(answer)["services"]["billing"]
        except urllib.error.HTTPError as error:
            found = json.load(error)["services"]["billing"]
            refused = "certificate is refused" in found["relay"] or "certificate is" in found["events"]
            return found if refused and found["database"] == "ok" else None
        except OSError:
            return None

    said = eventually(why)
    assert said["requests"] != "ok"
    assert "127.0.0.1:" not in json.dumps(said)
    assert "SSLCertVerificationError" in secured.log("billing#2")
    secured.kill("billing#2")
    assert secured.ready("billing")


@contextmanager
def shown(folder: Path, host: str) -> Iterator[int]:
    """The port of somebody at `host` who shows the certificate in `folder`, and says nothing more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / certificates.CERTIFICATE, folder / certificates.KEY)
    with closing(socket.create_server((host, 0))) as listening:

        def answer() -> None:
            with suppress(OSError):
                plain, _ = listening.accept()
                context.wrap_socket(plain, server_side=True).close()

        threading.Thread(target=answer, daemon=True).start()
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("days", "host", "why"),
    [(-1, "127.0.0.1", "expired"), (30, "127.0.0.2", "mismatch")],
    ids=["whose time is over", "of another host"],
)
def test_a_certificate_is_refused(tmp_path: Path, days: int, host: str, why: str) -> None:
    certificates.make(tmp_path, days=days)
    with shown(tmp_path, host) as port, pytest.raises(ssl.SSLCertVerificationError) as refusal:
        Link(f"amqps://a:b@{host}:{port}/v?cafile={tmp_path / certificates.AUTHORITY}", name="test")
    assert why in str(refusal.value)
    assert "certificate is refused" in trouble_with(refusal.value)


def test_certificates_are_made_once_and_again_before_they_end(tmp_path: Path) -> None:
    assert certificates.make(tmp_path, days=365)
    first = (tmp_path / certificates.CERTIFICATE).read_bytes()
    assert not certificates.make(tmp_path)
    assert certificates.make(tmp_path, least=400)
    assert (tmp_path / certificates.CERTIFICATE).read_bytes() != first
    assert os.stat(tmp_path / certificates.KEY).st_mode & 0o077 == 0


def test_a_password_that_is_wrong_is_told_from_a_broker_that_is_away() -> None:
    assert trouble_with(amqp.AccessRefused("Login was refused")).startswith("broker refuses")
    assert trouble_with(ConnectionRefusedError()) == "broker is not reachable"
