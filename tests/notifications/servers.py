"""Real servers on the loopback for tests of sending: a mail server, a web server, an SMS aggregator.

Each runs in a thread of the test, has a port of its own for its whole life, and can be made to misbehave while it
runs: `close` makes it go away, `open` brings it back on the same port. They are context managers.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, Self

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Certificates:
    """A certification authority of its own, with certificates for the loopback and for a client."""

    def __init__(self, folder: Path):
        authority = trustme.CA()
        own = authority.issue_cert("localhost", HOST)
        other = authority.issue_cert("client@kundval.invalid")
        self._authority = authority
        self._own = own
        self.authority = folder / "authority.pem"
        self.client = folder / "client.pem"
        self.client_key = folder / "client.key"
        authority.cert_pem.write_to_path(self.authority)
        other.cert_chain_pems[0].write_to_path(self.client)
        other.private_key_pem.write_to_path(self.client_key)

    def server(self, *, ask_client: bool = False) -> ssl.SSLContext:
        """What a server speaks TLS with; `ask_client`: who calls has to show a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._own.configure_cert(context)
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            self._authority.configure_trust(context)
        return context


# ---------------------------------------------------------------- e-mail


@dataclass
class Mail:
    """One mail that the server took."""

    message: EmailMessage
    raw: bytes
    sender: str
    recipient: str
    utf8: bool
    #: parameters of MAIL FROM and RCPT TO, for requests of delivery reports
    mail_options: str
    rcpt_options: str

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])


class _Smtp(SMTP):
    """Knows delivery reports (RFC 3461), which aiosmtpd does not."""

    async def smtp_MAIL(self, arg: str | None) -> None:
        rest, self.wanted_of_mail = _split(arg, r"RET=\S+|ENVID=\S+")
        await super().smtp_MAIL(rest)

    async def smtp_RCPT(self, arg: str | None) -> None:
        rest, self.wanted_of_rcpt = _split(arg, r"NOTIFY=\S+|ORCPT=\S+")
        await super().smtp_RCPT(rest)


def _split(arg: str | None, pattern: str) -> tuple[str | None, str]:
    found = re.findall(pattern, arg or "")
    return re.sub(rf"\s+({pattern})", "", arg) if arg is not None else None, " ".join(found)


