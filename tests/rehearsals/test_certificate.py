"""A server's certificate has ended: it is refused and said so, and a new one is taken without a restart."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kundval_chassis.amqp import BROKER_ERRORS, Link
from kundval_chassis.doctor import Level, machine

DAY = timedelta(days=1)


def issue(folder: Path, until: datetime) -> tuple[Path, Path]:
    """A certificate for localhost that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - 400 * DAY)
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / "server.pem", folder / "server.key"
    shown.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return shown, secret


class Broker:
    """Shows a certificate, which it reads anew for each connection, and hangs up."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.greeted = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._folder / "server.pem", self._folder / "server.key")
            with suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
                self.greeted += secure.recv(8)[:4] == b"AMQP"

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    issue(tmp_path, datetime.now(UTC) - DAY)
    made = Broker(tmp_path)
    yield made
    made.close()


def test_an_ended_certificate_is_refused_and_a_new_one_is_taken_at_the_next_attempt(
    broker: Broker, tmp_path: Path
) -> None:
    uri = f"amqps://user:secret@localhost:{broker.port}/kundval?cafile={tmp_path / 'server.pem'}"
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired") as refused:
        Link(uri, name="test")
    # one of the faults that every connection of a service waits out, and tries again
    assert isinstance(refused.value, BROKER_ERRORS)
    assert broker.greeted == 0
    issue(tmp_path, datetime.now(UTC) + 90 * DAY)
    # as far as the first words now
    with pytest.raises(BROKER_ERRORS) as hung_up:
        Link(uri, name="test")
    assert not isinstance(hung_up.value, ssl.SSLError)
    assert broker.greeted == 1


def test_it_is_told_in_time() -> None:
    ends = [(datetime.now(UTC) + days * DAY).timestamp() for days in (-1, 20, 90)]
    levels = [machine.certificate("broker", "the broker", end).level for end in ends]
    assert levels == [Level.BAD, Level.WARN, Level.OK]
