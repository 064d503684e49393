"""A base service that speaks the same contract as the real one over mutual TLS, for tests: fixtures to import."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from lxml import etree

from kundval_assignment.af_in import soap
from tests.contracts import af_samples as s

SCHEMA = etree.XMLSchema(etree.parse(str(soap.WSDL.with_name("ssbtek-11.xsd"))))
Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Agency:
    """A server that takes what fits the schema of the contract, and answers as a test says."""

    port: int = 0
    reply: Reply = field(default=lambda handler: None)
    requests: list[etree._Element] = field(default_factory=list)
    actions: list[str | None] = field(default_factory=list)


def says(body: bytes, status: int = 200, *, length: int | None = None, **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)
        if length is not None:
            handler.close_connection = True

    return reply


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Certificates: of the server's authority, of the municipality, and of somebody whom the server does not know."""
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = trustme.CA(), trustme.CA()
    found = {name: folder / f"{name}.pem" for name in ("authority", "ours", "strangers", "other_authority")}
    authority.cert_pem.write_to_path(str(found["authority"]))
    stranger.cert_pem.write_to_path(str(found["other_authority"]))
    authority.issue_cert("municipality.example").private_key_and_cert_chain_pem.write_to_path(str(found["ours"]))
    stranger.issue_cert("municipality.example").private_key_and_cert_chain_pem.write_to_path(str(found["strangers"]))
    server = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    found["server"] = folder / "server.pem"
    server.write_to_path(str(found["server"]))
    return found


@pytest.fixture(scope="module")
def server(files: dict[str, Path]) -> Iterator[Agency]:
    agency = Agency()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = etree.fromstring(body)[0][0]
            SCHEMA.assertValid(request)
            agency.requests.append(request)
            agency.actions.append(self.headers["SOAPAction"])
            agency.reply(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> Any:
            # the handshake in the thread of the connection, so that one who never shakes hands holds up nobody
            connection, address = super().get_request()
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(files["server"]))
    context.load_verify_locations(str(files["authority"]))
    context.verify_mode = ssl.CERT_REQUIRED
    running = Server(("127.0.0.1", 0), Handler)
    agency.port = running.server_address[1]
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield agency
    running.shutdown()
    running.server_close()
    thread.join(10)


@pytest.fixture
def agency(server: Agency) -> Agency:
    server.reply = says(s.answer(s.af(), s.failed()))
    server.requests.clear()
    server.actions.clear()
    return server
