"""The process of the gateway: settings, the HTTP server, a clean end.

It ends at SIGTERM or SIGINT: calls in hand are finished (bounded by ``KUNDVAL_STOP_SECONDS``), new ones get 503.
TLS is for whatever stands before it, as for the pages of the services.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, cast

import amqp
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer, create_server
from waitress.task import ErrorTask

from kundval_contracts import catalogue
from kundval_contracts.client import LARGEST, Client
from kundval_contracts.errors import InternalError, InvalidRequest, KundvalError
from kundval_contracts.wire import broker, establish

from .. import logs, traces
from ..guards import guarded
from ..settings import REQUIRED, Setting, Settings, SettingsError, load, number
from .app import Gateway, Limits, refusal

NAME = "gateway"
OK, FAILED, REFUSED = 0, 1, 2

#: settings of the gateway, as KUNDVAL_GATEWAY_…; with AMQP_URI, HTTP_HOST, LOG_LEVEL and STOP_SECONDS of every process
SETTINGS = (
    Setting("HTTP_PORT", number(1, 65535), REQUIRED, "port of the gateway"),
    Setting("BODY_BYTES", number(1024, LARGEST), 4 * 2**20, "bytes that a request may have"),
    Setting("CALL_SECONDS", number(1, 300), 30, "seconds that a call may take"),
    Setting("CALLS_AT_ONCE", number(1, 500), 32, "calls in hand at once; one more gets 503"),
    Setting("CALLS_A_MINUTE", number(1, 1_000_000), 1200, "calls in a minute with one token; one more gets 429"),
    Setting("CONNECTIONS", number(10, 5000), 500, "HTTP connections at once; more wait to be taken"),
)
_SHARED = ("AMQP_URI", "HTTP_HOST", "LOG_LEVEL", "STOP_SECONDS", "TLS_AUTHORITY", "TRACES", "TRACES_RATIO")
#: threads besides those for calls, so that there is always one to say 503
_SPARE = 4
_HEADER_BYTES = 32 * 1024
#: seconds for which the last look at the broker holds, and that a look may take
_FRESH, _PATIENCE = 2.0, 2.0
#: seconds in which the last answers have to leave
_FLUSH = 5.0

log = logs.get(__name__)


def settings_of(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of the gateway; raises `SettingsError` with every fault."""
    return load(NAME, environ, more=SETTINGS, only=[*_SHARED, *(setting.name for setting in SETTINGS)])


def run(
    environ: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
) -> int:
    """Serve until told to stop; the exit status: 0 stopped as told, 1 something went wrong, 2 wrong settings."""
    try:
        settings = settings_of(environ)
    except SettingsError as error:
        for key, message in error.faults:
            say(f"{key}: {message}")
        return REFUSED
    logs.configure(settings["LOG_LEVEL"], service=NAME)
    for key, note in settings.notes:
        log.warning("setting_noted", setting=key, remark=note)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    address = (settings["HTTP_HOST"], settings["HTTP_PORT"])
    try:
        listening = socket.create_server(address, family=_family(settings["HTTP_HOST"]))
    except OSError as error:
        say(f"kundval: the gateway cannot listen at {address[0]}:{address[1]} ({type(error).__name__})")
        return FAILED
    traces.configure(settings, NAME, version("kundval-chassis"))
    told = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda number, frame: told.set())
    with Client(settings["AMQP_URI"], name="kundval-gateway") as client:
        server = Server(settings, client, listening)
        log.info("started", service=NAME)
        while not told.wait(1.0):
            if not server.alive:
                log.error("gateway_died")
                return FAILED
        clean = server.stop(settings["STOP_SECONDS"])
    traces.end()
    log.info("stopped", clean=clean)
    return OK if clean else FAILED


class Server:
    """The gateway on the socket `listening`, in threads that end with the process."""

    def __init__(self, settings: Settings, client: Client, listening: socket.socket):
        limits = Limits(
            settings["BODY_BYTES"], settings["CALL_SECONDS"], settings["CALLS_AT_ONCE"], settings["CALLS_A_MINUTE"]
        )
        self._gateway = Gateway(client, limits, Broker(settings["AMQP_URI"]).trouble, document())
        made = create_server(
            self._gateway,
            sockets=[listening],
            threads=limits.at_once + _SPARE,
            ident=None,
            # the application refuses what is a little too large, the server what is far too large: both as a problem
            max_request_body_size=2 * limits.body,
            max_request_header_size=_HEADER_BYTES,
            connection_limit=settings["CONNECTIONS"],
            channel_timeout=60,
            # the whole of a large answer is in memory already
            outbuf_high_watermark=2 * LARGEST,
            asyncore_use_poll=True,
        )
        # one socket makes one server
        self._server = cast(TcpWSGIServer, made)
        self._server.channel_class = _Channel
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self, seconds: float) -> bool:
        """Finish what is in hand; whether everything was."""
        clean = self._gateway.drain(seconds)
        until = time.monotonic() + _FLUSH
        while self._unsent() and time.monotonic() < until:
            time.sleep(0.02)
        return clean

    def _unsent(self) -> bool:
        channels: Any = self._server.active_channels
        return any(one.requests or one.total_outbufs_len for one in list(channels.values()))


class Broker:
    """Whether the broker takes connections; looks every few seconds at most."""

    def __init__(self, amqp_uri: str):
        self._uri = amqp_uri
        self._lock = threading.Lock()
        self._at = -_FRESH
        self._found: str | None = None

    def trouble(self) -> str | None:
        """What is wrong, or None."""
        with self._lock:
            if time.monotonic() - self._at >= _FRESH:
                self._found = self._look()
                self._at = time.monotonic()
            return self._found

    def _look(self) -> str | None:
        try:
            establish(broker(self._uri, connect_timeout=_PATIENCE)).collect()
        except (OSError, amqp.AMQPError) as error:
            return f"cannot be reached ({type(error).__name__})"
        return None


def document() -> bytes:
    """The committed OpenAPI document."""
    return catalogue.text("openapi.json").encode()


class _Refused(ErrorTask):
    """What the server itself refuses, as a problem and without quoting it."""

    def execute(self) -> None:
        request: Any = self.request
        reply = refusal(_error_of(int(request.error.code)))
        self.status = f"{reply.status.value} {reply.status.phrase}"
        self.response_headers = guarded([("Content-Type", reply.content_type)])
        self.set_close_on_finish()
        self.content_length = len(reply.body)
        self.write(reply.body)


def _error_of(status: int) -> KundvalError:
    if status == 413:
        return InvalidRequest("The request is too large: send it in parts.", code="REQUEST_TOO_LARGE")
    if status == 431:
        return InvalidRequest("The headers are too large.", code="HEADERS_TOO_LARGE")
    if status == 500:
        return InternalError()
    return InvalidRequest("The request is not HTTP as this server speaks it.", code="NOT_HTTP")


class _Parser(HTTPRequestParser):
    """Takes no request that says in two ways how long it is: who stands before this server may believe the other one
    (RFC 9112, 6.3). The connection ends with it.
    """

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("both Content-Length and Transfer-Encoding")


class _Channel(HTTPChannel):
    error_task_class = _Refused
    parser_class = _Parser


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
