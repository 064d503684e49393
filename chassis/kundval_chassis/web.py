"""Requests to other systems over HTTP, as everything that needs one makes them.

Certificates are checked, connections kept, redirects not followed, answers bounded. An error holds the name of what
went wrong and nothing of the request.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InvalidHeader,
    NewConnectionError,
    ProtocolError,
    SSLError,
)

from .limit import fair, limited

#: seconds that the other side may be silent
SILENCE = 10.0
#: seconds for a request in all: an other side that sends a byte now and then is never silent
IN_ALL = 60.0
#: the most bytes of an answer that are read; more says nothing that is needed
LARGEST = 64 * 1024
#: the longest that an other side can make us wait, in seconds
LONGEST = 6 * 3600

#: what goes wrong before anything is sent
_BEFORE = (NewConnectionError, ConnectTimeoutError, SSLError)


class Unreached(Exception):
    """No answer came. `code` names the error. perhaps: the other side had the request, and may have done it."""

    def __init__(self, code: str, *, perhaps: bool):
        super().__init__(code)
        self.code = code
        self.perhaps = perhaps


@dataclass(frozen=True, slots=True)
class Reply:
    """status: of HTTP. retry_after: seconds that it asks to wait."""

    status: int
    body: bytes = field(repr=False)
    retry_after: int | None

    @property
    def code(self) -> str:
        return f"HTTP_{self.status}"

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """The object in the answer; an empty one if it holds none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def trusting(authority: Path | None, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """What TLS is spoken with: certificates of the system's authorities, and of `authority`, are believed.

    certificate, key: shown to who asks for one. Raises OSError or ssl.SSLError if a file cannot be used.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority is not None:
        context.load_verify_locations(cafile=str(authority))
    if certificate is not None:
        context.load_cert_chain(str(certificate), str(key) if key is not None else None)
    return context


class _Plain(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        fair(self.sock)


class _Secure(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        fair(self.sock)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


class Web:
    """Asks one other side, or many. Not for two green threads at once.

    agent: what it says it is. silence, in_all: seconds, as the constants of this module say.
    """

    def __init__(self, context: ssl.SSLContext, agent: str, *, silence: float = SILENCE, in_all: float = IN_ALL):
        self._agent = agent
        self._in_all = in_all
        self._pools = urllib3.PoolManager(
            num_pools=50,
            maxsize=1,
            ssl_context=context,
            timeout=urllib3.Timeout(connect=silence, read=silence),
            retries=False,
        )
        self._pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, at: str | None = None, known: bool = True
    ) -> Reply:
        """Post a body. at: the IP address behind the host of the url. Raises Unreached.

        A kept connection may end just when it is used: then the same is sent once more, at once, if the other side is
        `known` to see by an id what it gets twice.
        """
        try:
            with limited(self._in_all):
                try:
                    return self._post(url, body, headers, at)
                except ProtocolError:
                    if not known:
                        raise
                    return self._post(url, body, headers, at)
        except (HTTPError, OSError, ValueError) as error:
            raise Unreached(type(error).__name__, perhaps=not isinstance(error, _BEFORE)) from None

    def close(self) -> None:
        self._pools.clear()

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], at: str | None) -> Reply:
        parts = urllib3.util.parse_url(url)
        scheme, host = parts.scheme or "https", (parts.host or "").strip("[]")
        more = {"server_hostname": host} if scheme == "https" else {}
        pool = self._pools.connection_from_host(at or host, parts.port, scheme, more)
        answer = pool.urlopen(
            "POST",
            parts.request_uri,
            body=body,
            headers={"Host": parts.netloc or "", "User-Agent": self._agent, "Accept": "application/json", **headers},
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        found = answer.read(LARGEST + 1)
        if len(found) > LARGEST:
            # the rest is not waited for, and the connection cannot be used again
            answer.close()
        answer.release_conn()
        return Reply(answer.status, found[:LARGEST], _seconds(answer.headers.get("Retry-After")))


def _seconds(value: str | None) -> int | None:
    """Seconds of a Retry-After, which is a number or a date."""
    if value is None:
        return None
    try:
        found = urllib3.Retry().parse_retry_after(value)
    except (InvalidHeader, ValueError, OverflowError):
        return None
    return max(1, min(int(found), LONGEST))