class MailServer:
    """A mail server. `mails` is what it took, in order, `copies` how often each Message-ID came.

    refuse: the answer to a mail, ``"550 5.1.1 no such user"``, or None to take it; asked once it has the whole mail.
    refuse_address: the same for RCPT TO, asked with the address.
    grey: each address is put off once (451). slow: seconds before it answers a mail. lose: the number of mails that it
    takes in and whose answer it loses: the connection breaks after DATA. reports: offers delivery reports.
    """

    def __init__(
        self,
        *,
        tls: Literal["NONE", "STARTTLS", "IMPLICIT"] = "NONE",
        certificates: Certificates | None = None,
        login: tuple[str, str] | None = None,
        utf8: bool = True,
        reports: bool = True,
    ):
        assert tls == "NONE" or certificates is not None, "TLS needs certificates"
        self.port = free_port()
        self.tls, self.certificates, self.login, self.utf8, self.reports = tls, certificates, login, utf8, reports
        self.mails: list[Mail] = []
        self.copies: Counter[str] = Counter()
        self._peers: set[object] = set()
        self.refuse: Callable[[EmailMessage], str | None] = lambda mail: None
        self.refuse_address: Callable[[str], str | None] = lambda address: None
        self.grey = False
        self.slow = 0.0
        self.lose = 0
        self._put_off: set[str] = set()
        self._controller: Controller | None = None

    # what aiosmtpd calls

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        assert session.peer is not None
        self._peers.add(session.peer[1])
        return [*responses[:-1], "250-DSN", responses[-1]] if self.reports else responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.login is not None and not session.authenticated:
            return "530 5.7.0 who are you"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.grey and address not in self._put_off:
            self._put_off.add(address)
            return "451 4.7.1 come back later"
        if (answer := self.refuse_address(address)) is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        raw = envelope.content
        assert isinstance(raw, bytes)
        message = message_from_bytes(raw, policy=default)
        assert isinstance(message, EmailMessage)
        if self.slow:
            await asyncio.sleep(self.slow)
        if (answer := self.refuse(message)) is not None:
            return answer
        one = Mail(
            message,
            raw,
            str(envelope.mail_from),
            str(envelope.rcpt_tos[0]),
            envelope.smtp_utf8,
            getattr(server, "wanted_of_mail", ""),
            getattr(server, "wanted_of_rcpt", ""),
        )
        self.mails.append(one)
        self.copies[one.id] += 1
        if self.lose:
            self.lose -= 1
            server.transport.abort()
        return "250 2.0.0 OK"

    # what tests call

    @property
    def connections(self) -> int:
        """How many connections its mails came by."""
        return len(self._peers)

    @property
    def once(self) -> dict[str, Mail]:
        """The mails by Message-ID, as a reader's program shows them: one of each."""
        return {mail.id: mail for mail in self.mails}

    def open(self) -> Self:
        assert self._controller is None, "it is open"
        context = self.certificates.server() if self.certificates is not None and self.tls != "NONE" else None
        login = self.login

        def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
            assert isinstance(data, LoginPassword)
            return AuthResult(success=(data.login.decode(), data.password.decode()) == login, handled=False)

        def factory() -> SMTP:
            return _Smtp(
                self,
                hostname="mail.test",
                enable_SMTPUTF8=self.utf8,
                tls_context=context if self.tls == "STARTTLS" else None,
                require_starttls=self.tls == "STARTTLS",
                authenticator=check if login is not None else None,
                auth_require_tls=self.tls == "STARTTLS",
            )

        class Own(Controller):
            def factory(self) -> SMTP:
                return factory()

        self._controller = Own(
            self,
            hostname=HOST,
            port=self.port,
            ssl_context=context if self.tls == "IMPLICIT" else None,
            ready_timeout=10,
        )
        self._controller.start()
        return self

    def close(self) -> None:
        """Go away: connections break, new ones are refused."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        return self.open() if self._controller is None else self

    def __exit__(self, *_: object) -> None:
        self.close()


# ---------------------------------------------------------------- HTTP


@dataclass
class Request:
    """One request that the server got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    #: the peer's port, so that one connection can be told from another
    connection: int
    #: the subject of the certificate that the caller showed
    certificate: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """status 0: nothing is answered, the connection breaks."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


class HttpServer:
    """A web server. `requests` is what it got, in order; `answer` says what it answers.

    slow: seconds before an answer. lose: the number of requests that it carries out and whose answer it loses.
    """

    def __init__(self, *, certificates: Certificates | None = None, ask_client: bool = False):
        self.port = free_port()
        self.certificates, self.ask_client = certificates, ask_client
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Answer] = lambda request: Answer()
        self.slow = 0.0
        self.lose = 0
        self._server: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()

    @property
    def base(self) -> str:
        """Its address without a slash at the end."""
        return f"{'https' if self.certificates else 'http'}://localhost:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections its requests came by."""
        return len({request.connection for request in self.requests})

    def handle(self, request: Request) -> Answer:
        """Answer one request. For servers that do something."""
        return self.answer(request)

    def open(self) -> Self:
        assert self._server is None, "it is open"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # without it each answer waits for the caller's delayed acknowledgement
            disable_nagle_algorithm = True

            def setup(self) -> None:
                if isinstance(self.request, ssl.SSLSocket):
                    self.request.do_handshake()
                super().setup()

            def take(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                certificate = self.request.getpeercert() if isinstance(self.request, ssl.SSLSocket) else None
                request = Request(
                    self.command,
                    self.path,
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                    self.client_address[1],
                    certificate,
                )
                if outer.slow:
                    time.sleep(outer.slow)
                with outer._lock:
                    outer.requests.append(request)
                    answer = outer.handle(request)
                    if outer.lose:
                        outer.lose -= 1
                        answer = Answer(0)
                self.close_connection = self.close_connection or outer._server is None or answer.status == 0
                if answer.status == 0:
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = take

            def log_message(self, *_: Any) -> None:
                """Nothing: tests look at `requests`."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Callers that break off are part of the tests."""

        server = Quiet((HOST, self.port), Handler)
        if self.certificates is not None:
            server.socket = self.certificates.server(ask_client=self.ask_client).wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._server = server
        return self

    def close(self) -> None:
        """Go away: new connections are refused, a kept one ends with its next request."""
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        return self.open() if self._server is None else self

    def __exit__(self, *_: object) -> None:
        self.close()


class SmsServer(HttpServer):
    """An SMS aggregator: takes ``{"to", "from", "message", "reference"}`` by POST with a bearer token.

    `messages` is what it would send, by reference: the same reference again is answered with 409 and changes nothing.
    refuse: the status that a message is answered with, or None to take it. busy: seconds that it asks to wait (429).
    """

    def __init__(self, *, token: str = "t0ken", certificates: Certificates | None = None):
        super().__init__(certificates=certificates)
        self.token = token
        self.messages: dict[str, dict[str, str]] = {}
        self.repeats: Counter[str] = Counter()
        self.refuse: Callable[[dict[str, str]], int | None] = lambda message: None
        self.busy: int | None = None

    def handle(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401)
        if self.busy is not None:
            return Answer(429, headers={"Retry-After": str(self.busy)})
        message = request.json
        if (status := self.refuse(message)) is not None:
            return Answer(status)
        reference = message["reference"]
        if reference in self.messages:
            self.repeats[reference] += 1
            return Answer(409, json.dumps({"id": f"sms-{reference}"}).encode())
        self.messages[reference] = message
        return Answer(201, json.dumps({"id": f"sms-{reference}"}).encode())
